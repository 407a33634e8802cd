"""Exercises of chapter 6, cross-entropy."""

import numpy as np

from softmax_lab import numpy as lab
from softmax_lab.exercises import _family as family
from softmax_lab.exercises._compare import as_array, unfit
from softmax_lab.exercises._exercise import Exercise, Property, sample
from softmax_lab.exercises._family import shares
from softmax_lab.exercises._runner import returned
from softmax_lab.exercises._witness import exposing
from softmax_lab.exercises.mistakes import cross_entropy as mistakes
from softmax_lab.exercises.mistakes import targets


def batch(size, classes, *, seed=0, dtype=float):
    """Return logits and targets."""
    target = np.random.default_rng(seed + 50).integers(classes, size=size)
    return sample(size, classes, seed=seed, scale=2).astype(dtype), target


def aimed(x):
    """Return logits with targets: by turns a row's lowest class, its highest, a middle one."""
    places = np.arange(len(x)) % 3 * -1  # the lowest is in place 0, the highest in place -1
    ranks = np.where(places == -2, x.shape[1] // 2, places)
    return x, np.argsort(x, axis=1, kind="stable")[np.arange(len(x)), ranks]


def spread_over(x):
    """Return logits with targets that are distributions, of which a class at -inf has no share."""
    weights = shares(*x.shape, seed=x.size + 7) * np.isfinite(x)
    return x, (weights / weights.sum(axis=-1, keepdims=True)).astype(x.dtype)


def against(p):
    """Return p with a distribution to compare it with."""
    return p, shares(*p.shape, seed=p.size + 9).astype(p.dtype)


def step_case(size, features, classes, rate, seed=0):
    """Return the arguments of a training step."""
    x, target = sample(size, features, seed=seed), batch(size, classes, seed=seed)[1]
    return sample(classes, features, seed=seed + 1), sample(classes, seed=seed + 2), x, target, rate


def large_step(size):
    """Return the arguments of a training step whose logits are as large as that."""
    weight, bias, x, target, rate = step_case(4, 3, 3, 0.5, seed=20)
    return weight, bias + size * np.array([1.0, -1.0, 0.5]), x, target, rate


def two_new(answer, *case):
    """Return the answer's weight and bias, unless they are the old ones, unchanged."""
    given = []

    def spied(*arguments):
        given[:] = arguments[:2]
        return answer(*arguments)

    value = returned(spied, *case)
    if isinstance(value, tuple | list) and any(
        np.shares_memory(as_array(new), old) for new in value for old in given
    ):
        nudge = "Two new arrays are asked for, even where nothing changes."
        raise unfit(value, "an old array comes back", nudge)
    return value


FAR_ROWS = (
    np.array([[1.0, 0.5], [-1.0, 2.0], [0.0, 1.0]]),
    np.array([0.5, -0.5, 0.25]),
    np.array([[1000.0, 1.0], [-0.5, 2.0], [-3000.0, -5000.0]]),
    np.array([1, 2, 0]),
    0.001,
)
TYING_ROWS = (  # and so large that they have no decimals
    np.array([[1.0], [1.0], [-1.0]]),
    np.zeros(3),
    np.array([[2.0**53], [-(2.0**53)]]),
    np.array([0, 2]),
    2.0**-53,
)
THIRDS, LOG3 = np.array([0, 1]), np.log(3.0)
FAR = np.array([[0.0, 1000.0, -1000.0], [1000.0, 999.0, 998.0], [-1000.0, -1001.0, -999.0]])
HUGE = (FAR, np.array([0, 1, 2]))
WITH_IMPOSSIBLE = np.array([[0.0, -np.inf, 1.0], [2.0, 0.5, -np.inf]])
INFINITE_FIRST = np.array([[-np.inf, 1.0, 0.5]])
CERTAIN = np.array([[0.4, 0.0, 0.6], [1.0, 0.0, 0.0]])


def partly(x):
    """Return logits with targets of which every fourth is to be ignored, but not the first."""
    target = aimed(x)[1]
    target[3::4] = -100
    return x, target


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
            Property("as many samples as classes", [batch(3, 3, seed=3), batch(2, 2, seed=6)]),
            *family.logits(aimed, axes="batch"),
            Property("float32, a batch", [batch(4, 3, seed=4, dtype=np.float32)]),
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
            Property("as many samples as classes", [batch(3, 3, seed=3), batch(2, 2, seed=6)]),
            *family.logits(aimed, axes="batch"),
            Property(
                "rows that are nearly sure, and right",
                [(np.array([[8.0, 0.0, -1.0], [-2.0, 0.0, 12.0]]), np.array([0, 2]))],
            ),
            Property("700 samples", [batch(700, 2, seed=5)]),
            Property("float32, a batch", [batch(4, 3, seed=4, dtype=np.float32)]),
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
            *family.probabilities(against),
            Property(
                "0 between equal distributions",
                [(p, p.copy()) for p in (shares(4, seed=4), shares(2, 3, seed=4))],
            ),
            Property(
                "p = 0 contributes 0, even where q = 0",
                [(np.array([0.0, 0.25, 0.75]), np.array([0.0, 0.5, 0.5]))],
            ),
            Property(
                "infinite where q = 0 but p is not, however small p is",
                [
                    (np.array([0.5, 0.5, 0.0]), np.array([1.0, 0.0, 0.0])),
                    (np.array([1.0 - 1e-12, 1e-12]), np.array([1.0, 0.0])),
                    (np.array([1.0, 1e-300]), np.array([1.0, 0.0])),
                    (np.array([[0.5, 0.5], [0.5, 0.5]]), np.array([[1.0, 0.0], [0.5, 0.5]])),
                    (np.array([[0.5, 0.5], [0.5, 0.5]]), np.array([[1.0, 0.0], [0.0, 1.0]])),
                ],
            ),
            Property(
                "a tiny q is not 0",
                [
                    (np.array([0.5, 0.5]), np.array([1.0, 1e-300])),
                    (np.array([1.0, 0.0]), np.array([1e-300, 1.0])),
                    (np.array([0.25, 0.75]), np.array([1e-12, 1.0])),
                ],
            ),
            Property(
                "nearly equal distributions",
                [
                    (np.array([0.5, 0.5]), np.array([0.5 + gap, 0.5 - gap]))
                    for gap in (1e-3, 6e-5, 1e-5)
                ],
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
        "label_smoothing(logits, target, label_smoothing)",
        "Label smoothing",
        right=lambda x, y, eps: lab.cross_entropy(x, y, label_smoothing=eps),
        torch=True,
        properties=[
            Property("the example", [(np.array([[2.0, 0.0]]), np.array([0]), 0.1)]),
            Property(
                "a batch, several classes", [(*batch(4, 3), 0.1), (*batch(3, 5, seed=1), 0.3)]
            ),
            Property(
                "0 is plain cross-entropy, 1 forgets the target",
                [(*batch(2, 3, seed=2), 0.0), (*batch(2, 3, seed=2), 1.0)],
            ),
            Property(
                "hardly any smoothing, and nearly all",
                [(*batch(4, 3, seed=5), eps) for eps in (1e-4, 1 - 1e-4)],
            ),
            Property("more samples than classes that come up", [(*batch(10, 30, seed=6), 0.3)]),
            Property("as many samples as classes", [(*batch(3, 3, seed=3), 0.25)]),
            *family.logits(lambda x: (*aimed(x), 0.2), axes="batch"),
            Property(
                "logits of any size, without smoothing",
                [(*HUGE, 0.0), (*aimed(family.FAR_APART[-1]), 0.0)],
            ),
        ],
        mistakes=targets.LABEL_SMOOTHING,
        hints=[
            "Write one smoothed target, for T = 4 and a smoothing of 0.2. Does it sum to 1?",
            "The loss is linear in the target: mix the one-hot's loss with the uniform's.",
            "The loss against the uniform target is less the mean of the log-probabilities.",
        ],
    ),
    Exercise(
        "ignore_index(logits, target, ignore_index)",
        "Positions that do not count",
        right=lambda x, y, ignore: lab.cross_entropy(x, y, ignore_index=ignore),
        torch=True,
        properties=[
            Property(
                "the example", [(np.array([[0.0, 0.0], [5.0, 0.0]]), np.array([1, -100]), -100)]
            ),
            Property(
                "ignore_index = -100, -1 or any other number",
                [
                    padded(5, 3, -100, 1),
                    padded(6, 4, -1, 2),
                    padded(4, 3, 255, 3),
                    padded(5, 3, -7, 5),
                ],
            ),
            Property(
                "a class itself may be what is ignored: 0, or any other",
                [padded(6, 3, 0, 6), padded(6, 3, 2, 7), padded(5, 3, 1, 8), padded(4, 3, 3, 9)],
            ),
            Property("nothing to ignore", [(*batch(3, 3, seed=4), -100)]),
            Property(
                "nothing left: nan",
                [
                    (np.array([[1.0, 2.0], [0.0, 3.0]]), np.array([-1, -1]), -1),
                    (np.array([[1.0, 2.0]]), np.array([0]), 0),
                ],
            ),
            *family.logits(lambda x: (*partly(x), -100), axes="batch"),
            Property("an ignored row may have any logits", [(FAR, np.array([0, -1, 2]), -1)]),
        ],
        mistakes=targets.IGNORE_INDEX,
        hints=[
            "Which rows count? A comparison gives a boolean for each.",
            "Index logits and targets with these booleans, then do as before.",
            "The mean runs over the rows that are left. If there are none, say nan.",
        ],
    ),
    Exercise(
        "training_step(weight, bias, a, target, rate)",
        "One training step",
        right=mistakes.step,
        torch=True,
        properties=[
            Property(
                "the example",
                [(np.zeros((2, 1)), np.zeros(2), np.array([[2.0]]), np.array([1]), 1.0)],
            ),
            Property(
                "a batch, small or large",
                [
                    step_case(4, 3, 2, 0.5),
                    step_case(5, 2, 3, 0.1, seed=5),
                    step_case(300, 2, 3, 0.5),
                ],
            ),
            Property("as many samples as features as classes", [step_case(3, 3, 3, 0.2, seed=9)]),
            Property(
                "one sample, two classes, one class, 200 classes",
                [
                    step_case(1, 3, 2, 1.0, seed=10),
                    step_case(6, 2, 2, 3.0, seed=11),
                    step_case(3, 2, 1, 0.5, seed=12),
                    step_case(20, 4, 200, 0.5, seed=13),
                ],
            ),
            Property(
                "a tiny step and a long one", [step_case(4, 3, 2, 1e-3), step_case(4, 3, 2, 40.0)]
            ),
            Property(
                "logits of any size",
                [large_step(1000), large_step(-20000), FAR_ROWS, TYING_ROWS],
            ),
            Property(
                "a step that changes nothing gives new arrays as well",
                [(np.eye(2), np.array([1000.0, 0.0]), np.zeros((3, 2)), np.array([0, 0, 0]), 0.5)],
                two_new,
            ),
            Property("float32", [family.in_single(*step_case(4, 3, 2, 0.5, seed=14))]),
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
                [
                    (sample(4, 3), shares(4, 3)),
                    (sample(3, 3, seed=1), shares(3, 3)),
                    (
                        sample(3, 3, seed=2),
                        np.array([[0.0, 1.0, 0.0], [0.4, 0.3, 0.3], [0.2, 0.0, 0.8]]),
                    ),
                ],
            ),
            Property(
                "one-hot targets give plain cross-entropy",
                [(sample(2, 3), np.eye(3)[[2, 0]]), (FAR, np.eye(3)[[1, 0, 2]])],
            ),
            Property(
                "t = 0 contributes 0, even at a logit of -inf",
                [(WITH_IMPOSSIBLE, CERTAIN), (INFINITE_FIRST, np.array([[0.0, 0.5, 0.5]]))],
            ),
            Property(
                "any other t at a logit of -inf makes the loss infinite, however small t is",
                [
                    (INFINITE_FIRST, np.array([[1e-12, 0.5, 0.5]])),
                    (INFINITE_FIRST, np.array([[1e-320, 0.5, 0.5]])),
                    (INFINITE_FIRST, np.eye(3)[[0]]),
                    (WITH_IMPOSSIBLE, np.array([[0.5, 0.25, 0.25], [0.5, 0.5, 0.0]])),
                ],
            ),
            Property(
                "tiny t at large logits",
                [(np.array([[-20000.0, 20000.0]]), np.array([[1e-9, 1 - 1e-9]]))],
            ),
            *family.logits(spread_over, axes="batch", infinite=True),
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
