"""Read a file of answers, a program or a notebook, without running it; then run it.

The answer to the exercise `odds` is whatever the file calls `my_odds`.
"""

import ast
import itertools
import json
import os
import re
import stat
import symtable
from dataclasses import dataclass, field

from softmax_lab import exercises

LARGEST = 10_000_000  # bytes; a notebook full of pictures is smaller


class Unreadable(Exception):
    """Raised for what is no file of answers; the message says why."""


@dataclass(frozen=True)
class Answers:
    """A file of answers, as read from the disk: nothing of it has been run."""

    label: str  # how messages call it
    cells: tuple  # (where, source as bytes): one for a program, each code cell of a notebook
    folder: str | None = field(default=None, compare=False)  # where it runs, with its neighbours

    @property
    def is_program(self):
        """Whether it is a program, and no notebook."""
        return not self.label.lower().endswith(".ipynb")

    @property
    def names(self):
        """The exercises whose answer the file mentions, in the order of the book."""
        code = b"\n".join(source for _, source in self.cells)
        mentioned = {name.decode() for name in re.findall(rb"\bmy_(\w+)", code)}
        return [name for name in exercises.names() if name in mentioned]

    def parts(self):
        """Parse the cells: return the statements, each with where it stands, and what failed.

        A program is parsed as a whole. In a notebook a cell that is no Python (a magic, half a
        thought) takes no other cell with it.
        """
        statements, failed = [], []
        for where, source in self.cells:
            try:
                tree = ast.parse(source, where)
            except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
                failed.append((where, source, error))
            else:
                statements += [(where, statement) for statement in tree.body]
        return statements, failed

    def needed(self, name):
        """Return the statements that the answer to an exercise needs, as text.

        It is what changes when the answer does.
        """
        return [ast.unparse(statement) for _, statement in slice_of(self.parts()[0], f"my_{name}")]


def read(path, label=None, folder=None):
    """Return the answers in a file; raise Unreadable if it cannot hold any."""
    label = label or os.fspath(path)
    try:
        kind = os.lstat(path) if folder is None else os.stat(path)
        if stat.S_ISLNK(kind.st_mode):
            raise Unreadable("it is a symbolic link, which is not followed")
        if stat.S_ISDIR(kind.st_mode):
            os.scandir(path).close()  # raises what is wrong with a folder that cannot be read
        if not stat.S_ISREG(kind.st_mode):
            raise Unreadable("it is no ordinary file")
        if kind.st_size > LARGEST:
            raise Unreadable(f"it has {kind.st_size:,} bytes; the limit is {LARGEST:,}")
        with open(path, "rb") as file:
            content = file.read()
    except OSError as error:
        raise Unreadable(f"it cannot be read: {error.strerror}") from None
    is_notebook = os.fspath(path).lower().endswith(".ipynb")
    cells = code_cells(content, label) if is_notebook else [(label, content)]
    answers = Answers(label, tuple(cells), folder)
    if not answers.names:
        for _, _, error in answers.parts()[1]:
            raise Unreadable(f"it has no answers, and what is there is no Python: {error}")
    return answers


def code_cells(content, label):
    """Yield where each code cell of a notebook stands, and its source."""
    try:
        cells = json.loads(content)["cells"]
        for number, cell in enumerate(cells, 1):
            if cell["cell_type"] == "code":
                yield f"{label}, cell {number}", "".join(cell["source"]).encode()
    except (ValueError, TypeError, KeyError, RecursionError):
        raise Unreadable("it is not a Jupyter notebook (version 4)") from None


def names_of(statement):
    """Return the names that a statement of a module binds or changes, and those it reads."""
    module = symtable.symtable(ast.unparse(statement), "", "exec")
    here = module.get_symbols()
    binds = {s.get_name() for s in here if s.is_assigned() or s.is_imported() or s.is_namespace()}
    reads = {s.get_name() for s in here if s.is_referenced()}
    inner = [*module.get_children()]
    for table in inner:  # functions, classes: what is local to them is nobody else's
        inner += table.get_children()
        reads |= {s.get_name() for s in table.get_symbols() if s.is_global()}
    for node in ast.walk(statement):
        if isinstance(getattr(node, "ctx", None), ast.Store) and not isinstance(node, ast.Name):
            binds.add(root(node))  # `table[3] = 1` changes `table`
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
        function = statement.value.func  # `seen.append(1)` changes `seen`
        binds |= set() if isinstance(function, ast.Name) else {root(function)}
    if isinstance(statement, ast.ImportFrom) and statement.names[0].name == "*":
        binds.add("*")
    return binds - {None}, reads


def root(node):
    """Return the name that `table[3]` or `table.entry` starts with, or None."""
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    return getattr(node, "id", None)


def slice_of(statements, name):
    """Return the statements that bind a name, those that bind what they read, and so on."""
    names = [names_of(statement) for _, statement in statements]
    binds, reads = [b for b, _ in names], [r for _, r in names]
    imports = [isinstance(s, ast.Import | ast.ImportFrom) for _, s in statements]
    modules = set().union(*itertools.compress(binds, imports))
    binds = [b if i else b - modules for b, i in zip(binds, imports, strict=True)]
    wanted, kept = {name, "*"}, set()
    while more := {i for i, names in enumerate(binds) if i not in kept and names & wanted}:
        kept |= more
        wanted |= set().union(*(reads[i] for i in more))
    return [statements[i] for i in sorted(kept)]
