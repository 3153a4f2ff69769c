"""
Epochs in scikit-learn
======================

Cross-validation, groups, grid search and pipelines, on Epochs or on features.
"""

# %%
import time

import numpy as np
from sklearn.model_selection import (
    GridSearchCV,
    LeaveOneGroupOut,
    StratifiedGroupKFold,
    cross_val_score,
)
from sklearn.pipeline import make_pipeline

from mne_sst import FeatureExtractor, SSTClassifier, viz
from mne_sst.datasets import example_epochs

epochs, about = example_epochs(n_subjects=3)
print(about)
y = epochs.metadata["state"].to_numpy()
subject = epochs.metadata["subject"].to_numpy()

# %%
# A small network, so that this page is quick.

small = SSTClassifier(grid_shape=(8, 8), n_networks=1, max_epochs=5, random_state=0, verbose=False)

# %%
# Epochs in a pipeline
# --------------------
# An extractor before the classifier says how features are made; everything takes Epochs as they
# are, and slices them.

pipeline = make_pipeline(FeatureExtractor(method="spectral", verbose=False), small)
print(cross_val_score(pipeline, epochs, y, groups=subject, cv=LeaveOneGroupOut()).round(2))

# %%
# One score for each person who was held out. Two people to learn from are few: on real recordings
# that is close to chance.

# %%
# Speed
# -----
# Features that are made once give the same in less time: scikit-learn slices data in every fold.

features = small.extract(epochs)
rows = np.arange(0, len(y), 2)


def seconds(data, n_times=20):
    """Mean time of one slice."""
    start = time.perf_counter()
    for _ in range(n_times):
        data[rows]
    return (time.perf_counter() - start) / n_times


print(f"Epochs: {1e3 * seconds(epochs):.1f} ms a slice, features: {1e3 * seconds(features):.3f} ms")

# %%
# Groups
# ------
# Windows of one trial resemble each other, and those of one person too. ``groups`` keeps them on
# one side. `mne_sst.EpochsFeatures.groups` numbers them from columns of the metadata. In EEGMAT a
# trial is a whole recording of one state: where a trial is held out, the same person's other state
# is in the training part, and who recognises the person is misled. There only subjects will do.

trial = features.groups(["subject", "session", "trial"])
scores = {
    f"{name} held out": cross_val_score(
        small, features, y, groups=groups, cv=StratifiedGroupKFold(3), n_jobs=2
    )
    for name, groups in {"trials": trial, "subjects": subject}.items()
}
fig = viz.plot_scores(scores, "accuracy", show=False)
fig.axes[0].set_xlabel("accuracy (points: folds)")

# %%
# Grid search
# -----------
# ``refit`` gives a classifier that is fitted on everything, as usual.

search = GridSearchCV(
    small,
    [{"noise": [0.0, 2.0]}, {"streams": ["spectral"]}],
    cv=StratifiedGroupKFold(2),
    n_jobs=2,
)
search.fit(features, y, groups=subject)
print(search.best_params_, f"{search.best_score_:.2f}")

# %%
# The best score of a search is itself a choice by those scores: report that of an outer loop, or
# of `mne_sst.evaluation.evaluate`, see :doc:`50_fair_evaluation`.
