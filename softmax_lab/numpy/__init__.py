"""The NumPy side of Softmax Lab: its modules are named after chapters and topics of the book."""

from softmax_lab.numpy.check import check_gradient
from softmax_lab.numpy.cross_entropy import cross_entropy, cross_entropy_with_grad, nll_loss
from softmax_lab.numpy.definition import linear, naive_softmax, predict
from softmax_lab.numpy.estimators import arsm_gradient, reinforce_gradient
from softmax_lab.numpy.gradients import (
    log_softmax_vjp,
    softmax_jacobian,
    softmax_jvp,
    softmax_vjp,
)
from softmax_lab.numpy.information import entropy, kl_divergence, one_hot
from softmax_lab.numpy.logits import logit, logits_from_probabilities, sigmoid
from softmax_lab.numpy.regression import SoftmaxRegression
from softmax_lab.numpy.scale import linear_cross_entropy, linear_cross_entropy_with_grad, merge
from softmax_lab.numpy.soft_max import gumbel_max, gumbel_noise, gumbel_softmax, hardmax
from softmax_lab.numpy.stability import log_softmax, logsumexp, shifted_softmax, softmax

__all__ = [
    "SoftmaxRegression",
    "arsm_gradient",
    "check_gradient",
    "cross_entropy",
    "cross_entropy_with_grad",
    "entropy",
    "gumbel_max",
    "gumbel_noise",
    "gumbel_softmax",
    "hardmax",
    "kl_divergence",
    "linear",
    "linear_cross_entropy",
    "linear_cross_entropy_with_grad",
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
