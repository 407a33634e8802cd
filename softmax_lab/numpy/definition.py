"""Chapter 1, Definition: a linear layer, the formula of softmax, and the prediction."""

import numpy as np

from softmax_lab.numpy._blocks import as_real


def linear(x, weight, bias=None):
    """Apply a linear layer: logits x Wᵀ + b.

    Parameters
    ----------
    x : array_like, (..., N)
        N features.
    weight : array_like, (T, N)
        One row of weights for each of the T classes.
    bias : array_like, (T,), optional
        One number for each class.

    Returns
    -------
    ndarray, (..., T)
        Logits.

    Raises
    ------
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
    x, weight = np.asarray(x), np.asarray(weight)
    if weight.ndim != 2 or x.ndim == 0 or x.shape[-1] != weight.shape[1]:
        raise ValueError(
            f"x {x.shape} and weight {weight.shape} do not fit: x must be (..., N), weight (T, N)"
        )
    logits = x @ weight.T
    if bias is None:
        return logits
    bias = np.asarray(bias)
    if bias.shape != weight.shape[:1]:
        raise ValueError(f"bias has shape {bias.shape}; weight asks for {weight.shape[:1]}")
    return logits + bias


def naive_softmax(x, axis=-1):
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
    x = as_real(x)
    with np.errstate(over="ignore", invalid="ignore"):
        return np.exp(x) / np.exp(x).sum(axis=axis, keepdims=True)


def predict(logits, axis=-1):
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

    Notes
    -----
    Taught in :ref:`sec-definition-predict`.

    Examples
    --------
    >>> predict([[1.0, 3.0, 2.0], [5.0, 0.0, 0.0]])
    array([1, 0])
    """
    logits = np.asarray(logits)
    if logits.dtype.kind not in "biu":  # float64 would merge integers beyond 2^53
        logits = as_real(logits, "logits")
    return np.argmax(logits, axis=axis)
