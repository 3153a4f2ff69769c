import copy

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from mne_sst import SSTEmotionNet
from mne_sst import _blocks as blocks
from mne_sst.model import layers_per_block

SMALL = {
    "grid_shape": (8, 8),
    "depth_spectral": 10,
    "depth_temporal": 10,
    "growth_spectral": 4,
    "growth_temporal": 4,
}


def maps(n, n_bands=5, n_times=25, shape=(8, 8), seed=0):
    generator = torch.Generator().manual_seed(seed)
    return (
        torch.randn(n, n_bands, *shape, generator=generator),
        torch.randn(n, n_times, *shape, generator=generator),
    )


def n_parameters(net):
    trainable = sum(p.numel() for p in net.parameters())
    statistics = sum(b.numel() for name, b in net.named_buffers() if "running" in name)
    return trainable, trainable + statistics


@pytest.mark.parametrize(
    ("variant", "expected"), [("paper", (1573185, 1579977)), ("authors", (519213, 526005))]
)
def test_parameter_counts_of_the_seed_setting(variant, expected):
    assert n_parameters(SSTEmotionNet(3, variant=variant)) == expected


def test_sizes_inside_the_streams():
    """The table of the paper's network: sizes at each block, features at the end."""
    net = SSTEmotionNet(3)
    seen = {"spectral": [], "temporal": []}
    for name, stream in net.streams.items():
        for block in stream.blocks:
            block.register_forward_pre_hook(
                lambda _, x, name=name: seen[name].append(tuple(x[0].shape[1:4]))
            )
    with torch.no_grad():
        features, _ = net.forward_features(*maps(2, shape=(32, 32)))
    assert seen["spectral"] == [(5, 32, 32), (2, 16, 16), (1, 8, 8)]
    assert seen["temporal"] == [(13, 8, 8), (6, 4, 4), (3, 2, 2)]
    assert features.shape == (2, 48 + 264)
    assert [layers_per_block(d) for d in (16, 22)] == [2, 3]


@pytest.mark.parametrize("variant", ["paper", "authors"])
@pytest.mark.parametrize("streams", ["both", "spectral", "temporal"])
@pytest.mark.parametrize("attention", ["both", "spatial", "depth", "none"])
def test_switches_act_on_both_streams(variant, streams, attention):
    net = SSTEmotionNet(2, variant=variant, streams=streams, attention=attention, **SMALL)
    spectral, temporal = maps(3)
    logits, masks = net.forward_attention(spectral, temporal)
    assert logits.shape == (3, 2)
    used = ["spectral", "temporal"] if streams == "both" else [streams]
    kinds = {"both": ["spatial", "depth"], "none": []}.get(attention, [attention])
    numbers = [1, 2, 3] if variant == "paper" else [2, 3]
    assert set(masks) == {f"{s}/block{b}/{k}" for s in used for b in numbers for k in kinds}


def test_masks_of_the_two_variants():
    spectral, temporal = maps(3)
    for variant in ("paper", "authors"):
        net = SSTEmotionNet(2, variant=variant, mask_init="random", **SMALL)
        _, masks = net.forward_attention(spectral, temporal)
        for mask in masks.values():
            total = mask.flatten(1).sum(1)
            assert (mask > 0).all()
            assert (mask < 1).all() or mask[0].numel() == 1
            if variant == "paper":
                torch.testing.assert_close(total, torch.ones(3))


def test_softmax_attention_is_applied_with_mean_one():
    attention = blocks.MapAttention(5, 4, 4, "paper", "both")
    for layer in (attention.spatial, attention.depth):
        nn.init.zeros_(layer.weight)
        nn.init.zeros_(layer.bias)
    x = torch.randn(2, 5, 4, 4, 3)
    attended, masks = attention(x)
    torch.testing.assert_close(attended, x)
    torch.testing.assert_close(masks["spatial"], torch.full((2, 4, 4), 1 / 16))
    torch.testing.assert_close(masks["depth"], torch.full((2, 5), 1 / 5))


def test_zero_masks_start_as_no_attention():
    plain = SSTEmotionNet(2, attention="none", **SMALL).eval()
    with_masks = SSTEmotionNet(2, **SMALL).eval()
    with_masks.load_state_dict(plain.state_dict(), strict=False)
    torch.testing.assert_close(with_masks(*maps(3)), plain(*maps(3)))
    drawn = SSTEmotionNet(2, mask_init="random", **SMALL).eval()
    assert drawn.streams["spectral"].attentions["1"].spatial.weight.std() > 0.1


