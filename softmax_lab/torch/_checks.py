"""Checks of values: an exception on the CPU, an assertion that waits for nobody elsewhere."""

import torch

from softmax_lab.torch._rows import UNSIGNED, may_ask, transformable

INTEGERS = (torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64, *UNSIGNED)


def require(x, ok, summary, error):
    """Raise `error(value, position)` for the first entry of `x` that is not `ok`.

    On an accelerator, and in code that is compiled or traced, an asynchronous assertion with the
    `summary` stops the program instead: to read the value would be to wait for it.
    """
    if torch.compiler.is_compiling():
        torch._assert_async(ok.all(), summary)
    else:
        Require.dual.apply(x.detach(), ok, summary, error)


@transformable
class Require(torch.autograd.Function):
    """An autograd function, so that under `torch.func.vmap` it sees the values."""

    @staticmethod
    def forward(x, ok, summary, error):
        if not may_ask(ok):
            torch._assert_async(ok.all(), summary)
        elif not ok.all():
            position = tuple((~ok).nonzero()[0].tolist())
            raise error(x[position].item(), position)
        return ok.new_empty(ok.shape)

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.mark_non_differentiable(output)

    @staticmethod
    def tangent(ctx, *_):
        return None


def check_target(target, num_classes, ignore_index=None):
    """Return class indices in int64; each must be a class, or `ignore_index`."""

    def error(value, position):
        classes = f"from 0 to {num_classes - 1}" if num_classes else "a class, and there is none"
        return IndexError(
            f"target holds {value} at {position}, which is no class: it must be {classes}"
        )

    if target.numel() == 0:
        return target.long()
    if target.dtype not in INTEGERS:
        raise TypeError(f"target must hold integer class indices, but its dtype is {target.dtype}")
    unsigned, target = not target.dtype.is_signed, target.long()
    ok = (target >= 0) & (target < num_classes)
    if ignore_index is not None and not (unsigned and ignore_index < 0):  # uint64 may have wrapped
        ok = ok | (target == ignore_index)
    # The summary has no number in it: compiled code for any number of classes has but one text.
    require(target, ok, "target must hold classes, from 0 to their number - 1", error)
    return target


def check_probabilities(p, name="p"):
    """Return `p`, whose entries must lie in [0, 1] or be nan."""
    summary = f"{name} must hold probabilities from 0 to 1"
    require(
        p,
        ~((p < 0) | (p > 1)),
        summary,
        lambda value, position: ValueError(f"{summary}, but it holds {value} at {position}"),
    )
    return p


def check_non_negative(x, name):
    """Return `x`, whose entries must not be negative or nan."""
    if x.numel():
        low = x.amin()
        require(
            low,
            low >= 0,
            f"{name} must not be negative",
            lambda value, _: ValueError(f"{name} must not be negative, but it holds {value}"),
        )
    return x
