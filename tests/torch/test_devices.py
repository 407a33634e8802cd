"""Nothing waits for an accelerator: no value is looked at on the way forward or backward.

The meta device stands for one: a tensor there has a shape and a dtype but no values, so that
`.item()`, `if tensor` and results of a data-dependent size all raise.
"""

import subprocess
import sys
from pathlib import Path

import pytest
import torch

import softmax_lab.torch as sl

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


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_make_gpu_says_in_one_sentence_that_there_is_none():
    command = [sys.executable, "-m", "benchmarks.gpu", "card"]
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith("softmax-lab: ")
    assert "finds no GPU here" in done.stderr
    assert done.stderr.count("\n") == 1, done.stderr
