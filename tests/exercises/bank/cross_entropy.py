"""Answers to the exercises of chapter 6, as readers write them: right ones, and wrong ones."""

import math

import numpy as np
import torch
from scipy import special
from torch.nn import functional


def tensor(x):
    return torch.from_numpy(np.asarray(x))


def log_p(x):
    return special.log_softmax(x, axis=-1)


def p_of(x):
    return special.softmax(x, axis=-1)


def naive(x):
    return np.exp(x) / np.exp(x).sum(axis=1, keepdims=True)


def hot(target, classes):
    return np.eye(classes)[target]


def surprises(x, target):
    return -log_p(x)[range(len(target)), target]


def loss_in_turn(logits, target):
    total = 0.0
    for row, label in zip(logits, target, strict=True):
        total += special.logsumexp(row - row.max()) - (row - row.max())[label]
    return total / len(target)


def gradient_in_turn(logits, target):
    out = np.empty(logits.shape)
    for k, (row, label) in enumerate(zip(logits, target, strict=True)):
        for j, p in enumerate(special.softmax(row)):
            out[k, j] = (p - (j == label)) / len(target)
    return out


def torch_gradient(logits, target):
    z = tensor(logits).requires_grad_()
    functional.cross_entropy(z, tensor(target)).backward()
    return z.grad


def every_row_every_target(logits, target):
    gradient = p_of(logits)
    gradient[:, target] -= 1
    return gradient / len(target)


def squared_error_gradient(logits, target):
    p = p_of(logits)
    error = p - hot(target, logits.shape[1])
    return p * (error - (p * error).sum(axis=1, keepdims=True)) / len(target)


def kl_in_turn(p, q):
    out = np.empty(p.shape[:-1])
    for place in np.ndindex(out.shape):
        total = 0.0
        for a, b in zip(p[place], q[place], strict=True):
            if a > 0:
                total += a * math.log(a / b) if b > 0 else math.inf
        out[place] = total
    return out


def smoothed(logits, target, true, other):
    weights = np.full(logits.shape, other)
    weights[np.arange(len(target)), target] = true
    return -(weights * log_p(logits)).sum(axis=1).mean()


def smoothing_in_turn(logits, target, epsilon):
    classes = logits.shape[1]
    return smoothed(logits, target, 1 - epsilon + epsilon / classes, epsilon / classes)


def mixed_inside(logits, target, epsilon):
    p = (1 - epsilon) * p_of(logits) + epsilon / logits.shape[1]
    return -np.mean(np.log(p[np.arange(len(target)), target]))


def safe(target, ignore):
    return np.where(target == ignore, 0, target)


def ignoring_in_turn(logits, target, ignore):
    losses = [
        special.logsumexp(row - row.max()) - (row - row.max())[label]
        for row, label in zip(logits, target, strict=True)
        if label != ignore
    ]
    return sum(losses) / len(losses) if losses else math.nan


def ignoring_with_weights(logits, target, ignore):
    weights = (target != ignore).astype(float)
    losses = surprises(logits, safe(target, ignore))
    return np.float64((weights * losses).sum()) / weights.sum()


def torch_step(weight, bias, x, target, rate):
    w, b = tensor(weight).requires_grad_(), tensor(bias).requires_grad_()
    functional.cross_entropy(functional.linear(tensor(x), w, b), tensor(target)).backward()
    with torch.no_grad():
        return w - rate * w.grad, b - rate * b.grad


def step(weight, bias, x, target, rate, use_bias=True, mean=True, bias_mean=None, error=None):
    z = x @ weight.T + (bias if use_bias else 0)
    error = (p_of(z) - hot(target, len(bias))) if error is None else error(z, target)
    scale = rate / len(target) if mean else rate
    bias_scale = rate / len(target) if (mean if bias_mean is None else bias_mean) else rate
    return weight - scale * np.einsum("bt,bn->tn", error, x), bias - bias_scale * error.sum(0)


def uphill(weight, bias, x, target, rate):
    return step(weight, bias, x, target, -rate)


def in_place(weight, bias, x, target, rate):
    new_weight, new_bias = step(weight, bias, x, target, rate)
    weight[:], bias[:] = new_weight, new_bias
    return weight, bias


def soft_in_turn(logits, target):
    losses = []
    for row, weights in zip(log_p(logits), target, strict=True):
        losses.append(-sum(w * entry for w, entry in zip(weights, row, strict=True) if w > 0))
    return np.mean(losses)


def masked_log(target, log_probabilities):
    return np.where(target > 0, log_probabilities, 0)


