"""The processes of `test_dtensor.py`.

python worker.py CASES FOUND PROCESSES

forks so many, of one that has imported torch: to import it in each would take longer than the
cases. Or they are started as users start theirs, with `python -m torch.distributed.run` in front.

CASES is a list of numbers of processes and names in JSON. Those for fewer processes run in worlds
that some of them make up. What a case finds wrong goes to FOUND, a line each.
"""

import datetime
import json
import os
import sys
import traceback

import torch
import torch.distributed as dist
import torch.multiprocessing

# Each registers its cases.
import tests.torch.sharded.errors
import tests.torch.sharded.layouts
import tests.torch.sharded.losses
import tests.torch.sharded.others
import tests.torch.sharded.rows
import tests.torch.sharded.travel  # noqa: F401
from tests.torch.sharded.cases import CASES, mesh

TIMEOUT = datetime.timedelta(seconds=60)  # after which who waits for another process raises


def enter(n, rank, store):
    """Make the first n processes a world, which knows of no other."""
    if dist.is_initialized():
        mesh.cache_clear()
        dist.destroy_process_group()
    dist.init_process_group("gloo", timeout=TIMEOUT, store=store, rank=rank, world_size=n)


def run(n, name):
    """Return what this process finds wrong in a case."""
    try:
        CASES[name](n)
    except Exception:
        return traceback.format_exc()
    return ""


def everyones(text, n, rank, store):
    """Return what is wrong on any process, by way of the store: collectives may be in disorder."""
    store.set(f"wrong on {rank}", text)
    told = {i: store.get(f"wrong on {i}").decode() for i in range(n)}
    return "\n".join(f"rank {i}: {each}" for i, each in told.items() if each)


def main(rank, port, cases, found):
    """Be one of the processes: run the cases that it takes part in."""
    torch.set_num_threads(1)
    world = None
    everybody = dist.TCPStore("localhost", port, is_master=False, timeout=2 * TIMEOUT)
    for n, name in json.loads(cases):
        if rank >= n:
            continue
        store = dist.PrefixStore(f"{n} {name}", everybody)
        if world != n:
            enter(n, rank, store)
        if rank == 0:
            write(found, n, name, None)  # what stays if a process dies
        wrong = everyones(run(n, name), n, rank, store)
        if rank == 0:
            write(found, n, name, wrong)
        world = None if wrong else n  # after an error somebody may be a collective behind
    if dist.is_initialized():
        dist.destroy_process_group()


def write(found, *line):
    with open(found, "a") as file:
        file.write(json.dumps(line) + "\n")


def start(cases, found, processes):
    """Fork the processes, or be one that `torch.distributed.run` has started."""
    if "RANK" in os.environ:
        main(int(os.environ["RANK"]), int(os.environ["MASTER_PORT"]), cases, found)
        return
    store = dist.TCPStore("localhost", 0, is_master=True, wait_for_workers=False)
    torch.multiprocessing.start_processes(
        main, (store.port, cases, found), int(processes), start_method="fork"
    )


if __name__ == "__main__":
    start(*sys.argv[1:])
