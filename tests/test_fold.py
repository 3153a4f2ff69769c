"""One fold: what is fitted, noted and voted."""

import time

import mne
import numpy as np
import pandas as pd
import pytest
from conftest import tiny_classifier
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.compose import ColumnTransformer
from sklearn.dummy import DummyClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, GroupKFold, KFold, PredefinedSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.svm import SVC
from skorch.callbacks import Callback

from mne_sst import FeatureExtractor, SSTClassifier
from mne_sst.evaluation import (
    LeaveOneSubjectOut,
    SubjectKFold,
    TrialKFold,
    compare,
    evaluate,
    markdown_table,
)
from mne_sst.evaluation._fold import seeded
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
    assert row["chance"] == pytest.approx(0.5)
    y[9:] = "a"
    (row,) = evaluate({"told": Told()}, X, chance="permutation", **common).to_dict("records")
    assert row["chance"] == pytest.approx((X[6:, 0] == 0).mean())


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
    with pytest.warns(RuntimeWarning, match="nothing tells of which trial they are"):
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


def easy(n_labels=3, n_subjects=2, n_trials=6):
    """Values that lie apart, labels, and a DataFrame of where they come from."""
    groups = pd.DataFrame(
        {
            "subject": np.repeat(range(n_subjects), 4 * n_trials),
            "session": 1,
            "trial": np.tile(np.repeat(range(n_trials), 4), n_subjects),
        }
    )
    y = groups["trial"].to_numpy() % n_labels
    rng = np.random.default_rng(0)
    X = np.eye(n_labels)[y] + 0.05 * rng.standard_normal((len(y), n_labels))
    return X, y, groups


def test_votes_of_pairs_are_no_votes_of_classes():
    """Of three classes there are three pairs as well."""
    X, y, groups = easy()
    models = {"ovr": SVC(), "ovo": SVC(decision_function_shape="ovo")}
    table = evaluate(models, X, y, protocol=LeaveOneSubjectOut(), groups=groups)
    assert (table["accuracy"] == 1).all()
    assert (table["trial_accuracy"] == 1).all()


@pytest.mark.parametrize(
    "cv", [GroupKFold(3), TrialKFold(3), KFold(3, shuffle=True, random_state=0), 5]
)
def test_searches_get_groups_where_their_folds_ask_for_them(cv):
    X, y, groups = easy(n_labels=2)
    seen = []

    class Noted(LogisticRegression):
        def fit(self, X, y):
            seen.append(set(map(float, X[:, -1])))
            return super().fit(X, y)

    trial = groups.groupby(["subject", "trial"]).ngroup().to_numpy()
    X = np.column_stack([X, trial])
    search = make_pipeline(FunctionTransformer(), GridSearchCV(Noted(), {"C": [1.0]}, cv=cv))
    evaluate(search, X, y, protocol=LeaveOneSubjectOut(), groups=groups)
    half = len(seen) // 2
    for *inner, refit in (seen[:half], seen[half:]):
        assert len(refit) == 6
        n_trials = [len(trials) for trials in inner]
        assert n_trials == [4, 4, 4] if isinstance(cv, GroupKFold | TrialKFold) else 6 in n_trials


def test_windows_held_out_within_a_search_are_counted():
    class Half(DummyClassifier):
        def fit(self, X, y):
            self.n_windows_ = len(X) // 2
            return super().fit(X, y)

    X, y, groups = easy()
    models = {"alone": Half(), "searched": GridSearchCV(Half(), {"strategy": ["prior"]}, cv=2)}
    table = evaluate(models, X, y, protocol=LeaveOneSubjectOut(), groups=groups)
    assert set(table["n_train"]) == set(table["n_validation"]) == {12}


def test_what_need_not_be_an_array_of_numbers(tmp_path):
    """A session may be a date, data a DataFrame, a classifier one that is trained already."""
    X, y, groups = easy()
    groups["session"] = pd.Timestamp("2020-02-03")
    frame = pd.DataFrame(X, columns=list("abc"))
    models = {
        "columns": make_pipeline(
            ColumnTransformer([("all", "passthrough", ["a", "b", "c"])]), SVC()
        ),
        "frozen": FrozenEstimator(SVC().fit(frame, y)),
    }
    path = tmp_path / "results.jsonl"
    table = evaluate(models, frame, y, protocol=LeaveOneSubjectOut(), groups=groups, results=path)
    assert (table["accuracy"] == 1).all()
    assert set(table["session"]) == {"2020-02-03 00:00:00"}
    again = evaluate(models, frame, y, protocol=LeaveOneSubjectOut(), groups=groups, results=path)
    pd.testing.assert_frame_equal(table, again)


class Broken(DummyClassifier):
    def predict(self, X):
        raise ValueError("boom")


class Stranger(DummyClassifier):
    def predict(self, X):
        return np.full(len(X), 7)


