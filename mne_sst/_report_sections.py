"""Sections of a report: each writes figures and tables with captions that say what they are."""

import html
import importlib.metadata
from dataclasses import asdict, dataclass
from itertools import combinations

import mne
import numpy as np
import pandas as pd

from . import viz
from ._checks import listed
from ._interval import interval
from ._presets import with_preset
from ._stability import every_other, point_stability
from .contrast import FEW_UNITS
from .evaluation import compare, confusion, named_scores, scores, summarize
from .features import EpochsFeatures

#: Packages whose versions are noted.
PACKAGES = "mne_sst mne torch numpy scipy scikit-learn skorch pandas matplotlib".split()
#: Electrodes up to which names stand beside each.
_MOST_NAMED = 32
#: Classes up to which all pairs are compared.
_MOST_PAIRED = 3
CITATION = (
    "Jia, Z., Lin, Y., Cai, X., Chen, H., Gou, H., Wang, J. (2020). SST-EmotionNet: "
    "Spatial-Spectral-Temporal based Attention 3D Dense Network for EEG Emotion Recognition. "
    "Proc. ACM Multimedia, 2909-2917. doi:10.1145/3394171.3413724"
)
_SEEN = (
    "Of the windows given to the report: if the network was trained on them, this says nothing "
    "of new ones."
)


@dataclass
class Content:
    """What a report is about.

    Attributes
    ----------
    clf : SSTClassifier
        Fitted.
    features : EpochsFeatures
        As the network takes them.
    y : array, shape (n_epochs,)
        Labels.
    groups : array, shape (n_epochs,) | None
        What scores and stability are over.
    group_name : str
        What one of them is.
    results : DataFrame | None
        Of `evaluate`.
    ablation : DataFrame | None
        Of `evaluate`, over the estimators of `ablation`.
    """

    clf: object
    features: EpochsFeatures
    y: np.ndarray
    groups: np.ndarray | None
    group_name: str
    results: pd.DataFrame | None
    ablation: pd.DataFrame | None


class Writer:
    """Adds to one section of an mne.Report.

    Parameters
    ----------
    report : mne.Report
        What is written to.
    section : str
        Its heading.
    """

    def __init__(self, report, section):
        self.report, self.section = report, section

    def figure(self, fig, title, caption):
        """Add a figure and close it."""
        import matplotlib.pyplot as plt

        # A width of a fraction of a pixel shears the picture that MNE makes of it.
        fig.set_size_inches(np.round(fig.get_size_inches() * fig.dpi) / fig.dpi)
        self.report.add_figure(
            fig, title, caption=caption, section=self.section, tags=(self._tag(),)
        )
        plt.close(fig)

    def table(self, table, title, caption=""):
        """Add a table; numbers with three decimals."""
        style = {"index": False, "border": 0, "na_rep": "-", "justify": "left"}
        body = table.to_html(float_format="{:.3f}".format, **style)
        body = body.replace('class="dataframe"', 'class="table table-sm w-auto"')
        # Wide tables scroll on their own, so that the page does not on small screens.
        self.html(f'<div style="overflow-x:auto">{body}</div>', title, caption)

    def html(self, body, title, caption=""):
        """Add HTML; the caption is plain text."""
        text = f"<p>{html.escape(caption)}</p>" if caption else ""
        self.report.add_html(body + text, title, section=self.section, tags=(self._tag(),))

    def _tag(self):
        return self.section.lower().replace(" ", "-")


