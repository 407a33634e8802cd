"""Chapter 6, Cross-entropy: softmax regression, the classifier that the book trains."""

import warnings
from typing import Any, Literal, Self

import numpy as np

from softmax_lab.numpy._arguments import as_number
from softmax_lab.numpy._estimator import (
    Estimator,
    check_classes,
    check_labels,
    check_sample_weight,
    check_samples,
    class_weights,
    feature_names,
    sklearns,
)
from softmax_lab.numpy._types import ArrayLike, Floats, NDArray
from softmax_lab.numpy.cross_entropy import cross_entropy
from softmax_lab.numpy.definition import linear
from softmax_lab.numpy.information import one_hot
from softmax_lab.numpy.stability import log_softmax, softmax


class SoftmaxRegression(Estimator):
    r"""Classify with softmax of a linear layer, trained on cross-entropy.

    An estimator of scikit-learn: it can be cloned, searched over and put in a pipeline.

    Parameters
    ----------
    C : float, default 1.0
        Inverse strength of the penalty on the weights, as in scikit-learn.
    class_weight : dict or 'balanced', optional
        A factor for the loss of each class by its label, 1 for those left out. 'balanced' lets
        all classes weigh the same.
    max_iter : int, default 100
        The most Newton steps that `fit` takes; it warns when they are not enough.
    tol : float, default 1e-6
        `fit` stops after a step that promised to lower the objective by no more than this share
        of it; whatever units the features have, the same.
    progress : bool, default True
        Show a progress bar on fits longer than a second, if tqdm is installed.

    Attributes
    ----------
    coef_ : ndarray, (n_classes, n_features)
        Weights; also for two classes one row each.
    intercept_ : ndarray, (n_classes,)
        Biases.
    classes_ : ndarray, (n_classes,)
        The labels, sorted: column i of the probabilities belongs to classes_[i].
    n_features_in_ : int
        The number of features that `fit` has seen.
    feature_names_in_ : ndarray of str, (n_features,)
        Their names, if X was a data frame.
    n_iter_ : int
        Newton steps taken.

    Notes
    -----
    Minimises :math:`\sum_n \mathrm{CE}(W x_n + b, y_n) + \|W\|^2 / 2C` from W = b = 0. Each step
    goes to the bottom of the parabola that has the objective's slope and bend: Newton's method,
    with conjugate gradients for the linear system (Nocedal and Wright, *Numerical Optimization*,
    2006, chapter 7). Nothing is drawn: two fits give the same numbers.

    Taught in :ref:`sec-cross-entropy-training`.

    Examples
    --------
    >>> model = SoftmaxRegression().fit([[0.0], [1.0], [5.0]], ["low", "low", "high"])
    >>> model.predict([[0.5], [5.5]]).tolist()
    ['low', 'high']
    """

    def __init__(
        self,
        C: float = 1.0,
        *,
        class_weight: dict[Any, float] | Literal["balanced"] | None = None,
        max_iter: float = 100,
        tol: float = 1e-6,
        progress: bool = True,
    ) -> None:
        self.C, self.class_weight = C, class_weight
        self.max_iter, self.tol, self.progress = max_iter, tol, progress

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Train on samples X, (n, n_features), with labels y, (n,). Returns the model.

        `sample_weight`, (n,), says how often each sample counts. A fit that is refused leaves
        the model as it was.
        """
        names = feature_names(X)
        X = check_samples(X)
        y = check_classes(y, X)
        mass = check_sample_weight(sample_weight, X)
        X, y, mass = X[mass > 0], y[mass > 0], mass[mass > 0]
        try:
            classes, target = np.unique(y, return_inverse=True)
        except TypeError as error:
            raise TypeError(
                f"y must hold labels of one kind, which can be sorted: {error}"
            ) from error
        if len(classes) < 2:
            raise ValueError(f"y must hold at least two classes, but has 1 class: {classes}")
        C, tol, max_iter = self._positive("C"), self._positive("tol"), self._positive("max_iter")
        with np.errstate(all="ignore"):
            weights = class_weights(self.class_weight, classes, target, mass)
            mass = mass * weights[target]
            if not np.isfinite(mass.sum()):
                raise ValueError(
                    f"class_weight times sample_weight must have a finite sum, but {weights.max()} "
                    "is too large a weight for a class"
                )
        if not mass.any():
            raise ValueError("class_weight and sample_weight leave no class that counts")
        # The bias is the weight of a feature that is always 1, and is not penalised. The other
        # features are centred, or else each of them would repeat much of what it says. Powers of
        # two as units keep the squares of very large and very small ones in range.
        with np.errstate(all="ignore"):
            rough = power_of_two(X)
            X = X / rough
            mean = mass / mass.sum() @ X
            X = X - mean
            unit = np.maximum(rough * power_of_two(X), 2.0**-400)
            data = np.column_stack([X / (unit / rough), np.ones(len(X))])
            penalties = np.append(np.minimum(1 / C / unit**2, 1e300), 0)
            problem = Objective(data, target, len(classes), mass, penalties)
            weight, steps, promise = newton(problem, tol, self._steps(max_iter))
            coef = weight[:, :-1] / unit
            intercept = weight[:, -1] - weight[:, :-1] / (unit / rough) @ mean
        if not promise <= tol:
            warnings.warn(
                f"the optimum is not reached: step {steps} still promised to lower the objective "
                f"by a share of {promise:.2g}, above tol = {tol:g}. Scale the features (subtract "
                "their mean, divide by their standard deviation), raise max_iter, or lower C",
                sklearns("ConvergenceWarning", RuntimeWarning),
                stacklevel=2,
            )
        self.classes_, self.n_iter_, self.n_features_in_ = classes, steps, X.shape[1]
        self.coef_, self.intercept_ = coef, intercept
        vars(self).pop("feature_names_in_", None)
        if names is not None:
            self.feature_names_in_ = names
        return self

    def _positive(self, name):
        value = as_number(getattr(self, name), name)
        whole = name == "max_iter"
        if not (value >= 1 if whole else value > 0):
            bound = "at least 1" if whole else "above 0"
            raise ValueError(f"{name} must be {bound}, but it is {value}")
        if whole and not value.is_integer():
            raise ValueError(f"{name} must be a whole number, but it is {value}")
        return value

    def _steps(self, max_iter):
        steps = range(1, int(max_iter) + 1)
        if not self.progress:
            return steps
        try:
            from tqdm.auto import tqdm
        except ImportError:
            return steps
        return tqdm(steps, desc="fit", delay=1, leave=False)

    def _logits(self, X):
        return linear(self._new_samples(X), self.coef_, self.intercept_)

    def decision_function(self, X: ArrayLike) -> Floats:
        """Return the logits, (n, n_classes), of samples X, (n, n_features).

        With two classes it is their difference, (n,): above 0 where the second one wins.
        """
        logits = self._logits(X)
        if len(self.classes_) > 2:
            return logits
        with np.errstate(over="ignore", under="ignore"):
            return logits[:, 1] - logits[:, 0]

    def predict_proba(self, X: ArrayLike) -> Floats:
        """Return the probabilities, (n, n_classes), of samples X, (n, n_features)."""
        return softmax(self._logits(X))

    def predict_log_proba(self, X: ArrayLike) -> Floats:
        """Return the log-probabilities, (n, n_classes), of samples X, (n, n_features)."""
        return log_softmax(self._logits(X))

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Return the most probable label of each sample in X, (n, n_features)."""
        winners = self._logits(X).argmax(axis=1)
        return self.classes_[winners]

    def score(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """Return the share of samples X, (n, n_features), whose label in y, (n,), is predicted."""
        hit = self.predict(X) == check_labels(y, X)
        return float(np.average(hit, weights=check_sample_weight(sample_weight, np.asarray(X))))


def power_of_two(X):
    """Return for each feature the power of two from which its largest value begins, or 1 of 0."""
    largest = np.abs(X).max(axis=0)
    return np.ldexp(1.0, np.where(largest > 0, np.frexp(largest)[1] - 1, 0))


class Objective:
    r"""The sum of :math:`m_n \mathrm{CE}(W x_n, y_n)`, plus :math:`\lambda \|W\|^2 / 2`.

    Of the weights W, (n_classes, n_features): its value, its slope and its bend. Logits are
    (n_classes, n) here, one column a sample: the products with W are faster so.
    """

    def __init__(self, data, target, num_classes, mass, penalty):
        self.data, self.target, self.mass, self.penalty = data, target, mass, penalty
        self.columns = np.ascontiguousarray(data.T)
        self.one_hot = one_hot(target, num_classes).T
        self.shape = num_classes, data.shape[1]

    def value(self, weight):
        """Return the objective."""
        losses = cross_entropy(weight @ self.columns, self.target, axis=0, reduction="none")
        return losses @ self.mass + (self.penalty * weight**2).sum() / 2

    def at(self, weight):
        """Return the gradient at a point, the Hessian as a function, and its diagonal."""
        p = softmax(weight @ self.columns, axis=0)
        gradient = self.mass * (p - self.one_hot) @ self.data + self.penalty * weight
        free = self.penalty == 0  # there it sums to 0 over the classes, but for rounding
        gradient[:, free] -= gradient[:, free].mean(axis=0)
        share = self.mass * p

        def hessian(v):
            z = v @ self.columns  # how the logits change along v
            z -= np.einsum("tn,tn->n", p, z)
            z *= share  # J z, with J = diag p − p pᵀ of each sample
            return z @ self.data + self.penalty * v

        bend = share * (1 - p) @ self.data**2
        return gradient, hessian, np.maximum(bend, 1e-12 * bend.max()) + self.penalty


def newton(objective, tol, steps):
    """Return the lowest point, from 0, the steps taken, and the share that the last one promised.

    Along a step the parabola goes down by half of what the slope alone would give.
    """
    weight = np.zeros(objective.shape)
    value, promise = objective.value(weight), np.inf
    for taken in steps:
        gradient, hessian, diagonal = objective.at(weight)
        step = conjugate_gradients(hessian, -gradient, diagonal)
        if not np.isfinite(step).all():  # a class so light that rounding has left it no bend
            return weight, taken, promise
        slope = (gradient * step).sum()
        promise = -slope / 2 / value if value else 0.0
        length, new = line_search(objective, weight, value, step, slope)
        weight, value = weight + length * step, new
        if promise <= tol or length == 0:
            return weight, taken, promise
    return weight, taken, promise


def conjugate_gradients(matrix, right, diagonal, most=1000):
    """Solve matrix · x = right, the more exactly the smaller the right side already is.

    Each coordinate is measured in units of its own bend, the diagonal (Jacobi's preconditioner):
    features may differ a thousandfold. The matrix is a function; only products with it are needed.
    """
    x, rest = np.zeros_like(right), right
    scale = 1 / diagonal
    direction = scale * rest
    size = start = (rest * direction).sum()
    enough = min(0.25, max(1e-8, 0.5 * start**0.25)) ** 2 * start  # 1e-8: rounding
    for _ in range(most):
        bend = matrix(direction)
        curvature = (direction * bend).sum()
        if not curvature > 0:  # a direction in which nothing changes, but for rounding
            return x if x.any() else direction
        length = size / curvature
        x = x + length * direction
        rest = rest - length * bend
        size, before = (rest * scale * rest).sum(), size
        if size <= enough:
            break
        direction = scale * rest + size / before * direction
    return x


def line_search(objective, weight, value, step, slope):
    """Halve a step until it goes down far enough; return its length and the value there."""
    length, rounding = 1.0, 8 * np.finfo(float).eps * abs(value)
    while length > 1e-10:
        new = objective.value(weight + length * step)
        if new <= value + 1e-4 * length * slope + rounding:
            return length, new
        length /= 2
    return 0.0, value
