"""Softmax regression in torch: a module, a loop, and the accuracy of the NumPy side."""

import math
import sys

import numpy as np
import pytest
import torch
from sklearn.datasets import load_breast_cancer, load_iris, load_wine
from sklearn.datasets import load_digits as sk_digits

import softmax_lab
import softmax_lab.torch as sl
from softmax_lab.datasets import load_digits
from tests.torch.devices import each_device


@each_device
def test_it_is_as_accurate_as_the_numpy_side_on_the_digits(device):
    digits = load_digits()
    x, y, x_test, y_test = (torch.from_numpy(part) for part in digits)
    model = sl.SoftmaxRegression(64, 10).fit(x, y, device=device, progress=False)
    reference = softmax_lab.SoftmaxRegression(progress=False)
    reference.fit(digits.x_train, digits.target_train)
    expected = reference.score(digits.x_test, digits.target_test)
    assert model.weight.device.type == device
    assert abs(model.score(x_test, y_test) - expected) <= 0.005
    p = model.predict_proba(x_test)
    assert torch.equal(p.argmax(-1), model.predict(x_test))
    torch.testing.assert_close(p.sum(-1), torch.ones(len(p), device=p.device))


def test_it_is_a_module():
    model = sl.SoftmaxRegression(3, 2)
    assert {name: tuple(p.shape) for name, p in model.named_parameters()} == {
        "weight": (2, 3),
        "bias": (2,),
    }
    assert model(torch.zeros(5, 3)).shape == (5, 2)
    assert model.double().fit(torch.eye(3), torch.tensor([0, 1, 0])).weight.dtype == torch.float64
    with pytest.raises(ValueError, match="C must be above 0"):
        sl.SoftmaxRegression(3, 2, C=0)


def test_it_trains_without_tqdm(monkeypatch):
    monkeypatch.setitem(sys.modules, "tqdm", None)
    monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    x, y = torch.tensor([[0.0], [1.0]]), torch.tensor([0, 1])
    assert sl.SoftmaxRegression(1, 2).fit(x, y).score(x, y) == 1


def test_it_shows_its_progress_unless_told_not_to(monkeypatch):
    shown = []
    monkeypatch.setattr("tqdm.auto.tqdm", lambda steps, **options: shown.append(options) or steps)
    x, y = torch.tensor([[0.0], [1.0]]), torch.tensor([0, 1])
    sl.SoftmaxRegression(1, 2).fit(x, y, steps=1, progress=False)
    assert not shown
    sl.SoftmaxRegression(1, 2).fit(x, y, steps=1)
    assert shown == [{"desc": "fit", "delay": 1, "leave": False}]


def test_one_sample_is_enough():
    model = sl.SoftmaxRegression(1, 2).fit([[1.0]], [1], progress=False)
    assert model.predict([[1.0]]).tolist() == [1]


def test_what_a_model_takes_is_named_and_becomes_what_its_weights_are():
    model = sl.SoftmaxRegression(1, 2)
    for use in (model.fit, model.score):
        with pytest.raises((TypeError, ValueError), match=r"^target cannot be made a tensor"):
            use([[0.0]], "a")
    for wrong, says in (([[1j]], "be real"), (torch.empty(0, 1), "hold at least one sample, but")):
        with pytest.raises((TypeError, ValueError), match=f"^x must {says}"):
            model.fit(wrong, torch.empty(0).long())
    assert model.predict_proba(np.zeros((1, 1))).dtype == torch.float32


def test_no_sample_is_ignored():
    with pytest.raises(IndexError, match=r"target holds -100 at \(1,\)"):
        sl.SoftmaxRegression(1, 2).fit([[0.0], [1.0]], [0, -100])


def test_without_features_it_learns_how_often_a_class_comes():
    model = sl.SoftmaxRegression(0, 2).fit(torch.empty(4, 0), [0, 0, 0, 1], progress=False)
    torch.testing.assert_close(sl.softmax(model.bias.detach()), torch.tensor([0.75, 0.25]))


@pytest.mark.parametrize("size", [1e-36, 1e-38, 1e-40])
def test_features_may_be_as_small_as_floats(size):
    x = torch.tensor([[0.0], [1.0], [5.0], [6.0]]) * size
    model = sl.SoftmaxRegression(1, 2).fit(x, [0, 0, 1, 1], progress=False)
    expected = torch.tensor([[-5.0], [5.0]]) * size  # so close to 0 the slope is that at 0
    torch.testing.assert_close(model.weight.detach(), expected, rtol=1e-4, atol=0)


def test_the_strength_of_the_penalty_is_named():
    with pytest.raises(TypeError, match=r"^C must be a real number"):
        sl.SoftmaxRegression(1, 2, C="a")
    model = sl.SoftmaxRegression(1, 2)
    model.C = -1
    with pytest.raises(ValueError, match=r"^C must be above 0, but it is -1"):
        model.fit([[0.0], [1.0]], [0, 1])


