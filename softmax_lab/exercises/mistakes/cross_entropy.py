"""Mistakes in the exercises of chapter 6, cross-entropy."""

import numpy as np

from softmax_lab import numpy as lab
from softmax_lab.exercises.mistakes import NO_ROOM, naive, pick, surprise, unshifted

CROSS_ENTROPY = {
    NO_ROOM: (lambda x, y: -pick(unshifted(x), y).mean()),
    "the sum over the batch, not the mean. What if the batch is twice as long?": (
        lambda x, y: surprise(x, y).sum()
    ),
    "the minus is missing. Can a loss be negative?": lambda x, y: -surprise(x, y).mean(),
    "a logarithm to base 2: bits. Nats are asked for.": lambda x, y: (
        surprise(x, y).mean() / np.log(2)
    ),
    "softmax is applied twice. Does your log-softmax get logits, or probabilities?": (
        lambda x, y: surprise(lab.softmax(x), y).mean()
    ),
    "the logarithm of a softmax that underflows. Which step undoes which?": (
        lambda x, y: -np.log(pick(lab.softmax(x), y)).mean()
    ),
    "the exponentials overflow. What can you subtract from each row?": (
        lambda x, y: -np.log(pick(naive(x), y)).mean()
    ),
    "the logits are taken for log-probabilities. Do their exponentials sum to 1?": (
        lambda x, y: -pick(x, y).mean()
    ),
    "the mean over all classes. Which class's surprise counts?": (
        lambda x, y: -lab.log_softmax(x).mean()
    ),
    "the surprise at the predicted class, not the true one. Where is the target?": (
        lambda x, y: surprise(x, x.argmax(axis=-1)).mean()
    ),
    "one loss for each sample. Their mean is asked for.": surprise,
    "divided by the number of classes too. Over how many samples is the mean?": (
        lambda x, y: surprise(x, y).mean() / x.shape[1]
    ),
    "1 - p of the true class, not its surprise. Where is the logarithm?": (
        lambda x, y: (1 - pick(lab.softmax(x), y)).mean()
    ),
    "one normaliser for the whole batch. Which entries compete with each other?": (
        lambda x, y: -pick(lab.log_softmax(x, axis=None), y).mean()
    ),
}


def _error(x, y):
    return lab.softmax(x) - lab.one_hot(y, x.shape[1])


def _every_column(x, y):
    p = lab.softmax(x)
    p[:, y] -= 1
    return p / len(y)


CROSS_ENTROPY_GRADIENT = {
    "the mean is missing. What is the gradient of a mean over B samples?": _error,
    "the sign is flipped. Does the loss fall when the true logit grows?": (
        lambda x, y: -_error(x, y) / len(y)
    ),
    "the target is missing. What should the gradient be when p is right?": (
        lambda x, y: lab.softmax(x) / len(y)
    ),
    "divided by the number of entries, not of samples. Over what is the mean?": (
        lambda x, y: _error(x, y) / x.size
    ),
    "squared error's gradient. Where has the factor p (1 - p) gone in cross-entropy?": (
        lambda x, y: lab.softmax_vjp(x, _error(x, y)) / len(y)
    ),
    "1 is subtracted in every row, at all targets. How do you pick one entry of each row?": (
        _every_column
    ),
    "softmax is applied twice. Once is enough.": (
        lambda x, y: (lab.softmax(lab.softmax(x)) - lab.one_hot(y, x.shape[1])) / len(y)
    ),
    "the exponentials overflow. Which softmax survives logits of 1000?": (
        lambda x, y: (naive(x) - lab.one_hot(y, x.shape[1])) / len(y)
    ),
    "zero everywhere. When is the gradient zero?": lambda x, y: np.zeros_like(x),
    "x less the target. Which function of x is compared with the target?": (
        lambda x, y: (x - lab.one_hot(y, x.shape[1])) / len(y)
    ),
    "one softmax for the whole batch. Which entries compete with each other?": (
        lambda x, y: (lab.softmax(x, axis=None) - lab.one_hot(y, x.shape[1])) / len(y)
    ),
    "the target's entries alone. What do the other classes get?": (
        lambda x, y: _error(x, y) * lab.one_hot(y, x.shape[1]) / len(y)
    ),
}


def step(weight, bias, x, y, rate, *, scale=1.0, weights=1.0, biases=1.0, errors=_error):
    """Return the arrays after one step, with options for getting it wrong."""
    error = scale * errors(x @ weight.T + bias, y) / len(y)
    return weight - weights * rate * error.T @ x, bias - biases * rate * error.sum(axis=0)


def _training(**options):
    return lambda weight, bias, x, y, rate: step(weight, bias, x, y, rate, **options)


TRAINING_STEP = {
    "uphill: the gradient is added. In which direction does the loss fall?": _training(scale=-1),
    "the step size is ignored. How long is the step?": (
        lambda w, b, x, y, rate: step(w, b, x, y, 1.0)
    ),
    "the mean over the batch is missing. What if the batch is twice as long?": (
        lambda w, b, x, y, rate: step(w, b, x, y, rate * len(y))
    ),
    "the bias stays as it was. Which parameters has the model?": _training(biases=0),
    "the weight stays as it was. Which parameters has the model?": _training(weights=0),
    "squared error's gradient. Which loss is asked for?": (
        _training(errors=lambda z, y: lab.softmax_vjp(z, _error(z, y)))
    ),
    "only the bias's gradient is not averaged. Both are gradients of a mean.": (
        lambda w, b, x, y, rate: (step(w, b, x, y, rate)[0], step(w, b, x, y, rate * len(y))[1])
    ),
    "the bias is left out of the logits. What are the logits?": (
        lambda w, b, x, y, rate: (
            step(w, 0 * b, x, y, rate)[0],
            b + step(w, 0 * b, x, y, rate)[1],
        )
    ),
    "the gradients, not the new parameters. What does a step do with a gradient?": (
        lambda w, b, x, y, rate: tuple(
            (old - new) / rate for old, new in zip((w, b), step(w, b, x, y, rate), strict=True)
        )
    ),
    "the bias comes first. In which order are they asked for?": (
        lambda w, b, x, y, rate: step(w, b, x, y, rate)[::-1]
    ),
    "the target is missing from the error. What should the gradient be when p is right?": (
        _training(errors=lambda z, y: lab.softmax(z))
    ),
}
