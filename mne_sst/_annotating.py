"""States along a recording: windows of a Raw predicted in pieces, as annotations."""

import mne
import numpy as np

from ._checks import progress
from ._inputs import cut_raw
from ._presets import extractor_like

#: Windows whose signals are in memory at once, in samples of one channel.
_PIECE = 2**17


def predict_along(clf, raw, window, overlap, verbose=None):
    """Probabilities of successive windows, read piece by piece.

    Parameters
    ----------
    clf : SSTClassifier
        Fitted.
    raw : Raw
        Need not be in memory.
    window, overlap : float
        Seconds.
    verbose : bool | None
        Whether to show progress.

    Returns
    -------
    onset : array, shape (n_windows,)
        Start of each window, s from the start of the recording.
    probabilities : array, shape (n_windows, n_classes)
    """
    epochs = cut_raw(raw, window, overlap)
    onset = epochs.metadata["onset"].to_numpy()
    piece = max(_PIECE // len(epochs.times), 1)
    if clf.feature_settings_.filtered == "recording":
        # DE of a recording that is filtered as a whole needs it as a whole.
        piece = len(epochs)
    parts = []
    with progress(len(epochs), "Windows", verbose) as bar:
        for start in range(0, len(epochs), piece):
            part = raw if piece >= len(epochs) else epochs[start : start + piece]
            parts.append(clf.predict_proba(_features(clf, part, window, overlap)))
            bar.update(len(parts[-1]))
    return onset, np.concatenate(parts)


def _features(clf, part, window, overlap):
    extractor = extractor_like(clf.feature_settings_, clf.n_times_)
    return extractor.set_params(window=window, overlap=overlap, verbose=False).transform(part)


def annotations_of(onset, probabilities, classes, window, overlap, merge, sfreq):
    """Annotations that tile the recording, from windows that may overlap.

    Each window stands for its middle, as long as the step from one to the next; the first
    and the last one reach to the ends of theirs.

    Parameters
    ----------
    onset : array, shape (n_windows,)
        Seconds.
    probabilities : array, shape (n_windows, n_classes)
        Of the classes.
    classes : array
        Their labels.
    window, overlap : float
        Seconds.
    merge : bool
        Whether to join neighbours of one class.
    sfreq : float
        Rate of the recording, Hz: windows begin at whole samples.

    Returns
    -------
    annotations : mne.Annotations
    """
    step = window - overlap
    start, stop = onset + overlap / 2, onset + overlap / 2 + step
    touches = np.abs(np.diff(onset) - step) < 1.5 / sfreq
    start[np.r_[True, ~touches]] -= overlap / 2
    stop[np.r_[~touches, True]] += overlap / 2
    stop[:-1][touches] = start[1:][touches]
    best = probabilities.argmax(axis=1)
    new = np.r_[True, ~touches | (best[1:] != best[:-1]) | (not merge)]
    first = np.flatnonzero(new)
    last = np.r_[first[1:], len(best)] - 1
    counts = np.diff(np.r_[first, len(best)])
    mean = np.add.reduceat(probabilities, first, axis=0) / counts[:, None]
    extras = [
        {
            "probability": float(row[best[i]]),
            "n_windows": int(n),
            **{f"p_{label}": float(p) for label, p in zip(classes, row, strict=True)},
        }
        for i, row, n in zip(first, mean, counts, strict=True)
    ]
    described = [descriptions_of(classes)[i] for i in best[first]]
    return mne.Annotations(start[first], stop[last] - start[first], described, extras=extras)


def descriptions_of(classes):
    """Descriptions of classes, none of which MNE takes for an instruction.

    Parameters
    ----------
    classes : array
        Labels.

    Returns
    -------
    descriptions : list of str
        The labels; after ``state/`` if one of them begins as those of segments that MNE
        rejects (``bad``), or at which it cuts (``edge``).
    """
    names = [str(label) for label in classes]
    special = any(name.lower().startswith(("bad", "edge")) for name in names)
    return [f"state/{name}" for name in names] if special else names


def as_of_recording(annotations, raw):
    """Return annotations, told from the start of ``raw``, counted as those of ``raw`` are."""
    date = raw.info["meas_date"]
    start = 0.0 if date is None else raw.first_time
    return mne.Annotations(
        annotations.onset + start,
        annotations.duration,
        annotations.description,
        orig_time=date,
        extras=annotations.extras,
    )
