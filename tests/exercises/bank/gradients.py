"""Answers to the exercises of chapter 5, as readers write them: right ones, and wrong ones."""

import numpy as np
import torch
from scipy import special


def share(x):
    return special.softmax(x, axis=-1)


def dot(a, b):
    return np.sum(a * b, axis=-1, keepdims=True)


def jacobian_in_turn(x):
    s = share(x)
    out = np.empty((len(x), len(x)), dtype=x.dtype)
    for i in range(len(x)):
        for j in range(len(x)):
            out[i, j] = s[i] * (1 - s[i]) if i == j else -s[i] * s[j]
    return out


def torch_jacobian(x):
    return torch.autograd.functional.jacobian(lambda z: torch.softmax(z, -1), torch.from_numpy(x))


def torch_vjp(function):
    def vjp(x, v):
        z = torch.from_numpy(x).requires_grad_()
        return torch.autograd.grad(function(z, dim=-1), z, torch.from_numpy(v))[0]

    return vjp


def torch_jvp(x, v):
    return torch.func.jvp(
        lambda z: torch.softmax(z, -1), (torch.from_numpy(x),), (torch.from_numpy(v),)
    )[1]


def vjp_in_turn(x, v):
    out = np.empty_like(x)
    for place in np.ndindex(x.shape[:-1]):
        s = special.softmax(x[place])
        out[place] = s * v[place] - s * np.dot(s, v[place])
    return out


def log_vjp_in_turn(x, v):
    out = np.empty_like(v)
    for place in np.ndindex(x.shape[:-1]):
        out[place] = v[place] - special.softmax(x[place]) * sum(v[place])
    return out


def with_matrix(x, v):
    s = share(x)
    jacobian = s[..., :, None] * (np.eye(x.shape[-1]) - s[..., None, :])
    return np.einsum("...i,...ij->...j", v, jacobian)


def log_with_matrix(x, v):
    jacobian = np.eye(x.shape[-1]) - share(x)[..., None, :]
    return np.einsum("...i,...ij->...j", v, jacobian)


def differences(f, x, up=1e-5, down=1e-5, dtype=float):
    x = x.astype(dtype)
    out = []
    for i in range(len(x)):
        higher, lower = x.copy(), x.copy()
        higher[i] += up
        lower[i] -= down
        out.append((f(higher) - f(lower)) / (up + down))
    return out


def five_points(f, x):
    h, out = 1e-3, np.empty(len(x))
    for i, e in enumerate(np.eye(len(x))):
        out[i] = 8 * (f(x + h * e) - f(x - h * e)) - (f(x + 2 * h * e) - f(x - 2 * h * e))
    return out / (12 * h)


def one_sided_at_zero(f, x):
    """Never step below 0 from a coordinate that is not."""
    slopes = []
    for e in np.eye(x.size):
        up, down = x + 1e-5 * e, np.where(x < 0, x - 1e-5 * e, np.maximum(x - 1e-5 * e, 0))
        slopes.append((f(up) - f(down)) / (up - down).sum())
    return np.array(slopes)


def nudge_and_restore(f, x):
    x, out = x.astype(float), []
    for i in range(x.size):
        old = x[i]
        x[i] = old + 1e-6
        up = f(x)
        x[i] = old - 1e-6
        down = f(x)
        x[i] = old
        out.append((up - down) / 2e-6)
    return np.array(out)


def integers_swallow(f, x):
    out = np.zeros(len(x))
    for i in range(len(x)):
        higher, lower = x.copy(), x.copy()
        higher[i] = x[i] + 1e-6
        lower[i] = x[i] - 1e-6
        out[i] = (f(higher) - f(lower)) / 2e-6
    return out


def diagonal_slope(f, x):
    return (f(x + 1e-5) - f(x - 1e-5)) / 2e-5


def integers_refuse(f, x):
    out = np.zeros(len(x))
    x = x.astype(float) if x.dtype == np.float32 else x
    for i in range(len(x)):
        higher, lower = x.copy(), x.copy()
        higher[i : i + 1] += 1e-5
        lower[i : i + 1] -= 1e-5
        out[i] = (f(higher) - f(lower)) / 2e-5
    return out


def hessian_in_turn(x):
    flat = x.reshape(-1, x.shape[-1])
    return np.array([jacobian_in_turn(row) for row in flat]).reshape(*x.shape, x.shape[-1])


def torch_hessian(x):
    rows = torch.from_numpy((x - x.max(axis=-1, keepdims=True)).reshape(-1, x.shape[-1]))
    found = [
        torch.autograd.functional.hessian(lambda z: torch.logsumexp(z, -1), row) for row in rows
    ]
    return torch.stack(found).reshape(*x.shape, x.shape[-1])


def naive(x):
    return np.exp(x) / np.exp(x).sum(axis=-1, keepdims=True)


def outer(s):
    return np.einsum("...i,...j->...ij", s, s)


def diagonal(s):
    return np.einsum("...i,ij->...ij", s, np.eye(s.shape[-1]))


