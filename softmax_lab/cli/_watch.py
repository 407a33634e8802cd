"""Check at each save what changed, and move on to the next exercise that is open."""

import ast
from pathlib import Path

from softmax_lab import exercises
from softmax_lab.cli._answers import Unreadable, read
from softmax_lab.cli._terminal import say
from softmax_lab.cli._worker import SOLVED, UNTOUCHED, Limits, verdicts


class Watch:
    """A file of answers, what is solved in it, and the exercise at hand."""

    def __init__(self, path):
        self.path, self.first_look = Path(path), True
        self.solved, self.needed, self.at_hand = set(), {}, None
        self.seen = self.neighbours = self.trouble = None

    def look(self):
        """Read the file, check what changed since the last look, and say what is next."""
        try:
            answers = read(self.path, folder=str(self.path.absolute().parent))
            if not answers.names:
                raise Unreadable("it has no answers")
        except Unreadable as reason:
            if str(reason) != self.trouble:  # it may last, and a look is taken each second
                say(f"{self.path}: {reason}")
            self.seen, self.trouble = None, str(reason)
            return
        neighbours = [(path, saved(path)) for path in imported(answers)]
        seen = (answers.cells, saved(self.path), neighbours)
        if seen == self.seen:
            return
        if neighbours != self.neighbours:
            self.needed = {}
        self.check(answers)
        self.seen, self.neighbours, self.trouble = seen, neighbours, None

    def check(self, answers):
        """Check what changed, and say what is next."""
        needed = {name: answers.needed(name) or answers.cells for name in answers.names}
        changed = [name for name in needed if needed[name] != self.needed.get(name)]
        before = {*changed} if self.first_look else self.solved
        self.needed, self.first_look = needed, False
        self.solved = self.solved - {*changed}
        for verdict in verdicts(answers, changed, Limits()):
            if verdict.whole_file:  # nothing is known before it runs again
                say(verdict.report)
                self.needed = {}
                return
            if verdict.verdict == SOLVED:
                self.solved |= {verdict.exercise}
            news = verdict.verdict != SOLVED or verdict.exercise not in before
            if news and verdict.verdict != UNTOUCHED:
                say(verdict.report)
        if changed or self.trouble:
            self.go_on(answers)

    def go_on(self, answers):
        """Say which exercise is open, where its function stands, and how many are solved."""
        left = [name for name in self.needed if name not in self.solved]
        say(f"\n{len(self.solved)} of {len(self.needed)} solved.")
        if not left:
            say("All done. Ctrl-C ends it.")
            return
        if self.at_hand not in left:
            self.at_hand = left[0]
        title = exercises.EXERCISES[self.at_hand][1].title
        say(f"Next: my_{self.at_hand} ({place(answers, self.at_hand)}), {title}.")
        say(f"Save the file to check it; softmax-lab hint {self.at_hand} helps; Ctrl-C ends it.")


def saved(path):
    """Return when a file was saved, or None."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return None


def imported(answers):
    """Return where the modules would stand that a file imports, if they are its neighbours."""
    nodes = [node for _, statement in answers.parts()[0] for node in ast.walk(statement)]
    names = {n.module or "" for n in nodes if isinstance(n, ast.ImportFrom)}
    names |= {alias.name for n in nodes if isinstance(n, ast.Import) for alias in n.names}
    return [Path(answers.folder, f"{name}.py") for name in sorted(names)]


def place(answers, name):
    """Return where the answer to an exercise stands."""
    for where, statement in answers.parts()[0]:
        if isinstance(statement, ast.FunctionDef) and statement.name == f"my_{name}":
            return f"{where}, line {statement.lineno}"
    return answers.label


def watch(path):
    """Watch a file of answers until Ctrl-C."""
    from watchfiles import watch as saves

    watched = Watch(path)
    watched.look()
    # Editors save by writing anew or by renaming, so the folder is watched. Whatever it tells, or
    # misses, the file's content decides.
    folder = watched.path.absolute().parent
    for _ in saves(folder, recursive=False, yield_on_timeout=True, rust_timeout=1000):
        watched.look()
