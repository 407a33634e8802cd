"""Write a file of starters: each exercise's prompt and the beginning of its function."""

from importlib import resources
from pathlib import Path

from softmax_lab import exercises

HEADER = '''\
"""Answers to exercises of Softmax Lab. Write each function; its docstring is the prompt.

    softmax-lab check {file}     check all of them, or one: softmax-lab check {file} NAME
    softmax-lab watch {file}     check at each save
    softmax-lab hint NAME        one hint, and with each call one more
"""

import numpy as np
'''


def chapters():
    """Return the names of the chapters that have exercises."""
    return [*dict.fromkeys(chapter for chapter, _ in exercises.EXERCISES.values())]


def starters(chapter):
    """Return the starters of a chapter, as `make notebooks` took them out of its notebook."""
    return resources.files(__package__).joinpath("starters", f"{chapter}.txt").read_text("utf-8")


def start(chapter=None):
    """Write the starters of a chapter, or of all, and return the new file's path.

    Raises
    ------
    FileExistsError
        If the file is there already: it may hold someone's work.
    """
    path = Path(f"{chapter or 'answers'}.py")
    wanted = [chapter] if chapter else chapters()
    text = HEADER.format(file=path) + "".join(map(starters, wanted))
    with open(path, "x", encoding="utf-8") as file:
        file.write(text)
    return path
