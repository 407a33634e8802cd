"""What a teacher hands out, and what the page for teachers says."""

import csv
import json
import re
import subprocess
import sys

import pytest

from softmax_lab.cli._start import chapters
from tests.cli.command import RIGHT, ROOT, WRONG, environment, run
from tools.solutions import cells, tagged
from tools.student import without_solutions

PAGE = (ROOT / "book" / "teachers.md").read_text(encoding="utf-8")
COMMANDS = [
    line.partition("#")[0].split()[1:]
    for block in re.findall(r"```bash\n(.*?)```", PAGE, flags=re.DOTALL)
    for line in block.splitlines()
    if line.startswith("softmax-lab ")
]


@pytest.mark.parametrize("chapter", chapters())
def test_the_student_s_notebook_has_starters_and_no_solutions(chapter):
    student = without_solutions({"cells": cells(chapter)})["cells"]
    text = "\n".join("".join(cell["source"]) for cell in student)
    assert "solved_" not in text
    assert "exercises.verify" not in text
    for name in tagged(chapter, "solution"):
        assert f"def my_{name}(" in text
        assert f'exercises.check("{name}"' in text


@pytest.mark.parametrize("chapter", chapters())
def test_nothing_is_lost_with_the_solutions(chapter, tmp_path):
    """A name that only a solution has imported would be missing further down."""
    notebook = {"cells": cells(chapter), "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    path = tmp_path / f"{chapter}.ipynb"
    path.write_text(json.dumps(without_solutions(notebook)))
    ruff = [sys.executable, "-m", "ruff", "check", "--isolated", "--no-cache", "--select", "F821"]
    shown = subprocess.run([*ruff, path], capture_output=True, text=True)
    assert shown.returncode == 0, shown.stdout


def test_what_the_page_tells_to_type_works(tmp_path):
    (tmp_path / "class").mkdir()
    (tmp_path / "class" / "anna.py").write_text(RIGHT)
    assert len(COMMANDS) > 6
    for command in COMMANDS:
        if command[0] != "watch":
            shown = run(tmp_path, *command)
            assert shown.returncode in (0, 1), shown.stderr
            assert shown.stderr == ""


def test_the_page_names_every_column_and_verdict(tmp_path):
    from softmax_lab.cli import _worker as worker
    from softmax_lab.cli._class import HEAD

    verdicts = ["SOLVED", "NOT_YET", "UNTOUCHED", "BROKEN", "MISSING"]
    for word in (*HEAD, *(getattr(worker, name) for name in verdicts)):
        assert f"\n| {word} | " in PAGE


def test_the_page_s_count_of_mistakes_runs(tmp_path):
    (tmp_path / "ben.py").write_text(WRONG)
    run(tmp_path, "grade", ".")
    code = re.findall(r"```python\n(import csv.*?)```", PAGE, flags=re.DOTALL)[0]
    shown = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
    )
    assert shown.stdout == "1 odds the logarithm of the odds\n", shown.stderr
    with open(tmp_path / "grades.csv", newline="") as file:
        assert len([*csv.DictReader(file)]) == 1
