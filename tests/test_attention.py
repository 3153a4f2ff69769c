import numpy as np
import pytest
import torch

from mne_sst import (
    Attention,
    SSTEmotionNet,
    TopoGrid,
    concatenate_weights,
)
from mne_sst._blocks import Stem
from mne_sst.attention import cell_centers, slice_members
from mne_sst.features import FeatureSettings

N_TIMES = 25
BANDS = ["delta", "theta", "alpha", "beta", "gamma"]


@pytest.fixture(scope="module")
def grid(small_info):
    return TopoGrid(small_info, (10, 12))


@pytest.fixture
def make(grid, small_info):
    """Make Attention from masks by name, for three epochs."""

    def make(masks, normalized=True, n_times=N_TIMES, settings=None):
        settings = FeatureSettings(sfreq=200.0, window=1.0) if settings is None else settings
        return Attention(
            masks,
            grid,
            small_info,
            settings,
            labels=["a", "b", "a"],
            n_times=n_times,
            normalized=normalized,
        )

    return make


@pytest.fixture
def masks(rng):
    """Softmax masks of two blocks of both streams, three epochs."""

    def softmax(*shape):
        return rng.dirichlet(np.ones(np.prod(shape)), 3).reshape(3, *shape)

    return {
        "spectral/block1/spatial": softmax(10, 12),
        "spectral/block1/depth": softmax(5),
        "spectral/block2/spatial": softmax(5, 6),
        "spectral/block2/depth": softmax(2),
        "temporal/block1/spatial": softmax(3, 3),
        "temporal/block1/depth": softmax(13),
        "temporal/block2/depth": softmax(6),
    }


# -- from slices to points -----------------------------------------------------------------


def members_slowly(size, n_pools, stem):
    """Lists of the points in each slice, merged two by two."""
    slices = [[i] for i in range(size)]
    for step in range(stem + n_pools):
        merged = []
        for i in range(0, len(slices), 2):
            if i + 1 < len(slices):
                merged.append(slices[i] + slices[i + 1])
            elif (stem and step == 0) or len(slices) == 1:
                merged.append(slices[i])
        slices = merged
    return slices


@pytest.mark.parametrize("stem", [False, True])
@pytest.mark.parametrize("n_pools", [0, 1, 2, 4])
@pytest.mark.parametrize("size", [1, 2, 3, 5, 6, 7, 13, 25, 26])
def test_slice_members(size, n_pools, stem):
    expected = members_slowly(size, n_pools, stem)
    members = slice_members(size, n_pools, stem)
    assert [np.flatnonzero(row).tolist() for row in members] == expected
    assert set(np.unique(members)) <= {0, 1}


def test_slice_members_by_hand():
    # Seven points: 01 23 45 6 in the stem, then 0123 456 pooled.
    assert slice_members(7, 1, stem=True).tolist() == [[1, 1, 1, 1, 0, 0, 0], [0, 0, 0, 0, 1, 1, 1]]
    # Without the stem 01 23 45, and the last is lost.
    assert slice_members(7, 1, stem=False)[:, 6].tolist() == [0, 0, 0]


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 8, 9, 10, 13, 16, 32])
def test_cells_stand_where_the_stem_looks(size):
    stem = Stem(2, temporal=True, momentum=0.1)
    torch.nn.init.ones_(stem.conv.conv.weight)
    maps = torch.ones(1, 3, size, size, requires_grad=True)
    rows = stem.conv(stem._neighbours(maps))[0, 1, :, 0, 0]
    seen = []
    for value in rows:
        (slope,) = torch.autograd.grad(value, maps, retain_graph=True)
        weight = slope[0, 1].sum(1).numpy()
        seen.append((weight * np.arange(size)).sum() / weight.sum())
    pooled = [np.mean(seen[i : i + 2]) for i in range(0, len(seen), 2)]
    np.testing.assert_allclose(cell_centers(size, 0, stem=True), pooled, rtol=1e-6)
    assert stem.eval()(maps).shape[2] == len(pooled)


def test_cell_centers_by_hand():
    # Steps of two over 10 pixels see 0-3, 1-5, 3-7, 5-9, 7-9; two of them are a cell.
    assert cell_centers(10, 0, stem=True).tolist() == [2.25, 6.0, 8.0]
    assert cell_centers(10, 1, stem=True).tolist() == [(2.25 + 6) / 2]
    assert cell_centers(5, 0, stem=False).tolist() == [0, 1, 2, 3, 4]
    # 01 23, and the last is lost; then 0123, which stays.
    assert cell_centers(5, 1, stem=False).tolist() == [0.5, 2.5]
    assert cell_centers(5, 3, stem=False).tolist() == [1.5]


