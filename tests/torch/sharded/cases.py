"""What the cases share: how they are named, how tensors are placed, and what counts as the same."""

import functools
import itertools
from random import Random

import torch
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.tensor import DTensor, distribute_tensor

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


def share(n, *choices):
    """A third of all combinations: together the worlds of 2, 3 and 4 processes try each."""
    combinations = list(itertools.product(*choices))
    Random(0).shuffle(combinations)
    return combinations[n % 3 :: 3]


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


def raised(function, *args, **keywords):
    try:
        function(*args, **keywords)
    except Exception as error:
        return error
    return None
