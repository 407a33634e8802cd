"""Chapter 7 in torch: the loss of a linear layer is that of its logits, which are never held."""

import itertools
import math
import re
from functools import partial

import pytest
import torch
import torch.nn.functional as F
from torch._subclasses import FakeTensor, FakeTensorMode

import softmax_lab
import softmax_lab.torch as sl
from softmax_lab.torch import _chunks
from tests.torch.memory import peak

EPS = torch.finfo(torch.float64).eps


@pytest.fixture(params=[1 << 20, 140], ids=["one chunk", "many chunks"])
def _chunks_of_both_kinds(request, monkeypatch):
    monkeypatch.setattr(_chunks, "SMALLEST", request.param)
    monkeypatch.setattr(_chunks, "BLOCK", min(request.param, 64))


def layer(dtype=torch.float64, rows=30, features=7, classes=20, seed=0):
    g = torch.Generator().manual_seed(seed)
    shapes = (rows, features), (classes, features), (classes,)
    return [
        torch.randn(shape, generator=g, dtype=dtype or torch.float64).requires_grad_()
        for shape in shapes
    ]


def targets(rows=30, classes=20):
    g = torch.Generator().manual_seed(1)
    y = torch.randint(classes, (rows,), generator=g)
    y[3] = -100
    return y, torch.rand(rows, classes, generator=g, dtype=torch.float64)


def composition(x, weight, target, bias=None, *, softcap=None, z_loss=0.0, class_weight=None, **kw):
    """By the logits, with torch's own functions; for "mean" and "sum"."""
    z = F.linear(x, weight, bias)
    z = z if softcap is None else softcap * (z / softcap).tanh()
    lse = z.logsumexp(-1)
    squares = lse.square()[target != -100] if target.ndim < z.ndim else lse.square()
    z_term = squares.mean() if kw["reduction"] == "mean" else squares.sum()
    return F.cross_entropy(z, target, weight=class_weight, **kw) + z_loss * z_term, lse


@pytest.mark.usefixtures("_chunks_of_both_kinds")
@pytest.mark.parametrize("soft", [False, True], ids=["indices", "probabilities"])
@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_all_options_are_those_of_the_composition(reduction, soft):
    x, weight, bias = layer()
    target = targets()[soft]
    choices = itertools.product([None, bias], [None, 0.1], [None, 3.0], [0.0, 0.2], [0.0, 0.1])
    for b, w, softcap, z_loss, smoothing in itertools.islice(choices, None, None, 3):
        keywords = {
            "class_weight": None if w is None else torch.linspace(w, 2, 20, dtype=torch.float64),
            "softcap": softcap,
            "z_loss": z_loss,
            "label_smoothing": smoothing,
            "reduction": reduction,
        }
        inputs = [x, weight] if b is None else [x, weight, b]
        found = sl.linear_cross_entropy(x, weight, target, b, return_lse=True, **keywords)
        expected = composition(x, weight, target, b, **keywords)
        torch.testing.assert_close(found, expected, msg=f"the values differ: {keywords}")
        v = torch.randn_like(expected[1])
        for upstream in ((2.5, 0.0), (1.0, v)):
            gradients = [
                torch.autograd.grad(upstream[0] * loss + (upstream[1] * lse).sum(), inputs)
                for loss, lse in (
                    sl.linear_cross_entropy(x, weight, target, b, return_lse=True, **keywords),
                    composition(x, weight, target, b, **keywords),
                )
            ]
            torch.testing.assert_close(*gradients, msg=f"gradients differ: {keywords}")


