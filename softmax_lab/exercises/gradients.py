"""Exercises of chapter 5, gradients."""

import numpy as np

from softmax_lab import numpy as lab
from softmax_lab.exercises import _family as family
from softmax_lab.exercises._compare import as_array, check_shape, close, unfit
from softmax_lab.exercises._cost import no_matrix
from softmax_lab.exercises._exercise import Exercise, Formula, Property, cases, sample
from softmax_lab.exercises._runner import returned
from softmax_lab.exercises.mistakes import gradients as mistakes

PRECISE = (1e-6, 1e-8)


class Smooth(Formula):
    """A function with its gradient, that keeps in mind where it was called."""

    def __init__(self, text, function, gradient):
        super().__init__(text, function)
        object.__setattr__(self, "gradient", gradient)


def nudged(answer, f, x):
    """Return the answer's gradient; if it is nearly right, look at the steps it took."""
    points = []

    def spied(point):
        points.append(np.array(point))
        return f(point)

    value = returned(answer, spied, x)
    got, exact = check_shape(as_array(value), x.shape), f.gradient(x)
    if close(got, exact, PRECISE):
        return value
    if any(point.dtype.kind in "iu" for point in points):
        nudge = "Which dtype has the copy you nudge?"
        raise unfit(got, "an array of integers swallows the step", nudge)
    if not points or not close(got, exact, (0.2, 0.2)):
        return value
    steps = np.array([point - x for point in points])
    taken = abs(steps[steps != 0])
    if ((steps > 0).any(axis=0) != (steps < 0).any(axis=0)).any():
        raise unfit(got, "a one-sided difference", "Which error does a step to both sides cancel?")
    if (taken < 1e-8).any():
        raise unfit(
            got, "the step is too small", "How many digits of f(x + h) - f(x - h) are left?"
        )
    if (taken < 1e-4).all():  # then a central difference is right, and something else went wrong
        return value
    raise unfit(got, "the step is too large", "How does the error shrink when you halve the step?")


def pair(*shape, seed=0, scale=1.0):
    """Return logits and an upstream gradient of the same shape."""
    return sample(*shape, seed=seed, scale=scale), sample(*shape, seed=seed + 100)


def upstream(x):
    """Return logits, and a v of the same shape and dtype."""
    v = sample(*x.shape, seed=x.size + 100, scale=2).astype(x.dtype)
    return x, v if x.flags.c_contiguous else np.asfortranarray(v)


def products(example, *more):
    """Return the properties of a product of a Jacobian with v."""
    return [
        Property("the example", [example]),
        Property(
            "any v, of no special kind or of a very special one",
            [
                pair(3),
                pair(5, seed=1, scale=3),
                (sample(3), np.full(3, 2.0)),
                (sample(4), np.array([0.0, 0.0, -3.0, 0.0])),
                (sample(3), np.array([100.0, 0.0, -100.0])),
                (sample(3), np.array([2e-4, -1e-4, 3e-5])),
                (sample(3), np.array([12345.0, -7e8, 0.5])),
                (sample(2, 3), np.zeros((2, 3))),
            ],
        ),
        *family.logits(upstream, axes="any", infinite=True),
        *more,
    ]


NO_MATRIX = Property("no T x T matrix is built", [pair(800, seed=5)], no_matrix)
EQUAL, FIRST = np.array([0.0, 0.0]), np.array([1.0, 0.0])
CUBES = Smooth("f(x) = sum(x**3)", lambda x: np.sum(x**3), lambda x: 3.0 * x**2)
WAVES = Smooth(
    "f(x) = sin(x[0]) * exp(x[1]) + x[2]",
    lambda x: np.sin(x[0]) * np.exp(x[1]) + x[2],
    lambda x: np.array([np.cos(x[0]) * np.exp(x[1]), np.sin(x[0]) * np.exp(x[1]), 1.0]),
)
PRODUCT = Smooth(
    "f(x) = x[0] * x[1]", lambda x: x[0] * x[1], lambda x: np.array([x[1], x[0]], dtype=float)
)
DOWNHILL = Smooth(
    "f(x) = x[0] - 2 * x[1] * x[2]",
    lambda x: x[0] - 2 * x[1] * x[2],
    lambda x: np.array([1.0, -2 * x[2], -2 * x[1]]),
)
SURPRISE = Smooth("f(x) = logsumexp(x)", lab.logsumexp, lab.softmax)

