"""Results row by row in a file that survives being killed."""

import json
import os
import warnings
from pathlib import Path

import pandas as pd
from filelock import Timeout

from .._checks import listed
from .._io import lock_for

_KIND = "mne_sst results"


def read_results(fname):
    """Read what `evaluate` wrote to its file of results.

    Parameters
    ----------
    fname : path-like
        What was given as ``results``, or the folder that ``mne-sst evaluate`` wrote to.

    Returns
    -------
    table : DataFrame
        As `evaluate` returns it; of a run that is not done, the rows there are.

    Raises
    ------
    FileNotFoundError, ValueError
        If there is no such file, or it holds something else.

    Examples
    --------
    >>> from mne_sst.evaluation import read_results, summarize
    >>> summarize(read_results("results.jsonl"))  # doctest: +SKIP
    """
    path = Path(fname)
    files = sorted(path.glob("results*.jsonl")) if path.is_dir() else [path]
    if not files or not files[0].is_file():
        raise FileNotFoundError(f"fname: there are no results of evaluate() at {path}.")
    parts = [_table_of(file) for file in files]
    table = pd.concat(parts, ignore_index=True)
    labels = [part.attrs["labels"] for part in parts]
    if any(other != labels[0] for other in labels):
        raise ValueError(
            f"fname: the files in {path} have other labels each; read them one by one."
        )
    table.attrs["labels"] = labels[0]
    return table


def _table_of(path):
    header, folds, _ = _parsed(path)
    if header is None:
        raise ValueError(f"fname: {path} holds no results of evaluate().")
    prefix = "estimator "
    names = [k.removeprefix(prefix) for k in header["settings"] if k.startswith(prefix)]
    # In the order of the estimators, not in that in which folds were done.
    keys = sorted(folds, key=lambda key: (names.index(key[0]), *key[1:]))
    table = pd.DataFrame([row for key in keys for row in folds[key]])
    table.attrs["labels"] = header["labels"]
    return table


def _parsed(path):
    """Header (None if it is not ours), folds by key, and bytes of whole lines."""
    content = path.read_bytes()
    complete = content.rfind(b"\n") + 1
    lines = content[:complete].decode("utf-8", errors="replace").splitlines()
    try:
        header = json.loads(lines[0])
        ours = header["kind"] == _KIND and {"settings", "labels"} <= set(header)
    except (IndexError, KeyError, TypeError, ValueError):
        ours = False
    if not ours:
        return None, {}, complete
    folds = {}
    for number, line in enumerate(lines[1:], start=2):
        try:
            fold = json.loads(line)
            folds[tuple(fold["key"])] = fold["rows"]
        except (KeyError, TypeError, ValueError):
            warnings.warn(
                f"line {number} of {path} is damaged and left out; evaluate() with this file runs "
                "that fold again.",
                RuntimeWarning,
                stacklevel=4,
            )
    return header, folds, complete


def _key(settings, name):
    """What a setting is compared by: its digest, where it has one after its text."""
    return settings.get(name, "").rpartition(", ")[2]


class ResultsFile:
    """A file of results: settings in its first line, then the rows of one fold a line.

    A line is written and flushed to disk as a whole before the next one begins; half a
    line at the end, left by a process that was killed, is dropped. One process of a machine
    has the file at a time, until `close` or its end.

    Parameters
    ----------
    fname : path-like | None
        The file; None keeps rows in memory only.
    settings : dict of str -> str
        What the results hang on. A file with others is refused.
    labels : list
        What rows and columns of the confusion matrices are.

    Raises
    ------
    ValueError
        If the file holds something else, or results of other settings.
    RuntimeError
        If another process writes to it.
    """

    def __init__(self, fname, settings, labels):
        self.folds = {}
        self._path = None if fname is None else Path(fname)
        if self._path is None:
            return
        self._lock = lock_for(self._path)
        try:
            self._lock.acquire(timeout=0)
        except Timeout as error:
            raise RuntimeError(
                f"results: another process, or another call in this one, writes to {self._path}; "
                "wait for it, or give another file."
            ) from error
        header = json.dumps({"kind": _KIND, "settings": settings, "labels": labels})
        try:
            self._open(header, settings)
        except BaseException:
            self.close()
            raise

    def close(self):
        """Let other processes write to the file."""
        if self._path is not None:
            self._lock.release()

    def _open(self, header, settings):
        """Read what is there, or begin a file."""
        if self._path.is_dir():
            raise IsADirectoryError(f"results: {self._path} is a folder; give the name of a file.")
        content = self._path.read_bytes() if self._path.exists() else b""
        # A process that was killed may have left half a header.
        if (header + "\n").encode().startswith(content):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._append(header, "w")
        else:
            self._read(settings)

    def _read(self, settings):
        header, folds, complete = _parsed(self._path)
        found = None if header is None else header["settings"]
        if found is None:
            raise ValueError(
                f"results: {self._path} holds no results of evaluate(). Give the name of another "
                "file; this one is left as it is."
            )
        differ = [k for k in {**found, **settings} if _key(found, k) != _key(settings, k)]
        if differ:
            each = "; ".join(f"{k}: {found.get(k)} there, {settings.get(k)} now" for k in differ)
            raise ValueError(
                f"results: {self._path} came from other settings; {listed(differ)} differ. Give "
                f"another file, or the settings of that one. {each}"
            )
        self.folds.update(folds)
        if complete < self._path.stat().st_size:
            with self._path.open("rb+") as file:
                file.truncate(complete)

    def add(self, key, rows):
        """Note the rows of a fold.

        Parameters
        ----------
        key : tuple
            Which fold: of texts and numbers.
        rows : list of dict
            Its rows.
        """
        self.folds[tuple(key)] = rows
        if self._path is not None:
            self._append(json.dumps({"key": list(key), "rows": rows}), "a")

    def _append(self, line, mode):
        with self._path.open(mode, encoding="utf-8") as file:
            file.write(line + "\n")
            file.flush()
            os.fsync(file.fileno())
