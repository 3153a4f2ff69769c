"""Report: what a classifier learnt and what it is worth, as an `mne.Report`."""

import mne
import numpy as np
import pandas as pd
from sklearn.utils.validation import check_is_fitted

from . import _report_sections as sections
from ._checks import check_number, check_option, listed, progress
from ._learning_data import labels_of
from ._montage import locations
from .attribution import METHODS
from .classifier import SSTClassifier
from .evaluation import read_results

__all__ = ["make_report"]

#: On narrow screens the contents stand above the report, not beside it.
_NARROW = """
@media (max-width: 640px) {
  #toc { position: static !important; width: 100%; height: auto !important; margin-top: 110px;
    padding-bottom: 1rem; }
  #toc-navbar { flex-direction: row !important; }
  #toc-navbar a { width: auto; }
  #content { width: 100%; margin-left: 0; margin-top: 0 !important; padding-top: 0; }
}
"""
_MASKS = "Masks of the network: what it lets through, which is not why it decides."
_ATTENTION = {
    "head": _MASKS,
    "depth": _MASKS,
    "contrast": "Masks on windows of {first} less those on windows of {second}.",
}
_SPEAKS = "Attribution ({method}): what speaks for the true class (+) and against it (-)."
_RISE = (
    "Attribution (gradient): where a rise of the feature raises (+) or lowers (-) the odds of the "
    "true class."
)
_SIZES = "Attribution (gradient): how much the odds of the true class depend on it, without sign."
_FOR_FIRST = (
    "Attribution ({method}) of the odds of {{first}}: on windows of {{first}} less on windows of "
    "{{second}}."
)
_OF_SLOPES = " Of gradients that is where the slope changes, not where the classes differ."


def make_report(
    clf,
    X,
    y=None,
    *,
    groups=None,
    results=None,
    ablation=None,
    method="gradient",
    n_attributed=120,
    title="SST-EmotionNet",
    verbose=None,
):
    """Write down data, features, training, scores, attention and attribution.

    Parameters
    ----------
    clf : SSTClassifier
        Fitted.
    X : Epochs | list of Epochs | EpochsFeatures
        Windows to look at, best those it was not trained on.
    y : array, shape (n_epochs,) | None
        Their labels; None for the event codes.
    groups : str | list of str | array, shape (n_epochs,) | None
        What scores, stability and contrasts are over, such as subjects: columns of the
        metadata or a value a window. None takes the column ``subject`` if it tells several
        apart, else ``trial``, else nothing.
    results : DataFrame | path-like | None
        Of `evaluation.evaluate`: its table, or its file of results. Without it the
        scores are those of ``clf`` on ``X``.
    ablation : DataFrame | path-like | None
        Likewise, of the estimators of `evaluation.ablation`.
    method : {"integrated_gradients", "gradient", "occlusion"} | None
        See `SSTClassifier.attribute`; None leaves attribution out.
    n_attributed : int
        Windows that are attributed at most, spread evenly over classes and groups:
        integrated gradients take seconds a window. With six groups or more they are attributed
        again for each class that is compared.
    title : str
        Of the report.
    verbose : bool | None
        Whether to show progress.

    Returns
    -------
    report : mne.Report
        Save it with ``report.save("report.html")``.

    Raises
    ------
    NotFittedError, TypeError, ValueError
        If the classifier is not fitted, or data, labels or results do not fit.

    Examples
    --------
    >>> from mne_sst import SSTClassifier, datasets
    >>> from mne_sst.report import make_report
    >>> epochs = datasets.simulate_emotion(n_subjects=1, n_trials=3, n_windows=4)
    >>> clf = SSTClassifier(grid_shape=(8, 8), n_networks=1, max_epochs=1, verbose=False)
    >>> clf = clf.fit(epochs, epochs.metadata["emotion"])
    >>> report = make_report(clf, epochs, epochs.metadata["emotion"], verbose=False)
    >>> report.save("report.html", open_browser=False)  # doctest: +SKIP
    """
    if not isinstance(clf, SSTClassifier):
        raise TypeError(
            f"clf must be an SSTClassifier, got {type(clf).__name__}; of a pipeline give the last "
            "step, pipeline[-1], and what comes before it as X: pipeline[:-1].transform(epochs)."
        )
    check_is_fitted(clf)
    check_option("method", method, (*METHODS, None))
    n_attributed = check_number("n_attributed", n_attributed, 1, integer=True)
    content = _content(clf, X, y, groups, _table("results", results), _table("ablation", ablation))
    report = mne.Report(title=title, image_format="png", img_max_width=None, verbose="ERROR")
    report.add_custom_css(_NARROW)
    steps = [
        sections.add_data,
        sections.add_features,
        sections.add_training,
        sections.add_scores,
        sections.add_ablation,
        _add_attention,
        lambda report, content: _add_attribution(report, content, method, n_attributed),
        sections.add_settings,
    ]
    with progress(len(steps), "Report", verbose) as bar:
        for step in steps:
            step(report, content)
            bar.update(1)
    return report


