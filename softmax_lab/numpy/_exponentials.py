"""The heart of the package: the exponentials of a row and their sum, to the last digits.

Everything is computed in float64 (or wider). Only the exponentials of very long float32 rows, kept
for the result, are rounded on the way.
"""

import numpy as np

from softmax_lab.numpy._blocks import FEW, MANY

# What a difference of numbers near 1 may come down to, in float64, without costing float32 a digit.
SPARE = 2.0**-20

# No row is shifted whose maximum lies between −1 and this share of the logarithm of the largest
# number: neither e^x nor its sum overflows there, and no answer is lost to underflow.
HIGHEST = {
    np.dtype(t).char: 0.7 * float(np.log(np.finfo(t).max))
    for t in (np.float16, np.float32, np.float64, np.longdouble)
}
# The same of the sum of e^x, which for few classes stands in for the maximum.
E_LOWEST, E_HIGHEST = np.exp(-1.0), {t: np.exp(np.longdouble(h)) for t, h in HIGHEST.items()}


class Exponentials:
    """w = e^(x − c) of a block of rows, and the sum of w.

    `a` is the maximum of each row and `c` the shift; both are known after `split`. Rows longer than
    the scratch are worked on in parts, and their w is kept in `keep`, or else computed again.
    """

    def __init__(self, x, scratch, keep=None):
        self.x, self.scratch, self.keep, self.filled = x, scratch, keep, False
        self.a = self.c = None
        self.whole = x.shape == scratch.shape
        self.spare = x.dtype != scratch.dtype  # float64 has digits to spare for float32
        self.few = x.shape[1] <= FEW and side_by_side(x)  # then they are sorted, not searched
        if not self.few:
            self.shift_by(np.maximum.reduce(x, axis=1, keepdims=True))

    def shift_by(self, a):
        """Set the maximum of each row, and decide on the shift."""
        self.a = np.asarray(a, self.scratch.dtype)
        self.c = shift(self.a, HIGHEST[self.x.dtype.char])

    def sum(self):
        """Return Σ w. With digits to spare the plain sum is accurate enough."""
        if self.few:
            self.shift_by(np.maximum.reduce(self.x, axis=1, keepdims=True))
        most = None if self.spare else weights(self.a, self.a, self.c, np.empty_like(self.a))
        total = sum(
            np.add.reduce(w, axis=1, keepdims=True) if self.spare else exact_sum(w, most)
            for (w,) in self.weights()
        )
        if self.c is not None:
            total[(self.a == np.inf) & (total > 1)] = np.nan  # a second +inf: no limit
        return total

    def spare_sum(self):
        """Return Σ e^x of few classes where float64 has digits to spare, or None.

        There the plain formulas are as good, so long as no difference in them is below SPARE.
        """
        return self.unshifted_sum() if self.spare else None

    def unshifted_sum(self):
        """Return Σ e^x of few classes, or None."""
        total = sum_of_few(self.x, self.scratch)
        self.filled = total is not None
        return total

    def sum_without(self, at_y):
        """Return e^x at `at_y`, Σ of the others, and Σ of all, or None if a row must be shifted.

        With digits to spare the others are what is left of all: accurate if they are above SPARE.
        """
        if self.spare:
            total = self.spare_sum()
            if total is None:
                return None
            w_y = self.scratch[at_y]
            return w_y, total - w_y, total
        if not self.few:
            return None
        w = weights(self.x, None, None, self.scratch)
        w_y, w[at_y] = w[at_y], 0.0
        others = short_sum(w, spare=False)
        total = others + w_y
        return (w_y, others, total) if may_stay(self.x, total) else None

    def split(self):
        """Return the largest w, and the sum of the others without it [the max split].

        Then log Σ e^x = a + log1p(rest / top), with all digits where the winner is confident.
        """
        if self.few:
            ordered = self.x.astype(self.scratch.dtype)
            ordered.sort(axis=1)
            self.shift_by(ordered[:, -1:].copy())
            w = weights(ordered, self.a, self.c, self.scratch)
            self.filled = False  # w is not in the order of x
            plain = self.spare or w.shape[1] <= 16  # so few, in order, lose little
            top, rest = w[:, -1:].copy(), short_sum(w[:, :-1], plain)
        else:
            if self.spare:
                top = weights(self.a, self.a, self.c, np.empty_like(self.a))
                rest = self.sum() - top
                if not np.any(rest < SPARE * top):
                    return top, rest
            sums = [split_sum(np.asarray(w, self.a.dtype)) for (w,) in self.weights()]
            top, rest = sums[0] if self.whole else merge_all(sums)
        if self.c is not None:
            rest[(self.a == np.inf) & (rest > 0)] = np.nan
        return top, rest

    def weights(self, *arrays):
        """Return w and the arrays, part by part: most often there is one."""
        if not self.whole:
            return self.weights_of_parts(*arrays)
        if not self.filled:
            weights(self.x, self.a, self.c, self.scratch)
            self.filled = True
        return ((self.scratch, *arrays),)

    def weights_of_parts(self, *arrays):
        kept = self.keep is not None and self.x.dtype.char != "e"  # float16 would round them
        for w, part, store, *cut in self.parts(self.x, self.keep if kept else self.x, *arrays):
            if kept and (self.filled or store.dtype == w.dtype):
                w = store
            if not (kept and self.filled):
                weights(part, self.a, self.c, w)
            if kept and w is not store:
                np.copyto(store, w)
            yield w, *cut
        self.filled = True

    def parts(self, *arrays):
        """Return scratch space and the arrays, part by part."""
        if self.whole:
            return ((self.scratch, *arrays),)
        step = self.scratch.shape[1]
        cuts = [slice(i, i + step) for i in range(0, self.x.shape[1], step)]
        parts = ([each[:, cut] for each in arrays] for cut in cuts)
        return ((self.scratch[:, : part[0].shape[1]], *part) for part in parts)


