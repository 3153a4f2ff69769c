"""Labels and groups of files, for training from the command line."""

import numpy as np

from ._checks import listed, logger
from ._recordings import UNLABELLED
from .features import concatenate_features


def features_and_labels(recordings, extractor, label, groups=None):
    """Make features of several recordings and find their labels and groups.

    Parameters
    ----------
    recordings : list of Recording
        What was read.
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
    epochs = [r.epochs for r in recordings]
    stems = [e.metadata["file"].iloc[0] for e in epochs]
    if "file" in (label, groups) and len(set(stems)) < len(stems):
        raise ValueError(f"'file' tells files apart by name, but two are called {listed(stems)}.")
    common = [n for n in epochs[0].ch_names if all(n in e.ch_names for e in epochs)]
    if not common:
        raise ValueError("the files have no EEG channel in common.")
    lost = sorted({n for e in epochs for n in e.ch_names} - set(common))
    if lost:
        logger.warning("channels that not all files have are left out: %s", listed(lost))
    labels = [_labels(e, label) for e in epochs]
    if not any(kept.any() for _, kept in labels):
        raise ValueError(
            f"--label {label!r} gives no window a label; 'events' takes named events of epochs "
            "and annotations of recordings that last."
        )
    parts = [
        r.features(extractor).pick(common)[kept]
        for r, (_, kept) in zip(recordings, labels, strict=True)
        if kept.any()
    ]
    features = concatenate_features(parts)
    # Through lists, so that text in object columns becomes text.
    y = np.concatenate([np.array(v[kept].tolist()) for v, kept in labels if kept.any()])
    if groups is None:
        return features, y, None
    have = [] if features.metadata is None else list(features.metadata.columns)
    if groups not in have:
        raise ValueError(f"--groups {groups!r} is no column of the metadata ({listed(have)}).")
    return features, y, features.groups(groups)


def _labels(epochs, label):
    """One label a window, and whether it has one, arrays of shape (n_epochs,)."""
    table = epochs.metadata
    if label == "events":
        names = {code: name for name, code in epochs.event_id.items()}
        labels = np.array([names.get(code, str(code)) for code in epochs.events[:, 2]])
        return labels, labels != UNLABELLED
    if label not in table:
        raise ValueError(
            f"--label {label!r} is no column of the metadata of {table['file'].iloc[0]} "
            f"({listed(table.columns)}); 'events' and 'file' work too."
        )
    column = table[label]
    return column.to_numpy(), (column.notna() & (column != "")).to_numpy()
