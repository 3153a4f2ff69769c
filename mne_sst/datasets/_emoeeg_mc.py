"""EmoEEG-MC, an open set of OpenNeuro in BIDS."""

import mne
import numpy as np

from .._checks import check_option, listed
from .._edf import check_whole
from .._montage import place
from ._arrays import numbers
from ._emoeeg_mc_clips import CLIPS, SESSIONS, shown
from ._fetch import data_folder
from ._trials import Trial, check_cut, chosen, epochs_of, join_epochs, make_info

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
CHANNELS = (
    "Fp1 Fpz Fp2 AF7 AF3 AF4 AF8 F7 F5 F3 F1 Fz F2 F4 F6 F8 FT7 FC5 FC3 FC1 FCz FC2 FC4 FC6 FT8 T7 "
    "C5 C3 C1 Cz C2 C4 C6 T8 TP7 CP5 CP3 CP1 CPz CP2 CP4 CP6 TP8 P7 P5 P3 P1 Pz P2 P4 P6 P8 PO7 "
    "PO3 POz PO4 PO8 O1 Oz O2 F9 F10 TP9 TP10"
).split()
N_SUBJECTS = 60
#: What can be read: the makers' own segments, or the recordings.
DATA = ("segments", "raw")
#: Of the segments: Hz, and samples of 30 s.
SFREQ, N_SAMPLES = 200.0, 6000
#: Seconds before the end of each trial that the makers use.
LAST = 30.0
#: Spread from which values cannot be volts.
_LARGEST = 1e-3


def fetch_emoeeg_mc(
    subjects=(1,), *, path=None, context="video", data="segments", window=1.0, overlap=0.0
):
    """Get and read EmoEEG-MC [1]_: seven emotions, seen in videos and imagined.

    Parameters
    ----------
    subjects : sequence of int | None
        Which ones, from 1 to 60; None for all.
    path : path-like | None
        Folder of the BIDS data set; subjects that are not there are downloaded to it. None
        takes ``ds005540`` in MNE's data folder (``MNE_DATA``).
    context : {"video", "imagery"}
        Which trials.
    data : {"segments", "raw"}
        ``"segments"``: the makers' own trials of 30 s (``derivatives/**/*_reorder.npy``),
        filtered to 0.1-47 Hz, at 200 Hz, freed of eye and muscle components, under an average
        reference. ``"raw"``: the last 30 s of each trial of the recordings, as they are, by
        their events and by the order of the clips that the makers publish.
    window, overlap : float
        Seconds: how signals are cut.

    Returns
    -------
    epochs : Epochs
        Electrodes of the 10-10 system, with ``subject``, ``session`` (1 videos, 2 imagery),
        ``trial`` (1 to 21, the same clip for all subjects), ``clip`` (sad4 and so on),
        ``label`` (0 to 6 for joy, inspiration, tenderness, fear, disgust, sadness and
        neutral), ``emotion`` and ``context`` in the metadata. Trials stand in the makers'
        order of clips, not in that of time.

    Raises
    ------
    ConnectionError
        If a file is neither there nor can be downloaded.
    ImportError
        If openneuro-py is missing where something must be downloaded, or mne-bids for
        recordings.
    ValueError
        If a file is cut off or of another shape, or a recording has other events than trials.

    Notes
    -----
    Downloads need ``pip install openneuro-py``, recordings ``pip install mne-bids`` (both: the
    extra ``bids``). Subjects 55 to 60 lack trials. The unit of the segments is not said: values
    that spread by more than 1 mV are taken for microvolts.

    References
    ----------
    .. [1] Xu et al. (2024). EmoEEG-MC: A multi-context emotional EEG dataset for
           cross-context emotion decoding. OpenNeuro. doi:10.18112/openneuro.ds005540

    Examples
    --------
    >>> from mne_sst.datasets import fetch_emoeeg_mc
    >>> epochs = fetch_emoeeg_mc([1])  # doctest: +SKIP
    """
    check_option("context", context, tuple(SESSIONS))
    check_option("data", data, DATA)
    window, overlap = check_cut(window, overlap)
    folder, parts = data_folder(DATASET, path), []
    for subject in chosen(range(1, N_SUBJECTS + 1), subjects, "subjects"):
        if data == "segments":
            info = make_info(CHANNELS, SFREQ)
            trials = _segments(folder, subject, context)
        else:
            raw = _read_raw(folder, subject)
            info, trials = raw.info, _trials(raw, subject, context)
        parts.append(epochs_of(trials, info, window, overlap, EMOTIONS))
    return join_epochs(parts)


