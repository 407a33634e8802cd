"""Make or repair `.venv`: the lock, then the package itself. Ends in one clear sentence on failure.

Run by the Makefile with whatever Python the reader has, so it needs the standard library alone and
parses under any Python since 3.6.
"""

import os
import shutil
import subprocess
import sys

OLDEST, NEWEST = (3, 11), (3, 14)
NEEDED_GB = 4
ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
VENV = os.path.join(ROOT, ".venv")
LOG = os.path.join(VENV, "install.log")
# Kernels warn that they talk in plain text, which here goes from this machine to itself.
KERNEL_CONFIG = os.path.join(VENV, "etc", "ipython", "ipython_kernel_config.py")
KERNEL_SETTING = 'c.IPKernelApp.log_level = "ERROR"\n'
# jsonschema, which Altair and Jupyter Book import, compiles a grammar of web addresses at every
# import: a second for every kernel and build. Nothing here checks addresses; it does without.
START_SETTING = 'import sys; sys.modules.setdefault("rfc3987_syntax", None)\n'

# What pip prints, and what it means to the reader. The first match speaks.
SYMPTOMS = [
    (
        ("No space left on device", "Errno 28", "Disk quota exceeded"),
        f"The disk is full: free {NEEDED_GB} GB and run the same command again.",
    ),
    (
        (
            "Temporary failure in name resolution",
            "NewConnectionError",
            "Failed to establish a new connection",
            "Connection refused",
            "Network is unreachable",
            "Max retries exceeded",
            "ReadTimeoutError",
            "Read timed out",
            "ConnectionResetError",
            "ProxyError",
        ),
        "The package index cannot be reached: check the network and run the same command again.",
    ),
    (
        ("No matching distribution found", "Could not find a version"),
        "A package of the lock does not exist for this Python and system; {log} names it.",
    ),
]


def python_problem(version):
    """Return the sentence for a Python that the book does not run on, or None."""
    if tuple(version[:2]) >= OLDEST:
        return None
    return (
        "Softmax Lab needs Python {}.{} or newer, and this is {}.{}: "
        "name another, as in `make book PYTHON=python3.12`.".format(*OLDEST, *version[:2])
    )


def python_warning(version):
    """Return the sentence for a Python newer than those that the tests run on, or None."""
    if tuple(version[:2]) <= NEWEST:
        return None
    return (
        "Softmax Lab is tested on Python {}.{} to {}.{}, and this is {}.{}: going on; "
        "if it fails, name another, as in `make book PYTHON=python3.12`.".format(
            *OLDEST, *NEWEST, *version[:2]
        )
    )


def venv_problem():
    """Return the sentence for a Python that cannot make virtual environments, or None."""
    try:
        import ensurepip  # noqa: F401
        import venv  # noqa: F401
    except ImportError:
        return (
            "This Python has no venv module: install it "
            "(on Debian and Ubuntu: `sudo apt install python3-venv`), then run the command again."
        )
    return None


def disk_problem(free_bytes):
    """Return the sentence for a disk that the environment does not fit on, or None."""
    if free_bytes >= NEEDED_GB * 1e9:
        return None
    free = free_bytes / 1e9
    return f"The environment needs {NEEDED_GB} GB of disk, and {free:.1f} GB are free here."


def pip_problem(output):
    """Return the sentence that explains what a failed pip printed."""
    for signs, sentence in SYMPTOMS:
        if any(sign in output for sign in signs):
            return sentence.format(log=LOG)
    return f"pip could not install the lock; the end of {LOG} says why."


def stop(sentence):
    """Print the sentence where errors go, and end."""
    sys.exit("softmax-lab: " + sentence)


def run(*command):
    """Run a command, its output kept in the log; on failure say what it means and stop."""
    with open(LOG, "a") as log:
        status = subprocess.call(command, stdout=log, stderr=subprocess.STDOUT, cwd=ROOT)
    if status:
        with open(LOG, errors="replace") as log:
            stop(pip_problem(log.read()))


def settle(python):
    """Write the settings of the environment's kernels and of all its Pythons."""
    os.makedirs(os.path.dirname(KERNEL_CONFIG), exist_ok=True)
    with open(KERNEL_CONFIG, "w") as config:
        config.write(KERNEL_SETTING)
    where = "import sysconfig; print(sysconfig.get_path('purelib'))"
    packages = subprocess.check_output([python, "-c", where]).decode().strip()
    with open(os.path.join(packages, "softmax_lab_start.pth"), "w") as start:
        start.write(START_SETTING)


def main():
    """Make `.venv` if it is missing or broken, install the lock and the package, mark it ready."""
    for problem in (python_problem(sys.version_info), venv_problem()):
        if problem:
            stop(problem)
    warning = python_warning(sys.version_info)
    if warning:
        print("softmax-lab: " + warning, file=sys.stderr, flush=True)
    python = os.path.join(VENV, "bin", "python")
    version = f"import sys; sys.exit(sys.version_info[:2] != {tuple(sys.version_info[:2])})"
    works = (
        os.path.exists(python) and subprocess.call([python, "-c", version + "; import pip"]) == 0
    )
    if not works:
        problem = disk_problem(shutil.disk_usage(ROOT).free)
        if problem:
            stop(problem)
        shutil.rmtree(VENV, ignore_errors=True)
        if subprocess.call([sys.executable, "-m", "venv", VENV]):
            stop("Python could not make .venv here: check that this folder can be written to.")
    if os.path.exists(LOG):
        os.remove(LOG)
    print("Installing the lock into .venv: a few minutes the first time ...", flush=True)
    pip = [python, "-m", "pip", "--disable-pip-version-check", "install"]
    run(*pip, "-r", "requirements.txt")
    # The lock already holds the build backend, so nothing is fetched behind the lock's back.
    run(*pip, "--no-deps", "--no-build-isolation", "-e", ".")
    settle(python)
    with open(os.path.join(VENV, ".ready"), "w"):
        pass


if __name__ == "__main__":
    main()
