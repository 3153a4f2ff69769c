"""The contract with scikit-learn: its tools, with Epochs and with features."""

import pickle
import threading

import numpy as np
import pytest
import sklearn
import torch
from conftest import tiny_classifier
from joblib import Parallel, delayed, parallel_config
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.ensemble import StackingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    LeaveOneGroupOut,
    StratifiedGroupKFold,
    cross_val_predict,
    cross_val_score,
    cross_validate,
    permutation_test_score,
    train_test_split,
)
from sklearn.pipeline import make_pipeline

from mne_sst import EpochsFeatures, FeatureExtractor, SSTClassifier

QUICK = {"max_epochs": 2}


@pytest.fixture(params=["epochs", "features"])
def X(request):
    return request.getfixturevalue(request.param)


def test_cross_validate(X, y, groups):
    clf = tiny_classifier(**QUICK)
    folds = StratifiedGroupKFold(2)
    scores = cross_val_score(clf, X, y, groups=groups, cv=folds, error_score="raise")
    assert scores.shape == (2,)
    assert ((scores >= 0) & (scores <= 1)).all()
    results = cross_validate(
        clf,
        X,
        y,
        groups=groups,
        cv=folds,
        scoring=["accuracy", "neg_log_loss"],
        return_estimator=True,
        return_train_score=True,
        error_score="raise",
    )
    np.testing.assert_allclose(results["test_accuracy"], scores)
    assert all(len(e.history_) for e in results["estimator"])


def test_cross_val_predict(X, y, groups):
    p = cross_val_predict(
        tiny_classifier(**QUICK),
        X,
        y,
        groups=groups,
        cv=StratifiedGroupKFold(2),
        method="predict_proba",
    )
    np.testing.assert_allclose(p.sum(axis=1), 1, atol=1e-9)


def test_leave_one_group_out(X, y, epochs):
    subject = epochs.metadata["subject"]
    scores = cross_val_score(
        tiny_classifier(**QUICK), X, y, groups=subject, cv=LeaveOneGroupOut(), error_score="raise"
    )
    assert len(scores) == 2


def test_grid_search(X, y, groups):
    """Folds get lists of epochs, the refit gets the Epochs themselves."""
    search = GridSearchCV(
        tiny_classifier(**QUICK),
        {"attention": ["both", "none"], "lr": [1e-3]},
        cv=GroupKFold(2),
        error_score="raise",
    ).fit(X, y, groups=groups)
    assert search.best_estimator_.predict(X).shape == y.shape
    assert search.best_params_["attention"] in ("both", "none")
    assert search.cv_results_["param_attention"].tolist() == ["both", "none"]


def test_train_test_split(X, y):
    train, test, y_train, y_test = train_test_split(X, y, random_state=0, stratify=y)
    score = tiny_classifier(**QUICK).fit(train, y_train).score(test, y_test)
    assert 0 <= score <= 1
    if isinstance(X, EpochsFeatures):
        assert isinstance(test, EpochsFeatures)
        assert (test.metadata["emotion"] == y_test).all()


def test_pipeline(epochs, features, y, groups):
    pipe = make_pipeline(FeatureExtractor(verbose=False), tiny_classifier(**QUICK))
    scores = cross_val_score(
        pipe, epochs, y, groups=groups, cv=StratifiedGroupKFold(2), error_score="raise"
    )
    direct = cross_val_score(
        tiny_classifier(**QUICK), features, y, groups=groups, cv=StratifiedGroupKFold(2)
    )
    np.testing.assert_allclose(scores, direct)
    pipe.set_params(sstclassifier__attention="none", featureextractor__method="bandpass")
    assert pipe[-1].get_params()["attention"] == "none"


def test_features_feed_other_estimators(features, y):
    """An array of features goes into any estimator after it is flattened."""
    from mne.decoding import Vectorizer

    pipe = make_pipeline(Vectorizer(), LogisticRegression(max_iter=5000))
    assert pipe.fit(np.asarray(features), y).score(np.asarray(features), y) > 0.9


def test_stacking(X, y):
    stack = StackingClassifier(
        [("a", tiny_classifier(**QUICK)), ("b", tiny_classifier(**QUICK, streams="spectral"))],
        LogisticRegression(),
        cv=2,
    ).fit(X, y)
    assert stack.predict(X).shape == y.shape


