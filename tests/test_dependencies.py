"""pyproject.toml, requirements.txt and environment.yml describe one environment."""

import itertools
import re
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
CONDA = yaml.safe_load((ROOT / "environment.yml").read_text())
LOCK = {
    canonicalize_name(requirement.name): requirement
    for line in (ROOT / "requirements.txt").read_text().splitlines()
    if line and not line.startswith("#")
    for requirement in [Requirement(line)]
}


def in_the_lock():
    extras = PROJECT["optional-dependencies"]
    wanted = [extras[name] for name in ("torch", "gpu", "book", "watch", "test")]
    return [*PROJECT["dependencies"], *itertools.chain(*wanted)]


@pytest.mark.parametrize("line", in_the_lock())
def test_the_lock_holds_every_dependency_in_its_range(line):
    wanted = Requirement(line)
    locked = LOCK.get(canonicalize_name(wanted.name))
    assert locked is not None, f"requirements.txt lacks {wanted.name}: run `make lock`"
    (pin,) = locked.specifier
    assert wanted.specifier.contains(pin.version), (
        f"requirements.txt has {locked}, pyproject.toml asks for {wanted}: run `make lock`"
    )


def test_the_lock_pins_every_version_exactly():
    loose = [str(r) for r in LOCK.values() if [pin.operator for pin in r.specifier] != ["=="]]
    assert not loose, f"not pinned with ==: {loose}"


def test_the_lock_pins_torch_without_a_build():
    assert str(LOCK["torch"]) == "torch==2.13.0"


def test_the_lock_brings_no_cuda_package():
    assert not [name for name in LOCK if re.match("nvidia|cuda", name)]


def test_the_lock_asks_for_triton_only_where_there_is_one():
    marker = LOCK["triton"].marker
    assert marker.evaluate({"sys_platform": "linux", "platform_machine": "x86_64"})
    for system in ("darwin", "win32"):
        assert not marker.evaluate({"sys_platform": system, "platform_machine": "x86_64"})


def test_conda_installs_the_lock_and_the_package():
    (pip,) = (entry["pip"] for entry in CONDA["dependencies"] if isinstance(entry, dict))
    assert "-r requirements.txt" in pip
    assert "-e ." in pip


def test_conda_takes_a_python_that_the_package_promises():
    (python,) = (d for d in CONDA["dependencies"] if isinstance(d, str) and d.startswith("python="))
    supported = Requirement(f"python{PROJECT['requires-python']}").specifier
    assert supported.contains(python.removeprefix("python="))


def test_the_set_up_accepts_exactly_the_promised_pythons_and_warns_of_untried_ones():
    from tools.environment import NEWEST, OLDEST, python_problem, python_warning

    supported = Requirement(f"python{PROJECT['requires-python']}").specifier
    for minor in range(6, 20):
        accepted = python_problem((3, minor)) is None
        assert accepted == supported.contains(f"3.{minor}"), f"Python 3.{minor}"
        assert (python_warning((3, minor)) is None) == (minor <= NEWEST[1]), f"Python 3.{minor}"
    named = {c.rpartition(" ")[2] for c in PROJECT["classifiers"] if "Python :: 3." in c}
    assert named == {f"3.{minor}" for minor in range(OLDEST[1], NEWEST[1] + 1)}


def test_the_workflow_tries_every_promised_python():
    workflow = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())
    tried = {job["python"] for job in workflow["jobs"]["package"]["strategy"]["matrix"]["include"]}
    promised = {c.rpartition(" ")[2] for c in PROJECT["classifiers"] if "Python :: 3." in c}
    assert tried == promised


def test_the_version_is_one():
    import softmax_lab

    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert PROJECT["version"] == softmax_lab.__version__ == citation["version"]
