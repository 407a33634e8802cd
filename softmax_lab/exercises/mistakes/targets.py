"""Mistakes in the exercises of chapter 6 with targets that are more than one class."""

import numpy as np

from softmax_lab import numpy as lab
from softmax_lab.exercises.mistakes import NO_ROOM, naive, pick, surprise, unshifted


def _where(p, terms):
    return np.where(p > 0, terms, 0)


KL_DIVERGENCE = {
    "p and q are exchanged. Whose classes are drawn?": lambda p, q: lab.kl_divergence(q, p),
    "0 log 0 gives nan. What does a class contribute that never happens?": (
        lambda p, q: (p * np.log(p / q)).sum(axis=-1)
    ),
    "a logarithm to base 2: bits. Nats are asked for.": (
        lambda p, q: lab.kl_divergence(p, q) / np.log(2)
    ),
    "the cross-entropy: p's own entropy is still in it. What is the distance of p from p?": (
        lambda p, q: -_where(p, p * np.log(q)).sum(axis=-1)
    ),
    "the sign is flipped. Can it be negative?": lambda p, q: -lab.kl_divergence(p, q),
    "logarithms are not weighted by p. Over which distribution is the mean?": (
        lambda p, q: _where(p, np.log(p / q)).sum(axis=-1)
    ),
    "the mean over the classes, not the sum. p already weights them.": (
        lambda p, q: lab.kl_divergence(p, q) / p.shape[-1]
    ),
    "one number for the whole batch. One for each row is asked for.": (
        lambda p, q: lab.kl_divergence(p, q).sum()
    ),
    "terms without their sign. Single terms may be negative.": (
        lambda p, q: abs(_where(p, p * np.log(p / q))).sum(axis=-1)
    ),
    "the mean of both directions. It is not symmetric, and need not be.": (
        lambda p, q: (lab.kl_divergence(p, q) + lab.kl_divergence(q, p)) / 2
    ),
    "squared distances. Where is the logarithm?": lambda p, q: ((p - q) ** 2).sum(axis=-1),
}


def _smoothed(x, y, true, other):
    """Return the mean loss with weight `true` at the target and `other` on each other class."""
    hot = lab.one_hot(y, x.shape[1])
    return -(np.where(hot > 0, true, other) * lab.log_softmax(x)).sum(axis=-1).mean()


def _mixed_probabilities(x, y, eps):
    return -np.log((1 - eps) * pick(lab.softmax(x), y) + eps / x.shape[1]).mean()


LABEL_SMOOTHING = {
    NO_ROOM: (
        lambda x, y, eps: (
            -(((1 - eps) * lab.one_hot(y, x.shape[1]) + eps / x.shape[1]) * unshifted(x))
            .sum(axis=-1)
            .mean()
        )
    ),
    "epsilon is shared by the other classes only. Is the true class not one of all?": (
        lambda x, y, eps: _smoothed(x, y, 1 - eps, eps / max(x.shape[1] - 1, 1))
    ),
    "the true class has weight 1 - epsilon only. It has a share of epsilon as well.": (
        lambda x, y, eps: _smoothed(x, y, 1 - eps, eps / x.shape[1])
    ),
    "the true class keeps weight 1. What must the weights sum to?": (
        lambda x, y, eps: _smoothed(x, y, 1 + eps / x.shape[1], eps / x.shape[1])
    ),
    "epsilon is ignored. What do the other classes weigh?": lambda x, y, eps: lab.cross_entropy(
        x, y
    ),
    "epsilon and 1 - epsilon are exchanged. Which one is small?": (
        lambda x, y, eps: lab.cross_entropy(x, y, label_smoothing=1 - eps)
    ),
    "probabilities are mixed, not targets. Which of the two is inside the logarithm?": (
        _mixed_probabilities
    ),
    "epsilon is not divided by the number of classes. What must the weights sum to?": (
        lambda x, y, eps: _smoothed(x, y, 1, eps)
    ),
    "each class gets epsilon. What must the weights sum to?": (
        lambda x, y, eps: _smoothed(x, y, 1 - eps, eps)
    ),
    "the sum over the batch, not the mean. What if the batch is twice as long?": (
        lambda x, y, eps: len(y) * lab.cross_entropy(x, y, label_smoothing=eps)
    ),
    "the minus is missing. Can a loss be negative?": (
        lambda x, y, eps: -lab.cross_entropy(x, y, label_smoothing=eps)
    ),
    "the logarithm of a softmax that underflows. Which step undoes which?": (
        lambda x, y, eps: (
            -(
                (1 - eps) * np.log(pick(lab.softmax(x), y))
                + eps * np.log(lab.softmax(x)).mean(axis=-1)
            ).mean()
        )
    ),
    "a logarithm to base 2: bits. Nats are asked for.": (
        lambda x, y, eps: lab.cross_entropy(x, y, label_smoothing=eps) / np.log(2)
    ),
}


