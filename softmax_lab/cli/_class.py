"""Grade a folder of answers, and write a table."""

import csv
import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from softmax_lab.cli._answers import Unreadable, read
from softmax_lab.cli._terminal import printable
from softmax_lab.cli._worker import BROKEN, MISSING, Verdict, stop, verdicts

HEAD = ("who", "exercise", "verdict", "diagnosis")
SUFFIXES = (".py", ".ipynb")


def handed_in(folder):
    """Return what lies below a folder, but for hidden folders: answers, and what else.

    The answers are the programs and notebooks, and each folder that cannot be read: nobody whose
    work lies in it is passed over in silence.
    """
    answers, aside, shut = [], [], []
    for place, folders, files in os.walk(folder, onerror=shut.append):
        folders[:] = sorted(name for name in folders if not name.startswith((".", "__")))
        for name in sorted(files):
            is_answer = name.lower().endswith(SUFFIXES)
            (answers if is_answer else aside).append(Path(place, name))
    answers += [Path(error.filename) for error in shut]
    return answers, [path for path in aside if not path.name.startswith(".")]


def who(path, folder):
    """Return whose answers a file holds: its path in the folder, as text that can be printed."""
    relative = os.fsencode(path.relative_to(folder).as_posix())
    return printable(relative.decode("utf-8", "backslashreplace"))


def row(name, verdict):
    """Return a line of the table."""
    said = printable(" ".join(verdict.diagnosis.split()))
    return dict(zip(HEAD, (name, verdict.exercise, verdict.verdict, said), strict=True))


def grade(folder, allowed):
    """Return the table of a folder, a line for each answer of each file, and what is left aside."""
    class_ = []  # read before anything runs: an answer may do what it likes to the folder
    answers, aside = handed_in(folder)
    for path in answers:
        name = who(path, folder)
        try:
            class_.append((name, read(path, name)))
        except Unreadable as reason:
            class_.append((name, str(reason)))

    def of(handed_in):
        name, answers = handed_in
        if isinstance(answers, str):
            return [row(name, Verdict("", BROKEN, answers))]
        if not answers.names:
            return [row(name, Verdict("", MISSING, "there is no function my_… in this file"))]
        return [row(name, verdict) for verdict in verdicts(answers, answers.names, allowed)]

    table = [line for lines in on_all_cores(of, class_) for line in lines]
    return table, [who(path, folder) for path in aside]


def on_all_cores(work, items):
    """Return what `work` returns for each item, in order."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    with ThreadPoolExecutor(max(1, cores or 1)) as pool:
        try:
            return list(pool.map(work, items))
        except KeyboardInterrupt:
            pool.shutdown(wait=False, cancel_futures=True)
            stop()
            raise


def no_formula(text):
    """Return text that a spreadsheet takes for text, even if it starts like a formula."""
    return "'" + text if text.startswith(("=", "+", "-", "@")) else text


def outputs(stem):
    """Return where the table goes; raise OSError if it cannot be written there."""
    stem = stem.removesuffix(".csv").removesuffix(".json")
    paths = Path(f"{stem}.csv"), Path(f"{stem}.json")
    for path in paths:
        is_new = not os.path.lexists(path)
        with open(path, "a"):  # an old table stays as it is until there is a new one
            pass
        if is_new:
            path.unlink()
    return paths


def write(table, as_csv, as_json):
    """Write the table as CSV and as JSON."""
    with open(as_csv, "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, HEAD)
        writer.writeheader()
        writer.writerows({k: no_formula(text) for k, text in line.items()} for line in table)
    as_json.write_text(json.dumps(table, indent=1, ensure_ascii=False), encoding="utf-8")
