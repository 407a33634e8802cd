"""Chapter 5 in torch: every gradient is right, can be differentiated again, and transforms."""

import pytest
import torch
from torch.autograd import gradcheck, gradgradcheck
from torch.func import grad, hessian, jacfwd, jacrev, vjp, vmap

import softmax_lab.torch as sl

pytestmark = pytest.mark.usefixtures("both_ways")
SHAPE = (3, 4)
TARGET = torch.tensor([1, 3, 0])
IGNORED = torch.tensor([1, -100, 0])
WEIGHT = torch.tensor([0.5, 2.0, 1.0, 0.0], dtype=torch.float64)
SOFT = torch.softmax(torch.arange(12.0, dtype=torch.float64).sin().reshape(SHAPE), -1)
WHERE = torch.tensor([[1, 1, 0, 1], [0, 0, 0, 1], [0, 0, 0, 0]]).bool()

ONE_ARGUMENT = {
    "sigmoid": sl.sigmoid,
    "naive_softmax": sl.naive_softmax,
    "shifted_softmax": sl.shifted_softmax,
    "softmax": sl.softmax,
    "softmax, dim 0": lambda x: sl.softmax(x, 0),
    "softmax, both dims": lambda x: sl.softmax(x, None),
    "softmax, masked": lambda x: sl.softmax(x, where=WHERE),
    "log_softmax": sl.log_softmax,
    "log_softmax, masked": lambda x: sl.log_softmax(x, where=WHERE)[WHERE],
    "logsumexp": sl.logsumexp,
    "logsumexp, masked": lambda x: sl.logsumexp(x, where=WHERE)[:2],
    "softmax_jacobian": sl.softmax_jacobian,
    "logit": lambda x: sl.logit(x.sigmoid()),
    "logits_from_probabilities": lambda x: sl.logits_from_probabilities(x.sigmoid()),
    "entropy": lambda x: sl.entropy(sl.softmax(x)),
    "nll_loss": lambda x: sl.nll_loss(x, IGNORED, weight=WEIGHT),
    "cross_entropy": lambda x: sl.cross_entropy(x, TARGET),
    "cross_entropy, none": lambda x: sl.cross_entropy(x, IGNORED, reduction="none"),
    "cross_entropy, weight": lambda x: sl.cross_entropy(x, TARGET, weight=WEIGHT),
    "cross_entropy, smoothed": lambda x: sl.cross_entropy(x, IGNORED, label_smoothing=0.2),
    "cross_entropy, all": lambda x: sl.cross_entropy(
        x, IGNORED, weight=WEIGHT, label_smoothing=0.2, reduction="sum"
    ),
    "cross_entropy, soft": lambda x: sl.cross_entropy(x, SOFT),
    "cross_entropy, soft and all": lambda x: sl.cross_entropy(
        x, SOFT, weight=WEIGHT, label_smoothing=0.2, reduction="none"
    ),
    "gumbel_softmax": lambda x: sl.gumbel_softmax(
        x, 0.7, generator=torch.Generator().manual_seed(1)
    ),
}
TWO_ARGUMENTS = {
    "linear": lambda x, y: sl.linear(x, y, y[:, 0]),
    "softmax_vjp": sl.softmax_vjp,
    "softmax_jvp": sl.softmax_jvp,
    "log_softmax_vjp": sl.log_softmax_vjp,
    "kl_divergence": lambda x, y: sl.kl_divergence(sl.softmax(x), sl.softmax(y)),
    "kl_divergence, logits": lambda x, y: sl.kl_divergence(x, y, from_logits=True),
    "cross_entropy, target": lambda x, y: sl.cross_entropy(
        x, sl.softmax(y), weight=WEIGHT, label_smoothing=0.2
    ),
}
FUNCTIONS = {name: (f, 1) for name, f in ONE_ARGUMENT.items()}
FUNCTIONS |= {name: (f, 2) for name, f in TWO_ARGUMENTS.items()}


