"""Each of the article's 39 claims has one verdict, one proof, and a chapter that teaches it."""

import ast
import re
from typing import NamedTuple

import pytest
from nbformat import v4

from tests.book.notebooks import BOOK, listed_notebooks, read

TRUE, CARE, FALSE = "claim-true", "claim-care", "claim-false"
WORDS = {TRUE: "True", CARE: "True with care", FALSE: "False"}
# The book's verdicts on the article. C28 says that log-softmax *followed by exp* is more stable: as
# a way to probabilities it is the less accurate one, hence false. What is right in it is C37.
# A sentence that is false in one half, as C29 and C33 are, is false.
VERDICTS = dict.fromkeys(range(1, 40), TRUE)
VERDICTS |= dict.fromkeys([1, 5, 9, 16, 17, 19, 21, 23, 32, 34], CARE)
VERDICTS |= dict.fromkeys([13, 18, 27, 28, 29, 33, 35], FALSE)
NUMBERS = sorted(VERDICTS)


class Claim(NamedTuple):
    """A section of claims.ipynb."""

    number: int
    title: str
    text: str
    code: str


class Box(NamedTuple):
    """An admonition "The article says (C8): …" in a chapter, or the line that says it is true."""

    number: int
    verdict: str
    text: str
    page: str


def claims_in(notebook):
    """Return the sections that begin with a label and a heading, in their order."""
    claims = []
    for cell in notebook.cells:
        start = re.match(r"\(claim-c(\d+)\)=\n+## C(\d+) · (.+)\n", cell.source)
        if cell.cell_type == "markdown" and start:
            label, number, title = start.groups()
            assert label == number, f"the label claim-c{label} stands above the heading C{number}"
            claims.append(Claim(int(number), title, cell.source, ""))
        elif cell.cell_type == "code" and claims:
            claims[-1] = claims[-1]._replace(code=f"{claims[-1].code}{cell.source}\n")
    return claims


LINE = re.compile(r"^\*\*The article\*\* on this, \[C(\d+)\]\(#claim-c\1\): true\b", re.MULTILINE)


def boxes_in(notebook, page):
    """Return the claim boxes of a chapter; C0 is the introduction's example of one."""
    pattern = (
        r"^(:{3,})\{admonition\} The article says \(C(\d+)\)[^\n]*\n"
        r":class: claim (\S+)\n(.*?)^\1$"
    )
    return [
        Box(int(number), verdict, text.strip(), page)
        for cell in notebook.cells
        if cell.cell_type == "markdown"
        for _, number, verdict, text in re.findall(pattern, cell.source, re.MULTILINE | re.DOTALL)
        if number != "0"
    ]


def lines_in(notebook, page):
    """Return the claims that need no box, for they surprise nobody: each is said to be true."""
    return [
        Box(int(number), TRUE, f"**True** [C{number}](#claim-c{number})", page)
        for cell in notebook.cells
        if cell.cell_type == "markdown"
        for number in LINE.findall(cell.source)
    ]


def labels_in(notebook):
    text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    return set(re.findall(r"^\(([\w-]+)\)=$", text, re.MULTILINE))


def assertions_in(code):
    """Count `assert` statements and calls such as `np.testing.assert_allclose`."""
    names = (
        getattr(node.func, "attr", getattr(node.func, "id", ""))
        for node in ast.walk(ast.parse(code))
        if isinstance(node, ast.Call)
    )
    statements = sum(isinstance(node, ast.Assert) for node in ast.walk(ast.parse(code)))
    return statements + sum(name.startswith("assert_") for name in names)


def table_row(claim):
    """Return the row of the table on top of claims.ipynb that says what the section says."""
    link = re.search(r"Taught in (\[[^\]]+\]\(#[\w-]+\))", claim.text).group(1)
    verdict = WORDS[VERDICTS[claim.number]]
    return f"| [C{claim.number}](#claim-c{claim.number}) | {claim.title} | {verdict} | {link} |"


NOTEBOOK = read(BOOK / "claims.ipynb")
CLAIMS = claims_in(NOTEBOOK)
BY_NUMBER = {claim.number: claim for claim in CLAIMS}
PAGES = {path.stem: read(path) for path in listed_notebooks() if path.stem != "claims"}
BOXES = [
    box
    for page, notebook in PAGES.items()
    for box in (*boxes_in(notebook, page), *lines_in(notebook, page))
]
every_claim = pytest.mark.parametrize("number", NUMBERS, ids=lambda number: f"C{number}")


def claim(number):
    assert number in BY_NUMBER, (
        f"claims.ipynb has no section C{number}: add one that begins with the label "
        f"(claim-c{number})= and the heading ## C{number} · <the claim>"
    )
    return BY_NUMBER[number]


