"""Answers to the exercises of chapter 3, as readers write them: right ones, and wrong ones."""

import math

import numpy as np
from scipy import special


def hardmax_in_turn(x):
    out = np.zeros(x.shape)
    for place in np.ndindex(x.shape[:-1]):
        out[place][list(x[place]).index(max(x[place]))] = 1
    return out


def hardmax_by_put(x):
    out = np.zeros_like(x)
    np.put_along_axis(out, x.argmax(axis=-1, keepdims=True), 1, axis=-1)
    return out


def tempered_rows(x, tau):
    return np.apply_along_axis(lambda row: special.softmax((row - row.max()) / tau), -1, x)


def tempered_powers(x, tau):
    powers = np.exp2((x - x.max(axis=-1, keepdims=True)) / tau * np.log2(np.e))
    return powers / powers.sum(axis=-1, keepdims=True)


def uniform(rng, shape):
    return np.maximum(rng.random(shape), np.finfo(float).tiny)


def gumbel_row_by_row(logits, rng):
    out = []
    for row in logits:
        noise = [-math.log(rng.standard_exponential()) for _ in row]
        out.append(int(np.argmax(row + np.array(noise))))
    return out


def race_of_exponentials(logits, rng):
    top = logits.max(axis=1, keepdims=True)
    return np.argmin(rng.exponential(size=logits.shape) * np.exp(top - logits), axis=1)


def race_of_overflowing_exponentials(logits, rng):
    return np.argmin(rng.exponential(size=logits.shape) * np.exp(-logits), axis=1)


def half_open(logits, rng):
    return np.argmax(logits - np.log(-np.log(1 - rng.random(logits.shape))), axis=1)


def relaxed_in_logs(logits, tau, rng):
    z = (logits - np.log(rng.exponential(size=logits.shape))) / tau
    return np.exp(z - special.logsumexp(z, axis=1, keepdims=True))


def relaxed_row_by_row(logits, tau, rng):
    return np.array([special.softmax((row + rng.gumbel(size=row.size)) / tau) for row in logits])


def reinforce_by_cumsum(f, logits, rng):
    p = np.exp(logits - logits.max())
    p /= p.sum()
    z = min(int(np.searchsorted(np.cumsum(p), rng.random(), side="right")), p.size - 1)
    gradient = -p * f(z)
    gradient[z] += f(z)
    return gradient


def reinforce_overflowing(f, logits, rng):
    p = np.exp(logits) / np.exp(logits).sum()
    z = min(int(np.searchsorted(np.cumsum(p), rng.random(), side="right")), p.size - 1)
    return f(z) * ((np.arange(p.size) == z) - p)


def reinforce_by_gumbel(f, logits, rng):
    z = np.argmax(logits + rng.gumbel(size=logits.size))
    p = special.softmax(logits)
    return [float(f(z)) * ((k == z) - p[k]) for k in range(p.size)]


def reinforce_by_multinomial(f, logits, rng):
    p = special.softmax(logits)
    hot = rng.multinomial(1, p)
    return (hot - p) * f(hot.argmax())


def reinforce(logits, rng, p=None):
    p = special.softmax(logits) if p is None else p
    z = rng.choice(p.size, p=p)
    hot = np.zeros(p.size)
    hot[z] = 1
    return z, hot


def arsm_table(f, logits, rng, swap=True):
    pi = rng.dirichlet(np.ones(3))
    table = np.zeros((3, 3))
    for m in range(3):
        for j in range(3):
            order = [0, 1, 2]
            if swap:
                order[m], order[j] = order[j], order[m]
            table[m, j] = f(int(np.argmin(np.log(pi[order]) - logits)))
    return pi, table


def arsm_sums(f, logits, rng):
    pi, table = arsm_table(f, logits, rng)
    g = [0.0, 0.0, 0.0]
    for m in range(3):
        for j in range(3):
            mean = (table[0, j] + table[1, j] + table[2, j]) / 3
            g[m] += (table[m, j] - mean) * (1 / 3 - pi[j])
    return g


