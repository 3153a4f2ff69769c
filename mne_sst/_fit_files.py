"""Labels and groups of files, for training from the command line."""

import numpy as np

from ._checks import listed
from .features import concatenate_features


def features_and_labels(epochs, extractor, label, groups=None):
    """Make features of several epochs and find their labels and groups.

    Parameters
    ----------
    epochs : list of mne.Epochs
        With metadata.
    extractor : FeatureExtractor
        Makes the features.
    label : str
        Column of the metadata, ``"events"`` or ``"file"``.
    groups : str | None
        Column of the metadata.

    Returns
    -------
    features : EpochsFeatures
        Channels that all files have; windows without a label are left out.
    y : array, shape (n_epochs,)
        Labels.
    groups : array, shape (n_epochs,) | None
        From that column.

    Raises
    ------
    ValueError
        Naming what a file lacks.
    """
    common = [n for n in epochs[0].ch_names if all(n in e.ch_names for e in epochs)]
    if not common:
        raise ValueError("the files have no EEG channel in common.")
    labels = [_labels(e, label) for e in epochs]
    kept = [np.array([v != "" for v in values]) for values in labels]
    if not any(k.any() for k in kept):
        raise ValueError(f"--label {label!r} gives no window a label.")
    parts = [
        extractor.transform(e[k]).pick(common)
        for e, k in zip(epochs, kept, strict=True)
        if k.any()
    ]
    features = concatenate_features(parts)
    y = np.concatenate([np.asarray(v)[k] for v, k in zip(labels, kept, strict=True)])
    if groups is None:
        return features, y, None
    have = [] if features.metadata is None else list(features.metadata.columns)
    if groups not in have:
        raise ValueError(f"--groups {groups!r} is no column of the metadata ({listed(have)}).")
    return features, y, features.groups(groups)


def _labels(epochs, label):
    table = epochs.metadata
    if label != "events":
        if label not in table:
            raise ValueError(
                f"--label {label!r} is no column of the metadata of {table['file'].iloc[0]} "
                f"({listed(table.columns)}); 'events' and 'file' work too."
            )
        return table[label].tolist()
    if "annotation" in table:
        return table["annotation"].tolist()
    names = {code: name for name, code in epochs.event_id.items()}
    found = [names.get(code, str(code)) for code in epochs.events[:, 2]]
    if "onset" in table:
        raise ValueError(
            f"--label events: the recording {table['file'].iloc[0]} has no annotations to take "
            "labels from."
        )
    return found
