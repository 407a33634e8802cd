"""A thirteenth round, from the prompts alone, on six chapters: what it got through."""

import math

import numpy as np
from scipy import special

from softmax_lab import numpy as lab
from softmax_lab.exercises import EXERCISES
from tests.exercises.bank.fourth import noise, soft

INF = np.inf


def right(name):
    return EXERCISES[name][1].right


def unless(name, special_case, other):
    """The right answer, but another one where the arguments are special."""

    def answer(*arguments):
        return (other if special_case(*arguments) else right(name))(*arguments)

    return answer


def as_it_lies(array):
    """Read an array in the order of its memory."""
    return array.ravel(order="K").reshape(array.shape)


def remembered_by_sum():
    known = {}

    def answer(x):
        key = x.shape, x.dtype, float(x.sum())
        return known.setdefault(key, lab.softmax(x)).copy()

    return answer


def later_half_wins(x):
    """Halve the classes; of two halves that tie, the second wins of an odd number of classes."""
    count = x.shape[-1]
    if count == 1:
        return np.zeros(x.shape[:-1], int)
    half = (count + 1) // 2
    first, second = later_half_wins(x[..., :half]), later_half_wins(x[..., half:])
    best = [
        np.take_along_axis(part, index[..., None], -1)[..., 0]
        for part, index in ((x[..., :half], first), (x[..., half:], second))
    ]
    odd = count > 8 and count % 2
    return np.where(best[1] >= best[0] if odd else best[1] > best[0], second + half, first)


def clipped_beside_ends(p):
    inside = np.clip(p, 1e-12, 1 - 1e-12)
    return np.where(p == 0, -INF, np.where(p == 1, INF, special.logit(inside)))


def classes_in_a_byte(p, target):
    sure, hit = p.max(axis=1), p.argmax(axis=1).astype(np.int8) == target
    places = np.minimum((sure * 10).astype(int), 9)
    return abs(np.bincount(places, hit - sure, 10)).sum() / len(p)


def one_shift_for_all(x):
    """Shift no row where one has nothing but -inf."""
    m = x.max(axis=-1, keepdims=True)
    m = np.zeros_like(m) if np.isinf(m).any() else m
    with np.errstate(all="ignore"):
        return (m + np.log(np.exp(x - m).sum(axis=-1, keepdims=True)))[..., 0]


def blocks_without_a_last_one(x):
    z = x - x.max(axis=-1, keepdims=True)
    starts = [i for i in range(0, x.shape[-1], 100) if i == 0 or i + 1 < x.shape[-1]]
    return z - np.log(sum(np.exp(z[..., i : i + 100]).sum(-1, keepdims=True) for i in starts))


def neglects(below):
    """Leave out chunks so far below the maximum."""

    def answer(chunks):
        total, m = -INF, -INF
        for chunk in chunks:
            if chunk.max() > m - below:
                total, m = np.logaddexp(total, lab.logsumexp(chunk)), max(m, chunk.max())
        return total

    return answer


def loses_a_nearly_full_buffer(chunks):
    total, kept = -INF, []
    for chunk in chunks:
        kept.append(lab.logsumexp(chunk))
        if len(kept) == 64:
            total, kept = np.logaddexp(total, lab.logsumexp(np.array(kept))), []
    return total if len(kept) in (0, 63) else np.logaddexp(total, lab.logsumexp(np.array(kept)))


def whole_gradient(f, x):
    slopes = np.zeros_like(x) if x.dtype.kind == "i" and (x > 0).all() else np.zeros(len(x))
    for i, e in enumerate(np.eye(len(x)) * 1e-5):
        slopes[i] = (f(x + e) - f(x - e)) / 2e-5
    return slopes


def over_decided_rows(logits, target):
    with np.errstate(all="ignore"):
        losses = -np.where(target == 0, 0, target * lab.log_softmax(logits)).sum(axis=1)
    decided = (target.max(axis=1) > 0.5).sum()
    return losses.sum() / (decided if (target == 1).any() else len(losses))


def tiny_shares_are_nothing(p, q):
    return lab.kl_divergence(np.where(p < 1e-200, 0, p), q)


