"""Check the exercises of the book: what passed, what failed, and which mistake it looks like.

>>> from softmax_lab import exercises
>>> def my_odds(x, i, j):
...     return x[i] - x[j]
>>> report = exercises.check("odds", my_odds)
>>> bool(report)
False
>>> report.mistake
'the logarithm of the odds'

Answers are the reader's own code and run in the reader's own process, under a time limit.
"""

import difflib

from softmax_lab.exercises import (
    cross_entropy,
    definition,
    gradients,
    logits,
    scale,
    soft_max,
    stability,
)
from softmax_lab.exercises._grade import grade
from softmax_lab.exercises._progress import Progress
from softmax_lab.exercises._report import Hints, Table
from softmax_lab.exercises._state import remember as remember_modules

__all__ = ["check", "hint", "list", "names", "progress", "remember", "verify"]

CHAPTERS = (definition, logits, soft_max, stability, gradients, cross_entropy, scale)
EXERCISES = {
    exercise.name: (chapter.__name__.rpartition(".")[2], exercise)
    for chapter in CHAPTERS
    for exercise in chapter.EXERCISES
}
remember_modules()
_progress = Progress()  # of this session


def names():
    """Return the names of all exercises, in the order of the book.

    Returns
    -------
    list of str

    Examples
    --------
    >>> names()[:2]
    ['linear_layer', 'softmax_definition']
    """
    return [*EXERCISES]


def _find(name):
    if not isinstance(name, str) or name not in EXERCISES:
        near = difflib.get_close_matches(str(name), names(), n=3, cutoff=0.4)
        did_you_mean = f"; did you mean {' or '.join(map(repr, near))}?" if near else "."
        raise ValueError(
            f"there is no exercise {name!r}{did_you_mean} exercises.names() returns all names."
        )
    return EXERCISES[name][1]


def check(name, answer, *, seconds=10.0):
    """Check an answer to an exercise, and say what is wrong with it.

    Parameters
    ----------
    name : str
        The exercise; `names()` has them all.
    answer : callable
        Your function. Whatever it does, `check` does not raise.
    seconds : float, default 10
        How long the function may work, over all cases, in time of its processor: other programs
        on the machine change no verdict. One that waits is stopped after three times as long. It
        is interrupted between two steps of Python: one long call into compiled code is stopped
        only when it returns.

    Returns
    -------
    Report
        Prints as text, shows as a table in a notebook, and is true when every property holds.

    Raises
    ------
    ValueError
        If there is no such exercise (the message lists near matches), or `seconds` is no number
        of seconds.

    Examples
    --------
    >>> import numpy as np
    >>> check("odds", lambda x, i, j: np.exp(x[i] - x[j]))
    odds: solved. All 8 properties hold.
      ✓ the example
      ✓ three classes and more, either way round
      ✓ one class, two classes, 300 classes
      ✓ the size of the logits does not matter, only their difference
      ✓ a class against itself, and against one that ties with it or nearly does
      ✓ very large and very small odds
      ✓ integers, up to 10**18
      ✓ float32
    """
    is_number = isinstance(seconds, int | float) and not isinstance(seconds, bool)
    if not (is_number and 0 < seconds <= 86400):
        raise ValueError(
            f"seconds must be a number above 0 and at most 86400, such as 10; it is {seconds!r}."
        )
    report = grade(_find(name), answer, seconds)
    if report:
        _progress.solve(name)
    return report


def verify(name, solution):
    """Check a solution of the book: return the report, or raise if it does not pass.

    Unlike `check`, it does not count as solved in `progress`.

    Parameters
    ----------
    name : str
        The exercise.
    solution : callable
        What must pass.

    Returns
    -------
    Report

    Raises
    ------
    AssertionError
        If the solution does not pass; the message is the report.
    """
    report = grade(_find(name), solution, seconds=60.0)
    if not report:
        raise AssertionError(f"this solution does not pass.\n{report!r}")
    return report


def hint(name):
    """Give a hint, and with each call one more.

    In a notebook and on the page all hints are there, each folded: unfold one at a time.

    Parameters
    ----------
    name : str
        The exercise.

    Returns
    -------
    Hints

    Examples
    --------
    >>> hint("odds").hints[0]
    'Write both probabilities as fractions. What do they have in common?'
    """
    hints = _find(name).hints
    return Hints(name, hints, _progress.read_hint(name, available=len(hints)))


def list():
    """Return all exercises by chapter, each with its title and its place in the book.

    Returns
    -------
    Table
    """
    rows, pages = [], {}
    for name, (chapter, exercise) in EXERCISES.items():
        pages[name] = f"{chapter}.html#ex-{name}"
        rows.append((chapter, name, exercise.title, pages[name]))
    return Table(("chapter", "exercise", "title", "page"), rows, pages)


def progress():
    """Return what is solved, chapter by chapter: in this session, or since `remember`.

    Returns
    -------
    Table
        Hints that were read are counted, and count for nothing: they are there to be read.
    """
    rows = []
    for module in CHAPTERS:
        mine = [exercise.name for exercise in module.EXERCISES]
        solved = [name for name in mine if name in _progress.solved]
        left = [name for name in mine if name not in _progress.solved]
        chapter = EXERCISES[mine[0]][0]
        read = sum(_progress.hints.get(name, 0) for name in mine)
        share = f"{len(solved)} of {len(mine)}"
        rows.append((chapter, share, read, ", ".join(left) or "all done"))
    return Table(("chapter", "solved", "hints read", "still to do"), rows)


def remember(path):
    """Keep what is solved, and which hints were read, in a file from one day to the next.

    Call it once at the top of each notebook. What the file holds is taken in; from then on each
    solved exercise and each hint is written to it at once. Several notebooks may share a file.

    Parameters
    ----------
    path : str or path
        The file: JSON, made when it is not there.

    Raises
    ------
    ValueError
        If the file holds something else. It is left as it is.
    OSError
        If it can be neither read nor written.
    """
    _progress.remember(path)