def random(seed=0):
    return torch.randn(SHAPE, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


# torch's forward mode calls what torch itself has deprecated.
@pytest.mark.parametrize("name", FUNCTIONS)
def test_first_and_second_derivatives_agree_with_differences(name):
    function, count = FUNCTIONS[name]
    arguments = [random(i).requires_grad_() for i in range(count)]
    assert gradcheck(function, arguments, fast_mode=False, check_forward_ad=True)
    assert gradgradcheck(function, arguments, fast_mode=True)


@pytest.mark.parametrize("name", [n for n in FUNCTIONS if "gumbel" not in n and "dim" not in n])
def test_func_transforms_agree_with_autograd(name):
    function, count = FUNCTIONS[name]
    arguments = tuple(random(i) for i in range(count))
    expected = torch.autograd.functional.jacobian(function, arguments)
    for transform in (jacrev, jacfwd):
        found = transform(function, tuple(range(count)))(*arguments)
        torch.testing.assert_close(found, expected)


@pytest.mark.parametrize(
    "function",
    [
        sl.softmax,
        sl.log_softmax,
        sl.logsumexp,
        lambda x: sl.cross_entropy(x, torch.tensor(2)),
        lambda x: sl.cross_entropy(x, torch.tensor(2), weight=WEIGHT, label_smoothing=0.1),
        lambda x: sl.cross_entropy(x, SOFT[0], weight=WEIGHT),
        lambda x: sl.softmax_vjp(x, SOFT[0]),
        lambda x: sl.log_softmax_vjp(x, SOFT[0]),
    ],
)
def test_vmap_of_values_gradients_and_hessians(function):
    x = random()
    for transformed in (function, jacrev(function), jacrev(jacrev(function))):
        expected = torch.stack([transformed(row) for row in x])
        torch.testing.assert_close(vmap(transformed)(x), expected)
        torch.testing.assert_close(vmap(transformed, 1)(x.T), expected)


# torch's forward mode calls what torch itself has deprecated.
@pytest.mark.parametrize(
    "function", [sl.softmax, sl.log_softmax, sl.logsumexp, lambda x: sl.cross_entropy(x, TARGET[0])]
)
def test_a_product_with_a_vector_is_one_with_the_jacobian(function):
    x = random()[0]
    y, pull = vjp(function, x)
    torch.testing.assert_close(pull(torch.ones_like(y))[0], jacrev(function)(x).sum_to_size(4))
    assert hessian(function)(x).shape == (*y.shape, 4, 4)


def test_vmap_over_targets_reads_them():
    per_row = vmap(grad(sl.cross_entropy))(random(), TARGET)
    x = random().requires_grad_()
    sl.cross_entropy(x, TARGET, reduction="sum").backward()
    torch.testing.assert_close(per_row, x.grad)
    with pytest.raises(IndexError, match=r"target holds -1 at \(2,\)"):
        vmap(grad(sl.cross_entropy))(random(), torch.tensor([0, 1, -1]))


@pytest.mark.parametrize("dim", [0, 1, -1, None])
@pytest.mark.parametrize(
    ("product", "function"),
    [
        (sl.softmax_vjp, sl.softmax),
        (sl.softmax_jvp, sl.softmax),
        (sl.log_softmax_vjp, sl.log_softmax),
    ],
)
def test_a_product_is_along_the_dimensions_that_are_asked_for(product, function, dim):
    x, v = random().requires_grad_(), random(1)
    (expected,) = torch.autograd.grad(function(x, dim), x, v)
    torch.testing.assert_close(product(x, v, dim), expected)


def test_jacobians_of_any_shape_and_along_any_dimension():
    x = torch.stack([random(), random(1)])
    rows = torch.stack([torch.stack([sl.softmax_jacobian(row) for row in each]) for each in x])
    torch.testing.assert_close(sl.softmax_jacobian(x), rows)
    torch.testing.assert_close(sl.softmax_jacobian(x.movedim(-1, 0), 0), rows)
    assert sl.softmax_jacobian(5.0).tolist() == [[0.0]]


def test_vjps_are_exact_where_autograd_returns_zero():
    x = torch.tensor([0.0, -40.0], dtype=torch.float64)
    assert sl.softmax_vjp(x, [1.0, 2.0]).tolist() == [-4.248354255291589e-18, 4.248354255291589e-18]
    assert sl.softmax_jvp(x, [1.0, 2.0]).tolist() == [-4.248354255291589e-18, 4.248354255291589e-18]


def test_the_jacobian_of_a_confident_row_keeps_its_diagonal():
    jacobian = sl.softmax_jacobian(torch.tensor([0.0, -40.0], dtype=torch.float64))
    assert jacobian[0, 0] == -jacobian[0, 1] == 4.248354255291589e-18


def test_check_gradient_says_where_a_gradient_is_wrong():
    x = torch.tensor([1.0, 2.0])
    assert sl.check_gradient(lambda x: (x**2).sum(), lambda x: 2 * x, x)
    report = sl.check_gradient(lambda x: (x**2).sum(), torch.tensor([2.0, 5.0]), x)
    assert not report
    assert "index (1,)" in str(report)
    assert sl.check_gradient(sl.logsumexp, sl.softmax, x)
    assert sl.check_gradient(lambda x: (x**2).sum(), x.bfloat16() * 2, x.bfloat16())
    assert sl.check_gradient(lambda x: (x**2).sum(), 2.1 * x, x, rtol=0.2)
    with pytest.raises((TypeError, ValueError), match=r"^gradient cannot be made a tensor"):
        sl.check_gradient(lambda x: (x**2).sum(), "2 * x", x)


def test_shapes_must_agree():
    with pytest.raises(ValueError, match=r"\(3,\).*\(2,\)"):
        sl.softmax_vjp(torch.zeros(2), torch.zeros(3))


@pytest.mark.parametrize("product", [sl.softmax_vjp, sl.log_softmax_vjp])
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_a_product_with_a_vector_in_half_precision(product, dtype):
    x, v = random(), random(1).to(dtype)
    torch.testing.assert_close(product(x, v), product(x, v.double()))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_a_jacobian_of_half_precision_is_rounded_once(dtype):
    x = torch.zeros(3000, dtype=dtype)
    expected = sl.softmax_jacobian(x.double()).to(dtype)
    torch.testing.assert_close(sl.softmax_jacobian(x), expected, rtol=0, atol=0)
