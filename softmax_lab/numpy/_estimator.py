"""What scikit-learn expects of an estimator, without importing scikit-learn before it asks."""

import inspect
import sys
import warnings

import numpy as np

from softmax_lab.numpy._arguments import as_array, as_number


def sklearns(name, otherwise):
    """Return scikit-learn's exception or warning of a name, if anyone here has imported it.

    Whoever catches it by that name has.
    """
    return getattr(sys.modules.get("sklearn.exceptions"), name, otherwise)


class Estimator:
    """Parameters that can be read, set and printed, and features that are recognised."""

    @classmethod
    def _parameters(cls):
        return [*inspect.signature(cls).parameters.values()]

    def get_params(self, deep: bool = True) -> dict:
        """Return the constructor's parameters by name; `deep` changes nothing here."""
        return {p.name: getattr(self, p.name) for p in self._parameters()}

    def set_params(self, **params):
        """Set parameters of the constructor by name. Returns the model."""
        known = self.get_params()
        for name in params:
            if name not in known:
                raise ValueError(
                    f"{type(self).__name__} has no parameter {name!r}, only {', '.join(known)}"
                )
        vars(self).update(params)
        return self

    def __repr__(self):
        changed = [
            f"{p.name}={getattr(self, p.name)!r}"
            for p in self._parameters()
            if repr(getattr(self, p.name)) != repr(p.default)
        ]
        return f"{type(self).__name__}({', '.join(changed)})"

    def __sklearn_tags__(self):
        from sklearn.utils import ClassifierTags, Tags, TargetTags

        return Tags(
            estimator_type="classifier",
            target_tags=TargetTags(required=True),
            classifier_tags=ClassifierTags(),
        )

    def get_metadata_routing(self):
        """Return what scikit-learn may hand on: `sample_weight`, to the methods that ask for it."""
        if hasattr(self, "_metadata_request"):
            return self._metadata_request
        from sklearn.utils.metadata_routing import MetadataRequest

        request = MetadataRequest(owner=type(self).__name__)
        for method in (request.fit, request.score):
            method.add_request(param="sample_weight", alias=None)
        return request

    def set_fit_request(self, *, sample_weight: bool | str | None):
        """Say if `fit` is to be handed `sample_weight`, and by what name. Returns the model."""
        return self._set_request("fit", sample_weight)

    def set_score_request(self, *, sample_weight: bool | str | None):
        """Say if `score` is to be handed `sample_weight`, and by what name. Returns the model."""
        return self._set_request("score", sample_weight)

    def _set_request(self, method, alias):
        request = self.get_metadata_routing()
        getattr(request, method).add_request(param="sample_weight", alias=alias)
        self._metadata_request = request  # which scikit-learn's clone copies
        return self

    def _check_fitted(self):
        if not hasattr(self, "classes_"):
            kind, name = sklearns("NotFittedError", ValueError), type(self).__name__
            raise kind(f"this {name} is not fitted yet; call fit first")

    def _new_samples(self, X):
        """Return samples that `fit` did not see, if they have its features in its order."""
        self._check_fitted()
        names, fitted = feature_names(X), getattr(self, "feature_names_in_", None)
        X = check_samples(X)
        if names is not None and fitted is not None and list(names) != list(fitted):
            raise ValueError(names_differ(names, fitted))
        if X.shape[1] != self.n_features_in_:
            raise ValueError(
                f"X has {X.shape[1]} features, but {type(self).__name__} is expecting "
                f"{self.n_features_in_} features as input: X {X.shape} asks for the features of fit"
            )
        return X


def feature_names(X):
    """Return the names of a data frame's columns, or None if they are not all strings."""
    names = np.asarray(getattr(X, "columns", []), dtype=object)
    strings = [isinstance(name, str) for name in names]
    if any(strings) and not all(strings):
        raise TypeError(
            "Feature names are only supported if all input features have string names, but X has "
            f"columns {list(names)}"
        )
    return names if any(strings) else None


def names_differ(names, fitted):
    """Say how the names of features differ from those that fit has seen."""
    said = "The feature names should match those that were passed during fit.\n"
    unseen, missing = sorted(set(names) - set(fitted)), sorted(set(fitted) - set(names))
    if unseen:
        said += "Feature names unseen at fit time:\n" + "".join(f"- {n}\n" for n in unseen)
    if missing:
        said += "Feature names seen at fit time, yet now missing:\n"
        said += "".join(f"- {n}\n" for n in missing)
    if not unseen and not missing:
        said += "Feature names must be in the same order as they were in fit.\n"
    return said


