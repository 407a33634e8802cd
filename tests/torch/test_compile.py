"""Under torch.compile: one graph, the same digits, and no number for a bad target."""

import shutil

import numpy as np
import pytest
import torch

import softmax_lab.torch as sl
from tests import reference
from tests.torch.devices import as_array

WEIGHT = torch.tensor([0.5, 1.0, 2.0, 1.0])
SOFT = torch.tensor([[0.1, 0.2, 0.3, 0.4], [0.7, 0.1, 0.2, 0.0], [0.0, 0.0, 1.0, 0.0]])
FUNCTIONS = {
    "softmax": sl.softmax,
    "log_softmax": lambda x: sl.log_softmax(x, where=SOFT > 0),
    "logsumexp": lambda x: sl.logsumexp(x, 0),
    "cross_entropy": lambda x: sl.cross_entropy(x, torch.tensor([1, -100, 3])),
    "soft cross_entropy": lambda x: sl.cross_entropy(x, SOFT, weight=WEIGHT, label_smoothing=0.1),
}


@pytest.fixture(autouse=True)
def fresh_compiler():
    torch._dynamo.reset()


@pytest.mark.parametrize("name", FUNCTIONS)
def test_one_graph_forward_and_backward(name):
    function = FUNCTIONS[name]
    x = torch.randn(3, 4, generator=torch.Generator().manual_seed(0))
    compiled = torch.compile(function, fullgraph=True, backend="aot_eager")
    results = []
    for f in (function, compiled):
        y = x.clone().requires_grad_()
        out = f(y)
        torch.where(out.isinf(), 0.0, out).square().sum().backward()
        results.append((out.detach(), y.grad))
    torch.testing.assert_close(results[1], results[0])


@pytest.mark.parametrize("grad", [False, True])
def test_a_bad_target_gives_no_number(grad):
    compiled = torch.compile(sl.cross_entropy, fullgraph=True, backend="aot_eager")
    x = torch.zeros(2, 3, requires_grad=grad)
    compiled(x, torch.tensor([0, 2]))
    with pytest.raises(RuntimeError, match="target must hold classes"):
        compiled(x, torch.tensor([0, -1]))


@pytest.mark.skipif(not shutil.which("g++"), reason="torch.compile's own backend needs a compiler")
@pytest.mark.parametrize("classes", [1000, 4096])
def test_generated_code_keeps_the_digits(classes):
    """The compiler may neither reorder compensated operations nor drop the assertion."""

    @torch.compile(fullgraph=True)
    def loss_and_softmax(x, y):
        return sl.cross_entropy(x, y, reduction="none"), sl.softmax(x)

    rows = [
        np.array([0.0] + [-17.0] * (classes - 1)),
        np.random.default_rng(0).normal(size=classes) * 10 + 1e4,
        np.random.default_rng(1).normal(size=classes),
        np.array([0.0] + [-1.3] * (classes - 1)),
    ]
    rows = np.array(rows, dtype=np.float32)
    x = torch.tensor(rows, requires_grad=True)
    losses, p = loss_and_softmax(x, torch.tensor([0, 1, 2, 3]))
    (gradient,) = torch.autograd.grad(losses.sum(), x)
    for y, row in enumerate(rows):
        for found, exact in (
            (losses[y], reference.cross_entropy(row, y)),
            (p[y], reference.softmax(row)),
            (gradient[y], reference.cross_entropy_gradient(row, y)),
        ):
            error = reference.max_ulp(as_array(found), exact)
            assert error <= 4, f"row {y} is off by {error:.1f} ulp"
    with pytest.raises(RuntimeError, match="target must hold classes"):
        loss_and_softmax(x, torch.tensor([0, 1, 2, classes]))
