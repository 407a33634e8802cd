"""Chapter 2 in torch: probabilities to logits and back."""

import math

import numpy as np
import pytest
import torch

import softmax_lab.torch as sl
from tests import reference
from tests.torch.devices import as_array, each_device_and_dtype


@each_device_and_dtype
def test_sigmoid_and_logit_are_within_4_ulp(device, dtype):
    x = torch.linspace(-80, 80, 201, device=device, dtype=dtype)
    exact = [1 / (1 + reference.mp.exp(-value)) for value in reference.exact_row(as_array(x))]
    assert reference.max_ulp(as_array(sl.sigmoid(x)), exact) <= 4
    p = torch.cat(
        [x.sigmoid()[:100], torch.linspace(0.001, 0.999, 334, device=device, dtype=dtype)]
    )
    exact = [reference.mp.log(v) - reference.mp.log1p(-v) for v in reference.exact_row(as_array(p))]
    assert reference.max_ulp(as_array(sl.logit(p)), exact) <= 4


def test_logit_at_the_ends():
    assert sl.logit(torch.tensor([0.0, 0.5, 1.0])).tolist() == [-math.inf, 0.0, math.inf]
    for bad in (-0.1, 1.1):
        with pytest.raises(ValueError, match="from 0 to 1"):
            sl.logit(torch.tensor([0.5, bad]))


def test_logits_are_centred_and_give_the_probabilities_back():
    p = torch.tensor([[0.25, 0.25, 0.5, 0.0], [0.1, 0.2, 0.3, 0.4]], dtype=torch.float64)
    x = sl.logits_from_probabilities(p)
    torch.testing.assert_close(sl.softmax(x), p)
    assert x[0, 3] == -math.inf
    np.testing.assert_allclose(x[0, :3].sum(), 0, atol=1e-15)
    torch.testing.assert_close(sl.logits_from_probabilities(p.T, 0), x.T)
    assert sl.logits_from_probabilities([0.5, 0.0]).tolist() == [0.0, -math.inf]
    assert sl.logits_from_probabilities([0.0, 0.0]).tolist() == [-math.inf] * 2


@pytest.mark.parametrize("function", [sl.logit, sl.logits_from_probabilities, sl.sigmoid])
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_float32_rounded_once(function, dtype):
    p = torch.linspace(0.01, 0.99, 99).to(dtype)
    assert torch.equal(function(p), function(p.float()).to(dtype))
