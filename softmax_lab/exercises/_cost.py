"""Measure what an answer keeps in memory: arrays, lists of numbers, and tensors of torch."""

import contextlib
import gc
import sys
import tracemalloc

import numpy as np

from softmax_lab.exercises._compare import DOUBLE, compare, unfit
from softmax_lab.exercises._runner import returned


@contextlib.contextmanager
def traced():
    """Trace the memory of Python and NumPy; torch's is not seen."""
    tracing = tracemalloc.is_tracing()
    tracemalloc.start()
    try:
        yield
    finally:
        if not tracing:
            tracemalloc.stop()


@contextlib.contextmanager
def largest_tensor(sizes):
    """Note the number of entries of every tensor that goes into or comes out of torch."""
    torch = sys.modules.get("torch")
    if torch is None:
        yield
        return

    def note(value):
        if isinstance(value, torch.Tensor):
            sizes.append(value.numel())
        elif isinstance(value, tuple | list):
            for part in value[:1000]:
                note(part)

    class Watch(torch.overrides.TorchFunctionMode):
        def __torch_function__(self, function, types, args=(), kwargs=None):
            result = function(*args, **(kwargs or {}))
            note([result, *args])
            return result

    with Watch():
        yield


def no_matrix(answer, x, v):
    """Return what the answer returns, unless it needed memory for a T x T matrix."""
    returned(answer, x[:3], v[:3])  # whatever is imported or compiled, is so now
    value, needed = measured(answer, x, v)
    if needed > 64 * x.size:
        shows = f"{needed / x.size:.0f} times the memory of x"
        nudge = "Multiply the formula by v on paper: which sums are left?"
        raise unfit(shows, "the whole Jacobian is built", nudge)
    return value


def in_little_memory(right, entries):
    """Return a probe that lets an answer hold a third of a matrix with so many entries.

    It speaks of memory only where the numbers are right: wrong ones have another reason.
    """

    def probe(answer, *case):
        value, needed = measured(answer, *case)
        if needed > entries / 3:
            compare(value, right(*case), DOUBLE)
            nudge = "Use what you need of a chunk at once, and let it go."
            raise unfit(value, "all rows of the large matrix are held", nudge)
        return value

    return probe


def measured(answer, *case):
    """Return what the answer returns, and the most that it held at once, in entries."""
    sizes = [0]
    with traced(), largest_tensor(sizes):
        tracemalloc.reset_peak()
        before, _ = tracemalloc.get_traced_memory()
        value = returned(answer, *case)
        _, highest = tracemalloc.get_traced_memory()
    return value, max((highest - before) / case[0].itemsize, max(sizes))


class Stream:
    """Chunks of a stream: can be read once, and notices what is kept of them."""

    def __init__(self, *chunks):
        self.chunks = [np.array(chunk, dtype=float) for chunk in chunks]
        self.total = sum(chunk.size for chunk in self.chunks)
        self.kept = 0

    def fresh(self):
        """Yield a copy of each chunk; before the last, see how many numbers are kept."""
        start = tracemalloc.get_traced_memory()[0] if tracemalloc.is_tracing() else None
        for number, original in enumerate(self.chunks):
            if start is not None and number == len(self.chunks) - 1:
                held = (tracemalloc.get_traced_memory()[0] - start) / original.itemsize
                self.kept = max(held, numbers_in_new_tensors())
            chunk = original.copy()
            yield chunk
            if not np.array_equal(chunk, original):
                nudge = "The caller still needs its array. Which line writes into it?"
                raise unfit(chunk, "it changes its input", nudge)

    def __repr__(self):
        if len(self.chunks) > 20:
            return f"an iterator over {len(self.chunks)} chunks, {self.total} numbers in all"
        return "an iterator over " + ", ".join(str(chunk.tolist()) for chunk in self.chunks)


def numbers_in_new_tensors():
    """Return how many numbers are in the tensors that are alive and were made since `gc.freeze`."""
    torch = sys.modules.get("torch")
    if torch is None:
        return 0
    alive = gc.get_objects()
    # By type: to ask an object for its class may run code of its own.
    return sum(part.numel() for part in alive if issubclass(type(part), torch.Tensor))


def one_chunk_at_a_time(answer, stream):
    """Return what the answer returns, unless it kept much of the stream."""
    returned(answer, Stream([1.0], [2.0]))
    stream.kept = 0
    gc.freeze()  # what is there already is not looked at: a session may have millions of objects
    try:
        with traced():
            value = returned(answer, stream)
    finally:
        gc.unfreeze()
    if stream.kept > stream.total / 3:
        nudge = "The real stream is too long for that. What must you remember of a chunk?"
        raise unfit(value, "the whole stream is kept in memory", nudge)
    return value
