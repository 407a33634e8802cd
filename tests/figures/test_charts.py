"""Each chart, in a real browser, draws the numbers of softmax_lab wherever its sliders stand."""

import numpy as np
import pytest

import softmax_lab.numpy as sl
from softmax_lab.figures.stability import WALKS, WORDS, offset_table
from tests.browsers import STILL, open_page, serve
from tests.figures.conftest import CHARTS

# One worker draws the pages for all of these.
pytestmark = pytest.mark.xdist_group("charts")

PIXEL = 0.75  # what rounding and anti-aliasing may move

# For each mark: its kind, the row of data behind it, its text, and its box inside the plot; for a
# line also its points, in pixels.
READ = """async (chart) => {
  await chart.view.runAsync();
  const frame = chart.querySelector(".root > g > .background").getBoundingClientRect();
  const items = [...chart.querySelectorAll(".role-mark > *")].filter((item) => item.__data__);
  return items.map((item) => {
    const box = item.getBoundingClientRect();
    return {
      kind: item.parentNode.classList[0].replace("mark-", ""),
      row: item.__data__.datum ?? {},
      text: item.textContent,
      points: item.__data__.mark.marktype !== "line" ? []
        : item.__data__.mark.items.map((point) => [point.x, point.y]),
      fill: item.getAttribute("fill"),
      left: box.left - frame.left,
      right: box.right - frame.left,
      top: box.top - frame.top,
      bottom: box.bottom - frame.top,
    };
  });
}"""
SLIDERS = """(chart) => Object.fromEntries(
  [...chart.querySelectorAll("input:not([type=radio]:not(:checked))")].map(
    (input) => [input.name, Number(input.value)]))"""


class Drawn:
    """What a chart shows: marks by kind, the height of the plot, and the sentence below it."""

    def __init__(self, chart):
        self.marks = chart.evaluate(READ)
        self.height = chart.evaluate("chart => chart.view.height()")
        self.width = chart.evaluate("chart => chart.view.width()")
        self.says = chart.evaluate("chart => chart.view.signal('says')")

    def of(self, kind, *fields):
        """Return the marks of a kind whose row has the given fields."""
        return [m for m in self.marks if m["kind"] == kind and all(f in m["row"] for f in fields)]

    def rows(self, kind, field):
        return np.array([mark["row"][field] for mark in self.of(kind, field)], dtype=float)

    def tops(self, kind, field):
        """Return the height of the marks' tops above the axis, as a share of the plot."""
        return np.array([1 - mark["top"] / self.height for mark in self.of(kind, field)])

    def middles(self, kind, field):
        middles = [(mark["top"] + mark["bottom"]) / 2 for mark in self.of(kind, field)]
        return 1 - np.array(middles) / self.height

    def curve(self, number, low, high):
        """Return across and up of a line's points, where the axis across runs from low to high."""
        points = np.array(self.of("line")[number]["points"], dtype=float)
        points = points[np.isfinite(points).all(axis=1)]
        return points[:, 0] / self.width * (high - low) + low, 1 - points[:, 1] / self.height

    def texts(self, field):
        return [mark["text"] for mark in self.of("text", field)]


def decimals(numbers, digits=3):
    """Write numbers as Vega does, which never says −0.000."""
    numbers = np.asarray(numbers, dtype=float)
    texts = [f"{abs(x):.{digits}f}" for x in numbers]
    signs = ["−" if x < 0 and float(t) != 0 else "" for x, t in zip(numbers, texts, strict=True)]
    return [sign + text for sign, text in zip(signs, texts, strict=True)]


def logits(sliders):
    return np.array([value for name, value in sorted(sliders.items()) if name.startswith("z")])