def test_a_score_compares_each_sample_with_its_own_class():
    model = sl.SoftmaxRegression(2, 2)
    for target in (torch.zeros(4, 1), torch.zeros(3), torch.tensor(0), 0):
        with pytest.raises(ValueError, match=r"target has shape \(.*asks for \(4,\)"):
            model.score(torch.zeros(4, 2), target)


def test_it_takes_lists():
    x, y = [[0.0], [1.0]], [0, 1]
    model = sl.SoftmaxRegression(1, 2).fit(x, y, progress=False)
    assert model.score(x, y) == 1
    assert model.predict(x).tolist() == y
    assert model.predict_proba(x).shape == (2, 2)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_it_refuses_samples_that_are_not_finite(value):
    model, x = sl.SoftmaxRegression(1, 2), torch.tensor([[0.0], [value]])
    for use in (
        lambda: model.fit(x, [0, 1]),
        lambda: model.predict(x),
        lambda: model.score(x, [0]),
    ):
        with pytest.raises(ValueError, match="x must be finite"):
            use()
    assert model.weight.isfinite().all()


def test_fitting_again_goes_on_from_the_weights():
    x, y = torch.tensor([[0.0], [1.0]]), torch.tensor([0, 1])
    model = sl.SoftmaxRegression(1, 2).fit(x, y, progress=False)
    weight, bias = (p.detach().clone() for p in model.parameters())
    assert weight.any()
    model.fit(3 * x + 1, 1 - y, steps=0, progress=False)
    assert torch.equal(model.weight, weight)
    torch.testing.assert_close(model.bias.detach(), bias)


@pytest.mark.parametrize("load", [load_wine, load_breast_cancer, sk_digits, load_iris])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_it_reaches_the_optimum_on_raw_features(load, dtype):
    X, y = load(return_X_y=True)
    best = softmax_lab.SoftmaxRegression(tol=1e-8, progress=False).fit(X, y)
    model = sl.SoftmaxRegression(X.shape[1], int(y.max()) + 1).to(dtype)
    model.fit(X, y, progress=False)

    def objective(weight, bias):
        loss = softmax_lab.cross_entropy(X @ weight.T + bias, y, reduction="sum")
        return loss + (weight**2).sum() / 2

    weight, bias = (p.detach().double().numpy() for p in (model.weight, model.bias))
    assert objective(weight, bias) <= 1.01 * objective(best.coef_, best.intercept_)


@pytest.mark.parametrize("offset", [0.0, 1e2, 1e4, -1e6])
def test_an_offset_of_the_features_changes_no_score(offset):
    x = torch.linspace(0, 1, 50, dtype=torch.float64)[:, None]
    y = (x[:, 0] > 0.5).long()
    model = sl.SoftmaxRegression(1, 2, C=1e4).double().fit(x + offset, y, progress=False)
    assert model.score(x + offset, y) == 1


def test_a_feature_that_never_changes_gets_no_weight():
    x = torch.tensor([[0.0, 0.1], [1.0, 0.1], [2.0, 0.1]]) + torch.tensor([0.0, 12345.0])
    model = sl.SoftmaxRegression(2, 2).fit(x, [0, 0, 1], progress=False)
    assert model.weight[:, 1].abs().max() < 1e-3
    assert model.weight[1, 0] > 0.1


@pytest.mark.parametrize(
    ("x", "target", "error", "says"),
    [
        (torch.empty(0, 1), torch.empty(0, dtype=torch.long), ValueError, "x must hold at least"),
        ([[0.0], [1.0]], [math.nan, 1.0], (TypeError, ValueError), "target"),
        ([[0.0], [1.0]], [0, 2], IndexError, "target holds 2"),
        ([[0.0], [1.0]], [0, 1, 1], ValueError, "target has shape"),
        ([[1j], [1.0]], [0, 1], TypeError, "x must be real"),
        ([["0"], ["1"]], [0, 1], (TypeError, ValueError), "x cannot be made a tensor"),
        ([[math.nan], [1.0]], [0, 1], ValueError, "x must be finite"),
        ([0.0, 1.0], [0, 1], ValueError, r"x must be \(n, 1\), but its shape is \(2,\)"),
        ([[0.0, 1.0]], [0], ValueError, r"x must be \(n, 1\), but its shape is \(1, 2\)"),
        (np.ma.masked_array([[0.0], [1.0]], [[1], [0]]), [0, 1], TypeError, "x has masked"),
        ([[0.0], [1.0]], np.ma.masked_array([0, 1], [1, 0]), TypeError, "target has masked"),
        (torch.eye(2).to_sparse(), [0, 1], TypeError, "x must be a dense tensor"),
    ],
)
def test_a_fit_that_is_refused_leaves_the_model_as_it_was(x, target, error, says):
    model = sl.SoftmaxRegression(1, 2).fit([[0.0], [1.0]], [0, 1], progress=False)
    before = [p.detach().clone() for p in model.parameters()]
    with pytest.raises(error, match=says):
        model.fit(x, target, progress=False)
    assert all(map(torch.equal, model.parameters(), before))


