"""Windows that overlap never stand on both sides, whatever was done to them before."""

import mne
import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.model_selection import KFold, cross_val_score

from mne_sst import FeatureExtractor, concatenate_features
from mne_sst.evaluation import TrialKFold, check_split, evaluate

SFREQ = 200.0


def cut(seconds=30, overlap=1.0, **columns):
    """Windows of 2 s, each said to be a trial of its own."""
    info = mne.create_info(["Fz", "Cz", "Pz"], SFREQ, "eeg")
    rng = np.random.default_rng(seconds)
    raw = mne.io.RawArray(
        1e-5 * rng.standard_normal((3, int(seconds * SFREQ))), info, verbose=False
    )
    epochs = mne.make_fixed_length_epochs(
        raw, duration=2.0, overlap=overlap, preload=True, verbose=False
    )
    table = pd.DataFrame({"subject": 1, "trial": range(len(epochs)), **columns})
    with mne.utils.use_log_level("ERROR"):
        epochs.metadata = table
    return epochs


def slower(epochs, how):
    if how == "decimate":
        with pytest.warns(RuntimeWarning, match="decim"):
            return epochs.copy().decimate(2)
    return epochs.copy().resample(100.0) if how == "resample" else epochs


@pytest.mark.parametrize("overlap", [1.0, 0.0])
@pytest.mark.parametrize("how", ["as it is", "decimate", "resample", "saved"])
@pytest.mark.parametrize("kind", ["epochs", "list", "features"])
def test_windows_at_another_rate_than_the_recording(how, kind, overlap, tmp_path):
    """MNE goes on counting events at the rate of the recording."""
    epochs = slower(cut(overlap=overlap), "decimate" if how == "saved" else how)
    if how == "saved":
        epochs.save(tmp_path / "slow-epo.fif", verbose="ERROR")
        epochs = mne.read_epochs(tmp_path / "slow-epo.fif", verbose="ERROR")
    data = epochs
    if kind == "list":
        data = FeatureExtractor(verbose=False).transform([epochs[:5], epochs[5:]])
    elif kind == "features":
        data = FeatureExtractor(verbose=False).transform(epochs)
    y = np.arange(len(data)) % 2
    protocol = TrialKFold(5, shuffle=True, random_state=0)
    if overlap:
        with pytest.raises(ValueError, match=r"\(training\) and \d+ \(test\) overlap"):
            evaluate(Majority(), data, y, protocol=protocol)
    else:
        assert len(evaluate(Majority(), data, y, protocol=protocol)) == 5


class Majority(DummyClassifier):
    """Needs no numbers."""

    def fit(self, X, y):
        return super().fit(np.zeros(len(X)), y)

    def predict(self, X):
        return super().predict(np.zeros(len(X)))

    def predict_proba(self, X):
        return super().predict_proba(np.zeros(len(X)))


@pytest.mark.parametrize("kind", ["epochs", "features"])
def test_splitters_look_by_themselves(kind):
    """Within the tools of scikit-learn, without `evaluate`."""
    data = cut()
    if kind == "features":
        data = FeatureExtractor(verbose=False).transform(data)
    y = np.arange(len(data)) % 2
    with pytest.raises(ValueError, match="overlap: they begin at samples"):
        cross_val_score(Majority(), data, y, cv=TrialKFold(2), error_score="raise")


def test_recordings_of_one_session():
    """Samples count in each recording: those of two say nothing of one another."""
    parts = []
    for run in (1, 2):
        epochs = cut(30 + run, overlap=0.0, run=run)
        parts.append(FeatureExtractor(verbose=False).transform(epochs))
    parts[1].events[:, 0] += 37
    joined = concatenate_features(parts)
    joined.metadata["trial"] = range(len(joined))
    y = np.arange(len(joined)) % 2
    protocol = TrialKFold(3, shuffle=True, random_state=0)
    assert len(evaluate(Majority(), joined, y, protocol=protocol)) == 3
    joined.metadata = joined.metadata.drop(columns="run")
    with pytest.raises(ValueError, match="several recordings of a session, name these by a column"):
        evaluate(Majority(), joined, y, protocol=protocol)
    # A table that is given takes the place of the metadata.
    groups = joined.metadata.assign(run=np.repeat([1, 2], [len(p) for p in parts]))
    assert len(evaluate(Majority(), joined, y, protocol=protocol, groups=groups)) == 3
    folds = KFold(3, shuffle=True, random_state=0)
    with pytest.raises(TypeError, match="one value a window; got subject of shape"):
        evaluate(Majority(), joined, y, protocol=TrialKFold(), groups={"subject": 1})
    with pytest.raises(ValueError, match="overlap"):
        evaluate(Majority(), joined, y, protocol=folds)


def test_order_in_which_rows_stand():
    table = pd.DataFrame({"session": np.zeros(8, int)})
    samples = np.tile(np.arange(4) * 100, 2)
    odd, even = np.arange(1, 8, 2), np.arange(0, 8, 2)
    with pytest.raises(ValueError, match="overlap"):
        check_split(even, odd, table, samples, 200)
    backwards = [3, 2, 1, 0, 7, 6, 5, 4]
    with pytest.raises(ValueError, match="no order of time"):
        check_split(even, odd, table, samples[backwards], 200)
    told = table.assign(run=np.repeat([1, 2], 4))
    with pytest.raises(ValueError, match="overlap"):
        check_split(even, odd, told, samples[backwards], 200)
    check_split(even, odd, told, samples[backwards], 100)


@pytest.mark.parametrize("kind", ["epochs", "features", "joined"])
def test_windows_that_are_only_numbered(kind):
    """EpochsArray numbers its windows: these are no times, and nothing overlaps."""
    timed = cut(overlap=0.0)
    data = mne.EpochsArray(timed.get_data(), timed.info, metadata=timed.metadata, verbose="ERROR")
    if kind == "joined":
        data = mne.concatenate_epochs([data[:6], data[6:]], verbose="ERROR")
    if kind != "epochs":
        data = FeatureExtractor(verbose=False).transform(data)
    y = np.arange(len(data)) % 2
    assert len(evaluate(Majority(), data, y, protocol=TrialKFold(2))) == 2
    assert len(cross_val_score(Majority(), data, y, cv=TrialKFold(2), error_score="raise")) == 2
