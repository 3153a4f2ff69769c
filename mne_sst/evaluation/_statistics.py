"""Statistics over subjects of the table that `evaluate` returns."""

import itertools

import numpy as np
import pandas as pd
from scipy import stats

from .._checks import check_number, check_option, listed
from .._interval import interval

SCORES = ("accuracy", "balanced_accuracy", "macro_f1", "kappa", "trial_accuracy")
#: What makes two rows of an estimator different evaluations rather than parts of one.
KINDS = ("estimator", "transductive", "selection", "leaky")


def kind_name(estimator, transductive, selection, leaky):
    """Name of an estimator, marked by what was not fair about its evaluation."""
    marks = ["transductive"] * bool(transductive) + ["leaky"] * bool(leaky)
    marks += [] if selection == "none" else [selection]
    return estimator + "".join(f" ({mark})" for mark in marks)


def per_subject(table, score="accuracy"):
    """One number a subject and estimator: the mean over sessions, folds and seeds.

    Parameters
    ----------
    table : DataFrame
        Of `evaluate`.
    score : str
        Column to average.

    Returns
    -------
    table : DataFrame
        Rows are subjects; columns are estimators, each with ``transductive`` and
        ``selection``.

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
    lacking = [c for c in (*KINDS, score) if c not in table]
    if lacking or not len(table):
        raise ValueError(f"table must be what evaluate() returns; it lacks {listed(lacking)}.")
    if "subject" not in table:
        table = table.assign(subject=0)
    means = table.groupby([*KINDS, "subject"], sort=False)[score].mean()
    return means.unstack("subject").T


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
        ``n_subjects`` and ``chance``; NaN where one subject says nothing of spread.

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
    chance = table.groupby(list(KINDS), sort=False)["chance"].mean()
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
    subjects = per_subject(table, score)
    kinds = list(subjects.columns)
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
        both = subjects[[a, b]].dropna()
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
        matrix = np.sum([np.asarray(c) for c in part["confusion"]], axis=0).astype(float)
        if normalize:
            with np.errstate(invalid="ignore"):
                matrix /= matrix.sum(axis=1, keepdims=True)
        matrices[kind_name(*kind)] = pd.DataFrame(
            matrix if normalize else matrix.astype(int),
            index=pd.Index(labels, name="true"),
            columns=pd.Index(labels, name="predicted"),
        )
    return matrices
