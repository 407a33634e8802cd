"""Say how numbers differ from the right ones, where no known mistake explains them.

Every statement is measured on all the cases that fail: a factor, an offset, an order, a rounding;
else the entries that are wrong; else what the failing cases have that the others have not.
"""

import numpy as np

from softmax_lab.exercises._compare import OTHER, near
from softmax_lab.exercises._exercise import Mistake

ALIKE = (1e-6, 1e-9)  # relative and absolute: whether a guess explains a number


def describe_difference(findings):
    """Return the mistake that describes how an answer fails, or None if nothing is to be seen."""
    failing = [f for f in findings if f.mistake is not None and f.mistake.name == OTHER]
    if not failing:
        return None
    measured = [f for f in failing if f.prop.otherwise]
    if measured:
        return Mistake(*measured[0].prop.otherwise.split(". ", 1))
    for remembers, name in MEMORIES:
        if remembers(failing, findings):
            return Mistake(name, "What does your function remember from one call to the next?")
    passing = [f for f in findings if f.mistake is None and not f.prop.measures]
    found = in_common(failing, only_in(failing, passing))
    if found is None:  # several things are wrong at once: start with the first
        prop = failing[0].prop
        found = in_common([f for f in failing if f.prop is prop])
        if found:
            found = found[0], f"{found[1]} So it is with {prop.says!r}; more is wrong elsewhere."
    return Mistake(*(found or size_of_error([pair for f in failing for pair in parts(f)])))


def in_common(failing, where=None):
    """Return a name and a nudge for how these cases all differ, or None."""
    which, pairs = wrong_arrays(failing)
    for look in (*WHOLE, *ENTRIES):
        seen = look(pairs)
        if seen:
            name, nudge = seen
            return which + name, f"{nudge} It happens only {where}." if where else nudge
    if where:
        return f"{which}wrong only {where}", magnitude(pairs)
    for look in LAST:
        seen = look(pairs)
        if seen:
            return which + seen[0], seen[1]
    return (which.rstrip(": "), magnitude(pairs)) if which else None


def repeats_itself(failing, findings):
    """Whether each wrong result is what is right for a case that came before."""

    def seen_before(finding):
        before = [f.expected for f in findings[: findings.index(finding)]]
        arrays = [np.asarray(right, dtype=float) for right in before if isarray(right)]
        return any(
            g.shape == right.shape and near(g, right, ALIKE).all()
            for g, _ in parts(finding)
            for right in arrays
        )

    return len(failing) > 3 and all(map(seen_before, failing))


def remembers_shapes(failing, findings):
    """Whether whatever comes first with its shapes is right, and nearly all that follows wrong."""
    known, later = set(), []
    for finding in findings:
        shapes = tuple(part.shape for part in finding.case if isinstance(part, np.ndarray))
        if shapes not in known and finding in failing:
            return False
        if shapes in known:
            later.append(finding)
        known.add(shapes)
    return len(known) > 3 and len(failing) > 3 and len(failing) > 0.8 * len(later)


MEMORIES = [
    (repeats_itself, "the result of an earlier call comes back"),
    (remembers_shapes, "right in the first call with arrays of a shape, and then wrong"),
]


def isarray(value):
    """Whether a value is one array or number, not a tuple of them or nothing."""
    return value is not None and not isinstance(value, tuple)


def parts(finding):
    """Return (got, expected) as arrays of floats, one pair for each array that came back."""
    got, right = finding.got, finding.expected
    both = zip(got, right, strict=True) if isinstance(right, tuple) else [(got, right)]
    return [(np.asarray(g, dtype=float), np.asarray(e, dtype=float)) for g, e in both]


def wrong_arrays(failing):
    """Return the pairs of arrays in which an answer is wrong, and a text that says which."""
    found = [parts(finding) for finding in failing]
    count = len(found[0])
    wrong = [i for i in range(count) if not all(near(*pairs[i], ALIKE).all() for pairs in found)]
    wrong = wrong or [*range(count)]  # wrong in digits that are not looked at here
    which = " and ".join(("first", "second", "third")[i] for i in wrong)
    says = f"only the {which} array{'s are' if len(wrong) > 1 else ' is'} wrong: "
    return says if len(wrong) < count else "", [pairs[i] for pairs in found for i in wrong]


def explained(pairs, guess):
    """Whether what came back is `guess(expected)` in every pair, and not right already."""
    with np.errstate(all="ignore"):
        guesses = [(got, np.asarray(guess(right))) for got, right in pairs]
    fit = all(g.shape == e.shape and near(g, e, ALIKE).all() for g, e in guesses)
    return fit and not all(near(g, e, ALIKE).all() for g, e in pairs)


def joined(pairs):
    """Return all entries of all pairs that are finite, and not expected to be 0."""
    got = np.concatenate([g.ravel() for g, _ in pairs])
    right = np.concatenate([e.ravel() for _, e in pairs])
    fine = np.isfinite(got) & np.isfinite(right)
    return got[fine], right[fine]


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
    if c is None or c == 0 or not explained(pairs, lambda e: c * e):
        return None
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
    if not all(wide(e) for _, e in pairs):
        return None
    with np.errstate(all="ignore"):
        gaps = [np.where(np.isfinite(e), g - e, np.nan) for g, e in pairs]
        if not all(flat(gap) for gap in gaps):
            return None
    nudge = "The differences inside a row are right. What is subtracted from the whole row?"
    return "each row is off by a number of its own", nudge


