"""Eyes open against closed (EEGMMIDB runs 1 and 2), blocks of 12 s held out.

    python benchmarks/eyes.py --data FOLDER [--seeds 1] [--jobs 1]

FOLDER holds ``S001/S001R01.edf`` and ``S001/S001R02.edf``. Windows of 1 s, five folds,
Epochs straight into ``cross_val_score``, default settings.
"""

import argparse
import time
from pathlib import Path

import mne
import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mne_sst import FeatureExtractor, SSTClassifier


def load(folder):
    """Epochs of both runs, event codes 1 and 2, and the block of each window."""
    parts = []
    for run in (1, 2):
        path = Path(folder) / "S001" / f"S001R0{run}.edf"
        raw = mne.io.read_raw_edf(path, preload=True, verbose="ERROR")
        mne.datasets.eegbci.standardize(raw)
        builtin = mne.channels.get_builtin_montages()
        name = "colin27_1005" if "colin27_1005" in builtin else "standard_1005"
        raw.set_montage(name, match_case=False)
        parts.append(mne.make_fixed_length_epochs(raw, 1.0, preload=True, id=run, verbose="ERROR"))
        parts[-1].event_id = {"open" if run == 1 else "closed": run}
    blocks = np.concatenate([np.arange(len(e)) // 12 + 100 * i for i, e in enumerate(parts)])
    return mne.concatenate_epochs(parts, verbose="ERROR"), blocks


def main():
    """Print the balanced accuracy of each model and fold."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", required=True, help="folder of EEGMMIDB")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=1, help="folds at the same time")
    arguments = parser.parse_args()
    epochs, blocks = load(arguments.data)
    y = epochs.events[:, 2]
    scoring = dict(
        groups=blocks, cv=StratifiedGroupKFold(5), scoring="balanced_accuracy", error_score="raise"
    )
    linear = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=2000))
    flat = FeatureExtractor(verbose=False).transform(epochs).spectral.reshape(len(epochs), -1)
    scores = cross_val_score(linear, flat, y, **scoring)
    print(f"logistic regression on DE: {scores.mean():.3f} {np.round(scores, 2)}")
    for variant in ("paper", "authors"):
        for seed in range(arguments.seeds):
            clf = SSTClassifier(variant=variant, random_state=seed, verbose=False)
            start = time.perf_counter()
            scores = cross_val_score(clf, epochs, y, n_jobs=arguments.jobs, **scoring)
            seconds = time.perf_counter() - start
            print(
                f"SST, {variant}, seed {seed}: {scores.mean():.3f} {np.round(scores, 2)} "
                f"in {seconds:.0f} s",
                flush=True,
            )


if __name__ == "__main__":
    main()
