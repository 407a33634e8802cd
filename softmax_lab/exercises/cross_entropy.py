"""Exercises of chapter 6, cross-entropy."""

import numpy as np

from softmax_lab import numpy as lab
from softmax_lab.exercises._exercise import Exercise, Property, sample
from softmax_lab.exercises._witness import exposing
from softmax_lab.exercises.mistakes import cross_entropy as mistakes
from softmax_lab.exercises.mistakes import targets


def batch(size, classes, *, seed=0, dtype=float):
    """Return logits and targets."""
    target = np.random.default_rng(seed + 50).integers(classes, size=size)
    return sample(size, classes, seed=seed, scale=2).astype(dtype), target


def shares(*shape, seed=0):
    """Return random probabilities."""
    return lab.softmax(sample(*shape, seed=seed, scale=2))


def step_case(size, features, classes, rate, seed=0):
    """Return the arguments of a training step."""
    x, target = sample(size, features, seed=seed), batch(size, classes, seed=seed)[1]
    return sample(classes, features, seed=seed + 1), sample(classes, seed=seed + 2), x, target, rate


THIRDS, LOG3 = np.array([0, 1]), np.log(3.0)
FAR = np.array([[0.0, 1000.0, -1000.0], [1000.0, 999.0, 998.0], [-1000.0, -1001.0, -999.0]])
HUGE = (FAR, np.array([0, 1, 2]))
WITH_IMPOSSIBLE = np.array([[0.0, -np.inf, 1.0], [2.0, 0.5, -np.inf]])
CERTAIN = np.array([[0.4, 0.0, 0.6], [1.0, 0.0, 0.0]])


def padded(size, classes, ignore, seed):
    """Return logits, and targets of which every third is to be ignored."""
    logits, target = batch(size, classes, seed=seed)
    return logits, np.where(np.arange(size) % 3 == 1, ignore, target), ignore


