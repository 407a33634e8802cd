"""Answers to the exercises of chapter 1, as readers write them: right ones, and wrong ones."""

import math

import numpy as np
from scipy import special


def layer_loop(x, weight, bias):
    scores = np.empty((x.shape[0], weight.shape[0]))
    for sample in range(x.shape[0]):
        for label in range(weight.shape[0]):
            scores[sample, label] = np.dot(x[sample], weight[label]) + bias[label]
    return scores


def rows_in_turn(x):
    out = []
    for row in x:
        weights = [math.exp(entry) for entry in row]
        out.append([weight / sum(weights) for weight in weights])
    return out


def first_place_of_maximum(logits):
    best = np.zeros(logits.shape[:-1], dtype=np.int32)
    for place in np.ndindex(best.shape):
        row = list(logits[place])
        best[place] = row.index(max(row))
    return best


def next_floats_until_one(dtype):
    gap = dtype(-np.log(np.finfo(dtype).eps / 2)) * (1 - 8 * np.finfo(dtype).eps)
    gap = dtype(gap)
    while dtype(1) / (dtype(1) + np.exp(-gap)) < 1:
        gap = np.nextafter(gap, dtype(np.inf))
    return gap


def wrong_power_of_ten(dtype):
    for gap in range(1, 100):
        if dtype(1) / (dtype(1) + np.exp(dtype(-gap))) == 1:
            return gap
    return None


RIGHT = {
    "linear_layer": [
        layer_loop,
        lambda x, weight, bias: np.einsum("bn,tn->bt", x, weight) + bias,
        lambda x, weight, bias: (weight @ x.T).T + bias[None, :],
        lambda x, weight, bias: (x @ weight.T + bias).tolist(),
    ],
    "softmax_definition": [
        lambda x: [math.exp(entry) / sum(map(math.exp, x)) for entry in x],
        lambda x: special.softmax(x),
        lambda x: 1 / np.exp(x[None, :] - x[:, None]).sum(axis=1),
        lambda x: np.exp(x - x.max()) / np.exp(x - x.max()).sum(),
    ],
    "batch_softmax": [
        rows_in_turn,
        lambda x: (np.exp(x).T / np.exp(x).sum(axis=1)).T,
        lambda x: special.softmax(x, axis=-1),
        lambda x: np.exp(x) / np.exp(x).sum(axis=1)[:, None],
    ],
    "predict": [
        first_place_of_maximum,
        lambda logits: np.nanargmax(logits, axis=-1),
        lambda logits: np.argmax(logits, -1).tolist(),
        lambda logits: np.argsort(-logits, axis=-1, kind="stable")[..., 0],
    ],
    "odds": [
        lambda x, i, j: math.exp(x[i] - x[j]),
        lambda x, i, j: 1 / np.exp(x[j] - x[i]),
        lambda x, i, j: np.array(np.e ** (x[i] - x[j])),
    ],
    "saturation_gap": [
        lambda dtype: -np.log(np.finfo(dtype).eps / 2),
        next_floats_until_one,
        lambda dtype: float(np.log(2) * (np.finfo(dtype).nmant + 1)),
    ],
}

