"""
Other signals
=============

The network is a model of multichannel signals: sleep stages here, and any stack of maps.
"""

# %%
# Sleep
# -----
# Simulated, since no set of sleep recordings belongs to this package: eight electrodes, windows
# of 30 s, with what scorers look for. Slow waves in N3, spindles in N2, alpha when awake, theta
# in REM. The rhythms of one person are stronger or weaker than those of another.

import mne
import numpy as np
import pandas as pd
import torch

from mne_sst import FeatureExtractor, SSTClassifier, SSTEmotionNet
from mne_sst.evaluation import LeaveOneSubjectOut, evaluate, summarize
from mne_sst.evaluation.baselines import baselines

print("Simulated sleep: 4 people, 4 stages")
CHANNELS = ["F3", "F4", "C3", "Cz", "C4", "Pz", "O1", "O2"]
SFREQ, WINDOW, N_WINDOWS = 100.0, 30.0, 12
FRONT = np.array([1.0, 1.0, 0.7, 0.7, 0.7, 0.4, 0.2, 0.2])
#: Stage -> frequency (Hz), strength (V) and where it is strongest.
STAGES = {
    "awake": (10.0, 12e-6, FRONT[::-1]),
    "N2": (13.5, 8e-6, 1 - np.abs(FRONT - 0.7)),
    "N3": (1.2, 40e-6, FRONT),
    "REM": (6.0, 8e-6, np.ones(8)),
}


def sleep(rng, stage, strength):
    """Simulate one window: pink noise, and the stage's rhythm that comes and goes."""
    n = int(SFREQ * WINDOW)
    spectrum = rng.standard_normal((9, n // 2 + 1)) + 1j * rng.standard_normal((9, n // 2 + 1))
    frequency = np.fft.rfftfreq(n, 1 / SFREQ)
    pink = spectrum[:8] / np.maximum(frequency, 0.5)
    noise = np.fft.irfft(pink, n)
    noise *= 10e-6 / noise.std()
    middle, size, where = STAGES[stage]
    band = np.exp(-(((frequency - middle) / (0.15 * middle)) ** 2)) * spectrum[8]
    rhythm = np.fft.irfft(band, n)
    rhythm *= strength * size * rng.lognormal(-0.7, 0.5) / rhythm.std()
    return noise + where[:, None] * rhythm


rng = np.random.default_rng(0)
rows, signals = [], []
for person in range(4):
    strength = rng.lognormal(0, 0.4)
    for stage in STAGES:
        signals += [sleep(rng, stage, strength) for _ in range(N_WINDOWS)]
        rows += [(person, stage, stage)] * N_WINDOWS
metadata = pd.DataFrame(rows, columns=["subject", "trial", "stage"])
info = mne.create_info(CHANNELS, SFREQ, "eeg").set_montage("easycap-M1")
epochs = mne.EpochsArray(np.array(signals), info, metadata=metadata, verbose=False)

# %%
# Bands and moments of one's own
# ------------------------------
# Sleep has other bands than emotion, and 30 s of power in 25 parts shows spindles come and go.
# The common level is part of what tells stages apart, so it keeps its weight.

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
    max_epochs=15,
    random_state=0,
    verbose=False,
)
features = clf.extract(epochs)
stage = metadata["stage"].to_numpy()
models = {"network": clf, **baselines(["logistic"])}
table = evaluate(models, features, stage, protocol=LeaveOneSubjectOut(), verbose=False)
summarize(table)[["estimator", "mean", "std", "chance"]].round(2)

# %%
# What speaks for each stage, band by band:

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
