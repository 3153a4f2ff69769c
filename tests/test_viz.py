from xml.etree import ElementTree

import matplotlib.pyplot as plt
import mne
import numpy as np
import pytest
from conftest import tiny_classifier
from helpers import NAMES, peak
from matplotlib.collections import PathCollection
from matplotlib.colors import TwoSlopeNorm
from matplotlib.contour import QuadContourSet

from mne_sst import TopoGrid, viz
from mne_sst.viz import (
    DIVERGING,
    SEQUENTIAL,
    plot_attention,
    plot_band_topomaps,
    save_figure,
)

pytestmark = pytest.mark.usefixtures("no_figures", "shown")


def heads_of(fig):
    return [ax for ax in fig.axes if ax.images]


def bars_of(fig):
    """The colour bars, and the unit of each."""
    bars = [ax for ax in fig.axes if ax.get_label() == "<colorbar>"]
    return bars, [ax.get_ylabel() or ax.get_xlabel() for ax in bars]


def bar_limits(bar):
    return (bar.get_ylim, bar.get_xlim)[bar.get_xlim() != (0, 1)]()


def sensors_of(ax):
    (sensors,) = [c for c in ax.collections if isinstance(c, PathCollection)]
    return np.asarray(sensors.get_offsets())


def outlines_of(ax):
    """Points of head, nose and ears, the head first."""
    return sorted((line.get_xydata() for line in ax.lines), key=len, reverse=True)


def drawn_at(ax, place):
    """Value of the image at a place in the coordinates of the axes."""
    (image,) = ax.images
    assert image.origin == "lower"
    left, right, bottom, top = image.get_extent()
    values = np.asarray(image.get_array())
    column = int((place[0] - left) / (right - left) * values.shape[1])
    row = int((place[1] - bottom) / (top - bottom) * values.shape[0])
    return values[row, column]


# -- heads ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_orientation(small_info, name):
    fig = plot_attention({"": {"a": peak(name)}}, small_info, "u", show=False)
    (ax,) = heads_of(fig)
    x, y = sensors_of(ax)[NAMES.index(name)]
    assert np.sign(round(x, 2)) == {"1": -1, "3": -1, "2": 1, "4": 1, "z": 0}[name[-1]]
    assert not ax.xaxis_inverted()
    assert not ax.yaxis_inverted()
    if name[0] != "C":
        assert np.sign(y) == {"F": 1, "P": -1, "O": -1}[name[0]]
    values = [drawn_at(ax, place) for place in sensors_of(ax)]
    assert np.argmax(values) == NAMES.index(name)
    # Pixels, not electrodes, are drawn: near the peak, not quite at it.
    assert max(values) > 0.8
    assert np.sort(values)[-2] < 0.3


def test_nose_is_up(small_info):
    fig = plot_attention({"": {"a": peak("Cz")}}, small_info, "u", show=False)
    head, *others = outlines_of(heads_of(fig)[0])
    radius = head[:, 0].max()
    np.testing.assert_allclose(np.linalg.norm(head, axis=1), radius)
    (nose,) = [xy for xy in others if len(xy) == 3]
    assert nose[:, 1].argmax() == 1
    assert nose[1, 1] > radius
    assert nose[1, 0] == pytest.approx(0)
    ears = [xy for xy in others if xy is not nose]
    assert sorted(np.sign(xy[:, 0].mean()) for xy in ears) == [-1, 1]


