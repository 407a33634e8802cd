"""Chapter 1 in torch: the linear layer, the literal formula, the prediction."""

import math
import re

import pytest
import torch

import softmax_lab as lab
import softmax_lab.torch as sl
from tests.torch.devices import each_device


@each_device
def test_linear_is_that_of_torch(device):
    x, weight, bias = (torch.randn(s, device=device) for s in ((2, 5, 3), (4, 3), (4,)))
    torch.testing.assert_close(sl.linear(x, weight), torch.nn.functional.linear(x, weight))
    expected = torch.nn.functional.linear(x, weight, bias)
    torch.testing.assert_close(sl.linear(x, weight, bias), expected)


@pytest.mark.parametrize("dtype", [torch.int64, torch.float16, torch.float32])
def test_linear_promotes_its_arguments(dtype):
    x, weight = torch.tensor([1, 2], dtype=dtype), torch.eye(2, dtype=torch.float64)
    expected = torch.tensor([1, 2], dtype=torch.float64)
    for bias in (None, torch.zeros(2)):
        torch.testing.assert_close(sl.linear(x, weight, bias), expected, rtol=0, atol=0)
    assert sl.linear(weight, weight.to(dtype)).dtype == torch.float64


@each_device
def test_linear_of_huge_integers_is_that_of_the_numpy_side(device):
    for x, weight, *bias in (
        ([[2**62 + 1, -(2**62)]], [[1, 1]]),
        ([2**53, 1, -(2**53)], [[1, 1, 1]]),
        ([2**27 + 1, -(2**27)], [[2**27 + 1, 2**27], [0, 0]], [0, -7]),
        ([-(2**63), 3], [[1, 1], [1, 0]], [2**63 - 1, 5]),
        ([1], [[1]], [2**53 + 1]),
    ):
        expected = torch.as_tensor(lab.linear(x, weight, *bias), dtype=torch.float32)
        given = (torch.tensor(each, device=device) for each in (x, weight, *bias))
        torch.testing.assert_close(sl.linear(*given).cpu(), expected, rtol=0, atol=0)


@pytest.mark.parametrize(
    "shapes", [((2,), (4, 3)), ((), (4, 3)), ((3,), (3,)), ((3,), (4, 3), (3,))]
)
def test_linear_refuses_shapes_that_do_not_fit(shapes):
    with pytest.raises(ValueError, match=r"\(\d?,?.*(must be|asks for)"):
        sl.linear(*(torch.zeros(shape) for shape in shapes))


@pytest.mark.parametrize(
    "layer",
    [sl.linear, lambda x, w, b=None: sl.linear_cross_entropy(x, w, torch.tensor([0, 1]), b)],
)
def test_shapes_that_do_not_fit_are_told(layer):
    x, weight = torch.zeros(2, 5), torch.zeros(4, 3)
    says = "x (2, 5) and weight (4, 3) do not fit: x must be (..., N), weight (T, N)"
    with pytest.raises(ValueError, match=f"^{re.escape(says)}$"):
        layer(x, weight)
    for shapes in (((3,), (3,)), ((), (4, 3)), ((2, 3), (4, 3, 3)), ((2, 3, 3), (4, 2))):
        with pytest.raises(ValueError, match=r"do not fit: x must be"):
            layer(*map(torch.zeros, shapes))
    with pytest.raises(ValueError, match=r"^bias has shape \(3,\); weight asks for \(4,\)$"):
        layer(x[:, :3], weight, torch.zeros(3))


def test_the_literal_formula_overflows():
    assert sl.naive_softmax(torch.tensor([89.0, 0.0]))[0].isnan()
    x = torch.randn(3, 4)
    torch.testing.assert_close(sl.naive_softmax(x, 0), torch.softmax(x, 0))
    torch.testing.assert_close(sl.shifted_softmax(x, 0), torch.softmax(x, 0))


def test_prediction_is_the_first_winner():
    assert sl.predict(torch.tensor([[1.0, 2.0, 2.0], [math.inf, 0.0, 1.0]])).tolist() == [1, 0]
    assert sl.predict(torch.tensor([[1, 2], [3, 0]]), 0).tolist() == [1, 0]
    large = torch.tensor([2**24, 2**24 + 1])
    assert sl.predict(large) == 1
    assert sl.predict(large == large[1]) == 1
    with pytest.raises(TypeError, match=r"logits .*complex64"):
        sl.predict(torch.zeros(2, dtype=torch.complex64))
