"""The moving chart of the chapter *Gradients*: the Jacobian follows the logits."""

import altair as alt

from softmax_lab.figures.style import COLOURS
from softmax_lab.figures.vega import (
    formula,
    interactive,
    logit_sliders,
    softmax_formulas,
    spoken_list,
)


def jacobian(logits=(1.0, 2.0, 3.0)):
    """Draw the Jacobian diag(p) - p pᵀ of softmax as a heat map, with the sums of its rows.

    Parameters
    ----------
    logits : sequence of float, shape (T,)
        Where the sliders start, between -5 and 5.

    Returns
    -------
    altair.LayerChart

    Examples
    --------
    >>> jacobian().layer[0].mark
    'rect'
    """
    classes = range(1, len(logits) + 1)
    columns = [*(f"logit {j}" for j in classes), "row sum"]
    x = alt.X("column:N", title=None, sort=columns, axis=alt.Axis(labelAngle=0, orient="top"))
    y = alt.Y("row:N", title=None)
    cells = (
        alt.Chart(alt.Data(values=[{"i": i, "j": j} for i in classes for j in classes]))
        .transform_calculate(
            row="'p' + datum.i",
            column="'logit ' + datum.j",
            entry="p[datum.i - 1] * ((datum.i === datum.j) - p[datum.j - 1])",
        )
        .transform_calculate(number="format(datum.entry, '.3f')", size="abs(datum.entry)")
        .encode(x=x.scale(domain=columns), y=y)
    )
    sums = (
        cells.transform_aggregate(total="sum(entry)", groupby=["row"])
        .transform_calculate(column="'row sum'", number="format(datum.total, '.3f')")
        .mark_text(fontWeight="bold")
    )
    colour = alt.condition(
        "datum.entry > 0", alt.value(COLOURS["vermillion"]), alt.value(COLOURS["blue"])
    )
    # No entry is larger than 1/4. Zero is see-through, in the light and in the dark.
    depth = alt.Opacity("size:Q", scale=alt.Scale(domain=[0, 0.25], range=[0, 0.6]), legend=None)
    diagonal = ", ".join(f"p[{i}] * (1 - p[{i}])" for i in range(len(logits)))
    return interactive(
        cells.mark_rect().encode(color=colour, opacity=depth)
        + cells.mark_text(aria=False).encode(text="number:N")
        + sums.encode(text="number:N"),
        *logit_sliders(logits),
        *softmax_formulas(len(logits)),
        formula("diagonal", f"[{diagonal}]"),
        says=(
            f"'Probabilities ' + {spoken_list('p', len(logits))} + '. On the diagonal of the "
            f"Jacobian ' + {spoken_list('diagonal', len(logits))} + '; each row adds up to 0.'"
        ),
        description=(
            f"Heat map of the {len(logits)} by {len(logits)} Jacobian of softmax: how much each "
            "probability moves per unit of each logit. The diagonal is positive, all other "
            "entries are negative, and the column at the right shows that each row adds up to 0."
        ),
        height=60 * len(logits),
    )
