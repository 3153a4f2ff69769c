"""The main figures as pictures: ``pytest --mpl-generate-path=tests/baseline tests/test_images.py``
draws them anew; look at each before it is committed."""

import mne
import numpy as np
import pandas as pd
import pytest

from mne_sst import viz
from mne_sst.contrast import Contrast

picture = pytest.mark.mpl_image_compare(
    baseline_dir="baseline", style="default", tolerance=4, savefig_kwargs={"dpi": 60}
)
BANDS = ["delta", "theta", "alpha", "beta", "gamma"]


@pytest.fixture(scope="module")
def info():
    """Thirty-two electrodes; their order in the montage of the oldest MNE that is supported."""
    names = "Fp1 Fp2 F7 F3 Fz F4 F8 FC5 FC1 FC2 FC6 T7 C3 Cz C4 T8 CP5 CP1 CP2 CP6 P7 P3 Pz P4 P8"
    made = mne.create_info([*names.split(), "PO7", "PO3", "PO4", "PO8", "O1", "Oz", "O2"], 200.0)
    made.set_channel_types(dict.fromkeys(made["ch_names"], "eeg"), verbose="ERROR")
    return made.set_montage("easycap-M1")


def hill(info, name, width=0.05):
    """One at an electrode, less with the distance to it (m)."""
    place = np.array([ch["loc"][:3] for ch in info["chs"]])
    distance = np.linalg.norm(place - place[info["ch_names"].index(name)], axis=1)
    return np.exp(-((distance / width) ** 2))


@picture
def test_attention(info):
    front, back = hill(info, "F3"), hill(info, "O2")
    rows = {
        "spectral stream": {"sad\n(n = 20, r = 0.91)": front, "glad\n(n = 18, r = 0.85)": back},
        "temporal stream": {"sad": 1 + front, "glad": 1 + 0.5 * back},
    }
    return viz.plot_attention(rows, info, "attention (1 = even)", show=False)


@picture
def test_contrast(info):
    values = hill(info, "F3") - hill(info, "O2")
    found = Contrast(
        difference=values,
        t=5 * values,
        clusters=pd.DataFrame({"p": [0.02]}),
        significant=values > 0.5,
        stability=0.62,
        labels=("sad", "glad"),
        n_units=12,
        n_permutations=1024,
        alpha=0.05,
        info=info,
        unit="log odds (nats)",
    )
    return found.plot_topomap(show=False)


@picture
def test_features(info):
    values = {
        "sad": np.stack([hill(info, n) for n in ("Fz", "F3", "Oz", "Cz", "T7")], axis=1),
        "glad": np.stack([hill(info, n) for n in ("Fz", "F4", "Pz", "Cz", "T8")], axis=1),
    }
    return viz.plot_features(values, info, BANDS, "DE (nats)", show=False)


@picture
def test_bands():
    rng = np.random.default_rng(0)
    groups = {name: rng.dirichlet(weights, 30) for name, weights in GROUPS.items()}
    return viz.plot_bands(
        groups, BANDS, "share of attention", even=0.2, stability={"sad": 0.9}, show=False
    )


GROUPS = {"sad": [20, 30, 40, 20, 10], "glad": [20, 20, 20, 30, 40], "calm": [30, 20, 20, 20, 20]}


@picture
def test_times():
    times = np.linspace(0.02, 0.98, 25)
    noise = np.random.default_rng(0).normal(0, 0.005, (2, 30, 25))
    early, late = (0.04 + 0.03 * np.exp(-(((times - t) / 0.2) ** 2)) for t in (0.3, 0.7))
    groups = {"sad": early + noise[0], "glad": late + noise[1]}
    return viz.plot_times(groups, times, "share of attention", even=0.04, show=False)


@picture
def test_scores():
    rng = np.random.default_rng(0)
    scores = {
        "SST-EmotionNet": rng.normal(0.7, 0.1, 15),
        "logistic regression": rng.normal(0.65, 0.1, 15),
        "nearest neighbours (leaky)": rng.normal(0.9, 0.03, 15),
    }
    return viz.plot_scores(scores, "accuracy", chance=1 / 3, show=False)


@picture
def test_confusion():
    counts = [[40, 5, 5], [10, 30, 10], [0, 0, 50]]
    return viz.plot_confusion(counts, ["sad", "neutral", "glad"], title="SST", show=False)


@picture
def test_timeline(info):
    times = np.r_[np.arange(0.5, 30), np.arange(40.5, 60)]
    rest = 0.5 + 0.45 * np.sin(times / 8)
    probabilities = np.stack([rest, 0.6 * (1 - rest), 0.4 * (1 - rest)], axis=1)
    heads = {10.5: hill(info, "F3"), 25.5: hill(info, "O2"), 50.5: hill(info, "Cz")}
    classes = ["rest", "task", "break"]
    return viz.plot_timeline(times, probabilities, classes, heads=heads, info=info, show=False)
