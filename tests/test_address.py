"""The repository's address stands in pyproject.toml; wherever else it stands, it is the same."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
URLS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["urls"]
SOURCE, BOOK = URLS["Source"], URLS["Book"]
NAME = SOURCE.rpartition("/")[2]
# An address on the host of the source or of the book whose last part is this project's name.
OURS = re.compile(
    rf"https?://(?:github\.com/[\w.-]+/{NAME}|[\w-]+\.github\.io/{NAME})(?![\w-])", re.IGNORECASE
)
NOTEBOOKS = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "book").glob("*.ipynb"))


def tracked_texts():
    """Yield the path and the text of every file under version control that is text."""
    run = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    for name in filter(None, run.stdout.split("\0")):
        path = ROOT / name
        if path.suffix not in (".png", ".woff2") and path.is_file():
            yield name, path.read_text(encoding="utf-8")


def other_addresses(text):
    return sorted(set(OURS.findall(text)) - {SOURCE, BOOK})


def test_no_file_has_another_address_of_the_project():
    wrong = {name: found for name, text in tracked_texts() if (found := other_addresses(text))}
    assert not wrong, f"pyproject.toml says {SOURCE} and {BOOK}; change these files: {wrong}"


@pytest.mark.parametrize("name", ["README.md", "CITATION.cff", "_config.yml", *NOTEBOOKS])
def test_the_source_is_named_where_it_is_needed(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    assert SOURCE in text, f"{name} does not name {SOURCE}, the Source of pyproject.toml"


@pytest.mark.parametrize("name", ["CITATION.cff", "_config.yml"])
def test_the_book_is_named_where_it_is_needed(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    assert BOOK in text, f"{name} does not name {BOOK}, the Book of pyproject.toml"


def test_another_address_is_noticed():
    moved = f"git+https://github.com/someone-else/{NAME}"
    assert other_addresses(f"{SOURCE} {BOOK} {moved}@main") == [moved.removeprefix("git+")]
