"""Chapter 6, Cross-entropy: one-hot vectors, and information in nats."""

from typing import Any, SupportsIndex

import numpy as np

from softmax_lab.numpy._arguments import as_axes, as_dtype, as_integer, as_logits
from softmax_lab.numpy._blocks import in_dtype
from softmax_lab.numpy._targets import check_target
from softmax_lab.numpy._types import ArrayLike, Axis, DTypeLike, Floats, NDArray
from softmax_lab.numpy.logits import check_probabilities
from softmax_lab.numpy.stability import log_softmax, softmax


def one_hot(
    target: ArrayLike, num_classes: SupportsIndex, dtype: DTypeLike = np.float64
) -> NDArray[Any]:
    """Write class indices as vectors with a single 1.

    Parameters
    ----------
    target : array_like of int, any shape
        Class indices from 0 to `num_classes` − 1.
    num_classes : int
        The number of classes C.
    dtype : dtype, default float64
        The dtype of the result.

    Returns
    -------
    ndarray, (..., T)
        The classes come last.

    Raises
    ------
    IndexError
        If an index is not a class.
    TypeError
        If `target` or `num_classes` does not hold integers, or `dtype` is not numeric.
    ValueError
        If `num_classes` is negative.

    Notes
    -----
    Taught in :ref:`sec-cross-entropy-loss`.

    Examples
    --------
    >>> one_hot([2, 0], 3)
    array([[0., 0., 1.],
           [1., 0., 0.]])
    """
    num_classes = as_integer(num_classes, "num_classes")
    if num_classes < 0:
        raise ValueError(f"num_classes must not be negative, but it is {num_classes}")
    dtype = as_dtype(dtype, "biufc", "numeric")
    target, _ = check_target(target, num_classes)
    return (target[..., None] == np.arange(num_classes)).astype(dtype)


def entropy(p: ArrayLike, axis: Axis = -1) -> Floats:
    r"""Measure the uncertainty of a distribution: :math:`-\sum_i p_i \log p_i`.

    Parameters
    ----------
    p : array_like of real numbers, any shape
        Probabilities that sum to 1 along `axis`.
    axis : int, tuple of int or None, default -1
        The classes.

    Returns
    -------
    ndarray, the shape of `p` without `axis`
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
    >>> float(entropy([0.5, 0.5]))
    0.6931471805599453
    """
    p, dtype = distribution(p, "p", axis)
    with np.errstate(all="ignore"):
        terms = np.where(p == 0, 0.0, -p * np.log(p))
        return in_dtype(terms.sum(axis=as_axes(axis, p.ndim)), dtype)[()]


def kl_divergence(
    p: ArrayLike, q: ArrayLike, axis: Axis = -1, *, from_logits: bool = False
) -> Floats:
    r"""Measure how far q is from p: :math:`\sum_i p_i \log (p_i / q_i)`.

    Parameters
    ----------
    p, q : array_like of real numbers, of one shape
        Probabilities that sum to 1 along `axis`; logits when `from_logits` is true.
    axis : int, tuple of int or None, default -1
        The classes.
    from_logits : bool, default False
        Compare softmax(p) with softmax(q): two close rows keep all digits.

    Returns
    -------
    ndarray, the shape of `p` without `axis`
        In nats; never negative, and inf where q rules out what p allows.

    Raises
    ------
    ValueError
        If the shapes differ, or `p` or `q` is no distribution.

    Notes
    -----
    The sum is taken over :math:`p (e^d - 1 - d)`, d = log(q/p), which adds q − p to each term.
    These sum to 0, and no term is negative.

    The gradient with respect to p is therefore log(p/q), not log(p/q) + 1, and with respect to q
    1 − p/q, not −p/q. The two differ by a constant in each row, which no change of p or q that
    keeps the sum at 1 can tell. Where p is 0, `softmax_lab.torch` takes the gradient of p as 0.

    Taught in :ref:`sec-cross-entropy-distance`.

    Examples
    --------
    >>> float(kl_divergence([0.5, 0.5], [1.0, 0.0]))
    inf
    >>> f"{kl_divergence([1.0, 0.0], [1.0, 1e-9], from_logits=True):.12e}"
    '9.830596663588e-20'
    """
    if from_logits:
        p, q, d, dtype = log_ratio_of_logits(p, q, axis)
    else:
        (p, one), (q, other) = distribution(p, "p", axis), distribution(q, "q", axis)
        check_same_shape(p, q)
        p, q = (np.asarray(each, np.result_type(p, q)) for each in (p, q))
        dtype = np.result_type(one, other)
    with np.errstate(all="ignore"):
        if not from_logits:
            d = np.where(np.abs(q - p) < p / 2, np.log1p((q - p) / p), np.log(q) - np.log(p))
        # e^d − 1 − d loses its digits near 0, where its series converges at once. Elsewhere p e^d
        # is q: e^d itself could overflow.
        series = np.ones_like(d)
        for k in range(20, 2, -1):
            series = 1 + series * d / k
        terms = np.where(np.abs(d) < 1, p * (d * d / 2 * series), q - p * (1 + d))
        terms = np.where(p == 0, q, terms)
        return in_dtype(terms.sum(axis=as_axes(axis, p.ndim)), dtype)[()]


