"""Readers of SEED-V, SEED-VIG, DEAP, DREAMER and FACED, on small files of their structure."""

import dataclasses
import pickle
import shutil
import struct

import h5py
import mne
import numpy as np
import pytest
from scipy.io import savemat

from mne_sst import FeatureExtractor, datasets, differential_entropy
from mne_sst.datasets import _faced, _ratings, _seed_v, _seed_vig
from mne_sst.datasets._seed import CHANNELS

RNG = np.random.default_rng(0)


def placed(epochs):
    """Whether every electrode has a position."""
    return np.isfinite([ch["loc"][:3] for ch in epochs.info["chs"]]).all()


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
    cnt = tmp_path / "V" / "EEG_raw" / "3_1_20180804.cnt"
    cnt.write_bytes(cnt.read_bytes()[:3000])
    with pytest.raises(ValueError, match=r"cannot be read as a Neuroscan recording"):
        datasets.read_seed_v(tmp_path / "V")
    shutil.copy(cnt, cnt.with_name("3_1_20180811.cnt"))
    with pytest.raises(ValueError, match=r"0804.cnt and .*0811.cnt are the same recording"):
        datasets.read_seed_v(tmp_path / "V")


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


# --- DEAP -----------------------------------------------------------------------------------


def deap_content(subject):
    rng = np.random.default_rng(subject)
    data = rng.integers(-90, 90, (40, 40, 8064)).astype(np.int8)
    return {"data": data.astype(np.float32), "labels": 1 + 8 * rng.random((40, 4))}


@pytest.fixture(scope="module")
def deap_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("DEAP")
    for name in ("data_preprocessed_matlab", "data_preprocessed_python"):
        (folder / name).mkdir()
    content = deap_content(2)
    savemat(folder / "data_preprocessed_matlab" / "s02.mat", content)
    # What Python 2 wrote: protocol 2.
    (folder / "data_preprocessed_python" / "s02.dat").write_bytes(pickle.dumps(content, 2))
    (folder / "data_preprocessed_matlab" / "s03.mat").write_bytes(b"broken")
    return folder


def test_deap(deap_folder):
    epochs = datasets.read_deap(deap_folder, subjects=[2], target="arousal", window=2.0)
    content = deap_content(2)
    assert len(epochs) == 40 * 30
    assert placed(epochs)
    assert len(epochs.ch_names) == 32
    by_trial = epochs.metadata.groupby("trial").first()
    np.testing.assert_allclose(by_trial["arousal"], content["labels"][:, 1])
    assert by_trial["label"].to_list() == (content["labels"][:, 1] > 5).astype(int).tolist()
    assert set(by_trial["emotion"]) == {"low arousal", "high arousal"}
    # The 3 s before the video are not in it.
    np.testing.assert_allclose(
        epochs[30].get_data(copy=False)[0], content["data"][1, :32, 384:640] * 1e-6, rtol=1e-6
    )
    folder = deap_folder / "data_preprocessed_python"
    with pytest.raises(ValueError, match=r"s02.dat is a pickle file.*get the MATLAB release"):
        datasets.read_deap(folder)
    python = datasets.read_deap(folder, target="arousal", window=2.0, allow_pickle=True)
    np.testing.assert_array_equal(python.get_data(copy=False), epochs.get_data(copy=False))
    with pytest.raises(ValueError, match=r"s03.mat cannot be read as a MATLAB file"):
        datasets.read_deap(deap_folder)


def test_deap_in_two_releases(deap_folder, tmp_path):
    shutil.copytree(deap_folder / "data_preprocessed_matlab", tmp_path / "data_preprocessed_matlab")
    python = tmp_path / "data_preprocessed_python"
    python.mkdir()
    content = pickle.dumps(deap_content(4), 2)
    (python / "s04.dat").write_bytes(content)
    (python / "s02.dat").write_bytes(b"not opened: there is a safe file")
    assert datasets.SETS["deap"].subjects(tmp_path) == [2, 3, 4]
    assert datasets.SETS["deap"].subjects(python) == [2, 4]
    assert set(datasets.read_deap(tmp_path, [2]).metadata["subject"]) == {2}
    with pytest.raises(ValueError, match=r"s04.dat is a pickle file"):
        datasets.read_deap(tmp_path, [4])
    both = datasets.read_deap(tmp_path, [2, 4], window=30.0, allow_pickle=True)
    assert both.metadata["subject"].unique().tolist() == [2, 4]


class Harmful:
    """Its pickle calls a function."""

    def __reduce__(self):
        return print, ("code of a file was run",)