def test_rows_of_heads(small_info, shown):
    rows = {
        "first": {"a": peak("Fp1"), "b": peak("Oz", 2.0), "c": peak("Cz", -1.0)},
        "second": {"a": peak("Fp1"), "b": peak("Cz", 5.0), "c": peak("F3", 0.5)},
    }
    fig = plot_attention(rows, small_info, "unit of it", show=False)
    assert isinstance(fig, plt.Figure)
    assert shown == []
    heads = heads_of(fig)
    assert len(heads) == 6
    assert [ax.get_title() for ax in heads] == ["a", "b", "c", "", "", ""]
    assert [t.get_text() for ax in heads for t in ax.texts] == ["first", "second"]
    assert [ax.images[0].get_clim() for ax in heads] == [(-1, 2)] * 3 + [(0, 5)] * 3
    bars, units = bars_of(fig)
    assert units == ["unit of it"] * 2
    assert [bar_limits(bar) for bar in bars] == [(-1, 2), (0, 5)]
    assert len(fig.axes) == 8
    for ax, values in zip(
        heads, [v for heads in rows.values() for v in heads.values()], strict=True
    ):
        assert sensors_of(ax).shape == (10, 2)
        assert ax.images[0].get_cmap().name == SEQUENTIAL
        strongest = np.abs(values).argmax()
        at = drawn_at(ax, sensors_of(ax)[strongest])
        assert at == pytest.approx(values[strongest], rel=0.2)
    fig.canvas.draw()
    # Rows from top to bottom, heads from left to right, the bar at the right of its row.
    corners = np.array([ax.get_position().p0 for ax in heads]).reshape(2, 3, 2)
    assert (np.diff(corners[:, :, 0], axis=1) > 0).all()
    assert (np.diff(corners[:, :, 1], axis=0) < 0).all()
    assert all(bar.get_position().x0 > corners[..., 0].max() for bar in bars)


def test_rows_of_other_heads_and_lengths(small_info):
    rows = {"1": {"a": peak("Fp1"), "b": peak("Fp1")}, "2": {"c": peak("Fp1")}}
    fig = plot_attention(rows, small_info, "u", show=False)
    assert [ax.get_title() for ax in heads_of(fig)] == ["a", "b", "c"]
    assert len(bars_of(fig)[0]) == 2
    (empty,) = [ax for ax in fig.axes if not ax.images and ax not in bars_of(fig)[0]]
    assert not empty.axison


@pytest.mark.parametrize("level", [0.0, 1.0, -3.0, 1e-6])
def test_flat_heads_have_a_scale(small_info, level):
    fig = plot_attention({"": {"a": np.full(10, level)}}, small_info, "u", show=False)
    low, high = heads_of(fig)[0].images[0].get_clim()
    assert low < level < high
    fig.canvas.draw()


@pytest.mark.parametrize("function", ["rows", "bands"])
def test_options_reach_mne(small_info, function):
    columns = {"a": peak("Fp1"), "b": peak("Oz", 7.0)}

    def plot(**kwargs):
        if function == "rows":
            fig = plot_attention({"": columns}, small_info, "u", show=False, **kwargs)
        else:
            fig = plot_band_topomaps(columns, small_info, "u", show=False, **kwargs)
        return heads_of(fig)

    def of_kind(ax, kind):
        return [c for c in ax.collections if isinstance(c, kind)]

    changed = plot(sphere=0.08, vlim=(-2, 3), cmap=DIVERGING, contours=0, sensors=False)
    for before, after in zip(plot(), changed, strict=True):
        assert outlines_of(before)[0][:, 0].max() == pytest.approx(0.095)
        assert outlines_of(after)[0][:, 0].max() == pytest.approx(0.08)
        assert after.images[0].get_clim() == (-2, 3)
        assert before.images[0].get_cmap().name == SEQUENTIAL
        assert after.images[0].get_cmap().name == DIVERGING
        for kind in (QuadContourSet, PathCollection):
            assert len(of_kind(before, kind)) == 1
            assert len(of_kind(after, kind)) == 0
    assert {t.get_text() for t in plot(names=NAMES)[0].texts} >= set(NAMES)
    local, head = (plot(extrapolate=e)[0].images[0].get_array() for e in ("local", "head"))
    assert np.abs(local - head).max() > 0


@pytest.mark.parametrize("vlim", [(0, None), (None, 4.0), (None, None)])
def test_open_limits_are_shared_in_a_row(small_info, vlim):
    heads = {"a": peak("Fp1"), "b": peak("Oz", 3.0), "c": peak("Cz", -1.0)}
    fig = plot_attention({"": heads}, small_info, "u", show=False, vlim=vlim)
    low, high = (d if v is None else v for v, d in zip(vlim, (-1.0, 3.0), strict=True))
    assert {ax.images[0].get_clim() for ax in heads_of(fig)} == {(low, high)}
    assert bar_limits(bars_of(fig)[0][0]) == (low, high)


