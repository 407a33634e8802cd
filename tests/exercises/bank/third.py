"""A third round against the prompts: other functions, other orders, half-done cases."""

import numpy as np
from scipy import special

from softmax_lab import numpy as lab
from tests.exercises.bank.second import (
    arsm,
    calibration,
    cross_entropy,
    fitted,
    gradient,
    jacobian,
    kept_loss,
    slope,
    smoothed,
    soft,
    step,
    stream,
)

INF = np.inf


def sparse(x):
    """Return sparsemax of each row, a rival of softmax."""
    z = np.sort(x, axis=-1)[..., ::-1]
    k = np.arange(1, x.shape[-1] + 1)
    total = np.cumsum(z, axis=-1)
    size = (1 + k * z > total).sum(-1, keepdims=True)
    tau = (np.take_along_axis(total, size - 1, -1) - 1) / size
    return np.maximum(x - tau, 0)


def halves(x):
    """Return softmax computed from log-ratios with the first class."""
    return 1 / np.exp(x[..., None, :] - x[..., :, None]).sum(-1)


THIRD = {
    "linear_layer": {
        "float16": lambda x, w, b: (x @ w.T + b).astype(np.float16),
        "x centred": lambda x, w, b: (x - x.mean(0)) @ w.T + b,
    },
    "softmax_definition": {
        "sparsemax": sparse,
        "off by a little everywhere": lambda x: lab.softmax(x + 1e-8 * np.arange(x.size)),
        "at least 1e-7": lambda x: np.maximum(lab.softmax(x), 1e-7),
    },
    "batch_softmax": {
        "sparsemax": sparse,
        "the last row again": lambda x: lab.softmax(np.vstack([x[:-1], x[-1:] * (len(x) < 4)])),
    },
    "predict": {
        "argmax of the softmax in float32": lambda x: lab.softmax(x.astype(np.float32)).argmax(-1),
        "the first above the mean": lambda x: (x > x.mean(-1, keepdims=True)).argmax(-1),
        "nan for -inf": lambda x: np.nanargmax(np.where(np.isinf(x), np.nan, x), -1) * (x.ndim < 3),
    },
    "odds": {
        "from a stable softmax": lambda x, i, j: lab.softmax(x)[i] / (lab.softmax(x)[j] + 1e-300),
        "1 when they are equal classes, else j over i": lambda x, i, j: (
            1.0 if i == j else np.exp(x[j] - x[i])
        ),
    },
    "logits_from_probabilities": {
        "the first finite entry is 0": lambda p: np.log(p) - np.log(p)[..., :1],
        "0 dropped": lambda p: np.where(p > 1e-200, lab.logits_from_probabilities(p), -INF),
    },
    "sigmoid_as_softmax": {
        "of pairs of entries": lambda z: lab.softmax(z, axis=-1) if z.ndim else lab.sigmoid(z),
        "the hard sigmoid": lambda z: np.clip(0.5 + z / 4, 0, 1),
    },
    "log_odds": {
        "the probit": special.ndtri,
        "at least -400": lambda p: np.where(p > 0, np.maximum(lab.logit(p), -400), -INF),
    },
    "masked_softmax": {
        "sparsemax": lambda x, where: sparse(np.where(where, x, -1e9)) * where,
        "hidden by multiplication": lambda x, where: np.nan_to_num(
            lab.softmax(np.where(where, x, -INF)) * (x < 900)
        ),
    },
    "calibration_error": {
        "the median": lambda p, y: float(np.median(abs((p.argmax(1) == y) - p.max(1)))),
        "of the true class": lambda p, y: calibration(
            np.c_[p[np.arange(len(y)), y], 1 - p[np.arange(len(y)), y]], 0 * y
        ),
    },
    "fit_temperature": {
        "by the mean margin": lambda x, y: 1 + 0 * fitted(x, y) + np.std(x) * 1e-3,
        "not below 0.1": lambda x, y: max(fitted(x, y), 0.1),
    },
    "hardmax": {
        "two winners where they nearly tie": lambda x: (
            1.0 * (x >= x.max(-1, keepdims=True) - 1e-10 * abs(x.max()))
        ),
        "sparsemax": sparse,
    },
    "temperature": {
        "sparsemax": lambda x, tau: sparse(x / tau),
        "tau added": lambda x, tau: lab.softmax(x / (tau + 1e-8)),
        "logarithms of tau": lambda x, tau: lab.softmax(x * np.exp(-tau)),
    },
    "gumbel_max": {
        "noise shared by classes of a batch": lambda x, rng: np.argmax(
            x + rng.gumbel(size=(len(x), 1)) + 0.0 * x, -1
        ),
        "sampled with 5 % uniform": lambda x, rng: np.where(
            rng.random(len(x)) < 0.05,
            rng.integers(x.shape[1], size=len(x)),
            np.argmax(x + rng.gumbel(size=x.shape), -1),
        ),
    },
    "gumbel_softmax": {
        "5 % of rows without noise": lambda x, t, rng: lab.softmax(
            (x + rng.gumbel(size=x.shape) * (rng.random((len(x), 1)) > 0.05)) / t
        ),
        "sparsemax": lambda x, t, rng: sparse((x + rng.gumbel(size=x.shape)) / t),
    },
    "reinforce": {
        "the best of two draws": lambda f, x, rng: (
            lambda z: f(z) * (np.eye(len(x))[z] - lab.softmax(x))
        )(max(rng.choice(len(x), 2, p=lab.softmax(x)), key=f)),
        "p rounded": lambda f, x, rng: (
            lambda z: f(z) * (np.eye(len(x))[z] - lab.softmax(x).round(3))
        )(rng.choice(len(x), p=lab.softmax(x))),
    },
    "arsm_three": {
        "the reward halved": lambda f, x, rng: arsm(f, x, rng) / 2,
        "f of a float": lambda f, x, rng: arsm(f, np.sort(x), rng),
    },
    "stable_softmax": {
        "from ratios": lambda x: halves(x) + 1e-12,
        "sparsemax": sparse,
        "shifted by the median": lambda x: (lambda w: w / w.sum(-1, keepdims=True))(
            np.exp(x - np.median(x, -1, keepdims=True))
        ),
    },
    "logsumexp": {
        "the smooth maximum": lambda x: (lab.softmax(x) * np.where(np.isinf(x), 0, x)).sum(-1),
        "of two largest": lambda x: lab.logsumexp(np.sort(x, axis=-1)[..., -2:]),
        "of eight largest": lambda x: lab.logsumexp(np.sort(x, axis=-1)[..., -8:]),
    },
    "log_softmax": {
        "at least -1e4": lambda x: np.maximum(lab.log_softmax(x), -1e4),
        "rounded up to 0": lambda x: np.where(lab.log_softmax(x) > -1e-7, 0.1, lab.log_softmax(x)),
    },
    "streaming_logsumexp": {
        "of the maxima": lambda chunks: stream(chunk[[chunk.argmax()]] for chunk in chunks),
        "float": lambda chunks: float(np.nan_to_num(stream(chunks), neginf=-1e300)),
    },
    "softmax_jacobian": {"divided by p": lambda x: np.eye(len(x)) - lab.softmax(x)[:, None]},
    "softmax_vjp": {"v clipped": lambda x, v: lab.softmax_vjp(x, np.clip(v, -50, 50))},
    "softmax_jvp": {"v normalised": lambda x, v: lab.softmax_jvp(x, v / abs(v).max())},
    "log_softmax_vjp": {
        "v centred": lambda x, v: lab.log_softmax_vjp(x, v - v.mean(-1)[..., None])
    },
    "logsumexp_hessian": {"a batch flattened": lambda x: jacobian(x.reshape(-1, x.shape[-1]))},
    "finite_differences": {
        "steps of 3e-8": lambda f, x: slope(f, x, 3e-10),
        "a second difference": lambda f, x: slope(lambda z: slope(f, z).sum(), x, 1e-3),
    },
    "cross_entropy": {
        "hinge": lambda x, y: np.maximum(0, 1 + x - x[np.arange(len(y)), y][:, None]).mean(),
        "the median": lambda x, y: float(
            np.median([cross_entropy(r[None], y[[k]]) for k, r in enumerate(x)])
        ),
    },
    "cross_entropy_gradient": {"clipped": lambda x, y: np.clip(gradient(x, y), -0.45, 0.45)},
    "kl_divergence": {
        "Jensen and Shannon's": lambda p, q: (
            (lab.kl_divergence(p, (p + q) / 2) + lab.kl_divergence(q, (p + q) / 2)) / 2
        ),
        "the chi-square distance": lambda p, q: ((p - q) ** 2 / (q + (q == 0))).sum(-1),
    },
    "label_smoothing": {
        "clipped at 0.9": lambda x, y, e: smoothed(x, y, min(e, 0.9)),
        "focal": lambda x, y, e: smoothed(x, y, e) ** 2,
    },
    "ignore_index": {
        "one too many": lambda x, y, i: (
            kept_loss(x, y, i) * (y != i).sum() / max(1, (y != i).sum() - 1)
        ),
        "the first is always kept": lambda x, y, i: kept_loss(
            x, np.r_[y[:1] % x.shape[1], y[1:]], i
        ),
    },
    "soft_target_cross_entropy": {
        "the target's own entropy too": lambda x, t: soft(x, t) + special.entr(t).sum(-1).mean(),
        "t > 1e-6": lambda x, t: soft(x, np.where(t > 1e-6, t, 0)),
    },
    "training_step": {
        "Nesterov": lambda w, b, x, y, r: step(w, b, x, y, r * 1.0001),
        "bias decayed": lambda w, b, x, y, r: (
            step(w, b, x, y, r)[0],
            step(w, b, x, y, r)[1] - 1e-3 * r * b,
        ),
    },
}
