"""Without a GPU, Triton's kernels run in its interpreter; it wants to know before its import."""

import os

import torch

if not torch.cuda.is_available():
    os.environ.setdefault("TRITON_INTERPRET", "1")
