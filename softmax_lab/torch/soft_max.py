"""Chapter 3, Soft or max: the hard maximum, Gumbel noise, and gradients through a choice."""

import torch

from softmax_lab.torch._rows import as_real
from softmax_lab.torch.stability import log_softmax, softmax


def hardmax(x, dim=-1):
    x = as_real(x)
    y = torch.zeros_like(x).scatter(dim, x.argmax(dim, keepdim=True), 1.0)
    return y.masked_fill(x.isnan().any(dim, keepdim=True), torch.nan)


def gumbel_noise(shape, *, generator, dtype=torch.float64):
    shape = (shape,) if isinstance(shape, int) else tuple(shape)
    drawn = torch.float64 if dtype == torch.float64 else torch.float32
    exponential = torch.empty(shape, dtype=drawn, device=generator.device)
    exponential.exponential_(generator=generator)
    return -exponential.clamp_(min=torch.finfo(drawn).eps / 2).log_().to(dtype)


def gumbel_max(logits, dim=-1, *, generator):
    logits = as_real(logits, "logits")
    return (logits + gumbel_noise(logits.shape, generator=generator)).argmax(dim)


def gumbel_softmax(logits, tau=1.0, hard=False, dim=-1, *, generator):
    if not tau > 0:
        raise ValueError(f"tau must be above 0, but it is {tau}")
    logits = as_real(logits, "logits")
    noise = gumbel_noise(logits.shape, generator=generator, dtype=logits.dtype)
    y = softmax((logits + noise) / tau, dim)
    if not hard:
        return y
    # Straight through: the forward value is one-hot, the gradient that of the soft vector.
    return hardmax(y.detach(), dim) + (y - y.detach())


def reinforce_gradient(f, logits, *, generator):
    logits = one_row(logits)
    z = gumbel_max(logits, generator=generator).reshape(1)
    classes = torch.arange(len(logits), device=logits.device)
    return rewards(f, z) * ((classes == z).to(logits.dtype) - softmax(logits))


def arsm_gradient(f, logits, *, generator):
    logits = one_row(logits)
    noise = gumbel_noise(logits.shape, generator=generator)
    log_pi = log_softmax(-noise)
    reward = rewards(f, swapped_argmins(log_pi, logits)).to(logits.dtype)
    return (reward - reward.mean(0)) @ (1 / len(logits) - log_pi.exp())


def swapped_argmins(log_pi, logits):
    size = len(logits)
    m = torch.arange(size, device=logits.device)[:, None]
    j = m.T
    padding = torch.full((3,), torch.inf, dtype=log_pi.dtype, device=log_pi.device)
    cost = torch.cat([log_pi - logits, padding])
    first, second, third = cost.sort(stable=True).indices[:3]
    other = torch.where((first != m) & (first != j), first, second)
    other = torch.where((other != m) & (other != j), other, third)
    swapped = log_pi - logits[:, None]  # at [m, j]: the cost of class m when it is given π_j
    z = torch.where(swapped <= swapped.T, m, j)
    return torch.where(cost[other] < torch.minimum(swapped, swapped.T), other, z)


def one_row(logits):
    logits = as_real(logits, "logits").detach()
    if logits.ndim != 1 or logits.numel() == 0:
        raise ValueError(
            f"logits must be one row of classes, (C,), but the shape is {tuple(logits.shape)}"
        )
    return logits


def rewards(f, z):
    value = torch.as_tensor(f(z))
    if value.shape != z.shape:
        raise ValueError(
            f"f must return one reward for each class: {tuple(z.shape)}, not {tuple(value.shape)}"
        )
    return value
