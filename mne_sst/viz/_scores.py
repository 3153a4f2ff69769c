"""Scores of models, and what they take for what."""

import numpy as np

from ._figure import COLORS, finished, grid_of_axes


def plot_scores(scores, ylabel, *, chance=None, axes=None, show=True):
    """Plot scores of subjects, a box and its points for each estimator.

    Parameters
    ----------
    scores : dict of str -> array, shape (n_subjects,)
        Name of an estimator -> one score a subject.
    ylabel : str
        What the scores are.
    chance : float | None
        Drawn as a dashed line.
    axes : Axes | None
        Where to draw; None makes a figure.
    show : bool
        Whether to show the figure.

    Returns
    -------
    fig : Figure

    Examples
    --------
    >>> from mne_sst.viz import plot_scores
    >>> fig = plot_scores({"network": [0.7, 0.8, 0.6]}, "accuracy", chance=0.5, show=False)
    """
    names = list(scores)
    values = [np.asarray(scores[name], float) for name in names]
    values = [v[np.isfinite(v)] for v in values]
    fig, axes = grid_of_axes(axes, 1, 1, 6.4, 0.42 * len(names) + 1.0)
    ax = axes[0][0]
    ax.boxplot(
        values,
        orientation="horizontal",
        widths=0.6,
        showfliers=False,
        medianprops={"color": COLORS[1], "lw": 2},
        boxprops={"color": "0.4"},
        whiskerprops={"color": "0.4"},
        capprops={"color": "0.4"},
    )
    for i, points in enumerate(values, start=1):
        # Spread so that equal scores stay visible, in the same way every time.
        shift = 0.36 * (np.arange(len(points)) * 0.618 % 1) - 0.18
        ax.plot(points, i + shift, "o", color=COLORS[0], ms=3.5, alpha=0.6, mew=0)
        ax.plot(points.mean(), i, "D", color="k", ms=5, label="mean" if i == 1 else None)
    if chance is not None:
        ax.axvline(chance, color="0.4", ls="--", lw=1, label="chance")
    ax.set_yticks(range(1, len(names) + 1), names)
    ax.invert_yaxis()
    ax.set_xlabel(f"{ylabel} (points: subjects)")
    ax.spines[["top", "right"]].set_visible(False)
    legend = {"loc": "lower left", "bbox_to_anchor": (0, 1.0), "ncols": 2}
    ax.legend(frameon=False, fontsize="small", borderaxespad=0.2, **legend)
    return finished(fig, show)


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
            text = f"{value:.0%}\n{matrix[i, j]}"
            color = "w" if value > 0.6 else "k"
            ax.text(j, i, text, ha="center", va="center", color=color, fontsize="small")
    positions = range(len(labels))
    ax.set_xticks(positions, [str(v) for v in labels], rotation=45, ha="right")
    ax.set_yticks(positions, [str(v) for v in labels])
    ax.set(xlabel="predicted", ylabel="true", title=title)
    fig.colorbar(image, ax=ax, shrink=0.8).set_label("share of the true class")
    return finished(fig, show)
