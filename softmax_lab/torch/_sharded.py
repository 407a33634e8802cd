"""The functions of rows that several processes hold together, each a piece of the classes.

A process takes the pair (a, rest) of its piece, one collective tells all processes the pairs of
all pieces, and each goes on with its piece as if it held the whole row. Rows that lie on different
processes have nothing to tell one another. The losses are in `_sharded_losses`.
"""

import torch

from softmax_lab.torch import _formulas as formulas
from softmax_lab.torch import _rows
from softmax_lab.torch._arguments import as_dims, wide
from softmax_lab.torch._pieces import (
    Layout,
    Pieces,
    Unfold,
    asked,
    check,
    fold,
    placed,
)


def apply(function, x, dim, *beside, reduced=False, masked=False):
    """Apply an autograd function over rows along `dim`: `_rows.apply` for DTensors."""
    check(x)
    dims = as_dims(dim, x.ndim)
    if not x.ndim:
        return _rows.run(function, x.reshape(1)).reshape(())
    beside = [placed(each, "v", x.device_mesh, x.placements) for each in beside]
    with asked(x, dim=dims, masked=masked):
        y = _rows.run(function, *(fold(each, dims) for each in (x, *beside)))
    return y if dims == (x.ndim - 1,) else Unfold.apply(y, dims, Layout(x), reduced)


def masked(x, dim, mask):
    """Return logits with −inf where `mask()` is False, the mask as a DTensor, and None.

    Which rows keep a class would take a collective to know, and need not be known: of those that
    keep none, logsumexp makes −inf, and softmax nan, where it masks what it makes.
    """
    check(x)
    pieces = Pieces(fold(x.detach(), as_dims(dim, x.ndim)) if x.ndim else x.reshape(1))
    where = pieces.attempt(lambda: placed(mask(), "where", x.device_mesh, x.placements))
    if where is None:
        pieces.tell(*pieces.of_rows(0, 0))  # as many as the others tell in `by_rows`
    return x.masked_fill(~where, -torch.inf), where, None


def by_rows(rows, x, *beside):
    """Return `rows(x, *beside)` of all the classes of a row: `_rows.by_rows` for DTensors."""
    pieces = Pieces(x, function=getattr(rows, "func", rows).__name__)
    if rows in (formulas.softmax_vjp, formulas.log_softmax_vjp):
        gradient = vjp(rows, x, beside[0].redistribute(placements=x.placements), pieces)
        return pieces.layout.wrap(gradient.to(x.dtype))
    if beside:  # of a loss, of which the transforms of torch.func have hidden that it is sharded
        raise NotImplementedError(
            "the loss of a DTensor has no transforms of torch.func: ask torch.autograd instead"
        )
    m, r = pieces.of_rows(-torch.inf, -1)  # no classes
    _rows.by_rows(formulas.piece, pieces.x, like=(m, r))
    a, rest = formulas.joined(*pieces.tell(m, r))
    if rows is formulas.logsumexp:
        return pieces.wrap(formulas.lse(a, rest).to(x.dtype))
    of_piece = {formulas.softmax: formulas.p, formulas.log_softmax: formulas.log_p}[rows]
    return pieces.layout.wrap(_rows.by_rows(of_piece, pieces.x, a.to(wide(x.dtype)), rest))


def vjp(rows, x, v, pieces):
    """Return a piece of the gradient of softmax, given p for x; or of log-softmax."""
    dtype = wide(x.dtype)
    if rows is formulas.log_softmax_vjp:
        p = by_rows(formulas.softmax, x.to(dtype)).to_local()
        return formulas.without_share(v.to_local().to(dtype), p, 1, total=pieces.total)
    return rows(pieces.x.to(dtype), v.to_local().to(dtype), total=pieces.total)
