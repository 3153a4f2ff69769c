"""Arrays that files hold, checked."""

import numpy as np


def numbers(array, shape, where):
    """Return an array of finite numbers of a shape, or say what is wrong.

    Parameters
    ----------
    array : object
        What a file held.
    shape : tuple of int | None
        None for any, or for an axis of any length.
    where : str
        File and key, for messages.
    """
    array = np.asarray(array)
    if array.dtype.kind not in "fiu":
        raise ValueError(f"{where} must be numbers, got {array.dtype} of shape {array.shape}.")
    if shape is not None and not _fits(array.shape, shape):
        wanted = ", ".join("n" if n is None else str(n) for n in shape)
        raise ValueError(f"{where} must have shape ({wanted}), got {array.shape}.")
    if not np.isfinite(array).all():
        raise ValueError(f"{where} has values that are NaN or infinite.")
    return array


def _fits(shape, wanted):
    alike = len(shape) == len(wanted)
    return alike and all(w in (None, n) for w, n in zip(wanted, shape, strict=True))
