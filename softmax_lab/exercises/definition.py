"""Exercises of chapter 1, the definition."""

import numpy as np

from softmax_lab import numpy as lab
from softmax_lab.exercises import _family as family
from softmax_lab.exercises._exercise import Exercise, Property, cases, sample
from softmax_lab.exercises.mistakes import definition as mistakes


def saturation_gap(dtype):
    """Find the smallest gap by halving an interval until no float is left inside."""
    one, low, high = dtype(1), dtype(0), dtype(64)
    while (gap := (low + high) / dtype(2)) not in (low, high):
        low, high = (low, gap) if one / (one + np.exp(-gap)) == one else (gap, high)
    return high


def layer(batch, features, classes, seed=0):
    """Return random arguments of a linear layer."""
    weight = sample(classes, features, seed=seed + 1)
    return sample(batch, features, seed=seed), weight, sample(classes, seed=seed + 2)


WHOLE = np.array([[1, 2], [-3, 4]]), np.array([[1, 0], [0, 1], [2, -1]])

EXERCISES = [
    Exercise(
        "linear_layer(x, weight, bias)",
        "A linear layer",
        right=lambda x, weight, bias: lab.linear(x, weight, bias).astype(np.result_type(x, 1.0)),
        properties=[
            Property(
                "the example",
                [
                    (
                        np.array([[1.0, 2.0]]),
                        np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]),
                        np.array([0.5, 0.0, -1.0]),
                    )
                ],
            ),
            Property(
                "a batch, with one row of scores a sample",
                [layer(4, 3, 2), layer(2, 5, 3), layer(30, 20, 200)],
            ),
            Property(
                "as many samples as features, as classes, or both",
                [layer(3, 3, 3), layer(2, 2, 2), layer(3, 3, 2), layer(3, 2, 3), layer(2, 3, 3)],
            ),
            Property(
                "a single sample, feature or class",
                [layer(1, 3, 2), layer(3, 1, 4), layer(3, 2, 1)],
            ),
            Property(
                "large numbers, and numbers of many digits",
                [
                    tuple(1000 * part for part in layer(2, 3, 4)),
                    tuple(part / 7 for part in layer(2, 3, 4, seed=8)),
                    tuple(part / 70000 for part in layer(2, 2, 3, seed=9)),
                ],
            ),
            Property(
                "integers, with a bias of fractions or of integers",
                [
                    (*WHOLE, np.array([0.5, 0.0, -1.25])),
                    (*WHOLE, np.array([3, 0, -2])),
                    (2**33 + WHOLE[0], WHOLE[1], np.array([3, 0, -2])),
                ],
            ),
            Property("float32", [family.in_single(*layer(3, 4, 2, seed=5))]),
            Property(
                "arrays that do not lie in one piece",
                [
                    (sample(3, 4).T, sample(2, 6)[:, ::2], sample(4)[::2]),
                    (sample(4, 3), sample(3, 2).T, sample(2)),
                ],
            ),
        ],
        mistakes=mistakes.LINEAR_LAYER,
        hints=[
            "x is (B, N), weight is (T, N), the result is (B, T). Which axes meet?",
            "One score is a row of x times a row of weight, summed, plus that class's bias.",
            "A matrix product needs N last in the first factor and first in the second.",
        ],
    ),
    Exercise(
        "softmax_definition(x)",
        "Softmax from its definition",
        right=lab.softmax,
        tiny=True,
        properties=[
            Property("the example", cases([1.0, 2.0, 3.0])),
            *family.logits(axes="row", size="small"),
        ],
        mistakes=mistakes.SOFTMAX_DEFINITION,
        hints=[
            "Two steps: make every score positive without losing the order, then share out 1.",
            "Which function is positive everywhere, and growing?",
            "Divide each exponential by the sum of all of them.",
        ],
    ),
    Exercise(
        "batch_softmax(x)",
        "A batch of rows",
        right=lab.softmax,
        tiny=True,
        properties=[
            Property("the example", cases([[0.0, 0.0], [0.0, np.log(3.0)]])),
            *family.logits(axes="batch", size="small"),
        ],
        mistakes=mistakes.BATCH_SOFTMAX,
        hints=[
            "What has to be summed: all entries, a column, or a row?",
            "The sums of the rows have shape (B,). Does dividing (B, T) by (B,) do what you mean?",
            "Keep the summed axis, with length 1: then each row meets its own sum.",
        ],
    ),
    Exercise(
        "predict(logits)",
        "The predicted class",
        right=lab.predict,
        properties=[
            Property("the example", cases([[3.0, 1.0, 2.0], [0.0, 5.0, 5.0]])),
            Property(
                "the first one wins a tie", cases([[1.0, 2.0, 2.0, 0.0], [3.0, 3.0, 3.0, 3.0]])
            ),
            *family.logits(axes="any", infinite=True),
            Property(
                "a row of only -inf: all tie, and the first wins",
                cases([-np.inf, -np.inf], [[0.0, 1.0, -1.0], [-np.inf] * 3]),
            ),
            Property("integers, up to 10**18", cases(*family.WHOLE)),
        ],
        mistakes=mistakes.PREDICT,
        hints=[
            "Does softmax change which entry is the largest?",
            "You need the place of the maximum along the axis of the classes, not the maximum.",
            "NumPy has a function for the index of the maximum; tell it the last axis.",
        ],
    ),
    Exercise(
        "odds(x, i, j)",
        "Odds without softmax",
        right=lambda x, i, j: np.exp(x[i] - x[j]),
        tiny=True,
        properties=[
            Property("the example", [(np.array([2.0, 0.0, 1.0]), 0, 1)]),
            Property(
                "three classes and more, either way round",
                [(sample(4, seed=1), 2, 1), (sample(4, seed=1), 1, 2), (sample(5), 4, 0)],
            ),
            Property(
                "one class, two classes, 300 classes",
                [
                    (np.array([-2.5]), 0, 0),
                    (np.array([0.5, -1.0]), 1, 0),
                    (family.LONG, 150, 3),
                    (family.LONG, 0, 199),
                ],
            ),
            Property(
                "the size of the logits does not matter, only their difference",
                [
                    (np.array([1000.0, 999.0]), 0, 1),
                    (np.array([-1e3, -1001.0, 0.0]), 1, 0),
                    (np.array([0.0, -1000.0, -1001.0]), 1, 2),
                    (np.array([-20000.0, 20000.0, -20001.5]), 2, 0),
                    (np.array([20000.0, 19999.0]), 0, 1),
                    (np.array([1 / 3, 1e9, -2 / 7]), 0, 2),
                    (np.array([-1e300, -5e15, 5e15 + 1, 5e15]), 2, 3),
                ],
            ),
            Property(
                "a class against itself, and against one that ties with it or nearly does",
                [
                    (np.array([3.0, 0.5, -1.0]), 1, 1),
                    (np.array([2.0, 1.0, 2.0]), 0, 2),
                    (np.array([2.0, 1.0, 2.0 + 1e-7]), 2, 0),
                ],
            ),
            Property(
                "very large and very small odds",
                [
                    (np.array([300.0, 1.0, -300.0]), 0, 2),
                    (np.array([300.0, 1.0, -300.0]), 2, 0),
                    (np.array([0.0, -40.0]), 1, 0),
                    (np.array([0.0, -690.0]), 1, 0),
                    (np.array([5.0, 710.0]), 1, 0),
                ],
            ),
            Property(
                "integers, up to 10**18",
                [
                    (np.array([2, 0, 1, -3]), 3, 0),
                    (np.array([10**18, 10**18 + 3, -(10**18)]), 1, 0),
                    (np.array([10**18, 10**18 + 3, -(10**18)]), 2, 0),
                ],
            ),
            Property(
                "float32",
                [
                    (np.float32([1.5, -0.25, 90.0]), 0, 1),
                    (np.float32([100.0, 99.0]), 0, 1),
                    (np.float32([-200.0, -201.5]), 1, 0),
                ],
            ),
        ],
        mistakes=mistakes.ODDS,
        hints=[
            "Write both probabilities as fractions. What do they have in common?",
            "The denominator cancels, and a quotient of exponentials is one exponential.",
            "Of what? Subtract before you exponentiate, so that large logits never overflow.",
        ],
    ),
    Exercise(
        "saturation_gap(dtype)",
        "Where softmax reaches 1",
        right=saturation_gap,
        properties=[
            Property("float16", [(np.float16,)], tolerance=(6e-4, 0)),
            Property("float32", [(np.float32,)], tolerance=(3e-7, 0)),
            Property("float64", [(np.float64,)], tolerance=(5e-16, 0)),
        ],
        mistakes=mistakes.SATURATION_GAP,
        hints=[
            "When does adding a small positive number to 1 leave 1 as it is?",
            "Search (halve an interval until its ends are neighbours), or solve for the gap.",
            "np.finfo(dtype).eps is the distance from 1 to the next float; half is rounded away.",
        ],
    ),
]
