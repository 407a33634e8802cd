"""A second round against the prompts: faults of shape, of size, of memory between calls; and right
answers that look unusual, which no check may refuse."""

import math
import statistics

import numpy as np
from scipy import special, stats

from softmax_lab import numpy as lab

INF = np.inf


def except_when(condition, right, wrong):
    """Return the right answer, but a wrong one where `condition` holds of the arguments."""
    return lambda *a: wrong(*a) if condition(*a) else right(*a)


def after(count, right, change):
    """Return an answer that is right for its first calls."""
    calls = []

    def answer(*arguments):
        calls.append(1)
        value = right(*arguments)
        return value if len(calls) <= count else change(value)

    return answer


def remembering(right):
    """Return an answer that remembers its results by shape alone."""
    known = {}

    def answer(*arguments):
        key = tuple(np.shape(a) for a in arguments)
        return known.setdefault(key, right(*arguments))

    return answer


def faults(right):
    """Return what goes wrong with the shape of logits, whatever the exercise."""
    return {
        "wrong for one class": except_when(
            lambda x, *_: x.shape[-1] == 1, right, lambda *a: 0.5 * np.asarray(right(*a)) - 0.25
        ),
        "wrong beyond 100 classes": except_when(
            lambda x, *_: x.shape[-1] > 100, right, lambda *a: 1.01 * np.asarray(right(*a)) + 0.01
        ),
        "wrong beyond 5000": except_when(
            lambda x, *_: abs(x[np.isfinite(x)]).max() > 5000,
            right,
            lambda x, *a: right(np.clip(x, -5000, 5000) * 0.99, *a),
        ),
        "remembered by shape": remembering(right),
        "wrong for float32": except_when(
            lambda x, *_: x.dtype == np.float32, right, lambda *a: 1.001 * np.asarray(right(*a))
        ),
        "wrong for scattered arrays": except_when(
            lambda x, *_: not x.flags.c_contiguous,
            right,
            lambda x, *a: right(np.roll(x, 1, axis=-1) + np.arange(x.shape[-1]), *a),
        ),
        "wrong for a tie at the top": except_when(
            lambda x, *_: x.shape[-1] > 1 and (np.sort(x)[..., -1] == np.sort(x)[..., -2]).any(),
            right,
            lambda *a: 0.9 * np.asarray(right(*a)) - 0.01,
        ),
    }


def pick(rows, y):
    """Return the target's entry of each row."""
    return rows[np.arange(len(y)), y]


def cross_entropy(x, y):
    """Return the right loss."""
    return -pick(lab.log_softmax(x), y).mean()


def gradient(x, y):
    """Return the right gradient."""
    return (lab.softmax(x) - np.eye(x.shape[1])[y]) / len(y)


def kept_loss(x, y, i):
    """Return the right loss of what is kept."""
    return cross_entropy(x[y != i], y[y != i]) if (y != i).any() else np.nan


def smoothed(x, y, e):
    """Return the right smoothed loss."""
    log_p = lab.log_softmax(x)
    return -((1 - e) * pick(log_p, y) + e * log_p.mean(-1)).mean()


def soft(x, t):
    """Return the right loss with soft targets."""
    log_p = lab.log_softmax(x)
    return -np.where(t > 0, t * np.where(t > 0, log_p, 0), 0).sum(-1).mean()


def step(w, b, x, y, rate):
    """Return the right training step."""
    g = gradient(x @ w.T + b, y)
    return w - rate * g.T @ x, b - rate * g.sum(0)


def fitted(x, y):
    """Return the right temperature."""
    low, high = 0.01, 100.0
    for _ in range(60):
        t = math.sqrt(low * high)
        hotter = (lab.softmax(x / t) * x).sum(-1).mean() > pick(x, y).mean()
        low, high = (t, high) if hotter else (low, t)
    return t


def calibration(p, y, first=0, count=10):
    """Return the calibration error."""
    c = p.max(-1)
    place = np.clip(np.floor(c * count), first, count - 1).astype(int)
    return abs(np.bincount(place, weights=(p.argmax(-1) == y) - c)).sum() / len(y)


