"""Scores of subjects are those of all their windows."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.dummy import DummyClassifier
from sklearn.metrics import balanced_accuracy_score, cohen_kappa_score, f1_score
from sklearn.model_selection import KFold

from mne_sst.evaluation import (
    CrossSession,
    LeaveOneSubjectOut,
    TrialKFold,
    compare,
    confusion,
    evaluate,
    markdown_table,
    per_subject,
    read_results,
    summarize,
    write_results,
)


class Read(ClassifierMixin, BaseEstimator):
    """Reads its answer from a column."""

    def __init__(self, column=0):
        self.column = column

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return X[:, self.column]


def trials(n_subjects=2, n_trials=6, n_windows=2, n_labels=3, seed=0):
    """Right answers in column 0, half of them wrong in column 1; the labels; the groups."""
    table = pd.DataFrame(
        [
            (subject, 1, trial)
            for subject in range(n_subjects)
            for trial in range(n_trials)
            for _ in range(n_windows)
        ],
        columns=["subject", "session", "trial"],
    )
    y = table["trial"].to_numpy() % n_labels
    rng = np.random.default_rng(seed)
    unsure = np.where(rng.random(len(y)) < 0.5, y, rng.integers(n_labels, size=len(y)))
    return np.column_stack([y, unsure]), y, table


MODELS = {"right": Read(), "unsure": Read(1)}


@pytest.mark.parametrize("n_splits", [2, 5, 6])
def test_folds_do_not_limit_what_can_be_reached(n_splits):
    """A fold of one trial holds one label: kappa and macro-F1 of it say nothing."""
    X, y, groups = trials()
    table = evaluate(MODELS, X, y, protocol=TrialKFold(n_splits), groups=groups)
    metrics = {
        "accuracy": lambda t, p: np.mean(t == p),
        "balanced_accuracy": balanced_accuracy_score,
        "macro_f1": lambda t, p: f1_score(t, p, average="macro"),
        "kappa": cohen_kappa_score,
        "trial_accuracy": None,
    }
    for score, metric in metrics.items():
        found = per_subject(table, score)
        assert (found["right"] == 1).all(axis=None), score
        for subject in (0, 1) if metric else ():
            mine = (groups["subject"] == subject).to_numpy()
            expected = metric(y[mine], X[mine, 1])
            assert found["unsure"].loc[subject].item() == pytest.approx(expected), score


@pytest.mark.parametrize("n_splits", [3, 5, 6])
def test_chance_is_of_all_windows_of_a_subject(n_splits):
    X, y, groups = trials(n_labels=2)
    models = {**MODELS, "commonest": DummyClassifier()}
    table = evaluate(models, X, y, protocol=TrialKFold(n_splits), groups=groups)
    np.testing.assert_allclose(summarize(table)["chance"], 0.5)
    assert "| chance | 50.00 | - |" in markdown_table({"it": table})
    by_order = evaluate(
        MODELS, X, y, protocol=TrialKFold(n_splits), groups=groups, chance="permutation"
    )
    assert set(by_order["chance_method"]) == {"permutation"}
    expected = [
        np.mean([np.mean(y[m] == c) * np.mean(X[m, 1] == c) for c in (0, 1)]) * 2
        for m in ((groups["subject"] == s).to_numpy() for s in (0, 1))
    ]
    found = summarize(by_order).set_index("estimator")["chance"]
    assert found["unsure"] == pytest.approx(np.mean(expected))
    assert found["right"] == pytest.approx(0.5)


def test_chance_is_a_mean_over_subjects_as_the_score_is():
    """Four sessions of one subject do not count four times."""
    groups = pd.DataFrame(
        {
            "subject": np.repeat([1, 1, 1, 1, 2, 2], 10),
            "session": np.repeat([1, 2, 3, 4, 1, 2], 10),
            "trial": 1,
        }
    )
    y = np.r_[np.tile([0] * 9 + [1], 4), np.tile([0, 1], 10)]
    table = evaluate(
        DummyClassifier(), np.zeros((60, 1)), y, protocol=CrossSession(), groups=groups
    )
    (row,) = summarize(table).to_dict("records")
    assert row["chance"] == pytest.approx(row["mean"]) == pytest.approx((0.9 + 0.5) / 2)


def test_label_that_a_subject_never_has():
    """It is not counted against those who never say it, and is where they do."""
    X, y, groups = trials(n_subjects=2, n_labels=3)
    keep = ~((groups["subject"] == 1) & (y == 2)).to_numpy()
    X, y, groups = X[keep], y[keep], groups[keep]
    table = evaluate(MODELS, X, y, protocol=LeaveOneSubjectOut(), groups=groups)
    assert (per_subject(table, "macro_f1")["right"] == 1).all(axis=None)
    mine = (groups["subject"] == 1).to_numpy()
    expected = f1_score(y[mine], X[mine, 1], average="macro")
    assert per_subject(table, "macro_f1")["unsure"].loc[1].item() == pytest.approx(expected)


def test_a_run_that_is_not_done_says_so(tmp_path):
    X, y, groups = trials(n_subjects=4)
    path = tmp_path / "results.jsonl"
    models = {"a": Read(1), "b": Read(1)}
    evaluate(models, X, y, protocol=TrialKFold(3), groups=groups, results=path)
    lines = path.read_text().splitlines(keepends=True)
    # The header, all folds of a, and the first of each subject of b.
    path.write_text("".join([*lines[:13], *lines[13::3]]))
    table = read_results(path)
    with pytest.warns(RuntimeWarning, match="b lack parts of the test"):
        per_subject(table)
    with pytest.warns(RuntimeWarning, match="a and b share 4 of 12 parts"):
        (row,) = compare(table).to_dict("records")
    assert (row["difference"], row["n_subjects"], row["p"]) == (0, 4, 1)
    only = table[(table["estimator"] == "a") & (table["fold"] > 0)]
    never = pd.concat([only, table[(table["estimator"] == "b") & (table["fold"] == 0)]])
    with pytest.raises(ValueError, match="a and b share no part of the test"):
        compare(never)


def test_other_seeds_are_no_gap():
    """What has no seed runs once, beside networks with three."""
    X, y, groups = trials(n_subjects=4)
    common = dict(protocol=TrialKFold(3), groups=groups)
    parts = [
        evaluate({"b": Read(1)}, X, y, **common),
        evaluate({"a": Read(1)}, X, y, seeds=(0, 1), **common),
    ]
    table = pd.concat(parts, ignore_index=True)
    assert compare(table)["difference"].tolist() == [0]
    half = table.drop(index=table[(table["seed"] == 1) & (table["fold"] == 0)].index)
    with pytest.warns(RuntimeWarning, match="a lack parts"):
        per_subject(half)


def test_tables_read_from_csv(tmp_path):
    X, y, groups = trials()
    table = evaluate(MODELS, X, y, protocol=KFold(2), groups=groups[["subject"]])
    write_results(table, tmp_path, "it")
    pd.testing.assert_frame_equal(
        summarize(pd.read_csv(tmp_path / "results.csv"), "kappa"), summarize(table, "kappa")
    )


@pytest.fixture(scope="module")
def made_up():
    """Rows of two estimators and ten subjects, two sessions each; a is 0.1 better."""
    rng = np.random.default_rng(0)
    rows = []
    for subject in range(10):
        base = rng.uniform(0.5, 0.8)
        for session in range(2):
            for name, gain in (("a", 0.1), ("b", 0.0), ("c", 0.0)):
                n_right = round(1000 * (base + gain + rng.normal(0, 0.01)))
                rows.append(
                    dict(
                        estimator=name,
                        seed=0,
                        fold=session,
                        subject=subject,
                        session=session,
                        accuracy=n_right / 1000,
                        transductive=False,
                        leaky=False,
                        selection="none",
                        chance=0.5,
                        confusion=[[n_right - 400, 1000 - n_right], [0, 400]],
                    )
                )
    table = pd.DataFrame(rows)
    table.attrs["labels"] = ["no", "yes"]
    return table


def test_summary(made_up):
    summary = summarize(made_up).set_index("estimator")
    subjects = made_up[made_up["estimator"] == "a"].groupby("subject")["accuracy"].mean()
    assert summary.loc["a", "mean"] == pytest.approx(subjects.mean())
    assert summary.loc["a", "std"] == pytest.approx(subjects.std())
    half = 2.262157 * subjects.std() / np.sqrt(10)
    assert summary.loc["a", "high"] - summary.loc["a", "mean"] == pytest.approx(half, rel=1e-5)
    assert summary.loc["a", "n_subjects"] == 10
    assert per_subject(made_up).shape == (10, 3)
    one = summarize(made_up[made_up["subject"] == 1])
    assert one["std"].isna().all()


def test_comparison(made_up):
    tests = compare(made_up).set_index(["a", "b"])
    # All signs agree: two of 2 ** 10 flips are as large.
    assert tests.loc[("a", "b"), "p"] == pytest.approx(2 / 1024)
    assert tests.loc[("b", "c"), "p"] > 0.05
    assert tests.loc[("a", "b"), "p_corrected"] == pytest.approx(3 * 2 / 1024)
    assert tests.loc[("a", "b"), "difference"] == pytest.approx(0.1, abs=0.01)
    against = compare(made_up, reference="b")
    assert list(against["a"]) == ["a", "c"]
    assert (against["b"] == "b").all()
    with pytest.raises(ValueError, match="n_permutations must lie in"):
        compare(made_up, n_permutations=0)
    with pytest.raises(ValueError, match="two estimators"):
        compare(made_up[made_up["estimator"] == "a"])
    with pytest.raises(ValueError, match="1 subjects in common"):
        compare(made_up[made_up["subject"] == 1])
    with pytest.raises(ValueError, match="reference"):
        compare(made_up, reference="nobody")


def test_confusion(made_up):
    matrix = confusion(made_up)["a"]
    n_right = 1000 * made_up.loc[made_up["estimator"] == "a", "accuracy"].sum()
    assert matrix.loc["no", "no"] == pytest.approx(n_right - 20 * 400)
    assert matrix.loc["yes"].to_list() == [0, 20 * 400]
    shares = confusion(made_up, normalize=True)["a"]
    np.testing.assert_allclose(shares.sum(axis=1), 1)
    lost = made_up.copy()
    lost.attrs = {}
    with pytest.raises(ValueError, match=r"lost table\.attrs\['labels'\]"):
        confusion(lost)


def test_each_method_has_its_chance_by_permutation(made_up, tmp_path):
    """A line of the mean would be the chance of none of them."""
    table = made_up.assign(chance_method="permutation", fit_s=0.0)
    guess = [[0, 600], [0, 400]]
    both = zip(table["estimator"], table["confusion"], strict=True)
    table["confusion"] = [guess if name == "a" else matrix for name, matrix in both]
    table.attrs["labels"] = [0, 1]
    chances = 100 * summarize(table)["chance"]
    assert chances.max() - chances.min() > 5
    line = f"| chance | {chances.min():.2f} to {chances.max():.2f} | - |"
    assert markdown_table({"x": table}).splitlines()[-1] == line
    with pytest.raises(ValueError, match="score must be one of"):
        write_results(table, tmp_path / "new", "x", score="acc")
    assert not (tmp_path / "new").exists()
    write_results(table, tmp_path / "new", "x")
    assert (tmp_path / "new" / "scores.png").is_file()
