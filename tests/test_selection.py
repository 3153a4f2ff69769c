"""The published way of choosing the pass on the test set, and what it is labelled."""

import numpy as np
import pytest
from conftest import tiny_classifier
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.dummy import DummyClassifier

from mne_sst.evaluation import LeaveOneSubjectOut, confusion, evaluate, summarize


class Passes(ClassifierMixin, BaseEstimator):
    """Guesses that get worse from pass to pass, and tells of each."""

    def fit(self, X, y, on_pass=None):
        self.classes_ = np.unique(y)
        for self.n_wrong_ in (8, 2, 5):
            if on_pass is not None:
                on_pass(self)
        return self

    def predict(self, X):
        # X holds the right answer.
        right = np.asarray(X)[:, 0].astype(int)
        return np.where(np.arange(len(right)) < self.n_wrong_, 1 - right, right)


def test_best_on_test_stands_beside_the_fair_figure():
    y = np.tile([0, 1], 20)
    groups = {"subject": np.repeat([1, 2], 20)}
    both = {"passes": Passes(), "dummy": DummyClassifier()}
    common = dict(y=y, protocol=LeaveOneSubjectOut(), groups=groups)
    table = evaluate(both, y[:, None], selection="best-on-test", **common)
    fair, best = (table[table["selection"] == s] for s in ("none", "best-on-test"))
    assert set(best["estimator"]) == {"passes"}
    assert best["accuracy"].to_list() == [18 / 20] * 2
    assert fair[fair["estimator"] == "passes"]["accuracy"].to_list() == [15 / 20] * 2
    plain = evaluate(both, y[:, None], **common)
    same = ["estimator", "fold", "accuracy", "selection"]
    assert fair[same].reset_index(drop=True).equals(plain[same])
    # Never mixed up with the fair figure later on.
    assert summarize(table)["selection"].to_list() == ["none", "best-on-test", "none"]
    assert "passes (best-on-test)" in confusion(table)
    with pytest.raises(ValueError, match=r"needs an estimator that trains in passes.*dummy"):
        evaluate({"dummy": DummyClassifier()}, y[:, None], selection="best-on-test", **common)


def test_hearing_of_each_pass_changes_nothing(features, y):
    seen = []

    def on_pass(clf):
        seen.append(clf.predict_proba(features[:6]))

    plain = tiny_classifier().fit(features, y)
    heard = tiny_classifier().fit(features, y, on_pass=on_pass)
    assert len(seen) == len(plain.history_)
    np.testing.assert_array_equal(plain.predict_proba(features), heard.predict_proba(features))
    assert plain.history_["train_loss"].equals(heard.history_["train_loss"])


@pytest.mark.parametrize("n_networks", [1, 2])
def test_a_pass_predicts_as_training_that_ended_there(features, y, n_networks):
    """Running averages belong to noisy inputs; neither validation nor a test part has them."""
    seen = []
    params = dict(noise=2.0, lr=5e-3, n_networks=n_networks, validation_fraction=0.0)
    clf = tiny_classifier(**params)
    clf.fit(features, y, on_pass=lambda clf: seen.append(clf.predict_proba(features)))
    assert len(seen) == 3
    np.testing.assert_array_equal(seen[-1], clf.predict_proba(features))


def test_validation_sees_what_prediction_sees(features, y):
    held = features.groups(["subject", "trial"]) % 3 == 0
    clf = tiny_classifier(noise=2.0, lr=5e-3, validation_fraction=0.3, patience=None)
    clf.fit(features, y, groups=held)
    best = clf.history_.loc[clf.history_["valid_loss"].idxmin()]
    found = [np.mean(clf.predict(features[held == h]) == y[held == h]) for h in (True, False)]
    assert best["valid_accuracy"] in [pytest.approx(value) for value in found]
