"""The formulas of a piece of each row: wherever rows are cut, what is joined is the whole."""

import pytest
import torch

from softmax_lab.torch import _formulas as formulas
from tests.torch.sharded.cases import hard_rows

CLASSES, CUTS = 11, (3, 4, 1, 3)
Y = torch.tensor([0, 10, 5, 3, 0, 7, 2, 10, 4]).reshape(3, 3, 1)
SHARE = torch.linspace(0, 2, 9, dtype=torch.float64).reshape(3, 3, 1)


def cut(x):
    return x.split(CUTS, -1)


def same(found, expected):
    torch.testing.assert_close(found, expected, rtol=1e-13, atol=1e-300, equal_nan=True)


@pytest.fixture
def x():
    return hard_rows(CLASSES, torch.float64).reshape(3, 3, CLASSES)


def test_a_and_rest_are_those_of_the_row(x):
    a, rest = formulas.joined(*map(torch.stack, zip(*map(formulas.piece, cut(x)), strict=True)))
    same((a, rest), formulas.pairs(x))
    for of_piece, whole in ((formulas.p, formulas.softmax), (formulas.log_p, formulas.log_softmax)):
        same(torch.cat([of_piece(each, a, rest) for each in cut(x)], -1), whole(x))


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("soft", [False, True])
def test_losses_and_gradients_of_masses_are_those_of_the_row(x, smoothing, weighted, soft):
    weight = [torch.linspace(0.5, 2, CLASSES).double().expand(x.shape)] if weighted else []
    target = x.roll(1, 0).nan_to_num(0, 0, 0).softmax(-1) ** 3 if soft else Y  # one has most
    options = {"smoothing": smoothing, "with_gradient": True}
    expected = formulas.soft_loss(x, target, SHARE, *weight, **options)
    lows = torch.tensor([0, *CUTS]).cumsum(0)
    targets = cut(target) if soft else [Y - low for low in lows[:-1]]
    weights = list(zip(*map(cut, weight), strict=True)) or [()] * len(CUTS)
    pieces = list(zip(cut(x), targets, weights, strict=True))
    options = {"smoothing": smoothing, "classes": CLASSES}
    m, r, of_q = map(
        torch.stack,
        zip(*(formulas.soft_piece(z, t, SHARE, *w, **options) for z, t, w in pieces), strict=True),
    )
    q = [
        formulas.masses(t, *(w or (None,)), SHARE, z.shape[-1], **options).sum(-1, keepdim=True)
        for z, t, w in pieces
    ]
    q, (a, rest) = torch.stack(q), formulas.joined(m, r)
    loss = formulas.joined_loss(m, of_q, q, a, rest)
    gradient = [
        formulas.soft_piece_gradient(z, t, SHARE, q.sum(0), a, rest, *w, **options)
        for z, t, w in pieces
    ]
    same(loss, expected[0])
    torch.testing.assert_close(torch.cat(gradient, -1), expected[1], equal_nan=True)


def test_gradients_of_classes_are_those_of_the_row(x):
    loss, expected = formulas.index_loss(x, Y, SHARE, with_gradient=True)
    a, rest = formulas.pairs(x)
    log_p_y = formulas.log_p(x.gather(-1, Y), a, rest)
    same(formulas.index_losses(SHARE, log_p_y), loss)
    found, low = [], 0
    for piece in cut(x):
        y, n = Y - low, piece.shape[-1]
        mine, low = (y >= 0) & (y < n), low + n
        y = y.clamp(0, n - 1)
        found.append(formulas.index_piece_gradient(piece, y, SHARE, mine, log_p_y, a, rest))
    same(torch.cat(found, -1), expected)