def _content(clf, X, y, groups, results, ablation):
    features = clf._aligned(X)
    locations(features.info)  # heads are drawn, also where the network needs names only
    y = np.asarray(labels_of(features, y))
    unknown = sorted(set(y.tolist()) - set(clf.classes_.tolist()), key=str)
    if unknown:
        raise ValueError(
            f"y holds labels that the classifier does not know: {listed(unknown)}; it knows "
            f"{listed(clf.classes_)}."
        )
    groups, name = _groups(features, groups)
    missing = [] if groups is None else np.flatnonzero(pd.isna(groups))
    if len(missing):
        raise ValueError(
            f"groups holds {len(missing)} missing value(s), the first at window {missing[0]}; "
            "leave those windows out."
        )
    return sections.Content(clf, features, y, groups, name, results, ablation)


def _groups(features, groups):
    """A value a window and what it is, or None."""
    table = features.metadata
    have = [] if table is None else list(table.columns)
    if groups is None:
        several = [c for c in ("subject", "trial") if c in have and len(table[c].unique()) > 1]
        if not several:
            return None, "window"
        if several[0] == "trial":
            columns = [c for c in ("subject", "session", "trial") if c in have]
            return features.groups(columns), "trial"
        groups = "subject"
    if isinstance(groups, str):
        groups = [groups]
    if isinstance(groups, list) and all(c in have for c in groups):
        one = table[groups[0]].to_numpy() if len(groups) == 1 else features.groups(groups)
        return one, groups[-1]
    values = np.asarray(groups)
    if values.shape != (len(features),):
        raise ValueError(
            f"groups must be a column of the metadata or have one value for each of "
            f"{len(features)} windows, got {listed(groups)}."
        )
    return values, "group"


def _table(name, table):
    if table is None or isinstance(table, pd.DataFrame):
        lacking = [] if table is None else {"estimator", "accuracy", "fold"} - set(table)
        if lacking:
            raise ValueError(
                f"{name} must be what evaluate() returns; it lacks {listed(sorted(lacking))}."
            )
        return table
    return read_results(table)


def _add_attention(report, content):
    clf = content.clf
    if clf.network_params_["attention"] == "none":
        return
    weights = clf.attention(content.features, content.y)
    own = np.arange(len(content.y))
    sections.add_weights(report, content, weights, "Attention", _ATTENTION, own)


def _add_attribution(report, content, method, n_attributed):
    if method is None:
        return
    own = spread_over_classes(content.y, n_attributed, content.groups)
    windows, name = content.features[own], method.replace("_", " ")
    weights = content.clf.attribute(windows, content.y[own], method)
    about = {"contrast": _FOR_FIRST.format(method=name)}
    about["contrast"] += _OF_SLOPES if method == "gradient" else ""
    about["head"] = _RISE if method == "gradient" else _SPEAKS.format(method=name)
    about["depth"] = _SIZES if method == "gradient" else about["head"]
    sections.add_weights(
        report,
        content,
        weights,
        "Attribution",
        about,
        own,
        of_target=lambda target: content.clf.attribute(windows, target, method),
    )


def spread_over_classes(y, n_most, groups=None):
    """Rows of at most ``n_most`` windows, as many of each class, spread over its windows.

    Parameters
    ----------
    y : array, shape (n_epochs,)
        Labels.
    n_most : int
        How many in all; each class has one at least.
    groups : array, shape (n_epochs,) | None
        Subjects; each has as many as the others of a class, or the first of them one more, so
        that those who are looked at are looked at in all classes.

    Returns
    -------
    rows : array of int
        In order.
    """
    classes = np.unique(y)
    each = max(n_most // len(classes), 1)
    groups = np.zeros(len(y), int) if groups is None else groups
    chosen = []
    for label in classes:
        parts = [np.flatnonzero((y == label) & (groups == g)) for g in pd.unique(groups)]
        for rows, n in zip(parts, _shares([len(rows) for rows in parts], each), strict=True):
            chosen.append(rows[np.linspace(0, len(rows) - 1, n).round().astype(int)])
    return np.sort(np.concatenate(chosen))


def _shares(sizes, total):
    """How many of each part to take, as evenly as can be."""
    shares = [0] * len(sizes)
    while total and any(share < size for share, size in zip(shares, sizes, strict=True)):
        for i, size in enumerate(sizes):
            if total and shares[i] < size:
                shares[i] += 1
                total -= 1
    return shares
