"""Mutate the exercises' solutions with mutmut, and see whether the checks notice.

Each solution is taken out of its notebook and changed in one place: a `+` becomes a `-`, a 1 a 2,
an argument goes missing. The check of its exercise has to reject every mutant that gives other
results. Those it accepts are listed, with the reason, in tests/exercises/survivors.toml.
"""

import ast
import os
import shutil
import subprocess
import sys
import tomllib
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tools.solutions import tagged  # noqa: E402

CHAPTERS = [
    "definition",
    "logits",
    "soft_max",
    "stability",
    "gradients",
    "cross_entropy",
    "scale",
]
PLACE = ROOT / "mutants"
KNOWN = ROOT / "tests" / "exercises" / "survivors.toml"
BAR = 0.97
HEAD = "import numpy as np\n\nfrom softmax_lab import *\n\n\n"
CONFIGURATION = """
[tool.mutmut]
source_paths = ["solutions"]
pytest_add_cli_args_test_selection = ["tests"]
pytest_add_cli_args = ["-p", "no:cacheprovider", "-q"]
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


def lay_out():
    """Write the solutions as modules, with a test for each, the way that mutmut wants a project."""
    shutil.rmtree(PLACE, ignore_errors=True)
    (PLACE / "solutions").mkdir(parents=True)
    (PLACE / "tests").mkdir()
    (PLACE / "solutions" / "__init__.py").touch()
    (PLACE / "pyproject.toml").write_text(CONFIGURATION)
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


def main():
    """Run mutmut, list what survived, and return whether that is too much or unexplained."""
    lay_out()
    mutmut("run", "--max-children", str(os.cpu_count() or 1))
    lines = [line.split(": ") for line in mutmut("results", "--all", "true").splitlines() if line]
    fates = {mutant.strip(): fate.strip() for mutant, fate in lines}
    killed = {mutant for mutant, fate in fates.items() if fate in ("killed", "timeout")}
    explained = tomllib.loads(KNOWN.read_text()) if KNOWN.exists() else {}
    news = 0
    for mutant in sorted(fates.keys() - killed):
        name = mutant.partition("solved_")[2].partition("__mutmut")[0]
        change = changed_lines(mutant)
        known = [s for s in explained.get(name, []) if s["change"] == change]
        news += not known
        print(f"{name}: {fates[mutant]}, {known[0]['because'] if known else 'NOT EXPLAINED'}")
        print("".join(f"    {sign} {line}\n" for sign, line in zip("-+", change, strict=False)))
    score = len(killed) / len(fates)
    print(dict(Counter(fates.values())))
    print(f"{len(killed)} of {len(fates)} mutants rejected: {score:.1%} (the bar is {BAR:.0%})")
    if news:
        print(f"{news} survivors are not explained in {KNOWN.relative_to(ROOT)}")
    return score < BAR or news > 0


if __name__ == "__main__":
    sys.exit(main())
