"""Arrays of MATLAB files, v5 and v7.3 alike; nothing in them is ever run."""

from contextlib import contextmanager
from pathlib import Path

import numpy as np
from scipy.io import loadmat, whosmat

_HDF5 = b"\x89HDF\r\n\x1a\n"


class MatFile:
    """The variables of a MATLAB file.

    Parameters
    ----------
    path : path-like
        A ``.mat`` file of version 5 or 7.3; the latter needs h5py.

    Attributes
    ----------
    shapes : dict of str -> tuple
        Variables and their shapes, in MATLAB's order of axes. Values are read one by one.

    Raises
    ------
    FileNotFoundError, ValueError
        If there is no such file, or it is cut off or something else.
    """

    def __init__(self, path):
        self.path = Path(path)
        if not self.path.is_file():
            raise FileNotFoundError(f"{self.path} is missing.")
        self.is_hdf5 = _is_hdf5(self.path)
        with _told(self.path):
            if self.is_hdf5:
                with self._open() as file:
                    self.shapes = {k: v.shape[::-1] for k, v in file.items() if hasattr(v, "shape")}
            else:
                self.shapes = {name: shape for name, shape, _ in whosmat(self.path)}

    def _open(self):
        try:
            import h5py
        except ImportError as error:
            raise ImportError(
                f"{self.path} is a MATLAB file of version 7.3, which needs h5py: pip install h5py"
            ) from error
        return h5py.File(self.path, "r")

    def read(self, name, ndim=None):
        """Read a variable.

        Parameters
        ----------
        name : str
            One of ``shapes``.
        ndim : int | None
            Number of axes it must have.

        Returns
        -------
        array : array
            Numbers, finite.

        Raises
        ------
        ValueError
            Naming file and variable, if it is missing, cut off, of another shape, or not
            made of finite numbers.
        """
        if name not in self.shapes:
            raise ValueError(f"{self.path} has no variable {name!r}; it has {sorted(self.shapes)}.")
        with _told(self.path, name):
            if self.is_hdf5:
                with self._open() as file:
                    array = file[name][()].T
            else:
                array = loadmat(self.path, variable_names=[name])[name]
        array = np.asarray(array)
        if array.dtype.kind not in "fiu" or (ndim is not None and array.ndim != ndim):
            wanted = "numbers" if ndim is None else f"an array of {ndim} axes"
            raise ValueError(
                f"{self.path}: {name!r} must be {wanted}, got {array.dtype} of shape {array.shape}."
            )
        if not np.isfinite(array).all():
            raise ValueError(f"{self.path}: {name!r} has values that are NaN or infinite.")
        return array


def _is_hdf5(path):
    with path.open("rb") as file:
        # MATLAB puts a header of 512 bytes before the HDF5 of version 7.3.
        return any(file.seek(at) is not None and file.read(8) == _HDF5 for at in (0, 512))


@contextmanager
def _told(path, name=None):
    """Say which file, and which variable in it, cannot be read."""
    try:
        yield
    except (ImportError, FileNotFoundError):
        raise
    except Exception as error:
        what = "" if name is None else f" (variable {name!r})"
        raise ValueError(
            f"{path}{what} cannot be read as a MATLAB file: {error}. It may have been cut off in "
            "the transfer; get it again."
        ) from error
