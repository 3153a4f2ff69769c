"""How well attention and attribution find what was planted.

    python benchmarks/recovery.py [--seeds 5] [--json FILE]

Each seed plants a rhythm in pink noise (background of `simulate_emotion` without an effect):
in one region and side of the head, in one band, in one third of the window, in one of two
classes. A classifier with default settings learns from two thirds of the trials; on the others
its masks, its masks times its input, its gradients, integrated gradients and occlusion say
where, in which band and when the classes differ; attributions of a place are those of both
streams. AUC: the share of pairs of a planted and another electrode (region, band, moment) in
which the planted one has more; a region's weight is the mean of its electrodes. Chance is 0.5.
"""

import argparse
import json

import mne
import numpy as np
import pandas as pd
from scipy import signal
from sklearn.metrics import roc_auc_score

from mne_sst import SSTClassifier
from mne_sst.datasets import simulate_emotion
from mne_sst.regions import electrode_regions, region_means

BANDS = {"theta": (4.0, 8.0), "alpha": (8.0, 14.0), "beta": (14.0, 31.0), "gamma": (31.0, 50.0)}
#: Root mean square of the rhythm at its strongest electrode, V.
STRENGTH = {"theta": 30e-6, "alpha": 24e-6, "beta": 14e-6, "gamma": 16e-6}
#: Windows that are attributed; of occlusion a quarter.
N_ATTRIBUTED = 24


def plant(seed, n_subjects=3, n_trials=30, n_windows=5):
    """Return epochs with a rhythm in every other trial, and where it is."""
    rng = np.random.default_rng(seed)
    epochs = simulate_emotion(n_subjects, 1, n_trials, n_windows, effect=0.0, seed=seed)
    where = electrode_regions(epochs.info)
    sites = where.groupby(["region", "side"]).size()
    region, side = sites[sites >= 2].index[rng.integers((sites >= 2).sum())]
    members = ((where["region"] == region) & (where["side"] == side)).to_numpy()
    band = list(BANDS)[rng.integers(len(BANDS))]
    third = int(rng.integers(3))
    data = epochs.get_data(copy=True)
    n_times = data.shape[2]
    gate = np.zeros(n_times)
    start, stop = (n_times * np.array([third, third + 1]) / 3).astype(int)
    gate[start:stop] = signal.windows.tukey(stop - start, 0.3)
    raised = (epochs.metadata["trial"] % 2 == 0).to_numpy()
    field = falloff(epochs.info, members)
    sos = signal.butter(4, BANDS[band], "bandpass", fs=epochs.info["sfreq"], output="sos")
    noise = signal.sosfiltfilt(sos, rng.standard_normal((raised.sum(), 3 * n_times)), axis=1)
    noise = noise[:, n_times : 2 * n_times]
    noise *= STRENGTH[band] / noise.std()
    data[raised] += field[None, :, None] * (noise * gate)[:, None, :]
    planted = mne.EpochsArray(data, epochs.info, metadata=epochs.metadata, verbose="ERROR")
    truth = {"region": region, "side": side, "band": band, "third": third, "members": members}
    return planted, raised, truth


def falloff(info, members):
    """Strength at each electrode: 1 in the middle of the region, less around it."""
    loc = np.array([ch["loc"][:3] for ch in info["chs"]])
    loc = loc - np.array([0, 0, 0.04])
    loc /= np.linalg.norm(loc, axis=1, keepdims=True)
    middle = loc[members].mean(axis=0)
    angle = np.arccos(np.clip(loc @ (middle / np.linalg.norm(middle)), -1, 1))
    return np.exp(-0.5 * (angle / 0.35) ** 2)


