"""Who reads by keyboard sees where they are, and who chooses the colours sees what is marked."""

import pytest

from tests.browser.conftest import open_all
from tests.browsers import open_page

# Of what can have the focus, one of each kind that does not show it.
UNSHOWN = """() => {
  const kinds = new Map();
  const reached = "a[href], button:enabled, summary, input, [tabindex='0']";
  for (const e of document.querySelectorAll(reached))
    if (e.checkVisibility({visibilityProperty: true})) kinds.set(`${e.tagName}.${e.className}`, e);
  const look = (e) => {
    const s = getComputedStyle(e);
    return [s.outlineStyle !== "none" && s.outline, s.boxShadow, s.border].join();
  };
  const unshown = [];
  for (const [kind, e] of kinds) {
    document.activeElement.blur();
    const before = look(e);
    e.focus();
    for (const animation of document.getAnimations()) animation.finish();
    if (look(e) === before || !e.checkVisibility({opacityProperty: true})) unshown.push(kind);
  }
  return unshown;
}"""


@pytest.mark.parametrize("width", [390, 1280])
def test_whatever_has_the_focus_shows_it(browser, address, width):
    window = {"width": width, "height": 844}
    url = f"{address}/book/definition.html"
    with open_page(browser, url, viewport=window, reduced_motion="reduce") as tab:
        open_all(tab)
        tab.keyboard.press("Tab")  # from here on the focus is that of a keyboard
        assert not tab.evaluate(UNSHOWN)


def test_the_focus_goes_on_where_a_button_vanishes(browser, address):
    with open_page(browser, f"{address}/book/definition.html") as tab:
        tab.evaluate("document.documentElement.toggleAttribute('data-core', true)")
        tab.locator(".unfold").first.press("Enter")
        assert tab.evaluate("document.activeElement.parentElement.matches('section.deeper')")
        tab.locator("book-prediction button").first.press("Enter")
        tab.locator("book-tally button").press("Enter")
        assert tab.evaluate("document.activeElement.matches('book-tally p')")


@pytest.mark.parametrize("opens", [".dropdown-reading > button", ".search-button:visible"])
def test_escape_closes_what_was_opened_and_gives_the_focus_back(browser, address, opens):
    window = {"width": 390, "height": 844}
    with open_page(browser, f"{address}/book/definition.html", viewport=window) as tab:
        button = tab.locator(opens).first
        button.press("Enter")
        opened = tab.locator(":is(.dropdown-menu.show, dialog[open])")
        opened.wait_for()
        tab.keyboard.press("Escape")
        opened.wait_for(state="hidden")
        assert button.evaluate("e => e === document.activeElement")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_colours_that_the_system_chooses_leave_marks_and_pictures_visible(browser, address, theme):
    url = f"{address}/book/definition.html"
    with open_page(browser, url, forced_colors="active", color_scheme=theme) as tab:
        open_all(tab)
        look = "e => [getComputedStyle(e).backgroundColor, getComputedStyle(e).filter]"
        picture = tab.locator(".cell_output img[src$='.svg']").first
        assert picture.evaluate(look) == ["rgb(255, 255, 255)", "none"], "ink without its paper"
        tab.locator(".symbols button").first.click()
        ground, _ = tab.locator(".bd-article").evaluate(look)
        for lit in tab.locator(".lit").all():
            assert lit.evaluate(look)[0] not in (ground, "rgba(0, 0, 0, 0)"), "no mark is seen"
