"""EpochsFeatures: what a window of EEG was turned into, as scikit-learn can slice it."""

from dataclasses import asdict, replace

import mne
import numpy as np

from .._checks import check_finite, check_option, listed
from .._io import (
    info_from_json,
    info_to_json,
    read_arrays,
    table_from_json,
    table_to_json,
    write_arrays,
)
from .._stability import number_and_stability, point_stability
from ._query import rows_of_query
from ._settings import FeatureSettings
from ._smoothing import smooth_trials

_KIND = "features"


class EpochsFeatures:
    """Features of windows of EEG, in electrode space.

    To scikit-learn it looks like an array of shape
    ``(n_epochs, n_channels, n_bands + n_times)``: it has a length and a shape,
    and slicing it gives the same type.

    Parameters
    ----------
    spectral : array, shape (n_epochs, n_channels, n_bands)
        Differential entropy, in ``settings.unit``.
    temporal : array, shape (n_epochs, n_channels, n_times) | None
        The stack over time: volts, or ln µV² for log power.
    info : mne.Info
        Of these channels, with their positions.
    settings : FeatureSettings | None
        How they were made; None for the defaults of `FeatureExtractor`.
    metadata : DataFrame | None
        One row an epoch.
    events : array, shape (n_epochs, 3) | None
        As in MNE; the last column serves as label where no other is given.

    Attributes
    ----------
    spectral, temporal, info, settings, metadata, events
        As above; the arrays are not copied.
    bands : dict
        Name -> (fmin, fmax), Hz.
    method : str
        DE method.

    Examples
    --------
    >>> from mne_sst import FeatureExtractor
    >>> from mne_sst.datasets import simulate_emotion
    >>> epochs = simulate_emotion(n_subjects=1, n_trials=3, n_windows=4)
    >>> features = FeatureExtractor(verbose=False).transform(epochs)
    >>> features[:2].shape
    (2, 62, 30)
    >>> len(features["emotion == 'neutral'"])
    4
    >>> features.pick(["FZ", "CZ"]).ch_names
    ['FZ', 'CZ']
    """

    def __init__(self, spectral, temporal, info, settings=None, *, metadata=None, events=None):
        self.settings = FeatureSettings() if settings is None else settings
        self.spectral = np.asarray(spectral)
        if temporal is None:
            temporal = np.empty((*self.spectral.shape[:2], 0), dtype=self.spectral.dtype)
            self.settings = replace(self.settings, temporal=None)
        self.temporal = np.asarray(temporal)
        self.info = info
        self.metadata = None if metadata is None else metadata.reset_index(drop=True)
        self.events = None if events is None else np.asarray(events)
        self._check()

    def _check(self):
        if not isinstance(self.info, mne.Info):
            raise TypeError(f"info must be an mne.Info, got {type(self.info).__name__}.")
        expected = (len(self.info["ch_names"]), len(self.settings.bands))
        if self.spectral.ndim != 3 or self.spectral.shape[1:] != expected:
            raise ValueError(
                "spectral must have shape (n_epochs, n_channels, n_bands) = (any, "
                f"{expected[0]}, {expected[1]}) by info and settings.bands, got "
                f"{self.spectral.shape}."
            )
        if self.temporal.ndim != 3 or self.temporal.shape[:2] != self.spectral.shape[:2]:
            raise ValueError(
                f"temporal must have shape {self.spectral.shape[:2]} + (n_times,) like "
                f"spectral, got {self.temporal.shape}."
            )
        for name, rows in (("metadata", self.metadata), ("events", self.events)):
            if rows is not None and len(rows) != len(self.spectral):
                raise ValueError(
                    f"{name} must have one row for each of {len(self.spectral)} epochs, got "
                    f"{len(rows)}."
                )

    @property
    def bands(self):
        """Name -> (fmin, fmax) in Hz."""
        return {name: (low, high) for name, low, high in self.settings.bands}

    @property
    def method(self):
        """How DE was estimated."""
        return self.settings.method

    @property
    def ch_names(self):
        """Names of the channels."""
        return self.info["ch_names"]

    @property
    def shape(self):
        """(n_epochs, n_channels, n_bands + n_times)."""
        n_epochs, n_channels, n_bands = self.spectral.shape
        return n_epochs, n_channels, n_bands + self.temporal.shape[2]

    @property
    def ndim(self):
        """Always 3."""
        return 3

    def __len__(self):
        return len(self.spectral)

    def __array__(self, dtype=None, copy=None):
        if copy is False:
            raise ValueError("an array of EpochsFeatures joins two stacks, which needs a copy")
        return np.concatenate([self.spectral, self.temporal], axis=2, dtype=dtype)

    def __sizeof__(self):
        # dask sends what is large to each worker once, and what is small with each task.
        return object.__sizeof__(self) + self.spectral.nbytes + self.temporal.nbytes

    def __getitem__(self, key):
        """Select epochs by slice, mask, integers or a query of the metadata, as in MNE.

        Memory is shared for slices.
        """
        if isinstance(key, tuple):
            # scikit-learn writes X[rows, ...].
            if len(key) != 2 or key[1] is not Ellipsis:
                raise IndexError(
                    "EpochsFeatures are indexed along epochs only; use .pick() for channels."
                )
            key = key[0]
        if isinstance(key, int | np.integer):
            if not -len(self) <= key < len(self):
                raise IndexError(f"epoch {key} of {len(self)}")
            key = slice(key, key + 1 if key != -1 else None)
        elif not isinstance(key, slice):
            key = rows_of_query(key, self.metadata) if isinstance(key, str) else np.asarray(key)
            key = key.astype(int) if key.size == 0 else key
        return self._replace(
            spectral=self.spectral[key],
            temporal=self.temporal[key],
            metadata=None if self.metadata is None else self.metadata.iloc[key],
            events=None if self.events is None else self.events[key],
        )

    def _replace(self, **changes):
        names = ("spectral", "temporal", "info", "settings", "metadata", "events")
        return EpochsFeatures(**{n: changes.get(n, getattr(self, n)) for n in names})

    def __repr__(self):
        n_epochs, n_channels, _ = self.shape
        return (
            f"<EpochsFeatures | {n_epochs} epochs, {n_channels} channels, DE "
            f"({self.method}, {self.settings.unit}) in {listed(self.bands)}; temporal: "
            f"{self.settings.temporal}, {self.temporal.shape[2]} points>"
        )

    def check_finite(self, prefix=""):
        """Raise ValueError naming the first value that is NaN or infinite.

        Parameters
        ----------
        prefix : str
            Put before the name of the stack.
        """
        for name in ("spectral", "temporal"):
            axes = ("epoch", "channel", "value")
            check_finite(f"{prefix}{name}", getattr(self, name), axes)

    def pick(self, ch_names):
        """Return the features of some channels, in the order given.

        Parameters
        ----------
        ch_names : list of str
            Names of channels, each present.

        Returns
        -------
        features : EpochsFeatures
            The same object if nothing changes.
        """
        missing = [name for name in ch_names if name not in self.ch_names]
        if missing:
            raise ValueError(
                f"ch_names: {listed(missing)} not among the channels ({listed(self.ch_names)})."
            )
        if list(ch_names) == self.ch_names:
            return self
        order = [self.ch_names.index(name) for name in ch_names]
        return self._replace(
            spectral=self.spectral[:, order],
            temporal=self.temporal[:, order],
            info=mne.pick_info(self.info, order, verbose="ERROR"),
        )

    def smooth(self, trials, method="lds", **kwargs):
        """Return features whose DE is smoothed over the windows of each trial.

        Parameters
        ----------
        trials : str | list of str | array, shape (n_epochs,)
            Columns of the metadata, or what tells the trials apart.
        method : {"lds", "moving_average"}
            See `mne_sst.features.smooth_trials`.
        **kwargs
            Passed on to it.

        Returns
        -------
        features : EpochsFeatures
            Its settings say how it was smoothed.

        Notes
        -----
        Smoothing a whole trial looks into its future: a test result computed on
        such features used unlabelled test data.
        """
        if isinstance(trials, str | list):
            trials = self.groups(trials)
        smoothed = smooth_trials(self.spectral, trials, method, **kwargs)
        return self._replace(spectral=smoothed, settings=replace(self.settings, smoothing=method))

    def groups(self, columns):
        """One integer an epoch, equal where these columns of the metadata agree.

        Parameters
        ----------
        columns : str | list of str
            Such as ``["subject", "session", "trial"]``.

        Returns
        -------
        groups : array of int, shape (n_epochs,)
        """
        columns = [columns] if isinstance(columns, str) else list(columns)
        have = [] if self.metadata is None else list(self.metadata.columns)
        missing = [c for c in columns if c not in have]
        if missing or not columns:
            raise ValueError(
                f"metadata has no column {listed(missing)}; it has {listed(have) or 'none'}. "
                "Set epochs.metadata before the features are made."
            )
        return self.metadata.groupby(columns, sort=False, dropna=False).ngroup().to_numpy()

    def save(self, fname, overwrite=False):
        """Write to a file for `read_features`; no pickle in it, nothing about the person.

        Parameters
        ----------
        fname : path-like
            By convention ``...-feat.safetensors``.
        overwrite : bool
            Whether an existing file may be replaced.
        """
        self.check_finite()
        arrays = {"spectral": self.spectral, "temporal": self.temporal}
        if self.events is not None:
            arrays["events"] = self.events
        header = {
            "info": info_to_json(self.info),
            "settings": asdict(self.settings),
            "metadata": table_to_json(self.metadata),
        }
        write_arrays(fname, arrays, header, kind=_KIND, overwrite=overwrite)

    def plot_topomap(self, bands=None, axes=None, show=True, subjects=None, **kwargs):
        """Plot the mean DE of each band on the head.

        Parameters
        ----------
        bands : list of str | None
            Which bands; None for all.
        axes : list of Axes | None
            One a band.
        show : bool
            Whether to show the figure.
        subjects : array, shape (n_epochs,) | None
            What the stability that is printed is over: subjects or sessions. None compares
            every other epoch with the rest.
        **kwargs
            Passed on to `mne.viz.plot_topomap`.

        Returns
        -------
        fig : Figure
            Titles hold the number of epochs and the mean correlation between two maps of
            those averaged.
        """
        from ..viz import plot_band_topomaps

        names = list(self.bands) if bands is None else [bands] if isinstance(bands, str) else bands
        for name in names:
            check_option("bands", name, tuple(self.bands))
        mean, r = self.spectral.mean(axis=0), point_stability(self.spectral, subjects)
        columns = {}
        for name in names:
            i = list(self.bands).index(name)
            columns[f"{name}\n{number_and_stability(len(self), r[i])}"] = mean[:, i]
        return plot_band_topomaps(
            columns, self.info, f"DE ({self.settings.unit})", axes=axes, show=show, **kwargs
        )


def read_features(fname):
    """Read features that `EpochsFeatures.save` wrote.

    Parameters
    ----------
    fname : path-like
        The file; opening it runs no code from it.

    Returns
    -------
    features : EpochsFeatures

    Examples
    --------
    >>> from mne_sst import read_features
    >>> features = read_features("my-feat.safetensors")  # doctest: +SKIP
    """
    arrays, header = read_arrays(fname, kind=_KIND, needed=("spectral", "temporal"))
    features = EpochsFeatures(
        arrays["spectral"],
        arrays["temporal"],
        info_from_json(header["info"]),
        FeatureSettings(**header["settings"]),
        metadata=table_from_json(header["metadata"]),
        events=arrays.get("events"),
    )
    features.check_finite(f"{fname}: ")
    return features
