"""Chapter 3, Soft or max: the hard maximum, Gumbel noise, and gradients through a choice."""

from typing import SupportsIndex

import numpy as np

from softmax_lab.numpy._arguments import (
    as_array,
    as_dtype,
    as_generator,
    as_logits,
    as_number,
    as_real,
    as_shape,
    one_axis,
)
from softmax_lab.numpy._blocks import in_dtype
from softmax_lab.numpy._types import ArrayLike, DTypeLike, Floats, Indices, OneAxis, Random
from softmax_lab.numpy.stability import log_softmax, softmax


def hardmax(x: ArrayLike, axis: OneAxis = -1) -> Floats:
    """Give the first of the largest entries 1, all others 0: softmax at temperature 0.

    Parameters
    ----------
    x : array_like of real numbers, any shape
        Logits.
    axis : int, default -1
        The classes.

    Returns
    -------
    ndarray, the shape and floating dtype of `x`
        One 1 in each row; a row that holds a nan is nan.

    Notes
    -----
    Taught in :ref:`sec-soft-max-which`.

    Examples
    --------
    >>> hardmax([1.0, 3.0, 3.0])
    array([0., 1., 0.])
    """
    given, (_, dtype) = as_array(x), as_real(x)
    axis = one_axis(axis, given.ndim)
    rows = np.atleast_1d(given)  # integers as they came: floats may merge them
    y = np.zeros(rows.shape, dtype)
    if rows.shape[axis]:
        np.put_along_axis(y, rows.argmax(axis=axis, keepdims=True), 1, axis)
        np.copyto(y, np.nan, where=np.isnan(rows).any(axis=axis, keepdims=True))
    return y.reshape(given.shape)[()]


def gumbel_noise(
    shape: SupportsIndex | tuple[SupportsIndex, ...],
    *,
    rng: Random = None,
    dtype: DTypeLike = np.float64,
) -> Floats:
    r"""Draw standard Gumbel noise :math:`-\log(-\log U)`, U uniform between 0 and 1.

    Parameters
    ----------
    shape : int or tuple of int
        The shape of the noise.
    rng : numpy.random.Generator, int or None
        The source of randomness, or a seed of one; None seeds it from the operating system.
    dtype : floating dtype, default float64
        Drawn in this precision; float16 is rounded from float32, long double made from float64.

    Returns
    -------
    ndarray of `shape` and `dtype`
        Finite numbers with mean 0.5772 and variance π²/6.

    Raises
    ------
    TypeError
        If `rng` is not a Generator, or `dtype` not floating.

    Notes
    -----
    -log U has the standard exponential distribution, which is drawn directly: a uniform number
    that happens to be 0 or 1 can then not become infinite noise.

    Taught in :ref:`sec-soft-max-gumbel`.

    Examples
    --------
    >>> gumbel_noise(3, rng=np.random.default_rng(0)).shape
    (3,)
    """
    rng = as_generator(rng)
    given, lengths = as_dtype(dtype, "f", "floating"), as_shape(shape)
    drawn = np.float32 if given.itemsize <= 4 else np.float64
    exponential = np.maximum(rng.standard_exponential(lengths, dtype=drawn), np.finfo(drawn).tiny)
    with np.errstate(all="ignore"):
        return (-np.log(exponential)).astype(given)


