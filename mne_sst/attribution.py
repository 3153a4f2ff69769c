"""Attribution: what a decision rests on, electrode by electrode."""

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from ._checks import check_number, check_option, listed
from ._head_weights import HeadWeights

__all__ = ["METHODS", "Attribution", "randomization_check"]

#: How `SSTClassifier.attribute` finds attributions.
METHODS = ("integrated_gradients", "gradient", "occlusion")


class Attribution(HeadWeights):
    """Attributions of epochs, made by `SSTClassifier.attribute`.

    Parameters
    ----------
    values : dict of str -> array, shape (n_epochs, n_channels, n_bands or n_times)
        For ``"spectral"`` and ``"temporal"``, or one of them.
    info : mne.Info
        The channels.
    settings : FeatureSettings
        How the features were made: names the bands and the moments.
    labels : array, shape (n_epochs,)
        The class of each epoch that was asked for.
    method : str
        One of `METHODS`.
    n_times : int
        Points of the temporal stack.
    odds, base_odds : array, shape (n_epochs,)
        Log odds of that class, in nats, of the epoch and of the baseline.
    n_averaged : array of int, shape (n_epochs,) | None
        How many epochs each row stands for.
    depth : dict of str -> array, shape (n_epochs, n_bands or n_times) | None
        Sums over the electrodes, for both streams; None computes them.
    targets : array, shape (n_epochs,) | None
        The class that was asked for, where ``labels`` are what epochs were averaged by (None
        where they were of several); None for the labels.

    Attributes
    ----------
    spectral : array, shape (n_epochs, n_channels, n_bands) | None
        Of each electrode in each band.
    temporal : array, shape (n_epochs, n_channels, n_times) | None
        Of each electrode at each moment.
    bands : array, shape (n_epochs, n_bands) | None
        Sums over the electrodes; of gradients sums of their sizes, since a rise here and a
        fall there would cancel.
    times : array, shape (n_epochs, n_times) | None
        Likewise.
    completeness : array, shape (n_epochs,)
        By how much the sum of all attributions misses ``odds - base_odds``; integrated
        gradients alone promise that it is 0.
    labels, targets, info, settings, method, odds, base_odds
        As above.

    Notes
    -----
    Integrated gradients and occlusion are in nats of log odds: positive values speak for the
    class, negative ones against it. Gradients are per standard deviation of the training
    data: a rise of the value would raise or lower the odds, whatever the value is.

    Examples
    --------
    >>> attribution = clf.attribute(epochs, "positive")  # doctest: +SKIP
    >>> attribution.by_region().groupby(["region", "side"])["weight"].mean()  # doctest: +SKIP
    >>> attribution.plot_bands()  # doctest: +SKIP
    """

    signed = True

    def __init__(
        self,
        values,
        info,
        settings,
        *,
        labels,
        method,
        n_times,
        odds,
        base_odds,
        n_averaged=None,
        depth=None,
        targets=None,
    ):
        self.info, self.settings, self.method, self.n_times = info, settings, method, n_times
        self.labels, self.odds, self.base_odds = np.asarray(labels), odds, base_odds
        self.targets = self.labels if targets is None else targets
        self.n_averaged = np.ones(len(self.labels), int) if n_averaged is None else n_averaged
        self.spectral, self.temporal = values.get("spectral"), values.get("temporal")
        self._values = values
        if depth is None:
            size = np.abs if method == "gradient" else np.asarray
            depth = {name: size(value).sum(axis=1) for name, value in values.items()}
        self._depth = depth
        self.bands, self.times = depth.get("spectral"), depth.get("temporal")

    def __repr__(self):
        return (
            f"<Attribution | {self.method}, {len(self)} epochs, classes "
            f"{listed(pd.unique(self.labels))}, {listed(self._values)}>"
        )

    @property
    def completeness(self):
        """What the attributions leave unexplained, in nats."""
        total = sum(v.sum(axis=(1, 2)) for v in self._values.values())
        return total - (self.odds - self.base_odds)

    @property
    def unit(self):
        """What a weight of an electrode means."""
        return "gradient (nats per sd)" if self.method == "gradient" else "log odds (nats)"

    @property
    def depth_unit(self):
        """What a weight of a band or a moment means."""
        return "sum of |gradient| (nats per sd)" if self.method == "gradient" else self.unit

    @property
    def electrode_streams(self):
        """Streams with attributions."""
        return tuple(self._values)

    def to_electrodes(self, stream="spectral"):
        """Attribution of each electrode, summed over bands or moments.

        Of gradients that is what a rise in all of them at once would do.

        Parameters
        ----------
        stream : {"spectral", "temporal"}
            Which stream.

        Returns
        -------
        weights : array, shape (n_epochs, n_channels)
            Signed.
        """
        check_option("stream", stream, self.electrode_streams)
        return self._values[stream].sum(axis=2)

    def _resolved(self, stream):
        check_option("stream", stream, self.electrode_streams)
        return self._values[stream]

    def _check_comparable(self, rows):
        # Odds of two classes rest on other values in any network, whatever the data hold.
        targets = pd.unique(pd.Series(self.targets[rows], dtype=object))
        if len(targets) > 1 or None in targets:
            raise ValueError(
                f"attributions of several targets ({listed(targets)}) cannot be compared: they "
                "differ in any network. Ask for one and compare by the true classes: "
                "clf.attribute(epochs, first).contrast(first, second, subjects, by=y)."
            )

    def _kind(self):
        return f"{self.method} of {listed(self._values)}, {self.n_times} moments"

    def _joined(self, others):
        parts = [self, *others]

        def join(of):
            return np.concatenate([of(p) for p in parts])

        labels, targets = join(lambda p: p.labels), join(lambda p: p.targets)
        return self._combined(join, labels, join(lambda p: p.n_averaged), targets)

    def _mean_rows(self, rows, labels, counts):
        targets = np.empty(len(rows), object)
        for i, own in enumerate(rows):
            found = pd.unique(self.targets[own])
            targets[i] = found[0] if len(found) == 1 else None
        return self._combined(lambda of: self._mean_of(of(self), rows), labels, counts, targets)

    def _combined(self, combine, labels, counts, targets):
        """One like this, each array made by ``combine`` of what a function gets from one."""
        return Attribution(
            {name: combine(lambda p, n=name: p._values[n]) for name in self._values},
            self.info,
            self.settings,
            labels=labels,
            method=self.method,
            n_times=self.n_times,
            odds=combine(lambda p: p.odds),
            base_odds=combine(lambda p: p.base_odds),
            n_averaged=counts,
            depth={name: combine(lambda p, n=name: p._depth[n]) for name in self._depth},
            targets=targets,
        )


