import pickle
import warnings

import mne
import numpy as np
import pandas as pd
import pytest
import torch
from conftest import tiny_classifier
from sklearn.exceptions import NotFittedError

from mne_sst import EpochsFeatures, FeatureExtractor, SSTClassifier, TopoGrid, read_classifier
from mne_sst._batches import FeatureDataset
from mne_sst._io import read_arrays, write_arrays
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


def test_epochs_lists_features_and_arrays_are_alike(fitted, epochs, features):
    expected = fitted.predict_proba(features[:6])
    few = epochs[:6]
    array_clf = tiny_classifier(info=epochs.info)
    array_clf.__dict__.update({k: v for k, v in vars(fitted).items() if k.endswith("_")})
    for clf, X in [
        (fitted, few),
        (fitted, [few[i] for i in range(6)]),
        (fitted, [features[:2], features[2:6]]),
        (array_clf, few.get_data()),
    ]:
        np.testing.assert_allclose(clf.predict_proba(X), expected, atol=1e-6)


def test_labels_come_from_events_when_left_out(epochs):
    clf = tiny_classifier(max_epochs=1).fit(epochs)
    assert clf.classes_.tolist() == [1, 2, 3]
    features = tiny_classifier().extract(epochs)
    explicit = tiny_classifier(max_epochs=1).fit(features, epochs.events[:, 2])
    np.testing.assert_allclose(
        clf.predict_proba(features), explicit.predict_proba(features), atol=1e-6
    )
    assert clf.score(epochs) == explicit.score(features, epochs.events[:, 2])


@pytest.mark.parametrize(
    "labels",
    [
        np.array([7, 9], dtype=np.int16),
        np.array(["a", "b"]),
        np.array(["a", "b"], dtype=object),
        np.array([True, False]),
        np.array([1.0, 2.0]),
    ],
    ids=lambda x: str(x.dtype),
)
def test_labels_of_any_type(features, y, labels):
    y = labels[(y == "positive").astype(int)]
    clf = tiny_classifier(max_epochs=1).fit(features, y)
    predicted = clf.predict(features)
    assert predicted.dtype == labels.dtype
    assert set(predicted.tolist()) <= set(labels.tolist())
    series = tiny_classifier(max_epochs=1).fit(features, pd.Series(y))
    assert (series.predict(features) == predicted).all()


def test_channels_in_another_order(fitted, epochs):
    few = epochs[:8]
    shuffled = few.copy().reorder_channels(few.ch_names[::-1])
    np.testing.assert_allclose(fitted.predict_proba(shuffled), fitted.predict_proba(few), atol=1e-6)


def test_more_channels_do_no_harm(epochs, features, y):
    part = features.pick(features.ch_names[:30])
    clf = tiny_classifier(max_epochs=1).fit(part, y)
    np.testing.assert_allclose(clf.predict_proba(features), clf.predict_proba(part), atol=1e-6)


@pytest.mark.parametrize("extractor", [None, "average"])
def test_the_average_is_over_the_channels_of_training(epochs, y, tmp_path, extractor):
    """What other channels of new data hold does not enter by the reference."""
    if extractor is not None:
        extractor = FeatureExtractor(reference=extractor, n_times=20)
    part = epochs.copy().drop_channels(["T7", *epochs.ch_names[:20]])
    clf = tiny_classifier(max_epochs=1, features=extractor).fit(part, y)
    expected = clf.predict_proba(part)
    wild = epochs.copy()
    wild.apply_function(lambda x: x + 0.01 * np.sin(np.arange(x.size)), picks=["T7"])
    clf.save(tmp_path / "clf.safetensors")
    read = read_classifier(tmp_path / "clf.safetensors")
    for one in (clf, read, pickle.loads(pickle.dumps(clf))):
        np.testing.assert_allclose(one.predict_proba(wild), expected, atol=1e-5)
    # A later fit learns from all that it gets.
    again = clf.fit(epochs, y)
    fresh = tiny_classifier(max_epochs=1, features=extractor).fit(epochs, y)
    np.testing.assert_array_equal(again.predict_proba(epochs), fresh.predict_proba(epochs))


def test_the_average_is_that_of_the_features(epochs, y):
    """Features of a few channels of many keep the average over the many."""
    clf = tiny_classifier(max_epochs=1)
    features = clf.extract(epochs)
    assert features.settings.reference_channels == tuple(epochs.ch_names)
    part = features.pick(features.ch_names[:20])
    clf.fit(part, y)
    np.testing.assert_allclose(clf.predict_proba(epochs), clf.predict_proba(part), atol=1e-5)
    # Where they are not all there, it is over those that are.
    few = epochs.copy().pick(epochs.ch_names[:20])
    own = tiny_classifier().extract(few)
    assert own.settings.reference_channels == tuple(few.ch_names)
    with pytest.warns(RuntimeWarning, match="over 20 channels, the training data over 62"):
        found = clf.predict_proba(few)
    with pytest.warns(RuntimeWarning, match="over 20 channels, the training data over 62"):
        np.testing.assert_allclose(found, clf.predict_proba(own), atol=1e-5)


