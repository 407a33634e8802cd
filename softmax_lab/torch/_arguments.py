"""The one way for an argument to come in: what is taken, what it becomes, what an error says."""

import sys

import numpy as np
import torch

from softmax_lab.numpy._arguments import as_array, as_integer, refuse_mask, refuse_sparse
from softmax_lab.numpy._arguments import as_number as number_of

FLOATING = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
UNSIGNED = (torch.uint16, torch.uint32, torch.uint64)  # torch can do little more than convert these
INTEGERS = (torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64, *UNSIGNED)

ARRAYS = ("__array__", "__array_interface__", "__array_struct__")  # how NumPy is told of one


def as_tensor(x, name, device=None):
    """Return `x` as a tensor. One that is a tensor stays on its device, unless another is given."""
    if isinstance(x, torch.Tensor):  # torch.as_tensor would move it to the default device
        if x.is_nested or x.layout != torch.strided:
            kind = "nested" if x.is_nested else x.layout
            raise TypeError(f"{name} must be a dense tensor, but it is {kind}: see Tensor.to_dense")
        if type(x).__name__ == "MaskedTensor":
            refuse_mask(np.ma.masked, name)
        return x if device is None else x.to(device)
    kinds = leaves(x)
    if any(issubclass(kind, torch.Tensor) for kind in kinds):  # stacked, they keep their gradients
        parts = [as_tensor(each, name, device) for each in x]
        try:
            return torch.stack(parts)
        except RuntimeError as error:
            raise ValueError(f"{name} cannot be made a tensor: {error}") from error
    refuse_sparse(x, name)
    refuse_mask(x, name)
    try:
        if any(hasattr(kind, each) for kind in kinds for each in ARRAYS) or memoryview in kinds:
            x = owned(as_array(x, name))
        tensor = torch.as_tensor(x, device=device)
        if not tensor.numel():  # of [[], [1.0]] torch drops the number, and NumPy says so
            as_array(x, name)
        return tensor
    except (TypeError, ValueError, RuntimeError, OverflowError) as error:
        if "Overflow" in repr(error):  # integers beyond int64, which NumPy may hold
            array = as_array(x, name)
            if array.dtype != object:
                x = torch.as_tensor(owned(array), device=device)
                return x.to(torch.get_default_dtype()) if x.is_floating_point() else x
        if any(issubclass(kind, str | bytes) for kind in kinds):
            raise TypeError(f"{name} cannot be made a tensor: it holds text") from error
        kind = ValueError if isinstance(error, ValueError) else TypeError
        said = str(error).removeprefix(f"{name} cannot be made an array: ")
        raise kind(f"{name} cannot be made a tensor: {said}") from error


def leaves(x):
    """Return the types of what `x` holds, if it is a list or a tuple, or its own."""
    kinds = set(map(type, x)) if isinstance(x, list | tuple) else {type(x)}
    if isinstance(x, list | tuple) and any(issubclass(kind, list | tuple) for kind in kinds):
        return set().union(*map(leaves, x))
    return kinds


def owned(array):
    """Return an array as torch takes it: native, writeable, with no step backwards."""
    if array.dtype.kind in "iuf":  # of the names of one dtype, torch knows one
        array = array.astype(array.dtype.newbyteorder("="), copy=False)
        array = array.view(f"{array.dtype.kind}{array.dtype.itemsize}")
    whole = array.flags.writeable and all(step >= 0 for step in array.strides)
    return array if whole else array.copy()


def distributed(x, *, compiled=False):
    """Whether `x` is a DTensor. Who has one has imported their module: this one need not."""
    if type(x) is torch.Tensor or (torch.compiler.is_compiling() and not compiled):
        return False
    module = sys.modules.get("torch.distributed.tensor")
    return module is not None and isinstance(x, module.DTensor)


def undistributed(x, name):
    """Return `x`, or raise TypeError for a DTensor where none is taken."""
    if distributed(x):
        raise TypeError(
            f"{name} must be a plain tensor, but it is a DTensor: {name}.full_tensor() is one"
        )
    return x


def as_real(x, name="x", device=None):
    """Return `x` as a floating tensor; integers and bools become the default dtype."""
    x = as_tensor(x, name, device)
    if x.dtype in FLOATING:
        return x
    if x.is_complex() or x.is_floating_point() or x.is_quantized:
        raise TypeError(
            f"{name} must hold real numbers (floating, integer or bool), but its dtype is {x.dtype}"
        )
    return x.to(torch.get_default_dtype())


def as_logits(x, dim, name="x", where=None):
    """Return logits as a floating tensor, in which neighbouring integers of any size differ.

    Softmax asks for differences only: integers are subtracted from the largest of their row before
    a floating dtype would round them.
    """
    x = as_tensor(x, name)
    if x.dtype in FLOATING:
        return x
    if x.dtype not in INTEGERS or not x.numel():
        return as_real(x, name)
    if distributed(x):
        raise TypeError(f"{name} must be floating to be a DTensor, but its dtype is {x.dtype}")
    least = torch.iinfo(torch.int64).min
    if x.dtype == torch.uint64:  # less 2⁶³, so that it fits
        x = x.view(torch.int64) ^ least
    x = x.long()
    top = (x if where is None else torch.where(where, x, least)).amax(
        as_dims(dim, x.ndim) if x.ndim else (), keepdim=True
    )
    return -(top - x).view(torch.uint64).to(torch.get_default_dtype())  # up to 2⁶⁴ − 1


def wide(dtype):
    """Return the dtype to compute in: half precision is computed in float32 and rounded once."""
    return torch.float64 if dtype == torch.float64 else torch.float32


def autocast(x):
    """Return the dtype of a result that torch's autocast takes to float32, as it does losses."""
    device = x.device.type
    on = torch.amp.is_autocast_available(device) and torch.is_autocast_enabled(device)
    return wide(x.dtype) if on else x.dtype


def as_number(value, name):
    """Return `value` as a float or a tensor of one, or raise TypeError for what is no number."""
    if type(value) is float:
        return value
    if not isinstance(value, torch.Tensor):
        return number_of(value, name)
    value = as_tensor(value, name)
    if value.ndim or value.is_complex() or value.dtype == torch.bool:
        raise TypeError(f"{name} must be a real number, but it is {value!r}")
    return value


def constant(number, x):
    """Return an option as precise as `x` is worked on, and without a gradient, or None."""
    return number.detach().to(wide(x.dtype)) if isinstance(number, torch.Tensor) else number


def as_dtype(dtype):
    """Return `dtype`, by default torch's, or raise TypeError if it is none of torch's."""
    if dtype is None:
        return torch.get_default_dtype()
    if dtype in (float, int, bool):
        return torch.empty(0, dtype=dtype).dtype
    if not isinstance(dtype, torch.dtype):
        raise TypeError(f"dtype must be a torch.dtype, but it is {dtype!r}")
    return dtype


def as_dims(dim, ndim):
    """Return `dim` (an integer, a tuple or None for all) as a sorted tuple of distinct dims."""
    if type(dim) is int and -ndim <= dim < ndim:
        return (dim % ndim,)
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


def as_dim(dim, ndim):
    """Return `dim`, which must be one integer, as a non-negative number."""
    if dim is None or isinstance(dim, tuple):
        raise ValueError(f"dim must be one integer, but it is {dim}")
    return as_dims(dim, ndim)[0]
