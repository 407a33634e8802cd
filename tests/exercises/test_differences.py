"""Where no known mistake explains an answer, the report says how its numbers differ."""

import numpy as np
import pytest

from softmax_lab import exercises
from softmax_lab import numpy as lab
from softmax_lab.exercises import EXERCISES

WORDS = {
    "the sign is flipped": lambda x: -lab.softmax(x),
    "every number is 3 times the right one": lambda x: 3 * lab.softmax(x),
    "every number is 1.4427 times the right one": lambda x: lab.softmax(x) / np.log(2),
    "every number is off by +0.25": lambda x: lab.softmax(x) + 0.25,
    "each row is off by a factor of its own": lambda x: (
        lab.softmax(x) * (1 + abs(x[..., :1] - x[..., -1:]) / (1 + abs(x).max()))
    ),
    "each row is reversed": lambda x: lab.softmax(x)[..., ::-1],
    "each row is sorted": lambda x: np.sort(lab.softmax(x), axis=-1),
    "each row is shifted by one place": lambda x: np.roll(lab.softmax(x), 1, axis=-1),
    "rounded to 3 decimals": lambda x: lab.softmax(x).round(3),
    "only about 7 digits are right": lambda x: lab.softmax(x.astype(np.float32)).astype(float),
    "1 divided by what is asked for": lambda x: 1 / lab.softmax(x),
    "the square of what is asked for": lambda x: lab.softmax(x) ** 2,
    "wrong only with 200 classes or more": lambda x: lab.softmax(x) ** (1 + (x.size > 100) / 9),
    "wrong only with float32": lambda x: lab.softmax(x) ** (1 + (x.dtype == np.float32) / 9),
    "wrong only in the first class": lambda x: (
        lab.softmax(x) + (np.arange(x.size) == 0) * np.linspace(0.1, 0.2, x.size)
    ),
}


@pytest.mark.parametrize(("words", "answer"), WORDS.items())
def test_difference_is_described(words, answer):
    report = exercises.check("softmax_definition", answer)
    assert report.mistake == words, f"{report!r}"
    assert report.nudge


def test_a_finite_number_in_the_place_of_an_infinity():
    report = exercises.check("log_odds", lambda p: np.clip(lab.logit(p), -700, 700))
    assert not report
    assert report.mistake in {"the ends are clipped", "a finite number in the place of −∞"}


def test_result_of_an_earlier_call():
    known = {}

    def remembering(x):
        return known.setdefault(x.shape, lab.softmax(x))

    report = exercises.check("softmax_definition", remembering)
    assert report.mistake == "the result of an earlier call comes back"


def test_nan_says_where_it_comes():
    def naive(x):
        return np.exp(x) / np.exp(x).sum(axis=-1, keepdims=True)

    report = exercises.check("softmax_vjp", lambda x, v: naive(x) * (v - (naive(x) * v).sum(-1)))
    assert not report
    assert "It happens only" in report.nudge or report.mistake != "nan comes back"


def test_where_it_happens_is_said_as_well():
    report = exercises.check("softmax_definition", lambda x: lab.softmax(x) / (1 + (x.size == 1)))
    assert report.mistake == "every number is 0.5 times the right one"
    assert "It happens only with a single class." in report.nudge


def test_what_is_measured_in_one_case_alone_is_not_explained_by_its_entries():
    def at_once(x, weight, target, rows):
        loss, gradients = lab.linear_cross_entropy_with_grad(x, weight, target)
        return loss, *gradients

    report = exercises.check("chunked_loss", at_once)
    assert report.mistake == "all rows of the large matrix are held"
    assert "It happens only" not in report.nudge


def test_a_factor_that_is_the_number_of_classes():
    report = exercises.check("stable_softmax", lambda x: x.shape[-1] * lab.softmax(x))
    assert report.mistake == "every number is the right one times the number of classes"


def test_softmax_kept_for_each_shape():
    known = {}

    def remembering(x, v):
        p = known.setdefault(x.shape, lab.softmax(x))
        return p * (v - (p * v).sum(axis=-1, keepdims=True))

    report = exercises.check("softmax_vjp", remembering)
    assert report.mistake == "right in the first call with arrays of a shape, and then wrong"


