"""FeatureExtractor: from recordings to EpochsFeatures."""

import copy
import warnings
from dataclasses import replace

import mne
import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin

from .._checks import check_finite, check_number, check_option, listed, progress
from .._inputs import as_windows, cut_raw, known_as
from ._container import EpochsFeatures
from ._entropy import (
    FILTER,
    METHODS,
    band_variance,
    check_bands,
    check_window,
    differential_entropy,
    entropy_of_variance,
    filter_edges,
)
from ._settings import FeatureSettings
from ._smoothing import SMOOTHERS
from ._temporal import POSITIONS, clip_matrix, log_power

#: Bytes worked on at once. More leave the cache, and memory is mapped anew each time: with four
#: times as much, features take half as long again.
_CHUNK_BYTES = 3 * 2**20


class FeatureExtractor(TransformerMixin, BaseEstimator):
    """Turn recordings into differential entropy per band and a stack over time.

    A transformer without anything to fit: what it gives for an epoch does not
    depend on other epochs (but for ``smoothing``, within one trial).

    Parameters
    ----------
    bands : dict | list of str | None
        Name -> (fmin, fmax) in Hz; None for `BANDS`.
    method : {"spectral", "bandpass", "seed"}
        How DE is estimated, see `differential_entropy`. With ``"bandpass"`` a
        Raw is filtered before it is cut.
    temporal : {"signal", "power"}
        ``"signal"`` is the paper's stack: the signal at ``n_times`` points.
        ``"power"`` is the log power in ``temporal_band`` in ``n_times``
        sub-windows, which carries no arbitrary phase.
    temporal_sfreq : float | None
        Rate of the clip in Hz, 125 Hz in the paper; None spreads the points over
        the whole window. Only for ``"signal"``.
    n_times : int
        Number of points, or of sub-windows.
    temporal_position : {"start", "center", "end"} | float
        Where in the window the clip lies; a number is its start in seconds. Only
        for ``"signal"``.
    temporal_band : tuple of float
        (fmin, fmax) in Hz for ``"power"``.
    reference : "average" | None
        ``"average"`` subtracts the mean over the channels from each of them first; None
        takes recordings as they are referenced.
    window, overlap : float
        Seconds: how a Raw is cut. Epochs and arrays are taken as they are.
    smoothing : {"lds", "moving_average"} | None
        Smoothing of DE over the windows of each trial.
    trial : str | list of str | None
        Columns of the metadata that tell trials apart, for ``smoothing``. None
        takes a whole Raw as one trial, and nothing else.
    info : mne.Info | None
        Needed for plain arrays.
    dtype : {"float32", "float64"}
        Of the result; the computation is in double precision.
    verbose : bool | None
        Whether to show a progress bar in a terminal: True leaves it there, None
        removes it when it is full, False shows none.

    See Also
    --------
    EpochsFeatures : What `transform` returns.

    Examples
    --------
    >>> import mne, numpy as np
    >>> from mne_sst import FeatureExtractor
    >>> info = mne.create_info(["Fz", "Cz", "Pz"], 200.0, "eeg")
    >>> data = 1e-5 * np.random.default_rng(0).standard_normal((8, 3, 200))
    >>> FeatureExtractor().transform(mne.EpochsArray(data, info, verbose=False)).shape
    (8, 3, 30)
    """

    #: Channels that the average is over, where there are these; see `averaging_over`.
    _among = None

    def __init__(
        self,
        bands=None,
        method="spectral",
        temporal="signal",
        temporal_sfreq=125.0,
        n_times=25,
        temporal_position="center",
        temporal_band=(4.0, 50.0),
        reference=None,
        window=1.0,
        overlap=0.0,
        smoothing=None,
        trial=None,
        info=None,
        dtype="float32",
        verbose=None,
    ):
        self.bands = bands
        self.method = method
        self.temporal = temporal
        self.temporal_sfreq = temporal_sfreq
        self.n_times = n_times
        self.temporal_position = temporal_position
        self.temporal_band = temporal_band
        self.reference = reference
        self.window = window
        self.overlap = overlap
        self.smoothing = smoothing
        self.trial = trial
        self.info = info
        self.dtype = dtype
        self.verbose = verbose

    def fit(self, X=None, y=None):
        """Check the parameters; nothing is learnt.

        Parameters
        ----------
        X, y : object
            Ignored.

        Returns
        -------
        self : FeatureExtractor
        """
        self._settings(None, None)
        return self

    def __sklearn_is_fitted__(self):
        return True

    def transform(self, X):
        """Make features of each window.

        Parameters
        ----------
        X : Raw | Epochs | list of Epochs | array, shape (n_epochs, n_channels, n_samples)
            Recordings, or an array in volts if ``info`` was given. Channels
            marked bad and those that are not EEG are left out.

        Returns
        -------
        features : EpochsFeatures
            With the metadata and events of the epochs.
        """
        windows = as_windows(X, self.info, window=self.window, overlap=self.overlap)
        sfreq, n_samples = windows.info["sfreq"], windows.n_samples
        settings = self._settings(sfreq, n_samples)
        bands = {name: edges for name, *edges in settings.bands}
        check_window(bands, sfreq, n_samples)
        to_temporal = self._temporal_function(sfreq, n_samples)
        filtered_first = self.method == "bandpass" and isinstance(X, mne.io.BaseRaw)
        among, settings = self._reference_rows(windows.info["ch_names"], settings)

        shape = (len(windows), len(windows.info["ch_names"]))
        if self.method == "bandpass":
            settings = replace(settings, filtered="recording" if filtered_first else "window")
        spectral = np.empty((*shape, len(bands)), dtype=self.dtype)
        temporal = np.empty((*shape, self.n_times), dtype=self.dtype)
        flat = np.zeros(shape, bool)
        with progress(len(windows), "Features", self.verbose) as bar:
            chunk = max(_CHUNK_BYTES // (8 * shape[1] * n_samples), 1)
            for start in range(0, len(windows), chunk):
                stop = min(start + chunk, len(windows))
                data = windows.read(start, stop)
                flat[start:stop] = _is_flat(data)
                data = self._referenced(data, among)
                temporal[start:stop] = to_temporal(data)
                if not filtered_first:
                    spectral[start:stop] = differential_entropy(
                        data, sfreq, bands, method=self.method
                    )
                bar.update(stop - start)
        _warn_flat(flat, windows.info["ch_names"])
        if filtered_first:
            spectral[:] = self._entropy_of_raw(X, windows.info["ch_names"], bands, among)
        features = EpochsFeatures(
            spectral,
            temporal,
            windows.info,
            settings,
            metadata=windows.metadata,
            events=windows.events,
        )
        return self._smoothed(features, isinstance(X, mne.io.BaseRaw))

    def _settings(self, sfreq, n_samples):
        check_option("method", self.method, METHODS)
        check_option("temporal", self.temporal, ("signal", "power"))
        check_option("reference", self.reference, ("average", None))
        check_option("smoothing", self.smoothing, (*SMOOTHERS, None))
        check_option("dtype", self.dtype, ("float32", "float64"))
        check_number("n_times", self.n_times, 1, integer=True)
        if isinstance(self.temporal_position, str):
            check_option("temporal_position", self.temporal_position, POSITIONS)
        else:
            check_number("temporal_position", self.temporal_position, 0)
        if self.temporal_sfreq is not None:
            check_number("temporal_sfreq", self.temporal_sfreq, 0, low_open=True)
        band = check_bands({"temporal_band": self.temporal_band})["temporal_band"]
        return FeatureSettings(
            bands=tuple((name, *edges) for name, edges in check_bands(self.bands).items()),
            method=self.method,
            temporal=self.temporal,
            temporal_sfreq=self.temporal_sfreq,
            temporal_position=self.temporal_position,
            temporal_band=band,
            reference=self.reference,
            sfreq=sfreq,
            window=None if sfreq is None else n_samples / sfreq,
        )

    def _reference_rows(self, ch_names, settings):
        """Rows of the channels that the average is over, and settings that hold their names."""
        if self.reference is None:
            return slice(None), settings
        known = known_as(self._among or ch_names, ch_names)
        if None in known:
            known = ch_names
        rows = [ch_names.index(name) for name in known]
        # Rows one by one would be a copy of all data.
        among = slice(None) if len(rows) == len(ch_names) else rows
        return among, replace(settings, reference_channels=tuple(known))

    def _referenced(self, data, among):
        """Data (..., n_channels, n_samples) under the reference that was asked for."""
        if self.reference is None:
            return data
        if data.shape[-2] < 2:
            raise ValueError(
                "reference='average' needs two channels at least, X has one. Take reference=None: "
                "of a classifier, features=FeatureExtractor(reference=None)."
            )
        return data - data[..., among, :].mean(axis=-2, keepdims=True)

    def _temporal_function(self, sfreq, n_samples):
        """Return the function from windows to their temporal stack."""
        if self.temporal == "power":
            if self.n_times > n_samples:
                raise ValueError(
                    f"n_times={self.n_times} sub-windows need at least as many samples; the "
                    f"windows have {n_samples}."
                )
            check_window({"temporal_band": self.temporal_band}, sfreq, n_samples)
            return lambda data: log_power(data, sfreq, self.temporal_band, self.n_times)
        matrix = clip_matrix(
            sfreq, n_samples, self.temporal_sfreq, self.n_times, self.temporal_position
        )
        return lambda data: data @ matrix

    def _entropy_of_raw(self, raw, ch_names, bands, among):
        """DE of windows of a recording that was filtered before it was cut."""
        values = []
        raw = raw.copy().pick(ch_names, verbose="ERROR").load_data(verbose="ERROR")
        # One NaN in a segment marked bad would spread over all of it.
        check_finite("X", raw.get_data(verbose="ERROR"), ("channel", "sample"))
        for low, high in bands.values():
            low, high = filter_edges(low, high, raw.info["sfreq"])
            band = raw.copy().filter(low, high, **FILTER)
            epochs = cut_raw(band, self.window, self.overlap)
            data = self._referenced(epochs.get_data(copy=False, verbose="ERROR"), among)
            values.append(band_variance(data))
        return entropy_of_variance(np.stack(values, axis=-1))

    def _smoothed(self, features, one_trial):
        if self.smoothing is None:
            return features
        if self.trial is not None:
            return features.smooth(self.trial, self.smoothing)
        if not one_trial:
            raise ValueError(
                "smoothing needs to know which windows belong to one trial: give trial= the "
                "column(s) of the metadata that say so, for example trial='trial'."
            )
        return features.smooth(pd.Series(np.zeros(len(features))), self.smoothing)


def averaging_over(extractor, ch_names):
    """Return an extractor whose average reference is over these channels, where all are there.

    What a network was trained on has the mean of some channels taken off; those that other
    recordings have besides must not change it.
    """
    extractor = copy.copy(extractor)
    extractor._among = ch_names
    return extractor


def _is_flat(data):
    """Whether a channel keeps one value all through a window."""
    first = data[..., :1]
    # Hardly any does: a look at every twentieth sample settles it.
    flat = (data[..., ::20] == first).all(axis=-1)
    if flat.any():
        flat[flat] = (data[flat] == first[flat]).all(axis=-1)
    return flat


def _warn_flat(flat, ch_names):
    dead = flat.all(axis=1)
    alive = flat[~dead]
    # One that is flat from beginning to end may be the reference of the recording.
    some = alive.any(axis=0) & ~alive.all(axis=0)
    named = [name for name, yes in zip(ch_names, some, strict=True) if yes]
    what = [f"{dead.sum()} windows are, the first number {dead.argmax()}"] if dead.any() else []
    what += [f"in some windows {listed(named)} are"] if named else []
    if not what:
        return
    warnings.warn(
        f"X is flat: {'; '.join(what)} of one value all through. Drop such windows "
        "(epochs.drop_bad(flat=...)), mark such channels as bad.",
        RuntimeWarning,
        stacklevel=3,
    )


def spectral_of(X):
    """DE of whatever holds it or can give it.

    Parameters
    ----------
    X : EpochsFeatures | Epochs | list of Epochs | array, shape (n_windows, ...)
        Of epochs, DE under an average reference is taken; an array is DE already.

    Returns
    -------
    spectral : array, shape (n_windows, n_channels, n_bands)
    """
    if isinstance(X, EpochsFeatures):
        return X.spectral
    first = X[0] if isinstance(X, list) and X else X
    if isinstance(first, mne.BaseEpochs):
        return FeatureExtractor(reference="average", verbose=False).transform(X).spectral
    return np.asarray(X)
