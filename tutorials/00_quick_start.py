"""
Quick start
===========

From `mne.Epochs` to scores on subjects that were never seen, and to attention on the head.
"""

# %%
# Windows of EEG
# --------------
# Anything that MNE reads will do, as long as channels have positions. Here: rest against mental
# arithmetic, if the recordings of EEGMAT lie in MNE's data folder, and simulated emotions if not.
# The metadata tell subjects and trials apart.

from sklearn.model_selection import StratifiedGroupKFold, cross_val_score

from mne_sst import SSTClassifier
from mne_sst.datasets import example_epochs

epochs, about = example_epochs(n_subjects=4)
print(about)
y = epochs.metadata["state"].to_numpy()
subject = epochs.metadata["subject"].to_numpy()
epochs.metadata.groupby(["subject", "state"]).size().unstack()

# %%
# Fit
# ---
# Epochs go straight in. One network instead of four, and few passes, so that this page is quick;
# leave both parameters out for results that count.

clf = SSTClassifier(n_networks=1, max_epochs=6, random_state=0, verbose=False)
clf.fit(epochs, y)

# %%
# Score
# -----
# Three people are few to learn from; expect more of the simulated ones than of real ones.
# Subjects are kept whole: a window is predicted by a network that has seen nothing of its
# subject. Features are made once, since scikit-learn slices them a thousand times faster than
# Epochs.

features = clf.extract(epochs)
scores = cross_val_score(clf, features, y, groups=subject, cv=StratifiedGroupKFold(4), n_jobs=2)
print("accuracy of each left-out subject:", scores.round(2))

# %%
# Attention
# ---------
# Where the network looked, one head for each predicted class and stream. 1 is what every place
# would get if attention were even; r tells how alike the maps of different subjects are.

attention = clf.attention(features)
attention.plot_topomap(subjects=subject)

# %%
# Attention is what the network let through. What a decision rests on is another question:
# :doc:`30_attention_and_attribution`.
#
# Keep it
# -------
# One file, without pickle.

import tempfile
from pathlib import Path

from mne_sst import read_classifier

with tempfile.TemporaryDirectory() as folder:
    clf.save(Path(folder) / "states.safetensors")
    again = read_classifier(Path(folder) / "states.safetensors")
print((again.predict(features) == clf.predict(features)).all())
