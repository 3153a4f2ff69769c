"""The paper's settings by one word, and features made as a classifier wants them."""

import inspect

import numpy as np
import pytest
from conftest import tiny_classifier
from sklearn.base import clone

from mne_sst import FeatureExtractor, SSTClassifier, read_classifier
from mne_sst._presets import PRESETS

SMALL = dict(
    n_networks=1,
    max_epochs=1,
    depth_temporal=10,
    depth_spectral=10,
    grid_shape=(8, 8),
    random_state=0,
)


def paper(**params):
    return SSTClassifier(**{**SMALL, "preset": "paper", "verbose": False, **params})


def test_a_preset_names_parameters_of_the_classifier():
    known = inspect.signature(SSTClassifier).parameters
    for params in PRESETS.values():
        assert set(params) <= set(known)
        tiny_classifier(**params)._check_params()


def test_preset_is_what_it_says(features, y):
    """The same as all of its settings by hand, but for what was set besides."""
    by_hand = SSTClassifier(**{**PRESETS["paper"], **SMALL, "verbose": False}).fit(features, y)
    clf = paper().fit(features, y)
    np.testing.assert_array_equal(by_hand.predict_proba(features), clf.predict_proba(features))
    assert clf.network_params_["mask_init"] == "random"
    assert clf.history_["lr"].to_list() == [1e-4]
    # The parameters are left as they were given.
    assert clf.get_params()["mask_init"] == "zero"
    assert clone(clf).preset == "paper"


def test_what_is_set_besides_wins(features, y):
    clf = paper(lr=0.002, max_epochs=2).fit(features, y)
    assert clf.history_["lr"].to_list() == [0.002] * 2


def test_features_of_the_preset(epochs, y):
    clf = paper().fit(epochs, y)
    assert clf.feature_settings_.temporal == "signal"
    assert clf.feature_settings_.reference is None
    recipe = tiny_classifier(max_epochs=1).fit(epochs, y)
    assert recipe.feature_settings_.temporal == "power"
    assert recipe.feature_settings_.reference == "average"


def test_preset_goes_on_and_comes_back_from_a_file(features, y, tmp_path):
    clf = paper().fit(features, y)
    clf.save(tmp_path / "paper.safetensors")
    read = read_classifier(tmp_path / "paper.safetensors")
    np.testing.assert_array_equal(read.predict_proba(features), clf.predict_proba(features))
    assert read.partial_fit(features, y).history_["lr"].to_list() == [1e-4] * 2
    first = paper().partial_fit(features, y)
    assert first.network_params_["mask_init"] == "random"


def test_unknown_preset(features, y):
    with pytest.raises(ValueError, match=r"preset must be one of 'paper', None, got 'pap'"):
        SSTClassifier(preset="pap").fit(features, y)


def test_extract_is_what_fit_learns_from(epochs, y):
    made = tiny_classifier().extract(epochs)
    by_epochs = tiny_classifier(max_epochs=1).fit(epochs, y)
    by_features = tiny_classifier(max_epochs=1).fit(made, y)
    np.testing.assert_array_equal(by_epochs.predict_proba(epochs), by_features.predict_proba(made))


def test_epochs_are_treated_as_the_features_in_training(epochs, features, y):
    """A classifier that was fitted on features takes epochs, whatever the features were."""
    own = FeatureExtractor(
        bands=["alpha", "beta"], method="seed", n_times=20, temporal_position="start", verbose=False
    ).transform(epochs)
    for made in (features, own):
        clf = tiny_classifier(max_epochs=1).fit(made, y)
        np.testing.assert_array_equal(clf.predict_proba(epochs), clf.predict_proba(made))
    # A new fit on epochs begins with the default again.
    assert clf.fit(epochs, y).feature_settings_.temporal == "power"
