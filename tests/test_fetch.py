"""Fetchers, against a local HTTP server with real files where they are there."""

import io
import logging.handlers
import shutil

import mne
import numpy as np
import pooch
import pytest
from helpers import CUT, serve

from mne_sst import datasets
from mne_sst.datasets import _fetch

SUBJECTS = [2, 3]


@pytest.fixture
def some(server):
    """Three files of any content."""
    rng = np.random.default_rng(0)
    files = {f"{name}.edf": rng.bytes(50_000) for name in "abc"}
    serve(server, files)
    return files


def fetch(server, folder, names=("a.edf", "b.edf", "c.edf")):
    return _fetch.fetch_files(server.url, names, folder, verbose=False)


def test_files_are_fetched_once(server, some, tmp_path):
    paths = fetch(server, tmp_path / "new")
    assert [p.read_bytes() for p in paths] == list(some.values())
    names = ["SHA256SUMS.txt", "a.edf", "b.edf", "c.edf"]
    assert sorted(p.name for p in (tmp_path / "new").iterdir()) == names
    before = server.asked.copy()
    fetch(server, tmp_path / "new")
    assert server.asked == before


def test_an_interrupted_transfer_goes_on(server, some, tmp_path):
    server.faults["b.edf"] = ["cut", "cut"]
    paths = fetch(server, tmp_path)
    assert paths[1].read_bytes() == some["b.edf"]
    asked = [wanted for name, wanted in server.ranges if name == "b.edf"]
    # The last piece that was not complete may be lost.
    starts = [0 if wanted is None else int(wanted[6:-1]) for wanted in asked]
    assert starts[0] == 0
    assert 0.8 * CUT < starts[1] <= CUT
    assert 0.8 * CUT < starts[2] - starts[1] <= CUT


def test_a_second_call_takes_up_what_the_first_left(server, some, tmp_path):
    server.faults["b.edf"] = ["cut", 503, 503, 503]
    with pytest.raises(ConnectionError, match=r"b.edf cannot be downloaded.*call again to go on"):
        fetch(server, tmp_path)
    assert (tmp_path / "a.edf").exists()
    assert not (tmp_path / "b.edf").exists()
    there = (tmp_path / "b.edf.part").stat().st_size
    assert 0.8 * CUT < there <= CUT
    server.faults.clear()
    server.ranges.clear()
    fetch(server, tmp_path)
    assert (tmp_path / "b.edf").read_bytes() == some["b.edf"]
    assert ("b.edf", f"bytes={there}-") in server.ranges
    assert server.asked["a.edf"] == 1


def test_a_partial_file_of_other_content_is_thrown_away(server, some, tmp_path):
    (tmp_path / "a.edf.part").write_bytes(b"x" * 3000)
    (tmp_path / "b.edf.part").write_bytes(b"x" * 90_000)
    (tmp_path / "c.edf.part").write_bytes(some["c.edf"])
    paths = fetch(server, tmp_path)
    assert [p.read_bytes() for p in paths] == list(some.values())


def test_a_wrong_checksum_keeps_nothing(server, some, tmp_path):
    server.files["c.edf"] = b"something else"
    with pytest.raises(ValueError, match=r"c.edf came with SHA-256 .* is published for it"):
        fetch(server, tmp_path)
    assert server.asked["c.edf"] == 3
    assert sorted(p.name for p in tmp_path.iterdir()) == ["SHA256SUMS.txt", "a.edf", "b.edf"]


def test_what_was_changed_later_is_named(server, some, tmp_path):
    """The list of sums stays with the files, in a copy of the folder as well."""
    fetch(server, tmp_path / "first")
    copy = shutil.copytree(tmp_path / "first", tmp_path / "copy")
    (copy / "b.edf").write_bytes(some["b.edf"][:-1] + b"x")
    with pytest.raises(ValueError, match=r"copy.b.edf has SHA-256 .* Remove it and get it again"):
        fetch(server, copy)
    fetch(server, copy, ["a.edf", "c.edf"])
    (copy / "b.edf").unlink()
    assert fetch(server, copy)[1].read_bytes() == some["b.edf"]
    (copy / "own.edf").touch()  # of which the list knows nothing
    fetch(server, copy, ["own.edf"])
    (copy / "SHA256SUMS.txt").write_text("gone wrong")
    with pytest.raises(ValueError, match=r"SHA256SUMS.txt is not a list of SHA-256 sums; remove"):
        fetch(server, copy)
    (copy / "SHA256SUMS.txt").unlink()
    (copy / "b.edf").write_bytes(b"nothing to check it by")
    fetch(server, copy)


