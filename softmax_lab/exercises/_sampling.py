"""Measure answers that draw at random: shares, spread, independence, what they must never give.

Every generator is seeded, so that an answer gets the same verdict each time. But another right
answer uses the generator in another way, and so is a sample of its own: each limit below is one
that chance alone exceeds with a probability of less than 2e-10 (`SIGMAS` of a normal
distribution). About 380 such limits apply to the three exercises, so that one right answer in
13 million is refused.
"""

import numpy as np

from softmax_lab import numpy as lab
from softmax_lab.exercises._compare import as_array, check_shape, integers
from softmax_lab.exercises._exercise import Seed
from softmax_lab.exercises._generators import FarTail, NearestTies, NearTies, zero_prone
from softmax_lab.exercises._runner import returned

SIGMAS = 6.4
DRAWS, FEW_DRAWS, ESTIMATES = 16_000, 600, 1000
SPREAD = (0, 0.08)
SCORE = (0.15, 3.0)  # for `beyond`, where anything but 0 is wrong
LAGGED = 9.5  # standard deviations: the most remarkable of 16,000 lags, of a skew distribution
KOLMOGOROV = (0.22, 3.44)  # chance leaves this interval with a probability of 2e-10


def tolerance(count):
    """Return a function that returns how far shares of so many draws may be off by chance."""

    def of_case(*case):
        p = softmax_of(*case)
        return 0, SIGMAS * np.sqrt(p * (1 - p) / count) + 15 / count

    return of_case


def beyond(value, low=-SIGMAS, high=SIGMAS):
    """Return 0 for what chance explains, and else the value; too low a one is made plain."""
    if low < value < high:
        return 0.0
    return float(value) if value >= high else min(float(value), -10.0)


def draws(answer, rows, rng):
    """Return one draw from each row of logits, made in a single call."""
    return integers(returned(answer, rows, rng), (len(rows),))


def counted(z, classes):
    """Return the share of each class."""
    return np.bincount(np.clip(z, 0, classes - 1), minlength=classes) / len(z)