RIGHT = {
    "cross_entropy": [
        lambda logits, target: surprises(logits, target).mean(),
        loss_in_turn,
        lambda logits, target: functional.cross_entropy(tensor(logits), tensor(target)),
        lambda logits, target: -(hot(target, logits.shape[1]) * log_p(logits)).sum() / len(target),
    ],
    "cross_entropy_gradient": [
        gradient_in_turn,
        torch_gradient,
        lambda logits, target: (p_of(logits) - hot(target, logits.shape[1])) / len(target),
    ],
    "kl_divergence": [
        kl_in_turn,
        lambda p, q: special.rel_entr(p, q).sum(axis=-1),
        lambda p, q: (special.xlogy(p, p) - special.xlogy(p, q)).sum(axis=-1),
    ],
    "label_smoothing": [
        smoothing_in_turn,
        lambda logits, target, epsilon: functional.cross_entropy(
            tensor(logits), tensor(target), label_smoothing=epsilon
        ),
        lambda logits, target, epsilon: (
            (1 - epsilon) * surprises(logits, target).mean() - epsilon * log_p(logits).mean()
        ),
    ],
    "ignore_index": [
        ignoring_with_weights,
        ignoring_in_turn,
        lambda logits, target, ignore: functional.cross_entropy(
            tensor(logits), tensor(target), ignore_index=int(ignore)
        ),
    ],
    "training_step": [step, torch_step, lambda *arguments: list(step(*arguments))],
    "soft_target_cross_entropy": [
        soft_in_turn,
        lambda logits, target: -(target * masked_log(target, log_p(logits))).sum() / len(target),
        lambda logits, target: np.mean(
            [np.sum(t[t > 0] * -log_p(row)[t > 0]) for row, t in zip(logits, target, strict=True)]
        ),
    ],
    "spot_the_bug": [
        lambda: [[0, 0], [-800, -800]],
        lambda: np.array([[5000, 1, 2], [3, 4, 0], [1, 1, 1]]),
        lambda: np.array([[-9999.0, -9998.0], [0.0, 0.0]]),
    ],
}

