import json
import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pandas as pd
import pytest
from conftest import tiny_classifier
from joblib import parallel_config
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold, KFold
from sklearn.pipeline import make_pipeline
from sklearn.svm import SVC

from mne_sst.evaluation import (
    LeaveOneSubjectOut,
    SubjectKFold,
    TrialKFold,
    ablation,
    evaluate,
    summarize,
)
from mne_sst.evaluation.baselines import baselines, spectral_vector
from mne_sst.features import standardize_features

TIMES = ["fit_s", "predict_s"]
MODELS = {
    "random": DummyClassifier(strategy="uniform"),
    "most frequent": DummyClassifier(),
}


def same(one, other):
    pd.testing.assert_frame_equal(one.drop(columns=TIMES), other.drop(columns=TIMES))


def test_table_is_tidy(features, y):
    table = evaluate(MODELS, features, y, protocol=TrialKFold(2), seeds=(0, 1))
    n_folds = 2 * 2
    assert len(table) == 2 * 2 * n_folds
    assert list(dict.fromkeys(table["estimator"])) == list(MODELS)
    assert set(table["subject"]) == set(features.metadata["subject"])
    assert (table["n_train"] + table["n_test"] == len(y) / 2).all()
    assert not table["transductive"].any()
    assert table["versions"].str.contains("mne_sst 0").all()
    frequent = table[table["estimator"] == "most frequent"]
    assert np.allclose(frequent["balanced_accuracy"], 1 / 3)
    assert np.allclose(frequent["kappa"], 0)
    assert table["n_trials"].gt(0).all()
    for row in table.itertuples():
        matrix = np.array(row.confusion)
        assert matrix.sum() == row.n_test
        assert np.trace(matrix) / matrix.sum() == pytest.approx(row.accuracy)
    assert table.attrs["labels"] == sorted(set(y))


def test_seeds_reach_the_estimators(features, y):
    common = dict(protocol=SubjectKFold(2), y=y)
    one = evaluate(MODELS, features, seeds=(3,), **common)
    same(one, evaluate(MODELS, features, seeds=(3,), **common))
    other = evaluate(MODELS, features, seeds=(4,), **common)
    assert (one["accuracy"] != other["accuracy"]).any()
    inside = {"pipe": make_pipeline(DummyClassifier(strategy="uniform"))}
    same(
        evaluate(inside, features, seeds=(3,), **common),
        evaluate(inside, features, seeds=(3,), **common),
    )


def test_parallel_gives_the_same(features, y):
    models = {"knn": baselines(["knn"])["knn"], **MODELS}
    common = dict(y=y, protocol=TrialKFold(2), seeds=(0, 1))
    same(evaluate(models, features, **common), evaluate(models, features, n_jobs=2, **common))


def test_networks_and_epochs(epochs, features, y):
    clf = tiny_classifier(max_epochs=1)
    table = evaluate({"sst": clf}, features, y, protocol=SubjectKFold(2))
    # The estimator held out whole trials of the training part by itself.
    assert (table["n_validation"] > 0).all()
    assert (table["n_train"] + table["n_validation"] == len(y) / 2).all()
    direct = evaluate({"sst": clf}, epochs, y, protocol=SubjectKFold(2))
    np.testing.assert_allclose(direct["accuracy"], table["accuracy"], atol=0.1)


def test_labels_of_the_data(features, y):
    labelled = features[:]
    labelled.metadata = labelled.metadata.assign(label=y)
    same(
        evaluate(MODELS, labelled, protocol=SubjectKFold(2)),
        evaluate(MODELS, labelled, y, protocol=SubjectKFold(2)),
    )
    with pytest.raises(ValueError, match="y is needed"):
        evaluate(MODELS, np.zeros((8, 2)), protocol=KFold(2))


def test_splitters_of_scikit_learn_are_checked_for_leaks(features, y):
    with pytest.raises(ValueError, match="come from one trial"):
        evaluate(MODELS, features, y, protocol=KFold(4, shuffle=True, random_state=0))
    # Without anything that says where windows come from, nothing can be checked.
    X, labels = np.random.default_rng(0).normal(size=(30, 2)), np.arange(30) % 3
    with pytest.warns(RuntimeWarning, match="nothing tells of which trial they are"):
        table = evaluate(MODELS, X, labels, protocol=KFold(3))
    assert len(table) == 6
    assert "subject" not in table


