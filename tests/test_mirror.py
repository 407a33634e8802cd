"""The two backends mirror each other: names, signatures, values."""

import inspect

import numpy as np
import pytest
import torch

import softmax_lab.numpy as np_side
import softmax_lab.torch as torch_side

pytestmark = pytest.mark.usefixtures("both_ways")
# torch has autograd for these
ONLY_NUMPY = {"cross_entropy_with_grad", "linear_cross_entropy_with_grad"}
RENAMED = {"axis": "dim", "rng": "generator", "keepdims": "keepdim"}
ONLY_NUMPY_ARGUMENTS = {"out"}
SAME = sorted(set(np_side.__all__) - ONLY_NUMPY - {"SoftmaxRegression"})


def test_the_names_are_the_same():
    assert set(torch_side.__all__) == set(np_side.__all__) - ONLY_NUMPY
    assert all(f"`{name}`" in torch_side.__doc__ for name in ONLY_NUMPY), "no reader would know"


@pytest.mark.parametrize("name", SAME)
def test_the_signatures_are_the_same(name):
    def arguments(side):
        parameters = inspect.signature(getattr(side, name)).parameters.values()
        return [
            (RENAMED.get(p.name, p.name), p.kind, "dtype" if p.name == "dtype" else p.default)
            for p in parameters
            if p.name not in ONLY_NUMPY_ARGUMENTS
        ]

    assert arguments(torch_side) == arguments(np_side)


def test_softmax_regression_answers_to_the_same_names():
    shared = {"fit", "predict", "predict_proba", "score"}
    for side in (np_side, torch_side):
        assert shared <= set(dir(side.SoftmaxRegression))


MAY_CANCEL = {
    "kl_divergence",
    "linear",
    "linear_cross_entropy",
    "log_softmax_vjp",
    "logit",
    "logits_from_probabilities",
    "nll_loss",
    "softmax_jvp",
    "softmax_vjp",
}


def cases(x):
    """Calls of both sides on logits x, (rows, C), as name -> (function, arguments, keywords)."""
    rng = np.random.default_rng(1)
    n = x.shape[-1]
    p = rng.dirichlet(np.ones(n), size=len(x)).astype(x.dtype)
    p /= p.sum(-1, keepdims=True)
    y = rng.integers(n, size=len(x))
    weight = rng.random(n).astype(x.dtype)
    v = rng.normal(size=x.shape).astype(x.dtype)
    keep = np.arange(n) != 1
    return [
        ("softmax", (x,), {}),
        ("softmax", (x, 0), {}),
        ("softmax", (x, None), {"where": keep}),
        ("log_softmax", (x,), {}),
        ("log_softmax", (x,), {"where": keep}),
        ("logsumexp", (x,), {}),
        ("logsumexp", (x, (0, 1)), {"keepdims": True}),
        ("sigmoid", (x,), {}),
        ("logit", (p,), {}),
        ("logits_from_probabilities", (p,), {}),
        ("hardmax", (x,), {}),
        ("predict", (x,), {}),
        ("linear", (x, v), {}),
        ("linear_cross_entropy", (x, v, y % len(v)), {"reduction": "none"}),
        ("linear_cross_entropy", (x, v, y % len(v)), {"z_loss": 0.1, "softcap": 3.0}),
        ("softmax_jacobian", (x,), {}),
        ("softmax_vjp", (x, v), {}),
        ("softmax_jvp", (x, v), {}),
        ("log_softmax_vjp", (x, v), {}),
        ("one_hot", (y, n), {}),
        ("entropy", (p,), {}),
        ("kl_divergence", (p, p[::-1]), {}),
        ("kl_divergence", (x, x + v), {"from_logits": True}),
        ("nll_loss", (x, y), {"weight": weight}),
        ("cross_entropy", (x, y), {}),
        ("cross_entropy", (x, y), {"reduction": "none", "ignore_index": int(y[0])}),
        ("cross_entropy", (x, y), {"weight": weight, "label_smoothing": 0.1}),
        ("cross_entropy", (x, p), {"weight": weight, "reduction": "sum"}),
    ]