def sum_of_few(x, w):
    """Fill `w` with e^x of few classes, and return Σ e^x, or None if a row must be shifted.

    The sum tells, so that no maximum is needed.
    """
    if x.shape[1] > FEW or not side_by_side(x):
        return None
    many, wide = len(x) >= MANY, x.dtype == w.dtype
    if many and sum_of_few(x[::MANY], w[::MANY]) is None:  # a sample of the rows tells most often
        return None
    weights(x, None, None, w)
    terms = np.asfortranarray(w) if many else w  # so that NumPy's loops run along the rows
    total = short_sum(terms, many or not wide)
    if not may_stay(x, total):
        return None
    return exact_sum(terms, total) if wide and many else total


def short_sum(w, spare):
    """Return Σ w of few terms, rounded once, in long double, unless there are digits to spare."""
    if spare:
        return np.add.reduce(w, 1, None, None, True)
    return np.add.reduce(w, 1, np.longdouble, None, True).astype(w.dtype)


def may_stay(x, total):
    """Tell by Σ e^x of few classes whether `x` may stay unshifted: no digit lost, no overflow."""
    lowest, highest = extremes(total)
    return lowest >= E_LOWEST and highest <= E_HIGHEST[x.dtype.char]


def extremes(a):
    """Return the least and the largest of `a`; nan if it holds one.

    To ask where they are is four times as fast as np.min where `a` is small.
    """
    if a.size == 1:
        return (value := a.item()), value
    return a.item(a.argmin()), a.item(a.argmax())


def side_by_side(x):
    """Tell whether the classes of a block lie side by side in memory."""
    return x.shape[2] == 1 and x.strides[1] == x.itemsize


def shift(a, high):
    """Return the shift c for maxima `a`: a, or 0 in [−1, high]. None if all are 0.

    The rounding error of x − 0 is none: unshifted rows are the more accurate, and the faster.
    """
    lowest, highest = extremes(a)
    if lowest >= -1 and highest <= high:
        return None
    return np.where(((a < -1) | (a > high)) & np.isfinite(a), a, 0.0)


def weights(x, a, c, w):
    """Fill `w` with e^(x − c). With t = x − c rounded, and δ its rounding error: e^t (1 + δ).

    For float32 in float64 the δ is too small to matter.
    """
    if c is None:
        if x.dtype != w.dtype:
            np.copyto(w, x)
            x = w
        return np.exp(x, w)
    winners = x == np.inf  # before `w`, which may be `x`, is written
    np.copyto(w, x)
    if x.dtype == w.dtype:
        t, delta = two_diff(w, c)
        np.exp(t, out=w)
        delta *= w
        delta[~np.isfinite(delta)] = 0.0
        w += delta
    else:
        w -= c
        np.exp(w, out=w)
    if np.isposinf(a).any():
        np.copyto(w, winners, where=a == np.inf)  # the limit: all weight to the +inf
    return w


def two_diff(x, y):
    """Return x − y rounded, and its rounding error: together they are exact (Knuth's TwoDiff)."""
    t = x - y
    z = t - x
    return t, (x - (t - z)) - (y + z)


def exact_sum(w, most):
    """Return Σ w of n terms up to `most` as if it were rounded once.

    Cut to multiples of the last digit of 2 n · most, terms add up without an error. What was cut
    off is so small that the rounding of its own sum does not count.
    """
    large = most * (2 * w.shape[1])
    high = w + large
    high -= large
    total = np.add.reduce(high, axis=1, keepdims=True)
    low = np.subtract(w, high, out=high)
    total += np.add.reduce(low, axis=1, keepdims=True)
    return total


def split_sum(w):
    """Return the largest of each row, and the sum of the others without it.

    Added to a large term, small ones would be rounded each time; so the largest is left out.
    """
    if side_by_side(w):
        rows, k = np.arange(w.shape[0]), w[:, :, 0].argmax(axis=1)
        top = w[rows, k]
        w[rows, k] = 0.0
        rest = exact_sum(w, top[:, None])
        w[rows, k] = top
        return top[:, None], rest
    # Else by halves: two pairs (largest, rest) merge to (max, rest + rest + min).
    half = w.shape[1] // 2
    if half == 0:
        return w.copy(), np.zeros_like(w)
    left, right, odd = w[:, :half], w[:, half : 2 * half], [(w[:, 2 * half :], 0.0)]
    top, rest = np.maximum(left, right), np.minimum(left, right)
    while half > 1:
        n, half = half, half // 2
        odd.append((top[:, 2 * half : n], rest[:, 2 * half : n]))
        cut = slice(half, 2 * half)
        top, rest = merge(top[:, :half], rest[:, :half], top[:, cut], rest[:, cut])
    for other_top, other_rest in odd:
        if other_top.shape[1]:
            top, rest = merge(top, rest, other_top, other_rest)
    return top, rest


def merge(top, rest, other_top, other_rest):
    """Merge two pairs (largest, rest of the sum), in the memory of the first."""
    rest += other_rest
    rest += np.minimum(top, other_top)
    return np.maximum(top, other_top, out=top), rest


def merge_all(sums):
    """Merge the pairs (largest, rest) of the parts of a row."""
    tops, rests = (np.concatenate(each, axis=1) for each in zip(*sums, strict=True))
    top, others = split_sum(tops)
    return top, others + rests.sum(axis=1, keepdims=True)
