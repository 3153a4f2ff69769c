"""Reader of FACED, from its official folders."""

import re

import numpy as np

from .._checks import check_option
from ..features import concatenate_features
from ._arrays import numbers
from ._official import TEMPORAL, check_official_cut, official_features
from ._pickles import check_allowed, read_pickle
from ._sessions import check_paired
from ._trials import (
    KINDS,
    Trial,
    check_cut,
    check_folder,
    chosen,
    epochs_of,
    join_epochs,
    make_info,
)

#: Electrodes in the order of the files; the two mastoids come last and are left out.
CHANNELS = (
    "FP1 FP2 FZ F3 F4 F7 F8 FC1 FC2 FC5 FC6 CZ C3 C4 T7 T8 CP1 CP2 CP5 CP6 PZ P3 P4 P7 P8 PO3 PO4 "
    "OZ O1 O2"
).split()
N_CHANNELS, N_CLIPS, SECONDS, SFREQ = 32, 28, 30, 250.0
EMOTIONS = dict(
    enumerate("anger disgust fear sadness neutral amusement inspiration joy tenderness".split())
)
#: Of the official features, s.
WINDOW = 1.0
#: Emotion of each clip.
LABELS = [label for label, n in enumerate((3, 3, 3, 3, 4, 3, 3, 3, 3)) for _ in range(n)]


def read_faced(
    path,
    subjects=None,
    *,
    data="raw",
    window=1.0,
    overlap=0.0,
    temporal="signal",
    allow_pickle=False,
):
    """Read FACED [1]_: nine emotions, 123 subjects, 28 film clips.

    Parameters
    ----------
    path : path-like
        The official folder, with ``Processed_data`` and ``EEG_Features``.
    subjects : sequence of int | None
        Which ones, from 0 as in the names of the files; None for all. Files of others are
        not opened.
    data : {"raw", "features"}
        ``"raw"``: Epochs of the signals, in volts. ``"features"``: the official DE of
        windows of 1 s, and beside it a clip of the signal where the signals are there too.
    window, overlap : float
        Seconds: how signals are cut. Official features are of windows of 1 s without overlap.
    temporal : {"signal", "power"}
        What stands beside official features, see `read_seed`.
    allow_pickle : bool
        The files are pickles, a format that can run code. Must be True to read them; even
        then nothing but arrays is accepted.

    Returns
    -------
    data : Epochs | EpochsFeatures
        30 electrodes, 250 Hz, the last 30 s of each clip. Metadata: ``subject``, ``session``
        (always 1), ``trial`` (the clip, from 1), ``label`` (0 to 8 for anger, disgust, fear,
        sadness, neutral, amusement, inspiration, joy and tenderness) and ``emotion``.

    Raises
    ------
    FileNotFoundError, ValueError
        Naming the folder, file or key that is missing or wrong.

    References
    ----------
    .. [1] Chen et al. (2023). A large finer-grained affective computing EEG dataset.
           Scientific Data, 10, 740. doi:10.1038/s41597-023-02650-w

    Examples
    --------
    >>> from mne_sst.datasets import read_faced
    >>> epochs = read_faced("FACED", subjects=[0])  # doctest: +SKIP
    """
    check_option("data", data, KINDS)
    check_option("temporal", temporal, TEMPORAL)
    window, overlap = check_cut(window, overlap)
    if data == "features":
        check_official_cut("FACED", window, overlap, [WINDOW])
    info, parts = make_info(CHANNELS, SFREQ), []
    raw = _files(path, ("Processed_data",), r"sub(\d{3})\.pkl", data == "features")
    found = raw
    if data == "features":
        found = _files(path, ("EEG_Features/DE", "DE"), r"sub(\d{3})\.pkl(\.pkl)?")
    asked = chosen(found, subjects, "subjects")
    for subject in asked:
        check_allowed(allow_pickle, found[subject])
    if data == "features":
        check_paired({(s, 1): f for s, f in raw.items()}, [(s, 1) for s in asked], "FACED")
    for subject in asked:
        if data == "raw":
            parts.append(epochs_of(_trials(raw[subject], subject), info, window, overlap, EMOTIONS))
        else:
            parts += _features(found[subject], raw.get(subject), subject, info, temporal)
    return concatenate_features(parts) if data == "features" else join_epochs(parts)


def _files(path, folders, pattern, optional=False):
    """Subject -> file."""
    folder = check_folder(path, "FACED", *folders, optional=optional)
    if folder is None:
        return {}
    matches = [(re.fullmatch(pattern, f.name), f) for f in folder.glob("sub*")]
    files = {int(match[1]): file for match, file in matches if match}
    if not files and not optional:
        raise FileNotFoundError(f"FACED: {folder} holds no file named like sub000.pkl.")
    return files


def _metadata(subject, clip):
    label = LABELS[clip]
    known = {"subject": subject, "session": 1, "trial": clip + 1}
    return known | {"label": label, "emotion": EMOTIONS[label]}


def _trials(path, subject):
    shape = (N_CLIPS, N_CHANNELS, round(SECONDS * SFREQ))
    signals = numbers(read_pickle(path), shape, f"{path}: the array")
    return [
        Trial(f"{path}: clip {i + 1}", values[: len(CHANNELS)] * 1e-6, _metadata(subject, i))
        for i, values in enumerate(signals)
    ]


def _features(path, raw_path, subject, info, temporal):
    """Official DE of one subject, and clips of the signals where they are there."""
    shape = (N_CLIPS, N_CHANNELS, SECONDS, 5)
    where = f"{path}: the array"
    values = numbers(read_pickle(path), shape, where)[:, : len(CHANNELS)]
    if raw_path is None:
        trials = [Trial(where, None, _metadata(subject, i)) for i in range(N_CLIPS)]
    else:
        trials = _trials(raw_path, subject)
    made = dict(window=WINDOW, smoothing=None, temporal=temporal)
    return [
        official_features(np.moveaxis(own, 1, 0), trial, info, where, **made)
        for own, trial in zip(values, trials, strict=True)
    ]
