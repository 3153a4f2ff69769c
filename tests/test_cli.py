import os
import shutil
import subprocess
import sysconfig
from io import StringIO

import matplotlib.pyplot as plt
import mne
import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import save_file
from typer.testing import CliRunner

from mne_sst import SSTClassifier, read_classifier
from mne_sst.cli import app

# MNE itself, on reading metadata with a pandas newer than it.

FIT, PREDICT = ["fit", "sim-epo.fif"], ["predict", "model.safetensors"]
ATTENTION = ["attention", "model.safetensors", "sim-epo.fif"]
TINY = ["--grid", "8", "--max-epochs", "1", "--quiet"]
CLASSES = ["negative", "neutral", "positive"]
COLUMNS = [f"p_{name}" for name in CLASSES]


@pytest.fixture(scope="module")
def folder(tmp_path_factory, epochs, fitted, features):
    """Epochs, recordings, a classifier, and files that will not do."""
    folder = tmp_path_factory.mktemp("cli")
    epochs.save(folder / "sim-epo.fif", verbose="ERROR")
    epochs.copy().drop_channels(["CZ"]).save(folder / "less-epo.fif", verbose="ERROR")
    epochs.copy().resample(100, verbose="ERROR").save(folder / "slow-epo.fif", verbose="ERROR")
    data = np.concatenate(list(epochs.get_data(copy=False)), axis=1)
    # End to end, the first half of the epochs and the second; and a lead of no place.
    info = mne.create_info([*epochs.ch_names, "ECG"], 200.0, "eeg")
    info.set_montage(epochs.get_montage(), on_missing="ignore")
    for name, part in zip(["rest", "task"], np.array_split(data, 2, axis=1), strict=True):
        raw = mne.io.RawArray(np.concatenate([part, part[:1]]), info, verbose="ERROR")
        raw.set_annotations(mne.Annotations([0, 10], [10, 8], ["closed", "open"]))
        raw.save(folder / f"{name}_raw.fif", verbose="ERROR")
    fitted.save(folder / "model.safetensors")
    features.save(folder / "features.safetensors")
    save_file({"a": np.zeros(3)}, folder / "other.safetensors")
    (folder / "text.safetensors").write_text("no model")
    (folder / "text_raw.fif").write_text("no recording")
    (folder / "empty-epo.fif").write_bytes(b"")
    return folder


@pytest.fixture
def run(folder, monkeypatch):
    """Run a command in the folder; MNE at the verbosity that it has by itself."""
    monkeypatch.chdir(folder)

    def run(*args):
        with mne.use_log_level("INFO"):
            result = CliRunner().invoke(app, [str(a) for a in args])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    yield run
    plt.close("all")


@pytest.fixture
def succeed(run):
    def succeed(*args):
        result = run(*args)
        assert result.exit_code == 0, result.stderr
        return result

    return succeed


def table_in(text):
    """The CSV in what was printed, wherever it starts."""
    start = max(text.find("epoch,"), 0)
    return pd.read_csv(StringIO(text[start:]))


def count_of_classes(summary):
    """Class -> windows in the line that fit ends with."""
    inside = summary[summary.index("(") + 1 : summary.index(")")]
    return {name: int(n) for name, n in (part.split(": ") for part in inside.split(", "))}


# -- fit -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("label", "column", "groups"),
    [("emotion", "emotion", "trial"), ("events", "emotion", None), ("label", "label", "subject")],
)
def test_fit_on_epochs(succeed, tmp_path, label, column, groups):
    options = [] if groups is None else ["--groups", groups]
    options += ["--output", tmp_path / "new.safetensors"]
    result = succeed(*FIT, "--label", label, *options, *TINY)
    clf = read_classifier(tmp_path / "new.safetensors")
    # The same as by the API.
    epochs = mne.read_epochs("sim-epo.fif", verbose="ERROR")
    y = epochs.metadata[column].to_numpy()
    expected = SSTClassifier(
        grid_shape=(8, 8),
        max_epochs=1,
        validation_fraction=0.0 if groups is None else 0.2,
        random_state=0,
        verbose=False,
    )
    expected.fit(epochs, y, groups=None if groups is None else epochs.metadata[groups].to_numpy())
    assert clf.classes_.tolist() == expected.classes_.tolist()
    loss = "train_loss" if groups is None else "valid_loss"
    losses = [c.history_[loss].item() for c in (clf, expected)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)
    np.testing.assert_allclose(clf.predict_proba(epochs), expected.predict_proba(epochs), atol=1e-3)
    assert result.stderr.startswith("48 windows (")
    assert "62 channels, passes: 1" in result.stderr
    assert count_of_classes(result.stderr) == {str(c): 16 for c in clf.classes_}


