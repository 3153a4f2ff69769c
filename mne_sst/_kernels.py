"""Compiled kernels of normalisation, ReLU and pooling, for training on a CPU.

Training is bound by memory, and PyTorch's batch norm over channels-last values takes
about five times as long as memory allows. These pass over the values once, and give the
same numbers on any number of threads: sums are over parts of fixed size, added up in order.

Values stand in rows of filters: (n_voxels, n_filters), or in maps (n, depth, height, width,
n_filters), in float32, float64 or, as uint16, bfloat16. Where a kernel takes ``scale`` of
shape (c,), it acts on the first c filters. Normalised values are ``x * scale + offset``.
"""

import numpy as np
from numba import njit, prange, types
from numba.extending import overload

#: Rows in a part: long enough to share among threads, short enough for sums in float32.
ROWS = 512
#: What may be reordered; NaN and infinity keep their meaning.
FAST = {"reassoc", "contract", "nsz", "arcp"}


def kernel(function):
    """Compile a function, and keep the result on disk where there is a place for it."""
    options = dict(parallel=True, fastmath=FAST)
    try:
        return njit(cache=True, **options)(function)
    except RuntimeError:  # neither the package's folder nor the user's can be written to
        return njit(**options)(function)


def load(value):
    """Return a stored value as a number; bfloat16 is the upper half of a float32."""
    raise NotImplementedError  # only in compiled code


def keep(out, index, value):
    """Store a number, rounded to the nearest where bfloat16 is stored."""
    raise NotImplementedError  # only in compiled code


@overload(load)
def _load(value):
    if isinstance(value, types.Float):
        return lambda value: value
    return lambda value: np.uint32(np.uint32(value) << np.uint32(16)).view(np.float32)


@overload(keep)
def _keep(out, index, value):
    if isinstance(out.dtype, types.Float):

        def as_is(out, index, value):
            out[index] = value

        return as_is

    def rounded(out, index, value):
        bits = np.float32(value).view(np.uint32)
        half = np.uint32(0x7FFF) + ((bits >> np.uint32(16)) & np.uint32(1))
        out[index] = np.uint16((bits + half) >> np.uint32(16))

    return rounded


@kernel
def moments(x, like):
    """Mean and sum of squared deviations of each part, (n_parts, 2, n_filters).

    In the precision of ``like``.
    """
    n_filters = x.shape[1]
    n_parts = (len(x) + ROWS - 1) // ROWS
    out = np.empty((n_parts, 2, n_filters), like.dtype)
    for part in prange(n_parts):
        start, stop = part * ROWS, min((part + 1) * ROWS, len(x))
        total = np.zeros(n_filters, like.dtype)
        square = np.zeros(n_filters, like.dtype)
        origin = x[start]
        for row in range(start, stop):
            values = x[row]
            for j in range(n_filters):
                # From the part's first value, so that a large mean costs no precision.
                value = load(values[j]) - load(origin[j])
                total[j] += value
                square[j] += value * value
        for j in range(n_filters):
            mean = total[j] / (stop - start)
            out[part, 0, j] = load(origin[j]) + mean
            out[part, 1, j] = square[j] - total[j] * mean
    return out


