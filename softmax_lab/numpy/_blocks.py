"""Scheduling: how an array of any shape, axis and dtype becomes blocks of rows.

A row function sees `x` and `out` as (rows, n) or (outer, n, inner): the classes are on axis 1.
"""

import numpy as np


def as_real(x, name="x"):
    """Return `x` as a native floating array; integers and bools become float64."""
    x = np.asarray(x)
    if x.dtype.kind in "biu":
        return x.astype(np.float64)
    if x.dtype.kind != "f":
        raise TypeError(f"{name} must hold real numbers, but its dtype is {x.dtype}")
    return x.astype(x.dtype.newbyteorder("="), copy=False)


def as_axes(axis, ndim):
    """Return `axis` (an integer, a tuple or None for all) as a sorted tuple of distinct axes."""
    ndim = max(ndim, 1)
    axes = range(ndim) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    for each in axes:
        if not -ndim <= each < ndim:
            raise np.exceptions.AxisError(each, ndim)
    axes = sorted(each % ndim for each in axes)
    if len(set(axes)) < len(axes):
        raise ValueError(f"axis={axis} names an axis twice")
    return tuple(axes)


def to_blocks(x, axes):
    """Return `x` as (outer, n, inner), its `axes` merged into n. A view where one exists."""
    x = np.atleast_1d(x)
    first, last = (axes[0], axes[-1] + 1) if axes else (x.ndim, x.ndim)
    if last - first != len(axes):
        x, first, last = np.moveaxis(x, axes, range(-len(axes), 0)), x.ndim - len(axes), x.ndim
    outer, n, inner = (
        int(np.prod(part)) for part in (x.shape[:first], x.shape[first:last], x.shape[last:])
    )
    return x.reshape(outer, n, inner)


def from_blocks(blocks, shape, axes):
    """Undo `to_blocks` for an array of this `shape`."""
    if not axes or axes[-1] + 1 - axes[0] == len(axes):
        return blocks.reshape(shape)
    ends = range(-len(axes), 0)
    moved = np.moveaxis(np.empty(shape, dtype=bool), axes, ends).shape
    return np.moveaxis(blocks.reshape(moved), ends, axes)


def apply(
    function,
    x,
    axis,
    *,
    where=None,
    out=None,
    reduced=False,
    keepdims=False,
    fill=None,
    beside=None,
):
    """Apply a row function to `x` along `axis`; masked entries count as −inf and return `fill`."""
    x = as_real(x)
    axes = as_axes(axis, x.ndim)
    shape = x.shape
    if where is not None:
        where = np.broadcast_to(np.asarray(where, dtype=bool), shape)
        x = np.where(where, x, -np.inf).astype(x.dtype)
    kept = tuple(1 if i in axes else m for i, m in enumerate(shape)) if reduced else shape
    blocks = to_blocks(x, axes)
    result = np.empty(
        (blocks.shape[0], 1 if reduced else blocks.shape[1], blocks.shape[2]), x.dtype
    )
    with np.errstate(all="ignore"):
        more = () if beside is None else (to_blocks(beside, axes),)
        function(blocks, np.empty(blocks.shape, np.result_type(x, np.float64)), result, *more)
    result = from_blocks(result, kept, axes)
    if where is not None and not reduced:
        result[~where] = fill
    if reduced and not keepdims:
        result = result.reshape(tuple(m for i, m in enumerate(shape) if i not in axes))
    if out is not None:
        np.copyto(out, result, casting="same_kind")
        return out
    return result[()]
