"""One fold: what is fitted, noted and voted."""

import time

import numpy as np
import pandas as pd
import pytest
from conftest import tiny_classifier
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.dummy import DummyClassifier
from sklearn.model_selection import GroupKFold, KFold, PredefinedSplit
from sklearn.pipeline import make_pipeline

from mne_sst import FeatureExtractor, SSTClassifier
from mne_sst.evaluation import LeaveOneSubjectOut, compare, evaluate, markdown_table
from mne_sst.evaluation.baselines import NAMES, baselines, spectral_vector
from mne_sst.report import make_report


class Told(ClassifierMixin, BaseEstimator):
    """Says what it was told: column 0 is the class, column 1 the confidence in it."""

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return self.classes_[X[:, 0].astype(int)]

    def predict_proba(self, X):
        time.sleep(0.2)
        sure = np.where(X[:, 0] == 1, X[:, 1], 1 - X[:, 1])
        return np.column_stack([1 - sure, sure])


def test_vote_and_chance_by_hand():
    """Two windows of each trial are wrong but unsure, one is right and sure."""
    y = np.repeat(["a", "b", "a", "b"], 3)
    X = np.zeros((12, 2))
    X[:, 1] = np.tile([0.55, 0.55, 0.95], 4)
    right = np.repeat([0, 1, 0, 1], 3)
    X[:, 0] = np.where(np.tile([0, 0, 1], 4), right, 1 - right)
    # The last trial has one class only on its side, and no sure window.
    X[-1] = [0, 0.55]
    groups = pd.DataFrame({"subject": 1, "session": 1, "trial": np.repeat([1, 2, 3, 4], 3)})
    protocol = PredefinedSplit(np.repeat([-1, -1, 0, 0], 3))
    common = dict(y=y, protocol=protocol, groups=groups)
    (row,) = evaluate({"told": Told()}, X, **common).to_dict("records")
    assert row["accuracy"] == pytest.approx(1 / 6)
    assert row["n_trials"] == 2
    assert row["trial_accuracy"] == 0.5
    assert row["chance"] == 0.5
    assert row["predict_s"] < 0.1  # without the probabilities for the vote
    (row,) = evaluate({"told": Told()}, X, chance="permutation", **common).to_dict("records")
    # a: one of 6 predictions, b: five; half of the windows are of each.
    assert row["chance"] == pytest.approx(0.5, abs=0.02)
    y[9:] = "a"
    (row,) = evaluate({"told": Told()}, X, chance="permutation", **common).to_dict("records")
    assert row["chance"] == pytest.approx((X[6:, 0] == 0).mean(), abs=0.02)
    assert row["accuracy"] != row["chance"]


def test_smoothing_inside_an_estimator_is_marked(epochs, y):
    smooth = FeatureExtractor(smoothing="moving_average", trial=["subject", "session", "trial"])
    row = DummyClassifier()
    models = {
        "plain": make_pipeline(FeatureExtractor(), row),
        "smoothed": make_pipeline(smooth, row),
        "inside": tiny_classifier(features=smooth, max_epochs=1),
    }
    table = evaluate(models, epochs, y, protocol=LeaveOneSubjectOut())
    marked = table.groupby("estimator", sort=False)["transductive"].all()
    assert marked.to_dict() == {"plain": False, "smoothed": True, "inside": True}


def test_validation_part_inside_a_pipeline(epochs, y):
    clf = tiny_classifier(max_epochs=1, validation_fraction=0.5)
    seen = []

    class Noting(SSTClassifier):
        def fit(self, X, y=None, groups=None):
            seen.append(groups)
            return super().fit(X, y, groups)

    noting = Noting(**clf.get_params())
    table = evaluate(
        {"pipeline": make_pipeline(FeatureExtractor(), noting)},
        epochs,
        y,
        protocol=LeaveOneSubjectOut(),
    )
    assert (table["n_validation"] > 0).all()
    n_here = table["n_train"] + table["n_validation"] + table["n_test"]
    assert (n_here == len(epochs)).all()
    assert all(
        len(groups) == n for groups, n in zip(seen, len(epochs) - table["n_test"], strict=True)
    )


@pytest.mark.parametrize("name", [n for n in NAMES if n != "riemann"])
def test_baselines_take_the_de_of_epochs(name, epochs, y):
    features = FeatureExtractor(reference="average", verbose=False).transform(epochs)
    models = {**baselines([name])}
    models[name].set_params(**({"max_epochs": 2} if name == "dgcnn" else {}))
    common = dict(y=y, protocol=LeaveOneSubjectOut())
    of_epochs = evaluate(models, epochs, **common)
    assert (
        of_epochs["confusion"].to_list()
        == evaluate(models, features, **common)["confusion"].to_list()
    )


def test_rows_of_de(epochs, features):
    n_values = features.spectral[0].size
    listed = [epochs[i] for i in range(3)]
    assert spectral_vector(epochs).shape == (len(epochs), n_values)
    np.testing.assert_allclose(spectral_vector(listed), spectral_vector(epochs)[:3])
    assert spectral_vector(np.zeros((4, 3, 2))).shape == (4, 6)


def test_splitters_that_use_no_groups_are_checked_by_a_table(features, y):
    X, table = features.spectral, features.metadata
    with pytest.raises(ValueError, match="come from one trial"):
        evaluate(DummyClassifier(), X, y, protocol=KFold(2, shuffle=True), groups=table)
    assert len(evaluate(DummyClassifier(), X, y, protocol=KFold(2))) == 2
    with pytest.raises(ValueError, match="GroupKFold needs groups="):
        evaluate(DummyClassifier(), features, y, protocol=GroupKFold(2))


def test_fair_is_compared_with_fair(features, y):
    knn = make_pipeline(*baselines(["knn"])["knn"])
    models = {"a": knn, "b": DummyClassifier(), "c": DummyClassifier(strategy="uniform")}
    common = dict(y=y, protocol=LeaveOneSubjectOut())
    fair = evaluate(models, features, **common)
    unfair = evaluate(models, features, standardize="subject", **common)
    both = pd.concat([fair, unfair], ignore_index=True)
    both.attrs = fair.attrs
    tests = compare(both)
    assert tests["transductive"].to_list() == [False] * 3 + [True] * 3
    pd.testing.assert_frame_equal(tests[:3], compare(fair))
    assert list(compare(both, reference="b")["b"]) == ["b"] * 4
    assert "| chance |" in markdown_table({"x": fair})
    assert "chance" not in markdown_table({"x": fair}, "trial_accuracy")


class Halves:
    """A splitter of one's own: it knows nothing of scikit-learn's routing."""

    def split(self, X, y=None, groups=None):
        groups = np.asarray(groups)
        for value in np.unique(groups):
            yield np.flatnonzero(groups != value), np.flatnonzero(groups == value)


def test_a_splitter_of_ones_own_gets_its_groups(features, y):
    subject = features.metadata["subject"].to_numpy()
    table = evaluate(DummyClassifier(), features, y, protocol=Halves(), groups=subject)
    assert table["n_test"].to_list() == [24, 24]


def test_one_estimator_in_two_ways_is_no_comparison(features, y):
    clf = tiny_classifier(max_epochs=1)
    common = dict(y=y, protocol=LeaveOneSubjectOut(), selection="best-on-test")
    table = evaluate({"sst": clf}, features, **common)
    with pytest.raises(ValueError, match=r"in the same way, got sst, sst \(best-on-test\)"):
        compare(table)
    text = "".join(
        make_report(
            clf.fit(features, y), features, y, results=table, method=None, verbose=False
        ).html
    )
    assert "Comparisons" not in text