def test_features_of_another_average_are_warned_of(epochs, y):
    clf = tiny_classifier(max_epochs=1).fit(epochs.copy().pick(epochs.ch_names[:30]), y)
    other = tiny_classifier().extract(epochs)
    with pytest.warns(
        RuntimeWarning, match="over 62 channels, the training data over 30, of which"
    ):
        clf.predict(other)
    # A bad channel more or less is what recordings have.
    one_less = tiny_classifier().extract(epochs.copy().drop_channels(["T7"]))
    clf = tiny_classifier(max_epochs=1).fit(one_less, y)
    clf.predict(tiny_classifier().extract(epochs))


def test_extract_cuts_windows_as_in_training():
    epochs = simulate_emotion(n_subjects=1, n_trials=6, n_windows=2)
    data = np.concatenate(list(epochs.get_data()), axis=1)
    raw = mne.io.RawArray(data, epochs.info, verbose="ERROR")
    longer = mne.make_fixed_length_epochs(raw, 2.0, preload=True, verbose="ERROR")
    clf = tiny_classifier(max_epochs=1).fit(longer, np.arange(len(longer)) % 2)
    assert len(clf.extract(raw)) == len(longer)
    np.testing.assert_allclose(clf.predict_proba(raw), clf.predict_proba(longer), atol=1e-6)


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


def test_positions_are_needed_and_named(features, y):
    info = mne.create_info(features.ch_names, 200.0, "eeg")
    lost = EpochsFeatures(features.spectral, features.temporal, info, features.settings)
    with pytest.raises(ValueError, match=r"no position for FP1.*set_montage"):
        tiny_classifier().fit(lost, y)
    named = tiny_classifier(interpolation="layout", max_epochs=1).fit(lost, y)
    assert named.predict(lost).shape == (len(y),)


def test_microvolts_are_as_good_as_volts(epochs, y):
    """Plain arrays in microvolts: a factor of 1e6 changes nothing."""
    data = epochs.get_data()
    probabilities = []
    for factor in (1.0, 1e6):
        clf = tiny_classifier(info=epochs.info).fit(data * factor, y)
        probabilities.append(clf.predict_proba(data * factor))
    # Features are kept in single precision, and three passes of training amplify that.
    np.testing.assert_allclose(*probabilities, atol=5e-3)


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


def test_name_of_a_column_as_labels(features):
    with pytest.raises(TypeError, match=r"give epochs\.metadata\['emotion'\]"):
        tiny_classifier().fit(features, "emotion")


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


def test_read_only_data(features, y, epochs):
    frozen = features._replace(spectral=features.spectral.copy(), temporal=features.temporal.copy())
    frozen.spectral.flags.writeable = frozen.temporal.flags.writeable = False
    clf = tiny_classifier(max_epochs=1).fit(frozen, y)
    assert clf.predict(frozen).shape == y.shape
    data = epochs.get_data()
    data.flags.writeable = False
    tiny_classifier(max_epochs=1, info=epochs.info).fit(data, y)


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


def test_channels_of_another_case(fitted, epochs):
    other = epochs.copy().rename_channels({n: n.capitalize() for n in epochs.ch_names})
    assert other.ch_names != epochs.ch_names
    np.testing.assert_array_equal(fitted.predict_proba(other), fitted.predict_proba(epochs))


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


def test_values_that_are_not_finite_are_seen_in_lists(fitted, features):
    broken = features._replace(spectral=features.spectral.copy())
    broken.spectral[0, 0, 0] = np.nan
    with pytest.raises(ValueError, match=r"X\.spectral holds 1 value"):
        fitted.predict([features, broken])


def test_a_subclass_of_the_extractor_is_used(epochs, y):
    class Louder(FeatureExtractor):
        def transform(self, X):
            raise OSError("used")

    with pytest.raises(OSError, match="used"):
        tiny_classifier(features=Louder()).fit(epochs, y)


@pytest.mark.parametrize("method", ["spectral", "seed"])
@pytest.mark.parametrize("weight", [1.0, 0.1])
def test_other_units_are_noticed(method, weight, epochs, y):
    extractor = FeatureExtractor(method=method, verbose=False)
    clf = tiny_classifier(max_epochs=1, features=extractor, common_weight=weight).fit(epochs, y)
    for factor, shown in [(1e6, "1e6"), (1e-6, "1e-6")]:
        other = mne.EpochsArray(factor * epochs.get_data()[:3], epochs.info, verbose="ERROR")
        with pytest.warns(RuntimeWarning, match=f"about {shown} times .* Both should be in volts"):
            clf.predict(other)
    clf.predict(mne.EpochsArray(30 * epochs.get_data()[:3], epochs.info, verbose="ERROR"))
