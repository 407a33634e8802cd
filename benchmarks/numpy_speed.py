"""The NumPy side against SciPy: ratios of time, as JSON. `python -m benchmarks` runs it pinned."""

import json
import os
import sys
import time

import numpy as np
import scipy.special

import softmax_lab as lab
from benchmarks.measure import compare, seconds

# name, function, shape, axis, bars (float32, float64): ours ÷ SciPy must not exceed them
CASES = [
    ("softmax", (10,), -1, (1.0, 1.0)),
    ("softmax", (64, 10), -1, (1.0, 1.0)),
    ("softmax", (100_000, 10), -1, (0.5, 0.55)),
    ("softmax", (4096, 1000), -1, (1.4, 1.0)),
    ("softmax", (1024, 32_000), -1, (1.0, 1.0)),
    ("softmax", (128, 128_256), -1, (1.0, 1.0)),
    ("softmax", (1000, 4096), 0, (1.1, 1.1)),
    ("softmax", (32_000, 256), 0, (1.1, 1.1)),
    ("softmax", (1, 10_000_000), -1, (None, None)),
    ("softmax + 1e4", (1024, 32_000), -1, (None, None)),
    ("log_softmax", (10,), -1, (1.0, 1.0)),
    ("log_softmax", (64, 10), -1, (1.0, 1.0)),
    ("log_softmax", (100_000, 10), -1, (0.5, 0.55)),
    ("log_softmax", (4096, 1000), -1, (1.4, 1.0)),
    ("log_softmax", (1024, 32_000), -1, (1.0, 1.0)),
    ("log_softmax", (128, 128_256), -1, (1.0, 1.0)),
    ("log_softmax", (1000, 4096), 0, (1.0, 1.0)),
    ("logsumexp", (10,), -1, (0.3, 0.3)),
    ("logsumexp", (64, 10), -1, (0.3, 0.3)),
    ("logsumexp", (100_000, 10), -1, (0.5, 0.5)),
    ("logsumexp", (4096, 1000), -1, (0.5, 0.5)),
    ("logsumexp", (1024, 32_000), -1, (0.5, 0.5)),
    ("logsumexp", (1000, 4096), 0, (0.5, 0.5)),
    ("logsumexp", (1, 10_000_000), -1, (0.5, 0.5)),
    ("cross_entropy", (64, 10), -1, (1.0, 1.0)),
    ("cross_entropy_with_grad", (4096, 1000), -1, (None, None)),
    ("cross_entropy_with_grad", (1024, 32_000), -1, (0.8, 0.8)),
]


# What a wide row costs beyond its limits.
REST = {
    "softmax": "In float64: the maximum and the sum, two more readings of a block in the L2 cache, "
    "and the division. In float32: the exponentials are those of float64, which cost twice as "
    "much, and two conversions; they are what the 4 ulp cost.",
    "softmax + 1e4": "The rounding error of x − c and its correction: six passes over the block.",
    "log_softmax": "The exponentials are needed for the sum alone. Beside them the search for the "
    "winner, whose weight is left out of the sum, and two subtractions from x.",
    "logsumexp": "Nothing is written: the maximum, the search for the winner and the sum. In "
    "float32 the conversion to float64.",
    "cross_entropy_with_grad": "As log_softmax, and one multiplication that writes the gradient.",
}


def scipy_cross_entropy(x, target):
    """Compose the loss from SciPy's function, as one does without ours."""
    return -scipy.special.log_softmax(x, 1)[np.arange(len(x)), target].mean()


def scipy_cross_entropy_with_grad(x, target):
    """Compose the loss and its gradient from SciPy's functions, as one does without ours."""
    rows = np.arange(len(x))
    loss = -scipy.special.log_softmax(x, axis=-1)[rows, target].mean()
    gradient = scipy.special.softmax(x, axis=-1)
    gradient[rows, target] -= 1
    gradient /= len(x)
    return loss, gradient


LOSSES = {
    "cross_entropy": (lab.cross_entropy, scipy_cross_entropy),
    "cross_entropy_with_grad": (lab.cross_entropy_with_grad, scipy_cross_entropy_with_grad),
}


def calls(name, shape, axis, dtype, out=True):
    """Return what is measured in a case: our call and SciPy's. `out` reuses an output."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal(shape, dtype=dtype)
    if name.endswith("1e4"):
        x, name = x + dtype(1e4), name.split()[0]
    if name in LOSSES:
        target = rng.integers(0, shape[-1], len(x))
        ours, peer = LOSSES[name]
        return lambda: ours(x, target), lambda: peer(x, target)
    ours, peer = getattr(lab, name), getattr(scipy.special, name)
    if name == "logsumexp":
        return lambda: ours(x, axis), lambda: peer(x, axis=axis)
    out = np.empty_like(x) if out else None
    return lambda: ours(x, axis, out=out), lambda: peer(x, axis=axis)


def limits(shape, dtype):
    """Time the physical limits: a copy of input to output, and one exp for each element."""
    x = np.random.default_rng(0).standard_normal(shape, dtype=dtype)
    out = np.empty_like(x)
    copies = sorted(seconds(lambda: np.copyto(out, x)) for _ in range(11))
    exps = sorted(seconds(lambda: np.exp(x, out=out)) for _ in range(11))
    return copies[5], exps[5]


def measure(chosen, pairs):
    """Yield one row for each case whose name and shape contain `chosen`, and each dtype."""
    for name, shape, axis, bars in CASES:
        if chosen not in f"{name} {shape}":
            continue
        for dtype, bar in zip((np.float32, np.float64), bars, strict=True):
            ours, peer, ratio = compare(*calls(name, shape, axis, dtype), pairs=pairs, budget=0)
            row = {"name": name, "shape": shape, "axis": axis, "dtype": dtype.__name__}
            size = int(np.prod(shape))
            row |= {
                "bar": bar,
                "ratio": ratio,
                "ns": ours / size * 1e9,
                "peer_ns": peer / size * 1e9,
            }
            if size > 1e6:
                copy, exp = limits(shape, dtype)
                row |= {"over_copy": ours / copy, "over_exp": ours / exp}
            yield row


def threaded(shape=(1024, 32_000)):
    """Yield the wall-clock ratio of softmax with all threads, ours ÷ SciPy."""
    for dtype in (np.float32, np.float64):
        pair = calls("softmax", shape, -1, dtype)
        yield dtype.__name__, compare(*pair, clock=time.perf_counter, budget=0)[2]


if __name__ == "__main__":
    if sys.argv[1:] == ["threads"]:
        print(json.dumps(list(threaded())))
        sys.exit()
    for row in measure(sys.argv[1] if sys.argv[1:] else "", int(os.environ.get("PAIRS", "11"))):
        print(json.dumps(row), flush=True)
        print(row["name"], *row["shape"], f"{row['ratio']:.2f}", file=sys.stderr, flush=True)
