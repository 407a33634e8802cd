"""What `softmax_lab.frameworks` records, run in every framework that is installed."""

import inspect
import re
import warnings
from functools import partial
from importlib.util import find_spec

import numpy as np
import pytest

import softmax_lab
from softmax_lab.frameworks import CALLS, CASES, FRAMEWORKS

SCORES = ("softmax", "log_softmax", "logsumexp")
LOSSES = ("cross_entropy", "soft_cross_entropy")
X = np.random.default_rng(0).normal(size=(2, 3, 4)).astype(np.float32) * 5


def node(operator, *inputs, **attributes):
    """Run one ONNX operator in ONNX Runtime."""
    import onnx
    import onnxruntime

    names = [f"input{i}" for i in range(len(inputs))]
    values = [
        onnx.helper.make_tensor_value_info(
            name, onnx.helper.np_dtype_to_tensor_dtype(array.dtype), array.shape
        )
        for name, array in zip(names, inputs, strict=True)
    ]
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node(operator, names, ["output"], **attributes)],
        operator,
        values,
        [onnx.helper.make_empty_tensor_value_info("output")],
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 13)])
    model.ir_version = 8  # what goes with operator set 13
    session = onnxruntime.InferenceSession(model.SerializeToString())
    return session.run(None, dict(zip(names, inputs, strict=True)))[0]


def namespace(name):
    """Import a framework, or skip where it is not installed."""
    imports = FRAMEWORKS[name].imports
    modules = re.findall(r"(?:import|,) ([\w.]+)", imports)
    missing = [module for module in modules if find_spec(module.partition(".")[0]) is None]
    if missing:
        pytest.skip(f'{missing[0]} is not installed: pip install "softmax-lab[peers,torch,book]"')
    names = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # deprecations between other people's packages
        exec(imports, names)
    if name == "ONNX":
        codes = [calls["ONNX"].code for calls in CALLS.values() if "ONNX" in calls]
        operators = [code.partition("(")[0] for code in codes]
        names |= {operator: partial(node, operator) for operator in operators}
    return names


def answer(name, code, **arrays):
    """Run a call on NumPy arrays and return a NumPy array."""
    names = namespace(name)
    make = eval(FRAMEWORKS[name].array, names) if FRAMEWORKS[name].array else np.asarray
    return np.asarray(eval(code, names, {key: make(value) for key, value in arrays.items()}))


def each_call(functions):
    return [
        pytest.param(name, function, call, id=f"{name}-{function}")
        for function in functions
        for name, call in CALLS[function].items()
    ]


@pytest.mark.parametrize(("name", "function", "call"), each_call(SCORES))
def test_every_framework_computes_the_same_function(name, function, call):
    np.testing.assert_allclose(
        answer(name, call.code, x=X),
        getattr(softmax_lab, function)(X, axis=-1),
        rtol=1e-5,
        atol=1e-6,
    )


@pytest.mark.parametrize(("name", "function", "call"), each_call(SCORES))
def test_the_default_axis_is_the_recorded_one(name, function, call):
    code = re.sub(r", (axis|dim|axes)=(-1|\[-1\])", "", call.code)
    assert code != call.code
    if call.axis == "required":
        with pytest.raises(TypeError):
            answer(name, code, x=X)
    else:
        axis = None if call.axis == "all" else call.axis
        found = np.squeeze(answer(name, code, x=X))
        exact = getattr(softmax_lab, function)(X, axis=axis)
        np.testing.assert_allclose(found, exact, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("name", "function", "call"), each_call(LOSSES))
def test_class_axis_target_and_reduction_of_the_losses_are_the_recorded_ones(name, function, call):
    rng = np.random.default_rng(1)
    if function == "cross_entropy":
        shape = np.delete(X.shape, call.axis)
        y = rng.integers(X.shape[call.axis], size=shape)
    else:
        y = softmax_lab.softmax(rng.normal(size=X.shape).astype(np.float32), axis=call.axis)
    expected = softmax_lab.cross_entropy(X, y, axis=call.axis, reduction=call.reduction)
    np.testing.assert_allclose(answer(name, call.code, x=X, y=y), expected, rtol=1e-5)


def parameters(name, code):
    """Return the names of a function's parameters, in order."""
    function = code.partition("(")[0]
    if name == "ONNX":
        import onnx

        schema = onnx.defs.get_schema(function)
        return [value.name for value in schema.inputs] + list(schema.attributes)
    function = eval(function, namespace(name))
    try:
        return list(inspect.signature(function).parameters)
    except ValueError:  # built in: its signature is the first line of the docstring
        # torch.log_softmax has none, its alias does.
        text = (
            function.__doc__ or getattr(namespace(name)["torch"].special, function.__name__).__doc__
        )
        (listed,) = re.findall(r"\((.*)\)", text.strip().splitlines()[0])
        return [parameter.partition("=")[0] for parameter in listed.split(", ")]


@pytest.mark.parametrize(("name", "function", "call"), each_call(CALLS))
def test_the_arguments_have_the_recorded_names_and_order(name, function, call):
    namespace(name)
    found = parameters(name, call.code)
    recorded = call.arguments.split()
    assert [parameter for parameter in found if parameter in recorded] == recorded, found