@pytest.mark.parametrize("soft", [False, True], ids=["indices", "probabilities"])
@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize(
    "option",
    [
        {},
        {"class_weight": torch.linspace(0.1, 2, 4, dtype=torch.float64)},
        {"softcap": 3.0},
        {"z_loss": 0.1},
        {"label_smoothing": 0.2},
        {"z_loss": 0.1, "softcap": 3.0},
        {"label_smoothing": 0.2, "class_weight": torch.tensor([0, 0, 1, 2]).double()},
    ],
    ids=str,
)
def test_each_option_is_that_of_the_composition(option, reduction, soft):
    x, weight, bias = layer(rows=5, features=3, classes=4)
    target, keywords = targets(5, 4)[soft], {"reduction": reduction, **option}
    v = torch.linspace(-1, 2, 5, dtype=torch.float64)
    expected = composition(x, weight, target, bias, **keywords)
    for with_loss, with_lse, again in itertools.product((0.0, 1.0, 2.0), (0.0, 1.0), (0, 1)):
        if not with_loss + with_lse:
            continue
        found = sl.linear_cross_entropy(x, weight, target, bias, return_lse=True, **keywords)
        torch.testing.assert_close(found, expected)
        gradients = [
            torch.autograd.grad(
                (with_loss * loss if with_loss else 0) + ((v * lse).sum() if with_lse else 0),
                (x, weight, bias),
                retain_graph=True,
                create_graph=bool(again),
            )
            for loss, lse in (found, expected)
        ]
        torch.testing.assert_close(*gradients)
    function = lambda x: sl.linear_cross_entropy(x, weight, target, bias, **keywords)  # noqa: E731
    (gradient,) = torch.autograd.grad(expected[0], x, retain_graph=True)
    torch.testing.assert_close(torch.func.grad(function)(x.detach()), gradient)
    found = sl.linear_cross_entropy(x, weight, target, bias, **keywords)
    torch.testing.assert_close(found, expected[0])
    with torch.no_grad():
        found = sl.linear_cross_entropy(x, weight, target, bias, return_lse=True, **keywords)
    torch.testing.assert_close(found, tuple(each.detach() for each in expected))


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_the_weights_of_classes_count_once(smoothing):
    x, weight, _ = layer(rows=3, features=2, classes=4)
    y, options = torch.tensor([0, 1, 3]), {"label_smoothing": smoothing}
    w = torch.tensor([0.0, 1.0, 2.0, 3.0], dtype=torch.float64)
    found = sl.linear_cross_entropy(x, weight, y, class_weight=w, **options)
    torch.testing.assert_close(found, F.cross_entropy(x @ weight.T, y, weight=w, **options))


def test_options_may_be_tensors_and_have_no_gradient():
    x, weight, bias = layer()
    options = {"label_smoothing": 0.25, "z_loss": 0.125, "softcap": 2.0}
    tensors = {name: torch.tensor(each, requires_grad=True) for name, each in options.items()}
    found, expected = (
        sl.linear_cross_entropy(x, weight, targets()[0], bias, **each)
        for each in (tensors, options)
    )
    assert found == expected
    found.backward()
    assert all(each.grad is None for each in tensors.values())


def test_the_logsumexp_of_no_classes():
    y, x = torch.tensor([-100, -100]), torch.zeros(2, 3, requires_grad=True)
    _, lse = sl.linear_cross_entropy(x, torch.zeros(0, 3), y, return_lse=True)
    assert lse.tolist() == [-math.inf] * 2


@pytest.mark.usefixtures("_chunks_of_both_kinds")
@pytest.mark.parametrize("soft", [False, True], ids=["indices", "probabilities"])
def test_float64_keeps_the_digits_of_the_composition(soft):
    """Within 4 ulp of what is added up: Σ |g| |w| for x, Σ |g| |x| for the weight, Σ |g| for b."""
    for seed in range(5):
        x, weight, bias = layer(seed=seed)
        target = targets()[soft]
        found = sl.linear_cross_entropy(x, weight, target, bias)
        gradients = torch.autograd.grad(found, (x, weight, bias))
        logits = F.linear(x, weight, bias).detach().requires_grad_()
        expected = F.cross_entropy(logits, target)
        (g,) = torch.autograd.grad(expected, logits)
        torch.testing.assert_close(found, expected, rtol=4 * EPS, atol=0)
        terms = ((g, weight), (g.T, x), (g.T, torch.ones_like(x[:, :1])))
        for name, gradient, (a, b) in zip(("x", "weight", "bias"), gradients, terms, strict=True):
            a, b = a.detach(), b.detach()
            error = (gradient - (a @ b).reshape(gradient.shape)).abs()
            size = (a.abs() @ b.abs()).reshape(gradient.shape)
            worst = torch.where(error == 0, 0.0, error / size).max() / EPS
            assert worst <= 4, f"the gradient of {name} is off by {worst:.1f} ulp, seed {seed}"


