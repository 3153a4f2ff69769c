"""
Other signals
=============

The network is a model of multichannel signals: sleep stages here, and any stack of maps.
"""

# %%
# Sleep
# -----
# The first nights of three people of Sleep-EDF (Kemp et al., 2000), if
# ``mne.datasets.sleep_physionet`` has put them into MNE's data folder; else simulated. Windows of
# 30 s, as scorers cut them.

from pathlib import Path

import mne
import numpy as np
import pandas as pd
import torch

from mne_sst import FeatureExtractor, SSTClassifier, SSTEmotionNet
from mne_sst.evaluation import LeaveOneSubjectOut, evaluate, summarize
from mne_sst.evaluation.baselines import baselines

WINDOW = 30.0
#: What the scorer wrote -> stage.
SCORED = {"W": "awake", "1": "N1", "2": "N2", "3": "N3", "4": "N3", "R": "REM"}
#: Two derivations, placed where their first electrode is.
DERIVATIONS = {"EEG Fpz-Cz": "Fpz", "EEG Pz-Oz": "Pz"}


def recorded_night(file, n_windows=250):
    """Read windows spread evenly over a night, from half an hour before sleep to one after."""
    scored = mne.read_annotations(next(file.parent.glob(f"{file.name[:7]}*-Hypnogram.edf")))
    asleep = [event for event in scored if event["description"][-1] in "1234R"]
    start, stop = (
        asleep[0]["onset"] - 1800,
        sum(asleep[-1][k] for k in ("onset", "duration")) + 1800,
    )
    raw = mne.io.read_raw_edf(file, include=list(DERIVATIONS), verbose=False)
    raw.rename_channels(DERIVATIONS).set_montage("easycap-M1")
    raw.set_annotations(scored, emit_warning=False)
    raw.crop(max(start, 0.0), min(stop, raw.times[-1]))
    stages = sorted(set(SCORED.values()))
    codes = {f"Sleep stage {k}": stages.index(stage) for k, stage in SCORED.items()}
    events, _ = mne.events_from_annotations(raw, codes, chunk_duration=WINDOW, verbose=False)
    events = events[:: max(len(events) // n_windows, 1)]
    epochs = mne.Epochs(
        raw, events, tmin=0, tmax=WINDOW - 1 / raw.info["sfreq"], baseline=None, verbose=False
    )
    epochs.load_data()
    stage = np.array(stages)[epochs.events[:, 2]]
    trial = np.cumsum(np.r_[True, stage[1:] != stage[:-1]])
    epochs.metadata = pd.DataFrame({"subject": file.name[3:5], "trial": trial, "stage": stage})
    return epochs


# %%
# The simulated night has eight electrodes and what scorers look for: slow waves in N3, spindles in
# N2, alpha when awake, theta in REM. The rhythms of one person are stronger or weaker than those of
# another.

CHANNELS = ["F3", "F4", "C3", "Cz", "C4", "Pz", "O1", "O2"]
FRONT = np.array([1.0, 1.0, 0.7, 0.7, 0.7, 0.4, 0.2, 0.2])
#: Stage -> frequency (Hz), strength (V) and where it is strongest.
STAGES = {
    "awake": (10.0, 12e-6, FRONT[::-1]),
    "N2": (13.5, 8e-6, 1 - np.abs(FRONT - 0.7)),
    "N3": (1.2, 40e-6, FRONT),
    "REM": (6.0, 8e-6, np.ones(8)),
}


def simulated_window(rng, stage, strength, sfreq=100.0):
    """Pink noise, and the stage's rhythm that comes and goes."""
    n = int(sfreq * WINDOW)
    spectrum = rng.standard_normal((9, n // 2 + 1)) + 1j * rng.standard_normal((9, n // 2 + 1))
    frequency = np.fft.rfftfreq(n, 1 / sfreq)
    pink = spectrum[:8] / np.maximum(frequency, 0.5)
    noise = np.fft.irfft(pink, n)
    noise *= 10e-6 / noise.std()
    middle, size, where = STAGES[stage]
    band = np.exp(-(((frequency - middle) / (0.15 * middle)) ** 2)) * spectrum[8]
    rhythm = np.fft.irfft(band, n)
    rhythm *= strength * size * rng.lognormal(-0.7, 0.5) / rhythm.std()
    return noise + where[:, None] * rhythm


def simulated_sleep(n_people=4, n_windows=12):
    """Windows of each stage of a few people."""
    rng = np.random.default_rng(0)
    rows, signals = [], []
    for person in range(n_people):
        strength = rng.lognormal(0, 0.4)
        for stage in STAGES:
            signals += [simulated_window(rng, stage, strength) for _ in range(n_windows)]
            rows += [(person, stage, stage)] * n_windows
    metadata = pd.DataFrame(rows, columns=["subject", "trial", "stage"])
    info = mne.create_info(CHANNELS, 100.0, "eeg").set_montage("easycap-M1")
    return mne.EpochsArray(np.array(signals), info, metadata=metadata, verbose=False)


home = mne.get_config("PHYSIONET_SLEEP_PATH") or mne.get_config("MNE_DATA") or "~/mne_data"
nights = sorted(Path(home).expanduser().glob("physionet-sleep-data/SC4??1E?-PSG.edf"))[:3]
if len(nights) > 1:
    print(f"Sleep-EDF: {len(nights)} people, one night each")
    epochs = mne.concatenate_epochs([recorded_night(file) for file in nights], verbose=False)
else:
    print("Simulated sleep: 4 people, 4 stages (Sleep-EDF is not in the data folder)")
    epochs = simulated_sleep()
metadata = epochs.metadata
metadata.groupby("stage").size()

# %%
# Bands and moments of one's own
# ------------------------------
# Sleep has other bands than emotion, and 30 s of power in 25 parts shows spindles come and go.
# The common level is part of what tells stages apart, so it keeps its weight. Stages are not
# equally long, hence balanced accuracy.

bands = {
    "slow": (0.5, 1.5),
    "delta": (1.5, 4),
    "theta": (4, 8),
    "alpha": (8, 12),
    "sigma": (12, 16),
}
extractor = FeatureExtractor(bands, temporal="power", temporal_band=(4.0, 30.0), verbose=False)
clf = SSTClassifier(
    extractor,
    grid_shape=(8, 8),
    common_weight=1.0,
    n_networks=1,
    max_epochs=12,
    random_state=0,
    verbose=False,
)
features = clf.extract(epochs)
stage = metadata["stage"].to_numpy()
models = {"network": clf, **baselines(["logistic"])}
table = evaluate(models, features, stage, protocol=LeaveOneSubjectOut(), n_jobs=2, verbose=False)
summarize(table, "balanced_accuracy")[["estimator", "mean", "std"]].round(2)

# %%
# How much the odds of each stage hang on each band:

clf.fit(features, stage)
clf.attribute(features, stage, method="gradient").plot_bands(subjects=metadata["subject"])

# %%
# Anything that lies on a map
# ---------------------------
# The module itself knows nothing of EEG: two stacks of maps in, logits out. Twenty sensors of a
# wrist band or a glove, each with four statistics and fifty moments, laid on a map by any matrix:

n_sensors, shape = 20, (8, 8)
places = np.random.default_rng(1).integers(0, 8, (n_sensors, 2))
projection = np.zeros((64, n_sensors))
projection[places[:, 0] * 8 + places[:, 1], np.arange(n_sensors)] = 1.0
net = SSTEmotionNet(
    n_outputs=2,
    n_bands=4,
    n_times=50,
    grid_shape=shape,
    projection=projection,
    generator=torch.Generator().manual_seed(0),
)
statistics, moments = torch.randn(6, n_sensors, 4), torch.randn(6, n_sensors, 50)
logits, masks = net.eval().forward_attention(statistics, moments)
print(tuple(logits.shape), {name: tuple(mask.shape) for name, mask in masks.items()})
