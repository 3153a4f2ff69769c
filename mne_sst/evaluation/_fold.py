"""One fold: fit, predict, score."""

import time

import numpy as np
from sklearn.base import clone
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import has_fit_parameter

from ._scores import scores, trial_vote

PERMUTATIONS = 1000
#: What `evaluate` can do about the number of passes.
SELECTIONS = ("none", "best-on-test")


def seeded(estimator, seed):
    """Clone an estimator, and set whatever in it is called ``random_state``.

    Parameters
    ----------
    estimator : estimator
    seed : int

    Returns
    -------
    clone : estimator
    """
    estimator = clone(estimator)
    names = [
        n for n in estimator.get_params() if n == "random_state" or n.endswith("__random_state")
    ]
    return estimator.set_params(**dict.fromkeys(names, seed))


def _last_step(estimator):
    """What learns at the end of a pipeline, and the prefix of its parameters in ``fit``."""
    prefix = ""
    while isinstance(estimator, Pipeline):
        name, estimator = estimator.steps[-1]
        prefix += f"{name}__"
    return estimator, prefix


class _Predictions:
    """What an estimator says of the test part."""

    def __init__(self, estimator, X):
        start = time.perf_counter()
        self.predicted = np.asarray(estimator.predict(X))
        self.seconds = time.perf_counter() - start
        self.votes, self.classes = _confidence(estimator, X)


class _BestPass:
    """Keeps the predictions of the pass that does best on the test part."""

    def __init__(self, X, y):
        self.X, self.y = X, y
        self.best, self.accuracy, self.seconds = None, -1.0, 0.0

    def __call__(self, estimator):
        start = time.perf_counter()
        found = _Predictions(estimator, self.X)
        self.seconds += time.perf_counter() - start
        accuracy = np.mean(found.predicted == self.y)
        if accuracy > self.accuracy:
            self.best, self.accuracy = found, accuracy


def run_fold(key, estimator, data, y, table, fold, labels, chance, selection, extra):
    """Fit and score one fold; return its key and rows.

    Parameters
    ----------
    key : tuple
        Name of the estimator, seed, number of the fold.
    estimator, data, y : object
        As of `evaluate`.
    table : DataFrame
        Where each window comes from.
    fold : tuple of array
        Windows of the training and of the test part.
    labels : array
        All labels.
    chance, selection : str
        As of `evaluate`.
    extra : dict
        Columns that are the same for all folds.
    """
    name, seed, number = key
    train, test = fold
    estimator, fit_params, best = seeded(estimator, seed), {}, None
    last, prefix = _last_step(estimator)
    if len(table.columns) > 1 and has_fit_parameter(last, "groups"):
        columns = list(table.columns)
        fit_params[f"{prefix}groups"] = (
            table.iloc[train].groupby(columns, sort=False).ngroup().to_numpy()
        )
    if selection == "best-on-test" and has_fit_parameter(estimator, "on_pass"):
        fit_params["on_pass"] = best = _BestPass(data[test], y[test])
    start = time.perf_counter()
    try:
        estimator.fit(data[train], y[train], **fit_params)
    except Exception as error:
        error.add_note(f"while fitting {name!r}, seed {seed}, fold {number}")
        raise
    seconds = time.perf_counter() - start - (0.0 if best is None else best.seconds)
    n_trained = getattr(_last_step(estimator)[0], "n_windows_", len(train))
    common = {
        "estimator": name,
        "seed": seed,
        "fold": number,
        "n_train": int(n_trained),
        "n_validation": int(len(train) - n_trained),
        "fit_s": seconds,
    }
    rows = []
    outcomes = {"none": _Predictions(estimator, data[test])}
    if best is not None:
        outcomes["best-on-test"] = best.best
    for how, found in outcomes.items():
        known = {**common, "predict_s": found.seconds, "selection": how, **extra}
        rows += _rows(found, y[test], table.iloc[test], labels, chance, seed, known)
    return key, rows


def _rows(found, true, table, labels, chance, seed, known):
    """One row for each subject and session of the test part."""
    rows, here = [], table.reset_index(drop=True)
    levels = [c for c in ("subject", "session") if c in here]
    for values, part in here.groupby(levels, sort=False):
        index = part.index.to_numpy()
        where = {level: _plain(v) for level, v in zip(levels, values, strict=True)}
        scored = _scored(true[index], found.predicted[index], labels, chance, seed)
        vote = _vote(true[index], found.predicted[index], found.votes, found.classes, part, index)
        rows.append({**known, **where, **scored, **vote})
    return rows


def _plain(value):
    return value.item() if isinstance(value, np.generic) else value


def _confidence(estimator, X):
    """Confidence in each class, (n, n_classes), and the classes; None where there is none."""
    classes = getattr(estimator, "classes_", None)
    if classes is None:
        return None, None
    if hasattr(estimator, "predict_proba"):
        return np.asarray(estimator.predict_proba(X)), np.asarray(classes)
    if hasattr(estimator, "decision_function"):
        values = np.asarray(estimator.decision_function(X))
        if values.ndim == 1:
            values = np.column_stack([-values, values])
        if values.shape[1] == len(classes):
            return values, np.asarray(classes)
    return None, None


def _scored(true, predicted, labels, chance, seed):
    found = scores(true, predicted, labels)
    found["n_test"] = found.pop("n")
    if chance == "permutation":
        rng = np.random.default_rng(seed)
        shuffled = (np.mean(rng.permutation(predicted) == true) for _ in range(PERMUTATIONS))
        found["chance"] = float(np.mean(list(shuffled)))
    index = {label: i for i, label in enumerate(labels.tolist())}
    confusion = np.zeros((len(labels), len(labels)), int)
    for t, p in zip(true.tolist(), predicted.tolist(), strict=True):
        confusion[index[t], index[p]] += 1
    return {**found, "confusion": confusion.tolist()}


def _vote(true, predicted, votes, classes, part, index):
    nothing = {"trial_accuracy": float("nan"), "n_trials": 0}
    if "trial" not in part:
        return nothing
    trials = part["trial"].to_numpy()
    if votes is None:
        classes = np.unique(np.concatenate([true, predicted]))
        votes = (predicted[:, None] == classes).astype(float)
    else:
        votes = votes[index]
    if any(len(np.unique(true[trials == t])) > 1 for t in np.unique(trials)):
        return nothing
    of_trials, voted = trial_vote(true, votes, classes, trials)
    return {"trial_accuracy": float(np.mean(of_trials == voted)), "n_trials": len(of_trials)}
