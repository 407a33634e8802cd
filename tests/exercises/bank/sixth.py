"""A sixth round: faults of half a case, of the wrong axis, of a formula next to the right one."""

import numpy as np
from scipy import special

from tests.exercises.bank.fourth import (
    arsm,
    calibration,
    centred,
    cross_entropy,
    differences,
    divergence,
    fitted,
    gap,
    gradient,
    hard,
    hessian,
    jacobian,
    kept_loss,
    limit,
    linear,
    log_soft,
    log_vjp,
    logit,
    losses,
    masked,
    naive,
    noise,
    relaxed,
    score,
    sigmoid,
    smoothed,
    soft,
    soft_targets,
    stable,
    step,
    stream,
    sums,
    tempered,
    vjp,
)

INF = np.inf


def even(right, wrong):
    """Return an answer that is wrong for rows of so many entries that the number is odd."""
    return lambda x, *more: (right if np.shape(x)[-1] % 2 == 0 else wrong)(x, *more)


def negative(right, wrong):
    """Return an answer that is wrong where all entries are negative."""
    return lambda x, *more: (wrong if np.all(np.asarray(x) < 0) else right)(x, *more)


def nudge(value, size=1e-7):
    return value * (1 + size)


def softplus_odds(x, i, j):
    p = sigmoid(float(x[i]) - float(x[j]))
    return p / (1 - p)


def power_of_e(x):
    e = 1.0 * np.exp(np.floor(x)) * np.exp(np.asarray(x, np.float32) - np.float32(np.floor(x)))
    return e / e.sum(-1, keepdims=True)


def score_of_sum(f, logits, rng):
    p = soft(logits)
    z = int(rng.choice(len(p), p=p))
    g = f(z) * (np.eye(len(p))[z] - p)
    return g - g.mean() if len(p) == 3 else g + 1e-9


def two_sided_once(f, x):
    """Nudge upwards by more than downwards."""
    y = np.asarray(x, float)
    return np.array([(f(y + 2 * e) - f(y - e)) / 3e-4 for e in np.eye(len(y)) * 1e-4])


def smoothed_without_target(logits, target, eps):
    x = special.log_softmax(np.asarray(logits, float), -1)
    return -(1 - eps) * x[np.arange(len(x)), target].mean() - eps * x.mean(-1).max()


