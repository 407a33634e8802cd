"""The book's pictures: one house style, a few matplotlib helpers, and charts that need no kernel.

Call `use_style` once at the top of a notebook. The helpers for still pictures are importable from
here; each chapter's interactive charts live in the module of its name, for example
`softmax_lab.figures.definition`. This part of the package needs the ``book`` extra.
"""

try:
    import altair  # noqa: F401
    import matplotlib  # noqa: F401
    import vl_convert  # noqa: F401
except ImportError as error:
    raise ImportError(
        f"softmax_lab.figures draws with {error.name}, which is not installed: "
        'run pip install "softmax-lab[book]"'
    ) from error

from softmax_lab.figures.style import COLOURS, use_style
from softmax_lab.figures.vega import show_without_kernel

__all__ = [
    "COLOURS",
    "draw_errors",
    "draw_heat_map",
    "draw_probabilities",
    "label_lines",
    "show_digits",
    "use_style",
]

show_without_kernel()


def __getattr__(name):
    """Import the still pictures when the first is asked for: pyplot, which they need, is slow."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from softmax_lab.figures import stills

    return getattr(stills, name)
