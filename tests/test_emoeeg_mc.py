"""EmoEEG-MC: the makers' segments, and recordings in BIDS, as they stand on OpenNeuro."""

import json
import sys
import types
from pathlib import Path

import mne
import numpy as np
import pytest
from helpers import CUT

from mne_sst import datasets
from mne_sst.datasets._emoeeg_mc import CHANNELS, EMOTIONS
from mne_sst.datasets._emoeeg_mc_clips import CLIPS, SESSIONS, shown


def segments(n_trials, seed=0):
    """Microvolts, as 64-bit floats."""
    return 10 * np.random.default_rng(seed).standard_normal((n_trials, 64, 6000))


def write_segments(folder, subject, values, context="video", inner="eeg"):
    session = SESSIONS[context]
    path = folder / "derivatives" / f"sub-{subject:02d}" / f"ses-{session}" / inner
    path.mkdir(parents=True, exist_ok=True)
    file = path / f"sub-{subject:02d}_ses-{session}_task-emotion_reorder.npy"
    np.save(file, values)
    return file


@pytest.mark.parametrize("context", SESSIONS)
def test_order_of_clips(context):
    assert len(CLIPS) == 21
    assert CLIPS[:4] == ("sad4", "sad5", "sad8", "dis4")
    for subject in range(1, 61):
        clips = shown(subject, context)
        assert len(set(clips)) == len(clips)
        assert set(clips) <= set(CLIPS)
        assert (len(clips) == 21) == (subject < 55 or (subject, context) in FULL)
    assert shown(1, context)[:5] == ["joy5", "ins5", "joy8", "fear8", "sad8"]
    assert shown(53, context)[-3:] == ["joy8", "ins5", "ins8"]
    assert shown(60, context)[:7] == ["neu5", "neu4", "neu8", "dis5", "sad4", "dis4", "ten4"]
    assert shown(54, "video") != shown(54, "imagery")


FULL = {(56, "video"), (58, "video")}


@pytest.mark.parametrize("unit", ["microvolts", "volts", "other axes"])
def test_segments(tmp_path, unit):
    values = segments(21)
    stored = {"volts": 1e-6 * values, "other axes": np.moveaxis(values, 0, -1)}.get(unit, values)
    write_segments(tmp_path, 7, stored)
    epochs = datasets.fetch_emoeeg_mc([7], path=tmp_path, window=2.0)
    assert len(epochs) == 21 * 15
    assert epochs.ch_names == CHANNELS
    assert epochs.info["sfreq"] == 200
    assert np.isfinite([ch["loc"][:3] for ch in epochs.info["chs"]]).all()
    np.testing.assert_allclose(
        epochs[15].get_data(copy=False)[0], 1e-6 * values[1, :, :400], rtol=1e-12
    )
    per_trial = epochs.metadata.groupby("trial").first()
    assert per_trial["clip"].to_list() == list(CLIPS)
    words = ["sadness", "disgust", "fear", "neutral", "joy", "tenderness", "inspiration"]
    assert per_trial["emotion"].to_list() == np.repeat(words, 3).tolist()
    assert [EMOTIONS[n] for n in per_trial["label"]] == per_trial["emotion"].to_list()
    assert set(epochs.metadata["session"]) == {1}


@pytest.mark.parametrize("stored", ["as they are", "with gaps"])
def test_trials_that_are_missing(tmp_path, stored):
    there = [clip for clip in CLIPS if clip in shown(60, "imagery")]
    values = segments(7)
    if stored == "with gaps":
        whole = np.full((21, 64, 6000), np.nan)
        whole[[CLIPS.index(clip) for clip in there]] = values
        write_segments(tmp_path, 60, whole, "imagery", inner="")
    else:
        write_segments(tmp_path, 60, values, "imagery", inner="")
    epochs = datasets.fetch_emoeeg_mc([60], path=tmp_path, context="imagery", window=30.0)
    assert epochs.metadata["clip"].to_list() == there
    assert set(epochs.metadata["session"]) == {2}
    np.testing.assert_allclose(epochs.get_data(copy=False), 1e-6 * values, rtol=1e-12)


