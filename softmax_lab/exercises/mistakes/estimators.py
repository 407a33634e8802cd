"""Mistakes in the exercises of chapter 3 that estimate gradients from draws."""

import numpy as np

from softmax_lab import numpy as lab


def _draw(p, rng):
    z = rng.choice(len(p), p=p)
    return z, np.eye(len(p))[z]


def _score(estimate):
    def reinforce(f, logits, rng):
        p = lab.softmax(logits)
        return estimate(f, p, *_draw(p, rng))

    return reinforce


REINFORCE = {
    "the reward is missing. What makes a draw good or bad?": _score(lambda f, p, z, e: e - p),
    "p is not subtracted. What is the derivative of log p_z with respect to the logits?": (
        _score(lambda f, p, z, e: f(z) * e)
    ),
    "the sign is wrong: this goes downhill. Does a good draw become likelier?": (
        _score(lambda f, p, z, e: f(z) * (p - e))
    ),
    "classes are drawn with equal probabilities. With which ones should they be drawn?": (
        lambda f, x, rng: _score(lambda f, p, z, e: f(z) * (e - lab.softmax(x)))(f, 0 * x, rng)
    ),
    "the likeliest class every time, not a draw. Where does the generator come in?": (
        lambda f, x, rng: f(x.argmax()) * (lab.hardmax(x) - lab.softmax(x))
    ),
    "the exact gradient, with every class's reward. One draw is asked for.": (
        lambda f, x, rng: lab.softmax_vjp(x, np.array([f(k) for k in range(len(x))], dtype=float))
    ),
    "the logits are subtracted, not the probabilities. What is p?": (
        lambda f, x, rng: _score(lambda f, p, z, e: f(z) * (e - x))(f, x, rng)
    ),
    "the gradient with respect to the probabilities. The logits are asked for.": (
        _score(lambda f, p, z, e: f(z) * e / p)
    ),
    "multiplied by p once more. The draw already weights the classes.": (
        _score(lambda f, p, z, e: f(z) * p * (e - p))
    ),
}


def _exchanged(pi, m, j):
    swapped = pi.copy()
    swapped[[m, j]] = pi[[j, m]]
    return swapped


def _nearest(pi, logits):
    return np.argmin(np.log(pi) - logits)


def _centred(reward):
    return reward - reward.mean(axis=0)


def arsm(f, logits, rng, *, key=_nearest, centre=_centred, weigh=None, swap=_exchanged):
    """Return the ARSM estimate for three classes, with options for getting it wrong."""
    pi = rng.dirichlet(np.ones(3))
    reward = [[f(key(swap(pi, m, j), logits)) for j in range(3)] for m in range(3)]
    reward = centre(np.array(reward, dtype=float))
    return reward @ (1 / 3 - pi) if weigh is None else weigh(reward, pi)


def _arsm(**options):
    return lambda f, logits, rng: arsm(f, logits, rng, **options)


ARSM_THREE = {
    "argmax in place of argmin. Which class has the smallest log pi - phi?": (
        _arsm(key=lambda pi, phi: np.argmax(np.log(pi) - phi))
    ),
    "the logarithm of pi is missing. What is compared with the logits?": (
        _arsm(key=lambda pi, phi: np.argmin(pi - phi))
    ),
    "the logits are added, not subtracted. Should a large logit win more often?": (
        _arsm(key=lambda pi, phi: np.argmin(np.log(pi) + phi))
    ),
    "argmax of log pi + phi: both signs are turned. Which extreme, of which difference?": (
        _arsm(key=lambda pi, phi: np.argmax(np.log(pi) + phi))
    ),
    "the sign is wrong: this goes downhill. Which way round is the last difference?": (
        _arsm(weigh=lambda reward, pi: reward @ (pi - 1 / 3))
    ),
    "the mean over m is not subtracted. Over which index does the inner sum run?": _arsm(
        centre=lambda reward: reward
    ),
    "rewards are cut to whole numbers. Which dtype has the table?": (
        _arsm(centre=lambda reward: _centred(np.trunc(reward)))
    ),
    "the diagonal is left at 0. What is swapped when m is j, and is there a reward?": (
        _arsm(centre=lambda reward: _centred(reward * (1 - np.eye(3))))
    ),
    "the weight of m, not of j. Which index has pi in the formula?": (
        _arsm(weigh=lambda reward, pi: reward.sum(axis=1) * (1 / 3 - pi))
    ),
    "pi is drawn twice. Rewards and weights belong to the same draw.": (
        lambda f, logits, rng: arsm(
            f, logits, rng, weigh=lambda reward, _: reward @ (1 / 3 - rng.dirichlet(np.ones(3)))
        )
    ),
    "nothing is swapped. All nine rewards are then the same.": _arsm(swap=lambda pi, m, j: pi),
    "an entry is copied, not swapped. Is the other one still there when it is needed?": (
        _arsm(swap=lambda pi, m, j: np.where(np.arange(3) == m, pi[j], pi))
    ),
    "the probabilities are subtracted, not the logits. What is phi?": (
        _arsm(key=lambda pi, phi: np.argmin(np.log(pi) - lab.softmax(phi)))
    ),
    "the mean over j, not the sum. How many terms has the outer sum?": (
        _arsm(weigh=lambda reward, pi: reward @ (1 / 3 - pi) / 3)
    ),
    "1/3 is missing from the weights. What do the three weights sum to?": (
        _arsm(weigh=lambda reward, pi: -reward @ pi)
    ),
}
