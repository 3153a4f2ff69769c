"""Official features of a trial, paired with clips of its signals."""

import warnings
from dataclasses import replace

import mne
import numpy as np

from ..features import EpochsFeatures, FeatureExtractor, FeatureSettings
from ._trials import metadata_of

#: What can stand beside official DE.
TEMPORAL = ("signal", "power")
#: Share of the last window that may be missing from the signals without a warning.
_LACKING = 0.1


def check_official_cut(name, window, overlap, lengths):
    """Raise ValueError where features of other windows are asked for than there are.

    Parameters
    ----------
    name : str
        Of the data set.
    window, overlap : float
        Seconds, as asked for.
    lengths : iterable of float
        Seconds of the windows that there are features of.
    """
    lengths = sorted(set(lengths))
    if window not in lengths or overlap:
        raise ValueError(
            f"window={window:g}, overlap={overlap:g}: the official features of {name} are of "
            f"windows of {' or '.join(f'{n:g}' for n in lengths)} s without overlap."
        )


def official_features(values, trial, info, where, *, window, smoothing, temporal="signal"):
    """DE that came with a data set, and beside it stacks of the signals.

    Parameters
    ----------
    values : array, shape (n_windows, n_channels, 5)
        DE as it was read.
    trial : Trial
        Metadata, and the signals the features were made of, or None for these.
    info : mne.Info
        Channels of both.
    where : str
        File and variable of the features.
    window : float
        Of the features, s; windows do not overlap.
    smoothing : str | None
        What was done to the features along the trial.
    temporal : {"signal", "power"}
        What the stacks hold.

    Returns
    -------
    features : EpochsFeatures
    """
    stack, settings = None, FeatureSettings(method="seed", sfreq=info["sfreq"], window=window)
    if trial.signals is not None:
        own = _own_features(trial, len(values), window, info, where, temporal)
        stack, settings = own.temporal, own.settings
    return EpochsFeatures(
        values.astype(np.float32),
        stack,
        info,
        replace(settings, smoothing=smoothing),
        metadata=metadata_of(trial.metadata, len(values)),
    )


def _own_features(trial, n_windows, window, info, where, temporal):
    """Our features of the windows that the official ones are of."""
    signals, n_samples = trial.signals, round(window * info["sfreq"])
    n_there = signals.shape[1] / n_samples
    if n_there < 1 or not n_windows - 1 < n_there < n_windows + 2:
        raise ValueError(
            f"{trial.name} holds {n_there:.2f} windows of {window:g} s, but {where} has the "
            f"features of {n_windows}: they are not of one recording, or it was cut off."
        )
    if n_there < n_windows - _LACKING:
        warnings.warn(
            f"{trial.name} holds {n_there:.2f} windows of {window:g} s, but {where} has the "
            f"features of {n_windows}: beside the last ones stand the last {window:g} s of signal. "
            "Was the file cut off?",
            RuntimeWarning,
            stacklevel=2,
        )
    # The last window may have begun before a recording was trimmed: it is moved back.
    starts = np.minimum(np.arange(n_windows) * n_samples, signals.shape[1] - n_samples)
    cut = np.stack([signals[:, start : start + n_samples] for start in starts])
    epochs = mne.EpochsArray(cut, info, verbose="ERROR")
    extractor = FeatureExtractor(method="seed", temporal=temporal, verbose=False)
    return extractor.transform(epochs)