def test_masks_by_hand():
    """Both masks come from the mean over filters of the input, spatial first."""
    attention = blocks.MapAttention(3, 2, 2, "authors", "both")
    torch.manual_seed(0)
    for layer in (attention.spatial, attention.depth):
        nn.init.normal_(layer.weight)
        nn.init.normal_(layer.bias)
    x = torch.randn(1, 3, 2, 2, 5)
    attended, masks = attention(x)
    mean = x.mean(-1)[0]
    spatial = torch.sigmoid(
        attention.spatial.weight @ mean.mean(0).reshape(4) + attention.spatial.bias
    ).reshape(2, 2)
    depth = torch.sigmoid(attention.depth.weight @ mean.mean((1, 2)) + attention.depth.bias)
    torch.testing.assert_close(masks["spatial"][0], spatial)
    torch.testing.assert_close(masks["depth"][0], depth)
    expected = x[0] * spatial[None, :, :, None] * depth[:, None, None, None]
    torch.testing.assert_close(attended[0], expected)


@pytest.mark.parametrize("size", [(7, 6), (1, 6), (1, 1)])
def test_convolutions_equal_conv3d(size):
    """The two views of one memory are the (3, 3, 1) and (1, 1, 3) convolutions."""
    torch.manual_seed(0)
    x = torch.randn(2, 5, *size, 4)
    as_conv3d = x.permute(0, 4, 1, 2, 3)
    spatial = blocks.MapConv(4, 3, 3)
    depth = blocks.DepthConv(4)
    for module in (spatial, depth):
        nn.init.normal_(module.conv.weight)
    expected = F.conv3d(as_conv3d, spatial.conv.weight.unsqueeze(2), padding=(0, 1, 1))
    torch.testing.assert_close(spatial(x), expected.permute(0, 2, 3, 4, 1))
    expected = F.conv3d(as_conv3d, depth.conv.weight.unsqueeze(-1), padding=(1, 0, 0))
    torch.testing.assert_close(depth(x), expected.permute(0, 2, 3, 4, 1))


@pytest.mark.parametrize("size", [8, 9, 32])
def test_temporal_stem_pads_as_tensorflow(size):
    """Stride 2 with a kernel of 5 pads (1, 2) for even sizes; pooling pads the end only."""
    torch.manual_seed(0)
    stem = blocks.Stem(6, temporal=True, momentum=0.1).eval()
    nn.init.normal_(stem.conv.conv.weight)
    x = torch.randn(2, 25, size, size)
    kernel = stem.conv.conv.weight.reshape(6, 1, 3, 5, 5)
    pads = (1, 2) if size % 2 == 0 else (2, 2)
    y = F.conv3d(F.pad(x.unsqueeze(1), (*pads, *pads, 1, 1)), kernel, stride=(1, 2, 2))
    y = F.relu(y / np.sqrt(1 + blocks.NORM_EPS))
    ends = [s % 2 for s in y.shape[:1:-1]]
    y = F.max_pool3d(F.pad(y, (0, ends[0], 0, ends[1], 0, ends[2])), 2)
    torch.testing.assert_close(stem(x), y.permute(0, 2, 3, 4, 1), atol=1e-5, rtol=1e-5)


