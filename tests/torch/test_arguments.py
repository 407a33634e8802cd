"""How arguments come in on the torch side: one rule for dims, masks, dtypes, integers, devices."""

import inspect
import math
import re
from fractions import Fraction

import numpy as np
import pytest
import torch

import softmax_lab as lab
import softmax_lab.torch as sl

INF = math.inf
X = torch.randn(3, 4, generator=torch.Generator().manual_seed(0))
P = sl.softmax(X)
Y = torch.tensor([0, 3, 1])


def seeded(function):
    """The function with the same draws each time."""

    def call(x, *more):
        return function(x, *more, generator=torch.Generator().manual_seed(0))

    return call


# Every function that takes a tensor, as a function of that tensor, beside one that it accepts.
TAKERS = {
    "softmax": (sl.softmax, X),
    "log_softmax": (sl.log_softmax, X),
    "logsumexp": (sl.logsumexp, X),
    "shifted_softmax": (sl.shifted_softmax, X),
    "naive_softmax": (sl.naive_softmax, X),
    "hardmax": (sl.hardmax, X),
    "predict": (sl.predict, X),
    "sigmoid": (sl.sigmoid, X),
    "logit": (sl.logit, P),
    "logits_from_probabilities": (sl.logits_from_probabilities, P),
    "entropy": (sl.entropy, P),
    "kl_divergence p": (lambda p: sl.kl_divergence(p, P), P),
    "kl_divergence q": (lambda q: sl.kl_divergence(P, q), P),
    "kl_divergence from logits": (lambda x: sl.kl_divergence(x, X, from_logits=True), X),
    "softmax_jacobian": (sl.softmax_jacobian, X),
    "softmax_vjp x": (lambda x: sl.softmax_vjp(x, X), X),
    "softmax_vjp v": (lambda v: sl.softmax_vjp(X, v), X),
    "softmax_jvp v": (lambda v: sl.softmax_jvp(X, v), X),
    "log_softmax_vjp v": (lambda v: sl.log_softmax_vjp(X, v), X),
    "cross_entropy": (lambda x: sl.cross_entropy(x, Y), X),
    "cross_entropy weight": (lambda w: sl.cross_entropy(X, Y, weight=w), P[0]),
    "nll_loss": (lambda x: sl.nll_loss(x, Y), sl.log_softmax(X)),
    "linear x": (lambda x: sl.linear(x, X), X),
    "linear weight": (lambda w: sl.linear(X, w), X),
    "linear bias": (lambda b: sl.linear(X, X, b), P[0, :3]),
    "linear_cross_entropy x": (lambda x: sl.linear_cross_entropy(x, X, Y % 3), X),
    "linear_cross_entropy weight": (lambda w: sl.linear_cross_entropy(X, w, Y % 3), X),
    "linear_cross_entropy bias": (
        lambda b: sl.linear_cross_entropy(X, X, Y % 3, b),
        P[0, :3],
    ),
    "gumbel_max": (seeded(sl.gumbel_max), X),
    "gumbel_softmax": (seeded(sl.gumbel_softmax), X),
    "reinforce_gradient": (seeded(lambda x, **k: sl.reinforce_gradient(torch.sin, x, **k)), X[0]),
    "arsm_gradient": (seeded(lambda x, **k: sl.arsm_gradient(torch.sin, x, **k)), X[0]),
    "check_gradient": (
        lambda x: sl.check_gradient(lambda x: (x**2).sum(), lambda x: 2 * x, x).expected,
        X,
    ),
}
TARGETS = {
    "cross_entropy": lambda y: sl.cross_entropy(X, y),
    "nll_loss": lambda y: sl.nll_loss(X, y),
    "one_hot": lambda y: sl.one_hot(y, 4),
    "linear_cross_entropy": lambda y: sl.linear_cross_entropy(X, torch.eye(4), y),
}
takers = pytest.mark.parametrize(("function", "x"), TAKERS.values(), ids=TAKERS)
targets = pytest.mark.parametrize("function", TARGETS.values(), ids=TARGETS)
ONE_DIM = {
    "hardmax": sl.hardmax,
    "predict": sl.predict,
    "softmax_jacobian": sl.softmax_jacobian,
    "gumbel_max": seeded(sl.gumbel_max),
    "gumbel_softmax": seeded(lambda x, dim, **k: sl.gumbel_softmax(x, dim=dim, **k)),
    "cross_entropy": lambda x, dim: sl.cross_entropy(x, Y, dim),
    "nll_loss": lambda x, dim: sl.nll_loss(x, Y, dim),
}
SEVERAL_DIMS = {
    "softmax": sl.softmax,
    "log_softmax": sl.log_softmax,
    "logsumexp": sl.logsumexp,
    "shifted_softmax": sl.shifted_softmax,
    "naive_softmax": sl.naive_softmax,
    "logits_from_probabilities": lambda x, dim: sl.logits_from_probabilities(P, dim),
    "entropy": lambda x, dim: sl.entropy(P, dim),
    "kl_divergence": lambda x, dim: sl.kl_divergence(x, x, dim, from_logits=True),
    "softmax_vjp": lambda x, dim: sl.softmax_vjp(x, x, dim),
    "log_softmax_vjp": lambda x, dim: sl.log_softmax_vjp(x, x, dim),
}
EVERY_DIM = pytest.mark.parametrize(
    "function", [*ONE_DIM.values(), *SEVERAL_DIMS.values()], ids=[*ONE_DIM, *SEVERAL_DIMS]
)


