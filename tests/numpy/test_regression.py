"""Softmax regression: scikit-learn's conventions and scikit-learn's accuracy."""

import builtins
import os
import pickle
import re
import subprocess
import sys
import warnings

import numpy as np
import pytest
import sklearn
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_iris, load_wine
from sklearn.datasets import load_digits as sk_digits
from sklearn.exceptions import (
    ConvergenceWarning,
    DataConversionWarning,
    NotFittedError,
    UnsetMetadataPassedError,
)
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import InputTags

import softmax_lab as lab
from softmax_lab.datasets import load_digits
from softmax_lab.numpy.regression import (
    Objective,
    conjugate_gradients,
    line_search,
    newton,
    power_of_two,
)


def test_it_finds_the_optimum_that_scikit_learn_finds():
    X, y, X_test, y_test = load_digits()
    ours = lab.SoftmaxRegression(C=1.0, tol=1e-8, progress=False).fit(X, y)
    theirs = LogisticRegression(C=1.0, tol=1e-8, max_iter=1000).fit(X, y)
    np.testing.assert_allclose(ours.predict_proba(X_test), theirs.predict_proba(X_test), atol=1e-4)
    assert ours.score(X_test, y_test) >= theirs.score(X_test, y_test)
    assert ours.coef_.shape == (10, 64)
    assert ours.intercept_.shape == (10,)
    np.testing.assert_array_equal(ours.classes_, theirs.classes_)


@pytest.mark.parametrize("labels", [["b", "a", "c"], [3, -1, 7], [5.0, 0.0, -3.0], [False, True]])
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


def test_the_parameters_that_it_has_by_default():
    assert lab.SoftmaxRegression().get_params() == {
        "C": 1.0, "class_weight": None, "max_iter": 100, "tol": 1e-6, "progress": True
    }  # fmt: skip


@pytest.mark.parametrize("progress", [True, False])
def test_a_fit_longer_than_a_second_shows_its_steps(monkeypatch, progress):
    shown = []

    def bar(steps, **options):
        shown.append((list(steps), options))
        return steps

    monkeypatch.setattr("tqdm.auto.tqdm", bar)
    lab.SoftmaxRegression(max_iter=9, progress=progress).fit([[0.0], [1.0]], [0, 1])
    expected = [*range(1, 10)], {"desc": "fit", "delay": 1, "leave": False}
    assert shown == ([expected] if progress else [])


def test_the_decision_function_is_made_of_the_logits():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(30, 2)), np.arange(30) % 3
    three = lab.SoftmaxRegression(progress=False).fit(X, y)
    logits = X @ three.coef_.T + three.intercept_
    np.testing.assert_allclose(three.decision_function(X), logits, rtol=1e-12)
    two = lab.SoftmaxRegression(progress=False).fit(X, y > 0)
    odds = two.predict_log_proba(X)
    np.testing.assert_allclose(two.decision_function(X), odds[:, 1] - odds[:, 0], rtol=1e-9)


def test_features_are_measured_in_powers_of_two():
    X = np.array([[0, 1, 3, -4, 1e300, 5e-324], [0, 0.5, -2, 1, 0, 0]])
    expected = [1, 1, 2, 4, 2.0 ** np.floor(np.log2(1e300)), 5e-324]
    np.testing.assert_array_equal(power_of_two(X), expected)


def problem(penalty):
    """An objective of three features, the last of which is 1, and a place to look at it."""
    rng = np.random.default_rng(0)
    data = np.column_stack([rng.normal(size=(7, 2)), np.ones(7)])
    mass = rng.uniform(0.5, 2, size=7)
    return Objective(data, np.arange(7) % 3, 3, mass, np.array(penalty)), rng.normal(size=(3, 3))


