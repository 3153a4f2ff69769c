"""Weights of bands and moments, and the course of training."""

import numpy as np

from ._figure import finished, grid_of_axes


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
    fig, axes = grid_of_axes(axes, 1, 1, 6.0, 3.6)
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
    return finished(fig, show)


def plot_history(history, *, axes=None, show=True):
    """Plot the loss of each pass, and the accuracy on the validation part if there is one.

    Parameters
    ----------
    history : DataFrame
        ``history_`` of a classifier.
    axes : array of Axes | None
        One for the loss and, with a validation part, one for the accuracy.
    show : bool
        Whether to show the figure.

    Returns
    -------
    fig : Figure
    """
    held = "valid_loss" in history
    fig, axes = grid_of_axes(axes, 1, 2 if held else 1, 4.2, 3.2)
    ax = axes[0][0]
    ax.plot(history["epoch"], history["train_loss"], label="training part")
    if held:
        ax.plot(history["epoch"], history["valid_loss"], label="validation part")
        best = history["valid_loss"].idxmin()
        ax.axvline(history["epoch"][best], color="0.4", ls="--", lw=1, label="best pass")
        axes[0][1].plot(history["epoch"], history["valid_accuracy"], color="C1")
        axes[0][1].set(xlabel="pass", ylabel="accuracy, validation part")
    ax.set(xlabel="pass", ylabel="cross-entropy (nats)")
    ax.legend(frameon=False, fontsize="small")
    for one in axes[0]:
        one.spines[["top", "right"]].set_visible(False)
        one.xaxis.get_major_locator().set_params(integer=True)
    return finished(fig, show)
