"""
Ablation as in the paper
========================

Which parts of the network are worth having: streams, and attention over places and depth.
"""

# %%
# Six variants
# ------------
# `mne_sst.evaluation.ablation` gives them as named estimators. In the published code the temporal
# stream ignores the switch of attention; here it acts on both.

from mne_sst import SSTClassifier, viz
from mne_sst.datasets import example_epochs
from mne_sst.evaluation import (
    SubjectKFold,
    ablation,
    evaluate,
    markdown_table,
    named_scores,
    summarize,
)

epochs, about = example_epochs(n_subjects=4)
print(about)
small = SSTClassifier(grid_shape=(8, 8), n_networks=1, max_epochs=8, random_state=0, verbose=False)
variants = ablation(small)
list(variants)

# %%
# Each under the same folds, subjects held out. Small networks and few passes, so that this page
# is quick: differences between variants need more subjects and several seeds to be believed. On
# real recordings two people to learn from leave all of them near chance.

features = small.extract(epochs)
y = features.metadata["state"].to_numpy()
table = evaluate(variants, features, y, protocol=SubjectKFold(2), n_jobs=2, verbose=False)
summarize(table)[["estimator", "mean", "std", "low", "high"]].round(3)

# %%
viz.plot_scores(named_scores(table), "accuracy", chance=summarize(table)["chance"].mean())

# %%
# Laid out as the paper's table, for a paper of one's own:

print(markdown_table({about.split(",")[0]: table}))

# %%
# The same from the shell, on any set, resumed after an interruption, with three seeds::
#
#     mne-sst evaluate --data seed --root SEED --official --protocol fixed-trials \
#         --ablation --models sst,svm --seeds 3 --jobs 2 --output seed-ablation
