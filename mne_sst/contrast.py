"""Statistics over subjects, folds or seeds of weights on the head."""

import warnings
from dataclasses import dataclass

import mne
import numpy as np
import pandas as pd
from scipy import sparse
from scipy.spatial import QhullError

from ._checks import check_number, listed
from ._stability import mean_pairwise_correlation, number_and_stability

__all__ = ["Contrast", "mean_pairwise_correlation"]

#: Units below which no permutation can reach 0.05 in both tails.
FEW_UNITS = 6


@dataclass(frozen=True)
class Contrast:
    """Two classes compared over subjects, electrode by electrode.

    Made by ``contrast()`` of `Attention` and `Attribution`.

    Attributes
    ----------
    difference : array, shape (n_channels,)
        Mean over units of first class minus second.
    t : array, shape (n_channels,)
        Its t value over units.
    clusters : DataFrame
        A row a cluster of neighbouring electrodes: ``cluster, sign, n_channels, channels,
        mass`` (sum of t), ``p`` (of the largest cluster in permutations).
    significant : array of bool, shape (n_channels,)
        Electrodes of clusters with ``p < alpha``.
    stability : float
        Mean pairwise correlation between the differences of two units.
    labels : tuple
        First and second class.
    n_units, n_permutations : int
        How many subjects (or folds, seeds), and sign flips: all there are, if these are
        fewer than were asked for.
    alpha : float
        Level of significance.
    info : mne.Info
        The channels.
    unit : str
        Unit of the difference.

    Examples
    --------
    >>> contrast = attention.contrast("sad", "glad", subjects=subject)  # doctest: +SKIP
    >>> contrast.clusters  # doctest: +SKIP
    >>> contrast.plot_topomap()  # doctest: +SKIP
    """

    difference: np.ndarray
    t: np.ndarray
    clusters: pd.DataFrame
    significant: np.ndarray
    stability: float
    labels: tuple
    n_units: int
    n_permutations: int
    alpha: float
    info: mne.Info
    unit: str

    def __repr__(self):
        best = f"smallest p = {self.clusters['p'].min():.3g}" if len(self.clusters) else "none"
        return (
            f"<Contrast | {self.labels[0]} - {self.labels[1]}, {self.n_units} units, "
            f"{len(self.clusters)} clusters ({best})>"
        )

    def plot_topomap(self, axes=None, show=True, **kwargs):
        """Plot the difference; electrodes of significant clusters are marked.

        Parameters
        ----------
        axes : Axes | None
            Where to draw.
        show : bool
            Whether to show the figure.
        **kwargs
            Passed on to `mne.viz.plot_topomap`, such as ``mask_params``.

        Returns
        -------
        fig : Figure
        """
        from .viz import plot_attention

        marked = {
            "marker": "o",
            "markerfacecolor": "w",
            "markeredgecolor": "k",
            "linewidth": 0,
            "markersize": 5,
        }
        options = {"mask": self.significant, "mask_params": marked, **kwargs}
        about = number_and_stability(self.n_units, self.stability)
        title = f"{self.labels[0]} - {self.labels[1]}\n{about}"
        heads = {"": {title: self.difference}}
        return plot_attention(
            heads, self.info, self.unit, signed=True, axes=axes, show=show, **options
        )


def contrast_units(differences, info, labels, unit, *, n_permutations=1024, alpha=0.05, seed=0):
    """Compare with zero by a cluster permutation test on the electrodes' neighbourhood.

    Parameters
    ----------
    differences : array, shape (n_units, n_channels)
        Of two classes, one row a subject, fold or seed.
    info : mne.Info
        The channels, with positions.
    labels : tuple
        The two classes.
    unit : str
        Unit of the differences.
    n_permutations : int
        Sign flips.
    alpha : float
        Level of significance.
    seed : int
        Draws the sign flips.

    Returns
    -------
    contrast : Contrast

    References
    ----------
    Maris and Oostenveld (2007). Nonparametric statistical testing of EEG- and MEG-data.
    J. Neurosci. Methods, 164, 177-190.
    """
    n_permutations = check_number("n_permutations", n_permutations, 10, integer=True)
    alpha = check_number("alpha", alpha, 0, 1, low_open=True)
    n_units = len(differences)
    if n_units < 3:
        raise ValueError(
            f"a contrast needs at least 3 subjects (or folds, seeds) that hold both classes, got "
            f"{n_units}; give them by subjects=."
        )
    if 1 / 2 ** (n_units - 1) >= alpha:
        warnings.warn(
            f"{n_units} units have {2 ** (n_units - 1)} sign flips: no cluster can reach p < "
            f"{alpha:g}.",
            RuntimeWarning,
            stacklevel=4,
        )
    adjacency = _adjacency(info)
    with warnings.catch_warnings(), mne.utils.use_log_level("ERROR"):
        # No cluster at all is a result; MNE warns of it, and of more flips than there are.
        warnings.simplefilter("ignore", RuntimeWarning)
        t, found, p, flips = mne.stats.permutation_cluster_1samp_test(
            np.asarray(differences, dtype=float),
            adjacency=adjacency,
            n_permutations=n_permutations,
            seed=seed,
            out_type="mask",
        )
    t = np.nan_to_num(t, posinf=np.inf, neginf=-np.inf)  # of electrodes that never differ
    names = np.array(info["ch_names"])
    rows = [
        {
            "cluster": i,
            "sign": int(np.sign(t[members].sum())),
            "n_channels": int(members.sum()),
            "channels": ", ".join(names[members]),
            "mass": float(t[members].sum()),
            "p": float(value),
        }
        for i, (members, value) in enumerate(zip(found, p, strict=True))
    ]
    columns = ["cluster", "sign", "n_channels", "channels", "mass", "p"]
    significant = np.zeros(len(names), bool)
    for members, value in zip(found, p, strict=True):
        significant |= members & (value < alpha)
    return Contrast(
        np.mean(differences, axis=0),
        t,
        pd.DataFrame(rows, columns=columns).sort_values("p", ignore_index=True),
        significant,
        mean_pairwise_correlation(differences),
        tuple(labels),
        n_units,
        len(flips) or min(n_permutations, 2 ** (n_units - 1)),
        alpha,
        info,
        unit,
    )


def _adjacency(info):
    """Neighbours of each electrode; all, where electrodes span no triangle."""
    with mne.utils.use_log_level("ERROR"):
        try:
            return mne.channels.find_ch_adjacency(info, "eeg")[0]
        except QhullError:  # two of them, or all on one line
            return sparse.csr_array(np.ones((len(info["ch_names"]),) * 2))


def unit_differences(weights, labels, units, first, second, counts):
    """Differences of two classes within each unit that holds both, (n_units, n_channels).

    Rows of the weights count by how many epochs they stand for.
    """
    for label in (first, second):
        if not (labels == label).any():
            raise ValueError(
                f"there are no epochs of {label!r}; labels are {listed(np.unique(labels))}."
            )
    rows = []
    for unit in pd.unique(units):
        inside = units == unit
        pair = [inside & (labels == label) for label in (first, second)]
        if all(own.any() for own in pair):
            a, b = (np.average(weights[own], axis=0, weights=counts[own]) for own in pair)
            rows.append(a - b)
    return np.array(rows).reshape(len(rows), weights.shape[1])
