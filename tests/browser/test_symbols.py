"""Symbols light up: in the formula, the sentence and the code, one at a time."""

import re

import pytest

from tests.browser.conftest import open_all
from tests.browsers import open_page

EQUATIONS = {
    "definition": ("symbols-softmax", ["p", "e", "x", "∑"]),
    "gradients": ("symbols-jacobian", ["J", "p", "diag"]),
    "cross_entropy": ("symbols-gradient", ["x", "p", "y", "e", "∑"]),
}
# Where something is lit: in a drawn formula of its own, in a sentence, in code.
LIT = """[...document.querySelectorAll(".lit")].map(
  mark => mark.closest("p") ? "sentence" : mark.closest("pre") ? "code" : "formula")"""


@pytest.mark.parametrize("chapter", EQUATIONS)
def test_symbols_light_up_wherever_they_stand_one_at_a_time(browser, address, chapter):
    symbols = EQUATIONS[chapter][1]
    with open_page(browser, f"{address}/book/{chapter}.html") as page:
        open_all(page)
        row = page.locator(".symbols")
        assert row.count() == 1
        buttons = row.get_by_role("button")
        assert sorted(buttons.all_inner_texts()) == sorted(symbols)
        light_by_keyboard(page, buttons)
        light_by_pointing(page)
        light_one_after_the_other(page, buttons)


def light_by_keyboard(page, buttons):
    for button in buttons.all():
        button.press("Enter")
        assert button.get_attribute("aria-pressed") == "true"
        assert {"formula", "code"} <= set(page.evaluate(LIT)), button.inner_text()
        button.press("Enter")
        assert page.evaluate(LIT) == []
        assert button.get_attribute("aria-pressed") == "false"


def light_by_pointing(page):
    code = page.locator(".symbols + .highlight-python span", has_text=re.compile("^p$")).first
    code.hover()
    assert "formula" in page.evaluate(LIT)
    page.mouse.move(0, 0)
    assert page.evaluate(LIT) == []


def light_one_after_the_other(page, buttons):
    buttons.nth(0).click()
    buttons.nth(1).click()
    page.mouse.move(0, 0)
    pressed = [button.get_attribute("aria-pressed") for button in buttons.all()]
    assert pressed.count("true") == 1
    code = page.locator("pre .lit").all_inner_texts()
    assert len(set(code)) == 1, f"lit at the same time: {code}"


def test_without_scripts_and_on_paper_there_are_no_buttons(browser, address):
    with open_page(browser, f"{address}/book/definition.html", java_script_enabled=False) as page:
        assert page.locator(".symbols").count() == 0
    with open_page(browser, f"{address}/book/definition.html") as page:
        open_all(page)
        page.emulate_media(media="print")
        assert not page.locator(".symbols").is_visible()
