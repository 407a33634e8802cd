"""Try an answer on every case of an exercise, and find the mistake that explains what fails."""

import dis
import inspect
import time
from dataclasses import dataclass, field

import numpy as np

from softmax_lab.exercises import _limits as limits
from softmax_lab.exercises._compare import alike, as_array, compare, distance, unfit
from softmax_lab.exercises._exercise import Exercise, Mistake, Property, Unfit, fresh
from softmax_lab.exercises._report import Report

# What the interpreter does in a function that has only a docstring, `...` or `pass`.
IDLE = {"RESUME", "NOP", "LOAD_CONST", "RETURN_VALUE", "RETURN_CONST"}
TOO_LONG = "it takes too long"


@dataclass(frozen=True)
class Raised:
    """What an answer raised; two are equal when they are of the same kind."""

    kind: str
    message: str = field(compare=False)

    def __repr__(self):
        return f"{self.kind}: {self.message}"


@dataclass(eq=False)
class Finding:
    """What came back in one case, and what is wrong with it (nothing, if `mistake` is None)."""

    prop: Property
    case: tuple
    got: object = None
    expected: object = None
    mistake: Mistake | None = None

    @property
    def size(self):
        """How much of a reader's attention the case takes: the number of its entries."""
        return sum(np.size(part) for part in self.case if not callable(part))


@dataclass
class Attempt:
    """An answer on its way through an exercise."""

    exercise: Exercise
    answer: object
    deadline: float
    printed: limits.Bounded = field(default_factory=limits.Bounded)

    def measure(self, prop, case, luck=1):
        """Return what the answer gives in one case, or raise Unfit, whatever the answer does."""
        probe = prop.probe or returned
        with limits.global_luck(luck), limits.quiet(self.printed):
            try:
                left = max(0.01, self.deadline - time.monotonic())
                return limits.within(left, lambda: probe(self.answer, *case))
            except Unfit:
                raise
            except limits.TimeLimit:
                nudge = "It was stopped. Is there a loop that never ends?"
                raise unfit("nothing in time", TOO_LONG, nudge) from None
            except BaseException as error:  # SystemExit and KeyboardInterrupt too: it is their code
                nudge = "Call it by hand on the input shown, and read the traceback from below."
                raised = Raised(type(error).__name__, str(error)[:200])
                raise unfit(raised, f"it raises {raised.kind}", nudge) from None

    def try_case(self, prop, case, again=False):
        """Return the finding of one case; `again` tries it twice, with other global luck."""
        finding = Finding(prop, case)
        if prop.judge is None:
            with np.errstate(all="ignore"):
                finding.expected = (prop.expected or self.exercise.right)(*map(fresh, case))
        try:
            value = self.measure(prop, case)
            if prop.judge is not None:
                finding.got = value
                finding.mistake = prop.judge(value, *case)
            else:
                dtype = case[0].dtype if prop.keeps_dtype else None
                rules = {"tolerance": prop.tolerance, "torch": self.exercise.torch, "dtype": dtype}
                finding.got = compare(value, finding.expected, **rules)
            if (
                again
                and finding.mistake is None
                and not same(value, self.measure(prop, case, luck=0))
            ):
                nudge = "Take randomness from nowhere, or from `rng` if you are given one."
                raise unfit(finding.got, "the same input gives different results", nudge)
        except Unfit as problem:
            finding.got, finding.mistake = problem.got, problem.mistake
        return finding

    def findings(self):
        """Return what was found in every case, up to the one that used up the time."""
        found = []
        for prop in self.exercise.properties:
            for number, case in enumerate(prop.cases):
                found.append(self.try_case(prop, case, again=number == 0))
                if found[-1].mistake is not None and found[-1].mistake.name == TOO_LONG:
                    return found
        return found


def returned(answer, *case):
    """Return what the answer returns; raise Unfit if it changed what it was given."""
    arguments = [fresh(part) for part in case]
    value = answer(*arguments)
    for mine, original in zip(arguments, case, strict=True):
        if isinstance(original, np.ndarray) and not np.array_equal(mine, original, equal_nan=True):
            nudge = "The caller still needs its array. Which line writes into it?"
            raise unfit(value, "it changes its input", nudge)
    return value


