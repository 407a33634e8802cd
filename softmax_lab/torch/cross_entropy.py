"""Chapter 6, Cross-entropy: the loss of a classifier, its gradient, and information in nats."""

import torch

from softmax_lab.torch._autograd import CrossEntropy
from softmax_lab.torch._checks import (
    check_non_negative,
    check_probabilities,
    check_target,
    require,
)
from softmax_lab.torch._formulas import masses
from softmax_lab.torch._rows import as_dims, as_real, to_last, wide
from softmax_lab.torch.stability import log_softmax, softmax


def one_hot(target, num_classes, dtype=None):
    target = check_target(target, num_classes)
    classes = torch.arange(num_classes, device=target.device)
    return (target[..., None] == classes).to(dtype or torch.get_default_dtype())


def entropy(p, dim=-1):
    p, dtype = distribution(p, "p", dim)
    some = p > 0
    terms = torch.where(some, -p * torch.where(some, p, 1.0).log(), p * 0)
    return terms.sum(as_dims(dim, p.ndim)).to(dtype)


def kl_divergence(p, q, dim=-1, *, from_logits=False):
    p, q = as_real(p, "p"), as_real(q, "q")
    if p.shape != q.shape:
        raise ValueError(
            f"p has shape {tuple(p.shape)} and q {tuple(q.shape)}; they must be the same"
        )
    if p.ndim == 0:
        p, q = p.reshape(1), q.reshape(1)
    dims = as_dims(dim, p.ndim)
    if from_logits:
        dtype = torch.promote_types(p.dtype, q.dtype)
        p, q, d = log_ratio_of_logits(p.to(wide(dtype)), q.to(wide(dtype)), dims)
    else:
        (p, dtype), (q, other) = distribution(p, "p", dim), distribution(q, "q", dim)
        dtype = torch.promote_types(dtype, other)
        d = log_ratio(p, q)
    return excess(p, q, d).sum(dims).to(dtype)


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
    e = e - (e * (p == p.amax(dims, keepdim=True))).amax(dims, keepdim=True)
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


def nll_loss(
    log_probabilities, target, dim=-1, *, weight=None, ignore_index=-100, reduction="mean"
):
    log_p = as_real(log_probabilities, "log_probabilities")
    x, target, weight = prepare(log_p, target, dim, weight, reduction, classes_only=True)
    y, share, count = shares(x, target, weight, ignore_index, reduction)
    losses = torch.where(share == 0, 0.0, -share * x.gather(-1, y))
    return reduce(losses, count, reduction, log_p.dtype)


def cross_entropy(
    logits,
    target,
    dim=-1,
    *,
    weight=None,
    ignore_index=-100,
    reduction="mean",
    label_smoothing=0.0,
):
    if not 0 <= label_smoothing <= 1:
        raise ValueError(f"label_smoothing must be from 0 to 1, but it is {label_smoothing}")
    logits = as_real(logits, "logits")
    x, target, weight = prepare(logits, target, dim, weight, reduction)
    if target.is_floating_point():
        rows = target.shape[:-1].numel()
        count = torch.tensor(float(rows), device=x.device)
        share = torch.ones((*x.shape[:-1], 1), dtype=wide(x.dtype), device=x.device)
        if reduction == "mean":
            share = share / count
    elif label_smoothing:
        target, share, count = shares(x, target, weight, ignore_index, reduction, smoothed=True)
    else:
        target, share, count = shares(x, target, weight, ignore_index, reduction)
        weight = None  # already a factor of the shares
    if weight is not None:
        weight = weight.expand(x.shape)
    if target.is_floating_point() and target.requires_grad:
        q = masses(target, weight, share, x.shape[-1], label_smoothing)
        log_p = log_softmax(x)
        losses = -(q * torch.where((q == 0) & log_p.isinf(), 0.0, log_p)).sum(-1, keepdim=True)
    else:
        with_gradient = (
            x.requires_grad and torch.is_grad_enabled() and not torch.compiler.is_compiling()
        )
        losses, _ = CrossEntropy.apply(x, target, weight, share, label_smoothing, with_gradient)
    return reduce(losses, count, reduction, logits.dtype)


def prepare(x, target, dim, weight, reduction, *, classes_only=False):
    """Check the arguments of a loss; return them with the classes last."""
    if reduction not in ("mean", "sum", "none"):
        raise ValueError(f"reduction must be 'mean', 'sum' or 'none', not {reduction!r}")
    if x.ndim == 0:
        raise ValueError("logits must have a dimension of classes, but they are a single number")
    (dim,) = dims = as_dims(dim, x.ndim)
    n, rows = x.shape[dim], x.shape[:dim] + x.shape[dim + 1 :]
    target = torch.as_tensor(target, device=x.device)
    if weight is not None:
        weight = torch.as_tensor(weight, device=x.device).detach().to(wide(x.dtype))
        if weight.shape != (n,):
            raise ValueError(f"weight has shape {tuple(weight.shape)}; {n} classes ask for ({n},)")
        check_non_negative(weight, "weight")
    if target.is_floating_point() and target.shape == x.shape and not classes_only:
        return to_last(x, dims), to_last(check_non_negative(target, "target"), dims), weight
    if target.shape != rows:
        raise ValueError(
            f"target has shape {tuple(target.shape)}; logits {tuple(x.shape)} with classes on "
            f"dim {dim} ask for {tuple(rows)}"
        )
    return to_last(x, dims), target, weight


def shares(x, target, weight, ignore_index, reduction, *, smoothed=False):
    """Return class indices, each row's share in the loss, and what the mean divides by."""
    y = check_target(target, x.shape[-1], ignore_index)[..., None]
    counted = y != ignore_index
    y = torch.where(counted, y, 0).clamp(0, max(x.shape[-1] - 1, 0))
    ones = counted.to(wide(x.dtype))
    mass = ones if weight is None else ones * weight[y]
    count = mass.sum()
    share = ones if smoothed else mass
    if reduction == "mean":
        share = torch.where(share == 0, 0.0, share / count)
    return y, share, count


def reduce(losses, count, reduction, dtype):
    """Reduce the losses of the rows, whose shares in a mean they already hold."""
    if reduction == "none":
        return losses.squeeze(-1).to(dtype)
    total = losses.sum()
    if reduction == "mean":
        total = total.masked_fill(count == 0, torch.nan)
    return total.to(dtype)