@pytest.mark.parametrize("penalty", [[0.5, 2.0, 0.0], [1.0, 1.0, 1.0]])
def test_the_slope_and_the_bend_of_the_objective(penalty):
    objective, weight = problem(penalty)
    losses = [
        np.log(np.exp(weight @ x).sum()) - (weight @ x)[y]
        for x, y in zip(objective.data, objective.target, strict=True)
    ]
    expected = losses @ objective.mass + (penalty * weight**2).sum() / 2
    np.testing.assert_allclose(objective.value(weight), expected, rtol=1e-13)
    gradient, hessian, diagonal = objective.at(weight)
    assert lab.check_gradient(objective.value, gradient, weight)
    direction = weight[::-1] + 1
    slopes = [objective.at(weight + h * direction)[0] for h in (1e-6, -1e-6)]
    change = (slopes[0] - slopes[1]) / 2e-6
    np.testing.assert_allclose(hessian(direction), change, rtol=1e-7, atol=1e-8)
    units = np.eye(9).reshape(9, 3, 3)
    bends = [hessian(unit)[unit == 1][0] for unit in units]
    np.testing.assert_allclose(diagonal.ravel(), bends, rtol=1e-12)


def test_a_feature_that_says_nothing_has_a_bend_to_divide_by():
    objective, weight = problem([0.0, 0.0, 0.0])
    objective.data[:, 0] = 0
    _, _, diagonal = objective.at(weight)
    np.testing.assert_array_equal(diagonal[:, 0], 1e-12 * diagonal.max())
    assert (diagonal[:, 1:] > 1e-3 * diagonal.max()).all()


def counted(matrix):
    """Return the product with a matrix, of arrays (2, 3), and a list of its results."""
    products = []

    def product(v):
        products.append((matrix @ v.ravel()).reshape(v.shape))
        return products[-1]

    return product, products


@pytest.mark.parametrize("size", [1e12, 1.0, *10.0 ** -np.arange(0.5, 9, 0.5), 1e-40])
def test_conjugate_gradients_are_the_more_exact_the_smaller_the_slope(size):
    rng = np.random.default_rng(0)
    root = rng.normal(size=(6, 6))
    matrix = root @ root.T + np.diag(10.0 ** np.arange(6))
    diagonal = np.diag(matrix).reshape(2, 3)
    right = rng.normal(size=(2, 3))
    right *= size / np.sqrt((right**2 / diagonal).sum())
    product, products = counted(matrix)
    x = conjugate_gradients(product, right, diagonal)
    rest = right - (matrix @ x.ravel()).reshape(2, 3)
    error = np.sqrt((rest**2 / diagonal).sum()) / size
    bar = min(0.25, max(1e-8, 0.5 * np.sqrt(size)))
    assert error <= bar * (1 + 1e-6)
    assert len(products) <= (2 if size > 1e-2 else 6), "more exact than asked for"
    shorter, few = counted(matrix)
    conjugate_gradients(shorter, right, diagonal, most=1)
    assert len(few) == 1


def test_units_of_a_diagonal_matrix_take_one_product():
    diagonal = 10.0 ** np.arange(-3, 3).reshape(2, 3)
    product, products = counted(np.diag(diagonal.ravel()))
    right = 1e-9 * np.ones((2, 3))
    np.testing.assert_allclose(conjugate_gradients(product, right, diagonal), right / diagonal)
    assert len(products) == 1


def test_where_nothing_bends_conjugate_gradients_go_downhill():
    right, diagonal = np.array([[1.0, 2.0, 3.0]] * 2), np.full((2, 3), 2.0)
    flat = conjugate_gradients(lambda v: 0 * v, right, diagonal)
    np.testing.assert_array_equal(flat, right / 2)
    bends = np.diag([0.5, 0.0, 0.0, 0.5, 0.0, 0.0])
    product, products = counted(bends)
    half = conjugate_gradients(product, right * [1, 0, 0], diagonal)
    np.testing.assert_allclose(half, right * [2, 0, 0])
    assert len(products) == 1


class Parabola:
    """The square of a number; it counts how often it is asked."""

    shape, asked = (1,), 0

    def value(self, weight):
        self.asked += 1
        return (weight**2).sum()

    def at(self, weight):
        return 2 * weight, lambda v: 2 * v, np.array([2.0])


@pytest.mark.parametrize(
    ("step", "length", "asked"),
    [
        (-1.0, 1.0, 1),
        (-1.9, 1.0, 1),
        (-2.0, 0.5, 2),
        (-3.0, 0.5, 2),
        (-3.999, 0.5, 2),
        (-7.0, 0.25, 3),
        (1.0, 0.0, 34),
    ],
)
def test_a_step_is_halved_until_it_goes_down(step, length, asked):
    parabola, start = Parabola(), np.ones(1)
    found = line_search(parabola, start, 1.0, step, 2 * step if step < 0 else -2.0)
    assert found == (length, (1 + length * step) ** 2)
    assert parabola.asked == asked