def test_seed_and_options_of_fit(succeed, tmp_path):
    options = ["--method=seed", "--temporal=power", "--variant=authors", *TINY]
    found = []
    for name, seed in {"a": 1, "b": 1, "c": 2}.items():
        output = tmp_path / f"{name}.safetensors"
        succeed(*FIT, "--label=emotion", "--output", output, "--seed", seed, *options)
        found.append(read_classifier(output))
    weights = [clf.module_.state_dict()["members.0.output.weight"].numpy() for clf in found]
    np.testing.assert_array_equal(weights[0], weights[1])
    assert np.abs(weights[0] - weights[2]).max() > 1e-3
    settings = found[0].feature_settings_
    assert (settings.method, settings.temporal, found[0].variant) == ("seed", "power", "authors")
    assert found[0].grid_.shape == (8, 8)
    assert len(found[0].history_) == 1


@pytest.mark.parametrize(
    ("label", "options", "counts", "window"),
    [
        ("file", [], {"rest_raw": 24, "task_raw": 24}, 1.0),
        ("file", ["--window", "2", "--overlap", "1"], {"rest_raw": 23, "task_raw": 23}, 2.0),
        ("events", [], {"closed": 20, "open": 16}, 1.0),
    ],
)
def test_fit_on_recordings(succeed, tmp_path, label, options, counts, window):
    output = tmp_path / "new.safetensors"
    files = ["rest_raw.fif", "task_raw.fif"]
    result = succeed("fit", *files, "--label", label, "--output", output, *options, *TINY)
    assert count_of_classes(result.stderr) == counts
    assert read_classifier(output).feature_settings_.window == window
    # New recordings are cut as in training.
    onsets = table_in(succeed("predict", output, "rest_raw.fif").stdout)["onset"]
    np.testing.assert_allclose(np.diff(onsets), window)


def test_fit_and_predict_edf(succeed, tmp_path, epochs):
    pytest.importorskip("edfio")
    data = np.concatenate(list(epochs.get_data(copy=False)[:, :4]), axis=1)
    info = mne.create_info(["EEG Fp1", "EEG Fp2", "EEG O1", "EEG O2"], 200.0, "eeg")
    files = [tmp_path / "a.edf", tmp_path / "b.edf"]
    for file, part in zip(files, np.array_split(data, 2, axis=1), strict=True):
        mne.export.export_raw(file, mne.io.RawArray(part, info, verbose="ERROR"), verbose="ERROR")
    output = tmp_path / "new.safetensors"
    succeed("fit", *files, "--label=file", "--output", output, *TINY)
    assert read_classifier(output).info_["ch_names"] == ["Fp1", "Fp2", "O1", "O2"]
    assert len(table_in(succeed("predict", output, files[0]).stdout)) == 24


# -- predict -------------------------------------------------------------------------------


def test_predict_epochs(succeed, fitted, epochs):
    table = table_in(succeed(*PREDICT, "sim-epo.fif").stdout)
    assert list(table) == ["epoch", *epochs.metadata, "file", "predicted", *COLUMNS]
    assert table["epoch"].tolist() == list(range(48))
    assert table["emotion"].tolist() == epochs.metadata["emotion"].tolist()
    probabilities = table[COLUMNS].to_numpy()
    # Each is rounded to six digits; the file holds single precision.
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=2e-6)
    np.testing.assert_allclose(probabilities, fitted.predict_proba(epochs), atol=1e-4)
    assert (table["predicted"] == np.array(CLASSES)[probabilities.argmax(axis=1)]).all()


def test_predict_recording(succeed, fitted, epochs):
    table = table_in(succeed(*PREDICT, "rest_raw.fif").stdout)
    assert list(table)[:5] == ["epoch", "onset", "annotation", "file", "predicted"]
    # The recording is the first 24 epochs, end to end.
    np.testing.assert_allclose(table["onset"], np.arange(24))
    expected = fitted.predict_proba(epochs[:24])
    np.testing.assert_allclose(table[COLUMNS], expected, atol=1e-4)
    halves = succeed(*PREDICT, "rest_raw.fif", "--overlap", "0.5").stdout
    np.testing.assert_allclose(table_in(halves)["onset"], np.arange(47) / 2)


def test_predict_epochs_with_a_column_of_that_name(succeed, tmp_path, epochs):
    named = epochs.copy()
    named.metadata = named.metadata.assign(epoch=7, predicted="mine", p_neutral=3.0)
    named.save(tmp_path / "named-epo.fif", verbose="ERROR")
    result = succeed(*PREDICT, tmp_path / "named-epo.fif")
    header = result.stdout.splitlines()[-49].split(",")
    assert header[0] == "epoch"
    assert header[-4:] == ["predicted", *COLUMNS]
    assert len(set(header)) == len(header)


