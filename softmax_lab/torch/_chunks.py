"""A linear layer and the cross-entropy of its logits, together: the logits exist chunk by chunk.

A chunk is some rows with all their classes. Its logits are replaced by their gradient, which is
multiplied into those of x, weight and bias before the next chunk takes its place.
"""

from functools import partial

import torch

from softmax_lab.torch import _formulas as formulas
from softmax_lab.torch._arguments import wide
from softmax_lab.torch._autograd import CrossEntropy, LogSumExp
from softmax_lab.torch._rows import by_rows, eager, run

SHARE = 8  # the logits of a chunk take an eighth of the memory of all logits,
LARGEST = 512  # have at most so many rows, enough for fast products of matrices,
SMALLEST = 1 << 20  # and unless there are no more, at least so many elements
BLOCK = 1 << 19  # elements of a half-precision weight that are widened at a time


def capped(u, softcap):
    """Return c tanh(u / c), or u where there is no cap c."""
    return u if softcap is None else softcap * (u / softcap).tanh()


def rows(
    u,
    target,
    share,
    z_share,
    v,
    v_lse,
    *weight,
    smoothing,
    softcap,
    z_loss,
    with_lse,
    kind,
    out=None,
):
    """Return the losses; the logsumexps if asked for; and the gradient of Σ v loss + v_lse lse.

    It is not made where `kind` is "loss"; where it is "unit", v is 1 and v_lse is 0, which it also
    is where it is "scaled". It takes the place of the logits u, so nothing may be left in `out`
    before the end.
    """
    with_gradient = kind != "loss"
    z = capped(u, softcap)
    if target.is_floating_point() or smoothing or weight:
        found = formulas.soft_loss(
            z, target, share, *weight, smoothing=smoothing, with_gradient=with_gradient
        )
    else:
        found = formulas.index_loss(z, target, share, with_gradient=with_gradient)
    losses, *gradient = found
    lse = formulas.logsumexp(z) if with_lse or z_loss else None
    if z_loss:
        losses = losses + torch.where(z_share == 0, 0.0, z_share * lse.square())
    results = (losses, lse) if with_lse else (losses,)
    if not with_gradient:
        return results
    (gradient,) = gradient
    if kind != "unit":
        gradient = v * gradient
    if kind == "any" or z_loss:
        of_p = v_lse
        if z_loss:
            of_p = of_p + torch.where(z_share == 0, 0.0, 2 * z_share * v * lse)
        gradient = gradient + torch.where(of_p == 0, 0.0, of_p * formulas.softmax(z))
    if softcap is not None:
        slope = 1 / (u / softcap).cosh().square()
        gradient = torch.where(gradient == 0, 0.0, gradient * slope)  # also where u is nan
    return *results, gradient


