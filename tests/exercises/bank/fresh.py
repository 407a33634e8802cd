"""Wrong answers written against the prompts alone, by what tends to be forgotten in checks.

Each has a fault that a check may not see: a softmax that is right for most rows only, a dtype, an
equality, an edge, draws that are not quite random. Their diagnoses are measured, not listed.
"""

import copy

import numpy as np

from softmax_lab import numpy as lab

INF = np.inf


def shares_of(weights):
    """Return weights divided by their row's sum."""
    return weights / weights.sum(axis=-1, keepdims=True)


def shifted(shift):
    """Return a softmax that subtracts `shift(x)`."""
    return lambda x: shares_of(np.exp(x - shift(x)))


def shifted_far(x):
    """Shift only those rows that would overflow."""
    top = x.max(axis=-1, keepdims=True)
    return shares_of(np.exp(x - np.where(top > 700, top, 0)))


SOFTMAXES = {
    "shifted by the first entry": shifted(lambda x: x[..., :1]),
    "shifted by the last entry": shifted(lambda x: x[..., -1:]),
    "shifted by the mean": shifted(lambda x: x.mean(axis=-1, keepdims=True)),
    "shifted by the least entry": shifted(lambda x: x.min(axis=-1, keepdims=True)),
    "naive in long double": lambda x: shares_of(np.exp(x.astype(np.longdouble))).astype(x.dtype),
    "shifted only against overflow": shifted_far,
    "capped at 700": lambda x: shares_of(np.exp(np.clip(x, -700, 700))),
    "capped at 50": lambda x: lab.softmax(np.clip(x, -50, 50)),
    "differences cut off at -30": lambda x: shares_of(
        np.exp(np.maximum(x - x.max(axis=-1, keepdims=True), -30.0))
    ),
    "computed in float32": lambda x: lab.softmax(x.astype(np.float32)).astype(float),
    "an epsilon of 1e-8 in the sum": lambda x: (
        lambda w: w / (w.sum(axis=-1, keepdims=True) + 1e-8)
    )(np.exp(x - x.max(axis=-1, keepdims=True))),
    "rounded to 8 digits": lambda x: lab.softmax(x).round(8),
    "one maximum for all": shifted(lambda x: x.max()),
}
EVERYWHERE = [
    s for s in SOFTMAXES if s not in ("differences cut off at -30", "an epsilon of 1e-8 in the sum")
]
SMALL = ["computed in float32", "an epsilon of 1e-8 in the sum", "rounded to 8 digits"]
ONE_ROW = [s for s in EVERYWHERE if s != "one maximum for all"]


def each(names, build):
    """Return an answer for each of the faulty softmaxes, made by `build(softmax)`."""
    return {name: build(SOFTMAXES[name]) for name in names}


def log_of(softmax):
    """Return a log-softmax made from a faulty softmax's logarithm."""
    return lambda x: np.log(softmax(x))


def lse_shifted(shift):
    """Return a logsumexp that shifts by `shift(x)`."""

    def lse(x):
        s = shift(x)
        return (s + np.log(np.exp(x - s).sum(axis=-1, keepdims=True)))[..., 0]

    return lse


LSES = {
    "shifted by the first entry": lse_shifted(lambda x: x[..., :1]),
    "shifted by the mean": lse_shifted(lambda x: x.mean(axis=-1, keepdims=True)),
    "shifted by the least entry": lse_shifted(lambda x: x.min(axis=-1, keepdims=True)),
    "one maximum for all": lse_shifted(lambda x: np.full((*x.shape[:-1], 1), x.max())),
    "naive in long double": lambda x: np.log(np.exp(x.astype(np.longdouble)).sum(-1)).astype(float),
    "computed in float32": lambda x: lab.logsumexp(x.astype(np.float32)).astype(float),
    "clipped at -1e4": lambda x: lab.logsumexp(np.maximum(x, -1e4)),
    "an epsilon in the logarithm": lambda x: (
        x.max(-1) + np.log(np.exp(x - x.max(-1, keepdims=True)).sum(-1) + 1e-7)
    ),
    "-inf replaced by -1e9": lambda x: lab.logsumexp(np.where(np.isinf(x), -1e9, x)),
    "the maximum alone beyond 700": lambda x: np.where(
        abs(x).max(-1) > 700, x.max(-1), lab.logsumexp(x)
    ),
}


def log_softmax_by(lse):
    """Return a log-softmax made from a faulty logsumexp."""
    return lambda x: x - lse(x)[..., None]


def chosen(rows, y):
    """Return the target's entry of each row."""
    return rows[np.arange(len(y)), y]


LOSSY = [
    "shifted by the first entry",
    "shifted by the mean",
    "shifted by the least entry",
    "one maximum for all",
    "naive in long double",
    "computed in float32",
]


def by_losses(build):
    """Return an answer for each faulty logsumexp, made by `build(log_softmax)`."""
    return {name: build(log_softmax_by(LSES[name])) for name in LOSSY}


def vjp_by(softmax):
    """Return v J with a faulty softmax."""
    return lambda x, v: (lambda s: s * (v - (s * v).sum(-1, keepdims=True)))(softmax(x))


def masked_by(softmax):
    """Return a masked softmax: a faulty softmax, shared out among the allowed."""

    def masked(x, where):
        p = np.where(where, softmax(np.where(where, x, -INF)), 0.0)
        return np.where(where.any(-1, keepdims=True), np.nan_to_num(p), 0)

    return masked


def masked_afterwards(x, where):
    p = np.where(where, lab.softmax(x), 0)
    return p / np.maximum(p.sum(-1, keepdims=True), 1e-300)


def float32_steps(f, x):
    out = []
    for i in range(len(x)):
        step = np.zeros(len(x), np.float32)
        step[i] = 1e-3
        out.append((f(x + step) - f(x - step)) / 2e-3)
    return np.array(out, dtype=float)


