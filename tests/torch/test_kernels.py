"""The Triton kernels keep what the formulas promise: on a GPU, or else in Triton's interpreter.

The interpreter shows that the logic is right: masks, tails, merging, accuracy. It has no fused
multiply-add, and tells nothing of speed. So the kernels are compiled for a GPU as well.
"""

import importlib.util
import math
import os
import re
import subprocess
import sys

import pytest
import torch

import softmax_lab.torch as sl
from softmax_lab.torch import _formulas as formulas
from softmax_lab.torch import _rows
from tests.torch.test_cross_entropy import test_loss_and_gradient_are_within_4_ulp  # noqa: F401
from tests.torch.test_stability import (
    test_masked_classes_take_no_part,  # noqa: F401
    test_rows_are_within_4_ulp,  # noqa: F401
    test_special_values,  # noqa: F401
    test_vjps_do_not_lose_a_confident_rows_digits,  # noqa: F401
)

# NumPy's, in the interpreter: inf − inf.
pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
DTYPES = [torch.float32, torch.float64, torch.bfloat16, torch.float16]
BLOCK = 256  # classes in a block
BORDERS = [1, 2, 255, 256, 257, 512, 513, 700]


@pytest.fixture(autouse=True)
def launches(monkeypatch):
    """Switch the kernels on, with short blocks and few programs; and count who is launched."""
    if importlib.util.find_spec("triton") is None:
        reason = 'no Triton: pip install "softmax-lab[gpu]" (there is none for this system?)'
        if os.environ.get("SOFTMAX_LAB_REQUIRE_TRITON") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    from softmax_lab.torch import _kernels

    names, launch = [], _kernels.launch

    def counted(kernel, *args, **options):
        names.append(kernel.fn.__name__)
        launch(kernel, *args, **options)

    monkeypatch.setattr(_kernels, "launch", counted)
    for name, value in {"LARGEST": BLOCK, "ELEMENTS": 4096, "ROWS": 4096, "WIDE": 1}.items():
        monkeypatch.setattr(_kernels, name, value)
    monkeypatch.setattr(_rows, "KERNEL_DEVICES", (DEVICE,))
    return names


