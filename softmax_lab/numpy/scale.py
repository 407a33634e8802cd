"""Chapter 7, At scale: pieces that merge, and logits that never exist."""

import math

import numpy as np

from softmax_lab.numpy._arguments import as_array, as_number, as_real
from softmax_lab.numpy._blocks import in_dtype
from softmax_lab.numpy._targets import Targets
from softmax_lab.numpy._types import ArrayLike, Floats, Reduction
from softmax_lab.numpy.cross_entropy import cross_entropy_with_grad
from softmax_lab.numpy.definition import check_layer
from softmax_lab.numpy.stability import logsumexp, softmax

CHUNK = 1 << 20  # elements of the logits that are held at once


def merge(
    first: tuple[ArrayLike, ArrayLike], second: tuple[ArrayLike, ArrayLike]
) -> tuple[Floats, Floats]:
    r"""Merge the pairs (m, s) of two pieces of a row into that of both together.

    Parameters
    ----------
    first, second : pair of array_like
        The maximum m of a piece, and :math:`s = \sum_i e^{x_i - m}` over it. An empty piece has
        m = -inf and s = 0. Shapes broadcast.

    Returns
    -------
    m, s : ndarray
        The larger maximum, and the sum of both pieces relative to it.

    Raises
    ------
    TypeError
        If an argument is no pair of real numbers.
    ValueError
        If the shapes do not broadcast, or an s is negative.

    Notes
    -----
    Merging is associative and commutative, so that pieces can be merged in any order. In the end
    m + log s is the logsumexp of the row.

    Taught in :ref:`sec-scale-merge`.

    References
    ----------
    Milakov and Gimelshein, Online normalizer calculation for softmax, 2018.
    https://arxiv.org/abs/1805.02867

    Examples
    --------
    >>> m, s = merge((1.0, 1.0), (1.0, 3.0))
    >>> float(m), float(s)
    (1.0, 4.0)
    """
    (m1, s1), (m2, s2) = as_pair(first, "first"), as_pair(second, "second")
    try:
        np.broadcast_shapes(m1.shape, s1.shape, m2.shape, s2.shape)
    except ValueError:
        raise ValueError(
            f"first {m1.shape}, {s1.shape} and second {m2.shape}, {s2.shape} do not broadcast"
        ) from None
    with np.errstate(all="ignore"):
        m = np.maximum(m1, m2)
        terms = [np.where(n == m, s, s * np.exp(n - m)) for n, s in ((m1, s1), (m2, s2))]
        return m, terms[0] + terms[1]


def as_pair(pair, name):
    """Return m and s as real arrays, or raise where they are no pair."""
    try:
        m, s = pair
    except (TypeError, ValueError):
        raise TypeError(f"{name} must be a pair (m, s), but it is {pair!r}") from None
    m, s = as_real(m, name)[0], as_real(s, name)[0]
    if (s < 0).any():
        raise ValueError(f"s in {name} must be a sum from 0 on, but it holds {s[s < 0][0]}")
    return m, s


