"""What came back beside what is right: pairs (got, expected), and questions that all looks ask."""

import numpy as np

from softmax_lab.exercises._compare import near

ALIKE = (1e-6, 1e-9)  # relative and absolute: whether a guess explains a number


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
    """Whether what came back is `guess(expected)` in every pair, and wrong enough to tell."""

    def fits(got, right):
        with np.errstate(all="ignore"):
            guessed = np.asarray(guess(right))
        return got.shape == guessed.shape and near(got, guessed, ALIKE).all()

    return all(fits(*pair) for pair in pairs) and telling(pairs)


def telling(pairs):
    """Whether what is wrong can tell one guess from another: two numbers, or one with decimals.

    A single 0 or 1 is a logarithm, a square, a reciprocal and more: it tells of none.
    """
    got = np.concatenate([g[~near(g, e, ALIKE) & np.isfinite(g)] for g, e in pairs])
    return got.size > 0 and (np.ptp(got) > 0 or decimals(got))


def decimals(values):
    """Whether any number is no whole number."""
    return bool((values != np.floor(values)).any())


def joined(pairs):
    """Return all entries of all pairs that are finite on both sides."""
    got = np.concatenate([g.ravel() for g, _ in pairs])
    right = np.concatenate([e.ravel() for _, e in pairs])
    fine = np.isfinite(got) & np.isfinite(right)
    return got[fine], right[fine]


def wide(array):
    """Whether there are rows of two entries or more."""
    return array.ndim > 0 and array.shape[-1] > 1


def magnitude(pairs):
    """Return a sentence on how far off the farthest number is."""
    gaps = [abs(g - e)[np.isfinite(g - e)] for g, e in pairs]
    gaps = [gap for gap in gaps if gap.size]
    if not gaps:
        return "An infinity is where none belongs, or is missing."
    return f"The farthest is off by {max(gap.max() for gap in gaps):.3g}. What is special there?"