def add_data(report, content):
    """Windows of each class, channels, and where the electrodes are."""
    features, y, write = content.features, content.y, Writer(report, "Data")
    settings = features.settings
    counts = pd.Series(y).value_counts().reindex(content.clf.classes_, fill_value=0)
    table = pd.DataFrame({"class": counts.index.astype(str), "windows": counts.to_numpy()})
    if content.groups is not None:
        per_class = pd.Series(content.groups).groupby(y).nunique()
        table[f"{content.group_name}s"] = per_class.reindex(
            content.clf.classes_, fill_value=0
        ).to_numpy()
    length = "unknown length" if settings.window is None else f"{settings.window:g} s"
    caption = f"{len(y)} windows of {length}, {len(features.ch_names)} channels."
    write.table(table, "Windows", caption)
    named = len(features.ch_names) <= _MOST_NAMED
    fig = mne.viz.plot_sensors(features.info, show_names=named, show=False)
    fig.set_size_inches(5, 5)
    write.figure(fig, "Electrodes", "Electrodes from above, the nose up.")
    fig = viz.plot_grid(content.clf.grid_, show=False)
    caption = "How the electrodes land on the maps that the network sees."
    write.figure(fig, "Maps", caption)


def add_features(report, content):
    """Differential entropy of each class and band."""
    features, y, write = content.features, content.y, Writer(report, "Features")
    classes, own = np.unique(y), features.spectral
    units = every_other(y) if content.groups is None else content.groups

    def draw(values, compared, rows, name, caption, **options):
        r = {
            str(c): point_stability(compared[rows & (y == c)], units[rows & (y == c)])
            for c in classes
        }
        fig = viz.plot_features(
            {str(c): values[y == c].mean(axis=0) for c in classes},
            features.info,
            list(features.bands),
            f"DE ({features.settings.unit})",
            counts={str(c): (y == c).sum() for c in classes},
            stability=r,
            show=False,
            **options,
        )
        given = f", r is {_stable(content)}" if np.isfinite(list(r.values())).any() else ""
        write.figure(fig, name, f"{caption} n is the number of windows{given}.")

    everything = np.full(len(y), True)
    caption = "Mean differential entropy of the windows of each class; one scale for each band."
    draw(own, own, everything, "Means of the classes", caption)
    if len(classes) > 1:
        # Units that lack a class have no middle to compare.
        whole, within = np.zeros(len(y), bool), np.empty_like(own)
        for unit in pd.unique(units):
            rows = units == unit
            whole[rows] = len(np.unique(y[rows])) == len(classes)
            within[rows] = own[rows] - _middle(own, y, rows)
        caption = "What each class has more or less than the mean of the classes."
        away, name = own - _middle(own, y, everything), "Differences from the mean of the classes"
        draw(away, within, whole, name, caption, signed=True)


def _middle(values, y, rows):
    """Mean of the means of the classes, over some of the windows."""
    return np.mean([values[rows & (y == c)].mean(axis=0) for c in np.unique(y[rows])], axis=0)


def _stable(content):
    """What r stands for."""
    if content.groups is None:
        return "the correlation between the means of every other window and of the rest"
    return f"the mean correlation between the maps of two {content.group_name}s"


def add_training(report, content):
    """Loss, and accuracy on a validation part, pass by pass."""
    history = content.clf.history_
    n_windows = content.clf.n_windows_
    caption = (
        f"Training on {n_windows} windows, {len(history)} passes; the loss on the training part is "
        "taken in training, with noise and dropout."
    )
    fig = viz.plot_history(history, show=False)
    Writer(report, "Training").figure(fig, "Learning curves", caption)


def add_scores(report, content):
    """Scores with intervals and confusion matrices, of `evaluate` or of the windows given."""
    write = Writer(report, "Scores")
    if content.results is None:
        _add_own_scores(write, content)
        return
    _add_evaluation(write, content.results)
    for name, matrix in confusion(content.results).items():
        fig = viz.plot_confusion(matrix.to_numpy(), list(matrix.index), title=name, show=False)
        caption = f"{name}: windows of all test parts, over {_folds(content.results)}."
        write.figure(fig, f"Confusion matrix, {name}", caption)


def add_ablation(report, content):
    """The network without one of its parts."""
    if content.ablation is not None:
        _add_evaluation(Writer(report, "Ablation"), content.ablation)


