"""Measure how much of a large matrix an answer holds at once."""

import tracemalloc

from softmax_lab.exercises._compare import DOUBLE, compare, unfit
from softmax_lab.exercises._cost import largest_tensor, traced
from softmax_lab.exercises._runner import returned


def in_little_memory(right, entries):
    """Return a probe that lets an answer hold a third of a matrix with so many entries.

    It speaks of memory only where the numbers are right: wrong ones have another reason.
    """

    def probe(answer, *case):
        sizes = [0]
        with traced(), largest_tensor(sizes):
            tracemalloc.reset_peak()
            before, _ = tracemalloc.get_traced_memory()
            value = returned(answer, *case)
            _, highest = tracemalloc.get_traced_memory()
        if max((highest - before) / case[0].itemsize, max(sizes)) > entries / 3:
            compare(value, right(*case), DOUBLE)
            nudge = "Use what you need of a chunk at once, and let it go."
            raise unfit(value, "all rows of the large matrix are held", nudge)
        return value

    return probe
