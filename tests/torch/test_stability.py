"""Chapter 4 in torch: few ulp, whatever the logits; one policy for special values."""

import math
import re

import numpy as np
import pytest
import torch

import softmax_lab.torch as sl
from tests import reference
from tests.torch.devices import as_array, each_device, each_device_and_dtype

pytestmark = pytest.mark.usefixtures("both_ways")
INF, NAN = math.inf, math.nan
FUNCTIONS = [sl.softmax, sl.log_softmax, sl.logsumexp]
BAR = 4  # ulp: what the package promises


def rows_of(dtype):
    return reference.row_families(np.dtype(str(dtype).removeprefix("torch."))).items()


@each_device_and_dtype
@pytest.mark.parametrize("name", ["softmax", "log_softmax", "logsumexp"])
def test_rows_are_within_4_ulp(name, device, dtype):
    for family, row in rows_of(dtype):
        exact = getattr(reference, name)(row)
        if name == "logsumexp" and abs(exact) < 1:
            continue  # near 0 the result is ill-conditioned in x
        found = as_array(getattr(sl, name)(torch.tensor(row, device=device)))
        error = reference.max_ulp(found, exact)
        assert error <= BAR, f"{name} is off by {error:.1f} ulp on {family}"


@pytest.mark.parametrize("classes", [33, 100, 700, 2000])
def test_no_row_of_thousands_is_beyond_4_ulp(classes):
    x = np.random.default_rng(0).normal(size=(3000, classes)).astype(np.float32)
    w = np.exp(x.astype(np.float64))
    exact = w / w.sum(axis=1, keepdims=True)
    found = sl.softmax(torch.tensor(x)).numpy()
    error = (abs(found - exact) / np.spacing(exact.astype(np.float32))).max()
    assert error <= BAR, f"off by {error:.2f} ulp"


@each_device_and_dtype
@pytest.mark.parametrize("loser", [2.0, 2**-66])
def test_vjps_do_not_lose_a_confident_rows_digits(device, dtype, loser):
    for gap in (-1.0, -20.0, -40.0, -80.0):
        row, v = np.array([0.0, gap]), np.array([1.0, loser])
        x, direction = (torch.tensor(a, dtype=dtype, device=device) for a in (row, v))
        for name in ("softmax_vjp", "log_softmax_vjp"):
            found = as_array(getattr(sl, name)(x, direction))
            error = reference.max_ulp(found, getattr(reference, name)(row, v))
            assert error <= BAR, f"{name} is off by {error:.1f} ulp on [0, {gap}]"


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("shape", [(300, 1000), (7, 40_000), (3, 1, 300_000)])
def test_blocks_are_the_rows_they_are_made_of(function, shape):
    x = torch.randn(shape, generator=torch.Generator().manual_seed(0)) * 3
    torch.testing.assert_close(
        function(x)[-1], function(x[-1].clone()), rtol=1e-6, atol=0, msg="the blocks differ"
    )
    last = x.movedim(-1, 0)
    torch.testing.assert_close(
        function(last, 0).reshape(-1)[:9], function(last.contiguous(), 0).reshape(-1)[:9]
    )


@each_device
@pytest.mark.parametrize(
    ("row", "p", "log_p", "total"),
    [
        ([NAN, 1.0], [NAN, NAN], [NAN, NAN], NAN),
        ([NAN], [NAN], [NAN], NAN),
        ([-INF, 1.0], [0.0, 1.0], [-INF, 0.0], 1.0),
        ([-INF, -INF], [NAN, NAN], [NAN, NAN], -INF),
        ([-INF], [NAN], [NAN], -INF),
        ([INF, 1.0], [1.0, 0.0], [0.0, -INF], INF),
        ([INF], [1.0], [0.0], INF),
        ([INF, -INF, 3.0], [1.0, 0.0, 0.0], [0.0, -INF, -INF], INF),
        ([INF, INF], [NAN, NAN], [NAN, NAN], INF),
        ([NAN, INF], [NAN, NAN], [NAN, NAN], NAN),
        ([], [], [], -INF),
    ],
)
def test_special_values(row, p, log_p, total, device):
    x = torch.tensor([row, [0.0] * len(row)], device=device)
    ordinary = torch.tensor([0.0] * len(row), device=device)
    for function, expected in zip(FUNCTIONS, (p, log_p, total), strict=True):
        found = function(x)
        torch.testing.assert_close(found[0], torch.tensor(expected, device=device), equal_nan=True)
        torch.testing.assert_close(found[1], function(ordinary), msg="another row was touched")