def linear_cross_entropy(
    x: ArrayLike,
    weight: ArrayLike,
    target: ArrayLike,
    bias: ArrayLike | None = None,
    *,
    class_weight: ArrayLike | None = None,
    ignore_index: int = -100,
    reduction: Reduction = "mean",
    label_smoothing: float = 0.0,
    z_loss: float = 0.0,
    softcap: float | None = None,
    return_lse: bool = False,
) -> Floats | tuple[Floats, Floats]:
    r"""Take the cross-entropy of softmax(x Wᵀ + b) and the target, without holding the logits.

    Parameters
    ----------
    x : array_like, (..., N)
        N features for each row.
    weight : array_like, (T, N)
        One row of weights for each of the T classes.
    target : array_like
        Class indices, integers (...); or probabilities, floating numbers (..., T).
    bias : array_like, (T,), optional
        One number for each class.
    class_weight : array_like, (T,), optional
        A non-negative weight for each class.
    ignore_index : int, default -100
        A class index that does not count.
    reduction : {"mean", "sum", "none"}, default "mean"
        The mean divides by the sum of the weights of the targets that count; for targets that are
        probabilities, by the number of rows.
    label_smoothing : float, default 0.0
        The share of the target that is spread evenly over all classes.
    z_loss : float, default 0.0
        Adds this times lse² of each row that counts, where lse is the logsumexp of its logits. The
        mean of it is over these rows, whatever their class weights.
    softcap : float, optional
        Keeps the logits u within ± this c, as c tanh(u / c).
    return_lse : bool, default False
        Return the logsumexp of each row too.

    Returns
    -------
    loss : ndarray
        One number, or for "none" one for each row. In nats.
    lse : ndarray, (...)
        Only if asked for.

    Raises
    ------
    IndexError
        If a target is not a class.
    TypeError
        If an argument does not hold real numbers, or class indices are not integers.
    ValueError
        If shapes do not fit, or an option is out of range.

    Notes
    -----
    Logits are made some rows at a time, in float64 or wider.

    Taught in :ref:`sec-scale-linear`.

    References
    ----------
    Wijmans et al., Cut Your Losses in Large-Vocabulary Language Models, ICLR 2025.
    https://arxiv.org/abs/2411.09009

    Examples
    --------
    >>> float(linear_cross_entropy(np.zeros((2, 3)), np.zeros((4, 3)), [0, 3]))
    1.3862943611198906
    """
    loss, lse, _ = sweep(
        x, weight, bias, target, class_weight, ignore_index, reduction, label_smoothing, z_loss,
        softcap,
    )  # fmt: skip
    return (loss, lse) if return_lse else loss


def linear_cross_entropy_with_grad(
    x: ArrayLike,
    weight: ArrayLike,
    target: ArrayLike,
    bias: ArrayLike | None = None,
    *,
    class_weight: ArrayLike | None = None,
    ignore_index: int = -100,
    reduction: Reduction = "mean",
    label_smoothing: float = 0.0,
    z_loss: float = 0.0,
    softcap: float | None = None,
) -> tuple[Floats, tuple[Floats, ...]]:
    r"""Return `linear_cross_entropy` and its gradients, made in the same pass.

    Parameters
    ----------
    x, weight, target, bias
        As for `linear_cross_entropy`.
    class_weight, ignore_index, reduction, label_smoothing, z_loss, softcap
        As for `linear_cross_entropy`.

    Returns
    -------
    loss : ndarray
        As for `linear_cross_entropy`.
    gradients : tuple of ndarray
        Those of x, weight and, where there is one, bias; for "none", of the sum of the losses.

    Raises
    ------
    IndexError, TypeError, ValueError
        As for `linear_cross_entropy`.

    Notes
    -----
    With G the gradient of the logits, that of x is G W, that of weight :math:`G^\top x`, and that
    of bias the sum of the rows of G. A chunk of G is forgotten once it has been multiplied.

    Taught in :ref:`sec-scale-linear`.

    Examples
    --------
    >>> loss, gradients = linear_cross_entropy_with_grad([[1.0]], [[0.0], [0.0]], [0])
    >>> gradients[1]
    array([[-0.5],
           [ 0.5]])
    """
    loss, _, gradients = sweep(
        x, weight, bias, target, class_weight, ignore_index, reduction, label_smoothing, z_loss,
        softcap, with_gradient=True,
    )  # fmt: skip
    return loss, gradients


