"""What a reader types leads to the section that answers it, served or opened from disk."""

import re
from urllib.parse import quote

import pytest

from tests.book.notebooks import BOOK
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
    "loss stuck at 2.303": "questions.html#why-is-my-loss-stuck-at-2-303-and-not-decreasing",
    "expected scalar type Long": "cross_entropy.html#sec-cross-entropy-two-names",
    "knowledge distillation": "questions.html#what-is-knowledge-distillation-and-why-the-factor-t2",
    "sparse_categorical_crossentropy": "cross_entropy.html#sec-cross-entropy-two-names",
    # What everyone asks.
    "numerically stable softmax": "stability.html#sec-stability-shift",
    "stable softmax": "stability.html#sec-stability-shift",
    "numerical stability": "stability.html#sec-stability-shift",
    "softmax overflow": "stability.html#sec-stability-loud",
    "softmax gradient": "gradients.html#sec-gradients-entry",
    "gradient of softmax": "questions.html#what-is-the-derivative-of-softmax-its-gradient",
    "cross entropy gradient": "cross_entropy.html#sec-cross-entropy-gradient",
    "cross entropy derivative": "cross_entropy.html#sec-cross-entropy-gradient",
    "derivation of p - y": "cross_entropy.html#sec-cross-entropy-gradient",
    "inverse softmax": "logits.html#sec-logits-log-p",
    "probabilities to logits": "logits.html#sec-logits-log-p",
    "softmax -inf nan": "logits.html#sec-logits-mask",
    "softmax all -inf": "logits.html#sec-logits-mask",
    "clip probabilities": "stability.html#sec-stability-epsilon",
    "log(p + eps)": "stability.html#sec-stability-epsilon",
    "log(0)": "stability.html#sec-stability-hunt",
    "loss is infinity": "stability.html#sec-stability-lie",
    "scaled dot product": "scale.html#sec-scale-attention",
    "sqrt(d_k)": "scale.html#sec-scale-attention",
    "softmax dimension": "definition.html#sec-definition-axis",
    "smooth maximum": "soft_max.html#sec-soft-max-which",
    "large vocab": "scale.html#sec-scale-linear",
    "chunked cross entropy": "scale.html#sec-scale-linear",
    "cut cross entropy": "scale.html#sec-scale-linear",
    "fused linear cross entropy": "scale.html#sec-scale-linear",
    "distributed softmax": "scale.html#sec-scale-shards",
    "logits meaning": "questions.html#what-is-a-logit",
    "unknown class": "logits.html#sec-logits-calibration",
    "ood": "logits.html#sec-logits-calibration",
    "softmax vs sigmoid": "logits.html#sec-logits-two",
    "softmax doesn't sum to 1": "definition.html#sec-definition-floats",
    "softmax regression sklearn": "cross_entropy.html#sec-cross-entropy-training",
    "class imbalance": "cross_entropy.html#sec-cross-entropy-weights",
    # Several words in one, and one in several.
    "multilabel classification": "cross_entropy.html#sec-cross-entropy-multi-label",
    "multiclass": "cross_entropy.html#sec-cross-entropy-multi-label",
    "crossentropy gradient": "cross_entropy.html#sec-cross-entropy-gradient",
    "BCELoss": "cross_entropy.html#sec-cross-entropy-multi-label",
    "KLDivLoss": "cross_entropy.html#sec-cross-entropy-distance",
    "NLLLoss": "cross_entropy.html#sec-cross-entropy-frameworks",
    "LongTensor": "cross_entropy.html#sec-cross-entropy-two-names",
    "logprobs": "logits.html#sec-logits-log-p",
    "zloss": "questions.html#what-is-z-loss",
    "log sum exp": "stability.html#sec-stability-logsumexp",
    # What libraries say.
    "np.random.choice probabilities do not sum to 1": "definition.html#sec-definition-floats",
    "implicit dimension deprecated": "definition.html#sec-definition-axis",
    "invalid value encountered in divide": "stability.html#sec-stability-loud",
    "RuntimeWarning: overflow encountered in exp": "stability.html#sec-stability-loud",
    "multi-target not supported": "cross_entropy.html#sec-cross-entropy-two-names",
    "Expected input batch_size (4) to match target batch_size (3)": (
        "cross_entropy.html#sec-cross-entropy-two-names"
    ),
    "device-side assert": "questions.html#what-if-a-target-is-out-of-range",
    # What goes wrong, and what else readers look for.
    "loss not decreasing": "cross_entropy.html#sec-cross-entropy-initial",
    "same output for every input": "cross_entropy.html#sec-cross-entropy-initial",
    "mixed precision nan": "stability.html#sec-stability-half",
    "gradient clipping nan": "stability.html#sec-stability-hunt",
    "softmax twice": "cross_entropy.html#sec-cross-entropy-frameworks",
    "image segmentation loss": "frameworks.html#sec-frameworks-loss",
    "temperature 0": "soft_max.html#sec-soft-max-temperature",
    "pos_weight": "cross_entropy.html#sec-cross-entropy-multi-label",
    "hierarchical softmax": "scale.html#sec-scale-linear",
    "contrastive": "questions.html#what-is-infonce-or-another-contrastive-loss",
    "sparsemax": "questions.html#are-sparsemax-and-entmax-alternatives-to-softmax",
    "jacobian softmax": "gradients.html#sec-gradients-jacobian",
    "nucleus sampling": "soft_max.html#sec-soft-max-top",
}


