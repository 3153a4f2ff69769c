"""The network against TorchEEG's: a training step, prediction, and what fit() adds.

    python benchmarks/network.py [--threads N] [--repeats 7] [--json FILE]

SEED setting: 32 x 32 maps, 5 bands, 25 points, 3 classes; random input, batches of 64 in
training and of 256 in prediction. All contenders take turns in one process, on the same
number of threads. TorchEEG is left out, with a word, where it is not installed.
"""

import argparse
import time

import mne
import numpy as np
import torch
from _measure import ratios, show, take_turns, write_json
from _peer import missing, network
from rich.console import Console

from mne_sst import EpochsFeatures, SSTClassifier
from mne_sst.datasets import simulate_emotion
from mne_sst.model import SSTEmotionNet

PEER = "TorchEEG, fp32"
PRECISIONS = {"fp32": torch.float32, "bf16": torch.bfloat16}
VARIANTS = ("authors", "paper")


def batch(n, seed=0):
    """Maps of both streams and classes for n windows."""
    generator = torch.Generator().manual_seed(seed)
    spectral = torch.randn(n, 5, 32, 32, generator=generator)
    temporal = torch.randn(n, 25, 32, 32, generator=generator)
    return spectral, temporal, torch.randint(0, 3, (n,), generator=generator)


def training_step(module, forward, target, dtype=torch.float32):
    """Return a function that trains a module for one step."""
    optimizer = torch.optim.AdamW(module.parameters(), 1e-4)

    def step():
        optimizer.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=dtype == torch.bfloat16):
            logits = forward(module).float()
        torch.nn.functional.cross_entropy(logits, target).backward()
        optimizer.step()

    return step


def training(repeats, with_peer):
    """Seconds of training steps, by contender."""
    spectral, temporal, target = batch(64)
    steps = {}
    if with_peer:
        both = torch.cat([spectral, temporal], dim=1)
        steps[PEER] = training_step(network(num_classes=3), lambda m: m(both), target)
    for variant in VARIANTS:
        for name, dtype in PRECISIONS.items():
            module = SSTEmotionNet(3, variant=variant)
            steps[f"{variant}, {name}"] = training_step(
                module, lambda m: m(spectral, temporal), target, dtype
            )
    return take_turns(steps, repeats, what="Training")


def features(n):
    """Features of n windows, random, on 62 electrodes, and labels."""
    info = simulate_emotion(n_subjects=1, n_sessions=1, n_trials=3, n_windows=1).info
    rng = np.random.default_rng(0)
    spectral = rng.standard_normal((n, len(info["ch_names"]), 5)).astype(np.float32)
    temporal = 1e-5 * rng.standard_normal((n, len(info["ch_names"]), 25)).astype(np.float32)
    return EpochsFeatures(spectral, temporal, info), np.arange(n) % 3


def classifier(**params):
    """A classifier on all threads of this process."""
    return SSTClassifier(n_threads=None, random_state=0, verbose=False, **params)


def prediction(repeats, with_peer):
    """Seconds of predictions for 256 windows: `predict_proba` against a bare forward pass."""
    X, y = features(256)
    runs = {}
    if with_peer:
        spectral, temporal, _ = batch(256)
        both, peer = torch.cat([spectral, temporal], dim=1), network(num_classes=3).eval()

        def forward():
            with torch.inference_mode():
                peer(both)

        runs[PEER] = forward
    for variant in VARIANTS:
        for name in PRECISIONS:
            clf = classifier(variant=variant, precision=name, max_epochs=1).fit(X[:32], y[:32])
            runs[f"{variant}, {name}"] = lambda clf=clf: clf.predict_proba(X)
    return take_turns(runs, repeats, what="Prediction")


def overhead(repeats, n_batches=8):
    """Seconds of fit() and of a bare loop on the same module and batches of 64."""
    X, y = features(64 * n_batches)
    common = dict(variant="authors", precision="fp32", batch_size=64, max_epochs=1)
    clf = classifier(stream_drop_prob=0.0, drop_prob=0.0, lr_schedule="constant", **common)
    clf.fit(X[:128], y[:128])
    module, dataset = clf.module_, clf._dataset(X, y)
    optimizer = torch.optim.AdamW(module.parameters(), 1e-4)

    def bare():
        module.train()
        for start in range(0, len(X), 64):
            inputs, target = dataset.batch(np.arange(start, start + 64))
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(module(**inputs), target).backward()
            optimizer.step()
        # fit() ends with a pass that settles the statistics of batch normalisation.
        with torch.no_grad():
            for start in range(0, len(X), 64):
                module.forward_features(**dataset.batch(np.arange(start, start + 64))[0])

    return take_turns({"bare loop": bare, "fit()": lambda: clf.fit(X, y)}, repeats, what="Overhead")


def main():
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--threads", type=int, help="of torch; its own choice without it")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--json", metavar="FILE")
    arguments = parser.parse_args()
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    mne.set_log_level("ERROR")
    why_not = missing()
    if why_not:
        Console(stderr=True).print(why_not)
    start = time.perf_counter()
    tables = {}
    for title, measure in (
        ("Training step, batch of 64", training),
        ("Prediction of 256 windows", prediction),
    ):
        measured = measure(arguments.repeats, not why_not)
        tables[title] = ratios(measured, None if why_not else PEER)
        show(tables[title], title, None if why_not else "TorchEEG")
    title = "One pass over 512 windows"
    tables[title] = ratios(overhead(arguments.repeats), "bare loop")
    show(tables[title], title, "the bare loop")
    if arguments.json:
        results = {t: table.to_dict(orient="records") for t, table in tables.items()}
        write_json(arguments.json, {"seconds": time.perf_counter() - start, **results})


if __name__ == "__main__":
    main()
