"""The types in the signatures. Shapes and units stand in the docstrings."""

from collections.abc import Callable
from typing import Literal, SupportsIndex, TypeAlias

import torch
from numpy.typing import ArrayLike
from torch import Generator, Tensor

TensorLike: TypeAlias = Tensor | ArrayLike
Number: TypeAlias = float | Tensor
OneDim: TypeAlias = SupportsIndex
Dim: TypeAlias = SupportsIndex | tuple[SupportsIndex, ...] | None
DType: TypeAlias = torch.dtype
Pair: TypeAlias = tuple[TensorLike, TensorLike]
Reduction: TypeAlias = Literal["mean", "sum", "none"]
Reward: TypeAlias = Callable[[Tensor], TensorLike]

__all__ = [
    "DType",
    "Dim",
    "Generator",
    "Number",
    "OneDim",
    "Pair",
    "Reduction",
    "Reward",
    "Tensor",
    "TensorLike",
]
