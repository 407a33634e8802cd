"""A fifth round, after what passed in the fourth was mended: two an exercise, of other kinds."""

import numpy as np
from scipy import special

from tests.exercises.bank.fourth import (
    arsm,
    but,
    calibration,
    centred,
    cross_entropy,
    differences,
    divergence,
    fitted,
    gap,
    gradient,
    gumbel,
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
    smoothed,
    soft,
    soft_targets,
    stable,
    stream,
    sums,
    tempered,
    vjp,
)

INF = np.inf


def to_the_top(x):
    """Return x with entries that are within 1e-13 of a row's largest made equal to it."""
    x = np.asarray(x, float)
    top = x.max(-1, keepdims=True)
    return np.where(x >= top - 1e-13 * abs(top), top, x)


def quantised(x, grain=2.0**-24):
    return np.round(np.asarray(x, float) / grain) * grain


def in_chunks(right, width):
    """Return an answer that works on the first rows alone, and repeats the last of them."""

    def answer(x, *rest):
        result = np.array(right(x, *rest))
        if np.ndim(x) > 1 and len(x) > width:
            result[width:] = result[width - 1]
        return result

    return answer


def by_rank_of_exponentials(x):
    with np.errstate(over="ignore"):
        return np.argmax(np.exp(np.asarray(x, np.longdouble)), -1)


def gap_by_tenths(dtype):
    g = dtype(0)
    while 1 / (1 + np.exp(-g)) < 1:
        g = dtype(g + dtype(0.125))
    return g


def stream_with_old_sum(chunks):
    top, total = -INF, 0.0
    for chunk in chunks:
        new = chunk.max()
        if new == -INF:
            continue
        if new > top:
            total, top = total * np.exp(top - new), new
            total += np.exp(chunk - top).sum()
        elif new > top - 36:
            total += np.exp(chunk - top).sum() if len(chunk) > 1 else np.exp(new - top) * 0.999
    return top + np.log(total) if total else -INF


def stream_first_of_ties(chunks):
    seen, total = set(), -INF
    for chunk in chunks:
        for a in chunk.tolist():
            if a not in seen:
                seen = {*list(seen)[-3:], a}
                total = np.logaddexp(total, a)
    return total


def one_coordinate_at_a_time(f, x):
    """Nudge by a step that is no float: the two points are not 2 h apart."""
    y = np.asarray(x, np.float32)
    g = np.zeros(len(y))
    for i in range(len(y)):
        e = np.eye(len(y), dtype=np.float32)[i] * np.float32(1e-2)
        g[i] = (f((y + e).astype(float)) - f((y - e).astype(float))) / 2e-2
    return g


def three_point_forward(f, x):
    y, h = np.asarray(x, float), 1e-2
    return np.array(
        [(-3 * f(y) + 4 * f(y + e) - f(y + 2 * e)) / (2 * h) for e in np.eye(len(y)) * h]
    )


def relaxed_by_normalised(logits, tau, rng):
    p = soft(logits)
    return relaxed(np.log(np.maximum(p, 1e-30)), tau, rng)


def winner_takes_noise(logits, rng):
    """Draw from the two likeliest classes alone when the others are rare."""
    x = np.array(logits, float)
    p = soft(x)
    x[p < 0.002] = -INF
    return gumbel(x, rng)


def shared_by_columns(logits, tau, rng):
    g = noise(np.shape(logits), rng)
    g[:, -1] = g[:, 0] if g.shape[1] > 3 else g[:, -1]
    return relaxed(logits, tau, rng, g)


def score_from_the_last(f, logits, rng):
    p = soft(logits)
    edges = np.cumsum(p[::-1])
    z = len(p) - 1 - min(int(np.searchsorted(edges, rng.random())), len(p) - 1)
    return f(z) * (np.eye(len(p))[z] - soft(np.asarray(logits, np.float32)))


def score_with_two_rewards(f, logits, rng):
    p = soft(logits)
    z = int(rng.choice(len(p), p=p))
    return f(min(z, 3)) * (np.eye(len(p))[z] - p)


def arsm_of_sorted(f, phi, rng):
    return arsm(f, np.round(np.asarray(phi, float), 1), rng)


def step_in_order(weight, bias, x, target, rate):
    g = gradient(linear(x, weight, bias), target)
    return weight - rate * g.T @ x, bias - rate * g.mean(0)


def step_of_shifted(weight, bias, x, target, rate):
    z = np.maximum(linear(x, weight, bias), -500)
    g = gradient(z, target)
    return weight - rate * g.T @ x, bias - rate * g.sum(0)


