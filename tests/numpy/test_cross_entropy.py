"""The losses: PyTorch's conventions, checked against sums written out, and information in nats."""

import re

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import softmax_lab as lab
from tests import reference

settings.register_profile("reproducible", derandomize=True, deadline=None, max_examples=60)
settings.load_profile("reproducible")
INF = np.inf
mp = reference.mp


def data(seed=0, rows=6, classes=4):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(rows, classes)) * 3, rng.integers(0, classes, rows), rng


def expected_loss(x, target, weight, ignore, reduction, smoothing):
    """The definition, row by row."""
    losses, weights = [], []
    for row, y in zip(x, target, strict=True):
        log_p = row - np.log(np.exp(row).sum())
        counted = y != ignore
        hard = -weight[y] * log_p[y]
        soft = -(weight * log_p).mean()
        losses.append(((1 - smoothing) * hard + smoothing * soft) if counted else 0.0)
        weights.append(weight[y] if counted else 0.0)
    if reduction == "none":
        return np.array(losses)
    return sum(losses) / (sum(weights) if reduction == "mean" else 1)


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("smoothing", [0.0, 0.1, 1.0])
@pytest.mark.parametrize("ignore", [-100, 2])
@pytest.mark.parametrize("weighted", [False, True])
def test_the_loss_is_its_definition_and_the_gradient_its_slope(
    reduction, smoothing, ignore, weighted
):
    x, target, rng = data()
    weight = rng.random(4) if weighted else np.ones(4)
    options = {"ignore_index": ignore, "reduction": reduction, "label_smoothing": smoothing}
    if weighted:
        options["weight"] = weight
    expected = expected_loss(x, target, weight, ignore, reduction, smoothing)
    np.testing.assert_allclose(lab.cross_entropy(x, target, **options), expected, rtol=1e-12)
    loss, gradient = lab.cross_entropy_with_grad(x, target, **options)
    np.testing.assert_array_equal(loss, lab.cross_entropy(x, target, **options))
    report = lab.check_gradient(
        lambda x: np.sum(lab.cross_entropy(x, target, **options)), gradient, x
    )
    assert report, str(report)


def test_nll_loss_of_log_softmax_is_cross_entropy():
    x, target, rng = data(1)
    weight = rng.random(4)
    for options in ({}, {"weight": weight}, {"ignore_index": 1}, {"reduction": "none"}):
        found = lab.nll_loss(lab.log_softmax(x), target, **options)
        np.testing.assert_allclose(found, lab.cross_entropy(x, target, **options), rtol=1e-13)


@pytest.mark.parametrize("axis", [0, 1, 2, -1])
def test_the_classes_may_be_on_any_axis(axis):
    rng = np.random.default_rng(2)
    x = rng.normal(size=(3, 4, 5))
    moved = np.moveaxis(x, axis, -1)
    target = rng.integers(0, moved.shape[-1], moved.shape[:-1])
    for reduction in ("mean", "none"):
        loss, gradient = lab.cross_entropy_with_grad(x, target, axis, reduction=reduction)
        expected, slope = lab.cross_entropy_with_grad(moved, target, reduction=reduction)
        np.testing.assert_allclose(loss, expected, rtol=1e-14)
        np.testing.assert_allclose(np.moveaxis(gradient, axis, -1), slope, rtol=1e-13)
        log_p = lab.log_softmax(x, axis)
        np.testing.assert_allclose(lab.nll_loss(log_p, target, axis, reduction=reduction), loss)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_blocks_of_every_kind_and_the_dtype(dtype):
    for shape in [(700, 9), (3, 280_000), (2000, 40), (7,)]:
        rng = np.random.default_rng(3)
        x = rng.normal(size=shape).astype(dtype)
        target = rng.integers(0, shape[-1], shape[:-1])
        loss, gradient = lab.cross_entropy_with_grad(x, target, reduction="none")
        assert loss.dtype == gradient.dtype == dtype
        wide = x.astype(float)
        eps = float(np.finfo(dtype).eps)
        picked = np.take_along_axis(lab.log_softmax(wide), target[..., None], -1)[..., 0]
        np.testing.assert_allclose(loss, -picked, rtol=4 * eps)
        expected = lab.softmax(wide) - lab.one_hot(target, shape[-1])
        np.testing.assert_allclose(gradient, expected, rtol=1e-6 + 8 * eps, atol=1e-7)


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_targets_may_be_probabilities(reduction):
    x, _, rng = data(4)
    y = rng.dirichlet(np.ones(4), size=6)
    weight = rng.random(4)
    losses = -(y * weight * lab.log_softmax(x)).sum(axis=1)
    expected = {"mean": losses.mean(), "sum": losses.sum(), "none": losses}[reduction]
    options = {"weight": weight, "reduction": reduction}
    loss, gradient = lab.cross_entropy_with_grad(x, y, **options)
    np.testing.assert_allclose(loss, expected, rtol=1e-13)
    assert lab.check_gradient(lambda x: np.sum(lab.cross_entropy(x, y, **options)), gradient, x)
    hard = lab.one_hot(y.argmax(axis=1), 4)
    np.testing.assert_allclose(
        lab.cross_entropy(x, hard, label_smoothing=0.2),
        lab.cross_entropy(x, y.argmax(axis=1), label_smoothing=0.2),
        rtol=1e-13,
    )