def as_torch(value):
    return torch.from_numpy(np.ascontiguousarray(value)) if isinstance(value, np.ndarray) else value


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("scale", [1, 10, 100])
def test_the_values_are_the_same_to_a_few_ulp(dtype, scale):
    """Of the largest entry of the result, where sums may cancel; of each entry, where none does."""
    x = (np.random.default_rng(scale).normal(size=(4, 6)) * scale).astype(dtype)
    for name, arguments, keywords in cases(x):
        expected = np.asarray(getattr(np_side, name)(*arguments, **keywords))
        keywords = {RENAMED.get(key, key): as_torch(value) for key, value in keywords.items()}
        found = getattr(torch_side, name)(*map(as_torch, arguments), **keywords).numpy()
        assert found.shape == expected.shape, name
        finite = np.isfinite(expected)
        assert np.array_equal(found[~finite], expected[~finite]), name
        found, expected = found[finite], expected[finite]
        unit = np.abs(expected).max() if name in MAY_CANCEL else np.abs(expected)
        unit = np.spacing(np.maximum(unit, np.finfo(dtype).tiny).astype(dtype))
        worst = (np.abs(found - expected) / unit).max(initial=0)
        bar = 8 if name == "softmax_jacobian" else 4  # its entries are products of two shares
        assert worst <= bar, f"{name} differs from the NumPy side by {worst:.1f} ulp"


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_loss_of_a_sure_row_has_no_minus(dtype):
    x, p, w = (np.array(each, dtype) for each in ([[0, -2000]], [[1, 0]], [2, 1]))
    calls = [("nll_loss", (x, np.array([0])), {})]
    for target in (np.array([0]), p):
        calls += [("cross_entropy", (x, target), {}), ("cross_entropy", (x, target), {"weight": w})]
        calls.append(("linear_cross_entropy", (x, np.eye(2, dtype=dtype), target), {}))
    for side, make in ((np_side, np.asarray), (torch_side, as_torch)):
        for name, arguments, keywords in calls:
            keywords = {key: make(value) for key, value in keywords.items()}
            for reduction in ("none", "sum", "mean"):
                loss = getattr(side, name)(*map(make, arguments), reduction=reduction, **keywords)
                assert f"{loss.item()}" == "0.0", (name, reduction)


INF, NAN, MAX = np.inf, np.nan, np.finfo(float).max
ODD_TARGETS = {
    "classes": [0, 1, 2],
    "one class": [2, 2, 2],
    "one ignored": [0, -100, 1],
    "all ignored": [-100, -100, -100],
    "probabilities": [[0.2, 0.3, 0.5], [0.0, 0.0, 0.0], [1.0, 1.0, 0.0]],
}
ODD_WEIGHTS = [None, [0, 1, 2], [0, 0, 0], [1e308, 1e308, 1e308], [1e-300] * 3, [1e308, 1, 0]]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n", [3, 100])
@pytest.mark.parametrize("at", [0, 1, 2])
@pytest.mark.parametrize("odd", [INF, -INF, NAN])
def test_an_infinite_gradient_of_log_softmax_is_the_formula_as_it_stands(dtype, n, at, odd):
    """That is what autograd makes of it: nan where two infinities meet, or 0 and an infinity."""
    rows = [[0, 1, 2], [2, 1, 0], [0, -50, -2000], [0, 60, -INF], [-7, -8, -7]]
    x = np.array([row + [-1.0] * (n - 3) for row in rows], dtype)
    v = np.ones_like(x)
    v[:, at] = odd
    z = torch.from_numpy(x)
    w = torch.from_numpy(v)
    expected = w - torch.softmax(z, -1) * w.sum(-1, keepdim=True)
    for found in (np_side.log_softmax_vjp(x, v), torch_side.log_softmax_vjp(z, w).numpy()):
        np.testing.assert_array_equal(found, expected.numpy())


