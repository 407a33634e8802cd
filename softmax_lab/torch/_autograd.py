"""How autograd takes the gradients: by the formulas, saving as little as it can.

Every function here has a reverse mode (`backward`) and a forward mode (`tangent`), both of which
can be differentiated again, and works under `torch.compile` and the transforms of `torch.func`.
"""

from functools import partial

import numpy as np
import torch

from softmax_lab.numpy.cross_entropy import cross_entropy, cross_entropy_with_grad
from softmax_lab.numpy.gradients import log_softmax_vjp_rows
from softmax_lab.numpy.stability import log_softmax_rows, logsumexp_rows, softmax_rows
from softmax_lab.torch import _formulas as formulas
from softmax_lab.torch._arguments import distributed, wide
from softmax_lab.torch._rows import (
    by_rows,
    eager,
    is_half,
    may_ask,
    needs_gradient,
    run,
    transformable,
)
from softmax_lab.torch._targets import shares


class RowFunction(torch.autograd.Function):
    """A function of rows that saves its inputs."""

    @staticmethod
    def setup_context(ctx, inputs, output):
        save(ctx, *inputs)


def save(ctx, *tensors):
    """Save tensors for the backward pass and for the forward mode."""
    ctx.save_for_backward(*tensors)
    ctx.save_for_forward(*tensors)


def total(x):
    """Return Σ x along the classes."""
    if distributed(x):
        from softmax_lab.torch import _pieces

        return _pieces.Total.apply(x)
    return x.sum(-1, keepdim=True)


def dot(x, y):
    """Return Σ x y along the classes."""
    return total(x * y)


def composed(x, target, weight, share, smoothing):
    """Return −Σ q log p, as functions that have a gradient for the target too."""
    q = formulas.masses(target, weight, share, x.shape[-1], smoothing)
    log_p = run(LogSoftmax, x.to(wide(x.dtype)))
    return 0 - dot(q, log_p.masked_fill((q == 0) & log_p.isinf(), 0.0))


@transformable
class SoftmaxVJP(RowFunction):
    """p ⊙ (v − Σ p v)."""

    @staticmethod
    def forward(p, v):
        return by_rows(formulas.softmax_vjp, p, v, small=formulas.small_softmax_vjp)

    @staticmethod
    def backward(ctx, u):
        p, v = ctx.saved_tensors
        return u * (v - dot(p, v)) - v * dot(u, p), run(SoftmaxVJP, p, u)

    @staticmethod
    def tangent(ctx, dp, dv):
        p, v = ctx.saved_tensors
        return dp * (v - dot(p, v)) - p * dot(dp, v) + run(SoftmaxVJP, p, dv)


@transformable
class LogSoftmaxVJP(RowFunction):
    """v − p Σ v, where p = softmax(x)."""

    @staticmethod
    def forward(x, v):
        return by_rows(formulas.log_softmax_vjp, x, v, small=log_softmax_vjp_rows)

    @staticmethod
    def backward(ctx, u):
        x, v = ctx.saved_tensors
        p = run(Softmax, x)
        return -total(v) * run(SoftmaxVJP, p, u), u - dot(p, u)

    @staticmethod
    def tangent(ctx, dx, dv):
        x, v = ctx.saved_tensors
        return run(LogSoftmaxVJP, x, dv) - total(v) * run(SoftmaxVJP, run(Softmax, x), dx)


@transformable
class Softmax(torch.autograd.Function):
    """p, which is all that is saved."""

    @staticmethod
    def forward(x):
        if is_half(x):
            # Torch's exponential, off by 2⁻²⁰, is good enough for 8 or 11 digits, and is the faster
            # one. Of an infinity it makes a row of nan.
            p = torch._softmax(x, -1, False)
            if not p[..., 0].isnan().any():
                return p
        return by_rows(formulas.softmax, x, small=softmax_rows)

    @staticmethod
    def setup_context(ctx, inputs, output):
        save(ctx, output)

    @staticmethod
    def backward(ctx, v):
        return run(SoftmaxVJP, *ctx.saved_tensors, v)

    tangent = backward  # the Jacobian is symmetric


@transformable
class LogSoftmax(RowFunction):
    """log p."""

    @staticmethod
    def forward(x):
        return by_rows(formulas.log_softmax, x, small=log_softmax_rows)

    @staticmethod
    def backward(ctx, v):
        return run(LogSoftmaxVJP, *ctx.saved_tensors, v)

    @staticmethod
    def tangent(ctx, dx):
        return dx - dot(run(Softmax, *ctx.saved_tensors), dx)


@transformable
class LogSumExp(RowFunction):
    """log Σ e^x, whose gradient is softmax."""

    @staticmethod
    def forward(x):
        least = None if distributed(x) else x.new_full((*x.shape[:-1], 1), -torch.inf)
        return by_rows(formulas.logsumexp, x, like=least, small=logsumexp_rows)

    @staticmethod
    def backward(ctx, v):
        return v * run(Softmax, *ctx.saved_tensors)

    @staticmethod
    def tangent(ctx, dx):
        return dot(run(Softmax, *ctx.saved_tensors), dx)


