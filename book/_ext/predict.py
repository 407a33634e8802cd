"""Predict, then see: a question, its choices and what each is worth become a form on the page.

In the notebook it is plain Markdown, described in CONTRIBUTING.md under "Writing a chapter". What
follows the question, up to the next one or the section's end, is covered until the reader answers.
The page holds all of it and predict.js covers: without scripts, in print, for search all is open.
"""

import hashlib

from docutils import nodes
from sphinx.errors import ExtensionError

from elements import element, following, starts_with

RIGHT = "Right."


def is_details(node):
    """Return whether a node opens a `<details>` that was written in Markdown."""
    return isinstance(node, nodes.raw) and node.astext().lstrip().startswith("<details")


def parts_of(question):
    """Return the nodes of a prediction: its question, choices and sentences, and what follows.

    The first list, if right after it stands a `<details>` with the sentences, is the choices;
    without one before the next question the prediction has no choices.
    """
    rest = following(question)
    again = [n for n, node in enumerate(rest) if starts_with(node, "Predict.")]
    rest = rest[: again[0]] if again else rest
    for n, node in enumerate(rest):
        if "nb_element" in node:  # a cell: the question is over
            break
        if isinstance(node, nodes.enumerated_list):
            opening, sentences, closing = (*rest[n + 1 : n + 4], None, None, None)[:3]
            if not (is_details(opening) and isinstance(sentences, nodes.enumerated_list)):
                raise ValueError("after the choices comes a <details> with a sentence for each")
            if not (isinstance(closing, nodes.raw) and "</details>" in closing.astext()):
                raise ValueError("</details> comes right after the sentences, on a line of its own")
            return rest[:n], node, sentences, [opening, closing], rest[n + 4 :]
    return [], None, None, [], rest


def right_choice(choices, sentences):
    """Return the number of the right choice, from 0; raise if the prediction is not complete."""
    if not 2 <= len(choices) <= 4:
        raise ValueError(f"it has {len(choices)} choices, and should have two to four")
    if len(sentences) != len(choices):
        raise ValueError(f"{len(choices)} choices have {len(sentences)} sentences")
    marked = [n for n, item in enumerate(sentences) if starts_with(item[0], RIGHT)]
    if len(marked) != 1:
        raise ValueError(f"{len(marked)} sentences begin with **{RIGHT}**, and one should")
    short = [n + 1 for n, item in enumerate(sentences) if len(item.astext().split()) < 4]
    if short:
        raise ValueError(
            f"choice {short[0]} has no sentence that says where it goes right or wrong"
        )
    return marked[0]


def make_form(question):
    """Put a form in the place of a prediction, and a cover round what follows it."""
    parent, at = question.parent, question.parent.index(question)
    more, choices, sentences, markup, rest = parts_of(question)
    # What was answered before is forgotten where the question or its choices are others now.
    words = question.astext() + (choices.astext() if choices is not None else "")
    key = hashlib.sha256(words.encode()).hexdigest()[:8]
    form = element("book-prediction", ids=[f"predict-{key}"])
    if choices is not None:
        form["attributes"]["data-right"] = str(right_choice(choices, sentences) + 1)
        choices["classes"].append("choices")
        sentences["classes"].append("sentences")
    for node in [question, *more, choices, sentences, *markup, *rest]:
        if node is not None:
            parent.remove(node)
    form += [node for node in (question, *more, choices, sentences) if node is not None]
    parent.insert(at, [form, element("div", *rest, classes=["covered"])])


def make_forms(app, doctree):
    """Turn all predictions of a page into forms, and leave a place for its tally at its end."""
    questions = [node for node in doctree.findall(nodes.paragraph) if starts_with(node, "Predict.")]
    for question in questions:
        try:
            make_form(question)
        except ValueError as error:
            words = " ".join(question.astext().split())[:80]
            raise ExtensionError(f"{app.env.docname}: “{words} …”: {error}") from error
    if questions:
        next(doctree.findall(nodes.section)).append(element("book-tally"))


def setup(app):
    """Connect it to the build."""
    app.setup_extension("elements")
    app.connect("doctree-read", make_forms, priority=600)
    app.add_js_file("reading.js", priority=400)
    app.add_js_file("predict.js")
    app.add_css_file("reading.css")
    return {"parallel_read_safe": True, "parallel_write_safe": True}
