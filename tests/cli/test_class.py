"""A class is graded, whatever was handed in."""

import csv
import json
import os
import signal
import time

import pytest

from softmax_lab import exercises
from softmax_lab.cli._start import chapters
from tests.cli.command import GENEROUS, RIGHT, WRONG, Terminal, notebook, run
from tools.solutions import cells

# One worker grades the class for all of these.
pytestmark = pytest.mark.xdist_group("class")

BROKEN = {
    "syntax": "def my_odds(:",
    "raises": "my_odds = 1 / 0",
    "exits": "import sys\nmy_odds = 1\nsys.exit()",
    "leaves": "import os\nmy_odds = 1\nos._exit(0)",
    "dies": "import os, signal\nmy_odds = 1\nos.kill(os.getpid(), signal.SIGKILL)",
    "endless": "my_odds = 1\nwhile True: pass",
    "stubborn": """
my_odds = 1
while True:
    try:
        while True: pass
    except BaseException: pass""",
    "compiled": "my_odds = 1\nsum(range(10**12))",
    "greedy": "my_odds = 1\nx = bytearray(2**40)",
    "greedy_slowly": "my_odds = 1\nx = []\nwhile True: x.append(bytearray(2**24))",
    "deep": "my_odds = 1\ndef f(): f()\nf()",
    "crash": "my_odds = 1\nimport ctypes\nctypes.string_at(0)",
    "forks": """
import os
my_odds = 1
if os.fork() == 0:
    while True: pass
os._exit(0)""",
    "fills_the_disk": "my_odds = 1\nopen('x', 'wb').write(bytes(2 * 10**8))",
    "brackets": "my_odds = " + "(" * 100_000,
}
STILL_RIGHT = {
    "prints": RIGHT + "\nfor _ in range(100): print('x' * 10**6)",
    "deletes": RIGHT + "\nimport os, shutil\nshutil.rmtree(os.getcwd(), ignore_errors=True)",
    "scribbles": RIGHT
    + """
import os
for number in range(3, 64):
    try: os.write(number, b"junk" * 100)
    except OSError: pass""",
    "threads": RIGHT
    + "\nimport threading, time\nthreading.Thread(target=time.sleep, args=[9999]).start()",
    "latin": "# -*- coding: latin-1 -*-\n# \xe9t\xe9\n" + RIGHT,
    "asks": RIGHT + "\ntry: input('your name?')\nexcept EOFError: pass",
}


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """Grade a class of everything; return the verdict and diagnosis of who and exercise."""
    folder = tmp_path_factory.mktemp("class")
    for name, text in (BROKEN | STILL_RIGHT).items():
        (folder / f"{name}.py").write_text(text, encoding="latin-1")
    (folder / "junk.py").write_bytes(b"my_odds = 1\n" + bytes(range(256)))
    (folder / "not_utf8.py").write_bytes(b"my_odds = '\xff'\n")
    (folder / "junk.ipynb").write_bytes(os.urandom(1000))
    (folder / "list.ipynb").write_text("[" * 100_000)
    (folder / "nothing.py").write_text("")
    (folder / "anna.py").write_text(RIGHT)
    (folder / "ben").mkdir()
    (folder / "ben" / "anna.py").write_text(WRONG)
    notebook(folder / "ben", RIGHT, name="anna.ipynb")
    (folder / "ben" / "link.py").symlink_to(folder / "anna.py")
    (folder / "ben" / "around").symlink_to(folder)
    (folder / "folder.py").mkdir()
    (folder / ".ipynb_checkpoints").mkdir()
    (folder / ".ipynb_checkpoints" / "anna.py").write_text(RIGHT)
    os.mkfifo(folder / "pipe.py")
    (folder / "=1+1.py").write_text(RIGHT)
    for name in ("UPPER.PY", "tab\t.py", "tab\1.py"):
        (folder / name).write_text(RIGHT)
    notebook(folder, RIGHT, name="UPPER.IPYNB")
    (folder / "late.py").write_text(
        "".join(
            f"def my_{name}(*a):\n    while True: pass\n"
            for name in ("linear_layer", "softmax_definition", "batch_softmax", "predict", "odds")
        )
    )
    (folder / "sleeps.py").write_text("import time\ndef my_odds(x, i, j):\n    time.sleep(60)\n")
    (folder / "patches.py").write_text(
        f"{RIGHT}\ndef my_linear_layer(x, weight, bias):\n    np.exp = None\n    np.array = None\n"
    )
    out = tmp_path_factory.mktemp("out")
    before = sorted(path for path in folder.rglob("*"))
    shown = run(out, "grade", folder, "--seconds", "1", "--megabytes", "1500")
    assert shown.returncode == 0, shown.stderr
    assert shown.stderr == ""
    assert sorted(path for path in folder.rglob("*")) == before
    lines = json.loads((out / "grades.json").read_text(encoding="utf-8"))
    with open(out / "grades.csv", encoding="utf-8", newline="") as file:
        as_csv = list(csv.DictReader(file))
    assert [who for who in (line["who"] for line in lines) if "tab" in who] == ["tab\ufffd.py"] * 2
    assert [{k: v.removeprefix("'") for k, v in line.items()} for line in as_csv] == lines
    assert "'=1+1.py" in {line["who"] for line in as_csv}, "a spreadsheet would compute it"
    assert list(lines[0]) == ["who", "exercise", "verdict", "diagnosis"]
    return {(x["who"], x["exercise"]): (x["verdict"], x["diagnosis"]) for x in lines}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_is_broken(table, name):
    verdict, diagnosis = table[f"{name}.py", "odds"]
    assert verdict == "broken"
    assert diagnosis


