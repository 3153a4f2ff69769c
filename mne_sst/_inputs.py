"""One way in for recordings: Raw, Epochs, lists of Epochs and arrays."""

from dataclasses import dataclass

import mne
import numpy as np
import pandas as pd

from ._checks import check_finite, check_number, listed, logger

ACCEPTED = (
    "mne.io.Raw, mne.Epochs, a list of Epochs, or an array of shape "
    "(n_epochs, n_channels, n_times) in volts with info= given to the constructor"
)
_advised = False


@dataclass
class Windows:
    """Windows of EEG, read in pieces.

    Attributes
    ----------
    info : mne.Info
        Of the EEG channels in use.
    n_samples : int
        Length of a window.
    metadata : DataFrame | None
        One row a window.
    events : array, shape (n_windows, 3) | None
        As MNE has them.
    """

    source: object
    picks: np.ndarray
    info: mne.Info
    n_windows: int
    n_samples: int
    metadata: pd.DataFrame | None = None
    events: np.ndarray | None = None

    def __len__(self):
        return self.n_windows

    def read(self, start, stop):
        """Return windows ``start`` to ``stop``, shape (n, n_channels, n_samples), in V.

        Never a copy of what is in memory unless channels are left out, so the
        caller must not write into it.
        """
        part = self.source[start:stop]
        data = part if isinstance(part, np.ndarray) else part.get_data(copy=False, verbose="ERROR")
        if len(self.picks) != data.shape[1] or np.any(np.diff(self.picks) != 1):
            data = data[:, self.picks]
        check_finite("X", data, ("epoch", "channel", "time"))
        return data


def as_windows(X, info=None, *, window=1.0, overlap=0.0):
    """Return a `Windows` for anything that holds windows of EEG.

    Parameters
    ----------
    X : Raw | Epochs | list of Epochs | array, shape (n_windows, n_channels, n_samples)
        What came.
    info : mne.Info | None
        Describes the channels of an array.
    window, overlap : float
        Seconds; how a Raw is cut.

    Raises
    ------
    TypeError
        If it is none of these.
    ValueError
        If the parts of a list do not fit together, or nothing is left to use.
    """
    if isinstance(X, mne.io.BaseRaw):
        return _from_epochs(cut_raw(X, window, overlap))
    if isinstance(X, mne.BaseEpochs):
        return _from_epochs(X)
    if isinstance(X, list | tuple) and len(X) and isinstance(X[0], mne.BaseEpochs):
        return _from_list(X)
    if isinstance(X, np.ndarray) or hasattr(X, "__array_interface__"):
        return _from_array(np.asarray(X), info)
    if isinstance(X, mne.Evoked) or type(X).__name__.startswith(("EpochsSpectrum", "EpochsTFR")):
        raise TypeError(
            f"X is {type(X).__name__}, which no longer holds the signal of each epoch; give "
            "the Epochs that it was made from."
        )
    what = type(X).__name__ + (f" of {type(X[0]).__name__}" if isinstance(X, list) and X else "")
    what = "an empty list" if isinstance(X, list | tuple) and not X else what
    raise TypeError(f"X must be {ACCEPTED}; got {what}.")


def cut_raw(raw, window, overlap):
    """Cut a Raw into windows, leaving out segments annotated as bad.

    Returns
    -------
    epochs : mne.Epochs
        With a metadata column ``onset``, seconds from the start of the recording.
    """
    window = check_number("window", window, 0, low_open=True)
    overlap = check_number("overlap", overlap, 0)
    if overlap >= window:
        raise ValueError(f"overlap must be shorter than window={window:g} s, got {overlap:g} s.")
    if window > raw.n_times / raw.info["sfreq"]:
        raise ValueError(
            f"window={window:g} s is longer than the recording "
            f"({raw.n_times / raw.info['sfreq']:g} s)."
        )
    epochs = mne.make_fixed_length_epochs(raw, window, overlap=overlap, verbose="ERROR")
    epochs.drop_bad(verbose="ERROR")
    if len(epochs) == 0:
        raise ValueError("X has no window free of bad annotations; check raw.annotations.")
    onset = (epochs.events[:, 0] - raw.first_samp) / raw.info["sfreq"]
    return set_metadata(epochs, pd.DataFrame({"onset": onset}))


def set_metadata(epochs, table):
    """Set the metadata of epochs, in silence; return the epochs."""
    # The setter has no verbose=, and MNE tells of it on stdout.
    with mne.utils.use_log_level("ERROR"):
        epochs.metadata = table
    return epochs


def known_as(names, ch_names):
    """Names of channels as a list has them, whatever the case where only one fits, else None."""
    folded = {}
    for name in ch_names:
        folded.setdefault(name.casefold(), []).append(name)
    fitting = [(name, folded.get(name.casefold(), [])) for name in names]
    return [n if n in found else found[0] if len(found) == 1 else None for n, found in fitting]


def pick_eeg(info):
    """Indices of the EEG channels that are not marked bad."""
    picks = mne.pick_types(info, meg=False, eeg=True, exclude="bads")
    if len(picks) == 0:
        kinds = sorted(set(info.get_channel_types()))
        raise ValueError(
            f"X holds no good EEG channel: its channels are of type {listed(kinds)}"
            f" and {listed(info['bads']) or 'none'} marked bad. Set types with "
            "inst.set_channel_types()."
        )
    return picks


