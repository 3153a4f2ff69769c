"""How alike the maps are whose mean is shown."""

from itertools import combinations

import numpy as np
import pandas as pd

from ._checks import check_one_each


def mean_pairwise_correlation(maps):
    """Mean correlation between every two maps: 1 where all look alike.

    Parameters
    ----------
    maps : array, shape (n_maps, n_channels)
        One map a subject, fold or seed.

    Returns
    -------
    r : float
        NaN for less than two maps that vary.

    Examples
    --------
    >>> from mne_sst.contrast import mean_pairwise_correlation
    >>> round(mean_pairwise_correlation([[1, 2, 3], [2, 4, 6], [1, 2, 3]]), 6)
    1.0
    """
    varying = [m for m in np.asarray(maps, dtype=float) if np.ptp(m) > 1e-12 * np.abs(m).max()]
    pairs = [np.corrcoef(a, b)[0, 1] for a, b in combinations(varying, 2)]
    return float(np.mean(pairs)) if pairs else float("nan")


def unit_means(maps, units, counts=None):
    """Mean map of each subject, fold or seed.

    Parameters
    ----------
    maps : array, shape (n_epochs, ...)
        Of each epoch.
    units : array, shape (n_epochs,)
        Subject, fold or seed of each epoch.
    counts : array, shape (n_epochs,) | None
        What each epoch counts.

    Returns
    -------
    means : list of array, shape (...)
        In the order in which units come first.
    """
    rows = [np.flatnonzero(units == unit) for unit in pd.unique(units)]
    return [
        np.average(maps[r], axis=0, weights=None if counts is None else counts[r]) for r in rows
    ]


def every_other(labels):
    """Two halves of the epochs of each label, as units: 0, 1, 0, ... in each label."""
    labels = pd.Series(labels)
    return labels.groupby(labels).cumcount().to_numpy() % 2


def point_stability(maps, units=None):
    """Stability of each band.

    Parameters
    ----------
    maps : array, shape (n_epochs, n_channels, n_points)
        Of each epoch.
    units : array, shape (n_epochs,) | None
        Subject, fold or seed of each epoch; None for two halves, every other epoch.

    Returns
    -------
    r : array, shape (n_points,)
        Mean correlation between the mean maps of two units.
    """
    if units is None:
        units = every_other(np.zeros(len(maps)))
    means = unit_means(maps, check_one_each("subjects", units, len(maps)))
    means = np.reshape(means, (len(means), *maps.shape[1:]))
    return np.array([mean_pairwise_correlation(means[..., i]) for i in range(maps.shape[2])])


def number_and_stability(n, r):
    """What stands below the name of a mean: ``(n = 12, r = 0.98)``, without an r that is NaN."""
    return f"(n = {n}{'' if np.isnan(r) else f', r = {r:.2f}'})"
