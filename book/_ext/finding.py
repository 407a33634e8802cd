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
CODE = (nodes.literal_block, nodes.doctest_block)
SPELT = (
    "partial nabla sum prod int infty cdot times odot pm le ge ne approx sim to in mid top"
    " tau delta pi lambda varepsilon epsilon phi mu sigma gamma dots"
)
SYMBOLS = dict(zip(SPELT.split(), "∂∇Σ∏∫∞·×⊙±≤≥≠≈∼→∈|ᵀτδπλεεφμσγ…", strict=True))


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
    if isinstance(node, nodes.Text):
        return False
    classes = node["classes"]
    if isinstance(node, element):  # of an exercise: its starter, its solution, where to try it
        return node["tag"] == "button" or "fold" in classes
    # A rich output comes in several forms, of which the page shows one.
    rich = node.get("nb_element") == "mime_bundle"
    hidden = "cell_input" in classes and "tag_hide-input" in node.parent["classes"]
    unsaid = rich or hidden or "output" in classes or "deeper-mark" in classes
    return unsaid or isinstance(node, SILENT) or is_part(node)


def grouped(text):
    """Return a part of a formula, in brackets if it is a sum or a product."""
    return f"({text})" if re.search(r"[ +-]", text) else text


def formula_as_text(tex):
    r"""Return a formula of one short line as text: \sqrt{d} is √d; of a longer one only "…"."""
    before = None
    while tex != before:  # from the innermost braces outwards
        before = tex
        tex = re.sub(r"\\(?:operatorname|text\w*|math\w*) *\{([^{}]*)\}", r"\1", tex)
        tex = re.sub(
            r"\\[td]?frac *\{([^{}]*)\} *\{([^{}]*)\}",
            lambda parts: " / ".join(map(grouped, parts.groups())),
            tex,
        )
        tex = re.sub(r"\\sqrt *(?:\{([^{}]*)\}|(?=\w))", r"√\1", tex)
        tex = re.sub(r"([_^])\{([^{}]*)\}", lambda index: index[1] + grouped(index[2]), tex)
    tex = re.sub(r"\\(log|exp|max|min|arg|Pr)(?![a-z])", r"\1", tex)
    tex = re.sub(r"\\(partial|nabla) +", lambda name: SYMBOLS[name[1]], tex)
    tex = re.sub(r"\\([A-Za-z]+)", lambda name: SYMBOLS.get(name[1], ""), tex)
    tex = " ".join(re.sub(r"\\[ ,;!|]", " ", tex).split())
    return "…" if len(tex) > 60 or re.search(r"[\\{}&]", tex) else tex.replace("-", "−")


def name_of(env, link):
    """Return what a page shows for a reference: the number of a figure, the authors of a work."""
    target = link["reftarget"]
    if link["reftype"] == "numref":
        page, anchor = env.get_domain("std").anonlabels[target][:2]
        kind = "figure" if target.startswith("fig-") else "exercise"
        return f"{kind} {'.'.join(map(str, env.toc_fignumbers[page][kind][anchor]))}"
    if link["refdomain"] == "cite":
        work = env.get_domain("cite").bibdata.data.entries[target]
        first, *others = (re.sub(r"\W", "", each.last_names[-1]) for each in work.persons["author"])
        many = len(others) > 1 or others == ["others"]
        names = first + (" et al." if many else f" and {others[0]}" if others else "")
        year = work.fields["year"]
        return f"({names}, {year})" if link["reftype"] == "p" else f"{names} ({year})"
    return env.get_domain("std").labels[target][2]  # the title of a section


def words_of(node):
    """Return the words of a node, without those of the parts inside it, and without code."""
    if isinstance(node, nodes.Text):
        return node.astext()
    if isinstance(node, CODE):
        return ""
    if isinstance(node, (nodes.math, nodes.math_block)):
        return formula_as_text(node.astext())
    between = "" if isinstance(node, nodes.TextElement) else " "
    return between.join(words_of(child) for child in node.children if not is_silent(child))


def code_of(node):
    """Return the visible code of a node, without that of the parts inside it."""
    if isinstance(node, CODE):
        return node.astext()
    inside = (code_of(child) for child in node.children if not is_silent(child))
    return " ".join(filter(None, inside))


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
            said = "".join(
                words_of(word) for word in around[0] if not isinstance(word, addnodes.pending_xref)
            )
            phrases = [phrase.strip() for phrase in re.split("[,;:·]", said)]
            lent.setdefault(link["reftarget"], []).extend(filter(None, phrases))
    return lent


def name_references(env, doctree):
    """Put the name of what a reference leads to where it has only a label or a key."""
    for link in doctree.findall(addnodes.pending_xref):
        named = link["reftype"] in ("ref", "numref") or link["refdomain"] == "cite"
        if named and not link["refexplicit"]:
            link.children = [nodes.Text(name_of(env, link))]


def parts(env):
    """Yield what can be found: page, anchor, title, title of the page, lent phrases, text, code."""
    lent = lent_words(env)
    for page in sorted(env.found_docs - {"book/ideas"}):
        doctree = env.get_doctree(page)
        name_references(env, doctree)
        for part in doctree.findall(is_part):
            ids = part[0]["ids"] if isinstance(part, addnodes.desc) else part["ids"]
            phrases = sorted({phrase for each in ids for phrase in lent.get(each, ())})
            title = title_of(env, page, part)
            chapter = title_of(env, page, next(doctree.findall(is_part)))
            text = " ".join(words_of(part).split())
            code = " ".join(code_of(part).split())
            if phrases or not is_group(part, text):
                yield page, ids[-1], title, chapter, phrases, text, code


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
