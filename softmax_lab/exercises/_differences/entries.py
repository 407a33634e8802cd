"""Look at the entries that are wrong: what stands there, where they are, which sum they break.

Each look takes the pairs (got, expected) of all failing cases, and returns a name and a nudge, or
None.
"""

import numpy as np

from softmax_lab.exercises._compare import near
from softmax_lab.exercises._differences.pairs import ALIKE, magnitude, wide


def replaced(pairs):
    """Look for one value that stands wherever a number is wrong."""
    wrong = [~near(g, e, ALIKE) for g, e in pairs]
    got = np.concatenate([g[w] for (g, _), w in zip(pairs, wrong, strict=True)])
    right = np.concatenate([e[w] for (_, e), w in zip(pairs, wrong, strict=True)])
    if got.size == 0:
        return None
    if np.isneginf(right).all() and np.isfinite(got).all():
        return "a finite number in the place of −∞", "A large negative number is not −∞."
    if np.isposinf(right).all() and np.isfinite(got).all():
        return "a finite number in the place of ∞", "What is infinite has to stay infinite."
    if np.isnan(right).all():
        return "a number where nan is asked for", "Which number would be honest?"
    if np.isinf(got).all() and np.isfinite(right).all():
        return "∞ where a finite number is asked for", "Which step overflows, or divides by 0?"
    if (right == 0).all():
        return "another number where exactly 0 is asked for", f"It is {got[0]:.3g}, for instance."
    if got.size > 1 and np.ptp(right) > 0 and (got == got[0]).all():
        nudge = "Is something cut off there, or never filled in?"
        return f"{got[0]:.6g} in the place of other numbers", nudge
    return None


def in_places(pairs):
    """Look for what the wrong entries have in common, and no right one has."""
    wrong = [~near(g, e, ALIKE) for g, e in pairs]
    if all(w.all() for w in wrong) or not any(w.any() for w in wrong):
        return None
    for name, where in PLACES:
        with np.errstate(all="ignore"):
            places = [np.broadcast_to(where(e), e.shape) for _, e in pairs]
        inside = all((w <= p).all() for w, p in zip(wrong, places, strict=True))
        if inside and not all(p.all() for p in places):
            return f"wrong only {name}", magnitude(pairs)
    return None


def index_along(e, axis):
    """Return each entry's index along an axis."""
    return np.indices(e.shape)[axis] if e.ndim else np.zeros(())


PLACES = [
    ("where −∞ or ∞ is asked for", lambda e: np.isinf(e)),
    ("where 0 is asked for", lambda e: e == 0),
    ("where no positive number is asked for", lambda e: e <= 0),
    ("where no negative number is asked for", lambda e: e >= 0),
    ("in the largest entry of a row", lambda e: e == e.max(-1, keepdims=True) if e.ndim else False),
    ("in the first class", lambda e: index_along(e, -1) == 0 if e.ndim else False),
    ("in the last class", lambda e: index_along(e, -1) == e.shape[-1] - 1 if e.ndim else False),
    ("in the first row", lambda e: index_along(e, 0) == 0 if e.ndim > 1 else False),
    ("after the first row", lambda e: index_along(e, 0) > 0 if e.ndim > 1 else False),
    ("on the diagonal", lambda e: np.eye(*e.shape[-2:], dtype=bool) if e.ndim > 1 else False),
    ("off the diagonal", lambda e: ~np.eye(*e.shape[-2:], dtype=bool) if e.ndim > 1 else False),
    ("in the entries that are nearly 0", lambda e: abs(e) < 1e-6),
]
ENTRIES = [replaced, in_places]


def symmetry(pairs):
    """Look for matrices that must be symmetric, and are not."""
    if not all(e.ndim > 1 and e.shape[-1] == e.shape[-2] for _, e in pairs):
        return None
    if all(near(e, e.swapaxes(-1, -2), ALIKE).all() for _, e in pairs) and not all(
        near(g, g.swapaxes(-1, -2), ALIKE).all() for g, _ in pairs
    ):
        return "the matrix is not symmetric", "Which derivative comes first should not matter."
    return None


def row_sums(pairs):
    """Look for rows that must all sum to 0, or to 1, and do not."""
    rows = [(g, e) for g, e in pairs if wide(e) and e.size]
    if not rows or not all(np.isfinite(g).all() and np.isfinite(e).all() for g, e in rows):
        return None
    for total in (0, 1):

        def off(part, size, total=total):
            return abs(part.sum(axis=-1) - total).max() / (1 + abs(size).max())

        if all(off(e, e) < 1e-6 for _, e in rows) and any(off(g, e) > 1e-3 for g, e in rows):
            return f"there are rows that do not sum to {total}", "Which term takes care of that?"
    return None


def direction(pairs):
    """Look for numbers that are all too large, or all too small, wherever they are wrong."""
    wrong = [(g[w], e[w]) for g, e in pairs for w in [~near(g, e, ALIKE)]]
    got, right = (np.concatenate(part) for part in zip(*wrong, strict=True))
    unseen = any(near(g, e, ALIKE).all() for g, e in pairs)  # what is wrong there is too small
    if got.size < 2 or np.isnan(got).any() or unseen:
        return None
    if (got > right).all():
        return "too large wherever it is wrong", magnitude(pairs)
    if (got < right).all():
        return "too small wherever it is wrong", magnitude(pairs)
    return None


LAST = [symmetry, row_sums, direction]
