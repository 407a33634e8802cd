"""The moving chart of the chapter *Stability*: where the naive formula fails, and how."""

from itertools import groupby

import altair as alt
import numpy as np

from softmax_lab.figures.style import COLOURS
from softmax_lab.figures.vega import formula, interactive, slider, spoken_list
from softmax_lab.numpy.definition import naive_softmax
from softmax_lab.numpy.stability import shifted_softmax, softmax

LOW, HIGH, STEP = -112, 96, 0.5
REACH = 16  # the chart shows this much on either side of the slider's offset
FIRST = LOW - REACH
TOLERANCE = 1e-3
# How the sentence below the chart calls each verdict.
WORDS = {"right": "right to 0.1 %", "wrong": "wrong by more than 0.1 %", "nan": "nan"}
ZONES = {"right": "none", "wrong": COLOURS["orange"], "nan": "#808080"}


def offset_table(logits=(0.0, -1.0, -4.0)):
    """Compute softmax in float32 both ways while all logits move together.

    Vega has no float32, so the chart walks this table in place of a formula.

    Parameters
    ----------
    logits : sequence of float, shape (T,)
        The logits at offset 0.

    Returns
    -------
    offsets : ndarray, shape (B,)
        Numbers added to all logits.
    naive, shifted : ndarray of float32, shape (B, T)
        The formula as it stands, and with the maximum subtracted.
    verdicts : ndarray of str, shape (B,)
        On the naive answer: ``nan``, ``wrong`` where a probability is off by more than 0.1 %, or
        ``right``.

    Examples
    --------
    >>> offsets, naive, _, verdicts = offset_table()
    >>> naive[offsets == -101.0].round(3), verdicts[offsets == -101.0].item()
    (array([[0.714, 0.286, 0.   ]], dtype=float32), 'wrong')
    """
    offsets = np.arange(FIRST, HIGH + REACH + STEP, STEP)
    x = np.float32(np.asarray(logits) + offsets[:, np.newaxis])
    naive, shifted = naive_softmax(x), shifted_softmax(x)
    truth = softmax(np.float64(x))
    off = np.abs(naive / truth - 1).max(axis=1)  # nan where naive is nan
    verdicts = np.select([np.isnan(off), off > TOLERANCE], ["nan", "wrong"], "right")
    return offsets, naive, shifted, verdicts


def offsets(logits=(0.0, -1.0, -4.0), start=-101):
    """Draw the naive softmax in float32 while a slider adds an offset to all logits.

    Parameters
    ----------
    logits : sequence of float, shape (T,)
        The logits at offset 0.
    start : float, default -101
        The offset that the slider shows first, from -112 to 96.

    Returns
    -------
    altair.LayerChart

    Examples
    --------
    >>> offsets().to_dict()["params"][0]["value"]
    -101
    """
    classes = len(logits)
    grid, naive, shifted, verdicts = offset_table(logits)
    left, right = alt.expr(f"c - {REACH}"), alt.expr(f"c + {REACH}")
    window = alt.Scale(domain=[LOW, HIGH], domainMin=left, domainMax=right, nice=False)
    x = alt.X("offset:Q", title="offset c", scale=window)
    y = alt.Y("probability:Q", title="probability in float32", scale=alt.Scale(domain=[0, 1]))

    runs = [list(run) for _, run in groupby(range(len(grid)), key=verdicts.__getitem__)]
    bands = [
        {"verdict": str(verdicts[i]), "from": grid[i] - STEP / 2, "to": grid[j] + STEP / 2}
        for i, *_, j in ([*run, run[-1]] for run in runs)
    ]
    # Cut to the window by arithmetic: clipped marks would carry numbered ids into the page.
    zones = (
        alt.Chart(alt.Data(values=bands))
        .transform_calculate(
            offset=f"max(datum.from, c - {REACH})", end=f"min(datum.to, c + {REACH})"
        )
        .transform_filter("datum.offset < datum.end")
        .encode(x=x)
    )
    shade = alt.Color("verdict:N", legend=None)
    shade = shade.scale(domain=list(ZONES), range=list(ZONES.values()))
    names = zones.transform_calculate(
        offset="(datum.offset + datum.end) / 2",
        name="datum.to - datum.from > 1 ? datum.verdict : ''",
    )

    numbers = [{"class": i + 1} for i in range(classes)]
    lines = (
        alt.Chart(alt.sequence(0, len(grid), as_="i"))
        .transform_calculate(
            offset=f"{FIRST} + {STEP} * datum.i",
            **{str(i + 1): f"naive[datum.i][{i}]" for i in range(classes)},
        )
        .transform_filter(f"abs(datum.offset - c) <= {REACH}")
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
        slider("c", "offset c", start, LOW, HIGH, STEP),
        alt.param(name="naive", value=_json(naive)),
        alt.param(name="shifted", value=_json(shifted)),
        alt.param(name="verdicts", value=verdicts.tolist()),
        alt.param(name="words", value=WORDS),
        formula("now", f"round((c - {FIRST}) / {STEP})"),
        says=(
            "'Offset ' + format(c, '.1f') + '. Naive, dots: ' + (verdicts[now] === 'nan' ? '' : "
            f"{spoken_list('naive[now]', classes)} + ', ') + words[verdicts[now]] + '. "
            f"Shifted, diamonds: ' + {spoken_list('shifted[now]', classes)} + '.'"
        ),
        description=(
            f"The {classes} probabilities that the naive formula gives in float32, against an "
            "offset added to all logits, around the offset of the slider. At moderate offsets they "
            "are flat lines, and right to 0.1 %. At very negative ones they go wrong by more, "
            "without a warning, in steps that get coarser, until they are nan. At large ones the "
            "sum overflows first, which makes them 0, and then they are nan. The shifted formula, "
            "drawn as diamonds, stays right."
        ),
    )


def _json(probabilities):
    """Return rows of float32 as lists of the shortest decimals that mean them, None for nan."""
    return [[None if np.isnan(p) else float(str(p)) for p in row] for row in probabilities]
