"""How arrays are cut: every entry once, no scratch too large, narrow rows side by side, threads."""

import os
import threading

import numpy as np
import pytest

from softmax_lab.numpy import _blocks, log_softmax, softmax
from softmax_lab.numpy._blocks import BLOCK, LONGEST, for_blocks, from_blocks, to_blocks

# (outer, n, inner); the blocks it is cut into, and the longest rows of a scratch.
CUTS = {
    (1, 5, 1): (1, 5),
    (64, 32, 32): (1, 32),  # just fits
    (65, 32, 32): (2, 32),
    (255, 32, 1): (1, 32),  # so few rows, or such long ones, are not worth a copy
    (256, 33, 1): (1, 33),
    (256, 32, 1): (1, 32),
    (5000, 32, 1): (3, 32),
    (5000, 33, 1): (3, 33),
    (300, 1000, 1): (5, 1000),
    (3, 500, 700): (3, 2 * BLOCK // 700),
    (2, 64, 3000): (2, 2 * BLOCK // 3000),
    (1, BLOCK, 3): (1, 2 * BLOCK // 3),
    (1, 3, 100_000): (5, 3),
    (1, 20, 10_000): (3, 20),
}
SIDE_BY_SIDE = [(256, 32, 1), (5000, 32, 1)]


@pytest.mark.parametrize(("shape", "cuts"), CUTS.items())
def test_every_entry_is_seen_once_with_a_scratch_that_fits(shape, cuts):
    x = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    top, first, seen = x[:, :1] + 1, np.zeros((shape[0], 1, shape[2])), []
    result = np.zeros(shape, np.float32)

    def function(block, begin, out, no_output, at_top, no_input, scratch):
        assert no_output is None
        assert no_input is None
        assert set(np.geterr().values()) == {"ignore"}
        seen.append((block.size, scratch.shape[1]))
        assert (scratch.shape[0], scratch.shape[2]) == (block.shape[0], block.shape[2])
        assert scratch.dtype == np.float64
        rows_are_near = block.strides[0] == block.itemsize
        assert rows_are_near == (scratch.strides[0] == scratch.itemsize) == (shape in SIDE_BY_SIDE)
        np.add(block, at_top, out=out)
        np.copyto(begin, block[:, :1])

    for_blocks(function, x, [first, result, None], [top, None])
    np.testing.assert_array_equal(result, x + top)
    np.testing.assert_array_equal(first, x[:, :1])
    sizes, lengths = zip(*seen, strict=True)
    assert sum(sizes) == x.size
    assert (len(seen), max(lengths)) == cuts


def test_narrow_rows_are_transposed_unless_they_are_taken_as_they_lie(monkeypatch):
    x, seen = np.zeros((300, 3)), []
    _blocks.apply(lambda block, out, scratch: seen.append(block.strides[1]), x, -1)
    _blocks.apply(lambda block, out, scratch: seen.append(block.strides[1]), x, -1, transpose=False)
    assert seen == [300 * x.itemsize, x.itemsize]
    monkeypatch.setattr(_blocks, "transposed", None)
    np.testing.assert_allclose(softmax(x), 1 / 3)  # it adds up a copy of e^x, not of x
    with pytest.raises(TypeError, match="not callable"):
        log_softmax(x)


def test_the_scratch_of_a_very_long_row_is_shorter():
    lengths = []
    x = np.zeros((2, LONGEST + 1, 1), np.float32)
    for_blocks(lambda block, scratch: lengths.append(scratch.shape), x, [])
    assert lengths == [(1, LONGEST, 1)] * 2


def test_a_scratch_for_long_doubles_is_of_long_doubles():
    kinds = []
    for rows in (5, BLOCK):
        x = np.zeros((rows, 3, 1), np.longdouble)
        for_blocks(lambda block, scratch: kinds.append(scratch.dtype), x, [])
    assert set(kinds) == {np.dtype(np.longdouble)}


def test_large_arrays_are_shared_among_threads(monkeypatch):
    monkeypatch.setattr(_blocks, "thread_count", lambda: 3)
    x = np.zeros((3, BLOCK, 1), np.float32)
    together = threading.Barrier(3, timeout=5)
    threads = set()

    def function(block, scratch):
        assert set(np.geterr().values()) == {"ignore"}
        threads.add(threading.get_ident())
        block += 1
        together.wait()

    monkeypatch.setattr(_blocks, "THREADED", x.size)
    for_blocks(function, x, [])
    assert len(threads) == 3
    assert (x == 1).all(), "each block once"
    monkeypatch.setattr(_blocks, "THREADED", x.size + 1)
    threads.clear()
    together = threading.Barrier(1)
    for_blocks(function, x, [])
    assert threads == {threading.get_ident()}, "so few entries are not worth a thread"


@pytest.mark.parametrize("place", ["the same", "a row further", "transposed"])
def test_an_output_may_lie_where_the_input_lies(place):
    memory = np.random.default_rng(0).normal(size=(301, 300)).astype(np.float32)
    x, out = {
        "the same": (memory, memory),
        "a row further": (memory[:-1], memory[1:]),
        "transposed": (memory[1:], memory[1:].T),
    }[place]
    expected = softmax(x.copy())
    assert softmax(x, out=out) is out
    np.testing.assert_array_equal(out, expected)


@pytest.mark.parametrize("function", [softmax, log_softmax])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("offset", [0, 1000])
def test_many_narrow_rows_are_the_rows_one_by_one(function, dtype, order, offset):
    x = np.random.default_rng(1).normal(size=(7000, 10)).astype(dtype, order=order)
    x[17] += dtype(offset)
    given, out = x.copy(order="K"), np.empty_like(x)
    assert function(x, out=out) is out
    np.testing.assert_array_equal(x, given, err_msg="the logits were changed")
    some = [0, 16, 17, 18, 256, 6553, 6999]
    bar = 4 * np.finfo(dtype).eps
    np.testing.assert_allclose(out[some], [function(x[i]) for i in some], rtol=bar)
    np.testing.assert_array_equal(function(x), out)
    assert function(x, out=x) is x
    np.testing.assert_array_equal(x, out)


@pytest.mark.parametrize(
    ("asked", "expected"), [("", 4), ("1", 1), ("3", 3), ("9", 4), ("-1", 4), ("two", 4), (None, 4)]
)
def test_omp_num_threads_may_ask_for_fewer_threads(monkeypatch, asked, expected):
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: range(4), raising=False)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    if asked is not None:
        monkeypatch.setenv("OMP_NUM_THREADS", asked)
    assert _blocks.thread_count() == expected
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    assert _blocks.thread_count() == expected


@pytest.mark.parametrize(
    ("shape", "axes", "blocks", "is_view"),
    [
        ((), (0,), (1, 1, 1), True),
        ((4,), (0,), (1, 4, 1), True),
        ((2, 3, 4, 5), (3,), (24, 5, 1), True),
        ((2, 3, 4, 5), (0,), (1, 2, 60), True),
        ((2, 3, 4, 5), (1, 2), (2, 12, 5), True),
        ((2, 3, 4, 5), (0, 1, 2, 3), (1, 120, 1), True),
        ((2, 3, 4, 5), (0, 2), (15, 8, 1), False),
        ((2, 3, 4, 5), (1, 3), (8, 15, 1), False),
        ((2, 3, 4, 5), (0, 1, 3), (4, 30, 1), False),
        ((2, 0, 4), (1,), (2, 0, 4), True),
        ((0, 3), (1,), (0, 3, 1), True),
    ],
)
def test_blocks_merge_the_axes_of_the_classes_and_come_back(shape, axes, blocks, is_view):
    x = np.arange(np.prod(shape, dtype=int)).reshape(shape)
    found = to_blocks(x, axes)
    assert found.shape == blocks
    assert np.may_share_memory(found, x) == is_view or not x.size
    if x.ndim and x.size:
        rows = np.moveaxis(x, axes, range(-len(axes), 0)).reshape(-1, blocks[1])
        np.testing.assert_array_equal(found.swapaxes(1, 2).reshape(-1, blocks[1]), rows)
    np.testing.assert_array_equal(from_blocks(found, shape, axes), x)
