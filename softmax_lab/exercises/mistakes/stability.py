"""Mistakes in the exercises of chapter 4, stability."""

import numpy as np

from softmax_lab import numpy as lab
from softmax_lab.exercises.mistakes import NO_ROOM, naive, unshifted


def _top(x):
    return x.max(axis=-1, keepdims=True)


def _shifted(x, shift):
    return naive(x - shift)


STABLE_SOFTMAX = {
    NO_ROOM: (lambda x: np.exp(unshifted(x))),
    "nothing is subtracted: the exponentials overflow. What does softmax not notice?": naive,
    "the maximum is added, not subtracted. What is the largest exponent now?": (
        lambda x: _shifted(x, -_top(x))
    ),
    "one maximum for the whole batch. What is left of a row that lies 1000 below it?": (
        lambda x: _shifted(x, x.max())
    ),
    "the maximum of each column. Along which axis do the classes lie?": (
        lambda x: _shifted(x, x.max(axis=0, keepdims=True))
    ),
    "the maxima of the rows meet the columns. Which shape has the maximum?": (
        lambda x: _shifted(x, x.max(axis=-1))
    ),
    "only the numerator is shifted. Which exponentials does the sum run over?": (
        lambda x: np.exp(x - _top(x)) / np.exp(x).sum(axis=-1, keepdims=True)
    ),
    "the row is divided by its maximum. Softmax ignores a shift, but not a factor.": (
        lambda x: naive(x / _top(x))
    ),
    "the minimum is subtracted. What is the largest exponent now?": (
        lambda x: _shifted(x, x.min(axis=-1, keepdims=True))
    ),
    "the mean is subtracted. What is the largest exponent if one entry is far above it?": (
        lambda x: _shifted(x, x.mean(axis=-1, keepdims=True))
    ),
    "nan is replaced by 0. A wrong number is worse than a nan: mend the cause.": (
        lambda x: np.nan_to_num(naive(x))
    ),
    "everything is computed in float64. Which dtype should come back?": (
        lambda x: lab.softmax(x.astype(float))
    ),
}


def _lse(x, shift):
    with np.errstate(all="ignore"):
        return (shift + np.log(np.exp(x - shift).sum(axis=-1, keepdims=True)))[..., 0]


LOGSUMEXP = {
    "nothing is subtracted: the exponentials overflow. Which constant can you pull out?": (
        lambda x: np.log(np.exp(x).sum(axis=-1))
    ),
    "the maximum is not added back. What does a shift of x do to the result?": (
        lambda x: lab.logsumexp(x - x.max(axis=-1, keepdims=True))
    ),
    "a row of only -inf gives nan. What is -inf - (-inf)?": lambda x: _lse(x, _top(x)),
    "one maximum for the whole batch. What is left of a row that lies 1000 below it?": (
        lambda x: _lse(x, np.full_like(_top(x), x.max()))
    ),
    "the mean of the exponentials, not their sum. What is the answer for two equal entries?": (
        lambda x: lab.logsumexp(x) - np.log(x.shape[-1])
    ),
    "a logarithm to base 2. Nats are asked for.": (
        lambda x: x.max(axis=-1) + np.log2(np.exp(x - _top(x)).sum(axis=-1))
    ),
    "the sum of the entries. A logarithm does not pass through a sum.": lambda x: x.sum(axis=-1),
    "the maximum alone. What do the other entries add?": lambda x: x.max(axis=-1),
    "the sum runs over the whole batch. One number for each row is asked for.": (
        lambda x: lab.logsumexp(x, axis=None)
    ),
    "the summed axis is still there. Which shape is asked for?": (
        lambda x: lab.logsumexp(x, keepdims=True)
    ),
}


def _log_softmax(x, shift):
    return x - shift - np.log(np.exp(x - shift).sum(axis=-1, keepdims=True))


LOG_SOFTMAX = {
    NO_ROOM: unshifted,
    "the logarithm of a softmax that has underflowed. Which step undoes which?": (
        lambda x: np.log(lab.softmax(x))
    ),
    "nothing is subtracted: the exponentials overflow. What does softmax not notice?": (
        lambda x: _log_softmax(x, 0)
    ),
    "softmax, without the logarithm. What sign has the answer?": lambda x: lab.softmax(x),
    "the sum is missing: the row is only shifted. What must the exponentials sum to?": (
        lambda x: x - _top(x)
    ),
    "the maximum is missing from x. Shift both terms, or none.": (
        lambda x: x - np.log(np.exp(x - _top(x)).sum(axis=-1, keepdims=True))
    ),
    "one maximum for the whole batch. What is left of a row that lies 1000 below it?": (
        lambda x: _log_softmax(x, x.max())
    ),
    "a logarithm to base 2. Nats are asked for.": (
        lambda x: x - _top(x) - np.log2(np.exp(x - _top(x)).sum(axis=-1, keepdims=True))
    ),
    "the logarithm is added, not subtracted. What is the logarithm of a quotient?": (
        lambda x: x - _top(x) + np.log(np.exp(x - _top(x)).sum(axis=-1, keepdims=True))
    ),
    "columns, not rows. Along which axis do the classes lie?": lambda x: lab.log_softmax(x, axis=0),
    "one sum for the whole batch. Which entries compete with each other?": (
        lambda x: lab.log_softmax(x, axis=None)
    ),
    "a small number is added before the logarithm. How small may a probability be?": (
        lambda x: np.log(lab.softmax(x) + 1e-12)
    ),
}


