"""How other frameworks spell the functions of this book, and what they answer.

These are recorded facts. A page of the book shows them, and `tests/test_frameworks.py` runs every
call and every case in each framework that is installed (``pip install "softmax-lab[peers]"``).
"""

from typing import NamedTuple

INF, NAN = float("inf"), float("nan")


class Framework(NamedTuple):
    """Where a framework comes from.

    Attributes
    ----------
    version : str
        The release in which the facts below were recorded.
    imports : str
        What stands above the calls.
    array : str
        The function that makes one of its arrays from a NumPy array, if its calls need that.
    """

    version: str
    imports: str
    array: str = ""


class Call(NamedTuple):
    """One function of one framework.

    Attributes
    ----------
    code : str
        The call, for logits x and, in a loss, a target y.
    arguments : str
        The names of its arguments that matter, in their order, separated by spaces.
    axis : int or str
        In a loss the axis of the classes, elsewhere the default of the axis argument. "all" stands
        for all axes together, "required" for no default.
    reduction : str
        What a loss does with the batch unless told otherwise: "mean" or "none".
    """

    code: str
    arguments: str
    axis: int | str
    reduction: str = ""


class Case(NamedTuple):
    """One input on which it is worth knowing what happens.

    Attributes
    ----------
    question : str
        What is asked.
    function : str
        A key of `CALLS`.
    x : tuple of float or int
        A row of logits, in float32 or int64.
    y : tuple of float, int or None
        In a loss the target.
    usual : tuple of float, float or str
        What most frameworks answer; a word is the type of the exception.
    others : dict of str to tuple, float or str
        The frameworks that answer something else.
    """

    question: str
    function: str
    x: tuple
    y: tuple | int | None
    usual: tuple | float | str
    others: dict


FRAMEWORKS = {
    "Softmax Lab": Framework("0.1.0", "import softmax_lab"),
    "Softmax Lab (torch)": Framework(
        "0.1.0", "import torch, softmax_lab.torch", "torch.from_numpy"
    ),
    "NumPy": Framework("2.4.6", "import numpy as np"),
    "SciPy": Framework("1.17.1", "import scipy.special"),
    "PyTorch": Framework(
        "2.13.0", "import torch, torch.nn.functional as F", array="torch.from_numpy"
    ),
    "TensorFlow": Framework("2.21.0", "import tensorflow as tf"),
    "Keras": Framework("3.15.1", "import keras"),
    "JAX": Framework("0.10.2 (Optax 0.2.8)", "import jax, optax"),
    "ONNX": Framework("1.23.2 (ONNX Runtime 1.32.0)", "import onnx, onnxruntime"),
}

OPTIONS = "weight ignore_index reduction label_smoothing"