def test_a_confident_winner_keeps_its_digits_with_smoothed_targets_too():
    x, y = np.array([0.0, -40.0]), np.array([1.0, 0.0])
    _, gradient = lab.cross_entropy_with_grad(x, y)
    np.testing.assert_allclose(gradient, [-np.exp(-40), np.exp(-40)], rtol=1e-15)


def test_special_logits():
    def both(x, target, **options):
        loss, gradient = lab.cross_entropy_with_grad(np.array(x), target, **options)
        return float(loss), gradient.tolist()

    assert both([0.0, -INF], 0) == (0.0, [0.0, 0.0])
    assert both([0.0, -INF], 1) == (INF, [1.0, -1.0])
    assert both([INF, 0.0], 0) == (0.0, [0.0, 0.0])
    assert both([INF, 0.0], 1) == (INF, [1.0, -1.0])
    for bad in ([np.nan, 0.0], [INF, INF], [-INF, -INF]):
        loss, gradient = lab.cross_entropy_with_grad(np.array(bad), 0)
        assert np.isnan(loss)
        assert np.isnan(gradient).all()


def test_no_target_mass_on_an_impossible_class_costs_nothing():
    x = np.array([0.0, 0.0, -INF])
    assert lab.cross_entropy(x, np.array([0.5, 0.5, 0.0])) == np.log(2)
    assert lab.cross_entropy(x, 2, weight=[1, 1, 0], reduction="sum") == 0
    assert lab.nll_loss([0.0, -INF], 1, weight=[1, 0], reduction="sum") == 0
    assert lab.cross_entropy(x, np.array([0.5, 0.5, 0.1])) == INF


@pytest.mark.parametrize("function", [lab.cross_entropy, lab.nll_loss])
@pytest.mark.parametrize("rows", [0, 3])
@pytest.mark.parametrize("classes", [0, 2])
def test_when_nothing_counts(function, rows, classes):
    x, target = np.full((rows, classes), np.nan), np.full(rows, -100)
    np.testing.assert_array_equal(function(x, target, reduction="none"), np.zeros(rows))
    assert function(x, target, reduction="sum") == 0
    assert np.isnan(function(x, target))
    _, gradient = lab.cross_entropy_with_grad(x, target, reduction="sum")
    np.testing.assert_array_equal(gradient, np.zeros((rows, classes)))


LOSSES = [lab.cross_entropy, lab.cross_entropy_with_grad, lab.nll_loss]


@pytest.mark.parametrize("function", LOSSES)
@pytest.mark.parametrize("bad", [-1, 4, 1000, -101])
def test_a_target_that_is_no_class_is_named_with_its_position(function, bad):
    x, target, _ = data()
    target[3] = bad
    with pytest.raises(IndexError, match=rf"{bad} at \(3,\).*0 to 3"):
        function(x, target)


@pytest.mark.parametrize("function", LOSSES)
def test_other_bad_arguments_are_named(function):
    x, target, _ = data()
    with pytest.raises(ValueError, match=r"\(5,\).*\(6, 4\)"):
        function(x, target[:5])
    with pytest.raises(ValueError, match=r"\(6, 1\)"):
        function(x, target[:, None])
    with pytest.raises(ValueError, match=r"\(6, 4\)"):
        function(x, np.zeros((6, 4), int))
    with pytest.raises(TypeError, match="float64"):
        function(x, target.astype(float))
    with pytest.raises(TypeError, match="bool"):
        function(x, target == 1)
    with pytest.raises(ValueError, match="'average'"):
        function(x, target, reduction="average")
    with pytest.raises(ValueError, match=r"-0\.5"):
        function(x, target, weight=[1, 1, -0.5, 1])
    with pytest.raises(ValueError, match=r"\(3,\)"):
        function(x, target, weight=[1, 1, 1])
    for axis in (None, (0, 1)):
        with pytest.raises(
            ValueError, match=re.escape(f"axis must be one integer, but it is {axis}")
        ):
            function(x, target, axis)


