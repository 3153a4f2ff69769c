"""TopoGrid: a matrix that lays electrode values on a square map of the head."""

import mne
import numpy as np
from scipy.interpolate import (
    CloughTocher2DInterpolator,
    LinearNDInterpolator,
    NearestNDInterpolator,
    make_interp_spline,
)
from scipy.spatial import Delaunay, cKDTree

from ._checks import check_finite, check_option, check_shape, listed
from ._montage import locations

METHODS = ("cubic", "linear", "nearest", "layout")
EXTRAPOLATE = ("head", "local", "none")
#: Radius of the head's outline in MNE's topomaps, m.
HEAD_RADIUS = 0.095

#: The paper's 9 x 9 layout of 10-10 names, front in the first row, left ear in
#: the first column.
LAYOUT = (
    (None, None, None, "FP1", "FPZ", "FP2", None, None, None),
    (None, None, None, "AF3", None, "AF4", None, None, None),
    ("F7", "F5", "F3", "F1", "FZ", "F2", "F4", "F6", "F8"),
    ("FT7", "FC5", "FC3", "FC1", "FCZ", "FC2", "FC4", "FC6", "FT8"),
    ("T7", "C5", "C3", "C1", "CZ", "C2", "C4", "C6", "T8"),
    ("TP7", "CP5", "CP3", "CP1", "CPZ", "CP2", "CP4", "CP6", "TP8"),
    ("P7", "P5", "P3", "P1", "PZ", "P2", "P4", "P6", "P8"),
    (None, "PO7", "PO5", "PO3", "POZ", "PO4", "PO6", "PO8", None),
    (None, None, "CB1", "O1", "OZ", "O2", "CB2", None, None),
)
_OLD_NAMES = {"T3": "T7", "T4": "T8", "T5": "P7", "T6": "P8"}


