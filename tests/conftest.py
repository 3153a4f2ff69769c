import http.server
import os
import threading
from collections import Counter
from pathlib import Path

# Before torch is imported: tests run side by side, each on one thread.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("NUMBA_NUM_THREADS", "1")
os.environ.setdefault("MPLBACKEND", "agg")

import matplotlib.pyplot as plt
import mne
import numpy as np
import pytest
import torch
from helpers import NAMES, Server

from mne_sst import FeatureExtractor, SSTClassifier
from mne_sst.datasets import simulate_emotion

torch.set_num_threads(1)

#: A network small enough to train in a second; two streams, all masks.
TINY = dict(
    grid_shape=(8, 8),
    depth_spectral=10,
    depth_temporal=10,
    growth_spectral=4,
    growth_temporal=4,
    n_blocks=2,
    n_networks=1,
    common_weight=1.0,
    lr=1e-3,
    noise=0.0,
    max_epochs=3,
    batch_size=16,
    validation_fraction=0.2,
    precision="fp32",
    device="cpu",
    random_state=0,
    verbose=False,
)


def tiny_classifier(**params):
    return SSTClassifier(**{**TINY, **params})


def find_folder(variable, default):
    folder = Path(os.environ.get(variable, Path(__file__).parents[2] / "shared" / default))
    return folder if folder.is_dir() else None


@pytest.fixture(scope="session")
def reference():
    """Numbers to match, where they are at hand."""
    folder = find_folder("MNE_SST_REFERENCE", "reference")
    if folder is None:
        pytest.skip("reference numbers not at hand (MNE_SST_REFERENCE)")
    return folder


@pytest.fixture(scope="session")
def recordings():
    """Real recordings, where they are at hand."""
    folder = find_folder("MNE_SST_DATA", "data")
    if folder is None:
        pytest.skip("real recordings not at hand (MNE_SST_DATA)")
    return folder


@pytest.fixture(scope="session")
def epochs():
    """Two subjects, six trials each, four windows a trial, 62 channels at 200 Hz."""
    return simulate_emotion(n_subjects=2, n_trials=6, n_windows=4, effect=3.0)


@pytest.fixture(scope="session")
def y(epochs):
    return epochs.metadata["emotion"].to_numpy()


@pytest.fixture(scope="session")
def groups(epochs):
    return epochs.metadata.groupby(["subject", "trial"]).ngroup().to_numpy()


@pytest.fixture(scope="session")
def features(epochs):
    return FeatureExtractor(verbose=False).transform(epochs)


@pytest.fixture(scope="session")
def fitted(features, y):
    """A fitted classifier; do not change it."""
    return tiny_classifier().fit(features, y)


@pytest.fixture(scope="session")
def small_info():
    """Ten electrodes with positions, 200 Hz."""
    info = mne.create_info(NAMES, 200.0, "eeg")
    builtin = mne.channels.get_builtin_montages()
    return info.set_montage("colin27_1005" if "colin27_1005" in builtin else "standard_1005")


@pytest.fixture
def small_epochs(small_info, rng):
    """Four windows of noise, of two kinds."""
    data = 1e-5 * rng.standard_normal((4, len(small_info["ch_names"]), 200))
    events = np.column_stack([np.arange(4) * 200, np.zeros(4, int), [1, 2, 1, 2]])
    return mne.EpochsArray(
        data, small_info, events, event_id={"left": 1, "right": 2}, verbose=False
    )


@pytest.fixture
def rng():
    return np.random.default_rng(20)


@pytest.fixture
def no_figures():
    """No figure stays behind."""
    assert plt.get_fignums() == []
    yield
    plt.close("all")


@pytest.fixture
def shown(monkeypatch):
    """Calls of plt.show, which opens no window."""
    calls = []
    monkeypatch.setattr(plt, "show", lambda *args, **kwargs: calls.append(args))
    return calls


@pytest.fixture
def server():
    """A local HTTP server; see `helpers.Server`."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server) as httpd:
        httpd.files, httpd.faults, httpd.asked, httpd.ranges = {}, {}, Counter(), []
        httpd.url = f"http://127.0.0.1:{httpd.server_port}/files/eegmat/1.0.0/"
        thread = threading.Thread(target=httpd.serve_forever, daemon=True)
        thread.start()
        yield httpd
        httpd.shutdown()
