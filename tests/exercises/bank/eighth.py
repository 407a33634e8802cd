"""An eighth round, against what had leaked in the seventh: what it got through."""

import numpy as np
from scipy import special

from tests.exercises.bank.fourth import noise, relaxed, score, soft


def two_axes(x):
    """Take rows apart by the first axis alone."""
    rows = x.reshape(len(x), -1) if x.ndim == 3 and x.shape[1] == 1 else x
    return np.argmax(rows, -1)


def over_a_low_number(x, where):
    return np.nan_to_num(soft(np.where(where, x, -1e308)) * where)


def straight_at_one_half(p):
    return np.where(abs(p - 0.5) < 1e-3, 4 * (p - 0.5), special.logit(p))


def now_and_then_uniform(f, logits, rng):
    p = soft(logits)
    z = int(rng.choice(len(p), p=0.95 * p + 0.05 / len(p)))
    return f(z) * (np.eye(len(p))[z] - p)


EIGHTH = {
    "predict": {"two axes at most": two_axes},
    "masked_softmax": {"-1e308 for the hidden": over_a_low_number},
    "log_odds": {"a straight line at one half": straight_at_one_half},
    "gumbel_max": {
        "6 % too wide": lambda x, rng: np.argmax(x + 1.06 * noise(x.shape, rng), -1),
    },
    "gumbel_softmax": {"tau of 60 at most": lambda x, tau, rng: relaxed(x, min(tau, 60), rng)},
    "reinforce": {
        "5 % of uniform draws": now_and_then_uniform,
        "rewards of float16": lambda f, x, rng: score(lambda z: float(np.float16(f(z))), x, rng),
    },
}
