"""Chapter 7 in NumPy: the loss and gradients of a linear layer are those by way of its logits."""

import itertools

import numpy as np
import pytest
import torch

import softmax_lab as lab
import softmax_lab.numpy.scale as scale
import softmax_lab.torch as sl


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_loss_and_gradients_are_those_of_autograd(reduction, monkeypatch):
    monkeypatch.setattr(scale, "CHUNK", 40)  # two rows
    rng = np.random.default_rng(0)
    arrays = rng.normal(size=(9, 3)), rng.normal(size=(20, 3)), rng.normal(size=20)
    y = rng.integers(20, size=9)
    y[2] = -100
    for target, smoothing, softcap, z_loss, w in itertools.product(
        (y, rng.random((9, 20))), (0.0, 0.1), (None, 2.0), (0.0, 0.3), (None, rng.random(20))
    ):
        keywords = {"label_smoothing": smoothing, "softcap": softcap, "z_loss": z_loss}
        keywords["reduction"] = reduction
        x, weight, bias = (torch.tensor(each, requires_grad=True) for each in arrays)
        if target.ndim == 2:
            target = target / target.sum(axis=1, keepdims=True)
        expected = sl.linear_cross_entropy(
            x,
            weight,
            torch.tensor(target),
            bias,
            class_weight=None if w is None else torch.tensor(w),
            **keywords,
        )
        loss, gradients = lab.linear_cross_entropy_with_grad(
            *arrays[:2], target, arrays[2], class_weight=w, **keywords
        )
        np.testing.assert_allclose(loss, expected.detach(), rtol=1e-12)
        exact = torch.autograd.grad(expected.sum(), (x, weight, bias))
        for found, right in zip(gradients, exact, strict=True):
            np.testing.assert_allclose(found, right, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(("reduction", "expected"), [("mean", np.nan), ("sum", 0.0)])
def test_nothing_to_average(reduction, expected):
    for x, y in ((np.zeros((0, 3)), np.zeros(0, int)), (np.zeros((2, 3)), np.array([-100, -100]))):
        loss = lab.linear_cross_entropy(x, np.zeros((4, 3)), y, reduction=reduction)
        np.testing.assert_equal(loss, expected)


@pytest.mark.parametrize(
    ("match", "change"),
    [
        (r"x \(2, 3\) and weight \(4, 5\)", {"weight": np.zeros((4, 5))}),
        (r"bias has shape \(3,\)", {"bias": np.zeros(3)}),
        (r"weight \(3,\) do not fit", {"weight": np.zeros(3)}),
        (r"x \(3, 2\) and weight \(4, 3\) do not fit", {"x": np.zeros((3, 2))}),
        ("^z_loss must be a finite number from 0 on, but it is -1.0", {"z_loss": -1.0}),
        ("^z_loss .* but it is inf", {"z_loss": np.inf}),
        ("^softcap must be a finite number above 0, but it is 0.0", {"softcap": 0.0}),
        ("^softcap .* but it is inf", {"softcap": np.inf}),
        ("label_smoothing.*2", {"label_smoothing": 2.0}),
    ],
)
def test_bad_arguments_are_named(match, change):
    arguments = {"x": np.zeros((2, 3)), "weight": np.zeros((4, 3)), "target": [0, 1]} | change
    with pytest.raises(ValueError, match=match):
        lab.linear_cross_entropy(**arguments)


@pytest.mark.parametrize("name", ["z_loss", "softcap", "label_smoothing"])
def test_options_are_numbers(name):
    with pytest.raises(TypeError, match=f"^{name} must be a real number, but it is 'a'"):
        lab.linear_cross_entropy(np.zeros((2, 3)), np.zeros((4, 3)), [0, 1], **{name: "a"})


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.longdouble])
@pytest.mark.parametrize(
    "options", [{}, {"z_loss": 0.25}, {"softcap": 0.5, "z_loss": 0.25, "ignore_index": 1}]
)
def test_the_loss_and_the_logsumexps_are_those_of_the_logits(dtype, options):
    rng = np.random.default_rng(0)
    x, weight, bias = rng.normal(size=(2, 4, 3)), rng.normal(size=(5, 3)), rng.normal(size=5)
    x, weight, bias = (each.astype(dtype) for each in (x, weight, bias))
    y = np.array([[0, 1, 2, 3], [4, 1, 1, 1]])  # a mean over 8 or 4 rows, without rounding
    for b in (None, bias):
        logits = lab.linear(x.astype(np.longdouble), weight, b)
        cap = options.get("softcap")
        logits = logits if cap is None else cap * np.tanh(logits / cap)
        counted = y != options.get("ignore_index")
        expected = lab.cross_entropy(logits[counted], y[counted])
        expected += options.get("z_loss", 0) * (lab.logsumexp(logits[counted]) ** 2).mean()
        loss, lse = lab.linear_cross_entropy(x, weight, y, b, return_lse=True, **options)
        assert loss.dtype == lse.dtype == dtype
        eps = float(np.finfo(dtype).eps)
        np.testing.assert_allclose(lse, lab.logsumexp(logits), rtol=8 * eps)
        np.testing.assert_allclose(loss, expected, rtol=8 * eps)
        assert lab.linear_cross_entropy(x, weight, y, b, **options) == loss
        again, gradients = lab.linear_cross_entropy_with_grad(x, weight, y, b, **options)
        assert again == loss
        if dtype is np.float32:  # as if all had been float64
            wide = (each if each is None else each.astype(np.float64) for each in (x, weight, b))
            x64, w64, b64 = wide
            assert loss == np.float32(lab.linear_cross_entropy(x64, w64, y, b64, **options))
        assert [g.shape for g in gradients] == [a.shape for a in (x, weight, b) if a is not None]


