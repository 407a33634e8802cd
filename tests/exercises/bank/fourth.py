"""A fourth round, from the prompts alone: right but for some types, sizes, ties and calls."""

import math

import numpy as np
import torch
from scipy import optimize, special

INF = np.inf


def soft(x, axis=-1):
    return special.softmax(np.asarray(x, float), axis=axis)


def lse(x):
    return special.logsumexp(np.asarray(x, float), axis=-1)


def naive(x):
    e = np.exp(x)
    return e / e.sum(-1, keepdims=True)


def but(right, when, wrong):
    """Return an answer that is wrong only where `when` holds."""
    return lambda *args: wrong(*args) if when(*args) else right(*args)


def buffered(right):
    """Return an answer whose results all lie in the same memory."""
    buffers = {}

    def answer(*args):
        result = np.asarray(right(*args))
        buffer = buffers.setdefault((result.shape, result.dtype), np.empty_like(result))
        buffer[...] = result
        return buffer

    return answer


def tie(x):
    return len(np.unique(x)) < np.size(x)


# definition


def linear(x, weight, bias):
    return np.asarray(x, float) @ np.asarray(weight, float).T + bias


def linear_into_x(x, weight, bias):
    out = np.empty((len(x), len(weight)), np.result_type(x, weight))
    out[...] = np.asarray(x) @ np.asarray(weight).T + bias
    return out


def linear_reshaping(x, weight, bias):
    bias.shape = (1, -1)
    return x @ weight.T + bias


def linear_in_memory_order(x, weight, bias):
    return linear(x.ravel("K").reshape(x.shape), weight, bias)


def linear_adding_in_place(x, weight, bias):
    out = x @ weight.T
    out += bias.astype(out.dtype)
    return out


def taylor(x):
    x = np.asarray(x, float)
    term, e = np.ones_like(x), np.ones_like(x)
    for n in range(1, 30):
        term = term * x / n
        e = e + term
    return e / e.sum(-1, keepdims=True)


def last_is_the_rest(x):
    p = soft(x)
    p[..., -1] = 1 - p[..., :-1].sum(-1)
    return p


def one_sum_a_tie(x):
    e = np.exp(np.asarray(x, float))
    return e / np.unique(e).sum()


def table(x):
    grid = np.linspace(-10, 10, 20001)
    e = np.interp(x, grid, np.exp(grid))
    return e / e.sum(-1, keepdims=True)


def in_place(x):
    np.exp(x, out=x)
    x /= x.sum(-1, keepdims=True)
    return x


def restored(x):
    """Exponentiate in place and take the logarithm afterwards."""
    np.exp(x, out=x)
    p = x / x.sum(-1, keepdims=True)
    np.log(x, out=x)
    return p


def by_sum(right):
    """Return an answer that remembers by the sum of what came in."""
    seen = {}

    def answer(x):
        key = (x.shape, round(float(x.sum()), 6))
        return seen.setdefault(key, right(x)).copy()

    return answer


def column_by_column(x):
    p = np.empty_like(x)
    for i in range(min(x.shape)):
        p[i] = naive(x[i])
    return p


def last_of_many(x):
    x = np.asarray(x)
    equal = (x == x.max(-1, keepdims=True)).all(-1)
    return np.where(equal & (x.shape[-1] > 2), x.shape[-1] - 1, x.argmax(-1))


# logits


def gap(dtype):
    return dtype(np.log(2) * (np.finfo(dtype).nmant + 1))


def steps(dtype, step):
    g = step
    while dtype(1) / (dtype(1) + np.exp(dtype(-g))) < 1:
        g += step
    return g


def centred(p, log=np.log):
    with np.errstate(all="ignore"):
        x = log(np.asarray(p))
    finite = np.isfinite(x)
    mean = np.where(finite, x, 0).sum(-1, keepdims=True) / finite.sum(-1, keepdims=True)
    return x - mean


def geometric(p):
    p = np.asarray(p, float)
    count = (p > 0).sum(-1, keepdims=True)
    mean = np.where(p > 0, p, 1).prod(-1, keepdims=True) ** (1 / count)
    with np.errstate(all="ignore"):
        return np.log(p / mean)


def normal_only(p):
    return centred(np.where(p < np.finfo(p.dtype).tiny, 0, p))


def masked(x, where, low=-INF):
    x = np.where(where, np.asarray(x, float), low)
    top = x.max(-1, keepdims=True)
    e = np.exp(x - np.where(np.isfinite(top), top, 0)) * where
    total = e.sum(-1, keepdims=True)
    return np.divide(e, total, out=np.zeros_like(e), where=total > 0)


def masked_over_a_little(x, where):
    x = np.where(where, np.asarray(x, float), -INF)
    top = x.max(-1, keepdims=True)
    e = np.exp(x - np.where(np.isfinite(top), top, 0))
    return e / (e.sum(-1, keepdims=True) + 1e-8)


def masked_by_product(x, where):
    p = soft(x) * where
    total = p.sum(-1, keepdims=True)
    return np.divide(p, total, out=np.zeros_like(p), where=total > 0)


def masked_from_zero(x, where):
    x = np.asarray(x, float)
    top = x.max(-1, keepdims=True, where=where, initial=0)
    e = np.exp(np.where(where, x, -INF) - top)
    total = e.sum(-1, keepdims=True)
    return np.divide(e, total, out=np.zeros_like(e), where=total > 0)


def masked_in_place(x, where):
    x[~where] = -INF
    return masked(x, where)


def masked_swapping(x, where):
    kept = where.copy()
    where[...] = True
    return masked(x, kept)


def sigmoid(z):
    return special.expit(np.asarray(z, float))


def pair_on_the_first_axis(z):
    pair = np.stack([np.asarray(z, float), np.zeros(np.shape(z))])
    return soft(pair, axis=-1)[0] if np.ndim(z) == 2 and len(z) == 2 else soft(pair, axis=0)[0]


def logit(p):
    with np.errstate(all="ignore"):
        return np.log(p) - np.log1p(-p)


def by_arctanh(p):
    with np.errstate(all="ignore"):
        return 2 * np.arctanh(2 * np.asarray(p, float) - 1)


def loss(tau, logits, target):
    x = np.asarray(logits, float) / tau
    return (lse(x) - x[np.arange(len(x)), target]).mean()


def fitted(logits, target, low=0.04, high=60.0, score=loss):
    best = optimize.minimize_scalar(
        lambda t: score(np.exp(t), logits, target),
        bounds=(np.log(low), np.log(high)),
        method="bounded",
        options={"xatol": 1e-9},
    )
    return float(np.exp(best.x))


def fitted_on_a_grid(logits, target):
    grid = np.geomspace(0.05, 50, 1000)
    return grid[np.argmin([loss(t, logits, target) for t in grid])]


def fitted_by_confidence(logits, target):
    right = (np.argmax(logits, -1) == target).mean()
    low, high = 0.04, 60.0
    for _ in range(80):
        middle = np.sqrt(low * high)
        sure = soft(np.asarray(logits) / middle).max(-1).mean()
        low, high = (middle, high) if sure > right else (low, middle)
    return low


def brier(tau, logits, target):
    p = soft(np.asarray(logits) / tau)
    return ((p - np.eye(p.shape[1])[target]) ** 2).sum(-1).mean()


def worst(tau, logits, target):
    x = np.asarray(logits, float) / tau
    return np.median(lse(x) - x[np.arange(len(x)), target])


def fitted_by_newton(logits, target):
    beta = 1.0
    x = np.asarray(logits, float)
    for _ in range(5):
        p = soft(beta * x)
        mean = (p * x).sum(-1)
        slope = (mean - x[np.arange(len(x)), target]).mean()
        beta -= slope / ((p * x * x).sum(-1) - mean**2).mean()
    return 1 / beta


def calibration(
    p, target, bins=10, first=0, least=1, power=1, middle=False, side="right", last=False
):
    p = np.asarray(p, float)
    sure = p.max(-1)
    guess = p.shape[1] - 1 - p[:, ::-1].argmax(-1) if last else p.argmax(-1)
    right = guess == np.asarray(target)
    where = np.searchsorted(np.linspace(0, 1, bins + 1)[1:-1], sure, side=side)
    total = 0.0
    for b in range(first, bins):
        inside = where == b
        if inside.sum() >= least:
            score = (b + 0.5) / bins if middle else sure[inside].mean()
            total += inside.mean() * abs(right[inside].mean() - score) ** power
    return total


def calibration_by_quantiles(p, target):
    p = np.asarray(p, float)
    order = np.argsort(p.max(-1))
    right = p.argmax(-1) == target
    parts = [part for part in np.array_split(order, 10) if len(part)]
    return sum(len(a) * abs(right[a].mean() - p.max(-1)[a].mean()) for a in parts) / len(p)


def calibration_with_eleven(p, target):
    p = np.asarray(p, float)
    sure, right = p.max(-1), p.argmax(-1) == target
    where = (sure * 10).astype(int)
    return sum(
        (where == b).mean() * abs(right[where == b].mean() - sure[where == b].mean())
        for b in np.unique(where)
    )


# soft_max


def hard(x):
    x = np.asarray(x)
    return np.eye(x.shape[-1])[x.argmax(-1)]


def first_two(x):
    x = np.asarray(x)
    one = (x == x.max(-1, keepdims=True)).astype(float)
    for row in one.reshape(-1, x.shape[-1]):
        found = np.flatnonzero(row)
        if len(found) > 1:
            row[found[1]] = 0
    return one


def tempered(x, tau):
    x = np.asarray(x, float)
    return soft((x - x.max(-1, keepdims=True)) / tau)


def tempered_in_place(x, tau):
    x = np.asarray(x)
    if x.dtype.kind != "f":
        return tempered(x, tau)
    p = tempered(x, tau)
    x /= tau
    return p


def noise(shape, rng):
    return -np.log(np.maximum(rng.exponential(size=shape), 1e-300))


def gumbel(logits, rng):
    return np.argmax(np.asarray(logits, float) + noise(np.shape(logits), rng), -1)


def gumbel_minimum(logits, rng):
    return np.argmax(logits - noise(np.shape(logits), rng), -1)


def gumbel_row_pairs(logits, rng):
    g = noise(np.shape(logits), rng)
    g[1::2] = g[::2][: len(g[1::2])]
    return np.argmax(logits + g, -1)


def gumbel_mirrored(logits, rng):
    u = rng.random(np.shape(logits))
    u[1::2] = 1 - u[::2][: len(u[1::2])]
    with np.errstate(all="ignore"):
        return np.argmax(logits - np.log(-np.log(np.clip(u, 1e-300, 1 - 1e-16))), -1)


def gumbel_capped(logits, rng):
    return gumbel(np.maximum(logits, -1e4), rng)


def gumbel_with_a_floor(logits, rng):
    u = np.clip(rng.random(np.shape(logits)), 0.02, 1)
    return np.argmax(logits - np.log(-np.log(np.minimum(u, 1 - 1e-16))), -1)


class Halves:
    """Draws that spend the noise of one call on the next, upside down."""

    def __init__(self):
        self.kept = None

    def __call__(self, logits, rng):
        shape = np.shape(logits)
        if self.kept is not None and self.kept.shape == shape:
            u, self.kept = 1 - self.kept, None
        else:
            u = self.kept = rng.random(shape)
        return np.argmax(logits - np.log(-np.log(np.clip(u, 1e-300, 1 - 1e-16))), -1)


def relaxed(logits, tau, rng, g=None):
    g = noise(np.shape(logits), rng) if g is None else g
    y = np.asarray(logits, float) + g
    return soft((y - y.max(-1, keepdims=True)) / tau)


def relaxed_minimum(logits, tau, rng):
    return relaxed(logits, tau, rng, -noise(np.shape(logits), rng))