def test_rounding_does_not_keep_a_step_from_being_taken():
    class Flat(Parabola):
        def value(self, weight):
            return 1e6 * (1 + 4 * np.finfo(float).eps)

    assert line_search(Flat(), np.ones(1), 1e6, 1e-9, -1e-18)[0] == 1.0
    assert line_search(Flat(), np.ones(1), 1e6 * (1 - 1e-14), 1e-9, -1e-18)[0] == 0.0


def test_newton_is_done_in_one_step_where_the_objective_is_a_parabola():
    class Shifted(Parabola):
        def value(self, weight):
            return super().value(weight - 3)

        def at(self, weight):
            return super().at(weight - 3)

    weight, steps, promise = newton(Shifted(), 1e-6, range(1, 9))
    assert (weight, steps, promise) == (3, 2, 0)
    weight, steps, promise = newton(Shifted(), 1e-6, [1])
    assert (weight, steps, promise) == (3, 1, 1), "half of what the slope alone promises: all of 9"
    weight, steps, promise = newton(Parabola(), 1e-6, range(1, 9))
    assert (weight, steps, promise) == (0, 1, 0), "it begins at the bottom"


def test_few_steps_are_enough():
    for load, most in ((load_iris, 9), (load_wine, 14), (load_breast_cancer, 14)):
        X, y = load(return_X_y=True)
        assert lab.SoftmaxRegression(progress=False).fit(X, y).n_iter_ <= most


def test_bad_input_is_named():
    model = lab.SoftmaxRegression(progress=False)
    with pytest.raises(
        ValueError, match="this SoftmaxRegression is not fitted yet; call fit first"
    ):
        model.predict([[1.0]])
    model.fit([[1.0, 0.0], [2.0, 0.0]], [0, 1])
    with pytest.raises(ValueError, match=r"\(1, 3\)"):
        model.predict([[1.0, 2.0, 3.0]])


@pytest.mark.parametrize("y", [0, [[0], [1]], [0, 1, 1]])
def test_the_score_does_not_broadcast_labels(y):
    X = [[1.0], [2.0]]
    model = lab.SoftmaxRegression(progress=False).fit(X, [0, 1])
    with pytest.raises(ValueError, match=re.escape(f"{np.shape(y)}; X (2, 1)")):
        model.score(X, y)


def test_scikit_learn_s_own_tests_for_estimators_pass_and_none_is_skipped():
    """In a process of its own: SciPy reads SCIPY_ARRAY_API when it is imported."""
    code = """
from sklearn.utils.estimator_checks import check_estimator
from softmax_lab import SoftmaxRegression
checks = check_estimator(SoftmaxRegression(progress=False), on_fail=None, on_skip=None)
assert len(checks) > 50
for check in checks:
    if check["status"] != "passed":
        print(check["check_name"], check["status"], check["exception"])
"""
    shown = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        env=os.environ | {"SCIPY_ARRAY_API": "1"},
        capture_output=True,
        text=True,
    )
    assert shown.returncode == 0, shown.stderr
    assert shown.stdout == ""