def test_special_values_are_the_same_where_it_is_compiled(monkeypatch):
    rows = [[INF, 1, 0], [INF, INF, 0], [-INF, 1, 0], [-INF] * 3, [NAN, 1, 0], [3e38, -3e38, 0]]
    x, v = torch.tensor(rows, requires_grad=True), torch.tensor([1.0, 2.0, 4.0])

    def all_of(x):
        y = [function(x) for function in FUNCTIONS]
        loss = sl.cross_entropy(x, torch.tensor([0, 1, 1, -100, 0, 2]), reduction="none")
        gradients = [torch.autograd.grad(each, x, torch.ones_like(each)) for each in (y[2], loss)]
        return [*y, loss, *gradients, *torch.autograd.grad(y[1] @ v, x, torch.ones(6))]

    expected = all_of(x)
    monkeypatch.setattr(torch.compiler, "is_compiling", lambda: True)
    torch.testing.assert_close(all_of(x), expected, equal_nan=True)


@each_device
def test_classes_at_minus_infinity_have_gradient_zero(device):
    x = torch.tensor([[0.0, -INF, 1.0]], device=device, requires_grad=True)
    sl.softmax(x)[0, 0].backward()
    assert x.grad[0, 1] == 0
    assert x.grad.isfinite().all()


@each_device
def test_masked_classes_take_no_part(device):
    x = torch.randn(4, 6, device=device, dtype=torch.float32)
    x[0, 2], x[1, 3] = NAN, INF
    where = torch.ones_like(x, dtype=torch.bool)
    where[0, 2] = where[1, 3] = where[2, :5] = False
    where[3] = False
    x.requires_grad_()
    p, log_p, total = (function(x, where=where) for function in FUNCTIONS)
    for i in range(3):
        kept = x[i][where[i]]
        torch.testing.assert_close(p[i][where[i]], sl.softmax(kept))
        torch.testing.assert_close(log_p[i][where[i]], sl.log_softmax(kept))
        torch.testing.assert_close(total[i], sl.logsumexp(kept))
    assert (p[~where] == 0).all()
    assert (log_p[~where] == -INF).all()
    assert total[3] == -INF
    (p.square().sum() + log_p[where].sum() + total[:3].sum()).backward()
    assert (x.grad[~where] == 0).all(), "a masked class has a gradient"


def test_a_nan_stays_among_the_classes_that_take_part():
    x, where = [NAN, 2.0, 3.0], [True, True, False]
    for function, masked in ((sl.softmax, 0.0), (sl.log_softmax, -INF)):
        found, expected = function(x, where=where), torch.tensor([NAN, NAN, masked])
        torch.testing.assert_close(found, expected, equal_nan=True)
    assert sl.logsumexp(x, where=where).isnan()


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("dim", [0, 1, -1, (0, 2), (2, 1), (0, 1, 2), None])
def test_any_dims(function, dim):
    x = torch.randn(3, 4, 5, dtype=torch.float64)
    dims = (0, 1, 2) if dim is None else dim if isinstance(dim, tuple) else (dim,)
    total = torch.logsumexp(x, dims, keepdim=True)
    expected = {sl.softmax: (x - total).exp(), sl.log_softmax: x - total}
    torch.testing.assert_close(function(x, dim), expected.get(function, total.squeeze(dims)))
    if function is sl.logsumexp:
        torch.testing.assert_close(function(x, dim, keepdim=True), total)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_integers_and_bools_become_the_default_dtype(function):
    for values in ([100, -100], [True, False]):
        x = torch.tensor(values)
        torch.testing.assert_close(function(x), function(x.float()), rtol=0, atol=0)
    small = torch.tensor([100, -100], dtype=torch.int8)
    torch.testing.assert_close(function(small), function(small.float()), rtol=0, atol=0)


