"""What tests of several folders share: their order, and one browser a worker.

Playwright allows no second browser in a process.
"""

import os

import pytest

from tests.browsers import NAMES, find, launch

# A long test that begins last keeps one worker busy while the others have nothing left to do.
LONGEST = (
    "tests/torch/test_compile.py",
    "tests/torch/test_dtensor.py",
    "tests/book/test_build.py",
    "tests/browser/",
)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    """Begin with the longest tests; the others keep their order."""

    def rank(item):
        places = [item.nodeid.startswith(place) for place in LONGEST]
        return places.index(True) if any(places) else len(places)

    items.sort(key=rank)


@pytest.fixture(scope="session")
def browser():
    """One Chromium for all tests of a worker."""
    path = find()
    if path is None:
        reason = f"no browser: install Chromium (looked for {', '.join(NAMES)})"
        if os.environ.get("SOFTMAX_LAB_REQUIRE_BROWSER") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    with launch(path) as chromium:
        yield chromium


@pytest.fixture(params=["small tensors in NumPy", "all in torch"])
def both_ways(request, monkeypatch):
    """Small tensors on the CPU go to the NumPy side; what torch makes of them must be as good."""
    from softmax_lab.torch import _rows

    if request.param == "all in torch":
        monkeypatch.setattr(_rows, "SMALL", 0)
