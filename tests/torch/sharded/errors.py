"""What is wrong on one process is raised on all, and nothing waits for ever."""

import datetime
import functools

import torch
import torch.distributed as dist
from torch.distributed.device_mesh import DeviceMesh
from torch.distributed.tensor import DTensor, Partial, Replicate, Shard

import softmax_lab.torch as sl
from tests.torch.sharded.cases import ROWS, case, mesh, place, raised, random, same


def raises(kind, text, function, *args, **keywords):
    """The error is of this kind, on all processes, and says where it arose and what it is."""
    error = raised(function, *args, **keywords)
    assert type(error) is kind, f"{error!r}, not {kind.__name__} with {text!r}"
    assert text in str(error), f"{error!r} does not say {text!r}"


@case
def a_bad_argument_on_one_process_is_raised_on_all(n):
    on, last = mesh(n), dist.get_rank() == n - 1
    whole, y = random(4, 11), torch.tensor([0, 10, 3, 5])
    x, at = place(whole, on, Shard(1)), f"on rank {n - 1}: "
    bad = [
        (IndexError, "target holds 11", {"target": torch.tensor([0, 1, 11, 3])}),
        (IndexError, "target holds -1", {"target": torch.tensor([-1, 1, 2, 3])}),
        (ValueError, "target has shape (3,)", {"target": y[:3]}),
        (ValueError, "target has shape (4, 10)", {"target": whole[:, :10]}),
        (TypeError, "target must hold integer", {"target": y.double()}),
        (TypeError, "target cannot be made a tensor", {"target": "classes"}),
        (ValueError, "target must be finite", {"target": torch.full((4, 11), -0.1)}),
        (ValueError, "target is placed", {"target": place(whole, on, Shard(0))}),
        (ValueError, "weight must be finite", {"weight": torch.full((11,), -1.0)}),
        (ValueError, "weight has shape (4,)", {"weight": torch.ones(4)}),
        (ValueError, "reduction must be", {"reduction": "median"}),
        (ValueError, "label_smoothing must be from 0 to 1", {"label_smoothing": 2.0}),
        (TypeError, "ignore_index must be an integer", {"ignore_index": 0.5}),
    ]
    for kind, text, keywords in bad:
        keywords = {"target": y} | (keywords if last else {})
        raises(kind, at + text, sl.cross_entropy, x, **keywords)
    for function in ROWS:
        for kind, mask in ((ValueError, torch.ones(3).bool()), (TypeError, whole)):
            mask = mask if last else whole > 0
            raises(kind, at + "where", function, x, where=mask)
    same(sl.cross_entropy(x, y), sl.cross_entropy(whole, y), "after all errors")


@case
def what_differs_between_processes_is_told_on_all(n):
    on, last = mesh(n), dist.get_rank() == n - 1
    whole, y = random(4, 11), torch.tensor([0, 10, 3, 5])
    q = whole.softmax(-1)
    x = place(whole, on, Shard(1))
    terms = [
        ("reduction is 'mean'", {"reduction": "sum"}),
        ("ignore_index is -100", {"ignore_index": -1}),
        ("label_smoothing is 0.0", {"label_smoothing": 0.1}),
        ("whether there is a weight is False", {"weight": torch.ones(11)}),
        ("whether target is probabilities is False", {"target": q}),
    ]
    for text, keywords in terms:
        keywords = {"target": y} | (keywords if last else {})
        raises(ValueError, text, sl.cross_entropy, x, **keywords)
    for target in (place(q, on, Shard(1)), place(q, on, Shard(1)).requires_grad_()):
        raises(ValueError, "target", sl.cross_entropy, x, target if last else q)
    functions = (*ROWS, lambda z: sl.cross_entropy(z, y))
    for function in functions:
        other = place(whole.float() if last else whole, on, Shard(1))
        raises(
            ValueError,
            f"dtype is torch.float64 on rank 0, but torch.float32 on rank {n - 1}",
            function,
            other,
        )
        other = place(whole, on, Shard(1)).requires_grad_(last)
        raises(ValueError, "requires_grad is False", function, other)
    with torch.set_grad_enabled(not last):
        raises(ValueError, "torch.is_grad_enabled() is True", sl.cross_entropy, x, y)
    same(sl.softmax(x), sl.softmax(whole), "after all errors")


