"""States along a recording."""

import mne
import numpy as np

from .._montage import locations
from ._figure import (
    COLORS,
    DIVERGING,
    SEQUENTIAL,
    color_limits,
    finished,
    grid_of_axes,
    limits_beside,
    plain,
)


def plot_timeline(
    times,
    probabilities,
    classes,
    *,
    heads=None,
    info=None,
    unit="attention",
    signed=False,
    axes=None,
    show=True,
    vlim=None,
    **kwargs,
):
    """Plot the probability of each class over time, with heads of chosen moments.

    Parameters
    ----------
    times : array, shape (n_windows,)
        Middle of each window, s.
    probabilities : array, shape (n_windows, n_classes)
        Stacked, they fill the height; where windows are missing there is a gap.
    classes : list
        Names of the classes.
    heads : dict of float -> array, shape (n_channels,) | None
        Moment in s -> values of the electrodes, such as attention.
    info : mne.Info | None
        The channels of ``heads``, with positions.
    unit : str
        What the values of the heads are.
    signed : bool
        Whether they have a sign that means something.
    axes : Axes | array of Axes | None
        Where to draw: one for the probabilities, then one for each head.
    show : bool
        Whether to show the figure.
    vlim : tuple of float | None
        Limits of the colours of the heads; None for the range of all.
    **kwargs
        Passed on to `mne.viz.plot_topomap`.

    Returns
    -------
    fig : Figure
        The heads share one colour scale.

    Examples
    --------
    >>> from mne_sst.viz import plot_timeline
    >>> probabilities = [[0.9, 0.1], [0.6, 0.4], [0.2, 0.8]]
    >>> fig = plot_timeline([0.5, 1.5, 2.5], probabilities, ["rest", "task"], show=False)
    """
    times, probabilities = np.asarray(times, float), np.asarray(probabilities, float)
    if probabilities.shape != (len(times), len(classes)):
        raise ValueError(
            f"probabilities must have shape ({len(times)}, {len(classes)}), a row for each of "
            f"times and a column for each of classes; got {probabilities.shape}."
        )
    heads = heads or {}
    if not len(times):
        raise ValueError("there is nothing to plot: times is empty.")
    if heads and info is None:
        raise ValueError("heads need info=, the channels with their positions.")
    if axes is None:
        fig, ax, above = _figure(heads)
    else:
        fig, axes = grid_of_axes(axes, 1, 1 + len(heads), 0, 0)
        ax, *above = axes[0]
    _stack(ax, times, probabilities, classes)
    if heads:
        locations(info)
        _draw_heads(fig, ax, above, heads, info, unit, signed, vlim, kwargs)
    return finished(fig, show)


def _figure(heads):
    import matplotlib.pyplot as plt

    fig = plt.figure(figsize=(9.0, 4.6 if heads else 3.0), layout="constrained")
    if not heads:
        return fig, fig.subplots(), []
    upper, lower = fig.subfigures(2, 1, height_ratios=(1.1, 1.4))
    return fig, lower.subplots(), list(np.atleast_1d(upper.subplots(1, len(heads))))


def _stack(ax, times, probabilities, classes):
    step = np.median(np.diff(times)) if len(times) > 1 else 1.0
    # A missing window ends one piece and begins the next.
    breaks = np.flatnonzero(np.diff(times) > 1.5 * step) + 1
    for number, rows in enumerate(np.split(np.arange(len(times)), breaks)):
        edges = np.repeat(times[rows], 2) + np.tile([-step / 2, step / 2], len(rows))
        heights = np.repeat(probabilities[rows], 2, axis=0).T
        labels = [plain(c) for c in classes] if number == 0 else ()
        colors = [COLORS[i % len(COLORS)] for i in range(len(classes))]
        # A colour that comes again is hatched.
        hatch = [("", "//", "..")[i // len(COLORS) % 3] for i in range(len(classes))]
        ax.stackplot(edges, heights, labels=labels, colors=colors, alpha=0.85, hatch=hatch)
    ax.set(
        xlabel="time in the recording (s)",
        ylabel="probability",
        ylim=(0, 1),
        xlim=(times.min() - step / 2, times.max() + step / 2),
    )
    ax.legend(frameon=False, fontsize="small", loc="center left", bbox_to_anchor=(1.0, 0.5))


def _draw_heads(fig, ax, above, heads, info, unit, signed, vlim, kwargs):
    limits = limits_beside(color_limits(list(heads.values()), vlim, signed), kwargs)
    options = {"sensors": False, "contours": 4, "cmap": DIVERGING if signed else SEQUENTIAL}
    for head_ax, (moment, values) in zip(above, heads.items(), strict=True):
        image, _ = mne.viz.plot_topomap(
            values,
            info,
            axes=head_ax,
            show=False,
            vlim=limits,
            **options | kwargs,
        )
        head_ax.set_title(f"{moment:g} s", fontsize="medium")
        ax.axvline(moment, color="k", lw=1, ls=":")
    bar = above[-1].figure.colorbar(image, ax=above, shrink=0.8, fraction=0.05, pad=0.02)
    bar.set_label(unit)
