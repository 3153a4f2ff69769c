"""Features of several recordings as one."""

import numpy as np
import pandas as pd

from .._checks import listed
from ._container import EpochsFeatures


def concatenate_features(features):
    """Join features of the same channels and settings.

    Parameters
    ----------
    features : list of EpochsFeatures
        What to join; channels may come in another order than in the first.

    Returns
    -------
    joined : EpochsFeatures
        Metadata and events are kept where every part has them.

    Examples
    --------
    >>> from mne_sst import FeatureExtractor, concatenate_features
    >>> from mne_sst.datasets import simulate_emotion
    >>> epochs = simulate_emotion(n_subjects=1, n_trials=3, n_windows=4)
    >>> features = FeatureExtractor(verbose=False).transform(epochs)
    >>> len(concatenate_features([features, features]))
    24
    """
    features = list(features)
    if not features or not all(isinstance(f, EpochsFeatures) for f in features):
        raise TypeError("features must be a list of EpochsFeatures with at least one in it.")
    first = features[0]
    aligned = [first]
    for i, part in enumerate(features[1:], start=1):
        different = first.settings.differences(part.settings)
        if part.temporal.shape[2] != first.temporal.shape[2]:
            different.append(
                f"n_times={part.temporal.shape[2]} where {first.temporal.shape[2]} was expected"
            )
        if set(part.ch_names) != set(first.ch_names):
            extra = set(part.ch_names) ^ set(first.ch_names)
            different.append(f"channels that only one of them has: {listed(sorted(extra))}")
        if different:
            raise ValueError(f"features[{i}] does not fit features[0]: {'; '.join(different)}.")
        aligned.append(part.pick(first.ch_names))
    tables = [f.metadata for f in aligned]
    events = [f.events for f in aligned]
    return first._replace(
        spectral=np.concatenate([f.spectral for f in aligned]),
        temporal=np.concatenate([f.temporal for f in aligned]),
        metadata=pd.concat(tables, ignore_index=True) if _all_there(tables) else None,
        events=np.concatenate(events) if _all_there(events) else None,
    )


def _all_there(parts):
    return all(p is not None for p in parts)