def close(found, expected, **keywords):
    keywords = {"rtol": 1e-6, "atol": 1e-7} | keywords
    torch.testing.assert_close(found, expected, **keywords)


def same(found, expected):
    torch.testing.assert_close(found, expected, rtol=0, atol=0, equal_nan=True)


@takers
@pytest.mark.parametrize("dtype", [torch.complex64, torch.float8_e5m2])
def test_what_holds_no_real_numbers_is_refused(function, x, dtype):
    with pytest.raises(TypeError, match=f"but its dtype is {dtype}"):
        function(x.to(dtype))


@takers
@pytest.mark.parametrize(
    "bad",
    [
        "abc",
        {"a": 1.0},
        [None, 1.0],
        [[1.0, 2.0], [3.0]],
        [[], [3.0]],
        [torch.zeros(2), torch.zeros(3)],
        ["1", "2"],
        10**30,
    ],
    ids=["text", "dict", "None", "ragged", "first empty", "ragged tensors", "texts", "too large"],
)
def test_what_is_no_tensor_is_refused_by_name(function, x, bad):
    with pytest.raises((TypeError, ValueError), match=r"^[a-z_]+ cannot be made a tensor: "):
        function(bad)


@pytest.mark.parametrize("bad", ["a", ["a"], [["1", "2"]], ("1", 2.0), [b"1"], [[1.0], ["1"]]])
def test_text_is_of_a_wrong_type_on_both_sides(bad):
    for softmax in (sl.softmax, lab.softmax):
        with pytest.raises(TypeError, match=r"^x "):
            softmax(bad)


def name_of(taker):
    """The name of the argument that an entry of `TAKERS` gives."""
    function, *words = taker.split()
    names = [n for n in inspect.signature(getattr(sl, function)).parameters if n[0] not in "fg"]
    return words[-1] if words and words[-1] in names else names[0]


@pytest.mark.parametrize("taker", TAKERS)
def test_an_error_names_the_argument(taker):
    function, x = TAKERS[taker]
    masked = np.ma.masked_array(x.numpy(), x.numpy() == x.numpy().flat[0])
    for bad in ("abc", masked, x.to_sparse(), x + 0j):
        with pytest.raises((TypeError, ValueError), match=f"^{name_of(taker)} "):
            function(bad)


@takers
def test_no_mask_is_lost(function, x):
    x = x.numpy()
    with pytest.raises(TypeError, match=r"^[a-z_]+ has masked entries"):
        function(np.ma.masked_array(x, mask=x == x.flat[0]))


@takers
def test_other_containers_give_the_same(function, x):
    expected = function(x)
    for other in (x.tolist(), x.numpy(), torch.nn.Parameter(x), torch.stack([x, x], -1)[..., 0]):
        found = function(other)
        found = found.detach() if isinstance(found, torch.Tensor) else torch.as_tensor(found)
        close(found, torch.as_tensor(expected))