CALLS = {
    "softmax": {
        "Softmax Lab": Call("softmax_lab.softmax(x, axis=-1)", "x axis where out", -1),
        "Softmax Lab (torch)": Call("softmax_lab.torch.softmax(x, dim=-1)", "x dim where", -1),
        "SciPy": Call("scipy.special.softmax(x, axis=-1)", "x axis", "all"),
        "PyTorch": Call("torch.softmax(x, dim=-1)", "input dim dtype", "required"),
        "TensorFlow": Call("tf.nn.softmax(x, axis=-1)", "logits axis name", -1),
        "Keras": Call("keras.ops.softmax(x, axis=-1)", "x axis", -1),
        "JAX": Call("jax.nn.softmax(x, axis=-1)", "x axis where", -1),
        "ONNX": Call("Softmax(x, axis=-1)", "input axis", -1),
    },
    "log_softmax": {
        "Softmax Lab": Call("softmax_lab.log_softmax(x, axis=-1)", "x axis where out", -1),
        "Softmax Lab (torch)": Call("softmax_lab.torch.log_softmax(x, dim=-1)", "x dim where", -1),
        "SciPy": Call("scipy.special.log_softmax(x, axis=-1)", "x axis", "all"),
        "PyTorch": Call("torch.log_softmax(x, dim=-1)", "input dim dtype", "required"),
        "TensorFlow": Call("tf.nn.log_softmax(x, axis=-1)", "logits axis name", -1),
        "Keras": Call("keras.ops.log_softmax(x, axis=-1)", "x axis", -1),
        "JAX": Call("jax.nn.log_softmax(x, axis=-1)", "x axis where", -1),
        "ONNX": Call("LogSoftmax(x, axis=-1)", "input axis", -1),
    },
    "logsumexp": {
        "Softmax Lab": Call("softmax_lab.logsumexp(x, axis=-1)", "x axis keepdims where out", -1),
        "Softmax Lab (torch)": Call(
            "softmax_lab.torch.logsumexp(x, dim=-1)", "x dim keepdim where", -1
        ),
        "NumPy": Call("np.logaddexp.reduce(x, axis=-1)", "array axis dtype out", 0),
        "SciPy": Call("scipy.special.logsumexp(x, axis=-1)", "a axis b keepdims", "all"),
        "PyTorch": Call("torch.logsumexp(x, dim=-1)", "input dim keepdim out", "required"),
        "TensorFlow": Call("tf.reduce_logsumexp(x, axis=-1)", "input_tensor axis keepdims", "all"),
        "Keras": Call("keras.ops.logsumexp(x, axis=-1)", "x axis keepdims", "all"),
        "JAX": Call("jax.nn.logsumexp(x, axis=-1)", "a axis b keepdims where", "all"),
        "ONNX": Call("ReduceLogSumExp(x, axes=[-1], keepdims=0)", "data axes keepdims", "all"),
    },
    "cross_entropy": {
        "Softmax Lab": Call(
            "softmax_lab.cross_entropy(x, y)", f"logits target axis {OPTIONS}", -1, "mean"
        ),
        "Softmax Lab (torch)": Call(
            "softmax_lab.torch.cross_entropy(x, y)", f"logits target dim {OPTIONS}", -1, "mean"
        ),
        "PyTorch": Call("F.cross_entropy(x, y)", f"input target {OPTIONS}", 1, "mean"),
        "TensorFlow": Call(
            "tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=x)",
            "labels logits name",
            -1,
            "none",
        ),
        "Keras": Call(
            "keras.losses.SparseCategoricalCrossentropy(from_logits=True)(y, x)",
            "from_logits ignore_class reduction axis",
            -1,
            "mean",
        ),
        "JAX": Call(
            "optax.softmax_cross_entropy_with_integer_labels(x, y)",
            "logits labels axis where",
            -1,
            "none",
        ),
        "ONNX": Call(
            "SoftmaxCrossEntropyLoss(x, y)",
            "scores labels weights ignore_index reduction",
            1,
            "mean",
        ),
    },
    "soft_cross_entropy": {
        "Softmax Lab": Call("softmax_lab.cross_entropy(x, y)", "logits target axis", -1, "mean"),
        "Softmax Lab (torch)": Call(
            "softmax_lab.torch.cross_entropy(x, y)", "logits target dim", -1, "mean"
        ),
        "PyTorch": Call("F.cross_entropy(x, y)", "input target", 1, "mean"),
        "TensorFlow": Call(
            "tf.nn.softmax_cross_entropy_with_logits(labels=y, logits=x)",
            "labels logits axis name",
            -1,
            "none",
        ),
        "Keras": Call(
            "keras.losses.CategoricalCrossentropy(from_logits=True)(y, x)",
            "from_logits label_smoothing axis reduction",
            -1,
            "mean",
        ),
        "JAX": Call("optax.softmax_cross_entropy(x, y)", "logits labels axis where", -1, "none"),
    },
}
"""The calls, by function and framework. A framework that is not named has no such function."""

HERE = ("Softmax Lab", "Softmax Lab (torch)")
TF = ("TensorFlow", "Keras")
REFUSED = dict.fromkeys(TF, "InvalidArgumentError")
ONLY = (-INF, -INF, -INF)
NANS = (NAN, NAN, NAN)
SHARES = (0.09003057, 0.24472848, 0.66524094)
HALF = -0.6931472  # log 1/2

CASES = [
    Case("three logits", "softmax", (1.0, 2.0, 3.0), None, SHARES, {}),
    Case("one −∞", "softmax", (-INF, 0.0, 0.0), None, (0.0, 0.5, 0.5), {}),
    Case("one −∞", "log_softmax", (-INF, 0.0, 0.0), None, (-INF, HALF, HALF), {}),
    Case("only −∞", "softmax", ONLY, None, NANS, {}),
    Case("only −∞", "log_softmax", ONLY, None, NANS, {}),
    Case("only −∞", "logsumexp", ONLY, None, -INF, {}),
    Case(
        "one +∞",
        "softmax",
        (INF, 0.0, 0.0),
        None,
        NANS,
        dict.fromkeys(HERE, (1.0, 0.0, 0.0)) | dict.fromkeys(TF, (NAN, 0.0, 0.0)),
    ),
    Case("−∞ at the target", "cross_entropy", (-INF, 0.0, 0.0), 0, INF, {}),
    Case(
        "−∞ where the target is 0",
        "soft_cross_entropy",
        (-INF, 0.0, 0.0),
        (0.0, 0.5, 0.5),
        NAN,
        dict.fromkeys(HERE, -HALF),
    ),
    Case("a confident mistake", "cross_entropy", (0.0, 200.0), 0, 200.0, {}),
    Case(
        "a confident winner",
        "log_softmax",
        (0.0, -40.0),
        None,
        (0.0, -40.0),
        dict.fromkeys(HERE, (-4.248354e-18, -40.0)),
    ),
    Case(
        "target 3 of 3 classes",
        "cross_entropy",
        (0.0, 1.0, 2.0),
        3,
        "IndexError",
        {**REFUSED, "JAX": NAN, "ONNX": "Fail"},
    ),
    Case(
        "target −1",
        "cross_entropy",
        (0.0, 1.0, 2.0),
        -1,
        "IndexError",
        {**REFUSED, "JAX": 0.40760595, "ONNX": 0.40760595},
    ),
    Case(
        "integers",
        "softmax",
        (1, 2, 3),
        None,
        SHARES,
        {**REFUSED, "PyTorch": "NotImplementedError", "ONNX": "InvalidGraph"},
    ),
]
