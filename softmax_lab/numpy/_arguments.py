"""The one way for an argument to come in: what is taken, what it becomes, what an error says."""

import numbers
import operator

import numpy as np

EXACT = 1 << 53  # float64 holds every integer up to here


def as_array(x, name="x"):
    """Return `x` as an array of NumPy's own numbers; raise TypeError rather than drop a mask.

    The numbers of ml_dtypes become float64 or int64, those of torch that NumPy lacks float32.
    """
    if type(x) is not np.ndarray:
        refuse_sparse(x, name)
        refuse_mask(x, name)
        if str(getattr(x, "dtype", "")).startswith(("torch.bfloat16", "torch.float8")):
            x = x.float()
        try:
            array = np.asanyarray(x)  # a mask may come to light only now
        except (TypeError, ValueError, RuntimeError) as error:
            raise type(error)(f"{name} cannot be made an array: {error}") from error
        refuse_mask(array, name)
        if array.dtype.char in "dO" and isinstance(x, list | tuple):
            array = with_huge(x, array, name)
        x = np.asarray(array)
    if x.dtype.isbuiltin == 2:  # registered by ml_dtypes
        return x.astype(np.int64 if np.can_cast(x.dtype, np.int64) else np.float64)
    return x


def refuse_sparse(x, name):
    """Raise TypeError if `x` is a sparse matrix, which NumPy would take for an object."""
    if hasattr(x, "toarray"):
        raise TypeError(f"{name} is a sparse matrix, but it must be dense: pass {name}.toarray()")


def refuse_mask(x, name):
    """Raise TypeError if `x` has masked entries."""
    if has_mask(x):
        raise TypeError(
            f"{name} has masked entries, which would be lost: fill them, or pass the data and "
            "where=~mask to a function that takes it"
        )


def with_huge(x, array, name):
    """Return the array of a list that may hold integers too large for a dtype, as floats.

    Among floats they are rounded. If there are no floats, raise TypeError rather than merge them.
    """
    if array.dtype != object and not (array.size and np.abs(array).max() >= 2.0**63):
        return array
    objects = np.asarray(x, dtype=object)
    if objects.size and all(isinstance(each, numbers.Integral) for each in objects.flat):
        if objects.min() >= 0 and objects.max() < 2**64:  # of which NumPy makes floats at times
            return objects.astype(np.uint64)
        raise TypeError(
            f"{name} must hold integers that one dtype holds, but they go from {objects.min()} "
            f"to {objects.max()}: subtract one of them from all, or make them floats"
        )
    if array.dtype == object and all(
        isinstance(each, int | float | np.number) for each in objects.flat
    ):
        return np.array([as_number(each, name) for each in objects.flat]).reshape(objects.shape)
    return array


def has_mask(x):
    """Tell whether `x`, or an array in a list, has masked entries."""
    if isinstance(x, np.ma.MaskedArray):
        return np.ma.is_masked(x)
    if not isinstance(x, list | tuple):
        return False
    kinds = [
        kind for kind in set(map(type, x)) if issubclass(kind, list | tuple | np.ma.MaskedArray)
    ]
    return bool(kinds) and any(map(has_mask, x))


def as_real(x, name="x"):
    """Return `x` as floats in native byte order, and the dtype that the result shall have.

    Integers and bools become float64. The dtypes of ml_dtypes are computed in float64.
    """
    array = as_array(x, name)
    dtype = array.dtype
    if dtype.char in "dfeg" and dtype.isnative:
        x_dtype = getattr(x, "dtype", dtype)
        if array is x or not isinstance(x_dtype, np.dtype):
            return array, dtype
        kept = x_dtype.isbuiltin == 2 and not np.can_cast(x_dtype, np.int64)
        return array, x_dtype if kept else dtype
    if dtype.kind in "biu":
        return array.astype(np.float64), np.dtype(np.float64)
    if dtype.kind != "f":
        raise TypeError(
            f"{name} must hold real numbers (floating, integer or bool), but its dtype is {dtype}"
        )
    native = dtype.newbyteorder("=")
    return array.astype(native), native


