"""Chapter 4, Stability: softmax, log-softmax and log-sum-exp to a few ulp.

Every function here is a *row function*, which says what happens to a block of rows with the
classes on axis 1, and a public wrapper. Exponentials and their sums are float64 or wider. The last
step is too, except that for float32 softmax and log-softmax take it in float32, which is faster.
"""

from typing import Any

import numpy as np

from softmax_lab.numpy._arguments import as_logits
from softmax_lab.numpy._blocks import apply, in_dtype, narrow, reduce, transposed
from softmax_lab.numpy._exponentials import SPARE, Exponentials, extremes, side_by_side, sum_of_few
from softmax_lab.numpy._types import ArrayLike, Axis, Floats, NDArray


def softmax_rows(x, out, scratch):
    """P = w / Σ w."""
    total = sum_of_few(x, scratch)
    if total is not None:
        np.divide(scratch, total, out)
        return
    if narrow(x) and side_by_side(scratch):  # only rows that are shifted gain by it
        transposed(softmax_rows, [x, out], 1, scratch)
        return
    e = Exponentials(x, scratch, keep=out)
    total = e.sum()
    for w, to in e.weights(out):
        if to.dtype == np.float32 and not e.few:  # converting first is faster, for half an ulp
            np.copyto(to, w)
            np.multiply(to, (1 / total).astype(np.float32), out=to)
        else:
            np.divide(w, total, to)


def log_softmax_rows(x, out, scratch):
    """Log p = (x − a) − ℓ: neither term is positive, so nothing cancels."""
    e = Exponentials(x, scratch)
    total = e.spare_sum()
    if total is not None:
        log_p = np.subtract(x, np.log(total), scratch)
        if extremes(log_p)[1] < -SPARE:
            np.copyto(out, log_p)
            return
    top, rest = e.split()
    log_total = np.log1p(rest / top)
    for t, part, to in e.parts(x, out):
        t = t if out.dtype == np.float16 else to  # float16 is rounded once
        np.subtract(part, np.asarray(e.a, t.dtype), out=t)
        if e.c is not None:
            t[np.isnan(t) & (e.a == np.inf)] = 0.0  # a +inf less itself
        np.subtract(t, np.asarray(log_total, t.dtype), out=to)


def logsumexp_rows(x, out, scratch):
    """Log Σ e^x = a + ℓ."""
    e = Exponentials(x, scratch)
    total = e.spare_sum()
    if total is not None and extremes(total)[0] > 1 + SPARE:
        np.log(total, out)
        return
    top, rest = e.split()
    np.add(e.a, np.log1p(rest / top), out)
    if e.c is not None:
        np.copyto(out, e.a, where=np.isinf(e.a))


def softmax(
    x: ArrayLike,
    axis: Axis = -1,
    *,
    where: ArrayLike | None = None,
    out: NDArray[Any] | None = None,
) -> Floats:
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

    Taught in :ref:`sec-stability-shift`.

    Examples
    --------
    >>> softmax([1.0, 2.0, 3.0]).round(4)
    array([0.09  , 0.2447, 0.6652])
    >>> softmax([1000.0, 1000.0])
    array([0.5, 0.5])
    """
    return apply(softmax_rows, x, axis, where=where, out=out, fill=0.0, transpose=False)


def log_softmax(
    x: ArrayLike,
    axis: Axis = -1,
    *,
    where: ArrayLike | None = None,
    out: NDArray[Any] | None = None,
) -> Floats:
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

    Taught in :ref:`sec-stability-logsumexp`.

    Examples
    --------
    >>> float(log_softmax([0.0, -40.0])[0])
    -4.248354255291589e-18
    """
    return apply(log_softmax_rows, x, axis, where=where, out=out, fill=-np.inf)


def logsumexp(
    x: ArrayLike,
    axis: Axis = -1,
    *,
    keepdims: bool = False,
    where: ArrayLike | None = None,
    out: NDArray[Any] | None = None,
) -> Floats:
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

    Taught in :ref:`sec-stability-logsumexp`.

    Examples
    --------
    >>> float(logsumexp([1000.0, 1000.0]))
    1000.6931471805599
    """
    return reduce(logsumexp_rows, x, axis, keepdims=keepdims, where=where, out=out, empty=-np.inf)


def shifted_softmax(x: ArrayLike, axis: Axis = -1) -> Floats:
    r"""Subtract the maximum, then apply the formula: the stable softmax of most libraries.

    Parameters
    ----------
    x : array_like of real numbers, any shape
        Logits.
    axis : int, tuple of int or None, default -1
        The classes.

    Returns
    -------
    ndarray, the shape and floating dtype of `x`
        Probabilities.

    Raises
    ------
    TypeError
        If `x` is complex, or not numeric.

    Notes
    -----
    :math:`e^{x_i - m} / \sum_j e^{x_j - m}` with :math:`m = \max x` never overflows. The rounding
    of x − m still costs digits: `softmax` keeps them.

    Taught in :ref:`sec-stability-shift`.

    Examples
    --------
    >>> shifted_softmax([1000.0, 1000.0])
    array([0.5, 0.5])
    """
    x, dtype, axes, _ = as_logits(x, axis)
    rows = np.atleast_1d(x)
    with np.errstate(all="ignore"):
        w = np.exp(rows - rows.max(axis=axes, keepdims=True, initial=-np.inf))
        p = w / w.sum(axis=axes, keepdims=True)
    return in_dtype(p.reshape(x.shape), dtype)[()]
