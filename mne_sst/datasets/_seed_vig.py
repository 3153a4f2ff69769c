"""Reader of SEED-VIG, from its official folders."""

import re

import numpy as np

from .._checks import check_option
from ..features import concatenate_features
from ._arrays import numbers
from ._matlab import MatFile
from ._official import official_features
from ._seed import SMOOTHING, asked_for
from ._trials import (
    KINDS,
    Trial,
    check_cut,
    check_folder,
    epochs_of,
    join_epochs,
    make_info,
)

CHANNELS = "FT7 FT8 T7 T8 TP7 TP8 CP1 CP2 P1 PZ P2 PO3 POZ PO4 O1 OZ O2".split()
SFREQ = 200.0
#: Seconds that one label stands for, labels of an experiment, parts for cross-validation.
PIECE, N_PIECES, N_PARTS = 8.0, 885, 5
#: Share of closed eyes from which a driver counts as tired, and as drowsy.
TIRED, DROWSY = 0.35, 0.7


def read_seed_vig(
    path, subjects=None, sessions=None, *, data="raw", smoothing="lds", window=8.0, overlap=0.0
):
    """Read SEED-VIG [1]_: drowsiness at the wheel, 23 drives of two hours in a simulator.

    Parameters
    ----------
    path : path-like
        The official folder, with ``Raw_Data``, ``EEG_Feature_5Bands`` and
        ``perclos_labels``.
    subjects : sequence of int | None
        Which ones, by the number in the names of the files; None for all.
    sessions : sequence of int | None
        Drives of a subject in the order of their dates; None for all.
    data : {"raw", "features"}
        ``"raw"``: Epochs of the signals, in volts. ``"features"``: the official DE of
        pieces of 8 s, and beside it a clip of the signal where the signals are there too.
    smoothing : {"lds", "moving_average"}
        Which official features.
    window, overlap : float
        Seconds: how signals are cut.

    Returns
    -------
    data : Epochs | EpochsFeatures
        With ``subject``, ``session``, ``trial``, ``label`` (PERCLOS, the share of time with
        closed eyes, 0 to 1) and ``state`` (awake below 0.35, drowsy from 0.7, tired between)
        in the metadata. A drive has no trials: ``trial`` counts five parts of equal length,
        those of the published cross-validation. A window has the label of the piece of 8 s
        in which its middle lies.

    Raises
    ------
    FileNotFoundError, ValueError
        Naming the folder, file or variable that is missing or wrong.

    References
    ----------
    .. [1] Zheng & Lu (2017). A multimodal approach to estimating vigilance using EEG and
           forehead EOG. Journal of Neural Engineering, 14, 026017.
           doi:10.1088/1741-2552/aa5a98

    Examples
    --------
    >>> from mne_sst.datasets import read_seed_vig
    >>> epochs = read_seed_vig("SEED-VIG", subjects=[1])  # doctest: +SKIP
    """
    check_option("data", data, KINDS)
    check_option("smoothing", smoothing, tuple(SMOOTHING))
    window, overlap = check_cut(window, overlap)
    info, parts = make_info(CHANNELS, SFREQ), []
    raw = _files(path, "Raw_Data", optional=data == "features")
    found = raw if data == "raw" else _files(path, "EEG_Feature_5Bands")
    for key in asked_for(found, subjects, sessions):
        labels = _labels(path, found[key].name)
        if data == "raw":
            trials = _trials(found[key], key, labels, window, overlap)
            parts.append(epochs_of(trials, info, window, overlap))
        else:
            parts += _features(found[key], raw.get(key), key, labels, smoothing, info)
    return concatenate_features(parts) if data == "features" else join_epochs(parts)


def _files(path, name, optional=False):
    """(subject, session) -> file, the drives of a subject in the order of their dates."""
    folder = check_folder(path, "SEED-VIG", name, optional=optional)
    if folder is None:
        return {}
    found = {}
    for file in folder.glob("*.mat"):
        match = re.fullmatch(r"(\d+)_(\d{8}).*\.mat", file.name)
        if match:
            found.setdefault(int(match[1]), []).append((match[2], file.name, file))
    if not found:
        raise FileNotFoundError(
            f"SEED-VIG: {folder} holds no file named like 1_20151124_noon_2.mat."
        )
    return {
        (subject, session): file
        for subject in sorted(found)
        for session, (*_, file) in enumerate(sorted(found[subject]), start=1)
    }


def _labels(path, name):
    """PERCLOS of each piece of a drive."""
    file = MatFile(check_folder(path, "SEED-VIG", "perclos_labels") / name)
    labels = numbers(file.read("perclos").ravel(), (N_PIECES,), f"{file.path}: 'perclos'")
    if labels.min() < 0 or labels.max() > 1:
        raise ValueError(
            f"{file.path}: 'perclos' must lie between 0 and 1, got {labels.min():g} to "
            f"{labels.max():g}."
        )
    return labels


def _metadata(key, part, labels):
    state = np.select([labels < TIRED, labels < DROWSY], ["awake", "tired"], "drowsy")
    return {"subject": key[0], "session": key[1], "trial": part, "label": labels, "state": state}


def _signals(path):
    """All signals of a drive in volts, (17, n_samples)."""
    signals, least = MatFile(path).read("EEG.data"), round(N_PIECES * PIECE * SFREQ)
    where = f"{path}: 'EEG.data'"
    if signals.shape[0] != len(CHANNELS):
        signals = signals.T
    signals = numbers(signals, (len(CHANNELS), None), where)
    if signals.shape[1] < least:
        raise ValueError(
            f"{where} has {signals.shape[1]} samples; {N_PIECES} labels of {PIECE:g} s need "
            f"{least}."
        )
    return signals[:, :least] * 1e-6


def _trials(path, key, labels, window, overlap):
    """Yield the five parts of a drive, with one label a window."""
    signals = np.split(_signals(path), N_PARTS, axis=1)
    step = window - overlap
    for part, (values, own) in enumerate(
        zip(signals, np.split(labels, N_PARTS), strict=True), start=1
    ):
        middles = np.arange(0, len(own) * PIECE, step) + window / 2
        pieces = np.minimum(middles // PIECE, len(own) - 1).astype(int)
        yield Trial(f"{path}: part {part}", values, _metadata(key, part, own[pieces]))


def _features(path, raw_path, key, labels, smoothing, info):
    """Official DE of one drive, and clips of its signals where they are there."""
    name = SMOOTHING[smoothing]
    where = f"{path}: {name!r}"
    values = MatFile(path).read(name, (len(CHANNELS), N_PIECES, 5))
    signals = None if raw_path is None else np.split(_signals(raw_path), N_PARTS, axis=1)
    parts = np.split(values.transpose(1, 0, 2), N_PARTS)
    return [
        official_features(
            own,
            Trial(
                f"{raw_path}: part {i + 1}",
                None if signals is None else signals[i],
                _metadata(key, i + 1, np.split(labels, N_PARTS)[i]),
            ),
            info,
            PIECE,
            smoothing,
            where,
            signals is not None,
        )
        for i, own in enumerate(parts)
    ]
