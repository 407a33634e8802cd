"""Cards: an exercise with all that belongs to it, and questions to remember a chapter by.

A notebook needs a starter to fill in, a cell that checks it and one that gives hints. A page cannot
run them: there each exercise is one box, with its parts folded and the ways to try it.
"""

import itertools

from docutils import nodes
from sphinx.errors import ExtensionError
from sphinx_exercise.nodes import is_exercise_node

from elements import element, fold, following, starts_with
from lines import glue


def source(cell):
    """Return the code of a notebook's cell."""
    return next(cell.findall(nodes.literal_block)).astext()


def code(text):
    """Return code as a node, highlighted as in a cell."""
    return nodes.literal_block(text, text, language="ipython3", classes=["card-code"])


def cells_of(exercise):
    """Return the four cells below an exercise by role: starter, check, hint, solution."""
    cells = itertools.takewhile(lambda node: "cell" in node.get("classes", ()), following(exercise))
    return dict(zip(("starter", "check", "hint", "solution"), cells, strict=False))


def hints_in(cell):
    """Return the hints that a cell has put out, each folded."""
    for html in cell.findall(nodes.raw):
        if html["format"] == "html":
            hints = nodes.raw("", glue(html.astext()), format="html")
            return element("div", hints, classes=["hints"])
    raise ExtensionError(f"no hints come out of {source(cell)}")


def ways_to_try(app, name):
    """Return the list of the places where an answer can be checked."""
    docname = app.env.docname
    up = "../" * docname.count("/")
    site = app.config.html_theme_options
    repository = site["repository_url"].removeprefix("https://github.com/")
    notebook = f"{docname}.ipynb"
    colab = (
        f"{site['launch_buttons']['colab_url']}/github/{repository}"
        f"/blob/{site['repository_branch']}/{notebook}"
    )

    def item(*words):
        return nodes.list_item("", nodes.paragraph("", "", *words))

    def link(text, to):
        return nodes.reference("", text, refuri=to, internal=False)

    def command(text):
        return nodes.literal(text, text)

    text = nodes.Text
    return nodes.bullet_list(
        "",
        item(
            text("In JupyterLab: "),
            link("download this chapter's notebook", f"{up}_sources/{notebook}"),
            text(", write the function into the starter and run the cell below it."),
        ),
        item(text("In the browser, with nothing to install: "), link("open it in Colab", colab)),
        item(
            text("In a terminal: write "),
            command(f"my_{name}"),
            text(" into a file and run "),
            command(f"softmax-lab check answers.py {name}"),
        ),
    )


def make_exercise_card(app, exercise):
    """Move an exercise's cells into its box: what a page can show of them, each part folded."""
    cells = cells_of(exercise)
    if "solution" not in cells.get("solution", {}).get("cell_metadata", {}).get("tags", ()):
        words = exercise.get("label")
        raise ExtensionError(
            f"{app.env.docname}: {words}: starter, check, hint, solution, in this order"
        )
    name = cells["starter"]["cell_metadata"]["exercise"]
    solution = source(cells["solution"]).partition("\nexercises.verify(")[0].rstrip()
    for cell in cells.values():
        cell.parent.remove(cell)
    exercise += [
        fold("Starter", code(source(cells["starter"]))),
        hints_in(cells["hint"]),
        fold("Solution", code(solution), classes=["solution"]),
        fold("Try it", ways_to_try(app, name)),
    ]


def make_exercise_cards(app, doctree):
    """Turn all exercises of a page into cards."""
    for exercise in list(doctree.findall(is_exercise_node)):
        make_exercise_card(app, exercise)


def make_memory_cards(app, doctree):
    """Turn the list after "**Remember.**" into cards."""
    for cue in list(doctree.findall(nodes.paragraph)):
        if not starts_with(cue, "Remember."):
            continue
        questions = next(iter(following(cue)), None)
        if not isinstance(questions, nodes.enumerated_list):
            raise ExtensionError(f"{app.env.docname}: after **Remember.** comes a numbered list")
        cards = [make_memory_card(app, question) for question in questions]
        questions.replace_self(element("div", *cards, classes=["memory-cards"]))


def make_memory_card(app, question):
    """Return the card of a question: a list item with the question, and its answer as a list."""
    if not (len(question) == 2 and isinstance(question[1], nodes.bullet_list)):
        words = question.astext()[:60]
        raise ExtensionError(f"{app.env.docname}: “{words}”: a question, below it - its answer")
    asked = element("div", *question[0].children, classes=["question"])
    answer = element("div", *question[1][0].children, classes=["answer"])
    classes = ["deeper"] if asked.astext().startswith("(Deeper.)") else []
    return element("book-card", asked, answer, classes=classes)


def make_place_for_recall(app, doctree):
    """Put a place for what was missed in other chapters before a chapter's first section."""
    if any(is_exercise_node(node) for node in doctree.findall()):
        chapter = next(doctree.findall(nodes.section))
        first = next(n for n, node in enumerate(chapter) if isinstance(node, nodes.section))
        chapter.insert(first, element("book-recall"))


def setup(app):
    """Connect it to the build."""
    app.setup_extension("elements")
    app.connect("doctree-read", make_exercise_cards, priority=550)
    app.connect("doctree-read", make_memory_cards, priority=550)
    app.connect("doctree-read", make_place_for_recall, priority=650)  # outside of covers
    app.add_js_file("cards.js")
    return {"parallel_read_safe": True, "parallel_write_safe": True}