class TopoGrid:
    """A linear map between electrodes and a square image of the head.

    Row 0 is the front of the head, column 0 the left ear. The square is
    centred on the head and holds its outline and every electrode.

    Parameters
    ----------
    info : mne.Info
        Channels with their positions (``"layout"`` needs the names only).
    shape : tuple of int
        (height, width) of a map.
    method : {"cubic", "linear", "nearest", "layout"}
        ``"cubic"`` (Clough-Tocher), ``"linear"`` and ``"nearest"`` interpolate
        between the 2-D positions that MNE's topomaps use. ``"layout"`` is the
        paper's: electrodes in a 9 x 9 layout with zeros in its empty cells, then
        a bicubic spline [1]_.
    extrapolate : {"head", "local", "none"}
        What pixels outside the electrodes get. ``"head"``: the rim goes on over
        the whole square, through a ring of anchor points around it; ``"local"``:
        the same up to about the spacing of the electrodes, then 0; ``"none"``:
        0 outside the hull of the electrodes. Not used by ``"layout"``.
    border : "mean" | 0
        Value of the anchor points: the mean of the three nearest electrodes, or 0.
        ``"nearest"`` has no anchors.
    sphere : float | tuple of float | None
        Radius, or (x, y, z, radius), in m, of the sphere whose equator is the
        outline; None for MNE's 0.095 m around the origin.

    Attributes
    ----------
    weights : array, shape (height * width, n_channels)
        ``weights @ values`` is the map, rows first.
    mask : array of bool, shape (height, width)
        Pixels inside the head, or inside the outermost electrode.
    pos : array, shape (n_channels, 2)
        Electrodes in units of the head's radius, x to the right, y to the front;
        for ``"layout"``, in the square of -1 to 1.

    References
    ----------
    .. [1] Jia et al. (2020). SST-EmotionNet. ACM MM, 2909-2917.
           doi:10.1145/3394171.3413724

    Examples
    --------
    >>> import mne
    >>> from mne_sst import TopoGrid
    >>> info = mne.create_info(["Fz", "Cz", "Pz", "C3", "C4"], 200.0, "eeg")
    >>> grid = TopoGrid(info, shape=(8, 8), method="layout")
    >>> grid.to_grid([1.0, 2.0, 3.0, 4.0, 5.0]).shape
    (8, 8)
    """

    def __init__(
        self,
        info,
        shape=(32, 32),
        method="cubic",
        *,
        extrapolate="head",
        border="mean",
        sphere=None,
    ):
        if not isinstance(info, mne.Info):
            raise TypeError(f"info must be an mne.Info, got {type(info).__name__}.")
        self.method = check_option("method", method, METHODS)
        self.extrapolate = check_option("extrapolate", extrapolate, EXTRAPOLATE)
        if border != "mean" and (border != 0 or isinstance(border, bool)):
            raise ValueError(
                f"border must be 'mean' or 0, got {border!r}: any other value would make the "
                "map other than linear in the electrodes."
            )
        self.border = border
        self.shape = check_shape(shape)
        self.ch_names = list(info["ch_names"])
        if method == "layout":
            self.pos = _layout_pos(self.ch_names)
            self._extent = 1.0
            self.weights, self.mask = _layout_weights(self.pos, self.shape)
            return
        self.pos = head_positions(info, sphere)
        _check_distinct(self.pos, self.ch_names)
        radius = max(1.0, np.linalg.norm(self.pos, axis=1).max())
        # One pixel of room around the rim, so that reading it back finds neighbours.
        self._extent = radius / (1 - 1 / min(self.shape))
        pixels = _pixel_centres(self.shape, self._extent)
        self.mask = (np.linalg.norm(pixels, axis=1) <= radius).reshape(self.shape)
        self.weights = self._interpolate(pixels)

    def __repr__(self):
        height, width = self.shape
        return f"<TopoGrid | {len(self.ch_names)} electrodes -> {height}x{width}, {self.method}>"

    @property
    def extent(self):
        """Half the side of the square, in the units of ``pos``."""
        return self._extent

    def _interpolate(self, pixels):
        """Interpolate each unit vector: the columns of the matrix."""
        points, values = self.pos, np.eye(len(self.pos))
        if self.method == "nearest":
            weights = NearestNDInterpolator(points, values)(pixels)
            if self.extrapolate == "none" and len(points) > 2:
                weights[Delaunay(points).find_simplex(pixels) < 0] = 0
        else:
            if self.extrapolate != "none":
                ring = _anchors(self._extent)
                points = np.concatenate([points, ring])
                values = np.concatenate([values, _anchor_values(self.pos, ring, self.border)])
            weights = _triangulated(self.method, points, values, pixels)
        if self.extrapolate == "local":
            # As far from the nearest electrode as electrodes are from each other.
            spacing = cKDTree(self.pos).query(self.pos, k=min(2, len(self.pos)))[0].max()
            far = cKDTree(self.pos).query(pixels)[0] > max(spacing, 2 * self._extent / 8)
            weights[far] = 0
        return np.nan_to_num(weights, nan=0.0)

    def to_grid(self, x):
        """Lay electrode values on the map.

        Parameters
        ----------
        x : array, shape (..., n_channels)
            Values, in any unit.

        Returns
        -------
        maps : array, shape (..., height, width)
            In the same unit; never NaN.
        """
        x = np.asarray(x)
        if x.ndim < 1 or x.shape[-1] != len(self.ch_names):
            raise ValueError(
                f"x must have shape (..., {len(self.ch_names)}), one value a channel, got "
                f"{x.shape}."
            )
        check_finite("x", x, [f"axis {i}" for i in range(x.ndim)])
        return (x @ self.weights.T).reshape(*x.shape[:-1], *self.shape)

    def to_electrodes(self, maps, centers=None):
        """Read maps at the electrodes.

        Parameters
        ----------
        maps : array, shape (..., height, width)
            Maps over this square, coarser or finer ones too.
        centers : tuple of array | None
            Where the rows and the columns of coarser maps are, in pixels of this grid
            (increasing, the first pixel is 0). None for rows and columns of one size that
            fill the square; maps of this grid's own shape are always where its pixels are.

        Returns
        -------
        x : array, shape (..., n_channels)
            In the same unit.

        Raises
        ------
        ValueError
            If ``maps`` have no two axes, or ``centers`` do not fit them.

        Notes
        -----
        Maps of this grid's own shape are read by cubic splines, corrected so that a
        map that this grid drew gives its electrodes back (where the grid is fine
        enough to tell them apart). Others are interpolated linearly.
        """
        maps = np.asarray(maps)
        if maps.ndim < 2:
            raise ValueError(f"maps must have shape (..., height, width), got {maps.shape}.")
        if centers is not None:
            _check_centers(centers, maps.shape[-2:])
        reader = self._reader(maps.shape[-2:], centers)
        return maps.reshape(*maps.shape[:-2], -1) @ reader.T

    def _reader(self, shape, centers=None):
        """Matrix from a map of this shape to the electrodes, (n_channels, n_pixels)."""
        degree = 3 if tuple(shape) == self.shape else 1
        lines = []
        for axis, coordinate in enumerate((-self.pos[:, 1], self.pos[:, 0])):
            if degree == 1 and centers is not None:
                pixel = self._pixel(coordinate, self.shape[axis])
                index = np.interp(pixel, centers[axis], np.arange(shape[axis]))
            else:
                index = self._pixel(coordinate, shape[axis])
            lines.append(_spline_matrix(index, shape[axis], degree))
        reader = np.einsum("ch,cw->chw", *lines).reshape(len(self.pos), -1)
        if tuple(shape) != self.shape:
            return reader
        round_trip = reader @ self.weights
        if np.linalg.svd(round_trip, compute_uv=False)[-1] < 0.5:
            return reader
        return np.linalg.solve(round_trip, reader)

    def _pixel(self, coordinate, size):
        """Fractional pixel index, from the first edge of the square, of a coordinate."""
        share = (coordinate / self._extent + 1) / 2
        index = share * (size - 1) if self.method == "layout" else share * size - 0.5
        return np.clip(index, 0, size - 1)


