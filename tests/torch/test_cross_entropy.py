"""Chapter 6 in torch: PyTorch's semantics, more digits, less memory."""

import math
import random
import re

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch.autograd import forward_ad

import softmax_lab.torch as sl
from softmax_lab.torch._rows import DEVICE_BLOCK
from tests import reference
from tests.torch.devices import as_array, each_device, each_device_and_dtype
from tests.torch.memory import peak

pytestmark = pytest.mark.usefixtures("both_ways")
BAR = 4  # ulp


@each_device_and_dtype
def test_loss_and_gradient_are_within_4_ulp(device, dtype):
    for family, row in reference.row_families(str(dtype).removeprefix("torch.")).items():
        for y in {int(row.argmax()), len(row) - 1}:
            loss, gradient = (
                reference.cross_entropy(row, y),
                reference.cross_entropy_gradient(row, y),
            )
            index = torch.tensor(y, device=device)
            for target in (index, sl.one_hot(index, len(row), dtype)):
                x = torch.tensor(row, device=device, requires_grad=True)
                found = sl.cross_entropy(x, target)
                found.backward()
                kind = f"{family}, target {y} ({target.dtype})"
                error = reference.max_ulp(as_array(found), loss)
                assert error <= BAR, f"the loss is off by {error:.1f} ulp on {kind}"
                error = reference.max_ulp(as_array(x.grad), gradient)
                assert error <= BAR, f"the gradient is off by {error:.1f} ulp on {kind}"


def options(seed):
    """A random call: logits with classes in dim 1, a target, and keyword arguments."""
    rng, g = random.Random(seed), torch.Generator().manual_seed(seed)
    n, classes = rng.choice([1, 2, 5]), rng.choice([1, 2, 3, 7])
    shape = rng.choice([(classes,), (n, classes), (n, classes, 3), (n, classes, 2, 3)])
    dim = min(1, len(shape) - 1)
    x = torch.randn(shape, generator=g, dtype=torch.float64) * rng.choice([1, 10])
    keywords = {
        "reduction": rng.choice(["mean", "sum", "none"]),
        "label_smoothing": rng.choice([0.0, 0.0, 0.1, 1.0]),
        "weight": rng.choice([None, torch.rand(classes, generator=g, dtype=torch.float64)]),
    }
    if rng.random() < 0.4:
        target = torch.rand(shape, generator=g, dtype=torch.float64).softmax(dim)
    else:
        rows = shape[:dim] + shape[dim + 1 :]
        target = torch.randint(classes, rows, generator=g)
        keywords["ignore_index"] = rng.choice([-100, 0, -1, classes - 1])
        if keywords["ignore_index"] < 0:
            ignored = torch.rand(rows, generator=g) < 0.3
            target = target.masked_fill(ignored, keywords["ignore_index"])
    return x, target, dim, keywords


@pytest.mark.parametrize("start", range(0, 400, 50))
def test_random_options_mean_what_they_mean_in_torch(start):
    for seed in range(start, start + 50):
        x, target, dim, keywords = options(seed)
        ours, theirs = x.clone().requires_grad_(), x.clone().requires_grad_()
        found = sl.cross_entropy(ours, target, dim, **keywords)
        expected = F.cross_entropy(theirs, target, **keywords)
        said = f"{tuple(x.shape)}, {target.dtype}, {keywords}"
        bar = {"rtol": 1e-12, "atol": 1e-13}
        torch.testing.assert_close(
            found, expected, **bar, equal_nan=True, msg=f"losses differ: {said}"
        )
        if not expected.isnan().any():
            v = torch.randn_like(expected)
            found.backward(v)
            expected.backward(v)
            torch.testing.assert_close(
                ours.grad, theirs.grad, **bar, msg=f"gradients differ: {said}"
            )


def test_second_derivatives_are_those_of_torch():
    x, y = torch.randn(4, 5, dtype=torch.float64), torch.tensor([0, 4, -100, 2])
    hessian = torch.autograd.functional.hessian
    torch.testing.assert_close(
        hessian(lambda x: sl.cross_entropy(x, y), x), hessian(lambda x: F.cross_entropy(x, y), x)
    )


def test_the_classes_may_be_in_any_dim():
    x, y = torch.randn(2, 3, 4, 5), torch.randint(4, (2, 3, 5))
    expected = F.cross_entropy(x.movedim(2, 1), y, reduction="none")
    torch.testing.assert_close(sl.cross_entropy(x, y, 2, reduction="none"), expected)


