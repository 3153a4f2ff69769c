"""What results hang on, as short texts that a file of results keeps."""

import re
import sys
import sysconfig
from functools import partial
from importlib.metadata import version
from numbers import Number
from pathlib import Path

import joblib
import numpy as np
from scipy.stats.distributions import rv_frozen

from ..features import EpochsFeatures

#: Where packages with a version lie.
_INSTALLED = {Path(sysconfig.get_path(name)) for name in ("purelib", "platlib", "stdlib")}
#: What a global of a function may be to be told from another one.
_VALUES = (Number, str, bytes, type(None), list, tuple, dict, set, frozenset, np.ndarray)


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
    where = np.array([ch["loc"] for ch in info["chs"]])
    # Extractors leave out what is bad or not EEG.
    return info["sfreq"], info["ch_names"], where, info["bads"], info.get_channel_types()


def _settings(estimator, seen=()):
    """Class and every parameter, those of nested estimators included."""
    params = estimator.get_params(deep=True) if hasattr(estimator, "get_params") else {}
    return _class(type(estimator)), {k: _digest(_plain(v, seen)) for k, v in params.items()}


def _name(kind):
    return f"{kind.__module__}.{kind.__qualname__}"


def _class(kind):
    """Name of a class and, where no version stands for it, what its methods do."""
    own = [k for k in kind.__mro__ if not _has_version(k.__module__)]
    found = {k.__qualname__: vars(k) for k in own}
    codes = {
        f"{name}.{method}": _code(f.__code__)
        for name, methods in found.items()
        for method, f in methods.items()
        if hasattr(f, "__code__")
    }
    return [_name(kind), codes] if codes else _name(kind)


def _has_version(module):
    """Whether code is of Python, of an installed package or of this one."""
    if not isinstance(module, str):  # made by eval, for example
        return False
    top = module.partition(".")[0]
    if (top in sys.stdlib_module_names and top != "__main__") or top == __name__.partition(".")[0]:
        return True
    file = getattr(sys.modules.get(module), "__file__", None)
    return file is not None and any(Path(file).is_relative_to(p) for p in _INSTALLED)


def _plain(value, seen=()):
    """A parameter as something whose hash says what it is, in every process."""
    if id(value) in seen:  # a function that holds itself
        return "again"
    seen = (*seen, id(value))
    if isinstance(value, type):
        return _class(value)
    if isinstance(value, list | tuple):
        return [_plain(v, seen) for v in value]
    if isinstance(value, set | frozenset):
        return sorted(_digest(_plain(v, seen)) for v in value)
    if isinstance(value, dict):
        return {str(k): _plain(v, seen) for k, v in value.items()}
    if isinstance(value, partial):
        return [_plain(v, seen) for v in (value.func, value.args, value.keywords)]
    if isinstance(value, rv_frozen):  # a distribution, of which a search draws
        return _plain([value.dist.name, value.args, value.kwds], seen)
    if hasattr(value, "state_dict"):  # PyTorch's, whose pickles differ from process to process
        return _class(type(value)), repr(value), _plain(dict(value.state_dict()), seen)
    if hasattr(value, "detach"):
        return value.detach().cpu().double().numpy()
    if hasattr(value, "get_params"):
        # Of a list of steps or a grid; a nested estimator's own are there by name as well.
        return _settings(value, seen)
    if hasattr(value, "__code__"):
        return _function(value, seen)
    return value if _can_be_pickled(value) else _parts(value, seen)


def _can_be_pickled(value):
    try:
        joblib.hash(value)
    except Exception:  # whatever an object of somebody's own raises
        return False
    return True


def _parts(value, seen):
    """What an object holds that cannot be pickled, such as a scorer of a lambda."""
    held = getattr(value, "__dict__", None)
    if not held:
        return _without_addresses(repr(value))
    return [_class(type(value)), _plain(held, seen)]


def _function(function, seen):
    """What a function does, and what it holds."""
    held = [function.__defaults__, function.__kwdefaults__, getattr(function, "__self__", None)]
    for cell in function.__closure__ or ():
        try:
            held.append(cell.cell_contents)
        except ValueError:  # not yet filled
            held.append(None)
    held.append(_globals_of(function))
    return _name(function), _code(function.__code__), _plain(held, seen)


def _globals_of(function):
    """Values and functions of its own module that a function uses, where no version tells."""
    if _has_version(function.__module__):
        return {}
    there = getattr(function, "__globals__", {})
    used = {name: there[name] for name in _names(function.__code__) if name in there}
    return {
        name: value
        for name, value in used.items()
        if isinstance(value, _VALUES) or getattr(value, "__module__", "") == function.__module__
    }


def _names(code):
    """Names that code uses, in functions within it too."""
    within = [_names(c) for c in code.co_consts if hasattr(c, "co_names")]
    return set(code.co_names).union(*within)


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
