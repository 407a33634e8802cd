"""From probabilities to logits and back."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import softmax_lab as lab
from tests import reference

settings.register_profile("reproducible", derandomize=True, deadline=None, max_examples=60)
settings.load_profile("reproducible")
mp = reference.mp


@given(st.floats(-745, 745))
def test_sigmoid_is_the_softmax_of_x_and_zero(x):
    exact = 1 / (1 + mp.exp(-mp.mpf(x)))
    assert reference.max_ulp(lab.sigmoid(x), exact) <= 4
    np.testing.assert_allclose(lab.sigmoid(x), lab.softmax([x, 0.0])[0], rtol=1e-15, atol=1e-322)


@given(st.floats(1e-300, 1, exclude_max=True))
def test_logit_is_exact_to_a_few_ulp(p):
    exact = mp.log(mp.mpf(p)) - mp.log1p(-mp.mpf(p))
    assert reference.max_ulp(lab.logit(p), exact) <= 4


def test_the_ends():
    np.testing.assert_array_equal(lab.sigmoid([-np.inf, 0, np.inf]), [0, 0.5, 1])
    np.testing.assert_array_equal(lab.logit([0.0, 0.5, 1.0]), [-np.inf, 0, np.inf])
    assert np.isnan(lab.sigmoid(np.nan))
    assert np.isnan(lab.logit(np.nan))


@pytest.mark.parametrize("function", [lab.logit, lab.logits_from_probabilities])
@pytest.mark.parametrize("bad", [-0.1, 1.5, np.inf])
def test_what_is_no_probability_is_refused_by_name(function, bad):
    with pytest.raises(ValueError, match=f"{bad}"):
        function([0.5, bad])


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_the_dtype_is_kept(dtype):
    p = np.array([0.25, 0.75], dtype)
    for function in (lab.sigmoid, lab.logit, lab.logits_from_probabilities):
        assert function(p).dtype == dtype


@pytest.mark.parametrize("function", [lab.sigmoid, lab.logit, lab.logits_from_probabilities])
@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_narrow_floats_are_rounded_once(function, dtype):
    p = np.random.default_rng(0).uniform(size=500).astype(dtype)
    np.testing.assert_array_equal(function(p), function(p.astype(np.float64)).astype(dtype))


@given(hnp.arrays(float, (3, 5), elements=st.floats(-30, 30)))
def test_softmax_undoes_logits_from_probabilities(x):
    p = lab.softmax(x)
    logits = lab.logits_from_probabilities(p)
    np.testing.assert_allclose(lab.softmax(logits), p, rtol=1e-12)
    np.testing.assert_allclose(logits.mean(axis=-1), 0, atol=1e-13)
    np.testing.assert_allclose(logits, x - x.mean(axis=-1, keepdims=True), atol=1e-11)


@given(st.floats(1e-300, 1, exclude_max=True))
def test_a_long_double_keeps_its_digits(p):
    wide, eps = np.longdouble(p), float(np.finfo(np.longdouble).eps)
    exact = mp.log(mp.mpf(p)) - mp.log1p(-mp.mpf(p))
    for found, right in (
        (lab.logit(wide), exact),
        (lab.sigmoid(wide), 1 / (1 + mp.exp(-mp.mpf(p)))),
        (lab.logits_from_probabilities([wide, 1 - wide])[0] * 2, exact),
    ):
        assert found.dtype == np.longdouble
        high = float(found)
        error = abs(mp.mpf(high) + mp.mpf(float(found - high)) - right)
        assert error <= 4 * eps * max(abs(right), 1)


@pytest.mark.parametrize("axis", [-1, 0, None])
def test_one_probability_is_a_row_of_one_class(axis):
    logit = lab.logits_from_probabilities(0.5, axis)
    assert (logit.shape, logit) == ((), 0)
    with pytest.raises(np.exceptions.AxisError, match="axis 5"):
        lab.logits_from_probabilities(0.5, axis=5)


def test_a_probability_of_zero_takes_no_part_in_the_mean():
    np.testing.assert_allclose(lab.logits_from_probabilities([0.5, 0.5, 0.0]), [0, 0, -np.inf])
    columns = lab.logits_from_probabilities([[0.5, 0.2], [0.5, 0.8]], axis=0)
    np.testing.assert_allclose(columns.sum(axis=0), 0, atol=1e-15)