def randomization_check(clf, X, method="integrated_gradients", n_repeats=3, random_state=0):
    """Compare attributions of a trained network with those of networks of random weights [1]_.

    An attribution that looks the same whatever was learnt says something of the data or
    of the architecture, and nothing of the decision.

    Parameters
    ----------
    clf : SSTClassifier
        Fitted.
    X : Epochs | EpochsFeatures
        Epochs to attribute.
    method : str
        See `SSTClassifier.attribute`.
    n_repeats : int
        Networks of random weights.
    random_state : int
        Draws them.

    Returns
    -------
    table : DataFrame
        A row a repeat and stream: ``repeat, stream, rank_correlation`` (Spearman's, between
        the attributions of an epoch, mean over epochs), ``rank_correlation_absolute`` (of
        their sizes). Far below 1 is what an attribution should show.

    References
    ----------
    .. [1] Adebayo et al. (2018). Sanity checks for saliency maps. NeurIPS, 31.

    Examples
    --------
    >>> from mne_sst.attribution import randomization_check
    >>> randomization_check(clf, features, method="gradient")  # doctest: +SKIP
    """
    n_repeats = check_number("n_repeats", n_repeats, 1, integer=True)
    seed = check_number("random_state", random_state, 0, integer=True)
    features = clf.extract(X) if not hasattr(X, "spectral") else X
    target = clf.predict(features)
    trained = clf.attribute(features, target, method)
    rows = []
    for repeat in range(n_repeats):
        other = clf._randomized(seed + repeat, features).attribute(features, target, method)
        for stream in trained.electrode_streams:
            pair = getattr(trained, stream), getattr(other, stream)
            rows.append(
                {
                    "repeat": repeat,
                    "stream": stream,
                    "rank_correlation": _rank_correlation(*pair),
                    "rank_correlation_absolute": _rank_correlation(*map(np.abs, pair)),
                }
            )
    return pd.DataFrame(rows)


def _rank_correlation(a, b):
    flat = zip(a.reshape(len(a), -1), b.reshape(len(b), -1), strict=True)
    found = [spearmanr(x, y).statistic for x, y in flat if np.ptp(x) > 0 and np.ptp(y) > 0]
    return float(np.mean(found)) if found else np.nan
