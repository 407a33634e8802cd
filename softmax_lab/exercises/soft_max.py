"""Exercises of chapter 3, soft and hard maxima."""

import numpy as np

from softmax_lab import numpy as lab
from softmax_lab.exercises import _family as family
from softmax_lab.exercises import _sampling as probe
from softmax_lab.exercises._exercise import Exercise, Formula, Property, Seed, cases, sample
from softmax_lab.exercises.mistakes import estimators
from softmax_lab.exercises.mistakes import soft_max as mistakes


def rewards(*values):
    """Return a table of rewards as a function of the class."""
    table = np.array(values)
    return Formula(f"f(z) = {list(values)}[z]", lambda z: table[z])


def near_ties(measure, *cases):
    """Return the property that noise is not rounded."""
    otherwise = "noise that nearly ties is taken for a tie. Is it rounded?"
    return noise("the smallest difference of the noise decides", measure, cases, otherwise)


def rare_noise(measure, *cases):
    """Return the property that noise is not cut off."""
    otherwise = "rare noise does not come through. Is it cut off, or kept away by an epsilon?"
    return noise("noise that is rare is possible, of 20 and of -3", measure, cases, otherwise)


def noise(says, measure, cases, otherwise):
    """Return the property that in rows with chosen noise the class wins that the noise lifts."""
    return Property(
        says,
        list(cases),
        measure,
        probe.one,
        measures="in which share of such rows the class won that the noise lifts",
        tolerance=(0, 1e-9),
        otherwise=otherwise,
    )


