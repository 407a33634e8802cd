"""The pictures cost nothing to whoever does not ask for them."""

import subprocess
import sys

import pytest


def python(script):
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)


def test_the_package_alone_imports_no_drawing_library():
    run = python("import softmax_lab, sys; print({'matplotlib', 'altair'} & set(sys.modules))")
    assert run.stdout.strip() == "set()", run.stdout + run.stderr


@pytest.mark.parametrize("library", ["altair", "matplotlib", "vl_convert"])
def test_a_missing_library_is_named_with_the_command_that_brings_it(library):
    run = python(f"import sys; sys.modules[{library!r}] = None; import softmax_lab.figures")
    last = run.stderr.strip().splitlines()[-1]
    assert last == (
        f"ImportError: softmax_lab.figures draws with {library}, which is not installed: "
        'run pip install "softmax-lab[book]"'
    )