def test_band_topomaps(small_info, shown):
    columns = {"delta": peak("Fp1"), "alpha": peak("Oz", 7.0), "gamma": peak("Cz", -2.0)}
    fig = plot_band_topomaps(columns, small_info, "DE (nats)", show=False)
    heads = heads_of(fig)
    assert [ax.get_title() for ax in heads] == list(columns)
    assert [ax.images[0].get_clim() for ax in heads] == [(0, 1), (0, 7), (-2, 0)]
    bars, units = bars_of(fig)
    assert units == ["DE (nats)"] * 3
    assert [bar_limits(bar) for bar in bars] == [(0, 1), (0, 7), (-2, 0)]
    for ax, values in zip(heads, columns.values(), strict=True):
        strongest = np.abs(values).argmax()
        at = drawn_at(ax, sensors_of(ax)[strongest])
        assert at == pytest.approx(values[strongest], rel=0.2)
    assert shown == []
    shared = plot_band_topomaps(columns, small_info, "u", show=False, vlim=(-3, 8))
    assert {ax.images[0].get_clim() for ax in heads_of(shared)} == {(-3, 8)}


# -- through the objects -------------------------------------------------------------------


@pytest.mark.parametrize("streams", [None, "temporal"])
def test_attention_on_the_head(fitted, features, y, streams, shown):
    attention = fitted.attention(features, y)
    fig = attention.plot_topomap(stream=streams, show=False, cmap="magma")
    names = ["spectral", "temporal"] if streams is None else [streams]
    heads = heads_of(fig)
    assert len(heads) == 3 * len(names)
    counts = {name: int((y == name).sum()) for name in np.unique(y)}
    for ax, (name, n) in zip(heads, counts.items(), strict=False):
        title, _, stability = ax.get_title().partition(", r = ")
        assert title == f"{name}\n(n = {n}"
        assert -1 <= float(stability.removesuffix(")")) <= 1
    assert [t.get_text() for ax in heads for t in ax.texts] == [f"{s} stream" for s in names]
    assert bars_of(fig)[1] == ["attention (1 = even)"] * len(names)
    mean = attention.average()
    for i, stream in enumerate(names):
        weights = mean.to_electrodes(stream)
        for ax, values in zip(heads[3 * i : 3 * i + 3], weights, strict=True):
            clim = ax.images[0].get_clim()
            np.testing.assert_allclose(clim, (weights.min(), weights.max()), rtol=1e-6)
            # The map at the electrodes follows their values.
            at = [drawn_at(ax, place) for place in sensors_of(ax)]
            assert np.corrcoef(at, values)[0, 1] > 0.9
    assert heads[0].images[0].get_cmap().name == "magma"
    assert len(heads_of(attention.plot_topomap(by=None, show=False))) == 2
    assert shown == []


def test_attention_over_bands_and_times(fitted, features, y):
    attention = fitted.attention(features, y)
    (ax,) = attention.plot_bands(show=False).axes
    ticks = [t.get_text() for t in ax.get_xticklabels()]
    assert ticks == [f"{n}\n{low:g}-{high:g} Hz" for n, (low, high) in features.bands.items()]
    for container, name in zip(ax.containers, np.unique(y), strict=True):
        expected = attention.bands[y == name].mean(axis=0)
        np.testing.assert_allclose(container[0].get_ydata(), expected)
        assert container.get_label().startswith(f"{name} (n = {(y == name).sum()}, r = ")
    (ax,) = attention.plot_times(by=None, show=False).axes
    line, even = ax.lines
    np.testing.assert_allclose(line.get_xdata(), attention.moments)
    np.testing.assert_allclose(line.get_ydata(), attention.times.mean(axis=0))
    np.testing.assert_allclose(even.get_ydata(), 1 / 25)
    assert ax.get_xlabel() == "time in the window (s)"


def test_features_on_the_head(features, shown):
    fig = features.plot_topomap(bands=["gamma", "alpha"], show=False, sphere=0.09)
    heads = heads_of(fig)
    halves = np.stack([features.spectral[i::2].mean(axis=0) for i in (0, 1)])
    for ax, name in zip(heads, ["gamma", "alpha"], strict=True):
        r = np.corrcoef(halves[..., list(features.bands).index(name)])[0, 1]
        assert ax.get_title() == f"{name}\n(n = {len(features)}, r = {r:.2f})"
    assert bars_of(fig)[1] == ["DE (nats)"] * 2
    for ax, name in zip(heads, ["gamma", "alpha"], strict=True):
        mean = features.spectral[..., list(features.bands).index(name)].mean(axis=0)
        np.testing.assert_allclose(ax.images[0].get_clim(), (mean.min(), mean.max()), rtol=1e-6)
        at = [drawn_at(ax, place) for place in sensors_of(ax)]
        assert np.corrcoef(at, mean)[0, 1] > 0.95
    assert len(heads_of(features.plot_topomap(show=False))) == 5
    assert shown == []


