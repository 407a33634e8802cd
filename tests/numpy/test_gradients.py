"""The Jacobian and its products, against mpmath, and a checker that tells right from wrong."""

import math
import re
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import softmax_lab as lab
from tests import reference

settings.register_profile("reproducible", derandomize=True, deadline=None, max_examples=60)
settings.load_profile("reproducible")

rows = st.integers(1, 6).flatmap(
    lambda n: st.tuples(
        hnp.arrays(float, n, elements=st.floats(-50, 50)),
        hnp.arrays(float, n, elements=st.floats(-4, 4).map(lambda v: round(v, 3))),
    )
)


@given(rows)
def test_products_with_the_jacobian(row):
    x, v = row
    scale = np.abs(v).max(initial=1e-3)
    for found, exact in [
        (lab.softmax_vjp(x, v), reference.softmax_vjp(x, v)),
        (lab.softmax_jvp(x, v), reference.softmax_vjp(x, v)),
        (lab.log_softmax_vjp(x, v), reference.log_softmax_vjp(x, v)),
        (lab.softmax_jacobian(x) @ v, reference.softmax_vjp(x, v)),
    ]:
        np.testing.assert_allclose(found, [float(value) for value in exact], atol=4e-15 * scale)


@given(hnp.arrays(float, (2, 4), elements=st.floats(-700, 700)))
def test_the_jacobian_is_symmetric_and_its_rows_sum_to_zero(x):
    jacobian = lab.softmax_jacobian(x)
    np.testing.assert_array_equal(jacobian, jacobian.swapaxes(-1, -2))
    np.testing.assert_allclose(jacobian.sum(axis=-1), 0, atol=1e-16)
    assert (np.diagonal(jacobian, axis1=1, axis2=2) >= 0).all()


def test_the_diagonal_of_a_confident_jacobian_keeps_its_digits():
    p = reference.softmax([0.0, -40.0])
    exact = [p[0] * p[1], -p[0] * p[1], -p[0] * p[1], p[0] * p[1]]
    assert reference.max_ulp(lab.softmax_jacobian([0.0, -40.0]), exact) <= 4


@pytest.mark.parametrize("function", [lab.softmax_vjp, lab.softmax_jvp, lab.log_softmax_vjp])
@pytest.mark.parametrize("axis", [0, 1, -1, (0, 2), None])
def test_axes(function, axis):
    rng = np.random.default_rng(0)
    x, v = rng.normal(size=(2, 3, 4, 5))[:, 0], rng.normal(size=(2, 4, 5))
    p = np.exp(x) / np.exp(x).sum(axis=axis, keepdims=True)
    expected = p * (v - (p * v).sum(axis=axis, keepdims=True))
    if function is lab.log_softmax_vjp:
        expected = v - p * v.sum(axis=axis, keepdims=True)
    np.testing.assert_allclose(function(x, v, axis), expected, rtol=1e-10, atol=1e-15)


def test_the_jacobian_along_an_axis():
    x = np.random.default_rng(1).normal(size=(3, 4, 2))
    found = lab.softmax_jacobian(x, 1)
    assert found.shape == (3, 2, 4, 4)
    np.testing.assert_allclose(found[2, 1], lab.softmax_jacobian(x[2, :, 1]), rtol=1e-14)


@pytest.mark.parametrize("function", [lab.softmax_vjp, lab.log_softmax_vjp])
@pytest.mark.parametrize("shape", [(500, 8), (2, 300_000), (4000, 30)])
def test_blocks_of_every_kind(function, shape):
    rng = np.random.default_rng(2)
    x, v = rng.normal(size=shape), rng.normal(size=shape)
    p = lab.softmax(x)
    expected = p * (v - (p * v).sum(axis=1, keepdims=True))
    if function is lab.log_softmax_vjp:
        expected = v - p * v.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(function(x, v), expected, rtol=1e-8, atol=1e-12)
    np.testing.assert_allclose(function(x.T, v.T, 0), expected.T, rtol=1e-8, atol=1e-12)


