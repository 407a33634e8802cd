"""The types in the signatures. Shapes and units stand in the docstrings."""

from collections.abc import Callable
from typing import Any, Literal, SupportsIndex, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

Floats: TypeAlias = NDArray[np.floating[Any]]
Indices: TypeAlias = NDArray[np.intp]
OneAxis: TypeAlias = SupportsIndex
Axis: TypeAlias = SupportsIndex | tuple[SupportsIndex, ...] | None
Random: TypeAlias = np.random.Generator | int | None
Reduction: TypeAlias = Literal["mean", "sum", "none"]
Reward: TypeAlias = Callable[[Indices], ArrayLike]

__all__ = [
    "ArrayLike",
    "Axis",
    "DTypeLike",
    "Floats",
    "Indices",
    "NDArray",
    "OneAxis",
    "Random",
    "Reduction",
    "Reward",
]
