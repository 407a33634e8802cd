"""The GPU's tables: `make gpu` tests on the card, then writes them to `benchmarks/gpu.md`.

`python -m benchmarks.gpu card` names the card, or says that there is none.
"""

import math
import sys
from functools import partial
from pathlib import Path

import torch
import torch.nn.functional as F

import softmax_lab.torch as lab
from benchmarks import linear_loss
from benchmarks.measure import markdown

SHAPES = [(32_768, 1 << k) for k in (10, 13, 16)] + [(16_384, 1 << 17), (8192, 1 << 18)]
DTYPES = (torch.float32, torch.bfloat16, torch.float16)
COMPILED = torch.bfloat16  # to compile takes seconds a case
# How often a function must read or write an array of the logits' size: forward, and both ways.
PASSES = {"softmax": (2, 5), "log_softmax": (2, 5), "cross_entropy": (1, 2)}
LINEAR = (8192, 2304, 256_000)  # tokens, features, classes
BAR = 0.9  # of the speed of a copy


def card():
    """Describe the card and the versions; stop where there is none."""
    if not torch.cuda.is_available():
        sys.exit(f"softmax-lab: torch {torch.__version__} finds no GPU here, and this needs one.")
    import triton

    name = torch.cuda.get_device_name()
    return f"{name}, torch {torch.__version__}, Triton {triton.__version__}"


def seconds(call):
    """Return the median time of a call, the cache emptied before each."""
    from triton.testing import do_bench

    return do_bench(call, warmup=5, rep=30, return_mode="median") / 1e3


def peak(call):
    """Return how much memory a call holds at once, beside what was there."""
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    call()
    return torch.cuda.max_memory_allocated() - before


def calls(function, x, beside, backwards):
    """Return the call to measure: forward, or forward and backward."""

    def forward():
        with torch.no_grad():
            return function(x, beside)

    def both_ways():
        x.grad = None
        y = function(x, beside)
        y.backward(None if y.ndim == 0 else v)

    v = torch.randn_like(x) if backwards and not isinstance(beside, torch.Tensor) else None
    return both_ways if backwards else forward


def speeds(shape, dtype, device="cuda"):
    """Yield lines of the table: what share of a copy's speed each function reaches."""
    x = torch.randn(shape, device=device, dtype=dtype)
    target = torch.randint(shape[1], shape[:1], device=device)
    copy = 2 * x.nbytes / seconds(partial(torch.empty_like(x).copy_, x))
    x.requires_grad_()
    for name, passes in PASSES.items():
        contenders = [getattr(lab, name), getattr(F, name)]
        if dtype == COMPILED:
            contenders.append(torch.compile(getattr(F, name), dynamic=False))
        beside = target if name == "cross_entropy" else -1
        for backwards, count in enumerate(passes):
            shares = [
                count * x.nbytes / seconds(calls(each, x, beside, backwards)) / copy
                for each in contenders
            ]
            verdict = "✓" if shares[0] >= BAR else "below"
            numbers = [f"**{shares[0]:.0%}**", verdict, *(f"{each:.0%}" for each in shares[1:])]
            numbers += [""] * (4 - len(numbers))
            way = ("forward", "both ways")[backwards]
            size = "×".join(map(str, shape))
            yield [name, way, size, str(dtype)[6:], f"{copy / 1e12:.2f}", *numbers]
            x.grad = None
    torch.compiler.reset()


def linear():
    """Return the line of the loss of a linear layer: seconds and gigabytes of the three ways."""
    three, _ = linear_loss.calls(LINEAR, torch.bfloat16, "cuda")
    return [f"{seconds(call):.3f} s, {peak(call) / 1e9:.1f} GB" for call in three]


def main():
    """Measure, print and write the tables."""
    report = [f"# On a GPU\n\n`make gpu` on {card()}."]
    room = torch.cuda.get_device_properties().total_memory // 8  # what one array may take
    cases = [(a, b) for a in SHAPES for b in DTYPES if math.prod(a) * b.itemsize <= room]
    lines = [line for shape, dtype in cases for line in speeds(shape, dtype)]
    headings = ["function", "", "shape", "dtype", "copy, TB/s", "ours ÷ copy", f"bar {BAR:.0%}"]
    report += [markdown([*headings, "torch", "torch.compile"], lines)]
    tokens, features, classes = LINEAR
    report += [
        f"`linear_cross_entropy` of {tokens} tokens, {features} features and {classes} classes, "
        "bfloat16, both ways: time, and memory beside the inputs.",
        markdown(["ours", "the two steps", "`F.linear_cross_entropy`"], [linear()]),
    ]
    text = "\n\n".join(report) + "\n"
    print(text)
    Path(__file__).with_suffix(".md").write_text(text)


if __name__ == "__main__":
    print(card()) if sys.argv[1:] == ["card"] else main()
