"""What processes tell one another; and what torch's own loss of the kind does instead."""

import torch
from torch.distributed.tensor import Shard
from torch.distributed.tensor.debug import CommDebugMode
from torch.distributed.tensor.parallel import loss_parallel
from torch.utils._python_dispatch import TorchDispatchMode

import softmax_lab.torch as sl
from tests.torch.sharded.cases import ROWS, case, mesh, place, raised, random


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
    calls = {f.__name__: (f, {}, 2) for f in ROWS}
    calls["a mask"] = sl.softmax, {"where": torch.ones(classes, dtype=torch.bool)}, 2
    calls["indices"] = sl.cross_entropy, {"target": y}, 3
    calls["weight"] = sl.cross_entropy, {"target": y, "weight": torch.ones(classes)}, 3
    calls["smoothing"] = sl.cross_entropy, {"target": y, "label_smoothing": 0.1}, 3
    calls["probabilities"] = sl.cross_entropy, {"target": random(rows, classes).exp()}, 3
    for what, (function, keywords, numbers) in calls.items():
        with CommDebugMode() as counted, Sizes() as sizes:
            result = function(x, **keywords)
        total = counted.get_total_counts()
        assert total == 1, f"{what}: {total} collectives forward, not one"
        assert sizes.sent[0] <= numbers * rows + 3, f"{what}: {sizes.sent} numbers were sent"
        with Sizes() as sizes:
            result.sum().backward()
        assert all(k <= 2 * rows + 3 for k in sizes.sent), f"{what}: backward sent {sizes.sent}"
    with Sizes() as sizes:  # only a piece of the masses is known here
        sl.cross_entropy(x, place(random(rows, classes).exp(), on, Shard(1)))
    assert sizes.sent == [3 * rows + 3, rows], f"for probabilities in shards {sizes.sent} were sent"


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
