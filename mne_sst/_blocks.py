"""Building blocks of SST-EmotionNet.

Activations are kept in the order (n, depth, height, width, filters). A (3, 3, 1)
convolution is then a channels-last 2-D convolution over n * depth maps, and a
(1, 1, 3) one a channels-last 2-D convolution over n images of depth by
height * width: two views of the same memory, with no copy between them.
"""

import math

import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils import skip_init

from ._fused import dense_block, dense_block_of_trained, max_stem, max_stem_of_trained
from ._reuse import Buffers, is_usable
from ._views import as_columns, as_maps, from_columns, from_maps

NORM_EPS = 1.1e-5


def pool_average(x):
    """Average over 2 x 2 x 2; odd sizes lose the last slice, size 1 is not pooled."""
    depth, height, width = x.shape[1:4]
    if depth > 1:
        x = x[:, : depth // 2 * 2].unflatten(1, (-1, 2)).mean(2)
    kernel = (min(2, height), min(2, width))
    return from_maps(F.avg_pool2d(as_maps(x), kernel), x.shape[1])


def pool_max(x):
    """Maximum over 2 x 2 x 2, an odd last slice by itself; for values >= 0."""
    x = from_maps(F.max_pool2d(as_maps(x), 2, ceil_mode=True), x.shape[1])
    return from_columns(F.max_pool2d(as_columns(x), (2, 1), ceil_mode=True), x.shape[2:4])


def to_autocast(x):
    """Cast as a convolution would under autocast."""
    kind = x.device.type
    return x.to(torch.get_autocast_dtype(kind)) if torch.is_autocast_enabled(kind) else x


def fused_step(norms, x):
    """Return "train" or "trained" where there is a fused step for this batch, or None."""
    modes = {norm.training for norm in norms}
    # Statistics of which some are frozen are for plain layers.
    if len(modes) > 1 or not is_usable(x):
        return None
    if modes == {True}:
        return "train"
    return None if torch.is_grad_enabled() else "trained"


class NormReLU(nn.BatchNorm2d):
    """Batch normalisation over the filters, then ReLU."""

    def __init__(self, n_filters, momentum):
        super().__init__(n_filters, eps=NORM_EPS, momentum=momentum)

    def forward(self, x):
        """Take and give (n, depth, height, width, filters)."""
        # In place: a large block of memory less to be mapped, which costs more than the ReLU.
        return from_maps(F.relu(super().forward(as_maps(x)), inplace=True), x.shape[1])


class MapConv(nn.Module):
    """Convolution within each map, as TensorFlow pads it ("same")."""

    def __init__(self, n_in, n_out, kernel, stride=1):
        super().__init__()
        self.conv = skip_init(nn.Conv2d, n_in, n_out, kernel, stride, bias=False)

    def forward(self, x):
        """Take (n, depth, height, width, n_in), give (..., n_out)."""
        (kernel, _), stride = self.conv.kernel_size, self.conv.stride
        if kernel % 2 and stride == (1, 1):
            weight, padding = self.conv.weight, kernel // 2
            if x.shape[2:4] == (1, 1):  # the rest of the kernel would see padding alone
                weight, padding = weight[..., padding, padding, None, None], 0
            return from_maps(F.conv2d(as_maps(x), weight, padding=padding), x.shape[1])
        return from_maps(self.conv(self.padded(x)), x.shape[1])

    def padded(self, x):
        """Images for the convolution, from (n, depth, height, width, n_in)."""
        maps, (kernel, _), (stride, _) = as_maps(x), self.conv.kernel_size, self.conv.stride
        pads = [max((math.ceil(s / stride) - 1) * stride + kernel - s, 0) for s in x.shape[2:4]]
        # TensorFlow puts the odd pixel of padding at the end.
        return F.pad(maps, (*_halves(pads[1]), *_halves(pads[0])))


def _halves(total):
    return total // 2, total - total // 2


class DepthConv(nn.Module):
    """Convolution of 3 along the depth (bands or time)."""

    def __init__(self, n_filters):
        super().__init__()
        self.conv = skip_init(nn.Conv2d, n_filters, n_filters, (3, 1), padding=(1, 0), bias=False)

    def forward(self, x):
        """Take and give (n, depth, height, width, filters)."""
        return from_columns(self.conv(as_columns(x)), x.shape[2:4])


class DenseLayer(nn.Module):
    """Bottleneck, then the pseudo-3-D pair; its output is joined to its input."""

    def __init__(self, n_in, growth, momentum):
        super().__init__()
        self.norm1 = NormReLU(n_in, momentum)
        self.bottleneck = MapConv(n_in, 4 * growth, 1)
        self.norm2 = NormReLU(4 * growth, momentum)
        self.spatial_conv = MapConv(4 * growth, growth, 3)
        self.depth_conv = DepthConv(growth)

    def forward(self, x):
        """Take (n, depth, height, width, n_in), give n_in + growth filters."""
        new = self.norm2(self.bottleneck(self.norm1(x)))
        return torch.cat([x, self.depth_conv(self.spatial_conv(new))], dim=-1)


class Transition(nn.Module):
    """Mix filters and halve the maps and the depth."""

    def __init__(self, n_in, n_out, momentum):
        super().__init__()
        self.norm = NormReLU(n_in, momentum)
        self.conv = MapConv(n_in, n_out, 1)

    def forward(self, x):
        """Take (n, depth, height, width, n_in), give (n, depth / 2, ...)."""
        # A mean and a 1x1x1 convolution commute; this order has an eighth of the work.
        return self.conv(pool_average(self.norm(x)))


class MapAttention(nn.Module):
    """Spatial and depth masks from the mean over filters, and their application.

    Parameters
    ----------
    depth, height, width : int
        Size of what it acts on.
    variant : {"paper", "authors"}
        Softmax over all cells and all slices, or sigmoid. A softmax mask of
        sum 1 is applied times the number of cells (slices), so that it has mean 1.
    attention : {"both", "spatial", "depth"}
        Which masks there are.
    """

    def __init__(self, depth, height, width, variant, attention):
        super().__init__()
        self.softmax = variant == "paper"
        size = height * width
        self.spatial = skip_init(nn.Linear, size, size) if attention != "depth" else None
        self.depth = skip_init(nn.Linear, depth, depth) if attention != "spatial" else None

    def forward(self, x):
        """Return x under its masks, and the masks by name.

        Returns
        -------
        x : tensor, shape (n, depth, height, width, filters)
        masks : dict
            ``"spatial"`` (n, height, width) and ``"depth"`` (n, depth), those
            there are; of sum 1 for softmax, each between 0 and 1 for sigmoid.
        """
        n, depth, height, width, _ = x.shape
        mean = x.mean(-1)
        masks, gains = {}, []
        if self.spatial is not None:
            mask, gain = self._activate(self.spatial(mean.mean(1).flatten(1)))
            masks["spatial"] = mask.unflatten(1, (height, width))
            gains.append(gain.view(n, 1, height, width, 1))
        if self.depth is not None:
            masks["depth"], gain = self._activate(self.depth(mean.mean((2, 3))))
            gains.append(gain.view(n, depth, 1, 1, 1))
        # One pass over x for both masks.
        return x * math.prod(gains).to(x.dtype), masks

    def _activate(self, scores):
        # In full precision: a sum over a thousand cells is not for bfloat16.
        scores = scores.float()
        if not self.softmax:
            mask = torch.sigmoid(scores)
            return mask, mask
        mask = torch.softmax(scores, dim=1)
        return mask, mask * mask.shape[1]


class Stem(nn.Module):
    """First convolution of a stream, from one value a voxel to ``n_out`` filters.

    The spectral one keeps the size; the temporal one (5, 5, 3) halves the maps
    twice and the depth once.
    """

    def __init__(self, n_out, temporal, momentum):
        super().__init__()
        self.temporal = temporal
        if temporal:
            # The kernel's 3 along the depth become input filters: neighbouring slices.
            self.conv = MapConv(3, n_out, 5, stride=2)
            self.norm = NormReLU(n_out, momentum)
        else:
            self.conv = MapConv(1, n_out, 3)

    def forward(self, maps):
        """Take (n, depth, height, width), give (n, depth', height', width', n_out)."""
        if not self.temporal:
            return self.conv(maps.unsqueeze(-1))
        maps = to_autocast(maps)
        step = fused_step([self.norm], maps)
        if step == "train" and not maps.requires_grad:
            depth, *size = maps.shape[1:]
            size = depth, *(math.ceil(s / 2) for s in size)
            return max_stem(maps, self._images, self.conv.conv, self.norm, size)
        if step == "trained":
            return max_stem_of_trained(maps, self._images, self.conv.conv, self.norm, maps.shape[1])
        return pool_max(self.norm(self.conv(self._neighbours(maps))))

    @staticmethod
    def _neighbours(maps):
        return F.pad(maps, (0, 0, 0, 0, 1, 1)).unfold(1, 3, 1).contiguous()

    def _images(self, maps):
        return self.conv.padded(self._neighbours(maps))


class Stream(nn.Module):
    """One stream, from maps to its features.

    Parameters
    ----------
    size : tuple of int
        (depth, height, width) of the maps.
    temporal : bool
        Which stem.
    growth : int
        Filters that a dense layer adds.
    n_layers, n_blocks : int
        Layers in a block, and blocks.
    compression : float
        Share of the filters that a transition keeps.
    variant, attention : str
        See `SSTEmotionNet`.
    momentum : float
        Of the running statistics.
    """

    def __init__(
        self, size, temporal, growth, n_layers, n_blocks, compression, variant, attention, momentum
    ):
        super().__init__()
        n_filters = 2 * growth
        self.depth, self.buffers = size[0], Buffers()
        self.stem = Stem(n_filters, temporal, momentum)
        if temporal:
            depth, height, width = size
            size = (-(-depth // 2), -(-height // 4), -(-width // 4))
        self.blocks, self.transitions = nn.ModuleList(), nn.ModuleList()
        self.attentions = nn.ModuleDict()
        for i in range(n_blocks):
            if attention != "none" and (i > 0 or variant == "paper"):
                self.attentions[str(i + 1)] = MapAttention(*size, variant, attention)
            layers = [DenseLayer(n_filters + j * growth, growth, momentum) for j in range(n_layers)]
            self.blocks.append(nn.Sequential(*layers))
            n_filters += n_layers * growth
            if i < n_blocks - 1:
                n_kept = math.floor(compression * n_filters)
                if n_kept < 1:
                    raise ValueError(
                        f"compression={compression} keeps none of {n_filters} filters; give a "
                        "larger compression or growth."
                    )
                self.transitions.append(Transition(n_filters, n_kept, momentum))
                n_filters = n_kept
                size = tuple(max(s // 2, 1) for s in size)
        self.final_norm = NormReLU(n_filters, momentum)
        self.n_features = n_filters

    def train(self, mode=True):
        """Go to training or back; the memory of training is let go of."""
        if not mode:
            self.buffers.clear()
        return super().train(mode)

    def forward(self, maps):
        """Take (n, depth, height, width), give features and masks.

        Returns
        -------
        features : tensor, shape (n, n_features)
        masks : dict
            Block number as str -> masks of `MapAttention`.
        """
        x, masks = self.stem(maps), {}
        for i in range(len(self.blocks)):
            name = str(i + 1)
            if name in self.attentions:
                x, masks[name] = self.attentions[name](x)
            x = self._block(i, x)
        return x.flatten(1), masks

    def _block(self, i, x):
        """Dense block i and the transition after it, or the mean after the last."""
        last = i == len(self.transitions)
        norm = self.final_norm if last else self.transitions[i].norm
        size = x.shape[1:4]
        window = size if last else [min(2, s) for s in size]
        layers = self.blocks[i]
        step = fused_step([norm, *(n for a in layers for n in (a.norm1, a.norm2))], x)
        if step == "train":
            pooled = dense_block(x, layers, norm, window, self.buffers)
        elif step == "trained":
            pooled = dense_block_of_trained(x, layers, norm, window)
        else:
            x = norm(layers(x))
            pooled = x.mean((1, 2, 3)) if last else pool_average(x)
        return pooled if last else self.transitions[i].conv(pooled)


class SeededDropout(nn.Module):
    """Dropout that can draw from a generator of its own."""

    def __init__(self, p):
        super().__init__()
        self.p = p
        self.generator = None

    def forward(self, x):
        """Take and give any shape."""
        if not self.training or self.p == 0:
            return x
        return x * (self.draw(x.shape, x.device) >= self.p) / (1 - self.p)

    def draw(self, shape, device):
        """Return uniform random numbers between 0 and 1."""
        return torch.rand(shape, generator=self.generator, device=device)
