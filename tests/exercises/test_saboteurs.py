"""Answers that do not play fair, tried on every exercise: none is accepted, none does harm."""

import contextlib
import multiprocessing
import os
import random
import signal
import threading
import time

import numpy as np
import pytest

from softmax_lab import exercises
from softmax_lab.exercises._exercise import fresh
from softmax_lab.exercises._limits import Allowance
from tests.exercises.answers import NAMES, SECONDS, exercise, right_answer


def with_arguments(name, body):
    """Return a function that the check can call, whatever its arguments are."""
    right = right_answer(name)
    return lambda *arguments: body(right, *arguments)


def mapped(change):
    """Return a body that changes the right values (each of them, where a tuple is asked for)."""

    def body(right, *arguments):
        value = right(*arguments)
        if isinstance(value, tuple):
            return tuple(change(np.array(part)) for part in value)
        return change(np.array(value))

    return body


def first_case(name):
    return exercise(name).properties[0].cases[0]


def example_only(name):
    arguments = [fresh(argument) for argument in first_case(name)]
    if name.startswith("gumbel"):  # the case holds one row, of which the check makes a batch
        arguments[0] = np.tile(arguments[0], (2, 1))
    with np.errstate(all="ignore"):
        value = right_answer(name)(*arguments)
    return lambda right, *arguments: value


def wrong_now_and_then(luck):
    def body(right, *arguments):
        value = right(*arguments)
        return value if luck() < 0.5 else mapped(lambda array: array + 1)(right, *arguments)

    return body


def leave(error):
    def body(right, *arguments):
        raise error

    return body


class Refuses:
    """An object that cannot be made an array, nor printed."""

    def __array__(self, *arguments, **options):
        raise RuntimeError("no")

    def __repr__(self):
        raise RuntimeError("no")

    def __eq__(self, other):
        raise RuntimeError("no")

    __hash__ = None


REJECTED = {
    "one": lambda right, *arguments: 1.0,
    "minus one": lambda right, *arguments: -1,
    "zeros": mapped(np.zeros_like),
    "ones": mapped(np.ones_like),
    "nan": mapped(lambda array: np.full(array.shape, np.nan)),
    "infinity": mapped(lambda array: np.full(array.shape, np.inf)),
    "its arguments": lambda right, *arguments: arguments[0] if len(arguments) == 1 else arguments,
    "its first argument": lambda right, *arguments: arguments[0] if arguments else (),
    "one axis more": mapped(lambda array: array[None]),
    "one axis more at the end": mapped(lambda array: array[..., None]),
    "a thousandth too much": mapped(lambda array: array * (1 + 1e-3)),
    "a thousandth too much in float32": mapped(lambda array: np.float32(array * (1 + 1e-3))),
    "text": lambda right, *arguments: "0.5",
    "a dictionary": lambda right, *arguments: {},
    "an empty list": lambda right, *arguments: [],
    "an object": lambda right, *arguments: object(),
    "an object that refuses": lambda right, *arguments: Refuses(),
    "complex numbers": mapped(lambda array: array.astype(complex)),
    "numbers as text": mapped(lambda array: array.astype(str)),
    "numbers as objects": mapped(lambda array: array.astype(object)),
    "the function itself": lambda right, *arguments: right,
    "lucky with NumPy": wrong_now_and_then(np.random.random),
    "lucky with Python": wrong_now_and_then(random.random),
    "raises": leave(RuntimeError("no")),
    "raises its own": leave(type("Own", (BaseException,), {})("no")),
    "exits": leave(SystemExit(1)),
    "interrupts": leave(KeyboardInterrupt()),
    "stops an iteration": leave(StopIteration()),
    "runs out of memory": leave(MemoryError()),
}


@pytest.mark.parametrize("saboteur", REJECTED)
@pytest.mark.parametrize("name", NAMES)
def test_saboteur_is_rejected(name, saboteur):
    report = exercises.check(name, with_arguments(name, REJECTED[saboteur]), seconds=SECONDS)
    assert not report, f"{name}: the check accepts {saboteur}"
    assert report.mistake, f"{name}: the report on {saboteur} names nothing"
    assert "Traceback" not in repr(report)
    assert report._repr_html_()


@pytest.mark.parametrize("name", NAMES)
def test_nothing_returned_is_told_from_not_attempted(name):
    def forgets(*arguments):
        value = len(arguments)
        value += 1

    def starter(*arguments):
        """Do nothing yet."""
        ...

    assert exercises.check(name, forgets).mistake == "nothing comes back"
    for untouched in (starter, None, ...):
        report = exercises.check(name, untouched)
        assert not report
        assert repr(report) == f"{name}: not attempted yet."


WITNESSES = {"quiet_failure", "spot_the_bug"}  # they have no arguments: one right answer is right


@pytest.mark.parametrize("name", [name for name in NAMES if name not in WITNESSES])
def test_right_for_the_example_only_is_rejected(name):
    report = exercises.check(name, with_arguments(name, example_only(name)), seconds=SECONDS)
    assert not report, f"{name}: the check accepts the example's result whatever the input"


