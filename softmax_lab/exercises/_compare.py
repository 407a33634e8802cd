"""Compare what came back with what was expected: type, shape, dtype, nan, and only then values."""

import inspect
import reprlib

import numpy as np

from softmax_lab.exercises._exercise import Mistake, Unfit

SINGLE, DOUBLE = (2e-5, 2e-6), (1e-9, 1e-11)  # relative and absolute
SINGLE_TINY, DOUBLE_TINY = (2e-5, 1e-36), (1e-9, 1e-300)  # where tiny numbers matter as well
LOOSE = (1e-4, 1e-6)  # for telling one mistake from another
OTHER = "other numbers come back"


def unfit(got, name, nudge):
    return Unfit(Mistake(name, nudge), got)


def digits(case, tiny):
    """Return the tolerance that the precision of a case's arguments allows."""
    single = any(getattr(part, "dtype", None) == np.float32 for part in case)
    if tiny:
        return SINGLE_TINY if single else DOUBLE_TINY
    return SINGLE if single else DOUBLE


def as_array(value, *, torch=True):
    """Return numbers as an array; whatever is no number raises Unfit, and says what it is."""
    if value is None:
        raise unfit(
            value, "nothing comes back", "Does every way through your function end in `return`?"
        )
    for kind in (inspect.iscoroutine, inspect.isgenerator):
        if kind(value):
            value.close()
            name = f"a {type(value).__name__} comes back"
            raise unfit(type(value).__name__, name, "Compute the value, and give it with `return`.")
    if hasattr(value, "detach") and hasattr(value, "numpy"):  # a torch tensor, told without torch
        if not torch:
            raise unfit(value, "a tensor comes back", "A NumPy array is asked for here.")
        value = value.detach().cpu().numpy()
    try:
        array = np.asarray(value)
    except Exception:
        array = np.asarray(None)
    if array.dtype.kind == "b":
        raise unfit(array, "True and False come back", "Numbers are asked for, not booleans.")
    if array.dtype.kind not in "fiu":
        kind = f"{type(value).__name__} of {array.dtype}" if array.ndim else type(value).__name__
        raise unfit(reprlib.repr(value), "no numbers come back", f"It is a {kind}.")
    return array


def check_shape(array, shape):
    """Raise Unfit unless the array has the shape: nothing is ever broadcast."""
    if array.shape != shape:
        nudge = f"Its shape is {array.shape}, and {shape} is asked for."
        raise unfit(array, "the wrong shape comes back", nudge)
    return array


def integers(value, shape):
    """Return an array of integers of the shape, or raise Unfit."""
    array = check_shape(as_array(value), shape)
    if array.dtype.kind not in "iu":
        raise unfit(array, "floats come back", "An index is asked for, and an index is an integer.")
    return array


def number(value):
    """Return one number as a float, or raise Unfit."""
    return float(check_shape(as_array(value), ()))


def compare(value, expected, tolerance, *, torch=False, dtype=None, zeros=False):
    """Return the value as an array (or tuple of them) that equals `expected`, or raise Unfit.

    Integers have to be exact. `zeros` asks for 0 to the last bit where 0 is expected.
    """
    if isinstance(expected, tuple):
        if value is not None and not (
            isinstance(value, tuple | list) and len(value) == len(expected)
        ):
            nudge = f"A tuple of {len(expected)} arrays is asked for."
            raise unfit(reprlib.repr(value), "no tuple comes back", nudge)
        arrays = tuple(as_array(part, torch=torch) for part in value or [None])
        pairs = [*zip(arrays, expected, strict=True)]
        try:
            for array, part in pairs:  # the shapes of all come before the values of any
                check_shape(array, np.shape(part))
            return tuple(compare(*pair, tolerance) for pair in pairs)
        except Unfit as problem:  # show all of them, not the one
            raise Unfit(problem.mistake, arrays) from None
    expected = np.asarray(expected)
    if expected.dtype.kind in "iu":
        array = integers(as_array(value, torch=torch), expected.shape)
        right = array == expected
    else:
        array = check_shape(as_array(value, torch=torch), expected.shape)
        right = near(array, expected, tolerance, zeros=zeros)
    if not right.all():
        if np.any(np.isnan(array) & ~np.isnan(expected)):
            raise unfit(
                array, "nan comes back", "Which step makes it? Look for ∞ − ∞, 0/0 and 0 · ∞."
            )
        raise unfit(array, OTHER, "")
    if dtype is not None and not isinstance(value, list | tuple) and array.dtype != dtype:
        nudge = f"{dtype} goes in, {array.dtype} comes out. Which step changes it?"
        raise unfit(array, "the dtype changes", nudge)
    return array


def near(array, expected, tolerance=DOUBLE, *, zeros=False):
    """Return where two arrays of one shape agree: within a (relative, absolute) tolerance."""
    relative, absolute = tolerance
    with np.errstate(all="ignore"):
        array, expected = np.asarray(array, dtype=float), np.asarray(expected, dtype=float)
        same = (array == expected) | (np.isnan(array) & np.isnan(expected))
        if zeros:
            absolute = np.where(expected == 0, 0.0, absolute)
        finite = np.isfinite(array) & np.isfinite(expected)
        return same | (finite & (abs(array - expected) <= absolute + relative * abs(expected)))


def close(array, expected, tolerance=DOUBLE):
    """Whether two arrays of one shape agree everywhere."""
    return bool(near(array, expected, tolerance).all())


def alike(got, other, tolerance=None):
    """Whether two outcomes look the same, so that one may explain the other."""
    if isinstance(got, tuple) and isinstance(other, tuple):
        pairs = zip(got, other, strict=False)
        return len(got) == len(other) and all(alike(*pair, tolerance) for pair in pairs)
    if isinstance(got, np.ndarray) and isinstance(other, np.ndarray):
        return got.shape == other.shape and close(got, other, tolerance or LOOSE)
    return type(got) is type(other) and not isinstance(got, np.ndarray) and got == other


def distance(got, other):
    """Return how far two outcomes that look the same are apart, to choose the nearest."""
    if not isinstance(got, np.ndarray):
        return 0.0
    with np.errstate(all="ignore"):
        return float(np.nan_to_num(abs(got.astype(float) - other), nan=0.0, posinf=0.0).sum())
