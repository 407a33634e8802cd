"""Chapter 6, Cross-entropy: the loss of a classifier."""

import torch

from softmax_lab.torch._arguments import (
    INTEGERS,
    as_dims,
    as_logits,
    as_real,
    autocast,
    constant,
    distributed,
)
from softmax_lab.torch._autograd import CrossEntropy, composed, small_cross_entropy
from softmax_lab.torch._rows import forward_mode, is_small, run, transformed
from softmax_lab.torch._targets import (
    as_smoothing,
    at_target,
    even_shares,
    prepare,
    reduce,
    shares,
)
from softmax_lab.torch._types import Number, OneDim, Reduction, Tensor, TensorLike


def is_small_loss(x, target, dim):
    """Whether class indices fit to small logits, and no transform is at work."""
    return (
        isinstance(target, torch.Tensor)
        and target.dtype in INTEGERS
        and target.shape == x.shape[:-1]
        and is_small(x, target)
        and target.is_cpu
        and as_dims(dim, x.ndim) == (x.ndim - 1,)
        and not transformed()
    )


def nll_loss(
    log_probabilities: TensorLike,
    target: TensorLike,
    dim: OneDim = -1,
    *,
    weight: TensorLike | None = None,
    ignore_index: int = -100,
    reduction: Reduction = "mean",
) -> Tensor:
    r"""Take the negative log-likelihood of the right classes: :math:`-w_y \log p_y`.

    Parameters
    ----------
    log_probabilities : Tensor, any shape
        Log-probabilities in nats.
    target : Tensor of int, the shape of `log_probabilities` without `dim`
        Class indices y.
    dim : int, default -1
        The classes.
    weight : Tensor, (T,), optional
        A non-negative weight for each class.
    ignore_index : int, default -100
        A target that does not count; any integer that is no class switches it off.
    reduction : {"mean", "sum", "none"}, default "mean"
        The mean divides by the sum of the weights of the targets that count.

    Returns
    -------
    Tensor
        One number, or for "none" the shape of `target`. In nats.

    Raises
    ------
    IndexError
        If a target is not a class.
    TypeError
        If `log_probabilities` or `weight` are not real numbers, or class indices not integers.
    ValueError
        If shapes do not fit, a weight is negative, or `reduction` is unknown.

    Notes
    -----
    Of a DTensor the loss is one too. Its rows may be sharded, not its classes: for logits whose
    classes are, there is `cross_entropy`.

    Taught in :ref:`sec-cross-entropy-loss`.

    Examples
    --------
    >>> nll_loss(torch.tensor([[0.5, 0.5], [0.25, 0.75]]).log(), torch.tensor([0, 0]))
    tensor(1.0397)
    """
    log_p = as_real(log_probabilities, "log_probabilities")
    if distributed(log_p):
        from softmax_lab.torch import _sharded_losses

        return _sharded_losses.nll_loss(log_p, target, dim, weight, ignore_index, reduction)
    x, target, weight = prepare(log_p, target, dim, weight, reduction, classes_only=True)
    y, share, count = shares(x, target, weight, ignore_index, reduction)
    losses = torch.where(share == 0, 0.0, 0 - share * at_target(x, y))
    return reduce(losses, count, reduction, autocast(log_p))


