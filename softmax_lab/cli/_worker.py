"""Run one answer in a process of its own, with limits on time and memory, and say how it did.

This guards against accidents, not against malice: it is no sandbox.
"""

import ast
import contextlib
import json
import linecache
import multiprocessing
import os
import re
import signal
import sys
import tempfile
import threading
import types
from dataclasses import asdict, astuple, dataclass
from multiprocessing.connection import wait
from pathlib import Path
from traceback import extract_tb, format_exception_only

from softmax_lab import exercises
from softmax_lab.cli._answers import slice_of
from softmax_lab.exercises import _limits as limits
from softmax_lab.exercises._runner import TOO_LONG

SOLVED, NOT_YET, UNTOUCHED = "solved", "not yet", "not attempted"
BROKEN, MISSING = "broken", "missing"

GRACE = 5.0  # seconds beyond the limit, for what no exception stops
PATIENCE = 3  # so many answers of a file may run out of time, then the rest is not run
NOT_RUN = "not run: answers of this file before it took too long"
LARGEST_FILE = 100_000_000  # bytes that an answer may write into one file

if "forkserver" in multiprocessing.get_all_start_methods():
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload([__name__])
else:
    processes = multiprocessing.get_context("spawn")
one_at_a_time = threading.Lock()  # starting and joining processes is not safe from two threads
stopped = threading.Event()


@dataclass(frozen=True)
class Verdict:
    """How one answer did."""

    exercise: str
    verdict: str
    diagnosis: str = ""
    report: str = ""  # in full, as in the notebook
    whole_file: bool = False  # what went wrong is the file's, whatever the exercise
    late: int = 0  # how many times it ran out of time; PATIENCE where it had to be killed


@dataclass(frozen=True)
class Limits:
    """What one answer may take."""

    seconds: float = 10.0
    megabytes: int = 2048


class Broken(Exception):
    """Raised when a file of answers does not run; the message says where and why."""


def where_it_broke(error, places):
    """Say in which line of the reader's own code an exception was raised, and show the line."""
    said = format_exception_only(error)[-1].strip()
    if isinstance(error, limits.TimeLimit):
        said = TOO_LONG
    if isinstance(error, SyntaxError) and error.lineno:
        shown, place = (error.text or "").rstrip(), f"{error.filename}, line {error.lineno}"
        column = max(error.offset or 1, 1) - 1
        caret = re.sub(r"[^\t]", " ", shown[:column].ljust(column)) + "^"
        return f"{place}: {said}\n    {shown}\n    {caret}"
    frames = [frame for frame in extract_tb(error.__traceback__) if frame.filename in places]
    if not frames:
        return f"{next(iter(places))}: {said}"
    return f"{frames[-1].filename}, line {frames[-1].lineno}: {said}\n    {frames[-1].line}"


def load(answers, name, seconds):
    """Run a file of answers and return its answer to an exercise, or raise Broken.

    A program runs as it stands. Of a notebook runs what the answer needs, and no other cell.
    """
    statements, failed = answers.parts()
    sources = dict(answers.cells)
    for place, source in sources.items():
        lines = source.decode(errors="replace").splitlines(keepends=True)
        linecache.cache[place] = (len(source), None, lines, place)
    if not answers.is_program:
        statements = slice_of(statements, f"my_{name}")
        failed = [] if statements else [f for f in failed if f"my_{name}".encode() in f[1]]
    if failed:
        raise Broken(where_it_broke(failed[0][2], sources))
    module = sys.modules["answers"] = types.ModuleType("answers")
    module.__file__ = answers.label

    def run():
        for place in sources:
            body = [statement for where, statement in statements if where == place]
            exec(compile(ast.Module(body, type_ignores=[]), place, "exec"), vars(module))

    try:
        limits.within(limits.Allowance(seconds), run)
    except BaseException as error:  # SystemExit too: it is their code
        raise Broken(where_it_broke(error, sources)) from None
    return getattr(module, f"my_{name}", MISSING)


def inside(answers, name):
    """Say that a function is there after all, but inside a class or another block."""
    for where, statement in answers.parts()[0]:
        for node in ast.walk(statement):
            if getattr(node, "name", None) == f"my_{name}" and node is not statement:
                return f" at the left margin, but one in a block ({where}, line {node.lineno})"
    return ""