HITS = """() => [...document.querySelectorAll("#search-results > li > a")]
  .slice(0, 3).map((link) => link.getAttribute("href"))"""


def ask(page, question):
    """Type a question into the field of the search page."""
    field = page.locator(".search-page input[name=q]")
    field.fill(question)
    field.press("Enter")


# The two differ in how the search is loaded, not in what it finds: half of the questions each.
@pytest.mark.parametrize(("scheme", "first"), [("http", 0), ("file", 1)])
def test_the_first_hits_lead_to_the_section_that_answers(browser, addresses, scheme, first):
    lost = {}
    with open_page(browser, f"{addresses[scheme]}/search.html") as page:
        for question, wanted in [*ASKED.items()][first::2]:
            ask(page, question)
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


def test_a_hit_quotes_words_and_no_markup(browser, address):
    """No labels, no keys of the bibliography, no TeX, no set-up; a title is not a mere "…"."""
    with open_page(browser, f"{address}/search.html") as page:
        sections = page.evaluate("SECTIONS")
    keys = re.findall(r"^@\w+\{(\w+)", (BOOK / "references.bib").read_text(), re.MULTILINE)
    labels, tex = r"\b(?:sec|fig|ex|eq)-[a-z]\w*-", r"\\[a-z]+\{"
    markup = re.compile("|".join([labels, tex, "open it in Colab", *keys]))
    for page, anchor, title, _, _, text, _ in sections:
        found = markup.search(text)
        assert not found, f"{page} {anchor}: {text[found.start() - 40 : found.end() + 40]}"
        assert re.search(r"\w", title.partition("·")[2] or title), f"{page} {anchor}: {title}"


def test_what_nobody_would_type_is_answered_as_well(browser, address):
    """However long, and whatever it means to HTML, to an address or to a regular expression."""
    asked = [
        "softmax" * 40 + "zq",
        "softmax" * 500,
        "<img src=x onerror=alert(1)>",
        "(a+)+$",
        "[",
        "%",
    ]
    with open_page(browser, f"{address}/search.html") as page:
        for question in asked:
            ask(page, question)
            said = page.get_by_role("status").text_content()
            assert said.endswith(" places:") or "Nothing in the book has “" in said
        assert page.locator("article img").count() == 0


