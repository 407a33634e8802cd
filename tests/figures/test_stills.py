"""The matplotlib figures: one style, the same bytes every time, legible without colour."""

import io
import subprocess
import sys
from itertools import combinations

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
import vl_convert

from softmax_lab.figures import (
    COLOURS,
    draw_errors,
    draw_heat_map,
    draw_probabilities,
    label_lines,
    show_digits,
    use_style,
)
from softmax_lab.figures.style import lighter


@pytest.fixture(autouse=True)
def style():
    with mpl.rc_context():
        mpl.use("agg")
        use_style()
        yield
        plt.close("all")


def luminance(colour):
    """Return the relative luminance of a colour as WCAG defines it."""
    rgb = np.array(mpl.colors.to_rgb(colour))
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return linear @ [0.2126, 0.7152, 0.0722]


def contrast(a, b):
    low, high = sorted([luminance(a), luminance(b)])
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("name", ["blue", "vermillion", "green"])
@pytest.mark.parametrize("paper", ["#ffffff", "#121212"])
def test_the_charts_colours_stand_out_in_the_light_and_in_the_dark(name, paper):
    assert contrast(COLOURS[name], paper) >= 3


def test_lines_differ_in_their_dashes_for_readers_without_colour():
    dashes = [str(props["linestyle"]) for props in mpl.rcParams["axes.prop_cycle"]]
    assert len(set(dashes)) == len(dashes) == len(COLOURS)


def drawing():
    out = io.StringIO()
    figure = draw_errors([1, 2], {"a": [1, 2], "b": [3, 9]}).figure
    figure.savefig(out, format="svg", metadata={"Date": None})
    return out.getvalue()


def test_another_process_draws_the_same_bytes():
    script = (
        "import matplotlib; matplotlib.use('agg')\n"
        "from tests.figures.test_stills import drawing, use_style\n"
        "use_style(); print(drawing(), end='')"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert run.stdout == drawing(), run.stderr
    assert "<dc:date>" not in run.stdout


def test_a_notebook_gets_svg_without_a_date_on_a_clear_ground():
    script = (
        "from IPython.core.interactiveshell import InteractiveShell\n"
        "shell = InteractiveShell.instance()\n"
        "import matplotlib; matplotlib.use('agg')\n"
        "from softmax_lab.figures import *; import matplotlib.pyplot as plt; use_style()\n"
        "data, _ = shell.display_formatter.format(draw_probabilities([0.5, 0.5]).figure)\n"
        "assert 'image/svg+xml' in data and 'image/png' not in data, data.keys()\n"
        "assert '<metadata' not in data['image/svg+xml']\n"
        "assert 'fill: #ffffff' not in data['image/svg+xml']\n"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr


def test_a_lighter_drawing_looks_the_same():
    heavy = drawing()
    light = lighter(heavy)
    assert len(light) < 0.85 * len(heavy)
    heavy, light = (
        plt.imread(io.BytesIO(vl_convert.svg_to_png(svg, scale=8))) for svg in (heavy, light)
    )
    # Both edges of a line may move by a hundredth of a point. The drawing program counts ink in
    # quarters of its pixels, of which 8 × 8 stand for one here.
    squares = np.abs(heavy - light)[: heavy.shape[0] // 8 * 8, : heavy.shape[1] // 8 * 8]
    means = squares.reshape(-1, 8, squares.shape[1] // 8, 8, 4).mean(axis=(1, 3))
    assert means.max() <= 2 / 4 / 8


def test_digits_are_shown_with_dark_ink_in_rows():
    images = np.arange(12 * 64, dtype=float).reshape(12, 64)
    figure = show_digits(images, [str(i) for i in range(12)], columns=5)
    shown = [ax for ax in figure.axes if ax.images]
    assert len(figure.axes) == 15
    assert [ax.get_title() for ax in shown] == [str(i) for i in range(12)]
    for image, ax in zip(images, shown, strict=True):
        np.testing.assert_array_equal(ax.images[0].get_array(), image.reshape(8, 8))
        assert ax.images[0].get_clim() == (0, images.max()), "all digits share one scale of ink"


def test_a_missing_title_is_an_error_that_gives_both_numbers():
    with pytest.raises(ValueError, match="titles has 1 entries for 2 images"):
        show_digits(np.zeros((2, 64)), ["only one"])


def test_bars_have_the_height_and_the_number_of_their_probability():
    p = [0.2, 0.5, 0.3]
    ax = draw_probabilities(p, labels=["cat", "dog", "owl"], mark=1)
    assert [bar.get_height() for bar in ax.patches] == p
    assert [text.get_text() for text in ax.texts] == ["0.20", "0.50", "0.30"]
    assert [text.get_text() for text in ax.get_xticklabels()] == ["cat", "dog", "owl"]
    assert ax.get_ylim() == (0, 1)
    assert [bool(bar.get_hatch()) for bar in ax.patches] == [False, True, False]


def test_a_heat_map_is_white_at_zero_and_its_numbers_can_be_read():
    matrix = np.array([[0.25, -0.25, 0.0], [0.1, -0.2, 0.1]])
    ax = draw_heat_map(matrix, rows=["a", "b"], columns=["x", "y", "z"])
    image = ax.images[0]
    colours = image.cmap(image.norm(matrix))[..., :3]
    assert contrast(colours[0, 2], "white") == pytest.approx(1, abs=0.02)
    assert colours[0, 0, 0] > colours[0, 0, 2], "above zero is warm"
    assert colours[0, 1, 0] < colours[0, 1, 2], "below zero is cold"
    for colour in colours.reshape(-1, 3):
        assert contrast(colour, mpl.rcParams["text.color"]) >= 4.5


def test_errors_show_the_bar_and_the_name_of_each_function():
    ax = draw_errors([1, 10, 1000], {"naive": [2, 30, 400], "ours": [1, 2, 0]}, title="Less")
    assert ax.get_xscale() == ax.get_yscale() == "log"
    assert {text.get_text() for text in ax.texts} == {"4 ulp", "naive", "ours"}
    ours = next(line for line in ax.get_lines() if line.get_label() == "ours")
    np.testing.assert_array_equal(ours.get_ydata(), [1, 2, 0.1])


def test_names_of_lines_do_not_overlap():
    figure, ax = plt.subplots()
    for i in range(4):
        ax.plot([0, 1], [i, 1 + 0.01 * i], label=f"line {i}")
    label_lines(ax)
    figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in ax.texts]
    for a, b in combinations(boxes, 2):
        overlap = min(a.y1, b.y1) - max(a.y0, b.y0)
        assert overlap < 4, "names are pushed apart, but for the tails of letters"
