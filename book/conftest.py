"""What nbmake executes serves the book too: a build takes it, as long as nothing has changed."""

import importlib.util
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat
import pytest


def load_cache():
    """Return the extension that keeps what came out of the notebooks."""
    path = Path(__file__).with_name("_ext") / "cache.py"
    spec = importlib.util.spec_from_file_location("cache", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    """Let nbmake execute a copy of the notebook and write into it what comes out: keep that."""
    if not hasattr(item, "nbmake"):
        return (yield)
    cache, path = load_cache(), item.path
    folder = cache.folder(path)  # what changes from here on is not in it
    with TemporaryDirectory() as directory:
        copy = shutil.copy(path, directory)
        item.filename, item.config.option.overwrite = copy, True
        yield
        cache.keep(nbformat.read(copy, as_version=4), path, folder)
