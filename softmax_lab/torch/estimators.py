"""Chapter 3, Soft or max: estimates of the gradient of an expected reward, from draws."""

import torch

from softmax_lab.torch._arguments import as_real, as_tensor
from softmax_lab.torch._types import Generator, Reward, Tensor, TensorLike
from softmax_lab.torch.soft_max import drawable, gumbel_max, noise_like
from softmax_lab.torch.stability import log_softmax, softmax


def reinforce_gradient(
    f: Reward, logits: TensorLike, *, generator: Generator | None = None
) -> Tensor:
    r"""Estimate ∇E f(z), z ~ softmax(logits), from one draw: :math:`f(z)(e_z - p)`.

    Parameters
    ----------
    f : callable
        Maps a tensor of class indices to rewards of the same shape.
    logits : Tensor, (T,)
        Logits.
    generator : torch.Generator, optional
        The source of randomness, on the device of `logits`; by default torch's own.

    Returns
    -------
    Tensor, (T,), the floating dtype of `logits`
        An unbiased estimate, of large variance.

    Raises
    ------
    ValueError
        If `logits` is not one row, has a nan or nothing but -inf, or `f` changes the shape.

    Notes
    -----
    Taught in :ref:`sec-soft-max-reinforce`.

    References
    ----------
    Williams, Simple statistical gradient-following algorithms, 1992.
    https://doi.org/10.1007/BF00992696

    Examples
    --------
    >>> reinforce_gradient(lambda z: 0.0 * z, [0.0, 1.0], generator=torch.Generator()) + 0.0
    tensor([0., 0.])
    """
    logits, dtype = one_row(logits)
    z = gumbel_max(logits, generator=generator).reshape(1)
    classes = torch.arange(len(logits), device=logits.device)
    return (rewards(f, z) * ((classes == z).to(logits.dtype) - softmax(logits))).to(dtype)


def arsm_gradient(f: Reward, logits: TensorLike, *, generator: Generator | None = None) -> Tensor:
    r"""Estimate ∇E f(z), z ~ softmax(logits), from one draw and all its swaps (ARSM).

    Parameters
    ----------
    f : callable
        Maps a tensor of class indices, here (T, T), to rewards of the same shape.
    logits : Tensor, (T,)
        Logits.
    generator : torch.Generator, optional
        The source of randomness, on the device of `logits`; by default torch's own.

    Returns
    -------
    Tensor, (T,), the floating dtype of `logits`
        An unbiased estimate, of small variance.

    Raises
    ------
    ValueError
        If `logits` is not one row, has a nan or nothing but -inf, or `f` changes the shape.

    Notes
    -----
    The formula is that of the NumPy side, `softmax_lab.arsm_gradient`.

    Taught in :ref:`sec-soft-max-arsm`.

    References
    ----------
    Yin, Yue and Zhou, ARSM: Augment-REINFORCE-Swap-Merge Estimator, ICML 2019.
    https://arxiv.org/abs/1905.01413

    Examples
    --------
    >>> arsm_gradient(lambda z: 0.0 * z, [0.0, 1.0, 2.0], generator=torch.Generator()) + 0.0
    tensor([0., 0., 0.])
    """
    logits, dtype = one_row(logits)
    log_pi = log_softmax(-noise_like(logits, generator))
    reward = rewards(f, swapped_argmins(log_pi, logits)).to(logits.dtype)
    return ((reward - reward.mean(0)) @ (1 / len(logits) - log_pi.exp())).to(dtype)


def swapped_argmins(log_pi, logits):
    """Return z[m, j] = argmin_i (log π_i − x_i) with entries m and j of log π swapped.

    The smallest of the entries that a swap leaves alone is one of the two smallest of all. If both
    of these are swapped it loses: the sum of their costs stays, and so one of them wins.
    """
    m = torch.arange(len(logits), device=logits.device)[:, None]
    j = m.T
    cost = log_pi - logits
    cost = torch.cat([cost, torch.full_like(cost[:1], torch.inf)])  # so that one class has a second
    first, second = cost.sort().indices[:2]
    other = torch.where((first != m) & (first != j), first, second)
    swapped = log_pi - logits[:, None]  # at [m, j]: the cost of class m when it is given π_j
    z = torch.where(swapped <= swapped.T, m, j)
    return torch.where(cost[other] < torch.minimum(swapped, swapped.T), other, z)


def one_row(logits):
    """Return the log-probabilities of a single row with a class to draw, and its floating dtype.

    No gradient flows through them.
    """
    logits = as_tensor(logits, "logits").detach()
    if logits.ndim != 1 or logits.numel() == 0:
        raise ValueError(
            f"logits must be one row of classes, (T,), but the shape is {tuple(logits.shape)}"
        )
    return drawable(logits), as_real(logits, "logits").dtype


def rewards(f, z):
    """Return f(z), which must have the shape of z."""
    value = as_real(f(z), "f(z)", z.device)
    if value.shape != z.shape:
        raise ValueError(
            f"f must return one reward for each class: {tuple(z.shape)}, not {tuple(value.shape)}"
        )
    return value
