"""The formulas of the book, for rows: the classes are the last dimension.

Each function works in the precision of its input, changes none of its arguments but `out`, where
it may work and leave its result, and leaves devices, blocks and autograd to others.
"""

import numpy as np
import torch

from softmax_lab.torch._rows import eager, may_ask, may_hold

SHORT = 1024  # classes up to which a plain sum may be off by 2 ulp


def two_diff(x, y):
    """Return x − y rounded, and its rounding error: together they are exact (Knuth's TwoDiff)."""
    t = x - y
    z = t - x
    return t, (x - (t - z)).sub_(z + y)


def exponentials(x, out=None):
    """Return the maximum a of each row, w = e^(x − c) for some c, Σ w, and Σ e^(x − a) − 1."""
    a = x.amax(-1, keepdim=True)
    shift = needs_shift(x, a)
    if shift:
        w = below(x, a)
    else:
        w = torch.exp(x, out=out)
        total, top = row_sum(w), a.exp()
        if (total > 4 * top).all():
            return a, w, total, total / top - 1
        w = w.div_(w.amax(-1, keepdim=True))
    rest = sum_of_losers(w)
    if shift:
        rest = defined(a, rest)
    return a, w, 1 + rest, rest


def below(x, a):
    """Return e^(x − a), where no x is above a."""
    t, delta = two_diff(x, a)
    w = t.exp_()
    if may_hold(a, torch.inf):
        w = torch.where(x == a, 1.0, w)  # an infinity less itself would be nan
    return w.addcmul(w, nan_to_zero(delta))  # e^(x − a) = e^t (1 + δ)


def defined(a, total, one=0):
    """Return a sum, which is `one` for a single winner, or nan for rows that have no limit.

    Those are rows with several +inf, and with nothing but −inf.
    """
    return total.masked_fill((a == -torch.inf) | ((a == torch.inf) & (total > one)), torch.nan)


def sum_of_losers(w, dtype=None):
    """Return Σ w − 1 for rows whose largest entry is 1, added up in their dtype or in another.

    A sum that starts at 1 loses the digits of all that is small beside it. So the fractions are
    added up without the winners, which are the whole parts.
    """
    losers = w.frac()
    rest = row_sum(losers) if dtype is None else losers.sum(-1, keepdim=True, dtype=dtype)
    return rest - (losers.sub_(w).sum(-1, keepdim=True, dtype=dtype) + 1)


def row_sum(w, most=None):
    """Return Σ w, to a digit and a half. No w is above `most`, where that is known.

    Torch adds in many places at once. In long rows their errors average out; short ones are added
    up in float64, and those of float64 as in `exact_sum` of the NumPy side. Where one is added
    after the other, no row is long; and to make float64 of float32 takes long there.
    """
    n, in_turn = w.shape[-1], adds_in_turn(w)
    if not in_turn and (w.device.type != "cpu" or torch.compiler.is_exporting() or n > SHORT):
        return w.sum(-1, keepdim=True)
    if w.dtype == torch.float32 and not (in_turn and most and n <= SHORT):
        return w.sum(-1, keepdim=True, dtype=torch.float64).to(w.dtype)
    large = (w.amax(-1, keepdim=True) if most is None else most) * (2 * n)
    high = (w + large).sub_(large)
    return high.sum(-1, keepdim=True) + (w - high).sum(-1, keepdim=True)


def adds_in_turn(w):
    """Whether this is being compiled for the CPU; what is exported is not compiled yet."""
    compiling = torch.compiler.is_compiling() and not torch.compiler.is_exporting()
    return compiling and w.device.type == "cpu"


def wide_sum(x):
    """Return the sum over the classes, in float64 where that is done for float32."""
    return row_sum(x) if x.dtype == torch.float32 else class_sum(x)


def nan_to_zero(x):
    """Replace nan by 0, in the way that is fast eagerly, or in compiled code."""
    if torch.compiler.is_compiling():
        return torch.where(x == x, x, 0.0)
    return x.nan_to_num_()


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
    return t.sub_(rest.log1p().to(t.dtype))


def softmax(x, out=None):
    """Return p = w / Σ w."""
    a, w, total, _ = exponentials(x, out)
    if adds_in_turn(w):  # as good there, and faster: nothing is left of the sum without the winner
        total = defined(a, row_sum(w, 1), 1)
    return w.div_(total)


