"""The functions of rows, on a DTensor and on the whole tensor."""

import itertools

import torch
from torch.distributed.tensor import Replicate, Shard

import softmax_lab.torch as sl
from tests.torch.sharded.cases import ROWS, case, hard_rows, mesh, place, random, same, share


def compare(function, x, on, placements, what, ulp=4, **keywords):
    """The values and gradients of a function of rows, against float64 in one process."""
    ours = place(x, on, *placements).requires_grad_()
    whole = x.detach().double().clone().requires_grad_()
    found, expected = function(ours, **keywords), function(whole, **keywords)
    assert found.dtype == x.dtype, f"{what}: the dtype is {found.dtype}"
    same(found, expected, what, ulp)
    v = random(*expected.shape, scale=1.0, seed=1).to(x.dtype)
    (g,) = torch.autograd.grad(found, ours, place(v, on, *found.placements))
    (g_whole,) = torch.autograd.grad(expected, whole, v.double())
    if x.shape[-1] > 1:  # of one class, DTensor's product thinks it is to be broadcast
        assert g.placements == ours.placements, f"{what}: the gradient is placed {g.placements}"
    p, v = sl.softmax(x.double()).nan_to_num(0.0), v.double().abs()
    scale = {  # of the terms, which may cancel: p (v − Σ p v), or v − p Σ v
        sl.softmax: lambda: p * v.amax(-1, keepdim=True),
        sl.log_softmax: lambda: torch.maximum(v, p * v.sum(-1, keepdim=True)),
        sl.logsumexp: lambda: None,
    }[function]()
    same(g, g_whole, f"gradient of {what}", ulp, scale)


@case
def rows_of_every_kind(n):
    on = mesh(n)
    dtypes = (torch.float64, torch.float32, torch.bfloat16)
    for dtype, function, classes in share(n, dtypes, ROWS, (1, 5, 11)):
        what = f"{function.__name__} of {classes} classes in {dtype}"
        compare(function, hard_rows(classes, dtype), on, [Shard(1)], what)


@case
def the_digits_of_float32(n):
    """Of many rows, whose sums are rounded in many ways."""
    on = mesh(n)
    for scale, function in itertools.product((1.0, 10.0, 100.0), ROWS):
        x = random(1000, 20, dtype=torch.float32, scale=scale)
        compare(function, x, on, [Shard(1)], f"{function.__name__} at a scale of {scale}")


@case
def any_dimension_and_several(n):
    on, x = mesh(n), random(3, 7, 5)
    for shard, dim, function in share(n, range(3), (0, -1, (1, 2), None), ROWS):
        ours = place(x, on, Shard(shard)).requires_grad_()
        whole = x.clone().requires_grad_()
        found, expected = function(ours, dim), function(whole, dim)
        what = f"{function.__name__} over dim {dim} of a DTensor sharded along {shard}"
        same(found, expected, what)
        v = random(*expected.shape, seed=1)
        g = torch.autograd.grad(found, ours, place(v, on, *found.placements))[0]
        g_whole = torch.autograd.grad(expected, whole, v)[0]
        torch.testing.assert_close(g.full_tensor(), g_whole, msg=f"gradient of {what}")
    keepdim = sl.logsumexp(place(x, on, Shard(1)), 1, keepdim=True)
    same(keepdim, sl.logsumexp(x, 1, keepdim=True), "keepdim")


@case
def masks(n):
    on, x = mesh(n), random(4, 11)
    where = random(4, 11, seed=2) > 0
    where[1] = False
    where[2, :8] = False
    for function, shard, kind in share(n, ROWS, (0, 1), (None, Shard, Replicate)):
        at = Shard(shard) if kind is Shard else Replicate()
        mask = place(where, on, at) if kind else where
        ours = place(x, on, Shard(shard)).requires_grad_()
        whole = x.clone().requires_grad_()
        found, expected = function(ours, where=mask), function(whole, where=where)
        what = f"{function.__name__} with a mask, sharded along {shard}"
        same(found, expected, what)
        kept = torch.where(expected.isinf(), 0.0, random(*expected.shape, seed=1))
        g = torch.autograd.grad(found, ours, place(kept, on, *found.placements))[0]
        g_whole = torch.autograd.grad(expected, whole, kept)[0]
        torch.testing.assert_close(g.full_tensor(), g_whole, msg=f"gradient of {what}")
    found = sl.softmax(place(x, on, Shard(1)), where=where[0])
    same(found, sl.softmax(x, where=where[0]), "a mask of the classes alone")
