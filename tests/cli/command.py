"""Run `softmax-lab` as people do: in a folder, in a process of its own, perhaps in a terminal."""

import os
import pty
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat

ROOT = Path(__file__).resolve().parents[2]
COMMAND = [sys.executable, "-m", "softmax_lab"]
GENEROUS = 120  # seconds, for machines that run many tests at once

RIGHT = "import numpy as np\n\ndef my_odds(x, i, j):\n    return np.exp(x[i] - x[j])\n"
WRONG = "import numpy as np\n\ndef my_odds(x, i, j):\n    return x[i] - x[j]\n"


def environment(**more):
    """Return the environment in which the command finds this package."""
    env = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "FORCE_COLOR")}
    return env | {"PYTHONPATH": str(ROOT), "TERM": "xterm", "PYTHONUTF8": "1"} | more


def run(folder, *arguments, **env):
    """Run the command in a folder, without a terminal; return what came of it."""
    return subprocess.run(
        [*COMMAND, *map(str, arguments)],
        cwd=folder,
        env=environment(**env),
        capture_output=True,
        text=True,
        timeout=GENEROUS,
    )


def notebook(folder, *sources, name="answers.ipynb"):
    """Write a notebook of code cells."""
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), folder / name)


def _as_from_a_shell():
    """Let Ctrl-C reach the command, also where the tests run in the background, deaf to it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Terminal:
    """The command in a pseudo-terminal."""

    def __init__(self, folder, *arguments, **env):
        self.screen, theirs = pty.openpty()
        self.seen = ""
        self.process = subprocess.Popen(
            [*COMMAND, *arguments],
            cwd=folder,
            env=environment(**env),
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
            preexec_fn=_as_from_a_shell,
        )
        os.close(theirs)
        os.set_blocking(self.screen, False)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        os.close(self.screen)

    def read(self):
        """Add what the terminal shows by now to `seen`; return whether there may be more."""
        try:
            more = os.read(self.screen, 65536)
        except BlockingIOError:
            return True
        except OSError:  # the other end is closed
            return False
        self.seen += more.decode(errors="replace").replace("\r\n", "\n")
        return bool(more)

    def until(self, pattern):
        """Wait until the terminal shows a pattern, and forget what it showed up to there."""
        end = time.monotonic() + GENEROUS
        while not (found := re.search(pattern, self.seen)):
            assert time.monotonic() < end, f"{pattern!r} never came, but:\n{self.seen}"
            assert self.read(), f"it ended before {pattern!r} came, with:\n{self.seen}"
            time.sleep(0.02)
        before, self.seen = self.seen[: found.end()], self.seen[found.end() :]
        return before

    def all(self):
        """Wait for the command's end; return all that the terminal shows."""
        end = time.monotonic() + GENEROUS
        while self.process.poll() is None:
            assert time.monotonic() < end, f"it does not end, but shows:\n{self.seen}"
            self.read()
            time.sleep(0.02)
        end = time.monotonic() + 1  # helper processes of the command may hold the terminal longer
        while self.read() and time.monotonic() < end:
            time.sleep(0.02)
        return self.seen