def test_segments_that_are_wrong(tmp_path):
    file = write_segments(tmp_path, 7, segments(20))
    with pytest.raises(ValueError, match=r"reorder.npy.*\(21, 64, 6000\), got \(20, 64, 6000"):
        datasets.fetch_emoeeg_mc([7], path=tmp_path)
    np.save(file, segments(21)[:, :60])
    with pytest.raises(ValueError, match=r"64 channels and 6000 samples, got shape \(21, 60, 6000"):
        datasets.fetch_emoeeg_mc([7], path=tmp_path)
    np.save(file, segments(21))
    for n_bytes in (file.stat().st_size // 2, 20, 0):
        file.write_bytes(file.read_bytes()[:n_bytes])
        with pytest.raises(ValueError, match=r"reorder.npy cannot be read.*cut off"):
            datasets.fetch_emoeeg_mc([7], path=tmp_path)
    np.save(file, np.array([print], dtype=object), allow_pickle=True)
    with pytest.raises(ValueError, match=r"reorder.npy cannot be read"):
        datasets.fetch_emoeeg_mc([7], path=tmp_path)


def test_downloads_are_taken_up(tmp_path, monkeypatch):
    """openneuro-py names files before they are whole; what was cut off is asked for again."""
    asked = []

    def download(**params):
        asked.append(params)
        file = write_segments(params["target_dir"], 7, segments(21))
        if len(asked) == 1:
            file.write_bytes(file.read_bytes()[:1000])
            raise ConnectionError("cut")

    monkeypatch.setitem(sys.modules, "openneuro", types.SimpleNamespace(download=download))
    message = r"ds005540\): segments of video of sub-07 cannot be downloaded.*: cut. What came is"
    with pytest.raises(ConnectionError, match=message) as caught:
        datasets.fetch_emoeeg_mc([7], path=tmp_path / "new")
    assert str(caught.value.__cause__) == "cut"
    epochs = datasets.fetch_emoeeg_mc([7], path=tmp_path / "new")
    assert len(epochs) == 21 * 30
    datasets.fetch_emoeeg_mc([7], path=tmp_path / "new")
    assert len(asked) == 2
    assert asked[0]["dataset"] == "ds005540"
    assert asked[0]["include"] == ["derivatives/sub-07/ses-vid/**/*_reorder.npy"]
    write_segments(tmp_path / "new", 8, segments(21), "imagery")
    assert datasets.SETS["emoeeg-mc"].subjects(tmp_path / "new") == [7, 8]


def test_files_of_a_user_are_taken_after_a_failed_download(tmp_path, monkeypatch):
    """What hides that they are not whole is there only with files that came in part."""

    def download(**params):
        if whole is not None:
            write_segments(tmp_path, 7, whole[:, :, :100])
        raise RuntimeError("no network.")

    monkeypatch.setitem(sys.modules, "openneuro", types.SimpleNamespace(download=download))
    whole = None
    with pytest.raises(ConnectionError, match=r"no network\. What came is kept.*path=\.$"):
        datasets.fetch_emoeeg_mc([7], path=tmp_path)
    assert list(tmp_path.iterdir()) == []
    whole = segments(21)
    with pytest.raises(ConnectionError, match=r"are complete, remove .*sub-07-segments-of-video"):
        datasets.fetch_emoeeg_mc([7], path=tmp_path)
    write_segments(tmp_path, 7, whole)
    monkeypatch.setitem(sys.modules, "openneuro", None)
    with pytest.raises(ImportError, match=r"are complete, remove .*-video.part") as caught:
        datasets.fetch_emoeeg_mc([7], path=tmp_path)
    Path(str(caught.value).rsplit(" remove ", 1)[1].rstrip(".")).unlink()
    assert len(datasets.fetch_emoeeg_mc([7], path=tmp_path)) == 21 * 30


@pytest.fixture
def openneuro(server, monkeypatch):
    """The real library, which lists and gets the files of the local server."""
    _models = pytest.importorskip("openneuro._models")
    from openneuro import _download

    def metadata(**params):
        files = [
            _models.DatasetFile(
                filename=path, urls=[f"{server.url}{path}"], size=len(content), id=path
            )
            for path, content in server.paths.items()
        ]
        return _models.Snapshot(id="ds005540:1.0.3", files=files)

    monkeypatch.setattr(_download, "_get_download_metadata", metadata)

    def offer(folder):
        paths = [path for path in folder.rglob("*") if path.is_file()]
        server.paths = {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}
        server.files.update({p.rsplit("/", 1)[-1]: c for p, c in server.paths.items()})
        return server

    return offer


def test_download_by_the_real_library(openneuro, tmp_path):
    """What it finds by our patterns; a transfer that is cut is taken up by a second call."""
    values = segments(21).astype(np.float32)
    file = write_segments(tmp_path / "there", 7, values)
    write_segments(tmp_path / "there", 8, values[:1])
    write_segments(tmp_path / "there", 7, values[:1], "imagery")
    server = openneuro(tmp_path / "there")
    server.faults[file.name] = ["cut", 403]
    with pytest.raises(ConnectionError, match=r"Failed to download 1 file.*call again to go on"):
        datasets.fetch_emoeeg_mc([7], path=tmp_path / "here")
    part = tmp_path / "here" / file.relative_to(tmp_path / "there")
    came = part.stat().st_size
    assert 0 < came <= CUT
    server.ranges.clear()
    epochs = datasets.fetch_emoeeg_mc([7], path=tmp_path / "here", window=30.0)
    np.testing.assert_allclose(epochs.get_data(copy=False), 1e-6 * values, rtol=1e-6)
    assert server.ranges == [(file.name, f"bytes={came}-")]
    assert [f for f in (tmp_path / "here").rglob("*") if f.is_file()] == [part]


@pytest.mark.filterwarnings("ignore::RuntimeWarning", "ignore::DeprecationWarning")
def test_recordings_by_the_real_library(openneuro, tmp_path):
    events, end = events_of(21)
    write_recording(tmp_path / "there", 3, events, round(end))
    openneuro(tmp_path / "there")
    epochs = datasets.fetch_emoeeg_mc([3], path=tmp_path / "here", data="raw", window=30.0)
    assert epochs.metadata["clip"].to_list() == list(CLIPS)


def test_what_is_missing_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "openneuro", None)
    for data in ("segments", "raw"):
        with pytest.raises(ImportError, match=r"lacks .* of sub-07.*pip install openneuro-py"):
            datasets.fetch_emoeeg_mc([7], path=tmp_path, data=data)
    monkeypatch.setitem(sys.modules, "mne_bids", None)
    with pytest.raises(ImportError, match="pip install mne-bids"):
        datasets.fetch_emoeeg_mc([7], path=tmp_path, data="raw")
    with pytest.raises(ValueError, match="context must be one of"):
        datasets.fetch_emoeeg_mc([7], path=tmp_path, context="dream")
    with pytest.raises(ValueError, match="61 not found"):
        datasets.fetch_emoeeg_mc([61], path=tmp_path)


