"""What tests of several folders share: one browser a worker, for Playwright allows no second."""

import os

import pytest

from tests.browsers import NAMES, find, launch


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
