"""Drawings other than heads, and the Axes that all of them take."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from helpers import peak
from matplotlib.collections import FillBetweenPolyCollection
from matplotlib.colors import to_hex

from mne_sst import TopoGrid, viz
from mne_sst.contrast import Contrast
from mne_sst.viz import (
    plot_attention,
    plot_band_topomaps,
    plot_bands,
    plot_times,
)

pytestmark = pytest.mark.usefixtures("no_figures", "shown")

GROUPS = {"sad": np.array([[0.1, 0.9, 0.5], [0.3, 0.7, 0.5]]), "glad": np.array([[0.2, 0.2, 0.6]])}


def test_weights_of_names(shown):
    fig = plot_bands(GROUPS, ["x", "y", "z"], "share", even=1 / 3, show=False)
    (ax,) = fig.axes
    assert shown == []
    assert [t.get_text() for t in ax.get_xticklabels()] == ["x", "y", "z"]
    assert ax.get_xlabel() == "band"
    assert ax.get_ylabel().startswith("share")
    assert [t.get_text() for t in ax.get_legend().get_texts()] == [
        "even attention",
        "sad (n = 2)",
        "glad (n = 1)",
    ]
    places = []
    for container, weights in zip(ax.containers, GROUPS.values(), strict=True):
        line, _, (bars,) = container
        mean, sd = weights.mean(axis=0), weights.std(axis=0)
        np.testing.assert_allclose(line.get_ydata(), mean)
        ends = np.array([segment[:, 1] for segment in bars.get_segments()])
        np.testing.assert_allclose(ends, np.stack([mean - sd, mean + sd], axis=1), atol=1e-12)
        # Near its tick, where it belongs.
        assert np.abs(line.get_xdata() - np.arange(3)).max() < 0.5
        places.append(line.get_xdata())
    assert np.abs(places[0] - places[1]).min() > 0
    (even,) = [line for line in ax.lines if line.get_linestyle() == "--"]
    np.testing.assert_allclose(even.get_ydata(), 1 / 3)


def test_weights_over_time():
    times = np.array([0.1, 0.2, 0.4])
    fig = plot_times(GROUPS, times, "share", show=False)
    (ax,) = fig.axes
    lines = ax.lines
    bands = [c for c in ax.collections if isinstance(c, FillBetweenPolyCollection)]
    assert [line.get_label() for line in lines] == ["sad (n = 2)", "glad (n = 1)"]
    for line, band, weights in zip(lines, bands, GROUPS.values(), strict=True):
        mean, sd = weights.mean(axis=0), weights.std(axis=0)
        np.testing.assert_allclose(line.get_xydata(), np.stack([times, mean], axis=1))
        vertices = band.get_paths()[0].vertices
        for i, time in enumerate(times):
            at = vertices[np.isclose(vertices[:, 0], time), 1]
            assert at.min() == pytest.approx(mean[i] - sd[i])
            assert at.max() == pytest.approx(mean[i] + sd[i])
        assert to_hex(band.get_facecolor()[0]) == to_hex(line.get_color())
    assert not [line for line in lines if line.get_linestyle() == "--"]


def drawings(small_info):
    """Each function, and how many Axes it takes."""
    head = {"a": peak("Fp1"), "b": peak("Oz")}
    return {
        "rows": (4, lambda **k: plot_attention({"1": head, "2": head}, small_info, "u", **k)),
        "bands": (2, lambda **k: plot_band_topomaps(head, small_info, "u", **k)),
        "weights": (1, lambda **k: plot_bands(GROUPS, ["x", "y", "z"], "share", **k)),
        **others(small_info),
    }


def others(small_info):
    """Those that draw something else than heads in every one of their Axes."""
    values = {"a": np.stack([peak("Fp1"), peak("Oz")], axis=1)}
    history = pd.DataFrame({"epoch": [1, 2], "train_loss": [0.7, 0.5], "valid_loss": [0.8, 0.7]})
    history["valid_accuracy"] = [0.4, 0.6]
    probabilities, heads = [[0.9, 0.1], [0.2, 0.8]], {0.5: peak("Fp1")}
    grid = TopoGrid(small_info, shape=(8, 8))
    contrast = Contrast(
        peak("Fp1"),
        peak("Oz"),
        pd.DataFrame({"p": [0.01]}),
        peak("Oz") > 0.5,
        0.5,
        ("a", "b"),
        8,
        128,
        0.05,
        small_info,
        "u",
    )
    return {
        "features": (2, lambda **k: viz.plot_features(values, small_info, ["x", "y"], "u", **k)),
        "contrast": (1, lambda **k: contrast.plot_topomap(**k)),
        "grid": (2, lambda **k: viz.plot_grid(grid, **k)),
        "times": (1, lambda **k: plot_times(GROUPS, [0.1, 0.2, 0.3], "share", **k)),
        "history": (2, lambda **k: viz.plot_history(history, **k)),
        "scores": (1, lambda **k: viz.plot_scores({"a": [0.5, 0.7]}, "accuracy", **k)),
        "confusion": (1, lambda **k: viz.plot_confusion([[1, 2], [3, 4]], ["a", "b"], **k)),
        "timeline": (
            2,
            lambda **k: viz.plot_timeline(
                [0.5, 1.5], probabilities, ["a", "b"], heads=heads, info=small_info, **k
            ),
        ),
    }


@pytest.mark.parametrize(
    "name",
    "rows bands weights features contrast grid times history scores confusion timeline".split(),
)
def test_axes_and_show(small_info, shown, name):
    n_axes, draw = drawings(small_info)[name]
    mine, axes = plt.subplots(1, n_axes, squeeze=False, layout="constrained")
    fig = draw(axes=axes.ravel() if n_axes > 1 else axes[0, 0], show=False)
    assert fig is mine
    assert plt.get_fignums() == [mine.number]
    drawn = [ax for ax in fig.axes if ax.has_data() and ax.get_label() != "<colorbar>"]
    assert drawn == list(axes.ravel())
    assert shown == []
    for wrong in (n_axes - 1, n_axes + 1):
        with pytest.raises(ValueError, match=f"axes must hold {n_axes} Axes .* got {wrong}"):
            draw(axes=plt.figure().subplots(1, 5).tolist()[:wrong], show=False)
    draw()
    assert len(shown) == 1


def test_scores_show_mean_and_interval():
    scores = {"a": [0.5, 0.6, 0.7, 0.8], "b": [0.9], "none": [np.nan, np.nan]}
    fig = viz.plot_scores(scores, "accuracy", chance=0.5, show=False)
    (ax,) = fig.axes
    (segment,) = [c for c in ax.collections if len(c.get_segments())]
    (low, row), (high, _) = segment.get_segments()[0]
    half = 3.182446 * np.std([0.5, 0.6, 0.7, 0.8], ddof=1) / 2
    assert (low, high) == pytest.approx((0.65 - half, 0.65 + half), rel=1e-5)
    assert row == 1
    texts = [t.get_text() for t in ax.get_legend().get_texts()]
    assert texts == ["median, quartiles", "chance", "mean, 95% interval"]
    assert [t.get_text() for t in ax.get_yticklabels()] == ["a", "b", "none"]


def test_scores_have_boxes():
    scores = {"a": [0.1, 0.5, 0.6, 0.7, 0.9], "b": [0.9], "c": [0.2, 0.3]}
    fig = viz.plot_scores(scores, "accuracy", show=False)
    (ax,) = fig.axes
    boxes = [patch.get_path().get_extents() for patch in ax.patches]
    found = [(box.x0, box.x1, (box.y0 + box.y1) / 2) for box in boxes]
    np.testing.assert_allclose(found, [(0.5, 0.7, 1), (0.225, 0.275, 3)])
    upright = [line for line in ax.lines if len(set(line.get_xdata())) == 1]
    medians = [line.get_xdata()[0] for line in upright if line.get_linewidth() == 2]
    assert medians == pytest.approx([0.6, 0.25])
    # 0.1 lies too far from the box: it is a point, and the whisker ends before it.
    whiskers = {tuple(line.get_xdata()) for line in ax.lines if len(line.get_xdata()) == 2}
    assert {(0.5, 0.5), (0.7, 0.9)} <= whiskers


def test_one_subject_has_a_point_and_no_box():
    fig = viz.plot_scores({"a": [0.7], "b": []}, "accuracy", show=False)
    assert not fig.axes[0].patches
    points = [line.get_xdata().tolist() for line in fig.axes[0].lines]
    assert points[0] == [0.7]


def test_many_classes_can_be_told_apart():
    groups = {f"class {i}": [[0.1 * i, 0.2]] for i in range(9)}
    fig = viz.plot_bands(groups, ["alpha", "beta"], "share", show=False)
    lines = fig.axes[0].get_lines()
    looks = {(line.get_marker(), line.get_color()) for line in lines if line.get_marker() != "None"}
    assert len({look for look in looks if look[0] not in "_|"}) >= 9
    p = np.full((4, 9), 1 / 9)
    fig = viz.plot_timeline(np.arange(4.0), p, list(range(9)), show=False)
    looks = {(c.get_facecolor().tobytes(), c.get_hatch()) for c in fig.axes[0].collections}
    assert len(looks) == 9


def test_course_of_one_pass_and_of_none(shown):
    history = pd.DataFrame({"epoch": [1], "train_loss": [0.7], "valid_loss": [np.nan]})
    fig = viz.plot_history(history.assign(valid_accuracy=np.nan), show=True)
    assert fig.axes[0].get_lines()[0].get_marker() == "o"
    assert len(shown) == 1


def test_labels_are_no_mathematics():
    fig = viz.plot_confusion([[2.66666666, 1], [0, 3]], ["win $1 or $5", "b"], show=False)
    fig.canvas.draw()
    assert fig.axes[0].get_xticklabels()[0].get_text() == r"win \$1 or \$5"
    assert "67%" not in [t.get_text() for t in fig.axes[0].texts]
    assert "73%\n2.67" in [t.get_text() for t in fig.axes[0].texts]


def test_large_counts_are_whole():
    fig = viz.plot_confusion([[45678, 0], [0, 1]], ["a", "b"], show=False)
    assert "100%\n45678" in [t.get_text() for t in fig.axes[0].texts]


def test_a_subfigure_gives_its_figure():
    fig = plt.figure()
    ax = fig.subfigures(1, 2)[1].subplots()
    assert viz.plot_confusion([[1, 0], [0, 1]], ["a", "b"], axes=ax, show=False) is fig
