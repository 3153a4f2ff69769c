import datetime
import logging

import mne
import numpy as np
import pandas as pd
import pytest
from helpers import make_raw, positions, said

from mne_sst import FeatureExtractor
from mne_sst._fit_files import features_and_labels
from mne_sst._recordings import read_recording

MEAS_DATE = datetime.datetime(2021, 3, 4, 5, 6, 7, tzinfo=datetime.UTC)


@pytest.fixture
def write(tmp_path):
    """Write a recording and return its path."""

    def write(raw, name="some_raw.fif"):
        raw.save(tmp_path / name, verbose="ERROR")
        return tmp_path / name

    return write


# -- names and positions -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "plain", "electrode"),
    [
        ("Fp1", "Fp1", "Fp1"),
        ("FP1", "Fp1", "Fp1"),
        ("Fc5.", "FC5", "FC5"),
        ("Cz..", "Cz", "Cz"),
        ("EEG Fp1", "Fp1", "Fp1"),
        ("EEG T3-REF", "T3", "T7"),
        ("EEG F3-Ref", "F3", "F3"),
        ("eeg O1-LE", "O1", "O1"),
        ("P4-AVG", "P4", "P4"),
        ("EEG T5", "T5", "P7"),
        ("EEG T6", "T6", "P8"),
    ],
)
def test_names_find_their_positions(write, name, plain, electrode):
    epochs = read_recording(write(make_raw([name, "Pz"]))).epochs
    assert epochs.ch_names == [plain, "Pz"]
    known = mne.channels.get_builtin_montages()
    montage = "colin27_1005" if "colin27_1005" in known else "standard_1005"
    expected = positions(make_raw([electrode, "Pz"]).set_montage(montage))
    np.testing.assert_allclose(positions(epochs)[plain], expected[electrode], atol=1e-6)


def test_channels_without_position_are_left_out(write, caplog):
    names = ["Fp1", "EEG A2-A1", "Oz", "ECG ECG", "XX"]
    path = write(make_raw(names))
    with caplog.at_level(logging.WARNING, logger="mne_sst"):
        epochs = read_recording(path).epochs
    assert epochs.ch_names == ["Fp1", "Oz"]
    message = "some_raw.fif: channels without a position left out: A2-A1, ECG ECG, XX"
    assert said(caplog) == [message]


def test_only_eeg_is_kept_and_nothing_said(write, caplog):
    path = write(make_raw(["STI", "Fp1", "EOG 1", "Oz"], kinds=["stim", "eeg", "eog", "eeg"]))
    with caplog.at_level(logging.INFO, logger="mne_sst"):
        epochs = read_recording(path).epochs
    assert epochs.ch_names == ["Fp1", "Oz"]
    assert said(caplog) == []


def own_montage(scale=0.9):
    """Places of one's own, in the frame of the head."""
    points = {"Fp1": (-0.02, 0.08, 0.01), "Oz": (0.01, -0.08, 0.02), "E7": (0.0, 0.0, 0.1)}
    return mne.channels.make_dig_montage(
        {name: scale * np.array(p) for name, p in points.items()},
        nasion=(0, 0.1, 0),
        lpa=(-0.08, 0, 0),
        rpa=(0.08, 0, 0),
        coord_frame="head",
    )


def test_own_positions_are_kept(write):
    raw = make_raw(["Fp1", "Oz", "E7", "Cz"])
    raw.set_montage(own_montage(), on_missing="ignore")
    epochs = read_recording(write(raw)).epochs
    # Cz has none of its own: the template's would not fit the others.
    assert epochs.ch_names == ["Fp1", "Oz", "E7"]
    for name, place in positions(epochs).items():
        np.testing.assert_allclose(place, positions(raw)[name], atol=1e-6)


def test_montage_that_is_asked_for_replaces_them(write):
    raw = make_raw(["Fp1", "Oz", "E7", "Cz"])
    raw.set_montage(own_montage(), on_missing="ignore")
    epochs = read_recording(write(raw), montage="biosemi64").epochs
    assert epochs.ch_names == ["Fp1", "Oz", "Cz"]
    expected = mne.create_info(epochs.ch_names, 100.0, "eeg").set_montage("biosemi64")
    for name, ch in zip(epochs.ch_names, expected["chs"], strict=True):
        np.testing.assert_allclose(positions(epochs)[name], ch["loc"][:3], atol=1e-6)


def test_montage_from_a_file(write, tmp_path):
    file = tmp_path / "cap.sfp"
    file.write_text("FidNz 0 10 0\nFidT9 -8 0 0\nFidT10 8 0 0\nA1 -3 8 1\nB2 0 -8 2\nC3 0 0 10\n")
    epochs = read_recording(write(make_raw(["A1", "B2", "C3", "Fz"])), montage=str(file)).epochs
    assert epochs.ch_names == ["A1", "B2", "C3"]
    expected = make_raw(epochs.ch_names).set_montage(mne.channels.read_custom_montage(file))
    for name, place in positions(expected).items():
        np.testing.assert_allclose(positions(epochs)[name], place, atol=1e-6)


