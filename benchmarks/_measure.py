"""Timing side by side: the contenders take turns, so that a busy machine hits all alike."""

import json
import os
import platform
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from rich.console import Console
from rich.progress import track
from rich.table import Table


def take_turns(contenders, repeats=7, warmup=2, what="measuring"):
    """Time functions in turn, each round in another order.

    Parameters
    ----------
    contenders : dict
        Name -> function without arguments.
    repeats, warmup : int
        Rounds that count, and rounds before them that do not.
    what : str
        For the progress bar, on stderr.

    Returns
    -------
    seconds : dict
        Name -> list of ``repeats`` times.
    """
    names = list(contenders)
    seconds = {name: [] for name in names}
    console = Console(stderr=True)
    for i in track(range(warmup + repeats), what, console=console, disable=not console.is_terminal):
        shift = i % len(names)
        for name in names[shift:] + names[:shift]:
            start = time.perf_counter()
            contenders[name]()
            if i >= warmup:
                seconds[name].append(time.perf_counter() - start)
    return seconds


def ratios(seconds, reference):
    """Table of medians and how many times as fast as a reference each is.

    Parameters
    ----------
    seconds : dict
        Of `take_turns`.
    reference : str | None
        Name of the one that others are compared with; None where it is missing.

    Returns
    -------
    table : DataFrame
        Columns ``name``, ``median_s``, ``low_s``, ``high_s`` (quartiles), ``ratio``
        (of medians) and ``n_repeats``.
    """
    rows = []
    for name, values in seconds.items():
        low, median, high = np.quantile(values, [0.25, 0.5, 0.75])
        ratio = np.nan if reference is None else np.median(seconds[reference]) / median
        rows.append(
            dict(
                name=name,
                median_s=median,
                low_s=low,
                high_s=high,
                ratio=ratio,
                n_repeats=len(values),
            )
        )
    return pd.DataFrame(rows)


def machine():
    """Facts that a time depends on."""
    cpu = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        lines = [line for line in info.read_text().splitlines() if line.startswith("model name")]
        cpu = lines[0].split(":")[1].strip() if lines else cpu
    capabilities = torch.cpu.get_capabilities()
    return {
        "cpu": cpu,
        "cores": os.cpu_count(),
        "torch_threads": torch.get_num_threads(),
        "bf16": sorted(k for k, v in capabilities.items() if v and "bf16" in k),
        "load": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
        "malloc": {k: v for k, v in os.environ.items() if k.startswith("MALLOC_")},
        "python": platform.python_version(),
        **{name: installed(name) for name in ("mne_sst", "torch", "numpy", "numba", "mne")},
    }


def installed(name):
    """Version of a package, or None."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def show(table, title, reference):
    """Print a table of `ratios` and how to read it."""
    view = Table(title=title)
    for column in ("", "median", "quartiles", f"times {reference}" if reference else "ratio"):
        view.add_column(column, justify="left" if column == "" else "right")
    for row in table.itertuples():
        view.add_row(
            row.name,
            seconds_text(row.median_s),
            f"{seconds_text(row.low_s)} - {seconds_text(row.high_s)}",
            "-" if np.isnan(row.ratio) else f"{row.ratio:.2f}",
        )
    Console().print(view)


def seconds_text(value):
    """A time with the unit that suits it."""
    factor, unit = (1, "s") if value >= 1 else (1e3, "ms") if value >= 1e-3 else (1e6, "µs")
    return f"{value * factor:.3g} {unit}"


def write_json(path, results):
    """Write results and the facts of the machine; a half-written file is never left."""
    path = Path(path)
    partial = path.with_name(path.name + ".part")
    partial.write_text(json.dumps({"machine": machine(), **results}, indent=1))
    partial.replace(path)