def weights_of(clf, features, raised):
    """Name -> (electrodes, bands, moments), of one class less those of the other."""

    def contrast(values):
        return values[raised].mean(axis=0) - values[~raised].mean(axis=0)

    attention = clf.attention(features)
    heads = attention.to_electrodes("spectral")
    coarse = attention.to_electrodes("temporal")
    scaled = {
        name: (getattr(features, name) - clf.scaling_[name][0]) / clf.scaling_[name][1]
        for name in ("spectral", "temporal")
    }
    found = {
        "mask, mean": (heads[raised].mean(0), attention.bands.mean(0), attention.times.mean(0)),
        "mask, contrast": tuple(map(contrast, (heads, attention.bands, attention.times))),
        "mask x input": (
            contrast(heads * scaled["spectral"].mean(axis=2)),
            contrast(attention.bands * scaled["spectral"].mean(axis=1)),
            contrast(attention.times * (coarse[:, :, None] * scaled["temporal"]).mean(axis=1)),
        ),
        "input alone": (
            contrast(scaled["spectral"].mean(axis=2)),
            contrast(scaled["spectral"].mean(axis=1)),
            contrast(scaled["temporal"].mean(axis=1)),
        ),
    }
    few = np.sort(np.random.default_rng(0).permutation(len(features))[:N_ATTRIBUTED])
    for method in ("gradient", "integrated_gradients", "occlusion"):
        rows = few[::4] if method == "occlusion" else few
        given = clf.attribute(features[rows], True, method)
        inside = raised[rows]

        def change(values, inside=inside, method=method):
            if method == "gradient":
                return values.mean(axis=0)
            return values[inside].mean(axis=0) - values[~inside].mean(axis=0)

        found[method] = (
            change(given.to_electrodes("spectral") + given.to_electrodes("temporal")),
            change(given.bands),
            change(given.times),
        )
    return found


def recover(seed, **params):
    """Rows of one seed: method, AUC of region, band and time."""
    epochs, raised, truth = plant(seed)
    clf = SSTClassifier(random_state=seed, verbose=False, **params)
    features = clf.extract(epochs)
    test = (epochs.metadata["trial"] > 20).to_numpy()
    clf.fit(features[~test], raised[~test])
    accuracy = clf.score(features[test], raised[test])
    bands = np.array([name == truth["band"] for name, *_ in features.settings.bands])
    moments = features.settings.moments(features.temporal.shape[2]) / features.settings.window
    inside = (moments >= truth["third"] / 3) & (moments < (truth["third"] + 1) / 3)
    rows = []
    for method, (heads, depth, times) in weights_of(clf, features[test], raised[test]).items():
        rows.append(
            {
                "seed": seed,
                "planted": "{region} {side}, {band}, third {third}".format(**truth),
                "accuracy": accuracy,
                "method": method,
                "electrodes": roc_auc_score(truth["members"], heads),
                "region": region_auc(heads, epochs.info, truth),
                "band": roc_auc_score(bands, depth),
                "band_first": bool(bands[np.argmax(depth)]),
                "time": roc_auc_score(inside, times),
            }
        )
    return rows


def region_auc(heads, info, truth):
    """Share of the other regions and sides whose mean weight is below that of the planted."""
    means, where = region_means(heads[None], info)
    planted = (where["region"] == truth["region"]) & (where["side"] == truth["side"])
    return roc_auc_score(planted.to_numpy(), means[0])


def main():
    """Run all seeds, print a table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--networks", type=int, default=4)
    parser.add_argument("--json", help="file for all rows")
    arguments = parser.parse_args()
    rows = []
    for seed in range(arguments.first, arguments.first + arguments.seeds):
        rows += recover(seed, n_networks=arguments.networks)
        print(pd.DataFrame(rows[-7:]).round(2).to_string(index=False), flush=True)
    table = pd.DataFrame(rows)
    columns = ["electrodes", "region", "band", "band_first", "time"]
    print(table.groupby("method", sort=False)[columns].agg(["mean", "min"]).round(2).to_string())
    if arguments.json:
        with open(arguments.json, "w") as file:
            json.dump(rows, file, indent=1)


if __name__ == "__main__":
    main()
