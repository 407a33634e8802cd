"""How arguments come in: one rule for axes, masks, dtypes, integers, seeds, in every function."""

import inspect
import re
import warnings
from fractions import Fraction

import numpy as np
import pytest
import torch
from scipy import stats

import softmax_lab as lab
from softmax_lab.numpy.check import check_gradient

INF = np.inf
X = np.random.default_rng(0).normal(size=(3, 4))
P = lab.softmax(X)
Y = np.array([0, 3, 1])

# Every function that takes an array, as a function of that array, beside one that it accepts.
# The parameter bears the name that an error calls the argument.
TAKERS = {
    "softmax": (lab.softmax, X),
    "log_softmax": (lab.log_softmax, X),
    "logsumexp": (lab.logsumexp, X),
    "shifted_softmax": (lab.shifted_softmax, X),
    "naive_softmax": (lab.naive_softmax, X),
    "hardmax": (lab.hardmax, X),
    "predict": (lab.predict, X),
    "sigmoid": (lab.sigmoid, X),
    "logit": (lab.logit, P),
    "logits_from_probabilities": (lab.logits_from_probabilities, P),
    "entropy": (lab.entropy, P),
    "kl_divergence p": (lambda p: lab.kl_divergence(p, P), P),
    "kl_divergence q": (lambda q: lab.kl_divergence(P, q), P),
    "kl_divergence from logits": (lambda p: lab.kl_divergence(p, X, from_logits=True), X),
    "kl_divergence to logits": (lambda q: lab.kl_divergence(X, q, from_logits=True), X),
    "softmax_jacobian": (lab.softmax_jacobian, X),
    "softmax_vjp x": (lambda x: lab.softmax_vjp(x, X), X),
    "softmax_vjp v": (lambda v: lab.softmax_vjp(X, v), X),
    "softmax_jvp v": (lambda v: lab.softmax_jvp(X, v), X),
    "log_softmax_vjp v": (lambda v: lab.log_softmax_vjp(X, v), X),
    "cross_entropy": (lambda logits: lab.cross_entropy(logits, Y), X),
    "cross_entropy target": (lambda target: lab.cross_entropy(X, target), P),
    "cross_entropy weight": (lambda weight: lab.cross_entropy(X, Y, weight=weight), P[0]),
    "cross_entropy_with_grad": (lambda logits: lab.cross_entropy_with_grad(logits, Y)[1], X),
    "nll_loss": (
        lambda log_probabilities: lab.nll_loss(log_probabilities, Y),
        lab.log_softmax(X),
    ),
    "linear x": (lambda x: lab.linear(x, X), X),
    "linear weight": (lambda weight: lab.linear(X, weight), X),
    "linear bias": (lambda bias: lab.linear(X, X, bias), P[0, :3]),
    "linear_cross_entropy x": (lambda x: lab.linear_cross_entropy(x, X, Y % 3), X),
    "linear_cross_entropy weight": (lambda weight: lab.linear_cross_entropy(X, weight, Y % 3), X),
    "linear_cross_entropy bias": (
        lambda bias: lab.linear_cross_entropy(X, X, Y % 3, bias),
        P[0, :3],
    ),
    "merge first": (lambda first: lab.merge((first, 1.0), (X, 1.0))[0], X),
    "merge second": (lambda second: lab.merge((X, 1.0), (X, second))[1], P),
    "gumbel_max": (lambda logits: lab.gumbel_max(logits, rng=0), X),
    "gumbel_softmax": (lambda logits: lab.gumbel_softmax(logits, rng=0), X),
    "reinforce_gradient": (
        lambda logits: lab.reinforce_gradient(lambda z: 0.5 * z, logits, rng=0),
        X[0],
    ),
    "arsm_gradient": (lambda logits: lab.arsm_gradient(lambda z: 0.5 * z, logits, rng=0), X[0]),
    "check_gradient": (
        lambda x: check_gradient(lambda x: (x**2).sum(), lambda x: 2 * x, x).expected,
        X,
    ),
    "check_gradient gradient": (
        lambda gradient: check_gradient(lambda x: (x**2).sum(), gradient, X).found,
        X,
    ),
}
# Two more that take integers.
TARGETS = {
    "cross_entropy": lambda y: lab.cross_entropy(X, y),
    "nll_loss": lambda y: lab.nll_loss(X, y),
    "one_hot": lambda y: lab.one_hot(y, 4),
}
takers = pytest.mark.parametrize(("function", "x"), TAKERS.values(), ids=TAKERS)
targets = pytest.mark.parametrize("function", TARGETS.values(), ids=TARGETS)
ONE_AXIS = {
    "hardmax": lab.hardmax,
    "predict": lab.predict,
    "softmax_jacobian": lab.softmax_jacobian,
    "gumbel_max": lambda x, axis: lab.gumbel_max(x, axis, rng=0),
    "gumbel_softmax": lambda x, axis: lab.gumbel_softmax(x, axis=axis, rng=0),
    "cross_entropy": lambda x, axis: lab.cross_entropy(x, Y, axis),
    "nll_loss": lambda x, axis: lab.nll_loss(x, Y, axis),
}
SEVERAL_AXES = {
    "softmax": lab.softmax,
    "log_softmax": lab.log_softmax,
    "logsumexp": lab.logsumexp,
    "shifted_softmax": lab.shifted_softmax,
    "naive_softmax": lab.naive_softmax,
    "logits_from_probabilities": lambda x, axis: lab.logits_from_probabilities(P, axis),
    "entropy": lambda x, axis: lab.entropy(P, axis),
    "kl_divergence": lambda x, axis: lab.kl_divergence(x, x, axis, from_logits=True),
    "softmax_vjp": lambda x, axis: lab.softmax_vjp(x, x, axis),
    "log_softmax_vjp": lambda x, axis: lab.log_softmax_vjp(x, x, axis),
}


