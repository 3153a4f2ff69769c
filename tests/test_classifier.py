import warnings

import numpy as np
import pytest
import torch
from conftest import tiny_classifier

from mne_sst import EpochsFeatures, FeatureExtractor, SSTClassifier, TopoGrid
from mne_sst._batches import FeatureDataset
from mne_sst._learning_data import learn_scaling
from mne_sst.datasets import simulate_emotion


def test_learns_simulated_emotions():
    """The last trials held out; three classes, chance is a third."""
    epochs = simulate_emotion(n_subjects=1, n_trials=15, n_windows=10, effect=3.0)
    features = FeatureExtractor(verbose=False).transform(epochs)
    y = features.metadata["emotion"].to_numpy()
    held = (features.metadata["trial"] > 10).to_numpy()
    clf = tiny_classifier(max_epochs=30, patience=None, lr=5e-3).fit(features[~held], y[~held])
    assert clf.score(features[held], y[held]) > 0.6
    assert clf.history_["train_loss"].iloc[-1] < 0.8 * clf.history_["train_loss"].iloc[0]


def test_attributes(fitted, features):
    assert fitted.classes_.tolist() == ["negative", "neutral", "positive"]
    assert fitted.n_features_in_ == 62
    assert fitted.info_["ch_names"] == features.ch_names
    assert isinstance(fitted.grid_, TopoGrid)
    assert fitted.module_.projection.shape == (64, 62)
    assert list(fitted.history_.columns) == [
        "epoch",
        "train_loss",
        "valid_loss",
        "valid_accuracy",
        "lr",
        "dur",
    ]
    assert len(fitted.history_) == 3


def test_predictions(fitted, features):
    p = fitted.predict_proba(features)
    assert p.shape == (len(features), 3)
    np.testing.assert_allclose(p.sum(axis=1), 1, atol=1e-12)
    assert (fitted.predict(features) == fitted.classes_[p.argmax(axis=1)]).all()
    assert fitted.transform(features).shape == (len(features), fitted.module_.hidden.in_features)


def test_what_does_not_fit_is_named(fitted, epochs, features):
    few = epochs[:4]
    with pytest.raises(ValueError, match=r"lacks 1 of the 62 channels.*: CZ"):
        fitted.predict(few.copy().drop_channels(["CZ"]))
    bad = few.copy()
    bad.info["bads"] = ["CZ"]
    with pytest.raises(ValueError, match=r"CZ.*interpolate_bads"):
        fitted.predict(bad)
    with pytest.raises(ValueError, match=r"sfreq=100\.0 where 200\.0"):
        fitted.predict(few.copy().resample(100.0))
    seed = FeatureExtractor(method="seed", verbose=False).transform(few)
    with pytest.raises(ValueError, match="method='seed' where 'spectral'"):
        fitted.predict(seed)
    with pytest.raises(ValueError, match=r"windows of 0\.5 s where 1 s"):
        fitted.predict(FeatureExtractor(["beta", "gamma"]).transform(few.copy().crop(0, 0.495)))
    power = FeatureExtractor(temporal="power", verbose=False).transform(few)
    with pytest.raises(ValueError, match="temporal='power' where 'signal'"):
        fitted.predict(power)


@pytest.mark.parametrize("streams", ["spectral", "temporal"])
def test_single_streams(features, y, streams):
    clf = tiny_classifier(streams=streams, max_epochs=1).fit(features, y)
    assert clf.predict(features).shape == y.shape
    assert list(clf.attention(features[:4]).blocks) == [streams]
    assert clf.transform(features[:4]).shape == (4, clf.module_.streams[streams].n_features)


def test_features_without_a_temporal_stack(features, y):
    only = EpochsFeatures(features.spectral, None, features.info, features.settings)
    with pytest.raises(ValueError, match=r"no temporal stack.*streams='spectral'"):
        tiny_classifier().fit(only, y)
    clf = tiny_classifier(streams="spectral", max_epochs=1).fit(only, y)
    assert clf.predict(only).shape == y.shape


def test_name_of_a_column_as_labels(features):
    with pytest.raises(TypeError, match=r"give epochs\.metadata\['emotion'\]"):
        tiny_classifier().fit(features, "emotion")


