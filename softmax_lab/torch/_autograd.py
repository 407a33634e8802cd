"""How autograd takes the gradients: by the formulas, saving as little as it can.

Every function here is differentiable again, in reverse mode, and works under `torch.compile` and
under `grad`, `vjp`, `jacrev` and `vmap` of `torch.func`. Forward mode (`jvp`, `jacfwd`, `hessian`)
is refused: nested `jacrev` gives a Hessian.
"""

from functools import partial

import torch

from softmax_lab.torch import _formulas as formulas
from softmax_lab.torch._rows import batched, by_rows, may_ask, wide


class RowFunction(torch.autograd.Function):
    """A function of rows that saves its inputs."""

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(*inputs)


@batched
class SoftmaxVJP(RowFunction):
    """p ⊙ (v − Σ p v)."""

    @staticmethod
    def forward(p, v):
        return by_rows(formulas.softmax_vjp, p, v)

    @staticmethod
    def backward(ctx, u):
        p, v = ctx.saved_tensors
        centred = v - (p * v).sum(-1, keepdim=True)
        return u * centred - v * (u * p).sum(-1, keepdim=True), SoftmaxVJP.apply(p, u)


@batched
class LogSoftmaxVJP(RowFunction):
    """v − p Σ v, where p = softmax(x)."""

    @staticmethod
    def forward(x, v):
        return by_rows(formulas.log_softmax_vjp, x, v)

    @staticmethod
    def backward(ctx, u):
        x, v = ctx.saved_tensors
        p, total = Softmax.apply(x), v.sum(-1, keepdim=True)
        return -total * SoftmaxVJP.apply(p, u), u - (p * u).sum(-1, keepdim=True)


@batched
class Softmax(torch.autograd.Function):
    """p, which is all that is saved."""

    @staticmethod
    def forward(x):
        return by_rows(formulas.softmax, x)

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(output)

    @staticmethod
    def backward(ctx, v):
        return SoftmaxVJP.apply(*ctx.saved_tensors, v)


@batched
class LogSoftmax(RowFunction):
    """log p."""

    @staticmethod
    def forward(x):
        return by_rows(formulas.log_softmax, x)

    @staticmethod
    def backward(ctx, v):
        return LogSoftmaxVJP.apply(*ctx.saved_tensors, v)


@batched
class LogSumExp(RowFunction):
    """log Σ e^x, whose gradient is softmax."""

    @staticmethod
    def forward(x):
        return by_rows(formulas.logsumexp, x, like=x.new_full((*x.shape[:-1], 1), -torch.inf))

    @staticmethod
    def backward(ctx, v):
        return v * Softmax.apply(*ctx.saved_tensors)


def loss_and_gradient(x, target, weight, share, smoothing, *, with_gradient):
    """Return the losses of all rows and, if asked for, the gradient."""
    losses = torch.zeros(share.shape, dtype=wide(x.dtype), device=x.device)  # 0 for no classes
    like = (losses, torch.empty_like(x)) if with_gradient else (losses,)
    if target.is_floating_point() or smoothing or weight is not None:
        rows = partial(formulas.soft_loss, smoothing=smoothing, with_gradient=with_gradient)
        beside = (target, share) if weight is None else (target, share, weight)
    else:
        rows, beside = partial(formulas.index_loss, with_gradient=with_gradient), (target, share)
    return by_rows(rows, x, *beside, like=like)


@batched
class CrossEntropy(torch.autograd.Function):
    """The loss of each row; the gradient is made on the way when it will be asked for.

    Backward hands that gradient over, so that no second array of the logits' size ever exists. A
    second backward pass, or a derivative of the gradient, computes it again.
    """

    @staticmethod
    def forward(x, target, weight, share, smoothing, with_gradient):
        out = loss_and_gradient(x, target, weight, share, smoothing, with_gradient=with_gradient)
        return out if with_gradient else (*out, x.new_empty((*x.shape[:-1], 0)))

    @staticmethod
    def setup_context(ctx, inputs, output):
        x, target, weight, share, ctx.smoothing, with_gradient = inputs
        _, gradient = output
        ctx.mark_non_differentiable(gradient)
        ctx.set_materialize_grads(False)  # else backward is given zeros for it
        ctx.save_for_backward(x, target, weight, share)
        ctx.gradient = gradient if with_gradient else None

    @staticmethod
    def backward(ctx, v, _):
        if v is None:
            gradient = None
        elif ctx.gradient is None or torch.is_grad_enabled():
            gradient = CrossEntropyGradient.apply(*ctx.saved_tensors, ctx.smoothing) * v
        else:
            gradient, ctx.gradient = ctx.gradient, None
            if not may_ask(v) or (v != 1).any():
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
        q = formulas.masses(target, weight, share, x.shape[-1], ctx.smoothing)
        jvp = SoftmaxVJP.apply(Softmax.apply(x), u)
        return (q.sum(-1, keepdim=True) * jvp).to(x.dtype), None, None, None, None
