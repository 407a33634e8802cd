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
    """From where to where the offset goes in a dtype, and where it starts."""

    low: float
    high: float
    step: float
    start: float


# Each goes through right, wrong and nan. The steps are exact in the dtype, so shifting the offsets
# away loses nothing.
WALKS = {
    "float32": Walk(-112, -80, step=0.5, start=-101),
    "float16": Walk(8, 13, step=0.0625, start=9),
}
OFF = 0.001  # a probability that is off by more is wrong: its third decimal shows it
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
        On the naive answer: ``nan``, ``wrong`` where a probability is off by more than 0.001, or
        ``right``.

    Examples
    --------
    >>> offsets, naive, _, verdicts = offset_table()
    >>> naive[offsets == -101.0].round(3), verdicts[offsets == -101.0].item()
    (array([[0.714, 0.286, 0.   ]], dtype=float32), 'wrong')
    """
    walk = WALKS[dtype]
    offsets = np.arange(walk.low, walk.high + walk.step, walk.step)
    x = (np.asarray(logits) + offsets[:, np.newaxis]).astype(dtype)
    naive, shifted = naive_softmax(x), shifted_softmax(x)
    truth = softmax(np.float64(x))
    off = np.abs(naive - truth).max(axis=1)  # nan where naive is nan
    verdicts = np.select([np.isnan(off), off > OFF], ["nan", "wrong"], "right")
    return offsets, naive, shifted, verdicts


def offsets(dtype="float32", logits=(0.0, -1.0, -4.0)):
    """Draw the naive softmax in a narrow dtype while a slider adds an offset to all logits.

    Parameters
    ----------
    dtype : {"float32", "float16"}
        In what it is computed. The slider goes from -112 to -80 (float16: from 8 to 13).
    logits : sequence of float, shape (T,)
        The logits at offset 0.

    Returns
    -------
    altair.LayerChart

    Examples
    --------
    >>> offsets("float16").to_dict()["params"][0]["value"]
    9
    """
    classes = len(logits)
    low, high, step, start = WALKS[dtype]
    grid, naive, shifted, verdicts = offset_table(dtype, logits)
    x = alt.X("offset:Q", title="offset c", scale=alt.Scale(domain=[low, high], nice=False))
    y = alt.Y("probability:Q", title=f"probability in {dtype}", scale=alt.Scale(domain=[0, 1]))

    runs = [list(run) for _, run in groupby(range(len(grid)), key=verdicts.__getitem__)]
    bands = [
        {
            "verdict": str(verdicts[run[0]]),
            "offset": max(low, grid[run[0]] - step / 2),
            "end": min(high, grid[run[-1]] + step / 2),
        }
        for run in runs
    ]
    zones = alt.Chart(alt.Data(values=bands)).encode(x=x)
    shade = alt.Color("verdict:N", legend=None)
    shade = shade.scale(domain=list(ZONES), range=list(ZONES.values()))
    names = zones.transform_calculate(offset="(datum.offset + datum.end) / 2")

    numbers = [{"class": i + 1} for i in range(classes)]
    lines = (
        alt.Chart(alt.sequence(0, len(grid), as_="i"))
        .transform_calculate(
            offset=f"{grid[0]} + {step} * datum.i",
            **{str(i + 1): f"naive[datum.i][{i}]" for i in range(classes)},
        )
        .transform_fold([str(row["class"]) for row in numbers], as_=["class", "probability"])
        .encode(x=x, y=y, detail="class:N")
    )
    now = alt.Chart(alt.Data(values=numbers)).transform_calculate(
        offset="c",
        naive="naive[now][datum.class - 1]",
        shifted="shifted[now][datum.class - 1]",
        missing="'class ' + datum.class + ': nan'",
        place="0.62 - 0.08 * datum.class",
    )
    heads = now.transform_filter("isValid(datum.naive)")
    # In place of a dot a word, on the side of the rule that has room.
    lost = now.transform_filter("!isValid(datum.naive)")
    side = 1 if verdicts[0] == "nan" else -1
    return interactive(
        zones.mark_rect(opacity=0.3).encode(x2="end", color=shade)
        + names.mark_text(aria=False).encode(y=alt.value(-8), text="verdict:N")
        + lines.mark_line(color=COLOURS["blue"], aria=False)
        + now.mark_rule(strokeDash=[4, 3], aria=False).encode(x=x)
        + now.mark_point(shape="diamond", size=110, opacity=1, color=COLOURS["green"]).encode(
            x=x, y=alt.Y("shifted:Q")
        )
        + heads.mark_point(filled=True, size=70, opacity=1, color=COLOURS["vermillion"]).encode(
            x=x, y=alt.Y("naive:Q")
        )
        + lost.mark_text(align="left" if side > 0 else "right", dx=6 * side, aria=False).encode(
            x=x, y=alt.Y("place:Q"), text="missing:N"
        ),
        slider("c", "offset c", start, low, high, step),
        alt.param(name="naive", value=_json(naive)),
        alt.param(name="shifted", value=_json(shifted)),
        alt.param(name="verdicts", value=verdicts.tolist()),
        alt.param(name="words", value=WORDS),
        formula("now", f"round((c - {grid[0]}) / {step})"),
        says=(
            f"'Offset ' + format(c, '.6~f') + '. Naive, dots: ' + {_spoken('naive[now]', classes)}"
            f" + words[verdicts[now]] + '. Shifted, diamonds: ' + "
            f"{spoken_list('shifted[now]', classes)} + '.'"
        ),
        description=(
            f"The {classes} probabilities that the naive formula gives in {dtype}, against an "
            "offset added to all logits. "
            + {
                "float32": "At the right they are flat lines. Further down they go wrong, without "
                "a warning, in steps that get coarser, until they are nan.",
                "float16": "At the left they are flat lines. Then the sum overflows, which makes "
                "them 0, and then the first of them is nan.",
            }[dtype]
            + " The shifted formula, drawn as diamonds, stays right."
        ),
    )


# How the sentence below the chart goes on for each verdict.
WORDS = {
    "right": f", right to {OFF}",
    "wrong": f", off by more than {OFF}",
    "nan": "",
}


def _spoken(source, count):
    """Return an expression that writes the list `source` as `spoken_list` does, with nan."""
    spoken = spoken_list(source, count)
    for i in range(count):
        number = f"format({source}[{i}], '.3f')"
        spoken = spoken.replace(number, f"(isValid({source}[{i}]) ? {number} : 'nan')")
    return spoken


def _json(probabilities):
    """Return rows of narrow floats as lists of their shortest decimals, None for nan."""
    return [[None if np.isnan(p) else float(str(p)) for p in row] for row in probabilities]