def test_scikit_learn_is_not_imported_before_it_asks():
    code = """
import sys, warnings
import softmax_lab as lab
model = lab.SoftmaxRegression(progress=False)
try:
    model.predict([[0.0]])
except ValueError:
    pass
with warnings.catch_warnings(record=True):
    lab.SoftmaxRegression(max_iter=1, tol=1e-12).fit([[0.0], [1.0]], [0, 1])
model.fit([[0.0], [1.0]], [0, 1]).predict_log_proba([[0.0]])
model.set_params(C=2.0), repr(model), model.get_params()
assert "sklearn" not in sys.modules and "pandas" not in sys.modules
model.__sklearn_tags__()
assert "sklearn" in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_it_can_be_cloned_searched_over_and_put_in_a_pipeline():
    X, y = load_iris(return_X_y=True)
    model = lab.SoftmaxRegression(C=3.0, progress=False)
    assert clone(model.fit(X, y)).get_params() == model.get_params()
    pipeline = make_pipeline(StandardScaler(), lab.SoftmaxRegression(progress=False))
    search = GridSearchCV(pipeline, {"softmaxregression__C": [0.001, 1.0]}, cv=3).fit(X, y)
    assert search.best_params_ == {"softmaxregression__C": 1.0}
    assert cross_val_score(pipeline, X, y).mean() > 0.9
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict_proba(X), model.predict_proba(X))


def test_its_repr_has_the_parameters_that_were_set():
    assert repr(lab.SoftmaxRegression()) == "SoftmaxRegression()"
    model = lab.SoftmaxRegression(C=0.5, class_weight={"a": 2}, progress=False)
    assert repr(model) == "SoftmaxRegression(C=0.5, class_weight={'a': 2}, progress=False)"
    with pytest.raises(ValueError, match="SoftmaxRegression has no parameter 'c', only C, class_w"):
        model.set_params(c=1)


def objective(X, y, weight, bias, C=1.0):
    loss = lab.cross_entropy(X @ weight.T + bias, y, reduction="sum")
    return loss + (weight**2).sum() / (2 * C)


def optimum(X, y, C=1.0):
    """What scikit-learn's Newton solver reaches; it penalises two classes half as much."""
    two = y.max() == 1
    theirs = LogisticRegression(C=2 * C if two else C, solver="newton-cg", tol=1e-8, max_iter=10000)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its line search complains where rounding ends it
        theirs.fit(X, y)
    if two:
        weight, bias = theirs.coef_ / 2, theirs.intercept_ / 2
        return objective(X, y, np.vstack([-weight, weight]), np.hstack([-bias, bias]), C)
    return objective(X, y, theirs.coef_, theirs.intercept_, C)


@pytest.mark.parametrize("load", [load_wine, load_breast_cancer, sk_digits, load_iris])
@pytest.mark.parametrize("C", [0.01, 1.0, 100.0])
def test_it_reaches_the_optimum_on_raw_features(load, C):
    X, y = load(return_X_y=True)
    model = lab.SoftmaxRegression(C=C, progress=False).fit(X, y)
    best = optimum(X, y, C)
    assert objective(X, y, model.coef_, model.intercept_, C) <= 1.001 * best


@pytest.mark.parametrize("scale", [1e-6, 1e-3, 1e3, 1e6])
def test_without_a_penalty_units_and_offsets_of_the_features_change_nothing(scale):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(200, 2)), rng.integers(3, size=200)
    moved = X * [scale, 1] + [1e3 * scale, -1e3]
    free = lab.SoftmaxRegression(C=np.inf, tol=1e-10, progress=False)
    p, again = free.fit(X, y).predict_proba(X), free.fit(moved, y).predict_proba(moved)
    np.testing.assert_allclose(again, p, atol=1e-6)


def test_it_warns_where_the_optimum_is_not_reached_and_says_what_to_do():
    X, y = load_wine(return_X_y=True)
    says = r"step 3 still .* above tol = 1e-06\. Scale .* deviation\), raise max_iter, or lower C$"
    with pytest.warns(ConvergenceWarning, match=says):
        model = lab.SoftmaxRegression(max_iter=3, progress=False).fit(X, y)
    assert model.n_iter_ == 3


def test_its_tags_are_those_of_a_classifier_of_scikit_learn():
    ours, theirs = (
        lab.SoftmaxRegression().__sklearn_tags__(),
        LogisticRegression().__sklearn_tags__(),
    )
    assert ours.estimator_type == theirs.estimator_type == "classifier"
    assert ours.target_tags == theirs.target_tags
    assert ours.classifier_tags == theirs.classifier_tags
    assert ours.input_tags == InputTags()


def test_without_scikit_learn_errors_and_warnings_are_python_s_own(monkeypatch):
    monkeypatch.delitem(sys.modules, "sklearn.exceptions")
    with pytest.raises(ValueError, match="fit first") as caught:
        lab.SoftmaxRegression().predict([[1.0]])
    assert caught.type is ValueError
    hasty = lab.SoftmaxRegression(max_iter=1, tol=1e-12, progress=False)
    with pytest.warns() as caught:
        hasty.fit(TWO, [[0], [1]])
    assert [each.category for each in caught] == [UserWarning, RuntimeWarning]


def test_it_is_scikit_learn_s_kind_of_not_fitted():
    with pytest.raises(NotFittedError, match="fit first"):
        lab.SoftmaxRegression().predict_log_proba([[1.0]])


