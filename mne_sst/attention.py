"""Attention: the masks of a network, brought back to electrodes, bands and moments."""

import mne
import numpy as np
import pandas as pd

from ._checks import check_option, listed

STREAMS = ("spectral", "temporal")


class Attention:
    """Attention masks of epochs, made by `SSTClassifier.attention`.

    Parameters
    ----------
    masks : dict of str -> array
        Names such as ``"spectral/block1/spatial"`` (n_epochs, height, width) and
        ``"temporal/block2/depth"`` (n_epochs, depth).
    grid : TopoGrid
        From electrodes to maps and back.
    info : mne.Info
        The channels.
    settings : FeatureSettings
        How the features were made: names the bands and the moments.
    labels : array, shape (n_epochs,)
        What the epochs are sorted by in tables and plots.
    n_times : int
        Points of the temporal stack.
    normalized : bool
        Whether masks sum to 1 (softmax) rather than lie between 0 and 1 each.
    n_averaged : array of int, shape (n_epochs,) | None
        How many epochs each row stands for.

    Attributes
    ----------
    spatial : dict of str -> array, shape (n_epochs, height, width)
        Stream -> mask of the first block that has one.
    blocks : dict
        Stream -> block number -> ``"spatial"`` or ``"depth"`` -> mask.
    bands : array, shape (n_epochs, n_bands) | None
        Weight of each band.
    times : array, shape (n_epochs, n_times) | None
        Weight of each point in time.
    labels, info, grid, normalized
        As above.

    Notes
    -----
    A mask says what the network let through, which is not the same as what its
    decision rests on. Bands or points that were pooled before the first mask
    share the weight of their slice, and one that pooling cut off has weight 0.
    """

    def __init__(
        self, masks, grid, info, settings, *, labels, n_times, normalized, n_averaged=None
    ):
        self._masks, self.grid, self.info, self.settings = masks, grid, info, settings
        self.labels, self.n_times, self.normalized = np.asarray(labels), n_times, normalized
        self.n_averaged = np.ones(len(self.labels), int) if n_averaged is None else n_averaged
        self.blocks = {}
        for name, mask in masks.items():
            stream, block, kind = name.split("/")
            number = int(block.removeprefix("block"))
            self.blocks.setdefault(stream, {}).setdefault(number, {})[kind] = mask
        self.spatial = {}
        for stream in self.blocks:
            found = self._first(stream, "spatial")
            if found is not None:
                self.spatial[stream] = found[1]
        self.bands = self._depth_weights("spectral", len(settings.bands))
        self.times = self._depth_weights("temporal", n_times)

    def __len__(self):
        return len(self.labels)

    def __repr__(self):
        return (
            f"<Attention | {len(self)} epochs, labels {listed(pd.unique(self.labels))}, "
            f"masks {listed(self._masks)}>"
        )

    @property
    def unit(self):
        """What a weight on the head means."""
        return "attention (1 = even)" if self.normalized else "attention (0 to 1)"

    def _first(self, stream, kind):
        """Return (block, mask) of the first block of a stream with such a mask, or None."""
        for block, kinds in sorted(self.blocks.get(stream, {}).items()):
            if kind in kinds:
                return block, kinds[kind]
        return None

    def _depth_weights(self, stream, size):
        found = self._first(stream, "depth")
        if found is None:
            return None
        block, mask = found
        weights = mask @ slice_members(size, block - 1, stem=stream == "temporal")
        # Each point has what its slice has, so that a slice of one point counts no more
        # than one of two; then shares of the whole.
        return weights / weights.sum(axis=1, keepdims=True) if self.normalized else weights

    def average(self, by="label"):
        """Average over epochs.

        Parameters
        ----------
        by : "label" | array, shape (n_epochs,) | None
            What to average within: the labels, others, or all epochs together.

        Returns
        -------
        attention : Attention
            One row for each value of ``by``, its ``labels``.
        """
        labels = self._labels_by(by)
        values = pd.unique(labels) if by is None else np.unique(labels)
        rows = [labels == value for value in values]
        return Attention(
            {
                name: np.stack([np.average(m[r], axis=0, weights=self.n_averaged[r]) for r in rows])
                for name, m in self._masks.items()
            },
            self.grid,
            self.info,
            self.settings,
            labels=values,
            n_times=self.n_times,
            normalized=self.normalized,
            n_averaged=np.array([self.n_averaged[r].sum() for r in rows]),
        )

    def _labels_by(self, by):
        if by is None:
            return np.full(len(self), "all epochs")
        if isinstance(by, str):
            check_option("by", by, ("label",))
            return self.labels
        by = np.asarray(by)
        if by.shape != (len(self),):
            raise ValueError(
                f"by must have one value for each of {len(self)} epochs, got {by.shape}."
            )
        return by

    def to_electrodes(self, stream="spectral"):
        """Weight of each electrode in the first spatial mask of a stream.

        Parameters
        ----------
        stream : {"spectral", "temporal"}
            Which stream.

        Returns
        -------
        weights : array, shape (n_epochs, n_channels)
            For softmax masks in units of even attention (1 where a mask is flat),
            else the mask itself. Read by `TopoGrid.to_electrodes`, cut off at 0.
        """
        check_option("stream", stream, STREAMS)
        if stream not in self.spatial:
            raise ValueError(
                f"stream={stream!r} has no spatial mask; there is one for "
                f"{listed(self.spatial) or 'no stream'}. Use attention='both' or 'spatial' and "
                "streams that hold it."
            )
        maps = self.spatial[stream]
        if self.normalized:
            maps = maps * maps[0].size
        return np.maximum(self.grid.to_electrodes(maps), 0)

    def to_evoked(self, by="label", stream="spectral"):
        """One Evoked per label, with the electrodes' weights as its only sample.

        Parameters
        ----------
        by : "label" | array | None
            See `average`.
        stream : {"spectral", "temporal"}
            Which stream.

        Returns
        -------
        evokeds : list of mne.EvokedArray
            The label is the comment. MNE takes the values for volts: pass
            ``scalings=1, units=attention.unit`` to its plots.
        """
        mean = self.average(by)
        weights = mean.to_electrodes(stream)
        return [
            mne.EvokedArray(w[:, None], self.info, comment=str(label), nave=int(n), verbose="ERROR")
            for w, label, n in zip(weights, mean.labels, mean.n_averaged, strict=True)
        ]

    def to_data_frame(self):
        """Return all weights as a tidy table.

        Returns
        -------
        table : DataFrame
            Columns ``epoch, label, stream, block, kind, name, weight``: ``kind`` is
            ``"electrode"``, ``"band"`` or ``"time"``, ``name`` the electrode, the
            band or the moment in seconds, ``block`` where the mask stands.
        """
        parts = []
        for stream in self.blocks:
            if stream in self.spatial:
                block = self._first(stream, "spatial")[0]
                weights = self.to_electrodes(stream)
                parts.append((stream, block, "electrode", self.info["ch_names"], weights))
            found = self._first(stream, "depth")
            if found is None:
                continue
            if stream == "spectral":
                names = [name for name, _, _ in self.settings.bands]
                parts.append((stream, found[0], "band", names, self.bands))
            else:
                names = [f"{t:.4f}" for t in self.moments]
                parts.append((stream, found[0], "time", names, self.times))
        tables = [self._tidy(*part) for part in parts]
        columns = ["epoch", "label", "stream", "block", "kind", "name", "weight"]
        return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=columns)

    def _tidy(self, stream, block, kind, names, weights):
        n_epochs, n_names = weights.shape
        return pd.DataFrame(
            {
                "epoch": np.repeat(np.arange(n_epochs), n_names),
                "label": np.repeat(self.labels, n_names),
                "stream": stream,
                "block": block,
                "kind": kind,
                "name": np.tile(names, n_epochs),
                "weight": weights.ravel(),
            }
        )

    @property
    def moments(self):
        """Time of each point of the temporal stack, s from the start of a window."""
        return self.settings.moments(self.n_times)

    def plot_topomap(self, by="label", stream=None, axes=None, show=True, **kwargs):
        """Plot the mean weight of electrodes, a head for each label and stream.

        Parameters
        ----------
        by : "label" | array | None
            See `average`.
        stream : {"spectral", "temporal"} | None
            Which stream; None for all with a spatial mask.
        axes : array of Axes | None
            One for each label, in the order of the sorted labels, and stream.
        show : bool
            Whether to show the figure.
        **kwargs
            Passed on to `mne.viz.plot_topomap`.

        Returns
        -------
        fig : Figure
            The heads of a stream share one colour scale.
        """
        from .viz import plot_topomap_rows

        mean = self.average(by)
        if not self.spatial:
            raise ValueError("there is no spatial mask to plot; use attention='both' or 'spatial'.")
        streams = list(self.spatial) if stream is None else [stream]
        titles = [f"{v}\n(n = {n})" for v, n in zip(mean.labels, mean.n_averaged, strict=True)]
        rows = {
            f"{s} stream": dict(zip(titles, mean.to_electrodes(s), strict=True)) for s in streams
        }
        return plot_topomap_rows(rows, self.info, self.unit, axes=axes, show=show, **kwargs)

    def plot_bands(self, by="label", axes=None, show=True):
        """Plot the weight of each band, a line for each label.

        Parameters
        ----------
        by : "label" | array | None
            See `average`.
        axes : Axes | None
            Where to draw.
        show : bool
            Whether to show the figure.

        Returns
        -------
        fig : Figure
        """
        names = [f"{name}\n{low:g}-{high:g} Hz" for name, low, high in self.settings.bands]
        return self._plot_depth("spectral", self.bands, by, names, "band", axes, show)

    def plot_times(self, by="label", axes=None, show=True):
        """Plot the weight of each moment of the window, a line for each label.

        Parameters
        ----------
        by : "label" | array | None
            See `average`.
        axes : Axes | None
            Where to draw.
        show : bool
            Whether to show the figure.

        Returns
        -------
        fig : Figure
        """
        return self._plot_depth(
            "temporal", self.times, by, self.moments, "time in the window (s)", axes, show
        )

    def _plot_depth(self, stream, weights, by, x, xlabel, axes, show):
        from .viz import plot_weights

        if weights is None:
            raise ValueError(
                f"there is no depth mask in the {stream} stream; use attention='both' or 'depth' "
                "and streams that hold it."
            )
        labels = self._labels_by(by)
        groups = {value: weights[labels == value] for value in pd.unique(labels)}
        if by is not None:
            groups = {value: groups[value] for value in sorted(groups)}
        unit = "share of attention" if self.normalized else self.unit
        even = 1 / weights.shape[1] if self.normalized else None
        return plot_weights(groups, x, xlabel, unit, even=even, axes=axes, show=show)


def slice_members(size, n_pools, stem):
    """Which points of an axis each slice stands for after pooling.

    Parameters
    ----------
    size : int
        Points of the axis.
    n_pools : int
        Transitions that it went through; an odd last slice is lost in each.
    stem : bool
        Whether the temporal stem halved it before, keeping an odd last slice.

    Returns
    -------
    members : array, shape (n_slices, size)
        1 where a slice holds a point, else 0.
    """
    members = np.eye(size)
    if stem:
        members = np.add.reduceat(members, np.arange(0, size, 2), axis=0)
    for _ in range(n_pools):
        if len(members) > 1:
            members = members[: len(members) // 2 * 2].reshape(-1, 2, size).sum(axis=1)
    return members
