"""Chapter 5, Gradients: the Jacobian of softmax, and its products with vectors."""

import numpy as np

from softmax_lab.numpy._arguments import as_array, as_logits, one_axis
from softmax_lab.numpy._blocks import apply, in_dtype, of_class
from softmax_lab.numpy._exponentials import SPARE, Exponentials, extremes
from softmax_lab.numpy._types import ArrayLike, Axis, Floats, OneAxis
from softmax_lab.numpy.stability import softmax


def softmax_jacobian(x: ArrayLike, axis: OneAxis = -1) -> Floats:
    r"""Return the Jacobian of softmax, :math:`\partial p_i / \partial x_j = p_i (δ_{ij} - p_j)`.

    Parameters
    ----------
    x : array_like of real numbers, any shape with `axis` of length n
        Logits.
    axis : int, default -1
        The classes.

    Returns
    -------
    ndarray, (..., n, n)
        One symmetric matrix for each row; its rows and columns sum to 0. The two axes of classes
        come last.

    Notes
    -----
    The diagonal is :math:`p_i \sum_{j \ne i} p_j`: 1 − p_i would lose a confident row's digits.

    Taught in :ref:`sec-gradients-jacobian`.

    Examples
    --------
    >>> softmax_jacobian([0.0, 0.0])
    array([[ 0.25, -0.25],
           [-0.25,  0.25]])
    """
    axis = one_axis(axis, as_array(x).ndim)
    x, dtype, _, _ = as_logits(x, axis)
    p = softmax(np.atleast_1d(np.asarray(x, np.result_type(x, np.float32))), axis)
    p = np.moveaxis(p, axis, -1)
    with np.errstate(all="ignore"):
        jacobian = -p[..., :, None] * p[..., None, :]
        i = np.arange(p.shape[-1])
        jacobian[..., i, i] = p - p  # 0, or nan
        jacobian[..., i, i] = -jacobian.sum(axis=-1)
    return in_dtype(jacobian, dtype)


def softmax_vjp_rows(x, out, v, scratch):
    """P ⊙ (v − Σ p v), with v measured from its value at the winner.

    Since p sums to 1, shifting v changes nothing; and so the sum needs no digit of the winner's p.
    """
    e = Exponentials(x, scratch)
    total = e.unshifted_sum()
    if total is None:
        total = e.sum()
    v_k = v[of_class(x.argmax(axis=1, keepdims=True))].astype(total.dtype)
    mean = sum((w * (u - v_k)).sum(axis=1, keepdims=True) for w, u in e.weights(v)) / total
    for w, u, to in e.weights(v, out):
        np.multiply(w / total, (u - v_k) - mean, out=to)


def log_softmax_vjp_rows(x, out, v, scratch):
    """V − p Σ v; at the winner k, where that cancels, v_k (1 − p_k) − p_k Σ of the other v."""
    e = Exponentials(x, scratch)
    total = e.spare_sum()
    if total is not None:
        p = np.divide(scratch, total, scratch)
        if extremes(p)[1] < 1 - SPARE:
            p *= np.add.reduce(v, 1, p.dtype, None, True)
            np.subtract(v, p, out)
            return
    top, rest = e.split()
    total = top + rest
    at_k = of_class(x.argmax(axis=1, keepdims=True))
    v_k = v[at_k].astype(total.dtype)
    is_other = np.ones(x.shape, bool)
    is_other[at_k] = False
    others = np.add.reduce(v, 1, total.dtype, None, True, 0.0, is_other)
    for w, u, to in e.weights(v, out):
        np.subtract(u, w / total * (others + v_k), out=to)
    winner = v_k * (rest / total) - top / total * others  # rest / total is 1 − p_k
    finite = np.isfinite(v_k) & np.isfinite(others)  # else nothing cancels: v − p Σ v, as it stands
    np.copyto(winner, out[at_k], where=~finite)
    out[at_k] = winner


def softmax_vjp(x: ArrayLike, v: ArrayLike, axis: Axis = -1) -> Floats:
    r"""Multiply the Jacobian of softmax with a vector from the left: the backward pass.

    Parameters
    ----------
    x : array_like of real numbers, any shape
        Logits.
    v : array_like, the shape of `x`
        Gradient of a scalar with respect to softmax(x).
    axis : int, tuple of int or None, default -1
        The classes.

    Returns
    -------
    ndarray, the shape of `x`
        Gradient of that scalar with respect to x, :math:`p ⊙ (v - \sum_i p_i v_i)`.

    Raises
    ------
    ValueError
        If the shapes differ.

    Notes
    -----
    Taught in :ref:`sec-gradients-vjp`.

    Examples
    --------
    >>> softmax_vjp([0.0, 0.0], [1.0, 0.0])
    array([ 0.25, -0.25])
    """
    return apply(softmax_vjp_rows, x, axis, ("v", v))


def softmax_jvp(x: ArrayLike, v: ArrayLike, axis: Axis = -1) -> Floats:
    r"""Multiply the Jacobian of softmax with a direction from the right: the forward mode.

    Parameters
    ----------
    x : array_like of real numbers, any shape
        Logits.
    v : array_like, the shape of `x`
        A direction in which the logits move.
    axis : int, tuple of int or None, default -1
        The classes.

    Returns
    -------
    ndarray, the shape of `x`
        The rate at which the probabilities move. The Jacobian is symmetric: this is `softmax_vjp`.

    Raises
    ------
    ValueError
        If the shapes differ.

    Notes
    -----
    Taught in :ref:`sec-gradients-vjp`.

    Examples
    --------
    >>> softmax_jvp([0.0, 0.0], [1.0, 0.0])
    array([ 0.25, -0.25])
    """
    return softmax_vjp(x, v, axis)


def log_softmax_vjp(x: ArrayLike, v: ArrayLike, axis: Axis = -1) -> Floats:
    r"""Multiply the Jacobian of log-softmax with a vector from the left.

    Parameters
    ----------
    x : array_like of real numbers, any shape
        Logits.
    v : array_like, the shape of `x`
        Gradient of a scalar with respect to log_softmax(x).
    axis : int, tuple of int or None, default -1
        The classes.

    Returns
    -------
    ndarray, the shape of `x`
        Gradient of that scalar with respect to x, :math:`v - p \sum_i v_i`.

    Raises
    ------
    ValueError
        If the shapes differ.

    Notes
    -----
    Taught in :ref:`sec-gradients-log`.

    Examples
    --------
    >>> log_softmax_vjp([0.0, 0.0], [1.0, 0.0])
    array([ 0.5, -0.5])
    """
    return apply(log_softmax_vjp_rows, x, axis, ("v", v))
