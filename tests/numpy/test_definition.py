"""A linear layer, the literal formula, and the prediction."""

import numpy as np
import pytest

import softmax_lab as lab


def test_linear_is_a_sum_of_products_plus_the_bias():
    rng = np.random.default_rng(0)
    x, weight, bias = rng.normal(size=(2, 5, 3)), rng.normal(size=(4, 3)), rng.normal(size=4)
    expected = np.einsum("abn,tn->abt", x, weight)
    np.testing.assert_allclose(lab.linear(x, weight), expected, rtol=1e-12)
    np.testing.assert_allclose(lab.linear(x, weight, bias), expected + bias, rtol=1e-12)


@pytest.mark.parametrize(
    ("x", "weight", "bias", "words"),
    [
        (np.zeros((2, 3)), np.zeros((3, 2)), None, r"\(2, 3\).*\(3, 2\)"),
        (np.zeros(3), np.zeros(3), None, "weight"),
        (1.0, np.zeros((2, 3)), None, r"\(\)"),
        (np.zeros(3), np.zeros((2, 3)), np.zeros(3), r"bias .*\(3,\).*\(2,\)"),
        (np.zeros(3), np.zeros((2, 3)), 1.0, "bias"),
    ],
)
def test_shapes_that_do_not_fit_are_named(x, weight, bias, words):
    with pytest.raises(ValueError, match=words):
        lab.linear(x, weight, bias)


def test_naive_softmax_agrees_until_it_overflows():
    x = np.random.default_rng(1).normal(size=(3, 4))
    np.testing.assert_allclose(lab.naive_softmax(x), lab.softmax(x), rtol=1e-14)
    np.testing.assert_allclose(lab.naive_softmax(x, 0), lab.softmax(x, 0), rtol=1e-14)
    for dtype, limit in ((np.float32, 88), (np.float64, 709)):
        assert np.isfinite(lab.naive_softmax(np.array([limit, 0], dtype))).all()
        assert np.isnan(lab.naive_softmax(np.array([limit + 1, 0], dtype))[0])


def test_predict_takes_the_first_of_the_largest():
    assert lab.predict([1.0, 3.0, 3.0]) == 1
    x = np.random.default_rng(2).normal(size=(3, 4, 5))
    np.testing.assert_array_equal(lab.predict(x, 1), lab.predict(lab.softmax(x, 1), 1))
    assert lab.predict([2**53, 2**53 + 1]) == 1, "integers are compared, not their roundings"
    for bad in ([1j, 0], ["a", "b"]):
        with pytest.raises(TypeError, match="logits"):
            lab.predict(bad)


def test_a_layer_of_float16_is_rounded_once():
    x, weight, bias = (np.array(each, np.float16) for each in ([60000], [[2]], [-60000]))
    y = lab.linear(x, weight, bias)
    assert (y.tolist(), y.dtype) == ([60000], np.float16)
