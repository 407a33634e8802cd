"""What softmax of a small array costs, call by call: `python -m benchmarks.numpy_costs`."""

import time
import timeit

import numpy as np
import scipy.special

import softmax_lab as lab
from benchmarks.measure import markdown
from softmax_lab.numpy._arguments import as_logits
from softmax_lab.numpy._blocks import QUIET, for_blocks, to_blocks
from softmax_lab.numpy._exponentials import may_stay, short_sum
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
    total, given = short_sum(scratch, spare=False), np.empty_like(x)
    return {
        "`lab.softmax(x)`": lambda: lab.softmax(x),
        "`lab.softmax(x, out=out)`": lambda: lab.softmax(x, out=given),
        "`scipy.special.softmax(x, axis=-1)`": lambda: scipy.special.softmax(x, axis=-1),
        "what came in is checked: `as_logits`": lambda: as_logits(x, -1),
        "views: `to_blocks`": lambda: to_blocks(x, (x.ndim - 1,)),
        "scratch, and no floating-point errors: `for_blocks`": lambda: for_blocks(
            nothing, block, [out]
        ),
        "- of it, running in a copy of a context": lambda: QUIET.copy().run(nothing),
        "the row function: `softmax_rows`": lambda: softmax_rows(block, out, scratch),
        "- `np.exp`": lambda: np.exp(block, scratch),
        "- the sum, in long double: `short_sum`": lambda: short_sum(scratch, spare=False),
        "- whether to shift: `may_stay`": lambda: may_stay(block, total),
        "- the division": lambda: np.divide(scratch, total, out),
        "not spent: `np.errstate`": errstate,
        "not spent: the maximum of each row": lambda: np.maximum.reduce(
            block, axis=1, keepdims=True
        ),
    }


def fastest(calls, rounds=40, number=1000):
    """Return the least time of each call in µs. They take turns: a slow moment slows them all."""
    taken = [
        {name: timeit.timeit(call, number=number, timer=time.process_time) for name, call in calls}
        for _ in range(rounds)
    ]
    return {name: min(each[name] for each in taken) / number * 1e6 for name, _ in calls}


def main():
    x = np.random.default_rng(0).normal(size=(64, 10))
    columns = [fastest(calls(each).items()) for each in (x[0], x)]
    rows = [[name, *(f"{column[name]:.2f}" for column in columns)] for name in columns[0]]
    print(markdown(["softmax, float64, in µs", "(10,)", "(64, 10)"], rows))


if __name__ == "__main__":
    main()
