"""What nbmake executes serves the book too: a build takes it, as long as nothing has changed."""

import shutil
from functools import partial
from tempfile import TemporaryDirectory

import cache
import nbformat
import pytest
from nbmake import nb_run


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    """Let nbmake execute a copy of the notebook and write into it what comes out: keep that."""
    if not hasattr(item, "nbmake"):
        return (yield)
    # What changes from here on is not in it.
    folder = cache.folder(item.path)
    with (
        TemporaryDirectory() as directory,
        pytest.MonkeyPatch.context() as patch,
    ):
        client = partial(nb_run.NotebookClient, **cache.AT_THE_END)
        patch.setattr(nb_run, "NotebookClient", client)
        copy = shutil.copy(item.path, directory)
        item.filename, item.config.option.overwrite = copy, True
        yield
        cache.keep(nbformat.read(copy, as_version=4), item.path, folder)
