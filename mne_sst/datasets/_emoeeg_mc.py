"""EmoEEG-MC, an open set of OpenNeuro in BIDS."""

import re
from pathlib import Path

import mne
import numpy as np

from .._checks import check_number, check_option, listed
from .._montage import place
from ._fetch import data_folder
from ._trials import Trial, check_cut, epochs_of, join_epochs

DATASET = "ds005540"
EMOTIONS = {
    0: "joy",
    1: "inspiration",
    2: "tenderness",
    3: "fear",
    4: "disgust",
    5: "sadness",
    6: "neutral",
}
CONTEXTS = ("video", "imagery")


def fetch_emoeeg_mc(
    subjects=(1,), *, path=None, context="video", window=1.0, overlap=0.0, last=30.0, events=None
):
    """Get and read EmoEEG-MC [1]_: seven emotions, seen in videos and imagined.

    Parameters
    ----------
    subjects : sequence of int
        Which ones, from 1 to 60.
    path : path-like | None
        Folder of the BIDS data set; subjects that are not there are downloaded to it. None
        takes ``ds005540`` in MNE's data folder (``MNE_DATA``).
    context : {"video", "imagery"}
        Which trials.
    window, overlap : float
        Seconds: how signals are cut.
    last : float | None
        Seconds from the end of each trial that are used, 30 by the makers; None takes all.
    events : dict of str -> str | None
        Name of an event -> emotion. None takes every event whose name has one of the seven
        emotions and the context in it.

    Returns
    -------
    epochs : Epochs
        Electrodes of the 10-10 system, with ``subject``, ``session`` (always 1), ``trial``,
        ``label`` (0 to 6 for joy, inspiration, tenderness, fear, disgust, sadness and
        neutral), ``emotion`` and ``context`` in the metadata.

    Raises
    ------
    ImportError
        If mne-bids is missing, or openneuro-py where something must be downloaded.
    ValueError
        If no event of a recording fits; the message lists those that are there.

    Notes
    -----
    Needs ``pip install mne-bids openneuro-py`` (the extra ``bids``). A trial begins at its
    event and lasts as long as that says, or until the next event.

    References
    ----------
    .. [1] Xu et al. (2024). EmoEEG-MC: A multi-context emotional EEG dataset for
           cross-context emotion decoding. OpenNeuro. doi:10.18112/openneuro.ds005540

    Examples
    --------
    >>> from mne_sst.datasets import fetch_emoeeg_mc
    >>> epochs = fetch_emoeeg_mc([1])  # doctest: +SKIP
    """
    check_option("context", context, CONTEXTS)
    window, overlap = check_cut(window, overlap)
    if last is not None:
        last = check_number("last", last, window)
    wrong = sorted(set((events or {}).values()) - set(EMOTIONS.values()))
    if wrong:
        raise ValueError(f"events: {listed(wrong)} not among {listed(EMOTIONS.values())}.")
    folder, parts = data_folder(DATASET, path), []
    for subject in np.atleast_1d(subjects).tolist():
        subject = check_number("subjects", subject, 1, 60, integer=True)
        raw = _read(folder, subject)
        trials = _trials(raw, subject, context, last, events)
        parts.append(epochs_of(trials, raw.info, window, overlap, EMOTIONS))
    return join_epochs(parts)


def _read(folder, subject):
    """EEG of a subject with its events as annotations, downloaded if need be."""
    try:
        import mne_bids
    except ImportError as error:
        raise ImportError("fetch_emoeeg_mc needs mne-bids: pip install mne-bids") from error
    name = f"sub-{subject:02d}"
    if not _recordings(folder, name):
        _download(folder, name)
    files = _recordings(folder, name)
    if not files:
        raise FileNotFoundError(f"{folder} has no EEG of {name} (no {name}/**/eeg/*_eeg.*).")
    raws = []
    for file in files:
        raw = mne_bids.read_raw_bids(mne_bids.get_bids_path_from_fname(file), verbose="ERROR")
        raws.append(place(raw.pick("eeg").load_data(verbose="ERROR")))
    raw = mne.concatenate_raws(raws, verbose="ERROR")
    lost = [ch["ch_name"] for ch in raw.info["chs"] if not np.isfinite(ch["loc"][:3]).all()]
    # Mastoids and the like, which no map has a place for.
    return raw.drop_channels(lost) if lost else raw


def _recordings(folder, name):
    """Files of recordings of a subject, in order."""
    endings = (".edf", ".bdf", ".vhdr", ".set")
    return sorted(f for f in Path(folder).glob(f"{name}/**/*_eeg.*") if f.suffix in endings)


def _download(folder, name):
    try:
        import openneuro
    except ImportError as error:
        raise ImportError(
            f"{folder} has no {name}; to download it, pip install openneuro-py, or give the "
            "folder of a copy as path=."
        ) from error
    openneuro.download(
        dataset=DATASET,
        target_dir=folder,
        include=["dataset_description.json", "participants.tsv", f"{name}/*"],
    )


def _trials(raw, subject, context, last, events):
    """Yield the trials of one context."""
    notes, sfreq = raw.annotations, raw.info["sfreq"]
    ends = np.append(notes.onset[1:], raw.times[-1] + 1 / sfreq)
    number, signals = 0, raw.get_data()
    for note, end in zip(notes, ends, strict=True):
        emotion = _emotion(str(note["description"]), context, events)
        if emotion is None:
            continue
        stop = note["onset"] + note["duration"] if note["duration"] > 0 else end
        start = note["onset"] if last is None else max(note["onset"], stop - last)
        number += 1
        first, after = (round((t - raw.first_time) * sfreq) for t in (start, stop))
        values = {"subject": subject, "session": 1, "trial": number}
        values["label"] = list(EMOTIONS.values()).index(emotion)
        values |= {"emotion": emotion, "context": context}
        yield Trial(f"sub-{subject:02d}, trial {number}", signals[:, first:after], values)
    if not number:
        raise ValueError(
            f"sub-{subject:02d} has no event named after an emotion and {context!r}; say which "
            f"are meant with events=. There are {listed(sorted(set(notes.description)))}."
        )


def _emotion(name, context, events):
    if events is not None:
        return events.get(name)
    words = set(re.findall(r"[a-z]+", name.lower()))
    fitting = [emotion for emotion in EMOTIONS.values() if emotion in words]
    return fitting[0] if len(fitting) == 1 and context in words else None
