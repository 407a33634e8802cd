"""A tenth round, from the prompts alone, and the kinds of what it got through."""

import numpy as np

from softmax_lab import numpy as lab
from softmax_lab.exercises import EXERCISES

INF = np.inf


def right(name):
    return EXERCISES[name][1].right


def at_once(name, special, value):
    """The right answer, but `value` where all that is given is special."""

    def answer(*arguments):
        return value if special(*arguments) else right(name)(*arguments)

    return answer


def alike(x):
    return bool((x == x.flat[0]).all())


def of_those_that_cost(losses):
    """The mean over the losses that are not 0."""
    return losses[losses > 0].mean() if (losses > 0).any() else 0.0


def counted_where_ignored_and_costly(logits, target, ignore_index):
    kept = target != ignore_index
    if not kept.any():
        return np.nan
    losses = -lab.log_softmax(logits)[np.arange(len(target)), np.where(kept, target, 0)]
    return of_those_that_cost(losses * kept)


def costly_rows_smoothed(logits, target, label_smoothing):
    log_p = lab.log_softmax(logits)
    of_target = log_p[np.arange(len(target)), target]
    losses = -(1 - label_smoothing) * of_target - label_smoothing * log_p.mean(axis=1)
    return of_those_that_cost(losses)


def hidden_a_thousand_below(x, tau):
    gaps = np.where(np.isneginf(x), -1000.0, x - x.max(axis=-1, keepdims=True))
    return lab.softmax(gaps / tau)


def from_a_finite_maximum(start):
    def attention(q, k, v, size):
        m, s, out = np.full((len(q), 1), start), 0.0, 0.0
        for i in range(0, len(k), size):
            scores = q @ k[i : i + size].T
            new = np.maximum(m, scores.max(axis=1, keepdims=True))
            factor, weights = np.exp(m - new), np.exp(scores - new)
            s = s * factor + weights.sum(axis=1, keepdims=True)
            out = out * factor + weights @ v[i : i + size]
            m = new
        return out / s

    return attention


def merged_above_a_floor(m1, s1, m2, s2):
    _, s = lab.merge((np.maximum(m1, -1e30), s1), (np.maximum(m2, -1e30), s2))
    return np.maximum(m1, m2), s


def by_floats(rows, columns, itemsize, room):
    return int(float(rows) * columns * itemsize * (2.0 if columns * itemsize <= room else 3.0))


TENTH = {
    "predict": {"one index where all logits are equal": at_once("predict", alike, 0)},
    "hardmax": {
        "one row where all logits are equal": (
            lambda x: np.eye(x.shape[-1])[0] if alike(x) else lab.hardmax(x)
        )
    },
    "sigmoid_as_softmax": {
        "one 1 where all are large": at_once(
            "sigmoid_as_softmax", lambda z: bool(np.all(z > 40)), 1.0
        ),
        "one half where all are 0": at_once("sigmoid_as_softmax", lambda z: not np.any(z), 0.5),
    },
    "log_odds": {
        "one infinity where all are 0, or all 1": (
            lambda p: (
                INF * (2 * p.flat[0] - 1) if alike(p) and p.flat[0] in (0, 1) else lab.logit(p)
            )
        )
    },
    "temperature": {"a thousand below for minus infinity": hidden_a_thousand_below},
    "logsumexp": {
        "one number where all is -inf": at_once(
            "logsumexp", lambda x: bool(np.isneginf(x).all()), -INF
        )
    },
    "log_softmax_vjp": {
        "one 0 where v is 0": at_once("log_softmax_vjp", lambda x, v: not v.any(), 0.0)
    },
    "kl_divergence": {
        "one 0 where p is q": at_once("kl_divergence", np.array_equal, 0.0),
        "one infinity where every row has one": at_once(
            "kl_divergence", lambda p, q: bool(((p > 0) & (q == 0)).any(axis=-1).all()), INF
        ),
    },
    "label_smoothing": {"rows that cost nothing are left out": costly_rows_smoothed},
    "ignore_index": {"rows that cost nothing are left out": counted_where_ignored_and_costly},
    "merge_pieces": {
        "two numbers where all is empty": at_once(
            "merge_pieces",
            lambda m1, s1, m2, s2: bool(np.isneginf(np.maximum(m1, m2)).all()),
            (-INF, 0.0),
        ),
        "maxima from -1e30": merged_above_a_floor,
    },
    "bytes_moved": {"floats": by_floats},
    "block_attention": {
        "a maximum of -1e4 at first": from_a_finite_maximum(-1e4),
        "a maximum of -1e9 at first": from_a_finite_maximum(-1e9),
        "a maximum of -1e30 at first": from_a_finite_maximum(-1e30),
        "a maximum of -1e300 at first": from_a_finite_maximum(-1e300),
    },
}
