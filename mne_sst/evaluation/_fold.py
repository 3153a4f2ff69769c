"""One fold: fit, predict, score."""

import time

import numpy as np
from sklearn.base import clone
from sklearn.pipeline import Pipeline
from sklearn.utils.metadata_routing import get_routing_for_object
from sklearn.utils.validation import has_fit_parameter

from ._origin import LEVELS
from ._scores import chance_of, confusion_of, scores, trial_vote

#: Share of windows whose largest decision value is that of the class predicted; ties in the
#: votes of pairs may decide otherwise.
_LEAST_AGREEMENT = 0.9
#: What `evaluate` can do about the number of passes.
SELECTIONS = ("none", "best-on-test")


def seeded(estimator, seed):
    """Clone an estimator, set whatever in it is called ``random_state``, and make it silent.

    Parameters
    ----------
    estimator : estimator
    seed : int

    Returns
    -------
    clone : estimator
    """
    estimator = clone(estimator)
    params = {}
    for name, value in estimator.get_params().items():
        last = name.rpartition("__")[2]
        if last == "random_state":
            params[name] = seed
        elif last == "verbose" and value is None:
            params[name] = False  # there is one bar already
    # What is frozen takes no parameters.
    return estimator.set_params(**params) if params else estimator


def take(data, rows):
    """Rows of data, of a DataFrame too."""
    return data.iloc[rows] if hasattr(data, "iloc") else data[rows]


def _last_step(estimator):
    """What learns at the end of a pipeline, and the prefix of its parameters in ``fit``."""
    prefix = ""
    while isinstance(estimator, Pipeline):
        name, estimator = estimator.steps[-1]
        prefix += f"{name}__"
    return estimator, prefix


def _trained(estimator):
    """What learnt in the end, within pipelines and searches."""
    while True:
        last = _last_step(estimator)[0]
        last = getattr(last, "best_estimator_", last)
        if last is estimator:
            return last
        estimator = last


def _groups_for(estimator, table):
    """Parameters of ``fit`` that say where windows come from, for those that ask."""
    last, prefix = _last_step(estimator)
    columns = [c for c in LEVELS if c in table]
    if len(columns) < 2:  # nobody has told more than that there is one session
        return {}
    codes = table.groupby(columns, sort=False).ngroup().to_numpy()
    if has_fit_parameter(last, "groups"):
        return {f"{prefix}groups": codes}
    if not _is_search(last):
        return {}
    if getattr(last.cv, "needed", ()):
        return {f"{prefix}groups": table}
    asks = hasattr(last.cv, "get_metadata_routing")
    if asks and get_routing_for_object(last.cv).consumes("split", ["groups"]):
        return {f"{prefix}groups": codes}
    return {}


def _is_search(estimator):
    """Whether an estimator tunes another one on folds of its own, as GridSearchCV does."""
    params = estimator.get_params(deep=False) if hasattr(estimator, "get_params") else {}
    return {"estimator", "cv", "refit"} <= set(params)


class _Predictions:
    """What an estimator says of the test part."""

    def __init__(self, estimator, X):
        start = time.perf_counter()
        self.predicted = np.asarray(estimator.predict(X))
        self.seconds = time.perf_counter() - start
        self.votes, self.classes = _confidence(estimator, X, self.predicted)


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
    estimator, best = seeded(estimator, seed), None
    fit_params = _groups_for(estimator, table.iloc[train].reset_index(drop=True))
    if selection == "best-on-test" and has_fit_parameter(estimator, "on_pass"):
        fit_params["on_pass"] = best = _BestPass(take(data, test), y[test])
    start, doing = time.perf_counter(), "fitting"
    try:
        estimator.fit(take(data, train), y[train], **fit_params)
        if getattr(_trained(estimator), "interrupted_", False):
            raise KeyboardInterrupt  # what learnt half of it is no result
        seconds = time.perf_counter() - start - (0.0 if best is None else best.seconds)
        doing = "predicting"
        outcomes = {"none": _Predictions(estimator, take(data, test))}
        if best is not None:
            outcomes["best-on-test"] = best.best
        n_trained = getattr(_trained(estimator), "n_windows_", len(train))
        common = {
            "estimator": name,
            "seed": seed,
            "fold": number,
            "n_train": int(n_trained),
            "n_validation": int(len(train) - n_trained),
            "fit_s": seconds,
        }
        rows, doing = [], "scoring"
        for how, found in outcomes.items():
            known = {**common, "predict_s": found.seconds, "selection": how, **extra}
            rows += _rows(found, y[test], table.iloc[test], labels, chance, known)
    except Exception as error:
        error.add_note(f"while {doing} {name!r}, seed {seed}, fold {number}")
        raise
    return key, rows


def _rows(found, true, table, labels, chance, known):
    """One row for each subject and session of the test part."""
    rows, here = [], table.reset_index(drop=True)
    levels = [c for c in ("subject", "session") if c in here]
    for values, part in here.groupby(levels, sort=False):
        index = part.index.to_numpy()
        where = {level: _plain(v) for level, v in zip(levels, values, strict=True)}
        scored = _scored(true[index], found.predicted[index], labels, chance)
        vote = _vote(true[index], found.predicted[index], found.votes, found.classes, part, index)
        rows.append({**known, **where, **scored, **vote})
    return rows


def _plain(value):
    """A value of the table as JSON can hold it."""
    value = value.item() if isinstance(value, np.generic) else value
    return value if isinstance(value, str | int | float) else str(value)


def _confidence(estimator, X, predicted):
    """Confidence in each class, (n, n_classes), and the classes; None where there is none."""
    classes = getattr(estimator, "classes_", None)
    if classes is None:
        return None, None
    classes = np.asarray(classes)
    if hasattr(estimator, "predict_proba"):
        return np.asarray(estimator.predict_proba(X)), classes
    if hasattr(estimator, "decision_function"):
        values = np.asarray(estimator.decision_function(X))
        if values.ndim == 1:
            values = np.column_stack([-values, values])
        # Of three classes there are three pairs too: columns may be those.
        if values.shape[1] == len(classes):
            agreement = np.mean(classes[values.argmax(axis=1)] == predicted)
            if agreement >= _LEAST_AGREEMENT:
                return values, classes
    return None, None


def _scored(true, predicted, labels, chance):
    found = scores(true, predicted, labels)
    found["n_test"] = found.pop("n")
    matrix = confusion_of(true, predicted, labels)
    found["chance"] = chance_of(matrix, chance)
    return {**found, "chance_method": chance, "confusion": matrix.tolist()}


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