def test_an_answer_that_waits_is_stopped_and_not_killed(table):
    verdict, diagnosis = table["sleeps.py", "odds"]
    assert verdict == "not yet"
    assert diagnosis.startswith("it takes too long. ")


@pytest.mark.parametrize("name", STILL_RIGHT)
def test_an_answer_is_right_whatever_its_file_does_besides(table, name):
    assert table[f"{name}.py", "odds"] == ("solved", "")


@pytest.mark.parametrize(
    ("who", "says"),
    [
        ("syntax.py", "syntax.py, line 1: SyntaxError"),
        ("raises.py", "raises.py, line 1: ZeroDivisionError: division by zero"),
        ("exits.py", "exits.py, line 3: SystemExit"),
        ("endless.py", "endless.py, line 2: it takes too long"),
        ("greedy.py", "greedy.py, line 2: MemoryError"),
        ("leaves.py", "its process ended before the check did"),
        ("compiled.py", "it takes too long, and had to be killed"),
        ("not_utf8.py", "SyntaxError"),
    ],
)
def test_a_broken_file_is_told_where(table, who, says):
    assert says in table[who, "odds"][1]


def test_same_names_in_other_folders_are_others(table):
    assert table["anna.py", "odds"][0] == "solved"
    assert table["ben/anna.ipynb", "odds"][0] == "solved"
    verdict, diagnosis = table["ben/anna.py", "odds"]
    assert verdict == "not yet"
    assert diagnosis.startswith("the logarithm of the odds.")


@pytest.mark.parametrize(
    ("who", "says"),
    [
        ("junk.ipynb", "not a Jupyter notebook"),
        ("list.ipynb", "not a Jupyter notebook"),
        ("ben/link.py", "symbolic link"),
        ("pipe.py", "no ordinary file"),
    ],
)
def test_what_is_no_file_of_answers_gets_a_line(table, who, says):
    verdict, diagnosis = table[who, ""]
    assert verdict == "broken"
    assert says in diagnosis


def test_a_file_without_answers_gets_a_line(table):
    assert table["nothing.py", ""][0] == "missing"


def test_folders_are_not_gone_through_twice(table):
    assert not [who for who, _ in table if "around" in who or "checkpoints" in who]
    assert ("folder.py", "") not in table


def test_a_file_of_endless_answers_is_given_up(table):
    lines = {
        exercise: diagnosis for (who, exercise), (_, diagnosis) in table.items() if who == "late.py"
    }
    assert [d.startswith("it takes too long") for d in lines.values()] == [True] * 3 + [False] * 2
    assert lines["odds"].startswith("not run")


def test_answers_of_a_file_do_not_meet(table):
    assert table["patches.py", "linear_layer"][0] == "not yet"
    assert table["patches.py", "odds"][0] == "solved"


