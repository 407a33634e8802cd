"""Chapter 5, Gradients: a checker that compares a gradient with slopes of the function."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from softmax_lab.numpy._arguments import as_number, as_real
from softmax_lab.numpy._types import ArrayLike

ROUNDING = 1e-9  # an error that is accepted of any gradient


@dataclass(frozen=True)
class GradientReport:
    """What `check_gradient` found: truthy when the gradient is right, and printed in words."""

    ok: bool
    message: str
    expected: np.ndarray
    found: np.ndarray

    def __bool__(self):
        return self.ok

    def __str__(self):
        return self.message


def check_gradient(
    f: Callable[[Any], Any],
    gradient: Callable[[Any], ArrayLike] | ArrayLike,
    x: ArrayLike,
    *,
    rtol: float = 1e-6,
) -> GradientReport:
    """Compare a gradient with finite differences, and with the complex step where `f` allows it.

    Parameters
    ----------
    f : callable
        Maps an array like `x` to one number.
    gradient : callable or array_like, the shape of `x`
        The gradient to check, or a function that returns it at `x`.
    x : array_like of real numbers, any shape
        Where to check.
    rtol : float, default 1e-6
        Largest error accepted, relative to the largest entry of the gradient; and 1e-9 more, for
        rounding. So of a gradient that small any is right, and the report says so: scale `f` up.

    Returns
    -------
    GradientReport
        Truthy when right. Printed, it says how far apart the two are, and where.

    Raises
    ------
    ValueError
        If `f` does not return one number, or `rtol` is negative.

    Notes
    -----
    Central differences (f(x + h) − f(x − h)) / 2h lose half of the digits or more. The complex step
    Im f(x + ih) / h, h = 1e-20, loses none; it is used where f accepts complex numbers and the two
    methods agree.

    Taught in :ref:`sec-gradients-check`.

    Examples
    --------
    >>> print(check_gradient(lambda x: (x**2).sum(), lambda x: 3 * x, [1.0, 2.0]))
    wrong: at index (1,) the gradient is 6.0, but the complex step gives 4.0
    """
    rtol = as_number(rtol, "rtol")
    if not rtol >= 0:
        raise ValueError(f"rtol must not be negative, but it is {rtol}")
    x = as_real(x)[0].astype(np.float64)
    found, _ = as_real(gradient(x.copy()) if callable(gradient) else gradient, "gradient")
    value, _ = as_real(f(x.copy()), "f(x)")
    if value.shape != ():
        raise ValueError(f"f must return one number, but its shape is {value.shape}")
    steps = 6e-6 * np.maximum(1, np.abs(x))
    expected = slope(f, x, steps, lambda up, down, h: (up - down) / (2 * h))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", np.exceptions.ComplexWarning)
            steps = np.full(x.shape, 1e-20j)
            exact = slope(f, x.astype(np.complex128), steps, lambda up, _, h: up.imag / h.imag)
    except (TypeError, RuntimeError):  # how Python, NumPy and torch refuse complex numbers
        exact = np.full(x.shape, np.nan)
    method = "finite difference"
    scale = np.abs(expected).max(initial=0.0)
    with np.errstate(all="ignore"):
        agree = np.all(np.abs(exact - expected) <= 1e-5 * max(scale, 1e-3))
    if agree:
        expected, method = exact, "complex step"
    if found.shape != x.shape:
        message = f"wrong: the gradient has shape {found.shape}, but x has {x.shape}"
        return GradientReport(False, message, expected, found)
    with np.errstate(all="ignore"):
        error = np.abs(found - expected)
    ok = bool(np.all(error <= rtol * scale + ROUNDING))
    where = tuple(int(i) for i in np.unravel_index(error.argmax(), x.shape)) if x.size else ()
    message = f"right: it agrees with the {method} to {error.max(initial=0.0):.1e}"
    if np.any(error > rtol * scale):
        message += f", and any error up to {ROUNDING:g} is taken for rounding"
    if not ok:
        message = (
            f"wrong: at index {where} the gradient is {found[where]:.10}, "
            f"but the {method} gives {expected[where]:.10}"
        )
    return GradientReport(ok, message, expected, found)


def slope(f, x, steps, quotient):
    """Return the quotient of differences of f at x ± h, entry by entry, each with its step h."""
    slopes = np.empty(x.shape)
    for i in np.ndindex(x.shape):
        h = steps[i]
        up, down = x.copy(), x.copy()
        with np.errstate(all="ignore"):
            up[i], down[i] = x[i] + h, x[i] - h
        ends = np.asarray(f(up)), np.asarray(f(down))
        with np.errstate(all="ignore"):
            slopes[i] = quotient(*ends, h)
    return slopes
