"""Each mistake that a check knows is a mistake, and is told from the others."""

import pytest

from softmax_lab import exercises
from tests.exercises.answers import NAMES, SECONDS, exercise

KNOWN = [
    pytest.param(name, words, wrong, id=f"{name}-{words.split('. ')[0]}")
    for name in NAMES
    for words, wrong in exercise(name).mistakes.items()
]


@pytest.mark.parametrize(("name", "words", "wrong"), KNOWN)
def test_mistake_is_recognised_in_itself(name, words, wrong):
    mistake, nudge = words.split(". ", 1)
    report = exercises.check(name, wrong, seconds=SECONDS)
    assert (report.mistake, report.nudge) == (mistake, nudge), f"it is taken for:\n{report!r}"
