"""One of the processes of `test_dtensor.py`: every case, on a DTensor and on the whole tensor.

Run as users run theirs: python -m torch.distributed.run --standalone --nproc-per-node 2 FILE OUT.
Each case is a function of the number of processes. What it finds wrong goes to OUT, by name.
"""

import datetime
import functools
import itertools
import json
import sys
import traceback

import torch
import torch.distributed as dist
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.tensor import DTensor, Partial, Replicate, Shard, distribute_tensor
from torch.distributed.tensor.debug import CommDebugMode
from torch.distributed.tensor.parallel import loss_parallel
from torch.utils._python_dispatch import TorchDispatchMode

import softmax_lab.torch as sl

INF = torch.inf
ROWS = (sl.softmax, sl.log_softmax, sl.logsumexp)
CASES = {}


def case(function):
    CASES[function.__name__] = function
    return function


@functools.cache
def mesh(*shape):
    names = ("rows", "classes")[-len(shape) :]
    return init_device_mesh("cpu", shape, mesh_dim_names=names)


def place(x, on, *placements):
    """A part of a tensor that all processes have; nothing travels."""
    return distribute_tensor(x, on, list(placements), src_data_rank=None)


def random(*shape, dtype=torch.float64, scale=3.0, seed=0):
    g = torch.Generator().manual_seed(seed)
    return (torch.randn(shape, generator=g, dtype=torch.float64) * scale).to(dtype)