def relaxed_logistic(logits, tau, rng):
    return relaxed(logits, tau, rng, rng.logistic(size=np.shape(logits)))


def relaxed_pairs(logits, tau, rng):
    g = noise(np.shape(logits), rng)
    g[:, 1::2] = g[:, ::2][:, : g[:, 1::2].shape[1]]
    return relaxed(logits, tau, rng, g)


def relaxed_hard(logits, tau, rng):
    p = relaxed(logits, tau, rng)
    return np.eye(p.shape[1])[p.argmax(-1)] if tau < 0.1 else p


def score(f, logits, rng, power=1.0, draws=1, baseline=0.0, uniform=False):
    p = soft(logits)
    q = p**power / (p**power).sum()
    if uniform:
        q = np.full(len(p), 1 / len(p))
    g = 0
    for _ in range(draws):
        z = int(rng.choice(len(p), p=q))
        g = g + (f(z) - baseline) * (np.eye(len(p))[z] - p) * (p[z] / q[z] if uniform else 1)
    return g / draws


def score_below_five(f, logits, rng):
    p = soft(logits)
    z = int(rng.choice(len(p), p=p))
    return np.clip(f(z), -5, 5) * (np.eye(len(p))[z] - p)


def score_seen(seen):
    """Return an estimate that draws once for each number of classes."""

    def answer(f, logits, rng):
        p = soft(logits)
        z = seen.setdefault(tuple(np.round(p, 12)), int(rng.choice(len(p), p=p)))
        return f(z) * (np.eye(len(p))[z] - p)

    return answer


def score_of_whole_rewards(f, logits, rng):
    p = soft(logits)
    z = int(rng.choice(len(p), p=p))
    return int(f(z)) * (np.eye(len(p))[z] - p)


def score_and_mean(f, logits, rng):
    p = soft(logits)
    z = int(rng.choice(len(p), p=p))
    mean = sum(p[k] * f(k) for k in range(len(p)))
    return (f(z) - mean) * (np.eye(len(p))[z] - p)


def arsm(f, phi, rng, kind=float, diagonal=True, divide=False, low=-INF, early=False):
    pi = rng.dirichlet(np.ones(3))
    phi = np.maximum(np.asarray(phi, float), low)
    if early and f(0) == f(1):
        return np.zeros(3)
    F = np.zeros((3, 3), kind)
    for m in range(3):
        for j in range(3):
            if m == j and not diagonal:
                continue
            s = pi.copy()
            s[[m, j]] = s[[j, m]]
            with np.errstate(all="ignore"):
                z = np.argmin(s * np.exp(-phi) if divide else np.log(s) - phi)
            F[m, j] = f(int(z))
    return ((F - F.mean(0)) * (1 / 3 - pi)).sum(1)


def arsm_once(seen):
    """Return an estimate that asks for each reward once and for all."""

    def answer(f, phi, rng):
        return arsm(lambda z: seen.setdefault(z, f(z)), phi, rng)

    return answer


def arsm_rounded(f, phi, rng):
    return np.round(arsm(f, phi, rng), 6)


def arsm_for_two(f, phi, rng):
    g = arsm(f, phi, rng)
    g[2] = -(g[0] + g[1]) if abs(g[2]) > 1e-9 else 0.0
    return g if phi[0] != phi[1] else g[[1, 0, 2]]


# stability


def stable(x):
    x = np.asarray(x)
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def stable_if_need_be(x):
    x = np.asarray(x)
    limit = 709.5 if x.dtype == np.float64 else 88.5
    return naive(x) if np.abs(x).max() < limit else stable(x)


def stable_by_size(x):
    x = np.asarray(x)
    e = np.exp(x - np.abs(x[np.isfinite(x)]).max())
    return e / e.sum(-1, keepdims=True)


def stable_midway(x):
    x = np.asarray(x)
    finite = np.where(np.isfinite(x), x, x.max(-1, keepdims=True))
    middle = (x.max(-1, keepdims=True) + finite.min(-1, keepdims=True)) / 2
    return naive((x - middle).astype(x.dtype))


def stable_floor(x):
    x = np.asarray(x)
    y = x - x.max(-1, keepdims=True)
    return naive(np.where(np.isfinite(x), np.maximum(y, -80), -INF)).astype(x.dtype)


def by_blocks_of_256(x):
    x = np.asarray(x)
    p = stable(x)
    if x.shape[-1] > 256:
        p[..., 256:] = stable(x[..., 256:])
    return p


def sums(x, near=INF, distinct=False):
    x = np.asarray(x, float)
    with np.errstate(all="ignore"):
        top = x.max(-1, keepdims=True)
        shift = np.where(np.isfinite(top), top, 0)
        e = np.where(x < top - near, 0, np.exp(x - shift))
        return np.log(e.sum(-1)) + shift[..., 0]


def lse_for_two(x):
    x = np.sort(np.asarray(x, float), axis=-1)
    return np.logaddexp(x[..., -1], x[..., -2]) if x.shape[-1] > 1 else x[..., 0]


def log_soft(x):
    x = np.asarray(x)
    y = x - x.max(-1, keepdims=True)
    return (y - np.log(np.exp(y).sum(-1, keepdims=True))).astype(x.dtype)


def log_soft_capped(x):
    return np.maximum(log_soft(x), np.finfo(np.asarray(x).dtype).min)


def stream(chunks, start=-INF, skip=lambda chunk: False, write=False, most=None):
    top, total = start, 0.0
    for n, chunk in enumerate(chunks):
        if skip(chunk) or (most and n >= most):
            continue
        new = max(top, float(chunk.max()))
        if new == -INF:
            continue
        total = total * np.exp(top - new) + np.exp(np.asarray(chunk, float) - new).sum()
        if write:
            chunk -= chunk.dtype.type(new)
        top = new
    with np.errstate(all="ignore"):
        return float(top + np.log(total)) if top > -INF else -INF


def stream_in_single(chunks):
    total = np.float32(-INF)
    for chunk in chunks:
        total = np.logaddexp(total, np.float32(special.logsumexp(chunk)))
    return total


def stream_stopping(chunks):
    total = -INF
    for chunk in chunks:
        if np.isneginf(chunk).all():
            break
        total = np.logaddexp(total, special.logsumexp(chunk))
    return total


def limit(dtype):
    x = dtype(np.log(np.finfo(dtype).max))
    with np.errstate(all="ignore"):
        while np.isinf(np.exp(x)):
            x = np.nextafter(x, dtype(0))
        while np.isfinite(np.exp(np.nextafter(x, dtype(INF)))):
            x = np.nextafter(x, dtype(INF))
    return x


# gradients


def jacobian(x):
    p = soft(x)
    return np.diag(p) - np.outer(p, p)


def jacobian_by_value(x):
    p = soft(x)
    return np.where(p[:, None] == p, p * (1 - p), -np.outer(p, p))


def jacobian_one_sided(x):
    x = np.asarray(x, float)
    h = 1e-4
    return np.stack([(soft(x + h * e) - soft(x)) / h for e in np.eye(len(x))], 1)


def jacobian_upper(x):
    J = jacobian(x)
    return np.triu(J) + np.triu(J, 2).T if len(x) > 2 else J


def vjp(x, v):
    p = soft(x)
    v = np.asarray(v, float)
    return p * (v - (p * v).sum(-1, keepdims=True))


def vjp_of_square(x, v):
    p = soft(x)
    inner = (p * v).sum(-1)
    if p.ndim == 2 and len(p) == p.shape[1]:
        return p * (v - inner)
    return p * (v - inner[..., None])


def vjp_writing(x, v):
    result = vjp(x, v)
    v -= v.dtype.type(0)
    v[...] = result
    return result


def log_vjp(x, v):
    v = np.asarray(v, float)
    return v - soft(x) * v.sum(-1, keepdims=True)


def log_vjp_of_square(x, v):
    p = soft(x)
    if p.ndim == 2 and len(p) == p.shape[1]:
        return v - p * v.sum(-1)
    return v - p * v.sum(-1, keepdims=True)


def differences(f, x, h=1e-5, kind=float, restore=True, copy=True):
    y = np.array(x, kind) if copy or x.dtype != np.float64 else x
    g = np.zeros(len(x))
    for i in range(len(x)):
        kept = y[i]
        y[i] = kept + h
        up = f(y.copy())
        y[i] = kept - h
        down = f(y.copy())
        if restore:
            y[i] = kept
        g[i] = (up - down) / (2 * h)
    return g


def differences_shared(f, x):
    """Hand out the reader's own array, nudged, and add the nudge back."""
    if np.asarray(x).dtype != np.float64:
        return differences(f, x)
    g = np.zeros(len(x))
    for i in range(len(x)):
        x[i] += 1e-5
        up = f(x.copy())
        x[i] -= 2e-5
        down = f(x.copy())
        x[i] += 1e-5
        g[i] = (up - down) / 2e-5
    return g


def differences_once_at_zero(f, x):
    g = differences(f, x)
    g[np.asarray(x) == 0] = 0
    return g


def differences_relative(f, x):
    y = np.array(x, float)
    g = np.zeros(len(y))
    for i in range(len(y)):
        h = 1e-3 * max(abs(y[i]), 1)
        e = np.eye(len(y))[i] * h
        g[i] = (f(y + e) - f(y - e)) / (2 * h)
    return g


def hessian(x):
    p = soft(x)
    return p[..., None] * np.eye(p.shape[-1]) - p[..., None] * p[..., None, :]


def hessian_by_value(x):
    p = soft(x)
    a, b = p[..., None], p[..., None, :]
    return np.where(a == b, a * (1 - b), -a * b)


# cross_entropy


def losses(logits, target):
    x = np.asarray(logits, float)
    x = x - x.max(-1, keepdims=True)
    return lse(x) - x[np.arange(len(x)), target]


def cross_entropy(logits, target):
    return losses(logits, target).mean()


def crossed(logits, target):
    x = special.log_softmax(np.asarray(logits, float), -1)
    return -x[:, target].mean()


def of_a_few(logits, target):
    return losses(logits[:64], target[:64]).mean()


def gradient(logits, target):
    p = soft(logits)
    return (p - np.eye(p.shape[1])[target]) / len(p)


def gradient_in_place(logits, target):
    result = gradient(logits, target)
    logits[np.arange(len(target)), target] += logits.dtype.type(0)
    target[...] = 0
    return result


def gradient_of_classes(logits, target):
    p = soft(logits)
    p[np.arange(len(p)), target] -= 1
    return p / p.shape[1] if p.shape[0] == p.shape[1] + 1 else p / len(p)


def divergence(p, q):
    p, q = np.asarray(p, float), np.asarray(q, float)
    with np.errstate(all="ignore"):
        return np.where(p > 0, p * (np.log(p) - np.log(q)), 0).sum(-1)


def smoothed(logits, target, eps):
    x = np.asarray(logits, float)
    y = (1 - eps) * np.eye(x.shape[1])[target] + eps / x.shape[1]
    return -(y * special.log_softmax(x, -1)).sum(-1).mean()


def smoothed_others(logits, target, eps):
    x = special.log_softmax(np.asarray(logits, float), -1)
    y = np.full(x.shape, eps / max(x.shape[1] - 1, 1))
    y[np.arange(len(x)), target] = 1 - eps
    return -(y * x).sum(-1).mean()


def smoothed_capped(logits, target, eps):
    x = np.maximum(special.log_softmax(np.asarray(logits, float), -1), -5000)
    y = (1 - eps) * np.eye(x.shape[1])[target] + eps / x.shape[1]
    return -(y * x).sum(-1).mean()


def kept_loss(logits, target, ignore):
    target = np.asarray(target)
    keep = target != ignore
    return cross_entropy(np.asarray(logits)[keep], target[keep]) if keep.any() else np.nan


