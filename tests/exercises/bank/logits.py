"""Answers to the exercises of chapter 2, as readers write them: right ones, and wrong ones."""

import itertools
import math

import numpy as np
from scipy import optimize, special


def centred_rows(p):
    flat = p.reshape(-1, p.shape[-1])
    out = np.full(flat.shape, -np.inf)
    for row, values in zip(out, flat, strict=True):
        seen = values > 0
        row[seen] = np.log(values[seen]) - np.log(values[seen]).mean()
    return out.reshape(p.shape)


def centred_by_nanmean(p):
    with np.errstate(divide="ignore"):
        logits = np.log(p)
    mean = np.nanmean(np.where(np.isinf(logits), np.nan, logits), axis=-1, keepdims=True)
    return logits - mean


def masked_row_by_row(x, allowed):
    out = np.zeros(x.shape)
    for place in np.ndindex(x.shape[:-1]):
        if allowed[place].any():
            out[place][allowed[place]] = special.softmax(x[place][allowed[place]])
    return out


def masked_then_mended(x, allowed):
    with np.errstate(invalid="ignore"):
        return np.nan_to_num(special.softmax(np.where(allowed, x, -np.inf), axis=-1))


def masked_with_ma(x, allowed):
    hidden = np.where(allowed, x, -np.inf)
    top = np.where(allowed.any(-1), hidden.max(-1), 0.0)[..., None]
    weights = np.exp(hidden - top)
    total = weights.sum(-1, keepdims=True)
    return weights / np.maximum(total, 1e-300)


def shift_by_any_maximum(x, allowed):
    weights = np.exp(x - x.max(axis=-1, keepdims=True))
    weights[~allowed] = 0
    sums = weights.sum(axis=-1, keepdims=True)
    empty = ~allowed.any(axis=-1, keepdims=True)
    return np.where(empty, 0, weights / sums)


def sigmoid_by_cases(z):
    small = np.exp(-abs(z))
    return np.where(z >= 0, 1, small) / (1 + small)


def sigmoid_by_softmax(z):
    return special.softmax(np.stack([z, 0 * z]), axis=0)[0]


def loss_at(temperature, logits, target):
    log_p = special.log_softmax(logits / temperature, axis=-1)
    return -log_p[np.arange(len(target)), target].mean()


def by_scipy(logits, target):
    found = optimize.minimize_scalar(
        lambda log_t: loss_at(np.exp(log_t), logits, target),
        bounds=(np.log(0.01), np.log(100)),
        method="bounded",
        options={"xatol": 1e-9},
    )
    return np.exp(found.x)


def by_finer_grids(logits, target):
    low, high = 0.01, 100.0
    for _ in range(12):
        grid = np.geomspace(low, high, 41)
        best = np.argmin([loss_at(t, logits, target) for t in grid])
        low, high = grid[max(best - 1, 0)], grid[min(best + 1, 40)]
    return math.sqrt(low * high)


def by_newton(logits, target):
    beta, x = 0.1, logits - logits.mean(axis=-1, keepdims=True)
    for _ in range(200):
        p = special.softmax(beta * x, axis=-1)
        mean = (p * x).sum(-1)
        slope = (mean - x[np.arange(len(target)), target]).mean()
        curvature = ((p * x**2).sum(-1) - mean**2).mean()
        beta = max(beta / 2, min(2 * beta, beta - slope / curvature))
    return 1 / beta


def grid_of_tenths(logits, target):
    best, lowest = None, np.inf
    for tenths in range(1, 101):
        value = loss_at(tenths / 10, logits, target)
        if value < lowest:
            best, lowest = tenths / 10, value
    return best


def brier_temperature(logits, target):
    hot = np.eye(logits.shape[1])[target]

    def brier(log_t):
        return ((special.softmax(logits / np.exp(log_t), axis=-1) - hot) ** 2).mean()

    found = optimize.minimize_scalar(
        brier, bounds=(-3, 4), method="bounded", options={"xatol": 1e-10}
    )
    return np.exp(found.x)


def confidence_meets_accuracy(logits, target):
    accuracy = np.mean(np.argmax(logits, axis=-1) == target)
    return optimize.brentq(
        lambda t: special.softmax(logits / t, axis=-1).max(axis=-1).mean() - accuracy,
        0.01,
        100,
        xtol=1e-12,
    )


def ece(p, target, bins=10, weighted=True, power=1, top=1.0, confidence=None, absolute=True):
    confidence = p.max(axis=1) if confidence is None else confidence
    right = p.argmax(axis=1) == target
    edges = np.linspace(0, 1, bins + 1)
    total, used = 0.0, 0
    for low, high in itertools.pairwise(edges):
        inside = (confidence >= low) & ((confidence < high) | ((high == 1.0) & (confidence == top)))
        if inside.any():
            gap = right[inside].mean() - confidence[inside].mean()
            gap = abs(gap) ** power if absolute else gap
            total += gap * (inside.mean() if weighted else 1)
            used += 1
    return total if weighted else total / used


def ece_by_histogram(p, target):
    confidence, right = p.max(-1), (p.argmax(-1) == target).astype(float)
    index = np.clip(np.floor(confidence * 10).astype(int), 0, 9)
    hits = np.bincount(index, weights=right, minlength=10)
    hopes = np.bincount(index, weights=confidence, minlength=10)
    return np.abs(hits - hopes).sum() / len(p)


def ece_with_digitize(p, target, right=False):
    confidence = p.max(1)
    index = np.digitize(confidence, np.linspace(0, 1, 11)[1:-1], right=right)
    total = 0
    for b in set(index.tolist()):
        chosen = index == b
        accuracy = np.mean(np.argmax(p, 1)[chosen] == target[chosen])
        total += chosen.sum() / len(p) * abs(accuracy - confidence[chosen].mean())
    return total