def probabilities(drawn, sliders):
    p = sl.softmax(logits(sliders))
    np.testing.assert_allclose(drawn.rows("rect", "probability"), p, rtol=1e-12)
    np.testing.assert_allclose(drawn.tops("rect", "probability"), p, atol=PIXEL / drawn.height)
    assert drawn.texts("number") == decimals(p)
    orange = [i for i, bar in enumerate(drawn.of("rect")) if bar["fill"] == "#D55E00"]
    assert orange == [sl.predict(logits(sliders))]
    assert f"Class {orange[0] + 1} has the largest" in drawn.says


def sigmoid(drawn, sliders):
    z = logits(sliders)
    p = sl.sigmoid(z[0] - z[1])
    np.testing.assert_allclose(p, sl.softmax(z + sliders["c"])[0], rtol=1e-12)
    np.testing.assert_allclose(drawn.rows("symbol", "probability"), [p], rtol=1e-12)
    middle = drawn.middles("symbol", "probability")
    np.testing.assert_allclose(middle, [p], atol=PIXEL / drawn.height)
    point = drawn.of("symbol")[0]
    across = (point["left"] + point["right"]) / 2 / drawn.width * 20 - 10
    np.testing.assert_allclose(across, z[0] - z[1], atol=20 * PIXEL / drawn.width)
    assert drawn.texts("number") == decimals([p])
    assert decimals([p])[0] in drawn.says
    across, up = drawn.curve(0, -10, 10)
    assert across[[0, -1]] == pytest.approx([-10, 10])
    np.testing.assert_allclose(up, sl.sigmoid(across), atol=1e-9)


def shift(drawn, sliders):
    z = logits(sliders)
    p = sl.softmax(z)
    np.testing.assert_allclose(drawn.rows("symbol", "probability"), p, rtol=1e-12)
    np.testing.assert_allclose(drawn.rows("symbol", "logit"), z + sliders["c"], atol=1e-12)
    middles = drawn.middles("symbol", "probability")
    np.testing.assert_allclose(middles, p, atol=PIXEL / drawn.height)
    assert all(number in drawn.says for number in decimals(p) + decimals(z + sliders["c"], 1))
    across, up = drawn.curve(0, -8, 8)
    np.testing.assert_allclose(up, np.exp(across - sl.logsumexp(z + sliders["c"])), atol=1e-9)


def temperature(drawn, sliders):
    z = logits(sliders)
    p = sl.softmax(z / 10 ** sliders["logTau"])
    bars = drawn.of("rect", "probability")[:3]
    # At τ = 0.01 a rounding error of the logits, in pow(10, x) here, counts a thousandfold.
    shares = [bar["row"]["probability"] for bar in bars]
    np.testing.assert_allclose(shares, p, rtol=1e-9, atol=1e-300)
    tops = [1 - bar["top"] / drawn.height for bar in bars]
    np.testing.assert_allclose(tops, p, atol=PIXEL / drawn.height)
    np.testing.assert_array_equal([bar["row"]["hardmax"] for bar in bars], sl.hardmax(z))
    ticks = [(m["top"] + m["bottom"]) / 2 for m in drawn.of("rect", "probability")[3:]]
    np.testing.assert_allclose(1 - np.array(ticks) / drawn.height, sl.hardmax(z), atol=0.01)
    assert drawn.texts("number") == decimals(p)
    assert all(number in drawn.says for number in decimals(p))


def gumbel(drawn, sliders):
    z, draws = logits(sliders), int(sliders["draws"])
    noise = sl.gumbel_noise((1000, 3), rng=np.random.default_rng(0)).round(4)
    winners = np.argmax(z + noise[:draws], axis=1)
    shares = np.bincount(winners, minlength=3) / draws
    bars = sorted(drawn.of("rect", "wins"), key=lambda bar: bar["row"]["class"])
    np.testing.assert_allclose([bar["row"]["share"] for bar in bars], shares, rtol=1e-12)
    tops = [1 - bar["top"] / drawn.height for bar in bars]
    np.testing.assert_allclose(tops, shares, atol=PIXEL / drawn.height)
    marks = [m["row"]["share"] for m in drawn.of("rect", "share") if "wins" not in m["row"]]
    np.testing.assert_allclose(marks, sl.softmax(z), rtol=1e-12)
    won = ", ".join(f"class {i + 1} won {s}" for i, s in enumerate(decimals(shares)))
    assert f"{draws} draws: {won}." in drawn.says


