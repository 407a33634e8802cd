"""How a DTensor lies on its processes, and what these tell one another. No formula stands here.

Each process holds a piece of the rows: some of them, some of their classes, or both. All processes
go through the same collectives, also one whose arguments are wrong: it says so there.
"""

import math
import zlib
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import pairwise

import torch
import torch.distributed as dist
from torch.distributed.tensor import DTensor, Replicate, Shard

from softmax_lab.torch._arguments import distributed
from softmax_lab.torch._rows import from_last, may_ask, to_last

# What may be wrong with the arguments on one process, and is raised on all.
ERRORS = (IndexError, TypeError, ValueError)

# What the caller has asked for, by name: an autograd function does not hand it on.
ASKED = ContextVar("asked", default=())

NOT_MET = """\
The processes did not meet in this collective. This one has asked for
    {terms}
and all have to ask for the same, of a DTensor that has the same shape and placements on each.
TORCH_DISTRIBUTED_DEBUG=DETAIL in the environment has torch say who asks for what."""


@contextmanager
def asked(x, **terms):
    """Name what all processes must have asked for alike, of a DTensor `x`."""
    token = ASKED.set({**terms, "shape": tuple(x.shape), "placements": list(x.placements)})
    try:
        yield
    finally:
        ASKED.reset(token)


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


def digest(integers):
    """Return a number that differs where integers or their order do; a float64 holds it."""
    places = torch.arange(1, integers.numel() + 1, device=integers.device) * 0x9E3779B97F4A7C1
    places = (places ^ (places >> 29)) * 0xBF58476D1CE4E5B
    return ((integers.flatten() + 1) * places).sum() & ((1 << 52) - 1)


class Layout:
    """How a DTensor lies: all of it but its numbers."""

    def __init__(self, x):
        self.mesh, self.placements = x.device_mesh, x.placements
        self.shape, self.local = x.shape, x.to_local().shape

    def wrap(self, local):
        """Return the DTensor that lies so, of which `local` is what this process holds."""
        return wrap(local, self.mesh, self.placements, self.shape)