@targets
def test_a_target_may_be_any_integer(function):
    expected = function(Y)
    for dtype in (torch.uint8, torch.int8, torch.int16, torch.int32,
                  torch.uint16, torch.uint32, torch.uint64):  # fmt: skip
        same(function(Y.to(dtype)), expected)
        for loss in (sl.cross_entropy, sl.nll_loss):
            same(loss(X, Y.to(dtype), ignore_index=0), loss(X[1:], Y[1:]))
    same(function(Y.tolist()), expected)
    same(function(Y.numpy().astype(np.uint16)), expected)


@targets
@pytest.mark.parametrize("wrong", [Y + 0.5, Y == 0])
def test_a_target_holds_integers(function, wrong):
    says = f"target must hold integer class indices, but its dtype is {wrong.dtype}"
    with pytest.raises(TypeError, match=re.escape(says)):
        function(wrong)


def test_where_there_are_no_classes_none_is_right():
    with pytest.raises(IndexError, match=r"it must be a class, and there is none$"):
        sl.one_hot([0], 0)


def test_what_torch_holds_negated_is_taken():
    x = torch.tensor([1 + 2j]).conj().imag
    assert x.is_neg()
    assert sl.logsumexp(x) == -2


@targets
def test_classes_beyond_int64_are_named(function):
    for wrong in (2**63, 2**64 - 1):
        with pytest.raises(IndexError, match=f"target holds {wrong} at "):
            function(torch.tensor([0, wrong, 1], dtype=torch.uint64))


@targets
def test_no_mask_of_a_target_is_lost(function):
    with pytest.raises(TypeError, match="target has masked entries"):
        function(np.ma.masked_array(Y.numpy(), mask=[1, 0, 0]))


@pytest.mark.parametrize("function", ONE_DIM.values(), ids=ONE_DIM)
@pytest.mark.parametrize("wrong", [None, (0, 1)])
def test_one_dim_is_one_integer(function, wrong):
    with pytest.raises(ValueError, match=re.escape(f"dim must be one integer, but it is {wrong}")):
        function(X, wrong)


@EVERY_DIM
@pytest.mark.parametrize("wrong", ["a", 1.0, [0], True, torch.tensor(True)])
def test_a_dim_is_an_integer(function, wrong):
    with pytest.raises(TypeError, match=re.escape(f"dim must be an integer, but it is {wrong!r}")):
        function(X, wrong)


@EVERY_DIM
def test_a_dim_that_is_not_there_is_named(function):
    with pytest.raises(IndexError, match="dim must be from -2 to 1, but it is 7"):
        function(X, 7)


@pytest.mark.parametrize("shape", [(3, 0), (0, 3), (0, 0), (0,)])
def test_nothing_in_nothing_out(shape):
    x = torch.empty(shape)
    for function in (sl.softmax, sl.log_softmax, sl.shifted_softmax, sl.naive_softmax,
                     sl.hardmax, sl.sigmoid, sl.logit, sl.logits_from_probabilities,
                     sl.gumbel_softmax, lambda x: sl.softmax_vjp(x, x),
                     lambda x: sl.log_softmax_vjp(x, x)):  # fmt: skip
        assert function(x).shape == shape
    n = shape[-1]
    assert sl.softmax_jacobian(x).shape == (*shape, n)
    same(sl.logsumexp(x), torch.full(shape[:-1], -INF))
    same(sl.kl_divergence(x, x, from_logits=True), torch.zeros(shape[:-1]))
    assert sl.linear(x, torch.empty(5, n)).shape == (*shape[:-1], 5)
    for function in (sl.predict, sl.gumbel_max):
        if n:
            assert function(x).shape == shape[:-1]
        else:
            with pytest.raises(ValueError, match="class to"):
                function(x)


@pytest.mark.parametrize("function", [sl.softmax, sl.log_softmax, sl.logsumexp])
@pytest.mark.parametrize("where", [[0.0, 0.0, -INF], [1, 0, 1]])
def test_a_mask_holds_booleans(function, where):
    with pytest.raises(TypeError, match="where must hold booleans, but its dtype is"):
        function([1.0, 2.0, 3.0], where=where)


def linear_loss(x, y, **keywords):
    return sl.linear_cross_entropy(x, x, y % 3, **keywords)


