"""Each verb of `softmax-lab`, as people call it."""

import ast
import importlib
import json
import re
import signal
import subprocess
import sys
import time
import tomllib

import pytest

from softmax_lab import cli, exercises
from softmax_lab.cli._start import chapters, starters
from tests.cli.command import COMMAND, RIGHT, ROOT, WRONG, Terminal, environment, notebook, run
from tools import starters as notebooks

ESCAPE = "\33["


def write(folder, text, name="answers.py"):
    (folder / name).write_text(text, encoding="utf-8")


def test_the_entry_point_is_the_command():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    module, _, function = project["scripts"]["softmax-lab"].partition(":")
    assert getattr(importlib.import_module(module), function) is cli.main


def test_help_names_every_verb(tmp_path):
    shown = run(tmp_path, "--help")
    assert shown.returncode == 0
    for verb in ("start", "check", "watch", "hint", "progress", "grade"):
        assert f"\n    {verb} " in shown.stdout


def test_a_wrong_verb_is_told(tmp_path):
    shown = run(tmp_path, "chekc", "answers.py")
    assert shown.returncode == 2
    assert "chekc" in shown.stderr


def test_numpy_is_all_that_the_command_imports():
    code = """
import sys
import softmax_lab.cli, softmax_lab.cli._worker, softmax_lab.cli._class, softmax_lab.cli._start
heavy = {"torch", "scipy", "matplotlib", "sklearn", "IPython", "watchfiles"} & set(sys.modules)
assert not heavy, heavy"""
    subprocess.run([sys.executable, "-c", code], check=True, env=environment())


@pytest.mark.parametrize("chapter", chapters())
def test_the_starters_are_those_of_the_notebooks(chapter):
    assert starters(chapter) == notebooks.text(chapter), "make notebooks writes them anew"


def test_start_writes_every_exercise_with_its_prompt(tmp_path):
    assert run(tmp_path, "start").returncode == 0
    tree = ast.parse((tmp_path / "answers.py").read_text(encoding="utf-8"))
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    assert [f.name for f in functions] == [f"my_{name}" for name in exercises.names()]
    for function in functions:
        assert len(ast.get_docstring(function).splitlines()) > 2, function.name
    shown = run(tmp_path, "check", "answers.py")
    assert shown.returncode == 1
    assert shown.stdout.count("not attempted yet.") == len(functions)


def test_start_of_a_chapter(tmp_path):
    run(tmp_path, "start", "stability")
    text = (tmp_path / "stability.py").read_text(encoding="utf-8")
    assert "def my_logsumexp(x):" in text
    assert "def my_odds(" not in text


def test_start_never_writes_over_work(tmp_path):
    write(tmp_path, "my work")
    shown = run(tmp_path, "start")
    assert shown.returncode == 2
    assert "answers.py is there already, and is left as it is" in shown.stderr
    assert (tmp_path / "answers.py").read_text() == "my work"


def test_start_of_a_chapter_that_is_not_there(tmp_path):
    shown = run(tmp_path, "start", "chapter9")
    assert shown.returncode == 2
    assert "'chapter9'" in shown.stderr
    assert "stability" in shown.stderr
    assert list(tmp_path.iterdir()) == []


def test_check_of_a_right_answer(tmp_path):
    write(tmp_path, RIGHT)
    shown = run(tmp_path, "check", "answers.py", "odds")
    assert shown.returncode == 0
    assert shown.stdout.startswith("odds: solved. All ")
    assert "  ✓ the example" in shown.stdout
    assert run(tmp_path, "check", "answers.py").stdout.endswith("1 of 1 solved.\n")