def test_a_list_of_sums_is_only_replaced_by_a_whole_one(server, some, tmp_path):
    fetch(server, tmp_path, ["a.edf"])
    before = (tmp_path / "SHA256SUMS.txt").read_bytes()
    server.files["SHA256SUMS.txt"] = b"<html>log in first</html>"
    with pytest.raises(ValueError, match="is not a list of SHA-256 sums"):
        fetch(server, tmp_path)
    assert (tmp_path / "SHA256SUMS.txt").read_bytes() == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["SHA256SUMS.txt", "a.edf"]


@pytest.mark.parametrize(("status", "times"), [(500, 3), (503, 3), (404, 1), (403, 1)])
def test_a_server_error_is_told(status, times, server, some, tmp_path):
    server.faults["a.edf"] = [status] * 5
    with pytest.raises(ConnectionError, match=rf"a.edf cannot be downloaded: {status}"):
        fetch(server, tmp_path)
    assert server.asked["a.edf"] == times
    assert [p.name for p in tmp_path.iterdir()] == ["SHA256SUMS.txt"]


def test_a_page_instead_of_sums_is_told(server, some, tmp_path):
    server.files["SHA256SUMS.txt"] = b"<html>log in first</html>"
    with pytest.raises(ValueError, match=r"is not a list of SHA-256 sums"):
        fetch(server, tmp_path)
    serve(server, {"a.edf": b"1"})
    with pytest.raises(ValueError, match=r"has no b.edf, c.edf in its SHA256SUMS.txt"):
        fetch(server, tmp_path)


def test_no_server_at_all(tmp_path):
    with pytest.raises(ConnectionError, match=r"SHA256SUMS.txt cannot be downloaded"):
        _fetch.fetch_files("http://127.0.0.1:9/", ["a"], tmp_path, verbose=False)


def test_mne_settings_are_read_and_left(monkeypatch, tmp_path):
    monkeypatch.setenv("MNE_DATA", str(tmp_path))
    assert _fetch.data_folder("eegmat") == tmp_path / "eegmat"
    assert _fetch.data_folder("eegmat", "here").name == "here"


@pytest.mark.parametrize("path", [3, b"eegmat", ["eegmat"]])
def test_a_path_of_another_type_is_named(path):
    message = r"path must be the name of a folder or file, got .*\((int|bytes|list)\)"
    for fetcher in (datasets.fetch_eegmat, datasets.fetch_eegbci, datasets.fetch_emoeeg_mc):
        with pytest.raises(TypeError, match=message):
            fetcher([1], path=path)


# --- real files -----------------------------------------------------------------------------


@pytest.fixture
def eegmat(recordings, server):
    files = {}
    for subject in SUBJECTS:
        for i in (1, 2):
            path = recordings / "eegmat" / f"Subject{subject:02d}_{i}.edf"
            files[path.name] = path.read_bytes()
    serve(server, files)
    return server


def test_eegmat(eegmat, tmp_path, monkeypatch):
    monkeypatch.setenv("MNE_DATA", str(tmp_path))
    eegmat.faults["Subject02_2.edf"] = ["cut"]
    epochs = datasets.fetch_eegmat(SUBJECTS, base_url=eegmat.url, verbose=False)
    assert sorted(f.name for f in (tmp_path / "eegmat").iterdir()) == sorted(eegmat.files)
    assert len(epochs) == 2 * 2 * 30
    table = epochs.metadata
    assert table.groupby(["subject", "trial"]).size().to_list() == [30] * 4
    assert set(zip(table["label"], table["state"], strict=True)) == {(0, "rest"), (1, "arithmetic")}
    assert np.isfinite([ch["loc"][:3] for ch in epochs.info["chs"]]).all()
    raw = mne.io.read_raw_edf(tmp_path / "eegmat" / "Subject03_1.edf", verbose="ERROR")
    # The last 2 s are padding.
    expected = raw.get_data(picks=["EEG T5"])[0, -2000:-1000]
    last = epochs[(table["subject"] == 3) & (table["trial"] == 1)][-1]
    np.testing.assert_allclose(last.get_data(picks=["T5"])[0, 0], expected)
    # Offline, now that they are there; and from a copy elsewhere.
    again = datasets.fetch_eegmat([2], base_url="http://127.0.0.1:9/", last=None)
    assert len(again) == 90 + 30
    copy = datasets.fetch_eegmat([3], path=tmp_path / "eegmat", base_url="http://127.0.0.1:9/")
    assert len(copy) == 60


