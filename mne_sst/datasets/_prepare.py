"""Data sets to one file of epochs a subject."""

import argparse
import os
import tempfile
from pathlib import Path

import mne

from .._checks import check_option, progress
from ._registry import SETS


def prepare(name, root, output, subjects=None, *, overwrite=False, verbose=None, **params):
    """Write the epochs of each subject of a data set to a file.

    Parameters
    ----------
    name : str
        One of ``SETS``.
    root : path-like | None
        Folder of the data set; None for MNE's data folder, to which an open set is
        downloaded.
    output : path-like
        Folder for ``NAME_sub-01-epo.fif`` and so on; made if need be.
    subjects : int | list of int | None
        None for all that are in ``root``; without that, all of an open set.
    overwrite : bool
        Whether to write files again that are there; else they are left as they are, so
        that a second call goes on where the first one was stopped. How a file was made
        stands in ``info["description"]``.
    verbose : bool | None
        Whether to show a progress bar; None shows it in a terminal.
    **params
        Of the reader, such as ``window``.

    Returns
    -------
    files : list of Path

    Raises
    ------
    FileNotFoundError
        If nothing of the data set is there.
    ValueError
        If a file is there that was made in another way, or ``subjects`` is empty.

    Examples
    --------
    >>> import tempfile
    >>> from mne_sst.datasets import prepare
    >>> files = prepare("simulated", None, tempfile.mkdtemp(), [1, 2], n_trials=3, n_windows=2)
    >>> [file.name for file in files]
    ['simulated_sub-01-epo.fif', 'simulated_sub-02-epo.fif']
    """
    check_option("name", name, tuple(SETS))
    known, output = SETS[name], Path(output)
    subjects = known.choose(root, subjects)
    output.mkdir(parents=True, exist_ok=True)
    files = [output / f"{name}_sub-{subject:02d}-epo.fif" for subject in subjects]
    made = ", ".join([known.title, *(f"{k}={v!r}" for k, v in sorted(params.items()))])
    if not overwrite:
        _check_alike(files, made)
    with progress(len(files), f"Preparing {known.title}", verbose) as bar:
        missing = [
            (subject, file)
            for subject, file in zip(subjects, files, strict=True)
            if overwrite or not file.exists()
        ]
        bar.update(len(files) - len(missing))
        for file, epochs in _read(known, known.folder_of(root), missing, params):
            epochs.info["description"] = made
            _save(epochs, file)
            bar.update(1)
    return files


def _read(known, root, missing, params):
    """Yield files and their epochs; a set that is one file is opened once."""
    if known.subject:
        for subject, file in missing:
            yield file, known.read(root, [subject], **params)
    elif missing:
        epochs = known.read(root, [subject for subject, _ in missing], **params)
        for subject, file in missing:
            yield file, epochs[(epochs.metadata["subject"] == subject).to_numpy()]


def _check_alike(files, made):
    """Raise ValueError if a file that is there was made in another way."""
    for file in files:
        there = mne.io.read_info(file, verbose="ERROR")["description"] if file.exists() else None
        if there not in (None, made):
            raise ValueError(
                f"output: {file} was made as {there!r}, now {made!r} is wanted. Give another "
                "folder, or overwrite."
            )


def _save(epochs, path):
    """Write epochs as a whole or not at all, in as many parts as MNE makes of them."""
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".") as folder:
        epochs.save(Path(folder) / path.name, overwrite=True, verbose="ERROR")
        # The first part is what is looked for: it comes last.
        for part in sorted(Path(folder).iterdir(), key=lambda p: p.name == path.name):
            os.replace(part, path.parent / part.name)


def prepare_from_shell(name, arguments=None):
    """Run `prepare` with the arguments of the command line.

    Parameters
    ----------
    name : str
        One of ``SETS``.
    arguments : list of str | None
        None for those of the process.

    Examples
    --------
    >>> from mne_sst.datasets import prepare_from_shell
    >>> prepare_from_shell("eegmat", ["--output", "eegmat-epochs"])  # doctest: +SKIP
    """
    known = SETS[name]
    parser = argparse.ArgumentParser(
        description=f"{known.title} to one -epo.fif file a subject. {known.access} set, "
        f"{known.licence}: {known.url}"
    )
    parser.add_argument("--root", type=Path, help="folder of the data set; MNE's data folder")
    parser.add_argument("--output", type=Path, required=True, help="folder for the files")
    parser.add_argument("--subjects", type=int, nargs="+", help="their numbers; all without it")
    parser.add_argument("--window", type=float, help="length of the windows, s")
    parser.add_argument("--overlap", type=float, help="their overlap, s")
    parser.add_argument("--overwrite", action="store_true", help="write files again")
    if known.pickled:
        text = "read pickle files, which are only safe from the makers of the set"
        parser.add_argument("--allow-pickle", action="store_true", default=None, help=text)
    given = vars(parser.parse_args(arguments))
    own = {k: given[k] for k in ("root", "output", "subjects", "overwrite")}
    params = {k: v for k, v in given.items() if k not in own and v is not None}
    try:
        files = prepare(name, **own, **params)
    except (OSError, ValueError, ImportError) as error:
        parser.exit(2, f"{parser.prog}: error: {error}\n")
    print(f"{len(files)} files in {own['output']}")
