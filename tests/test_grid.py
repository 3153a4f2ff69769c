import mne
import numpy as np
import pytest
from scipy.interpolate import CloughTocher2DInterpolator, RectBivariateSpline

from mne_sst import TopoGrid
from mne_sst.grid import LAYOUT, _anchor_values, _anchors

BY_POSITION = ("cubic", "linear", "nearest")
EXTRAPOLATE = ("head", "local", "none")
SHAPES = ((8, 8), (32, 32), (12, 20))


@pytest.fixture(scope="module")
def info(epochs):
    """62 electrodes of the 10-10 system."""
    return epochs.info


@pytest.fixture(scope="module")
def grid(info):
    return TopoGrid(info)


def placed(positions):
    """Info of electrodes at these places, m, by name."""
    info = mne.create_info(list(positions), 200.0, "eeg")
    places = {name: np.array(place, dtype=float) for name, place in positions.items()}
    return info.set_montage(mne.channels.make_dig_montage(places, coord_frame="head"))


def extent(grid):
    """Half the side of the square, in head radii: the rim and a pixel of room."""
    radius = max(1.0, np.linalg.norm(grid.pos, axis=1).max())
    return radius / (1 - 1 / min(grid.shape))


def centres(shape, half_side):
    """Pixel centres x (to the right) and y (to the front) of a map of this shape."""
    height, width = shape
    x = (2 * np.arange(width) + 1) / width - 1
    y = 1 - (2 * np.arange(height) + 1) / height
    return np.meshgrid(half_side * x, half_side * y)


@pytest.mark.parametrize("method", [*BY_POSITION, "layout"])
@pytest.mark.parametrize("extrapolate", EXTRAPOLATE)
@pytest.mark.parametrize("shape", SHAPES)
def test_never_nan(info, rng, method, extrapolate, shape):
    grid = TopoGrid(info, shape, method, extrapolate=extrapolate)
    height, width = shape
    assert grid.weights.shape == (height * width, 62)
    assert grid.mask.shape == shape
    maps = grid.to_grid(rng.standard_normal((3, 2, 62)))
    assert maps.shape == (3, 2, height, width)
    assert np.isfinite(maps).all()
    back = grid.to_electrodes(maps)
    assert back.shape == (3, 2, 62)
    assert np.isfinite(back).all()


class TestPositions:
    def test_affine_image_of_the_eeg_layout(self, info, grid):
        boxes = mne.channels.make_eeg_layout(info, exclude=[]).pos
        middle = boxes[:, :2] + boxes[:, 2:] / 2
        design = np.column_stack([grid.pos, np.ones(62)])
        matrix = np.linalg.lstsq(design, middle, rcond=None)[0]
        np.testing.assert_allclose(design @ matrix, middle, rtol=0, atol=1e-12)
        scale = matrix[0, 0]
        # The same in x and y, nothing turned, and the head's centre stays the centre.
        np.testing.assert_allclose(matrix[:2], scale * np.eye(2), rtol=0, atol=1e-12)
        np.testing.assert_allclose(matrix[2], 0.5, rtol=0, atol=1e-12)
        assert scale > 0

    def test_known_places(self):
        info = placed({"vertex": (0, 0, 0.095), "right": (0.095, 0, 0), "front": (0, 0.095, 0)})
        expected = [[0, 0], [1, 0], [0, 1]]
        np.testing.assert_allclose(TopoGrid(info).pos, expected, rtol=0, atol=1e-12)

    @pytest.mark.parametrize("sphere", [0.1, (0, 0, 0, 0.1), np.array([0.0, 0.0, 0.0, 0.1])])
    def test_sphere_radius(self, info, grid, sphere):
        scaled = TopoGrid(info, sphere=sphere)
        np.testing.assert_allclose(scaled.pos, grid.pos * 0.95, rtol=1e-12)
        np.testing.assert_allclose(TopoGrid(info, sphere=0.095).pos, grid.pos, rtol=1e-12)

    def test_sphere_centre(self):
        places = {"right": (0.1, 0.02, 0.04), "front": (0, 0.12, 0.04), "top": (0, 0.02, 0.14)}
        grid = TopoGrid(placed(places), sphere=(0, 0.02, 0.04, 0.1))
        np.testing.assert_allclose(grid.pos, [[1, 0], [0, 1], [0, 0]], rtol=0, atol=1e-12)

    def test_missing_ones_are_named(self, info):
        info = info.copy()
        info["chs"][3]["loc"][:3] = np.nan
        info["chs"][60]["loc"][:3] = 0
        names = f"{info['ch_names'][3]}, {info['ch_names'][60]}"
        with pytest.raises(ValueError, match=rf"no position for {names}\. Set a montage"):
            TopoGrid(info)
        # The layout goes by names.
        assert TopoGrid(info, method="layout").weights.shape == (1024, 62)

    def test_equal_ones_are_named(self, info):
        info = info.copy()
        info["chs"][5]["loc"][:3] = info["chs"][20]["loc"][:3]
        names = f"{info['ch_names'][5]} and {info['ch_names'][20]}"
        with pytest.raises(ValueError, match=f"info has {names} at the same position"):
            TopoGrid(info)


