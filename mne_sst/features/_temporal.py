"""The stack of maps over time: a clip of the signal, or log power in sub-windows."""

import numpy as np
from scipy import fft

from .._checks import check_number, check_option
from ._entropy import FLAT

POSITIONS = ("start", "center", "end")
#: Half-width of the anti-alias kernel, in points of the output.
_LOBES = 8


def clip_matrix(sfreq, n_samples, temporal_sfreq, n_times, position="center"):
    """Matrix that takes a window to its anti-aliased clip, the mean removed.

    Low-pass filtering, resampling and cutting are linear, so they are one matrix.

    Parameters
    ----------
    sfreq : float
        Sampling rate of the window in Hz.
    n_samples : int
        Length of the window.
    temporal_sfreq : float | None
        Rate of the clip in Hz; None spreads the points over the whole window.
    n_times : int
        Number of points of the clip.
    position : {"start", "center", "end"} | float
        Where in the window the clip lies; a number is its start in seconds.

    Returns
    -------
    matrix : array, shape (n_samples, n_times)
        ``window @ matrix`` is the clip, in the unit of the window.

    Raises
    ------
    ValueError
        If the clip does not lie inside the window.

    Notes
    -----
    A point stands for the middle of its interval, as a sample does, so that at
    ``temporal_sfreq=sfreq`` the clip is made of samples. The kernel is a sinc
    under a Hann window; at the ends of the window the signal is mirrored.
    """
    duration = n_samples / sfreq
    rate = n_times / duration if temporal_sfreq is None else temporal_sfreq
    start = clip_start(position, duration, n_times / rate, sfreq)
    # In samples: the middle of each point, and the cut-off in cycles a sample.
    points = (start + (np.arange(n_times) + 0.5) / rate) * sfreq - 0.5
    cutoff = 0.5 if rate >= sfreq else 0.45 * rate / sfreq
    half = _LOBES * max(1.0, sfreq / rate)
    reach = int(np.ceil(half)) + 1
    index = np.arange(-reach, n_samples + reach)
    distance = index[:, None] - points
    hann = np.where(np.abs(distance) < half, np.cos(np.pi * distance / (2 * half)) ** 2, 0)
    kernel = np.sinc(2 * cutoff * distance) * hann
    kernel /= kernel.sum(axis=0)
    mirrored = index % (2 * n_samples)
    mirrored = np.where(mirrored < n_samples, mirrored, 2 * n_samples - 1 - mirrored)
    matrix = np.zeros((n_samples, n_times))
    np.add.at(matrix, mirrored, kernel)
    return matrix - 1 / n_samples


def clip_start(position, duration, length, sfreq=None):
    """Start of a clip in a window, s, on a sample of it if the rate is given.

    Raises
    ------
    TypeError, ValueError
        If ``position`` is none, or the clip does not lie inside the window.
    """
    spare = duration - length
    if spare < -1e-9:
        raise ValueError(
            f"n_times and temporal_sfreq ask for a clip of {length:g} s, but the windows are "
            f"{duration:g} s long. Lower n_times, raise temporal_sfreq, or use "
            "temporal_sfreq=None to span the window."
        )
    if not isinstance(position, str):
        check_number("temporal_position", position, 0)
        if not -1e-9 <= position <= spare + 1e-9:
            raise ValueError(
                f"temporal_position={position!r} s puts a clip of {length:g} s outside the "
                f"window; it must lie in [0, {spare:g}]."
            )
        start = position
    else:
        check_option("temporal_position", position, POSITIONS)
        start = {"start": 0.0, "center": spare / 2, "end": spare}[position]
    # The margin keeps a start that is a sample but for rounding.
    return start if sfreq is None else np.floor(start * sfreq + 1e-6) / sfreq


def log_power(data, sfreq, band, n_times):
    """Log of the power in a band, in equal sub-windows of each window.

    The squared envelope of the analytic signal, so that no phase is left in it but
    for the first and last cycle of a window.

    Parameters
    ----------
    data : array, shape (..., n_samples)
        Windows in volts.
    sfreq : float
        Sampling rate in Hz.
    band : tuple of float
        (fmin, fmax) in Hz.
    n_times : int
        Number of sub-windows.

    Returns
    -------
    power : array, shape (..., n_times)
        Natural logarithm of square microvolts.
    """
    n_samples = data.shape[-1]
    data = np.asarray(data, dtype=np.float64)
    centred = data - data.mean(axis=-1, keepdims=True)
    # Mirrored at its end, the window is periodic without a step.
    spectrum = fft.rfft(np.concatenate([centred, centred[..., ::-1]], axis=-1), axis=-1)
    n_full = 2 * n_samples
    freqs = np.arange(spectrum.shape[-1]) * sfreq / n_full
    analytic = np.zeros((*data.shape[:-1], n_full), dtype=complex)
    analytic[..., : spectrum.shape[-1]] = 2 * spectrum * _soft_band(freqs, *band)
    envelope = fft.ifft(analytic, axis=-1, overwrite_x=True)[..., :n_samples]
    power = np.square(np.abs(envelope)) @ _mean_matrix(n_samples, n_times) / 2
    return np.log(np.maximum(power * 1e12, FLAT))


def _soft_band(freqs, low, high, softness=0.2):
    """1 inside the band, 0 outside, a cosine slope of a fifth of each edge between."""

    def step(edge):
        x = (freqs - edge) / (softness * edge) + 0.5
        return 0.5 - 0.5 * np.cos(np.pi * np.clip(x, 0, 1))

    return step(low) * (1 - step(high))


def _mean_matrix(n_samples, n_times):
    """Matrix of the means over ``n_times`` equal parts, samples shared at borders."""
    edges = np.linspace(0, n_samples, n_times + 1)
    sample = np.arange(n_samples)[:, None]
    shared = np.minimum(sample + 1, edges[1:]) - np.maximum(sample, edges[:-1])
    return np.maximum(shared, 0) * n_times / n_samples