def arsm(f, x, rng):
    """Return the right ARSM estimate."""
    pi = rng.dirichlet(np.ones(3))
    table = np.zeros((3, 3))
    for m, j in np.ndindex(3, 3):
        s = pi.copy()
        s[[m, j]] = s[[j, m]]
        table[m, j] = f(int(np.argmin(np.log(s) - x)))
    return (table - table.mean(0)) @ (1 / 3 - pi)


def slope(f, x, h=1e-5):
    """Return central differences."""
    x = np.array(x, dtype=float)
    return np.array([(f(x + e) - f(x - e)) / (2 * h) for e in h * np.eye(len(x))])


def reinforce(f, x, rng, p=None):
    """Return REINFORCE's estimate."""
    q = lab.softmax(x)
    z = rng.choice(len(q), p=q if p is None else p(q))
    return f(z) * (np.eye(len(q))[z] - q)


def stream(chunks, first=0):
    """Return the logsumexp of a stream, or of what comes after the first chunks."""
    total = -INF
    for number, chunk in enumerate(chunks):
        if number >= first:
            total = np.logaddexp(total, lab.logsumexp(chunk))
    return total


def sixty_at_most(chunks):
    total = -INF
    for number, chunk in enumerate(chunks):
        if number < 60:
            total = np.logaddexp(total, lab.logsumexp(chunk))
    return total


def jacobian(x):
    """Return the Jacobian of softmax."""
    s = lab.softmax(x)
    return s[..., None] * (np.eye(x.shape[-1]) - s[..., None, :])