# --- Recordings -----------------------------------------------------------------------------


def write_recording(folder, subject, events, seconds, sfreq=50):
    """EDF beside a table of events as in the real set: no durations, no emotions."""
    name = f"sub-{subject:02d}"
    eeg = folder / name / "eeg"
    eeg.mkdir(parents=True)
    about = {"Name": "x", "BIDSVersion": "1.6.0"}
    (folder / "dataset_description.json").write_text(json.dumps(about))
    (folder / "participants.tsv").write_text(f"participant_id\tage\n{name}\t20\n")
    info = mne.create_info([*CHANNELS[:6], "X1"], sfreq, "eeg")
    values = 1e-5 * np.random.default_rng(1).standard_normal((7, seconds * sfreq))
    raw = mne.io.RawArray(values, info, verbose="ERROR")
    file = eeg / f"{name}_task-emotion_eeg.edf"
    mne.export.export_raw(file, raw, verbose="ERROR")
    about = {"TaskName": "emotion", "PowerLineFrequency": 50, "SamplingFrequency": sfreq}
    (eeg / f"{name}_task-emotion_eeg.json").write_text(
        json.dumps({**about, "EEGReference": "common", "EEGChannelCount": 7})
    )
    rows = [f"{onset}\t0.0\t{code}\t{kind}" for onset, code, kind in events]
    (folder / name / f"{name}_events.tsv").write_text(
        "\n".join(["onset\tduration\tstim_type\ttrial_type", *rows]) + "\n"
    )
    return file, mne.io.read_raw_edf(file, verbose="ERROR").get_data()


