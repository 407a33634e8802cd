"""The moving chart of the chapter *Definition*: scores become shares."""

import altair as alt

from softmax_lab.figures.style import COLOURS
from softmax_lab.figures.vega import (
    entries,
    formula,
    interactive,
    logit_sliders,
    softmax_formulas,
    spoken_list,
)


def probabilities(logits=(1.0, 2.0, 3.0)):
    """Draw the softmax of a few logits as bars; a slider moves each logit.

    Parameters
    ----------
    logits : sequence of float, shape (T,)
        Where the sliders start, between -5 and 5.

    Returns
    -------
    altair.LayerChart

    Examples
    --------
    >>> chart = probabilities([1, 2, 3])
    >>> chart.to_dict()["params"][2]["bind"]["name"]
    'logit 3'
    """
    classes = len(logits)
    names = "['class ' + datum.value, 'logit ' + format(z[datum.value - 1], '.1f')]"
    bars = (
        alt.Chart(alt.Data(values=[{"class": i + 1} for i in range(classes)]))
        .transform_calculate(probability="p[datum.class - 1]")
        .transform_calculate(number="format(datum.probability, '.3f')")
        .encode(
            x=alt.X("class:O", title=None, axis=alt.Axis(labelAngle=0, labelExpr=names)),
            y=alt.Y("probability:Q", scale=alt.Scale(domain=[0, 1])),
        )
    )
    colour = alt.condition(
        "datum.class === winner", alt.value(COLOURS["vermillion"]), alt.value(COLOURS["blue"])
    )
    return interactive(
        bars.mark_bar().encode(color=colour)
        + bars.mark_text(dy=-8, aria=False).encode(text="number:N"),
        *logit_sliders(logits),
        *softmax_formulas(classes),
        formula("winner", f"indexof(z, max({entries('z', classes)})) + 1"),
        says=(
            f"'Probabilities ' + {spoken_list('p', classes)} + '. Class ' + winner + "
            "' has the largest logit, hence the largest probability.'"
        ),
        description=(
            f"Bar chart of the softmax of {classes} logits, with a slider for each logit. Raising "
            "a logit raises its own bar and lowers all others. The bars keep the order of the "
            "logits and add up to 1."
        ),
    )