SECOND = {
    "linear_layer": {
        "wrong beyond 100 classes": except_when(
            lambda x, w, b: len(w) > 100, lab.linear, lambda *a: 1.01 * lab.linear(*a)
        ),
        "the bias by rows where square": lambda x, w, b: (
            x @ w.T + (b[:, None] if len(x) == len(b) else b)
        ),
        "integers by floor": lambda x, w, b: x @ w.T + (np.floor(b) if x.dtype.kind == "i" else b),
        "remembered by shape": remembering(lab.linear),
    },
    "softmax_definition": {
        k: v for k, v in faults(lab.softmax).items() if "5000" not in k and "tie" not in k
    },
    "batch_softmax": {k: v for k, v in faults(lab.softmax).items() if "5000" not in k},
    "predict": {
        "the first of 100": lambda x: x[..., :100].argmax(-1),
        "remembered by shape": remembering(lab.predict),
        "int8": lambda x: x.argmax(-1).astype(np.int8),
        "-inf counts as large": lambda x: np.where(np.isinf(x), 1e9, x).argmax(-1),
        "two axes at most": lambda x: x.reshape(-1, x.shape[-1]).argmax(-1),
    },
    "odds": {
        "remembered by shape": remembering(lambda x, i, j: float(np.exp(x[i] - x[j]))),
        "by sorted classes": lambda x, i, j: np.exp(np.sort(x)[i] - np.sort(x)[j]),
        "never above 1e100": lambda x, i, j: min(np.exp(x[i] - x[j]), 1e100),
        "1 for ties within 1e-6": lambda x, i, j: (
            1.0 if abs(x[i] - x[j]) < 1e-6 else np.exp(x[i] - x[j])
        ),
    },
    "saturation_gap": {
        "float16's": lambda dtype: 7.625,
        "one float16 below": lambda dtype: (
            -np.log(np.finfo(dtype).eps / 2) - float(8 * np.finfo(dtype).eps * 16)
        ),
        "by tenths": lambda dtype: math.ceil(-10 * math.log(float(np.finfo(dtype).eps) / 2)) / 10,
    },
    "logits_from_probabilities": {
        "one-hot rows are all 0": lambda p: np.where(
            p.max(-1, keepdims=True) == 1, 0, lab.logits_from_probabilities(p)
        ),
        "remembered by shape": remembering(lab.logits_from_probabilities),
        "the mean weighted by p": lambda p: (
            lambda q: q - np.where(p > 0, p * q, 0).sum(-1, keepdims=True)
        )(special.xlogy(1, p)),
        "at least -700": lambda p: np.where(
            p > 0, np.maximum(lab.logits_from_probabilities(p), -40), -INF
        ),
    },
    "sigmoid_as_softmax": {
        "0 for z < -700": lambda z: np.where(z < -20, 0, lab.sigmoid(z)) + 0 * 1e-9,
        "exactly half near 0": lambda z: np.where(abs(z) < 0.6, 0.5, lab.sigmoid(z)),
        "float32": lambda z: np.float32(lab.sigmoid(z)),
    },
    "log_odds": {
        "0 near a half": lambda p: (
            np.where(abs(p - 0.5) < 0.02, 0, lab.logit(p)) + 0.001 * (p < 0.2)
        ),
        "by a series": lambda p: 2 * sum((2 * p - 1) ** k / k for k in range(1, 400, 2)),
        "1e-16 below 1": lambda p: lab.logit(np.where(p == 1, 1 - 1e-16, p)),
    },
    "masked_softmax": {
        "the mask of the first row": lambda x, where: lab.softmax(
            x, where=np.broadcast_to(where.reshape(-1, x.shape[-1])[0], x.shape)
        ),
        "nothing allowed is nan for one row": lambda x, where: (
            lab.softmax(x, where=where) if x.ndim > 1 or where.any() else np.full(x.shape, np.nan)
        ),
        "all allowed is uniform": lambda x, where: (
            np.full(x.shape, 1 / x.shape[-1])
            if where.all() and x.ndim == 2
            else lab.softmax(x, where=where)
        ),
    },
    "calibration_error": {
        "the lowest bins merged": lambda p, y: calibration(p, y, first=3),
        "20 bins": lambda p, y: calibration(p, y, count=20),
        "0 for one sample": lambda p, y: calibration(p, y) if len(y) > 1 else 0.0,
        "at most 0.5": lambda p, y: min(calibration(p, y), 0.5),
    },
    "fit_temperature": {
        "at most 10": lambda x, y: min(fitted(x, y), 10.0),
        "two classes": lambda x, y: (
            fitted(x[:, :2] if x.shape[1] < 4 else x, y % 2)
            if x.shape[1] == 2
            else fitted(x, y) * 1.001
        ),
        "three digits": lambda x, y: float(f"{fitted(x, y):.3g}") * (1 + 3e-4),
        "the first 50 samples": lambda x, y: fitted(x[:50], y[:50]),
    },
    "hardmax": {
        "a sharp softmax": lambda x: np.round(lab.softmax(1e5 * x / (1 + abs(x).max()))),
        "0 for -inf rows": lambda x: np.where(
            np.isinf(x).any(-1, keepdims=True), 0, lab.hardmax(x)
        ),
        "200 classes": lambda x: (
            lab.hardmax(x[..., :100])
            if x.shape[-1] < 100
            else np.eye(x.shape[-1])[x[..., :100].argmax(-1)]
        ),
        "integers": except_when(
            lambda x: x.dtype.kind == "i", lab.hardmax, lambda x: lab.hardmax(-x)
        ),
    },
    "temperature": faults(lambda x, tau: lab.softmax(x / tau)),
    "gumbel_max": {
        "only two classes": lambda x, rng: np.argmax(x[:, :2] + rng.gumbel(size=(len(x), 2)), -1),
        "noise of float16": lambda x, rng: np.argmax(
            x + rng.gumbel(size=x.shape).astype(np.float16), -1
        ),
        "the row before": lambda x, rng: np.argmax(
            np.roll(x, 1, axis=0) + rng.gumbel(size=x.shape), -1
        ),
        "sorted rows": lambda x, rng: np.sort(np.argmax(x + rng.gumbel(size=x.shape), -1)),
        "15 % too narrow": lambda x, rng: np.argmax(x + 0.85 * rng.gumbel(size=x.shape), -1),
        "a student's t": lambda x, rng: np.argmax(
            x + 0.5772 + 1.2825 * rng.standard_t(9, size=x.shape), -1
        ),
    },
    "gumbel_softmax": {
        "noise of float16": lambda x, t, rng: lab.softmax(
            (x + rng.gumbel(size=x.shape).astype(np.float16)) / t
        ),
        "a normal of Gumbel's mean and variance": lambda x, t, rng: lab.softmax(
            (x + rng.normal(0.5772, np.pi / np.sqrt(6), x.shape)) / t
        ),
        "the first row's noise is 0": lambda x, t, rng: lab.softmax(
            (x + rng.gumbel(size=x.shape) * (np.arange(len(x)) % 4 > 0)[:, None]) / t
        ),
        "tau of a half": lambda x, t, rng: lab.softmax((x + rng.gumbel(size=x.shape)) / (t + 0.1)),
        "sorted rows": lambda x, t, rng: lab.softmax(
            (x + np.sort(rng.gumbel(size=x.shape), axis=0)) / t
        ),
    },
    "reinforce": {
        "a mixture with uniform": lambda f, x, rng: reinforce(
            f, x, rng, lambda q: 0.8 * q + 0.2 / len(q)
        ),
        "the likeliest two": lambda f, x, rng: reinforce(
            f, x, rng, lambda q: (lambda w: w / w.sum())(np.where(q >= np.sort(q)[-2:][0], q, 0))
        ),
        "integers": lambda f, x, rng: reinforce(f, x, rng).round(3),
        "the mean of nine": lambda f, x, rng: np.mean(
            [reinforce(f, x, rng) for _ in range(9)], axis=0
        ),
    },
    "arsm_three": {
        "one class favoured": lambda f, x, rng: arsm(f, x + np.array([0.0, 0.0, 0.05]), rng),
        "float32": lambda f, x, rng: np.float32(arsm(f, x, rng)) * np.float32(1.00001),
        "two estimates": lambda f, x, rng: (arsm(f, x, rng) + arsm(f, x, rng)) / 2,
        "of integers": lambda f, x, rng: arsm(lambda z: int(f(z)), x, rng),
    },
    "overflow_limit": {
        "typed": lambda dtype: {2: 11.09, 4: 88.72283, 8: 709.782712893384}[dtype(0).itemsize],
        "float32 for all": lambda dtype: dtype(np.log(np.finfo(np.float32).max)),
        "an array": lambda dtype: np.array([709.782712893384], dtype=dtype),
    },
    "stable_softmax": faults(lab.softmax),
    "logsumexp": faults(lab.logsumexp),
    "log_softmax": faults(lab.log_softmax),
    "streaming_logsumexp": {
        "the first chunk is left out": lambda chunks: stream(chunks, first=1),
        "60 chunks at most": sixty_at_most,
        "half precision": lambda chunks: float(np.float32(stream(chunks))),
        "an array": lambda chunks: np.array([stream(chunks)]),
        "distinct entries": lambda chunks: stream(np.unique(chunk) for chunk in chunks),
    },
    "softmax_jacobian": {k: v for k, v in faults(jacobian).items() if True},
    "softmax_vjp": faults(lab.softmax_vjp),
    "softmax_jvp": faults(lab.softmax_jvp),
    "log_softmax_vjp": faults(lab.log_softmax_vjp),
    "logsumexp_hessian": faults(jacobian),
    "finite_differences": {
        "three coordinates": lambda f, x: np.append(slope(f, x)[:3], 0 * x[3:]),
        "steps of 1e-3": lambda f, x: slope(f, x, 1e-3),
        "not at 0": lambda f, x: np.where(x == 0, 0, slope(f, x)),
        "of rounded x": lambda f, x: slope(f, np.round(x, 1)),
    },
    "cross_entropy": faults(cross_entropy),
    "cross_entropy_gradient": faults(gradient),
    "kl_divergence": {
        "the reverse for one row": lambda p, q: (
            lab.kl_divergence(q, p) if p.ndim == 1 else lab.kl_divergence(p, q)
        ),
        "symmetric where close": lambda p, q: np.where(
            abs(p - q).max(-1) < 0.01, 0, lab.kl_divergence(p, q)
        ),
        "positive": lambda p, q: lab.kl_divergence(p, q) + 1e-8,
        "remembered by shape": remembering(lab.kl_divergence),
    },
    "label_smoothing": faults(smoothed),
    "ignore_index": faults(kept_loss),
    "soft_target_cross_entropy": faults(soft),
    "training_step": {
        "a rate of 1 at most": lambda w, b, x, y, r: step(w, b, x, y, min(r, 1.0)),
        "remembered by shape": remembering(step),
        "the bias from the first sample": lambda w, b, x, y, r: (
            step(w, b, x, y, r)[0],
            step(w, b, x[:1], y[:1], r)[1],
        ),
        "features of 1": lambda w, b, x, y, r: step(w, b, np.clip(x, -1, 1), y, r),
        "momentum": lambda w, b, x, y, r: step(*step(w, b, x, y, r), x, y, 0.1 * r),
    },
    "quiet_failure": {
        "loud": lambda: -104,
        "a float's half": lambda: -101.0001,
        "almost": lambda: -93,
        "a list": lambda: [-102],
    },
    "spot_the_bug": {
        "1000 apart in a row": lambda: [[0, -1000], [0, -1000]],
        "fractions": lambda: [[0, 0.5], [-1000, -1000]],
        "745 apart": lambda: np.array([[0] * 2, [-740] * 2]),
        "nan": lambda: np.array([[0, np.nan], [-1000, 0]]),
    },
}


