"""Look for one change that explains every number: a factor, an offset, a function, an order.

Each look takes the pairs (got, expected) of all failing cases, and returns a name and a nudge, or
None.
"""

import numpy as np

from softmax_lab.exercises._compare import near
from softmax_lab.exercises._differences.pairs import (
    ALIKE,
    decimals,
    explained,
    joined,
    telling,
    wide,
)


def constant(values):
    """Return the value that all of these are, or None; two are needed to speak of a constant."""
    if values.size < 2 or not near(values, np.median(values), (1e-6, 1e-12)).all():
        return None
    return float(np.median(values))


NAMED = {
    1 / np.log(2): "1 / log 2: a logarithm to base 2",
    np.log(2): "log 2",
    1 / np.log(10): "1 / log 10: a logarithm to base 10",
    2.0: "one of two equal terms too many",
    0.5: "half of it is missing",
}


def sign(pairs):
    """Look for a flipped sign."""
    if explained(pairs, np.negative):
        return "the sign is flipped", "Everything else is right. Which way round is the difference?"
    return None


def factor(pairs):
    """Look for one factor in everything."""
    got, right = joined(pairs)
    got, right = got[right != 0], right[right != 0]
    c = constant(got / right)
    if c is None or abs(c - 1) < 1e-3 or not explained(pairs, lambda e: c * e):
        return None
    if len(pairs) == 1 and np.unique(abs(right)).size < 3:
        return None  # the rest may follow from one number: rows sum to 0, or to 1
    known = next((f" That is {text}." for k, text in NAMED.items() if abs(c / k - 1) < 1e-6), "")
    return f"every number is {c:.6g} times the right one", f"Which factor is too many?{known}"


def size_factor(pairs):
    """Look for a factor that is a size of what went in, seen in what comes out."""
    for axis, whose in ((-1, "the number of classes"), (0, "the number of rows")):
        if any(e.ndim <= -axis - 1 or e.ndim == 0 for _, e in pairs):
            continue
        if len({e.shape[axis] for _, e in pairs}) < 2:
            continue
        for power, word in ((1, "times"), (-1, "divided by")):
            if explained(pairs, lambda e, a=axis, k=power: e * float(e.shape[a]) ** k):
                return f"every number is the right one {word} {whose}", "A sum, or a mean?"
    return None


def offset(pairs):
    """Look for one number that is added everywhere."""
    got, right = joined(pairs)
    c = constant(got - right)
    if c is None or abs(c) < 1e-9 or not explained(pairs, lambda e: e + c):
        return None
    return f"every number is off by {c:+.6g}", "Which constant is added that should not be?"


def row_offset(pairs):
    """Look for a number of its own that is added to each row."""
    if not (telling(pairs) and all(wide(e) for _, e in pairs)):
        return None
    with np.errstate(all="ignore"):
        gaps = [np.where(np.isfinite(e), g - e, np.nan) for g, e in pairs]
        if not all(flat(gap) for gap in gaps):
            return None
    nudge = "The differences inside a row are right. What is subtracted from the whole row?"
    return "each row is off by a number of its own", nudge


def flat(values):
    """Whether each row of values is constant, entries that are nan aside."""
    rows = values.reshape(-1, values.shape[-1])
    rows = [row[~np.isnan(row)] for row in rows]
    if not any(row.size > 1 for row in rows):
        return False
    return all(row.size == 0 or near(row, row[0], (1e-6, 1e-9)).all() for row in rows)


def row_factor(pairs):
    """Look for a factor of its own in each row."""
    if not (telling(pairs) and all(wide(e) for _, e in pairs)):
        return None
    if not all(proportional(*pair) for pair in pairs):
        return None
    nudge = "The proportions inside a row are right. What must the row sum to?"
    return "each row is off by a factor of its own", nudge


def proportional(got, right):
    """Whether each row is a multiple of the right one, as seen from its largest entry."""
    if not (np.isfinite(got).all() and np.isfinite(right).all()):
        return False
    place = abs(right).argmax(axis=-1)[..., None]
    of_got, of_right = (np.take_along_axis(a, place, -1) for a in (got, right))
    with np.errstate(all="ignore"):
        scaled = np.where(of_right == 0, 0, right * (of_got / of_right))
        return bool((abs(got - scaled) <= 1e-6 * abs(of_got)).all())


