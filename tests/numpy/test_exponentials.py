"""The exponentials of a row and their sums, piece by piece, against exact arithmetic."""

import math
from fractions import Fraction

import numpy as np
import pytest

from softmax_lab.numpy import _exponentials
from softmax_lab.numpy._blocks import of_class
from softmax_lab.numpy._exponentials import Exponentials
from tests import reference

mp = reference.mp
LONG = np.finfo(np.longdouble).nmant > 60  # not everywhere is it longer than float64


def test_a_difference_and_its_rounding_error_are_exact_together():
    x, y = np.random.default_rng(0).normal(size=(2, 500)) * [[1e3], [1.0]]
    for one, other in ((x, y), (y, x)):
        for a, b, t, error in zip(one, other, *_exponentials.two_diff(one, other), strict=True):
            assert Fraction(t) + Fraction(error) == Fraction(a) - Fraction(b)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_shifted_exponentials_have_the_digits_that_the_shift_rounds_off(dtype):
    x = (np.random.default_rng(1).normal(size=(2, 60, 1)) * 9).astype(dtype)
    x[:, 7, 0] = 500.1, 640.3  # so far away that x − c is rounded
    a = x.max(axis=1, keepdims=True).astype(float)
    found = _exponentials.weights(x, a, a, np.empty(x.shape))
    exact = [
        mp.exp(mp.mpf(float(value)) - mp.mpf(float(c)))
        for row, c in zip(x[..., 0], a.ravel(), strict=True)
        for value in row
    ]
    error = max(abs(mp.mpf(w) / right - 1) for w, right in zip(found.ravel(), exact, strict=True))
    bar = 3e-16 if dtype == np.float64 else 2e-13
    assert error < bar, f"off by a share of {float(error):.2g}"


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_exponentials_without_a_shift_are_float64(dtype):
    x = np.random.default_rng(2).normal(size=(2, 60, 1)).astype(dtype)
    found = _exponentials.weights(x, None, None, np.empty(x.shape))
    np.testing.assert_allclose(found, np.exp(x.astype(float)), rtol=3e-16)


@pytest.mark.parametrize("shape", [(20, 17, 1), (5, 3000, 1), (3, 100, 5)])
@pytest.mark.parametrize("spread", [0.1, 9.0])
def test_a_sum_is_rounded_once(shape, spread):
    w = np.exp(np.random.default_rng(3).normal(size=shape) * spread)
    found = _exponentials.exact_sum(w, w.max(axis=1, keepdims=True))
    exact = np.apply_along_axis(math.fsum, 1, w)[:, None]
    np.testing.assert_array_equal(found, exact)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("rows", [1, 255, 256, 3000])
@pytest.mark.parametrize("n", [1, 10, 32])
def test_a_sum_of_few_is_rounded_once(rows, n, dtype):
    x = np.random.default_rng(6).exponential(3.0, size=(rows, n, 1)).astype(dtype)
    w = np.empty(x.shape)
    found = _exponentials.sum_of_few(x, w)
    assert found.shape == (rows, 1, 1)
    np.testing.assert_allclose(w, np.exp(x.astype(float)), rtol=3e-16)
    exact = np.apply_along_axis(math.fsum, 1, w)[:, None]
    off = 1 if dtype == np.float64 and LONG else 5  # or with digits to spare
    assert (abs(found - exact) <= off * np.spacing(exact)).all()


