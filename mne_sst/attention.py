"""Attention: the masks of a network, brought back to electrodes, bands and moments."""

import numpy as np
import pandas as pd

from ._checks import check_option, listed
from ._head_weights import STREAMS, HeadWeights


class Attention(HeadWeights):
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

    Examples
    --------
    >>> attention = clf.attention(epochs)  # doctest: +SKIP
    >>> attention.average().to_data_frame()  # doctest: +SKIP
    >>> attention.plot_topomap(subjects=epochs.metadata["subject"])  # doctest: +SKIP
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

    def __repr__(self):
        return (
            f"<Attention | {len(self)} epochs, labels {listed(pd.unique(self.labels))}, "
            f"masks {listed(self._masks)}>"
        )

    @property
    def unit(self):
        """What a weight on the head means."""
        return "attention (1 = even)" if self.normalized else "attention (0 to 1)"

    @property
    def depth_unit(self):
        """What a weight of a band or a moment means."""
        return "share of attention" if self.normalized else self.unit

    @property
    def electrode_streams(self):
        """Streams with a spatial mask."""
        return tuple(self.spatial)

    def _even(self, n_points):
        return 1 / n_points if self.normalized else None

    def _block_of(self, stream, kind):
        return self._first(stream, kind)[0]

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

    def _resolved(self, stream):
        weights = {"spectral": self.bands, "temporal": self.times}[stream]
        electrodes = self.to_electrodes(stream)
        if weights is None:
            raise ValueError(
                f"the {stream} stream has no depth mask; resolved=True needs attention='both'."
            )
        if self.normalized:  # so that 1 is even attention here too
            weights = weights * weights.shape[1]
        return electrodes[:, :, None] * weights[:, None, :]

    def _mean_rows(self, rows, labels, counts):
        masks = {name: self._mean_of(mask, rows) for name, mask in self._masks.items()}
        return self._of_masks(masks, labels, counts)

    def _of_masks(self, masks, labels, counts):
        return Attention(
            masks,
            self.grid,
            self.info,
            self.settings,
            labels=labels,
            n_times=self.n_times,
            normalized=self.normalized,
            n_averaged=counts,
        )

    def _kind(self):
        shapes = {name: mask.shape[1:] for name, mask in self._masks.items()}
        return f"masks {shapes}, {self.unit}"

    def _joined(self, others):
        parts = [self, *others]
        masks = {name: np.concatenate([p._masks[name] for p in parts]) for name in self._masks}
        labels = np.concatenate([p.labels for p in parts])
        return self._of_masks(masks, labels, np.concatenate([p.n_averaged for p in parts]))

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
            else the mask itself. Read by `TopoGrid.to_electrodes`, cut off at 0; a cell
            of a coarse mask stands where the pixels are that it sees.
        """
        check_option("stream", stream, STREAMS)
        if stream not in self.spatial:
            raise ValueError(
                f"stream={stream!r} has no spatial mask; there is one for "
                f"{listed(self.spatial) or 'no stream'}. Use attention='both' or 'spatial' and "
                "streams that hold it."
            )
        block, maps = self._first(stream, "spatial")
        if self.normalized:
            maps = maps * maps[0].size
        centers = [cell_centers(n, block - 1, stream == "temporal") for n in self.grid.shape]
        if tuple(map(len, centers)) != maps.shape[1:]:
            centers = None  # of maps that were not of this grid: evenly over the square
        return np.maximum(self.grid.to_electrodes(maps, centers), 0)


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
    return _pooled(members, n_pools)


def cell_centers(size, n_pools, stem):
    """Where the cells of a map are after pooling.

    Parameters
    ----------
    size : int
        Pixels of the axis.
    n_pools : int
        Transitions that it went through; an odd last cell is lost in each.
    stem : bool
        Whether it went through the temporal stem before: a convolution over 5 pixels in
        steps of 2, padded as TensorFlow does it, then pooling that keeps an odd last cell.

    Returns
    -------
    centers : array, shape (n_cells,)
        Mean position of the pixels that a cell sees, in pixels.
    """
    centers = np.arange(float(size))
    if stem:
        n_steps = -(-size // 2)
        first = 2 * np.arange(n_steps) - max(2 * n_steps + 3 - size, 0) // 2
        centers = (np.maximum(first, 0) + np.minimum(first + 4, size - 1)) / 2
        starts = np.arange(0, n_steps, 2)
        centers = np.add.reduceat(centers, starts) / np.minimum(2, n_steps - starts)
    total, count = _pooled(np.stack([centers, np.ones_like(centers)], axis=1), n_pools).T
    return total / count


def _pooled(rows, n_pools):
    """Sums of neighbouring rows, as often as maps are pooled; the last row stays."""
    for _ in range(n_pools):
        if len(rows) > 1:
            rows = rows[: len(rows) // 2 * 2].reshape(-1, 2, rows.shape[1]).sum(axis=1)
    return rows
