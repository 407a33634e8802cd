"""The losses of rows that several processes hold together, each a piece of the classes.

The target of a row is on one of them, or a piece of it on each. A process tells the others three
numbers a row, the pair of its piece and what the piece has of the target; the loss is the same on
all, and each has its piece of the gradient.
"""

from functools import partial

import torch
from torch.distributed.tensor import Replicate

from softmax_lab.torch import _formulas as formulas
from softmax_lab.torch import _rows
from softmax_lab.torch._arguments import as_dim, as_tensor, autocast, distributed, wide
from softmax_lab.torch._autograd import Softmax, SoftmaxVJP, composed
from softmax_lab.torch._checks import check_non_negative
from softmax_lab.torch._pieces import (
    Layout,
    Pieces,
    asked,
    check,
    digest,
    fold,
    placed,
    whole,
)
from softmax_lab.torch._rows import to_last
from softmax_lab.torch._targets import (
    as_smoothing,
    at_target,
    divided,
    even_shares,
    fitting,
    shares,
)


@torch.compiler.disable(reason="a loss over several processes runs between compiled graphs")
def cross_entropy(logits, target, dim, weight, ignore_index, reduction, smoothing):
    """Return the loss as a DTensor: of each row, placed as the rows are; or one, everywhere."""
    check(logits, "logits")
    dim = as_dim(dim, logits.ndim)
    x = fold(logits, (dim,))
    of_target = isinstance(target, torch.Tensor) and target.requires_grad
    with_gradient = (x.requires_grad or of_target) and torch.is_grad_enabled()
    terms = {
        "torch.is_grad_enabled()": torch.is_grad_enabled(),
        "target.requires_grad": of_target,
        "reduction": reduction,
        "label_smoothing": smoothing,
        "ignore_index": ignore_index,
    }
    with asked(logits, dim=dim):
        pieces = Pieces(x, function="cross_entropy", **terms)
    pose = partial(posed, pieces, logits, target, dim, weight, ignore_index, smoothing, reduction)
    with torch.no_grad():
        problem = pieces.attempt(pose)
        count = pieces.count(problem.count if problem else 0)
        if problem:
            problem.share = divided(problem.share, count, reduction)
        told = pieces.tell(*(problem.numbers() if problem else pieces.of_rows(0, 0, 0)))
        losses, gradient, mass = problem.solved(told, with_gradient and not of_target)
        loss = reduced(pieces, losses, count, reduction).to(autocast(logits))
    if not with_gradient:
        return loss
    if of_target:
        weight = None if problem.weight is None else whole(problem.weight, pieces.mesh)
        share, smoothing = pieces.wrap(problem.share), problem.smoothing
        losses = composed(x, fold(target, (dim,)), weight, share, smoothing)
        return derivable(pieces, losses, count, reduction).to(loss.dtype)
    return Loss.apply(x, loss, pieces.layout.wrap(gradient), pieces.wrap(mass))


def reduced(pieces, losses, count, reduction):
    """Return the losses of the rows, or of all rows the one that is to be the same everywhere."""
    if reduction == "none":
        return pieces.wrap(losses, keepdim=False)
    total = pieces.add(losses.sum())
    if reduction == "mean":
        total = total.masked_fill(count == 0, torch.nan)
    return whole(total, pieces.mesh)


def derivable(pieces, losses, count, reduction):
    """Do what `reduced` does, to a DTensor of losses that have gradients of their own."""
    if reduction == "none":
        return losses.squeeze(-1)
    total = losses.sum().redistribute(placements=[Replicate()] * pieces.mesh.ndim)
    return total.masked_fill(whole((count == 0) & (reduction == "mean"), pieces.mesh), torch.nan)


@torch.compiler.disable(reason="a loss over several processes runs between compiled graphs")
def nll_loss(log_p, target, dim, weight, ignore_index, reduction):
    """Return the loss of log-probabilities whose classes are whole on each process."""
    name = "log_probabilities"
    check(log_p, name)
    dim = as_dim(dim, log_p.ndim)
    x = fold(log_p, (dim,))
    with asked(log_p, dim=dim):
        pieces = Pieces(x, function="nll_loss", reduction=reduction, ignore_index=ignore_index)
    if pieces.along_classes:
        raise ValueError(
            f"{name} are placed {list(log_p.placements)}, along their classes, dim {dim}; they "
            f"must be whole on each process: {name}.redistribute(...) makes them so, or give "
            "cross_entropy the logits"
        )
    options = weight, ignore_index, 0.0, reduction
    problem = pieces.attempt(lambda: posed(pieces, log_p, target, dim, *options, classes_only=True))
    count = pieces.count(problem.count if problem else 0)
    pieces.tell()
    share = divided(problem.share, count, reduction)
    losses = torch.where(share == 0, 0.0, 0 - share * at_target(x.to_local(), problem.y))
    return derivable(pieces, pieces.wrap(losses), count, reduction).to(autocast(log_p))


