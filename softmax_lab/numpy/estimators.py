"""Chapter 3, Soft or max: gradients through a choice, estimated from draws."""

import numpy as np

from softmax_lab.numpy._arguments import as_array, as_real
from softmax_lab.numpy._blocks import in_dtype
from softmax_lab.numpy._types import ArrayLike, Floats, Random, Reward
from softmax_lab.numpy.soft_max import drawable, gumbel_max, gumbel_noise
from softmax_lab.numpy.stability import log_softmax, softmax


def reinforce_gradient(f: Reward, logits: ArrayLike, *, rng: Random = None) -> Floats:
    r"""Estimate ∇E f(z), z ~ softmax(logits), from one draw: :math:`f(z)(e_z - p)`.

    Parameters
    ----------
    f : callable
        Maps an integer array of class indices to rewards of the same shape.
    logits : array_like, (T,)
        Logits.
    rng : numpy.random.Generator, int or None
        The source of randomness, or a seed of one; None seeds it from the operating system.

    Returns
    -------
    ndarray, (T,), the floating dtype of `logits`
        An unbiased estimate, of large variance.

    Raises
    ------
    ValueError
        If `logits` is not one row with a class to draw, or `f` changes the shape.

    Notes
    -----
    Taught in :ref:`sec-soft-max-reinforce`.

    References
    ----------
    Williams, Simple statistical gradient-following algorithms, 1992.
    https://doi.org/10.1007/BF00992696

    Examples
    --------
    >>> reinforce_gradient(lambda z: 0.0 * z, [0.0, 1.0], rng=np.random.default_rng(0)) + 0.0
    array([0., 0.])
    """
    logits, dtype = one_row(logits)
    z = np.atleast_1d(gumbel_max(logits, rng=rng))
    reward = rewards(f, z)
    with np.errstate(under="ignore"):
        estimate = reward * ((np.arange(logits.size) == z) - softmax(logits))
    return in_dtype(estimate, dtype)


def arsm_gradient(f: Reward, logits: ArrayLike, *, rng: Random = None) -> Floats:
    r"""Estimate ∇E f(z), z ~ softmax(logits), from one draw and all its swaps (ARSM).

    Parameters
    ----------
    f : callable
        Maps an integer array of class indices, here (T, T), to rewards of the same shape.
    logits : array_like, (T,)
        Logits.
    rng : numpy.random.Generator, int or None
        The source of randomness, or a seed of one; None seeds it from the operating system.

    Returns
    -------
    ndarray, (T,), the floating dtype of `logits`
        An unbiased estimate, of small variance.

    Raises
    ------
    ValueError
        If `logits` is not one row with a class to draw, or `f` changes the shape.

    Notes
    -----
    Draw :math:`\pi \sim \mathrm{Dirichlet}(1, …, 1)`; then :math:`z = \arg\min_i (\log \pi_i -
    x_i)` is a draw from softmax(x). With entries m and j of π swapped it is
    :math:`z^{m⇌j}`, with reward :math:`F_{mj}`, and
    :math:`g_m = \sum_j (F_{mj} - \bar F_j)(1/C - \pi_j)`, :math:`\bar F_j` being the mean over m.

    Taught in :ref:`sec-soft-max-arsm`.

    References
    ----------
    Yin, Yue and Zhou, ARSM: Augment-REINFORCE-Swap-Merge Estimator, ICML 2019.
    https://arxiv.org/abs/1905.01413

    Examples
    --------
    >>> arsm_gradient(lambda z: 0.0 * z, [0.0, 1.0, 2.0], rng=np.random.default_rng(0)) + 0.0
    array([0., 0., 0.])
    """
    logits, dtype = one_row(logits)
    log_pi = log_softmax(-gumbel_noise(logits.shape, rng=rng))
    reward = rewards(f, swapped_argmins(log_pi, logits))
    with np.errstate(under="ignore"):
        estimate = (reward - reward.mean(axis=0)) @ (1 / logits.size - np.exp(log_pi))
    return in_dtype(estimate, dtype)


def swapped_argmins(log_pi, logits):
    """Return z[m, j] = argmin_i (log π_i − x_i) with entries m and j of log π swapped.

    The smallest of the entries that a swap leaves alone is one of the two smallest of all. If both
    of these are swapped it loses: the sum of their costs stays, and so one of them wins.
    """
    size = logits.size
    m, j = np.ogrid[:size, :size]
    cost = np.append(log_pi - logits, np.inf)  # one more, so that one class has a second
    first, second = np.argsort(cost)[:2]
    other = np.where((first != m) & (first != j), first, second)
    swapped = log_pi - logits[:, None]  # at [m, j]: the cost of class m when it is given π_j
    z = np.where(swapped <= swapped.T, m, j)
    return np.where(cost[other] < np.minimum(swapped, swapped.T), other, z)


def one_row(logits):
    """Return the log-probabilities of a row (T,), and the dtype that its logits came in.

    Raise ValueError if there is no class to draw.
    """
    shape = as_array(logits, "logits").shape
    if len(shape) != 1 or shape == (0,):
        raise ValueError(f"logits must be one row of classes, (T,), but the shape is {shape}")
    return drawable(logits), as_real(logits, "logits")[1]


def rewards(f, z):
    """Return f(z), or raise ValueError if its shape is not that of z."""
    value, _ = as_real(f(z), "f's rewards")
    if value.shape != z.shape:
        raise ValueError(f"f must return one reward for each class: {z.shape}, not {value.shape}")
    return value