def _check_centers(centers, shape):
    given = [np.asarray(line, dtype=float) for line in centers]
    rising = all(line.ndim == 1 and (np.diff(line) > 0).all() for line in given)
    if [line.shape for line in given] != [(n,) for n in shape] or not rising:
        raise ValueError(
            f"centers must be two rising lines of {shape[0]} and {shape[1]} values, where the rows "
            f"and columns of maps of shape {tuple(shape)} are; got {centers!r}."
        )


def head_positions(info, sphere=None):
    """2-D positions of the channels, in units of the radius of the head's outline.

    The projection of MNE's topomaps: the angle from the vertex becomes the
    distance from the centre.

    Parameters
    ----------
    info : mne.Info
        With a position for every channel.
    sphere : float | tuple of float | None
        See `TopoGrid`.

    Returns
    -------
    pos : array, shape (n_channels, 2)
        x to the right, y to the front.

    Raises
    ------
    ValueError
        Naming the channels without a position.
    """
    sphere = _check_sphere(sphere)
    loc = locations(info) - sphere[:3]
    distance = np.maximum(np.linalg.norm(loc, axis=1), 1e-12)
    angle = np.arccos(np.clip(loc[:, 2] / distance, -1, 1))
    azimuth = np.arctan2(loc[:, 1], loc[:, 0])
    radius = angle * distance / (np.pi / 2) / sphere[3]
    return np.stack([radius * np.cos(azimuth), radius * np.sin(azimuth)], axis=1)


