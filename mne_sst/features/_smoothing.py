"""Smoothing of features over the windows of a trial."""

import numpy as np
import pandas as pd

from .._checks import check_number, check_option

SMOOTHERS = ("moving_average", "lds")


def moving_average(x, width=5):
    """Centred moving average over the first axis, narrower at both ends.

    Parameters
    ----------
    x : array, shape (n_windows, ...)
        Features of the successive windows of one trial.
    width : int
        Number of windows averaged, odd.

    Returns
    -------
    smoothed : array, shape (n_windows, ...)
        In the unit of ``x``.

    Examples
    --------
    >>> from mne_sst.features import moving_average
    >>> moving_average([0.0, 3.0, 6.0], width=3)
    array([1.5, 3. , 4.5])
    """
    width = check_number("width", width, 1, integer=True)
    if width % 2 == 0:
        raise ValueError(f"width must be odd, so that the average is centred; got {width}.")
    x = np.asarray(x, dtype=np.float64)
    n, half = len(x), width // 2
    total = np.concatenate([np.zeros_like(x[:1]), np.cumsum(x, axis=0)])
    start = np.maximum(np.arange(n) - half, 0)
    stop = np.minimum(np.arange(n) + half + 1, n)
    count = (stop - start).reshape(-1, *[1] * (x.ndim - 1))
    return (total[stop] - total[start]) / count


def lds(x, *, system_noise=1e-4, observation_noise=1.0, initial_variance=0.01, smooth=True):
    r"""Smooth features with the linear dynamical system of the SEED features.

    A random walk :math:`z_t = z_{t-1} + v` seen through
    :math:`x_t = z_t + w`: a Kalman filter forwards, then the
    Rauch-Tung-Striebel smoother backwards [1]_. Its gain settles near 0.01, a
    memory of about a hundred windows, and the pass back looks into the future.

    Parameters
    ----------
    x : array, shape (n_windows, ...)
        Features of the successive windows of one trial.
    system_noise, observation_noise : float
        Variances of v and w.
    initial_variance : float
        Variance of the state before the first window, whose mean is that of
        the trial.
    smooth : bool
        Whether to run the pass back; without it the result is causal but for
        the trial's mean that it starts from.

    Returns
    -------
    smoothed : array, shape (n_windows, ...)
        In the unit of ``x``.

    References
    ----------
    .. [1] Shi & Lu (2010). Off-line and on-line vigilance estimation based on
           linear dynamical system and manifold learning. EMBC, 6587-6590.
           doi:10.1109/IEMBS.2010.5627125

    Examples
    --------
    >>> import numpy as np
    >>> from mne_sst.features import lds
    >>> lds(np.ones((10, 62, 5))).shape
    (10, 62, 5)
    """
    x = np.asarray(x, dtype=np.float64)
    n = len(x)
    if n == 0:
        return x
    # The variances do not depend on the data: one number a window serves all features.
    predicted, filtered_variance = np.empty(n), np.empty(n)
    state = np.empty_like(x)
    mean, variance = x.mean(axis=0), initial_variance
    for t in range(n):
        predicted[t] = variance + (system_noise if t else 0.0)
        gain = predicted[t] / (predicted[t] + observation_noise)
        mean = mean + gain * (x[t] - mean)
        variance = (1 - gain) * predicted[t]
        state[t], filtered_variance[t] = mean, variance
    if smooth:
        for t in range(n - 2, -1, -1):
            back = filtered_variance[t] / predicted[t + 1]
            state[t] += back * (state[t + 1] - state[t])
    return state


def smooth_trials(x, trials, method="lds", **kwargs):
    """Smooth features within each trial, never across its border.

    Parameters
    ----------
    x : array, shape (n_windows, ...)
        Features, the windows of a trial in the order of time.
    trials : array, shape (n_windows,)
        What tells the trials apart.
    method : {"lds", "moving_average"}
        `lds` or `moving_average`.
    **kwargs
        Passed on to that function.

    Returns
    -------
    smoothed : array, shape (n_windows, ...)
        In the unit of ``x``, in its dtype if that is a float.

    Examples
    --------
    >>> import numpy as np
    >>> from mne_sst.features import smooth_trials
    >>> smooth_trials(np.array([0.0, 2.0, 10.0, 12.0]), [1, 1, 2, 2], "moving_average")
    array([ 1.,  1., 11., 11.])
    """
    check_option("method", method, SMOOTHERS)
    x, trials = np.asarray(x), np.asarray(trials)
    x = x if x.dtype.kind == "f" else x.astype(np.float64)
    if trials.shape != (len(x),):
        raise ValueError(
            f"trials must name one trial for each of {len(x)} windows, got shape {trials.shape}."
        )
    function = lds if method == "lds" else moving_average
    smoothed = np.empty_like(x)
    # Codes, because NaN names a trial too, but does not equal itself.
    codes, found = pd.factorize(trials, use_na_sentinel=False)
    for code in range(len(found)):
        rows = codes == code
        smoothed[rows] = function(x[rows], **kwargs)
    return smoothed
