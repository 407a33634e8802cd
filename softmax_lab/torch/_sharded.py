"""Scheduling for DTensors: rows that several processes hold together, each a piece of the classes.

A process takes the pair (a, rest) of its piece, one collective tells all processes the pairs of
all pieces, and each goes on with its piece as if it held the whole row. Rows that lie on different
processes have nothing to tell one another, but in the mean of a loss.
"""

import math
from functools import partial
from itertools import pairwise

import torch
import torch.distributed as dist
from torch.distributed.tensor import DTensor, Replicate, Shard

from softmax_lab.torch import _formulas as formulas
from softmax_lab.torch import _rows
from softmax_lab.torch._autograd import Softmax, SoftmaxVJP, composed
from softmax_lab.torch._checks import check_non_negative
from softmax_lab.torch._rows import (
    as_dim,
    as_dims,
    as_tensor,
    autocast,
    distributed,
    from_last,
    to_last,
    wide,
)
from softmax_lab.torch._targets import even_shares, fitting, shares

# What may be wrong with the arguments on one process, and is raised on all.
ERRORS = (IndexError, TypeError, ValueError)


def check(x, name="x"):
    """Raise ValueError for a DTensor whose entries are not at hand, each on one process."""
    for i, placement in enumerate(x.placements):
        if not (placement.is_replicate() or type(placement) is Shard):
            names = x.device_mesh.mesh_dim_names
            raise ValueError(
                f"{name} is placed {placement!r} on mesh dimension {names[i] if names else i}; "
                f"it must be Shard or Replicate: {name}.redistribute(...) makes it so"
            )


def whole(x, mesh):
    """Return a tensor that is the same on all processes as a DTensor."""
    if distributed(x):
        return x
    return DTensor.from_local(x, mesh, [Replicate()] * mesh.ndim, run_check=False)


def placed(x, name, mesh, placements):
    """Return `x`, a whole tensor or one that is placed so already, as a DTensor placed so."""
    x = whole(x, mesh)
    fits = all(
        have.is_replicate() or have == want
        for have, want in zip(x.placements, placements, strict=False)
    )
    if x.device_mesh != mesh or not fits:
        raise ValueError(
            f"{name} is placed {list(x.placements)} on {x.device_mesh}; beside these logits it "
            f"must be {list(placements)} on {mesh}, or a plain tensor that is whole on each process"
        )
    return x.redistribute(mesh, placements)


def wrap(local, mesh, placements, shape):
    """Return the DTensor of a shape, of which `local` is what this process holds."""
    stride = torch.empty(shape, device="meta").stride()
    return DTensor.from_local(
        local, mesh, placements, run_check=False, shape=torch.Size(shape), stride=stride
    )


class Layout:
    """How a DTensor lies: all of it but its numbers."""

    def __init__(self, x):
        self.mesh, self.placements = x.device_mesh, x.placements
        self.shape, self.local = x.shape, x.to_local().shape

    def wrap(self, local):
        """Return the DTensor that lies so, of which `local` is what this process holds."""
        return wrap(local, self.mesh, self.placements, self.shape)


class Fold(torch.autograd.Function):
    """`to_last` of what each process holds.

    Classes that lie on several processes in more than one dimension come in some order, which is
    no matter where only their sum counts.
    """

    @staticmethod
    def forward(x, dims):
        kept = [i for i in range(x.ndim) if i not in dims]
        new = {**{old: new for new, old in enumerate(kept)}, **dict.fromkeys(dims, len(kept))}
        placements = [Shard(new[p.dim]) if p.is_shard() else p for p in x.placements]
        shape = (*(x.shape[i] for i in kept), math.prod(x.shape[i] for i in dims))
        return wrap(to_last(x.to_local(), dims), x.device_mesh, placements, shape)

    @staticmethod
    def setup_context(ctx, inputs, output):
        x, ctx.dims = inputs
        ctx.like, ctx.placements = Layout(x), output.placements

    @staticmethod
    def backward(ctx, v):
        return Unfold.apply(
            v.redistribute(placements=ctx.placements), ctx.dims, ctx.like, False
        ), None


