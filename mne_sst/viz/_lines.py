"""Weights of bands and moments, and the course of training."""

import numpy as np

from .._stability import number_and_stability
from ._figure import COLORS, finished, grid_of_axes, plain

_MARKERS = "osD^vP*X<"
#: Of a figure of ours, in inches.
_WIDTH = 7.2


def plot_bands(
    groups, bands, unit, *, even=None, counts=None, stability=None, axes=None, show=True
):
    """Plot the mean weight of each band with its spread over epochs.

    Parameters
    ----------
    groups : dict of object -> array, shape (n_epochs, n_bands)
        Name of a group -> its weights.
    bands : list of str
        Names of the bands.
    unit : str
        What the weights are.
    even : float | None
        Weight of even attention, drawn as a dashed line.
    counts : dict of object -> array, shape (n_epochs,) | None
        How many epochs each row stands for; None for one each.
    stability : dict of object -> float | None
        Mean correlation between two of what a group averages, for the legend.
    axes : Axes | None
        Where to draw; None makes a figure.
    show : bool
        Whether to show the figure.

    Returns
    -------
    fig : Figure

    Examples
    --------
    >>> from mne_sst.viz import plot_bands
    >>> weights = {"rest": [[0.2, 0.8], [0.4, 0.6]]}
    >>> fig = plot_bands(weights, ["theta", "alpha"], "share", show=False)
    """
    fig, ax, legend = _axes_and_legend(axes)
    # Side by side, so that the bars of the groups do not hide each other.
    shifts = np.linspace(-0.25, 0.25, len(groups)) if len(groups) > 1 else [0.0]
    for i, (shift, (name, weights)) in enumerate(zip(shifts, groups.items(), strict=True)):
        mean, spread, style = _summary(i, name, weights, counts, stability)
        ax.errorbar(np.arange(len(bands)) + shift, mean, spread, ls="", capsize=3, **style)
    ax.set_xticks(np.arange(len(bands)), bands)
    return _labelled(fig, ax, "band", _with_spread(unit, spread), even, legend, show)


def plot_times(
    groups, times, unit, *, even=None, counts=None, stability=None, axes=None, show=True
):
    """Plot the mean weight of each moment of the window with its spread over epochs.

    Parameters
    ----------
    groups : dict of object -> array, shape (n_epochs, n_times)
        Name of a group -> its weights.
    times : array, shape (n_times,)
        Seconds from the start of the window.
    unit : str
        What the weights are.
    even : float | None
        Weight of even attention, drawn as a dashed line.
    counts : dict of object -> array, shape (n_epochs,) | None
        See `plot_bands`.
    stability : dict of object -> float | None
        See `plot_bands`.
    axes : Axes | None
        Where to draw; None makes a figure.
    show : bool
        Whether to show the figure.

    Returns
    -------
    fig : Figure

    Examples
    --------
    >>> from mne_sst.viz import plot_times
    >>> fig = plot_times({"rest": [[0.1, 0.9], [0.3, 0.7]]}, [0.0, 0.5], "share", show=False)
    """
    fig, ax, legend = _axes_and_legend(axes)
    for i, (name, weights) in enumerate(groups.items()):
        mean, spread, style = _summary(i, name, weights, counts, stability)
        ax.plot(times, mean, markersize=3, **style)
        if spread is not None:
            low, high = mean - spread, mean + spread
            ax.fill_between(times, low, high, color=style["color"], alpha=0.15, lw=0)
    unit = _with_spread(unit, spread)
    return _labelled(fig, ax, "time in the window (s)", unit, even, legend, show)


def _axes_and_legend(axes):
    # Beside the plot in a figure of ours; a figure of others may have something there.
    legend = {"loc": "center left", "bbox_to_anchor": (1.0, 0.5)} if axes is None else {}
    fig, axes = grid_of_axes(axes, 1, 1, _WIDTH - 1.2, 3.6)
    return fig, axes[0][0], legend


def _summary(i, name, weights, counts, stability):
    """Mean, spread and looks of group number ``i``."""
    weights = np.asarray(weights)
    n = np.ones(len(weights), int) if counts is None else np.asarray(counts[name])
    mean = np.average(weights, axis=0, weights=n)
    # Means of epochs do not tell how epochs are spread.
    single = (n == 1).all()
    spread = np.sqrt(np.average((weights - mean) ** 2, axis=0, weights=n)) if single else None
    r = (stability or {}).get(name, np.nan)
    label = plain(f"{name} {number_and_stability(n.sum(), r)}")
    # Nine markers and eight colours: 72 groups, no two alike.
    looks = {"marker": _MARKERS[i % len(_MARKERS)], "color": COLORS[i % len(COLORS)]}
    return mean, spread, {"label": label, **looks}


def _with_spread(unit, spread):
    return f"{unit}\n(mean{'' if spread is None else ' and sd'} over epochs)"


def _labelled(fig, ax, xlabel, unit, even, legend, show):
    if even is not None:
        ax.axhline(even, color="0.4", ls="--", lw=1, label="even attention")
    ax.set(xlabel=xlabel, ylabel=unit)
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(frameon=False, fontsize="small", **legend)
    if legend and fig.get_figwidth() == _WIDTH:
        # A long legend takes its own room, not that of the plot.
        longest = max(len(text.get_text()) for text in ax.get_legend().get_texts())
        fig.set_figwidth(_WIDTH + max(0.07 * (longest - 24), 0))
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

    Examples
    --------
    >>> import pandas as pd
    >>> from mne_sst.viz import plot_history
    >>> fig = plot_history(pd.DataFrame({"epoch": [1, 2], "train_loss": [0.7, 0.5]}), show=False)
    """
    held = "valid_loss" in history
    fig, axes = grid_of_axes(axes, 1, 2 if held else 1, 4.2, 3.2)
    ax = axes[0][0]
    # A line through one point cannot be seen.
    marker = "o" if len(history) == 1 else None
    passes = history["epoch"]
    train, valid = ({"color": color, "marker": marker} for color in COLORS[:2])
    ax.plot(passes, history["train_loss"], label="training part", **train)
    if held:
        ax.plot(passes, history["valid_loss"], label="validation part", **valid)
        if history["valid_loss"].notna().any():
            best = history["valid_loss"].idxmin()
            ax.axvline(passes[best], color="0.4", ls="--", lw=1, label="best pass")
        axes[0][1].plot(passes, history["valid_accuracy"], **valid)
        axes[0][1].set(xlabel="pass", ylabel="accuracy, validation part")
    ax.set(xlabel="pass", ylabel="cross-entropy (nats)")
    ax.legend(frameon=False, fontsize="small")
    for one in axes[0]:
        one.spines[["top", "right"]].set_visible(False)
        one.xaxis.get_major_locator().set_params(integer=True)
    return finished(fig, show)