@pytest.mark.parametrize(("model", "doing"), [(Broken, "predicting"), (Stranger, "scoring")])
def test_what_fails_is_named(model, doing):
    X, y, groups = easy()
    with pytest.raises(ValueError, match=r"boom|does not hold 7") as error:
        evaluate({"it": model()}, X, y, protocol=LeaveOneSubjectOut(), groups=groups)
    assert error.value.__notes__ == [f"while {doing} 'it', seed 0, fold 0"]


def test_estimators_and_seeds_are_looked_at_first():
    X, y, groups = easy()
    common = dict(protocol=LeaveOneSubjectOut(), groups=groups)
    with pytest.raises(ValueError, match=r"seeds must differ .*\(0, 0\)"):
        evaluate(SVC(), X, y, seeds=(0, 0), **common)
    with pytest.raises(ValueError, match=r"names of their own, got \[1, '1'\]"):
        evaluate({1: SVC(), "1": SVC()}, X, y, **common)
    with pytest.raises(TypeError, match=r"fit and predict, got .*FunctionTransformer"):
        evaluate({"it": FunctionTransformer()}, X, y, **common)
    with pytest.raises(TypeError, match=r"groups .* got subject of shape \(\)"):
        evaluate(SVC(), X, y, protocol=LeaveOneSubjectOut(), groups="subject")


@pytest.mark.parametrize("where", ["metadata", "groups"])
def test_metadata_without_the_usual_columns(where, features, y):
    """A splitter of scikit-learn does not need them."""
    if where == "metadata":
        features = features[:]
        features.metadata = pd.DataFrame({"label": y})
        with pytest.warns(RuntimeWarning, match="nothing tells of which trial they are"):
            table = evaluate(Any(), features, protocol=KFold(2, shuffle=True, random_state=0))
    else:
        site = {"site": np.arange(len(y)) // 8 % 2}
        table = evaluate(Any(), features.spectral, y, protocol=GroupKFold(2), groups=site)
    assert table["n_test"].sum() == len(y)
    assert set(table["session"]) == {0}


class Any(DummyClassifier):
    def fit(self, X, y):
        return super().fit(np.zeros(len(X)), y)


class Stop(Callback):
    """Ctrl-C in the second pass, while it is armed."""

    armed = True

    def on_batch_begin(self, net, training=None, **kwargs):
        if Stop.armed and training and len(net.history) == 2:
            raise KeyboardInterrupt


@pytest.mark.filterwarnings("ignore:training was interrupted after 1 of 3 passes")
def test_a_network_that_was_interrupted_is_no_result(features, y, tmp_path, monkeypatch):
    models = {"first": DummyClassifier(), "net": tiny_classifier(callbacks=[Stop()])}
    how = dict(protocol=SubjectKFold(2), results=tmp_path / "results.jsonl")
    monkeypatch.setattr(Stop, "armed", True)
    with pytest.raises(KeyboardInterrupt):
        evaluate(models, features, y, **how)
    monkeypatch.setattr(Stop, "armed", False)
    table = evaluate(models, features, y, **how)
    plain = evaluate(models, features, y, protocol=how["protocol"])
    drop = ["fit_s", "predict_s"]
    pd.testing.assert_frame_equal(table.drop(columns=drop), plain.drop(columns=drop))


def test_estimators_show_no_bar_of_their_own():
    model = make_pipeline(FeatureExtractor(), SSTClassifier())
    silent = seeded(model, 3)
    assert {k: v for k, v in silent.get_params().items() if k.endswith("verbose")} == {
        "verbose": False,
        "featureextractor__verbose": False,
        "sstclassifier__verbose": False,
    }
    assert silent.get_params()["sstclassifier__random_state"] == 3
    assert seeded(SSTClassifier(verbose=True), 0).verbose is True


def test_tangent_space_takes_good_eeg_channels_only(rng):
    pytest.importorskip("pyriemann")
    kinds = ["eeg", "eeg", "eog", "eeg", "stim"]
    info = mne.create_info(["Fz", "Cz", "EOG", "Pz", "STI"], 100.0, kinds)
    epochs = mne.EpochsArray(rng.standard_normal((6, 5, 100)), info, verbose="ERROR")
    epochs.info["bads"] = ["Cz"]
    first = baselines(["riemann"])["riemann"][0]
    np.testing.assert_array_equal(
        first.fit_transform(epochs), 1e6 * epochs.get_data(copy=False)[:, [0, 3]]
    )


@pytest.mark.parametrize("smoothing", [None, "moving_average"])
def test_smoothing_within_a_search_is_marked(epochs, y, smoothing):
    trial = None if smoothing is None else ["subject", "session", "trial"]
    extractor = FeatureExtractor(smoothing=smoothing, trial=trial, verbose=False)
    model = make_pipeline(FeatureExtractor(), FunctionTransformer(spectral_vector), SVC())
    tuned = GridSearchCV(model, {"featureextractor": [extractor]}, cv=TrialKFold(2))
    table = evaluate(tuned, epochs, y, protocol=SubjectKFold(2))
    assert (table["transductive"] == (smoothing is not None)).all()
