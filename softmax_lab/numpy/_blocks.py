"""Scheduling: how arrays of any shape, axis and dtype become blocks that fit the cache.

A row function sees blocks of shape (outer, n, inner), the n classes on axis 1, and says what
happens to them. Nothing here knows about softmax.
"""

import contextvars
import os
from functools import wraps

import numpy as np

from softmax_lab.numpy._arguments import as_axes, as_logits, as_mask, as_real, check_out

BLOCK = 1 << 16  # elements: half a mebibyte of float64, so that a block stays in the L2 cache
LONGEST = 4 * BLOCK  # the largest scratch; a longer row is worked on in parts
FEW, MANY = 32, 256  # so few classes of so many rows: NumPy's loops shall run along the rows
THREADED = 1 << 21  # elements from which several threads pay

# A context in which floating-point errors are ignored. To run in a copy of it costs a fifth of
# np.errstate, which makes its settings anew.
QUIET = contextvars.Context()
QUIET.run(np.seterr, all="ignore")


def quiet(function):
    """Let a function run in such a context."""

    @wraps(function)
    def call(*args, **keywords):
        return QUIET.copy().run(function, *args, **keywords)

    return call


def to_blocks(x, axes):
    """Return `x` as (outer, n, inner), its `axes` merged into n: a view if there is one."""
    if axes == (x.ndim - 1,) and x.size:
        return x.reshape(-1, x.shape[-1], 1)
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


def of_class(y):
    """Return the index of the entries of class y (outer, 1, inner) in a block (outer, n, inner)."""
    outer, _, inner = y.shape
    return np.arange(outer)[:, None, None], y, np.arange(inner)


def for_blocks(function, x, outputs, inputs=(), transpose=True):
    """Call function(x, *outputs, *inputs, scratch) block by block, in threads where that pays.

    The other arrays (some may be None) have the outer and inner lengths of `x`. The scratch is
    float64 or wider, and shaped like the block of `x`, but shorter if its rows are very long.
    Narrow blocks are transposed, unless the function does that where it needs to.
    """
    wide, turned = widened(x.dtype), transpose and narrow(x)
    if not turned and x.size <= BLOCK:
        QUIET.copy().run(function, x, *outputs, *inputs, np.empty(x.shape, wide))
        return
    outer, n, inner = x.shape
    rows, columns = max(1, BLOCK // (n * inner)), min(inner, max(BLOCK // n, BLOCK // 16))
    longest = LONGEST // columns if inner == 1 else 2 * BLOCK // columns
    cuts = [
        (slice(i, i + rows), slice(None), slice(j, j + columns))
        for i in range(0, outer, rows)
        for j in range(0, inner, columns)
    ]

    def work(cuts):
        scratch = np.empty((rows, min(n, longest), columns), wide)
        for cut in cuts:
            blocks = [each if each is None else each[cut] for each in (x, *outputs, *inputs)]
            i, _, j = blocks[0].shape
            if turned:
                transposed(function, blocks, len(outputs), scratch)
            else:
                function(*blocks, scratch[:i, :, :j])

    threads = min(thread_count(), len(cuts)) if x.size >= THREADED else 1
    if threads == 1:
        QUIET.copy().run(work, cuts)
        return
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(threads) as pool:
        parts = [cuts[i::threads] for i in range(threads)]
        list(pool.map(lambda part: QUIET.copy().run(work, part), parts))


def narrow(x):
    """Tell whether a block has many rows of few classes."""
    return len(x) >= MANY and x.shape[1] <= FEW and x.shape[2] == 1


def widened(dtype):
    """Return the dtype of sums: float64, or long double for its like."""
    return dtype if dtype.char == "g" else np.float64


def transposed(function, blocks, outputs, scratch):
    """Call a row function on copies of narrow blocks in which the rows lie side by side.

    A first output that is like `x` lies where the copy of `x` lies: the caches hold no more.
    """
    x, *others = blocks
    copies = [each if each is None else np.empty(each.shape, each.dtype, "F") for each in blocks]
    for i, copy in enumerate(copies):
        if copy is not None and not 1 <= i <= outputs:
            np.copyto(copy, blocks[i])
    if outputs and others[0].shape == x.shape and others[0].dtype == x.dtype:
        copies[1] = copies[0]
    rows, n, _ = x.shape
    function(*copies, scratch.ravel()[: n * rows].reshape(n, rows, 1).swapaxes(0, 1))
    for block, copy in zip(others[:outputs], copies[1 : 1 + outputs], strict=True):
        if block is not None:
            np.copyto(block, copy)


def thread_count():
    """Return how many processors this process may use; OMP_NUM_THREADS may ask for fewer."""
    asked = os.environ.get("OMP_NUM_THREADS", "")
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return min(int(asked), available) if asked.isdecimal() and int(asked) else available


def apply(function, x, axis, *more, where=None, out=None, fill=None, transpose=True):
    """Apply a row function to `x` along `axis`; masked entries count as −inf and give `fill`.

    `more` are arrays beside `x`, as (name, array).
    """
    x, dtype, axes, where = as_logits(x, axis, "x", where)
    shape = x.shape
    if more:
        more = [to_blocks(like_x(each, name, shape), axes) for name, each in more]
    in_place = False
    if out is not None:
        target = check_out(out, shape, dtype)
        if np.may_share_memory(target, x) and not same_memory(target, x):
            x = x.copy()
        if target.dtype == x.dtype:
            result = to_blocks(target, axes)
            in_place = result.base is target or result.base is target.base  # a view, no copy
    blocks = to_blocks(x, axes)
    if not in_place:
        result = np.empty(blocks.shape, x.dtype)
    if x.size:
        for_blocks(function, blocks, [result], more, transpose)
        if in_place and where is None:
            return out
    result = from_blocks(result, shape, axes)
    if where is not None:
        np.copyto(result, fill, where=~where)
    if out is None:
        return in_dtype(result, dtype)[()]
    if not in_place:
        put(target, in_dtype(result, dtype))
    return out


def reduce(function, x, axis, *, keepdims, where=None, out=None, empty):
    """Apply a row function that gives a number for each row; `empty` where there are no classes."""
    x, dtype = as_real(x)
    axes = as_axes(axis, x.ndim)
    if where is not None:
        x = np.where(as_mask(where, x.shape), x, x.dtype.type(-np.inf))
    shape = tuple(1 if i in axes else m for i, m in enumerate(x.shape) if keepdims or i not in axes)
    target = None if out is None else check_out(out, shape, dtype)
    blocks = to_blocks(x, axes)
    result = np.full((blocks.shape[0], 1, blocks.shape[2]), empty, x.dtype)
    if x.size:
        for_blocks(function, blocks, [result])
    result = in_dtype(result.reshape(shape), dtype)
    if out is None:
        return result[()]
    put(target, result)
    return out


def put(target, result):
    """Write a result to an output, whose dtype may be narrower."""
    QUIET.copy().run(np.copyto, target, result)


def in_dtype(result, dtype):
    """Return an array in the dtype of the answer; what is too large for it becomes inf."""
    if result.dtype == dtype:
        return result
    return QUIET.copy().run(result.astype, dtype)


def like_x(v, name, shape):
    """Return `v` as a real array, or raise ValueError if its shape is not that of `x`."""
    v, _ = as_real(v, name)
    if v.shape != shape:
        raise ValueError(f"{name} has shape {v.shape}; it must be that of x, {shape}")
    return v


def same_memory(a, b):
    """Tell whether two arrays are one view of the same memory."""
    return a.__array_interface__["data"] == b.__array_interface__["data"] and a.strides == b.strides