def offsets(drawn, sliders, dtype="float32"):
    offset, walk = sliders["c"], WALKS[dtype]
    number = np.dtype(dtype).type
    x = number([0, -1, -4]) + number(offset)
    naive, shifted = sl.naive_softmax(x), sl.shifted_softmax(x)
    assert naive.dtype == shifted.dtype == dtype
    diamonds = drawn.of("symbol")[:3]
    seen = number([mark["row"]["shifted"] for mark in diamonds])
    np.testing.assert_array_equal(seen, shifted)
    heights = [1 - (mark["top"] + mark["bottom"]) / 2 / drawn.height for mark in diamonds]
    np.testing.assert_allclose(heights, shifted, atol=2 * PIXEL / drawn.height)
    finite = np.isfinite(naive)
    dots = sorted(drawn.of("symbol")[3:], key=lambda mark: mark["row"]["class"])
    np.testing.assert_array_equal(number([m["row"]["naive"] for m in dots]), naive[finite])
    heights = [1 - (mark["top"] + mark["bottom"]) / 2 / drawn.height for mark in dots]
    np.testing.assert_allclose(heights, naive[finite], atol=2 * PIXEL / drawn.height)
    for i, line in enumerate(drawn.of("line")):
        across, up = drawn.curve(i, walk.low, walk.high)
        rows = number([0, -1, -4]) + number(across.round(6))[:, np.newaxis]
        wanted = sl.naive_softmax(rows)[:, int(line["row"]["class"]) - 1]
        np.testing.assert_allclose(up, [float(str(p)) for p in wanted], atol=1e-9)
    grid, _, _, verdicts = offset_table(dtype)
    verdict = verdicts[grid == offset].item()
    spoken = [number if p == p else "nan" for p, number in zip(naive, decimals(naive), strict=True)]
    assert f"{spoken[0]}, {spoken[1]} and {spoken[2]}{WORDS[verdict]}. Shifted" in drawn.says
    lost = [f"class {i + 1}: nan" for i in np.flatnonzero(~finite)]
    assert sorted(m["text"] for m in drawn.of("text", "class")) == lost
    across = (offset - walk.low) / (walk.high - walk.low) * drawn.width
    zones = drawn.of("rect", "verdict")
    assert any(
        z["left"] - PIXEL <= across <= z["right"] + PIXEL and z["row"]["verdict"] == verdict
        for z in zones
    )
    assert [text for text in drawn.texts("verdict") if text] == [z["row"]["verdict"] for z in zones]


def half_offsets(drawn, sliders):
    offsets(drawn, sliders, "float16")


def jacobian(drawn, sliders):
    z = logits(sliders)
    wanted = sl.softmax_jacobian(z)
    entries = drawn.rows("rect", "entry").reshape(3, 3)
    np.testing.assert_allclose(entries, wanted, rtol=1e-9, atol=1e-16)
    cells = drawn.of("text", "entry")
    assert [mark["text"] for mark in cells] == decimals(wanted.ravel())
    assert [mark["text"] for mark in drawn.of("text", "total")] == ["0.000"] * 3
    warm = np.array([cell["fill"] == "#D55E00" for cell in drawn.of("rect", "entry")])
    np.testing.assert_array_equal(warm.reshape(3, 3), entries > 0)
    # A row of the matrix is a row of the picture, a logit is a column.
    assert cells[1]["left"] > cells[0]["left"]
    assert cells[3]["top"] > cells[0]["top"]
    assert all(number in drawn.says for number in decimals(np.diag(wanted)))


