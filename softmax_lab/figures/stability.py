"""The moving chart of the chapter *Stability*: where the naive formula fails, and how."""

from itertools import groupby
from typing import NamedTuple

import altair as alt
import numpy as np

from softmax_lab.figures.style import COLOURS
from softmax_lab.figures.vega import formula, interactive, slider, spoken_list
from softmax_lab.numpy.definition import naive_softmax
from softmax_lab.numpy.stability import shifted_softmax, softmax


class Walk(NamedTuple):
    """From where to where the offset goes in a dtype, and when a probability is wrong."""

    low: float
    high: float
    step: float
    reach: float  # the chart shows this much on either side of the slider's offset
    percent: float  # an error of more is wrong


# The steps are exact in the dtype, so shifting the offsets away loses nothing.
WALKS = {
    "float32": Walk(-112, 96, step=0.5, reach=16, percent=0.1),
    "float16": Walk(-19, 12, step=0.125, reach=4, percent=1),
}
ZONES = {"right": "none", "wrong": COLOURS["orange"], "nan": "#808080"}


def offset_table(dtype="float32", logits=(0.0, -1.0, -4.0)):
    """Compute softmax in a narrow dtype both ways while all logits move together.

    Vega has float64 alone, so the chart walks this table in place of a formula.

    Parameters
    ----------
    dtype : {"float32", "float16"}
        In what both are computed.
    logits : sequence of float, shape (T,)
        The logits at offset 0.

    Returns
    -------
    offsets : ndarray, shape (B,)
        Numbers added to all logits.
    naive, shifted : ndarray of `dtype`, shape (B, T)
        The formula as it stands, and with the maximum subtracted.
    verdicts : ndarray of str, shape (B,)
        On the naive answer: ``nan``, ``wrong`` where a probability is off by more than 0.1 %
        (float16: 1 %), or ``right``.

    Examples
    --------
    >>> offsets, naive, _, verdicts = offset_table()
    >>> naive[offsets == -101.0].round(3), verdicts[offsets == -101.0].item()
    (array([[0.714, 0.286, 0.   ]], dtype=float32), 'wrong')
    """
    walk = WALKS[dtype]
    offsets = np.arange(walk.low - walk.reach, walk.high + walk.reach + walk.step, walk.step)
    x = (np.asarray(logits) + offsets[:, np.newaxis]).astype(dtype)
    naive, shifted = naive_softmax(x), shifted_softmax(x)
    truth = softmax(np.float64(x))
    off = np.abs(naive / truth - 1).max(axis=1)  # nan where naive is nan
    verdicts = np.select([np.isnan(off), 100 * off > walk.percent], ["nan", "wrong"], "right")
    return offsets, naive, shifted, verdicts


