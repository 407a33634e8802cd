"""Chapter 3, Soft or max: the hard maximum, Gumbel noise, and gradients through a choice."""

import torch

from softmax_lab.torch._checks import require
from softmax_lab.torch._rows import as_real, wide
from softmax_lab.torch.stability import softmax


def hardmax(x, dim=-1):
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

    Notes
    -----
    Taught in :ref:`sec-soft-max-which`.

    Examples
    --------
    >>> hardmax([1.0, 3.0, 3.0])
    tensor([0., 1., 0.])
    """
    x = as_real(x)
    y = torch.zeros_like(x).scatter(dim, x.argmax(dim, keepdim=True), 1.0)
    return y.masked_fill(x.isnan().any(dim, keepdim=True), torch.nan)


def gumbel_noise(shape, *, generator, dtype=None):
    r"""Draw standard Gumbel noise :math:`-\log(-\log U)`, U uniform between 0 and 1.

    Parameters
    ----------
    shape : int or tuple of int
        The shape of the noise.
    generator : torch.Generator
        The source of randomness; the noise is made on its device.
    dtype : floating dtype, optional
        Drawn in this precision, by default torch's default; half precision is rounded from float32.

    Returns
    -------
    Tensor of `shape` and `dtype`
        Finite numbers with mean 0.5772 and variance π²/6.

    Raises
    ------
    TypeError
        If `generator` is not a Generator.

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
    if not isinstance(generator, torch.Generator):
        raise TypeError(f"generator must be a torch.Generator, but it is {generator!r}")
    dtype = dtype or torch.get_default_dtype()
    exponential = torch.empty(shape, dtype=wide(dtype), device=generator.device)
    exponential.exponential_(generator=generator)
    return -exponential.clamp_(min=torch.finfo(wide(dtype)).eps / 2).log_().to(dtype)


def gumbel_max(logits, dim=-1, *, generator):
    """Draw a class with the probabilities of softmax: the argmax of logits plus Gumbel noise.

    Parameters
    ----------
    logits : Tensor, any shape
        Logits; -inf is never drawn.
    dim : int, default -1
        The classes.
    generator : torch.Generator
        The source of randomness, on the device of `logits`.

    Returns
    -------
    Tensor of int64, the shape of `logits` without `dim`
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
    >>> gumbel_max([-torch.inf, 0.0, -torch.inf], generator=torch.Generator())
    tensor(1)
    """
    logits = check_drawable(as_real(logits, "logits"), dim)
    noise = gumbel_noise(logits.shape, generator=generator, dtype=wide(logits.dtype))
    return (logits + noise).argmax(dim)


def check_drawable(logits, dim=-1):
    """Return `logits`, each row of which must have a class to draw."""
    best = logits.amax(dim)
    summary = "logits must have a class to draw in each row: no nan, not all -inf"
    require(best, best > -torch.inf, summary, lambda *_: ValueError(summary))
    return logits


def gumbel_softmax(logits, tau=1.0, hard=False, dim=-1, *, generator):
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
    generator : torch.Generator
        The source of randomness, on the device of `logits`.

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
    if not tau > 0:
        raise ValueError(f"tau must be above 0, but it is {tau}")
    logits = as_real(logits, "logits")
    noise = gumbel_noise(logits.shape, generator=generator, dtype=wide(logits.dtype))
    y = softmax((logits + noise) / tau, dim)
    if hard:  # y − y is 0, and carries the gradient of y
        y = hardmax(y, dim) + (y - y.detach())
    return y.to(logits.dtype)
