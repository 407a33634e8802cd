"""The questions page: enough of them, each answered shortly, each leading to where it is shown."""

import re

import pytest

from tests.book.notebooks import BOOK, listed_notebooks, read

LABEL = re.compile(r"^\(([\w-]+)\)=$", re.MULTILINE)


def questions():
    """Return {question: its answer} as the page has them."""
    cells = read(BOOK / "questions.ipynb").cells
    text = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    parts = re.split(r"^#+ (.*)$", text, flags=re.MULTILINE)
    pairs = zip(parts[1::2], parts[2::2], strict=True)
    return {title: body.strip() for title, body in pairs if title.endswith("?")}


def labels():
    """Return the labels of the chapters' sections."""
    return {
        label
        for path in listed_notebooks()
        if path.stem != "questions"
        for cell in read(path).cells
        if cell.cell_type == "markdown"
        for label in LABEL.findall(cell.source)
    }


def test_there_are_sixty_questions_or_more():
    assert len(questions()) >= 60


@pytest.mark.parametrize("question", questions())
def test_every_question_is_answered_shortly_and_leads_to_a_section(question):
    answer = questions()[question]
    targets = re.findall(r"\]\(#([\w-]+)\)", answer)
    assert targets, f"“{question}” links to no section: add [its title](#sec-…)"
    lost = set(targets) - labels()
    assert not lost, f"“{question}” leads to {lost}, which no chapter has"
    words = len(re.sub(r"\]\(#[\w-]+\)", "]", answer).split())
    assert 10 <= words <= 80, f"“{question}” has {words} words: two or three sentences are enough"
