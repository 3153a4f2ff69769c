"""Regions come from positions, in any montage."""

import mne
import numpy as np
import pytest

from mne_sst._montage import place, standard_montage
from mne_sst.regions import REGIONS, SIDES, electrode_regions, region_means


def info_of(montage, names=None):
    montage = mne.channels.make_standard_montage(montage)
    info = mne.create_info(names or montage.ch_names, 250.0, "eeg")
    return info.set_montage(montage)


@pytest.mark.parametrize("montage", ["biosemi64", "easycap-M1", "standard"])
def test_names_of_the_system_are_where_they_say(montage):
    """Drawn on a sphere or measured on a head."""
    if montage == "standard":
        names = mne.channels.make_standard_montage("biosemi64").ch_names
        info = place(mne.create_info(names, 250.0, "eeg"))
    else:
        info = info_of(montage)
    table = electrode_regions(info)
    assert table["nearest"].str.upper().tolist() == table["channel"].str.upper().tolist()


def test_positions_decide_where_names_do_not():
    """BioSemi's 128 electrodes bear names of the 10-10 system at other places."""
    table = electrode_regions(info_of("biosemi128")).set_index("channel")
    where = {n: (table["region"][n], table["side"][n]) for n in ("C17", "C1", "A23", "D23", "B26")}
    assert where == {
        "C17": ("frontal", "midline"),
        "C1": ("central", "midline"),
        "A23": ("occipital", "midline"),
        "D23": ("temporal", "left"),
        "B26": ("temporal", "right"),
    }


def test_a_net_without_names():
    """Known neighbours of the 10-20 system in the HydroCel net."""
    table = electrode_regions(info_of("GSN-HydroCel-128")).set_index("channel")
    for name, where in {
        "E24": ("frontal", "left"),
        "E124": ("frontal", "right"),
        "E36": ("central", "left"),
        "E62": ("parietal", "midline"),
        "E70": ("occipital", "left"),
        "E108": ("temporal", "right"),
    }.items():
        assert (table["region"][name], table["side"][name]) == where
    assert (table["side"].value_counts()[["left", "right"]].diff().dropna() == 0).all()


def test_few_channels(tmp_path):
    table = electrode_regions(info_of("biosemi64", ["F3", "Oz", "T8"]))
    assert table[["region", "side"]].to_numpy().tolist() == [
        ["frontal", "left"],
        ["occipital", "midline"],
        ["temporal", "right"],
    ]


def test_means_of_regions():
    info = info_of("biosemi64")
    table = electrode_regions(info)
    values = np.arange(len(table), dtype=float)[None]
    means, where = region_means(values, info)
    assert where["n_channels"].sum() == 64
    assert where["region"].iloc[0] == "frontal"
    assert where["side"].iloc[0] == "left"
    for mean, region, side in zip(means[0], where["region"], where["side"], strict=True):
        members = (table["region"] == region) & (table["side"] == side)
        assert mean == pytest.approx(values[0, members].mean())
    assert set(where["region"]) <= set(REGIONS.values())
    assert set(where["side"]) == set(SIDES)


def test_positions_are_needed():
    info = mne.create_info(["a", "b"], 100.0, "eeg")
    with pytest.raises(ValueError, match="no position for a, b"):
        electrode_regions(info)


def test_electrodes_of_the_front_only():
    """Positions of the 10-10 system under other names: the head is where it usually is."""
    names = "Fp1 Fpz Fp2 AF3 AF4 F3 Fz F4 F7 F8".split()
    info = mne.create_info(names, 100.0, "eeg").set_montage(standard_montage())
    info.rename_channels({name: f"E{i}" for i, name in enumerate(names)})
    table = electrode_regions(info)
    assert set(table["region"]) == {"frontal"}
    assert table["nearest"].to_list() == names