@case
def what_is_asked_for_differs(n):
    """Where the processes still speak to one another: as many numbers, in the same group."""
    on, last = mesh(n), dist.get_rank() == n - 1
    whole, y = random(3, 11, 3), torch.tensor([[0, 10, 3], [5, 1, 2], [3, 3, 3]])
    x, mask = place(whole, on, Shard(1)), torch.ones(3, 11, 3, dtype=torch.bool)
    for function in ROWS:
        name = function.__name__
        other = sl.log_softmax if last and function is not sl.log_softmax else function
        other = sl.softmax if last and function is sl.log_softmax else other
        raises(ValueError, f"function is '{name}' on rank 0", other, x, 1)
        raises(ValueError, "dim is (1, 2) on rank 0", function, x, (0, 1) if last else (1, 2))
        mask_here = mask if last else None
        raises(ValueError, "masked is False on rank 0", function, x, 1, where=mask_here)
        local = torch.zeros(3, 2 + last, 3)
        each_its_own = DTensor.from_local(local, on, [Shard(1)], run_check=False)
        text = f"shape is (3, {2 * n}, 3) on rank 0, but (3, {3 * n}, 3) on rank {n - 1}"
        raises(ValueError, text, function, each_its_own, 1)
    raises(ValueError, "shape is", sl.cross_entropy, each_its_own, y, 1)
    other = y.flipud() if last else y
    raises(ValueError, "a digest of target is", sl.cross_entropy, x, other, 1)
    same(sl.cross_entropy(x, y, 1), sl.cross_entropy(whole, y, 1), "after all errors")


@case
def who_waits_in_vain_is_told_for_what(n):
    if n > 2:  # it takes a second
        return
    group, last = dist.new_group(timeout=datetime.timedelta(seconds=1)), dist.get_rank() == n - 1
    on, x = DeviceMesh.from_group(group, "cpu"), random(4, 11)
    ours = place(x, on, Replicate() if last else Shard(1))
    error = raised(sl.softmax, ours)
    if last:
        assert error is None, f"rows that are whole have nothing to tell: {error!r}"
    else:
        assert type(error) is RuntimeError, repr(error)
        (note,) = error.__notes__
        for text in ("function: 'softmax'", "dim: (1,)", "shape: (4, 11)", "[Shard(dim=1)]"):
            assert text in note, note


@case
def rows_on_other_processes_hear_of_an_error_too(n):
    on, x, y = mesh(n), random(4, 11), torch.tensor([0, 1, 2, 99])
    rows = place(x, on, Shard(0))  # the last is not on the first process
    for reduction in ("mean", "sum", "none"):
        raises(
            IndexError, "99", sl.cross_entropy, rows, place(y, on, Shard(0)), reduction=reduction
        )
    first = dist.get_rank() == 0
    raises(
        ValueError,
        "reduction",
        sl.cross_entropy,
        rows,
        y % 11,
        reduction="sum" if first else "mean",
    )
    if n == 4:
        last = dist.get_rank() == 3
        for placements in ((Shard(0), Shard(1)), (Shard(1), Shard(0)), (Shard(1), Shard(1))):
            both = place(x, mesh(2, 2), *placements)
            raises(IndexError, "99", sl.cross_entropy, both, y)
            raises(ValueError, "shape (3,)", sl.cross_entropy, both, y[:3] if last else y % 11)
            raises(
                ValueError, "ignore_index", sl.cross_entropy, both, y % 11, ignore_index=-1 - last
            )
        raises(TypeError, "where", sl.softmax, both, where=x if last else x > 0)


