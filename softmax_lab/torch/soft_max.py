"""Chapter 3, Soft or max: the hard maximum, Gumbel noise, and gradients through a choice."""

from collections.abc import Sequence
from typing import SupportsIndex

import torch

from softmax_lab.numpy._arguments import as_shape
from softmax_lab.torch._arguments import (
    FLOATING,
    as_dim,
    as_dtype,
    as_logits,
    as_number,
    as_real,
    as_tensor,
    undistributed,
    wide,
)
from softmax_lab.torch._checks import require
from softmax_lab.torch._types import DType, Generator, Number, OneDim, Tensor, TensorLike
from softmax_lab.torch.stability import log_softmax, softmax


def hardmax(x: TensorLike, dim: OneDim = -1) -> Tensor:
    """Give the first of the largest entries 1, all others 0: softmax at temperature 0.

    Parameters
    ----------
    x : Tensor, any shape
        Logits.
    dim : int, default -1
        The classes.

    Returns
    -------
    Tensor, the shape and floating dtype of `x`
        One 1 in each row; a row that holds a nan is nan. No gradient flows through it.

    Raises
    ------
    TypeError
        If `x` is complex.
    ValueError
        If `dim` is not one integer.

    Notes
    -----
    Taught in :ref:`sec-soft-max-which`.

    Examples
    --------
    >>> hardmax([1.0, 3.0, 3.0])
    tensor([0., 1., 0.])
    """
    x = as_logits(x, dim).detach()
    dim, y = as_dim(dim, x.ndim), torch.zeros_like(x)
    if not x.numel():
        return y
    y = y.scatter(dim, x.argmax(dim, keepdim=True), 1.0)
    return y.masked_fill(x.isnan().any(dim, keepdim=True), torch.nan)


def gumbel_noise(
    shape: SupportsIndex | Sequence[SupportsIndex],
    *,
    generator: Generator | None = None,
    dtype: DType | None = None,
) -> Tensor:
    r"""Draw standard Gumbel noise :math:`-\log(-\log U)`, U uniform between 0 and 1.

    Parameters
    ----------
    shape : int or tuple of int
        The shape of the noise.
    generator : torch.Generator, optional
        The source of randomness, on whose device the noise is made; by default torch's own.
    dtype : floating dtype, optional
        Drawn in this precision, by default torch's default; half precision is rounded from float32.

    Returns
    -------
    Tensor of `shape` and `dtype`
        Finite numbers with mean 0.5772 and variance π²/6.

    Raises
    ------
    TypeError
        If `generator` is not a Generator, or `dtype` not floating.

    Notes
    -----
    -log U has the standard exponential distribution, which is drawn directly, and is kept away
    from 0 by half the spacing of numbers at 1: no U can become infinite noise.

    Taught in :ref:`sec-soft-max-gumbel`.

    Examples
    --------
    >>> gumbel_noise(3, generator=torch.Generator().manual_seed(0)).shape
    torch.Size([3])
    """
    dtype, shape = as_dtype(dtype), as_shape(shape)
    if dtype not in FLOATING:
        raise TypeError(f"dtype must be floating, but it is {dtype}")
    device = generator.device if isinstance(generator, torch.Generator) else None
    return standard_gumbel(torch.empty(shape, dtype=wide(dtype), device=device), generator).to(
        dtype
    )


def noise_like(x, generator):
    """Draw Gumbel noise for each entry of `x`: under `vmap`, if it asks so, of each of a batch."""
    empty = torch.empty_like(x, memory_format=torch.contiguous_format)
    return standard_gumbel(empty, generator)


def standard_gumbel(empty, generator):
    """Draw Gumbel noise in the place of an empty tensor."""
    if generator is not None and not isinstance(generator, torch.Generator):
        raise TypeError(f"generator must be a torch.Generator or None, but it is {generator!r}")
    exponential = empty.exponential_(generator=generator)
    return -exponential.clamp_min_(torch.finfo(empty.dtype).eps / 2).log_()


