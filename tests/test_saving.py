"""A classifier in a file, and training that goes on after reading it."""

import pickle

import numpy as np
import pandas as pd
import pytest
import torch
from conftest import tiny_classifier
from sklearn.exceptions import NotFittedError

from mne_sst import FeatureExtractor, read_classifier
from mne_sst._io import read_arrays, write_arrays


def test_save_and_read(fitted, features, tmp_path):
    path = tmp_path / "clf.safetensors"
    fitted.save(path)
    again = read_classifier(path)
    np.testing.assert_allclose(
        again.predict_proba(features), fitted.predict_proba(features), atol=1e-7
    )
    assert again.get_params(deep=False) == fitted.get_params(deep=False)
    assert (again.classes_ == fitted.classes_).all()
    assert again.history_.equals(fitted.history_)
    assert again.feature_settings_ == fitted.feature_settings_
    with pytest.raises(FileExistsError, match="overwrite"):
        fitted.save(path)
    fitted.save(path, overwrite=True)
    again.partial_fit(features, np.resize(fitted.classes_, len(features)))


def test_save_keeps_settings_of_every_kind(epochs, y, tmp_path, features):
    y = (y == "positive").astype(int)
    clf = tiny_classifier(
        features=FeatureExtractor({"low": (4.0, 12.0)}, temporal="power", n_times=5, verbose=False),
        info=epochs.info,
        class_weight={0: 1.0, 1: 3.0},
        max_epochs=1,
        random_state=np.int64(3),
    ).fit(epochs, y)
    clf.save(tmp_path / "clf.safetensors")
    again = read_classifier(tmp_path / "clf.safetensors")
    assert again.class_weight == {0: 1.0, 1: 3.0}
    assert again.features.bands == {"low": [4.0, 12.0]}
    np.testing.assert_allclose(again.predict_proba(epochs), clf.predict_proba(epochs), atol=1e-7)


def test_foreign_files_are_refused(features, tmp_path):
    features.save(tmp_path / "x-feat.safetensors")
    with pytest.raises(ValueError, match="'features', expected 'classifier'"):
        read_classifier(tmp_path / "x-feat.safetensors")
    (tmp_path / "clf.safetensors").write_bytes(pickle.dumps({"a": 1}))
    with pytest.raises(ValueError, match="no safetensors file"):
        read_classifier(tmp_path / "clf.safetensors")


def test_unfitted(features, tmp_path):
    for use in ("predict", "predict_proba", "transform", "attention"):
        with pytest.raises(NotFittedError):
            getattr(tiny_classifier(), use)(features)
    with pytest.raises(NotFittedError):
        tiny_classifier().save(tmp_path / "clf.safetensors")


@pytest.mark.parametrize("wrong", ["length", "class", "column", "callback"])
def test_a_fit_that_fails_leaves_what_was_learnt(wrong, features, y):
    clf = tiny_classifier(max_epochs=1).fit(features, y)
    before, expected = dict(vars(clf)), clf.predict_proba(features)

    def fail(classifier):
        raise RuntimeError("wanted")

    labels = {"length": y[:5], "class": np.ones(len(y)), "column": "emotion"}.get(wrong, y)
    with pytest.raises((ValueError, TypeError, RuntimeError)):
        clf.fit(features[::-1], labels, on_pass=fail)
    assert vars(clf).keys() == before.keys()
    assert clf.classes_.tolist() == ["negative", "neutral", "positive"]
    np.testing.assert_array_equal(clf.predict_proba(features), expected)


def test_first_partial_fit_that_fails_leaves_nothing(features, y):
    clf = tiny_classifier()
    with pytest.raises(ValueError, match="not in classes"):
        clf.partial_fit(features, y, classes=["negative", "neutral"])
    assert not [name for name in vars(clf) if name.endswith("_")]


def test_partial_fit(features, y):
    clf = tiny_classifier()
    clf.partial_fit(features[:24], y[:24], classes=np.unique(y))
    first = clf.predict_proba(features)
    for _ in range(3):
        clf.partial_fit(features[24:], y[24:])
    assert len(clf.history_) == 4
    assert not np.allclose(first, clf.predict_proba(features))
    again = tiny_classifier().partial_fit(features[:24], y[:24], classes=np.unique(y))
    np.testing.assert_allclose(again.predict_proba(features), first, atol=1e-6)
    with pytest.raises(ValueError, match="not in classes: other"):
        clf.partial_fit(features, np.full(len(y), "other"))


def test_partial_fit_keeps_what_noise_hides(features, y):
    """Statistics of batch normalisation are of what comes, not of the noise of training."""
    clf = tiny_classifier(noise=3.0, max_epochs=30, lr=5e-3).fit(features, y)
    before = clf.predict_proba(features)
    for _ in range(5):
        clf.set_params(lr=1e-9).partial_fit(features, y)
    assert np.abs(clf.predict_proba(features) - before).mean() < 0.03


def test_partial_fit_goes_on_after_fit(features, y):
    clf = tiny_classifier().fit(features, y)
    before = len(clf.history_)
    clf.partial_fit(features, y)
    assert len(clf.history_) == before + 1
    assert clf.history_["lr"].iloc[-1] == pytest.approx(clf.lr)


def test_fitted_stays_as_fitted(features, y, tmp_path):
    """Until the next fit, set_params() changes nothing of what was learnt."""
    clf = tiny_classifier(max_epochs=1).fit(features, y)
    expected = clf.predict_proba(features)
    clf.set_params(streams="spectral", variant="authors", grid_shape=(16, 16), n_blocks=3)
    np.testing.assert_array_equal(clf.predict_proba(features), expected)
    assert clf.attention(features).normalized
    clf.save(tmp_path / "a.safetensors")
    again = read_classifier(tmp_path / "a.safetensors")
    np.testing.assert_allclose(again.predict_proba(features), expected, atol=1e-6)
    assert again.grid_shape == (8, 8)


def test_training_goes_on_after_reading(features, y, tmp_path):
    weights = {"negative": 20.0, "neutral": 1.0, "positive": 1.0}
    clf = tiny_classifier(max_epochs=2, class_weight=weights).fit(features, y)
    clf.save(tmp_path / "a.safetensors")
    again = read_classifier(tmp_path / "a.safetensors")
    assert again.net_.batch_size == clf.net_.batch_size
    torch.testing.assert_close(again.net_.criterion_.weight, clf.net_.criterion_.weight)
    again.partial_fit(features, y)
    assert again.history_["epoch"].tolist() == [1, 2, 3]
    pd.testing.assert_frame_equal(again.history_[:2], clf.history_, check_dtype=False)


@pytest.mark.parametrize("key", ["params", "info", "loss_weights"])
def test_damaged_headers_are_named(fitted, tmp_path, key):
    fitted.save(tmp_path / "a.safetensors")
    arrays, header = read_arrays(tmp_path / "a.safetensors", kind="classifier")
    del header[key]
    write_arrays(tmp_path / "b.safetensors", arrays, header, kind="classifier")
    with pytest.raises(ValueError, match=f"b.safetensors lacks '{key}'"):
        read_classifier(tmp_path / "b.safetensors")
