"""A page is light enough for a slow line: 2.0 MB, and 3.0 MB where a chart moves."""

import pytest

from tests.browser.conftest import HTML, PAGES
from tools.pages import weigh


@pytest.mark.parametrize("page", PAGES)
def test_a_page_is_light(browser, address, page):
    chart = 'class="chart"' in (HTML / f"{page}.html").read_text(encoding="utf-8")
    bar = 3_000_000 if chart else 2_000_000
    size, _ = weigh(browser, address, page)
    assert size <= bar, f"{page} fetches {size:,} bytes; at most {bar:,}: which picture is large?"
