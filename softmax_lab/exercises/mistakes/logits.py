"""Mistakes in the exercises of chapter 2, logits."""

import numpy as np

from softmax_lab import numpy as lab
from softmax_lab.exercises.mistakes import pick


def _finite_mean(log_p):
    return np.mean(log_p, axis=-1, keepdims=True, where=np.isfinite(log_p))


LOGITS_FROM_PROBABILITIES = {
    "the logarithms are not centred. What is their mean over a row?": lambda p: np.log(p),
    "the mean of a row with a 0 is -inf. Which entries should the mean run over?": (
        lambda p: np.log(p) - np.log(p).mean(axis=-1, keepdims=True)
    ),
    "a logarithm to base 2. Which base undoes the exponential in softmax?": (
        lambda p: np.log2(p) - _finite_mean(np.log2(p))
    ),
    "log-odds of each entry. Softmax is inverted by a plain logarithm, up to a constant.": (
        lambda p: np.log(p) - np.log1p(-p)
    ),
    "the largest logit is 0, not the mean. What has to be 0?": (
        lambda p: np.log(p) - np.log(p).max(axis=-1, keepdims=True)
    ),
    "one mean for the whole batch. Softmax forgets one constant a row.": (
        lambda p: np.log(p) - np.log(p)[p > 0].mean()
    ),
    "the sum is subtracted, not the mean. What is the mean of the result?": (
        lambda p: np.log(p) - np.log(p).sum(axis=-1, keepdims=True, where=p > 0)
    ),
    "centred before the logarithm. What has to have mean 0: p, or its logarithm?": (
        lambda p: np.log(p / p.mean(axis=-1, keepdims=True))
    ),
    "zeros count in the mean as if their logit were 0. How many entries are finite?": (
        lambda p: np.log(p) - np.log(np.where(p > 0, p, 1)).mean(axis=-1, keepdims=True)
    ),
}

MASKED_SOFTMAX = {
    "the mask is upside down. What does True mean here?": (
        lambda x, allowed: lab.softmax(x, where=~allowed)
    ),
    "masked after the softmax, and not shared out again. What do the rows sum to?": (
        lambda x, allowed: lab.softmax(x) * allowed
    ),
    "a hidden logit becomes 0, and e to the 0 is 1. Which logit has probability 0?": (
        lambda x, allowed: lab.softmax(np.where(allowed, x, 0))
    ),
    "the mask is ignored. Which entries may be positive?": lambda x, allowed: lab.softmax(x),
    "a row with nothing allowed gives nan. What does -inf - (-inf) give, or 0 / 0?": (
        lambda x, allowed: lab.softmax(np.where(allowed, x, -np.inf))
    ),
    "a row with nothing allowed is uniform. Is a large negative number hidden well enough?": (
        lambda x, allowed: lab.softmax(np.where(allowed, x, np.finfo(float).min))
    ),
    "hidden logits are -1e9, and lower ones lose against them. What is below all numbers?": (
        lambda x, allowed: np.where(
            allowed.any(axis=-1, keepdims=True), lab.softmax(np.where(allowed, x, -1e9)), 0
        )
    ),
    "hidden logits leak: they are lowered, not hidden. What if a hidden one is 1000?": (
        lambda x, allowed: lab.softmax(np.where(allowed, x, x - 10))
    ),
    "the shift is a hidden logit's. Over which entries should the maximum run?": (
        lambda x, allowed: _weights_over_sum(x, allowed, x.max(axis=-1, keepdims=True))
    ),
    "one maximum for the whole batch. What is left of a row that lies 1000 below it?": (
        lambda x, allowed: _weights_over_sum(x, allowed, x[allowed].max())
    ),
    "one denominator for the whole batch. Which entries compete with each other?": (
        lambda x, allowed: np.exp(x) * allowed / (np.exp(x) * allowed).sum()
    ),
}


def _weights_over_sum(x, allowed, shift):
    weights = np.exp(x - shift) * allowed
    total = weights.sum(axis=-1, keepdims=True)
    return np.where(allowed.any(axis=-1, keepdims=True), weights / total, 0)


SIGMOID_AS_SOFTMAX = {
    "the probability of the second class. Which place has z in the pair?": (
        lambda z: lab.sigmoid(-z)
    ),
    "a softmax over all entries of z. Each entry is a model with two classes of its own.": (
        lambda z: lab.softmax(z, axis=None)
    ),
    "the pair is (z, -z): the gap is doubled. What is the second logit?": (
        lambda z: lab.sigmoid(2 * z)
    ),
    "the pair is (z, 1). Which number has the exponential 1?": lambda z: lab.sigmoid(z - 1),
    "the exponential of a large z overflows. Which shift keeps both exponentials finite?": (
        lambda z: np.exp(z) / (np.exp(z) + 1)
    ),
    "both probabilities come back. Only that of the first class is asked for.": (
        lambda z: np.stack([lab.sigmoid(z), lab.sigmoid(-z)], axis=-1)
    ),
    "a step, not a softmax. What is the probability at z = 0.1?": (
        lambda z: np.where(z > 0, 1.0, np.where(z < 0, 0.0, 0.5))
    ),
    "the hyperbolic tangent. Probabilities are not negative.": lambda z: np.tanh(z),
    "the logarithm of the probability. Probabilities are not negative.": (
        lambda z: -np.logaddexp(0, -z)
    ),
}