def name_of(function):
    """Return the name of the first argument."""
    return next(iter(inspect.signature(function).parameters))


def close(found, expected):
    np.testing.assert_allclose(found, expected, rtol=1e-15, atol=1e-17)


def same(found, expected):
    np.testing.assert_array_equal(found, expected, strict=False)


@takers
@pytest.mark.parametrize(
    "bad",
    [
        [1j, 0.0],
        ["1.5", "2"],
        b"abc",
        [None, 1.0],
        [Fraction(1, 2), Fraction(1, 3)],
        np.array([2**70, 1], object),
        np.array(["2024-01-01"], "M8[D]"),
        np.array([1, 2], "m8[s]"),
        np.zeros(2, [("a", float)]),
        {1.0, 2.0},
        {"a": 1.0},
    ],
    ids=lambda bad: type(bad).__name__ + str(np.asarray(bad).dtype)[:8],
)
def test_what_holds_no_real_numbers_is_refused(function, x, bad):
    if np.ndim(bad):
        bad = np.resize(bad, x.shape)
    said = (
        rf"^{name_of(function)} must (hold .*but its dtype is|be one row .*\(T,\), but the shape)"
    )
    with pytest.raises((TypeError, ValueError), match=said):
        function(bad)


@takers
def test_a_ragged_list_is_refused_by_name(function, x):
    said = rf"^{name_of(function)} cannot be made an array: .*inhomogeneous"
    with pytest.raises(ValueError, match=said):
        function([[1.0, 2.0], [3.0]])


@takers
@pytest.mark.parametrize("nested", [False, True])
def test_no_mask_is_lost(function, x, nested):
    masked = np.ma.masked_array(x, mask=x == x.flat[0])
    if nested:
        masked = list(masked) if x.ndim > 1 else [np.ma.masked, *x[1:].tolist()]
    with pytest.raises(
        TypeError, match=rf"^{name_of(function)} has masked .*where=~mask to .* that takes it$"
    ):
        function(masked)
    same(function(np.ma.masked_array(x)), function(x))


@targets
def test_no_mask_of_a_target_is_lost(function):
    with pytest.raises(TypeError, match="target has masked entries"):
        function(np.ma.masked_array(Y, mask=[1, 0, 0]))


def test_no_mask_of_a_mask_or_an_output_is_lost():
    with pytest.raises(TypeError, match="where has masked entries"):
        lab.softmax(X, where=np.ma.masked_array(X > 0, mask=X > 1))
    says = r"^out must be a plain array, but it is a masked one: pass out\.data$"
    with pytest.raises(TypeError, match=says):
        lab.softmax(X, out=np.ma.masked_array(X.copy(), mask=X > 0))


@takers
def test_other_containers_give_the_same(function, x):
    expected = function(x)
    frozen = x.copy()
    frozen.flags.writeable = False
    for other in (x.tolist(), torch.from_numpy(x), memoryview(x), frozen, x.astype(">f8")):
        same(function(other), expected)
    if x.ndim == 2:
        with warnings.catch_warnings(action="ignore"):
            found = function(np.matrix(x))
        same(found, expected)
        assert not isinstance(found, np.matrix)


@takers
def test_a_long_double_is_taken(function, x):
    wide = x.astype(np.longdouble)
    np.testing.assert_allclose(function(wide), function(x), rtol=1e-13)
    same(function(wide.astype(wide.dtype.newbyteorder())), function(wide))


@pytest.mark.parametrize(
    "name",
    ["softmax", "log_softmax", "logsumexp", "shifted_softmax", "naive_softmax", "hardmax",
     "predict", "sigmoid", "logit", "logits_from_probabilities", "gumbel_max", "gumbel_softmax"],
)  # fmt: skip
def test_the_dtype_is_kept_and_one_number_gives_one_number(name):
    function, x = TAKERS[name]
    if name not in ("predict", "gumbel_max"):
        for dtype in (np.float16, np.float32, np.longdouble):
            assert function(x.astype(dtype)).dtype == dtype
            assert function(dtype(0.5)).dtype == dtype
        swapped = x.astype(np.dtype(np.float32).newbyteorder())
        assert function(swapped).dtype == np.float32, "in native order"
    for number in (1, 0.5, np.array(0.5), np.float32(0.5)):
        found = function(number)
        assert found.shape == ()
        assert not isinstance(found, np.ndarray), "a scalar, not an array without axes"


