"""Reader of SEED-V, from its official folders."""

import re
import zipfile

import mne
import numpy as np

from .._checks import check_number, check_option, listed
from ..features import concatenate_features
from ._arrays import numbers
from ._official import TEMPORAL, check_official_cut, official_features
from ._pickles import check_allowed, loads
from ._seed import CHANNELS, metadata
from ._sessions import asked_for, check_paired
from ._trials import (
    KINDS,
    Trial,
    check_cut,
    check_folder,
    epochs_of,
    join_epochs,
    make_info,
)

EMOTIONS = {0: "disgust", 1: "fear", 2: "sad", 3: "neutral", 4: "happy"}
#: Session -> emotions of its 15 clips.
LABELS = {
    1: (4, 1, 3, 2, 0, 4, 1, 3, 2, 0, 4, 1, 3, 2, 0),
    2: (2, 1, 3, 0, 4, 4, 0, 3, 2, 1, 3, 4, 1, 2, 0),
    3: (2, 1, 3, 0, 4, 4, 0, 3, 2, 1, 3, 4, 1, 2, 0),
}
#: Session -> (start, end) of the clips in the recording, s, as published with the data.
CLIPS = {
    1: list(
        zip(
            (30, 132, 287, 555, 773, 982, 1271, 1628, 1730, 2025, 2227, 2435, 2667, 2932, 3204),
            (102, 228, 524, 742, 920, 1240, 1568, 1697, 1994, 2166, 2401, 2607, 2901, 3172, 3359),
            strict=True,
        )
    ),
    2: list(
        zip(
            (30, 299, 548, 646, 836, 1000, 1091, 1392, 1657, 1809, 1966, 2186, 2333, 2490, 2741),
            (267, 488, 614, 773, 967, 1059, 1331, 1622, 1777, 1908, 2153, 2302, 2428, 2709, 2817),
            strict=True,
        )
    ),
    3: list(
        zip(
            (30, 353, 478, 674, 825, 908, 1200, 1346, 1451, 1711, 2055, 2307, 2457, 2726, 2888),
            (321, 418, 643, 764, 877, 1147, 1284, 1418, 1679, 1996, 2275, 2425, 2664, 2857, 3066),
            strict=True,
        )
    ),
}
#: Of the official features, s.
WINDOW = 4.0


def read_seed_v(
    path,
    subjects=None,
    sessions=None,
    *,
    data="raw",
    window=4.0,
    overlap=0.0,
    temporal="signal",
    sfreq=200.0,
    allow_pickle=False,
):
    """Read SEED-V [1]_: five emotions, 16 subjects, three sessions of 15 film clips.

    Parameters
    ----------
    path : path-like
        The official folder, with ``EEG_raw`` and ``EEG_DE_features``.
    subjects, sessions : sequence of int | None
        Which ones; None for all. Files of other subjects are not opened. Sessions have the
        numbers in the names of the files, which say what clips were shown; they are not always
        in the order of the dates.
    data : {"raw", "features"}
        ``"raw"``: Epochs of the signals, in volts. ``"features"``: the official DE of
        windows of 4 s, and beside it a clip of the signal where the signals are there too.
    window, overlap : float
        Seconds: how signals are cut. Official features are of windows of 4 s without overlap.
    temporal : {"signal", "power"}
        What stands beside official features, see `read_seed`.
    sfreq : float
        Rate the signals of 1000 Hz are brought to, Hz.
    allow_pickle : bool
        The official features are pickled, a format that can run code. Must be True to read
        them; even then nothing but arrays is accepted.

    Returns
    -------
    data : Epochs | EpochsFeatures
        With ``subject``, ``session``, ``trial``, ``label`` (0 to 4 for disgust, fear, sad,
        neutral and happy) and ``emotion`` in the metadata; trials count from 1 in each
        session. Mastoids and eye channels are left out.

    Raises
    ------
    FileNotFoundError, ValueError
        Naming the folder, file or key that is missing or wrong.

    Notes
    -----
    The header of ``7_1_20180411.cnt`` is broken. The makers put
    ``7_1_20180411_repaired.cnt`` beside it, which is read instead.

    References
    ----------
    .. [1] Liu et al. (2022). Comparing recognition performance and robustness of multimodal
           deep learning models for multimodal emotion recognition. IEEE TCDS, 14, 715-729.
           doi:10.1109/TCDS.2021.3071170

    Examples
    --------
    >>> from mne_sst.datasets import read_seed_v
    >>> epochs = read_seed_v("SEED-V", subjects=[1])  # doctest: +SKIP
    """
    check_option("data", data, KINDS)
    check_option("temporal", temporal, TEMPORAL)
    window, overlap = check_cut(window, overlap)
    if data == "features":
        check_official_cut("SEED-V", window, overlap, [WINDOW])
    sfreq = check_number("sfreq", sfreq, 0, 1000, low_open=True)
    info = make_info(CHANNELS, sfreq)
    raw = _raw_files(path, optional=data == "features")
    if data == "raw":
        keys = asked_for(raw, subjects, sessions)
        return join_epochs(
            [epochs_of(_trials(raw[k], k, sfreq), info, window, overlap, EMOTIONS) for k in keys]
        )
    files, parts = _feature_files(path), []
    keys = asked_for({(s, n): f for s, f in files.items() for n in LABELS}, subjects, sessions)
    for subject, _ in keys:
        check_allowed(allow_pickle, files[subject], " Or read the signals: data='raw'.")
    check_paired(raw, keys, "SEED-V")
    for key in keys:
        parts += _features(files[key[0]], raw.get(key), key, info, temporal)
    return concatenate_features(parts)


