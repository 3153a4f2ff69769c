import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.base import clone
from sklearn.dummy import DummyClassifier
from sklearn.model_selection import GridSearchCV, cross_val_score

from mne_sst.evaluation import (
    CrossSession,
    FixedTrials,
    LeaveOneSubjectOut,
    SubjectKFold,
    TrialKFold,
    check_split,
    evaluate,
)

N_SUBJECTS, N_SESSIONS, N_TRIALS, N_WINDOWS = 4, 2, 6, 3
PROTOCOLS = [
    (FixedTrials(4), N_SUBJECTS * N_SESSIONS),
    (TrialKFold(3), N_SUBJECTS * N_SESSIONS * 3),
    (CrossSession(), N_SUBJECTS * N_SESSIONS),
    (LeaveOneSubjectOut(), N_SUBJECTS),
    (SubjectKFold(2), 2),
]


@pytest.fixture
def table():
    """Trials count anew in each session, sessions in each subject; rows out of order."""
    shape = N_SUBJECTS, N_SESSIONS, N_TRIALS, N_WINDOWS
    index = np.indices(shape).reshape(4, -1)
    table = pd.DataFrame(dict(zip(("subject", "session", "trial", "window"), index, strict=True)))
    table["label"] = np.array(["a", "b", "c"])[table["trial"] % 3]
    return table.sample(frac=1, random_state=3).sort_values(["trial"], kind="stable")


def trial_ids(table):
    return table.groupby(["subject", "session", "trial"]).ngroup().to_numpy()


@pytest.mark.parametrize(("protocol", "n_folds"), PROTOCOLS)
def test_nothing_on_both_sides(protocol, n_folds, table):
    X = np.zeros((len(table), 2))
    folds = list(protocol.split(X, table["label"], table))
    assert len(folds) == n_folds == protocol.get_n_splits(X, table["label"], table)
    assert protocol.get_n_splits(groups=table) == n_folds
    ids = trial_ids(table)
    for train, test in folds:
        assert min(len(train), len(test)) > 0
        assert not set(ids[train]) & set(ids[test])
    tested = np.concatenate([test for _, test in folds])
    if not isinstance(protocol, FixedTrials):
        np.testing.assert_array_equal(np.sort(tested), np.arange(len(table)))


def test_what_each_protocol_holds_out(table):
    X, subject, session = np.zeros(len(table)), table["subject"], table["session"]
    for train, test in FixedTrials(4).split(X, groups=table):
        assert (
            subject.iloc[[*train, *test]].nunique() == session.iloc[[*train, *test]].nunique() == 1
        )
        assert table["trial"].iloc[train].max() == 3
        assert table["trial"].iloc[test].min() == 4
    for train, test in CrossSession().split(X, groups=table):
        assert len(set(subject.iloc[[*train, *test]])) == 1
        assert len(set(session.iloc[test])) == 1
        assert not set(session.iloc[train]) & set(session.iloc[test])
    for protocol in (LeaveOneSubjectOut(), SubjectKFold(2)):
        for train, test in protocol.split(X, groups=subject):
            assert not set(subject.iloc[train]) & set(subject.iloc[test])


def test_folds_of_trials_hold_every_label(table):
    y = table["label"].to_numpy()
    X = np.zeros(len(y))
    for _, test in TrialKFold(2).split(X, y, table):
        assert set(y[test]) == {"a", "b", "c"}


def test_shuffling_is_seeded(table):
    X, y = np.zeros(len(table)), table["label"]

    def tests(seed):
        cv = TrialKFold(3, shuffle=True, random_state=seed)
        return [tuple(test) for _, test in cv.split(X, y, table)]

    assert tests(0) == tests(0) != tests(1)


def test_in_the_tools_of_scikit_learn(features, y):
    table = features.metadata
    for protocol in (TrialKFold(2), SubjectKFold(2), LeaveOneSubjectOut()):
        found = cross_val_score(DummyClassifier(), features, y, cv=protocol)
        given = cross_val_score(DummyClassifier(), features, y, cv=protocol, groups=table)
        np.testing.assert_array_equal(found, given)
        assert clone(protocol) if hasattr(protocol, "get_params") else repr(protocol)
    search = GridSearchCV(
        DummyClassifier(), {"strategy": ["prior", "stratified"]}, cv=TrialKFold(2)
    )
    search.fit(features, y, groups=table)
    assert "n_splits=5" in repr(TrialKFold())


@pytest.mark.parametrize(
    ("protocol", "change", "message"),
    [
        (FixedTrials(6), None, "n_train=6 leaves no trial"),
        (FixedTrials(0), None, "n_train"),
        (TrialKFold(7), None, "needs as many trials, got 6"),
        (SubjectKFold(5), None, "needs as many subjects, got 4"),
        (SubjectKFold(1), None, "n_splits"),
        (TrialKFold(2), lambda t: t.drop(columns="trial"), "lacks trial"),
        (TrialKFold(2), lambda t: t.assign(trial=np.nan), "missing values in trial"),
        (TrialKFold(2), lambda t: t["trial"].to_numpy(), "must be a DataFrame"),
        (TrialKFold(2), lambda t: t[:-1], "one row for each of 144 windows, got 143"),
        (CrossSession(), lambda t: t.assign(session=1), "two sessions of each subject"),
        (LeaveOneSubjectOut(), lambda t: t.assign(subject=1), "two subjects"),
        (TrialKFold(2), lambda t: None, "X has no metadata"),
    ],
)
def test_bad_groups_are_named(protocol, change, message, table):
    groups = table if change is None else change(table)
    with pytest.raises(ValueError, match=message):
        list(protocol.split(np.zeros(len(table)), None, groups))