def offsets(dtype="float32", start=0, logits=(0.0, -1.0, -4.0)):
    """Draw the naive softmax in a narrow dtype while a slider adds an offset to all logits.

    Parameters
    ----------
    dtype : {"float32", "float16"}
        In what it is computed.
    start : float
        The offset that the slider shows first, from -112 to 96 (float16: from -19 to 12).
    logits : sequence of float, shape (T,)
        The logits at offset 0.

    Returns
    -------
    altair.LayerChart

    Examples
    --------
    >>> offsets("float16", start=9).to_dict()["params"][0]["value"]
    9
    """
    classes = len(logits)
    low, high, step, reach, percent = WALKS[dtype]
    grid, naive, shifted, verdicts = offset_table(dtype, logits)
    left, right = alt.expr(f"c - {reach}"), alt.expr(f"c + {reach}")
    window = alt.Scale(domain=[low, high], domainMin=left, domainMax=right, nice=False)
    x = alt.X("offset:Q", title="offset c", scale=window)
    y = alt.Y("probability:Q", title=f"probability in {dtype}", scale=alt.Scale(domain=[0, 1]))

    runs = [list(run) for _, run in groupby(range(len(grid)), key=verdicts.__getitem__)]
    bands = [
        {"verdict": str(verdicts[i]), "from": grid[i] - step / 2, "to": grid[j] + step / 2}
        for i, *_, j in ([*run, run[-1]] for run in runs)
    ]
    # Cut to the window by arithmetic: clipped marks would carry numbered ids into the page.
    zones = (
        alt.Chart(alt.Data(values=bands))
        .transform_calculate(
            offset=f"max(datum.from, c - {reach})", end=f"min(datum.to, c + {reach})"
        )
        .transform_filter("datum.offset < datum.end")
        .encode(x=x)
    )
    shade = alt.Color("verdict:N", legend=None)
    shade = shade.scale(domain=list(ZONES), range=list(ZONES.values()))
    names = zones.transform_calculate(
        offset="(datum.offset + datum.end) / 2",
        # A zone of one step or two is too narrow for a name.
        name=f"datum.to - datum.from > {2 * step} ? datum.verdict : ''",
    )

    numbers = [{"class": i + 1} for i in range(classes)]
    lines = (
        alt.Chart(alt.sequence(0, len(grid), as_="i"))
        .transform_calculate(
            offset=f"{grid[0]} + {step} * datum.i",
            **{str(i + 1): f"naive[datum.i][{i}]" for i in range(classes)},
        )
        .transform_filter(f"abs(datum.offset - c) <= {reach}")
        .transform_fold([str(row["class"]) for row in numbers], as_=["class", "probability"])
        .encode(x=x, y=y, detail="class:N")
    )
    now = alt.Chart(alt.Data(values=numbers)).transform_calculate(
        offset="c", naive="naive[now][datum.class - 1]", shifted="shifted[now][datum.class - 1]"
    )
    heads = now.transform_filter("isValid(datum.naive)")
    return interactive(
        zones.mark_rect(opacity=0.3).encode(x2="end", color=shade)
        + names.mark_text(aria=False).encode(y=alt.value(-8), text="name:N")
        + lines.mark_line(color=COLOURS["blue"], aria=False)
        + now.mark_rule(strokeDash=[4, 3], aria=False).encode(x=x)
        + now.mark_point(shape="diamond", size=110, opacity=1, color=COLOURS["green"]).encode(
            x=x, y=alt.Y("shifted:Q")
        )
        + heads.mark_point(filled=True, size=70, opacity=1, color=COLOURS["vermillion"]).encode(
            x=x, y=alt.Y("naive:Q")
        ),
        slider("c", "offset c", start, low, high, step),
        alt.param(name="naive", value=_json(naive)),
        alt.param(name="shifted", value=_json(shifted)),
        alt.param(name="verdicts", value=verdicts.tolist()),
        alt.param(name="words", value=words(percent)),
        formula("now", f"round((c - {grid[0]}) / {step})"),
        says=(
            "'Offset ' + format(c, '.6~f') + '. Naive, dots: ' + (verdicts[now] === 'nan' ? '' : "
            f"{spoken_list('naive[now]', classes)} + ', ') + words[verdicts[now]] + '. "
            f"Shifted, diamonds: ' + {spoken_list('shifted[now]', classes)} + '.'"
        ),
        description=(
            f"The {classes} probabilities that the naive formula gives in {dtype}, against an "
            "offset added to all logits, around the offset of the slider. At moderate offsets they "
            f"are flat lines, and {words(percent)['right']}. At very negative ones they go wrong "
            "by more, without a warning, in steps that get coarser, until they are nan. At large "
            "ones the sum overflows first, which makes them 0, and then they are nan. The shifted "
            "formula, drawn as diamonds, stays right."
        ),
    )


def words(percent):
    """Return how the sentence below the chart calls each verdict."""
    return {
        "right": f"right to {percent} %",
        "wrong": f"wrong by more than {percent} %",
        "nan": "nan",
    }


def _json(probabilities):
    """Return rows of narrow floats as lists of their shortest decimals, None for nan."""
    return [[None if np.isnan(p) else float(str(p)) for p in row] for row in probabilities]