def positive(x):
    p = lab.softmax(x)
    return np.where(np.eye(p.size, dtype=bool), p * (1 - p), np.outer(p, p))


def lopsided(x):
    return np.eye(x.shape[-1]) - lab.softmax(x)[..., None, :]


LAST = {
    ("softmax_jacobian", "there are rows that do not sum to 0"): positive,
    ("logsumexp_hessian", "the matrix is not symmetric"): lopsided,
    ("saturation_gap", "too large wherever it is wrong"): lambda dtype: float(
        -np.log(np.finfo(dtype).smallest_subnormal)
    ),
    (
        "merge_pieces",
        "only the second array is wrong: every number is 2 times the right one",
    ): lambda m1, s1, m2, s2: (
        np.maximum(m1, m2),
        2 * lab.merge((m1, s1), (m2, s2))[1],
    ),
}


@pytest.mark.parametrize(("name", "words"), LAST)
def test_last_resorts(name, words):
    report = exercises.check(name, LAST[name, words])
    assert report.mistake == words, f"{report!r}"


def test_several_faults_are_named_one_by_one():
    def faulty(x):
        right = lab.log_softmax(x)
        if x.dtype == np.float32 or abs(x).max() <= 1000:
            return right.astype(np.float32).astype(x.dtype)
        return np.where(np.arange(x.shape[-1]) == 0, 3 * right - 1, right / 3)

    report = exercises.check("log_softmax", faulty)
    assert report.mistake == "only about 7 digits are right", f"{report!r}"
    assert "more is wrong elsewhere" in report.nudge


COINCIDENCES = {
    "the logarithm of what is asked for": ("predict", lambda x: x.astype(float).argmax(axis=-1)),
    "the result of an earlier call comes back": (
        "predict",
        lambda x: x.astype(np.float32).argmax(axis=-1),
    ),
    "1 divided by what is asked for": (
        "running_pairs",
        lambda x, size: tuple(
            np.where(np.isneginf(part), 0, part)
            for part in EXERCISES["running_pairs"][1].right(x, size)
        ),
    ),
    "rounded to 1 decimal": (
        "sigmoid_as_softmax",
        lambda z: lab.sigmoid(np.clip(z, -500, 500)),
    ),
    "rounded to": (
        "odds",
        lambda x, i, j: 1.0 if abs(x[i] - x[j]) < 1e-6 else np.exp(x[i] - x[j]),
    ),
    "positive": (  # a sum is never negative: that says nothing
        "merge_pieces",
        lambda m1, s1, m2, s2: (
            np.maximum(m1, m2),
            np.maximum(lab.merge((m1, s1), (m2, s2))[1] - 1, 0),
        ),
    ),
    "everything is rounded down to whole numbers": (
        "masked_softmax",
        lambda x, where: lab.masked_softmax(x, where) * where.any(axis=-1).all(),
    ),
    "each row is sorted": (
        "hardmax",
        lambda x: np.eye(x.shape[-1])[np.argsort(-x, axis=-1, kind="quicksort")[..., 0]],
    ),
    "every number is 1.58496 times the right one": (
        "logits_from_probabilities",
        lambda p: centred(lab.logit(p)),
    ),
}


def centred(logits):
    finite = np.isfinite(logits)
    return logits - np.mean(logits, axis=-1, where=finite, keepdims=True)


@pytest.mark.parametrize(("words", "attempt"), COINCIDENCES.items())
def test_a_single_number_explains_nothing(words, attempt):
    """A 0 is also the logarithm of 1, and a reciprocal of infinity: that is no diagnosis."""
    name, answer = attempt
    report = exercises.check(name, answer)
    assert not report
    assert words not in report.mistake, f"nothing speaks for it\n{report!r}"


def test_right_arrays_in_another_order():
    right = EXERCISES["merge_pieces"][1].right
    report = exercises.check("merge_pieces", lambda *pieces: right(*pieces)[::-1])
    assert report.mistake == "the right arrays come in another order"
