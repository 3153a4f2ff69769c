"""The commands evaluate and datasets, and the files they write."""

import importlib.util
import json
import shutil

import mne
import numpy as np
import pandas as pd
import pytest
from matplotlib.image import imread
from scipy.io import savemat
from sklearn.dummy import DummyClassifier
from sklearn.neighbors import KNeighborsClassifier
from typer.testing import CliRunner

from mne_sst.cli import app
from mne_sst.datasets import SETS, simulate_emotion
from mne_sst.evaluation import (
    LeaveOneSubjectOut,
    ShuffledWindows,
    TrialKFold,
    evaluate,
    markdown_table,
    summarize,
    write_results,
)
from mne_sst.evaluation.baselines import spectral_vector
from mne_sst.features import standardize_features

SMALL = ["--grid", "8", "--max-epochs", "1", "--networks", "1"]


def run(*words):
    return CliRunner().invoke(app, [str(w) for w in words], catch_exceptions=False)


@pytest.fixture(scope="module")
def epochs_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "own-epo.fif"
    epochs = simulate_emotion(n_subjects=2, n_trials=6, n_windows=3)
    epochs.save(path, verbose="ERROR")
    return path


def evaluated(epochs_file, output, *more):
    return run(
        *("evaluate", "--data", epochs_file, "--protocol", "trials", "--folds", 2, "--quiet"),
        *("--target", "emotion", "--output", output, *SMALL, *more),
    )


@pytest.fixture(scope="module")
def done(epochs_file, tmp_path_factory):
    output = tmp_path_factory.mktemp("output") / "new"
    result = evaluated(
        epochs_file, output, "--models", "sst,logistic,riemann", "--seeds", 2, "--best-on-test"
    )
    assert result.exit_code == 0, result.output
    return output, result


def test_without_pyarrow(epochs_file, tmp_path, monkeypatch):
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "pyarrow" else found(name)
    )
    result = evaluated(epochs_file, tmp_path / "new", "--models", "logistic")
    assert result.exit_code == 0, result.output
    assert (tmp_path / "new" / "results.csv").exists()
    assert not (tmp_path / "new" / "results.parquet").exists()
    assert "pip install pyarrow" in result.stderr


def test_evaluate_writes_everything(done):
    output, result = done
    table = pd.read_csv(output / "results.csv")
    # Two subjects, two folds, two seeds; the network also as it is published.
    counts = table.groupby(["estimator", "selection"]).size().to_dict()
    assert counts == {
        ("sst", "none"): 8,
        ("sst", "best-on-test"): 8,
        ("logistic", "none"): 8,
        ("riemann", "none"): 8,
    }
    assert np.shape(json.loads(table["confusion"][0])) == (3, 3)
    pd.testing.assert_frame_equal(pd.read_parquet(output / "results.parquet"), table)
    text = (output / "table.md").read_text()
    assert "| Method | own-epo, ACC (%) | STD (%) |" in text
    assert "| sst (best-on-test) |" in text
    printed = pd.read_csv(pd.io.common.StringIO(result.stdout))
    assert printed["estimator"].to_list() == ["sst", "sst", "logistic", "riemann"]
    for name in ("scores.png", "confusion-sst.png", "confusion-sst--best-on-test.png"):
        assert imread(output / name).std() > 0.01


