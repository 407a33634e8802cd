"""Leave out of the built book what no reader uses: icons, letters, style rules, source maps.

Style sheets keep the rules that some page can use, fonts the letters, and move into their style
sheet: what is there at the first paint needs no second one.
"""

import base64
import html
import io
import logging
import re
from pathlib import Path

import tinycss2
from fontTools import subset

import typefaces

# Read by web developers, or by a theme that is being built.
UNUSED = ("**/*.map", "**/*macros.html")
# Drawn by the icon font already. The theme's layout names it, so an empty one stays.
EMPTIED = "scripts/fontawesome.js"
# Markup of docutils that screen readers do not know (any more).
MENDED = {
    '<th class="head"><p></p></th>': "<td></td>",
    'role="doc-biblioentry"': 'role="listitem"',
}

CLASS = re.compile(r"\.(-?[A-Za-z_][\w-]*)")
NOT = re.compile(r":not\([^)]*\)")
WORD = re.compile(r"[\w-]+")


def parsed(tokens):
    """Return the rules among CSS tokens, without comments and white space."""
    return tinycss2.parse_rule_list(tokens, skip_comments=True, skip_whitespace=True)


def needed(selector, words):
    """Return whether a selector may match: all its classes are words of pages or scripts."""
    if re.search(r":(is|where|has)\(", selector):
        return True
    # Bootstrap puts the names of its own classes together from parts.
    classes = CLASS.findall(NOT.sub("", selector))
    return all(name in words or name.startswith("bs-") for name in classes)


def purge(rules, words):
    """Return CSS rules without those for classes that no page and no script mentions."""
    kept = []
    for rule in rules:
        if rule.type == "qualified-rule":
            selectors = tinycss2.serialize(rule.prelude).split(",")
            if not any(needed(selector, words) for selector in selectors):
                continue
        elif rule.type == "at-rule" and rule.lower_at_keyword in ("media", "supports"):
            rule.content = purge(parsed(rule.content), words)
        kept.append(rule)
    return kept


def declarations(rule, name):
    """Return the values of a rule's declarations of one name."""
    if rule.content is None:
        return []
    found = tinycss2.parse_blocks_contents(rule.content, skip_comments=True, skip_whitespace=True)
    return [d.value for d in found if d.type == "declaration" and d.lower_name == name]


def is_face(rule):
    """Return whether a rule brings a font."""
    return rule.type == "at-rule" and rule.lower_at_keyword == "font-face"


def drawn_by(rules):
    """Return the letters that style sheets draw by themselves, as they do icons and formulas."""
    contents = [value for rule in rules for value in declarations(rule, "content")]
    functions = [t for value in contents for t in value if t.type == "function"]
    properties = {t.value for f in functions for t in f.arguments if t.type == "ident"}
    letters = {"\u00a0"}
    for rule in rules:
        for name in ("content", "--fa", *properties):
            for value in declarations(rule, name):
                letters |= set("".join(token.value for token in value if token.type == "string"))
    return letters


def written_on(pages):
    """Return the letters of all pages."""
    texts = (html.unescape(page.read_text(encoding="utf-8")) for page in pages)
    return set().union(*texts)


def cut(path, letters):
    """Return a font with a few letters only, as an address that holds all of it."""
    options = subset.Options(flavor="woff", notdef_outline=True, hinting=False)
    font = subset.load_font(path, options, dontLoadGlyphNames=True)
    cutter = subset.Subsetter(options)
    # MathJax's empty font has a height only, and none of the letters.
    cutter.populate(unicodes=set(map(ord, letters)) & set(font.getBestCmap()) or font.getBestCmap())
    cutter.subset(font)
    written = io.BytesIO()
    subset.save_font(font, written, options)
    return f"data:font/woff;base64,{base64.b64encode(written.getvalue()).decode()}"


def cut_face(rule, folder, letters):
    """Put the letters that are needed of a font into its rule, so that no page waits for it."""
    urls = [
        t for value in declarations(rule, "src") for t in value if t.type in ("url", "function")
    ]
    paths = [t.value if t.type == "url" else t.arguments[0].value for t in urls]
    if any(path.startswith("data:") for path in paths):  # nothing changed since the last build
        return
    # A woff2 could be read with one package more.
    source = next(folder / path for path in paths if path.endswith((".ttf", ".woff", ".otf")))
    address = cut(source, letters)
    text = tinycss2.serialize(rule.content)
    start = re.search(r"src\s*:[^;]*;?", text)
    text = text[: start.start()] + f'src:url({address}) format("woff");' + text[start.end() :]
    rule.content = tinycss2.parse_component_value_list(text)


def slim_styles(static, pages):
    """Cut style sheets down to what pages and scripts use, and fonts to what is left."""
    logging.getLogger("fontTools").setLevel(logging.ERROR)  # it tells of every table
    words = set()
    for source in [*pages, *sorted(static.rglob("*.js"))]:
        words |= set(WORD.findall(source.read_text(encoding="utf-8")))
    sheets = {
        path: purge(parsed(path.read_text(encoding="utf-8")), words)
        for path in sorted(static.rglob("*.css"))
    }
    everything = [rule for rules in sheets.values() for rule in rules]
    icons = drawn_by(everything)
    letters = written_on(pages)
    # A font that no rule names any more is not needed.
    css = "".join(tinycss2.serialize([rule]) for rule in everything if not is_face(rule))
    for path, rules in sheets.items():
        for rule in [rule for rule in rules if is_face(rule)]:
            (family,) = declarations(rule, "font-family")
            name = " ".join(t.value for t in family if t.type in ("string", "ident"))
            if name in css:
                cut_face(rule, path.parent, letters if path.name == typefaces.SHEET else icons)
            else:
                rules.remove(rule)
        path.write_text(tinycss2.serialize(rules), encoding="utf-8")
    for font in static.rglob("*.*"):
        if font.suffix in (".woff", ".woff2", ".ttf", ".otf"):
            font.unlink()


def slim(app, exception):
    """Do all of it, once the pages are written."""
    if exception or app.builder.format != "html":
        return
    output = Path(app.outdir)
    static = output / "_static"
    for pattern in UNUSED:
        for file in static.glob(pattern):
            file.unlink()
    (static / EMPTIED).write_text("")
    pages = sorted(output.rglob("*.html"))
    for page in pages:
        text = page.read_text(encoding="utf-8")
        mended = text
        for wrong, right in MENDED.items():
            mended = mended.replace(wrong, right)
        if mended != text:
            page.write_text(mended, encoding="utf-8")
    slim_styles(static, pages)
