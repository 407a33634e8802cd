"""What the tests of the book read: the table of contents, the notebooks, the sentences in them."""

import re
from pathlib import Path

import nbformat
import yaml

ROOT = Path(__file__).resolve().parents[2]
BOOK = ROOT / "book"


def listed_pages(toc=None):
    """Return the pages of a table of contents, root first, as paths without a suffix."""
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text()) if toc is None else toc

    def files(entry):
        if isinstance(entry, dict):
            for key, value in entry.items():
                if key in ("root", "file"):
                    yield value
                elif isinstance(value, list):
                    yield from files(value)
        elif isinstance(entry, list):
            for item in entry:
                yield from files(item)

    return list(files(toc))


def listed_notebooks():
    """Return the notebooks that `_toc.yml` names, in the order of the book."""
    paths = [ROOT / f"{page}.ipynb" for page in listed_pages()]
    return [path for path in paths if path.exists()]


def read(path):
    """Return a notebook, upgraded to the current format."""
    return nbformat.read(path, as_version=4)


NOT_PROSE = [
    r"^(`{3,})(?!\{).*?^\1`*\s*$",  # a block of code; a directive's body is prose
    r"^:(label|name|class|width|target|figwidth): .*$",  # options of a directive
    r"\{[\w:]+\}`[^`]*`",  # a role: a citation, a cross-reference
    r"(`+).+?\1",  # code in a line
    r"\]\([^)]*\)",  # the target of a link
    r"https?://\S+",
    r"^\([\w-]+\)=$",  # a label
    r"\barXiv[: ]\d{4}\.\d{4,5}",
    r"\bsections? \d+(\.\d+)+(( and |, |–)\d+(\.\d+)+)*",  # of a book that is cited
    r"\b(Python|NumPy|SciPy|PyTorch|torch|TensorFlow|JAX|ONNX|CC BY|version) v?\d+(\.\d+)+",
    r"\b\d{4}-\d{2}-\d{2}\b",
]


def prose(markdown):
    """Return what a reader reads of a Markdown cell: no code, no targets, no versions."""
    for pattern in NOT_PROSE:
        markdown = re.sub(
            pattern,
            " ",
            markdown,
            flags=re.MULTILINE | re.DOTALL if "^(`" in pattern else re.MULTILINE,
        )
    return markdown
