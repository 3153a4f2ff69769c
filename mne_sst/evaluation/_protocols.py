"""Protocols: scikit-learn splitters that keep trials, sessions and subjects whole."""

import numpy as np
import pandas as pd
from sklearn.model_selection import BaseCrossValidator, KFold

from .._checks import check_number
from ._origin import LEVELS, check_split, origin, samples_of


class _Protocol(BaseCrossValidator):
    """Folds that keep trials whole; each is checked before it is given out."""

    # How a splitter of scikit-learn says that it wants groups, where metadata are routed.
    __metadata_request__split = {"groups": True}

    needed = LEVELS

    def split(self, X, y=None, groups=None):
        """Yield the rows of training and test, fold by fold.

        Parameters
        ----------
        X : EpochsFeatures | Epochs | array
            Windows.
        y : array | None
            Labels; k folds of trials hold about as many trials of each.
        groups : DataFrame | dict | array | None
            Where windows come from: columns ``subject``, ``session`` and ``trial``.
            None reads the metadata of X.

        Yields
        ------
        train, test : array of int
        """
        table = origin(X, groups, self.needed)
        samples, n_folds = samples_of(X), 0
        for train, test in self._folds(table, y):
            check_split(train, test, table, *samples)
            n_folds += 1
            yield train, test
        if not n_folds:
            raise ValueError(f"{self!r} gives no fold: {self._hint(table)}")

    def get_n_splits(self, X=None, y=None, groups=None):
        """Return the number of folds, which hangs on the data.

        Parameters
        ----------
        X : object
            Data with metadata; None where ``groups`` tell enough.
        y : array, shape (n_windows,) | None
            Labels.
        groups : DataFrame | dict | array | None
            See `split`.

        Returns
        -------
        n_splits : int
        """
        if X is None and groups is None:
            raise ValueError("the number of folds depends on the data: give X or groups.")
        n = len(groups) if X is None else len(X)
        return sum(1 for _ in self._folds(origin(X, groups, self.needed, n), y))

    def _hint(self, table):
        counts = ", ".join(f"{table[c].nunique()} {c}s" for c in table)
        return f"the data have {counts}."


def _recordings(table):
    """Rows of each subject and session, in the order in which they come."""
    grouped = table.groupby(["subject", "session"], sort=False)
    return [np.sort(rows) for rows in grouped.indices.values()]


def _in_order(values):
    """Distinct values in the order in which they come."""
    return pd.unique(values)


def _numbered(trials):
    """Distinct trials by their numbers; named ones in the order in which they come."""
    found = _in_order(trials)
    try:
        return found[np.argsort(pd.to_numeric(found), kind="stable")]
    except (TypeError, ValueError):
        return found


class FixedTrials(_Protocol):
    """Within each session, its first trials train and the rest test.

    First are the lowest numbers; trials that are named instead come as in the data. Where
    one session has all trials that there are, its first ones train everywhere: a trial that
    was rejected in another session moves no other one from test to training. The customary
    protocol of SEED (9 of 15) and SEED-IV (16 of 24). A fold for each subject and session.

    Parameters
    ----------
    n_train : int
        Trials that train.

    Examples
    --------
    >>> import numpy as np
    >>> from mne_sst.evaluation import FixedTrials
    >>> groups = {"subject": [1] * 6, "trial": [1, 1, 2, 2, 3, 3]}
    >>> [(a.tolist(), b.tolist()) for a, b in FixedTrials(2).split(np.zeros(6), groups=groups)]
    [([0, 1, 2, 3], [4, 5])]
    """

    def __init__(self, n_train=9):
        self.n_train = n_train

    def _folds(self, table, y):
        n_train = check_number("n_train", self.n_train, 1, integer=True)
        trials, recordings = table["trial"].to_numpy(), _recordings(table)
        everything = _numbered(trials)
        own = [_numbered(trials[rows]) for rows in recordings]
        alike = any(len(found) == len(everything) for found in own)
        for rows, found in zip(recordings, own, strict=True):
            is_train = np.isin(trials[rows], (everything if alike else found)[:n_train])
            if is_train.all() or not is_train.any():
                first, side = table.iloc[rows[0]], "the test" if is_train.all() else "training"
                raise ValueError(
                    f"n_train={n_train} leaves no trial for {side}: subject {first['subject']}, "
                    f"session {first['session']} has {len(found)}."
                )
            yield rows[is_train], rows[~is_train]


class TrialKFold(_Protocol):
    """Within each session, k folds of trials.

    Parameters
    ----------
    n_splits : int
        Folds in a session.
    shuffle : bool
        Whether trials are dealt out in a random order; else every k-th is in a fold.
    random_state : int | None
        Seed of that order.

    Examples
    --------
    >>> from mne_sst.datasets import simulate_emotion
    >>> from mne_sst.evaluation import TrialKFold
    >>> epochs = simulate_emotion(n_subjects=2, n_sessions=2, n_trials=4, n_windows=2)
    >>> TrialKFold(2).get_n_splits(epochs)
    8
    """

    def __init__(self, n_splits=5, shuffle=False, random_state=None):
        self.n_splits = n_splits
        self.shuffle = shuffle
        self.random_state = random_state

    def _folds(self, table, y):
        for rows in _recordings(table):
            labels = None if y is None else np.asarray(y)[rows]
            yield from _deal(table["trial"].to_numpy()[rows], rows, self, "trial", labels)


