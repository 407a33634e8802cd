"""Write requirements.txt, the lock: every version that the book is built with."""

import re
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
HEADER = """\
# The lock: every version the book is built with. Written by `make lock` from pyproject.toml.
"""
# An open range would pull the newest torch with several gigabytes of CUDA packages on Linux.
PINNED = ["torch==2.13.0"]
# As the CUDA build of that torch pins it, so that either build fits the lock.
TRITON = 'triton==3.7.1; sys_platform == "linux" and platform_machine == "x86_64"'
# What only a CUDA build of torch brings: torch pins these itself, and CPU machines lack them.
CUDA = re.compile(r"(nvidia|cuda|triton)", re.IGNORECASE)


def main():
    """Install everything in an environment of its own and write down what came."""
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True)
        pip = [str(Path(folder, "bin", "python")), "-m", "pip", "--disable-pip-version-check"]
        subprocess.run([*pip, "install", "--quiet", *PINNED, TRITON, f"{ROOT}[all]"], check=True)
        frozen = subprocess.run([*pip, "freeze"], check=True, capture_output=True, text=True).stdout
    lines = [
        line.partition("+")[0]  # torch==2.13.0+cpu is a build of torch==2.13.0
        for line in frozen.splitlines()
        if not line.startswith("softmax") and not CUDA.match(line)
    ]
    lines = sorted([*lines, TRITON], key=lambda line: line.partition("==")[0].lower())
    (ROOT / "requirements.txt").write_text(HEADER + "\n".join(lines) + "\n", encoding="utf-8")
    print(f"requirements.txt holds {len(lines)} packages")


if __name__ == "__main__":
    sys.exit(main())
