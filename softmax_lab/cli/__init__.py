"""The command `softmax-lab`: the exercises from a terminal.

`softmax-lab start` writes a file of starters, `check` and `watch` report on it as a notebook does,
`hint` and `progress` help along, `grade` makes a table of a whole class.
"""

import argparse
import os
import sys
from collections import Counter
from pathlib import Path

from softmax_lab import exercises
from softmax_lab.cli._answers import Unreadable, read
from softmax_lab.cli._terminal import say

__all__ = ["main"]

REMEMBERED = ".softmax-lab.json"
SANDBOX = """\
Each answer runs in a process of its own, with limits on time and memory: a broken or endless file
spoils no other. This is no sandbox: an answer can do whatever you can do, on your files and on the
network. Run answers that you do not trust where nothing can be lost, for instance

  docker run --rm --network none --memory 4g --pids-limit 256 --user 1000 --read-only \\
    --tmpfs /tmp -v "$PWD/class:/class:ro" -v "$PWD/out:/out" -w /out IMAGE \\
    softmax-lab grade /class

where IMAGE is one that has softmax-lab installed (out must be writable for user 1000).
"""


class Trouble(Exception):
    """Raised for what the command cannot do; the message says why."""


def known(name):
    """Return the name of an exercise, which may be given as its function's name."""
    try:
        exercises._find(name.removeprefix("my_"))
    except ValueError as error:
        raise Trouble(str(error)) from None
    return name.removeprefix("my_")


def opened(file):
    """Return the answers in a file, to be run where it stands."""
    try:
        answers = read(file, folder=str(Path(file).absolute().parent))
    except Unreadable as reason:
        raise Trouble(f"{file}: {reason}.") from None
    if not answers.names:
        raise Trouble(f"{file} has no answers: each is a function my_…, as in `softmax-lab start`.")
    return answers


def start(arguments):
    """Write a file of starters."""
    from softmax_lab.cli._start import chapters, start

    if arguments.chapter not in (None, *chapters()):
        raise Trouble(f"there is no chapter {arguments.chapter!r}, only {', '.join(chapters())}.")
    try:
        path = start(arguments.chapter)
    except FileExistsError as error:
        raise Trouble(
            f"{error.filename} is there already, and is left as it is. "
            "Move it, or start in another folder."
        ) from None
    say(f"Wrote {path}. Write the first function, then: softmax-lab check {path}")
    return 0


def check(arguments):
    """Report on the answers in a file; 0 if all are solved."""
    from softmax_lab.cli._worker import SOLVED, Limits, verdicts

    answers = opened(arguments.file)
    names = [known(arguments.name)] if arguments.name else answers.names
    solved = 0
    for verdict in verdicts(answers, names, Limits()):
        in_short = verdict.verdict == SOLVED and not arguments.name
        say(verdict.report.partition("\n")[0] if in_short else verdict.report)
        solved += verdict.verdict == SOLVED
        if verdict.whole_file:
            return 1
    if not arguments.name:
        say(f"{solved} of {len(names)} solved.")
    return int(solved < len(names))


def watch(arguments):
    """Check at each save what changed."""
    try:
        import watchfiles  # noqa: F401
    except ImportError:
        raise Trouble("to watch a file takes one package more: pip install watchfiles") from None
    from softmax_lab.cli._watch import watch

    opened(arguments.file)
    watch(arguments.file)
    return 0


def hint(arguments):
    """Give one more hint."""
    name = known(arguments.name)
    try:
        exercises.remember(REMEMBERED)
    except (OSError, ValueError) as error:
        say(f"(not remembered: {error})", sys.stderr)
    say(exercises.hint(name))
    return 0


def progress(arguments):
    """Show what a file solves, chapter by chapter, and how many hints were read."""
    from softmax_lab.cli._worker import SOLVED, Limits, verdicts

    answers = opened(arguments.file)
    if Path(REMEMBERED).exists():
        try:
            exercises.remember(REMEMBERED)
        except (OSError, ValueError) as error:
            say(f"({error})", sys.stderr)
    found = list(verdicts(answers, answers.names, Limits()))
    for verdict in found:
        if verdict.verdict == SOLVED:
            exercises._progress.solve(verdict.exercise)
    say(exercises.progress())
    broken = [verdict.report for verdict in found if verdict.whole_file]
    if broken:
        say(f"\n{broken[0]}")
    return int(bool(broken))