@pytest.mark.parametrize("function", [sl.log_softmax, sl.logsumexp])
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_float32_rounded_once(function, dtype):
    x = (torch.randn(80, 70) * 9).to(dtype).requires_grad_()  # too large for NumPy, in float32 too
    wide = x.detach().float().requires_grad_()
    found, expected = function(x), function(wide)
    v = torch.randn(found.shape).to(dtype)
    found.backward(v)
    assert torch.equal(found, expected.to(dtype))
    if function is sl.log_softmax:
        expected.backward(v.float())
        assert torch.equal(x.grad, wide.grad.to(dtype))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("shape", [(9000, 10), (300, 1000), (6, 50_000)])
@pytest.mark.parametrize("scale", [1, 5, 30])
def test_softmax_of_half_precision_is_as_good_as_rounded_once(dtype, shape, scale):
    x = (torch.randn(shape) * scale).to(dtype)
    found, exact = sl.softmax(x), x.double().softmax(-1)
    least = torch.finfo(dtype).tiny  # below it, the digits have a fixed place
    ulp = torch.finfo(dtype).eps * torch.exp2(exact.clamp(least).log2().floor())
    error = ((found - exact).abs() / ulp).max()
    assert found.dtype == dtype
    assert error <= 0.51, f"off by {error:.3f} ulp"


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_special_values_of_half_precision_are_those_of_float32(dtype):
    rows = [[INF, 1, 0], [INF, INF, 0], [-INF, 1, 0], [-INF] * 3, [NAN, 1, 0], [6e4, -6e4, 0]]
    x = torch.tensor(rows, dtype=dtype)
    for some in (x, x[2:3], x[2:4], x.T):  # some rows need our own exponentials, or none does
        expected = sl.softmax(some.float()).to(dtype)
        torch.testing.assert_close(sl.softmax(some), expected, equal_nan=True)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_gradients_of_half_precision_are_rounded_once(dtype):
    x = (torch.randn(80, 70) * 3).to(dtype).requires_grad_()
    p, v = sl.softmax(x), torch.randn(80, 70).to(dtype) + 2
    p.backward(v)
    q, u = p.detach().double(), v.double()
    exact = q * (u - (q * u).sum(-1, keepdim=True) / q.sum(-1, keepdim=True))
    torch.testing.assert_close(x.grad.double(), exact, rtol=torch.finfo(dtype).eps, atol=1e-6)


@pytest.mark.parametrize("function", [sl.softmax, sl.naive_softmax, sl.shifted_softmax])
def test_every_softmax_takes_the_same_logits(function):
    with pytest.raises(TypeError, match="complex64"):
        function(torch.zeros(2, dtype=torch.complex64))
    assert function([0, 0]).tolist() == [0.5, 0.5]
    assert function(torch.tensor(3)) == 1
    for shape in ((2, 0), (0, 2), (0,)):
        for dim in (-1, 0, None):
            assert function(torch.zeros(shape), dim).shape == shape


def test_zero_dimensions_are_one_class():
    x = torch.tensor(3.0)
    assert [f(x).item() for f in FUNCTIONS] == [1, 0, 3]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_bad_arguments_are_named(function):
    with pytest.raises(TypeError, match="complex64"):
        function(torch.zeros(2, dtype=torch.complex64))
    with pytest.raises(IndexError, match="but it is 2"):
        function(torch.zeros(2, 2), 2)
    for dim in (0.5, [0, 1]):
        with pytest.raises(TypeError, match=re.escape(f"dim must be an integer, but it is {dim}")):
            function(torch.zeros(2, 2), dim)
    with pytest.raises(ValueError, match="twice"):
        function(torch.zeros(2, 2), (0, -2))
    for shape in ((3,), (4, 2), (1, 2, 2)):
        with pytest.raises(ValueError, match=rf"where .*\({shape[0]},.* x, \(2, 2\)"):
            function(torch.zeros(2, 2), where=torch.ones(shape).bool())


@pytest.mark.parametrize(
    "function",
    [
        *FUNCTIONS,
        sl.naive_softmax,
        sl.shifted_softmax,
        sl.entropy,
        sl.logits_from_probabilities,
        lambda p, dim: sl.kl_divergence(p, p, dim),
    ],
)
def test_no_dimension_is_refused(function):
    with pytest.raises(ValueError, match=r"dim=\(\) names no dimension"):
        function(torch.tensor([[0.5, 0.5]]), ())


