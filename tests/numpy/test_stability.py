"""The policy of special values, and what is true of softmax whatever the input."""

import itertools
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import softmax_lab as lab

settings.register_profile("reproducible", derandomize=True, deadline=None, max_examples=60)
settings.load_profile("reproducible")

INF, NAN = np.inf, np.nan
FUNCTIONS = [lab.softmax, lab.log_softmax, lab.logsumexp]
FLOATS = [np.float16, np.float32, np.float64, np.longdouble]


def same(found, expected):
    np.testing.assert_array_equal(np.asarray(found, dtype=float), np.asarray(expected, dtype=float))


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize(
    ("x", "p", "log_p", "total"),
    [
        ([NAN, 0, 0], [NAN] * 3, [NAN] * 3, NAN),
        ([0, -INF], [1, 0], [0, -INF], 0),
        ([-INF, -INF], [NAN, NAN], [NAN, NAN], -INF),
        ([-INF], [NAN], [NAN], -INF),
        ([INF, 0, -5], [1, 0, 0], [0, -INF, -INF], INF),
        ([INF], [1], [0], INF),
        ([INF, -INF], [1, 0], [0, -INF], INF),
        ([INF, 1, INF], [NAN] * 3, [NAN] * 3, INF),
        ([INF, NAN], [NAN] * 2, [NAN] * 2, NAN),
        ([], [], [], -INF),
        ([5.0], [1], [0], 5),
    ],
)
def test_special_values(x, p, log_p, total, dtype):
    x = np.array(x, dtype)
    for shape, axis in itertools.product([(1, -1), (-1, 1)], [True]):
        axis = shape.index(-1)
        block = x.reshape(shape) if x.size else np.empty((1, 0) if axis else (0, 1), dtype)
        same(lab.softmax(block, axis).ravel(), p)
        same(lab.log_softmax(block, axis).ravel(), log_p)
        same(lab.logsumexp(block, axis).ravel(), [total])


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("rows", [3, 500])
@pytest.mark.parametrize("bad", [NAN, INF, -INF, 1e4])
def test_a_special_row_leaves_the_others_untouched(function, rows, bad):
    x = np.random.default_rng(0).normal(size=(rows, 10)) * 30
    expected = function(x)
    x[1, 3] = bad
    found = function(x)
    others = np.arange(rows) != 1
    np.testing.assert_allclose(found[others], expected[others], rtol=1e-15)


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int32, np.uint32, np.int64, bool])
def test_integers_are_promoted_before_they_are_subtracted(dtype):
    x = np.array([100, 1, 0]).astype(dtype)
    assert lab.softmax(x).dtype == np.float64
    same(lab.softmax(x), lab.softmax(x.astype(float)))
    same(lab.softmax(np.array([-100, 100], np.int8)), lab.softmax([-100.0, 100.0]))


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("dtype", FLOATS)
def test_the_dtype_is_kept(function, dtype):
    assert function(np.zeros((2, 3), dtype)).dtype == dtype


def test_float16_is_rounded_once():
    x = np.random.default_rng(1).normal(size=(50, 40)).astype(np.float16) * np.float16(8)
    wide = x.astype(np.float64)
    same(lab.softmax(x), lab.softmax(wide).astype(np.float16))
    same(lab.log_softmax(x), lab.log_softmax(wide).astype(np.float16))
    long = np.full(300_000, -12, np.float16)  # longer than the scratch
    long[:200] = x.ravel()[:200]
    same(lab.softmax(long), lab.softmax(long.astype(np.float64)).astype(np.float16))


@pytest.mark.parametrize(
    "function", [*FUNCTIONS, lab.shifted_softmax, lab.sigmoid, lab.hardmax, lab.cross_entropy]
)
@pytest.mark.parametrize("bad", [np.zeros(2, complex), np.array([None, 1]), np.array(["a", "b"])])
def test_what_is_not_real_is_refused_by_dtype(function, bad):
    arguments = (bad, 0) if function is lab.cross_entropy else (bad,)
    with pytest.raises(TypeError, match=str(bad.dtype).replace("<", ".")):
        function(*arguments)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_layouts_that_are_not_plain_work(function):
    x = np.random.default_rng(2).normal(size=(4, 6, 5))
    expected = function(x, 1)
    same(function(x.astype(">f8"), 1), expected)
    same(function(x, -2), expected)
    for view in (np.asfortranarray(x), np.repeat(x, 2, axis=2)[:, :, ::2], x[::-1][::-1]):
        np.testing.assert_allclose(function(view, 1), expected, rtol=1e-14)
    assert function(3.0).shape == ()