@pytest.mark.parametrize(
    ("params", "error", "message"),
    [
        ({"max_epochs": 0}, ValueError, "max_epochs"),
        ({"batch_size": 1.5}, TypeError, "batch_size"),
        ({"lr": 0.0}, ValueError, "lr"),
        ({"mixup": -1}, ValueError, "mixup"),
        ({"noise": -1}, ValueError, "noise"),
        ({"label_smoothing": 1.0}, ValueError, "label_smoothing"),
        ({"validation_fraction": 1.0}, ValueError, "validation_fraction"),
        ({"patience": 0}, ValueError, "patience"),
        ({"precision": "fp16"}, ValueError, "precision"),
        ({"device": "abacus"}, ValueError, "device"),
        ({"streams": "all"}, ValueError, "streams"),
        ({"attention": "all"}, ValueError, "attention"),
        ({"variant": "all"}, ValueError, "variant"),
        ({"interpolation": "quintic"}, ValueError, "interpolation"),
        ({"grid_shape": (4, 4)}, ValueError, "grid_shape"),
        ({"features": "de"}, TypeError, "FeatureExtractor"),
        ({"random_state": -1}, ValueError, "random_state"),
        ({"random_state": "a"}, TypeError, "random_state"),
        ({"class_weight": "even"}, ValueError, "class_weight"),
        ({"lr_schedule": "cosine"}, ValueError, "lr_schedule"),
    ],
)
def test_bad_parameters_are_named(epochs, y, params, error, message):
    with pytest.raises(error, match=message):
        tiny_classifier(**{"validation_fraction": 0, **params}).fit(epochs[:12], y[:12])


def test_bad_labels_are_named(features, y):
    with pytest.raises(ValueError, match=r"y must have shape \(48,\)"):
        tiny_classifier().fit(features, y[:-1])
    with pytest.raises(ValueError, match="1 class"):
        tiny_classifier().fit(features, np.zeros(len(features), int))
    with pytest.raises(ValueError, match=r"groups must have shape \(48,\)"):
        tiny_classifier().fit(features, y, groups=[1, 2])
    with pytest.raises(ValueError, match="Unknown label type"):
        tiny_classifier().fit(features, np.linspace(0, 1, len(y)))
    without = features._replace(events=None)
    with pytest.raises(ValueError, match="requires y to be passed"):
        tiny_classifier().fit(without)


def test_class_weight_moves_the_decision(features, y):
    y = np.where(y == "positive", "rare", "common")
    kept = np.concatenate([np.flatnonzero(y == "common"), np.flatnonzero(y == "rare")[:6]])
    shares = []
    for weight in (None, "balanced"):
        clf = tiny_classifier(class_weight=weight, max_epochs=6, validation_fraction=0)
        clf.fit(features[kept], y[kept])
        shares.append(clf.predict_proba(features)[:, 1].mean())
    assert shares[1] > shares[0]


def test_silent_and_without_warnings(features, y, capfd):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        tiny_classifier(max_epochs=1).fit(features, y).predict(features)
    assert capfd.readouterr() == ("", "")


def test_bf16_is_close(features, y):
    pairs = [
        tiny_classifier(precision=p).fit(features, y).predict_proba(features)
        for p in ("fp32", "bf16")
    ]
    # Three passes of training in 8 bits of mantissa: alike, not equal.
    assert 0 < np.abs(pairs[0] - pairs[1]).max() < 0.1


def test_resident_features_give_the_same_batches(features, y):
    """What a GPU does, on the CPU: tensors on the device, indexed there."""
    rows = np.arange(5, 40)
    scaling = learn_scaling(features, rows)
    targets = np.arange(len(y)) % 3
    index = np.array([3, 1, 30])
    batches = [
        FeatureDataset(
            features, targets, scaling, ("spectral", "temporal"), rows, resident=resident
        ).batch(index)
        for resident in (False, True)
    ]
    for (inputs, classes), (others, other_classes) in [batches]:
        assert torch.equal(classes, other_classes)
        for name, value in inputs.items():
            torch.testing.assert_close(others[name], value, atol=1e-6, rtol=1e-6)
    mean, scale = scaling["spectral"]
    expected = (features.spectral[rows[index]] - mean) / scale
    np.testing.assert_allclose(batches[0][0]["spectral"], expected, atol=1e-5)


def test_default_parameters_are_the_documented_ones():
    clf = SSTClassifier()
    assert clf.grid_shape == (10, 10)
    assert (clf.variant, clf.streams, clf.device, clf.precision) == (
        "paper",
        "both",
        "auto",
        "auto",
    )


def test_no_epochs_and_no_labels_are_named(fitted, features, epochs, y):
    for use in (fitted.predict, fitted.attention, lambda X: tiny_classifier().fit(X, y[:0])):
        with pytest.raises(ValueError, match="X holds no epochs"):
            use(features[:0])
    with pytest.raises(TypeError, match="an empty list"):
        fitted.predict([])
    broken = y.astype(object)
    broken[3] = None
    with pytest.raises(ValueError, match="y holds 1 missing value"):
        tiny_classifier().fit(features, broken)
    with pytest.raises(ValueError, match="groups holds 1 missing value"):
        tiny_classifier().fit(features, y, groups=broken)