def log_softmax(x, out=None):
    """Return log p."""
    return log_p(x, *pairs(x, out), out)


def logsumexp(x, out=None):
    """Return a + log(1 + rest)."""
    return lse(*pairs(x, out))


def lse(a, rest):
    """Return a + log(1 + rest); an infinite maximum is the sum."""
    return torch.where(a.isinf(), a, a + rest.log1p())


def p(x, a, rest, out=None):
    """Return p of a piece of each row, given a and, in float64, rest of the whole."""
    return below(x, a).div_((1 + rest).to(x.dtype))


def pairs(x, out=None):
    """Return a and rest of each row."""
    a, _, _, rest = exponentials(x, out)
    return a, rest


def piece(x, out=None):
    """Return a and rest of a piece of each row: all that the pieces must know of one another.

    The sum is in float64. Were it rounded in each piece, and again where they join, p would be off
    by 4.9 ulp of float32.
    """
    a = x.amax(-1, keepdim=True)
    return a, sum_of_losers(below(x, a), torch.float64)


def joined(m, r):
    """Return a and rest of rows of which each piece has an m and an r: the first dimension.

    It is the rule of `merge` for s = 1 + r. The 1 of the largest piece is never added, so that no
    digits are lost beside it.
    """
    a, first = m.max(0)
    s = (1 + r) * below(m, a)
    s = s.masked_fill_(m == -torch.inf, 0.0)  # an empty piece
    first = first[None]
    return a, defined(a, s.scatter_(0, first, r.gather(0, first)).sum(0))


def class_sum(x):
    """Return the sum over the classes."""
    return x.sum(-1, keepdim=True)


def softmax_vjp(p, v, out=None, total=class_sum, library=torch):
    """Return y = p ⊙ (v − Σ p v), less p Σ y. Where p is a piece, `total` sums over the row.

    In exact arithmetic Σ y is 0, since p sums to 1. To take p Σ y away removes what rounding left:
    at a confident winner that is all there is.
    """
    if total is class_sum and eager(p, v) and v.dtype == p.dtype:
        # Torch has y in one sweep. It knows no strides of what it writes to.
        y = out if out is not None and out.is_contiguous() else None
        y = torch._softmax_backward_data(v, p, -1, p.dtype, grad_input=y)
        return y.addcmul_(p, total(y), value=-1)
    y = library.subtract(v, total(library.multiply(p, v, out=out)), out=out)
    y *= p
    y -= p * total(y)
    return y


def small_softmax_vjp(p, out, v, scratch):
    """Fill `out` with the same for arrays of NumPy whose classes are on axis 1."""
    softmax_vjp(p, v, out, lambda x: np.add.reduce(x, 1, None, None, True), np)


def log_softmax_vjp(x, v, out=None):
    """Return v − w (Σ v / Σ w), which is v − p Σ v; twice, as in `softmax_vjp`.

    It starts from x: the exponential of a saved log p would be wrong by |log p| ulp.
    """
    _, w, whole, _ = exponentials(x)
    return without_share(v, w, whole, out)


def without_share(v, w, whole, out=None, total=class_sum):
    """Return v − w (Σ v / Σ w), centred twice, where `whole` is Σ w; if that is infinite, once."""
    c = torch.addcmul(v, w, total(v) / whole, value=-1, out=out)
    return c.addcmul_(w, torch.nan_to_num(total(c) / whole, 0.0, 0.0, 0.0), value=-1)


def masses(target, weight, share, n, smoothing, classes=None):
    """Return the target mass q of each class: smoothed, times its weight, times the row's share.

    These are n of the classes: all of them, or a piece.
    """
    if not target.is_floating_point():
        target = (torch.arange(n, device=target.device) == target).to(share.dtype)
    q = (1 - smoothing) * target + smoothing / max(n if classes is None else classes, 1)
    return q * share if weight is None else q * weight * share


def index_loss(x, y, share, *, with_gradient, out=None):
    """Return share · (−log p_y), and its gradient share · (p − e_y)."""
    x_y = x.gather(-1, y)  # before x may be written over: it may be `out`
    a, w, total, rest = exponentials(x, out)
    log_p_y = log_p(x_y, a, rest)
    loss = index_losses(share, log_p_y)
    return (loss, index_gradient(w, total, y, share, log_p_y)) if with_gradient else (loss,)