@case
def a_wrong_placement_is_named(n):
    on, x, y = mesh(n), random(4, 11), torch.tensor([0, 10, 3, 5])
    partial = DTensor.from_local(x, on, [Partial()], run_check=False)
    for function in (*ROWS, lambda z: sl.cross_entropy(z, y)):
        error = raised(function, partial)
        text = "is placed Partial(sum) on mesh dimension classes; it must be Shard or Replicate"
        assert text in str(error), repr(error)
    ours = place(x, on, Shard(1))
    other = mesh(1, n)
    for name, argument in {
        "target": {"target": place(y, on, Shard(0))},
        "weight": {"target": y, "weight": place(torch.ones(11), on, Shard(0))},
        "target is placed": {"target": place(y, other, Replicate(), Replicate())},
    }.items():
        error = raised(sl.cross_entropy, ours, **argument)
        assert name in str(error), repr(error)
        assert "must be [Replicate()]" in str(error), (
            f"it does not say what would be right: {error}"
        )
    error = raised(sl.softmax, ours, where=place(x > 0, on, Shard(0)))
    assert "must be [Shard(dim=1)]" in str(error), repr(error)
    error = raised(sl.cross_entropy, x, place(y, on, Replicate()))
    assert "target is a DTensor, but the logits are not" in str(error), repr(error)
    # Pieces of other lengths than torch.chunk makes: no matter for softmax, but no class is known
    # by its number.
    sizes = [11 - n + 1] + [1] * (n - 1)
    local = x.split(sizes, 1)[dist.get_rank()].contiguous()
    uneven = DTensor.from_local(
        local, on, [Shard(1)], run_check=False, shape=x.shape, stride=(11, 1)
    )
    first = sl.softmax(uneven).to_local()
    same(first, sl.softmax(x).split(sizes, 1)[dist.get_rank()], "pieces of any length")
    error = raised(sl.cross_entropy, uneven, y)
    assert "torch.chunk" in str(error), repr(error)


@case
def what_is_not_for_dtensors_is_refused(n):
    on, x, y = mesh(n), random(4, 11), torch.tensor([0, 10, 3, 5])
    ours = place(x, on, Shard(1))
    loss = functools.partial(sl.cross_entropy, target=y)
    raises(NotImplementedError, "ask torch.autograd", torch.func.grad(loss), ours)
    with torch.autograd.forward_ad.dual_level():  # by torch: should it learn to, softmax must too
        raises(NotImplementedError, "aten", torch.autograd.forward_ad.make_dual, ours, ours)
    whole, weight = place(x, on, Replicate()), random(11, 11)
    raises(TypeError, "x must be a plain tensor", sl.linear_cross_entropy, whole, weight, y)
    weight = place(weight, on, Shard(0))
    raises(TypeError, "weight must be a plain tensor", sl.linear_cross_entropy, x, weight, y)
    bias = place(random(11), on, Replicate())
    raises(TypeError, "bias must be a plain tensor", sl.linear_cross_entropy, x, x, y % 4, bias)


@case
def a_compiled_loss_breaks_the_graph(n):
    if n > 2:  # it takes a second in each process
        return
    x, y = place(random(4, 11), mesh(n), Shard(1)), torch.tensor([0, 10, 3, 5])

    def model(x):
        return sl.cross_entropy(2 * x, y) + 1

    results = []
    for function in (model, torch.compile(model, backend="eager")):
        z = x.clone().requires_grad_()
        loss = function(z)
        results.append((loss.full_tensor(), torch.autograd.grad(loss, z)[0].full_tensor()))
    torch.testing.assert_close(*results, rtol=0, atol=0)
    whole = torch.compile(model, backend="eager", fullgraph=True)
    assert "runs between compiled graphs" in str(raised(whole, x)), "fullgraph is refused"