def as_logits(x, axis, name="x", where=None):
    """Return `x` and the dtype of the result as `as_real` does, its axes, and `where` as booleans.

    Softmax is the same for x − max x, which is exact for integers: those that float64 would merge
    are shifted so. Entries that `where` leaves out become −inf.
    """
    array = as_array(x, name)
    axes, dtype = as_axes(axis, array.ndim), array.dtype
    if array is x and where is None and dtype.char in "dfeg" and dtype.isnative:
        return x, dtype, axes, None
    if where is not None:
        where = as_mask(where, array.shape)
    if array.dtype.char in "lqLQ" and array.size and (array.max() > EXACT or array.min() < -EXACT):
        lowest, counted = np.iinfo(array.dtype).min, True if where is None else where
        along = axes if array.ndim else None
        top = array.max(axis=along, keepdims=True, initial=lowest, where=counted)
        x = -np.subtract(top, array, dtype=np.uint64, casting="unsafe").astype(np.float64)
    x, dtype = as_real(x, name)
    if where is not None:
        x = np.where(where, x, x.dtype.type(-np.inf))
    return x, dtype, axes, where


def as_integer(value, name):
    """Return `value` as an int, or raise TypeError for what is not an integer."""
    if type(value) is int:
        return value
    # A bool of Python or torch would do for an index, one of NumPy would not.
    if not isinstance(value, bool) and str(getattr(value, "dtype", "")) != "torch.bool":
        try:
            return operator.index(value)
        except TypeError:
            pass
    raise TypeError(f"{name} must be an integer, but it is {value!r}")


def as_number(value, name):
    """Return `value` as a float, or raise TypeError for what is not one real number."""
    if type(value) is float:
        return value
    array = as_array(value, name)
    number = array[()]  # of an array of objects: a Fraction, or a huge integer
    if array.ndim or array.dtype.kind not in "iufO" or not isinstance(number, numbers.Real):
        raise TypeError(f"{name} must be a real number, but it is {value!r}")
    try:
        return float(number)
    except OverflowError:
        raise ValueError(f"{name} must fit a float, but it is {value!r}") from None


def as_shape(shape):
    """Return a shape as a list of lengths, from an integer or a sequence of them."""
    lengths = shape if isinstance(shape, tuple | list) else (shape,)
    lengths = [as_integer(each, "shape") for each in lengths]
    if any(each < 0 for each in lengths):
        raise ValueError(f"shape must not be negative, but it is {shape}")
    return lengths


def as_dtype(dtype, kinds, what):
    """Return `dtype` as one of NumPy's, or raise TypeError unless it is of one of the kinds."""
    try:
        given = np.dtype(dtype)
    except TypeError as error:
        raise TypeError(f"dtype must be {what}, but it is {dtype!r}") from error
    if as_array(np.empty((), given)).dtype.kind not in kinds:
        raise TypeError(f"dtype must be {what}, but it is {given}")
    return given


def as_generator(rng):
    """Return the Generator that `rng` is, or that np.random.default_rng makes of it."""
    try:
        return np.random.default_rng(rng)
    except (TypeError, ValueError) as error:
        raise type(error)(
            f"rng must be a numpy.random.Generator, a seed or None, but it is {rng!r}"
        ) from error


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


def one_axis(axis, ndim):
    """Return `axis` from 0, or raise where it is not one integer."""
    if axis is None or isinstance(axis, tuple):
        raise ValueError(f"axis must be one integer, but it is {axis}")
    return as_axes(axis, ndim)[0]


def as_mask(where, shape):
    """Return `where` as booleans in `shape`. Numbers are refused: 0 and -inf mask elsewhere."""
    where = as_array(where, "where")
    if where.dtype.kind != "b" and where.size:
        raise TypeError(f"where must hold booleans, but its dtype is {where.dtype}")
    try:
        return np.broadcast_to(np.asarray(where, bool), shape)
    except ValueError:
        raise ValueError(
            f"where has shape {where.shape}; it must broadcast to that of x, {shape}"
        ) from None


def check_out(out, shape, dtype):
    """Return `out` as a plain view, or raise where it cannot take a result of this shape."""
    if type(out) is not np.ndarray:
        if not isinstance(out, np.ndarray):
            raise TypeError(f"out must be an array, but it is {out!r}")
        if isinstance(out, np.ma.MaskedArray):
            raise TypeError("out must be a plain array, but it is a masked one: pass out.data")
        out = out.view(np.ndarray)
    if out.shape != shape:
        raise ValueError(f"out has shape {out.shape}; the result has {shape}")
    if out.dtype != dtype:
        holds_floats = out.dtype.kind in "fc" or out.dtype.isbuiltin == 2
        if not holds_floats or not np.can_cast(dtype, out.dtype, "same_kind"):
            raise TypeError(f"out has dtype {out.dtype}, to which {dtype} cannot be cast")
    flags = out.flags
    if not flags.writeable:
        raise ValueError("out must be writeable, but it is read-only")
    if not flags.c_contiguous and any(
        m > 1 and step == 0 for m, step in zip(shape, out.strides, strict=True)
    ):
        raise ValueError(f"out must have room for each entry, but its strides are {out.strides}")
    return out