@pytest.mark.parametrize("axis", [(0, 1), (1, 2), (0, 2), (2, 0), (-1, 0), None, (0, 1, 2)])
def test_tuple_axes_are_one_axis(axis):
    x = np.random.default_rng(3).normal(size=(3, 4, 5))
    e = np.exp(x)
    total = e.sum(axis=axis, keepdims=True)
    np.testing.assert_allclose(lab.softmax(x, axis), e / total, rtol=1e-13)
    np.testing.assert_allclose(lab.log_softmax(x, axis), np.log(e / total), rtol=1e-13, atol=1e-15)
    np.testing.assert_allclose(lab.logsumexp(x, axis, keepdims=True), np.log(total), rtol=1e-13)
    np.testing.assert_allclose(lab.logsumexp(x, axis), np.log(e.sum(axis=axis)), rtol=1e-13)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_wrong_axes_are_refused(function):
    with pytest.raises(np.exceptions.AxisError, match="axis 2"):
        function(np.zeros((2, 3)), 2)
    with pytest.raises(ValueError, match="twice"):
        function(np.zeros((2, 3)), (1, -1))
    with pytest.raises(ValueError, match="names no axis"):
        function(np.zeros((2, 3)), ())


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("axis", [0.5, [0, 1], (0, 1.0), "0"])
def test_an_axis_is_an_integer(function, axis):
    wrong = axis[1] if isinstance(axis, tuple) else axis
    with pytest.raises(TypeError, match=re.escape(f"axis must be an integer, but it is {wrong!r}")):
        function(np.zeros((2, 3)), axis)
    same(function(np.zeros((2, 3)), np.int8(1)), function(np.zeros((2, 3)), 1))


def test_masking_a_whole_row():
    x, where = np.zeros((2, 3)), [[True, True, False], [False, False, False]]
    same(lab.softmax(x, where=where), [[0.5, 0.5, 0], [0, 0, 0]])
    same(lab.log_softmax(x, where=where)[1], [-INF] * 3)
    same(lab.logsumexp(x, where=where)[1], -INF)


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("shape", [(2,), (1, 2, 3)])
def test_a_mask_that_does_not_fit_is_named(function, shape):
    with pytest.raises(ValueError, match=re.escape(f"where has shape {shape}; it must broadcast")):
        function(np.zeros((2, 3)), where=np.ones(shape, bool))


@given(
    hnp.arrays(float, (3, 7), elements=st.floats(-50, 50)), hnp.arrays(bool, (3, 7)), st.booleans()
)
def test_where_agrees_with_dropping_the_entries(x, where, poison):
    masked = np.where(where, x, NAN) if poison else x
    for p, log_p, total, row, keep in zip(
        lab.softmax(masked, where=where),
        lab.log_softmax(masked, where=where),
        lab.logsumexp(masked, where=where),
        x,
        where,
        strict=True,
    ):
        np.testing.assert_allclose(p[keep], lab.softmax(row[keep]), rtol=1e-14)
        np.testing.assert_allclose(log_p[keep], lab.log_softmax(row[keep]), rtol=1e-14)
        np.testing.assert_allclose(total, lab.logsumexp(row[keep]), rtol=1e-13, atol=1e-15)
        assert (p[~keep] == 0).all(), "a masked class must have probability 0"
        assert (log_p[~keep] == -INF).all(), "a masked class must have log-probability -inf"


@pytest.mark.parametrize("function", [lab.softmax, lab.log_softmax])
@pytest.mark.parametrize("shape", [(5, 6), (3000, 4), (2, 300_000)])
@pytest.mark.parametrize("special", [0.0, 1e4, INF])
def test_out_may_be_the_input(function, shape, special):
    x = np.random.default_rng(4).normal(size=shape)
    x[0, 1] += special
    for axis in (0, 1):
        expected, given_out = function(x, axis), x.copy()
        assert function(given_out, axis, out=given_out) is given_out
        np.testing.assert_array_equal(given_out, expected)


@pytest.mark.parametrize("function", [lab.softmax, lab.log_softmax])
def test_out_may_overlap_the_input_or_be_strided(function):
    x = np.random.default_rng(5).normal(size=(9, 6))
    expected = function(x[:-1])
    memory = x.copy()
    function(memory[:-1], out=memory[1:])
    same(memory[1:], expected)
    wide = np.zeros((8, 12))
    function(x[:-1], out=wide[:, ::2])
    same(wide[:, ::2], expected)
    assert (wide[:, 1::2] == 0).all()


@pytest.mark.parametrize("function", [lab.softmax, lab.log_softmax])
@pytest.mark.parametrize("axis", [0, 1, 2, (0, 1), (0, 2), (1, 2), None])
@pytest.mark.parametrize("order", ["C", "F"])
def test_out_takes_the_result_along_any_axes_and_behind_a_mask(function, axis, order):
    x = np.random.default_rng(6).normal(size=(3, 4, 5))
    out = np.zeros(x.shape, order=order)
    assert function(x, axis, out=out) is out
    same(out, function(x, axis))
    part = np.zeros((3, 8, 5), order=order)[:, ::2]
    assert function(x, axis, out=part) is part
    same(part, function(x, axis))
    assert function(x, axis, where=x > 9, out=out) is out
    same(out, np.full(x.shape, 0.0 if function is lab.softmax else -INF))


