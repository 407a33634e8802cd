"""In each chapter every exercise has all its cells, in order, and a solution that passes."""

import re

import pytest

from softmax_lab import exercises
from tests.exercises.answers import CHAPTERS, NAMES, chapter
from tools.solutions import cells, function, tagged


def place(name, wanted, what):
    """Return the index of an exercise's cell in its chapter; fail, saying so, if it is missing."""
    for index, cell in enumerate(cells(chapter(name))):
        if wanted(cell, "".join(cell["source"])):
            return index
    pytest.fail(f"book/{chapter(name)}.ipynb has no {what} of the exercise {name}")


def tag(name, wanted):
    def found(cell, source):
        of_exercise = cell["metadata"].get("exercise") == name
        return of_exercise and wanted in cell["metadata"].get("tags", [])

    return found


def starts(text):
    return lambda cell, source: cell["cell_type"] == "code" and source.strip().startswith(text)


def prompt(name):
    pattern = rf"^`{{3,}}\{{exercise\}}.*\n:label: ex-{name}$"
    return lambda cell, source: re.search(pattern, source, flags=re.MULTILINE)


@pytest.mark.parametrize("name", NAMES)
def test_exercise_has_all_its_cells_in_order(name):
    places = [
        place(name, prompt(name), f"prompt labelled ex-{name}"),
        place(name, tag(name, "starter"), "starter cell (tag 'starter')"),
        place(name, starts(f'exercises.check("{name}"'), "check cell"),
        place(name, starts(f'exercises.hint("{name}"'), "hint cell"),
        place(name, tag(name, "solution"), "solution cell (tag 'solution')"),
    ]
    assert places == sorted(places), f"{name}: cells belong in the order of the pattern"


@pytest.mark.parametrize("name", NAMES)
def test_solution_is_folded(name):
    metadata = cells(chapter(name))[place(name, tag(name, "solution"), "solution")]["metadata"]
    assert "hide-cell" in metadata["tags"], f"{name}: the page spoils the solution"
    assert metadata["jupyter"]["source_hidden"], f"{name}: JupyterLab shows the solution"
    assert metadata["mystnb"]["code_prompt_show"] == "Show the solution"


@pytest.mark.parametrize("name", NAMES)
def test_starter_runs_and_is_not_attempted(name):
    starter = tagged(chapter(name), "starter").get(name)
    assert starter, f"book/{chapter(name)}.ipynb has no starter cell of the exercise {name}"
    report = exercises.check(name, function(starter, f"my_{name}"))
    assert repr(report) == f"{name}: not attempted yet."


@pytest.mark.parametrize("name", NAMES)
def test_solution_passes(name):
    solution = tagged(chapter(name), "solution").get(name)
    assert solution, f"book/{chapter(name)}.ipynb has no solution cell of the exercise {name}"
    assert "exercises.verify(" in solution, f"{name}: the solution cell does not verify it"
    assert exercises.verify(name, function(solution, f"solved_{name}"))


@pytest.mark.parametrize("name", CHAPTERS)
def test_no_solution_is_of_an_unknown_exercise(name):
    assert set(tagged(name, "solution")) <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_feedback_does_not_contain_the_solution(name):
    code = tagged(chapter(name), "solution")[name]
    lines = {line.strip().removeprefix("return ") for line in code.splitlines()}
    lines = {line for line in lines if not line.startswith(("def ", "from ", "exercises."))}
    hints = exercises.hint(name).hints
    shown = "\n".join([*hints, repr(exercises.check(name, lambda *arguments: 0.123))])
    assert not [line for line in lines if len(line) > 12 and line in shown]