@pytest.mark.parametrize("loss", [sl.cross_entropy, sl.nll_loss, linear_loss])
@pytest.mark.parametrize("wrong", [None, 0.5, "0", True])
def test_ignore_index_is_an_integer(loss, wrong):
    with pytest.raises(TypeError, match=f"ignore_index must be an integer, but it is {wrong!r}"):
        loss(X, Y, ignore_index=wrong)


@pytest.mark.parametrize("wrong", [None, "average", 1, ["mean"], np.array("mean")])
def test_reduction_is_one_of_three_words(wrong):
    with pytest.raises(ValueError, match="reduction must be 'mean', 'sum' or 'none'"):
        sl.cross_entropy(X, Y, reduction=wrong)


def test_numbers_are_numbers():
    for function in (sl.cross_entropy, linear_loss):
        with pytest.raises(TypeError, match=r"label_smoothing (must be a real|cannot be made)"):
            function(X, Y, label_smoothing="a")
        with pytest.raises(TypeError, match="label_smoothing must be a real number"):
            function(X, Y, label_smoothing=[0.1, 0.2])
    for wrong in ("a", 1j, [1.0, 2.0], None):
        with pytest.raises((TypeError, ValueError), match=r"tau (must be a real number|cannot)"):
            sl.gumbel_softmax(X, wrong)


@pytest.mark.parametrize("dtype", [torch.int64, torch.uint64])
@pytest.mark.parametrize("dim", [0, 1, None])
def test_huge_integers_are_subtracted_before_they_are_rounded(dtype, dim):
    small = torch.tensor([[0, 1, 7], [2, 2, 2]])
    apart = {0: [[0, 2**61, 5]], 1: [[0], [2**61]], None: 0}[dim]  # each row has its own maximum
    huge = small.numpy() + 2**62 + np.array(apart)
    x = torch.from_numpy(huge.astype(str(dtype).removeprefix("torch.")))
    for function in (sl.softmax, sl.log_softmax, sl.shifted_softmax):
        close(function(x, dim), function(small, dim))
    for function in (sl.softmax, sl.log_softmax):
        close(function(x, dim, where=small >= 0), function(small, dim))
    for product in (sl.softmax_vjp, sl.log_softmax_vjp):
        close(product(x, small, dim), product(small, small, dim))
    close(sl.kl_divergence(x, small, dim, from_logits=True), 0 * sl.logsumexp(small, dim))
    if dim is not None:
        draw = seeded(lambda x, **k: sl.gumbel_softmax(x, dim=dim, **k))
        close(draw(x), draw(small))
        target = Y[: x.shape[1 - dim]] % x.shape[dim]
        close(sl.cross_entropy(x, target, dim), sl.cross_entropy(small, target, dim))
        same(sl.hardmax(x, dim), sl.hardmax(small, dim))
        same(sl.predict(x, dim), sl.predict(small, dim))
        same(seeded(sl.gumbel_max)(x, dim), seeded(sl.gumbel_max)(small, dim))


@pytest.mark.parametrize("dtype", [torch.int8, torch.uint8, torch.int32, torch.bool])
def test_linear_of_integers_is_exact(dtype):
    x = torch.tensor([100, 100]).to(dtype)
    same(sl.linear(x, x[None]), torch.tensor([2.0 if dtype == torch.bool else 20000.0]))
    x = torch.tensor([4097] * 3)  # whose squares a float32 does not hold
    same(sl.linear(x, x[None]), torch.tensor([3.0 * 4097**2]))


@pytest.mark.parametrize("offset", [1e8, -1e8, 1e30])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_an_offset_of_the_logits_does_not_change_the_draws(offset, dtype):
    x = torch.full((4000, 4), offset, dtype=dtype)
    none = torch.zeros_like(x)
    same(seeded(sl.gumbel_max)(x), seeded(sl.gumbel_max)(none))
    for hard in (False, True):
        draw = seeded(lambda x, **k: sl.gumbel_softmax(x, hard=hard, **k))  # noqa: B023
        same(draw(x), draw(none))
        assert draw(x).argmax(1).bincount().min() > 900
    for estimator in (sl.reinforce_gradient, sl.arsm_gradient):
        estimate = seeded(lambda x, **k: estimator(torch.sin, x, **k))  # noqa: B023
        same(estimate(x[0]), estimate(none[0]))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
