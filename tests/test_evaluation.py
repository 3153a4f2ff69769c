import numpy as np
import pytest
from sklearn import metrics

from mne_sst.evaluation import scores, trial_vote

NAMES = ["accuracy", "balanced_accuracy", "macro_f1", "kappa", "chance", "n"]
ABC = np.array(["a", "b", "c"])


def by_sklearn(y_true, y_pred, labels=None):
    return {
        "accuracy": metrics.accuracy_score(y_true, y_pred),
        # Balanced accuracy, without its warning where a class is predicted only.
        "balanced_accuracy": metrics.recall_score(
            y_true, y_pred, labels=np.unique(y_true), average="macro"
        ),
        "macro_f1": metrics.f1_score(
            y_true, y_pred, labels=labels, average="macro", zero_division=0
        ),
        "kappa": metrics.cohen_kappa_score(y_true, y_pred, labels=labels),
    }


@pytest.mark.parametrize("classes", [ABC, np.arange(5), np.array([True, False])])
@pytest.mark.parametrize("seed", range(3))
def test_scores_are_those_of_sklearn(classes, seed):
    rng = np.random.default_rng(seed)
    y_true = rng.choice(classes, 80, p=rng.dirichlet(np.full(len(classes), 5.0)))
    y_pred = np.where(rng.random(80) < 0.5, y_true, rng.choice(classes, 80))
    found = scores(y_true, y_pred)
    assert list(found) == NAMES
    assert found["n"] == 80
    assert found["chance"] == np.unique(y_true, return_counts=True)[1].max() / 80
    balanced = metrics.balanced_accuracy_score(y_true, y_pred)
    assert found["balanced_accuracy"] == pytest.approx(balanced, abs=1e-12)
    for name, value in by_sklearn(y_true, y_pred).items():
        assert found[name] == pytest.approx(value, abs=1e-12), name
        assert type(found[name]) is float
    assert scores(y_true.tolist(), y_pred.tolist(), classes.tolist()) == found


def test_scores_by_hand():
    found = scores([0, 0, 0, 1], [0, 0, 1, 1])
    assert found["accuracy"] == 0.75
    assert found["balanced_accuracy"] == pytest.approx((2 / 3 + 1) / 2)
    assert found["macro_f1"] == pytest.approx((0.8 + 2 / 3) / 2)
    # Agreement by chance: 0.75 * 0.5 + 0.25 * 0.5.
    assert found["kappa"] == pytest.approx((0.75 - 0.5) / (1 - 0.5))
    assert found["chance"] == 0.75


def test_class_missing_in_y_true():
    y_true, y_pred = np.array(list("aabbab")), np.array(list("aabbbc"))
    expected = by_sklearn(y_true, y_pred, ABC)
    assert expected["balanced_accuracy"] == pytest.approx((2 / 3 + 2 / 3) / 2)
    found = scores(y_true, y_pred, ABC)
    assert {name: found[name] for name in expected} == pytest.approx(expected)
    full, seen = (scores(list("aabb"), list("aabb"), labels) for labels in (ABC, None))
    # A class nobody has seen counts as 0 in macro-F1, and not at all in the others.
    assert full["macro_f1"] == pytest.approx(2 / 3)
    assert seen["macro_f1"] == 1
    for name in ("accuracy", "balanced_accuracy", "kappa"):
        assert full[name] == seen[name] == 1


@pytest.mark.parametrize("labels", [None, ["a"], ABC])
def test_one_class_only(labels):
    found = scores(["a"] * 4, ["a"] * 4, labels)
    assert found["accuracy"] == found["balanced_accuracy"] == found["chance"] == 1
    assert found["kappa"] == 0
    found = scores(["a"] * 4, list("aabb"), None if labels is None else ABC)
    assert found["accuracy"] == found["balanced_accuracy"] == 0.5
    assert found["kappa"] == pytest.approx(0)


@pytest.mark.parametrize(
    ("y_true", "y_pred", "labels", "match"),
    [
        ([], [], None, "shape"),
        ([0, 1], [0], None, r"\(2,\) and \(1,\)"),
        ([[0, 1]], [[0, 1]], None, "shape"),
        (["a", "b"], ["a", "c"], ["a", "b"], "labels does not hold c"),
        (["a", "z"], ["a", "a"], ["a", "b"], "labels does not hold z"),
    ],
)
def test_scores_errors(y_true, y_pred, labels, match):
    with pytest.raises(ValueError, match=match):
        scores(y_true, y_pred, labels)


# -- votes ---------------------------------------------------------------------------------


def test_trial_vote_by_hand():
    y = ["a", "b", "a", "c", "b", "a"]
    trials = [7, 3, 7, 1, 3, 7]
    probabilities = [
        # The mean decides, not the majority: two of trial 7 lean to b, a little.
        [0.9, 0.1, 0.0],
        [0.2, 0.3, 0.5],
        [0.4, 0.5, 0.1],
        [0.0, 0.4, 0.6],
        [0.2, 0.6, 0.2],
        [0.4, 0.5, 0.1],
    ]
    true, predicted = trial_vote(y, probabilities, ABC, trials)
    # Sorted by trial: 1, 3, 7.
    assert true.tolist() == ["c", "b", "a"]
    assert predicted.tolist() == ["c", "b", "a"]
    probabilities[0] = [0.0, 0.9, 0.1]
    assert trial_vote(y, probabilities, ABC, trials)[1].tolist() == ["c", "b", "b"]


def test_trial_vote_with_names_and_columns_out_of_order():
    classes = np.array(["z", "a"])
    true, predicted = trial_vote(
        np.array(["a", "z", "z"]), [[0.1, 0.9], [0.8, 0.2], [0.3, 0.7]], classes, ["s1", "s2", "s2"]
    )
    assert true.tolist() == ["a", "z"]
    assert predicted.tolist() == ["a", "z"]


def test_trial_vote_of_single_windows_is_argmax(rng):
    probabilities = rng.dirichlet(np.ones(3), 20)
    y = rng.choice(ABC, 20)
    true, predicted = trial_vote(y, probabilities, ABC, np.arange(20))
    np.testing.assert_array_equal(true, y)
    np.testing.assert_array_equal(predicted, ABC[probabilities.argmax(axis=1)])


def test_trial_of_two_labels_is_refused():
    with pytest.raises(ValueError, match=r"trial .*2.* holds the labels a, b"):
        trial_vote(["a", "a", "b"], np.eye(3), ABC, [1, 2, 2])


@pytest.mark.parametrize(
    "change",
    [
        {"trials": [1, 1]},
        {"probabilities": np.eye(3)[:2]},
        {"probabilities": np.eye(3)[:, :2]},
        {"probabilities": np.ones(3)},
        {"classes": ABC[:2]},
        {"y_true": ["a", "a"]},
    ],
    ids=["trials", "rows", "columns", "one axis", "classes", "labels"],
)
def test_trial_vote_of_parts_that_do_not_fit(change):
    whole = {
        "y_true": ["a", "a", "b"],
        "probabilities": np.eye(3),
        "classes": ABC,
        "trials": [1, 1, 2],
    }
    with pytest.raises(ValueError, match="shape"):
        trial_vote(**{**whole, **change})
