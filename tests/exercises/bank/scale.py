"""Answers to the exercises of chapter 7, as readers write them: right ones, and wrong ones."""

import math

import numpy as np
import torch
from scipy import special


def merged_by_lse(m1, s1, m2, s2):
    with np.errstate(all="ignore"):
        m = np.where(m1 > m2, m1, m2)
        base = np.where(m == -np.inf, 0.0, m)
        return m, np.exp(np.logaddexp(m1 - base + np.log(s1), m2 - base + np.log(s2)))


def merged_in_turn(m1, s1, m2, s2):
    m, s = np.empty_like(m1), np.empty_like(s1)
    for place in np.ndindex(m1.shape):
        (n, small), (top, large) = sorted(
            [(m1[place], s1[place]), (m2[place], s2[place])], key=lambda pair: pair[0]
        )
        m[place] = top
        s[place] = large + (small * math.exp(n - top) if n > -math.inf else 0.0)
    return m, s


def merged_by_where(m1, s1, m2, s2):
    m = np.maximum(m1, m2)
    base = np.where(np.isinf(m), 0, m)
    return [m, np.exp(m1 - base) * s1 + np.exp(m2 - base) * s2]


def merged_unguarded(m1, s1, m2, s2):
    m = np.maximum(m1, m2)
    return m, np.exp(m1 - m) * s1 + np.exp(m2 - m) * s2


def pairs_in_turn(x, size):
    tops, sums, top, total = [], [], -math.inf, 0.0
    for place, entry in enumerate(x.tolist()):
        if entry > top:
            total, top = total * math.exp(top - entry) + 1, entry
        elif entry > -math.inf:
            total += math.exp(entry - top)
        if (place + 1) % size == 0 or place == len(x) - 1:
            tops.append(top)
            sums.append(total)
    return tops, sums


def pairs_of_beginnings(x, size):
    tops, sums = [], []
    for end in range(size, len(x) + size, size):
        beginning = x[:end]
        tops.append(beginning.max())
        base = tops[-1] if tops[-1] > -np.inf else 0
        sums.append(np.exp(beginning - base).sum())
    return np.array(tops), np.array(sums)


def pairs_by_lse(x, size):
    ends = np.minimum(np.arange(size, len(x) + size, size), len(x)) - 1
    with np.errstate(all="ignore"):
        m = np.maximum.accumulate(x)[ends]
        base = np.where(m == -np.inf, 0, m)
        pairs = zip(ends, base, strict=True)
        return m, np.exp([np.logaddexp.reduce(x[: end + 1] - shift) for end, shift in pairs])


def pairs_with(x, size, old=True, new=True):
    m, s, seen = -np.inf, 0.0, []
    for start in range(0, len(x), size):
        block = x[start : start + size]
        top = np.max(block)
        both = max(m, top)
        if top > -np.inf:
            mine = np.exp(block - top).sum()
            mine = mine * np.exp(top - both) if new else mine
        else:
            mine = 0.0
        before = s * np.exp(m - both) if old and m > -np.inf else s
        m, s = both, before + mine
        seen.append([m, s])
    return tuple(np.array(seen).T)


def pairs_alone(x, size):
    blocks = [x[i : i + size] for i in range(0, len(x), size)]
    tops = np.array([block.max() for block in blocks])
    sums = [np.exp(block - block.max()).sum() if block.max() > -np.inf else 0.0 for block in blocks]
    return tops, np.array(sums)


def pairs_unguarded(x, size):
    pairs = []
    m, s = -np.inf, 0
    for i in range(0, len(x), size):
        new = np.maximum(m, x[i : i + size].max())
        s = np.exp(m - new) * s + np.sum(np.exp(x[i : i + size] - new))
        m = new
        pairs.append((m, s))
    return np.array([m for m, _ in pairs]), np.array([s for _, s in pairs])


