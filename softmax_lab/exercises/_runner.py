"""Try an answer on every case of an exercise, and note what came back."""

import copy
import functools
import inspect
from contextlib import nullcontext
from dataclasses import dataclass, field
from traceback import format_exception_only

import numpy as np

from softmax_lab.exercises import _limits as limits
from softmax_lab.exercises._compare import compare, digits, unfit
from softmax_lab.exercises._exercise import Exercise, Mistake, Property, Unfit, fresh
from softmax_lab.exercises._state import originals, put_back, settled

TOO_LONG = "it takes too long"
STOPS = {TOO_LONG, "it raises KeyboardInterrupt"}  # there is no point in trying other cases


@dataclass(frozen=True)
class Raised:
    """What an answer raised; two are equal when they are of the same kind."""

    kind: str
    message: str = field(compare=False)

    def __repr__(self):
        return self.message


@dataclass(eq=False)
class Finding:
    """What came back in one case, and what is wrong with it (nothing, if `mistake` is None)."""

    prop: Property
    number: int  # which of the property's cases
    got: object = None
    live: object = None  # what came back itself, of which `got` is a copy
    expected: object = None
    mistake: Mistake | None = None

    @property
    def case(self):
        """The arguments."""
        return self.prop.cases[self.number]

    @property
    def tolerance(self):
        """The property's own tolerance in this case, if it has one."""
        own = self.prop.tolerance
        return own(*self.case) if callable(own) else own

    @property
    def size(self):
        """How much of a reader's attention the case takes: the number of its entries."""
        return sum(np.size(part) for part in self.case if not callable(part))


@functools.cache
def expected(exercise, prop, number):
    """Return the right value in one case, or None where the probe judges."""
    right = prop.expected or exercise.right
    with originals(), np.errstate(all="ignore"):
        return right and right(*map(fresh, prop.cases[number]))


def by_name(exercise, answer):
    """Return the answer as a function of its arguments in order, also where some need a name."""
    try:
        parameters = inspect.signature(answer).parameters
    except (TypeError, ValueError):  # a compiled function
        return answer
    named = [
        name in parameters and parameters[name].kind is inspect.Parameter.KEYWORD_ONLY
        for name in exercise.arguments
    ]
    if not any(named):
        return answer

    def call(*arguments):
        pairs = zip(exercise.arguments, arguments, named, strict=True)
        given = [(name, argument) for name, argument, by in pairs if by]
        rest = [a for a, by in zip(arguments, named, strict=True) if not by]
        return answer(*rest, **dict(given))

    return call


@dataclass
class Attempt:
    """An answer on its way through an exercise."""

    exercise: Exercise
    answer: object
    allowance: limits.Allowance
    patches: bool = False  # whether the answer replaces functions of NumPy and the like
    printed: limits.Bounded = field(default_factory=limits.Bounded)

    def __post_init__(self):
        self.answer = by_name(self.exercise, self.answer)

    def guarded(self, work, luck=1):
        """Return what `work` returns, or raise Unfit, whatever the answer does in it."""
        with originals() if self.patches else nullcontext(), settled(), limits.quiet(self.printed):
            limits.seed(luck)
            try:
                return limits.within(self.allowance, work)
            except Unfit:
                raise
            except limits.TimeLimit:
                nudge = "It was stopped. Is there a loop that never ends?"
                raise unfit("nothing in time", TOO_LONG, nudge) from None
            except BaseException as error:  # SystemExit and KeyboardInterrupt too: it is their code
                nudge = "Call it by hand on the input shown, and read the traceback from below."
                raised = Raised(type(error).__name__, format_exception_only(error)[-1].strip())
                raise unfit(raised, f"it raises {raised.kind}", nudge) from None

    def value(self, finding):
        """Return the value that the answer gives in one case; raise Unfit if it is not right."""
        prop, case = finding.prop, finding.case
        value = (prop.probe or returned)(self.answer, *case)
        if finding.expected is None:  # the probe has judged it
            return value
        dtype = case[0].dtype if prop.keeps_dtype else None
        tolerance = finding.tolerance or digits(case, self.exercise.tiny)
        rules = {"torch": self.exercise.torch, "dtype": dtype, "zeros": prop.zeros}
        return compare(value, finding.expected, tolerance, **rules)

    def try_case(self, prop, number, again=False):
        """Return the finding of one case; `again` tries it twice, with other global luck."""
        right = copy.deepcopy(expected(self.exercise, prop, number))
        finding = Finding(prop, number, expected=right)
        try:
            finding.live = self.guarded(lambda: self.value(finding))
            finding.got = copy.deepcopy(finding.live)
            if again and not self.repeats(finding):
                nudge = "Take randomness from `rng` if you are given one, and else from nowhere."
                raise unfit(finding.got, "the same input gives different results", nudge)
        except Unfit as problem:
            finding.got, finding.mistake = problem.got, problem.mistake
        return finding

    def repeats(self, finding):
        """Whether the answer gives the same once more, with other global luck."""
        try:
            twice = self.guarded(lambda: self.value(finding), luck=0)
        except Unfit as problem:
            if problem.mistake.name in STOPS:
                raise
            return False
        return same(finding.got, twice)

    def findings(self):
        """Return what was found in every case, up to one that was stopped.

        To look for patches after each case would cost more than the cases. So it is done once, and
        where there are some, all cases are tried again, each with NumPy put back before and after.
        """
        try:
            found = self.tried()
        except Exception:  # a patch may make our own code raise
            if not put_back():
                raise
        else:
            if not put_back():
                return found
        self.patches = True
        return self.tried()

    def tried(self):
        """Return the findings of one pass."""
        found = []
        for prop in self.exercise.properties:
            for number in range(len(prop.cases)):
                found.append(self.try_case(prop, number, again=number == 0))
                if found[-1].mistake is not None and found[-1].mistake.name in STOPS:
                    return found
        for finding in found:
            if finding.mistake is None and not same(finding.got, finding.live):
                nudge = "The caller still has it. Does each call return an array of its own?"
                finding.mistake = Mistake("a later call changes an earlier result", nudge)
        return found


def returned(answer, *case):
    """Return what the answer returns; raise Unfit if it changed what it was given.

    Every probe calls the answer through this.
    """
    arguments = [fresh(part) for part in case]
    value = answer(*arguments)
    np.seterr(all="ignore")  # whatever the answer has set: what follows is our own arithmetic
    for mine, original in zip(arguments, case, strict=True):
        if isinstance(original, np.ndarray) and not unchanged(mine, original):
            nudge = "The caller still needs its array. Which line writes into it?"
            raise unfit(value, "it changes its input", nudge)
    return value


def unchanged(now, before):
    """Whether an array is what it was; of a few entries the bytes tell, in a tenth of the time."""
    alike = now.size < 100 and (now.dtype, now.shape) == (before.dtype, before.shape)
    if alike and now.tobytes() == before.tobytes():
        return True
    return np.array_equal(now, before, equal_nan=True)


def same(one, two):
    """Whether two right values are the same to the last bit."""
    if isinstance(one, tuple):
        return all(map(same, one, two))
    return np.array_equal(one, two, equal_nan=True)
