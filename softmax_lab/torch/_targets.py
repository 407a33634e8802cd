"""Checks and bookkeeping shared by the losses: targets, class weights, reductions."""

import math

import torch

from softmax_lab.torch._arguments import (
    as_dim,
    as_integer,
    as_number,
    as_real,
    as_tensor,
    distributed,
    wide,
)
from softmax_lab.torch._checks import check_non_negative, check_target
from softmax_lab.torch._rows import to_last


def prepare(x, target, dim, weight, reduction, *, classes_only=False):
    """Check the arguments of a loss; return them with the classes last."""
    target = as_tensor(target, "target", x.device)
    for value, its_name in ((target, "target"), (weight, "weight")):
        if distributed(value) and not distributed(x):
            raise TypeError(
                f"{its_name} is a DTensor, but the logits are not: both must be, or none"
            )
    dim, weight, soft = fitting(x, target, dim, weight, reduction, classes_only=classes_only)
    if soft:
        target = check_non_negative(as_real(target, "target"), "target")
        target = to_last(target, (dim,))
    return to_last(x, (dim,)), target, weight


def fitting(x, target, dim, weight, reduction, *, classes_only):
    """Check what needs no value of x and target: return dim, weight, and if targets are masses."""
    if not isinstance(reduction, str) or reduction not in ("mean", "sum", "none"):
        raise ValueError(f"reduction must be 'mean', 'sum' or 'none', not {reduction!r}")
    name = "log_probabilities" if classes_only else "logits"
    if x.ndim == 0:
        raise ValueError(f"{name} must have a dimension of classes, but they are a single number")
    dim = as_dim(dim, x.ndim)
    n, rows = x.shape[dim], x.shape[:dim] + x.shape[dim + 1 :]
    if weight is not None:
        weight = as_real(weight, "weight", x.device).detach()
        if weight.shape != (n,):
            raise ValueError(f"weight has shape {tuple(weight.shape)}; {n} classes ask for ({n},)")
    soft = target.is_floating_point() and target.shape == x.shape and not classes_only
    if not soft and target.shape != rows:
        either = "" if classes_only else f", or for floating probabilities {tuple(x.shape)}"
        raise ValueError(
            f"target has shape {tuple(target.shape)}; {name} {tuple(x.shape)} with classes on "
            f"dim {dim} ask for integers {tuple(rows)}{either}"
        )
    if weight is not None:
        if reduction == "mean" and not soft and n:
            weight = weight / power_of_two(weight.amax())  # a mean is the same for all such factors
        weight = check_non_negative(weight.to(wide(x.dtype)), "weight")
    return dim, weight, soft


def power_of_two(x):
    """Return the power of two from which a positive number begins, or 1 of any other."""
    power = x / (2 * torch.frexp(x).mantissa)
    return torch.where((x > 0) & x.isfinite(), power, 1.0).to(x.dtype)


def as_smoothing(value):
    """Return `label_smoothing` as a number from 0 to 1."""
    value = as_number(value, "label_smoothing")
    if not 0 <= value <= 1:
        raise ValueError(f"label_smoothing must be from 0 to 1, but it is {value}")
    return value


def shares(x, target, weight, ignore_index, reduction, *, smoothed=False):
    """Return class indices, each row's share in the loss, and what the mean divides by."""
    ignore_index = as_integer(ignore_index, "ignore_index")
    y, counted = check_target(target, x.shape[-1], ignore_index)
    if counted is None and weight is None:
        return y[..., None], *even_shares(x, reduction)
    if counted is None:
        counted = torch.ones_like(y, dtype=torch.bool)
    y = torch.where(counted, y, 0).clamp(0, max(x.shape[-1] - 1, 0))[..., None]
    ones = counted[..., None].to(wide(x.dtype))
    mass = ones if weight is None or not weight.shape[0] else ones * weight[y]
    count = mass.sum()
    share = ones * weight.any() if smoothed and weight is not None else mass
    return y, divided(share, count, reduction), count


def divided(share, count, reduction):
    """Return each row's share in a sum as that in the mean, if asked for: of nothing it is nan."""
    if reduction != "mean":
        return share
    return torch.where(share == 0, 0.0, share / count.masked_fill(count == 0, torch.nan))


def at_target(x, y):
    """Return x at class indices y, or 0 where there are no classes, and every y is ignored."""
    return x.gather(-1, y) if x.shape[-1] else x.sum(-1, keepdim=True)


def even_shares(x, reduction):
    """Return the share of each row when all count alike, and how many rows there are."""
    rows = math.prod(x.shape[:-1])
    share = 1 / rows if reduction == "mean" and rows else 1.0
    return x.new_full((*x.shape[:-1], 1), share, dtype=wide(x.dtype)), rows


def reduce(losses, count, reduction, dtype):
    """Reduce the losses of the rows, whose shares in a mean they already hold."""
    if reduction == "none":
        return losses.squeeze(-1).to(dtype)
    total = losses.sum()
    return (mean_of(total, count) if reduction == "mean" else total).to(dtype)


def mean_of(total, count):
    """Return a total of shares, which is a mean already; or nan, with gradient 0, for nothing."""
    if isinstance(count, torch.Tensor):
        return total.masked_fill(count == 0, torch.nan)
    return total if count else total.masked_fill(torch.ones_like(total, dtype=bool), torch.nan)
