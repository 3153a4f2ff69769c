import random
import shutil
import subprocess
import sysconfig
from functools import partial
from io import StringIO

import matplotlib.pyplot as plt
import mne
import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold, KFold, cross_val_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from typer.testing import CliRunner

from mne_sst import FeatureExtractor, _demo, differential_entropy, read_classifier
from mne_sst.cli import app
from mne_sst.datasets import EMOTIONS, simulate_emotion

SMALL = {"n_subjects": 1, "n_trials": 3, "n_windows": 2}


def data_of(**params):
    return simulate_emotion(**{**SMALL, **params}).get_data(copy=False)


def learning_data(**params):
    """DE as rows, emotions, and what tells the trials apart."""
    features = FeatureExtractor(verbose=False).transform(simulate_emotion(**params))
    trials = features.groups(["subject", "session", "trial"])
    flat = features.spectral.reshape(len(features), -1)
    return flat, features.metadata["emotion"].to_numpy(), trials


def held_out_accuracy(model, x, y, trials):
    model = make_pipeline(StandardScaler(), model)
    return cross_val_score(model, x, y, groups=trials, cv=GroupKFold(6)).mean()


@pytest.fixture(scope="module")
def de_by_emotion():
    """Mean DE at effect 1: emotion -> band -> channel -> value."""
    epochs = simulate_emotion(n_subjects=6, n_trials=12, n_windows=3, effect=1.0)
    bands = {"alpha": (8, 14), "gamma": (31, 50)}
    de = differential_entropy(epochs.get_data(copy=False), epochs.info["sfreq"], bands)
    emotions = epochs.metadata["emotion"].to_numpy()
    return {
        emotion: {
            band: dict(zip(epochs.ch_names, means, strict=True))
            for band, means in zip(bands, de[emotions == emotion].mean(axis=0).T, strict=True)
        }
        for emotion in EMOTIONS
    }


# -- what comes back -----------------------------------------------------------------------


def test_epochs():
    epochs = simulate_emotion(2, 2, 6, 3, sfreq=250.0)
    assert isinstance(epochs, mne.BaseEpochs)
    assert epochs.get_data(copy=False).shape == (2 * 2 * 6 * 3, 62, 250)
    assert epochs.info["sfreq"] == 250.0
    assert epochs.times[0] == 0
    assert set(epochs.get_channel_types()) == {"eeg"}
    positions = np.array([ch["loc"][:3] for ch in epochs.info["chs"]])
    assert np.isfinite(positions).all()
    assert len(np.unique(positions.round(6), axis=0)) == 62
    # A sphere of about the size of a head.
    radius = np.linalg.norm(positions, axis=1)
    assert 0.06 < radius.min() < radius.max() < 0.15


def test_metadata_and_events():
    epochs = simulate_emotion(2, 2, 6, 3)
    table = epochs.metadata
    assert list(table.columns) == ["subject", "session", "trial", "label", "emotion"]
    assert (table["label"] == table["emotion"].map(EMOTIONS)).all()
    np.testing.assert_array_equal(epochs.events[:, 2], table["label"])
    assert epochs.event_id == EMOTIONS == {"negative": 1, "neutral": 2, "positive": 3}
    assert len(np.unique(epochs.events[:, 0])) == len(epochs)
    trials = table.groupby(["subject", "session", "trial"])
    assert len(trials) == 2 * 2 * 6
    assert (trials.size() == 3).all()
    assert len(table[["subject", "session", "trial", "emotion"]].drop_duplicates()) == len(trials)
    per_session = table.groupby(["subject", "session"])["emotion"].value_counts()
    assert (per_session == 2 * 3).all()
    orders = trials["label"].first().to_numpy().reshape(4, 6)
    assert len(np.unique(orders, axis=0)) > 1


def test_one_trial_has_one_event():
    epochs = simulate_emotion(1, 1, 1, 2)
    emotion = epochs.metadata["emotion"].iloc[0]
    assert epochs.event_id == {emotion: EMOTIONS[emotion]}


def test_size_of_the_signal():
    rms = 1e6 * np.sqrt(np.mean(np.square(data_of(n_trials=9)), axis=(0, 2)))
    assert rms.shape == (62,)
    assert rms.min() > 2
    assert rms.max() < 80
    assert 5 < np.sqrt(np.mean(rms**2)) < 50


# -- seeds ---------------------------------------------------------------------------------


def test_seeds():
    first = data_of(seed=4)
    np.testing.assert_array_equal(data_of(seed=4), first)
    assert np.corrcoef(data_of(seed=5).ravel(), first.ravel())[0, 1] < 0.5


