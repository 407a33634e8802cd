"""Exercises of chapter 2, logits."""

import numpy as np

from softmax_lab import numpy as lab
from softmax_lab.exercises import _family as family
from softmax_lab.exercises._compare import as_array, check_shape, unfit
from softmax_lab.exercises._exercise import Exercise, Property, cases, sample
from softmax_lab.exercises._family import shares
from softmax_lab.exercises._runner import returned
from softmax_lab.exercises.mistakes import logits as mistakes


def infinite_ends(answer, p):
    """Return the answer's log-odds, unless they were kept finite where they must not be."""
    value = returned(answer, p)
    ends = check_shape(as_array(value), p.shape)[(p == 0) | (p == 1)]
    if np.isfinite(ends).all():
        nudge = "How many times likelier than an impossible thing is a certain one?"
        raise unfit(as_array(value), "the ends are clipped", nudge)
    return value


def labelled(seed, scale, true_temperature, size=40, classes=3):
    """Return logits, and targets drawn at another temperature than 1."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(scale=scale, size=(size, classes)).round(2)
    noise = rng.gumbel(size=logits.shape)
    return logits, np.argmax(logits / true_temperature + noise, axis=-1)


def predictions(seed, size, classes, scale=1.0):
    """Return probabilities, and targets that half of them predict."""
    rng = np.random.default_rng(seed)
    p = lab.softmax(rng.normal(scale=scale, size=(size, classes)))
    return p, np.where(rng.random(size) < 0.5, p.argmax(axis=-1), rng.integers(classes, size=size))


def masked(*shape, seed=0):
    """Return logits and a mask that allows at least one entry a row."""
    allowed = np.random.default_rng(seed).random(shape) < 0.6
    allowed[..., 0] |= ~allowed.any(axis=-1)
    return sample(*shape, seed=seed), allowed


def some(x):
    """Return a mask that hides one entry of three, but never the first."""
    return np.broadcast_to(np.arange(x.shape[-1]) % 3 != 1, x.shape).copy()


def scaled(factor):
    """Return logits and targets whose best temperature is `factor` times the example's 3.641."""
    return FEW_LOGITS[0] * factor, FEW_LOGITS[1]


TRUE, FALSE = True, False
FEW_LOGITS = np.array([[4.0, 0.0], [4.0, 0.0], [4.0, 0.0], [0.0, 4.0]]), np.array([0, 0, 1, 1])
SURE = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [0.02, 0.03, 0.95]])
NEAR = np.array([0.58, 0.62, 0.88, 0.92])
LOW = np.array([0.15, 0.18, 0.25, 0.28, 0.35])
LOW = np.c_[LOW, np.tile((1 - LOW[:, None]) / 9, 9)]
FEW_SHARES = np.array([[0.95, 0.05], [0.97, 0.03], [0.35, 0.65]])

