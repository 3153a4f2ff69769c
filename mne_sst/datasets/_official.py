"""Official features of a trial, paired with clips of its signals."""

import mne
import numpy as np

from ..features import EpochsFeatures, FeatureExtractor, FeatureSettings
from ._trials import metadata_of


def official_features(values, trial, info, window, smoothing, where, has_signals=True):
    """DE that came with a data set, and beside it clips of the signals.

    Parameters
    ----------
    values : array, shape (n_windows, n_channels, 5)
        DE as it was read.
    trial : Trial
        Metadata, and the signals the features were made of where ``has_signals``.
    info : mne.Info
        Channels of both.
    window : float
        Of the features, s; windows do not overlap.
    smoothing : str
        What was done to the features along the trial.
    where : str
        File and variable of the features.
    has_signals : bool
        Whether there are signals.

    Returns
    -------
    features : EpochsFeatures
    """
    temporal = None
    if has_signals:
        temporal = _clips(trial, len(values), window, info, where)
    return EpochsFeatures(
        values.astype(np.float32),
        temporal,
        info,
        FeatureSettings(method="seed", sfreq=info["sfreq"], window=window, smoothing=smoothing),
        metadata=metadata_of(trial.metadata, len(values)),
    )


def _clips(trial, n_windows, window, info, where):
    """Temporal stacks of the windows that the official features are of."""
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
    return FeatureExtractor(method="seed", verbose=False).transform(epochs).temporal