def arsm_with_exponentials(f, logits, rng):
    e = rng.standard_exponential(3)
    pi = e / e.sum()
    swaps = np.array(
        [
            [
                pi[[1, 0, 2]]
                if {m, j} == {0, 1}
                else pi[[2, 1, 0]]
                if {m, j} == {0, 2}
                else pi[[0, 2, 1]]
                if {m, j} == {1, 2}
                else pi
                for j in range(3)
            ]
            for m in range(3)
        ]
    )
    reward = f(np.argmin(np.log(swaps) - logits, axis=-1))
    return np.sum((reward - reward.mean(axis=0, keepdims=True)) * (1 / 3 - pi), axis=1)


def arsm_ratio(f, logits, rng):
    pi = rng.dirichlet([1.0, 1.0, 1.0])
    weights = np.exp(np.asarray(logits - max(logits), dtype=np.longdouble))
    reward = np.zeros((3, 3))
    for m, j in np.ndindex(3, 3):
        swapped = pi.copy()
        swapped[m], swapped[j] = pi[j], pi[m]
        reward[m, j] = f(np.argmin(swapped / weights))
    centred = reward - np.mean(reward, axis=0)
    return centred.dot(1 / 3 - pi)


def arsm_wrong(key):
    def estimate(f, logits, rng):
        pi = rng.dirichlet(np.ones(3))
        reward = np.zeros((3, 3))
        for m, j in np.ndindex(3, 3):
            swapped = pi.copy()
            swapped[m], swapped[j] = pi[j], pi[m]
            reward[m, j] = f(key(swapped, logits))
        return (reward - reward.mean(axis=0)) @ (1 / 3 - pi)

    return estimate


def arsm_uphill_only(f, logits, rng):
    pi, table = arsm_table(f, logits, rng)
    return (table - table.mean(axis=0)) @ (pi - 1 / 3)


def arsm_without_baseline(f, logits, rng):
    pi, table = arsm_table(f, logits, rng)
    return table @ (1 / 3 - pi)


def arsm_baseline_over_j(f, logits, rng):
    pi, table = arsm_table(f, logits, rng)
    return (table - table.mean(axis=1, keepdims=True)) @ (1 / 3 - pi)


def arsm_mean(f, logits, rng):
    pi, table = arsm_table(f, logits, rng)
    return np.mean((table - table.mean(axis=0)) * (1 / 3 - pi), axis=1)


def arsm_without_swap(f, logits, rng):
    pi, table = arsm_table(f, logits, rng, swap=False)
    return (table - table.mean(axis=0)) @ (1 / 3 - pi)


def shared_noise(logits, rng):
    noise = rng.gumbel(size=logits.shape[1])
    return np.array([np.argmax(row + noise) for row in logits])


RIGHT = {
    "hardmax": [
        hardmax_in_turn,
        hardmax_by_put,
        lambda x: np.eye(x.shape[-1])[np.argmax(x, axis=-1)],
        lambda x: np.eye(x.shape[-1], dtype=int)[np.argmax(x, axis=-1)].tolist(),
    ],
    "temperature": [
        tempered_rows,
        lambda x, tau: special.softmax((x - x.max(axis=-1, keepdims=True)) / tau, axis=-1),
        lambda x, tau: np.exp(
            special.log_softmax((x - x.max(axis=-1, keepdims=True)) / tau, axis=-1)
        ),
        tempered_powers,
    ],
    "gumbel_max": [
        lambda logits, rng: np.argmax(logits - np.log(-np.log(uniform(rng, logits.shape))), axis=1),
        race_of_exponentials,
        gumbel_row_by_row,
        lambda logits, rng: (logits + rng.gumbel(0, 1, logits.shape)).argmax(-1).astype(np.int32),
    ],
    "gumbel_softmax": [
        lambda logits, tau, rng: special.softmax(
            (logits - np.log(-np.log(uniform(rng, logits.shape)))) / tau, axis=-1
        ),
        relaxed_in_logs,
        relaxed_row_by_row,
    ],
    "reinforce": [reinforce_by_cumsum, reinforce_by_gumbel, reinforce_by_multinomial],
    "arsm_three": [arsm_sums, arsm_with_exponentials, arsm_ratio],
}

