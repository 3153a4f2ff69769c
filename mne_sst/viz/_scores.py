"""Scores of models, and what they take for what."""

import numpy as np

from .._interval import interval
from ._figure import COLORS, finished, grid_of_axes, plain, wrapped


def plot_scores(scores, ylabel, *, chance=None, confidence=0.95, axes=None, show=True):
    """Plot scores of subjects as boxes and points, with their mean and its confidence interval.

    Parameters
    ----------
    scores : dict of str -> array, shape (n_subjects,)
        Name of an estimator -> one score a subject.
    ylabel : str
        What the scores are.
    chance : float | None
        Drawn as a dashed line.
    confidence : float
        Of the interval of the mean, by Student's t; there is none for one subject.
    axes : Axes | None
        Where to draw; None makes a figure.
    show : bool
        Whether to show the figure.

    Returns
    -------
    fig : Figure

    Notes
    -----
    Boxes reach from the first to the third quartile, whiskers to the farthest score within
    1.5 times that range.

    Examples
    --------
    >>> from mne_sst.viz import plot_scores
    >>> fig = plot_scores({"network": [0.7, 0.8, 0.6]}, "accuracy", chance=0.5, show=False)
    """
    names = list(scores)
    values = [np.asarray(scores[name], float) for name in names]
    values = [v[np.isfinite(v)] for v in values]
    fig, axes = grid_of_axes(axes, 1, 1, 6.4, 0.42 * len(names) + 1.0)
    ax, mean = axes[0][0], f"mean, {confidence:.0%} interval"
    _boxes(ax, values)
    for i, points in enumerate(values, start=1):
        # Spread so that equal scores stay visible, in the same way every time.
        shift = 0.36 * (np.arange(len(points)) * 0.618 % 1) - 0.18
        ax.plot(points, i + shift, "o", color=COLORS[0], ms=3.5, alpha=0.6, mew=0)
        if not len(points):
            continue
        found = interval(points, confidence)
        error = None if len(points) < 2 else found["high"] - found["mean"]
        ax.errorbar(points.mean(), i, xerr=error, fmt="D", color="k", ms=5, capsize=4, label=mean)
        mean = None
    if chance is not None:
        ax.axvline(chance, color="0.4", ls="--", lw=1, label="chance")
    ax.set_yticks(range(1, len(names) + 1), [plain(name) for name in names])
    ax.set_ylim(len(names) + 0.6, 0.4)
    ax.set_xlabel(f"{ylabel} (points: subjects)")
    ax.spines[["top", "right"]].set_visible(False)
    legend = {"loc": "lower left", "bbox_to_anchor": (0, 1.0), "ncols": 3}
    if ax.get_legend_handles_labels()[0]:
        ax.legend(frameon=False, fontsize="small", borderaxespad=0.2, **legend)
    return finished(fig, show)


def _boxes(ax, values):
    """Boxes of scores; those of one score or none would be lines."""
    drawn = [i for i, points in enumerate(values) if len(points) > 1]
    if not drawn:
        return
    grey = {name: {"color": "0.6", "lw": 1} for name in ("whiskerprops", "capprops")}
    ax.boxplot(
        [values[i] for i in drawn],
        positions=[i + 1 for i in drawn],
        orientation="horizontal",
        widths=0.6,
        showfliers=False,  # they are points already
        patch_artist=True,
        manage_ticks=False,
        zorder=1,
        boxprops={"facecolor": "0.94", "edgecolor": "0.6", "lw": 1},
        medianprops={"color": COLORS[1], "lw": 2},
        label=["median, quartiles"] + [None] * (len(drawn) - 1),
        **grey,
    )


def plot_confusion(matrix, labels, *, title=None, axes=None, show=True):
    """Plot a confusion matrix: counts, coloured by the share of each true class.

    Parameters
    ----------
    matrix : array, shape (n_classes, n_classes)
        Counts; rows are true classes.
    labels : list
        Names of the classes.
    title : str | None
        Above the matrix.
    axes : Axes | None
        Where to draw; None makes a figure.
    show : bool
        Whether to show the figure.

    Returns
    -------
    fig : Figure

    Examples
    --------
    >>> from mne_sst.viz import plot_confusion
    >>> fig = plot_confusion([[8, 2], [1, 9]], ["sad", "glad"], show=False)
    """
    matrix = np.asarray(matrix)
    total = matrix.sum(axis=1, keepdims=True)
    share = np.divide(matrix, total, out=np.zeros(matrix.shape), where=total > 0)
    size = 0.75 * len(labels) + 1.6
    fig, axes = grid_of_axes(axes, 1, 1, size, size - 0.6)
    ax = axes[0][0]
    image = ax.imshow(share, vmin=0, vmax=1, cmap="Blues")
    for i, row in enumerate(share):
        for j, value in enumerate(row):
            text = f"{value:.0%}\n{_count(matrix[i, j])}"
            color = "w" if value > 0.6 else "k"
            ax.text(j, i, text, ha="center", va="center", color=color, fontsize="small")
    positions = range(len(labels))
    ax.set_xticks(positions, [plain(v) for v in labels], rotation=45, ha="right")
    ax.set_yticks(positions, [plain(v) for v in labels])
    ax.set(xlabel="predicted", ylabel="true")
    if title is not None:
        ax.set_title(wrapped(title, round(9 * size)))
    fig.colorbar(image, ax=ax, shrink=0.8).set_label("share of the true class")
    return finished(fig, show)


def _count(value):
    """A count, or a mean of counts, in few figures."""
    return f"{value:.0f}" if float(value).is_integer() else f"{value:.2f}"
