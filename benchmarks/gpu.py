"""One session of SEED on a GPU: seconds, TFLOP/s and share of the measured peak.

    python benchmarks/gpu.py [--device cuda] [--windows 2010] [--passes 50] [--json FILE]

Fits SSTClassifier on random features of the size of one subject and session (2,010 windows,
62 channels, 32 x 32 maps, batches of 64, bfloat16); the features stay on the device. A bare
loop over the same steps follows, as it is and compiled, to see what compiling would bring.
Operations are counted by PyTorch; the peak is that of a large product of matrices in
bfloat16. With ``--device cpu --windows 256 --passes 1`` all of it runs without a GPU.
"""

import argparse
import time

import mne
import torch
from _measure import write_json
from network import batch, classifier, features
from rich.console import Console
from rich.table import Table
from torch.utils.flop_counter import FlopCounterMode

from mne_sst import SSTEmotionNet

BATCH = 64


def settle(device):
    """Wait for everything a device has been asked to do."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def seconds_of(function, device, repeats=1):
    """Seconds of a call, the mean over some."""
    settle(device)
    start = time.perf_counter()
    for _ in range(repeats):
        function()
    settle(device)
    return (time.perf_counter() - start) / repeats


def step_function(device, compiled=None):
    """Return one training step of the paper's network on fixed maps."""
    net = SSTEmotionNet(3).to(device).train()
    spectral, temporal, target = (x.to(device) for x in batch(BATCH))
    optimizer = torch.optim.AdamW(net.parameters(), 1e-4, foreach=True)
    module = net if compiled is None else torch.compile(net, mode=compiled)

    def step():
        optimizer.zero_grad()
        with torch.autocast(device.type, torch.bfloat16):
            logits = module(spectral, temporal)
        torch.nn.functional.cross_entropy(logits.float(), target).backward()
        optimizer.step()

    return step


def operations():
    """Floating-point operations of a training step."""
    net = SSTEmotionNet(3)
    # So few windows go through PyTorch's own layers, which count.
    spectral, temporal, target = batch(2)
    with FlopCounterMode(display=False) as counter:
        logits = net(spectral, temporal)
        torch.nn.functional.cross_entropy(logits, target).backward()
    return counter.get_total_flops() * BATCH / 2


def peak(device, size=8192):
    """Operations a second of a large product of matrices in bfloat16."""
    size = size if device.type == "cuda" else 2048
    a, b = (torch.randn(size, size, device=device, dtype=torch.bfloat16) for _ in range(2))
    for _ in range(3):
        a @ b
    return 2 * size**3 / seconds_of(lambda: a @ b, device, repeats=20)


def main():
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--windows", type=int, default=2010)
    parser.add_argument("--passes", type=int, default=50)
    parser.add_argument("--json", metavar="FILE")
    arguments = parser.parse_args()
    device = torch.device(arguments.device)
    if device.type == "cuda" and not torch.cuda.is_available():
        parser.error("there is no CUDA device; --device cpu runs the same code without one.")
    mne.set_log_level("ERROR")
    X, y = features(arguments.windows)
    params = dict(device=arguments.device, precision="bf16", batch_size=BATCH)
    classifier(max_epochs=1, **params).fit(X[:BATCH], y[:BATCH])
    rate, per_step = peak(device), operations()
    n_steps = -(-arguments.windows // BATCH)
    took = {
        f"fit(), {arguments.passes} passes, a step": seconds_of(
            lambda: classifier(max_epochs=arguments.passes, **params).fit(X, y), device
        )
        / (n_steps * arguments.passes)
    }
    for name, compiled in (("as it is", None), ("compiled", "default")):
        step = step_function(device, compiled)
        for _ in range(3):
            step()
        took[f"bare step, {name}"] = seconds_of(step, device, repeats=10)
    view = Table(
        title=f"{device}, peak {rate / 1e12:.3g} TFLOP/s, {per_step / 1e9:.1f} GFLOP a step"
    )
    for column in ("", "a step", "all", "TFLOP/s", "share of peak"):
        view.add_column(column, justify="left" if column == "" else "right")
    for name, seconds in took.items():
        view.add_row(
            name,
            f"{seconds * 1e3:.1f} ms",
            f"{seconds * n_steps * arguments.passes:.1f} s",
            f"{per_step / seconds / 1e12:.3g}",
            f"{per_step / seconds / rate:.1%}",
        )
    Console().print(view)
    if arguments.json:
        write_json(arguments.json, {"seconds_a_step": took, "peak": rate, "flop": per_step})


if __name__ == "__main__":
    main()
