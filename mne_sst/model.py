"""SST-EmotionNet in PyTorch: two streams of pseudo-3-D dense blocks with attention."""

import math

import torch
from torch import nn
from torch.nn.utils import skip_init

from ._authors import load_authors_weights
from ._blocks import SeededDropout, Stream
from ._checks import check_number, check_option, check_shape

__all__ = ["SSTEmotionNet", "load_authors_weights"]

VARIANTS = ("paper", "authors")
STREAMS = ("both", "spectral", "temporal")
ATTENTION = ("both", "spatial", "depth", "none")
MASK_INITS = ("zero", "random")
HIDDEN = 50
#: Parameters that an estimator passes on as they are.
NETWORK_PARAMS = (
    "variant",
    "streams",
    "attention",
    "depth_spectral",
    "depth_temporal",
    "growth_spectral",
    "growth_temporal",
    "n_blocks",
    "compression_spectral",
    "compression_temporal",
    "drop_prob",
    "stream_drop_prob",
    "norm_momentum",
    "mask_init",
)


class SSTEmotionNet(nn.Module):
    """Spatial-spectral-temporal attention 3-D dense network [1]_.

    Parameters
    ----------
    n_outputs : int
        Number of classes.
    n_bands, n_times : int
        Depth of the spectral (at least 1) and temporal (at least 3) stack.
    grid_shape : tuple of int
        (height, width) of a map, from 8 x 8.
    variant : {"paper", "authors"}
        ``"paper"``: softmax attention before every dense block. ``"authors"``:
        sigmoid attention after each transition, as in the published code.
    projection : array, shape (height * width, n_channels) | None
        `TopoGrid.weights`: inputs are then electrode values instead of maps.
    streams : {"both", "spectral", "temporal"}
        Which streams there are.
    attention : {"both", "spatial", "depth", "none"}
        Which masks there are, in both streams.
    depth_spectral, depth_temporal : int
        Depth in the sense of DenseNet: a block has ((depth - 4) / 3) // 2 layers.
    growth_spectral, growth_temporal : int
        Filters that a dense layer adds.
    n_blocks : int
        Dense blocks in a stream.
    compression_spectral, compression_temporal : float
        Share of the filters that a transition keeps.
    drop_prob : float
        Dropout before the output.
    stream_drop_prob : float
        Share of samples of which training hides one of the two streams, so that
        neither is relied on alone; 0 in the paper.
    norm_momentum : float
        Of the running statistics, in PyTorch's sense.
    mask_init : {"zero", "random"}
        Initial weights of the attention layers. ``"zero"`` starts as even
        attention, so that whatever a mask shows was learnt; ``"random"`` draws
        them as those of other layers.
    generator : torch.Generator | None
        Draws the initial weights; None for PyTorch's global one.

    Notes
    -----
    An axis of size 1 is not pooled any further, so that grids from 8 x 8, a
    single band and three time points work.

    References
    ----------
    .. [1] Jia et al. (2020). SST-EmotionNet: Spatial-Spectral-Temporal based
           Attention 3D Dense Network for EEG Emotion Recognition. ACM MM,
           2909-2917. doi:10.1145/3394171.3413724

    Examples
    --------
    >>> import torch
    >>> from mne_sst import SSTEmotionNet
    >>> net = SSTEmotionNet(3).eval()
    >>> net(torch.zeros(2, 5, 32, 32), torch.zeros(2, 25, 32, 32)).shape
    torch.Size([2, 3])
    """

    def __init__(
        self,
        n_outputs,
        n_bands=5,
        n_times=25,
        grid_shape=(32, 32),
        variant="paper",
        projection=None,
        streams="both",
        attention="both",
        depth_spectral=16,
        depth_temporal=22,
        growth_spectral=12,
        growth_temporal=24,
        n_blocks=3,
        compression_spectral=0.5,
        compression_temporal=1.0,
        drop_prob=0.5,
        stream_drop_prob=0.0,
        norm_momentum=0.01,
        mask_init="zero",
        generator=None,
    ):
        super().__init__()
        check_option("variant", variant, VARIANTS)
        check_option("streams", streams, STREAMS)
        check_option("attention", attention, ATTENTION)
        self.mask_init = check_option("mask_init", mask_init, MASK_INITS)
        height, width = check_shape(grid_shape, "grid_shape", least=8)
        n_outputs = check_number("n_outputs", n_outputs, 1, integer=True)
        n_blocks = check_number("n_blocks", n_blocks, 1, integer=True)
        self.grid_shape, self.n_outputs = (height, width), n_outputs
        self.norm_momentum = check_number("norm_momentum", norm_momentum, 0, 1, low_open=True)
        common = dict(
            n_blocks=n_blocks, variant=variant, attention=attention, momentum=norm_momentum
        )
        settings = {
            "spectral": (n_bands, 1, depth_spectral, growth_spectral, compression_spectral),
            "temporal": (n_times, 3, depth_temporal, growth_temporal, compression_temporal),
        }
        self.streams = nn.ModuleDict()
        for name, (size, least, depth, growth, compression) in settings.items():
            if streams not in ("both", name):
                continue
            check_number("n_bands" if name == "spectral" else "n_times", size, least, integer=True)
            check_number(f"compression_{name}", compression, 0, 1, low_open=True)
            self.streams[name] = Stream(
                (size, height, width),
                name == "temporal",
                check_number(f"growth_{name}", growth, 1, integer=True),
                layers_per_block(depth, f"depth_{name}"),
                compression=compression,
                **common,
            )
        n_features = sum(s.n_features for s in self.streams.values())
        self.hidden = skip_init(nn.Linear, n_features, HIDDEN)
        self.dropout = SeededDropout(check_number("drop_prob", drop_prob, 0, 0.99))
        self.stream_drop_prob = check_number("stream_drop_prob", stream_drop_prob, 0, 1)
        self.output = skip_init(nn.Linear, HIDDEN, n_outputs)
        if projection is not None:
            projection = torch.as_tensor(projection, dtype=torch.float32)
            if projection.ndim != 2 or len(projection) != height * width:
                raise ValueError(
                    f"projection must have shape ({height * width}, n_channels) for grid_shape="
                    f"{(height, width)}, got {tuple(projection.shape)}."
                )
        self.register_buffer("projection", projection)
        self.reset_parameters(generator)

    @torch.no_grad()
    def reset_parameters(self, generator=None):
        """Draw new weights: He-normal (truncated, as in Keras), biases zero.

        Parameters
        ----------
        generator : torch.Generator | None
            None for PyTorch's global one.
        """
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                fan_in = module.weight[0].numel()
                # 0.8796: standard deviation of a normal cut off at two of its own.
                std = math.sqrt(2 / fan_in) / 0.87962566103423978
                nn.init.trunc_normal_(module.weight, 0, std, -2 * std, 2 * std, generator=generator)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
            elif isinstance(module, nn.BatchNorm2d):
                module.reset_parameters()
        if self.mask_init == "zero":
            for name, parameter in self.named_parameters():
                if ".attentions." in name:
                    nn.init.zeros_(parameter)

    def to_maps(self, x):
        """Lay electrode values on the grid.

        Parameters
        ----------
        x : tensor, shape (n, n_channels, depth)
            Values; without a projection, maps, which are returned as they are.

        Returns
        -------
        maps : tensor, shape (n, depth, height, width)
        """
        if self.projection is None:
            return x
        return (x.transpose(1, 2) @ self.projection.T).unflatten(2, self.grid_shape)

    def forward_features(self, spectral=None, temporal=None):
        """Run the streams.

        Parameters
        ----------
        spectral, temporal : tensor | None
            See `forward`.

        Returns
        -------
        features : tensor, shape (n, n_features)
            Of both streams, side by side.
        masks : dict
            Stream -> block number -> kind -> mask.
        """
        inputs = {"spectral": spectral, "temporal": temporal}
        self._check_inputs(inputs)
        features, masks = [], {}
        for name, stream in self.streams.items():
            values, masks[name] = stream(self.to_maps(inputs[name]))
            features.append(values)
        return torch.cat(self._hide_streams(features), dim=1), masks

    def _check_inputs(self, inputs):
        for name, stream in self.streams.items():
            depth, x = stream.depth, inputs[name]
            expected = (depth, *self.grid_shape)
            if self.projection is not None:
                expected = (self.projection.shape[1], depth)
            if x is None or tuple(x.shape[1:]) != expected:
                got = "None" if x is None else tuple(x.shape)
                raise ValueError(f"{name} must have shape (n, *{expected}), got {got}.")

    def _hide_streams(self, features):
        """In training, set the features of one stream of some samples to zero."""
        if not self.training or self.stream_drop_prob == 0 or len(features) < 2:
            return features
        draw = self.dropout.draw((len(features[0]), 1), features[0].device)
        half = self.stream_drop_prob / 2
        return [features[0] * (draw >= half), features[1] * (draw < 1 - half)]

    def forward(self, spectral=None, temporal=None):
        """Classify.

        Parameters
        ----------
        spectral : tensor, shape (n, n_bands, height, width) or (n, n_channels, n_bands)
            Maps, or electrode values where there is a projection. Ignored
            without a spectral stream.
        temporal : tensor, shape (n, n_times, height, width) or (n, n_channels, n_times)
            Likewise.

        Returns
        -------
        logits : tensor, shape (n, n_outputs)
        """
        return self.forward_attention(spectral, temporal)[0]

    def forward_attention(self, spectral=None, temporal=None):
        """Classify, and return the masks as well.

        Parameters
        ----------
        spectral, temporal : tensor | None
            See `forward`.

        Returns
        -------
        logits : tensor, shape (n, n_outputs)
        masks : dict
            Names such as ``"spectral/block1/spatial"`` (n, height, width) and
            ``"temporal/block2/depth"`` (n, depth); a block's mask acts on its input.
        """
        features, masks = self.forward_features(spectral, temporal)
        named = {
            f"{stream}/block{block}/{kind}": mask
            for stream, blocks in masks.items()
            for block, kinds in blocks.items()
            for kind, mask in kinds.items()
        }
        return self.output(self.dropout(self.hidden(features))), named


def layers_per_block(depth, name="depth"):
    """Dense layers in a block of a DenseNet with bottlenecks of this depth."""
    layers = (check_number(name, depth, 10, integer=True) - 4) // 3 // 2
    if (depth - 4) % 3:
        raise ValueError(f"{name} must be 3 n + 4 (10, 13, 16, 19, 22, ...), got {depth}.")
    return layers
