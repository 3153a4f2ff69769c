"""Recordings from files, as the command line takes them: any format, any naming."""

from pathlib import Path

import mne
import numpy as np
import pandas as pd

from ._checks import listed, logger
from ._inputs import cut_raw, set_metadata
from ._montage import standard_montage

_EPOCHS_ENDINGS = ("-epo.fif", "_epo.fif", "-epo.fif.gz", "_epo.fif.gz")


def read_epochs_of(fname, *, montage=None, window=1.0, overlap=0.0):
    """Read epochs from a file of epochs, or cut a recording into windows.

    Parameters
    ----------
    fname : path-like
        Epochs (``-epo.fif``, EEGLAB's ``.set``) or anything that
        `mne.io.read_raw` reads.
    montage : str | None
        Name of a montage of MNE, or a file of positions; None takes the 10-05
        system where the file has no positions.
    window, overlap : float
        Seconds; how a recording is cut.

    Returns
    -------
    epochs : mne.Epochs
        EEG with positions; the metadata has a column ``file``, and for a
        recording ``onset`` (s) and, if it has annotations, ``annotation``.

    Raises
    ------
    FileNotFoundError, ValueError
        Naming the file and what is wrong with it.
    """
    fname = Path(fname)
    if not fname.exists():
        raise FileNotFoundError(f"there is no file {str(fname)!r}.")
    if fname.name.endswith(_EPOCHS_ENDINGS):
        epochs = _with_positions(mne.read_epochs(fname, verbose="ERROR"), montage, fname)
    else:
        epochs = _epochs_of_raw(fname, montage, window, overlap)
    table = epochs.metadata
    table = pd.DataFrame(index=range(len(epochs))) if table is None else table.copy()
    table["file"] = fname.stem
    return set_metadata(epochs, table)


def _epochs_of_raw(fname, montage, window, overlap):
    try:
        raw = mne.io.read_raw(fname, preload=True, verbose="ERROR")
    except TypeError:
        # How MNE says that an EEGLAB file holds epochs.
        if fname.suffix != ".set":
            raise
        epochs = mne.io.read_epochs_eeglab(fname, verbose="ERROR")
        return _with_positions(epochs, montage, fname)
    except Exception as error:
        raise ValueError(f"MNE cannot read {str(fname)!r}: {error}") from error
    raw = _with_positions(raw, montage, fname)
    epochs = cut_raw(raw, window, overlap)
    covering = [_annotation_at(raw, t + window / 2) for t in epochs.metadata["onset"]]
    if any(covering):
        set_metadata(epochs, epochs.metadata.assign(annotation=covering))
    return epochs


def _annotation_at(raw, time):
    """Description of the annotation that a moment (s from the start) lies in, or ""."""
    start = raw.annotations.onset - (raw.first_time if raw.annotations.orig_time else 0)
    inside = (start <= time) & (time < start + raw.annotations.duration)
    return str(raw.annotations.description[inside][0]) if inside.any() else ""


def _with_positions(inst, montage, fname):
    """Give EEG channels their positions, leave out those that have none."""
    inst.rename_channels(_plain_name, allow_duplicates=False, verbose="ERROR")
    located = [
        name for name, ch in zip(inst.ch_names, inst.info["chs"], strict=True) if _placed(ch)
    ]
    if montage is not None or not located:
        inst.set_montage(
            _montage(montage),
            match_case=False,
            match_alias=True,
            on_missing="ignore",
            verbose="ERROR",
        )
    kinds = inst.get_channel_types()
    eeg = [name for name, kind in zip(inst.ch_names, kinds, strict=True) if kind == "eeg"]
    placed = {name: _placed(ch) for name, ch in zip(inst.ch_names, inst.info["chs"], strict=True)}
    lost = [name for name in eeg if not placed[name]]
    kept = [name for name in eeg if placed[name]]
    if not kept:
        raise ValueError(
            f"{str(fname)!r} has no EEG channel with a position (channels: "
            f"{listed(inst.ch_names)}); name a montage that knows them with --montage."
        )
    if lost:
        logger.warning("%s: channels without a position left out: %s", fname.name, listed(lost))
    return inst.pick(kept, verbose="ERROR")


def _montage(montage):
    if montage is None:
        return standard_montage()
    if montage in mne.channels.get_builtin_montages():
        return mne.channels.make_standard_montage(montage)
    if Path(montage).is_file():
        return mne.channels.read_custom_montage(montage)
    raise ValueError(
        f"--montage {montage!r} is neither a file nor a montage of MNE "
        f"({listed(mne.channels.get_builtin_montages(), 4)})."
    )


def _placed(ch):
    return bool(np.isfinite(ch["loc"][:3]).all() and np.any(ch["loc"][:3]))


def _plain_name(name):
    """Strip what EDF files put around the names of electrodes: "EEG Fp1-REF", "Fc5."."""
    plain = name.strip().strip(".")
    if plain.upper().startswith("EEG "):
        plain = plain[4:].strip()
    for ending in ("-REF", "-LE", "-AVG"):
        if plain.upper().endswith(ending):
            plain = plain[: -len(ending)]
    return plain
