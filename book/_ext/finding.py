"""Search by section: what stands in each, and by which words the reference pages lead to it.

Sphinx's own search knows pages, and a chapter is many screens long. Here each section, term and
function is found by itself. The index of ideas, the questions and the glossary lend their words to
the sections they link to, so that a reader finds a section by words that it does not use.
The page search.html ranks them, in search.js.
"""

import json
import re
from pathlib import Path

from docutils import nodes
from sphinx import addnodes

from elements import element

# Whose links lend words, and what round the link begins with them: an entry, a question, a term.
LENDERS = {
    "book/ideas": nodes.list_item,
    "book/questions": nodes.section,
    "book/glossary": nodes.paragraph,
}
# Nobody looks for markup, or for a signature without its function.
SILENT = (nodes.raw, nodes.comment, nodes.title, addnodes.desc_signature)
SHORT_FORMULA = re.compile(r"[\w\s=+−,.()\[\]-]{1,20}")


def is_part(node):
    """Return whether a node is found by itself: a section, a function of the API, a term."""
    if isinstance(node, addnodes.desc):
        return bool(node[0]["ids"])
    if isinstance(node, nodes.paragraph):
        return bool(node["ids"]) and isinstance(node[0], nodes.strong)
    return isinstance(node, nodes.section) and isinstance(node[0], nodes.title)


def is_group(part, text):
    """Return whether a heading only groups others, or functions: it answers nothing itself."""
    if not isinstance(part, nodes.section) or isinstance(part.parent, nodes.document):
        return False
    return not text or next(part.findall(addnodes.desc), None) is not None


def is_silent(node):
    """Return whether the words of a node are not part of the text round it."""
    if isinstance(node, element):
        return node["tag"] == "button"
    # A rich output comes in several forms, of which the page shows one.
    rich = node.get("nb_element") == "mime_bundle"
    return isinstance(node, SILENT) or is_part(node) or rich or "deeper-mark" in node["classes"]


def words_of(node):
    """Return the words of a node, without those of the parts inside it."""
    if isinstance(node, nodes.Text):
        return node.astext()
    if isinstance(node, (nodes.math, nodes.math_block)):
        return node.astext() if SHORT_FORMULA.fullmatch(node.astext()) else "…"
    between = "" if isinstance(node, nodes.TextElement) else " "
    return between.join(
        words_of(n) for n in node.children if isinstance(n, nodes.Text) or not is_silent(n)
    )


def title_of(env, page, part):
    """Return the title of a part, with its number if it has one: "4.2. The loud failure"."""
    if isinstance(part, addnodes.desc):
        return part[0]["ids"][0]
    anchor = "" if isinstance(part.parent, nodes.document) else "#" + part["ids"][0]
    number = env.toc_secnumbers.get(page, {}).get(anchor, ())
    return " ".join([".".join(map(str, number)) + "."] * bool(number) + [words_of(part[0])])


def lent_words(env):
    """Return, by label, the phrases by which the reference pages lead to it."""
    lent = {}
    for page in LENDERS.keys() & env.found_docs:
        for link in env.get_doctree(page).findall(addnodes.pending_xref):
            around = link.parent
            while around and not isinstance(around, LENDERS[page]):
                around = around.parent
            if around is None:
                continue
            phrases = [phrase.strip() for phrase in re.split("[,;:·]", words_of(around[0]))]
            lent.setdefault(link["reftarget"], []).extend(filter(None, phrases))
    return lent


def name_sections(env, doctree):
    """Put a section's title where a reference names only its label, as the page does."""
    titles = env.get_domain("std").labels
    for link in doctree.findall(addnodes.pending_xref):
        if link["reftype"] == "ref" and not link["refexplicit"]:
            link.children = [nodes.Text(titles[link["reftarget"]][2])]


def parts(env):
    """Yield what can be found: page, anchor, title, title of the page, lent phrases, text."""
    lent = lent_words(env)
    for page in sorted(env.found_docs - {"book/ideas"}):
        doctree = env.get_doctree(page)
        name_sections(env, doctree)
        for part in doctree.findall(is_part):
            ids = part[0]["ids"] if isinstance(part, addnodes.desc) else part["ids"]
            phrases = sorted({phrase for each in ids for phrase in lent.get(each, ())})
            title = title_of(env, page, part)
            chapter = title_of(env, page, next(doctree.findall(is_part)))
            text = " ".join(words_of(part).split())
            if phrases or not is_group(part, text):
                yield page, ids[-1], title, chapter, phrases, text


def write_search(app):
    """Write the search page, and beside it what it searches."""
    path = Path(app.outdir) / "_static" / "sections.js"
    path.parent.mkdir(exist_ok=True)
    found = json.dumps(list(parts(app.env)), ensure_ascii=False, separators=(",", ":"))
    path.write_text(f"const SECTIONS = {found};\n", encoding="utf-8")
    return [("search", {}, "search.html")]


def setup(app):
    """Put it in the place of Sphinx's search."""
    app.connect("builder-inited", lambda app: setattr(app.builder, "search", False))
    app.connect("html-collect-pages", write_search)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
