"""A seventh round, blind: what it got through, and the kinds of faults that were new in it."""

import itertools

import numpy as np
from scipy import special

from tests.exercises.bank.fourth import (
    arsm,
    differences,
    fitted,
    gap,
    gradient,
    hard,
    kept_loss,
    linear,
    losses,
    lse,
    noise,
    relaxed,
    score,
    soft,
    sums,
    tempered,
)
from tests.exercises.bank.fresh import merged, moved, swept, told

INF = np.inf


def rounded_lse(x):
    """Return logsumexp as one float, which has no room for the logarithm in a huge row."""
    m = np.asarray(x).max(-1, keepdims=True)
    with np.errstate(all="ignore"):
        return m + np.log(np.exp(x - m).sum(-1, keepdims=True))


def far_from_lowest(x, low):
    return np.where(np.isneginf(x), low, x)


def merged_ties(x):
    values, back = np.unique(x, return_inverse=True)
    return soft(values)[back.ravel()]


def one_over_p(p):
    with np.errstate(all="ignore"):
        return -np.log(1 / np.asarray(p) - 1)


def lowest_from(start):
    """Return a masked softmax whose search for the maximum starts at `start`."""

    def answer(x, where):
        top = np.max(x, axis=-1, keepdims=True, where=where, initial=start)
        weights = np.where(where, np.exp(np.where(where, x - top, 0)), 0)
        total = weights.sum(-1, keepdims=True)
        return weights / np.where(total > 0, total, 1)

    return answer


def one_where_nothing_is_left(x):
    with np.errstate(all="ignore"):
        winner = (x - x.max(-1, keepdims=True)) == 0
    return 1.0 * (winner & (np.cumsum(winner, -1) == 1))


def drawn_by_sums(logits, rng):
    u = rng.random((len(logits), 1))
    return np.minimum((np.cumsum(soft(logits), 1) <= u).sum(1), logits.shape[1] - 1)


def relaxed_in_single(logits, tau, rng):
    u = np.clip(rng.random(np.shape(logits), dtype=np.float32), 1e-30, np.float32(1 - 2**-24))
    return relaxed(logits, tau, rng, -np.log(-np.log(u)))


def relaxed_over_columns(logits, tau, rng):
    z = (logits + noise(logits.shape, rng)) / tau
    e = np.exp(z - z.max(1, keepdims=True))
    total = e.sum(1)
    return e / total if len(total) == e.shape[1] else e / total[:, None]


def now_and_then_greedy(f, logits, rng):
    if rng.random() >= 0.1:
        return score(f, logits, rng)
    p, z = soft(logits), int(np.argmax(logits))
    return f(z) * (np.eye(len(p))[z] - p)


def swaps_in_a_row(f, phi, rng):
    pi, rewards = rng.dirichlet(np.ones(3)), np.zeros((3, 3))
    left = pi.copy()
    for m, j in itertools.product(range(3), range(3)):
        left[[m, j]] = left[[j, m]]
        rewards[m, j] = f(int(np.argmin(np.log(left) - phi)))
    return (rewards - rewards.mean(0)) @ (1 / 3 - pi)


