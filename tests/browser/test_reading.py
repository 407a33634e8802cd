"""The page asks back: predictions, exercise cards, cards to remember by, and what can be folded."""

import re

import pytest

from tests.book.notebooks import ROOT, read
from tests.book.test_predictions import NOTEBOOKS, predictions
from tests.browser.conftest import CHAPTERS, PHONE, open_all
from tests.browsers import open_page

ASKING = [path.stem for path in NOTEBOOKS]
COVERED = "e => getComputedStyle(e.nextElementSibling).display === 'none'"
# Nothing is kept: all cookies refused, or no room left.
FORGETFUL = {
    "refused": """Object.defineProperty(window, "localStorage", {
      configurable: true, get() { throw new DOMException("denied", "SecurityError"); } })""",
    "full": """Storage.prototype.setItem = () => {
      throw new DOMException("full", "QuotaExceededError"); }""",
}
# What another version of the book, or whatever else wrote there, may have left.
JUNK = [
    '"x"',
    "5",
    "null",
    "[1, 2]",
    "true",
    "{",
    '{"%s": null}',
    '{"%s": 9}',
    '{"%s": "<p>x</p>"}',
]


def forms(page):
    return page.locator("book-prediction").all()


# Of a form: whether it covers what follows, and has the focus; what it says, and of its choices
# which is pressed, which is marked, and what its sentence is.
STATE = """form => {
  const texts = (parts) => [...form.querySelectorAll(parts)].map((part) => part.textContent);
  const buttons = [...form.querySelectorAll("button")];
  return {
    covers: getComputedStyle(form.nextElementSibling).display === "none",
    focused: form.contains(document.activeElement),
    right: form.dataset.right === undefined ? null : Number(form.dataset.right) - 1,
    says: texts("[role=status]").join(),
    sentences: texts(".sentences > li"),
    pressed: buttons.map((button) => button.ariaPressed === "true"),
    marks: buttons.map((button) => button.dataset.mark ?? ""),
  };
}"""


def answer(form, verdict, way):
    """Answer by mouse or by keyboard; return the number of the choice."""
    right, buttons = form.get_attribute("data-right"), form.locator("button")
    chosen = 0
    if right is not None:
        chosen = int(right) - 1
        if verdict == "wrong":
            chosen = (chosen + 1) % buttons.count()
    if way == "click":
        buttons.nth(chosen).click()
    else:
        buttons.nth(chosen).press("Enter")
    return chosen


@pytest.mark.parametrize("chapter", ASKING)
def test_a_prediction_covers_until_answered_then_says_what_the_answer_is_worth(
    browser, address, chapter
):
    """Each is answered wrong and right, once by mouse and once by keyboard."""
    with open_page(browser, f"{address}/book/{chapter}.html") as page:
        asked = len(predictions(read(ROOT / "book" / f"{chapter}.ipynb")))
        assert len(forms(page)) == asked
        for verdict in ("wrong", "right"):
            for number, form in enumerate(forms(page)):
                assert form.evaluate(STATE)["covers"], "what follows is in sight before an answer"
                by_mouse = (number % 2 == 0) == (verdict == "right")
                chosen = answer(form, verdict, "click" if by_mouse else "keyboard")
                state = form.evaluate(STATE)
                assert not state["covers"], "the answer stays covered"
                assert state["focused"], "the focus is lost"
                right = state["right"]
                if right is None:
                    continue
                assert ("Not so." in state["says"]) == (verdict == "wrong")
                for place in {chosen, right}:
                    words = state["sentences"][place].replace("Right.", "").strip()
                    assert words in state["says"], "the sentence for a choice is not shown"
                assert state["pressed"][chosen]
                assert state["marks"][right] == "✔"
            if verdict == "right" or not page.locator("book-prediction[data-right]").count():
                break  # where none has choices, there is nothing to forget
            page.locator("book-tally button").click()


def test_arrow_keys_go_from_choice_to_choice_and_the_reply_comes_into_sight(browser, address):
    in_sight = """e => { const {top, bottom} = e.getBoundingClientRect();
      return top >= 0 && bottom <= innerHeight; }"""
    with open_page(browser, f"{address}/book/stability.html", viewport=PHONE) as page:
        for form in forms(page):
            buttons = form.locator("button")
            buttons.first.focus()
            for key, place in (("ArrowDown", 1), ("ArrowUp", 0), ("ArrowUp", -1)):
                page.keyboard.press(key)
                assert buttons.nth(place).evaluate("e => e === document.activeElement"), key
            page.keyboard.press("Enter")
            assert form.get_by_role("status").evaluate(in_sight), "the reply is off the screen"


