"""Chapter 3 in torch: hard and soft choices, and gradients through them."""

import math
from functools import partial

import pytest
import torch
import torch.nn.functional as F

import softmax_lab.torch as sl
from tests.torch.devices import each_device


def seeded(seed=0, device="cpu"):
    return torch.Generator(device).manual_seed(seed)


@each_device
def test_hardmax_gives_the_first_winner_one(device):
    x = torch.tensor([[1.0, 3.0, 3.0], [math.nan, 1.0, 2.0]], device=device)
    y = sl.hardmax(x)
    assert y[0].tolist() == [0, 1, 0]
    assert y[1].isnan().all()
    assert not sl.hardmax(x.requires_grad_()).requires_grad


@each_device
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_noise_is_gumbel_and_finite(dtype, device):
    if (device, dtype) == ("mps", torch.float64):
        dtype = torch.float32
    noise = sl.gumbel_noise(400_000, generator=seeded(0, device), dtype=dtype)
    assert noise.dtype == dtype
    assert noise.isfinite().all()
    ordered = noise.double().cpu().sort().values
    uniform = (-(-ordered).exp()).exp()  # the distribution function of the Gumbel law
    steps = (torch.arange(len(ordered)) + 0.5) / len(ordered)
    tolerance = 0.004 if dtype in (torch.float32, torch.float64) else 0.01
    assert (uniform - steps).abs().max() < tolerance


def test_a_hundred_million_draws_are_finite():
    generator, total, highest = seeded(0), 0, 0.0
    for _ in range(50):
        noise = sl.gumbel_noise(2_000_000, generator=generator, dtype=torch.float32)
        low, high = noise.aminmax()
        assert low > -4
        assert high < 17
        total, highest = total + noise.numel(), max(highest, high)
    assert total == 10**8
    assert highest > 16, "the tail is cut off"


@pytest.mark.parametrize(
    ("dtype", "working"),
    [
        (torch.float16, torch.float32),
        (torch.float32, torch.float32),
        (torch.float64, torch.float64),
    ],
)
def test_a_draw_of_nothing_becomes_the_largest_noise(dtype, working, monkeypatch):
    monkeypatch.setattr(torch.Tensor, "exponential_", lambda x, generator=None: x.zero_())
    most = -torch.tensor(torch.finfo(working).eps / 2, dtype=working).log()
    torch.testing.assert_close(sl.gumbel_noise((), dtype=dtype), most.to(dtype))


def test_gumbel_max_draws_from_softmax():
    x = torch.tensor([0.0, 1.0, 2.0, -math.inf])
    draws = sl.gumbel_max(x.expand(200_000, 4), generator=seeded())
    share = torch.bincount(draws, minlength=4) / len(draws)
    torch.testing.assert_close(share, x.softmax(-1), atol=0.005, rtol=0)
    draws = sl.gumbel_max(x[:, None].expand(4, 100_000), 0, generator=seeded())
    share = torch.bincount(draws, minlength=4) / len(draws)
    torch.testing.assert_close(share, x.softmax(-1), atol=0.005, rtol=0)
    for bad in ([math.nan, 0.0], [-math.inf, -math.inf], [[0.0, 0.0], [-math.inf, -math.inf]]):
        with pytest.raises(ValueError, match="a class to draw"):
            sl.gumbel_max(torch.tensor(bad), generator=seeded())


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_soft_draw_is_the_softmax_of_log_p_and_noise(dtype):
    x = torch.randn(3, 4, dtype=dtype)
    noise = sl.gumbel_noise((3, 4), generator=seeded(), dtype=dtype)
    assert dtype == torch.float32 or (noise.float() != noise).all(), "digits are missing"
    for dim in (0, 1):
        expected = sl.softmax((sl.log_softmax(x, dim) + noise) / 0.7, dim)
        found = sl.gumbel_softmax(x, 0.7, dim=dim, generator=seeded())
        torch.testing.assert_close(found, expected, rtol=50 * torch.finfo(dtype).eps, atol=0)
        hard = sl.gumbel_softmax(x, 0.7, hard=True, dim=dim, generator=seeded())
        assert torch.equal(hard, sl.hardmax(found, dim))
    found, expected = (sl.gumbel_softmax(x, *tau, generator=seeded()) for tau in ((), (1.0,)))
    assert torch.equal(found, expected)
    assert sl.gumbel_softmax(x[:0].half()).dtype == torch.float16


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_a_draw_in_half_precision_is_that_of_float32(dtype):
    x = torch.randn(50, 4).to(dtype)
    for hard in (False, True):
        half, wide = (
            sl.gumbel_softmax(each, hard=hard, generator=seeded()) for each in (x, x.float())
        )
        assert torch.equal(half, wide.to(dtype))
    assert torch.equal(*(sl.gumbel_max(each, generator=seeded()) for each in (x, x.float())))