@pytest.mark.parametrize("function", LOSSES)
def test_complaints_name_the_argument(function):
    name = "log_probabilities" if function is lab.nll_loss else "logits"
    with pytest.raises(ValueError, match=rf"^{name} must have an axis"):
        function(1.0, 0)
    with pytest.raises(ValueError, match=rf"; {name} \(2, 3\)"):
        function(np.zeros((2, 3)), [0])


def test_one_hot_integers_are_told_that_probabilities_are_floating():
    target = np.array([[0, 1, 0], [1, 0, 0]])
    with pytest.raises(ValueError, match=r"integers \(2,\), or for floating prob.* \(2, 3\)"):
        lab.cross_entropy(np.zeros((2, 3)), target)
    with pytest.raises(ValueError, match=r"integers \(2,\)$"):
        lab.nll_loss(np.zeros((2, 3)), target)


@pytest.mark.parametrize("smoothing", [-0.1, 1.1, np.nan])
def test_label_smoothing_is_a_share(smoothing):
    x, target, _ = data()
    with pytest.raises(ValueError, match=f"{smoothing}"):
        lab.cross_entropy(x, target, label_smoothing=smoothing)


def test_probability_targets_must_not_be_negative():
    with pytest.raises(ValueError, match=r"-0\.25"):
        lab.cross_entropy([0.0, 1.0], np.array([1.25, -0.25]))


@pytest.mark.parametrize("function", LOSSES)
def test_what_a_target_may_hold_is_named(function):
    or_shares = "" if function is lab.nll_loss else ", or floating probabilities"
    says = f"^target must hold integer class indices{or_shares}, but its dtype is complex128$"
    with pytest.raises(TypeError, match=says):
        function(np.zeros((2, 3)), [1j, 0])


@pytest.mark.parametrize(
    ("dtype", "step"), [(np.float32, 1e-9), (np.float64, 1e-15), (np.longdouble, 1e-18)]
)
def test_target_weights_are_not_rounded_to_the_logits(dtype, step):
    share = np.result_type(dtype, np.float64).type(step)
    gradient = lab.cross_entropy_with_grad(np.zeros(2, dtype), [0.5 + share, 0.5 - share])[1]
    np.testing.assert_allclose(gradient, [-share, share], rtol=0.1)


def test_no_class_has_no_weight():
    assert np.isnan(lab.cross_entropy(np.empty((0, 0)), np.empty(0, int), weight=[]))


def test_one_hot():
    np.testing.assert_array_equal(lab.one_hot([[2], [0]], 3), [[[0, 0, 1]], [[1, 0, 0]]])
    assert lab.one_hot(1, 2, dtype=np.float32).dtype == np.float32
    assert lab.one_hot([], 0).shape == (0, 0)
    for bad in (-1, 3):
        with pytest.raises(IndexError, match=f"{bad}"):
            lab.one_hot([0, bad], 3)
    with pytest.raises(TypeError, match="float64"):
        lab.one_hot([0.5], 3)
    with pytest.raises(TypeError, match=r"^num_classes must be an integer, but it is 2\.5"):
        lab.one_hot([0, 1], 2.5)


@pytest.mark.parametrize("function", [lab.cross_entropy, lab.nll_loss])
def test_any_class_may_be_ignored(function):
    x, target = data()[0], np.arange(6) % 4
    x = lab.log_softmax(x)
    losses = function(x, target, reduction="none")
    for ignore in range(-1, 5):
        found = function(x, target, reduction="none", ignore_index=ignore)
        np.testing.assert_array_equal(found, np.where(target == ignore, 0, losses))
    assert function(np.zeros((2, 1)), [0, -100]) == 0, "of one class too"
    for wrong in (7, [7]):
        with pytest.raises(IndexError, match=r"^target holds 7 at .* it must be from 0 to 3$"):
            function(x[: np.size(wrong)].reshape(*np.shape(wrong), 4), wrong)


