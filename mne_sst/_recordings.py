"""Recordings from files, as the command line takes them: any format, any naming."""

import warnings
from dataclasses import dataclass
from pathlib import Path

import mne
import numpy as np
import pandas as pd

from ._checks import listed, logger
from ._edf import check_whole
from ._inputs import cut_raw, set_metadata
from ._montage import place, standard_montage

#: Name of the event of a window that lies in no annotation.
UNLABELLED = "no annotation"
#: What MNE says where a file ends before what is told of it.
_CUT_OFF = ("outside data range", "outside the data range", "does not match the file size")
_EPOCHS_ENDINGS = ("-epo.fif", "_epo.fif", "-epo.fif.gz", "_epo.fif.gz")


@dataclass
class Recording:
    """Windows of a file, and what they were cut from.

    Attributes
    ----------
    epochs : mne.Epochs
        EEG with positions; the metadata has a column ``file``, and for a
        recording ``onset`` (s) and, if it has annotations, ``annotation``.
    raw : mne.io.Raw | None
        The recording, where the file holds one.
    """

    epochs: mne.BaseEpochs
    raw: mne.io.BaseRaw | None = None

    def features(self, extractor):
        """Features of all windows; where a filter is in it, it runs before the cut."""
        if self.raw is None or extractor.method != "bandpass":
            return extractor.transform(self.epochs)
        made = extractor.transform(self.raw)
        return made._replace(metadata=self.epochs.metadata, events=self.epochs.events)


def read_recording(fname, *, montage=None, window=1.0, overlap=0.0):
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
    recording : Recording

    Raises
    ------
    FileNotFoundError, ValueError
        Naming the file and what is wrong with it.
    """
    fname = Path(fname)
    if not fname.exists():
        raise FileNotFoundError(f"there is no file {str(fname)!r}.")
    montage = _montage(montage)
    inst = _read(fname)
    is_raw = isinstance(inst, mne.io.BaseRaw)
    inst = _with_positions(inst, montage, fname)
    epochs = _windows_with_annotations(inst, window, overlap) if is_raw else inst
    table = epochs.metadata
    table = pd.DataFrame(index=range(len(epochs))) if table is None else table.copy()
    if "file" in table:
        logger.warning("%s: the column 'file' of the metadata gives way to the name.", fname.name)
    table["file"] = fname.stem
    return Recording(set_metadata(epochs, table), inst if is_raw else None)


def _read(fname):
    """Return Raw or Epochs, whatever the file holds."""
    try:
        if fname.name.endswith(_EPOCHS_ENDINGS):
            return mne.read_epochs(fname, verbose="ERROR")
        check_whole(fname)
        try:
            return _read_raw(fname)
        except (TypeError, ValueError):
            # How MNE says that a file holds epochs: TypeError for EEGLAB, ValueError for FIF.
            if fname.suffix == ".set":
                return mne.io.read_epochs_eeglab(fname, verbose="ERROR")
            if not fname.name.endswith((".fif", ".fif.gz")):
                raise
            return mne.read_epochs(fname, verbose="ERROR")
    except Exception as error:
        # Damaged files raise whatever their reader stumbles over.
        reason = str(error) or type(error).__name__
        raise ValueError(f"MNE cannot read {str(fname)!r}: {reason}") from error


def _read_raw(fname):
    """Read a recording; tell of what MNE only warns of where a file was cut off."""
    if fname.suffix != ".vhdr":
        return mne.io.read_raw(fname, preload=True, verbose="ERROR")
    # In BrainVision nothing but annotations after the end tells of it.
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        raw = mne.io.read_raw(fname, preload=True, verbose="WARNING")
    for text in (str(warning.message) for warning in told):
        if any(words in text for words in _CUT_OFF):
            logger.warning("%s: %s Was the file cut off?", fname.name, text)
    return raw


def _windows_with_annotations(raw, window, overlap):
    """Cut into windows whose events are the annotations at their centres.

    A window outside of all annotations gets the event `UNLABELLED`.
    """
    epochs = cut_raw(raw, window, overlap)
    covering = [_annotation_at(raw, t + window / 2) for t in epochs.metadata["onset"]]
    if any(covering):
        set_metadata(epochs, epochs.metadata.assign(annotation=covering))
    events = [name or UNLABELLED for name in covering]
    codes = {name: i for i, name in enumerate(sorted(set(events)), start=1)}
    epochs.events[:, 2] = [codes[name] for name in events]
    epochs.event_id = codes
    return epochs


def _annotation_at(raw, time):
    """Description of the annotation that a moment (s from the start) lies in, or ""."""
    start = raw.annotations.onset - raw.first_time
    inside = (start <= time) & (time < start + raw.annotations.duration)
    return str(raw.annotations.description[inside][0]) if inside.any() else ""


def _with_positions(inst, montage, fname):
    """Give EEG channels their positions, leave out those that have none."""
    usual = {name.upper(): name for name in standard_montage().ch_names}
    plain = {name: _plain_name(name) for name in inst.ch_names}
    plain = {name: usual.get(short.upper(), short) for name, short in plain.items()}
    if len(set(plain.values())) < len(plain):
        twice = sorted({v for v in plain.values() if list(plain.values()).count(v) > 1})
        raise ValueError(f"{str(fname)!r} has two channels of the name {listed(twice)}.")
    inst.rename_channels(plain, verbose="ERROR")
    if montage is not None or not any(_placed(ch) for ch in inst.info["chs"]):
        place(inst, montage)
    channels = zip(inst.ch_names, inst.get_channel_types(), inst.info["chs"], strict=True)
    eeg = {name: _placed(ch) for name, kind, ch in channels if kind == "eeg"}
    kept = [name for name, placed in eeg.items() if placed]
    lost = [name for name, placed in eeg.items() if not placed]
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
        return None
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
