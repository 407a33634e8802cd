"""Make a report on an answer, and find the mistake that explains what fails."""

import dis
import functools
import inspect
import time

from softmax_lab.exercises._compare import alike, distance
from softmax_lab.exercises._exercise import Mistake
from softmax_lab.exercises._report import Report
from softmax_lab.exercises._runner import Attempt

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

    def agrees(words, finding):
        other = mistaken(exercise, words, finding.prop, finding.number)
        verdicts = {getattr(found.mistake, "name", None) for found in (finding, other)}
        return len(verdicts) == 1 and alike(finding.got, other.got, finding.prop.tolerance)

    def rank(words):
        others = [mistaken(exercise, words, finding.prop, finding.number) for finding in failing]
        gap = sum(distance(f.got, other.got) for f, other in zip(failing, others, strict=True))
        return -sum(agrees(words, finding) for finding in passing), gap

    suspects = [words for words in exercise.mistakes if all(agrees(words, f) for f in failing)]
    return Mistake(*min(suspects, key=rank).split(". ", 1)) if suspects else None


@functools.cache
def mistaken(exercise, words, prop, number):
    """Return what a known mistake gives in a case: always the same, so it is computed once."""
    twin = Attempt(exercise, exercise.mistakes[words], time.monotonic() + 60)
    return twin.try_case(prop, number)


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
    if finding.expected is not None:
        lines.append(("expected", finding.expected))
    return [*lines, ("got", finding.got)]
