"""The torch side against torch's own kernels: `python -m benchmarks.torch_speed` prints the table.

Forward and backward together, or the first alone where it says so; compiled, against torch's own
compiled. `rows` runs pinned to one thread, in a process of its own.
"""

import json
import sys

import torch
import torch.nn.functional as F

import softmax_lab.torch as lab
from benchmarks.measure import compare, markdown, run_pinned
from tests.torch.memory import peak

LARGE = (1024, 32_000)
# name, shape, dtype, scale of the logits, bar
CASES = [
    ("cross_entropy", LARGE, "float32", 1, 0.85),
    ("cross_entropy", LARGE, "bfloat16", 1, 0.9),
    ("cross_entropy", LARGE, "float32", 10, None),
    ("cross_entropy", (4096, 1000), "float32", 1, None),
    ("cross_entropy", (100_000, 10), "float32", 1, None),
    ("softmax", LARGE, "float32", 1, 2.0),
    ("softmax", LARGE, "float32", 100, None),
    ("softmax", (4096, 1000), "float32", 1, 2.0),
    ("softmax", (4096, 1000), "bfloat16", 1, 2.0),
    ("softmax", (4096, 1000), "float64", 1, None),
    ("softmax", (100_000, 10), "float32", 1, 2.0),
    ("softmax, forward", (64, 10), "float32", 1, 3.0),
    ("log_softmax, forward", (64, 10), "float32", 1, 3.0),
    ("cross_entropy, forward", (64, 10), "float32", 1, 3.0),
    ("softmax", (64, 10), "float32", 1, 3.0),
    ("log_softmax", (64, 10), "float32", 1, 3.0),
    ("cross_entropy", (64, 10), "float32", 1, 3.0),
    ("log_softmax", LARGE, "float32", 1, 2.0),
    ("log_softmax", (4096, 1000), "float32", 1, 2.0),
    ("log_softmax", (100_000, 10), "float32", 1, 2.0),
    ("softmax, compiled", (4096, 1000), "float32", 1, 1.2),
    ("log_softmax, compiled", (4096, 1000), "float32", 1, 1.2),
    ("cross_entropy, compiled", (4096, 1000), "float32", 1, 1.2),
]
MEMORY = [  # name, dtype, bar in units of the logits, the gradient included
    ("cross_entropy", "float32", 1.15),
    ("cross_entropy", "bfloat16", 1.15),
    ("softmax", "float32", None),
    ("log_softmax", "float32", None),
]


def calls(name, shape, dtype, scale):
    """Return what is measured: ours and torch's, forward and backward, and the logits."""
    name, *how = name.split(", ")
    generator = torch.Generator().manual_seed(0)
    x = (torch.randn(shape, generator=generator) * scale).to(getattr(torch, dtype))
    y = torch.randint(shape[-1], shape[:1], generator=generator)
    v = torch.randn(shape, generator=generator).to(x.dtype)
    beside, direction = (y, None) if name == "cross_entropy" else (-1, v)
    x.requires_grad_("forward" not in how)

    def one_way(function):
        return lambda: function(x, beside)

    def both_ways(function):
        def call():
            x.grad = None
            function(x, beside).backward(direction)

        return call

    pair = [getattr(library, name) for library in (lab, F)]
    if "compiled" in how:
        pair = [torch.compile(function, fullgraph=True) for function in pair]
    return *map(one_way if "forward" in how else both_ways, pair), x


def rows():
    """Print one JSON line for each case."""
    torch.set_num_threads(1)
    for name, shape, dtype, scale, bar in CASES:
        ours, peer, x = calls(name, shape, dtype, scale)
        seconds, peer_seconds, ratio = compare(ours, peer, pairs=7)
        ns = [1e9 * each / x.numel() for each in (seconds, peer_seconds)]
        print(json.dumps([name, shape, dtype, scale, ratio, bar, *ns]), flush=True)


def memory():
    """Print one JSON line for each case of memory."""
    for name, dtype, bar in MEMORY:
        *pair, x = calls(name, LARGE, dtype, 1)
        ratios = []
        for call in pair:
            x.grad = None
            ratios.append(peak(call) / x.nbytes)
        print(json.dumps([name, LARGE, dtype, 1, ratios[0], bar, *ratios]), flush=True)


def table():
    """Return the tables of speed and memory as Markdown."""
    tables = []
    for part, headings in (
        ("rows", ["ours ÷ torch", "bar", "", "ours, ns/element", "torch"]),
        ("memory", ["memory, × the logits", "bar", "", "torch"]),
    ):
        lines = []
        for line in run_pinned("benchmarks.torch_speed", part).splitlines():
            name, shape, dtype, scale, ratio, bar, ours, peer = json.loads(line)
            verdict = "" if bar is None else "✓" if ratio <= bar else "above"
            numbers = [f"{ours:.2f}", f"{peer:.2f}"][-len(headings) + 3 :]
            shape = "×".join(map(str, shape)) + (f", logits × {scale}" if scale != 1 else "")
            lines.append([name, shape, dtype, f"**{ratio:.2f}**", bar or "", verdict, *numbers])
        tables.append(markdown(["function", "shape", "dtype", *headings], lines))
    return "Forward and backward, or forward alone; one pinned thread.\n\n" + "\n\n".join(tables)


if __name__ == "__main__":
    part = sys.argv[1:]
    print(table()) if not part else {"rows": rows, "memory": memory}[part[0]]()
