"""Look for answers that remember: what a call gives depends on the calls before it."""

import numpy as np

from softmax_lab.exercises._compare import near
from softmax_lab.exercises._differences.pairs import ALIKE, decimals, parts


def isarray(value):
    """Whether a value is one array or number, not a tuple of them or nothing."""
    return value is not None and not isinstance(value, tuple)


def repeats_itself(failing, findings):
    """Whether each wrong result is what is right for a case that came before."""

    def seen_before(finding):
        if not any(decimals(g) for g, _ in parts(finding)):
            return False  # an index, or a one-hot row, comes again by chance
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
