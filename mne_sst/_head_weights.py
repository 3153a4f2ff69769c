"""What attention and attribution share: means, statistics and plots."""

import numpy as np
import pandas as pd

from ._checks import check_one_each, check_option
from ._head_tables import HeadTables
from ._stability import every_other, mean_pairwise_correlation, number_and_stability, unit_means
from .contrast import contrast_units, unit_differences

STREAMS = ("spectral", "temporal")


class HeadWeights(HeadTables):
    """Weights of electrodes, bands and moments, of every epoch.

    A subclass sets ``labels, n_averaged, info, settings, n_times, bands, times`` and
    defines what is abstract below.
    """

    #: Signed weights are drawn in two colours, from zero to both sides.
    signed = False

    def __len__(self):
        return len(self.labels)

    @property
    def unit(self):
        """What a weight of an electrode means."""
        raise NotImplementedError

    @property
    def depth_unit(self):
        """What a weight of a band or a moment means."""
        raise NotImplementedError

    @property
    def electrode_streams(self):
        """Streams with weights of electrodes."""
        raise NotImplementedError

    def to_electrodes(self, stream="spectral"):
        """Weights of electrodes, shape (n_epochs, n_channels)."""
        raise NotImplementedError

    def _resolved(self, stream):
        """Weights of electrodes at bands or moments, (n_epochs, n_channels, n_points)."""
        raise NotImplementedError

    def _mean_rows(self, rows, labels, counts):
        """One like this, each row the mean over some epochs."""
        raise NotImplementedError

    def _check_comparable(self, rows):
        """Raise ValueError where weights of these epochs are not of one thing."""

    def _kind(self):
        """What must be the same where weights are joined."""
        raise NotImplementedError

    def _joined(self, others):
        """One like this, with the epochs of others after its own."""
        raise NotImplementedError

    def _block_of(self, stream, kind):
        """Number of the block that the weights stand in; 0 for the input."""
        return 0

    @property
    def moments(self):
        """Time of each point of the temporal stack, s from the start of a window."""
        return self.settings.moments(self.n_times)

    def average(self, by="label"):
        """Average over epochs.

        Parameters
        ----------
        by : "label" | array, shape (n_epochs,) | None
            What to average within: the labels, others, or all epochs together.

        Returns
        -------
        mean : object
            Of the same kind, one row for each value of ``by``, its ``labels``.
        """
        labels = self._labels_by(by)
        values = pd.unique(labels) if by is None else np.unique(labels)
        rows = [np.flatnonzero(labels == value) for value in values]
        counts = np.array([self.n_averaged[r].sum() for r in rows])
        return self._mean_rows(rows, values, counts)

    def _mean_of(self, values, rows):
        return np.stack([np.average(values[r], axis=0, weights=self.n_averaged[r]) for r in rows])

    def _labels_by(self, by):
        if by is None:
            return np.full(len(self), "all epochs")
        if isinstance(by, str):
            check_option("by", by, ("label",))
            return self.labels
        return check_one_each("by", by, len(self))

    def stability(self, by, stream="spectral"):
        """How alike the maps of subjects, folds or seeds are.

        Parameters
        ----------
        by : array, shape (n_epochs,)
            Subject, fold or seed of each epoch.
        stream : {"spectral", "temporal"}
            Which stream.

        Returns
        -------
        table : DataFrame
            A row a label: ``label, n_units, correlation`` (mean over all pairs of units of
            the correlation between their mean maps).
        """
        units, weights = check_one_each("by", by, len(self)), self.to_electrodes(stream)
        rows = []
        for label in np.unique(self.labels):
            maps = self._maps(weights, self.labels == label, units)
            rows.append((label, len(maps), mean_pairwise_correlation(maps)))
        return pd.DataFrame(rows, columns=["label", "n_units", "correlation"])

    def contrast(
        self,
        first,
        second,
        subjects,
        stream="spectral",
        n_permutations=1024,
        alpha=0.05,
        seed=0,
        by="label",
    ):
        """Compare two labels over subjects, by a cluster permutation test.

        The test is that of Maris and Oostenveld [1]_, in both directions.

        Parameters
        ----------
        first, second : object
            The labels; the difference is positive where the first has more.
        subjects : array, shape (n_epochs,)
            Subject of each epoch; folds or seeds if that is what is to be told about.
            Those without both labels are left out.
        stream : {"spectral", "temporal"}
            Which stream.
        n_permutations : int
            Sign flips.
        alpha : float
            Level of significance, of the electrodes that are marked.
        seed : int
            Draws the sign flips.
        by : "label" | array, shape (n_epochs,)
            What ``first`` and ``second`` are values of, see `average`. Attributions are
            compared for one target: of ``clf.attribute(epochs, first)``, by the true classes.

        Returns
        -------
        contrast : Contrast
            Neighbours are those of `mne.channels.find_ch_adjacency`.

        Raises
        ------
        ValueError
            If a label has no epochs, fewer than three subjects have both, or attributions
            are of several targets.

        References
        ----------
        .. [1] Maris and Oostenveld (2007). Nonparametric statistical testing of EEG- and
               MEG-data. J. Neurosci. Methods, 164, 177-190.
        """
        weights, labels = self.to_electrodes(stream), self._labels_by(by)
        units = check_one_each("subjects", subjects, len(self))
        self._check_comparable((labels == first) | (labels == second))
        differences = unit_differences(weights, labels, units, first, second, self.n_averaged)
        return contrast_units(
            differences,
            self.info,
            (first, second),
            self.unit,
            n_permutations=n_permutations,
            alpha=alpha,
            seed=seed,
        )

    def plot_topomap(
        self,
        by="label",
        stream=None,
        subjects=None,
        axes=None,
        show=True,
        resolved=False,
        **kwargs,
    ):
        """Plot the mean weight of electrodes, a head for each label and stream.

        Parameters
        ----------
        by : "label" | array | None
            See `average`.
        stream : {"spectral", "temporal"} | None
            Which stream; None for all that have electrodes.
        subjects : array, shape (n_epochs,) | None
            What the stability that is printed is over: subjects, folds or seeds. None
            compares every other epoch with the rest.
        axes : array of Axes | None
            One for each label, in the order of the sorted labels, and stream.
        show : bool
            Whether to show the figure.
        resolved : bool
            Whether to draw a row of heads for each band (``stream="spectral"``) instead of
            one for each stream.
        **kwargs
            Passed on to `mne.viz.plot_topomap`.

        Returns
        -------
        fig : Figure
            The heads of a row share one colour scale. Titles hold the number of epochs
            and the stability: the mean correlation between two maps of those averaged.
        """
        from .viz import plot_attention

        mean = self.average(by)
        if not self.electrode_streams:
            raise ValueError("there is no spatial mask to plot; use attention='both' or 'spatial'.")
        labels, units = self._labels_by(by), self._units(subjects, by)
        if resolved:
            check_option("stream", stream or "spectral", ("spectral",))
            of_all, of_mean = self._resolved("spectral"), mean._resolved("spectral")
            given = {
                name: (of_mean[:, :, i], of_all[:, :, i])
                for i, name in enumerate(self._points("spectral"))
            }
        else:
            streams = list(self.electrode_streams) if stream is None else [stream]
            given = {
                f"{name} stream": (mean.to_electrodes(name), self.to_electrodes(name))
                for name in streams
            }
        rows = {}
        for name, (heads, weights) in given.items():
            rows[name] = {
                _title(v, n, self._stability(weights, labels == v, units)): head
                for v, n, head in zip(mean.labels, mean.n_averaged, heads, strict=True)
            }
        return plot_attention(
            rows, self.info, self.unit, signed=self.signed, axes=axes, show=show, **kwargs
        )

    def plot_bands(self, by="label", subjects=None, axes=None, show=True):
        """Plot the weight of each band, a line for each label.

        Parameters
        ----------
        by : "label" | array | None
            See `average`.
        subjects : array, shape (n_epochs,) | None
            See `plot_topomap`.
        axes : Axes | None
            Where to draw.
        show : bool
            Whether to show the figure.

        Returns
        -------
        fig : Figure
        """
        names = [f"{name}\n{low:g}-{high:g} Hz" for name, low, high in self.settings.bands]
        from .viz import plot_bands

        return self._plot_depth(plot_bands, "spectral", self.bands, by, subjects, names, axes, show)

    def plot_times(self, by="label", subjects=None, axes=None, show=True):
        """Plot the weight of each moment of the window, a line for each label.

        Parameters
        ----------
        by : "label" | array | None
            See `average`.
        subjects : array, shape (n_epochs,) | None
            See `plot_topomap`.
        axes : Axes | None
            Where to draw.
        show : bool
            Whether to show the figure.

        Returns
        -------
        fig : Figure
        """
        from .viz import plot_times

        return self._plot_depth(
            plot_times, "temporal", self.times, by, subjects, self.moments, axes, show
        )

    def _even(self, n_points):
        """Weight of each point if all had the same, drawn as a line; None for no line."""
        return None

    def _plot_depth(self, plot, stream, weights, by, subjects, x, axes, show):
        if weights is None:
            raise ValueError(
                f"there is no depth mask in the {stream} stream; use attention='both' or 'depth' "
                "and streams that hold it."
            )
        labels = self._labels_by(by)
        units = self._units(subjects, by)
        values = pd.unique(labels) if by is None else np.unique(labels)
        own = {value: labels == value for value in values}
        return plot(
            {value: weights[rows] for value, rows in own.items()},
            x,
            self.depth_unit,
            even=self._even(weights.shape[1]),
            counts={value: self.n_averaged[rows] for value, rows in own.items()},
            stability={v: self._stability(weights, rows, units) for v, rows in own.items()},
            axes=axes,
            show=show,
        )

    def _units(self, subjects, by):
        """What stability is over: subjects as given, or every other epoch of a label."""
        if subjects is not None:
            return check_one_each("subjects", subjects, len(self))
        return every_other(self._labels_by(by))

    def _maps(self, weights, own, units):
        """Mean of each unit, over some of the epochs."""
        return unit_means(weights[own], units[own], self.n_averaged[own])

    def _stability(self, weights, own, units):
        """Mean correlation between units; NaN where there is nothing to compare."""
        return mean_pairwise_correlation(self._maps(weights, own, units))