def test_what_is_folded_is_not_counted(browser, address):
    with open_page(browser, f"{address}/book/stability.html") as page:
        asked = page.locator("book-prediction[data-right]")
        folded = page.locator("section.deeper book-prediction[data-right]").count()
        tally = page.locator("book-tally")
        assert f"Of the {asked.count()} predictions" in tally.text_content()
        page.locator(".dropdown-reading > button").click()
        switch = page.locator("[data-switch=core]")
        switch.click()
        assert not switch.is_visible(), "the menu stays open"
        assert f"Of the {asked.count() - folded} predictions" in tally.text_content()


def test_answers_are_remembered_counted_and_forgotten(browser, address):
    url = f"{address}/book/definition.html"
    with open_page(browser, url) as page:
        tally = page.locator("book-tally")
        for number, form in enumerate(forms(page)):
            right = int(form.get_attribute("data-right")) - 1
            buttons = form.locator("button")
            buttons.nth(right if number > 0 else (right + 1) % buttons.count()).click()
        asked = len(forms(page))
        counted = f"{asked} predictions on this page you made {asked}, and {asked - 1} held"
        assert counted in tally.text_content()
        page.reload()
        assert counted in tally.text_content()
        assert not any(form.evaluate(COVERED) for form in forms(page))
        tally.locator("button").click()
        assert f"{asked} predictions on this page you made 0" in tally.text_content()
        assert all(form.evaluate(COVERED) for form in forms(page))
        page.reload()
        assert all(form.evaluate(COVERED) for form in forms(page))


def test_the_switch_shows_all_answers_on_every_page_and_stays(browser, addresses):
    with open_page(browser, f"{addresses['file']}/book/definition.html", viewport=PHONE) as page:
        page.locator(".dropdown-reading > button").click()
        switch = page.locator("[data-switch=answers]")
        assert switch.get_attribute("aria-checked") == "false"
        switch.click()
        assert switch.get_attribute("aria-checked") == "true"
        for _ in range(2):
            assert not any(form.evaluate(COVERED) for form in forms(page))
            assert page.locator(".sentences").first.is_visible()
            page.reload()
        page.locator(".dropdown-reading > button").click()
        switch.click()
        assert all(form.evaluate(COVERED) for form in forms(page))


@pytest.mark.parametrize("why", FORGETFUL)
def test_a_browser_that_keeps_nothing_still_asks_answers_and_finds(browser, address, why):
    with browser.new_context(viewport=PHONE) as context:
        context.add_init_script(FORGETFUL[why])
        page = context.new_page()
        errors = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(f"{address}/book/definition.html")
        for form in forms(page):
            assert form.evaluate(COVERED)
            form.locator("button").first.click()
            assert not form.evaluate(COVERED)
        page.locator("button.theme-switch-button:visible").first.click()
        assert page.evaluate("document.documentElement.dataset.mode") != "auto"
        page.locator("button.primary-toggle:visible").click()
        page.locator("#pst-primary-sidebar-modal[open]").wait_for()
        page.keyboard.press("Escape")
        page.keyboard.press("Control+k")
        page.locator("#pst-search-dialog[open]").wait_for()
        # The theme reads once before any script of ours can help.
        assert errors in ([], ["denied"])


@pytest.mark.parametrize("junk", JUNK)
def test_what_was_not_written_here_does_no_harm(browser, address, junk):
    url = f"{address}/book/definition.html"
    with open_page(browser, url) as page:
        form = forms(page)[0].get_attribute("id")
        for name, key in {
            "predictions": f"definition.html#{form}",
            "missed": f"logits.html#{form}",
            "switches": "core",
        }.items():
            kept = [f"softmax-lab {name}", junk.replace("%s", key)]
            page.evaluate("kept => localStorage.setItem(...kept)", kept)
        page.reload()
        assert all(form.evaluate(COVERED) for form in forms(page))
        assert page.locator("book-recall book-card").count() == 0
        for form in forms(page):
            form.locator("button").first.click()
        page.evaluate("document.querySelector('.memory-cards .verdicts button').click()")
        core = page.locator("[data-switch=core]")
        switched = core.get_attribute("aria-checked")
        core.evaluate("button => button.click()")
        page.reload()
        assert not any(form.evaluate(COVERED) for form in forms(page))
        assert core.get_attribute("aria-checked") != switched


