"""Positions of the standard system, under the names that are in use."""

import mne
import numpy as np

from ._checks import listed

#: Other names of electrodes: the old ones of the 10-20 system, and those of the
#: cerebellum in the SEED recordings. MNE's own aliases put T5 and T6 elsewhere.
ALIASES = {"T3": "T7", "T4": "T8", "T5": "P7", "T6": "P8", "CB1": "POO7", "CB2": "POO8"}


def standard_montage():
    """Return the 10-05 montage (``colin27_1005``; ``standard_1005`` before MNE 1.13)."""
    names = mne.channels.get_builtin_montages()
    name = "colin27_1005" if "colin27_1005" in names else "standard_1005"
    return mne.channels.make_standard_montage(name)


def place(inst, montage=None):
    """Give channels their positions by name, whatever its case; return ``inst``.

    Parameters
    ----------
    inst : Raw | Epochs | Info
        Changed in place; channels that the montage does not know stay without.
    montage : mne.channels.DigMontage | None
        None for the 10-05 system.
    """
    montage = standard_montage() if montage is None else montage
    known = {name.upper() for name in montage.ch_names}
    aliases = {
        name: ALIASES[name.upper()]
        for name in inst.ch_names
        if name.upper() in ALIASES and ALIASES[name.upper()].upper() in known
    }
    return inst.set_montage(
        montage, match_case=False, match_alias=aliases, on_missing="ignore", verbose="ERROR"
    )


def locations(info):
    """Return positions of the channels, (n_channels, 3) in m, or say which have none.

    Parameters
    ----------
    info : mne.Info
        Of the channels.

    Returns
    -------
    loc : array, shape (n_channels, 3)

    Raises
    ------
    ValueError
        Naming the channels without a position.
    """
    loc = np.array([ch["loc"][:3] for ch in info["chs"]])
    lost = ~np.isfinite(loc).all(axis=1) | (loc == 0).all(axis=1)
    if lost.any():
        names = [name for name, no in zip(info["ch_names"], lost, strict=True) if no]
        raise ValueError(
            f"info has no position for {listed(names)}. Set a montage, for example "
            "inst.set_montage('colin27_1005', match_case=False) ('standard_1005' before "
            "MNE 1.13), or drop those channels."
        )
    return loc