def test_as_many_rows_as_classes_are_not_taken_for_them():
    x, y = torch.randn(3, 3), torch.tensor([0, 2, 2])
    for loss in (sl.cross_entropy, sl.nll_loss):
        torch.testing.assert_close(loss(x, y, 0), loss(x.T, y))
    with pytest.raises(ValueError, match=r"\(3,\); logits \(3,\) with classes on dim 0 ask for"):
        sl.cross_entropy(x[0], y)


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_a_target_that_needs_a_gradient_changes_no_loss(reduction, smoothing):
    x, target = torch.randn(2, 3, 4), torch.rand(2, 3, 4)
    x[0, 0, 0] = x[0, 1, 0] = -math.inf
    target[0, 0, 0] = 0.0  # costs nothing; the other costs inf
    for y, logits in ((target, x), (target[1], x[1]), (target[0, 0], x[0, 0])):
        options = {"weight": torch.rand(4), "label_smoothing": smoothing, "reduction": reduction}
        expected = sl.cross_entropy(logits, y, -1, **options)
        found = sl.cross_entropy(logits, y.clone().requires_grad_(), -1, **options)
        assert found.requires_grad
        torch.testing.assert_close(found.detach(), expected)


def test_the_gradient_of_a_target_is_that_of_torch():
    x, target = torch.randn(3, 4), torch.rand(3, 4).requires_grad_()
    for options in ({}, {"weight": torch.rand(4), "label_smoothing": 0.1}):
        losses = (
            function(x, target, **options) for function in (sl.cross_entropy, F.cross_entropy)
        )
        torch.testing.assert_close(*(torch.autograd.grad(loss, target)[0] for loss in losses))


def test_smoothed_entirely_all_classes_count_alike():
    x, y = torch.randn(3, 4), torch.tensor([0, 1, 3])
    found = sl.cross_entropy(x, y, label_smoothing=1.0)
    torch.testing.assert_close(found, -x.log_softmax(-1).mean())


class Dropped(torch.autograd.Function):
    """What hands no gradient back."""

    @staticmethod
    def forward(ctx, x):
        return x.clone()

    @staticmethod
    def backward(ctx, v):
        return None


def test_a_loss_that_nothing_asks_for_has_no_gradient():
    x = torch.randn(3, 4, requires_grad=True)
    Dropped.apply(sl.cross_entropy(x, torch.tensor([0, 1, 2]), label_smoothing=0.1)).backward()
    assert x.grad is None or not x.grad.any()


# torch's forward mode calls what torch itself has deprecated.
def test_forward_mode_without_gradients():
    x, v, y = torch.randn(3, 4), torch.randn(3, 4), torch.tensor([0, 1, 2])
    for target in (y, sl.one_hot(y, 4)):
        z = x.clone().requires_grad_()
        (expected,) = torch.autograd.grad(sl.cross_entropy(z, target), z)
        with torch.no_grad(), forward_ad.dual_level():
            dual = sl.cross_entropy(forward_ad.make_dual(x, v), target)
            found = forward_ad.unpack_dual(dual).tangent
        torch.testing.assert_close(found, (expected * v).sum())


def test_nll_loss_is_that_of_torch():
    log_p, y = torch.randn(6, 4).log_softmax(-1), torch.tensor([0, 1, -100, 3, 3, 2])
    for reduction in ("mean", "sum", "none"):
        for weight in (None, torch.tensor([1.0, 0.0, 2.0, 0.5])):
            keywords = {"weight": weight, "reduction": reduction}
            torch.testing.assert_close(
                sl.nll_loss(log_p, y, **keywords), F.nll_loss(log_p, y, **keywords)
            )


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_float32_rounded_once(dtype):
    x, y = (torch.randn(300, 1000) * 5).to(dtype), torch.randint(1000, (300,))
    half, wide = x.clone().requires_grad_(), x.float().requires_grad_()
    found, expected = sl.cross_entropy(half, y), sl.cross_entropy(wide, y)
    found.backward()
    expected.backward()
    assert torch.equal(found, expected.to(dtype))
    assert torch.equal(half.grad, wide.grad.to(dtype))


def test_ignored_and_masked_rows_count_for_nothing():
    x = torch.randn(3, 4)
    x[1] = math.nan
    x.requires_grad_()
    y = torch.tensor([0, -100, 3])
    for smoothing in (0.0, 0.1):
        loss = sl.cross_entropy(x, y, label_smoothing=smoothing)
        torch.testing.assert_close(
            loss, sl.cross_entropy(x[::2], y[::2], label_smoothing=smoothing)
        )
        (gradient,) = torch.autograd.grad(loss, x)
        assert gradient[1].tolist() == [0.0] * 4
        assert gradient[::2].isfinite().all()


