"""Take prompts and starters out of the notebooks, for `softmax-lab start`.

The package is installed without its book, so it carries this copy; a test holds the two equal.
"""

import ast
import re
import textwrap
from pathlib import Path

from softmax_lab.cli._start import chapters
from softmax_lab.exercises import EXERCISES
from tools.solutions import cells, tagged

FOLDER = Path(__file__).resolve().parents[1] / "softmax_lab" / "cli" / "starters"


def prompts(chapter):
    """Return what the prompts of a chapter say, by exercise."""
    found = {}
    for cell in cells(chapter):
        pattern = r"^(`{3,})\{exercise\}[^\n]*\n:label: ex-(\w+)\n(.*?)^\1"
        for prompt in re.finditer(pattern, "".join(cell["source"]), re.DOTALL | re.MULTILINE):
            found[prompt[2]] = prompt[3].strip()
    return found


def with_prompt(starter, prompt, title):
    """Return a starter whose docstring goes on with the prompt."""
    tree = ast.parse(starter)
    function = next(node for node in tree.body if isinstance(node, ast.FunctionDef))
    first = function.body[0]
    lines = starter.splitlines()
    before, after = lines[: first.lineno - 1], lines[first.end_lineno :]
    said = ast.get_docstring(function)
    prefix = "r" if "\\" in prompt + said else ""
    docstring = f'{prefix}"""{said}\n\n{prompt}\n"""'
    return "\n".join([f"# {title}", *before, textwrap.indent(docstring, "    "), *after])


def text(chapter):
    """Return the starters of a chapter."""
    asked, starters = prompts(chapter), tagged(chapter, "starter")
    mine = [name for name, (home, _) in EXERCISES.items() if home == chapter]
    parts = [with_prompt(starters[name], asked[name], EXERCISES[name][1].title) for name in mine]
    return "".join(f"\n\n{part}\n" for part in parts)


def main():
    """Write the starters of every chapter."""
    FOLDER.mkdir(exist_ok=True)
    for chapter in chapters():
        (FOLDER / f"{chapter}.txt").write_text(text(chapter), encoding="utf-8")


if __name__ == "__main__":
    main()
