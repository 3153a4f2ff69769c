"""
Your own data
=============

From a recording on disk to a report: read, place electrodes, filter, cut, train, look, write down.
"""

# %%
# Two recordings
# --------------
# EDF files of eyes open and eyes closed, if subject 1 of EEGMMIDB lies in MNE's data folder; else
# two simulated recordings, written to disk as they might come from a laboratory. Each begins with
# what the file says, and nothing else.

import tempfile
from pathlib import Path

import mne
import numpy as np

from mne_sst import SSTClassifier, viz
from mne_sst.datasets import SETS, simulate_emotion
from mne_sst.report import make_report

folder = tempfile.TemporaryDirectory()
known = SETS["eegbci"]
if 1 in known.subjects():
    print("EEGMMIDB, subject 1: eyes open, eyes closed")
    files = {
        "open": known.where() / "S001" / "S001R01.edf",
        "closed": known.where() / "S001" / "S001R02.edf",
    }
else:
    print("Simulated: two recordings (EEGMMIDB is not in the data folder)")
    epochs = simulate_emotion(n_subjects=1, n_trials=3, n_windows=50)
    files = {}
    for state, emotion in {"open": "positive", "closed": "neutral"}.items():
        signals = np.concatenate(list(epochs[emotion].get_data(copy=False)), axis=1)
        files[state] = Path(folder.name) / f"{state}_raw.fif"
        info = mne.create_info(epochs.ch_names, 200.0, "eeg")  # no positions: as it often is
        mne.io.RawArray(signals, info, verbose=False).save(files[state], verbose=False)

# %%
# Electrodes need positions
# -------------------------
# A montage gives them. Without one, `mne_sst.SSTClassifier` raises an error that names the
# channels.


def read(file):
    """Read, name the channels as montages do, place them, filter."""
    raw = mne.io.read_raw(file, preload=True, verbose=False)
    if file.suffix == ".edf":
        mne.datasets.eegbci.standardize(raw)
    usual = mne.channels.make_standard_montage("easycap-M1")
    names = {name.upper(): name for name in usual.ch_names}
    raw.rename_channels({n: names.get(n.upper(), n) for n in raw.ch_names})
    raw.pick([n for n in raw.ch_names if n in usual.ch_names])
    raw.set_montage(usual, verbose=False)
    raw.set_annotations(None)
    return raw.filter(0.5, None, verbose=False)


raws = {state: read(file) for state, file in files.items()}
raws["open"]

# %%
# Windows
# -------
# Of 1 s, with what they are and where they come from. Windows beside each other are alike, so
# blocks of ten seconds stand for trials: of every five blocks the last is held out.

import pandas as pd

parts = []
for state, raw in raws.items():
    part = mne.make_fixed_length_epochs(raw, duration=1.0, preload=True, verbose=False)
    part.drop(range(len(part) // 10 * 10, len(part)), verbose=False)
    block = np.arange(len(part)) // 10
    part.metadata = pd.DataFrame({"state": state, "trial": block + 100 * (state == "closed")})
    parts.append(part)
epochs = mne.concatenate_epochs(parts, verbose=False)
y = epochs.metadata["state"].to_numpy()
held = (epochs.metadata["trial"] % 5 == 4).to_numpy()
print(f"{(~held).sum()} windows to train on, {held.sum()} held out")

# %%
# Train and test
# --------------
# One network and few passes, to be quick.

clf = SSTClassifier(n_networks=1, max_epochs=12, random_state=0, verbose=False)
clf.fit(epochs[~held], y[~held])
print(f"accuracy on windows held out: {clf.score(epochs[held], y[held]):.2f}")
viz.plot_history(clf.history_)

# %%
# Along the recording
# -------------------
# States as annotations, read piece by piece, so that a recording of a night needs no more memory
# than one of a minute. ``raw.set_annotations(raw.annotations + states)`` shows them in
# ``raw.plot()``.

states = clf.annotate(raws["closed"], overlap=0.5, merge=True)
print(states)
states.to_data_frame(time_format=None).head(3)

# %%
# The same as probabilities, with the attention at two moments:

windows = clf.annotate(raws["closed"])
times = windows.onset + windows.duration / 2
if windows.orig_time is not None:  # then onsets are counted from the measurement date
    times -= raws["closed"].first_time
probabilities = [[extra[f"p_{name}"] for name in clf.classes_] for extra in windows.extras]
features = clf.extract(raws["closed"])
heads = clf.attention(features).to_electrodes("spectral")
viz.plot_timeline(
    times,
    probabilities,
    clf.classes_,
    heads={times[i]: heads[i] for i in (10, 40)},
    info=features.info,
    unit="attention (1 = even)",
)

# %%
# A report
# --------
# All of it on one page, with the windows that were held out.

report = make_report(clf, epochs[held], y[held], groups="trial", n_attributed=20, verbose=False)
file = Path(folder.name) / "report.html"
report.save(file, open_browser=False, verbose=False)
print(f"{file.name}: {file.stat().st_size / 1e6:.1f} MB")
folder.cleanup()

# %%
# Or from the shell, without a line of Python::
#
#     mne-sst fit open.edf closed.edf --label file --output eyes.safetensors
#     mne-sst report eyes.safetensors open2.edf closed2.edf --label file --output report.html