def simplex(drawn, sliders):
    z, target = logits(sliders), int(sliders["target"]) - 1
    loss, gradient = sl.cross_entropy_with_grad(z[np.newaxis], np.array([target]))
    corners = np.array([[0, 0], [1, 0], [0.5, np.sqrt(3) / 2]])
    head = drawn.of("symbol")[0]
    np.testing.assert_allclose(head["row"]["loss"], loss, rtol=1e-9, atol=1e-15)
    arrow = np.array([head["row"]["x"] - head["row"]["x2"], head["row"]["y"] - head["row"]["y2"]])
    np.testing.assert_allclose(arrow, (gradient @ corners)[0], atol=1e-12)
    assert head["row"]["angle"] == pytest.approx(np.degrees(np.arctan2(*arrow)))
    # The middle of the head is at p, in pixels; a unit is as long across as upwards.
    unit = min(drawn.height / 1.1, drawn.width / 1.2)
    middle = np.array([head["left"] + head["right"], head["top"] + head["bottom"]]) / 2
    p = sl.softmax(z) @ corners
    wanted = [drawn.width / 2 + (p[0] - 0.5) * unit, drawn.height - (p[1] + 0.12) * unit]
    np.testing.assert_allclose(middle, wanted, atol=4)
    for level in drawn.of("rule", "q"):
        row = level["row"]
        for x, y in ((row["x"], row["y"]), (row["x2"], row["y2"])):
            q = np.linalg.solve(np.vstack([corners.T, np.ones(3)]), [x, y, 1])
            assert sl.nll_loss(np.log(q[[target]]), np.array(0)) == pytest.approx(row["loss"])
    assert all(number in drawn.says for number in decimals(gradient[0]) + decimals([loss]))


def merging(drawn, sliders):
    row, pieces = np.array([0.5, 1.5, -1, 2, 0, 1, 3, 2.5]), int(sliders["pieces"])
    dots = drawn.of("symbol", "lse")
    diamonds, dots = dots[:pieces], dots[pieces:]
    assert len(dots) == pieces
    came = [dot["row"]["piece"] for dot in dots]
    assert sorted(came) == list(range(1, pieces + 1))
    parts, seen = np.array_split(row, pieces), np.array([])
    for piece, diamond, dot in zip(came, diamonds, dots, strict=True):
        seen = np.append(seen, parts[piece - 1])
        for mark, value in ((diamond, seen.max()), (dot, sl.logsumexp(seen))):
            assert mark["row"]["value"] == pytest.approx(value, abs=1e-8)
            height = 1 - (mark["top"] + mark["bottom"]) / 2 / drawn.height
            assert height == pytest.approx((value + 1) / 6, abs=3 * PIXEL / drawn.height)
    assert decimals([row.max(), np.exp(row - row.max()).sum(), sl.logsumexp(row)]) == [
        word.strip(".,") for word in drawn.says.split() if "." in word.strip(".,")
    ]
    assert pieces == 1 or ", ".join(map(str, came)) in drawn.says


CHECKS = dict(
    zip(
        CHARTS,
        [
            probabilities,
            sigmoid,
            shift,
            temperature,
            gumbel,
            offsets,
            half_offsets,
            jacobian,
            simplex,
            merging,
        ],
        strict=True,
    )
)


@pytest.mark.parametrize("name", CHARTS)
def test_every_slider_moves_the_drawing_to_the_numbers_of_the_package(browser, pages, name):
    with open_page(browser, (pages / f"{name}.html").as_uri()) as page:
        chart = page.wait_for_selector(".chart[data-drawn]")
        controls = chart.query_selector_all("input[type=range]")
        assert controls, f"{name} has no slider"
        CHECKS[name](Drawn(chart), chart.evaluate(SLIDERS))
        for control in controls:
            start = control.input_value()
            for key in ("ArrowRight", "PageDown", "End", "ArrowLeft", "Home"):
                control.press(key)
                drawn = Drawn(chart)
                CHECKS[name](drawn, chart.evaluate(SLIDERS))
            page.wait_for_function(
                "says => document.querySelector('output').textContent === says", arg=drawn.says
            )
            control.fill(start)


