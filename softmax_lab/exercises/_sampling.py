"""Measure answers that draw at random: their shares, their spread, what they must never give.

Every generator is seeded, so that an answer gets the same verdict each time. And with so many
draws a right answer is off by more than the tolerance for less than one seed in a billion.
"""

import numpy as np

from softmax_lab import numpy as lab
from softmax_lab.exercises._compare import as_array, check_shape, integers
from softmax_lab.exercises._exercise import Seed
from softmax_lab.exercises._runner import returned

DRAWS, SHARE, SPREAD = 8000, (0, 0.034), (0, 0.14)
FEW_DRAWS, FEW_SHARE = 600, (0, 0.125)


class ZeroProne(np.random.Generator):
    """A generator whose uniform numbers are exactly 0 remarkably often: they may be, after all."""

    def random(self, size=None, dtype=np.float64, out=None):
        """Return uniform numbers; in one row of ten all of them are 0."""
        u = super().random(size, dtype, out)
        if np.ndim(u) == 0:
            return u * (super().random() >= 0.1)
        u *= super().random((*u.shape[:-1], 1)) >= 0.1
        return u

    def uniform(self, low=0.0, high=1.0, size=None):
        """Return uniform numbers, too often exactly `low`."""
        return low + (np.asarray(high) - low) * self.random(size)


def zero_prone(seed):
    """Return a generator that likes zeros."""
    return ZeroProne(np.random.PCG64(seed.seed))


def draws(answer, row, rng, count=DRAWS):
    """Return many draws from one row of logits, made in a single call."""
    return integers(returned(answer, np.tile(row, (count, 1)), rng), (count,))


def shares(answer, row, seed):
    """Return how often each class was drawn."""
    z = draws(answer, row, seed.fresh())
    return np.array([np.mean(z == k) for k in range(len(row))])


def forbidden(answer, row, seed):
    """Whether a class at -inf is ever drawn, or one that does not exist."""
    return (
        1.0 - np.isin(draws(answer, row, zero_prone(seed)), np.flatnonzero(np.isfinite(row))).all()
    )


def repeated(answer, row, seed):
    """Whether two generators give the same draws."""
    generators = seed.fresh(), Seed(seed.seed + 1).fresh()
    return 1.0 * np.array_equal(*(draws(answer, row, rng, FEW_DRAWS) for rng in generators))


def relaxed(answer, row, tau, rng, count=DRAWS):
    """Return many relaxed samples of one row of logits, made in a single call."""
    rows = np.tile(row, (count, 1))
    return check_shape(as_array(returned(answer, rows, tau, rng)), rows.shape)


def sums(answer, row, tau, seed):
    """Return the extreme sums of the rows, and how far below 0 they reach."""
    y = relaxed(answer, row, tau, seed.fresh(), FEW_DRAWS)
    return np.array([y.sum(axis=-1).min(), y.sum(axis=-1).max(), np.minimum(y.min(), 0)])


def spread(answer, row, tau, seed):
    """Return how differences of perturbed logits are spread: two means, a deviation, a share."""
    y = relaxed(answer, row, tau, seed.fresh())
    first, second = (tau * np.log(y[:, k] / y[:, k + 1]) for k in (0, 1))
    near = np.mean(abs(first - (row[0] - row[1])) < 1)
    return np.array([first.mean(), second.mean(), first.std(), near])


def logistic(row, tau, seed):
    """Return what `spread` measures when differences of logits have a logistic distribution."""
    return np.array([row[0] - row[1], row[1] - row[2], np.pi / np.sqrt(3), np.tanh(0.5)])


def winners(answer, row, tau, seed):
    """Return how often each class has the largest entry."""
    y = relaxed(answer, row, tau, seed.fresh())
    return np.array([np.mean(y.argmax(axis=-1) == k) for k in range(len(row))])


def spoiled(answer, row, tau, seed):
    """Whether a nan comes back, or a class at -inf gets anything but 0."""
    y = relaxed(answer, row, tau, zero_prone(seed), FEW_DRAWS)
    return 1.0 * (np.isnan(y).any() or y[:, np.isneginf(row)].any())


def estimates(answer, f, logits, seed, count):
    """Return many estimates less the possible ones, and the index of the nearest possible one."""
    rng, p = seed.fresh(), lab.softmax(logits)
    calls = (returned(answer, f, logits, rng) for _ in range(count))
    got = np.array([check_shape(as_array(value), logits.shape) for value in calls], dtype=float)
    possible = np.array([f(k) * (one_hot - p) for k, one_hot in enumerate(np.eye(len(p)))])
    off = got[:, None] - possible
    return off, (off**2).sum(axis=-1).argmin(axis=1)


def misses(answer, f, logits, seed):
    """Return how far each coordinate ever is from that of the nearest possible estimate."""
    off, nearest = estimates(answer, f, logits, seed, count=100)
    return abs(off[np.arange(len(off)), nearest]).max(axis=0)


def estimate_shares(answer, f, logits, seed):
    """Return how often each class was behind the estimate."""
    _, nearest = estimates(answer, f, logits, seed, FEW_DRAWS)
    return np.array([np.mean(nearest == k) for k in range(len(logits))])


def softmax_of(row, *_):
    """Return the shares that are right for a row of logits."""
    return lab.softmax(row)


def zero(*_):
    """Return 0, for no."""
    return 0.0
