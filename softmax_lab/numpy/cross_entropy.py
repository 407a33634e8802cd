"""Chapter 6, Cross-entropy: the loss of a classifier, its gradient, and information in nats."""

from functools import partial

import numpy as np

from softmax_lab.numpy._arguments import as_logits, as_real, one_axis
from softmax_lab.numpy._blocks import for_blocks, in_dtype, of_class, quiet, widened
from softmax_lab.numpy._exponentials import SPARE, Exponentials
from softmax_lab.numpy._targets import Targets
from softmax_lab.numpy._types import ArrayLike, Floats, OneAxis, Reduction


def nll_loss(
    log_probabilities: ArrayLike,
    target: ArrayLike,
    axis: OneAxis = -1,
    *,
    weight: ArrayLike | None = None,
    ignore_index: int = -100,
    reduction: Reduction = "mean",
) -> Floats:
    r"""Take the negative log-likelihood of the right classes: :math:`-w_y \log p_y`.

    Parameters
    ----------
    log_probabilities : array_like of real numbers, any shape
        Log-probabilities in nats.
    target : array_like of int, the shape of `log_probabilities` without `axis`
        Class indices y.
    axis : int, default -1
        The classes.
    weight : array_like, (T,), optional
        A non-negative weight for each class.
    ignore_index : int, default -100
        A target that does not count.
    reduction : {"mean", "sum", "none"}, default "mean"
        The mean divides by the sum of the weights of the targets that count.

    Returns
    -------
    ndarray
        One number, or for "none" the shape of `target`. In nats.

    Raises
    ------
    IndexError
        If a target is not a class.
    TypeError
        If `log_probabilities` are not real numbers, or class indices not integers.
    ValueError
        If shapes do not fit, a weight is negative, or `reduction` is unknown.

    Notes
    -----
    Taught in :ref:`sec-cross-entropy-loss`.

    Examples
    --------
    >>> float(nll_loss(np.log([[0.5, 0.5], [0.25, 0.75]]), [0, 0]))
    1.0397207708399179
    """
    name = "log_probabilities"
    x, dtype = as_real(log_probabilities, name)
    axis = class_axis(x, axis, name)
    with np.errstate(all="ignore"):
        targets = Targets(
            x, dtype, axis, target, weight, ignore_index, reduction, 0.0, name=name, hard=True
        )
        mass, blocks = targets.mass, targets.blocks
        if not blocks.shape[1]:  # then all targets are ignored
            return targets.reduce(np.zeros(targets.index.shape))
        losses = 0 - blocks[of_class(targets.index)].astype(np.result_type(x, np.float64))
        if mass is not None:
            losses = np.where(mass == 0, 0.0, mass * losses)
        return targets.reduce(losses)


def cross_entropy(
    logits: ArrayLike,
    target: ArrayLike,
    axis: OneAxis = -1,
    *,
    weight: ArrayLike | None = None,
    ignore_index: int = -100,
    reduction: Reduction = "mean",
    label_smoothing: float = 0.0,
) -> Floats:
    r"""Measure the cross-entropy of softmax(logits) and the target, from the logits.

    Parameters
    ----------
    logits : array_like of real numbers, any shape
        Logits x. Do not pass probabilities.
    target : array_like
        Class indices, integers in the shape of `logits` without `axis`; or probabilities,
        floating numbers in the shape of `logits`.
    axis : int, default -1
        The classes.
    weight : array_like, (T,), optional
        A non-negative weight for each class.
    ignore_index : int, default -100
        A class index that does not count.
    reduction : {"mean", "sum", "none"}, default "mean"
        The mean divides by the sum of the weights of the targets that count; for targets that are
        probabilities, by the number of rows.
    label_smoothing : float, default 0.0
        The share ε of the target that is spread evenly over all classes.

    Returns
    -------
    ndarray
        One number, or for "none" one for each row. In nats.

    Raises
    ------
    IndexError
        If a target is not a class.
    TypeError
        If `logits` are not real numbers, or class indices not integers.
    ValueError
        If shapes do not fit, or a weight, `reduction` or `label_smoothing` is out of range.

    Notes
    -----
    For a class index y, :math:`w_y (\log \sum_j e^{x_j} - x_y)`, computed as ℓ + (max x − x_y) with
    ℓ = log1p of the sum of :math:`e^{x_i - \max x}` over all but the winner. Within 4 ulp.

    Taught in :ref:`sec-cross-entropy-loss`.

    Examples
    --------
    >>> float(cross_entropy([[0.0, -40.0]], [0]))
    4.248354255291589e-18
    """
    return _cross_entropy(logits, target, axis, weight, ignore_index, reduction, label_smoothing)[0]


