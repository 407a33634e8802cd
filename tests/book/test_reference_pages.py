"""The API page documents every public name, and the glossary defines every term that is linked."""

import importlib
import re

import pytest

from tests.book.notebooks import BOOK, listed_notebooks, read

API = (BOOK / "api.md").read_text()
GLOSSARY = (BOOK / "glossary.md").read_text()
CHARTS = ("definition", "logits", "soft_max", "stability", "gradients", "cross_entropy", "scale")


def documented():
    return set(re.findall(r"^\.\. auto(?:function|class):: (\S+)$", API, flags=re.MULTILINE))


@pytest.mark.parametrize("module", ["", ".torch", ".exercises"])
def test_every_public_name_is_on_the_api_page(module):
    module = importlib.import_module(f"softmax_lab{module}")
    missing = {f"{module.__name__}.{name}" for name in module.__all__} - documented()
    assert not missing, f"add to book/api.md: {sorted(missing)}"


def test_every_figure_is_on_the_api_page():
    figures = importlib.import_module("softmax_lab.figures")
    still = {f"softmax_lab.figures.{n}" for n in figures.__all__ if callable(getattr(figures, n))}
    missing = still - documented()
    assert not missing, f"add to book/api.md: {sorted(missing)}"
    for chapter in CHARTS:
        assert f"softmax_lab.figures.{chapter}." in API, f"book/api.md shows no chart of {chapter}"


def test_the_api_page_documents_nothing_that_is_gone():
    for name in documented():
        module, _, attribute = name.rpartition(".")
        assert hasattr(importlib.import_module(module), attribute), f"book/api.md: no {name}"


def test_every_linked_term_is_in_the_glossary():
    pages = [cell.source for path in listed_notebooks() for cell in read(path).cells]
    pages += [path.read_text() for path in BOOK.glob("*.md")]
    linked = {term for page in pages for term in re.findall(r"\]\(#(term-[\w-]+)\)", page)}
    defined = set(re.findall(r"^\((term-[\w-]+)\)=$", GLOSSARY, flags=re.MULTILINE))
    assert not linked - defined, f"define in book/glossary.md: {sorted(linked - defined)}"


def test_the_glossary_is_in_alphabetical_order():
    terms = re.findall(r"^\((term-[\w-]+)\)=$", GLOSSARY, flags=re.MULTILINE)
    assert terms == sorted(terms)


@pytest.mark.parametrize("backend", ["softmax_lab", "softmax_lab.torch"])
def test_every_docstring_leads_back_to_the_section_that_teaches_it(backend):
    module = importlib.import_module(backend)
    book = "".join(path.read_text(encoding="utf-8") for path in BOOK.glob("*.ipynb"))
    for name in module.__all__:
        taught = re.search(r"Taught in :ref:`([\w-]+)`\.", getattr(module, name).__doc__)
        assert taught, f"{backend}.{name}: say `Taught in :ref:`sec-…`.` in the Notes"
        assert f"({taught[1]})=" in book, f"{backend}.{name} names {taught[1]}, which is no section"


def test_the_index_of_ideas_is_sorted_and_every_entry_leads_somewhere():
    lines = [line for line in (BOOK / "ideas.md").read_text().splitlines() if line[:2] == "- "]
    assert len(lines) >= 60
    heads = [re.match(r"- \*\*(.+?)\*\*", line).group(1).lower().lstrip("−") for line in lines]
    assert heads == sorted(set(heads)), "sort the entries of ideas.md"
    aimless = [line for line in lines if not re.search(r"\]\(#[\w-]+\)", line)]
    assert not aimless, f"these entries of ideas.md link to no section: {aimless}"
