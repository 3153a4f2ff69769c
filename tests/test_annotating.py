"""States along a recording, as annotations that MNE shows."""

import mne
import numpy as np
import pytest
from conftest import tiny_classifier

import mne_sst._annotating as annotating
from mne_sst import FeatureExtractor
from mne_sst.datasets import simulate_emotion


@pytest.fixture(scope="module")
def epochs():
    return simulate_emotion(n_subjects=1, n_trials=6, n_windows=6, effect=3.0)


@pytest.fixture(scope="module")
def clf(epochs):
    """Do not change it."""
    y = epochs.metadata["emotion"].to_numpy()
    return tiny_classifier(max_epochs=15, lr=5e-3, validation_fraction=0).fit(epochs, y)


@pytest.fixture
def raw(epochs):
    """The trials of three emotions, one after the other."""
    data = np.concatenate(list(epochs.get_data()[:18]), axis=1)
    return mne.io.RawArray(data, epochs.info, verbose="ERROR")


def starts(raw, names):
    """Samples from the start of the recording where annotations of these names begin."""
    ids = {name: i for i, name in enumerate(names, 1)}
    events, _ = mne.events_from_annotations(raw, ids, verbose="ERROR")
    return (events[:, 0] - raw.first_samp).tolist()


def test_other_channels_do_not_enter_by_the_reference():
    epochs = simulate_emotion(n_subjects=1, n_trials=3, n_windows=4)
    part = epochs.copy().drop_channels(["T7", "T8"])
    average = FeatureExtractor(reference="average")
    clf = tiny_classifier(max_epochs=1, features=average, validation_fraction=0)
    clf.fit(part, epochs.metadata["emotion"])
    data = np.concatenate(list(epochs.get_data()), axis=1)
    raw = mne.io.RawArray(data, epochs.info, verbose="ERROR")
    raw.apply_function(lambda x: x + 0.01 * np.sin(np.arange(x.size)), picks=["T7"])
    found = [clf.annotate(r).extras for r in (raw, raw.copy().drop_channels(["T7", "T8"]))]
    for a, b in zip(*found, strict=True):
        assert a["probability"] == pytest.approx(b["probability"], abs=1e-5)


def test_windows_side_by_side(clf, raw, epochs):
    found = clf.annotate(raw)
    assert len(found) == 18
    np.testing.assert_allclose(found.onset, np.arange(18.0))
    np.testing.assert_allclose(found.duration, 1.0)
    expected = clf.predict_proba(epochs[:18])
    assert list(found.description) == list(clf.classes_[expected.argmax(1)])
    p = [extra["probability"] for extra in found.extras]
    np.testing.assert_allclose(p, expected.max(1), atol=1e-5)
    assert found.extras[0].keys() >= {"p_negative", "p_neutral", "p_positive"}
    assert starts(raw.set_annotations(found), clf.classes_) == list(range(0, 3600, 200))


def test_overlap_tiles_the_recording(clf, raw):
    """Each window stands for its middle, and nothing is told twice."""
    found = clf.annotate(raw, window=1.0, overlap=0.5)
    assert len(found) == 35
    ends = found.onset + found.duration
    np.testing.assert_allclose(found.onset[1:], ends[:-1])
    assert found.onset[0] == 0
    assert ends[-1] == pytest.approx(18.0)
    np.testing.assert_allclose(found.duration[1:-1], 0.5)


@pytest.mark.parametrize(("sfreq", "overlap"), [(128, 0.3), (128, 0.7), (256, 0.7), (256, 0.9)])
def test_steps_that_are_no_whole_samples(sfreq, overlap):
    """Windows begin at whole samples: steps differ by one, and still nothing is left open."""
    info = mne.create_info(2, float(sfreq), "eeg")
    raw = mne.io.RawArray(np.zeros((2, 24 * sfreq)), info, verbose="ERROR")
    onset = annotating.cut_raw(raw, 1.0, overlap).metadata["onset"].to_numpy()
    best = (onset >= 9).astype(int)
    arguments = onset, np.eye(2)[best], np.array(["a", "b"]), 1.0, overlap
    found = annotating.annotations_of(*arguments, merge=False, sfreq=sfreq)
    ends = found.onset + found.duration
    np.testing.assert_allclose(found.onset[1:], ends[:-1], atol=1e-12)
    assert ends[-1] == pytest.approx(24.0, abs=1.0 - overlap)
    merged = annotating.annotations_of(*arguments, merge=True, sfreq=sfreq)
    assert list(merged.description) == ["a", "b"]
    assert merged.duration.sum() == pytest.approx(found.duration.sum())