@pytest.mark.parametrize("logit", [-3.0, 600.0, -np.inf, np.inf, np.nan])
@pytest.mark.parametrize(("rows", "at"), [(2, 1), (300, 0), (300, 17), (3000, 2999)])
def test_one_row_that_must_be_shifted_tells_among_others(rows, at, logit):
    x = np.ones((rows, 5, 1))
    assert _exponentials.sum_of_few(x, np.empty(x.shape)) is not None
    x[at] = logit
    assert _exponentials.sum_of_few(x, np.empty(x.shape)) is None


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_sum_of_the_others_loses_no_digit_to_the_class_left_out(dtype):
    x = np.random.default_rng(7).normal(size=(50, 12, 1)).astype(dtype)
    at_y = of_class(x.argmax(axis=1, keepdims=True))
    x[at_y] = 30.0 if dtype == np.float64 else 10.0
    w = np.exp(x.astype(float))
    w_y, others, total = Exponentials(x, np.empty(x.shape)).sum_without(at_y)
    np.testing.assert_allclose(w_y, w[at_y], rtol=3e-16)
    np.testing.assert_allclose(total, w.sum(axis=1, keepdims=True), rtol=1e-15)
    w[at_y] = 0.0
    exact = np.apply_along_axis(math.fsum, 1, w)[:, None]
    bar = np.spacing(exact) / 1.9 if dtype == np.float64 and LONG else exact / 1e9
    assert (abs(others - exact) <= bar).all()
    assert Exponentials(x - dtype(60), np.empty(x.shape)).sum_without(at_y) is None


@pytest.mark.parametrize("n", [1, 2, 3, 7, 64, 101])
@pytest.mark.parametrize("inner", [1, 5])
def test_the_largest_is_kept_out_of_the_sum_of_the_others(n, inner):
    w = np.exp(np.random.default_rng(4).normal(size=(20, n, inner)) * 9)
    given = w.copy()
    top, rest = _exponentials.split_sum(w)
    ordered = np.sort(given, axis=1)
    np.testing.assert_array_equal(top, ordered[:, -1:])
    others = np.apply_along_axis(math.fsum, 1, ordered[:, :-1])[:, None]
    assert rest.dtype == np.float64
    np.testing.assert_allclose(rest, others, rtol=2e-15)
    np.testing.assert_array_equal(w, given, err_msg="the terms were changed")


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("offset", [0.0, 600.0, -40.0])
@pytest.mark.parametrize("keeps", [False, True])
@pytest.mark.parametrize("shape", [(3, 1000, 1), (2, 1000, 3)])
def test_a_row_in_parts_is_the_row(dtype, offset, keeps, shape):
    x = (np.random.default_rng(5).normal(size=shape) * 3 + offset).astype(dtype)
    rounded = keeps and dtype == np.float32  # float32 keeps its exponentials in float32
    exact = 2e-15 if dtype == np.float64 else 1e-13  # in float64, float32 has digits to spare

    def in_parts(length):
        keep = np.empty_like(x) if keeps else None
        return Exponentials(x, np.empty((shape[0], length, shape[2])), keep)

    whole, summed, parts = map(in_parts, (1000, 128, 128))
    np.testing.assert_allclose(summed.sum(), whole.sum(), rtol=exact)
    for found, right in zip(parts.split(), whole.split(), strict=True):
        assert found.shape == right.shape == (shape[0], 1, shape[2])
        np.testing.assert_allclose(found, right, rtol=exact)
    for _ in range(2):  # the second time they are kept, or computed again
        w = np.concatenate([w.copy() for (w,) in parts.weights()], axis=1)
        (right,) = (w for (w,) in whole.weights())
        np.testing.assert_allclose(w, right, rtol=2e-7 if rounded else exact)


def test_exponentials_kept_in_float32_are_added_up_in_float64():
    x = np.full((1, 1000, 1), -30, np.float32)
    x[0, 700] = 0  # so confident that the others are added up by themselves
    top, rest = Exponentials(x, np.empty((1, 128, 1)), np.empty_like(x)).split()
    assert top.dtype == rest.dtype == np.float64
    assert top == 1
    np.testing.assert_allclose(rest, 999 * float(np.float32(np.exp(-30.0))), rtol=1e-12)


@np.errstate(invalid="ignore")  # as in `for_blocks`
@pytest.mark.parametrize("keeps", [False, True])
def test_an_infinite_entry_of_a_row_in_parts_has_all_the_weight(keeps):
    x = np.zeros((1, 1000, 1))
    x[0, 700] = np.inf
    e = Exponentials(x, np.empty((1, 128, 1)), np.empty_like(x) if keeps else None)
    assert e.sum() == 1
    w = np.concatenate([w.copy() for (w,) in e.weights()], axis=1)
    np.testing.assert_array_equal(w, x == np.inf)