@pytest.mark.parametrize(("function", "axis"), [(f, -1) for f in ONE_AXIS.values()])
@pytest.mark.parametrize("wrong", [None, (0, 1)])
def test_one_axis_is_one_integer(function, axis, wrong):
    with pytest.raises(ValueError, match=re.escape(f"axis must be one integer, but it is {wrong}")):
        function(X, wrong)


@pytest.mark.parametrize(
    "function", [*ONE_AXIS.values(), *SEVERAL_AXES.values()], ids=[*ONE_AXIS, *SEVERAL_AXES]
)
@pytest.mark.parametrize("wrong", ["a", 1.0, [0], True, np.True_, torch.tensor(True)])
def test_an_axis_is_an_integer(function, wrong):
    with pytest.raises(TypeError, match=re.escape(f"axis must be an integer, but it is {wrong!r}")):
        function(X, wrong)


@pytest.mark.parametrize(
    "function", [*ONE_AXIS.values(), *SEVERAL_AXES.values()], ids=[*ONE_AXIS, *SEVERAL_AXES]
)
def test_an_axis_that_is_not_there_is_named(function):
    with pytest.raises(np.exceptions.AxisError, match="axis 7"):
        function(X, 7)


@pytest.mark.parametrize("x", [X, X[0], 0.5], ids=["rows", "a row", "a number"])
def test_axes_count_from_both_ends_and_not_beyond(x):
    ndim = max(np.ndim(x), 1)
    for i in range(-ndim, ndim):
        for axis in (i, np.int64(i), (i,)):
            same(lab.softmax(x, axis), lab.softmax(x, i % ndim))
            same(lab.softmax(x, axis).sum(axis=i if np.ndim(x) else None).round(12), 1)
    same(lab.softmax(x, tuple(range(-ndim, 0))), lab.softmax(x, None))
    for i in (ndim, -ndim - 1):
        for axis in (i, np.int64(i), (i,)):
            with pytest.raises(np.exceptions.AxisError, match=f"axis {i} .* dimension {ndim}"):
                lab.softmax(x, axis)
    with pytest.raises(ValueError, match=r"axis=\(0, 0\) names an axis twice"):
        lab.softmax(x, (0, 0))
    with pytest.raises(ValueError, match=r"axis=\(\) names no axis"):
        lab.softmax(x, ())


@pytest.mark.parametrize("shape", [(3, 0), (0, 3), (0, 0), (0,)])
def test_nothing_in_nothing_out(shape):
    x = np.empty(shape)
    for function in (lab.softmax, lab.log_softmax, lab.shifted_softmax, lab.naive_softmax,
                     lab.hardmax, lab.sigmoid, lab.logit, lab.logits_from_probabilities,
                     lambda x: lab.softmax_vjp(x, x), lambda x: lab.log_softmax_vjp(x, x),
                     lambda x: lab.gumbel_softmax(x, rng=0)):  # fmt: skip
        assert function(x).shape == shape
    n = shape[-1]
    assert lab.softmax_jacobian(x).shape == (*shape, n)
    same(lab.logsumexp(x), np.full(shape[:-1], -INF))
    same(lab.kl_divergence(x, x, from_logits=True), np.zeros(shape[:-1]))
    assert lab.linear(x, np.empty((5, n))).shape == (*shape[:-1], 5)
    for function in (lab.predict, lambda x: lab.gumbel_max(x, rng=0)):
        if n:
            assert function(x).shape == shape[:-1]
        else:
            with pytest.raises(ValueError, match="class to"):
                function(x)


def test_no_class_is_no_target():
    with pytest.raises(IndexError, match=r", which is no class: there are none$"):
        lab.cross_entropy(np.empty((2, 0)), [0, 0])
    with pytest.raises(ValueError, match=r"num_classes .* -1"):
        lab.one_hot([], -1)


@pytest.mark.parametrize("function", [lab.softmax, lab.log_softmax, lab.logsumexp])
@pytest.mark.parametrize("where", [[0.0, 0.0, -INF], [1, 0, 1], ["yes", "", "no"]])
def test_a_mask_holds_booleans(function, where):
    with pytest.raises(TypeError, match="where must hold booleans, but its dtype is"):
        function([1.0, 2.0, 3.0], where=where)


@pytest.mark.parametrize("function", [lab.softmax, lab.log_softmax, lab.logsumexp])
def test_an_empty_list_masks_no_class(function):
    same(function(np.zeros((3, 0)), where=[]), function(np.zeros((3, 0))))


@pytest.mark.parametrize("wrong", [None, 0.5, "0", True])
def test_ignore_index_is_an_integer(wrong):
    for loss in (lab.cross_entropy, lab.cross_entropy_with_grad, lab.nll_loss):
        with pytest.raises(
            TypeError, match=f"ignore_index must be an integer, but it is {wrong!r}"
        ):
            loss(X, Y, ignore_index=wrong)


