"""Chapter 1, Definition: a linear layer, the formula of softmax, and the prediction."""

from functools import reduce

import torch

from softmax_lab.numpy._arguments import EXACT
from softmax_lab.numpy.definition import linear as in_numpy
from softmax_lab.torch._arguments import as_dim, as_dims, as_logits, as_real, as_tensor, distributed
from softmax_lab.torch._rows import eager, transformed
from softmax_lab.torch._types import Dim, OneDim, Tensor, TensorLike


def linear(x: TensorLike, weight: TensorLike, bias: TensorLike | None = None) -> Tensor:
    """Apply a linear layer: logits x Wᵀ + b.

    Parameters
    ----------
    x : Tensor, (..., N)
        N features: the book's a. (Its x are the logits, which come out.)
    weight : Tensor, (T, N)
        One row of weights for each of the T classes.
    bias : Tensor, (T,), optional
        One number for each class.

    Returns
    -------
    Tensor, (..., T)
        Logits, in the dtype to which those of the arguments promote. Of integers and bools the
        exact sum, rounded; compiled or transformed, the sum in float64.

    Raises
    ------
    TypeError
        If an argument does not hold real numbers.
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
    given = {"x": x, "weight": weight} | ({} if bias is None else {"bias": bias})
    x, weight, *biases = (as_tensor(each, name) for name, each in given.items())
    if weight.ndim != 2 or x.ndim == 0 or x.shape[-1] != weight.shape[1]:
        raise ValueError(
            f"x {tuple(x.shape)} and weight {tuple(weight.shape)} do not fit: "
            "x must be (..., N), weight (T, N)"
        )
    if biases and biases[0].shape != weight.shape[:1]:
        raise ValueError(
            f"bias has shape {tuple(biases[0].shape)}; weight asks for {tuple(weight.shape[:1])}"
        )
    arrays = (x, weight, *biases)
    plain = [name for name, each in zip(given, arrays, strict=True) if not distributed(each)]
    if 0 < len(plain) < len(arrays):
        raise TypeError(f"{' and '.join(plain)} must be a DTensor, as the others are; or none")
    reals = [as_real(each, name) for name, each in zip(given, arrays, strict=True)]
    dtype = reduce(torch.promote_types, (each.dtype for each in reals))
    if not any(each.is_floating_point() for each in arrays):  # integers are rounded once
        reals = [each.double() for each in arrays]
        if eager(*arrays) and not (x.is_meta or transformed()):  # their values may be looked at
            largest = [int(each.abs().max()) if each.numel() else 0 for each in reals]
            if weight.shape[1] * largest[0] * largest[1] + sum(largest[2:]) > EXACT:
                logits = in_numpy(*(each.numpy(force=True) for each in arrays))
                return torch.as_tensor(logits, dtype=dtype, device=x.device)
    x, weight, *biases = (each.to(torch.promote_types(each.dtype, dtype)) for each in reals)
    logits = torch.nn.functional.linear(x, weight, *biases)
    return logits.to(dtype) if logits.dtype == torch.float64 else logits


def naive_softmax(x: TensorLike, dim: Dim = -1) -> Tensor:
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


def predict(logits: TensorLike, dim: OneDim = -1) -> Tensor:
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
    ValueError
        If there are no classes, or `dim` is not one integer.

    Notes
    -----
    Taught in :ref:`sec-definition-predict`.

    Examples
    --------
    >>> predict([[1.0, 3.0, 2.0], [5.0, 0.0, 0.0]])
    tensor([1, 0])
    """
    logits = as_logits(logits, dim, "logits")
    dim = as_dim(dim, logits.ndim)
    if logits.ndim and not logits.shape[dim]:
        raise ValueError(
            f"logits must have a class to predict, but their shape is {tuple(logits.shape)}"
        )
    return logits.argmax(dim)
