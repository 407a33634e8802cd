"""Every right answer of the bank is accepted, and every wrong one is called by its name."""

import pytest

from softmax_lab import exercises
from tests.exercises.answers import NAMES, SECONDS, bank

RIGHT = [
    pytest.param(name, answer, id=f"{name}-{number}")
    for name, answers in bank("RIGHT").items()
    for number, answer in enumerate(answers)
]
WRONG = [
    pytest.param(name, mistake, answer, id=f"{name}-{number}-{mistake}")
    for name, answers in bank("WRONG").items()
    for number, (mistake, answer) in enumerate(answers)
]


@pytest.mark.parametrize(("name", "answer"), RIGHT)
def test_right_answer_is_accepted(name, answer):
    report = exercises.check(name, answer, seconds=SECONDS)
    assert report, f"{name}: this answer is right, and the check refuses it.\n{report!r}"


@pytest.mark.parametrize(("name", "mistake", "answer"), WRONG)
def test_wrong_answer_is_rejected_with_its_own_diagnosis(name, mistake, answer):
    report = exercises.check(name, answer, seconds=SECONDS)
    assert not report, f"{name}: the check accepts an answer in which {mistake}"
    assert report.mistake == mistake, f"{name}: another diagnosis than expected.\n{report!r}"


@pytest.mark.parametrize("name", NAMES)
def test_bank_is_large_enough(name):
    right, wrong = bank("RIGHT").get(name, []), bank("WRONG").get(name, [])
    assert len(right) >= 3, f"{name}: three right answers or more are asked for"
    diagnoses = {mistake for mistake, _ in wrong}
    assert len(diagnoses) >= 5, f"{name}: five wrong answers or more, with different diagnoses"


def test_book_is_large_enough():
    assert len(NAMES) >= 30
    assert len(WRONG) >= 190
