"""What the tests of the built pages share: the pages, over http and from disk, in one browser."""

import pytest

from softmax_lab.cli._start import chapters
from tests.book.notebooks import ROOT, listed_pages
from tests.browsers import serve

HTML = ROOT / "_build" / "html"
PAGES = listed_pages()
CHAPTERS = chapters()


def open_all(page):
    """Uncover what waits for an answer, as the switch in the page's header does."""
    page.evaluate("document.documentElement.toggleAttribute('data-answers', true)")
    page.evaluate("uncovered()")


@pytest.fixture(scope="session")
def addresses():
    """The book's address by scheme: served on localhost, and opened from disk."""
    missing = [page for page in PAGES if not (HTML / f"{page}.html").exists()]
    assert not missing, f"not built: {missing}; run `make book`"
    with serve(HTML) as address:
        yield {"http": address, "file": HTML.as_uri()}


@pytest.fixture
def address(addresses):
    """The book's address on localhost."""
    return addresses["http"]
