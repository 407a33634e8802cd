"""The handwritten digits of every chapter: they come with scikit-learn, nothing is downloaded."""

from typing import NamedTuple

import numpy as np


class Digits(NamedTuple):
    """1,797 handwritten digits, split once and for all into training and held-out images.

    Attributes
    ----------
    x_train, x_test : ndarray of float64, shapes (1297, 64) and (500, 64)
        One image a row, 8 × 8 pixels row by row, ink from 0 (white) to 1 (black).
    target_train, target_test : ndarray of int64, shapes (1297,) and (500,)
        The digit that the writer meant, 0 to 9.
    """

    x_train: np.ndarray
    target_train: np.ndarray
    x_test: np.ndarray
    target_test: np.ndarray


def load_digits() -> Digits:
    """Return the digits that ship with scikit-learn, shuffled and split the same way every time.

    Returns
    -------
    Digits
        A named tuple ``(x_train, target_train, x_test, target_test)``.

    Raises
    ------
    ImportError
        Where scikit-learn is missing.

    References
    ----------
    E. Alpaydin and C. Kaynak, "Optical Recognition of Handwritten Digits", UCI Machine Learning
    Repository, 1998. https://doi.org/10.24432/C50P49

    Examples
    --------
    >>> digits = load_digits()
    >>> digits.x_train.shape, digits.x_test.shape
    ((1297, 64), (500, 64))
    """
    try:
        from sklearn.datasets import load_digits as load_bundled
    except ImportError as error:
        raise ImportError(
            'the digits ship with scikit-learn: pip install "softmax-lab[book]"'
        ) from error
    x, target = load_bundled(return_X_y=True)
    # The file is ordered by writer: shuffled, training and held-out images share all writers.
    order = np.random.default_rng(0).permutation(len(x))
    train, test = order[:1297], order[1297:]
    return Digits(x[train] / 16, target[train], x[test] / 16, target[test])