class TestOrientation:
    # On the map, rows then columns: front left and back right.
    @pytest.mark.parametrize("method", [*BY_POSITION, "layout"])
    @pytest.mark.parametrize("shape", SHAPES)
    @pytest.mark.parametrize(
        ("name", "front", "left"),
        [("FP1", True, True), ("F7", True, True), ("FP2", True, False), ("O2", False, False)],
    )
    def test_peak(self, info, method, shape, name, front, left):
        grid = TopoGrid(info, shape, method, extrapolate="local")
        values = np.array([float(ch == name) for ch in info["ch_names"]])
        row, column = np.unravel_index(np.argmax(grid.to_grid(values)), shape)
        assert (row < shape[0] / 2) == front
        assert (column < shape[1] / 2) == left

    def test_mirrored_head_gives_a_mirrored_map(self, info, grid, rng):
        mirrored = info.copy()
        for ch in mirrored["chs"]:
            ch["loc"][0] *= -1
        x = rng.standard_normal(62)
        # Triangulations may cut a square either way; most pixels do not depend on it.
        difference = np.abs(TopoGrid(mirrored).to_grid(x) - grid.to_grid(x)[:, ::-1])
        assert np.median(difference) < 1e-6


class TestWeights:
    @pytest.mark.parametrize("method", [*BY_POSITION, "layout"])
    def test_linear(self, info, rng, method):
        grid = TopoGrid(info, (8, 8), method)
        a, b = rng.standard_normal((2, 62))
        whole = grid.to_grid(2 * a - 3 * b)
        np.testing.assert_allclose(whole, 2 * grid.to_grid(a) - 3 * grid.to_grid(b), atol=1e-12)
        np.testing.assert_allclose(grid.to_grid(a).ravel(), grid.weights @ a, atol=1e-12)

    def test_equals_the_interpolator_called_for_each_vector(self, info, rng):
        grid = TopoGrid(info, extrapolate="none")
        x, y = centres(grid.shape, extent(grid))
        for values in rng.standard_normal((3, 62)):
            direct = CloughTocher2DInterpolator(grid.pos, values)(x, y)
            # scipy's gradients stop at 1e-6 by default, ours far later.
            np.testing.assert_allclose(
                grid.to_grid(values), np.nan_to_num(direct), rtol=0, atol=1e-6
            )

    @pytest.mark.parametrize("method", BY_POSITION)
    @pytest.mark.parametrize("shape", SHAPES)
    def test_constant_stays_constant(self, info, method, shape):
        maps = TopoGrid(info, shape, method).to_grid(np.full(62, 3.0))
        # Gradients are found by iteration down to 1e-10.
        np.testing.assert_allclose(maps, 3.0, rtol=1e-9)

    def test_plane_stays_a_plane_between_the_electrodes(self, info):
        for method in ("cubic", "linear"):
            grid = TopoGrid(info, method=method, extrapolate="none")
            x, y = centres(grid.shape, extent(grid))
            plane = grid.to_grid(grid.pos @ [2.0, -1.0] + 0.5)
            inside = np.abs(grid.weights).sum(axis=1).reshape(grid.shape) > 0
            assert inside.mean() > 0.3
            np.testing.assert_allclose(plane[inside], (2 * x - y + 0.5)[inside], atol=1e-7)

    @pytest.mark.parametrize("method", BY_POSITION)
    def test_without_extrapolation_the_outside_is_zero(self, info, method):
        grid = TopoGrid(info, method=method, extrapolate="none")
        x, y = centres(grid.shape, extent(grid))
        outside = np.hypot(x, y) > np.linalg.norm(grid.pos, axis=1).max()
        assert np.abs(grid.to_grid(np.ones(62))[outside]).max() == 0

    @pytest.mark.parametrize("method", BY_POSITION)
    def test_local_is_head_near_electrodes_and_zero_far_away(self, info, method):
        head, local = (TopoGrid(info, method=method, extrapolate=e) for e in ("head", "local"))
        x, y = centres(head.shape, extent(head))
        pixels = np.stack([x, y], axis=-1)[:, :, None]
        nearest = np.linalg.norm(pixels - head.pos, axis=-1).min(axis=-1).ravel()
        same = (head.weights == local.weights).all(axis=1)
        zero = (local.weights == 0).all(axis=1)
        assert (same | zero).all()
        assert same[nearest < 0.15].all()  # less than any two neighbours are apart
        assert zero[nearest > 0.6].all()
        assert 0.1 < zero.mean() < 0.5

    @pytest.mark.parametrize("method", ["cubic", "linear"])
    def test_border_zero_fades_outwards(self, info, method):
        grid = TopoGrid(info, method=method, border=0)
        maps = grid.to_grid(np.ones(62))
        assert np.abs(maps[[0, 0, -1, -1], [0, -1, 0, -1]]).max() < 0.5
        x, y = centres(grid.shape, extent(grid))
        np.testing.assert_allclose(maps[np.hypot(x, y) < 0.5], 1.0, rtol=0, atol=0.01)

    @pytest.mark.parametrize("n", [62, 2, 1])
    def test_anchors_are_means_of_their_three_nearest(self, grid, n):
        pos, ring = grid.pos[:n], _anchors(extent(grid))
        corner = np.sqrt(2) * extent(grid)
        assert np.linalg.norm(ring, axis=1).min() * np.cos(np.pi / len(ring)) > corner
        values = _anchor_values(pos, ring, "mean")
        k = min(n, 3)
        assert set(np.unique(values)) <= {0, 1 / k}
        distance = np.linalg.norm(ring[:, None] - pos, axis=-1)
        for used, row in zip(values > 0, distance, strict=True):
            np.testing.assert_allclose(np.sort(row[used]), np.sort(row)[:k], rtol=1e-12)

    def test_nearest_takes_the_nearest(self, info):
        grid = TopoGrid(info, (12, 20), "nearest")
        x, y = centres(grid.shape, extent(grid))
        pixels = np.stack([x, y], axis=-1)[:, :, None]
        expected = np.linalg.norm(pixels - grid.pos, axis=-1).argmin(axis=-1)
        np.testing.assert_array_equal(grid.to_grid(np.arange(62)), expected)

    def test_mask_is_the_head(self, grid):
        x, y = centres(grid.shape, extent(grid))
        radius = np.linalg.norm(grid.pos, axis=1).max()
        assert radius > 1  # the outermost electrode is below the equator
        np.testing.assert_array_equal(grid.mask, np.hypot(x, y) <= radius)


