"""What is solved, and which hints were read, is kept from one day to the next when asked."""

import json
import subprocess
import sys

import pytest

SETUP = """
import sys
import numpy as np
from softmax_lab import exercises
right = lambda x, i, j: np.exp(x[i] - x[j])
"""


def day(path, code):
    """Run code in a process of its own, that remembers in a file; return what it prints."""
    code = SETUP + f"exercises.remember({str(path)!r})\n" + code
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "progress.json"


def test_progress_is_kept_from_one_day_to_the_next(path):
    day(path, 'exercises.check("odds", right); exercises.hint("odds"); exercises.hint("odds")')
    shown = day(path, "print(exercises.progress().rows[0][:3])")
    assert shown.stdout == "('definition', '1 of 6', 2)\n"


def test_hints_go_on_where_they_were(path):
    day(path, 'exercises.hint("odds")')
    assert day(path, 'print(exercises.hint("odds"))').stdout.count("Hint") == 2


def test_what_was_solved_before_asking_is_kept(tmp_path, path):
    code = f'exercises.check("odds", right); exercises.remember({str(path)!r})'
    day(tmp_path / "other.json", code)
    assert json.loads(path.read_text())["solved"] == ["odds"]


def test_a_wrong_answer_takes_nothing_back(path):
    day(path, 'exercises.check("odds", right); exercises.check("odds", lambda x, i, j: 0.0)')
    assert json.loads(path.read_text())["solved"] == ["odds"]


def test_nothing_is_written_unless_asked(tmp_path):
    code = SETUP + 'exercises.check("odds", right); exercises.hint("odds")'
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_two_notebooks_share_a_file(path):
    """What the other has written since is kept."""
    other = SETUP + f"exercises.remember({str(path)!r}); exercises.check('odds', right)"
    code = f"""
import subprocess
subprocess.run([sys.executable, "-c", {other!r}], check=True)
exercises.hint("predict")
"""
    day(path, code)
    kept = json.loads(path.read_text())
    assert kept == {"solved": ["odds"], "hints": {"predict": 1}}


def test_exercises_of_another_edition_stay_in_the_file(path):
    path.write_text('{"solved": ["of_tomorrow"], "hints": {}}')
    day(path, 'exercises.check("odds", right); exercises.progress()')
    assert json.loads(path.read_text())["solved"] == ["odds", "of_tomorrow"]


def test_of_hints_of_another_edition_those_of_this_one_are_given(path):
    path.write_text('{"solved": [], "hints": {"odds": 99}}')
    assert day(path, 'print(exercises.hint("odds"))').stdout.count("Hint") == 3


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{}",
        '{"solved": 3, "hints": {}}',
        '{"solved": [], "hints": {"odds": 1e999}}',
        "[" * 100_000,
        "\xff",
        "my work",
    ],
)
def test_a_file_of_something_else_is_left_as_it_is(path, content):
    path.write_bytes(content.encode("latin-1"))
    with pytest.raises(subprocess.CalledProcessError) as error:
        day(path, "")
    assert "ValueError: path must name a file that `remember` wrote" in error.value.stderr
    assert path.read_bytes() == content.encode("latin-1")


def test_a_folder_that_is_not_there_is_told_at_once(path):
    with pytest.raises(subprocess.CalledProcessError) as error:
        day(path / "nowhere" / "progress.json", "")
    assert "FileNotFoundError" in error.value.stderr


def test_where_nothing_can_be_kept_the_session_goes_on(path):
    """As in a folder that cannot be written: what was told once fails no hint and no check."""
    code = f"""
try:
    exercises.remember({str(path.parent / "nowhere" / "progress.json")!r})
except OSError:
    print(exercises.hint("odds"), bool(exercises.check("odds", right)))
"""
    assert day(path, code).stdout.endswith("True\n")
    assert json.loads(path.read_text()) == {"solved": ["odds"], "hints": {"odds": 1}}
