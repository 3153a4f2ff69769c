"""evaluate(): estimators, folds and seeds to one tidy table."""

import warnings
from collections.abc import Mapping
from concurrent.futures import BrokenExecutor, CancelledError
from contextlib import closing
from importlib.metadata import version

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from sklearn.utils.metadata_routing import get_routing_for_object
from sklearn.utils.validation import has_fit_parameter

from .._checks import (
    check_labels_given,
    check_none_missing,
    check_number,
    check_option,
    listed,
    progress,
)
from ..features import EpochsFeatures, FeatureExtractor, standardize_features
from ._fingerprint import fingerprint
from ._fold import SELECTIONS, run_fold
from ._origin import LEVELS, check_split, origin, samples_of
from ._store import ResultsFile

PACKAGES = ("mne_sst", "scikit-learn", "torch", "numpy", "mne")
#: Times in a row that workers may be lost before a fold is done.
_IDLE_ROUNDS = 3


def evaluate(
    estimators,
    data,
    y=None,
    *,
    protocol,
    groups=None,
    seeds=(0,),
    n_jobs=None,
    results=None,
    standardize=None,
    chance="majority",
    selection="none",
    verbose=None,
):
    """Score estimators under a protocol, on data that training never sees.

    Parameters
    ----------
    estimators : dict of str -> estimator | estimator
        Any classifiers of scikit-learn's kind. They are cloned; parameters called
        ``random_state`` are set to the seed.
    data : EpochsFeatures | Epochs | DataFrame | array, shape (n_windows, ...)
        Windows.
    y : array, shape (n_windows,) | None
        Labels; None takes the column ``label`` of the metadata, or ``events[:, 2]``.
    protocol : splitter
        One of this module, or any of scikit-learn.
    groups : DataFrame | dict | array | None
        Columns ``subject``, ``session`` and ``trial``; None reads the metadata. Splitters of
        scikit-learn take an array.
    seeds : sequence of int
        One run of every fold for each.
    n_jobs : int | None
        Folds at the same time, through joblib: None for one, or for what
        ``joblib.parallel_config`` says, a dask cluster for example.
    results : path-like | None
        File for the rows. Each fold is kept as soon as it is done, and a second call
        with the same file goes on where the first one ended.
    standardize : "subject" | None
        Whether to scale each subject by its own windows, those that are tested on
        included; rows are then marked ``transductive``. Needs EpochsFeatures.
    chance : {"majority", "permutation"}
        What ``chance`` holds: the share of the commonest class of the test windows, or
        the mean accuracy over all orders of the predictions.
    selection : {"none", "best-on-test"}
        ``"best-on-test"`` adds, for estimators whose ``fit`` takes ``on_pass``, a second row:
        the pass over the data after which accuracy on the test part was best. Results of
        this field are often published so; they are not fair, since the test part chooses.
        Those rows say ``best-on-test`` in the column ``selection``, the fair ones ``none``.
    verbose : bool | None
        Whether to show a progress bar; None shows it in a terminal.

    Returns
    -------
    table : DataFrame
        A row for each estimator, seed, fold, and subject and session that the fold
        tests: ``estimator, seed, fold, subject, session, n_train, n_validation, n_test,
        accuracy, balanced_accuracy, macro_f1, kappa, trial_accuracy, n_trials, chance,
        chance_method, fit_s, predict_s, selection, transductive, leaky, confusion,
        versions``. ``n_validation`` are windows that the estimator held out of training by
        itself; ``confusion`` is a list of rows, true class first, over
        ``table.attrs["labels"]``.

    Raises
    ------
    ValueError
        If windows of one trial, or windows that overlap, stand on both sides of a fold,
        or ``results`` came from other settings.
    RuntimeError
        If another process of this machine writes to ``results``.

    Notes
    -----
    Labels that a fold lacks still count, as 0, in the macro-F1 of its row; `per_subject` and
    what stands on it make the scores of a subject of all its windows. Where an estimator has
    a parameter ``groups`` in ``fit``, it gets the trials (or sessions, or subjects) of the
    training part, so that what it holds out for itself is made of whole ones; so does a
    search, such as GridSearchCV, whose ``cv`` asks for groups. A column ``run`` of the groups
    or the metadata tells recordings of one session apart, so that windows of two are not
    taken to overlap.

    Examples
    --------
    >>> from sklearn.dummy import DummyClassifier
    >>> from mne_sst import FeatureExtractor
    >>> from mne_sst.datasets import simulate_emotion
    >>> from mne_sst.evaluation import LeaveOneSubjectOut, evaluate
    >>> epochs = simulate_emotion(n_subjects=3, n_trials=3, n_windows=2)
    >>> features = FeatureExtractor().transform(epochs)
    >>> y = epochs.metadata["emotion"].to_numpy()
    >>> table = evaluate(DummyClassifier(), features, y, protocol=LeaveOneSubjectOut())
    >>> len(table)
    3
    """
    check_option("standardize", standardize, ("subject", None))
    check_option("chance", chance, ("majority", "permutation"))
    check_option("selection", selection, SELECTIONS)
    estimators = _named(estimators)
    _check_selection(selection, estimators)
    y = _labels(data, y)
    seeds = _checked_seeds(seeds)
    _check_protocol(protocol)
    needed = getattr(protocol, "needed", ())
    table = _origin(data, groups, needed)
    if standardize is not None:
        data = _standardized(data, table)
    folds = _folds(protocol, data, y, table, groups)
    labels = np.unique(y)
    settings = {"standardize": str(standardize), "chance": chance, "selection": selection}
    if results is not None:
        settings |= fingerprint(estimators, data, y, table, protocol, folds)
    common = dict(
        labels=labels,
        chance=chance,
        selection=selection,
        extra={
            "leaky": getattr(protocol, "leaky", False),
            "versions": ", ".join(f"{name} {version(name)}" for name in PACKAGES),
        },
    )
    transductive = {n: _knows_test_data(data, e) for n, e in estimators.items()}
    keys = [(n, s, f) for n in estimators for s in seeds for f in range(len(folds))]

    def task(key):
        name, _, fold = key
        own = {**common["extra"], "transductive": transductive[name]}
        arguments = key, estimators[name], data, y, table, folds[fold]
        return delayed(run_fold)(*arguments, **{**common, "extra": own})

    store = ResultsFile(results, settings, labels.tolist())
    with closing(store), progress(len(keys), "Evaluation", verbose) as bar:
        bar.update(sum(key in store.folds for key in keys))
        _run_all(keys, task, store, n_jobs, bar)
    rows = [row for key in keys for row in store.folds[key]]
    result = pd.DataFrame(rows)
    result.attrs["labels"] = labels.tolist()
    return result


