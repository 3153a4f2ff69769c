"""Standardisation of groups of windows by themselves, such as each subject."""

from dataclasses import replace

import numpy as np

from .._checks import check_none_missing
from ._container import EpochsFeatures


def standardize_features(features, by="subject"):
    """Scale each group of windows by its own mean and spread.

    DE is scaled band by band and electrode by electrode, the stack over time electrode by
    electrode. No label is used, but windows that are tested on are: what a model then
    reaches holds for subjects of whom there is a recording to scale by (transductive).

    Parameters
    ----------
    features : EpochsFeatures
        Not changed.
    by : str | array, shape (n_epochs,)
        Column of the metadata, or groups.

    Returns
    -------
    features : EpochsFeatures
        Without units.

    Examples
    --------
    >>> from mne_sst import FeatureExtractor
    >>> from mne_sst.datasets import simulate_emotion
    >>> from mne_sst.features import standardize_features
    >>> epochs = simulate_emotion(n_subjects=2, n_trials=3, n_windows=2)
    >>> features = standardize_features(FeatureExtractor().transform(epochs))
    >>> abs(features.spectral.mean()).round(3).item()
    0.0
    """
    if isinstance(by, str):
        if features.metadata is None or by not in features.metadata:
            has = "none" if features.metadata is None else ", ".join(features.metadata.columns)
            raise ValueError(f"by={by!r} is no column of the metadata, which has: {has}.")
        by = features.metadata[by]
    by = np.asarray(by)
    if by.shape != (len(features),):
        raise ValueError(f"by must have shape ({len(features)},), got {by.shape}.")
    check_none_missing("by", by)
    stacks = [np.empty_like(features.spectral), np.empty_like(features.temporal)]
    for group in np.unique(by):
        rows = by == group
        for stack, values, axes in zip(
            stacks, (features.spectral, features.temporal), (0, (0, 2)), strict=True
        ):
            part = values[rows].astype(np.float64)
            spread = part.std(axes, keepdims=True)
            centred = part - part.mean(axes, keepdims=True)
            # A flat electrode stays at zero.
            stack[rows] = np.divide(centred, spread, out=np.zeros_like(part), where=spread > 0)
    return EpochsFeatures(
        *stacks,
        features.info,
        replace(features.settings, standardized=True),
        metadata=features.metadata,
        events=features.events,
    )
