"""Trials of a recording to windows, the same for every data set."""

import os
from dataclasses import dataclass
from pathlib import Path

import mne
import numpy as np
import pandas as pd

from .._checks import check_number, listed
from .._montage import place

#: Where a reader's data comes in.
KINDS = ("raw", "features")


@dataclass
class Trial:
    """The signals of one trial, and what is known of it.

    Parameters
    ----------
    name : str
        File and variable, for messages.
    signals : array, shape (n_channels, n_samples)
        Volts.
    metadata : dict
        ``subject``, ``session``, ``trial``, ``label`` and more: a value for all windows, or
        an array with one for each of them.
    """

    name: str
    signals: np.ndarray
    metadata: dict


def check_cut(window, overlap):
    """Return window and overlap in seconds, checked."""
    window = check_number("window", window, 0, low_open=True)
    overlap = check_number("overlap", overlap, 0)
    if overlap >= window:
        raise ValueError(f"overlap={overlap} s must be shorter than window={window} s.")
    return window, overlap


def check_path(path):
    """Return ``path`` as a Path, with the home folder for ``~``."""
    if not isinstance(path, str | os.PathLike):
        raise TypeError(
            f"path must be the name of a folder or file, got {path!r} ({type(path).__name__})."
        )
    return Path(path).expanduser()


def check_folder(path, name, *folders, optional=False):
    """Find a folder of a data set, or say that it is missing.

    Parameters
    ----------
    path : path-like
        Of the data set; it must be there.
    name : str
        Of the data set, for messages.
    *folders : str
        The first of these that is in ``path`` is meant; none means the path itself.
    optional : bool
        Whether None is returned where none of them is there.

    Returns
    -------
    folder : Path | None
    """
    path = check_path(path)
    if not path.is_dir():
        raise FileNotFoundError(f"path: there is no folder {path}.")
    if not folders:
        return path
    found = next((path / f for f in folders if (path / f).is_dir()), None)
    if found is None and not optional:
        raise FileNotFoundError(
            f"{name}: {path} has no folder {' or '.join(folders)}. Give the folder that the "
            "official archive unpacks to."
        )
    return found


def chosen(there, values, name):
    """Return which of the values that are there were asked for, in the order asked.

    Parameters
    ----------
    there : iterable
        What can be had.
    values : int | iterable of int | None
        What was asked for; None for all.
    name : str
        Of the parameter.
    """
    there = sorted(set(there))
    if values is None:
        return there
    values = whole_numbers(values, name, there)
    missing = [v for v in values if v not in there]
    if missing:
        raise ValueError(f"{name}={values}: {listed(missing)} not found, only {listed(there)}.")
    return list(dict.fromkeys(values))


def whole_numbers(values, name, there):
    """Return one or more numbers that were asked for as a list.

    Parameters
    ----------
    values : int | iterable of int
        What was asked for.
    name : str
        Of the parameter.
    there : iterable
        What can be had, for the message.
    """
    values = list(values) if np.iterable(values) and not isinstance(values, str) else [values]
    if not values:
        raise ValueError(f"{name} is empty: give some of {listed(there)}, or None for all.")
    return [check_number(name, value, integer=True) for value in values]


def make_info(ch_names, sfreq):
    """Info of electrodes with positions, under MNE's spelling of their names."""
    return place(mne.create_info([proper(name) for name in ch_names], sfreq, "eeg"))


def proper(name):
    """FP1 as Fp1, CZ as Cz, FPZ as Fpz: how MNE writes them."""
    return name.replace("FP", "Fp").replace("Z", "z")


def metadata_of(values, n_windows):
    """One row a window.

    Parameters
    ----------
    values : dict
        As of a `Trial`.
    n_windows : int
        Rows.
    """
    return pd.DataFrame(values, index=range(n_windows))


def window_starts(n_times, sfreq, window, overlap):
    """First samples of the windows of a trial, and their length.

    Parameters
    ----------
    n_times : int
        Samples of the trial.
    sfreq : float
        Hz.
    window, overlap : float
        Seconds.

    Returns
    -------
    starts : array of int
        Empty where the trial is shorter than a window.
    n_samples : int
    """
    n_samples, step = round(window * sfreq), round((window - overlap) * sfreq)
    if min(n_samples, step) < 1:
        raise ValueError(
            f"window={window:g} s, overlap={overlap:g} s: at {sfreq:g} Hz a window, and the step "
            f"from one to the next, must be at least a sample of {1 / sfreq:g} s."
        )
    return np.arange(0, n_times - n_samples + 1, step), n_samples


def epochs_of(trials, info, window, overlap, words=None):
    """Cut the trials of one recording into windows.

    Parameters
    ----------
    trials : iterable of Trial
        In order of time; each is taken as it is needed.
    info : mne.Info
        Of their channels.
    window, overlap : float
        Seconds.
    words : dict of label -> str | None
        Event names; None for one event name.

    Returns
    -------
    epochs : EpochsArray
        Events count on through the recording; what does not fill a window is left out.
    """
    sfreq = info["sfreq"]
    windows, tables, events, offset = [], [], [], 0
    for trial in trials:
        starts, n_samples = window_starts(trial.signals.shape[1], sfreq, window, overlap)
        if not len(starts):
            raise ValueError(
                f"{trial.name} has {trial.signals.shape[1] / sfreq:g} s, less than one window "
                f"of {window:g} s."
            )
        windows.append(np.stack([trial.signals[:, s : s + n_samples] for s in starts]))
        tables.append(metadata_of(trial.metadata, len(starts)))
        code = list(words).index(trial.metadata["label"]) + 1 if words else 1
        events.append(np.column_stack([starts + offset, 0 * starts, 0 * starts + code]))
        offset += trial.signals.shape[1]
    events = np.concatenate(events)
    names = words.values() if words else ["window"]
    return mne.EpochsArray(
        np.concatenate(windows),
        info,
        events,
        # Not every recording has every label.
        event_id={name: i for i, name in enumerate(names, 1) if i in events[:, 2]},
        metadata=pd.concat(tables, ignore_index=True),
        verbose="ERROR",
    )


def join_epochs(parts):
    """Epochs of several recordings as one; no two events at the same sample."""
    return mne.concatenate_epochs(parts, add_offset=True, verbose="ERROR")
