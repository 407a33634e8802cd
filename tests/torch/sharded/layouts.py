"""Rows on several processes, meshes of two dimensions, nothing at all; second derivatives."""

import itertools

import torch
from torch.distributed.tensor import DTensor, Replicate, Shard
from torch.distributed.tensor.debug import CommDebugMode

import softmax_lab.torch as sl
from tests.torch.sharded.cases import ROWS, case, mesh, place, raised, random, same, share
from tests.torch.sharded.losses import OPTIONS, compare_loss, targets
from tests.torch.sharded.rows import compare


@case
def integers_and_single_numbers(n):
    on = mesh(n)
    integers = place(torch.arange(5)[None], on, Shard(1))
    for function in (*ROWS[:2], lambda z: sl.cross_entropy(z, torch.tensor([0]))):
        error = raised(function, integers)
        assert "must be floating to be a DTensor" in str(error), repr(error)
    for function in ROWS:
        same(function(place(random(), on, Replicate())), function(random()), "one number")


@case
def rows_on_several_processes(n):
    on, x = mesh(n), random(5, 11)
    y, q = targets(5, 11)
    for placement in (Shard(0), Replicate()):
        for function in ROWS:
            with CommDebugMode() as calls:
                function(place(x, on, placement))
            assert not calls.get_total_counts(), "rows have nothing to tell one another"
            compare(function, x, on, [placement], f"{function.__name__}, {placement}")
        every = (y, q, place(y, on, placement), place(q, on, placement))
        for options, target in share(n, OPTIONS[::5], every):
            compare_loss(x, target, on, [placement], f"{placement}, {options}", **options)


@case
def meshes_of_two_dimensions(n):
    if n < 4:
        return
    on, x = mesh(2, 2), random(5, 11)
    y, q = targets(5, 11)
    both = list(itertools.product((Shard(0), Shard(1), Replicate()), repeat=2))
    for placements, function in itertools.product(both, ROWS):
        compare(function, x, on, placements, f"{function.__name__}, {placements}")
    for placements, options, target in share(n, both, OPTIONS[::5], (y, q)):
        compare_loss(x, target, on, placements, f"{placements}, {options}", **options)


@case
def batches_of_nothing(n):
    on = mesh(n)
    for shape in ((0, 11), (3, 0)):
        x = torch.zeros(shape)
        for function in ROWS:
            found, expected = function(place(x, on, Shard(1))), function(x)
            assert torch.equal(found.full_tensor(), expected), f"{function.__name__} of {shape}"
    ignored, weight = torch.full((3,), -100), torch.zeros(0)
    for target, smoothing in itertools.product((ignored, torch.zeros(3, 0)), (0.0, 0.1)):
        options = {"weight": weight, "label_smoothing": smoothing, "reduction": "none"}
        for shard in (0, 1):
            x = place(torch.zeros(3, 0), on, Shard(shard))
            assert not sl.cross_entropy(x, target, **options).full_tensor().any(), "no classes"
    found = sl.cross_entropy(place(torch.zeros(0, 11), on, Shard(1)), torch.zeros(0).long())
    assert found.full_tensor().isnan(), "the mean over no rows is nan"
    x, q = (place(torch.zeros(0, 11), on, Shard(1)).requires_grad_() for _ in range(2))
    assert sl.cross_entropy(x, q).full_tensor().isnan(), (
        "so is that of probabilities with a gradient"
    )
    ignored = sl.cross_entropy(place(torch.zeros(2, 11), on, Shard(1)), torch.tensor([-100, -100]))
    assert ignored.full_tensor().isnan(), "the mean over ignored rows is nan"


@case
def second_derivatives(n):
    on, x, u = mesh(n), random(4, 5), random(4, 5, seed=2)
    y, q = targets(4, 5)
    w = torch.linspace(0.5, 2, 5, dtype=torch.float64)
    losses = {
        **{f.__name__: lambda z, f=f: f(z).square().sum() for f in ROWS},
        "indices": lambda z: sl.cross_entropy(z, y, weight=w),
        "smoothed": lambda z: sl.cross_entropy(z, y, weight=w, label_smoothing=0.3),
        "probabilities": lambda z: sl.cross_entropy(z, q, reduction="sum").square(),
        "dim 0": lambda z: sl.logsumexp(z, 0).square().sum(),
        "both": lambda z: sl.softmax(z, None).square().sum(),
    }
    for (what, loss), shard in share(n, losses.items(), (0, 1)):
        found = []
        for z in (place(x, on, Shard(shard)), x):
            z = z.clone().requires_grad_()
            (g,) = torch.autograd.grad(loss(z), z, create_graph=True)
            direction = place(u, on, *g.placements) if isinstance(g, DTensor) else u
            (second,) = torch.autograd.grad((g * direction).sum(), z)
            found.append(second.full_tensor() if isinstance(second, DTensor) else second)
        assert found[1].abs().max() > 1e-3, f"{what}: there is no second derivative to test"
        torch.testing.assert_close(*found, msg=f"the second derivative differs: {what}, {shard}")
