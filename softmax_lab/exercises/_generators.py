"""Rigged generators: the zeros, near-ties and tails that an honest one shows too rarely."""

import numpy as np


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


class Paired(np.random.Generator):
    """A generator that makes the second of two numbers what the first says, in two ways by turns.

    Which way lets the second class win depends on what the answer does with the noise; that it
    wins by turns does not.
    """

    def __init__(self, seed):
        super().__init__(np.random.PCG64(seed))
        self.pairs = 0

    def _pair(self, values, high, low):
        if np.ndim(values) and values.shape[-1] == 2:
            pairs = values.reshape(-1, 2)
            turns = (self.pairs + np.arange(len(pairs))) % 2
            pairs[:, 1] = np.where(turns, high(pairs[:, 0]), low(pairs[:, 0]))
            self.pairs += len(pairs)
        return values

    def random(self, size=None, dtype=np.float64, out=None):
        """Return uniform numbers between 0.1 and 0.9, but for the second of a pair."""
        return self._pair(0.1 + 0.8 * super().random(size, dtype, out), *self.UNIFORM)

    def uniform(self, low=0.0, high=1.0, size=None):
        """Return uniform numbers of an interval."""
        return low + (np.asarray(high) - low) * self.random(size)

    def standard_exponential(self, size=None, *args, **options):
        """Return exponential numbers."""
        values = np.asarray(super().standard_exponential(size, *args, **options))
        return self._pair(np.clip(values, 0.1, 2.3), *self.EXPONENTIAL)

    def exponential(self, scale=1.0, size=None):
        """Return exponential numbers."""
        return scale * self.standard_exponential(size)

    def gumbel(self, loc=0.0, scale=1.0, size=None):
        """Return Gumbel noise."""
        values = np.clip(np.asarray(super().gumbel(0, 1, size)), 0.1, 2.3)
        return loc + scale * self._pair(values, *self.GUMBEL)


def _slightly(factor):
    return lambda first: first * factor


class NearTies(Paired):
    """The second number is a little larger than the first, and a little smaller by turns."""

    UNIFORM = EXPONENTIAL = GUMBEL = _slightly(1 + 1e-5), _slightly(1 - 1e-5)


class NearestTies(Paired):
    """The same, so near that float32 would take them for equal."""

    UNIFORM = EXPONENTIAL = GUMBEL = _slightly(1 + 1e-9), _slightly(1 - 1e-9)


class FarTail(Paired):
    """The second number makes noise of about 20, which is rare, and a low one by turns."""

    UNIFORM = lambda first: 1 - 1e-9, lambda first: 1e-9
    EXPONENTIAL = lambda first: 1e-9, lambda first: 20.0
    GUMBEL = lambda first: 20.7, lambda first: -3.0