def test_an_array_of_groups_leaves_what_the_metadata_say(features, y):
    trial = features.metadata["trial"]
    table = evaluate(MODELS, features, y, protocol=GroupKFold(3), groups=trial)
    assert set(table["subject"]) == set(features.metadata["subject"])
    assert (table["n_trials"] > 0).all()
    alone = evaluate(MODELS, features, y, protocol=GroupKFold(3), groups={"trial": trial})
    assert "subject" not in alone
    with pytest.raises(ValueError, match="GroupKFold takes one array as groups, got a table of"):
        evaluate(MODELS, features, y, protocol=GroupKFold(3), groups=features.metadata)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (dict(protocol="subjects"), r"such as LeaveOneSubjectOut\(\); got 'subjects'"),
        (dict(protocol=SubjectKFold), "protocol must be a splitter"),
        (dict(estimators=["svm"]), r"dict of name -> estimator .* got \['svm'\]"),
        (dict(estimators={"svm": "svm"}), "got {'svm': 'svm'}"),
        (dict(estimators={}), "an empty dict"),
        (dict(seeds=3), r"seeds must be whole numbers such as \(0, 1\) or range\(3\), got 3"),
        (dict(seeds=[]), r"got \[\]"),
        (dict(seeds=[0.5]), "seeds must be a whole number, got 0.5"),
        (dict(y="emotion"), r"give epochs\.metadata\['emotion'\]"),
    ],
)
def test_arguments_of_the_wrong_kind(change, message, features, y):
    arguments = dict(estimators=MODELS, data=features, y=y, protocol=SubjectKFold(2))
    with pytest.raises(TypeError, match=message):
        evaluate(**{**arguments, **change})


def test_standardised_by_subject_is_marked(features, y):
    knn = baselines(["knn"])
    common = dict(y=y, protocol=LeaveOneSubjectOut())
    plain = evaluate(knn, features, **common)
    scaled = evaluate(knn, features, standardize="subject", **common)
    assert scaled["transductive"].all()
    by_hand = evaluate(knn, standardize_features(features), **common)
    np.testing.assert_array_equal(scaled["accuracy"], by_hand["accuracy"])
    assert not plain["transductive"].any()
    with pytest.raises(TypeError, match="needs EpochsFeatures"):
        evaluate(knn, np.zeros((48, 3)), y, protocol=KFold(2), standardize="subject")


def test_chance_by_permutation(features, y):
    frequent = {"most frequent": DummyClassifier()}
    common = dict(y=y, protocol=SubjectKFold(2))
    majority = evaluate(frequent, features, **common)
    permuted = evaluate(frequent, features, chance="permutation", **common)
    # Shuffling one prediction changes nothing.
    np.testing.assert_allclose(permuted["chance"], permuted["accuracy"])
    assert (majority["chance"] >= permuted["chance"] - 1e-12).all()


def test_results_file_is_taken_up(features, y, tmp_path):
    path = tmp_path / "results.jsonl"
    common = dict(y=y, protocol=TrialKFold(2), results=path)
    first = evaluate(MODELS, features, **common)
    lines = path.read_text().splitlines()
    again = evaluate(MODELS, features, **common)
    pd.testing.assert_frame_equal(first, again)  # times too: nothing was run
    assert path.read_text().splitlines() == lines
    # More seeds go on; half a line, as a killed process leaves it, is dropped.
    path.write_text("\n".join(lines[:-2]) + '\n{"key": ["random", 0, 1], "ro')
    resumed = evaluate(MODELS, features, seeds=(0, 1), **common)
    fresh = evaluate(MODELS, features, y=y, protocol=TrialKFold(2), seeds=(0, 1))
    same(resumed, fresh)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (dict(protocol=TrialKFold(3)), "protocol differ"),
        (dict(chance="permutation"), "chance differ"),
        (dict(standardize="subject"), "standardize"),
        (dict(estimators={"random": DummyClassifier(), **MODELS}), "estimator random"),
    ],
)
def test_results_of_other_settings_are_refused(change, message, features, y, tmp_path):
    path = tmp_path / "results.jsonl"
    common = dict(estimators=MODELS, protocol=TrialKFold(2))
    evaluate(data=features, y=y, results=path, **common)
    before = path.read_bytes()
    if "estimators" in change:
        change = {"estimators": {**MODELS, "random": DummyClassifier(strategy="prior")}}
    with pytest.raises(ValueError, match=message):
        evaluate(data=features, y=y, results=path, **{**common, **change})
    with pytest.raises(ValueError, match="data"):
        evaluate(data=features, y=np.roll(y, 1), results=path, **common)
    assert path.read_bytes() == before


