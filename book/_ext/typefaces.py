"""The book's own type: a text face and a sans, the same on every system.

The fonts stand in pip packages; slim.py puts the letters that the pages need into the style sheet.
"""

import importlib.metadata
from pathlib import Path

SHEET = "typefaces.css"
# Style and weight of each cut that the pages use, by family. Code keeps the system's own face.
CUTS = {
    "Source Serif Pro": {
        "Regular": ("normal", "400"),
        "It": ("italic", "400"),
        "Bold": ("normal", "700"),
    },
    "Source Sans Pro": {
        "Regular": ("normal", "400"),
        "It": ("italic", "400"),
        "Semibold": ("normal", "500 700"),
    },
}


def write_faces(app, exception):
    """Write the style sheet that names the fonts."""
    if exception or app.builder.format != "html":
        return
    rules = []
    for family, cuts in CUTS.items():
        package = "font-" + family.lower().replace(" ", "-")
        module = package.replace("-", "_")
        for name, (style, weight) in cuts.items():
            file = f"{family.replace(' ', '')}-{name}.otf"
            found = importlib.metadata.distribution(package).locate_file(f"{module}/files/{file}")
            rules.append(
                f'@font-face {{font-family: "{family}"; font-style: {style}; '
                f'font-weight: {weight}; src: url("{Path(found).as_posix()}");}}\n'
            )
    (Path(app.outdir) / "_static" / SHEET).write_text("".join(rules), encoding="utf-8")


def setup(app):
    """Register the style sheet."""
    app.add_css_file(SHEET)
    app.connect("build-finished", write_faces)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