def test_check_of_a_wrong_answer_reports_as_the_notebook_does(tmp_path):
    write(tmp_path, WRONG)
    shown = run(tmp_path, "check", "answers.py", "odds")
    assert shown.returncode == 1
    report = exercises.check("odds", lambda x, i, j: x[i] - x[j])
    assert shown.stdout == f"{report!r}\n"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("def my_odds(x, i, j:\n    pass", ["answers.py, line 1: SyntaxError", "def my_odds(x"]),
        ("one = 1\nmy_odds = two", ["answers.py, line 2: NameError", "    my_odds = two"]),
        ("def f():\n    return 1 / 0\n\nmy_odds = f()", ["answers.py, line 2: ZeroDivisionError"]),
        ("import sys\nmy_odds = 1\nsys.exit(0)", ["answers.py, line 3: SystemExit"]),
        ("my_odds = 1\nimport nowhere_to_be_found", ["answers.py, line 2: ModuleNotFoundError"]),
        ("my_odds = '\0'", ["null bytes"]),
        ("# coding: utf-7\nmy_odds = 1 +", ["SyntaxError"]),
    ],
)
def test_check_tells_where_a_file_breaks(tmp_path, text, says):
    write(tmp_path, text)
    shown = run(tmp_path, "check", "answers.py")
    assert shown.returncode == 1
    for part in says:
        assert part in shown.stdout
    assert "Traceback" not in shown.stdout + shown.stderr


def test_check_of_one_answer_that_leaves_checks_the_others(tmp_path):
    leaves = "import os\ndef my_linear_layer(x, weight, bias):\n    os._exit(0)\n"
    write(tmp_path, RIGHT + leaves)
    shown = run(tmp_path, "check", "answers.py")
    assert "linear_layer: its process ended before the check did" in shown.stdout
    assert "odds: solved" in shown.stdout
    assert shown.returncode == 1


def test_check_finds_the_file_s_neighbours(tmp_path):
    write(tmp_path, RIGHT, "helper.py")
    write(tmp_path, "from helper import my_odds\n")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    assert run(elsewhere, "check", "../answers.py").returncode == 0


def test_files_named_as_modules_are_not_taken_for_them(tmp_path):
    """They lie in the folder of whoever tries things out, or in that of a whole class."""
    (tmp_path / "bin").mkdir()
    script = (
        "from softmax_lab.cli import main\nif __name__ == '__main__':\n    raise SystemExit(main())"
    )
    write(tmp_path / "bin", script)
    work = tmp_path / "work"
    work.mkdir()
    write(work, RIGHT)
    for name in ("random", "math", "types", "signal", "numpy", "softmax_lab"):
        write(work, "raise SystemExit('not this one')", f"{name}.py")
    command = [sys.executable, tmp_path / "bin" / "answers.py"]  # as pip installs it
    for verb in (["check", "answers.py"], ["grade", ".", "-o", tmp_path / "grades"]):
        shown = subprocess.run(
            [*command, *verb], cwd=work, env=environment(), capture_output=True, text=True
        )
        assert shown.returncode == 0, shown.stderr
        assert shown.stderr == ""
        assert "1 solved" in shown.stdout or "1 of 1 solved" in shown.stdout


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["nowhere.py"], "nowhere.py: it cannot be read"),
        (["."], "it is no ordinary file"),
        (["answers.py", "ods"], "did you mean 'odds'"),
        (["empty.py"], "has no answers"),
        (["half.py"], "no Python: '(' was never closed"),
        (["wide.py"], "no Python: source code string cannot contain null bytes"),
        (["broken.ipynb"], "not a Jupyter notebook"),
    ],
)
def test_check_says_what_it_cannot_do(tmp_path, arguments, says):
    write(tmp_path, RIGHT)
    write(tmp_path, "", "empty.py")
    write(tmp_path, "x = (", "half.py")
    (tmp_path / "wide.py").write_bytes(RIGHT.encode("utf-16-le"))
    write(tmp_path, "[1, 2", "broken.ipynb")
    shown = run(tmp_path, "check", *arguments)
    assert shown.returncode == 2
    assert says in shown.stderr
    assert "Traceback" not in shown.stderr


def test_check_of_an_answer_that_is_missing(tmp_path):
    write(tmp_path, RIGHT)
    shown = run(tmp_path, "check", "answers.py", "predict")
    assert shown.returncode == 1
    assert "there is no function my_predict" in shown.stdout


@pytest.mark.parametrize("block", ["class Mine:", 'if __name__ == "__main__":'])
def test_check_of_an_answer_inside_a_block(tmp_path, block):
    write(tmp_path, f"{block}\n    def my_odds(x, i, j):\n        return x\n")
    shown = run(tmp_path, "check", "answers.py")
    assert shown.returncode == 1
    assert "at the left margin, but one in a block (answers.py, line 2)" in shown.stdout


