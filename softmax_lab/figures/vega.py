"""Small pieces that the interactive charts share: sliders, formulas and the house style.

A chart holds its arithmetic as Vega formulas, so that a browser can redo it without Python. A
formula may name a slider or an earlier formula.
"""

import base64

import altair as alt
import vl_convert

MIME_TYPE = "application/vnd.vegalite.v5+json"
MIME_TYPE_NEXT = "application/vnd.vegalite.v6+json"
SCHEMA = "https://vega.github.io/schema/vega-lite/v5.json"
INK = "currentColor"  # the colour of the text around the chart, whatever the theme
CONFIG = {
    "axis": {
        "domainColor": INK,
        "gridColor": INK,
        "gridOpacity": 0.15,
        "labelColor": INK,
        "labelFontSize": 12,
        "tickColor": INK,
        "titleColor": INK,
        "titleFontSize": 13,
        "titleFontWeight": "normal",
    },
    "background": "transparent",
    "font": "sans-serif",
    "legend": {"labelColor": INK, "labelFontSize": 12, "titleColor": INK},
    "rule": {"color": INK},
    "text": {"color": INK, "fontSize": 12},
    "view": {"stroke": None},
}


def show_without_kernel():
    """Make Altair publish charts as Vega-Lite and as a picture, so that each viewer finds a form.

    JupyterLab and the book draw the former; GitHub and printers take the latter. HTML is left out
    because JupyterLab would prefer it, and it needs the network.
    """
    alt.renderers.register("softmax_lab", _bundle)
    alt.renderers.enable("softmax_lab")


def _bundle(spec, **_):
    # JupyterLab 4 draws Vega-Lite 5 but not 6; the book's charts use nothing newer than 5.
    on_paper = {**spec, "background": "white"}
    return {
        MIME_TYPE: {**spec, "$schema": SCHEMA},
        MIME_TYPE_NEXT: spec,
        "image/png": base64.b64encode(vl_convert.vegalite_to_png(on_paper, scale=2)).decode(),
        "text/plain": spec.get("description", "a chart"),
    }


def slider(name, label, value, low, high, step=0.1):
    """Return a slider that sets the number `name` of the formulas."""
    control = alt.binding_range(min=low, max=high, step=step, name=label)
    return alt.param(name=name, value=value, bind=control)


def choice(name, label, value, options):
    """Return a row of buttons that sets the number `name` to one of a few."""
    control = alt.binding_radio(options=list(options), name=label)
    return alt.param(name=name, value=value, bind=control)


def logit_sliders(logits, *, low=-5, high=5, step=0.1, count=None):
    """Return sliders z1, z2, ... that start at the given logits, and the formula of the list z."""
    if len(logits) < 2 or (count and len(logits) != count):
        raise ValueError(
            f"logits has {len(logits)} entries; this chart takes {count or '2 or more'}"
        )
    for value in logits:
        if not low <= value <= high:
            raise ValueError(f"logits holds {value}; its slider reaches from {low} to {high}")
    names = [f"z{i}" for i in range(1, len(logits) + 1)]
    sliders = [
        slider(name, f"logit {i}", float(value), low, high, step)
        for i, (name, value) in enumerate(zip(names, logits, strict=True), start=1)
    ]
    return [*sliders, formula("z", f"[{', '.join(names)}]")]


def formula(name, expression):
    """Return the Vega expression `expression` under the name `name`."""
    return alt.param(name=name, expr=expression)


def entries(name, count):
    """Return the entries of the list `name`, as Vega expressions with commas between them."""
    return ", ".join(f"{name}[{i}]" for i in range(count))


def softmax_formulas(classes, *, source="z", tau="1"):
    """Return the formulas of `p`, the softmax of the list `source` divided by `tau`.

    The largest entry is subtracted first, as in the book. Vega has no loop over a list, hence the
    sums are written out for the given number of classes.
    """
    weights = [f"exp(({source}[{i}] - pMax) / ({tau}))" for i in range(classes)]
    shares = [f"pWeights[{i}] / pSum" for i in range(classes)]
    return [
        formula("pMax", f"max({entries(source, classes)})"),
        formula("pWeights", f"[{', '.join(weights)}]"),
        formula("pSum", entries("pWeights", classes).replace(", ", " + ")),
        formula("p", f"[{', '.join(shares)}]"),
    ]


def spoken_list(source, count, *, digits=3):
    """Return an expression that writes the list `source` as a sentence does: 0.1, 0.2 and 0.7."""
    numbers = [f"format({source}[{i}], '.{digits}f')" for i in range(count)]
    return " + ', ' + ".join(numbers[:-1]) + " + ' and ' + " + numbers[-1]


def interactive(chart, *params, says, description, height=260, shows=None, handle=None):
    """Finish a chart: its sliders and formulas, its size, and its words.

    Parameters
    ----------
    chart : altair.Chart or altair.LayerChart
        One view. Its width is only a start: on a page it follows the column.
    *params : altair.Parameter
        Sliders and formulas, in the order of the sliders on the page.
    says : str
        A Vega expression for the sentence that states what is drawn now. The page shows it below
        the sliders and screen readers speak it.
    description : str
        What the chart shows, for whoever does not see it.
    height : int
        In pixels.
    shows : dict of str to str, optional
        For a slider, the formula whose value is written beside it in place of its own.
    handle : str, optional
        What can be dragged, in words. The formula ``handle`` says where it is, as [x, y] on the
        axes; ``charts.js`` sets ``pullX`` and ``pullY`` to where it should be, and the sliders
        z1, z2, ... to the formula ``pulled``, a list.
    """
    meta = {"embedOptions": {"actions": False, "renderer": "svg"}, "shows": shows or {}}
    if handle:
        meta["handle"] = handle
    return (
        chart.add_params(*params, formula("says", says))
        .properties(width=560, height=height, description=description, usermeta=meta)
        .configure(**CONFIG)
    )