@pytest.mark.parametrize("content", ["", "no json", '{"kind": "else"}', "[1, 2]"])
def test_other_files_are_left_alone(content, features, y, tmp_path):
    path = tmp_path / "mine.txt"
    path.write_text(content + "\n")
    with pytest.raises(ValueError, match="holds no results"):
        evaluate(MODELS, features, y, protocol=TrialKFold(2), results=path)
    assert path.read_text() == content + "\n"


class Slow(DummyClassifier):
    """Takes its time, so that it can be killed in the middle."""

    def fit(self, X, y):
        time.sleep(0.15)
        return super().fit(X, y)


SCRIPT = """
import sys
sys.path.insert(0, {tests!r})
import numpy as np
from test_harness import small_run
small_run({path!r})
"""


def small_run(path):
    rng = np.random.default_rng(0)
    groups = pd.DataFrame({"subject": np.arange(60) // 6, "trial": np.arange(60) // 2})
    data, y = rng.normal(size=(60, 3)), np.arange(60) // 2 % 2
    models = {"slow": Slow(strategy="uniform"), "logistic": LogisticRegression()}
    return evaluate(
        models, data, y, protocol=LeaveOneSubjectOut(), groups=groups, seeds=(0, 1), results=path
    )


def test_killed_and_started_again(tmp_path):
    path = tmp_path / "results.jsonl"
    script = SCRIPT.format(tests=os.path.dirname(__file__), path=str(path))
    process = subprocess.Popen([sys.executable, "-c", script])
    try:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if path.exists() and len(path.read_bytes().splitlines()) > 5:
                break
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
    finally:
        process.kill()
        process.wait()
    done = [json.loads(line) for line in path.read_text().splitlines()[1:-1]]
    assert 3 < len(done) < 40
    resumed = small_run(path)
    same(resumed, small_run(None))
    kept = {tuple(fold["key"]): fold["rows"][0]["fit_s"] for fold in done}
    for row in resumed.itertuples():
        if (row.estimator, row.seed, row.fold) in kept:
            assert row.fit_s == kept[row.estimator, row.seed, row.fold]


def test_a_failing_fit_says_which(features, y):
    broken = {"broken": LogisticRegression(C=-1)}
    with pytest.raises(ValueError, match="C") as error:
        evaluate(broken, spectral_vector(features), y, protocol=KFold(2), groups=features.metadata)
    assert any("'broken', seed 0, fold 0" in note for note in error.value.__notes__)


def test_dask_cluster_that_loses_a_worker(tmp_path):
    distributed = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        pids = list(client.run(os.getpid).values())
        assert len(pids) == 2
        killer = threading.Timer(0.6, os.kill, (pids[0], signal.SIGKILL))
        killer.start()
        with parallel_config("dask"):
            table = small_run(tmp_path / "results.jsonl")
        killer.join()
        assert pids[0] not in client.run(os.getpid).values()
    same(table, small_run(None))


@pytest.mark.parametrize("table", [pd.DataFrame(), pd.DataFrame({"accuracy": [1.0]})])
def test_tables_of_something_else_are_refused(table):
    with pytest.raises(ValueError, match="what evaluate"):
        summarize(table)


def test_baselines_learn(features, y):
    models = baselines()
    table = evaluate(models, features, y, protocol=TrialKFold(3), standardize="subject")
    mean = summarize(table).set_index("estimator")["mean"]
    # Few windows for so many values: a Gaussian kernel finds nothing in them.
    assert (mean[["logistic", "svm", "knn"]] > 0.5).all()
    assert "rbf-svm" in mean
    with pytest.raises(ValueError, match="names must be"):
        baselines(["lstm"])


def test_riemann_on_epochs(epochs, y):
    pytest.importorskip("pyriemann")
    table = evaluate(baselines(["riemann"]), epochs, y, protocol=TrialKFold(2))
    assert len(table) == 4


def test_ablation_names_the_variants(features, y):
    models = ablation(tiny_classifier(max_epochs=1))
    assert len({str(m.get_params()) for m in models.values()}) == len(models) == 6
    table = evaluate(models, features, y, protocol=SubjectKFold(2))
    assert len(table) == 12
    with pytest.raises(TypeError, match="streams"):
        ablation(LogisticRegression())


def test_wrong_estimators_are_named(features, y):
    with pytest.raises(TypeError, match="empty dict"):
        evaluate({}, features, y, protocol=TrialKFold(2))
    with pytest.raises(TypeError, match="nothing"):
        evaluate({"nothing": None}, features, y, protocol=TrialKFold(2))
    with pytest.raises(TypeError, match=r"with fit and predict, got \{'svm': <class .*SVC'>"):
        evaluate({"svm": SVC}, features, y, protocol=TrialKFold(2))
