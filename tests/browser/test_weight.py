"""A page is light enough for a slow line, and nothing in it jumps while it opens."""

import pytest

from tests.browser.conftest import PAGES
from tools.pages import LIGHT, LIGHT_WITH_CHART, STILL, has_chart, measure, visit, weigh


@pytest.mark.parametrize("page", PAGES)
def test_a_page_is_light_and_nothing_jumps(browser, address, page):
    bar = LIGHT_WITH_CHART if has_chart(page) else LIGHT
    with visit(browser, address, page, slower=4) as tab:
        shift = measure(tab)["shift"]
        _, size = weigh(tab)
    assert shift <= STILL, f"{page} jumps while it opens: what has no size at first?"
    assert size <= bar, f"{page} fetches {size:,} bytes; at most {bar:,}: which picture is large?"
