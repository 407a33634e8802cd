"""Exercises that ask for an input on which something happens: many answers are right."""

import numpy as np

from softmax_lab import numpy as lab
from softmax_lab.exercises._compare import as_array, number, unfit

ROW, LIMIT = np.float32([0, -1, -4]), 0.05
EXACT = lab.softmax(ROW.astype(float))


def quiet(answer):
    """Return the offset, and raise Unfit unless the naive softmax lies quietly there."""
    value = answer()
    offset = number(value)
    if not offset.is_integer():
        raise unfit(value, "it is no whole number", "Whole offsets are enough.")
    weights = np.exp(ROW + np.float32(offset))
    share = weights / weights.sum()
    error = abs(share - EXACT).max()
    shows = f"{value}, where the naive softmax gives {share}"
    if np.isinf(weights).any():
        raise unfit(shows, "a loud failure: it overflows", "Which side underflows?")
    if not np.isfinite(share).all():
        raise unfit(
            shows, "a loud failure: everything underflows", "Too far. What is left before 0/0?"
        )
    if error <= LIMIT and share.sum() != 1:
        raise unfit(shows, "the sum gives it away", "Look where the exponentials are subnormal.")
    if error <= LIMIT:
        nudge = f"The largest error is {error:.4f} there. Where have the exponentials fewer digits?"
        raise unfit(shows, "the error is too small", nudge)
    return offset


def log_probabilities(logits):
    """Return log-probabilities, with the bug of the exercise: one maximum for the whole batch."""
    shifted = logits - logits.max()
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))


def exposing(answer):
    """Return a batch of logits, and raise Unfit unless it shows the bug and nothing else."""
    value = answer()
    logits = as_array(value).astype(float)
    if logits.ndim != 2 or logits.size == 0:
        raise unfit(value, "it is no batch", "Rows of logits are asked for, shape (B, T).")
    if not np.isfinite(logits).all():
        raise unfit(
            value, "not all logits are finite", "An infinite logit breaks more than this bug."
        )
    if (logits != logits.round()).any():
        raise unfit(value, "not all numbers are whole", "Whole numbers are enough.")
    if abs(logits).max() > 10000:
        raise unfit(value, "a number is beyond 10,000", "Smaller ones are enough.")
    if len(logits) == 1:
        nudge = "With one row, the batch's maximum is the row's. What does it take to differ?"
        raise unfit(value, "a single row cannot show it", nudge)
    if np.isfinite(log_probabilities(logits)).all():
        low = (logits.max() - logits.max(axis=1)).max()
        nudge = f"The lowest row's maximum lies {low:g} below the batch's. When does np.exp give 0?"
        raise unfit(value, "the function copes with this batch", nudge)
    return logits
