"""Hard inputs, by name: every exercise with the same kind of argument runs through the same ones.

A kind is a property in words, with its arrays. `logits` and `probabilities` return properties;
`make` turns an array into the arguments of one case (by default the array alone).
"""

import numpy as np

from softmax_lab.exercises._exercise import Property, sample

INF = np.inf
LONG = sample(300, seed=40, scale=3)  # 300 classes: more than a byte can number
LONG = np.roll(LONG, 280 - LONG.argmax())
LONGER = sample(1001, seed=55)  # more than a block, and one more
SPIKE = np.where(np.arange(200) == 150, 1000.0, -1000.0 - np.arange(200) / 64)


def rows(*values):
    """Return arrays of float64."""
    return [np.array(value, dtype=float) for value in values]


ORDINARY = {
    "the largest entry first, last or in the middle": rows(
        [3.0, 1.0, -2.0], [-1.5, 0.5, 2.25], [0.5, 2.0, -1.0, 0.25], [-3.0, -1.0, -2.0]
    ),
    "entries of many digits": rows([1 / 7, -2 / 3, 0.9], [-31 / 17, 22 / 7, 5 / 11, -1e-4]),
    "ties, and entries that nearly tie": rows(
        [1.5, -0.5, 1.5],
        [2.0, 2.0, 1.0, -1.0],
        [0.0, 0.0, 0.0, 0.0],
        np.zeros(300),  # more ties than a byte can count
        [1.0, 1.0 + 1e-9, 0.5],
        [-4.0, -4.0 - 1e-9],
        [-1.0, 0.5, np.nextafter(0.5, 1)],
        [np.nextafter(-3.0, -4), -3.0],
    ),
    "one class, two classes, 300 classes": [*rows([2.5], [-0.75], [0.3, -1.1], [-2.0, 1.0]), LONG],
}
EXTREMES_OF_TEN = rows(
    [10.0, -10.0, 9.5], [-10.0, -10.0, 10.0], [-9.0, 10.0, 8.0, -10.0], [-10.0, -9.5]
)
ANY_SIZE = [
    *rows(
        [1000.0, 999.0, -1000.0],
        [-1000.0, 999.5, 1000.0],
        [998.0, 1000.0, -3.0, 999.0],
        [-1000.0, -1001.0, -999.0],
        [20000.0, 19999.0, -20000.0],
        [-20000.0, -20001.0, -19998.5],
        [19999.0, -20000.0, 20000.0],
        [0.0, 700.0, 1400.0, 1400.0],
        [0.0, -30.0, -45.0, -60.0],
        [0.0, -22.0, -24.0, -100.0, -400.0, -690.0],
        [709.0, 708.5, 709.3, 709.2],
        [-1e6, -1e6 - 1, -1e6 - 2.5],
        [12.0, -720.0, 55.0],
        [5000.0],
        [-5000.0, -5000.5],
    ),
    SPIKE,
]
HUGE = rows(  # a sum that is rounded to such a number has lost its logarithm
    [-4e12, -4e12 - 1, -5e12, -4e12 - 2],
    [1e9 + 0.25, 1e9, 1e9 - 0.5],
    [1e16, 1e16, -1e16],
    [-1e17, -1e17],
    [5e15, 0.0],
    [1e300, -1e300, 3e300],
    [1.7e308, 1.7e308, 1e308],
    [-1e300, -2e300],
)
INFINITE = rows(
    [0.0, -INF, 1.0, -INF],
    [-INF, 0.5, 2.0],
    [1000.0, -INF, 999.0],
    [-INF, -20000.0, -20001.0],
    [2.0, 2.0, -INF],
    [-INF, 5.0, -INF],
    [40.0, -INF, -5.0],
    [-INF, -4e12, -4e12 - 1],
    [-INF, np.finfo(float).min],
)
TIED = [[1.0, 1.0, 0.0], [2.0, -1.0, 2.0], [0.0, 0.0, 0.0]]
TURNING = [[0.0, 2.0, 1.0], [1.0, 0.0, 2.0], [2.0, 1.0, 0.0]]  # winners 1, 2, 0: not their inverse
BATCHES = [
    sample(2, 3, seed=41),
    sample(4, 3, seed=42, scale=3),
    sample(3, 3, seed=43, scale=2),
    sample(1, 4, seed=44),
    sample(5, 1, seed=45),
    sample(6, 2, seed=46),
    sample(300, 3, seed=53),
    *rows(
        [[1.0, 2.0], [1.0, 2.0], [-0.5, 0.25], [1.0, 2.0]],
        TIED,
        TIED[::-1],
        TURNING,
        np.zeros((2, 3)),
    ),
]
ROWS_OF_ROWS = [sample(2, 3, 4, seed=47), sample(3, 3, 3, seed=48), sample(1, 2, 1, 5, seed=49)]
ROWS_OF_ROWS += [sample(3, 1, 4, seed=54), *rows([TIED, TIED[::-1]], np.ones((2, 2, 2)))]
FAR_APART = rows(
    [[1000.0, 999.0, 998.0], [-1000.0, -1001.0, -999.0]],
    [[-1.0, 0.5], [800.0, 801.0], [-20000.0, -19999.0]],
    [[0.0, 1000.0, -1000.0], [1000.0, 999.0, 998.0], [-1000.0, -1001.0, -999.0]],
    [[0.5, -1.0], [1000.0, -1000.0], [-0.25, 0.75]],  # the second row is as sure as can be
)
INFINITE_BATCH = rows([[-INF, -5.0], [2.0, 2.0]], [[1000.0, -INF, 0.0], [-INF, -INF, -1000.0]])


