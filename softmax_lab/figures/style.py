"""One look for every figure of the book, still or interactive."""

import re
import sys

import matplotlib as mpl
from cycler import cycler
from matplotlib.figure import Figure

COLOURS = {
    "blue": "#0072B2",
    "vermillion": "#D55E00",
    "green": "#009E73",
    "purple": "#CC79A7",
    "orange": "#E69F00",
    "sky": "#56B4E9",
}
"""The colours of Okabe and Ito, which colour-blind readers can tell apart, in order of use."""

INK = "#222222"  # text and axes; the page's stylesheet inverts it in dark mode

STYLE = {
    # A line's dashes tell it apart where its colour cannot, as on a grey printer.
    "axes.prop_cycle": cycler(color=COLOURS.values())
    + cycler(linestyle=["-", "--", "-.", ":", (0, (5, 1)), (0, (3, 1, 1, 1))]),
    "axes.axisbelow": True,
    "axes.edgecolor": INK,
    "axes.grid": True,
    "axes.labelcolor": INK,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": "medium",
    "axes.titleweight": "bold",
    "figure.constrained_layout.use": True,
    "figure.dpi": 100,
    "figure.facecolor": "none",
    "figure.figsize": (5.2, 2.9),  # inches; a phone shows two thirds of that
    "font.family": "DejaVu Sans",  # ships with matplotlib, so every machine draws the same letters
    "font.size": 12,  # points; the small print, 10, is 9 pixels high on a phone
    "axes.facecolor": "none",
    "grid.alpha": 0.25,
    "grid.color": INK,
    "grid.linewidth": 0.6,
    "image.cmap": "Greys",
    "image.interpolation": "nearest",
    "legend.frameon": False,
    "lines.linewidth": 2,
    "savefig.facecolor": "none",
    "svg.fonttype": "path",
    "svg.hashsalt": "softmax-lab",  # names inside the file are hashes; without salt they are random
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
}


METADATA = ("Creator", "Date", "Format", "Type")  # what matplotlib would write into each figure
LENGTHS = re.compile(r' (?:d|x|y)="[^"]*"|translate\([^)]*\)')
IDLE = re.compile(r"(?<=\.\d\d)\d+|(?<=[MLQC]) ")  # digits beyond 0.01 points, spaces


def use_style():
    """Draw in the book's style from here on, in a notebook as SVG without a date.

    The same data then give the same bytes, so that two builds of the book can be compared.

    Examples
    --------
    >>> use_style()
    >>> mpl.rcParams["image.cmap"]
    'Greys'
    """
    mpl.rcParams.update(STYLE)
    if "IPython" in sys.modules and (shell := sys.modules["IPython"].get_ipython()) is not None:
        from matplotlib_inline.backend_inline import set_matplotlib_formats

        # What is rasterized, as clouds of points are, stays sharp on a dense screen.
        set_matplotlib_formats("svg", metadata=dict.fromkeys(METADATA), dpi=200)
        formatter = shell.display_formatter.formatters["image/svg+xml"]
        draw = formatter.for_type(Figure)
        formatter.for_type(Figure, lambda figure: lighter(draw(figure)))


def lighter(svg):
    """Return matplotlib's drawing with a quarter less text, for slow lines.

    Names that nothing refers to, comments and indents go, and lengths end at 0.01 points.
    """
    svg = re.sub(r'<!--.*?-->|(?<=<g) id="[^"]*"', "", svg, flags=re.DOTALL)
    svg = LENGTHS.sub(lambda found: IDLE.sub("", found[0]), svg)
    return re.sub(r'\s*\n\s*(?=[<LQCz]|" )', "", svg)