def _check_sphere(sphere):
    """Return (x, y, z, radius) in m."""
    given = sphere
    try:
        sphere = np.array(HEAD_RADIUS if sphere is None else sphere, dtype=float)
    except (TypeError, ValueError):
        sphere = np.empty(0)
    if sphere.shape == ():
        sphere = np.array([0, 0, 0, float(sphere)])
    if sphere.shape != (4,) or not np.isfinite(sphere).all() or sphere[3] <= 0:
        raise ValueError(
            f"sphere must be a radius or (x, y, z, radius) in m, or None, got {given!r}."
        )
    return sphere


def _check_distinct(pos, ch_names):
    for i, j in sorted(cKDTree(pos).query_pairs(1e-6)):
        raise ValueError(
            f"info has {ch_names[i]} and {ch_names[j]} at the same position; a map cannot tell "
            "them apart. Drop or average one of them."
        )


def _pixel_centres(shape, extent):
    """Centres of the pixels, shape (height * width, 2), first row at the front."""
    height, width = shape
    x = ((np.arange(width) + 0.5) / width * 2 - 1) * extent
    y = (1 - (np.arange(height) + 0.5) / height * 2) * extent
    return np.stack(np.broadcast_arrays(x[None, :], y[:, None]), axis=-1).reshape(-1, 2)


def _anchors(extent, n=64):
    """Points on a circle around the whole square."""
    angle = np.arange(n) / n * 2 * np.pi
    return 1.1 * np.sqrt(2) * extent * np.stack([np.cos(angle), np.sin(angle)], axis=1)


def _anchor_values(pos, ring, border):
    """Each anchor as a mix of the electrodes, shape (n_anchors, n_channels)."""
    values = np.zeros((len(ring), len(pos)))
    if border == "mean":
        k = min(3, len(pos))
        nearest = cKDTree(pos).query(ring, k=k)[1].reshape(len(ring), k)
        np.put_along_axis(values, nearest, 1 / k, axis=1)
    return values


def _triangulated(method, points, values, pixels):
    if len(points) < 3:
        raise ValueError(
            f"method={method!r} without extrapolation needs at least 3 electrodes, got "
            f"{len(points)}."
        )
    if method == "linear":
        return LinearNDInterpolator(points, values)(pixels)
    # The gradients are found by iteration: far enough for the result to be linear.
    return CloughTocher2DInterpolator(points, values, tol=1e-10, maxiter=2000)(pixels)


def _spline_matrix(index, size, degree):
    """Matrix that reads a line of ``size`` values at fractional indices."""
    degree = min(degree, size - 1)
    if degree == 0:
        return np.ones((len(index), 1))
    return make_interp_spline(np.arange(size), np.eye(size), k=degree)(index)


def _layout_pos(ch_names):
    """Positions in the layout, -1 to 1, x to the right, y to the front."""
    cells = {
        name: (2 * column / 8 - 1, 1 - 2 * row / 8)
        for row, names in enumerate(LAYOUT)
        for column, name in enumerate(names)
        if name is not None
    }
    upper = [name.upper() for name in ch_names]
    upper = [_OLD_NAMES.get(name, name) for name in upper]
    unknown = [name for name, up in zip(ch_names, upper, strict=True) if up not in cells]
    if unknown:
        raise ValueError(
            f"method='layout' knows 62 electrodes of the 10-10 system, but not {listed(unknown)}. "
            "Drop or rename those, or use method='cubic', which needs positions only."
        )
    pos = np.array([cells[name] for name in upper])
    _check_distinct(pos, ch_names)
    return pos


def _layout_weights(pos, shape):
    """Bicubic spline through the layout, as the outer product of two line splines."""
    rows, columns = (_spline_matrix(np.linspace(0, 8, n), 9, 3) for n in shape)
    row, column = np.rint((1 - pos[:, 1]) * 4).astype(int), np.rint((pos[:, 0] + 1) * 4).astype(int)
    weights = np.einsum("hc,wc->hwc", rows[:, row], columns[:, column])
    filled = np.array([[name is not None for name in names] for names in LAYOUT], dtype=float)
    mask = rows @ filled @ columns.T > 0.5
    return weights.reshape(-1, len(pos)), mask