def test_special_values():
    inf = np.inf
    np.testing.assert_array_equal(lab.softmax_vjp([inf, 0.0], [3.0, 1.0]), [0, 0])
    np.testing.assert_array_equal(lab.softmax_vjp([0.0, -inf], [3.0, 1.0]), [0, 0])
    np.testing.assert_array_equal(lab.log_softmax_vjp([inf, 0.0], [3.0, 1.0]), [-1, 1])
    assert np.isnan(lab.softmax_vjp([np.nan, 0.0], [1.0, 2.0])).all()
    assert np.isnan(lab.softmax_vjp([inf, inf, 0.0], [1.0, 2.0, 3.0])).all()


@pytest.mark.parametrize("function", [lab.softmax_vjp, lab.softmax_jvp, lab.log_softmax_vjp])
def test_shapes_are_never_broadcast(function):
    with pytest.raises(ValueError, match=r"\(3,\).*\(2, 3\)"):
        function(np.zeros((2, 3)), np.zeros(3))


def loss(x):
    """log Σ e^x, written so that complex numbers pass through."""
    return np.log(np.exp(x).sum())


def test_check_gradient_accepts_the_right_gradient():
    x = np.random.default_rng(3).normal(size=(2, 3))
    report = lab.check_gradient(loss, lambda x: lab.softmax(x, None), x)
    assert report
    assert re.fullmatch(r"right: it agrees with the complex step to \d\.\de-\d\d", str(report))
    report = lab.check_gradient(lambda x: (3 * x).sum(), [3.0, 3.0], [0.5, 2.0])
    assert str(report) == "right: it agrees with the complex step to 0.0e+00"
    # this function takes no complex numbers: finite differences alone
    report = lab.check_gradient(lambda x: float(lab.logsumexp(x, None)), lab.softmax(x, None), x)
    assert report
    assert str(report).startswith("right: it agrees with the finite difference to ")


def refusing(error):
    def f(x):
        if np.iscomplexobj(x):
            raise error
        return (x**2).sum()

    return f


@pytest.mark.parametrize(
    "f",
    [*map(refusing, [TypeError, RuntimeError, NotImplementedError]), lambda x: math.pow(x[0], 2)],
)
def test_check_gradient_needs_no_complex_numbers(f):
    report = lab.check_gradient(f, [3.0], [1.5])
    assert report
    assert "finite difference" in str(report)


def test_check_gradient_says_where_a_gradient_is_wrong():
    x = np.random.default_rng(4).normal(size=(2, 3))
    wrong = lab.softmax(x, None)
    wrong[1, 2] *= 1.001
    report = lab.check_gradient(loss, wrong, x)
    assert not report
    assert str(report) == (
        f"wrong: at index (1, 2) the gradient is {wrong[1, 2]:.10}, but the complex step gives "
        f"{wrong[1, 2] / 1.001:.10}"
    )
    assert not lab.check_gradient(loss, np.full((2, 3), np.nan), x)
    hidden = wrong.copy()
    hidden[0, 1] = np.nan
    assert "(0, 1) the gradient is nan" in str(lab.check_gradient(loss, hidden, x))
    report = lab.check_gradient(loss, np.zeros(6), x)
    assert report.ok is False
    assert str(report) == "wrong: the gradient has shape (6,), but x has (2, 3)"
    np.testing.assert_allclose(report.expected, lab.softmax(x, None))
    np.testing.assert_array_equal(report.found, np.zeros(6))
    with pytest.raises(ValueError, match="one number"):
        lab.check_gradient(lambda x: x, x, x)


def test_a_gradient_is_held_to_its_own_size():
    """And what is as small as rounding, to 1e-9."""
    small = [1e-4, 1e-4]
    assert lab.check_gradient(lambda x: 1e-4 * x.sum(), small, [1.0, 2.0], rtol=0)
    for factor, right in ((1.01, False), (1 + 1e-7, True)):
        found = np.multiply(small, factor)
        assert bool(lab.check_gradient(lambda x: 1e-4 * x.sum(), found, [1.0, 2.0])) == right
    assert lab.check_gradient(lambda x: 0.0 * x.sum(), [0.0, 0.0], [1.0, 2.0])
    nothing = lab.check_gradient(lambda x: 0.0, np.zeros(0), np.zeros(0))
    assert str(nothing) == "right: it agrees with the complex step to 0.0e+00"


