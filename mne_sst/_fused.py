"""A dense block with the pooling after it, and the temporal stem, as one step of training each.

A training step on a CPU is bound by memory: most of its time goes into writing
activations, reading them again and having the system map fresh memory for them. Here

- a block writes into one buffer, and the statistics of a filter are computed once for all
  layers that read it;
- what comes after a normalisation is computed again in the backward pass instead of kept,
  as in Pleiss et al. (2017), and pooled values are never there in full size;
- large buffers are used again in the next step.

Numbers are those of the plain layers, up to rounding. On two cores, fp32, batches of 64 at
the SEED setting, a step takes half the time of the plain layers.

References
----------
Pleiss et al. (2017). Memory-efficient implementation of DenseNets. arXiv:1707.06990.
"""

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch.autograd.function import once_differentiable
from torch.nn.grad import conv2d_input, conv2d_weight

from ._reuse import Norm, array, compiled, moments, norm_relu, numbers, place, pool_moments, rows
from ._views import as_columns, as_maps, from_columns, from_maps

#: Bytes of what convolutions work on at a time: below, memory is not mapped anew each time.
PART = 2**23


def _split(x):
    """Split samples into parts that convolutions work on at a time."""
    return x.split(max(PART * len(x) // (x.numel() * x.itemsize), 1))


class _Layer:
    """A dense layer in training: reads filters before ``first`` of a buffer, writes after."""

    def __init__(self, joined, first, weights, eps, buffers):
        dtype = joined.dtype
        gamma1, beta1, weight1, gamma2, beta2, weight2, weight3 = weights
        self.joined, self.first, self.buffers, self.eps = joined, first, buffers, eps
        self.norms = (gamma1, beta1), (gamma2, beta2)
        self.weight1 = weight1.detach().flatten(1).to(dtype)
        self.weight2, self.weight3 = (
            w.detach().to(dtype, memory_format=torch.channels_last) for w in (weight2, weight3)
        )

    def forward(self, statistics):
        """Compute the new filters; return the statistics of these and of the hidden ones."""
        shape, x, buffers = self.joined.shape[:-1], self.joined, self.buffers
        n = x[..., 0].numel()
        self.norm1 = Norm.of(statistics, *self.norms[0], self.eps, n)
        y = norm_relu(x, self.norm1, buffers.take((n, self.first), x.dtype))
        self.hidden = buffers.take((*shape, len(self.weight1)), x.dtype)
        torch.mm(y, self.weight1.T, out=self.hidden.view(n, -1))
        buffers.give(y)
        hidden_statistics = moments(self.hidden)
        self.norm2 = Norm.of(hidden_statistics, *self.norms[1], self.eps, n)
        y = buffers.take(self.hidden.shape, x.dtype)
        norm_relu(self.hidden, self.norm2, y)
        self.new = F.conv2d(as_maps(y), self.weight2, padding=1)
        buffers.give(y)
        self.new = from_maps(self.new, shape[1])
        new = from_columns(F.conv2d(as_columns(self.new), self.weight3, padding=(1, 0)), shape[2:])
        new = new.contiguous()
        place(new, self.first, x)
        return moments(new), hidden_statistics

    def backward(self, grads, slope, level):
        """Add to the gradient of the buffer; return those of the weights.

        Slope and level of the gradient of filters (see `Norm.back`) are added to as well.
        """
        buffers, x, first = self.buffers, self.joined, self.first
        n = x[..., 0].numel()
        grad = buffers.take(self.new.shape, x.dtype)
        _finish(grads, x, first, slope, level, grad)
        columns, maps = as_columns(grad), as_columns(self.new)
        weight3 = conv2d_weight(maps, self.weight3.shape, columns, padding=(1, 0))
        new = conv2d_input(maps.shape, self.weight3, columns, padding=(1, 0))
        buffers.give(grad)
        grad, weight2, sums = self._hidden_grad(from_columns(new, x.shape[2:4]))
        gamma2, beta2, hidden_slope, hidden_level = self.norm2.back(sums)
        values = numbers(x.dtype, self.norm2.scale, hidden_slope, hidden_level)
        y = buffers.take((n, first), x.dtype)
        with compiled() as kernels:
            kernels.combine(rows(grad), rows(self.hidden), 0, *values, rows(grad))
            kernels.norm_relu(rows(x), *self.norm1.values(x.dtype), rows(y))
        flat = grad.view(n, -1)
        weight1 = flat.T @ y
        torch.mm(flat, self.weight1, out=y)
        values = numbers(x.dtype, self.norm1.scale, self.norm1.offset, self.norm1.mean)
        with compiled() as kernels:
            sums = kernels.add_masked(rows(y), rows(x), *values, rows(grads))
        buffers.give(y, grad, self.hidden)
        gamma1, beta1, more_slope, more_level = self.norm1.back(sums)
        slope[:first] += more_slope
        level[:first] += more_level
        return gamma1, beta1, weight1[..., None, None], gamma2, beta2, weight2, weight3

    def _hidden_grad(self, new):
        """Gradient through the 3 x 3 convolution and the ReLU before it."""
        hidden, weight2 = self.hidden, 0.0
        grad, sums = self.buffers.take(hidden.shape, hidden.dtype), []
        norm, parts = self.norm2, zip(_split(hidden), _split_like(hidden, grad, new), strict=True)
        for part, (part_grad, part_new) in parts:
            y = norm_relu(part, norm, self.buffers.take(part.shape, part.dtype))
            maps, g = as_maps(y), as_maps(part_new)
            weight = conv2d_weight(maps, self.weight2.shape, g, padding=1)
            weight2 = weight2 + weight.to(torch.promote_types(weight.dtype, torch.float32))
            y_grad = conv2d_input(maps.shape, self.weight2, g, padding=1)
            self.buffers.give(y)
            y_grad = y_grad.permute(0, 2, 3, 1)
            values = numbers(part.dtype, norm.scale, norm.offset, norm.mean)
            with compiled() as kernels:
                arguments = rows(y_grad), rows(part), *values, rows(part_grad)
                sums.append(kernels.mask_sums(*arguments))
        return grad, weight2, np.concatenate(sums)


def _split_like(x, *others):
    size = len(_split(x)[0])
    return zip(*(other.split(size) for other in others), strict=True)


def _finish(grads, x, first, slope, level, out):
    """Gradient of filters of a buffer, from ``first`` on, with what statistics add."""
    n_filters = out.shape[-1]
    wanted = slice(first, first + n_filters)
    values = numbers(x.dtype, np.ones(n_filters), slope[wanted], level[wanted])
    with compiled() as kernels:
        kernels.combine(rows(grads), rows(x), first, *values, rows(out))


class _DenseBlock(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, buffers, window, eps, keep, *weights):
        ctx.set_materialize_grads(False)
        *weights, gamma, beta = weights
        ctx.buffers, ctx.window = buffers, window
        first, n = x.shape[-1], x[..., 0].numel()
        joined = buffers.take((*x.shape[:-1], len(gamma)), x.dtype)
        statistics = [moments(x)]
        place(x, 0, joined)
        hidden, ctx.layers = [], []
        for i in range(0, len(weights), 7):
            layer = _Layer(joined, first, weights[i : i + 7], eps, buffers)
            new, of_hidden = layer.forward(np.concatenate(statistics, axis=1))
            statistics.append(new)
            hidden.append(of_hidden)
            first += new.shape[1]
            ctx.layers.append(layer)
        statistics = np.concatenate(statistics, axis=1)
        ctx.norm, ctx.joined = Norm.of(statistics, gamma, beta, eps, n), joined
        pooled = _pooled(joined, *ctx.norm.values(x.dtype), window)
        if not keep:
            buffers.give(joined, *(layer.hidden for layer in ctx.layers))
            ctx.layers = ctx.joined = None
        statistics = [torch.from_numpy(s) for s in (statistics, *hidden)]
        ctx.mark_non_differentiable(*statistics)
        return pooled, *statistics

    @staticmethod
    @once_differentiable
    def backward(ctx, grad, *_):
        if ctx.layers is None:
            raise RuntimeError("A fused block can be run backward only once.")
        joined, norm, buffers = ctx.joined, ctx.norm, ctx.buffers
        grads = buffers.take(joined.shape, joined.dtype)
        values = numbers(joined.dtype, norm.scale, norm.offset, norm.mean)
        with compiled() as kernels:
            sums = kernels.mean_masked(
                array(grad.contiguous()), array(joined), *values, ctx.window, array(grads)
            )
        gamma, beta, slope, level = norm.back(sums)
        weights = [gamma, beta]
        for layer in ctx.layers[::-1]:
            weights[:0] = layer.backward(grads, slope, level)
        first = ctx.layers[0].first
        x_grad = joined.new_empty((*joined.shape[:-1], first))
        _finish(grads, joined, first=0, slope=slope, level=level, out=x_grad)
        buffers.give(grads, joined)
        ctx.layers = ctx.joined = None
        weights = [torch.as_tensor(w) for w in weights]
        return x_grad, None, None, None, None, *weights


def dense_block(x, layers, norm, window, buffers):
    """Dense layers, then normalisation, ReLU and the mean over windows, by the batch.

    Parameters
    ----------
    x : tensor, shape (n, depth, height, width, n_in)
    layers : iterable of DenseLayer
    norm : NormReLU
        Of the joined filters.
    window : tuple of int
        Depth, height and width of a window.
    buffers : Buffers

    Returns
    -------
    pooled : tensor, shape (n, depth', height', width', n_out)
        Without the remainder that makes no full window.
    """
    weights = []
    for layer in layers:
        weights += [layer.norm1.weight, layer.norm1.bias, layer.bottleneck.conv.weight]
        weights += [layer.norm2.weight, layer.norm2.bias, layer.spatial_conv.conv.weight]
        weights.append(layer.depth_conv.conv.weight)
    weights += [norm.weight, norm.bias]
    with torch.autocast("cpu", enabled=False):
        keep = torch.is_grad_enabled()
        pooled, joined, *hidden = _DenseBlock.apply(
            x.contiguous(), buffers, tuple(window), norm.eps, keep, *weights
        )
    n = x[..., 0].numel()
    for layer, statistics in zip(layers, hidden, strict=True):
        _note(layer.norm1, joined, n)
        _note(layer.norm2, statistics, n)
    _note(norm, joined, n)
    return pooled


@torch.no_grad()
def dense_block_of_trained(x, layers, norm, window):
    """`dense_block` by running statistics, without gradients.

    Parameters
    ----------
    x, layers, norm, window : object
        See `dense_block`.

    Returns
    -------
    pooled : tensor, shape (n, depth', height', width', n_out)
    """
    with torch.autocast("cpu", enabled=False):
        first, n_filters = x.shape[-1], norm.num_features
        joined = x.new_empty((*x.shape[:-1], n_filters))
        place(x.contiguous(), 0, joined)
        for layer in layers:
            weights = [
                c.conv.weight.to(x.dtype)
                for c in (layer.bottleneck, layer.spatial_conv, layer.depth_conv)
            ]
            y = _trained_norm_relu(joined, layer.norm1, x.new_empty((*x.shape[:-1], first)))
            # A matrix product rounds in other ways on other numbers of threads.
            y = from_maps(F.conv2d(as_maps(y), weights[0]), x.shape[1])
            y = as_maps(_trained_norm_relu(y, layer.norm2, y))
            y = from_maps(F.conv2d(y, weights[1], padding=1), x.shape[1])
            y = F.conv2d(as_columns(y), weights[2], padding=(1, 0))
            place(from_columns(y, x.shape[2:4]).contiguous(), first, joined)
            first += len(weights[2])
        pooled = _pooled(joined, *_trained_values(norm, x.dtype), window)
    return pooled


def _trained_norm_relu(x, norm, out):
    with compiled() as kernels:
        kernels.norm_relu(rows(x), *_trained_values(norm, x.dtype), rows(out))
    return out


def _trained_values(norm, dtype):
    scale = norm.weight * torch.rsqrt(norm.running_var + norm.eps)
    return numbers(dtype, scale.numpy(), (norm.bias - norm.running_mean * scale).numpy())


def _pooled(joined, scale, offset, window):
    size = [s // w for s, w in zip(joined.shape[1:4], window, strict=True)]
    pooled = joined.new_empty((len(joined), *size, joined.shape[-1]))
    with compiled() as kernels:
        kernels.norm_relu_mean(array(joined), scale, offset, tuple(window), array(pooled))
    return pooled


@torch.no_grad()
def _note(norm, statistics, n):
    """Move running statistics towards those of a batch, of n voxels."""
    norm.num_batches_tracked += 1
    # Without a momentum, all batches weigh the same.
    share = 1 / norm.num_batches_tracked.item() if norm.momentum is None else norm.momentum
    mean, var = statistics[:, : norm.num_features].to(norm.running_mean.dtype)
    norm.running_mean.lerp_(mean, share)
    norm.running_var.lerp_(var * (n / max(n - 1, 1)), share)


class _MaxStem(torch.autograd.Function):
    @staticmethod
    def forward(ctx, maps, prepare, stride, weight, gamma, beta, eps, size):
        ctx.prepare, ctx.stride = prepare, stride
        weight = weight.detach().to(maps.dtype, memory_format=torch.channels_last)
        # The maximum before normalisation is that after it, or the minimum where gamma < 0.
        (sign,) = numbers(maps.dtype, np.where(gamma.detach().numpy() < 0, -1.0, 1.0))
        n_filters = len(weight)
        pooled_size = [-(-s // 2) for s in size]
        raw = maps.new_empty((len(maps), *pooled_size, n_filters))
        where = torch.empty(raw.shape, dtype=torch.uint8)
        ctx.size = max(PART // (math.prod(size) * n_filters * maps.itemsize), 1)
        parts = []
        for part, low, index in zip(*(v.split(ctx.size) for v in (maps, raw, where)), strict=True):
            x = from_maps(F.conv2d(prepare(part), weight, stride=stride), size[0])
            with compiled() as kernels:
                parts.append(kernels.max_moments(array(x), sign, array(low), index.numpy()))
        slices = [min(2, size[0] - 2 * d) for d in range(pooled_size[0])]
        counts = np.tile(np.array(slices) * size[1] * size[2], len(maps))
        statistics = pool_moments(np.concatenate(parts), counts)
        ctx.norm = Norm.of(statistics, gamma, beta, eps, counts.sum())
        ctx.save_for_backward(maps, weight, raw, where)
        statistics = torch.from_numpy(statistics)
        ctx.mark_non_differentiable(statistics)
        return norm_relu(raw, ctx.norm, torch.empty_like(raw)), statistics

    @staticmethod
    @once_differentiable
    def backward(ctx, grad, _):
        maps, weight, raw, where = ctx.saved_tensors
        norm, total = ctx.norm, 0.0
        values = numbers(maps.dtype, norm.scale, norm.offset, norm.mean)
        masked = torch.empty_like(raw)
        with compiled() as kernels:
            sums = kernels.mask_sums(rows(grad.contiguous()), rows(raw), *values, rows(masked))
        gamma, beta, slope, level = norm.back(sums)
        scale, slope, level = numbers(maps.dtype, norm.scale, slope, level)
        for part, g, index in zip(*(v.split(ctx.size) for v in (maps, masked, where)), strict=True):
            images = ctx.prepare(part)
            x = F.conv2d(images, weight, stride=ctx.stride)
            values = array(from_maps(x, len(x) // len(part)))
            with compiled() as kernels:
                kernels.max_back(array(g), index.numpy(), values, scale, slope, level, values)
            part_grad = conv2d_weight(images, weight.shape, x, stride=ctx.stride)
            total = total + part_grad.to(torch.promote_types(part_grad.dtype, torch.float32))
        return None, None, None, total, torch.as_tensor(gamma), torch.as_tensor(beta), None, None


def max_stem(maps, prepare, conv, norm, size):
    """Convolution, normalisation, ReLU and maximum over 2 x 2 x 2, by the batch.

    Parameters
    ----------
    maps : tensor, shape (n, depth, height, width)
        Without a gradient.
    prepare : callable
        From some of the maps to padded images for ``conv``.
    conv : Conv2d
    norm : NormReLU
    size : tuple of int
        Depth, height and width of what the convolution gives.

    Returns
    -------
    pooled : tensor, shape (n, depth', height', width', n_filters)
    """
    with torch.autocast("cpu", enabled=False):
        pooled, statistics = _MaxStem.apply(
            maps, prepare, conv.stride, conv.weight, norm.weight, norm.bias, norm.eps, size
        )
    _note(norm, statistics, maps.shape[0] * math.prod(size))
    return pooled


@torch.no_grad()
def max_stem_of_trained(maps, prepare, conv, norm, depth):
    """`max_stem` by running statistics, without gradients.

    Parameters
    ----------
    maps, prepare, conv, norm : object
        See `max_stem`.
    depth : int
        Of what the convolution gives.

    Returns
    -------
    pooled : tensor, shape (n, depth', height', width', n_filters)
    """
    with torch.autocast("cpu", enabled=False):
        weight = conv.weight.to(maps.dtype)
        x = from_maps(F.conv2d(prepare(maps), weight, stride=conv.stride), depth)
        (sign,) = numbers(maps.dtype, np.where(norm.weight.numpy() < 0, -1.0, 1.0))
        raw = x.new_empty((len(x), *(-(-s // 2) for s in x.shape[1:4]), len(weight)))
        with compiled() as kernels:
            kernels.max_moments(
                array(x), sign, array(raw), torch.empty(raw.shape, dtype=torch.uint8).numpy()
            )
        return _trained_norm_relu(raw, norm, raw)
