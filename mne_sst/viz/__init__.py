"""Figures: arrays and an Info in, a matplotlib Figure out."""

from ._figure import COLORS, DIVERGING, SEQUENTIAL, save_figure
from ._heads import plot_attention, plot_band_topomaps, plot_features, plot_grid
from ._lines import plot_bands, plot_history, plot_times
from ._scores import plot_confusion, plot_scores
from ._timeline import plot_timeline

__all__ = [
    "COLORS",
    "DIVERGING",
    "SEQUENTIAL",
    "plot_attention",
    "plot_band_topomaps",
    "plot_bands",
    "plot_confusion",
    "plot_features",
    "plot_grid",
    "plot_history",
    "plot_scores",
    "plot_timeline",
    "plot_times",
    "save_figure",
]
