"""Features of EEG windows: differential entropy per band and a clip in time."""

from ._concatenate import concatenate_features
from ._container import EpochsFeatures, read_features
from ._entropy import BANDS, differential_entropy
from ._extractor import FeatureExtractor
from ._settings import FeatureSettings
from ._smoothing import lds, moving_average, smooth_trials
from ._standardize import standardize_features

__all__ = [
    "BANDS",
    "EpochsFeatures",
    "FeatureExtractor",
    "FeatureSettings",
    "concatenate_features",
    "differential_entropy",
    "lds",
    "moving_average",
    "read_features",
    "smooth_trials",
    "standardize_features",
]
