"""Downloads that go on where they were cut off, and are checked before they count."""

import re
from pathlib import Path

import mne

from .._checks import listed, progress
from .._io import lock_for
from ._trials import check_path

#: Times that a file is asked for.
_TRIES = 3


def data_folder(name, path=None, key=None):
    """Where a data set lies: ``path``, or its own folder in MNE's data folder.

    Parameters
    ----------
    name : str
        Of the data set's folder, see `spelled`.
    path : path-like | None
        What the user said.
    key : str | None
        Of MNE's configuration, where the data set has a folder of its own there.

    Returns
    -------
    folder : Path
    """
    if path is not None:
        return check_path(path)
    known = (mne.get_config(k) for k in (key, "MNE_DATA") if k)
    return spelled(Path(next(filter(None, known), "~/mne_data")).expanduser(), name)


def spelled(folder, name):
    """Find a folder in another one, also as SEED_IV or seed iv where SEED-IV is meant.

    Parameters
    ----------
    folder : Path
        Where it is looked for.
    name : str
        Its name, which goes before others that are alike.

    Returns
    -------
    found : Path
        With that very name if there is none.
    """
    exact = folder / name
    if exact.is_dir() or not folder.is_dir():
        return exact
    alike = [f for f in sorted(folder.iterdir()) if _plain(f.name) == _plain(name) and f.is_dir()]
    return alike[0] if alike else exact


def _plain(name):
    return re.sub(r"[-_ ]", "", name).lower()


def fetch_files(base_url, names, folder, sums="SHA256SUMS.txt", verbose=None):
    """Get the files that are not there yet.

    Parameters
    ----------
    base_url : str
        Address of the folder they are in, with a slash at its end.
    names : sequence of str
        The files.
    folder : Path
        Where they go. A file there counts as complete: one that is on its way has
        ``.part`` at the end of its name, and the next call goes on from it.
    sums : str
        File of SHA-256 sums beside them. It is kept in the folder: where it is there, all
        files are checked against it, those of a copy too.
    verbose : bool | None
        Whether to show a progress bar; None shows it in a terminal.

    Returns
    -------
    paths : list of Path

    Raises
    ------
    ConnectionError
        If a file cannot be had.
    ValueError
        If a file is not what the list of sums says.
    """
    missing = [name for name in names if not (folder / name).is_file()]
    if missing:
        if folder.exists() and not folder.is_dir():
            raise NotADirectoryError(f"path: {folder} is a file; give the folder that it lies in.")
        folder.mkdir(parents=True, exist_ok=True)
        # A second process waits, and then finds the files.
        with lock_for(folder):
            _fetch_missing(base_url, names, folder, sums, verbose)
    if (folder / sums).is_file():
        # Those that came just now have been checked.
        _check_sums(folder, [name for name in names if name not in missing], folder / sums)
    return [folder / name for name in names]


def _fetch_missing(base_url, names, folder, sums, verbose):
    missing = [name for name in names if not (folder / name).is_file()]
    if missing:
        expected = _fetch_sums(base_url + sums, folder / sums)
        unknown = [name for name in missing if name not in expected]
        if unknown:
            raise ValueError(f"{base_url} has no {listed(unknown)} in its {sums}.")
        with progress(len(missing), "Download", verbose) as bar:
            for name in missing:
                _fetch(base_url + name, folder / name, expected[name])
                bar.update(1)


def _fetch_sums(url, path):
    """SHA-256 of each file by name, from the list that is published with the data."""
    part = path.with_name(path.name + ".part")
    part.unlink(missing_ok=True)
    _download(url, part)
    expected = _read_sums(part)
    if expected is None:
        part.unlink()
        raise ValueError(f"{url} is not a list of SHA-256 sums; is the address right?")
    part.replace(path)
    return expected


def _read_sums(path):
    """SHA-256 of each file by name, or None if that is not what stands in a file."""
    text = path.read_text(encoding="utf-8", errors="replace")
    pairs = [line.split(None, 1) for line in text.splitlines() if line.strip()]
    if not pairs or any(len(p) != 2 or len(p[0]) != 64 for p in pairs):
        return None
    return {name.strip().lstrip("*"): digest.lower() for digest, name in pairs}


def _check_sums(folder, names, path):
    """Raise ValueError if a file was changed since it came, or was copied with a fault."""
    import pooch

    expected = _read_sums(path)
    if expected is None:
        raise ValueError(f"{path} is not a list of SHA-256 sums; remove it, or get it again.")
    for name in names:
        found = pooch.file_hash(str(folder / name), alg="sha256")
        if found != expected.get(name, found):
            raise ValueError(
                f"{folder / name} has SHA-256 {found}, but {path.name} beside it says "
                f"{expected[name]}: it was changed or is damaged. Remove it and get it again."
            )


def _fetch(url, path, digest):
    """Get one file; it has its name only once it is complete and as expected."""
    import pooch

    part = path.with_name(path.name + ".part")
    for attempt in range(_TRIES):
        _download(url, part)
        found = pooch.file_hash(str(part), alg="sha256")
        if found == digest:
            part.replace(path)
            return
        # What was there before may not belong to it.
        part.unlink()
        if attempt == _TRIES - 1:
            raise ValueError(
                f"{url} came with SHA-256 {found}, but {digest} is published for it: it was "
                "changed on its way, or by its makers. Nothing was kept; try again later."
            )


def _download(url, part):
    """Bring a partial file to its full length, in as many tries as are allowed."""
    import pooch
    import requests

    for attempt in range(_TRIES):
        there = part.stat().st_size if part.exists() else 0
        # The rest only; a compressed transfer would count other bytes.
        headers = {"Range": f"bytes={there}-"} if there else {}
        get = pooch.HTTPDownloader(headers={**headers, "Accept-Encoding": "identity"}, timeout=60)
        try:
            with part.open("ab") as file:
                get(url, file, None)
            return
        except requests.exceptions.RequestException as error:
            status = getattr(error.response, "status_code", None)
            if status == 416:  # nothing left to send: complete, or of another file
                return
            if not part.stat().st_size:
                part.unlink()
            if attempt == _TRIES - 1 or status in (401, 403, 404):
                raise ConnectionError(
                    f"{url} cannot be downloaded: {error}. What came is kept; call again to go "
                    "on, or give the folder of a copy as path=."
                ) from error
