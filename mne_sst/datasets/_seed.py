"""Readers of SEED and SEED-IV, from their official folders."""

import re
import warnings
from dataclasses import dataclass

from .._checks import check_option, listed
from ..features import concatenate_features
from ._matlab import MatFile
from ._official import TEMPORAL, check_official_cut, official_features
from ._sessions import asked_for, check_paired, number_sessions
from ._trials import (
    KINDS,
    Trial,
    check_cut,
    check_folder,
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
N_SESSIONS = 3


@dataclass(frozen=True)
class _Set:
    """What tells one of the SEED sets from another."""

    name: str
    raw: tuple  # folders of raw signals that are in use
    features: dict  # and of features -> their windows, s
    emotions: dict  # label -> word
    labels: dict | None  # session -> labels of the trials; None reads label.mat


SEED = _Set(
    "SEED",
    ("Preprocessed_EEG",),
    {"ExtractedFeatures": 1.0, "ExtractedFeatures_1s": 1.0, "ExtractedFeatures_4s": 4.0},
    {-1: "negative", 0: "neutral", 1: "positive"},
    None,
)
SEED_IV = _Set(
    "SEED-IV",
    ("eeg_raw_data",),
    {"eeg_feature_smooth": 4.0},
    {0: "neutral", 1: "sad", 2: "fear", 3: "happy"},
    {
        1: (1, 2, 3, 0, 2, 0, 0, 1, 0, 1, 2, 1, 1, 1, 2, 3, 2, 2, 3, 3, 0, 3, 0, 3),
        2: (2, 1, 3, 0, 0, 2, 0, 2, 3, 3, 2, 3, 2, 0, 1, 1, 2, 1, 0, 3, 0, 1, 3, 1),
        3: (1, 2, 2, 1, 3, 3, 3, 1, 1, 2, 1, 0, 2, 3, 3, 0, 2, 3, 0, 0, 2, 0, 1, 0),
    },
)


def read_seed(
    path,
    subjects=None,
    sessions=None,
    *,
    data="raw",
    smoothing="lds",
    window=1.0,
    overlap=0.0,
    temporal="signal",
):
    """Read SEED [1]_: three emotions, 15 subjects, three sessions of 15 film clips.

    Parameters
    ----------
    path : path-like
        The official folder, with ``Preprocessed_EEG`` and ``ExtractedFeatures``.
    subjects : sequence of int | None
        Which ones; None for all. Files of others are not opened.
    sessions : sequence of int | None
        1, 2 and 3 in the order of the dates of signals and features; None for all. With
        other than three dates there is a warning: the numbers may not be the official ones.
    data : {"raw", "features"}
        ``"raw"``: Epochs of the signals, in volts. ``"features"``: the official DE, and
        beside it a temporal stack of the signal where the signals are there too.
    smoothing : {"lds", "moving_average"}
        Which official features.
    window, overlap : float
        Seconds: how signals are cut. Official features are of windows of 1 or 4 s, without
        overlap.
    temporal : {"signal", "power"}
        What stands beside official features: a clip of the signal (25 points at 125 Hz from
        the middle of the window), or power in 25 parts of the window.

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
    return _read(SEED, path, subjects, sessions, data, smoothing, (window, overlap), temporal)


def read_seed_iv(
    path,
    subjects=None,
    sessions=None,
    *,
    data="raw",
    smoothing="lds",
    window=4.0,
    overlap=0.0,
    temporal="signal",
):
    """Read SEED-IV [1]_: four emotions, 15 subjects, three sessions of 24 film clips.

    Parameters
    ----------
    path : path-like
        The official folder, with ``eeg_raw_data`` and ``eeg_feature_smooth``.
    subjects, sessions, data, smoothing, window, overlap, temporal : object
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
    return _read(SEED_IV, path, subjects, sessions, data, smoothing, (window, overlap), temporal)


def _read(which, path, subjects, sessions, data, smoothing, cut, temporal):
    check_option("data", data, KINDS)
    check_option("smoothing", smoothing, tuple(SMOOTHING))
    check_option("temporal", temporal, TEMPORAL)
    window, overlap = check_cut(*cut)
    official = data == "features"
    raw_folder = check_folder(path, which.name, *which.raw, optional=official)
    folder = _official_folder(which, path, window, overlap, optional=not official)
    # Numbered by the dates of both: one folder may lack a recording.
    raw, features = _numbered(which, raw_folder, folder, official)
    found = features if official else raw
    keys, info = asked_for(found, subjects, sessions), make_info(CHANNELS, SFREQ)
    if which.labels is None:
        _check_dates(which, keys, raw, features)
    if official:
        check_paired(raw, keys, which.name)
        _check_same_dates(which, keys, raw, features)
    parts = []
    for key in keys:
        labels = _labels(which, found[key].parent, raw_folder if official else folder, key[1])
        if official:
            made = dict(smoothing=smoothing, window=window, temporal=temporal)
            parts += _features(which, found[key], raw.get(key), key, labels, info, made)
        else:
            trials = _trials_of(which, found[key], key, labels)
            parts.append(epochs_of(trials, info, window, overlap, which.emotions))
    return concatenate_features(parts) if official else join_epochs(parts)


def _official_folder(which, path, window, overlap, optional):
    """Folder of the features of these windows."""
    if optional:
        return check_folder(path, which.name, *which.features, optional=True)
    check_official_cut(which.name, window, overlap, which.features.values())
    return check_folder(path, which.name, *(f for f, w in which.features.items() if w == window))


def _numbered(which, raw, features, official):
    """(subject, session) -> file of signals, and of features; {} where there are none."""
    raw, features = _files(which, raw, official), _files(which, features, not official)
    # SEED-IV says which session it is by the folder, SEED by the order of the dates.
    return (raw, features) if which.labels is not None else number_sessions(raw, features)


def _files(which, folder, optional):
    """(subject, date or session) -> file."""
    files = {}
    for file in sorted(folder.rglob("*.mat")) if folder is not None else ():
        match = re.fullmatch(r"(\d+)_(\d{8})\.mat", file.name)
        if not match:
            continue
        when = match[2]
        if which.labels is not None:
            if file.parent.name not in ("1", "2", "3"):
                raise ValueError(f"{which.name} has its sessions in folders 1 to 3, got {file}.")
            when = int(file.parent.name)
        key = int(match[1]), when
        if key in files:
            raise ValueError(f"{which.name}: {files[key]} and {file} are the same recording.")
        files[key] = file
    if not files and not optional:
        raise FileNotFoundError(
            f"{which.name}: {folder} holds no file named like 1_20131027.mat (subject, date)."
        )
    return files


def _check_dates(which, keys, raw, features):
    """Warn of sessions that may be others than their numbers say."""
    for subject in dict.fromkeys(subject for subject, _ in keys):
        files = [f for folder in (raw, features) for (s, _), f in folder.items() if s == subject]
        dates = sorted({file.stem.split("_")[1] for file in files})
        if len(dates) != N_SESSIONS:
            warnings.warn(
                f"{which.name}: subject {subject} has recordings of {len(dates)} date(s) "
                f"({listed(dates)}) instead of {N_SESSIONS}. Sessions are numbered by them: the "
                "numbers may not be the official ones.",
                RuntimeWarning,
                stacklevel=4,
            )


def _check_same_dates(which, keys, raw, features):
    """Raise ValueError if features would be paired with signals of another day."""
    for key in keys:
        if key in raw and raw[key].name != features[key].name:
            raise ValueError(
                f"{which.name}: {raw[key]} and {features[key]} stand for one session, but their "
                "dates differ: one of them is misnamed, or in the folder of another session."
            )


def _labels(which, folder, other, session):
    """Labels of the trials, which must be the same beside signals and features."""
    if which.labels is not None:
        return list(which.labels[session])
    labels = _read_labels(which, folder / "label.mat")
    if other is not None and (other / "label.mat").is_file():
        theirs = _read_labels(which, other / "label.mat")
        if theirs != labels:
            raise ValueError(
                f"{which.name}: {folder / 'label.mat'} and {other / 'label.mat'} differ, "
                f"{labels} and {theirs}. Get the official one for both."
            )
    return labels


def _read_labels(which, path):
    file = MatFile(path)
    labels = file.read("label").ravel().tolist()
    unknown = sorted(set(labels) - set(which.emotions))
    if unknown:
        raise ValueError(
            f"{file.path}: 'label' holds {unknown}, but labels are {listed(which.emotions)}."
        )
    return [int(label) for label in labels]


def _variables(file, pattern, n_trials):
    """Names of the variables of the trials, 1 to n."""
    names = {}
    for name in file.shapes:
        match = re.fullmatch(pattern, name)
        if not match:
            continue
        trial = int(match[1])
        if trial in names:
            raise ValueError(
                f"{file.path} has two variables for trial {trial}, {names[trial]!r} and {name!r}."
            )
        names[trial] = name
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
    # What stands before differs by person: initials, with digits or hyphens too.
    names = _variables(file, r".*eeg_?(\d+)", len(labels))
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


def _features(which, path, raw_path, key, labels, info, made):
    """Official DE of one session, and stacks of its signals where they are there."""
    file, parts = MatFile(path), []
    names = _variables(file, SMOOTHING[made["smoothing"]] + r"(\d+)", len(labels))
    trials = iter(()) if raw_path is None else _trials_of(which, raw_path, key, labels)
    for number, (name, label) in enumerate(zip(names, labels, strict=True), start=1):
        where = f"{path}: {name!r}"
        values = file.read(name, (len(CHANNELS), None, 5)).transpose(1, 0, 2)
        trial = next(trials, None)
        if trial is None:
            trial = Trial(where, None, metadata(key, number, label, which.emotions))
        parts.append(official_features(values, trial, info, where, **made))
    return parts
