"""Mutate the exercises' solutions, or the package, with mutmut, and see whether anybody notices.

Each solution is taken out of its notebook and changed in one place: a `+` becomes a `-`, a 1 a 2,
an argument goes missing. The check of its exercise has to reject every mutant that gives other
results. Those it accepts are listed, with the reason, in tests/exercises/survivors.toml.

`tools/mutation.py numpy/stability torch/_formulas` does the same to these modules of the package,
whose tests have to notice; `numpy` is all of that side, which takes hours. Survivors are listed in
tests/survivors.toml, those of one kind by a pattern.
"""

import ast
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from softmax_lab.cli._start import chapters  # noqa: E402
from tools.solutions import tagged  # noqa: E402

CHAPTERS = chapters()
PLACE = ROOT / "mutants"
KNOWN = ROOT / "tests" / "exercises" / "survivors.toml"
BAR = 0.97
OF_PACKAGE = ROOT / "tests" / "survivors.toml"
BAR_OF_PACKAGE = 0.95
SIDES = {  # the tests that a mutant of each side has to pass; those that compile take too long
    "numpy": ["tests/numpy", "tests/test_accuracy.py"],
    "torch": [
        "tests/test_mirror.py",
        *(
            f"tests/torch/test_{part}.py"
            for part in ("arguments", "stability", "cross_entropy", "gradients", "logits",
                         "soft_max", "definition")
        ),
    ],
}  # fmt: skip
HEAD = "import numpy as np\n\nfrom softmax_lab import *\n\n\n"
CONFIGURATION = """
[tool.mutmut]
source_paths = {sources}
only_mutate = {only}
also_copy = ["book", "tests"]
pytest_add_cli_args_test_selection = {tests}
pytest_add_cli_args = ["-p", "no:cacheprovider", "-q", "--import-mode={imports}"]
timeout_constant = 30.0
[tool.pytest.ini_options]
pythonpath = ["."]
"""
TEST = """

def test_{name}():
    assert exercises.check("{name}", {chapter}.solved_{name}, seconds=5)
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


def configure(sources, only, tests):
    """Write the configuration of mutmut and pytest."""
    imports = "importlib" if only else "prepend"
    text = CONFIGURATION.format(sources=sources, only=only, tests=tests, imports=imports)
    (PLACE / "pyproject.toml").write_text(text)


def lay_out_package(side, modules):
    """Copy the package and its tests, and choose the modules to mutate."""
    shutil.rmtree(PLACE, ignore_errors=True)
    for folder in ("softmax_lab", "tests", "benchmarks"):
        shutil.copytree(ROOT / folder, PLACE / folder, ignore=shutil.ignore_patterns("__pycache__"))
    (PLACE / "book").mkdir()
    for page in (ROOT / "book").glob("*.md"):
        shutil.copy(page, PLACE / "book")
    configure(["softmax_lab"], [f"softmax_lab/{module}.py" for module in modules], SIDES[side])


def lay_out():
    """Write the solutions as modules, with a test for each, the way that mutmut wants a project."""
    shutil.rmtree(PLACE, ignore_errors=True)
    (PLACE / "solutions").mkdir(parents=True)
    (PLACE / "tests").mkdir()
    (PLACE / "solutions" / "__init__.py").touch()
    configure(["solutions"], [], ["tests"])
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
        (PLACE / "solutions" / f"{chapter}.py").write_text(module)
        tests += imports + "\n\n"
    (PLACE / "tests" / "test_solutions.py").write_text(tests)


def mutmut(*arguments):
    """Run mutmut where the solutions lie, and return what it prints."""
    command = [sys.executable, "-m", "mutmut", *arguments]
    done = subprocess.run(command, cwd=PLACE, text=True, capture_output=True)
    if done.returncode:
        sys.exit(f"mutmut {arguments[0]} failed:\n{done.stdout[-4000:]}{done.stderr[-4000:]}")
    return done.stdout


def changed_lines(mutant):
    """Return the line that a mutant takes away and the one that it puts there."""
    lines = mutmut("show", mutant).splitlines()
    body = [line for line in lines if not line.startswith(("---", "+++"))]
    return [" ".join(line[1:].split()) for sign in "-+" for line in body if line.startswith(sign)]


def judge(place, known, bar):
    """Run mutmut, list what survived, and return whether that is too much or unexplained."""
    mutmut("run", "--max-children", str(os.cpu_count() or 1))
    lines = [line.split(": ") for line in mutmut("results", "--all", "true").splitlines() if line]
    fates = {mutant.strip(): fate.strip() for mutant, fate in lines}
    killed = {mutant for mutant, fate in fates.items() if fate in ("killed", "timeout")}
    explained = tomllib.loads(known.read_text()) if known.exists() else {}
    reasons = Counter()
    for mutant in sorted(fates.keys() - killed):
        name = place(mutant)
        change = changed_lines(mutant)
        reason = because(explained, name, change)
        reasons[reason] += 1
        print(f"{name}: {fates[mutant]}, {reason or 'NOT EXPLAINED'}")
        print("".join(f"    {sign} {line}\n" for sign, line in zip("-+", change, strict=False)))
    score = len(killed) / len(fates)
    print(dict(Counter(fates.values())))
    print(f"{len(killed)} of {len(fates)} mutants rejected: {score:.1%} (the bar is {bar:.0%})")
    if reasons[None]:
        print(f"{reasons[None]} survivors are not explained in {known.relative_to(ROOT)}")
    return score < bar or reasons[None] > 0


def because(explained, name, change):
    """Return the reason why a mutant may survive: that of its own, or that of its kind."""
    for each in explained.get(name, []):
        if each["change"] == change:
            return each["because"]
    for each in explained.get("kinds", []):
        if all(map(re.search, (each["gone"], each["new"]), change)):
            return each["because"]
    return None


def main(modules):
    """Mutate the solutions, or the modules of the package that are named."""
    if not modules:
        lay_out()
        return judge(lambda mutant: re.search("solved_(.+)__mutmut", mutant)[1], KNOWN, BAR)
    failed = False
    for side in SIDES:
        mine = [each if "/" in each else f"{each}/*" for each in modules if each.startswith(side)]
        if mine:
            lay_out_package(side, mine)
            found = judge(lambda m: m.rpartition("__mutmut")[0], OF_PACKAGE, BAR_OF_PACKAGE)
            failed = failed or found
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
