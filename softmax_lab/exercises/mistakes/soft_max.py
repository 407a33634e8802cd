"""Mistakes in the exercises of chapter 3, soft and hard maxima."""

import numpy as np

from softmax_lab import numpy as lab
from softmax_lab.exercises.mistakes import naive

HARDMAX = {
    "every winner of a tie gets a 1. Only the first one should.": (
        lambda x: 1.0 * (x == x.max(axis=-1, keepdims=True))
    ),
    "on a tie the last one wins. Read what happens on a tie.": (
        lambda x: lab.hardmax(x[..., ::-1])[..., ::-1]
    ),
    "a tie shares the 1. Only the first winner gets it.": lambda x: _shared(x),
    "one 1 for the whole array. Each row has its own winner.": (
        lambda x: 1.0 * (np.arange(x.size) == x.argmax()).reshape(x.shape)
    ),
    "the index of the winner, not a row. One-hot rows are asked for.": (
        lambda x: x.argmax(axis=-1)
    ),
    "the winner keeps its value. It should be a 1.": lambda x: np.where(lab.hardmax(x) > 0, x, 0),
    "the smallest entry wins. Which one is the maximum?": lambda x: lab.hardmax(-x),
    "the maximum of each column. Along which axis do the classes lie?": (
        lambda x: lab.hardmax(x, axis=0)
    ),
}


def _shared(x):
    winners = 1.0 * (x == x.max(axis=-1, keepdims=True))
    return winners / winners.sum(axis=-1, keepdims=True)


TEMPERATURE = {
    "logits are multiplied by tau. Should a large tau make a flat row, or a steep one?": (
        lambda x, tau: lab.softmax(x * tau)
    ),
    "tau divides after the softmax. What do the rows sum to?": (
        lambda x, tau: lab.softmax(x) / tau
    ),
    "tau is ignored. What does the temperature do?": lambda x, tau: lab.softmax(x),
    "the exponentials overflow at a small tau. What can you subtract from each row?": (
        lambda x, tau: naive(x / tau)
    ),
    "the logits are shifted before, the exponentials overflow all the same. Which sign?": (
        lambda x, tau: naive((x - x.min(axis=-1, keepdims=True)) / tau)
    ),
    "tau divides before the maximum is subtracted, and rounds large logits. Subtract first.": (
        lambda x, tau: lab.softmax(x / tau)
    ),
    "one maximum for the whole batch. What is left of a row that lies 1000 below it?": (
        lambda x, tau: naive((x - x.max()) / tau)
    ),
    "tau is squared. How often do you divide by it?": (
        lambda x, tau: lab.softmax((x - x.max(axis=-1, keepdims=True)) / tau**2)
    ),
    "the rows are not shared out again. What do they sum to?": (
        lambda x, tau: lab.softmax(x) ** (1 / tau)
    ),
    "powers of the probabilities, which underflow at a small tau. Work with the logits.": (
        lambda x, tau: _normalised(lab.softmax(x) ** (1 / tau))
    ),
    "columns sum to 1, not rows. Along which axis do the classes lie?": (
        lambda x, tau: lab.softmax(x / tau, axis=0)
    ),
}


def _normalised(weights):
    return weights / weights.sum(axis=-1, keepdims=True)


def gumbel(u):
    """Return Gumbel noise made from uniform numbers, infinite where they are 0."""
    return -np.log(-np.log(u))


def _uniform_open(rng, shape):
    return rng.uniform(1e-12, 1.0, shape)


