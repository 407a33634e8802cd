"""Scheduling: how a tensor of any shape, dim, dtype and device becomes blocks of rows.

A row function sees tensors whose last dimension is the classes, in their working precision, and
returns tensors of the same leading shape. It changes none of its arguments but `out`, where it may
work and leave its result.
"""

import math
import os
from functools import partial

import numpy as np
import torch
from torch._C._functorch import is_legacy_batchedtensor
from torch._functorch.utils import unwrap_dead_wrappers
from torch.autograd import forward_ad

from softmax_lab.numpy._blocks import QUIET
from softmax_lab.torch._arguments import as_dims, distributed, wide

# Elements in a block: about what a CPU core keeps in its cache, and enough to fill an accelerator.
CPU_BLOCK, DEVICE_BLOCK = 1 << 18, 1 << 24
SMALL = 1 << 12  # elements up to which NumPy's calls cost less than torch's

# The devices whose rows go to the Triton kernels: none, unless the environment asks for them.
KERNEL_DEVICES = ("cuda",) if os.environ.get("SOFTMAX_LAB_KERNELS") == "1" else ()

PLAIN = torch.Tensor.__torch_dispatch__


def to_last(x, dims):
    """Return `x` with `dims` moved to the end and merged. A view where one exists."""
    if dims == (x.ndim - 1,):
        return x
    x = x.movedim(dims, tuple(range(-len(dims), 0)))
    kept = x.ndim - len(dims)
    return x.reshape(*x.shape[:kept], math.prod(x.shape[kept:]))


def from_last(y, dims, sizes):
    """Undo `to_last`: split the last dimension into `sizes` and move them to `dims`."""
    y = y.reshape(*y.shape[:-1], *sizes)
    return y.movedim(tuple(range(-len(dims), 0)), dims)


def apply(function, x, dim, *beside, reduced=False, masked=False):
    """Apply an autograd function over rows along `dim` to `x` and to the tensors `beside` it.

    A reduced result keeps `dim`, with length 1. Processes that share a DTensor agree on whether it
    is `masked`.
    """
    if distributed(x):
        from softmax_lab.torch import _sharded

        return _sharded.apply(function, x, dim, *beside, reduced=reduced, masked=masked)
    dims = as_dims(dim, x.ndim)
    if dims == (x.ndim - 1,):
        return run(function, x, *beside)
    shape = x.shape or (1,)
    y = run(function, *(to_last(each.reshape(shape), dims) for each in (x, *beside)))
    y = from_last(y, dims, [1 if reduced else shape[i] for i in dims])
    return y if x.ndim else y.reshape(())


def by_rows(rows, *arrays, like=None, small=None):
    """Return `rows(*arrays)`, computed block by block into tensors `like` these, or like the first.

    One tensor where `rows` returns one, else a tuple, whose last is the one as large as the first.
    `small` is the same for small arrays of NumPy, as its side of this package has it, with one
    result.
    """
    x = arrays[0]
    if small is not None and is_small(*arrays):
        return in_numpy(small, arrays, like)
    if distributed(x):
        from softmax_lab.torch import _sharded

        return _sharded.by_rows(rows, *arrays)
    outs = torch.empty_like(x) if like is None else like
    one = isinstance(outs, torch.Tensor)
    outs = (outs,) if one else outs
    if x.numel() and not eager(*arrays):
        results = rows(*widened(arrays))
        results = (results,) if one else results
        outs = tuple(y.to(out.dtype) for y, out in zip(results, outs, strict=True))
    elif x.numel() and not launched(rows, outs, arrays):
        fill(rows, outs, arrays, CPU_BLOCK if x.device.type == "cpu" else DEVICE_BLOCK)
    return outs[0] if one else outs


def launched(rows, outs, arrays):
    """Whether a Triton kernel fills `outs`: there must be one for the device and the function."""
    if arrays[0].device.type not in KERNEL_DEVICES:
        return False
    try:
        from softmax_lab.torch._kernels import KERNELS, launch
    except ImportError as error:
        raise ImportError(
            'the kernels of SOFTMAX_LAB_KERNELS=1 need Triton: pip install "softmax-lab[gpu]"'
        ) from error
    kernel = KERNELS.get(getattr(rows, "func", rows))
    if kernel is not None:
        launch(kernel, outs, arrays, **getattr(rows, "keywords", {}))
    return kernel is not None


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