@np.errstate(all="ignore")
def sweep(
    x, weight, bias, target, class_weight, ignore, reduction, smoothing, z_loss, softcap,
    with_gradient=False,
):  # fmt: skip
    """Return the loss, the logsumexps, and the gradients of x, weight and bias, chunk by chunk."""
    z_loss, softcap = check_options(z_loss, softcap)
    x, weight, bias, dtype = layer(x, weight, bias)
    shape = (*x.shape[:-1], len(weight))
    logits = np.broadcast_to(x.dtype.type(0), shape)  # no memory: only their shape counts
    of_rows = (target, class_weight, ignore, reduction, smoothing)
    targets = Targets(logits, dtype, len(shape) - 1, *of_rows)
    counted, z_scale = counting(logits, target, ignore, reduction)
    rows = math.prod(shape[:-1])
    features = x.reshape(rows, x.shape[-1])
    live = np.ones(rows, bool) if targets.mass is None else targets.mass.ravel() != 0
    target = as_array(target, "target").reshape(rows, *([-1] if targets.index is None else []))
    losses, lse = np.zeros(rows, x.dtype), np.full(rows, -np.inf, x.dtype)
    gradients = [np.zeros_like(each) for each in (features, weight, bias) if each is not None]
    step = max(1, CHUNK // max(len(weight), 1))
    for i in range(0, rows if len(weight) else 0, step):
        chunk = slice(i, i + step)
        u = features[chunk] @ weight.T + (0 if bias is None else bias)
        z = u if softcap is None else softcap * np.tanh(u / softcap)
        losses[chunk], g = cross_entropy_with_grad(
            z,
            target[chunk],
            weight=targets.weight,
            ignore_index=ignore,
            reduction="none",
            label_smoothing=smoothing,
        )
        lse[chunk] = logsumexp(z)
        losses[chunk] = np.where(live[chunk], losses[chunk] * targets.scale, 0.0)
        if z_loss:
            share = np.where(counted[chunk] == 0, 0.0, z_loss * z_scale * counted[chunk])
            losses[chunk] += np.where(share == 0, 0.0, share * lse[chunk] ** 2)
        if not with_gradient:
            continue
        g = np.where(live[chunk, None], g * targets.scale, 0.0)
        if z_loss:
            of_lse = (2 * share * lse[chunk])[:, None] * softmax(z)
            g += np.where(share[:, None] == 0, 0.0, of_lse)
        if softcap is not None:
            # The slope is 0 where cosh is too large; what is 0 stays so, beside nan too.
            g = np.where(g == 0, 0.0, g / np.cosh(u / softcap) ** 2)
        gradients[0][chunk] = g @ weight
        gradients[1] += g.T @ features[chunk]
        if bias is not None:
            gradients[2] += g.sum(axis=0)
    if gradients:
        gradients[0] = gradients[0].reshape(x.shape)
    loss = losses.reshape(shape[:-1]) if reduction == "none" else losses.sum()
    if reduction == "mean" and np.isnan(targets.scale + 0 * (rows or np.nan)):
        loss = np.nan
    loss, lse = (in_dtype(np.asarray(each), dtype)[()] for each in (loss, lse.reshape(shape[:-1])))
    return loss, lse, tuple(in_dtype(each, dtype) for each in gradients)


def counting(logits, target, ignore, reduction):
    """Return which rows count, and what a sum over them is multiplied with."""
    plain = Targets(logits, logits.dtype, logits.ndim - 1, target, None, ignore, reduction, 0.0)
    counted = np.ones(math.prod(logits.shape[:-1]))
    if plain.index is not None and plain.mass is not None:
        counted = plain.mass.ravel()
    return counted, plain.scale


def check_options(z_loss, softcap):
    """Return the options as numbers, or raise for one that is out of range."""
    z_loss = as_number(z_loss, "z_loss")
    if not 0 <= z_loss < math.inf:
        raise ValueError(f"z_loss must be a finite number from 0 on, but it is {z_loss}")
    if softcap is not None:
        softcap = as_number(softcap, "softcap")
        if not 0 < softcap < math.inf:
            raise ValueError(f"softcap must be a finite number above 0, but it is {softcap}")
    return z_loss, softcap


def layer(x, weight, bias):
    """Return the arguments of a linear layer in float64 or wider, and the dtype of the loss."""
    given = {"x": x, "weight": weight} | ({} if bias is None else {"bias": bias})
    arrays, dtypes = zip(*(as_real(each, name) for name, each in given.items()), strict=True)
    check_layer(*arrays)
    wide = np.result_type(np.float64, *arrays)
    x, weight, *biases = (np.asarray(each, wide) for each in arrays)
    return x, weight, biases[0] if biases else None, np.result_type(*dtypes)
