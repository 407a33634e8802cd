"""The Kullback-Leibler divergence, term by term, without cancelling."""

import torch

from softmax_lab.torch._checks import check_probabilities, require
from softmax_lab.torch._rows import as_dims, as_real, wide
from softmax_lab.torch.stability import log_softmax, softmax


def distribution(p, name, dim):
    """Return `p` in its working precision, and its dtype; it must sum to 1 along `dim`."""
    p = check_probabilities(as_real(p, name), name)
    p, dtype = (p if p.ndim else p.reshape(1)).to(wide(p.dtype)), p.dtype
    total = p.sum(as_dims(dim, p.ndim), keepdim=True)
    summary = f"{name} must sum to 1 along dim {dim}"
    require(
        total,
        ~((total - 1).abs() > torch.finfo(dtype).eps ** 0.5),
        summary,
        lambda value, _: ValueError(f"{summary}, but a row sums to {value}"),
    )
    return p, dtype


def log_ratio(p, q):
    """Return log(q/p), where p is not 0."""
    some = p > 0
    p, q = torch.where(some, p, 1.0), torch.where(some, q, 1.0)
    near = (q - p).abs() < p / 2
    return torch.where(near, torch.where(near, (q - p) / p, 0.0).log1p(), q.log() - p.log())


def log_ratio_of_logits(x, y, dims):
    """Return p = softmax(x), q = softmax(y) and log(q/p)."""
    p, q = softmax(x, dims), softmax(y, dims)
    # log(q/p) = e − log Σ p·exp(e) for e = y − x, from which any constant may be subtracted.
    e = torch.where(x == y, 0.0, y - x)
    winner = p == p.amax(dims, keepdim=True)
    e = e - torch.where(winner, e, -torch.inf).amax(dims, keepdim=True)
    limit = 80 if x.dtype == torch.float32 else 700
    rough = ~(e.abs() < limit).all(dims, keepdim=True)
    e = torch.where(rough, 0.0, e)
    d = e - (p * e.expm1()).sum(dims, keepdim=True).log1p()
    return p, q, torch.where(rough, log_softmax(y, dims) - log_softmax(x, dims), d)


def excess(p, q, d):
    """Return p (e^d − 1 − d) for d = log(q/p), which is q where p is 0."""
    d = torch.where(p == 0, 0.0, d)
    small = d.abs() < 1  # there e^d − 1 − d loses its digits, and its series converges at once
    t = torch.where(small, d, 0.0)
    series = torch.ones_like(t)
    for k in range(20, 2, -1):
        series = 1 + series * t / k
    d = torch.where(small, 1.0, d)
    return torch.where(p == 0, q, p * torch.where(small, t * t / 2 * series, d.expm1() - d))