def test_a_search_that_has_not_come_says_so_and_offers_the_index(browser, address):
    with browser.new_context() as context:
        page = context.new_page()
        page.route("**/sections.js*", lambda route: route.fulfill(status=404))
        page.goto(f"{address}/search.html?q=softmax")
        assert "not come" in page.get_by_role("status").text_content()
        assert page.locator("#search-else a").count() == 2


def test_what_nobody_wrote_is_said_and_the_index_offered(browser, address):
    with open_page(browser, f"{address}/search.html?q=zebrafish") as page:
        assert "zebrafish" in page.get_by_role("status").text_content()
        assert page.locator("#search-results li").count() == 0
        page.locator("#search-else a", has_text="questions").wait_for()
        page.locator("#search-else a", has_text="ideas").click()
        page.wait_for_url("**/ideas.html")


def test_a_word_that_nobody_wrote_is_said_beside_what_the_others_find(browser, address):
    with open_page(browser, f"{address}/search.html?q=zebrafish%20loss") as page:
        said = page.get_by_role("status").text_content()
        assert said == "Nothing in the book has “zebrafish”; for the rest:"
        assert 0 < page.locator("#search-results li").count() <= 5, "they answer another question"


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("softmx", "softmax"),
        ("jacobain of softmax", "jacobian of softmax"),
        ("perplexty", "perplexity"),
        ("crosentropy", "cross-entropy"),
    ],
)
def test_a_slip_of_the_finger_is_noticed(browser, address, typed, meant):
    with open_page(browser, f"{address}/search.html?q={quote(typed)}") as page:
        page.get_by_role("status").get_by_role("link", name=meant, exact=True).click()
        page.wait_for_url(f"**/search.html?q={quote(meant)}")
        assert page.locator("#search-results li").count() > 0


def test_what_is_missing_is_named_as_it_was_typed(browser, address):
    with open_page(browser, f"{address}/search.html?q=Zebrafishes%20vs%20softmax") as page:
        said = page.get_by_role("status").text_content()
        assert said == "Nothing in the book has “Zebrafishes”; for the rest:"


def test_an_empty_search_says_what_one_can_type(browser, address):
    with open_page(browser, f"{address}/search.html?q=") as page:
        assert page.get_by_role("status").text_content().startswith("Type a word")
        assert page.locator("#search-results li").count() == 0


def test_a_whole_question_finds_first_the_page_of_questions(browser, address):
    with open_page(browser, f"{address}/search.html") as page:
        for question in (
            "what is temperature",
            "why subtract the maximum?",
            "why softmax, not normalise?",
        ):
            ask(page, question)
            first = page.locator("#search-results > li > a").first.get_attribute("href")
            assert first.startswith("book/questions.html#"), f"{question}: {first}"


def test_a_heading_that_only_groups_others_is_not_found(browser, address):
    with open_page(browser, f"{address}/search.html") as page:
        titles = page.evaluate("SECTIONS.map(([page, , title]) => `${page} ${title}`)")
    assert "book/api Cross-entropy" not in titles
    assert "book/questions The loss" not in titles
    assert "book/api softmax_lab.cross_entropy" in titles


@pytest.mark.parametrize("scheme", ["http", "file"])
def test_what_is_asked_on_the_page_is_answered_there_and_the_way_back_leads_to_it(
    browser, addresses, scheme
):
    address = addresses[scheme]
    with open_page(browser, f"{address}/search.html?q=underflow") as page:
        before = page.evaluate(HITS)
        page.evaluate("window.same = true")
        ask(page, "log(p + eps)")
        assert page.evaluate(HITS) != before
        ask(page, "temperature")
        assert "soft_max" in page.evaluate(HITS)[0]
        assert page.get_by_role("status").text_content().endswith(" places:")
        page.go_back()
        assert page.url.endswith(f"/search.html?q={quote('log(p + eps)', safe='()')}")
        page.go_back()
        assert page.evaluate(HITS) == before
        assert page.evaluate("window.same"), "the page was loaded again"
