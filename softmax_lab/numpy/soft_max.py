"""Chapter 3, Soft or max: the hard maximum, Gumbel noise, and gradients through a choice."""

import numpy as np

from softmax_lab.numpy._blocks import as_real
from softmax_lab.numpy.stability import softmax


def hardmax(x, axis=-1):
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
    x = as_real(x)
    rows = np.atleast_1d(x)
    y = np.zeros_like(rows)
    np.put_along_axis(y, np.expand_dims(rows.argmax(axis=axis), axis), 1, axis)
    np.copyto(y, np.nan, where=np.isnan(rows).any(axis=axis, keepdims=True))
    return y.reshape(x.shape)[()]


def gumbel_noise(shape, *, rng, dtype=np.float64):
    r"""Draw standard Gumbel noise :math:`-\log(-\log U)`, U uniform between 0 and 1.

    Parameters
    ----------
    shape : int or tuple of int
        The shape of the noise.
    rng : numpy.random.Generator
        The source of randomness.
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
    if not isinstance(rng, np.random.Generator):
        raise TypeError(f"rng must be a numpy.random.Generator, but it is {rng!r}")
    dtype = np.dtype(dtype)
    if dtype.kind != "f":
        raise TypeError(f"dtype must be floating, but it is {dtype}")
    drawn = np.float32 if dtype.itemsize <= 4 else np.float64
    exponential = rng.standard_exponential(shape, dtype=drawn)
    return -np.log(np.maximum(exponential, np.finfo(drawn).tiny)).astype(dtype)


def gumbel_max(logits, axis=-1, *, rng):
    """Draw a class with the probabilities of softmax: the argmax of logits plus Gumbel noise.

    Parameters
    ----------
    logits : array_like of real numbers, any shape
        Logits; -inf is never drawn.
    axis : int, default -1
        The classes.
    rng : numpy.random.Generator
        The source of randomness.

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
    logits = check_drawable(as_real(logits, "logits"), axis)
    return np.argmax(logits + gumbel_noise(logits.shape, rng=rng), axis=axis)


def check_drawable(logits, axis=-1):
    """Return `logits`, each row of which must have a class to draw."""
    if not (logits.max(axis=axis) > -np.inf).all():
        raise ValueError("logits must have a class to draw in each row: no nan, not all -inf")
    return logits


def gumbel_softmax(logits, tau=1.0, hard=False, axis=-1, *, rng):
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
    rng : numpy.random.Generator
        The source of randomness.

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
    if not tau > 0:
        raise ValueError(f"tau must be above 0, but it is {tau}")
    logits = as_real(logits, "logits")
    noise = gumbel_noise(logits.shape, rng=rng, dtype=logits.dtype)
    # Near τ = 0 the quotient outgrows half precision.
    wide = logits.astype(np.result_type(logits, np.float64), copy=False)
    y = softmax((wide + noise) / tau, axis)
    return (hardmax(y, axis) if hard else y).astype(logits.dtype, copy=False)
