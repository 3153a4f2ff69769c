"""Files of arrays with a JSON header (safetensors): opening one runs no code."""

import getpass
import hashlib
import json
import os
import tempfile
from contextlib import contextmanager
from pathlib import Path

import mne
import numpy as np
import pandas as pd
from filelock import FileLock
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from ._checks import listed

SUFFIX = ".safetensors"


def write_arrays(fname, arrays, header, *, kind, overwrite=False):
    """Write arrays and a JSON header to a safetensors file, all or nothing.

    Parameters
    ----------
    fname : path-like
        Must end in ``.safetensors``.
    arrays : dict of str -> array
        What to write.
    header : dict
        Anything JSON can hold.
    kind : str
        What the file is, checked on reading.
    overwrite : bool
        Whether an existing file may be replaced.
    """
    fname = Path(fname)
    if fname.suffix != SUFFIX:
        raise ValueError(f"fname must end in {SUFFIX!r}, got {str(fname)!r}.")
    if fname.exists() and not overwrite:
        raise FileExistsError(f"{fname} exists; use overwrite=True to replace it.")
    arrays = {name: np.ascontiguousarray(a) for name, a in arrays.items()}
    with replacing(fname) as temporary:
        save_file(arrays, temporary, {"mne_sst": kind, "header": json.dumps(header)})


@contextmanager
def replacing(fname):
    """Give a temporary file beside ``fname`` to write to; rename it when that went well.

    Parameters
    ----------
    fname : path-like
        What is replaced, or made.

    Yields
    ------
    temporary : str
        Path with the same ending.
    """
    fname = Path(fname)
    if not fname.parent.is_dir():
        raise FileNotFoundError(
            f"there is no folder {str(fname.parent)!r} to write {fname.name} to."
        )
    handle, temporary = tempfile.mkstemp(fname.suffix, f".{fname.stem}-", fname.parent)
    os.close(handle)
    try:
        yield temporary
        # mkstemp is private to its owner; a saved file has the permissions of any other.
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(temporary, 0o666 & ~mask)
        os.replace(temporary, fname)
    finally:
        Path(temporary).unlink(missing_ok=True)


def read_arrays(fname, *, kind, needed=()):
    """Read what `write_arrays` wrote.

    Parameters
    ----------
    fname : path-like
        The file.
    kind : str
        What it must be.
    needed : tuple of str
        Arrays that it must hold.

    Returns
    -------
    arrays : dict of str -> array
    header : dict

    Raises
    ------
    FileNotFoundError, ValueError
        If there is no such file, or it is no file of this kind.
    """
    fname = Path(fname)
    if not fname.is_file():
        hint = " (it is a folder)" if fname.is_dir() else ""
        raise FileNotFoundError(f"fname: there is no file {str(fname)!r}{hint}.")
    try:
        with safe_open(fname, framework="numpy") as file:
            found = file.metadata() or {}
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except SafetensorError as error:
        raise ValueError(
            f"{fname} is no safetensors file, or a damaged one ({error}); what is wanted here is "
            f"{kind!r}, as save() writes it."
        ) from error
    if found.get("mne_sst") != kind:
        raise ValueError(
            f"{fname} holds {found.get('mne_sst', 'something that mne_sst did not write')!r}, "
            f"expected {kind!r}."
        )
    missing = [name for name in needed if name not in arrays]
    try:
        header = json.loads(found["header"])
    except (KeyError, ValueError) as error:
        raise ValueError(f"{fname} has a damaged header ({error!r}); save it again.") from error
    if missing or not isinstance(header, dict):
        raise ValueError(f"{fname} is damaged: it lacks {listed(missing) or 'a header'}.")
    return arrays, header


def info_to_json(info):
    """Channels, types, positions and rate of an Info; nothing about the person."""
    montage = info.get_montage()
    fiducials = dict.fromkeys(("nasion", "lpa", "rpa"))
    frame = "head"
    if montage is not None:
        found = montage.get_positions()
        frame = found["coord_frame"]
        fiducials = {k: _finite_list(found[k]) for k in fiducials}
    # Positions can be there without digitisation points.
    places = {ch["ch_name"]: ch["loc"][:3] for ch in info["chs"]}
    if frame == "head":
        places = {k: _finite_list(p) if np.any(p) else None for k, p in places.items()}
    else:
        places = {k: _finite_list(p) for k, p in found["ch_pos"].items()}
    return {
        "ch_names": info["ch_names"],
        "ch_types": info.get_channel_types(),
        "sfreq": info["sfreq"],
        "bads": list(info["bads"]),
        "positions": {"ch_pos": places, "coord_frame": frame, **fiducials},
    }


def _finite_list(point):
    return None if point is None or not np.all(np.isfinite(point)) else list(map(float, point))


def info_from_json(saved):
    """Make the Info that `info_to_json` described."""
    info = mne.create_info(saved["ch_names"], saved["sfreq"], saved["ch_types"])
    info["bads"] = saved["bads"]
    positions = saved["positions"]
    points = {k: np.array(p) for k, p in positions["ch_pos"].items() if p is not None}
    if points:
        fiducials = {
            k: None if positions[k] is None else np.array(positions[k])
            for k in ("nasion", "lpa", "rpa")
        }
        montage = mne.channels.make_dig_montage(
            points, coord_frame=positions["coord_frame"], **fiducials
        )
        info.set_montage(montage, on_missing="ignore", verbose="ERROR")
    return info


def table_to_json(table):
    """A DataFrame as JSON, each column with its dtype.

    Raises
    ------
    TypeError
        If a column holds something that JSON cannot, such as arrays.
    """
    if table is None:
        return None
    columns = []
    for name, column in table.items():
        values = column.tolist()
        plain = [None if v is pd.NA or (isinstance(v, float) and v != v) else v for v in values]
        try:
            json.dumps(plain)
        except TypeError as error:
            raise TypeError(
                f"metadata column {name!r} holds values that a file cannot keep ({error}); "
                "turn them into numbers or text, or drop the column."
            ) from error
        saved = {"name": name, "dtype": str(column.dtype), "values": plain}
        if isinstance(column.dtype, pd.CategoricalDtype):
            saved["categories"] = column.cat.categories.tolist()
            saved["ordered"] = bool(column.cat.ordered)
        columns.append(saved)
    return {"n": len(table), "columns": columns}


def table_from_json(saved):
    """Make the DataFrame that `table_to_json` described."""
    if saved is None:
        return None
    table = pd.DataFrame(index=range(saved["n"]))
    for column in saved["columns"]:
        dtype = column["dtype"]
        if "categories" in column:
            dtype = pd.CategoricalDtype(column["categories"], column["ordered"])
        table[column["name"]] = pd.Series(column["values"], dtype=dtype)
    return table


def lock_for(path):
    """Lock that one process at a time holds for a file or folder; it ends with the process.

    Parameters
    ----------
    path : path-like
        What is written to. The lock itself lies among the temporary files of the machine.

    Returns
    -------
    lock : filelock.FileLock
    """
    # A user may have no name, as in a container; Windows has no numbers.
    user = os.getuid() if hasattr(os, "getuid") else getpass.getuser()
    name = f"{user}\0{Path(path).resolve()}"
    digest = hashlib.sha256(name.encode()).hexdigest()[:24]
    return FileLock(Path(tempfile.gettempdir()) / f"mne_sst-{digest}.lock")