def _add_evaluation(write, table):
    summary = summarize(table)
    several = (summary["n_subjects"] > 1).all()
    alike = summary.groupby(["transductive", "selection", "leaky"]).size().max()
    caption = f"Accuracy, mean over subjects, {_folds(table)}; 95 % interval over subjects."
    if summary[["transductive", "leaky"]].any(axis=None):
        caption += " Transductive: test windows took part in making features."
        caption += " Leaky: windows of one trial stood on both sides."
    write.table(summary, "Accuracy", caption)
    chance = summarize(table)["chance"].mean()
    fig = viz.plot_scores(named_scores(table), "accuracy", chance=chance, show=False)
    write.figure(fig, "Accuracy of subjects", caption)
    if several and alike > 1:
        tests = compare(table)
        caption = "Mean of a - b over subjects; signs flipped at random, p corrected after Holm."
        write.table(tests, "Comparisons", caption)


def _folds(table):
    n_folds, n_seeds = table["fold"].nunique(), table["seed"].nunique()
    return f"{n_folds} folds, {n_seeds} seed{'s' if n_seeds > 1 else ''}"


def _add_own_scores(write, content):
    clf, y = content.clf, content.y
    predicted = clf.predict(content.features)
    groups = np.zeros(len(y), int) if content.groups is None else content.groups
    rows = [
        {content.group_name: group, **scores(y[own], predicted[own], clf.classes_)}
        for group in pd.unique(groups)
        for own in [groups == group]
    ]
    table = pd.DataFrame(rows)
    if content.groups is None:
        table = table.drop(columns=content.group_name)
    write.table(table, "Scores", _SEEN)
    if len(table) > 1:
        chance = pd.Series(y).value_counts(normalize=True).max()
        fig = viz.plot_scores({"network": table["accuracy"]}, "accuracy", chance=chance, show=False)
        fig.axes[0].set_xlabel(f"accuracy (points: {content.group_name}s)")
        found = interval(table["accuracy"].to_numpy())
        caption = (
            f"Mean {found['mean']:.3f}, 95 % interval over {content.group_name}s "
            f"{found['low']:.3f} to {found['high']:.3f}. {_SEEN}"
        )
        write.figure(fig, f"Accuracy of each {content.group_name}", caption)
    matrix = pd.crosstab(
        pd.Categorical(y, clf.classes_), pd.Categorical(predicted, clf.classes_), dropna=False
    )
    fig = viz.plot_confusion(matrix.to_numpy(), list(clf.classes_), show=False)
    write.figure(fig, "Confusion matrix", f"{len(y)} windows. {_SEEN}")


def add_weights(report, content, weights, section, about, own, of_target=None):
    """Heads, bands, moments, regions and contrasts of attention or attribution.

    Parameters
    ----------
    report : mne.Report
        What is written to.
    content : Content
        What it is about.
    weights : Attention | Attribution
        Of the windows.
    section : str
        Heading.
    about : dict of str -> str
        What the weights are, ``"head"``, ``"depth"`` and ``"contrast"``; captions begin with it.
    own : array, shape (n_epochs,)
        Which of the windows ``weights`` are of.
    of_target : callable | None
        Gives the weights of these windows for one class, which alone can be compared; None
        where ``weights`` can be.
    """
    write = Writer(report, section)
    subjects = None if content.groups is None else content.groups[own]
    averaged = (
        f"Mean over {len(weights)} windows, by true class; r is {_stable(content)}, of this one "
        "network: another one, trained anew, may differ."
    )
    caption = f"{about['head']} {averaged}"
    if weights.electrode_streams:
        fig = weights.plot_topomap(subjects=subjects, show=False)
        write.figure(fig, f"{section} on the head", caption)
        for stream in weights.electrode_streams:
            # A table of means has no r.
            plain = f"{about['head']} Mean over {len(weights)} windows, by true class."
            _add_regions(write, weights, stream, plain)
    for kind, values in (("bands", weights.bands), ("times", weights.times)):
        if values is not None:
            fig = getattr(weights, f"plot_{kind}")(subjects=subjects, show=False)
            name = "bands" if kind == "bands" else "moments"
            write.figure(fig, f"{section} of {name}", f"{about['depth']} {averaged}")
    if subjects is not None:
        _add_contrasts(write, content, weights, own, about["contrast"], of_target)


