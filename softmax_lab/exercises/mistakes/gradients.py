"""Mistakes in the exercises of chapter 5, gradients."""

import numpy as np

from softmax_lab import numpy as lab
from softmax_lab.exercises.mistakes import naive


def _outer(s):
    return s[..., :, None] * s[..., None, :]


def _diagonal(s):
    return s[..., None] * np.eye(s.shape[-1])


def _matrix(formula):
    """Return a mistaken matrix of a row, or of each row, made from its softmax."""
    return lambda x: formula(lab.softmax(x))


def _columns(x):
    return naive(x, axis=0) if x.ndim > 1 else lab.softmax(x)


SOFTMAX_JACOBIAN = {
    "p (1 - p), entry by entry. How does one logit change the other probabilities?": (
        _matrix(lambda s: s * (1 - s))
    ),
    "only the diagonal. How does one logit change the other probabilities?": (
        _matrix(lambda s: np.diag(s * (1 - s)))
    ),
    "the sign is flipped. Does a probability grow or shrink with its own logit?": (
        _matrix(lambda s: np.outer(s, s) - np.diag(s))
    ),
    "the diagonal term is missing. What must each row sum to?": _matrix(lambda s: -np.outer(s, s)),
    "the outer product is missing. What must each row sum to?": _matrix(np.diag),
    "1 in place of p on the diagonal. What is the derivative of the exponential?": (
        _matrix(lambda s: np.eye(len(s)) - np.outer(s, s))
    ),
    "the Jacobian of log-softmax. Which factor is missing?": (
        _matrix(lambda s: np.eye(len(s)) - s)
    ),
    "the exponentials overflow. Which softmax survives logits of 1000?": (
        lambda x: np.diag(naive(x)) - np.outer(naive(x), naive(x))
    ),
    "x is taken for softmax(x). In which variable is the formula?": (
        lambda x: np.diag(x) - np.outer(x, x)
    ),
}

LOGSUMEXP_HESSIAN = {
    "the gradient, not its derivative. Which shape have second derivatives?": (
        _matrix(lambda s: s)
    ),
    "the sign is flipped. Does logsumexp curve up or down?": (
        _matrix(lambda s: _outer(s) - _diagonal(s))
    ),
    "only the diagonal. What are the mixed derivatives?": _matrix(lambda s: _diagonal(s * (1 - s))),
    "the diagonal term is missing. What must each row sum to?": _matrix(lambda s: -_outer(s)),
    "the outer product is missing. What must each row sum to?": _matrix(_diagonal),
    "p (1 - p), entry by entry. What are the mixed derivatives?": _matrix(lambda s: s * (1 - s)),
    "terms are added, not subtracted. What must each row sum to?": (
        _matrix(lambda s: _diagonal(s) + _outer(s))
    ),
    "the exponentials overflow. Which softmax survives logits of 1000?": (
        lambda x: _diagonal(naive(x)) - _outer(naive(x))
    ),
    "probabilities of columns, not of rows. Along which axis do the classes lie?": (
        lambda x: _diagonal(_columns(x)) - _outer(_columns(x))
    ),
}


def _product(formula):
    """Return a mistaken product of a Jacobian and v, made from the softmax of each row."""
    return lambda x, v: formula(lab.softmax(x), v)


def _sum(values):
    return values.sum(axis=-1, keepdims=True)