FUNCTIONS = [
    (np.abs, "the sign is lost: all numbers are positive", "Which step drops the sign?"),
    (np.log, "the logarithm of what is asked for", "One logarithm is too many."),
    (np.exp, "the exponential of what is asked for", "A logarithm is missing."),
    (np.reciprocal, "1 divided by what is asked for", "Which of the two is on top?"),
    (np.square, "the square of what is asked for", "What is squared that should not be?"),
    (np.sqrt, "the square root of what is asked for", "What is missing: a square?"),
    (lambda e: 1 - e, "1 less what is asked for", "The other one's share?"),
    (lambda e: np.maximum(e, 0), "negative numbers have become 0", "Why should they not be?"),
    (np.floor, "everything is rounded down to whole numbers", "Which array holds integers?"),
    (np.trunc, "everything is cut to whole numbers", "Which array holds integers?"),
    (np.round, "everything is rounded to whole numbers", "Which array holds integers?"),
]


def function(pairs):
    """Look for a known function of the right numbers."""
    for f, name, nudge in FUNCTIONS:
        if explained(pairs, f):
            return name, nudge
    return None


ORDERS = [
    (lambda e: e[..., ::-1], "each row is reversed", "Which end does your result start from?"),
    (lambda e: np.sort(e, axis=-1), "each row is sorted", "Every class keeps its own place."),
    (
        lambda e: -np.sort(-e, axis=-1),
        "each row is sorted, the largest first",
        "Every class keeps its own place.",
    ),
    (lambda e: np.roll(e, 1, -1), "each row is shifted by one place", "Which index is first?"),
    (lambda e: np.roll(e, -1, -1), "each row is shifted by one place", "Which index is first?"),
]


OF_SEVERAL_ROWS = [
    (lambda e: e[::-1], "the rows come in reverse order", "The first row's result comes first."),
    (lambda e: np.swapaxes(e, -1, -2), "the last two axes are exchanged", "Rows or columns?"),
]


def order(pairs):
    """Look for right numbers in wrong places."""
    if not all(e.ndim for _, e in pairs):
        return None
    deep = all(e.ndim > 1 for _, e in pairs)
    seen = {
        name: nudge
        for change, name, nudge in ORDERS + OF_SEVERAL_ROWS * deep
        if explained(pairs, change)
    }
    if len(seen) == 1:
        return seen.popitem()
    right_already = all(near(g, e, ALIKE).all() for g, e in pairs)
    if not right_already and all(near(np.sort(g), np.sort(e), ALIKE).all() for g, e in pairs):
        return "the right numbers in other places of the row", "Does each class keep its place?"
    return None


def rounded(pairs):
    """Look for numbers that were rounded to some decimals, and not all to one whole number."""
    for places in range(1, 13):
        slack = max(1e-13, 10.0 ** -(places + 3))  # float32 cannot hold the rounded number
        with np.errstate(all="ignore"):
            short = [np.where(abs(e) < 1e15, np.round(e, places), e) for _, e in pairs]
        both = [*zip(pairs, short, strict=True)]
        if not all(near(g, r, (0, slack)).all() for (g, _), r in both):
            continue
        changed = np.concatenate([r[(g != e) & (r != 0)] for (g, e), r in both])
        if changed.size and (np.ptp(changed) > 0 or decimals(changed)):
            name = f"rounded to {places} decimal{'s' if places > 1 else ''}"
            return name, "Give back all digits: whoever prints can round."
    return None


def digits(pairs):
    """Look for numbers that are nearly right: of float32, of float16, or of less than all steps."""
    got, right = joined(pairs)
    everywhere = sum(g.size for g, _ in pairs) == got.size or all(
        near(g, e, (1e-5, 1e-6)).all() for g, e in pairs
    )
    if not got.size or not everywhere:
        return None
    error = abs(got - right)
    for kind, eps, count in ((np.float32, 2e-6, 7), (np.float16, 2e-2, 3)):
        held = all((g == g.astype(kind)).all() for g, _ in pairs)
        if held and np.ptp(got) > 0 and (error <= eps * (1 + abs(right))).all():
            nudge = f"Where does {kind.__name__} come in? float64 has 16 digits."
            return f"only about {count} digits are right", nudge
    scale = error / (1e-300 + np.maximum(abs(right), 1e-3))
    if scale.max() < 1e-2:
        nudge = (
            f"The largest error is {error.max():.1e}. What costs digits: a step, an epsilon, "
            "float32, a loop that stops early?"
        )
        return "nearly right: the last digits are lost", nudge
    return None


WHOLE = [
    sign,
    factor,
    size_factor,
    offset,
    function,
    rounded,
    digits,
    order,
    row_factor,
    row_offset,
]
