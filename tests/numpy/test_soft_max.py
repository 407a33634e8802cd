"""Gumbel noise and the estimators of a gradient through a choice: laws, bias and variance."""

import numpy as np
import pytest
from scipy import stats

import softmax_lab as lab
from benchmarks import arsm_toy
from softmax_lab.numpy.estimators import swapped_argmins


def rng(seed=0):
    return np.random.default_rng(seed)


def test_hardmax_gives_the_first_winner_everything():
    np.testing.assert_array_equal(lab.hardmax([[1, 3, 3], [2, 0, 1]]), [[0, 1, 0], [1, 0, 0]])
    x = rng().normal(size=(3, 4, 5)).astype(np.float32)
    for axis in (0, 1, -1):
        y = lab.hardmax(x, axis)
        assert y.dtype == np.float32
        np.testing.assert_array_equal(y.argmax(axis=axis), x.argmax(axis=axis))
        np.testing.assert_array_equal(y.sum(axis=axis), 1)


def test_hardmax_of_a_row_with_nan_is_nan():
    np.testing.assert_array_equal(lab.hardmax([[np.nan, 1], [2, 1]]), [[np.nan] * 2, [1, 0]])


@pytest.mark.parametrize("x", [1.0, np.float32(3), np.nan])
def test_one_number_is_a_row_of_one_class(x):
    hard = lab.hardmax(x)
    assert (hard.shape, hard.dtype) == ((), np.asarray(x).dtype)
    np.testing.assert_array_equal(hard, x * 0 + 1)
    np.testing.assert_array_equal(lab.gumbel_softmax(x, hard=True, rng=rng()), hard)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_gumbel_noise_has_its_law(dtype):
    noise = lab.gumbel_noise(20_000, rng=rng(), dtype=dtype)
    assert noise.dtype == dtype
    assert np.isfinite(noise).all()
    p = stats.kstest(noise.astype(float), stats.gumbel_r.cdf).pvalue
    assert p > 0.01, f"this is not the Gumbel distribution (p = {p:.2g})"


def test_gumbel_noise_is_finite_when_the_exponential_is_zero():
    class Zero(np.random.Generator):
        def standard_exponential(self, shape, dtype):
            return np.zeros(shape, dtype)

    for dtype in (np.float32, np.float64):
        noise = lab.gumbel_noise(3, rng=Zero(np.random.PCG64()), dtype=dtype)
        assert np.isfinite(noise).all()


def test_noise_is_drawn_in_the_precision_asked_for():
    noise = lab.gumbel_noise(9, rng=rng(), dtype=np.longdouble)
    assert noise.dtype == np.longdouble
    np.testing.assert_array_equal(noise, lab.gumbel_noise(9, rng=rng()))
    with pytest.raises(TypeError, match="dtype must be floating, but it is int64"):
        lab.gumbel_noise(9, rng=rng(), dtype=np.int64)
    assert lab.gumbel_noise((2, 0)).shape == (2, 0)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.longdouble])
def test_noise_is_the_logarithm_of_an_exponential_of_its_precision(dtype):
    drawn = np.float32 if dtype in (np.float16, np.float32) else np.float64
    expected = -np.log(rng(1).standard_exponential(100_000, drawn))
    with np.errstate(all="raise"):
        noise = lab.gumbel_noise(100_000, rng=rng(1), dtype=dtype)
    np.testing.assert_array_equal(noise, expected.astype(dtype))


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.longdouble])
@pytest.mark.parametrize("axis", [0, 1])
def test_a_relaxed_draw_is_the_softmax_of_logits_with_noise(dtype, axis):
    x = (np.arange(12).reshape(3, 4) / dtype(7)).astype(dtype)
    noise = lab.gumbel_noise(x.shape, rng=rng(1), dtype=np.result_type(dtype, np.float32))
    wide = lab.log_softmax(x.astype(np.result_type(dtype, np.float64)), axis) + noise
    soft = lab.gumbel_softmax(x, axis=axis, rng=rng(1))
    expected = lab.softmax(wide, axis)
    np.testing.assert_allclose(soft, expected.astype(dtype), rtol=4 * np.finfo(expected.dtype).eps)
    np.testing.assert_array_equal(lab.gumbel_softmax(x, 1.0, False, axis, rng=rng(1)), soft)
    hard = lab.gumbel_softmax(x, hard=True, axis=axis, rng=rng(1))
    np.testing.assert_array_equal(hard, lab.hardmax(soft, axis))


