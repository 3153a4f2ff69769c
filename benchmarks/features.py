"""Features against TorchEEG's transforms: DE in five bands, a clip, and maps of both.

    python benchmarks/features.py [--repeats 7] [--json FILE]

512 epochs of 62 channels, 200 samples at 200 Hz, noise. TorchEEG works on one epoch at a
time (`BandDifferentialEntropy`, `Downsample`, `ToInterpolatedGrid` to 9 x 9) and is timed
on 4 of them. Ours keeps electrode values, since maps are made where the network trains; a
line more shows maps of 32 x 32 for all epochs as well. Times are per epoch, and all
contenders take turns. TorchEEG is left out, with a word, where it is not installed.
"""

import argparse
import warnings

import mne
import numpy as np
import torch
from _measure import ratios, show, take_turns, write_json
from _peer import missing, transforms
from rich.console import Console

from mne_sst import BANDS, FeatureExtractor, TopoGrid
from mne_sst.datasets import simulate_emotion
from mne_sst.grid import LAYOUT

N_EPOCHS, N_PEER = 512, 4
PEER = "TorchEEG"


def recordings(n_epochs=N_EPOCHS):
    """Epochs of noise on the 62 electrodes of SEED."""
    info = simulate_emotion(n_subjects=1, n_sessions=1, n_trials=3, n_windows=1).info
    data = 1e-5 * np.random.default_rng(0).standard_normal((n_epochs, len(info["ch_names"]), 200))
    return mne.EpochsArray(data, info, verbose="ERROR")


def peer_transform(ch_names, sfreq):
    """Return TorchEEG's way from one epoch to the maps of both streams."""
    t = transforms()
    cells = {name: (r, c) for r, row in enumerate(LAYOUT) for c, name in enumerate(row)}
    layout = {name: cells[name.upper()] for name in ch_names}
    entropy = t.BandDifferentialEntropy(int(sfreq), band_dict={k: [*v] for k, v in BANDS.items()})
    clip, grid = t.Downsample(25), t.ToInterpolatedGrid(layout)

    def transform(epoch):
        spectral = grid(eeg=entropy(eeg=epoch)["eeg"])["eeg"]
        return spectral, grid(eeg=clip(eeg=epoch)["eeg"])["eeg"]

    return transform


def contenders(epochs, with_peer):
    """Functions to time, and how many epochs each works on."""
    runs, counts = {}, {}
    if with_peer:
        transform = peer_transform(epochs.ch_names, epochs.info["sfreq"])
        some = epochs.get_data(copy=True)[:N_PEER]
        runs[PEER] = lambda: [transform(epoch) for epoch in some]
        counts[PEER] = N_PEER
    for method in ("spectral", "bandpass", "seed"):
        extractor = FeatureExtractor(method=method, verbose=False)
        runs[method] = lambda extractor=extractor: extractor.transform(epochs)
    grid = TopoGrid(epochs.info)
    extractor = FeatureExtractor(verbose=False)

    def with_maps():
        features = extractor.transform(epochs)
        return grid.to_grid(np.swapaxes(features.spectral, 1, 2)), grid.to_grid(
            np.swapaxes(features.temporal, 1, 2)
        )

    runs["spectral, with maps"] = with_maps
    power = FeatureExtractor(temporal="power", verbose=False)
    runs['spectral, temporal="power"'] = lambda: power.transform(epochs)
    return runs, {name: counts.get(name, len(epochs)) for name in runs}


def main():
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--threads", type=int, help="of torch and BLAS; their own choice without")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--json", metavar="FILE")
    arguments = parser.parse_args()
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    mne.set_log_level("ERROR")
    warnings.filterwarnings("ignore", message="method='bandpass'")
    why_not = missing()
    if why_not:
        Console(stderr=True).print(why_not)
    runs, counts = contenders(recordings(), not why_not)
    seconds = take_turns(runs, arguments.repeats, what="Features")
    per_epoch = {name: [v / counts[name] for v in values] for name, values in seconds.items()}
    reference = None if why_not else PEER
    table = ratios(per_epoch, reference)
    show(table, f"Features of {N_EPOCHS} epochs (62 x 200), time per epoch", reference)
    if arguments.json:
        write_json(arguments.json, {"features": table.to_dict(orient="records")})


if __name__ == "__main__":
    main()