def hard_rows(classes, dtype):
    """Logits whose softmax is hard to take: one kind of difficulty a row."""
    x = random(9, classes, dtype=dtype)
    x[1] += 1e4
    x[2, classes // 2] += 60.0  # confident
    x[3] = 2.0  # ties
    x[4, 0] = -INF
    x[5, : (classes + 1) // 2] = -INF  # nothing in the first pieces
    x[6] = -INF
    x[7, -1] = INF
    x[8] *= 300
    return x


def same(found, expected, what, ulp=4, scale=None):
    """Within `ulp` of the expected float64 number, or of the size of what it is a difference of."""
    if isinstance(found, DTensor):
        found = found.full_tensor()
    assert found.shape == expected.shape, f"{what}: shape {found.shape}, not {expected.shape}"
    info = torch.finfo(found.dtype)
    found, expected = found.detach().double(), expected.detach().double()
    size = expected.abs() if scale is None else torch.maximum(expected.abs(), scale.double())
    spacing = torch.exp2(size.clamp(min=info.tiny, max=info.max).log2().floor()) * info.eps
    same = (found == expected) | (found.isnan() & expected.isnan())
    error = torch.where(same, 0.0, (found - expected).abs() / spacing)
    worst = error.nan_to_num(INF, INF).max().item() if error.numel() else 0.0
    assert worst <= ulp, f"{what}: {worst:.3g} ulp\n{found}\nis not\n{expected}"


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
    p = g_whole.abs() if function is sl.logsumexp else sl.softmax(x.double()).nan_to_num(0.0)
    # Σ v p may cancel: its digits are those of the largest |v|.
    scale = None if function is sl.logsumexp else p * v.abs().max()
    same(g, g_whole, f"gradient of {what}", 8 if scale is not None else ulp, scale)


@case
def rows_of_every_kind(n):
    on = mesh(n)
    for dtype in (torch.float64, torch.float32, torch.bfloat16):
        for function, classes in itertools.product(ROWS, (1, 5, 11, 40)):
            x = hard_rows(classes, dtype)
            what = f"{function.__name__} of {classes} classes in {dtype}"
            compare(function, x, on, [Shard(1)], what)


@case
def any_dimension_and_several(n):
    on, x = mesh(n), random(3, 7, 5)
    for shard, dim in itertools.product(range(3), (0, -1, (1, 2), None)):
        for function in ROWS:
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
    for function, shard in itertools.product(ROWS, (0, 1)):
        for mask in (where, place(where, on, Shard(shard)), place(where, on, Replicate())):
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
    for target, (i, options) in itertools.product(targets(6, 11), enumerate(OPTIONS)):
        dtype = (torch.float64, torch.float32)[i % 2 ^ i // 6 % 2]
        compare_loss(
            x.to(dtype), target, on, [Shard(1)], f"{options}, {dtype}, {target}", **options
        )


@case
def hard_rows_of_the_loss(n):
    on = mesh(n)
    for classes, smoothing in itertools.product((1, 5, 11), (0.0, 0.1)):
        x = hard_rows(classes, torch.float32)
        for k in {0, classes // 2, classes - 1}:
            y = torch.full((9,), k)
            for target in (y, torch.nn.functional.one_hot(y, classes).float()):
                what = f"class {k} of {classes}, smoothing {smoothing}, {target.dtype}"
                options = {"label_smoothing": smoothing, "reduction": "none"}
                compare_loss(x, target, on, [Shard(1)], what, **options)


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
    for shard, options in itertools.product((0, 1), OPTIONS[::5]):
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
        for options in OPTIONS[::5]:
            for target in (y, q, place(y, on, placement), place(q, on, placement)):
                compare_loss(x, target, on, [placement], f"{placement}, {options}", **options)


@case
def meshes_of_two_dimensions(n):
    if n < 4:
        return
    on, x = mesh(2, 2), random(5, 11)
    y, q = targets(5, 11)
    for placements in itertools.product((Shard(0), Shard(1), Replicate()), repeat=2):
        for function in ROWS:
            compare(function, x, on, placements, f"{function.__name__}, {placements}")
        for options in OPTIONS[::5]:
            for target in (y, q):
                compare_loss(x, target, on, placements, f"{placements}, {options}", **options)


@case
def batches_of_nothing(n):
    on = mesh(n)
    for shape in ((0, 11), (3, 0)):
        x = torch.zeros(shape)
        for function in ROWS:
            found, expected = function(place(x, on, Shard(1))), function(x)
            assert torch.equal(found.full_tensor(), expected), f"{function.__name__} of {shape}"
    found = sl.cross_entropy(place(torch.zeros(0, 11), on, Shard(1)), torch.zeros(0).long())
    assert found.full_tensor().isnan(), "the mean over no rows is nan"
    ignored = sl.cross_entropy(place(torch.zeros(2, 11), on, Shard(1)), torch.tensor([-100, -100]))
    assert ignored.full_tensor().isnan(), "the mean over ignored rows is nan"


class Sizes(TorchDispatchMode):
    """The numbers of elements that are sent."""

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        if function.namespace in ("c10d", "_c10d_functional"):
            leaves = torch.utils._pytree.tree_leaves(args)
            self.sent += [min(x.numel() for x in leaves if isinstance(x, torch.Tensor))]
        return function(*args, **(kwargs or {}))

    def __enter__(self):
        self.sent = []
        return super().__enter__()


@case
def what_travels(n):
    on, rows, classes = mesh(n), 8, 4000
    x = place(random(rows, classes), on, Shard(1)).requires_grad_()
    y = torch.arange(rows) * 400
    q = place(random(rows, classes).softmax(-1), on, Shard(1))
    calls = {f.__name__: (f, {}, 2) for f in ROWS}
    calls["a mask"] = sl.softmax, {"where": torch.ones(classes, dtype=torch.bool)}, 2
    calls["indices"] = sl.cross_entropy, {"target": y}, 3
    calls["weight"] = sl.cross_entropy, {"target": y, "weight": torch.ones(classes)}, 3
    calls["smoothing"] = sl.cross_entropy, {"target": y, "label_smoothing": 0.1}, 3
    calls["probabilities"] = sl.cross_entropy, {"target": q}, 4  # and the target's own mass
    for what, (function, keywords, numbers) in calls.items():
        with CommDebugMode() as counted, Sizes() as sizes:
            result = function(x, **keywords)
        total = counted.get_total_counts()
        assert total == 1, f"{what}: {total} collectives forward, not one"
        assert sizes.sent[0] <= numbers * rows + 1, f"{what}: {sizes.sent} numbers were sent"
        with Sizes() as sizes:
            result.sum().backward()
        assert all(k <= 2 * rows for k in sizes.sent), f"{what}: backward sent {sizes.sent}"


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
    for (what, loss), shard in itertools.product(losses.items(), (0, 1)):
        found = []
        for z in (place(x, on, Shard(shard)), x):
            z = z.clone().requires_grad_()
            (g,) = torch.autograd.grad(loss(z), z, create_graph=True)
            direction = place(u, on, *g.placements) if isinstance(g, DTensor) else u
            (second,) = torch.autograd.grad((g * direction).sum(), z)
            found.append(second.full_tensor() if isinstance(second, DTensor) else second)
        assert found[1].abs().max() > 1e-3, f"{what}: there is no second derivative to test"
        torch.testing.assert_close(*found, msg=f"the second derivative differs: {what}, {shard}")


@case
def a_graph_that_is_kept(n):
    x = place(random(4, 11), mesh(n), Shard(1)).requires_grad_()
    loss = sl.cross_entropy(x, targets(4, 11)[0])
    first, second = (
        torch.autograd.grad(loss, x, retain_graph=keep)[0].full_tensor() for keep in (True, False)
    )
    assert torch.equal(first, second)


def raised(function, *args, **keywords):
    try:
        function(*args, **keywords)
    except Exception as error:
        return error
    return None


@case
def an_error_on_one_process_is_raised_on_all(n):
    on, rank = mesh(n), dist.get_rank()
    x = place(random(4, 11), on, Shard(1))
    y, last = torch.tensor([0, 10, 3, 5]), rank == n - 1
    bad = {
        "11 of 11": (IndexError, {"target": torch.tensor([0, 1, 11, 3]) if last else y}),
        "-1": (IndexError, {"target": torch.tensor([-1, 1, 2, 3]) if last else y}),
        "a weight": (ValueError, {"target": y, "weight": torch.full((11,), -1.0 if last else 1.0)}),
        "a shape": (ValueError, {"target": y[:3] if last else y}),
        "a reduction": (ValueError, {"target": y, "reduction": "median"}),
        "masses": (ValueError, {"target": torch.full((4, 11), -0.1 if last else 0.1)}),
    }
    for what, (kind, keywords) in bad.items():
        error = raised(sl.cross_entropy, x, **keywords)
        assert type(error) is kind, f"{what}: {error!r}, not {kind.__name__}"
        assert what == "a reduction" or f"on rank {n - 1}: " in str(error), f"{what}: {error}"
        same(sl.cross_entropy(x, y), sl.cross_entropy(x.full_tensor(), y), f"after {what}")
    rows = place(random(4, 11), on, Shard(0))
    one = torch.tensor([0, 1, 2, 99])  # the last row is not on the first process
    for reduction in ("mean", "sum", "none"):
        error = raised(sl.cross_entropy, rows, place(one, on, Shard(0)), reduction=reduction)
        assert type(error) is IndexError, f"rows on several processes, {reduction}: {error!r}"
    if n == 4:
        both = place(random(4, 11), mesh(2, 2), Shard(0), Shard(1))
        error = raised(sl.cross_entropy, both, one)
        assert type(error) is IndexError, f"rows and classes: {error!r}"


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
def loss_parallel_has_the_traps_that_the_page_tells(n):
    """Each is right here, and wrong or refused in torch's own. If torch mends one, say so."""
    on, x, y = mesh(n), random(4, 12), torch.tensor([0, 11, -100, 5])
    w = torch.linspace(0.5, 2, 12, dtype=torch.float64)

    def torchs(target, **keywords):
        z = place(x, on, Shard(1)).requires_grad_()
        with loss_parallel():
            loss = torch.nn.functional.cross_entropy(z, target, **keywords)
            loss.backward()
        return loss.full_tensor()

    whole = torch.nn.functional.cross_entropy
    torch.testing.assert_close(torchs(y), whole(x, y))  # where it is right
    assert raised(torchs, y, weight=w), "class weights with ignored targets"
    for none in (12, -1):
        loss = torchs(torch.tensor([0, none, 3, 5]))
        assert loss.isfinite(), f"class {none} of 12 gives a loss"
    assert raised(torchs, y, label_smoothing=0.1), "label smoothing"
    assert raised(torchs, x.softmax(-1)), "probabilities"
    with loss_parallel():
        z = place(x, on, Shard(1)).requires_grad_()
        (g,) = torch.autograd.grad(whole(z, y), z, create_graph=True)
        (second,) = torch.autograd.grad(g.square().sum(), z)
    assert second.full_tensor().abs().max() < 1e-12, "second derivatives are 0"

    def left_by_an_error():
        with loss_parallel():
            raise ValueError

    assert raised(whole, z, y), "a plain target beside a DTensor, outside"
    raised(left_by_an_error)
    assert not raised(whole, z, y), "its handlers stay on"
    with loss_parallel():
        pass
    assert raised(whole, z, y), "its handlers are off again"


def main(path):
    dist.init_process_group("gloo", timeout=datetime.timedelta(seconds=60))
    torch.set_num_threads(1)
    n, wrong = dist.get_world_size(), {}
    for name, function in CASES.items():
        found = [None] * n
        try:
            function(n)
            text = ""
        except Exception:
            text = traceback.format_exc()
            print(name, text, file=sys.stderr, flush=True)  # where the others hang meanwhile
        dist.all_gather_object(found, text)
        wrong[name] = "\n".join(f"rank {i}: {each}" for i, each in enumerate(found) if each)
        if dist.get_rank() == 0:
            with open(path, "w") as file:
                json.dump(wrong, file)
    dist.destroy_process_group()


if __name__ == "__main__":
    main(sys.argv[1])
