"""Run the tests on every mutant of a folder that tools/mutation.py has laid out.

pytest collects once. Every mutant gets a fork of that process, and there the tests that reach the
mutated function, until one fails: first those that are fast and have found others.
"""

import gc
import json
import os
import re
import resource
import select
import signal
import sys
import time
import tomllib
from collections import Counter, defaultdict
from difflib import unified_diff
from itertools import accumulate, pairwise
from pathlib import Path

import pytest
from mutmut.mutation.file_mutation import mutate_file_contents
from mutmut.mutation.trampoline import set_mutant_under_test
from mutmut.state import state

TIMES, SPARE = 10, 10  # a test may take this many times its seconds of a processor, and more
PATIENCE = 4  # seconds of a processor for the tests of one mutant: the slowest are left out
HANG = 600  # seconds in which a test that sleeps has to wake up
FATES = "fates.jsonl"  # of the mutants that were tried, also in runs before
NOTICED = "killed", "timeout", "crash"
SPY = "stats"  # the mutant that is none, and makes mutmut note which functions are called
MEMORY = 8 << 30  # bytes that a mutant may take


class Fork:
    """Another process with the same tests: it runs some, and leaves a line of JSON."""

    def __init__(self, session, mutant, items, seconds):
        reader, writer = os.pipe()
        self.pid = os.fork()
        if self.pid:
            os.close(writer)
            self.line = os.fdopen(reader)
        else:
            Watch(session, mutant, seconds, os.fdopen(writer, "w")).run(items)

    def result(self):
        """Return what it left when it ended, or why it left nothing."""
        with self.line:
            line = self.line.read()
        _, status = os.waitpid(self.pid, 0)
        if line:
            return json.loads(line)
        late = os.WTERMSIG(status) in (signal.SIGPROF, signal.SIGALRM)
        return {"fate": "timeout" if late else "crash"}


class Watch:
    """The tests of a fork. The first that fails ends it, and so does one that takes too long."""

    def __init__(self, session, mutant, seconds, writer):
        self.seconds, self.writer, self.seen = seconds, writer, {}
        self.spies, self.failed = mutant == SPY, set()
        session.config.pluginmanager.register(self)
        resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
        nothing = os.open(os.devnull, os.O_WRONLY)
        for stream in (1, 2):
            os.dup2(nothing, stream)
        set_mutant_under_test(mutant)

    def run(self, items):
        """Run the tests one after another, and note the time and the functions of each."""
        for item, after in pairwise([*items, None]):
            state()._stats.clear()
            signal.setitimer(signal.ITIMER_PROF, SPARE + TIMES * self.seconds[item.nodeid])
            signal.alarm(HANG)
            start = time.process_time()
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=after)
            reached = [] if item.nodeid in self.failed else sorted(state()._stats)
            self.seen[item.nodeid] = time.process_time() - start, reached
        self.leave({"fate": "survived", "seen": self.seen})

    def pytest_runtest_logreport(self, report):
        """End with the first failure. A test that does not bear a spy counts for no function."""
        if report.failed and self.spies:
            self.failed.add(report.nodeid)
        elif report.failed:
            why = str(report.longrepr)[-2000:]
            self.leave({"fate": "killed", "by": report.nodeid, "why": why})

    def leave(self, what):
        """Say what was found, and end the process."""
        self.writer.write(json.dumps(what))
        self.writer.flush()
        os._exit(0)


