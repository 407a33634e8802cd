"""Scheduling: how arrays of any shape, axis and dtype become blocks that fit the cache.

A row function sees blocks of shape (outer, n, inner), the n classes on axis 1, and says what
happens to them. Nothing here knows about softmax.
"""

import operator
import os

import numpy as np

BLOCK = 1 << 16  # elements: half a mebibyte of float64, so that a block stays in the L2 cache
LONGEST = 4 * BLOCK  # the largest scratch; a longer row is worked on in parts
NARROW = 32  # rows of so few classes are transposed, so that NumPy's loops run along the rows
THREADED = 1 << 21  # elements from which several threads pay


def as_real(x, name="x"):
    """Return `x` as a native floating array; integers and bools become float64."""
    x = np.asarray(x)
    if x.dtype.kind in "biu":
        return x.astype(np.float64)
    if x.dtype.kind != "f":
        raise TypeError(f"{name} must hold real numbers, but its dtype is {x.dtype}")
    return x if x.dtype.isnative else x.astype(x.dtype.newbyteorder("="))


def as_integer(value, name):
    """Return `value` as an int, or raise TypeError for what is not an integer."""
    try:
        return operator.index(value)
    except TypeError:
        raise TypeError(f"{name} must be an integer, but it is {value!r}") from None


def as_axes(axis, ndim):
    """Return `axis` (an integer, a tuple or None for all) as a sorted tuple of distinct axes."""
    if type(axis) is int and -ndim <= axis < ndim:
        return (axis % ndim,)
    ndim = max(ndim, 1)
    axes = range(ndim) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    if not axes:
        raise ValueError(f"axis={axis} names no axis")
    axes = [as_integer(each, "axis") for each in axes]
    for each in axes:
        if not -ndim <= each < ndim:
            raise np.exceptions.AxisError(each, ndim)
    axes = tuple(sorted(each % ndim for each in axes))
    if len(set(axes)) < len(axes):
        raise ValueError(f"axis={axis} names an axis twice")
    return axes


def to_blocks(x, axes):
    """Return `x` as (outer, n, inner), its `axes` merged into n: a view if there is one."""
    x = x if x.ndim else x.reshape(1)
    if axes[-1] - axes[0] >= len(axes):
        x = np.moveaxis(x, axes, range(-len(axes), 0))
        axes = range(x.ndim - len(axes), x.ndim)
    outer, n, inner = 1, 1, 1
    for i, length in enumerate(x.shape):
        if i < axes[0]:
            outer *= length
        elif i < axes[0] + len(axes):
            n *= length
        else:
            inner *= length
    return x.reshape(outer, n, inner)


def from_blocks(blocks, shape, axes):
    """Give blocks the shape of the array that `to_blocks` made them of."""
    if axes[-1] - axes[0] < len(axes):
        return blocks.reshape(shape)
    ends = range(-len(axes), 0)
    moved = [m for i, m in enumerate(shape) if i not in axes] + [shape[i] for i in axes]
    return np.moveaxis(blocks.reshape(moved), ends, axes)


def for_blocks(function, x, outputs, inputs=()):
    """Call function(x, *outputs, *inputs, scratch) block by block, in threads where that pays.

    The other arrays (some may be None) have the outer and inner lengths of `x`. The scratch is
    float64 or wider, and shaped like the block of `x`, but shorter if its rows are very long.
    """
    outer, n, inner = x.shape
    wide = x.dtype if x.dtype.itemsize > 8 else np.float64
    narrow = n <= NARROW and inner == 1 and outer >= 256
    if x.size <= BLOCK and not narrow:
        with np.errstate(all="ignore"):
            function(x, *outputs, *inputs, np.empty(x.shape, wide))
        return
    rows, columns = max(1, BLOCK // (n * inner)), min(inner, max(BLOCK // n, BLOCK // 16))
    longest = LONGEST // columns if inner == 1 else 2 * BLOCK // columns
    cuts = [
        (slice(i, i + rows), slice(None), slice(j, j + columns))
        for i in range(0, outer, rows)
        for j in range(0, inner, columns)
    ]

    def work(cuts):
        scratch = np.empty((rows, min(n, longest), columns), wide)
        with np.errstate(all="ignore"):
            for cut in cuts:
                blocks = [each if each is None else each[cut] for each in (x, *outputs, *inputs)]
                i, _, j = blocks[0].shape
                if narrow:
                    transposed(function, blocks, len(outputs), scratch)
                else:
                    function(*blocks, scratch[:i, :, :j])

    threads = min(thread_count(), len(cuts)) if x.size >= THREADED else 1
    if threads == 1:
        work(cuts)
        return
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(work, (cuts[i::threads] for i in range(threads))))


