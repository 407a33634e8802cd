"""The report, the hints, the lists: what a reader sees, in a terminal and on the page."""

import html
import re
import subprocess
import sys

import numpy as np
import pytest
from scipy.special import logsumexp

from softmax_lab import exercises
from tests.exercises.answers import CHAPTERS, NAMES, exercise


def odds(x, i, j):
    return np.exp(x[i] - x[j])


def log_of_odds(x, i, j):
    return x[i] - x[j]


def test_report_on_a_right_answer():
    report = exercises.check("odds", odds)
    assert report
    assert repr(report).startswith("odds: solved. All 8 properties hold.")
    assert report.failure == []
    assert "holds" in report._repr_html_()


def test_report_shows_the_smallest_failing_input():
    report = exercises.check("odds", log_of_odds)
    failure = dict(report.failure)
    assert np.array_equal(failure["x"], [-2.5]), "one class is less to read than three"
    assert (failure["i"], failure["j"]) == (0, 0)
    assert float(failure["expected"]) == 1.0
    assert float(failure["got"]) == 0.0
    assert failure["it fails"] in report.holds


def test_report_in_words():
    text = repr(exercises.check("odds", log_of_odds))
    assert "diagnosis:" in text
    assert "the logarithm of the odds. A difference of logits is a logarithm." in text


def test_html_is_escaped_and_has_no_colours():
    def nasty(x, i, j):
        raise ValueError("<script>alert('x')</script>")

    shown = exercises.check("odds", nasty)._repr_html_()
    assert "<script" not in shown
    assert html.escape("<script>") in shown
    assert "color" not in shown, "colours of our own break the dark mode"


def test_html_table_has_headers_and_a_caption():
    shown = exercises.check("odds", log_of_odds)._repr_html_()
    assert "<caption" in shown
    assert 'scope="row"' in shown
    assert "✗ fails" in shown, "a sign or a colour alone is not read out"


def test_unknown_name_lists_near_matches():
    with pytest.raises(ValueError, match=r"'stable_sofmax'; did you mean 'stable_softmax'"):
        exercises.check("stable_sofmax", odds)
    with pytest.raises(ValueError, match=r"exercises.names\(\) returns all"):
        exercises.hint("")
    with pytest.raises(ValueError, match="there is no exercise 3"):
        exercises.check(3, odds)


def test_names_are_unique_and_by_chapter():
    assert len(set(NAMES)) == len(NAMES) == 44
    assert exercises.names() is not exercises.names()


def test_list_has_every_exercise_with_its_title_and_page():
    table = exercises.list()
    assert [row[1] for row in table.rows] == NAMES
    assert list(dict.fromkeys(row[0] for row in table.rows)) == CHAPTERS
    assert ("stability", "logsumexp", "Log-sum-exp", "stability.html#ex-logsumexp") in table.rows
    assert '<a href="stability.html#ex-logsumexp">logsumexp</a>' in table._repr_html_()
    assert "A softmax that survives" in repr(table)


@pytest.mark.parametrize("name", NAMES)
def test_hints_are_graded(name):
    hints = exercise(name).hints
    assert len(hints) == 3, f"{name}: three hints, each a little more"
    asked = [exercises.hint(name) for _ in range(4)]
    assert [hint.given for hint in asked][-2:] == [3, 3]
    assert repr(asked[-1]).count("\n") == 2
    assert asked[-1]._repr_html_().count("<details>") == 3, "the page's reader has no kernel"


def test_first_hint_comes_first():
    code = "from softmax_lab import exercises as e; print(e.hint('odds')); print(e.hint('odds'))"
    lines = subprocess.check_output([sys.executable, "-c", code], text=True).splitlines()
    assert [line[:6] for line in lines] == ["Hint 1", "Hint 1", "Hint 2"]


