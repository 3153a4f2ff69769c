"""Statistics over subjects of the table that `evaluate` returns."""

import itertools
import json
import warnings

import numpy as np
import pandas as pd
from scipy import stats

from .._checks import check_number, check_option, listed
from .._interval import interval
from ._scores import chance_of, scores_of

SCORES = ("accuracy", "balanced_accuracy", "macro_f1", "kappa", "trial_accuracy")
#: What makes two rows of an estimator different evaluations rather than parts of one.
KINDS = ("estimator", "transductive", "selection", "leaky")


def kind_name(estimator, transductive, selection, leaky):
    """Name of an estimator, marked by what was not fair about its evaluation."""
    marks = ["transductive"] * bool(transductive) + ["leaky"] * bool(leaky)
    marks += [] if selection == "none" else [selection]
    return estimator + "".join(f" ({mark})" for mark in marks)


def per_subject(table, score="accuracy"):
    """One number a subject and estimator: over all its windows, the mean over seeds.

    All windows that were tested weigh the same, in whatever fold or session. A fold that holds
    one label would say nothing of macro-F1 or kappa.

    Parameters
    ----------
    table : DataFrame
        Of `evaluate`.
    score : str
        Which.

    Returns
    -------
    table : DataFrame
        Rows are subjects; columns are estimators, each with ``transductive``,
        ``selection`` and ``leaky``.

    Warns
    -----
    RuntimeWarning
        If estimators were not tested on the same parts, as in a run that is not done.

    Examples
    --------
    >>> from sklearn.dummy import DummyClassifier
    >>> from mne_sst.datasets import simulate_emotion
    >>> from mne_sst.evaluation import LeaveOneSubjectOut, per_subject, evaluate
    >>> epochs = simulate_emotion(n_subjects=3, n_trials=3, n_windows=2)
    >>> models = {"first": DummyClassifier(), "second": DummyClassifier(strategy="uniform")}
    >>> y = epochs.metadata["emotion"]
    >>> table = evaluate(models, epochs, y, protocol=LeaveOneSubjectOut())
    >>> per_subject(table).shape
    (3, 2)
    """
    check_option("score", score, SCORES)
    table = _checked(table, score)
    # Other ways of evaluation may have other folds.
    everything = {way: set(_where(rows)) for way, rows in table.groupby(list(KINDS[1:]))}
    parts = _parts(table)
    lacking = [kind_name(*kind) for kind in parts if parts[kind] < everything[kind[1:]]]
    if lacking:
        _warn_parts(f"{listed(lacking)} lack parts of the test (folds, sessions) that others have")
    if score == "trial_accuracy":
        return _over_runs(table, _of_trials)
    return _over_runs(table, lambda run: scores_of(_summed(run))[score])


def _checked(table, score="confusion"):
    """A table with a column of subjects."""
    lacking = [c for c in (*KINDS, "seed", "fold", "confusion", score) if c not in table]
    if lacking or not len(table):
        raise ValueError(f"table must be what evaluate() returns; it lacks {listed(lacking)}.")
    return table if "subject" in table else table.assign(subject=0)


def _over_runs(table, function):
    """Subjects by kinds: the mean over seeds of a function of a subject's rows of one seed."""
    found = {
        keys: function(run) for keys, run in table.groupby([*KINDS, "subject", "seed"], sort=False)
    }
    values = pd.Series(found).rename_axis([*KINDS, "subject", "seed"])
    means = values.groupby([*KINDS, "subject"], sort=False).mean()
    return means.unstack("subject").T


def _summed(rows):
    """Confusion matrix of some rows; in a CSV file each is text."""
    parts = [json.loads(c) if isinstance(c, str) else c for c in rows["confusion"]]
    return np.sum([np.asarray(part) for part in parts], axis=0)


def _of_trials(rows):
    voted = rows[rows["n_trials"] > 0]
    return np.average(voted["trial_accuracy"], weights=voted["n_trials"]) if len(voted) else np.nan


def _chance(rows):
    method = rows["chance_method"].iloc[0] if "chance_method" in rows else "majority"
    return chance_of(_summed(rows), method)


def _parts(table):
    """Kind -> parts of the test (fold, subject, session) that it has of each of its seeds."""
    return {
        kind: set.intersection(*(set(_where(run)) for _, run in part.groupby("seed")))
        for kind, part in table.groupby(list(KINDS), sort=False)
    }


def _where(rows):
    columns = [c for c in ("fold", "subject", "session") if c in rows]
    return rows[columns].itertuples(index=False, name=None)


