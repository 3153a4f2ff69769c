"""Heads: values of electrodes as MNE topomaps."""

import mne
import numpy as np

from .._montage import locations
from .._stability import number_and_stability
from ._figure import (
    DIVERGING,
    SEQUENTIAL,
    color_limits,
    finished,
    grid_of_axes,
    limits_beside,
    plain,
    wrapped,
)

#: Heads beside each other in a figure of ours; more go below.
_MOST_HEADS = 6


def plot_attention(
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

    Examples
    --------
    >>> import mne
    >>> info = mne.create_info(["Fz", "Cz", "Pz"], 200.0, "eeg").set_montage("easycap-M1")
    >>> from mne_sst.viz import plot_attention
    >>> heads = {"sad": [1.0, 0.0, 0.0], "glad": [0.0, 0.0, 1.0]}
    >>> fig = plot_attention({"spectral stream": heads}, info, "attention", show=False)
    """
    locations(info)
    lines = _lines_of(rows, vlim, signed, most=_MOST_HEADS if axes is None else None)
    n_columns = max(len(heads) for _, heads, _ in lines)
    fig, axes = grid_of_axes(axes, len(lines), n_columns, 2.1, 2.4, left=0.4)
    options = {"sensors": True, "contours": 4, **kwargs}
    first = next(iter(rows.values()))
    for i, (title, heads, limits) in enumerate(lines):
        for ax, (name, values) in zip(axes[i], heads.items(), strict=False):
            image, _ = mne.viz.plot_topomap(
                values,
                info,
                axes=ax,
                show=False,
                vlim=limits_beside(limits, kwargs),
                cmap=cmap or (DIVERGING if signed else SEQUENTIAL),
                **options,
            )
            # Titles that are the same in all rows stand once.
            if i == 0 or heads.keys() != first.keys():
                ax.set_title(wrapped(name, 24), fontsize="medium")
        for ax in axes[i][len(heads) :]:
            ax.set_axis_off()
        if title:
            axes[i][0].text(
                -0.08,
                0.5,
                plain(title),
                transform=axes[i][0].transAxes,
                rotation=90,
                ha="right",
                va="center",
            )
        bar = fig.colorbar(image, ax=list(axes[i]), shrink=0.7, fraction=0.06, pad=0.03)
        bar.set_label(unit)
    return finished(fig, show)


def _lines_of(rows, vlim, signed, most):
    """Rows as (title, heads, limits); those of many heads become several of one scale."""
    lines = []
    for title, heads in rows.items():
        limits, names = color_limits(list(heads.values()), vlim, signed), list(heads)
        step = most or len(names)
        for start in range(0, len(names), step):
            part = {name: heads[name] for name in names[start : start + step]}
            lines.append((title, part, limits))
    return lines


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

    Examples
    --------
    >>> import mne
    >>> info = mne.create_info(["Fz", "Cz", "Pz"], 200.0, "eeg").set_montage("easycap-M1")
    >>> from mne_sst.viz import plot_band_topomaps
    >>> fig = plot_band_topomaps({"alpha": [1.0, 2.0, 3.0]}, info, "DE (nats)", show=False)
    """
    locations(info)
    fig, axes = grid_of_axes(axes, 1, len(columns), 2.4, 2.6)
    options = {"sensors": True, "contours": 4, "cmap": SEQUENTIAL, **kwargs}
    for ax, (name, values) in zip(axes[0], columns.items(), strict=True):
        limits = color_limits([values], vlim)
        image, _ = mne.viz.plot_topomap(
            values, info, axes=ax, show=False, vlim=limits_beside(limits, kwargs), **options
        )
        ax.set_title(plain(name))
        bar = fig.colorbar(image, ax=ax, shrink=0.7, location="bottom", pad=0.04)
        bar.set_label(unit)
        bar.ax.locator_params(nbins=4)
    return finished(fig, show)


def plot_features(
    values,
    info,
    bands,
    unit,
    *,
    signed=False,
    counts=None,
    stability=None,
    axes=None,
    show=True,
    vlim=None,
    **kwargs,
):
    """Plot heads of features, a row a band and a column a class.

    Parameters
    ----------
    values : dict of str -> array, shape (n_channels, n_bands)
        Class -> mean features of its windows.
    info : mne.Info
        The channels, with positions.
    bands : list of str
        Names of the bands.
    unit : str
        Label of the colour bars.
    signed : bool
        Whether values have a sign that means something, such as differences.
    counts : dict of str -> int | None
        Class -> how many windows the mean is of; stands in the titles.
    stability : dict of str -> array, shape (n_bands,) | None
        Class -> mean correlation between the maps of two subjects, of each band; stands in
        the titles with ``counts``.
    axes : array of Axes | None
        One for each band and class, row by row.
    show : bool
        Whether to show the figure.
    vlim : tuple of float | None
        One pair of limits for all rows; None for the range of each band.
    **kwargs
        Passed on to `mne.viz.plot_topomap`.

    Returns
    -------
    fig : Figure
        The heads of a band share one colour scale.

    Examples
    --------
    >>> import mne
    >>> info = mne.create_info(["Fz", "Cz", "Pz"], 200.0, "eeg").set_montage("easycap-M1")
    >>> from mne_sst.viz import plot_features
    >>> values = {"sad": [[1.0], [2.0], [3.0]], "glad": [[3.0], [2.0], [1.0]]}
    >>> fig = plot_features(values, info, ["alpha"], "DE (nats)", show=False)
    """
    rows = {}
    for i, band in enumerate(bands):
        titles = {name: str(name) for name in values}
        if counts is not None:
            r = {name: np.nan if stability is None else stability[name][i] for name in values}
            titles = {k: f"{k}\n{number_and_stability(counts[k], r[k])}" for k in values}
        rows[band] = {titles[name]: np.asarray(x)[:, i] for name, x in values.items()}
    return plot_attention(
        rows, info, unit, signed=signed, axes=axes, show=show, vlim=vlim, **kwargs
    )


def plot_grid(grid, *, axes=None, show=True):
    """Plot how electrodes land on the map: its pixels, the head, and the nearest electrodes.

    Parameters
    ----------
    grid : TopoGrid
        From electrodes to maps.
    axes : array of Axes | None
        Two: electrodes over the pixels, and what weight the strongest one has in each.
    show : bool
        Whether to show the figure.

    Returns
    -------
    fig : Figure

    Examples
    --------
    >>> from mne_sst import TopoGrid
    >>> from mne_sst.datasets import simulate_emotion
    >>> from mne_sst.viz import plot_grid
    >>> epochs = simulate_emotion(n_subjects=1, n_trials=1, n_windows=1)
    >>> fig = plot_grid(TopoGrid(epochs.info, shape=(10, 10)), show=False)
    """
    height, width = grid.shape
    fig, axes = grid_of_axes(axes, 1, 2, 4.6, 4.2)
    edge = grid.extent
    box = (-edge, edge, -edge, edge)
    share = np.abs(grid.weights).max(axis=1).reshape(grid.shape)
    nearest = np.abs(grid.weights).argmax(axis=1).reshape(grid.shape)
    # Neighbouring electrodes get other colours.
    colors = np.where(grid.mask, (nearest * 7) % 20, np.nan)
    axes[0][0].imshow(colors, cmap="tab20", extent=box, alpha=0.5, interpolation="nearest")
    axes[0][0].set_title(f"pixels by their strongest electrode\n({height} x {width})", pad=14)
    image = axes[0][1].imshow(share, vmin=0, extent=box, cmap=SEQUENTIAL, interpolation="nearest")
    axes[0][1].set_title("weight of that electrode", pad=14)
    fig.colorbar(image, ax=axes[0][1], shrink=0.8).set_label("weight in the map")
    turn = np.linspace(0, 2 * np.pi, 200)
    for ax in axes[0]:
        if grid.method != "layout":
            ax.plot(np.cos(turn), np.sin(turn), color="k", lw=1)
            ax.plot([-0.1, 0, 0.1], [0.995, 1.09, 0.995], color="k", lw=1)
        ax.plot(*grid.pos.T, "o", color="k", ms=3)
        ax.set_axis_off()
    few = len(grid.ch_names) <= 32
    for (x, y), name in zip(grid.pos, grid.ch_names if few else (), strict=False):
        axes[0][0].annotate(
            name, (x, y), (0, 3), textcoords="offset points", ha="center", fontsize=6
        )
    return finished(fig, show)
