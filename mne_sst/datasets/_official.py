"""Official features of a trial, paired with clips of its signals."""

from dataclasses import replace

import mne
import numpy as np

from ..features import EpochsFeatures, FeatureExtractor, FeatureSettings
from ._trials import metadata_of

#: What can stand beside official DE.
TEMPORAL = ("signal", "power")


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
    n_whole = signals.shape[1] // n_samples
    # The last window of features may hold less signal than the others.
    if not n_windows - 1 <= n_whole <= n_windows + 1:
        raise ValueError(
            f"{trial.name} holds {n_whole} windows of {window:g} s, but {where} has the features "
            f"of {n_windows}: they are not of one recording."
        )
    missing = n_windows * n_samples - signals.shape[1]
    if missing > 0:
        signals = np.pad(signals, ((0, 0), (0, missing)), mode="reflect")
    cut = signals[:, : n_windows * n_samples].reshape(len(signals), n_windows, n_samples)
    epochs = mne.EpochsArray(cut.transpose(1, 0, 2), info, verbose="ERROR")
    extractor = FeatureExtractor(method="seed", temporal=temporal, verbose=False)
    return extractor.transform(epochs)
