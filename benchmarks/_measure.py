"""Timing side by side: the contenders take turns, so that a busy machine hits all alike."""

import argparse
import json
import multiprocessing
import os
import platform
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from rich.console import Console
from rich.progress import track
from rich.table import Table


def options(description):
    """Return a parser with the options of a benchmark in which contenders take turns."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--threads", type=int, help="of torch; its own choice without it")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--json", metavar="FILE")
    return parser


class _Contender:
    """What runs in the process of a contender."""

    run = None


def _prepare(build, n_threads):
    if n_threads:
        torch.set_num_threads(n_threads)
    _Contender.run = build()


def _timed():
    start = time.perf_counter()
    _Contender.run()
    return time.perf_counter() - start


def take_turns(contenders, repeats=7, warmup=2, what="measuring", n_threads=None):
    """Time functions in turn, each in a process of its own, each round in another order.

    How long large blocks of memory take hangs on what a process has allocated before:
    contenders in one process would change each other's times.

    Parameters
    ----------
    contenders : dict
        Name -> picklable function without arguments that returns the function to time.
    repeats, warmup : int
        Rounds that count, and rounds before them that do not.
    what : str
        For the progress bar, on stderr.
    n_threads : int | None
        Threads of torch in each process; None leaves it the choice.

    Returns
    -------
    seconds : dict
        Name -> list of ``repeats`` times.
    """
    names = list(contenders)
    seconds = {name: [] for name in names}
    console = Console(stderr=True)
    spawn = multiprocessing.get_context("spawn")
    with ExitStack() as stack:
        processes = {
            name: stack.enter_context(ProcessPoolExecutor(1, spawn, _prepare, (build, n_threads)))
            for name, build in contenders.items()
        }
        rounds = range(warmup + repeats)
        for i in track(rounds, what, console=console, disable=not console.is_terminal):
            shift = i % len(names)
            for name in names[shift:] + names[:shift]:
                took = processes[name].submit(_timed).result()
                if i >= warmup:
                    seconds[name].append(took)
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
