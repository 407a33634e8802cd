"""Every page of the built book, as a reader meets it: complete, silent, and within the window."""

import pytest

from tests.browser.conftest import PAGES, open_all
from tests.browsers import open_page

WIDTHS = {"desk": 1280, "phone": 390}

# Runs in the page. Returns what is wrong with it, in words; an empty list where nothing is.
INSPECT = """async () => {
  const wrong = [];
  const root = document.documentElement;
  if (root.scrollWidth > root.clientWidth + 1) {
    const wide = [...document.querySelectorAll("body *")].find(
      (e) => e.getBoundingClientRect().right > root.clientWidth + 1 && e.offsetParent &&
        !e.closest("pre, table, .math, .bd-sidebar"));
    wrong.push(`wider than the window (${root.scrollWidth}): ${wide?.outerHTML.slice(0, 120)}`);
  }
  for (const image of document.querySelectorAll(".bd-article img")) {
    image.loading = "eager";
    await image.decode().catch(() => {});
    if (!image.naturalWidth) wrong.push(`a picture that does not load: ${image.src}`);
    if (image.clientWidth < 8) wrong.push(`a picture that is not seen: ${image.src}`);
    const alt = image.alt.trim();
    if (alt.split(" ").length < 4) wrong.push(`alt text that tells nothing: "${alt}"`);
  }
  for (const chart of document.querySelectorAll(".chart")) {
    if (!chart.querySelector("svg")) wrong.push("a chart that is not drawn");
    if (!chart.getAttribute("aria-label")) wrong.push("a chart without a text alternative");
  }
  return wrong;
}"""


# Each way to open the book begins at another width, so that each width is loaded and turned to.
WAYS = {"http": ["phone", "desk"], "file": ["desk", "phone"]}


@pytest.mark.parametrize("scheme", WAYS)
@pytest.mark.parametrize("page", PAGES)
def test_a_page_is_complete_silent_and_fits(browser, addresses, page, scheme):
    url = f"{addresses[scheme]}/{page}.html"
    sizes = {width: {"width": WIDTHS[width], "height": 900} for width in WAYS[scheme]}
    wrong = {}
    # open_page fails on a console message and on a request to anywhere else.
    with open_page(browser, url, viewport=sizes[WAYS[scheme][0]]) as tab:
        open_all(tab)
        for width, size in sizes.items():
            tab.set_viewport_size(size)
            for theme in ("light", "dark"):
                tab.emulate_media(color_scheme=theme)
                tab.wait_for_function(f"document.documentElement.dataset.theme === '{theme}'")
                wrong[width, theme] = tab.evaluate(INSPECT)
    assert not any(wrong.values()), wrong