# -- windows and annotations ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("window", "overlap", "n", "step"),
    [(1.0, 0.0, 10, 1.0), (2.0, 1.0, 9, 1.0), (3.0, 0.0, 3, 3.0)],
)
def test_windows_of_a_recording(write, window, overlap, n, step):
    raw = make_raw(["Fp1", "Oz"], first_samp=250)
    epochs = read_recording(write(raw), window=window, overlap=overlap).epochs
    assert list(epochs.metadata.columns) == ["onset", "file"]
    np.testing.assert_allclose(epochs.metadata["onset"], np.arange(n) * step)
    assert (epochs.metadata["file"] == "some_raw").all()
    data = epochs.get_data()
    assert data.shape == (n, 2, round(100 * window))
    for i, onset in enumerate(epochs.metadata["onset"]):
        start = round(100 * onset)
        expected = raw.get_data()[:, start : start + data.shape[2]]
        np.testing.assert_allclose(data[i], expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("meas_date", "with_orig_time"),
    [(None, False), (MEAS_DATE, False), (MEAS_DATE, True)],
    ids=["no date", "date", "absolute time"],
)
@pytest.mark.parametrize("first_samp", [0, 250])
def test_annotations_become_labels(write, first_samp, meas_date, with_orig_time):
    raw = make_raw(["Fp1", "Oz"], first_samp=first_samp)
    raw.set_meas_date(meas_date)
    # Seconds from the first sample; in absolute time, from the date.
    onset, orig_time = np.array([1.4, 4.0, 7.6]), None
    if with_orig_time:
        onset, orig_time = onset + first_samp / 100, meas_date
    raw.set_annotations(mne.Annotations(onset, [2.0, 1.0, 1.8], list("aba"), orig_time))
    table = read_recording(write(raw)).epochs.metadata
    # What lies over the centre counts: 1.5 s is in 1.4-3.4, 3.5 s is not, nor 7.5 s in 7.6-9.4.
    expected = dict.fromkeys(np.arange(10.0), "") | {1: "a", 2: "a", 4: "b", 8: "a"}
    assert dict(zip(table["onset"], table["annotation"], strict=True)) == expected


def test_a_recording_without_useful_annotations_has_no_such_column(write):
    raw = make_raw(["Fp1", "Oz"])
    assert "annotation" not in read_recording(write(raw)).epochs.metadata
    raw.set_annotations(mne.Annotations([2.2, 5.0], [0.0, 0.0], ["event", "event"]))
    assert "annotation" not in read_recording(write(raw, "other_raw.fif")).epochs.metadata


def test_bad_segments_are_left_out(write):
    raw = make_raw(["Fp1", "Oz"])
    raw.set_annotations(mne.Annotations([0.0, 4.5], [10.0, 1.0], ["rest", "BAD_blink"]))
    table = read_recording(write(raw)).epochs.metadata
    np.testing.assert_allclose(table["onset"], [0, 1, 2, 3, 6, 7, 8, 9])
    assert (table["annotation"] == "rest").all()


# -- epochs --------------------------------------------------------------------------------


def test_epochs_keep_their_metadata(small_epochs, tmp_path):
    small_epochs.metadata = pd.DataFrame({"trial": [1, 1, 2, 2], "mood": list("abba")})
    small_epochs.save(tmp_path / "s1-epo.fif", verbose="ERROR")
    epochs = read_recording(tmp_path / "s1-epo.fif").epochs
    assert epochs.metadata.to_dict("list") == {
        "trial": [1, 1, 2, 2],
        "mood": list("abba"),
        "file": ["s1-epo"] * 4,
    }
    np.testing.assert_allclose(epochs.get_data(), small_epochs.get_data(), rtol=1e-6)
    assert epochs.event_id == small_epochs.event_id


def test_epochs_without_metadata_or_positions(small_epochs, tmp_path):
    small_epochs.rename_channels({name: f"EEG {name}-REF" for name in small_epochs.ch_names})
    small_epochs.set_montage(None)
    small_epochs.save(tmp_path / "s1_epo.fif.gz", verbose="ERROR")
    epochs = read_recording(tmp_path / "s1_epo.fif.gz").epochs
    assert list(epochs.metadata.columns) == ["file"]
    assert epochs.ch_names[:2] == ["Fp1", "Fp2"]
    assert all(np.isfinite(p).all() and p.any() for p in positions(epochs).values())


# -- errors --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["none-epo.fif", "none_raw.fif", "none.edf"])
def test_no_such_file(tmp_path, name):
    with pytest.raises(FileNotFoundError, match=f"there is no file .*{name}"):
        read_recording(tmp_path / name)


@pytest.mark.parametrize("content", [b"", b"no such format " * 50], ids=["empty", "garbage"])
@pytest.mark.parametrize(
    "name", ["x-epo.fif", "x_raw.fif", "x.edf", "x.vhdr", "x.set", "x.csv", "no_ending"]
)
def test_file_that_mne_cannot_read(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=name):
        read_recording(tmp_path / name)


