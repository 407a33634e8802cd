"""Chapter 2, Logits: from probabilities to logits and back."""

import torch

from softmax_lab.torch._arguments import as_dims, as_real, wide
from softmax_lab.torch._checks import check_probabilities
from softmax_lab.torch._types import Dim, Tensor, TensorLike


def sigmoid(x: TensorLike) -> Tensor:
    r"""Turn log-odds into a probability: :math:`1 / (1 + e^{-x})`.

    Parameters
    ----------
    x : Tensor, any shape
        Log-odds, in nats.

    Returns
    -------
    Tensor, the shape and floating dtype of `x`
        Probabilities: the first entry of softmax([x, 0]).

    Notes
    -----
    Taught in :ref:`sec-logits-two`.

    Examples
    --------
    >>> sigmoid([0.0, -1000.0, 1000.0])
    tensor([0.5000, 0.0000, 1.0000])
    """
    x = as_real(x)
    z = x.to(wide(x.dtype))
    negative = z < 0
    w = torch.where(negative, z, 0.0).exp()  # each branch sees only what cannot overflow
    return torch.where(negative, w / (1 + w), 1 / (1 + torch.where(negative, 0.0, -z).exp())).to(
        x.dtype
    )


def logit(p: TensorLike) -> Tensor:
    r"""Turn a probability into log-odds: :math:`\log (p / (1 - p))`.

    Parameters
    ----------
    p : Tensor, any shape
        Probabilities, from 0 to 1.

    Returns
    -------
    Tensor, the shape and floating dtype of `p`
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
    tensor([0., -inf, inf])
    """
    p = check_probabilities(as_real(p, "p"))
    x = p.to(wide(p.dtype))
    near = (x - 0.5).abs() < 0.2
    # Near 1/2 the odds are near 1: log1p of odds − 1 = (2p − 1)/(1 − p) keeps the digits that log
    # would lose, and 2p − 1 is exact.
    middle = torch.where(near, x, 0.5)
    odds = ((2 * middle - 1) / (1 - middle)).log1p()
    # Each branch sees only what it can digest, or the other's inf would make a gradient nan.
    x = torch.where(near, 0.25, x)
    return torch.where(near, odds, x.log() - (-x).log1p()).to(p.dtype)


def logits_from_probabilities(p: TensorLike, dim: Dim = -1) -> Tensor:
    """Return the centred logits of given probabilities: log p less its mean.

    Parameters
    ----------
    p : Tensor, any shape
        Probabilities, from 0 to 1. Their sum does not matter.
    dim : int, tuple of int or None, default -1
        The classes.

    Returns
    -------
    Tensor, the shape and floating dtype of `p`
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
    >>> logits_from_probabilities([0.25, 0.25, 0.5])
    tensor([-0.2310, -0.2310,  0.4621])
    """
    p = check_probabilities(as_real(p, "p"))
    dims = as_dims(dim, p.ndim)
    zero = p == 0
    x = p.to(wide(p.dtype)).masked_fill(zero, 1.0).log()
    count = (~zero).sum(dims, keepdim=True).clamp(min=1)
    return (x - x.sum(dims, keepdim=True) / count).masked_fill(zero, -torch.inf).to(p.dtype)
