"""axe-core finds nothing on any page, light or dark, beyond a short list with reasons."""

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.browser.conftest import PAGES
from tests.browsers import STILL, open_page, resize

DESK = {"width": 1280, "height": 720}
# Findings in the theme's own furniture, with why they do no harm.
ALLOWED = {
    # The book's name at the top of the sidebar stands before the theme's landmarks.
    "region": "one link, reached first by keyboard",
    # A header that is a formula. Headers without anything in them are mended at the build.
    "empty-table-header": "axe does not read MathML; screen readers do",
}


# Otherwise axe fetches the style sheets again, and looks for what they import in the wrong place.
OPTIONS = {"preload": False, "resultTypes": ["violations"]}
CONTRAST = OPTIONS | {"runOnly": {"type": "rule", "values": ["color-contrast"]}}
OTHERS = OPTIONS | {"rules": {"color-contrast": {"enabled": False}}}
# Thousands of elements differ in nothing that axe looks at. Of the coloured words of code and of
# signatures one of each kind stays. The glyphs of formulas go: screen readers get MathML instead,
# into which axe does not look.
THIN_OUT = """() => {
  const seen = new Set();
  for (const e of document.querySelectorAll("pre span, dl :is(span, em, strong, cite)")) {
    const place = [e, e.parentElement, e.parentElement.parentElement];
    const kind = place.map((a) => `${a.tagName}.${a.className}`).join(" ");
    if (seen.has(kind)) e.replaceWith(...e.childNodes);
    else seen.add(kind);
  }
  for (const e of document.querySelectorAll("mjx-math")) e.remove();
  for (const e of document.querySelectorAll("math")) e.textContent = e.textContent;
  document.body.normalize();
}"""
# Notes how each element is coloured, and all that it stands in: what lies over something else has
# a look of its own.
NOTE_LOOKS = """() => {
  window.looks ??= new Map([[document.documentElement, "html"]]);
  const now = new Map([[document.documentElement, 0]]), numbers = new Map();
  for (const e of document.body.querySelectorAll("*")) {
    const s = getComputedStyle(e);
    const own = s.position === "absolute" ? now.size : [e.tagName, e.className, s.color,
      s.backgroundColor, s.backgroundImage, s.opacity, s.fontSize, s.fontWeight, s.textShadow];
    const look = [now.get(e.parentElement), own, looks.get(e)].join();
    if (!numbers.has(look)) numbers.set(look, numbers.size);
    now.set(e, numbers.get(look));
  }
  looks = now;
}"""
# Of what looks the same, light and dark, one stays: the text of the others goes, and what is left
# with nothing in it.
LEAVE_ONE = """() => {
  for (const e of document.querySelectorAll("mjx-container")) e.remove(); // nobody sees MathML
  const seen = new Set(), rest = [];
  for (const [e, look] of looks) {
    const texts = [...e.childNodes].filter((node) => node.nodeType === Node.TEXT_NODE);
    if (!texts.some((text) => text.data.trim()) || !e.checkVisibility()) continue;
    if (seen.has(look)) rest.push(e, ...texts);
    seen.add(look);
  }
  for (const node of rest.reverse()) if (!node.childNodes.length) node.remove();
}"""


def turn(tab, theme):
    """Turn the page light or dark."""
    tab.emulate_media(color_scheme=theme, reduced_motion="reduce")
    tab.wait_for_function(f"document.documentElement.dataset.theme === '{theme}'")
    tab.evaluate(STILL)


def violations(tab, options):
    """Return what axe finds, in words."""
    return [
        f"{rule['id']} ({rule['help']}): "
        + "; ".join(node["html"][:120] for node in rule["nodes"][:3])
        for rule in Axe().run(tab, options=options).response["violations"]
        if rule["id"] not in ALLOWED
    ]


def pale(tab):
    """Return what axe finds to be pale, of a page that is light by now."""
    tab.evaluate(NOTE_LOOKS)
    turn(tab, "dark")
    tab.evaluate(NOTE_LOOKS)
    tab.evaluate(LEAVE_ONE)
    wrong = {"dark": violations(tab, CONTRAST)}
    turn(tab, "light")
    return wrong | {"light": violations(tab, CONTRAST)}


@pytest.fixture
def spare(tab):
    """A page of which a test may take out what it likes."""
    resize(tab, **DESK)
    yield tab
    tab.evaluate("localStorage.clear()")
    tab.reload()


def test_axe_finds_nothing(spare):
    for button in spare.locator("book-prediction button").all()[:1]:
        button.click()  # one form is answered, the others wait
    spare.evaluate(THIN_OUT)
    turn(spare, "light")
    wrong = {"both": violations(spare, OTHERS)} | pale(spare)
    assert not any(wrong.values()), f"{spare.name}: {wrong}"


@pytest.mark.parametrize(("theme", "ink"), [("light", "#bbb"), ("dark", "#555")])
def test_one_pale_line_among_many_is_found(browser, address, theme, ink):
    with open_page(browser, f"{address}/{PAGES[-1]}.html", color_scheme="light") as tab:
        last = ".bd-article .citation:last-of-type"
        assert tab.locator(last).count() == 1
        rule = f"html[data-theme={theme}] {last} {{ &, * {{ color: {ink} !important }} }}"
        tab.add_style_tag(content=rule)
        turn(tab, "light")
        wrong = pale(tab)
    assert {name for name, found in wrong.items() if found} == {theme}