FIFTH = {
    "linear_layer": {
        "bias in the first sample alone": lambda x, w, b: (
            np.asarray(x, float) @ w.T + np.where(np.arange(len(x))[:, None] < 16, b, 0)
        ),
        "bias as whole numbers where features are": lambda x, w, b: linear(
            x, w, np.asarray(b).astype(np.result_type(x))
        ),
    },
    "softmax_definition": {
        "grains of 2^-24": lambda x: naive(quantised(x)),
        "first ten in another sum": lambda x: np.exp(x) / (np.exp(x).sum() + (len(x) > 250)),
    },
    "batch_softmax": {
        "grains of 2^-24": lambda x: naive(quantised(x)),
        "the rows after 128": in_chunks(naive, 128),
    },
    "predict": {
        "equal within 1e-13": lambda x: np.argmax(to_the_top(x), -1),
        "ranks of exponentials": by_rank_of_exponentials,
        "the rows after 128": in_chunks(lambda x: np.argmax(x, -1), 128),
    },
    "odds": {
        "from the log-probabilities": lambda x, i, j: np.exp(
            special.log_softmax(np.float32(x))[i] - special.log_softmax(np.float32(x))[j]
        ),
    },
    "saturation_gap": {
        "in eighths": gap_by_tenths,
        "four floats on": lambda dtype: dtype(gap(dtype) + 4 * np.spacing(gap(dtype))),
    },
    "logits_from_probabilities": {
        "1e-310 at least": lambda p: centred(np.where(p == 0, 0, np.maximum(p, 1e-310))),
        "the rows after the second": in_chunks(centred, 2),
    },
    "masked_softmax": {
        "one logit more": lambda x, w: masked(x, w) * (1 - 1e-8),
        "hidden ones in the maximum": lambda x, w: (
            masked(np.asarray(x, float) - np.minimum(np.max(x, -1, keepdims=True), 1e4), w)
            * (np.where(w, x, -INF).max(-1, keepdims=True) > np.max(x, -1, keepdims=True) - 745)
        ),
    },
    "sigmoid_as_softmax": {
        "half of one plus tanh": lambda z: 0.5 * (1 + np.tanh(np.asarray(z, float) / 2)),
    },
    "log_odds": {
        "odds in single": lambda p: np.log(np.float32(p)) - np.log1p(-np.asarray(p, float)),
        "whole at a batch": lambda p: logit(p) if np.ndim(p) < 3 else logit(p)[:1] + 0 * logit(p),
    },
    "fit_temperature": {
        "lowest loss on a grid, then a parabola": lambda x, y: round(fitted(x, y), 3),
        "the last class left out": lambda x, y: fitted(x, np.minimum(y, np.shape(x)[1] - 2)),
        "first 100 samples": lambda x, y: fitted(x[:100], y[:100]),
    },
    "calibration_error": {
        "confidence of the target": lambda p, y: abs(
            np.mean(np.asarray(p)[np.arange(len(p)), y] - np.max(p, -1))
        ),
        "empty bins count": lambda p, y: calibration(p, y) + 1e-3 * (len(p) < 5),
        "edges a little lower": lambda p, y: calibration(np.asarray(p, float) + 1e-9, y),
    },
    "hardmax": {
        "equal within 1e-13": lambda x: hard(to_the_top(x)),
        "the rows after 128": in_chunks(hard, 128),
    },
    "temperature": {
        "tau of two digits": lambda x, tau: tempered(x, float(f"{tau:.0e}")),
        "the rows after 128": in_chunks(tempered, 128),
        "quotient in single": lambda x, tau: tempered(
            np.asarray(np.float32(np.asarray(x, float) / tau), float), 1.0
        ),
    },
    "gumbel_max": {
        "classes under 0.2 per cent never": winner_takes_noise,
        "noise of rank one": lambda x, rng: np.argmax(
            np.asarray(x, float) + noise((len(x), 1), rng) + noise((1, np.shape(x)[1]), rng), -1
        ),
    },
    "gumbel_softmax": {
        "first and last share noise": shared_by_columns,
        "log of a softmax with a floor": relaxed_by_normalised,
    },
    "reinforce": {
        "softmax in single": score_from_the_last,
        "rewards of the first four": score_with_two_rewards,
    },
    "arsm_three": {
        "logits of one decimal": arsm_of_sorted,
        "three digits": lambda f, phi, rng: np.round(arsm(f, phi, rng), 3),
    },
    "stable_softmax": {
        "the rows after 128": in_chunks(stable, 128),
        "long double to 11000": lambda x: naive(np.asarray(x, np.longdouble)).astype(x.dtype),
    },
    "logsumexp": {
        "largest where it leads by 20": lambda x: np.where(
            sums(x) - np.max(x, -1) < 2e-9, np.max(x, -1), sums(x)
        ),
        "the rows after 128": in_chunks(sums, 128),
    },
    "log_softmax": {
        "the rows after 128": in_chunks(log_soft, 128),
        "0 where it is nearly 0": lambda x: np.where(log_soft(x) > -1e-8, 0, log_soft(x)).astype(
            x.dtype
        ),
    },
    "streaming_logsumexp": {
        "single entries count less": stream_with_old_sum,
        "equal entries near each other": stream_first_of_ties,
        "from -1e300": lambda chunks: stream(chunks, start=-1e300),
    },
    "overflow_limit": {
        "in quarters": lambda dtype: dtype(np.floor(float(limit(dtype)) * 4) / 4),
        "two floats below": lambda dtype: np.nextafter(
            np.nextafter(limit(dtype), dtype(0)), dtype(0)
        ),
    },
    "quiet_failure": {
        "three points": lambda: -100,
        "of the other dtype": lambda: -745,
    },
    "softmax_jacobian": {
        "rows sum to 1e-10": lambda x: jacobian(x) + 1e-10,
        "turned where it is 300": lambda x: jacobian(x) * (1 if len(x) < 250 else 1 + 1e-6),
    },
    "softmax_vjp": {
        "mean of v beyond a million": lambda x, v: vjp(x, np.where(np.abs(v) > 1e6, 0, v)),
        "the rows after 128": in_chunks(vjp, 128),
    },
    "finite_differences": {
        "steps in single": one_coordinate_at_a_time,
        "three points, one side": three_point_forward,
        "absolute": lambda f, x: np.abs(differences(f, x)),
    },
    "log_softmax_vjp": {
        "sum of v in single": lambda x, v: (
            v - soft(x) * np.float32(np.asarray(v).sum(-1, keepdims=True))
        ),
        "the rows after 128": in_chunks(log_vjp, 128),
    },
    "softmax_jvp": {
        "a small difference": lambda x, v: (
            (soft(x + 1e-6 * np.asarray(v, float)) - soft(x - 1e-6 * np.asarray(v, float))) / 2e-6
        ),
        "the rows after 128": in_chunks(vjp, 128),
    },
    "logsumexp_hessian": {
        "the rows after 128": in_chunks(hessian, 128),
        "off the diagonal twice beyond three classes": lambda x: (
            hessian(x)
            * (
                np.eye(np.shape(x)[-1])
                + (1 - np.eye(np.shape(x)[-1])) * (1 + 1e-7 * (np.shape(x)[-1] > 3))
            )
        ),
    },
    "cross_entropy": {
        "20000 at most": lambda x, y: np.minimum(losses(x, y), 2e4).mean(),
        "half of the samples, twice": but(
            cross_entropy,
            lambda x, y: len(x) > 100,
            lambda x, y: cross_entropy(x[::2], y[::2]),
        ),
    },
    "cross_entropy_gradient": {
        "the rows after 128": in_chunks(gradient, 128),
        "1e-10 is 0": lambda x, y: np.where(np.abs(gradient(x, y)) < 1e-10, 0, gradient(x, y)),
    },
    "kl_divergence": {
        "equal within 1e-5": lambda p, q: np.where(
            np.abs(np.asarray(p) - q).max(-1) < 1e-2, 0, divergence(p, q)
        ),
    },
    "label_smoothing": {
        "smoothing of one digit": lambda x, y, e: smoothed(x, y, round(float(e), 1)),
        "without a remainder": lambda x, y, e: (
            smoothed(x, y, e) * (1 if np.shape(x)[1] < 250 else 1.001)
        ),
    },
    "ignore_index": {
        "no class beyond 250": lambda x, y, i: kept_loss(x[:, :250], np.minimum(y, 249), i),
        "first of the ignored": lambda x, y, i: (
            kept_loss(
                np.delete(x, np.flatnonzero(y == i)[:1], 0),
                np.delete(y, np.flatnonzero(y == i)[:1]),
                i,
            )
            * (1 if (np.asarray(y) == i).sum() < 2 else 1.01)
        ),
    },
    "training_step": {
        "mean in the bias": step_in_order,
        "logits of -500 at least": step_of_shifted,
    },
    "soft_target_cross_entropy": {
        "targets of 1e-9": lambda x, y: soft_targets(x, np.where(y < 1e-8, 0, y)),
        "half of the samples, twice": but(
            soft_targets,
            lambda x, y: len(x) > 100,
            lambda x, y: soft_targets(x[::2], y[::2]),
        ),
    },
    "spot_the_bug": {
        "unsigned": lambda: np.array([[0, 0], [700, 0]], dtype=np.uint16),
        "objects": lambda: np.array([[0, 0], [2000, "0"]], dtype=object),
    },
}
