"""What an editor shows: every public function, of both sides, says what goes in and comes out."""

import inspect
import subprocess
import sys
from importlib import resources
from pathlib import Path

import pytest

import softmax_lab as lab
import softmax_lab.torch as sl

ROOT = Path(__file__).resolve().parents[1]
FUNCTIONS = [
    pytest.param(getattr(side, name), id=f"{side.__name__}.{name}")
    for side in (lab, sl)
    for name in side.__all__
    if inspect.isfunction(getattr(side, name))
]
METHODS = [
    pytest.param(method, id=f"{side.__name__}.SoftmaxRegression.{name}")
    for side in (lab, sl)
    for name, method in vars(side.SoftmaxRegression).items()
    if inspect.isfunction(method) and (name == "__init__" or not name.startswith("_"))
]


@pytest.mark.parametrize("function", [*FUNCTIONS, *METHODS])
def test_every_argument_and_result_has_a_type(function):
    signature = inspect.signature(function)
    assert signature.return_annotation is not inspect.Signature.empty
    for parameter in signature.parameters.values():
        if parameter.name == "self":
            continue
        assert parameter.annotation is not inspect.Parameter.empty, parameter
        if parameter.default is None:
            assert "None" in str(parameter.annotation), parameter


def test_the_package_says_that_it_is_typed():
    assert resources.files("softmax_lab").joinpath("py.typed").is_file()


USES = {
    "lab.softmax([[1, 2], [3, 4]], axis=(0, 1))": "",
    "lab.cross_entropy(np.zeros((2, 3)), [0, 1], reduction='mean') + 1.0": "",
    "lab.softmax([1.0], dim=0)": "call-arg",
    "lab.softmax([1.0], axis='last')": "arg-type",
    "lab.cross_entropy([[1.0]], [0], reduction='average')": "arg-type",
    "lab.gumbel_max([1.0], rng='a')": "arg-type",
    "lab.SoftmaxRegression(class_weight='balanced').fit([[0.0]], ['a']).score([[0.0]], ['a'])": "",
    "lab.SoftmaxRegression(C='a')": "arg-type",
    "sl.SoftmaxRegression(1, 2).fit([[0.0]], [0], device='cpu').predict([[0.0]]).sum()": "",
    "sl.SoftmaxRegression(1, '2')": "arg-type",
    "sl.softmax([[1, 2], [3, 4]], dim=(0, 1)).sum().backward()": "",
    "sl.cross_entropy(torch.zeros(2, 3), [0, 1], reduction='mean') + 1.0": "",
    "sl.gumbel_softmax(torch.zeros(3), torch.tensor(1.0), generator=torch.Generator())": "",
    "sl.softmax([1.0], axis=0)": "call-arg",
    "sl.softmax([1.0], dim='last')": "arg-type",
    "sl.cross_entropy([[1.0]], [0], reduction='average')": "arg-type",
    "sl.gumbel_max([1.0], generator=0)": "arg-type",
}


def test_a_type_checker_tells_right_calls_from_wrong_ones(tmp_path):
    imports = ("numpy as np", "torch", "softmax_lab as lab", "softmax_lab.torch as sl")
    lines = [*(f"import {each}" for each in imports), *USES]
    calls = tmp_path / "calls.py"
    calls.write_text("\n".join(lines) + "\n")
    # As `make lint` calls it, whose cache has torch's types.
    found = subprocess.run(
        [sys.executable, "-m", "mypy", calls], cwd=ROOT, capture_output=True, text=True, check=False
    )
    for number, (use, code) in enumerate(USES.items(), start=1 + len(imports)):
        told = [line for line in found.stdout.splitlines() if f"calls.py:{number}: error" in line]
        assert len(told) == bool(code), f"{use}: {found.stdout}{found.stderr}"
        assert all(line.endswith(f"[{code}]") for line in told), told
