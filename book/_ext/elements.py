"""An HTML element as a node of a page, for what docutils has no word for: forms, folds, covers."""

import itertools

from docutils import nodes


class element(nodes.General, nodes.Element):
    """An HTML element: its `tag`, the classes and ids of any node, and `attributes` of its own."""

    def __init__(self, tag, *children, classes=(), **attributes):
        super().__init__("", *children, classes=list(classes), tag=tag, attributes=attributes)


def fold(summary, *children, classes=()):
    """Return a `<details>` with one line to click on."""
    line = element("summary", nodes.Text(summary))
    return element("details", line, *children, classes=["fold", *classes])


def visit(writer, node):
    """Open the element."""
    writer.body.append(writer.starttag(node, node["tag"], "", **node["attributes"]))


def depart(writer, node):
    """Close the element."""
    writer.body.append(f"</{node['tag']}>\n")


def following(node):
    """Return what stands after a node in its section, up to the first part with a title."""
    siblings = node.parent[node.parent.index(node) + 1 :]
    return list(
        itertools.takewhile(lambda sibling: not isinstance(sibling, nodes.section), siblings)
    )


def starts_with(node, cue):
    """Return whether a paragraph begins with a word in bold, such as "**Predict.**"."""
    if not isinstance(node, nodes.paragraph):
        return False
    first = next((child for child in node if child.astext()), None)
    return isinstance(first, nodes.strong) and first.astext() == cue


def setup(app):
    """Register how the element is written."""
    app.add_node(element, html=(visit, depart))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
