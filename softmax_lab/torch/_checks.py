"""Checks of values: an exception on the CPU, an assertion that waits for nobody elsewhere."""

import torch

from softmax_lab.torch._arguments import INTEGERS, distributed
from softmax_lab.torch._rows import may_ask, run, transformable, transformed


def require(x, ok, summary, error):
    """Raise `error(value, position)` for the first entry of `x` that is not `ok`.

    On an accelerator, and in code that is compiled or traced, an asynchronous assertion with the
    `summary` stops the program instead: to read the value would be to wait for it. What is wrong
    on one of the processes that hold a DTensor is raised on all.
    """
    if distributed(ok):
        x, ok = shown(x, ok)
    if torch.compiler.is_compiling():
        torch._assert_async(ok.all(), summary)
    else:
        run(Require, x.detach(), ok, summary, error)


def shown(x, ok):
    """Return of DTensors what all processes have to see: one number, or all where that is False."""
    everywhere = ok.all().full_tensor()
    if may_ask(everywhere) and not everywhere:
        return x.detach().full_tensor(), ok.full_tensor()
    return everywhere, everywhere


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
    """Return class indices in int64, and which are not to be ignored: None if that is known of all.

    Each must be a class, or `ignore_index`.
    """

    def error(value, position):
        value += 2**64 * (unsigned and value < 0)  # a uint64, wrapped
        classes = f"from 0 to {num_classes - 1}" if num_classes else "a class, and there is none"
        return IndexError(
            f"target holds {value} at {position}, which is no class: it must be {classes}"
        )

    if target.numel() == 0:
        return target.long(), None
    if target.dtype not in INTEGERS:
        raise TypeError(f"target must hold integer class indices, but its dtype is {target.dtype}")
    unsigned, target = not target.dtype.is_signed, target.long()
    ignores = ignore_index is not None and not (unsigned and ignore_index < 0)  # wrapped uint64
    if may_ask(target) and not transformed():
        low, high = map(int, target.aminmax())
        if low >= 0 and high < num_classes and not (ignores and low <= ignore_index <= high):
            return target, None
    ok = (target >= 0) & (target < num_classes)
    counted = target != ignore_index if ignores else torch.ones_like(ok)
    # The summary has no number in it: compiled code for any number of classes has but one text.
    summary = "target must hold classes, from 0 to their number - 1"
    require(target, ok | ~counted, summary, error)
    return target, counted


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
    """Return `x`, whose entries must not be negative, inf or nan."""
    if x.numel():
        summary = f"{name} must be finite and not negative"
        for end in (x.amin(), x.amax()):
            require(
                end,
                (end >= 0) & (end < torch.inf),
                summary,
                lambda value, _: ValueError(f"{summary}, but it holds {value}"),
            )
    return x
