"""Chapter 1, Definition: a linear layer, the formula of softmax, and the prediction."""

import torch

from softmax_lab.torch._checks import INTEGERS
from softmax_lab.torch._rows import as_dims, as_real


def linear(x, weight, bias=None):
    """Apply a linear layer: logits x Wᵀ + b.

    Parameters
    ----------
    x : Tensor, (..., N)
        N features.
    weight : Tensor, (T, N)
        One row of weights for each of the T classes.
    bias : Tensor, (T,), optional
        One number for each class.

    Returns
    -------
    Tensor, (..., T)
        Logits, in the dtype to which those of the arguments promote.

    Raises
    ------
    ValueError
        If the shapes do not fit.

    Notes
    -----
    Taught in :ref:`sec-definition-layer`.

    Examples
    --------
    >>> linear([1.0, 2.0], [[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]], [0.0, 0.0, 0.5])
    tensor([1.0000, 2.0000, 3.5000])
    """
    x, weight = as_real(x), as_real(weight, "weight")
    if weight.ndim != 2 or x.ndim == 0 or x.shape[-1] != weight.shape[1]:
        raise ValueError(
            f"x {tuple(x.shape)} and weight {tuple(weight.shape)} do not fit: "
            "x must be (..., N), weight (T, N)"
        )
    dtype = torch.promote_types(x.dtype, weight.dtype)
    logits = x.to(dtype) @ weight.T.to(dtype)
    if bias is None:
        return logits
    bias = as_real(bias, "bias")
    if bias.shape != weight.shape[:1]:
        raise ValueError(
            f"bias has shape {tuple(bias.shape)}; weight asks for {tuple(weight.shape[:1])}"
        )
    return logits + bias


def naive_softmax(x, dim=-1):
    r"""Apply the formula of softmax, literally: :math:`e^{x_i} / \sum_j e^{x_j}`.

    Parameters
    ----------
    x : Tensor, any shape
        Logits.
    dim : int, tuple of int or None, default -1
        The classes.

    Returns
    -------
    Tensor, the shape of `x`
        Probabilities, or nan where :math:`e^{x_i}` overflows: at 89 in float32, 710 in float64.

    See Also
    --------
    softmax_lab.torch.softmax : The same for logits of any size.

    Notes
    -----
    Taught in :ref:`sec-definition-shares`.

    Examples
    --------
    >>> naive_softmax([1.0, 2.0, 3.0])
    tensor([0.0900, 0.2447, 0.6652])
    >>> naive_softmax([1000.0, 0.0])
    tensor([nan, 0.])
    """
    x = as_real(x)
    return x.exp() / x.exp().sum(as_dims(dim, x.ndim), keepdim=True)


def predict(logits, dim=-1):
    """Predict the class with the largest logit; the first of them where several tie.

    Parameters
    ----------
    logits : Tensor, any shape
        Logits, or probabilities: softmax keeps the order.
    dim : int, default -1
        The classes.

    Returns
    -------
    Tensor of int64, the shape of `logits` without `dim`
        Indices of classes.

    Raises
    ------
    TypeError
        If `logits` are complex.

    Notes
    -----
    Taught in :ref:`sec-definition-predict`.

    Examples
    --------
    >>> predict([[1.0, 3.0, 2.0], [5.0, 0.0, 0.0]])
    tensor([1, 0])
    """
    logits = torch.as_tensor(logits)
    if logits.dtype not in INTEGERS:  # a floating dtype would merge large integers
        logits = as_real(logits, "logits")
    return logits.argmax(dim)