class SubjectKFold(_Protocol):
    """K folds of subjects.

    Parameters
    ----------
    n_splits : int
        Folds.
    shuffle : bool
        Whether subjects are dealt out in a random order; else every k-th is in a fold.
    random_state : int | None
        Seed of that order.

    Examples
    --------
    >>> from mne_sst.datasets import simulate_emotion
    >>> from mne_sst.evaluation import SubjectKFold
    >>> epochs = simulate_emotion(n_subjects=2, n_sessions=2, n_trials=4, n_windows=2)
    >>> SubjectKFold(2).get_n_splits(epochs)
    2
    """

    needed = ("subject",)

    def __init__(self, n_splits=5, shuffle=False, random_state=None):
        self.n_splits = n_splits
        self.shuffle = shuffle
        self.random_state = random_state

    def _folds(self, table, y):
        rows = np.arange(len(table))
        yield from _deal(table["subject"].to_numpy(), rows, self, "subject")


def _deal(values, rows, splitter, what, labels=None):
    """Folds of rows by distinct values, dealt out like cards, label after label."""
    n_splits = check_number("n_splits", splitter.n_splits, 2, integer=True)
    order = _in_order(values)
    if splitter.shuffle:
        order = np.random.default_rng(splitter.random_state).permutation(order)
    if len(order) < n_splits:
        raise ValueError(f"n_splits={n_splits} needs as many {what}s, got {len(order)}.")
    if labels is not None:
        first = {value: labels[values == value][0] for value in order}
        by_label = [[v for v in order if first[v] == c] for c in _in_order(labels)]
        order = np.concatenate([np.array(part, order.dtype) for part in by_label if part])
    for fold in range(n_splits):
        is_test = np.isin(values, order[fold::n_splits])
        yield rows[~is_test], rows[is_test]


class ShuffledWindows(_Protocol):
    """K folds of shuffled windows, to show what a leak does. Never a result.

    Windows of one trial stand on both sides: whoever knows the trial knows the label. Rows
    of `evaluate` are marked ``leaky``, in tables and plots too.

    Parameters
    ----------
    n_splits : int
        Folds.
    random_state : int
        Seed of the order.

    Examples
    --------
    >>> from mne_sst.datasets import simulate_emotion
    >>> from mne_sst.evaluation import ShuffledWindows
    >>> epochs = simulate_emotion(n_subjects=2, n_sessions=2, n_trials=4, n_windows=2)
    >>> ShuffledWindows(4).get_n_splits(epochs)
    4
    """

    leaky = True

    def __init__(self, n_splits=5, random_state=0):
        self.n_splits = n_splits
        self.random_state = random_state

    def split(self, X, y=None, groups=None):
        """Yield the rows of training and test, fold by fold.

        Parameters
        ----------
        X : EpochsFeatures | Epochs | array
            Windows.
        y, groups : object
            As of the other protocols.

        Yields
        ------
        train, test : array of int
        """
        yield from self._folds(origin(X, groups, self.needed), y)

    def _folds(self, table, y):
        folds = KFold(self.n_splits, shuffle=True, random_state=self.random_state)
        yield from folds.split(np.arange(len(table)))


class LeaveOneSubjectOut(_Protocol):
    """Each subject tests once, all others train.

    Examples
    --------
    >>> from mne_sst.datasets import simulate_emotion
    >>> from mne_sst.evaluation import LeaveOneSubjectOut
    >>> epochs = simulate_emotion(n_subjects=2, n_sessions=2, n_trials=4, n_windows=2)
    >>> LeaveOneSubjectOut().get_n_splits(epochs)
    2
    """

    needed = ("subject",)

    def _folds(self, table, y):
        subjects = table["subject"].to_numpy()
        if len(_in_order(subjects)) < 2:
            raise ValueError(f"LeaveOneSubjectOut needs two subjects, got {len(set(subjects))}.")
        for subject in _in_order(subjects):
            yield np.flatnonzero(subjects != subject), np.flatnonzero(subjects == subject)


class CrossSession(_Protocol):
    """Within each subject, each session tests once and the others train.

    Examples
    --------
    >>> from mne_sst.datasets import simulate_emotion
    >>> from mne_sst.evaluation import CrossSession
    >>> epochs = simulate_emotion(n_subjects=2, n_sessions=2, n_trials=4, n_windows=2)
    >>> CrossSession().get_n_splits(epochs)
    4
    """

    needed = ("subject", "session")

    def _folds(self, table, y):
        subjects, sessions = table["subject"].to_numpy(), table["session"].to_numpy()
        for subject in _in_order(subjects):
            mine = np.flatnonzero(subjects == subject)
            names = _in_order(sessions[mine])
            if len(names) < 2:
                raise ValueError(
                    f"CrossSession needs two sessions of each subject; subject {subject} has one "
                    f"({names[0]})."
                )
            for session in names:
                is_test = sessions[mine] == session
                yield mine[~is_test], mine[is_test]
