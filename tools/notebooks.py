"""Strip what a run leaves in the notebooks, so that the repository holds only what people wrote."""

import subprocess
import sys
from pathlib import Path

BOOK = Path(__file__).resolve().parents[1] / "book"
# Kept: the cell's tags and what Jupyter Book reads. Cell ids are numbered anew, so they do not
# depend on the machine that wrote them.
DROPPED = (
    "metadata.language_info metadata.jupytext metadata.widgets metadata.celltoolbar "
    "cell.metadata.execution cell.metadata.scrolled cell.metadata.collapsed "
    "cell.metadata.ExecuteTime cell.metadata.editable cell.metadata.slideshow cell.metadata.trusted"
)


def strip(*notebooks, verify=False):
    """Strip the notebooks in place; with `verify`, only report those that need it."""
    command = [sys.executable, "-m", "nbstripout", "--extra-keys", DROPPED]
    return subprocess.call([*command, *(["--verify"] if verify else []), *map(str, notebooks)])


if __name__ == "__main__":
    sys.exit(strip(*sorted(BOOK.glob("*.ipynb"))))
