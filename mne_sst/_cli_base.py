"""What the commands of ``mne-sst`` share: options, errors in one line, tables."""

import functools
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


Files = Annotated[list[Path], typer.Argument(help="Epochs or recordings, any format MNE reads.")]
Label = Annotated[
    str,
    typer.Option(
        help="Column of the metadata, 'events' (event names, or the annotations of a "
        "recording) or 'file' (each file is a class)."
    ),
]
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


def verbose_of(quiet):
    return False if quiet else None


def read_files(files, montage, window, overlap):
    """Read epochs or recordings, one object a file."""
    from ._recordings import read_recording

    return [read_recording(f, montage=montage, window=window, overlap=overlap) for f in files]


def model_and_extractor(model, window, overlap, quiet):
    """Read a classifier, and how features are made for it; windows as in training for None."""
    from ._presets import extractor_of
    from .classifier import read_classifier

    clf = read_classifier(model)
    clf.verbose = verbose_of(quiet)
    if window is None:
        window = clf.feature_settings_.window
    extractor = extractor_of(clf.features, clf.feature_settings_, clf.n_times_)
    return clf, extractor.set_params(window=window, overlap=overlap, verbose=clf.verbose)


def print_table(table, title):
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


def check_writable(path, overwrite, endings=None):
    """Raise before the work, not after it, if a file cannot be written."""
    if path is None:
        return
    if endings is not None and path.suffix.lower().lstrip(".") not in endings:
        raise ValueError(f"{path} must end in one of .{', .'.join(sorted(endings))}.")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"there is no folder {str(path.parent)!r} to write {path.name} to.")
    if path.exists() and not overwrite:
        raise FileExistsError(f"{path} exists; add --overwrite to replace it.")
