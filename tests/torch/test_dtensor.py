"""DTensors in 2, 3 and 4 processes. The cases are in `sharded`."""

import functools
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).with_name("sharded")
NAMES = [
    name
    for file in sorted(FOLDER.glob("*.py"))
    for name in re.findall(r"^@case\ndef (\w+)", file.read_text(), re.MULTILINE)
]
CASES = [(n, name) for n in (4, 3, 2) for name in NAMES]
ROOT = FOLDER.parents[2]


# How users start processes.
TORCHRUN = "-m", "torch.distributed.run", "--standalone", "--nproc-per-node"


def launch(cases, found, processes, *run):
    """Run cases in so many processes; return what they print."""
    done = subprocess.run(
        [sys.executable, *run, FOLDER / "worker.py", json.dumps(cases), found, str(processes)],
        env={
            **os.environ,
            "OMP_NUM_THREADS": "1",
            "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
        },
        capture_output=True,
        text=True,
        timeout=600,
    )
    return done.stdout + done.stderr


@functools.cache
def results(directory):
    """Return what is wrong with each case. If one kills a process, the others get a new launch."""
    wrong, left = {}, CASES
    while left:
        found = directory / f"{len(left)}.jsonl"
        printed = launch(left, found, 4)
        assert found.exists(), f"the processes did not start:\n{printed[-5000:]}"
        for line in found.read_text().splitlines():
            n, name, text = json.loads(line)
            wrong[n, name] = f"a process died:\n{printed[-5000:]}" if text is None else text
        left = [case for case in left if case not in wrong]
    return wrong


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    return tmp_path_factory.mktemp("dtensor")


@pytest.mark.xdist_group("DTensors")
@pytest.mark.parametrize(("n", "name"), CASES, ids=[f"{n} processes-{name}" for n, name in CASES])
def test_a_dtensor_gives_what_the_whole_tensor_gives(n, name, directory):
    wrong = results(directory)[n, name]
    assert not wrong, wrong


@pytest.mark.xdist_group("DTensors")
@pytest.mark.parametrize(("n", "run"), [(2, (*TORCHRUN, "2")), (3, ())], ids=["torchrun", "forked"])
def test_so_does_one_of_fewer_processes(n, run, tmp_path):
    """The worlds of two and three above were formed by some of four processes."""
    found, name = tmp_path / "found.jsonl", "every_option_of_the_loss"
    printed = launch([(n, name)], found, n, *run)
    assert found.exists(), f"the processes did not start:\n{printed[-5000:]}"
    *_, last = found.read_text().splitlines()
    assert json.loads(last) == [n, name, ""], printed[-5000:]
