"""Where and how torch computes: device, precision, threads."""

import threading
from contextlib import contextmanager

import torch

from ._checks import check_option, logger

DEVICES = ("auto", "cpu", "cuda", "mps")
PRECISIONS = ("auto", "fp32", "bf16")


def choose_device(device):
    """Return a torch.device; "auto" takes a CUDA GPU where there is one."""
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(device)
    except (RuntimeError, TypeError) as error:
        raise ValueError(
            f"device must be one of {DEVICES} or a torch device, got {device!r}."
        ) from error
    if not available(device):
        raise ValueError(
            f"device={str(device)!r} is not there: this torch ({torch.__version__}) sees none. "
            "Use device='auto', which takes what there is."
        )
    return device


def available(device):
    """Whether torch can compute on a device."""
    backend = {"cuda": torch.cuda, "mps": torch.backends.mps}.get(device.type)
    return backend is None or backend.is_available()


def device_or_auto(device):
    """Return a setting of the device; "auto" where it asks for one that is not here."""
    if device == "auto" or available(torch.device(device)):
        return device
    logger.warning("device=%r is not there; device='auto' takes its place.", str(device))
    return "auto"


def choose_precision(precision, device):
    """Return torch.bfloat16 or torch.float32.

    "auto" takes bfloat16 where the hardware multiplies matrices in it: on those
    machines it was measured to be faster, elsewhere it is emulated and slower.
    """
    check_option("precision", precision, PRECISIONS)
    if precision == "auto":
        if device.type == "cuda":
            fast = torch.cuda.get_device_capability(device) >= (8, 0)
        elif device.type == "cpu":
            has = torch.cpu.get_capabilities()
            fast = has.get("amx_bf16", False) or has.get("avx512_bf16", False)
        else:
            fast = False
        precision = "bf16" if fast else "fp32"
    return torch.bfloat16 if precision == "bf16" else torch.float32


class _Threads:
    """How many fits have a number of threads of their own, and what was before them."""

    lock, n_inside, outside = threading.Lock(), 0, None


@contextmanager
def torch_threads(n_threads):
    """Run torch on a number of threads; None leaves it as it is.

    Python threads may do so at the same time: torch keeps one number for each of
    them and one that new ones begin with, so all give back what the first one met.
    """
    if n_threads is None:
        yield
        return
    with _Threads.lock:
        # Asking makes a new thread take its number now, not over the one that is set below.
        found = torch.get_num_threads()
        if not _Threads.n_inside:
            _Threads.outside = found
        _Threads.n_inside += 1
        torch.set_num_threads(n_threads)
    try:
        yield
    finally:
        with _Threads.lock:
            _Threads.n_inside -= 1
            torch.set_num_threads(_Threads.outside)


def autocast(device, dtype):
    """Return the autocast context for a precision, one that does nothing for float32."""
    return torch.autocast(
        torch.device(device).type, dtype=torch.bfloat16, enabled=dtype == torch.bfloat16
    )