def pairs_of(blocks):
    m, s, pairs = -np.inf, 0.0, []
    for block in blocks:
        new = max(m, *block)
        if new > -np.inf:
            s = s * np.exp(m - new) + sum(np.exp(entry - new) for entry in block)
        m = new
        pairs.append((m, s))
    return tuple(map(np.array, zip(*pairs, strict=True)))


def zeros_at_the_end(x, size):
    count = -(-len(x) // size)
    wide = np.zeros(count * size, x.dtype)
    wide[: len(x)] = x
    return pairs_of(wide.reshape(count, size))


def loss_by_torch(x, weight, target, rows):
    x, weight = (torch.tensor(np.array(part), requires_grad=True) for part in (x, weight))
    total = 0.0
    for part, truth in zip(x.split(rows), torch.tensor(target).split(rows), strict=True):
        loss = torch.nn.functional.cross_entropy(part @ weight.T, truth, reduction="sum") / len(x)
        loss.backward()
        total += loss.item()
    return total, x.grad.numpy(), weight.grad.numpy()


def loss_row_by_row(x, weight, target, rows):
    loss, of_x, of_weight = 0.0, np.empty(x.shape), np.zeros(weight.shape)
    for b in range(len(x)):
        z = weight @ x[b]
        z -= z.max()
        loss += special.logsumexp(z) - z[target[b]]
        g = special.softmax(z)
        g[target[b]] -= 1
        of_x[b] = weight.T @ g
        of_weight += np.outer(g, x[b])
    return loss / len(x), of_x / len(x), of_weight / len(x)


def loss_with(
    x, weight, target, rows, sign=1.0, truth=1.0, mean=True, joined=None, ends=None, logs_of=None
):
    loss, of_x, of_weight = 0.0, [], 0.0
    count = len(x)
    for i in range(0, count if ends is None else ends(count, rows), rows):
        part, mine = x[i : i + rows], target[i : i + rows]
        z = part @ weight.T
        logs = (logs_of or special.log_softmax)(z, axis=1)
        one_hot = np.eye(len(weight))[mine]
        loss += -(one_hot * np.where(one_hot > 0, logs, 0)).sum() / count
        g = sign * (np.exp(logs) - truth * one_hot) / (count if mean else 1)
        of_x.append(g @ weight)
        of_weight = joined(of_weight, g.T @ part) if joined else of_weight + g.T @ part
    missing = count - sum(map(len, of_x))
    of_x.append(np.zeros((missing, x.shape[1])))
    return loss, np.concatenate(of_x), of_weight + np.zeros(weight.shape)


def loss_of_chunks(x, weight, target, rows, weigh):
    parts = []
    for i in range(0, len(x), rows):
        parts.append(loss_with(x[i : i + rows], weight, target[i : i + rows], rows))
    k = len(parts)
    weights = [weigh(k)] * k
    loss = sum(w * part[0] for w, part in zip(weights, parts, strict=True))
    of_x = np.concatenate([w * part[1] for w, part in zip(weights, parts, strict=True)])
    return loss, of_x, sum(w * part[2] for w, part in zip(weights, parts, strict=True))


def loss_by_weighted_means(x, weight, target, rows):
    loss, of_x, of_weight = 0.0, [], 0.0
    for i in range(0, len(x), rows):
        part = loss_with(x[i : i + rows], weight, target[i : i + rows], rows)
        share = len(x[i : i + rows]) / len(x)
        loss, of_weight = loss + share * part[0], of_weight + share * part[2]
        of_x.append(share * part[1])
    return loss, np.concatenate(of_x), of_weight


def loss_with_columns_of_targets(x, weight, target, rows):
    loss, of_x, of_weight = 0.0, [], 0.0
    for i in range(0, len(x), rows):
        part, mine = x[i : i + rows], target[i : i + rows]
        logs = special.log_softmax(part @ weight.T, axis=1)
        loss -= logs[range(len(part)), mine].sum() / len(x)
        g = np.exp(logs)
        g[:, mine] -= 1
        of_x.append(g @ weight / len(x))
        of_weight = of_weight + g.T @ part / len(x)
    return loss, np.concatenate(of_x), of_weight


def naive_logs(z, axis):
    e = np.exp(z)
    return np.log(e / e.sum(axis=axis, keepdims=True))


def loss_all_at_once(x, weight, target, rows):
    z = x @ weight.T
    z -= z.max(axis=1, keepdims=True)
    g = special.softmax(z, axis=1)
    each = np.arange(len(x))
    loss = (special.logsumexp(z, axis=1) - z[each, target]).mean()
    g[each, target] -= 1
    return loss, g @ weight / len(x), g.T @ x / len(x)


def report_in_turn(shard, target, first):
    m, s, y = [], [], []
    for row, truth in zip(shard, target, strict=True):
        top = max(row, default=-np.inf)
        m.append(top)
        s.append(sum(math.exp(entry - top) for entry in row if entry > -np.inf))
        y.append(row[truth - first] if first <= truth < first + len(row) else 0.0)
    return np.array(m), np.array(s, dtype=float), np.array(y)


def report_by_mask(shard, target, first):
    columns = first + np.arange(shard.shape[1])
    mine = columns == target[:, None]
    m = shard.max(axis=1, initial=-np.inf)
    base = np.where(np.isinf(m), 0.0, m)
    return m, np.exp(shard - base[:, None]).sum(axis=1), np.where(mine, shard, 0.0).sum(axis=1)


def report_padded(shard, target, first):
    count = shard.shape[1]
    wide = np.concatenate([shard, np.full((len(shard), 1), -np.inf)], axis=1)
    m = wide.max(axis=1)
    s = np.exp(wide - np.nan_to_num(m, neginf=0.0)[:, None]).sum(axis=1)
    wide[:, -1] = 0
    column = np.where((target < first) | (target >= first + count), count, target - first)
    return m, s, np.take_along_axis(wide, column[:, None], axis=1)[:, 0]


def report_with(shard, target, first, of_sum=None, of_target=None):
    m, s, y = report_in_turn(shard, target, first)
    if of_sum:
        s = of_sum(shard, m, s)
    if of_target:
        y = [
            of_target(row, int(truth), first, value)
            for row, truth, value in zip(shard, target, y, strict=True)
        ]
    return m, s, np.array(y)


def last_columns(row, truth, first, value):
    if truth - first < len(row):
        return row[truth - first]
    return 0.0


def border(row, truth, first, value):
    return row[min(max(truth - first, 0), len(row) - 1)] if len(row) else 0.0


def around(row, truth, first, value):
    return row[(truth - first) % len(row)] if len(row) else 0.0


def minus_infinity(row, truth, first, value):
    return value if 0 <= truth - first < len(row) else -np.inf


def from_the_top(row, truth, first, value):
    return value - max(row) if 0 <= truth - first < len(row) else 0.0


def trips(rows, columns, itemsize, room):
    size = rows * columns * itemsize
    return size + size + (size if itemsize * columns > room else 0)


def counted(rows, columns, itemsize, room):
    moved = 0
    fits = columns * itemsize <= room
    for reads in (1, 0 if fits else 1):
        moved += reads * rows * columns * itemsize
    return moved + rows * columns * itemsize


def by_numpy(rows, columns, itemsize, room):
    return np.prod([rows, columns, itemsize, 3 - (room // itemsize >= columns)], dtype=np.int64)


def attention_key_by_key(q, k, v, size):
    out = np.empty((len(q), v.shape[1]))
    for b, query in enumerate(q):
        m, s, o = -math.inf, 0.0, np.zeros(v.shape[1])
        for key, value in zip(k, v, strict=True):
            score = float(query @ key)
            new = max(m, score)
            s = s * math.exp(m - new) + math.exp(score - new)
            o = o * math.exp(m - new) + math.exp(score - new) * value
            m = new
        out[b] = o / s
    return out


def attention_by_lse(q, k, v, size):
    lse, out = np.full(len(q), -np.inf), np.zeros((len(q), v.shape[1]))
    for i in range(0, len(k), size):
        scores = q @ k[i : i + size].T
        mine = special.logsumexp(scores, axis=1)
        both = np.logaddexp(lse, mine)
        part = special.softmax(scores, axis=1) @ v[i : i + size]
        out = np.exp(lse - both)[:, None] * out + np.exp(mine - both)[:, None] * part
        lse = both
    return out


def attention_query_by_query(q, k, v, size):
    return np.stack([special.softmax(k @ query) @ v for query in q])


def outputs(q, k, v, size):
    starts = range(0, len(k), size)
    return [special.softmax(q @ k[i : i + size].T, axis=1) @ v[i : i + size] for i in starts]


def attention_with(q, k, v, size, of_sum=True, of_out=True, divided=True, common=False):
    m = np.full(len(q), -np.inf)
    s, o = np.zeros(len(q)), np.zeros((len(q), v.shape[1]))
    for i in range(0, len(k), size):
        scores = q @ k[i : i + size].T
        new = np.maximum(m, scores.max() if common else scores.max(axis=1))
        e = np.exp(scores - new[:, None])
        factor = np.exp(m - new)
        s = (s * factor if of_sum else s) + e.sum(axis=1)
        o = (o * factor[:, None] if of_out else o) + e @ v[i : i + size]
        m = new
    return o / s[:, None] if divided else o


def attention_in_two_sweeps(q, k, v, size):
    starts = range(0, len(k), size)
    m = np.max([(q @ k[i : i + size].T).max(axis=1) for i in starts], axis=0)[:, None]
    s, o = 0.0, 0.0
    for i in starts:
        e = np.exp(q @ k[i : i + size].T - m)
        s, o = s + e.sum(axis=1, keepdims=True), o + e @ v[i : i + size]
    return o / s


def attention_from_own_maxima(q, k, v, size):
    s, o = 0.0, 0.0
    for i in range(0, len(k), size):
        scores = q @ k[i : i + size].T
        e = np.exp(scores - scores.max(axis=1, keepdims=True))
        s, o = s + e.sum(axis=1, keepdims=True), o + e @ v[i : i + size]
    return o / s


def attention_divided_in_the_loop(q, k, v, size):
    m, s, o = np.full((len(q), 1), -np.inf), np.zeros((len(q), 1)), np.zeros((len(q), v.shape[1]))
    for i in range(0, len(k), size):
        scores = q @ k[i : i + size].T
        new = np.maximum(m, scores.max(axis=1, keepdims=True))
        e, shrink = np.exp(scores - new), np.exp(m - new)
        s = shrink * s + e.sum(axis=1, keepdims=True)
        o = (shrink * o + e @ v[i : i + size]) / s
        m = new
    return o


def with_empty_rows(part, size):
    return np.concatenate([part, np.zeros((-len(part) % size, part.shape[1]))])


def attention_naive(q, k, v, size):
    e = np.exp(q @ k.T)
    return e @ v / e.sum(axis=1, keepdims=True)


RIGHT = {
    "merge_pieces": [merged_by_lse, merged_in_turn, merged_by_where],
    "running_pairs": [pairs_in_turn, pairs_of_beginnings, pairs_by_lse, pairs_with],
    "chunked_loss": [loss_with, loss_by_torch, loss_row_by_row, loss_by_weighted_means],
    "shard_report": [report_in_turn, report_by_mask, report_padded],
    "bytes_moved": [trips, counted, by_numpy],
    "block_attention": [
        attention_with,
        attention_by_lse,
        attention_query_by_query,
        attention_key_by_key,
        attention_in_two_sweeps,
    ],
}

WRONG = {
    "merge_pieces": [
        (
            "the sums are added as they are",
            lambda m1, s1, m2, s2: (np.where(m1 > m2, m1, m2), np.add(s1, s2)),
        ),
        (
            "the first maximum is kept",
            lambda m1, s1, m2, s2: (m1, s1 + np.exp(m2 - m1) * s2),
        ),
        (
            "only the piece with the larger maximum counts",
            lambda m1, s1, m2, s2: (np.where(m2 > m1, m2, m1), np.where(m2 > m1, s2, s1)),
        ),
        ("two empty pieces give nan", merged_unguarded),
        (
            "the maxima are added",
            lambda m1, s1, m2, s2: (m1 + m2, merged_in_turn(m1, s1, m2, s2)[1]),
        ),
        (
            "the mean of both sums",
            lambda m1, s1, m2, s2: (np.maximum(m1, m2), merged_by_where(m1, s1, m2, s2)[1] / 2),
        ),
        ("no tuple comes back", lambda m1, s1, m2, s2: np.maximum(m1, m2)),
    ],
    "running_pairs": [
        ("each block stands alone", pairs_alone),
        (
            "the old sum is not rescaled when the maximum grows",
            lambda x, size: pairs_with(x, size, old=False),
        ),
        ("a block's sum is added as it is", lambda x, size: pairs_with(x, size, new=False)),
        (
            "only the last pair comes back",
            lambda x, size: tuple(part[-1] for part in pairs_with(x, size)),
        ),
        (
            "the last, shorter block is left out",
            lambda x, size: tuple(part[: x.size // size] for part in pairs_of_beginnings(x, size)),
        ),
        ("a block of only -inf gives nan", pairs_unguarded),
        ("the last block is filled up with zeros", zeros_at_the_end),
        (
            "the row is cut into equal parts",
            lambda x, size: pairs_of(np.array_split(x, math.ceil(len(x) / size))),
        ),
    ],
    "chunked_loss": [
        (
            "the chunks' means are added",
            lambda *given: loss_of_chunks(*given, weigh=lambda k: 1),
        ),
        (
            "the mean of the chunks' means",
            lambda *given: loss_of_chunks(*given, weigh=lambda k: 1 / k),
        ),
        (
            "the gradients are those of the sum, the loss is the mean",
            lambda *given: loss_with(*given, mean=False),
        ),
        (
            "the gradient of weight is the last chunk's",
            lambda *given: loss_with(*given, joined=lambda old, new: new),
        ),
        (
            "the gradient of the logits is p, without - y",
            lambda *given: loss_with(*given, truth=0.0),
        ),
        ("y - p in place of p - y", lambda *given: loss_with(*given, sign=-1.0)),
        (
            "the rows after the last full chunk are left out",
            lambda *given: loss_with(*given, ends=lambda count, rows: count - count % rows),
        ),
        (
            "each chunk is divided by rows",
            lambda *given: tuple(len(given[0]) / given[3] * part for part in loss_with(*given)),
        ),
        (
            "softmax over the rows of a chunk",
            lambda *given: loss_with(
                *given, logs_of=lambda z, axis: special.log_softmax(z, axis=0)
            ),
        ),
        (
            "every row loses 1 at the targets of the whole chunk",
            loss_with_columns_of_targets,
        ),
        ("the exponentials overflow", lambda *given: loss_with(*given, logs_of=naive_logs)),
        (
            "the logarithm of a softmax that underflows",
            lambda *given: loss_with(
                *given, logs_of=lambda z, axis: np.log(special.softmax(z, axis=axis))
            ),
        ),
        ("all rows of the large matrix are held", loss_all_at_once),
    ],
    "shard_report": [
        (
            "the class is taken for the column",
            lambda shard, target, first: (
                *report_in_turn(shard, target, first)[:2],
                report_in_turn(shard, target, 0)[2],
            ),
        ),
        (
            "a class of an earlier machine is taken from the end",
            lambda *given: report_with(*given, of_target=last_columns),
        ),
        (
            "a class of another machine gives a border column",
            lambda *given: report_with(*given, of_target=border),
        ),
        (
            "classes of other machines wrap around",
            lambda *given: report_with(*given, of_target=around),
        ),
        (
            "-inf for a class of another machine",
            lambda *given: report_with(*given, of_target=minus_infinity),
        ),
        (
            "the exponentials are not counted from the maximum, and overflow",
            lambda *given: report_with(*given, of_sum=lambda shard, m, s: np.exp(shard).sum(1)),
        ),
        (
            "a row of only -inf gives nan",
            lambda *given: report_with(
                *given, of_sum=lambda shard, m, s: np.exp(shard - m[:, None]).sum(1)
            ),
        ),
        (
            "the logsumexp in place of the sum",
            lambda *given: report_with(*given, of_sum=lambda shard, m, s: m + np.log(s)),
        ),
    ],
    "bytes_moved": [
        (
            "what is read alone",
            lambda rows, columns, itemsize, room: (
                rows * columns * itemsize * (1 + (columns * itemsize > room))
            ),
        ),
        (
            "every row is read once",
            lambda rows, columns, itemsize, room: rows * columns * itemsize * 2,
        ),
        (
            "every row is read twice",
            lambda rows, columns, itemsize, room: rows * columns * itemsize * 3,
        ),
        (
            "entries, not bytes",
            lambda rows, columns, itemsize, room: (
                rows * columns * (2 + (columns * itemsize > room))
            ),
        ),
        (
            "the whole array has to fit",
            lambda rows, columns, itemsize, room: trips(1, rows * columns, itemsize, room),
        ),
        (
            "a row that just fits is read twice",
            lambda rows, columns, itemsize, room: trips(rows, columns, itemsize, room - 1),
        ),
        ("floats come back", lambda *given: trips(*given) / 1),
        (
            "a row that does not fit moves four times",  # maximum, sum, shares, each by itself
            lambda rows, columns, itemsize, room: (
                rows * columns * itemsize * ((1 if columns * itemsize <= room else 3) + 1)
            ),
        ),
        (
            "row and shares both have to fit",
            lambda rows, columns, itemsize, room: trips(rows, columns, itemsize, room / 2),
        ),
    ],
    "block_attention": [
        (
            "the blocks' answers are averaged",
            lambda *given: sum(outputs(*given)) / len(outputs(*given)),
        ),
        ("the blocks' answers are added", lambda *given: sum(outputs(*given))),
        (
            "the values are not rescaled when the maximum grows",
            lambda *given: attention_with(*given, of_out=False),
        ),
        (
            "the sum is not rescaled when the maximum grows",
            lambda *given: attention_with(*given, of_sum=False),
        ),
        ("each block is counted from its own maximum", attention_from_own_maxima),
        ("it is divided by the sum after every block", attention_divided_in_the_loop),
        (
            "the last block is filled up with keys of 0",
            lambda q, k, v, size: attention_with(
                q, with_empty_rows(k, size), with_empty_rows(v, size), size
            ),
        ),
        (
            "softmax over the queries",
            lambda q, k, v, size: special.softmax(q @ k.T, axis=0) @ v,
        ),
        (
            "the mean of the blocks' answers by their lengths",
            lambda q, k, v, size: sum(
                len(k[i * size : i * size + size]) / len(k) * part
                for i, part in enumerate(outputs(q, k, v, size))
            ),
        ),
        (
            "it is not divided by the sum",
            lambda *given: attention_with(*given, divided=False),
        ),
        ("the exponentials overflow", attention_naive),
        ("one maximum for all queries", lambda *given: attention_with(*given, common=True)),
        (
            "the scores are divided by the root of d",
            lambda q, k, v, size: attention_with(q / q.shape[1] ** 0.5, k, v, size),
        ),
        (
            "all rows of the large matrix are held",
            lambda q, k, v, size: special.softmax(q @ k.T, axis=1) @ v,
        ),
    ],
}
