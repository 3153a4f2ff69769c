"""What a classifier takes: windows of every kind, channels in any order, any unit."""

import pickle

import mne
import numpy as np
import pandas as pd
import pytest
from conftest import tiny_classifier

from mne_sst import EpochsFeatures, FeatureExtractor, read_classifier
from mne_sst.datasets import simulate_emotion


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


def test_read_only_data(features, y, epochs):
    frozen = features._replace(spectral=features.spectral.copy(), temporal=features.temporal.copy())
    frozen.spectral.flags.writeable = frozen.temporal.flags.writeable = False
    clf = tiny_classifier(max_epochs=1).fit(frozen, y)
    assert clf.predict(frozen).shape == y.shape
    data = epochs.get_data()
    data.flags.writeable = False
    tiny_classifier(max_epochs=1, info=epochs.info).fit(data, y)


def test_channels_of_another_case(fitted, epochs):
    other = epochs.copy().rename_channels({n: n.capitalize() for n in epochs.ch_names})
    assert other.ch_names != epochs.ch_names
    np.testing.assert_array_equal(fitted.predict_proba(other), fitted.predict_proba(epochs))


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