def _in_common(table, parts, a, b):
    """Rows of both kinds, of the parts (of `_parts`) that both have."""
    both, all_parts = parts[a] & parts[b], parts[a] | parts[b]
    if not both:
        raise ValueError(
            f"{kind_name(*a)} and {kind_name(*b)} share no part of the test (fold, subject, "
            "session); only what was tested on the same windows can be compared."
        )
    if both != all_parts:
        _warn_parts(
            f"{kind_name(*a)} and {kind_name(*b)} share {len(both)} of {len(all_parts)} parts of "
            "the test (folds, sessions) and are compared on these"
        )
    kinds = table[list(KINDS)].itertuples(index=False, name=None)
    wanted = [
        kind in (a, b) and part in both for kind, part in zip(kinds, _where(table), strict=True)
    ]
    return table[wanted]


def _warn_parts(what):
    warnings.warn(f"{what}: is the run done?", RuntimeWarning, stacklevel=3)


def named_scores(table, score="accuracy"):
    """Scores of subjects by the name of an estimator, marked by what was not fair.

    Parameters
    ----------
    table, score : object
        See `per_subject`.

    Returns
    -------
    scores : dict of str -> array, shape (n_subjects,)
        For `viz.plot_scores`.

    Examples
    --------
    >>> from sklearn.dummy import DummyClassifier
    >>> from mne_sst.datasets import simulate_emotion
    >>> from mne_sst.evaluation import LeaveOneSubjectOut, named_scores, evaluate
    >>> epochs = simulate_emotion(n_subjects=3, n_trials=3, n_windows=2)
    >>> models = {"first": DummyClassifier(), "second": DummyClassifier(strategy="uniform")}
    >>> y = epochs.metadata["emotion"]
    >>> table = evaluate(models, epochs, y, protocol=LeaveOneSubjectOut())
    >>> list(named_scores(table))
    ['first', 'second']
    """
    return {kind_name(*kind): x.to_numpy() for kind, x in per_subject(table, score).items()}


def summarize(table, score="accuracy", confidence=0.95):
    """Mean, spread and confidence interval over subjects.

    Parameters
    ----------
    table : DataFrame
        Of `evaluate`.
    score : str
        Column to look at.
    confidence : float
        Of the interval, by Student's t over subjects.

    Returns
    -------
    summary : DataFrame
        A row an estimator: ``mean``, ``std`` (over subjects, n - 1), ``low``, ``high``,
        ``n_subjects`` and ``chance`` (of all windows of a subject, the mean over subjects);
        NaN where one subject says nothing of spread.

    Examples
    --------
    >>> from sklearn.dummy import DummyClassifier
    >>> from mne_sst.datasets import simulate_emotion
    >>> from mne_sst.evaluation import LeaveOneSubjectOut, summarize, evaluate
    >>> epochs = simulate_emotion(n_subjects=3, n_trials=3, n_windows=2)
    >>> models = {"first": DummyClassifier(), "second": DummyClassifier(strategy="uniform")}
    >>> y = epochs.metadata["emotion"]
    >>> table = evaluate(models, epochs, y, protocol=LeaveOneSubjectOut())
    >>> summarize(table)["n_subjects"].tolist()
    [3, 3]
    """
    check_number("confidence", confidence, 0, 1, low_open=True)
    rows = []
    subjects = per_subject(table, score)
    chance = _over_runs(_checked(table), _chance).mean()
    for kind, values in subjects.items():
        values = values.dropna().to_numpy()
        rows.append(
            {
                **dict(zip(KINDS, kind, strict=True)),
                **interval(values, confidence),
                "n_subjects": len(values),
                "chance": chance[kind],
            }
        )
    return pd.DataFrame(rows)


