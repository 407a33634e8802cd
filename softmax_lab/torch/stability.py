"""Chapter 4, Stability: softmax, log-softmax and log-sum-exp to a few ulp, differentiable.

The functions of rows are the mathematics; the autograd functions say what is saved and how the
gradient is taken; the public functions come last.
"""

import torch

from softmax_lab.torch._rows import apply, as_dims, as_real, batched, by_rows, unknown


def two_diff(x, y):
    """Return x − y rounded, and its rounding error: together they are exact (Knuth's TwoDiff)."""
    t = x - y
    z = t - x
    return t, (x - (t - z)) - (y + z)


def exponentials(x):
    """Return the maximum a of each row, w = e^(x − a), and the sum of w less the winner's 1."""
    a = x.amax(-1, keepdim=True)
    low, high = (-1.0, 80.0) if x.dtype == torch.float32 else (-1.0, 600.0)
    if unknown(~((a >= low) & (a <= high))):
        t, delta = two_diff(x, a)
        if unknown(a == torch.inf):
            t = torch.where(x == a, 0.0, t)
        w = t.exp()
        w = w + w * delta.nan_to_num(0.0, 0.0, 0.0)  # e^(x − a) = e^t (1 + δ)
    else:
        # Neither e^x nor its sum can overflow, nor can an answer be lost to underflow: without
        # a shift, the rounding error of x − a is not made at all.
        w = x.exp()
        w = w / w.amax(-1, keepdim=True)
    # w splits into whole part and fraction; the whole parts count the winners.
    rest = (w.trunc().sum(-1, keepdim=True) - 1) + w.frac().sum(-1, keepdim=True)
    undefined = (a == -torch.inf) | ((a == torch.inf) & (rest > 0))
    return a, w, rest.masked_fill(undefined, torch.nan)


def softmax_rows(x):
    _, w, rest = exponentials(x)
    return (w * (1 / (1 + rest)),)


def log_softmax_rows(x):
    a, _, rest = exponentials(x)
    t = x - a
    if unknown(a == torch.inf):
        t = torch.where(x == a, 0.0, t)
    return (t - rest.log1p(),)


def logsumexp_rows(x):
    a, _, rest = exponentials(x)
    return (torch.where(a == -torch.inf, a, a + rest.log1p()),)


def softmax_vjp_rows(p, v):
    # In exact arithmetic the second centring changes nothing, since p sums to 1. It removes what
    # rounding left of the first: at a confident winner that is all there is.
    v = v - (p * v).sum(-1, keepdim=True)
    return (p * (v - (p * v).sum(-1, keepdim=True)),)


def log_softmax_vjp_rows(p, v):
    v = v - p * v.sum(-1, keepdim=True)  # twice, as above
    return (v - p * v.sum(-1, keepdim=True),)


def log_softmax_vjp_from_log_rows(log_p, v):
    return log_softmax_vjp_rows(log_p.exp(), v)


@batched
class SoftmaxVJP(torch.autograd.Function):
    """p ⊙ (v − Σ p v)."""

    @staticmethod
    def forward(p, v):
        return by_rows(softmax_vjp_rows, [torch.empty_like(p)], [p, v])[0]

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(*inputs)

    @staticmethod
    def backward(ctx, u):
        p, v = ctx.saved_tensors
        centred = v - (p * v).sum(-1, keepdim=True)
        return u * centred - v * (u * p).sum(-1, keepdim=True), SoftmaxVJP.apply(p, u)


@batched
class LogSoftmaxVJP(torch.autograd.Function):
    """v − p Σ v, from p or from its logarithm."""

    @staticmethod
    def forward(p, v, p_is_log=False):
        rows = log_softmax_vjp_from_log_rows if p_is_log else log_softmax_vjp_rows
        return by_rows(rows, [torch.empty_like(p)], [p, v])[0]

    @staticmethod
    def setup_context(ctx, inputs, output):
        *tensors, ctx.p_is_log = inputs
        ctx.save_for_backward(*tensors)

    @staticmethod
    def backward(ctx, u):
        p, v = ctx.saved_tensors
        p, chain = (p.exp(), p.exp()) if ctx.p_is_log else (p, 1)
        return -u * chain * v.sum(-1, keepdim=True), u - (p * u).sum(-1, keepdim=True), None


@batched
class Softmax(torch.autograd.Function):
    @staticmethod
    def forward(x):
        return by_rows(softmax_rows, [torch.empty_like(x)], [x])[0]

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(output)

    @staticmethod
    def backward(ctx, v):
        return SoftmaxVJP.apply(*ctx.saved_tensors, v)


@batched
class LogSoftmax(torch.autograd.Function):
    @staticmethod
    def forward(x):
        return by_rows(log_softmax_rows, [torch.empty_like(x)], [x])[0]

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(output)

    @staticmethod
    def backward(ctx, v):
        (y,) = ctx.saved_tensors
        return LogSoftmaxVJP.apply(y, v, True)


@batched
class LogSumExp(torch.autograd.Function):
    @staticmethod
    def forward(x):
        return by_rows(logsumexp_rows, [x.new_full((*x.shape[:-1], 1), -torch.inf)], [x])[0]

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(*inputs)

    @staticmethod
    def backward(ctx, v):
        (x,) = ctx.saved_tensors
        return v * Softmax.apply(x)


def masked(x, dim, where):
    """Return `x` with −inf where `where` is False, and which rows keep a class.

    A row that keeps none is 0 instead, so that no nan arises on the way.
    """
    where = torch.as_tensor(where, device=x.device).broadcast_to(x.shape)
    some = where.any(as_dims(dim, x.ndim), keepdim=True) if x.ndim else where
    return torch.where(where, x, torch.where(some, -torch.inf, 0.0).to(x.dtype)), some


def softmax(x, dim=-1, *, where=None):
    x = as_real(x)
    if where is None:
        return apply(Softmax, x, dim)
    x, some = masked(x, dim, where)
    return apply(Softmax, x, dim).masked_fill(~some, 0.0)


def log_softmax(x, dim=-1, *, where=None):
    x = as_real(x)
    if where is None:
        return apply(LogSoftmax, x, dim)
    x, some = masked(x, dim, where)
    return apply(LogSoftmax, x, dim).masked_fill(~some, -torch.inf)


def logsumexp(x, dim=-1, *, keepdim=False, where=None):
    x = as_real(x)
    if where is not None:
        x, some = masked(x, dim, where)
    y = apply(LogSumExp, x, dim, reduced=True)
    if where is not None:
        y = y.masked_fill(~some, -torch.inf)
    return y if keepdim or x.ndim == 0 else y.squeeze(as_dims(dim, x.ndim))


def shifted_softmax(x, dim=-1):
    x = as_real(x)
    dims = as_dims(dim, x.ndim)
    w = (x - x.amax(dims, keepdim=True)).exp()
    return w / w.sum(dims, keepdim=True)
