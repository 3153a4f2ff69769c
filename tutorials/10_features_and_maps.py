"""
From Raw to features and maps
=============================

What differential entropy is, three ways to estimate it, and how electrodes become a map.
"""

# %%
# A recording
# -----------
# Eyes open and then closed, if subject 1 of EEGMMIDB lies in MNE's data folder; else one minute
# of simulated emotion, laid end to end.

import mne
import numpy as np

from mne_sst import BANDS, FeatureExtractor, TopoGrid, differential_entropy, viz
from mne_sst.datasets import SETS, simulate_emotion

known = SETS["eegbci"]
if 1 in known.subjects():
    print("EEGMMIDB, subject 1: eyes closed")
    raw = mne.io.read_raw_edf(known.where() / "S001" / "S001R02.edf", preload=True, verbose=False)
    mne.datasets.eegbci.standardize(raw)
    montage = mne.channels.make_standard_montage("easycap-M1")
    raw.pick([name for name in raw.ch_names if name in montage.ch_names])
    raw.set_montage(montage, verbose=False)
else:
    print("Simulated: 60 s of emotion (EEGMMIDB is not in the data folder)")
    epochs = simulate_emotion(n_subjects=1, n_trials=6, n_windows=10)
    signals = np.concatenate(list(epochs.get_data(copy=False)), axis=1)
    raw = mne.io.RawArray(signals, epochs.info, verbose=False)
raw

# %%
# Differential entropy
# --------------------
# Of a Gaussian signal it is half the logarithm of its variance, and a constant. Doubling the
# amplitude adds :math:`\ln 2 = 0.69` nats, wherever one starts from.

rng = np.random.default_rng(0)
noise = 1e-5 * rng.standard_normal(2000)  # 10 µV
for factor in (1, 2, 4):
    de = differential_entropy(factor * noise, 200.0)
    print(factor, dict(zip(BANDS, de.round(2), strict=True)))

# %%
# Three methods estimate the variance in a band. They agree on long windows; on short ones the
# edges of a filter weigh in, which ``"bandpass"`` warns of. ``"seed"`` has the constants of the
# official SEED features.

window = 1e-5 * rng.standard_normal(200 * 60)
for method in ("spectral", "bandpass", "seed"):
    print(f"{method:9}", differential_entropy(window, 200.0, method=method).round(2))

# %%
# Features of a recording
# -----------------------
# The extractor cuts a Raw into windows by itself. It has nothing to learn, so that it can stand
# before any split of the data.

extractor = FeatureExtractor(window=1.0, temporal="power", reference="average", verbose=False)
features = extractor.transform(raw)
features

# %%
# The mean over windows, one head a band; r is the correlation between the mean of every other
# window and that of the rest (``subjects=`` compares people instead):

features.plot_topomap()

# %%
# The second stack is log power in 25 parts of each window, here that of the first window at four
# electrodes.

print(features.settings.moments(features.temporal.shape[2])[:5], "s ...")
print(features.pick(features.ch_names[:4]).temporal[0, :, :5].round(2))

# %%
# Maps
# ----
# A `mne_sst.TopoGrid` is one matrix from electrodes to pixels. Left: which electrode weighs most
# in each pixel. Right: how much; at the rim cubic interpolation overshoots.

grid = TopoGrid(features.info, shape=(16, 16))
viz.plot_grid(grid)

# %%
# There and back again: electrodes to a map, and read off at their places.

alpha = features.spectral[:, :, list(features.bands).index("alpha")]
maps = grid.to_grid(alpha)
back = grid.to_electrodes(maps)
print(maps.shape, "largest difference after the way back:", np.abs(back - alpha).max().round(3))

# %%
# The paper's layout of 9 x 9 cells is there as well, for the 62 names that it knows.

few = mne.create_info(["Fpz", "Fz", "Cz", "Pz", "Oz", "C3", "C4"], 200.0, "eeg")
print(TopoGrid(few, shape=(32, 32), method="layout"))
