"""Chapter 4, Stability: softmax, log-softmax and log-sum-exp to a few ulp.

The functions of rows are the mathematics, and change none of their arguments. How rows are cut
into blocks is in `_rows`, how gradients are taken in `_autograd`.
"""

import torch

from softmax_lab.torch._autograd import LogSoftmax, LogSumExp, Softmax
from softmax_lab.torch._rows import apply, as_dims, as_real


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
