"""Probabilities along a recording, and the course of training."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import PolyCollection

from mne_sst import TopoGrid
from mne_sst.viz import plot_features, plot_grid, plot_history, plot_timeline


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


TIMES = np.array([0.5, 1.5, 2.5, 6.5, 7.5])
P = np.array([[0.2, 0.8], [0.4, 0.6], [1.0, 0.0], [0.5, 0.5], [0.3, 0.7]])


def test_stacks_with_a_gap():
    (ax,) = plot_timeline(TIMES, P, ["calm", "tense"], show=False).axes
    areas = [c for c in ax.collections if isinstance(c, PolyCollection)]
    # Two classes, before and after what is missing.
    assert len(areas) == 4
    assert [t.get_text() for t in ax.get_legend().get_texts()] == ["calm", "tense"]
    spans = [np.ptp(a.get_paths()[0].vertices[:, 0]) for a in areas]
    assert spans == [3, 3, 2, 2]
    calm = areas[0].get_paths()[0].vertices
    assert calm[np.isclose(calm[:, 0], 1.0), 1].max() == pytest.approx(0.4)
    assert ax.get_ylim() == (0, 1)
    assert ax.get_xlim() == (0, 8)


def test_heads_of_moments(small_info):
    n = len(small_info["ch_names"])
    heads = {0.5: np.arange(n, dtype=float), 6.5: -np.arange(n, dtype=float)}
    fig = plot_timeline(
        TIMES, P, ["a", "b"], heads=heads, info=small_info, unit="u", signed=True, show=False
    )
    drawn = [ax for ax in fig.axes if ax.images]
    assert [ax.get_title() for ax in drawn] == ["0.5 s", "6.5 s"]
    assert {ax.images[0].get_clim() for ax in drawn} == {(-(n - 1), n - 1)}
    (bar,) = [ax for ax in fig.axes if ax.get_ylabel() == "u"]
    (main,) = [ax for ax in fig.axes if ax.get_ylabel() == "probability"]
    assert [line.get_xdata()[0] for line in main.lines] == [0.5, 6.5]
    assert bar is not main


def test_own_axes():
    _, ax = plt.subplots()
    assert plot_timeline(TIMES, P, ["a", "b"], axes=ax, show=False) is ax.figure


def test_bad_input(small_info):
    with pytest.raises(ValueError, match="a column for each of classes"):
        plot_timeline(TIMES, P, ["a", "b", "c"], show=False)
    with pytest.raises(ValueError, match="heads need info="):
        plot_timeline(TIMES, P, ["a", "b"], heads={1.0: np.zeros(3)}, show=False)


def test_history():
    history = pd.DataFrame(
        {
            "epoch": [1, 2, 3],
            "train_loss": [1.0, 0.5, 0.2],
            "valid_loss": [1.1, 0.7, 0.9],
            "valid_accuracy": [0.4, 0.6, 0.5],
        }
    )
    loss, accuracy = plot_history(history, show=False).axes
    assert loss.lines[2].get_xdata()[0] == 2
    np.testing.assert_array_equal(accuracy.lines[0].get_ydata(), history["valid_accuracy"])
    (only,) = plot_history(history[["epoch", "train_loss"]], show=False).axes
    assert len(only.lines) == 1


def test_features_of_classes(small_info):
    n = len(small_info["ch_names"])
    values = {"calm": np.arange(2.0 * n).reshape(n, 2), "tense": np.ones((n, 2))}
    fig = plot_features(values, small_info, ["alpha", "beta"], "DE (nats)", show=False)
    heads = [ax for ax in fig.axes if ax.images]
    assert len(heads) == 4
    assert [ax.get_title() for ax in heads[:2]] == ["calm", "tense"]
    limits = [ax.images[0].get_clim() for ax in heads]
    assert limits[:2] == [(0, 2 * n - 2)] * 2
    assert limits[2:] == [(1, 2 * n - 1)] * 2
    counts, stability = {"calm": 4, "tense": 6}, {"calm": [0.5, np.nan], "tense": [0.25, 1.0]}
    fig = plot_features(
        values,
        small_info,
        ["alpha", "beta"],
        "DE (nats)",
        counts=counts,
        stability=stability,
        show=False,
    )
    assert [ax.get_title() for ax in fig.axes if ax.images] == [
        "calm\n(n = 4, r = 0.50)",
        "tense\n(n = 6, r = 0.25)",
        "calm\n(n = 4)",
        "tense\n(n = 6, r = 1.00)",
    ]


@pytest.mark.parametrize("method", ["cubic", "layout"])
def test_grid_shows_electrodes_where_they_are(small_info, method):
    grid = TopoGrid(small_info, (10, 12), method)
    left, right, *_ = plot_grid(grid, show=False).axes
    dots = [line for line in left.lines if line.get_marker() == "o"]
    np.testing.assert_allclose(dots[0].get_xydata(), grid.pos)
    assert {t.get_text() for t in left.texts} == set(grid.ch_names)
    share = right.images[0].get_array()
    assert share.shape == grid.shape
    np.testing.assert_allclose(share, np.abs(grid.weights).max(axis=1).reshape(grid.shape))
    # The front is up: the first row of the map is at the top of the picture.
    low, high = right.images[0].get_extent()[2:]
    assert high > low
    assert right.images[0].origin == "upper"


def test_heads_in_axes_that_are_there(small_info):
    fig, axes = plt.subplots(1, 3)
    values = np.arange(len(small_info["ch_names"]), dtype=float)
    arguments = [0.5, 1.5], [[0.3, 0.7], [0.6, 0.4]], ["a", "b"]
    heads = {0.5: values, 1.5: -values}
    found = plot_timeline(*arguments, heads=heads, info=small_info, axes=axes, show=False)
    assert found is fig
    assert [ax.get_title() for ax in axes] == ["", "0.5 s", "1.5 s"]
    with pytest.raises(ValueError, match="axes must hold 3 Axes"):
        plot_timeline(*arguments, heads=heads, info=small_info, axes=axes[0], show=False)
    with pytest.raises(ValueError, match="times is empty"):
        plot_timeline([], np.empty((0, 2)), ["a", "b"], show=False)
