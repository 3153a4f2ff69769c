"""What several test modules need."""

import mne
import numpy as np

from mne_sst import FeatureExtractor

#: Electrodes of `small_info`.
NAMES = ["Fp1", "Fp2", "F3", "F4", "C3", "Cz", "C4", "P3", "P4", "Oz"]


def extract(X, **params):
    """Features of ``X``, silently and in double precision unless said."""
    return FeatureExtractor(**{"verbose": False, "dtype": "float64", **params}).transform(X)


def peak(name, height=1.0):
    """A value at one electrode, 0 at the others."""
    return height * np.array([float(n == name) for n in NAMES])


def make_raw(names, kinds="eeg", sfreq=100.0, **kwargs):
    """Ten seconds of noise."""
    info = mne.create_info(names, sfreq, kinds)
    data = 1e-5 * np.random.default_rng(3).standard_normal((len(names), int(10 * sfreq)))
    return mne.io.RawArray(data, info, **kwargs, verbose="ERROR")


def said(caplog):
    """What this package logged."""
    return [r.getMessage() for r in caplog.records if r.name == "mne_sst"]


def positions(inst):
    """Place of each channel."""
    return {ch["ch_name"]: ch["loc"][:3] for ch in inst.info["chs"]}


def placed(epochs):
    """Whether every electrode has a position."""
    return np.isfinite([ch["loc"][:3] for ch in epochs.info["chs"]]).all()