def _add_regions(write, weights, stream, caption):
    mean = weights.average().by_region(stream)
    where = mean[["region", "side"]].drop_duplicates().reset_index(drop=True)
    # Classes may be called as columns are.
    columns = [where, *(own["weight"].reset_index(drop=True) for _, own in mean.groupby("epoch"))]
    table = pd.concat(columns, axis=1)
    table.columns = ["region", "side", *mean["label"].drop_duplicates().astype(str)]
    write.table(table, f"Regions, {stream} stream", f"{caption} Unit: {weights.unit}.")


def _add_contrasts(write, content, weights, own, about, of_target):
    y, subjects = content.y[own], content.groups[own]
    classes = list(np.unique(y))
    if not 2 <= len(classes) <= _MOST_PAIRED:
        note = f"Pairs are compared for up to {_MOST_PAIRED} classes; here are {len(classes)}."
        write.html(f"<p>{note} Attention.contrast() compares any two.</p>", "Contrasts")
        return
    few = []
    for first, second in combinations(classes, 2):
        pair = [set(subjects[y == label]) for label in (first, second)]
        if len(pair[0] & pair[1]) < FEW_UNITS:
            few.append(f"{first} - {second}")
            continue
        compared = weights if of_target is None else of_target(first)
        for stream in weights.electrode_streams:
            found = compared.contrast(first, second, subjects, stream, by=y)
            fig = found.plot_topomap(show=False)
            p = f"smallest p {found.clusters['p'].min():.3f}" if len(found.clusters) else "none"
            what = about.format(first=first, second=second)
            caption = (
                f"{what} Within {content.group_name}s, mean over {found.n_units}; cluster "
                f"permutation test over {content.group_name}s ({found.n_permutations} "
                f"sign flips, clusters: {len(found.clusters)}, {p}); white: electrodes of "
                f"clusters with p < {found.alpha:g}. Not corrected for several contrasts."
            )
            write.figure(fig, f"{first} - {second}, {stream} stream", caption)
    if few:
        note = f"Not compared: {listed(few)}, of which fewer than {FEW_UNITS} "
        shown = f"have both, of the {len(own)} windows that are shown here"
        write.html("", "Contrasts", f"{note}{content.group_name}s {shown}.")


def add_settings(report, content):
    """Settings of features and network, versions, what to cite."""
    write = Writer(report, "Methods")
    clf = content.clf
    features = {k: _text(v) for k, v in asdict(content.features.settings).items()}
    if features.pop("reference_channels") != "None":
        n_reference = len(content.features.settings.reference_channels)
        features["reference"] += f" of {n_reference} channels"
    features["bands"] = listed(f"{n} {a:g}-{b:g} Hz" for n, a, b in content.features.settings.bands)
    write.table(_pairs(features), "Features", "How windows became features.")
    # As they were used: a preset replaces what was left at its default.
    params = {k: _text(v) for k, v in (with_preset(clf) | {"preset": clf.preset}).items()}
    write.table(_pairs(params), "Network and training", f"Parameters of {type(clf).__name__}.")
    versions = {name: importlib.metadata.version(name) for name in PACKAGES}
    write.table(_pairs(versions), "Versions")
    write.html(f"<p>{html.escape(CITATION)}</p>", "What to cite")


def _text(value):
    if isinstance(value, tuple | list):
        return listed(value)
    if isinstance(value, mne.Info):
        return f"{len(value['ch_names'])} channels"
    return " ".join(str(value).split())


def _pairs(values):
    return pd.DataFrame({"name": list(values), "value": list(values.values())})