def test_eegmat_says_what_is_cut_off(recordings, tmp_path):
    for i in (1, 2):
        shutil.copy(recordings / "eegmat" / f"Subject04_{i}.edf", tmp_path)
    file = tmp_path / "Subject04_2.edf"
    content = file.read_bytes()
    file.write_bytes(content[: len(content) // 2])
    with pytest.raises(ValueError, match=r"Subject04_2.edf has \d+ bytes, but .* cut off"):
        datasets.fetch_eegmat([4], path=tmp_path)
    file.write_bytes(content[:300])
    with pytest.raises(ValueError, match=r"Subject04_2.edf cannot be read as EDF"):
        datasets.fetch_eegmat([4], path=tmp_path)
    other = content.replace(b"EEG T5 ", b"EEG X5 ")
    file.write_bytes(other)
    with pytest.raises(ValueError, match=r"lacks the channels T5; it has EEG Fp1"):
        datasets.fetch_eegmat([4], path=tmp_path)
    with pytest.raises(ValueError, match=r"subjects=\[36\]: 36 not found"):
        datasets.fetch_eegmat([36], path=tmp_path)


def test_repeated_values_at_the_end_are_left_out(recordings):
    """The last 2 s of a file repeat values: what is read ends where they begin."""
    epochs = datasets.fetch_eegmat([2], path=recordings / "eegmat", last=None)
    data = epochs.get_data(copy=False)
    assert epochs.metadata["state"].value_counts().to_dict() == {"rest": 90, "arithmetic": 30}
    repeated = (np.diff(data, axis=2) == 0).all(axis=1).mean(axis=1)
    assert repeated.max() < 0.05
    short = datasets.fetch_eegmat([2], path=recordings / "eegmat", last=60.0)
    np.testing.assert_array_equal(short.get_data(copy=False)[:30], data[60:90])


def test_eegbci_through_mne(recordings, server, tmp_path):
    names = ["S001R01.edf", "S001R03.edf", "S001R04.edf"]
    server.files.update({n: (recordings / "eegmmidb" / "S001" / n).read_bytes() for n in names})
    url = server.url.replace("eegmat", "eegmmidb")
    server.faults["S001R01.edf"] = [500]
    epochs = datasets.fetch_eegbci(
        [1], [1, 3, 4], path=tmp_path, window=2.0, base_url=url, verbose="ERROR"
    )
    assert server.asked["S001R01.edf"] == 2
    table = epochs.metadata
    assert set(table["state"]) == {"eyes open", "rest", "left fist", "right fist"}
    assert table.groupby("run")["imagined"].first().to_list() == [False, False, True]
    # Movements last some 4 s: two windows a trial, each in one trial only.
    assert table[table["run"] == 3].groupby("trial").size().max() == 2
    assert len(epochs.ch_names) == 64
    assert "Cz" in epochs.ch_names
    server.files["S001R02.edf"] = b"not what MNE's list says"
    with pytest.raises(ValueError, match="hash of downloaded file"):
        datasets.fetch_eegbci([1], [2], path=tmp_path, base_url=url, verbose=False)


@pytest.fixture
def eegbci(recordings, server, tmp_path, monkeypatch):
    """Two runs, to be downloaded to a folder that is set, but not there; no waiting."""
    for name in ("S001R01.edf", "S001R03.edf"):
        server.files[name] = (recordings / "eegmmidb" / "S001" / name).read_bytes()
    monkeypatch.setenv("MNE_DATA", str(tmp_path / "new" / "sets"))
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    return server, server.url.replace("eegmat", "eegmmidb")


@pytest.mark.parametrize("faults", [["cut"] * 3, [503] * 3, [404] * 3])
def test_eegbci_keeps_what_is_complete(eegbci, faults):
    server, url = eegbci
    server.faults["S001R03.edf"] = list(faults)
    message = r"S001/S001R03.edf cannot be downloaded: .*Call again: files that are complete are"
    with pytest.raises(ConnectionError, match=message):
        datasets.fetch_eegbci([1], [1, 3], base_url=url)
    there = datasets.SETS["eegbci"].where() / "S001"
    assert [file.name for file in there.iterdir()] == ["S001R01.edf"]
    assert set(datasets.fetch_eegbci([1], [1, 3], base_url=url).metadata["run"]) == {1, 3}
    assert server.asked == {"S001R01.edf": 1, "S001R03.edf": 4}


@pytest.mark.parametrize(("verbose", "shown"), [(None, True), (False, False)])
def test_eegbci_shows_one_bar(eegbci, monkeypatch, verbose, shown):
    terminal, told = io.StringIO(), logging.handlers.BufferingHandler(100)
    terminal.isatty = lambda: True
    monkeypatch.setattr("sys.stderr", terminal)
    pooch.get_logger().addHandler(told)
    datasets.fetch_eegbci([1], [1, 3], base_url=eegbci[1], verbose=verbose)
    pooch.get_logger().removeHandler(told)
    assert ("EEGMMIDB: 100%" in terminal.getvalue()) is shown
    assert ("| 2/2 [" in terminal.getvalue()) is shown
    assert told.buffer == []


def test_eegbci_from_a_copy(recordings):
    epochs = datasets.fetch_eegbci([1], [1, 2], path=recordings / "eegmmidb")
    assert epochs.metadata["label"].value_counts().to_dict() == {0: 61, 1: 60}
    late = datasets.fetch_eegbci([1], [13, 14], path=recordings / "eegmmidb").metadata
    assert set(late["state"]) == {"rest", "both fists", "both feet"}
    assert late.groupby("run")["imagined"].first().to_list() == [False, True]


def test_eegbci_movements_are_those_of_the_annotations(recordings):
    """T1 is the left fist in run 3, both fists in run 5; T2 the right one, and both feet."""
    for run, words in ((3, ["left fist", "right fist"]), (5, ["both fists", "both feet"])):
        raw = mne.io.read_raw_edf(
            recordings / "eegmmidb" / "S001" / f"S001R{run:02d}.edf", verbose="ERROR"
        )
        names = dict(zip(("T0", "T1", "T2"), ["rest", *words], strict=True))
        epochs = datasets.fetch_eegbci([1], [run], path=recordings / "eegmmidb", window=4.0)
        states = epochs.metadata.groupby("trial")["state"].first().to_list()
        whole = [a for a in raw.annotations if a["onset"] + a["duration"] <= raw.times[-1] + 0.01]
        assert states == [names[a["description"]] for a in whole]
        first = round(whole[1]["onset"] * 160)
        np.testing.assert_allclose(
            epochs[1].get_data(copy=False)[0], raw.get_data(start=first, stop=first + 640)
        )
    with pytest.raises(ValueError, match=r"S001R03: right fist from 4.2 s has 4.1 s, less than"):
        datasets.fetch_eegbci([1], [3], path=recordings / "eegmmidb", window=4.15)


def test_other_annotations_are_named_with_their_file(recordings, tmp_path):
    source = recordings / "eegmmidb" / "S001" / "S001R03.edf"
    content = source.read_bytes()
    assert content.count(b"\x14T2\x14") > 1
    (tmp_path / "S001").mkdir()
    (tmp_path / "S001" / source.name).write_bytes(content.replace(b"\x14T2\x14", b"\x14TX\x14"))
    with pytest.raises(ValueError, match=r"S001R03.edf has an annotation 'TX', where T0, T1, T2"):
        datasets.fetch_eegbci([1], [3], path=tmp_path, window=4.0)


def test_eegbci_lies_where_mne_puts_it(tmp_path, monkeypatch):
    """MNE has a setting of its own for it, which goes before that of all sets."""
    own = tmp_path / "own" / "MNE-eegbci-data" / "files" / "eegmmidb" / "1.0.0" / "S001"
    own.mkdir(parents=True)
    (own / "S001R02.edf").touch()
    monkeypatch.setenv("MNE_DATA", str(tmp_path / "all"))
    known = datasets.SETS["eegbci"]
    assert known.subjects() == []
    monkeypatch.setenv("MNE_DATASETS_EEGBCI_PATH", str(tmp_path / "own"))
    assert known.subjects() == [1]
    assert known.where() == own.parent


def test_home_is_found(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.setenv("MNE_DATA", "~/sets")
    assert _fetch.data_folder("eegmat") == tmp_path / "sets" / "eegmat"
    assert _fetch.data_folder("eegmat", "~/copy") == tmp_path / "copy"
    (tmp_path / "SEED").mkdir()
    with pytest.raises(FileNotFoundError, match="has no folder Preprocessed_EEG"):
        datasets.read_seed("~/SEED")


@pytest.mark.parametrize(
    ("params", "error", "message"),
    [
        (dict(subjects=[2.0]), TypeError, r"subjects must be a whole number, got 2.0"),
        (dict(subjects="2"), TypeError, r"subjects must be a whole number, got '2'"),
        (dict(subjects=[]), ValueError, r"subjects is empty: give some of 0, 1, 2"),
        (dict(subjects={2, 40}), ValueError, r"40 not found, only 0, 1, 2"),
        (dict(window=61.0), ValueError, r"window=61 s is longer than the last=60 s"),
        (dict(subjects=2, path=__file__), NotADirectoryError, r"path: .*test_fetch.py is a file"),
    ],
)
def test_arguments_of_fetchers(params, error, message, tmp_path):
    with pytest.raises(error, match=message):
        datasets.fetch_eegmat(**{"path": tmp_path, **params})


def test_subjects_of_one_rate_by_default():
    known = datasets.SETS["eegbci"]
    assert len(known.choose(None, None)) == 106
    assert not {88, 92, 100} & set(known.choose(None, None))
    assert known.choose(None, [88]) == [88]
