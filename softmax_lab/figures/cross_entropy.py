"""The moving chart of the chapter *Cross-entropy*: the loss over all distributions of 3 classes."""

import math

import altair as alt

from softmax_lab.figures.style import COLOURS
from softmax_lab.figures.vega import (
    choice,
    formula,
    interactive,
    logit_sliders,
    softmax_formulas,
    spoken_list,
)

HEIGHT = 320  # pixels
LOW, HIGH = -0.12, 0.98  # of the vertical axis; the triangle reaches from 0 to 0.87
ROOM = 1.2  # at least, across: the triangle, which is 1 wide, and what is written beside it
LEAST = 0.001  # a probability below this can be set by the sliders, not by dragging
LOSSES = (0.2, math.log(2), math.log(3), 2.0, 3.0)  # below log 2 surely right, above log 3 wrong


def simplex(logits=(1.0, 2.0, 0.0), target=3):
    """Draw p = softmax(logits) in the triangle of all distributions, with p - y as an arrow.

    The arrow, the gradient of the loss with respect to the logits, starts at the corner y of the
    true class and ends at p, where it can be dragged. Straight lines join the distributions of
    equal loss.

    Parameters
    ----------
    logits : sequence of float, shape (3,)
        Where the sliders start, between -5 and 5.
    target : int
        The true class at the start: 1, 2 or 3.

    Returns
    -------
    altair.LayerChart

    Examples
    --------
    >>> simplex().to_dict()["params"][0]["bind"]["options"]
    [1, 2, 3]
    """
    if target not in (1, 2, 3):
        raise ValueError(f"target is {target}; the classes of this chart are 1, 2 and 3")
    # A unit must be as long across as upwards, however wide the page makes the chart; on a narrow
    # phone it is shorter, and there is room above.
    span = f"max({HIGH - LOW}, {ROOM} * height / width)"
    half = f"{span} / 2 * width / height"
    left, right = alt.expr(f"0.5 - {half}"), alt.expr(f"0.5 + {half}")
    across = alt.Scale(domain=[0, 1], domainMin=left, domainMax=right, nice=False)
    x = alt.X("x:Q", axis=None, scale=across)
    upwards = alt.Scale(domain=[LOW, HIGH], domainMax=alt.expr(f"{LOW} + {span}"), nice=False)
    y = alt.Y("y:Q", axis=None, scale=upwards)

    corners = (
        alt.Chart(alt.Data(values=[{"step": i, "class": i % 3 + 1} for i in range(4)]))
        .transform_calculate(x="cornerX[datum.class - 1]", y="cornerY[datum.class - 1]")
        .transform_calculate(name="'class ' + datum.class")
        .encode(x=x, y=y)
    )
    names = corners.transform_filter("datum.step < 3")
    # On the line of loss L the true class has probability q = exp(-L), anywhere between the ends.
    level = (
        alt.Chart(alt.Data(values=[{"loss": loss} for loss in LOSSES]))
        .transform_calculate(q="exp(-datum.loss)", number="format(datum.loss, '.2f')")
        .transform_calculate(
            x="datum.q * cornerX[target - 1] + (1 - datum.q) * cornerX[target % 3]",
            y="datum.q * cornerY[target - 1] + (1 - datum.q) * cornerY[target % 3]",
            x2="datum.q * cornerX[target - 1] + (1 - datum.q) * cornerX[(target + 1) % 3]",
            y2="datum.q * cornerY[target - 1] + (1 - datum.q) * cornerY[(target + 1) % 3]",
        )
        .encode(x=x, y=y)
    )
    # Their numbers stand left of the triangle, or right of it if its right corner is the true one.
    side = "(target === 3 ? 0 : 2)"
    numbers = level.transform_calculate(
        x=f"datum.q * cornerX[target - 1] + (1 - datum.q) * cornerX[{side}] + "
        "(target === 2 ? 0.07 : -0.07)",
        y=f"datum.q * cornerY[target - 1] + (1 - datum.q) * cornerY[{side}]",
    )
    arrow = (
        alt.Chart(alt.Data(values=[{}]))
        .transform_calculate(
            x="p[1] + p[2] / 2",
            y="p[2] * cornerY[2]",
            x2="cornerX[target - 1]",
            y2="cornerY[target - 1]",
        )
        .transform_calculate(
            angle="atan2(datum.x - datum.x2, datum.y - datum.y2) * 180 / PI", loss="loss"
        )
        .encode(x=x, y=y)
    )
    red = COLOURS["vermillion"]
    return interactive(
        corners.mark_line(color="currentColor", aria=False).encode(order="step:Q")
        + names.mark_text(dy=alt.expr("datum.y > 0 ? -12 : 16"), aria=False).encode(text="name:N")
        + level.mark_rule(color=COLOURS["blue"], aria=False).encode(x2="x2", y2="y2")
        + numbers.mark_text(aria=False).encode(text="number:N")
        + arrow.mark_rule(color=red, strokeWidth=3, aria=False).encode(x2="x2", y2="y2")
        + arrow.mark_point(shape="triangle", filled=True, opacity=1, size=160, color=red).encode(
            angle=alt.Angle("angle:Q", scale=None)
        ),
        choice("target", "true class", target, (1, 2, 3)),
        *logit_sliders(logits, step=0.05, count=3),
        formula("cornerX", "[0, 1, 0.5]"),
        formula("cornerY", "[0, 0, sqrt(3) / 2]"),
        *softmax_formulas(3),
        formula("loss", "-log(p[target - 1])"),
        formula(
            "gradient", "[p[0] - (target === 1), p[1] - (target === 2), p[2] - (target === 3)]"
        ),
        formula("handle", "[p[1] + p[2] / 2, p[2] * cornerY[2]]"),
        *pull_formulas(),
        says=(
            f"'Probabilities ' + {spoken_list('p', 3)} + '. Class ' + target + ' is true: the loss "
            f"is ' + format(loss, '.3f') + ' nats, its gradient ' + {spoken_list('gradient', 3)}"
            " + '.'"
        ),
        description=(
            "A triangle whose corners are certainty of class 1, 2 and 3. An arrow starts at the "
            "corner of the true class and ends at the softmax of three logits: it is the gradient "
            "p − y, and it shrinks as the prediction gets better. Straight lines across mark "
            "equal loss: 0.20, log 2, log 3, 2 and 3 nats, the further from the corner the larger."
        ),
        height=HEIGHT,
        handle="prediction p: drag it, or move it with the arrow keys",
    )


def pull_formulas():
    """Return the formulas of `pulled`, the logits whose softmax is where the arrow was dragged.

    Of the logits that a distribution leaves open, those with mean 0 are taken.
    """
    pull = (
        "[1 - pullX - pullY / cornerY[2] / 2, pullX - pullY / cornerY[2] / 2, pullY / cornerY[2]]"
    )
    logs = ", ".join(f"log(max({LEAST}, pull[{i}]))" for i in range(3))
    centred = ", ".join(
        f"clamp(round(20 * (pullLogs[{i}] - pullMean)) / 20, -5, 5)" for i in range(3)
    )
    return [
        alt.param(name="pullX", value=0.5),
        alt.param(name="pullY", value=0.3),
        formula("pull", pull),
        formula("pullLogs", f"[{logs}]"),
        formula("pullMean", "(pullLogs[0] + pullLogs[1] + pullLogs[2]) / 3"),
        formula("pulled", f"[{centred}]"),
    ]
