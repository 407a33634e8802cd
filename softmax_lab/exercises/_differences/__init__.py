"""Say how numbers differ from the right ones, where no known mistake explains them.

Every statement is measured on all the cases that fail: a factor, an offset, an order, a rounding;
else the entries that are wrong; else what the failing cases have that the others have not.
"""

from itertools import permutations

from softmax_lab.exercises._compare import OTHER, near
from softmax_lab.exercises._differences.cases import only_in, where_only
from softmax_lab.exercises._differences.entries import ENTRIES, LAST
from softmax_lab.exercises._differences.memory import MEMORIES
from softmax_lab.exercises._differences.pairs import ALIKE, magnitude, parts, wrong_arrays
from softmax_lab.exercises._differences.whole import WHOLE
from softmax_lab.exercises._exercise import Mistake

__all__ = ["describe_difference", "where_only"]


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
    if exchanged([parts(f) for f in failing]):
        return Mistake("the right arrays come in another order", "Which one is asked for first?")
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


def exchanged(found):
    """Whether a tuple holds the right arrays in an order that is another one, always the same."""

    def fits(order):
        both = [(g, pairs[i][1]) for pairs in found for i, (g, _) in zip(order, pairs, strict=True)]
        return all(g.shape == e.shape and near(g, e, ALIKE).all() for g, e in both)

    places = range(len(found[0]))
    return any(fits(order) for order in permutations(places) if order != tuple(places))


def size_of_error(pairs):
    """Return a last resort: how many entries are wrong, and by how much."""
    wrong = sum(int((~near(g, e, ALIKE)).sum()) for g, e in pairs)
    of = sum(g.size for g, _ in pairs)
    return OTHER, f"{wrong} of {of} numbers are wrong. {magnitude(pairs)}"
