"""The commands ``mne-sst evaluate`` and ``mne-sst datasets``."""

from pathlib import Path
from typing import Annotated

import typer

from ._cli_base import Overlap, Quiet, print_table, verbose_of


def evaluate(
    data: Annotated[
        str,
        typer.Option(help="A set (see `mne-sst datasets`), or a file -epo.fif, .safetensors."),
    ],
    protocol: Annotated[
        str,
        typer.Option(
            help="fixed-trials, trials, sessions, subjects, subjects-kfold; shuffled only to "
            "show a leak."
        ),
    ],
    output: Annotated[Path, typer.Option(help="Folder; an earlier run in it is taken up.")],
    root: Annotated[
        Path | None,
        typer.Option(help="Folder of the set, or that it lies in; MNE's data folder without."),
    ] = None,
    models: Annotated[
        str, typer.Option(help="sst, sst-authors, sst-spectral, sst-temporal and baselines.")
    ] = "sst,logistic,svm,rbf-svm,knn,dgcnn",
    with_ablation: Annotated[
        bool, typer.Option("--ablation", help="Add the ablation of the paper.")
    ] = False,
    seeds: Annotated[int, typer.Option(min=1, help="Runs, with seeds 0, 1, ...")] = 1,
    jobs: Annotated[int, typer.Option(help="Folds at the same time; -1 for all cores.")] = 1,
    folds: Annotated[int, typer.Option(min=2, help="Of trials, subjects-kfold.")] = 5,
    n_train: Annotated[
        int | None, typer.Option(min=1, help="First trials to train on, for fixed-trials.")
    ] = None,
    subjects: Annotated[
        str | None,
        typer.Option(help="Such as 1,2,5 or 0-17; without it all that are in --root, or all."),
    ] = None,
    target: Annotated[str | None, typer.Option(help="Column to predict.")] = None,
    window: Annotated[float | None, typer.Option(help="s; that of the reader without it.")] = None,
    overlap: Overlap = 0.0,
    temporal: Annotated[str, typer.Option(help="Temporal stack: signal or power.")] = "power",
    official: Annotated[
        bool, typer.Option("--official", help="The features that came with the set.")
    ] = False,
    allow_pickle: Annotated[
        bool, typer.Option("--allow-pickle", help="Read pickle files of SEED-V, DEAP, FACED.")
    ] = False,
    standardize: Annotated[
        bool, typer.Option("--standardize", help="Each subject by itself; transductive.")
    ] = False,
    best_on_test: Annotated[
        bool, typer.Option("--best-on-test", help="The published way too, beside the fair one.")
    ] = False,
    chance: Annotated[
        str, typer.Option(help="majority, or permutation of the predictions.")
    ] = "majority",
    grid: Annotated[int, typer.Option(min=8, help="Height and width of the maps.")] = 10,
    max_epochs: Annotated[
        int | None, typer.Option(min=1, help="Passes over the data; the default without it.")
    ] = None,
    networks: Annotated[
        int | None, typer.Option(min=1, help="Asked together; four without it.")
    ] = None,
    quiet: Quiet = False,
):
    """Compare models on a data set, without leaks, and write tables and figures."""
    import matplotlib as mpl

    from ._evaluation_run import check_choices, load, make_models, make_protocol, run
    from .evaluation import summarize

    mpl.use("agg")
    params = {"grid_shape": (grid, grid)} | ({"max_epochs": max_epochs} if max_epochs else {})
    params |= {"n_networks": networks} if networks else {}
    chosen = make_models(
        [m.strip() for m in models.split(",") if m.strip()], with_ablation, **params
    )
    # Reading a set may take long: what can be wrong before that is looked at first.
    check_choices(chosen, best_on_test, chance, jobs, output)
    splitter = make_protocol(protocol, folds, n_train, data)
    cut = {"temporal": temporal} | ({"window": window} if window is not None else {})
    cut |= {"overlap": overlap} if overlap else {}
    cut |= {"allow_pickle": True} if allow_pickle else {}
    loaded = load(
        data,
        root,
        subjects=_numbers(subjects),
        target=target,
        signals=bool(chosen[1]),
        official=official,
        both_stacks=any(
            getattr(m, "streams", "") in ("both", "temporal") for m in chosen[0].values()
        ),
        verbose=verbose_of(quiet),
        **cut,
    )
    about = f"Protocol {protocol}: `{splitter}`; {len(loaded.y)} windows, {seeds} seed(s)."
    table, files = run(
        loaded,
        chosen,
        splitter,
        output,
        about=about,
        seeds=range(seeds),
        n_jobs=jobs,
        standardize="subject" if standardize else None,
        selection="best-on-test" if best_on_test else "none",
        chance=chance,
        verbose=verbose_of(quiet),
    )
    print_table(summarize(table), loaded.title)
    typer.echo(f"Written to {output}: {', '.join(f.name for f in files)}", err=True)
    if not any(f.suffix == ".parquet" for f in files):
        typer.echo("For results.parquet too: pip install pyarrow.", err=True)


def _numbers(text):
    """1,2,5 or 0-17 as a list; None for None."""
    if text is None:
        return None
    found = []
    for part in text.split(","):
        first, _, last = part.strip().partition("-")
        if not first.isdigit() or (last and not last.isdigit()):
            raise ValueError(f"--subjects must be numbers like 1,2,5 or 0-17, got {text!r}.")
        if last and int(last) < int(first):
            raise ValueError(f"--subjects: {part.strip()} runs backwards; write {last}-{first}.")
        found += range(int(first), int(last or first) + 1)
    return found


def datasets(
    root: Annotated[
        Path | None, typer.Option(help="Folder in which the sets lie; MNE's data folder without.")
    ] = None,
):
    """List data sets: open or closed, how many subjects are there, where."""
    import pandas as pd

    from .datasets import SETS

    if root is not None and not root.is_dir():
        raise FileNotFoundError(f"--root: there is no folder {root}.")
    rows = []
    for name, known in SETS.items():
        where, there = known.where(root), known.subjects(root)
        rows.append(
            {
                "name": name,
                "title": known.title,
                "access": known.access,
                "present": f"{len(there)} of {known.n_subjects} subjects",
                "where": known.url if not there else str(where) if known.files else "-",
            }
        )
    print_table(pd.DataFrame(rows), "Data sets")
