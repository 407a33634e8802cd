"""What was solved and which hints were read: in this session, and in a file when asked."""

import json
import os
import tempfile
from pathlib import Path


class Progress:
    """What was solved, and how many hints of each exercise were read."""

    def __init__(self):
        self.solved, self.hints, self.path = set(), {}, None

    def solve(self, name):
        """Note that an exercise is solved."""
        self.solved.add(name)
        self.save()

    def read_hint(self, name, available):
        """Note that one more hint was read, and return how many that makes."""
        self.hints[name] = min(self.hints.get(name, 0) + 1, available)
        self.save()
        return min(self.hints[name], available)  # the file may tell of an edition with more

    def remember(self, path):
        """Take in what a file remembers, and write to it from now on."""
        path = Path(path).expanduser().absolute()
        self.take_in(path)
        self.write(path)
        self.path = path  # not before: what cannot be written would fail again at each hint

    def take_in(self, path):
        """Add what a file remembers, if there is one."""
        try:
            kept = json.loads(path.read_text(encoding="utf-8"))
            solved = {str(name) for name in kept["solved"]}
            hints = {name: int(number) for name, number in kept["hints"].items()}
        except FileNotFoundError:
            return
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError):
            raise ValueError(
                f"path must name a file that `remember` wrote, or none yet, but {str(path)!r} "
                "holds something else; it is left as it is"
            ) from None
        self.solved |= solved
        for name, number in hints.items():
            self.hints[name] = max(number, self.hints.get(name, 0))

    def save(self):
        """Write to the file that remembers, if any; what another kernel wrote meanwhile is kept."""
        if self.path is not None:
            self.take_in(self.path)
            self.write(self.path)

    def write(self, path):
        """Write a file whole or not at all."""
        kept = {"solved": sorted(self.solved), "hints": dict(sorted(self.hints.items()))}
        handle, new = tempfile.mkstemp(dir=path.parent, prefix=path.name)
        with open(handle, "w", encoding="utf-8") as file:
            json.dump(kept, file, indent=2)
        os.replace(new, path)