def cross_entropy(
    logits: TensorLike,
    target: TensorLike,
    dim: OneDim = -1,
    *,
    weight: TensorLike | None = None,
    ignore_index: int = -100,
    reduction: Reduction = "mean",
    label_smoothing: Number = 0.0,
) -> Tensor:
    r"""Measure the cross-entropy of softmax(logits) and the target, from the logits.

    Parameters
    ----------
    logits : Tensor, any shape
        Logits x. Do not pass probabilities.
    target : Tensor
        Class indices, integers in the shape of `logits` without `dim`; or probabilities, floating
        numbers in the shape of `logits`.
    dim : int, default -1
        The classes. (torch.nn.functional.cross_entropy has them in dim 1.)
    weight : Tensor, (T,), optional
        A non-negative weight for each class. No gradient flows to it.
    ignore_index : int, default -100
        A class index that does not count; any integer that is no class switches it off.
    reduction : {"mean", "sum", "none"}, default "mean"
        The mean divides by the sum of the weights of the targets that count; for targets that are
        probabilities, by the number of rows.
    label_smoothing : float, default 0.0
        The share ε of the target that is spread evenly over all classes. No gradient flows to it.

    Returns
    -------
    Tensor
        One number, or for "none" one for each row. In nats.

    Raises
    ------
    IndexError
        If a target is not a class. (Off the CPU, and compiled, an assertion that does not wait.)
    TypeError
        If `logits` or `weight` are not real numbers, or class indices not integers.
    ValueError
        If shapes do not fit, or a weight, `reduction` or `label_smoothing` is out of range.

    Notes
    -----
    For a class index y, :math:`w_y (\log \sum_j e^{x_j} - x_y)`. Loss and gradient p − y are within
    4 ulp. Beside the logits, at most one array of their size is held: the gradient.

    Of logits that are a DTensor, Shard or Replicate, the loss is a DTensor. Target and weight are
    whole on each process, or DTensors that are Replicate or lie as the logits do. Processes that
    share the classes of a row tell one another three numbers, never logits; and one more where
    probabilities are sharded as well. Under `torch.compile` such a loss runs between two graphs (so
    not with `fullgraph=True`); it has no transforms of `torch.func`, and torch makes no forward
    mode for DTensors.

    An error on one process is raised on all that share in the loss. With their numbers they compare
    what each has asked for: function, dim, shape, placements, options, class indices; if these
    differ, all raise ValueError. But `dim`, shape and placements also say who speaks to whom, and
    how much. If they differ in such a way that a process speaks to others, to nobody, or of another
    number of rows, only torch.distributed can end the call: for other numbers of rows gloo ends a
    process, else the timeout given to `init_process_group` runs out. The error carries a note of
    what its process has asked for. With TORCH_DISTRIBUTED_DEBUG=DETAIL in the environment torch
    compares the collectives before each, at the cost of time, and all raise.

    Taught in :ref:`sec-cross-entropy-loss`.

    Examples
    --------
    >>> x = torch.zeros(1, 2, requires_grad=True)
    >>> cross_entropy(x, torch.tensor([0])).backward()
    >>> x.grad
    tensor([[-0.5000,  0.5000]])
    """
    logits = as_logits(logits, dim, "logits")
    if distributed(logits, compiled=True):
        from softmax_lab.torch import _sharded_losses

        return _sharded_losses.cross_entropy(
            logits, target, dim, weight, ignore_index, reduction, label_smoothing
        )
    label_smoothing = constant(as_smoothing(label_smoothing), logits)
    if weight is None and label_smoothing == 0.0 and is_small_loss(logits, target, dim):
        return small_cross_entropy(logits, target, ignore_index, reduction)
    x, target, weight = prepare(logits, target, dim, weight, reduction)
    if target.ndim == x.ndim:
        share, count = even_shares(x, reduction)
    else:
        target, share, count = shares(
            x, target, weight, ignore_index, reduction, smoothed=bool(label_smoothing)
        )
        if not label_smoothing:
            weight = None  # already a factor of the shares
    if weight is not None:
        weight = weight.expand(x.shape)
    if target.is_floating_point() and (target.requires_grad or forward_mode()):
        losses = composed(x, target, weight, share, label_smoothing)
    else:
        with_gradient = (
            x.requires_grad and torch.is_grad_enabled() and not torch.compiler.is_compiling()
        )
        losses, _ = run(CrossEntropy, x, target, weight, share, label_smoothing, with_gradient)
    return reduce(losses, count, reduction, autocast(logits))