def test_more_subjects_leave_the_first_as_it_was():
    one, three = (simulate_emotion(**{**SMALL, "n_subjects": n}) for n in (1, 3))
    first = three[(three.metadata["subject"] == 1).to_numpy()]
    np.testing.assert_array_equal(first.get_data(copy=False), one.get_data(copy=False))
    np.testing.assert_array_equal(first.events[:, 2], one.events[:, 2])
    second = three[(three.metadata["subject"] == 2).to_numpy()]
    assert not np.allclose(second.get_data(copy=False), one.get_data(copy=False))


def test_global_random_states_are_left_alone():
    def states():
        kind, keys, *rest = np.random.get_state()  # noqa: NPY002
        return kind, keys.tolist(), *rest, random.getstate()

    before = states()
    data_of()
    assert states() == before


# -- what there is to learn ----------------------------------------------------------------


@pytest.mark.parametrize(("effect", "low", "high"), [(0.0, 0.2, 0.45), (1.0, 0.6, 1.0)])
def test_effect_is_what_can_be_learnt(effect, low, high):
    # 120 trials: accuracy by chance has a standard deviation of about 0.04.
    data = learning_data(n_subjects=4, n_trials=30, n_windows=3, effect=effect)
    model = LogisticRegression(C=0.01, max_iter=1000)
    assert low < held_out_accuracy(model, *data) <= high


def test_stronger_effect_is_easier():
    model = LogisticRegression(C=0.01, max_iter=1000)
    weak, strong = (
        held_out_accuracy(model, *learning_data(n_subjects=3, n_windows=2, effect=e))
        for e in (0.5, 3.0)
    )
    assert strong > weak + 0.1


def test_windows_of_a_trial_resemble_each_other():
    x, y, trials = learning_data(n_subjects=3, n_trials=15, n_windows=6, effect=0.5)
    model = KNeighborsClassifier(1)
    shuffled = cross_val_score(
        make_pipeline(StandardScaler(), model), x, y, cv=KFold(6, shuffle=True, random_state=0)
    ).mean()
    assert shuffled > held_out_accuracy(model, x, y, trials) + 0.2


@pytest.mark.parametrize(
    ("emotion", "band", "channels"),
    [
        ("positive", "gamma", ["T7"]),
        ("positive", "gamma", ["T8"]),
        ("negative", "alpha", ["F3", "F5", "AF3"]),
        ("neutral", "alpha", ["O1", "PO5"]),
        ("neutral", "alpha", ["O2", "PO6"]),
    ],
)
def test_band_and_place_of_an_emotion(de_by_emotion, emotion, band, channels):
    def mean(of, names):
        return np.mean([de_by_emotion[of][band][name] for name in names])

    others = [e for e in EMOTIONS if e != emotion]
    rise = min(mean(emotion, channels) - mean(e, channels) for e in others)
    everywhere = np.mean(
        [mean(emotion, [n]) - mean(others[0], [n]) for n in de_by_emotion[emotion][band]]
    )
    assert rise > 0.2
    assert rise > everywhere


def test_frontal_asymmetry_of_negative_emotions(de_by_emotion):
    left_over_right = {
        emotion: np.mean([de["alpha"][n] for n in ("F3", "F5")])
        - np.mean([de["alpha"][n] for n in ("F4", "F6")])
        for emotion, de in de_by_emotion.items()
    }
    # At rest both sides are alike, but for chance.
    assert abs(left_over_right["positive"]) < 0.25
    assert abs(left_over_right["neutral"]) < 0.25
    assert left_over_right["negative"] > 0.4


def test_other_bands_hold_no_emotion():
    with_effect, without = (simulate_emotion(3, 1, 12, 3, effect=e) for e in (1.0, 0.0))
    np.testing.assert_array_equal(with_effect.events, without.events)
    bands = {"delta": (1, 4), "alpha": (8, 14), "beta": (16, 29), "gamma": (31, 50)}
    change = np.abs(
        differential_entropy(with_effect.get_data(copy=False), 200.0, bands)
        - differential_entropy(without.get_data(copy=False), 200.0, bands)
    ).max(axis=1)
    emotions = with_effect.metadata["emotion"].to_numpy()
    # Only the sources differ between the two, so nothing but leakage is left elsewhere.
    for emotion, raised in [("negative", "alpha"), ("neutral", "alpha"), ("positive", "gamma")]:
        found = np.median(change[emotions == emotion], axis=0)
        assert {name for name, x in zip(bands, found, strict=True) if x > 0.3} == {raised}
        assert np.sort(found)[-2] < 0.1


