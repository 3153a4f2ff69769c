"""Readers of SEED and SEED-IV, from their official folders."""

import re
from dataclasses import dataclass

from .._checks import check_option, listed
from ..features import concatenate_features
from ._matlab import MatFile
from ._official import official_features
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

#: The 62 electrodes of the SEED sets, in the order of their files.
CHANNELS = (
    "FP1 FPZ FP2 AF3 AF4 F7 F5 F3 F1 FZ F2 F4 F6 F8 FT7 FC5 FC3 FC1 FCZ FC2 FC4 FC6 FT8 T7 C5 C3 "
    "C1 CZ C2 C4 C6 T8 TP7 CP5 CP3 CP1 CPZ CP2 CP4 CP6 TP8 P7 P5 P3 P1 PZ P2 P4 P6 P8 PO7 PO5 PO3 "
    "POZ PO4 PO6 PO8 CB1 O1 OZ O2 CB2"
).split()
SFREQ = 200.0
SMOOTHING = {"lds": "de_LDS", "moving_average": "de_movingAve"}


@dataclass(frozen=True)
class _Set:
    """What tells one of the SEED sets from another."""

    name: str
    raw: tuple  # folders of raw signals that are in use
    features: tuple  # and of features
    emotions: dict  # label -> word
    window: float  # of the features, s
    labels: dict | None  # session -> labels of the trials; None reads label.mat


SEED = _Set(
    "SEED",
    ("Preprocessed_EEG",),
    ("ExtractedFeatures", "ExtractedFeatures_1s"),
    {-1: "negative", 0: "neutral", 1: "positive"},
    1.0,
    None,
)
SEED_IV = _Set(
    "SEED-IV",
    ("eeg_raw_data",),
    ("eeg_feature_smooth",),
    {0: "neutral", 1: "sad", 2: "fear", 3: "happy"},
    4.0,
    {
        1: (1, 2, 3, 0, 2, 0, 0, 1, 0, 1, 2, 1, 1, 1, 2, 3, 2, 2, 3, 3, 0, 3, 0, 3),
        2: (2, 1, 3, 0, 0, 2, 0, 2, 3, 3, 2, 3, 2, 0, 1, 1, 2, 1, 0, 3, 0, 1, 3, 1),
        3: (1, 2, 2, 1, 3, 3, 3, 1, 1, 2, 1, 0, 2, 3, 3, 0, 2, 3, 0, 0, 2, 0, 1, 0),
    },
)


def read_seed(
    path, subjects=None, sessions=None, *, data="raw", smoothing="lds", window=1.0, overlap=0.0
):
    """Read SEED [1]_: three emotions, 15 subjects, three sessions of 15 film clips.

    Parameters
    ----------
    path : path-like
        The official folder, with ``Preprocessed_EEG`` and ``ExtractedFeatures``.
    subjects : sequence of int | None
        Which ones; None for all. Files of others are not opened.
    sessions : sequence of int | None
        1, 2 and 3 in the order of their dates; None for all.
    data : {"raw", "features"}
        ``"raw"``: Epochs of the signals, in volts. ``"features"``: the official DE of
        windows of 1 s, and beside it a clip of the signal (25 points at 125 Hz from the
        middle of the window) where the signals are there too.
    smoothing : {"lds", "moving_average"}
        Which official features.
    window, overlap : float
        Seconds: how signals are cut.

    Returns
    -------
    data : Epochs | EpochsFeatures
        With ``subject``, ``session``, ``trial``, ``label`` (-1, 0, 1) and ``emotion`` in the
        metadata; trials count from 1. Of a trial, what does not fill a window is left out.

    Raises
    ------
    FileNotFoundError, ValueError
        Naming the folder, file or variable that is missing or wrong.

    References
    ----------
    .. [1] Zheng & Lu (2015). Investigating critical frequency bands and channels for
           EEG-based emotion recognition with deep neural networks. IEEE TAMD, 7, 162-175.
           doi:10.1109/TAMD.2015.2431497

    Examples
    --------
    >>> from mne_sst.datasets import read_seed
    >>> epochs = read_seed("SEED", subjects=[1])  # doctest: +SKIP
    """
    return _read(SEED, path, subjects, sessions, data, smoothing, window, overlap)


def read_seed_iv(
    path, subjects=None, sessions=None, *, data="raw", smoothing="lds", window=4.0, overlap=0.0
):
    """Read SEED-IV [1]_: four emotions, 15 subjects, three sessions of 24 film clips.

    Parameters
    ----------
    path : path-like
        The official folder, with ``eeg_raw_data`` and ``eeg_feature_smooth``.
    subjects, sessions, data, smoothing, window, overlap : object
        See `read_seed`; the official features are of windows of 4 s.

    Returns
    -------
    data : Epochs | EpochsFeatures
        As of `read_seed`; labels are 0 to 3 for neutral, sad, fear and happy.

    Raises
    ------
    FileNotFoundError, ValueError
        Naming the folder, file or variable that is missing or wrong.

    References
    ----------
    .. [1] Zheng et al. (2019). EmotionMeter: A multimodal framework for recognizing human
           emotions. IEEE Transactions on Cybernetics, 49, 1110-1122.
           doi:10.1109/TCYB.2018.2797176

    Examples
    --------
    >>> from mne_sst.datasets import read_seed_iv
    >>> epochs = read_seed_iv("SEED-IV", subjects=[1])  # doctest: +SKIP
    """
    return _read(SEED_IV, path, subjects, sessions, data, smoothing, window, overlap)