def test_a_second_run_takes_up_the_first(done, epochs_file):
    output, first = done
    before = (output / "results.jsonl").read_bytes()
    again = evaluated(
        epochs_file, output, "--models", "sst,logistic,riemann", "--seeds", 2, "--best-on-test"
    )
    assert again.stdout == first.stdout
    assert (output / "results.jsonl").read_bytes() == before
    other = evaluated(
        epochs_file, output, "--models", "sst,logistic", "--best-on-test", "--temporal", "signal"
    )
    assert other.exit_code == 2
    assert "came from other settings" in other.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--models", "nothing"], "--models: nothing not among sst"),
        (["--models", ""], "--models is empty: give some of sst"),
        (["--protocol", "none"], "--protocol must be one of"),
        (["--protocol", "fixed-trials"], "needs --n-train"),
        (["--protocol", "sessions"], "needs two sessions of each subject"),
        (["--target", "mood"], "--target mood: no such column"),
        (["--data", "nothing"], "neither a data set (simulated,"),
        (["--data", "seed", "--root", "nowhere"], "SEED: nothing of it in nowhere. Get it from"),
        (["--data", "eegmat", "--subjects", "5-1"], "--subjects: 5-1 runs backwards; write 1-5"),
        (["--data", "eegmat", "--subjects", "x"], "--subjects must be numbers like 1,2,5 or 0-17"),
    ],
)
def test_what_is_wrong_is_told_in_a_line(words, message, epochs_file, tmp_path):
    result = evaluated(epochs_file, tmp_path / "out", "--models", "knn", *words)
    assert result.exit_code == 2
    assert message in result.stderr
    assert result.stderr.count("\n") == 1
    assert not list((tmp_path / "out").glob("*.csv"))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--protocol", "none"], "--protocol must be one of"),
        (["--protocol", "fixed-trials"], "needs --n-train"),
        (["--chance", "none"], "--chance must be one of"),
        (["--best-on-test"], "--best-on-test needs a model that trains in passes"),
        (["--jobs", 0], "--jobs must be 1 or more, or -1 for all processors, got 0"),
        (["--output", __file__], f"--output {__file__} is a file; give a folder"),
    ],
)
def test_choices_are_looked_at_before_data_are_read(
    words, message, epochs_file, tmp_path, monkeypatch
):
    def never(*args, **kwargs):
        raise AssertionError

    monkeypatch.setattr("mne_sst._evaluation_run.load", never)
    result = evaluated(epochs_file, tmp_path / "out", "--models", "knn", *words)
    assert result.exit_code == 2
    assert message in result.stderr


def test_features_file(epochs_file, tmp_path, features):
    features.save(tmp_path / "own-feat.safetensors")
    words = ["--models", "knn,dgcnn", "--data", tmp_path / "own-feat.safetensors"]
    result = evaluated(epochs_file, tmp_path, *words, "--protocol", "subjects", "--standardize")
    assert result.exit_code == 0, result.output
    assert "| knn (transductive) |" in (tmp_path / "table.md").read_text()
    result = evaluated(epochs_file, tmp_path / "2", *words, "--models", "riemann")
    assert "riemann needs signals" in result.stderr


def test_ablation(epochs_file, tmp_path):
    result = evaluated(
        *(epochs_file, tmp_path, "--models", "", "--ablation", "--protocol", "subjects-kfold")
    )
    assert result.exit_code == 0, result.output
    assert (tmp_path / "table.md").read_text().count("| sst: ") == 6


def test_shuffled_windows_are_marked_everywhere(features, y, tmp_path):
    knn = {"knn": KNeighborsClassifier(1)}
    flat = spectral_vector(features)
    common = dict(y=y, groups=features.metadata[["subject", "session", "trial"]])
    leaky = evaluate(knn, flat, protocol=ShuffledWindows(3), **common)
    fair = evaluate(knn, flat, protocol=TrialKFold(3), **common)
    assert leaky["leaky"].all()
    assert not fair["leaky"].any()
    both = pd.concat([fair, leaky])
    both.attrs = fair.attrs
    assert summarize(both)["leaky"].to_list() == [False, True]
    files = write_results(both, tmp_path, "simulated")
    assert "| knn (leaky) |" in (tmp_path / "table.md").read_text()
    assert tmp_path / "confusion-knn--leaky.png" in files


def test_features_that_know_the_test_part_are_transductive(features, y):
    models = {"dummy": DummyClassifier()}
    common = dict(y=y, protocol=LeaveOneSubjectOut())
    assert not evaluate(models, features, **common)["transductive"].any()
    scaled = standardize_features(features, by=features.metadata["subject"].to_numpy())
    assert evaluate(models, scaled, **common)["transductive"].all()
    smooth = features.smooth(["subject", "trial"], "moving_average")
    assert evaluate(models, smooth, **common)["transductive"].all()


def test_table_of_several_sets(features, y):
    table = evaluate({"d": DummyClassifier()}, features, y, protocol=LeaveOneSubjectOut())
    text = markdown_table({"one": table, "two": table.assign(estimator="e")}, "balanced_accuracy")
    lines = text.splitlines()
    named = "balanced accuracy (%) | STD (%)"
    assert lines[0] == f"| Method | one, {named} | two, {named} |"
    kappa = markdown_table({"one": table}, "kappa").splitlines()
    assert kappa[0] == "| Method | one, Cohen's kappa | STD |"
    assert kappa[2] == "| d | 0.000 | 0.000 |"
    assert lines[2] == "| d | 33.33 | 0.00 | - | - |"
    assert lines[3] == "| e | - | - | 33.33 | 0.00 |"


