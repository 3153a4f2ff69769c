"""Arrays of pickle files, without running what is in them."""

import io
import pickle
from pathlib import Path

#: All that arrays of numbers are made of; nothing of this does anything else.
_HARMLESS = {
    ("numpy", "ndarray"),
    ("numpy", "dtype"),
    ("numpy.core.multiarray", "_reconstruct"),
    ("numpy.core.multiarray", "scalar"),
    ("numpy._core.multiarray", "_reconstruct"),
    ("numpy._core.multiarray", "scalar"),
    ("numpy.core.numeric", "_frombuffer"),
    ("numpy._core.numeric", "_frombuffer"),
    ("_codecs", "encode"),
    ("collections", "OrderedDict"),
}


class _ArraysOnly(pickle.Unpickler):
    def find_class(self, module, name):
        if (module, name) not in _HARMLESS:
            raise pickle.UnpicklingError(
                f"it asks for {module}.{name}, which arrays of numbers do not need"
            )
        return super().find_class(module, name)


def check_allowed(allow_pickle, path, instead=""):
    """Raise unless the caller has allowed pickle files.

    Parameters
    ----------
    allow_pickle : bool
        What the caller said.
    path : path-like
        The file.
    instead : str
        What to do otherwise.
    """
    if allow_pickle is not True:
        raise ValueError(
            f"{path} is a pickle file, a format that can run code when it is opened. Say "
            f"allow_pickle=True if it comes from the makers of the data set.{instead}"
        )


def read_pickle(path, encoding="ASCII"):
    """Read containers of arrays from a pickle file; anything else in it is refused.

    Parameters
    ----------
    path : path-like
        The file.
    encoding : str
        Of texts that Python 2 wrote.

    Returns
    -------
    content : object
        Dicts, lists and arrays.

    Raises
    ------
    FileNotFoundError, ValueError
        Naming the file, if it is missing, cut off, or asks for more than arrays.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing.")
    return loads(path.read_bytes(), path, encoding)


def loads(content, where, encoding="ASCII"):
    """Read containers of arrays from the bytes of a pickle.

    Parameters
    ----------
    content : bytes
        The pickle.
    where : str | path-like
        For messages.
    encoding : str
        As in `read_pickle`.
    """
    try:
        return _ArraysOnly(io.BytesIO(content), encoding=encoding).load()
    except Exception as error:
        raise ValueError(
            f"{where} cannot be read as a pickle of arrays: {error}. It may have been cut off in "
            "the transfer, or is not from the data set."
        ) from error
