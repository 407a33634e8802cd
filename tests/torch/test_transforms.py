"""Every differentiable function under every transform of torch, as the page Transforms says.

Its functions are `FUNCTIONS`, its ways the tests of this file that run over them.
"""

import re
from functools import partial
from pathlib import Path

import pytest
import torch
import torch._dynamo.testing
from torch._subclasses import FakeTensorMode
from torch.autograd import forward_ad
from torch.func import jacfwd, jacrev, jvp, vmap
from torch.fx.experimental.proxy_tensor import make_fx

import softmax_lab.torch as sl

TARGET = torch.tensor([1, -100, 0])
FUNCTIONS = {
    "linear": lambda x: sl.linear(x, x.sin(), x[:, 0]),
    "naive_softmax": sl.naive_softmax,
    "shifted_softmax": sl.shifted_softmax,
    "softmax": sl.softmax,
    "softmax, first dim": lambda x: sl.softmax(x, 0),
    "softmax, masked": lambda x: sl.softmax(x, where=x > -1),
    "log_softmax": sl.log_softmax,
    "logsumexp": sl.logsumexp,
    "sigmoid": sl.sigmoid,
    "logit": lambda x: sl.logit(x.sigmoid()),
    "logits_from_probabilities": lambda x: sl.logits_from_probabilities(x.sigmoid()),
    "softmax_jacobian": sl.softmax_jacobian,
    "softmax_vjp": lambda x: sl.softmax_vjp(x, x.cos()),
    "softmax_jvp": lambda x: sl.softmax_jvp(x, x.cos()),
    "log_softmax_vjp": lambda x: sl.log_softmax_vjp(x, x.cos()),
    "entropy": lambda x: sl.entropy(sl.softmax(x)),
    "kl_divergence": lambda x: sl.kl_divergence(sl.softmax(x), sl.softmax(x.cos())),
    "kl_divergence, logits": lambda x: sl.kl_divergence(x, x.cos(), from_logits=True),
    "gumbel_softmax": sl.gumbel_softmax,
    "nll_loss": lambda x: sl.nll_loss(x, TARGET),
    "cross_entropy": lambda x: sl.cross_entropy(x, TARGET),
    "cross_entropy, none": lambda x: sl.cross_entropy(x, TARGET, reduction="none"),
    "cross_entropy, weighted": lambda x: sl.cross_entropy(
        x, TARGET, weight=x.detach()[0].exp(), label_smoothing=0.1
    ),
    "cross_entropy, soft": lambda x: sl.cross_entropy(x, sl.softmax(x.detach().cos())),
    "linear_cross_entropy": lambda x: sl.linear_cross_entropy(x, x.sin(), TARGET, x[:, 0]),
    "linear_cross_entropy, capped": lambda x: sl.linear_cross_entropy(
        x, x.sin(), TARGET, reduction="none", z_loss=0.1, softcap=2.0
    ),
    "merge": lambda x: sl.merge((x[0], x[1].exp()), (x[2], x[0].exp()))[1],
}
DRAWS = ("gumbel_softmax",)
LOSSES = ("nll_loss", "cross_entropy", "linear_cross_entropy", "kl_divergence", "entropy")
PAGE = Path(__file__).parents[2] / "book" / "transforms.md"
each_function = pytest.mark.parametrize("name", FUNCTIONS)


def logits(columns=4, dtype=torch.float64):
    return torch.randn(3, columns, generator=torch.Generator().manual_seed(0), dtype=dtype)


def function_of(name):
    """The function; one that draws draws the same each time."""

    def seeded(x):
        torch.manual_seed(0)
        return FUNCTIONS[name](x)

    return seeded if name in DRAWS else lambda x: FUNCTIONS[name](x)


def one_by_one(function, x, **keywords):
    """The Jacobian by plain reverse mode, one entry of the result after the other."""
    return torch.autograd.functional.jacobian(function, x, **keywords)


@each_function
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_forward_mode(name, dtype):
    function, x = function_of(name), logits(dtype=dtype)
    direction = x.sin()
    expected = (one_by_one(function, x) * direction).sum((-2, -1))
    value, found = jvp(function, (x,), (direction,))
    torch.testing.assert_close(value, function(x))
    torch.testing.assert_close(found, expected)
    with forward_ad.dual_level():
        dual = forward_ad.make_dual(x, direction)
        torch.testing.assert_close(forward_ad.unpack_dual(function(dual)).tangent, expected)


@each_function
def test_jacobians_of_both_modes(name):
    function, x = function_of(name), logits()
    expected = one_by_one(function, x)
    torch.testing.assert_close(jacfwd(function, randomness="same")(x), expected)
    torch.testing.assert_close(jacrev(function)(x), expected)