def with_deeper(batches):
    """Return batches of shape (B, T), and arrays of shape (2, B, T) made of them."""
    return batches + [np.stack([batch, batch[::-1]]) for batch in batches]


SINGLE = [row.astype(np.float32) for row in rows([1.5, -0.25, 0.5], [-4.0, 2.0])]
SINGLE_LARGE = [
    row.astype(np.float32)
    for row in rows([90.0, 89.0, 1.0], [-200.0, -201.0, -203.0], [88.0, 88.25, 87.5, 88.5])
    + rows([1e8, 1e8, -1e8], [-3e38, -2e38])
]
SCATTERED_ROWS = [sample(10, seed=50)[::2]]
SCATTERED_BATCHES = [sample(4, 3, seed=51).T, sample(3, 8, seed=52)[:, 1::2]]


WHOLE = [
    np.array([[3, 1, 2], [-5, -4, -4]]),
    np.array([2**53, 2**53 + 1, 5]),
    np.array([-(10**18), 0, -7]),
]


def in_single(*arguments):
    """Return arguments with all arrays of float64 in float32."""
    return tuple(
        part.astype(np.float32) if getattr(part, "dtype", None) == np.float64 else part
        for part in arguments
    )


def only(array):
    """Make the arguments of an exercise that takes the array alone."""
    return (array,)


def logits(make=only, *, axes, size="any", infinite=False, keeps_dtype=False, **options):
    """Return the properties of whoever takes logits.

    `axes` says which shapes are promised: "row" for (T,), "batch" for (B, T), "any" for (..., T);
    `size` "small" keeps entries between -10 and 10; `infinite` adds entries of -inf.
    """

    def prop(says, arrays, **more):
        if axes == "batch":
            arrays = [array[None] if array.ndim == 1 else array for array in arrays]
        return Property(says, [make(array) for array in arrays], **options, **more)

    batches, deep = axes != "row", axes == "any"
    small = size == "small"
    single = SINGLE if small else SINGLE + SINGLE_LARGE
    yield from (prop(says, arrays) for says, arrays in ORDINARY.items())
    if batches:
        yield prop("each row on its own", BATCHES + (ROWS_OF_ROWS if deep else []))
    if small:
        yield prop("the whole range, from -10 to 10", EXTREMES_OF_TEN)
    else:
        yield prop("logits of any size", ANY_SIZE)
        yield prop("logits so large that they have no decimals", HUGE)
    if batches and not small:
        yield prop("rows far apart from each other", with_deeper(FAR_APART) if deep else FAR_APART)
    if infinite:
        of_batches = with_deeper(INFINITE_BATCH) if deep else INFINITE_BATCH
        impossible = INFINITE + (of_batches if batches else [])
        yield prop("some entries -inf", impossible, zeros=True)
    yield prop("float32", single, keeps_dtype=keeps_dtype)
    scattered = SCATTERED_BATCHES if batches else SCATTERED_ROWS
    yield prop("arrays that do not lie in one piece", scattered)


def shares(*shape, seed=0, scale=2.0):
    """Return random probabilities: rows that sum to 1."""
    weights = np.exp(sample(*shape, seed=seed, scale=scale))
    return weights / weights.sum(axis=-1, keepdims=True)


CERTAIN = rows([0.5, 0.3, 0.2, 0.0], [0.0, 1.0, 0.0], [[0.0, 0.5, 0.5], [0.25, 0.0, 0.75]], [1.0])
NEARLY = rows(
    [1e-12, 0.5, 0.5 - 1e-12],
    [1e-300, 1.0],
    [0.25, 0.75 - 3e-9, 1e-9, 2e-9],
    [1 - 2**-40, 2**-40],
    [1e-320, 0.5, 0.5],  # which a division by the largest leaves exact
    [1e-5, 1 - 1e-5],
)
SHARES = [
    shares(3, 4, seed=60),
    shares(3, 3, seed=61),
    shares(2, 2, 5, seed=62),
    shares(200, seed=63),
    shares(1, 3, seed=64),
]
EVEN = rows([0.25, 0.25, 0.25, 0.25], [0.5, 0.5], [0.4, 0.2, 0.4])


def probabilities(make=only, **options):
    """Return the properties of whoever takes rows of probabilities, shape (..., T)."""

    def prop(says, arrays):
        return Property(says, [make(array) for array in arrays], **options)

    yield prop("each row on its own", SHARES)
    yield prop("equal probabilities", EVEN)
    yield prop("probabilities of 0 and of 1", CERTAIN)
    yield prop("tiny ones that are not 0, and nearly certain ones that are not 1", NEARLY)
    single = [shares(2, 3, seed=65).astype(np.float32), np.float32([1e-36, 0.25, 0.75])]
    yield prop("float32", single)
    yield prop("arrays that do not lie in one piece", [shares(4, 3, seed=66).T.copy().T])
