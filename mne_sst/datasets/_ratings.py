"""Readers of sets that are labelled by ratings: DEAP and DREAMER."""

import re

import numpy as np

from .._checks import check_number, check_option
from ._arrays import numbers
from ._matlab import MatFile
from ._pickles import check_allowed, read_pickle
from ._trials import (
    Trial,
    check_cut,
    check_folder,
    check_path,
    chosen,
    epochs_of,
    join_epochs,
    make_info,
)

DEAP_CHANNELS = (
    "Fp1 AF3 F3 F7 FC5 FC1 C3 T7 CP5 CP1 P3 P7 PO3 O1 Oz Pz Fp2 AF4 Fz F4 F8 FC6 FC2 Cz C4 T8 CP6 "
    "CP2 P4 P8 PO4 O2"
).split()
DREAMER_CHANNELS = "AF3 F7 F3 FC5 T7 P7 O1 O2 P8 T8 FC6 F4 F8 AF4".split()
DEAP_RATINGS = ("valence", "arousal", "dominance", "liking")
DREAMER_RATINGS = ("valence", "arousal", "dominance")
#: Hz, of both sets.
SFREQ = 128.0
#: Seconds before each clip of DEAP.
BASELINE = 3.0
N_CLIPS = 18


def read_deap(
    path,
    subjects=None,
    *,
    target="valence",
    threshold=5.0,
    window=1.0,
    overlap=0.0,
    allow_pickle=False,
):
    """Read DEAP [1]_: ratings of 40 music videos by 32 subjects.

    Parameters
    ----------
    path : path-like
        The official folder, with ``data_preprocessed_matlab`` (preferred: safe to open) or
        ``data_preprocessed_python``; or one of these.
    subjects : sequence of int | None
        Which ones; None for all. Files of others are not opened.
    target : {"valence", "arousal", "dominance", "liking"}
        What becomes the label.
    threshold : float
        Ratings (1 to 9) above it are label 1, high; others 0, low.
    window, overlap : float
        Seconds: how signals are cut. The 3 s before each video are left out.
    allow_pickle : bool
        Must be True to read the Python release, whose format can run code; even then
        nothing but arrays is accepted.

    Returns
    -------
    epochs : Epochs
        32 electrodes, 128 Hz, filtered to 4-45 Hz by the makers: there is no delta band.
        Metadata: ``subject``, ``session`` (always 1), ``trial`` (from 1), ``label``,
        ``emotion`` (such as high valence) and the four ratings.

    Raises
    ------
    FileNotFoundError, ValueError
        Naming the folder, file or key that is missing or wrong.

    Notes
    -----
    The makers' filter leaves nothing of the brain in the delta band. Leave it out of the
    features: ``FeatureExtractor(bands=["theta", "alpha", "beta", "gamma"])``. Signals come under
    the average reference of the makers.

    References
    ----------
    .. [1] Koelstra et al. (2012). DEAP: A database for emotion analysis using physiological
           signals. IEEE TAC, 3, 18-31. doi:10.1109/T-AFFC.2011.15

    Examples
    --------
    >>> from mne_sst.datasets import read_deap
    >>> epochs = read_deap("DEAP", subjects=[1])  # doctest: +SKIP
    """
    check_option("target", target, DEAP_RATINGS)
    threshold = check_number("threshold", threshold, 1, 9)
    window, overlap = check_cut(window, overlap)
    files = _deap_files(path)
    info, parts, words = make_info(DEAP_CHANNELS, SFREQ), [], _words(target)
    for subject in chosen(files, subjects, "subjects"):
        signals, ratings = _read_deap_file(files[subject], allow_pickle)
        trials = (
            Trial(
                f"{files[subject]}: trial {i + 1}",
                signals[i, : len(DEAP_CHANNELS), round(BASELINE * SFREQ) :] * 1e-6,
                _metadata(subject, i + 1, ratings[i], DEAP_RATINGS, target, threshold),
            )
            for i in range(len(signals))
        )
        parts.append(epochs_of(trials, info, window, overlap, words))
    return join_epochs(parts)