def _raw_files(path, optional):
    """(subject, session) -> file."""
    folder = check_folder(path, "SEED-V", "EEG_raw", optional=optional)
    if folder is None:
        return {}
    files = {}
    for file in sorted(folder.glob("*.cnt")):
        match = re.fullmatch(r"(\d+)_([123])_\d{8}(_repaired)?\.cnt", file.name)
        key = match and (int(match[1]), int(match[2]))
        # In this order, a repaired file comes after the one it stands for.
        if key in files and file.name != _repaired(files[key]):
            raise ValueError(f"SEED-V: {files[key]} and {file} are the same recording.")
        if key:
            files[key] = file
    if not files and not optional:
        raise FileNotFoundError(
            f"SEED-V: {folder} holds no file named like 1_1_20180804.cnt (subject, session, date)."
        )
    return files


def _repaired(path):
    """Name of the file that the makers offer instead of one with a broken header."""
    return f"{path.stem}_repaired.cnt"


def _feature_files(path):
    folder = check_folder(path, "SEED-V", "EEG_DE_features")
    matches = [(re.fullmatch(r"(\d+)_123\.npz", f.name), f) for f in folder.glob("*.npz")]
    files = {int(match[1]): file for match, file in matches if match}
    if not files:
        raise FileNotFoundError(f"SEED-V: {folder} holds no file named like 1_123.npz.")
    return files


def _trials(path, key, sfreq):
    """Yield the trials of a recording, each read when it is needed."""
    try:
        raw = mne.io.read_raw_cnt(path, preload=False, verbose="ERROR")
    except Exception as error:
        if _n_samples(path) < 0:
            raise ValueError(
                f"{path} has a broken header, which tells of {_n_samples(path)} samples. The "
                f"makers offer a repaired file, {_repaired(path)}: put it beside this one."
            ) from error
        raise ValueError(
            f"{path} cannot be read as a Neuroscan recording: {error}. It may have been cut off "
            "in the transfer; get it again."
        ) from error
    names = {name.upper(): name for name in raw.ch_names}
    missing = [name for name in CHANNELS if name not in names]
    if missing:
        raise ValueError(f"{path} lacks the channels {listed(missing)}; it has {listed(names)}.")
    session = key[1]
    for number, (clip, label) in enumerate(zip(CLIPS[session], LABELS[session], strict=True), 1):
        where = f"{path}: trial {number}"
        start, end = clip
        length = raw.n_times / raw.info["sfreq"]
        if end > length:
            raise ValueError(
                f"{where} ends at {end} s, but the recording is {length:g} s long: it was cut off."
            )
        part = raw.copy().crop(start, end, include_tmax=False)
        part = part.pick([names[name] for name in CHANNELS]).load_data(verbose="ERROR")
        # Picking keeps the order of the file.
        order = [part.ch_names.index(names[name]) for name in CHANNELS]
        if sfreq != part.info["sfreq"]:
            part.resample(sfreq, verbose="ERROR")
        yield Trial(where, part.get_data()[order], metadata(key, number, label, EMOTIONS))


def _n_samples(path):
    """Length of a recording, as its header has it."""
    with path.open("rb") as file:
        file.seek(864)
        return int.from_bytes(file.read(4), "little", signed=True)


def _features(path, raw_path, key, info, temporal):
    """Official DE of one session, and clips of its signals where they are there."""
    data, labels = _unpacked(path, "data"), _unpacked(path, "label")
    trials = iter(()) if raw_path is None else _trials(raw_path, key, info["sfreq"])
    made, parts = dict(window=WINDOW, smoothing=None, temporal=temporal), []
    for number, label in enumerate(LABELS[key[1]], start=1):
        index = 15 * (key[1] - 1) + number - 1
        where = f"{path}: 'data' of trial {index}"
        values = numbers(data[index], (None, len(CHANNELS) * 5), where)
        told = numbers(np.ravel(labels[index]), (None,), f"{path}: 'label' of trial {index}")
        if not len(values) or len(told) != len(values):
            raise ValueError(
                f"{path}: trial {index} has {len(values)} windows in 'data' and {len(told)} in "
                "'label'; as many are expected, and one at least."
            )
        if (told != label).any():
            raise ValueError(
                f"{path}: 'label' of trial {index} is {np.unique(told).tolist()}, but that clip "
                f"shows {label} ({EMOTIONS[label]})."
            )
        trial = next(trials, None)
        if trial is None:
            trial = Trial(where, None, metadata(key, number, label, EMOTIONS))
        values = values.reshape(len(values), len(CHANNELS), 5)
        parts.append(official_features(values, trial, info, where, **made))
    return parts


def _unpacked(path, name):
    """Dict of the trials, which an archive holds as the bytes of a pickle."""
    where = f"{path}: {name!r}"
    try:
        # Of what is none, NumPy would say that it is a pickle, and how to trust it.
        if not zipfile.is_zipfile(path):
            raise ValueError("it is no .npz archive, or its end is missing")
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            content = archive[name].tobytes() if name in archive else None
    except Exception as error:
        if "Object arrays" in str(error):
            raise ValueError(
                f"{where} is an array of objects; it must be the bytes of a pickle, as in the "
                f"makers' files: np.savez(file, {name}=pickle.dumps({name}))."
            ) from error
        raise ValueError(
            f"{where} cannot be read: {error}. The file may have been cut off in the transfer."
        ) from error
    if content is None:
        raise ValueError(f"{path} has no {name!r}, which holds the trials.")
    trials = loads(content, where)
    missing = [i for i in range(45) if i not in trials] if isinstance(trials, dict) else ["all"]
    if missing:
        raise ValueError(f"{where} lacks trial {listed(missing)} of 45.")
    return trials
