"""Chapter 7, At scale: pieces that merge, and logits that never exist."""

import math

import torch

from softmax_lab.torch._arguments import as_number, as_real, constant, undistributed, wide
from softmax_lab.torch._checks import require
from softmax_lab.torch._chunks import LinearCrossEntropy, plain
from softmax_lab.torch._rows import eager, transformed
from softmax_lab.torch._targets import as_smoothing, even_shares, mean_of, prepare, shares
from softmax_lab.torch._types import Number, Pair, Reduction, Tensor, TensorLike


def merge(first: Pair, second: Pair) -> tuple[Tensor, Tensor]:
    r"""Merge the pairs (m, s) of two pieces of a row into that of both together.

    Parameters
    ----------
    first, second : pair of Tensor
        The maximum m of a piece, and :math:`s = \sum_i e^{x_i - m}` over it. An empty piece has
        m = -inf and s = 0. Shapes broadcast.

    Returns
    -------
    m, s : Tensor
        The larger maximum, and the sum of both pieces relative to it.

    Raises
    ------
    TypeError
        If an argument is no pair of real numbers.
    ValueError
        If the shapes do not broadcast, or an s is negative.

    Notes
    -----
    Merging is associative and commutative, so that pieces can be merged in any order. In the end
    m + log s is the logsumexp of the row.

    Taught in :ref:`sec-scale-merge`.

    References
    ----------
    Milakov and Gimelshein, Online normalizer calculation for softmax, 2018.
    https://arxiv.org/abs/1805.02867

    Examples
    --------
    >>> merge((1.0, 1.0), (1.0, 3.0))
    (tensor(1.), tensor(4.))
    """
    (m1, s1), (m2, s2) = as_pair(first, "first"), as_pair(second, "second")
    shapes = [tuple(each.shape) for each in (m1, s1, m2, s2)]
    try:
        torch.broadcast_shapes(*shapes)
    except RuntimeError:
        raise ValueError(
            "first {}, {} and second {}, {} do not broadcast".format(*shapes)
        ) from None
    m = torch.maximum(m1, m2)
    # An infinity is not subtracted from itself; of finite ties both pieces keep their gradients.
    gaps = [torch.where((n == m) & m.isinf(), 0.0, n - m) for n in (m1, m2)]
    return m, s1 * gaps[0].exp() + s2 * gaps[1].exp()


def as_pair(pair, name):
    """Return m and s as floating tensors, or raise where they are no pair."""
    try:
        m, s = pair
    except (TypeError, ValueError):
        raise TypeError(f"{name} must be a pair (m, s), but it is {pair!r}") from None
    m, s = as_real(m, name), as_real(s, name)
    summary = f"s in {name} must be a sum from 0 on"
    require(s, ~(s < 0), summary, lambda value, _: ValueError(f"{summary}, but it holds {value}"))
    return m, s