def test_of_a_notebook_runs_what_the_answer_needs(tmp_path):
    notebook(
        tmp_path,
        "%matplotlib inline",
        "import numpy as np\n1 / 0",
        "def difference(x, i, j):\n    return x[i] - x[j]",
        "from softmax_lab import exercises",
        "seen = []",
        "seen.append(np.exp)",
        "seen[0] = np.exp",
        "def my_odds(x, i, j):\n    return seen[0](difference(x, i, j))",
        "while True: x = i = 1",  # not the x and the i of the functions
        "def my_predict(x:",
        'exercises.check("odds", my_odds)',
    )
    assert run(tmp_path, "check", "answers.ipynb", "odds").returncode == 0
    shown = run(tmp_path, "check", "answers.ipynb")
    assert "answers.ipynb, cell 10, line 1: SyntaxError" in shown.stdout
    assert "1 of 2 solved" in shown.stdout


def test_hint_gives_one_more_at_each_call(tmp_path):
    counts = [run(tmp_path, "hint", "odds").stdout.count("Hint") for _ in range(4)]
    assert counts == [1, 2, 3, 3]
    assert json.loads((tmp_path / ".softmax-lab.json").read_text())["hints"] == {"odds": 3}


def test_hint_is_given_even_where_it_cannot_be_remembered(tmp_path):
    write(tmp_path, "something else", ".softmax-lab.json")
    shown = run(tmp_path, "hint", "odds")
    assert shown.returncode == 0
    assert "Hint 1 of 3" in shown.stdout
    assert "not remembered" in shown.stderr
    assert (tmp_path / ".softmax-lab.json").read_text() == "something else"


def test_hint_for_an_exercise_that_is_not_there(tmp_path):
    shown = run(tmp_path, "hint", "ods")
    assert shown.returncode == 2
    assert "did you mean 'odds'" in shown.stderr


def test_progress_counts_what_the_file_solves_and_the_hints(tmp_path):
    write(tmp_path, RIGHT)
    run(tmp_path, "hint", "predict")
    shown = run(tmp_path, "progress", "answers.py")
    assert shown.returncode == 0
    line = next(line for line in shown.stdout.splitlines() if line.startswith("definition"))
    assert line.split()[1:5] == ["1", "of", "6", "1"]
    assert "odds" not in line


def test_progress_of_a_broken_file(tmp_path):
    write(tmp_path, "my_odds = (")
    shown = run(tmp_path, "progress", "answers.py")
    assert shown.returncode == 1
    assert "SyntaxError" in shown.stdout


def test_colour_where_the_terminal_has_it(tmp_path):
    write(tmp_path, WRONG)
    with Terminal(tmp_path, "check", "answers.py") as terminal:
        shown = terminal.all()
    assert f"{ESCAPE}31m  ✗{ESCAPE}0m" in shown


