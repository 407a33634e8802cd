"""axe-core finds nothing on any page, light or dark, beyond a short list with reasons."""

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.browser.conftest import PAGES, open_all
from tests.browsers import open_page

# Findings in the theme's own furniture, with why they do no harm.
ALLOWED = {
    # The book's name at the top of the sidebar stands before the theme's landmarks.
    "region": "one link, reached first by keyboard",
    # A header that is a formula. Headers without anything in them are mended at the build.
    "empty-table-header": "axe does not read MathML; screen readers do",
}


# Otherwise axe fetches the style sheets again, and looks for what they import in the wrong place.
OPTIONS = {"preload": False, "resultTypes": ["violations"]}
# Thousands of elements differ in nothing that axe looks at. Of the coloured words of code and of
# signatures one of each kind stays; the glyphs of formulas go, screen readers get MathML instead.
THIN_OUT = """() => {
  const seen = new Set();
  for (const e of document.querySelectorAll("pre span, dl :is(span, em, strong, cite)")) {
    const place = [e, e.parentElement, e.parentElement.parentElement];
    const kind = place.map((a) => `${a.tagName}.${a.className}`).join(" ");
    if (seen.has(kind)) e.replaceWith(...e.childNodes);
    else seen.add(kind);
  }
  for (const e of document.querySelectorAll("mjx-math")) e.remove();
  document.body.normalize();
}"""
# Colours fade into each other; an animation that is replaced on the way is over, too.
FADED = """Promise.allSettled(document.getAnimations()
  .filter((animation) => animation.effect.getComputedTiming().endTime < Infinity)
  .map((animation) => animation.finished))"""
# In the dark only the colours differ.
LOOKS = {
    "light": OPTIONS,
    "dark": OPTIONS | {"runOnly": {"type": "rule", "values": ["color-contrast"]}},
}


@pytest.mark.parametrize("page", PAGES)
def test_axe_finds_nothing(browser, address, page):
    wrong = []
    with open_page(browser, f"{address}/{page}.html", color_scheme="light") as tab:
        for button in tab.locator("book-prediction button").all()[:1]:
            button.click()  # one form is answered, the others wait
        open_all(tab)
        tab.evaluate(THIN_OUT)
        for theme, options in LOOKS.items():
            tab.emulate_media(color_scheme=theme, reduced_motion="reduce")
            tab.wait_for_function(f"document.documentElement.dataset.theme === '{theme}'")
            tab.evaluate(FADED)
            wrong += [
                f"{theme}: {rule['id']} ({rule['help']}): "
                + "; ".join(node["html"][:120] for node in rule["nodes"][:3])
                for rule in Axe().run(tab, options=options).response["violations"]
                if rule["id"] not in ALLOWED
            ]
    assert not wrong, f"{page}:\n" + "\n".join(wrong)
