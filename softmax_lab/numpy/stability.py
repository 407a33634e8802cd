"""Chapter 4, Stability: softmax, log-softmax and log-sum-exp to a few ulp.

Every function here is a *row function*, which says what happens to a block of rows with the
classes on axis 1, and a public wrapper. Blocks are computed in float64 and rounded once.
"""

import numpy as np

from softmax_lab.numpy._blocks import apply

# Between these maxima neither e^x nor its sum can overflow, nor can an answer be lost to underflow.
# No shift is needed there, and the rounding error of x − max is not made at all.
NO_SHIFT = -1.0, 600.0


def two_diff(x, y):
    """Return x − y rounded, and its rounding error: together they are exact (Knuth's TwoDiff)."""
    t = x - y
    z = t - x
    return t, (x - (t - z)) - (y + z)


def largest(x):
    """Return `x` and the maximum of each row; a row with a +inf is replaced by its limit."""
    a = x.max(axis=1, keepdims=True, initial=-np.inf)
    if np.isposinf(a).any():
        winners = x == np.inf
        limit = np.where(winners.sum(axis=1, keepdims=True) == 1, 0.0, np.nan)
        x = np.where(a < np.inf, x, np.where(winners, limit, -np.inf))
        a = np.where(a < np.inf, a, limit)
    return x, np.asarray(a, dtype=np.result_type(a, np.float64))


def exponentials(x, a, w):
    """Fill `w` with e^(x − c) and return e^(max − c) and the sum of the others.

    The shift c is 0 where no shift is needed, else the maximum `a`; then the rounding error δ of
    t = x − a is put back: e^(x − a) = e^t (1 + δ).
    """
    low, high = NO_SHIFT
    c = np.where(np.isfinite(a) & ((a < low) | (a > high)), a, 0.0)
    if c.any():
        t, delta = two_diff(x.astype(w.dtype, copy=False), c)
        np.exp(t, out=w)
        w += w * np.where(np.isfinite(delta), delta, 0.0)
    else:
        np.exp(x, out=w, dtype=w.dtype)
    return split_sum(w)


def split_sum(w):
    """Return the largest weight of each row, and the sum of the others without it."""
    if w.shape[1] == 0:
        return w.sum(axis=1, keepdims=True), w.sum(axis=1, keepdims=True)
    k = w.argmax(axis=1, keepdims=True)
    top = np.take_along_axis(w, k, axis=1)
    np.put_along_axis(w, k, 0.0, axis=1)
    rest = w.sum(axis=1, keepdims=True)
    np.put_along_axis(w, k, top, axis=1)
    return top, rest


def softmax_rows(x, w, out):
    x, a = largest(x)
    top, rest = exponentials(x, a, w)
    np.multiply(w, 1 / (top + rest), out=out, casting="same_kind")


def log_softmax_rows(x, w, out):
    x, a = largest(x)
    top, rest = exponentials(x, a, w)
    np.subtract(x, a, out=w)
    np.subtract(w, np.log1p(rest / top), out=out, casting="same_kind")


def logsumexp_rows(x, w, out):
    a = x.max(axis=1, keepdims=True, initial=-np.inf).astype(w.dtype)
    top, rest = exponentials(x, a, w)
    out[...] = np.where(np.isfinite(a), a + np.log1p(rest / top), a)


def softmax(x, axis=-1, *, where=None, out=None):
    r"""Turn logits into probabilities: :math:`p_i = e^{x_i} / \sum_j e^{x_j}`.

    Parameters
    ----------
    x : array_like of real numbers, any shape
        Logits.
    axis : int, tuple of int or None, default -1
        The classes. None means all axes together.
    where : array_like of bool, optional
        Broadcasts to the shape of `x`. Classes that are False take no part; their probability is 0.
    out : ndarray, optional
        Where to write the result; may be `x` itself.

    Returns
    -------
    ndarray, the shape and floating dtype of `x`
        Probabilities: non-negative, and they sum to 1 along `axis`. Integers give float64.

    Raises
    ------
    TypeError
        If `x` is complex, or not numeric.

    Notes
    -----
    Within 4 ulp of the exact answer, whatever the range and the offset of the logits.
    Masking every class of a row gives a row of zeros; logits that are all -inf give nan.

    Examples
    --------
    >>> softmax([1.0, 2.0, 3.0]).round(4)
    array([0.09  , 0.2447, 0.6652])
    >>> softmax([1000.0, 1000.0])
    array([0.5, 0.5])
    """
    return apply(softmax_rows, x, axis, where=where, out=out, fill=0.0)


def log_softmax(x, axis=-1, *, where=None, out=None):
    r"""Take the logarithm of softmax: :math:`x_i - \log \sum_j e^{x_j}`.

    Parameters
    ----------
    x : array_like of real numbers, any shape
        Logits.
    axis : int, tuple of int or None, default -1
        The classes. None means all axes together.
    where : array_like of bool, optional
        Broadcasts to the shape of `x`. Classes that are False take no part; they give -inf.
    out : ndarray, optional
        Where to write the result; may be `x` itself.

    Returns
    -------
    ndarray, the shape and floating dtype of `x`
        Log-probabilities in nats, none above 0. Integers give float64.

    Raises
    ------
    TypeError
        If `x` is complex, or not numeric.

    Notes
    -----
    Within 4 ulp, also at a confident winner, where subtracting a rounded logsumexp returns 0.

    Examples
    --------
    >>> float(log_softmax([0.0, -40.0])[0])
    -4.248354255291589e-18
    """
    return apply(log_softmax_rows, x, axis, where=where, out=out, fill=-np.inf)


def logsumexp(x, axis=-1, *, keepdims=False, where=None, out=None):
    r"""Sum on the scale of logarithms: :math:`\log \sum_j e^{x_j}`.

    Parameters
    ----------
    x : array_like of real numbers, any shape
        Logits.
    axis : int, tuple of int or None, default -1
        The axes to sum over. None means all of them.
    keepdims : bool, default False
        Keep the summed axes, with length 1.
    where : array_like of bool, optional
        Broadcasts to the shape of `x`. Entries that are False take no part.
    out : ndarray, optional
        Where to write the result.

    Returns
    -------
    ndarray, the shape of `x` without `axis`
        In nats. The sum over nothing is -inf.

    Raises
    ------
    TypeError
        If `x` is complex, or not numeric.

    Notes
    -----
    A shift of every entry shifts the result: logsumexp(x + c) = logsumexp(x) + c. It is
    *equivariant*, where softmax is invariant.

    Examples
    --------
    >>> float(logsumexp([1000.0, 1000.0]))
    1000.6931471805599
    """
    return apply(logsumexp_rows, x, axis, where=where, out=out, reduced=True, keepdims=keepdims)


def shifted_softmax(x, axis=-1):
    r"""Subtract the maximum, then apply the formula: the stable softmax of most libraries.

    Parameters
    ----------
    x : array_like of real numbers, any shape
        Logits.
    axis : int, tuple of int or None, default -1
        The classes.

    Returns
    -------
    ndarray, the shape of `x`
        Probabilities.

    Notes
    -----
    :math:`e^{x_i - m} / \sum_j e^{x_j - m}` with :math:`m = \max x` never overflows. The rounding
    of x − m still costs digits: `softmax` keeps them.

    Examples
    --------
    >>> shifted_softmax([1000.0, 1000.0])
    array([0.5, 0.5])
    """
    x = np.asarray(x, dtype=np.result_type(np.asarray(x), np.float16))
    w = np.exp(x - x.max(axis=axis, keepdims=True))
    return w / w.sum(axis=axis, keepdims=True)