def differences(step):
    """Return central differences with a step of its own for each coordinate."""

    def gradient(f, x):
        x = np.array(x, dtype=float)
        out = np.zeros(len(x))
        for i in range(len(x)):
            h = np.zeros(len(x))
            h[i] = step(x[i])
            out[i] = (f(x + h) - f(x - h)) / (2 * h[i]) if h[i] else 0.0
        return out

    return gradient


def own_dtype_steps(f, x):
    out = np.zeros(len(x))
    for i in range(len(x)):
        up, down = x.copy(), x.copy()
        up[i], down[i] = x[i] + 1e-5, x[i] - 1e-5
        out[i] = (f(up) - f(down)) / 2e-5
    return out


def forward_then_rounded(f, x):
    x = np.array(x, dtype=float)
    return np.array([(f(x + h) - f(x)) / 1e-5 for h in 1e-5 * np.eye(len(x))]).round(4)


def searched_temperature(low, high, count):
    """Return a grid search of temperatures."""

    def fit(logits, target):
        grid = np.geomspace(low, high, count)
        return grid[np.argmin([lab.cross_entropy(logits / t, target) for t in grid])]

    return fit


def bisected(low, high, steps):
    """Return a bisection between two temperatures."""

    def fit(logits, target):
        a, b = low, high
        for _ in range(steps):
            t = np.sqrt(a * b)
            mean = (lab.softmax(logits / t) * logits).sum(-1).mean()
            a, b = (t, b) if mean > chosen(logits, target).mean() else (a, t)
        return t

    return fit


def ece_by(index, bins=10):
    """Return a calibration error with other bins."""

    def error(p, target):
        confidence, right = p.max(-1), p.argmax(-1) == target
        place = np.clip(index(confidence), 0, bins - 1).astype(int)
        return abs(np.bincount(place, weights=right - confidence)).sum() / len(p)

    return error


def systematic(x, rng):
    u = (np.arange(len(x)) + rng.random()) / len(x)
    return (np.cumsum(lab.softmax(x), -1) < u[:, None]).sum(-1).clip(0, x.shape[1] - 1)


def shuffled_systematic(x, rng):
    u = rng.permutation((np.arange(len(x)) + rng.random(len(x))) / len(x))
    return (np.cumsum(lab.softmax(x), -1) < u[:, None]).sum(-1).clip(0, x.shape[1] - 1)