def _run_all(keys, task, store, n_jobs, bar):
    """Run what is missing; what a lost worker had in hand is run again."""
    n_idle = 0
    while missing := [key for key in keys if key not in store.folds]:
        try:
            parallel = Parallel(n_jobs, return_as="generator_unordered")
            for key, rows in parallel(task(key) for key in missing):
                store.add(key, rows)
                bar.update(1)
        except Exception as error:
            idle = missing == [key for key in keys if key not in store.folds]
            n_idle = n_idle + 1 if idle else 0
            if n_idle > _IDLE_ROUNDS or not _is_lost_worker(error):
                raise


def _is_lost_worker(error):
    # dask's own errors are known by their module, since dask need not be installed.
    pools = isinstance(error, BrokenExecutor | CancelledError)
    return pools or type(error).__module__.partition(".")[0] == "distributed"


def _named(estimators):
    if not isinstance(estimators, Mapping):
        named = {type(estimators).__name__: estimators}
    else:
        named = {str(name): estimator for name, estimator in estimators.items()}
        if len(named) < len(estimators):
            raise ValueError(
                f"estimators must have names of their own, got {list(estimators)}: as text some "
                "are the same."
            )
    wrong = {n: e for n, e in named.items() if not _is_estimator(e)}
    if wrong or not named:
        got = wrong if isinstance(estimators, Mapping) else estimators
        raise TypeError(
            "estimators must be an estimator or a dict of name -> estimator with fit and "
            f"predict, got {got or 'an empty dict'}."
        )
    return named


def _is_estimator(value):
    return not isinstance(value, type) and hasattr(value, "fit") and hasattr(value, "predict")


def _checked_seeds(seeds):
    found = list(seeds) if np.iterable(seeds) and not isinstance(seeds, str) else []
    if not found:
        raise TypeError(f"seeds must be whole numbers such as (0, 1) or range(3), got {seeds!r}.")
    found = [check_number("seeds", seed, 0, integer=True) for seed in found]
    if len(set(found)) < len(found):
        raise ValueError(f"seeds must differ from each other, got {seeds!r}.")
    return found


def _check_protocol(protocol):
    if isinstance(protocol, type | str) or not hasattr(protocol, "split"):
        raise TypeError(
            "protocol must be a splitter, of mne_sst.evaluation or scikit-learn, such as "
            f"LeaveOneSubjectOut(); got {protocol!r}."
        )