def test_a_loss_takes_one_dimension():
    for dims in ((), (0, 1), None):
        with pytest.raises(ValueError, match=r"dim must be one integer, but it is (\(.*\)|None)$"):
            sl.cross_entropy(torch.tensor([[0.5, 0.5]]), torch.tensor(0), dims)


def test_the_input_is_not_changed():
    x = torch.tensor([[1.0, INF, -INF], [-9.0, -99.0, -999.0], [0.0, 1.0, 2.0]])
    before = x.clone()
    for function in FUNCTIONS:
        function(x)
    assert torch.equal(x, before)


def test_softmax_saves_its_output_only():
    saved = []
    x = torch.randn(5, 6, requires_grad=True)
    with torch.autograd.graph.saved_tensors_hooks(lambda t: saved.append(t) or t, lambda t: t):
        p = sl.softmax(x)
    assert [t.data_ptr() for t in saved] == [p.data_ptr()]


def test_a_mask_of_one_column_hides_rows():
    x, rows = torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 7.0]]), torch.tensor([[True], [False]])
    p = sl.softmax(x, where=rows)
    torch.testing.assert_close(p, torch.stack([sl.softmax(x[0]), torch.zeros(3)]))
    torch.testing.assert_close(sl.softmax(x, 0, where=rows)[0], torch.ones(3))


def test_a_hidden_integer_is_not_the_one_that_others_are_subtracted_from():
    x, where = torch.tensor([2**63 - 1, 0, 1]), torch.tensor([False, True, True])
    torch.testing.assert_close(sl.softmax(x, where=where)[1:], sl.softmax([0, 1]))
    torch.testing.assert_close(sl.log_softmax(x, where=where)[1:], sl.log_softmax([0, 1]))


def test_a_mask_with_holes_of_its_own_is_refused_by_name():
    holes = np.ma.array([True, False], mask=[True, False])
    for function in FUNCTIONS:
        with pytest.raises(TypeError, match="where has masked entries"):
            function(torch.zeros(2), where=holes)


def test_a_hidden_row_beside_another_has_a_gradient_of_zero():
    where = torch.tensor([[True, True, False], [False, False, False]])
    for function, kept in ((sl.softmax, (0, 1)), (sl.log_softmax, (0, 1)), (sl.logsumexp, 0)):
        x = torch.zeros(2, 3, requires_grad=True)
        function(x, where=where)[kept].backward()
        assert x.grad[0, 1] != 0
        assert (x.grad[~where] == 0).all(), "a hidden entry has a gradient"


def test_shifted_softmax_is_the_textbook_formula():
    x = torch.tensor([[1000.0, 1001.0], [0.0, -3.0], [-90.0, -91.0]])
    for dim in (0, 1, None):
        torch.testing.assert_close(sl.shifted_softmax(x, dim), sl.softmax(x, dim))
    special = torch.tensor([[-INF, -INF], [0, -INF], [3e38, -3e38]])
    right = torch.tensor([[NAN, NAN], [1, 0], [1, 0]])
    torch.testing.assert_close(sl.shifted_softmax(special), right, equal_nan=True)
    assert sl.shifted_softmax(torch.zeros(2, 0)).shape == (2, 0)
    assert sl.shifted_softmax(torch.tensor(5.0)) == 1
    huge = torch.tensor([[2**60, 2**60 + 1], [-(2**60), 1 - 2**60]])
    torch.testing.assert_close(sl.shifted_softmax(huge), sl.softmax([[0, 1], [0, 1]]))


def test_logsumexp_drops_the_classes_axis_and_no_other():
    x = torch.zeros(1, 3, 1)
    assert sl.logsumexp(x, 1).shape == (1, 1)
    assert sl.logsumexp(x, (0, 1)).shape == (1,)
    where = torch.ones(1, 3, 1, dtype=torch.bool)
    assert sl.logsumexp(x, 1, where=where).shape == (1, 1)


def test_masked_entries_are_named_beside_a_mask():
    for function in FUNCTIONS:
        with pytest.raises(TypeError, match=r"^x has masked entries"):
            function(np.ma.array([0.0, 1.0], mask=[True, False]), where=[True, True])


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_a_mask_keeps_the_dtype(dtype):
    for function in FUNCTIONS:
        assert function(torch.zeros(2, dtype=dtype), where=[True, False]).dtype == dtype
