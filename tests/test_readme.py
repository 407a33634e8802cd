"""What the README tells people to type works."""

import doctest
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = [
    line.partition("#")[0].strip()
    for block in re.findall(r"```bash\n(.*?)```", README, flags=re.DOTALL)
    for line in block.splitlines()
]


def test_the_python_examples_give_what_they_say():
    failures, tried = doctest.testfile(str(ROOT / "README.md"), module_relative=False)
    assert tried > 5
    assert failures == 0, "an example of the README does not give what it says"


@pytest.mark.parametrize("command", [c for c in COMMANDS if c.startswith("make")])
def test_the_make_commands_exist(command):
    run = subprocess.run(
        ["make", "--no-print-directory", "--dry-run", *command.split()[1:]],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr


def test_the_notebooks_open_in_jupyterlab():
    run = subprocess.run(
        ["make", "--no-print-directory", "--dry-run", "lab"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    jupyter, lab, folder = run.stdout.strip().splitlines()[-1].split()
    version = subprocess.run([jupyter, lab, "--version"], cwd=ROOT, capture_output=True, text=True)
    assert version.returncode == 0, version.stderr
    assert list((ROOT / folder).glob("*.ipynb"))


@pytest.mark.parametrize("target", re.findall(r"\]\((?!http)([^)#]+)\)", README))
def test_the_files_it_links_exist(target):
    assert (ROOT / target).exists(), f"README.md links {target}, which is not there"


def test_the_built_page_is_where_it_says():
    assert (ROOT / "_build/html/index.html").exists(), "run `make book` first"