def test_datasets_are_listed(tmp_path, monkeypatch):
    folder = tmp_path / "SEED" / "Preprocessed_EEG"
    folder.mkdir(parents=True)
    for name in ("2_20131027.mat", "10_20131027.mat", "label.mat"):
        (folder / name).touch()
    result = run("datasets", "--root", tmp_path)
    table = pd.read_csv(pd.io.common.StringIO(result.stdout)).set_index("name")
    assert list(table.index) == list(SETS)
    assert table.loc["seed", "present"] == "2 of 15 subjects"
    assert table.loc["seed", "where"] == str(tmp_path / "SEED")
    assert table.loc["deap", "present"] == "0 of 32 subjects"
    assert table.loc["deap", "where"].startswith("https://")
    assert set(table["access"]) == {"open", "closed"}
    assert SETS["seed"].subjects(tmp_path / "SEED") == [2, 10]
    lost = run("datasets", "--root", tmp_path / "nowhere")
    assert lost.exit_code == 2
    assert "--root: there is no folder" in lost.stderr


def test_official_features(seed_like, tmp_path):
    words = ["--data", "seed", "--root", seed_like, "--models", "knn", "--quiet"]
    words += ["--protocol", "fixed-trials", "--n-train", 2]
    result = run("evaluate", *words, "--official", "--output", tmp_path / "a")
    assert result.exit_code == 0, result.output
    table = pd.read_csv(tmp_path / "a" / "results.csv")
    # Smoothed over whole trials by their makers.
    assert table["transductive"].all()
    assert set(table["subject"]) == {2, 10}
    own = run("evaluate", *words, "--output", tmp_path / "b")
    assert own.exit_code == 0, own.output
    assert not pd.read_csv(tmp_path / "b" / "results.csv")["transductive"].any()
    result = run("evaluate", *words, "--official", "--data", "deap", "--output", tmp_path / "c")
    assert "no features came with DEAP, only with seed, seed-iv" in result.stderr
    words[words.index("knn")] = "riemann"
    result = run("evaluate", *words, "--official", "--output", tmp_path / "c")
    assert "riemann needs signals" in result.stderr


@pytest.fixture(scope="module")
def seed_like(tmp_path_factory):
    """Two subjects, three sessions each, in the layout of SEED."""
    folder = tmp_path_factory.mktemp("SEED")
    labels = {"label": np.array([[1, 0, -1, 1]])}
    rng = np.random.default_rng(0)
    for name in ("Preprocessed_EEG", "ExtractedFeatures"):
        (folder / name).mkdir()
        savemat(folder / name / "label.mat", labels)
        days = ("20131027", "20131103", "20131110")
        for stem in (f"{subject}_{day}" for subject in (2, 10) for day in days):
            if name == "Preprocessed_EEG":
                content = {f"a_eeg{i}": rng.standard_normal((62, 801)) for i in range(1, 5)}
            else:
                content = {f"de_LDS{i}": rng.standard_normal((62, 4, 5)) for i in range(1, 5)}
            savemat(folder / name / f"{stem}.mat", content)
    return folder


