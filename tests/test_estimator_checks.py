"""scikit-learn's own checks, through a double that turns 2-D input into windows."""

import mne
import numpy as np
import pytest
from conftest import TINY
from sklearn.utils.estimator_checks import parametrize_with_checks
from sklearn.utils.validation import validate_data

from mne_sst import EpochsFeatures, FeatureExtractor, SSTClassifier

N_SAMPLES = 100
_CARRIERS = np.array([6.0, 11.0, 20.0, 40.0])


def as_windows(X):
    """Each column sets the strength of one rhythm of one channel."""
    n_channels = max(4, -(-X.shape[1] // len(_CARRIERS)))
    full = np.zeros((len(X), n_channels * len(_CARRIERS)))
    full[:, : X.shape[1]] = X
    # Bounded, so that columns in thousands still give finite signals.
    strength = 1e-6 * np.exp(3 * np.tanh(full / 10)).reshape(len(X), n_channels, -1)
    waves = np.sin(2 * np.pi * _CARRIERS[:, None] * np.arange(N_SAMPLES) / 100.0)
    return np.einsum("nck,kt->nct", strength, waves)


def ring_info(n_channels):
    """Electrodes on a spiral around the vertex."""
    turn = np.arange(n_channels) * 2.4
    polar = np.linspace(0.1, 1.4, n_channels)
    xyz = 0.095 * np.stack(
        [np.sin(polar) * np.cos(turn), np.sin(polar) * np.sin(turn), np.cos(polar)], axis=1
    )
    names = [f"E{i}" for i in range(n_channels)]
    info = mne.create_info(names, 100.0, "eeg")
    montage = mne.channels.make_dig_montage(dict(zip(names, xyz, strict=True)), coord_frame="head")
    return info.set_montage(montage)


class TabularDouble(SSTClassifier):
    """The classifier over rows of numbers."""

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = True
        tags.input_tags.three_d_array = False
        return tags

    def _as_features(self, X):
        if isinstance(X, EpochsFeatures):
            return X
        fitted = hasattr(self, "module_")
        X = validate_data(
            self, X, reset=not fitted, dtype=np.float64, ensure_min_samples=2 - fitted
        )
        windows = as_windows(X)
        bands = {f"{c:g} Hz": (c - 2, c + 2) for c in _CARRIERS}
        extractor = FeatureExtractor(
            bands, n_times=3, info=ring_info(windows.shape[1]), verbose=False
        )
        features = extractor.transform(windows)
        return features._replace(events=None)

    def _start(self, features, *args):
        n_columns = self.n_features_in_
        super()._start(features, *args)
        self.n_features_in_ = n_columns

    def fit(self, X, y=None, groups=None):
        for name in ("module_", "n_features_in_", "feature_names_in_"):
            vars(self).pop(name, None)
        return super().fit(X, y, groups)


DOUBLE = TabularDouble(
    **{**TINY, "max_epochs": 8, "lr": 1e-2, "mixup": 0.0, "validation_fraction": 0.0}
)

_ROUNDING = (
    "In single precision convolutions sum in another order where a batch has another size, and, "
    "with the instructions of some processors, at another place in it: values differ by 1e-6 at "
    "most, where the check allows 1e-7."
)
EXPECTED_FAILURES = {
    "check_methods_subset_invariance": _ROUNDING,
    "check_methods_sample_order_invariance": _ROUNDING,
}


@parametrize_with_checks([DOUBLE], expected_failed_checks=lambda estimator: EXPECTED_FAILURES)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
def test_estimator_checks(estimator, check):
    check(estimator)


def test_the_checks_are_many():
    """With tags that say 3-D, next to nothing would be run."""
    from sklearn.utils.estimator_checks import estimator_checks_generator

    assert sum(1 for _ in estimator_checks_generator(DOUBLE)) >= 50