class Unfold(torch.autograd.Function):
    """`from_last` of what each process holds: the inverse of `Fold`, or of its reduced rows."""

    @staticmethod
    def forward(y, dims, like, reduced):
        shape, sizes = list(like.shape), [like.local[i] for i in dims]
        if reduced:
            shape = [1 if i in dims else n for i, n in enumerate(shape)]
            sizes = [1] * len(dims)
        pairs = zip(y.placements, like.placements, strict=True)
        placements = [old if new.is_shard() else new for new, old in pairs]
        return wrap(from_last(y.to_local(), dims, sizes), y.device_mesh, placements, shape)

    @staticmethod
    def setup_context(ctx, inputs, output):
        _, ctx.dims, *_ = inputs
        ctx.placements = output.placements

    @staticmethod
    def backward(ctx, v):
        return Fold.apply(v.redistribute(placements=ctx.placements), ctx.dims), None, None, None


def fold(x, dims):
    """Return `x` with the classes last."""
    return x if dims == (x.ndim - 1,) else Fold.apply(x, dims)


def apply(function, x, dim, *beside, reduced=False):
    """Apply an autograd function over rows along `dim`: `_rows.apply` for DTensors."""
    check(x)
    dims = as_dims(dim, x.ndim)
    if not x.ndim:
        return _rows.run(function, x.reshape(1)).reshape(())
    beside = [placed(each, "what is beside x", x.device_mesh, x.placements) for each in beside]
    y = _rows.run(function, *(fold(each, dims) for each in (x, *beside)))
    return y if dims == (x.ndim - 1,) else Unfold.apply(y, dims, Layout(x), reduced)


def masked(x, where):
    """Return logits with −inf where `where` is False, `where` as a DTensor, and None.

    Which rows keep a class would take a collective to know, and need not be known: of those that
    keep none, logsumexp makes −inf, and softmax nan, where it masks what it makes.
    """
    check(x)
    where = placed(where, "where", x.device_mesh, x.placements)
    return x.masked_fill(~where, -torch.inf), where, None


