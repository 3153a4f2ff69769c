"""What an estimator needs of its input: features, labels, groups, scaling."""

import copy
import warnings

import numpy as np
from sklearn.preprocessing import LabelEncoder
from sklearn.utils import assert_all_finite
from sklearn.utils.validation import column_or_1d

from ._checks import check_labels_given, check_none_missing, listed
from ._common import weaken_common
from ._inputs import known_as
from .features import EpochsFeatures, FeatureExtractor, concatenate_features

#: Metadata columns that tell trials apart, where they are there.
TRIAL_COLUMNS = ("subject", "session", "trial")


def as_features(X, extractor=None, info=None, verbose=None):
    """Return features of anything an estimator accepts.

    Parameters
    ----------
    X : Epochs | list of Epochs | EpochsFeatures | list of those | array
        What came.
    extractor : FeatureExtractor | None
        Makes features of epochs; None for the default one.
    info : mne.Info | None
        For arrays, where the extractor has none.
    verbose : bool | None
        For progress, where the extractor leaves it open.

    Returns
    -------
    features : EpochsFeatures
    """
    if isinstance(X, list | tuple) and len(X) and isinstance(X[0], EpochsFeatures):
        X = concatenate_features(X)
    if isinstance(X, EpochsFeatures):
        if len(X) == 0:
            raise ValueError("X holds no epochs (0 were left); check the selection.")
        X.check_finite("X.")
        return X
    extractor = FeatureExtractor() if extractor is None else extractor
    if not isinstance(extractor, FeatureExtractor):
        raise TypeError(
            f"features must be a FeatureExtractor or None, got {type(extractor).__name__}."
        )
    # A shallow copy, so that subclasses stay what they are.
    extractor = copy.copy(extractor)
    extractor.info = info if extractor.info is None else extractor.info
    extractor.verbose = verbose if extractor.verbose is None else extractor.verbose
    return extractor.transform(X)


def align(features, X, ch_names, settings, n_times):
    """Return features with these channels in this order, or say what differs.

    Parameters
    ----------
    features : EpochsFeatures
        New ones.
    X : object
        What they were made of, asked for channels marked bad.
    ch_names : list of str
        Channels of the training data.
    settings : FeatureSettings
        How the features of the training data were made.
    n_times : int | None
        Points of their temporal stack; None where it is not used.

    Raises
    ------
    ValueError
        Naming missing channels, or settings that differ.
    """
    names = known_as(ch_names, features.ch_names)
    missing = [n for n, name in zip(ch_names, names, strict=True) if name is None]
    if missing:
        first = X[0] if isinstance(X, list | tuple) else X
        info = getattr(first, "info", None)
        bad = [name for name in missing if info is not None and name in info["bads"]]
        hint = (
            f" {listed(bad)} marked bad: repair with inst.interpolate_bads() first." if bad else ""
        )
        raise ValueError(
            f"X lacks {len(missing)} of the {len(ch_names)} channels of the training data: "
            f"{listed(missing)}. It has {listed(features.ch_names)}.{hint}"
        )
    different = settings.differences(features.settings)
    if n_times is not None and features.temporal.shape[2] != n_times:
        different.append(f"n_times={features.temporal.shape[2]} where {n_times} was expected")
    if different:
        raise ValueError(
            f"X was made in another way than the training data: {'; '.join(different)}."
        )
    _warn_of_other_average(features.settings, settings)
    return features.pick(names)


def _warn_of_other_average(given, trained):
    """Warn where the average reference of features is over rather different channels."""
    if given.reference_channels is None or trained.reference_channels is None:
        return
    mine, theirs = ({name.casefold() for name in s.reference_channels} for s in (trained, given))
    if len(mine ^ theirs) > 0.1 * len(mine):
        warnings.warn(
            f"X was made with an average reference over {len(theirs)} channels, the training data "
            f"over {len(mine)}, of which {len(mine & theirs)} are the same: values differ. Give "
            "the epochs, or features of clf.extract(epochs).",
            RuntimeWarning,
            stacklevel=5,
        )