def compare(table, score="accuracy", reference=None, n_permutations=10000, random_state=0):
    """Paired permutation tests between estimators, over subjects.

    The signs of the differences of subjects are flipped at random, or in all ways where
    there are no more than ``n_permutations``; two-sided. Estimators are compared within one
    kind of evaluation, fair ones with fair ones; p values are corrected after Holm over the
    pairs of each kind.

    Parameters
    ----------
    table : DataFrame
        Of `evaluate`.
    score : str
        Column to compare.
    reference : str | None
        Estimator that all others are compared with; None compares all pairs.
    n_permutations : int
        Random flips.
    random_state : int
        Seed of them.

    Returns
    -------
    tests : DataFrame
        ``a, b, transductive, selection, leaky, difference`` (mean of a - b over subjects),
        ``n_subjects``, ``p``, ``p_corrected``.

    Raises
    ------
    ValueError
        If there are fewer than two estimators, or subjects in common.

    Warns
    -----
    RuntimeWarning
        If two were not tested on the same parts (folds, sessions), as in a run that is not
        done; they are compared on those that both have.

    Examples
    --------
    >>> from sklearn.dummy import DummyClassifier
    >>> from mne_sst.datasets import simulate_emotion
    >>> from mne_sst.evaluation import LeaveOneSubjectOut, compare, evaluate
    >>> epochs = simulate_emotion(n_subjects=3, n_trials=3, n_windows=2)
    >>> models = {"first": DummyClassifier(), "second": DummyClassifier(strategy="uniform")}
    >>> y = epochs.metadata["emotion"]
    >>> table = evaluate(models, epochs, y, protocol=LeaveOneSubjectOut())
    >>> len(compare(table))
    1
    """
    check_number("n_permutations", n_permutations, 1, integer=True)
    table = _checked(table, score)
    parts = _parts(table)
    kinds = list(parts)
    ways = dict.fromkeys(kind[1:] for kind in kinds)
    alike = [[kind for kind in kinds if kind[1:] == way] for way in ways]
    pairs = [pair for group in alike for pair in itertools.combinations(group, 2)]
    if reference is not None:
        check_option("reference", reference, tuple(dict.fromkeys(k[0] for k in kinds)))
        pairs = [(b, a) if a[0] == reference else (a, b) for a, b in pairs]
        pairs = [(a, b) for a, b in pairs if b[0] == reference]
    if not pairs:
        raise ValueError(
            "a comparison needs two estimators that were evaluated in the same way, got "
            f"{listed(kind_name(*kind) for kind in kinds)}."
        )
    rows = []
    for a, b in pairs:
        both = per_subject(_in_common(table, parts, a, b), score)
        both = both.reindex(columns=[a, b]).dropna()
        if len(both) < 2:
            raise ValueError(
                f"{a[0]} and {b[0]} have {len(both)} subjects in common; 2 are needed."
            )
        difference = (both[a] - both[b]).to_numpy()
        test = stats.permutation_test(
            (difference,),
            np.mean,
            permutation_type="samples",
            n_resamples=n_permutations,
            rng=np.random.default_rng(random_state),
        )
        rows.append(
            {
                "a": a[0],
                "b": b[0],
                **dict(zip(KINDS[1:], a[1:], strict=True)),
                "difference": difference.mean(),
                "n_subjects": len(both),
                "p": float(test.pvalue),
            }
        )
    tests = pd.DataFrame(rows)
    families = tests.groupby(list(KINDS[1:]), sort=False)["p"]
    tests["p_corrected"] = families.transform(lambda p: _holm(p.to_numpy()))
    return tests


def _holm(p):
    order = np.argsort(p)
    stepped = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    corrected = np.empty(len(p))
    corrected[order] = np.minimum(stepped, 1)
    return corrected


def confusion(table, normalize=False):
    """Confusion matrix of each estimator, over all its rows.

    Parameters
    ----------
    table : DataFrame
        Of `evaluate`.
    normalize : bool
        Whether each row, a true class, is divided by its sum; a class that was never
        there is NaN.

    Returns
    -------
    matrices : dict of str -> DataFrame
        Estimator -> true classes by predicted ones, all labels of the data.

    Raises
    ------
    ValueError
        If ``table.attrs["labels"]`` is lost.

    Examples
    --------
    >>> from sklearn.dummy import DummyClassifier
    >>> from mne_sst.datasets import simulate_emotion
    >>> from mne_sst.evaluation import LeaveOneSubjectOut, confusion, evaluate
    >>> epochs = simulate_emotion(n_subjects=3, n_trials=3, n_windows=2)
    >>> models = {"first": DummyClassifier(), "second": DummyClassifier(strategy="uniform")}
    >>> y = epochs.metadata["emotion"]
    >>> table = evaluate(models, epochs, y, protocol=LeaveOneSubjectOut())
    >>> confusion(table)["first"].shape
    (3, 3)
    """
    labels = table.attrs.get("labels")
    if labels is None:
        raise ValueError(
            "table has lost table.attrs['labels'], what the rows of its matrices are: take it as "
            "evaluate() or read_results() returned it, or set them again."
        )
    matrices = {}
    for kind, part in table.groupby(list(KINDS), sort=False):
        matrix = _summed(part).astype(float)
        if normalize:
            with np.errstate(invalid="ignore"):
                matrix /= matrix.sum(axis=1, keepdims=True)
        matrices[kind_name(*kind)] = pd.DataFrame(
            matrix if normalize else matrix.astype(int),
            index=pd.Index(labels, name="true"),
            columns=pd.Index(labels, name="predicted"),
        )
    return matrices