def transposed(function, blocks, outputs, scratch):
    """Call a row function on copies of narrow blocks in which the rows lie side by side."""
    copies = [each if each is None else np.empty(each.shape, each.dtype, "F") for each in blocks]
    for i, copy in enumerate(copies):
        if not 1 <= i <= outputs:
            np.copyto(copy, blocks[i])
    n, rows = blocks[0].shape[1], blocks[0].shape[0]
    function(*copies, scratch.reshape(-1)[: n * rows].reshape(n, rows, 1).swapaxes(0, 1))
    for block, copy in zip(blocks[1 : 1 + outputs], copies[1 : 1 + outputs], strict=True):
        if block is not None:
            np.copyto(block, copy)


def thread_count():
    """Return how many processors this process may use; OMP_NUM_THREADS may ask for fewer."""
    asked = os.environ.get("OMP_NUM_THREADS", "")
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return min(int(asked), available) if asked.isdigit() and int(asked) else available


def apply(function, x, axis, *more, where=None, out=None, fill=None):
    """Apply a row function to `x` along `axis`; masked entries count as −inf and give `fill`."""
    x = as_real(x)
    axes = as_axes(axis, x.ndim)
    where, x = masked(where, x)
    check_out(out, x.shape)
    if out is not None and np.may_share_memory(out, x) and not same_memory(out, x):
        x = x.copy()
    blocks = to_blocks(x, axes)
    result = None if out is None or out.dtype != x.dtype else to_blocks(out, axes)
    if result is None or not np.may_share_memory(result, out):
        result = np.empty(blocks.shape, x.dtype)
    if x.size:
        for_blocks(function, blocks, [result], [to_blocks(each, axes) for each in more])
    result = from_blocks(result, x.shape, axes)
    if where is not None:
        np.copyto(result, fill, where=~where)
    if out is None:
        return result[()]
    if not np.may_share_memory(result, out):
        np.copyto(out, result)
    return out


def masked(where, x):
    """Return `where` in the shape of `x`, and `x` with −inf where it is False."""
    if where is None:
        return where, x
    where = np.asarray(where, dtype=bool)
    try:
        where = np.broadcast_to(where, x.shape)
    except ValueError:
        raise ValueError(f"where has shape {where.shape}; x has {x.shape}") from None
    return where, np.where(where, x, x.dtype.type(-np.inf))


def check_out(out, shape):
    """Raise unless `out` is None or an array of the shape of the result."""
    if out is None:
        return
    if not isinstance(out, np.ndarray):
        raise TypeError(f"out must be an array, but it is {out!r}")
    if out.shape != shape:
        raise ValueError(f"out has shape {out.shape}; the result has {shape}")


def same_memory(a, b):
    """Tell whether two arrays are one view of the same memory."""
    return a.__array_interface__["data"] == b.__array_interface__["data"] and a.strides == b.strides


def reduce(function, x, axis, *, keepdims, where=None, out=None, empty):
    """Apply a row function that gives one number a row; `empty` is its value for no classes."""
    x = as_real(x)
    axes = as_axes(axis, x.ndim)
    _, x = masked(where, x)
    shape = [1 if i in axes else m for i, m in enumerate(x.shape) if keepdims or i not in axes]
    check_out(out, tuple(shape))
    blocks = to_blocks(x, axes)
    result = np.full((blocks.shape[0], 1, blocks.shape[2]), empty, x.dtype)
    if x.size:
        for_blocks(function, blocks, [result])
    result = result.reshape(shape)
    if out is None:
        return result[()]
    np.copyto(out, result)
    return out
