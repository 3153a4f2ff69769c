import numpy as np
import pytest
import torch

from mne_sst import SSTEmotionNet
from mne_sst._authors import _targets
from mne_sst.model import load_authors_weights

TINY = {
    "variant": "authors",
    "grid_shape": (8, 12),
    "n_bands": 4,
    "n_times": 9,
    "depth_spectral": 10,
    "depth_temporal": 16,
    "growth_spectral": 3,
    "growth_temporal": 5,
    "n_blocks": 2,
}


def to_keras(name, tensor):
    """A weight of ours as Keras stores it, written out independently of the loader."""
    array = tensor.numpy()
    if not name.endswith("kernel"):
        return array
    if array.ndim == 2:
        return array.T
    if name.endswith("depth_conv/kernel"):
        return array[..., 0].transpose(2, 1, 0)[None, None]
    if name == "temporal/stem/kernel":
        return array.transpose(2, 3, 1, 0)[:, :, :, None, :]
    return array.transpose(2, 3, 1, 0)[:, :, None]


@pytest.fixture
def pair():
    """A network with random weights and statistics, and the same in Keras's order."""
    net = SSTEmotionNet(3, mask_init="random", generator=torch.Generator().manual_seed(0), **TINY)
    generator = torch.Generator().manual_seed(1)
    state = net.state_dict()
    for value in state.values():
        if value.ndim == 1:
            value.copy_(torch.rand(value.shape, generator=generator) + 0.5)
    arrays = {name: to_keras(name, state[key]) for name, key in _targets(net).items()}
    return net.eval(), arrays


def inputs():
    generator = torch.Generator().manual_seed(2)
    return (
        torch.randn(3, 4, 8, 12, generator=generator),
        torch.randn(3, 9, 8, 12, generator=generator),
    )


def test_reference_network(reference):
    with np.load(reference / "authors_network.npz") as file:
        known = dict(file)
    net = load_authors_weights(SSTEmotionNet(3, variant="authors"), known).eval()
    spectral, temporal = (
        torch.from_numpy(known[f"input_{s}"]).permute(0, 3, 1, 2) for s in ("spectral", "temporal")
    )
    with torch.no_grad():
        logits, masks = net.forward_attention(spectral, temporal)
        features, _ = net.forward_features(spectral, temporal)
    np.testing.assert_allclose(logits.softmax(1), known["probabilities"], atol=1e-5)
    both = np.concatenate([known["features/spectral"], known["features/temporal"]], axis=1)
    np.testing.assert_allclose(features, both, atol=1e-5)
    checked = 0
    for name, mask in masks.items():
        stream, block, kind = name.split("/")
        expected = known[f"attention/{stream}{int(block[-1]) - 1}/{kind}"]
        np.testing.assert_allclose(mask.flatten(1), expected, atol=1e-5)
        checked += 1
    assert checked == sum(k.startswith("attention/") for k in known)
    again = load_authors_weights(
        SSTEmotionNet(3, variant="authors"), reference / "authors_network.npz"
    ).eval()
    with torch.no_grad():
        assert torch.equal(again(spectral, temporal), logits)


def test_other_sizes_round_trip(pair):
    net, arrays = pair
    again = load_authors_weights(SSTEmotionNet(3, **TINY), arrays).eval()
    assert torch.equal(again(*inputs()), net(*inputs()))


def write_keras_h5(path, arrays, root, prefix):
    """A file as Keras saves a model: layers named by kind and number of creation."""
    h5py = pytest.importorskip("h5py")
    numbers = {"conv3d": 1, "batch_normalization": 0, "dense": 0}
    layers = {}
    for name, value in arrays.items():
        layer, part = name.rsplit("/", 1)
        layers.setdefault(layer, {})[part] = value
    with h5py.File(path, "w") as file:
        for parts in layers.values():
            kind = "batch_normalization" if "gamma" in parts else "dense"
            kind = "conv3d" if "kernel" in parts and parts["kernel"].ndim == 5 else kind
            numbers[kind] += 1
            layer = f"{kind}_{numbers[kind]}"
            for part, value in parts.items():
                part = {"mean": "moving_mean", "var": "moving_variance"}.get(part, part)
                file[f"{root}{layer}/{prefix}{layer}/{part}:0"] = value
        file["optimizer_weights/Adam/iterations:0"] = 7


@pytest.mark.parametrize(("root", "prefix"), [("model_weights/", ""), ("", "deep/")])
def test_keras_h5(pair, tmp_path, root, prefix):
    """Numbers beyond 9 must not be sorted as text."""
    net, arrays = pair
    path = tmp_path / "model.h5"
    write_keras_h5(path, arrays, root, prefix)
    again = load_authors_weights(SSTEmotionNet(3, **TINY), path).eval()
    assert torch.equal(again(*inputs()), net(*inputs()))
    with pytest.raises(ValueError, match=r"conv layers, the model"):
        load_authors_weights(SSTEmotionNet(3, **{**TINY, "n_blocks": 3}), path)


def test_nothing_is_half_loaded(pair):
    _, arrays = pair
    net = SSTEmotionNet(3, **TINY)
    before = {k: v.clone() for k, v in net.state_dict().items()}
    broken = dict(arrays)
    broken["fusion/output/bias"] = np.zeros(4, np.float32)
    with pytest.raises(ValueError, match=r"fusion/output/bias.*shape \(4,\)"):
        load_authors_weights(net, broken)
    assert all(torch.equal(v, before[k]) for k, v in net.state_dict().items())


def test_what_does_not_fit_is_named(pair, tmp_path):
    _, arrays = pair
    without = {k: v for k, v in arrays.items() if k != "spectral/stem/kernel"}
    with pytest.raises(ValueError, match="missing spectral/stem/kernel"):
        load_authors_weights(SSTEmotionNet(3, **TINY), without)
    with pytest.raises(ValueError, match="left over fusion/extra"):
        load_authors_weights(SSTEmotionNet(3, **TINY), {**arrays, "fusion/extra": np.zeros(3)})
    with pytest.raises(ValueError, match="variant='authors'"):
        load_authors_weights(SSTEmotionNet(3, **{**TINY, "variant": "paper"}), arrays)
    with pytest.raises(FileNotFoundError, match=r"gone\.npz"):
        load_authors_weights(SSTEmotionNet(3, **TINY), tmp_path / "gone.npz")
    (tmp_path / "net.txt").touch()
    with pytest.raises(ValueError, match=r"\.npz or an \.h5"):
        load_authors_weights(SSTEmotionNet(3, **TINY), tmp_path / "net.txt")
