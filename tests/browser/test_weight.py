"""A page is light enough for a slow line, and nothing in it jumps while it opens."""

from tools.pages import LIGHT, LIGHT_WITH_CHART, STILL, has_chart, weigh


def test_nothing_jumps_while_a_page_opens(tab):
    assert tab.shift <= STILL, f"{tab.name} jumps while it opens: what has no size at first?"


def test_a_page_is_light(tab):
    bar = LIGHT_WITH_CHART if has_chart(tab.name) else LIGHT
    _, size = weigh(tab)
    assert size <= bar, (
        f"{tab.name} fetches {size:,} bytes; at most {bar:,}: which picture is large?"
    )