@pytest.mark.parametrize("tau", [1e-320, 1e-38, 1.0, 1e38, INF])
def test_a_hard_draw_does_not_depend_on_the_temperature(dtype, tau):
    x = torch.tensor([[0.0, 1.0, -INF, 2.0]] * 500, dtype=dtype)
    found = seeded(lambda x, **k: sl.gumbel_softmax(x, tau, hard=True, **k))(x)
    same(found, seeded(lambda x, **k: sl.gumbel_softmax(x, hard=True, **k))(x))
    same(found.sum(1), torch.ones(500, dtype=dtype))
    assert (found[:, [0, 1, 3]].sum(0) > 20).all()


def test_the_limits_of_the_temperature():
    x = torch.tensor([0.0, 1.0, -INF, 2.0])
    hot = seeded(lambda x, **k: sl.gumbel_softmax(x, INF, **k))(x)
    close(hot, torch.tensor([1, 1, 0, 1]) / 3)
    cold = seeded(lambda x, **k: sl.gumbel_softmax(x, 1e-38, **k))(x)
    same(cold, seeded(lambda x, **k: sl.gumbel_softmax(x, hard=True, **k))(x))


@takers
def test_a_tensor_stays_on_its_device(function, x):
    expected = function(x)
    with torch.device("meta"):
        found = function(x)
    if isinstance(found, torch.Tensor):
        assert found.device == x.device
    close(torch.as_tensor(found), torch.as_tensor(expected))


@targets
def test_a_target_does_not_move_the_loss(function):
    with torch.device("meta"):
        assert function(Y).device == Y.device


