"""DTensors in 2, 3 and 4 processes, started as users start theirs. Each case is in the worker."""

import functools
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

WORKER = Path(__file__).with_name("dtensor_worker.py")
CASES = re.findall(r"^@case\ndef (\w+)", WORKER.read_text(), re.MULTILINE)
ROOT = WORKER.parents[2]


@functools.cache
def launch(n, directory):
    """Run all cases in n processes; return what is wrong with each, and what was printed."""
    out = directory / f"{n}.json"
    run = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    done = subprocess.run(
        [*run, "--nproc-per-node", str(n), WORKER, out],
        env={
            **os.environ,
            "OMP_NUM_THREADS": "1",
            "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
        },
        capture_output=True,
        text=True,
        timeout=300,
    )
    return json.loads(out.read_text()) if out.exists() else {}, done.stdout + done.stderr


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    return tmp_path_factory.mktemp("dtensor")


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize(
    "n",
    [pytest.param(n, marks=pytest.mark.xdist_group(f"{n} processes")) for n in (2, 3, 4)],
    ids="{} processes".format,
)
def test_a_dtensor_gives_what_the_whole_tensor_gives(n, name, directory):
    wrong, printed = launch(n, directory)
    assert name in wrong, f"the processes ended before this case:\n{printed[-5000:]}"
    assert not wrong[name], wrong[name]
