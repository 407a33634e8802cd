"""Warnings point at the line that called, not into the package.

This is not among the tests of the mutants: how they are called adds frames of its own.
"""

import pytest

import softmax_lab as lab


def test_the_warnings_of_a_fit_point_at_whoever_called_it():
    model = lab.SoftmaxRegression(max_iter=1, tol=1e-12, progress=False)
    with pytest.warns() as caught:
        model.fit([[0.0], [1.0]], [[0], [1]])
    assert len(caught) == 2, "a column of labels, and an optimum that is not reached"
    assert {each.filename for each in caught} == {__file__}
