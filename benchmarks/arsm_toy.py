"""Reproduce the toy of the ARSM paper: `python -m benchmarks.arsm_toy` (about 20 seconds).

Reward f(z) = 0.5 + z/(C·R) for z = 1 … C, C = R = 30; the logits start at 0 and climb the estimated
gradient with step 1 for 5000 iterations. Yin, Yue and Zhou, ICML 2019, arXiv 1905.01413.
"""

import numpy as np

from benchmarks.measure import markdown
from softmax_lab import arsm_gradient, gumbel_noise, reinforce_gradient, softmax, softmax_vjp

C = R = 30
REWARDS = 0.5 + np.arange(1, C + 1) / (C * R)


def reward(z):
    """F of class indices 0 … C − 1."""
    return REWARDS[z]


def exact_gradient(_, logits, *, rng):
    return softmax_vjp(logits, REWARDS)


def gumbel_softmax_gradient(_, logits, *, rng, tau=0.2):
    """Differentiate Σ y f with y = softmax((logits + G)/τ): one sample, biased."""
    noisy = (logits + gumbel_noise(C, rng=rng)) / tau
    return softmax_vjp(noisy, REWARDS) / tau


def climb(estimator, seed, steps=5000, rate=1.0):
    """Return the logits after `steps` of gradient ascent."""
    rng, logits = np.random.default_rng(seed), np.zeros(C)
    for _ in range(steps):
        logits += rate * estimator(reward, logits, rng=rng)
    return logits


def variance(estimator, draws=2000):
    """Return the mean variance of one sample at 0, and the largest bias in standard errors."""
    rng = np.random.default_rng(0)
    samples = np.array([estimator(reward, np.zeros(C), rng=rng) for _ in range(draws)])
    error = samples.mean(axis=0) - exact_gradient(None, np.zeros(C), rng=rng)
    spread = samples.var(axis=0)
    return spread.mean(), np.abs(error / np.sqrt(spread / draws + 1e-300)).max()


def main():
    rows = []
    for name, estimator, seeds in [
        ("exact gradient", exact_gradient, (0,)),
        ("ARSM", arsm_gradient, (0, 1, 2)),
        ("Gumbel-softmax, τ = 0.2", gumbel_softmax_gradient, (0, 1, 2)),
        ("REINFORCE", reinforce_gradient, (0, 1, 2)),
    ]:
        final = [softmax(climb(estimator, seed)) for seed in seeds]
        rewards, best = [p @ REWARDS for p in final], [p[-1] for p in final]
        spread = 0.0 if estimator is exact_gradient else variance(estimator)[0]
        rows.append(
            [
                name,
                "–".join(f"{value:.5f}" for value in sorted({min(rewards), max(rewards)})),
                "–".join(f"{value:.3f}" for value in sorted({min(best), max(best)})),
                f"{spread:.1e}",
            ]
        )
    headings = ["estimator", "final reward", "P(best class)", "variance of one sample at 0"]
    print(f"start {REWARDS.mean():.5f}, best {REWARDS.max():.5f}\n")
    print(markdown(headings, rows))


if __name__ == "__main__":
    main()
