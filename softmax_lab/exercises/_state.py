"""Leave the reader's kernel as it was found, and see NumPy itself in whatever was patched.

An answer runs in the reader's own process. What it changes there (print options, the recursion
limit, `np.exp` itself) is put back; and while a check works, NumPy, math and this package have the
functions that they had when the exercises were imported.
"""

import contextlib
import gc
import os
import random
import sys
import warnings
from itertools import repeat
from operator import is_

import numpy as np

WATCHED = ("builtins", "math", "cmath", "random", "time", "numpy", "numpy.linalg", "numpy.random")
WATCHED += ("torch", "torch.linalg", "torch.nn.functional", "torch.special", "scipy.special")
LIVE = "softmax_lab.exercises"  # its own state (what is solved) changes from check to check
_seen, _originals, _gone = set(), [], object()


def remember():
    """Take down what the modules hold, of those that were not loaded before."""
    loaded = sys.modules.keys() - _seen
    _seen.update(loaded)
    for name in loaded:
        if name in WATCHED or (name.startswith("softmax_lab") and name != LIVE):
            held = vars(sys.modules[name])
            kept = {key: held[key] for key in held if not key.startswith("_")}
            _originals.append((held, tuple(kept), tuple(kept.values())))


def replaced():
    """Return each name of a module that is not what it was: (namespace, name, now, then)."""
    found = []
    for held, names, before in _originals:
        now = tuple(map(held.get, names, repeat(_gone)))
        if not all(map(is_, now, before)):  # mostly all are: this loop runs three times a check
            pairs = zip(names, now, before, strict=True)
            found += [(held, key, new, old) for key, new, old in pairs if new is not old]
    return found


def put_back():
    """Undo every patch; return what was undone."""
    found = replaced()
    for held, key, _, then in found:
        held[key] = then
    return found


@contextlib.contextmanager
def originals():
    """Work with the modules as they were when first seen, and leave them as they were found."""
    found = put_back()
    try:
        yield
    finally:
        put_back()
        for held, key, now, _ in found:
            if now is _gone:
                del held[key]
            else:
                held[key] = now


def _put_environment(environment):
    os.environ.clear()
    os.environ.update(environment)


def _directory():
    with contextlib.suppress(OSError):
        return os.getcwd()


def _change_directory(path):
    if path is not None:
        os.chdir(path)


def _collect(enabled):
    (gc.enable if enabled else gc.disable)()


SETTINGS = [(sys.getrecursionlimit, sys.setrecursionlimit), (gc.isenabled, _collect)]
PLACES = [(_directory, _change_directory), (lambda: dict(os.environ), _put_environment)]
GENERATORS = [
    (random.getstate, random.setstate),
    (np.random.get_state, np.random.set_state),
]


def _settings_of_torch():
    torch = sys.modules.get("torch")
    if torch is None or not hasattr(torch, "get_rng_state"):  # absent, or still being imported
        return []
    return [
        (torch.get_default_dtype, torch.set_default_dtype),
        (torch.get_num_threads, torch.set_num_threads),
        (torch.is_grad_enabled, torch.set_grad_enabled),
        (torch.is_anomaly_enabled, torch.set_anomaly_enabled),
        (torch.are_deterministic_algorithms_enabled, torch.use_deterministic_algorithms),
    ]


def _generators_of_torch():
    torch = sys.modules.get("torch")
    return [(torch.get_rng_state, torch.set_rng_state)] if hasattr(torch, "set_rng_state") else []


@contextlib.contextmanager
def undisturbed():
    """Put back, after a check, whatever is set for the whole process."""
    places = [(read, write, read()) for read, write in PLACES]
    seeds = [(write, read()) for read, write in GENERATORS + _generators_of_torch()]
    try:
        with settled():
            yield
    finally:
        for read, write, value in places:
            if read() != value:
                write(value)
        for write, state in seeds:
            write(state)


@contextlib.contextmanager
def settled():
    """Put back, after a case, the settings that our own arithmetic and frames depend on."""
    before = [(read, write, read()) for read, write in SETTINGS + _settings_of_torch()]
    fresh_torch = "torch" not in sys.modules
    streams = sys.stdin, sys.stdout, sys.stderr
    with warnings.catch_warnings(), np.errstate(all="ignore"), np.printoptions():
        warnings.simplefilter("ignore")
        try:
            yield
        finally:
            sys.stdin, sys.stdout, sys.stderr = streams
            for read, write, value in before:
                if read() != value:
                    write(value)
            if fresh_torch and "torch" in sys.modules:  # the answer has imported it
                sys.modules["torch"].set_default_dtype(sys.modules["torch"].float32)
                sys.modules["torch"].set_grad_enabled(True)