def _fold(step, guarded=True):
    def streaming(chunks):
        top, total = -np.inf, 0.0
        for chunk in chunks:
            new = max(top, chunk.max())
            if new > -np.inf or not guarded:
                top, total = step(top, total, chunk, new)
        return top + np.log(total)

    return streaming


def _twice(chunks):
    top = max((chunk.max() for chunk in chunks), default=-np.inf)
    return top + np.log(sum(np.exp(chunk - top).sum() for chunk in chunks))


def _each(join):
    return lambda chunks: join(np.array([lab.logsumexp(chunk) for chunk in chunks]))


STREAMING_LOGSUMEXP = {
    "the old sum is not rescaled when the maximum grows. In which unit is it counted?": _fold(
        lambda top, total, chunk, new: (new, total + np.exp(chunk - new).sum())
    ),
    "the maximum stays the first chunk's. What if a later one lies 1000 above it?": _fold(
        lambda top, total, chunk, new: (
            (new, np.exp(chunk - new).sum())
            if top == -np.inf
            else (top, total + np.exp(chunk - top).sum())
        )
    ),
    "the old sum is rescaled the wrong way. Do its terms shrink when the maximum grows?": _fold(
        lambda top, total, chunk, new: (
            new,
            total * np.exp(new - top if total else 0.0) + np.exp(chunk - new).sum(),
        )
    ),
    "nothing is subtracted: the exponentials overflow. Keep a maximum as you go.": (
        lambda chunks: np.log(sum(np.exp(chunk).sum() for chunk in chunks))
    ),
    "only the last chunk counts. What happens to the others?": (
        lambda chunks: _each(lambda lses: lses[-1])(chunks)
    ),
    "the chunks' results are added. A sum of logarithms is the logarithm of a product.": _each(
        np.sum
    ),
    "the largest chunk alone. What do the others add?": _each(np.max),
    "the mean of the chunks' results. Is a longer stream's sum not larger?": _each(np.mean),
    "it reads the stream twice, and the second time nothing comes. One pass!": _twice,
    "chunks of only -inf spoil the sum. What is -inf - (-inf)?": _fold(
        lambda top, total, chunk, new: (new, total * np.exp(top - new) + np.exp(chunk - new).sum()),
        guarded=False,
    ),
}


def _log_max(dtype):
    return np.log(float(np.finfo(dtype).max))


OVERFLOW_LIMIT = {
    "the logarithm is rounded up: its exponential is inf. Try it, and step down.": (
        lambda dtype: np.log(np.finfo(dtype).max)
    ),
    "a number of another dtype. Is it a float of the dtype that was asked for?": _log_max,
    "float64 whatever the dtype. Which maximum has the dtype that was asked for?": (
        lambda dtype: _log_max(float)
    ),
    "the largest number, not its logarithm. What is np.exp of it?": lambda dtype: (
        np.finfo(dtype).max
    ),
    "a logarithm to base 2. Which function overflows here?": (
        lambda dtype: dtype(np.log2(float(np.finfo(dtype).max)))
    ),
    "a logarithm to base 10. Which function overflows here?": (
        lambda dtype: dtype(np.log10(float(np.finfo(dtype).max)))
    ),
    "rounded down to a whole number. Is the next float not finite too?": (
        lambda dtype: np.floor(_log_max(dtype))
    ),
    "the first number that overflows. The last one that does not is asked for.": (
        lambda dtype: np.nextafter(overflow_limit(dtype), dtype(np.inf))
    ),
    "the other end, where the exponential underflows. Which end is asked for?": (
        lambda dtype: np.log(np.finfo(dtype).tiny)
    ),
}


def overflow_limit(dtype):
    """Step down from the logarithm of the largest float to the last finite exponential."""
    limit = np.nextafter(np.log(np.finfo(dtype).max), dtype(np.inf))
    while np.isinf(np.exp(limit)):
        limit = np.nextafter(limit, dtype(0))
    return limit
