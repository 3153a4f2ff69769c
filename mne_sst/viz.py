"""Figures: arrays and an Info in, a matplotlib Figure out."""

import mne
import numpy as np

from ._io import replacing
from ._montage import locations

#: One map for values that grow from zero, perceptually even and safe for the
#: colour blind; one for signed values.
SEQUENTIAL, DIVERGING = "viridis", "RdBu_r"


def plot_topomap_rows(
    rows, info, unit, *, signed=False, axes=None, show=True, vlim=None, cmap=None, **kwargs
):
    """Plot rows of heads; the heads of a row share a colour scale and a colour bar.

    Parameters
    ----------
    rows : dict of str -> dict of str -> array, shape (n_channels,)
        Title of a row -> title of a head -> values.
    info : mne.Info
        The channels, with positions.
    unit : str
        Label of the colour bars.
    signed : bool
        Whether values have a sign that means something: colours go from zero to both sides.
    axes : array of Axes | None
        One for each head, row by row; None makes a figure.
    show : bool
        Whether to show the figure.
    vlim : tuple of float | None
        Limits of the colours; None for the range of each row.
    cmap : str | None
        Colour map; None for a sequential one, or a diverging one where ``signed``.
    **kwargs
        Passed on to `mne.viz.plot_topomap`, such as ``sphere``,
        ``extrapolate``, ``contours``, ``names``.

    Returns
    -------
    fig : Figure
    """
    locations(info)
    n_rows, n_columns = len(rows), max(len(heads) for heads in rows.values())
    fig, axes = _grid_of_axes(axes, n_rows, n_columns, 2.1, 2.4, left=0.4)
    options = {"sensors": True, "contours": 4, **kwargs}
    first = next(iter(rows.values()))
    for i, (title, heads) in enumerate(rows.items()):
        limits = _limits(list(heads.values()), vlim, signed)
        for ax, (name, values) in zip(axes[i], heads.items(), strict=False):
            image, _ = mne.viz.plot_topomap(
                values,
                info,
                axes=ax,
                show=False,
                vlim=limits,
                cmap=cmap or (DIVERGING if signed else SEQUENTIAL),
                **options,
            )
            # Titles that are the same in all rows stand once.
            if i == 0 or heads.keys() != first.keys():
                ax.set_title(name, fontsize="medium")
        for ax in axes[i][len(heads) :]:
            ax.set_axis_off()
        if title:
            axes[i][0].text(
                -0.08,
                0.5,
                title,
                transform=axes[i][0].transAxes,
                rotation=90,
                ha="right",
                va="center",
            )
        bar = fig.colorbar(image, ax=list(axes[i]), shrink=0.7, fraction=0.06, pad=0.03)
        bar.set_label(unit)
    return _finished(fig, show)


def plot_band_topomaps(columns, info, unit, *, axes=None, show=True, vlim=None, **kwargs):
    """Plot one head for each band, each with its own scale.

    Parameters
    ----------
    columns : dict of str -> array, shape (n_channels,)
        Band -> values.
    info : mne.Info
        The channels, with positions.
    unit : str
        Label of the colour bars.
    axes : array of Axes | None
        One for each band.
    show : bool
        Whether to show the figure.
    vlim : tuple of float | None
        One pair of limits for all bands; None for the range of each.
    **kwargs
        Passed on to `mne.viz.plot_topomap`.

    Returns
    -------
    fig : Figure
    """
    locations(info)
    fig, axes = _grid_of_axes(axes, 1, len(columns), 2.4, 2.6)
    options = {"sensors": True, "contours": 4, "cmap": SEQUENTIAL, **kwargs}
    for ax, (name, values) in zip(axes[0], columns.items(), strict=True):
        limits = _limits([values], vlim)
        image, _ = mne.viz.plot_topomap(values, info, axes=ax, show=False, vlim=limits, **options)
        ax.set_title(name)
        bar = fig.colorbar(image, ax=ax, shrink=0.7, location="bottom", pad=0.04)
        bar.set_label(unit)
        bar.ax.locator_params(nbins=4)
    return _finished(fig, show)