@pytest.mark.parametrize("function", [lab.cross_entropy, lab.nll_loss])
def test_weights_of_long_double_keep_their_digits(function):
    x, target, rng = data()
    x, weight, factor = (
        np.longdouble(lab.log_softmax(x)),
        rng.random(4),
        1 + np.longdouble(2) ** -60,
    )
    found = function(x, target, weight=weight * factor, reduction="sum")
    expected = function(x, target, weight=weight, reduction="sum") * factor
    np.testing.assert_allclose(found, expected, rtol=3e-19)
    narrow = weight.astype(np.float32)
    found = function(x, target, weight=narrow)
    np.testing.assert_allclose(found, function(x, target, weight=narrow.astype(float)), rtol=1e-15)


def test_inputs_are_never_changed():
    x, target, rng = data()
    copies = x.copy(), target.copy()
    lab.cross_entropy_with_grad(x, target, label_smoothing=0.1)
    lab.cross_entropy_with_grad(x, target, weight=rng.random(4))
    np.testing.assert_array_equal(x, copies[0])
    np.testing.assert_array_equal(target, copies[1])


def test_entropy_is_in_nats():
    np.testing.assert_allclose(lab.entropy([[1, 0], [0.5, 0.5]]), [0, np.log(2)])
    np.testing.assert_allclose(lab.entropy(np.full((8, 2), 1 / 8), axis=0), np.log([8, 8]))
    assert lab.entropy(np.full(4, 0.25, np.float32)).dtype == np.float32


distributions = hnp.arrays(float, (2, 5), elements=st.floats(-30, 30)).map(lab.softmax)


@given(distributions)
def test_kl_divergence_is_not_negative_and_its_sum_is_cross_entropy(pair):
    p, q = pair
    kl = lab.kl_divergence(p, q)
    assert kl >= 0
    assert lab.kl_divergence(p, p) == 0
    cross = lab.cross_entropy(np.log(q), p)
    np.testing.assert_allclose(kl, cross - lab.entropy(p), rtol=1e-9, atol=1e-12)


@given(hnp.arrays(float, (2, 5), elements=st.floats(-1000, 1000)), st.floats(1e-12, 1))
def test_kl_from_logits_is_never_negative(pair, epsilon):
    x, y = pair
    assert lab.kl_divergence(x, y, from_logits=True) >= 0
    assert lab.kl_divergence(x, x + epsilon * y / 1000, from_logits=True) >= 0
    assert lab.kl_divergence(x, x, from_logits=True) == 0
    expected = (lab.softmax(x) * (lab.log_softmax(x) - lab.log_softmax(y))).sum()
    found = lab.kl_divergence(x, y, from_logits=True)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)


def test_kl_at_the_edges():
    assert lab.kl_divergence([0.5, 0.5], [1.0, 0.0]) == INF
    assert lab.kl_divergence([1.0, 0.0], [0.5, 0.5]) == np.log(2)
    found = lab.kl_divergence([0.0, -INF], [0.0, 0.0], from_logits=True)
    np.testing.assert_allclose(found, np.log(2))
    assert lab.kl_divergence([0.0, 0.0], [0.0, -INF], from_logits=True) == INF
    p = np.full((3, 4, 2), 0.25)
    np.testing.assert_array_equal(lab.kl_divergence(p, p, axis=1), np.zeros((3, 2)))


@pytest.mark.parametrize("from_logits", [False, True])
def test_divergences_along_an_axis_are_those_of_the_rows(from_logits):
    x, y = lab.softmax(np.random.default_rng(0).normal(size=(2, 3, 4, 2)), 2)
    found = lab.kl_divergence(x, y, 1, from_logits=from_logits)
    assert found.shape == (3, 2)
    expected = lab.kl_divergence(x[2, :, 1], y[2, :, 1], from_logits=from_logits)
    np.testing.assert_allclose(found[2, 1], expected, rtol=1e-13)


def test_a_divergence_keeps_its_digits_beside_one_too_large_for_them():
    x = np.array([[1.0, 0.0, 2.0], [-1e5, -9.5e4, -1.1e5]])
    y = x + np.array([[1e-9, 0.0, 0.0], [1e4, 0.0, 0.0]])
    rows = [lab.kl_divergence(*pair, from_logits=True) for pair in zip(x, y, strict=True)]
    np.testing.assert_array_equal(lab.kl_divergence(x, y, from_logits=True), rows)
    np.testing.assert_array_equal(lab.kl_divergence(x.T, y.T, 0, from_logits=True), rows)


def test_what_is_no_distribution_is_refused_without_a_floating_point_error():
    with np.errstate(all="raise"), pytest.raises(ValueError, match="must sum to 1"):
        lab.entropy([0.5, 0.5 + 1e-5, 1e-300])


