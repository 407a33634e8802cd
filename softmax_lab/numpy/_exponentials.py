"""The heart of the package: the exponentials of a row and their sum, to the last digits.

Everything is computed in float64 (or wider) and rounded once at the end.
"""

import numpy as np

# Between these maxima neither e^x nor its sum overflows, and no answer is lost to underflow. No
# shift is needed there, and the rounding error of x − max is never made.
LOW, HIGH = -1.0, 600.0


class Exponentials:
    """w = e^(x − c) of a block of rows, and the sum of w as its largest term plus the rest.

    Attributes: `a`, the maximum of each row; `c`, the shift, 0 or a; `top`, the largest w, and
    `rest`, the sum of the others [the max split]. Then log Σ e^x = a + log1p(rest / top).
    """

    def __init__(self, x, scratch):
        self.x, self.scratch = x, scratch
        self.a = x.max(axis=1, keepdims=True).astype(scratch.dtype, copy=False)
        outside = np.abs(self.a - (LOW + HIGH) / 2) > (HIGH - LOW) / 2
        self.c = np.where(outside & np.isfinite(self.a), self.a, 0.0) if outside.any() else None
        if x.shape[1] == scratch.shape[1]:
            self.top, self.rest = split_sum(weights(x, self.c, scratch))
        else:
            tops, rests = zip(*(split_sum(w) for w, _ in self.parts(x)), strict=True)
            self.top, others = split_sum(np.concatenate(tops, axis=1))
            self.rest = others + np.concatenate(rests, axis=1).sum(axis=1, keepdims=True)

    def parts(self, *arrays):
        """Yield w and the arrays in parts that fit the scratch: most often there is one."""
        n, step = self.x.shape[1], self.scratch.shape[1]
        if n == step:
            yield self.scratch, *arrays
            return
        for i in range(0, n, step):
            part = self.x[:, i : i + step]
            w = weights(part, self.c, self.scratch[:, : part.shape[1]])
            yield w, *(each[:, i : i + step] for each in arrays)

    def log1p_rest(self):
        """Return ℓ = log Σ e^(x − a), with every digit where the winner is confident."""
        return np.log1p(self.rest / self.top)


def weights(x, c, w):
    """Fill `w` with e^(x − c). With t = x − c rounded, and δ its rounding error, e^t (1 + δ)."""
    if c is None:
        np.copyto(w, x)
        return np.exp(w, out=w)
    t, delta = two_diff(x.astype(w.dtype, copy=False), c)
    np.exp(t, out=w)
    delta[~np.isfinite(delta)] = 0.0
    delta *= w
    w += delta
    return w


def two_diff(x, y):
    """Return x − y rounded, and its rounding error: together they are exact (Knuth's TwoDiff)."""
    t = x - y
    z = t - x
    error = t - z
    np.subtract(x, error, out=error)
    z += y
    error -= z
    return t, error


def split_sum(w):
    """Return the largest of each row, and the sum of the others without it.

    Adding small terms to a large one would round each of them; so the largest is left out. Pairs
    (largest, rest) merge to (max, rest + rest + min): the fold by halves sums pairwise.
    """
    if w.strides[1] == w.itemsize and w.shape[2] == 1:  # the classes lie side by side
        rows, k = np.arange(w.shape[0]), w[:, :, 0].argmax(axis=1)
        top = w[rows, k]
        w[rows, k] = 0.0
        rest = w.sum(axis=1, keepdims=True)
        w[rows, k] = top
        return top[:, None], rest
    top, rest = w, None
    while (n := top.shape[1]) > 1:
        half = (n + 1) // 2
        left, right = top[:, : n - half], top[:, half:]
        low = np.minimum(left, right)
        top = top[:, :half].copy("K")
        np.maximum(top[:, : n - half], right, out=top[:, : n - half])
        merged = np.zeros_like(top) if rest is None else rest[:, :half].copy("K")
        merged[:, : n - half] += low
        if rest is not None:
            merged[:, : n - half] += rest[:, half:]
        rest = merged
    return top, np.zeros_like(top) if rest is None else rest
