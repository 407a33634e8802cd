"""Checks and bookkeeping shared by the losses: targets, class weights, reductions."""

import numpy as np

from softmax_lab.numpy._arguments import as_array, as_integer, as_number, as_real
from softmax_lab.numpy._blocks import in_dtype, to_blocks


def check_target(target, num_classes, ignore_index=None):
    """Return class indices, 0 for those to ignore, and which of them count: None if all do."""
    target = as_array(target, "target")
    if target.size == 0:
        return target.astype(np.intp), None
    if target.dtype.kind not in "iu":
        raise TypeError(f"target must hold integer class indices, but its dtype is {target.dtype}")
    ignores_a_class = ignore_index is not None and 0 <= ignore_index < num_classes
    unsigned = target.astype(np.uint64)  # as which negative integers are huge
    within = unsigned.item(unsigned.argmax()) < num_classes
    if within and not ignores_a_class:
        return np.asarray(target, np.intp), None
    counted = target != ignore_index  # from None all of them differ
    wrong = ((target < 0) | (target >= num_classes)) & counted
    if wrong.any():
        where = tuple(int(i) for i in np.argwhere(wrong)[0])
        classes = f"it must be from 0 to {num_classes - 1}" if num_classes else "there are none"
        raise IndexError(f"target holds {target[where]} at {where}, which is no class: {classes}")
    return np.where(counted, target, 0).astype(np.intp), counted


class Targets:
    """The targets of a loss, checked, beside the logits `x` as blocks (outer, n, inner).

    `index` holds class indices or `soft` target weights y; `mass` is the sum of y in each row, 0
    for ignored rows, and None where it is 1 in all. `weight` holds the weights of the classes that
    this takes, `scale` is what the reduction multiplies each row's loss with. `dtype` is that of
    the loss, `hard` refuses target weights, and `name` is what the user calls the logits.
    """

    def __init__(
        self,
        x,
        dtype,
        axis,
        target,
        weight,
        ignore,
        reduction,
        smoothing,
        name="logits",
        hard=False,
    ):
        if not isinstance(reduction, str) or reduction not in ("mean", "sum", "none"):
            raise ValueError(f"reduction must be 'mean', 'sum' or 'none', not {reduction!r}")
        smoothing = as_number(smoothing, "label_smoothing")
        if not 0 <= smoothing <= 1:
            raise ValueError(f"label_smoothing must be from 0 to 1, but it is {smoothing}")
        self.dtype, self.reduction = dtype, reduction
        self.blocks = to_blocks(x, (axis,))
        outer, n, inner = self.blocks.shape
        even = smoothing / max(n, 1)
        self.row_shape = x.shape[:axis] + x.shape[axis + 1 :]
        weight = None if weight is None else check_weight(weight, n)
        given = as_array(target, "target")
        if given.dtype.kind not in "biuf":
            either = "" if hard else ", or floating probabilities"
            raise TypeError(
                f"target must hold integer class indices{either}, but its dtype is {given.dtype}"
            )
        self.index = self.soft = self.mass = None
        count = outer * inner
        if given.dtype.kind == "f" and given.shape == x.shape and not hard:
            y = to_blocks(check_masses(given, "target"), (axis,)).astype(
                np.result_type(x, np.float64)
            )
            if smoothing:
                y = (1 - smoothing) * y + even
        else:
            if given.shape != self.row_shape:
                either = "" if hard else f", or for floating probabilities {x.shape}"
                raise ValueError(
                    f"target has shape {given.shape}; {name} {x.shape} with classes on axis "
                    f"{axis} ask for integers {self.row_shape}{either}"
                )
            index, counted = check_target(given, n, as_integer(ignore, "ignore_index"))
            if weight is not None and reduction == "mean":  # which no factor of all changes
                weight = np.ldexp(weight, -np.frexp(weight.max(initial=0.0))[1])
            self.index = index.reshape(outer, 1, inner)
            if weight is not None and n:
                self.mass = weight[0, self.index, 0]
            if counted is not None:
                counted = counted.reshape(outer, 1, inner)
                self.mass = np.where(counted, 1.0 if self.mass is None else self.mass, 0.0)
            if self.mass is not None:
                count = self.mass.sum()
            y = None
            if smoothing:
                y = (self.index == np.arange(n)[:, None]) * (1 - smoothing) + even
                y = y if counted is None else y * counted
        if y is not None:
            self.soft = y if weight is None else y * weight
            self.mass = self.soft.sum(axis=1, keepdims=True)
        self.weight = None if weight is None else weight.ravel()
        self.scale = 1.0
        if reduction == "mean":
            self.scale = 1 / count if count else np.nan

    def reduce(self, losses):
        """Reduce the losses of the rows, (outer, 1, inner)."""
        if self.reduction == "none":
            losses = losses.reshape(self.row_shape)
        elif losses.size:
            losses = np.add.reduce(losses * self.scale, None)  # the sum may be out of range
        else:
            losses = np.float64(np.nan if self.reduction == "mean" else 0.0)
        return in_dtype(losses, self.dtype)[()]


def check_weight(weight, n):
    weight, _ = as_real(weight, "weight")
    if weight.shape != (n,):
        raise ValueError(f"weight has shape {weight.shape}; {n} classes ask for ({n},)")
    check_masses(weight, "weight")
    return weight.astype(np.result_type(weight, np.float64)).reshape(1, n, 1)


def check_masses(masses, name):
    """Return `masses`, or raise ValueError for one that is negative, inf or nan."""
    fits = (masses >= 0) & (masses < np.inf)
    if not fits.all():
        raise ValueError(f"{name} must be finite and not negative, but it holds {masses[~fits][0]}")
    return masses