@pytest.mark.parametrize("wrong", [None, "average", 1, np.array(["mean", "sum"])])
def test_reduction_is_one_of_three_words(wrong):
    with pytest.raises(ValueError, match="reduction must be 'mean', 'sum' or 'none'"):
        lab.cross_entropy(X, Y, reduction=wrong)


def test_numbers_are_numbers():
    with pytest.raises(TypeError, match="label_smoothing must be a real number, but it is 'a'"):
        lab.cross_entropy(X, Y, label_smoothing="a")
    for wrong in ("a", 1j, [1.0, 2.0], None):
        with pytest.raises(TypeError, match="tau must be a real number"):
            lab.gumbel_softmax(X, wrong, rng=0)
    with pytest.raises(TypeError, match="tau has masked entries"):
        lab.gumbel_softmax(X, np.ma.masked, rng=0)
    with pytest.raises(TypeError, match="shape must be an integer"):
        lab.gumbel_noise((2, 0.5), rng=0)
    with pytest.raises(ValueError, match="shape must not be negative"):
        lab.gumbel_noise(-1, rng=0)


def test_the_output_is_checked_before_anything_is_computed():
    frozen = np.zeros(3)
    frozen.flags.writeable = False
    with pytest.raises(ValueError, match=r"^out must be writeable, but it is read-only$"):
        lab.softmax([1.0, 2.0, 3.0], out=frozen)
    with pytest.raises(TypeError, match="out must be an array, but it is 'a'"):
        lab.softmax([1.0, 2.0, 3.0], out="a")
    with pytest.raises(ValueError, match=r"out has shape \(4,\); the result has \(3,\)"):
        lab.softmax([1.0, 2.0, 3.0], out=np.zeros(4))
    with pytest.raises(TypeError, match="out has dtype int64, to which float64 cannot be cast"):
        lab.softmax([1.0, 2.0, 3.0], out=np.zeros(3, np.int64))
    with warnings.catch_warnings(action="ignore"):
        matrix = np.matrix(np.zeros((3, 4)))
    assert lab.softmax(X, out=matrix) is matrix
    same(matrix, P)


@pytest.mark.parametrize("dtype", [np.int64, np.uint64])
@pytest.mark.parametrize("axis", [0, 1, None])
def test_huge_integers_are_subtracted_before_they_are_rounded(dtype, axis):
    small = np.array([[0, 1, 7], [2, 2, 2]])
    apart = {0: [[0, 2**61, 5]], 1: [[0], [2**61]], None: 0}[axis]  # each row has its own maximum
    x = (small + 2**62 + np.array(apart)).astype(dtype)
    for function in (lab.softmax, lab.log_softmax, lab.shifted_softmax):
        close(function(x, axis), function(small - small.max(axis=axis, keepdims=True) * 1.0, axis))
    for function in (lab.softmax, lab.log_softmax):
        close(function(x, axis, where=np.ones((2, 3), bool)), function(small, axis))
    close(lab.softmax_vjp(x, small, axis), lab.softmax_vjp(small, small, axis))
    for pair in ((x, small), (small, x)):
        assert not np.any(lab.kl_divergence(*pair, axis, from_logits=True))
    expected = lab.kl_divergence(small, 2 * small, axis, from_logits=True)
    close(lab.kl_divergence(small, x + small.astype(dtype), axis, from_logits=True), expected)
    if axis is not None:
        target = [0, 1, 1][: x.shape[1 - axis]]
        close(lab.cross_entropy(x, target, axis), lab.cross_entropy(small, target, axis))
        same(lab.hardmax(x, axis), lab.hardmax(small, axis))
        same(lab.gumbel_max(x, axis, rng=3), lab.gumbel_max(small, axis, rng=3))


def test_the_whole_range_of_int64_is_subtracted():
    low, high = np.iinfo(np.int64).min, np.iinfo(np.int64).max
    same(lab.log_softmax([low, high]), [-(2.0**64), 0])
    close(lab.softmax([high, 0, 1], where=[False, True, True])[1:], lab.softmax([0, 1]))
    close(lab.softmax(np.array(high)), 1)


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int32, bool])
def test_linear_of_integers_is_exact(dtype):
    x = np.array([100, 100]).astype(dtype)
    found = lab.linear(x, x[None])
    assert found.dtype == np.float64
    same(found, [2 if dtype is bool else 20000])


def test_linear_of_huge_integers_is_rounded_once():
    x, weight = np.array([2**40, 1]), np.array([[2**40, 1], [2**62, -1]])
    same(lab.linear(x, weight, [2**63 - 1, 0]), [float(2**80 + 2**63), float(2**102 - 1)])
    same(lab.linear([2**53, 1, -(2**53)], [[1, 1, 1]]), [1])
    same(lab.linear([2**27 + 1, -(2**27)], [[2**27 + 1, 2**27]]), [2**28 + 1])
    same(lab.linear([1], [[1]], [2**53 + 1]), [2**53 + 2])
    same(lab.linear(np.zeros((2, 0), int), np.zeros((3, 0), int)), np.zeros((2, 3)))


def test_linear_refuses_masks_and_complex_numbers():
    for bad in (np.ma.masked_array([1.0, 2.0], mask=[1, 0]), [1j, 2.0]):
        with pytest.raises(TypeError, match="weight"):
            lab.linear([1.0, 2.0], [bad] if isinstance(bad, list) else bad[None])


