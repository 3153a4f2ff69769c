"""Readers of SEED-V and SEED-VIG, on small files of their structure, and what all have."""

import pickle
import shutil
import struct

import h5py
import numpy as np
import pytest
from helpers import placed
from scipy.io import savemat

from mne_sst import FeatureExtractor, datasets
from mne_sst.datasets import _faced, _ratings, _seed_v, _seed_vig
from mne_sst.datasets._seed import CHANNELS

# --- SEED-V ---------------------------------------------------------------------------------


def write_cnt(path, ch_names, microvolts, sfreq):
    """Write a Neuroscan recording of 32-bit integers."""
    n_channels, n_samples = microvolts.shape
    header = bytearray(900 + 75 * n_channels)
    data = np.round(microvolts * 10).astype("<i4").T.tobytes()
    struct.pack_into("<H", header, 370, n_channels)
    struct.pack_into("<H", header, 376, round(sfreq))
    struct.pack_into("<i", header, 864, n_samples)
    struct.pack_into("<i", header, 886, len(header) + len(data))
    header[225:245] = b"04/08/18  12:00:00".ljust(20, b"\0")
    for i, name in enumerate(ch_names):
        at = 900 + 75 * i
        header[at : at + len(name)] = name.encode()
        struct.pack_into("<ff", header, at + 19, i % 9, i // 9)
        struct.pack_into("<f", header, at + 59, 20.48)
        struct.pack_into("<f", header, at + 71, 1.0)
    path.write_bytes(bytes(header) + data + struct.pack("<bii", 1, 0, 0))


@pytest.fixture(scope="module")
def seed_v_clips():
    """Clips of a few seconds instead of minutes, 9 s apart."""
    return [(2 + 9 * i, 10 + 9 * i) for i in range(15)]


@pytest.fixture(scope="module")
def seed_v_folder(tmp_path_factory, seed_v_clips):
    folder = tmp_path_factory.mktemp("SEED-V")
    for name in ("EEG_raw", "EEG_DE_features"):
        (folder / name).mkdir()
    # The order of the recorder is not that of the features, and four channels are others.
    names = [*reversed(CHANNELS), "M1", "M2", "VEO", "HEO"]
    signals = 20 * np.random.default_rng(1).standard_normal((66, 140_000))
    write_cnt(folder / "EEG_raw" / "3_1_20180804.cnt", names, signals, 1000)
    data, label = {}, {}
    for i in range(45):
        n_windows = 2
        data[i] = np.random.default_rng(i).standard_normal((n_windows, 310))
        label[i] = np.full(n_windows, _seed_v.LABELS[i // 15 + 1][i % 15])
    np.savez(
        folder / "EEG_DE_features" / "3_123.npz", data=pickle.dumps(data), label=pickle.dumps(label)
    )
    return folder


@pytest.fixture
def short_clips(monkeypatch, seed_v_clips):
    monkeypatch.setattr(_seed_v, "CLIPS", dict.fromkeys((1, 2, 3), seed_v_clips))


def test_seed_v_signals(seed_v_folder, short_clips, seed_v_clips):
    epochs = datasets.read_seed_v(seed_v_folder, sfreq=1000.0)
    assert len(epochs) == 30
    assert placed(epochs)
    table = epochs.metadata
    assert table["label"].to_list() == np.repeat(_seed_v.LABELS[1], 2).tolist()
    assert table.loc[0, ["subject", "session", "trial"]].to_list() == [3, 1, 1]
    assert table.loc[0, "emotion"] == "happy"
    signals = 20 * np.random.default_rng(1).standard_normal((66, 140_000))
    start = 1000 * seed_v_clips[14][0]
    # The last of the reversed channels is the first of the set; tenths of a microvolt.
    np.testing.assert_allclose(
        epochs[28].get_data(copy=False)[0, 0], signals[61, start : start + 4000] * 1e-6, atol=6e-8
    )
    slower = datasets.read_seed_v(seed_v_folder, window=2.0, overlap=1.0)
    assert slower.info["sfreq"] == 200
    assert len(slower) == 15 * 7


def test_seed_v_features(seed_v_folder, short_clips):
    with pytest.raises(ValueError, match=r"3_123.npz is a pickle file.*allow_pickle=True"):
        datasets.read_seed_v(seed_v_folder, data="features")
    read = dict(data="features", allow_pickle=True)
    features = datasets.read_seed_v(seed_v_folder, sessions=[1], **read)
    expected = np.random.default_rng(14).standard_normal((2, 310)).reshape(2, 62, 5)
    np.testing.assert_allclose(features.spectral[-2:], expected, rtol=1e-6)
    # Clips of the same windows as those of the signals.
    epochs = datasets.read_seed_v(seed_v_folder)
    clips = FeatureExtractor(verbose=False).transform(epochs).temporal
    np.testing.assert_allclose(features.temporal, clips, rtol=1e-5, atol=1e-12)
    assert features.metadata.equals(epochs.metadata)
    both = datasets.read_seed_v(seed_v_folder, sessions=[3, 2], **read)
    assert both.metadata["session"].unique().tolist() == [3, 2]
    assert both.temporal.shape[2] == 0


def test_seed_v_refuses(seed_v_folder, tmp_path, monkeypatch, seed_v_clips):
    with pytest.raises(ValueError, match=r"trial 2 ends at 228 s, but the recording is 140 s"):
        datasets.read_seed_v(seed_v_folder)
    shutil.copytree(seed_v_folder, tmp_path / "V")
    file = tmp_path / "V" / "EEG_DE_features" / "3_123.npz"
    read = dict(data="features", allow_pickle=True, sessions=[2])
    with np.load(file) as archive:
        content = {name: archive[name] for name in archive}
    labels = pickle.loads(content["label"].tobytes())
    labels[16] = np.array([3, 3])
    np.savez(file, **content | {"label": pickle.dumps(labels)})
    with pytest.raises(ValueError, match=r"'label' of trial 16 is \[3\], but that clip shows 1"):
        datasets.read_seed_v(tmp_path / "V", **read)
    for broken in (np.array([1]), np.array([], int)):
        labels[16] = broken
        np.savez(file, **content | {"label": pickle.dumps(labels)})
        with pytest.raises(ValueError, match=r"trial 16 has 2 windows in 'data' and \d in 'label'"):
            datasets.read_seed_v(tmp_path / "V", **read)
    labels[16] = np.array([1, 1])
    data = pickle.loads(content["data"].tobytes())
    data[17], labels[17] = data[17][:0], labels[17][:0]
    np.savez(file, data=pickle.dumps(data), label=pickle.dumps(labels))
    with pytest.raises(ValueError, match=r"trial 17 has 0 windows in 'data' and 0 .* one at least"):
        datasets.read_seed_v(tmp_path / "V", **read)
    del labels[44]
    np.savez(file, **content | {"label": pickle.dumps(labels)})
    with pytest.raises(ValueError, match=r"'label' lacks trial 44 of 45"):
        datasets.read_seed_v(tmp_path / "V", **read)
    np.savez(file, data=content["data"])
    with pytest.raises(ValueError, match=r"has no 'label'"):
        datasets.read_seed_v(tmp_path / "V", **read)
    file.write_bytes(file.read_bytes()[:2000])
    with pytest.raises(ValueError, match=r"3_123.npz: 'data' cannot be read"):
        datasets.read_seed_v(tmp_path / "V", **read)
    np.savez(file, data=data, label=labels)
    message = r"'data' is an array of objects; it must be the bytes of a pickle"
    with pytest.raises(ValueError, match=message):
        datasets.read_seed_v(tmp_path / "V", **read)
    cnt = tmp_path / "V" / "EEG_raw" / "3_1_20180804.cnt"
    cnt.write_bytes(cnt.read_bytes()[:3000])
    with pytest.raises(ValueError, match=r"cannot be read as a Neuroscan recording"):
        datasets.read_seed_v(tmp_path / "V")
    shutil.copy(cnt, cnt.with_name("3_1_20180811.cnt"))
    with pytest.raises(ValueError, match=r"0804.cnt and .*0811.cnt are the same recording"):
        datasets.read_seed_v(tmp_path / "V")


def test_seed_v_takes_the_repaired_file(seed_v_folder, short_clips, tmp_path):
    """As of 7_1_20180411 in the official folder: a negative number of samples."""
    whole = seed_v_folder / "EEG_raw" / "3_1_20180804.cnt"
    (tmp_path / "EEG_raw").mkdir()
    broken, content = tmp_path / "EEG_raw" / "7_1_20180411.cnt", bytearray(whole.read_bytes())
    struct.pack_into("<i", content, 864, -732)
    broken.write_bytes(content)
    with pytest.raises(ValueError, match=r"-732 samples.*, 7_1_20180411_repaired.cnt: put it"):
        datasets.read_seed_v(tmp_path)
    shutil.copy(whole, broken.with_name("7_1_20180411_repaired.cnt"))
    epochs = datasets.read_seed_v(tmp_path)
    assert set(epochs.metadata["subject"]) == {7}
    broken.unlink()
    assert len(datasets.read_seed_v(tmp_path)) == len(epochs) == 30
    assert datasets.SETS["seed-v"].subjects(tmp_path) == [7]
    shutil.copy(whole, broken.with_name("7_1_20180410.cnt"))
    with pytest.raises(ValueError, match=r"0410.cnt and .*0411_repaired.cnt are the same"):
        datasets.read_seed_v(tmp_path)


# --- SEED-VIG -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def vig_folder(tmp_path_factory):
    """Two drives of one subject; pieces as many as in the official files, but few values."""
    folder = tmp_path_factory.mktemp("SEED-VIG")
    for name in ("Raw_Data", "EEG_Feature_5Bands", "perclos_labels"):
        (folder / name).mkdir()
    perclos = np.linspace(0, 1, 885)[:, None]
    for i, name in enumerate(["4_20151107_noon.mat", "4_20151105_noon.mat"]):
        de = np.random.default_rng(i).standard_normal((17, 885, 5))
        savemat(folder / "EEG_Feature_5Bands" / name, {"de_LDS": de, "de_movingAve": de + 1})
        savemat(folder / "perclos_labels" / name, {"perclos": perclos})
    signals = np.random.default_rng(7).integers(-50, 50, (885 * 1600 + 3, 17)).astype(np.int16)
    eeg = {"data": signals, "chn": np.array(["FT7"], dtype=object), "sample_rate": 200}
    savemat(folder / "Raw_Data" / "4_20151105_noon.mat", {"EEG": eeg}, do_compression=False)
    return folder


def test_seed_vig_signals(vig_folder):
    epochs = datasets.read_seed_vig(vig_folder)
    assert len(epochs) == 885
    assert placed(epochs)
    table = epochs.metadata
    np.testing.assert_allclose(table["label"], np.linspace(0, 1, 885))
    assert table["trial"].value_counts().to_dict() == dict.fromkeys(range(1, 6), 177)
    assert table["state"].unique().tolist() == ["awake", "tired", "drowsy"]
    assert table.groupby("state")["label"].min()["drowsy"] >= 0.7
    signals = np.random.default_rng(7).integers(-50, 50, (885 * 1600 + 3, 17))
    got = epochs[884].get_data(copy=False)[0]
    np.testing.assert_allclose(got, signals[884 * 1600 : 885 * 1600].T * 1e-6)
    # The label of the piece that holds the middle of the window.
    halves = datasets.read_seed_vig(vig_folder, window=4.0)
    np.testing.assert_allclose(halves.metadata["label"], np.repeat(np.linspace(0, 1, 885), 2))
    long = datasets.read_seed_vig(vig_folder, window=16.0, overlap=8.0)
    assert len(long) == 5 * 176
    assert long.metadata["label"].iloc[0] == pytest.approx(1 / 884)


@pytest.mark.parametrize(("window", "overlap"), [(1 / 3, 0.0), (2.5, 0.127), (0.3324, 0.0)])
def test_seed_vig_labels_follow_the_windows(vig_folder, window, overlap):
    """Lengths that are no whole number of samples are rounded: labels go by what is cut."""
    epochs = datasets.read_seed_vig(vig_folder, window=window, overlap=overlap)
    n_samples, step = round(window * 200), round((window - overlap) * 200)
    starts = np.arange(0, 177 * 1600 - n_samples + 1, step)
    own = np.linspace(0, 1, 885)[:177][(starts + n_samples // 2) // 1600]
    np.testing.assert_allclose(epochs.metadata["label"].to_numpy()[: len(starts)], own)


def test_seed_vig_drives_belong_together(vig_folder, tmp_path):
    """Of the earlier drive there are no signals: the later one stays the second."""
    shutil.copytree(vig_folder, tmp_path / "VIG")
    raw = tmp_path / "VIG" / "Raw_Data"
    (file,) = raw.glob("*.mat")
    later = max((tmp_path / "VIG" / "EEG_Feature_5Bands").glob("*.mat")).name
    file.rename(raw / later)
    features = datasets.read_seed_vig(tmp_path / "VIG", sessions=[1], data="features")
    assert features.temporal.shape[2] == 0
    features = datasets.read_seed_vig(tmp_path / "VIG", sessions=[2], data="features")
    assert features.temporal.shape[2] == 25


def test_seed_vig_features(vig_folder):
    features = datasets.read_seed_vig(
        vig_folder, sessions=[2], data="features", smoothing="moving_average"
    )
    # The second drive is that of the later date, whose signals are not there.
    expected = np.random.default_rng(0).standard_normal((17, 885, 5)).transpose(1, 0, 2) + 1
    np.testing.assert_allclose(features.spectral, expected, rtol=1e-5)
    assert features.temporal.shape[2] == 0
    assert len(features.metadata) == 885
    paired = datasets.read_seed_vig(vig_folder, sessions=[1], data="features")
    assert paired.temporal.shape == (885, 17, 25)
    assert np.abs(paired.temporal).max() < 1e-4


def test_seed_vig_refuses(vig_folder, tmp_path):
    shutil.copytree(vig_folder, tmp_path / "VIG", ignore=shutil.ignore_patterns("Raw_Data"))
    folder, name = tmp_path / "VIG", "4_20151105_noon.mat"
    with pytest.raises(FileNotFoundError, match=r"SEED-VIG: .* has no folder Raw_Data"):
        datasets.read_seed_vig(folder)
    read = dict(data="features", sessions=[1])
    savemat(folder / "perclos_labels" / name, {"perclos": np.linspace(0, 1.5, 885)})
    with pytest.raises(ValueError, match=r"'perclos' must lie between 0 and 1, got 0 to 1.5"):
        datasets.read_seed_vig(folder, **read)
    savemat(folder / "perclos_labels" / name, {"perclos": np.zeros(884)})
    with pytest.raises(ValueError, match=r"'perclos' must have shape \(885\), got \(884,\)"):
        datasets.read_seed_vig(folder, **read)
    (folder / "perclos_labels" / name).unlink()
    with pytest.raises(FileNotFoundError, match=r"perclos_labels.*4_20151105_noon.mat is missing"):
        datasets.read_seed_vig(folder, **read)
    (folder / "Raw_Data").mkdir()
    savemat(folder / "Raw_Data" / name, {"EEG": {"data": np.zeros((1600, 17)), "chn": 1}})
    shutil.copy(vig_folder / "perclos_labels" / name, folder / "perclos_labels")
    with pytest.raises(ValueError, match=r"'EEG.data' has 1600 samples; 885 labels of 8 s"):
        datasets.read_seed_vig(folder)
    savemat(folder / "Raw_Data" / name, {"EEG": {"signal": np.zeros((1600, 17))}})
    with pytest.raises(ValueError, match=r"has no 'EEG.data': no field 'data', only \['signal'\]"):
        datasets.read_seed_vig(folder)


@pytest.mark.parametrize("release", ["cells", "letters", "v7.3"])
def test_seed_vig_channels_go_by_their_names(vig_folder, tmp_path, release):
    """Where a file names its channels, in whatever order and spelling."""
    folder, name = tmp_path / "VIG", "4_20151105_noon.mat"
    shutil.copytree(vig_folder, folder, ignore=shutil.ignore_patterns("Raw_Data", "*Bands"))
    (folder / "Raw_Data").mkdir()
    names = [n.capitalize() for n in reversed(_seed_vig.CHANNELS)]
    signals = np.tile(np.arange(17, dtype=np.int8), (885 * 1600, 1))

    def write(names):
        if release == "v7.3":
            with h5py.File(folder / "Raw_Data" / name, "w") as file:
                cells = [
                    file.create_dataset(f"#refs#/{n}", data=[[ord(c)] for c in n]) for n in names
                ]
                file["EEG/data"] = signals.T
                file["EEG/chn"] = np.array([[c.ref for c in cells]], dtype=h5py.ref_dtype)
            return
        chn = np.array(names, dtype=object if release == "cells" else None)
        savemat(folder / "Raw_Data" / name, {"EEG": {"data": signals, "chn": chn}})

    write(names)
    data = datasets.read_seed_vig(folder).get_data(copy=False)
    np.testing.assert_allclose(data[0, :, 0], 1e-6 * np.arange(17)[::-1])
    write(["Fp1", *names[1:]])
    with pytest.raises(ValueError, match=r"noon.mat: 'EEG.chn' names the channels FP1, OZ.* FT7, "):
        datasets.read_seed_vig(folder)


# --- of all ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["seed", "seed_iv", "seed_v", "seed_vig", "deap", "faced"])
def test_a_missing_folder_is_named(name, tmp_path):
    read = getattr(datasets, f"read_{name}")
    with pytest.raises(FileNotFoundError, match=r"path: there is no folder .*nowhere"):
        read(tmp_path / "nowhere")
    for path in (None, 3):
        with pytest.raises(TypeError, match=rf"path must be the name of a folder.*, got {path}"):
            read(path)


OFFICIAL = {
    "SEED-VIG": (
        _seed_vig.CHANNELS,
        "FT7 FT8 T7 T8 TP7 TP8 CP1 CP2 P1 PZ P2 PO3 POZ PO4 O1 OZ O2",
    ),
    "DEAP": (
        _ratings.DEAP_CHANNELS,
        "Fp1 AF3 F3 F7 FC5 FC1 C3 T7 CP5 CP1 P3 P7 PO3 O1 Oz Pz Fp2 AF4 Fz F4 F8 FC6 FC2 Cz C4 T8 "
        "CP6 CP2 P4 P8 PO4 O2",
    ),
    "DREAMER": (
        _ratings.DREAMER_CHANNELS,
        "AF3 F7 F3 FC5 T7 P7 O1 O2 P8 T8 FC6 F4 F8 AF4",
    ),
    "FACED": (
        _faced.CHANNELS,
        "FP1 FP2 FZ F3 F4 F7 F8 FC1 FC2 FC5 FC6 CZ C3 C4 T7 T8 CP1 CP2 CP5 CP6 PZ P3 P4 P7 P8 PO3 "
        "PO4 OZ O1 O2",
    ),
}


@pytest.mark.parametrize("name", OFFICIAL)
def test_channels_are_in_the_official_order(name):
    channels, expected = OFFICIAL[name]
    assert channels == expected.split()


def test_labels_are_the_official_ones():
    assert _seed_v.EMOTIONS == {0: "disgust", 1: "fear", 2: "sad", 3: "neutral", 4: "happy"}
    assert _seed_v.LABELS == {
        1: (4, 1, 3, 2, 0, 4, 1, 3, 2, 0, 4, 1, 3, 2, 0),
        2: (2, 1, 3, 0, 4, 4, 0, 3, 2, 1, 3, 4, 1, 2, 0),
        3: (2, 1, 3, 0, 4, 4, 0, 3, 2, 1, 3, 4, 1, 2, 0),
    }
    # The first and the last clip of each session, and the seconds of all of them.
    ends = {
        1: ((30, 102), (3204, 3359)),
        2: ((30, 267), (2741, 2817)),
        3: ((30, 321), (2888, 3066)),
    }
    lengths = {n: sum(stop - start for start, stop in _seed_v.CLIPS[n]) for n in ends}
    assert {n: (clips[0], clips[-1]) for n, clips in _seed_v.CLIPS.items()} == ends
    assert lengths == {1: 2743, 2: 2191, 3: 2425}
    words = [_faced.EMOTIONS[label] for label in _faced.LABELS]
    expected = "anger disgust fear sadness neutral amusement inspiration joy tenderness".split()
    assert words == np.repeat(expected, [3, 3, 3, 3, 4, 3, 3, 3, 3]).tolist()


@pytest.mark.parametrize(
    ("name", "official"), [("seed_v", 4.0), ("seed_vig", 8.0), ("faced", 1.0), ("seed_iv", 4.0)]
)
@pytest.mark.parametrize("cut", [{"window": 2.0}, {"overlap": 0.5}])
def test_features_of_other_windows_are_not_to_be_had(name, official, cut, tmp_path):
    message = rf"official features of [A-Z-]+ are of windows of {official:g} s without overlap"
    with pytest.raises(ValueError, match=message):
        getattr(datasets, f"read_{name}")(tmp_path, data="features", **cut)


@pytest.mark.parametrize("data", ["raw", "features"])
@pytest.mark.parametrize(
    ("name", "folder", "subject", "params"),
    [
        ("seed_v", "seed_v_folder", 3, {"allow_pickle": True}),
        ("seed_vig", "vig_folder", 4, {}),
    ],
)
def test_other_subjects_are_not_opened(
    name, folder, subject, params, data, request, short_clips, tmp_path
):
    shutil.copytree(request.getfixturevalue(folder), tmp_path / name)
    for file in list((tmp_path / name).rglob(f"{subject}_*")):
        file.with_name(f"9{file.name[1:]}").write_bytes(b"broken")
    params |= {"data": data, "sessions": [1]}
    read = getattr(datasets, f"read_{name}")
    assert set(read(tmp_path / name, [subject], **params).metadata["subject"]) == {subject}
    with pytest.raises(ValueError, match=r"9_.* cannot be read(?!.*unsafely)"):
        read(tmp_path / name, [9], **params)