def test_a_weight_counts_as_so_many_samples():
    rng = np.random.default_rng(0)
    X, y, times = rng.normal(size=(60, 3)), np.arange(60) % 3, rng.integers(0, 4, size=60)
    settings = {"progress": False, "tol": 1e-10}
    weighted = lab.SoftmaxRegression(**settings).fit(X, y, sample_weight=times)
    X_all, y_all = np.repeat(X, times, axis=0), np.repeat(y, times)
    repeated = lab.SoftmaxRegression(**settings).fit(X_all, y_all)
    np.testing.assert_allclose(weighted.coef_, repeated.coef_, atol=1e-8)
    score = weighted.score(X, y, sample_weight=times)
    assert score == pytest.approx(repeated.score(X_all, y_all))
    assert weighted.score(X, y, sample_weight=2) == weighted.score(X, y)
    settings["class_weight"] = "balanced"
    weighted = lab.SoftmaxRegression(**settings).fit(X, y, sample_weight=times)
    repeated = lab.SoftmaxRegression(**settings).fit(X_all, y_all)
    np.testing.assert_allclose(weighted.coef_, repeated.coef_, atol=1e-8)


def test_a_class_weight_weighs_its_samples():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(60, 3)), np.array(["a"] * 40 + ["b"] * 15 + ["c"] * 5)
    settings = {"progress": False, "tol": 1e-10}
    by_class = lab.SoftmaxRegression(class_weight={"b": 3.0}, **settings).fit(X, y)
    by_sample = lab.SoftmaxRegression(**settings).fit(X, y, np.where(y == "b", 3.0, 1.0))
    np.testing.assert_allclose(by_class.coef_, by_sample.coef_, atol=1e-8)
    ours = lab.SoftmaxRegression(class_weight="balanced", **settings).fit(X, y)
    theirs = LogisticRegression(class_weight="balanced", tol=1e-10, max_iter=1000).fit(X, y)
    np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), atol=1e-5)


def test_log_probabilities_stay_finite_where_probabilities_are_0():
    model = lab.SoftmaxRegression(progress=False).fit([[0.0], [1.0]], [0, 1])
    far = model.predict_log_proba([[1e6]])
    assert np.isfinite(far).all()
    assert model.predict_proba([[1e6]])[0, 0] == 0
    near = [[0.3]]
    np.testing.assert_allclose(np.exp(model.predict_log_proba(near)), model.predict_proba(near))


class Frame(np.ndarray):
    """Samples with the names of their features, as a data frame has them."""

    def __new__(cls, samples, columns):
        frame = np.array(samples, float).view(cls)
        frame.columns = list(columns)
        return frame


def test_names_that_differ_from_those_of_fit_are_named():
    X = Frame([[0.0, 1.0, 2.0], [1.0, 3.0, 0.0]], "abc")
    model = lab.SoftmaxRegression(progress=False).fit(X, [0, 1])
    assert model.feature_names_in_.tolist() == X.columns
    assert model.feature_names_in_.dtype == object
    assert model.n_features_in_ == 3
    said = "The feature names should match those that were passed during fit.\n"
    unseen = "Feature names unseen at fit time:\n"
    missing = "Feature names seen at fit time, yet now missing:\n"
    for columns, differ in [
        ("cba", "Feature names must be in the same order as they were in fit.\n"),
        ("xby", f"{unseen}- x\n- y\n{missing}- a\n- c\n"),
        ("abcd", f"{unseen}- d\n"),
        ("c", f"{missing}- a\n- b\n"),
    ]:
        with pytest.raises(ValueError, match=f"^{re.escape(said + differ)}$"):
            model.predict(Frame(np.zeros((1, len(columns))), columns))
    expected = model.predict(np.array(X))
    np.testing.assert_array_equal(model.predict(X), expected)
    with pytest.raises(TypeError, match=r"^Feature names are only .* X has columns \['a', 1\]$"):
        model.fit(Frame(np.zeros((2, 2)), ["a", 1]), [0, 1])
    for nameless in (np.array(X), Frame(X, range(3))):
        model.fit(X, [0, 1]).fit(nameless, [0, 1])
        assert not hasattr(model, "feature_names_in_")
        np.testing.assert_array_equal(model.predict(X), expected)


