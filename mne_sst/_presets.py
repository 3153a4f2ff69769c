"""Settings that belong together: those of the paper, and how epochs become features."""

import inspect

from ._checks import check_option
from .features import FeatureExtractor
from .features._extractor import averaging_over

#: Name -> parameters of `SSTClassifier`. "paper": Jia et al. (2020), as far as the paper
#: and its published code tell: Adam at a constant rate without augmentation, decay on all
#: kernels (there as a penalty, here decoupled), masks drawn at random, maps of 32 x 32.
PRESETS = {
    "paper": {
        "features": FeatureExtractor(),
        "grid_shape": (32, 32),
        "variant": "paper",
        "drop_prob": 0.5,
        "stream_drop_prob": 0.0,
        "norm_momentum": 0.01,
        "mask_init": "random",
        "common_weight": 1.0,
        "n_networks": 1,
        "max_epochs": 50,
        "batch_size": 64,
        "lr": 1e-4,
        "lr_schedule": "constant",
        "weight_decay": 2e-4,
        "label_smoothing": 0.0,
        "mixup": 0.0,
        "noise": 0.0,
    },
}


def with_preset(estimator):
    """Parameters of an estimator, those of its preset where they were left as they are.

    Parameters
    ----------
    estimator : estimator
        With a parameter ``preset``.

    Returns
    -------
    params : dict
        ``preset`` is None in it.
    """
    params = estimator.get_params(deep=False)
    name = params["preset"]
    check_option("preset", name, (*PRESETS, None))
    if name is None:
        return params
    defaults = inspect.signature(type(estimator).__init__).parameters
    left = {k: v for k, v in PRESETS[name].items() if params[k] == defaults[k].default}
    return params | left | {"preset": None}


def default_extractor():
    """How epochs become features where nothing else was said.

    The average reference takes out where the reference electrode sat, which people and
    laboratories differ in; power in time has no phase, which is arbitrary in ongoing EEG.
    """
    return FeatureExtractor(temporal="power", reference="average")


def extractor_like(settings, n_times):
    """The extractor that made features of these settings.

    Parameters
    ----------
    settings : FeatureSettings
        Of the features.
    n_times : int
        Points of their temporal stack.
    """
    extractor = FeatureExtractor(
        bands={name: edges for name, *edges in settings.bands},
        method=settings.method,
        temporal=settings.temporal or "power",
        temporal_sfreq=settings.temporal_sfreq,
        n_times=max(n_times, 1),
        temporal_position=settings.temporal_position,
        temporal_band=settings.temporal_band,
        reference=settings.reference,
        window=1.0 if settings.window is None else settings.window,
    )
    return averaging_over(extractor, settings.reference_channels)


def extractor_of(features, settings, n_times):
    """How a trained network's features are made of new recordings.

    Parameters
    ----------
    features : FeatureExtractor | None
        The parameter of the classifier; what is neither is left to who uses it to refuse.
    settings : FeatureSettings
        Of the features that it was trained on.
    n_times : int
        Points of their temporal stack.

    Returns
    -------
    extractor : FeatureExtractor
        A copy, whose average reference is over the channels of training.
    """
    if features is None:
        return extractor_like(settings, n_times)
    if not isinstance(features, FeatureExtractor):
        return features
    return averaging_over(features, settings.reference_channels)
