"""Every prediction has one right choice, which a cell asserts, and a sentence for each."""

import ast
import re
from collections import Counter

import pytest

from tests.book.notebooks import listed_notebooks, read

ITEM = re.compile(r"^\d+\. (.+?)(?=^\d+\. |\Z)", flags=re.MULTILINE | re.DOTALL)
CUE = re.compile(r"^\*\*Predict\.\*\*", flags=re.MULTILINE)
HEADING = re.compile(r"^#+ ", flags=re.MULTILINE)
CHOSEN = re.compile(r"^# The right choice: (.+)$", flags=re.MULTILINE)


def predictions(notebook):
    """Return of each prediction its Markdown and the sources of the code cells that follow it.

    Those are the cells up to the next prediction or heading.
    """
    found, at_work = [], None
    for cell in notebook.cells:
        if cell.cell_type == "code" and at_work is not None:
            at_work[1].append(cell.source)
        if cell.cell_type != "markdown":
            continue
        pieces = re.split(r"(?m)^(?=\*\*Predict\.\*\*|#+ )", cell.source)
        for piece in pieces:
            if CUE.match(piece):
                at_work = (piece, [])
                found.append(at_work)
            elif HEADING.match(piece):
                at_work = None
    return found


def choices_and_sentences(markdown):
    """Return the choices of a prediction and a sentence for each, both empty where it has none."""
    before, mark, after = markdown.partition("<details>")
    sentences = after.partition("</details>")[0].partition("</summary>")[2]
    if not mark:
        return [], []
    first = re.search(r"^1\. ", before, flags=re.MULTILINE)
    return _items(before[first.start() :]), _items(sentences)


def _items(text):
    return [" ".join(item.split()) for item in ITEM.findall(text)]


def asserts(source):
    """Return whether code has an assertion, of Python or of NumPy."""
    return any(
        isinstance(node, ast.Assert)
        or (isinstance(node, ast.Attribute) and node.attr.startswith("assert_"))
        for node in ast.walk(ast.parse(re.sub(r"(?m)^\s*%.*$", "", source)))
    )


def wrong_with(markdown):
    """Return what a prediction lacks, in words; None if nothing.

    One without choices asks for an answer in the reader's own words, and lacks nothing.
    """
    choices, sentences = choices_and_sentences(markdown)
    if not choices:
        return None
    if not 2 <= len(choices) <= 4 or len(sentences) != len(choices):
        return f"{len(choices)} choices with {len(sentences)} sentences"
    right = sum(words.startswith("**Right.**") for words in sentences)
    if right != 1:
        return f"{right} right choices"
    if len(set(choices)) < len(choices) or len(set(sentences)) < len(sentences):
        return "the same choice or sentence twice"
    if min(len(words.split()) for words in sentences) < 4:
        return "a sentence that says nothing"
    return None


def unasserted(markdown, cells):
    """Return the right choice if no cell of a prediction names and asserts it, else None."""
    choices, sentences = choices_and_sentences(markdown)
    for choice, words in zip(choices, sentences, strict=True):
        if words.startswith("**Right.**"):
            named = [
                source[comment.end() :]
                for source in cells
                for comment in CHOSEN.finditer(source)
                if " ".join(comment[1].split()) == choice
            ]
            return None if any(map(asserts, named)) else choice
    return None


NOTEBOOKS = [path for path in listed_notebooks() if predictions(read(path))]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_each_prediction_has_one_right_choice_and_a_sentence_for_each(path):
    wrong = {
        " ".join(markdown.split())[:70]: reason
        for markdown, _ in predictions(read(path))
        if (reason := wrong_with(markdown))
    }
    assert not wrong, f"{path.name}: {wrong}"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_right_choice_is_asserted(path):
    missing = [choice for one in predictions(read(path)) if (choice := unasserted(*one))]
    assert not missing, (
        f"{path.name}: below the prediction, a cell with the line “# The right choice: …” "
        f"and below it an assertion, for each of {missing}"
    )


def places(path):
    """Return for each prediction with choices the place of the right one, from 1."""
    sentences = [choices_and_sentences(markdown)[1] for markdown, _ in predictions(read(path))]
    return [
        1 + [words.startswith("**Right.**") for words in each].index(True)
        for each in sentences
        if each
    ]


def test_who_always_takes_the_same_place_is_seldom_right():
    chapters = {path.stem: places(path) for path in NOTEBOOKS}
    everywhere = Counter(place for each in chapters.values() for place in each)
    assert max(everywhere.values()) <= 0.4 * everywhere.total(), f"order them anew: {everywhere}"
    for chapter, each in chapters.items():
        runs = [set(each[n : n + 4]) for n in range(len(each) - 3)]
        assert all(len(run) > 1 for run in runs), f"{chapter}: one place, four times in a row"


def test_the_right_choice_is_not_known_by_its_length():
    longest = [
        max(choices, key=len) == choices[place - 1]
        for path in NOTEBOOKS
        for (choices, _), place in zip(
            filter(all, (choices_and_sentences(text) for text, _ in predictions(read(path)))),
            places(path),
            strict=True,
        )
    ]
    assert sum(longest) <= 0.5 * len(longest), f"{sum(longest)} of {len(longest)} are the longest"


GOOD = """**Predict.** Which?

1. This
2. That

<details><summary>What each is worth</summary>

1. It is tempting, because it comes first.
2. **Right.** It is the last one here.

</details>"""
NAMED = "# The right choice: That\nassert 1 + 1 == 2"


@pytest.mark.parametrize(
    "markdown",
    [
        GOOD.replace("**Right.** ", ""),
        GOOD.replace("1. It", "1. **Right.** It"),
        GOOD.replace("1. It is tempting, because it comes first.\n", ""),
        GOOD.replace("It is tempting, because it comes first.", "No."),
        GOOD.replace("1. This", "1. That").replace("2. That", "2. That"),
    ],
)
def test_an_incomplete_prediction_is_noticed(markdown):
    assert wrong_with(GOOD) is None
    assert wrong_with(markdown)


@pytest.mark.parametrize(
    "cell",
    [
        "assert 1 + 1 == 2",
        "# The right choice: That\n1 + 1",
        "# The right choice: This\nassert True",
        "assert True\n# The right choice: That",
    ],
)
def test_a_right_choice_that_no_cell_asserts_is_noticed(cell):
    assert unasserted(GOOD, [NAMED]) is None
    assert unasserted(GOOD, [cell]) == "That"