def posed(
    pieces, logits, target, dim, weight, ignore_index, smoothing, reduction, *, classes_only=False
):
    """Check the arguments of a loss; return what of them belongs to this process."""
    mesh, x, (first, last) = pieces.mesh, pieces.x, pieces.mine()
    if last - first != x.shape[-1]:
        raise ValueError(
            f"logits have {x.shape[-1]} classes of {pieces.shape[-1]} on this process; "
            f"shards as torch.chunk makes them would have {last - first}"
        )
    smoothing = as_smoothing(smoothing)
    target = as_tensor(target, "target", logits.device)
    if weight is not None and distributed(weight):
        weight = placed(weight, "weight", mesh, [Replicate()] * mesh.ndim).to_local()
    dim, weight, soft = fitting(logits, target, dim, weight, reduction, classes_only=classes_only)
    pieces.terms |= {
        "whether target is probabilities": soft,
        "whether there is a weight": weight is not None,
    }
    row = x.new_zeros((), dtype=wide(x.dtype)).expand(*x.shape[:-1], pieces.shape[-1])
    if soft:
        target, whole_here = masses_of(pieces, logits, target, dim)
        pieces.terms["whether target is whole"] = whole_here
        options = weight, smoothing, *even_shares(row, "sum")
        return Masses(pieces, target, *options, whole_here=whole_here)
    target = placed(target, "target", mesh, pieces.placements).to_local()
    check_rows(pieces, target.shape, x.shape[:-1])
    smoothed = bool(smoothing)
    target, share, count = shares(row, target, weight, ignore_index, "sum", smoothed=smoothed)
    if smoothed:
        return Masses(pieces, target, weight, smoothing, share, count)
    return Indices(pieces, target, share, count)


def masses_of(pieces, logits, target, dim):
    """Return probabilities, and whether they are those of all classes or of this piece alone."""
    if target.requires_grad and not (
        distributed(target) and tuple(target.placements) == tuple(logits.placements)
    ):
        raise ValueError(
            "target asks for a gradient: it must be a DTensor that is placed "
            f"{list(logits.placements)}, as the logits are, so that the gradient has not to travel"
        )
    x, mesh = pieces.x, pieces.mesh
    target = whole(target, mesh)
    whole_here = all(target.placements[i].is_replicate() for i in pieces.along_classes)
    rows = [
        Replicate() if whole_here and i in pieces.along_classes else p
        for i, p in enumerate(logits.placements)
    ]
    target = to_last(placed(target, "target", mesh, rows).to_local(), (dim,))
    check_rows(pieces, target.shape, (*x.shape[:-1], pieces.shape[-1]) if whole_here else x.shape)
    return check_non_negative(target, "target"), whole_here


def check_rows(pieces, shape, expected):
    """Raise ValueError for targets that have other rows on this process than the logits."""
    if shape != expected:
        raise ValueError(
            f"target has {tuple(shape)} entries on this process, where logits have "
            f"{tuple(pieces.x.shape)} with the classes last: both must be cut as torch.chunk does"
        )


class Indices:
    """Targets that are classes: a piece tells its pair, and the target's logit if it has it."""

    def __init__(self, pieces, target, share, count):
        self.pieces, self.share, self.count = pieces, share, count
        (first, last), self.x = pieces.mine(), pieces.x
        self.here = (target >= first) & (target < last)
        self.y = (target - first).clamp(0, max(last - first - 1, 0))
        pieces.digest = digest(target)

    def numbers(self):
        """Return what the other pieces have to be told: three numbers a row."""
        m, r, x_y = self.pieces.of_rows(-torch.inf, -1, 0)
        _rows.by_rows(formulas.piece, self.x, like=(m, r))
        if self.x.shape[-1]:
            x_y = torch.where(self.here, self.x.gather(-1, self.y).to(x_y.dtype), x_y)
        return m, r, x_y

    def solved(self, told, with_gradient):
        """Return the losses, this piece of the gradient, and the masses of the rows."""
        m, r, x_y = told
        a, rest = formulas.joined(m, r)
        log_p_y = formulas.log_p(x_y.sum(0), a, rest)
        losses, dtype = formulas.index_losses(self.share, log_p_y), self.share.dtype
        beside = self.y, self.share, self.here, log_p_y.to(dtype), a.to(dtype), rest
        gradient = with_gradient and _rows.by_rows(formulas.index_piece_gradient, self.x, *beside)
        return losses, gradient, self.share