def test_progress_counts_what_check_has_accepted():
    code = """
from softmax_lab import exercises
import numpy as np
right = lambda x, i, j: np.exp(x[i] - x[j])
exercises.verify("odds", right)
print(exercises.progress().rows[0][1])
exercises.check("odds", right)
exercises.check("odds", lambda x, i, j: 0.0)
print(exercises.progress().rows[0][1], "odds" in exercises.progress().rows[0][-1])
"""
    lines = subprocess.check_output([sys.executable, "-c", code], text=True).splitlines()
    assert lines == ["0 of 6", "1 of 6 False"]


def test_verify_raises_with_the_report():
    with pytest.raises(AssertionError, match="the logarithm of the odds"):
        exercises.verify("odds", log_of_odds)


def test_numpy_alone_is_enough():
    code = """
import sys
from softmax_lab import exercises
import numpy as np
assert exercises.check("stable_softmax", lambda x: (lambda e: e / e.sum(-1, keepdims=True))(
    np.exp(x - x.max(-1, keepdims=True))))
exercises.list(), exercises.progress(), exercises.hint("odds")
heavy = {"torch", "scipy", "matplotlib", "sklearn", "IPython"} & set(sys.modules)
assert not heavy, f"imported: {heavy}"
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_other_arguments_are_named():
    report = exercises.check("odds", lambda x: x)
    assert report.mistake == "it takes other arguments"
    assert report.nudge == "The check calls it as odds(x, i, j)."


def test_an_answer_that_never_calls_its_function_is_not_asked_for_its_steps():
    report = exercises.check("finite_differences", lambda f, x: np.array([3.1, 2.1]))
    assert not report
    assert "ValueError" not in repr(report)


def test_a_value_in_place_of_a_function():
    report = exercises.check("predict", np.array([0, 1]))
    assert report.mistake == "no function was given"


def test_a_tensor_is_refused_where_the_exercise_does_not_say_so():
    import torch

    report = exercises.check("predict", lambda logits: torch.from_numpy(logits).argmax(-1))
    assert report.mistake == "a tensor comes back"


def test_callable_objects_and_compiled_functions_are_answers():
    class Odds:
        def __call__(self, x, i, j):
            return odds(x, i, j)

    assert exercises.check("odds", Odds())
    assert not exercises.check("softmax_definition", np.exp)


def test_broadcasting_never_helps():
    report = exercises.check("linear_layer", lambda x, w, b: (x @ w.T + b)[:1])
    assert not report
    report = exercises.check("logsumexp", lambda x: np.logaddexp.reduce(x, axis=-1)[..., None])
    assert report.mistake == "the summed axis is still there"


def test_nan_is_never_counted_as_right():
    report = exercises.check("stable_softmax", lambda x: np.full_like(x, np.nan))
    assert report.mistake == "nan comes back"


def test_dtype_is_kept_where_the_exercise_says_so():
    def upcast(x):
        shifted = x - x.max(axis=-1, keepdims=True)
        return np.float64(shifted - np.logaddexp.reduce(shifted, axis=-1, keepdims=True))

    report = exercises.check("log_softmax", upcast)
    assert report.mistake == "the dtype changes"
    assert "float32 goes in, float64 comes out" in report.nudge


def test_tensors_that_were_there_before_hide_nothing_that_an_answer_keeps():
    torch = pytest.importorskip("torch")
    earlier = torch.zeros(50_000)
    kept_whole = exercises.check(
        "streaming_logsumexp", lambda chunks: logsumexp(np.concatenate([[-np.inf], *chunks]))
    )
    assert not kept_whole, f"beside a tensor of {earlier.numel()} numbers the check sees nothing"
    assert "whole stream" in repr(kept_whole)


@pytest.mark.parametrize("row", [[1e9, 1e9 + 0.25], [1e16, 1e16 + 2], [1.0, 1 + 1e-10]])
def test_numbers_that_differ_are_shown_to_differ(row):
    shown = str(exercises.check("softmax_definition", lambda x: np.array(row)))
    first, second = re.search(r"got: +array\(\[(.+), +(.+)\]\)", shown).groups()
    assert float(first) == row[0]
    assert float(second) == row[1]
