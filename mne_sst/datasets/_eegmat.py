"""EEG During Mental Arithmetic Tasks, an open set of PhysioNet."""

import re

import mne
import numpy as np

from .._checks import check_number, listed
from .._edf import check_whole
from ._fetch import data_folder, fetch_files
from ._trials import Trial, check_cut, chosen, epochs_of, join_epochs, make_info

URL = "https://physionet.org/files/eegmat/1.0.0/"
CHANNELS = "Fp1 Fp2 F3 F4 F7 F8 T3 T4 C3 C4 T5 T6 P3 P4 O1 O2 Fz Cz Pz".split()
STATES = {0: "rest", 1: "arithmetic"}
N_SUBJECTS = 36
#: Seconds of repeated values at the end of nearly all files.
PADDING = 2.0


def fetch_eegmat(
    subjects=None, *, path=None, window=2.0, overlap=0.0, last=60.0, base_url=URL, verbose=None
):
    """Get and read EEGMAT [1]_ [2]_: rest and mental arithmetic of 36 subjects.

    Parameters
    ----------
    subjects : sequence of int | None
        Which ones, from 0 as in the names of the files; None for all.
    path : path-like | None
        Folder of a copy, with the original names; files that are missing there are
        downloaded to it, and with a list of sums (``SHA256SUMS.txt``) all are checked.
        None takes ``eegmat`` in MNE's data folder (``MNE_DATA``).
    window, overlap : float
        Seconds: how signals are cut.
    last : float | None
        Seconds before the end of each recording that are used: rest lasts up to 180 s,
        arithmetic 60 s. None takes all.
    base_url : str
        Where the files are.
    verbose : bool | None
        Whether to show a progress bar; None shows it in a terminal.

    Returns
    -------
    epochs : Epochs
        19 electrodes, 500 Hz, with ``subject``, ``session`` (always 1), ``trial`` (1 rest, 2
        arithmetic), ``label`` (0 and 1) and ``state`` in the metadata.

    Raises
    ------
    ConnectionError
        If a file is neither there nor can be downloaded.
    ValueError
        If a file is cut off, was changed since it came, or is not of this set.

    Notes
    -----
    Rest always comes first: whatever changes with time is mixed up with the task. Nearly all
    files end with 2 s in which values are repeated; these are left out. In the
    data, T3 to T6 are the electrodes that are T7, T8, P7 and P8 today.

    References
    ----------
    .. [1] Zyma et al. (2019). Electroencephalograms during mental arithmetic task
           performance. Data, 4, 14. doi:10.3390/data4010014
    .. [2] Goldberger et al. (2000). PhysioBank, PhysioToolkit, and PhysioNet. Circulation,
           101, e215-e220. doi:10.1161/01.CIR.101.23.e215

    Examples
    --------
    >>> from mne_sst.datasets import fetch_eegmat
    >>> epochs = fetch_eegmat([0, 1], window=2.0, last=60.0)  # doctest: +SKIP
    """
    window, overlap = check_cut(window, overlap)
    if last is not None:
        last = check_number("last", last, 0, low_open=True)
        if last < window:
            raise ValueError(
                f"window={window:g} s is longer than the last={last:g} s that are used of a "
                "recording."
            )
    subjects = chosen(range(N_SUBJECTS), subjects, "subjects")
    names = [f"Subject{s:02d}_{n}.edf" for s in subjects for n in (1, 2)]
    files = fetch_files(base_url, names, data_folder("eegmat", path), verbose=verbose)
    parts, info = [], None
    for subject, pair in zip(subjects, zip(files[::2], files[1::2], strict=True), strict=True):
        recordings = [_read(file) for file in pair]
        info = make_info(CHANNELS, recordings[0].info["sfreq"])
        trials = [_trial(raw, subject, i, last) for i, raw in enumerate(recordings)]
        parts.append(epochs_of(trials, info, window, overlap, STATES))
    return join_epochs(parts)


def _trial(raw, subject, label, last):
    signals, sfreq = raw.get_data(), raw.info["sfreq"]
    n_padded = round(PADDING * sfreq)
    if (np.diff(signals[:, -n_padded:], axis=1) == 0).all(axis=0).mean() > 0.5:
        signals = signals[:, :-n_padded]
    if last is not None:
        signals = signals[:, -round(last * sfreq) :]
    values = {"subject": subject, "session": 1, "trial": label + 1, "label": label}
    return Trial(str(raw.filenames[0]), signals, {**values, "state": STATES[label]})


def _read(path):
    raw = read_edf(path)
    named = {re.sub(r"^EEG ", "", name): name for name in raw.ch_names}
    missing = [name for name in CHANNELS if name not in named]
    if missing:
        raise ValueError(
            f"{path} lacks the channels {listed(missing)}; it has {listed(raw.ch_names)}."
        )
    raw.pick([named[name] for name in CHANNELS])
    return raw.reorder_channels([named[name] for name in CHANNELS])


def read_edf(path):
    """Open an EDF file, or say that it is cut off.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    raw : Raw
    """
    check_whole(path)
    try:
        return mne.io.read_raw_edf(path, preload=False, verbose="ERROR")
    except Exception as error:
        raise ValueError(
            f"{path} cannot be read as EDF: {error}. It may have been cut off in the transfer; "
            "remove it and get it again."
        ) from error