def read_dreamer(path, subjects=None, *, target="valence", threshold=3.0, window=1.0, overlap=0.0):
    """Read DREAMER [1]_: ratings of 18 film clips by 23 subjects, a headset of 14 electrodes.

    Parameters
    ----------
    path : path-like
        ``DREAMER.mat``, or the folder it lies in.
    subjects : sequence of int | None
        Which ones; None for all.
    target : {"valence", "arousal", "dominance"}
        What becomes the label.
    threshold : float
        Ratings (1 to 5) above it are label 1, high; others 0, low.
    window, overlap : float
        Seconds: how signals are cut.

    Returns
    -------
    epochs : Epochs
        14 electrodes, 128 Hz. Metadata: ``subject``, ``session`` (always 1), ``trial`` (from
        1), ``label``, ``emotion`` (such as high valence) and the three ratings.

    Raises
    ------
    FileNotFoundError, ValueError
        Naming the file or variable that is missing or wrong.

    Notes
    -----
    The headset adds a constant of some 4 mV, which is taken out of each clip. All subjects
    are one variable of one file: in version 5 of the format, the official one, that must be
    read as a whole (about half a gigabyte) even for one subject; after
    ``save -v7.3`` in MATLAB each subject is read by itself.

    References
    ----------
    .. [1] Katsigiannis & Ramzan (2018). DREAMER: A database for emotion recognition through
           EEG and ECG signals from wireless low-cost off-the-shelf devices. IEEE JBHI, 22,
           98-107. doi:10.1109/JBHI.2017.2688239

    Examples
    --------
    >>> from mne_sst.datasets import read_dreamer
    >>> epochs = read_dreamer("DREAMER", subjects=[1])  # doctest: +SKIP
    """
    check_option("target", target, DREAMER_RATINGS)
    threshold = check_number("threshold", threshold, 1, 5)
    window, overlap = check_cut(window, overlap)
    path = check_path(path)
    file = MatFile(path / "DREAMER.mat" if path.is_dir() else path)
    there = range(1, file.count("DREAMER.Data") + 1)
    info, parts, words = make_info(DREAMER_CHANNELS, SFREQ), [], _words(target)
    for subject in chosen(there, subjects, "subjects"):
        trials = _dreamer_trials(file, subject, target, threshold)
        parts.append(epochs_of(trials, info, window, overlap, words))
    return join_epochs(parts)


def _words(target):
    return {0: f"low {target}", 1: f"high {target}"}


def _metadata(subject, trial, ratings, names, target, threshold):
    values = {name: float(r) for name, r in zip(names, ratings, strict=True)}
    label = int(values[target] > threshold)
    known = {"subject": subject, "session": 1, "trial": trial, "label": label}
    return known | {"emotion": _words(target)[label]} | values


def _deap_files(path):
    """Subject -> file, of the release that is safe to open where there is a choice."""
    path, files = check_folder(path, "DEAP"), {}
    for folder, ending in (("python", "dat"), ("matlab", "mat")):
        for here in (path, path / f"data_preprocessed_{folder}"):
            matches = [(re.fullmatch(rf"s(\d\d)\.{ending}", f.name), f) for f in here.glob("s*")]
            files |= {int(match[1]): file for match, file in matches if match}
    if files:
        return files
    raise FileNotFoundError(
        f"DEAP: {path} holds neither s01.mat nor s01.dat, nor a folder data_preprocessed_matlab "
        "or data_preprocessed_python with them."
    )


def _read_deap_file(path, allow_pickle):
    if path.suffix == ".mat":
        file = MatFile(path)
        content = {name: file.read(name) for name in ("data", "labels")}
    else:
        check_allowed(allow_pickle, path, " Or get the MATLAB release, which is safe to open.")
        content = read_pickle(path, encoding="latin-1")
        if not isinstance(content, dict) or not {"data", "labels"} <= set(content):
            raise ValueError(f"{path} must hold 'data' and 'labels'.")
    signals = numbers(content["data"], (40, 40, 8064), f"{path}: 'data'")
    ratings = numbers(content["labels"], (40, 4), f"{path}: 'labels'")
    _check_ratings(ratings, 9, f"{path}: 'labels'")
    return signals, ratings


def _check_ratings(ratings, most, where):
    if ratings.min() < 1 or ratings.max() > most:
        raise ValueError(
            f"{where} must be ratings from 1 to {most}, got {ratings.min():g} to {ratings.max():g}."
        )


def _dreamer_trials(file, subject, target, threshold):
    """Yield the clips of a subject."""
    person = f"DREAMER.Data{{{subject}}}"
    ratings = np.empty((N_CLIPS, len(DREAMER_RATINGS)))
    for i, rating in enumerate(DREAMER_RATINGS):
        name = f"{person}.Score{rating.capitalize()}"
        where = f"{file.path}: {name!r}"
        ratings[:, i] = numbers(file.read(name).ravel(), (N_CLIPS,), where)
        _check_ratings(ratings[:, i], 5, where)
    for clip in range(1, N_CLIPS + 1):
        name = f"{person}.EEG.stimuli{{{clip}}}"
        signals = file.read(name, (None, len(DREAMER_CHANNELS)))
        signals = (signals - signals.mean(axis=0)).T * 1e-6
        values = _metadata(subject, clip, ratings[clip - 1], DREAMER_RATINGS, target, threshold)
        yield Trial(f"{file.path}: {name!r}", signals, values)