EXERCISES = [
    Exercise(
        "logits_from_probabilities(p)",
        "Back to logits",
        right=lab.logits_from_probabilities,
        properties=[
            Property("the example", cases([0.5, 0.25, 0.25])),
            *family.probabilities(),
            Property(
                "a probability of 0 gives -inf, and stays out of the mean",
                cases([0.5, 0.3, 0.2, 0.0], [[0.0, 1.0, 0.0], [0.25, 0.0, 0.75]]),
            ),
        ],
        mistakes=mistakes.LOGITS_FROM_PROBABILITIES,
        hints=[
            "Which function undoes the exponential?",
            "The softmax of log p is p. Which constant, added to a row, centres it?",
            "Take the mean over the entries with p > 0 only; NumPy's mean has a where.",
        ],
    ),
    Exercise(
        "masked_softmax(x, where)",
        "Softmax with a mask",
        right=lambda x, where: lab.softmax(x, where=where),
        tiny=True,
        properties=[
            Property("the example", [(np.array([1.0, 2.0, 3.0]), np.array([TRUE, TRUE, FALSE]))]),
            Property(
                "each row with a mask of its own",
                [masked(3, 4), masked(4, 4, seed=1), masked(2, 3, 5, seed=2), masked(200, seed=3)],
            ),
            Property(
                "a hidden logit does not matter, whatever it is",
                [
                    (np.array([1.0, 1000.0, 2.0]), np.array([TRUE, FALSE, TRUE])),
                    (np.array([0.0, 20000.0, -20000.0, 0.5]), np.array([TRUE, FALSE, FALSE, TRUE])),
                    (np.array([-np.inf, 1.0, 0.25]), np.array([FALSE, TRUE, TRUE])),
                ],
            ),
            Property(
                "allowed logits as low as -1000, or as -1e300",
                [
                    (np.array([-1000.0, 0.0, -1001.0]), np.array([TRUE, FALSE, TRUE])),
                    (np.array([-20000.0, -5.0, -20001.0]), np.array([TRUE, FALSE, TRUE])),
                    (np.array([-20000.0, 5.0]), np.array([TRUE, FALSE])),
                    (np.array([-3e6, 5.0, -3e6 - 1]), np.array([TRUE, FALSE, TRUE])),
                    (np.array([-4e12, 5.0, -4e12 - 1]), np.array([TRUE, FALSE, TRUE])),
                    (np.array([-1e300, -np.inf, -1e300]), np.array([TRUE, FALSE, TRUE])),
                    (np.array([0.0, np.finfo(float).min]), np.array([FALSE, TRUE])),
                ],
            ),
            *family.logits(lambda x: (x, some(x)), axes="any", zeros=True),
            Property("everything is allowed", [(sample(3, 4, seed=9), np.ones((3, 4), bool))]),
            Property(
                "a single allowed entry gets 1",
                [
                    (np.array([0.5, 1.0, 2.0]), np.array([FALSE, TRUE, FALSE])),
                    (np.array([[9.0, 1.0], [1.0, 9.0]]), np.array([[FALSE, TRUE], [TRUE, FALSE]])),
                ],
            ),
            Property(
                "a row with nothing allowed is all 0",
                [
                    (np.array([[1.0, 2.0], [0.0, 1.0]]), np.array([[FALSE, FALSE], [TRUE, TRUE]])),
                    (np.array([1000.0, -1000.0, 0.0]), np.array([FALSE, FALSE, FALSE])),
                    (np.array([-1000.0]), np.array([FALSE])),
                ],
            ),
        ],
        mistakes=mistakes.MASKED_SOFTMAX,
        hints=[
            "Which logit gives a probability of exactly 0?",
            "Put -inf where nothing is allowed; take the maximum over the allowed entries.",
            "The row with nothing allowed needs care twice: at the shift, and at the division.",
        ],
    ),
    Exercise(
        "sigmoid_as_softmax(z)",
        "The sigmoid is a softmax",
        right=lab.sigmoid,
        tiny=True,
        properties=[
            Property("the example", cases([0.0, np.log(3.0)])),
            Property(
                "one number, a row, a batch",
                cases(
                    np.array(0.7),
                    np.array(-1.5),
                    [2.0],
                    sample(5),
                    sample(3, 2, seed=1),
                    sample(2, 3, 2, seed=2),
                ),
            ),
            Property(
                "two entries, and three rows of two", cases([0.5, -2.0], sample(3, 2, seed=4))
            ),
            Property(
                "any size",
                cases(
                    [1000.0, -1000.0, 0.0],
                    [20000.0, -20000.0],
                    [4e12, -1e16, 1.7e308, -1.7e308],
                    [30.0, -20.5, 5.5, -9.0, -23.5, 20.25],
                    [-40.0, -300.5, -700.25],
                    np.array(800.0),
                    np.array(-800.0),
                    [1e-7, -1e-7, 0.0],
                    [1000.0, 50.0],
                    np.linspace(-690.0, 300.0, 400),
                    np.zeros((2, 2)),
                ),
            ),
            Property(
                "float32",
                cases(np.float32([100.0, -3.0, 0.5]), np.float32([[0.25, -120.0], [1.5, -0.75]])),
            ),
            Property("arrays that do not lie in one piece", cases(*family.SCATTERED_BATCHES)),
        ],
        mistakes=mistakes.SIGMOID_AS_SOFTMAX,
        hints=[
            "Write the softmax of the pair (z, 0) on paper. Which of the two entries is asked for?",
            "Put z and zeros side by side on a new last axis, then take a softmax along it.",
            "For z = 1000, subtract the larger one of the pair first.",
        ],
    ),
    Exercise(
        "log_odds(p)",
        "Log-odds",
        right=lab.logit,
        properties=[
            Property(
                "inside, of any shape",
                cases(
                    [0.5, 0.75],
                    [[0.1, 0.2, 0.9], [0.01, 0.5, 0.6]],
                    np.array(0.3),
                    [0.7],
                    shares(2, 3, 2, seed=1),
                    [0.5 + 1 / 1234, 0.49999, 0.5 - 1e-7],
                ),
            ),
            Property(
                "the ends: -inf at 0 and inf at 1",
                cases(
                    [0.5, 0.75, 1.0],
                    [0.0, 0.25],
                    np.array(0.0),
                    np.array(1.0),
                    [[0.0], [1.0]],
                    [0.0, 0.0],
                    [[1.0, 1.0]],
                ),
                probe=infinite_ends,
            ),
            Property(
                "tiny probabilities",
                cases([1e-12, 1e-300, 3e-9, 1e-40], np.array(1e-15), [0.0, 1e-15, 0.5, 1.0]),
            ),
            Property("nearly certain ones", cases([1 - 2.0**-20, 1 - 3e-6])),
            Property(
                "as near to 1 as a float gets",
                cases([1 - 2.0**-40], [np.nextafter(1, 0), 0.5]),
                tolerance=(1e-4, 0),
            ),
            Property("float32", cases(np.float32([0.25, 1e-9, 0.75, 0.0, 1 - 2.0**-24]))),
            Property("arrays that do not lie in one piece", cases(shares(4, 3, seed=2).T)),
        ],
        mistakes=mistakes.LOG_ODDS,
        hints=[
            "At p = 0.75, yes is three times likelier than no. How did you get the three?",
            "Odds are p against what is left; take their natural logarithm.",
            "Let 0 and 1 give infinities: no clipping is needed.",
        ],
    ),
    Exercise(
        "fit_temperature(logits, target)",
        "Fit a temperature",
        right=mistakes.best_temperature,
        properties=[
            Property("the example", [FEW_LOGITS], tolerance=(2e-4, 0)),
            Property(
                "an overconfident model is flattened", [labelled(1, 4.0, 2.5)], tolerance=(2e-4, 0)
            ),
            Property(
                "an underconfident model is sharpened", [labelled(2, 0.5, 0.4)], tolerance=(2e-4, 0)
            ),
            Property(
                "temperatures from 0.05 to 50",
                [scaled(k / 3.641) for k in (0.05236, 0.3, 2.0, 12.0, 49.5)],
                tolerance=(2e-4, 0),
            ),
            Property(
                "many samples, several classes, two classes",
                [labelled(3, 2.0, 1.3, 200, 7), labelled(4, 30.0, 20.0, 60, 2)],
                tolerance=(2e-4, 0),
            ),
            Property(
                "logits of any size: a row's own constant does not matter",
                [
                    (FEW_LOGITS[0] + 1000, FEW_LOGITS[1]),
                    (
                        FEW_LOGITS[0] + np.array([[-1000.0], [20000.0], [0.0], [-20000.0]]),
                        FEW_LOGITS[1],
                    ),
                    (FEW_LOGITS[0] + np.array([[1e9], [0.0], [-3e8], [1e9]]), FEW_LOGITS[1]),
                ],
                tolerance=(2e-4, 0),
            ),
        ],
        mistakes=mistakes.FIT_TEMPERATURE,
        hints=[
            "Plot the loss against the temperature, from 0.1 to 10. The curve has one valley.",
            "Narrow the valley down: a finer grid around the best point, again and again.",
            "Or shrink an interval: try two points inside it, cut off the end beside the worse.",
        ],
    ),
    Exercise(
        "calibration_error(p, target)",
        "Expected calibration error",
        right=mistakes.calibration,
        properties=[
            Property("the example", [(FEW_SHARES, np.array([0, 1, 1]))]),
            Property(
                "many samples, several classes",
                [
                    predictions(1, 30, 4),
                    predictions(2, 12, 3, scale=3.0),
                    predictions(3, 300, 10, scale=0.5),
                    predictions(4, 200, 2),
                ],
            ),
            Property(
                "neighbouring bins stay apart", [(np.c_[NEAR, 1 - NEAR], np.array([0, 1, 0, 1]))]
            ),
            Property(
                "confidence 1 is in the last bin, and so is one that is nearly 1",
                [
                    (SURE, np.array([0, 1, 0, 2])),
                    (np.array([[1.0, 0.0], [1 - 1e-12, 1e-12], [0.85, 0.15]]), np.array([0, 1, 0])),
                ],
            ),
            Property(
                "confidence 0.5 is in the bin above",
                [(np.array([[0.5, 0.3, 0.2], [0.2, 0.45, 0.35], [0.1, 0.55, 0.35]]), np.arange(3))],
            ),
            Property(
                "where two are largest, the first is predicted",
                [
                    (np.array([[0.5, 0.5], [0.45, 0.55]]), np.array([0, 1])),
                    (np.array([[0.5, 0.5], [0.45, 0.55]]), np.array([1, 1])),
                    (np.array([[0.2, 0.4, 0.4], [0.1, 0.45, 0.45]]), np.array([1, 2])),
                ],
            ),
            Property(
                "one sample, one class, low confidences",
                [
                    (np.array([[0.3, 0.7]]), np.array([0])),
                    (np.ones((3, 1)), np.zeros(3, dtype=int)),
                    (shares(8, 30, seed=3, scale=0.3), np.arange(8)),
                    predictions(5, 20, 300, scale=3.0),
                    (LOW, np.array([1, 1, 0, 0, 1])),
                ],
            ),
        ],
        mistakes=mistakes.CALIBRATION_ERROR,
        hints=[
            "For each sample you need its confidence, and whether it is right (1 or 0).",
            "The bin of a confidence c is the whole part of 10 c, and 9 for c = 1.",
            "A bin with n of B samples contributes n / B times the distance of two means.",
        ],
    ),
]