@pytest.mark.parametrize("target", ODD_TARGETS.values(), ids=ODD_TARGETS)
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("smoothing", [0.0, 0.1, 1.0])
def test_odd_losses_and_their_gradients_are_the_same(target, reduction, smoothing):
    """Infinite and missing logits; weights that are 0, or whose sum is out of range."""
    options = {"reduction": reduction, "label_smoothing": smoothing}
    for row in ([0, 1, 2], [INF, 0, 1], [-INF, -INF, -INF], [NAN, 0, 1], [-INF, 0, 1],
                [MAX, -MAX, 0]):  # fmt: skip
        for weight in ODD_WEIGHTS:
            x = np.full((3, 3), row, float)
            w = None if weight is None else np.array(weight, float)
            with np.errstate(all="raise"):  # nothing of it is an error
                loss, gradient = np_side.cross_entropy_with_grad(x, target, weight=w, **options)
            if np.isinf(loss).any() and (reduction != "mean" or np.ndim(target) > 1):
                continue  # with these weights the loss itself is out of range, or on the way
            z = torch.from_numpy(x).requires_grad_()
            w, y = None if w is None else torch.from_numpy(w), torch.from_numpy(np.array(target))
            found = torch_side.cross_entropy(z, y, weight=w, **options)
            (slope,) = torch.autograd.grad(found.sum(), z)
            say = f"logits {row}, weight {weight}"
            for one, other in ((found.detach(), loss), (slope, gradient)):
                np.testing.assert_allclose(one, other, 1e-13, 1e-300, err_msg=say)


@pytest.mark.parametrize("shape", [(0, 2, 3), (2, 0, 3), (0, 0, 3), (0, 2, 0), (2, 3, 1)])
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("options", [{}, {"label_smoothing": 0.1}, {"z_loss": 0.1, "softcap": 2.0}])
def test_a_layer_of_nothing_is_the_same(shape, reduction, options):
    """No rows, no features, no classes: the mean of nothing is nan, and has no slope."""
    rows, features, classes = shape
    sizes = ((rows, features), (classes, features), (classes,))
    x, weight, bias = (np.ones(size) for size in sizes)
    same_layer(x, weight, bias, np.zeros(rows, int), reduction=reduction, **options)


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("ignored", [[1], [0, 1, 2]])
@pytest.mark.parametrize(
    "options", [{}, {"label_smoothing": 0.1}, {"z_loss": 0.1}, {"softcap": 2.0}], ids=str
)
def test_an_ignored_row_has_no_slope_whatever_it_holds(reduction, ignored, options):
    x, weight, bias = np.ones((3, 2)), np.arange(8.0).reshape(4, 2), np.zeros(4)
    x[1] = np.nan
    target = np.array([0, 1, 2])
    target[ignored] = -100
    slopes = same_layer(x, weight, bias, target, reduction=reduction, **options)
    assert not slopes[0][ignored].any()


def same_layer(x, weight, bias, target, **options):
    """Hold both sides to the same loss and gradients, and return the latter."""
    loss, gradients = np_side.linear_cross_entropy_with_grad(x, weight, target, bias, **options)
    tensors = [torch.from_numpy(each).requires_grad_() for each in (x, weight, bias)]
    found = torch_side.linear_cross_entropy(
        tensors[0], tensors[1], torch.from_numpy(target), tensors[2], **options
    )
    slopes = [each.numpy() for each in torch.autograd.grad(found.sum(), tensors)]
    for one, other in zip([found.detach().numpy(), *slopes], [loss, *gradients], strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-13, atol=1e-300)
    return slopes


@pytest.mark.parametrize("shape", [(0,), (0, 0), (0, 3), (3, 0)])
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_smoothed_losses_of_nothing_are_the_same(shape, reduction):
    x, options = np.ones(shape), {"reduction": reduction, "label_smoothing": 0.1}
    found = torch_side.cross_entropy(torch.from_numpy(x), torch.from_numpy(x), **options)
    np.testing.assert_array_equal(found, np_side.cross_entropy(x, x, **options))