class Pieces:
    """The pieces of the rows of a DTensor whose classes are last.

    The `terms` are what all processes must have said alike, by name; the `digest` is that of what
    all processes of a row must hold alike.
    """

    def __init__(self, x, **terms):
        self.mesh, self.x, self.shape = x.device_mesh, x.to_local().detach(), x.shape
        self.layout = Layout(x)
        self.terms = {**dict(ASKED.get()), "dtype": x.dtype, "requires_grad": x.requires_grad}
        self.terms |= terms
        several = [i for i in range(self.mesh.ndim) if self.mesh.size(i) > 1]
        last = x.ndim - 1
        self.along_classes = [i for i in several if x.placements[i].is_shard(last)]
        self.along_rows = [
            i for i in several if x.placements[i].is_shard() and i not in self.along_classes
        ]
        # Of one number a row
        self.placements = [Replicate() if p.is_shard(last) else p for p in x.placements]
        self.error, self.failed, self.asked = None, 0.0, self.along_classes
        self.digest = 0

    def attempt(self, function):
        """Return `function()`; or, where its arguments are wrong, None: `tell` says it to all."""
        try:
            return function()
        except ERRORS as error:
            self.error, self.failed = error, 1.0
            return None

    def checksum(self):
        """Return a number that differs where the terms do."""
        return float(zlib.crc32(repr(self.terms).encode()))  # a float64 holds it and sums of it

    def numbers(self, *values):
        """Return single numbers as a float64 tensor."""
        numbers = self.x.new_empty(len(values), dtype=torch.float64)
        for i, value in enumerate(values):
            numbers[i] = value
        return numbers

    def count(self, number):
        """Return the sum of a number over the processes that hold different rows."""
        processes, check = math.prod(self.mesh.size(i) for i in self.along_rows), self.checksum()
        numbers = self.numbers(number, self.failed, check)
        self.add(numbers)
        self.asked = [*self.along_rows, *self.along_classes]
        self.failed = (numbers[1] != 0) | (numbers[2] != processes * check)
        return numbers[0]

    def add(self, numbers):
        """Return the sum of `numbers` over the processes that hold different rows."""
        for i in self.along_rows:
            self.meet(dist.all_reduce, i, numbers)
        return numbers

    def meet(self, collective, i, *tensors):
        """Run a collective along a mesh dimension. If it fails, say what this process asked for."""
        try:
            collective(*tensors, group=self.mesh.get_group(i))
        except RuntimeError as error:
            terms = "\n    ".join(f"{name}: {said!r}" for name, said in self.terms.items())
            error.add_note(NOT_MET.format(terms=terms))
            raise

    def tell(self, *numbers):
        """Return what each piece tells of its rows: the first dimension of each.

        One collective, whose size is that of the logits' rows whatever else is said. With the
        numbers goes whether they count: what is wrong on one process is raised on all.
        """
        alike = self.numbers(self.failed, self.checksum(), self.digest)
        told = self.gather(torch.cat([*(each.flatten() for each in numbers), alike]))
        alike[0] = 0
        self.agree((told[:, -3:] == alike).all())
        shape = len(told), len(numbers), *self.x.shape[:-1], 1
        return told[:, :-3].reshape(shape).unbind(1)

    def gather(self, numbers):
        """Return what each piece tells: one collective for each mesh dimension of the classes."""
        told = numbers[None]
        for i in reversed(self.along_classes):
            several = [torch.empty_like(told) for _ in range(self.mesh.size(i))]
            self.meet(dist.all_gather, i, several, told)
            told = torch.cat(several)
        return told

    def total(self, x):
        """Return the sum over the classes of all pieces."""
        total = x.sum(-1, keepdim=True)
        for i in self.along_classes:
            self.meet(dist.all_reduce, i, total)
        return total

    def agree(self, ok):
        """Raise on all processes what was found on some, unless nobody may wait for the answer."""
        if may_ask(ok):
            if not ok.all():
                self.raise_together()
        elif self.error:
            raise self.error
        else:
            torch._assert_async(ok.all(), "the arguments of another process are wrong; it says how")

    def raise_together(self):
        """Raise the first error that a process has, on all of them; or say what terms differ."""
        terms = {name: repr(said) for name, said in self.terms.items()}
        terms["a digest of target"] = f"{float(self.digest):.0f}"
        found = [(dist.get_rank(), self.error, terms)]
        for i in self.asked:
            several = [None] * self.mesh.size(i)
            dist.all_gather_object(several, found, group=self.mesh.get_group(i))
            found = [each for some in several for each in some]
        found.sort(key=lambda each: each[0])
        (one, _, terms), *rest = found
        differ = {
            name: f"{name} is {said} on rank {one}, but {others[name]} on rank {rank}: it must be "
            "the same on all processes"
            for rank, _, others in reversed(rest)
            for name, said in terms.items()
            if others.get(name, said) != said
        }
        for name in ("shape", "placements", "dim"):  # from which other errors may follow
            if name in differ:
                raise ValueError(differ[name])
        for rank, error, _ in found:
            if error:
                raise type(error)(f"on rank {rank}: {error}") from self.error
        raise ValueError(next(iter(differ.values())))

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
        """Return the first and last class of the piece that this process holds."""
        k = 0
        for i in self.along_classes:
            k = k * self.mesh.size(i) + self.mesh.get_local_rank(i)
        return self.bounds()[k]

    def of_rows(self, *values):
        """Return float64 tensors of one number a row, filled with these."""
        shape = (*self.x.shape[:-1], 1)
        return [self.x.new_full(shape, each, dtype=torch.float64) for each in values]

    def wrap(self, numbers, *, keepdim=True):
        """Return the DTensor of one number a row."""
        numbers = numbers if keepdim else numbers.squeeze(-1)
        shape = (*self.shape[:-1], 1) if keepdim else self.shape[:-1]
        return wrap(numbers, self.mesh, self.placements, shape)


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
        v = v.redistribute(placements=ctx.placements)
        return Unfold.apply(v, ctx.dims, ctx.like, False), None


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