def test_columns_of_pandas_are_names():
    pd = pytest.importorskip("pandas")
    X = pd.DataFrame([[0.0, 1.0], [1.0, 3.0]], columns=["a", "b"])
    model = lab.SoftmaxRegression(progress=False).fit(X, [0, 1])
    assert list(model.feature_names_in_) == ["a", "b"]
    with pytest.raises(ValueError, match="same order"):
        model.predict(X[["b", "a"]])


TWO = [[0.0], [1.0]]


LABELS = "y must hold labels, "
MISSING = LABELS + "but some are missing: None, NaN, NaT or NA"
DATES = np.array([["2020-01-01"], ["2020-01-02"]], "M8[D]")
TEXTS = np.array([["0"], ["1"]], object)
REFUSED = [
    (TWO, [4, 4], {}, "y must hold at least two classes, but has 1 class: [4]"),
    (
        np.empty((0, 1)),
        [],
        {},
        "X has 0 sample(s) (shape=(0, 1)) while a minimum of 1 is required.",
    ),
    (
        np.empty((2, 0)),
        [0, 1],
        {},
        "X has 0 feature(s) (shape=(2, 0)) while a minimum of 1 is required.",
    ),
    (
        [1.0, 2.0],
        [0, 1],
        {},
        "X must be (n, n_features), but its shape is (2,). Reshape your data: X.reshape(-1, 1) for "
        "one feature, X.reshape(1, -1) for one sample",
    ),
    ([[0.0], [np.inf]], [0, 1], {}, "X must be finite, but it holds nan or inf"),
    (
        np.array([[1j], [2.0]]),
        [0, 1],
        {},
        "Complex data not supported: X must be real, but its dtype is complex128",
    ),
    (
        [["0"], ["1"]],
        [0, 1],
        {},
        "X must hold real numbers, but its dtype is <U1: convert it first",
    ),
    (
        DATES,
        [0, 1],
        {},
        "X must hold real numbers, but its dtype is datetime64[D]: convert it first",
    ),
    (
        DATES - DATES[0],
        [0, 1],
        {},
        "X must hold real numbers, but its dtype is timedelta64[D]: convert it first",
    ),
    (TEXTS, [0, 1], {}, "X must hold real numbers, but it holds '0'"),
    (TWO, [0, 1, 1], {}, "y has shape (3,); X (2, 1) asks for (2,)"),
    (TWO, [0.0, np.nan], {}, LABELS + "but it holds nan or inf"),
    (TWO, [0j, 1j], {}, LABELS + "but its dtype is complex128"),
    (TWO, np.array(["a", None], object), {}, MISSING),
    (TWO, np.array(["NaT", "2020"], "M8[Y]"), {}, MISSING),
    (TWO, np.array(["NaT", 1], "m8[s]"), {}, MISSING),
    (
        TWO,
        [0.5, 1.2],
        {},
        "Unknown label type: continuous. y must hold classes, but it holds 0.5, which looks like a "
        "measurement: round it, or make the labels strings",
    ),
    (TWO, None, {}, "fit requires y to be passed, but the target y is None"),
    (
        TWO,
        [0, 1],
        {"sample_weight": [1.0, -1.0]},
        "sample_weight must be finite and not below 0",
    ),
    (
        TWO,
        [0, 1],
        {"sample_weight": [1.0, np.inf]},
        "sample_weight must be finite and not below 0",
    ),
    (
        TWO,
        [0, 1],
        {"sample_weight": [1.0]},
        "sample_weight has shape (1,); X (2, 1) asks for (2,)",
    ),
    (
        TWO,
        [0, 1],
        {"sample_weight": [0.0, 0.0]},
        "sample_weight must not be zero for all samples",
    ),
    (TWO, [0, 1], {"sample_weight": [1e308, 1e308]}, "sample_weight must have a finite sum"),
    (
        TWO,
        [0, 1],
        {"sample_weight": [1.0, 0.0]},
        "y must hold at least two classes, but has 1 class: [0]",
    ),
    (
        TWO,
        [0, 1],
        {"sample_weight": np.array(["1", 1], object)},
        "sample_weight must hold real numbers, but it holds '1'",
    ),
    (TWO, [0, 1], {"C": 0}, "C must be above 0, but it is 0.0"),
    (TWO, [0, 1], {"C": np.nan}, "C must be above 0, but it is nan"),
    (TWO, [0, 1], {"tol": -1}, "tol must be above 0, but it is -1.0"),
    (TWO, [0, 1], {"max_iter": 0.5}, "max_iter must be at least 1, but it is 0.5"),
    (TWO, [0, 1], {"max_iter": 1.5}, "max_iter must be a whole number, but it is 1.5"),
    (TWO, [0, 1], {"max_iter": np.inf}, "max_iter must be a whole number, but it is inf"),
    (
        TWO,
        [0, 1],
        {"class_weight": "balance"},
        "class_weight must be None, 'balanced' or a dict, but it is 'balance'",
    ),
    (TWO, [0, 1], {"class_weight": {7: 1}}, "class_weight names 7, which is no class of [0 1]"),
    (
        TWO,
        [0, 1],
        {"class_weight": {0: -1}},
        "class_weight must be finite and not below 0, but it is {0: -1}",
    ),
    (
        TWO,
        [0, 1],
        {"class_weight": {0: 0, 1: 0}},
        "class_weight and sample_weight leave no class that counts",
    ),
    (
        TWO,
        [0, 1],
        {"class_weight": {0: 1e200}, "sample_weight": [1e200, 1]},
        "class_weight times sample_weight must have a finite sum, but 1e+200 is too large a weight "
        "for a class",
    ),
]