def check_same_shape(p, q):
    """Raise ValueError unless `p` and `q` have one shape."""
    if p.shape != q.shape:
        raise ValueError(f"p has shape {p.shape} and q {q.shape}; they must be the same")


def log_ratio_of_logits(x, y, axis):
    """Return p = softmax(x), q = softmax(y), log(q/p), and the dtype of the answer."""
    (x, one, axes, _), (y, other, _, _) = as_logits(x, axis, "p"), as_logits(y, axis, "q")
    check_same_shape(x, y)
    wide = np.result_type(x, y, np.float64)
    x, y = np.atleast_1d(np.asarray(x, wide), np.asarray(y, wide))
    p, log_p = softmax(x, axes), log_softmax(x, axes)
    with np.errstate(all="ignore"):
        # log(q/p) = e − log Σ p·exp(e) for e = y − x, from which any constant may be subtracted.
        e = np.where(x == y, 0.0, y - x)  # a shared −inf moves by nothing
        winner = p == p.max(axis=axes, keepdims=True, initial=0.0)
        e = e - e.max(axis=axes, keepdims=True, where=winner, initial=-np.inf)
        d = e - np.log1p((p * np.expm1(e)).sum(axis=axes, keepdims=True))
        rough = ~(np.abs(e).max(axis=axes, keepdims=True, initial=0.0) < 700)
        d = np.where(rough, log_softmax(y, axes) - log_p, d)
    return p, softmax(y, axes), d, np.result_type(one, other)


def distribution(p, name, axis):
    """Return `p` in float64, and its dtype, or raise ValueError if it is no distribution."""
    p, dtype = check_probabilities(p, name)
    p = np.atleast_1d(p)
    p, axes = np.asarray(p, np.result_type(p, np.float64)), as_axes(axis, p.ndim)
    with np.errstate(all="ignore"):
        total = p.sum(axis=axes)
        wrong = np.abs(total - 1) > 1e-6
        if wrong.any():
            classes = np.prod([p.shape[each] for each in axes])
            wrong = np.abs(total - 1) > rounding(p, classes)
    if wrong.any():
        raise ValueError(
            f"{name} must sum to 1 along axis {axis}, but a row sums to {total[wrong][0]}"
        )
    return p, dtype


def rounding(p, classes):
    """Return how far from 1 a sum of probabilities may be that were rounded before they came.

    The dtype does not say it: a float32 softmax may come in float64. The formats do that hold every
    entry: rounding costs each up to half an eps of it, or half the smallest number.
    """
    single = p.astype(np.float32)
    if not np.array_equal(single, p, equal_nan=True):
        return 1e-6
    may = 2.0**-12
    if not (single.view(np.uint32) & 0xFFFF).any():  # bfloat16: the upper half of a float32
        may = 2.0**-7
    if np.array_equal(single.astype(np.float16), p, equal_nan=True):
        may = max(may, 2.0**-9) + classes * 2.0**-25
    return may