@pytest.mark.parametrize("cell", [(0, 0), (1, 1), (2, 2), (0, 2)])
def test_a_cell_is_drawn_where_it_looks(make, grid, cell):
    """Its electrodes lie around the pixels that it sees, not around an even share of the map."""
    mask = np.zeros((3, 3, 3))
    mask[:, *cell] = 1
    weights = make({"temporal/block1/spatial": mask}, normalized=False).to_electrodes("temporal")
    even = grid.to_electrodes(mask)
    # A map of hats over the centre of the cell, read at the same electrodes.
    lines = []
    for n, i in zip(grid.shape, cell, strict=True):
        lines.append(np.interp(np.arange(n), cell_centers(n, 0, stem=True), np.eye(3)[i]))
    drawn = grid.to_electrodes(np.outer(*lines))
    np.testing.assert_allclose(weights[0], drawn, atol=0.25)
    assert np.abs(weights[0] - drawn).sum() < 0.5 * np.abs(even[0] - drawn).sum()


def numbered_bands(n):
    return tuple((f"band{i}", i + 1.0, i + 2.0) for i in range(n))


@pytest.mark.parametrize("block", [1, 2, 3])
@pytest.mark.parametrize(
    ("stream", "size"), [("spectral", 5), ("spectral", 1), ("temporal", 25), ("temporal", 14)]
)
@pytest.mark.parametrize("normalized", [True, False])
def test_depth_weights_against_a_loop(make, rng, stream, size, block, normalized):
    slices = members_slowly(size, block - 1, stream == "temporal")
    mask = rng.dirichlet(np.ones(len(slices)), 3)
    settings = FeatureSettings(bands=numbered_bands(size)) if stream == "spectral" else None
    attention = make({f"{stream}/block{block}/depth": mask}, normalized, size, settings)
    expected = np.zeros((3, size))
    for i, points in enumerate(slices):
        for point in points:
            expected[:, point] = mask[:, i]
    if normalized:
        expected /= expected.sum(axis=1, keepdims=True)
    weights = attention.bands if stream == "spectral" else attention.times
    np.testing.assert_allclose(weights, expected, atol=1e-12)
    if normalized:
        np.testing.assert_allclose(weights.sum(axis=1), 1)
        flat = make(
            {f"{stream}/block{block}/depth": np.full_like(mask, 1 / mask.shape[1])},
            normalized,
            size,
            settings,
        )
        even = flat.bands if stream == "spectral" else flat.times
        reached = even[0][even[0] > 0]
        np.testing.assert_allclose(reached, 1 / len(reached))
    assert (attention.times if stream == "spectral" else attention.bands) is None


@pytest.mark.parametrize("variant", ["paper", "authors"])
@pytest.mark.parametrize(("n_bands", "n_times"), [(5, 25), (4, 7), (1, 3)])
def test_masks_of_the_network_fit(make, variant, n_bands, n_times):
    net = SSTEmotionNet(2, n_bands, n_times, (9, 8), variant, depth_temporal=10).eval()
    with torch.inference_mode():
        _, masks = net.forward_attention(
            torch.randn(3, n_bands, 9, 8), torch.randn(3, n_times, 9, 8)
        )
    attention = make(
        {name: mask.numpy() for name, mask in masks.items()},
        variant == "paper",
        n_times,
        FeatureSettings(bands=numbered_bands(n_bands)),
    )
    assert attention.bands.shape == (3, n_bands)
    assert attention.times.shape == (3, n_times)
    for stream, blocks in attention.blocks.items():
        for block, kinds in blocks.items():
            size, stem = (n_bands, False) if stream == "spectral" else (n_times, True)
            assert kinds["depth"].shape[1] == len(slice_members(size, block - 1, stem))
            shape = tuple(len(cell_centers(n, block - 1, stem)) for n in (9, 8))
            assert kinds["spatial"].shape[1:] == shape
        assert attention.to_electrodes(stream).shape == (3, 10)
    assert min(attention.blocks["spectral"]) == (1 if variant == "paper" else 2)


