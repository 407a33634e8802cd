"""Chapter 4, Stability: softmax, log-softmax and log-sum-exp to a few ulp.

What happens to a row is in `_formulas`, how gradients are taken in `_autograd`, and how tensors
are cut into rows and blocks in `_rows`.
"""

from functools import partial

import torch

from softmax_lab.torch._arguments import as_dims, as_logits, as_real, as_tensor, distributed
from softmax_lab.torch._autograd import LogSoftmax, LogSumExp, Softmax
from softmax_lab.torch._rows import apply
from softmax_lab.torch._types import Dim, Tensor, TensorLike


def softmax(x: TensorLike, dim: Dim = -1, *, where: TensorLike | None = None) -> Tensor:
    r"""Turn logits into probabilities: :math:`p_i = e^{x_i} / \sum_j e^{x_j}`.

    Parameters
    ----------
    x : Tensor, any shape
        Logits.
    dim : int, tuple of int or None, default -1
        The classes. None means all dimensions together.
    where : Tensor of bool, optional
        Broadcasts to the shape of `x`. Classes that are False take no part; their probability is 0.

    Returns
    -------
    Tensor, the shape and floating dtype of `x`
        Probabilities: non-negative, and they sum to 1 along `dim`. Integers give the default dtype.

    Raises
    ------
    TypeError
        If `x` is complex, or `where` not of booleans.
    ValueError
        If `where` does not broadcast to the shape of `x`.

    Notes
    -----
    Within 4 ulp of the exact answer, whatever the range and the offset of the logits.
    Masking every class of a row gives a row of zeros; logits that are all -inf give nan.
    For the gradient p is saved, and nothing else.

    Of a DTensor the result is a DTensor, placed alike, and so is the gradient. Where the classes
    are sharded, processes tell one another two numbers a row, and never logits. An error on one is
    raised on all that share the row, and so is what they ask for differently, as far as
    `cross_entropy` says.

    Taught in :ref:`sec-stability-shift`.

    Examples
    --------
    >>> softmax([1.0, 2.0, 3.0])
    tensor([0.0900, 0.2447, 0.6652])
    >>> softmax([1000.0, 1000.0])
    tensor([0.5000, 0.5000])
    """
    if where is None:
        return apply(Softmax, as_logits(x, dim), dim)
    x, where, _ = masked(x, dim, where)
    return apply(Softmax, x, dim, masked=True).masked_fill(~where, 0.0)


def log_softmax(x: TensorLike, dim: Dim = -1, *, where: TensorLike | None = None) -> Tensor:
    r"""Take the logarithm of softmax: :math:`x_i - \log \sum_j e^{x_j}`.

    Parameters
    ----------
    x : Tensor, any shape
        Logits.
    dim : int, tuple of int or None, default -1
        The classes. None means all dimensions together.
    where : Tensor of bool, optional
        Broadcasts to the shape of `x`. Classes that are False take no part; they give -inf.

    Returns
    -------
    Tensor, the shape and floating dtype of `x`
        Log-probabilities in nats, none above 0. Integers give the default dtype.

    Raises
    ------
    TypeError
        If `x` is complex, or `where` not of booleans.
    ValueError
        If `where` does not broadcast to the shape of `x`.

    Notes
    -----
    Within 4 ulp, also at a confident winner, where subtracting a rounded logsumexp returns 0.

    Of a DTensor the result is a DTensor, placed alike, and so is the gradient. Where the classes
    are sharded, processes tell one another two numbers a row, and never logits. An error on one is
    raised on all that share the row, and so is what they ask for differently, as far as
    `cross_entropy` says.

    Taught in :ref:`sec-stability-logsumexp`.

    Examples
    --------
    >>> log_softmax([0.0, -40.0])
    tensor([-4.2484e-18, -4.0000e+01])
    """
    if where is None:
        return apply(LogSoftmax, as_logits(x, dim), dim)
    x, where, _ = masked(x, dim, where)
    return apply(LogSoftmax, x, dim, masked=True).masked_fill(~where, -torch.inf)


