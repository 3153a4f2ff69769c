"""Results row by row in a file that survives being killed."""

import json
import os
from pathlib import Path

from .._checks import listed

_KIND = "mne_sst results"


class ResultsFile:
    """A file of results: settings in its first line, then the rows of one fold a line.

    A line is written and flushed to disk as a whole before the next one begins; half a
    line at the end, left by a process that was killed, is dropped.

    Parameters
    ----------
    fname : path-like | None
        The file; None keeps rows in memory only.
    settings : dict of str -> str
        What the results hang on. A file with others is refused.

    Raises
    ------
    ValueError
        If the file holds something else, or results of other settings.
    """

    def __init__(self, fname, settings):
        self.folds = {}
        self._path = None if fname is None else Path(fname)
        if self._path is None:
            return
        self._header = json.dumps({"kind": _KIND, "settings": settings})
        if self._path.exists() and self._path.stat().st_size:
            self._read(settings)
        else:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._append(self._header, "w")

    def _read(self, settings):
        with self._path.open("rb") as file:
            content = file.read()
        complete = content.rfind(b"\n") + 1
        lines = content[:complete].decode("utf-8", errors="replace").splitlines()
        try:
            header = json.loads(lines[0])
            found = header["settings"] if header["kind"] == _KIND else None
            folds = [json.loads(line) for line in lines[1:]]
        except (IndexError, KeyError, TypeError, ValueError):
            found = None
        if found is None:
            raise ValueError(
                f"results: {self._path} holds no results of evaluate(). Give the name of another "
                "file; this one is left as it is."
            )
        differ = [k for k in {**found, **settings} if found.get(k) != settings.get(k)]
        if differ:
            each = "; ".join(f"{k}: {found.get(k)} there, {settings.get(k)} now" for k in differ)
            raise ValueError(
                f"results: {self._path} came from other settings; {listed(differ)} differ. Give "
                f"another file, or the settings of that one. {each}"
            )
        for fold in folds:
            self.folds[tuple(fold["key"])] = fold["rows"]
        if complete < len(content):
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
