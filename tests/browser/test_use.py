"""A reader can do what readers do: search, copy, unfold, turn the page, change to dark, print."""

import re

import pytest

from tests.browser.conftest import CHAPTERS, HTML, PAGES
from tests.browsers import open_page, resize


def test_a_word_typed_into_the_search_field_leads_to_results(browser, address):
    with open_page(browser, f"{address}/{PAGES[0]}.html") as page:
        page.keyboard.press("Control+k")
        page.keyboard.type("temperature")
        page.keyboard.press("Enter")
        page.locator("#search-results li").first.wait_for()


def test_the_copy_button_copies_the_code(browser, address):
    url = f"{address}/book/definition.html"
    with open_page(browser, url, permissions=["clipboard-read", "clipboard-write"]) as page:
        cell = page.locator("div.highlight:has(button.copybtn):visible").first
        cell.hover()
        cell.locator("button.copybtn").click()
        copied = page.evaluate("navigator.clipboard.readText()")
        assert copied.strip() == cell.locator("pre").inner_text().strip()


def test_the_next_page_is_one_click_away(browser, address):
    with open_page(browser, f"{address}/{PAGES[1]}.html") as page:
        page.locator("a.right-next").click()
        page.wait_for_url(f"**/{PAGES[2]}.html")
        page.locator("a.left-prev").click()
        page.wait_for_url(f"**/{PAGES[1]}.html")


@pytest.mark.parametrize("side", ["primary", "secondary"])
def test_a_menu_over_the_page_makes_way(browser, address, side):
    """For what was chosen in it, and for its own column, as when a tablet is turned."""
    url, upright = f"{address}/book/stability.html", {"width": 820, "height": 1180}
    with open_page(browser, url, viewport=upright) as page:
        menu = page.locator(f"#pst-{side}-sidebar-modal[open]")
        toggle = page.locator(f"button.{side}-toggle:visible")
        choice = page.locator("book-prediction button").first
        toggle.click()
        menu.locator("a[href^='#']:visible").nth(0).click()
        menu.wait_for(state="detached")
        choice.click(trial=True)
        toggle.click()
        menu.wait_for()
        resize(page, 1366, 1024)
        assert page.locator(f".bd-sidebar-{side} a").first.is_visible()
        choice.click(trial=True)


def test_the_theme_button_changes_to_dark_and_the_page_remembers(browser, address):
    with open_page(browser, f"{address}/{PAGES[1]}.html", color_scheme="light") as page:
        for _ in range(3):
            if page.evaluate("document.documentElement.dataset.theme") == "dark":
                break
            page.locator("button.theme-switch-button:visible").first.click()
        page.goto(f"{address}/{PAGES[2]}.html")
        assert page.evaluate("document.documentElement.dataset.theme") == "dark"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_page_has_its_colours_before_the_theme_s_script_has_run(browser, address, scheme):
    with browser.new_page(color_scheme=scheme) as page:
        page.route("**/pydata-sphinx-theme.js*", lambda route: route.abort())
        page.goto(f"{address}/{PAGES[1]}.html")
        assert page.evaluate("document.documentElement.dataset.theme") == scheme


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_a_chapter_can_be_launched_downloaded_and_corrected(chapter):
    page = (HTML / f"book/{chapter}.html").read_text(encoding="utf-8")
    links = re.findall(r'href="(https://[^"]+)"', page)
    path = f"book/{chapter}.ipynb"
    for what, start in {
        "Binder": "https://mybinder.org/v2/gh/",
        "Colab": "https://colab.research.google.com/github/",
    }.items():
        assert any(link.startswith(start) and path in link for link in links), f"no {what} button"
    assert any(f"/edit/main/{path}" in link for link in links), "no link to edit the page"
    assert any("/issues/new" in link for link in links), "no link to report a mistake"
    assert f'href="../_sources/{path}"' in page, "no link to download the notebook"


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_a_chapter_prints_to_a_clean_pdf(browser, address, chapter):
    with open_page(browser, f"{address}/book/{chapter}.html", color_scheme="dark") as page:
        page.keyboard.press("Control+k")  # a question that was not asked yet
        page.emulate_media(media="print")
        unwanted = (
            ".bd-sidebar-primary, .bd-header-article, .prev-next-area, details:not([open]), dialog"
        )
        assert page.locator(unwanted).filter(visible=True).all_text_contents() == []
        page.evaluate(
            "addEventListener('beforeprint', () => { "
            "window.ground = getComputedStyle(document.body).backgroundColor; })"
        )
        pdf = page.pdf(format="A4", print_background=True)
        assert page.evaluate("window.ground") == "rgb(255, 255, 255)", "printed in dark colours"
        assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    pages = len(re.findall(rb"/Type\s*/Page\b", pdf))
    assert 5 <= pages <= 80, f"{chapter} prints on {pages} pages"


@pytest.mark.parametrize("before", [0, 1, 2])
def test_after_printing_a_page_is_as_dark_as_the_system(browser, address, before):
    """However often it was told that it will be printed, and whatever changed meanwhile."""
    theme = "document.documentElement.dataset.theme"
    with open_page(browser, f"{address}/{PAGES[1]}.html", color_scheme="dark") as page:
        for scheme in ("dark", "light"):
            for _ in range(before):
                page.evaluate("dispatchEvent(new Event('beforeprint'))")
                assert page.evaluate(theme) == "light"
            page.emulate_media(color_scheme=scheme)
            page.evaluate("dispatchEvent(new Event('afterprint'))")
            assert page.evaluate(theme) == scheme


@pytest.mark.parametrize("page", PAGES)
def test_a_link_to_a_page_shows_what_it_is(page):
    text = (HTML / f"{page}.html").read_text(encoding="utf-8")
    tags = dict(re.findall(r'<meta property="(og:[\w:]+)" content="([^"]*)"', text))
    base, _, picture = tags["og:image"].rpartition("/_static/")
    assert (HTML / "_static" / picture).stat().st_size < 300_000
    assert tags["og:url"] == f"{base}/{page}.html"
    assert len(tags["og:title"]) > 5
    assert "<" not in tags["og:title"]
    assert len(tags["og:description"].split()) > 3


def test_the_book_can_be_cited():
    for page in PAGES:
        assert "CITATION.cff" in (HTML / f"{page}.html").read_text(encoding="utf-8")