def test_a_shared_impossible_class_costs_no_digits_of_the_divergence():
    x, y = [1.0, 0.0], [1.0, 1e-15]
    expected = lab.kl_divergence(x, y, from_logits=True)
    found = lab.kl_divergence([*x, -INF], [*y, -INF], from_logits=True)
    np.testing.assert_allclose(found, expected, rtol=1e-14)


def test_what_is_no_distribution_is_refused():
    for function in (lab.entropy, lambda p: lab.kl_divergence(p, p)):
        with pytest.raises(ValueError, match=r"1\.5"):
            function([1.5, -0.5])
        with pytest.raises(ValueError, match=r"sums to 0\.75"):
            function([0.5, 0.25])
    with pytest.raises(ValueError, match=r"\(2,\).*\(3,\)"):
        lab.kl_divergence([0.5, 0.5], [0.2, 0.3, 0.5])


@pytest.mark.parametrize(
    ("function", "name"),
    [
        (lab.entropy, "p"),
        (lambda p: lab.kl_divergence(p, [[0.5, 0.5]] * 3), "p"),
        (lambda q: lab.kl_divergence([[0.5, 0.5]] * 3, q), "q"),
    ],
)
def test_the_first_row_that_is_no_distribution_is_named(function, name):
    says = f"^{name} must sum to 1 along axis -1, but a row sums to 0.75$"
    with pytest.raises(ValueError, match=says.replace(".", r"\.")):
        function([[0.5, 0.5], [0.5, 0.25], [1.0, 1.0]])


BFLOAT16, FLOAT16 = 2.0**-30, 2.0**-10  # which no other format of two bytes holds beside 1/2


@pytest.mark.parametrize(
    ("row", "fits"),
    [
        ([0.5, 0.5 + 0.9e-6], True),
        ([0.5, 0.5 + 1.1e-6], False),
        ([0.5, 0.5 + 2.0**-12 - 2.0**-20], True),  # float32
        ([0.5, 0.5 + 2.0**-12 + 2.0**-20], False),
        ([0.5, 0.5 + 2.0**-7 - BFLOAT16, BFLOAT16], False),  # float32, in spite of its last entry
        ([0.5, 0.5 + 2.0**-8, 2.0**-8 - 2.0**-16, BFLOAT16], True),
        ([0.5, 0.5 + 2.0**-7, BFLOAT16], False),
        ([0.5, 0.5 + 2.0**-9], True),  # float16
        ([0.5, 0.5 + 2.0**-9 + 2.0**-11], False),
        ([0.5, 0.5 + 2.0**-7], True),  # either of them
        ([0.5, 0.5 + 2.0**-7 + 2.0**-8], False),
    ],
)
def test_how_far_from_1_a_rounded_row_may_sum(row, fits):
    for rows in (row, [row, [np.nan] * len(row)]):
        if fits:
            lab.entropy(rows)
        else:
            with pytest.raises(ValueError, match="must sum to 1"):
                lab.entropy(rows)


@pytest.mark.parametrize(("share", "fits"), [(0.5, True), (0.7, False)])
def test_of_many_small_numbers_of_float16_each_is_rounded(share, fits):
    n = 1 << 20
    p = np.full(n, 1 / n)
    p[: int(share * n)] += 2.0**-24
    if fits:
        lab.entropy(p)
    else:
        with pytest.raises(ValueError, match="must sum to 1"):
            lab.entropy(p)


@pytest.mark.parametrize("step", [1e-9, 1e-4, 0.1, 0.3, 0.9])
def test_the_divergence_of_probabilities_keeps_its_digits(step):
    """It is Σ q − p + p log(p/q), where the sums are 1 but for rounding."""
    rng = np.random.default_rng(0)
    p = lab.softmax(rng.normal(size=8))
    q = p * (1 + step * rng.uniform(-1, 1, size=8))
    q = q / q.sum()
    pairs = [(mp.mpf(float(a)), mp.mpf(float(b))) for a, b in zip(p, q, strict=True)]
    exact = mp.fsum(b - a + a * mp.log(a / b) for a, b in pairs)
    np.testing.assert_allclose(lab.kl_divergence(p, q), float(exact), rtol=1e-13)


def test_a_divergence_from_a_tiny_probability_is_finite():
    found = lab.kl_divergence([0.5, 0.5], [1e-20, 1.0])
    np.testing.assert_allclose(found, np.log(0.5) - 0.5 * np.log(1e-20), rtol=1e-15)


