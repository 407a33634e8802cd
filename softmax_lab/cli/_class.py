"""Grade a folder of answers, and write a table."""

import csv
import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from softmax_lab.cli._answers import Unreadable, read
from softmax_lab.cli._terminal import printable
from softmax_lab.cli._worker import BROKEN, MISSING, Verdict, verdicts

HEAD = ("who", "exercise", "verdict", "diagnosis")
SUFFIXES = (".py", ".ipynb")


def handed_in(folder):
    """Yield the programs and notebooks below a folder, in order, but for hidden folders."""
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith((".", "__")))
        yield from (Path(place, name) for name in sorted(files) if name.endswith(SUFFIXES))


def who(path, folder):
    """Return whose answers a file holds: its path in the folder, as text that can be printed."""
    relative = os.fsencode(path.relative_to(folder).as_posix())
    return printable(relative.decode("utf-8", "backslashreplace"))


def row(name, verdict):
    """Return a line of the table."""
    said = printable(" ".join(verdict.diagnosis.split()))
    return dict(zip(HEAD, (name, verdict.exercise, verdict.verdict, said), strict=True))


def grade(folder, allowed):
    """Return the table of a folder: a line for each answer of each file."""
    class_ = {}  # read before anything runs: an answer may do what it likes to the folder
    for path in handed_in(folder):
        name = who(path, folder)
        try:
            class_[name] = read(path, name)
        except Unreadable as reason:
            class_[name] = str(reason)

    def of(name):
        answers = class_[name]
        if isinstance(answers, str):
            return [row(name, Verdict("", BROKEN, answers))]
        if not answers.names:
            return [row(name, Verdict("", MISSING, "there is no function my_… in this file"))]
        return [row(name, verdict) for verdict in verdicts(answers, answers.names, allowed)]

    return [line for lines in on_all_cores(of, class_) for line in lines]


def on_all_cores(work, names):
    """Return what `work` returns for each name, in order."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    with ThreadPoolExecutor(max(1, cores or 1)) as pool:
        try:
            return list(pool.map(work, names))
        except KeyboardInterrupt:
            pool.shutdown(cancel_futures=True)
            raise


def no_formula(text):
    """Return text that a spreadsheet takes for text, even if it starts like a formula."""
    return "'" + text if text.startswith(("=", "+", "-", "@")) else text


def write(table, stem):
    """Write the table as CSV and as JSON; return the paths."""
    as_csv, as_json = Path(f"{stem}.csv"), Path(f"{stem}.json")
    with open(as_csv, "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, HEAD)
        writer.writeheader()
        writer.writerows({k: no_formula(text) for k, text in line.items()} for line in table)
    as_json.write_text(json.dumps(table, indent=1, ensure_ascii=False), encoding="utf-8")
    return as_csv, as_json