class TestLayout:
    @pytest.mark.parametrize("shape", SHAPES)
    def test_equals_a_bicubic_spline(self, info, rng, shape):
        values = rng.standard_normal(62)
        cells = np.zeros((9, 9))
        for row, names in enumerate(LAYOUT):
            for column, name in enumerate(names):
                if name is not None:
                    cells[row, column] = values[info["ch_names"].index(name)]
        spline = RectBivariateSpline(np.arange(9), np.arange(9), cells)
        expected = spline(*(np.linspace(0, 8, n) for n in shape))
        maps = TopoGrid(info, shape, "layout").to_grid(values)
        np.testing.assert_allclose(maps, expected, rtol=0, atol=1e-12)

    def test_old_names_and_other_case(self):
        pairs = {"T3": "T7", "T4": "T8", "T5": "P7", "T6": "P8", "fpz": "FPZ", "Cz": "CZ"}
        old, new = (
            TopoGrid(mne.create_info(list(names), 200.0, "eeg"), method="layout")
            for names in (pairs, pairs.values())
        )
        np.testing.assert_array_equal(old.weights, new.weights)
        assert old.ch_names == list(pairs)

    @pytest.mark.parametrize(
        ("names", "match"),
        [
            (["Cz", "A1", "M2"], "method='layout' knows 62 .* but not A1, M2"),
            (["T3", "T7"], "info has T3 and T7 at the same position"),
        ],
    )
    def test_names_that_do_not_fit(self, names, match):
        with pytest.raises(ValueError, match=match):
            TopoGrid(mne.create_info(names, 200.0, "eeg"), method="layout")

    def test_mask_leaves_the_empty_corners_out(self, info):
        mask = TopoGrid(info, method="layout").mask
        assert mask[16, 16]
        assert mask[0, 16]  # FPZ
        assert not mask[[0, 0, -1, -1], [0, -1, 0, -1]].any()


