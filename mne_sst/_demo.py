"""The demonstration: simulated emotions, from epochs to attention on the head."""

from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from .classifier import SSTClassifier
from .datasets import simulate_emotion
from .evaluation import scores, trial_vote
from .viz import save_figure

#: Of the trials of each subject, the last ones are for testing.
N_TRAIN_TRIALS = 9


def run_demo(
    output, seed=0, n_subjects=3, n_trials=15, n_windows=20, max_epochs=None, verbose=None
):
    """Train on simulated trials, test on others, write figures, tables and the model.

    Parameters
    ----------
    output : path-like
        Folder, made if it is not there.
    seed : int
        Of the data and of training.
    n_subjects, n_trials, n_windows : int
        Size of the data, see `mne_sst.datasets.simulate_emotion`.
    max_epochs : int | None
        Passes over the training data; None for those of `SSTClassifier`.
    verbose : bool | None
        Whether to show progress.

    Returns
    -------
    table : DataFrame
        Scores by window and by trial, of the network and of a linear model.
    files : list of Path
        What was written.
    """
    output = Path(output)
    output.mkdir(parents=True, exist_ok=True)
    epochs = simulate_emotion(n_subjects, 1, n_trials, n_windows, seed=seed)
    features = SSTClassifier(verbose=verbose).extract(epochs)
    emotion = features.metadata["emotion"].to_numpy()
    n_train = round(N_TRAIN_TRIALS / 15 * n_trials)
    test = (features.metadata["trial"] > n_train).to_numpy()
    clf = SSTClassifier(
        n_networks=2,  # a demonstration need not take longer
        max_epochs=max_epochs,
        random_state=seed,
        verbose=verbose,
    )
    clf.fit(features[~test], emotion[~test])
    linear = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=1000))
    flat = features.spectral.reshape(len(features), -1)
    linear.fit(flat[~test], emotion[~test])
    probabilities = {
        "SST-EmotionNet": clf.predict_proba(features[test]),
        "logistic regression on DE": linear.predict_proba(flat[test]),
    }
    trials = features.groups(["subject", "session", "trial"])[test]
    table = _score_table(emotion[test], probabilities, clf.classes_, trials)
    return table, _write(output, clf, features, test, table, probabilities["SST-EmotionNet"])


def _score_table(y, probabilities, classes, trials):
    rows = []
    for model, p in probabilities.items():
        rows.append({"model": model, "by": "window", **scores(y, classes[p.argmax(1)], classes)})
        voted = trial_vote(y, p, classes, trials)
        rows.append({"model": model, "by": "trial", **scores(*voted, classes)})
    return pd.DataFrame(rows)


def _write(output, clf, features, test, table, probabilities):
    held_out = features[test]
    emotion = held_out.metadata["emotion"].to_numpy()
    attention = clf.attention(held_out, emotion)
    attribution = clf.attribute(held_out, emotion, method="gradient")
    common = {"subjects": held_out.metadata["subject"], "show": False}
    figures = {
        "attention_topomap.png": attention.plot_topomap(**common),
        "attention_bands.png": attention.plot_bands(**common),
        "attention_times.png": attention.plot_times(**common),
        "attribution_topomap.png": attribution.plot_topomap(**common),
        "attribution_bands.png": attribution.plot_bands(**common),
    }
    for name in clf.classes_:
        own = features[(features.metadata["emotion"] == name).to_numpy()]
        figures[f"features_{name}.png"] = own.plot_topomap(
            subjects=own.metadata["subject"], show=False
        )
    files = []
    for name, figure in figures.items():
        save_figure(figure, output / name, dpi=120)
        files.append(output / name)
    predictions = held_out.metadata.copy()
    predictions["predicted"] = clf.classes_[np.argmax(probabilities, axis=1)]
    for i, name in enumerate(clf.classes_):
        predictions[f"p_{name}"] = probabilities[:, i]
    tables = {
        "scores.csv": table,
        "predictions.csv": predictions,
        "attention.csv": attention.average().to_data_frame(),
        "history.csv": clf.history_,
    }
    for name, frame in tables.items():
        frame.to_csv(output / name, index=False)
        files.append(output / name)
    clf.save(output / "model.safetensors", overwrite=True)
    return [*files, output / "model.safetensors"]
