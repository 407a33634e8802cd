"""What an exercise is made of: properties that hold over given cases, and mistakes people make."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Mistake:
    """What went wrong, in the words of a diagnosis, and a nudge."""

    name: str
    nudge: str = ""


class Unfit(Exception):
    """Raised by a probe when what came back cannot be measured; it carries the mistake."""

    def __init__(self, mistake, got=None):
        super().__init__(mistake.name)
        self.mistake, self.got = mistake, got


@dataclass(frozen=True, eq=False)
class Property:
    """Something that is true of every right answer, on each of some cases.

    A case is a tuple of arguments. `probe(answer, *case)` turns the answer into the value that is
    compared (by default what it returns); `expected(*case)` says which value is right (by default
    what the exercise's `right` gives). Without either of these, the probe judges: it raises Unfit.
    `zeros` asks for exactly 0 where 0 is right. `otherwise` is the diagnosis, "what went wrong. A
    nudge.", where nothing more is known than that the value is another one.
    """

    says: str
    cases: Sequence[tuple]
    probe: Callable | None = None
    expected: Callable | None = None
    measures: str = ""
    tolerance: tuple | Callable | None = None  # (relative, absolute), or this of a case
    keeps_dtype: bool = False
    zeros: bool = False
    otherwise: str = ""


@dataclass(frozen=True, eq=False)
class Exercise:
    """One exercise.

    `right` is the reference. `hints` go from a question to nearly the way. `mistakes` maps "what
    went wrong. A nudge." to a function that makes this mistake: where an answer fails, and every
    failing case agrees with that function, the report says so.
    """

    call: str  # as the check calls it: "odds(x, i, j)"
    title: str
    right: Callable | None
    properties: Sequence[Property]
    mistakes: Mapping[str, Callable]
    hints: Sequence[str]
    torch: bool = False  # whether a tensor may come back
    tiny: bool = False  # whether numbers near 0 are held to as many digits as others

    @property
    def name(self):
        return self.call.partition("(")[0]

    @property
    def arguments(self):
        return [name for name in self.call.partition("(")[2].strip(")").split(", ") if name]


@dataclass(frozen=True)
class Seed:
    """Stands for a random generator among a case's arguments: each call gets a fresh one."""

    seed: int

    def fresh(self):
        return np.random.default_rng(self.seed)

    def __repr__(self):
        return f"np.random.default_rng({self.seed})"


@dataclass(frozen=True)
class Formula:
    """A function among a case's arguments that prints as its formula."""

    text: str
    function: Callable

    def __call__(self, *args):
        return self.function(*args)

    def __repr__(self):
        return self.text


def fresh(argument):
    """Return a copy of a case's argument that an answer may do anything to."""
    if hasattr(argument, "fresh"):
        return argument.fresh()
    if not isinstance(argument, np.ndarray):
        return argument
    if argument.flags.c_contiguous:
        return argument.copy()
    order = np.argsort([-abs(stride) for stride in argument.strides], kind="stable")
    outer = argument.transpose(order)  # its axes as they lie in memory
    scattered = np.repeat(np.zeros(outer.shape, outer.dtype), 2, axis=-1)[..., ::2]
    scattered[...] = outer
    return scattered.transpose(np.argsort(order))


def cases(*arguments):
    """Return one-argument cases; lists become arrays."""
    return [(np.array(a) if isinstance(a, list) else a,) for a in arguments]


def sample(*shape, seed=0, scale=1.0):
    """Return normal numbers of few digits, so that a failing case is easy to read."""
    return np.random.default_rng(seed).normal(scale=scale, size=shape).round(2)
