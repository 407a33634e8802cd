"""Exercises of chapter 4, stability."""

import numpy as np

from softmax_lab import numpy as lab
from softmax_lab.exercises import _family as family
from softmax_lab.exercises._cost import Stream, one_chunk_at_a_time
from softmax_lab.exercises._exercise import Exercise, Property, cases, sample
from softmax_lab.exercises._witness import quiet
from softmax_lab.exercises.mistakes import stability as mistakes

EXERCISES = [
    Exercise(
        "stable_softmax(x)",
        "A softmax that survives",
        right=lab.softmax,
        torch=True,
        tiny=True,
        properties=[
            Property("the example", cases([1000.0, 1000.0, -1000.0])),
            *family.logits(axes="any", infinite=True, keeps_dtype=True),
            Property("1001 classes", cases(family.LONGER)),
        ],
        mistakes=mistakes.STABLE_SOFTMAX,
        hints=[
            "np.exp(1000) is inf, and inf / inf is nan. What can you do to x that softmax ignores?",
            "Subtract the same number from a whole row. Which one makes the largest exponent 0?",
            "Each row needs its own maximum, with an axis of length 1 so that it meets its row.",
        ],
    ),
    Exercise(
        "logsumexp(x)",
        "Log-sum-exp",
        right=lab.logsumexp,
        torch=True,
        properties=[
            Property("the example", cases([1000.0, 1000.0])),
            *family.logits(axes="any", infinite=True),
            Property("1001 classes", cases(family.LONGER)),
            Property(
                "a row of only -inf",
                cases(
                    [-np.inf, -np.inf],
                    [-np.inf],
                    [[-np.inf, -np.inf], [1.0, 2.0]],
                    [[1000.0, 999.0], [-np.inf, -np.inf], [-1000.0, -2000.0]],
                    np.full((2, 3), -np.inf),
                ),
            ),
        ],
        mistakes=mistakes.LOGSUMEXP,
        hints=[
            "Pull e^m out of the sum, with m the row's maximum. What becomes of the logarithm?",
            "log(e^m S) = m + log S, where every exponential in S is at most 1.",
            "If m is -inf, shift by 0 instead: then the sum is 0, and its logarithm what you want.",
        ],
    ),
    Exercise(
        "log_softmax(x)",
        "Log-softmax",
        right=lab.log_softmax,
        torch=True,
        properties=[
            Property("the example", cases([0.0, -1000.0])),
            *family.logits(axes="any", infinite=True, keeps_dtype=True),
            Property("1001 classes", cases(family.LONGER)),
        ],
        mistakes=mistakes.LOG_SOFTMAX,
        hints=[
            "Write the logarithm of the fraction as a difference. Which exponential disappears?",
            "What is left is x minus a logsumexp; take it of the shifted row.",
            "Shift first, and use the shifted row in both places.",
        ],
    ),
    Exercise(
        "streaming_logsumexp(chunks)",
        "Log-sum-exp of a stream",
        right=lambda chunks: lab.logsumexp(np.concatenate([[-np.inf], *chunks])),
        properties=[
            Property("the example", cases(Stream([1000, 1000], [1001]))),
            Property(
                "the maximum comes early, late or in the middle",
                cases(
                    Stream([5, 1], [2, 0, 1], [4.5]),
                    Stream([0.5], [1, 2], [3.25]),
                    Stream([0], [800, 1, 2], [800.5], [-3]),
                    Stream([1000, 999], [-1000], [999.5, 0]),
                    Stream([-20000, -20001], [-20000.5], [-20003]),
                    Stream([-20000], [20000, 19999], [0]),
                    Stream([-3e300, -2e300], [-3e300]),
                    Stream([2.5]),
                    Stream([-3], [0, -5, 1000], [1, 2000, 3]),
                    Stream([1000, -1000, -2000], [-3000, 1, 0]),
                    Stream([1, 1], [1], [1, 1, 1]),
                ),
            ),
            Property(
                "many chunks", cases(Stream(*sample(9, 2, scale=4)), Stream(*sample(1500, 1)))
            ),
            Property(
                "a stream of any length",
                cases(*[Stream(*sample(count, 1, seed=count)) for count in range(1, 130)]),
            ),
            Property(
                "many chunks far below the maximum add up",
                cases(Stream([20.0], *np.zeros((500, 40))), Stream(*np.zeros((500, 40)), [20.0])),
            ),
            Property(
                "of a long stream, one chunk at a time is held",
                cases(Stream(*sample(200, 100, seed=3, scale=4))),
                one_chunk_at_a_time,
            ),
            Property(
                "chunks of only -inf",
                cases(Stream([-np.inf], [0, -np.inf], [-np.inf, -np.inf], [1])),
            ),
            Property("nothing but -inf, or nothing at all", cases(Stream([-np.inf]), Stream())),
        ],
        mistakes=mistakes.STREAMING_LOGSUMEXP,
        hints=[
            "Two numbers are enough to remember: the maximum so far, and a sum.",
            "The sum counts exponentials in units of e^max. When max grows, the unit grows too.",
            "The old sum then shrinks, by e^(old max - new max). Skip chunks of only -inf.",
        ],
    ),
    Exercise(
        "overflow_limit(dtype)",
        "The last finite exponential",
        right=mistakes.overflow_limit,
        properties=[
            Property(dtype.__name__, [(dtype,)], tolerance=(0, 0))
            for dtype in (np.float16, np.float32, np.float64)
        ],
        mistakes=mistakes.OVERFLOW_LIMIT,
        hints=[
            "Which function undoes np.exp, and which is the largest float of the dtype?",
            "Rounding may push the logarithm above the limit: try it.",
            "np.nextafter gives the neighbouring float of the same dtype.",
        ],
    ),
    Exercise(
        "quiet_failure()",
        "A lie without a nan",
        right=None,
        properties=[Property("a quiet lie of more than 5 percentage points", [()], quiet)],
        mistakes={},
        hints=[
            "Which side fails loudly at once, and on which side does precision fade first?",
            "At the bottom float32 counts in grains of 1.4e-45. Where is np.exp(x) a few grains?",
            "Print the naive softmax for offsets from -86 to -106 and watch.",
        ],
    ),
]