def row_factor(pairs):
    """Look for a factor of its own in each row."""
    if not all(wide(e) for _, e in pairs):
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


def wide(array):
    """Whether there are rows of two entries or more."""
    return array.ndim > 0 and array.shape[-1] > 1


def flat(values):
    """Whether each row of values is constant, entries that are nan aside."""
    rows = values.reshape(-1, values.shape[-1])
    rows = [row[~np.isnan(row)] for row in rows]
    if not any(row.size > 1 for row in rows):
        return False
    return all(row.size == 0 or near(row, row[0], (1e-6, 1e-9)).all() for row in rows)


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
    (lambda e: e[::-1], "the rows come in reverse order", "The first row's result comes first."),
    (lambda e: np.swapaxes(e, -1, -2), "the last two axes are exchanged", "Rows or columns?"),
    (lambda e: np.sort(e, axis=-1), "each row is sorted", "Every class keeps its own place."),
    (
        lambda e: -np.sort(-e, axis=-1),
        "each row is sorted, the largest first",
        "Every class keeps its own place.",
    ),
    (lambda e: np.roll(e, 1, -1), "each row is shifted by one place", "Which index is first?"),
    (lambda e: np.roll(e, -1, -1), "each row is shifted by one place", "Which index is first?"),
]


def order(pairs):
    """Look for right numbers in wrong places."""
    if not all(e.ndim for _, e in pairs):
        return None
    for change, name, nudge in ORDERS:
        if "axes" in name and any(e.ndim < 2 for _, e in pairs):
            continue
        if explained(pairs, change):
            return name, nudge
    if explained([(np.sort(g, -1), np.sort(e, -1)) for g, e in pairs], np.asarray):
        return None
    right_already = all(near(g, e, ALIKE).all() for g, e in pairs)
    if not right_already and all(near(np.sort(g), np.sort(e), ALIKE).all() for g, e in pairs):
        return "the right numbers in other places of the row", "Does each class keep its place?"
    return None


def rounded(pairs):
    """Look for numbers that were rounded, or went through float32."""
    for places in range(1, 13):
        slack = max(1e-13, 10.0 ** -(places + 3))  # float32 cannot hold the rounded number
        with np.errstate(all="ignore"):
            if all(near(g, np.round(e, places), (0, slack)).all() for g, e in pairs):
                name = f"rounded to {places} decimal{'s' if places > 1 else ''}"
                return name, "Give back all digits: whoever prints can round."
    got, right = joined(pairs)
    everywhere = sum(g.size for g, _ in pairs) == got.size or all(
        near(g, e, (1e-5, 1e-6)).all() for g, e in pairs
    )
    if not got.size or not everywhere:
        return None
    error = abs(got - right)
    for kind, eps in ((np.float32, 2e-6), (np.float16, 2e-2)):
        held = all((g == g.astype(kind)).sum() == np.size(g) for g, _ in pairs)
        if held and (error <= eps * (1 + abs(right))).all():
            digits = "about 7" if kind is np.float32 else "about 3"
            nudge = f"Where does {kind.__name__} come in? float64 has 16 digits."
            return f"only {digits} digits are right", nudge
    scale = error / (1e-300 + np.maximum(abs(right), 1e-3))
    if scale.max() < 1e-2:
        nudge = (
            f"The largest error is {error.max():.1e}. What costs digits: a step, an epsilon, "
            "float32, a loop that stops early?"
        )
        return "nearly right: the last digits are lost", nudge
    return None


WHOLE = [sign, factor, size_factor, offset, function, rounded, order, row_factor, row_offset]


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
    ("in negative entries of the result", lambda e: e < 0),
    ("in positive entries of the result", lambda e: e > 0),
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


def symmetry(pairs):
    """Look for matrices that must be symmetric, and are not."""
    if not all(e.ndim > 1 and e.shape[-1] == e.shape[-2] for _, e in pairs):
        return None
    if all(near(e, e.swapaxes(-1, -2), ALIKE).all() for _, e in pairs) and not all(
        near(g, g.swapaxes(-1, -2), ALIKE).all() for g, _ in pairs
    ):
        return "the matrix is not symmetric", "Which derivative comes first should not matter."
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


def magnitude(pairs):
    """Return a sentence on how far off the farthest number is."""
    gaps = [(abs(g - e)[np.isfinite(g - e)], g, e) for g, e in pairs]
    gaps = [gap for gap, _, _ in gaps if gap.size]
    if not gaps:
        return "An infinity is where none belongs, or is missing."
    return f"The farthest is off by {max(gap.max() for gap in gaps):.3g}. What is special there?"


def size_of_error(pairs):
    """Return a last resort: how many entries are wrong, and by how much."""
    wrong = sum(int((~near(g, e, ALIKE)).sum()) for g, e in pairs)
    of = sum(g.size for g, _ in pairs)
    return OTHER, f"{wrong} of {of} numbers are wrong. {magnitude(pairs)}"


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
    return only_in(failing, [f for f in findings if f not in failing])


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
