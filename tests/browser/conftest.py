"""What the tests of the built pages share: the pages, over http and from disk, in one browser.

To open a page takes longer than to look at it. Tests that only look share one that is open: `tab`.
"""

import pytest

from softmax_lab.cli._start import chapters
from tests.book.notebooks import ROOT, listed_pages
from tests.browsers import STILL, resize, serve
from tools.pages import measure, opened

HTML = ROOT / "_build" / "html"
PAGES = listed_pages()
CHAPTERS = chapters()
PHONE = {"width": 390, "height": 844}


# What waits for an answer, uncovered as the switch in the page's header does.
OPEN_ALL = """() => {
  document.documentElement.toggleAttribute("data-answers", true);
  uncovered();
}"""
# And all folds, which say a little later that they are open.
UNFOLD = """() => Promise.all(
  [...document.querySelectorAll(".bd-article details:not([open])")].map((fold) => {
    fold.open = true;
    return new Promise((told) => fold.addEventListener("toggle", told, { once: true }));
  }))"""


def open_all(page):
    """Uncover what waits for an answer."""
    page.evaluate(OPEN_ALL)


def unfold(page):
    """Uncover what waits for an answer, and open all folds."""
    open_all(page)
    page.evaluate(UNFOLD)
    page.evaluate(STILL)


@pytest.fixture(scope="session")
def addresses():
    """The book's address by scheme: served on localhost, and opened from disk."""
    missing = [page for page in PAGES if not (HTML / f"{page}.html").exists()]
    assert not missing, f"not built: {missing}; run `make book`"
    with serve(HTML) as address:
        yield {"http": address, "file": HTML.as_uri()}


# The tests of one page go to one worker.
@pytest.fixture(
    scope="session",
    params=[pytest.param(page, marks=pytest.mark.xdist_group(page)) for page in PAGES],
)
def opened_page(browser, addresses, request):
    """A page on a phone, that came over a slow line."""
    with (
        serve(HTML, slowly=True) as address,
        opened(browser, f"{address}/{request.param}.html", viewport=PHONE) as tab,
    ):
        tab.name, tab.shift = request.param, measure(tab)["shift"]
        yield tab


@pytest.fixture
def tab(opened_page):
    """A page on a phone with all that can be opened open, whatever the test before did to it."""
    opened_page.emulate_media(media="screen", color_scheme="light")
    resize(opened_page, **PHONE)
    if opened_page.locator("[data-answers]").count() == 0:
        unfold(opened_page)
    return opened_page


@pytest.fixture
def address(addresses):
    """The book's address on localhost."""
    return addresses["http"]
