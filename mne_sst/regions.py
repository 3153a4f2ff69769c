"""Regions of the head: which electrode lies where, whatever the montage."""

import re
import warnings
from functools import cache

import mne
import numpy as np
import pandas as pd

from ._montage import ALIASES, locations, standard_montage

__all__ = ["REGIONS", "SIDES", "electrode_regions"]

#: Letters of an electrode's name in the 10-10 system -> region.
REGIONS = {
    "Fp": "frontal",
    "AF": "frontal",
    "F": "frontal",
    "FC": "central",
    "C": "central",
    "CP": "central",
    "FT": "temporal",
    "T": "temporal",
    "TP": "temporal",
    "P": "parietal",
    "PO": "occipital",
    "O": "occipital",
    "I": "occipital",
}
#: Sides, as odd numbers, z and even numbers tell in the 10-10 system.
SIDES = ("left", "midline", "right")

_NAME = re.compile(r"([A-Za-z]+?)(z|\d+)$")
#: How far an electrode may be from the landmark whose name it bears, in degrees. Some
#: caps number their electrodes with names of the 10-10 system that mean other places.
_TOLERANCE = 20.0
#: Positions that are this close to one sphere, as a share of its radius, are a drawing of
#: the system rather than of a head, which is tilted against it by some ten degrees.
_ROUND = 1e-3
#: Length of the mean direction of electrodes up to which they go around the head: whole caps
#: have 0.1 to 0.5, ten frontal electrodes 0.7.
_MOST_ONE_SIDED = 0.6


def electrode_regions(info):
    """Region and side of each electrode.

    An electrode belongs where the nearest electrode of the 10-10 system does, by
    direction from the centre of the head, so that any montage with positions works. One
    that bears the name of an electrode of that system and is less than 20 degrees from
    it is taken by its name: caps fit heads that well.

    Parameters
    ----------
    info : mne.Info
        With a position for every channel.

    Returns
    -------
    table : DataFrame
        A row a channel: ``channel``, ``nearest`` (its landmark), ``region`` (one of the
        values of `REGIONS`), ``side`` (one of `SIDES`), ``angle`` to the landmark in
        degrees.

    Raises
    ------
    ValueError
        Naming the channels without a position.

    Examples
    --------
    >>> import mne
    >>> from mne_sst.regions import electrode_regions
    >>> info = mne.create_info(["F3", "Cz", "O2"], 250.0, "eeg").set_montage("biosemi64")
    >>> electrode_regions(info)[["channel", "region", "side"]].values.tolist()
    [['F3', 'frontal', 'left'], ['Cz', 'central', 'midline'], ['O2', 'occipital', 'right']]
    """
    loc = locations(info)
    centre = _centre(loc)
    names, directions, usual = _landmarks("easycap-M1" if _is_sphere(loc, centre) else None)
    cosine = _directions(loc, usual if centre is None else centre) @ directions.T
    cosine = np.clip(cosine, -1, 1)
    best = cosine.argmax(axis=1)
    upper = {name.upper(): i for i, name in enumerate(names)}
    for row, name in enumerate(info["ch_names"]):
        own = upper.get(ALIASES.get(name.upper(), name).upper())
        if own is not None and cosine[row, own] > np.cos(np.radians(_TOLERANCE)):
            best[row] = own
    nearest = [names[i] for i in best]
    parts = [_NAME.match(name).groups() for name in nearest]
    return pd.DataFrame(
        {
            "channel": info["ch_names"],
            "nearest": nearest,
            "region": [REGIONS[letters] for letters, _ in parts],
            "side": ["midline" if n == "z" else SIDES[0 if int(n) % 2 else 2] for _, n in parts],
            "angle": np.degrees(np.arccos(cosine[range(len(best)), best])),
        }
    )


def region_means(values, info):
    """Mean over the electrodes of each region and side.

    Parameters
    ----------
    values : array, shape (n_epochs, n_channels)
        One value an electrode.
    info : mne.Info
        Of the channels.

    Returns
    -------
    means : array, shape (n_epochs, n_regions)
        In the order of the table.
    table : DataFrame
        ``region, side, n_channels``: those that hold an electrode, from front to back
        and left to right.
    """
    where = electrode_regions(info)
    order = list(dict.fromkeys(REGIONS.values()))
    keys = sorted(
        set(zip(where["region"], where["side"], strict=True)),
        key=lambda key: (order.index(key[0]), SIDES.index(key[1])),
    )
    members = [((where["region"] == r) & (where["side"] == s)).to_numpy() for r, s in keys]
    table = pd.DataFrame(keys, columns=["region", "side"])
    table["n_channels"] = [int(m.sum()) for m in members]
    return np.stack([values[:, m].mean(axis=1) for m in members], axis=1), table


@cache
def _landmarks(kind):
    """Names and directions of the 10-10 electrodes, and the centre they are seen from."""
    montage = standard_montage() if kind is None else mne.channels.make_standard_montage(kind)
    # Electrodes of the 10-5 system have letters of their own, T3 to T6 newer names as well.
    named = [(name, _NAME.match(name)) for name in montage.ch_names if name not in ALIASES]
    names = [name for name, match in named if match and match.group(1) in REGIONS]
    info = mne.create_info(names, 100.0, "eeg")
    with warnings.catch_warnings():
        # A template needs no ears to be placed well enough.
        warnings.simplefilter("ignore", RuntimeWarning)
        info.set_montage(montage)
    loc = locations(info)
    centre = _centre(loc)
    return names, _directions(loc, centre), centre


def _centre(loc):
    """Centre of the sphere through some positions; None if they do not settle it.

    Electrodes of one side of the head, such as a frontal row, fit many spheres.
    """
    system = np.column_stack([2 * loc, np.ones(len(loc))])
    solution, _, _, singular = np.linalg.lstsq(system, (loc**2).sum(axis=1), rcond=None)
    if len(loc) < 8 or singular[-1] <= 1e-2 * singular[0]:
        return None
    centre = solution[:3]
    one_sided = np.linalg.norm(_directions(loc, centre).mean(axis=0))
    return centre if one_sided < _MOST_ONE_SIDED else None


def _is_sphere(loc, centre):
    if centre is None:
        return False
    radius = np.linalg.norm(loc - centre, axis=1)
    return np.ptp(radius) < _ROUND * radius.mean()


def _directions(loc, centre):
    away = loc - centre
    return away / np.linalg.norm(away, axis=1, keepdims=True)
