"""At most 4 ulp from the exact answer: softmax, log_softmax, cross-entropy and its gradient."""

import mpmath
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import softmax_lab as lab
import softmax_lab.torch as torch_side
from tests import reference

BAR = 4.0
DTYPES = (np.float32, np.float64)
settings.register_profile("reproducible", derandomize=True, deadline=None, max_examples=60)
settings.load_profile("reproducible")

ROWS = [
    pytest.param(row, id=f"{dtype.__name__} {name}")
    for dtype in DTYPES
    for name, row in reference.row_families(dtype).items()
]


def check(found, exact, what, bar=BAR):
    error = reference.max_ulp(found, exact)
    assert error <= bar, f"{what} is off by {error:.3g} ulp; at most {bar} are promised"


def check_all(row):
    """Hold every function of a row to the bar."""
    assert not np.isnan(row).any()
    check(lab.softmax(row), reference.softmax(row), "softmax")
    check(lab.log_softmax(row), reference.log_softmax(row), "log_softmax")
    exact = reference.logsumexp(row)
    if abs(exact) >= 1:
        check(lab.logsumexp(row), exact, "logsumexp")
    for target in {int(row.argmax()), int(row.argmin())}:
        loss, gradient = lab.cross_entropy_with_grad(row, target)
        check(loss, reference.cross_entropy(row, target), f"cross_entropy of class {target}")
        right = reference.cross_entropy_gradient(row, target)
        check(gradient, right, f"the gradient for class {target}")


@pytest.mark.parametrize("row", ROWS)
def test_every_family_of_rows(row):
    check_all(row)


def logits(dtype):
    """Rows made to be hard: any range and offset, ties, and numbers close to each other."""
    width = np.finfo(dtype).bits
    centre = st.sampled_from([0.0, 1.0, -1.0, 61.0, 80.0, -700.0, 490.0, 1e4, -1e4, 1e30, -1e-30])
    spread = st.sampled_from([1e-7, 0.3, 3.0, 20.0, 100.0, 700.0])
    unit = st.floats(-1, 1, width=width)

    def build(parts):
        n, centre, spread, units = parts
        return (centre + spread * np.resize(np.array(units), n)).astype(dtype)

    return st.tuples(
        st.integers(1, 40), centre, spread, st.lists(unit, min_size=1, max_size=12)
    ).map(build)


@given(st.sampled_from(DTYPES).flatmap(logits))
def test_rows_found_by_hypothesis(row):
    check_all(row)


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=6))
def test_any_finite_floats(row):
    check_all(np.array(row))


