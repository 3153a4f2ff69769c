"""Rest against mental arithmetic (EEGMAT), subjects held out: the network and simple models.

    python benchmarks/eegmat.py --data FOLDER [--json FILE]

FOLDER holds ``eegmat_last60s_250Hz_int16.npz``: array ``X`` (72, 19, 15000) of int16, times
0.05 microvolt; the rows are subject 0 rest, subject 0 arithmetic, subject 1 rest, ...

Windows of 2 s, five folds of subjects. "inductive" knows nothing of a test subject;
"standardised" scales each subject by its own mean and spread, which uses its unlabelled
windows (transductive). In every recording rest comes before arithmetic: what a model finds
may be the order. Error is the standard deviation over subjects divided by the root of
their number.
"""

import argparse
import json
import platform
import time
from pathlib import Path

import mne
import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

import mne_sst
from mne_sst import EpochsFeatures, FeatureExtractor, SSTClassifier
from mne_sst.evaluation import scores

CHANNELS = "Fp1 Fp2 F3 F4 F7 F8 T3 T4 C3 C4 T5 T6 P3 P4 O1 O2 Fz Cz Pz".split()
SFREQ, WINDOW = 250.0, 2.0


def load(folder):
    """Windows of all subjects: Epochs with metadata subject and label."""
    with np.load(Path(folder) / "eegmat_last60s_250Hz_int16.npz") as file:
        recordings = file["X"] * 0.05e-6
    n_recordings, n_channels, n_times = recordings.shape
    n_samples = int(SFREQ * WINDOW)
    n_windows = n_times // n_samples
    data = recordings[..., : n_windows * n_samples].reshape(
        n_recordings, n_channels, n_windows, n_samples
    )
    data = data.transpose(0, 2, 1, 3).reshape(-1, n_channels, n_samples)
    recording = np.repeat(np.arange(n_recordings), n_windows)
    info = mne.create_info(CHANNELS, SFREQ, "eeg")
    builtin = mne.channels.get_builtin_montages()
    info.set_montage("colin27_1005" if "colin27_1005" in builtin else "standard_1005")
    table = pd.DataFrame(
        {
            "subject": recording // 2,
            "trial": recording % 2,
            "label": np.where(recording % 2, "arithmetic", "rest"),
        }
    )
    return mne.EpochsArray(data, info, metadata=table, verbose="ERROR")


def standardised(features, subjects):
    """Each subject scaled by its own mean and spread, channel by channel."""
    stacks = []
    for values, axes in ((features.spectral, 0), (features.temporal, (0, 2))):
        scaled = np.empty_like(values)
        for subject in np.unique(subjects):
            rows = subjects == subject
            part = values[rows]
            scaled[rows] = (part - part.mean(axes, keepdims=True)) / part.std(axes, keepdims=True)
        stacks.append(scaled)
    return EpochsFeatures(*stacks, features.info, features.settings, metadata=features.metadata)


def models(arguments):
    """Name -> (estimator, whether it takes features as they are)."""
    common = dict(
        grid_shape=(arguments.grid, arguments.grid),
        max_epochs=arguments.max_epochs,
        random_state=arguments.seed,
        verbose=False,
    )
    linear = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=2000))
    return {
        "logistic regression (C = 0.01)": (linear, False),
        "SVM (RBF, C = 1)": (make_pipeline(StandardScaler(), SVC()), False),
        "SST, paper, both streams": (SSTClassifier(**common), True),
        "SST, authors, both streams": (SSTClassifier(variant="authors", **common), True),
        "SST, paper, spectral stream": (SSTClassifier(streams="spectral", **common), True),
    }


def evaluate(estimator, takes_features, features, y, subjects, n_folds):
    """Balanced accuracy of each subject, and seconds for all folds."""
    X = features if takes_features else features.spectral.reshape(len(features), -1)
    predicted = np.empty_like(y)
    start = time.perf_counter()
    for train, test in GroupKFold(n_folds).split(y, y, subjects):
        if takes_features:
            # The validation part for early stopping is made of whole subjects.
            estimator.fit(X[train], y[train], groups=subjects[train])
        else:
            estimator.fit(X[train], y[train])
        predicted[test] = estimator.predict(X[test])
    seconds = time.perf_counter() - start
    each = [
        scores(y[subjects == s], predicted[subjects == s])["balanced_accuracy"]
        for s in np.unique(subjects)
    ]
    return np.array(each), seconds


def main():
    """Run all models and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", required=True, help="folder of the .npz file")
    parser.add_argument("--temporal", default="power", choices=["power", "signal"])
    parser.add_argument("--grid", type=int, default=12)
    parser.add_argument("--max-epochs", type=int, default=12)
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--setting", default="", help="inductive or standardised; both without")
    parser.add_argument("--only", default="", help="run models whose name holds this")
    parser.add_argument("--json", help="file for the results")
    arguments = parser.parse_args()
    console = Console(stderr=True)
    epochs = load(arguments.data)
    features = FeatureExtractor(temporal=arguments.temporal, verbose=False).transform(epochs)
    y = features.metadata["label"].to_numpy()
    subjects = features.metadata["subject"].to_numpy()
    rows = []
    inputs = {"inductive": features, "standardised": standardised(features, subjects)}
    for setting, X in inputs.items():
        for name, (estimator, takes_features) in models(arguments).items():
            if arguments.only not in name or arguments.setting not in setting:
                continue
            console.print(f"{setting}: {name} ...")
            each, seconds = evaluate(estimator, takes_features, X, y, subjects, arguments.folds)
            row = {"setting": setting, "model": name, "balanced_accuracy": each.mean()}
            row |= {"error": each.std(ddof=1) / np.sqrt(len(each)), "seconds": seconds}
            rows.append(row)
            console.print(f"    {each.mean():.3f} +- {row['error']:.3f} in {seconds:.0f} s")
    table = Table(title="EEGMAT, rest against arithmetic, subjects held out")
    for column in rows[0]:
        table.add_column(column)
    for row in rows:
        table.add_row(*[f"{v:.3f}" if isinstance(v, float) else v for v in row.values()])
    Console().print(table)
    if arguments.json:
        about = {"version": mne_sst.__version__, "machine": platform.platform(), **vars(arguments)}
        Path(arguments.json).write_text(json.dumps({"about": about, "rows": rows}, indent=1))


if __name__ == "__main__":
    main()