@pytest.mark.parametrize(("reduction", "expected"), [("mean", math.nan), ("sum", 0.0)])
def test_nothing_to_average(reduction, expected):
    for x, y in (
        (torch.zeros(2, 3), torch.tensor([-100, -100])),
        (torch.zeros(0, 3), torch.zeros(0).long()),
    ):
        found = sl.cross_entropy(x.requires_grad_(), y, reduction=reduction)
        torch.testing.assert_close(found, torch.tensor(expected), equal_nan=True)
        torch.testing.assert_close(
            sl.nll_loss(x, y, reduction=reduction).detach(), torch.tensor(expected), equal_nan=True
        )


@pytest.fixture
def visible_garbage():
    """Memory that nobody has written to holds nan."""
    torch.use_deterministic_algorithms(True)
    yield
    torch.use_deterministic_algorithms(False)


@pytest.mark.usefixtures("visible_garbage")
def test_rows_without_classes_lose_nothing():
    found = sl.cross_entropy(torch.zeros(2, 0), torch.tensor([-100, -100]), reduction="none")
    assert found.tolist() == [0, 0]


def test_zero_mass_on_an_impossible_class_costs_nothing():
    x = torch.tensor([[0.0, -math.inf]], requires_grad=True)
    loss = sl.cross_entropy(x, torch.tensor([[1.0, 0.0]]))
    loss.backward()
    assert loss == 0
    assert x.grad.tolist() == [[0.0, 0.0]]


@pytest.mark.parametrize("function", [sl.cross_entropy, sl.nll_loss])
@pytest.mark.parametrize("wrong", [-1, 3, 10**9])
def test_a_bad_target_is_named_with_its_position(function, wrong):
    with pytest.raises(IndexError, match=rf"target holds {wrong} at \(1,\).*from 0 to 2"):
        function(torch.zeros(2, 3), torch.tensor([0, wrong]))


@pytest.mark.parametrize(
    ("error", "match", "change"),
    [
        (ValueError, "reduction.*'avg'", {"reduction": "avg"}),
        (ValueError, "label_smoothing.*1.5", {"label_smoothing": 1.5}),
        (ValueError, "label_smoothing.*nan", {"label_smoothing": math.nan}),
        (ValueError, "weight.*-1.0", {"weight": torch.tensor([1.0, -1.0, 1.0])}),
        (ValueError, r"weight.*\(2,\)", {"weight": torch.ones(2)}),
        (ValueError, r"\(2, 1\).*\(2, 3\)", {"target": torch.zeros(2, 1).long()}),
        (ValueError, r"\(3,\).*\(2, 3\)", {"target": torch.zeros(3).long()}),
        (
            ValueError,
            r"integers \(2,\), or for floating probabilities \(2, 3\)",
            {"target": torch.eye(3).long()[:2]},
        ),
        (TypeError, "weight.*complex64", {"weight": torch.ones(3, dtype=torch.complex64)}),
        (TypeError, "float32", {"target": torch.zeros(2)}),
        (TypeError, "bool", {"target": torch.zeros(2).bool()}),
        (ValueError, "target.*-0.5", {"target": torch.tensor([[1.0, 0, 0], [1.5, -0.5, 0]])}),
        (TypeError, "complex64", {"logits": torch.zeros(2, 3, dtype=torch.complex64)}),
    ],
)
def test_bad_arguments_are_named(error, match, change):
    arguments = {"logits": torch.zeros(2, 3), "target": torch.tensor([0, 1])} | change
    with pytest.raises(error, match=match):
        sl.cross_entropy(**arguments)


@pytest.mark.parametrize(
    ("function", "name"), [(sl.cross_entropy, "logits"), (sl.nll_loss, "log_probabilities")]
)
def test_a_loss_calls_its_argument_by_name(function, name):
    with pytest.raises(ValueError, match=f"^{name} must have a dimension of classes"):
        function(1.0, 0)
    with pytest.raises(ValueError, match=rf"; {name} \(2, 3\)"):
        function(torch.zeros(2, 3), 0)


def test_nll_loss_asks_for_no_probabilities():
    with pytest.raises(ValueError, match=r"ask for integers \(2,\)$"):
        sl.nll_loss(torch.zeros(2, 3), torch.eye(3)[:2])


@pytest.mark.parametrize("function", [sl.cross_entropy, sl.nll_loss])
@pytest.mark.parametrize("dim", [None, (0, 1)])
def test_a_loss_takes_one_dim_of_classes(function, dim):
    with pytest.raises(ValueError, match=re.escape(f"dim must be one integer, but it is {dim}")):
        function(torch.zeros(2, 3), torch.tensor([0, 1]), dim)


