"""
Attention and attribution
=========================

What each can say and what it cannot, with the check that tells pictures from evidence.
"""

# %%
# Emotions are simulated here on purpose: in a positive trial gamma of both temporal lobes rises,
# in a negative one alpha of the left frontal lobe, in a neutral one alpha at the back. So there
# is something to find, and a way to see whether it is found.

import numpy as np

from mne_sst import SSTClassifier
from mne_sst.attribution import randomization_check
from mne_sst.datasets import SETS, fetch_eegbci, simulate_emotion

print("Simulated emotions, 8 subjects; of three trials of an emotion two train")
epochs = simulate_emotion(n_subjects=8, n_trials=9, n_windows=4, effect=2.0)
y = epochs.metadata["emotion"].to_numpy()
clf = SSTClassifier(n_networks=1, max_epochs=20, random_state=0, verbose=False)
features = clf.extract(epochs)
trials = features.metadata.groupby(["subject", "emotion"])["trial"]
train = (trials.rank("dense") <= 2).to_numpy()
clf.fit(features[train], y[train])
held, truth = features[~train], y[~train]
subject = held.metadata["subject"].to_numpy()
print(f"accuracy on the other trials: {clf.score(held, truth):.2f}")

# %%
# Attention
# ---------
# What the network let through. Even attention is 1 everywhere; r is the mean correlation between
# the maps of two subjects.

attention = clf.attention(held, truth)
attention.plot_topomap(subjects=subject)

# %%
# A mask acts on what a network makes of its input, and a network can look at a place and decide
# by another. In ``benchmarks/recovery.py``, where region and band are known, the mask over bands
# finds the band, the mask over places hardly finds the region, and attribution finds both.
#
# Attribution
# -----------
# The gradient is quick: where a rise of the features raises the odds of a class (red), and where it
# lowers them (blue).

gradient = clf.attribute(held, truth, method="gradient")
gradient.plot_topomap(subjects=subject)

# %%
# By band, summed over electrodes:

gradient.plot_bands(subjects=subject)

# %%
# Integrated gradients (with captum) tell what speaks for a class in the window as it is, and what
# against: they go from the mean of the training data to the window. Their
# sum is the change in log odds, which can be checked. They take seconds a window, so here are
# six.

few = [int((truth == name).nonzero()[0][i]) for name in clf.classes_ for i in (0, 16)]
try:
    integrated = clf.attribute(held[few], truth[few], method="integrated_gradients")
except ImportError as error:
    print(error)
else:
    print("log odds left unexplained:", abs(integrated.completeness).max().round(5))
    integrated.plot_topomap(stream="spectral")

# %%
# A check
# -------
# An attribution that looks the same whatever was learnt says something of the data, not of the
# decision. So the weights are drawn anew, and the attributions compared: a rank correlation far
# below 1 is what it should be.

randomization_check(clf, held[::4], method="gradient", n_repeats=2)

# %%
# Regions and statistics
# ----------------------
# Means over regions, from the positions of the electrodes:

table = gradient.by_region("spectral")
table.pivot_table(index=["region", "side"], columns="label", values="weight").round(3)

# %%
# Two classes compared within each subject, and tested over subjects with clusters of neighbouring
# electrodes. Attributions are compared for one target: what raises the odds of "neutral", on
# windows that are neutral and on those that are negative. (Those of two targets differ in any
# network, whatever the data hold.) Of gradients that is where the slope changes from one to the
# other; where the values themselves speak for "neutral", ``method="integrated_gradients"`` tells
# in the same way, in minutes. White: electrodes of clusters with p < 0.05.

neutral = clf.attribute(held, "neutral", method="gradient")
contrast = neutral.contrast("neutral", "negative", subjects=subject, by=truth)
print(contrast.clusters.drop(columns="channels").round(3))
contrast.plot_topomap()

# %%
# In a recording
# --------------
# Nothing is planted here, but one thing is known: with closed eyes alpha grows at the back of the
# head. Of eyes open and eyes closed, if subject 1 of EEGMMIDB lies in MNE's data folder.

if 1 in SETS["eegbci"].subjects():
    print("EEGMMIDB, subject 1: eyes open (run 1) and closed (run 2)")
    recorded = fetch_eegbci([1], [1, 2], verbose=False)
    eyes = recorded.metadata["state"].to_numpy()
    first = np.arange(len(eyes)) % 60 < 40
    seen = clf.fit(recorded[first], eyes[first]).attribute(
        recorded[~first], eyes[~first], method="gradient"
    )
    print(f"accuracy on the last third: {clf.score(recorded[~first], eyes[~first]):.2f}")
    seen.plot_topomap(stream="spectral")
    seen.plot_bands()
else:
    print("EEGMMIDB is not in the data folder: nothing to see here")

# %%
# Everything as a table, one row a weight:

gradient.average().to_data_frame().head()