@each_function
def test_hessians(name):
    function, x = function_of(name), logits()
    expected = one_by_one(lambda x: one_by_one(function, x, create_graph=True), x)
    forward = partial(jacfwd, randomness="same")
    for nested in (jacrev(jacrev(function)), forward(jacrev(function)), jacrev(forward(function))):
        torch.testing.assert_close(nested(x), expected)


def test_forward_mode_within_forward_mode_is_refused_where_torch_would_drop_a_term():
    for function in (sl.softmax, sl.log_softmax, lambda x: sl.cross_entropy(x, TARGET)):
        with pytest.raises(NotImplementedError, match=r"use jacfwd\(jacrev\(f\)\)"):
            jacfwd(jacfwd(function))(logits())


@each_function
@pytest.mark.parametrize("strategy", ["reverse-mode", "forward-mode"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_vectorised_jacobians(name, strategy, dtype):
    function, x = function_of(name), logits(dtype=dtype)
    keywords = {"vectorize": True, "strategy": strategy}
    if name in DRAWS and strategy == "forward-mode":  # torch has no argument `randomness` here
        with pytest.raises(RuntimeError, match="random"):
            one_by_one(function, x, **keywords)
    else:
        torch.testing.assert_close(one_by_one(function, x, **keywords), one_by_one(function, x))


@each_function
def test_a_batch_of_gradients(name):
    function, x = function_of(name), logits().requires_grad_()
    y = function(x)
    basis = torch.eye(y.numel(), dtype=y.dtype).reshape(-1, *y.shape)
    for keywords in ({"retain_graph": True}, {"create_graph": True}):
        (found,) = torch.autograd.grad(y, x, basis, is_grads_batched=True, **keywords)
        torch.testing.assert_close(found.reshape(*y.shape, *x.shape), one_by_one(function, x))


@each_function
def test_a_vectorised_map(name):
    function, x = function_of(name), torch.stack([logits(), -logits()])
    expected = torch.stack([function(each) for each in x])
    for dim in (0, 1, 2):
        mapped = vmap(function, in_dims=dim, randomness="same")
        torch.testing.assert_close(mapped(x.movedim(0, dim)), expected)


@each_function
def test_one_compiled_graph_for_any_number_of_classes(name):
    torch._dynamo.reset()
    counter = torch._dynamo.testing.CompileCounterWithBackend("aot_eager")
    compiled = torch.compile(FUNCTIONS[name], fullgraph=True, backend=counter)
    for columns in (5, 7, 11, 1000):
        x = logits(columns, torch.float32).requires_grad_()
        torch._dynamo.mark_dynamic(x, 1)
        torch.manual_seed(0)
        y = compiled(x)
        y.sum().backward()
        torch.testing.assert_close(y, function_of(name)(x))
    assert counter.frame_count == 1


@each_function
def test_a_compiled_function_of_many_shapes(name):
    """Without a mark, the compiler finds out by itself; at the ninth graph it would give up.

    How many graphs there are is decided before a backend takes over.
    """
    torch._dynamo.reset()
    counter = torch._dynamo.testing.CompileCounterWithBackend("eager")
    compiled = torch.compile(FUNCTIONS[name], fullgraph=True, backend=counter)
    for columns in range(4, 16):
        compiled(logits(columns, torch.float32))
    assert counter.frame_count <= 3


class Module(torch.nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


@each_function
@pytest.mark.parametrize("strict", [False, True])
def test_export_with_dynamic_classes(name, strict):
    shapes = ({1: torch.export.Dim("classes", min=2)},)
    module = Module(FUNCTIONS[name])
    program = torch.export.export(module, (logits(),), dynamic_shapes=shapes, strict=strict)
    for columns in (4, 9):
        x = logits(columns)
        torch.manual_seed(0)
        found = program.module()(x)
        torch.testing.assert_close(found, function_of(name)(x))


@each_function
def test_fake_tensors(name):
    function = FUNCTIONS[name]
    expected = function(logits())
    with FakeTensorMode(allow_non_fake_inputs=True) as mode:
        x = mode.from_tensor(logits()).requires_grad_()
        y = function(x)
        (gradient,) = torch.autograd.grad(y.sum(), x)
    assert (y.shape, y.dtype) == (expected.shape, expected.dtype)
    assert gradient.shape == x.shape


@each_function
@pytest.mark.parametrize("mode", ["real", "symbolic"])
def test_tracing(name, mode):
    function = function_of(name)

    def with_gradient(x):
        x = x.detach().requires_grad_()
        y = function(x)
        return y.detach(), torch.autograd.grad(y.sum(), x)[0]

    # Symbolic tracing takes seconds; that of the function alone is what export does above.
    for each in (function, with_gradient) if mode == "real" else (with_gradient,):
        traced = make_fx(each, tracing_mode=mode, _allow_non_fake_inputs=True)(logits())
        torch.manual_seed(0)
        found = traced(-logits())
        torch.testing.assert_close(found, each(-logits()))


@each_function
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_autocast(name, dtype):
    """Losses come out in float32, as those of torch do; the rest as it would without."""
    x = logits(dtype=dtype).requires_grad_()
    with torch.autocast("cpu", dtype=dtype):
        y = function_of(name)(x)
    wide = name.startswith(LOSSES)
    assert y.dtype == (torch.float32 if wide else dtype)
    expected = function_of(name)(x.detach().float() if wide else x.detach())
    if wide:
        torch.testing.assert_close(y.detach(), expected, rtol=0.02, atol=0.01)
    else:
        torch.testing.assert_close(y.detach(), expected)
    y.sum().backward()
    assert x.grad.dtype == dtype


@each_function
def test_saved_tensors_may_be_kept_elsewhere(name):
    """All that a gradient needs goes through the hooks: it is what they hand back."""
    function, x = function_of(name), logits(dtype=torch.float32).requires_grad_()
    (expected,) = torch.autograd.grad(function(x).sum(), x)
    offered = []

    def pack(saved):
        offered.append(saved.numel())
        return saved.detach().clone()

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda packed: packed):
        y = function(x)
    torch.testing.assert_close(torch.autograd.grad(y.sum(), x)[0], expected, rtol=0, atol=0)
    if name.startswith("cross_entropy"):
        assert offered.count(x.numel()) >= 2, "the gradient, beside the logits"
    with torch.autograd.graph.save_on_cpu():
        y = function(x)
    torch.testing.assert_close(torch.autograd.grad(3 * y.sum(), x)[0], 3 * expected)


@each_function
def test_other_default_devices(name):
    expected = function_of(name)(logits())
    x = logits().requires_grad_()
    with torch.device("meta"):
        y = function_of(name)(x)
        y.sum().backward()
    assert y.device == x.grad.device == x.device
    torch.testing.assert_close(y.detach(), expected)


@pytest.fixture
def deterministic():
    """Only operations that repeat; and memory that nobody has written to holds nan."""
    torch.use_deterministic_algorithms(True)
    yield
    torch.use_deterministic_algorithms(False)


@each_function
@pytest.mark.usefixtures("deterministic")
def test_deterministic_mode(name):
    function, x = function_of(name), logits(dtype=torch.float32).requires_grad_()
    runs = [(y := function(x), torch.autograd.grad(y.sum(), x)[0]) for _ in range(2)]
    for first, again in zip(*runs, strict=True):
        assert torch.equal(first, again)
        assert first.isfinite().all() or "masked" in name


# The ways of the page, and the tests that stand behind each.
WAYS = {
    "Forward mode": [test_forward_mode],
    "Jacobians": [test_jacobians_of_both_modes, test_hessians],
    "Batches": [test_vectorised_jacobians, test_a_batch_of_gradients, test_a_vectorised_map],
    "One graph": [
        test_one_compiled_graph_for_any_number_of_classes,
        test_a_compiled_function_of_many_shapes,
    ],
    "Export": [test_export_with_dynamic_classes],
    "Traced": [test_fake_tensors, test_tracing],
    "Autocast": [test_autocast],
    "Saved tensors": [test_saved_tensors_may_be_kept_elsewhere],
    "Devices": [test_other_default_devices],
    "Deterministic": [test_deterministic_mode],
}


def listed(functions):
    """A list of functions as the page writes it, in the order of `FUNCTIONS`."""
    names = dict.fromkeys(name.partition(",")[0] for name in FUNCTIONS)
    return ", ".join(f"`{name}`" for name in names if name in functions) + "."


def test_the_page_has_the_ways_that_are_tested():
    assert re.findall(r"^(.+)\n: ", PAGE.read_text(), re.MULTILINE) == list(WAYS)


def test_the_page_names_the_functions_and_the_exceptions_that_are_tested():
    names = {name.partition(",")[0] for name in FUNCTIONS}
    draw = " ".join(f"`{name}`" for name in DRAWS)
    for line in (
        f"All that have a gradient:\n{listed(names)}",
        f"float32, as losses do in torch: {listed(LOSSES)}",
        f"- {draw} draws, so",
    ):
        assert line in PAGE.read_text(), f"{PAGE.name} must say\n{line}"


def test_every_test_over_all_functions_is_one_of_the_ways():
    over_all = {
        test
        for test in globals().values()
        if any(mark.args[0] == "name" for mark in getattr(test, "pytestmark", []))
    }
    assert over_all == {test for tests in WAYS.values() for test in tests}


def test_every_function_with_a_gradient_is_tested():
    no_gradient = {"one_hot", "hardmax", "predict", "gumbel_max", "gumbel_noise"}
    others = {"SoftmaxRegression", "check_gradient", "reinforce_gradient", "arsm_gradient"}
    assert all(f"`{name}`" in PAGE.read_text() for name in no_gradient)
    names = {name.partition(",")[0] for name in FUNCTIONS}
    assert names == set(sl.__all__) - no_gradient - others
