"""Chapter 2, Logits: from probabilities to logits and back."""

import torch

from softmax_lab.torch._checks import check_probabilities
from softmax_lab.torch._rows import as_dims, as_real, wide


def sigmoid(x):
    x = as_real(x)
    return x.to(wide(x.dtype)).sigmoid().to(x.dtype)


def logit(p):
    p = check_probabilities(as_real(p, "p"))
    x = p.to(wide(p.dtype))
    # Near 1/2 the odds are near 1: log1p of (p − q)/q keeps the digits that log would lose.
    q = 1 - x
    near = (x - 0.5).abs() < 0.2
    middle = torch.where(near, x, 0.5)
    odds = ((middle - (1 - middle)) / (1 - middle)).log1p()
    return torch.where(near, odds, x.log() - (-x).log1p()).to(p.dtype)


def logits_from_probabilities(p, dim=-1):
    p = check_probabilities(as_real(p, "p"))
    dims = as_dims(dim, p.ndim)
    x = p.to(wide(p.dtype))
    some = p > 0
    x = torch.where(some, x, 1.0).log()
    centred = x - x.sum(dims, keepdim=True) / some.sum(dims, keepdim=True).clamp(min=1)
    return torch.where(p == 0, -torch.inf, torch.where(p.isnan(), p.to(x.dtype), centred)).to(
        p.dtype
    )