EXERCISES = [
    Exercise(
        "softmax_jacobian(x)",
        "The Jacobian",
        right=lab.softmax_jacobian,
        torch=True,
        properties=[
            Property("the example", cases([0.0, 0.0])),
            *family.logits(axes="row", infinite=True),
        ],
        mistakes=mistakes.SOFTMAX_JACOBIAN,
        hints=[
            "Differentiate one probability by its own logit, then by another one's.",
            "The two cases are p_i (1 - p_i) and -p_i p_j: one formula with a Kronecker delta.",
            "As matrices: one with p on its diagonal, less the product of p with itself.",
        ],
    ),
    Exercise(
        "softmax_vjp(x, v)",
        "Backward, without the matrix",
        right=lab.softmax_vjp,
        torch=True,
        properties=products((EQUAL, FIRST), NO_MATRIX),
        mistakes=mistakes.SOFTMAX_VJP,
        hints=[
            "Write v_i times p_i (delta_ij - p_j), and sum over i.",
            "The delta leaves one term; the other one has the inner product of p and v in it.",
            "What is left is p times (v less that inner product): a weighted mean of v, per row.",
        ],
    ),
    Exercise(
        "finite_differences(f, x)",
        "Check a gradient by nudging",
        right=lambda f, x: f.gradient(x),
        properties=[
            Property("the example", [(PRODUCT, np.array([2.0, 3.0]))], nudged, tolerance=PRECISE),
            Property(
                "curved functions",
                [
                    (CUBES, sample(3)),
                    (WAVES, sample(3, seed=1)),
                    (SURPRISE, sample(4)),
                    (DOWNHILL, np.array([0.3, 1.25, 0.5])),
                ],
                nudged,
                tolerance=PRECISE,
            ),
            Property(
                "one coordinate, and 20",
                [(CUBES, np.array([-1.5])), (SURPRISE, sample(20, seed=2))],
                nudged,
                tolerance=PRECISE,
            ),
            Property(
                "coordinates that are 0, tiny, or as large as 4",
                [
                    (WAVES, np.array([0.0, 0.0, 0.0])),
                    (CUBES, np.array([0.0, 1e-9, -4.0, 4.0])),
                    (PRODUCT, np.array([0.0, 3.0])),
                ],
                nudged,
                tolerance=PRECISE,
            ),
            Property(
                "x of integers, x of float32",
                [
                    (CUBES, np.array([1, 2, -1])),
                    (PRODUCT, np.array([0, 3])),
                    (SURPRISE, np.array([1, 2, 3])),
                    (WAVES, np.array([1, 0, 2])),
                    (CUBES, np.array([1.3, -0.7, 2.1], dtype=np.float32)),
                    (WAVES, np.array([0.1, 0.7, -1.0], dtype=np.float32)),
                ],
                nudged,
                tolerance=PRECISE,
            ),
        ],
        mistakes=mistakes.FINITE_DIFFERENCES,
        hints=[
            "A slope is a difference of values over a distance. Move one coordinate, up and down.",
            "Up and down by h: the points are 2 h apart, and the error is about h squared.",
            "Too small an h loses digits to rounding: 1e-5 is good. Work on a float copy of x.",
        ],
    ),
    Exercise(
        "log_softmax_vjp(x, v)",
        "Backward through log-softmax",
        right=lab.log_softmax_vjp,
        torch=True,
        properties=products((EQUAL, FIRST), NO_MATRIX),
        mistakes=mistakes.LOG_SOFTMAX_VJP,
        hints=[
            "log-softmax is x less its logsumexp. What is the gradient of logsumexp?",
            "The derivative of entry i by x_j is delta_ij - p_j. Multiply by v_i and sum over i.",
            "The delta gives v back; the rest shares out the sum of v. By which shares?",
        ],
    ),
    Exercise(
        "softmax_jvp(x, v)",
        "Forward",
        right=lab.softmax_jvp,
        torch=True,
        properties=products((np.array([0.0, np.log(3.0)]), FIRST)),
        mistakes=mistakes.SOFTMAX_JVP,
        hints=[
            "Write p_i (delta_ij - p_j) times v_j, and sum over j.",
            "The Jacobian of softmax is symmetric. What follows for J v and v J?",
            "Each probability moves with its own v, less the mean of v under p.",
        ],
    ),
    Exercise(
        "logsumexp_hessian(x)",
        "The curvature of log-sum-exp",
        right=lab.softmax_jacobian,
        torch=True,
        properties=[
            Property("the example", cases([[0.0, 0.0]])),
            *family.logits(axes="any"),
        ],
        mistakes=mistakes.LOGSUMEXP_HESSIAN,
        hints=[
            "Softmax is the gradient of logsumexp. So which matrix has the second derivatives?",
            "You know that Jacobian for one row. Which two axes does it need behind the batch's?",
            "p[..., :, None] and p[..., None, :] turn a row into a column and a row of matrices.",
        ],
    ),
]
