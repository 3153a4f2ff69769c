"""Argument checks that name the parameter, what came and what was expected."""

import logging
import numbers
from contextlib import contextmanager

import numpy as np
import pandas as pd
from tqdm.auto import tqdm

logger = logging.getLogger("mne_sst")


@contextmanager
def unchanged_on_error(estimator):
    """Give an estimator back all it had before, if what is done to it raises."""
    before = dict(vars(estimator))
    try:
        yield estimator
    except BaseException:
        vars(estimator).clear()
        vars(estimator).update(before)
        raise


def check_option(name, value, allowed):
    """Return ``value`` if it is one of ``allowed``, else raise ValueError."""
    # Identity for None, so that arrays and other odd objects compare safely.
    if any(value is a or (isinstance(value, str) and value == a) for a in allowed):
        return value
    options = ", ".join(repr(a) for a in allowed)
    raise ValueError(f"{name} must be one of {options}, got {value!r}.")


def check_number(name, value, low=None, high=None, *, integer=False, low_open=False):
    """Return ``value`` as int or float if it lies in [low, high].

    Parameters
    ----------
    name : str
        Name of the parameter, for the message.
    value : object
        What came.
    low, high : float | None
        Bounds; the upper one is included, the lower one unless ``low_open``.
    integer : bool
        Whether only whole numbers are accepted.
    low_open : bool
        Whether ``low`` itself is refused.

    Raises
    ------
    TypeError
        If it is not a number (or not a whole one).
    ValueError
        If it is out of range or not finite.
    """
    kind = numbers.Integral if integer else numbers.Real
    word = "a whole number" if integer else "a number"
    if isinstance(value, bool | np.bool_) or not isinstance(value, kind):
        raise TypeError(f"{name} must be {word}, got {value!r} ({type(value).__name__}).")
    if not np.isfinite(value):
        raise ValueError(f"{name} must be finite, got {value!r}.")
    too_low = low is not None and (value <= low if low_open else value < low)
    if too_low or (high is not None and value > high):
        lower = "-inf" if low is None else f"{low}"
        upper = "inf" if high is None else f"{high}"
        bracket = "(" if low_open or low is None else "["
        raise ValueError(f"{name} must lie in {bracket}{lower}, {upper}], got {value!r}.")
    return int(value) if integer else float(value)


def check_finite(name, data, axes):
    """Raise ValueError naming the first place that is NaN or infinite.

    Parameters
    ----------
    name : str
        Name of the parameter, for the message.
    data : array
        What to look at.
    axes : tuple of str
        A word for each axis of ``data``.
    """
    # The sum is finite whenever every value is, and costs one pass without a copy.
    with np.errstate(over="ignore", invalid="ignore"):
        if np.isfinite(data.sum(dtype=np.float64)):
            return
    bad = np.argwhere(~np.isfinite(data))
    if len(bad):
        place = ", ".join(f"{a} {i}" for a, i in zip(axes, bad[0], strict=True))
        raise ValueError(
            f"{name} holds {len(bad)} value(s) that are NaN or infinite, the first at "
            f"{place}. Drop or repair those epochs or channels first."
        )


def check_shape(shape, name="shape", least=2):
    """Return (height, width) as ints of at least ``least``.

    Parameters
    ----------
    shape : tuple of int
        What came.
    name : str
        Name of the parameter, for the message.
    least : int
        Smallest height and width.

    Returns
    -------
    shape : tuple of int
    """
    if np.shape(shape) != (2,):
        raise ValueError(f"{name} must be (height, width), got {shape!r}.")
    return tuple(check_number(f"{name}[{i}]", n, least, integer=True) for i, n in enumerate(shape))


def check_labels_given(y):
    """Raise TypeError if ``y`` is one string, such as the name of a column of labels."""
    if isinstance(y, str):
        raise TypeError(
            f"y must be one label an epoch, got the string {y!r}; for a column of the metadata "
            f"give epochs.metadata[{y!r}]."
        )


def check_none_missing(name, values):
    """Raise ValueError if labels or groups hold None, NaN or another sign of nothing."""
    values = np.asarray(values)
    missing = np.flatnonzero(pd.isna(values.ravel()))
    if len(missing):
        raise ValueError(
            f"{name} holds {len(missing)} missing value(s) (None or NaN), the first at "
            f"{missing[0]}; leave those epochs out."
        )


def check_one_each(name, values, n_epochs):
    """Return ``values`` as an array if it holds one value for each epoch, none missing."""
    if isinstance(values, str):
        raise TypeError(
            f"{name} must be an array with one value for each of {n_epochs} epochs, such as "
            f"a column of the metadata; got {values!r}."
        )
    values = np.asarray(values)
    if values.shape != (n_epochs,):
        raise ValueError(
            f"{name} must have one value for each of {n_epochs} epochs, got {values.shape}."
        )
    check_none_missing(name, values)
    return values


def listed(names, most=8):
    """Join names for a message, cutting long lists."""
    names = [str(n) for n in names]
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown}, ... ({len(names)} in all)"


def progress(total, description, verbose=None):
    """Return one tqdm bar, silent when ``verbose`` is False or without a terminal.

    ``verbose=True`` leaves the full bar on the screen, None removes it.
    """
    return tqdm(
        total=total,
        desc=description,
        disable=True if verbose is False else None,
        leave=bool(verbose),
    )