@pytest.mark.parametrize(
    ("name", "case"),
    [
        pytest.param(name, case, id=f"{name}-{case.function}-{case.question}")
        for case in CASES
        for name in FRAMEWORKS
        if name in CALLS[case.function]
    ],
)
def test_a_framework_answers_a_case_as_recorded(name, case):
    call = CALLS[case.function][name]
    expected = case.others.get(name, case.usual)
    rows = {"x": [case.x]} if case.y is None else {"x": [case.x], "y": [case.y]}
    arrays = {key: np.array(row) for key, row in rows.items()}
    arrays = {key: a.astype(np.float32) if a.dtype.kind == "f" else a for key, a in arrays.items()}
    namespace(name)  # skips where there is nothing to test
    if isinstance(expected, str):
        with pytest.raises(Exception) as raised:  # noqa: PT011
            answer(name, call.code, **arrays)
        assert raised.type.__name__ == expected
    else:
        with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
            found = answer(name, call.code, **arrays)
        np.testing.assert_allclose(np.squeeze(found), expected, rtol=1e-6)


def test_keras_takes_probabilities_unless_told_otherwise():
    x, y = np.float32([[1.0, 2.0, 3.0]]), np.array([2])
    right = answer("Keras", CALLS["cross_entropy"]["Keras"].code, x=x, y=y)
    forgotten = answer("Keras", "keras.losses.SparseCategoricalCrossentropy()(y, x)", x=x, y=y)
    np.testing.assert_allclose(right, 0.40760595, rtol=1e-6)
    # Clipped to "probabilities" of at most 1 and normalised, three logits from 1 up are a tie.
    np.testing.assert_allclose(forgotten, np.log(3), rtol=1e-5)


def test_scipy_has_a_jacobian_by_nudging():
    differentiate = pytest.importorskip("scipy.differentiate")
    x = np.array([0.5, -1.0, 2.0])
    found = differentiate.jacobian(partial(softmax_lab.softmax, axis=0), x).df
    np.testing.assert_allclose(found, softmax_lab.softmax_jacobian(x), rtol=1e-6)


@pytest.fixture
def torch():
    """What the book says of PyTorch beside the tables, its questions above all, is run with it."""
    return pytest.importorskip("torch")


def test_pytorch_guesses_a_missing_axis_in_its_functional_and_its_layer(torch):
    for guess in (torch.nn.functional.softmax, torch.nn.Softmax()):
        with pytest.warns(UserWarning, match="Implicit dimension choice"):
            p = guess(torch.tensor(X[0]))
        np.testing.assert_allclose(p.sum(dim=1), 1, rtol=1e-6)


@pytest.mark.parametrize("dtype", ["int32", "bool", "float32"])
def test_pytorch_takes_class_indices_as_int64_or_uint8(torch, dtype):
    x, target = torch.tensor(X[0]), torch.tensor([0, 1, 1])
    loss = torch.nn.functional.cross_entropy
    assert loss(x, target) == loss(x, target.to(torch.uint8))
    with pytest.raises(RuntimeError, match="Long or Byte"):
        loss(x, target.to(getattr(torch, dtype)))


def test_pytorch_takes_no_integers_in_the_shape_of_the_logits(torch):
    with pytest.raises(RuntimeError, match="floating point"):
        torch.nn.functional.cross_entropy(torch.zeros(3, 3), torch.eye(3).long())


def test_pytorchs_weighted_mean_of_soft_targets_divides_by_the_samples(torch):
    x, y = torch.tensor(X[0]), torch.tensor(softmax_lab.softmax(X[1]))
    weight = torch.tensor([1.0, 2.0, 4.0, 8.0])
    loss = partial(torch.nn.functional.cross_entropy, x, weight=weight)
    torch.testing.assert_close(loss(y), loss(y, reduction="sum") / 3)
    index = torch.tensor([3, 0, 1])
    expected = loss(index, reduction="sum") / weight[index].sum()
    torch.testing.assert_close(loss(index), expected)


def test_a_loss_is_negative_only_by_mistake(torch):
    functional, x = torch.nn.functional, torch.tensor(X[0])
    y = 3 * torch.rand(x.shape, generator=torch.manual_seed(0))  # no row adds up to 1
    assert (functional.cross_entropy(x, y, reduction="none") > 0).all()
    mistakes = {
        "probabilities for their logarithms": functional.nll_loss(x.softmax(1), torch.arange(3)),
        "a label below 0": functional.cross_entropy(x[:1] * 0, torch.tensor([[-1.0, 0, 0, 0]])),
        "a sigmoid's label above 1": functional.binary_cross_entropy_with_logits(
            torch.tensor([3.0]), torch.tensor([2.0])
        ),
    }
    assert max(mistakes.values()) < 0, mistakes


def test_clipping_spreads_a_nan_to_every_gradient(torch):
    leaf = torch.ones(3, requires_grad=True)
    leaf.grad = torch.tensor([float("nan"), 1.0, 1.0])
    assert torch.nn.utils.clip_grad_norm_([leaf], 1.0).isnan()
    assert leaf.grad.isnan().all()


def test_attention_gives_zeros_for_a_query_that_may_see_nothing(torch):
    x = torch.tensor(X)
    hidden = torch.zeros(3, 3, dtype=torch.bool)
    found = torch.nn.functional.scaled_dot_product_attention(x, x, x, attn_mask=hidden)
    assert (found == 0).all()


def test_every_framework_of_the_table_has_calls_and_is_in_no_case_unknown():
    named = {name for calls in CALLS.values() for name in calls}
    assert named == set(FRAMEWORKS)
    assert {name for case in CASES for name in case.others} <= named
