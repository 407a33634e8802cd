"""The torch side of Softmax Lab: the names of the NumPy side, differentiable, on any device.

Only `cross_entropy_with_grad` and `linear_cross_entropy_with_grad` are NumPy's alone: here autograd
takes the gradient.

Of a DTensor, `softmax`, `log_softmax`, `logsumexp` and `cross_entropy` are taken by what processes
tell one another of their pieces, `nll_loss` where no row's classes are sharded. The functions that
are formulas alone run as DTensor runs them, with its communication. Those that draw, `one_hot`,
`linear_cross_entropy`, `check_gradient`, and `fit` and `predict` of `SoftmaxRegression` take plain
tensors, and say so.

On NVIDIA's GPUs, `SOFTMAX_LAB_KERNELS=1` in the environment sends rows to Triton kernels instead of
torch's own operations. It is read at import. These kernels have not run on a GPU yet.
"""

try:
    import torch as _torch  # noqa: F401
except ImportError as error:
    raise ImportError(
        'softmax_lab.torch needs PyTorch: pip install "softmax-lab[torch]"'
    ) from error

from softmax_lab.torch.cross_entropy import cross_entropy, nll_loss
from softmax_lab.torch.definition import linear, naive_softmax, predict
from softmax_lab.torch.estimators import arsm_gradient, reinforce_gradient
from softmax_lab.torch.gradients import (
    check_gradient,
    log_softmax_vjp,
    softmax_jacobian,
    softmax_jvp,
    softmax_vjp,
)
from softmax_lab.torch.information import entropy, kl_divergence, one_hot
from softmax_lab.torch.logits import logit, logits_from_probabilities, sigmoid
from softmax_lab.torch.regression import SoftmaxRegression
from softmax_lab.torch.scale import linear_cross_entropy, merge
from softmax_lab.torch.soft_max import (
    gumbel_max,
    gumbel_noise,
    gumbel_softmax,
    hardmax,
)
from softmax_lab.torch.stability import log_softmax, logsumexp, shifted_softmax, softmax

__all__ = [
    "SoftmaxRegression",
    "arsm_gradient",
    "check_gradient",
    "cross_entropy",
    "entropy",
    "gumbel_max",
    "gumbel_noise",
    "gumbel_softmax",
    "hardmax",
    "kl_divergence",
    "linear",
    "linear_cross_entropy",
    "log_softmax",
    "log_softmax_vjp",
    "logit",
    "logits_from_probabilities",
    "logsumexp",
    "merge",
    "naive_softmax",
    "nll_loss",
    "one_hot",
    "predict",
    "reinforce_gradient",
    "shifted_softmax",
    "sigmoid",
    "softmax",
    "softmax_jacobian",
    "softmax_jvp",
    "softmax_vjp",
]