def test_attention_of_two_networks_is_joined(make, masks):
    one, other = make(masks), make({k: v[::-1] for k, v in masks.items()})
    joined = concatenate_weights([one, other])
    assert joined.labels.tolist() == ["a", "b", "a"] * 2
    parts = [one.to_electrodes("temporal"), other.to_electrodes("temporal")]
    np.testing.assert_allclose(joined.to_electrodes("temporal"), np.concatenate(parts))
    np.testing.assert_array_equal(joined.times, np.concatenate([one.times, other.times]))
    assert joined.stability([0, 0, 0, 1, 1, 1])["n_units"].tolist() == [2, 2]
    with pytest.raises(ValueError, match=r"weights\[1\] does not fit weights\[0\]: masks"):
        concatenate_weights([one, make({"spectral/block1/spatial": masks[next(iter(masks))]})])


# -- electrodes ----------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(10, 12), (5, 6), (3, 3), (2, 2), (1, 1)])
def test_flat_mask_is_1_at_each_electrode(make, shape):
    flat = np.full((3, *shape), 1 / np.prod(shape))
    attention = make({"temporal/block1/spatial": flat})
    np.testing.assert_allclose(attention.to_electrodes("temporal"), 1, atol=1e-9)
    assert attention.unit == "attention (1 = even)"


def test_map_of_the_grid_gives_its_electrodes_back(make, grid, rng):
    values = rng.random((3, 10))
    attention = make({"spectral/block1/spatial": grid.to_grid(values)}, normalized=False)
    np.testing.assert_allclose(attention.to_electrodes(), values, atol=1e-9)
    assert attention.unit == "attention (0 to 1)"


def test_weights_are_not_negative(make, grid):
    attention = make({"spectral/block1/spatial": grid.to_grid(-np.eye(10)[:3])}, normalized=False)
    assert attention.to_electrodes().min() == 0


@pytest.mark.parametrize("shape", [(10, 12), (6, 6)])
def test_a_peak_is_highest_at_its_electrode(make, small_info, shape):
    # Row 0 is the front, column 0 the left ear; places as shares of height and width.
    row, column = np.meshgrid(*((np.arange(n) + 0.5) / n for n in shape), indexing="ij")
    places = {"Fp1": (0.05, 0.35), "P4": (0.65, 0.7), "C3": (0.45, 0.25)}
    mask = [np.exp(-((row - r) ** 2 + (column - c) ** 2) / 0.02) for r, c in places.values()]
    weights = make({"spectral/block1/spatial": np.array(mask)}, normalized=False).to_electrodes()
    highest = [small_info["ch_names"][i] for i in weights.argmax(axis=1)]
    assert highest == list(places)


# -- averages, tables, Evoked --------------------------------------------------------------


def test_attributes(make, masks, grid, small_info):
    attention = make(masks)
    assert len(attention) == 3
    assert attention.grid is grid
    assert attention.info is small_info
    assert attention.labels.tolist() == ["a", "b", "a"]
    assert sorted(attention.spatial) == ["spectral", "temporal"]
    assert attention.spatial["spectral"] is masks["spectral/block1/spatial"]
    assert attention.blocks["spectral"][2]["depth"] is masks["spectral/block2/depth"]
    np.testing.assert_allclose(attention.bands, masks["spectral/block1/depth"])
    # 25 points at 125 Hz in the middle of a second.
    np.testing.assert_allclose(attention.moments, 0.4 + (np.arange(25) + 0.5) / 125)
    assert "3 epochs" in repr(attention)
    assert "a, b" in repr(attention)


@pytest.mark.parametrize(
    ("by", "labels", "members"),
    [
        ("label", ["a", "b"], [[0, 2], [1]]),
        ([2, 2, 1], [1, 2], [[2], [0, 1]]),
        (None, ["all epochs"], [[0, 1, 2]]),
    ],
)
def test_average(make, masks, by, labels, members):
    attention = make(masks)
    mean = attention.average(by)
    assert mean.labels.tolist() == labels
    assert mean.n_averaged.tolist() == [len(m) for m in members]
    for row, rows in enumerate(members):
        np.testing.assert_allclose(mean.bands[row], attention.bands[rows].mean(axis=0))
        # Shares of a mean mask are not quite the mean of shares where a slice has one point.
        np.testing.assert_allclose(mean.times[row], attention.times[rows].mean(axis=0), rtol=5e-3)
        for stream, mask in attention.spatial.items():
            np.testing.assert_allclose(mean.spatial[stream][row], mask[rows].mean(axis=0))
    again = mean.average()
    np.testing.assert_allclose(again.bands, mean.bands)
    assert again.n_averaged.tolist() == mean.n_averaged.tolist()