def test_number_of_folds_needs_data():
    with pytest.raises(ValueError, match="depends on the data"):
        TrialKFold().get_n_splits()


def test_leaks_are_named(table):
    table = table.reset_index(drop=True)
    rows = np.arange(len(table))
    with pytest.raises(ValueError, match="window 5 stands in training and in test"):
        check_split(rows[:6], rows[5:], table)
    ids = trial_ids(table)
    one = np.flatnonzero(ids == ids[0])
    with pytest.raises(
        ValueError, match=rf"windows {one[0]} .* and {one[1]} .* one trial \(subject"
    ):
        check_split(one[:1], one[1:], table)


def test_overlapping_windows_are_named():
    table = pd.DataFrame({"subject": [1] * 6, "session": [1] * 6})
    samples = np.arange(6) * 100
    check_split([0, 1, 2], [3, 4, 5], table, samples, 100)
    with pytest.raises(
        ValueError, match=r"windows 2 .training. and 3 .test. overlap: .* 200 and 300"
    ):
        check_split([0, 1, 2], [3, 4, 5], table, samples, 101)
    # Two recordings that both begin at sample 0 have nothing in common.
    table["session"] = [1, 1, 1, 2, 2, 2]
    check_split([0, 1, 2], [3, 4, 5], table, np.tile(samples[:3], 2), 500)


def test_overlap_where_counts_begin_again():
    """Two runs of a session, each counted from sample 0, one trial a window."""
    samples = np.tile(np.arange(4) * 100, 2)
    table = pd.DataFrame({"subject": 1, "session": 1, "trial": np.arange(8)})
    with pytest.raises(ValueError, match=r"windows 0 .training. and 1 .test. overlap"):
        check_split([0, 2, 4, 6], [1, 3, 5, 7], table, samples, 200)
    check_split([0, 1, 2, 3], [4, 5, 6, 7], table, samples, 200)
    with pytest.raises(ValueError, match=r"windows 4 .training. and 5 .test. overlap"):
        check_split([0, 1, 2, 3, 4], [5, 6, 7], table, samples, 200)


def test_first_trials_go_by_their_numbers():
    groups = {"subject": [1] * 6, "trial": [3, 3, 1, 1, 2, 2]}
    ((_, test),) = FixedTrials(2).split(np.zeros(6), groups=groups)
    assert test.tolist() == [0, 1]
    groups["trial"] = ["z", "z", "a", "a", "b", "b"]  # names have no order but that of the data
    ((_, test),) = FixedTrials(2).split(np.zeros(6), groups=groups)
    assert test.tolist() == [4, 5]


def test_overlap_without_subjects():
    table = pd.DataFrame({"trial": [1, 2]})
    with pytest.raises(ValueError, match="overlap: they begin at samples 0 and 10"):
        check_split([0], [1], table, [0, 10], 200)
    check_split([0], [1], table, [0, 200], 200)


def test_a_rejected_trial_moves_no_other_one():
    sessions = {1: range(1, 7), 2: [1, 2, 4, 5, 6]}
    groups = pd.DataFrame(
        [{"subject": 1, "session": s, "trial": t} for s, own in sessions.items() for t in own]
    )
    for kind in (int, str, object):
        own = groups.assign(trial=groups["trial"].astype(kind))[::-1]
        tested = [
            own.iloc[test].groupby("session")["trial"].apply(lambda t: sorted(map(int, t)))
            for _, test in FixedTrials(3).split(np.zeros(len(own)), groups=own)
        ]
        assert pd.concat(tested).to_dict() == {1: [4, 5, 6], 2: [4, 5, 6]}
    # Numbers that go on from session to session are of each session alone.
    running = groups.assign(trial=np.arange(len(groups)))
    tested = [test.tolist() for _, test in FixedTrials(3).split(np.zeros(11), groups=running)]
    assert tested == [[3, 4, 5], [9, 10]]
    with pytest.raises(ValueError, match="n_train=1 leaves no trial for training: subject 1, s"):
        list(FixedTrials(1).split(np.zeros(10), groups=groups.drop(index=6)))


def test_groups_where_metadata_are_routed(table):
    X, y = np.zeros((len(table), 1)), table["label"].to_numpy()
    with sklearn.config_context(enable_metadata_routing=True):
        scores = cross_val_score(
            DummyClassifier(), X, y, cv=TrialKFold(2), params={"groups": table}
        )
        assert len(scores) == N_SUBJECTS * N_SESSIONS * 2
        tuned = GridSearchCV(DummyClassifier(), {"strategy": ["prior"]}, cv=TrialKFold(2))
        found = evaluate(tuned, X, y, protocol=LeaveOneSubjectOut(), groups=table)
    assert found["fold"].nunique() == N_SUBJECTS