ONE_OF_MANY, SURE = np.log([50.0] + 50 * [1.0]), np.where(np.arange(20) == 13, 0.0, -1000.0)
SQUARE = np.array([[0.0, -3000.0, -3000.0], [1000.0, -2000.0, -1e6], [-20000.0, 0.0, 20000.0]])
ROW, OTHER = np.array([2.5, 0.0, 1.5, 0.0, 0.0]), np.array([0.8, 0.0, -1.0, 0.5])
FAR, FIFTY = np.array([1000.0, 999.0, -1000.0]), np.linspace(-1.0, 1.0, 50)
MASKED = np.array([-np.inf, 0.0, -np.inf, 1.0])
GAMES = [
    (rewards(1.0, 3.0, 2.0), np.array([0.5, -0.2, 0.1]), Seed(1)),
    (rewards(0.0, -1.0, 5.0), np.array([0.0, 1.0, -0.5]), Seed(2)),
    (rewards(2.0, 1 / 3, 0.0), np.array([0.0, 0.0, 0.0]), Seed(3)),
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
            *family.logits(axes="any", infinite=True),
            Property(
                "a row of only -inf: all tie, and the first wins",
                cases([-np.inf, -np.inf], [[0.0, 1.0, -1.0], [-np.inf] * 3]),
            ),
            Property("integers, up to 10**18", cases(*family.WHOLE)),
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
        right=lambda x, tau: lab.softmax((x - x.max(axis=-1, keepdims=True)) / tau),
        tiny=True,
        properties=[
            Property("the example", [(np.array([1.0, 2.0, 3.0]), 2.0)]),
            Property(
                "below 1 sharper, above 1 flatter, and at 1 as it was",
                [
                    (sample(4), 0.5),
                    (sample(4), 5.0),
                    (sample(4), 1.0),
                    (sample(3), 50.0),
                    (sample(5), 1.37),
                    (sample(4) / 4000, 50.0),
                ],
            ),
            *family.logits(lambda x: (x, 0.7), axes="any", infinite=True),
            Property(
                "logits of any size at tau = 1, and at 50",
                [(row, tau) for row in family.ANY_SIZE[:5] for tau in (1.0, 50.0)],
            ),
            Property(
                "some entries -inf, at tau = 50",
                [(row, 50.0) for row in family.INFINITE[:3]],
                zeros=True,
            ),
            Property(
                "tau = 0.001",
                [
                    (np.array([3.0, 1.0, 2.0, 3.0]), 0.001),
                    (np.array([[0.5, 0.499, 0.498], [-20.0, -20.001, -21.0]]), 0.001),
                    (np.array([-1000.0, 999.999, 1000.0]), 0.001),
                    (np.array([1e6 + 1 / 256, 1e6, 1e6 - 1 / 512]), 0.001),
                    (np.array([1e306, 0.0, 1e306]), 0.001),
                ],
            ),
            Property(
                "tau as an integer, logits of integers, up to 10**18",
                [
                    (np.array([3, 1, -2]), 2),
                    (np.array([3, 1, -2]), 2.75),
                    (np.array([10**18, 10**18 + 3, -(10**18)]), 2),
                    (np.array([[10**18 - 1, 10**18], [-(10**18), 1 - 10**18]]), 0.8),
                ],
            ),
        ],
        mistakes=mistakes.TEMPERATURE,
        hints=[
            "Divide or multiply? Think of a huge tau: which logits give a uniform row?",
            "At tau = 0.001 a logit of 3 becomes 3000, and its exponential overflows.",
            "Softmax does not change when you subtract the row's largest entry: before you divide.",
        ],
    ),
    Exercise(
        "gumbel_max(logits, rng)",
        "Sampling by argmax",
        right=lambda logits, rng: lab.gumbel_max(logits, rng=rng),
        properties=[
            Property(
                "draws follow softmax, each row's its own",
                [
                    (ROW, Seed(1)),
                    (OTHER, Seed(2)),
                    (FAR, Seed(5)),
                    (np.array([3.0]), Seed(6)),
                    (ONE_OF_MANY, Seed(28)),
                ],
                probe.shares,
                probe.softmax_of,
                measures=f"shares of the classes in {probe.DRAWS} draws",
                otherwise="the classes are not drawn with softmax's probabilities. Is the noise "
                "Gumbel's, and added to the row's own logits?",
                tolerance=probe.tolerance(probe.DRAWS),
            ),
            Property(
                "of 50 classes too, and of 300, neither worse nor better than chance",
                [(FIFTY, Seed(7)), (np.zeros(300), Seed(29))],
                probe.evenness,
                probe.zero,
                measures="how many standard deviations Pearson's statistic is from its mean",
                tolerance=probe.SCORE,
                otherwise="the shares are not those of independent draws from softmax. Is the "
                "noise Gumbel's, to all digits, and drawn anew for each logit?",
            ),
            Property(
                "rows are independent of each other, and calls too",
                [(np.zeros(4), Seed(9)), (np.zeros(50), Seed(16))],
                probe.dependence,
                probe.zero,
                measures="how many standard deviations oftener than by chance two rows agree",
                tolerance=probe.SCORE,
                otherwise="draws depend on each other. Does each row, and each call, get fresh "
                "noise from rng?",
            ),
            near_ties(probe.resolution, (np.zeros(2), Seed(11))),
            rare_noise(
                probe.tail, (np.array([0.0, -10.0]), Seed(21)), (np.array([0.0, 2.0]), Seed(22))
            ),
            Property(
                "each logit gets noise of its own",
                [(FIFTY, Seed(24))],
                probe.noise_of_each,
                probe.zero,
                measures="whether fewer random numbers are taken than logits: 1 means yes",
                otherwise="fewer random numbers are taken than there are logits. Is each logit "
                "perturbed, or is a softmax drawn from?",
            ),
            Property(
                "as many rows as classes, each with a sure winner",
                [(SQUARE, Seed(25)), (SQUARE[:, :1], Seed(26)), (SQUARE[1:, :2], Seed(27))],
                expected=lambda logits, rng: lab.predict(logits),
            ),
            Property(
                "two generators, two samples",
                [(ROW, Seed(3))],
                probe.repeated,
                probe.zero,
                measures="whether they are the same: 1 means yes",
                otherwise="two generators give the same draws. Where does the noise come from?",
            ),
            Property(
                "a logit of -inf is never drawn, even when rng returns 0",
                [
                    (MASKED, Seed(4)),
                    (np.array([-1000.0, -np.inf, -1001.0]), Seed(12)),
                    (np.array([-np.inf, -1e12, -1e12 + 1]), Seed(17)),
                ],
                probe.forbidden,
                probe.zero,
                measures="whether it is ever drawn: 1 means yes",
                otherwise="a class at −∞ is drawn. What becomes of −∞, and of noise from a uniform "
                "number of 0?",
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
                [
                    (ROW, 0.7, Seed(1)),
                    (ROW, 0.01, Seed(8)),
                    (np.array([2.0]), 1.0, Seed(9)),
                    (FAR, 0.5, Seed(18)),
                    (np.array([ROW[:3], OTHER[:3], -ROW[:3]]), 0.7, Seed(27)),
                ],
                probe.sums,
                lambda *_: np.array([1.0, 1.0, 0.0]),
                measures="the least sum, the largest sum, how far below 0",
                otherwise="the rows are no probabilities. What must each row sum to?",
            ),
            Property(
                "the noise is as wide as Gumbel's, and tau divides it too",
                [
                    (ROW, 0.7, Seed(2)),
                    (ROW + 20000, 2.0, Seed(3)),
                    (ROW, 0.05, Seed(16)),
                    (ROW, 5000.0, Seed(17)),
                ],
                probe.spread,
                probe.logistic,
                measures="of d = tau log(y_0 / y_1): the mean, the same with y_1 / y_2, the "
                "standard deviation, the share within 1 of the logits' difference",
                otherwise="the noise has another centre or width than Gumbel's. What is divided by "
                "tau, and which noise is added?",
                tolerance=probe.SPREAD,
            ),
            Property(
                "tau = 0.001 and 0.003 leave some rows undecided",
                [(np.zeros(2), 0.001, Seed(19)), (np.zeros(2), 0.003, Seed(20))],
                probe.undecided,
                probe.logistic_share,
                measures=f"the share of {probe.DRAWS} rows in which no entry is rounded to 0",
                tolerance=(0, 0.03),
                otherwise="at a small tau the rows have another shape. Is tau what was given?",
            ),
            Property(
                "its distribution is Gumbel's, neither worse nor better than by chance",
                [(ROW, 1.0, Seed(11)), (OTHER, 3.0, Seed(12))],
                probe.distribution,
                lambda row, *_: np.zeros(len(row) - 1),
                measures="how far tau log(y_k / y_(k+1)) is from a logistic distribution",
                tolerance=probe.SCORE,
                otherwise="the noise is not Gumbel's. Which distribution has it, and is it drawn "
                "anew for each logit?",
            ),
            Property(
                "rows are independent of each other, and calls too",
                [(OTHER, 1.5, Seed(13)), (np.zeros(50), 1.5, Seed(21))],
                probe.correlation,
                probe.zero,
                measures="how many standard deviations the correlation of two rows is from 0",
                tolerance=probe.SCORE,
                otherwise="samples depend on each other. Does each row, and each call, get fresh "
                "noise from rng?",
            ),
            near_ties(probe.relaxed_resolution, (np.zeros(2), 0.5, Seed(14))),
            rare_noise(
                probe.relaxed_tail,
                (np.array([0.0, -10.0]), 0.5, Seed(22)),
                (np.array([0.0, 2.0]), 0.5, Seed(23)),
            ),
            Property(
                "as many rows as classes, each with a sure winner",
                [(SQUARE, 0.5, Seed(24)), (SQUARE[1:, :2], 1.0, Seed(25))],
                expected=lambda logits, tau, rng: lab.hardmax(logits),
            ),
            Property(
                "the largest entry falls on each class as often as softmax says",
                [(ROW, 0.7, Seed(4))],
                probe.winners,
                probe.softmax_of,
                measures=f"shares of the classes in {probe.DRAWS} samples",
                otherwise="the largest entry does not fall on the classes as softmax says. Is the "
                "noise Gumbel's, and added to the logits?",
                tolerance=probe.tolerance(probe.DRAWS),
            ),
            Property(
                "no nan, and 0 at -inf, even when rng returns 0; tau = 0.001",
                [
                    (MASKED, 0.5, Seed(5)),
                    (np.array([2.0, 3.0, 1.0]), 0.001, Seed(6)),
                    (np.array([-20000.0, -np.inf, 20000.0]), 0.001, Seed(15)),
                    (MASKED, 1e12, Seed(26)),
                ],
                probe.spoiled,
                probe.zero,
                measures="whether there is any other: 1 means yes",
                otherwise="nan comes back, or a class at −∞ gets a share. What becomes of −∞, and "
                "of noise from a uniform number of 0?",
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
                [
                    *GAMES[:2],
                    (rewards(1.0, -2.0), np.array([0.5, -0.5]), Seed(7)),
                    (rewards(1.0, 2.0, 3.0, 4.0, -5.0), np.array([0.0, 1, -1, 0.5, 0]), Seed(8)),
                    (rewards(4.0), np.array([2.0]), Seed(9)),
                    (rewards(-0.5, 0.25, -0.75), np.array([0.5, 0.0, 0.25]), Seed(21)),
                    (rewards(1 / 3, -100.5, 30.25, 0.75), np.array([0.3, 0.1, -0.2, 0]), Seed(16)),
                ],
                probe.misses,
                lambda f, logits, seed: np.zeros(len(logits)),
                measures="the largest distance of an entry from the nearest possible estimate's",
                otherwise="what comes back is the estimate of no class. Which numbers has "
                "f(z) (e_z - p) for each z?",
            ),
            Property(
                "logits of any size",
                [
                    (rewards(1.0, 3.0, 2.0), np.array([1000.0, 999.0, -1000.0]), Seed(10)),
                    (rewards(1.0, 3.0, 2.0), np.array([-20000.0, -20001.0, -19999.0]), Seed(11)),
                    (rewards(1.0, 3.0, 2.0), np.array([-1000.0, 0.0, 1000.0]), Seed(12)),
                    (rewards(1.0, 3.0, 2.0), np.array([1e16, 1e16, -1.7e308]), Seed(20)),
                ],
                probe.misses,
                lambda f, logits, seed: np.zeros(len(logits)),
                measures="the largest distance of an entry from the nearest possible estimate's",
                otherwise="what comes back is the estimate of no class. Which numbers has "
                "f(z) (e_z - p) for each z?",
            ),
            Property(
                "classes are drawn with softmax's probabilities",
                [
                    (rewards(2.0, 3.0, 5.0), np.array([1.0, 0.0, -0.5]), Seed(5)),
                    (rewards(2.0, -1.0), np.array([-1.0, 0.5]), Seed(13)),
                    (rewards(2.0, -1.0, 4.0), np.array([-1.0, 3.0, 0.0]), Seed(15)),
                    (rewards(0.0, 2.0, -3.0, 5.0), np.array([0.5, 0.0, 0.25, -1.0]), Seed(22)),
                    (rewards(*range(1, 301)), family.LONG, Seed(23)),
                    (rewards(*range(1, 202)), np.log([200.0] + 200 * [1.0]), Seed(17)),
                    (rewards(*range(1, 51)), FIFTY, Seed(18)),
                    (rewards(*range(1, 21)), SURE, Seed(19)),
                ],
                probe.estimate_shares,
                lambda f, logits, seed: lab.softmax(logits),
                measures=f"shares of the classes in {probe.ESTIMATES} draws",
                otherwise="the classes are not drawn with softmax's probabilities. With which "
                "ones are they?",
                tolerance=probe.tolerance(probe.ESTIMATES),
            ),
            Property(
                "each call draws anew",
                [(rewards(2.0, -3.0), np.array([0.0, 0.0]), Seed(14))],
                probe.estimate_dependence,
                probe.zero,
                measures="how many standard deviations oftener than by chance two calls agree",
                tolerance=probe.SCORE,
                otherwise="calls depend on each other. Is one number drawn from rng at each call?",
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
            Property("many draws", [(*GAMES[k % 4][:2], Seed(10 + k)) for k in range(160)]),
            Property(
                "logits of many digits",
                [
                    (*GAMES[k % 4][:1], np.array([5.0, -2.0, 1.0]) / (7 + k), Seed(300 + k))
                    for k in range(80)
                ],
            ),
            Property(
                "two classes of the same reward",
                [
                    (rewards(*values), np.array([0.5, -0.2, 0.1]), Seed(200 + k))
                    for values in ([2.0, 2.0, -1.0], [0.0, 3.0, 3.0], [-1.5, 4.0, -1.5])
                    for k in range(4)
                ],
            ),
            Property(
                "logits of any size, negative rewards",
                [
                    (rewards(-1.0, 3.0, 0.5), np.array([1000.0, 999.0, -1000.0]), Seed(30)),
                    (rewards(-1.0, 3.0, 0.5), np.array([-20000.0, -20001.0, -20000.5]), Seed(31)),
                    (rewards(-1.0, 3.0, 0.5), np.array([-1000.0, 0.0, 1000.0]), Seed(32)),
                    *[
                        (rewards(-1.0, 3.0, 0.5), np.array([-20000.0, -20001.5, -20000.5]), Seed(k))
                        for k in range(40, 60)
                    ],
                ],
            ),
        ],
        mistakes=estimators.ARSM_THREE,
        hints=[
            "Make a 3 x 3 table of rewards: entry (m, j) is the one after swapping m and j in pi.",
            "From each column of the table subtract its mean.",
            "The estimate is the centred table times the vector of the weights 1/3 - pi_j.",
        ],
    ),
]