@pytest.mark.parametrize(
    ("by", "match"), [("emotion", "by must be one of 'label'"), ([0, 1], "one value for each of 3")]
)
def test_average_errors(make, masks, by, match):
    with pytest.raises(ValueError, match=match):
        make(masks).average(by)


def test_to_data_frame(make, masks, small_info):
    attention = make(masks)
    table = attention.to_data_frame()
    assert list(table) == ["epoch", "label", "stream", "block", "kind", "name", "weight"]
    assert not table.isna().any(axis=None)
    keys = ["epoch", "stream", "block", "kind", "name"]
    assert not table.duplicated(keys).any()
    assert len(table) == 3 * (10 + 5 + 10 + N_TIMES)
    assert (table["block"] == 1).all()
    assert (table["label"] == table["epoch"].map({0: "a", 1: "b", 2: "a"})).all()
    shares = (
        table[table["kind"] != "electrode"].groupby(["epoch", "stream", "kind"])["weight"].sum()
    )
    assert len(shares) == 3 * 2
    np.testing.assert_allclose(shares, 1)

    def weights(stream, kind):
        part = table[(table["stream"] == stream) & (table["kind"] == kind)]
        return part.pivot_table(index="epoch", columns="name", values="weight")

    np.testing.assert_allclose(weights("spectral", "band")[BANDS], attention.bands)
    names = [f"{t:.4f}" for t in attention.moments]
    np.testing.assert_allclose(weights("temporal", "time")[names], attention.times)
    for stream in ("spectral", "temporal"):
        electrodes = weights(stream, "electrode")[small_info["ch_names"]]
        np.testing.assert_allclose(electrodes, attention.to_electrodes(stream))


def test_to_evoked(make, masks, small_info):
    attention = make(masks)
    evokeds = attention.to_evoked(stream="temporal")
    assert [e.comment for e in evokeds] == ["a", "b"]
    assert [e.nave for e in evokeds] == [2, 1]
    expected = attention.average().to_electrodes("temporal")
    for evoked, weights in zip(evokeds, expected, strict=True):
        assert evoked.ch_names == small_info["ch_names"]
        np.testing.assert_allclose(evoked.data, weights[:, None])
    (everything,) = attention.to_evoked(by=None)
    assert everything.nave == 3


# -- masks that are not there --------------------------------------------------------------


@pytest.mark.parametrize(
    ("kept", "method", "params", "match"),
    [
        ("spatial", "plot_bands", {"show": False}, "no depth mask in the spectral stream"),
        ("spatial", "plot_times", {"show": False}, "no depth mask in the temporal stream"),
        ("spectral", "plot_times", {"show": False}, "no depth mask in the temporal stream"),
        ("depth", "plot_topomap", {"show": False}, "no spatial mask"),
        ("nothing", "plot_topomap", {"show": False}, "no spatial mask"),
        ("depth", "plot_topomap", {"stream": "spectral", "show": False}, "no spatial mask"),
        ("spectral", "plot_topomap", {"stream": "temporal", "show": False}, "no spatial mask"),
        ("depth", "to_evoked", {}, "no spatial mask; there is one for no stream"),
        ("temporal", "to_electrodes", {}, "no spatial mask; there is one for temporal"),
        ("spatial", "to_electrodes", {"stream": "both"}, "stream must be one of"),
    ],
)
def test_masks_that_are_not_there(make, masks, kept, method, params, match):
    attention = make({name: mask for name, mask in masks.items() if kept in name})
    with pytest.raises(ValueError, match=match):
        getattr(attention, method)(**params)


def test_table_of_no_masks(make):
    table = make({}).to_data_frame()
    assert len(table) == 0
    assert list(table) == ["epoch", "label", "stream", "block", "kind", "name", "weight"]


# -- regions -------------------------------------------------------------------------------


def test_by_region(make, masks, small_info):
    """A row for each epoch and region: the mean over its electrodes."""
    attention = make(masks)
    table = attention.by_region()
    weights = attention.to_electrodes()
    names = small_info["ch_names"]
    assert table["label"].unique().tolist() == ["a", "b"]
    assert table.groupby("epoch")["n_channels"].sum().tolist() == [len(names)] * 3
    total = (table["weight"] * table["n_channels"]).groupby(table["epoch"]).sum()
    np.testing.assert_allclose(total, weights.sum(axis=1))
