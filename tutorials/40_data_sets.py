"""
Data sets
=========

The sets of the field: which are open, which are here, and how they are read.
"""

# %%
# What there is
# -------------
# The same as ``mne-sst datasets``. Cards with labels, protocols and known problems:
# :doc:`/data_sets`.

import pandas as pd

from mne_sst.datasets import SETS, example_epochs, read_seed
from mne_sst.evaluation import FixedTrials, evaluate, summarize
from mne_sst.evaluation.baselines import baselines

pd.DataFrame(
    {
        "access": known.access,
        "subjects": known.n_subjects,
        "channels": known.n_channels,
        "here": len(known.subjects()),
    }
    for known in SETS.values()
).set_axis(list(SETS))

# %%
# Open sets
# ---------
# ``fetch_eegmat``, ``fetch_eegbci`` and ``fetch_emoeeg_mc`` download what is missing. The first and
# the last take up a file that was cut off where it ended; ``fetch_eegbci`` keeps files that are
# complete and gets others anew. Files of PhysioNet are checked against their checksums.
# `mne_sst.datasets.example_epochs` never downloads: it takes EEGMAT where it lies in MNE's data
# folder, and else simulates.

epochs, about = example_epochs(n_subjects=3)
print(about)
epochs.metadata.head(3)

# %%
# SEED and its relatives
# ----------------------
# Readers want the official folder as it was unpacked. They give Epochs from the recordings, or
# the official features:
#
# .. code-block:: python
#
#     epochs = read_seed("SEED", subjects=[1, 2], window=1.0)
#     features = read_seed("SEED", subjects=[1, 2], data="features")
#
# Here SEED is used if it is in MNE's data folder, and simulated emotions of the same layout if
# not: 62 electrodes, 15 trials a session.

seed = SETS["seed"]
if seed.subjects(official=True):
    print("SEED, official features of the first subject")
    features = read_seed(seed.where(), seed.subjects(official=True)[:1], data="features")
else:
    print("Simulated, 2 subjects, 2 sessions of 15 trials (SEED is not in the data folder)")
    simulated = SETS["simulated"].read(None, [1, 2])
    from mne_sst import FeatureExtractor

    features = FeatureExtractor(reference="average", verbose=False).transform(simulated)
features

# %%
features.plot_topomap()

# %%
# The customary protocol of SEED: of each session the first nine trials train, the others test.

emotion = features.metadata["emotion"].to_numpy()
protocol = FixedTrials(SETS["seed"].n_train)
table = evaluate(
    baselines(["logistic", "svm"]), features, emotion, protocol=protocol, verbose=False
)
summarize(table).round(3)

# %%
# A file that is cut off, a key that is missing or labels that do not fit are errors that name
# file and key; pickles are read only with ``allow_pickle=True``, and even then nothing but arrays
# is taken from them.

try:
    read_seed("no-such-folder", subjects=[1])
except FileNotFoundError as error:
    print(error)