WRONG = {
    "cross_entropy": [
        (
            "the sum over the batch, not the mean",
            lambda logits, target: loss_in_turn(logits, target) * len(target),
        ),
        ("the minus is missing", lambda logits, target: -loss_in_turn(logits, target)),
        (
            "a logarithm to base 2: bits",
            lambda logits, target: np.mean(surprises(logits, target) / np.log(2)),
        ),
        (
            "softmax is applied twice",
            lambda logits, target: functional.cross_entropy(
                torch.softmax(tensor(logits), -1), tensor(target)
            ),
        ),
        (
            "the logarithm of a softmax that underflows",
            lambda logits, target: -np.log(p_of(logits)[range(len(target)), target]).mean(),
        ),
        (
            "the exponentials overflow",
            lambda logits, target: -np.mean(np.log(naive(logits)[range(len(target)), target])),
        ),
        ("one loss for each sample", surprises),
        (
            "the surprise at the predicted class, not the true one",
            lambda logits, target: np.mean(-np.max(log_p(logits), axis=1)),
        ),
        (
            "the mean over all classes",
            lambda logits, target: -log_p(logits).sum() / logits.size,
        ),
        (
            "divided by the number of classes too",
            lambda logits, target: -np.mean(hot(target, logits.shape[1]) * log_p(logits)),
        ),
    ],
    "cross_entropy_gradient": [
        ("the mean is missing", lambda logits, target: p_of(logits) - hot(target, logits.shape[1])),
        (
            "the sign is flipped",
            lambda logits, target: (hot(target, logits.shape[1]) - p_of(logits)) / len(target),
        ),
        ("the target is missing", lambda logits, target: p_of(logits) / len(target)),
        (
            "divided by the number of entries, not of samples",
            lambda logits, target: (p_of(logits) - hot(target, logits.shape[1])) / logits.size,
        ),
        ("squared error's gradient", squared_error_gradient),
        ("1 is subtracted in every row, at all targets", every_row_every_target),
        (
            "the exponentials overflow",
            lambda logits, target: (naive(logits) - hot(target, logits.shape[1])) / len(target),
        ),
        ("zero everywhere", lambda logits, target: 0 * p_of(logits)),
    ],
    "kl_divergence": [
        ("p and q are exchanged", lambda p, q: special.rel_entr(q, p).sum(axis=-1)),
        ("0 log 0 gives nan", lambda p, q: np.sum(p * (np.log(p) - np.log(q)), axis=-1)),
        (
            "a logarithm to base 2: bits",
            lambda p, q: special.rel_entr(p, q).sum(axis=-1) / math.log(2),
        ),
        (
            "the cross-entropy: p's own entropy is still in it",
            lambda p, q: -special.xlogy(p, q).sum(axis=-1),
        ),
        ("the sign is flipped", lambda p, q: -special.rel_entr(p, q).sum(axis=-1)),
        ("the mean over the classes, not the sum", lambda p, q: special.rel_entr(p, q).mean(-1)),
        ("one number for the whole batch", lambda p, q: special.rel_entr(p, q).sum()),
        ("terms without their sign", lambda p, q: np.abs(special.rel_entr(p, q)).sum(axis=-1)),
    ],
    "label_smoothing": [
        (
            "epsilon is shared by the other classes only",
            lambda logits, target, eps: smoothed(
                logits, target, 1 - eps, eps / (logits.shape[1] - 1)
            ),
        ),
        (
            "the true class has weight 1 - epsilon only",
            lambda logits, target, eps: smoothed(logits, target, 1 - eps, eps / logits.shape[1]),
        ),
        ("epsilon is ignored", lambda logits, target, eps: loss_in_turn(logits, target)),
        (
            "epsilon and 1 - epsilon are exchanged",
            lambda logits, target, eps: smoothing_in_turn(logits, target, 1 - eps),
        ),
        ("probabilities are mixed, not targets", mixed_inside),
        (
            "the sum over the batch, not the mean",
            lambda logits, target, eps: len(target) * smoothing_in_turn(logits, target, eps),
        ),
        (
            "the minus is missing",
            lambda logits, target, eps: -smoothing_in_turn(logits, target, eps),
        ),
        (
            "each class gets epsilon",
            lambda logits, target, eps: smoothed(logits, target, 1 - eps, eps),
        ),
    ],
    "ignore_index": [
        (
            "divided by all positions, not by those that count",
            lambda logits, target, ignore: (
                ((target != ignore) * surprises(logits, safe(target, ignore))).sum() / len(target)
            ),
        ),
        (
            "nothing is ignored: -1 is the last class for NumPy",
            lambda logits, target, ignore: loss_in_turn(logits, target),
        ),
        (
            "the ignored positions are kept, and the others dropped",
            lambda logits, target, ignore: np.mean(
                surprises(logits[target == ignore], target[target == ignore])
            ),
        ),
        (
            "ignored positions count as class 0",
            lambda logits, target, ignore: loss_in_turn(logits, safe(target, ignore)),
        ),
        (
            "the sum, not the mean",
            lambda logits, target, ignore: surprises(logits, safe(target, ignore)).sum(
                where=target != ignore
            ),
        ),
        (
            "-100 whatever `ignore` says",
            lambda logits, target, ignore: np.mean(
                surprises(logits[target != -100], target[target != -100])
            ),
        ),
        (
            "every negative target is ignored",
            lambda logits, target, ignore: np.mean(
                surprises(logits[~(target < 0)], target[~(target < 0)])
            ),
        ),
        (
            "0 when nothing is left, as if the predictions were perfect",
            lambda logits, target, ignore: np.nan_to_num(ignoring_in_turn(logits, target, ignore)),
        ),
    ],
    "training_step": [
        ("uphill: the gradient is added", uphill),
        (
            "the step size is ignored",
            lambda weight, bias, x, target, rate: step(weight, bias, x, target, 1),
        ),
        (
            "the mean over the batch is missing",
            lambda *arguments: step(*arguments, mean=False),
        ),
        (
            "the bias stays as it was",
            lambda weight, bias, x, target, rate: (
                step(weight, bias, x, target, rate)[0],
                bias,
            ),
        ),
        (
            "the weight stays as it was",
            lambda weight, bias, x, target, rate: (
                weight,
                step(weight, bias, x, target, rate)[1],
            ),
        ),
        (
            "squared error's gradient",
            lambda *arguments: step(
                *arguments, error=lambda z, y: len(y) * squared_error_gradient(z, y)
            ),
        ),
        (
            "only the bias's gradient is not averaged",
            lambda *arguments: step(*arguments, bias_mean=False),
        ),
        ("the bias is left out of the logits", lambda *arguments: step(*arguments, use_bias=False)),
        ("it changes its input", in_place),
    ],
    "soft_target_cross_entropy": [
        (
            "the mean over the classes too",
            lambda logits, target: -np.mean(target * masked_log(target, log_p(logits))),
        ),
        (
            "only the likeliest class of the target counts",
            lambda logits, target: loss_in_turn(logits, np.argmax(target, axis=1)),
        ),
        (
            "the divergence: the target's entropy is subtracted",
            lambda logits, target: special.rel_entr(target, p_of(logits)).sum(axis=1).mean(),
        ),
        (
            "the sum over the batch, not the mean",
            lambda logits, target: -np.sum(target * masked_log(target, log_p(logits))),
        ),
        ("the minus is missing", lambda logits, target: -soft_in_turn(logits, target)),
        (
            "0 times infinity gives nan",
            lambda logits, target: functional.cross_entropy(tensor(logits), tensor(target)),
        ),
        (
            "a logarithm to base 2: bits",
            lambda logits, target: soft_in_turn(logits, target) / math.log(2),
        ),
        (
            "softmax is applied twice",
            lambda logits, target: soft_in_turn(p_of(logits), target),
        ),
    ],
    "spot_the_bug": [
        ("a single row cannot show it", lambda: [[0, 1, -1000]]),
        ("the function copes with this batch", lambda: [[0, 1, 2], [-500, -501, -502]]),
        ("the function copes with this batch", lambda: [[1000, 0], [0, 1000]]),
        ("not all logits are finite", lambda: np.array([[0, 1], [-np.inf, -np.inf]])),
        ("not all numbers are whole", lambda: [[0.5, 1], [-1000, -1001]]),
        ("a number is beyond 10,000", lambda: [[0, 1], [-1000000, -1000001]]),
        ("it is no batch", lambda: [0, 1, -1000]),
    ],
}