@pytest.mark.parametrize("rng", [None, 7, np.random.default_rng(7), np.random.PCG64(7)])
def test_a_source_of_randomness_may_be_a_generator_a_seed_or_nothing(rng):
    draws = [
        lab.gumbel_noise(3, rng=rng),
        lab.gumbel_max(X, rng=rng),
        lab.gumbel_softmax(X, rng=rng),
        lab.reinforce_gradient(lambda z: z, X[0], rng=rng),
        lab.arsm_gradient(lambda z: z, X[0], rng=rng),
    ]
    assert all(np.isfinite(each).all() for each in draws)
    assert (lab.gumbel_noise(9, rng=None) != lab.gumbel_noise(9, rng=None)).all(), (
        "the same noise twice"
    )
    same(lab.gumbel_noise(9, rng=7), lab.gumbel_noise(9, rng=np.random.default_rng(7)))


@pytest.mark.parametrize("wrong", ["a", 0.5, -1, np.random])
def test_what_is_no_source_of_randomness_is_named(wrong):
    with pytest.raises((TypeError, ValueError), match=r"^rng must be a numpy\.random\.Generator"):
        lab.gumbel_max(X, rng=wrong)


FLOATS = [np.float16, np.float32, np.float64, np.longdouble]


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("settings", ["raise", "warn"])
def test_no_floating_point_error_leaves_the_package(dtype, settings):
    """Underflow to 0, −inf at 0, overflow of a wide step: the results are right, nothing to say."""
    tiny, large = np.finfo(dtype).smallest_subnormal, np.finfo(dtype).max
    rows = [
        [0, -1000, 1000], [large, -large, 0], [-large, -large, -large], [INF, 0, -INF],
        [INF, INF, 0], [np.nan, 0, 1], [-INF, -INF, -INF], [tiny, -tiny, 0], [0, -20, -700],
    ]  # fmt: skip
    shares = [[1, 0, 0], [0.5, 0.5, 0], [1, tiny, 0]]
    assert np.isnan(lab.logit(np.array(np.nan, dtype)))
    with np.errstate(all=settings):
        for row in rows:
            for x in (np.array(row, dtype), np.full((400, 3), row, dtype)):
                for function in (lab.softmax, lab.log_softmax, lab.logsumexp, lab.sigmoid,
                                 lab.shifted_softmax, lab.naive_softmax, lab.hardmax, lab.predict,
                                 lab.softmax_jacobian):  # fmt: skip
                    function(x)
                v = np.broadcast_to(np.array([large, tiny, -1], dtype), x.shape)
                lab.softmax_vjp(x, v)
                lab.log_softmax_vjp(x, np.broadcast_to(np.array([1, tiny, -1], dtype), x.shape))
                lab.kl_divergence(x, x[..., ::-1], from_logits=True)
                y = np.zeros(x.shape[:-1], int)
                for options in ({}, {"label_smoothing": 0.1}, {"weight": [1, 0, tiny]}):
                    lab.cross_entropy_with_grad(x, y, **options)
                    lab.cross_entropy_with_grad(x, y, reduction="none", **options)
                lab.nll_loss(x, y, weight=[0, 1, 1], reduction="sum")
                for tau in (1e-310, 1e-38, 1.0, INF):
                    lab.gumbel_softmax(x, tau, rng=0)
                    lab.gumbel_softmax(x, tau, hard=True, rng=0)
                if not np.isnan(lab.softmax(x)).any():
                    lab.gumbel_max(x, rng=0)
                    if x.ndim == 1:
                        lab.reinforce_gradient(lambda z: 1.0 * z, x, rng=0)
                        lab.arsm_gradient(lambda z: 1.0 * z, x, rng=0)
        for row in shares:
            p = np.array(row, dtype)
            for function in (lab.entropy, lab.logit, lab.logits_from_probabilities):
                function(p)
            for other in shares:
                lab.kl_divergence(p, np.array(other, dtype))
        lab.linear(np.array([tiny, 1], dtype), np.array([[tiny, 0]], dtype))
        for row in ([1e308, -1e308], [0, -18], [0, 1e5]):
            for narrow in (np.float16, np.float32):
                lab.softmax(row, out=np.zeros(2, narrow))
                lab.log_softmax(row, out=np.zeros(2, narrow))
                lab.logsumexp(row, out=np.zeros((), narrow))
        assert lab.check_gradient(lambda x: float(x.sum()), lambda x: np.ones(2), [1e-300, 1.0])


def test_the_callers_own_floating_point_errors_stay_the_callers():
    def overflowing(z):
        return np.float64(1e308) * np.array([10.0] * np.size(z)).reshape(np.shape(z))

    with np.errstate(over="raise"):
        for estimator in (lab.reinforce_gradient, lab.arsm_gradient):
            with pytest.raises(FloatingPointError):
                estimator(overflowing, X[0], rng=0)