@kernel
def place(x, first, out):
    """Copy into the filters of ``out`` from ``first`` on."""
    first = np.uint64(first)
    for part in prange((len(x) + ROWS - 1) // ROWS):
        for row in range(part * ROWS, min((part + 1) * ROWS, len(x))):
            for j in range(x.shape[1]):
                # Unsigned: an index that may be negative is not vectorised.
                out[row, first + np.uint64(j)] = x[row, j]


@kernel
def norm_relu(x, scale, offset, out):
    """Normalise, then ReLU; NaN stays NaN."""
    for part in prange((len(x) + ROWS - 1) // ROWS):
        for row in range(part * ROWS, min((part + 1) * ROWS, len(x))):
            for j in range(len(scale)):
                value = load(x[row, j]) * scale[j] + offset[j]
                keep(out, (row, j), scale.dtype.type(0) if value <= 0 else value)


@kernel
def mask_sums(grad, x, scale, offset, mean, out):
    """Gradient through ReLU into ``out``, and its sums over each part.

    Returns (n_parts, 2, n_filters): of the gradient, and of it times (x - mean).
    """
    n_parts = (len(x) + ROWS - 1) // ROWS
    sums = np.zeros((n_parts, 2, len(scale)), scale.dtype)
    for part in prange(n_parts):
        for row in range(part * ROWS, min((part + 1) * ROWS, len(x))):
            for j in range(len(scale)):
                value = load(x[row, j])
                g = scale.dtype.type(0)
                if value * scale[j] + offset[j] > 0:
                    g = load(grad[row, j])
                keep(out, (row, j), g)
                sums[part, 0, j] += g
                sums[part, 1, j] += g * (value - mean[j])
    return sums


@kernel
def add_masked(grad, x, scale, offset, mean, total):
    """Add the gradient through ReLU, times scale, to ``total``; sums as `mask_sums`."""
    n_parts = (len(x) + ROWS - 1) // ROWS
    sums = np.zeros((n_parts, 2, len(scale)), scale.dtype)
    for part in prange(n_parts):
        for row in range(part * ROWS, min((part + 1) * ROWS, len(x))):
            for j in range(len(scale)):
                value = load(x[row, j])
                g = scale.dtype.type(0)
                if value * scale[j] + offset[j] > 0:
                    g = load(grad[row, j])
                keep(total, (row, j), load(total[row, j]) + g * scale[j])
                sums[part, 0, j] += g
                sums[part, 1, j] += g * (value - mean[j])
    return sums


@kernel
def combine(grad, x, first, scale, slope, level, out):
    """Write ``grad * scale + x * slope + level``, of the filters of grad and x from ``first``."""
    first = np.uint64(first)
    for part in prange((len(x) + ROWS - 1) // ROWS):
        for row in range(part * ROWS, min((part + 1) * ROWS, len(x))):
            for j in range(len(scale)):
                k = first + np.uint64(j)
                value = load(grad[row, k]) * scale[j] + load(x[row, k]) * slope[j] + level[j]
                keep(out, (row, j), value)


@kernel
def norm_relu_mean(x, scale, offset, window, out):
    """Normalise, ReLU, mean over windows of (depth, height, width) without a remainder."""
    n, depth, height, width, n_filters = out.shape
    count = window[0] * window[1] * window[2]
    for part in prange(n * depth):
        i, d = part // depth, part % depth
        total = np.empty(n_filters, scale.dtype)
        for h in range(height):
            for w in range(width):
                total[:] = 0
                for k in range(count):
                    a = d * window[0] + k // (window[1] * window[2])
                    b = h * window[1] + k // window[2] % window[1]
                    c = w * window[2] + k % window[2]
                    for j in range(n_filters):
                        value = load(x[i, a, b, c, j]) * scale[j] + offset[j]
                        total[j] += scale.dtype.type(0) if value <= 0 else value
                for j in range(n_filters):
                    keep(out, (i, d, h, w, j), total[j] / count)


@kernel
def mean_masked(grad, x, scale, offset, mean, window, out):
    """Gradient of `norm_relu_mean` before the statistics, times scale; sums as `mask_sums`."""
    n, depth, height, width, n_filters = x.shape
    share = scale.dtype.type(1) / (window[0] * window[1] * window[2])
    sums = np.zeros((n * depth, 2, n_filters), scale.dtype)
    for part in prange(n * depth):
        i, d = part // depth, part % depth
        for h in range(height):
            for w in range(width):
                a, b, c = d // window[0], h // window[1], w // window[2]
                if a >= grad.shape[1] or b >= grad.shape[2] or c >= grad.shape[3]:
                    for j in range(n_filters):
                        keep(out, (i, d, h, w, j), scale.dtype.type(0))
                    continue
                for j in range(n_filters):
                    value = load(x[i, d, h, w, j])
                    g = scale.dtype.type(0)
                    if value * scale[j] + offset[j] > 0:
                        g = load(grad[i, a, b, c, j]) * share
                    keep(out, (i, d, h, w, j), g * scale[j])
                    sums[part, 0, j] += g
                    sums[part, 1, j] += g * (value - mean[j])
    return sums


@kernel
def max_moments(x, sign, out, where):
    """Maximum of sign * x over 2 x 2 x 2 and which of the eight it was; moments of x.

    Odd last slices make windows of their own. Returns mean and sum of squared
    deviations of each slice of windows, (n * depth, 2, n_filters).
    """
    n, depth, height, width, n_filters = out.shape
    result = np.empty((n * depth, 2, n_filters), sign.dtype)
    for part in prange(n * depth):
        i, d = part // depth, part % depth
        total, square = np.zeros(n_filters, sign.dtype), np.zeros(n_filters, sign.dtype)
        best, which = np.empty(n_filters, sign.dtype), np.empty(n_filters, np.int32)
        for h in range(height):
            for w in range(width):
                best[:] = -np.inf
                which[:] = 0
                for k in range(8):
                    a, b, c = 2 * d + k // 4, 2 * h + k // 2 % 2, 2 * w + k % 2
                    if a >= x.shape[1] or b >= x.shape[2] or c >= x.shape[3]:
                        continue
                    for j in range(n_filters):
                        value = load(x[i, a, b, c, j])
                        shifted = value - load(x[i, 2 * d, 0, 0, j])
                        total[j] += shifted
                        square[j] += shifted * shifted
                        value *= sign[j]
                        # A NaN wins, so that it is not lost.
                        larger = not value <= best[j]
                        best[j] = value if larger else best[j]
                        which[j] = k if larger else which[j]
                for j in range(n_filters):
                    keep(out, (i, d, h, w, j), best[j] * sign[j])
                    where[i, d, h, w, j] = which[j]
        count = (min(2 * d + 2, x.shape[1]) - 2 * d) * x.shape[2] * x.shape[3]
        for j in range(n_filters):
            mean = total[j] / count
            result[part, 0, j] = load(x[i, 2 * d, 0, 0, j]) + mean
            result[part, 1, j] = square[j] - total[j] * mean
    return result


@kernel
def max_back(grad, where, x, scale, slope, level, out):
    """Write ``x * slope + level``, and add each gradient times scale where its maximum was."""
    n, depth, height, width, n_filters = x.shape
    for part in prange(n * depth):
        i, d = part // depth, part % depth
        for h in range(height):
            for w in range(width):
                k = d % 2 * 4 + h % 2 * 2 + w % 2
                a, b, c = d // 2, h // 2, w // 2
                for j in range(n_filters):
                    g = load(x[i, d, h, w, j]) * slope[j] + level[j]
                    if where[i, a, b, c, j] == k:
                        g += load(grad[i, a, b, c, j]) * scale[j]
                    keep(out, (i, d, h, w, j), g)