def test_the_book_s_own_notebooks_are_solved(tmp_path):
    """Handed in with the solutions for answers; whatever else they compute is not run."""
    handed_in = tmp_path / "class"
    handed_in.mkdir()
    for chapter in chapters():
        (handed_in / f"{chapter}.ipynb").write_text(json.dumps(filled_in(chapter)))
    run(tmp_path, "grade", handed_in)
    lines = json.loads((tmp_path / "grades.json").read_text(encoding="utf-8"))
    assert [line for line in lines if line["verdict"] != "solved"] == []
    assert {line["exercise"] for line in lines} == {*exercises.names()}


def filled_in(chapter):
    """Return a chapter's notebook as someone hands it in who has copied the solutions."""
    kept = [cell for cell in cells(chapter) if "starter" not in cell["metadata"].get("tags", [])]
    for cell in kept:
        if "solution" in cell["metadata"].get("tags", []):
            cell["source"] = "".join(cell["source"]).replace("solved_", "my_")
    return {"cells": kept, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


def test_the_help_says_that_it_is_no_sandbox(tmp_path):
    shown = run(tmp_path, "grade", "--help").stdout
    assert "no sandbox" in shown
    assert "docker run" in shown


@pytest.mark.parametrize("name", ["UPPER.PY", "UPPER.IPYNB"])
def test_nobody_is_lost_to_capitals(table, name):
    assert table[name, "odds"] == ("solved", "")


def test_what_is_left_aside_is_said(tmp_path):
    for name in ("anna.py", "ben.zip", ".DS_Store"):
        (tmp_path / name).write_text(RIGHT)
    shown = run(tmp_path, "grade", ".", "-o", "marks.csv")
    assert "Left aside, being neither .py nor .ipynb: ben.zip\n" in shown.stdout
    assert shown.stdout.endswith("Wrote marks.csv and marks.json.\n")
    assert "marks.csv, " not in run(tmp_path, "grade", ".", "-o", "marks").stdout
    (tmp_path / "anna.py").unlink()
    shown = run(tmp_path, "grade", ".", "-o", "marks")
    assert shown.stderr.endswith("no .py or .ipynb files in '.', but ben.zip.\n")


def test_a_table_that_cannot_be_written_is_told_before_the_class_runs(tmp_path):
    (tmp_path / "anna.py").write_text(RIGHT)
    (tmp_path / "grades.json").mkdir()
    shown = run(tmp_path, "grade", ".")
    assert shown.returncode == 2
    assert shown.stdout == ""
    assert shown.stderr == "softmax-lab: grades.json: Is a directory.\n"
    assert not (tmp_path / "grades.csv").exists()
    assert run(tmp_path, "grade", ".", "-o", "nowhere/grades").returncode == 2


def test_ctrl_c_ends_a_class_at_once(tmp_path):
    """Also where an answer takes no notice of its limits, and others wait for their turn."""
    for name in "abcdef":
        (tmp_path / f"{name}.py").write_text(BROKEN["stubborn"])
    (tmp_path / "0.py").write_text(f"open({str(tmp_path / 'here')!r}, 'w')\n{BROKEN['stubborn']}")
    with Terminal(tmp_path, "grade", ".", "--seconds", "300") as terminal:
        end = time.monotonic() + GENEROUS
        while not (tmp_path / "here").exists():
            assert time.monotonic() < end
            time.sleep(0.02)
        terminal.process.send_signal(signal.SIGINT)
        assert terminal.all().strip(" ^C\n") == ""
        assert terminal.process.wait() == 130


def test_a_folder_of_nothing(tmp_path):
    shown = run(tmp_path, "grade", ".")
    assert shown.returncode == 2
    assert "no .py or .ipynb files" in shown.stderr
    assert run(tmp_path, "grade", "nowhere").returncode == 2


@pytest.mark.parametrize("limit", ["--seconds=0", "--seconds=nan", "--megabytes=-1", "--seconds=x"])
def test_limits_are_positive_numbers(tmp_path, limit):
    shown = run(tmp_path, "grade", ".", limit)
    assert shown.returncode == 2
    assert "positive number" in shown.stderr
