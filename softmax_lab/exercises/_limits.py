"""Run a reader's function without letting it run for ever, flood the page or lean on global luck.

It is the reader's own code in the reader's own process: this guards against accidents, it is no
sandbox. A call that never leaves compiled code cannot be interrupted before it returns.
"""

import contextlib
import ctypes
import io
import random
import signal
import threading
import time

import numpy as np

REPEAT = 0.02  # seconds between two alarms, should the function swallow the first
PATIENCE = 3  # a function that waits, or has to share its processor, may take so many times as long


class TimeLimit(BaseException):
    """Raised inside a function whose time is up; no `except Exception` stops it."""


class Allowance:
    """The seconds that a thread may work: of its processor, so that no other program counts."""

    def __init__(self, seconds):
        self.seconds = seconds
        clock = getattr(time, "pthread_getcpuclockid", None)  # Unix has it
        self.clock = clock and clock(threading.get_ident())
        self.begun, self.worked = time.monotonic(), self.work()

    def work(self):
        """Return the seconds that the thread has worked, as far as the system tells."""
        return time.monotonic() if self.clock is None else time.clock_gettime(self.clock)

    def left(self):
        """Return the seconds that are left, not below 0."""
        passed = time.monotonic() - self.begun
        left = self.seconds - (self.work() - self.worked)
        return max(0.0, min(left, PATIENCE * self.seconds - passed))


def within(allowance, function):
    """Return `function()`, or raise TimeLimit in it when nothing is left of its allowance.

    On the main thread (where Jupyter runs cells) a Unix timer rings. Elsewhere, and on Windows, a
    watcher thread raises the exception, and has ended when this function returns. It can neither
    wake a sleeping function, nor stop one that catches every exception again and again; the timer
    does both.
    """
    on_main_thread = threading.current_thread() is threading.main_thread()
    if on_main_thread and hasattr(signal, "setitimer"):
        return _with_timer(allowance, function)
    return _with_watcher(allowance, function)


def _with_timer(allowance, function):
    running, rings = True, 0

    def ring(signum, frame):
        nonlocal rings
        if not running or frame is None or frame.f_code is _with_timer.__code__:
            return  # the function is over: leave our own cleaning up alone
        if not rings and (left := allowance.left()):
            signal.setitimer(signal.ITIMER_REAL, max(left, REPEAT), REPEAT)
            return
        rings += 1
        if rings > 3:  # swallowed three times: ring so fast that one alarm falls outside its `try`
            signal.setitimer(signal.ITIMER_REAL, 1e-5 * (1 + rings % 50))
        raise TimeLimit

    previous = signal.signal(signal.SIGALRM, ring)
    first = max(allowance.left(), REPEAT)
    remaining = signal.setitimer(signal.ITIMER_REAL, first, REPEAT)
    try:
        return function()
    finally:
        running = False
        signal.setitimer(signal.ITIMER_REAL, *remaining)
        signal.signal(signal.SIGALRM, previous)


def _with_watcher(allowance, function):
    target = ctypes.c_ulong(threading.get_ident())
    raise_in = ctypes.pythonapi.PyThreadState_SetAsyncExc
    over = threading.Event()

    def watch():
        while not over.wait(max(allowance.left(), REPEAT)):
            if not allowance.left():
                raise_in(target, ctypes.py_object(TimeLimit))

    watcher = threading.Thread(target=watch, name="softmax_lab time limit", daemon=True)
    watcher.start()
    try:
        return function()
    finally:
        while watcher.is_alive():
            with contextlib.suppress(TimeLimit):  # one that came too late
                over.set()
                watcher.join()
        raise_in(target, None)


class Bounded(io.TextIOBase):
    """A stream that keeps the first characters written to it and counts the rest."""

    KEEP = 400  # characters

    def __init__(self):
        self.kept, self.length = "", 0

    def writable(self):
        return True

    def write(self, text):
        self.kept += text[: max(0, self.KEEP - len(self.kept))]
        self.length += len(text)
        return len(text)

    def __str__(self):
        cut = self.length - len(self.kept)
        return self.kept + (f" … and {cut:,} more characters" if cut else "")


@contextlib.contextmanager
def quiet(printed):
    """Send what is printed to `printed`."""
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        yield


def seed(luck):
    """Seed the global generators of NumPy and Python, for answers that lean on them."""
    np.random.seed(luck)  # noqa: NPY002 (answers may use it)
    random.seed(luck)
