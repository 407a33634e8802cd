"""Chapter 5, Gradients: the Jacobian of softmax, its products with vectors, and a checker."""

import torch

from softmax_lab.numpy import gradients as reference
from softmax_lab.torch._autograd import LogSoftmaxVJP, SoftmaxVJP
from softmax_lab.torch._rows import apply, as_real
from softmax_lab.torch.stability import softmax


def softmax_jacobian(x, dim=-1):
    p = softmax(x, dim)
    p = (p if p.ndim else p.reshape(1)).movedim(dim, -1)
    jacobian = -p[..., :, None] * p[..., None, :]
    off = jacobian - torch.diag_embed(jacobian.diagonal(dim1=-2, dim2=-1))
    return off - torch.diag_embed(off.sum(-1))


def softmax_vjp(x, v, dim=-1):
    x = as_real(x)
    return apply(SoftmaxVJP, softmax(x, dim), dim, like_x(v, x))


def softmax_jvp(x, v, dim=-1):
    return softmax_vjp(x, v, dim)


def log_softmax_vjp(x, v, dim=-1):
    x = as_real(x)
    return apply(LogSoftmaxVJP, x, dim, like_x(v, x))


def like_x(v, x):
    v = as_real(v, "v")
    if v.shape != x.shape:
        raise ValueError(f"v has shape {tuple(v.shape)}; it must be that of x, {tuple(x.shape)}")
    return v


def check_gradient(f, gradient, x, *, rtol=1e-6):
    x = as_real(x)

    def tensor(array):
        return torch.as_tensor(array, device=x.device)

    def array(value):
        return torch.as_tensor(value).detach().cpu().numpy()

    slope = (lambda a: array(gradient(tensor(a)))) if callable(gradient) else array(gradient)
    return reference.check_gradient(lambda a: array(f(tensor(a))), slope, array(x), rtol=rtol)
