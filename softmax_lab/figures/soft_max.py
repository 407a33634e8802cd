"""The moving charts of the chapter *Soft max*: temperature, and the Gumbel-max trick."""

import altair as alt
import numpy as np

from softmax_lab.figures.style import COLOURS
from softmax_lab.figures.vega import (
    formula,
    interactive,
    logit_sliders,
    slider,
    softmax_formulas,
    spoken_list,
)
from softmax_lab.numpy.soft_max import gumbel_noise

CLASS = alt.X("class:O", axis=alt.Axis(labelAngle=0))


def temperature(logits=(1.0, 2.0, 3.0)):
    """Draw softmax(x / τ) between its two limits; a slider moves the temperature τ.

    Parameters
    ----------
    logits : sequence of float, shape (T,)
        Where the sliders of the logits start, between -5 and 5.

    Returns
    -------
    altair.LayerChart

    Examples
    --------
    >>> temperature().to_dict()["params"][0]["bind"]["name"]
    'temperature τ'
    """
    classes = len(logits)
    bars = (
        alt.Chart(alt.Data(values=[{"class": i + 1} for i in range(classes)]))
        .transform_calculate(
            probability="p[datum.class - 1]",
            hardmax="datum.class - 1 === indexof(z, pMax) ? 1 : 0",
        )
        .transform_calculate(number="format(datum.probability, '.3f')")
        .encode(
            x=CLASS, y=alt.Y("probability:Q", title="probability", scale=alt.Scale(domain=[0, 1]))
        )
    )
    return interactive(
        bars.mark_bar(color=COLOURS["blue"])
        + bars.mark_tick(color=COLOURS["vermillion"], thickness=4, opacity=1, aria=False).encode(
            y=alt.Y("hardmax:Q", title="probability")
        )
        + bars.mark_rule(strokeDash=[4, 3], aria=False).encode(
            x=alt.value(0), x2=alt.value("width"), y=alt.datum(1 / classes)
        )
        + bars.mark_text(dy=-8, aria=False).encode(text="number:N"),
        # Even steps of the logarithm reach both limits; what is written beside them is τ.
        slider("logTau", "temperature τ", 0, -2, 2, 0.05),
        *logit_sliders(logits),
        formula("tau", "pow(10, logTau)"),
        formula("shownTau", "format(tau, '.3~r')"),
        *softmax_formulas(classes, tau="tau"),
        says=(
            "'Temperature τ = ' + shownTau + ' gives probabilities ' + "
            f"{spoken_list('p', classes)} + '. Marks: hardmax. Dashed: 1/{classes} each.'"
        ),
        shows={"logTau": "shownTau"},
        description=(
            f"Bar chart of softmax over {classes} classes at a temperature. As the temperature "
            "falls, the bars approach the marks of hardmax: 1 for the largest logit and 0 for the "
            f"others. As it rises, they approach the dashed line of equal shares, 1/{classes}."
        ),
    )


def gumbel(logits=(1.0, 2.0, 3.0), draws=1000):
    """Draw how often each class wins when Gumbel noise is added to the logits.

    Parameters
    ----------
    logits : sequence of float, shape (T,)
        Where the sliders of the logits start, between -5 and 5.
    draws : int
        How many rows of noise the chart carries; one slider says how many of them are used.

    Returns
    -------
    altair.LayerChart

    Examples
    --------
    >>> gumbel().to_dict()["params"][0]["bind"]["max"]
    1000
    """
    classes = len(logits)
    noise = gumbel_noise((draws, classes), rng=np.random.default_rng(0)).round(4)
    rows = [{"draw": i, "noise": row} for i, row in enumerate(noise.tolist(), start=1)]
    scores = ", ".join(f"z[{i}] + datum.noise[{i}]" for i in range(classes))
    share = alt.Y("share:Q", title="share of draws won", scale=alt.Scale(domain=[0, 1]))
    wins = (
        alt.Chart(alt.Data(values=rows))
        .transform_filter("datum.draw <= draws")
        .transform_calculate(**{"class": f"indexof([{scores}], max({scores})) + 1"})
        .transform_aggregate(wins="count()", groupby=["class"])
        .transform_impute("wins", key="class", keyvals=list(range(1, classes + 1)), value=0)
        .transform_calculate(share="datum.wins / draws")
        .transform_calculate(
            words="'class ' + datum.class + ' won ' + format(datum.share, '.3f')",
            number="format(datum.share, '.3f')",
            above="max(datum.share, p[datum.class - 1])",
        )
        .encode(x=CLASS)
    )
    softmax = (
        alt.Chart(alt.Data(values=[{"class": i + 1} for i in range(classes)]))
        .transform_calculate(share="p[datum.class - 1]")
        .encode(x=CLASS, y=share)
    )
    return interactive(
        wins.mark_bar(color=COLOURS["blue"]).encode(y=share)
        + wins.mark_text(dy=-10, aria=False).encode(text="number:N", y="above:Q")
        + softmax.mark_tick(color=COLOURS["vermillion"], thickness=4, opacity=1),
        slider("draws", "draws", min(50, draws), 1, draws, 1),
        *logit_sliders(logits),
        *softmax_formulas(classes),
        says=(
            # data_0 is what Vega-Lite calls the table behind the bars.
            "draws + ' draws: ' + join(sort(pluck(data('data_0'), 'words')), ', ') + "
            f"'. Marks, softmax: ' + {spoken_list('p', classes)} + '.'"
        ),
        description=(
            "Bar chart of how often each class has the largest sum of logit and Gumbel noise. A "
            "mark on each bar shows its softmax probability. With more draws the bars settle at "
            "the marks."
        ),
    )
