"""Evaluation of any estimator: scores that say what they are worth."""

import numpy as np
from sklearn.metrics import cohen_kappa_score, f1_score, recall_score

from .._checks import check_none_missing, listed

__all__ = ["scores", "trial_vote"]


def scores(y_true, y_pred, labels=None):
    """Scores of predictions, beside what guessing the commonest class would reach.

    Parameters
    ----------
    y_true, y_pred : array, shape (n_epochs,)
        Labels and predictions.
    labels : array | None
        All classes, so that one that is missing here still counts, as 0, in macro-F1;
        None for those found.

    Returns
    -------
    scores : dict of str -> float
        ``accuracy``, ``balanced_accuracy`` (over the classes in ``y_true``),
        ``macro_f1``, ``kappa`` (Cohen's; 0 where both hold the same single class),
        ``chance`` (share of the commonest class in ``y_true``) and ``n`` epochs.

    Examples
    --------
    >>> from mne_sst.evaluation import scores
    >>> scores(["a", "a", "b", "b"], ["a", "a", "b", "a"])["accuracy"]
    0.75
    """
    y_true, y_pred = np.asarray(y_true), np.asarray(y_pred)
    check_none_missing("y_true", y_true)
    check_none_missing("y_pred", y_pred)
    if y_true.ndim != 1 or y_true.shape != y_pred.shape or not len(y_true):
        raise ValueError(
            "y_true and y_pred must be of the same shape (n_epochs,), got "
            f"{y_true.shape} and {y_pred.shape}."
        )
    found = np.union1d(y_true, y_pred)
    labels = found if labels is None else np.unique(labels)
    unknown = np.setdiff1d(found, labels)
    if len(unknown):
        raise ValueError(f"labels does not hold {listed(unknown)}, which y_true or y_pred do.")
    matrix = confusion_of(y_true, y_pred, labels)
    found = scores_of(matrix)
    n_seen = int(np.count_nonzero(matrix.any(axis=0) | matrix.any(axis=1)))
    found["macro_f1"] *= n_seen / len(labels)
    return {**found, "chance": chance_of(matrix), "n": len(y_true)}


def confusion_of(y_true, y_pred, labels):
    """Count predictions of each true class, all of which are in the sorted labels.

    Parameters
    ----------
    y_true, y_pred : array, shape (n_epochs,)
        Labels and predictions.
    labels : array, shape (n_classes,)
        In order.

    Returns
    -------
    matrix : array of int, shape (n_classes, n_classes)
        Rows are true classes.
    """
    matrix = np.zeros((len(labels), len(labels)), int)
    # scikit-learn's own warns of a single label, which is no news here.
    np.add.at(matrix, (np.searchsorted(labels, y_true), np.searchsorted(labels, y_pred)), 1)
    return matrix


def scores_of(matrix):
    """Scores of a confusion matrix.

    Parameters
    ----------
    matrix : array of int, shape (n_classes, n_classes)
        Rows are true classes; not all 0.

    Returns
    -------
    scores : dict of str -> float
        The first four of `scores`, macro-F1 over the classes that are there.
    """
    true, predicted = np.nonzero(matrix)
    weights = matrix[true, predicted]
    with_weights = dict(sample_weight=weights, zero_division=0)
    # Kappa is 0 / 0 where one class is present and predicted: agreement is then no news.
    one_class = len(np.union1d(true, predicted)) == 1
    kappa = 0.0 if one_class else cohen_kappa_score(true, predicted, sample_weight=weights)
    recall = recall_score(true, predicted, labels=np.unique(true), average="macro", **with_weights)
    return {
        "accuracy": float(np.trace(matrix) / matrix.sum()),
        "balanced_accuracy": float(recall),
        "macro_f1": float(f1_score(true, predicted, average="macro", **with_weights)),
        "kappa": float(kappa),
    }


def chance_of(matrix, method="majority"):
    """Accuracy of guesses: always the commonest class, or the predictions in any order.

    Parameters
    ----------
    matrix : array of int, shape (n_classes, n_classes)
        Confusion matrix, rows are true classes.
    method : {"majority", "permutation"}
        Which.

    Returns
    -------
    chance : float
    """
    true, predicted = (matrix.sum(axis) / matrix.sum() for axis in (1, 0))
    # The mean over all orders of the predictions.
    return float(true.max() if method == "majority" else true @ predicted)


def trial_vote(y_true, probabilities, classes, trials):
    """One label and one prediction a trial, from the mean of its epochs' probabilities.

    Parameters
    ----------
    y_true : array, shape (n_epochs,)
        Labels; one for all epochs of a trial.
    probabilities : array, shape (n_epochs, n_classes)
        As ``predict_proba`` gives them.
    classes : array, shape (n_classes,)
        Label of each column.
    trials : array, shape (n_epochs,)
        What tells the trials apart.

    Returns
    -------
    y_true, y_pred : array, shape (n_trials,)
        For `scores`.

    Examples
    --------
    >>> from mne_sst.evaluation import trial_vote
    >>> y, p = ["a", "a", "b"], [[0.9, 0.1], [0.4, 0.6], [0.2, 0.8]]
    >>> truth, predicted = trial_vote(y, p, ["a", "b"], [1, 1, 2])
    >>> [str(label) for label in predicted]
    ['a', 'b']
    """
    y_true, trials, classes = np.asarray(y_true), np.asarray(trials), np.asarray(classes)
    probabilities = np.asarray(probabilities)
    expected = (len(y_true), len(classes))
    if probabilities.shape != expected or y_true.shape != trials.shape or y_true.ndim != 1:
        raise ValueError(
            f"probabilities must have shape {expected} (n_epochs, n_classes) and y_true and trials "
            f"shape (n_epochs,), got {probabilities.shape}, {y_true.shape} and {trials.shape}."
        )
    true, predicted = [], []
    for trial in np.unique(trials):
        rows = trials == trial
        labels = np.unique(y_true[rows])
        if len(labels) > 1:
            raise ValueError(
                f"trials: trial {trial!r} holds the labels {listed(labels)}; a vote needs one "
                "label a trial. Trial numbers that start again with each subject must be "
                "joined with it first."
            )
        true.append(labels[0])
        predicted.append(classes[probabilities[rows].mean(axis=0).argmax()])
    return np.array(true), np.array(predicted)
