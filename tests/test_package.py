import ast
import dataclasses
import importlib
import importlib.metadata
import inspect
import json
import pkgutil
import random
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import typer
from conftest import tiny_classifier
from typer.testing import CliRunner

import mne_sst
from mne_sst import _cli_base, cli
from mne_sst._setting import setting_and_method
from mne_sst.evaluation.baselines import baselines

FOLDER = Path(mne_sst.__file__).parent
SOURCES = sorted(FOLDER.rglob("*.py"))
MODULES = [
    name
    for _, name, _ in pkgutil.walk_packages(mne_sst.__path__, "mne_sst.")
    if not any(part.startswith("_") for part in name.split("."))
]


def run_python(code):
    """Run code in a fresh interpreter, return what it printed as JSON."""
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def relative(path):
    return str(path.relative_to(FOLDER))


# -- importing -----------------------------------------------------------------------------


def test_import_is_light_and_leaves_the_loggers_alone():
    found = run_python(
        """
        import json, logging, sys, time
        import mne

        def loggers():
            both = logging.getLogger(), logging.getLogger("mne")
            return [[x.level, x.disabled, x.propagate, list(map(id, x.handlers))] for x in both]

        before, state = set(sys.modules), loggers()
        start = time.process_time()
        import mne_sst
        seconds = time.process_time() - start
        new = sorted({name.split(".")[0] for name in set(sys.modules) - before})
        for name in mne_sst.__all__:
            getattr(mne_sst, name)
        ours = logging.getLogger("mne_sst")
        print(json.dumps({
            "before": sorted({name.split(".")[0] for name in before}),
            "new": new,
            "seconds": seconds,
            "untouched": loggers() == state,
            "ours": [ours.level, len(ours.handlers)],
        }))
        """
    )
    heavy = {"torch", "skorch", "matplotlib", "sklearn", "pandas"}
    assert {"torch", "skorch", "matplotlib"}.isdisjoint(found["before"])
    assert heavy.isdisjoint(found["new"])
    assert "mne_sst" in found["new"]
    assert found["seconds"] < 0.3
    assert found["untouched"]
    assert found["ours"] == [0, 0]


def test_features_grid_and_data_need_neither_torch_nor_matplotlib():
    loaded = run_python(
        """
        import json, sys
        from mne_sst import Attention, FeatureExtractor, TopoGrid, evaluation, viz
        from mne_sst.datasets import simulate_emotion

        epochs = simulate_emotion(n_subjects=1, n_trials=3, n_windows=1)
        FeatureExtractor(verbose=False).transform(epochs)
        TopoGrid(epochs.info, (8, 8))
        print(json.dumps(sorted({"torch", "skorch", "matplotlib"} & set(sys.modules))))
        """
    )
    # Older versions of MNE load matplotlib when anything is filtered.
    by_mne = run_python(
        """
        import json, sys
        import mne, numpy
        mne.filter.filter_data(numpy.zeros(1000), 100.0, None, 30.0, verbose=False)
        print(json.dumps(sorted({"matplotlib"} & set(sys.modules))))
        """
    )
    assert loaded == by_mne


def test_names():
    assert sorted(mne_sst.__all__) == sorted(set(mne_sst.__all__))
    for name in mne_sst.__all__:
        assert getattr(mne_sst, name) is not None
        assert name in dir(mne_sst)
    assert re.fullmatch(r"\d+\.\d+\.\d+(\.dev\d+|rc\d+)?", mne_sst.__version__)
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = mne_sst.no_such_name


@pytest.mark.parametrize("name", MODULES)
def test_names_of_modules(name):
    module = importlib.import_module(name)
    assert inspect.getdoc(module)
    for public in getattr(module, "__all__", []):
        assert hasattr(module, public)


# -- docstrings ----------------------------------------------------------------------------


def public_objects():
    """Yield (name, object) for each public function, class, method and property."""
    seen = set()
    for name in MODULES:
        module = importlib.import_module(name)
        here = [k for k, v in vars(module).items() if getattr(v, "__module__", "") == name]
        for key in sorted(getattr(module, "__all__", here)):
            value = getattr(module, key)
            callable_ = inspect.isfunction(value) or inspect.isclass(value)
            # What the user sees of the commands is their help, see below.
            if key.startswith("_") or not callable_ or value in seen or module is cli:
                continue
            seen.add(value)
            yield f"{name}.{key}", value
            for attribute, method in vars(value).items() if inspect.isclass(value) else ():
                if not attribute.startswith("_") and (
                    callable(method) or isinstance(method, property | setting_and_method)
                ):
                    yield f"{name}.{key}.{attribute}", method