def _segments(folder, subject, context):
    """Trials of the makers, those of a subject that are there."""
    name, session = f"sub-{subject:02d}", SESSIONS[context]
    pattern = f"derivatives/{name}/ses-{session}/**/{name}_*_reorder.npy"
    wanted = [f"derivatives/{name}/ses-{session}/**/*_reorder.npy"]
    (file, *_) = _files(folder, name, f"segments of {context}", [pattern], wanted)
    try:
        values = np.load(file, mmap_mode="r", allow_pickle=False)
    except Exception as error:
        raise ValueError(
            f"{file} cannot be read: {error}. It may have been cut off in the transfer; remove it "
            "and get it again."
        ) from error
    there = set(shown(subject, context))
    clips = [clip for clip in CLIPS if clip in there]
    values = _in_order(values, file)
    if len(values) == len(CLIPS) > len(clips):  # those that are missing have their places
        values = values[[CLIPS.index(clip) for clip in clips]]
    values = numbers(values, (len(clips), len(CHANNELS), N_SAMPLES), f"{file}: the array")
    factor = 1e-6 if np.median(values.std(axis=2)) > _LARGEST else 1.0
    for clip, signals in zip(clips, values, strict=True):
        yield Trial(f"{file}: {clip}", factor * signals, _metadata(subject, clip, context))


def _in_order(values, file):
    """Array as (n_trials, n_channels, n_samples), whatever the order of its axes."""
    sizes = [len(CHANNELS), N_SAMPLES]
    found = [[i for i, n in enumerate(values.shape) if n == size] for size in sizes]
    if values.ndim != 3 or any(len(axes) != 1 for axes in found):
        raise ValueError(
            f"{file} must hold trials of {sizes[0]} channels and {sizes[1]} samples, got shape "
            f"{values.shape}."
        )
    return np.moveaxis(values, [axes[0] for axes in found], [1, 2])


def _metadata(subject, clip, context):
    word = clip[:-1]
    label, emotion = next((n, e) for n, e in EMOTIONS.items() if e.startswith(word))
    return {
        "subject": subject,
        "session": list(SESSIONS).index(context) + 1,
        "trial": CLIPS.index(clip) + 1,
        "label": label,
        "emotion": emotion,
        "clip": clip,
        "context": context,
    }


def _read_raw(folder, subject):
    """EEG of a subject with its events as annotations, downloaded if need be."""
    try:
        import mne_bids
    except ImportError as error:
        raise ImportError("data='raw' needs mne-bids: pip install mne-bids") from error
    name = f"sub-{subject:02d}"
    endings = ("edf", "bdf", "vhdr", "set")
    patterns = [f"{name}/**/*_eeg.{ending}" for ending in endings]
    wanted = ["dataset_description.json", "participants.tsv", f"{name}/**"]
    raws = []
    for file in _files(folder, name, "recording", patterns, wanted):
        check_whole(file)
        raw = mne_bids.read_raw_bids(mne_bids.get_bids_path_from_fname(file), verbose="ERROR")
        raws.append(place(raw.pick("eeg").load_data(verbose="ERROR")))
    raw = mne.concatenate_raws(raws, verbose="ERROR")
    lost = [ch["ch_name"] for ch in raw.info["chs"] if not np.isfinite(ch["loc"][:3]).all()]
    # Mastoids and the like, which no map has a place for.
    return raw.drop_channels(lost) if lost else raw


