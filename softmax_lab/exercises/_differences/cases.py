"""Look for what the failing cases have that the others have not: -inf, float32, a single row."""

import numpy as np

from softmax_lab.exercises._compare import near
from softmax_lab.exercises._differences.pairs import wide


def rows_of(case):
    """Return the first array of a case, the logits or probabilities."""
    arrays = [part for part in case if isinstance(part, np.ndarray)]
    return arrays[0] if arrays else np.zeros(())


def tied(x):
    """Whether a row's largest entry is there twice, or nearly so."""
    return wide(x) and bool((near(x, x.max(-1, keepdims=True), (1e-6, 0)).sum(-1) > 1).any())


FEATURES = [
    ("with −∞ among the entries", lambda x: np.isneginf(x).any()),
    ("with a single class", lambda x: x.ndim > 0 and x.shape[-1] == 1),
    ("with two classes", lambda x: x.ndim > 0 and x.shape[-1] == 2),
    ("with 200 classes or more", lambda x: x.ndim > 0 and x.shape[-1] >= 200),
    ("when entries tie for the largest, or nearly do", tied),
    ("with float32", lambda x: x.dtype == np.float32),
    ("with −∞ or entries beyond 500", lambda x: (abs(x) > 500).any()),
    ("with −∞ or entries beyond 50", lambda x: (abs(x) > 50).any()),
    ("with integers", lambda x: x.dtype.kind in "iu"),
    ("with entries beyond 10,000", lambda x: (abs(x[np.isfinite(x)]) > 1e4).any()),
    ("with entries beyond 500", lambda x: (abs(x[np.isfinite(x)]) > 500).any()),
    ("with entries beyond 50", lambda x: (abs(x[np.isfinite(x)]) > 50).any()),
    ("with an entry of exactly 0", lambda x: (x == 0).any()),
    ("with an entry of exactly 1", lambda x: (x == 1).any()),
    ("with a single number, shape ()", lambda x: x.ndim == 0),
    ("for a single row, shape (T,)", lambda x: x.ndim == 1),
    ("for a batch of one row", lambda x: x.ndim > 1 and x.shape[0] == 1),
    ("for rows of rows, shape (..., T)", lambda x: x.ndim > 2),
    (
        "with as many rows as classes",
        lambda x: x.ndim == 2 and x.shape[0] == x.shape[1] and x.shape[0] > 1,
    ),
    ("for several rows", lambda x: x.ndim > 1 and x.size > x.shape[-1]),
    ("with negative entries", lambda x: (x < 0).any()),
    ("with positive entries", lambda x: (x > 0).any()),
    ("with entries of no whole numbers", lambda x: (x != np.floor(x)).any()),
    ("with entries that are 0 or nearly so", lambda x: (x >= 0).all() and (x < 1e-9).any()),
    ("with three classes or more", lambda x: x.ndim > 0 and x.shape[-1] > 2),
]


def where_only(findings, name):
    """Return what the cases with a mistake have in common, and others have not, or None."""
    failing = [f for f in findings if f.mistake is not None and f.mistake.name == name]
    # A case in which something else is looked at could not have failed in this way.
    probes = {f.prop.probe for f in failing}
    return only_in(failing, [f for f in findings if f not in failing and f.prop.probe in probes])


def only_in(failing, passing):
    """Return what the failing cases have in common and few passing ones have, or None."""
    best = None
    for words, has in FEATURES:
        with np.errstate(all="ignore"):
            if not all(has(rows_of(f.case)) for f in failing):
                continue
            others = sum(bool(has(rows_of(f.case))) for f in passing)
        if others < len(passing) and (best is None or others < best[0]):
            best = others, words
    return best and best[1]
