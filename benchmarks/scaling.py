"""How time and memory grow with the number of windows.

    python benchmarks/scaling.py [--sizes 1000 5000 ...] [--memory 152730] [--json FILE]
                                 [--plot FILE]

For each size: seconds per window of features (62 channels, 200 samples at 200 Hz) and of
one training pass, which is `fit` with max_epochs=1 (batches of 64, settings of training as
they are by default). ``--memory N`` fits on N windows of random features as well, 152,730
being all of SEED, in a process of its own, and reports its peak resident memory. Sizes
take turns; the median over rounds counts: ``--repeats`` of training, six of features.
"""

import argparse
import multiprocessing
import os
import resource
import sys
import time
from concurrent.futures import ProcessPoolExecutor

import matplotlib as mpl
import mne
import numpy as np
import pandas as pd
import torch
from _measure import write_json
from network import classifier, features
from rich.console import Console
from rich.progress import track
from rich.table import Table

from mne_sst import FeatureExtractor

SIZES = (1000, 5000, 20000, 50000)
#: Kilobytes or bytes, as the system counts.
RSS_UNIT = 1 if sys.platform == "darwin" else 1024


class Noise:
    """Epochs of noise, read in parts as from a file: a recording of any length."""

    def __init__(self):
        self.info = features(1)[0].info
        data = 1e-5 * np.random.default_rng(0).standard_normal((500, len(self.info["chs"]), 200))
        self.epochs = mne.EpochsArray(data, self.info, verbose="ERROR")

    def of(self, n):
        """Return a list of Epochs with n windows in all."""
        whole, rest = divmod(n, len(self.epochs))
        return [self.epochs] * whole + ([self.epochs[:rest]] if rest else [])


def seconds_of(function, *args):
    """Wall time of a call."""
    start = time.perf_counter()
    function(*args)
    return time.perf_counter() - start


def growth(sizes, repeats, grid):
    """Seconds per window of features and of one training pass, a row a size."""
    noise, extractor = Noise(), FeatureExtractor(verbose=False)
    # Many rounds, of which the first maps the memory that the largest result takes.
    made = in_rounds(lambda n: extractor.transform(noise.of(n)), sizes, 6, "Features")
    X, y = features(max(sizes))
    clf = classifier(grid_shape=(grid, grid), max_epochs=1, batch_size=64)
    clf.fit(X[:256], y[:256])
    trained = in_rounds(lambda n: clf.fit(X[:n], y[:n]), sizes, repeats, "Training")
    table = pd.DataFrame({"n_windows": sizes, "features": made, "training": trained})
    for what in ("features", "training"):
        table[f"{what}_relative"] = table[what] / table[what].iloc[0]
    return table


def in_rounds(function, sizes, repeats, what):
    """Median seconds per window of each size, sizes in turn, up and down."""
    seconds = {n: [] for n in sizes}
    console = Console(stderr=True)
    rounds = [n for i in range(repeats) for n in (sizes if i % 2 else sizes[::-1])]
    for n in track(rounds, what, console=console, disable=not console.is_terminal):
        seconds[n].append(seconds_of(function, n) / n)
    return [np.median(seconds[n]) for n in sizes]


def fit_large(n, grid, n_threads):
    """Fit on n windows; return sizes in GB and seconds. For a process of its own."""
    if n_threads:
        torch.set_num_threads(n_threads)
    X, y = features(n)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * RSS_UNIT
    took = seconds_of(classifier(grid_shape=(grid, grid), max_epochs=1, batch_size=64).fit, X, y)
    return {
        "n_windows": n,
        "grid": grid,
        "features_gb": (X.spectral.nbytes + X.temporal.nbytes) / 1e9,
        "peak_before_fit_gb": before / 1e9,
        "peak_gb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * RSS_UNIT / 1e9,
        "seconds": took,
    }


def show(table):
    """Print the table of growth."""
    view = Table(title="Time per window")
    for column in ("windows", "features", "", "training pass", ""):
        view.add_column(column, justify="right")
    for row in table.itertuples():
        view.add_row(
            f"{row.n_windows:,}",
            f"{row.features * 1e3:.3f} ms",
            f"x {row.features_relative:.2f}",
            f"{row.training * 1e3:.2f} ms",
            f"x {row.training_relative:.2f}",
        )
    Console().print(view)


def plot(table, path):
    """Draw time per window, relative to the smallest size."""
    mpl.use("agg")
    import matplotlib.pyplot as plt

    fig, ax = plt.subplots(figsize=(5.5, 3.4), layout="constrained")
    ax.axhspan(0.9, 1.1, color="0.92", label="within 10 %")
    for what, marker in (("features", "o"), ("training", "s")):
        label = f"{what}, {table[what].iloc[0] * 1e3:.2g} ms a window"
        ax.semilogx(table["n_windows"], table[f"{what}_relative"], marker=marker, label=label)
    ax.set(xlabel="windows", ylabel="time per window, relative to the first", ylim=(0, 1.5))
    ax.legend(loc="lower right", frameon=False)
    fig.savefig(path, dpi=150)
    plt.close(fig)


def main():
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--sizes", type=int, nargs="*", default=SIZES)
    parser.add_argument("--memory", type=int, nargs="*", default=[], metavar="N")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--grid", type=int, default=16, help="size of the maps")
    parser.add_argument("--threads", type=int, help="of torch; its own choice without it")
    parser.add_argument("--json", metavar="FILE")
    parser.add_argument("--plot", metavar="FILE")
    arguments = parser.parse_args()
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    mne.set_log_level("ERROR")
    results = {"load": os.getloadavg() if hasattr(os, "getloadavg") else None, "memory": []}
    for n in arguments.memory:
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as process:
            large = process.submit(fit_large, n, arguments.grid, arguments.threads).result()
        results["memory"].append(large)
        Console().print(
            f"{n:,} windows, {arguments.grid} x {arguments.grid}: features "
            f"{large['features_gb']:.2f} GB, peak {large['peak_gb']:.2f} GB (before fit "
            f"{large['peak_before_fit_gb']:.2f} GB), one pass {large['seconds']:.0f} s"
        )
    if arguments.sizes:
        table = growth(tuple(arguments.sizes), arguments.repeats, arguments.grid)
        show(table)
        results["growth"] = table.to_dict(orient="records")
        if arguments.plot:
            plot(table, arguments.plot)
    if arguments.json:
        write_json(arguments.json, results)


if __name__ == "__main__":
    main()