@pytest.mark.parametrize("kind", ["epochs", "raw"])
def test_truncated_file(small_epochs, tmp_path, kind):
    if kind == "epochs":
        path, whole = tmp_path / "x-epo.fif", small_epochs
    else:
        path, whole = tmp_path / "x_raw.fif", make_raw(["Fp1", "Oz"])
    whole.save(path, verbose="ERROR")
    path.write_bytes(path.read_bytes()[:-2000])
    with pytest.raises(ValueError, match=path.name):
        read_recording(path)


BRAINVISION = """Brain Vision Data Exchange Header File Version 1.0

[Common Infos]
DataFile=x.eeg
MarkerFile=x.vmrk
DataFormat=BINARY
DataOrientation=MULTIPLEXED
NumberOfChannels=2
SamplingInterval=10000

[Binary Infos]
BinaryFormat=IEEE_FLOAT_32

[Channel Infos]
Ch1=Fp1,,1,uV
Ch2=Oz,,1,uV
"""
MARKERS = """Brain Vision Data Exchange Marker File, Version 1.0

[Common Infos]
DataFile=x.eeg

[Marker Infos]
Mk1=Stimulus,S  1,100,1,0
Mk2=Stimulus,S  2,900,1,0
"""


@pytest.mark.parametrize("share", [0.95, 0.5, 0.1])
def test_truncated_edf(tmp_path, share):
    """MNE reads what there is of it."""
    path = tmp_path / "x.edf"
    mne.export.export_raw(path, make_raw(["Fp1", "Oz"]), verbose="ERROR")
    assert len(read_recording(path).epochs)
    content = path.read_bytes()
    path.write_bytes(content[: round(share * len(content))])
    with pytest.raises(ValueError, match=r"x.edf.*(its header speaks of|cannot be read as EDF)"):
        read_recording(path)


def test_truncated_brainvision(tmp_path, caplog):
    """There, only annotations after the end tell of it."""
    (tmp_path / "x.vhdr").write_text(BRAINVISION)
    (tmp_path / "x.vmrk").write_text(MARKERS)
    values = np.random.default_rng(0).standard_normal((1000, 2)).astype("<f4")
    (tmp_path / "x.eeg").write_bytes(values.tobytes())
    read_recording(tmp_path / "x.vhdr")
    assert not caplog.records
    signals = tmp_path / "x.eeg"
    signals.write_bytes(signals.read_bytes()[: signals.stat().st_size // 2])
    read_recording(tmp_path / "x.vhdr")
    assert "Was the file cut off?" in caplog.text


@pytest.mark.parametrize(
    ("names", "params", "match"),
    [
        (["X1", "X2"], {}, "some_raw.fif' has no EEG channel with a position .*X1, X2.*--montage"),
        (["Fp1", "EEG Fp1"], {}, "some_raw.fif"),
        (["Fp1", "Oz"], {"montage": "no_such"}, "--montage 'no_such' is neither a file nor a mon"),
        (["Fp1", "Oz"], {"window": 11.0}, "window=11 s is longer than the recording"),
        (["Fp1", "Oz"], {"window": 0.0}, "window must lie in"),
        (["Fp1", "Oz"], {"overlap": 1.0}, "overlap must be shorter than window=1 s, got 1 s"),
    ],
)
def test_recording_that_cannot_be_used(write, names, params, match):
    with pytest.raises(ValueError, match=match):
        read_recording(write(make_raw(names)), **params)


# -- from a file to features ---------------------------------------------------------------


def test_epochs_by_another_name(tmp_path, small_epochs):
    small_epochs.save(tmp_path / "mine.fif", verbose="ERROR")
    assert len(read_recording(tmp_path / "mine.fif").epochs) == 4


def test_a_recording_is_filtered_before_it_is_cut(write):
    """In windows of 1 s, edges would shift the low bands, and a warning would say so."""
    path = write(make_raw(["Fz", "Cz", "Pz"], sfreq=200.0))
    extractor = FeatureExtractor(method="bandpass", verbose=False)
    made = read_recording(path).features(extractor)
    expected = extractor.transform(mne.io.read_raw(path, verbose="ERROR"))
    np.testing.assert_array_equal(made.spectral, expected.spectral)
    assert made.settings.filtered == "recording"
    assert (made.metadata["file"] == "some_raw").all()


def test_channels_left_out_are_told(write, caplog):
    recordings = [
        read_recording(write(make_raw(["Fz", "Cz", "Pz"], sfreq=200.0), "a_raw.fif")),
        read_recording(write(make_raw(["FZ", "cz", "Oz"], sfreq=200.0), "b_raw.fif")),
    ]
    features, _, _ = features_and_labels(recordings, FeatureExtractor(verbose=False), "file")
    assert features.ch_names == ["Fz", "Cz"]
    assert said(caplog) == ["channels that not all files have are left out: Oz, Pz"]
