"""Exercises of chapter 3, soft and hard maxima."""

import numpy as np

from softmax_lab import numpy as lab
from softmax_lab.exercises import _sampling as probe
from softmax_lab.exercises._exercise import Exercise, Formula, Property, Seed, cases, sample
from softmax_lab.exercises.mistakes import estimators
from softmax_lab.exercises.mistakes import soft_max as mistakes


def rewards(*values):
    """Return a table of rewards as a function of the class."""
    return Formula(f"f(z) = {list(values)}[z]", lambda z: np.array(values)[z])


ROW, OTHER = np.array([2.5, 0.0, 1.5, 0.0, 0.0]), np.array([0.8, 0.0, -1.0, 0.5])
MASKED = np.array([-np.inf, 0.0, -np.inf, 1.0])
GAMES = [
    (rewards(1.0, 3.0, 2.0), np.array([0.5, -0.2, 0.1]), Seed(1)),
    (rewards(0.0, -1.0, 5.0), np.array([0.0, 1.0, -0.5]), Seed(2)),
    (rewards(2.0, 0.5, 0.0), np.array([0.0, 0.0, 0.0]), Seed(3)),
    (rewards(1.0, 4.0, 9.0), np.array([3.0, 2.0, 2.5]), Seed(4)),
]

EXERCISES = [
    Exercise(
        "hardmax(x)",
        "Hardmax",
        right=lab.hardmax,
        properties=[
            Property("the example", cases([[1.0, 3.0, 2.0], [5.0, 5.0, 0.0]])),
            Property("ties", cases([2.0, 2.0, 2.0, 1.0], [[0.0, 1.0, 1.0], [-1.0, -1.0, -2.0]])),
            Property("negative entries", cases([-3.0, -1.0, -2.0], sample(4, 3, seed=1))),
            Property("rows of rows", cases(sample(2, 3, 4, seed=2))),
            Property("large entries", cases([1000.0, 2000.0, -1000.0])),
        ],
        mistakes=mistakes.HARDMAX,
        hints=[
            "First find the place of each row's winner, then write a 1 there.",
            "Compare the places 0, 1, ..., T - 1 with the winner's place.",
            "For the comparison to meet row by row, the winners need a last axis of length 1.",
        ],
    ),
    Exercise(
        "temperature(x, tau)",
        "Softmax with a temperature",
        right=lambda x, tau: lab.softmax(x / tau),
        properties=[
            Property("the example", [(np.array([1.0, 2.0, 3.0]), 2.0)]),
            Property("below 1 sharper, above 1 flatter", [(sample(4), 0.5), (sample(4), 5.0)]),
            Property("each row on its own", [(sample(3, 3, seed=1), 0.7), (sample(2, 3, 4), 3.0)]),
            Property("tau = 0.001", [(np.array([3.0, 1.0, 2.0, 3.0]), 0.001)]),
            Property("logits of 1000", [(np.array([1000.0, 1001.0, 999.0]), 0.5)]),
            Property("rows far apart", [(np.array([[900.0, 901.0], [-900.0, -902.0]]), 1.5)]),
        ],
        mistakes=mistakes.TEMPERATURE,
        hints=[
            "Divide or multiply? Think of a huge tau: which logits give a uniform row?",
            "At tau = 0.001 a logit of 3 becomes 3000, and its exponential overflows.",
            "Softmax does not change when you subtract the row's largest entry.",
        ],
    ),
    Exercise(
        "gumbel_max(logits, rng)",
        "Sampling by argmax",
        right=lambda logits, rng: lab.gumbel_max(logits, rng=rng),
        properties=[
            Property(
                "draws follow softmax",
                [(ROW, Seed(1)), (OTHER, Seed(2))],
                probe.shares,
                probe.softmax_of,
                measures=f"shares of the classes in {probe.DRAWS} draws",
                tolerance=probe.SHARE,
            ),
            Property(
                "two generators, two samples",
                [(ROW, Seed(3))],
                probe.repeated,
                probe.zero,
                measures="whether they are the same: 1 means yes",
            ),
            Property(
                "a logit of -inf is never drawn, even when rng returns 0",
                [(MASKED, Seed(4))],
                probe.forbidden,
                probe.zero,
                measures="whether it is ever drawn: 1 means yes",
            ),
        ],
        mistakes=mistakes.GUMBEL_MAX,
        hints=[
            "Perturb every logit with noise of its own, and take the argmax of each row.",
            "The noise has the Gumbel distribution: two logarithms of a uniform number.",
            "A uniform number of exactly 0 spoils a logarithm: keep it out, or let NumPy draw.",
        ],
    ),
    Exercise(
        "gumbel_softmax(logits, tau, rng)",
        "A relaxed sample",
        right=lambda logits, tau, rng: lab.gumbel_softmax(logits, tau, rng=rng),
        properties=[
            Property(
                "each row sums to 1, nothing is negative",
                [(ROW, 0.7, Seed(1))],
                probe.sums,
                lambda *_: np.array([1.0, 1.0, 0.0]),
                measures="the least sum, the largest sum, how far below 0",
            ),
            Property(
                "the noise is as wide as Gumbel's, and tau divides it too",
                [(ROW, 0.7, Seed(2)), (ROW, 2.0, Seed(3))],
                probe.spread,
                probe.logistic,
                measures="of d = tau log(y_0 / y_1): the mean, the same with y_1 / y_2, the "
                "standard deviation, the share within 1 of the logits' difference",
                tolerance=probe.SPREAD,
            ),
            Property(
                "the largest entry falls on each class as often as softmax says",
                [(ROW, 0.7, Seed(4)), (OTHER, 1.5, Seed(7))],
                probe.winners,
                probe.softmax_of,
                measures=f"shares of the classes in {probe.DRAWS} samples",
                tolerance=probe.SHARE,
            ),
            Property(
                "no nan, and 0 at -inf, even when rng returns 0; tau = 0.001",
                [(MASKED, 0.5, Seed(5)), (np.array([2.0, 3.0, 1.0]), 0.001, Seed(6))],
                probe.spoiled,
                probe.zero,
                measures="whether there is any other: 1 means yes",
            ),
        ],
        mistakes=mistakes.GUMBEL_SOFTMAX,
        hints=[
            "Perturb the logits as for the Gumbel-max draw. What replaces the argmax?",
            "Divide the perturbed logits by tau, all of them: the sum, not a part of it.",
            "Take a softmax that survives large logits; tau = 0.001 makes thousands of them.",
        ],
    ),
    Exercise(
        "reinforce(f, logits, rng)",
        "REINFORCE",
        right=lambda f, logits, rng: lab.reinforce_gradient(f, logits, rng=rng),
        properties=[
            Property(
                "each estimate belongs to one drawn class",
                GAMES[:2],
                probe.misses,
                lambda f, logits, seed: np.zeros(len(logits)),
                measures="the largest distance of an entry from the nearest possible estimate's",
            ),
            Property(
                "classes are drawn with softmax's probabilities",
                [(rewards(2.0, 3.0, 5.0), np.array([1.0, 0.0, -0.5]), Seed(5))],
                probe.estimate_shares,
                lambda f, logits, seed: lab.softmax(logits),
                measures=f"shares of the classes in {probe.FEW_DRAWS} draws",
                tolerance=probe.FEW_SHARE,
            ),
        ],
        mistakes=estimators.REINFORCE,
        hints=[
            "Three steps: the probabilities, one draw, and the formula.",
            "rng.choice draws an index with given probabilities (or use your Gumbel-max draw).",
            "e_z is the row that is 1 at z and 0 elsewhere.",
        ],
    ),
    Exercise(
        "arsm_three(f, logits, rng)",
        "ARSM for three classes",
        right=estimators.arsm,
        properties=[
            Property("rewards of three classes", GAMES),
            Property(
                "the same reward for all: 0",
                [(rewards(2.0, 2.0, 2.0), np.array([1.0, 0.0, -1.0]), Seed(6))],
            ),
            Property("many draws", [(*GAMES[k % 4][:2], Seed(10 + k)) for k in range(12)]),
        ],
        mistakes=estimators.ARSM_THREE,
        hints=[
            "Make a 3 x 3 table of rewards: entry (m, j) is the one after swapping m and j in pi.",
            "From each column of the table subtract its mean.",
            "The estimate is the centred table times the vector of the weights 1/3 - pi_j.",
        ],
    ),
]
