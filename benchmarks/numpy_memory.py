"""The peak of extra memory of one call, ours or SciPy's, as a multiple of the input. Prints it."""

import sys

import numpy as np

from benchmarks.measure import extra_memory
from benchmarks.numpy_speed import calls

# name, shape, bar: extra memory ÷ input must not exceed it (the output counts)
CASES = [
    ("softmax", (100_000, 10), None),
    ("softmax", (4096, 1000), 1.15),
    ("softmax", (1024, 32_000), 1.15),
    ("softmax", (1, 10_000_000), 1.15),
    ("log_softmax", (1024, 32_000), 1.15),
    ("logsumexp", (1024, 32_000), 0.1),
    ("logsumexp", (1, 10_000_000), 0.1),
    ("cross_entropy_with_grad", (1024, 32_000), 1.15),
]


if __name__ == "__main__":
    name, shape, dtype, side = sys.argv[1:]
    shape = tuple(int(n) for n in shape.split("x"))
    dtype = getattr(np, dtype)
    small = calls(name, (2, 8), -1, dtype, out=False)[side == "scipy"]
    small()  # imports and first-use buffers are not the call's
    call = calls(name, shape, -1, dtype, out=False)[side == "scipy"]
    print(extra_memory(call) / (np.prod(shape) * np.dtype(dtype).itemsize))
