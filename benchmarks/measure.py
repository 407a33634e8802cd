"""How the benchmarks measure: alternating pairs on one pinned thread, and peak memory."""

import ctypes
import os
import platform
import resource
import statistics
import subprocess
import sys
import time

# Freed memory stays with the process, so that no side of a comparison measures page faults.
ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MALLOC_MMAP_MAX_": "0",
    "MALLOC_TRIM_THRESHOLD_": str(1 << 40),
    "MALLOC_TOP_PAD_": str(1 << 26),
}


def run_pinned(module, *arguments, core=None):
    """Run `python -m module` on one core with one thread, and return what it printed."""
    core = max(os.sched_getaffinity(0)) if core is None else core
    command = [sys.executable, "-W", "ignore", "-m", module, *arguments]
    result = subprocess.run(
        command,
        env=os.environ | ONE_THREAD,
        preexec_fn=lambda: os.sched_setaffinity(0, {core}),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return result.stdout


def seconds(call, repeat=1, clock=time.process_time):
    """Time a call. The processor time of a pinned thread leaves out what others use of its core."""
    start = clock()
    for _ in range(repeat):
        call()
    return (clock() - start) / repeat


def compare(ours, peer, pairs=11, budget=1.0, clock=time.process_time):
    """Time two calls in alternating pairs; return the medians of ours, the peer and the ratio.

    Short calls are repeated within a measurement; at least `pairs` pairs are taken, and more while
    `budget` seconds last (up to 51), since others may use the machine. Compare several threads with
    clock=time.perf_counter.
    """
    ours(), peer()
    repeat = max(1, int(2e-3 / max(seconds(ours), seconds(peer), 1e-7)))  # 2 ms at least
    taken, start = [], time.perf_counter()
    while len(taken) < pairs or (len(taken) < 51 and time.perf_counter() - start < budget):
        order = (ours, peer) if len(taken) % 2 else (peer, ours)
        first, second = (seconds(call, repeat, clock) for call in order)
        taken.append((first, second) if order[0] is ours else (second, first))
    return (
        statistics.median(a for a, _ in taken),
        statistics.median(b for _, b in taken),
        statistics.median(a / b for a, b in taken),
    )


def extra_memory(call):
    """Return by how many bytes the process's peak memory rises during a call (Linux).

    Run it in a fresh process: what was freed before would hide what the call allocates.
    """
    ctypes.CDLL(None).malloc_trim(0)
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")  # resets the peak to what is in use now
    before = resident("VmRSS")
    result = call()
    peak = resident("VmHWM")
    del result
    return peak - before


def resident(field):
    with open("/proc/self/status") as file:
        for line in file:
            if line.startswith(field):
                return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def machine():
    """Describe the machine and the versions in one line."""
    import numpy as np

    with open("/proc/cpuinfo") as file:
        names = [line.split(":", 1)[1].strip() for line in file if line.startswith("model name")]
    cpu = names[0] if names else platform.processor()
    return (
        f"{cpu}, {os.cpu_count()} cores, {platform.system()} {platform.machine()}, "
        f"Python {platform.python_version()}, NumPy {np.__version__}"
    )


def markdown(headings, rows):
    """Format a Markdown table."""
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)
