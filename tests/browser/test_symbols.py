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


@pytest.fixture(params=EQUATIONS)
def equation(request, browser, address):
    """A page, the buttons below its equation, and what they should say."""
    with open_page(browser, f"{address}/book/{request.param}.html") as page:
        open_all(page)
        row = page.locator(".symbols")
        assert row.count() == 1
        yield page, row.get_by_role("button"), EQUATIONS[request.param][1]


def test_each_symbol_of_formula_and_code_has_a_button(equation):
    _, buttons, symbols = equation
    assert sorted(buttons.all_inner_texts()) == sorted(symbols)


def test_a_symbol_lights_up_wherever_it_stands_by_keyboard(equation):
    page, buttons, _ = equation
    for button in buttons.all():
        button.focus()
        page.keyboard.press("Enter")
        assert button.get_attribute("aria-pressed") == "true"
        assert {"formula", "code"} <= set(page.evaluate(LIT)), button.inner_text()
        lit = page.locator(".lit").count()
        page.keyboard.press("Enter")
        assert page.locator(".lit").count() == 0 < lit
        assert button.get_attribute("aria-pressed") == "false"


def test_one_symbol_at_a_time(equation):
    page, buttons, _ = equation
    first, second = buttons.nth(0), buttons.nth(1)
    first.click()
    second.click()
    page.mouse.move(0, 0)
    pressed = [button.get_attribute("aria-pressed") for button in buttons.all()]
    assert pressed.count("true") == 1
    code = page.locator("pre .lit").all_inner_texts()
    assert len(set(code)) == 1, f"lit at the same time: {code}"


def test_pointing_at_a_symbol_in_the_formula_lights_it_and_leaving_ends_it(equation):
    page, *_ = equation
    code = page.locator(".symbols + .highlight-python span", has_text=re.compile("^p$")).first
    code.hover()
    assert "formula" in page.evaluate(LIT)
    page.mouse.move(0, 0)
    assert page.locator(".lit").count() == 0


def test_without_scripts_and_on_paper_there_are_no_buttons(browser, address):
    with open_page(browser, f"{address}/book/definition.html", java_script_enabled=False) as page:
        assert page.locator(".symbols").count() == 0
    with open_page(browser, f"{address}/book/definition.html") as page:
        open_all(page)
        page.emulate_media(media="print")
        assert not page.locator(".symbols").is_visible()
