"""Test the package in a bare environment, on the oldest or the newest libraries it promises.

The lock tests one set of versions; this tests the two ends of the ranges in pyproject.toml.
"""

import re
import subprocess
import sys
import tempfile
import tomllib
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TOOLS = ["pytest", "pytest-xdist", "hypothesis", "mpmath", "scikit-learn", "scipy", "tqdm"]


def requirements(versions):
    """Return what to install: each lower bound as a pin for `oldest`, the ranges for `newest`."""
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    return [re.sub(">=", "==", line) for line in wanted] if versions == "oldest" else wanted


def main(versions):
    """Install and test; return the exit status of the tests."""
    if versions not in ("oldest", "newest"):
        sys.exit(f"VERSIONS={versions} is neither oldest nor newest")
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True)
        python = str(Path(folder, "bin", "python"))
        pip = [python, "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
        subprocess.run([*pip, *requirements(versions), *TOOLS, str(ROOT)], check=True)
        tests = ["-o", "addopts=--import-mode=importlib", "-n", "auto", "-q", "tests/numpy"]
        return subprocess.call([python, "-m", "pytest", "-p", "no:cacheprovider", *tests], cwd=ROOT)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
