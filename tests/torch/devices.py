"""The devices of this machine and the dtypes each of them has: what the tests run over."""

import pytest
import torch

DEVICES = ["cpu"]
DEVICES += ["cuda"] if torch.cuda.is_available() else []
DEVICES += ["mps"] if torch.backends.mps.is_available() else []

each_device = pytest.mark.parametrize("device", DEVICES)
each_device_and_dtype = pytest.mark.parametrize(
    ("device", "dtype"),
    [
        (device, dtype)
        for device in DEVICES
        for dtype in (torch.float32, torch.float64)
        if (device, dtype) != ("mps", torch.float64)  # Apple's GPUs have no float64
    ],
)


def as_array(x):
    """The tensor as a NumPy array."""
    return x.detach().cpu().numpy()
