"""What is imported when, and what is said where torch is missing."""

import subprocess
import sys


def run(code):
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def test_softmax_lab_does_not_import_torch():
    code, output = run("import sys, softmax_lab; sys.exit('torch' in sys.modules)")
    assert code == 0, f"import softmax_lab imports torch: {output}"


def test_softmax_lab_torch_imports_no_part_of_torch_that_only_some_need():
    code, output = run(
        "import sys, torch; before = set(sys.modules); import softmax_lab.torch\n"
        "new = [m for m in set(sys.modules) - before if m.startswith(('torch.dist', 'triton'))]\n"
        "sys.exit(str(new) if new or 'torch.distributed.tensor' in sys.modules else 0)"
    )
    assert code == 0, f"import softmax_lab.torch imports {output}"


def test_a_missing_torch_names_the_extra():
    code, output = run("import sys; sys.modules['torch'] = None; import softmax_lab.torch")
    assert code != 0
    assert (
        'ImportError: softmax_lab.torch needs PyTorch: pip install "softmax-lab[torch]"' in output
    )
