"""DTensors in a world of one process, quickly: the cases of `sharded` in which nothing travels."""

import pytest
import torch.distributed as dist

from tests.torch.sharded import errors, layouts, losses, others, rows
from tests.torch.sharded.cases import CASES, mesh

SEVERAL = {  # what several processes tell one another
    errors.a_compiled_loss_breaks_the_graph,  # slow
    errors.a_wrong_placement_is_named,
    errors.rows_on_other_processes_hear_of_an_error_too,
    errors.what_differs_between_processes_is_told_on_all,
    errors.what_is_asked_for_differs,
    errors.who_waits_in_vain_is_told_for_what,
    others.the_loss_of_log_probabilities,
}
ALONE = [
    name
    for module in (errors, layouts, losses, others, rows)
    for name, function in vars(module).items()
    if CASES.get(name) is function and function not in SEVERAL
]


@pytest.fixture(scope="module")
def world():
    """This process, and no other."""
    dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)
    yield 1
    mesh.cache_clear()
    dist.destroy_process_group()


@pytest.mark.parametrize("name", ALONE)
def test_one_process(name, world):
    CASES[name](world)
