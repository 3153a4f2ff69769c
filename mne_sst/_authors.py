"""Weights of the authors' Keras network, into a `SSTEmotionNet`."""

import re
from pathlib import Path

import numpy as np
import torch

from ._checks import listed

#: What a reference file may hold besides weights.
_NOT_WEIGHTS = re.compile(r"(input_|attention/|features/|probabilities|config)")
_NORM = {"gamma": "weight", "beta": "bias", "mean": "running_mean", "var": "running_var"}


def load_authors_weights(model, arrays):
    """Load the weights of the authors' network.

    Parameters
    ----------
    model : SSTEmotionNet
        Of ``variant="authors"`` and the sizes of the file; changed in place.
    arrays : dict of str -> array | path-like
        Kernels (kh, kw, kd, in, out) or (in, out), biases and batch-norm values
        under names such as ``"spectral/block1/layer1/bottleneck/kernel"``; or the
        path of an ``.npz`` of those, or of an ``.h5`` that the authors' code saved.

    Returns
    -------
    model : SSTEmotionNet
        The same object.

    Raises
    ------
    ValueError
        Naming what is missing, left over or of another shape; the model is then
        unchanged.

    Examples
    --------
    >>> from mne_sst import SSTEmotionNet, model
    >>> net = SSTEmotionNet(3, variant="authors")
    >>> model.load_authors_weights(net, "SST-EmotionNet.h5")  # doctest: +SKIP
    """
    targets = _targets(model)
    arrays = _read(arrays, targets)
    arrays = {k: np.asarray(v) for k, v in arrays.items() if not _NOT_WEIGHTS.match(k)}
    missing = [name for name in targets if name not in arrays]
    extra = [name for name in arrays if name not in targets]
    if missing or extra:
        raise ValueError(
            "arrays do not fit the model: "
            f"missing {listed(missing) or 'nothing'}; left over {listed(extra) or 'nothing'}. The "
            "model needs variant='authors' and the streams, attention, depths and n_blocks of "
            "the file."
        )
    state = model.state_dict()
    for name, key in targets.items():
        value = torch.as_tensor(_to_torch(arrays[name]), dtype=state[key].dtype)
        if value.shape != state[key].shape:
            raise ValueError(
                f"arrays[{name!r}] has shape {arrays[name].shape}, which does not fit {key} of "
                f"shape {tuple(state[key].shape)}; make the model with the sizes of the file."
            )
        state[key] = value
    model.load_state_dict(state)
    return model


def _to_torch(array):
    """Transpose a kernel; the depth of a 3-D kernel becomes rows or input filters."""
    if array.ndim == 2:
        return array.T.copy()
    if array.ndim != 5:
        return array
    height, width, depth, n_in, n_out = array.shape
    if (height, width) == (1, 1):
        # Along the depth: a (depth, 1) kernel over columns.
        return np.ascontiguousarray(array[0, 0].transpose(2, 1, 0))[..., None]
    # Within maps: neighbouring slices are input filters, as the temporal stem has them.
    kernel = array.transpose(4, 3, 2, 0, 1)
    return np.ascontiguousarray(kernel.reshape(n_out, n_in * depth, height, width))


def _targets(model):
    """Authors' name -> key of the state dict, in the order the authors make layers."""
    found = {}
    for name, stream in model.streams.items():
        ours = f"streams.{name}"
        found[f"{name}/stem/kernel"] = f"{ours}.stem.conv.conv.weight"
        if stream.stem.temporal:
            _add_norm(found, f"{name}/stem_norm", f"{ours}.stem.norm")
        for i, block in enumerate(stream.blocks):
            if i > 0:
                _add_norm(found, f"{name}/transition{i}/norm", f"{ours}.transitions.{i - 1}.norm")
                found[f"{name}/transition{i}/conv/kernel"] = (
                    f"{ours}.transitions.{i - 1}.conv.conv.weight"
                )
            if str(i + 1) in stream.attentions:
                _add_attention(
                    found,
                    f"{name}/attention{i}",
                    f"{ours}.attentions.{i + 1}",
                    stream.attentions[str(i + 1)],
                )
            for j in range(len(block)):
                _add_layer(found, f"{name}/block{i + 1}/layer{j + 1}", f"{ours}.blocks.{i}.{j}")
        _add_norm(found, f"{name}/final_norm", f"{ours}.final_norm")
    for theirs, key in (("fusion/hidden", "hidden"), ("fusion/output", "output")):
        _add_linear(found, theirs, key)
    return found