WRONG = {
    "linear_layer": [
        ("the bias is missing", lambda x, weight, bias: np.dot(x, weight.transpose())),
        ("the bias is subtracted", lambda x, weight, bias: np.dot(x, weight.T) - bias),
        ("the weight is not transposed", lambda x, weight, bias: np.matmul(x, weight) + bias),
        (
            "the result is transposed: one row for each class",
            lambda x, weight, bias: (np.matmul(weight, x.T).T + bias).T,
        ),
        (
            "softmax is already applied",
            lambda x, weight, bias: special.softmax(x @ weight.T + bias, axis=1),
        ),
        ("only the first sample is computed", lambda x, weight, bias: weight @ x[0] + bias),
        (
            "the scores are multiplied by the bias",
            lambda x, weight, bias: np.einsum("bn,tn,t->bt", x, weight, bias),
        ),
    ],
    "softmax_definition": [
        ("the exponentials are not normalised", lambda x: np.e**x),
        ("shares of the scores, without exponentials", lambda x: x / np.sum(x)),
        ("shares of the absolute values", lambda x: np.abs(x) / np.sum(np.abs(x))),
        ("powers of 2 in place of powers of e", lambda x: np.exp2(x) / np.exp2(x).sum()),
        ("a sigmoid of each score", lambda x: special.expit(x)),
        ("the smallest score gets the largest share", lambda x: special.softmax(-x)),
        (
            "divided by the largest exponential, not by their sum",
            lambda x: np.exp(x) / max(np.exp(x)),
        ),
        ("the logarithm of softmax", lambda x: x - np.log(np.exp(x).sum())),
    ],
    "batch_softmax": [
        ("one denominator for the whole batch", lambda x: special.softmax(x)),
        ("columns sum to 1, not rows", lambda x: special.softmax(x, axis=0)),
        ("row sums divide columns", lambda x: np.exp(x) / np.sum(np.exp(x), axis=1)),
        (
            "every row is divided by the first row's sum",
            lambda x: np.exp(x) / sum(math.exp(entry) for entry in x[0]),
        ),
        ("the exponentials are not normalised", np.exp),
        ("softmax is applied twice", lambda x: special.softmax(special.softmax(x, 1), 1)),
        ("the result is transposed", lambda x: np.exp(x.T) / np.exp(x.T).sum(axis=0)),
    ],
    "predict": [
        ("the smallest logit wins", lambda logits: np.argmin(logits, axis=-1)),
        ("the value of the largest logit, not its place", lambda logits: np.max(logits, axis=-1)),
        ("the argmax runs along the wrong axis", lambda logits: np.argmax(logits, axis=0)),
        ("one index for the whole array", lambda logits: int(np.argmax(logits))),
        (
            "on a tie the last one wins",
            lambda logits: np.argsort(logits, axis=-1, kind="stable")[..., -1],
        ),
        ("classes are counted from 1", lambda logits: 1 + np.argmax(logits, axis=-1)),
        (
            "one-hot rows, not indices",
            lambda logits: (
                np.arange(logits.shape[-1]) == np.argmax(logits, axis=-1, keepdims=True)
            ).astype(int),
        ),
    ],
    "odds": [
        ("the odds of j against i", lambda x, i, j: math.e ** (x[j] - x[i])),
        ("the logarithm of the odds", lambda x, i, j: x[i] - x[j]),
        ("the ratio of the logits", lambda x, i, j: x[i] / x[j]),
        (
            "the probabilities overflow before they meet",
            lambda x, i, j: (np.exp(x) / np.exp(x).sum())[i] / (np.exp(x) / np.exp(x).sum())[j],
        ),
        ("the share of i among the two", lambda x, i, j: special.expit(x[i] - x[j])),
        (
            "always above 1: the sign of the difference is lost",
            lambda x, i, j: np.exp(abs(x[j] - x[i])),
        ),
    ],
    "saturation_gap": [
        (
            "the whole spacing of floats, not half of it",
            lambda dtype: np.log(1 / np.finfo(dtype).eps),
        ),
        ("float64 whatever the dtype", lambda dtype: 53 * math.log(2)),
        ("the gap at which the exponential overflows", lambda dtype: np.log(np.finfo(dtype).max)),
        ("a logarithm to base 10", lambda dtype: np.log10(2 / np.finfo(dtype).eps)),
        ("a logarithm to base 2", lambda dtype: float(np.finfo(dtype).nmant + 1)),
        ("the gap is rounded up to a whole number", wrong_power_of_ten),
        ("the gap has the wrong sign", lambda dtype: np.log(np.finfo(dtype).eps / 2)),
    ],
}