def chunk_rows(x, classes):
    """Return how many rows a chunk has."""
    fraction = len(x) * x.element_size() // (SHARE * wide(x.dtype).itemsize)
    return max(1, min(fraction, LARGEST), SMALLEST // max(classes, 1))


def class_blocks(weight):
    """Yield slices of classes, and their weights in the working precision, one after the other."""
    dtype = wide(weight.dtype)
    if weight.dtype == dtype:
        yield slice(0, len(weight)), weight
        return
    step = max(BLOCK // max(weight.shape[1], 1), 1)
    space = weight.new_empty((min(step, len(weight)), weight.shape[1]), dtype=dtype)
    for i in range(0, len(weight), step):
        block = weight[i : i + step]
        yield slice(i, i + step), space[: len(block)].copy_(block)


def sweep(x, weight, bias, target, class_weight, share, z_share, v, v_lse, needs, kind, options):
    """Return the loss and the logsumexp of each row, and the gradients that are needed.

    x is (B, N), weight (T, N), bias (T,); what belongs to a row is (B, 1), or (B, T) for targets
    that are probabilities. `kind` is that of `rows`. Gradients come in the working precision.
    """
    dtype, n = wide(x.dtype), len(weight)
    losses = x.new_zeros((len(x), 1), dtype=dtype)
    lse = x.new_full((len(x), 1), -torch.inf, dtype=dtype)
    of_x, of_weight, of_bias = (
        torch.zeros_like(each, dtype=dtype, memory_format=torch.contiguous_format) if need else None
        for each, need in zip((x, weight, bias), needs, strict=True)
    )
    step = chunk_rows(x, n)
    space = x.new_empty((min(step, len(x)), n), dtype=dtype)
    function = partial(rows, kind=kind, **options)
    index_loss = partial(formulas.index_loss, with_gradient=True)
    indices = class_weight is None and not target.is_floating_point()
    others = options["smoothing"], options["softcap"], options["z_loss"]
    usual = kind == "unit" and indices and not any(others)
    for i in range(0, len(x), step):
        chunk = slice(i, i + step)
        features = x[chunk].to(dtype)
        u = space[: len(features)]
        for block, w in class_blocks(weight):
            torch.mm(features, w.T, out=u[:, block])  # which autocast leaves alone
        if bias is not None:
            u += bias
        if usual:  # what the kernels can do
            if options["with_lse"]:
                by_rows(formulas.logsumexp, u, like=lse[chunk])
            like = (losses[chunk], u)
            by_rows(index_loss, u, target[chunk], share[chunk], like=like)
        else:
            beside = [each[chunk] for each in (target, share, z_share, v, v_lse)]
            if class_weight is not None:
                beside.append(class_weight.expand(u.shape))
            like = [losses[chunk]]
            if options["with_lse"]:
                like.append(lse[chunk])
            if kind != "loss":
                like.append(u)
            by_rows(function, u, *beside, like=tuple(like))
        for block, w in class_blocks(weight) if of_x is not None else ():
            of_x[chunk].addmm_(u[:, block], w)
        if of_weight is not None:
            of_weight.addmm_(u.T, features)
        if of_bias is not None:
            of_bias += u.sum(0)
    return losses, lse, (of_x, of_weight, of_bias)


def plain(x, weight, bias, target, class_weight, share, z_share, options):
    """Return the loss and the logsumexp of each row by way of all logits, for any derivative."""
    dtype = wide(x.dtype)
    with torch.autocast(x.device.type, enabled=False):
        u = x.to(dtype) @ weight.to(dtype).T
        z = capped(u if bias is None else u + bias.to(dtype), options["softcap"])
        if class_weight is not None:
            class_weight = class_weight.expand(z.shape)
        losses, _ = run(CrossEntropy, z, target, class_weight, share, options["smoothing"], False)
        lse = run(LogSumExp, z)
        return losses + torch.where(z_share == 0, 0.0, z_share * lse.square()), lse


class LinearCrossEntropy(torch.autograd.Function):
    """The loss of all rows, or of each; and their logsumexps.

    Of one loss, the gradients are made on the way, as far as they are `needs`, and backward hands
    them over. Where each row has its own, or once they are handed over, a second sweep makes them.
    """

    @staticmethod
    def forward(x, weight, bias, target, class_weight, share, z_share, options, total, needs):
        ahead = total and any(needs)
        kind = "unit" if ahead else "loss"
        ones, zeros = torch.ones_like(share), torch.zeros_like(share)
        made = needs if ahead else (False,) * 3
        losses, lse, gradients = sweep(
            x, weight, bias, target, class_weight, share, z_share, ones, zeros, made, kind, options
        )
        gradients = [x.new_empty(0) if each is None else each for each in gradients]
        return losses.sum() if total else losses, lse, *gradients

    @staticmethod
    def setup_context(ctx, inputs, output):
        *tensors, ctx.options, total, ctx.needs = inputs
        ctx.save_for_backward(*tensors)
        ctx.mark_non_differentiable(*output[2:])
        ctx.set_materialize_grads(False)  # else backward is given zeros for them
        ctx.gradients = output[2:] if total and any(ctx.needs) else None

    @staticmethod
    def backward(ctx, v, v_lse, *_):
        if torch.is_grad_enabled() or not all(
            eager(each) for each in (v, v_lse) if each is not None
        ):
            gradients = derivable(ctx, v, v_lse)
        elif v_lse is None and ctx.gradients is not None and v is not None:
            gradients, ctx.gradients = ctx.gradients, None
            if v.device.type != "cpu" or v != 1:
                gradients = [each.mul_(v) for each in gradients]
        else:
            gradients = swept(ctx, v, v_lse)
        dtype = ctx.saved_tensors[0].dtype
        pairs = zip(gradients, ctx.needs, strict=True)
        return *(each.to(dtype) if need else None for each, need in pairs), *(None,) * 7


def swept(ctx, v, v_lse):
    """Return the gradients, by another sweep."""
    *tensors, share, z_share = ctx.saved_tensors
    kind, options = "scaled" if v_lse is None else "any", ctx.options | {"with_lse": False}
    if v is None:  # no loss, be it nan
        share, z_share = torch.zeros_like(share), torch.zeros_like(z_share)
    v, v_lse = (
        torch.zeros_like(share) if each is None else each.expand(share.shape) for each in (v, v_lse)
    )
    return sweep(*tensors, share, z_share, v, v_lse, ctx.needs, kind, options)[2]


def derivable(ctx, v, v_lse):
    """Return the gradients of any batch of v, as functions that can be differentiated again."""
    tensors = ctx.saved_tensors
    with torch.enable_grad():
        losses, lse = plain(*tensors, ctx.options)
    pairs = [(y, each) for y, each in ((losses, v), (lse, v_lse)) if each is not None]
    asked, vs = zip(*((y, each.expand(y.shape)) for y, each in pairs), strict=True)
    wanted = [each for each, need in zip(tensors, ctx.needs, strict=False) if need]
    again = torch.is_grad_enabled()
    found = iter(torch.autograd.grad(asked, wanted, vs, create_graph=again))
    return [next(found) if need else None for need in ctx.needs]
