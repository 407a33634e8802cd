"""Softmax regression: scikit-learn's conventions and scikit-learn's accuracy."""

import builtins
import re

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

import softmax_lab as lab
from softmax_lab.datasets import load_digits


def test_it_finds_the_optimum_that_scikit_learn_finds():
    X, y, X_test, y_test = load_digits()
    ours = lab.SoftmaxRegression(C=1.0, progress=False).fit(X, y)
    theirs = LogisticRegression(C=1.0, tol=1e-8, max_iter=1000).fit(X, y)
    np.testing.assert_allclose(ours.predict_proba(X_test), theirs.predict_proba(X_test), atol=1e-4)
    assert ours.score(X_test, y_test) >= theirs.score(X_test, y_test)
    assert ours.coef_.shape == (10, 64)
    assert ours.intercept_.shape == (10,)
    np.testing.assert_array_equal(ours.classes_, theirs.classes_)


@pytest.mark.parametrize("labels", [["b", "a", "c"], [3, -1, 7], [0.5, 0.25, 1.0], [False, True]])
def test_labels_may_be_anything_that_sorts(labels):
    rng = np.random.default_rng(0)
    which = np.arange(60) % len(labels)
    X = rng.normal(size=(60, 2)) * 0.1 + which[:, None]
    y = np.array(labels)[which]
    model = lab.SoftmaxRegression(C=100, progress=False).fit(X, y)
    np.testing.assert_array_equal(model.classes_, np.unique(y))
    assert model.predict(X).dtype == y.dtype
    assert model.score(X, y) == 1
    p = model.predict_proba(X)
    np.testing.assert_allclose(p.sum(axis=1), 1)
    np.testing.assert_array_equal(model.classes_[p.argmax(axis=1)], model.predict(X))


def test_two_fits_give_the_same_numbers_and_inputs_are_not_changed():
    X = np.random.default_rng(1).normal(size=(50, 3)) * [1, 10, 100] + 1000
    y = X[:, 0] > 1000
    copy = X.copy()
    first, second = (lab.SoftmaxRegression(progress=False).fit(X, y) for _ in range(2))
    np.testing.assert_array_equal(first.coef_, second.coef_)
    np.testing.assert_array_equal(X, copy)
    assert first.score(X, y) > 0.9


def test_it_works_without_tqdm(monkeypatch):
    real = builtins.__import__

    def without_tqdm(name, *rest):
        if name.startswith("tqdm"):
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without_tqdm)
    assert lab.SoftmaxRegression().fit([[0.0], [1.0]], [0, 1]).score([[0.0], [1.0]], [0, 1]) == 1


def test_bad_input_is_named():
    model = lab.SoftmaxRegression(progress=False)
    with pytest.raises(ValueError, match="fit first"):
        model.predict([[1.0]])
    for X, y, words in [
        ([1.0, 2.0], [0, 1], r"\(2,\)"),
        ([[1.0], [np.nan]], [0, 1], "nan"),
        ([[1.0], [2.0]], [0, 1, 1], r"\(3,\)"),
        ([[1.0], [2.0]], [4, 4], "two classes"),
    ]:
        with pytest.raises(ValueError, match=words):
            model.fit(X, y)
    with pytest.raises(ValueError, match="-1"):
        lab.SoftmaxRegression(C=-1).fit([[1.0], [2.0]], [0, 1])
    with pytest.raises(ValueError, match=r"max_iter .* 0"):
        lab.SoftmaxRegression(max_iter=0).fit([[1.0], [2.0]], [0, 1])
    model.fit([[1.0, 0.0], [2.0, 0.0]], [0, 1])
    with pytest.raises(ValueError, match=r"\(1, 3\)"):
        model.predict([[1.0, 2.0, 3.0]])


@pytest.mark.parametrize("y", [0, [[0], [1]], [0, 1, 1]])
def test_the_score_does_not_broadcast_labels(y):
    X = [[1.0], [2.0]]
    model = lab.SoftmaxRegression(progress=False).fit(X, [0, 1])
    with pytest.raises(ValueError, match=re.escape(f"{np.shape(y)}; X (2, 1)")):
        model.score(X, y)