PRODUCTS = [
    (
        "p (1 - p) v, entry by entry",
        lambda x, v: (share(x) - share(x) ** 2) * v,
    ),
    ("the sum is missing", lambda x, v: share(x) * v),
    (
        "the sum runs over the whole batch",
        lambda x, v: share(x) * (v - np.sum(share(x) * v)),
    ),
    (
        "v is summed without its weights",
        lambda x, v: share(x) * v - share(x) * v.sum(axis=-1)[..., None],
    ),
    (
        "the plain mean of v",
        lambda x, v: share(x) * (v - np.mean(v, axis=-1)[..., None]),
    ),
    ("the sign is flipped", lambda x, v: share(x) * dot(share(x), v) - share(x) * v),
    ("zero everywhere", lambda x, v: np.zeros(x.shape)),
    ("log-softmax's product", lambda x, v: v - share(x) * np.sum(v, axis=-1)[..., None]),
]

RIGHT = {
    "softmax_jacobian": [
        lambda x: share(x)[:, None] * (np.eye(len(x), dtype=x.dtype) - share(x)),
        jacobian_in_turn,
        torch_jacobian,
        lambda x: (np.diag(share(x)) - share(x)[:, None] @ share(x)[None, :]).tolist(),
    ],
    "softmax_vjp": [
        vjp_in_turn,
        torch_vjp(torch.softmax),
        lambda x, v: share(x) * v - share(x) * dot(share(x), v),
    ],
    "finite_differences": [
        differences,
        nudge_and_restore,
        five_points,
        lambda f, x: np.array([(f(x + 1e-6 * e) - f(x - 1e-6 * e)) / 2e-6 for e in np.eye(x.size)]),
    ],
    "log_softmax_vjp": [
        log_vjp_in_turn,
        torch_vjp(torch.log_softmax),
        lambda x, v: v - np.exp(special.log_softmax(x, axis=-1)) * np.sum(v, -1)[..., None],
    ],
    "softmax_jvp": [
        vjp_in_turn,
        torch_jvp,
        lambda x, v: share(x) * (v - np.einsum("...i,...i->...", share(x), v)[..., None]),
        with_matrix,
    ],
    "logsumexp_hessian": [
        lambda x: diagonal(share(x)) - outer(share(x)),
        hessian_in_turn,
        torch_hessian,
    ],
}

WRONG = {
    "softmax_jacobian": [
        ("p (1 - p), entry by entry", lambda x: share(x) - share(x) ** 2),
        ("only the diagonal", lambda x: np.diag(share(x) - share(x) ** 2)),
        ("the sign is flipped", lambda x: -jacobian_in_turn(x)),
        ("the diagonal term is missing", lambda x: -outer(share(x))),
        ("the outer product is missing", lambda x: np.diag(share(x))),
        (
            "1 in place of p on the diagonal",
            lambda x: np.identity(x.size) - np.outer(share(x), share(x)),
        ),
        (
            "the Jacobian of log-softmax",
            lambda x: np.eye(x.size) - np.tile(share(x), (x.size, 1)),
        ),
        ("the exponentials overflow", lambda x: diagonal(naive(x)) - outer(naive(x))),
    ],
    "softmax_vjp": [*PRODUCTS, ("the whole Jacobian is built", with_matrix)],
    "finite_differences": [
        ("a one-sided difference", lambda f, x: differences(f, x, down=0.0)),
        ("a one-sided difference", lambda f, x: differences(f, x, up=0.0, down=1e-4)),
        ("a one-sided difference", one_sided_at_zero),
        ("rounded to 6 decimals", lambda f, x: np.round(differences(f, x), 6)),
        ("the step is too large", lambda f, x: differences(f, x, 1e-2, 1e-2)),
        ("the step is too small", lambda f, x: differences(f, x, 1e-12, 1e-12)),
        ("divided by one step", lambda f, x: 2 * np.array(differences(f, x))),
        ("the sign is flipped", lambda f, x: -nudge_and_restore(f, x)),
        (
            "all coordinates move at once",
            lambda f, x: np.full(x.size, diagonal_slope(f, x.astype(float))),
        ),
        ("an array of integers swallows the step", integers_swallow),
        ("an array of integers takes no fractions", integers_refuse),
        (
            "one number, the slope along the diagonal",
            lambda f, x: diagonal_slope(f, x.astype(float)),
        ),
    ],
    "log_softmax_vjp": [
        ("softmax's product", vjp_in_turn),
        ("the sum is missing", lambda x, v: v * (1 - share(x))),
        ("the mean of v, not the sum", lambda x, v: v - share(x) * v.mean(-1)[..., None]),
        ("v is weighted by p before it is summed", lambda x, v: v - dot(share(x), v)),
        ("the sum runs over the whole batch", lambda x, v: v - share(x) * np.sum(v)),
        ("the sign is flipped", lambda x, v: -log_vjp_in_turn(x, v)),
        ("p is missing", lambda x, v: v - np.sum(v, axis=-1, keepdims=True)),
        ("the whole Jacobian is built", log_with_matrix),
    ],
    "softmax_jvp": [
        *PRODUCTS,
        (
            "a finite step, not a velocity",
            lambda x, v: share(x + v) - share(x),
        ),
    ],
    "logsumexp_hessian": [
        ("the gradient, not its derivative", share),
        ("the sign is flipped", lambda x: outer(share(x)) - diagonal(share(x))),
        ("only the diagonal", lambda x: diagonal(share(x) - share(x) ** 2)),
        ("the diagonal term is missing", lambda x: -outer(share(x))),
        ("the outer product is missing", lambda x: diagonal(share(x))),
        ("terms are added, not subtracted", lambda x: diagonal(share(x)) + outer(share(x))),
        ("the exponentials overflow", lambda x: diagonal(naive(x)) - outer(naive(x))),
    ],
}
