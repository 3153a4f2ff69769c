"""Figures: arrays and an Info in, a matplotlib Figure out."""

from ._figure import DIVERGING, SEQUENTIAL, save_figure
from ._heads import plot_band_topomaps, plot_features, plot_grid, plot_topomap_rows
from ._lines import plot_history, plot_weights
from ._scores import plot_confusion, plot_scores
from ._timeline import plot_timeline

__all__ = [
    "DIVERGING",
    "SEQUENTIAL",
    "plot_band_topomaps",
    "plot_confusion",
    "plot_features",
    "plot_grid",
    "plot_history",
    "plot_scores",
    "plot_timeline",
    "plot_topomap_rows",
    "plot_weights",
    "save_figure",
]
