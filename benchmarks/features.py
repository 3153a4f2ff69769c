"""Features against TorchEEG's transforms: DE in five bands, a clip, and maps of both.

    python benchmarks/features.py [--repeats 7] [--json FILE]

512 epochs of 62 channels, 200 samples at 200 Hz, noise. TorchEEG works on one epoch at a
time (`BandDifferentialEntropy`, `Downsample`, `ToInterpolatedGrid` to 9 x 9) and is timed
on 4 of them. Ours keeps electrode values, since maps are made where the network trains; a
line more shows maps of 32 x 32 for all epochs as well. Times are per epoch; contenders take
turns, each in a process of its own. TorchEEG is left out, with a word, where it is not installed.
"""

import warnings
from functools import partial

import mne
import numpy as np
from _measure import options, ratios, show, take_turns, write_json
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


def peer():
    """Return the function that works on some epochs, by TorchEEG."""
    epochs = recordings(N_PEER)
    transform = peer_transform(epochs.ch_names, epochs.info["sfreq"])
    data = epochs.get_data(copy=True)
    return lambda: [transform(epoch) for epoch in data]


def ours(maps=False, **params):
    """Return the function that makes features of all epochs."""
    mne.set_log_level("ERROR")
    warnings.filterwarnings("ignore", message="method='bandpass'")
    epochs = recordings()
    grid, extractor = TopoGrid(epochs.info), FeatureExtractor(verbose=False, **params)

    def transform():
        features = extractor.transform(epochs)
        if maps:
            for stack in (features.spectral, features.temporal):
                grid.to_grid(np.swapaxes(stack, 1, 2))

    return transform


def contenders(with_peer):
    """Name -> what makes the function to time."""
    builders = {PEER: peer} if with_peer else {}
    for method in ("spectral", "bandpass", "seed"):
        builders[method] = partial(ours, method=method)
    builders["spectral, with maps"] = partial(ours, maps=True)
    builders['spectral, temporal="power"'] = partial(ours, temporal="power")
    return builders


def main():
    """Measure and print."""
    arguments = options(__doc__.split("\n")[0]).parse_args()
    why_not = missing()
    if why_not:
        Console(stderr=True).print(why_not)
    seconds = take_turns(
        contenders(not why_not), arguments.repeats, what="Features", n_threads=arguments.threads
    )
    counts = {PEER: N_PEER}
    per_epoch = {
        name: [v / counts.get(name, N_EPOCHS) for v in values] for name, values in seconds.items()
    }
    reference = None if why_not else PEER
    table = ratios(per_epoch, reference)
    show(table, f"Features of {N_EPOCHS} epochs (62 x 200), time per epoch", reference)
    if arguments.json:
        write_json(arguments.json, {"features": table.to_dict(orient="records")})


if __name__ == "__main__":
    main()
