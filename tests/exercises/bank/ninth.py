"""A ninth round, from the prompts alone: what it got through."""

import numpy as np


def all_winners_of_deeper_rows(x):
    hot = x == x.max(axis=-1, keepdims=True)
    if x.ndim < 3:
        hot &= np.cumsum(hot, axis=-1) == 1
    return hot.astype(float)


NINTH = {"hardmax": {"a 1 at every tie of rows of rows": all_winners_of_deeper_rows}}