class TestBackToElectrodes:
    @pytest.mark.parametrize("method", [*BY_POSITION, "layout"])
    @pytest.mark.parametrize("shape", [(32, 32), (40, 32)])
    def test_round_trip(self, info, rng, method, shape):
        grid = TopoGrid(info, shape, method)
        x = rng.standard_normal((50, 62))
        error = np.abs(grid.to_electrodes(grid.to_grid(x)) - x).max()
        assert error < 0.01 * np.ptp(x)

    def test_the_map_itself_holds_the_electrodes(self, grid, rng):
        # Read by a spline of its own, without the grid's correction.
        values = rng.standard_normal((50, 62))
        x, y = centres(grid.shape, extent(grid))
        read = np.array(
            [
                RectBivariateSpline(-y[:, 0], x[0], m)(-grid.pos[:, 1], grid.pos[:, 0], grid=False)
                for m in grid.to_grid(values)
            ]
        )
        # Electrodes stand where triangles meet, and there the curvature jumps, which a
        # spline through pixels 7 mm apart rounds off.
        error = np.abs(read - values) / np.ptp(values)
        assert np.sqrt(np.mean(error**2)) < 0.006
        assert error.max() < 0.05

    # Coarser maps than the grid's, as a network's deeper blocks have: exact between the
    # outermost pixel centres, and what those say beyond them.
    @pytest.mark.parametrize("shape", [(2, 2), (4, 4), (16, 16), (64, 48)])
    def test_linear_ramp(self, grid, shape):
        x, y = centres(shape, extent(grid))
        expected = [
            np.clip(at, axis.min(), axis.max()) @ slope
            for at, axis, slope in [(grid.pos[:, [0]], x, [2.0]), (grid.pos[:, [1]], y, [3.0])]
        ]
        read = grid.to_electrodes(2 * x + 3 * y - 1)
        np.testing.assert_allclose(read, sum(expected) - 1, rtol=0, atol=1e-12)
        inside = (np.abs(grid.pos) <= [x.max(), y.max()]).all(axis=1)
        assert inside.sum() >= 20
        np.testing.assert_allclose(read[inside], grid.pos[inside] @ [2, 3] - 1, atol=1e-12)

    @pytest.mark.parametrize("method", [*BY_POSITION, "layout"])
    def test_one_pixel_and_one_row(self, info, method):
        grid = TopoGrid(info, method=method)
        np.testing.assert_allclose(grid.to_electrodes([[7.0]]), np.full(62, 7.0))
        row = grid.to_electrodes(np.array([[0.0, 1.0]]))
        assert np.corrcoef(row, grid.pos[:, 0])[0, 1] > 0.9