def test_backward_hands_over_the_gradient_and_can_be_repeated():
    x, y = torch.randn(5, 6, requires_grad=True), torch.randint(6, (5,))
    loss = sl.cross_entropy(x, y)
    (first,) = torch.autograd.grad(loss, x, retain_graph=True)
    (scaled,) = torch.autograd.grad(3 * loss, x, retain_graph=True)
    (graph,) = torch.autograd.grad(loss, x, create_graph=True)
    torch.testing.assert_close(scaled, 3 * first)
    torch.testing.assert_close(graph, first)
    assert graph.requires_grad
    for factor in (1, 2, 3):
        for options in ({}, {"label_smoothing": 0.1}):
            loss, other = sl.cross_entropy(x, y, **options), sl.cross_entropy(x, y, **options)
            (found,) = torch.autograd.grad(factor * other, x)
            (kept,) = torch.autograd.grad(loss, x, retain_graph=True)
            torch.testing.assert_close(found, factor * kept)
    (found,) = torch.autograd.grad(sl.cross_entropy(x, y, ignore_index=y[0].item()), x)
    assert not found[y == y[0]].any()


@each_device
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_only_the_gradient_has_the_size_of_the_logits(device, dtype):
    x = torch.zeros(2048, 4096, device=device, dtype=dtype, requires_grad=True)
    y = torch.zeros(2048, device=device, dtype=torch.long)
    blocks = 0 if device == "cpu" else 4 * DEVICE_BLOCK * 4
    held = peak(lambda: sl.cross_entropy(x, y).backward()) - blocks
    assert held <= 1.15 * x.nbytes, f"{held / x.nbytes:.2f} × the logits were held"


def test_entropy_and_divergence():
    p = torch.tensor([0.25, 0.75, 0.0], dtype=torch.float64)
    assert sl.entropy(p).item() == pytest.approx(0.25 * math.log(4) + 0.75 * math.log(4 / 3))
    assert sl.kl_divergence(p, p) == 0
    q = torch.tensor([0.5, 0.0, 0.5], dtype=torch.float64)
    assert sl.kl_divergence(p, q) == math.inf
    for bad in ([0.5, 0.6], [1.5, -0.5]):
        with pytest.raises(ValueError, match="p must"):
            sl.entropy(torch.tensor(bad))


def test_entropy_has_no_slope_where_there_is_no_probability():
    p = torch.tensor([0.25, 0.75, 0.0], dtype=torch.float64, requires_grad=True)
    sl.entropy(p).backward()
    expected = -1 - p.detach().log()
    torch.testing.assert_close(p.grad, torch.tensor([*expected[:2].tolist(), 0]).double())


