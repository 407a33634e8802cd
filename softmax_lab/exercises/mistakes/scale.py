"""Mistakes in the exercises of chapter 7, at scale, and what is right."""

from functools import partial

import numpy as np

from softmax_lab import numpy as lab
from softmax_lab.exercises.mistakes import NO_ROOM, naive, pick, unshifted


def _merged(m1, s1, m2, s2, factor=lambda n, m: np.where(n == m, 1.0, np.exp(n - m))):
    m = np.maximum(m1, m2)
    return m, s1 * factor(m1, m) + s2 * factor(m2, m)


def _lse_of_two(m1, s1, m2, s2):
    m, s = lab.merge((m1, s1), (m2, s2))
    return m, m + np.log(s)


MERGE_PIECES = {
    "the sums are added as they are. From which maximum is each counted?": (
        lambda m1, s1, m2, s2: (np.maximum(m1, m2), s1 + s2)
    ),
    "the sums are rescaled the wrong way. Do they shrink when the maximum grows?": (
        lambda m1, s1, m2, s2: _merged(
            m1, s1, m2, s2, lambda n, m: np.where(n == m, 1.0, np.exp(m - n))
        )
    ),
    "the first maximum is kept. What if the second lies 1000 above it?": (
        lambda m1, s1, m2, s2: (m1, s1 + s2 * np.exp(m2 - m1))
    ),
    "the smaller maximum is kept. What is the largest exponent then?": (
        lambda m1, s1, m2, s2: (
            np.minimum(m1, m2),
            s1 * np.exp(m1 - np.minimum(m1, m2)) + s2 * np.exp(m2 - np.minimum(m1, m2)),
        )
    ),
    "the second piece alone is rescaled. Which of the two has the larger maximum?": (
        lambda m1, s1, m2, s2: (
            np.maximum(m1, m2),
            s1 + s2 * np.where(m1 == m2, 1.0, np.exp(m2 - m1)),
        )
    ),
    "only the piece with the larger maximum counts. What does the other add?": (
        lambda m1, s1, m2, s2: (np.maximum(m1, m2), np.where(m1 >= m2, s1, s2))
    ),
    "two empty pieces give nan. What is -inf - (-inf)?": (
        lambda m1, s1, m2, s2: _merged(m1, s1, m2, s2, lambda n, m: np.exp(n - m))
    ),
    "the logarithm of the sum. The pair itself is asked for.": _lse_of_two,
    "the maxima are added. What is the maximum of both pieces together?": (
        lambda m1, s1, m2, s2: (m1 + m2, _merged(m1, s1, m2, s2)[1])
    ),
    "the mean of both sums. Is the row not longer than each piece?": (
        lambda m1, s1, m2, s2: (
            np.maximum(m1, m2),
            lab.merge((m1, s1), (m2, s2))[1] / 2,
        )
    ),
}


def _blocks(x, size):
    return [x[i : i + size] for i in range(0, len(x), size)]


def _piece(block):
    m = block.max()
    return m, np.exp(block - (m if m > -np.inf else 0.0)).sum()


def _running(x, size, step=lab.merge):
    pair, seen = (-np.inf, 0.0), []
    for block in _blocks(x, size):
        pair = step(pair, _piece(block))
        seen.append(pair)
    m, s = zip(*seen, strict=True)
    return np.array(m), np.array(s)


def running_pairs(x, size):
    """Return the pairs (m, s) of a row's first block, of its first two, and so on."""
    return _running(x, size)


def _unguarded(x, size):
    m, s, seen = -np.inf, 0.0, []
    for block in _blocks(x, size):
        new = max(m, block.max())
        m, s = new, s * np.exp(m - new) + np.exp(block - new).sum()
        seen.append((m, s))
    return tuple(map(np.array, zip(*seen, strict=True)))


def _added(rescaled, as_it_is):
    m = max(rescaled[0], as_it_is[0])
    return m, lab.merge(rescaled, (m, 0.0))[1] + as_it_is[1]