def test_the_coldest_of_many_draws_is_hard():
    x = np.zeros((50, 5))
    cold, hard = (lab.gumbel_softmax(x, 1e-310, hard=each, rng=rng(3)) for each in (False, True))
    np.testing.assert_array_equal(cold, hard)


def test_rows_of_any_offset_are_drawn_alike():
    x = np.repeat([[0.0], [1e300], [-1e300]], 5, axis=1)
    for hard in (False, True):
        found = lab.gumbel_softmax(x, hard=hard, rng=rng(2))
        np.testing.assert_array_equal(found, lab.gumbel_softmax(0 * x, hard=hard, rng=rng(2)))


def test_gumbel_max_draws_with_the_probabilities_of_softmax():
    x = np.array([0.0, 1.0, 2.0, -1.0, -np.inf])
    draws = lab.gumbel_max(np.tile(x, (50_000, 1)), rng=rng(1))
    found = np.bincount(draws, minlength=5)
    assert found[4] == 0
    p = stats.chisquare(found[:4], lab.softmax(x)[:4] * len(draws)).pvalue
    assert p > 0.01, f"the frequencies are not softmax (p = {p:.2g})"


def test_gumbel_max_along_an_axis():
    x = np.where(np.eye(3)[:, :, None], 1000.0, np.zeros((3, 3, 4)))
    np.testing.assert_array_equal(lab.gumbel_max(x, 1, rng=rng()), np.tile([[0], [1], [2]], 4))


@pytest.mark.parametrize("bad", [[np.nan, 1.0], [-np.inf, -np.inf]])
def test_gumbel_max_refuses_a_row_with_nothing_to_draw(bad):
    says = (
        r"^logits must have a class to draw in each row: no nan, not all -inf, one \+inf at most$"
    )
    with pytest.raises(ValueError, match=says):
        lab.gumbel_max([bad, [0.0, 0.0]], rng=rng())
    with pytest.raises(ValueError, match=says):
        lab.gumbel_max(np.zeros((2, 0, 3)), 1, rng=rng())
    assert lab.gumbel_max(np.zeros((0, 2)), 1, rng=rng()).shape == (0,)
    assert lab.gumbel_max(np.zeros((2, 3, 0)), 1, rng=rng()).shape == (2, 0)


def test_gumbel_softmax_sums_to_one_and_hard_is_its_winner():
    x = rng().normal(size=(6, 5)).astype(np.float32)
    soft = lab.gumbel_softmax(x, 0.7, rng=rng(3))
    hard = lab.gumbel_softmax(x, 0.7, hard=True, rng=rng(3))
    assert soft.dtype == hard.dtype == np.float32
    np.testing.assert_allclose(soft.sum(axis=1), 1, rtol=1e-6)
    np.testing.assert_array_equal(hard, lab.hardmax(soft))


def test_the_winner_of_gumbel_softmax_has_the_probabilities_of_softmax():
    x = np.array([0.0, 1.0, 2.0])
    y = lab.gumbel_softmax(np.tile(x, (30_000, 1)), 0.5, rng=rng(4))
    found = np.bincount(y.argmax(axis=1))
    assert stats.chisquare(found, lab.softmax(x) * len(y)).pvalue > 0.01


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_a_low_temperature_does_not_overflow(dtype):
    x = np.array([70, 80, 75], dtype)
    y = lab.gumbel_softmax(x, 1e-45, rng=rng())
    assert y.dtype == dtype
    np.testing.assert_array_equal(y, [0, 1, 0])


@pytest.mark.parametrize("tau", [0, -1.0, np.nan])
def test_a_temperature_must_be_positive(tau):
    with pytest.raises(ValueError, match=f"{tau}"):
        lab.gumbel_softmax([0.0, 1.0], tau, rng=rng())


@pytest.mark.parametrize("size", [1, 2, 3, 4, 9])
def test_swapped_argmins_are_those_of_every_swap(size):
    for seed in range(20):
        logits = rng(seed).normal(size=size)
        log_pi = np.log(rng(seed + 99).dirichlet(np.ones(size)))
        found = swapped_argmins(log_pi, logits)
        for m in range(size):
            for j in range(size):
                swapped = log_pi.copy()
                swapped[[m, j]] = swapped[[j, m]]
                assert found[m, j] == np.argmin(swapped - logits)


