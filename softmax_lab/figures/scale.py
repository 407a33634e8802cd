"""The moving chart of the chapter *At scale*: pieces of a row merge, in any order."""

import altair as alt
import numpy as np

from softmax_lab.figures.style import COLOURS
from softmax_lab.figures.vega import formula, interactive, slider
from softmax_lab.numpy.scale import merge

PIECES, ORDERS = 8, 6


def merge_table(row):
    """Merge a row cut into 1 to 8 pieces, in each of six orders.

    Parameters
    ----------
    row : sequence of float, shape (T,)
        With 8 entries or more.

    Returns
    -------
    list of dict
        For each number of ``pieces``, ``order`` and ``step``: the number of the ``piece`` that
        comes in, and the pair ``m``, ``s`` after it. Order 1 goes from left to right, 2 back, the
        others are shuffled.

    Examples
    --------
    >>> merge_table(range(8))[-1]["m"]
    7.0
    """
    rows = []
    for pieces in range(1, PIECES + 1):
        parts = np.array_split(np.asarray(row, dtype=float), pieces)
        for order in range(1, ORDERS + 1):
            m, s = -np.inf, 0.0
            for step, piece in enumerate(_permutation(pieces, order), 1):
                top = parts[piece].max()
                m, s = merge((m, s), (top, np.exp(parts[piece] - top).sum()))
                rows.append(
                    {
                        "pieces": pieces,
                        "order": order,
                        "step": step,
                        "piece": int(piece) + 1,
                        "m": round(float(m), 9),
                        "s": round(float(s), 9),
                    }
                )
    return rows


def _permutation(pieces, order):
    if order <= 2:
        return np.arange(pieces)[:: 1 if order == 1 else -1]
    return np.random.default_rng(order).permutation(pieces)


def merging(row=(0.5, 1.5, -1.0, 2.0, 0.0, 1.0, 3.0, 2.5), pieces=4):
    """Draw how the pair (m, s) of a row grows piece by piece, for any number and order of pieces.

    Parameters
    ----------
    row : sequence of float, shape (T,)
        With 8 entries or more.
    pieces : int, default 4
        How many the slider shows first, from 1 to 8.

    Returns
    -------
    altair.LayerChart

    Examples
    --------
    >>> merging().to_dict()["params"][0]["value"]
    4
    """
    if len(row) < PIECES:
        raise ValueError(f"row has {len(row)} entries; this chart takes {PIECES} or more")
    table = merge_table(row)
    m, s = table[0]["m"], table[0]["s"]
    low, high = min(each["m"] for each in table), m + np.log(s)
    x = alt.X("step:Q", title="pieces merged", axis=alt.Axis(tickMinStep=1, format="d"))
    x = x.scale(domainMin=0.5, domainMax=alt.ExprRef("pieces + 0.5"), nice=False)
    y = alt.Y("value:Q", title="m, and m + log s")
    y = y.scale(domain=[np.floor(low), np.ceil(high + 0.5)], nice=False)
    steps = (
        alt.Chart(alt.Data(values=table))
        .transform_filter("datum.pieces === pieces && datum.order === order")
        .transform_calculate(lse="datum.m + log(datum.s)")
    )
    whole = alt.Chart(alt.Data(values=[{"value": high}])).encode(y=y)
    lse, top = (
        steps.transform_calculate(value="datum.lse"),
        steps.transform_calculate(value="datum.m"),
    )
    texts = lse.transform_calculate(name="'+ ' + datum.piece")
    return interactive(
        whole.mark_rule(strokeDash=[4, 3], aria=False)
        + top.mark_line(color=COLOURS["blue"], strokeDash=[6, 3], aria=False).encode(x=x, y=y)
        + lse.mark_line(color=COLOURS["vermillion"], aria=False).encode(x=x, y=y)
        + top.mark_point(shape="diamond", size=90, opacity=1, color=COLOURS["blue"]).encode(
            x=x, y=y
        )
        + lse.mark_point(filled=True, size=70, opacity=1, color=COLOURS["vermillion"]).encode(
            x=x, y=y
        )
        + texts.mark_text(dy=-14, aria=False).encode(x=x, y=y, text="name:N"),
        slider("pieces", "pieces", pieces, 1, PIECES, 1),
        slider("order", "order", 1, 1, ORDERS, 1),
        alt.param(name="orders", value=_orders()),
        formula("now", f"orders[(pieces - 1) * {ORDERS} + order - 1]"),
        says=(
            "pieces + (pieces === 1 ? ' piece' : ' pieces, in the order ' + now) + "
            f"': m = {m:.3f}, s = {s:.3f}, m + log s = {high:.3f}.'"
        ),
        description=(
            "A row of numbers is cut into pieces, and their pairs of maximum m and sum s are "
            "merged one after another. Two rising lines show m, and m + log s, after each piece. "
            "They climb in other steps for each number and order of the pieces, and always end at "
            "the same two values; the second is the logsumexp of the whole row, a dashed line."
        ),
    )


def _orders():
    """Return the orders in words, for each number of pieces."""
    return [
        ", ".join(str(piece + 1) for piece in _permutation(pieces, order))
        for pieces in range(1, PIECES + 1)
        for order in range(1, ORDERS + 1)
    ]