def test_a_score_counts_classes():
    model = sl.SoftmaxRegression(1, 2)
    assert model.score([[0.0], [1.0]], torch.tensor([0, 1], dtype=torch.uint16)) == 0.5
    for wrong in ([0.0, 1.0], [False, True]):
        with pytest.raises(TypeError, match="target must hold integer class indices"):
            model.score([[0.0], [1.0]], wrong)


@pytest.mark.parametrize("wrong", [2.0, "2", None, True])
def test_sizes_are_integers(wrong):
    with pytest.raises(TypeError, match="in_features must be an integer, but it is"):
        sl.SoftmaxRegression(wrong, 2)
    with pytest.raises(TypeError, match="steps must be an integer, but it is"):
        sl.SoftmaxRegression(1, 2).fit([[0.0], [1.0]], [0, 1], steps=wrong)
    with pytest.raises(TypeError, match=r"^num_classes must be an integer, but it is"):
        sl.SoftmaxRegression(2, wrong)
    with pytest.raises(ValueError, match="must not be negative"):
        sl.SoftmaxRegression(-1, 2)
    with pytest.raises(ValueError, match=r"^steps must not be negative, but it is -1"):
        sl.SoftmaxRegression(1, 2).fit([[0.0], [1.0]], [0, 1], steps=-1)
    assert sl.SoftmaxRegression(0, 2).weight.shape == (2, 0)


SAMPLES = torch.randn(12, 2, generator=torch.Generator().manual_seed(0))
CLASSES = torch.arange(12) % 3


@pytest.mark.parametrize(
    "mode",
    [
        torch.no_grad,
        torch.inference_mode,
        lambda: torch.device("meta"),
        lambda: torch.autocast("cpu", dtype=torch.bfloat16),
    ],
    ids=["no_grad", "inference_mode", "default device", "autocast"],
)
def test_a_fit_is_the_same_in_any_mode(mode):
    expected = sl.SoftmaxRegression(2, 3).fit(SAMPLES, CLASSES, progress=False).weight
    model = sl.SoftmaxRegression(2, 3)
    with mode():
        model.fit(SAMPLES, CLASSES, progress=False)
    torch.testing.assert_close(model.weight, expected, rtol=0, atol=0)


def test_what_was_made_in_inference_mode_is_fitted_too():
    expected = sl.SoftmaxRegression(2, 3).fit(SAMPLES, CLASSES, progress=False).weight
    with torch.inference_mode():
        x, target, model = SAMPLES.clone(), CLASSES.clone(), sl.SoftmaxRegression(2, 3)
    for fitted in (sl.SoftmaxRegression(2, 3), model):
        fitted.fit(x, target, progress=False)
        torch.testing.assert_close(fitted.weight, expected, rtol=0, atol=0)


def test_samples_that_require_a_gradient_are_data():
    x = SAMPLES.clone().requires_grad_()
    assert sl.SoftmaxRegression(2, 3).fit(x, CLASSES, progress=False).weight.any()
    assert x.grad is None


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_fitted_in_float32_and_rounded_once(dtype):
    x = SAMPLES.to(dtype)
    model = sl.SoftmaxRegression(2, 3).to(dtype).fit(x, CLASSES, progress=False)
    wide = sl.SoftmaxRegression(2, 3).fit(x.float(), CLASSES, progress=False)
    torch.testing.assert_close(model.weight, wide.weight.to(dtype), rtol=2e-2, atol=1e-3)


@pytest.mark.parametrize("scale", [1e-30, 1e-12, 1e12, 1e30, 1e37])
def test_features_of_any_size_that_a_float_holds(scale):
    model = sl.SoftmaxRegression(2, 3).fit(SAMPLES * scale, CLASSES, progress=False)
    reference = softmax_lab.SoftmaxRegression(progress=False)
    x = (SAMPLES * scale).double().numpy()
    expected = reference.fit(x, CLASSES.numpy()).predict_proba(x)
    found = model.predict_proba(SAMPLES * scale).double()
    torch.testing.assert_close(found, torch.from_numpy(expected), atol=1e-3, rtol=0)


@pytest.mark.parametrize("C", [1e-8, 1e-14, 1e-31, 1e-300])
@pytest.mark.parametrize("balanced", [True, False])
def test_a_strong_penalty_leaves_weights_in_proportion_to_the_slope(C, balanced):
    """Where the gradient is 0, W / C is Σ (y − p) xᵀ."""
    y = CLASSES if balanced else CLASSES.where(torch.arange(12) < 8, 0)
    x = (SAMPLES + y[:, None]).double()
    model = sl.SoftmaxRegression(2, 3, C=C).double().fit(x, y, progress=False)
    slope = (sl.one_hot(y, 3, torch.float64) - model.predict_proba(x)).T @ (x - x.mean(0))
    torch.testing.assert_close(model.weight.detach() / C, slope, rtol=1e-3, atol=1e-3)
    if balanced:  # then the weights alone decide
        assert model.score(x, y) > 0.5