@pytest.mark.parametrize("wide", [np.float32, np.float64, np.longdouble])
def test_what_is_measured_of_two_dtypes_has_the_wider_and_its_digits(wide):
    x = np.array([[0.3, -1.2, 2.0], [1.0, 0.1, 0.2]])
    p = lab.softmax(x.astype(wide))
    p, q = p / p.sum(axis=-1, keepdims=True)
    narrow = np.float16([0.25, 0.25, 0.5])
    for one, other in ((p, q), (p, narrow), (narrow, q)):
        expected = (one * np.log(one / other.astype(wide))).sum()
        found = lab.kl_divergence(one, other)
        assert found.dtype == wide
        np.testing.assert_allclose(found, expected, rtol=30 * np.finfo(wide).eps)
        found = lab.kl_divergence(
            np.log(one, dtype=wide), np.log(other, dtype=wide), from_logits=True
        )
        assert found.dtype == wide
        np.testing.assert_allclose(found, expected, rtol=30 * np.finfo(wide).eps)
    logits = np.float16([0.5, -1.0, 2.0])
    for pair in ((p, logits), (logits, p)):
        found = lab.kl_divergence(*pair, from_logits=True)
        widened = (each.astype(np.result_type(wide, np.float64)) for each in pair)
        expected = wide(lab.kl_divergence(*widened, from_logits=True))
        assert (found.dtype, found) == (wide, expected)
    shares = lab.softmax(np.random.default_rng(0).normal(size=(9, 50)).astype(wide))
    expected = lab.entropy(shares.astype(np.result_type(wide, np.float64)))
    np.testing.assert_array_equal(lab.entropy(shares), expected.astype(wide))
    found = lab.entropy(p)
    assert found.dtype == wide
    np.testing.assert_allclose(found, -(p * np.log(p)).sum(), rtol=4 * np.finfo(wide).eps)


@pytest.mark.parametrize("mass", [1.0, 0.5, 2.0, 0.0])
def test_smoothing_mixes_probabilities_with_the_uniform_distribution(mass):
    x, _, rng = data()
    y = mass * rng.dirichlet(np.ones(4), size=len(x))
    for smoothing in (0.1, 1.0):
        expected = torch.nn.functional.cross_entropy(
            torch.from_numpy(x), torch.from_numpy(y), label_smoothing=smoothing
        )
        found = lab.cross_entropy(x, y, label_smoothing=smoothing)
        np.testing.assert_allclose(found, expected, rtol=1e-13)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.longdouble])
def test_nll_loss_is_an_entry_in_its_dtype(dtype):
    log_p = -np.arange(1, 4, dtype=dtype) / 3
    for reduction in ("none", "sum", "mean"):
        found = lab.nll_loss(log_p, 1, reduction=reduction)
        assert (found.dtype, found) == (dtype, -log_p[1])


def test_nll_loss_names_what_it_was_given():
    with pytest.raises(TypeError, match=r"^log_probabilities must hold real numbers"):
        lab.nll_loss([1j, 0], 1)


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
@pytest.mark.parametrize("reduction", ["none", "sum", "mean"])
def test_nll_loss_of_narrow_floats_is_rounded_once(dtype, reduction):
    log_p = np.random.default_rng(0).normal(size=(200, 3)).astype(dtype)
    for weight in (None, [0.1, 0.7, 0.3]):
        narrow, wide = (
            lab.nll_loss(each, np.arange(200) % 3, weight=weight, reduction=reduction)
            for each in (log_p, log_p.astype(np.float64))
        )
        np.testing.assert_array_equal(narrow, wide.astype(dtype))


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_an_ignored_row_of_nan_costs_nothing_and_pulls_nowhere(smoothing):
    x = [[np.nan, 0.0], [1.0, 2.0]]
    loss, gradient = lab.cross_entropy_with_grad(x, [-100, 1], label_smoothing=smoothing)
    alone, right = lab.cross_entropy_with_grad(x[1:], [1], label_smoothing=smoothing)
    assert loss == alone
    np.testing.assert_array_equal(gradient, [[0.0, 0.0], *right])


def test_target_weights_on_an_infinite_winner_cost_nothing():
    for n in (2, 40):
        x, y = np.zeros(n), np.zeros(n)
        x[1], y[1] = INF, 1.0
        loss, gradient = lab.cross_entropy_with_grad(x, y)
        assert loss == 0
        np.testing.assert_array_equal(gradient, np.zeros(n))