def test_root_is_the_set_or_holds_it(seed_like, tmp_path, recordings):
    shutil.copytree(seed_like, tmp_path / "SEED")
    assert SETS["seed"].where(tmp_path) == SETS["seed"].where(tmp_path / "SEED")
    assert SETS["seed"].subjects(tmp_path) == [2, 10]
    words = ["--models", "majority", "--protocol", "subjects", "--quiet", "--subjects", "2,3"]
    where = ["--data", "eegmat", "--root", recordings]
    result = run("evaluate", *where, *words, "--output", tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert set(pd.read_csv(tmp_path / "out" / "results.csv")["subject"]) == {2, 3}
    result = run("evaluate", *where, *words, "--target", "mood", "--output", tmp_path / "b")
    assert "--target mood: no such column in the metadata (subject" in result.stderr
    result = run("evaluate", *where, *words, "--chance", "luck", "--output", tmp_path / "b")
    assert "chance" in result.stderr


def test_official_features_alone(seed_like, tmp_path):
    shutil.copytree(seed_like / "ExtractedFeatures", tmp_path / "SEED" / "ExtractedFeatures")
    words = ["--data", "seed", "--root", tmp_path / "SEED", "--models", "knn", "--quiet"]
    words += ["--protocol", "fixed-trials", "--n-train", 2]
    result = run("evaluate", *words, "--official", "--output", tmp_path / "a")
    assert result.exit_code == 0, result.output
    assert set(pd.read_csv(tmp_path / "a" / "results.csv")["subject"]) == {2, 10}
    assert SETS["seed"].subjects(tmp_path / "SEED", official=False) == []
    result = run("evaluate", *words, "--output", tmp_path / "b")
    assert "SEED: nothing of it in" in result.stderr
    result = run("evaluate", *words, "--official", "--allow-pickle", "--output", tmp_path / "b")
    assert "--allow-pickle: SEED has no pickle files" in result.stderr
    result = run("evaluate", *words, "--official", "--window", 2, "--output", tmp_path / "b")
    assert "SEED are of windows of 1 or 4 s" in result.stderr
    result = run("evaluate", *words, "--official", "--window", 0, "--output", tmp_path / "b")
    assert "window" in result.stderr
    words[words.index("knn")] = "sst"
    result = run("evaluate", *words, "--official", "--output", tmp_path / "b")
    assert result.exit_code == 2
    assert "subject 2 of SEED has features but no signals" in result.stderr
    assert "--models sst-spectral,logistic" in result.stderr
    # Signals of the second subject only.
    words[words.index("sst")] = "knn"
    raw = tmp_path / "SEED" / "Preprocessed_EEG"
    raw.mkdir()
    for file in (seed_like / raw.name).glob("10_*"):
        shutil.copy(file, raw)
    result = run("evaluate", *words, "--official", "--output", tmp_path / "b")
    assert result.exit_code == 2
    assert "subject 10 of SEED has features and signals, unlike the first" in result.stderr


def test_one_subject_alone(seed_like, tmp_path):
    words = ["--data", "seed", "--root", seed_like, "--models", "knn", "--quiet", "--subjects", 2]
    words += ["--protocol", "fixed-trials", "--n-train", 2, "--output", tmp_path]
    result = run("evaluate", *words)
    assert result.exit_code == 0, result.output
    assert {"scores.png", "confusion-knn.png"} <= {file.name for file in tmp_path.iterdir()}


def test_what_means_nothing_for_a_file_is_refused(tmp_path):
    epochs = simulate_emotion(n_subjects=3, n_trials=3, n_windows=2)
    file = tmp_path / "own-epo.fif"
    epochs.save(file, verbose="ERROR")
    words = ["--data", file, "--models", "knn", "--quiet", "--protocol", "subjects"]
    for option in (["--window", 0.5], ["--overlap", 0.2], ["--official"], ["--root", tmp_path]):
        result = run("evaluate", *words, *option, "--output", tmp_path / "a")
        assert result.exit_code != 0
        assert f"{option[0]} means nothing" in result.stderr
    result = run("evaluate", *words, "--subjects", "1,3", "--output", tmp_path / "a")
    assert result.exit_code == 0, result.output
    assert set(pd.read_csv(tmp_path / "a" / "results.csv")["subject"]) == {1, 3}
    result = run("evaluate", *words, "--subjects", "4", "--output", tmp_path / "b")
    assert "--subjects: 4 not found, only 1, 2, 3" in result.stderr


def test_files_that_hold_no_epochs(tmp_path):
    epochs = simulate_emotion(n_subjects=2, n_trials=3, n_windows=2)
    epochs.save(tmp_path / "own-epo.fif.gz", verbose="ERROR")
    words = ["--models", "knn", "--quiet", "--protocol", "subjects", "--output", tmp_path / "a"]
    result = run("evaluate", "--data", tmp_path / "own-epo.fif.gz", *words)
    assert result.exit_code == 0, result.output
    raw = mne.io.RawArray(np.zeros((2, 300)), mne.create_info(2, 100.0, "eeg"), verbose="ERROR")
    raw.save(tmp_path / "own_raw.fif", verbose="ERROR")
    result = run("evaluate", "--data", tmp_path / "own_raw.fif", *words)
    assert result.exit_code == 2
    assert "own_raw.fif holds no epochs" in result.stderr


def test_a_set_through_its_reader(tmp_path, recordings):
    result = run(
        *("evaluate", "--data", "eegmat", "--root", recordings / "eegmat", "--quiet"),
        *("--models", "logistic", "--protocol", "subjects", "--output", tmp_path),
    )
    assert result.exit_code == 0, result.output
    table = pd.read_csv(tmp_path / "results.csv")
    assert table["subject"].to_list() == [2, 3, 4, 5]
    assert (table["n_test"] == 60).all()
