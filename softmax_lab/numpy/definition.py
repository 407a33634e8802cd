"""Chapter 1, Definition: a linear layer, the formula of softmax, and the prediction."""

import numpy as np

from softmax_lab.numpy._arguments import EXACT, as_array, as_axes, as_real, one_axis
from softmax_lab.numpy._blocks import in_dtype
from softmax_lab.numpy._types import ArrayLike, Axis, Floats, Indices, OneAxis


def linear(x: ArrayLike, weight: ArrayLike, bias: ArrayLike | None = None) -> Floats:
    """Apply a linear layer: logits x Wᵀ + b.

    Parameters
    ----------
    x : array_like, (..., N)
        N features: the book's a. (Its x are the logits, which come out.)
    weight : array_like, (T, N)
        One row of weights for each of the T classes.
    bias : array_like, (T,), optional
        One number for each class.

    Returns
    -------
    ndarray, (..., T)
        Logits. Integers and bools give float64: the exact sum, rounded once.

    Raises
    ------
    TypeError
        If an argument does not hold real numbers.
    ValueError
        If the shapes do not fit.

    Notes
    -----
    Taught in :ref:`sec-definition-layer`.

    Examples
    --------
    >>> linear([1.0, 2.0], [[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]], [0.0, 0.0, 0.5])
    array([1. , 2. , 3.5])
    """
    given = {"x": x, "weight": weight} | ({} if bias is None else {"bias": bias})
    arrays = [as_array(each, name) for name, each in given.items()]
    reals, dtypes = zip(*(as_real(each, name) for name, each in given.items()), strict=True)
    check_layer(*arrays)
    reals = [np.asarray(each, np.result_type(each, np.float32)) for each in reals]
    if all(each.dtype.kind in "biu" for each in arrays):
        largest = [int(np.abs(each).max(initial=0)) for each in reals]
        if arrays[1].shape[1] * largest[0] * largest[1] + sum(largest[2:]) > EXACT:
            reals = [each.astype(object) for each in arrays]  # Python's integers, of any length
    x, weight, *biases = reals
    with np.errstate(all="ignore"):
        logits = sum(biases, x @ weight.T)
    return in_dtype(logits, np.result_type(*dtypes))


def check_layer(x, weight, *biases):
    """Raise ValueError unless the shapes are those of a linear layer."""
    if weight.ndim != 2 or x.shape[-1:] != weight.shape[1:]:
        raise ValueError(
            f"x {x.shape} and weight {weight.shape} do not fit: x must be (..., N), weight (T, N)"
        )
    for bias in biases:
        if bias.shape != weight.shape[:1]:
            raise ValueError(f"bias has shape {bias.shape}; weight asks for {weight.shape[:1]}")


def naive_softmax(x: ArrayLike, axis: Axis = -1) -> Floats:
    r"""Apply the formula of softmax, literally: :math:`e^{x_i} / \sum_j e^{x_j}`.

    Parameters
    ----------
    x : array_like of real numbers, any shape
        Logits.
    axis : int, tuple of int or None, default -1
        The classes.

    Returns
    -------
    ndarray, the shape of `x`
        Probabilities, or nan where :math:`e^{x_i}` overflows: at 89 in float32, 710 in float64.

    See Also
    --------
    softmax : the same for logits of any size.

    Notes
    -----
    Taught in :ref:`sec-definition-shares`.

    Examples
    --------
    >>> naive_softmax([1.0, 2.0, 3.0]).round(4)
    array([0.09  , 0.2447, 0.6652])
    >>> naive_softmax([1000.0, 0.0])
    array([nan,  0.])
    """
    x, dtype = as_real(x)
    rows, axes = np.atleast_1d(x), as_axes(axis, x.ndim)
    with np.errstate(all="ignore"):
        p = np.exp(rows) / np.exp(rows).sum(axis=axes, keepdims=True)
    return in_dtype(p.reshape(x.shape), dtype)[()]


def predict(logits: ArrayLike, axis: OneAxis = -1) -> Indices:
    """Predict the class with the largest logit; the first of them where several tie.

    Parameters
    ----------
    logits : array_like, any shape
        Logits, or probabilities: softmax keeps the order.
    axis : int, default -1
        The classes.

    Returns
    -------
    ndarray of int, the shape of `logits` without `axis`
        Indices of classes.

    Raises
    ------
    TypeError
        If `logits` are complex, or not numeric.
    ValueError
        If `axis` is not one integer, or there is no class.

    Notes
    -----
    Taught in :ref:`sec-definition-predict`.

    Examples
    --------
    >>> predict([[1.0, 3.0, 2.0], [5.0, 0.0, 0.0]])
    array([1, 0])
    """
    logits = as_array(logits, "logits")
    if logits.dtype.kind not in "biu":  # float64 would merge integers beyond 2^53
        logits, _ = as_real(logits, "logits")
    rows, axis = np.atleast_1d(logits), one_axis(axis, logits.ndim)
    if rows.shape[axis] == 0:
        raise ValueError(f"logits must have a class to predict, but their shape is {rows.shape}")
    return np.argmax(rows, axis=axis)