def _title(label, n_epochs, r):
    return f"{label}\n{number_and_stability(n_epochs, r)}"


def concatenate_weights(weights):
    """Join attention or attributions of several classifiers, such as those of folds or seeds.

    Parameters
    ----------
    weights : list of Attention | list of Attribution
        Of the same channels and settings.

    Returns
    -------
    joined : Attention | Attribution
        All epochs, one after the other: with the number of the fold (seed) of each as
        ``by`` or ``subjects``, `Attention.stability` and the plots tell how alike networks are
        that were trained anew.

    Examples
    --------
    >>> from mne_sst import concatenate_weights
    >>> of_seeds = [clf.attention(epochs) for clf in classifiers]  # doctest: +SKIP
    >>> seed = np.repeat(range(len(of_seeds)), len(epochs))  # doctest: +SKIP
    >>> concatenate_weights(of_seeds).stability(by=seed)  # doctest: +SKIP
    """
    weights = list(weights) if isinstance(weights, list | tuple) else []
    if not weights or not all(isinstance(w, HeadWeights) for w in weights):
        raise TypeError("weights must be a list of Attention or of Attribution, one at least.")
    first = weights[0]
    for i, other in enumerate(weights[1:], start=1):
        different = first.settings.differences(other.settings)
        if type(other) is not type(first):
            different.append(f"{type(other).__name__} where {type(first).__name__} was expected")
        elif other._kind() != first._kind():
            different.append(f"{other._kind()} where {first._kind()} was expected")
        if other.info["ch_names"] != first.info["ch_names"]:
            different.append("other channels, or in another order")
        if different:
            raise ValueError(f"weights[{i}] does not fit weights[0]: {'; '.join(different)}.")
    return first._joined(weights[1:])
