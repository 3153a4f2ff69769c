"""What `mne-sst evaluate` does: a data set, a protocol and models to files."""

from dataclasses import dataclass
from pathlib import Path

import mne
import numpy as np
import pandas as pd
from sklearn.utils.validation import has_fit_parameter

from ._checks import check_option, listed, progress
from .classifier import SSTClassifier
from .datasets import SETS
from .evaluation import (
    CrossSession,
    FixedTrials,
    LeaveOneSubjectOut,
    ShuffledWindows,
    SubjectKFold,
    TrialKFold,
    ablation,
    evaluate,
    write_results,
)
from .evaluation.baselines import NAMES, baselines
from .features import EpochsFeatures, FeatureExtractor, concatenate_features, read_features

#: Name -> parameters of the network.
NETWORKS = {
    "sst": {},
    "sst-authors": {"variant": "authors"},
    "sst-spectral": {"streams": "spectral"},
    "sst-temporal": {"streams": "temporal"},
}
PROTOCOLS = ("fixed-trials", "trials", "sessions", "subjects", "subjects-kfold", "shuffled")
#: Models that want signals instead of features.
_ON_SIGNALS = ("riemann",)


@dataclass
class Loaded:
    """A data set as it is evaluated."""

    title: str
    features: EpochsFeatures
    epochs: mne.BaseEpochs | None
    y: np.ndarray


def load(
    name,
    root=None,
    *,
    subjects=None,
    target=None,
    signals=False,
    official=False,
    both_stacks=False,
    verbose=None,
    **cut,
):
    """Read a data set, subject by subject, or a file.

    Parameters
    ----------
    name : str
        One of `mne_sst.datasets.SETS`, or a file of epochs or of features.
    root : path-like | None
        Folder of the data set.
    subjects : list of int | None
        None for all that are in ``root``; without that, all of an open set.
    target : str | None
        Column of the metadata to predict.
    signals : bool
        Whether to keep the epochs as well.
    official : bool
        Whether to take the features that came with the set.
    both_stacks : bool
        Whether a model needs signals beside these.
    verbose : bool | None
        Whether to show progress.
    **cut
        ``window``, ``overlap`` and ``allow_pickle`` for the reader, ``temporal`` and
        ``reference`` for the features.

    Returns
    -------
    loaded : Loaded
    """
    temporal = cut.pop("temporal", "power")
    extractor = FeatureExtractor(
        temporal=temporal, reference=cut.pop("reference", "average"), verbose=False
    )
    if name not in SETS:
        _check_nothing(name, root=root, official=official, **cut)
        return _load_file(Path(name), extractor, subjects, target, signals)
    known = SETS[name]
    _check_official(known, official, signals)
    if not known.pickled and cut.pop("allow_pickle", False):
        raise ValueError(f"--allow-pickle: {known.title} has no pickle files; leave it out.")
    subjects, root = known.choose(root, subjects, official), known.folder_of(root)
    parts, kept = [], []
    # Simulated subjects are one draw, and a single file is opened once.
    groups = [[s] for s in subjects] if known.subject else [subjects]
    with progress(len(groups), f"Reading {known.title}", verbose) as bar:
        for group in groups:
            if official:
                parts.append(known.read(root, group, data="features", temporal=temporal, **cut))
                _check_stack(parts, known, group[0], both_stacks)
            else:
                epochs = known.read(root, group, **cut)
                parts.append(extractor.transform(epochs))
                kept += [epochs] if signals else []
            bar.update(1)
    joined = concatenate_features(parts)
    epochs = mne.concatenate_epochs(kept, verbose="ERROR") if signals else None
    y = _target(joined.metadata, target or known.target)
    return Loaded(known.title, joined, epochs, y)


def _check_official(known, official, signals):
    if official and not known.official_files:
        have = listed([name for name, other in SETS.items() if other.official_files])
        raise ValueError(f"--official: no features came with {known.title}, only with {have}.")
    if official and signals:
        raise ValueError(f"--official: {listed(_ON_SIGNALS)} needs signals; leave it out.")


def _check_stack(parts, known, subject, both_stacks):
    """Raise ValueError as soon as signals are missing beside official features."""
    first, last = (part.temporal.shape[2] for part in (parts[0], parts[-1]))
    if both_stacks and not last:
        raise ValueError(
            f"--official: subject {subject} of {known.title} has features but no signals, which "
            "models of two streams need as well. Get the signals, or take models without, such "
            "as --models sst-spectral,logistic and no --ablation."
        )
    if bool(first) != bool(last):
        raise ValueError(
            f"--official: subject {subject} of {known.title} has features "
            f"{'and' if last else 'but no'} signals, unlike the first subject. Get the missing "
            "files, or leave subjects out by --subjects."
        )


def _check_nothing(name, **options):
    """Raise ValueError for options that mean nothing for a file of windows."""
    given = [f"--{option.replace('_', '-')}" for option, value in options.items() if value]
    if given and Path(name).is_file():
        raise ValueError(
            f"--data {name} is a file of windows, for which {listed(given)} means nothing; leave "
            "it out."
        )


def _load_file(path, extractor, subjects, target, signals):
    if not path.is_file():
        raise FileNotFoundError(
            f"--data {path}: neither a data set ({', '.join(SETS)}) nor a file."
        )
    if path.name.endswith((".fif", ".fif.gz")):
        try:
            epochs = mne.read_epochs(path, verbose="ERROR")
        except ValueError as error:
            raise ValueError(
                f"--data {path} holds no epochs ({error}). Cut recordings into epochs with "
                "subject, trial and label in the metadata, and save these."
            ) from error
        features = extractor.transform(epochs)
    else:
        epochs, features = None, read_features(path)
        if signals:
            raise ValueError(f"{listed(_ON_SIGNALS)} needs signals, but {path} holds features.")
    if features.metadata is None:
        raise ValueError(f"{path} has no metadata; columns subject, trial and label are needed.")
    if subjects is not None:
        wanted = _rows_of(features.metadata, subjects)
        features, epochs = features[wanted], None if epochs is None else epochs[wanted]
    y = _target(features.metadata, target or "label")
    return Loaded(path.stem, features, epochs, y)