def mixed(row, count=DRAWS):
    """Return a batch in which each second row is the first one reversed."""
    return np.tile(np.array([row, row[::-1]]), (count // 2, 1))


def shares(answer, row, seed):
    """Return how often each class was drawn; half of the rows are reversed."""
    z = draws(answer, mixed(row), seed.fresh())
    z[1::2] = len(row) - 1 - z[1::2]
    return counted(z, len(row))


def evenness(answer, row, seed):
    """Return how far the shares of many classes are from softmax's, and from being too good.

    It is Pearson's statistic, made normal by the transformation of Wilson and Hilferty.
    """
    z = draws(answer, np.tile(row, (DRAWS // 2, 1)), seed.fresh())
    p, degrees = lab.softmax(row), len(row) - 1
    chi2 = len(z) * ((counted(z, len(row)) - p) ** 2 / p).sum() / degrees
    return beyond((np.cbrt(chi2) - 1 + 2 / (9 * degrees)) / np.sqrt(2 / (9 * degrees)))


def neighbours(values):
    """Return pairs of values that must be independent: near, far, and mirrored ones."""
    half = len(values) // 2
    pairs = [(values[lag:], values[:-lag]) for lag in (1, 2, 3, half)]
    return [*pairs, (values[:half], values[::-1][:half])]


def at_all_lags(a, b):
    """Return the mean of a times b, moved on by each lag in turn; summed over a second axis."""
    products = np.fft.rfft(a, axis=0) * np.conj(np.fft.rfft(b, axis=0))
    return np.fft.irfft(products.reshape(len(products), -1).sum(axis=1), len(a)) / len(a)


def farthest(first, second, mean, deviation):
    """Return the most remarkable agreement, at any lag, of a call with itself and with another."""
    scores = [at_all_lags(first, first)[1:], at_all_lags(first, second)]
    scores = (np.concatenate(scores) - mean) * np.sqrt(len(first)) / deviation
    return beyond(scores[abs(scores).argmax()], -LAGGED, LAGGED)


def worst(scores):
    """Return the score that is farthest from 0."""
    return beyond(max(scores, key=abs))


def dependence(answer, row, seed):
    """Return how much oftener (or rarer) than by chance two rows of equal logits agree."""
    rng, rows = seed.fresh(), np.tile(row, (DRAWS // 2, 1))
    first, second = draws(answer, rows, rng), draws(answer, rows, rng)
    agree = (lab.softmax(row) ** 2).sum()
    deviation = np.sqrt(agree * (1 - agree))
    near = worst(
        (np.mean(a == b) - agree) / deviation * np.sqrt(len(a))
        for a, b in [*neighbours(first), (first, second)]
    )
    one_hot = [np.eye(len(row))[np.clip(z, 0, len(row) - 1)] for z in (first, second)]
    return near or farthest(*one_hot, agree, deviation)


def forbidden(answer, row, seed):
    """Whether a class at -inf is ever drawn, or one that does not exist."""
    z = draws(answer, np.tile(row, (8000, 1)), zero_prone(seed))
    return 1.0 - np.isin(z, np.flatnonzero(np.isfinite(row))).all()


def repeated(answer, row, seed):
    """Whether two generators give the same draws."""
    generators = seed.fresh(), Seed(seed.seed + 1).fresh()
    rows = np.tile(row, (FEW_DRAWS, 1))
    return 1.0 * np.array_equal(*(draws(answer, rows, rng) for rng in generators))


def noise_of_each(answer, row, seed):
    """Whether far fewer random numbers are taken than logits are there (two of float32 are one)."""
    rng, rows = seed.fresh(), np.tile(row, (10, 1))
    draws(answer, rows, rng)
    then, now = seed.fresh().bit_generator, rng.bit_generator.state["state"]
    few = any(then.advance(1).state["state"] == now for _ in range(rows.size // 3))
    return 1.0 * few


def decided(winners, rng):
    """Return how well near-ties were told apart, from 0 to 1 (1 also if there were none)."""
    return abs(winners[::2].mean() - winners[1::2].mean()) if rng.pairs else 1.0


def resolution(answer, row, seed, kind=NearTies):
    """Return in how many pairs of the noise the right class won."""
    rng = kind(seed.seed)
    return decided(draws(answer, np.tile(row, (40, 1)), rng), rng)


def tail(answer, row, seed):
    """Return in how many rows a class won that only rare noise can lift."""
    return resolution(answer, row, seed, FarTail)


def relaxed(answer, rows, tau, rng):
    """Return one relaxed sample of each row of logits, made in a single call."""
    return check_shape(as_array(returned(answer, rows, tau, rng)), rows.shape)


def relaxed_resolution(answer, row, tau, seed, kind=NearestTies):
    """Return in how many pairs of the noise the right class got more."""
    rng = kind(seed.seed)
    y = relaxed(answer, np.tile(row, (40, 1)), tau, rng)
    return decided(y.argmax(axis=-1), rng)


def relaxed_tail(answer, row, tau, seed):
    """Return in how many rows a class got more that only rare noise can lift."""
    return relaxed_resolution(answer, row, tau, seed, FarTail)


def sums(answer, row, tau, seed):
    """Return the extreme sums of the rows (or of a batch), and how far below 0 they reach."""
    rows = row if row.ndim == 2 else np.tile(row, (FEW_DRAWS, 1))
    y = relaxed(answer, rows, tau, seed.fresh())
    return np.array([y.sum(axis=-1).min(), y.sum(axis=-1).max(), np.minimum(y.min(), 0)])


def gaps(answer, row, tau, seed):
    """Return the differences of perturbed logits that relaxed samples tell of, (DRAWS, T - 1)."""
    y = relaxed(answer, mixed(row), tau, seed.fresh())
    y = np.concatenate([y[::2], y[1::2, ::-1]])  # the reversed rows, turned round
    return tau * np.log(y[:, :-1] / y[:, 1:])


def spread(answer, row, tau, seed):
    """Return how differences of perturbed logits are spread: two means, a deviation, a share."""
    first, second = gaps(answer, row, tau, seed)[:, :2].T
    close = np.mean(abs(first - (row[0] - row[1])) < 1)
    return np.array([first.mean(), second.mean(), first.std(), close])


def logistic(row, tau, seed):
    """Return what `spread` measures when differences of logits have a logistic distribution."""
    return np.array([row[0] - row[1], row[1] - row[2], np.pi / np.sqrt(3), np.tanh(0.5)])


def undecided(answer, row, tau, seed):
    """Return in which share of the rows no entry is rounded to 0."""
    y = relaxed(answer, np.tile(row, (DRAWS, 1)), tau, seed.fresh())
    return (y.min(axis=-1) > 0).mean()


def logistic_share(row, tau, seed):
    """Return what `undecided` measures for two equal logits: e^-745 is the last that is not 0."""
    return np.tanh(745.13 * tau / 2)


def distribution(answer, row, tau, seed):
    """Return how far each difference is from the logistic distribution (Kolmogorov, Smirnov)."""
    n, far = DRAWS, []
    for gap, centre in zip(gaps(answer, row, tau, seed).T, row[:-1] - row[1:], strict=True):
        exact = 1 / (1 + np.exp(centre - np.sort(gap)))
        steps = np.arange(n + 1) / n
        far.append(np.sqrt(n) * max((exact - steps[:-1]).max(), (steps[1:] - exact).max()))
    return np.array([beyond(value, *KOLMOGOROV) for value in far])


def correlation(answer, row, tau, seed):
    """Return how much two relaxed samples of equal rows have to do with each other."""
    rng, rows = seed.fresh(), np.tile(row, (DRAWS // 2, 1))
    first, second = (
        np.log(y[:, 0] / y[:, 1]) for y in [relaxed(answer, rows, tau, rng) for _ in range(2)]
    )
    pairs = [*neighbours(first), (first, second)]
    near = worst(correlated(a, b) * np.sqrt(len(a)) for a, b in pairs)
    centred = [values - values.mean() for values in (first, second)]
    return near or farthest(*centred, 0.0, first.std() * second.std())


def correlated(a, b):
    """Return the correlation of two samples; what does not vary at all is taken as dependent."""
    return np.corrcoef(a, b)[0, 1] if min(a.std(), b.std()) > 1e-9 else 1.0


def winners(answer, row, tau, seed):
    """Return how often each class has the largest entry."""
    y = relaxed(answer, np.tile(row, (DRAWS, 1)), tau, seed.fresh())
    return counted(y.argmax(axis=-1), len(row))


def spoiled(answer, row, tau, seed):
    """Whether a nan comes back, or a class at -inf gets anything but 0."""
    y = relaxed(answer, np.tile(row, (FEW_DRAWS, 1)), tau, zero_prone(seed))
    return 1.0 * (np.isnan(y).any() or y[:, np.isneginf(row)].any())


def estimates(answer, f, logits, seed, count):
    """Return many estimates, the possible ones, and for each the class of the nearest."""
    rng, p = seed.fresh(), lab.softmax(logits)
    calls = (returned(answer, f, logits, rng) for _ in range(count))
    got = np.array([check_shape(as_array(value), logits.shape) for value in calls], dtype=float)
    possible = np.array([f(k) * (one_hot - p) for k, one_hot in enumerate(np.eye(len(p)))])
    away = (possible**2).sum(axis=1) - 2 * got @ possible.T  # squared distances, less |got|^2
    return got, possible, away.argmin(axis=1)


def misses(answer, f, logits, seed):
    """Return how far each coordinate ever is from that of the nearest possible estimate."""
    got, possible, nearest = estimates(answer, f, logits, seed, count=100)
    return abs(got - possible[nearest]).max(axis=0)


def estimate_shares(answer, f, logits, seed):
    """Return how often each class was behind the estimate."""
    *_, nearest = estimates(answer, f, logits, seed, ESTIMATES)
    return counted(nearest, len(logits))


def estimate_dependence(answer, f, logits, seed):
    """Return how much oftener (or rarer) than by chance two calls draw the same class."""
    *_, nearest = estimates(answer, f, logits, seed, ESTIMATES)
    agree = (lab.softmax(logits) ** 2).sum()
    return worst(
        (np.mean(a == b) - agree) / np.sqrt(agree * (1 - agree) / len(a))
        for a, b in neighbours(nearest)
    )


def softmax_of(*case):
    """Return the shares that are right for the logits of a case."""
    return lab.softmax(next(part for part in case if isinstance(part, np.ndarray)))


def zero(*_):
    """Return 0, for no."""
    return 0.0


def one(*_):
    """Return 1, for all."""
    return 1.0