@pytest.mark.usefixtures("_chunks_of_both_kinds")
def test_each_row_may_have_a_gradient_of_its_own():
    x, weight, bias = layer()
    y, _ = targets()
    found = sl.linear_cross_entropy(x, weight, y, bias, reduction="none")
    expected = F.cross_entropy(F.linear(x, weight, bias), y, reduction="none")
    torch.testing.assert_close(found, expected)
    v = torch.randn_like(found)
    torch.testing.assert_close(
        torch.autograd.grad(found, (x, weight, bias), v),
        torch.autograd.grad(expected, (x, weight, bias), v),
    )


def test_a_second_backward_pass_gives_the_same():
    x, weight, bias = layer()
    loss = sl.linear_cross_entropy(x, weight, targets()[0], bias)
    first = torch.autograd.grad(loss, (x, weight, bias), retain_graph=True)
    first = [each.clone() for each in first]
    second = torch.autograd.grad(3 * loss, (x, weight, bias))
    torch.testing.assert_close(second, tuple(3 * each for each in first))


def test_second_derivatives_are_right():
    x, weight, bias = layer(rows=3, features=2, classes=4)
    y = torch.tensor([0, 3, -100])

    def loss(x, weight, bias):
        return sl.linear_cross_entropy(x, weight, y, bias, z_loss=0.1, softcap=2.0, return_lse=True)

    assert torch.autograd.gradgradcheck(loss, (x, weight, bias))


def test_grad_and_vmap_of_torch_func():
    x, weight, _ = layer()
    y = targets()[1].argmax(-1)
    per_row = torch.func.vmap(torch.func.grad(sl.linear_cross_entropy, 1), (0, None, 0))
    for i, found in enumerate(per_row(x, weight, y)[:3]):
        loss = F.cross_entropy(F.linear(x[i], weight), y[i])
        torch.testing.assert_close(found, torch.autograd.grad(loss, weight)[0])


def test_under_a_transform_the_values_are_the_same():
    x, weight, bias = (each.detach().float() for each in layer(features=64))
    y = targets()[1].argmax(-1)
    loss = torch.func.vmap(lambda x, y: sl.linear_cross_entropy(x, weight, y, bias))
    for enabled in (False, True):
        with torch.autocast("cpu", torch.bfloat16, enabled=enabled):
            expected = sl.linear_cross_entropy(x, weight, y, bias, reduction="none")
            torch.testing.assert_close(loss(x, y), expected)
    weight, bias = torch.tensor([[math.inf], [0.0]]), torch.zeros(2)
    assert loss(torch.ones(1, 1), torch.tensor([0])) == 0, "a logsumexp of inf that costs nothing"


def test_one_tensor_without_values_makes_a_loss_without_a_value():
    x, weight, _ = (each.detach() for each in layer())
    fake = FakeTensorMode(allow_non_fake_inputs=True).from_tensor
    for pair in ((fake(x), weight), (x, fake(weight))):
        assert isinstance(sl.linear_cross_entropy(*pair, targets()[0]), FakeTensor)


def test_it_compiles_to_one_graph():
    x, weight, bias = layer()
    y, _ = targets()
    compiled = torch.compile(sl.linear_cross_entropy, fullgraph=True, backend="aot_eager")
    results = [f(x, weight, y, bias, z_loss=0.1) for f in (compiled, sl.linear_cross_entropy)]
    torch.testing.assert_close(*results)
    torch.testing.assert_close(*(torch.autograd.grad(each, (x, weight)) for each in results))


@pytest.mark.parametrize("frozen", [0, 1, 2])
def test_a_frozen_input_gets_no_gradient_and_no_work(frozen, monkeypatch):
    inputs = layer()
    inputs[frozen].requires_grad_(False)
    asked, sweep = [], _chunks.sweep
    monkeypatch.setattr(_chunks, "sweep", lambda *a: asked.append(a[9]) or sweep(*a))
    x, weight, bias = inputs
    sl.linear_cross_entropy(x, weight, targets()[0], bias).backward()
    assert asked == [tuple(i != frozen for i in range(3))]
    assert inputs[frozen].grad is None