@pytest.mark.parametrize(("X", "y", "more", "says"), REFUSED)
def test_a_fit_that_is_refused_leaves_the_model_as_it_was(X, y, more, says):
    model = lab.SoftmaxRegression(progress=False).fit([[0.0, 1.0], [1.0, 0.0]], ["a", "b"])
    before = model.predict_proba([[0.0, 1.0]])
    model.set_params(**{name: value for name, value in more.items() if name != "sample_weight"})
    with pytest.raises(ValueError, match=f"^{re.escape(says)}$"):
        model.fit(X, y, sample_weight=more.get("sample_weight"))
    np.testing.assert_array_equal(model.predict_proba([[0.0, 1.0]]), before)
    assert model.predict([[0.0, 1.0]]).tolist() == ["a"]


def test_classes_that_a_line_separates_are_separated():
    X = np.linspace(-1, 1, 40)[:, None] + 1e4
    y = X[:, 0] > 1e4
    assert lab.SoftmaxRegression(C=1e10, progress=False).fit(X, y).score(X, y) == 1


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("C", [1.0, np.inf])
@pytest.mark.parametrize("weight", [1e20, 1e50, 1e200, 1e300, 1e-310])
def test_no_weights_leave_nan(C, weight):
    """Where one class outweighs the others by more digits than float64 has, or all but vanish."""
    X, y = np.random.default_rng(0).normal(size=(30, 2)), np.arange(30) % 3
    for class_weight in ({0: weight}, dict.fromkeys(range(3), weight)):
        with np.errstate(all="raise"):
            model = lab.SoftmaxRegression(C, class_weight=class_weight, progress=False).fit(X, y)
        assert np.isfinite(model.coef_).all()
        assert np.isfinite(model.intercept_).all()


def test_where_there_is_no_optimum_it_warns():
    """Without a penalty, classes that a line separates want infinite weights."""
    X, y = [[-1.0], [1.0]], [0, 1]
    with pytest.warns(ConvergenceWarning, match="lower C"):
        assert lab.SoftmaxRegression(C=np.inf, progress=False).fit(X, y).score(X, y) == 1


@pytest.mark.parametrize(
    ("X", "y", "more", "says"),
    [
        ([[{"a": 1}], [1.0]], [0, 1], {}, "X must hold real numbers: .*argument must be"),
        (
            sparse.eye_array(2),
            [0, 1],
            {},
            r"X is a sparse matrix, but it must be dense: pass X\.toarray\(\)$",
        ),
        (np.ma.masked_equal(TWO, 0), [0, 1], {}, "X has masked entries"),
        (TWO, np.ma.masked_equal([0, 1], 0), {}, "y has masked entries"),
        (TWO, np.array(["a", 1], object), {}, "y must hold labels of one kind"),
        (TWO, [0, 1], {"class_weight": {0: "2"}}, "class_weight must be a real number"),
        (TWO, [0, 1], {"class_weight": {0: 1j}}, "class_weight must be a real number"),
        (TWO, [0, 1], {"C": True}, "C must be a real number"),
        (TWO, [0, 1], {"tol": "a"}, "tol must be a real number"),
        (TWO, [0, 1], {"max_iter": None}, "max_iter must be a real number"),
        (
            TWO,
            [0, 1],
            {"sample_weight": ["1", "2"]},
            "sample_weight must hold numbers, but its dtype is <U1",
        ),
        (
            TWO,
            [0, 1],
            {"sample_weight": np.ma.masked_equal([0, 1], 0)},
            "sample_weight has masked entries",
        ),
    ],
)
def test_what_is_of_the_wrong_type_is_named(X, y, more, says):
    weight = more.pop("sample_weight", None)
    with pytest.raises(TypeError, match=f"^{says}"):
        lab.SoftmaxRegression(progress=False, **more).fit(X, y, weight)


