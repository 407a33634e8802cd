"""Write the notebooks without solutions, to hand out to a class."""

import json
import shutil

from softmax_lab.cli._start import chapters
from tools.solutions import BOOK

STUDENT = BOOK.parent / "_build" / "student"


def without_solutions(notebook):
    """Return a notebook, as JSON, without its solution cells."""
    kept = [c for c in notebook["cells"] if "solution" not in c["metadata"].get("tags", [])]
    return notebook | {"cells": kept}


def main():
    """Write the chapters that have exercises."""
    shutil.rmtree(STUDENT, ignore_errors=True)
    STUDENT.mkdir(parents=True)
    for chapter in chapters():
        notebook = json.loads((BOOK / f"{chapter}.ipynb").read_text(encoding="utf-8"))
        text = json.dumps(without_solutions(notebook), indent=1, ensure_ascii=False)
        (STUDENT / f"{chapter}.ipynb").write_text(text + "\n", encoding="utf-8")
    print(f"The notebooks without solutions are in {STUDENT.relative_to(BOOK.parent)}/")


if __name__ == "__main__":
    main()
