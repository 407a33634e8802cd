"""Two clean builds give the same bytes: figures, a chart, outputs, the search index."""

from tests.book.test_build import SmallBook
from tools.pages import differences

CELLS = [
    ("md", "# Page\n\nA formula, $e^x$.\n\n## A section\n\n**Predict.** What comes out?"),
    (
        "py",
        "import sys\n\nimport matplotlib.pyplot as plt\nimport numpy as np\n"
        "from softmax_lab import figures\n"
        "from softmax_lab.figures import definition as charts\n\nfigures.use_style()",
    ),
    # A kernel may send this in one piece or in several, as the clock has it.
    ("py", 'print("a", end="")\nsys.stdout.flush()\nprint("b", "c")'),
    (
        "py",
        "figure, axes = plt.subplots()\n"
        "axes.plot(np.random.default_rng(0).normal(size=50))\n"
        'axes.fill_between([0, 50], 0, 1, hatch="//");',
    ),
    ("py", "charts.probabilities()"),
]


def test_two_clean_builds_are_the_same(tmp_path):
    outputs = []
    for name in ("first", "second"):
        book = SmallBook(tmp_path / name)
        book.write(*CELLS)
        status, printed = book.build()
        assert status == 0, printed
        assert "ab c" in book.page
        outputs.append(book.folder / "_build" / "html")
    # Sphinx's note to itself about the settings, the folder's path among them; no page reads it.
    different = set(differences(*outputs)) - {".buildinfo"}
    assert not different, f"two builds differ in {sorted(different)}"
