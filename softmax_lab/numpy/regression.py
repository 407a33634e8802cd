"""Chapter 6, Cross-entropy: softmax regression, the classifier that the book trains."""

import numpy as np

from softmax_lab.numpy.cross_entropy import cross_entropy_with_grad
from softmax_lab.numpy.definition import linear
from softmax_lab.numpy.stability import softmax


class SoftmaxRegression:
    r"""Classify with softmax of a linear layer, trained on cross-entropy.

    Parameters
    ----------
    C : float, default 1.0
        Inverse strength of the penalty on the weights, as in scikit-learn.
    max_iter : int, default 1000
        The most steps that `fit` takes.
    tol : float, default 1e-4
        `fit` stops when no entry of the gradient is larger.
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
    n_iter_ : int
        Steps taken.

    Notes
    -----
    Minimises :math:`\sum_n \mathrm{CE}(W x_n + b, y_n) + \|W\|^2 / 2C` from W = b = 0 with
    Nesterov's accelerated gradient over all samples: two fits give the same numbers.

    Taught in :ref:`sec-cross-entropy-training`.

    Examples
    --------
    >>> model = SoftmaxRegression().fit([[0.0], [1.0], [5.0]], ["low", "low", "high"])
    >>> model.predict([[0.5], [5.5]]).tolist()
    ['low', 'high']
    """

    def __init__(self, C=1.0, *, max_iter=1000, tol=1e-4, progress=True):
        self.C, self.max_iter, self.tol, self.progress = C, max_iter, tol, progress

    def fit(self, X, y):
        """Train on samples X, (n, n_features), with labels y, (n,). Returns the model."""
        X = check_samples(X)
        y = check_labels(y, X)
        self.classes_, target = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(f"y must hold at least two classes, but all are {self.classes_}")
        if not self.C > 0:
            raise ValueError(f"C must be above 0, but it is {self.C}")
        if not self.max_iter >= 1:
            raise ValueError(f"max_iter must be at least 1, but it is {self.max_iter}")
        # Features are centred, and the bias follows: the problem is better conditioned so.
        mean = X.mean(axis=0)
        data = np.column_stack([X - mean, np.ones(len(X))])
        penalty = np.full(data.shape[1], 1 / self.C)
        penalty[-1] = 0
        # The Hessian is at most half of dataᵀ data ⊗ 1, so 1/rate is an upper bound of it.
        rate = 1 / (np.linalg.norm(data, 2) ** 2 / 2 + 1 / self.C)
        weight = ahead = np.zeros((len(self.classes_), data.shape[1]))
        momentum = 1.0
        for step in self._steps():
            self.n_iter_ = step
            _, slope = cross_entropy_with_grad(data @ ahead.T, target, reduction="sum")
            gradient = slope.T @ data + penalty * ahead
            new = ahead - rate * gradient
            if np.abs(gradient).max() <= self.tol:
                weight = new
                break
            if (gradient * (new - weight)).sum() > 0:  # uphill: forget the momentum
                momentum = 1.0
            following = (1 + np.sqrt(1 + 4 * momentum**2)) / 2
            ahead = new + (momentum - 1) / following * (new - weight)
            weight, momentum = new, following
        self.coef_ = weight[:, :-1]
        self.intercept_ = weight[:, -1] - self.coef_ @ mean
        return self

    def _steps(self):
        steps = range(1, self.max_iter + 1)
        if not self.progress:
            return steps
        try:
            from tqdm.auto import tqdm
        except ImportError:
            return steps
        return tqdm(steps, desc="fit", delay=1, leave=False)

    def decision_function(self, X):
        """Return the logits, (n, n_classes), of samples X, (n, n_features)."""
        if not hasattr(self, "coef_"):
            raise ValueError("this SoftmaxRegression is not fitted yet; call fit first")
        return linear(check_samples(X), self.coef_, self.intercept_)

    def predict_proba(self, X):
        """Return the probabilities, (n, n_classes), of samples X, (n, n_features)."""
        return softmax(self.decision_function(X))

    def predict(self, X):
        """Return the most probable label of each sample in X, (n, n_features)."""
        winners = self.decision_function(X).argmax(axis=1)
        return self.classes_[winners]

    def score(self, X, y):
        """Return the share of samples X, (n, n_features), whose label in y, (n,), is predicted."""
        return float(np.mean(self.predict(X) == check_labels(y, X)))


def check_samples(X):
    """Return samples (n, n_features) in float64, or raise ValueError."""
    X = np.asarray(X, dtype=np.float64)
    if X.ndim != 2:
        raise ValueError(f"X must be (n, n_features), but its shape is {X.shape}")
    if not np.isfinite(X).all():
        raise ValueError("X must be finite, but it holds nan or inf")
    return X


def check_labels(y, X):
    """Return labels (n,), or raise ValueError if they are not one for each sample in X."""
    y, asked = np.asarray(y), np.shape(X)[:1]
    if y.shape != asked:
        raise ValueError(f"y has shape {y.shape}; X {np.shape(X)} asks for {asked}")
    return y