def test_what_passes_by_its_smallness_alone_is_told():
    """Such a gradient may as well be wrong."""
    wrong = lab.check_gradient(lambda x: 1e-10 * x.sum(), [3e-10, 3e-10], [1.0, 2.0])
    right = lab.check_gradient(lambda x: 1e-10 * x.sum(), [1e-10, 1e-10], [1.0, 2.0])
    assert wrong
    assert str(wrong).endswith(" to 2.0e-10, and any error up to 1e-09 is taken for rounding")
    assert "rounding" not in str(right)


def test_check_gradient_says_nothing_of_floating_point_errors_of_its_own():
    def f(x):
        if np.iscomplexobj(x):
            return complex(0, np.inf)
        return np.inf if x[0] > 0 else -np.inf

    with np.errstate(all="raise"):
        for x in (0.0, np.finfo(float).max):
            assert not lab.check_gradient(f, [np.inf], [x])


def test_warnings_of_the_function_are_the_callers():
    def f(x):
        if np.iscomplexobj(x):
            warnings.warn("complex", UserWarning, stacklevel=1)
        return (x**2).sum()

    with pytest.warns(UserWarning, match="complex"):
        assert lab.check_gradient(f, [2.0], [1.0])


def test_check_gradient_does_not_trust_a_function_that_drops_the_imaginary_part():
    x = np.array([1.0, -2.0])
    for size in (1.0, 1e-6):
        assert lab.check_gradient(lambda x, k=size: np.abs(k * x).sum(), size * np.sign(x), x)


@pytest.mark.parametrize("row", [[np.nan], [-np.inf], [np.nan, 0.0], [-np.inf, -np.inf]])
def test_a_row_without_a_softmax_has_no_jacobian(row):
    assert np.isnan(lab.softmax_jacobian(row)).all()


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.longdouble])
def test_the_jacobian_has_the_dtype_of_the_logits(dtype):
    assert lab.softmax_jacobian(np.zeros(3, dtype)).dtype == dtype


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("gap", [-1.0, -12.0, -20.0, -40.0, -80.0])
def test_vjps_do_not_lose_a_confident_rows_digits(dtype, gap):
    row = np.array([0.0, gap], dtype)
    for v in np.array([[1.0, 2.0], [1.0, 0.0]], dtype):
        for name in ("softmax_vjp", "log_softmax_vjp"):
            found, exact = getattr(lab, name)(row, v), getattr(reference, name)(row, v)
            assert reference.max_ulp(found, exact) <= 4, f"{name} loses digits"


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("function", [lab.softmax_vjp, lab.log_softmax_vjp])
def test_the_rows_of_a_batch_are_apart(function, dtype):
    x, v = np.random.default_rng(0).normal(size=(2, 5, 3)).astype(dtype)
    rows = [function(*pair) for pair in zip(x, v, strict=True)]
    np.testing.assert_allclose(function(x, v), rows, rtol=10 * np.finfo(dtype).eps)


def test_a_sum_that_cancels_is_taken_in_float64():
    x, v = np.zeros(3, np.float32), np.array([1e8, 1, -1e8], np.float32)
    assert lab.log_softmax_vjp(x, v)[1] == np.float32(2 / 3)
    x, v = np.array([60, 0, 0, 0], np.float32), np.array([0, *v], np.float32)
    assert lab.log_softmax_vjp(x, v)[0] == -1, "of a confident row too"


def test_a_long_double_keeps_its_digits():
    x, v = np.array([40, 0], np.longdouble), np.array([1, 0], np.longdouble)
    factor = 1 + np.longdouble(2) ** -56
    for function in (lab.softmax_vjp, lab.log_softmax_vjp):
        found, expected = function(x, v * factor), function(x, v) * factor
        np.testing.assert_allclose(found, expected, rtol=1e-18)


def test_a_jacobian_of_float16_is_rounded_once():
    x = np.zeros(3000, np.float16)
    expected = lab.softmax_jacobian(x.astype(np.float64)).astype(np.float16)
    np.testing.assert_array_equal(lab.softmax_jacobian(x), expected)