def grade(arguments):
    """Grade a folder."""
    from softmax_lab.cli._class import grade, outputs, write
    from softmax_lab.cli._worker import Limits

    folder = Path(arguments.folder)
    if not folder.is_dir():
        raise Trouble(f"{folder} is no folder.")
    paths = outputs(arguments.output)  # before the hour that a class may take
    table, aside = grade(folder, Limits(arguments.seconds, arguments.megabytes))
    aside = [name for name in aside if folder / name not in paths]  # the last table
    some = ", ".join(aside[:5]) + ", …" * (len(aside) > 5)
    if not table:
        but = f", but {some}" if aside else ""
        raise Trouble(f"there are no .py or .ipynb files in {str(folder)!r}{but}.")
    for who in dict.fromkeys(line["who"] for line in table):
        counts = Counter(line["verdict"] for line in table if line["who"] == who)
        say(f"{who}: " + ", ".join(f"{number} {verdict}" for verdict, number in counts.items()))
    if aside:
        say(f"Left aside, being neither .py nor .ipynb: {some}")
    write(table, *paths)
    say("Wrote {} and {}.".format(*paths))
    return 0


def positive(kind):
    """Return a reader of positive numbers for argparse."""

    def number(text):
        value = kind(text)
        if not 0 < value < 1e9:
            raise ValueError
        return value

    number.__name__ = "positive number"
    return number


def parser():
    """Return the command's parser."""
    whole = argparse.ArgumentParser(prog="softmax-lab", description="The exercises of Softmax Lab.")
    verbs = whole.add_subparsers(title="verbs", metavar="VERB", required=True)

    def verb(function, says, **more):
        added = verbs.add_parser(function.__name__, help=says, description=says, **more)
        added.set_defaults(function=function)
        return added

    file = {"metavar": "FILE", "help": "your answers: a .py file or a notebook"}
    added = verb(start, "write a file of starters, answers.py or CHAPTER.py; never over your work")
    added.add_argument("chapter", nargs="?", metavar="CHAPTER", help="one chapter; else all")
    added = verb(check, "check your answers; the exit status is 0 when all are right")
    added.add_argument("file", **file)
    added.add_argument("name", nargs="?", metavar="NAME", help="one exercise; else all")
    verb(watch, "check what changed at each save, and move on").add_argument("file", **file)
    added = verb(hint, f"give a hint, and with each call one more (counted in {REMEMBERED})")
    added.add_argument("name", metavar="NAME", help="the exercise")
    verb(progress, "show what is solved, chapter by chapter").add_argument("file", **file)

    raw = argparse.RawDescriptionHelpFormatter
    added = verb(
        grade,
        "grade a class: a table of who, exercise, verdict, diagnosis",
        epilog=SANDBOX,
        formatter_class=raw,
    )
    added.add_argument("folder", metavar="FOLDER", help="what was handed in; subfolders too")
    added.add_argument(
        "-o",
        "--output",
        default="grades",
        metavar="STEM",
        help="write STEM.csv and STEM.json (default: grades)",
    )
    added.add_argument(
        "--seconds", type=positive(float), default=10.0, help="for one answer (default: 10)"
    )
    added.add_argument(
        "--megabytes",
        type=positive(int),
        default=2048,
        help="of memory for one answer (default: 2048)",
    )
    return whole


def main(arguments=None):
    """Run the command; return its exit status.

    Parameters
    ----------
    arguments : list of str, optional
        What follows the command's name; by default what it was called with.

    Returns
    -------
    int
        0 when all is well, 1 when an answer is not right yet, 2 when it could not be done.
    """
    given = parser().parse_args(arguments)
    try:
        return given.function(given)
    except Trouble as trouble:
        say(f"softmax-lab: {trouble}", sys.stderr)
        return 2
    except BrokenPipeError:  # `softmax-lab check answers.py | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        said = f"{error.filename}: {error.strerror}." if error.filename else error
        say(f"softmax-lab: {said}", sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