def loss_and_gradient(x, target, weight, share, smoothing, *, with_gradient):
    """Return the losses of all rows and, if asked for, the gradient."""
    losses = torch.zeros(share.shape, dtype=wide(x.dtype), device=x.device)  # 0 for no classes
    like = (losses, torch.empty_like(x)) if with_gradient else (losses,)
    if target.is_floating_point() or smoothing or weight is not None:
        rows = partial(formulas.soft_loss, smoothing=smoothing, with_gradient=with_gradient)
        beside = (target, share) if weight is None else (target, share, weight)
        return by_rows(rows, x, *beside, like=like)
    rows = partial(formulas.index_loss, with_gradient=with_gradient)
    return by_rows(rows, x, target, share, like=like)


class SmallCrossEntropy(torch.autograd.Function):
    """The loss of class indices, and its gradient, for small tensors: all of it by the NumPy side.

    For a graph of its gradient, and where transforms are at work, there is `CrossEntropy`.
    """

    @staticmethod
    def forward(ctx, x, target, ignore_index, reduction):
        ctx.options = ignore_index, reduction
        arrays = x.numpy(force=True), target.numpy()
        loss, gradient = cross_entropy_with_grad(
            *arrays, ignore_index=ignore_index, reduction=reduction
        )
        ctx.save_for_backward(x, target, torch.from_numpy(gradient))
        return torch.from_numpy(np.asarray(loss))

    @staticmethod
    def backward(ctx, v):
        x, target, gradient = ctx.saved_tensors
        if torch.is_grad_enabled():
            y, share, _ = shares(x, target, None, *ctx.options)
            gradient = run(CrossEntropyGradient, x, y, None, share, 0.0)
        return gradient * (v[..., None] if v.ndim else v), None, None, None


def small_cross_entropy(x, target, ignore_index, reduction):
    """Return what the NumPy side makes of small tensors, with its gradient if that is asked for."""
    if needs_gradient((x,)):
        return SmallCrossEntropy.apply(x, target, ignore_index, reduction)
    loss = cross_entropy(
        x.numpy(force=True), target.numpy(), ignore_index=ignore_index, reduction=reduction
    )
    return torch.from_numpy(np.asarray(loss))


@transformable
class CrossEntropy(torch.autograd.Function):
    """The loss of each row; the gradient is made on the way when it will be asked for.

    It is saved, and backward hands it over, so that no second array of the logits' size ever
    exists; only a graph that is kept, for another backward pass, keeps it. A derivative of the
    gradient computes it again.
    """

    @staticmethod
    def forward(x, target, weight, share, smoothing, with_gradient):
        out = loss_and_gradient(x, target, weight, share, smoothing, with_gradient=with_gradient)
        return out if with_gradient else (*out, x.new_empty((*x.shape[:-1], 0)))

    @staticmethod
    def setup_context(ctx, inputs, output):
        x, target, weight, share, ctx.smoothing, ctx.with_gradient = inputs
        _, gradient = output
        ctx.mark_non_differentiable(gradient)
        ctx.set_materialize_grads(False)  # else backward is given zeros for it
        save(ctx, x, target, weight, share, gradient)

    @staticmethod
    def backward(ctx, v, _):
        if v is None:
            return (None,) * 6
        *inputs, gradient = ctx.saved_tensors
        if not ctx.with_gradient or torch.is_grad_enabled():
            gradient = run(CrossEntropyGradient, *inputs, ctx.smoothing) * v
        elif not eager(v) or torch._C._autograd._get_current_graph_task_keep_graph():
            gradient = gradient * v
        elif not may_ask(v) or (v != 1).any():
            gradient.mul_(v)
        return gradient, None, None, None, None, None

    @staticmethod
    def tangent(ctx, dx, *_):
        if dx is None:
            return None, None
        *inputs, gradient = ctx.saved_tensors
        if not ctx.with_gradient or torch.is_grad_enabled():
            gradient = run(CrossEntropyGradient, *inputs, ctx.smoothing)
        return dot(gradient, dx), None


@transformable
class CrossEntropyGradient(torch.autograd.Function):
    """M p − q, whose own derivative is M (diag p − p pᵀ)."""

    @staticmethod
    def forward(x, target, weight, share, smoothing):
        return loss_and_gradient(x, target, weight, share, smoothing, with_gradient=True)[1]

    @staticmethod
    def setup_context(ctx, inputs, output):
        x, target, weight, share, ctx.smoothing = inputs
        save(ctx, x, target, weight, share)

    @staticmethod
    def tangent(ctx, u, *_):
        x, target, weight, share = ctx.saved_tensors
        q = formulas.masses(target, weight, share, x.shape[-1], ctx.smoothing)
        jvp = run(SoftmaxVJP, run(Softmax, x), u)
        return (q.sum(-1, keepdim=True) * jvp).to(x.dtype)

    @staticmethod
    def backward(ctx, u):
        return CrossEntropyGradient.tangent(ctx, u), None, None, None, None
