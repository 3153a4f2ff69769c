"""How features were made, as one comparable object."""

from dataclasses import dataclass, fields

import numpy as np

from .._checks import check_option
from ._entropy import METHODS, UNITS, check_bands
from ._temporal import clip_start


@dataclass(frozen=True)
class FeatureSettings:
    """How features were made; two sets fit together only if these agree.

    Attributes
    ----------
    bands : tuple of (name, fmin, fmax)
        Frequency bands of the spectral stack, Hz.
    method : {"spectral", "bandpass", "seed"}
        How DE was estimated, see `differential_entropy`.
    temporal : {"signal", "power"} | None
        What the temporal stack holds: a clip of the signal (V), log power
        (ln µV²), or nothing.
    temporal_sfreq : float | None
        Rate of the temporal stack, Hz; None where it spans the window.
    temporal_position : str | float
        Where the clip lies in the window.
    temporal_band : tuple of float
        Band of the log power, Hz.
    reference : str | None
        ``"average"`` where the mean over the channels was subtracted.
    reference_channels : tuple of str | None
        Those channels, where this is known. Features of other ones are taken together, with
        a warning by a classifier where more than a tenth differ.
    sfreq : float | None
        Sampling rate of the recording, Hz.
    window : float | None
        Length of a window, s.
    smoothing : str | None
        How the spectral stack was smoothed over the windows of a trial.
    filtered : {"recording", "window"} | None
        What the filter of ``"bandpass"`` ran over. The edges of short windows
        shift DE of the low bands by half a nat and more.
    standardized : bool
        Whether groups of windows were scaled by themselves, see
        `standardize_features`.

    Examples
    --------
    >>> from mne_sst.features import FeatureSettings
    >>> FeatureSettings(method="seed").unit
    'bits'
    """

    bands: tuple = tuple((k, *v) for k, v in check_bands(None).items())
    method: str = "spectral"
    temporal: str | None = "signal"
    temporal_sfreq: float | None = 125.0
    temporal_position: str | float = "center"
    temporal_band: tuple = (4.0, 50.0)
    reference: str | None = None
    reference_channels: tuple | None = None
    sfreq: float | None = None
    window: float | None = None
    smoothing: str | None = None
    filtered: str | None = None
    standardized: bool = False

    def __post_init__(self):
        # Lists come back from JSON; settings must stay hashable and comparable.
        object.__setattr__(self, "bands", tuple(tuple(b) for b in self.bands))
        object.__setattr__(self, "temporal_band", tuple(self.temporal_band))
        if self.reference_channels is not None:
            object.__setattr__(self, "reference_channels", tuple(self.reference_channels))
        check_option("method", self.method, METHODS)
        check_option("temporal", self.temporal, ("signal", "power", None))
        check_bands({name: edges for name, *edges in self.bands})

    @property
    def unit(self):
        """Unit of the spectral stack: nats or bits, or spreads where it is standardised."""
        return "sd" if self.standardized else UNITS[self.method]

    def moments(self, n_times):
        """Time of each point of the temporal stack, s from the start of the window.

        Parameters
        ----------
        n_times : int
            Number of points.

        Returns
        -------
        times : array, shape (n_times,)
            Middle of each point's interval.
        """
        if self.temporal == "power" or self.temporal_sfreq is None:
            length, start = (1.0 if self.window is None else self.window), 0.0
        else:
            length = n_times / self.temporal_sfreq
            window = length if self.window is None else self.window
            start = clip_start(self.temporal_position, window, length, self.sfreq)
        return start + (np.arange(n_times) + 0.5) * length / n_times

    def differences(self, other):
        """Say in words what differs.

        Parameters
        ----------
        other : FeatureSettings
            Of other features.

        Returns
        -------
        differences : list of str
            One a setting; empty if the features fit together.
        """
        skip = {"window", "reference_channels"}
        if self.temporal != "power":
            skip.add("temporal_band")
        if self.temporal != "signal":
            skip |= {"temporal_sfreq", "temporal_position"}
        found = [
            f"{f.name}={getattr(other, f.name)!r} where {getattr(self, f.name)!r} was expected"
            for f in fields(self)
            if f.name not in skip and getattr(self, f.name) != getattr(other, f.name)
        ]
        # One sample more or less, as between Epochs with and without the last time
        # point, is the same window.
        mine, theirs = self.window, other.window
        if mine is not None and theirs is not None and abs(mine - theirs) > 0.02 * mine:
            found.append(f"windows of {theirs:g} s where {mine:g} s were expected")
        return found
