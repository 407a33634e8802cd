"""What the other functions make of a DTensor: what they make of the whole one; or a refusal."""

import itertools

import torch
from torch.distributed.tensor import DTensor, Replicate, Shard

import softmax_lab.torch as sl
from tests.torch.sharded.cases import case, mesh, place, random
from tests.torch.sharded.errors import raises

X, OTHER = random(5, 7), random(5, 7, seed=2)
Y = torch.tensor([0, 1, 6, -100, 2])
W = torch.linspace(0.5, 2, 7, dtype=torch.float64)
P, Q = X.softmax(-1), OTHER.softmax(-1)


def losses(log_p, **options):
    return sl.nll_loss(log_p, Y, weight=W, **options)


# Each of its first argument, and of tensors beside it that are placed alike.
FUNCTIONS = {
    "naive_softmax": (sl.naive_softmax, X),
    "shifted_softmax": (sl.shifted_softmax, X),
    "sigmoid": (sl.sigmoid, X),
    "logit": (sl.logit, P),
    "logits_from_probabilities": (sl.logits_from_probabilities, P),
    "predict": (sl.predict, X),
    "hardmax": (sl.hardmax, X),
    "softmax_jacobian": (sl.softmax_jacobian, X),
    "softmax_vjp": (sl.softmax_vjp, X, OTHER),
    "softmax_jvp": (sl.softmax_jvp, X, OTHER),
    "log_softmax_vjp": (sl.log_softmax_vjp, X, OTHER),
    "entropy": (sl.entropy, P),
    "kl_divergence": (sl.kl_divergence, P, Q),
    "kl_divergence of logits": (lambda x, y: sl.kl_divergence(x, y, from_logits=True), X, OTHER),
    "merge": (lambda m, s: sl.merge((m, s), (s, m.exp()))[1], X, P),
    "linear": (sl.linear, X, random(5, 7, seed=3)),
}


def compare(what, function, on, placement, *inputs):
    ours = [place(each, on, placement).requires_grad_() for each in inputs]
    whole = [each.clone().requires_grad_() for each in inputs]
    found, expected = function(*ours), function(*whole)
    assert isinstance(found, DTensor), f"{what} of DTensors is one"
    torch.testing.assert_close(found.full_tensor(), expected, msg=f"{what}, {placement}")
    if expected.requires_grad:
        v = random(*expected.shape, seed=4)
        found = found.redistribute(placements=[Replicate()])  # of sums that wait to be added up
        g = torch.autograd.grad(found, ours, place(v, on, Replicate()))
        g_whole = torch.autograd.grad(expected, whole, v)
        g = [each.full_tensor() for each in g]
        torch.testing.assert_close(g, list(g_whole), msg=f"gradient of {what}, {placement}")


@case
def other_functions(n):
    on = mesh(n)
    placements = Shard(0), Shard(1), Replicate()
    for (what, (function, *inputs)), placement in itertools.product(FUNCTIONS.items(), placements):
        compare(what, function, on, placement, *inputs)


@case
def the_loss_of_log_probabilities(n):
    on = mesh(n)
    for placement, reduction in itertools.product((Shard(0), Replicate()), ("mean", "sum", "none")):
        function = lambda log_p: losses(log_p, reduction=reduction)  # noqa: B023, E731
        compare(f"nll_loss, {reduction}", function, on, placement, X.log_softmax(-1))
    raises(ValueError, "along their classes, dim 1", losses, place(X, on, Shard(1)))
    rows, bad = place(X, on, Shard(0)), place(torch.tensor([0, 1, 2, 3, 7]), on, Shard(0))
    at = f"on rank {4 // -(-5 // n)}: target holds 7"  # who has the last row
    raises(IndexError, at, sl.nll_loss, rows, bad)


@case
def what_is_no_distribution_is_raised_on_all(n):
    bad = P.clone()
    bad[0, 0] = 2.0  # on the first process
    for placement in (Shard(0), Shard(1)):
        for function in (sl.entropy, sl.logit, sl.logits_from_probabilities):
            raises(ValueError, "it holds 2.0 at (0, 0)", function, place(bad, mesh(n), placement))


@case
def what_takes_no_dtensor_says_so(n):
    x = place(X, mesh(n), Replicate())
    for function in (
        sl.gumbel_max,
        sl.gumbel_softmax,
        lambda x: sl.reinforce_gradient(lambda z: z, x),
        lambda x: sl.arsm_gradient(lambda z: z, x),
    ):
        raises(
            TypeError,
            "logits must be a plain tensor, but it is a DTensor: logits.full_tensor() is one",
            function,
            x[0],
        )
    square = lambda z: (z**2).sum()  # noqa: E731
    raises(TypeError, "x must be a plain tensor", sl.check_gradient, square, lambda z: 2 * z, x)
    raises(TypeError, "target must be a plain tensor", sl.one_hot, x.long(), 7)
    model = sl.SoftmaxRegression(7, 3)
    raises(TypeError, "x must be a plain tensor", model.predict, x)
    raises(TypeError, "weight and bias must be a DTensor", model, x)
    raises(TypeError, "x must be a DTensor", sl.linear, X, x)
    assert isinstance(sl.linear(x, x), DTensor)
