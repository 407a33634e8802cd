"""Chapter 7 in NumPy: the loss and gradients of a linear layer are those by way of its logits."""

import itertools

import numpy as np
import pytest
import torch

import softmax_lab as lab
import softmax_lab.numpy.scale as scale
import softmax_lab.torch as sl


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_loss_and_gradients_are_those_of_autograd(reduction, monkeypatch):
    monkeypatch.setattr(scale, "CHUNK", 40)  # two rows
    rng = np.random.default_rng(0)
    arrays = rng.normal(size=(9, 3)), rng.normal(size=(20, 3)), rng.normal(size=20)
    y = rng.integers(20, size=9)
    y[2] = -100
    for target, smoothing, softcap, z_loss, w in itertools.product(
        (y, rng.random((9, 20))), (0.0, 0.1), (None, 2.0), (0.0, 0.3), (None, rng.random(20))
    ):
        keywords = {"label_smoothing": smoothing, "softcap": softcap, "z_loss": z_loss}
        keywords["reduction"] = reduction
        x, weight, bias = (torch.tensor(each, requires_grad=True) for each in arrays)
        if target.ndim == 2:
            target = target / target.sum(axis=1, keepdims=True)
        expected = sl.linear_cross_entropy(
            x,
            weight,
            torch.tensor(target),
            bias,
            class_weight=None if w is None else torch.tensor(w),
            **keywords,
        )
        loss, gradients = lab.linear_cross_entropy_with_grad(
            *arrays[:2], target, arrays[2], class_weight=w, **keywords
        )
        np.testing.assert_allclose(loss, expected.detach(), rtol=1e-12)
        exact = torch.autograd.grad(expected.sum(), (x, weight, bias))
        for found, right in zip(gradients, exact, strict=True):
            np.testing.assert_allclose(found, right, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(("reduction", "expected"), [("mean", np.nan), ("sum", 0.0)])
def test_nothing_to_average(reduction, expected):
    for x, y in ((np.zeros((0, 3)), np.zeros(0, int)), (np.zeros((2, 3)), np.array([-100, -100]))):
        loss = lab.linear_cross_entropy(x, np.zeros((4, 3)), y, reduction=reduction)
        np.testing.assert_equal(loss, expected)


@pytest.mark.parametrize(
    ("match", "change"),
    [
        (r"x \(2, 3\) and weight \(4, 5\)", {"weight": np.zeros((4, 5))}),
        (r"bias has shape \(3,\)", {"bias": np.zeros(3)}),
        ("z_loss.*-1", {"z_loss": -1.0}),
        ("softcap.*0.0", {"softcap": 0.0}),
        ("label_smoothing.*2", {"label_smoothing": 2.0}),
    ],
)
def test_bad_arguments_are_named(match, change):
    arguments = {"x": np.zeros((2, 3)), "weight": np.zeros((4, 3)), "target": [0, 1]} | change
    with pytest.raises(ValueError, match=match):
        lab.linear_cross_entropy(**arguments)


def test_pieces_merge_to_the_row():
    x = np.random.default_rng(0).normal(size=(4, 3)) * 100
    pair = (-np.inf, 0.0)
    for piece in x:
        pair = lab.merge(pair, (piece.max(), np.exp(piece - piece.max()).sum()))
    assert pair[0] + np.log(pair[1]) == pytest.approx(lab.logsumexp(x, None))
