"""Leave out of the built book what no reader uses: icons, letters, style rules.

Style sheets keep the rules that some page can use, fonts the letters, and move into their style
sheet: what is there at the first paint needs no second one. Of each page that saves 1.5 MB of icons
drawn by a script, 0.5 MB of rules and 0.8 MB of fonts.
"""

import base64
import html
import io
import logging
import re
from pathlib import Path

import joblib
import tinycss2
from fontTools import subset

import typefaces

# Drawn by the icon font already. The theme's layout names it, so an empty one stays.
EMPTIED = "scripts/fontawesome.js"
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


def declarations(rule):
    """Return a rule's declarations."""
    found = tinycss2.parse_blocks_contents(
        rule.content or [], skip_comments=True, skip_whitespace=True
    )
    return [each for each in found if each.type == "declaration"]


def drawn_by(rule):
    """Return the values with which a rule draws letters by itself: icons and formulas."""
    names = re.compile("content|--fa|--pst-icon-.*")
    return [d.value for d in declarations(rule) if names.fullmatch(d.lower_name)]


def is_face(rule):
    """Return whether a rule brings a font."""
    return rule.type == "at-rule" and rule.lower_at_keyword == "font-face"


def strings(values):
    """Return the strings and names among the tokens of some declarations."""
    return [t.value for value in values for t in value if t.type in ("string", "ident")]


def cut(font, letters):
    """Return a font with a few letters only, as an address that holds all of it."""
    options = subset.Options(flavor="woff", notdef_outline=True, hinting=False, desubroutinize=True)
    font = subset.load_font(io.BytesIO(font), options, dontLoadGlyphNames=True)
    cutter = subset.Subsetter(options)
    # MathJax's empty font has a height only, and none of the letters.
    cutter.populate(unicodes=set(map(ord, letters)) & set(font.getBestCmap()) or font.getBestCmap())
    cutter.subset(font)
    written = io.BytesIO()
    subset.save_font(font, written, options)
    return f"data:font/woff;base64,{base64.b64encode(written.getvalue()).decode()}"


def cut_face(rule, folder, letters, cut):
    """Put the letters that are needed of a font into its rule, so that no page waits for it."""
    text = tinycss2.serialize(rule.content)
    # A woff2 could be read with one package more. No file: nothing changed since the last build.
    source = re.search(r"url\(\"?([^\")]+\.(?:ttf|woff|otf))\"?\)", text)
    if source:
        address = cut((folder / source[1]).read_bytes(), letters)
        text = re.sub(r"src\s*:[^;]*;?", f'src:url({address}) format("woff");', text, count=1)
        rule.content = tinycss2.parse_component_value_list(text)


def slim_styles(static, pages, cut):
    """Cut style sheets down to what pages and scripts use, and fonts to what is left."""
    logging.getLogger("fontTools").setLevel(logging.ERROR)  # it tells of every table
    texts = [page.read_text(encoding="utf-8") for page in pages]
    scripts = [path.read_text(encoding="utf-8") for path in sorted(static.rglob("*.js"))]
    words = set().union(*map(WORD.findall, texts + scripts))
    sheets = {
        path: purge(parsed(path.read_text(encoding="utf-8")), words)
        for path in sorted(static.rglob("*.css"))
    }
    everything = [rule for rules in sheets.values() for rule in rules if not is_face(rule)]
    css = tinycss2.serialize(everything)
    icons = {"\u00a0"}.union(*strings(v for rule in everything for v in drawn_by(rule)))
    written = set().union(*map(html.unescape, texts))
    for path, rules in sheets.items():
        for rule in filter(is_face, rules.copy()):
            family = [d.value for d in declarations(rule) if d.lower_name == "font-family"]
            if " ".join(strings(family)) in css:
                letters = sorted(written if path.name == typefaces.SHEET else icons)
                cut_face(rule, path.parent, letters, cut)
            else:
                rules.remove(rule)
        path.write_text(tinycss2.serialize(rules), encoding="utf-8")


def slim(app, exception):
    """Do all of it, once the pages are written."""
    if exception or app.builder.format != "html":
        return
    static = Path(app.outdir) / "_static"
    (static / EMPTIED).write_text("")
    # Most builds need the letters of the build before.
    kept = joblib.Memory(Path(app.outdir).parent / ".fonts", verbose=0).cache(cut)
    slim_styles(static, sorted(Path(app.outdir).rglob("*.html")), kept)
