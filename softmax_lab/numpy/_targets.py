"""Checks and bookkeeping shared by the losses: targets, class weights, reductions."""

import numpy as np

from softmax_lab.numpy._blocks import as_axes, as_real, to_blocks


def check_target(target, num_classes, ignore_index=None):
    """Return class indices as an array, or raise for what is not a class."""
    target = np.asarray(target)
    if target.size == 0:
        return target.astype(np.intp)
    if target.dtype.kind not in "iu":
        raise TypeError(f"target must hold integer class indices, but its dtype is {target.dtype}")
    wrong = (target < 0) | (target >= num_classes)
    if ignore_index is not None:
        wrong &= target != ignore_index
    if wrong.any():
        where = tuple(int(i) for i in np.argwhere(wrong)[0])
        raise IndexError(
            f"target holds {target[where]} at {where}, which is no class: "
            f"it must be from 0 to {num_classes - 1}"
        )
    return target.astype(np.intp, copy=False)


class Targets:
    """The targets of a loss, checked, beside the logits as blocks (outer, n, inner).

    `index` holds class indices or `soft` target weights y; `mass` is the sum of y in each row,
    0 for ignored rows; `scale` is what the reduction multiplies each row's loss with.
    `hard` refuses target weights; `name` is what the user calls the logits.
    """

    def __init__(
        self, x, target, axis, weight, ignore, reduction, smoothing, *, name="logits", hard=False
    ):
        if reduction not in ("mean", "sum", "none"):
            raise ValueError(f"reduction must be 'mean', 'sum' or 'none', not {reduction!r}")
        if not 0 <= smoothing <= 1:
            raise ValueError(f"label_smoothing must be from 0 to 1, but it is {smoothing}")
        self.dtype, self.shape, self.reduction = x.dtype, x.shape, reduction
        axis = one_axis(x, axis, name)
        self.blocks = to_blocks(x, (axis,))
        outer, n, inner = self.blocks.shape
        self.row_shape = x.shape[:axis] + x.shape[axis + 1 :]
        weight = check_weight(weight, n)
        target = np.asarray(target)
        wide = np.result_type(x, np.float64)
        self.index = self.soft = None
        if target.dtype.kind == "f" and target.shape == x.shape and not hard:
            y = to_blocks(check_masses(target), (axis,)).astype(wide)
            if smoothing:
                y = (1 - smoothing) * y + smoothing / n * y.sum(axis=1, keepdims=True)
            count = outer * inner
        else:
            if target.shape != self.row_shape:
                either = "" if hard else f", or for floating probabilities {x.shape}"
                raise ValueError(
                    f"target has shape {target.shape}; {name} {x.shape} with classes on axis "
                    f"{axis} ask for integers {self.row_shape}{either}"
                )
            index = check_target(target, n, ignore).reshape(outer, 1, inner)
            counted = index != ignore
            self.index = np.where(counted, index, 0)
            self.mass = np.where(counted, weight[0, self.index, 0] if n else 0.0, 0.0)
            count = self.mass.sum()
            y = None
            if smoothing:
                y = (self.index == np.arange(n)[:, None]) * (1 - smoothing) + smoothing / n
                y *= counted
        if y is not None:
            self.soft = y * weight
            self.mass = self.soft.sum(axis=1, keepdims=True)
        self.scale = 1.0
        if reduction == "mean":
            self.scale = 1 / count if count else np.nan

    def reduce(self, losses):
        """Reduce the losses of the rows, (outer, 1, inner)."""
        with np.errstate(over="ignore"):  # a loss too large for float32 is inf
            if self.reduction == "none":
                return losses.reshape(self.row_shape).astype(self.dtype)[()]
            if losses.size == 0:
                return self.dtype.type(np.nan if self.reduction == "mean" else 0.0)
            return self.dtype.type(losses.sum() * self.scale)


def one_axis(x, axis, name):
    """Return the axis of classes, or raise ValueError if it is not just one."""
    if x.ndim == 0:
        raise ValueError(f"{name} must have an axis of classes, but they are a single number")
    axes = as_axes(axis, x.ndim)
    if len(axes) != 1:
        raise ValueError(f"axis must be one integer, but it is {axis}")
    return axes[0]


def check_weight(weight, n):
    if weight is None:
        return np.ones((1, n, 1))
    weight = as_real(weight, "weight")
    if weight.shape != (n,):
        raise ValueError(f"weight has shape {weight.shape}; {n} classes ask for ({n},)")
    if not np.all(weight >= 0):
        raise ValueError(f"weight must not be negative, but it holds {weight[~(weight >= 0)][0]}")
    return weight.reshape(1, n, 1)


def check_masses(target):
    if not np.all(target >= 0):
        wrong = target[~(target >= 0)][0]
        raise ValueError(f"target probabilities must not be negative, but target holds {wrong}")
    return target