def warn_of_other_units(features, scaling, common_weight):
    """Warn where amplitudes are a thousand times those of the training data, or a thousandth.

    But for a constant, DE is the logarithm of an amplitude, or that of a power in bits
    (``"seed"``). The mean over channels is what ``common_weight`` weakens.
    """
    if features.settings.standardized or not common_weight or not len(features):
        return
    trained = scaling["spectral"][0].mean() / common_weight
    of_ten = np.log2(100.0) if features.settings.unit == "bits" else np.log(10.0)
    exponent = (features.spectral.mean(dtype=np.float64) - trained) / of_ten
    if abs(exponent) > 3:
        warnings.warn(
            f"X has about 1e{exponent:.0f} times the amplitudes of the training data: is it in "
            "other units? Both should be in volts.",
            RuntimeWarning,
            stacklevel=4,
        )


def labels_of(features, y, name="y"):
    """Return labels of shape (n_epochs,), those of the events if ``y`` is None."""
    if y is None:
        if features.events is None:
            # "requires y to be passed" is what scikit-learn's own tools look for.
            raise ValueError(
                "y is None and X carries no events to take labels from: this estimator "
                "requires y to be passed, but the target y is None."
            )
        return features.events[:, 2]
    check_labels_given(y)
    y = column_or_1d(y, warn=True)
    if y.dtype.kind == "f":
        assert_all_finite(y, input_name="y")
    check_none_missing("y", y)
    if y.shape != (len(features),):
        raise ValueError(
            f"{name} must have shape ({len(features)},), one label an epoch; got {y.shape}."
        )
    return y


def encode(labels, classes, name="y"):
    """Return the index of each label in ``classes``."""
    unknown = sorted(set(np.unique(labels).tolist()) - set(classes.tolist()))
    if unknown:
        raise ValueError(
            f"{name} holds labels that are not in classes: {listed(unknown)}; the classes are "
            f"{listed(classes)}."
        )
    encoder = LabelEncoder()
    encoder.classes_ = classes
    return encoder.transform(labels).astype(np.int64)


def trial_groups(features, groups):
    """Return groups as given, or those of the trials in the metadata, or None."""
    if groups is not None:
        if isinstance(groups, str):
            raise TypeError(
                f"groups must have one value an epoch, got {groups!r}; of a column of the metadata "
                f"give its values: groups=epochs.metadata[{groups!r}]."
            )
        groups = np.asarray(groups)
        check_none_missing("groups", groups)
        if groups.shape != (len(features),):
            raise ValueError(
                f"groups must have shape ({len(features)},), one an epoch; got {groups.shape}."
            )
        return groups
    table = features.metadata
    if table is None or "trial" not in table:
        return None
    return features.groups([c for c in TRIAL_COLUMNS if c in table])


def learn_scaling(features, rows, common_weight=1.0):
    """Mean and scale of both stacks over some epochs.

    Per channel and band for the spectral stack, per channel for the temporal
    one, whose points are alike. A constant value has scale 1.

    Returns
    -------
    scaling : dict of str -> (mean, scale)
        Arrays that broadcast to (n_channels, n_bands or n_times).
    """
    return {
        name: _moments(getattr(features, name), rows, axes, name, common_weight)
        for name, axes in (("spectral", (0,)), ("temporal", (0, 2)))
    }


def _moments(values, rows, axes, name, common_weight):
    """Mean and standard deviation, in double precision, a thousand epochs at a time."""
    if values.shape[2] == 0:
        return np.zeros((values.shape[1], 1)), np.ones((values.shape[1], 1))
    parts = np.array_split(rows, -(-len(rows) // 1000))
    n = len(rows) * (values.shape[2] if len(axes) == 2 else 1)

    def total(function):
        each = (weaken_common(values[p].astype(np.float64), name, common_weight) for p in parts)
        return sum(function(x).sum(axes, keepdims=True) for x in each)

    mean = total(lambda x: x) / n
    scale = np.sqrt(total(lambda x: np.square(x - mean)) / n)
    # Below rounding of single precision, a spread is none.
    flat = scale <= 1e-6 * np.abs(mean) + np.finfo(np.float64).tiny
    return mean[0], np.where(flat, 1.0, scale)[0]