def test_every_claim_stands_once_and_in_the_article_s_order():
    assert [claim.number for claim in CLAIMS] == NUMBERS, (
        "claims.ipynb must hold C1 to C39, each once, in this order"
    )


@every_claim
def test_a_claim_is_proved(number):
    assert assertions_in(claim(number).code) > 0, (
        f"the cell of C{number} asserts nothing: let it fail when the verdict is wrong"
    )


@every_claim
def test_a_claim_has_its_verdict(number):
    verdict = VERDICTS[number]
    opening = f":::{{admonition}} {WORDS[verdict]}\n:class: claim {verdict}\n"
    assert opening in claim(number).text, (
        f"the verdict on C{number} is “{WORDS[verdict]}”: its box must begin with\n{opening}"
    )


@every_claim
def test_a_claim_is_linked_from_the_chapter_that_teaches_it(number):
    boxes = [box for box in BOXES if box.number == number]
    assert boxes, (
        f"no chapter has a box “The article says (C{number}): …” with class claim, "
        f"nor a line “**The article** on this, [C{number}](#claim-c{number}): true …”"
    )
    for box in boxes:
        assert f"](#claim-c{number})" in box.text, (
            f"the box on C{number} in {box.page}.ipynb must end with "
            f"Proof: [C{number}](#claim-c{number})."
        )
        assert box.verdict == VERDICTS[number], (
            f"{box.page}.ipynb calls C{number} {box.verdict}; the verdict is {VERDICTS[number]}"
        )
        assert re.match(rf"\*\*{WORDS[box.verdict]}[.,;]?\*\*", box.text), (
            f"the box on C{number} in {box.page}.ipynb must begin with **{WORDS[box.verdict]}**"
        )


@every_claim
def test_a_claim_links_back_to_the_chapter_that_teaches_it(number):
    links = set(re.findall(r"\]\(#([\w-]+)\)", claim(number).text))
    pages = sorted({box.page for box in BOXES if box.number == number})
    assert any(links & labels_in(PAGES[page]) for page in pages), (
        f"C{number} must say “Taught in [title](#label)” with a label of {' or '.join(pages)}"
        f".ipynb; it links to {', '.join(sorted(links)) or 'nothing'}"
    )


@every_claim
def test_the_table_says_what_the_section_says(number):
    row = table_row(claim(number))
    rows = [line for cell in NOTEBOOK.cells[:6] for line in cell.source.splitlines()]
    assert rows.count(row) == 1, f"the table on top of claims.ipynb must hold this row:\n{row}"


def test_the_table_has_no_other_rows():
    text = "\n".join(cell.source for cell in NOTEBOOK.cells if cell.cell_type == "markdown")
    rows = re.findall(r"^\| \[C\d+\]", text, re.MULTILINE)
    assert len(rows) == len(NUMBERS), f"the table of claims has {len(rows)} rows in place of 39"


SECTION = "(claim-c8)=\n## C8 · A title\n\n:::{admonition} True\n:class: claim claim-true\n\nx\n:::"


def test_a_section_takes_the_code_below_it():
    cells = [v4.new_code_cell("before"), v4.new_markdown_cell(SECTION), v4.new_code_cell("p = 1")]
    (found,) = claims_in(v4.new_notebook(cells=cells))
    assert (found.number, found.title, found.code) == (8, "A title", "p = 1\n")


def test_a_label_above_another_claim_s_heading_is_noticed():
    wrong = v4.new_markdown_cell(SECTION.replace("claim-c8", "claim-c9"))
    with pytest.raises(AssertionError, match="claim-c9 stands above the heading C8"):
        claims_in(v4.new_notebook(cells=[wrong]))


def test_boxes_are_found_one_by_one_and_the_introduction_s_example_is_not():
    text = ":::{{admonition}} The article says (C{}): x\n:class: claim claim-care\n\n**True**\n:::"
    two_in_a_cell = v4.new_markdown_cell(f"{text.format(7)}\n\n{text.format(8)}")
    cells = [v4.new_markdown_cell(text.format(0)), two_in_a_cell]
    found = boxes_in(v4.new_notebook(cells=cells), "page")
    assert found == [Box(n, "claim-care", "**True**", "page") for n in (7, 8)]


@pytest.mark.parametrize(
    ("code", "count"),
    [
        ("print(1)", 0),
        ("assert x", 1),
        ("np.testing.assert_allclose(a, b)", 1),
        ("for _ in x:\n    assert y\n    torch.testing.assert_close(a, b)", 2),
        ("# assert x\n'assert y'", 0),
    ],
)
def test_assertions_are_counted(code, count):
    assert assertions_in(code) == count