def plot_weights(groups, x, xlabel, unit, *, even=None, stability=None, axes=None, show=True):
    """Plot mean weights with their spread over epochs, a line for each group.

    Parameters
    ----------
    groups : dict of object -> array, shape (n_epochs, n_points)
        Name of a group -> its weights.
    x : list of str | array, shape (n_points,)
        Names of the points, or where they lie.
    xlabel, unit : str
        Labels of the axes.
    even : float | None
        Weight of even attention, drawn as a dashed line.
    stability : dict of object -> float | None
        Mean correlation between two of what a group averages, for the legend.
    axes : Axes | None
        Where to draw; None makes a figure.
    show : bool
        Whether to show the figure.

    Returns
    -------
    fig : Figure
    """
    # Beside the plot in a figure of ours; a figure of others may have something there.
    legend = {"loc": "center left", "bbox_to_anchor": (1.0, 0.5)} if axes is None else {}
    fig, axes = _grid_of_axes(axes, 1, 1, 6.0, 3.6)
    ax = axes[0][0]
    categorical = isinstance(x[0], str)
    positions = np.arange(len(x)) if categorical else np.asarray(x)
    # Side by side, so that the bars of the groups do not hide each other.
    width = 0.5 if categorical else 0.0
    shifts = np.linspace(-width / 2, width / 2, len(groups)) if len(groups) > 1 else [0.0]
    markers = "osD^vP*X"
    for i, (shift, (name, weights)) in enumerate(zip(shifts, groups.items(), strict=True)):
        mean, spread = weights.mean(axis=0), weights.std(axis=0)
        r = (stability or {}).get(name, np.nan)
        label = f"{name} (n = {len(weights)}{'' if np.isnan(r) else f', r = {r:.2f}'})"
        marker = markers[i % len(markers)]
        if categorical:
            ax.errorbar(positions + shift, mean, spread, fmt=marker, capsize=3, label=label)
        else:
            (line,) = ax.plot(positions, mean, marker=marker, markersize=3, label=label)
            ax.fill_between(
                positions, mean - spread, mean + spread, color=line.get_color(), alpha=0.15, lw=0
            )
    if even is not None:
        ax.axhline(even, color="0.4", ls="--", lw=1, label="even attention")
    if categorical:
        ax.set_xticks(positions, x)
    ax.set(xlabel=xlabel, ylabel=f"{unit}\n(mean and sd over epochs)")
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(frameon=False, fontsize="small", **legend)
    return _finished(fig, show)


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
    """
    names = list(scores)
    values = [np.asarray(scores[name], float) for name in names]
    values = [v[np.isfinite(v)] for v in values]
    fig, axes = _grid_of_axes(axes, 1, 1, 6.4, 0.42 * len(names) + 1.0)
    ax = axes[0][0]
    ax.boxplot(
        values,
        orientation="horizontal",
        widths=0.6,
        showfliers=False,
        medianprops={"color": "C1", "lw": 2},
        boxprops={"color": "0.4"},
        whiskerprops={"color": "0.4"},
        capprops={"color": "0.4"},
    )
    for i, points in enumerate(values, start=1):
        # Spread so that equal scores stay visible, in the same way every time.
        shift = 0.36 * (np.arange(len(points)) * 0.618 % 1) - 0.18
        ax.plot(points, i + shift, "o", color="C0", ms=3.5, alpha=0.6, mew=0)
        ax.plot(points.mean(), i, "D", color="k", ms=5, label="mean" if i == 1 else None)
    if chance is not None:
        ax.axvline(chance, color="0.4", ls="--", lw=1, label="chance")
    ax.set_yticks(range(1, len(names) + 1), names)
    ax.invert_yaxis()
    ax.set_xlabel(f"{ylabel} (points: subjects)")
    ax.spines[["top", "right"]].set_visible(False)
    legend = {"loc": "lower left", "bbox_to_anchor": (0, 1.0), "ncols": 2}
    ax.legend(frameon=False, fontsize="small", borderaxespad=0.2, **legend)
    return _finished(fig, show)


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
    """
    matrix = np.asarray(matrix)
    total = matrix.sum(axis=1, keepdims=True)
    share = np.divide(matrix, total, out=np.zeros(matrix.shape), where=total > 0)
    size = 0.75 * len(labels) + 1.6
    fig, axes = _grid_of_axes(axes, 1, 1, size, size - 0.6)
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
    return _finished(fig, show)


def save_figure(fig, fname, dpi=150):
    """Write a figure to a file, as a whole or not at all, and close it.

    Parameters
    ----------
    fig : Figure
        It cannot be shown afterwards.
    fname : path-like
        Its ending says the format.
    dpi : int
        Resolution of a picture.
    """
    import matplotlib.pyplot as plt

    with replacing(fname) as temporary:
        fig.savefig(temporary, dpi=dpi)
    plt.close(fig)


def _limits(values, vlim=None, signed=False):
    """Range of the values, where ``vlim`` leaves it open; symmetric where they are signed."""
    low, high = np.min(values), np.max(values)
    if signed:
        high = max(abs(low), abs(high))
        low = -high
    if vlim is not None:
        return low if vlim[0] is None else vlim[0], high if vlim[1] is None else vlim[1]
    # A head that is flat but for rounding in single precision still needs a scale.
    size = max(abs(low), abs(high))
    margin = 0.0 if high - low > 1e-5 * max(size, 1e-30) else (size or 1.0) * 0.01
    return low - margin, high + margin


def _grid_of_axes(axes, n_rows, n_columns, width, height, left=0.0):
    """Return the figure and axes as an (n_rows, n_columns) array, made or checked.

    ``width`` and ``height`` of one are in inches, as is the margin to the ``left``.
    """
    if axes is None:
        import matplotlib.pyplot as plt

        size = (width * n_columns + 1.2 + left, height * n_rows + 0.3)
        fig, axes = plt.subplots(
            n_rows, n_columns, figsize=size, squeeze=False, layout="constrained"
        )
        # Titles of rows stand beside heads whose place the layout does not foresee.
        fig.get_layout_engine().set(rect=(left / size[0], 0, 1 - left / size[0], 1))
        return fig, axes
    axes = np.atleast_1d(np.asarray(axes, dtype=object)).ravel()
    if len(axes) != n_rows * n_columns:
        raise ValueError(
            f"axes must hold {n_rows * n_columns} Axes ({n_rows} rows of {n_columns}), got "
            f"{len(axes)}."
        )
    return axes[0].figure, axes.reshape(n_rows, n_columns)


def _finished(fig, show):
    if show:
        import matplotlib.pyplot as plt

        plt.show()
    return fig