WRONG = {
    "hardmax": [
        (
            "every winner of a tie gets a 1",
            lambda x: (x == x.max(axis=-1, keepdims=True)).astype(float),
        ),
        (
            "on a tie the last one wins",
            lambda x: np.eye(x.shape[-1])[np.argsort(x, axis=-1, kind="stable")[..., -1]],
        ),
        ("one 1 for the whole array", lambda x: hardmax_in_turn(x.reshape(-1)).reshape(x.shape)),
        ("the index of the winner, not a row", lambda x: np.argmax(x, axis=-1)),
        (
            "the winner keeps its value",
            lambda x: np.where(hardmax_in_turn(x) == 1, x, 0),
        ),
        ("the smallest entry wins", lambda x: np.eye(x.shape[-1])[np.argmin(x, axis=-1)]),
        (
            "True and False come back",
            lambda x: np.arange(x.shape[-1]) == x.argmax(axis=-1)[..., None],
        ),
        (
            "wrong only when entries tie for the largest, or nearly do",
            lambda x: special.softmax(1e9 * (x - x.max(axis=-1, keepdims=True)), axis=-1),
        ),
    ],
    "temperature": [
        ("logits are multiplied by tau", lambda x, tau: special.softmax(tau * x, axis=-1)),
        ("tau divides after the softmax", lambda x, tau: special.softmax(x, axis=-1) / tau),
        ("tau is ignored", lambda x, tau: special.softmax(x, axis=-1)),
        (
            "the exponentials overflow at a small tau",
            lambda x, tau: np.exp(x / tau) / np.exp(x / tau).sum(axis=-1, keepdims=True),
        ),
        (
            "tau is squared",
            lambda x, tau: special.softmax(
                (x - x.max(axis=-1, keepdims=True)) / tau / tau, axis=-1
            ),
        ),
        (
            "the rows are not shared out again",
            lambda x, tau: np.exp(special.log_softmax(x, axis=-1) / tau),
        ),
        ("columns sum to 1, not rows", lambda x, tau: special.softmax(x / tau, axis=0)),
    ],
    "gumbel_max": [
        (
            "the uniform numbers can be 0, and their noise is -inf",
            lambda x, rng: np.argmax(x - np.log(-np.log(rng.uniform(size=x.shape))), axis=1),
        ),
        ("a class at −∞ is drawn", half_open),
        (
            "the classes are not drawn with softmax's probabilities",
            race_of_overflowing_exponentials,
        ),
        ("the likeliest class every time: there is no noise", lambda x, rng: x.argmax(axis=1)),
        (
            "the noise is uniform, not Gumbel",
            lambda x, rng: np.argmax(x + rng.uniform(0, 1, x.shape), axis=1),
        ),
        (
            "the noise is normal, not Gumbel",
            lambda x, rng: np.argmax(x + rng.standard_normal(x.shape), axis=1),
        ),
        (
            "the noise has the wrong sign",
            lambda x, rng: np.argmax(x + np.log(rng.exponential(size=x.shape)), axis=1),
        ),
        (
            "the noise is added to probabilities",
            lambda x, rng: np.argmax(special.softmax(x, axis=1) + rng.gumbel(size=x.shape), axis=1),
        ),
        ("all rows share their noise", shared_noise),
        (
            "the generator is not used",
            lambda x, rng: np.argmax(x + np.random.default_rng(7).gumbel(size=x.shape), axis=1),
        ),
    ],
    "gumbel_softmax": [
        (
            "the uniform numbers can be 0, and their noise is -inf",
            lambda x, tau, rng: special.softmax(
                (x - np.log(-np.log(rng.random(x.shape)))) / tau, 1
            ),
        ),
        ("there is no noise", lambda x, tau, rng: special.softmax(x / tau, axis=1)),
        (
            "tau multiplies",
            lambda x, tau, rng: special.softmax(tau * (x + rng.gumbel(size=x.shape)), axis=1),
        ),
        (
            "tau divides the logits, but not the noise",
            lambda x, tau, rng: special.softmax(rng.gumbel(size=x.shape) + x / tau, axis=1),
        ),
        (
            "tau divides the noise, but not the logits",
            lambda x, tau, rng: special.softmax(rng.gumbel(size=x.shape) / tau + x, axis=1),
        ),
        (
            "tau divides after the softmax",
            lambda x, tau, rng: special.softmax(x + rng.gumbel(size=x.shape), axis=1) / tau,
        ),
        (
            "the noise is normal, not Gumbel",
            lambda x, tau, rng: special.softmax((x + rng.standard_normal(x.shape)) / tau, axis=1),
        ),
        (
            "the noise has the wrong sign",
            lambda x, tau, rng: special.softmax((x - rng.gumbel(size=x.shape)) / tau, axis=1),
        ),
        (
            "all rows share their noise",
            lambda x, tau, rng: special.softmax((x + rng.gumbel(size=x[0].shape)) / tau, axis=1),
        ),
        (
            "hard, one-hot rows",
            lambda x, tau, rng: np.eye(x.shape[1])[race_of_exponentials(x, rng)],
        ),
    ],
    "reinforce": [
        ("nan comes back", reinforce_overflowing),
        (
            "the reward is missing",
            lambda f, x, rng: reinforce(x, rng)[1] - special.softmax(x),
        ),
        (
            "p is not subtracted",
            lambda f, x, rng: np.multiply(*(lambda z, hot: (f(z), hot))(*reinforce(x, rng))),
        ),
        (
            "the sign is wrong: this goes downhill",
            lambda f, x, rng: (lambda z, hot: (special.softmax(x) - hot) * f(z))(
                *reinforce(x, rng)
            ),
        ),
        (
            "classes are drawn with equal probabilities",
            lambda f, x, rng: (lambda z, hot: f(z) * (hot - special.softmax(x)))(
                *reinforce(x, rng, p=np.full(x.size, 1 / x.size))
            ),
        ),
        (
            "the likeliest class every time, not a draw",
            lambda f, x, rng: f(np.argmax(x)) * (np.eye(x.size)[np.argmax(x)] - special.softmax(x)),
        ),
        (
            "the exact gradient, with every class's reward",
            lambda f, x, rng: (lambda p, r: p * (r - p @ r))(
                special.softmax(x), f(np.arange(x.size))
            ),
        ),
        (
            "the logits are subtracted, not the probabilities",
            lambda f, x, rng: (lambda z, hot: f(z) * (hot - x))(*reinforce(x, rng)),
        ),
    ],
    "arsm_three": [
        ("argmax in place of argmin", arsm_wrong(lambda pi, phi: np.argmax(np.log(pi) - phi))),
        ("the logarithm of pi is missing", arsm_wrong(lambda pi, phi: np.argmin(pi - phi))),
        (
            "the logits are added, not subtracted",
            arsm_wrong(lambda pi, phi: np.argmin(np.log(pi) + phi)),
        ),
        ("the sign is wrong: this goes downhill", arsm_uphill_only),
        ("the mean over m is not subtracted", arsm_without_baseline),
        ("the mean over m is not subtracted", arsm_baseline_over_j),
        ("the mean over j, not the sum", arsm_mean),
        ("nothing is swapped", arsm_without_swap),
    ],
}
