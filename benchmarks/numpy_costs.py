"""What softmax of a small array costs, call by call: `python -m benchmarks.numpy_costs`."""

import time
import timeit

import numpy as np
import scipy.special

import softmax_lab as lab
from benchmarks.measure import markdown
from softmax_lab.numpy._arguments import as_logits
from softmax_lab.numpy._blocks import QUIET, for_blocks, to_blocks
from softmax_lab.numpy._exponentials import Exponentials, extremes
from softmax_lab.numpy.stability import softmax_rows


def nothing(*arguments):
    """Do nothing: what remains is the cost of being called."""


def errstate():
    """Enter and leave NumPy's own way to ignore floating-point errors."""
    with np.errstate(all="ignore"):
        pass


def calls(x):
    """Return what is measured, outer calls before those that they make."""
    block = to_blocks(x, (x.ndim - 1,))
    out, scratch = np.empty_like(block), np.exp(block)
    total = np.add.reduce(scratch, axis=1, keepdims=True, dtype=np.longdouble).astype(float)
    return {
        "`lab.softmax(x)`": lambda: lab.softmax(x),
        "`scipy.special.softmax(x, axis=-1)`": lambda: scipy.special.softmax(x, axis=-1),
        "what came in is checked: `as_logits`": lambda: as_logits(x, -1),
        "views: `to_blocks`": lambda: to_blocks(x, (x.ndim - 1,)),
        "scratch, and no floating-point errors: `for_blocks`": lambda: for_blocks(
            nothing, block, [out]
        ),
        "- of it, running in a copy of a context": lambda: QUIET.copy().run(nothing),
        "the row function: `softmax_rows`": lambda: softmax_rows(block, out, scratch),
        "- `Exponentials(…)`": lambda: Exponentials(block, scratch),
        "- `np.exp`": lambda: np.exp(block, scratch, dtype=np.float64),
        "- the sum, in long double": lambda: np.add.reduce(
            scratch, 1, np.longdouble, None, keepdims=True
        ),
        "- whether to shift: `extremes` of the sums": lambda: extremes(total),
        "- the division": lambda: np.divide(scratch, total, out, casting="same_kind"),
        "not spent: `np.errstate`": errstate,
        "not spent: the maximum of each row": lambda: np.maximum.reduce(
            block, axis=1, keepdims=True
        ),
    }


def main():
    columns = []
    for shape in ((10,), (64, 10)):
        x = np.random.default_rng(0).normal(size=shape)
        columns.append(
            {name: min(timeit.repeat(call, number=1000, repeat=40, timer=time.process_time)) / 1e-3
             for name, call in calls(x).items()}
        )  # fmt: skip
    rows = [[name, *(f"{column[name]:.2f}" for column in columns)] for name in columns[0]]
    print(markdown(["softmax, float64, in µs", "(10,)", "(64, 10)"], rows))


if __name__ == "__main__":
    main()
