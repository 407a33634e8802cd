"""Count what a chapter holds, and say how long it takes: python tools/times.py [--write].

Prints words, formulas, lines of code and exercises, and the minutes that follow. `--write` puts the
minutes into the chapters, each in the sentence under "In this chapter".
"""

import re
import sys
from collections import Counter
from pathlib import Path

import nbformat

BOOK = Path(__file__).resolve().parents[1] / "book"
CORE_WAY = ("definition", "logits", "soft_max", "stability", "gradients", "cross_entropy")
CHAPTERS = (*CORE_WAY, "scale")

# Seconds for one of each. Most adults read English non-fiction at 175 to 300 words a minute, 238 on
# average, and slower in a second language (Brysbaert 2019, a review of 190 studies). Text to learn
# from is no easy one: 200. The rest is an estimate, on the slow side.
READING = {
    "words": 60 / 200,
    "formulas in a line": 1.5,
    "lines of formulas": 8,
    "lines of code": 3,
    "outputs": 5,
    "figures": 15,
    "charts": 45,
    "predictions": 20,
    "cards": 8,
}
# Minutes for an exercise: to understand it, and for each line of its solution.
EXERCISE, LINE = 4, 0.5

# Parts to look things up in, not to read.
LOOKED_UP = ("In the frameworks", "Further reading")

DIRECTIVE = re.compile(r"^(`{3,}|:{3,})\{(\w+)\}.*?^\1`*:*\s*$", flags=re.MULTILINE | re.DOTALL)
DEEPER_CARD = re.compile(r"^\d+\. \(Deeper\.\) .+\n +- .+$", re.MULTILINE)
DETAILS = re.compile(r"(?<=</summary>).*?(?=</details>)", re.DOTALL)
DISPLAY = re.compile(r"\$\$.+?\$\$", flags=re.DOTALL)
INLINE = re.compile(r"\$[^$\n]+\$")
MARKUP = re.compile(r"<[^>]+>|\{[\w:]+\}|\]\([^)]*\)|^\([\w-]+\)=$|^:\w+: .*$", re.MULTILINE)
CHECK = re.compile(r"exercises\.(check|hint)\(")
CHART = re.compile(r"^charts\.", re.MULTILINE)
CARD = re.compile(r"^\d+\. .+\n +- ", re.MULTILINE)
WORD = re.compile(r"\S*\w\S*")
SENTENCE = re.compile(
    r"About \d+ minutes to read, \d+ to practise\."
    r"|To read: (?:the core )?\d+ minutes(?:, all \d+)?\. To practise: \d+\."
)


def pieces(notebook):
    """Yield (cell, source, deeper) in order, Markdown cut at each heading."""
    level = 7  # of the heading that began a deeper part
    for cell in notebook.cells:
        if cell.cell_type != "markdown":
            yield cell, cell.source, level < 7
            continue
        for piece in re.split(r"(?m)^(?=#+ )", cell.source):
            heading = re.match(r"(#+) .*\n*(\*\*Deeper\.\*\*)?", piece)
            if heading and heading[2] and len(heading[1]) < level:
                level = len(heading[1])
            elif heading and len(heading[1]) <= level and not heading[2]:
                level = 7
            if not re.match(rf"#+ ({'|'.join(LOOKED_UP)})", piece):
                yield cell, piece, level < 7


def count(notebook):
    """Return what there is to read, in the core and in all, and the minutes to practise."""
    core, everything, practice = Counter(), Counter(), 0
    for cell, source, deeper in pieces(notebook):
        found = in_markdown(source) if cell.cell_type == "markdown" else in_code(cell)
        everything += found
        if not deeper and cell.cell_type == "markdown":
            found = in_markdown(DEEPER_CARD.sub("", source))
        core += Counter() if deeper else found
        if "solution" in cell.metadata.get("tags", ()):
            lines = source.partition("\nexercises.verify(")[0].split("\n")
            practice += EXERCISE + LINE * sum(bool(line.strip()) for line in lines)
    return core, everything, practice


