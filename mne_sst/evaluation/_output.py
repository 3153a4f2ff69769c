"""Results as files: CSV, Parquet, a Markdown table and figures."""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pandas as pd

from .. import viz
from .._checks import check_option
from .._io import replacing
from ._statistics import KINDS, confusion, kind_name, named_scores, summarize

#: What a column of a table is called in print.
PRINTED = {
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "macro_f1": "macro F1",
    "kappa": "Cohen's kappa",
    "trial_accuracy": "accuracy of trials",
}


def markdown_table(tables, score="accuracy"):
    """Lay results out as the paper does: a row a method, ACC and STD a data set.

    Parameters
    ----------
    tables : dict of str -> DataFrame
        Name of a data set -> table of `evaluate`.
    score : str
        Column to show, in percent (kappa as it is); its spread is that over subjects.

    Returns
    -------
    text : str
        Markdown. What used unlabelled test data, or the test set to choose the pass, is
        marked in the name of the method.

    Examples
    --------
    >>> from sklearn.dummy import DummyClassifier
    >>> from mne_sst.datasets import simulate_emotion
    >>> from mne_sst.evaluation import LeaveOneSubjectOut, markdown_table, evaluate
    >>> epochs = simulate_emotion(n_subjects=3, n_trials=3, n_windows=2)
    >>> models = {"first": DummyClassifier(), "second": DummyClassifier(strategy="uniform")}
    >>> y = epochs.metadata["emotion"]
    >>> table = evaluate(models, epochs, y, protocol=LeaveOneSubjectOut())
    >>> print(markdown_table({"simulated": table}).splitlines()[0])
    | Method | simulated, ACC (%) | STD (%) |
    """
    check_option("score", score, tuple(PRINTED))
    columns, chance = {}, {}
    factor, digits, unit = (1, 3, "") if score == "kappa" else (100, 2, " (%)")
    title = "ACC" if score == "accuracy" else PRINTED[score]
    for name, table in tables.items():
        summary = summarize(table, score)
        names = [kind_name(*kind) for kind in summary[list(KINDS)].itertuples(index=False)]
        cells = [
            " | ".join("-" if pd.isna(v) else f"{factor * v:.{digits}f}" for v in pair)
            for pair in zip(summary["mean"], summary["std"], strict=True)
        ]
        columns[name] = dict(zip(names, cells, strict=True))
        low, high = 100 * summary["chance"].min(), 100 * summary["chance"].max()
        # By permutation each method has a chance of its own.
        chance[name] = f"{low:.2f} | -" if high - low < 0.005 else f"{low:.2f} to {high:.2f} | -"
    methods = list(dict.fromkeys(m for cells in columns.values() for m in cells))
    head = " | ".join(f"{name}, {title}{unit} | STD{unit}" for name in columns)
    lines = [f"| Method | {head} |", "|---|" + "---:|---:|" * len(columns)]
    for method in methods:
        cells = [found.get(method, "- | -") for found in columns.values()]
        lines.append(f"| {method} | {' | '.join(cells)} |")
    # The chance of windows says nothing of trials.
    if score == "accuracy":
        lines.append(f"| chance | {' | '.join(chance.values())} |")
    return "\n".join(lines) + "\n"


def write_results(table, folder, name, score="accuracy", about=""):
    """Write everything there is to see of an evaluation.

    Parameters
    ----------
    table : DataFrame
        Of `evaluate`.
    folder : path-like
        Where; made if need be. Files that are there are replaced.
    name : str
        Of the data set.
    score : str
        What the Markdown table and the plot of subjects show.
    about : str
        A paragraph for the top of the Markdown file.

    Returns
    -------
    files : list of Path
        ``results.csv``, ``results.parquet`` (with pyarrow), ``table.md``, ``scores.png`` and
        ``confusion-*.png``.

    Examples
    --------
    >>> from mne_sst.evaluation import write_results
    >>> write_results(table, "results", "EEGMAT")  # doctest: +SKIP
    """
    check_option("score", score, tuple(PRINTED))
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    files = [folder / "results.csv"]
    flat = table.assign(confusion=[json.dumps(c) for c in table["confusion"]])
    with replacing(files[0]) as temporary:
        flat.to_csv(temporary, index=False)
    if importlib.util.find_spec("pyarrow") is not None:
        files.append(folder / "results.parquet")
        with replacing(files[-1]) as temporary:
            flat.to_parquet(temporary, index=False)
    files.append(folder / "table.md")
    text = f"# {name}\n\n{about}\n\n" + markdown_table({name: table}, score)
    text += f"\nMeans and standard deviations over subjects of the {PRINTED[score]}.\n"
    with replacing(files[-1]) as temporary:
        Path(temporary).write_text(text, encoding="utf-8")
    return files + _figures(table, folder, score)


def _figures(table, folder, score):
    shown = named_scores(table, score)
    chances = summarize(table)["chance"]
    alike = score == "accuracy" and np.ptp(chances) < 1e-9
    chance = chances.iloc[0] if alike else None
    figures = {"scores.png": viz.plot_scores(shown, PRINTED[score], chance=chance, show=False)}
    for name, matrix in confusion(table).items():
        slug = "".join(c if c.isalnum() else "-" for c in name).strip("-")
        while f"confusion-{slug}.png" in figures:  # "a b" and "a-b"
            slug += "-"
        figures[f"confusion-{slug}.png"] = viz.plot_confusion(
            matrix.to_numpy(), matrix.index.to_list(), title=name, show=False
        )
    for name, figure in figures.items():
        viz.save_figure(figure, folder / name)
    return [folder / name for name in figures]