def index_losses(share, log_p_y):
    """Return share · (−log p_y), and 0 where the share is 0; of a sure row 0, not −0."""
    return (0 - share * log_p_y).masked_fill(share == 0, 0.0)


def index_gradient(w, total, y, share, log_p_y, mine=None):
    """Return share · (p − e_y). In a piece of a row, y may be among its classes, or not be `mine`.

    At y, p − 1 is expm1(log p): nothing cancels, however sure the row is.
    """
    gradient, at_y = w.mul_(share / total), share * log_p_y.expm1()
    if mine is not None:
        at_y = torch.where(mine, at_y, gradient.gather(-1, y))
    gradient = put(gradient, y, at_y)
    return gradient.masked_fill_(share == 0, 0.0) if may_hold(share, 0) else gradient


def soft_loss(x, target, share, *weight, smoothing, with_gradient, out=None):
    """Return −Σ q log p, and its gradient M p − q, where M = Σ q."""
    q = masses(target, *(weight or (None,)), share, x.shape[-1], smoothing)
    a, w, total, rest = exponentials(x, out)
    logs = log_p(x, a, rest)
    loss = 0 - wide_sum(torch.where(q == 0, 0.0, q * logs))
    if not with_gradient:
        return (loss,)
    return loss, soft_gradient(w.div_(total), logs, q, wide_sum(q))


def soft_gradient(p, logs, q, mass, elsewhere=0.0):
    """Return M p − q, given p and log p, and the mass that is not in q but elsewhere.

    One class may hold more than half of the mass. There M p − q could cancel: M (p − 1), and the
    mass of the other classes, cannot. The memory of `q` is used.
    """
    q_k, k = q.max(-1, keepdim=True)
    gradient = mass * p - q
    at_k = mass * logs.gather(-1, k).expm1() + (wide_sum(put(q, k, 0.0)) + elsewhere)
    at_k = torch.where(2 * q_k > mass, at_k, gradient.gather(-1, k))
    return put(gradient, k, at_k).masked_fill(mass == 0, 0.0)


def mass(of_y, of_classes, smoothing, classes):
    """Return Σ q over a piece for a class index, given the weights there: of y, and of all."""
    return (1 - smoothing) * of_y + smoothing / max(classes, 1) * of_classes


def soft_piece(x, target, share, *weight, smoothing, classes, out=None):
    """Return the pair of a piece of each row, and Σ q (x − m)."""
    q = masses(target, *(weight or (None,)), share, x.shape[-1], smoothing, classes)
    m, r = piece(x)
    of_q = torch.where((q == 0) | (x == m), 0.0, q * (x - m))
    return m, r, of_q.sum(-1, keepdim=True)


def soft_piece_gradient(x, target, share, mass, a, rest, *weight, smoothing, classes, out=None):
    """Return M p − q of a piece, given the mass, a and rest of the whole row."""
    q = masses(target, *(weight or (None,)), share, x.shape[-1], smoothing, classes)
    return soft_gradient(p(x, a, rest), log_p(x, a, rest), q, mass, mass - wide_sum(q))


def index_piece_gradient(x, y, share, mine, log_p_y, a, rest, out=None):
    """Return share · (p − e_y) of a piece, given log p_y, a and rest of the whole row."""
    total = (1 + rest).to(x.dtype)
    return index_gradient(below(x, a), total, y, share, log_p_y, mine)


def joined_loss(m, of_q, q, a, rest):
    """Return −Σ q log p from the pieces' m, Σ q (x − m) and Σ q: no two terms cancel."""
    t = torch.where((q == 0) | (m == a), 0.0, q * (m - a))
    mass = q.sum(0)
    return torch.where(mass == 0, 0.0, mass * rest.log1p() - (of_q + t).sum(0))


def put(x, index, value):
    """Return `x` with one entry of each row replaced. `x` itself may be changed."""
    if torch.compiler.is_compiling():  # a comparison can be fused with what made x
        return torch.where(torch.arange(x.shape[-1], device=x.device) == index, value, x)
    return x.scatter_(-1, index, value)