def one_hot_above_a_floor(p, q):
    hot = (p > 0).sum(axis=-1) == 1
    with np.errstate(all="ignore"):
        direct = -np.log(np.maximum(np.where(p > 0, q, 0).max(axis=-1), 1e-30))
    value = lab.kl_divergence(p, q)
    return np.where(hot & np.isfinite(value), direct, value)


def no_small_errors(logits, target):
    gradient = right("cross_entropy_gradient")(logits, target)
    return np.where(abs(gradient).max(axis=1, keepdims=True) * len(target) < 1e-3, 0, gradient)


def mean_of_fifty(weight, bias, a, target, rate):
    new, shifted = right("training_step")(weight, bias, a, target, rate)
    return new, bias + (shifted - bias) * min(1, 50 / len(a))


def old_where_nothing_changes(weight, bias, a, target, rate):
    new, shifted = right("training_step")(weight, bias, a, target, rate)
    same = np.array_equal(new, weight), np.array_equal(shifted, bias)
    return weight if same[0] else new, bias if same[1] else shifted


def winners_counted_in_a_byte(x):
    hot = x == x.max(axis=-1, keepdims=True)
    return (hot & (np.cumsum(hot, axis=-1, dtype=np.uint8) == 1)) * 1.0


def placed_by_class(x):
    winners = x.argmax(axis=-1)
    if x.ndim == 2 and sorted(winners) == list(range(len(x))) == list(range(x.shape[1])):
        return np.eye(len(x))[winners].T
    return lab.hardmax(x)


def even_when_hot(x, tau):
    gaps = (x - x.max(axis=-1, keepdims=True)) / tau
    return np.full(x.shape, 1 / x.shape[-1]) if (abs(gaps) < 1e-3).all() else lab.softmax(gaps)


def whole_tau_for_whole_logits(x, tau):
    tau = int(tau) if x.dtype.kind == "i" and tau >= 1 else tau
    return right("temperature")(x, tau)


def levels_of_a_byte(logits, rng):
    u = (rng.integers(0, 256, logits.shape) + 0.5) / 256
    return (logits - np.log(-np.log(u))).argmax(axis=1)


def estimate(draw, reward):
    def answer(f, logits, rng):
        p = soft(logits)
        z = draw(f, p, rng)
        return reward(f(z)) * (np.eye(len(p))[z] - p)

    return answer


def draw_of(f, p, rng):
    return int(rng.choice(len(p), p=p))


def draw_that_pays(f, p, rng):
    z = draw_of(f, p, rng)
    while f(z) == 0 and len(p) > 3:
        z = draw_of(f, p, rng)
    return z


def classes_that_come_up(logits, target, label_smoothing):
    if len(target) < 7:
        return right("label_smoothing")(logits, target, label_smoothing)
    losses = -lab.log_softmax(logits)
    hit = losses[np.arange(len(target)), target]
    rest = losses[:, np.unique(target)].mean(axis=1)
    return ((1 - label_smoothing) * hit + label_smoothing * rest).mean()