# -- arguments -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("params", "error", "match"),
    [
        ({"n_subjects": 0}, ValueError, "n_subjects"),
        ({"n_sessions": -1}, ValueError, "n_sessions"),
        ({"n_trials": 1.5}, TypeError, "n_trials"),
        ({"n_windows": "4"}, TypeError, "n_windows"),
        ({"n_windows": True}, TypeError, "n_windows"),
        ({"sfreq": 50}, ValueError, "sfreq"),
        ({"sfreq": float("inf")}, ValueError, "sfreq"),
        ({"effect": -0.1}, ValueError, "effect"),
        ({"effect": float("nan")}, ValueError, "effect"),
        ({"effect": None}, TypeError, "effect"),
        ({"seed": -1}, ValueError, None),
        ({"seed": "zero"}, (TypeError, ValueError), None),
    ],
)
def test_bad_arguments(params, error, match):
    with pytest.raises(error, match=match):
        simulate_emotion(**{**SMALL, **params})


# -- the demonstration ---------------------------------------------------------------------

small_demo = partial(_demo.run_demo, n_subjects=1, n_trials=6, n_windows=3, max_epochs=1)
DEMO_FILES = [
    *["attention_topomap.png", "attention_bands.png", "attention_times.png"],
    *["attribution_topomap.png", "attribution_bands.png"],
    *[f"features_{name}.png" for name in EMOTIONS],
    *["scores.csv", "predictions.csv", "attention.csv", "history.csv", "model.safetensors"],
]


@pytest.mark.slow
def test_demo(tmp_path):
    table, files = small_demo(tmp_path / "a", verbose=False)
    assert sorted(f.name for f in files) == sorted(DEMO_FILES)
    assert sorted(files) == sorted((tmp_path / "a").iterdir())
    for file in files:
        if file.suffix == ".png":
            assert min(plt.imread(file).shape[:2]) > 200
    assert plt.get_fignums() == []
    numbers = ["accuracy", "balanced_accuracy", "macro_f1", "kappa", "chance", "n"]
    assert list(table) == ["model", "by", *numbers]
    assert table["by"].tolist() == ["window", "trial"] * 2
    assert table["model"].nunique() == 2
    # Two of six trials are held out, of three windows each.
    assert table["n"].tolist() == [6, 2] * 2
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "a" / "scores.csv"), table)
    predictions = pd.read_csv(tmp_path / "a" / "predictions.csv")
    assert set(predictions["trial"]) == {5, 6}
    np.testing.assert_allclose(predictions[[f"p_{n}" for n in EMOTIONS]].sum(axis=1), 1)
    accuracy = (predictions["predicted"] == predictions["emotion"]).mean()
    assert accuracy == pytest.approx(table["accuracy"].iloc[0])
    assert len(pd.read_csv(tmp_path / "a" / "history.csv")) == 1
    clf = read_classifier(tmp_path / "a" / "model.safetensors")
    assert clf.classes_.tolist() == sorted(EMOTIONS)
    again, _ = small_demo(tmp_path / "b", verbose=False)
    pd.testing.assert_frame_equal(again, table)
    other = pd.read_csv(tmp_path / "b" / "predictions.csv")
    pd.testing.assert_frame_equal(other, predictions)


def test_demo_command(tmp_path, monkeypatch):
    monkeypatch.setattr(_demo, "run_demo", small_demo)
    command = ["demo", "--output", str(tmp_path / "new"), "--seed", "3", "--quiet"]
    with mne.use_log_level("INFO"):
        result = CliRunner().invoke(app, command)
    assert result.exit_code == 0
    scores = pd.read_csv(StringIO(result.stdout))
    pd.testing.assert_frame_equal(scores, pd.read_csv(tmp_path / "new" / "scores.csv"))
    assert all(name in result.stderr for name in DEMO_FILES)


@pytest.mark.slow
def test_full_demo(tmp_path):
    script = shutil.which("mne-sst", path=sysconfig.get_path("scripts"))
    done = subprocess.run(
        [script, "demo", "--quiet"], capture_output=True, text=True, cwd=tmp_path, timeout=1200
    )
    assert done.returncode == 0, done.stderr
    network = pd.read_csv(StringIO(done.stdout)).set_index("model").loc["SST-EmotionNet"]
    assert network["n"].tolist() == [360, 18]
    assert (network["accuracy"] > network["chance"] + 0.2).all()
    assert (network["kappa"] > 0.35).all()
    assert sorted(f.name for f in (tmp_path / "mne-sst-demo").iterdir()) == sorted(DEMO_FILES)
