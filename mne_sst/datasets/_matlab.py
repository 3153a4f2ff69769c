"""Arrays of MATLAB files, v5 and v7.3 alike; nothing in them is ever run."""

import re
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from scipy.io import loadmat, whosmat

from ._arrays import numbers

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
        self._last = None, None
        if not self.path.is_file():
            raise FileNotFoundError(f"{self.path} is missing.")
        self.is_hdf5 = _is_hdf5(self.path)
        with _told(self.path):
            if self.is_hdf5:
                with self._open() as file:
                    # A struct is a group, without a shape.
                    self.shapes = {
                        k: getattr(v, "shape", (1, 1))[::-1] for k, v in file.items() if k[0] != "#"
                    }
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

    def read(self, name, shape=None):
        """Read a variable.

        Parameters
        ----------
        name : str
            One of ``shapes``; fields of a struct after a dot, elements of a cell array
            counted from 1: ``"S.data{2}.eeg"``.
        shape : tuple of int | None
            What it must have; None for any, or for an axis of any length.

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
        with _told(self.path, name):
            if self.is_hdf5:
                with self._open() as file:
                    array = np.asarray(self._find(file, name)[()].T)
            else:
                array = np.asarray(self._find(None, name))
        return numbers(array, shape, f"{self.path}: {name!r}")

    def texts(self, name):
        """Return the texts of a cell array, or [] where there is none.

        Parameters
        ----------
        name : str
            As of `read`.
        """
        try:
            if self.is_hdf5:
                with self._open() as file:
                    cells = self._find(file, name)[()].ravel()
                    return ["".join(map(chr, file[cell][()].ravel())) for cell in cells]
            texts = [np.ravel(cell)[0] for cell in np.ravel(self._find(None, name))]
        except (KeyError, IndexError, TypeError, ValueError, AttributeError):
            return []
        return [str(text) for text in texts if isinstance(text, str)]

    def count(self, name):
        """Return the number of elements of a cell array."""
        with _told(self.path, name):
            if self.is_hdf5:
                with self._open() as file:
                    return self._find(file, name).size
            return self._find(None, name).size

    def _find(self, file, name):
        """Follow a name through structs and cells; ``file`` is open HDF5, or None."""
        first, *steps = re.findall(r"[^.{}]+", name)
        if first not in self.shapes:
            raise KeyError(f"no variable {first!r}, only {sorted(self.shapes)}")
        here = self._variable(first) if file is None else file[first]
        for step in steps:
            if step.isdigit():
                cells = here.ravel() if file is None else here[()].ravel()
                if int(step) > len(cells):
                    raise KeyError(f"no element {step}, only {len(cells)}")
                here = cells[int(step) - 1] if file is None else file[cells[int(step) - 1]]
                continue
            names = here.dtype.names if file is None else getattr(here, "keys", list)()
            if step not in (names or ()):
                raise KeyError(f"no field {step!r}, only {sorted(names or ())}")
            here = here.ravel()[0][step] if file is None else here[step]
        return here

    def _variable(self, name):
        # A version 5 variable can only be read as a whole: a struct is kept for its fields.
        if self._last[0] != name:
            self._last = name, loadmat(self.path, variable_names=[name])[name]
        return self._last[1]


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
    except KeyError as error:
        raise ValueError(f"{path} has no {name!r}: {error.args[0]}.") from error
    except Exception as error:
        what = "" if name is None else f" (variable {name!r})"
        raise ValueError(
            f"{path}{what} cannot be read as a MATLAB file: {error}. It may have been cut off in "
            "the transfer; get it again."
        ) from error
