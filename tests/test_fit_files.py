"""Files that are trained on: their labels and groups, and real ones."""

import mne
import numpy as np
import pandas as pd
import pytest
from helpers import make_raw, positions, said

from mne_sst import FeatureExtractor
from mne_sst._fit_files import features_and_labels
from mne_sst._recordings import read_recording


@pytest.fixture
def learn(tmp_path, small_epochs):
    """Features, labels and groups of files: name -> columns of metadata, or None for a raw."""

    def learn(label, groups=None, **files):
        for name, columns in files.items():
            if columns is None:
                raw = make_raw(["Cz", "Fp1", "Oz"], sfreq=200.0)
                raw.set_annotations(mne.Annotations([0, 3], [2, 3], ["rest", "task"]))
                raw.save(tmp_path / f"{name}_raw.fif", verbose="ERROR")
                continue
            epochs = small_epochs.copy()
            epochs.metadata = pd.DataFrame(columns, index=range(4))
            epochs.save(tmp_path / f"{name}-epo.fif", verbose="ERROR")
        read = [read_recording(file) for file in sorted(tmp_path.iterdir())]
        features, y, held = features_and_labels(
            read, FeatureExtractor(verbose=False), label, groups
        )
        assert len(features) == len(y)
        return features, y.tolist(), None if held is None else held.tolist()

    return learn


MOODS = {"mood": list("abba"), "trial": [1, 1, 2, 2]}


GAPS = {
    "text": ["a", None, "b", "a"],
    "number": [1.0, np.nan, 2.0, 1.0],
    "empty": ["a", "", "b", "a"],
}


@pytest.mark.parametrize(
    ("label", "groups", "files", "y", "held"),
    [
        ("mood", "trial", {"s": MOODS}, list("abba"), [0, 0, 1, 1]),
        ("mood", "file", {"s": MOODS, "t": MOODS}, list("abbaabba"), [0] * 4 + [1] * 4),
        ("trial", None, {"s": MOODS}, [1, 1, 2, 2], None),
        ("events", None, {"s": {}}, ["left", "right", "left", "right"], None),
        ("file", None, {"s": {}, "t": {}}, ["s-epo"] * 4 + ["t-epo"] * 4, None),
        ("file", None, {"u": None}, ["u_raw"] * 10, None),
        ("events", None, {"u": None}, ["rest"] * 2 + ["task"] * 3, None),
        (
            "events",
            "file",
            {"u": None, "v": None},
            (["rest"] * 2 + ["task"] * 3) * 2,
            [0] * 5 + [1] * 5,
        ),
        # Columns that recordings have, in epochs.
        ("events", None, {"s": {"onset": 1.0}}, ["left", "right", "left", "right"], None),
        ("events", None, {"s": {"annotation": "x"}}, ["left", "right", "left", "right"], None),
        # Windows without a label are left out.
        ("empty", None, {"s": GAPS}, ["a", "b", "a"], None),
        ("text", None, {"s": GAPS}, ["a", "b", "a"], None),
        ("number", None, {"s": GAPS}, [1, 2, 1], None),
    ],
)
def test_labels_and_groups(learn, label, groups, files, y, held):
    found = learn(label, groups, **files)
    assert found[1] == y
    assert found[2] == held


def test_channels_that_all_files_have(learn):
    features, y, _ = learn("file", s={}, u=None)
    assert features.ch_names == ["Fp1", "Cz", "Oz"]
    assert y == ["s-epo"] * 4 + ["u_raw"] * 10
    assert features.metadata["file"].tolist() == y


@pytest.mark.parametrize(
    ("label", "groups", "files", "match"),
    [
        ("mode", None, {"s": MOODS}, "--label 'mode' is no column of .* s-epo .mood, trial, file"),
        ("mood", "run", {"s": MOODS}, "--groups 'run' is no column .*mood, trial, file"),
        ("mood", None, {"s": {"mood": ""}}, "--label 'mood' gives no window a label"),
        ("mood", None, {"s": MOODS, "t": {}}, "--label 'mood' is no column of .* t-epo"),
    ],
)
def test_labels_that_are_not_there(learn, label, groups, files, match):
    with pytest.raises(ValueError, match=match):
        learn(label, groups, **files)


def test_eegmat(recordings, caplog):
    epochs = read_recording(recordings / "eegmat" / "Subject02_1.edf").epochs
    # EEG A2-A1 and ECG ECG go.
    assert len(epochs.ch_names) == 19
    assert set(epochs.ch_names) == set(
        ["Fp1", "Fp2", "F3", "F4", "F7", "F8", "C3", "C4", "P3", "P4", "O1", "O2"]
        + ["T3", "T4", "T5", "T6", "Fz", "Cz", "Pz"]
    )
    assert set(epochs.get_channel_types()) == {"eeg"}
    (message,) = said(caplog)
    assert "Subject02_1.edf: channels without a position left out: A2-A1, ECG ECG" in message
    places = positions(epochs)
    assert places["T3"][0] < -0.06 < 0.06 < places["T4"][0]
    assert places["Fp1"][1] > 0.05
    assert places["O2"][1] < -0.05


@pytest.mark.parametrize(("run", "labels"), [("R01", {"T0"}), ("R03", {"T0", "T1", "T2"})])
def test_eegmmidb(recordings, caplog, run, labels):
    path = recordings / "eegmmidb" / "S001" / f"S001{run}.edf"
    epochs = read_recording(path).epochs
    assert len(epochs.ch_names) == 64
    assert {"FC5", "Fp1", "T9", "Iz"} <= set(epochs.ch_names)
    assert said(caplog) == []
    assert epochs.info["sfreq"] == 160
    found = np.array([ch["loc"][:3] for ch in epochs.info["chs"]])
    assert len(np.unique(found.round(5), axis=0)) == 64
    table = epochs.metadata
    assert (table["file"] == f"S001{run}").all()
    assert set(table["annotation"]) - {""} == labels
    annotations = mne.io.read_raw_edf(path, verbose="ERROR").annotations
    for onset, label in zip(table["onset"], table["annotation"], strict=True):
        over = [
            a["description"]
            for a in annotations
            if a["onset"] <= onset + 0.5 < a["onset"] + a["duration"]
        ]
        assert [label] == (over or [""])
