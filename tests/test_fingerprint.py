"""A file of results is taken up by the very same evaluation only."""

import dataclasses

import mne
import numpy as np
import pytest
from conftest import tiny_classifier
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from mne_sst import FeatureExtractor, SSTClassifier
from mne_sst.evaluation import SubjectKFold, evaluate
from mne_sst.evaluation._fingerprint import fingerprint
from mne_sst.features import EpochsFeatures


def described(features, y, estimator=None, data=None):
    data = features if data is None else data
    folds = list(SubjectKFold(2).split(features))
    estimators = {"it": DummyClassifier() if estimator is None else estimator}
    return fingerprint(estimators, data, y, features.metadata, SubjectKFold(2), folds)


def through(function):
    return make_pipeline(FunctionTransformer(function), DummyClassifier())


def scaled(factor):
    return FunctionTransformer(lambda X: factor * X)


def grid(last):
    return GridSearchCV(LogisticRegression(), {"C": [*np.linspace(1, 2, 40), last]})


PAIRS = {
    "functions": (through(lambda X: X.spectral[:, 0]), through(lambda X: X.spectral[:, 1])),
    "what a function holds": (
        make_pipeline(scaled(1), DummyClassifier()),
        make_pipeline(scaled(2), DummyClassifier()),
    ),
    "long lists": (grid(3.0), grid(4.0)),
    "long arrays": (
        DummyClassifier(strategy="constant", constant=np.arange(2000)),
        DummyClassifier(
            strategy="constant", constant=np.r_[np.arange(1000), 5, np.arange(1001, 2000)]
        ),
    ),
    "classes": (DummyClassifier(), LogisticRegression()),
    "nested settings": (
        SSTClassifier(features=FeatureExtractor(n_times=25)),
        SSTClassifier(features=FeatureExtractor(n_times=20)),
    ),
}


@pytest.mark.parametrize("name", PAIRS)
def test_other_estimators_are_told_apart(name, features, y):
    one, other = (described(features, y, e)["estimator it"] for e in PAIRS[name])
    assert one != other


def test_the_same_again_is_the_same(features, y):
    def make():
        return make_pipeline(
            FunctionTransformer(lambda X: X.spectral[:, 0]), GridSearchCV(SSTClassifier(), {})
        )

    assert described(features, y, make()) == described(features, y, make())


def test_what_is_at_its_default_counts(features, y, monkeypatch):
    """A later version with other defaults gives other results."""
    before = described(features, y, tiny_classifier())
    monkeypatch.setattr(
        SSTClassifier, "get_params", lambda self, deep=True: {**vars(self), "lr_schedule": "other"}
    )
    assert described(features, y, tiny_classifier()) != before


def test_other_data_are_told_apart(epochs, features, y):
    before = described(features, y)
    other_way = EpochsFeatures(
        features.spectral,
        features.temporal,
        features.info,
        dataclasses.replace(features.settings, method="seed"),
        metadata=features.metadata,
    )
    assert described(features, y, data=other_way)["data"] != before["data"]
    before = described(features, y, data=epochs)["data"]
    for change in (
        lambda e: e.rename_channels({e.ch_names[0]: "other"}),
        lambda e: e.shift_time(0.5),
        lambda e: e.set_montage(None),
    ):
        other = epochs.copy()
        change(other)
        assert described(features, y, data=other)["data"] != before
    half = mne.EpochsArray(
        epochs.get_data(copy=True), mne.create_info(epochs.ch_names, 100.0, "eeg"), verbose="ERROR"
    )
    double = mne.EpochsArray(
        epochs.get_data(copy=True), mne.create_info(epochs.ch_names, 200.0, "eeg"), verbose="ERROR"
    )
    assert described(features, y, data=half)["data"] != described(features, y, data=double)["data"]


def test_results_of_other_functions_are_refused(features, y, tmp_path):
    common = dict(data=features, y=y, protocol=SubjectKFold(2), results=tmp_path / "r.jsonl")
    one, other = PAIRS["functions"]
    evaluate({"it": one}, **common)
    with pytest.raises(ValueError, match="estimator it differ"):
        evaluate({"it": other}, **common)
