"""Reader of SEED-VIG, from its official folders."""

import re

import numpy as np

from .._checks import check_option, listed
from ..features import concatenate_features
from ._arrays import numbers
from ._matlab import MatFile
from ._official import TEMPORAL, check_official_cut, official_features
from ._seed import SMOOTHING
from ._sessions import asked_for, check_paired, number_sessions
from ._trials import (
    KINDS,
    Trial,
    check_cut,
    check_folder,
    epochs_of,
    join_epochs,
    make_info,
    window_starts,
)

CHANNELS = "FT7 FT8 T7 T8 TP7 TP8 CP1 CP2 P1 PZ P2 PO3 POZ PO4 O1 OZ O2".split()
SFREQ = 200.0
#: Seconds that one label stands for, labels of an experiment, parts for cross-validation.
PIECE, N_PIECES, N_PARTS = 8.0, 885, 5
#: Share of closed eyes from which a driver counts as tired, and as drowsy.
TIRED, DROWSY = 0.35, 0.7


def read_seed_vig(
    path,
    subjects=None,
    sessions=None,
    *,
    data="raw",
    smoothing="lds",
    window=8.0,
    overlap=0.0,
    temporal="signal",
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
        Which official features. Their makers smoothed the whole drive: across the borders of
        the five parts, so that parts which test have seen, and were seen by, those that train.
    window, overlap : float
        Seconds: how signals are cut. Official features are of windows of 8 s without overlap.
    temporal : {"signal", "power"}
        What stands beside official features, see `read_seed`.

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
    check_option("temporal", temporal, TEMPORAL)
    window, overlap = check_cut(window, overlap)
    if data == "features":
        check_official_cut("SEED-VIG", window, overlap, [PIECE])
    info, official, parts = make_info(CHANNELS, SFREQ), data == "features", []
    # Numbered by the dates of both: one folder may lack a drive.
    raw, features = number_sessions(
        _files(path, "Raw_Data", optional=official),
        _files(path, "EEG_Feature_5Bands", optional=not official),
    )
    found = features if official else raw
    keys = asked_for(found, subjects, sessions)
    if official:
        check_paired(raw, keys, "SEED-VIG")
    for key in keys:
        labels = _labels(path, found[key].name)
        if official:
            made = dict(smoothing=smoothing, window=PIECE, temporal=temporal)
            parts += _features(found[key], raw.get(key), key, labels, info, made)
        else:
            trials = _trials(found[key], key, labels, window, overlap)
            parts.append(epochs_of(trials, info, window, overlap))
    return concatenate_features(parts) if official else join_epochs(parts)


def _files(path, name, optional=False):
    """(subject, date and the rest of the name) -> file."""
    folder = check_folder(path, "SEED-VIG", name, optional=optional)
    if folder is None:
        return {}
    matches = [(re.fullmatch(r"(\d+)_(\d{8}.*)\.mat", f.name), f) for f in folder.glob("*.mat")]
    files = {(int(match[1]), match[2]): file for match, file in matches if match}
    if not files and not optional:
        raise FileNotFoundError(
            f"SEED-VIG: {folder} holds no file named like 1_20151124_noon_2.mat."
        )
    return files


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
    file, least = MatFile(path), round(N_PIECES * PIECE * SFREQ)
    signals = file.read("EEG.data")
    where = f"{path}: 'EEG.data'"
    if signals.shape[0] != len(CHANNELS):
        signals = signals.T
    signals = numbers(signals, (len(CHANNELS), None), where)
    if signals.shape[1] < least:
        raise ValueError(
            f"{where} has {signals.shape[1]} samples; {N_PIECES} labels of {PIECE:g} s need "
            f"{least}."
        )
    return signals[_order(file), :least] * 1e-6


def _order(file):
    """Rows of our channels in a file, which may name its own in another order."""
    names = [name.strip().upper() for name in file.texts("EEG.chn")]
    if len(names) != len(CHANNELS):
        return list(range(len(CHANNELS)))
    if set(names) != set(CHANNELS):
        raise ValueError(
            f"{file.path}: 'EEG.chn' names the channels {listed(names, 17)}; "
            f"{listed(CHANNELS, 17)} were expected."
        )
    return [names.index(name) for name in CHANNELS]


def _trials(path, key, labels, window, overlap):
    """Yield the five parts of a drive, with one label a window."""
    signals = np.split(_signals(path), N_PARTS, axis=1)
    starts, n_samples = window_starts(signals[0].shape[1], SFREQ, window, overlap)
    pieces = ((starts + n_samples // 2) // round(PIECE * SFREQ)).astype(int)
    for part, (values, own) in enumerate(
        zip(signals, np.split(labels, N_PARTS), strict=True), start=1
    ):
        yield Trial(f"{path}: part {part}", values, _metadata(key, part, own[pieces]))


def _features(path, raw_path, key, labels, info, made):
    """Official DE of one drive, and stacks of its signals where they are there."""
    name = SMOOTHING[made["smoothing"]]
    where = f"{path}: {name!r}"
    values = MatFile(path).read(name, (len(CHANNELS), N_PIECES, 5)).transpose(1, 0, 2)
    signals = [None] * N_PARTS
    if raw_path is not None:
        signals = np.split(_signals(raw_path), N_PARTS, axis=1)
    parts = zip(np.split(values, N_PARTS), signals, np.split(labels, N_PARTS), strict=True)
    return [
        official_features(
            own,
            Trial(f"{raw_path}: part {i}", signal, _metadata(key, i, told)),
            info,
            where,
            **made,
        )
        for i, (own, signal, told) in enumerate(parts, start=1)
    ]