def _read(which, path, subjects, sessions, data, smoothing, window, overlap):
    check_option("data", data, KINDS)
    check_option("smoothing", smoothing, tuple(SMOOTHING))
    window, overlap = check_cut(window, overlap)
    raw = _files(which, path, which.raw, optional=data == "features")
    found = raw if data == "raw" else _files(which, path, which.features)
    parts, info = [], make_info(CHANNELS, SFREQ)
    for key in asked_for(found, subjects, sessions):
        labels = _labels(which, found[key].parent, key[1])
        if data == "raw":
            trials = _trials_of(which, found[key], key, labels)
            parts.append(epochs_of(trials, info, window, overlap, which.emotions))
        else:
            parts += _features(which, found[key], raw.get(key), key, labels, smoothing, info)
    return concatenate_features(parts) if data == "features" else join_epochs(parts)


def asked_for(files, subjects, sessions):
    """Keys (subject, session) that were asked for, each of which must be there."""
    subjects = chosen({key[0] for key in files}, subjects, "subjects")
    sessions = chosen({key[1] for key in files}, sessions, "sessions")
    return [(s, n) for s in subjects for n in sessions if (s, n) in files]


def _files(which, path, folders, optional=False):
    """(subject, session) -> file, sessions in the order of their dates."""
    folder = check_folder(path, which.name, *folders, optional=optional)
    if folder is None:
        return {}
    found = {}
    for file in folder.rglob("*.mat"):
        match = re.fullmatch(r"(\d+)_(\d{8})\.mat", file.name)
        if match:
            found.setdefault(int(match[1]), []).append((match[2], file))
    if not found:
        raise FileNotFoundError(
            f"{which.name}: {folder} holds no file named like 1_20131027.mat (subject, date)."
        )
    files = {}
    for subject in sorted(found):
        for number, (_, file) in enumerate(sorted(found[subject]), start=1):
            # SEED-IV says which session it is by the folder.
            session = int(file.parent.name) if file.parent != folder else number
            if (subject, session) in files:
                raise ValueError(
                    f"{which.name}: {files[subject, session]} and {file} are both subject "
                    f"{subject}, session {session}."
                )
            files[subject, session] = file
    return files


def _labels(which, folder, session):
    if which.labels is not None:
        if session not in which.labels:
            raise ValueError(f"{which.name} has sessions 1 to 3, got a folder {session}.")
        return list(which.labels[session])
    file = MatFile(folder / "label.mat")
    labels = file.read("label").ravel().astype(int).tolist()
    unknown = sorted(set(labels) - set(which.emotions))
    if unknown:
        raise ValueError(
            f"{file.path}: 'label' holds {unknown}, but labels are {listed(which.emotions)}."
        )
    return labels


def _variables(file, pattern, n_trials):
    """Names of the variables of the trials, 1 to n."""
    names = {}
    for name in file.shapes:
        match = re.fullmatch(pattern, name)
        if match:
            names[int(match[1])] = name
    missing = [t for t in range(1, n_trials + 1) if t not in names]
    if missing:
        raise ValueError(
            f"{file.path} has no variable named like {pattern} for trial {listed(missing)}; it has "
            f"{listed(sorted(file.shapes))}."
        )
    extra = sorted(set(names) - set(range(1, n_trials + 1)))
    if extra:
        raise ValueError(f"{file.path} has trial {listed(extra)}, but {n_trials} labels.")
    return [names[t] for t in range(1, n_trials + 1)]


def _trials_of(which, path, key, labels):
    """Yield the trials of a file of signals."""
    file = MatFile(path)
    names = _variables(file, r"[A-Za-z]*_?eeg_?(\d+)", len(labels))
    for number, (name, label) in enumerate(zip(names, labels, strict=True), start=1):
        signals = file.read(name, (len(CHANNELS), None)) * 1e-6
        values = metadata(key, number, label, which.emotions)
        yield Trial(f"{path}: {name!r}", signals, values)


def metadata(key, trial, label, emotions):
    """What is known of a trial, by the names of the columns.

    Parameters
    ----------
    key : tuple
        Subject and session.
    trial : int
        Its number, from 1.
    label : int
        Of its emotion.
    emotions : dict of int -> str
        Words for the labels.
    """
    values = dict(subject=key[0], session=key[1], trial=trial)
    return values | {"label": int(label), "emotion": emotions[int(label)]}


def _features(which, path, raw_path, key, labels, smoothing, info):
    """Official DE of one session, and clips of its signals where they are there."""
    file, parts = MatFile(path), []
    names = _variables(file, SMOOTHING[smoothing] + r"(\d+)", len(labels))
    trials = iter(()) if raw_path is None else _trials_of(which, raw_path, key, labels)
    for number, (name, label) in enumerate(zip(names, labels, strict=True), start=1):
        where = f"{path}: {name!r}"
        values = file.read(name, (len(CHANNELS), None, 5))
        trial = next(trials, None)
        has_signals = trial is not None
        if not has_signals:
            trial = Trial(where, None, metadata(key, number, label, which.emotions))
        values = values.transpose(1, 0, 2)
        parts.append(
            official_features(values, trial, info, which.window, smoothing, where, has_signals)
        )
    return parts