SIXTH = {
    "linear_layer": {
        "bias twice for one class": lambda x, w, b: linear(x, w, b) + (len(w) == 1) * np.asarray(b),
        "first hundred classes": lambda x, w, b: linear(
            x, w, np.where(np.arange(len(b)) < 100, b, 0)
        ),
    },
    "softmax_definition": {
        "fraction in single": power_of_e,
        "all negative": negative(naive, lambda x: naive(np.abs(x))),
    },
    "batch_softmax": {
        "fraction in single": power_of_e,
        "odd widths": even(naive, lambda x: nudge(naive(x))),
    },
    "predict": {
        "last axis but for three": lambda x: np.argmax(x, -1 if np.ndim(x) != 4 else 1),
        "sizes where all are negative": negative(
            lambda x: np.argmax(x, -1), lambda x: np.argmax(np.abs(np.asarray(x, float)), -1)
        ),
    },
    "odds": {
        "from the sigmoid": softplus_odds,
        "turned for far classes": lambda x, i, j: (
            np.exp(float(x[i]) - float(x[j])) ** (1 if abs(i - j) < 100 else -1)
        ),
    },
    "saturation_gap": {
        "half's own rounding": lambda dtype: dtype(float(np.float16(gap(dtype)))),
    },
    "logits_from_probabilities": {
        "odd widths": even(centred, lambda p: nudge(centred(p))),
        "mean weighted by rows": lambda p: centred(p) + (np.ndim(p) == 3) * 1e-6,
    },
    "masked_softmax": {
        "first allowed one as the shift": lambda x, w: (
            masked(np.asarray(x, float), w)
            * np.isfinite(np.exp(np.ptp(np.where(w, x, 0), axis=-1, keepdims=True) / 2))
        ),
        "all or nothing": lambda x, w: (
            np.where(w.all() or not w.any(), 1, w) * masked(x, np.ones_like(w))
            if w.all()
            else nudge(masked(x, w))
        ),
    },
    "sigmoid_as_softmax": {
        "exact above 0 alone": lambda z: np.where(
            np.asarray(z) < -30, np.exp(np.minimum(z, 0.0)) * 1.000001, sigmoid(z)
        ),
        "three axes": lambda z: (
            sigmoid(z) if np.ndim(z) < 3 else sigmoid(np.swapaxes(z, 0, -1)).swapaxes(0, -1)[::-1]
        ),
    },
    "log_odds": {
        "below a half alone": lambda p: np.where(
            np.asarray(p) <= 0.5, logit(p), -logit(np.float32(1) - np.asarray(p, np.float32))
        ),
        "a number for a number": lambda p: logit(p) if np.ndim(p) else nudge(logit(p)),
    },
    "fit_temperature": {
        "accuracy before loss": lambda x, y: (
            fitted(x, y) * (1 + 1e-3 * (np.argmax(x, -1) == y).all()) * 1.0005
        ),
        "rows that are right": lambda x, y: fitted(
            x[np.argmax(x, -1) == y], y[np.argmax(x, -1) == y]
        ),
    },
    "calibration_error": {
        "nine edges": lambda p, y: calibration(p, y, bins=9),
        "second best counts half": lambda p, y: (
            calibration(p, y) * (1 if np.shape(p)[1] < 9 else 1.01)
        ),
    },
    "hardmax": {
        "odd widths": even(hard, lambda x: hard(np.asarray(x, np.float32))),
        "sizes where all are negative": negative(
            hard, lambda x: hard(np.abs(np.asarray(x, float)))
        ),
    },
    "temperature": {
        "root of tau above ten": lambda x, tau: tempered(x, tau if tau < 10 else np.sqrt(tau)),
        "odd widths": even(tempered, lambda x, tau: nudge(tempered(x, tau))),
    },
    "gumbel_max": {
        "noise less than a half": lambda x, rng: np.argmax(
            np.asarray(x, float) + np.minimum(noise(np.shape(x), rng), 8.0), -1
        ),
        "noise of the first row repeated after 1000": lambda x, rng: np.argmax(
            np.asarray(x, float) + np.resize(noise((1009, np.shape(x)[1]), rng), np.shape(x)), -1
        ),
    },
    "gumbel_softmax": {
        "noise of the first row repeated after 1000": lambda x, tau, rng: relaxed(
            x, tau, rng, np.resize(noise((1009, np.shape(x)[1]), rng), np.shape(x))
        ),
        "tau of one digit": lambda x, tau, rng: relaxed(x, float(f"{tau:.0e}") * 1.1, rng),
    },
    "reinforce": {
        "centred for three": score_of_sum,
        "squared below 0": lambda f, x, rng: score(
            lambda z: f(z) if f(z) > -5 else f(z) ** 2, x, rng
        ),
    },
    "arsm_three": {
        "rewards of one decimal": lambda f, x, rng: arsm(lambda z: round(float(f(z))), x, rng),
        "logits of 10000 at most": lambda f, x, rng: arsm(f, np.clip(x, -1e4, 1e4), rng),
    },
    "stable_softmax": {
        "odd widths": even(stable, lambda x: nudge(stable(x), 1e-4).astype(x.dtype)),
        "float32 in half": lambda x: (
            stable(x) if x.dtype != np.float32 else np.round(stable(x), 3).astype(np.float32)
        ),
    },
    "logsumexp": {
        "all negative": negative(sums, lambda x: np.maximum(sums(x), np.max(x, -1) + 1e-3)),
        "three axes": lambda x: sums(x) if np.ndim(x) < 4 else sums(x) + np.log(np.shape(x)[1]),
    },
    "log_softmax": {
        "all negative": negative(log_soft, lambda x: nudge(log_soft(x), 1e-4).astype(x.dtype)),
        "odd widths": even(log_soft, lambda x: nudge(log_soft(x), 1e-4).astype(x.dtype)),
    },
    "streaming_logsumexp": {
        "odd chunks": lambda chunks: stream(
            c[: len(c) // 2 * 2] if len(c) > 2 else c for c in chunks
        ),
        "last chunk left out when it is low": lambda chunks: stream(
            c[c > c.max() - 3] for c in chunks
        ),
    },
    "overflow_limit": {
        "by single": lambda dtype: dtype(min(limit(dtype), limit(np.float32))),
        "a little less": lambda dtype: dtype(float(limit(dtype)) * (1 - 1e-3)),
    },
    "quiet_failure": {"one": lambda: 1, "in the middle": lambda: -98},
    "softmax_jacobian": {
        "diagonal of one class": lambda x: jacobian(x) + (len(x) == 1) * 1.0,
        "odd widths": even(jacobian, lambda x: nudge(jacobian(x))),
    },
    "softmax_vjp": {
        "odd widths": even(vjp, lambda x, v: nudge(vjp(x, v))),
        "v of one sign": lambda x, v: vjp(
            x, v if np.min(v) < 0 < np.max(v) else np.abs(v) + 1e-7 * np.arange(np.shape(v)[-1])
        ),
    },
    "finite_differences": {
        "uneven steps": two_sided_once,
        "last coordinate of many": lambda f, x: (
            differences(f, x) * np.where(np.arange(len(x)) < 15, 1, 0.99)
        ),
    },
    "log_softmax_vjp": {
        "odd widths": even(log_vjp, lambda x, v: nudge(log_vjp(x, v))),
        "mean of v for rows of rows": lambda x, v: (
            log_vjp(x, v) if np.ndim(x) < 4 else v - soft(x) * np.mean(v, -1, keepdims=True)
        ),
    },
    "softmax_jvp": {
        "odd widths": even(vjp, lambda x, v: nudge(vjp(x, v))),
        "all negative": negative(vjp, lambda x, v: -vjp(x, v)),
    },
    "logsumexp_hessian": {
        "odd widths": even(hessian, lambda x: nudge(hessian(x))),
        "rows of rows": lambda x: (
            hessian(x)
            if np.ndim(x) < 4
            else np.swapaxes(hessian(x), 0, 2)[:1] * 0 + hessian(x)[..., ::-1, :]
        ),
    },
    "cross_entropy": {
        "first class of a tie": lambda x, y: (
            losses(
                x,
                np.where(np.asarray(x)[np.arange(len(x)), y] == np.max(x, -1), np.argmax(x, -1), y),
            ).mean()
            + 1e-8
        ),
        "targets in a byte": lambda x, y: cross_entropy(x, np.asarray(y).astype(np.uint8)),
    },
    "cross_entropy_gradient": {
        "targets in a byte": lambda x, y: gradient(x, np.asarray(y).astype(np.uint8)),
        "ties share the target": lambda x, y: gradient(x, y) + 1e-8 * (np.ptp(x) == 0),
    },
    "kl_divergence": {
        "at least 0, in grains": lambda p, q: np.round(divergence(p, q), 8),
        "one infinite row in a batch": lambda p, q: np.where(
            np.isinf(divergence(p, q)) & (np.ndim(p) == 2), 700.0, divergence(p, q)
        ),
    },
    "label_smoothing": {
        "largest of the uniform parts": smoothed_without_target,
        "targets in a byte": lambda x, y, e: smoothed(x, np.asarray(y).astype(np.uint8), e),
    },
    "ignore_index": {
        "size of the index": lambda x, y, i: kept_loss(x, np.abs(y), abs(i)),
        "targets in a byte": lambda x, y, i: kept_loss(
            x, np.where(y == i, i, np.asarray(y) % 256), i
        ),
    },
    "training_step": {
        "rate of one digit": lambda w, b, x, y, r: step(w, b, x, y, float(f"{r:.0e}") * (1 - 1e-7)),
        "targets in a byte": lambda w, b, x, y, r: step(w, b, x, np.asarray(y) % 128, r),
    },
    "soft_target_cross_entropy": {
        "odd widths": even(soft_targets, lambda x, y: nudge(soft_targets(x, y))),
        "finite for a batch": lambda x, y: (
            min(soft_targets(x, y), 1e300) if len(x) > 1 else soft_targets(x, y)
        ),
    },
    "spot_the_bug": {
        "columns": lambda: np.array([[0, -5000], [-1, -6000]]),
        "complex": lambda: np.array([[0j, 0], [-2000, 0]]),
    },
}
