"""Mistakes in the exercises of chapter 1, the definition."""

import numpy as np

from softmax_lab import numpy as lab
from softmax_lab.exercises.mistakes import naive

LINEAR_LAYER = {
    "the bias is missing. What are the scores when x is 0?": (lambda x, w, b: x @ w.T),
    "the bias is subtracted. Which sign has the bias in the formula?": (
        lambda x, w, b: x @ w.T - b
    ),
    "the scores are multiplied by the bias. A bias shifts the scores. What are they when x is 0?": (
        lambda x, w, b: (x @ w.T) * b
    ),
    "the weight is not transposed. Write the shapes under the product: which axes must meet?": (
        lambda x, w, b: x @ w + b
    ),
    "the result is transposed: one row for each class. One row for each sample is asked for.": (
        lambda x, w, b: w @ x.T + b[:, None]
    ),
    "softmax is already applied. Scores need not be positive, nor sum to 1.": (
        lambda x, w, b: lab.softmax(x @ w.T + b)
    ),
    "only the first sample is computed. How many rows has x?": (lambda x, w, b: x[0] @ w.T + b),
}

SOFTMAX_DEFINITION = {
    "the exponentials are not normalised. What must the sum be?": (lambda x: np.exp(x)),
    "shares of the scores, without exponentials. What happens to a negative score?": (
        lambda x: x / x.sum()
    ),
    "shares of the absolute values. Must two scores of opposite sign get the same share?": (
        lambda x: abs(x) / abs(x).sum()
    ),
    "powers of 2 in place of powers of e. Which base has the exponential function?": (
        lambda x: 2**x / (2**x).sum()
    ),
    "a sigmoid of each score. Each score has to be compared with all the others.": (
        lambda x: 1 / (1 + np.exp(-x))
    ),
    "the smallest score gets the largest share. Which sign has the exponent?": (
        lambda x: naive(-x)
    ),
    "divided by the largest exponential, not by their sum. What must the shares sum to?": (
        lambda x: np.exp(x) / np.exp(x).max()
    ),
    "the logarithm of softmax. Shares are positive.": (lambda x: np.log(naive(x))),
    "divided by the mean of the exponentials, not by their sum. What must the shares sum to?": (
        lambda x: np.exp(x) / np.exp(x).mean()
    ),
}

BATCH_SOFTMAX = {
    "one denominator for the whole batch. Which entries compete with each other?": (
        lambda x: np.exp(x) / np.exp(x).sum()
    ),
    "columns sum to 1, not rows. Along which axis do the classes lie?": (
        lambda x: naive(x, axis=0)
    ),
    "row sums divide columns. Which shape has the sum, and which one does the division need?": (
        lambda x: np.exp(x) / np.exp(x).sum(axis=1)
    ),
    "every row is divided by the first row's sum. Each row has a sum of its own.": (
        lambda x: np.exp(x) / np.exp(x[0]).sum()
    ),
    "shares of the scores, without exponentials. What happens to a negative score?": (
        lambda x: x / x.sum(axis=1, keepdims=True)
    ),
    "the exponentials are not normalised. What must each row sum to?": (lambda x: np.exp(x)),
    "softmax is applied twice. Once is enough.": (lambda x: naive(naive(x))),
    "the result is transposed. One row for each sample.": (lambda x: naive(x).T),
}

PREDICT = {
    "the smallest logit wins. Which logit belongs to the likeliest class?": (
        lambda x: x.argmin(axis=-1)
    ),
    "the value of the largest logit, not its place. An index is asked for.": (
        lambda x: x.max(axis=-1)
    ),
    "the largest probability, not its class. An index is asked for.": (
        lambda x: naive(x).max(axis=-1)
    ),
    "the argmax runs along the wrong axis. Along which axis do the classes lie?": (
        lambda x: x.argmax(axis=0)
    ),
    "one index for the whole array. Each row has its own winner.": (lambda x: x.argmax()),
    "on a tie the last one wins. Read what happens on a tie.": (
        lambda x: x.shape[-1] - 1 - x[..., ::-1].argmax(axis=-1)
    ),
    "classes are counted from 1. Which index has the first class?": (
        lambda x: x.argmax(axis=-1) + 1
    ),
    "one-hot rows, not indices. One integer for each row.": (
        lambda x: np.eye(x.shape[-1], dtype=int)[x.argmax(axis=-1)]
    ),
    "the largest absolute value wins. A very negative logit belongs to an unlikely class.": (
        lambda x: abs(x).argmax(axis=-1)
    ),
}

ODDS = {
    "the odds of j against i. Which of the two is on top?": (lambda x, i, j: np.exp(x[j] - x[i])),
    "the logarithm of the odds. A difference of logits is a logarithm. How do you undo it?": (
        lambda x, i, j: x[i] - x[j]
    ),
    "the ratio of the logits. Which function of the logits are the probabilities?": (
        lambda x, i, j: x[i] / x[j]
    ),
    "the exponentials overflow before they meet. Simplify the fraction: what is left?": (
        lambda x, i, j: np.exp(x[i]) / np.exp(x[j])
    ),
    "the probabilities overflow before they meet. Simplify the fraction: what is left?": (
        lambda x, i, j: naive(x)[i] / naive(x)[j]
    ),
    "two probabilities that may both be 0. Simplify the fraction: what is left?": (
        lambda x, i, j: lab.softmax(x)[i] / lab.softmax(x)[j]
    ),
    "the odds against all other classes together. Only class j is on the other side.": (
        lambda x, i, j: np.exp(x[i]) / (np.exp(x).sum() - np.exp(x[i]))
    ),
    "the share of i among the two. How many times likelier? The answer can be above 1.": (
        lambda x, i, j: 1 / (1 + np.exp(x[j] - x[i]))
    ),
    "the probabilities' difference. How many times likelier: a quotient.": (
        lambda x, i, j: naive(x)[i] - naive(x)[j]
    ),
    "always above 1: the sign of the difference is lost. What if class i is the less likely one?": (
        lambda x, i, j: np.exp(abs(x[i] - x[j]))
    ),
}


def _eps(dtype):
    return float(np.finfo(dtype).eps)


SATURATION_GAP = {
    "the whole spacing of floats, not half of it. From where on does 1 + a bit round to 1?": (
        lambda dtype: -np.log(_eps(dtype))
    ),
    "float64 whatever the dtype. Is every step computed in the dtype that was asked for?": (
        lambda dtype: -np.log(_eps(float) / 2)
    ),
    "the gap at which the exponential underflows. Is the share not 1 long before that?": (
        lambda dtype: np.log(2) - np.log(float(np.finfo(dtype).smallest_subnormal))
    ),
    "the gap at which the exponential overflows. Is the share not 1 long before that?": (
        lambda dtype: np.log(float(np.finfo(dtype).max))
    ),
    "a logarithm to base 10. The share has e to the power of the gap in it.": (
        lambda dtype: -np.log10(_eps(dtype) / 2)
    ),
    "a logarithm to base 2. The share has e to the power of the gap in it.": (
        lambda dtype: -np.log2(_eps(dtype) / 2)
    ),
    "the gap has the wrong sign. The winner is ahead: the gap is positive.": (
        lambda dtype: np.log(_eps(dtype) / 2)
    ),
    "the gap is rounded up to a whole number. Is there no smaller one?": (
        lambda dtype: np.ceil(-np.log(_eps(dtype) / 2))
    ),
}