def test_pickles_run_no_code(tmp_path, capsys):
    read = dict(allow_pickle=True)
    (tmp_path / "s01.dat").write_bytes(pickle.dumps({"data": Harmful(), "labels": 1}))
    with pytest.raises(ValueError, match=r"s01.dat cannot be read.*asks for builtins.print"):
        datasets.read_deap(tmp_path, **read)
    assert "code" not in capsys.readouterr().out
    (tmp_path / "s01.dat").write_bytes(pickle.dumps([1, 2]))
    with pytest.raises(ValueError, match=r"must hold 'data' and 'labels'"):
        datasets.read_deap(tmp_path, **read)
    content = {"data": np.zeros((40, 40, 8064), np.int8), "labels": np.zeros((40, 4))}
    (tmp_path / "s01.dat").write_bytes(pickle.dumps(content)[:-9])
    with pytest.raises(ValueError, match=r"It may have been cut off"):
        datasets.read_deap(tmp_path, **read)
    (tmp_path / "s01.dat").write_bytes(pickle.dumps(content))
    with pytest.raises(ValueError, match=r"'labels' must be ratings from 1 to 9, got 0 to 0"):
        datasets.read_deap(tmp_path, **read)
    content["data"] = content["data"][:, :, :100]
    (tmp_path / "s01.dat").write_bytes(pickle.dumps(content))
    with pytest.raises(ValueError, match=r"'data' must have shape \(40, 40, 8064\), got .* 100\)"):
        datasets.read_deap(tmp_path, **read)


# --- DREAMER --------------------------------------------------------------------------------


def dreamer_people():
    rng = np.random.default_rng(5)
    people = []
    for _ in range(2):
        clips = [4200 + 10 * rng.standard_normal((128 * (3 + i % 2), 14)) for i in range(18)]
        scores = {
            f"Score{name}": rng.integers(1, 6, (18, 1)).astype(float)
            for name in ("Valence", "Arousal", "Dominance")
        }
        people.append({"EEG": {"stimuli": clips, "baseline": clips}, **scores})
    return people


def cell(values):
    array = np.empty((len(values), 1), dtype=object)
    for i, value in enumerate(values):
        array[i, 0] = value
    return array


@pytest.fixture(scope="module")
def dreamer_files(tmp_path_factory):
    """The same in version 5 and in version 7.3, where cells are references."""
    folder = tmp_path_factory.mktemp("DREAMER")
    (folder / "v7.3").mkdir()
    people = dreamer_people()
    nested = [{**p, "EEG": {name: cell(clips) for name, clips in p["EEG"].items()}} for p in people]
    savemat(folder / "DREAMER.mat", {"DREAMER": {"Data": cell(nested).T, "noOfSubjects": 2}})
    with h5py.File(folder / "v7.3" / "DREAMER.mat", "w", userblock_size=512) as file:
        store, main = file.create_group("#refs#"), file.create_group("DREAMER")

        def refer(values):
            return np.array([[v.ref] for v in values], dtype=h5py.ref_dtype)

        groups = []
        for i, person in enumerate(people):
            group = store.create_group(f"p{i}")
            for name in ("ScoreValence", "ScoreArousal", "ScoreDominance"):
                group[name] = person[name].T
            clips = [
                store.create_dataset(f"p{i}c{j}", data=c.T)
                for j, c in enumerate(person["EEG"]["stimuli"])
            ]
            group.create_group("EEG")["stimuli"] = refer(clips).T
            groups.append(group)
        main["Data"] = refer(groups)
    return folder


@pytest.mark.parametrize("release", [".", "v7.3"])
def test_dreamer(dreamer_files, release):
    people = dreamer_people()
    epochs = datasets.read_dreamer(dreamer_files / release, subjects=[2], target="dominance")
    assert len(epochs) == 9 * 3 + 9 * 4
    assert placed(epochs)
    by_trial = epochs.metadata.groupby("trial").first()
    ratings = people[1]["ScoreDominance"].ravel()
    assert by_trial["label"].to_list() == (ratings > 3).astype(int).tolist()
    clip = people[1]["EEG"]["stimuli"][1]
    expected = (clip - clip.mean(0))[128:256].T * 1e-6
    np.testing.assert_allclose(epochs[4].get_data(copy=False)[0], expected, rtol=1e-9)
    assert len(datasets.read_dreamer(dreamer_files / release / "DREAMER.mat")) == 2 * len(epochs)
    with pytest.raises(ValueError, match=r"subjects=\[3\]: 3 not found, only 1, 2"):
        datasets.read_dreamer(dreamer_files / release, subjects=[3])


def test_dreamer_refuses(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"DREAMER.mat is missing"):
        datasets.read_dreamer(tmp_path)
    savemat(tmp_path / "DREAMER.mat", {"DREAMER": {"Version": 1.0}})
    with pytest.raises(ValueError, match=r"has no 'DREAMER.Data': no field 'Data'"):
        datasets.read_dreamer(tmp_path)
    person = {"EEG": {"stimuli": cell([np.zeros((128, 14))] * 17)}}
    person |= {f"Score{n}": np.full(18, 3.0) for n in ("Valence", "Arousal", "Dominance")}
    savemat(tmp_path / "DREAMER.mat", {"DREAMER": {"Data": cell([person])}})
    with pytest.raises(ValueError, match=r"stimuli\{18\}': no element 18, only 17"):
        datasets.read_dreamer(tmp_path)
    person["ScoreArousal"] = np.full(18, 9.0)
    savemat(tmp_path / "DREAMER.mat", {"DREAMER": {"Data": cell([person])}})
    with pytest.raises(ValueError, match=r"must be ratings from 1 to 5, got 3 to 9"):
        datasets.read_dreamer(tmp_path)


