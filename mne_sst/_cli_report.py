"""The command ``mne-sst report``."""

from pathlib import Path
from typing import Annotated

import typer

from ._cli_base import (
    Files,
    Label,
    Model,
    Montage,
    Overlap,
    Overwrite,
    Quiet,
    check_writable,
    model_and_extractor,
    read_files,
    verbose_of,
)


def report(
    model: Model,
    files: Files,
    label: Label,
    output: Annotated[Path, typer.Option(help="The report, *.html.")],
    groups: Annotated[
        str | None,
        typer.Option(help="Column of the metadata that scores are over, or 'file'."),
    ] = None,
    results: Annotated[
        Path | None, typer.Option(help="What `mne-sst evaluate` wrote: its folder.")
    ] = None,
    ablation: Annotated[Path | None, typer.Option(help="Likewise, of an ablation.")] = None,
    method: Annotated[
        str,
        typer.Option(help="gradient, integrated_gradients (slow), occlusion (slow) or none."),
    ] = "gradient",
    windows: Annotated[int, typer.Option(min=1, help="Windows that are attributed.")] = 120,
    window: Annotated[float | None, typer.Option(help="s; as in training without it.")] = None,
    overlap: Overlap = 0.0,
    montage: Montage = None,
    title: Annotated[str, typer.Option(help="Of the report.")] = "SST-EmotionNet",
    overwrite: Overwrite = False,
    quiet: Quiet = False,
):
    """Write down data, scores, attention and attribution on one page (HTML)."""
    import matplotlib as mpl

    from ._fit_files import features_and_labels
    from ._io import replacing
    from .report import make_report

    check_writable(output, overwrite, ("html",))
    mpl.use("agg")
    clf, extractor = model_and_extractor(model, window, overlap, quiet)
    read = read_files(files, montage, extractor.window, overlap)
    features, y, _ = features_and_labels(read, extractor, label, groups)
    made = make_report(
        clf,
        features,
        y,
        groups=groups,
        results=results,
        ablation=ablation,
        method=None if method == "none" else method,
        n_attributed=windows,
        title=title,
        verbose=verbose_of(quiet),
    )
    with replacing(output) as temporary:
        made.save(temporary, open_browser=False, overwrite=True, verbose="ERROR")