def test_autocast_is_that_of_the_linear_layer():
    x, weight, bias = (each.detach().float().requires_grad_() for each in layer())
    y, _ = targets()
    with torch.autocast("cpu", torch.bfloat16):
        loss, lse = sl.linear_cross_entropy(x, weight, y, bias, return_lse=True)
    loss.backward()
    half = [each.detach().bfloat16().float().requires_grad_() for each in (x, weight, bias)]
    expected = F.cross_entropy(F.linear(*half), y)
    expected.backward()
    torch.testing.assert_close(lse, F.linear(*half).logsumexp(-1))
    assert loss.dtype == weight.grad.dtype == torch.float32
    torch.testing.assert_close(loss, expected)
    torch.testing.assert_close(weight.grad, half[1].grad.bfloat16().float())


@pytest.mark.usefixtures("_chunks_of_both_kinds")
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_is_rounded_once_and_torch_errs_twice_as_much(dtype, reduction):
    inputs = [each.detach().to(dtype) for each in layer(rows=100, features=64, classes=200)]
    y = torch.arange(100)

    def composed(x, weight, bias):
        return F.cross_entropy(F.linear(x, weight, bias), y, reduction=reduction)

    def ours(x, weight, bias):
        return sl.linear_cross_entropy(x, weight, y, bias, reduction=reduction)

    results = []
    for working, function in ((torch.float64, composed), (dtype, composed), (dtype, ours)):
        leaves = [each.to(working).requires_grad_() for each in inputs]
        loss = function(*leaves)
        results.append((loss.detach(), *torch.autograd.grad(loss.sum(), leaves)))
    (loss, *exact), (_, *theirs), (found, *gradients) = results
    torch.testing.assert_close(found, loss.to(dtype), rtol=0, atol=0)
    for name, right, their, our in zip(
        ("x", "weight", "bias"), exact, theirs, gradients, strict=True
    ):
        ratio = (our - right).norm() / (their - right).norm()
        assert ratio <= 0.5, f"the gradient of {name} has {ratio:.2f} × torch's error"


def test_a_confident_row_keeps_its_digits():
    x = torch.eye(1, dtype=torch.float64, requires_grad=True)
    weight = torch.tensor([[0.0], [-40.0]], dtype=torch.float64)
    loss = sl.linear_cross_entropy(x, weight, torch.tensor([0]))
    loss.backward()
    expected = torch.tensor(-40.0, dtype=torch.float64).exp()
    torch.testing.assert_close(loss.detach(), expected.log1p(), rtol=1e-15, atol=0)
    torch.testing.assert_close(x.grad[0, 0], -40 * expected, rtol=1e-15, atol=0)


def test_rows_of_any_shape_and_any_strides():
    x, weight, _ = layer()
    y = targets()[1].argmax(-1)
    expected = sl.linear_cross_entropy(x, weight, y, reduction="none")
    found = sl.linear_cross_entropy(
        x.reshape(5, 6, 7), weight.T.contiguous().T, y.reshape(5, 6), reduction="none"
    )
    torch.testing.assert_close(found, expected.reshape(5, 6))
    cube, z = x.detach().reshape(5, 6, 7), (x @ weight.T).detach()
    for dtype in (torch.float64, torch.bfloat16):
        _, lse = sl.linear_cross_entropy(
            cube.to(dtype), weight.to(dtype), y.reshape(5, 6), return_lse=True
        )
        bar = {"rtol": 0.02, "atol": 0.02} if dtype == torch.bfloat16 else {}
        torch.testing.assert_close(lse, z.logsumexp(-1).reshape(5, 6).to(dtype), **bar)
    torch.testing.assert_close(sl.linear_cross_entropy(x[0], weight, y[0]), expected[0])
    strided = sl.linear_cross_entropy(x[::2], weight, y[::2], reduction="none")
    torch.testing.assert_close(strided, expected[::2])