def test_pooling_before_the_transition_convolution_commutes():
    torch.manual_seed(0)
    transition = blocks.Transition(6, 4, momentum=0.1).eval()
    nn.init.normal_(transition.conv.conv.weight)
    x = torch.randn(2, 5, 6, 7, 6)
    late = transition.conv(transition.norm(x)).permute(0, 4, 1, 2, 3)
    expected = F.avg_pool3d(late, 2).permute(0, 2, 3, 4, 1)
    torch.testing.assert_close(transition(x), expected, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("variant", ["paper", "authors"])
@pytest.mark.parametrize(
    "sizes",
    [
        {"grid_shape": (8, 8), "n_bands": 1, "n_times": 3},
        {"grid_shape": (9, 13), "n_bands": 2, "n_times": 4},
        {"grid_shape": (11, 8), "n_bands": 7, "n_times": 50, "n_blocks": 5},
        {"grid_shape": (8, 16), "n_blocks": 1},
    ],
)
def test_any_size_works_and_nothing_is_pooled_away(variant, sizes):
    net = SSTEmotionNet(2, variant=variant, **{**SMALL, **sizes})
    inputs = maps(2, sizes.get("n_bands", 5), sizes.get("n_times", 25), sizes["grid_shape"])
    logits = net(*inputs)
    logits.sum().backward()
    assert torch.isfinite(logits).all()
    assert all(p.grad is not None for p in net.parameters())


def test_projection_is_the_grid():
    generator = torch.Generator().manual_seed(0)
    weights = torch.randn(64, 10, generator=generator)
    net = SSTEmotionNet(2, projection=weights, **SMALL).eval()
    plain = SSTEmotionNet(2, **SMALL).eval()
    plain.load_state_dict({k: v for k, v in net.state_dict().items() if k != "projection"})
    spectral, temporal = (
        torch.randn(3, 10, 5, generator=generator),
        torch.randn(3, 10, 25, generator=generator),
    )
    laid = [
        torch.einsum("pc,ncd->ndp", weights, x).reshape(3, -1, 8, 8) for x in (spectral, temporal)
    ]
    torch.testing.assert_close(net(spectral, temporal), plain(*laid), atol=1e-5, rtol=1e-4)


def test_same_generator_same_network_and_global_state_untouched():
    before = torch.random.get_rng_state()
    nets = [SSTEmotionNet(2, generator=torch.Generator().manual_seed(7), **SMALL) for _ in range(2)]
    assert torch.equal(torch.random.get_rng_state(), before)
    for a, b in zip(nets[0].state_dict().values(), nets[1].state_dict().values(), strict=True):
        assert torch.equal(a, b)
    other = SSTEmotionNet(2, generator=torch.Generator().manual_seed(8), **SMALL)
    assert not torch.equal(other.output.weight, nets[0].output.weight)


def test_initial_weights_are_he_normal():
    weight = SSTEmotionNet(3).streams["temporal"].blocks[2][2].bottleneck.conv.weight
    fan_in = weight[0].numel()
    # 23,040 weights: the standard deviation of their spread is half a percent.
    assert weight.std().item() == pytest.approx(np.sqrt(2 / fan_in), rel=0.03)


def test_state_dict_round_trip(tmp_path):
    net = SSTEmotionNet(2, **SMALL)
    net(*maps(8))
    torch.save(net.state_dict(), tmp_path / "net.pt")
    again = SSTEmotionNet(2, **SMALL)
    again.load_state_dict(torch.load(tmp_path / "net.pt", weights_only=True))
    assert torch.equal(net.eval()(*maps(3)), again.eval()(*maps(3)))
    assert torch.equal(copy.deepcopy(net)(*maps(3)), net(*maps(3)))


@pytest.mark.slow
def test_export_round_trip(tmp_path):
    net = SSTEmotionNet(2, **SMALL).eval()
    batch = torch.export.Dim("batch", min=2, max=512)
    exported = torch.export.export(net, maps(4), dynamic_shapes=({0: batch}, {0: batch}))
    torch.export.save(exported, tmp_path / "net.pt2")
    again = torch.export.load(tmp_path / "net.pt2").module()
    torch.testing.assert_close(again(*maps(7)), net(*maps(7)), atol=1e-6, rtol=1e-5)


def test_dropout_draws_from_its_own_generator():
    dropout = blocks.SeededDropout(0.5)
    x = torch.ones(400, 50)
    dropout.generator = torch.Generator().manual_seed(1)
    first = dropout(x)
    dropout.generator = torch.Generator().manual_seed(1)
    assert torch.equal(dropout(x), first)
    # 20,000 draws: the share of zeros is within 5 standard deviations of a half.
    assert abs((first == 0).float().mean() - 0.5) < 5 * 0.5 / np.sqrt(x.numel())
    assert set(first.unique().tolist()) == {0.0, 2.0}
    assert torch.equal(dropout.eval()(x), x)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"variant": "mine"}, "variant must be one of"),
        ({"streams": "none"}, "streams must be one of"),
        ({"attention": None}, "attention must be one of"),
        ({"grid_shape": (7, 8)}, "grid_shape"),
        ({"grid_shape": (8, 8, 8)}, "grid_shape"),
        ({"n_bands": 0}, "n_bands"),
        ({"n_times": 2}, "n_times"),
        ({"depth_spectral": 17}, "depth_spectral"),
        ({"depth_temporal": 9}, "depth_temporal"),
        ({"compression_spectral": 0.0}, "compression_spectral"),
        ({"drop_prob": 1.0}, "drop_prob"),
        ({"n_blocks": 0}, "n_blocks"),
        ({"projection": torch.zeros(63, 4)}, "projection"),
        ({"mask_init": "ones"}, "mask_init"),
    ],
)
def test_bad_arguments_are_named(params, message):
    with pytest.raises(ValueError, match=message):
        SSTEmotionNet(2, **{**SMALL, **params})
