"""What a reader types leads to the section that answers it, served or opened from disk."""

from urllib.parse import quote

import pytest

from tests.browser.conftest import PAGES
from tests.browsers import open_page

# What readers type, and the section (its page and label) that is among the first hits.
ASKED = {
    "1e-8": "stability.html#sec-stability-epsilon",
    "inference": "definition.html#sec-definition-predict",
    "do I need softmax at inference?": "definition.html#sec-definition-predict",
    "initialisation": "cross_entropy.html#sec-cross-entropy-initial",
    "initialization": "cross_entropy.html#sec-cross-entropy-initial",
    "vectorise": "definition.html#sec-definition-axis",
    "vectorized": "definition.html#sec-definition-axis",
    "singular": "gradients.html#sec-gradients-jacobian",
    "upcast": "stability.html#sec-stability-half",
    "argmax backprop": "soft_max.html#sec-soft-max-hard",
    "log1p": "stability.html#sec-stability-last-digit",
    "underflow": "stability.html#sec-stability-lie",
    "loss is nan": "stability.html#sec-stability-hunt",
    "multi-label": "cross_entropy.html#sec-cross-entropy-multi-label",
    "temperature": "soft_max.html#sec-soft-max-temperature",
    "temperatu": "soft_max.html#sec-soft-max-temperature",
    "label smoothing": "cross_entropy.html#sec-cross-entropy-smoothing",
    "attention mask": "logits.html#sec-logits-mask",
    "derivative of softmax": "gradients.html#sec-gradients-entry",
    "ignore_index": "cross_entropy.html#sec-cross-entropy-options",
    "why e": "questions.html#why-e-and-not-2-or-10",
    "log_softmax": "api.html#softmax_lab.log_softmax",
    "logsumexp": "stability.html#sec-stability-logsumexp",
    "gumbel softmax": "soft_max.html#sec-soft-max-relaxed",
    "OOM": "scale.html#sec-scale-linear",
    "fp16": "stability.html#sec-stability-formats",
    "init loss": "cross_entropy.html#sec-cross-entropy-initial",
    "target out of range": "frameworks.html#sec-frameworks-edges",
    "why softmax not normalise": "questions.html#why-softmax-and-not-normalise-by-the-sum",
    "softmax negative inputs": "definition.html#sec-definition-why-exp",
    "focal loss": "questions.html#what-is-focal-loss",
    "z-loss": "questions.html#what-is-z-loss",
    "sampled softmax": "questions.html#what-is-sampled-softmax",
    "sqrt(d)": "questions.html#why-is-attention-divided-by-d-sqrt-d",
    "gradient accumulation": "questions.html#how-do-i-accumulate-gradients-over-several-batches",
    "entropy bonus": "questions.html#what-is-an-entropy-bonus-or-entropy-regularisation",
    "loss stuck at 2.303": "questions.html#why-is-my-loss-stuck-at-2-303",
    "expected scalar type Long": "cross_entropy.html#sec-cross-entropy-two-names",
    "knowledge distillation": "questions.html#what-is-knowledge-distillation-and-why-the-factor-t2",
    "sparse_categorical_crossentropy": "cross_entropy.html#sec-cross-entropy-two-names",
}


HITS = """() => [...document.querySelectorAll("#search-results > li > a")]
  .slice(0, 3).map((link) => link.getAttribute("href"))"""


# The two differ in how the search is loaded, not in what it finds: half of the questions each.
@pytest.mark.parametrize(("scheme", "first"), [("http", 0), ("file", 1)])
def test_the_first_hits_lead_to_the_section_that_answers(browser, addresses, scheme, first):
    lost = {}
    with open_page(browser, f"{addresses[scheme]}/search.html") as page:
        for question, wanted in [*ASKED.items()][first::2]:
            page.goto(f"{addresses[scheme]}/search.html?q={quote(question)}")
            hits = page.evaluate(HITS)
            if f"book/{wanted}" not in hits:
                lost[question] = hits
    assert not lost, f"say it in book/ideas.md or on the questions page: {lost}"


def test_every_hit_leads_to_a_place_that_is_there(browser, address):
    with open_page(browser, f"{address}/search.html") as page:
        missing = page.evaluate(
            """async () => {
              const ids = {}, missing = [];
              for (const [page, anchor] of SECTIONS) {
                if (!ids[page]) {
                  const text = await (await fetch(`${page}.html`)).text();
                  const parsed = new DOMParser().parseFromString(text, "text/html");
                  ids[page] = new Set([...parsed.querySelectorAll("[id]")].map((e) => e.id));
                }
                if (!ids[page].has(anchor)) missing.push(`${page}.html#${anchor}`);
              }
              return missing;
            }"""
        )
        found = page.evaluate("new Set(SECTIONS.map(([page]) => page)).size")
    assert not missing
    assert found == len(PAGES) - 1, "some page is not searched (the index of ideas need not be)"


def test_a_hit_says_where_it_leads_and_quotes_the_word(browser, address):
    with open_page(browser, f"{address}/search.html?q=underflow") as page:
        first = page.locator("#search-results > li").first
        title = first.locator("a").text_content()
        assert title.startswith("4.2. The "), "the number and the title, with a space between"
        assert first.locator(".search-where").text_content().startswith(" in 4. Stability: ")
        marked = [text.lower() for text in page.locator("#search-results mark").all_text_contents()]
        assert marked
        assert all(text.startswith("underflow") for text in marked)
        first.locator("a").click()
        page.wait_for_url("**/stability.html#sec-stability-loud")


def test_no_hit_quotes_the_label_of_a_section(browser, address):
    with open_page(browser, f"{address}/search.html") as page:
        labels = page.evaluate(
            r"SECTIONS.flatMap((section) => section[5].match(/\bsec-\w[\w-]*/g) ?? [])"
        )
    assert not labels


def test_what_nobody_wrote_is_said_and_the_index_offered(browser, address):
    with open_page(browser, f"{address}/search.html?q=zebrafish") as page:
        assert "zebrafish" in page.get_by_role("status").text_content()
        assert page.locator("#search-results li").count() == 0
        page.locator("#search-else a").click()
        page.wait_for_url("**/ideas.html")


def test_a_word_that_nobody_wrote_is_said_beside_what_the_others_find(browser, address):
    with open_page(browser, f"{address}/search.html?q=zebrafish%20loss") as page:
        said = page.get_by_role("status").text_content()
        assert said == "Nothing in the book has “zebrafish”; for the rest:"
        assert page.locator("#search-results li").count() > 0


def test_a_whole_question_finds_first_the_page_of_questions(browser, address):
    with open_page(browser, f"{address}/search.html") as page:
        for question in (
            "what is temperature",
            "why subtract the maximum?",
            "why softmax, not normalise?",
        ):
            page.goto(f"{address}/search.html?q={quote(question)}")
            first = page.locator("#search-results > li > a").first.get_attribute("href")
            assert first.startswith("book/questions.html#"), f"{question}: {first}"


def test_a_heading_that_only_groups_others_is_not_found(browser, address):
    with open_page(browser, f"{address}/search.html") as page:
        titles = page.evaluate("SECTIONS.map(([page, , title]) => `${page} ${title}`)")
    assert "book/api Cross-entropy" not in titles
    assert "book/questions The loss" not in titles
    assert "book/api softmax_lab.cross_entropy" in titles