@pytest.mark.parametrize(("reduction", "expected"), [("mean", torch.nan), ("sum", 0.0)])
def test_nothing_to_average(reduction, expected):
    """An empty batch, of indices and of probabilities; ignored rows; rows that weigh nothing."""
    _, weight, _ = layer()
    none, two = (torch.zeros(rows, 7, dtype=torch.float64) for rows in (0, 2))
    weightless = {"class_weight": torch.zeros(20), "label_smoothing": 0.1}
    for x, y, options in (
        (none, torch.zeros(0).long(), {"z_loss": 0.1}),
        (none, torch.zeros(0, 20), {"z_loss": 0.1}),
        (two, torch.tensor([-100, -100]), {"z_loss": 0.1}),
        (two, torch.tensor([1, 2]), weightless),
    ):
        loss, lse = sl.linear_cross_entropy(
            x, weight, y, reduction=reduction, return_lse=True, **options
        )
        torch.testing.assert_close(loss.item(), expected, equal_nan=True)
        assert not torch.autograd.grad(loss, weight, retain_graph=True)[0].any()
        (g,) = torch.autograd.grad(lse.sum(), weight)
        torch.testing.assert_close(
            g, sl.softmax(x @ weight.T).T @ x, msg="the loss spoils the lse's"
        )


def test_without_features_the_bias_is_all_there_is():
    bias, y = torch.randn(4, dtype=torch.float64), torch.tensor([0, 3, -100])
    found = sl.linear_cross_entropy(torch.zeros(3, 0), torch.zeros(4, 0), y, bias)
    torch.testing.assert_close(found, F.cross_entropy(bias.expand(3, 4), y))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("reduction", ["mean", "none"])
def test_half_precision_of_all_options_errs_by_its_last_rounding_alone(dtype, reduction):
    inputs = [each.detach().to(dtype) for each in layer(rows=100, features=64, classes=200)]
    weights = torch.linspace(0.1, 2, 200, dtype=dtype)
    for target in (torch.arange(100), torch.arange(2e4).reshape(100, 200).softmax(-1).to(dtype)):
        results = []
        for working in (torch.float64, dtype):
            leaves = [each.to(working).requires_grad_() for each in inputs]
            loss = sl.linear_cross_entropy(
                *leaves[:2],
                target.to(working) if target.is_floating_point() else target,
                leaves[2],
                class_weight=weights.to(working),
                label_smoothing=0.1,
                reduction=reduction,
            )
            results.append((loss.detach(), *torch.autograd.grad(loss.sum(), leaves)))
        for right, found in zip(*results, strict=True):
            rounding = (right.to(dtype) - right).norm()
            assert (found - right).norm() <= 1.05 * rounding


@pytest.mark.parametrize(
    ("error", "match", "change"),
    [
        (ValueError, r"x \(2, 3\) and weight \(4, 5\)", {"weight": torch.zeros(4, 5)}),
        (ValueError, r"bias has shape \(3,\)", {"bias": torch.zeros(3)}),
        (ValueError, "z_loss.*-1", {"z_loss": -1.0}),
        (ValueError, "softcap.*0.0", {"softcap": 0.0}),
        (ValueError, "label_smoothing.*2", {"label_smoothing": 2.0}),
        (ValueError, "reduction.*'avg'", {"reduction": "avg"}),
        (ValueError, r"\(3,\).*\(2, 4\)", {"target": torch.zeros(3).long()}),
        (IndexError, r"target holds 4 at \(1,\)", {"target": torch.tensor([0, 4])}),
        (TypeError, "complex64", {"x": torch.zeros(2, 3, dtype=torch.complex64)}),
    ],
)
def test_bad_arguments_are_named(error, match, change):
    arguments = {
        "x": torch.zeros(2, 3),
        "weight": torch.zeros(4, 3),
        "target": torch.tensor([0, 1]),
    }
    with pytest.raises(error, match=match):
        sl.linear_cross_entropy(**arguments | change)


@pytest.mark.parametrize("softcap", [1e-320, 1e308])
@pytest.mark.parametrize("take", [float, partial(torch.tensor, dtype=torch.float64)])
def test_a_cap_may_be_out_of_the_range_of_the_logits(softcap, take):
    x, weight = torch.tensor([[0.0], [1.0]]), torch.tensor([[1.0], [2.0]])
    y = torch.tensor([0, 1])
    found = sl.linear_cross_entropy(x, weight, y, softcap=take(softcap))
    expected = softmax_lab.linear_cross_entropy(x.numpy(), weight.numpy(), [0, 1], softcap=softcap)
    assert found.item() == pytest.approx(expected, 1e-6)