@pytest.mark.parametrize("size", [1, 2, 5])
def test_one_draw_gives_the_estimate_that_is_defined(size):
    logits, values = rng(1).normal(size=size), rng(2).normal(size=size)
    for seed in range(5):
        log_p = lab.log_softmax(logits)
        z = lab.gumbel_max(log_p, rng=seed)
        expected = values[z] * (np.eye(size)[z] - np.exp(log_p))
        found = lab.reinforce_gradient(lambda z: values[z], logits, rng=seed)
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-15)
        log_pi = lab.log_softmax(-lab.gumbel_noise(size, rng=seed))
        rewards = values[swapped_argmins(log_pi, logits)]
        expected = [
            ((f - rewards.mean(axis=0)) * (1 / size - np.exp(log_pi))).sum() for f in rewards
        ]
        found = lab.arsm_gradient(lambda z: values[z], logits, rng=seed)
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("estimator", [lab.reinforce_gradient, lab.arsm_gradient])
@pytest.mark.parametrize("size", [2, 4])
def test_the_estimators_are_unbiased(estimator, size):
    source, logits = rng(5), rng(6).normal(size=size)
    values = rng(7).normal(size=size)
    samples = np.array([estimator(lambda z: values[z], logits, rng=source) for _ in range(2000)])
    error = samples.mean(axis=0) - lab.softmax_vjp(logits, values)
    limit = 4 * samples.std(axis=0) / np.sqrt(len(samples))
    assert (np.abs(error) <= limit).all(), f"the bias is {error}, with 4 standard errors {limit}"


def test_variances_are_the_published_ones():
    arsm, bias = arsm_toy.variance(lab.arsm_gradient, draws=500)
    assert 8e-8 < arsm < 1.2e-7
    assert bias < 4
    reinforce, _ = arsm_toy.variance(lab.reinforce_gradient, draws=500)
    assert 8e-3 < reinforce < 9.5e-3
    relaxed, _ = arsm_toy.variance(arsm_toy.gumbel_softmax_gradient, draws=500)
    assert 3e-6 < relaxed < 6e-6


def test_arsm_solves_the_published_toy():
    p = lab.softmax(arsm_toy.climb(lab.arsm_gradient, seed=0))
    assert 0.5326 <= p @ arsm_toy.REWARDS <= 0.5328
    assert p[-1] > 0.9


@pytest.mark.parametrize("estimator", [lab.reinforce_gradient, lab.arsm_gradient])
def test_bad_arguments_of_the_estimators(estimator):
    with pytest.raises(ValueError, match=r"\(2, 2\)"):
        estimator(lambda z: z, np.zeros((2, 2)), rng=rng())
    with pytest.raises(ValueError, match="one reward for each"):
        estimator(lambda z: 1.0, np.zeros(3), rng=rng())
    with pytest.raises(TypeError, match="f's rewards must hold real numbers"):
        estimator(lambda z: 1j * z, np.zeros(3), rng=rng())
    with pytest.raises(ValueError, match=r"^logits must be one row of classes, .* is \(0,\)$"):
        estimator(lambda z: z, np.zeros(0), rng=rng())
    for bad in ([np.nan, 1.0], [-np.inf, -np.inf]):
        with pytest.raises(ValueError, match="class to draw"):
            estimator(lambda z: z, bad, rng=rng())


@pytest.mark.parametrize("estimator", [lab.reinforce_gradient, lab.arsm_gradient])
def test_tiny_rewards_underflow_in_silence(estimator):
    with np.errstate(all="raise"):
        estimator(lambda z: np.finfo(float).tiny * z, np.arange(3.0), rng=rng())


@pytest.mark.parametrize("estimator", [lab.reinforce_gradient, lab.arsm_gradient])
def test_one_class_leaves_no_choice(estimator):
    np.testing.assert_array_equal(estimator(lambda z: z + 1.0, [3.0], rng=rng()), [0.0])


def test_the_same_seed_gives_the_same_draws():
    for draw in (
        lambda r: lab.gumbel_noise((2, 3), rng=r),
        lambda r: lab.gumbel_max(np.zeros((5, 9)), rng=r),
        lambda r: lab.arsm_gradient(lambda z: z / 3, np.zeros(4), rng=r),
    ):
        np.testing.assert_array_equal(draw(rng(8)), draw(rng(8)))


@pytest.mark.parametrize("estimator", [lab.reinforce_gradient, lab.arsm_gradient])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.longdouble])
def test_an_estimate_has_the_dtype_of_the_logits(estimator, dtype):
    for logits in (np.arange(3).astype(dtype), np.zeros(1, dtype)):
        assert estimator(lambda z: z / 3, logits, rng=rng()).dtype == dtype
    assert estimator(lambda z: z.astype(np.longdouble), [0, 1], rng=rng()).dtype == np.float64