def test_permutation_test_score(X, y, groups):
    score, permuted, p = permutation_test_score(
        tiny_classifier(max_epochs=1), X, y, groups=groups, cv=GroupKFold(2), n_permutations=2
    )
    assert 0 <= score <= 1
    assert permuted.shape == (2,)
    assert 0 < p <= 1


def test_clone_and_pickle(fitted, features):
    copy = clone(fitted)
    assert copy.get_params(deep=False) == fitted.get_params(deep=False)
    assert not hasattr(copy, "module_")
    again = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(again.predict_proba(features), fitted.predict_proba(features))
    again.partial_fit(features, fitted.predict(features))


def test_same_seed_same_result(features, y):
    """In sequence, in two processes, and in two threads at the same time."""
    clf = tiny_classifier(mixup=0.2, drop_prob=0.5)
    expected = clone(clf).fit(features, y).predict_proba(features)

    def run():
        return clone(clf).fit(features, y).predict_proba(features)

    np.testing.assert_allclose(run(), expected, atol=1e-6)
    for backend in ("threading", "loky"):
        with parallel_config(backend, n_jobs=2):
            for p in Parallel()(delayed(run)() for _ in range(2)):
                np.testing.assert_allclose(p, expected, atol=1e-6)
    other = clone(clf).set_params(random_state=1).fit(features, y).predict_proba(features)
    assert np.abs(other - expected).max() > 1e-3


@pytest.mark.parametrize("params", [{}, {"precision": "fp32", "variant": "authors"}], ids=str)
def test_same_result_on_any_number_of_threads(features, y, params):
    """Larger networks sum in another order on two threads, so one is the default."""
    clf = tiny_classifier(grid_shape=(16, 16), growth_temporal=16, max_epochs=2, **params)
    clf.set_params(n_threads=SSTClassifier().n_threads)
    results = []
    for n_threads in (1, 2):
        torch.set_num_threads(n_threads)
        try:
            results.append(clone(clf).fit(features, y).predict_proba(features))
            assert torch.get_num_threads() == n_threads
        finally:
            torch.set_num_threads(1)
    np.testing.assert_allclose(*results, atol=1e-6)


def test_number_of_threads_given_back(features, y):
    """Also to Python threads that begin later."""
    clf = tiny_classifier(**QUICK)
    torch.set_num_threads(2)
    try:
        Parallel(2, backend="threading")(delayed(clone(clf).fit)(features, y) for _ in range(4))
        assert torch.get_num_threads() == 2
        assert (
            Parallel(2, backend="threading")(delayed(torch.get_num_threads)() for _ in range(4))
            == [2] * 4
        )
    finally:
        torch.set_num_threads(1)


@pytest.mark.parametrize("backend", ["loky", "threading"])
def test_n_jobs(X, features, y, groups, backend):
    if backend == "threading":
        # MNE empties Epochs for a moment while it copies a part: not for two threads at once.
        X = features

    def predict(n_jobs):
        return cross_val_predict(
            tiny_classifier(**QUICK),
            X,
            y,
            groups=groups,
            cv=GroupKFold(2),
            method="predict_proba",
            n_jobs=n_jobs,
        )

    expected = predict(1)
    with parallel_config(backend):
        np.testing.assert_allclose(predict(2), expected, atol=1e-6)
    assert threading.active_count() < 50


def test_groups_reach_fit_through_metadata_routing(features, y, groups, monkeypatch):
    seen = []
    original = tiny_classifier().__class__.fit

    def spy(self, X, y=None, groups=None):
        seen.append(groups)
        return original(self, X, y, groups)

    monkeypatch.setattr("mne_sst.SSTClassifier.fit", spy)
    with sklearn.config_context(enable_metadata_routing=True):
        cross_val_score(
            tiny_classifier(**QUICK),
            features,
            y,
            cv=GroupKFold(2),
            params={"groups": groups},
            error_score="raise",
        )
    assert len(seen) == 2
    for part in seen:
        assert len(np.unique(part)) == 6


class AsWindows(ClassifierMixin, BaseEstimator):
    """Passes on what it gets; for looking at what scikit-learn hands over."""

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        self.kind_ = type(X)
        return self

    def predict(self, X):
        return np.resize(self.classes_, len(X))


def test_what_scikit_learn_hands_over(epochs, features, y):
    """The reason why lists are accepted; if this changes, so can the code."""
    for X, kind in ((epochs, list), (features, EpochsFeatures)):
        results = cross_validate(AsWindows(), X, y, cv=2, return_estimator=True)
        assert results["estimator"][0].kind_ is kind