@pytest.mark.parametrize("offset", [0.0, 1e8, -1e8, 1e17, 1e300])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_an_offset_of_the_logits_does_not_change_the_draws(offset, dtype):
    x = np.full((4000, 4), min(offset, float(np.finfo(dtype).max) / 2), dtype)
    expected = lab.gumbel_max(np.zeros_like(x), rng=1)
    same(lab.gumbel_max(x, rng=1), expected)
    for hard in (False, True):
        y = lab.gumbel_softmax(x, hard=hard, rng=2)
        same(y, lab.gumbel_softmax(np.zeros_like(x), hard=hard, rng=2))
        assert np.bincount(y.argmax(axis=1)).min() > 900
    for estimator in (lab.reinforce_gradient, lab.arsm_gradient):
        same(estimator(lambda z: z / 3, x[0], rng=3), estimator(lambda z: z / 3, 0 * x[0], rng=3))


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("tau", [1e-320, 1e-38, 1.0, 1e38, INF])
def test_a_hard_draw_does_not_depend_on_the_temperature(dtype, tau):
    x = np.array([[0.0, 1.0, -INF, 2.0]] * 500, dtype)
    found = lab.gumbel_softmax(x, tau, hard=True, rng=5)
    same(found, lab.gumbel_softmax(x, 1.0, hard=True, rng=5))
    same(found.sum(axis=1), 1)
    assert (found[:, [0, 1, 3]].sum(axis=0) > 20).all()


def test_the_limits_of_the_temperature():
    x = np.array([0.0, 1.0, -INF, 2.0])
    same(lab.gumbel_softmax(x, INF, rng=0), np.array([1, 1, 0, 1]) / 3)
    cold = lab.gumbel_softmax(x, 1e-38, rng=0)
    same(cold, lab.gumbel_softmax(x, hard=True, rng=0))


def test_two_infinities_leave_nothing_to_draw():
    with pytest.raises(ValueError, match="class to draw"):
        lab.gumbel_max([INF, INF, 0.0], rng=0)
    same(lab.gumbel_max([[0.0, INF]] * 50, rng=0), 1)


def bfloat16(p):
    """Round to bfloat16, half to even, and keep the result in float64."""
    bits = np.asarray(p, np.float32).view(np.uint32).astype(np.uint64)
    bits = (bits + 0x7FFF + (bits >> 16 & 1)) >> 16 << 16
    return bits.astype(np.uint32).view(np.float32).astype(np.float64)


ROUNDINGS = {
    "bfloat16": bfloat16,
    "float16": lambda p: np.asarray(p).astype(np.float16).astype(np.float64),
    "float32": lambda p: np.asarray(p).astype(np.float32).astype(np.float64),
    "through arithmetic": lambda p: 0.9 * np.asarray(p, np.float32).astype(np.float64) + 0.1
    / np.shape(p)[-1],
}  # fmt: skip


@pytest.mark.parametrize("rounded", ROUNDINGS.values(), ids=ROUNDINGS)
@pytest.mark.parametrize("carrier", [np.float32, np.float64, np.longdouble])
def test_a_distribution_may_have_been_rounded_before_it_came(rounded, carrier):
    p = lab.softmax(np.random.default_rng(0).normal(size=(300, 50)) * 3)
    p, q = rounded(p).astype(carrier), rounded(p[::-1]).astype(carrier)
    np.testing.assert_allclose(lab.entropy(p), stats.entropy(p.astype(float), axis=1), rtol=0.03)
    assert (lab.kl_divergence(p, q) >= 0).all()


def test_a_long_row_of_float16_is_a_distribution():
    p = np.full(1_000_000, 1e-6, np.float16)
    assert abs(p.sum(dtype=float) - 1) > 0.01
    for row in (p, p.astype(float)):
        assert lab.entropy(row) > 10


@pytest.mark.parametrize(
    "row", [[0.5, 0.25], [0.3333, 0.3333, 0.3333], [0.5, 0.4999], [0.5, 0.25, 0.125, 0.0625], []]
)
def test_what_no_rounding_explains_is_refused(row):
    with pytest.raises(ValueError, match="must sum to 1"):
        lab.entropy(row)


@pytest.mark.parametrize("name", ["bfloat16", "float8_e5m2", "float16"])
def test_half_precision_of_ml_dtypes_is_computed_wide_and_rounded_once(name):
    ml_dtypes = pytest.importorskip("ml_dtypes")
    dtype = np.dtype(getattr(ml_dtypes, name, name))
    x = (X * 3).astype(dtype)
    wide = x.astype(float)
    for function in (
        lab.softmax,
        lab.log_softmax,
        lab.logsumexp,
        lab.sigmoid,
        lab.naive_softmax,
        lab.shifted_softmax,
        lab.hardmax,
        lambda x: lab.cross_entropy(x, Y),
        lambda x: lab.cross_entropy_with_grad(x, Y)[1],
        lambda x: lab.softmax_vjp(x, wide),
        lambda x: lab.kl_divergence(x, x[::-1], from_logits=True),
    ):
        found = function(x)
        assert found.dtype == dtype
        if function is not lab.naive_softmax and function is not lab.shifted_softmax:
            same(found.astype(float), np.asarray(function(wide)).astype(dtype).astype(float))
    same(lab.predict(x), lab.predict(wide))
    same(lab.gumbel_max(x, rng=0), lab.gumbel_max(wide, rng=0))
    same(lab.cross_entropy(X, P.astype(dtype)), lab.cross_entropy(X, P.astype(dtype).astype(float)))