def by_loop(row_answer):
    """Return an answer for (..., T) made of one for a row, in plain Python."""

    def answer(x, *more):
        if x.ndim > 1:
            return np.array([answer(*parts) for parts in zip(x, *more, strict=True)])
        return np.array(row_answer(x.tolist(), *[part.tolist() for part in more]))

    return answer


def row_softmax(row):
    top = max(row)
    weights = [math.exp(v - top) for v in row]
    total = math.fsum(weights)
    return [w / total for w in weights]


def row_vjp(row, v):
    s = row_softmax(row)
    mean = math.fsum(a * b for a, b in zip(s, v, strict=True))
    return [a * (b - mean) for a, b in zip(s, v, strict=True)]


def row_log_vjp(row, v):
    s, total = row_softmax(row), math.fsum(v)
    return [b - a * total for a, b in zip(s, v, strict=True)]


def rows_without_a_matrix(x, v):
    """Return J v one row of J at a time: slow, but no matrix is kept."""
    if x.ndim > 1:
        return np.array([rows_without_a_matrix(*row) for row in zip(x, v, strict=True)])
    s = lab.softmax(x)
    return np.array([v @ (s * ((np.arange(len(s)) == i) - s[i])) for i in range(len(s))])


UNUSUAL = {
    "linear_layer": [
        lambda x, w, b: [
            [
                sum(map(float.__mul__, map(float, r), map(float, k))) + float(c)
                for k, c in zip(w, b, strict=True)
            ]
            for r in x
        ],
        lambda x, w, b: np.einsum("bn,tn->bt", x, w) + b,
    ],
    "softmax_definition": [by_loop(row_softmax), lambda x: np.exp(x - np.log(np.exp(x).sum()))],
    "batch_softmax": [by_loop(row_softmax), lambda x: (np.exp(x).T / np.exp(x).sum(1)).T],
    "predict": [
        lambda x: (x == x.max(-1, keepdims=True)).argmax(-1),
        lambda x: np.argsort(-x, axis=-1, kind="stable")[..., 0].astype(np.uint16).tolist(),
    ],
    "odds": [lambda x, i, j: np.float64(np.exp(np.subtract(x[i], x[j])))],
    "saturation_gap": [lambda dtype: dtype(-np.log(np.finfo(dtype).eps / 2))],
    "logits_from_probabilities": [
        lambda p: (
            special.xlogy(1, p)
            - (special.xlogy(1, np.where(p > 0, p, 1)).sum(-1) / (p > 0).sum(-1))[..., None]
        ),
    ],
    "sigmoid_as_softmax": [special.expit, lambda z: 1 / (1 + np.exp(-np.asarray(z, float)))],
    "log_odds": [special.logit, lambda p: np.log(p) - special.log1p(-np.asarray(p))],
    "masked_softmax": [
        lambda x, where: np.nan_to_num(special.softmax(np.where(where, x, -np.inf), axis=-1)),
        lambda x, where: np.nan_to_num(special.softmax(np.where(where, x, -INF), axis=-1)),
    ],
    "calibration_error": [
        lambda p, y: (
            sum(
                abs(
                    ((p.argmax(1) == y) - p.max(1))[
                        np.minimum(np.floor(p.max(1) * 10), 9) == k
                    ].sum()
                )
                for k in range(10)
            )
            / len(p)
        ),
        lambda p, y: float(
            np.nansum(
                abs(
                    stats.binned_statistic(
                        p.max(1), (p.argmax(1) == y) - p.max(1), "sum", np.linspace(0, 1, 11)
                    )[0]
                )
            )
            / len(p)
        ),
    ],
    "fit_temperature": [lambda x, y: fitted(x - x.mean(-1, keepdims=True), y)],
    "hardmax": [lambda x: (np.arange(x.shape[-1]) == x.argmax(-1)[..., None]) * 1],
    "temperature": [
        lambda x, tau: special.softmax((x - x.max(axis=-1, keepdims=True)) / tau, axis=-1),
        lambda x, tau: np.exp(
            special.log_softmax((x - x.max(axis=-1, keepdims=True)) / tau, axis=-1)
        ),
    ],
    "gumbel_max": [
        lambda x, rng: np.argmax(x - np.log(rng.standard_exponential(x.shape)), 1),
        lambda x, rng: np.argmax(
            x - np.log(-np.log(1 - rng.uniform(0, 1 - 1e-15, x.shape) + 0e0) + 1e-300), 1
        ),
    ],
    "gumbel_softmax": [
        lambda x, t, rng: special.softmax((x - np.log(rng.standard_exponential(x.shape))) / t, 1),
    ],
    "reinforce": [
        lambda f, x, rng: (lambda z: f(z) * (np.eye(len(x))[z] - special.softmax(x)))(
            int(np.argmax(x - np.log(rng.standard_exponential(len(x)))))
        )
    ],
    "arsm_three": [arsm, lambda f, x, rng: arsm(lambda z: float(f(z)), x - x.mean(), rng).tolist()],
    "stable_softmax": [
        lambda x: np.exp(special.log_softmax(x, axis=-1)),
        lambda x: special.softmax(x, axis=-1),
    ],
    "logsumexp": [
        lambda x: np.logaddexp.reduce(x, axis=-1),
        special.logsumexp and (lambda x: special.logsumexp(x, axis=-1)),
    ],
    "log_softmax": [
        lambda x: special.log_softmax(x.astype(np.longdouble), axis=-1).astype(x.dtype),
        lambda x: (
            lab.log_softmax(np.where(np.isneginf(x), x.dtype.type(-1e9), x))
            if np.isfinite(x).all()
            else special.log_softmax(x, axis=-1)
        ),
    ],
    "streaming_logsumexp": [
        stream,
        lambda chunks: lab.logsumexp(np.array([-INF, *(lab.logsumexp(chunk) for chunk in chunks)])),
    ],
    "softmax_jacobian": [lambda x: jacobian(x).tolist()],
    "softmax_vjp": [by_loop(row_vjp), rows_without_a_matrix],
    "softmax_jvp": [by_loop(row_vjp), lambda x, v: (jacobian(x) @ v[..., None])[..., 0]],
    "log_softmax_vjp": [by_loop(row_log_vjp)],
    "finite_differences": [slope, lambda f, x: slope(f, x, 2e-6), lambda f, x: list(slope(f, x))],
    "logsumexp_hessian": [lambda x: jacobian(x).tolist()],
    "cross_entropy": [
        cross_entropy,
        lambda x, y: statistics.fmean(
            special.logsumexp(row - row[k]) for row, k in zip(x, y, strict=True)
        ),
    ],
    "cross_entropy_gradient": [gradient, lambda x, y: gradient(x, y).tolist()],
    "kl_divergence": [
        lambda p, q: special.rel_entr(p, q).sum(-1),
        lambda p, q: np.where(p > 0, p * (special.xlogy(1, p) - special.xlogy(1, q)), 0).sum(-1),
    ],
    "label_smoothing": [
        lambda x, y, label_smoothing: float(
            soft(x, (1 - label_smoothing) * np.eye(x.shape[1])[y] + label_smoothing / x.shape[1])
        ),
    ],
    "ignore_index": [
        kept_loss,
        lambda x, y, i: np.mean(
            [special.logsumexp(r - r[k]) for r, k in zip(x, y, strict=True) if k != i] or [np.nan]
        ),
    ],
    "training_step": [step, lambda *a: list(step(*a))],
    "soft_target_cross_entropy": [
        soft,
        lambda x, t: np.mean(
            [
                math.fsum(
                    -float(b) * float(a)
                    for a, b in zip(special.log_softmax(r), k, strict=True)
                    if b > 0
                )
                for r, k in zip(x, t, strict=True)
            ]
        ),
    ],
    "quiet_failure": [lambda: np.int64(-102), lambda: -102.0],
    "spot_the_bug": [lambda: [[0, 0], [-5000, -5000]], lambda: np.float32([[800, 0], [0, 3]])],
}
