"""axe-core finds nothing on any page, light or dark, beyond a short list with reasons."""

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.browser.conftest import PAGES
from tests.browsers import open_page

# Findings in the theme's own furniture, with why they do no harm.
ALLOWED = {
    # The theme's search button is labelled "Search" and shows "Search Ctrl+K".
    "label-content-name-mismatch": "the visible text only adds the shortcut",
    # The logo link stands before the theme's landmarks.
    "region": "one link, reached first by keyboard",
}


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("page", PAGES)
def test_axe_finds_nothing(browser, address, page, theme):
    with open_page(browser, f"{address}/{page}.html", color_scheme=theme) as tab:
        tab.evaluate("MathJax.startup.promise")
        found = Axe().run(tab).response["violations"]
    wrong = [
        f"{rule['id']} ({rule['help']}): "
        + "; ".join(node["html"][:120] for node in rule["nodes"][:3])
        for rule in found
        if rule["id"] not in ALLOWED
    ]
    assert not wrong, f"{page} in {theme}:\n" + "\n".join(wrong)
