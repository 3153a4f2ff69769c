"""A fitted classifier as one safetensors file, and back."""

from dataclasses import asdict

import numpy as np
import pandas as pd

from ._checks import logger
from ._io import info_from_json, info_to_json, read_arrays, write_arrays
from .features import FeatureExtractor, FeatureSettings

_KIND = "classifier"
_STACKS = ("spectral", "temporal")


def write_classifier(fname, clf, overwrite):
    """Write a fitted classifier; what a file cannot hold (callbacks) is left out."""
    params = clf.get_params(deep=False) | clf.network_params_
    # As fitted, should set_params() have changed them since.
    params |= {"grid_shape": clf.grid_.shape, "interpolation": clf.grid_.method}
    if params["callbacks"]:
        logger.warning("callbacks are not saved with the classifier.")
    if not isinstance(params["random_state"], int | np.integer | None):
        logger.warning("random_state is no seed and is not saved with the classifier.")
        params["random_state"] = None
    params["callbacks"] = None
    if params["info"] is not None:
        params["info"] = info_to_json(params["info"])
    if params["features"] is not None:
        params["features"] = params["features"].get_params(deep=False)
        if params["features"]["info"] is not None:
            params["features"]["info"] = info_to_json(params["features"]["info"])
    if isinstance(params["class_weight"], dict):
        params["class_weight"] = list(params["class_weight"].items())
    header = {
        "params": _plain(params),
        "classes": _plain(clf.classes_.tolist()),
        "classes_dtype": clf.classes_.dtype.str,
        "info": info_to_json(clf.info_),
        "feature_settings": asdict(clf.feature_settings_),
        "n_times": clf.n_times_,
        "n_windows": clf.n_windows_,
        "common_weight": clf.common_weight_,
        "loss_weights": None if clf.loss_weights_ is None else clf.loss_weights_.tolist(),
        "interrupted": getattr(clf, "interrupted_", False),
        "history": _plain(clf.history_.to_dict(orient="list")),
    }
    arrays = {f"scaling/{s}/{i}": clf.scaling_[s][i] for s in _STACKS for i in (0, 1)}
    for name, tensor in clf.module_.state_dict().items():
        arrays[f"module/{name}"] = tensor.cpu().numpy()
    write_arrays(fname, arrays, header, kind=_KIND, overwrite=overwrite)


def read_classifier_parts(fname):
    """Read what `write_classifier` wrote.

    Returns
    -------
    params : dict
        For the constructor.
    fitted : dict
        Attributes learnt in fit, but for the network and the grid.
    state : dict of str -> array
        State of the network.
    """
    arrays, header = read_arrays(fname, kind=_KIND)
    try:
        return _parts(arrays, header)
    except KeyError as error:
        raise ValueError(
            f"{fname} lacks {error} and cannot be read as a classifier: it was damaged or written "
            "by another version of mne_sst."
        ) from error


def _parts(arrays, header):
    params = header["params"]
    params["grid_shape"] = tuple(params["grid_shape"])
    if params["info"] is not None:
        params["info"] = info_from_json(params["info"])
    if params["features"] is not None:
        extractor = params["features"]
        if extractor["info"] is not None:
            extractor["info"] = info_from_json(extractor["info"])
        params["features"] = FeatureExtractor(**extractor)
    if isinstance(params["class_weight"], list):
        params["class_weight"] = dict(params["class_weight"])
    info = info_from_json(header["info"])
    dtype = np.dtype(header["classes_dtype"])
    weights = header["loss_weights"]
    fitted = {
        "classes_": np.array(header["classes"], dtype=dtype),
        "info_": info,
        "feature_settings_": FeatureSettings(**header["feature_settings"]),
        "n_times_": header["n_times"],
        "n_features_in_": len(info["ch_names"]),
        "history_": pd.DataFrame(header["history"]),
        "interrupted_": header.get("interrupted", False),
        "n_windows_": header["n_windows"],
        "common_weight_": header["common_weight"],
        "loss_weights_": weights if weights is None else np.array(weights),
        "scaling_": {s: (arrays[f"scaling/{s}/0"], arrays[f"scaling/{s}/1"]) for s in _STACKS},
    }
    prefix = "module/"
    state = {k[len(prefix) :]: v for k, v in arrays.items() if k.startswith(prefix)}
    return params, fitted, state


def _plain(value):
    """Turn NumPy scalars and tuples into what JSON holds; name what it cannot."""
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    if isinstance(value, np.generic | np.ndarray):
        return _plain(value.tolist())
    if value is None or isinstance(value, str | int | float | bool):
        return value
    raise TypeError(
        f"cannot save {value!r} ({type(value).__name__}) in a file; settings and labels must be "
        "numbers or text."
    )