def test_sensors_are_where_the_grid_has_them(small_info):
    fig = plot_attention({"": {"a": peak("Cz")}}, small_info, "u", show=False)
    grid = TopoGrid(small_info, (8, 8))
    np.testing.assert_allclose(sensors_of(heads_of(fig)[0]) / 0.095, grid.pos, atol=1e-6)


def test_positions_are_asked_for_before_anything_is_drawn(features, y):
    """The paper's layout needs names only, a head needs positions."""
    info = mne.create_info(features.ch_names, 200.0, "eeg")
    bare = features._replace(info=info)
    clf = tiny_classifier(interpolation="layout", max_epochs=1).fit(bare, y)
    for draw in (clf.attention(bare).plot_topomap, bare.plot_topomap):
        with pytest.raises(ValueError, match=r"info has no position for FP1, .* Set a montage"):
            draw(show=False)
    assert plt.get_fignums() == []
    with pytest.raises(ValueError, match="bands must be one of 'delta'"):
        features.plot_topomap(bands="mu", show=False)


def test_vector_files_open(small_info, tmp_path):
    head = {"a & b": peak("Fp1"), "c < d": peak("Oz")}
    for ending in ("svg", "pdf"):
        fig = plot_attention({"row": head}, small_info, "weight (µV²)", show=False)
        save_figure(fig, tmp_path / f"heads.{ending}")
    root = ElementTree.parse(tmp_path / "heads.svg").getroot()
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert len(list(root.iter("{http://www.w3.org/2000/svg}path"))) > 50
    content = (tmp_path / "heads.pdf").read_bytes()
    assert content.startswith(b"%PDF-")
    assert content.rstrip().endswith(b"%%EOF")
    assert plt.get_fignums() == [], "what was written is closed"


def test_many_heads_go_below(small_info):
    values = np.arange(len(small_info["ch_names"]), dtype=float)
    heads = {f"a rather long name of class number {i}": i * values for i in range(8)}
    fig = viz.plot_attention({"spectral stream": heads}, small_info, "x", show=False)
    drawn = [ax for ax in fig.axes if ax.get_title()]
    assert len(drawn) == 8
    assert all("\n" in ax.get_title() for ax in drawn)
    limits = {tuple(ax.images[0].get_clim()) for ax in drawn}
    assert limits == {(0.0, 63.0)}


def test_heads_without_numbers(small_info):
    n = len(small_info["ch_names"])
    values = np.arange(n, dtype=float)
    holed = values.copy()
    holed[2] = np.nan
    fig = viz.plot_attention({"": {"a": values, "b": holed}}, small_info, "x", show=False)
    assert fig.axes[0].images[0].get_clim() == (0.0, n - 1.0)
    with pytest.raises(ValueError, match="nothing to plot"):
        viz.plot_attention({"": {"a": np.full(n, np.nan)}}, small_info, "x", show=False)


def test_limits_as_mne_has_them(small_info):
    """The suite turns warnings into errors: a norm and limits would warn."""
    heads = {"": {"a": peak("Fp1"), "b": 3 * peak("Oz")}}
    joint = viz.plot_attention(heads, small_info, "u", vlim="joint", show=False)
    assert {ax.images[0].get_clim() for ax in joint.axes[:2]} == {(0.0, 3.0)}
    norm = TwoSlopeNorm(1.0, 0.0, 4.0)
    fig = viz.plot_attention(heads, small_info, "u", cnorm=norm, show=False)
    assert {ax.images[0].get_clim() for ax in fig.axes[:2]} == {(0.0, 4.0)}
    with pytest.raises(ValueError, match="vlim must be one of 'joint'"):
        viz.plot_attention(heads, small_info, "u", vlim="all", show=False)
