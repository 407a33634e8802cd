"""Chapter 6, Cross-entropy: softmax regression, the classifier that the book trains."""

import torch

from softmax_lab.torch._checks import require
from softmax_lab.torch.cross_entropy import cross_entropy
from softmax_lab.torch.definition import linear, predict
from softmax_lab.torch.stability import softmax


class SoftmaxRegression(torch.nn.Module):
    r"""Classify with softmax of a linear layer, trained on cross-entropy.

    Parameters
    ----------
    in_features : int
        The number of features N.
    num_classes : int
        The number of classes T.
    C : float, default 1.0
        Inverse strength of the penalty on the weights, as in scikit-learn.

    Attributes
    ----------
    weight : Parameter, (T, N)
        One row of weights for each class.
    bias : Parameter, (T,)
        One number for each class.

    Notes
    -----
    `fit` minimises :math:`\sum_n \mathrm{CE}(W x_n + b, y_n) + \|W\|^2 / 2C`, as the NumPy side
    does. It starts from the weights that the model has: W = b = 0 when it is new, and those of the
    last fit when it is fitted again. The objective is convex, and L-BFGS over all samples uses no
    randomness. It works on centred features, each weight in units of its own bend: on raw ones, a
    thousandfold apart or far from 0, it would stand still.

    Taught in :ref:`sec-cross-entropy-training`.

    Examples
    --------
    >>> x, y = torch.tensor([[0.0], [1.0], [5.0], [6.0]]), torch.tensor([0, 0, 1, 1])
    >>> SoftmaxRegression(1, 2).fit(x, y, progress=False).predict(torch.tensor([[0.5], [5.5]]))
    tensor([0, 1])
    """

    def __init__(self, in_features, num_classes, C=1.0):
        super().__init__()
        if not C > 0:
            raise ValueError(f"C must be above 0, but it is {C}")
        self.C = C
        self.weight = torch.nn.Parameter(torch.zeros(num_classes, in_features))
        self.bias = torch.nn.Parameter(torch.zeros(num_classes))

    def forward(self, x):
        """Return the logits, (n, T), of samples x, (n, N)."""
        return linear(x, self.weight, self.bias)

    def fit(self, x, target, *, steps=20, device=None, progress=True):
        """Train on samples x, (n, N), with class indices, (n,), on `device`. Returns the model."""
        if device is not None:
            self.to(device)
        x, target = self._samples(x), torch.as_tensor(target, device=self.weight.device)
        if len(x) == 0:
            raise ValueError(f"x must hold at least one sample, but its shape is {tuple(x.shape)}")
        cross_entropy(self(x), target)  # whatever is wrong is told before anything changes
        mean, spread = x.mean(dim=0), x.std(dim=0, correction=0)
        rounding = 10 * torch.finfo(x.dtype).eps * mean.abs()
        varies = spread > rounding  # a feature that never changes has nothing to say
        # The bend of the objective at W = 0, where every p (1 − p) is (T − 1) / T².
        classes = len(self.bias)
        bend = (classes - 1) / classes**2 * spread.square() + 1 / (self.C * len(x))
        unit = torch.where(varies, bend.sqrt(), 1)
        data = (x - mean) / unit
        with torch.no_grad():
            slopes, level = self.weight * unit, self.bias + self.weight @ mean
        slopes.requires_grad_(), level.requires_grad_()
        optimiser = torch.optim.LBFGS([slopes, level], line_search_fn="strong_wolfe")

        def objective():
            optimiser.zero_grad()
            penalty = (slopes / unit).square().sum() / (2 * self.C)
            logits = linear(data, slopes, level)
            loss = (cross_entropy(logits, target, reduction="sum") + penalty) / len(x)
            loss.backward()
            return loss

        for _ in bar(range(steps), progress):
            optimiser.step(objective)
        with torch.no_grad():
            self.weight.copy_(slopes / unit)
            self.bias.copy_(level - self.weight @ mean)
        return self

    def _samples(self, x):
        try:
            given = torch.as_tensor(x)
        except (TypeError, ValueError, RuntimeError) as error:
            raise type(error)(f"x cannot be made a tensor: {error}") from error
        if given.is_complex():
            raise TypeError(f"x must be real, but its dtype is {given.dtype}")
        x = given.to(dtype=self.weight.dtype, device=self.weight.device)
        summary = "x must be finite, but it holds nan or inf"
        require(x, x.isfinite(), summary, lambda *_: ValueError(summary))
        return x

    @torch.no_grad()
    def predict_proba(self, x):
        """Return the probabilities, (n, T), of samples x, (n, N)."""
        return softmax(self(self._samples(x)))

    @torch.no_grad()
    def predict(self, x):
        """Return the most probable class of each sample in x, (n, N)."""
        return predict(self(self._samples(x)))

    def score(self, x, target):
        """Return the share of samples x, (n, N), whose class in target, (n,), is predicted."""
        found, target = self.predict(x), torch.as_tensor(target, device=self.weight.device)
        if target.shape != found.shape:
            raise ValueError(
                f"target has shape {tuple(target.shape)}; x asks for {tuple(found.shape)}"
            )
        return (found == target).double().mean().item()


def bar(steps, progress):
    """Show a progress bar for steps that take more than a second, if tqdm is installed."""
    if not progress:
        return steps
    try:
        from tqdm.auto import tqdm
    except ImportError:
        return steps
    return tqdm(steps, desc="fit", delay=1, leave=False)