def check_samples(X):
    """Return samples (n, n_features) in float64, or raise an error that says what is wrong."""
    X = as_array(X, "X")
    if X.dtype.kind == "c":
        raise ValueError(f"Complex data not supported: X must be real, but its dtype is {X.dtype}")
    if X.dtype.kind in "USTmM":
        raise ValueError(f"X must hold real numbers, but its dtype is {X.dtype}: convert it first")
    X = as_floats(X, "X")
    if X.ndim != 2:
        raise ValueError(
            f"X must be (n, n_features), but its shape is {X.shape}. Reshape your data: "
            "X.reshape(-1, 1) for one feature, X.reshape(1, -1) for one sample"
        )
    for count, what in zip(X.shape, ("sample(s)", "feature(s)"), strict=True):
        if count == 0:
            raise ValueError(f"X has 0 {what} (shape={X.shape}) while a minimum of 1 is required.")
    if not np.isfinite(X).all():
        raise ValueError("X must be finite, but it holds nan or inf")
    return X


def as_floats(x, name):
    """Return an array in float64. An array of objects may hold numbers, but no text."""
    texts = [each for each in x.flat if isinstance(each, str | bytes)] if x.dtype == object else []
    if texts:
        raise ValueError(f"{name} must hold real numbers, but it holds {texts[0]!r}")
    try:
        return x.astype(np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise type(error)(f"{name} must hold real numbers: {error}") from error


def is_missing(label):
    """Return whether a label is None, or does not equal itself: NaN, NaT, NA."""
    same = label is not None and label == label
    return not (isinstance(same, bool | np.bool_) and same)


def check_labels(y, X):
    """Return labels (n,), or raise ValueError if they are not one for each sample in X."""
    if y is None:
        raise ValueError("fit requires y to be passed, but the target y is None")
    y, asked = as_array(y, "y"), np.shape(X)[:1]
    if y.shape != asked:
        raise ValueError(f"y has shape {y.shape}; X {np.shape(X)} asks for {asked}")
    if y.dtype.kind == "c":
        raise ValueError(f"y must hold labels, but its dtype is {y.dtype}")
    if y.dtype.kind == "f" and not np.isfinite(y).all():
        raise ValueError("y must hold labels, but it holds nan or inf")
    if y.dtype.kind in "mMO" and any(map(is_missing, y)):
        raise ValueError("y must hold labels, but some are missing: None, NaN, NaT or NA")
    return y


def check_classes(y, X):
    """Return labels (n,) to learn from: a column is flattened with a warning, as elsewhere."""
    y = None if y is None else as_array(y, "y")
    if y is not None and y.shape == (len(X), 1):
        warnings.warn(
            "A column-vector y was passed when a 1d array was expected: pass y.ravel()",
            sklearns("DataConversionWarning", UserWarning),
            stacklevel=3,
        )
        y = y.ravel()
    y = check_labels(y, X)
    broken = y[y != np.floor(y)] if y.dtype.kind == "f" else y[:0]
    if broken.size:
        raise ValueError(
            f"Unknown label type: continuous. y must hold classes, but it holds {broken[0]}, which "
            "looks like a measurement: round it, or make the labels strings"
        )
    return y


def check_sample_weight(weight, X):
    """Return one weight a sample, none negative and some positive."""
    if weight is None:
        return np.ones(len(X))
    weight = as_array(weight, "sample_weight")
    if weight.dtype.kind not in "biufO":
        raise TypeError(f"sample_weight must hold numbers, but its dtype is {weight.dtype}")
    weight = as_floats(weight, "sample_weight")
    if weight.ndim == 0:
        weight = np.full(len(X), weight)
    if weight.shape != (len(X),):
        raise ValueError(
            f"sample_weight has shape {weight.shape}; X {X.shape} asks for {(len(X),)}"
        )
    if not (np.isfinite(weight) & (weight >= 0)).all():
        raise ValueError("sample_weight must be finite and not below 0")
    if not weight.any():
        raise ValueError("sample_weight must not be zero for all samples")
    with np.errstate(over="ignore"):
        if not np.isfinite(weight.sum()):
            raise ValueError("sample_weight must have a finite sum")
    return weight


def class_weights(class_weight, classes, target, mass):
    """Return a weight for each class: 1, those of a dict, or as much as makes all weigh the same.

    `mass` is the weight of each sample, `target` the index of its class.
    """
    if class_weight is None:
        return np.ones(len(classes))
    if isinstance(class_weight, str) and class_weight == "balanced":
        return mass.sum() / (len(classes) * np.bincount(target, mass))
    if not isinstance(class_weight, dict):
        raise ValueError(
            f"class_weight must be None, 'balanced' or a dict, but it is {class_weight!r}"
        )
    unknown = [label for label in class_weight if label not in classes.tolist()]
    if unknown:
        raise ValueError(f"class_weight names {unknown[0]!r}, which is no class of {classes}")
    weights = np.array(
        [as_number(class_weight.get(label, 1.0), "class_weight") for label in classes.tolist()]
    )
    if not (np.isfinite(weights) & (weights >= 0)).all():
        raise ValueError(f"class_weight must be finite and not below 0, but it is {class_weight}")
    return weights