def test_noise_is_where_its_generator_is():
    with torch.device("meta"):
        assert sl.gumbel_noise(3, generator=seeded()).device.type == "cpu"
    with pytest.raises(TypeError, match=r"^dtype must be floating, but it is torch\.int32"):
        sl.gumbel_noise(3, dtype=torch.int32)


@pytest.mark.parametrize("tau", [0.3, 1.0, 3.0])
def test_gumbel_softmax_has_the_distribution_of_torchs(tau):
    x = torch.tensor([0.0, 1.0, -1.0]).expand(100_000, 3)
    ours = sl.gumbel_softmax(x, tau, generator=seeded()).sort(0).values
    with torch.random.fork_rng():
        torch.manual_seed(0)
        theirs = F.gumbel_softmax(x, tau).sort(0).values
    assert (ours - theirs).abs().mean() < 0.005  # the distance of Wasserstein, class by class


def test_the_generator_decides():
    x = torch.zeros(2, 5)
    first, again = (sl.gumbel_softmax(x, generator=seeded(3)) for _ in range(2))
    assert torch.equal(first, again)
    assert not torch.equal(first, sl.gumbel_softmax(x, generator=seeded(4)))
    torch.manual_seed(3)
    first = sl.gumbel_softmax(x)
    torch.manual_seed(3)
    assert torch.equal(first, sl.gumbel_softmax(x)), "torch's own generator is the default"
    with pytest.raises(TypeError, match=r"torch\.Generator"):
        sl.gumbel_softmax(x, generator=3)
    for tau in (0.0, -1.0, math.nan):
        with pytest.raises(ValueError, match="tau must be above 0"):
            sl.gumbel_softmax(x, tau, generator=seeded())


@each_device
def test_straight_through_is_hard_forward_and_soft_backward(device):
    x = torch.randn(6, 5, device=device, requires_grad=True)
    v = torch.randn(6, 5, device=device)
    hard = sl.gumbel_softmax(x, 0.5, hard=True, generator=seeded(0, device))
    soft = sl.gumbel_softmax(x, 0.5, generator=seeded(0, device))
    assert torch.equal(hard, sl.hardmax(soft))
    (found,) = torch.autograd.grad(hard, x, v)
    (expected,) = torch.autograd.grad(soft, x, v)
    assert torch.equal(found, expected)
    assert (found != 0).all()


@pytest.mark.parametrize("estimate", [sl.reinforce_gradient, sl.arsm_gradient])
def test_estimators_are_unbiased(estimate):
    x = torch.tensor([0.5, -0.5, 0.0, 1.0], dtype=torch.float64)
    reward = torch.tensor([1.0, -2.0, 0.5, 3.0], dtype=torch.float64)
    generator = seeded()
    mean = sum(estimate(reward.__getitem__, x, generator=generator) for _ in range(3000)) / 3000
    torch.testing.assert_close(mean, sl.softmax_vjp(x, reward), atol=0.12, rtol=0)