def _kept(x, y, ignore):
    return np.where(y == ignore, 0, surprise(x, np.where(y == ignore, 0, y)))


IGNORE_INDEX = {
    NO_ROOM: (
        lambda x, y, ignore: -pick(unshifted(x), np.where(y == ignore, 0, y))[y != ignore].mean()
    ),
    "divided by all positions, not by those that count. How many terms has the sum?": (
        lambda x, y, ignore: _kept(x, y, ignore).mean()
    ),
    "nothing is ignored: -1 is the last class for NumPy. Which positions count?": (
        lambda x, y, ignore: surprise(x, y).mean()
    ),
    "the ignored positions are kept, and the others dropped. Which ones count?": (
        lambda x, y, ignore: surprise(x[y == ignore], y[y == ignore]).mean()
    ),
    "ignored positions count as class 0. Should they count at all?": (
        lambda x, y, ignore: surprise(x, np.where(y == ignore, 0, y)).mean()
    ),
    "the sum, not the mean. How many positions count?": lambda x, y, ignore: _kept(
        x, y, ignore
    ).sum(),
    "-100 whatever `ignore` says. Which argument names the value?": (
        lambda x, y, ignore: surprise(x[y != -100], y[y != -100]).mean()
    ),
    "every negative target is ignored. Could `ignore` be a positive number?": (
        lambda x, y, ignore: surprise(x[y >= 0], y[y >= 0]).mean()
    ),
    "0 when nothing is left, as if the predictions were perfect. What is the mean of nothing?": (
        lambda x, y, ignore: _kept(x, y, ignore).sum() / max(1, (y != ignore).sum())
    ),
    "the exponentials overflow. What can you subtract from each row?": (
        lambda x, y, ignore: (
            -np.log(pick(naive(x), np.where(y == ignore, 0, y)))[y != ignore].mean()
        )
    ),
    "the minus is missing. Can a loss be negative?": (
        lambda x, y, ignore: -surprise(x[y != ignore], y[y != ignore]).mean()
    ),
}


def _soft(x, t):
    return np.where(t > 0, t * -lab.log_softmax(x), 0).sum(axis=-1)


SOFT_TARGET_CROSS_ENTROPY = {
    NO_ROOM: (lambda x, t: np.where(t > 0, t * -unshifted(x), 0).sum(axis=-1).mean()),
    "the mean over the classes too. t already weights them: sum over the classes.": (
        lambda x, t: _soft(x, t).mean() / t.shape[1]
    ),
    "only the likeliest class of the target counts. What do the others say?": (
        lambda x, t: surprise(x, t.argmax(axis=-1)).mean()
    ),
    "the divergence: the target's entropy is subtracted. The cross-entropy is asked for.": (
        lambda x, t: lab.kl_divergence(t, lab.softmax(x)).mean()
    ),
    "the sum over the batch, not the mean. What if the batch is twice as long?": (
        lambda x, t: _soft(x, t).sum()
    ),
    "the minus is missing. Can a loss be negative?": lambda x, t: -_soft(x, t).mean(),
    "p and t are exchanged. Which of the two is inside the logarithm?": (
        lambda x, t: -(lab.softmax(x) * np.log(t)).sum(axis=-1).mean()
    ),
    "0 times infinity gives nan. What does a class contribute that never happens?": (
        lambda x, t: -(t * lab.log_softmax(x)).sum(axis=-1).mean()
    ),
    "a logarithm to base 2: bits. Nats are asked for.": lambda x, t: _soft(x, t).mean() / np.log(2),
    "the logarithm of a softmax that underflows. Which step undoes which?": (
        lambda x, t: np.where(t > 0, t * -np.log(lab.softmax(x)), 0).sum(axis=-1).mean()
    ),
    "one loss for each sample. Their mean is asked for.": _soft,
    "softmax is applied twice. Does your log-softmax get logits, or probabilities?": (
        lambda x, t: _soft(lab.softmax(x), t).mean()
    ),
}