def test_integers_of_ml_dtypes_are_classes():
    ml_dtypes = pytest.importorskip("ml_dtypes")
    same(lab.one_hot(Y.astype(ml_dtypes.int4), 4), lab.one_hot(Y, 4))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float8_e4m3fn])
def test_narrow_floats_of_torch_are_taken_as_float32(dtype):
    x = torch.from_numpy(X).to(dtype)
    found = lab.softmax(x)
    assert found.dtype == np.float32
    same(found, lab.softmax(x.float().numpy()))


def test_narrow_floats_of_torch_are_target_weights_of_a_layer():
    p = torch.tensor([0.25, 0.75]).bfloat16()
    found = lab.linear_cross_entropy([1.0], [[0.0], [1.0]], p)
    same(found, lab.linear_cross_entropy([1.0], [[0.0], [1.0]], [0.25, 0.75]))


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "uint32", "uint64", "int16", "int32"])
@targets
def test_every_integer_is_a_class(function, dtype):
    expected = function(Y)
    same(function(Y.astype(dtype)), expected)
    same(function(Y.astype(np.dtype(dtype).newbyteorder(">"))), expected)
    same(function(torch.from_numpy(Y.astype(dtype))), expected)


@targets
def test_classes_beyond_int64_are_named(function):
    with pytest.raises(IndexError, match=f"{2**63}"):
        function(np.array([0, 2**63, 1], np.uint64))


class Late:
    """Its mask comes to light only when it is asked for an array."""

    def __array__(self, dtype=None, copy=None):
        return np.ma.masked_array([1.0, 2.0], mask=[1, 0])


def test_a_mask_that_comes_to_light_late_is_not_lost():
    with pytest.raises(TypeError, match="x has masked entries"):
        lab.softmax(Late())


@pytest.mark.parametrize("kind", [int, lambda x: np.uint64(x) if x > 0 else np.int64(x)])
def test_integers_that_no_dtype_holds_are_named(kind):
    """NumPy makes float64 of them, which would merge the first two."""
    x = [kind(each) for each in (2**63, 2**63 + 1, -1)]
    with pytest.raises(TypeError, match=f"x must hold integers .* from -1 to {2**63 + 1}"):
        lab.softmax(x)
    close(lab.softmax(x[:2]), lab.softmax([0, 1]))


def test_integers_on_both_sides_of_the_largest_int64_are_told_apart():
    for ints in ([2**63 - 1, 2**63], [0, 2**64 - 1], [2**63, 2**63 - 1]):
        assert lab.predict(ints) == ints.index(max(ints))
        same(lab.softmax(ints), lab.softmax(np.array(ints, np.uint64)))


def test_huge_integers_among_floats_are_floats():
    for other in (1.0, np.float32(1), np.float64(1)):
        same(lab.log_softmax([2**70, other]), [0, -float(2**70)])
        same(lab.log_softmax([[2**70, other]] * 2), [[0, -float(2**70)]] * 2)
    with pytest.raises(TypeError, match=f"x must hold integers .* from 1 to {2**70}: subtract"):
        lab.softmax([2**70, 1])
    with pytest.raises(ValueError, match=r"x must fit a float, but it is 1000"):
        lab.softmax([10**400, 1.0])


@pytest.mark.parametrize("wrong", [True, np.True_, np.timedelta64(1, "s"), "1", 1j])
def test_a_number_is_real_and_no_bool(wrong):
    for call in (
        lambda: lab.gumbel_softmax(X, wrong, rng=0),
        lambda: lab.cross_entropy(X, Y, label_smoothing=wrong),
        lambda: lab.linear_cross_entropy(X, X, Y % 3, softcap=wrong),
    ):
        with pytest.raises(TypeError, match=r"must be a real number, but it is"):
            call()


def test_a_number_may_be_of_any_real_kind_that_fits_a_float():
    expected = lab.gumbel_softmax(X, 0.5, rng=0)
    for half in (Fraction(1, 2), np.float16(0.5), np.longdouble(0.5), np.array(0.5)):
        same(lab.gumbel_softmax(X, half, rng=0), expected)
    with pytest.raises(ValueError, match="tau must fit a float"):
        lab.gumbel_softmax(X, 10**400)


@pytest.mark.parametrize("loss", [lab.cross_entropy, lab.nll_loss])
def test_masses_are_finite(loss):
    with pytest.raises(
        ValueError, match="weight must be finite and not negative, but it holds inf"
    ):
        loss(X, Y, weight=[1, INF, 1, 1])
    with pytest.raises(ValueError, match="target must be finite and not negative"):
        lab.cross_entropy(X, np.full(X.shape, INF))


