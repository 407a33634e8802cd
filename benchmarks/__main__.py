"""Speed and memory as ratios: `python -m benchmarks` (a few minutes) prints and writes the tables.

`python -m benchmarks softmax` measures the cases whose name holds that word, and writes nothing.
"""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

from benchmarks import numpy_memory, numpy_speed
from benchmarks.measure import machine, markdown, run_pinned

HERE = Path(__file__).parent


def speed_table(rows):
    """Format the ratios of one pinned thread beside their bars."""
    lines = []
    for row in rows:
        limits = [f"{row[key]:.1f}" if key in row else "" for key in ("over_copy", "over_exp")]
        bar = row["bar"]
        verdict = "" if bar is None else "✓" if row["ratio"] <= bar else "above"
        shape = "×".join(map(str, row["shape"])) + (", first axis" if row["axis"] == 0 else "")
        times = [f"{row['ns']:.2f}", f"{row['peer_ns']:.2f}"]
        name = [row["name"], shape, row["dtype"]]
        lines.append([*name, f"**{row['ratio']:.2f}**", bar or "", verdict, *times, *limits])
    headings = ["function", "shape", "dtype", "ours ÷ SciPy", "bar", "", "ours, ns/element"]
    table = markdown([*headings, "SciPy", "÷ one copy", "÷ one exp an element"], lines)
    rest = [f"- {name}: {text}" for name, text in numpy_speed.REST.items()]
    return "\n\n".join([table, "What the rest is spent on, in wide rows:", "\n".join(rest)])


def memory_table():
    """Measure the peaks of extra memory, each call in a fresh process."""
    lines = []
    for name, shape, bar in numpy_memory.CASES:
        for dtype in ("float32", "float64"):
            case = (name, "x".join(map(str, shape)), dtype)
            command = [sys.executable, "-W", "ignore", "-m", "benchmarks.numpy_memory", *case]
            ours, peer = (
                float(subprocess.run([*command, side], stdout=-1, check=True, text=True).stdout)
                for side in ("ours", "scipy")
            )
            verdict = "" if bar is None else "✓" if ours <= bar else "above"
            lines.append([*case, f"**{ours:.2f}**", bar or "", verdict, f"{peer:.2f}"])
    return markdown(["function", "shape", "dtype", "ours, × input", "bar", "", "SciPy"], lines)


def plot(rows, path):
    """Draw the ratios as bars, with SciPy at 1."""
    import matplotlib.pyplot as plt

    names = list(dict.fromkeys(f"{r['name']} {tuple(r['shape'])} axis {r['axis']}" for r in rows))
    figure, axes = plt.subplots(figsize=(8, 0.3 * len(names) + 1), layout="constrained")
    for offset, dtype in ((-0.2, "float32"), (0.2, "float64")):
        ratios = [row["ratio"] for row in rows if row["dtype"] == dtype]
        axes.barh([i + offset for i in range(len(ratios))], ratios, height=0.4, label=dtype)
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    axes.axvline(1, color="black", linewidth=1)
    axes.set_xlabel("time of ours ÷ time of SciPy (one thread; below 1 is faster)")
    axes.legend()
    figure.savefig(path, metadata={"Date": None})


def main():
    chosen = sys.argv[1:]
    rows = [json.loads(line) for line in run_pinned("benchmarks.numpy_speed", *chosen).splitlines()]
    report = [f"# Benchmarks\n\n`python -m benchmarks` on {machine()}.", "## One pinned thread"]
    report += [speed_table(rows)]
    if chosen:
        print(report[-1])
        return
    threads = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "benchmarks.numpy_speed", "threads"],
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    ratios = ", ".join(f"{ratio:.2f} in {dtype}" for dtype, ratio in json.loads(threads.stdout))
    report += [f"With all threads, softmax at (1024, 32000) ÷ SciPy: {ratios} (bar 0.7)."]
    report += ["## Extra memory, output included", memory_table()]
    if importlib.util.find_spec("benchmarks.torch_speed"):
        from benchmarks import linear_loss, torch_speed

        report += ["## torch", torch_speed.table(), linear_loss.table()]
    text = "\n\n".join(report) + "\n"
    print(text)
    (HERE / "results.md").write_text(text)
    plot(rows, HERE / "results.svg")


if __name__ == "__main__":
    main()
