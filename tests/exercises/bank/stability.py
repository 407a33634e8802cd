"""Answers to the exercises of chapter 4, as readers write them: right ones, and wrong ones."""

import math
from functools import reduce

import numpy as np
import torch
from scipy import special


def tensor(x):
    return torch.from_numpy(np.asarray(x))


def softmax_in_turn(x):
    out = np.empty_like(x)
    for place in np.ndindex(x.shape[:-1]):
        shifted = np.exp(x[place] - max(x[place]))
        out[place] = shifted / shifted.sum()
    return out


def logsumexp_in_turn(x):
    out = np.empty(x.shape[:-1])
    for place in np.ndindex(out.shape):
        top = max(x[place])
        if top == -np.inf:
            out[place] = -np.inf
        else:
            out[place] = top + math.log(sum(math.exp(entry - top) for entry in x[place]))
    return out


def chunk_sum(chunk):
    return special.logsumexp(chunk)


def pairwise(chunks):
    total = -np.inf
    for chunk in chunks:
        total = np.logaddexp(total, chunk_sum(chunk))
    return float(total)


def number_by_number(chunks):
    top, total = -math.inf, 0.0
    for chunk in chunks:
        for x in chunk.tolist():
            if x > top:
                total = total * math.exp(top - x) + 1
                top = x
            elif x > -math.inf:
                total += math.exp(x - top)
    return top + math.log(total) if total else -math.inf


def in_one_unit(chunks, rescale=lambda total, old, new: total * np.exp(old - new)):
    top, total = -np.inf, 0.0
    for chunk in chunks:
        new = max(top, np.max(chunk))
        if new == -np.inf:
            continue
        if top > -np.inf:
            total = rescale(total, top, new)
        total, top = total + np.exp(chunk - new).sum(), new
    return top + np.log(total)


def unguarded(chunks):
    top, total = -np.inf, 0.0
    for chunk in chunks:
        new = np.maximum(top, chunk.max())
        total = total * np.exp(top - new) + np.exp(chunk - new).sum()
        top = new
    return np.log(total) + top


def all_at_once(chunks):
    return special.logsumexp(np.concatenate([np.array([-np.inf]), *list(chunks)]))


def two_passes(chunks):
    top = -np.inf
    for chunk in chunks:
        top = max(top, chunk.max())
    total = 0.0
    for chunk in chunks:
        total += np.exp(chunk - top).sum()
    return top + np.log(total)


def bisected_limit(dtype):
    low, high = dtype(0), dtype(1000)
    while True:
        middle = (low + high) / dtype(2)
        if middle in (low, high):
            return low
        if np.isfinite(np.exp(middle)):
            low = middle
        else:
            high = middle


def counted_down(dtype):
    limit = dtype(float(np.log(np.float64(np.finfo(dtype).max))) * (1 + 4 * np.finfo(dtype).eps))
    while not np.isfinite(np.exp(limit)):
        limit -= np.spacing(limit)
    return limit


def tabled_limit(dtype):
    return {2: 11.0859375, 4: 88.72283172607422, 8: 709.782712893384}[np.dtype(dtype).itemsize]


def first_infinite(dtype):
    return np.nextafter(tabled_limit(dtype), np.inf, dtype=dtype)


def log_softmax_in_two_steps(x, lse):
    shifted = x - x.max(axis=-1, keepdims=True)
    return shifted - lse(shifted, axis=-1)[..., np.newaxis]


RIGHT = {
    "stable_softmax": [
        softmax_in_turn,
        lambda x: special.softmax(x, axis=-1),
        lambda x: torch.softmax(tensor(x), dim=-1),
        lambda x: np.exp(log_softmax_in_two_steps(x, special.logsumexp)),
        lambda x: softmax_in_turn(x).tolist(),
    ],
    "logsumexp": [
        logsumexp_in_turn,
        lambda x: special.logsumexp(x, axis=-1),
        lambda x: torch.logsumexp(tensor(x), dim=-1),
        lambda x: np.logaddexp.reduce(x, axis=-1),
    ],
    "log_softmax": [
        lambda x: special.log_softmax(x, axis=-1),
        lambda x: torch.log_softmax(tensor(x), dim=-1),
        lambda x: log_softmax_in_two_steps(x, special.logsumexp),
        lambda x: log_softmax_in_two_steps(x, np.logaddexp.reduce),
    ],
    "streaming_logsumexp": [
        number_by_number,
        pairwise,
        lambda chunks: reduce(np.logaddexp, map(chunk_sum, chunks), -np.inf),
    ],
    "overflow_limit": [bisected_limit, counted_down, tabled_limit],
    "quiet_failure": [lambda: -103, lambda: np.int64(-102), lambda: -103.0],
}

