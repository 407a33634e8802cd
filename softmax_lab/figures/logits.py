"""The moving charts of the chapter *Logits*: only differences of logits count."""

import altair as alt

from softmax_lab.figures.style import COLOURS
from softmax_lab.figures.vega import (
    formula,
    interactive,
    logit_sliders,
    slider,
    softmax_formulas,
    spoken_list,
)

PROBABILITY = alt.Y("probability:Q", scale=alt.Scale(domain=[0, 1]))


def sigmoid(logits=(2.0, 1.0)):
    """Draw the softmax of two logits as a point on the sigmoid of their difference.

    Parameters
    ----------
    logits : sequence of float, shape (2,)
        Where the sliders start, between -5 and 5. A third slider adds a number to both logits.

    Returns
    -------
    altair.LayerChart

    Examples
    --------
    >>> chart = sigmoid()
    >>> [mark.mark.type for mark in chart.layer]
    ['line', 'rule', 'point', 'text']
    """
    x = alt.X(
        "difference:Q", title="logit 1 − logit 2", scale=alt.Scale(domain=[-10, 10], nice=False)
    )
    curve = (
        alt.Chart(alt.sequence(-10, 10.05, 0.1, as_="difference"))
        .transform_calculate(probability="1 / (1 + exp(-datum.difference))")
        .mark_line(color=COLOURS["blue"], aria=False)
        .encode(x=x, y=PROBABILITY.title("probability of class 1"))
    )
    point = (
        alt.Chart(alt.Data(values=[{}]))
        .transform_calculate(difference="moved[0] - moved[1]", probability="p[0]")
        .transform_calculate(number="format(datum.probability, '.3f')")
        .encode(x=x, y=PROBABILITY)
    )
    return interactive(
        curve
        + point.mark_rule(strokeDash=[4, 3], aria=False).encode(y2=alt.datum(0))
        + point.mark_point(filled=True, opacity=1, size=140, color=COLOURS["vermillion"])
        + point.mark_text(dy=-14, dx=-24, aria=False).encode(text="number:N"),
        *logit_sliders(logits, count=2),
        slider("c", "add to both", 0, -50, 50, 1),
        formula("moved", "[z[0] + c, z[1] + c]"),
        *softmax_formulas(2, source="moved"),
        says=(
            f"'Logits ' + {spoken_list('moved', 2, digits=1)} + ': their difference is ' + "
            "format(moved[0] - moved[1], '.1f') + ' and class 1 has probability ' + "
            "format(p[0], '.3f') + '.'"
        ),
        description=(
            "The S-shaped sigmoid curve against the difference of two logits, and on it a point: "
            "the softmax of the two. A slider for each logit moves the point along the curve. "
            "Adding a number to both logits leaves it where it is."
        ),
    )


def shift(logits=(-2.0, 0.0, 1.0)):
    """Draw each probability above its logit; a slider adds a number to all logits.

    The heads lie on the curve exp(x - logsumexp), which slides with the logits.

    Parameters
    ----------
    logits : sequence of float, shape (T,)
        Where the sliders start, between -3 and 3.

    Returns
    -------
    altair.LayerChart

    Examples
    --------
    >>> shift().to_dict()["params"][-7]["bind"]["name"]
    'add to all'
    """
    classes = len(logits)
    x = alt.X("logit:Q", scale=alt.Scale(domain=[-8, 8], nice=False))
    curve = (
        alt.Chart(alt.sequence(-8, 8.05, 0.1, as_="logit"))
        .transform_calculate(probability="exp(datum.logit - pMax) / pSum")
        .transform_filter("datum.probability <= 1")
        .mark_line(color=COLOURS["blue"], opacity=0.5, strokeDash=[4, 3], aria=False)
        .encode(x=x, y=PROBABILITY)
    )
    heads = (
        alt.Chart(alt.Data(values=[{"class": i + 1} for i in range(classes)]))
        .transform_calculate(logit="moved[datum.class - 1]", probability="p[datum.class - 1]")
        .encode(x=x, y=PROBABILITY)
    )
    moved = ", ".join(f"z[{i}] + c" for i in range(classes))
    return interactive(
        curve
        + heads.mark_rule(color=COLOURS["vermillion"], aria=False).encode(y2=alt.datum(0))
        + heads.mark_point(filled=True, opacity=1, size=140, color=COLOURS["vermillion"])
        + heads.mark_text(dy=-14, aria=False).encode(text="class:N"),
        *logit_sliders(logits, low=-3, high=3),
        slider("c", "add to all", 0, -5, 5, 0.1),
        formula("moved", f"[{moved}]"),
        *softmax_formulas(classes, source="moved"),
        says=(
            f"'Logits ' + {spoken_list('moved', classes, digits=1)} + ' have probabilities ' + "
            f"{spoken_list('p', classes)} + '.'"
        ),
        description=(
            f"The probabilities of {classes} classes, each a pin that stands at its logit on a "
            "number line. The further right, the higher: the heads lie on one exponential curve. "
            "Adding a number to all logits slides pins and curve sideways and changes no height."
        ),
    )