def test_labels_and_samples_to_score_are_named_too():
    model = lab.SoftmaxRegression(progress=False).fit(TWO, [0, 1])
    with pytest.raises(TypeError, match="y has masked entries"):
        model.score(TWO, np.ma.masked_equal([0, 1], 0))
    with pytest.raises(ValueError, match="y has shape"):
        model.score(TWO, [0])
    with pytest.raises(ValueError, match="X has 2 features, but SoftmaxRegression is expecting 1 "):
        model.predict([[0.0, 1.0]])


def test_a_column_of_labels_is_flattened_with_a_warning():
    flat = lab.SoftmaxRegression(progress=False).fit(TWO, [0, 1])
    says = r"^A column-vector y was passed when a 1d array was expected: pass y\.ravel\(\)$"
    with pytest.warns(DataConversionWarning, match=says):
        column = lab.SoftmaxRegression(progress=False).fit(TWO, [[0], [1]])
    np.testing.assert_array_equal(column.coef_, flat.coef_)


def test_a_missing_label_of_pandas_is_named():
    pd = pytest.importorskip("pandas")
    with pytest.raises(ValueError, match="y must hold labels, but some are missing"):
        lab.SoftmaxRegression().fit(TWO, pd.Series(["a", None], dtype="string"))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("scale", [1e-150, 1e-12, 1e12, 1e150, 1e300])
def test_features_of_any_size_that_a_float_holds(scale):
    """Too small to be worth their penalty, or so large that it does not count."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(60, 3)), np.arange(60) % 3
    with np.errstate(all="raise"):
        model = lab.SoftmaxRegression(progress=False).fit(X * scale, y)
    if scale < 1:
        expected = (np.eye(3)[y] - 1 / 3).T @ (X - X.mean(axis=0)) * scale
        np.testing.assert_allclose(model.coef_, expected, rtol=1e-6)
    else:
        free = lab.SoftmaxRegression(C=np.inf, progress=False).fit(X, y)
        p = free.predict_proba(X)
        np.testing.assert_allclose(model.predict_proba(X * scale), p, atol=1e-6)


def test_features_that_differ_as_floats_can_raise_no_floating_point_error():
    X, y = [[5e-324, 1e308], [0.0, -1e308], [1e-323, 0.0], [0.0, 3.0]], [0, 0, 1, 1]
    with np.errstate(all="raise"):
        model = lab.SoftmaxRegression(progress=False).fit(X, y)
        model.coef_, model.intercept_ = np.array([[-0.8], [0.8]]), np.zeros(2)
        model.n_features_in_ = 1
        assert model.decision_function([[1.7e308]]) == np.inf


def test_sample_weights_are_routed_by_scikit_learn():
    X, y = load_iris(return_X_y=True)
    weight = np.arange(150) % 3
    with sklearn.config_context(enable_metadata_routing=True):
        pipeline = make_pipeline(StandardScaler(), lab.SoftmaxRegression()).fit(X, y)
        assert pipeline.score(X, y) > 0.9
        with pytest.raises(UnsetMetadataPassedError, match="sample_weight"):
            pipeline.fit(X, y, sample_weight=weight)
        model = lab.SoftmaxRegression().set_fit_request(sample_weight="times")
        model.set_score_request(sample_weight=False)
        pipeline = make_pipeline(StandardScaler(), clone(model)).fit(X, y, times=weight)
    expected = lab.SoftmaxRegression().fit(StandardScaler().fit_transform(X), y, weight)
    np.testing.assert_array_equal(pipeline[-1].coef_, expected.coef_)