def _windows(source, info, n_windows, n_samples, metadata=None, events=None):
    if n_windows == 0:
        raise ValueError("X holds no epochs (0 were left); check the drop log or the selection.")
    picks = pick_eeg(info)
    # A copy: what is done to the epochs later must not reach the features.
    info = mne.pick_info(info, picks, copy=True, verbose="ERROR")
    return Windows(source, picks, info, n_windows, n_samples, metadata, events)


def _from_epochs(epochs):
    epochs = _counted(epochs)
    metadata = None if epochs.metadata is None else epochs.metadata.reset_index(drop=True)
    return _windows(
        epochs, epochs.info, len(epochs), len(epochs.times), metadata, own_events(epochs)
    )


def own_events(epochs):
    """Events of epochs, in samples at the rate that these have now.

    After ``decimate`` or ``resample``, MNE still counts them at the rate of the recording.
    """
    events = epochs.events.copy()
    if len(events):
        events[:, 0] = np.round(events[:, 0] * epochs.info["sfreq"] / _recording_sfreq(epochs))
    return events


def _recording_sfreq(epochs):
    """Rate of the recording that epochs were cut from."""
    last = epochs[[int(np.argmax(epochs.events[:, 0]))]]
    sample = last.events[0, 0]
    if sample <= 0:
        return epochs.info["sfreq"]
    # MNE tells it only by where an annotation of the recording lies in an epoch.
    known = epochs.annotations
    origin = None if known is None else known.orig_time
    mark = mne.Annotations(0.0, 2.0 * sample, "recording", orig_time=origin)
    last.set_annotations(mark, verbose="ERROR")
    return -sample / last.get_annotations_per_epoch()[0][0][0]


def _counted(epochs):
    """Return epochs whose number is known; those given stay as they are."""
    if epochs.preload:
        return epochs
    epochs = epochs.copy()
    # Not chained: MNE 1.10 returns None where nothing is left to drop.
    epochs.drop_bad(verbose="ERROR")
    return epochs


def _from_list(items):
    """Join Epochs, as scikit-learn leaves them after slicing, without copying twice."""
    first = items[0]
    for i, item in enumerate(items):
        if not isinstance(item, mne.BaseEpochs):
            raise TypeError(f"X[{i}] is {type(item).__name__}, but X[0] is {type(first).__name__}.")
        if item.ch_names != first.ch_names:
            different = set(item.ch_names) ^ set(first.ch_names)
            what = (
                f"differ by {listed(sorted(different))}" if different else "come in another order"
            )
            raise ValueError(f"X[{i}] and X[0] must have the same channels; they {what}.")
        if item.info["sfreq"] != first.info["sfreq"]:
            raise ValueError(
                f"X[{i}] has a sampling rate of {item.info['sfreq']:g} Hz, X[0] of "
                f"{first.info['sfreq']:g} Hz; resample one of them."
            )
        if len(item.times) != len(first.times):
            raise ValueError(
                f"X[{i}] has epochs of {len(item.times)} samples, X[0] of {len(first.times)}; "
                "crop one of them."
            )
        if (item.metadata is None) != (first.metadata is None):
            raise ValueError(
                f"X[{i}] and X[0] must both have metadata, or neither; set it on both, or drop it."
            )
    _advise_features(items)
    items = [_counted(e) for e in items]
    data = np.concatenate([e.get_data(copy=False, verbose="ERROR") for e in items])
    frames = [e.metadata for e in items]
    metadata = pd.concat(frames, ignore_index=True) if frames[0] is not None else None
    events = np.concatenate([own_events(e) for e in items])
    bads = sorted({name for e in items for name in e.info["bads"]})
    info = first.info
    if bads != sorted(info["bads"]):
        info = info.copy()
        info["bads"] = bads
    return _windows(data, info, len(data), data.shape[2], metadata, events)


def _advise_features(items):
    global _advised
    if len(items) >= 500 and not _advised and all(len(e) == 1 for e in items[:5]):
        _advised = True
        logger.warning(
            "scikit-learn slices Epochs one by one (1-2 ms each, in every fold). Slicing "
            "features is about a thousand times faster: features = "
            "mne_sst.FeatureExtractor().transform(epochs)."
        )


def _from_array(data, info):
    if data.ndim != 3 or data.dtype.kind not in "fiu":
        raise ValueError(
            "X must be an array of real numbers of shape (n_epochs, n_channels, n_times), got "
            f"shape {data.shape} and dtype {data.dtype}."
        )
    if info is None:
        raise ValueError(
            "X is a plain array, which has neither channel names, positions nor a sampling "
            "rate; give info= (an mne.Info) to the constructor, or pass mne.Epochs."
        )
    if not isinstance(info, mne.Info):
        raise TypeError(f"info must be an mne.Info, got {type(info).__name__}.")
    if data.shape[1] != len(info["ch_names"]):
        raise ValueError(
            f"X has {data.shape[1]} channels, but info describes {len(info['ch_names'])}."
        )
    return _windows(data, info, len(data), data.shape[2])
