"""Chapter 2, Logits: from probabilities to logits and back."""

import numpy as np

from softmax_lab.numpy._arguments import as_axes, as_real
from softmax_lab.numpy._blocks import in_dtype
from softmax_lab.numpy._types import ArrayLike, Axis, Floats


def sigmoid(x: ArrayLike) -> Floats:
    r"""Turn log-odds into a probability: :math:`1 / (1 + e^{-x})`.

    Parameters
    ----------
    x : array_like of real numbers, any shape
        Log-odds, in nats.

    Returns
    -------
    ndarray, the shape and floating dtype of `x`
        Probabilities: the first entry of softmax([x, 0]).

    Notes
    -----
    Taught in :ref:`sec-logits-two`.

    Examples
    --------
    >>> sigmoid([0.0, -1000.0, 1000.0])
    array([0.5, 0. , 1. ])
    """
    x, dtype = as_real(x)
    wide = np.asarray(x, np.result_type(x, np.float64))
    with np.errstate(all="ignore"):
        w = np.exp(-np.abs(wide))  # at most 1
        return in_dtype(np.where(wide < 0, w, 1.0) / (1.0 + w), dtype)[()]


def logit(p: ArrayLike) -> Floats:
    r"""Turn a probability into log-odds: :math:`\log (p / (1 - p))`.

    Parameters
    ----------
    p : array_like of real numbers, any shape
        Probabilities, from 0 to 1.

    Returns
    -------
    ndarray, the shape and floating dtype of `p`
        Log-odds in nats: -inf at 0 and +inf at 1.

    Raises
    ------
    ValueError
        If a probability is outside [0, 1].

    Notes
    -----
    Taught in :ref:`sec-logits-two`.

    Examples
    --------
    >>> logit([0.5, 0.0, 1.0])
    array([  0., -inf,  inf])
    """
    p, dtype = check_probabilities(p)
    wide = np.asarray(p, np.result_type(p, np.float64))
    with np.errstate(all="ignore"):
        # Near 1/2 the odds are near 1, and log1p keeps digits that log would lose. Of p and 1 − p
        # the smaller divides: it is exact where p is above 1/2, and where p is not.
        gap = np.abs(2 * wide - 1)
        near = np.copysign(np.log1p(gap / np.minimum(wide, 1 - wide)), wide - 0.5)
        x = np.where(gap < 0.5, near, np.log(wide) - np.log1p(-wide))
    return in_dtype(x, dtype)[()]


def logits_from_probabilities(p: ArrayLike, axis: Axis = -1) -> Floats:
    """Return the centred logits of given probabilities: log p less its mean.

    Parameters
    ----------
    p : array_like of real numbers, any shape
        Probabilities, from 0 to 1. Their sum does not matter.
    axis : int, tuple of int or None, default -1
        The classes.

    Returns
    -------
    ndarray, the shape and floating dtype of `p`
        Logits in nats. Of all logits with softmax p these have mean 0 over the classes with p > 0;
        a probability of 0 gives -inf.

    Raises
    ------
    ValueError
        If a probability is outside [0, 1].

    Notes
    -----
    Taught in :ref:`sec-logits-log-p`.

    Examples
    --------
    >>> logits_from_probabilities([0.25, 0.25, 0.5]).round(4)
    array([-0.231 , -0.231 ,  0.4621])
    """
    p, dtype = check_probabilities(p)
    rows, axes = np.atleast_1d(p), as_axes(axis, p.ndim)
    with np.errstate(all="ignore"):
        x = np.log(rows, dtype=np.result_type(p, np.float64))
        count = np.maximum((rows > 0).sum(axis=axes, keepdims=True), 1)
        x = x - np.where(rows == 0, 0.0, x).sum(axis=axes, keepdims=True) / count
    return in_dtype(x.reshape(p.shape), dtype)[()]


def check_probabilities(p, name="p"):
    """Return `p` as `as_real` does, or raise ValueError for what cannot be a probability."""
    p, dtype = as_real(p, name)
    wrong = p[(p < 0) | (p > 1)]
    if wrong.size:
        raise ValueError(f"{name} must hold probabilities from 0 to 1, but it holds {wrong[0]}")
    return p, dtype
