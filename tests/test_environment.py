"""Set-up fails in one clear sentence and mends itself when it is run again."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tools import environment

ROOT = Path(__file__).resolve().parents[1]


def set_up(folder, newest=environment.NEWEST):
    """Run the set-up in a folder of its own, without a network."""
    (folder / "tools").mkdir(exist_ok=True)
    source = (ROOT / "tools/environment.py").read_text()
    assert f", {environment.NEWEST}\n" in source
    source = source.replace(f", {environment.NEWEST}\n", f", {newest}\n")
    (folder / "tools/environment.py").write_text(source)
    offline = {"PIP_INDEX_URL": "http://127.0.0.1:9", "PIP_RETRIES": "0", "PATH": "/usr/bin:/bin"}
    return subprocess.run(
        [sys.executable, "tools/environment.py"],
        cwd=folder,
        env=offline,
        capture_output=True,
        text=True,
    )


def is_one_sentence(text):
    return text.startswith("softmax-lab: ") and text.count("\n") == 1 and "Traceback" not in text


def test_no_network_ends_in_one_sentence(tmp_path):
    (tmp_path / "requirements.txt").write_text("a-package-that-is-nowhere==1.0\n")
    run = set_up(tmp_path)
    assert run.returncode == 1
    assert is_one_sentence(run.stderr), run.stderr
    assert "network" in run.stderr
    assert not (tmp_path / ".venv/.ready").exists(), "a failed set-up must not count as done"


def test_a_broken_environment_is_made_anew(tmp_path):
    (tmp_path / "requirements.txt").write_text("")
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    broken = tmp_path / ".venv/bin/python"
    broken.parent.mkdir(parents=True)
    broken.write_text("#!/bin/sh\nexit 1\n")
    broken.chmod(0o755)
    run = set_up(tmp_path)
    # Nothing can be installed without a network, but the interpreter works again.
    assert subprocess.call([broken, "-c", "import pip"]) == 0, run.stderr


def test_a_wrong_python_is_named_with_the_way_out():
    sentence = environment.python_problem((3, 8))
    assert "3.8" in sentence
    assert "PYTHON=" in sentence


def test_a_python_newer_than_tested_gets_a_warning_and_goes_on(tmp_path):
    (tmp_path / ".venv").write_text("not a folder: here the set-up ends, after the warning")
    run = set_up(tmp_path, newest=(3, 10))
    warning, *_, end = run.stderr.splitlines()
    assert warning.startswith("softmax-lab: Softmax Lab is tested on Python 3.11 to 3.10")
    assert "going on" in warning
    assert "could not make .venv" in end


def test_a_missing_venv_module_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "ensurepip", None)
    assert "python3-venv" in environment.venv_problem()


def test_too_little_disk_is_told_before_the_download():
    assert "0.5 GB are free" in environment.disk_problem(0.5e9)
    assert environment.disk_problem(50e9) is None


@pytest.mark.parametrize(
    ("printed", "told"),
    [
        ("OSError: [Errno 28] No space left on device", "disk is full"),
        ("Temporary failure in name resolution\nNo matching distribution found", "network"),
        ("ERROR: No matching distribution found for torch==2.13.0", "does not exist"),
        ("something else", "install.log"),
    ],
)
def test_what_pip_prints_becomes_one_sentence(printed, told):
    assert told in environment.pip_problem(printed)


def test_a_missing_python_is_told_by_make(tmp_path):
    (tmp_path / "tools").mkdir()
    for name in ("Makefile", "requirements.txt", "pyproject.toml", "tools/environment.py"):
        shutil.copy(ROOT / name, tmp_path / name)
    run = subprocess.run(
        ["make", "book", "PYTHON=no-such-python"], cwd=tmp_path, capture_output=True, text=True
    )
    assert run.returncode != 0
    assert "there is no no-such-python" in run.stderr


def test_a_kernel_starts_without_a_warning():
    # A notebook without a cell would be over, and its kernel interrupted, while that still starts.
    start = (
        "import nbclient\nfrom nbformat import v4\n"
        "nbclient.NotebookClient(v4.new_notebook(cells=[v4.new_code_cell('1')])).execute()"
    )
    run = subprocess.run([sys.executable, "-c", start], capture_output=True, text=True, check=True)
    assert run.stderr == "", "make the environment anew: rm -r .venv"


def test_no_grammar_of_web_addresses_is_compiled_at_every_import():
    script = "import jsonschema, sys; sys.exit('lark' in sys.modules)"
    assert subprocess.call([sys.executable, "-c", script]) == 0, "run `make` again: set-up changed"


def test_make_help_lists_every_target_in_a_line():
    import re

    makefile = (ROOT / "Makefile").read_text()
    (phony,) = re.findall(r"^\.PHONY: (.*)$", makefile, flags=re.MULTILINE)
    run = subprocess.run(
        ["make", "--no-print-directory", "help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert [line.split()[0] for line in run.stdout.splitlines()] == phony.split()