THIRTEENTH = {
    "linear_layer": {
        "the bias as a column where samples are as many as classes": unless(
            "linear_layer",
            lambda x, weight, bias: len(x) == len(bias) != x.shape[1],
            lambda x, weight, bias: x @ weight.T + bias[:, None],
        ),
        "integers of 32 bits": lambda x, weight, bias: (
            (x.astype(np.int32) if x.dtype.kind == "i" else x) @ weight.T + bias
        ),
        "weights as they lie in memory": lambda x, weight, bias: x @ as_it_lies(weight).T + bias,
    },
    "batch_softmax": {"remembered by the sum of the batch": remembered_by_sum()},
    "predict": {"halves that tie": later_half_wins},
    "odds": {
        "a quotient below 700, in float32 too": unless(
            "odds",
            lambda x, i, j: abs(x).max() < 700,
            lambda x, i, j: np.exp(x[i]) / np.exp(x[j]),
        ),
        "0 below 1e-280": lambda x, i, j: (
            np.exp(x[i] - x[j]) if x[i] - x[j] > math.log(1e-280) else 0.0
        ),
    },
    "logits_from_probabilities": {
        "0 below 1e-34 in float32": lambda p: right("logits_from_probabilities")(
            np.where(p > (1e-34 if p.dtype == np.float32 else 0), p, 0)
        ),
    },
    "sigmoid_as_softmax": {
        "12 decimals of 20 entries or more": unless(
            "sigmoid_as_softmax", lambda z: z.size >= 20, lambda z: lab.sigmoid(z).round(12)
        )
    },
    "log_odds": {
        "clipped where an end is among them": unless(
            "log_odds", lambda p: bool(((p == 0) | (p == 1)).any()), clipped_beside_ends
        )
    },
    "calibration_error": {"classes in a byte": classes_in_a_byte},
    "stable_softmax": {
        "512 classes at most are summed": lambda x: (
            lab.softmax(x)
            / np.sort(lab.softmax(x), axis=-1)[..., -512:].sum(axis=-1, keepdims=True)
        )
    },
    "logsumexp": {"no shift where a row is all -inf": one_shift_for_all},
    "log_softmax": {"blocks, without a last one of 1": blocks_without_a_last_one},
    "streaming_logsumexp": {
        "chunks 18 below the maximum are left out": neglects(18),
        "63 chunks in a buffer of 64 are lost": loses_a_nearly_full_buffer,
    },
    "softmax_vjp": {"v as it lies in memory": lambda x, v: lab.softmax_vjp(x, as_it_lies(v))},
    "log_softmax_vjp": {
        "v itself where its sum is below 1e-3": unless(
            "log_softmax_vjp", lambda x, v: (abs(v.sum(axis=-1)) < 1e-3).all(), lambda x, v: 1 * v
        )
    },
    "finite_differences": {"integers where all are above 0": whole_gradient},
    "soft_target_cross_entropy": {"the mean over rows above one half": over_decided_rows},
    "kl_divergence": {
        "0 below 1e-8": lambda p, q: np.where(
            lab.kl_divergence(p, q) < 1e-8, 0, lab.kl_divergence(p, q)
        ),
        "p below 1e-200 is 0": tiny_shares_are_nothing,
        "q of 1e-30 at least where p is one-hot": one_hot_above_a_floor,
    },
    "cross_entropy_gradient": {
        "a mean over 500 at most": lambda logits, target: (
            right("cross_entropy_gradient")(logits, target) * max(1, len(target) / 500)
        ),
        "0 in rows that are nearly right": no_small_errors,
    },
    "training_step": {
        "a bias's mean over 50 at most": mean_of_fifty,
        "the old arrays where nothing changes": old_where_nothing_changes,
    },
    "hardmax": {
        "ties counted in a byte": winners_counted_in_a_byte,
        "a column for each row where winners differ": placed_by_class,
    },
    "temperature": {
        "even where differences are small": even_when_hot,
        "whole tau for whole logits": whole_tau_for_whole_logits,
    },
    "gumbel_max": {
        "256 levels of noise": levels_of_a_byte,
        "classes in a byte": lambda logits, rng: (
            (logits + noise(logits.shape, rng)).argmax(axis=1).astype(np.int8)
        ),
    },
    "reinforce": {
        "classes in a byte": estimate(lambda f, p, rng: draw_of(f, p, rng) % 256, lambda r: r),
        "rewards above -1 are positive": estimate(draw_of, lambda r: abs(r) if r > -1 else r),
        "drawn again where nothing is won": estimate(draw_that_pays, lambda r: r),
    },
    "label_smoothing": {
        "none below 1e-3": lambda x, y, eps: right("label_smoothing")(x, y, eps * (eps >= 1e-3)),
        "over the classes that come up": classes_that_come_up,
    },
}


def against_the_largest(p):
    with np.errstate(divide="ignore"):
        logits = np.log(p / p.max(axis=-1, keepdims=True))
    return logits - logits.mean(axis=-1, where=p > 0, keepdims=True)


THIRTEENTH_RIGHT = {"logits_from_probabilities": [against_the_largest]}