def test_predict_to_a_file(succeed, run, tmp_path):
    command = [*PREDICT, "sim-epo.fif"]
    output = tmp_path / "found.csv"
    succeed(*command, "--output", output)
    table = pd.read_csv(output)
    pd.testing.assert_frame_equal(table, table_in(succeed(*command).stdout))
    output.write_text("mine")
    refused = run(*command, "--output", output)
    assert refused.exit_code == 2
    assert refused.stderr == f"mne-sst: error: {output} exists; add --overwrite to replace it.\n"
    assert output.read_text() == "mine"
    succeed(*command, "--output", output, "--overwrite")
    pd.testing.assert_frame_equal(pd.read_csv(output), table)
    assert list(tmp_path.iterdir()) == [output]


@pytest.mark.skipif(os.name == "nt", reason="permissions of POSIX")
def test_permissions_of_what_is_written(succeed, tmp_path):
    (tmp_path / "plain").touch()
    output = [tmp_path / "found.csv", tmp_path / "picture.png", tmp_path / "weights.csv"]
    succeed(*PREDICT, "sim-epo.fif", "--output", output[0])
    succeed(*ATTENTION, "--output", output[1], "--table", output[2])
    expected = oct((tmp_path / "plain").stat().st_mode)
    assert [oct(file.stat().st_mode) for file in output] == [expected] * 3


# -- attention -----------------------------------------------------------------------------


def test_attention(succeed, tmp_path, fitted, epochs):
    picture, weights = tmp_path / "heads.png", tmp_path / "weights.csv"
    succeed(*ATTENTION, "--output", picture, "--table", weights)
    assert picture.read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
    image = plt.imread(picture)
    assert 400 < image.shape[0] < 3000
    assert 400 < image.shape[1] < 3000
    # Heads in colour on white.
    assert len(np.unique(image[..., :3].reshape(-1, 3), axis=0)) > 100
    assert (image[0, 0, :3] == 1).all()
    table = pd.read_csv(weights)
    expected = fitted.attention(epochs).average().to_data_frame()
    pd.testing.assert_frame_equal(
        table.drop(columns=["weight", "name"]),
        expected.drop(columns=["weight", "name"]),
        check_dtype=False,
    )
    np.testing.assert_allclose(table["weight"], expected["weight"], atol=1e-4)


@pytest.mark.parametrize("there", ["heads.png", "weights.csv"])
def test_attention_replaces_nothing(run, tmp_path, there):
    (tmp_path / there).write_text("mine")
    picture, weights = tmp_path / "heads.png", tmp_path / "weights.csv"
    command = [*ATTENTION, "--output", picture, "--table", weights]
    result = run(*command)
    assert result.exit_code == 2
    assert f"{there} exists; add --overwrite" in result.stderr
    # All or nothing.
    assert [f.name for f in tmp_path.iterdir()] == [there]
    assert (tmp_path / there).read_text() == "mine"
    assert run(*command, "--overwrite").exit_code == 0
    assert (tmp_path / there).read_bytes() != b"mine"


# -- errors --------------------------------------------------------------------------------