def _knows_test_data(data, estimator):
    """Whether windows are made with others of their subject, or of their trial after them."""
    settings = getattr(data, "settings", None)
    if settings is not None:
        return bool(settings.standardized or settings.smoothing)
    return any(e.smoothing for e in _within(estimator) if isinstance(e, FeatureExtractor))


def _within(value):
    """A value and all that it holds: parameters, steps, what a search tries."""
    yield value
    if isinstance(value, Mapping):
        parts = value.values()
    elif isinstance(value, list | tuple):
        parts = value
    elif hasattr(value, "get_params") and not isinstance(value, type):
        parts = value.get_params(deep=False).values()
    else:
        parts = ()
    for part in parts:
        yield from _within(part)


def _check_selection(selection, estimators):
    if selection == "none" or any(has_fit_parameter(e, "on_pass") for e in estimators.values()):
        return
    raise ValueError(
        "selection='best-on-test' needs an estimator that trains in passes and whose fit takes "
        f"on_pass, such as SSTClassifier; got {', '.join(estimators)}."
    )


def _labels(data, y):
    if y is None:
        metadata, events = (getattr(data, name, None) for name in ("metadata", "events"))
        if metadata is not None and "label" in metadata:
            y = metadata["label"]
        elif events is not None:
            y = events[:, 2]
        else:
            raise ValueError("y is needed: data has neither a column 'label' nor events.")
    check_labels_given(y)
    y = np.asarray(y)
    if y.shape != (len(data),):
        raise ValueError(f"y must have shape ({len(data)},) like data, got {y.shape}.")
    check_none_missing("y", y)
    return y


def _origin(data, groups, needed):
    """Where windows come from; a splitter of scikit-learn may do without knowing."""
    if needed:
        return origin(data, groups, needed)
    # An array is for the splitter alone; the metadata may say more.
    known = groups if isinstance(groups, pd.DataFrame | dict) else None
    known = getattr(data, "metadata", None) if known is None else known
    if known is not None:
        return origin(data, known, ())
    return pd.DataFrame({"session": np.zeros(len(data), int)})


def _standardized(data, table):
    if not isinstance(data, EpochsFeatures):
        raise TypeError(
            f"standardize needs EpochsFeatures, got {type(data).__name__}; make them with "
            "FeatureExtractor().transform(epochs)."
        )
    if "subject" not in table:
        raise ValueError("standardize='subject' needs to know the subject of each window.")
    return standardize_features(data, by=table["subject"].to_numpy())


def _folds(protocol, data, y, table, groups):
    """Folds of a protocol, each checked."""
    if getattr(protocol, "needed", ()):
        folds = list(protocol.split(data, y, table))
    else:
        own = _one_array(protocol, groups)
        folds = list(protocol.split(data, y, own))
        if own is None and "trial" not in table:
            _warn_of_unknown_trials(folds, table)
    if not getattr(protocol, "leaky", False):
        samples = samples_of(data)
        for train, test in folds:
            check_split(train, test, table, *samples)
    return folds


def _warn_of_unknown_trials(folds, table):
    """Tell where it cannot be seen whether a trial stands on both sides."""
    columns = [c for c in LEVELS if c in table]
    whole = table.groupby(columns, sort=False).ngroup().to_numpy()
    if any(len(np.intersect1d(whole[train], whole[test])) for train, test in folds):
        warnings.warn(
            f"windows of one {columns[0]} stand on both sides, and nothing tells of which trial "
            "they are: whether those of one trial do was not checked. Give groups= with a "
            "column 'trial', or a protocol of mne_sst.evaluation.",
            RuntimeWarning,
            stacklevel=4,
        )


def _one_array(protocol, groups):
    """Groups for a splitter of scikit-learn, which does not know what a table means."""
    known = hasattr(protocol, "get_metadata_routing")  # else a splitter of somebody's own
    if known and not get_routing_for_object(protocol).consumes("split", ["groups"]):
        return None  # it would only warn of them
    if groups is None and known:
        raise ValueError(
            f"{type(protocol).__name__} needs groups=: an array with one value a window, such as "
            "the column subject of the metadata. Or take a protocol of mne_sst.evaluation, "
            "which reads the metadata."
        )
    if not isinstance(groups, pd.DataFrame | dict):
        return groups
    names = list(groups)
    if len(names) != 1:
        raise ValueError(
            f"{type(protocol).__name__} takes one array as groups, got a table of "
            f"{listed(names)}: give one of its columns, or a protocol of mne_sst.evaluation."
        )
    return np.asarray(groups[names[0]])
