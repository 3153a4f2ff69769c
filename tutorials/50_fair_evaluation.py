"""
Fair evaluation
===============

The leak that makes many published figures too good, and how it is avoided.
"""

# %%
from mne_sst import SSTClassifier, viz
from mne_sst.datasets import example_epochs
from mne_sst.evaluation import (
    ShuffledWindows,
    SubjectKFold,
    check_split,
    compare,
    confusion,
    evaluate,
    named_scores,
    summarize,
)
from mne_sst.evaluation.baselines import baselines

epochs, about = example_epochs(n_subjects=4)
print(about)
network = SSTClassifier(
    grid_shape=(8, 8), n_networks=1, max_epochs=8, random_state=0, verbose=False
)
features = network.extract(epochs)
y = features.metadata["state"].to_numpy()

# %%
# The leak
# --------
# Windows of one trial resemble each other. If they are shuffled, a model that recognises the
# trial knows the label. Nearest neighbours do little else:

models = baselines(["logistic", "knn"])
common = dict(data=features, y=y, verbose=False)
leaky = evaluate(models, protocol=ShuffledWindows(4), **common)
fair = evaluate(models, protocol=SubjectKFold(4), **common)
for name, table in {"windows shuffled": leaky, "subjects held out": fair}.items():
    print(name)
    print(summarize(table)[["estimator", "leaky", "mean", "std"]].round(2).to_string(index=False))

# %%
# A split that cuts through a trial is an error, which names two of its windows.
# ``ShuffledWindows`` is the one exception, and marks every row and figure as leaky.

from sklearn.model_selection import KFold

train, test = next(KFold(5, shuffle=True, random_state=0).split(y))
try:
    check_split(train, test, features.metadata)
except ValueError as error:
    print(error)

# %%
# The easy way
# ------------
# Any estimator, a protocol, seeds. With ``results=`` each fold is written as soon as it is done,
# and a second call goes on from there. Chance is the share of the commonest class.

table = evaluate({"network": network, **models}, protocol=SubjectKFold(4), n_jobs=2, **common)
summarize(table).drop(columns=["selection", "leaky"]).round(3)

# %%
# Subjects are what a result must hold for, so they are the points, and intervals are over them.

viz.plot_scores(named_scores(table), "accuracy", chance=summarize(table)["chance"].mean())

# %%
# Two models are compared within subjects: signs of the differences are flipped, p values
# corrected after Holm.

tests = compare(table, reference="network")
tests[["a", "b", "difference", "n_subjects", "p", "p_corrected"]].round(3)

# %%
matrices = confusion(table)
viz.plot_confusion(matrices["network"].to_numpy(), list(matrices["network"].index), title="network")

# %%
# What is marked
# --------------
# Scaling each subject by its own windows, without labels, often helps, and takes windows of the
# test part: rows say ``transductive``. Choosing the best pass on the test part, as is often
# published, is ``selection="best-on-test"``, and stands beside the fair figure.

own = evaluate(models, protocol=SubjectKFold(4), standardize="subject", **common)
summarize(own)[["estimator", "transductive", "mean", "std"]].round(2)

# %%
published = evaluate(
    {"network": network}, protocol=SubjectKFold(2), selection="best-on-test", n_jobs=2, **common
)
summarize(published)[["estimator", "selection", "mean"]].round(2)