CHANGEABLE = [name for name in NAMES if any(isinstance(a, np.ndarray) for a in first_case(name))]


@pytest.mark.parametrize("name", CHANGEABLE)
def test_right_but_changes_its_input_is_rejected(name):
    def vandal(right, *arguments):
        value = right(*arguments)
        for argument in arguments:
            if isinstance(argument, np.ndarray):
                argument[...] = 7
        return value

    report = exercises.check(name, with_arguments(name, vandal), seconds=SECONDS)
    assert report.mistake == "it changes its input"


FLOOD = "x" * 1023 + "\n"


@pytest.mark.parametrize("name", NAMES)
def test_ten_megabytes_printed_do_not_reach_the_page(name, capfd):
    printed = []

    def chatty(right, *arguments):
        if not printed:
            for _ in range(10 * 1024):
                print(FLOOD, end="")
            printed.append(True)
        return right(*arguments)

    report = exercises.check(name, with_arguments(name, chatty), seconds=SECONDS)
    assert report, f"{name}: printing is no mistake.\n{report!r}"
    assert len(repr(report)) < 5000
    assert capfd.readouterr().out == ""


def test_what_a_wrong_answer_printed_is_shown_and_cut():
    def chatty(x, i, j):
        print("x is", x)
        print(FLOOD * 1000)
        return 0.0

    text = repr(exercises.check("odds", chatty))
    assert "it printed: " in text
    assert "x is [2. 0. 1.]" in text
    assert "more characters" in text


@pytest.mark.parametrize("name", NAMES)
def test_endless_loop_is_stopped_and_leaves_nothing_behind(name):
    def endless(right, *arguments):
        while True:
            pass

    threads, handler = threading.active_count(), signal.getsignal(signal.SIGALRM)
    report = exercises.check(name, with_arguments(name, endless), seconds=0.05)
    assert report.mistake == "it takes too long"
    assert "never ends" in repr(report)
    assert threading.active_count() == threads
    assert not multiprocessing.active_children()
    assert signal.getsignal(signal.SIGALRM) is handler
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


def sleeps():
    time.sleep(30)


def swallows():
    while True:
        with contextlib.suppress(BaseException):
            time.sleep(0.001)


def tidies_up():
    try:
        while True:
            pass
    finally:
        time.sleep(0.05)


def prints():
    while True:
        print("again")


@pytest.mark.parametrize("body", [sleeps, swallows, tidies_up, prints])
def test_endless_loops_of_any_kind_are_stopped(body):
    start = time.monotonic()
    report = exercises.check("quiet_failure", lambda: body(), seconds=0.1)
    assert report.mistake == "it takes too long"
    assert time.monotonic() - start < 25, "the time limit did not interrupt it"


@pytest.mark.skipif(
    not hasattr(time, "pthread_getcpuclockid"), reason="this system times no threads"
)
def test_time_in_which_others_have_the_processor_does_not_count():
    allowance = Allowance(10.0)
    time.sleep(0.1)
    assert 9.95 < allowance.left() < 10


@pytest.mark.parametrize("body", [tidies_up, prints])
def test_endless_loop_is_stopped_outside_the_main_thread(body):
    reports, threads = [], threading.active_count()

    def work():
        reports.append(exercises.check("quiet_failure", lambda: body(), seconds=0.1))

    worker = threading.Thread(target=work)
    worker.start()
    worker.join(60)
    assert not worker.is_alive(), "the time limit needs the main thread"
    assert reports[0].mistake == "it takes too long"
    assert threading.active_count() == threads, "the watcher is still there"


def test_answer_in_another_thread_is_accepted():
    reports = []
    worker = threading.Thread(
        target=lambda: reports.append(exercises.check("quiet_failure", lambda: -102))
    )
    worker.start()
    worker.join(60)
    assert reports
    assert reports[0]


def test_a_timer_of_the_reader_survives():
    rung = []
    handler = signal.signal(signal.SIGALRM, lambda *_: rung.append(True))
    try:
        signal.setitimer(signal.ITIMER_REAL, 1000)
        exercises.check("quiet_failure", lambda: -102)
        remaining, _ = signal.getitimer(signal.ITIMER_REAL)
        assert 900 < remaining <= 1000
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, handler)


def test_global_generators_are_left_as_they_were():
    np.random.seed(12)  # noqa: NPY002
    random.seed(12)
    expected = np.random.random(), random.random()  # noqa: NPY002
    np.random.seed(12)  # noqa: NPY002
    random.seed(12)
    exercises.check("odds", lambda x, i, j: np.random.random())  # noqa: NPY002
    assert (np.random.random(), random.random()) == expected  # noqa: NPY002


def test_no_process_is_started(monkeypatch):
    monkeypatch.setattr(os, "fork", lambda: pytest.fail("a process was started"))
    assert exercises.check("odds", lambda x, i, j: np.exp(x[i] - x[j]))