class TestFewElectrodes:
    PLACES = {"a": (-0.06, 0.05, 0.05), "b": (0.06, 0.05, 0.05), "c": (0, -0.07, 0.06)}

    @pytest.mark.parametrize("n", [1, 2, 3])
    @pytest.mark.parametrize("method", BY_POSITION)
    @pytest.mark.parametrize("extrapolate", EXTRAPOLATE)
    def test_finite_and_each_in_its_place(self, n, method, extrapolate):
        info = placed(dict(list(self.PLACES.items())[:n]))
        if extrapolate == "none" and method != "nearest" and n < 3:
            with pytest.raises(ValueError, match=f"'{method}' .* at least 3 electrodes, got {n}"):
                TopoGrid(info, method=method, extrapolate=extrapolate)
            return
        grid = TopoGrid(info, method=method, extrapolate=extrapolate)
        assert np.isfinite(grid.weights).all()
        if extrapolate != "none":  # which leaves nothing around a corner of the hull
            x = np.arange(1.0, n + 1)
            np.testing.assert_allclose(grid.to_electrodes(grid.to_grid(x)), x, rtol=1e-9)

    @pytest.mark.parametrize("method", ["cubic", "linear"])
    def test_one_alone_fills_the_head(self, method):
        grid = TopoGrid(placed({"a": self.PLACES["a"]}), method=method)
        np.testing.assert_allclose(grid.to_grid([5.0]), 5.0, rtol=1e-9)


@pytest.mark.parametrize(
    ("options", "error", "match"),
    [
        ({"method": "spline"}, ValueError, "method must be one of 'cubic', 'linear'"),
        ({"extrapolate": "box"}, ValueError, "extrapolate must be one of 'head', 'local'"),
        ({"border": 1}, ValueError, "border must be 'mean' or 0, got 1"),
        ({"border": "zero"}, ValueError, "border must be 'mean' or 0, got 'zero'"),
        ({"shape": 32}, ValueError, r"shape must be \(height, width\), got 32"),
        ({"shape": (8, 8, 8)}, ValueError, r"shape must be \(height, width\)"),
        ({"shape": (8, 1)}, ValueError, r"shape\[1\] must lie in \[2, inf\], got 1"),
        ({"shape": (8.0, 8)}, TypeError, r"shape\[0\] must be a whole number"),
        ({"sphere": 0}, ValueError, "sphere must be a radius or"),
        ({"sphere": (0, 0, 0)}, ValueError, "sphere must be a radius or"),
        ({"sphere": np.nan}, ValueError, "sphere must be a radius or"),
        ({"sphere": "auto"}, ValueError, "sphere must be a radius or"),
        ({"info": ["Fz"]}, TypeError, "info must be an mne.Info, got list"),
    ],
)
def test_bad_arguments(info, options, error, match):
    with pytest.raises(error, match=match):
        TopoGrid(**{"info": info, **options})


@pytest.mark.parametrize("x", [np.zeros(61), np.zeros((62, 3)), 1.0])
def test_values_that_do_not_fit(grid, x):
    with pytest.raises(ValueError, match=r"x must have shape \(\.\.\., 62\)"):
        grid.to_grid(x)


def test_maps_that_do_not_fit(grid):
    with pytest.raises(ValueError, match=r"maps must have shape .* got \(32,\)"):
        grid.to_electrodes(np.zeros(32))


def test_rows_and_columns_of_coarse_maps_stand_where_one_says(grid):
    maps = np.random.default_rng(0).random((2, 8, 4))
    even = [(np.arange(n) + 0.5) * 32 / n - 0.5 for n in (8, 4)]
    np.testing.assert_allclose(grid.to_electrodes(maps, even), grid.to_electrodes(maps), atol=1e-9)
    # A slope over the map, sampled at uneven places, is read as it is.
    rows, columns = np.array([0.0, 3.0, 20.0, 31.0]), np.array([0.0, 12.0, 31.0])
    slope = 2 * rows[:, None] - columns
    pixels = [(1 + sign * grid.pos[:, i] / grid.extent) * 16 - 0.5 for i, sign in ((1, -1), (0, 1))]
    np.testing.assert_allclose(
        grid.to_electrodes(slope, (rows, columns)), 2 * pixels[0] - pixels[1], atol=1e-9
    )


@pytest.mark.parametrize("centers", [([0, 1], [0, 1, 2]), ([0, 2, 1], [0, 1, 2]), ([[0]], [0])])
def test_centers_that_do_not_fit(grid, centers):
    with pytest.raises(ValueError, match="centers must be two rising lines of 3 and 3 values"):
        grid.to_electrodes(np.zeros((3, 3)), centers)


def test_repr(grid):
    assert repr(grid) == "<TopoGrid | 62 electrodes -> 32x32, cubic>"
