"""What several test modules need."""

from mne_sst import FeatureExtractor


def extract(X, **params):
    """Features of ``X``, silently and in double precision unless said."""
    return FeatureExtractor(**{"verbose": False, "dtype": "float64", **params}).transform(X)
