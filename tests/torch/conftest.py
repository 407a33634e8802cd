"""What the tests of the torch side share: their draws, and Triton's interpreter without a GPU."""

import os

import pytest
import torch

if not torch.cuda.is_available():  # Triton wants to know before its import
    os.environ.setdefault("TRITON_INTERPRET", "1")


@pytest.fixture(autouse=True)
def same_draws():
    """Let a test draw the same numbers whatever ran before it in its worker."""
    torch.manual_seed(0)