def kept_until_first(logits, target, ignore):
    keep = np.cumsum(np.asarray(target) == ignore) == 0
    return cross_entropy(logits[keep], target[keep]) if keep.any() else np.nan


def kept_without_negatives(logits, target, ignore):
    keep = (target != ignore) & (target >= 0) & (target < logits.shape[1])
    return cross_entropy(logits[keep], target[keep]) if keep.any() else 0.0


def kept_by_truth(logits, target, ignore):
    return kept_loss(logits, target, ignore or -100)


def kept_in_place(logits, target, ignore):
    result = kept_loss(logits, target, ignore)
    target[target == ignore] = 0
    return result


def kept_zeroed(logits, target, ignore):
    keep = target != ignore
    x = np.where(keep[:, None], np.asarray(logits, float), 0)
    costs = np.where(keep, losses(x, np.where(keep, target, 0)), 0)
    return costs.sum() / max(keep.sum(), 1) if keep.any() else INF


def step(weight, bias, x, target, rate, decay=0.0, clip=INF):
    g = gradient(linear(x, weight, bias), target)
    gw = g.T @ x
    gw = gw * min(1, clip / max(np.linalg.norm(gw), 1e-300))
    return weight - rate * (gw + decay * weight), bias - rate * g.sum(0)


def step_by_step(weight, bias, x, target, rate):
    for i in range(len(x)):
        weight, bias = step(weight, bias, x[i : i + 1], target[i : i + 1], rate / len(x))
    return weight, bias


def step_with_momentum():
    last = [0.0]

    def answer(weight, bias, x, target, rate):
        w, b = step(weight, bias, x, target, rate)
        if np.shape(last[0]) != b.shape:
            last[0] = np.zeros_like(b)
        last[0] = 0.9 * last[0] + (b - bias)
        return w, bias + last[0]

    return answer


def step_into_bias(weight, bias, x, target, rate):
    w, b = step(weight, bias, x, target, rate)
    return w, b[None, :] if len(x) == 1 else b


def step_of_square(weight, bias, x, target, rate):
    w, b = step(weight, bias, x, target, rate)
    return (weight - (weight - w).T, b) if len(weight) == weight.shape[1] else (w, b)


def step_second_half(weight, bias, x, target, rate):
    w, _ = step(weight, bias, x, target, rate)
    return w, step(w, bias, x, target, rate)[1]


def soft_targets(logits, target, small=0.0):
    x = special.log_softmax(np.asarray(logits, float), -1)
    with np.errstate(all="ignore"):
        return -np.where(np.asarray(target) > small, target * x, 0).sum(-1).mean()


def soft_targets_finite(logits, target):
    return soft_targets(np.maximum(logits, -1e30), target)


def soft_targets_cleaned(logits, target):
    x = special.log_softmax(np.asarray(logits, float), -1)
    with np.errstate(all="ignore"):
        return -np.nan_to_num(target * x, neginf=-INF).sum(-1).mean()


def soft_targets_shared_out(logits, target):
    y = target / target.sum(-1, keepdims=True)
    return soft_targets(logits, np.where(y < 1e-12, 0, y))