@pytest.mark.parametrize("env", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_no_colour_where_it_is_not_wanted(tmp_path, env):
    write(tmp_path, WRONG)
    with Terminal(tmp_path, "check", "answers.py", **env) as terminal:
        shown = terminal.all()
    assert "diagnosis" in shown
    assert ESCAPE not in shown


def test_no_colour_in_a_pipe(tmp_path):
    write(tmp_path, WRONG)
    assert ESCAPE not in run(tmp_path, "check", "answers.py").stdout


def test_a_terminal_without_unicode_gets_the_report(tmp_path):
    write(tmp_path, WRONG)
    shown = run(tmp_path, "check", "answers.py", PYTHONUTF8="0", PYTHONIOENCODING="ascii")
    assert "odds: not yet." in shown.stdout
    assert "  - the example" in shown.stdout, "a mark that tells what holds from what fails"
    assert shown.stderr == ""


def test_a_line_with_tabs_is_shown_with_its_mark_below(tmp_path):
    write(tmp_path, "def my_odds(x, i, j):\n\treturn x[i]) - x[j]\n")
    shown = run(tmp_path, "check", "answers.py").stdout
    assert shown.splitlines()[1:] == [" " * 8 + "return x[i]) - x[j]", " " * 19 + "^"]


def test_without_an_output_the_exit_status_tells(tmp_path):
    write(tmp_path, RIGHT)
    line = " ".join([*COMMAND, "check", "answers.py", ">&-"])
    shown = subprocess.run(
        ["bash", "-c", line], cwd=tmp_path, env=environment(), capture_output=True, text=True
    )
    assert (shown.returncode, shown.stderr) == (0, "")


def test_answers_cannot_steer_the_terminal(tmp_path):
    write(tmp_path, "def my_odds(x, i, j):\n    raise ValueError('\\33[2Jgone')\n")
    assert "\33" not in run(tmp_path, "check", "answers.py").stdout


def test_a_closed_pipe_is_no_trouble(tmp_path):
    run(tmp_path, "start")
    line = " ".join([*COMMAND, "check", "answers.py", "| head -1"])
    shown = subprocess.run(
        ["bash", "-c", line], cwd=tmp_path, env=environment(), capture_output=True, text=True
    )
    assert shown.stdout == "linear_layer: not attempted yet.\n"
    assert shown.stderr == ""


def test_watch_checks_at_each_save_and_moves_on(tmp_path):
    predict = "\ndef my_predict(logits):\n    {}\n"
    write(tmp_path, WRONG + predict.format("..."))
    with Terminal(tmp_path, "watch", "answers.py", NO_COLOR="1") as terminal:
        terminal.until("diagnosis: *the logarithm of the odds")
        terminal.until("0 of 2 solved")
        terminal.until(r"Next: my_predict \(answers.py, line 6\)")

        write(tmp_path, RIGHT + predict.format("..."))
        shown = terminal.until("1 of 2 solved")
        assert "odds: solved." in shown
        assert "predict:" not in shown, "what has not changed is not checked again"

        write(tmp_path, RIGHT + predict.format("return (("))
        terminal.until(r"answers.py, line \d+: SyntaxError")

        (tmp_path / "new").write_text(RIGHT + predict.format("return logits.argmax(-1)"))
        (tmp_path / "new").rename(tmp_path / "answers.py")
        terminal.until("predict: solved.")
        terminal.until("2 of 2 solved")
        terminal.until("Ctrl-C ends it.")
        terminal.process.send_signal(signal.SIGINT)
        assert terminal.all().strip(" ^C\n") == ""
        assert terminal.process.wait() == 130


def test_watch_outlives_a_file_that_is_gone(tmp_path):
    write(tmp_path, WRONG)
    with Terminal(tmp_path, "watch", "answers.py", NO_COLOR="1") as terminal:
        terminal.until("Next: my_odds")
        (tmp_path / "answers.py").unlink()
        terminal.until("it cannot be read")
        write(tmp_path, RIGHT)
        terminal.until("1 of 1 solved")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("import helper\n" + RIGHT, "No module named 'helper'"),
        ("x = (", "no Python: '\\(' was never closed"),
        ("", "it has no answers"),
    ],
)
def test_watch_tells_a_trouble_once_and_when_it_is_over(tmp_path, text, says):
    write(tmp_path, RIGHT)
    with Terminal(tmp_path, "watch", "answers.py", NO_COLOR="1") as terminal:
        terminal.until("Ctrl-C ends it.")
        write(tmp_path, text)
        terminal.until(says)
        end = time.monotonic() + 3
        while time.monotonic() < end:
            terminal.read()
            time.sleep(0.02)
        assert not re.search(says, terminal.seen)
        write(tmp_path, RIGHT)
        terminal.until("1 of 1 solved")


def test_watch_checks_anew_when_a_neighbour_is_saved(tmp_path):
    write(tmp_path, "from helper import my_odds\n")
    with Terminal(tmp_path, "watch", "answers.py", NO_COLOR="1") as terminal:
        terminal.until("No module named 'helper'")
        write(tmp_path, RIGHT, "helper.py")
        terminal.until("1 of 1 solved")
        write(tmp_path, WRONG, "helper.py")
        terminal.until("0 of 1 solved")


def test_watch_outlives_an_answer_that_never_ends(tmp_path):
    write(tmp_path, "def my_odds(x, i, j):\n    while True:\n        pass\n")
    with Terminal(tmp_path, "watch", "answers.py", NO_COLOR="1") as terminal:
        terminal.until("it takes too long")
        write(tmp_path, RIGHT)
        terminal.until("1 of 1 solved")


def test_watch_of_nothing(tmp_path):
    shown = run(tmp_path, "watch", "nowhere.py")
    assert shown.returncode == 2
    assert "cannot be read" in shown.stderr
