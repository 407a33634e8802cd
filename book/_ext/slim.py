"""Leave out of the built book what no reader uses: icons, style rules, source maps, scripts.

The theme and MathJax bring 4 MB to every page; after this it is 1.3 MB.
"""

import importlib.metadata
import logging
import re
import shutil
from pathlib import Path

from fontTools import subset

# Drawn by the icon font already; fetched from a CDN; read by web developers only.
UNUSED = (
    "scripts/fontawesome.js*",
    "sphinx-thebe.*",
    "**/*.map",
    "**/*macros.html",
)
# What their tags look like on a page. The search page loads the search's scripts by itself.
TAGS = re.compile(
    r'\s*<script defer src="[^"]*scripts/fontawesome\.js[^"]*"></script>'
    r'|\s*<script type="text/x-thebe-config">.*?</script>\s*<script>kernelName = .*?</script>',
    flags=re.DOTALL,
)
SEARCH = re.compile(
    r'\s*<script src="[^"]*(searchtools|language_data|searchindex)\.js[^"]*"></script>'
)
# MathJax by its parts, because the ready-made file is half menu; the extensions load when used.
MATHJAX = (
    "startup.js",
    "core.js",
    "input/tex.js",
    "input/tex/extensions/",
    "output/chtml.js",
    "output/chtml/fonts/",
    "a11y/assistive-mml.js",
)

COMMENT = re.compile(r"/\*.*?\*/", flags=re.DOTALL)
RULE = re.compile(r"(?P<selectors>[^{};]+)\{[^{}]*\}")
CLASS = re.compile(r"\.(-?[A-Za-z_][\w-]*)")
WORD = re.compile(r"[\w-]+")
GLYPH = re.compile(r'"\\([0-9a-f]{1,6}) ?"')
ICON_FONT = re.compile(
    r'src:url\((?P<path>[^)]*/fa-[\w-]+)\.woff2\) format\("woff2"\),'
    r'url\([^)]*\) format\("truetype"\)'
)


# Markup of docutils that screen readers do not know (any more).
MENDED = {
    '<th class="head"><p></p></th>': "<td></td>",
    'role="doc-biblioentry"': 'role="listitem"',
}
START_MATHJAX = re.compile(r'<script defer="defer" src="([^"]*mathjax/)startup\.js[^"]*"></script>')
FETCHED_NEXT = (
    "core.js",
    "input/tex.js",
    "output/chtml.js",
    "output/chtml/fonts/tex.js",
    "a11y/assistive-mml.js",
)


def fetch_early(tag):
    """Return MathJax's script tag with hints to fetch the parts that it will ask for in turn."""
    hints = (f'<link rel="preload" as="script" href="{tag[1]}{part}" />' for part in FETCHED_NEXT)
    return "\n    ".join([*hints, tag[0]])


def copy_mathjax(static):
    """Copy MathJax's parts and fonts out of the pip package that carries them."""
    for file in importlib.metadata.files("sphinx-mathjax-offline"):
        name = str(file).partition("static/mathjax/")[2]
        if name.startswith(MATHJAX):
            copy = static / "mathjax" / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file.locate(), copy)


def trim_page(path):
    """Take the tags of unused scripts off a page, and mend what a screen reader stumbles on."""
    text = path.read_text(encoding="utf-8")
    trimmed = TAGS.sub("", text)
    for wrong, right in MENDED.items():
        trimmed = trimmed.replace(wrong, right)
    if 'rel="preload" as="script" href="../_static/mathjax' not in trimmed:
        trimmed = START_MATHJAX.sub(fetch_early, trimmed)
    if path.name != "search.html":
        trimmed = SEARCH.sub("", trimmed)
    if trimmed != text:
        path.write_text(trimmed, encoding="utf-8")


def purge(css, words):
    """Return a style sheet without the rules for classes that no page and no script mentions."""

    def needed(selector):
        if re.search(r":(is|where|has)\(", selector):
            return True
        classes = CLASS.findall(re.sub(r":not\([^)]*\)", "", selector))
        # Bootstrap puts the names of its own classes together from parts.
        return all(name in words or name.startswith("bs-") for name in classes)

    def keep(rule):
        return rule[0] if any(map(needed, rule["selectors"].split(","))) else ""

    return RULE.sub(keep, COMMENT.sub("", css))


def glyphs_in(css):
    """Return the code points of icons that a style sheet draws: escaped, or as they are."""
    escaped = {int(code, 16) for code in GLYPH.findall(css)}
    return escaped | {ord(letter) for letter in css if "\ue000" <= letter <= "\uf8ff"}


def cut_fonts(sheet, css, glyphs):
    """Write the icon fonts that a style sheet names with a few glyphs each."""
    logging.getLogger("fontTools").setLevel(logging.ERROR)  # it tells of every table
    options = subset.Options(flavor="woff", notdef_outline=True)
    for found in ICON_FONT.finditer(css):
        source = sheet.parent / f"{found['path']}.ttf"
        font = subset.load_font(source, options, dontLoadGlyphNames=True)
        cutter = subset.Subsetter(options)
        cutter.populate(unicodes=glyphs)
        cutter.subset(font)
        subset.save_font(font, source.with_suffix(".woff"), options)
        source.unlink()
        source.with_suffix(".woff2").unlink()


def slim_styles(static, pages):
    """Cut style sheets down to what pages and scripts use, and icon fonts to what is left."""
    words = set()
    for source in [*pages, *sorted(static.rglob("*.js"))]:
        words |= set(WORD.findall(source.read_text(encoding="utf-8")))
    glyphs = set()
    for sheet in static.rglob("*.css"):
        css = purge(sheet.read_text(encoding="utf-8"), words)
        sheet.write_text(css, encoding="utf-8")
        glyphs |= glyphs_in(css)
    sheet = static / "styles" / "pydata-sphinx-theme.css"
    css = sheet.read_text(encoding="utf-8")
    cut_fonts(sheet, css, glyphs)
    css = ICON_FONT.sub(r'src:url(\g<path>.woff) format("woff")', css)
    sheet.write_text(css, encoding="utf-8")


def slim(app, exception):
    """Do all of it, once the pages are written."""
    if exception or app.builder.format != "html":
        return
    output = Path(app.outdir)
    static = output / "_static"
    copy_mathjax(static)
    for pattern in UNUSED:
        for file in static.glob(pattern):
            file.unlink()
    pages = sorted(output.rglob("*.html"))
    for page in pages:
        trim_page(page)
    slim_styles(static, pages)