def test_logsumexp_near_0_keeps_its_digits():
    for dtype, bar in ((np.float32, 3e-7), (np.float64, 1e-15)):
        x = np.array([[0.0, -30.0], [1.0, 2.0]], dtype)
        np.testing.assert_allclose(lab.logsumexp(x)[0], np.log1p(np.exp(-30.0)), rtol=bar)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_out_is_checked(function):
    x = np.zeros((2, 3))
    with pytest.raises(ValueError, match=r"\(5,\)"):
        function(x, out=np.zeros(5))
    with pytest.raises(TypeError, match=r"out .* \[0, 0\]"):
        function(x, out=[0, 0])
    shape = (2,) if function is lab.logsumexp else (2, 3)
    with pytest.raises(TypeError, match="cast"):
        function(x, out=np.zeros(shape, int))
    same(function(x, out=np.zeros(shape, np.float32)), function(x).astype(np.float32))


finite = hnp.arrays(
    st.sampled_from([np.float16, np.float32, np.float64]),
    hnp.array_shapes(min_dims=1, max_dims=3, max_side=8),
    elements=st.floats(-1000, 1000, width=16),
)


@given(finite, st.data())
def test_what_is_true_of_every_finite_row(x, data):
    axis = data.draw(st.integers(-x.ndim, x.ndim - 1))
    original = x.copy()
    p, log_p, total = (f(x, axis) for f in FUNCTIONS)
    np.testing.assert_array_equal(x, original, err_msg="the input was changed")
    eps = float(np.finfo(x.dtype).eps)
    assert np.isfinite(p).all()
    assert not np.isnan(log_p).any()
    assert np.isfinite(total).all()
    assert ((p >= 0) & (p <= 1)).all()
    assert (log_p <= 0).all()
    np.testing.assert_allclose(p.astype(float).sum(axis=axis), 1, rtol=x.shape[axis] * eps)
    np.testing.assert_allclose(np.exp(log_p, dtype=float), p, rtol=20 * eps, atol=1e-7)
    # the order of the logits is the order of the probabilities
    order = np.argsort(x, axis=axis, kind="stable")
    assert (np.diff(np.take_along_axis(p, order, axis), axis=axis) >= 0).all()


@given(hnp.arrays(float, (4, 6), elements=st.floats(-20, 20)), st.permutations(range(6)))
def test_permuting_the_classes_permutes_the_answer(x, order):
    np.testing.assert_allclose(lab.softmax(x[:, order]), lab.softmax(x)[:, order], rtol=1e-15)


@given(hnp.arrays(np.int16, (3, 6)), st.integers(-(10**6), 10**6))
def test_shifting_the_logits_changes_nothing(x, shift):
    x = x / 1024  # so that adding the integer is exact
    np.testing.assert_allclose(lab.softmax(x + shift), lab.softmax(x), rtol=1e-15, atol=5e-324)
    np.testing.assert_allclose(lab.log_softmax(x + shift), lab.log_softmax(x), rtol=1e-15)
    np.testing.assert_allclose(lab.logsumexp(x + shift), lab.logsumexp(x) + shift, rtol=1e-14)


def test_threads_and_one_thread_agree(monkeypatch):
    x = np.random.default_rng(6).normal(size=(70, 40_000))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    alone = [function(x) for function in FUNCTIONS]
    monkeypatch.setattr("softmax_lab.numpy._blocks.thread_count", lambda: 4)
    for function, expected in zip(FUNCTIONS, alone, strict=True):
        same(function(x), expected)


def test_shifted_softmax_is_the_textbook_formula():
    x = np.array([[1000.0, 1001.0], [0.0, -3.0]])
    np.testing.assert_allclose(lab.shifted_softmax(x), lab.softmax(x), rtol=1e-13)
    same(lab.shifted_softmax([[-INF, -INF], [0, -INF]]), [[NAN, NAN], [1, 0]])
    same(lab.shifted_softmax([1e308, -1e308]), [1, 0])
    assert lab.shifted_softmax(np.zeros((2, 0))).shape == (2, 0)
    assert lab.shifted_softmax(np.zeros(3, np.int8)).dtype == np.float64
    assert lab.shifted_softmax(np.zeros(3, np.float32)).dtype == np.float32
    assert lab.shifted_softmax(5.0).shape == ()


@pytest.mark.skipif(np.finfo(np.longdouble).nmant < 60, reason="long double is double here")
@pytest.mark.parametrize("n", [2, 40])
def test_a_confident_winner_in_long_double_keeps_its_digits(n):
    x = np.full(n, -60, np.longdouble)
    x[1] = 1 + np.longdouble(2) ** -60  # float64 would round it to 1
    right = -(n - 1) * np.exp(-61 - np.longdouble(2) ** -60)
    np.testing.assert_allclose(lab.log_softmax(x)[1], right, rtol=1e-17)


def test_logsumexp_of_long_doubles_keeps_their_digits():
    x = np.longdouble(1) / 3
    for n in (2, 40):
        found = lab.logsumexp(np.full((3, n), x))
        np.testing.assert_allclose(found, x + np.log(np.longdouble(n)), rtol=2e-19)