def linear_cross_entropy(
    x: TensorLike,
    weight: TensorLike,
    target: TensorLike,
    bias: TensorLike | None = None,
    *,
    class_weight: TensorLike | None = None,
    ignore_index: int = -100,
    reduction: Reduction = "mean",
    label_smoothing: Number = 0.0,
    z_loss: Number = 0.0,
    softcap: Number | None = None,
    return_lse: bool = False,
) -> Tensor | tuple[Tensor, Tensor]:
    r"""Take the cross-entropy of softmax(x Wᵀ + b) and the target, without holding the logits.

    Parameters
    ----------
    x : Tensor, (..., N)
        N features for each row.
    weight : Tensor, (T, N)
        One row of weights for each of the T classes.
    target : Tensor
        Class indices, integers (...); or probabilities, floating numbers (..., T).
    bias : Tensor, (T,), optional
        One number for each class.
    class_weight : Tensor, (T,), optional
        A non-negative weight for each class. No gradient flows to it, to the target, or to the
        options below.
    ignore_index : int, default -100
        A class index that does not count.
    reduction : {"mean", "sum", "none"}, default "mean"
        The mean divides by the sum of the weights of the targets that count; for targets that are
        probabilities, by the number of rows.
    label_smoothing : float, default 0.0
        The share of the target that is spread evenly over all classes.
    z_loss : float, default 0.0
        Adds this times lse² of each row that counts, where lse is the logsumexp of its logits. The
        mean of it is over these rows, whatever their class weights.
    softcap : float, optional
        Keeps the logits u within ± this c, as c tanh(u / c).
    return_lse : bool, default False
        Return the logsumexp of each row too; gradients flow through it.

    Returns
    -------
    loss : Tensor
        One number, or for "none" one for each row. In nats.
    lse : Tensor, (...)
        Only if asked for.

    Raises
    ------
    IndexError
        If a target is not a class. (Off the CPU, and compiled, an assertion that does not wait.)
    TypeError
        If an argument does not hold real numbers or is a DTensor, or indices are not integers.
    ValueError
        If shapes do not fit, or an option is out of range.

    Notes
    -----
    Logits are made some rows at a time, in float32 or wider. For one loss the gradients are made
    on the way; for "none", and for gradients through lse, backward makes the logits again. The
    dtype is that of torch's linear layer: under autocast, autocast's, and the loss is float32.

    Compiled or traced, under transforms of `torch.func`, in forward mode, and for second
    derivatives, all logits are held.

    Taught in :ref:`sec-scale-linear`.

    References
    ----------
    Wijmans et al., Cut Your Losses in Large-Vocabulary Language Models, ICLR 2025.
    https://arxiv.org/abs/2411.09009

    Examples
    --------
    >>> linear_cross_entropy(torch.zeros(2, 3), torch.zeros(4, 3), torch.tensor([0, 3]))
    tensor(1.3863)
    """
    label_smoothing, z_loss, softcap = options_of(label_smoothing, z_loss, softcap)
    x, weight, bias, dtype = layer(x, weight, bias)
    label_smoothing, z_loss, softcap = (
        constant(each, x) for each in (label_smoothing, z_loss, softcap)
    )
    if softcap is not None:  # one that this precision takes for 0 or inf would make nan
        info = torch.finfo(wide(x.dtype))
        softcap = min(max(softcap, info.tiny), info.max)
    shape = (*x.shape[:-1], len(weight))
    _, target, class_weight = prepare(  # a tensor of the logits' shape, but one number
        x.detach().new_zeros(()).expand(shape), target, -1, class_weight, reduction
    )
    rows = x.new_empty((math.prod(shape[:-1]), 0)).expand(-1, 0)
    target = target.detach()
    soft = target.ndim == len(shape)
    flat = rows.new_zeros(()).expand(len(rows), len(weight))
    if soft:
        target = target.reshape(flat.shape)
        share, count = even_shares(flat, reduction)
        z_share = share
    else:
        hard = target.reshape(len(rows))
        target, share, count = shares(
            flat, hard, class_weight, ignore_index, reduction, smoothed=bool(label_smoothing)
        )
        _, z_share, _ = shares(flat, hard, None, ignore_index, reduction)
        if not label_smoothing:
            class_weight = None  # already a factor of the shares
    options = {
        "smoothing": label_smoothing,
        "softcap": softcap,
        "z_loss": z_loss,
        "with_lse": return_lse,
    }
    arguments = (x.reshape(len(rows), x.shape[-1]), weight, bias, target, class_weight, share)
    total = reduction != "none"
    if not eager(x, weight) or transformed():
        losses, lse = plain(*arguments, z_loss * z_share, options)
        loss = losses.sum() if total else losses
    else:
        needs = tuple(
            each is not None and each.requires_grad and torch.is_grad_enabled()
            for each in (x, weight, bias)
        )
        loss, lse, *_ = LinearCrossEntropy.apply(
            *arguments, z_loss * z_share, options, total, needs
        )
    if reduction == "mean":
        loss = mean_of(loss, count)
    loss = loss.to(dtype) if total else loss.reshape(shape[:-1]).to(dtype)
    return (loss, lse.reshape(shape[:-1]).to(dtype)) if return_lse else loss


def options_of(label_smoothing, z_loss, softcap):
    """Return the options as numbers, or raise ValueError for one that is out of range."""
    label_smoothing = as_smoothing(label_smoothing)
    z_loss = as_number(z_loss, "z_loss")
    softcap = None if softcap is None else as_number(softcap, "softcap")
    if not 0 <= z_loss < math.inf:
        raise ValueError(f"z_loss must be a finite number from 0 on, but it is {z_loss}")
    if softcap is not None and not 0 < softcap < math.inf:
        raise ValueError(f"softcap must be a finite number above 0, but it is {softcap}")
    return label_smoothing, z_loss, softcap


def layer(x, weight, bias):
    """Return the arguments of a linear layer in one dtype, and the dtype of the loss."""
    x, weight, bias = (
        undistributed(value, name)
        for name, value in {"x": x, "weight": weight, "bias": bias}.items()
    )
    x, weight = as_real(x), as_real(weight, "weight")
    if weight.ndim != 2 or x.ndim == 0 or x.shape[-1] != weight.shape[1]:
        raise ValueError(
            f"x {tuple(x.shape)} and weight {tuple(weight.shape)} do not fit: "
            "x must be (..., N), weight (T, N)"
        )
    dtype = torch.promote_types(x.dtype, weight.dtype)
    if bias is not None:
        bias = as_real(bias, "bias")
        if bias.shape != weight.shape[:1]:
            raise ValueError(
                f"bias has shape {tuple(bias.shape)}; weight asks for {tuple(weight.shape[:1])}"
            )
        dtype = torch.promote_types(dtype, bias.dtype)
    device, of_loss = x.device.type, dtype
    autocast = torch.amp.is_autocast_available(device) and torch.is_autocast_enabled(device)
    if autocast and dtype != torch.float64:
        dtype, of_loss = torch.get_autocast_dtype(device), torch.float32
    x, weight, bias = (each if each is None else each.to(dtype) for each in (x, weight, bias))
    return x, weight, bias, of_loss
