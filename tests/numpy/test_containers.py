"""The page on containers: each of its entries, with the library that it names."""

import array
import re
import warnings
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

import softmax_lab as lab

PAGE = Path(__file__).parents[2] / "book" / "containers.md"
X = np.array([[0.0, 1.0, 2.0], [3.0, 4.0, 6.0]])
P = lab.softmax(X)


class Metres(np.ndarray):
    unit = "m"


def matrix(x):
    with warnings.catch_warnings(action="ignore"):
        return np.matrix(x)


NAN = [np.nan] * 3
# an entry: (library, what comes in, what comes out or the exception)
CASES = {
    "`numpy.ndarray`, any layout or byte order": ("numpy", lambda np: X.astype(">f8")[:, ::1], P),
    "`numpy.ndarray` of integers or booleans": ("numpy", lambda np: X.astype(np.int8), P),
    "`list`, `tuple`": ("builtins", lambda _: (tuple(X[0]), list(X[1])), P),
    "`memoryview`, `array.array`": (
        "array",
        lambda array: array.array("f", X[0]),
        lab.softmax(X[0].astype(np.float32)),
    ),
    "a subclass of `ndarray`, with a unit perhaps": ("numpy", lambda np: X.view(Metres), P),
    "`numpy.matrix`": ("numpy", lambda np: matrix(X), P),
    "`numpy.ma.MaskedArray`, something masked": (
        "numpy",
        lambda np: np.ma.masked_array(X, X > 5),
        TypeError,
    ),
    "`numpy.ma.MaskedArray`, nothing masked": ("numpy", lambda np: np.ma.masked_array(X), P),
    "objects: `Fraction`, `Decimal`, strings, dates": (
        "fractions",
        lambda _: [Fraction(1, 2), Fraction(1, 3)],
        TypeError,
    ),
    "`torch.Tensor`": ("torch", lambda torch: torch.from_numpy(X), P),
    "`torch.Tensor` that requires a gradient": (
        "torch",
        lambda torch: torch.from_numpy(X).requires_grad_(),
        RuntimeError,
    ),
    "`torch.Tensor` of bfloat16": (
        "torch",
        lambda torch: torch.from_numpy(X).bfloat16(),
        lab.softmax(X.astype(np.float32)),
    ),
    "`pandas.DataFrame` of numbers": (
        "pandas",
        lambda pd: pd.DataFrame(X, columns=list("abc")),
        P,
    ),
    "`pandas.DataFrame` with a column of text": (
        "pandas",
        lambda pd: pd.DataFrame({"a": [1.0], "b": ["x"]}),
        TypeError,
    ),
    "`pandas.Series`": ("pandas", lambda pd: pd.Series(X[0]), P[0]),
    "`pandas.Series` of Int64, one missing": (
        "pandas",
        lambda pd: pd.Series([1, None, 2], dtype="Int64"),
        NAN,
    ),
    "`polars.DataFrame` of numbers": ("polars", lambda pl: pl.DataFrame(X), P),
    "`polars.Series` with a null": ("polars", lambda pl: pl.Series([0.0, None, 1.0]), NAN),
    "`polars.LazyFrame`": ("polars", lambda pl: pl.LazyFrame({"a": [1.0, 2.0]}), TypeError),
    "`xarray.DataArray`": ("xarray", lambda xr: xr.DataArray(X, dims=("row", "class")), P),
    "`xarray.Dataset`": ("xarray", lambda xr: xr.Dataset({"a": ("i", X[0])}), TypeError),
    "`dask.array.Array`": ("dask.array", lambda da: da.from_array(X, chunks=1), P),
    "`ml_dtypes.bfloat16`, float8": (
        "ml_dtypes",
        lambda ml: X.astype(ml.bfloat16),
        lambda ml: P.astype(ml.bfloat16),
    ),
    "`scipy.sparse`": ("scipy.sparse", lambda sparse: sparse.csr_array(X), TypeError),
}


def test_the_page_has_these_entries():
    assert re.findall(r"^(.+)\n: ", PAGE.read_text(), re.MULTILINE) == list(CASES)


@pytest.mark.parametrize(("library", "make", "expected"), CASES.values(), ids=CASES)
def test_a_container_gives_what_the_page_says(library, make, expected):
    module = pytest.importorskip(library)
    given = make(module)
    if isinstance(expected, type):
        with pytest.raises(expected):
            lab.softmax(given)
        return
    expected = np.asarray(expected(module) if callable(expected) else expected)
    found = lab.softmax(given)
    assert type(found) is np.ndarray
    assert found.dtype == expected.dtype
    np.testing.assert_array_equal(found.astype(float), expected.astype(float))


def test_a_sparse_matrix_is_told_to_be_dense():
    given = pytest.importorskip("scipy.sparse").csr_array(X)
    for softmax in (lab.softmax, pytest.importorskip("softmax_lab.torch").softmax):
        with pytest.raises(TypeError, match=r"^x is a sparse matrix, .*: pass x\.toarray\(\)$"):
            softmax(given)


def test_a_buffer_keeps_its_dtype():
    for given in (memoryview(X.astype(np.float32)), array.array("f", X[0])):
        assert lab.softmax(given).dtype == np.float32


def test_names_can_be_put_back():
    a = np.ma.masked_array(X, X > 5)
    back = np.ma.masked_array(lab.softmax(a.data, where=~np.ma.getmaskarray(a)), a.mask)
    np.testing.assert_allclose(back.sum(axis=1), 1)
    assert (back.mask == a.mask).all()


def test_names_can_be_put_back_in_pandas():
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(X, columns=list("abc"))
    p = pd.DataFrame(lab.softmax(frame), index=frame.index, columns=frame.columns)
    assert list(p.columns) == list("abc")


def test_names_can_be_put_back_in_xarray():
    xr = pytest.importorskip("xarray")
    x = xr.DataArray(X.T, dims=("class", "row"), coords={"class": list("abc")})
    p = x.copy(data=lab.softmax(x, x.get_axis_num("class")))
    np.testing.assert_array_equal(p.sel({"class": "b"}), P[:, 1])


def test_dask_stays_lazy_over_its_blocks():
    da = pytest.importorskip("dask.array")
    blocks = da.from_array(X, chunks=(1, 3))
    p = blocks.map_blocks(lab.softmax, dtype=blocks.dtype)
    assert isinstance(p, da.Array)
    np.testing.assert_array_equal(p.compute(), P)
