"""Readers of DEAP, DREAMER and FACED, on small files of their structure."""

import ast
import dataclasses
import pickle
import re
import shutil

import h5py
import mne
import numpy as np
import pytest
from helpers import placed
from scipy.io import savemat

from mne_sst import FeatureExtractor, datasets, differential_entropy
from mne_sst.datasets import _faced


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


def test_deap_says_how_to_leave_delta_out(deap_folder):
    (bands,) = re.findall(r"FeatureExtractor\(bands=(\[.+\])\)", datasets.read_deap.__doc__)
    epochs = datasets.read_deap(deap_folder, subjects=[2], window=20.0)[:2]
    features = FeatureExtractor(bands=ast.literal_eval(bands), verbose=False).transform(epochs)
    assert list(features.bands) == ["theta", "alpha", "beta", "gamma"]


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
    with pytest.raises(TypeError, match=r"path must be the name of a folder or file, got None"):
        datasets.read_dreamer(None)
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
    with pytest.raises(ValueError, match=r"Data\{1\}.ScoreArousal' must be ratings from 1 to 5"):
        datasets.read_dreamer(tmp_path)
    person["ScoreArousal"] = np.full(17, 3.0)
    savemat(tmp_path / "DREAMER.mat", {"DREAMER": {"Data": cell([person])}})
    message = r"DREAMER.mat: 'DREAMER.Data\{1\}.ScoreArousal' must have shape \(18\), got \(17,\)"
    with pytest.raises(ValueError, match=message):
        datasets.read_dreamer(tmp_path)


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


@pytest.mark.parametrize("data", ["raw", "features"])
def test_faced_opens_no_other_subject(faced_folder, tmp_path, data):
    shutil.copytree(faced_folder, tmp_path / "FACED")
    for file in list(tmp_path.rglob("sub007*")):
        file.with_name(file.name.replace("007", "008")).write_bytes(b"broken")
    read = dict(data=data, allow_pickle=True)
    assert set(datasets.read_faced(tmp_path / "FACED", [7], **read).metadata["subject"]) == {7}
    with pytest.raises(ValueError, match=r"sub008.pkl\S* cannot be read"):
        datasets.read_faced(tmp_path / "FACED", [8], **read)


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