class Pieces:
    """The pieces of the rows of a DTensor whose classes are last."""

    def __init__(self, x):
        self.mesh, self.x, self.shape = x.device_mesh, x.to_local().detach(), x.shape
        self.layout = Layout(x)
        several = [i for i in range(self.mesh.ndim) if self.mesh.size(i) > 1]
        last = x.ndim - 1
        self.along_classes = [i for i in several if x.placements[i].is_shard(last)]
        self.along_rows = [
            i for i in several if x.placements[i].is_shard() and i not in self.along_classes
        ]
        # Of one number a row
        self.placements = [Replicate() if p.is_shard(last) else p for p in x.placements]

    def gather(self, numbers):
        """Return what each piece tells: one collective for each mesh dimension of the classes."""
        told = numbers[None]
        for i in reversed(self.along_classes):
            several = [torch.empty_like(told) for _ in range(self.mesh.size(i))]
            dist.all_gather(several, told, group=self.mesh.get_group(i))
            told = torch.cat(several)
        return told

    def total(self, x):
        """Return the sum over the classes of all pieces."""
        total = x.sum(-1, keepdim=True)
        for i in self.along_classes:
            dist.all_reduce(total, group=self.mesh.get_group(i))
        return total

    def add(self, numbers):
        """Return the sum of `numbers` over the processes that hold different rows."""
        for i in self.along_rows:
            dist.all_reduce(numbers, group=self.mesh.get_group(i))
        return numbers

    def bounds(self):
        """Return the first and last class of each piece, in the order of `gather`."""
        pieces = [(0, self.shape[-1])]
        for i in self.along_classes:  # as torch.chunk does it
            n, cut = self.mesh.size(i), []
            for lo, hi in pieces:
                step = -(-(hi - lo) // n)
                cut += pairwise(min(lo + k * step, hi) for k in range(n + 1))
            pieces = cut
        return pieces

    def mine(self):
        """Return which of the pieces this process holds."""
        k = 0
        for i in self.along_classes:
            k = k * self.mesh.size(i) + self.mesh.get_local_rank(i)
        return k

    def of_rows(self, *values):
        """Return tensors of one number a row, filled with these."""
        shape, dtype = (*self.x.shape[:-1], 1), wide(self.x.dtype)
        return [self.x.new_full(shape, each, dtype=dtype) for each in values]

    def wrap(self, numbers):
        """Return the DTensor of one number a row."""
        return wrap(numbers, self.mesh, self.placements, (*self.shape[:-1], 1))


class Total(torch.autograd.Function):
    """Σ x along the classes. DTensor's own sum waits to be added up, and may meet whole rows so."""

    @staticmethod
    def forward(ctx, x):
        check(x, "a gradient")
        pieces = Pieces(x)
        ctx.pieces = pieces.placements, pieces.layout
        return pieces.wrap(pieces.total(pieces.x))

    @staticmethod
    def backward(ctx, v):
        placements, layout = ctx.pieces
        return Spread.apply(v.redistribute(placements=placements), layout)


class Spread(torch.autograd.Function):
    """One number a row, given to all its classes: the transpose of `Total`."""

    @staticmethod
    def forward(ctx, v, layout):
        return layout.wrap(v.to_local().expand(layout.local))

    @staticmethod
    def backward(ctx, u):
        return Total.apply(u), None


def by_rows(rows, x, *beside):
    """Return `rows(x, *beside)` of all the classes of a row: `_rows.by_rows` for DTensors."""
    pieces = Pieces(x)
    if beside:
        gradient = vjp(rows, x, beside[0].redistribute(placements=x.placements), pieces)
        return pieces.layout.wrap(gradient.to(x.dtype))
    numbers = pieces.of_rows(-torch.inf, -1)  # no classes
    _rows.by_rows(formulas.pairs, pieces.x, like=tuple(numbers))
    m, r = pieces.gather(torch.stack(numbers)).unbind(1)
    pair = formulas.joined(m, r)
    if rows is formulas.logsumexp:
        return pieces.wrap(formulas.lse(*pair).to(x.dtype))
    of_piece = {formulas.softmax: formulas.p, formulas.log_softmax: formulas.log_p}[rows]
    return pieces.layout.wrap(_rows.by_rows(of_piece, pieces.x, *pair))


def vjp(rows, x, v, pieces):
    """Return a piece of the gradient of softmax, given p for x; or of log-softmax."""
    dtype = wide(x.dtype)
    if rows is formulas.log_softmax_vjp:
        p = by_rows(formulas.softmax, x.to(dtype)).to_local()
        return formulas.without_share(v.to_local().to(dtype), p, total=pieces.total)
    return rows(pieces.x.to(dtype), v.to_local().to(dtype), total=pieces.total)


def cross_entropy(logits, target, dim, weight, ignore_index, reduction, smoothing):
    """Return the loss as a DTensor: of each row, placed as the rows are; or one, everywhere."""
    check(logits, "logits")
    dim = as_dim(dim, logits.ndim)
    x = fold(logits, (dim,))
    of_target = isinstance(target, torch.Tensor) and target.requires_grad
    with_gradient = (x.requires_grad or of_target) and torch.is_grad_enabled()
    pieces = Pieces(x)
    pose = partial(posed, pieces, logits, target, dim, weight, ignore_index, smoothing, reduction)
    with torch.no_grad():
        problem, count, told = exchanged(pieces, pose, target, reduction)
        losses, gradient, mass = problem.solved(told, with_gradient and not of_target)
    if not with_gradient:
        losses = pieces.wrap(losses)
    elif of_target:
        weight = None if problem.weight is None else whole(problem.weight, pieces.mesh)
        masses = fold(target, (dim,)), weight, pieces.wrap(problem.share), smoothing
        losses = composed(x, *masses)
    else:
        losses = Loss.apply(x, pieces.wrap(losses), pieces.layout.wrap(gradient), pieces.wrap(mass))
    if reduction == "none":
        return losses.squeeze(-1).to(autocast(logits))
    total = losses.sum().redistribute(placements=[Replicate()] * x.device_mesh.ndim)
    if reduction == "mean":
        total = total.masked_fill(whole(count == 0, x.device_mesh), torch.nan)
    return total.to(autocast(logits))


def exchanged(pieces, pose, target, reduction):
    """Return the problem, what its mean divides by, and the numbers that all pieces tell.

    What is wrong on one process is told along with its numbers, and raised on all.
    """
    problem, error, zero = None, None, pieces.x.new_zeros((), dtype=wide(pieces.x.dtype))
    try:
        problem = pose()
    except ERRORS as found:
        error = found
    count = zero + problem.count if problem else zero
    count, failed = pieces.add(torch.stack([count, zero + bool(error)]))
    if problem and reduction == "mean":
        problem.share = torch.where(problem.share == 0, 0.0, problem.share / count)
    numbers = torch.stack(problem.numbers() if problem else nothing(pieces, target))
    told = pieces.gather(torch.cat([numbers.flatten(), failed[None]]))
    agree(told[:, -1] == 0, error, pieces)
    return problem, count, told[:, :-1].reshape(len(told), *numbers.shape).unbind(1)


def posed(pieces, logits, target, dim, weight, ignore_index, smoothing, reduction):
    """Check the arguments of a loss; return what of them belongs to this process."""
    mesh, x, (first, last) = pieces.mesh, pieces.x, pieces.bounds()[pieces.mine()]
    if last - first != x.shape[-1]:
        raise ValueError(
            f"logits have {x.shape[-1]} classes of {pieces.shape[-1]} on this process; "
            f"shards as torch.chunk makes them would have {last - first}"
        )
    target = as_tensor(target, "target", logits.device)
    if weight is not None and distributed(weight):
        weight = placed(weight, "weight", mesh, [Replicate()] * mesh.ndim).to_local()
    dim, weight, soft = fitting(logits, target, dim, weight, reduction)
    placements = logits.placements if soft else pieces.placements
    if target.requires_grad and not (
        distributed(target) and tuple(target.placements) == tuple(placements)
    ):
        raise ValueError(
            f"target asks for a gradient: it must be a DTensor that is placed {list(placements)}, "
            "as the logits are, so that the gradient has not to travel"
        )
    target = placed(target, "target", mesh, placements).to_local()
    if soft:
        target = to_last(check_non_negative(target, "target"), (dim,))
    if target.shape != (x.shape if soft else x.shape[:-1]):
        raise ValueError(
            f"target has {tuple(target.shape)} entries on this process, where logits have "
            f"{tuple(x.shape)} with the classes last: both must be cut as torch.chunk does it"
        )
    row = x.new_zeros((), dtype=wide(x.dtype)).expand(*x.shape[:-1], pieces.shape[-1])
    if soft:
        return Masses(pieces, target, weight, smoothing, *even_shares(row, "sum"))
    target, share, count = shares(
        row, target, weight, ignore_index, "sum", smoothed=bool(smoothing)
    )
    if smoothing:
        return Masses(pieces, target, weight, smoothing, share, count)
    return Indices(pieces, target, share, count)


class Indices:
    """Targets that are classes: a piece tells its pair, and the target's logit if it has it."""

    def __init__(self, pieces, target, share, count):
        self.pieces, self.share, self.count = pieces, share, count
        (first, last), self.x = pieces.bounds()[pieces.mine()], pieces.x
        self.here = (target >= first) & (target < last)
        self.y = (target - first).clamp(0, max(last - first - 1, 0))

    def numbers(self):
        """Return what the other pieces have to be told: three numbers a row."""
        m, r, x_y = self.pieces.of_rows(-torch.inf, -1, 0)
        _rows.by_rows(formulas.pairs, self.x, like=(m, r))
        if self.x.shape[-1]:
            x_y = torch.where(self.here, self.x.gather(-1, self.y).to(x_y.dtype), x_y)
        return m, r, x_y

    def solved(self, told, with_gradient):
        """Return the losses, this piece of the gradient, and the masses of the rows."""
        m, r, x_y = told
        pair = formulas.joined(m, r)
        log_p_y = formulas.log_p(x_y.sum(0), *pair)
        losses = formulas.index_losses(self.share, log_p_y)
        beside = self.y, self.share, self.here, log_p_y, *pair
        gradient = with_gradient and _rows.by_rows(formulas.index_piece_gradient, self.x, *beside)
        return losses, gradient, self.share


class Masses:
    """Targets that are masses, or smoothed to be some."""

    def __init__(self, pieces, target, weight, smoothing, share, count):
        self.pieces, self.weight, self.share, self.count = pieces, weight, share, count
        (first, last), self.x = pieces.bounds()[pieces.mine()], pieces.x
        self.soft, self.target = target.is_floating_point(), target
        self.here = target if self.soft else target - first
        self.weights = [] if weight is None else [weight[first:last].expand(self.x.shape)]
        self.options = {"smoothing": smoothing, "classes": pieces.shape[-1]}

    def numbers(self):
        """Return what the other pieces have to be told. They know of an index's mass themselves."""
        told = self.pieces.of_rows(-torch.inf, -1, 0, 0)
        beside = self.here, self.share, *self.weights
        _rows.by_rows(partial(formulas.soft_piece, **self.options), self.x, *beside, like=told)
        return told if self.soft else told[:3]

    def solved(self, told, with_gradient):
        """Return the losses, this piece of the gradient, and the masses of the rows."""
        m, r, of_q, *q = told
        q = q[0] if self.soft else self.masses()
        pair, mass = formulas.joined(m, r), q.sum(0)
        losses = formulas.joined_loss(m, of_q, q, *pair)
        beside = self.here, self.share, mass, *pair, *self.weights
        gradient = with_gradient and _rows.by_rows(
            partial(formulas.soft_piece_gradient, **self.options), self.x, *beside
        )
        return losses, gradient, mass

    def masses(self):
        """Return the masses that each piece has of targets that are classes."""
        y, n = self.target, self.options["classes"]
        weight = self.share.new_ones(n) if self.weight is None else self.weight
        q = [
            formulas.mass(weight[y] * ((y >= lo) & (y < hi)), weight[lo:hi].sum(), **self.options)
            for lo, hi in self.pieces.bounds()
        ]
        return self.share * torch.stack(q)


def nothing(pieces, target):
    """Return as many numbers as the other pieces tell, where they are not to be known."""
    soft = isinstance(target, torch.Tensor) and target.is_floating_point()
    return pieces.of_rows(*(4 if soft else 3) * [0])


def agree(ok, error, pieces):
    """Raise on all processes what was found on some, unless nobody may wait for the answer."""
    if _rows.may_ask(ok):
        if not ok.all():
            raise_together(error, pieces)
    elif error:
        raise error
    else:
        torch._assert_async(ok.all(), "the arguments of another process are wrong; it says how")


def raise_together(error, pieces):
    """Raise the first error that a process has, on all of them."""
    found = [(dist.get_rank(), error)] if error else []
    for i in (*pieces.along_rows, *pieces.along_classes):
        several = [None] * pieces.mesh.size(i)
        dist.all_gather_object(several, found, group=pieces.mesh.get_group(i))
        found = [each for some in several for each in some]
    rank, first = min(found, key=lambda each: each[0])
    raise type(first)(f"on rank {rank}: {first}") from error


class Loss(torch.autograd.Function):
    """The losses of rows, whose gradient M p − q is at hand."""

    @staticmethod
    def forward(ctx, x, losses, gradient, mass):
        ctx.save_for_backward(x, gradient, mass)
        return Layout(losses).wrap(losses.to_local())

    @staticmethod
    def backward(ctx, v):
        x, gradient, mass = ctx.saved_tensors
        if torch.is_grad_enabled():
            return Gradient.apply(x, gradient, mass) * v, None, None, None
        local, v = gradient.to_local(), v.redistribute(placements=mass.placements).to_local()
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