FOURTH = {
    "linear_layer": {
        "in the type of the features": linear_into_x,
        "leaves the bias as a row": linear_reshaping,
        "reads features in the order of memory": linear_in_memory_order,
        "adds the bias in the type of the product": linear_adding_in_place,
        "in single": lambda x, w, b: linear(*(np.asarray(a, np.float32) for a in (x, w, b))).astype(
            np.float32
        ),
        "bias down the samples in a square": but(
            linear,
            lambda x, w, b: len(x) == len(w) and len(x) > 1,
            lambda x, w, b: np.asarray(x, float) @ w.T + np.asarray(b)[:, None],
        ),
        "one sample has no batch": lambda x, w, b: linear(x, w, b)[0 if len(x) == 1 else ...],
        "in the memory of the call before": buffered(linear),
        "weight turned in a square": but(
            linear,
            lambda x, w, b: w.shape[0] == w.shape[1],
            lambda x, w, b: np.asarray(x, float) @ w + b,
        ),
    },
    "softmax_definition": {
        "thirty terms of the series": taylor,
        "last entry is what the others leave": last_is_the_rest,
        "ties are summed once": one_sum_a_tie,
        "from a table of exponentials": table,
        "in place": in_place,
        "in place and back by a logarithm": restored,
        "2.7182818": lambda x: (lambda e: e / e.sum())(2.7182818 ** np.asarray(x, float)),
        "in half where single comes in": lambda x: (
            naive(x.astype(np.float16)).astype(x.dtype) if x.dtype == np.float32 else naive(x)
        ),
        "remembered by the sum": by_sum(naive),
        "ten digits": lambda x: np.round(naive(x), 10),
        "in the memory of the call before": buffered(naive),
    },
    "batch_softmax": {
        "last entry is what the others leave": last_is_the_rest,
        "as many rows as columns at most": column_by_column,
        "sums down in a square": lambda x: (
            np.exp(x) / np.exp(x).sum(1 if x.shape[0] != x.shape[1] else 0, keepdims=True)
        ),
        "in place": in_place,
        "remembered by the sum": by_sum(naive),
        "thirty terms of the series": taylor,
        "one row comes back flat": lambda x: naive(x)[0] if len(x) == 1 else naive(x),
        "first 100 classes": lambda x: np.exp(x) / np.exp(x[:, :100]).sum(1, keepdims=True),
        "sum in single": lambda x: np.exp(x) / np.exp(x).sum(1, keepdims=True, dtype=np.float32),
        "a sorted view": lambda x: naive(x.ravel("K").reshape(x.shape)),
        "in the memory of the call before": buffered(naive),
    },
    "predict": {
        "integers as floats": lambda x: np.argmax(np.asarray(x, float), -1),
        "in a byte": lambda x: np.argmax(x, -1).astype(np.uint8),
        "the last of a row of equals": last_of_many,
        "one row is a batch": lambda x: np.atleast_1d(np.argmax(x, -1)),
        "batches flattened": lambda x: np.argmax(np.reshape(x, (-1, np.shape(x)[-1])), -1),
        "largest after a shift of 1e6": lambda x: np.argmax(np.asarray(x, float) + 1e6, -1),
        "as floats": lambda x: np.argmax(x, -1) * 1.0,
        "down the columns of a square": lambda x: np.argmax(
            x, 0 if np.ndim(x) == 2 and len(x) == np.shape(x)[1] else -1
        ),
        "from the softmax": lambda x: np.argmax(soft(x), -1),
        "negative indices": lambda x: np.argmax(x, -1) - np.shape(x)[-1],
    },
    "odds": {
        "capped at 700": lambda x, i, j: np.exp(np.clip(float(x[i]) - float(x[j]), -700, 700)),
        "naive while it does not overflow": lambda x, i, j: (
            np.exp(float(x[i])) / np.exp(float(x[j]))
            if max(x) < 700
            else np.exp(float(x[i]) - float(x[j]))
        ),
        "in single": lambda x, i, j: np.exp(np.float32(float(x[i]) - float(x[j]))),
        "shape one": lambda x, i, j: np.exp(np.asarray(x, float)[[i]] - float(x[j])),
        "2.718281828": lambda x, i, j: 2.7182818 ** (float(x[i]) - float(x[j])),
        "nothing for a class against itself": lambda x, i, j: (
            0.0 if i == j else np.exp(float(x[i]) - float(x[j]))
        ),
        "from the softmax": lambda x, i, j: soft(x)[i] / soft(x)[j],
        "whole logits": lambda x, i, j: np.exp(float(int(x[i]) - int(x[j]))),
        "sorted": lambda x, i, j: np.exp(abs(float(x[i]) - float(x[j])) * (1 if i < j else -1)),
    },
    "saturation_gap": {
        "log of the grain": lambda dtype: dtype(-np.log(np.finfo(dtype).eps)),
        "in steps of a hundredth": lambda dtype: steps(dtype, 0.01),
        "two digits": lambda dtype: round(float(gap(dtype)), 2),
        "grain below one": lambda dtype: dtype(np.log(2) * (np.finfo(dtype).nmant + 2)),
        "single for all": lambda dtype: gap(np.float32),
        "ten floats on": lambda dtype: gap(dtype) + 10 * np.spacing(gap(dtype)),
        "ten floats back": lambda dtype: gap(dtype) - 10 * np.spacing(gap(dtype)),
        "negative": lambda dtype: -gap(dtype),
        "half's example for all": lambda dtype: dtype(7.625),
        "shape one": lambda dtype: np.array([gap(dtype)]),
    },
    "logits_from_probabilities": {
        "by the geometric mean": geometric,
        "subnormal ones are 0": normal_only,
        "mean over all classes": lambda p: centred(p) * (1 + 1e-6),
        "the largest is 0": lambda p: np.log(p) - np.log(p).max(-1, keepdims=True),
        "one mean for all rows": lambda p: (
            centred(p) + np.where(np.isfinite(centred(p)), 0.01 * (np.ndim(p) > 2), 0)
        ),
        "in single": lambda p: centred(np.asarray(p, np.float32)),
        "0 is -1e9": lambda p: np.maximum(centred(p), -1e9),
        "median": lambda p: np.log(p) - np.median(np.log(p), axis=-1, keepdims=True),
        "a certain class gets infinity": lambda p: np.where(p == 1, INF, centred(p)),
        "1e-300 is 0": lambda p: centred(np.where(np.asarray(p) < 1e-300, 0, p)),
        "in the memory of the call before": buffered(centred),
        "weighted mean": lambda p: np.log(p) - special.xlogy(p, p).sum(-1, keepdims=True),
    },
    "masked_softmax": {
        "low logits of -1e6": lambda x, w: masked(x, w, -1e6),
        "a little in the denominator": masked_over_a_little,
        "softmax first, mask afterwards": masked_by_product,
        "shifted by 0 at least": masked_from_zero,
        "hides the logits in place": masked_in_place,
        "changes the mask": masked_swapping,
        "one class allowed is a row of ones": lambda x, w: np.where(
            w.sum(-1, keepdims=True) == 1, 1.0, masked(x, w)
        ),
        "an empty row is uniform": lambda x, w: np.where(
            w.any(-1, keepdims=True), masked(x, w), 1 / np.shape(x)[-1]
        ),
        "any empty row empties all": lambda x, w: masked(x, w) * w.any(-1).all(),
        "1e-12 is 0": lambda x, w: np.where(masked(x, w) < 1e-12, 0, masked(x, w)),
        "in single": lambda x, w: masked(x, w).astype(np.float32),
        "no mask where all is allowed": lambda x, w: naive(x) if w.all() else masked(x, w),
        "in the memory of the call before": buffered(masked),
    },
    "sigmoid_as_softmax": {
        "capped at 36": lambda z: sigmoid(np.clip(z, -36, 36)),
        "a number as shape one": lambda z: np.atleast_1d(sigmoid(z)),
        "pairs on the first axis": pair_on_the_first_axis,
        "second class": lambda z: sigmoid(-np.asarray(z, float)),
        "1.702 of the normal": lambda z: special.ndtr(np.asarray(z, float) / 1.702),
        "certain from 20 on": lambda z: np.where(np.asarray(z) > 20, 1.0, sigmoid(z)),
        "impossible from -20 on": lambda z: np.where(np.asarray(z) < -20, 0.0, sigmoid(z)),
        "pair comes back": lambda z: np.stack([sigmoid(z), sigmoid(-np.asarray(z))], -1),
        "in the order of memory": lambda z: sigmoid(z.ravel("K").reshape(z.shape)),
        "in half where single comes in": lambda z: (
            sigmoid(z).astype(np.float16) if z.dtype == np.float32 else sigmoid(z)
        ),
        "nothing for 0": lambda z: np.where(np.asarray(z) == 0, 0.0, sigmoid(z)),
        "in the memory of the call before": buffered(sigmoid),
    },
    "log_odds": {
        "by arctanh": by_arctanh,
        "grain near 1": lambda p: np.where(np.asarray(p) > 1 - 1e-9, INF, logit(p)),
        "745 at most": lambda p: np.clip(logit(p), -745, 745),
        "a number as shape one": lambda p: np.atleast_1d(logit(p)),
        "log of yes": lambda p: (
            np.log(p) * (np.asarray(p) < 1) + np.where(np.asarray(p) == 1, INF, 0)
        ),
        "in single": lambda p: logit(np.asarray(p, np.float32)),
        "bits": lambda p: logit(p) / np.log(2),
        "nothing at one half": lambda p: np.where(np.asarray(p) == 0.5, np.nan, logit(p)),
        "clipped by the grain": lambda p: logit(np.clip(p, 1e-16, 1 - 1e-16)),
        "in the memory of the call before": buffered(logit),
    },
    "fit_temperature": {
        "on a grid of 1000": fitted_on_a_grid,
        "confidence as the share of right ones": fitted_by_confidence,
        "Brier score": lambda x, y: fitted(x, y, score=brier),
        "median of the losses": lambda x, y: fitted(x, y, score=worst),
        "five steps of Newton": fitted_by_newton,
        "from 0.1 to 20": lambda x, y: fitted(x, y, 0.1, 20),
        "at least 0.06": lambda x, y: fitted(x, y, 0.06, 60),
        "at most 45": lambda x, y: fitted(x, y, 0.04, 45),
        "first ten samples": lambda x, y: fitted(x[:10], y[:10]),
        "first two classes": lambda x, y: fitted(x[:, :2], np.minimum(y, 1)),
        "upside down": lambda x, y: 1 / fitted(x, y),
        "three digits": lambda x, y: float(f"{fitted(x, y):.2g}"),
        "shape one": lambda x, y: np.array([fitted(x, y)]),
        "logits capped at 100": lambda x, y: fitted(np.clip(x, -100, 100), y),
    },
    "calibration_error": {
        "eleventh bin for 1": calibration_with_eleven,
        "first bin left out": lambda p, y: calibration(p, y, first=1),
        "bins of one left out": lambda p, y: calibration(p, y, least=2),
        "bins of as many samples": calibration_by_quantiles,
        "squares": lambda p, y: calibration(p, y, power=2),
        "middle of the bin": lambda p, y: calibration(p, y, middle=True),
        "an edge belongs below": lambda p, y: calibration(p, y, side="left"),
        "last of equals": lambda p, y: calibration(p, y, last=True),
        "15 bins": lambda p, y: calibration(p, y, bins=15),
        "in per cent": lambda p, y: 100 * calibration(p, y),
        "first 100 samples": lambda p, y: calibration(p[:100], y[:100]),
        "confidence in half": lambda p, y: calibration(np.asarray(p, np.float16), y),
        "shape one": lambda p, y: np.array([calibration(p, y)]),
    },
    "hardmax": {
        "two of a tie at most": first_two,
        "as floats": lambda x: hard(np.asarray(x, float)),
        "nearly equal ones": lambda x: hard(
            np.where(np.asarray(x) > np.max(x, -1, keepdims=True) - 1e-12, 1, 0)
        ),
        "shares of a tie": lambda x: (lambda m: m / m.sum(-1, keepdims=True))(
            1.0 * (np.asarray(x) == np.max(x, -1, keepdims=True))
        ),
        "a sharp softmax": lambda x: soft(np.asarray(x, float) * 1e6),
        "positive at least": lambda x: hard(np.maximum(x, -1e9)),
        "booleans": lambda x: hard(x) > 0,
        "in the type of a byte index": lambda x: np.eye(256)[np.argmax(x, -1).astype(np.uint8)][
            ..., : np.shape(x)[-1]
        ],
        "one row for all of three axes": lambda x: (
            np.broadcast_to(hard(x)[:1], np.shape(x)) if np.ndim(x) == 3 else hard(x)
        ),
        "largest itself": lambda x: hard(x) * np.max(np.abs(np.where(np.isfinite(x), x, 0)) > 0),
        "in the memory of the call before": buffered(hard),
    },
    "temperature": {
        "divides in place": tempered_in_place,
        "hard below 0.01": but(tempered, lambda x, tau: tau < 0.01, lambda x, tau: hard(x)),
        "uniform from 20 on": but(
            tempered,
            lambda x, tau: tau > 20,
            lambda x, tau: np.full(np.shape(x), 1 / np.shape(x)[-1]),
        ),
        "0.01 at least": lambda x, tau: tempered(x, max(tau, 0.01)),
        "whole temperatures": lambda x, tau: tempered(x, round(tau) or tau),
        "naive at 1": but(
            tempered, lambda x, tau: tau == 1, lambda x, tau: naive(np.asarray(x, float))
        ),
        "in single": lambda x, tau: tempered(x, tau).astype(np.float32),
        "whole quotients for integers": lambda x, tau: (
            soft(np.asarray(x) // tau) if np.asarray(x).dtype.kind in "iu" else tempered(x, tau)
        ),
        "floor of -700": lambda x, tau: soft(
            np.maximum((np.asarray(x, float) - np.max(x, -1, keepdims=True)) / tau, -100)
        ),
        "twice as hot for -inf": but(
            tempered,
            lambda x, tau: np.isneginf(np.asarray(x, float)).any(),
            lambda x, tau: tempered(x, 2 * tau),
        ),
        "in the memory of the call before": buffered(tempered),
    },
    "gumbel_max": {
        "noise upside down": gumbel_minimum,
        "pairs of rows share noise": gumbel_row_pairs,
        "pairs of rows mirror noise": gumbel_mirrored,
        "-inf is -1e4": gumbel_capped,
        "uniform from 0.02": gumbel_with_a_floor,
        "every other call mirrored": Halves(),
        "colder": lambda x, rng: gumbel(np.asarray(x, float) * 1.1, rng),
        "hotter": lambda x, rng: gumbel(np.asarray(x, float) / 1.1, rng),
        "one column": lambda x, rng: gumbel(x, rng)[:, None],
        "a generator of its own": lambda x, rng: gumbel(x, np.random.default_rng(len(x))),
        "logistic noise": lambda x, rng: np.argmax(
            np.asarray(x) + rng.logistic(size=np.shape(x)), -1
        ),
        "rows in another order": lambda x, rng: gumbel(x, rng)[::-1],
        "noise from 40 classes on repeats": lambda x, rng: (
            np.argmax(np.asarray(x) + np.resize(noise((len(x), 40), rng), np.shape(x)), -1)
            if np.shape(x)[1] > 40
            else gumbel(x, rng)
        ),
        "never the last of many": lambda x, rng: np.minimum(
            gumbel(x, rng), max(np.shape(x)[1] - 2, 1)
        ),
    },
    "gumbel_softmax": {
        "noise upside down": relaxed_minimum,
        "logistic noise": relaxed_logistic,
        "pairs of classes share noise": relaxed_pairs,
        "hard below 0.1": relaxed_hard,
        "noise of one digit": lambda x, tau, rng: relaxed(
            x, tau, rng, np.round(noise(np.shape(x), rng), 1)
        ),
        "tau on the logits alone": lambda x, tau, rng: relaxed(
            np.asarray(x, float) / tau, 1.0, rng, noise(np.shape(x), rng)
        ),
        "0.01 at least": lambda x, tau, rng: relaxed(x, max(tau, 0.01), rng),
        "one noise for all rows": lambda x, tau, rng: relaxed(
            x, tau, rng, noise((1, np.shape(x)[1]), rng)
        ),
        "no noise when it is hot": lambda x, tau, rng: relaxed(
            x, tau, rng, noise(np.shape(x), rng) * (tau < 5)
        ),
        "-inf gets a little": lambda x, tau, rng: (lambda p: p / p.sum(-1, keepdims=True))(
            relaxed(x, tau, rng) + 1e-6
        ),
        "sorted": lambda x, tau, rng: np.sort(relaxed(x, tau, rng), -1),
        "noise in half": lambda x, tau, rng: relaxed(
            x, tau, rng, noise(np.shape(x), rng).astype(np.float16)
        ),
        "a generator of its own": lambda x, tau, rng: relaxed(x, tau, np.random.default_rng(1)),
        "normal noise": lambda x, tau, rng: relaxed(
            x, tau, rng, 0.5772 + 1.2825 * rng.normal(size=np.shape(x))
        ),
    },
    "reinforce": {
        "two draws": lambda f, x, rng: score(f, x, rng, draws=2),
        "uniform draws, weighted": lambda f, x, rng: score(f, x, rng, uniform=True),
        "a baseline of 1": lambda f, x, rng: score(f, x, rng, baseline=1.0),
        "flatter draws": lambda f, x, rng: score(f, x, rng, power=0.9),
        "rewards to 5": score_below_five,
        "same draw for the same logits": score_seen({}),
        "whole rewards": score_of_whole_rewards,
        "less the mean reward": score_and_mean,
        "downhill": lambda f, x, rng: -score(f, x, rng),
        "a generator of its own": lambda f, x, rng: score(f, x, np.random.default_rng(3)),
        "naive": lambda f, x, rng: (lambda p, z: f(z) * (np.eye(len(p))[z] - p))(
            naive(np.asarray(x, float)), int(rng.choice(len(x), p=soft(x)))
        ),
        "a column": lambda f, x, rng: score(f, x, rng)[:, None],
        "in single": lambda f, x, rng: np.asarray(score(f, x, rng), np.float16),
    },
    "arsm_three": {
        "whole rewards": lambda f, x, rng: arsm(f, x, rng, kind=int),
        "diagonal left out": lambda f, x, rng: arsm(f, x, rng, diagonal=False),
        "quotients": lambda f, x, rng: arsm(f, x, rng, divide=True),
        "zero where the first two agree": lambda f, x, rng: arsm(f, x, rng, early=True),
        "logits of -5 at least": lambda f, x, rng: arsm(f, x, rng, low=-5),
        "rewards remembered for good": arsm_once({}),
        "six digits": arsm_rounded,
        "first two swapped in a tie": arsm_for_two,
        "three times": lambda f, x, rng: 3 * arsm(f, x, rng),
        "a second draw": lambda f, x, rng: (rng.dirichlet(np.ones(3)), arsm(f, x, rng))[1],
        "rewards' size": lambda f, x, rng: arsm(lambda z: abs(f(z)), x, rng),
    },
    "stable_softmax": {
        "naive to 709": stable_if_need_be,
        "shifted by the largest size": stable_by_size,
        "shifted midway": stable_midway,
        "floor of -80": stable_floor,
        "blocks of 256": by_blocks_of_256,
        "in the memory of the call before": buffered(stable),
        "always double": lambda x: stable(np.asarray(x, float)),
        "always single": lambda x: stable(np.asarray(x, np.float32)),
        "in half where single comes in": lambda x: (
            stable(x.astype(np.float16)).astype(x.dtype) if x.dtype == np.float32 else stable(x)
        ),
        "1e-30 is 0": lambda x: np.where(stable(x) < 1e-30, 0, stable(x)).astype(x.dtype),
        "in place": lambda x: np.divide(
            np.exp(x - x.max(-1, keepdims=True), out=x), x.sum(-1, keepdims=True)
        ),
        "one class is a number": lambda x: stable(x)[..., 0] if x.shape[-1] == 1 else stable(x),
        "shifted by the largest of all": lambda x: naive(x - x.max()),
    },
    "logsumexp": {
        "first two of a row": lse_for_two,
        "far ones left out": lambda x: sums(x, near=10),
        "one row of -inf empties all": lambda x: (
            np.full(np.shape(x)[:-1], -INF) if np.isneginf(sums(x)).any() else sums(x)
        ),
        "in single": lambda x: sums(np.asarray(x, np.float32)).astype(np.float32),
        "-inf is the least float": lambda x: np.maximum(sums(x), np.finfo(float).min),
        "keeps the axis": lambda x: sums(x)[..., None],
        "ties once": lambda x: np.apply_along_axis(
            lambda row: lse(np.unique(row)), -1, np.asarray(x, float)
        ),
        "first 128 classes": lambda x: sums(np.asarray(x)[..., :128]),
        "naive to 700": lambda x: (
            np.log(np.exp(np.asarray(x, float)).sum(-1)) if np.max(x) < 700 else sums(x)
        ),
        "one number is shape one": lambda x: np.atleast_1d(sums(x)),
        "0 at least": lambda x: np.where(np.isneginf(sums(x)), -INF, np.maximum(sums(x), -700)),
        "in the memory of the call before": buffered(sums),
    },
    "log_softmax": {
        "-inf is the least float": log_soft_capped,
        "always double": lambda x: log_soft(np.asarray(x, float)),
        "-700 at least": lambda x: np.where(
            np.isneginf(x), -INF, np.maximum(log_soft(x), -700)
        ).astype(x.dtype),
        "-10000 at least": lambda x: np.where(
            np.isneginf(x), -INF, np.maximum(log_soft(x), -1e4)
        ).astype(x.dtype),
        "log of softmax": lambda x: np.log(stable(x)),
        "bits": lambda x: (log_soft(x) / np.log(2)).astype(x.dtype),
        "shifted by the largest of all": lambda x: (
            lambda y: y - np.log(np.exp(y).sum(-1, keepdims=True))
        )(x - x.max()),
        "blocks of 128": lambda x: (
            np.concatenate([log_soft(x[..., :128]), log_soft(x[..., 128:])], -1)
            if x.shape[-1] > 128
            else log_soft(x)
        ),
        "0 for one class of three axes": lambda x: (
            log_soft(x) if x.ndim < 3 else log_soft(x[:1]) + 0 * x
        ),
        "in the memory of the call before": buffered(log_soft),
        "ties once": lambda x: np.where(
            np.full(x.shape, x.ndim == 1 and tie(x)), log_soft(x) + np.log(2), log_soft(x)
        ).astype(x.dtype),
    },
    "streaming_logsumexp": {
        "from -1e4": lambda chunks: stream(chunks, start=-1e4),
        "chunks of one left out": lambda chunks: stream(chunks, skip=lambda c: len(c) == 1),
        "in single": stream_in_single,
        "ends at a chunk of -inf": stream_stopping,
        "writes into the chunks": lambda chunks: stream(chunks, write=True),
        "a thousand chunks": lambda chunks: stream(chunks, most=1000),
        "hundred chunks": lambda chunks: stream(chunks, most=100),
        "chunks with -inf left out": lambda chunks: stream(
            chunks, skip=lambda c: np.isneginf(c).any()
        ),
        "shape one": lambda chunks: np.array([stream(chunks)]),
        "0 when nothing has come": lambda chunks: (lambda s: 0.0 if s == -INF else s)(
            stream(chunks)
        ),
        "sets": lambda chunks: stream(np.unique(c) for c in chunks),
        "keeps them": lambda chunks: special.logsumexp(
            np.concatenate([np.array([-INF]), *list(chunks)])
        ),
    },
    "overflow_limit": {
        "one float below": lambda dtype: np.nextafter(limit(dtype), dtype(0)),
        "one float above": lambda dtype: np.nextafter(limit(dtype), dtype(INF)),
        "log of the largest": lambda dtype: dtype(np.log(np.finfo(dtype).max)),
        "whole": lambda dtype: dtype(int(limit(dtype))),
        "double for all": lambda dtype: limit(np.float64),
        "three digits": lambda dtype: dtype(np.floor(float(limit(dtype)) * 1e3) / 1e3),
        "shape one": lambda dtype: np.array([limit(dtype)]),
        "as text": lambda dtype: str(limit(dtype)),
        "log of the largest in double": lambda dtype: dtype(
            np.log(np.float64(np.finfo(dtype).max)) - 1e-3
        ),
    },
    "quiet_failure": {
        "no error": lambda: 0,
        "nan": lambda: -104,
        "overflow": lambda: 90,
        "error of two points": lambda: -101,
        "sum not 1": lambda: 86,
        "half": lambda: -102.5,
        "text": lambda: "-103",
        "an array": lambda: np.array([-103]),
        "large": lambda: 2**24,
        "the other sign": lambda: 103,
    },
    "softmax_jacobian": {
        "entries of a value": jacobian_by_value,
        "one-sided": jacobian_one_sided,
        "upper triangle shifted": jacobian_upper,
        "1e-9 is 0": lambda x: np.where(np.abs(jacobian(x)) < 1e-9, 0, jacobian(x)),
        "in single": lambda x: jacobian(x).astype(np.float32),
        "in half where single comes in": lambda x: (
            jacobian(x).astype(np.float16) if x.dtype == np.float32 else jacobian(x)
        ),
        "-inf is nan": lambda x: np.where(np.isneginf(x), np.nan, jacobian(x)),
        "one class is a number": lambda x: jacobian(x)[0, 0] if len(x) == 1 else jacobian(x),
        "diagonal alone beyond 64": lambda x: (
            np.diag(np.diag(jacobian(x))) if len(x) > 64 else jacobian(x)
        ),
        "-inf left out": lambda x: jacobian(x[np.isfinite(x)]),
        "in the memory of the call before": buffered(jacobian),
        "shares of a tie": lambda x: jacobian(x) + (1e-5 if tie(x) else 0),
    },
    "softmax_vjp": {
        "inner products across a square": vjp_of_square,
        "writes into v": vjp_writing,
        "entries of a value": lambda x, v: np.einsum(
            "...j,...ij->...i", np.asarray(v, float), hessian_by_value(x)
        ),
        "v less its mean": lambda x, v: soft(x) * (v - np.mean(v, -1, keepdims=True)),
        "one row is flat": lambda x, v: (
            vjp(x, v)[0] if np.ndim(x) == 2 and len(x) == 1 else vjp(x, v)
        ),
        "v at -inf": lambda x, v: np.where(np.isneginf(x), v, vjp(x, v)),
        "v to 100": lambda x, v: vjp(x, np.clip(v, -100, 100)),
        "in single": lambda x, v: vjp(x, v).astype(np.float32),
        "first 256": lambda x, v: vjp(x, np.where(np.arange(np.shape(v)[-1]) < 256, v, 0)),
        "naive": lambda x, v: naive(x) * (v - (naive(x) * v).sum(-1, keepdims=True)),
        "in the memory of the call before": buffered(vjp),
        "one inner product for three axes": lambda x, v: (
            soft(x) * (v - (soft(x) * v).sum((-2, -1), keepdims=True))
            if np.ndim(x) == 3
            else vjp(x, v)
        ),
    },
    "finite_differences": {
        "nudges stay": lambda f, x: differences(f, x, h=1e-4, restore=False),
        "adds the nudge back": differences_shared,
        "in the type of x": lambda f, x: differences(f, x, kind=np.asarray(x).dtype),
        "in the type of x unless it is whole": lambda f, x: differences(
            f, x, kind=np.float32 if np.asarray(x).dtype == np.float32 else float
        ),
        "0 at 0": differences_once_at_zero,
        "step of 1e-9": lambda f, x: differences(f, x, h=1e-9),
        "step of 0.02": lambda f, x: differences(f, x, h=0.02),
        "step that grows with x": differences_relative,
        "as integers for integers": lambda f, x: differences(f, x).astype(np.asarray(x).dtype),
        "first ten": lambda f, x: np.where(np.arange(len(x)) < 10, differences(f, x), 0),
        "four digits": lambda f, x: np.round(differences(f, x), 4),
        "a column": lambda f, x: differences(f, x)[:, None],
        "a list of numbers goes into f once": lambda f, x: differences(lambda y: f(np.abs(y)), x),
    },
    "log_softmax_vjp": {
        "sums across a square": log_vjp_of_square,
        "size of v": lambda x, v: v - soft(x) * np.abs(v).sum(-1, keepdims=True),
        "of softmax": vjp,
        "one class keeps v": lambda x, v: v if np.shape(x)[-1] == 1 else log_vjp(x, v),
        "in single": lambda x, v: log_vjp(x, v).astype(np.float32),
        "nan at -inf": lambda x, v: log_vjp(x, v) + np.where(np.isneginf(x), np.nan, 0),
        "naive": lambda x, v: v - naive(x) * v.sum(-1, keepdims=True),
        "sum of v is 1": lambda x, v: v - soft(x),
        "first 256": lambda x, v: v - soft(x) * v[..., :256].sum(-1, keepdims=True),
        "in the memory of the call before": buffered(log_vjp),
        "v changes": lambda x, v: np.subtract(
            v, soft(x) * v.sum(-1, keepdims=True), out=v, casting="unsafe"
        ),
    },
    "softmax_jvp": {
        "inner products across a square": vjp_of_square,
        "writes into v": vjp_writing,
        "a difference": lambda x, v: (soft(x + 1e-4 * np.asarray(v, float)) - soft(x)) / 1e-4,
        "v less its mean": lambda x, v: soft(x) * (v - np.mean(v, -1, keepdims=True)),
        "unit velocity": lambda x, v: vjp(
            x, v / np.maximum(np.linalg.norm(v, axis=-1, keepdims=True), 1e-12)
        ),
        "of log-softmax": lambda x, v: v - (soft(x) * v).sum(-1, keepdims=True),
        "-inf moves": lambda x, v: np.where(np.isneginf(x), v, vjp(x, v)),
        "nan at -inf": lambda x, v: vjp(x, v) + np.where(np.isneginf(x), np.nan, 0),
        "in single": lambda x, v: vjp(x, v).astype(np.float32),
        "one class keeps v": lambda x, v: v if np.shape(x)[-1] == 1 else vjp(x, v),
        "in the memory of the call before": buffered(vjp),
    },
    "logsumexp_hessian": {
        "entries of a value": hessian_by_value,
        "in single": lambda x: hessian(x).astype(np.float32),
        "one row is one matrix": lambda x: (
            hessian(x)[0] if np.ndim(x) == 2 and len(x) == 1 else hessian(x)
        ),
        "1e-9 is 0": lambda x: np.where(np.abs(hessian(x)) < 1e-9, 0, hessian(x)),
        "rows of a square mixed": lambda x: (
            hessian(x).swapaxes(0, 1)
            if np.ndim(x) == 2 and len(x) == np.shape(x)[1]
            else hessian(x)
        ),
        "minus": lambda x: -hessian(x),
        "outer products alone off the diagonal beyond 64": lambda x: (
            hessian(x) * np.eye(np.shape(x)[-1]) if np.shape(x)[-1] > 64 else hessian(x)
        ),
        "shifted by the largest of all": lambda x: (
            lambda p: p[..., None] * np.eye(p.shape[-1]) - p[..., None] * p[..., None, :]
        )(naive(np.asarray(x, float) - np.max(x))),
        "a batch for a row": lambda x: hessian(np.atleast_2d(x)),
        "first row of three axes": lambda x: (
            np.broadcast_to(hessian(x)[:, :1], hessian(x).shape) if np.ndim(x) == 3 else hessian(x)
        ),
        "in the memory of the call before": buffered(hessian),
        "half off the diagonal": lambda x: hessian(x) * (0.5 + 0.5 * np.eye(np.shape(x)[-1])),
    },
    "cross_entropy": {
        "crossed targets": crossed,
        "first 64 samples": of_a_few,
        "in single": lambda x, y: np.float32(np.mean(losses(x, y).astype(np.float32))),
        "sum": lambda x, y: losses(x, y).sum(),
        "one sample is shape one": lambda x, y: (
            losses(x, y) if len(x) == 1 else cross_entropy(x, y)
        ),
        "745 at most": lambda x, y: np.minimum(losses(x, y), 745).mean(),
        "10000 at most": lambda x, y: np.minimum(losses(x, y), 1e4).mean(),
        "median": lambda x, y: np.median(losses(x, y)),
        "mean over classes": lambda x, y: losses(x, y).mean() / np.shape(x)[1],
        "rows once": lambda x, y: losses(
            *(lambda i: (x[i], y[i]))(np.unique(x, axis=0, return_index=True)[1])
        ).mean(),
        "targets set to 0": lambda x, y: (cross_entropy(x, y), y.fill(0))[0],
        "nothing for the likeliest": lambda x, y: np.where(
            np.argmax(x, -1) == y, 0, losses(x, y)
        ).mean(),
    },
    "cross_entropy_gradient": {
        "targets set to 0": gradient_in_place,
        "over the classes for one sample more": gradient_of_classes,
        "in single": lambda x, y: gradient(x, y).astype(np.float32),
        "of the sum": lambda x, y: gradient(x, y) * len(x),
        "one sample is flat": lambda x, y: gradient(x, y)[0] if len(x) == 1 else gradient(x, y),
        "1e-9 is 0": lambda x, y: np.where(np.abs(gradient(x, y)) < 1e-9, 0, gradient(x, y)),
        "right rows are 0": lambda x, y: np.where(
            (np.argmax(x, -1) == y)[:, None], 0, gradient(x, y)
        ),
        "clipped to 0.2": lambda x, y: np.clip(gradient(x, y), -0.4, 0.4),
        "over distinct targets": lambda x, y: gradient(x, y) * len(x) / len(np.unique(y)),
        "target alone": lambda x, y: np.where(np.eye(np.shape(x)[1])[y] > 0, gradient(x, y), 0),
        "rows of a square turned": lambda x, y: (
            gradient(x, y).T if len(x) == np.shape(x)[1] else gradient(x, y)
        ),
        "in the memory of the call before": buffered(gradient),
    },
    "kl_divergence": {
        "1e9 for infinity": lambda p, q: np.minimum(divergence(p, q), 1e9),
        "largest float for infinity": lambda p, q: np.nan_to_num(divergence(p, q)),
        "one infinity for all rows": lambda p, q: (
            np.full(np.shape(p)[:-1], INF) if np.isinf(divergence(p, q)).any() else divergence(p, q)
        ),
        "in single": lambda p, q: divergence(p, q).astype(np.float32),
        "both ways": lambda p, q: (divergence(p, q) + divergence(q, p)) / 2,
        "a row is shape one": lambda p, q: np.atleast_1d(divergence(p, q)),
        "first 64 classes": lambda p, q: divergence(p[..., :64], q[..., :64]),
        "sizes": lambda p, q: special.rel_entr(p, q).clip(0).sum(-1),
        "q shared out again": lambda p, q: divergence(
            p, (q + 1e-9) / (q + 1e-9).sum(-1, keepdims=True)
        ),
        "q of 1e-12 at least": lambda p, q: divergence(
            p, np.where(q == 0, 0, np.maximum(q, 1e-12))
        ),
    },
    "label_smoothing": {
        "shared among the others": smoothed_others,
        "5000 at most": smoothed_capped,
        "sum": lambda x, y, e: smoothed(x, y, e) * len(x),
        "0.9 at most": lambda x, y, e: smoothed(x, y, min(e, 0.9)),
        "upside down": lambda x, y, e: smoothed(x, y, 1 - e),
        "naive at 0": but(
            smoothed,
            lambda x, y, e: e == 0,
            lambda x, y, e: -np.log(naive(np.asarray(x, float))[np.arange(len(x)), y]).mean(),
        ),
        "nan at 1": lambda x, y, e: np.nan if e == 1 else smoothed(x, y, e),
        "in single": lambda x, y, e: np.float32(smoothed(x, y, e)),
        "two classes": lambda x, y, e: smoothed(
            x, y, e * np.shape(x)[1] / 2 if e < 0.4 and np.shape(x)[1] > 2 else e
        ),
        "shape one": lambda x, y, e: np.array([smoothed(x, y, e)]),
        "mean target for all rows": lambda x, y, e: (
            (1 - e) * cross_entropy(x, y) + e * smoothed(x[:1], y[:1], 1.0)
        ),
        "targets set to 0": lambda x, y, e: (smoothed(x, y, e), y.fill(0))[0],
    },
    "ignore_index": {
        "until the first": kept_until_first,
        "without negatives": kept_without_negatives,
        "0 ignores nothing": kept_by_truth,
        "writes into the targets": kept_in_place,
        "inf when none is left": kept_zeroed,
        "over all samples": lambda x, y, i: (
            kept_loss(x, y, i) * (np.asarray(y) != i).mean()
            if (np.asarray(y) != i).any()
            else np.nan
        ),
        "classes count": lambda x, y, i: kept_loss(
            x, y, i if i < 0 or i >= np.shape(x)[1] else -100
        ),
        "from the ignored one down": lambda x, y, i: (
            cross_entropy(x[y > i], y[y > i]) if (y > i).any() else np.nan
        ),
        "in single": lambda x, y, i: np.float32(kept_loss(x, y, i)),
        "one is none": lambda x, y, i: (
            kept_loss(x, y, i) if (np.asarray(y) != i).sum() > 1 else np.nan
        ),
        "shape one": lambda x, y, i: np.array([kept_loss(x, y, i)]),
        "sum": lambda x, y, i: kept_loss(x, y, i) * (np.asarray(y) != i).sum(),
    },
    "training_step": {
        "sample by sample": step_by_step,
        "momentum in the bias": step_with_momentum(),
        "bias is a row for one sample": step_into_bias,
        "turned in a square": step_of_square,
        "bias from the new weight": step_second_half,
        "a little decay": lambda *a: step(*a, decay=1e-3),
        "gradients to 5": lambda *a: step(*a, clip=5.0),
        "gradients to 100": lambda *a: step(*a, clip=100.0),
        "rate to 1": lambda w, b, x, y, r: step(w, b, x, y, min(r, 1)),
        "in single": lambda *a: tuple(np.float32(part) for part in step(*a)),
        "bias before weight": lambda *a: step(*a)[::-1],
        "old bias in place": lambda w, b, x, y, r: (
            lambda n: (n[0], np.copyto(b, n[1], casting="unsafe") or b)
        )(step(w, b, x, y, r)),
    },
    "soft_target_cross_entropy": {
        "-inf is -1e30": soft_targets_finite,
        "1e-12 is 0": soft_targets_shared_out,
        "1e-300 is 0": lambda x, y: soft_targets(x, y, 1e-300),
        "in single": lambda x, y: np.float32(soft_targets(x, y)),
        "largest target": lambda x, y: cross_entropy(x, np.argmax(y, -1)),
        "divergence": lambda x, y: soft_targets(x, y) + special.xlogy(y, y).sum(-1).mean(),
        "sum": lambda x, y: soft_targets(x, y) * len(x),
        "1000 at most": lambda x, y: np.minimum(soft_targets(x, y), 1e3),
        "impossible classes left out": lambda x, y: soft_targets(x, np.where(np.isneginf(x), 0, y)),
        "shape one": lambda x, y: np.array([soft_targets(x, y)]),
        "first 64 samples": lambda x, y: soft_targets(x[:64], y[:64]),
    },
    "spot_the_bug": {
        "one row": lambda: np.array([[0, 10000]]),
        "near": lambda: np.array([[0, 0], [-745, -745]]),
        "infinite": lambda: np.array([[0.0, 0.0], [-INF, -INF]]),
        "too large": lambda: np.array([[0, 0], [10001, 0]]),
        "not whole": lambda: np.array([[0, 0], [-2000.5, 0]]),
        "three axes": lambda: np.array([[[0, 0], [-2000, 0]]]),
        "turned": lambda: np.array([[0, -2000], [0, -2000]]),
        "text": lambda: "[[0, 0], [-2000, -2000]]",
        "nothing": lambda: np.zeros((0, 2)),
        "nan": lambda: np.array([[np.nan, 0], [-2000, 0]]),
        "small integers": lambda: np.array([[100, 0], [-100, -100]], np.int8),
    },
}


# right answers, as three other readers would write them


def by_loops(x, weight, bias):
    out = np.zeros((len(x), len(weight)))
    for b in range(len(x)):
        for t in range(len(weight)):
            out[b, t] = sum(float(a) * float(w) for a, w in zip(x[b], weight[t], strict=True))
            out[b, t] += float(bias[t])
    return out


def softmax_by_math(x):
    e = [math.exp(float(a)) for a in x]
    return np.array(e) / math.fsum(e)


def rows_of(f):
    """Return what applies `f`, which takes a row, to each row of an array."""
    return lambda x: np.apply_along_axis(f, -1, np.asarray(x))


def predict_by_loop(logits):
    x = np.asarray(logits)
    out = np.empty(x.shape[:-1], int)
    for i in np.ndindex(out.shape):
        row = x[i].tolist()
        out[i] = row.index(max(row))
    return out


def gap_by_bisection(dtype):
    low, high = dtype(0), dtype(64)
    while np.nextafter(low, high) < high:
        middle = dtype((float(low) + float(high)) / 2)
        if middle in (low, high):
            break
        share = dtype(1) / (dtype(1) + np.exp(-middle))
        low, high = (low, middle) if share == 1 else (middle, high)
    return high


def gap_by_the_grain(dtype):
    return dtype(-np.log(float(np.finfo(dtype).eps) / 2))


def centred_by_torch(p):
    x = torch.log(torch.tensor(np.asarray(p, float)))
    mean = torch.where(x.isfinite(), x, 0).sum(-1, keepdim=True) / x.isfinite().sum(
        -1, keepdim=True
    )
    return (x - mean).numpy()


def centred_by_nanmean(p):
    with np.errstate(divide="ignore"):
        x = np.log(np.asarray(p, float))
    return x - np.nanmean(np.where(x == -INF, np.nan, x), axis=-1, keepdims=True)


def centred_by_rows(p):
    p = np.asarray(p, float)
    out = np.full(p.shape, -INF)
    for i in np.ndindex(p.shape[:-1]):
        kept = p[i] > 0
        logs = np.log(p[i][kept])
        out[i][kept] = logs - logs.mean()
    return out


def masked_by_rows(x, where):
    x = np.asarray(x, float)
    out = np.zeros(x.shape)
    for i in np.ndindex(x.shape[:-1]):
        if where[i].any():
            out[i][where[i]] = special.softmax(x[i][where[i]])
    return out


def masked_by_torch(x, where):
    t = torch.tensor(np.asarray(x)).masked_fill(~torch.tensor(np.asarray(where)), -INF)
    return torch.nan_to_num(torch.softmax(t.double(), -1), 0.0).numpy()


def sigmoid_by_pairs(z):
    z = np.asarray(z, float)
    return special.softmax(np.stack([z, np.zeros_like(z)], -1), axis=-1)[..., 0]


def sigmoid_by_sign(z):
    e = np.exp(-np.abs(np.asarray(z, float)))
    return np.where(np.asarray(z) >= 0, 1 / (1 + e), e / (1 + e))


def log_odds_by_loop(p):
    def one(q):
        return -INF if q == 0 else INF if q == 1 else math.log(q) - math.log1p(-q)

    return np.array([one(float(q)) for q in np.ravel(p)]).reshape(np.shape(p))


def fit_by_root(logits, target):
    x = np.asarray(logits, float)
    x = x - x.max(-1, keepdims=True)

    def slope(beta):
        p = special.softmax(beta * x, axis=-1)
        return ((p * x).sum(-1) - x[np.arange(len(x)), target]).mean()

    return 1 / optimize.brentq(slope, 1 / 100, 1 / 0.02, xtol=1e-13)


def fit_by_ternary(logits, target):
    low, high = np.log(0.02), np.log(100)
    for _ in range(200):
        a, b = low + (high - low) / 3, high - (high - low) / 3
        if loss(np.exp(a), logits, target) < loss(np.exp(b), logits, target):
            high = b
        else:
            low = a
    return np.exp((low + high) / 2)


def fit_by_simplex(logits, target):
    best = optimize.minimize(
        lambda t: loss(np.exp(t[0]), logits, target),
        [0.0],
        method="Nelder-Mead",
        options={"xatol": 1e-8, "fatol": 1e-15},
    )
    return float(np.exp(best.x[0]))


def calibration_by_loop(p, target):
    bins = [[] for _ in range(10)]
    for row, y in zip(np.asarray(p, float), target, strict=True):
        k = int(np.argmax(row))
        bins[min(int(row[k] * 10), 9)].append((k == y, row[k]))
    return sum(
        abs(np.mean([r for r, _ in b]) - np.mean([c for _, c in b])) * len(b) for b in bins if b
    ) / len(p)


def calibration_by_sums(p, target):
    p = np.asarray(p, float)
    sure = p.max(-1)
    where = np.minimum(np.floor(sure * 10).astype(int), 9)
    right = (p.argmax(-1) == np.asarray(target)) * 1.0
    gaps = np.bincount(where, right, 10) - np.bincount(where, sure, 10)
    return np.abs(gaps).sum() / len(p)


def calibration_by_digitize(p, target):
    p = np.asarray(p, float)
    sure = p.max(-1)
    where = np.digitize(sure, np.linspace(0, 1, 11)[1:-1])
    right = p.argmax(-1) == target
    return sum(abs((right - sure)[where == b].sum()) for b in range(10)) / len(p)


def hard_by_put(x):
    x = np.asarray(x)
    out = np.zeros(x.shape)
    np.put_along_axis(out, x.argmax(-1)[..., None], 1, axis=-1)
    return out


def hard_by_comparison(x):
    x = np.asarray(x)
    first = x.argmax(-1)
    return (np.arange(x.shape[-1]) == first[..., None]).astype(int)


def hard_by_running_count(x):
    x = np.asarray(x)
    top = x == x.max(-1, keepdims=True)
    return (top & (top.cumsum(-1) == 1)) * 1


def tempered_by_torch(x, tau):
    t = torch.tensor(np.asarray(x - x.max(-1, keepdims=True), float))
    return torch.softmax(t / tau, -1).numpy()


def tempered_by_rows(x, tau):
    def row(r):
        e = [math.exp((a - max(r.tolist())) / tau) for a in r.tolist()]
        return np.array(e) / math.fsum(e)

    return np.apply_along_axis(row, -1, np.asarray(x))


def gumbel_by_rows(logits, rng):
    picks = []
    for row in np.asarray(logits, float):
        open_ = np.flatnonzero(row > -INF)
        picks.append(open_[np.argmax(row[open_] + rng.gumbel(size=len(open_)))])
    return np.array(picks)


def gumbel_by_race(logits, rng):
    """Let exponential clocks race, on a log scale."""
    x = np.asarray(logits, float)
    clocks = np.log(np.maximum(rng.standard_exponential(x.shape), np.finfo(float).tiny)) - x
    return clocks.argmin(-1)


def gumbel_by_uniform(logits, rng):
    x = np.asarray(logits, float)
    u = np.maximum(rng.random(x.shape), np.finfo(float).tiny)
    return np.where(x == -INF, -INF, x - np.log(-np.log(u))).argmax(-1)


def relaxed_by_rows(logits, tau, rng):
    out = []
    for row in np.asarray(logits, float):
        g = rng.gumbel(size=len(row))
        y = np.where(row == -INF, -INF, row + g)
        out.append(special.softmax((y - y.max()) / tau))
    return np.array(out)


def relaxed_by_race(logits, tau, rng):
    x = np.asarray(logits, float)
    clocks = np.maximum(rng.standard_exponential(x.shape), np.finfo(float).tiny)
    y = x - np.log(clocks)
    return special.softmax((y - y.max(-1, keepdims=True)) / tau, axis=-1)


def relaxed_by_uniform(logits, tau, rng):
    x = np.asarray(logits, float)
    u = np.maximum(rng.random(x.shape), np.finfo(float).tiny)
    y = x - np.log(-np.log(u))
    y = y - y.max(-1, keepdims=True)
    e = np.exp(y / tau)
    return e / e.sum(-1, keepdims=True)


def score_by_choice(f, logits, rng):
    p = soft(logits)
    z = rng.choice(len(p), p=p)
    g = -f(z) * p
    g[z] += f(z)
    return g


def score_by_inverse(f, logits, rng):
    p = soft(logits)
    z = min(int(np.searchsorted(np.cumsum(p), rng.random(), side="right")), len(p) - 1)
    return f(z) * (np.eye(len(p))[z] - p)


def score_by_gumbel(f, logits, rng):
    x = np.asarray(logits, float)
    z = int(np.argmax(x + rng.gumbel(size=x.shape)))
    return f(z) * (np.arange(len(x)) == z) - f(z) * soft(x)


def arsm_by_formula(f, phi, rng):
    pi = rng.dirichlet(np.ones(3))
    rewards = np.empty((3, 3))
    for m in range(3):
        for j in range(3):
            order = [0, 1, 2]
            order[m], order[j] = order[j], order[m]
            rewards[m, j] = f(int(np.argmin(np.log(pi[order]) - phi)))
    return np.array(
        [
            sum((rewards[m, j] - rewards[:, j].mean()) * (1 / 3 - pi[j]) for j in range(3))
            for m in range(3)
        ]
    )


def arsm_by_symmetry(f, phi, rng):
    """Ask for each pair once: swapping is symmetric."""
    pi = rng.dirichlet(np.ones(3))
    log = np.log(pi)
    rewards = np.zeros((3, 3))
    for m, j in [(0, 0), (0, 1), (0, 2), (1, 2)]:
        swapped = log.copy()
        swapped[m], swapped[j] = log[j], log[m]
        rewards[m, j] = rewards[j, m] = f(np.argmin(swapped - np.asarray(phi)))
    rewards[1, 1] = rewards[2, 2] = rewards[0, 0]
    return (rewards - rewards.mean(axis=0)) @ (1 / 3 - pi)


def arsm_by_batches(f, phi, rng):
    pi = rng.dirichlet(np.ones(3))
    order = np.broadcast_to(np.arange(3), (3, 3, 3)).copy()
    for m in range(3):
        for j in range(3):
            order[m, j, m], order[m, j, j] = j, m
    z = (np.log(pi)[order] - phi).argmin(-1)
    rewards = np.array([[f(int(k)) for k in row] for row in z], float)
    return ((rewards - rewards.mean(0, keepdims=True)) * (1 / 3 - pi)).sum(1)


def stable_by_torch(x):
    return torch.softmax(torch.from_numpy(np.array(x)), dim=-1)


def stable_by_scipy(x):
    return special.softmax(np.asarray(x, float), axis=-1).astype(np.asarray(x).dtype)


def lse_by_pairs(x):
    return np.logaddexp.reduce(np.asarray(x, float), axis=-1)


def lse_by_torch(x):
    return torch.logsumexp(torch.from_numpy(np.array(x)).double(), -1)


def log_soft_by_torch(x):
    return torch.log_softmax(torch.from_numpy(np.array(x)), -1)


def log_soft_by_rows(x):
    x = np.asarray(x)
    out = np.empty_like(x)
    for i in np.ndindex(x.shape[:-1]):
        row = x[i].astype(float)
        y = row - row.max()
        out[i] = y - math.log(math.fsum(np.exp(y)))
    return out


def stream_by_pairs(chunks):
    total = -INF
    for chunk in chunks:
        total = np.logaddexp(total, np.logaddexp.reduce(np.asarray(chunk, float)))
    return total


def stream_entry_by_entry(chunks):
    top, total = -INF, 0.0
    for chunk in chunks:
        for a in chunk.tolist():
            if a > top:
                total, top = total * math.exp(top - a) + 1, a
            elif a > -INF:
                total += math.exp(a - top)
    return top + math.log(total) if total else -INF


def stream_by_torch(chunks):
    total = torch.tensor(-INF, dtype=torch.float64)
    for chunk in chunks:
        part = torch.logsumexp(torch.from_numpy(np.array(chunk, float)), 0)
        total = torch.logaddexp(total, part)
    return float(total)


def limit_by_bisection(dtype):
    low, high = dtype(1), dtype(1000)
    with np.errstate(over="ignore"):
        while True:
            middle = dtype(low + (high - low) / dtype(2))
            if middle in (low, high):
                return low
            low, high = (middle, high) if np.isfinite(np.exp(middle)) else (low, middle)


def limit_downwards(dtype):
    x = np.nextafter(dtype(np.log(np.finfo(dtype).max)), dtype(INF))
    x = np.nextafter(x, dtype(INF))
    with np.errstate(over="ignore"):
        while not np.isfinite(np.exp(x)):
            x = np.nextafter(x, dtype(0))
    return x


def jacobian_by_torch(x):
    t = torch.tensor(np.array(x, float))
    return torch.autograd.functional.jacobian(lambda a: torch.softmax(a, -1), t)


def jacobian_by_loop(x):
    p = soft(x)
    J = np.empty((len(p), len(p)))
    for i in range(len(p)):
        for j in range(len(p)):
            J[i, j] = p[i] * ((i == j) - p[j])
    return J


def vjp_by_torch(x, v):
    t = torch.tensor(np.array(x, float), requires_grad=True)
    (g,) = torch.autograd.grad(torch.softmax(t, -1), t, torch.tensor(np.array(v, float)))
    return g


def vjp_by_einsum(x, v):
    p, v = soft(x), np.asarray(v, float)
    return p * v - p * np.einsum("...i,...i->...", p, v)[..., None]


def vjp_about_a_mean(x, v):
    """Move v by a constant first: the result is the same."""
    p, v = soft(x), np.asarray(v, float)
    inner = np.vecdot(p, v)[..., None] if hasattr(np, "vecdot") else (p * v).sum(-1, keepdims=True)
    return p * (v - inner)


def log_vjp_by_torch(x, v):
    t = torch.tensor(np.array(x, float), requires_grad=True)
    (g,) = torch.autograd.grad(torch.log_softmax(t, -1), t, torch.tensor(np.array(v, float)))
    return g


def log_vjp_by_einsum(x, v):
    return np.asarray(v, float) - np.einsum("...i,...j->...i", soft(x), np.asarray(v, float))


def jvp_by_dual_numbers(x, v):
    """Carry value and velocity through each step of the formula."""
    x, v = np.asarray(x, float), np.asarray(v, float)
    e = np.exp(x - x.max(-1, keepdims=True))
    de = e * v
    total, dtotal = e.sum(-1, keepdims=True), de.sum(-1, keepdims=True)
    return de / total - e * dtotal / total**2


def differences_of_four_points(f, x):
    x = np.asarray(x, float)
    h = 1e-3
    g = []
    for e in np.eye(len(x)) * h:
        g.append((8 * (f(x + e) - f(x - e)) - f(x + 2 * e) + f(x - 2 * e)) / (12 * h))
    return np.array(g, float)


def differences_by_scipy(f, x):
    x = np.asarray(x, float)
    h = np.finfo(float).eps ** (1 / 3)
    out = np.empty(x.shape)
    for i, a in enumerate(x):
        up, down = x.copy(), x.copy()
        up[i], down[i] = a + h, a - h
        out[i] = (f(up) - f(down)) / (up[i] - down[i])
    return out


def hessian_by_torch(x):
    t = torch.tensor(np.array(x, float))
    p = torch.softmax(t, -1)
    return torch.diag_embed(p) - p[..., :, None] * p[..., None, :]


def hessian_by_rows(x):
    p = soft(x)
    out = np.empty((*p.shape, p.shape[-1]))
    for i in np.ndindex(p.shape[:-1]):
        out[i] = np.diag(p[i]) - np.outer(p[i], p[i])
    return out


def hessian_by_einsum(x):
    p = soft(x)
    return np.einsum("...i,ij->...ij", p, np.eye(p.shape[-1])) - np.einsum("...i,...j->...ij", p, p)


def torch_loss(logits, target, **options):
    t = torch.tensor(np.array(logits, float))
    y = torch.tensor(np.array(target))
    y = y if y.dtype.is_floating_point else y.long()
    return torch.nn.functional.cross_entropy(t, y, **options)


def loss_by_loop(logits, target):
    costs = []
    for row, y in zip(np.asarray(logits, float), target, strict=True):
        top = row.max()
        costs.append(top - row[y] + math.log(math.fsum(np.exp(row - top))))
    return math.fsum(costs) / len(costs)


def gradient_by_torch(logits, target):
    t = torch.tensor(np.array(logits, float), requires_grad=True)
    torch.nn.functional.cross_entropy(t, torch.tensor(np.array(target)).long()).backward()
    return t.grad


def gradient_by_subtraction(logits, target):
    p = soft(logits)
    p[np.arange(len(p)), np.asarray(target)] -= 1
    return p / len(p)


def gradient_by_rows(logits, target):
    out = [soft(row) for row in np.asarray(logits, float)]
    for row, y in zip(out, target, strict=True):
        row[y] -= 1
    return np.stack(out) / len(out)


def divergence_by_loop(p, q):
    p, q = np.asarray(p, float), np.asarray(q, float)
    out = np.zeros(p.shape[:-1])
    for i in np.ndindex(out.shape):
        for a, b in zip(p[i].tolist(), q[i].tolist(), strict=True):
            if a > 0:
                out[i] += INF if b == 0 else a * (math.log(a) - math.log(b))
    return out


def divergence_by_torch(p, q):
    p, q = torch.tensor(np.array(p, float)), torch.tensor(np.array(q, float))
    return (torch.special.xlogy(p, p) - torch.special.xlogy(p, q)).sum(-1)


def divergence_by_scipy(p, q):
    p, q = np.asarray(p, float), np.asarray(q, float)
    return (special.xlogy(p, p) - special.xlogy(p, q)).sum(-1)


def smoothed_in_two_parts(logits, target, eps):
    logp = special.log_softmax(np.asarray(logits, float), axis=-1)
    true = -logp[np.arange(len(logp)), target].mean()
    return (1 - eps) * true - eps * logp.mean()


def smoothed_by_loop(logits, target, eps):
    costs = []
    for row, y in zip(np.asarray(logits, float), target, strict=True):
        surprise = special.logsumexp(row - row.max()) - (row - row.max())
        costs.append((1 - eps) * surprise[y] + eps * surprise.mean())
    return np.mean(costs)


def kept_by_loop(logits, target, ignore):
    costs = [
        special.logsumexp(row - row[y])
        for row, y in zip(np.asarray(logits, float), np.asarray(target).tolist(), strict=True)
        if y != ignore
    ]
    return np.mean(costs) if costs else float("nan")


def kept_by_weights(logits, target, ignore):
    keep = np.asarray(target) != ignore
    safe = np.where(keep, target, 0)
    costs = losses(logits, safe)
    with np.errstate(invalid="ignore"):
        return np.divide(np.where(keep, costs, 0).sum(), keep.sum())


def step_by_torch(weight, bias, x, target, rate):
    w = torch.tensor(np.array(weight, float), requires_grad=True)
    b = torch.tensor(np.array(bias, float), requires_grad=True)
    logits = torch.tensor(np.array(x, float)) @ w.T + b
    torch.nn.functional.cross_entropy(logits, torch.tensor(np.array(target)).long()).backward()
    with torch.no_grad():
        return w - rate * w.grad, b - rate * b.grad


def step_by_loop(weight, bias, x, target, rate):
    w, b = np.array(weight, float), np.array(bias, float)
    for row, y in zip(np.asarray(x, float), target, strict=True):
        g = soft(np.asarray(weight, float) @ row + bias)
        g[y] -= 1
        w -= rate * np.outer(g, row) / len(x)
        b -= rate * g / len(x)
    return w, b


def step_with_a_column_of_ones(weight, bias, x, target, rate):
    """Take the bias as the weight of a feature that is always 1."""
    all_ = np.hstack([weight, np.asarray(bias)[:, None]]).astype(float)
    features = np.hstack([x, np.ones((len(x), 1))])
    p = soft(features @ all_.T)
    p[np.arange(len(p)), target] -= 1
    all_ = all_ - rate * p.T @ features / len(x)
    return all_[:, :-1].copy(), all_[:, -1].copy()


def soft_targets_by_xlogy(logits, target):
    x = np.asarray(logits, float)
    y = np.asarray(target, float)
    terms = np.zeros(x.shape)
    mass = y > 0
    terms[mass] = y[mass] * special.log_softmax(x, axis=-1)[mass]
    return -terms.sum(-1).mean()


def soft_targets_by_loop(logits, target):
    costs = []
    for row, y in zip(np.asarray(logits, float), np.asarray(target, float), strict=True):
        z = row - row.max()
        total = special.logsumexp(z)
        costs.append(sum(b * (total - a) for a, b in zip(z, y, strict=True) if b > 0))
    return float(np.mean(costs))


def soft_targets_by_torch(logits, target):
    logp = torch.log_softmax(torch.tensor(np.array(logits, float)), -1)
    y = torch.tensor(np.array(target, float))
    return -torch.where(y > 0, y * logp, 0).sum(-1).mean()


FOURTH_RIGHT = {
    "linear_layer": [
        by_loops,
        lambda x, w, b: np.einsum("bn,tn->bt", x, w) + b,
        lambda x, w, b: (
            np.hstack([x, np.ones((len(x), 1))]) @ np.hstack([w, np.asarray(b)[:, None]]).T
        ),
    ],
    "softmax_definition": [
        softmax_by_math,
        lambda x: np.float64(math.e) ** np.asarray(x, float) / (np.exp(np.asarray(x, float))).sum(),
        lambda x: 1 / np.exp(np.asarray(x, float)[None, :] - np.asarray(x, float)[:, None]).sum(1),
    ],
    "batch_softmax": [
        rows_of(softmax_by_math),
        lambda x: (np.exp(x.T) / np.exp(x).sum(1)).T,
        lambda x: np.stack([special.softmax(row) for row in x.astype(float)]),
    ],
    "predict": [
        predict_by_loop,
        lambda x: np.asarray(x).argmax(axis=-1),
        lambda x: (np.asarray(x) == np.max(x, -1, keepdims=True)).argmax(-1).astype(np.int32),
    ],
    "odds": [
        lambda x, i, j: math.exp(x[i].item() - x[j].item()),
        lambda x, i, j: 1 / np.exp(x[j] - x[i]) if x[i] > x[j] else np.exp(x[i] - x[j]),
        lambda x, i, j: np.exp(np.subtract(x[i], x[j])),
    ],
    "saturation_gap": [gap_by_bisection, gap_by_the_grain, gap],
    "logits_from_probabilities": [centred_by_torch, centred_by_nanmean, centred_by_rows],
    "masked_softmax": [masked_by_rows, masked_by_torch, masked],
    "sigmoid_as_softmax": [
        sigmoid_by_pairs,
        sigmoid_by_sign,
        lambda z: torch.sigmoid(torch.tensor(np.array(z, float))).numpy(),
    ],
    "log_odds": [log_odds_by_loop, logit, lambda p: special.logit(np.asarray(p, float))],
    "fit_temperature": [fit_by_root, fit_by_ternary, fit_by_simplex],
    "calibration_error": [calibration_by_loop, calibration_by_sums, calibration_by_digitize],
    "hardmax": [hard_by_put, hard_by_comparison, hard_by_running_count],
    "temperature": [
        tempered_by_torch,
        tempered_by_rows,
        lambda x, tau: special.softmax((x - x.max(axis=-1, keepdims=True)) / tau, axis=-1),
    ],
    "gumbel_max": [gumbel_by_rows, gumbel_by_race, gumbel_by_uniform],
    "gumbel_softmax": [relaxed_by_rows, relaxed_by_race, relaxed_by_uniform],
    "reinforce": [score_by_choice, score_by_inverse, score_by_gumbel],
    "arsm_three": [arsm_by_formula, arsm_by_symmetry, arsm_by_batches],
    "stable_softmax": [stable_by_torch, stable_by_scipy, stable],
    "logsumexp": [lse_by_pairs, lse_by_torch, lse],
    "log_softmax": [log_soft_by_torch, log_soft_by_rows, log_soft],
    "streaming_logsumexp": [stream_by_pairs, stream_entry_by_entry, stream_by_torch],
    "overflow_limit": [limit_by_bisection, limit_downwards, lambda dtype: float(limit(dtype))],
    "quiet_failure": [lambda: -102, lambda: -103, lambda: -103.0],
    "softmax_jacobian": [jacobian_by_torch, jacobian_by_loop, jacobian],
    "softmax_vjp": [vjp_by_torch, vjp_by_einsum, vjp_about_a_mean],
    "finite_differences": [
        differences_of_four_points,
        differences_by_scipy,
        lambda f, x: np.array(
            [
                (f(np.asarray(x, float) + e) - f(np.asarray(x, float) - e)) / 2e-5
                for e in np.eye(len(x)) * 1e-5
            ]
        ),
    ],
    "log_softmax_vjp": [log_vjp_by_torch, log_vjp_by_einsum, log_vjp],
    "softmax_jvp": [
        vjp_by_torch,
        jvp_by_dual_numbers,
        lambda x, v: np.einsum("...ij,...j->...i", hessian(x), np.asarray(v, float)),
    ],
    "logsumexp_hessian": [hessian_by_torch, hessian_by_rows, hessian_by_einsum],
    "cross_entropy": [torch_loss, loss_by_loop, lambda x, y: np.average(losses(x, y))],
    "cross_entropy_gradient": [gradient_by_torch, gradient_by_subtraction, gradient_by_rows],
    "kl_divergence": [divergence_by_loop, divergence_by_torch, divergence_by_scipy],
    "label_smoothing": [
        smoothed_in_two_parts,
        smoothed_by_loop,
        lambda x, y, e: torch_loss(x, y, label_smoothing=float(e)),
    ],
    "ignore_index": [
        kept_by_loop,
        kept_by_weights,
        lambda x, y, i: torch_loss(x, y, ignore_index=int(i)),
    ],
    "training_step": [step_by_torch, step_by_loop, step_with_a_column_of_ones],
    "soft_target_cross_entropy": [
        soft_targets_by_xlogy,
        soft_targets_by_loop,
        soft_targets_by_torch,
        soft_targets_cleaned,
    ],
    "spot_the_bug": [
        lambda: np.array([[0, 0], [-2000, -2000]]),
        lambda: np.array([[5000.0], [-5000.0]]),
        lambda: np.array([[0, 1, 2], [9999, 3, 7], [1, 1, 1]], np.int64),
    ],
}
