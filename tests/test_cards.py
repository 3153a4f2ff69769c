"""Cards of the data sets, and the scripts beside them."""

import re
import subprocess
import sys
from pathlib import Path

import mne
import numpy as np
import pytest

from mne_sst.datasets import SETS, prepare, prepare_from_shell, simulate_emotion

FOLDER = Path(__file__).parents[1] / "datasets"
REAL = [name for name in SETS if name != "simulated"]


def test_every_set_has_a_card():
    assert sorted(p.name for p in FOLDER.iterdir() if p.is_dir()) == sorted(REAL)
    assert all(f"({name}/README.md)" in (FOLDER / "README.md").read_text() for name in REAL)


@pytest.mark.parametrize("name", REAL)
def test_card_agrees_with_what_the_package_knows(name):
    card, known = (FOLDER / name / "README.md").read_text(), SETS[name]
    rows = dict(re.findall(r"^\| (\w[^|]*) \| (.+) \|$", card, re.M))
    assert card.startswith(f"# {known.title}")
    assert rows["Access"].startswith(known.access)
    assert rows["Licence"] == known.licence
    assert rows["From"] == f"<{known.url}>"
    assert rows["Subjects"].startswith(str(known.n_subjects))
    assert rows["Recording"].startswith(f"{known.n_channels} electrodes")
    assert f"`{known.target}`" in rows["Labels"] or known.target == "emotion"
    assert "doi:" in rows["Cite"]
    assert "## Known problems\n\n- " in card


@pytest.mark.parametrize("name", [n for n in REAL if SETS[n].access == "closed"])
def test_card_says_where_a_closed_set_is_looked_for(name):
    card = " ".join((FOLDER / name / "README.md").read_text().split())
    assert f"a folder `{SETS[name].folder}` is looked for; case, hyphens," in card


@pytest.mark.parametrize("name", ["seed", "seed-iv", "seed-v"])
def test_card_says_where_cb1_and_cb2_are_placed(name):
    assert "they are placed at POO7 and POO8." in (FOLDER / name / "README.md").read_text()


@pytest.mark.parametrize("spelling", ["SEED-IV", "SEED_IV", "seed iv", "SeedIV"])
def test_a_folder_is_found_in_other_spellings(spelling, tmp_path, monkeypatch):
    file = tmp_path / spelling / "eeg_raw_data" / "1" / "3_20150701.mat"
    file.parent.mkdir(parents=True)
    file.touch()
    (tmp_path / "SEED").mkdir()
    (tmp_path / "seed.iv.zip").touch()
    known = SETS["seed-iv"]
    assert known.where(tmp_path) == known.where(tmp_path / spelling) == tmp_path / spelling
    monkeypatch.setenv("MNE_DATA", str(tmp_path))
    assert known.where() == tmp_path / spelling
    assert known.subjects() == [3]
    assert SETS["seed"].where() == tmp_path / "SEED"
    assert SETS["seed-v"].where() == tmp_path / "SEED-V"  # where it is to be put


def test_subjects_of_eegmat_have_both_files(tmp_path, monkeypatch):
    """An open set is found in other spellings by what downloads it, too."""
    (tmp_path / "EEGMAT").mkdir()
    for name in ("Subject01_1", "Subject02_2", "Subject03_1", "Subject03_2"):
        (tmp_path / "EEGMAT" / f"{name}.edf").touch()
    assert SETS["eegmat"].subjects(tmp_path) == [3]
    monkeypatch.setenv("MNE_DATA", str(tmp_path))
    with pytest.raises(ValueError, match=r"EEGMAT.Subject03_1.edf cannot be read as EDF"):
        SETS["eegmat"].read(None, [3])


def test_prepare_takes_one_subject_or_more(tmp_path):
    small = dict(n_trials=3, n_windows=2)
    assert prepare("simulated", None, tmp_path, 1, **small) == [
        tmp_path / "simulated_sub-01-epo.fif"
    ]
    assert len(prepare("simulated", None, tmp_path, np.array([1, 2]), **small)) == 2
    with pytest.raises(ValueError, match=r"subjects is empty: give some of 1, 2, 3, or None"):
        prepare("simulated", None, tmp_path / "new", [])
    with pytest.raises(TypeError, match=r"subjects must be a whole number, got '1'"):
        prepare("simulated", None, tmp_path / "new", "1")
    assert not (tmp_path / "new").exists()


def test_prepare_goes_on_where_it_was_stopped(tmp_path):
    small = dict(n_trials=3, n_windows=2)
    (first,) = prepare("simulated", None, tmp_path, [1], **small)
    before = first.stat().st_mtime_ns
    files = prepare("simulated", None, tmp_path, [1, 2], **small)
    assert files[0].stat().st_mtime_ns == before
    assert sorted(tmp_path.iterdir()) == files
    assert len(mne.read_epochs(files[1], verbose="ERROR")) == 12  # two sessions
    second = mne.read_epochs(files[1], verbose="ERROR")
    assert set(second.metadata["subject"]) == {2}
    whole = simulate_emotion(n_subjects=2, n_sessions=2, **small).get_data(copy=False)
    np.testing.assert_allclose(second.get_data(copy=False), whole[12:], rtol=1e-5, atol=1e-12)
    prepare("simulated", None, tmp_path, [1], overwrite=True, **small)
    assert files[0].stat().st_mtime_ns > before


def test_prepare_keeps_nothing_of_other_settings(tmp_path):
    (file,) = prepare("simulated", None, tmp_path, [1], n_trials=3, n_windows=2)
    made = "Simulated emotions, n_trials=3, n_windows=2"
    assert mne.io.read_info(file, verbose="ERROR")["description"] == made
    with pytest.raises(ValueError, match=r"was made as .*n_windows=2"):
        prepare("simulated", None, tmp_path, [1, 2], n_trials=3, n_windows=4)
    assert list(tmp_path.iterdir()) == [file]
    prepare("simulated", None, tmp_path, [1], overwrite=True, n_trials=3, n_windows=4)
    assert len(mne.read_epochs(file, verbose="ERROR")) == 24


def test_prepare_leaves_nothing_half_written(tmp_path, monkeypatch):
    def fail(self, path, **kwargs):
        Path(path).write_bytes(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(mne.EpochsArray, "save", fail)
    with pytest.raises(OSError, match="disk full"):
        prepare("simulated", None, tmp_path, [1], n_trials=3, n_windows=2)
    assert list(tmp_path.iterdir()) == []


def test_script(tmp_path, recordings):
    script = FOLDER / "eegmat" / "prepare.py"
    words = ["--root", recordings / "eegmat", "--output", tmp_path, "--subjects", "2", "4"]
    done = subprocess.run([sys.executable, script, *words], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert sorted(f.name for f in tmp_path.iterdir()) == [
        "eegmat_sub-02-epo.fif",
        "eegmat_sub-04-epo.fif",
    ]


def test_scripts_say_what_is_wrong(tmp_path, capsys):
    with pytest.raises(SystemExit, match="2"):
        prepare_from_shell("seed", ["--root", str(tmp_path), "--output", str(tmp_path)])
    assert "SEED: nothing of it in" in capsys.readouterr().err
    for name in ("faced", "deap"):
        with pytest.raises(SystemExit, match="0"):
            prepare_from_shell(name, ["--help"])
        assert "--allow-pickle" in capsys.readouterr().out
    with pytest.raises(ValueError, match="name must be one of"):
        prepare("nothing", None, tmp_path)
    with pytest.raises(ValueError, match="window: simulated windows are of 1 s"):
        prepare("simulated", None, tmp_path, [1], window=2.0)