class Masses:
    """Targets that are masses, or smoothed to be some: of all classes, or of this piece alone."""

    def __init__(self, pieces, target, weight, smoothing, share, count, whole_here=True):
        self.pieces, self.target, self.weight = pieces, target, weight
        self.share, self.count, self.smoothing = share, count, smoothing
        self.soft, self.whole_here = target.is_floating_point(), whole_here
        self.options = {"smoothing": smoothing, "classes": pieces.shape[-1]}

    def piece(self, lo, hi):
        """Return the target of the classes from lo to hi and, in a list, their weights if any."""
        target = self.target if self.soft else self.target - lo
        weights = [] if self.weight is None else [self.weight[lo:hi]]
        return target[..., lo:hi] if self.soft and self.whole_here else target, weights

    def beside(self, *numbers):
        """Return what a row function is given beside the logits of this piece."""
        target, weights = self.piece(*self.pieces.mine())
        return target, self.share, *numbers, *(w.expand(self.pieces.x.shape) for w in weights)

    def numbers(self):
        """Return what the other pieces have to be told: three numbers a row."""
        told = self.pieces.of_rows(-torch.inf, -1, 0)
        rows = partial(formulas.soft_piece, **self.options)
        _rows.by_rows(rows, self.pieces.x, *self.beside(), like=tuple(told))
        return told

    def solved(self, told, with_gradient):
        """Return the losses, this piece of the gradient, and the masses of the rows."""
        m, r, of_q = told
        (a, rest), q = formulas.joined(m, r), self.masses()
        losses, mass = formulas.joined_loss(m, of_q, q, a, rest), q.sum(0)
        beside = self.beside(mass, a.to(mass.dtype), rest)
        rows = partial(formulas.soft_piece_gradient, **self.options)
        gradient = with_gradient and _rows.by_rows(rows, self.pieces.x, *beside)
        return losses, gradient, mass

    def masses(self):
        """Return the masses of all pieces. Only pieces of the targets have to be told them."""
        if not self.whole_here:
            return self.pieces.gather(self.mass(*self.pieces.mine()))
        return torch.stack([self.mass(lo, hi) for lo, hi in self.pieces.bounds()])

    def mass(self, lo, hi):
        """Return the mass of the classes from lo to hi."""
        target, weights = self.piece(lo, hi)
        if self.soft:
            weight = weights[0] if weights else None
            q = formulas.masses(target, weight, self.share, hi - lo, **self.options)
            return q.sum(-1, keepdim=True)
        classes = self.pieces.shape[-1]
        if not classes:
            return torch.zeros_like(self.share)
        weight = self.share.new_ones(classes) if self.weight is None else self.weight
        of_y = weight[self.target] * ((target >= 0) & (target < hi - lo))
        return self.share * formulas.mass(of_y, weight[lo:hi].sum(), **self.options)


class Loss(torch.autograd.Function):
    """The loss of each row, or of all, whose gradient M p − q is at hand."""

    @staticmethod
    def forward(ctx, x, loss, gradient, mass):
        ctx.save_for_backward(x, gradient, mass)
        ctx.placements = loss.placements
        return Layout(loss).wrap(loss.to_local())

    @staticmethod
    def backward(ctx, v):
        x, gradient, mass = ctx.saved_tensors
        v = v.redistribute(placements=ctx.placements)
        if torch.is_grad_enabled():
            v = v.to(mass.dtype)
            v = v.unsqueeze(-1) if v.ndim else v
            return Gradient.apply(x, gradient, mass) * v, None, None, None
        local, v = gradient.to_local(), v.to_local().to(mass.dtype)
        v = v.unsqueeze(-1) if v.ndim else v
        if torch._C._autograd._get_current_graph_task_keep_graph():
            local = local * v
        else:
            local.mul_(v)
        return Layout(x).wrap(local), None, None, None


class Gradient(torch.autograd.Function):
    """M p − q at hand, whose own derivative is M (diag p − p pᵀ)."""

    @staticmethod
    def forward(ctx, x, gradient, mass):
        ctx.save_for_backward(x, mass)
        return Layout(gradient).wrap(gradient.to_local())

    @staticmethod
    def backward(ctx, u):
        x, mass = ctx.saved_tensors
        jvp = _rows.run(SoftmaxVJP, _rows.run(Softmax, x), u)
        return (mass * jvp).to(x.dtype), None, None