SOFTMAX_VJP = {
    "p (1 - p) v, entry by entry. How does one logit change the other probabilities?": (
        _product(lambda s, v: s * (1 - s) * v)
    ),
    "the sum is missing. How does one logit change the other probabilities?": (
        _product(lambda s, v: s * v)
    ),
    "the sum runs over the whole batch. Which entries belong together?": (
        _product(lambda s, v: s * (v - (s * v).sum()))
    ),
    "v is summed without its weights. What is the inner product of p and v?": (
        _product(lambda s, v: s * (v - _sum(v)))
    ),
    "the plain mean of v. Which mean of v does the formula have?": (
        _product(lambda s, v: s * (v - v.mean(axis=-1, keepdims=True)))
    ),
    "the sign is flipped. Does a probability grow with its own logit?": (
        _product(lambda s, v: s * (_sum(s * v) - v))
    ),
    "zero everywhere. That is right only if v is the same for all classes.": (
        _product(lambda s, v: 0 * v)
    ),
    "log-softmax's product. Which function is asked for?": _product(lambda s, v: v - s * _sum(v)),
    "the product for log-softmax's other direction. Is a factor p missing?": (
        _product(lambda s, v: v - _sum(s * v))
    ),
    "softmax of columns, not of rows. Along which axis do the classes lie?": (
        lambda x, v: _columns(x) * (v - (_columns(x) * v).sum(axis=0 if x.ndim > 1 else -1))
    ),
}

SOFTMAX_JVP = {
    **SOFTMAX_VJP,
    "a finite step, not a velocity. What happens when v is halved?": (
        lambda x, v: lab.softmax(x + v) - lab.softmax(x)
    ),
}

LOG_SOFTMAX_VJP = {
    "softmax's product. Which function is asked for?": (
        _product(lambda s, v: s * (v - _sum(s * v)))
    ),
    "the sum is missing. Every logit moves every log-probability.": (
        _product(lambda s, v: v - s * v)
    ),
    "the mean of v, not the sum. What does the result sum to?": (
        _product(lambda s, v: v - s * v.mean(axis=-1, keepdims=True))
    ),
    "v is weighted by p before it is summed. That is the other direction, J v.": (
        _product(lambda s, v: v - _sum(s * v))
    ),
    "the sum runs over the whole batch. Which entries belong together?": (
        _product(lambda s, v: v - s * v.sum())
    ),
    "the sign is flipped. Does a log-probability grow with its own logit?": (
        _product(lambda s, v: s * _sum(v) - v)
    ),
    "p is missing. How much of the sum goes to each class?": _product(lambda s, v: v - _sum(v)),
    "v comes back unchanged. What does the normaliser do?": lambda x, v: v.copy(),
    "zero everywhere. That is right only if v is a multiple of p.": lambda x, v: 0 * v,
}


def _differences(quotient):
    """Return mistaken finite differences; `quotient(f, x, step)` is one coordinate's."""
    return lambda f, x: np.array([quotient(f, x, step) for step in 1e-5 * np.eye(len(x))])


def _diagonal_slope(f, x):
    x = x.astype(float)
    return (f(x + 1e-5) - f(x - 1e-5)) / 2e-5


def _added(x, step):
    """Add a step to a copy of x in place, which an array of integers refuses."""
    copy = x.copy() if x.dtype.kind in "iu" else x.astype(float)
    copy += step
    return copy


FINITE_DIFFERENCES = {
    "divided by one step. How far apart are the two points?": _differences(
        lambda f, x, step: (f(x + step) - f(x - step)) / 1e-5
    ),
    "not divided by the distance of the two points. What is a slope?": _differences(
        lambda f, x, step: f(x + step) - f(x - step)
    ),
    "the sign is flipped. Which point comes first in the difference?": _differences(
        lambda f, x, step: (f(x - step) - f(x + step)) / 2e-5
    ),
    "all coordinates move at once. Nudge one and keep the others still.": _differences(
        lambda f, x, step: _diagonal_slope(f, x)
    ),
    "an array of integers takes no fractions. Which dtype has the copy you nudge?": _differences(
        lambda f, x, step: (f(_added(x, step)) - f(_added(x, -step))) / 2e-5
    ),
    "zero everywhere. Do the two points differ at all?": (lambda f, x: np.zeros(len(x))),
    "one number, the slope along the diagonal. One for each coordinate is asked for.": (
        lambda f, x: _diagonal_slope(f, x)
    ),
    "the values of f, not its slopes. What is a slope?": _differences(
        lambda f, x, step: f(x + step)
    ),
}
