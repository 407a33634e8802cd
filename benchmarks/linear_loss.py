"""The loss of a linear layer, forward and backward: `python -m benchmarks.linear_loss`.

Beside it the same two steps in torch, and torch's own function for them. `rows` runs pinned to one
thread, in a process of its own.
"""

import json
import sys

import torch
import torch.nn.functional as F

import softmax_lab.torch as lab
from benchmarks.measure import compare, markdown, run_pinned
from tests.torch.memory import peak

SHAPE = (4096, 512, 32_000)  # tokens, features, classes
DTYPES = (torch.float32, torch.bfloat16)
TIME, MEMORY = 1.0, 0.15  # bars: of the plain time; of the logits, above inputs and gradients


def calls(shape, dtype, device="cpu"):
    """Return what is measured: ours, the two steps, torch's own; and the inputs with gradients."""
    tokens, features, classes = shape
    draw = {"generator": torch.Generator(device).manual_seed(0), "device": device}
    x = torch.randn(tokens, features, **draw).to(dtype).requires_grad_()
    weight = torch.randn(classes, features, **draw) / features**0.5
    weight = weight.to(dtype).requires_grad_()
    y = torch.randint(classes, (tokens,), **draw)

    def both_ways(function):
        def call():
            x.grad = weight.grad = None
            function().backward()

        return call

    ours = both_ways(lambda: lab.linear_cross_entropy(x, weight, y))
    plain = both_ways(lambda: F.cross_entropy(F.linear(x, weight), y))
    own = both_ways(lambda: F.linear_cross_entropy(x, weight, y))
    return (ours, plain, own), (x, weight)


def above(measure, call, inputs):
    """Return the memory that `measure` finds for a call, above the gradients it leaves."""
    for each in inputs:
        each.grad = None
    return measure(call) - sum(each.nbytes for each in inputs)


def rows():
    """Print one JSON line for each dtype."""
    torch.set_num_threads(1)
    for dtype in DTYPES:
        (ours, *peers), inputs = calls(SHAPE, dtype)
        logits = SHAPE[0] * SHAPE[2] * dtype.itemsize
        accumulator = 0 if dtype == torch.float32 else 4 * inputs[1].numel()
        times = [compare(ours, peer, pairs=3)[2] for peer in peers]
        memory = [above(peak, call, inputs) / logits for call in (ours, *peers)]
        bar = MEMORY + accumulator / logits
        print(json.dumps([str(dtype)[6:], times, bar, memory]), flush=True)


def table():
    """Return the table as Markdown."""
    lines = []
    for line in run_pinned("benchmarks.linear_loss", "rows").splitlines():
        dtype, times, bar, memory = json.loads(line)
        verdicts = ["✓" if a <= b else "above" for a, b in ((times[0], TIME), (memory[0], bar))]
        time = [f"**{times[0]:.2f}**", TIME, verdicts[0], f"{times[1]:.2f}"]
        room = [f"**{memory[0]:.2f}**", f"{bar:.2f}", verdicts[1]]
        lines.append([dtype, *time, *room, *(f"{each:.2f}" for each in memory[1:])])
    tokens, features, classes = SHAPE
    headings = ["dtype", "time ÷ the two steps", "bar", "", "÷ `F.linear_cross_entropy`"]
    headings += ["memory, × the logits", "bar", "", "the two steps", "`F.linear_cross_entropy`"]
    return (
        f"`linear_cross_entropy` of {tokens} tokens, {features} features and {classes} classes, "
        "forward and backward, one pinned thread, beside the two steps "
        "`F.cross_entropy(F.linear(x, weight), y)`. Memory is what stands above inputs and "
        "gradients; in bfloat16 the bar adds the float32 accumulator of the weight's gradient.\n\n"
        + markdown(headings, lines)
    )


if __name__ == "__main__":
    rows() if sys.argv[1:] else print(table())
