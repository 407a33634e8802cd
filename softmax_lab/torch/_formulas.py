"""The formulas of the book, for rows: the classes are the last dimension.

Each function works in the precision of its input, changes none of its arguments but `out`, where
it may work and leave its result, and leaves devices, blocks and autograd to others.
"""

import torch

from softmax_lab.torch._rows import may_ask, may_hold


def two_diff(x, y):
    """Return x − y rounded, and its rounding error: together they are exact (Knuth's TwoDiff)."""
    t = x - y
    z = t - x
    return t, (t - z).neg_().add_(x).sub_(z + y)


def exponentials(x, out=None):
    """Return the maximum a of each row, w = e^(x − c) for some c, Σ w, and Σ e^(x − a) − 1."""
    a = x.amax(-1, keepdim=True)
    shift = needs_shift(x, a)
    if shift:
        t, delta = two_diff(x, a)
        if may_hold(a, torch.inf):
            t = torch.where(x == a, 0.0, t)
        w = t.exp_()
        w = w.addcmul(w, nan_to_zero(delta))  # e^(x − a) = e^t (1 + δ)
    else:
        w = torch.exp(x, out=out)
        total, top = w.sum(-1, keepdim=True), a.exp()
        if (total > 4 * top).all():
            return a, w, total, total / top - 1
        w = w.div_(w.amax(-1, keepdim=True))
    rest = sum_of_losers(w)
    if shift:  # a row with several +inf, or with nothing but −inf, has no limit
        undefined = (a == -torch.inf) | ((a == torch.inf) & (rest > 0))
        rest = rest.masked_fill(undefined, torch.nan)
    return a, w, 1 + rest, rest


def sum_of_losers(w):
    """Return Σ w − 1 for rows whose largest entry is 1.

    A sum that starts at 1 loses the digits of all that is small beside it. So the fractions are
    added up without the winners, which are the whole parts.
    """
    losers = w.frac()
    rest = row_sum(losers)
    return rest - (losers.sub_(w).sum(-1, keepdim=True) + 1)


def row_sum(w):
    """Return Σ w. Torch adds pairwise, but code compiled for the CPU adds one after the other.

    There the sum is taken in float64, or over chunks first: its error must not grow with the row.
    What is exported is not compiled yet, and may not depend on a remainder.
    """
    n, chunk = w.shape[-1], 128
    compiling = torch.compiler.is_compiling() and not torch.compiler.is_exporting()
    if compiling and w.device.type == "cpu":
        if w.dtype == torch.float32:
            return w.sum(-1, keepdim=True, dtype=torch.float64).to(w.dtype)
        w = torch.nn.functional.pad(w, (0, -n % chunk)).unflatten(-1, (-1, chunk)).sum(-1)
    return w.sum(-1, keepdim=True)


def nan_to_zero(x):
    """Replace nan by 0, in the way that is fast eagerly, or in compiled code."""
    if torch.compiler.is_compiling():
        return torch.where(x == x, x, 0.0)
    return x.nan_to_num_(0.0, 0.0, 0.0)


def needs_shift(x, a):
    """Whether rows x with maxima a must be shifted by them.

    Between these limits they need not be: neither e^x nor its sum can overflow, nor can an answer
    be lost to underflow; and without a shift, the rounding error of x − a is not made at all.
    """
    if not may_ask(a):
        return True
    low, high = a.aminmax()
    least, most = (-87, 60) if a.dtype == torch.float32 else (-708, 600)
    return not (high <= most and (low >= -1 or x.amin() >= least))


def log_p(x, a, rest, out=None):
    """Return log softmax(x) = (x − a) − log(1 + rest): neither term is positive."""
    t = torch.sub(x, a, out=out)
    if may_hold(a, torch.inf):
        t = torch.where(x == a, 0.0, t)
    return t.sub_(rest.log1p())


def softmax(x, out=None):
    """Return p = w / Σ w."""
    _, w, total, _ = exponentials(x, out)
    return w.mul_(total.reciprocal_())


def log_softmax(x, out=None):
    """Return log p."""
    a, _, _, rest = exponentials(x, out)
    return log_p(x, a, rest, out)


def logsumexp(x, out=None):
    """Return a + log(1 + rest); the sum over nothing but −inf is −inf."""
    a, _, _, rest = exponentials(x, out)
    return torch.where(a == -torch.inf, a, a + rest.log1p())


def softmax_vjp(p, v, out=None):
    """Return p ⊙ (v − Σ p v).

    In exact arithmetic the second centring changes nothing, since p sums to 1. It removes what
    rounding left of the first: at a confident winner that is all there is.
    """
    c = torch.sub(v, torch.mul(p, v, out=out).sum(-1, keepdim=True), out=out)
    return c.sub_((p * c).sum(-1, keepdim=True)).mul_(p)


def log_softmax_vjp(x, v, out=None):
    """Return v − p Σ v; twice, as in `softmax_vjp`.

    It starts from x: the exponential of a saved log p would be wrong by |log p| ulp.
    """
    p = softmax(x)
    c = torch.addcmul(v, p, v.sum(-1, keepdim=True), value=-1, out=out)
    return c.addcmul_(p, c.sum(-1, keepdim=True), value=-1)


def masses(target, weight, share, n, smoothing):
    """Return the target mass q of each class: smoothed, times its weight, times the row's share."""
    if not target.is_floating_point():
        target = (torch.arange(n, device=target.device) == target).to(share.dtype)
    q = (1 - smoothing) * target + smoothing / n
    return q * share if weight is None else q * weight * share


def index_loss(x, y, share, *, with_gradient, out=None):
    """Return share · (−log p_y), and its gradient share · (p − e_y)."""
    a, w, total, rest = exponentials(x, out)
    log_p_y = log_p(x.gather(-1, y), a, rest)
    none = share == 0
    loss = (-share * log_p_y).masked_fill(none, 0.0)
    if not with_gradient:
        return (loss,)
    # At y, p − 1 is expm1(log p): nothing cancels, however sure the row is.
    gradient = put(w.mul_(share / total), y, share * log_p_y.expm1())
    return loss, gradient.masked_fill_(none, 0.0) if may_hold(share, 0) else gradient


def soft_loss(x, target, share, *weight, smoothing, with_gradient, out=None):
    """Return −Σ q log p, and its gradient M p − q, where M = Σ q."""
    q = masses(target, *(weight or (None,)), share, x.shape[-1], smoothing)
    a, w, total, rest = exponentials(x, out)
    logs = log_p(x, a, rest)
    loss = -torch.where(q == 0, 0.0, q * logs).sum(-1, keepdim=True)
    if not with_gradient:
        return (loss,)
    p, mass = w.div_(total), q.sum(-1, keepdim=True)
    # One class may hold more than half of the mass. There M p − q could cancel: M (p − 1) cannot.
    q_k, k = q.max(-1, keepdim=True)
    at_k = mass * logs.gather(-1, k).expm1() + (mass - q_k)
    at_k = torch.where(2 * q_k > mass, at_k, mass * p.gather(-1, k) - q_k)
    return loss, put(mass * p - q, k, at_k).masked_fill(mass == 0, 0.0)


def put(x, index, value):
    """Return `x` with one entry of each row replaced. `x` itself may be changed."""
    if torch.compiler.is_compiling():  # a comparison can be fused with what made x
        return torch.where(torch.arange(x.shape[-1], device=x.device) == index, value, x)
    return x.scatter_(-1, index, value)
