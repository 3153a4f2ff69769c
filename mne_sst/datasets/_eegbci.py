"""EEG Motor Movement/Imagery Database, an open set of PhysioNet, through MNE."""

import logging
from contextlib import contextmanager
from pathlib import Path

import mne
import numpy as np

from .._checks import progress
from .._montage import place
from ._eegmat import read_edf
from ._fetch import data_folder
from ._trials import Trial, check_cut, chosen, epochs_of, join_epochs

URL = "https://physionet.org/files/eegmmidb/1.0.0/"
N_SUBJECTS = 109
#: MNE's setting for the folder of this set.
KEY = "MNE_DATASETS_EEGBCI_PATH"
#: What is done in each run: the two baselines, and four tasks that come three times.
STATES = ("eyes open", "eyes closed", "rest", "left fist", "right fist", "both fists", "both feet")
_TASKS = {
    run: ("left fist", "right fist") if run % 4 in (3, 0) else ("both fists", "both feet")
    for run in range(3, 15)
}


def fetch_eegbci(
    subjects=(1,), runs=(1, 2), *, path=None, window=1.0, overlap=0.0, base_url=URL, verbose=None
):
    """Get and read EEGMMIDB [1]_ [2]_: eyes open and closed, and movements of 109 subjects.

    Parameters
    ----------
    subjects : sequence of int | None
        Which ones, from 1; None for all.
    runs : sequence of int
        1 eyes open, 2 eyes closed; 3, 7, 11 left or right fist; 4, 8, 12 the same imagined;
        5, 9, 13 both fists or both feet; 6, 10, 14 the same imagined.
    path : path-like | None
        Folder with MNE's layout (``MNE-eegbci-data``), or one with folders ``S001`` and so
        on, which is read without a download. None takes MNE's folder of this set
        (``MNE_DATASETS_EEGBCI_PATH``) or of all (``MNE_DATA``).
    window, overlap : float
        Seconds: how signals are cut, within a run or a trial of movement.
    base_url : str
        Where the files are.
    verbose : bool | None
        Whether to show a progress bar; None shows it in a terminal.

    Returns
    -------
    epochs : Epochs
        64 electrodes, 160 Hz. Metadata: ``subject``, ``session`` (always 1), ``run``,
        ``trial`` (counted through the runs), ``label`` (index in ``eyes open, eyes closed,
        rest, left fist, right fist, both fists, both feet``), ``state`` and ``imagined``.

    Raises
    ------
    ConnectionError
        If a file is neither there nor can be downloaded. Those that are complete are kept.
    ValueError
        If a file is cut off or not the one that MNE knows, a movement is shorter than the
        window (they last 4.1 s, rest between them 4.2 s), or subjects were sampled at
        different rates (88, 92 and 100 differ): read those by themselves.

    References
    ----------
    .. [1] Schalk et al. (2004). BCI2000: A general-purpose brain-computer interface system.
           IEEE TBME, 51, 1034-1043. doi:10.1109/TBME.2004.827072
    .. [2] Goldberger et al. (2000). PhysioBank, PhysioToolkit, and PhysioNet. Circulation,
           101, e215-e220. doi:10.1161/01.CIR.101.23.e215

    Examples
    --------
    >>> from mne_sst.datasets import fetch_eegbci
    >>> epochs = fetch_eegbci([1], runs=(1, 2), window=1.0)  # doctest: +SKIP
    """
    window, overlap = check_cut(window, overlap)
    subjects = chosen(range(1, N_SUBJECTS + 1), subjects, "subjects")
    runs = chosen(range(1, 15), runs, "runs")
    parts, rates = [], {}
    for subject, files in _files(subjects, runs, path, base_url, verbose):
        raws = {run: _read(file) for run, file in files.items()}
        for raw in raws.values():
            rates.setdefault(raw.info["sfreq"], []).append(subject)
        if len(rates) > 1:
            raise ValueError(
                f"subjects: sampling rates differ ({rates} by Hz); give subjects of one rate."
            )
        info = raws[runs[0]].info
        words = dict(enumerate(STATES))
        parts.append(epochs_of(_trials(raws, subject), info, window, overlap, words))
    return join_epochs(parts)


def _files(subjects, runs, path, base_url, verbose):
    """Yield subjects and the files of their runs; those that are missing are downloaded."""
    # A folder that is given need not be there; MNE refuses one of its settings that is not.
    folder = data_folder("", path, KEY)
    with progress(len(subjects) * len(runs), "EEGMMIDB", verbose) as bar:
        for subject in subjects:
            files = {}
            for run in runs:
                files[run] = _fetch(subject, run, folder, base_url)
                bar.update(1)
            yield subject, files


def _fetch(subject, run, folder, base_url):
    import requests

    name = f"S{subject:03d}/S{subject:03d}R{run:02d}.edf"
    if (folder / name).is_file():
        return folder / name
    try:
        with _quiet():
            (file,) = mne.datasets.eegbci.load_data(
                subject, run, path=folder, update_path=False, base_url=base_url, verbose="ERROR"
            )
    except requests.exceptions.RequestException as error:
        raise ConnectionError(
            f"{base_url}{name} cannot be downloaded: {error}. Call again: files that are complete "
            "are kept, or give the folder of a copy as path=."
        ) from error
    return Path(file)


@contextmanager
def _quiet():
    """Let pooch, by which MNE downloads, say nothing beside the progress bar."""
    import pooch

    logger = pooch.get_logger()
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(before)


def _read(file):
    raw = read_edf(file)
    mne.datasets.eegbci.standardize(raw)
    return place(raw)


def _trials(raws, subject):
    """Yield the baselines as a whole, and the movements one by one."""
    number = 0
    for run, raw in raws.items():
        signals, known = raw.get_data(), {"subject": subject, "session": 1, "run": run}
        whole = run in (1, 2)
        pieces = [(0, raw.n_times, STATES[run - 1])] if whole else _movements(raw, _TASKS[run])
        for start, stop, state in pieces:
            number += 1
            values = {**known, "trial": number, "label": STATES.index(state), "state": state}
            values["imagined"] = run > 2 and run % 2 == 0
            name = f"S{subject:03d}R{run:02d}: {state} from {start / raw.info['sfreq']:g} s"
            yield Trial(name, signals[:, start:stop], values)


def _movements(raw, task):
    """Yield start, stop and state of each trial of a run, but for one that it cuts off."""
    words = {"T0": "rest", "T1": task[0], "T2": task[1]}
    for annotation in raw.annotations:
        code = str(annotation["description"])
        if code not in words:
            raise ValueError(
                f"{raw.filenames[0]} has an annotation {code!r}, where {', '.join(words)} were "
                "expected: it is not of this set, or was changed."
            )
        edges = np.array([annotation["onset"], annotation["onset"] + annotation["duration"]])
        start, stop = np.round(edges * raw.info["sfreq"]).astype(int)
        if stop <= raw.n_times:
            yield start, stop, words[code]
