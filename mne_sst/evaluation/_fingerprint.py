"""What results hang on, as short texts that a file of results keeps."""

import re
from functools import partial
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
        What stands behind the last comma, or all of it, is the same for the same evaluation
        in every process, and another one for other data, parameters or functions.
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


def _settings(estimator, seen=()):
    """Class and every parameter, those of nested estimators included."""
    params = estimator.get_params(deep=True) if hasattr(estimator, "get_params") else {}
    return _name(type(estimator)), {k: _digest(_plain(v, seen)) for k, v in params.items()}


def _name(kind):
    return f"{kind.__module__}.{kind.__qualname__}"


def _plain(value, seen=()):
    """A parameter as something whose hash says what it is, in every process."""
    if id(value) in seen:  # a function that holds itself
        return "again"
    seen = (*seen, id(value))
    if isinstance(value, type):
        return _name(value)
    if isinstance(value, list | tuple):
        return [_plain(v, seen) for v in value]
    if isinstance(value, set | frozenset):
        return sorted(_digest(_plain(v, seen)) for v in value)
    if isinstance(value, dict):
        return {str(k): _plain(v, seen) for k, v in value.items()}
    if isinstance(value, partial):
        return [_plain(v, seen) for v in (value.func, value.args, value.keywords)]
    if hasattr(value, "get_params"):
        # Of a list of steps or a grid; a nested estimator's own are there by name as well.
        return _settings(value, seen)
    if hasattr(value, "__code__"):
        return _function(value, seen)
    return value


def _function(function, seen):
    """What a function does, and what it holds; globals are known by their names only."""
    held = [function.__defaults__, function.__kwdefaults__, getattr(function, "__self__", None)]
    for cell in function.__closure__ or ():
        try:
            held.append(cell.cell_contents)
        except ValueError:  # not yet filled
            held.append(None)
    return _name(function), _code(function.__code__), _plain(held, seen)


def _code(code):
    """What a function does, without where it stands."""
    return code.co_code.hex(), [_constant(c) for c in code.co_consts], code.co_names


def _constant(value):
    if hasattr(value, "co_code"):
        return _code(value)
    if isinstance(value, tuple):
        return [_constant(v) for v in value]
    # The order of a set hangs on the process.
    return sorted(map(repr, value)) if isinstance(value, frozenset) else repr(value)


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
    return re.sub(r" at 0x[0-9a-f]+", "", text, flags=re.IGNORECASE)