def _add_norm(found, theirs, key):
    for part, torch_part in _NORM.items():
        found[f"{theirs}/{part}"] = f"{key}.{torch_part}"


def _add_linear(found, theirs, key):
    found[f"{theirs}/kernel"] = f"{key}.weight"
    found[f"{theirs}/bias"] = f"{key}.bias"


def _add_attention(found, theirs, key, attention):
    for kind in ("spatial", "depth"):
        if getattr(attention, kind) is not None:
            _add_linear(found, f"{theirs}/{kind}", f"{key}.{kind}")


def _add_layer(found, theirs, key):
    _add_norm(found, f"{theirs}/norm1", f"{key}.norm1")
    found[f"{theirs}/bottleneck/kernel"] = f"{key}.bottleneck.conv.weight"
    _add_norm(found, f"{theirs}/norm2", f"{key}.norm2")
    for conv in ("spatial_conv", "depth_conv"):
        found[f"{theirs}/{conv}/kernel"] = f"{key}.{conv}.conv.weight"


def _read(arrays, targets):
    if not isinstance(arrays, str | Path):
        return arrays
    path = Path(arrays)
    if not path.is_file():
        raise FileNotFoundError(f"arrays: there is no file {str(path)!r}.")
    if path.suffix == ".npz":
        with np.load(path, allow_pickle=False) as file:
            return dict(file)
    if path.suffix in (".h5", ".hdf5"):
        return _name_layers(_read_keras(path), targets, path)
    raise ValueError(f"arrays must be a dict, an .npz or an .h5 file, got {str(path)!r}.")


def _read_keras(path):
    """Layers of a Keras HDF5 file: (kind, number in the name) -> values by name."""
    try:
        import h5py
    except ImportError as error:
        raise ImportError("reading the .h5 files of Keras needs h5py: pip install h5py.") from error
    layers = {}

    def visit(name, item):
        if not isinstance(item, h5py.Dataset) or name.startswith("optimizer"):
            return
        parts = [p for p in name.split("/") if p != "model_weights"]
        number = re.search(r"_(\d+)$", parts[0])
        part = parts[-1].split(":")[0].replace("moving_", "").replace("variance", "var")
        key = (parts[0], int(number.group(1)) if number else 0)
        layers.setdefault(key, {})[part] = item[()]

    with h5py.File(path, "r") as file:
        file.visititems(visit)
    return layers


def _name_layers(layers, targets, path):
    """Name layers by the order of their numbers, kind by kind."""
    found = {"conv": [], "norm": [], "linear": []}
    for (_, number), values in layers.items():
        kernel = values.get("kernel")
        kind = "norm" if kernel is None else "conv" if kernel.ndim == 5 else "linear"
        found[kind].append((number, values))
    wanted = {"conv": [], "norm": [], "linear": []}
    for name in targets:
        layer, part = name.rsplit("/", 1)
        if part == "gamma":
            wanted["norm"].append(layer)
        elif part == "kernel":
            wanted["linear" if f"{layer}/bias" in targets else "conv"].append(layer)
    named = {}
    for kind, names in wanted.items():
        values = [v for _, v in sorted(found[kind], key=lambda pair: pair[0])]
        if len(values) != len(names):
            raise ValueError(
                f"{path} has {len(values)} {kind} layers, the model {len(names)}; make the model "
                "with variant='authors' and the depths and n_blocks of the file."
            )
        for name, parts in zip(names, values, strict=True):
            named.update({f"{name}/{part}": value for part, value in parts.items()})
    return named
