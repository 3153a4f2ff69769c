"""The ``mne-sst`` command: thin, data on stdout, everything else on stderr."""

import functools
import logging
import sys
from pathlib import Path
from typing import Annotated

import typer


class OneLine(typer.core.TyperGroup):
    """Tells of wrong options in one line, as of all other errors."""

    def main(self, *args, standalone_mode=True, **kwargs):
        """Run; usage errors of click become one line and exit code 2."""
        if not standalone_mode:
            return super().main(*args, standalone_mode=False, **kwargs)
        try:
            code = super().main(*args, standalone_mode=False, **kwargs)
        except typer.Abort:
            code = 130
        except Exception as error:
            # Usage errors; their class is of click, which typer may bring along itself.
            if not hasattr(error, "format_message"):
                raise
            ctx = getattr(error, "ctx", None)
            command = "mne-sst" if ctx is None else ctx.command_path
            text = _line(error.format_message()).rstrip(".")
            typer.echo(f"mne-sst: error: {text}; see '{command} --help'.", err=True)
            code = 2
        sys.exit(code if isinstance(code, int) else 0)


def _line(text):
    return " ".join(str(text).split())


app = typer.Typer(
    name="mne-sst",
    help="SST-EmotionNet for EEG: train, predict, and see the attention on the head.",
    cls=OneLine,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Files = Annotated[list[Path], typer.Argument(help="Epochs or recordings, any format MNE reads.")]
Model = Annotated[Path, typer.Argument(help="A classifier that `mne-sst fit` wrote.")]
File = Annotated[Path, typer.Argument(help="Epochs or a recording, any format MNE reads.")]
Window = Annotated[float, typer.Option(help="Length of the windows of a recording, s.")]
Overlap = Annotated[float, typer.Option(help="Overlap of the windows of a recording, s.")]
Montage = Annotated[
    str | None,
    typer.Option(help="Montage of MNE or file of positions; 10-05 where a file has none."),
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace files that are there.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")]
Seed = Annotated[int, typer.Option(min=0, help="Same seed, same result.")]


def one_line_errors(function):
    """Turn errors into one line on stderr and exit code 2."""

    @functools.wraps(function)
    def wrapped(*args, **kwargs):
        try:
            return function(*args, **kwargs)
        except (ValueError, TypeError, OSError, RuntimeError, ImportError) as error:
            typer.echo(f"mne-sst: error: {_line(error)}", err=True)
            raise typer.Exit(2) from None
        except KeyboardInterrupt:
            typer.echo("mne-sst: interrupted", err=True)
            raise typer.Exit(130) from None

    return wrapped


def _verbose(quiet):
    return False if quiet else None


def _read(files, montage, window, overlap):
    from ._recordings import read_recording

    return [read_recording(f, montage=montage, window=window, overlap=overlap) for f in files]


def _print_table(table, title):
    """Print a DataFrame on stdout: a table in a terminal, CSV in a pipe."""
    if not sys.stdout.isatty():
        typer.echo(table.to_csv(index=False), nl=False)
        return
    from rich.console import Console
    from rich.table import Table

    shown = Table(*map(str, table.columns), title=title)
    for row in table.itertuples(index=False):
        shown.add_row(*[f"{v:.3f}" if isinstance(v, float) else str(v) for v in row])
    Console().print(shown)


def _check_writable(path, overwrite, endings=None):
    """Raise before the work, not after it, if a file cannot be written."""
    if path is None:
        return
    if endings is not None and path.suffix.lower().lstrip(".") not in endings:
        raise ValueError(f"{path} must end in one of .{', .'.join(sorted(endings))}.")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"there is no folder {str(path.parent)!r} to write {path.name} to.")
    if path.exists() and not overwrite:
        raise FileExistsError(f"{path} exists; add --overwrite to replace it.")


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
    table, files = run_demo(output, seed=seed, verbose=_verbose(quiet))
    _print_table(table, "Scores on held-out trials")
    typer.echo(f"Written to {output}: {', '.join(f.name for f in files)}", err=True)


@app.command()
@one_line_errors
def fit(
    files: Files,
    label: Annotated[
        str,
        typer.Option(
            help="Column of the metadata, 'events' (event names, or the annotations of a "
            "recording) or 'file' (each file is a class)."
        ),
    ],
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
    temporal: Annotated[str, typer.Option(help="Temporal stack: signal or power.")] = "signal",
    variant: Annotated[str, typer.Option(help="Network: paper or authors.")] = "paper",
    grid: Annotated[int, typer.Option(min=8, help="Height and width of the maps.")] = 32,
    max_epochs: Annotated[int, typer.Option(min=1, help="Passes over the data at most.")] = 30,
    seed: Seed = 0,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
):
    """Train a classifier on epochs or recordings."""
    from ._fit_files import features_and_labels
    from .classifier import SSTClassifier
    from .features import FeatureExtractor

    _check_writable(output, overwrite)
    if validation is None:
        validation = 0.0 if groups is None else 0.2
    if output.suffix != ".safetensors":
        raise ValueError(f"--output must end in .safetensors, got {str(output)!r}.")
    extractor = FeatureExtractor(
        method=method, temporal=temporal, window=window, overlap=overlap, verbose=_verbose(quiet)
    )
    read = _read(files, montage, window, overlap)
    features, y, held = features_and_labels(read, extractor, label, groups)
    clf = SSTClassifier(
        extractor,
        variant=variant,
        grid_shape=(grid, grid),
        max_epochs=max_epochs,
        validation_fraction=validation,
        random_state=seed,
        verbose=_verbose(quiet),
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

    _check_writable(output, overwrite)
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

    _check_writable(output, overwrite, FigureCanvasBase.get_supported_filetypes())
    _check_writable(table, overwrite)
    clf, features = _model_and_features(model, file, window, overlap, montage, quiet)
    mpl.use("agg")
    found = clf.attention(features)
    figure = found.plot_topomap(show=False)
    with replacing(output) as temporary:
        figure.savefig(temporary, dpi=150)
    if table is not None:
        with replacing(table) as temporary:
            found.average().to_data_frame().to_csv(temporary, index=False)


def _model_and_features(model, file, window, overlap, montage, quiet):
    from sklearn.base import clone

    from .classifier import read_classifier
    from .features import FeatureExtractor

    clf = read_classifier(model)
    clf.verbose = _verbose(quiet)
    if window is None:
        window = clf.feature_settings_.window
    extractor = FeatureExtractor() if clf.features is None else clone(clf.features)
    extractor.set_params(window=window, overlap=overlap, verbose=clf.verbose)
    return clf, _read([file], montage, window, overlap)[0].features(extractor)


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
