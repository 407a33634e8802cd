"""Softmax, written to be read: the package of the book *Softmax Lab*.

The functions of the NumPy side are importable from here; `softmax_lab.torch` has the same names,
differentiable and on any device, and is imported only when asked for. It has no
`cross_entropy_with_grad` and `linear_cross_entropy_with_grad`: autograd does that.
"""

from softmax_lab.numpy import *  # noqa: F403
from softmax_lab.numpy import __all__ as _names

__all__ = list(_names)
__version__ = "0.1.0"
