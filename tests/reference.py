"""What the right answers are: softmax and its kin in mpmath, and errors counted in ulp.

A row is a one-dimensional array of floats, taken as exact. An exact answer is an mpmath number or a
list of them. Sums leave the largest term out and add it last, so that 260 bits are always enough.
"""

import functools

import mpmath
import numpy as np

mp = mpmath.mp.clone()
mp.prec = 260


def exact_row(row):
    """The numbers of a row as exact mpmath numbers (float32, float16 and integers included)."""
    return [mp.mpf(float(value)) for value in np.asarray(row)]


def once(function):
    """Let a function compute its answer to a row once: many tests ask about the same rows."""

    @functools.lru_cache(200)
    def answer(dtype, numbers):
        return function(np.frombuffer(numbers, dtype))

    @functools.wraps(function)
    def remembered(row):
        row = np.asarray(row)
        return answer(row.dtype.str, row.tobytes()) if row.size <= 2000 else function(row)

    return remembered


@once
def weights(row):
    """Return the winner's index, every e^(x − max), and their sum without the winner's 1."""
    x = exact_row(row)
    k = max(range(len(x)), key=x.__getitem__)
    cache = {}
    w = []
    for value in x:
        if value not in cache:
            cache[value] = mp.exp(value - x[k])
        w.append(cache[value])
    return k, w, mp.fsum(w[:k] + w[k + 1 :])


@once
def softmax(row):
    _, w, rest = weights(row)
    return [value / (1 + rest) for value in w]


@once
def log_softmax(row):
    x = exact_row(row)
    k, _, rest = weights(row)
    return [(value - x[k]) - mp.log1p(rest) for value in x]


def logsumexp(row):
    k, _, rest = weights(row)
    return exact_row(row)[k] + mp.log1p(rest)


def of_each_value(row):
    """Return the first index of each value of a long row; its p and log p; and the row's logsumexp.

    A sum over a million entries is quick when they are few numbers, each found many times.
    """
    values, first, counts = np.unique(row, return_index=True, return_counts=True)
    _, w, _ = weights(values)
    others = mp.fsum(int(n) * each for n, each in zip(counts[:-1], w[:-1], strict=True))
    rest = others + int(counts[-1]) - 1  # np.unique sorts: the winner comes last
    x = exact_row(values)
    log_p = [(value - x[-1]) - mp.log1p(rest) for value in x]
    return first, [each / (1 + rest) for each in w], log_p, x[-1] + mp.log1p(rest)


def cross_entropy(row, target):
    return -log_softmax(row)[target]


def cross_entropy_gradient(row, target):
    """p − y for a class index; p − 1 is minus the share of the other classes."""
    _, w, rest = weights(row)
    gradient = softmax(row).copy()
    others = mp.fsum(w[:target] + w[target + 1 :])
    gradient[target] = -others / (1 + rest)
    return gradient


def soft_cross_entropy(row, target):
    return mp.fsum(-y * log_p for y, log_p in zip(exact_row(target), log_softmax(row), strict=True))


def softmax_vjp(row, v):
    """p ⊙ (v − Σ p v), as Σ_j p_i p_j (v_i − v_j): no term needs a digit of 1 − p."""
    p, v = softmax(row), exact_row(v)
    return [
        mp.fsum(p_i * p_j * (v_i - v_j) for p_j, v_j in zip(p, v, strict=True))
        for p_i, v_i in zip(p, v, strict=True)
    ]


def log_softmax_vjp(row, v):
    p, v = softmax(row), exact_row(v)
    total = mp.fsum(v)
    return [v_i - p_i * total for p_i, v_i in zip(p, v, strict=True)]


def kl_from_logits(row, other):
    p, log_p, log_q = softmax(row), log_softmax(row), log_softmax(other)
    return mp.fsum(a * (b - c) for a, b, c in zip(p, log_p, log_q, strict=True))


def ulp_errors(found, exact, dtype=None):
    """Return |found − exact| in units in the last place of the exact answer, entry by entry.

    A zero found where the exact answer is not zero once rounded is an infinite error, and so is
    anything that is not finite.
    """
    found = np.atleast_1d(np.asarray(found))
    info = np.finfo(dtype or found.dtype)
    exact = exact if isinstance(exact, list) else [exact]
    assert len(exact) == found.size, f"{found.size} numbers found for {len(exact)} exact ones"
    errors = []
    for value, right in zip(found.ravel().tolist(), exact, strict=True):
        # right = mantissa · 2^exponent with 1/2 ≤ |mantissa| < 1
        exponent = max(int(mp.frexp(right)[1]) - 1, int(info.minexp)) if right else int(info.minexp)
        unit = mp.ldexp(mp.mpf(1), exponent - int(info.nmant))
        if abs(right) > info.max and value == np.copysign(np.inf, float(right)):
            errors.append(0.0)  # the answer is out of range, and inf says so
        elif not np.isfinite(value) or (value == 0 and abs(right) > unit / 2):
            errors.append(np.inf)
        else:
            errors.append(float(abs(mp.mpf(value) - right) / unit))
    return np.array(errors)


def max_ulp(found, exact, dtype=None):
    """The largest of `ulp_errors`: at most 4 is what the package promises."""
    return float(ulp_errors(found, exact, dtype).max(initial=0.0))


def row_families(dtype, seed=0):
    """Rows on which libraries lose digits, by name: every test of accuracy goes through them."""
    rng = np.random.default_rng(seed)
    smallest = np.finfo(dtype).smallest_subnormal
    largest = float(np.finfo(dtype).max)
    rows = {f"gauss × {scale}": rng.normal(size=1000) * scale for scale in (0.01, 1, 10, 100, 1000)}
    rows |= {f"gauss × {scale}, n = 10": rng.normal(size=10) * scale for scale in (1, 10, 100)}
    rows |= {
        f"gauss × 5 {offset:+.0e}": rng.normal(size=100) * 5 + offset
        for offset in (1e4, -1e4, 1e30, -1e30, 300, -300)
    }
    rows |= {f"[0, {gap}]": np.array([0.0, gap]) for gap in (-1, -20, -40, -87, -100, -700, -740)}
    rows |= {
        "one class": np.array([3.0]),
        "[20, 0, 0, …]": np.array([20.0] + [0.0] * 999),
        "confident, long tail": np.array([0.0] + [-17.0] * 1500),
        "all tie": np.zeros(777),
        "two tie far above": np.array([50.0, 50.0, *rng.normal(size=50)]),
        "subnormal logits": smallest * rng.integers(-9, 9, size=20).astype(float),
        "log-probabilities": np.log(rng.dirichlet(np.ones(50))),
        "all far below zero": -500 - 50 * rng.random(40),
        "near the top of the range": largest * np.array([1.0, 0.999, 0.5, -1.0]),
        "steps of ln 2": -np.log(2) * np.arange(60),
        "an even ladder": np.linspace(-80, 80, 161),
    }
    # Of 3,000 such rows the one whose plain sum is the worst.
    rows["a row like any other"] = np.random.default_rng(2945).normal(7.3, 0.3, 100)
    return {name: row.astype(dtype) for name, row in rows.items()}