# --- FACED ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def faced_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("FACED")
    (folder / "Processed_data").mkdir()
    (folder / "EEG_Features" / "DE").mkdir(parents=True)
    signals = 20 * np.random.default_rng(4).standard_normal((28, 32, 7500)).astype(np.float32)
    (folder / "Processed_data" / "sub007.pkl").write_bytes(pickle.dumps(signals))
    windows = signals.reshape(28, 32, 30, 250) * 1e-6
    de = differential_entropy(windows, 250.0, method="seed")
    (folder / "EEG_Features" / "DE" / "sub007.pkl.pkl").write_bytes(pickle.dumps(de))
    (folder / "EEG_Features" / "DE" / "sub100.pkl.pkl").write_bytes(pickle.dumps(de + 1))
    return folder


def test_faced(faced_folder):
    with pytest.raises(ValueError, match=r"sub007.pkl is a pickle file"):
        datasets.read_faced(faced_folder)
    epochs = datasets.read_faced(faced_folder, allow_pickle=True)
    assert len(epochs) == 28 * 30
    assert placed(epochs)
    assert len(epochs.ch_names) == 30
    per_clip = epochs.metadata.groupby("trial")["emotion"].first().to_list()
    assert per_clip[0] == "anger"
    assert per_clip[-1] == "tenderness"
    assert per_clip.count("neutral") == 4
    assert per_clip[12:16] == ["neutral"] * 4
    features = datasets.read_faced(faced_folder, [7], data="features", allow_pickle=True)
    de = differential_entropy(epochs.get_data(copy=False), 250.0, method="seed")
    np.testing.assert_allclose(features.spectral, de, rtol=1e-4)
    clips = FeatureExtractor(verbose=False).transform(epochs).temporal
    np.testing.assert_allclose(features.temporal, clips, rtol=1e-4, atol=1e-10)
    assert features.metadata.equals(epochs.metadata)
    alone = datasets.read_faced(faced_folder, [100], data="features", allow_pickle=True)
    assert alone.temporal.shape[2] == 0
    np.testing.assert_allclose(alone.spectral, de + 1, rtol=1e-4)
    assert len(_faced.LABELS) == 28


def test_faced_refuses(faced_folder, tmp_path):
    (tmp_path / "Processed_data").mkdir()
    with pytest.raises(FileNotFoundError, match=r"holds no file named like sub000.pkl"):
        datasets.read_faced(tmp_path)
    path = tmp_path / "Processed_data" / "sub000.pkl"
    path.write_bytes(pickle.dumps(np.zeros((28, 30, 7500), np.int8)))
    with pytest.raises(ValueError, match=r"must have shape \(28, 32, 7500\), got \(28, 30, 7500\)"):
        datasets.read_faced(tmp_path, allow_pickle=True)
    path.write_bytes(pickle.dumps(np.full((28, 32, 7500), np.nan, np.float16)))
    with pytest.raises(ValueError, match=r"has values that are NaN"):
        datasets.read_faced(tmp_path, allow_pickle=True)
    with pytest.raises(FileNotFoundError, match=r"has no folder EEG_Features/DE or DE"):
        datasets.read_faced(tmp_path, data="features", allow_pickle=True)


@pytest.mark.parametrize("name", ["seed", "seed_iv", "seed_v", "seed_vig", "deap", "faced"])
def test_a_missing_folder_is_named(name, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"path: there is no folder .*nowhere"):
        getattr(datasets, f"read_{name}")(tmp_path / "nowhere")


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


def test_one_file_for_all_is_opened_once(dreamer_files, tmp_path, monkeypatch):
    opened, known = [], datasets.SETS["dreamer"]

    def read(path, subjects, **params):
        opened.append(subjects)
        return datasets.read_dreamer(path, subjects, **params)

    monkeypatch.setattr(type(known), "all_subjects", lambda self: [1, 2])
    monkeypatch.setitem(datasets.SETS, "dreamer", dataclasses.replace(known, read=read))
    first, second = datasets.prepare("dreamer", dreamer_files, tmp_path)
    assert opened == [[1, 2]]
    for subject, file in ((1, first), (2, second)):
        epochs = mne.read_epochs(file, verbose="ERROR")
        assert set(epochs.metadata["subject"]) == {subject}
        expected = datasets.read_dreamer(dreamer_files, [subject]).get_data(copy=False)
        np.testing.assert_allclose(epochs.get_data(copy=False), expected, rtol=1e-6, atol=1e-12)
    second.unlink()
    datasets.prepare("dreamer", dreamer_files, tmp_path)
    assert opened == [[1, 2], [2]]
