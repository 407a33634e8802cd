"""The loss and its gradients, on a DTensor and on the whole tensor."""

import itertools

import torch
from torch.distributed.tensor import DTensor, Replicate, Shard

import softmax_lab.torch as sl
from tests.torch.sharded.cases import case, hard_rows, mesh, place, raised, random, same, share


def targets(rows, classes):
    g = torch.Generator().manual_seed(3)
    y = torch.randint(classes, (rows,), generator=g)
    y[1] = -100
    q = torch.rand(rows, classes, generator=g, dtype=torch.float64)
    q[0, : classes // 2] = 0
    return y, q / q.sum(-1, keepdim=True)


def masses(target, n, *, weight=None, label_smoothing=0.0, reduction="mean"):
    """The masses q of the gradient M p − q."""
    weight = torch.ones(n) if weight is None else weight
    counted = torch.ones(len(target)).bool()
    count = len(target)
    if not target.is_floating_point():
        counted = target != -100
        count = weight[target[counted]].sum()
        target = torch.nn.functional.one_hot(target.clamp(min=0), n) * counted[:, None]
    q = ((1 - label_smoothing) * target + label_smoothing / n) * weight * counted[:, None]
    return q / count if reduction == "mean" else q


def compare_loss(x, target, on, placements, what, dim=-1, ulp=4, **keywords):
    """Value and gradient of the loss. For masses, Mp − q is as exact as its terms."""
    ours = place(x, on, *placements).requires_grad_()
    whole = x.detach().double().clone().requires_grad_()
    found = sl.cross_entropy(ours, target, dim, **keywords)
    target = target.full_tensor() if isinstance(target, DTensor) else target
    soft = target.is_floating_point()
    target = target.double() if soft else target
    weight = keywords.pop("weight", None)
    if weight is not None:
        keywords["weight"] = weight.full_tensor() if isinstance(weight, DTensor) else weight
    expected = sl.cross_entropy(whole, target, dim, **keywords)
    same(found, expected, what, ulp)
    (g,) = torch.autograd.grad(2.5 * found.sum(), ours)
    (g_whole,) = torch.autograd.grad(2.5 * expected.sum(), whole)
    scale = None
    if soft or keywords.get("label_smoothing"):
        scale = g_whole.abs() + 5 * masses(target, x.shape[-1], **keywords)
        scale = scale.nan_to_num(0.0)
    same(g, g_whole, f"gradient of {what}", ulp, scale)


OPTIONS = [  # every fifth has each of the values
    dict(zip(("reduction", "label_smoothing", "weight"), values, strict=True))
    for values in itertools.product(
        ("mean", "sum", "none"), (0.0, 0.2, 1.0), (None, torch.linspace(0, 2, 11))
    )
]


@case
def every_option_of_the_loss(n):
    on, x = mesh(n), random(6, 11)
    for target, dtype, options in share(n, targets(6, 11), (torch.float64, torch.float32), OPTIONS):
        compare_loss(
            x.to(dtype), target, on, [Shard(1)], f"{options}, {dtype}, {target}", **options
        )


@case
def hard_rows_of_the_loss(n):
    on = mesh(n)
    for classes, smoothing, k, soft in share(n, (1, 5, 11), (0.0, 0.1), (0, 0.5, 1), (False, True)):
        target = torch.full((9,), round(k * (classes - 1)))
        what = f"class {target[0]} of {classes}, smoothing {smoothing}, probabilities: {soft}"
        if soft:
            target = torch.nn.functional.one_hot(target, classes).float()
        options = {"label_smoothing": smoothing, "reduction": "none"}
        compare_loss(hard_rows(classes, torch.float32), target, on, [Shard(1)], what, **options)


@case
def targets_and_weights_that_are_dtensors(n):
    on, x = mesh(n), random(6, 11)
    y, q = targets(6, 11)
    w = torch.linspace(0.5, 2, 11, dtype=torch.float64)
    for each in (place(y, on, Replicate()), y.int(), y):
        compare_loss(x, each, on, [Shard(1)], "class indices", weight=place(w, on, Replicate()))
    for each in (place(q, on, Replicate()), place(q, on, Shard(1))):
        compare_loss(x, each, on, [Shard(1)], "probabilities")
    three = random(2, 11, 3)
    compare_loss(three, torch.tensor([[0, 10, 5], [1, 2, 3]]), on, [Shard(1)], "dim 1", dim=1)


@case
def gradients_of_probabilities(n):
    on, x, (_, q) = mesh(n), random(6, 11), targets(6, 11)
    w = torch.linspace(0.5, 2, 11, dtype=torch.float64)
    for shard, options in share(n, (0, 1), OPTIONS[::2]):
        options = {**options, "weight": w}
        ours = [place(each, on, Shard(shard)).requires_grad_() for each in (x, q)]
        whole = [each.clone().requires_grad_() for each in (x, q)]
        found, expected = sl.cross_entropy(*ours, **options), sl.cross_entropy(*whole, **options)
        same(found, expected, f"{options}")
        g = torch.autograd.grad(found.sum(), ours)
        g_whole = torch.autograd.grad(expected.sum(), whole)
        torch.testing.assert_close([each.full_tensor() for each in g], list(g_whole))
    for target in (q.clone().requires_grad_(), place(q, on, Replicate()).requires_grad_()):
        error = raised(sl.cross_entropy, place(x, on, Shard(1)), target)
        assert "target asks for a gradient" in str(error), repr(error)


@case
def a_graph_that_is_kept(n):
    x = place(random(4, 11), mesh(n), Shard(1)).requires_grad_()
    loss = sl.cross_entropy(x, targets(4, 11)[0])
    first, second = (
        torch.autograd.grad(loss, x, retain_graph=keep)[0].full_tensor() for keep in (True, False)
    )
    assert torch.equal(first, second)
