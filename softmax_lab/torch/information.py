"""Chapter 6, Cross-entropy: information in nats."""

import math
from functools import partial
from typing import SupportsIndex

import torch

from softmax_lab.torch._arguments import (
    as_dims,
    as_dtype,
    as_integer,
    as_logits,
    as_real,
    as_tensor,
    autocast,
    undistributed,
    wide,
)
from softmax_lab.torch._checks import check_probabilities, check_target, require
from softmax_lab.torch._types import Dim, DType, Tensor, TensorLike
from softmax_lab.torch.stability import log_softmax, softmax


def one_hot(target: TensorLike, num_classes: SupportsIndex, dtype: DType | None = None) -> Tensor:
    """Write class indices as vectors with a single 1.

    Parameters
    ----------
    target : Tensor of int, any shape
        Class indices from 0 to `num_classes` − 1.
    num_classes : int
        The number of classes C.
    dtype : dtype, optional
        The dtype of the result, by default torch's default.

    Returns
    -------
    Tensor, (..., T)
        The classes come last.

    Raises
    ------
    IndexError
        If an index is not a class.
    TypeError
        If `target` or `num_classes` does not hold integers, or `dtype` is none of torch's.
    ValueError
        If `num_classes` is negative.

    Notes
    -----
    Taught in :ref:`sec-cross-entropy-loss`.

    Examples
    --------
    >>> one_hot([2, 0], 3)
    tensor([[0., 0., 1.],
            [1., 0., 0.]])
    """
    num_classes = as_integer(num_classes, "num_classes")
    if num_classes < 0:
        raise ValueError(f"num_classes must not be negative, but it is {num_classes}")
    dtype = as_dtype(dtype)
    target = as_tensor(undistributed(target, "target"), "target")
    target, _ = check_target(target, num_classes)
    classes = torch.arange(num_classes, device=target.device)
    return (target[..., None] == classes).to(dtype)


def entropy(p: TensorLike, dim: Dim = -1) -> Tensor:
    r"""Measure the uncertainty of a distribution: :math:`-\sum_i p_i \log p_i`.

    Parameters
    ----------
    p : Tensor, any shape
        Probabilities that sum to 1 along `dim`.
    dim : int, tuple of int or None, default -1
        The classes.

    Returns
    -------
    Tensor, the shape of `p` without `dim`
        In nats, from 0 to log n. Divide by log 2 for bits.

    Raises
    ------
    ValueError
        If `p` is no distribution.

    Notes
    -----
    Taught in :ref:`sec-cross-entropy-distance`.

    Examples
    --------
    >>> entropy([0.5, 0.5])
    tensor(0.6931)
    """
    p, dtype = distribution(p, "p", dim)
    some = p > 0
    terms = torch.where(some, -p * torch.where(some, p, 1.0).log(), p * 0)
    return terms.sum(as_dims(dim, p.ndim)).to(dtype)


def kl_divergence(
    p: TensorLike, q: TensorLike, dim: Dim = -1, *, from_logits: bool = False
) -> Tensor:
    r"""Measure how far q is from p: :math:`\sum_i p_i \log (p_i / q_i)`.

    Parameters
    ----------
    p, q : Tensor, of one shape
        Probabilities that sum to 1 along `dim`; logits when `from_logits` is true.
    dim : int, tuple of int or None, default -1
        The classes.
    from_logits : bool, default False
        Compare softmax(p) with softmax(q): two close rows keep all digits.

    Returns
    -------
    Tensor, the shape of `p` without `dim`
        In nats; never negative, and inf where q rules out what p allows.

    Raises
    ------
    ValueError
        If the shapes differ, or `p` or `q` is no distribution.

    Notes
    -----
    The sum is taken over :math:`p (e^d - 1 - d)`, d = log(q/p), which adds q − p to each term.
    These sum to 0, and no term is negative.

    The gradient with respect to p is therefore log(p/q), not log(p/q) + 1, and given as 0 where p
    is 0; with respect to q it is 1 − p/q, not −p/q. The two differ by a constant in each row, which
    no change of p or q that keeps the sum at 1 can tell.

    Taught in :ref:`sec-cross-entropy-distance`.

    Examples
    --------
    >>> kl_divergence([0.5, 0.5], [1.0, 0.0])
    tensor(inf)
    """
    take = partial(as_logits, dim=dim) if from_logits else as_real
    p, q = take(p, name="p"), take(q, name="q")
    if p.shape != q.shape:
        raise ValueError(
            f"p has shape {tuple(p.shape)} and q {tuple(q.shape)}; they must be the same"
        )
    if p.ndim == 0:
        p, q = p.reshape(1), q.reshape(1)
    dims = as_dims(dim, p.ndim)
    if from_logits:
        dtype = torch.promote_types(autocast(p), autocast(q))
        p, q, d = log_ratio_of_logits(p.to(wide(dtype)), q.to(wide(dtype)), dims)
    else:
        (p, dtype), (q, other) = distribution(p, "p", dim), distribution(q, "q", dim)
        dtype = torch.promote_types(dtype, other)
        d = log_ratio(p, q)
    return excess(p, q, d).sum(dims).to(dtype)