def _files(folder, name, what, patterns, wanted):
    """Files of a subject, in order; what was not downloaded as a whole counts as missing."""
    # openneuro-py gives files their names before they are complete, and goes on with them.
    mark = folder / f".{name}-{what.replace(' ', '-')}.part"
    files = _found(folder, patterns)
    if not files or mark.exists():
        _download(folder, f"{what} of {name}", patterns, wanted, mark)
        files = _found(folder, patterns)
    if not files:
        raise FileNotFoundError(f"{folder} has no {what} of {name} (no {' or '.join(patterns)}).")
    return files


def _found(folder, patterns):
    return sorted(file for pattern in patterns for file in folder.glob(pattern))


def _download(folder, what, patterns, wanted, mark):
    """Get what is wanted; a mark stays beside files that are not whole."""
    try:
        import openneuro
    except ImportError as error:
        raise ImportError(
            f"{folder} lacks {what}, or a part of it; to download it, pip install openneuro-py, "
            f"or give the folder of a copy as path=.{_way_out(mark)}"
        ) from error
    folder.mkdir(parents=True, exist_ok=True)
    mark.touch()
    try:
        openneuro.download(dataset=DATASET, target_dir=folder, include=wanted)
        mark.unlink()
    except Exception as error:
        raise ConnectionError(
            f"EmoEEG-MC ({DATASET}): {what} cannot be downloaded to {folder}: "
            f"{str(error).rstrip('.')}. What came is kept; call again to go on, or give the folder "
            f"of a copy as path=.{_way_out(mark) if _found(folder, patterns) else ''}"
        ) from error
    finally:
        # Files that a user puts there later are whole.
        if not _found(folder, patterns):
            mark.unlink(missing_ok=True)


def _way_out(mark):
    """What to do where a download was cut off, and its files came in another way."""
    return f" If the files there are complete, remove {mark}." if mark.exists() else ""


def _trials(raw, subject, context):
    """Trials of a recording, in the makers' order of clips."""
    sfreq, ends = raw.info["sfreq"], _ends(raw, context)
    clips, names = shown(subject, context), raw.annotations.description
    if len(ends) != len(clips):
        raise ValueError(
            f"sub-{subject:02d}: its events tell of {len(ends)} trials ({context}), but "
            f"{len(clips)} were shown; read the makers' own with data='segments'. There are "
            f"events {listed(sorted(set(map(str, names))))}."
        )
    n_samples = round(LAST * sfreq)
    for clip, end in sorted(zip(clips, ends, strict=True), key=lambda pair: CLIPS.index(pair[0])):
        stop = round(end * sfreq)
        if not n_samples <= stop <= raw.n_times:
            raise ValueError(
                f"sub-{subject:02d}: {clip} ends at {end:g} s, outside of what the recording "
                f"has ({raw.times[-1]:g} s, of which a trial takes {LAST:g} s)."
            )
        signals = raw.get_data(start=stop - n_samples, stop=stop)
        yield Trial(f"sub-{subject:02d}: {clip}", signals, _metadata(subject, clip, context))


def _ends(raw, context):
    """Ends of the trials, s from the start of the recording.

    A video is over when the rating begins, imagery when a button is pressed (fade), or else
    when the rating begins.
    """
    onsets, ends, open_trial = raw.annotations.onset - raw.first_time, [], False
    for onset, name in zip(onsets, map(str, raw.annotations.description), strict=True):
        if context == "video":
            ends += [onset] if name == "rating" else []
        elif name == "ima":
            open_trial = True
        elif open_trial and name in ("fade", "rating"):
            ends.append(onset)
            open_trial = False
    # The last one may end with the recording.
    return [*ends, raw.times[-1] + 1 / raw.info["sfreq"]] if open_trial else ends