def test_arsm_is_what_the_paper_defines():
    """For all m: Σ_j (r_mj − the mean over m of r_mj) (1/n − π_j), r_mj the reward of a swap."""
    x, f = torch.randn(4, dtype=torch.float64), torch.tensor([1.0, -2.0, 0.5, 3.0]).double()
    found = sl.arsm_gradient(f.__getitem__, x, generator=seeded(1))
    pi = sl.softmax(-sl.gumbel_noise(4, generator=seeded(1), dtype=torch.float64))
    reward = torch.empty(4, 4, dtype=torch.float64)
    for m in range(4):
        for j in range(4):
            swapped = pi.clone()
            swapped[m], swapped[j] = pi[j], pi[m]
            reward[m, j] = f[(swapped.log() - sl.log_softmax(x)).argmin()]
    expected = ((reward - reward.mean(0)) * (1 / 4 - pi)).sum(1)
    assert expected.any()
    torch.testing.assert_close(found, expected)


def test_the_estimates_of_all_classes_add_up_to_the_gradient():
    x = torch.tensor([0.5, -0.5, 0.0, 1.0], dtype=torch.float64)
    reward, found = torch.tensor([1.0, -2.0, 0.5, 3.0], dtype=torch.float64), {}
    for seed in range(40):
        z = sl.gumbel_max(x, generator=seeded(seed)).item()
        found[z] = sl.reinforce_gradient(reward.__getitem__, x, generator=seeded(seed))
    total = sum(p * found[z] for z, p in enumerate(sl.softmax(x)))
    torch.testing.assert_close(total, sl.softmax_vjp(x, reward))


def test_swaps_are_what_they_say():
    from softmax_lab.torch.estimators import swapped_argmins

    for size in (1, 2, 3, 4, 9):
        for seed in range(20):
            generator = seeded(seed)
            x = torch.randn(size, generator=generator)
            log_pi = torch.rand(size, generator=generator).log()
            found = swapped_argmins(log_pi, x)
            for m in range(size):
                for j in range(size):
                    swapped = log_pi.clone()
                    swapped[m], swapped[j] = log_pi[j], log_pi[m]
                    assert found[m, j] == (swapped - x).argmin()


@pytest.mark.parametrize("estimate", [sl.reinforce_gradient, sl.arsm_gradient])
def test_estimators_refuse_what_they_cannot_use(estimate):
    with pytest.raises(ValueError, match=r"one row.*\(2, 3\)"):
        estimate(lambda z: z, torch.zeros(2, 3), generator=seeded())
    with pytest.raises(ValueError, match=r"one row.*\(0,\)"):
        estimate(lambda z: z, [], generator=seeded())
    assert estimate(lambda z: z + 1.0, [3.0], generator=seeded()).tolist() == [0.0]
    with pytest.raises(ValueError, match="one reward for each class"):
        estimate(lambda z: 1.0, torch.zeros(3), generator=seeded())
    with pytest.raises(TypeError, match=r"^f\(z\) cannot be made a tensor"):
        estimate(lambda z: "a", torch.zeros(3), generator=seeded())
    for bad in ([math.nan, 0.0], [-math.inf, -math.inf]):
        with pytest.raises(ValueError, match="a class to draw"):
            estimate(torch.zeros_like, torch.tensor(bad), generator=seeded())


@pytest.mark.parametrize("estimate", [sl.reinforce_gradient, sl.arsm_gradient])
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_an_estimate_has_the_dtype_of_the_logits(estimate, dtype):
    for logits in (torch.arange(3, dtype=dtype), torch.zeros(1, dtype=dtype)):
        assert estimate(lambda z: z.double(), logits).dtype == dtype
    assert estimate(lambda z: z.double(), [0, 1]).dtype == torch.get_default_dtype()


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    "draw",
    [
        sl.gumbel_softmax,
        sl.gumbel_max,
        partial(sl.reinforce_gradient, torch.sin),
        partial(sl.arsm_gradient, torch.sin),
    ],
)
def test_each_of_a_batch_may_have_its_own_noise(draw):
    x = torch.zeros(100, 4)
    same, different = (
        torch.func.vmap(draw, randomness=randomness)(x).unique(dim=0)
        for randomness in ("same", "different")
    )
    assert len(same) == 1
    assert len(different) >= 4