def distribution(p, name, dim):
    """Return `p` in its working precision, and its dtype; it must sum to 1 along `dim`."""
    p = check_probabilities(as_real(p, name), name)
    p, dtype = (p if p.ndim else p.reshape(1)).to(wide(p.dtype)), autocast(p)
    dims = as_dims(dim, p.ndim)
    total = p.sum(dims, keepdim=True)
    summary = f"{name} must sum to 1 along dim {dim}"
    require(
        total,
        ~((total - 1).abs() > tolerance(p, dims)),
        summary,
        lambda value, _: ValueError(f"{summary}, but a row sums to {value}"),
    )
    return p, dtype


def tolerance(p, dims):
    """Return how far from 1 rounding may have taken the sum of each row.

    What counts is the precision that the numbers came from, not the one that carries them: that of
    any format that holds them all. Rounding to it costs each half an eps, or half the smallest
    number.
    """
    classes = math.prod([p.shape[i] for i in dims])
    may = p.new_full((), 1e-6)
    for dtype, error in (
        (torch.float32, 2**-12),
        (torch.float16, 2**-9 + classes * 2**-25),
        (torch.bfloat16, 2**-7),
    ):
        held = (p == p.to(dtype)).all(dims, keepdim=True)
        may = torch.where(held, may.clamp(min=error), may)
    return may


def log_ratio(p, q):
    """Return log(q/p), where p is not 0."""
    some = p > 0
    p, q = torch.where(some, p, 1.0), torch.where(some, q, 1.0)
    near = (q - p).abs() < p / 2
    relative = torch.where(near, q - p, 0.0) / torch.where(near, p, 1.0)
    return torch.where(near, relative.log1p(), q.log() - p.log())


def log_ratio_of_logits(x, y, dims):
    """Return p = softmax(x), q = softmax(y) and log(q/p)."""
    p, q = softmax(x, dims), softmax(y, dims)
    if not x.numel():  # nothing has no winner
        return p, q, x
    # log(q/p) = e − log Σ p·exp(e) for e = y − x, from which any constant may be subtracted.
    e = torch.where((x == y) & x.isinf(), 0.0, y - x)
    winner = p == p.amax(dims, keepdim=True)
    e = e - torch.where(winner, e, -torch.inf).amax(dims, keepdim=True)
    limit = 80 if x.dtype == torch.float32 else 700
    rough = ~(e.abs() < limit).all(dims, keepdim=True)
    e = torch.where(rough, 0.0, e)
    d = e - (p * e.expm1()).sum(dims, keepdim=True).log1p()
    return p, q, torch.where(rough, log_softmax(y, dims) - log_softmax(x, dims), d)


def excess(p, q, d):
    """Return p (e^d − 1 − d) for d = log(q/p), which is q where p is 0."""
    d = torch.where(p == 0, 0.0, d)
    small = d.abs() < 1  # there e^d − 1 − d loses its digits, and its series converges at once
    t = torch.where(small, d, 0.0)
    series = torch.ones_like(t)
    for k in range(20, 2, -1):
        series = 1 + series * t / k
    d = torch.where(small, 1.0, d)
    # Elsewhere p e^d is q: e^d itself could overflow.
    return torch.where(p == 0, q, torch.where(small, p * (t * t / 2 * series), q - p * (1 + d)))