def hard_rows(n, dtype):
    """Rows of n logits: ordinary, with −inf, ties, an offset, a sure winner, one class alone."""
    x = torch.randn(6, n, generator=torch.Generator().manual_seed(n), dtype=torch.float64) * 4
    x[1, ::2] = -math.inf
    x[1, n // 2] = 0
    x[2] = x[2].round()
    x[3] += 1e4
    x[4, n - 1] = 60
    x[5, : n - 1] = -math.inf
    return x.to(dtype).to(DEVICE)


def assert_close(found, expected, dtype):
    """Hold a result in its dtype to one in float64: as near as 4 ulp, or as half precision goes.

    In bfloat16 the interpreter cuts digits off where a GPU rounds: one ulp.
    """
    eps = torch.finfo(dtype).eps
    exact = dtype in (torch.float32, torch.float64)
    torch.testing.assert_close(
        found.double(), expected, rtol=(8 if exact else 1) * eps, atol=torch.finfo(dtype).tiny
    )


@pytest.mark.parametrize("n", BORDERS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_rows_that_end_anywhere_in_a_block(dtype, n, launches):
    x = hard_rows(n, dtype)
    exact = x.double()
    for name in ("softmax", "log_softmax", "logsumexp"):
        expected = getattr(formulas, name)(exact).squeeze(-1)
        found = getattr(sl, name)(x)
        assert found.dtype == dtype
        if name == "logsumexp":  # ill-conditioned near 0: here its digits before the point count
            found, expected = found.double() + 64, expected + 64
        assert_close(found, expected.view(found.shape), dtype)
    assert launches == ["softmax", "log_softmax", "logsumexp"]


@pytest.mark.parametrize("n", BORDERS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_losses_and_gradients_of_rows_that_end_anywhere_in_a_block(dtype, n, launches):
    x = hard_rows(n, dtype).requires_grad_()
    y = torch.tensor([0, n // 2, n - 1, -100, n - 1, n - 1], device=DEVICE)
    loss = sl.cross_entropy(x, y, reduction="none")
    loss.sum().backward()
    share = (y != -100).double()[:, None]
    exact = x.detach().double()
    expected, gradient = formulas.index_loss(exact, y.clamp(0)[:, None], share, with_gradient=True)
    assert_close(loss.detach(), expected.squeeze(-1), dtype)
    assert_close(x.grad, gradient, dtype)
    assert launches == ["index_loss"]
    with torch.no_grad():
        assert torch.equal(sl.cross_entropy(x, y, reduction="none"), loss)


@pytest.mark.parametrize("n", [5, 256, 513])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("name", ["softmax_vjp", "log_softmax_vjp"])
def test_products_with_the_jacobian(name, dtype, n, launches):
    x = hard_rows(n, dtype)
    v = torch.randn(x.shape, generator=torch.Generator().manual_seed(0)).to(x)
    exact = formulas.softmax(x.double()) if name == "softmax_vjp" else x.double()
    expected = getattr(formulas, name)(exact, v.double())
    found = getattr(sl, name)(x, v)
    scale = (expected.abs() + v.abs().sum(-1, keepdim=True) * formulas.softmax(x.double())) * 8
    assert ((found - expected).abs() <= torch.finfo(dtype).eps * scale).all()
    assert launches[-1] == name


@pytest.mark.parametrize("n", [5, 513])
@pytest.mark.parametrize("at", [0, 4])
def test_an_infinite_v_gives_the_formula_as_it_stands(at, n, launches):
    x, v = torch.zeros(1, n, device=DEVICE), torch.ones(1, n, device=DEVICE)
    v[0, at] = math.inf
    expected = v - torch.softmax(x, -1) * v.sum()
    found = sl.log_softmax_vjp(x, v)
    torch.testing.assert_close(found, expected, rtol=0, atol=0, equal_nan=True)
    assert launches == ["log_softmax_vjp"]


def test_the_loss_of_a_sure_row_has_no_minus(launches):
    x, y = torch.tensor([[0.0, -2000.0]], device=DEVICE), torch.tensor([0], device=DEVICE)
    assert str(sl.cross_entropy(x, y, reduction="none").item()) == "0.0"
    assert launches == ["index_loss"]


@pytest.mark.parametrize("function", [sl.softmax, sl.log_softmax, sl.logsumexp])
def test_tensors_that_do_not_lie_in_one_piece(function, launches):
    x = torch.randn(3, 2 * BLOCK + 3, 4, device=DEVICE)
    for view, dim in ((x, 1), (x, 0), (x[:, ::2], -2), (x.mT, (1, 2)), (x[0, 0].expand(9, 4), 1)):
        copy = view.contiguous().clone()
        torch.testing.assert_close(function(view, dim), function(copy.double(), dim).float())
    assert launches


@pytest.mark.parametrize("function", [sl.softmax, sl.log_softmax, sl.logsumexp])
def test_derivatives_of_any_order_and_mode(function, launches):
    x = torch.randn(2, BLOCK + 3, dtype=torch.float64, device=DEVICE, requires_grad=True)
    assert torch.autograd.gradcheck(function, x, check_forward_ad=True, fast_mode=True)
    assert torch.autograd.gradgradcheck(function, x, fast_mode=True)
    assert {"softmax", "softmax_vjp"} <= set(launches)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_the_loss_of_a_linear_layer_takes_its_logits_through_kernels(dtype, launches):
    draw = torch.Generator().manual_seed(0)
    x, weight = (torch.randn(n, 5, generator=draw) for n in (7, BLOCK + 9))
    x, weight = (each.to(DEVICE, dtype).requires_grad_() for each in (x, weight))
    y = torch.tensor([0, BLOCK, 3, -100, 9, 9, BLOCK + 8], device=DEVICE)
    loss, lse = sl.linear_cross_entropy(x, weight, y, return_lse=True)
    loss.backward()
    assert launches == ["logsumexp", "index_loss"]
    exact = [each.detach().double().requires_grad_() for each in (x, weight)]
    logits = torch.nn.functional.linear(*exact)
    expected = torch.nn.functional.cross_entropy(logits, y)
    expected.backward()
    tolerance = 8 * torch.finfo(dtype).eps if dtype == torch.float32 else torch.finfo(dtype).eps
    assert_close(loss.detach(), expected.detach(), dtype)
    assert_close(lse.detach(), logits.detach().logsumexp(-1), dtype)
    for found, right in zip((x, weight), exact, strict=True):
        error = (found.grad - right.grad).abs().max() / right.grad.abs().max()
        assert error <= tolerance


def test_what_has_no_kernel_is_computed_by_the_formulas(launches):
    x, y = torch.randn(4, 5, device=DEVICE), torch.tensor([0, 1, 2, 3], device=DEVICE)
    found = sl.cross_entropy(x, y, label_smoothing=0.1)
    expected = torch.nn.functional.cross_entropy(x, y, label_smoothing=0.1)
    torch.testing.assert_close(found, expected)
    assert not launches


def test_a_missing_triton_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "softmax_lab.torch._kernels", None)
    with pytest.raises(ImportError, match=re.escape('pip install "softmax-lab[gpu]"')):
        sl.softmax(torch.zeros(2, device=DEVICE))


COMPILE = """
import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource
from softmax_lab.torch._kernels import KERNELS

TYPES = {"share": "*fp32", "loss": "*fp32", "n": "i32", "n_rows": "i32"}
for kernel in KERNELS.values():
    name, options = kernel.fn.__name__, {"ROWS": 1, "BLOCK": 128, "with_gradient": True}
    signature = {arg: TYPES.get(arg, "*bf16") for arg in kernel.arg_names}
    constants = {arg: value for arg, value in options.items() if arg in signature}
    signature |= dict.fromkeys(constants, "constexpr")
    if name == "index_loss":
        signature["y"] = "*i64"
    source = ASTSource(fn=kernel, signature=signature, constexprs=constants)
    compiled = triton.compile(source, target=GPUTarget("cuda", 80, 32))
    assert "cubin" in compiled.asm, f"{name} gave no code for a GPU"
    approximate = [f for f in ("ex2.approx.f32", "lg2.approx.f32") if f in compiled.asm["ptx"]]
    assert not approximate, f"{name} calls {approximate}, whose digits are too few"
"""


def test_kernels_compile_for_a_gpu_that_need_not_be_there(tmp_path):
    environment = os.environ | {"TRITON_INTERPRET": "0", "TRITON_CACHE_DIR": str(tmp_path)}
    command = [sys.executable, "-c", COMPILE]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
