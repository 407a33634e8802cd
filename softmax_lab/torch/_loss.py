"""Cross-entropy of rows and its gradient: the mathematics, and what autograd saves of it."""

from functools import partial

import torch

from softmax_lab.torch._rows import batched, by_rows, unknown, wide
from softmax_lab.torch.stability import Softmax, SoftmaxVJP, exponentials, log_softmax_vjp_rows


def masses(target, weight, share, n, smoothing):
    """Return the target mass q of each class: smoothed, times its weight, times the row's share."""
    if target.is_floating_point():
        q = target
    else:
        q = torch.arange(n, device=target.device) == target
    q = (1 - smoothing) * q + smoothing / n
    return q * share if weight is None else q * weight * share


def index_rows(x, y, share, *, with_gradient):
    """Return share · (−log p_y), and its gradient share · (p − e_y)."""
    a, w, rest = exponentials(x)
    x_y = x.gather(-1, y)
    log_p_y = torch.where(x_y == a, 0.0, x_y - a) - rest.log1p()
    none = share == 0
    loss = (-share * log_p_y).masked_fill(none, 0.0)
    if not with_gradient:
        return (loss,)
    # At y, p − 1 is expm1(log p): nothing cancels, however sure the row is.
    gradient = put(w * (share / (1 + rest)), y, share * log_p_y.expm1())
    return loss, gradient.masked_fill(none, 0.0) if unknown(none) else gradient


def soft_rows(x, target, share, *weight, smoothing, with_gradient):
    """Return −Σ q log p, and its gradient M p − q, where M = Σ q."""
    q = masses(target, *(weight or (None,)), share, x.shape[-1], smoothing)
    a, w, rest = exponentials(x)
    log_p = torch.where(x == a, 0.0, x - a) - rest.log1p()
    loss = -torch.where(q == 0, 0.0, q * log_p).sum(-1, keepdim=True)
    if not with_gradient:
        return (loss,)
    # M p − q is the log-softmax VJP of −q.
    (gradient,) = log_softmax_vjp_rows(w * (1 / (1 + rest)), -q)
    return loss, torch.where(q.sum(-1, keepdim=True) == 0, 0.0, gradient)


def put(x, index, value):
    """Return `x` with one entry of each row replaced. `x` itself may be changed."""
    if torch.compiler.is_compiling():  # a comparison can be fused with what made x
        return torch.where(torch.arange(x.shape[-1], device=x.device) == index, value, x)
    return x.scatter_(-1, index, value)


def loss_and_gradient(x, target, weight, share, smoothing, *, with_gradient):
    """Run the row function that fits the target over all rows."""
    losses = torch.empty(share.shape, dtype=wide(x.dtype), device=x.device)
    outs = [losses, torch.empty_like(x)] if with_gradient else [losses]
    if target.is_floating_point() or smoothing or weight is not None:
        rows = partial(soft_rows, smoothing=smoothing, with_gradient=with_gradient)
        beside = [target, share] if weight is None else [target, share, weight]
    else:
        rows, beside = partial(index_rows, with_gradient=with_gradient), [target, share]
    return by_rows(rows, outs, [x, *beside])


@batched
class CrossEntropy(torch.autograd.Function):
    """The loss of each row; the gradient is made on the way when it will be asked for.

    Backward hands that gradient over, so that no second array of the logits' size ever exists. A
    second backward pass, or a derivative of the gradient, computes it again.
    """

    @staticmethod
    def forward(x, target, weight, share, smoothing, with_gradient):
        out = loss_and_gradient(x, target, weight, share, smoothing, with_gradient=with_gradient)
        return out[0], out[1] if with_gradient else x.new_empty((*x.shape[:-1], 0))

    @staticmethod
    def setup_context(ctx, inputs, output):
        x, target, weight, share, ctx.smoothing, with_gradient = inputs
        losses, gradient = output
        ctx.mark_non_differentiable(gradient)
        ctx.save_for_backward(x, target, weight, share)
        ctx.gradient = gradient if with_gradient else None

    @staticmethod
    def backward(ctx, v, _):
        if ctx.gradient is None or torch.is_grad_enabled():
            gradient = CrossEntropyGradient.apply(*ctx.saved_tensors, ctx.smoothing) * v
        else:
            gradient, ctx.gradient = ctx.gradient, None
            if unknown(v != 1):
                gradient.mul_(v)
        return gradient, None, None, None, None, None


@batched
class CrossEntropyGradient(torch.autograd.Function):
    """M p − q, whose own derivative is M (diag p − p pᵀ)."""

    @staticmethod
    def forward(x, target, weight, share, smoothing):
        return loss_and_gradient(x, target, weight, share, smoothing, with_gradient=True)[1]

    @staticmethod
    def setup_context(ctx, inputs, output):
        x, target, weight, share, ctx.smoothing = inputs
        ctx.save_for_backward(x, target, weight, share)

    @staticmethod
    def backward(ctx, u):
        x, target, weight, share = ctx.saved_tensors
        q = masses(target, weight, share, x.shape[-1], ctx.smoothing)
        total = q.sum(-1, keepdim=True)
        jvp = SoftmaxVJP.apply(Softmax.apply(x), u)
        return (total * jvp).to(x.dtype), None, None, None, None
