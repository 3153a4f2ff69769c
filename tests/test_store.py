"""Files of results: killed, damaged, written to by two."""

import json
import subprocess
import sys

import pytest

from mne_sst.evaluation import read_results
from mne_sst.evaluation._store import ResultsFile

SETTINGS, LABELS = {"data": "d", "estimator a": "A()"}, ["x", "y"]


def fold(number):
    return ("a", 0, number), [{"estimator": "a", "fold": number, "accuracy": 0.5}]


@pytest.fixture
def path(tmp_path):
    file = tmp_path / "results.jsonl"
    store = ResultsFile(file, SETTINGS, LABELS)
    for number in range(3):
        store.add(*fold(number))
    store.close()
    return file


def reopened(path):
    store = ResultsFile(path, SETTINGS, LABELS)
    store.close()
    return store.folds


def test_what_is_there_is_read(path):
    assert reopened(path) == dict(fold(n) for n in range(3))
    assert read_results(path)["fold"].to_list() == [0, 1, 2]


@pytest.mark.parametrize("n_bytes", [0, 1, 20, -1])
def test_half_a_header_is_begun_again(path, n_bytes):
    header = path.read_bytes().split(b"\n")[0] + b"\n"
    path.write_bytes(header[:n_bytes])
    assert reopened(path) == {}
    assert path.read_bytes() == header


def test_a_damaged_line_costs_its_fold_only(path):
    lines = path.read_text().splitlines()
    lines[2] = lines[2][:-4] + "\x00"
    path.write_text("\n".join(lines) + "\n")
    with pytest.warns(RuntimeWarning, match=r"line 3 of .*results.jsonl is damaged"):
        assert sorted(key[2] for key in reopened(path)) == [0, 2]
    with pytest.warns(RuntimeWarning, match="line 3"):
        assert read_results(path)["fold"].to_list() == [0, 2]


def test_a_fold_counts_once(path):
    key, rows = fold(1)
    with path.open("a") as file:
        file.write(json.dumps({"key": key, "rows": rows}) + "\n")
    assert read_results(path)["fold"].to_list() == [0, 1, 2]


def test_one_process_at_a_time(path):
    code = (
        "from mne_sst.evaluation._store import ResultsFile\n"
        f"ResultsFile({str(path)!r}, {SETTINGS}, {LABELS})\n"
    )
    store = ResultsFile(path, SETTINGS, LABELS)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "another process, or another call in this one, writes to" in done.stderr
    store.close()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    # One that failed lets go of it too.
    with pytest.raises(ValueError, match="other settings"):
        ResultsFile(path, {"data": "e"}, LABELS)
    assert len(reopened(path)) == 3