def test_the_sum_of_a_z_loss_is_over_the_rows_that_count():
    x, y = np.ones((3, 2)), np.array([0, -100, 1])
    options = {"z_loss": 0.5, "class_weight": [2.0, 3.0], "reduction": "none"}
    lse = np.log(2)
    losses = lab.linear_cross_entropy(x, np.zeros((2, 2)), y, **options)
    np.testing.assert_allclose(losses, np.array([2, 0, 3]) * lse + np.array([1, 0, 1]) * lse**2 / 2)
    mean = lab.linear_cross_entropy(x, np.zeros((2, 2)), y, **options | {"reduction": "mean"})
    np.testing.assert_allclose(mean, lse + lse**2 / 2)


def test_pieces_merge_to_the_row():
    x = np.random.default_rng(0).normal(size=(4, 3)) * 100
    pair = (-np.inf, 0.0)
    for piece in x:
        pair = lab.merge(pair, (piece.max(), np.exp(piece - piece.max()).sum()))
    assert pair[0] + np.log(pair[1]) == pytest.approx(lab.logsumexp(x, None))


def test_pairs_merge_by_broadcasting():
    one, two, three = np.ones(1), np.ones((2, 1)), np.ones(3)
    for first, second in itertools.permutations(((one, two), (three, one)), 2):
        m, s = lab.merge(first, second)
        np.testing.assert_array_equal(m + np.zeros((2, 3)), 1)
        np.testing.assert_array_equal(s, np.full((2, 3), 2))
    m, s = lab.merge((0.0, 0.5), (np.log(4), 3.0))
    assert (m, s) == (np.log(4), pytest.approx(0.5 / 4 + 3))
    fits = [np.ones(3)] * 4
    for i in range(4):
        m1, s1, m2, s2 = (np.ones(2) if i == j else each for j, each in enumerate(fits))
        with pytest.raises(ValueError, match=r"^first .*\(2,\).* do not broadcast$"):
            lab.merge((m1, s1), (m2, s2))


def test_empty_and_infinite_pieces_merge():
    empty, infinite = (-np.inf, 0.0), (np.inf, 2.0)
    assert lab.merge(empty, empty) == empty
    assert lab.merge(empty, infinite) == lab.merge(infinite, (1.0, 1.0)) == infinite


def test_a_negative_sum_is_named():
    with pytest.raises(ValueError, match=r"^s in first must be a sum from 0 on, .* holds -2\.0$"):
        lab.merge((1.0, [0.5, 0.0, -2.0]), (1.0, 1.0))
