"""Mutate the exercises' solutions, or the package, and see whether anybody notices.

Each function is changed in one place: a `+` becomes a `-`, a 1 a 2, an argument goes missing. The
check of its exercise, or the tests of its side of the package, have to notice every mutant that
gives other results. Those that may survive are listed with the reason, one by one or by kinds, in
tests/exercises/survivors.toml and tests/survivors.toml; they are tried once, and what survives
counts as survivors.

`tools/mutation.py numpy/stability torch/_formulas` mutates these modules of the package, `numpy`
all of that side, but for those that the tests of `SIDES` do not reach. Mutants that were noticed
before are not tried again: an interrupted run goes on, and a new test is tried on what survived.
Delete mutants/ after a change of what other functions do.
"""

import ast
import json
import os
import shutil
import subprocess
import sys
import tomllib
from collections import Counter, defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from softmax_lab.cli._start import chapters  # noqa: E402
from tools.mutants import NOTICED, because, fates  # noqa: E402
from tools.solutions import tagged  # noqa: E402

CHAPTERS = chapters()
PLACE = ROOT / "mutants"
KNOWN = ROOT / "tests" / "exercises" / "survivors.toml"
BAR = 0.97
OF_PACKAGE = ROOT / "tests" / "survivors.toml"
BAR_OF_PACKAGE = 0.95
# The modules that only tests which start processes or Triton's interpreter reach: far too slow.
APART = {"_kernels", "_pieces", "_sharded", "_sharded_losses"}
SIDES = {  # the tests of each side, but for those that compile or start processes
    "numpy": ["tests/numpy", "tests/test_accuracy.py"],
    "torch": [
        "tests/test_accuracy.py",
        "tests/test_mirror.py",
        *(
            f"tests/torch/test_{part}.py"
            for part in ("arguments", "stability", "cross_entropy", "gradients", "logits",
                         "soft_max", "definition", "scale", "regression", "devices", "formulas",
                         "one_process")
        ),
        *(
            f"tests/torch/test_transforms.py::test_{way}"
            for way in ("forward_mode", "hessians", "a_batch_of_gradients", "a_vectorised_map",
                        "autocast")
        ),
    ],
}  # fmt: skip
HEAD = "import numpy as np\n\nfrom softmax_lab import *\n\n\n"
TEST = """

def test_{name}():
    assert exercises.check("{name}", {chapter}.solved_{name}, seconds=20)
"""


class Unwrapped(ast.NodeTransformer):
    """Takes `with np.errstate(...)` away: it hides warnings, and changes no number."""

    def visit_With(self, node):
        """Return the statements inside, where there is nothing else to the block."""
        self.generic_visit(node)
        hides = all("errstate" in ast.unparse(item) for item in node.items)
        return node.body if hides else node


def text(source, node):
    """Return a function's source, without what only hides warnings."""
    segment = ast.get_source_segment(source, node)
    return ast.unparse(Unwrapped().visit(node)) if "errstate" in segment else segment


def lay_out_package(side, modules):
    """Copy the package, its tests and the pages they read; return the modules to mutate."""
    place = begin(side)
    for folder in ("softmax_lab", "tests", "benchmarks"):
        shutil.copytree(ROOT / folder, place / folder, ignore=shutil.ignore_patterns("__pycache__"))
    (place / "book").mkdir()
    for page in (ROOT / "book").glob("*.md"):
        shutil.copy(page, place / "book")
    found = [
        path
        for module in modules
        for path in sorted((place / "softmax_lab").glob(f"{module}.py"))
        if path.stem not in APART or module.endswith(path.stem)
    ]
    return [str(path.relative_to(place)) for path in found]


def begin(name):
    """Return an empty folder with the configuration of pytest and mutmut."""
    place = PLACE / name
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    configuration = (ROOT / "pyproject.toml").read_text()
    (place / "pyproject.toml").write_text(configuration + '\n[tool.mutmut]\nsource_paths = ["."]\n')
    return place


def lay_out_solutions():
    """Write the solutions as modules, with a test for each; return the modules."""
    place = begin("solutions")
    for folder in ("solutions", "tests"):
        (place / folder).mkdir()
    (place / "solutions" / "__init__.py").touch()
    tests = "from softmax_lab import exercises\n"
    for chapter in CHAPTERS:
        module, imports = HEAD, f"from solutions import {chapter}\n"
        for name, source in tagged(chapter, "solution").items():
            module += "\n\n".join(
                text(source, node)
                for node in ast.parse(source).body
                if isinstance(node, ast.FunctionDef)
            )
            module += "\n\n\n"
            imports += TEST.format(name=name, chapter=chapter)
        (place / "solutions" / f"{chapter}.py").write_text(module)
        tests += imports + "\n\n"
    (place / "tests" / "test_solutions.py").write_text(tests)
    return [f"solutions/{chapter}.py" for chapter in CHAPTERS]


def judge(place, modules, tests, known, bar):
    """Try the mutants, list what survived, and return whether that is too much or unexplained."""
    script = ROOT / "tools" / "mutants.py"
    command = [sys.executable, script, str(cores()), known, " ".join(modules)]
    paths = {"PYTHONPATH": os.pathsep.join([str(place), str(ROOT)])}
    with open(place / "log", "w") as log:
        run = subprocess.run(
            [*command, *tests], cwd=place, env=os.environ | paths, stdout=log, stderr=log
        )
    if run.returncode:
        sys.exit(f"not all mutants were tried: see {place / 'log'}")
    fate = fates(PLACE)
    explained = tomllib.loads(known.read_text())
    table = defaultdict(Counter)
    for module, mutants in json.loads((place / "mutants.json").read_text()).items():
        for function, *change in sorted(mutants):
            table[module]["mutants"] += 1
            became = fate.get((function, *change))
            if became in NOTICED:
                table[module]["noticed"] += 1
                continue
            reason = because(explained, function, *change)
            table[module]["explained"] += reason is not None
            print(f"{function}: {reason or became}")
            print("".join(f"    {sign} {line}\n" for sign, line in zip("-+", change, strict=False)))
    total = sum(table.values(), Counter())
    for module, counts in [*table.items(), ("all", total)]:
        print(summary(module, counts))
    open_ones = total["mutants"] - total["noticed"] - total["explained"]
    if open_ones:
        print(f"{open_ones} survivors are not explained in {known.relative_to(ROOT)}")
    print(f"the bar is {bar:.0%}")
    return total["noticed"] < bar * total["mutants"] or open_ones > 0


def summary(module, counts):
    """Return a line of the table."""
    mutants, noticed, explained = (counts[each] for each in ("mutants", "noticed", "explained"))
    return (
        f"{module}: {noticed} of {mutants} noticed ({noticed / mutants:.1%}), {explained} explained"
    )


def cores():
    """Return how many cores this process may use: `taskset -c 0 make mutation` takes one."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def main(modules):
    """Mutate the solutions, or the modules of the package that are named."""
    if not modules:
        return judge(PLACE / "solutions", lay_out_solutions(), ["tests"], KNOWN, BAR)
    failed = False
    for side, tests in SIDES.items():
        mine = [each if "/" in each else f"{each}/*" for each in modules if each.startswith(side)]
        if mine:
            found = lay_out_package(side, mine)
            failed |= judge(PLACE / side, found, tests, OF_PACKAGE, BAR_OF_PACKAGE)
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
