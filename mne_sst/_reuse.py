"""What fused training steps stand on: kernels, memory that is used again, batch norm."""

import importlib.util
import threading
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch

#: Values in a batch of maps from which compiled kernels are worth loading.
LEAST = 2**18
_LOCK = threading.Lock()
DTYPES = (torch.float32, torch.float64, torch.bfloat16)


@cache
def available():
    """Whether compiled kernels can be had: they need numba, allowed to compile."""
    if importlib.util.find_spec("numba") is None:
        return False
    import numba

    return not numba.config.DISABLE_JIT


def is_usable(x):
    """Whether this batch can go through fused steps.

    Parameters
    ----------
    x : tensor
        Maps or activations of the batch.
    """
    if torch.compiler.is_compiling():  # PyTorch's own compiler sees the plain layers
        return False
    fits = x.device.type == "cpu" and x.dtype in DTYPES and x.numel() >= LEAST
    return fits and available()


@contextmanager
def compiled():
    """Kernels, on as many threads as PyTorch has."""
    import numba

    from . import _kernels as kernels

    # One of numba's ways to share work among threads allows one caller at a time only;
    # which one it has taken is known after the first kernel has run.
    with _one_at_a_time():
        n_threads = torch.get_num_threads()
        before = numba.get_num_threads()
        # Where both stand on the same OpenMP, numba's first start sets its own number of
        # threads for PyTorch too.
        if torch.get_num_threads() != n_threads:
            torch.set_num_threads(n_threads)
        numba.set_num_threads(min(n_threads, numba.config.NUMBA_NUM_THREADS))
        try:
            yield kernels
        finally:
            numba.set_num_threads(before)


def _one_at_a_time():
    import numba

    try:
        shared = numba.threading_layer() != "workqueue"
    except ValueError:
        shared = False
    return nullcontext() if shared else _LOCK


class Buffers:
    """Memory that one training step after the other uses."""

    def __init__(self):
        self._free = []
        self._lock = threading.Lock()

    def __reduce__(self):
        # A copy, or what a file or another process gets, starts empty.
        return Buffers, ()

    def take(self, shape, dtype):
        """Return an uninitialised tensor."""
        n_bytes = int(np.prod(shape)) * dtype.itemsize
        with self._lock:
            fitting = [i for i, m in enumerate(self._free) if m.nbytes() >= n_bytes]
            best = min(fitting, key=lambda i: self._free[i].nbytes(), default=None)
            memory = None if best is None else self._free.pop(best)
        if memory is None:
            return torch.empty(shape, dtype=dtype)
        return torch.empty(0, dtype=dtype).set_(memory, 0, shape)

    def give(self, *tensors):
        """Take tensors back that nothing uses any longer."""
        with self._lock:
            self._free += [t.untyped_storage() for t in tensors]

    def clear(self):
        """Let go of all memory."""
        with self._lock:
            self._free = []


@dataclass
class Norm:
    """Batch normalisation of filters, from their statistics and its weights."""

    mean: np.ndarray
    var: np.ndarray
    gamma: np.ndarray
    beta: np.ndarray
    eps: float
    n: int

    @classmethod
    def of(cls, statistics, gamma, beta, eps, n):
        """Take statistics (2, n_filters) and tensors."""
        gamma, beta = (v.detach().double().numpy() for v in (gamma, beta))
        return cls(*statistics[:, : len(gamma)], gamma, beta, eps, n)

    @property
    def inverse(self):
        """One over the standard deviation."""
        return 1 / np.sqrt(self.var + self.eps)

    @property
    def scale(self):
        """Factor of a value."""
        return self.gamma * self.inverse

    @property
    def offset(self):
        """Term beside it."""
        return self.beta - self.mean * self.scale

    def values(self, like):
        """Scale and offset in the precision of the kernels for this dtype."""
        return numbers(like, self.scale, self.offset)

    def back(self, sums):
        """Gradients from the sums of `mask_sums`.

        Returns
        -------
        gamma, beta : array
            Gradients.
        slope, level : array
            What is missing in the gradient of the values: ``x * slope + level``.
        """
        total, product = sums.astype(np.float64).sum(0)
        slope = -self.scale * self.inverse**2 * product / self.n
        level = -self.scale * total / self.n - slope * self.mean
        return product * self.inverse, total, slope, level


def numbers(like, *values):
    dtype = np.float64 if like == torch.float64 else np.float32
    return [np.ascontiguousarray(v, dtype) for v in values]


def array(x):
    return x.view(torch.uint16).numpy() if x.dtype == torch.bfloat16 else x.numpy()


def rows(x):
    return array(x.view(-1, x.shape[-1]))


def pool_moments(parts, counts):
    """Mean and variance from those of parts; `moments` of kernels."""
    parts, counts = parts.astype(np.float64), np.asarray(counts, float)[:, None]
    mean = (parts[:, 0] * counts).sum(0) / counts.sum()
    square = parts[:, 1] + counts * (parts[:, 0] - mean) ** 2
    return np.stack([mean, square.sum(0) / counts.sum()])


def moments(x):
    """Mean and variance of each filter, (2, n_filters)."""
    with compiled() as kernels:
        parts = kernels.moments(rows(x), *numbers(x.dtype, np.empty(0)))
        counts = np.full(len(parts), kernels.ROWS)
    counts[-1] += x[..., 0].numel() - counts.sum()
    return pool_moments(parts, counts)


def place(x, first, out):
    """Copy into the filters of ``out`` from ``first`` on."""
    with compiled() as kernels:
        kernels.place(rows(x), first, rows(out))


def norm_relu(x, norm, out):
    with compiled() as kernels:
        kernels.norm_relu(rows(x), *norm.values(x.dtype), rows(out))
    return out