@pytest.mark.parametrize("dtype", DTYPES)
def test_many_short_random_rows(dtype):
    rng = np.random.default_rng(1)
    for n in (2, 3, 5, 10, 16, 17, 33):
        rows = (rng.normal(size=(300, n)) * rng.choice([1, 5, 30], size=(300, 1))).astype(dtype)
        found = lab.softmax(rows)
        for p, row in zip(found[::15], rows[::15], strict=True):
            check(p, reference.softmax(row), f"softmax of {row}")


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("layout", ["first axis", "middle axis", "narrow", "long"])
def test_every_way_of_cutting_blocks(dtype, layout):
    rng = np.random.default_rng(2)
    shape = {
        "first axis": (3000, 70),
        "middle axis": (3, 2000, 50),
        "narrow": (9000, 10),
        "long": (1, 600_000),
    }
    axis = {"first axis": 0, "middle axis": 1}.get(layout, -1)
    # Few different values, so that the exact sum of a long row is quick.
    x = np.round(rng.normal(size=shape[layout]) * 6, 1).astype(dtype)
    x.reshape(-1)[7] = 25
    p, log_p = lab.softmax(x, axis), lab.log_softmax(x, axis)
    total = lab.logsumexp(x, axis)
    rows, p, log_p = (
        np.moveaxis(each, axis, -1).reshape(-1, x.shape[axis]) for each in (x, p, log_p)
    )
    total = np.ravel(total)
    for i in {0, 7 % len(rows), len(rows) // 2, len(rows) - 1}:
        first, exact_p, exact_log, exact_total = reference.of_each_value(rows[i])
        check(p[i][first], exact_p, "softmax")
        check(log_p[i][first], exact_log, "log_softmax")
        check(total[i], exact_total, "logsumexp")


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_million_classes(dtype):
    row = np.round(np.random.default_rng(3).normal(size=1_000_000) * 3, 2).astype(dtype)
    first, p, log_p, total = reference.of_each_value(row)
    check(lab.softmax(row)[first], p, "softmax")
    check(lab.log_softmax(row)[first], log_p, "log_softmax")
    check(lab.logsumexp(row), total, "logsumexp")


@pytest.mark.parametrize("gap", [20, 40, 80])
@pytest.mark.parametrize("dtype", DTYPES)
def test_a_confident_winner_among_many_parts(dtype, gap):
    row = np.full(400_000, -gap, dtype)
    row[123_456] = 0
    rest = (len(row) - 1) * reference.mp.exp(-gap)
    check(lab.log_softmax(row)[123_456], -reference.mp.log1p(rest), "log_softmax at the winner")
    loss, gradient = lab.cross_entropy_with_grad(row, 123_456)
    check(loss, reference.mp.log1p(rest), "cross_entropy")
    check(gradient[123_456], -rest / (1 + rest), "its gradient")


def test_vjp_of_a_confident_row_keeps_its_digits():
    x, v = np.array([0.0, -40.0]), np.array([1.0, 2.0])
    check(lab.softmax_vjp(x, v), reference.softmax_vjp(x, v), "softmax_vjp")
    check(lab.log_softmax_vjp(x, v), reference.log_softmax_vjp(x, v), "log_softmax_vjp")


@pytest.mark.parametrize("epsilon", [1.0, 0.1, 1e-2, 1e-3, 1e-7, 1e-10])
def test_kl_of_two_close_rows_of_logits(epsilon):
    rng = np.random.default_rng(4)
    x = rng.normal(size=50)
    y = x + epsilon * rng.normal(size=50)
    found, exact = lab.kl_divergence(x, y, from_logits=True), reference.kl_from_logits(x, y)
    error = abs(mpmath.mpf(float(found)) / exact - 1)
    assert error < 1e-14, f"the relative error is {float(error):.1e}"


@pytest.mark.parametrize("dtype", DTYPES)
def test_probability_targets(dtype):
    rng = np.random.default_rng(5)
    for scale in (1, 10, 100):
        row = (rng.normal(size=20) * scale).astype(dtype)
        y = rng.dirichlet(np.ones(20)).astype(dtype)
        check(lab.cross_entropy(row, y), reference.soft_cross_entropy(row, y), "cross_entropy")


@pytest.mark.parametrize("side", [lab, torch_side], ids=["numpy", "torch"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_confident_target_keeps_the_digits_of_the_others(side, dtype):
    """Where one class has nearly all mass, the gradient is what the others have of q, less of p."""
    row, y = np.array([20, 0, -1], dtype), np.array([0.999, 0.0005, 0.0005], dtype)
    p, q = reference.softmax(row), reference.exact_row(y)
    exact = q[1] + q[2] - sum(q) * (p[1] + p[2])
    if side is lab:
        gradient = lab.cross_entropy_with_grad(row, y)[1]
    else:
        x = torch.from_numpy(row).requires_grad_()
        side.cross_entropy(x, torch.from_numpy(y)).backward()
        gradient = x.grad.numpy()
    check(gradient[0], exact, "its gradient")


def test_the_largest_of_many_small_masses_keeps_its_digits():
    row, y = np.linspace(0, 5, 300), np.full(300, 1 / 300)
    y[[0, 1]] += 1 / 400, -1 / 400
    x = torch.from_numpy(row).requires_grad_()
    torch_side.cross_entropy(x, torch.from_numpy(y)).backward()
    q = reference.exact_row(y)
    exact = [sum(q) * p - each for p, each in zip(reference.softmax(row), q, strict=True)]
    check(x.grad.numpy()[0], exact[0], "its gradient")


@pytest.mark.parametrize("n", [3, 15, 60, 1000])
@pytest.mark.parametrize("smoothing", [0.1, 1.0])
def test_smoothed_losses_of_float32(n, smoothing):
    row = np.full(n, 0.575, np.float32)
    row[:2] += np.float32([0.5, -0.25])[: len(row)]
    exact = reference.log_softmax(row)
    share = reference.mp.mpf(smoothing)
    exact = -(1 - share) * exact[n - 1] - share / n * sum(exact)
    for found in (
        lab.cross_entropy(row, n - 1, label_smoothing=smoothing),
        torch_side.cross_entropy(torch.from_numpy(row), n - 1, label_smoothing=smoothing).numpy(),
    ):
        check(found, exact, "a smoothed loss")


@pytest.mark.parametrize("row", ROWS)
def test_what_torch_compiles_is_as_accurate(row, monkeypatch):
    """Code that is compiled takes other ways. They are right in eager mode, too."""
    monkeypatch.setattr(torch.compiler, "is_compiling", lambda: True)
    y, x = len(row) - 1, torch.tensor(row, requires_grad=True)
    for function in (torch_side.softmax, torch_side.log_softmax):
        exact = getattr(reference, function.__name__)(row)
        check(function(x.detach()).numpy(), exact, function.__name__)
    exact = reference.cross_entropy_gradient(row, y)
    for target in (torch.tensor(y), torch_side.one_hot(y, len(row), x.dtype)):
        (found,) = torch.autograd.grad(torch_side.cross_entropy(x, target), x)
        check(found.numpy(), exact, f"the gradient for a target of {target.dtype}")
