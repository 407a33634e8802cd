"""Errors in ulp of the exact answer, by mpmath: `make accuracy` prints and writes the table."""

import importlib.util
from pathlib import Path

import numpy as np
import scipy.special

import softmax_lab as lab
from benchmarks.measure import machine, markdown
from tests import reference

FUNCTIONS = ("softmax", "log_softmax", "logsumexp", "cross_entropy", "its gradient")


def exact(row):
    """Return the exact answers of a row; the class of the cross-entropy is the winner."""
    k = int(row.argmax())
    return [
        reference.softmax(row),
        reference.log_softmax(row),
        reference.logsumexp(row),
        reference.cross_entropy(row, k),
        reference.cross_entropy_gradient(row, k),
    ]


def ours(row):
    k = int(row.argmax())
    loss, gradient = lab.cross_entropy_with_grad(row, k)
    return [lab.softmax(row), lab.log_softmax(row), lab.logsumexp(row), loss, gradient]


def of_scipy(row):
    k, y = int(row.argmax()), lab.one_hot(row.argmax(), len(row), row.dtype)
    p, log_p = scipy.special.softmax(row), scipy.special.log_softmax(row)
    return [p, log_p, scipy.special.logsumexp(row), -log_p[k], p - y]


def of_torch(row):
    import torch

    x = torch.tensor(row, requires_grad=True)
    loss = torch.nn.functional.cross_entropy(x, x.argmax())
    loss.backward()
    found = [x.softmax(0), x.log_softmax(0), x.logsumexp(0), loss, x.grad]
    return [each.detach().numpy() for each in found]


def of_jax(row):
    import jax

    jax.config.update("jax_enable_x64", True)
    k = int(row.argmax())
    loss, gradient = jax.value_and_grad(lambda x: -jax.nn.log_softmax(x)[k])(row)
    found = [jax.nn.softmax(row), jax.nn.log_softmax(row), jax.nn.logsumexp(row), loss, gradient]
    return [np.asarray(each) for each in found]


def peers():
    """Return the libraries that are installed, ours first."""
    found = {"ours": ours, "SciPy": of_scipy}
    for name, module, function in (("torch", "torch", of_torch), ("JAX", "jax", of_jax)):
        if importlib.util.find_spec(module):
            found[name] = function
    return found


def cell(error):
    return "0 or inf" if np.isinf(error) else f"{error:.1f}" if error < 1e4 else f"{error:.0e}"


def rows(libraries):
    """Yield a line for each dtype, function and family of rows, where it is well conditioned."""
    for dtype in (np.float32, np.float64):
        answers = {}
        for family, row in reference.row_families(dtype).items():
            found = [library(row) for library in libraries.values()]
            for name, right, *each in zip(FUNCTIONS, exact(row), *found, strict=True):
                if name == "logsumexp" and abs(right) < 1:
                    continue
                errors = [reference.max_ulp(number, right, dtype) for number in each]
                answers.setdefault(name, []).append((family, errors))
        for name in FUNCTIONS:
            for family, errors in answers[name]:
                yield [dtype.__name__, name, family, *map(cell, errors)]
            worst = np.max([errors for _, errors in answers[name]], axis=0)
            yield [dtype.__name__, name, "**worst**", *(f"**{cell(each)}**" for each in worst)]


def main():
    libraries = peers()
    with np.errstate(all="ignore"):
        table = markdown(["dtype", "function", "row", *libraries], list(rows(libraries)))
    report = (
        f"# Accuracy\n\n`make accuracy` on {machine()}.\n\n"
        f"Largest error in ulp of the exact answer; ours promises 4.\n\n{table}\n"
    )
    (Path(__file__).parent / "accuracy.md").write_text(report, encoding="utf-8")
    print(report)


if __name__ == "__main__":
    main()