class Mutants:
    """The plugin: it tries the mutants in place of pytest's loop over the tests."""

    def __init__(self, functions, mutants, workers):
        self.functions, self.mutants, self.workers = functions, mutants, workers
        self.seconds = defaultdict(lambda: 60.0)  # that each test takes; before it is known, many
        self.found = Counter()  # the mutants that a test noticed, in all, and of each function
        for mutant, _, test in tried(".."):
            self.count(mutant, test)

    def count(self, mutant, test):
        """Count a mutant for the test that noticed it: it may notice others of its function."""
        self.found[test] += 1
        self.found[mutant[0], test] += 10

    def pytest_runtestloop(self, session):
        """Measure the tests, then try the mutants; write the fate of each as it is known."""
        seen = self.measured(session)
        self.seconds = {name: seconds for name, (seconds, _) in seen.items()}
        reach = defaultdict(list)
        for item in session.items:
            for function in seen[item.nodeid][1]:
                reach[function].append(item)
        gc.collect()
        gc.freeze()  # what a fork does not touch, it need not copy
        running = {}
        for name, mutant in self.mutants:
            items = self.worth_it(reach[name.rpartition("__mutmut")[0]], mutant[0])
            if not items:
                tell(mutant, "no tests")
                continue
            fork = Fork(session, name, items, self.seconds)
            running[fork.line] = mutant, fork
            if len(running) == self.workers:
                self.reap(running)
        while running:
            self.reap(running)
        self.healthy(session, "", [item for item in session.items if self.found[item.nodeid]])
        return True

    def measured(self, session):
        """Return the seconds of each test and which of the functions it reaches.

        Only new tests are run, unless there are other functions.
        """
        path = Path("..", f"{Path.cwd().name}-tests.json")
        known = json.loads(path.read_text()) if path.exists() else {}
        seen = known.get(self.functions, {})
        new = [item for item in session.items if item.nodeid not in seen]
        seen |= self.healthy(session, SPY, new)
        path.write_text(json.dumps({self.functions: seen}))
        return seen

    def healthy(self, session, mutant, items):
        """Run tests without a mutant: none may fail."""
        result = Fork(session, mutant, items, self.seconds).result()
        if result["fate"] != "survived":
            sys.exit(f"a test fails without a mutant: {result}")
        return result["seen"]

    def worth_it(self, items, function):
        """Return the tests in the order of the seconds that each takes for a mutant it finds.

        The second set of parameters of a test finds less than the first, and the third still less.
        """

        def cost(item):
            found = self.found[item.nodeid] + self.found[function, item.nodeid]
            return self.seconds[item.nodeid] / (1 + found)

        before, costs = Counter(), {}
        for item in sorted(items, key=cost):
            test = item.nodeid.partition("[")[0]
            before[test] += 1
            costs[item] = cost(item) * before[test]
        items = sorted(items, key=costs.get)
        spent = accumulate(self.seconds[item.nodeid] for item in items)
        return [item for item, so_far in zip(items, spent, strict=True) if so_far <= PATIENCE]

    def reap(self, running):
        """Wait for a fork to end, and tell what became of its mutant."""
        (ended, *_), _, _ = select.select(list(running), [], [])
        mutant, fork = running.pop(ended)
        result = fork.result()
        self.count(mutant, result.get("by"))
        tell(mutant, result["fate"], result.get("by"))


def tell(mutant, fate, test=None):
    """Write the fate of a mutant, so that nothing is lost when the run is interrupted."""
    with Path("..", FATES).open("a") as file:
        file.write(json.dumps([mutant, fate, test], ensure_ascii=False) + "\n")


def tried(folder):
    """Return the mutants that were tried, the fate of each, and the test that noticed it."""
    path = Path(folder, FATES)
    return map(json.loads, path.read_text().splitlines() if path.exists() else [])


def fates(folder):
    """Return the fate of each mutant that was tried."""
    return {tuple(mutant): fate for mutant, fate, _ in tried(folder)}


def mutate(path):
    """Put all mutants of a module beside its functions; yield the name and the change of each."""
    mutated = mutate_file_contents(str(path), path.read_text())
    path.write_text(mutated.code)
    lines, spans = mutated.code.splitlines(), mutated.line_span_by_function_name
    module = ".".join(path.with_suffix("").parts)

    def body(name):
        text = "\n".join(lines[spans[name].start - 1 : spans[name].end])
        return text.replace(name, "").splitlines()

    for name in mutated.mutant_names:
        mangled = name.partition("__mutmut")[0]
        diff = list(unified_diff(body(f"{mangled}__mutmut_orig"), body(name), n=0))[2:]
        change = [" ".join(line[1:].split()) for sign in "-+" for line in diff if line[0] == sign]
        function = mangled.removeprefix("x_").removeprefix("xǁ").replace("ǁ", ".")
        place = re.sub("^softmax_lab[.]|^solutions.*solved_", "", f"{module}.{function}")
        yield f"{module}.{name}", (place, *change)


def because(explained, function, *change):
    """Return the reason why a mutant may survive: that of its own, or that of its kind."""
    for each in explained.get(function, []):
        if each["change"] == list(change):
            return each["because"]
    for each in explained.get("kinds", []):
        patterns = each.get("where", ""), each["gone"], each["new"]
        if all(map(re.search, patterns, (function, *change))):
            return each["because"]
    return None


def main(workers, reasons, modules, *arguments):
    """Mutate the modules, and try the mutants that were not noticed yet.

    Those with a reason are tried once: a reason for many may cover some that a test notices.
    """
    found = {module: list(mutate(Path(module))) for module in modules.split()}
    listed = {module: [mutant for _, mutant in mutants] for module, mutants in found.items()}
    Path("mutants.json").write_text(json.dumps(listed))
    known, explained = fates(".."), tomllib.loads(Path(reasons).read_text())
    left = [
        (name, mutant)
        for mutants in found.values()
        for name, mutant in mutants
        if known.get(mutant) not in NOTICED
        and not (mutant in known and because(explained, *mutant))
    ]
    # What was never tried comes first, and what has a reason last.
    left.sort(key=lambda each: (because(explained, *each[1]) is not None, each[1] in known))
    functions = " ".join(dict.fromkeys(place for each in found.values() for _, (place, *_) in each))
    return pytest.main([*arguments, "--tb=native"], [Mutants(functions, left, int(workers))])


if __name__ == "__main__":
    sys.path.insert(0, os.getcwd())
    sys.exit(main(*sys.argv[1:]))