RIGHT = {
    "logits_from_probabilities": [
        centred_rows,
        centred_by_nanmean,
        lambda p: np.log(p) - np.ma.log(p).mean(axis=-1, keepdims=True).filled(0),
    ],
    "masked_softmax": [masked_row_by_row, masked_then_mended, masked_with_ma],
    "sigmoid_as_softmax": [
        sigmoid_by_cases,
        sigmoid_by_softmax,
        special.expit,
        lambda z: np.exp(-np.logaddexp(0, -z)),
    ],
    "log_odds": [
        special.logit,
        lambda p: np.log(p / (1 - p)),
        lambda p: np.log(p) - np.log(1 - p),
        lambda p: -np.log((1 - p) / p),
    ],
    "fit_temperature": [by_scipy, by_finer_grids, by_newton],
    "calibration_error": [ece, ece_by_histogram, ece_with_digitize],
}

WRONG = {
    "logits_from_probabilities": [
        ("the logarithms are not centred", lambda p: np.log(p)),
        (
            "the mean of a row with a 0 is -inf",
            lambda p: np.log(p) - np.mean(np.log(p), axis=-1)[..., None],
        ),
        (
            "a logarithm to base 2",
            lambda p: np.log2(p) - np.mean(np.log2(p), axis=-1, keepdims=True, where=p > 0),
        ),
        ("log-odds of each entry", special.logit),
        ("the largest logit is 0, not the mean", lambda p: np.log(p / p.max(-1, keepdims=True))),
        (
            "one mean for the whole batch",
            lambda p: np.log(p) - np.mean(np.log(p), where=p > 0),
        ),
        (
            "centred before the logarithm",
            lambda p: np.log(p) - np.log(p.mean(axis=-1, keepdims=True)),
        ),
    ],
    "masked_softmax": [
        ("the mask is upside down", lambda x, allowed: masked_row_by_row(x, ~allowed)),
        (
            "masked after the softmax, and not shared out again",
            lambda x, allowed: np.where(allowed, special.softmax(x, axis=-1), 0),
        ),
        (
            "a hidden logit becomes 0, and e to the 0 is 1",
            lambda x, allowed: special.softmax(np.where(allowed, x, 0), axis=-1),
        ),
        (
            "a row with nothing allowed gives nan",
            lambda x, allowed: special.softmax(np.where(allowed, x, -np.inf), axis=-1),
        ),
        (
            "a row with nothing allowed is uniform",
            lambda x, allowed: special.softmax(np.where(allowed, x, np.finfo(float).min), axis=-1),
        ),
        ("the shift is a hidden logit's", shift_by_any_maximum),
        ("the mask is ignored", lambda x, allowed: special.softmax(x, axis=-1)),
    ],
    "sigmoid_as_softmax": [
        ("the probability of the second class", lambda z: special.expit(-z)),
        ("a softmax over all entries of z", special.softmax),
        (
            "the pair is (z, -z): the gap is doubled",
            lambda z: special.softmax(np.stack([z, -z], axis=-1), axis=-1)[..., 0],
        ),
        (
            "the pair is (z, 1)",
            lambda z: special.softmax(np.stack([z, np.ones_like(z)], -1), axis=-1)[..., 0],
        ),
        ("the exponential of a large z overflows", lambda z: np.exp(z) / (1 + np.exp(z))),
        (
            "both probabilities come back",
            lambda z: special.softmax(np.stack([z, np.zeros_like(z)], -1), axis=-1),
        ),
        ("the hyperbolic tangent", np.tanh),
    ],
    "log_odds": [
        ("the logarithm of p alone", lambda p: np.log(p)),
        ("the odds, without a logarithm", lambda p: p / (1 - p)),
        ("no against yes", lambda p: np.log((1 - p) / p)),
        ("a logarithm to base 2", lambda p: np.log2(p / (1 - p))),
        ("a logarithm to base 10", lambda p: np.log10(p / (1 - p))),
        (
            "the ends are clipped",
            lambda p: special.logit(np.clip(p, 1e-320, 1 - 1e-12)),
        ),
        ("the sigmoid, the inverse of what is asked for", special.expit),
    ],
    "fit_temperature": [
        ("the inverse: logits are multiplied by it", lambda x, y: 1 / by_scipy(x, y)),
        ("the logarithm of the temperature", lambda x, y: np.log(by_scipy(x, y))),
        ("1, whatever the logits: nothing is fitted", lambda x, y: 1),
        ("never below 1", lambda x, y: max(by_finer_grids(x, y), 1.0)),
        ("the grid is too coarse", grid_of_tenths),
        ("the mean confidence is matched to the accuracy", confidence_meets_accuracy),
        ("the squared error is smallest here", brier_temperature),
    ],
    "calibration_error": [
        (
            "an edge belongs to the bin below",
            lambda p, target: ece_with_digitize(p, target, right=True),
        ),
        (
            "bins are not weighted by their samples",
            lambda p, target: ece(p, target, weighted=False),
        ),
        ("distances of opposite sign cancel", lambda p, target: ece(p, target, absolute=False)),
        ("distances are squared", lambda p, target: ece(p, target, power=2)),
        (
            "one bin for all",
            lambda p, target: abs(np.mean(p.argmax(1) == target) - p.max(1).mean()),
        ),
        ("five bins", lambda p, target: ece(p, target, bins=5)),
        ("confidence 1 falls out of the bins", lambda p, target: ece(p, target, top=None)),
        (
            "the true class's probability, not the largest one",
            lambda p, target: ece(p, target, confidence=p[range(len(p)), target]),
        ),
        (
            "each sample is a bin of its own",
            lambda p, target: np.mean(np.abs(p.max(1) - (p.argmax(1) == target))),
        ),
    ],
}
