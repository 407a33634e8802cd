"""Where a line may end and where it must not: a number and its unit, a formula and its comma."""

import re

from docutils import nodes

OPENING, CLOSING = re.compile(r"[(\[“]+$"), re.compile(r"^[.,;:!?)\]”’…]+")
# "p − y", "12 %", "28 GB" stay together. The text is HTML already.
SUMS = re.compile(
    r"(?<![^\s(\[])([^\s&]{1,5}) ([−+=≈≤≥×·]|&lt;|&gt;) (?=[^\s&]{1,5}(?![^\s.,;:)]))"
)
UNITS = re.compile(r"(?<=\d) (?=(?:%|[kMG]B|bits?|nats?|ulp|m)(?!\w))")
LOGARITHMS = re.compile(r"(?<=\blog) (?=\d|\w\b)")
# "1e-300", "GPT-2", "-inf": after such a hyphen a browser would end a line.
HYPHENED = re.compile(r"\w[\w.]*-\d[\w.]*\b|(?<![\w-])-inf\b")
# In code a line may end after a bracket, and not within an arrow.
BRACKET, ARROW = '<span class="p">(</span>', "-&gt;"
# A long name may end a line after a dot, an underscore, a bracket; in a narrow column any name.
NAMES = re.compile(r"[\w.(]+")
LONG, LONG_IN_COLUMN = 24, 12  # letters
JOINTS = re.compile(r"(?<=[A-Za-z0-9][._(])(?=[A-Za-z])")


def beside(node):
    """Return what stands right before and right after a node, or None."""
    around = [None, *node.parent.children, None]
    at = next(n for n, other in enumerate(around) if other is node)  # texts may be equal
    return around[at - 1], around[at + 1]


def clinging(formula):
    """Return the bracket right before a formula and the punctuation right after it, if any.

    A browser would end a line between them.
    """
    texts = (other if isinstance(other, nodes.Text) else "" for other in beside(formula))
    found = (rule.search(text) for rule, text in zip((OPENING, CLOSING), texts, strict=True))
    return tuple(match[0] if match else "" for match in found)


def visit_text(writer, node):
    """Write words, less those that stay with the formula beside them."""
    before, after = beside(node)
    text = node.astext()
    if isinstance(before, nodes.math):
        text = CLOSING.sub("", text)
    if isinstance(after, nodes.math):
        text = OPENING.sub("", text)
    start = len(writer.body)
    type(writer).visit_Text(writer, nodes.Text(text))
    if not isinstance(node.parent, nodes.literal):
        writer.body[start:] = [glue(part) for part in writer.body[start:]]
    long = LONG_IN_COLUMN if in_column(node) else LONG
    writer.body[start:] = [loosen(part, long) for part in writer.body[start:]]


def in_column(node):
    """Return whether a node stands in a table."""
    while node.parent is not None and not isinstance(node, nodes.entry):
        node = node.parent
    return isinstance(node, nodes.entry)


def glue(html):
    """Keep together a number and its unit, a sign and its terms, what is in one piece by a hyphen.

    Examples
    --------
    >>> glue("Where p − y comes from: 12 % of it").replace("\u00a0", "~")
    'Where p~−~y comes from: 12~% of it'
    >>> glue("down to 1e-36")
    'down to <span class="whole">1e-36</span>'
    """
    html = LOGARITHMS.sub("\u00a0", UNITS.sub("\u00a0", SUMS.sub("\\1\u00a0\\2\u00a0", html)))
    return HYPHENED.sub(whole(r"\g<0>"), html)


def loosen(html, long):
    """Let names of so many letters end a line at their joints.

    Examples
    --------
    >>> loosen("torch.autograd.grad", 12)
    'torch.<wbr>autograd.<wbr>grad'
    """
    return NAMES.sub(
        lambda name: JOINTS.sub("<wbr>", name[0]) if len(name[0]) >= long else name[0], html
    )


def visit_code(writer, node):
    """Write code, and where its lines may end on a phone."""
    start = len(writer.body)
    try:
        type(writer).visit_literal_block(writer, node)
    finally:  # it skips what is in the node
        writer.body[start:] = [
            part.replace(BRACKET, f"{BRACKET}<wbr>").replace(ARROW, whole(ARROW))
            for part in writer.body[start:]
        ]


def depart_code(writer, node):
    """Close what `visit_code` has opened, if it has."""
    type(writer).depart_literal_block(writer, node)


def whole(html):
    """Return HTML in which no line ends."""
    return f'<span class="whole">{html}</span>'


def setup(app):
    """Put it in the place of what writes text and code."""
    app.add_node(nodes.Text, override=True, html=(visit_text, None))
    app.add_node(nodes.literal_block, override=True, html=(visit_code, depart_code))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