def logsumexp(
    x: TensorLike, dim: Dim = -1, *, keepdim: bool = False, where: TensorLike | None = None
) -> Tensor:
    r"""Sum on the scale of logarithms: :math:`\log \sum_j e^{x_j}`.

    Parameters
    ----------
    x : Tensor, any shape
        Logits.
    dim : int, tuple of int or None, default -1
        The dimensions to sum over. None means all of them.
    keepdim : bool, default False
        Keep the summed dimensions, with length 1.
    where : Tensor of bool, optional
        Broadcasts to the shape of `x`. Entries that are False take no part.

    Returns
    -------
    Tensor, the shape of `x` without `dim`
        In nats. The sum over nothing is -inf.

    Raises
    ------
    TypeError
        If `x` is complex, or `where` not of booleans.
    ValueError
        If `where` does not broadcast to the shape of `x`.

    Notes
    -----
    A shift of every entry shifts the result: logsumexp(x + c) = logsumexp(x) + c. It is
    *equivariant*, where softmax is invariant. Softmax is its gradient.

    Of a DTensor the result is a DTensor, placed as its rows are: processes that share the classes
    of a row tell one another two numbers, and all have its logsumexp; or an error, if one has one
    or they ask for different things, as far as `cross_entropy` says.

    Taught in :ref:`sec-stability-logsumexp`.

    Examples
    --------
    >>> logsumexp([1000.0, 1000.0])
    tensor(1000.6932)
    """
    x = as_real(x)
    some = None
    if where is not None:
        x, where, some = masked(x, dim, where)
    y = apply(LogSumExp, x, dim, reduced=True, masked=where is not None)
    if some is not None:
        y = y.masked_fill(~some, -torch.inf)
    return y if keepdim or x.ndim == 0 else y.squeeze(as_dims(dim, x.ndim))


def shifted_softmax(x: TensorLike, dim: Dim = -1) -> Tensor:
    r"""Subtract the maximum, then apply the formula: the stable softmax of most libraries.

    Parameters
    ----------
    x : Tensor, any shape
        Logits.
    dim : int, tuple of int or None, default -1
        The classes. None means all dimensions together.

    Returns
    -------
    Tensor, the shape of `x`
        Probabilities.

    Notes
    -----
    :math:`e^{x_i - m} / \sum_j e^{x_j - m}` with :math:`m = \max x` never overflows. The rounding
    of x − m still costs digits: `softmax` keeps them.

    Taught in :ref:`sec-stability-shift`.

    Examples
    --------
    >>> shifted_softmax([1000.0, 1000.0])
    tensor([0.5000, 0.5000])
    """
    x = as_logits(x, dim)
    dims = as_dims(dim, x.ndim)
    top = x.amax(dims, keepdim=True) if x.numel() else 0.0  # nothing has no maximum
    w = (x - top).exp()
    return w / w.sum(dims, keepdim=True)


def masked(x, dim, where):
    """Return logits with −inf where `where` is False, `where` itself, and which rows keep a class.

    A row that keeps none is 0 instead, so that no nan arises on the way.
    """
    x = as_tensor(x, "x")
    if distributed(x):
        from softmax_lab.torch import _sharded

        return _sharded.masked(x, dim, partial(mask_of, x, where))
    where = mask_of(x, where)
    x = as_logits(x, dim, where=where)
    some = where.any(as_dims(dim, x.ndim), keepdim=True)
    return torch.where(where, x, torch.where(some, -torch.inf, 0.0).to(x.dtype)), where, some


def mask_of(x, where):
    """Return `where` in the shape of `x`, or raise an error."""
    where = as_tensor(where, "where", x.device)
    if where.dtype != torch.bool and where.numel():  # numbers: 0 and -inf mask elsewhere
        raise TypeError(f"where must hold booleans, but its dtype is {where.dtype}")
    sizes = zip(reversed(where.shape), reversed(x.shape), strict=False)
    if where.ndim > x.ndim or any(m not in (1, n) for m, n in sizes):
        raise ValueError(
            f"where has shape {tuple(where.shape)}; it must broadcast to that of x, "
            f"{tuple(x.shape)}"
        )
    return where.bool().broadcast_to(x.shape)