def test_two_tabs_lose_nothing_of_each_other(browser, address):
    with open_page(browser, f"{address}/book/definition.html") as one:
        other = one.context.new_page()
        other.goto(f"{address}/book/logits.html")
        tabs = {"answers": one, "core": other}
        for switch, page in tabs.items():
            page.locator("book-prediction button").first.click()
            page.evaluate("document.querySelector('.verdicts button:nth-child(2)').click()")
            page.locator(f"[data-switch={switch}]").evaluate("button => button.click()")
        for page in tabs.values():
            page.reload()
            assert page.locator("book-prediction[data-choice]").count() == 1
            assert page.locator("book-recall book-card").count() == 1
            for switch in tabs:
                state = page.locator(f"[data-switch={switch}]").get_attribute("aria-checked")
                assert state == "true"


def test_back_brings_the_theme_and_the_switches_that_were_chosen_meanwhile(browser, address):
    # This browser keeps no page to bring back, so the page is told that it was brought back.
    back = "dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))"
    with open_page(browser, f"{address}/book/stability.html", color_scheme="light") as page:
        asked = page.locator("book-prediction[data-right]").count()
        next_one = page.context.new_page()
        next_one.goto(f"{address}/book/logits.html")
        next_one.locator("[data-switch=core]").evaluate("button => button.click()")
        page.evaluate(back)
        assert page.locator("[data-switch=core]").get_attribute("aria-checked") == "true"
        assert f"Of the {asked} predictions" not in page.locator("book-tally").text_content()
        while next_one.evaluate("document.documentElement.dataset.theme") != "dark":
            next_one.locator("button.theme-switch-button:visible").first.click()
        with page.expect_navigation():
            page.evaluate(back)
        assert page.evaluate("document.documentElement.dataset.theme") == "dark"


@pytest.mark.parametrize("script", ["reading", "predict", "cards", "book", "charts", "symbols"])
def test_a_script_that_does_not_come_covers_nothing_for_good(browser, address, script):
    with browser.new_context() as context:
        page = context.new_page()
        page.route(f"**/{script}.js*", lambda route: route.fulfill(status=404))
        page.goto(f"{address}/book/cross_entropy.html")
        for part, button in ((".covered", "book-prediction"), (".answer", ".question")):
            covered = page.locator(part).filter(visible=False).count()
            assert covered == 0 or page.locator(f"{button} button").count() > 0, part


def test_a_link_into_what_is_covered_or_folded_opens_it(browser, address):
    with open_page(browser, f"{address}/book/definition.html#ex-linear_layer") as page:
        assert page.locator("#ex-linear_layer").is_visible()
        page.locator(".dropdown-reading > button").click()
        page.get_by_role("switch", name=re.compile("Core only")).click()
        exercise = page.locator("#ex-saturation_gap")
        assert not exercise.is_visible()
        page.evaluate("location.hash = 'ex-saturation_gap'")
        exercise.wait_for(state="visible")


def test_a_link_that_is_followed_again_opens_again(browser, address):
    with open_page(browser, f"{address}/book/definition.html") as page:
        anchor = page.locator(".covered [id]").first.get_attribute("id")
        covered = page.locator(f"[id='{anchor}']")
        page.evaluate("id => { location.hash = id; }", anchor)
        covered.wait_for(state="visible")
        page.locator("book-prediction button").last.click()
        page.locator("book-tally button").click()
        assert not covered.is_visible()
        page.evaluate("""() => {
          const link = Object.assign(document.createElement("a"), { href: location.hash });
          document.body.append(link);
          link.click();
        }""")
        covered.wait_for(state="visible")


def test_where_back_leads_to_is_left_to_the_browser(browser, address):
    """It goes to where the reader was, which may be screens below the anchor."""
    with open_page(browser, f"{address}/book/stability.html") as page:
        page.evaluate("history.replaceState(null, '', '#the-hunt'); scrollTo(0, 900);")
        page.evaluate("dispatchEvent(new HashChangeEvent('hashchange'))")
        assert page.evaluate("scrollY") == 900


def test_one_switch_folds_the_deeper_parts_and_each_opens_by_itself(browser, address):
    with open_page(browser, f"{address}/book/definition.html") as page:
        deeper = page.locator("section.deeper")
        assert deeper.count() > 0
        assert "deeper" in page.locator(".bd-sidebar-secondary").text_content()
        last = deeper.first.locator("> *").last
        assert last.is_visible()
        page.locator(".dropdown-reading > button").click()
        page.get_by_role("switch", name=re.compile("Core only")).click()
        assert not last.is_visible()
        assert deeper.first.locator("> .cue-deeper").is_visible()
        page.reload()
        assert not last.is_visible()
        page.emulate_media(media="print")
        assert last.is_visible()
        page.emulate_media(media="screen")
        deeper.first.get_by_role("button", name="Show this part").click()
        assert last.is_visible()


