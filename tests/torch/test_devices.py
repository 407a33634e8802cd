"""Nothing waits for an accelerator: no value is looked at on the way forward or backward.

The meta device stands for one: a tensor there has a shape and a dtype but no values, so that
`.item()`, `if tensor` and results of a data-dependent size all raise.
"""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import softmax_lab.torch as sl
from softmax_lab.torch import _checks
from softmax_lab.torch.estimators import rewards

Y, WEIGHT = torch.zeros(6, dtype=torch.long, device="meta"), torch.ones(5, device="meta")
FUNCTIONS = {
    "naive_softmax": sl.naive_softmax,
    "sigmoid": sl.sigmoid,
    "logit": sl.logit,
    "logits_from_probabilities": sl.logits_from_probabilities,
    "softmax": sl.softmax,
    "softmax, masked": lambda x: sl.softmax(x, None, where=x > 0),
    "log_softmax": sl.log_softmax,
    "logsumexp": sl.logsumexp,
    "logsumexp, masked": lambda x: sl.logsumexp(x, 0, where=x > 0),
    "shifted_softmax": sl.shifted_softmax,
    "softmax_jacobian": sl.softmax_jacobian,
    "softmax_vjp": lambda x: sl.softmax_vjp(x, x),
    "log_softmax_vjp": lambda x: sl.log_softmax_vjp(x, x),
    "entropy": sl.entropy,
    "kl_divergence": lambda x: sl.kl_divergence(x, 2 * x),
    "kl_divergence, logits": lambda x: sl.kl_divergence(x, 2 * x, from_logits=True),
    "nll_loss": lambda x: sl.nll_loss(x, Y, weight=WEIGHT),
    "cross_entropy": lambda x: sl.cross_entropy(x, Y),
    "cross_entropy, all": lambda x: sl.cross_entropy(x, Y, weight=WEIGHT, label_smoothing=0.1),
    "cross_entropy, soft": lambda x: sl.cross_entropy(x, x.detach(), weight=WEIGHT),
    "cross_entropy, target": lambda x: sl.cross_entropy(x, x),
    "cross_entropy, none": lambda x: sl.cross_entropy(x, Y, reduction="none"),
}


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_nothing_waits(name, dtype):
    x = torch.empty(6, 5, device="meta", dtype=dtype, requires_grad=True)
    y = FUNCTIONS[name](x)
    assert y.dtype == dtype
    (first,) = torch.autograd.grad(y.sum(), x, create_graph=True)
    assert first.shape == x.shape
    if first.requires_grad:  # not that of nll_loss, which is linear
        torch.autograd.grad(first.sum(), x)
    (plain,) = torch.autograd.grad(FUNCTIONS[name](x).sum(), x)
    assert plain.dtype == dtype


@pytest.mark.parametrize("function", [sl.predict, sl.hardmax, lambda x: sl.one_hot(Y, 5)])
def test_nothing_waits_for_a_choice(function):
    assert function(torch.empty(6, 5, device="meta")).device.type == "meta"


def test_large_tensors_are_cut_into_blocks_without_looking():
    x = torch.empty(1 << 13, 1 << 13, device="meta", requires_grad=True)
    sl.cross_entropy(x, torch.zeros(1 << 13, dtype=torch.long, device="meta")).backward()
    assert x.grad.shape == x.shape


@pytest.mark.parametrize(
    "target",
    [
        [0, 1],
        np.array([0, 1]),
        [torch.tensor(0), torch.tensor(1)],
        [np.array(0), np.array(1)],
        [0, 2**63],
        torch.tensor([0, 1]),
    ],
    ids=["list", "array", "list of tensors", "list of arrays", "beyond int64", "tensor"],
)
def test_what_comes_beside_a_tensor_goes_to_its_device(target):
    x = torch.empty(2, 3, device="meta")
    for loss in (sl.cross_entropy, sl.nll_loss):
        assert loss(x, target, weight=[1.0, 2.0, 3.0]).device == x.device
    assert sl.softmax(x, where=[True, False, True]).device == x.device
    assert rewards(lambda z: [1.0, 2.0], x[:, 0]).device == x.device


WRONG = {
    "p must hold probabilities from 0 to 1": lambda: sl.logit([0.5, 2.0]),
    "p must sum to 1 along dim 0": lambda: sl.entropy([[0.5], [0.4]], 0),
    "q must sum to 1 along dim -1": lambda: sl.kl_divergence([0.5, 0.5], [0.5, 0.4]),
    "target must hold classes, from 0 to their number - 1": lambda: sl.one_hot([0, 3], 3),
    "target must be finite and not negative": lambda: sl.cross_entropy([0.0, 1.0], [-0.5, 1.5]),
    "weight must be finite and not negative": lambda: sl.nll_loss([[0.0]], [0], weight=[-1.0]),
    "s in second must be a sum from 0 on": lambda: sl.merge((1.0, 1.0), (1.0, -2.0)),
    "logits must have a class to draw in each row: no nan, not all -inf, one +inf at most": (
        lambda: sl.gumbel_max([torch.nan, 0.0])
    ),
    "x must be finite, but it holds nan or inf": (
        lambda: sl.SoftmaxRegression(1, 2).predict([[torch.inf]])
    ),
}


@pytest.mark.parametrize("way", ["an accelerator", "compiled code"])
@pytest.mark.parametrize(("summary", "call"), WRONG.items(), ids=WRONG)
def test_what_is_wrong_is_asserted_where_nobody_may_look(summary, call, way, monkeypatch):
    """On an accelerator the message is that of the assertion."""
    if way == "compiled code":
        monkeypatch.setattr(torch.compiler, "is_compiling", lambda: True)
    else:
        monkeypatch.setattr(_checks, "may_ask", lambda x: False)
    with pytest.raises(RuntimeError, match=f"^{re.escape(summary)}$"):
        call()


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_make_gpu_says_in_one_sentence_that_there_is_none():
    command = [sys.executable, "-m", "benchmarks.gpu", "card"]
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith("softmax-lab: ")
    assert "finds no GPU here" in done.stderr
    assert done.stderr.count("\n") == 1, done.stderr