def test_the_true_class_is_chosen_by_a_button(browser, pages):
    with open_page(browser, (pages / "cross_entropy.simplex.html").as_uri()) as page:
        chart = page.wait_for_selector(".chart[data-drawn]")
        for target in ("1", "2", "3"):
            page.get_by_role("radiogroup", name="true class").get_by_label(target).check()
            assert f"Class {target} is true" in Drawn(chart).says
            simplex(Drawn(chart), chart.evaluate(SLIDERS))


def test_on_a_narrow_phone_the_simplex_keeps_what_is_written_beside_it(browser, pages):
    for width in (320, 360):
        phone = {"viewport": {"width": width, "height": 640}}
        with open_page(browser, (pages / "cross_entropy.simplex.html").as_uri(), **phone) as page:
            chart = page.wait_for_selector(".chart[data-drawn]")
            simplex(Drawn(chart), chart.evaluate(SLIDERS))
            box = chart.query_selector("svg").bounding_box()
            for text in chart.query_selector_all("svg text"):
                letters = text.bounding_box()
                assert letters["x"] >= box["x"] - 1
                assert letters["x"] + letters["width"] <= box["x"] + box["width"] + 1


def finger(page, start, stop):
    """Drag with a finger, as the browser itself would report it."""
    session = page.context.new_cdp_session(page)
    for kind, (x, y) in (("Start", start), ("Move", stop)):
        points = [{"x": x, "y": y}]
        session.send("Input.dispatchTouchEvent", {"type": f"touch{kind}", "touchPoints": points})
    session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


def mouse(page, start, stop):
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move(*stop, steps=4)
    page.mouse.up()


@pytest.mark.parametrize("by", [mouse, finger])
def test_the_simplex_is_dragged_to_where_the_pointer_goes(browser, pages, by):
    phone = {"viewport": {"width": 390, "height": 844}, "has_touch": True}
    with open_page(browser, (pages / "cross_entropy.simplex.html").as_uri(), **phone) as page:
        chart = page.wait_for_selector(".chart[data-drawn]")
        handle = page.get_by_role("button", name="prediction p")

        def middle():
            box = handle.bounding_box()
            return np.array([box["x"] + box["width"] / 2, box["y"] + box["height"] / 2])

        for across, up in [(0, -60), (-40, 40), (60, -25), (-20, -60)]:
            start = middle()
            stop = start + np.array([across, up])
            by(page, start, stop)
            page.wait_for_function("() => document.querySelector('.chart').view.signal('pullX')")
            simplex(Drawn(chart), chart.evaluate(SLIDERS))
            # The sliders move in steps of 0.05, which is up to 4 pixels.
            np.testing.assert_allclose(middle(), stop, atol=5)
            head = chart.query_selector(".mark-symbol path").bounding_box()
            at = [head["x"] + head["width"] / 2, head["y"] + head["height"] / 2]
            np.testing.assert_allclose(at, middle(), atol=3)
        by(page, middle(), middle() + 300)  # far outside: it stays at the corner of class 2
        simplex(Drawn(chart), chart.evaluate(SLIDERS))
        p = sl.softmax(logits(chart.evaluate(SLIDERS)))
        assert 0.99 < p[1] < 1


def test_the_simplex_is_moved_by_arrow_keys(browser, pages):
    with open_page(browser, (pages / "cross_entropy.simplex.html").as_uri()) as page:
        chart = page.wait_for_selector(".chart[data-drawn]")
        handle = page.get_by_role("button", name="prediction p")
        handle.focus()
        before = chart.evaluate("chart => chart.view.signal('handle')")
        for key, axis, sign in [
            ("ArrowLeft", 0, -1),
            ("ArrowDown", 1, -1),
            ("ArrowRight", 0, 1),
            ("ArrowUp", 1, 1),
        ]:
            page.keyboard.press(key)
            simplex(Drawn(chart), chart.evaluate(SLIDERS))
            after = chart.evaluate("chart => chart.view.signal('handle')")
            assert (after[axis] - before[axis]) * sign > 0.01, f"{key} moves the wrong way"
            before = after


