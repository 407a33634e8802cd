"""The core way and what is deeper: marks on sections, and the switches in a page's header."""

from docutils import nodes

from elements import element, starts_with

UNFOLD = "Show this part"


def mark_deeper(app, doctree):
    """Mark each section that opens with "**Deeper.**", in its title and so in the contents."""
    for section in doctree.findall(nodes.section):
        first = next((node for node in section if not isinstance(node, nodes.title)), None)
        if first is None or not starts_with(first, "Deeper."):
            continue
        section["classes"].append("deeper")
        section[0] += nodes.inline(" · deeper", " · deeper", classes=["deeper-mark"])
        section.insert(
            section.index(first) + 1,
            element("button", nodes.Text(UNFOLD), classes=["unfold"], type="button"),
        )


def tell_template(app, pagename, templatename, context, doctree):
    """Tell reading.html which switches the page needs."""
    body = context.get("body", "")
    context["asks"] = "<book-prediction" in body
    context["deeper"] = "deeper-mark" in body


def setup(app):
    """Connect it to the build."""
    app.setup_extension("elements")
    # Before the titles are collected for the contents, after the references to them.
    app.connect("doctree-read", mark_deeper, priority=400)
    app.connect("html-page-context", tell_template)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
