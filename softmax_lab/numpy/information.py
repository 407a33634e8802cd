"""Chapter 6, Cross-entropy: one-hot vectors, and information in nats."""

import numpy as np

from softmax_lab.numpy._blocks import as_axes, as_integer, as_real
from softmax_lab.numpy._targets import check_target
from softmax_lab.numpy.logits import check_probabilities
from softmax_lab.numpy.stability import log_softmax, softmax


def one_hot(target, num_classes, dtype=np.float64):
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
    ndarray, (..., C)
        The classes come last.

    Raises
    ------
    IndexError
        If an index is not a class.
    TypeError
        If `target` or `num_classes` does not hold integers.

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
    target = check_target(target, num_classes)
    return (target[..., None] == np.arange(num_classes)).astype(dtype)


def entropy(p, axis=-1):
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
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.where(p == 0, 0.0, -p * np.log(p))
    return terms.sum(axis=as_axes(axis, p.ndim)).astype(dtype)[()]


def kl_divergence(p, q, axis=-1, *, from_logits=False):
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

    Taught in :ref:`sec-cross-entropy-distance`.

    Examples
    --------
    >>> float(kl_divergence([0.5, 0.5], [1.0, 0.0]))
    inf
    >>> float(kl_divergence([1.0, 0.0], [1.0, 1e-9], from_logits=True))
    9.830596663588389e-20
    """
    if np.shape(p) != np.shape(q):
        raise ValueError(f"p has shape {np.shape(p)} and q {np.shape(q)}; they must be the same")
    with np.errstate(all="ignore"):
        if from_logits:
            p, q, d, dtype = log_ratio_of_logits(as_real(p, "p"), as_real(q, "q"), axis)
        else:
            (p, dtype), (q, other) = distribution(p, "p", axis), distribution(q, "q", axis)
            dtype = np.result_type(dtype, other)
            d = np.where(np.abs(q - p) < p / 2, np.log1p((q - p) / p), np.log(q) - np.log(p))
        # e^d − 1 − d loses its digits near 0, where its series converges at once. Where e^d could
        # overflow, p e^d is q.
        series = d * d * (1 / 2 + d * (1 / 6 + d * (1 / 24 + d * (1 / 120 + d / 720))))
        excess = np.where(np.abs(d) < 0.01, series, np.expm1(d) - d)
        terms = np.where(d > 1, q - p * (1 + d), p * excess)
        terms = np.where(p == 0, q, terms)
    return terms.sum(axis=as_axes(axis, p.ndim)).astype(dtype)[()]


def log_ratio_of_logits(x, y, axis):
    """Return p = softmax(x), q = softmax(y), log(q/p), and the dtype of the answer."""
    dtype = np.result_type(x, y)
    wide = np.result_type(dtype, np.float64)
    x, y = np.atleast_1d(x.astype(wide, copy=False), y.astype(wide, copy=False))
    axes = as_axes(axis, x.ndim)
    p, log_p = softmax(x, axes), log_softmax(x, axes)
    # log(q/p) = e − log Σ p·exp(e) for e = y − x, from which any constant may be subtracted.
    e = np.where(x == y, 0.0, y - x)  # a shared −inf moves by nothing
    winner = p == p.max(axis=axes, keepdims=True)
    e = e - e.max(axis=axes, keepdims=True, where=winner, initial=-np.inf)
    d = e - np.log1p((p * np.expm1(e)).sum(axis=axes, keepdims=True))
    rough = ~(np.abs(e).max(axis=axes, keepdims=True, initial=0.0) < 700)
    return p, softmax(y, axes), np.where(rough, log_softmax(y, axes) - log_p, d), dtype


def distribution(p, name, axis):
    """Return `p` in float64, and its dtype, or raise ValueError if it is no distribution."""
    p = np.atleast_1d(check_probabilities(p, name))
    total = p.sum(axis=as_axes(axis, p.ndim), dtype=np.result_type(p, np.float64))
    if np.any(np.abs(total - 1) > np.sqrt(np.finfo(p.dtype).eps)):
        wrong = total[np.abs(total - 1) > np.sqrt(np.finfo(p.dtype).eps)].ravel()[0]
        raise ValueError(f"{name} must sum to 1 along axis {axis}, but a row sums to {wrong}")
    return p.astype(total.dtype, copy=False), p.dtype
