"""Rest against mental arithmetic (EEGMAT), subjects held out: the network and simple models.

    python benchmarks/eegmat.py --data FOLDER --output FOLDER [--seeds 3] [--jobs 2]

FOLDER of the data holds ``eegmat_last60s_250Hz_int16.npz``: array ``X`` (72, 19, 15000) of
int16, times 0.05 microvolt; the rows are subject 0 rest, subject 0 arithmetic, subject 1 rest,
and so on. Windows of 2 s, five folds of subjects. Three ways stand side by side:

inductive
    nothing is known of a test subject;
standardised
    each subject is scaled by its own windows, which are not labelled (transductive);
shuffled
    windows of one recording stand on both sides: what a leak makes of it, never a result.

In every recording rest comes before arithmetic: what a model finds may be the order. All
models get the same DE, under an average reference, but for the tangent space, which gets the
signals. A second call goes on where the first one was stopped.
"""

import argparse
from pathlib import Path

import mne
import numpy as np
import pandas as pd

from mne_sst import SSTClassifier
from mne_sst.evaluation import (
    ShuffledWindows,
    SubjectKFold,
    compare,
    evaluate,
    summarize,
    write_results,
)
from mne_sst.evaluation.baselines import baselines

CHANNELS = "Fp1 Fp2 F3 F4 F7 F8 T3 T4 C3 C4 T5 T6 P3 P4 O1 O2 Fz Cz Pz".split()
SFREQ, WINDOW = 250.0, 2.0
SETTINGS = ("inductive", "standardised", "shuffled")
SCORE = "balanced_accuracy"


def load(folder):
    """Windows of all subjects: Epochs with metadata subject, session, trial and label."""
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
            "session": 1,
            "trial": recording % 2,
            "label": np.where(recording % 2, "arithmetic", "rest"),
        }
    )
    return mne.EpochsArray(data, info, metadata=table, verbose="ERROR")


def networks(**params):
    """Name -> network: both variants, and each stream alone."""
    common = {"verbose": False, **params}
    return {
        "SST, paper": SSTClassifier(**common),
        "SST, authors": SSTClassifier(variant="authors", **common),
        "SST, spectral stream": SSTClassifier(streams="spectral", **common),
        "SST, temporal stream": SSTClassifier(streams="temporal", **common),
    }


def run(setting, arguments, epochs, features):
    """Evaluate all models in one setting; returns the table of `evaluate`."""
    simple = baselines(["logistic", "svm", "rbf-svm", "knn", "dgcnn"])
    models = {**networks(grid_shape=(arguments.grid, arguments.grid)), **simple}
    if arguments.only:
        models = {k: v for k, v in models.items() if arguments.only in k}
    protocol = ShuffledWindows(5) if setting == "shuffled" else SubjectKFold(5)
    common = dict(
        protocol=protocol, seeds=range(arguments.seeds), n_jobs=arguments.jobs, verbose=None
    )
    folder = Path(arguments.output)
    tables = [
        evaluate(
            models,
            features,
            standardize="subject" if setting == "standardised" else None,
            results=folder / f"{setting}.jsonl",
            **common,
        )
    ]
    if setting != "standardised" and not arguments.only:
        riemann = {"tangent space": baselines(["riemann"])["riemann"]}
        file = folder / f"{setting}-signals.jsonl"
        tables.append(evaluate(riemann, epochs, results=file, **common))
    table = pd.concat(tables, ignore_index=True)
    table.attrs.update(tables[0].attrs)
    return table


def main():
    """Run all models and write tables and figures."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", required=True, help="folder of the .npz file")
    parser.add_argument("--output", required=True, help="folder for results")
    parser.add_argument("--settings", nargs="+", default=SETTINGS, choices=SETTINGS)
    parser.add_argument("--subjects", nargs=2, type=int, default=(0, 35), help="first and last")
    parser.add_argument("--grid", type=int, default=10)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--only", default="", help="models whose name holds this")
    arguments = parser.parse_args()
    epochs = load(arguments.data)
    first, last = arguments.subjects
    epochs = epochs[epochs.metadata["subject"].between(first, last).to_numpy()]
    features = SSTClassifier(verbose=False).extract(epochs)
    for setting in arguments.settings:
        table = run(setting, arguments, epochs, features)
        write_results(table, Path(arguments.output) / setting, "EEGMAT", SCORE, about=setting)
        summary = summarize(table, SCORE)
        print(f"\n{setting}, {SCORE}, subjects {first} to {last}")
        print(summary.drop(columns="chance").round(3).to_string(index=False), flush=True)
        if setting != "shuffled" and "SST, paper" in set(table["estimator"]):
            print(compare(table, SCORE, reference="SST, paper").round(3).to_string(index=False))


if __name__ == "__main__":
    main()
