"""No diagnosis names a mistake that was not made.

Every known mistake of every exercise is handed in to all exercises that are called alike. Where
the report names a mistake, that one must give what the answer gives.
"""

import numpy as np
import pytest

from softmax_lab import exercises
from softmax_lab.exercises._exercise import fresh
from tests.exercises.answers import NAMES, SECONDS, exercise

DRAWING = {"gumbel_max", "gumbel_softmax", "reinforce"}  # they are compared by what is measured


def signature(name):
    """Return what an exercise is called with: kinds of arguments, not their names."""
    case = exercise(name).properties[0].cases[0]
    return tuple(type(part).__name__ for part in case)


PAIRS = [
    (name, other)
    for name in NAMES
    for other in NAMES
    if name != other  # its own are in test_mistakes
    and other != "fit_temperature"  # its mistakes search, for half a minute in all
    and not {name, other} & DRAWING
    and signature(name) == signature(other)
]


def outcome(answer, case):
    """Return what a function gives in a case, or the kind of its error."""
    with np.errstate(all="ignore"):
        try:
            value = answer(*map(fresh, case))
        except Exception as error:
            return type(error).__name__
    return (
        [np.asarray(part, dtype=float) for part in value]
        if isinstance(value, tuple)
        else [np.asarray(value, dtype=float)]
    )


def give_the_same(one, other, case):
    """Whether two functions do the same in a case, or the first fails where the other does not."""
    a, b = outcome(one, case), outcome(other, case)
    if isinstance(a, str) or isinstance(b, str):
        return a == b
    if any(np.isnan(part).any() for part in a):
        return True  # it comes to grief besides
    return len(a) == len(b) and all(
        p.shape == q.shape and np.allclose(p, q, 1e-3, 1e-3, equal_nan=True)
        for p, q in zip(a, b, strict=True)
    )


@pytest.mark.parametrize("name", sorted({name for name, _ in PAIRS}))
def test_named_mistake_was_made(name):
    mine = exercise(name)
    named = {words.split(". ")[0]: function for words, function in mine.mistakes.items()}
    foreign = [
        (other, words, answer)
        for me, other in PAIRS
        if me == name
        for words, answer in exercise(other).mistakes.items()
    ]
    for other, words, answer in foreign:
        report = exercises.check(name, answer, seconds=SECONDS)
        if report or report.mistake not in named:
            continue
        for prop in mine.properties:
            for case in prop.cases:
                assert give_the_same(answer, named[report.mistake], case), (
                    f"{name}: {words!r} of {other} is taken for {report.mistake!r}"
                )