def cross_entropy_with_grad(
    logits: ArrayLike,
    target: ArrayLike,
    axis: OneAxis = -1,
    *,
    weight: ArrayLike | None = None,
    ignore_index: int = -100,
    reduction: Reduction = "mean",
    label_smoothing: float = 0.0,
) -> tuple[Floats, Floats]:
    r"""Return the cross-entropy and its gradient with respect to the logits.

    Parameters
    ----------
    logits, target, axis, weight, ignore_index, reduction, label_smoothing
        As for `cross_entropy`.

    Returns
    -------
    loss : ndarray
        As for `cross_entropy`.
    gradient : ndarray, the shape of `logits`
        The gradient of the loss; for "none", of each row's own loss.

    Raises
    ------
    IndexError, TypeError, ValueError
        As for `cross_entropy`.

    Notes
    -----
    For target weights y with sum M the gradient of a row is :math:`M p - y`. At a confident winner
    that would cancel; there p − 1 is minus the others' share of the sum.

    Taught in :ref:`sec-cross-entropy-gradient`.

    Examples
    --------
    >>> loss, gradient = cross_entropy_with_grad([[0.0, 0.0]], [0])
    >>> gradient
    array([[-0.5,  0.5]])
    """
    return _cross_entropy(
        logits, target, axis, weight, ignore_index, reduction, label_smoothing, grad=True
    )


def class_axis(x, axis, name):
    """Return the axis of the classes, from 0."""
    if x.ndim == 0:
        raise ValueError(f"{name} must have an axis of classes, but they are a single number")
    return one_axis(axis, x.ndim)


def index_rows(x, losses, gradient, y, mass, scratch, *, scale):
    """Cross-entropy of class indices y, `mass` · (ℓ + a − x_y), and `scale` times its gradient."""
    e = Exponentials(x, scratch, keep=gradient)
    at_y = of_class(y)
    losses[...], total, others = against(e, at_y, gradient is not None)
    if mass is not None:
        losses[...] = np.where(mass == 0, 0.0, mass * losses)
    if gradient is None:
        return
    share = (scale if mass is None else mass * scale) / total
    for w, to in e.weights(gradient):
        np.multiply(w, share.astype(w.dtype), out=to)
    gradient[at_y] = -share * others
    if mass is not None:
        np.copyto(gradient, 0.0, where=mass == 0)


def against(e, at_y, grad):
    """Return −log p_y. For `grad`, also Σ w, and Σ w without that of y, whose share is 1 − p_y."""
    parted = e.sum_without(at_y)
    if parted is not None:
        w_y, others, total = parted
        odds = others / w_y
        cancelled = e.spare and not odds.item(odds.argmin()) > SPARE
        if not cancelled and odds.item(odds.argmax()) < 1e300:  # nor is a w_y lost to underflow
            return np.log1p(odds), total, others
    top, rest = e.split()
    x_y = e.x[at_y]
    below = e.a - x_y
    if e.c is not None:
        below[x_y == e.a] = 0.0  # an infinity less itself
    loss = np.log1p(rest / top) + below
    if not grad:
        return loss, None, None
    total = top + rest
    # Only where y is not the winner is p_y below 1/2.
    return loss, total, np.where(below == 0, rest, total - top * np.exp(-below))


def soft_rows(x, losses, gradient, y, mass, scratch, *, scale):
    """Cross-entropy of target weights y with sum `mass`, and `scale` times its gradient."""
    e = Exponentials(x, scratch)
    top, rest = e.split()
    total, log_total = top + rest, np.log1p(rest / top)
    terms = y * (log_total + np.where(x == e.a, 0.0, e.a - x))
    losses[...] = np.where(y == 0, 0.0, terms).sum(axis=1, keepdims=True)
    if gradient is None:
        return
    at_k = of_class(y.argmax(axis=1, keepdims=True))
    y_k, y[at_k] = y[at_k], 0.0
    others = np.add.reduce(y, 1, None, None, True)
    y[at_k] = y_k
    for w, part, to in e.weights(y, gradient):
        confident = (w == top) & (2 * part > mass)  # there p − y would cancel
        winner = others - mass * (rest / total)
        g = np.where(confident, winner, mass * (w / total) - part)
        np.multiply(g, scale, out=to)
    if not mass.all():
        np.copyto(gradient, 0.0, where=mass == 0)


@quiet
def _cross_entropy(logits, target, axis, weight, ignore, reduction, smoothing, grad=False):
    x, dtype, _, _ = as_logits(logits, axis, "logits")
    axis = class_axis(x, axis, "logits")
    targets = Targets(x, dtype, axis, target, weight, ignore, reduction, smoothing)
    blocks = targets.blocks
    losses = np.zeros((blocks.shape[0], 1, blocks.shape[2]), widened(x.dtype))
    gradient = np.empty(blocks.shape, x.dtype) if grad else None
    rows, y = (index_rows, targets.index) if targets.soft is None else (soft_rows, targets.soft)
    if x.size:
        rows = partial(rows, scale=targets.scale)
        for_blocks(rows, blocks, [losses, gradient], [y, targets.mass])
    return targets.reduce(losses), in_dtype(gradient.reshape(x.shape), dtype) if grad else None
