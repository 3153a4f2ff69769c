"""What results hang on, as short texts that a file of results keeps."""

import re
from importlib.metadata import version

import joblib
import numpy as np

from ..features import EpochsFeatures


def fingerprint(estimators, data, y, table, protocol, folds):
    """Describe an evaluation, so that another one can be told from it.

    Parameters
    ----------
    estimators : dict of str -> estimator
    data, y : object
        As of `evaluate`.
    table : DataFrame
        Where windows come from.
    protocol : splitter
    folds : list of (train, test)

    Returns
    -------
    described : dict of str -> str
        Equal if, and only if, the same rows would come out.
    """
    rows = [side.tolist() for fold in folds for side in fold]
    described = {
        "mne_sst": version("mne_sst"),
        "data": f"{len(data)} windows, {_digest((_content(data), y.tolist()))}",
        "origin": _digest(table.astype(str).to_numpy().tolist()),
        "protocol": f"{_text(protocol)}, {_digest(rows)}",
    }
    for name, estimator in estimators.items():
        # The text leaves out what is at its default and shortens what is long.
        described[f"estimator {name}"] = f"{_text(estimator)}, {_digest(_settings(estimator))}"
    return described


def _content(data):
    """Values, channels and how both came about."""
    if isinstance(data, EpochsFeatures):
        return data.spectral, data.temporal, repr(data.settings), *_channels(data.info)
    if hasattr(data, "get_data"):
        return data.get_data(copy=False), data.tmin, *_channels(data.info)
    return (np.asarray(data),)


def _channels(info):
    return info["sfreq"], info["ch_names"], np.array([ch["loc"] for ch in info["chs"]])


def _settings(estimator):
    """Class and every parameter, those of nested estimators included."""
    params = estimator.get_params(deep=True) if hasattr(estimator, "get_params") else {}
    kind = type(estimator)
    return f"{kind.__module__}.{kind.__qualname__}", {k: _plain(v) for k, v in params.items()}


def _plain(value):
    """A parameter as something whose hash says what it is."""
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if hasattr(value, "get_params"):
        # Of a list of steps or a grid; a nested estimator's own are there by name as well.
        return _settings(value)
    code = getattr(value, "__code__", None)
    if code is not None:
        held = [cell.cell_contents for cell in value.__closure__ or ()]
        names = f"{value.__module__}.{value.__qualname__}"
        return names, _code(code), _plain([value.__defaults__, held])
    return value


def _code(code):
    """What a function does, without where it stands."""
    constants = [_code(c) if hasattr(c, "co_code") else repr(c) for c in code.co_consts]
    return code.co_code.hex(), constants, code.co_names


def _digest(content):
    try:
        return joblib.hash(content)[:12]
    except Exception:  # what cannot be pickled is known by its text
        return joblib.hash(_without_addresses(repr(content)))[:12]


def _text(estimator):
    """Everything that was set, in words."""
    try:
        text = estimator.__repr__(N_CHAR_MAX=10**6)
    except TypeError:
        text = repr(estimator)
    return re.sub(r"\s+", " ", _without_addresses(text))


def _without_addresses(text):
    return re.sub(r" at 0x[0-9a-f]+", "", text)
