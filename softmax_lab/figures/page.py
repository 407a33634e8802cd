"""How an interactive chart gets onto a page of the book, where no Python runs."""

import html
import json
from pathlib import Path

import vl_convert
from docutils import nodes

from softmax_lab.figures.vega import MIME_TYPE, MIME_TYPE_NEXT


class ChartRenderer:
    """Plug-in for MyST-NB (entry point ``myst_nb.mime_renderers``) that writes a chart's HTML.

    The page holds the chart, compiled for Vega, and a still picture of it. The script ``charts.js``
    puts the moving chart in the picture's place; without scripts the picture stays.
    """

    mime_priority_overrides = (("html", MIME_TYPE, 1),)

    @staticmethod
    def handle_mime(renderer, data, inline):
        """Return the nodes for a chart, and None for any other output."""
        if data.mime_type == MIME_TYPE_NEXT:
            return []  # the same chart again, for other programs
        if data.mime_type != MIME_TYPE or inline:
            return None
        return [nodes.raw("", chart_html(data.content), format="html", classes=["output"])]


def compiled(spec):
    """Return a chart for Vega, as wide as the page's column, so that no page needs Vega-Lite."""
    fitted = {"width": "container", "autosize": {"type": "fit-x", "contains": "padding"}}
    return vl_convert.vegalite_to_vega(spec | fitted)


def chart_html(spec):
    """Return the HTML of a chart, given as a Vega-Lite specification.

    Parameters
    ----------
    spec : dict
        With a ``description``, which becomes the text alternative.

    Returns
    -------
    str
    """
    # Keys are sorted in an output that was kept, not in one fresh from a kernel: no page may tell.
    text = json.dumps(compiled(spec), separators=(",", ":"), sort_keys=True)
    # A script element ends at "</", wherever it stands; JSON may write it "<\/".
    text = text.replace("</", "<\\/")
    return (
        f'<div class="chart" role="group" aria-label="{html.escape(spec["description"])}">\n'
        f'<div class="chart-picture">{vl_convert.vegalite_to_svg(spec)}</div>\n'
        f'<script type="application/json">{text}</script>\n'
        "</div>"
    )


def write_vega(path):
    """Write Vega as one script for ``charts.js`` to load.

    It comes out of vl-convert, in the version that fits its compiler, so no network is needed.

    Parameters
    ----------
    path : path-like
        The file to write; its folder is made if missing.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    # The name under which vl-convert holds Vega; its own default brings Vega-Lite and Embed along.
    module = f"/npm/vega@{vl_convert.get_vega_version()}/+esm"
    names = "{View, parse}"
    bundle = vl_convert.javascript_bundle(
        f'import {names} from "{module}"; globalThis.vega = {names};'
    )
    path.write_text(f"(() => {{{bundle}}})();\n", encoding="utf-8")