def judge(answers, name, seconds):
    """Return the verdict on one answer, in this process."""
    try:
        answer = load(answers, name, seconds)
    except Broken as broken:
        report = str(broken)
        first, late = report.partition("\n")[0], TOO_LONG in report
        return Verdict(name, BROKEN, first, report, whole_file=answers.is_program, late=late)
    if answer is MISSING:
        said = f"there is no function my_{name}" + inside(answers, name)
        return Verdict(name, MISSING, said, f"{answers.label}: {said}.")
    report = exercises.check(name, answer, seconds=seconds)
    verdict = SOLVED if report else NOT_YET if report.attempted else UNTOUCHED
    diagnosis = f"{report.mistake}. {report.nudge}".strip() if report.mistake else ""
    late = report.mistake == TOO_LONG
    return Verdict(name, verdict, diagnosis, repr(report), late=late)


def confine(folder, megabytes):
    """Leave the terminal, the folder and most of the memory out of the answer's reach."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nothing, stream)
    os.closerange(3, 65_536)  # the pipes to the server that made this process
    sys.stdin = os.fdopen(0, closefd=False)
    os.chdir(folder)
    with contextlib.suppress(ImportError):
        import resource

        os.setsid()  # a group of its own: its children end with it
        most = {
            resource.RLIMIT_AS: megabytes * 2**20,
            resource.RLIMIT_FSIZE: LARGEST_FILE,
            resource.RLIMIT_CORE: 0,
        }
        for kind, limit in most.items():
            with contextlib.suppress(ValueError, OSError):  # macOS knows no limit on memory
                resource.setrlimit(kind, (limit, limit))


def child(answers, name, allowed, folder, result):
    """Judge one answer and write the verdict: what a process of its own does."""
    confine(answers.folder or folder, allowed.megabytes)
    if answers.folder:
        sys.path.insert(0, answers.folder)
    try:
        verdict = judge(answers, name, allowed.seconds)
    except MemoryError:
        verdict = Verdict(name, BROKEN, "it takes too much memory")
    Path(result).write_text(json.dumps(asdict(verdict)))
    os._exit(0)  # whatever threads and exit handlers it has left


@contextlib.contextmanager
def without_neighbours():
    """Let a new Python import nothing from the current folder: a random.py lies there one day."""
    before = os.environ.get("PYTHONSAFEPATH")
    os.environ["PYTHONSAFEPATH"] = "1"
    try:
        yield
    finally:
        del os.environ["PYTHONSAFEPATH"]
        if before is not None:
            os.environ["PYTHONSAFEPATH"] = before


def in_own_process(answers, name, allowed):
    """Judge one answer in a process of its own; whatever it does, return a verdict."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        here, result = Path(folder, "here"), Path(folder, "verdict.json")
        here.mkdir()
        process = processes.Process(
            target=child, args=(answers, name, allowed, str(here), str(result))
        )
        with one_at_a_time, without_neighbours():
            if stopped.is_set():
                raise KeyboardInterrupt
            process.start()
        try:
            most = (1 + limits.PATIENCE) * allowed.seconds  # to load it, and to check it
            ended = wait([process.sentinel], timeout=most + GRACE)
        finally:
            with contextlib.suppress(ProcessLookupError, PermissionError, AttributeError):
                os.killpg(process.pid, signal.SIGKILL)
            with one_at_a_time:
                process.kill()
                process.join()
        if not ended:
            said = f"{TOO_LONG}, and had to be killed"
            return Verdict(name, BROKEN, said, f"{name}: {said}.", late=PATIENCE)
        try:
            verdict = Verdict(**json.loads(result.read_text()))
            if verdict.exercise == name and {*map(type, astuple(verdict)[:4])} == {str}:
                return verdict
            raise ValueError
        except (OSError, ValueError, TypeError, RecursionError):
            said = f"its process ended before the check did (exit status {process.exitcode})"
            return Verdict(name, BROKEN, said, f"{name}: {said}.")


def stop():
    """End what runs and start no more: Ctrl-C reaches the main thread, and no other."""
    with one_at_a_time:
        stopped.set()
        for process in processes.active_children():
            process.kill()


def verdicts(answers, names, allowed):
    """Yield the verdict on each of a file's answers. One that ends badly takes no other with it."""
    late = 0
    for position, name in enumerate(names):
        verdict = in_own_process(answers, name, allowed)
        yield verdict
        late += verdict.late
        if verdict.whole_file or late >= PATIENCE:
            said = verdict.diagnosis if verdict.whole_file else NOT_RUN
            for left in names[position + 1 :]:
                yield Verdict(left, BROKEN, said, f"{left}: {said}.", whole_file=True)
            return
