"""Still pictures that several chapters draw: digits, probabilities, matrices, rounding errors."""

import math

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import LinearSegmentedColormap

from softmax_lab.figures.style import COLOURS

BAR = 4  # ulp: the most that this package errs by
DIVERGING = LinearSegmentedColormap.from_list(
    "diverging", [COLOURS["blue"], "white", COLOURS["vermillion"]]
)


def show_digits(images, titles=None, *, columns=10):
    """Show handwritten digits, dark ink on a light ground, in rows.

    Parameters
    ----------
    images : array_like, shape (B, 64) or (B, 8, 8)
        Ink per pixel, from 0 to the largest value among all images.
    titles : sequence of str, optional
        One line above each digit.
    columns : int
        Digits in a row.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If the number of titles is not the number of images.

    Examples
    --------
    >>> figure = show_digits(np.eye(8).reshape(1, 64), ["a diagonal"])
    >>> plt.close(figure)
    """
    images = np.reshape(images, (-1, 8, 8))
    if titles is not None and len(titles) != len(images):
        raise ValueError(
            f"titles has {len(titles)} entries for {len(images)} images: give one each"
        )
    columns = min(columns, len(images))
    rows = math.ceil(len(images) / columns)
    figure, axes = plt.subplots(rows, columns, figsize=(0.52 * columns, 0.75 * rows), squeeze=False)
    for ax in axes.flat:
        ax.axis("off")
    for i, (image, ax) in enumerate(zip(images, axes.flat, strict=False)):
        ax.imshow(image, vmin=0, vmax=images.max())
        if titles is not None:
            ax.set_title(titles[i], loc="center", fontsize="medium", weight="normal")
    return figure


def draw_probabilities(p, *, labels=None, mark=None, ax=None):
    """Draw one distribution as bars from 0 to 1, each with its number.

    Parameters
    ----------
    p : array_like, shape (T,)
        Probabilities.
    labels : sequence of str, optional
        Names of the T classes; their indices if not given.
    mark : int, optional
        Index of a class to set apart by colour and hatching, for instance the true one.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure if not given.

    Returns
    -------
    matplotlib.axes.Axes

    Examples
    --------
    >>> ax = draw_probabilities([0.09, 0.24, 0.67], mark=2)
    >>> [text.get_text() for text in ax.texts]
    ['0.09', '0.24', '0.67']
    >>> plt.close(ax.figure)
    """
    p = np.asarray(p)
    ax = plt.subplots()[1] if ax is None else ax
    bars = ax.bar(range(len(p)), p, color=COLOURS["blue"])
    if mark is not None:
        bars[mark].set(facecolor=COLOURS["vermillion"], hatch="//", edgecolor="white")
    ax.bar_label(bars, fmt="%.2f", padding=2, fontsize="small")
    ax.set(ylim=(0, 1), ylabel="probability", xlabel="class")
    ax.set_xticks(range(len(p)), labels=labels)
    ax.grid(axis="x", visible=False)
    return ax


def draw_heat_map(matrix, *, rows=None, columns=None, ax=None):
    """Draw a matrix as coloured cells: vermillion above zero, blue below, white at zero.

    Parameters
    ----------
    matrix : array_like, shape (M, N)
        The numbers; each is also printed in its cell, with two decimals.
    rows, columns : sequence of str, optional
        Names of the M rows and N columns; their indices if not given.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure if not given.

    Returns
    -------
    matplotlib.axes.Axes

    Examples
    --------
    >>> ax = draw_heat_map([[0.25, -0.25], [-0.25, 0.25]])
    >>> [text.get_text() for text in ax.texts]
    ['0.25', '−0.25', '−0.25', '0.25']
    >>> plt.close(ax.figure)
    """
    matrix = np.asarray(matrix)
    ax = plt.subplots()[1] if ax is None else ax
    limit = np.abs(matrix).max() or 1.0
    # The full colours, out of reach at 1.8 times the limit, would be too dark to print on.
    ax.imshow(matrix, cmap=DIVERGING, vmin=-1.8 * limit, vmax=1.8 * limit, aspect="auto")
    for (i, j), value in np.ndenumerate(matrix):
        number = f"{value:.2f}".replace("-", "\N{MINUS SIGN}")
        ax.text(j, i, number, ha="center", va="center", fontsize="small")
    ax.set_xticks(range(matrix.shape[1]), labels=columns)
    ax.set_yticks(range(matrix.shape[0]), labels=rows)
    ax.grid(visible=False)
    ax.spines[:].set_visible(False)
    return ax


def draw_errors(x, errors, *, xlabel="", title="", ax=None):
    """Plot the error of several functions in ulp; a grey line is the bar that this package sets.

    Parameters
    ----------
    x : array_like, shape (N,)
        What was varied; drawn on a logarithmic scale where its values span a factor of 100.
    errors : dict of str to array_like, shape (N,)
        Name of a function to its largest error in units in the last place (ulp). Values below
        0.1 ulp are drawn at 0.1, so that the logarithmic axis can hold an exact answer.
    xlabel, title : str
        Name and unit of `x`, and the message of the figure.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure if not given.

    Returns
    -------
    matplotlib.axes.Axes

    Examples
    --------
    >>> ax = draw_errors([1, 10, 100], {"naive": [2, 30, 400], "ours": [1, 2, 0]}, xlabel="spread")
    >>> ax.get_ylabel()
    'error (ulp)'
    >>> plt.close(ax.figure)
    """
    x = np.asarray(x)
    ax = plt.subplots()[1] if ax is None else ax
    for name, error in errors.items():
        ax.plot(x, np.maximum(error, 0.1), label=name, marker="o", markersize=4)
    if x.min() > 0 and x.max() / x.min() >= 100:
        ax.set_xscale("log")
    ax.set(yscale="log", ylabel="error (ulp)", xlabel=xlabel, title=title)
    ax.axhline(BAR, color="grey", linewidth=1, linestyle="-")
    ax.annotate(f"{BAR} ulp", (1, BAR), xycoords=("axes fraction", "data"), va="bottom", ha="right")
    label_lines(ax)
    return ax


def label_lines(ax):
    """Write the name of each line at its right end, in place of a legend.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Lines whose label is set are named; names that would overlap are pushed apart. Set title,
        axis labels and limits before, since they move the lines.

    Examples
    --------
    >>> ax = plt.subplots()[1]
    >>> line = ax.plot([0, 1], [2, 3], label="logits")
    >>> label_lines(ax)
    >>> [text.get_text() for text in ax.texts]
    ['logits']
    >>> plt.close(ax.figure)
    """
    lines = [line for line in ax.get_lines() if not line.get_label().startswith("_")]
    ends = {line: line.get_xydata()[-1] for line in lines}
    ax.figure.draw_without_rendering()  # or the limits and the layout are not known yet
    points = 72 / ax.figure.dpi
    lowest = -math.inf
    for line, end in sorted(ends.items(), key=lambda item: item[1][1]):
        height = ax.transData.transform(end)[1] * points
        raised = max(height, lowest + plt.rcParams["font.size"])
        lowest = raised
        ax.annotate(
            line.get_label(),
            end,
            xytext=(6, raised - height),
            textcoords="offset points",
            va="center",
            annotation_clip=False,
        )
