"""What a reader sees: plain text in a terminal, small tables in a notebook and on the page."""

import reprlib
from dataclasses import dataclass, field
from html import escape

import numpy as np

BRIEF = reprlib.Repr()  # for whatever else an answer returns; survives a broken __repr__
BRIEF.maxother = 200


def hides_differences(value, digits):
    """Whether numbers that differ would look alike in so many digits."""
    numbers = np.unique(value)
    text = np.array2string(numbers, precision=digits, threshold=numbers.size)
    return value.dtype.kind == "f" and len(set(text.strip("[]").split())) < numbers.size


def shown(value):
    """Return a value as short text."""
    if isinstance(value, tuple):
        return "(" + ", ".join(map(shown, value)) + ")"
    if isinstance(value, np.ndarray | np.generic):
        digits = next((d for d in (6, 12) if not hides_differences(value, d)), None)
        mode = "unique" if digits is None else "maxprec"
        with np.printoptions(
            precision=digits, floatmode=mode, threshold=24, edgeitems=3, linewidth=88
        ):
            text = repr(value) if np.ndim(value) else str(value)
    elif isinstance(value, str | type):
        text = getattr(value, "__name__", value)
    else:
        text = BRIEF.repr(value)
    return text if len(text) < 700 else text[:700] + " …"


CELL = "text-align: left; vertical-align: top; white-space: pre-wrap"


class Html(str):
    """Text that is HTML already, and must not be escaped again."""


def table(rows, caption="", head=()):
    """Return an HTML table that takes its colours from the page around it."""

    def line(row, tags):
        cells = (value if isinstance(value, Html) else escape(str(value)) for value in row)
        pairs = zip(tags, cells, strict=True)
        return "".join(f'<{tag} style="{CELL}">{cell}</{tag[:2]}>' for tag, cell in pairs)

    lines = [line(head, ['th scope="col"'] * len(head))] if head else []
    lines += [line(row, ['th scope="row"'] + ["td"] * (len(row) - 1)) for row in rows]
    title = f'<caption style="{CELL}">{escape(caption)}</caption>' if caption else ""
    return f"<table>{title}{''.join(f'<tr>{cells}</tr>' for cells in lines)}</table>"


@dataclass
class Report:
    """What `check` found: true when every property holds.

    Attributes
    ----------
    name : str
        The exercise.
    holds : dict
        For each property, in words, whether it holds.
    failure : list of (str, object)
        The smallest input that fails, what was expected and what came back; empty when passed.
    mistake : str
        What it looks like; empty when passed, or when nobody knows.
    """

    name: str
    holds: dict = field(default_factory=dict)
    failure: list = field(default_factory=list)
    mistake: str = ""
    nudge: str = ""
    printed: str = ""

    @property
    def attempted(self):
        return bool(self.holds or self.mistake)

    def __bool__(self):
        return bool(self.holds) and all(self.holds.values()) and not self.mistake

    @property
    def summary(self):
        if not self.attempted:
            return f"{self.name}: not attempted yet."
        if self:
            return f"{self.name}: solved. All {len(self.holds)} properties hold."
        held = f"{sum(self.holds.values())} of {len(self.holds)} properties hold."
        return f"{self.name}: not yet. {held}" if self.holds else f"{self.name}: not yet."

    @property
    def details(self):
        """Pairs of a heading and a text, for what failed."""
        pairs = [(heading, shown(value)) for heading, value in self.failure]
        if self.mistake:
            pairs.append(("diagnosis", f"{self.mistake}. {self.nudge}".strip()))
        return [*pairs, ("it printed", self.printed)] if self.printed and not self else pairs

    def __repr__(self):
        lines = [self.summary]
        lines += [f"  {'✓' if held else '✗'} {says}" for says, held in self.holds.items()]
        lines += [
            f"  {heading}: ".ljust(18) + text.replace("\n", "\n" + " " * 18)
            for heading, text in self.details
        ]
        return "\n".join(lines)

    def _repr_html_(self):
        rows = [("✓ holds" if held else "✗ fails", says) for says, held in self.holds.items()]
        rows += self.details
        return table(rows, self.summary) if rows else f"<p>{escape(self.summary)}</p>"


@dataclass
class Hints:
    """The hints of an exercise: folded one by one in a notebook, as many as asked for in text."""

    name: str
    hints: list
    given: int

    def __repr__(self):
        lines = [
            f"Hint {i} of {len(self.hints)}: {self.hints[i - 1]}" for i in range(1, self.given + 1)
        ]
        return "\n".join(lines)

    def _repr_html_(self):
        fold = "<details><summary>Hint {} of {}</summary><p>{}</p></details>"
        total = len(self.hints)
        return "".join(fold.format(i, total, escape(hint)) for i, hint in enumerate(self.hints, 1))


@dataclass
class Table:
    """Rows under headings, as aligned text and as HTML."""

    head: tuple
    rows: list
    pages: dict = field(default_factory=dict)  # text of a cell: where it links to

    def __repr__(self):
        lines = [list(map(str, row)) for row in [self.head, *self.rows]]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        padded = ([text.ljust(w) for text, w in zip(line, widths, strict=True)] for line in lines)
        return "\n".join("  ".join(line).rstrip() for line in padded)

    def _repr_html_(self):
        def linked(text):
            page = self.pages.get(text)
            return Html(f'<a href="{escape(page)}">{escape(text)}</a>') if page else text

        return table([[linked(text) for text in row] for row in self.rows], head=self.head)