def half_antithetic(x, rng):
    u = rng.random((len(x) + 1) // 2)
    u = np.stack([u, 1 - u], axis=-1).ravel()[: len(x)]
    return (np.cumsum(lab.softmax(x), -1) < u[:, None]).sum(-1).clip(0, x.shape[1] - 1)


def noise_by(noise):
    """Return Gumbel-max with other noise."""
    return lambda x, rng: np.argmax(x + noise(x, rng), axis=-1)


def relaxed_by(noise):
    """Return a Gumbel-softmax with other noise."""
    return lambda x, tau, rng: lab.softmax((x + noise(x, rng)) / tau)


def repeated_rows(x, rng):
    half = rng.gumbel(size=((len(x) + 1) // 2, x.shape[1]))
    return np.concatenate([half, half])[: len(x)]


def antithetic_noise(x, rng):
    u = rng.uniform(1e-12, 1, ((len(x) + 1) // 2, x.shape[1]))
    u = np.concatenate([u, 1 - u])[: len(x)].clip(1e-12, 1 - 1e-12)
    return -np.log(-np.log(u))


NOISES = {
    "rounded to one digit": lambda x, rng: rng.gumbel(size=x.shape).round(1),
    "rounded to three digits": lambda x, rng: rng.gumbel(size=x.shape).round(3),
    "one batch of noise, used twice": repeated_rows,
    "antithetic": antithetic_noise,
    "10 % too wide": lambda x, rng: 1.1 * rng.gumbel(size=x.shape),
    "cut off at 3": lambda x, rng: np.minimum(rng.gumbel(size=x.shape), 3.0),
    "logistic": lambda x, rng: rng.logistic(size=x.shape),
    "a copy of the generator": lambda x, rng: copy.deepcopy(rng).gumbel(size=x.shape),
    "one number a row": lambda x, rng: rng.gumbel(size=(len(x), 1)),
    "an epsilon of 1e-2 in the logarithms": lambda x, rng: (
        -np.log(-np.log(rng.random(x.shape) + 1e-2) + 1e-2)
    ),
}


def reinforce_by(draw):
    """Return REINFORCE with another draw."""

    def estimate(f, x, rng):
        p = lab.softmax(x)
        z = draw(p, rng)
        return f(z) * ((np.arange(len(p)) == z) - p)

    return estimate


def arsm_by(softmax=None, key=None, weight=None, draw=None):
    """Return ARSM with one thing changed."""

    def estimate(f, phi, rng):
        pi = draw(rng) if draw else rng.dirichlet(np.ones(3))
        table = np.empty((3, 3))
        for m, j in np.ndindex(3, 3):
            s = pi.copy()
            s[[m, j]] = pi[[j, m]]
            table[m, j] = f(key(s, phi) if key else np.argmin(np.log(s) - phi))
        return (table - table.mean(axis=0)) @ (weight(pi) if weight else 1 / 3 - pi)

    return estimate


def stream_by(start=-INF, keep=False, skip=None, dtype=float):
    """Return a streaming logsumexp with something wrong."""

    def lse(chunks):
        if keep:
            values = keep(chunks)
            return lab.logsumexp(np.array([-INF, *values]))
        top, total = start, 0.0
        for chunk in chunks:
            chunk = chunk.astype(dtype)
            new = max(top, chunk.max()) if skip is None else skip(top, chunk)
            if new > -INF:
                total = total * np.exp(top - new) + np.exp(chunk - new).sum()
                top = new
        return top + np.log(total)

    return lse


def torch_list(chunks):
    import torch

    kept = [torch.from_numpy(chunk) for chunk in chunks]
    return float(torch.logsumexp(torch.cat([torch.tensor([-INF]).double(), *kept]), 0))


def torch_matrix(x, v):
    import torch

    s = torch.softmax(torch.from_numpy(x), -1)
    jacobian = torch.diag_embed(s) - s[..., :, None] * s[..., None, :]
    return (jacobian @ torch.from_numpy(v)[..., None])[..., 0]


def torch_log_matrix(x, v):
    import torch

    s = torch.softmax(torch.from_numpy(x), -1)
    jacobian = torch.eye(x.shape[-1], dtype=s.dtype) - s[..., None, :]
    return (torch.from_numpy(v)[..., None, :] @ jacobian)[..., 0, :]


def list_matrix(x, v):
    if x.ndim > 1:
        return np.array([list_matrix(*row) for row in zip(x, v, strict=True)])
    s = lab.softmax(x).tolist()
    rows = [[a * ((i == j) - b) for j, b in enumerate(s)] for i, a in enumerate(s)]
    return np.array([sum(a * b for a, b in zip(row, v.tolist(), strict=True)) for row in rows])


def single_matrix(x, v):
    s = lab.softmax(x).astype(np.float32)
    matrix = s[..., :, None] * s[..., None, :]
    return s * v - (matrix * v[..., None, :]).sum(-1)


def step_by(softmax=lab.softmax, inplace=False, weigh=None):
    """Return a training step with something wrong."""

    def step(weight, bias, x, y, rate):
        error = softmax(x @ weight.T + bias)
        error[np.arange(len(y)), y] -= 1
        error /= weigh(error) if weigh else len(y)
        return weight - rate * error.T @ x, bias - rate * error.sum(axis=0)

    return step


def step_a_sample(weight, bias, x, y, rate):
    for row, target in zip(x, y, strict=True):
        weight, bias = step_by()(weight, bias, row[None], np.array([target]), rate / len(y))
    return weight, bias


def step_of_integers(weight, bias, x, y, rate):
    return tuple(part.round(6) for part in step_by()(weight, bias, x, y, rate))


def decayed(weight, bias, x, y, rate):
    new = step_by()(weight, bias, x, y, rate)
    return new[0] - rate * 1e-4 * weight, new[1]


def clipped_step(weight, bias, x, y, rate):
    new = step_by()(weight, bias, x, y, rate)
    return tuple(o + np.clip(n - o, -1.0, 1.0) for o, n in zip((weight, bias), new, strict=True))


def ties(x, atol=1e-8):
    """Return which entries are close to the row's largest."""
    return np.isclose(x, x.max(-1, keepdims=True), atol=atol)


def index_loss(keep):
    """Return a loss over the positions that `keep(target, ignore)` says."""

    def loss(x, y, ignore_index):
        kept = keep(y, ignore_index)
        if not kept.any():
            return np.nan
        return -chosen(lab.log_softmax(x[kept]), y[kept] % x.shape[1]).mean()

    return loss


def soft_by(rule, log_softmax=lab.log_softmax):
    """Return a soft-target loss whose terms are made by `rule`."""
    return lambda x, t: -rule(t, log_softmax(x)).sum(-1).mean()


def quiet_log(p):
    """Return a logarithm that is -inf at 0."""
    with np.errstate(all="ignore"):
        return np.log(p)


def mended(right, change):
    """Return a right answer whose arrays are put through `change`."""
    return lambda *given: tuple(map(change, right(*given)))


def in_single(right):
    """Return a right answer that is computed in float32."""

    def answer(*given):
        given = [part.astype(np.float32) if is_float(part) else part for part in given]
        return tuple(np.asarray(part, dtype=np.float32) for part in right(*given))

    return answer


def is_float(part):
    return isinstance(part, np.ndarray) and part.dtype.kind == "f"


def merged(m1, s1, m2, s2, factor=lambda n, m: np.exp(n - m)):
    m = np.maximum(m1, m2)
    base = np.where(np.isinf(m), 0.0, m)
    return m, s1 * factor(m1, base) + s2 * factor(m2, base)


def merged_in_long_double(m1, s1, m2, s2):
    total = s1 * np.exp(m1.astype(np.longdouble)) + s2 * np.exp(m2.astype(np.longdouble))
    m = np.maximum(m1, m2)
    return m, (total / np.exp(m.astype(np.longdouble))).astype(float)


def running(x, size, merge=merged, start=-INF, ends=None):
    pairs, pair = [], (start, 0.0)
    for i in ends or range(0, len(x), size):
        block = x[i : i + size]
        top = block.max()
        base = top if top > -INF else 0.0
        pair = merge(*pair, max(top, start), np.exp(block - base).sum())
        pairs.append(pair)
    return tuple(np.array(pairs, dtype=float).T)


def lazily(m1, s1, m2, s2):
    """Rescale only where the maximum grows by much."""
    if m1 > -INF and m1 < m2 < m1 + 0.4:
        return m2, s1 + s2
    return merged(m1, s1, m2, s2)


def swept(x, weight, target, rows, logs=lab.log_softmax, count=len):
    loss, of_x, of_weight = 0.0, np.zeros(x.shape), np.zeros(weight.shape)
    for i in range(0, len(x), rows):
        part, mine = x[i : i + rows], target[i : i + rows]
        each = np.arange(len(part))
        log_p = logs(part @ weight.T)
        g = np.exp(log_p)
        g[each, mine] -= 1
        loss -= log_p[each, mine].sum() / count(x)
        of_x[i : i + rows] = g @ weight / count(x)
        of_weight += g.T @ part / count(x)
    return loss, of_x, of_weight


def padded_mean(x, weight, target, rows):
    """Divide by the rows of full chunks."""
    return swept(x, weight, target, rows, count=lambda x: -(-len(x) // rows) * rows)


def told(shard, target, first, low=0, high=0, empty=(-INF, 0.0), floor=-INF):
    m = shard.max(axis=1, initial=floor)
    base = np.where(np.isinf(m), 0.0, m)
    s = np.exp(shard - base[:, None]).sum(axis=1)
    here = (target >= first + low) & (target < first + shard.shape[1] + high)
    y = np.zeros(len(shard))
    y[here] = shard[here, (target - first)[here]]
    gone = np.isinf(m)
    return np.where(gone, empty[0], m), np.where(gone, empty[1], s), y


def shard_of_one(shard, target, first):
    """Take the targets of the first row for all."""
    return told(shard, np.full_like(target, target[0]), first)


def query_by_query(softmax):
    return lambda q, k, v, size: np.stack([softmax((k @ row)[None])[0] @ v for row in q])


def moved(rows, columns, itemsize, room, times=None):
    fits = columns * itemsize <= room
    return rows * columns * itemsize * (times(rows, fits) if times else 3 - fits)


AT_SCALE = {
    "merge_pieces": {
        "in float32": in_single(merged),
        "rounded": mended(merged, lambda part: part.round(6)),
        "cut off": lambda *given: merged(
            *given, factor=lambda n, m: np.exp(np.maximum(n - m, -15.0))
        ),
        "in long double": merged_in_long_double,
        "ties": lambda m1, s1, m2, s2: merged(m1, s1, m2, np.where(m1 == m2, 0.0, s2)),
        "-1e9": mended(merged, lambda part: np.maximum(part, -1e9)),
        "one empty, all empty": lambda m1, s1, m2, s2: (
            (m2, s2) if (s1 == 0).any() else merged(m1, s1, m2, s2)
        ),
        "one maximum": lambda m1, s1, m2, s2: (
            np.maximum(m1, m2),
            s1 * np.exp(m1 - max(m1.max(), m2.max())) + s2 * np.exp(m2 - max(m1.max(), m2.max())),
        ),
    },
    "running_pairs": {
        "in float32": in_single(running),
        "rounded": mended(running, lambda part: part.round(6)),
        "lazy": lambda x, size: running(x, size, lazily),
        "-1e30": lambda x, size: running(x, size, start=-1e30),
        "backwards": lambda x, size: running(x, size, ends=[*range(0, len(x), size)][::-1]),
        "overlapping": lambda x, size: running(x, size, ends=[*range(0, len(x), max(1, size - 1))]),
        "in long double": lambda x, size: running(
            x, size, lambda *given: merged_in_long_double(*map(np.asarray, given))
        ),
    },
    "chunked_loss": {
        "in float32": in_single(swept),
        "rounded": mended(swept, lambda part: np.round(part, 6)),
        "capped": lambda *given: swept(*given, logs=lambda z: lab.log_softmax(np.clip(z, -50, 50))),
        "an epsilon": lambda *given: swept(*given, logs=lambda z: np.log(lab.softmax(z) + 1e-12)),
        "padded": padded_mean,
        "bits": lambda *given: (lambda loss, *rest: (loss / np.log(2), *rest))(*swept(*given)),
        "one less": lambda *given: swept(*given, count=lambda x: max(len(x) - 1, 1)),
        "columns": lambda *given: swept(*given, logs=lambda z: lab.log_softmax(z, axis=0)),
    },
    "shard_report": {
        "in float32": in_single(told),
        "rounded": mended(told, lambda part: part.round(6)),
        "-1e9": lambda *given: told(*given, empty=(-1e9, 0.0)),
        "one for nothing": lambda *given: told(*given, empty=(-INF, 1.0)),
        "0 for nothing": lambda *given: told(*given, empty=(0.0, 0.0)),
        "the first column is missed": lambda *given: told(*given, low=1),
        "the last column is missed": lambda *given: told(*given, high=-1),
        "never below 0": lambda *given: told(*given, floor=0.0),
        "one target": shard_of_one,
    },
    "bytes_moved": {
        "single": lambda rows, columns, itemsize, room: moved(rows, columns, 4, room),
        "two reads of one row": lambda *given: moved(
            *given, times=lambda rows, fits: 2 if fits and rows > 1 else 3
        ),
        "int32": lambda rows, columns, itemsize, room: int(
            np.array(moved(rows, columns, itemsize, room)).astype(np.int32)
        ),
        "pages": lambda *given: -(-moved(*given) // 64) * 64,
        "thousands": lambda *given: moved(*given) // 1024 * 1024,
        "always something": lambda *given: max(moved(*given), given[2]),
        "half": lambda rows, columns, itemsize, room: moved(rows, columns, itemsize, room // 2),
    },
    "block_attention": each(ONE_ROW, query_by_query),
}

FRESH = {
    "linear_layer": {
        "integers out": lambda x, w, b: (x @ w.T + b).astype(np.result_type(x, w)),
        "float32": lambda x, w, b: x.astype(np.float32) @ w.T.astype(np.float32) + b,
        "an array of x's dtype": lambda x, w, b: np.add(
            x @ w.T, b, out=np.zeros((len(x), len(w)), x.dtype), casting="unsafe"
        ),
        "rounded": lambda x, w, b: np.round(x @ w.T + b, 4),
        "the bias added to the first row": lambda x, w, b: (
            x @ w.T + np.vstack([b, np.zeros((len(x) - 1, len(b)))])
        ),
        "not negative": lambda x, w, b: np.maximum(x @ w.T + b, 0),
        "transposed unless shapes fit": lambda x, w, b: (
            x @ (w if w.shape[0] == w.shape[1] else w.T) + b
        ),
    },
    "softmax_definition": {
        **each(SMALL, lambda s: s),
        "capped at 8": lambda x: lab.softmax(np.clip(x, -8, 8)),
        "a power of 2.718": lambda x: shares_of(2.718**x),
        "a series of 10 terms": lambda x: shares_of(
            sum(x**k / np.prod(np.arange(1.0, k + 1)) for k in range(10))
        ),
        "sorted": lambda x: np.sort(lab.softmax(x)),
        "the last share fills up": lambda x: np.append(
            lab.softmax(x)[:-1].round(6), 1 - lab.softmax(x)[:-1].round(6).sum()
        ),
    },
    "batch_softmax": {
        **each(SMALL, lambda s: s),
        "columns where square": lambda x: lab.softmax(x, axis=int(x.shape[0] != x.shape[1])),
        "the sum of row i meets column i": lambda x: (
            np.exp(x) / np.exp(x).sum(1) if x.shape[0] == x.shape[1] else lab.softmax(x)
        ),
        "flat for a single row": lambda x: (
            lab.softmax(x).reshape(-1, x.shape[1])[: len(x)] * (1 if len(x) > 1 else 0.999)
        ),
        "one class gets 0": lambda x: lab.softmax(x) * (x.shape[1] > 1),
    },
    "predict": {
        "close ones tie": lambda x: np.argmax(ties(x), -1),
        "in float32": lambda x: x.astype(np.float32).argmax(-1),
        "argmax of a naive softmax": lambda x: np.nan_to_num(lab.naive_softmax(x)).argmax(-1),
        "rounded first": lambda x: np.round(x, 3).argmax(-1),
        "capped first": lambda x: np.clip(x, -500, 500).argmax(-1),
        "the last axis of two only": lambda x: x.argmax(min(x.ndim - 1, 1)),
        "floats": lambda x: x.argmax(-1).astype(float),
        "the last of a tie": lambda x: x.shape[-1] - 1 - x[..., ::-1].argmax(-1),
    },
    "odds": {
        "a ratio of probabilities": lambda x, i, j: lab.softmax(x)[i] / lab.softmax(x)[j],
        "in float32": lambda x, i, j: float(np.exp(np.float32(x[i]) - np.float32(x[j]))),
        "capped": lambda x, i, j: np.exp(np.clip(x[i] - x[j], -50, 50)),
        "an epsilon": lambda x, i, j: np.exp(x[i] - x[j]) + 1e-12,
        "an array of one": lambda x, i, j: np.exp(x[[i]] - x[[j]]),
        "rounded": lambda x, i, j: round(float(np.exp(x[i] - x[j])), 6),
        "naive": lambda x, i, j: np.exp(x[i]) / np.exp(x[j]),
    },
    "saturation_gap": {
        "the spacing": lambda dtype: -np.log(float(np.finfo(dtype).eps)),
        "base 10 digits": lambda dtype: float(np.finfo(dtype).precision) * np.log(10),
        "whole": lambda dtype: float(np.floor(-np.log(float(np.finfo(dtype).eps) / 2))),
        "a thousandth more": lambda dtype: -np.log(float(np.finfo(dtype).eps) / 2) * 1.001,
        "below 1": lambda dtype: -np.log(float(np.finfo(dtype).epsneg) / 2),
        "twice": lambda dtype: -2 * np.log(float(np.finfo(dtype).eps) / 2),
    },
    "logits_from_probabilities": {
        "an epsilon": lambda p: (lambda q: q - q.mean(-1, keepdims=True))(np.log(p + 1e-12)),
        "a floor": lambda p: (lambda q: q - q.mean(-1, keepdims=True))(
            np.log(np.maximum(p, 1e-30))
        ),
        "nearly 0 is 0": lambda p: lab.logits_from_probabilities(np.where(np.isclose(p, 0), 0, p)),
        "float32": lambda p: lab.logits_from_probabilities(p.astype(np.float32)),
        "the median": lambda p: quiet_log(p) - np.median(quiet_log(p), -1, keepdims=True),
        "zeros counted": lambda p: (
            quiet_log(p) - np.where(p > 0, quiet_log(p), 0).mean(-1, keepdims=True)
        ),
        "-1e9 for 0": lambda p: np.maximum(lab.logits_from_probabilities(p), -1e9),
        "the geometric mean of the batch": lambda p: quiet_log(p) - quiet_log(p)[p > 0].mean(),
    },
    "sigmoid_as_softmax": {
        "one-sided": lambda z: np.exp(z) / (1 + np.exp(z)),
        "other side": lambda z: 1 / (1 + np.exp(-z)) if (z > -700).all() else np.zeros_like(z),
        "float32": lambda z: lab.sigmoid(z.astype(np.float32)),
        "capped at 20": lambda z: lab.sigmoid(np.clip(z, -20, 20)),
        "along the first axis": lambda z: (
            lab.softmax(np.stack([z, 0 * z]), axis=0)[0] if z.ndim < 2 else lab.softmax(z, axis=1)
        ),
        "at least one axis": lambda z: lab.sigmoid(np.atleast_1d(z)),
        "a rational approximation": lambda z: 0.5 + 0.5 * z / (1 + abs(z)),
    },
    "log_odds": {
        "clipped": lambda p: lab.logit(np.clip(p, 1e-12, 1 - 1e-12)),
        "isclose": lambda p: np.where(
            np.isclose(p, 0), -INF, np.where(np.isclose(p, 1), INF, lab.logit(p))
        ),
        "an epsilon": lambda p: quiet_log(p + 1e-300) - quiet_log(1 - p + 1e-300),
        "float32": lambda p: lab.logit(np.float32(p)),
        "never scalar": lambda p: np.atleast_1d(lab.logit(p)),
        "base 2": lambda p: lab.logit(p) / np.log(2),
        "finite ends": lambda p: np.nan_to_num(lab.logit(p)),
        "inf at both ends": lambda p: np.where(p == 0, INF, lab.logit(p)),
    },
    "masked_softmax": {
        **each([*ONE_ROW[:5], "capped at 50", "computed in float32"], masked_by),
        "shared out afterwards": masked_afterwards,
        "-1e4": lambda x, where: (
            lab.softmax(np.where(where, x, -1e4)) * where.any(-1, keepdims=True)
        ),
        "uniform where nothing is allowed": lambda x, where: np.where(
            where.any(-1, keepdims=True), lab.softmax(x, where=where), 1 / x.shape[-1]
        ),
        "tiny instead of 0": lambda x, where: np.maximum(lab.softmax(x, where=where), 1e-30),
    },
    "calibration_error": {
        "an edge to the bin below": ece_by(lambda c: np.ceil(10 * c) - 1),
        "confidence 1 alone": ece_by(lambda c: np.floor(10 * c), bins=11),
        "from 1 / T": lambda p, y: ece_by(
            lambda c: np.floor(10 * (c - 1 / p.shape[1]) / (1 - 1 / p.shape[1] + 1e-12))
        )(p, y),
        "15 bins": ece_by(lambda c: np.floor(15 * c), bins=15),
        "nine bins": ece_by(lambda c: np.floor(9 * c), bins=9),
        "equal counts": ece_by(lambda c: np.argsort(np.argsort(c)) * 10 // max(1, len(c))),
        "a percentage": lambda p, y: 100 * ece_by(lambda c: np.floor(10 * c))(p, y),
        "the last of two largest": lambda p, y: ece_by(lambda c: np.floor(10 * c))(
            p[:, ::-1], p.shape[1] - 1 - y
        ),
        "rounded": lambda p, y: round(float(ece_by(lambda c: np.floor(10 * c))(p, y)), 4),
    },
    "fit_temperature": {
        "0.1 to 10": bisected(0.1, 10, 60),
        "0.05 to 20": bisected(0.05, 20, 60),
        "12 steps": bisected(0.01, 100, 12),
        "a grid of 1000": searched_temperature(0.01, 100, 1000),
        "naive softmax": lambda x, y: (
            (best if np.isfinite(lab.naive_softmax(x / 0.05)).all() else 1.0)
            if (best := bisected(0.01, 100, 60)(x, y)) is None
            else (best if abs(x).max() < 700 else 1.0)
        ),
        "the sum of float32": lambda x, y: bisected(0.01, 100, 60)(
            x.astype(np.float16).astype(float), y
        ),
        "an array of one": lambda x, y: np.array([bisected(0.01, 100, 60)(x, y)]),
    },
    "hardmax": {
        "close ones tie": lambda x: lab.hardmax(1.0 * ties(x)),
        "float32": lambda x: lab.hardmax(x.astype(np.float32)),
        "sharp softmax": lambda x: lab.softmax(1e6 * x.clip(-1e5, 1e5)),
        "rounded softmax": lambda x: lab.softmax(1000.0 * x).round(),
        "all winners": lambda x: 1.0 * (x == x.max(-1, keepdims=True)),
        "zeros ignored": lambda x: lab.hardmax(x) * (x != 0),
        "first row's shape": lambda x: np.eye(x.shape[-1])[x.argmax(-1)] * (x.max() > 0),
    },
    "temperature": {
        **each(EVERYWHERE, lambda s: lambda x, tau: s(np.asarray(x / tau))),
        "differences cut off at -30": lambda x, tau: SOFTMAXES["differences cut off at -30"](
            x / tau
        ),
        "tau at least 0.01": lambda x, tau: lab.softmax(x / max(tau, 0.01)),
        "tau at most 10": lambda x, tau: lab.softmax(x / min(tau, 10.0)),
        "whole numbers divided": lambda x, tau: lab.softmax(
            x // tau if x.dtype.kind == "i" else x / tau
        ),
        "powers": lambda x, tau: shares_of(lab.softmax(x / 1.0) ** (1 / tau)),
    },
    "gumbel_max": {
        **{name: noise_by(noise) for name, noise in NOISES.items()},
        "systematic": systematic,
        "shuffled systematic": shuffled_systematic,
        "half antithetic": half_antithetic,
        "the first row's logits": lambda x, rng: np.argmax(x[:1] + rng.gumbel(size=x.shape), -1),
    },
    "gumbel_softmax": {
        **{name: relaxed_by(noise) for name, noise in NOISES.items()},
        "float16 out": lambda x, tau, rng: lab.softmax((x + rng.gumbel(size=x.shape)) / tau).astype(
            np.float16
        ),
        "naive": lambda x, tau, rng: lab.naive_softmax((x + rng.gumbel(size=x.shape)) / tau),
        "tau at least 0.1": lambda x, tau, rng: lab.softmax(
            (x + rng.gumbel(size=x.shape)) / max(tau, 1.0)
        ),
        "an epsilon": lambda x, tau, rng: lab.softmax((x + rng.gumbel(size=x.shape)) / tau) + 1e-6,
    },
    "reinforce": {
        "three classes only": reinforce_by(
            lambda p, rng: int(rng.random() > p[0]) + int(rng.random() > 0.5 and len(p) > 2)
        ),
        "always the same": reinforce_by(
            lambda p, rng: np.random.default_rng(0).choice(len(p), p=p)
        ),
        "a copy of the generator": reinforce_by(
            lambda p, rng: copy.deepcopy(rng).choice(len(p), p=p)
        ),
        "tempered": reinforce_by(lambda p, rng: rng.choice(len(p), p=shares_of(p**0.7))),
        "a mean of two draws": lambda f, x, rng: (
            (
                reinforce_by(lambda p, r: r.choice(len(p), p=p))(f, x, rng)
                + reinforce_by(lambda p, r: r.choice(len(p), p=p))(f, x, rng)
            )
            / 2
        ),
        "a baseline": lambda f, x, rng: reinforce_by(lambda p, r: r.choice(len(p), p=p))(
            lambda z: f(z) - np.mean([f(k) for k in range(len(x))]), x, rng
        ),
        "two classes wrong": lambda f, x, rng: (
            reinforce_by(lambda p, r: r.choice(len(p), p=p))(f, x, rng) * (1 if len(x) > 2 else -1)
        ),
        "positive rewards only": lambda f, x, rng: reinforce_by(lambda p, r: r.choice(len(p), p=p))(
            lambda z: max(f(z), 0), x, rng
        ),
        "naive": lambda f, x, rng: (lambda p, z: f(z) * ((np.arange(len(p)) == z) - p))(
            lab.naive_softmax(x), int(np.argmax(x + rng.gumbel(size=len(x))))
        ),
    },
    "arsm_three": {
        "a ratio": arsm_by(key=lambda s, phi: np.argmin(s / np.exp(phi))),
        "rounded": lambda f, x, rng: arsm_by()(f, x, rng).round(4),
        "four draws": arsm_by(draw=lambda rng: rng.dirichlet(np.ones(3), 4).mean(0)),
        "another alpha": arsm_by(draw=lambda rng: rng.dirichlet(np.full(3, 2.0))),
        "pi normalised again": arsm_by(weight=lambda pi: 1 / 3 - pi / pi.max()),
        "argmax of p": arsm_by(key=lambda s, phi: np.argmax(phi)),
        "positive rewards only": lambda f, x, rng: arsm_by()(lambda z: max(f(z), 0), x, rng),
        "logits centred on 0 by capping": lambda f, x, rng: arsm_by()(
            f, np.clip(x, -100, 100), rng
        ),
    },
    "overflow_limit": {
        "rounded": lambda dtype: dtype(round(float(np.log(float(np.finfo(dtype).max))), 4)),
        "two floats below": lambda dtype: np.nextafter(
            np.nextafter(np.log(np.finfo(dtype).max), dtype(0)), dtype(0)
        ),
        "one below whatever": lambda dtype: np.nextafter(np.log(np.finfo(dtype).max), dtype(0)),
        "float64": lambda dtype: float(np.log(np.finfo(dtype).max)),
        "text": lambda dtype: str(np.log(np.finfo(dtype).max)),
        "a list": lambda dtype: [np.log(np.finfo(dtype).max)],
    },
    "quiet_failure": {
        "too small": lambda: -90,
        "too far": lambda: -200,
        "the other side": lambda: 100,
        "half": lambda: -101.5,
        "an array": lambda: np.array([-102]),
        "text": lambda: "-102",
        "nearly": lambda: -95,
    },
    "stable_softmax": {
        **each([*SOFTMAXES], lambda s: s),
        "float64 out": lambda x: lab.softmax(x.astype(float)),
        "1e-30 for -inf": lambda x: np.maximum(lab.softmax(x), x.dtype.type(1e-30)),
    },
    "logsumexp": LSES,
    "log_softmax": {
        **{name: log_softmax_by(LSES[name]) for name in LSES if "-1e9" not in name},
        "the logarithm of a softmax": log_of(lab.softmax),
        "-1e9 for -inf": lambda x: np.maximum(lab.log_softmax(x), x.dtype.type(-1e9)),
        "at least -745": lambda x: np.maximum(lab.log_softmax(x), -745),
    },
    "streaming_logsumexp": {
        "starts at 0": stream_by(start=0.0),
        "starts at -1e4": stream_by(start=-1e4),
        "float32": stream_by(dtype=np.float32),
        "a list of floats": stream_by(keep=lambda c: [float(v) for chunk in c for v in chunk]),
        "a list of chunks": stream_by(keep=lambda c: np.concatenate([[-INF], *c])),
        "a torch list": torch_list,
        "first entries": stream_by(skip=lambda top, chunk: max(top, chunk[0])),
        "0 for nothing": lambda chunks: np.nan_to_num(stream_by()(chunks), neginf=0.0),
    },
    "softmax_jacobian": each(
        [*ONE_ROW, "differences cut off at -30"],
        lambda s: lambda x: np.diag(s(x)) - np.outer(s(x), s(x)),
    ),
    "softmax_vjp": {
        **each(EVERYWHERE, vjp_by),
        "cut off at -30": vjp_by(SOFTMAXES["differences cut off at -30"]),
        "a torch matrix": torch_matrix,
        "a list of lists": list_matrix,
        "a float32 matrix": single_matrix,
    },
    "softmax_jvp": {
        **each(EVERYWHERE, vjp_by),
        "a finite difference": lambda x, v: (
            (lab.softmax(x + 1e-6 * v) - lab.softmax(x - 1e-6 * v)) / 2e-6
        ),
    },
    "log_softmax_vjp": {
        **each(EVERYWHERE, lambda s: lambda x, v: v - s(x) * v.sum(axis=-1, keepdims=True)),
        "a torch matrix": torch_log_matrix,
        "v only where finite": lambda x, v: np.where(
            np.isinf(x), 0, v - lab.softmax(x) * v.sum(-1, keepdims=True)
        ),
    },
    "finite_differences": {
        "relative steps": differences(lambda x: 1e-5 * abs(x)),
        "relative steps, 0 aside": differences(lambda x: 1e-5 * abs(x) or 1e-5)
        and (lambda f, x: differences(lambda t: 1e-2 * abs(t) + 1e-9)(f, x)),
        "float32 steps": float32_steps,
        "the dtype of x": own_dtype_steps,
        "steps of 0.01": differences(lambda x: 1e-2),
        "steps of 1e-11": differences(lambda x: 1e-11),
        "one-sided": forward_then_rounded,
        "rounded": lambda f, x: differences(lambda t: 1e-5)(f, x).round(3),
        "float32 out": lambda f, x: differences(lambda t: 1e-5)(f, x).astype(np.float16),
    },
    "logsumexp_hessian": each(
        EVERYWHERE, lambda s: lambda x: s(x)[..., None] * (np.eye(x.shape[-1]) - s(x)[..., None, :])
    ),
    "cross_entropy": {
        **by_losses(lambda log_softmax: lambda x, y: -chosen(log_softmax(x), y).mean()),
        "clipped": lambda x, y: -np.log(np.clip(chosen(lab.softmax(x), y), 1e-15, 1)).mean(),
        "an epsilon": lambda x, y: -np.log(chosen(lab.softmax(x), y) + 1e-9).mean(),
        "at most 100": lambda x, y: np.minimum(-chosen(lab.log_softmax(x), y), 100).mean(),
        "an array of one": lambda x, y: -chosen(lab.log_softmax(x), y).mean(keepdims=True),
    },
    "cross_entropy_gradient": each(
        EVERYWHERE, lambda s: lambda x, y: (s(x) - np.eye(x.shape[1])[y]) / len(y)
    ),
    "kl_divergence": {
        "an epsilon": lambda p, q: (p * np.log((p + 1e-12) / (q + 1e-12))).sum(-1),
        "where both are positive": lambda p, q: np.where(
            (p > 0) & (q > 0), p * quiet_log(p / q), 0
        ).sum(-1),
        "isclose 0": lambda p, q: np.where(
            np.isclose(p, 0), 0, p * (quiet_log(p) - quiet_log(q))
        ).sum(-1),
        "clipped": lambda p, q: (
            np.clip(p, 1e-10, 1) * np.log(np.clip(p, 1e-10, 1) / np.clip(q, 1e-10, 1))
        ).sum(-1),
        "float32": lambda p, q: lab.kl_divergence(p.astype(np.float32), q.astype(np.float32)),
        "never negative terms": lambda p, q: np.where(
            p > 0, np.maximum(p * quiet_log(p / q), 0), 0
        ).sum(-1),
        "at most 100": lambda p, q: np.minimum(
            np.where(p > 0, p * (quiet_log(p) - quiet_log(q)), 0).sum(-1), 100
        ),
        "q normalised by p": lambda p, q: np.where(
            p > 0, p * (quiet_log(p) - quiet_log(q)), 0
        ).mean(-1),
    },
    "label_smoothing": {
        **by_losses(
            lambda log_softmax: (
                lambda x, y, e: (lambda lp: -((1 - e) * chosen(lp, y) + e * lp.mean(-1)).mean())(
                    log_softmax(x)
                )
            )
        ),
        "clipped": lambda x, y, e: (lambda lp: -((1 - e) * chosen(lp, y) + e * lp.mean(-1)).mean())(
            np.log(np.clip(lab.softmax(x), 1e-12, 1))
        ),
        "the others only": lambda x, y, e: (
            lambda lp: (
                -(
                    (1 - e) * chosen(lp, y)
                    + e * (lp.sum(-1) - chosen(lp, y)) / max(1, x.shape[1] - 1)
                ).mean()
            )
        )(lab.log_softmax(x)),
    },
    "ignore_index": {
        "negative ones": index_loss(lambda y, i: y >= 0),
        "0 means nothing": index_loss(lambda y, i: y != (i or -100)),
        "the absolute value": index_loss(lambda y, i: abs(y) != abs(i)),
        "not beyond the classes": index_loss(lambda y, i: (y != i) if i < 0 else y < i),
        "0 for nothing left": lambda x, y, i: np.nan_to_num(
            index_loss(lambda a, b: a != b)(x, y, i)
        ),
        "float32": lambda x, y, i: index_loss(lambda a, b: a != b)(x.astype(np.float32), y, i),
        "at most 100": lambda x, y, i: (
            min(index_loss(lambda a, b: a != b)(x, y, i), 100.0) if (y != i).any() else np.nan
        ),
    },
    "training_step": {
        **each(
            [
                "shifted by the first entry",
                "naive in long double",
                "capped at 50",
                "computed in float32",
                "one maximum for all",
                "rounded to 8 digits",
            ],
            lambda s: step_by(softmax=s),
        ),
        "a step a sample": step_a_sample,
        "rounded": step_of_integers,
        "weight decay": decayed,
        "clipped": clipped_step,
        "divided by classes": step_by(weigh=lambda error: error.shape[1]),
    },
    "soft_target_cross_entropy": {
        **by_losses(
            lambda log_softmax: soft_by(lambda t, lp: np.where(t > 0, t * lp, 0), log_softmax)
        ),
        "nan to 0": soft_by(lambda t, lp: np.nan_to_num(t * lp, neginf=0.0)),
        "isclose 0": soft_by(lambda t, lp: np.where(np.isclose(t, 0), 0, t * lp)),
        "-1e9": soft_by(lambda t, lp: t * np.maximum(lp, -1e9)),
        "an epsilon": soft_by(lambda t, lp: t * np.log(np.exp(lp) + 1e-12)),
        "normalised again": soft_by(
            lambda t, lp: np.where(t > 0, lab.softmax(np.log(t + 1e-9)) * lp, 0)
        ),
    },
    "spot_the_bug": {
        "one row": lambda: np.array([[0, -1000]]),
        "equal": lambda: np.zeros((2, 3)),
        "too near": lambda: np.array([[0, 0], [-700, -700]]),
        "infinite": lambda: np.array([[0.0, -INF], [1.0, 2.0]]),
        "halves": lambda: np.array([[0.5, 0.0], [-1000.5, -1000.0]]),
        "too large": lambda: np.array([[0, 0], [-20000, -20000]]),
        "a row": lambda: np.array([0, -1000]),
    },
    **AT_SCALE,
}
