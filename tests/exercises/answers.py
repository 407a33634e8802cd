"""What the tests of the exercises share: the bank, and the exercises themselves."""

from importlib import import_module

from softmax_lab.cli._start import chapters
from softmax_lab.exercises import EXERCISES, names

CHAPTERS = chapters()
NAMES = names()
SECONDS = 60.0  # generous, for machines that run many tests at once


def exercise(name):
    """Return an exercise."""
    return EXERCISES[name][1]


def chapter(name):
    """Return the chapter of an exercise."""
    return EXERCISES[name][0]


def bank(kind):
    """Return all answers of a kind, RIGHT or WRONG, by exercise."""
    answers = {}
    for name in CHAPTERS:
        answers |= getattr(import_module(f"tests.exercises.bank.{name}"), kind)
    return answers


def right_answer(name):
    """Return an answer that is right: the first of the bank, which is among the quick ones."""
    return bank("RIGHT")[name][0]