EXERCISES = [
    Exercise(
        "cross_entropy(logits, target)",
        "Cross-entropy from logits",
        right=lab.cross_entropy,
        torch=True,
        properties=[
            Property("the example", [(np.array([[0.0, 0.0], [0.0, LOG3]]), THIRDS)]),
            Property(
                "the mean over a batch", [batch(4, 3), batch(3, 5, seed=1), batch(1, 3, seed=2)]
            ),
            Property("as many samples as classes", [batch(3, 3, seed=3)]),
            Property("logits of any size", [HUGE]),
            Property("float32", [batch(4, 3, seed=4, dtype=np.float32)]),
        ],
        mistakes=mistakes.CROSS_ENTROPY,
        hints=[
            "Three steps: log-probabilities, the entry of each row's target, the mean.",
            "Take log-softmax in one go: a softmax may underflow before its logarithm is taken.",
            "To pick one entry of each row, index with a pair: all row numbers, and the targets.",
        ],
    ),
    Exercise(
        "cross_entropy_gradient(logits, target)",
        "Its gradient",
        right=lambda logits, target: lab.cross_entropy_with_grad(logits, target)[1],
        torch=True,
        properties=[
            Property("the example", [(np.zeros((2, 2)), THIRDS)]),
            Property(
                "the mean over a batch", [batch(4, 3), batch(3, 5, seed=1), batch(1, 3, seed=2)]
            ),
            Property("as many samples as classes", [batch(3, 3, seed=3)]),
            Property("logits of any size", [HUGE]),
            Property("float32", [batch(4, 3, seed=4, dtype=np.float32)]),
        ],
        mistakes=mistakes.CROSS_ENTROPY_GRADIENT,
        hints=[
            "For one sample: how do the probabilities differ from the one-hot target?",
            "The loss is a mean over B samples. What does that do to its gradient?",
            "Start from the probabilities, and change one entry of each row.",
        ],
    ),
    Exercise(
        "kl_divergence(p, q)",
        "How far from p is q?",
        right=lab.kl_divergence,
        torch=True,
        properties=[
            Property("the example", [(np.array([1.0, 0.0]), np.array([0.5, 0.5]))]),
            Property(
                "each row on its own",
                [
                    (shares(3, 4), shares(3, 4, seed=1)),
                    (shares(2, 2, 3, seed=2), shares(2, 2, 3, seed=3)),
                ],
            ),
            Property("0 between equal distributions", [(shares(4, seed=4), shares(4, seed=4))]),
            Property(
                "p = 0 contributes 0, even where q = 0",
                [(np.array([0.0, 0.25, 0.75]), np.array([0.0, 0.5, 0.5]))],
            ),
            Property(
                "infinite where q = 0 but p is not",
                [(np.array([0.5, 0.5, 0.0]), np.array([1.0, 0.0, 0.0]))],
            ),
        ],
        mistakes=targets.KL_DIVERGENCE,
        hints=[
            "Compute one term for each class, then sum over the last axis.",
            "Where p is 0 the formula gives nan in floats. What should stand there?",
            "Choose between two values with np.where, and leave q = 0 alone: infinity is right.",
        ],
    ),
    Exercise(
        "label_smoothing(logits, target, epsilon)",
        "Label smoothing",
        right=lambda x, y, eps: lab.cross_entropy(x, y, label_smoothing=eps),
        torch=True,
        properties=[
            Property("the example", [(np.array([[2.0, 0.0]]), np.array([0]), 0.1)]),
            Property(
                "a batch, several classes", [(*batch(4, 3), 0.1), (*batch(3, 5, seed=1), 0.3)]
            ),
            Property(
                "epsilon = 0 is plain cross-entropy, 1 forgets the target",
                [(*batch(2, 3, seed=2), 0.0), (*batch(2, 3, seed=2), 1.0)],
            ),
            Property("logits of any size", [(*HUGE, 0.2)]),
        ],
        mistakes=targets.LABEL_SMOOTHING,
        hints=[
            "Write one smoothed target, for T = 4 and epsilon = 0.2. Does it sum to 1?",
            "The loss is linear in the target: mix the one-hot's loss with the uniform's.",
            "The loss against the uniform target is less the mean of the log-probabilities.",
        ],
    ),
    Exercise(
        "ignore_index(logits, target, ignore)",
        "Positions that do not count",
        right=lambda x, y, ignore: lab.cross_entropy(x, y, ignore_index=ignore),
        torch=True,
        properties=[
            Property(
                "the example", [(np.array([[0.0, 0.0], [5.0, 0.0]]), np.array([1, -100]), -100)]
            ),
            Property(
                "ignore = -100, -1 or any other number",
                [
                    padded(5, 3, -100, 1),
                    padded(6, 4, -1, 2),
                    padded(4, 3, 255, 3),
                    padded(5, 3, -7, 5),
                ],
            ),
            Property("nothing to ignore", [(*batch(3, 3, seed=4), -100)]),
            Property(
                "nothing left: nan", [(np.array([[1.0, 2.0], [0.0, 3.0]]), np.array([-1, -1]), -1)]
            ),
            Property("logits of any size", [(FAR, np.array([0, -100, 2]), -100)]),
        ],
        mistakes=targets.IGNORE_INDEX,
        hints=[
            "Which rows count? A comparison gives a boolean for each.",
            "Index logits and targets with these booleans, then do as before.",
            "The mean runs over the rows that are left. If there are none, say nan.",
        ],
    ),
    Exercise(
        "training_step(weight, bias, x, target, rate)",
        "One training step",
        right=mistakes.step,
        torch=True,
        properties=[
            Property(
                "the example",
                [(np.zeros((2, 1)), np.zeros(2), np.array([[2.0]]), np.array([1]), 1.0)],
            ),
            Property("a batch", [step_case(4, 3, 2, 0.5), step_case(5, 2, 3, 0.1, seed=5)]),
            Property("as many samples as features as classes", [step_case(3, 3, 3, 0.2, seed=9)]),
        ],
        mistakes=mistakes.TRAINING_STEP,
        hints=[
            "Three steps: the logits, the loss's gradient in the logits, and the chain rule.",
            "One entry of the weight's gradient is a sum over the batch of error times feature.",
            "Let shapes guide you: (B, T) and (B, N) have to give (T, N), and (B, T) gives (T,).",
        ],
    ),
    Exercise(
        "soft_target_cross_entropy(logits, target)",
        "Targets that are probabilities",
        right=lambda x, t: lab.cross_entropy(x, t),
        torch=True,
        properties=[
            Property("the example", [(np.array([[0.0, LOG3]]), np.array([[0.5, 0.5]]))]),
            Property(
                "the mean over a batch",
                [(sample(4, 3), shares(4, 3)), (sample(3, 3, seed=1), shares(3, 3))],
            ),
            Property(
                "one-hot targets give plain cross-entropy", [(sample(2, 3), np.eye(3)[[2, 0]])]
            ),
            Property("t = 0 contributes 0, even at a logit of -inf", [(WITH_IMPOSSIBLE, CERTAIN)]),
            Property("logits of any size", [(FAR, shares(3, 3, seed=2))]),
        ],
        mistakes=targets.SOFT_TARGET_CROSS_ENTROPY,
        hints=[
            "Multiply log-probabilities by the target, sum over classes, average over rows.",
            "0 times -inf is nan in floats. What should such a class contribute?",
            "Choose with np.where between the product and 0.",
        ],
    ),
    Exercise(
        "spot_the_bug()",
        "Spot the bug",
        right=None,
        properties=[Property("a batch on which only the bug fails", [()], exposing)],
        mistakes={},
        hints=[
            "Which number is subtracted from which rows?",
            "What happens to a row whose entries all lie far below the batch's maximum?",
            "np.exp gives 0 below about -745 in float64, and the logarithm of 0 is -inf.",
        ],
    ),
]
