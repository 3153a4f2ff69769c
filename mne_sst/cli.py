"""The ``mne-sst`` command: thin, data on stdout, everything else on stderr."""

import logging
import sys
from pathlib import Path
from typing import Annotated

import typer

from ._cli_base import (
    File,
    Files,
    Label,
    Model,
    Montage,
    OneLine,
    Overlap,
    Overwrite,
    Quiet,
    Seed,
    Window,
    check_writable,
    model_and_extractor,
    one_line_errors,
    print_table,
    read_files,
    verbose_of,
)
from ._cli_evaluation import datasets, evaluate
from ._cli_report import report

app = typer.Typer(
    name="mne-sst",
    help="SST-EmotionNet for EEG: train, predict, and see the attention on the head.",
    cls=OneLine,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.command()
@one_line_errors
def demo(
    output: Annotated[Path, typer.Option(help="Folder for what is written.")] = Path(
        "mne-sst-demo"
    ),
    seed: Seed = 0,
    quiet: Quiet = False,
):
    """Train on simulated emotions, test on held-out trials, draw the attention."""
    import matplotlib as mpl

    from ._demo import run_demo

    mpl.use("agg")
    typer.echo("Simulated emotions in 62-channel EEG; trials 1-9 train, 10-15 test.", err=True)
    table, files = run_demo(output, seed=seed, verbose=verbose_of(quiet))
    print_table(table, "Scores on held-out trials")
    typer.echo(f"Written to {output}: {', '.join(f.name for f in files)}", err=True)


@app.command()
@one_line_errors
def fit(
    files: Files,
    label: Label,
    output: Annotated[Path, typer.Option(help="The classifier, *.safetensors.")],
    validation: Annotated[
        float | None,
        typer.Option(
            help="Share held out for early stopping; 0.2 with --groups, else 0.", min=0, max=0.9
        ),
    ] = None,
    groups: Annotated[
        str | None,
        typer.Option(
            help="Column of the metadata that validation must not cut through, or 'file'."
        ),
    ] = None,
    window: Window = 1.0,
    overlap: Overlap = 0.0,
    montage: Montage = None,
    method: Annotated[
        str, typer.Option(help="DE method: spectral, bandpass or seed.")
    ] = "spectral",
    temporal: Annotated[str, typer.Option(help="Temporal stack: power or signal.")] = "power",
    reference: Annotated[
        str, typer.Option(help="average, or none for that of the recording.")
    ] = "average",
    variant: Annotated[str, typer.Option(help="Network: paper or authors.")] = "paper",
    grid: Annotated[int, typer.Option(min=8, help="Height and width of the maps.")] = 10,
    networks: Annotated[int, typer.Option(min=1, help="That are asked together.")] = 4,
    max_epochs: Annotated[
        int | None, typer.Option(min=1, help="Passes over the data; by their number, if left out.")
    ] = None,
    seed: Seed = 0,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
):
    """Train a classifier on epochs or recordings."""
    from ._fit_files import features_and_labels
    from .classifier import SSTClassifier
    from .features import FeatureExtractor

    check_writable(output, overwrite)
    if validation is None:
        validation = 0.0 if groups is None else 0.2
    if output.suffix != ".safetensors":
        raise ValueError(f"--output must end in .safetensors, got {str(output)!r}.")
    extractor = FeatureExtractor(
        method=method,
        temporal=temporal,
        reference=None if reference == "none" else reference,
        window=window,
        overlap=overlap,
        verbose=verbose_of(quiet),
    )
    read = read_files(files, montage, window, overlap)
    features, y, held = features_and_labels(read, extractor, label, groups)
    clf = SSTClassifier(
        extractor,
        variant=variant,
        grid_shape=(grid, grid),
        n_networks=networks,
        max_epochs=max_epochs,
        validation_fraction=validation,
        random_state=seed,
        verbose=verbose_of(quiet),
    )
    clf.fit(features, y, groups=held)
    clf.save(output, overwrite=overwrite)
    typer.echo(_summary(clf, y), err=True)


def _summary(clf, y):
    """What was learnt, in a line."""
    counts = ", ".join(f"{c}: {int((y == c).sum())}" for c in clf.classes_)
    last = clf.history_
    text = f"{len(y)} windows ({counts}), {clf.n_features_in_} channels, passes: {len(last)}"
    if "valid_loss" in last and last["valid_loss"].notna().any():
        best = last.loc[last["valid_loss"].idxmin()]
        text += f"; accuracy on the validation part {best['valid_accuracy']:.3f}"
    return text


@app.command()
@one_line_errors
def predict(
    model: Model,
    file: File,
    output: Annotated[Path | None, typer.Option(help="CSV file; stdout without it.")] = None,
    window: Annotated[float | None, typer.Option(help="s; as in training without it.")] = None,
    overlap: Overlap = 0.0,
    montage: Montage = None,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
):
    """Classify each window: label and probabilities as CSV."""
    import pandas as pd

    from ._io import replacing

    check_writable(output, overwrite)
    clf, features = _model_and_features(model, file, window, overlap, montage, quiet)
    probabilities = clf.predict_proba(features)
    found = pd.DataFrame(probabilities, columns=[f"p_{c}" for c in clf.classes_]).round(6)
    found.insert(0, "predicted", clf.classes_[probabilities.argmax(axis=1)])
    number = pd.Series(range(len(found)), name="epoch")
    # Columns of the file that have these names give way.
    table = features.metadata.drop(columns=["epoch", *found.columns], errors="ignore")
    table = pd.concat([number, table, found], axis=1)
    if output is None:
        typer.echo(table.to_csv(index=False), nl=False)
    else:
        with replacing(output) as temporary:
            table.to_csv(temporary, index=False)


@app.command()
@one_line_errors
def attention(
    model: Model,
    file: File,
    output: Annotated[Path, typer.Option(help="Picture: .png, .pdf, .svg.")],
    table: Annotated[Path | None, typer.Option(help="CSV file of the mean weights.")] = None,
    window: Annotated[float | None, typer.Option(help="s; as in training without it.")] = None,
    overlap: Overlap = 0.0,
    montage: Montage = None,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
):
    """Draw where the network attends, a head for each predicted class and stream."""
    import matplotlib as mpl
    from matplotlib.backend_bases import FigureCanvasBase

    from ._io import replacing
    from .viz import save_figure

    check_writable(output, overwrite, FigureCanvasBase.get_supported_filetypes())
    check_writable(table, overwrite)
    clf, features = _model_and_features(model, file, window, overlap, montage, quiet)
    mpl.use("agg")
    found = clf.attention(features)
    save_figure(found.plot_topomap(show=False), output)
    if table is not None:
        with replacing(table) as temporary:
            found.average().to_data_frame().to_csv(temporary, index=False)


def _model_and_features(model, file, window, overlap, montage, quiet):
    clf, extractor = model_and_extractor(model, window, overlap, quiet)
    (read,) = read_files([file], montage, extractor.window, overlap)
    return clf, read.features(extractor)


app.command()(one_line_errors(evaluate))
app.command()(one_line_errors(datasets))
app.command()(one_line_errors(report))


@app.command("sys-info")
@one_line_errors
def sys_info():
    """Versions and hardware, for a report of a problem."""
    import importlib.metadata
    import platform

    import torch

    from . import __version__
    from ._device import choose_device, choose_precision

    device = choose_device("auto")
    lines = {"mne_sst": __version__, "Python": platform.python_version(), "OS": platform.platform()}
    for name in "mne torch numpy scipy scikit-learn skorch pandas matplotlib safetensors".split():
        lines[name] = importlib.metadata.version(name)
    lines["CPU"] = f"{torch.backends.cpu.get_cpu_capability()}, {torch.get_num_threads()} threads"
    lines["device"] = torch.cuda.get_device_name() if device.type == "cuda" else device.type
    lines["precision"] = str(choose_precision("auto", device)).removeprefix("torch.")
    for name, value in lines.items():
        typer.echo(f"{name + ':':<14}{value}")


def main():
    """Run the command."""
    # What the package logs goes to stderr; set here, for this process of ours only.
    logging.basicConfig(format="mne-sst: %(message)s", level=logging.WARNING, stream=sys.stderr)
    app()
