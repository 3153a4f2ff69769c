"""Attention of a classifier: its setting, its method, and copies of it."""

import copy
import pickle

import numpy as np
import pytest
import torch
from conftest import tiny_classifier
from sklearn.base import clone

from mne_sst import (
    SSTClassifier,
    read_classifier,
)


def pickled(x):
    return pickle.loads(pickle.dumps(x))


def test_labels_are_predicted_or_given(fitted, features, y):
    predicted = fitted.attention(features)
    np.testing.assert_array_equal(predicted.labels, fitted.predict(features))
    given = fitted.attention(features, y)
    np.testing.assert_array_equal(given.labels, y)
    np.testing.assert_array_equal(given.bands, predicted.bands)
    with pytest.raises(ValueError, match="y must have shape"):
        fitted.attention(features, y[:-1])


def test_masks_of_a_classifier(fitted, features):
    attention = fitted.attention(features)
    assert len(attention) == len(features)
    assert attention.normalized
    assert attention.info["ch_names"] == features.ch_names
    np.testing.assert_allclose(attention.spatial["spectral"].sum(axis=(1, 2)), 1, rtol=1e-5)
    np.testing.assert_allclose(attention.bands.sum(axis=1), 1, rtol=1e-5)
    np.testing.assert_allclose(attention.times.sum(axis=1), 1, rtol=1e-5)
    assert attention.bands.shape == (len(features), 5)
    assert attention.times.shape == (len(features), features.temporal.shape[2])
    # It is a function of the epoch: in any company, in any order.
    backwards = fitted.attention(features[::-1])
    np.testing.assert_allclose(backwards.bands[::-1], attention.bands, atol=1e-5)
    assert np.ptp(attention.bands, axis=0).max() > 0


def test_setting_and_method(fitted, features):
    assert fitted.attention == "both"
    assert isinstance(fitted.attention, str)
    assert callable(fitted.attention)
    assert type(fitted.get_params()["attention"]) is str
    assert "attention" not in repr(SSTClassifier())
    assert "attention='depth'" in repr(SSTClassifier(attention="depth"))
    assert "Where, in which bands" in SSTClassifier.attention.__doc__
    assert type(copy.copy(fitted.attention)) is str


@pytest.mark.parametrize("copied", [clone, copy.deepcopy, copy.copy, pickled])
def test_copies_keep_the_setting(copied):
    new = copied(tiny_classifier(attention="spatial"))
    assert new.attention == "spatial"
    assert type(new.get_params()["attention"]) is str
    assert new.set_params(attention="depth") is new
    assert new.attention == "depth"
    assert clone(new).get_params() == new.get_params()


@pytest.mark.parametrize("copied", [copy.deepcopy, pickled])
def test_method_of_a_copy_belongs_to_the_copy(fitted, features, copied):
    new = copied(fitted)
    expected = fitted.attention(features[:4]).bands
    np.testing.assert_array_equal(new.attention(features[:4]).bands, expected)
    with torch.no_grad():
        for name, parameter in new.module_.named_parameters():
            if ".attentions." in name:
                parameter.zero_()
    np.testing.assert_allclose(new.attention(features[:4]).bands, 0.2, atol=1e-6)
    np.testing.assert_array_equal(fitted.attention(features[:4]).bands, expected)


@pytest.mark.parametrize("copied", [copy.deepcopy, pickled])
def test_a_copy_saves_what_it_learnt(fitted, features, y, copied, tmp_path):
    new = copied(fitted).partial_fit(features, y)
    new.save(tmp_path / "copy.safetensors")
    read = read_classifier(tmp_path / "copy.safetensors")
    probabilities = new.predict_proba(features)
    assert np.abs(probabilities - fitted.predict_proba(features)).max() > 1e-4
    np.testing.assert_allclose(read.predict_proba(features), probabilities, atol=1e-6)


def test_a_setting_that_is_no_option(features, y):
    with pytest.raises(ValueError, match="attention must be one of"):
        tiny_classifier(attention="all").fit(features, y)


@pytest.mark.parametrize(
    ("params", "there"),
    [
        ({"attention": "depth", "streams": "temporal"}, ["temporal/depth"]),
        ({"attention": "spatial", "streams": "spectral"}, ["spectral/spatial"]),
        ({"attention": "none", "streams": "spectral"}, []),
    ],
)
def test_masks_by_setting(features, y, params, there):
    clf = tiny_classifier(max_epochs=1, **params).fit(features[:24], y[:24])
    attention = clf.attention(features[:4])
    found = {
        f"{s}/{k}" for s, blocks in attention.blocks.items() for m in blocks.values() for k in m
    }
    assert sorted(found) == there
    assert (attention.bands is not None) == ("spectral/depth" in there)
    assert (attention.times is not None) == ("temporal/depth" in there)
    assert list(attention.spatial) == ["spectral"] * ("spectral/spatial" in there)
