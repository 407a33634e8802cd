"""Make a report on an answer, and find the mistake that explains what fails."""

import dis
import functools
import inspect

import numpy as np

from softmax_lab.exercises._compare import OTHER, alike, distance
from softmax_lab.exercises._differences import describe_difference, where_only
from softmax_lab.exercises._exercise import Mistake
from softmax_lab.exercises._limits import Allowance
from softmax_lab.exercises._report import Report
from softmax_lab.exercises._runner import STOPS, Attempt, by_name
from softmax_lab.exercises._state import originals, remember, undisturbed

GRIEF = {
    "nan comes back",
    "an old array comes back",
    *(f"it raises {kind}Error" for kind in ("FloatingPoint", "Overflow", "ZeroDivision")),
}
# What the interpreter does in a function that has only a docstring, `...` or `pass`.
IDLE = {"RESUME", "NOP", "LOAD_CONST", "RETURN_VALUE", "RETURN_CONST"}


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
    if inspect.isclass(answer):
        return Mistake("a class was given", "A function is asked for.")
    if not callable(answer):
        return Mistake("no function was given", "Pass the function itself, without calling it.")
    if inspect.iscoroutinefunction(answer) or inspect.isasyncgenfunction(answer):
        return Mistake("it is an `async def`", "A plain `def` is asked for: nothing has to wait.")
    if inspect.isgeneratorfunction(answer):
        return Mistake("it yields", "Give the result with `return`, all of it at once.")
    try:
        inspect.signature(by_name(exercise, answer)).bind(*exercise.arguments)
    except TypeError:
        return Mistake("it takes other arguments", f"The check calls it as {exercise.call}.")
    except ValueError:  # a compiled function without a signature: let the cases tell
        pass
    return None


def explain(exercise, findings):
    """Return the known mistake that an answer makes, or None.

    That is one which gives what the answer gives in every case, those that pass too: then nobody
    is blamed for a mistake they did not make. An answer may come to grief besides (nan where the
    mistake alone would give numbers): then the other cases decide, if one of them fails.
    """
    failing = [finding for finding in findings if finding.mistake is not None]
    numbers = [f for f in findings if f.mistake is None or f.mistake.name not in GRIEF]

    def agrees(words, finding):
        other = mistaken(exercise, words, finding.prop, finding.number)
        verdicts = {getattr(found.mistake, "name", None) for found in (finding, other)}
        return len(verdicts) == 1 and alike(finding.got, other.got, finding.tolerance)

    def gap(words):
        others = [mistaken(exercise, words, finding.prop, finding.number) for finding in failing]
        return sum(distance(f.got, other.got) for f, other in zip(failing, others, strict=True))

    for tried in (findings, numbers):
        suspects = [words for words in exercise.mistakes if all(agrees(words, f) for f in tried)]
        if suspects and any(finding.mistake is not None for finding in tried):
            return Mistake(*min(suspects, key=gap).split(". ", 1))
    return None


@functools.cache
def mistaken(exercise, words, prop, number):
    """Return what a known mistake gives in a case: always the same, so it is computed once."""
    twin = Attempt(exercise, exercise.mistakes[words], Allowance(60.0))
    return twin.try_case(prop, number)


def diagnose(exercise, findings, shown):
    """Return the mistake that explains the findings, of which `shown` is to be shown."""
    if any(finding.mistake is not None and finding.mistake.name in STOPS for finding in findings):
        return shown.mistake
    known = explain(exercise, findings)
    if known is None and shown.mistake.name == OTHER:
        known = describe_difference(findings)
    if known is None:
        where = where_only(findings, shown.mistake.name)
        if where:
            return Mistake(shown.mistake.name, f"It happens only {where}. {shown.mistake.nudge}")
    return known or shown.mistake


def grade(exercise, answer, seconds):
    """Return the report on an answer; whatever the answer does, this does not raise."""
    remember()
    with originals(), undisturbed():
        return judged(exercise, answer, seconds)


def judged(exercise, answer, seconds):
    """Return the report, once NumPy is what it should be."""
    if untouched(answer):
        return Report(exercise.name)
    mistake = misfit(exercise, answer)
    if mistake is not None:
        return Report(exercise.name, mistake=mistake.name, nudge=mistake.nudge)
    attempt = Attempt(exercise, answer, Allowance(seconds))
    findings = attempt.findings()
    failing = [finding for finding in findings if finding.mistake is not None]
    report = Report(exercise.name, printed=str(attempt.printed))
    for prop in exercise.properties:
        tried = [finding for finding in findings if finding.prop is prop]
        report.holds[prop.says] = bool(tried) and not any(f in failing for f in tried)
    if failing:
        smallest = min(failing, key=lambda finding: (finding.mistake.name in GRIEF, finding.size))
        mistake = diagnose(exercise, findings, smallest)
        report.failure = describe(exercise, smallest)
        report.mistake, report.nudge = mistake.name, mistake.nudge
    return report


def describe(exercise, finding):
    """Return headings and values that show a failing case."""
    lines = [("it fails", finding.prop.says)]
    shown = [part.copy() if isinstance(part, np.ndarray) else part for part in finding.case]
    lines += zip(exercise.arguments, shown, strict=True)
    if finding.prop.measures:
        lines.append(("measured", finding.prop.measures))
    if finding.expected is not None:
        lines.append(("expected", finding.expected))
    return [*lines, ("got", finding.got)]