def gumbel_max(
    logits: TensorLike, dim: OneDim = -1, *, generator: Generator | None = None
) -> Tensor:
    """Draw a class with the probabilities of softmax: the argmax of logits plus Gumbel noise.

    Parameters
    ----------
    logits : Tensor, any shape
        Logits; -inf is never drawn.
    dim : int, default -1
        The classes.
    generator : torch.Generator, optional
        The source of randomness, on the device of `logits`; by default torch's own.

    Returns
    -------
    Tensor of int64, the shape of `logits` without `dim`
        One class index for each row.

    Raises
    ------
    ValueError
        If there is nothing to draw in a row: a nan, nothing but -inf, or more than one +inf.

    Notes
    -----
    Taught in :ref:`sec-soft-max-gumbel`.

    References
    ----------
    Maddison, Tarlow and Minka, A* Sampling, 2014. https://arxiv.org/abs/1411.0030

    Examples
    --------
    >>> gumbel_max([-torch.inf, 0.0, -torch.inf], generator=torch.Generator())
    tensor(1)
    """
    log_p = drawable(logits, dim)
    return perturbed(log_p, generator).argmax(dim)


def drawable(logits, dim=-1):
    """Return the log-probabilities of logits, each row of which must have a class to draw."""
    log_p = log_probabilities(logits, dim)
    summary = "logits must have a class to draw in each row: no nan, not all -inf, one +inf at most"
    if log_p.ndim and not log_p.shape[dim]:
        raise ValueError(f"{summary}; the shape is {tuple(log_p.shape)}")
    require(log_p, ~log_p.isnan(), summary, lambda *_: ValueError(summary))
    return log_p


def log_probabilities(logits, dim):
    """Return the log-softmax of logits: logits of moderate size, to which noise can be added."""
    logits = as_logits(undistributed(logits, "logits"), dim, "logits")
    as_dim(dim, logits.ndim)
    return log_softmax(logits.to(wide(logits.dtype)), dim)


def perturbed(log_p, generator):
    """Return log-probabilities with Gumbel noise."""
    return log_p + noise_like(log_p, generator)


def gumbel_softmax(
    logits: TensorLike,
    tau: Number = 1.0,
    hard: bool = False,
    dim: OneDim = -1,
    *,
    generator: Generator | None = None,
) -> Tensor:
    r"""Draw a relaxed one-hot vector: :math:`\mathrm{softmax}((x + G) / \tau)`.

    Parameters
    ----------
    logits : Tensor, any shape
        Logits.
    tau : float, default 1.0
        Temperature, above 0. Near 0 the result is nearly one-hot.
    hard : bool, default False
        Return the one-hot vector of the largest entry, with the gradient of the soft vector: the
        straight-through estimator.
    dim : int, default -1
        The classes.
    generator : torch.Generator, optional
        The source of randomness, on the device of `logits`; by default torch's own.

    Returns
    -------
    Tensor, the shape and floating dtype of `logits`
        Sums to 1 along `dim`.

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
    >>> y = gumbel_softmax([0.0, 1.0, 2.0], hard=True, generator=torch.Generator())
    >>> y.sum()
    tensor(1.)
    """
    tau = as_number(tau, "tau")
    if not tau > 0:
        raise ValueError(f"tau must be above 0, but it is {tau}")
    logits = as_tensor(logits, "logits")
    z = perturbed(log_probabilities(logits, dim), generator)
    if not z.numel():
        return z.to(as_real(logits).dtype)
    z = z - z.detach().amax(dim, keepdim=True)
    # A temperature that this precision takes for 0 or inf would leave 0/0, or inf/inf.
    info, tau = torch.finfo(z.dtype), torch.as_tensor(tau, dtype=z.dtype, device=z.device)
    y = softmax(z / tau.clamp(info.tiny, info.max), dim)
    if hard:  # the draw does not depend on τ; y − y is 0, and carries the gradient of y
        y = hardmax(z, dim) + (y - y.detach())
    return y.to(as_real(logits).dtype)