def test_the_dial_of_the_temperature_says_the_temperature(browser, pages):
    with open_page(browser, (pages / "soft_max.temperature.html").as_uri()) as page:
        dial = page.get_by_role("slider", name="temperature τ")
        for key, shown in (("Home", "0.01"), ("End", "100")):
            dial.press(key)
            page.get_by_text(f"Temperature τ = {shown} gives").wait_for()
            assert dial.locator("xpath=../span[not(@hidden)][last()]").text_content() == shown
            assert dial.get_attribute("aria-valuetext") == shown


def all_drawn(page):
    for chart in page.query_selector_all(".chart"):
        chart.scroll_into_view_if_needed()
    page.wait_for_function(
        f"document.querySelectorAll('.chart[data-drawn]').length == {len(CHARTS)}"
    )
    return dict(zip(CHARTS, page.query_selector_all(".chart"), strict=True))


def test_a_phone_shows_each_chart_whole_with_sliders_for_fingers(browser, pages):
    phone = {"viewport": {"width": 390, "height": 844}, "has_touch": True}
    with open_page(browser, (pages / "light.html").as_uri(), **phone) as page:
        charts = all_drawn(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        for name, chart in charts.items():
            width = chart.query_selector("svg").bounding_box()["width"]
            assert width == pytest.approx(358, abs=6), f"{name} should fill the column"
            for control in chart.query_selector_all("input[type=range], .vega-bind-radio label"):
                assert control.bounding_box()["height"] >= 44
            for control in chart.query_selector_all("input[type=range], [role=radiogroup]"):
                assert control.get_attribute("aria-label"), f"a control of {name} needs a name"


def test_charts_fill_their_column_when_it_changes_and_the_window_does_not(browser, pages):
    with open_page(browser, (pages / "light.html").as_uri()) as page:
        charts = all_drawn(page)
        handle = page.get_by_role("button", name="prediction p")
        for width in (500, 900):
            page.evaluate("width => { document.body.style.width = `${width}px`; }", width)
            page.evaluate(STILL)
            for name, chart in charts.items():
                drawn = chart.query_selector("svg").bounding_box()["width"]
                assert drawn == pytest.approx(width, abs=6), f"{name} should fill the column"
            head = charts["cross_entropy.simplex"].query_selector(".mark-symbol path")
            boxes = (handle.bounding_box(), head.bounding_box())
            at, head = ([b["x"] + b["width"] / 2, b["y"] + b["height"] / 2] for b in boxes)
            np.testing.assert_allclose(at, head, atol=3)


def test_charts_take_the_ink_of_a_dark_page(browser, pages):
    with open_page(browser, (pages / "dark.html").as_uri()) as page:
        for name, chart in all_drawn(page).items():
            inks = chart.eval_on_selector_all(
                "svg text", "texts => [...new Set(texts.map(t => getComputedStyle(t).fill))]"
            )
            assert inks == ["rgb(206, 214, 221)"], name


def test_without_scripts_a_still_picture_is_there(browser, pages):
    with open_page(browser, (pages / "light.html").as_uri(), java_script_enabled=False) as page:
        assert page.locator("input").count() == 0
        pictures = page.locator(".chart-picture svg")
        assert pictures.count() == len(CHARTS)
        assert all(picture.is_visible() for picture in pictures.all())


def test_axe_has_nothing_to_say_about_the_charts(browser, pages):
    from axe_playwright_python.sync_playwright import Axe

    with serve(pages) as address, open_page(browser, f"{address}/dark.html") as page:
        all_drawn(page)
        found = Axe().run(page, context=".chart").response["violations"]
        assert not found, [(rule["id"], rule["nodes"][0]["html"]) for rule in found]