def _summed(x, size):
    return np.cumsum([np.exp(block).sum() for block in _blocks(x, size)])


def _with_sums(change):
    """Return the right maxima, but with the sums `change(x, size, m, s)`."""

    def pairs(x, size):
        m, s = running_pairs(x, size)
        return m, change(x, size, m, s)

    return pairs


def _padded(x, size):
    return np.append(x, np.zeros(-len(x) % size, x.dtype))


def _in_equal_parts(x, size):
    ends = np.cumsum([len(part) for part in np.array_split(x, -(-len(x) // size))])
    m, s = running_pairs(x, 1)
    return m[ends - 1], s[ends - 1]


RUNNING_PAIRS = {
    "each block stands alone. What of the blocks before it?": (
        lambda x, size: _running(x, size, lambda old, new: new)
    ),
    "the old sum is not rescaled when the maximum grows. From where is it counted?": (
        lambda x, size: _running(x, size, lambda old, new: _added(new, old))
    ),
    "a block's sum is added as it is. What if the maximum lies in an earlier block?": (
        lambda x, size: _running(x, size, _added)
    ),
    "only the last pair comes back. One for every block is asked for.": (
        lambda x, size: tuple(part[-1] for part in running_pairs(x, size))
    ),
    "the last, shorter block is left out. How many blocks has a row of 3 in twos?": (
        lambda x, size: tuple(part[: len(x) // size] for part in running_pairs(x, size))
    ),
    "the last block is filled up with zeros. What does each add to the sum?": (
        lambda x, size: running_pairs(_padded(x, size), size)
    ),
    "the row is cut into equal parts. Only the last block may be shorter than size.": (
        _in_equal_parts
    ),
    "logarithms of the sums. The sums themselves are asked for.": (
        _with_sums(lambda x, size, m, s: m + np.log(s))
    ),
    "the exponentials are not counted from the maximum, and overflow. Subtract it first.": (
        _with_sums(lambda x, size, m, s: _summed(x, size))
    ),
    "all sums are counted from the maximum of the whole row. It is not known yet.": (
        _with_sums(lambda x, size, m, s: _summed(x - x.max(), size))
    ),
    "a block of only -inf gives nan. What is -inf - (-inf)?": _unguarded,
}


def chunked_loss(x, weight, target, rows):
    """Return the mean loss of a linear layer, and its gradients for x and weight."""
    loss, gradients = lab.linear_cross_entropy_with_grad(x, weight, target)
    return loss, *gradients


def _swept(x, weight, target, rows, logs=lab.log_softmax, share=None, end=None):
    """Sum up chunk by chunk, each times `share(rows in it)`; `end` rows are taken."""
    loss, of_x, of_weight = 0.0, np.zeros(x.shape), np.zeros(weight.shape)
    for i in range(0, len(x) if end is None else end, rows):
        part, truth = x[i : i + rows], target[i : i + rows]
        each = np.arange(len(part))
        log_p = logs(part @ weight.T)
        scale = share(len(part)) if share else 1 / len(x)
        loss -= log_p[each, truth].sum() * scale
        p = np.exp(log_p)
        p[each, truth] -= 1
        of_x[i : i + rows] = p @ weight * scale
        of_weight += p.T @ part * scale
    return loss, of_x, of_weight


def _with(change):
    """Return the right answer, with `change(x, weight, target, rows, right)` put through."""
    return lambda x, weight, target, rows: change(
        x, weight, target, rows, chunked_loss(x, weight, target, rows)
    )


def _last_chunk(x, weight, target, rows, right):
    i = (len(x) - 1) // rows * rows
    g = lab.softmax(x[i:] @ weight.T)
    g[np.arange(len(g)), target[i:]] -= 1
    return right[0], right[1], g.T @ x[i:] / len(x)


def _less_all_targets(x, weight, target, rows, right):
    g = lab.softmax(x @ weight.T)
    for i in range(0, len(x), rows):
        g[i : i + rows, target[i : i + rows]] -= 1
    return right[0], g @ weight / len(x), g.T @ x / len(x)


def _of_p(x, weight, target, rows, right):
    p = lab.softmax(x @ weight.T) / len(x)
    return right[0], p @ weight, p.T @ x


CHUNKED_LOSS = {
    NO_ROOM: partial(_swept, logs=unshifted),
    "the chunks' means are added. By how many rows is the whole sum divided?": partial(
        _swept, share=lambda n: 1 / n
    ),
    "the mean of the chunks' means. Does a short last chunk count as much as a full one?": (
        lambda x, weight, target, rows: _swept(
            x, weight, target, rows, share=lambda n: 1 / n / -(-len(x) // rows)
        )
    ),
    "each chunk is divided by rows. By how many rows is the whole sum divided?": (
        lambda x, weight, target, rows: _swept(x, weight, target, rows, share=lambda n: 1 / rows)
    ),
    "softmax over the rows of a chunk. Along which axis are the classes?": partial(
        _swept, logs=partial(lab.log_softmax, axis=0)
    ),
    "every row loses 1 at the targets of the whole chunk. Which class is row b's own?": _with(
        _less_all_targets
    ),
    "the sum over the batch, not the mean. What if the batch is twice as long?": _with(
        lambda x, weight, target, rows, right: tuple(len(x) * part for part in right)
    ),
    "the gradients are those of the sum, the loss is the mean. Divide both by B.": _with(
        lambda x, weight, target, rows, right: (right[0], len(x) * right[1], len(x) * right[2])
    ),
    "the gradient of weight is the last chunk's. What of the others?": _with(_last_chunk),
    "the gradient of the logits is p, without - y. What becomes of the true class?": _with(_of_p),
    "y - p in place of p - y. Which way does the loss grow?": _with(
        lambda x, weight, target, rows, right: (right[0], -right[1], -right[2])
    ),
    "the rows after the last full chunk are left out. What if rows does not divide B?": (
        lambda x, weight, target, rows: _swept(x, weight, target, rows, end=len(x) // rows * rows)
    ),
    "the exponentials overflow. What can you subtract from each row?": partial(
        _swept, logs=lambda z: np.log(naive(z))
    ),
    "the logarithm of a softmax that underflows. Which step undoes which?": partial(
        _swept, logs=lambda z: np.log(lab.softmax(z))
    ),
}


def _elsewhere(shard, target, first, value=0.0):
    column = target - first
    here = (column >= 0) & (column < shard.shape[1])
    taken = np.full(len(shard), value)
    taken[here] = shard[here, column[here]]
    return taken


def shard_report(shard, target, first):
    """Return the maximum, the sum and the true class's logit that one machine knows of."""
    m = shard.max(axis=1, initial=-np.inf)
    shift = np.where(m > -np.inf, m, 0.0)[:, None]
    return m, np.exp(shard - shift).sum(axis=1), _elsewhere(shard, target, first)


def _with_logit(take):
    """Return the right report, but with the true logits `take(shard, target, first)`."""
    return lambda shard, target, first: (
        *shard_report(shard, target, first)[:2],
        take(shard, target, first),
    )


def _with_sum(change):
    """Return the right report, but with the sums `change(shard, m, s)`."""

    def report(shard, target, first):
        m, s, y = shard_report(shard, target, first)
        return m, change(shard, m, s), y

    return report


def _from_the_end(shard, target, first):
    columns = (target - first).tolist()
    return [row[j] if j < len(row) else 0.0 for row, j in zip(shard, columns, strict=True)]


def _moved_inside(inside):
    """Return what stands in each target's column once `inside(column, n)` has put it among n."""

    def take(shard, target, first):
        n = shard.shape[1]
        return pick(shard, inside(target - first, n)) if n else np.zeros(len(shard))

    return take


def _from_the_maximum(shard, target, first):
    m, _, y = shard_report(shard, target, first)
    return np.where(_elsewhere(shard, target, first, np.nan) == y, y - m, y)


def _one_maximum(shard, target, first):
    m, _, y = shard_report(shard, target, first)
    top = m.max()
    return np.full_like(m, top), np.exp(shard - (top if top > -np.inf else 0.0)).sum(axis=1), y


SHARD_REPORT = {
    "the class is taken for the column. Which class stands in the first column?": _with_logit(
        lambda shard, target, first: _elsewhere(shard, target, 0)
    ),
    "a class of an earlier machine is taken from the end. What does NumPy make of -1?": (
        _with_logit(_from_the_end)
    ),
    "a class of another machine gives a border column. It tells 0 there.": _with_logit(
        _moved_inside(lambda column, n: np.clip(column, 0, n - 1))
    ),
    "classes of other machines wrap around. Those tell 0 here.": _with_logit(
        _moved_inside(lambda column, n: column % n)
    ),
    "-inf for a class of another machine. What is the sum over all machines then?": _with_logit(
        lambda shard, target, first: _elsewhere(shard, target, first, -np.inf)
    ),
    "the true class's logit is counted from the maximum. Each machine has another one.": (
        _with_logit(_from_the_maximum)
    ),
    "the exponentials are not counted from the maximum, and overflow. Subtract it first.": (
        _with_sum(lambda shard, m, s: np.exp(shard).sum(axis=1))
    ),
    "the logsumexp in place of the sum. The pair is asked for.": (
        _with_sum(lambda shard, m, s: m + np.log(s))
    ),
    "a row of only -inf gives nan. What is -inf - (-inf)?": (
        _with_sum(lambda shard, m, s: np.exp(shard - m[:, None]).sum(axis=1))
    ),
    "one maximum for all rows. Each row has its own.": _one_maximum,
}


def bytes_moved(rows, columns, itemsize, room):
    """Return the bytes that a softmax of rows moves to and from memory."""
    return rows * columns * itemsize * (2 if columns * itemsize <= room else 3)


def _moved(once=2, again=3, fits=lambda rows, columns, itemsize, room: columns * itemsize <= room):
    """Return the bytes where each is moved `once` times if a row fits, else `again` times."""
    return lambda rows, columns, itemsize, room: (
        rows * columns * itemsize * (once if fits(rows, columns, itemsize, room) else again)
    )


BYTES_MOVED = {
    "what is read alone. The shares have to be written too.": _moved(1, 2),
    "every row is read once. Where does one that does not fit come from the second time?": (
        _moved(2, 2)
    ),
    "every row is read twice. Why, if it is still there?": _moved(3, 3),
    "entries, not bytes. How large is one?": (
        lambda rows, columns, itemsize, room: bytes_moved(rows, columns, itemsize, room) // itemsize
    ),
    "bits, not bytes. Eight of them make one.": (
        lambda rows, columns, itemsize, room: 8 * bytes_moved(rows, columns, itemsize, room)
    ),
    "the whole array has to fit. One row at a time is enough.": _moved(
        fits=lambda rows, columns, itemsize, room: rows * columns * itemsize <= room
    ),
    "a row that just fits is read twice. Is it larger than the room?": _moved(
        fits=lambda rows, columns, itemsize, room: columns * itemsize < room
    ),
    "the room is taken for a number of entries. It is given in bytes.": _moved(
        fits=lambda rows, columns, itemsize, room: columns <= room
    ),
    "a row that does not fit moves four times. Which of its trips are for the pair?": _moved(2, 4),
    "row and shares both have to fit. Where can each share go as soon as it is made?": _moved(
        fits=lambda rows, columns, itemsize, room: 2 * columns * itemsize <= room
    ),
}


def block_attention(q, k, v, size):
    """Return softmax(q kᵀ) v."""
    return lab.softmax(q @ k.T) @ v


def _in_blocks(
    q, k, v, size, *, of_sum=True, of_values=True, shift=None, divide=True, at_once=False
):
    m = np.full((len(q), 1), -np.inf)
    s, out = np.zeros((len(q), 1)), np.zeros((len(q), v.shape[1]))
    for i in range(0, len(k), size):
        scores = q @ k[i : i + size].T
        new = np.maximum(m, shift(scores, m) if shift else scores.max(axis=1, keepdims=True))
        factor, weights = np.exp(m - new), np.exp(scores - new)
        s = s * (factor if of_sum else 1) + weights.sum(axis=1, keepdims=True)
        out = out * (factor if of_values else 1) + weights @ v[i : i + size]
        out = out / s if at_once else out
        m = new
    return out / s if divide else out


def _filled_up(part, size):
    return np.pad(part, ((0, -len(part) % size), (0, 0)))


def _from_own_maxima(q, k, v, size):
    scores = [q @ keys.T for keys in _blocks(k, size)]
    weights = np.hstack([np.exp(part - part.max(axis=1, keepdims=True)) for part in scores])
    return weights @ v / weights.sum(axis=1, keepdims=True)


def _block_outputs(q, k, v, size):
    blocks = zip(_blocks(k, size), _blocks(v, size), strict=True)
    return [lab.softmax(q @ keys.T) @ values for keys, values in blocks]


BLOCK_ATTENTION = {
    "the blocks' answers are averaged. Has each block the same share of the weight?": (
        lambda q, k, v, size: np.mean(_block_outputs(q, k, v, size), axis=0)
    ),
    "the mean of the blocks' answers by their lengths. Is a longer block worth more?": (
        lambda q, k, v, size: np.average(
            _block_outputs(q, k, v, size), axis=0, weights=[len(b) for b in _blocks(k, size)]
        )
    ),
    "each block is counted from its own maximum. What of the maxima before it?": _from_own_maxima,
    "it is divided by the sum after every block. When is the sum complete?": partial(
        _in_blocks, at_once=True, divide=False
    ),
    "the last block is filled up with keys of 0. What weight does e^0 give them?": (
        lambda q, k, v, size: _in_blocks(q, _filled_up(k, size), _filled_up(v, size), size)
    ),
    "softmax over the queries. Whose weights add up to 1?": (
        lambda q, k, v, size: lab.softmax(q @ k.T, axis=0) @ v
    ),
    "the blocks' answers are added. What do the weights of a query add up to?": (
        lambda q, k, v, size: np.sum(_block_outputs(q, k, v, size), axis=0)
    ),
    "the last block alone. What of the others?": (
        lambda q, k, v, size: _block_outputs(q, k, v, size)[-1]
    ),
    "the values are not rescaled when the maximum grows. From where are they counted?": (
        partial(_in_blocks, of_values=False)
    ),
    "the sum is not rescaled when the maximum grows. From where is it counted?": (
        partial(_in_blocks, of_sum=False)
    ),
    "nothing is rescaled when the maximum grows. From where are the old terms counted?": (
        partial(_in_blocks, of_sum=False, of_values=False)
    ),
    "it is not divided by the sum. What do the weights of a query add up to?": (
        partial(_in_blocks, divide=False)
    ),
    "the exponentials overflow. Keep a maximum for each query.": (
        lambda q, k, v, size: naive(q @ k.T) @ v
    ),
    "one maximum for all queries. Each has its own.": partial(
        _in_blocks, shift=lambda scores, m: np.full_like(m, scores.max())
    ),
    "the keys after the last full block are left out. What if size does not divide T?": (
        lambda q, k, v, size: _in_blocks(q, k[: len(k) // size * size], v, size)
    ),
    "the scores are divided by the root of d. They are q kᵀ here, as they come.": (
        lambda q, k, v, size: block_attention(q / np.sqrt(q.shape[1]), k, v, size)
    ),
}
