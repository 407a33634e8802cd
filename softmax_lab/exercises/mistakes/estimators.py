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


def arsm(f, logits, rng, *, key=None, centre=True, weigh=None, swap=True):
    """Return the ARSM estimate for three classes, with options for getting it wrong."""
    pi = rng.dirichlet(np.ones(3))
    key = key or (lambda pi, logits: np.argmin(np.log(pi) - logits))
    reward = np.empty((3, 3))
    for m in range(3):
        for j in range(3):
            swapped = pi.copy()
            if swap:
                swapped[[m, j]] = pi[[j, m]]
            reward[m, j] = f(key(swapped, logits))
    if centre:
        reward = reward - reward.mean(axis=0)
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
    "the sign is wrong: this goes downhill. Which way round is the last difference?": (
        _arsm(weigh=lambda reward, pi: reward @ (pi - 1 / 3))
    ),
    "the mean over m is not subtracted. Over which index does the inner sum run?": _arsm(
        centre=False
    ),
    "nothing is swapped. All nine rewards are then the same.": _arsm(swap=False),
    "the mean over j, not the sum. How many terms has the outer sum?": (
        _arsm(weigh=lambda reward, pi: reward @ (1 / 3 - pi) / 3)
    ),
    "1/3 is missing from the weights. What do the three weights sum to?": (
        _arsm(weigh=lambda reward, pi: -reward @ pi)
    ),
}