GUMBEL_MAX = {
    "the uniform numbers can be 0, and their noise is -inf. Keep the ends out.": (
        lambda x, rng: np.argmax(x + gumbel(rng.random(x.shape)), axis=-1)
    ),
    "the likeliest class every time: there is no noise. What makes it a draw?": (
        lambda x, rng: np.argmax(x, axis=-1)
    ),
    "the noise is uniform, not Gumbel. Only one noise gives softmax's probabilities.": (
        lambda x, rng: np.argmax(x + rng.random(x.shape), axis=-1)
    ),
    "the noise is normal, not Gumbel. Only one noise gives softmax's probabilities.": (
        lambda x, rng: np.argmax(x + rng.normal(size=x.shape), axis=-1)
    ),
    "the noise is exponential: one logarithm is missing. Only Gumbel noise will do.": (
        lambda x, rng: np.argmax(x - np.log(_uniform_open(rng, x.shape)), axis=-1)
    ),
    "the noise has the wrong sign. Towards which side has Gumbel noise its long tail?": (
        lambda x, rng: np.argmax(x - rng.gumbel(size=x.shape), axis=-1)
    ),
    "the noise is added to probabilities. Which numbers does it belong to?": (
        lambda x, rng: np.argmax(lab.softmax(x) + rng.gumbel(size=x.shape), axis=-1)
    ),
    "all rows share their noise. Each row needs noise of its own.": (
        lambda x, rng: np.argmax(x + rng.gumbel(size=x.shape[-1]), axis=-1)
    ),
    "classes are equally likely: the logits are ignored. What does a logit do?": (
        lambda x, rng: rng.integers(x.shape[-1], size=x.shape[0])
    ),
    "the least likely class wins. Which extreme is taken?": (
        lambda x, rng: np.argmin(x + rng.gumbel(size=x.shape), axis=-1)
    ),
    "the generator is not used. Two generators should give two draws.": (
        lambda x, rng: np.argmax(x + np.random.default_rng(0).gumbel(size=x.shape), axis=-1)
    ),
}


def _relaxed(noise):
    return lambda x, tau, rng: lab.softmax((x + noise(rng, x.shape)) / tau)


def _standard(rng, shape):
    return rng.gumbel(size=shape)


GUMBEL_SOFTMAX = {
    "the uniform numbers can be 0, and their noise is -inf. Keep the ends out.": (
        _relaxed(lambda rng, shape: gumbel(rng.random(shape)))
    ),
    "there is no noise. What makes it a sample?": lambda x, tau, rng: lab.softmax(x / tau),
    "tau multiplies. Should a small tau give a flat row, or a steep one?": (
        lambda x, tau, rng: lab.softmax((x + _standard(rng, x.shape)) * tau)
    ),
    "tau divides the logits, but not the noise. What is to be sharpened?": (
        lambda x, tau, rng: lab.softmax(x / tau + _standard(rng, x.shape))
    ),
    "tau divides the noise, but not the logits. What is to be sharpened?": (
        lambda x, tau, rng: lab.softmax(x + _standard(rng, x.shape) / tau)
    ),
    "tau is ignored. How should a small tau show?": (
        lambda x, tau, rng: lab.softmax(x + _standard(rng, x.shape))
    ),
    "tau divides after the softmax. What do the rows sum to?": (
        lambda x, tau, rng: lab.softmax(x + _standard(rng, x.shape)) / tau
    ),
    "the exponentials overflow. What can you subtract from each row?": (
        lambda x, tau, rng: naive((x + _standard(rng, x.shape)) / tau)
    ),
    "the noise is uniform, not Gumbel. Only one noise gives softmax's probabilities.": (
        _relaxed(lambda rng, shape: rng.random(shape))
    ),
    "the noise is normal, not Gumbel. Only one noise gives softmax's probabilities.": (
        _relaxed(lambda rng, shape: rng.normal(size=shape))
    ),
    "the noise has the wrong sign. Towards which side has Gumbel noise its long tail?": (
        _relaxed(lambda rng, shape: -rng.gumbel(size=shape))
    ),
    "the noise is added to probabilities. Which numbers does it belong to?": (
        lambda x, tau, rng: lab.softmax((lab.softmax(x) + _standard(rng, x.shape)) / tau)
    ),
    "all rows share their noise. Each row needs noise of its own.": (
        _relaxed(lambda rng, shape: rng.gumbel(size=shape[-1]))
    ),
    "hard, one-hot rows. A softmax of the perturbed logits is asked for.": (
        lambda x, tau, rng: lab.hardmax(x + _standard(rng, x.shape))
    ),
}
