"""What the tests of the figures share: a page for each chart, and a browser to open it in."""

import functools
import importlib
import shutil
from pathlib import Path

import pytest

from softmax_lab.figures.page import chart_html, write_vega
from softmax_lab.figures.vega import MIME_TYPE

CHARTS = [
    "definition.probabilities",
    "logits.sigmoid",
    "logits.shift",
    "soft_max.temperature",
    "soft_max.gumbel",
    "stability.offsets",
    "stability.offsets-float16",
    "gradients.jacobian",
    "cross_entropy.simplex",
    "scale.merging",
]
ASSETS = Path(__file__).parents[2] / "book" / "_page"
PAGE = """<!doctype html>
<html lang="en" data-theme="{theme}"><meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{name}</title><link rel="icon" href="data:,">
<link rel="stylesheet" href="figures.css"><script defer src="charts.js"></script>
<style>body {{ margin: 16px; font: 16px sans-serif; background: {paper}; color: {ink} }}</style>
{chart}
</html>
"""


def make(name, *args):
    """Return the chart called `module.function` or `module.function-argument`."""
    module, _, call = name.partition(".")
    function, *given = call.split("-")
    return getattr(importlib.import_module(f"softmax_lab.figures.{module}"), function)(
        *given, *args
    )


@functools.cache
def bundle(name):
    """Return what a notebook publishes for a chart, by MIME type."""
    shown = make(name)._repr_mimebundle_()
    return shown[0] if isinstance(shown, tuple) else shown


@pytest.fixture(scope="session")
def pages(tmp_path_factory):
    """A folder with a page for each chart, and pages of all of them in the light and the dark."""
    folder = tmp_path_factory.mktemp("charts")
    write_vega(folder / "vega.js")
    for asset in ("charts.js", "figures.css"):
        shutil.copy(ASSETS / asset, folder)
    charts = {name: chart_html(bundle(name)[MIME_TYPE]) for name in CHARTS}

    def write(name, theme, paper, ink, chart):
        text = PAGE.format(name=name, theme=theme, paper=paper, ink=ink, chart=chart)
        (folder / f"{name}.html").write_text(text, encoding="utf-8")

    for name, chart in charts.items():
        write(name, "light", "#fff", "#222", chart)
    write("light", "light", "#fff", "#222", "\n".join(charts.values()))
    write("dark", "dark", "#121212", "#ced6dd", "\n".join(charts.values()))
    return folder
