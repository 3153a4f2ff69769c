"""Readers of SEED and SEED-IV, from their official folders."""

import re
from dataclasses import dataclass
from pathlib import Path

import mne
import numpy as np
import pandas as pd

from .._checks import check_number, check_option, listed
from .._montage import place
from ..features import EpochsFeatures, FeatureExtractor, FeatureSettings, concatenate_features
from ._matlab import MatFile

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
    """
    return _read(SEED_IV, path, subjects, sessions, data, smoothing, window, overlap)


def _read(which, path, subjects, sessions, data, smoothing, window, overlap):
    check_option("data", data, ("raw", "features"))
    check_option("smoothing", smoothing, tuple(SMOOTHING))
    window = check_number("window", window, 0, low_open=True)
    overlap = check_number("overlap", overlap, 0)
    if overlap >= window:
        raise ValueError(f"overlap={overlap} s must be shorter than window={window} s.")
    path = Path(path)
    if not path.is_dir():
        raise FileNotFoundError(f"path: there is no folder {path}.")
    raw = _files(which, path, which.raw, optional=data == "features")
    found = raw if data == "raw" else _files(which, path, which.features)
    wanted = _chosen(found, subjects, sessions)
    parts = []
    for key in wanted:
        labels = _labels(which, found[key].parent, key[1])
        if data == "raw":
            parts.append(_epochs(which, found[key], key, labels, window, overlap))
        else:
            parts.append(_features(which, found[key], raw.get(key), key, labels, smoothing))
    if data == "features":
        return concatenate_features(parts)
    return mne.concatenate_epochs(parts, add_offset=True, verbose="ERROR")


def _files(which, path, folders, optional=False):
    """(subject, session) -> file, sessions in the order of their dates."""
    folder = next((path / name for name in folders if (path / name).is_dir()), None)
    if folder is None:
        if optional:
            return {}
        raise FileNotFoundError(
            f"{which.name}: {path} has no folder {' or '.join(folders)}. Give the folder that the "
            "official archive unpacks to."
        )
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
        dated = sorted(found[subject])
        for number, (_, file) in enumerate(dated, start=1):
            # SEED-IV says which session it is by the folder.
            session = int(file.parent.name) if file.parent != folder else number
            if (subject, session) in files:
                raise ValueError(
                    f"{which.name}: {files[subject, session]} and {file} are both subject "
                    f"{subject}, session {session}."
                )
            files[subject, session] = file
    return dict(sorted(files.items()))


def _chosen(files, subjects, sessions):
    """Keys that were asked for, each of which must be there."""
    wanted = []
    for name, values, level in (("subjects", subjects, 0), ("sessions", sessions, 1)):
        there = sorted({key[level] for key in files})
        values = there if values is None else np.atleast_1d(values).tolist()
        missing = [v for v in values if v not in there]
        if missing or not values:
            raise ValueError(f"{name}={values}: {listed(missing)} not found, only {listed(there)}.")
        wanted.append(values)
    keys = [key for key in files if key[0] in wanted[0] and key[1] in wanted[1]]
    return sorted(keys, key=lambda key: (wanted[0].index(key[0]), wanted[1].index(key[1])))


def _labels(which, folder, session):
    if which.labels is not None:
        if session not in which.labels:
            raise ValueError(f"{which.name} has sessions 1 to 3, got a folder {session}.")
        return np.array(which.labels[session])
    file = MatFile(folder / "label.mat")
    labels = file.read("label").ravel().astype(int)
    unknown = sorted(set(labels.tolist()) - set(which.emotions))
    if unknown:
        raise ValueError(
            f"{file.path}: 'label' holds {unknown}, but labels are {listed(which.emotions)}."
        )
    return labels


def _trials(file, pattern, n_trials):
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


def _signals(file, n_trials):
    """Yield the signals of each trial in volts, (62, n_samples)."""
    for name in _trials(file, r"[A-Za-z]*_?eeg_?(\d+)", n_trials):
        signals = file.read(name, ndim=2)
        if len(signals) != len(CHANNELS):
            raise ValueError(
                f"{file.path}: {name!r} must have shape ({len(CHANNELS)}, n_samples), got "
                f"{signals.shape}."
            )
        yield name, signals * 1e-6


def _info():
    return place(mne.create_info([_proper(name) for name in CHANNELS], SFREQ, "eeg"))


def _proper(name):
    """FP1 as Fp1, CZ as Cz, FPZ as Fpz: how MNE writes them."""
    return name.replace("FP", "Fp").replace("Z", "z")


def _metadata(which, key, trial, label, n):
    values = dict(subject=key[0], session=key[1], trial=trial, label=int(label))
    return pd.DataFrame({**values, "emotion": which.emotions[int(label)]}, index=range(n))


def _epochs(which, path, key, labels, window, overlap):
    """Windows of one session, trial after trial; their events count on through it."""
    n_samples, step = round(window * SFREQ), round((window - overlap) * SFREQ)
    file, windows, tables, events, offset = MatFile(path), [], [], [], 0
    for trial, (name, signals) in enumerate(_signals(file, len(labels)), start=1):
        starts = np.arange(0, signals.shape[1] - n_samples + 1, step)
        if not len(starts):
            raise ValueError(
                f"{path}: {name!r} has {signals.shape[1] / SFREQ:g} s, less than one window of "
                f"{window:g} s."
            )
        windows.append(np.stack([signals[:, s : s + n_samples] for s in starts]))
        label = labels[trial - 1]
        tables.append(_metadata(which, key, trial, label, len(starts)))
        code = list(which.emotions).index(int(label)) + 1
        events.append(np.column_stack([starts + offset, np.zeros_like(starts), 0 * starts + code]))
        offset += signals.shape[1]
    return mne.EpochsArray(
        np.concatenate(windows),
        _info(),
        np.concatenate(events),
        event_id={word: i for i, word in enumerate(which.emotions.values(), start=1)},
        metadata=pd.concat(tables, ignore_index=True),
        verbose="ERROR",
    )


def _features(which, path, raw_path, key, labels, smoothing):
    """Official DE of one session, and clips of its signals where they are there."""
    file, parts = MatFile(path), []
    names = _trials(file, SMOOTHING[smoothing] + r"(\d+)", len(labels))
    signals = None if raw_path is None else _signals(MatFile(raw_path), len(labels))
    extractor = FeatureExtractor(method="seed", verbose=False)
    info = _info()
    for trial, (name, label) in enumerate(zip(names, labels, strict=True), start=1):
        values = file.read(name, ndim=3)
        if values.shape[0] != len(CHANNELS) or values.shape[2] != 5:
            raise ValueError(
                f"{path}: {name!r} must have shape ({len(CHANNELS)}, n_windows, 5), got "
                f"{values.shape}."
            )
        n_windows, temporal = values.shape[1], None
        settings = FeatureSettings(
            method="seed", sfreq=SFREQ, window=which.window, smoothing=smoothing
        )
        if signals is not None:
            temporal = _clips(next(signals), n_windows, which.window, extractor, info, raw_path)
        parts.append(
            EpochsFeatures(
                values.transpose(1, 0, 2).astype(np.float32),
                temporal,
                info,
                settings,
                metadata=_metadata(which, key, trial, label, n_windows),
            )
        )
    return concatenate_features(parts)


def _clips(named, n_windows, window, extractor, info, path):
    """Temporal stacks of the windows that the official features are of."""
    name, signals = named
    n_samples = round(window * SFREQ)
    n_whole = signals.shape[1] // n_samples
    # The last window of features may hold less signal than the others.
    if not n_windows - 1 <= n_whole <= n_windows + 1:
        raise ValueError(
            f"{path}: {name!r} holds {n_whole} windows of {window:g} s, but the features of that "
            f"trial {n_windows}: they are not of one recording."
        )
    missing = n_windows * n_samples - signals.shape[1]
    if missing > 0:
        signals = np.pad(signals, ((0, 0), (0, missing)), mode="reflect")
    cut = signals[:, : n_windows * n_samples].reshape(len(signals), n_windows, n_samples)
    epochs = mne.EpochsArray(cut.transpose(1, 0, 2), info, verbose="ERROR")
    return extractor.transform(epochs).temporal