WRONG = {
    "stable_softmax": [
        (
            "nothing is subtracted: the exponentials overflow",
            lambda x: (np.exp(x).T / np.exp(x).sum(axis=-1).T).T,
        ),
        (
            "the maximum is added, not subtracted",
            lambda x: (lambda e: e / e.sum(-1, keepdims=True))(
                np.exp(x + x.max(axis=-1, keepdims=True))
            ),
        ),
        (
            "one maximum for the whole batch",
            lambda x: (lambda e: e / e.sum(-1, keepdims=True))(np.exp(x - np.max(x))),
        ),
        (
            "the maximum of each column",
            lambda x: (lambda e: e / e.sum(-1, keepdims=True))(np.exp(x - np.max(x, axis=0))),
        ),
        (
            "only the numerator is shifted",
            lambda x: np.exp(x - x.max(-1, keepdims=True)) / np.exp(x).sum(-1, keepdims=True),
        ),
        (
            "the minimum is subtracted",
            lambda x: (lambda e: e / e.sum(-1, keepdims=True))(
                np.exp(x - np.min(x, axis=-1)[..., None])
            ),
        ),
        (
            "the mean is subtracted",
            lambda x: (lambda e: e / e.sum(-1, keepdims=True))(
                np.exp(x - np.mean(x, axis=-1)[..., None])
            ),
        ),
        (
            "nan is replaced by 0",
            lambda x: np.nan_to_num(np.exp(x) / np.sum(np.exp(x), axis=-1, keepdims=True), nan=0.0),
        ),
        (
            "everything is computed in float64",
            lambda x: special.softmax(np.float64(x), axis=-1),
        ),
    ],
    "logsumexp": [
        (
            "nothing is subtracted: the exponentials overflow",
            lambda x: np.log(np.sum(np.exp(x), axis=-1)),
        ),
        (
            "the maximum is not added back",
            lambda x: np.log(np.exp(x - x.max(axis=-1, keepdims=True)).sum(axis=-1)),
        ),
        (
            "a row of only -inf gives nan",
            lambda x: x.max(-1) + np.log(np.exp(x - x.max(-1)[..., None]).sum(-1)),
        ),
        (
            "one maximum for the whole batch",
            lambda x: np.max(x) + np.log(np.sum(np.exp(x - np.max(x)), axis=-1)),
        ),
        (
            "the mean of the exponentials, not their sum",
            lambda x: special.logsumexp(x, axis=-1, b=1 / x.shape[-1]),
        ),
        ("the sum runs over the whole batch", special.logsumexp),
        ("the summed axis is still there", lambda x: special.logsumexp(x, axis=-1, keepdims=True)),
        ("the maximum alone", lambda x: np.max(x, axis=-1)),
    ],
    "log_softmax": [
        (
            "the logarithm of a softmax that has underflowed",
            lambda x: np.log(special.softmax(x, axis=-1)),
        ),
        (
            "nothing is subtracted: the exponentials overflow",
            lambda x: x - np.log(np.sum(np.exp(x), axis=-1, keepdims=True)),
        ),
        ("softmax, without the logarithm", lambda x: special.softmax(x, axis=-1)),
        (
            "the sum is missing: the row is only shifted",
            lambda x: x - np.max(x, axis=-1)[..., None],
        ),
        (
            "the maximum is missing from x",
            lambda x: x - (special.logsumexp(x, axis=-1, keepdims=True) - x.max(-1, keepdims=True)),
        ),
        ("columns, not rows", lambda x: special.log_softmax(x, axis=0)),
        (
            "a small number is added before the logarithm",
            lambda x: np.log(1e-12 + special.softmax(x, axis=-1)),
        ),
    ],
    "streaming_logsumexp": [
        (
            "the old sum is not rescaled when the maximum grows",
            lambda chunks: in_one_unit(chunks, rescale=lambda total, old, new: total),
        ),
        (
            "the old sum is rescaled the wrong way",
            lambda chunks: in_one_unit(chunks, lambda total, old, new: total * np.exp(new - old)),
        ),
        (
            "nothing is subtracted: the exponentials overflow",
            lambda chunks: np.log(sum(np.sum(np.exp(chunk)) for chunk in chunks)),
        ),
        ("only the last chunk counts", lambda chunks: chunk_sum(list(map(chunk_sum, chunks))[-1])),
        ("the chunks' results are added", lambda chunks: sum(map(chunk_sum, chunks))),
        ("the largest chunk alone", lambda chunks: max(map(chunk_sum, chunks))),
        ("it reads the stream twice, and the second time nothing comes", two_passes),
        ("the whole stream is kept in memory", all_at_once),
        ("chunks of only -inf spoil the sum", unguarded),
    ],
    "overflow_limit": [
        (
            "the logarithm is rounded up: its exponential is inf",
            lambda dtype: np.log(np.finfo(dtype).max),
        ),
        ("a number of another dtype", lambda dtype: math.log(np.finfo(dtype).max)),
        ("float64 whatever the dtype", lambda dtype: 709.782712893384),
        ("the largest number, not its logarithm", lambda dtype: np.finfo(dtype).max),
        (
            "rounded down to a whole number",
            lambda dtype: int(np.log(np.float64(np.finfo(dtype).max))),
        ),
        ("the first number that overflows", first_infinite),
        ("a logarithm to base 2", lambda dtype: dtype(np.log2(np.float64(np.finfo(dtype).max)))),
    ],
    "quiet_failure": [
        ("a loud failure: it overflows", lambda: 100),
        ("a loud failure: everything underflows", lambda: -104),
        ("the sum gives it away", lambda: -87),
        ("the error is too small", lambda: -101),
        ("it is no whole number", lambda: -102.5),
        ("the wrong shape comes back", lambda: np.float32([0, -1, -4]) - 102),
    ],
}