def test_classes_that_mne_would_take_for_instructions(epochs, raw):
    y = np.where(epochs.metadata["emotion"] == "positive", "good", "bad mood")
    clf = tiny_classifier(max_epochs=1, validation_fraction=0).fit(epochs, y)
    found = clf.annotate(raw)
    assert set(found.description) <= {"state/good", "state/bad mood"}
    raw.set_annotations(found)
    assert len(mne.make_fixed_length_epochs(raw, duration=1.0, verbose="ERROR").drop_bad()) == 18


def test_merged(clf, raw):
    single, merged = clf.annotate(raw), clf.annotate(raw, merge=True)
    assert len(merged) == 1 + np.sum(single.description[1:] != single.description[:-1])
    assert merged.duration.sum() == pytest.approx(18.0)
    n = merged.extras[0]["n_windows"]
    mean = np.mean([e["probability"] for e in single.extras[:n]])
    assert merged.extras[0]["probability"] == pytest.approx(mean)


def test_bad_segments_stay_empty(clf, raw):
    raw.set_annotations(mne.Annotations([4.5], [2.0], ["bad movement"]))
    found = clf.annotate(raw, merge=True)
    ends = found.onset + found.duration
    assert not ((found.onset < 6.5) & (ends > 4.5)).any()
    assert 4.0 in ends
    assert found.duration.sum() == pytest.approx(15.0)


@pytest.mark.parametrize("date", [1_600_000_000, None])
def test_a_recording_that_starts_late(clf, raw, date):
    """After a crop annotations fall into place."""
    raw.set_meas_date(date)
    late = raw.copy().crop(tmin=6.0)
    found = clf.annotate(late)
    assert list(found.description) == list(clf.annotate(raw).description[6:])
    assert starts(late.set_annotations(found), clf.classes_) == list(range(0, 2400, 200))


def test_beside_annotations_that_are_there(clf, raw):
    """As MNE's own functions: with the date of the recording, ready to be added."""
    raw.set_meas_date(1_600_000_000)
    raw.set_annotations(mne.Annotations([7.0], [0.5], ["blink"]))
    late = raw.copy().crop(tmin=6.0)
    late.set_annotations(late.annotations + clf.annotate(late))
    assert starts(late, clf.classes_) == list(range(0, 2400, 200))
    assert starts(late, ["blink"]) == [200]


def test_pieces_give_the_same(clf, raw, tmp_path, monkeypatch):
    """Read from a file, a few windows at a time."""
    whole = clf.annotate(raw, overlap=0.5)
    raw.save(tmp_path / "a_raw.fif", fmt="double", verbose="ERROR")
    from_file = mne.io.read_raw_fif(tmp_path / "a_raw.fif", verbose="ERROR")
    seen = []
    original = FeatureExtractor.transform
    monkeypatch.setattr(
        FeatureExtractor, "transform", lambda self, X: seen.append(len(X)) or original(self, X)
    )
    monkeypatch.setattr(annotating, "_PIECE", 4 * 200)
    found = clf.annotate(from_file, overlap=0.5)
    assert max(seen) == 4
    assert not from_file.preload
    assert list(found.description) == list(whole.description)
    for one, other in zip(found.extras, whole.extras, strict=True):
        assert one["probability"] == pytest.approx(other["probability"], abs=1e-4)


def test_filtered_as_a_whole(epochs, raw):
    """Bandpass DE of a recording is that of the whole recording."""
    extractor = FeatureExtractor(method="bandpass", temporal="power", reference="average")
    features = extractor.transform(raw)
    y = np.arange(len(features)) % 2
    clf = tiny_classifier(max_epochs=2, validation_fraction=0).fit(features, y)
    found = clf.annotate(raw)
    np.testing.assert_array_equal(found.description.astype(int), clf.predict(features))


def test_bad_input(clf, epochs, raw):
    with pytest.raises(TypeError, match=r"raw must be an mne\.io\.Raw, got EpochsArray"):
        clf.annotate(epochs)
    with pytest.raises(ValueError, match="windows of 2 s"):
        clf.annotate(raw, window=2.0)
    with pytest.raises(ValueError, match="overlap must be shorter"):
        clf.annotate(raw, overlap=1.0)
    with pytest.raises(ValueError, match=r"Fp1|FP1"):
        clf.annotate(raw.copy().drop_channels(raw.ch_names[:1]))
