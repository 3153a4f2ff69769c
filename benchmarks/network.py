"""The network against TorchEEG's: a training step, prediction, and what fit() adds.

    python benchmarks/network.py [--threads N] [--repeats 7] [--json FILE]

SEED setting: 32 x 32 maps, 5 bands, 25 points, 3 classes; random input, batches of 64 in
training and of 256 in prediction. Contenders take turns, each in a process of its own, on
the same number of threads. TorchEEG is left out, with a word, where it is not installed.
"""

import itertools
import time
from functools import partial

import mne
import numpy as np
import torch
from _measure import options, ratios, show, take_turns, write_json
from _peer import missing, network
from rich.console import Console

from mne_sst import EpochsFeatures, SSTClassifier
from mne_sst.datasets import simulate_emotion
from mne_sst.model import SSTEmotionNet

PEER = "TorchEEG, fp32"
PRECISIONS = ("fp32", "bf16")
VARIANTS = ("authors", "paper")


def batch(n, seed=0):
    """Maps of both streams and classes for n windows."""
    generator = torch.Generator().manual_seed(seed)
    spectral = torch.randn(n, 5, 32, 32, generator=generator)
    temporal = torch.randn(n, 25, 32, 32, generator=generator)
    return spectral, temporal, torch.randint(0, 3, (n,), generator=generator)


def training_step(variant, precision):
    """Return a function that trains a network for one step; TorchEEG's without a variant."""
    spectral, temporal, target = batch(64)
    if variant is None:
        module, inputs = network(num_classes=3), [torch.cat([spectral, temporal], dim=1)]
    else:
        module, inputs = SSTEmotionNet(3, variant=variant), [spectral, temporal]
    optimizer = torch.optim.AdamW(module.parameters(), 1e-4)

    def step():
        optimizer.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
            logits = module(*inputs).float()
        torch.nn.functional.cross_entropy(logits, target).backward()
        optimizer.step()

    return step


def features(n):
    """Features of n windows, random, on 62 electrodes, and labels."""
    mne.set_log_level("ERROR")
    info = simulate_emotion(n_subjects=1, n_sessions=1, n_trials=3, n_windows=1).info
    rng, shape = np.random.default_rng(0), (n, len(info["ch_names"]))
    spectral = rng.standard_normal((*shape, 5), dtype=np.float32)
    temporal = rng.standard_normal((*shape, 25), dtype=np.float32)
    temporal *= 1e-5
    return EpochsFeatures(spectral, temporal, info), np.arange(n) % 3


def classifier(**params):
    """A classifier on all threads of this process."""
    return SSTClassifier(n_networks=1, n_threads=None, random_state=0, verbose=False, **params)


def prediction(variant, precision):
    """Return a function that predicts 256 windows; for TorchEEG a bare forward pass."""
    if variant is None:
        spectral, temporal, _ = batch(256)
        both, module = torch.cat([spectral, temporal], dim=1), network(num_classes=3).eval()

        def forward():
            with torch.inference_mode():
                module(both)

        return forward
    X, y = features(256)
    clf = classifier(variant=variant, precision=precision, max_epochs=1).fit(X[:32], y[:32])
    return partial(clf.predict_proba, X)


def one_pass(bare, n_batches=8):
    """Return fit() for one pass over batches of 64, or a bare loop on the same module."""
    X, y = features(64 * n_batches)
    common = dict(variant="authors", precision="fp32", batch_size=64, max_epochs=1)
    clf = classifier(stream_drop_prob=0.0, drop_prob=0.0, lr_schedule="constant", **common)
    if not bare:
        return partial(clf.fit, X, y)
    clf.fit(X[:128], y[:128])
    module, dataset = clf.module_, clf._dataset(X, y)
    optimizer = torch.optim.AdamW(module.parameters(), 1e-4)

    def loop():
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

    return loop


def contenders(build, with_peer):
    """Our variants and precisions, and TorchEEG."""
    builders = {PEER: partial(build, None, "fp32")} if with_peer else {}
    for variant, precision in itertools.product(VARIANTS, PRECISIONS):
        builders[f"{variant}, {precision}"] = partial(build, variant, precision)
    return builders


def main():
    """Measure and print."""
    arguments = options(__doc__.split("\n")[0]).parse_args()
    why_not = missing()
    if why_not:
        Console(stderr=True).print(why_not)
    start, peer = time.perf_counter(), None if why_not else PEER
    ours = {"bare loop": partial(one_pass, True), "fit()": partial(one_pass, False)}
    tables = {}
    for title, builders, reference in (
        ("Training step, batch of 64", contenders(training_step, peer), peer),
        ("Prediction of 256 windows", contenders(prediction, peer), peer),
        ("One pass over 512 windows", ours, "bare loop"),
    ):
        seconds = take_turns(builders, arguments.repeats, what=title, n_threads=arguments.threads)
        tables[title] = ratios(seconds, reference)
        show(tables[title], title, reference)
    if arguments.json:
        results = {t: table.to_dict(orient="records") for t, table in tables.items()}
        write_json(arguments.json, {"seconds": time.perf_counter() - start, **results})


if __name__ == "__main__":
    main()