@pytest.mark.parametrize(
    ("rows", "classes", "dtype", "expected"),
    [
        (2048, 16_000, torch.float32, 256),  # an eighth
        (2048, 16_000, torch.float64, 256),
        (2048, 16_000, torch.bfloat16, 128),  # of logits that take half as much
        (100_000, 16_000, torch.float32, 512),
        (2048, 1000, torch.float32, 1048),  # 2²⁰ elements
        (2048, 1, torch.float32, 1 << 20),
        (2048, 0, torch.float32, 1 << 20),
        (3, 1 << 21, torch.float32, 1),
    ],
)
def test_a_chunk_is_a_part_of_the_logits(rows, classes, dtype, expected):
    found = _chunks.chunk_rows(torch.empty(rows, 0, dtype=dtype), classes)
    assert (found, type(found)) == (expected, int)


@pytest.mark.parametrize(
    ("shape", "lengths"), [((3, 8), [1, 1, 1]), ((9, 1), [4, 4, 1]), ((9, 2), [2] * 4 + [1])]
)
def test_half_precision_is_widened_block_by_block(shape, lengths, monkeypatch):
    monkeypatch.setattr(_chunks, "BLOCK", 4)
    weight = torch.randn(shape).half()
    for block, w in _chunks.class_blocks(weight):
        assert torch.equal(w, weight[block].float())
        assert len(w) == lengths.pop(0)
    assert not lengths


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_the_logits_are_never_held(dtype):
    x = torch.zeros(2048, 64, dtype=dtype, requires_grad=True)
    weight = torch.zeros(16_000, 64, dtype=dtype, requires_grad=True)
    y = torch.zeros(2048, dtype=torch.long)
    accumulator = 4 * weight.numel() if dtype == torch.bfloat16 else 0
    held = peak(lambda: sl.linear_cross_entropy(x, weight, y).backward())
    extra = (held - x.nbytes - weight.nbytes - accumulator) / (2048 * 16_000 * x.element_size())
    assert extra <= 0.2, f"{extra:.2f} × the logits were held"  # 0.15 of those four times as large


def test_pieces_merge_in_any_order_to_the_same_row():
    x = torch.randn(12, dtype=torch.float64) * 10
    pairs = [(piece.amax(), (piece - piece.amax()).exp().sum()) for piece in x.split(3)]
    pairs.append((-torch.inf, 0.0))
    for order in itertools.permutations(pairs):
        m, s = order[0]
        for pair in order[1:]:
            m, s = sl.merge((m, s), pair)
        torch.testing.assert_close(m + torch.as_tensor(s).log(), x.logsumexp(0))


@pytest.mark.parametrize(("m1", "m2"), [(1.0, 1.0), (1.0, 3.0), (-math.inf, 1.0)])
def test_the_gradient_of_a_merge_is_that_of_the_logsumexp(m1, m2):
    pieces = [torch.tensor(each, dtype=torch.float64, requires_grad=True) for each in (m1, m2)]
    s = torch.tensor([1.0, 3.0], dtype=torch.float64)
    m, total = sl.merge((pieces[0], s[0]), (pieces[1], s[1]))
    (m + total.log()).backward()
    found = torch.stack([each.grad for each in pieces])
    torch.testing.assert_close(found, sl.softmax(torch.stack(pieces).detach() + s.log()))


def test_a_pair_is_named():
    for pair in (("a", 1.0), (1.0, "a")):
        with pytest.raises((TypeError, ValueError), match=r"^first cannot be made a tensor"):
            sl.merge(pair, (1.0, 1.0))
        with pytest.raises((TypeError, ValueError), match=r"^second cannot be made a tensor"):
            sl.merge((1.0, 1.0), pair)
    with pytest.raises(TypeError, match=r"^first must be a pair"):
        sl.merge(1.0, (1.0, 1.0))
    says = "first (2,), () and second (3,), () do not broadcast"
    with pytest.raises(ValueError, match=f"^{re.escape(says)}$"):
        sl.merge(([1.0, 2.0], 1.0), ([1.0, 2.0, 3.0], 1.0))


def test_infinite_pieces_add_up():
    for m in (-math.inf, math.inf):
        assert [each.item() for each in sl.merge((m, 1.0), (m, 2.0))] == [m, 3.0]


def test_two_empty_pieces_have_a_gradient():
    m = torch.tensor(-math.inf, requires_grad=True)
    sl.merge((m, 0.0), (-math.inf, 0.0))[1].backward()
    assert m.grad == 0
