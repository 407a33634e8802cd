"""Wrong answers written against the prompts alone: none passes, and the report says why."""

import pytest

from softmax_lab import exercises
from softmax_lab.exercises._compare import OTHER
from tests.exercises.answers import NAMES, SECONDS, bank
from tests.exercises.bank.eighth import EIGHTH
from tests.exercises.bank.fifth import FIFTH
from tests.exercises.bank.fourth import FOURTH, FOURTH_RIGHT
from tests.exercises.bank.fresh import FRESH
from tests.exercises.bank.ninth import NINTH
from tests.exercises.bank.second import SECOND, UNUSUAL
from tests.exercises.bank.seventh import SEVENTH
from tests.exercises.bank.sixth import SIXTH
from tests.exercises.bank.tenth import TENTH
from tests.exercises.bank.third import THIRD
from tests.exercises.bank.thirteenth import THIRTEENTH, THIRTEENTH_RIGHT
from tests.exercises.bank.vague import VAGUE

ROUNDS = FRESH, SECOND, THIRD, FOURTH, FIFTH, SIXTH, SEVENTH, EIGHTH, NINTH, TENTH, THIRTEENTH
ANSWERS = [
    pytest.param(name, fault, answer, id=f"{name}-{fault}")
    for attacks in ROUNDS
    for name, answers in attacks.items()
    for fault, answer in answers.items()
]
RIGHT = [
    pytest.param(name, answer, id=f"{name}-{answer.__name__}-{number}")
    for unusual in (UNUSUAL, FOURTH_RIGHT, THIRTEENTH_RIGHT)
    for name, answers in unusual.items()
    for number, answer in enumerate(answers)
]


@pytest.mark.parametrize(("name", "fault", "answer"), ANSWERS)
def test_fresh_wrong_answer_is_rejected(name, fault, answer):
    report = exercises.check(name, answer, seconds=SECONDS)
    assert not report, f"{name}: the check accepts it"
    assert report.nudge, f"{name}: nothing but a verdict\n{report!r}"
    assert report.mistake != OTHER or fault in VAGUE.get(name, ()), (
        f"{name}: say how its numbers differ, or list it in bank/vague.py\n{report!r}"
    )


@pytest.mark.parametrize(("name", "answer"), RIGHT)
def test_unusual_right_answer_is_accepted(name, answer):
    report = exercises.check(name, answer, seconds=SECONDS)
    assert report, f"{name}: this answer is right.\n{report!r}"


def test_few_refusals_say_no_more_than_that_other_numbers_come_back():
    """Those that do are listed: a refusal that is not fails above, or in `test_bank`."""
    refused = len(ANSWERS) + sum(map(len, bank("WRONG").values()))
    vague = sum(map(len, VAGUE.values()))
    assert vague < 0.03 * refused, f"{vague} of {refused} refusals say no more"


def test_every_exercise_is_attacked_six_times_or_more():
    for name in NAMES:
        assert len(FRESH[name]) + len(SECOND.get(name, ())) >= 6, name


def test_every_exercise_of_the_fourth_round_is_tried_six_times_wrong_and_three_times_right():
    for name in FOURTH:
        assert len(FOURTH[name]) >= 6, name
        assert len(FOURTH_RIGHT[name]) >= 3, name