@pytest.mark.parametrize("carrier", [torch.float32, torch.float64])
@pytest.mark.parametrize("rounding", [torch.bfloat16, torch.float16, torch.float32])
def test_a_distribution_may_have_been_rounded_before_it_came(rounding, carrier):
    x = torch.randn(300, 50, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    p = sl.softmax(3 * x).to(rounding).to(carrier)
    exact = -(p.double() * p.double().clamp(1e-300).log()).sum(-1)
    close(sl.entropy(p).double(), exact, rtol=1e-5, atol=1e-6)
    assert (sl.kl_divergence(p, p.flip(0)) >= 0).all()


@pytest.mark.parametrize("n", [1_000_000])
def test_a_long_row_of_float16_is_a_distribution(n):
    p = torch.full((n,), 1 / n, dtype=torch.float16)
    assert abs(p.sum(dtype=torch.float64) - 1) > 0.01
    for row in (p, p.double()):
        assert sl.entropy(row) > 10


@pytest.mark.parametrize("row", [[0.5, 0.25], [0.3333, 0.3333, 0.3333], [0.5, 0.4999], []])
def test_what_no_rounding_explains_is_refused(row):
    with pytest.raises(ValueError, match="must sum to 1"):
        sl.entropy(torch.tensor(row, dtype=torch.float64))


@pytest.mark.parametrize("settings", ["raise", "warn"])
def test_no_floating_point_error_of_numpy_leaves_the_package(settings):
    """Small tensors are NumPy's to compute: underflow to 0 is right, and nothing to say."""
    rows = [[0, -1000, 1000], [3e38, -3e38, 0], [INF, 0, -INF], [-INF] * 3, [math.nan, 0, 1]]
    with np.errstate(all=settings):
        for row in rows:
            x = torch.tensor(row, dtype=torch.float32, requires_grad=True)
            for function in (sl.softmax, sl.log_softmax, sl.logsumexp):
                function(x).sum().backward()
            sl.cross_entropy(x, torch.tensor(0)).backward()


@pytest.mark.parametrize("generator", [None, torch.Generator().manual_seed(7)])
def test_a_source_of_randomness_may_be_a_generator_or_nothing(generator):
    draws = [
        sl.gumbel_noise(3, generator=generator),
        sl.gumbel_max(X, generator=generator).double(),
        sl.gumbel_softmax(X, generator=generator),
        sl.reinforce_gradient(torch.sin, X[0], generator=generator),
        sl.arsm_gradient(torch.sin, X[0], generator=generator),
    ]
    assert all(each.isfinite().all() for each in draws)


@pytest.mark.parametrize("wrong", ["a", 0.5, 7, np.random.default_rng(0)])
def test_what_is_no_source_of_randomness_is_named(wrong):
    for function in (sl.gumbel_max, sl.gumbel_softmax):
        with pytest.raises(TypeError, match=r"^generator must be a torch\.Generator or None"):
            function(X, generator=wrong)
    with pytest.raises(TypeError, match=r"^generator must be a torch\.Generator or None"):
        sl.gumbel_noise(3, generator=wrong)


class Array:
    """What only says how to become an array."""

    def __init__(self, x):
        self.x = x

    def __array__(self, dtype=None, copy=None):
        return self.x


def described(x, protocol):
    """What only says where an array lies in memory."""
    return type("Described", (), {protocol: property(lambda _: getattr(x, protocol))})()


@takers
@pytest.mark.filterwarnings("error")
def test_any_array_that_numpy_takes_is_taken(function, x):
    """And nothing is said of arrays that are read-only, or in a list."""
    expected = torch.as_tensor(function(x))
    array = x.numpy()
    backwards = array[::-1].copy()[::-1]
    for other in (
        array.astype(">f4"),
        backwards,
        np.broadcast_to(array, x.shape),
        list(array),
        Array(array),
        described(array, "__array_interface__"),
        described(array, "__array_struct__"),
        memoryview(array),
    ):
        close(torch.as_tensor(function(other)), expected)


def test_stacked_tensors_keep_their_gradients():
    x = [torch.tensor(each, requires_grad=True) for each in (0.0, 1.0, 3.0)]
    sl.cross_entropy([x], [2]).backward()
    close(torch.stack([each.grad for each in x]), sl.softmax([0.0, 1, 3]) - torch.eye(3)[2])
    rows = [torch.zeros(2), torch.ones(2)]
    same(sl.softmax(rows), torch.full((2, 2), 0.5))


@takers
def test_what_is_not_dense_is_named(function, x):
    nested = torch.nested.nested_tensor([x, x], layout=torch.jagged)
    for other, kind in ((x.to_sparse(), r"torch\.sparse_coo"), (nested, "nested")):
        with pytest.raises(TypeError, match=f"^[a-z_]+ must be a dense tensor, but it is {kind}: "):
            function(other)


@pytest.mark.filterwarnings("ignore:The PyTorch API of MaskedTensors")
def test_no_mask_of_a_tensor_is_lost():
    with pytest.raises(TypeError, match="x has masked entries"):
        sl.softmax(torch.masked.masked_tensor(X, X > 0))
    with pytest.raises(TypeError, match="x has masked entries"):
        sl.softmax(Array(np.ma.masked_array([1.0, 2.0], mask=[1, 0])))


def test_integers_beyond_int64_are_taken_or_named():
    close(sl.softmax([2**63, 2**63 + 1]), sl.softmax([0, 1]))
    close(sl.softmax([2**63 - 1, 2**63]), sl.softmax([0, 1]))
    with pytest.raises(TypeError, match=f"from -1 to {2**63 + 1}"):
        sl.softmax([2**63, 2**63 + 1, -1])
    same(sl.log_softmax([2**70, 1.0]), torch.tensor([0, -(2.0**70)]))
    same(sl.log_softmax([1.0, 2**70]), torch.tensor([-(2.0**70), 0]))
    with pytest.raises(ValueError, match="x must fit a float, but it is 1000"):
        sl.softmax([10**400, 1.0])
    ends = torch.tensor([-(2**63), 2**63 - 1])
    same(sl.log_softmax(ends), torch.tensor([-(2.0**64), 0.0]))


@pytest.mark.parametrize(
    "wrong",
    [True, np.timedelta64(1, "s"), "1", 1j, *map(torch.tensor, (True, 1j, [0.5]))],
)
def test_a_number_is_real_and_no_bool(wrong):
    for call in (
        lambda: sl.gumbel_softmax(X, wrong),
        lambda: sl.cross_entropy(X, Y, label_smoothing=wrong),
        lambda: linear_loss(X, Y, softcap=wrong),
        lambda: sl.SoftmaxRegression(1, 2, C=wrong),
    ):
        with pytest.raises(TypeError, match=r"must be a real number, but it is"):
            call()


def test_a_number_may_be_of_any_real_kind():
    expected = sl.cross_entropy(X.double(), Y, label_smoothing=0.25)
    quarters = (Fraction(1, 4), np.float16(0.25), np.longdouble(0.25), torch.tensor(0.25))
    for quarter in quarters:
        same(sl.cross_entropy(X.double(), Y, label_smoothing=quarter), expected)
    third = torch.tensor(1 / 3)
    close(
        sl.cross_entropy(X.double(), Y, label_smoothing=third),
        sl.cross_entropy(X.double(), Y, label_smoothing=third.item()),
        rtol=1e-14,
        atol=0,
    )


@pytest.mark.parametrize("name", ["z_loss", "softcap", "label_smoothing"])
def test_an_option_of_the_linear_loss_is_named(name):
    with pytest.raises(TypeError, match=f"^{name} must be a real number"):
        linear_loss(X, Y, **{name: "a"})
    for wrong in (-1.0, INF, math.nan):
        with pytest.raises(ValueError, match=f"^{name} must be .*, but it is {wrong}"):
            linear_loss(X, Y, **{name: wrong})
    assert linear_loss(X, Y, **{name: 0.5}).isfinite()


def test_a_number_that_is_not_dense_is_named():
    with pytest.raises(TypeError, match=r"^tau must be a dense tensor"):
        sl.gumbel_softmax(X, torch.tensor([1.0]).to_sparse())


def test_autocast_leaves_float64_as_it_is():
    x, p = X.double(), P.double()
    with torch.autocast("cpu", torch.bfloat16):
        for found in (
            sl.cross_entropy(x, Y),
            sl.nll_loss(x, Y),
            sl.entropy(p),
            sl.kl_divergence(p, p),
            sl.linear_cross_entropy(x, x, Y % 3),
            sl.linear(x, x),
        ):
            assert found.dtype == torch.float64
        assert sl.linear(X, X).dtype == torch.bfloat16, "as torch's linear"


@pytest.mark.parametrize("loss", [sl.cross_entropy, sl.nll_loss])
def test_masses_are_finite(loss):
    with pytest.raises(
        ValueError, match="weight must be finite and not negative, but it holds inf"
    ):
        loss(X, Y, weight=[1, INF, 1, 1])
    with pytest.raises(ValueError, match="target must be finite and not negative"):
        sl.cross_entropy(X, torch.full(X.shape, INF))


@pytest.mark.parametrize("wrong", ["cpu", "float32", np.float32, object])
def test_a_dtype_is_one_of_torch_s(wrong):
    for call in (lambda: sl.one_hot(Y, 4, wrong), lambda: sl.gumbel_noise(3, dtype=wrong)):
        with pytest.raises(TypeError, match=r"dtype must be a torch\.dtype, but it is"):
            call()


def test_the_types_of_python_name_dtypes():
    for kind, dtype in ((float, torch.float64), (int, torch.int64), (bool, torch.bool)):
        assert sl.one_hot(Y, 4, kind).dtype == dtype
    assert sl.gumbel_noise(3, dtype=float).dtype == torch.float64


@pytest.mark.parametrize("wrong", [-1, (2, -1), 2.0, (2.0,), "3", None, True])
def test_a_shape_is_of_lengths(wrong):
    with pytest.raises((TypeError, ValueError), match=r"^shape must"):
        sl.gumbel_noise(wrong)


@pytest.mark.parametrize("wrong", [None, 1.0, (1.0,), (1.0, 1.0, 1.0)])
def test_a_pair_is_two_tensors(wrong):
    with pytest.raises(TypeError, match=r"second must be a pair \(m, s\), but it is"):
        sl.merge((1.0, 1.0), wrong)
    with pytest.raises(
        ValueError, match=r"first \(2,\), \(\) and second \(3,\), \(\) do not broad"
    ):
        sl.merge(([1.0, 2.0], 1.0), ([1.0, 2.0, 3.0], 1.0))
    with pytest.raises(ValueError, match=r"s in second must be a sum from 0 on, .* -2\.0"):
        sl.merge((1.0, 1.0), (1.0, [1.0, -2.0]))
    nothing = sl.merge((math.nan, math.nan), (1.0, 1.0))
    assert all(each.isnan() for each in nothing), "the sum over a nan is nan"


def test_what_f_returns_is_named():
    for value in ("a", None):
        with pytest.raises(TypeError, match=r"f\(x\) cannot be made a tensor"):
            sl.check_gradient(lambda x, value=value: value, X, X)