def is_small(x, *beside):
    """Whether the calls of torch's functions would cost more than what they compute."""
    if not eager(x, *beside):
        return False
    for each in beside:
        if each.dtype == torch.bfloat16:  # which NumPy has not
            return False
    return (
        0 < x.numel() <= SMALL
        and x.is_cpu
        and x.dtype in (torch.float32, torch.float64)
        and x.is_contiguous()
        and "cpu" not in KERNEL_DEVICES
    )


def is_half(x):
    """Whether the CPU is to work on half precision, of which there is some."""
    half = x.dtype in (torch.float16, torch.bfloat16)
    return half and x.numel() > 0 and may_ask(x) and "cpu" not in KERNEL_DEVICES


def in_numpy(rows, arrays, like):
    """Run a row function of the NumPy side: a call there costs half of what it does in torch."""
    x, *beside = [y.numpy(force=True) for y in arrays]
    out = np.empty_like(x) if like is None else like.numpy()
    blocks = [y.reshape(-1, y.shape[-1], 1) for y in (x, out, *beside)]
    QUIET.copy().run(rows, *blocks, np.empty(blocks[0].shape))
    return torch.from_numpy(out)


def widened(arrays):
    """Return the arrays in their working precision; indices stay as they are."""
    return [x.to(wide(x.dtype)) if x.is_floating_point() else x for x in arrays]


def eager(*tensors):
    """Whether these are plain tensors, computed at once: they may be cut, and written in place.

    Not so in code that is compiled or traced, nor for tensors of a class or a mode that sees every
    operation, nor for the batches of gradients that `torch.autograd` makes (`is_grads_batched`).
    """
    if torch.compiler.is_compiling() or torch._C._len_torch_dispatch_stack():
        return False
    for x in tensors:
        if type(x).__torch_dispatch__ is not PLAIN or is_legacy_batchedtensor(x):
            return False
    return True


def transformed():
    """Whether a transform of `torch.func` or a forward mode is at work."""
    return torch._C._are_functorch_transforms_active() or forward_mode()


def forward_mode():
    """Whether a forward mode is at work, in which any tensor may have a tangent."""
    return forward_ad._current_level >= 0


def may_ask(x):
    """Whether Python may look at the values of `x`: off the CPU it would wait for them."""
    return x.device.type == "cpu" and eager(x)


def may_hold(x, value):
    """Whether `x` holds a value, or may hold it as far as may be asked."""
    return not may_ask(x) or bool((x == value).any())


def run(function, *args):
    """Apply an autograd function over rows. The compiler takes none that has a forward mode."""
    if torch.compiler.is_compiling():
        return function.apply(*args)
    if torch._C._are_functorch_transforms_active():
        modes = [each.key() for each in torch._C._functorch.get_interpreter_stack()]
        if modes.count(torch._C._functorch.TransformType.Jvp) > 1:  # torch would drop a term
            raise NotImplementedError(
                "torch gives no forward mode within forward mode of an autograd function: "
                "use jacfwd(jacrev(f)), which is hessian(f), or jacrev(jacfwd(f))"
            )
        return function.dual.apply(*args)
    if not forward_mode() and not needs_gradient(args):
        return function.forward(*args)
    # Function.apply would bind default arguments, which no function here has, before it does this.
    return super(torch.autograd.Function, function.dual).apply(*unwrap_dead_wrappers(args))


def needs_gradient(args):
    """Whether autograd has something to remember about a function of these arguments."""
    if torch.is_grad_enabled():
        for each in args:
            if isinstance(each, torch.Tensor) and each.requires_grad:
                return True
    return False


def transformable(function):
    """Complete an autograd function over rows for the transforms of `torch.func`.

    `tangent(ctx, ...)` is its forward mode.
    """
    function.vmap = staticmethod(partial(batched, function))
    function.dual = type(function.__name__, (function,), {"jvp": staticmethod(function.tangent)})
    return function


def batched(function, info, in_dims, *args):
    """Apply an autograd function under `vmap`, where a batch is one more row axis."""
    args = [
        arg
        if not isinstance(arg, torch.Tensor)
        else arg.expand(info.batch_size, *arg.shape)
        if dim is None
        else arg.movedim(dim, 0)
        for arg, dim in zip(args, in_dims, strict=True)
    ]
    return run(function, *args), 0