LOG_ODDS = {
    "the logarithm of p alone. What are the odds?": lambda p: np.log(p),
    "the odds, without a logarithm. What are the log-odds of an even chance?": lambda p: (
        p / (1 - p)
    ),
    "no against yes. Which of the two is likelier when p is 0.75?": (
        lambda p: np.log1p(-p) - np.log(p)
    ),
    "a logarithm to base 2. Nats are asked for.": lambda p: np.log2(p) - np.log2(1 - p),
    "a logarithm to base 10. Nats are asked for.": lambda p: np.log10(p) - np.log10(1 - p),
    "the logarithm of the other outcome alone. What are the odds?": lambda p: -np.log1p(-p),
    "logarithms are added, not subtracted. What is the logarithm of a quotient?": (
        lambda p: np.log(p) + np.log1p(-p)
    ),
    "the sigmoid, the inverse of what is asked for. Log-odds are unbounded.": (
        lambda p: 1 / (1 + np.exp(-p))
    ),
}


def tuned(goal, low=0.01, high=100.0):
    """Return where the rising function `goal` of the temperature crosses 0, by bisection."""
    for _ in range(60):
        middle = np.sqrt(low * high)
        low, high = (low, middle) if goal(middle) > 0 else (middle, high)
    return middle


def best_temperature(logits, target):
    """Return the temperature at which the mean logit under softmax is that of the targets."""
    true = pick(logits, target).mean()
    return tuned(lambda t: true - (lab.softmax(logits / t) * logits).sum(axis=-1).mean())


def _coarse(logits, target):
    grid = np.arange(1, 101) / 10
    return grid[np.argmin([lab.cross_entropy(logits / t, target) for t in grid])]


def _least_squares(logits, target):
    def loss(t):
        return ((lab.softmax(logits / t) - lab.one_hot(target, logits.shape[1])) ** 2).mean()

    return tuned(lambda t: loss(1.0001 * t) - loss(t / 1.0001))


def _confidence_is_accuracy(logits, target):
    accuracy = (logits.argmax(axis=-1) == target).mean()
    return tuned(lambda t: accuracy - lab.softmax(logits / t).max(axis=-1).mean())


FIT_TEMPERATURE = {
    "the inverse: logits are multiplied by it. Divide by the temperature.": (
        lambda x, y: 1 / best_temperature(x, y)
    ),
    "the logarithm of the temperature. A temperature is positive.": (
        lambda x, y: np.log(best_temperature(x, y))
    ),
    "1, whatever the logits: nothing is fitted. What changes with the temperature?": (
        lambda x, y: 1.0
    ),
    "never below 1. An underconfident model needs a temperature below 1.": (
        lambda x, y: max(1.0, best_temperature(x, y))
    ),
    "never above 1. An overconfident model needs a temperature above 1.": (
        lambda x, y: min(1.0, best_temperature(x, y))
    ),
    "the grid is too coarse. Search again between the neighbours of the best one.": (_coarse),
    "the mean confidence is matched to the accuracy. What is to be smallest?": (
        _confidence_is_accuracy
    ),
    "the squared error is smallest here. Which loss is asked for?": (_least_squares),
}


def _bins(confidence, right, count=10, distance=abs, last=None):
    index = np.floor(confidence * count).astype(int)
    index = np.minimum(index, count - 1) if last is None else index
    members = [index == b for b in range(count) if (index == b).any()]
    gaps = [distance(right[m].mean() - confidence[m].mean()) for m in members]
    return np.array(gaps), np.array([m.sum() for m in members]) / len(right)


def _binned(p, target, **options):
    return _bins(p.max(axis=-1), p.argmax(axis=-1) == target, **options)


def calibration(p, target, **options):
    """Return the expected calibration error, with options for getting it wrong."""
    gaps, weights = _binned(p, target, **options)
    return (gaps * weights).sum()


def _edge_below(p, target):
    bins = np.clip(np.ceil(p.max(axis=-1) * 10), 0, 10).astype(int)  # what if p is no share?
    gaps = np.bincount(bins, weights=(p.argmax(axis=-1) == target) - p.max(axis=-1))
    return abs(gaps).sum() / len(target)


def _middles(p, target):
    bins = np.minimum((p.max(axis=-1) * 10).astype(int), 9)
    off = (p.argmax(axis=-1) == target) - (bins + 0.5) / 10
    return abs(np.bincount(bins, weights=off)).sum() / len(target)


CALIBRATION_ERROR = {
    "the middle of a bin, not the mean confidence in it. Which confidences are there?": _middles,
    "an edge belongs to the bin below. To which one should it belong?": _edge_below,
    "bins are not weighted by their samples. Does a bin with one sample count like a full one?": (
        lambda p, y: _binned(p, y)[0].mean()
    ),
    "distances of opposite sign cancel. What is a distance?": (
        lambda p, y: calibration(p, y, distance=lambda gap: gap)
    ),
    "distances are squared. The plain distance is asked for.": (
        lambda p, y: calibration(p, y, distance=np.square)
    ),
    "the largest distance (the maximum calibration error). The weighted mean is asked for.": (
        lambda p, y: _binned(p, y)[0].max()
    ),
    "one bin for all. How many are asked for?": lambda p, y: calibration(p, y, count=1),
    "five bins. How many are asked for?": lambda p, y: calibration(p, y, count=5),
    "confidence 1 falls out of the bins. Which bin does it belong in?": (
        lambda p, y: calibration(p, y, last="open")
    ),
    "the true class's probability, not the largest one. What is a sample's confidence?": (
        lambda p, y: np.dot(*_bins(pick(p, y), p.argmax(axis=-1) == y))
    ),
    "each sample is a bin of its own. What can a single sample say about calibration?": (
        lambda p, y: abs((p.argmax(axis=-1) == y) - p.max(axis=-1)).mean()
    ),
}