def _rows_of(table, subjects):
    """Windows of these subjects, each of which must be there."""
    check_option("--subjects: column", "subject", tuple(table.columns))
    missing = sorted(set(subjects) - set(table["subject"]))
    if missing:
        there = listed(table["subject"].unique())
        raise ValueError(f"--subjects: {listed(missing)} not found, only {there}.")
    return np.flatnonzero(table["subject"].isin(subjects))


def _target(table, column):
    if column not in table:
        raise ValueError(
            f"--target {column}: no such column in the metadata ({listed(table.columns)}). Give "
            "the one to predict by --target."
        )
    return table[column].to_numpy()


def check_choices(models, best_on_test, chance, jobs, output):
    """Raise ValueError or OSError for what cannot be done whatever the data are.

    Parameters
    ----------
    models : tuple of dict
        Of `make_models`.
    best_on_test : bool
        Whether the published way is asked for too.
    chance : str
        See `evaluate`.
    jobs : int
        Folds at the same time; -1 for all processors.
    output : Path
        Folder of the results.
    """
    if jobs == 0:
        raise ValueError("--jobs must be 1 or more, or -1 for all processors, got 0.")
    if output.exists() and not output.is_dir():
        raise NotADirectoryError(f"--output {output} is a file; give a folder.")
    check_option("--chance", chance, ("majority", "permutation"))
    if not any(models):
        raise ValueError(
            f"--models is empty: give some of {listed([*NETWORKS, *NAMES], 20)}, or --ablation."
        )
    if best_on_test and not any(has_fit_parameter(m, "on_pass") for m in models[0].values()):
        raise ValueError(
            "--best-on-test needs a model that trains in passes (sst, dgcnn) among --models, got "
            f"{listed([*models[0], *models[1]])}."
        )


def make_protocol(name, folds, n_train, data=None):
    """Make the splitter of a name.

    Parameters
    ----------
    name : str
        One of ``PROTOCOLS``.
    folds : int
        Parts, where there are parts.
    n_train : int | None
        First trials of a session that are trained on, for ``"fixed-trials"``.
    data : str | None
        Data set, which may tell that number.

    Returns
    -------
    protocol : splitter
    """
    check_option("--protocol", name, PROTOCOLS)
    if n_train is None and data in SETS:
        n_train = SETS[data].n_train
    if name == "fixed-trials" and n_train is None:
        raise ValueError("--protocol fixed-trials needs --n-train, which this data set lacks.")
    makers = {
        "fixed-trials": lambda: FixedTrials(n_train),
        "trials": lambda: TrialKFold(folds),
        "sessions": CrossSession,
        "subjects": LeaveOneSubjectOut,
        "subjects-kfold": lambda: SubjectKFold(folds),
        "shuffled": lambda: ShuffledWindows(folds),
    }
    return makers[name]()


def make_models(names, with_ablation=False, **params):
    """Make estimators by name, those that want signals apart.

    Parameters
    ----------
    names : list of str
        Of ``NETWORKS`` and of the baselines.
    with_ablation : bool
        Whether to add the ablation of the paper.
    **params
        Of `SSTClassifier`.

    Returns
    -------
    on_features, on_signals : dict of str -> estimator
    """
    unknown = [n for n in names if n not in NETWORKS and n not in NAMES]
    if unknown:
        raise ValueError(
            f"--models: {listed(unknown)} not among {listed([*NETWORKS, *NAMES], 20)}."
        )
    on_features, on_signals = {}, {}
    for name in dict.fromkeys(names):
        if name in NETWORKS:
            on_features[name] = SSTClassifier(**{"verbose": False, **params, **NETWORKS[name]})
        else:
            (on_signals if name in _ON_SIGNALS else on_features).update(baselines([name]))
    if with_ablation:
        found = ablation(SSTClassifier(**{"verbose": False, **params}))
        on_features |= {f"sst: {name}": clf for name, clf in found.items()}
    return on_features, on_signals


def run(loaded, models, protocol, output, *, about="", **params):
    """Evaluate and write everything; what is there of an earlier run is not done again.

    Parameters
    ----------
    loaded : Loaded
        The data.
    models : tuple of dict
        Of `make_models`.
    protocol : splitter
        Of `make_protocol`.
    output : path-like
        Folder.
    about : str
        Paragraph for the top of the table.
    **params
        Of `evaluate`.

    Returns
    -------
    table : DataFrame
    files : list of Path
    """
    output = Path(output)
    output.mkdir(parents=True, exist_ok=True)
    tables = []
    for part, data, file in zip(
        models,
        (loaded.features, loaded.epochs),
        ("results.jsonl", "results-signals.jsonl"),
        strict=True,
    ):
        if not part:
            continue
        own = dict(params)
        if data is loaded.epochs:
            # Covariances of signals are not standardised by subject, nor trained in passes.
            own |= {"standardize": None, "selection": "none"}
        tables.append(
            evaluate(part, data, loaded.y, protocol=protocol, results=output / file, **own)
        )
    table = pd.concat(tables, ignore_index=True)
    table.attrs.update(tables[0].attrs)
    return table, write_results(table, output, loaded.title, about=about)
