"""Where windows come from, and whether a split cuts through a trial."""

import mne
import numpy as np
import pandas as pd

from .._checks import listed
from .._inputs import own_events

#: What may say where a window comes from, from coarse to fine.
LEVELS = ("subject", "session", "trial")
#: Recording within a session; samples are counted in each.
RUN = "run"


def origin(X, groups=None, needed=LEVELS, n=None):
    """Table of where each window comes from.

    Parameters
    ----------
    X : object
        Data; its ``metadata`` is read where ``groups`` is None.
    groups : DataFrame | dict | array, shape (n_windows,) | None
        Columns ``subject``, ``session``, ``trial``; an array is the one level that is
        needed.
    needed : tuple of str
        Columns that a protocol cannot do without.
    n : int | None
        Number of windows; None for the length of X.

    Returns
    -------
    table : DataFrame
        Columns ``subject``, ``session``, ``trial`` and ``run``, those there are; a session
        that nobody has told is 0.

    Raises
    ------
    TypeError, ValueError
        If a needed column is missing or has missing values, or the length is another.
    """
    n = len(X) if n is None else n
    source = "groups"
    if groups is None:
        source, groups = "the metadata of X", getattr(X, "metadata", None)
        if groups is None:
            raise ValueError(
                f"groups is needed: the protocol wants {listed(needed)} of each window, and X has "
                "no metadata. Give groups=, a DataFrame with these columns."
            )
    if not isinstance(groups, pd.DataFrame):
        if not isinstance(groups, dict):
            if len(needed) > 1:
                raise ValueError(
                    f"groups must be a DataFrame with columns {listed(needed)}, got "
                    f"{type(groups).__name__}: one array does not say which is which."
                )
            groups = {needed[0]: groups}
        groups = _as_table(groups)
    if len(groups) != n:
        raise ValueError(f"{source} must have one row for each of {n} windows, got {len(groups)}.")
    missing = [c for c in needed if c not in groups and c != "session"]
    if missing:
        raise ValueError(
            f"{source} lacks {listed(missing)}, which the protocol needs; it has "
            f"{listed(groups.columns)}."
        )
    columns = [c for c in (*LEVELS, RUN) if c in groups]
    table = pd.DataFrame({c: groups[c].to_numpy() for c in columns}, index=range(n))
    empty = [c for c in table if table[c].isna().any()]
    if empty:
        raise ValueError(
            f"{source} has missing values in {listed(empty)}; leave those windows out."
        )
    if "session" not in table:
        table["session"] = 0
    return table


def _as_table(groups):
    shapes = {name: np.shape(values) for name, values in groups.items()}
    wrong = [f"{name} of shape {shape}" for name, shape in shapes.items() if len(shape) != 1]
    if wrong:
        raise TypeError(
            "groups must be a DataFrame, a dict of columns or an array, with one value a window; "
            f"got {listed(wrong)}. For a column of the metadata give epochs.metadata[name]."
        )
    return pd.DataFrame({name: np.asarray(values) for name, values in groups.items()})


def samples_of(X):
    """First sample of each window in its recording, and samples in a window; None if unknown."""
    if isinstance(X, mne.BaseEpochs):
        # EpochsArray numbers its windows, if nothing else is said.
        if np.array_equal(X.events[:, 0], X.selection):
            return None, None
        return own_events(X)[:, 0], len(X.times)
    settings, events = getattr(X, "settings", None), getattr(X, "events", None)
    if events is None or settings is None or not settings.window or not settings.sfreq:
        return None, None
    return events[:, 0], round(settings.window * settings.sfreq)


def check_split(train, test, table, samples=None, n_samples=None):
    """Raise ValueError if a trial, or windows that overlap, stand on both sides.

    Parameters
    ----------
    train, test : array of int
        Rows of both sides.
    table : DataFrame
        Columns ``subject``, ``session`` and ``trial``, those there are: trials are told apart
        within subject and session. ``run`` tells recordings of a session apart.
    samples : array of int, shape (n_windows,) | None
        First sample of each window in its recording.
    n_samples : int | None
        Length of a window.

    Raises
    ------
    ValueError
        Names a pair of windows, one from each side.

    Examples
    --------
    >>> import pandas as pd
    >>> from mne_sst.evaluation import check_split
    >>> check_split([0, 1], [2, 3], pd.DataFrame({"trial": [1, 1, 2, 2]}))
    """
    train, test = np.asarray(train), np.asarray(test)
    both = np.intersect1d(train, test)
    if len(both):
        raise ValueError(f"window {both[0]} stands in training and in test.")
    columns = [c for c in LEVELS if c in table]
    if "trial" in columns:
        trial = table.groupby(columns, sort=False).ngroup().to_numpy()
        shared = np.intersect1d(trial[train], trial[test])
        if len(shared):
            pair = [side[trial[side] == shared[0]][0] for side in (train, test)]
            where = ", ".join(f"{c} {table[c].iloc[pair[0]]}" for c in columns)
            raise ValueError(
                f"windows {pair[0]} (training) and {pair[1]} (test) come from one trial ({where}). "
                "Windows of a trial resemble each other: split by trial, session or subject."
            )
    if samples is not None and n_samples is not None:
        _check_overlap(train, test, table, np.asarray(samples), n_samples)


def _check_overlap(train, test, table, samples, n_samples):
    in_test = np.zeros(len(table), dtype=bool)
    in_test[test] = True
    rows = np.concatenate([train, test])
    columns = [c for c in ("subject", "session", RUN) if c in table]
    keys = np.zeros(len(rows), int)
    if columns:
        keys = table[columns].iloc[rows].groupby(columns, sort=False).ngroup().to_numpy()
    for key in np.unique(keys):
        for mine in _recordings(np.sort(rows[keys == key]), samples):
            # Numbers, not times: no one cuts windows sample by sample.
            if len(mine) > 1 and np.median(np.diff(samples[mine])) <= 1 < n_samples:
                continue
            crossing = in_test[mine][1:] != in_test[mine][:-1]
            close = np.diff(samples[mine]) < n_samples
            for i in np.flatnonzero(crossing & close)[:1]:
                a, b = sorted(mine[i : i + 2], key=lambda row: in_test[row])
                raise ValueError(
                    f"windows {a} (training) and {b} (test) overlap: they begin at samples "
                    f"{samples[a]} and {samples[b]} and are {n_samples} samples long. Cut windows "
                    "without overlap, or give windows that overlap the same trial; where they are "
                    f"of several recordings of a session, name these by a column {RUN!r}."
                )


def _recordings(rows, samples):
    """Rows of each recording in the order of time.

    Where a sample comes twice there are several, each with a count of its own, which starts
    again where it goes back.
    """
    if len(np.unique(samples[rows])) == len(rows):
        return [rows[np.argsort(samples[rows], kind="stable")]]
    found = np.split(rows, np.flatnonzero(np.diff(samples[rows]) <= 0) + 1)
    if 2 * len(found) > len(rows):
        raise ValueError(
            "windows of several recordings stand in one session in no order of time, so that it "
            "cannot be told which overlap. Sort them, or name the recording of each by a column "
            f"{RUN!r} of the metadata or of groups."
        )
    return found