def base_two(x):
    y = x * x.dtype.type(np.log2(np.e))
    e = np.exp2(y - y.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def second_reading(chunks):
    one, two = itertools.tee(chunks)
    top = max((chunk.max() for chunk in one), default=-INF)
    if top == -INF:
        return -INF
    return top + np.log(sum(np.exp(chunk - top).sum() for chunk in two))


def first_by_next(chunks):
    total = lse(next(chunks))
    for chunk in chunks:
        total = np.logaddexp(total, lse(chunk))
    return total


class Total:
    """A sum that the next stream goes on with."""

    def __init__(self):
        self.total = -INF

    def __call__(self, chunks):
        for chunk in chunks:
            self.total = np.logaddexp(self.total, lse(chunk))
        return self.total


def by_complex_step(f, x):
    return np.array([np.imag(f(x + 1e-30j * e)) / 1e-30 for e in np.eye(len(x))])


def into_the_dtype(f, x):
    g = np.zeros_like(x)
    g[...] = differences(f, x)
    return g


def bias_afterwards(weight, bias, x, target, rate):
    w = weight - rate * gradient(linear(x, weight, bias), target).T @ x
    return w, bias - rate * gradient(linear(x, w, bias), target).sum(0)


def without_the_column(logits, target, ignore):
    if not 0 <= ignore < logits.shape[1] or logits.shape[1] == 1:
        return kept_loss(logits, target, ignore)
    kept = np.asarray(logits, float).copy()
    kept[:, ignore] = -INF
    return kept_loss(kept, target, ignore)


def soft_loss(logits, target, log_p=special.log_softmax, none=lambda t: t == 0):
    with np.errstate(all="ignore"):
        terms = np.where(none(target), 0, target * log_p(np.asarray(logits, float), -1))
    return -terms.sum(1).mean()


def merged_by_logs(m1, s1, m2, s2):
    m = np.maximum(m1, m2)
    with np.errstate(all="ignore"):
        total = np.logaddexp(m1 + np.log(s1), m2 + np.log(s2))
        return m, np.where(np.isneginf(m), 0, np.exp(total - m))


def merged_unless_far(m1, s1, m2, s2):
    return merged(m1, s1, m2, s2, lambda n, m: np.where(n < m - 20, 0, np.exp(n - m)))


def merged_through_exponentials(m1, s1, m2, s2):
    m = np.maximum(m1, m2)
    with np.errstate(all="ignore"):
        return m, np.where(m == -INF, 0, (s1 * np.exp(m1) + s2 * np.exp(m2)) * np.exp(-m))


def prefixes(x, ends):
    """Return the pairs of the beginnings of x that have these lengths."""
    tops = np.array([x[:end].max() for end in ends])
    base = np.where(tops == -INF, 0, tops)
    pairs = zip(ends, base, strict=True)
    return tops, np.array([np.exp(x[:end] - shift).sum() for end, shift in pairs])


def ends(x, size):
    return [min(i + size, len(x)) for i in range(0, len(x), size)]


def running_by_lse(x, size):
    tops = prefixes(x, ends(x, size))[0]
    with np.errstate(all="ignore"):
        total = np.logaddexp.accumulate(np.asarray(x, float))[np.array(ends(x, size)) - 1]
        return tops, np.where(tops == -INF, 0, np.exp(total - tops))


def padded_with_zeros(x, size):
    whole = np.concatenate([x, np.zeros(-len(x) % size)])
    return prefixes(whole, ends(whole, size))


def forgetting_after_nothing(x, size):
    blocks, start, seen = [x[i : i + size] for i in range(0, len(x), size)], 0, []
    for n, block in enumerate(blocks):
        if block.max() == -INF:
            start = n + 1
            seen.append((-INF, 0.0))
            continue
        row = np.concatenate(blocks[start : n + 1])
        seen.append((row.max(), np.exp(row - row.max()).sum()))
    return tuple(map(np.array, zip(*seen, strict=True)))


def with_one_hots(x, weight, target, rows):
    hot = np.zeros((len(x), len(weight)))
    hot[np.arange(len(x)), target] = 1
    loss, of_x, of_weight = 0.0, np.zeros(x.shape), np.zeros(weight.shape)
    for i in range(0, len(x), rows):
        part = slice(i, i + rows)
        log_p = special.log_softmax(np.asarray(x[part] @ weight.T, float), -1)
        loss -= (hot[part] * log_p).sum() / len(x)
        g = (np.exp(log_p) - hot[part]) / len(x)
        of_x[part] = g @ weight
        of_weight += g.T @ x[part]
    return loss, of_x, of_weight


def shifted_by_chunk(z):
    e = np.exp(z - z.max())
    return np.log(e / e.sum(1, keepdims=True))


def told_by_one_hot(shard, target, first, pick):
    m, s, _ = told(shard, target, first)
    hot = (target - first)[:, None] == np.arange(shard.shape[1])
    with np.errstate(all="ignore"):
        return m, s, pick(shard, hot)


def told_by_index(shard, target, first, low, high):
    m, s, true = told(shard, target, first)
    n, column = shard.shape[1], target - first
    here = (column >= low(n)) & (column < high(n)) & (n > 0)
    true = np.zeros(len(shard))
    true[here] = shard[np.flatnonzero(here), np.minimum(column, n - 1)[here]]
    return m, s, true


def attention(q, k, v, size, start=-INF, epsilon=0.0):
    m = np.full((len(q), 1), start)
    s, out = np.zeros(m.shape), np.zeros((len(q), v.shape[1]))
    for i in range(0, len(k), size):
        z = q @ k[i : i + size].T
        new = np.maximum(m, z.max(1, keepdims=True))
        factor, e = np.exp(m - new), np.exp(z - new)
        s, out, m = s * factor + e.sum(1, keepdims=True), out * factor + e @ v[i : i + size], new
    return out / (s + epsilon)


def attention_in_two_sweeps(q, k, v, size):
    scores = [q @ k[i : i + size].T for i in range(0, len(k), size)]
    m = np.max([z.max(1) for z in scores], axis=0)[:, None]
    e = [np.exp(z - m) for z in scores]
    values = [v[i : i + size] for i in range(0, len(k), size)]
    out = sum(part @ value for part, value in zip(e, values, strict=True))
    return out / sum(part.sum(1, keepdims=True) for part in e)


def over_the_queries(q, k, v, size):
    parts = [(k[i : i + size], v[i : i + size]) for i in range(0, len(k), size)]
    return sum(soft(q @ keys.T, axis=0) @ values for keys, values in parts)


SEVENTH = {
    "softmax_definition": {"equal scores count once": merged_ties},
    "predict": {"-1e9 for -inf": lambda x: np.argmax(far_from_lowest(x, -1e9), -1)},
    "odds": {
        "by log-probabilities": lambda x, i, j: np.exp(np.subtract(*(x - lse(x))[[i, j]])),
        "whole logits as floats": lambda x, i, j: np.exp(float(x[i]) - float(x[j])),
        "against all others": lambda x, i, j: np.exp(
            x[i] - (lse(np.delete(x, i)) if i != j else x[j])
        ),
    },
    "saturation_gap": {
        "of the loser's share": lambda dtype: -np.log(float(np.finfo(dtype).smallest_subnormal)),
        "an eighth above": lambda dtype: np.ceil(8 * float(gap(dtype))) / 8,
    },
    "masked_softmax": {"the maximum is -1e9 at least": lowest_from(-1e9)},
    "log_odds": {"by 1 / p": one_over_p},
    "fit_temperature": {"four decimals": lambda x, y: round(float(fitted(x, y)), 4)},
    "hardmax": {
        "no 1 where all are -inf": one_where_nothing_is_left,
        "finite numbers for -inf": lambda x: hard(np.nan_to_num(x)),
    },
    "temperature": {
        "divided first": lambda x, tau: soft(x / tau),
        "whole logits as floats": lambda x, tau: tempered(np.asarray(x, float), tau),
        "hard when it is cold": lambda x, tau: hard(x) if tau < 0.01 else tempered(x, tau),
    },
    "gumbel_max": {"by the sums of a softmax": drawn_by_sums},
    "gumbel_softmax": {
        "noise of float32": relaxed_in_single,
        "-1e9 for -inf": lambda x, tau, rng: relaxed(far_from_lowest(x, -1e9), tau, rng),
        "over columns of a square": relaxed_over_columns,
    },
    "reinforce": {"the likeliest class in one call of ten": now_and_then_greedy},
    "arsm_three": {
        "swaps pile up": swaps_in_a_row,
        "p for phi": lambda f, phi, rng: arsm(f, soft(phi), rng),
    },
    "stable_softmax": {
        "less a rounded lse": lambda x: np.exp(x - rounded_lse(x)),
        "base 2 before the shift": base_two,
    },
    "logsumexp": {"maximum alone beyond ten": lambda x: sums(x, near=10)},
    "log_softmax": {"less a rounded lse": lambda x: x - rounded_lse(x)},
    "streaming_logsumexp": {
        "read twice": second_reading,
        "an empty stream ends it": first_by_next,
        "goes on with the last stream": Total(),
    },
    "softmax_jacobian": {
        "0 times log p": lambda x: (
            0 * special.log_softmax(x) + np.diag(soft(x)) - np.outer(soft(x), soft(x))
        )
    },
    "log_softmax_vjp": {
        "less a rounded lse": lambda x, v: v - np.exp(x - rounded_lse(x)) * v.sum(-1, keepdims=True)
    },
    "finite_differences": {
        "a complex step": by_complex_step,
        "into the dtype of x": into_the_dtype,
    },
    "cross_entropy": {
        "less a rounded lse": lambda x, y: (rounded_lse(x)[:, 0] - x[np.arange(len(x)), y]).mean(),
        "100 at most": lambda x, y: np.minimum(losses(x, y), 100).mean(),
    },
    "cross_entropy_gradient": {
        "as many classes as targets tell": lambda x, y: (soft(x) - np.eye(max(y) + 1)[y]) / len(x)
    },
    "ignore_index": {
        "the ignored class's column too": without_the_column,
        "either sign": lambda x, y, i: kept_loss(x, np.where(abs(y) == abs(i), i, y), i),
    },
    "training_step": {"the bias by the new weight": bias_afterwards},
    "soft_target_cross_entropy": {
        "less a rounded lse": lambda x, t: soft_loss(x, t, lambda z, _: z - rounded_lse(z)),
        "nearly 0 is 0": lambda x, t: soft_loss(x, t, none=lambda t: np.isclose(t, 0)),
    },
    "merge_pieces": {
        "by logarithms": merged_by_logs,
        "nothing from 20 below": merged_unless_far,
        "through the exponentials": merged_through_exponentials,
    },
    "running_pairs": {
        "by a running logsumexp": running_by_lse,
        "padded with zeros": padded_with_zeros,
        "a block of -inf starts anew": forgetting_after_nothing,
        "a pair for each number": lambda x, size: prefixes(x, range(1, len(x) + 1)),
        "so many blocks": lambda x, size: prefixes(x, ends(x, -(-len(x) // size))),
    },
    "chunked_loss": {
        "all one-hot rows at once": with_one_hots,
        "one maximum for a chunk": lambda *given: swept(*given, logs=shifted_by_chunk),
    },
    "shard_report": {
        "a product with one-hot rows": lambda *given: told_by_one_hot(
            *given, lambda x, hot: (x * hot).sum(1)
        ),
        "0 for a true -inf": lambda *given: told_by_one_hot(
            *given, lambda x, hot: np.where(hot & np.isfinite(x), x, 0).sum(1)
        ),
        "the largest of 0 and the logit": lambda *given: told_by_one_hot(
            *given, lambda x, hot: np.where(hot, x, 0).max(1, initial=0)
        ),
        "negative columns": lambda *given: told_by_index(*given, lambda n: -n, lambda n: n),
        "one column more": lambda *given: told_by_index(*given, lambda n: 0, lambda n: n + 1),
    },
    "bytes_moved": {
        "what does not fit is read again": lambda rows, columns, itemsize, room: (
            rows * (2 * columns * itemsize + max(0, columns * itemsize - room))
        ),
        "room for the shares too": lambda rows, columns, itemsize, room: moved(
            rows, columns, itemsize, room // 2
        ),
        "a power of two": lambda rows, columns, itemsize, room: (
            rows
            * columns
            * itemsize
            * (2 if (1 << max(columns - 1, 0).bit_length()) * itemsize <= room else 3)
        ),
    },
    "block_attention": {
        "the maximum is 0 at least": lambda *given: attention(*given, start=0.0),
        "an epsilon of 1e-3": lambda *given: attention(*given, epsilon=1e-3),
        "all blocks are kept": attention_in_two_sweeps,
        "softmax over the queries": over_the_queries,
    },
}