def test_divergence_along_any_dimension_and_beside_a_class_that_is_masked():
    x = torch.randn(3, 4, dtype=torch.float64)
    y = x + 1e-7 * torch.randn(3, 4, dtype=torch.float64)
    for from_logits in (False, True):
        p, q = (x, y) if from_logits else (sl.softmax(x, 0), sl.softmax(y, 0))
        rows = sl.kl_divergence(p.T, q.T, from_logits=from_logits)
        found = sl.kl_divergence(p, q, 0, from_logits=from_logits)
        torch.testing.assert_close(found, rows, rtol=1e-14, atol=0)
    more = [torch.nn.functional.pad(each, (0, 1), value=-math.inf) for each in (x, y)]
    found, expected = (sl.kl_divergence(*each, from_logits=True) for each in (more, (x, y)))
    torch.testing.assert_close(found, expected, rtol=1e-14, atol=0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_rows_that_are_far_apart_beside_rows_that_are_close(dtype):
    x = torch.tensor([[0.0, 0.5, 1.0], [0.0, 0.5, 1.0], [0.0, -1000.0, 0.0]], dtype=dtype)
    y = torch.tensor([[0.0, -1000.0, 3.0], [1e-3, 0.5, 1.0], [0.0, -1000.0, 1.0]], dtype=dtype)
    exact = [
        float(reference.kl_from_logits(*pair)) for pair in zip(x.numpy(), y.numpy(), strict=True)
    ]
    exact, bar = torch.tensor(exact, dtype=dtype), {"rtol": 20 * torch.finfo(dtype).eps, "atol": 0}
    torch.testing.assert_close(sl.kl_divergence(x, y, from_logits=True), exact, **bar)
    torch.testing.assert_close(sl.kl_divergence(x.T, y.T, 0, from_logits=True), exact, **bar)


@pytest.mark.parametrize(("dtype", "epsilon"), [(torch.float64, 1e-7), (torch.float32, 1e-3)])
def test_divergence_of_close_rows_keeps_all_digits(dtype, epsilon):
    g = torch.Generator().manual_seed(0)
    x = torch.randn(20, generator=g, dtype=dtype)
    y = x + epsilon * torch.randn(20, generator=g, dtype=dtype)
    exact = reference.kl_from_logits(as_array(x), as_array(y))
    found = sl.kl_divergence(x, y, from_logits=True).item()
    assert abs(found / float(exact) - 1) < 20 * torch.finfo(dtype).eps


@pytest.mark.parametrize(
    ("dtype", "gaps"), [(torch.float32, (2, 88, 95, 100, 110)), (torch.float64, (2, 709, 720, 800))]
)
def test_divergence_and_its_gradient_are_finite_where_p_is_nearly_0(dtype, gaps):
    for gap in gaps:
        x = torch.tensor([-gap, 0.0], dtype=dtype, requires_grad=True)
        y = torch.zeros(2, dtype=dtype, requires_grad=True)
        found = sl.kl_divergence(x, y, from_logits=True)
        p, q, ratio = x.softmax(-1), y.softmax(-1), x.log_softmax(-1) - y.log_softmax(-1)
        expected = (p * ratio).sum()
        torch.testing.assert_close(found, expected)
        gradients = torch.autograd.grad(found, (x, y))
        torch.testing.assert_close(gradients, (p * (ratio - expected), q - p))
    tiny = torch.finfo(dtype).smallest_normal / 100
    p = torch.tensor([tiny, 1.0], dtype=dtype, requires_grad=True)
    found = sl.kl_divergence(p, torch.tensor([0.5, 0.5], dtype=dtype))
    assert found.item() == pytest.approx(math.log(2))
    expected = torch.tensor([math.log(tiny) - math.log(0.5), math.log(2)], dtype=dtype)
    torch.testing.assert_close(torch.autograd.grad(found, p)[0], expected)


def test_one_hot():
    y = torch.tensor([[2, 0], [1, 1]])
    assert np.array_equal(sl.one_hot(y, 3), F.one_hot(y, 3))
    assert sl.one_hot([], 0).shape == (0, 0)
    with pytest.raises(ValueError, match="num_classes must not be negative, but it is -1"):
        sl.one_hot([], -1)
    with pytest.raises(IndexError, match="target holds 3"):
        sl.one_hot(torch.tensor(3), 3)
    with pytest.raises(TypeError, match=r"target .*float32"):
        sl.one_hot(torch.zeros(2), 3)
    with pytest.raises(TypeError, match=r"num_classes must be an integer, but it is 2\.5"):
        sl.one_hot(y, 2.5)
    with pytest.raises(TypeError, match=r"target .*float32"):
        sl.nll_loss(torch.zeros(2, 3), torch.zeros(2))


@pytest.mark.parametrize("factor", [2.0**-1060, 2.0**-100, 2.0**1020])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_no_factor_of_all_weights_changes_a_mean(factor, dtype, smoothing):
    x = torch.randn(6, 4, dtype=dtype, requires_grad=True)
    y = torch.tensor([0, 1, 2, 3, -100, 0])
    weight = torch.tensor([4.0, 1.0, 2.0, 3.0], dtype=torch.float64)
    losses = (
        lambda w: sl.cross_entropy(x, y, weight=w, label_smoothing=smoothing),
        lambda w: sl.nll_loss(x, y, weight=w),
        lambda w: sl.linear_cross_entropy(
            x, torch.eye(4), y, class_weight=w, label_smoothing=smoothing
        ),
    )
    for loss in losses:
        found, expected = loss(weight * factor), loss(weight)
        assert torch.equal(found, expected)
        assert torch.equal(*(torch.autograd.grad(each, x)[0] for each in (found, expected)))


def test_target_weights_of_a_dtype_that_torch_cannot_compute_in_are_refused():
    with pytest.raises(TypeError, match=r"^target must hold real numbers .* torch\.float8_e5m2"):
        sl.cross_entropy(torch.zeros(2, 3), torch.ones(2, 3).to(torch.float8_e5m2))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_target_weights_with_a_gradient_cost_half_precision_no_digits(dtype):
    x = torch.randn(5, 7, generator=torch.Generator().manual_seed(0)).to(dtype)
    q = torch.full((5, 7), 1 / 7, requires_grad=True)
    with torch.autocast("cpu", dtype=dtype):
        loss = sl.cross_entropy(x, q, reduction="sum")
    torch.testing.assert_close(
        loss.detach(), sl.cross_entropy(x.float(), q.detach(), reduction="sum")
    )
    (found,) = torch.autograd.grad(loss, q)
    torch.testing.assert_close(found, -sl.log_softmax(x.float()))