def gumbel_max(logits: ArrayLike, axis: OneAxis = -1, *, rng: Random = None) -> Indices:
    """Draw a class with the probabilities of softmax: the argmax of logits plus Gumbel noise.

    Parameters
    ----------
    logits : array_like of real numbers, any shape
        Logits; -inf is never drawn.
    axis : int, default -1
        The classes.
    rng : numpy.random.Generator, int or None
        The source of randomness, or a seed of one; None seeds it from the operating system.

    Returns
    -------
    ndarray of int, the shape of `logits` without `axis`
        One class index for each row.

    Raises
    ------
    ValueError
        If a row has a nan or nothing but -inf: there is nothing to draw.

    Notes
    -----
    Taught in :ref:`sec-soft-max-gumbel`.

    References
    ----------
    Maddison, Tarlow and Minka, A* Sampling, 2014. https://arxiv.org/abs/1411.0030

    Examples
    --------
    >>> int(gumbel_max([-np.inf, 0.0, -np.inf], rng=np.random.default_rng(0)))
    1
    """
    axis = one_axis(axis, as_array(logits, "logits").ndim)
    log_p = drawable(logits, axis)
    return np.argmax(np.atleast_1d(log_p + gumbel_noise(log_p.shape, rng=rng)), axis=axis)


def drawable(logits, axis=-1):
    """Return the log-probabilities of logits, or raise ValueError where there is no class to draw.

    They are logits of moderate size: noise added to a huge logit would be rounded away.
    """
    log_p, _ = log_probabilities(logits, axis)
    if 0 in log_p.shape[axis:][:1] or np.isnan(log_p).any():
        raise ValueError(
            "logits must have a class to draw in each row: no nan, not all -inf, one +inf at most"
        )
    return log_p


def log_probabilities(logits, axis):
    """Return log-softmax of logits in float64 or wider, and the dtype that the logits came in."""
    x, dtype, axes, _ = as_logits(logits, axis, "logits")
    wide = np.asarray(x, np.result_type(x, np.float64))
    return np.asarray(log_softmax(wide, axes)), dtype


def gumbel_softmax(
    logits: ArrayLike,
    tau: float = 1.0,
    hard: bool = False,
    axis: OneAxis = -1,
    *,
    rng: Random = None,
) -> Floats:
    r"""Draw a relaxed one-hot vector: :math:`\mathrm{softmax}((x + G) / \tau)`.

    Parameters
    ----------
    logits : array_like of real numbers, any shape
        Logits.
    tau : float, default 1.0
        Temperature, above 0. Near 0 the result is nearly one-hot.
    hard : bool, default False
        Return the one-hot vector of the largest entry: the forward value of the straight-through
        estimator. (Its gradient, that of the soft vector, exists in `softmax_lab.torch`.)
    axis : int, default -1
        The classes.
    rng : numpy.random.Generator, int or None
        The source of randomness, or a seed of one; None seeds it from the operating system.

    Returns
    -------
    ndarray, the shape and floating dtype of `logits`
        Sums to 1 along `axis`.

    Raises
    ------
    ValueError
        If `tau` is not above 0.

    Notes
    -----
    Taught in :ref:`sec-soft-max-relaxed`.

    References
    ----------
    Jang, Gu and Poole, Categorical Reparameterization with Gumbel-Softmax, 2017.
    https://arxiv.org/abs/1611.01144

    Examples
    --------
    >>> y = gumbel_softmax([0.0, 1.0, 2.0], tau=0.5, rng=np.random.default_rng(0))
    >>> round(float(y.sum()), 12)
    1.0
    """
    tau = as_number(tau, "tau")
    if not tau > 0:
        raise ValueError(f"tau must be above 0, but it is {tau}")
    axis = one_axis(axis, as_array(logits, "logits").ndim)
    log_p, dtype = log_probabilities(logits, axis)
    drawn = np.result_type(as_real(logits)[0], np.float32)
    z = log_p + gumbel_noise(log_p.shape, rng=rng, dtype=drawn)
    if hard:  # whatever τ is
        return in_dtype(np.asarray(hardmax(z, axis)), dtype)[()]
    with np.errstate(all="ignore"):
        rows = np.atleast_1d(z)
        rows = rows - rows.max(axis=axis, keepdims=True, initial=-np.inf)
        rows = np.where(rows == -np.inf, rows, rows / tau)  # also for τ = inf
    return in_dtype(np.asarray(softmax(rows, axis)).reshape(log_p.shape), dtype)[()]
