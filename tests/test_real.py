"""On real recordings, where they are at hand: eyes open against closed."""

import mne
import numpy as np
import pytest
from conftest import TINY
from sklearn.model_selection import StratifiedGroupKFold, cross_val_score

from mne_sst import FeatureExtractor, SSTClassifier
from mne_sst._montage import standard_montage


@pytest.fixture(scope="module")
def eyes(recordings):
    """1 s windows of EEGMMIDB, runs 1 (eyes open) and 2 (closed), and blocks of 12 s."""
    parts = []
    for run, name in ((1, "open"), (2, "closed")):
        path = recordings / "eegmmidb" / "S001" / f"S001R0{run}.edf"
        raw = mne.io.read_raw_edf(path, preload=True, verbose="ERROR")
        mne.datasets.eegbci.standardize(raw)
        raw.set_montage(standard_montage(), match_case=False)
        epochs = mne.make_fixed_length_epochs(raw, 1.0, preload=True, verbose="ERROR", id=run)
        epochs.event_id = {name: run}
        parts.append(epochs)
    blocks = np.concatenate([np.arange(len(e)) // 12 + 100 * i for i, e in enumerate(parts)])
    return mne.concatenate_epochs(parts, verbose="ERROR"), blocks


def test_posterior_alpha_rises_with_closed_eyes(eyes):
    epochs, _ = eyes
    features = FeatureExtractor(verbose=False).transform(epochs)
    alpha = features.spectral[..., list(features.bands).index("alpha")]
    closed = epochs.events[:, 2] == 2
    rise = dict(zip(features.ch_names, alpha[closed].mean(0) - alpha[~closed].mean(0), strict=True))
    back = np.mean([rise[n] for n in ("O1", "Oz", "O2", "PO7", "PO8", "POz")])
    front = np.mean([rise[n] for n in ("Fp1", "Fpz", "Fp2", "AF7", "AF8", "AFz")])
    # 1 nat is a factor of 7 in power; the front sees little of it.
    assert back > 1.0
    assert back > front + 0.7
    assert max(rise, key=rise.get) in (
        "O1",
        "Oz",
        "O2",
        "PO7",
        "PO8",
        "PO3",
        "PO4",
        "POz",
        "P8",
        "Iz",
    )
    others = features.spectral[..., list(features.bands).index("beta")]
    assert np.abs(others[closed].mean(0) - others[~closed].mean(0)).mean() < back / 2


@pytest.mark.slow
def test_eyes_open_or_closed(eyes):
    """Epochs straight into cross_val_score, default settings of training, blocks held out."""
    epochs, blocks = eyes
    clf = SSTClassifier(random_state=0, verbose=False)
    scores = cross_val_score(
        clf,
        epochs,
        epochs.events[:, 2],
        groups=blocks,
        cv=StratifiedGroupKFold(5),
        scoring="balanced_accuracy",
        error_score="raise",
        n_jobs=2,
    )
    assert scores.mean() >= 0.95, scores


def test_attention_comes_back_to_the_head(eyes):
    epochs, _ = eyes
    clf = SSTClassifier(**TINY).fit(epochs)
    fig = clf.attention(epochs).plot_topomap(show=False)
    titles = [ax.get_title() for ax in fig.axes if ax.get_title()]
    assert all(t.split("\n")[0] in ("1", "2") for t in titles)
