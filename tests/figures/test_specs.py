"""A chart is the same bytes every time, and each program finds a form of it that it can show."""

import base64
import hashlib
import json
import subprocess
import sys
import warnings
from types import SimpleNamespace

import altair as alt
import numpy as np
import pytest
import vl_convert
from mpmath import mp

from softmax_lab.figures.page import ChartRenderer, chart_html, compiled, write_vega
from softmax_lab.figures.soft_max import gumbel
from softmax_lab.figures.stability import OFF, offset_table
from softmax_lab.figures.vega import MIME_TYPE, MIME_TYPE_NEXT
from tests.figures.conftest import CHARTS, bundle, make


@pytest.mark.parametrize("name", CHARTS)
def test_the_chart_is_valid_and_compiles_without_a_warning(name):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        spec = make(name).to_dict(validate=True)
        vl_convert.vegalite_to_vega(spec, vl_version="5.8")  # the oldest at hand; JupyterLab's is 5


@pytest.mark.parametrize("name", CHARTS)
def test_the_chart_has_words_and_named_controls(name):
    spec = make(name).to_dict()
    assert len(spec["description"]) > 60
    sliders = [param["bind"] for param in spec["params"] if "bind" in param]
    assert sliders
    for slider in sliders:
        assert slider["input"] in ("range", "radio")
        assert slider["name"]
    assert "says" in [param["name"] for param in spec["params"]]


def test_the_slider_of_draws_starts_within_its_range():
    for draws, start in [(20, 20), (1000, 50)]:
        slider = gumbel(draws=draws).to_dict()["params"][0]
        assert (slider["value"], slider["bind"]["max"]) == (start, draws)


@pytest.mark.parametrize("name", CHARTS)
def test_a_notebook_gets_vega_and_a_picture_but_no_html(name):
    shown = bundle(name)
    assert list(shown) == [MIME_TYPE, MIME_TYPE_NEXT, "image/png", "text/plain"]
    assert "/v5" in shown[MIME_TYPE]["$schema"]
    assert base64.b64decode(shown["image/png"]).startswith(b"\x89PNG")
    assert shown["text/plain"] == shown[MIME_TYPE]["description"]


def digests():
    """Return a hash of what a notebook and a page get, for each chart."""
    bundles = map(bundle, CHARTS)
    texts = [json.dumps(shown) + chart_html(shown[MIME_TYPE]) for shown in bundles]
    return [hashlib.sha256(text.encode()).hexdigest() for text in texts]


def test_another_process_makes_the_same_bytes():
    script = "from tests.figures.test_specs import digests; print(digests())"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert run.stdout.strip() == str(digests()), run.stderr


@pytest.mark.parametrize("name", CHARTS)
def test_the_order_of_keys_in_an_output_does_not_show(name):
    spec = bundle(name)[MIME_TYPE]
    assert chart_html(json.loads(json.dumps(spec, sort_keys=True))) == chart_html(spec)


def test_the_page_carries_the_compiled_chart_a_picture_and_the_words():
    spec = {"description": 'a "quoted" </script> chart', **alt.Chart().mark_point().to_dict()}
    page = chart_html(spec)
    assert page.count("</script>") == 1, "text inside the specification must not end the script"
    start = page.index('<script type="application/json">') + len('<script type="application/json">')
    assert json.loads(page[start : page.index("</script>")]) == compiled(spec)
    assert 'aria-label="a &quot;quoted&quot; &lt;/script&gt; chart"' in page
    assert "<svg" in page


def test_the_renderer_takes_charts_and_leaves_the_rest_to_others():
    spec = alt.Chart().mark_point().properties(description="nothing").to_dict()
    chart = SimpleNamespace(mime_type=MIME_TYPE, content=spec)
    (node,) = ChartRenderer.handle_mime(None, chart, inline=False)
    assert node["format"] == "html"
    assert node.astext() == chart_html(spec)
    again = SimpleNamespace(mime_type=MIME_TYPE_NEXT, content=spec)
    assert ChartRenderer.handle_mime(None, again, inline=False) == []
    other = SimpleNamespace(mime_type="text/html", content="")
    assert ChartRenderer.handle_mime(None, other, inline=False) is None


def test_vega_is_one_file_and_the_same_every_time(tmp_path):
    write_vega(tmp_path / "a" / "vega.js")
    write_vega(tmp_path / "b" / "vega.js")
    text = (tmp_path / "a" / "vega.js").read_bytes()
    assert text == (tmp_path / "b" / "vega.js").read_bytes()
    assert 500_000 < len(text) < 600_000, "Vega alone: its compiler ran when the book was built"


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("definition.probabilities", [[1.0]], "logits has 1 entries; this chart takes 2 or more"),
        ("definition.probabilities", [[0, 7]], "logits holds 7; its slider reaches from -5 to 5"),
        ("gradients.jacobian", [[0, float("nan")]], "logits holds nan"),
        ("logits.sigmoid", [[1, 2, 3]], "logits has 3 entries; this chart takes 2"),
        ("cross_entropy.simplex", [[1, 2]], "logits has 2 entries; this chart takes 3"),
        ("cross_entropy.simplex", [[1, 2, 3], 0], "target is 0; the classes of this chart are 1"),
        ("scale.merging", [[1, 2, 3]], "row has 3 entries; this chart takes 8 or more"),
    ],
)
def test_a_chart_refuses_what_its_sliders_cannot_show(name, arguments, message):
    with pytest.raises(ValueError, match=message):
        make(name, *arguments)


@pytest.mark.parametrize(
    ("dtype", "wanted"),
    [
        ("float32", {-110: "nan", -104: "nan", -101: "wrong", -97: "right", -80: "right"}),
        ("float16", {9: "right", 10.75: "right", 11: "wrong", 12: "nan"}),
    ],
)
def test_the_table_of_offsets_is_in_its_dtype_and_its_verdicts_hold(dtype, wanted):
    with mp.workdps(40):
        weights = [mp.exp(x) for x in (0, -1, -4)]
        truth = np.array([float(weight / sum(weights)) for weight in weights])
    grid, naive, shifted, verdicts = offset_table(dtype)
    assert naive.dtype == shifted.dtype == dtype
    # These offsets are exact in the dtype, so shifting them away loses nothing.
    eps = np.finfo(dtype).eps
    np.testing.assert_allclose(shifted, np.tile(truth, (len(grid), 1)), rtol=2.5 * float(eps))
    finite = np.isfinite(naive).all(axis=1)
    close = np.isclose(naive, truth, rtol=0, atol=OFF).all(axis=1)
    np.testing.assert_array_equal(verdicts == "nan", ~finite)
    np.testing.assert_array_equal(verdicts == "right", close)
    at = dict(zip(grid, verdicts, strict=True))
    assert {c: at[c] for c in wanted} == wanted