def events_of(n_trials):
    """Videos end with a rating, imagery with a fade or a rating; buttons in between."""
    found, time = [], 5.0
    for i in range(n_trials):
        found += [(time, 33, "vid"), (time + 40, 31, "rating"), (time + 45, 29, "n/a")]
        found += [(time + 50, 30, "fade"), (time + 60, 32, "ima")]
        found += [(time + 100, 30, "fade")] if i else [(time + 100, 31, "n/a")]
        time += 110
    # Nobody pressed a button: the first imagery ends where the next rating begins.
    return [e for e in found if e[0] != 105.0], time


@pytest.mark.filterwarnings("ignore::RuntimeWarning", "ignore::DeprecationWarning")
def test_recordings(tmp_path):
    events, end = events_of(21)
    _, values = write_recording(tmp_path, 3, events, round(end))
    epochs = datasets.fetch_emoeeg_mc([3], path=tmp_path, data="raw", window=30.0)
    # What has no place on a map is left out.
    assert epochs.ch_names == CHANNELS[:6]
    assert epochs.metadata["clip"].to_list() == list(CLIPS)
    clip = shown(3, "video")[5]
    (row,) = np.flatnonzero(epochs.metadata["clip"] == clip)
    stop = 50 * (5 + 5 * 110 + 40)
    np.testing.assert_allclose(
        epochs[row].get_data(copy=False)[0], values[:6, stop - 1500 : stop], atol=1e-12
    )
    imagined = datasets.fetch_emoeeg_mc(
        [3], path=tmp_path, data="raw", context="imagery", window=30.0
    )
    for number, seconds in ((0, 5 + 110 + 40), (1, 5 + 110 + 100)):
        (row,) = np.flatnonzero(imagined.metadata["clip"] == shown(3, "imagery")[number])
        stop = round(50 * seconds)
        np.testing.assert_allclose(
            imagined[row].get_data(copy=False)[0], values[:6, stop - 1500 : stop], atol=1e-12
        )


@pytest.mark.filterwarnings("ignore::RuntimeWarning", "ignore::DeprecationWarning")
def test_recordings_that_are_wrong(tmp_path):
    events, end = events_of(20)
    file, _ = write_recording(tmp_path, 3, events, round(end))
    with pytest.raises(ValueError, match=r"sub-03: .* 20 trials \(video\), but 21 were shown"):
        datasets.fetch_emoeeg_mc([3], path=tmp_path, data="raw")
    content = file.read_bytes()
    for share in (0.9, 0.5, 0.25):
        file.write_bytes(content[: round(share * len(content))])
        with pytest.raises(ValueError, match=r"its header speaks of \d+: it was cut off"):
            datasets.fetch_emoeeg_mc([3], path=tmp_path, data="raw")