def returns_something(function):
    """Whether the function has a ``return`` of its own with a value."""
    (tree,) = ast.parse(textwrap.dedent(inspect.getsource(function))).body
    waiting = list(tree.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Return) and node.value is not None:
            return True
        if not isinstance(node, ast.FunctionDef | ast.Lambda | ast.ClassDef):
            waiting += ast.iter_child_nodes(node)
    return False


DOCUMENTED = dict(public_objects())


@pytest.mark.parametrize("name", DOCUMENTED)
def test_docstring(name):
    value = DOCUMENTED[name]
    text = inspect.getdoc(value)
    assert text
    if isinstance(value, property):
        return
    function = value.function if isinstance(value, setting_and_method) else value
    sections = re.split(r"^(\w[\w ]*)\n-{3,}\n", text, flags=re.M)
    sections = dict(zip(sections[1::2], sections[2::2], strict=True))
    parameters = {p for p in inspect.signature(function).parameters if p not in ("self", "cls")}
    described = sections.get("Attributes" if dataclasses.is_dataclass(value) else "Parameters", "")
    heads = re.findall(r"^(\*{0,2}\w.*?)(?: :.*)?$", described, flags=re.M)
    assert {n.strip(" *") for head in heads for n in head.split(",")} == parameters
    if inspect.isfunction(function) and returns_something(function):
        assert {"Returns", "Yields"} & set(sections)


# -- the command --------------------------------------------------------------------------


def test_help_of_every_command_and_option():
    commands = typer.main.get_command(cli.app).commands
    names = ["attention", "datasets", "demo", "evaluate", "fit", "predict", "report", "sys-info"]
    assert sorted(commands) == names
    for command in commands.values():
        assert command.help
        for option in command.params:
            assert option.name == "help" or option.help, (command.name, option.name)


def test_entry_point_and_help():
    (entry,) = importlib.metadata.entry_points(group="console_scripts", name="mne-sst")
    assert entry.load() is cli.main
    result = CliRunner().invoke(cli.app, ["--help"])
    assert result.exit_code == 0
    for name in ("demo", "fit", "predict", "attention", "report", "sys-info"):
        assert name in result.stdout
    assert CliRunner().invoke(cli.app, []).exit_code == 2


def test_sys_info():
    lines = CliRunner().invoke(cli.app, ["sys-info"]).stdout.splitlines()
    found = {name: value.strip() for name, value in (line.split(":", 1) for line in lines)}
    assert found["mne_sst"] == mne_sst.__version__
    for name in ("mne", "torch", "numpy", "scikit-learn", "matplotlib"):
        assert found[name] == importlib.metadata.version(name)
    assert found["Python"] == sys.version.split()[0]
    assert found["precision"] in ("float32", "bfloat16")
    assert {"OS", "CPU", "device"} <= set(found)


def test_table_in_a_terminal(monkeypatch, capsys):
    table = pd.DataFrame({"model": ["mine"], "accuracy": [0.123456]})
    _cli_base.print_table(table, "Scores")
    assert capsys.readouterr().out == "model,accuracy\nmine,0.123456\n"
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    _cli_base.print_table(table, "Scores")
    shown = capsys.readouterr().out
    assert "Scores" in shown
    assert "0.123 " in shown
    assert "0.1234" not in shown


# -- source --------------------------------------------------------------------------------


def test_modules_are_short():
    lengths = {p: p.read_text(encoding="utf-8").count("\n") for p in SOURCES}
    for path in Path(__file__).parent.rglob("*.py"):
        lengths[path] = path.read_text(encoding="utf-8").count("\n")
    assert {path.name: n for path, n in lengths.items() if n > 400} == {}


@pytest.mark.parametrize("path", SOURCES, ids=relative)
def test_source(path):
    text = path.read_text(encoding="utf-8")
    private = re.findall(r"\bmne(?:\.[a-z_]+)*\._[a-z]\w*|from mne[.\w]* import _\w*", text)
    assert private == []
    asserts = [n.lineno for n in ast.walk(ast.parse(text)) if isinstance(n, ast.Assert)]
    assert asserts == []


# -- random numbers ------------------------------------------------------------------------


@pytest.mark.parametrize("random_state", [None, 0])
def test_fit_leaves_global_random_states_alone(features, y, random_state):
    def states():
        kind, keys, *rest = np.random.get_state()  # noqa: NPY002
        numpys = kind, keys.tolist(), *rest
        return torch.random.get_rng_state().tolist(), numpys, random.getstate()

    before = states()
    baselines(["dgcnn"])["dgcnn"].set_params(random_state=random_state).fit(features[:24], y[:24])
    clf = tiny_classifier(random_state=random_state, max_epochs=1).fit(features[:24], y[:24])
    clf.predict(features[:4])
    clf.attention(features[:4])
    assert states() == before
