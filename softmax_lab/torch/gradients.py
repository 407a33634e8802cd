"""Chapter 5, Gradients: the Jacobian of softmax, its products with vectors, and a checker."""

from collections.abc import Callable

import torch

from softmax_lab.numpy import check_gradient as check_arrays
from softmax_lab.numpy.check import GradientReport
from softmax_lab.torch._arguments import as_dim, as_logits, as_real, as_tensor, undistributed, wide
from softmax_lab.torch._autograd import LogSoftmaxVJP, SoftmaxVJP
from softmax_lab.torch._rows import apply
from softmax_lab.torch._types import Dim, OneDim, Tensor, TensorLike
from softmax_lab.torch.stability import softmax


def softmax_jacobian(x: TensorLike, dim: OneDim = -1) -> Tensor:
    r"""Return the Jacobian of softmax, :math:`\partial p_i / \partial x_j = p_i (δ_{ij} - p_j)`.

    Parameters
    ----------
    x : Tensor, any shape with `dim` of length n
        Logits.
    dim : int, default -1
        The classes.

    Returns
    -------
    Tensor, (..., n, n)
        One symmetric matrix for each row; its rows and columns sum to 0. The two dimensions of
        classes come last.

    Notes
    -----
    The diagonal is :math:`p_i \sum_{j \ne i} p_j`: 1 − p_i would lose a confident row's digits.

    Taught in :ref:`sec-gradients-jacobian`.

    Examples
    --------
    >>> softmax_jacobian([0.0, 0.0])
    tensor([[ 0.2500, -0.2500],
            [-0.2500,  0.2500]])
    """
    x = as_logits(x, dim)
    p = softmax(x.to(wide(x.dtype)), dim)
    p = (p if p.ndim else p.reshape(1)).movedim(as_dim(dim, p.ndim), -1)
    jacobian = -p[..., :, None] * p[..., None, :]
    off = jacobian - torch.diag_embed(jacobian.diagonal(dim1=-2, dim2=-1))
    return (off - torch.diag_embed(off.sum(-1))).to(x.dtype)


def softmax_vjp(x: TensorLike, v: TensorLike, dim: Dim = -1) -> Tensor:
    r"""Multiply the Jacobian of softmax with a vector from the left: the backward pass.

    Parameters
    ----------
    x : Tensor, any shape
        Logits.
    v : Tensor, the shape of `x`
        Gradient of a scalar with respect to softmax(x).
    dim : int, tuple of int or None, default -1
        The classes.

    Returns
    -------
    Tensor, the shape of `x`
        Gradient of that scalar with respect to x, :math:`p ⊙ (v - \sum_i p_i v_i)`.

    Raises
    ------
    ValueError
        If the shapes differ.

    Notes
    -----
    Taught in :ref:`sec-gradients-vjp`.

    Examples
    --------
    >>> softmax_vjp([0.0, 0.0], [1.0, 0.0])
    tensor([ 0.2500, -0.2500])
    """
    x = as_logits(x, dim)
    return apply(SoftmaxVJP, softmax(x, dim), dim, like_x(v, x))


def softmax_jvp(x: TensorLike, v: TensorLike, dim: Dim = -1) -> Tensor:
    r"""Multiply the Jacobian of softmax with a direction from the right: the forward mode.

    Parameters
    ----------
    x : Tensor, any shape
        Logits.
    v : Tensor, the shape of `x`
        A direction in which the logits move.
    dim : int, tuple of int or None, default -1
        The classes.

    Returns
    -------
    Tensor, the shape of `x`
        The rate at which the probabilities move. The Jacobian is symmetric: this is `softmax_vjp`.

    Raises
    ------
    ValueError
        If the shapes differ.

    Notes
    -----
    Taught in :ref:`sec-gradients-vjp`.

    Examples
    --------
    >>> softmax_jvp([0.0, 0.0], [1.0, 0.0])
    tensor([ 0.2500, -0.2500])
    """
    return softmax_vjp(x, v, dim)


def log_softmax_vjp(x: TensorLike, v: TensorLike, dim: Dim = -1) -> Tensor:
    r"""Multiply the Jacobian of log-softmax with a vector from the left.

    Parameters
    ----------
    x : Tensor, any shape
        Logits.
    v : Tensor, the shape of `x`
        Gradient of a scalar with respect to log_softmax(x).
    dim : int, tuple of int or None, default -1
        The classes.

    Returns
    -------
    Tensor, the shape of `x`
        Gradient of that scalar with respect to x, :math:`v - p \sum_i v_i`.

    Raises
    ------
    ValueError
        If the shapes differ.

    Notes
    -----
    Taught in :ref:`sec-gradients-log`.

    Examples
    --------
    >>> log_softmax_vjp([0.0, 0.0], [1.0, 0.0])
    tensor([ 0.5000, -0.5000])
    """
    x = as_logits(x, dim)
    return apply(LogSoftmaxVJP, x, dim, like_x(v, x))


def like_x(v, x):
    """Return `v`, which must have the shape of `x`."""
    v = as_real(v, "v")
    if v.shape != x.shape:
        raise ValueError(f"v has shape {tuple(v.shape)}; it must be that of x, {tuple(x.shape)}")
    return v


def check_gradient(
    f: Callable[[Tensor], Tensor],
    gradient: Callable[[Tensor], TensorLike] | TensorLike,
    x: TensorLike,
    *,
    rtol: float = 1e-6,
) -> GradientReport:
    """Compare a gradient with finite differences, and with the complex step where `f` allows it.

    Parameters
    ----------
    f : callable
        Maps a tensor like `x` to one number. It is called in float64.
    gradient : callable or Tensor, the shape of `x`
        The gradient to check, or a function that returns it at `x`.
    x : Tensor, any shape
        Where to check.
    rtol : float, default 1e-6
        Largest error accepted, relative to the largest entry of the gradient; and 1e-9 more, for
        rounding. So of a gradient that small any is right, and the report says so: scale `f` up.

    Returns
    -------
    GradientReport
        Truthy when right. Printed, it says how far apart the two are, and where.

    Raises
    ------
    ValueError
        If `f` does not return one number, or `rtol` is negative.

    Notes
    -----
    Taught in :ref:`sec-gradients-check`.

    Examples
    --------
    >>> print(check_gradient(lambda x: (x**2).sum(), lambda x: 3 * x, torch.tensor([1.0, 2.0])))
    wrong: at index (1,) the gradient is 6.0, but the complex step gives 4.0
    """
    x = as_real(undistributed(x, "x"))

    def tensor(array):
        return torch.as_tensor(array, device=x.device)

    def array(value, name="gradient"):
        value = as_tensor(value, name).detach().cpu()
        return value.to(torch.promote_types(value.dtype, torch.float64)).numpy()

    slope = (lambda a: array(gradient(tensor(a)))) if callable(gradient) else array(gradient)
    return check_arrays(lambda a: array(f(tensor(a)), "f(x)"), slope, array(x), rtol=rtol)
