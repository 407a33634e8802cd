"""Chapter 6, Cross-entropy: softmax regression, the classifier that the book trains."""

from typing import Self, SupportsIndex

import torch

from softmax_lab.torch._arguments import (
    INTEGERS,
    as_integer,
    as_number,
    as_tensor,
    undistributed,
    wide,
)
from softmax_lab.torch._checks import check_target, require
from softmax_lab.torch._types import Tensor, TensorLike
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

    def __init__(
        self, in_features: SupportsIndex, num_classes: SupportsIndex, C: float = 1.0
    ) -> None:
        super().__init__()
        shape = as_integer(num_classes, "num_classes"), as_integer(in_features, "in_features")
        if min(shape) < 0:
            raise ValueError(f"num_classes and in_features must not be negative, but are {shape}")
        self.C = strength(C)
        self.weight = torch.nn.Parameter(torch.zeros(shape))
        self.bias = torch.nn.Parameter(torch.zeros(shape[0]))

    def forward(self, x: TensorLike) -> Tensor:
        """Return the logits, (n, T), of samples x, (n, N)."""
        return linear(x, self.weight, self.bias)

    def fit(
        self,
        x: TensorLike,
        target: TensorLike,
        *,
        steps: SupportsIndex = 20,
        device: torch.device | str | int | None = None,
        progress: bool = True,
    ) -> Self:
        """Train on samples x, (n, N), with class indices, (n,), on `device`. Returns the model.

        Gradients are recorded, and autocast is off, whatever is set around the call.
        """
        steps = as_integer(steps, "steps")
        if steps < 0:
            raise ValueError(f"steps must not be negative, but it is {steps}")
        if device is not None:
            self.to(device)
        device = self.weight.device
        with (
            device,
            torch.inference_mode(False),
            torch.enable_grad(),
            torch.autocast(device.type, enabled=False),
        ):
            C = strength(self.C)  # which may have been set since
            self._descend(self._samples(x), target, C, bar(range(steps), progress))
        return self

    def _descend(self, x, target, C, steps):
        if len(x) == 0:
            raise ValueError(f"x must hold at least one sample, but its shape is {tuple(x.shape)}")
        target = as_tensor(target, "target", x.device)
        if target.is_inference():  # autograd would not save it
            target = target.clone()
        with torch.no_grad():
            cross_entropy(self(x), target)  # whatever is wrong is told before anything changes
        if not target.is_floating_point():
            check_target(target, len(self.bias))  # no class is ignored
        dtype = wide(x.dtype)
        x, weight, bias = x.to(dtype), self.weight.detach().to(dtype), self.bias.detach().to(dtype)
        # In units of its largest value, no square of a feature overflows.
        size = x.abs().amax(dim=0)
        size = torch.where(size > 0, size.clamp(min=torch.finfo(dtype).tiny), 1)
        x = x / size
        mean = x.mean(dim=0)
        spread = (x - mean).square().mean(dim=0).sqrt()  # std() warns where there are no features
        rounding = 10 * torch.finfo(self.weight.dtype).eps * mean.abs()
        varies = spread > rounding  # a feature that never changes has nothing to say
        # The bend of the objective at W = 0 is that of the loss, where every p (1 − p) is
        # (T − 1) / T², and that of the penalty, the ridge, which a small C would take out of range.
        classes, root = len(bias), (max(C, torch.finfo(dtype).tiny) * len(x)) ** 0.5
        scale = min(root, 1.0)
        bend = spread * ((classes - 1) ** 0.5 / max(classes, 1)) * scale
        ridge = scale / root / size
        unit = torch.where(varies, bend.hypot(ridge), 1)
        data = (x - mean) * scale / unit
        factor = scale / (size * unit)  # what slopes are multiplied with to be weights
        slopes, level = weight / factor, bias + weight @ (mean * size)
        slopes.requires_grad_(), level.requires_grad_()
        optimiser = torch.optim.LBFGS([slopes, level], line_search_fn="strong_wolfe")

        def objective():
            optimiser.zero_grad()
            penalty = (slopes * (ridge / unit)).square().sum() / 2
            loss = cross_entropy(linear(data, slopes, level), target) + penalty
            loss.backward()
            return loss

        for _ in steps:
            optimiser.step(objective)
        objective()
        with torch.inference_mode(self.weight.is_inference()), torch.no_grad():
            # A slope that all but the penalty holds at 0 moves too little for L-BFGS to notice: a
            # step of Newton's. Its bend is 1.
            slopes -= slopes.grad * (ridge > 0.99 * unit)
            self.weight.copy_(slopes * factor)
            self.bias.copy_(level - (slopes * factor * size) @ mean)

    def _samples(self, x):
        given = as_tensor(undistributed(x, "x"), "x").detach()
        if given.is_complex():
            raise TypeError(f"x must be real, but its dtype is {given.dtype}")
        if given.ndim != 2 or given.shape[1] != self.weight.shape[1]:
            raise ValueError(
                f"x must be (n, {self.weight.shape[1]}), but its shape is {tuple(given.shape)}"
            )
        x = given.to(dtype=self.weight.dtype, device=self.weight.device)
        summary = "x must be finite, but it holds nan or inf"
        require(x, x.isfinite(), summary, lambda *_: ValueError(summary))
        return x

    @torch.no_grad()
    def predict_proba(self, x: TensorLike) -> Tensor:
        """Return the probabilities, (n, T), of samples x, (n, N)."""
        return softmax(self(self._samples(x)))

    @torch.no_grad()
    def predict(self, x: TensorLike) -> Tensor:
        """Return the most probable class of each sample in x, (n, N)."""
        return predict(self(self._samples(x)))

    def score(self, x: TensorLike, target: TensorLike) -> float:
        """Return the share of samples x, (n, N), whose class in target, (n,), is predicted."""
        found, target = self.predict(x), as_tensor(target, "target", self.weight.device)
        if target.shape != found.shape:
            raise ValueError(
                f"target has shape {tuple(target.shape)}; x asks for {tuple(found.shape)}"
            )
        if target.dtype not in INTEGERS:
            raise TypeError(
                f"target must hold integer class indices, but its dtype is {target.dtype}"
            )
        return (found == target.long()).double().mean().item()


def strength(C):
    """Return `C` as a float, or raise where it is no number above 0."""
    number = float(as_number(C, "C"))
    if not number > 0:
        raise ValueError(f"C must be above 0, but it is {C}")
    return number


def bar(steps, progress):
    """Show a progress bar for steps that take more than a second, if tqdm is installed."""
    if not progress:
        return steps
    try:
        from tqdm.auto import tqdm
    except ImportError:
        return steps
    return tqdm(steps, desc="fit", delay=1, leave=False)
