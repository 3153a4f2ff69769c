"""A file of results is taken up by the very same evaluation only."""

import dataclasses
import json
import os
import subprocess
import sys
import threading
from functools import partial
from pathlib import Path

import mne
import numpy as np
import pytest
import torch
from conftest import tiny_classifier
from scipy.stats import loguniform, uniform
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import make_scorer
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.svm import SVC
from skorch import NeuralNetClassifier

from mne_sst import FeatureExtractor, SSTClassifier
from mne_sst.evaluation import SubjectKFold, evaluate
from mne_sst.evaluation._fingerprint import _digest, _settings, fingerprint
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


def words(X, *, kind="a"):
    return X.spectral[:, 0] if kind in {"a", "b", "c", "d", "e"} else X.spectral[:, 1]


class Factor:
    def __init__(self, factor):
        self.factor = factor

    def times(self, X):
        return self.factor * X.spectral[:, 0]


def other_default(X, *, kind="z"):
    return X.spectral[:, 0] if kind in {"a", "b", "c", "d", "e"} else X.spectral[:, 1]


def recursive():
    def inner(n):
        return inner(n - 1) if n else 0

    return inner


HARD = {
    "drawn": RandomizedSearchCV(SVC(), {"C": loguniform(1, 9), "gamma": uniform(1, 9)}),
    "a set": FunctionTransformer(words, kw_args={"kind": {"a", "b", "c"}}),
    "a frozen set": FunctionTransformer(kw_args={"kind": frozenset("abcdef")}),
    "a set in a function": FunctionTransformer(lambda X: X in {"a", "b", "c", "d"}),
    "a random state": DummyClassifier(random_state=np.random.RandomState(0)),
    "a generator": FunctionTransformer(kw_args={"g": np.random.default_rng(0)}),
    "a class": FunctionTransformer(kw_args={"kind": LogisticRegression}),
    "itself": FunctionTransformer(recursive()),
    "of no module": FunctionTransformer(eval("lambda X: factor * X", {"factor": 2})),
    "a partial": FunctionTransformer(partial(words, kind="b")),
    "a method": FunctionTransformer(Factor(2).times),
    "no pickle": FunctionTransformer(kw_args={"lock": threading.Lock(), "x": lambda: 1}),
}


def digests():
    return {k: _digest(_settings(v)) for k, v in HARD.items()}


def test_the_same_in_every_process():
    """Sets come in another order, and addresses differ: a run that was killed is taken up."""
    code = "import test_fingerprint as t; import json; print(json.dumps(t.digests()))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=Path(__file__).parent,
        env={**os.environ, "PYTHONHASHSEED": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout) == digests()


def test_distributions_are_known_by_their_parameters():
    def digest(**params):
        search = RandomizedSearchCV(SVC(), params)
        return _digest(_settings(search)[1]["param_distributions"])

    assert digest(C=loguniform(1, 9)) == digest(C=loguniform(1, 9))
    assert digest(C=loguniform(1, 9)) != digest(C=loguniform(1, 8))
    assert digest(C=uniform(1, 9)) != digest(C=loguniform(1, 9))


def test_other_things_that_functions_hold():
    def digest(value):
        return _digest(_settings(FunctionTransformer(value)))

    assert digest(Factor(1).times) != digest(Factor(2).times)
    assert digest(partial(words, kind="a")) != digest(partial(words, kind="z"))
    assert digest(words) != digest(other_default)
    assert digest(lambda X, *, k=2: X) != digest(lambda X, *, k=3: X)


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


@pytest.mark.parametrize("change", ["bads", "type"])
def test_channels_that_extractors_leave_out_are_noticed(epochs, features, y, change):
    before = described(features, y, data=epochs)
    epochs = epochs.copy()
    name = epochs.ch_names[-1]
    if change == "bads":
        epochs.info["bads"] = [name]
    else:
        epochs.set_channel_types({name: "eog"})
    assert described(features, y, data=epochs)["data"] != before["data"]


COLUMN = 0


def reads_a_global(X):
    return [row[COLUMN] for row in X] + asked_by_it()


def asked_by_it():
    return [COLUMN]


def test_globals_of_functions_of_ones_own(monkeypatch):
    def digest():
        return _digest(_settings(FunctionTransformer(reads_a_global)))

    before = digest()
    monkeypatch.setattr(sys.modules[__name__], "COLUMN", 1)
    changed = digest()
    assert changed != before
    monkeypatch.setattr(sys.modules[__name__], "COLUMN", 0)
    assert digest() == before
    monkeypatch.setattr(sys.modules[__name__], "asked_by_it", lambda: [2 * COLUMN])
    assert digest() not in (before, changed)


def test_methods_of_classes_of_ones_own(features, y):
    def made(predict):
        return type("Own", (DummyClassifier,), {"predict": predict, "__module__": __name__})()

    one, again, other = (
        described(features, y, made(p))["estimator it"]
        for p in (lambda s, X: len(X) * [1], lambda s, X: len(X) * [1], lambda s, X: len(X) * [2])
    )
    assert one == again != other


def test_what_a_scorer_holds():
    def digest(sign):
        score = make_scorer(lambda t, p: sign * np.mean(t == p))
        return _digest(_settings(GridSearchCV(LogisticRegression(), {}, scoring=score)))

    assert digest(1) == digest(1) != digest(-1)


def test_networks_are_known_by_their_weights():
    """Of the same weights in every process: runs of skorch's nets can be taken up."""
    code = (
        "import test_fingerprint as t, torch; torch.manual_seed(0); "
        "print(t.digest_of_net(torch.nn.Linear(3, 2)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
        check=True,
    )
    net = torch.nn.Linear(3, 2)
    generator = torch.Generator().manual_seed(1)
    other = digest_of_net(net)
    with torch.no_grad():
        net.weight.normal_(generator=generator)
    assert digest_of_net(net) != other
    with torch.random.fork_rng():
        torch.manual_seed(0)
        assert digest_of_net(torch.nn.Linear(3, 2)) == done.stdout.strip()


def digest_of_net(module):
    return _digest(_settings(NeuralNetClassifier(module, max_epochs=1)))
