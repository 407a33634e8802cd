"""Whatever an answer does to the process, the next check and the reader's kernel do not feel it."""

import builtins
import math
import os
import random
import sys
import warnings

import numpy as np
import pytest

from softmax_lab import exercises
from softmax_lab import numpy as lab


def naughty(change):
    """Return a right answer that changes something on its way."""

    def answer(x):
        change()
        return lab.softmax(x)

    return answer


def poison():
    np.exp = lambda x: 1.0 + 0 * np.asarray(x)
    np.allclose = np.isclose = np.array_equal = lambda *a, **k: True
    math.exp = lambda x: 1.0
    builtins.abs = lambda x: 0.0
    lab.softmax = lambda x: x


def test_patched_modules_are_put_back_and_fool_no_check():
    before = np.exp, np.allclose, math.exp, builtins.abs, lab.softmax

    def wrong(x):
        poison()
        return 0 * x

    assert not exercises.check("stable_softmax", wrong)
    assert (np.exp, np.allclose, math.exp, builtins.abs, lab.softmax) == before
    assert exercises.check("stable_softmax", lambda x: before[-1](x))


def test_a_patch_of_the_reader_fools_no_check_and_stays(monkeypatch):
    mine = lambda x, *args: np.ones_like(x)  # noqa: E731
    monkeypatch.setattr(np, "exp", mine)
    right = exercises.check("odds", lambda x, i, j: np.e ** (x[i] - x[j]))
    wrong = exercises.check("odds", lambda x, i, j: 1.0)
    assert np.exp is mine
    assert right
    assert not wrong


SETTINGS = {
    "print options": (lambda: np.set_printoptions(precision=2), np.get_printoptions),
    "error states": (lambda: np.seterr(all="raise"), np.geterr),
    "recursion limit": (lambda: sys.setrecursionlimit(5000), sys.getrecursionlimit),
    "directory": (lambda: os.chdir("/"), os.getcwd),
    "environment": (lambda: os.environ.update(SOFTMAX="1"), lambda: dict(os.environ)),
    "warnings": (lambda: warnings.simplefilter("error"), lambda: warnings.filters[:]),
    "output": (lambda: setattr(sys, "stdout", None), lambda: sys.stdout),
    "luck": (lambda: random.seed(1), random.getstate),
}


@pytest.mark.parametrize("what", SETTINGS)
def test_settings_are_put_back(what):
    change, read = SETTINGS[what]
    before = read()
    report = exercises.check("softmax_definition", naughty(change))
    assert read() == before
    assert report, f"it is right all the same.\n{report!r}"


def test_settings_of_torch_are_put_back():
    import torch

    def change():
        torch.set_default_dtype(torch.float64)
        torch.set_grad_enabled(False)
        torch.manual_seed(5)

    torch.manual_seed(3)
    before = torch.get_default_dtype(), torch.is_grad_enabled(), torch.get_rng_state()
    assert exercises.check("softmax_definition", naughty(change))
    assert (torch.get_default_dtype(), torch.is_grad_enabled()) == before[:2]
    assert torch.equal(torch.get_rng_state(), before[2])


def test_strict_errors_in_the_kernel_refuse_no_right_answer():
    with np.errstate(all="raise"):
        assert exercises.check("stable_softmax", lambda x: lab.softmax(x))
        assert exercises.check("gumbel_max", lambda logits, rng: lab.gumbel_max(logits, rng=rng))


def test_what_a_report_shows_cannot_spoil_the_next():
    report = exercises.check("softmax_definition", lambda x: 0 * x)
    for _, value in report.failure:
        if isinstance(value, np.ndarray):
            value.setflags(write=True)
            value[...] = 7
    # Exercises of one signature share their inputs.
    assert exercises.check("softmax_definition", lambda x: lab.softmax(x))
    assert exercises.check("logsumexp", lambda x: lab.logsumexp(x))


@pytest.mark.parametrize("seconds", [None, "3", float("inf"), float("nan"), 0, -1, True, [3]])
def test_seconds_have_to_be_a_number_of_seconds(seconds):
    with pytest.raises(ValueError, match=r"^seconds must be a number above 0 .* it is "):
        exercises.check("odds", lambda x, i, j: 1.0, seconds=seconds)


@pytest.mark.parametrize("name", [["a"], None, {}, 3, "softmax"])
def test_a_name_has_to_be_one_of_the_names(name):
    with pytest.raises(ValueError, match="there is no exercise"):
        exercises.check(name, lambda x: x)


async def coroutine(x):
    return x


def generator(x):
    yield x


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (coroutine, "it is an `async def`"),
        (generator, "it yields"),
        (dict, "a class was given"),
        (lambda x: coroutine(x), "a coroutine comes back"),
        (lambda x: (v for v in x), "a generator comes back"),
        (3, "no function was given"),
    ],
)
def test_what_is_no_function_is_named(answer, words):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert exercises.check("softmax_definition", answer).mistake == words


PACKAGE = {
    "gumbel_max": lab.gumbel_max,
    "gumbel_softmax": lab.gumbel_softmax,
    "masked_softmax": lab.softmax,
    "label_smoothing": lab.cross_entropy,
    "ignore_index": lab.cross_entropy,
    "soft_target_cross_entropy": lab.cross_entropy,
    "reinforce": lab.reinforce_gradient,
    "linear_layer": lab.linear,
    "log_odds": lab.logit,
}


@pytest.mark.parametrize("name", PACKAGE)
def test_functions_of_the_package_are_answers(name):
    report = exercises.check(name, PACKAGE[name])
    assert report, repr(report)