# Of each exercise: its name, its folds with those that are open, and all its text.
EXERCISES = """() => [...document.querySelectorAll(".exercise.admonition")].map((card) => ({
  name: card.id.replace("ex-", ""),
  folds: [...card.querySelectorAll("summary")].map((fold) => fold.textContent),
  open: card.querySelectorAll("details[open]").length,
  text: card.textContent,
}))"""


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_an_exercise_is_one_card_whose_folds_open_by_keyboard(browser, address, chapter):
    with open_page(browser, f"{address}/book/{chapter}.html") as page:
        text = page.locator("article").text_content()
        for unwanted in ("not attempted yet", "exercises.check(", "exercises.hint("):
            assert unwanted not in text, "only a notebook needs it"
        cards = page.evaluate(EXERCISES)
        assert len(cards) >= 5
        for card in cards:
            hints = [fold for fold in card["folds"] if fold.startswith("Hint")]
            assert card["folds"] == ["Starter", *hints, "Solution", "Try it"]
            assert len(hints) >= 3
            assert card["open"] == 0
            assert "exercises.verify" not in card["text"]
            assert f"softmax-lab check answers.py {card['name']}" in card["text"]
        open_all(page)
        for kind in ("Solution", "Hint 1"):
            fold = page.locator(f"details:has(> summary:has-text('{kind}'))").first
            fold.locator("> summary").press("Enter")
            assert fold.get_attribute("open") is not None, f"Enter does not open the {kind}"


def test_hints_come_one_by_one(browser, address):
    with open_page(browser, f"{address}/book/definition.html#ex-linear_layer") as page:
        hints = page.locator("#ex-linear_layer .hints details")
        assert [hint.is_visible() for hint in hints.all()] == [True, False, False]
        hints.first.locator("summary").click()
        assert [hint.is_visible() for hint in hints.all()] == [True, True, False]


def test_what_was_missed_comes_back_in_another_chapter(browser, address):
    with open_page(browser, f"{address}/book/definition.html") as page:
        cards = page.locator(".memory-cards book-card")
        assert cards.count() >= 6
        for number, knew in ((0, "I knew it"), (1, "Not yet")):
            card = cards.nth(number)
            assert not card.locator(".answer").is_visible()
            card.locator(".question button").focus()
            page.keyboard.press("Enter")
            assert card.locator(".answer").is_visible()
            card.get_by_role("button", name=knew).click()
        question = cards.nth(1).locator(".question").text_content()
        page.goto(f"{address}/book/logits.html")
        back = page.locator("book-recall book-card")
        assert back.locator(".question").all_text_contents() == [question]
        back.locator(".question button").click()
        back.get_by_role("button", name="I knew it").click()
        page.reload()
        assert back.count() == 0


def test_nothing_jumps_when_a_page_with_answers_opens(browser, address):
    observe = """
      window.jumps = 0;
      new PerformanceObserver((list) => {
        for (const entry of list.getEntries())
          if (!entry.hadRecentInput) window.jumps += entry.value;
      }).observe({type: "layout-shift", buffered: true});
    """
    with open_page(browser, f"{address}/book/definition.html", viewport=PHONE) as page:
        for form in forms(page):
            form.locator("button").first.click()
        page.goto("about:blank")
        page.goto(f"{address}/book/definition.html")
        page.evaluate(observe)
        page.wait_for_timeout(500)
        assert page.evaluate("window.jumps") <= 0.05


def test_a_chapter_opens_with_its_question_and_set_up_is_one_folded_line(browser, address):
    with open_page(browser, f"{address}/book/definition.html") as page:
        opening = page.locator("article h1 + p")
        assert opening.is_visible()
        assert not page.locator("article pre:visible").first.is_visible() or (
            page.locator("article pre:visible").first.bounding_box()["y"]
            > page.locator("article h2").first.bounding_box()["y"]
        )
        assert page.locator("summary:has-text('Set-up')").first.is_visible()


def test_a_phone_shows_the_button_to_begin_with_at_once(browser, address):
    with open_page(browser, f"{address}/book/intro.html", viewport=PHONE) as page:
        button = page.locator(".start a").bounding_box()
        assert button["y"] + button["height"] <= PHONE["height"]