def same(one, two):
    """Whether two values are the same to the last bit."""
    if isinstance(one, tuple | list) and isinstance(two, tuple | list):
        return len(one) == len(two) and all(map(same, one, two))
    try:
        return np.array_equal(as_array(one), as_array(two), equal_nan=True)
    except Unfit:
        return one == two


def untouched(answer):
    """Whether an answer is still the starter: nothing, or a function that does nothing."""
    if answer is None or answer is ...:
        return True
    if not inspect.isfunction(answer):
        return False
    code = answer.__code__
    idle = {step.opname for step in dis.get_instructions(code)} <= IDLE
    return idle and set(code.co_consts) <= {None, ..., answer.__doc__}


def misfit(exercise, answer):
    """Return the mistake of an answer that cannot even be called, or None."""
    if not callable(answer):
        return Mistake("no function was given", "Pass the function itself, without calling it.")
    try:
        inspect.signature(answer).bind(*exercise.arguments)
    except TypeError:
        return Mistake("it takes other arguments", f"The check calls it as {exercise.call}.")
    except ValueError:  # a compiled function without a signature: let the cases tell
        pass
    return None


def explain(exercise, findings):
    """Return the known mistake that gives what the answer gave in every failing case, or None.

    Of several, take the one that agrees with the answer in most of the other cases, and then the
    one that comes nearest to it.
    """
    failing = [finding for finding in findings if finding.mistake is not None]
    passing = [finding for finding in findings if finding.mistake is None]
    twins = {
        words: Attempt(exercise, wrong, time.monotonic() + 60)
        for words, wrong in exercise.mistakes.items()
    }

    def rank(words):
        mistaken = [twins[words].try_case(f.prop, f.case) for f in failing]
        gap = sum(distance(f.got, m.got) for f, m in zip(failing, mistaken, strict=True))
        return -sum(agree(f, twins[words]) for f in passing), gap

    suspects = [words for words in twins if all(agree(f, twins[words]) for f in failing)]
    if len(suspects) > 1:
        suspects.sort(key=rank)
    return Mistake(*suspects[0].split(". ", 1)) if suspects else None


def agree(finding, twin):
    """Whether a mistake gives the same in the case of a finding, and gets the same verdict."""
    other = twin.try_case(finding.prop, finding.case)
    verdicts = {getattr(found.mistake, "name", None) for found in (finding, other)}
    return len(verdicts) == 1 and alike(finding.got, other.got, finding.prop.tolerance)


def grade(exercise, answer, seconds):
    """Return the report on an answer; whatever the answer does, this does not raise."""
    if untouched(answer):
        return Report(exercise.name)
    mistake = misfit(exercise, answer)
    if mistake is not None:
        return Report(exercise.name, mistake=mistake.name, nudge=mistake.nudge)
    attempt = Attempt(exercise, answer, time.monotonic() + seconds)
    findings = attempt.findings()
    failing = [finding for finding in findings if finding.mistake is not None]
    report = Report(exercise.name, printed=str(attempt.printed))
    for prop in exercise.properties:
        tried = [finding for finding in findings if finding.prop is prop]
        report.holds[prop.says] = bool(tried) and not any(f in failing for f in tried)
    if failing:
        smallest = min(failing, key=lambda finding: finding.size)
        mistake = explain(exercise, findings) or smallest.mistake
        report.failure = describe(exercise, smallest)
        report.mistake, report.nudge = mistake.name, mistake.nudge
    return report


def describe(exercise, finding):
    """Return headings and values that show a failing case."""
    lines = [("it fails", finding.prop.says)]
    lines += zip(exercise.arguments, finding.case, strict=True)
    if finding.prop.measures:
        lines.append(("measured", finding.prop.measures))
    if finding.prop.judge is None:
        lines.append(("expected", finding.expected))
    return [*lines, ("got", finding.got)]
