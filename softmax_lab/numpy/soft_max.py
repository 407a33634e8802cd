"""Chapter 3, Soft or max: the hard maximum, Gumbel noise, and gradients through a choice."""

import numpy as np

from softmax_lab.numpy._blocks import as_real
from softmax_lab.numpy.stability import log_softmax, softmax


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

    Examples
    --------
    >>> hardmax([1.0, 3.0, 3.0])
    array([0., 1., 0.])
    """
    x = as_real(x)
    winner = np.expand_dims(x.argmax(axis=axis), axis)
    y = np.zeros_like(x)
    # argmax finds a nan first: 0 · nan marks its row.
    value = 1 + 0 * np.isnan(np.take_along_axis(x, winner, axis)).astype(x.dtype)
    np.put_along_axis(y, winner, value, axis)
    return np.where(np.isnan(x).any(axis=axis, keepdims=True), np.nan, y).astype(x.dtype)


def gumbel_noise(shape, *, rng, dtype=np.float64):
    r"""Draw standard Gumbel noise :math:`-\log(-\log U)`, U uniform between 0 and 1.

    Parameters
    ----------
    shape : int or tuple of int
        The shape of the noise.
    rng : numpy.random.Generator
        The source of randomness.
    dtype : floating dtype, default float64
        Drawn in this precision; float16 is rounded from float32.

    Returns
    -------
    ndarray of `shape` and `dtype`
        Finite numbers with mean 0.5772 and variance π²/6.

    Raises
    ------
    TypeError
        If `rng` is not a Generator.

    Notes
    -----
    -log U has the standard exponential distribution, which is drawn directly: a uniform number
    that happens to be 0 or 1 can then not become infinite noise.

    Examples
    --------
    >>> gumbel_noise(3, rng=np.random.default_rng(0)).shape
    (3,)
    """
    if not isinstance(rng, np.random.Generator):
        raise TypeError(f"rng must be a numpy.random.Generator, but it is {rng!r}")
    drawn = np.float64 if np.dtype(dtype) == np.float64 else np.float32
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

    References
    ----------
    Maddison, Tarlow and Minka, A* Sampling, 2014. https://arxiv.org/abs/1411.0030

    Examples
    --------
    >>> int(gumbel_max([-np.inf, 0.0, -np.inf], rng=np.random.default_rng(0)))
    1
    """
    logits = as_real(logits, "logits")
    best = logits.max(axis=axis)
    if np.isnan(best).any() or np.isneginf(best).any():
        raise ValueError("logits must have a class to draw in each row: no nan, not all -inf")
    return np.argmax(logits + gumbel_noise(logits.shape, rng=rng), axis=axis)


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
    y = softmax((logits + noise) / logits.dtype.type(tau), axis)
    return hardmax(y, axis) if hard else y


def reinforce_gradient(f, logits, *, rng):
    r"""Estimate ∇E f(z), z ~ softmax(logits), from one draw: :math:`f(z)(e_z - p)`.

    Parameters
    ----------
    f : callable
        Maps an integer array of class indices to rewards of the same shape.
    logits : array_like, (C,)
        Logits.
    rng : numpy.random.Generator
        The source of randomness.

    Returns
    -------
    ndarray, (C,)
        An unbiased estimate, of large variance.

    Raises
    ------
    ValueError
        If `logits` is not one row, or `f` changes the shape.

    References
    ----------
    Williams, Simple statistical gradient-following algorithms, 1992.
    https://doi.org/10.1007/BF00992696

    Examples
    --------
    >>> reinforce_gradient(lambda z: 0.0 * z, [0.0, 1.0], rng=np.random.default_rng(0)) + 0.0
    array([0., 0.])
    """
    logits = one_row(logits)
    z = np.atleast_1d(gumbel_max(logits, rng=rng))
    return rewards(f, z) * ((np.arange(logits.size) == z) - softmax(logits))


def arsm_gradient(f, logits, *, rng):
    r"""Estimate ∇E f(z), z ~ softmax(logits), from one draw and all its swaps (ARSM).

    Parameters
    ----------
    f : callable
        Maps an integer array of class indices, here (C, C), to rewards of the same shape.
    logits : array_like, (C,)
        Logits.
    rng : numpy.random.Generator
        The source of randomness.

    Returns
    -------
    ndarray, (C,)
        An unbiased estimate, of small variance.

    Raises
    ------
    ValueError
        If `logits` is not one row, or `f` changes the shape.

    Notes
    -----
    Draw :math:`\pi \sim \mathrm{Dirichlet}(1, …, 1)`; then :math:`z = \arg\min_i (\log \pi_i -
    x_i)` is a draw from softmax(x). With entries m and j of π swapped it is
    :math:`z^{m⇌j}`, with reward :math:`F_{mj}`, and
    :math:`g_m = \sum_j (F_{mj} - \bar F_j)(1/C - \pi_j)`, :math:`\bar F_j` being the mean over m.

    References
    ----------
    Yin, Yue and Zhou, ARSM: Augment-REINFORCE-Swap-Merge Estimator, ICML 2019.
    https://arxiv.org/abs/1905.01413

    Examples
    --------
    >>> arsm_gradient(lambda z: 0.0 * z, [0.0, 1.0, 2.0], rng=np.random.default_rng(0)) + 0.0
    array([0., 0., 0.])
    """
    logits = one_row(logits)
    log_pi = log_softmax(-gumbel_noise(logits.shape, rng=rng))
    reward = rewards(f, swapped_argmins(log_pi, logits))
    return (reward - reward.mean(axis=0)) @ (1 / logits.size - np.exp(log_pi))


def swapped_argmins(log_pi, logits):
    """Return z[m, j] = argmin_i (log π_i − x_i) with entries m and j of log π swapped.

    The smallest of the entries that a swap leaves alone is one of the three smallest of all.
    """
    size = logits.size
    m, j = np.ogrid[:size, :size]
    cost = np.append(log_pi - logits, np.inf)  # one more, so that every pair leaves something
    first, second, third = np.append(np.argsort(cost, kind="stable")[:3], [size, size])[:3]
    other = np.where((first != m) & (first != j), first, second)
    other = np.where((other != m) & (other != j), other, third)
    swapped = log_pi - logits[:, None]  # at [m, j]: the cost of class m when it is given π_j
    z = np.where(swapped <= swapped.T, m, j)
    return np.where(cost[other] < np.minimum(swapped, swapped.T), other, z)


def one_row(logits):
    """Return logits (C,) in float64, or raise ValueError for another shape."""
    logits = as_real(logits, "logits")
    if logits.ndim != 1 or logits.size == 0:
        raise ValueError(
            f"logits must be one row of classes, (C,), but the shape is {logits.shape}"
        )
    return logits.astype(np.float64, copy=False)


def rewards(f, z):
    """Return f(z), or raise ValueError if its shape is not that of z."""
    value = np.asarray(f(z))
    if value.shape != z.shape:
        raise ValueError(f"f must return one reward for each class: {z.shape}, not {value.shape}")
    return value
