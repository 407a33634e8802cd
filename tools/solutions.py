"""Take the exercises' solutions out of the notebooks, the only place where they stand."""

import json
from pathlib import Path

BOOK = Path(__file__).resolve().parents[1] / "book"


def cells(chapter):
    """Return the cells of a chapter's notebook."""
    return json.loads((BOOK / f"{chapter}.ipynb").read_text(encoding="utf-8"))["cells"]


def tagged(chapter, tag):
    """Return the sources of a chapter's cells with a tag, by the exercise they belong to."""
    found = {}
    for cell in cells(chapter):
        if tag in cell["metadata"].get("tags", []):
            name = cell["metadata"].get("exercise")
            if name is None:
                raise ValueError(f"{chapter}: a cell tagged {tag!r} has no metadata 'exercise'")
            if name in found:
                raise ValueError(f"{chapter}: two cells tagged {tag!r} for the exercise {name!r}")
            found[name] = "".join(cell["source"])
    return found


def function(source, name):
    """Run a cell's source as a chapter does, and return the function that it defines."""
    import numpy as np

    import softmax_lab
    from softmax_lab import exercises

    namespace = {name: getattr(softmax_lab, name) for name in softmax_lab.__all__}
    namespace |= {"np": np, "exercises": exercises}
    exec(compile(source, f"<{name}>", "exec"), namespace)
    return namespace[name]