@pytest.mark.parametrize("factor", [2.0**-1060, 2.0**-100, 2.0**1020])
def test_no_factor_of_all_weights_changes_a_mean(factor):
    weight = np.array([4.0, 1.0, 2.0, 3.0])
    for smoothing in (0.0, 0.1):
        options = {"label_smoothing": smoothing}
        found = lab.cross_entropy_with_grad(X, Y, weight=weight * factor, **options)
        for each, expected in zip(
            found, lab.cross_entropy_with_grad(X, Y, weight=weight, **options), strict=True
        ):
            close(each, expected)
    found, expected = (
        lab.linear_cross_entropy(X, np.eye(4), Y, class_weight=w) for w in (weight * factor, weight)
    )
    close(found, expected)


@pytest.mark.parametrize("dtype", [str, object, "M8[s]", "V4", "nonsense"])
def test_a_dtype_is_one_of_numbers(dtype):
    with pytest.raises(TypeError, match="dtype must be numeric, but it is"):
        lab.one_hot(Y, 4, dtype)
    with pytest.raises(TypeError, match="dtype must be floating, but it is"):
        lab.gumbel_noise(3, rng=0, dtype=dtype)


@pytest.mark.parametrize("dtype", [object, "U9", "S9"])
def test_an_output_holds_floats(dtype):
    with pytest.raises(TypeError, match=r"out has dtype .*, to which float64 cannot be cast"):
        lab.softmax(X, out=np.zeros(X.shape, dtype))


def test_an_output_has_room_for_each_entry():
    nothing = np.lib.stride_tricks.as_strided(np.zeros(0), (0, 3), (0, 0))
    assert lab.softmax(np.zeros((0, 3)), out=nothing) is nothing, "nothing needs no room"
    one = np.lib.stride_tricks.as_strided(np.zeros(4), (1, 4), (0, 8))
    same(lab.softmax(X[:1], out=one), P[:1])
    apart = np.lib.stride_tricks.as_strided(np.zeros(8), (1, 4), (0, 16))
    same(lab.softmax(X[:1], out=apart), P[:1])
    for rows in (2, 3):
        out = np.lib.stride_tricks.as_strided(np.zeros(4), (rows, 4), (0, 8))
        with pytest.raises(ValueError, match=r"out must have room for each entry, .*\(0, 8\)"):
            lab.softmax(X[:rows], out=out)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.longdouble, np.complex64])
def test_an_output_may_be_of_any_floating_dtype(dtype):
    for function in (lab.softmax, lab.log_softmax):
        out = np.empty(X.shape, dtype)
        assert function(X, out=out) is out
        same(out, function(X).astype(dtype))
    out = np.empty(3, dtype)
    assert lab.logsumexp(X, out=out) is out
    np.testing.assert_allclose(out, lab.logsumexp(X), rtol=np.finfo(dtype).eps)


@pytest.mark.parametrize("wrong", [None, 1.0, (1.0,), (1.0, 1.0, 1.0)])
def test_a_pair_is_two_arrays(wrong):
    with pytest.raises(TypeError, match=r"second must be a pair \(m, s\), but it is"):
        lab.merge((1.0, 1.0), wrong)
    with pytest.raises(
        ValueError, match=r"first \(2,\), \(\) and second \(3,\), \(\) do not broad"
    ):
        lab.merge(([1.0, 2.0], 1.0), ([1.0, 2.0, 3.0], 1.0))
    with pytest.raises(ValueError, match=r"s in second must be a sum from 0 on, .* -2\.0"):
        lab.merge((1.0, 1.0), (1.0, [1.0, -2.0]))
    assert np.isnan(lab.merge((np.nan, np.nan), (1.0, 1.0))).all(), "the sum over a nan is nan"


@pytest.mark.parametrize("settings", ["raise", "warn"])
def test_a_result_beyond_the_range_is_inf_and_nothing_is_said(settings):
    with np.errstate(all=settings):
        same(lab.linear([1e308, 1e308], [[1.0, 1.0]]), [INF])
        same(lab.linear([INF], [[0.0]]), [np.nan])
        same(lab.merge((-1e308, 1.0), (1e308, 1.0)), (1e308, 1.0))
        assert lab.linear_cross_entropy(X, X, Y % 3, z_loss=1e308) == INF
        assert lab.linear_cross_entropy(X, X, Y % 3, softcap=1e-320) == pytest.approx(np.log(3))


def test_what_check_gradient_is_given_is_named():
    for value, says in (("a", r"f\(x\) must hold real"), (None, r"f\(x\) must hold real")):
        with pytest.raises(TypeError, match=says):
            check_gradient(lambda x, value=value: value, X, X)
    with pytest.raises(TypeError, match="rtol must be a real number, but it is 'a'"):
        check_gradient(np.sum, np.ones_like, X, rtol="a")
    for rtol in (-1, np.nan):
        with pytest.raises(ValueError, match="rtol must not be negative"):
            check_gradient(np.sum, np.ones_like, X, rtol=rtol)


def test_a_right_gradient_is_right_where_entries_differ_in_size():
    assert check_gradient(lambda x: (x**2).sum(), lambda x: 2 * x, [1e10, 1.0, 1e-10])