NEW = ["--output", "new.safetensors"]


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ([*PREDICT, "none-epo.fif"], "there is no file 'none-epo.fif'"),
        ([*PREDICT, "text_raw.fif"], "MNE cannot read 'text_raw.fif'"),
        ([*PREDICT, "empty-epo.fif"], "empty-epo.fif"),
        ([*PREDICT, "less-epo.fif"], "X lacks 1 of the 62 channels of the training data: CZ"),
        ([*PREDICT, "slow-epo.fif"], "sfreq=100.0 where 200.0 was expected"),
        ([*PREDICT, "sim-epo.fif", "--montage", "no_such"], "--montage 'no_such' is neither"),
        ([*PREDICT, "rest_raw.fif", "--window", "2"], "windows of 2 s where 1 s were expected"),
        ([*PREDICT, "rest_raw.fif", "--overlap", "1"], "overlap must be shorter than window=1 s"),
        (["predict", "none.safetensors", "sim-epo.fif"], "there is no file 'none.safetensors'"),
        (["predict", "text.safetensors", "sim-epo.fif"], "text.safetensors is no safetensors"),
        (["predict", "sim-epo.fif", "sim-epo.fif"], "sim-epo.fif is no safetensors file"),
        (["predict", "other.safetensors", "sim-epo.fif"], "expected 'classifier'"),
        (["predict", "features.safetensors", "sim-epo.fif"], "expected 'classifier'"),
        ([*FIT, "--label", "mood", *NEW], "--label 'mood' is no column of the metadata of sim"),
        ([*FIT, "--label=emotion", "--groups=run", *NEW], "--groups 'run' is no column of the"),
        ([*FIT, "--label=file", *NEW], "y holds 1 class"),
        ([*FIT, "--label=emotion", "--output=new.pt"], "--output must end in .safetensors"),
        ([*FIT, "--label=emotion", "--output=model.safetensors"], "model.safetensors exists; add"),
        ([*FIT, "--label=emotion", "--method=magic", *NEW], "method must be one of"),
        ([*FIT, "--label=emotion", "--variant=none", *NEW], "variant must be one of"),
        ([*FIT, "slow-epo.fif", "--label=file", *NEW], "sfreq=100.0 where 200.0 was expected"),
        ([*ATTENTION, "--output=a.xyz"], "must end in one of .avif"),
        ([*ATTENTION, "--output=noending"], "must end in one of"),
        (["nothing"], "No such command"),
        ([], "Missing command"),
        (["demo", "--seed=-1"], "greater than or equal to 0; see 'mne-sst demo --help'."),
        ([*PREDICT, "sim-epo.fif", "--window=abc"], "'--window'"),
    ],
)
def test_errors_take_one_line(run, folder, command, message):
    before = sorted(folder.iterdir())
    result = run(*command, *(TINY if command[:1] == ["fit"] else []))
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.startswith("mne-sst: error: ")
    assert result.stderr.endswith("\n")
    assert len(result.stderr.splitlines()) == 1
    assert message in result.stderr
    assert sorted(folder.iterdir()) == before


@pytest.mark.parametrize(
    "command",
    [
        [*FIT, "--label=emotion", "--output=none/new.safetensors", *TINY],
        [*PREDICT, "sim-epo.fif", "--output=none/found.csv"],
        [*ATTENTION, "--output=none/heads.png"],
    ],
    ids=["fit", "predict", "attention"],
)
def test_folder_that_is_not_there_is_seen_before_the_work(run, monkeypatch, command):
    def work(*args, **kwargs):
        pytest.fail("went to work with nowhere to write to")

    for name in ("SSTClassifier.fit", "SSTClassifier.predict_proba", "_training.collect_attention"):
        monkeypatch.setattr(f"mne_sst.classifier.{name}", work)
    result = run(*command)
    assert result.exit_code == 2
    assert result.stderr.startswith("mne-sst: error: ")
    assert "none" in result.stderr


def test_interruption(run, monkeypatch):
    def interrupted(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(SSTClassifier, "predict_proba", interrupted)
    result = run("predict", "model.safetensors", "sim-epo.fif")
    assert result.exit_code == 130
    assert result.stderr == "mne-sst: interrupted\n"


# -- the program ---------------------------------------------------------------------------


def program(*args, folder):
    """Run the command as a shell does, MNE as talkative as it is by itself."""
    return subprocess.run(
        [shutil.which("mne-sst", path=sysconfig.get_path("scripts")), *args],
        capture_output=True,
        text=True,
        cwd=folder,
        env={**os.environ, "MNE_LOGGING_LEVEL": "INFO"},
        timeout=300,
    )


def test_program_keeps_stdout_for_the_table(folder):
    done = program("predict", "model.safetensors", "rest_raw.fif", folder=folder)
    assert done.returncode == 0
    assert done.stderr == "mne-sst: rest_raw.fif: channels without a position left out: ECG\n"
    lines = done.stdout.splitlines()
    assert lines[0].startswith("epoch,onset,")
    assert len(lines) == 1 + 24


def test_program_fails_on_stderr(folder):
    done = program("predict", "none.safetensors", "sim-epo.fif", folder=folder)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("mne-sst: error: ")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("command", "lines"),
    [
        ([*FIT, "--label=events", *TINY], 0),
        ([*PREDICT, "sim-epo.fif"], 49),
        ([*PREDICT, "sim-epo.fif"], 0),
        (ATTENTION, 0),
    ],
    ids=["fit", "predict", "predict to a file", "attention"],
)
def test_stdout_holds_data_only(succeed, tmp_path, command, lines):
    suffix = {"fit": "safetensors", "predict": "csv", "attention": "png"}[command[0]]
    output = [] if lines else ["--output", tmp_path / f"new.{suffix}"]
    found = succeed(*command, *output).stdout.splitlines()
    assert len(found) == lines
    assert all(line.count(",") == found[0].count(",") for line in found)
