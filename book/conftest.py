"""What nbmake executes serves the book too: a build takes it, as long as nothing has changed."""

import shutil
from tempfile import TemporaryDirectory

import cache
import nbformat
import pytest


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    """Let nbmake execute a copy of the notebook and write into it what comes out: keep that."""
    if not hasattr(item, "nbmake"):
        return (yield)
    folder = cache.folder(
        item.path
    )  # what changes from here on is not in it
    with TemporaryDirectory() as directory:
        copy = shutil.copy(item.path, directory)
        item.filename, item.config.option.overwrite = copy, True
        yield
        cache.keep(nbformat.read(copy, as_version=4), item.path, folder)
