"""The standard montage, under the name that this version of MNE knows."""

import mne


def standard_montage():
    """Return the 10-05 montage (``colin27_1005``; ``standard_1005`` before MNE 1.13)."""
    names = mne.channels.get_builtin_montages()
    name = "colin27_1005" if "colin27_1005" in names else "standard_1005"
    return mne.channels.make_standard_montage(name)
