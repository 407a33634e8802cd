"""Scheduling: how a tensor of any shape, dim, dtype and device becomes blocks of rows.

A row function sees tensors whose last dimension is the classes, in their working precision, and
returns tensors of the same leading shape. It changes none of its arguments but `out`, where it may
work and leave its result.
"""

import operator

import torch

# Elements in a block: about what a CPU core keeps in its cache, and enough to fill an accelerator.
CPU_BLOCK, DEVICE_BLOCK = 1 << 18, 1 << 24

FLOATING = (torch.float16, torch.bfloat16, torch.float32, torch.float64)


def as_real(x, name="x"):
    """Return `x` as a floating tensor; integers and bools become the default dtype."""
    x = torch.as_tensor(x)
    if x.is_complex() or (x.is_floating_point() and x.dtype not in FLOATING):
        raise TypeError(f"{name} must hold real numbers, but its dtype is {x.dtype}")
    return x if x.is_floating_point() else x.to(torch.get_default_dtype())


def wide(dtype):
    """Return the dtype to compute in: half precision is computed in float32 and rounded once."""
    return torch.float64 if dtype == torch.float64 else torch.float32


def as_integer(value, name):
    """Return `value` as an int, or raise TypeError for what is not an integer."""
    try:
        return operator.index(value)
    except TypeError:
        raise TypeError(f"{name} must be an integer, but it is {value!r}") from None


def as_dims(dim, ndim):
    """Return `dim` (an integer, a tuple or None for all) as a sorted tuple of distinct dims."""
    ndim = max(ndim, 1)
    dims = range(ndim) if dim is None else dim if isinstance(dim, tuple) else (dim,)
    if not dims:
        raise ValueError(f"dim={dim} names no dimension")
    dims = [as_integer(each, "dim") for each in dims]
    for each in dims:
        if not -ndim <= each < ndim:
            raise IndexError(f"dim must be from {-ndim} to {ndim - 1}, but it is {each}")
    dims = sorted(each % ndim for each in dims)
    if len(set(dims)) < len(dims):
        raise ValueError(f"dim={dim} names a dimension twice")
    return tuple(dims)


def to_last(x, dims):
    """Return `x` with `dims` moved to the end and merged. A view where one exists."""
    x = x.movedim(dims, tuple(range(-len(dims), 0)))
    kept = x.ndim - len(dims)
    return x.reshape(*x.shape[:kept], x.shape[kept:].numel())


def from_last(y, dims, sizes):
    """Undo `to_last`: split the last dimension into `sizes` and move them to `dims`."""
    y = y.reshape(*y.shape[:-1], *sizes)
    return y.movedim(tuple(range(-len(dims), 0)), dims)


def apply(function, x, dim, *beside, reduced=False):
    """Apply an autograd function over rows along `dim` to `x` and to the tensors `beside` it.

    A reduced result keeps `dim`, with length 1.
    """
    dims, shape = as_dims(dim, x.ndim), x.shape or (1,)
    y = function.apply(*(to_last(each.reshape(shape), dims) for each in (x, *beside)))
    y = from_last(y, dims, [1 if reduced else shape[i] for i in dims])
    return y if x.ndim else y.reshape(())


def by_rows(rows, *arrays, like=None):
    """Return `rows(*arrays)`, computed block by block into tensors `like` these, or like the first.

    One tensor where `rows` returns one, else a tuple, whose last is the one as large as the first.
    """
    x = arrays[0]
    outs = torch.empty_like(x) if like is None else like
    one = isinstance(outs, torch.Tensor)
    outs = (outs,) if one else outs
    if torch.compiler.is_compiling() and x.numel():
        results = rows(*widened(arrays))
        results = (results,) if one else results
        outs = tuple(y.to(out.dtype) for y, out in zip(results, outs, strict=True))
    elif x.numel():
        fill(rows, outs, arrays, CPU_BLOCK if x.device.type == "cpu" else DEVICE_BLOCK)
    return outs[0] if one else outs


def fill(rows, outs, arrays, block):
    """Cut the tensors into blocks along their first dimensions, and fill those of `outs`."""
    x = arrays[0]
    if x.ndim == 1 or x.numel() <= block:
        fits = outs[-1].shape == x.shape and x.dtype == wide(x.dtype)
        results = rows(*widened(arrays), out=outs[-1] if fits else None)
        results = (results,) if isinstance(results, torch.Tensor) else results
        for out, result in zip(outs, results, strict=True):
            if result is not out:
                out.copy_(result)
        return
    step = max(1, block // (x.numel() // len(x)))
    for pieces in zip(*(each.split(step) for each in (*outs, *arrays)), strict=True):
        if step == 1:
            pieces = [piece.squeeze(0) for piece in pieces]
        fill(rows, pieces[: len(outs)], pieces[len(outs) :], block)


def widened(arrays):
    """Return the arrays in their working precision; indices stay as they are."""
    return [x.to(wide(x.dtype)) if x.is_floating_point() else x for x in arrays]


def may_ask(x):
    """Whether Python may look at the values of `x`: off the CPU it would wait for them."""
    return x.device.type == "cpu" and not torch.compiler.is_compiling()


def may_hold(x, value):
    """Whether `x` holds a value, or may hold it as far as may be asked."""
    return not may_ask(x) or bool((x == value).any())


def batched(function):
    """Give an autograd function over rows its rule for `torch.func.vmap`: one more row axis."""

    def vmap(info, in_dims, *args):
        args = [
            arg
            if not isinstance(arg, torch.Tensor)
            else arg.expand(info.batch_size, *arg.shape)
            if dim is None
            else arg.movedim(dim, 0)
            for arg, dim in zip(args, in_dims, strict=True)
        ]
        out = function.apply(*args)
        return out, (0,) * len(out) if isinstance(out, tuple) else 0

    function.vmap = staticmethod(vmap)
    return function