def in_markdown(source):
    """Return what there is to read in Markdown.

    Exercises are to be practised, and not counted. Of a prediction's sentences the page shows the
    one or two for the choice that was made, so half of them count.
    """
    source = DIRECTIVE.sub(lambda found: "" if found[2] == "exercise" else found[0], source)
    source = DETAILS.sub(lambda found: found[0][: len(found[0]) // 2], source)
    displays = DISPLAY.findall(source)
    source = DISPLAY.sub(" ", source)
    return Counter(
        {
            "words": len(WORD.findall(MARKUP.sub(" ", INLINE.sub(" ", source)))),
            "formulas in a line": len(INLINE.findall(source)),
            "lines of formulas": sum(1 + formula.count("\\\\") for formula in displays),
            "predictions": source.count("**Predict.**"),
            "cards": len(CARD.findall(source)),
        }
    )


def in_code(cell):
    """Return what there is to read of a cell of code: what the page shows of it unfolded."""
    tags = set(cell.metadata.get("tags", ()))
    if tags & {"remove-cell", "hide-cell", "starter"} or CHECK.match(cell.source):
        return Counter()
    figure = cell.metadata.get("mystnb", {}).get("figure")
    found = Counter(
        {
            "figures": int(figure is not None),
            "words": len(WORD.findall(figure["caption"])) if figure else 0,
            "charts": len(CHART.findall(cell.source)),
            "outputs": int("print(" in cell.source),
        }
    )
    if "hide-input" not in tags:
        found["lines of code"] = sum(bool(line.strip()) for line in cell.source.split("\n"))
    return found


def minutes(seconds):
    """Return whole minutes, in fives."""
    return 5 * round(seconds / 300)


def seconds(notebook):
    """Return how long the core takes, all of it, and the exercises."""
    core, everything, practice = count(notebook)
    reading = [sum(READING[kind] * n for kind, n in found.items()) for found in (core, everything)]
    return (*reading, 60 * practice)


def sentence(notebook):
    """Return what a chapter says of its length."""
    core, everything, practice = map(minutes, seconds(notebook))
    reading = (
        f"{core} minutes" if core == everything else f"the core {core} minutes, all {everything}"
    )
    return f"To read: {reading}. To practise: {practice}."


def core_way():
    """Return whole minutes for the core, for all and for the exercises of the core way's chapters.

    The seconds are added, and rounded once.
    """
    notebooks = (nbformat.read(BOOK / f"{chapter}.ipynb", as_version=4) for chapter in CORE_WAY)
    return tuple(map(minutes, map(sum, zip(*map(seconds, notebooks), strict=True))))


def told(core):
    """Return what the introduction says of the core way."""
    return f"takes about {core} minutes without the exercises"


def main(write=False):
    """Print the counts of all chapters; with `write`, say the minutes in each."""
    for chapter in CHAPTERS:
        path = BOOK / f"{chapter}.ipynb"
        notebook = nbformat.read(path, as_version=4)
        core, everything, _ = count(notebook)
        counts = ", ".join(f"{core[kind]} of {everything[kind]} {kind}" for kind in READING)
        print(f"{chapter}: {counts}. {sentence(notebook)}")
        if write:
            text = path.read_text(encoding="utf-8")
            path.write_text(SENTENCE.sub(sentence(notebook), text), encoding="utf-8")
    core, everything, practice = core_way()
    if write:
        text = (BOOK / "intro.ipynb").read_text(encoding="utf-8")
        text = re.sub(r"takes about \d+ minutes without the exercises", told(core), text)
        (BOOK / "intro.ipynb").write_text(text, encoding="utf-8")
    print(f"The core way: {core} minutes of {everything}, and {practice} to practise")


if __name__ == "__main__":
    main(write="--write" in sys.argv[1:])
