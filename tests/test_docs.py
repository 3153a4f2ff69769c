"""The documentation names everything that is public, each with an example."""

import importlib
import inspect
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import mne_sst

ROOT = Path(__file__).parents[1]
MODULES = (
    "mne_sst",
    "mne_sst.attribution",
    "mne_sst.contrast",
    "mne_sst.datasets",
    "mne_sst.evaluation",
    "mne_sst.features",
    "mne_sst.model",
    "mne_sst.regions",
    "mne_sst.report",
    "mne_sst.viz",
)


def public():
    """Name -> function or class, the shortest name of each."""
    found = {}
    for module in MODULES:
        for name in importlib.import_module(module).__all__:
            value = getattr(importlib.import_module(module), name)
            if inspect.isclass(value) or inspect.isfunction(value):
                found.setdefault(value, f"{module}.{name}")
    return {name: value for value, name in found.items()}


def listed():
    """Full names on the page of the API."""
    names, module = set(), ""
    for line in (ROOT / "doc" / "api.rst").read_text().splitlines():
        if line.startswith(".. currentmodule:: "):
            module = line.split()[-1]
        elif re.fullmatch(r"   [\w.]+", line):
            names.add(f"{module}.{line.strip()}")
    return names


@pytest.fixture(scope="module")
def names():
    return public()


def test_every_public_name_is_on_the_page(names):
    resolved = set()
    for name in listed():
        module, _, rest = name.partition(".")
        value = importlib.import_module(module)
        for part in rest.split("."):
            value = getattr(value, part)
        resolved.add(value)
    assert sorted(name for name, value in names.items() if value not in resolved) == []


@pytest.mark.parametrize("name", sorted(public()))
def test_example(names, name):
    text = inspect.getdoc(names[name])
    assert re.search(r"^Examples\n-{8}", text, re.MULTILINE), f"{name} has no example"
    assert ">>> " in text


def test_cards_are_in_the_documentation():
    text = (ROOT / "doc" / "data_sets.md").read_text()
    for card in (ROOT / "datasets").glob("*/README.md"):
        assert f"../datasets/{card.parent.name}/README.md" in text


def test_link_checker_finds_what_is_broken(tmp_path):
    (tmp_path / "a.html").write_text('<a id="x" href="b.html#y">b</a><img src="no.png">')
    (tmp_path / "b.html").write_text('<p id="y"></p><a href="a.html#z">a</a><a href="https://x.y">')
    check = [sys.executable, ROOT / "doc" / "check_links.py", tmp_path]
    done = subprocess.run(check, capture_output=True, text=True)
    assert done.returncode == 1
    *broken, last = done.stdout.splitlines()
    assert sorted(broken) == ["a.html: no.png", "b.html: a.html#z"]
    assert last == "2 pages, 2 broken links"


def run_tutorial(script, folder):
    """From a folder that is the data folder, too."""
    environment = {"MPLBACKEND": "agg", "OMP_NUM_THREADS": "1", "MNE_DATA": str(folder)}
    command = [sys.executable, "-W", "error::DeprecationWarning:__main__", script]
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
@pytest.mark.parametrize(
    "script", sorted((ROOT / "tutorials").glob("[0-9]*.py")), ids=lambda p: p.stem
)
def test_tutorials_run(script, tmp_path):
    """Each on its own, from another folder, without a download."""
    told = run_tutorial(script, tmp_path)
    assert "not in the data folder" in told or "Simulated" in told


@pytest.mark.slow
def test_tutorial_of_sleep_reads_what_mne_downloads(tmp_path):
    """Files named and made as those of Sleep-EDF, with noise in them."""
    edfio = pytest.importorskip("edfio")
    folder, rng = tmp_path / "physionet-sleep-data", np.random.default_rng(0)
    folder.mkdir()
    stages = [*"W" * 70, *"1234R" * 12, *"W" * 70, "?"]
    for name, scorer in [("SC4001E0", "C"), ("SC4011E0", "H")]:
        rates = {"EEG Fpz-Cz": 100, "EEG Pz-Oz": 100, "EOG horizontal": 100, "Event marker": 1}
        signals = [
            edfio.EdfSignal(rng.normal(0, 20, 30 * n * len(stages)), n, label=label)
            for label, n in rates.items()
        ]
        edfio.Edf(signals).write(folder / f"{name}-PSG.edf")
        scored = [
            edfio.EdfAnnotation(30 * i, 30, f"Sleep stage {stage}")
            for i, stage in enumerate(stages)
        ]
        edfio.Edf([], annotations=scored).write(folder / f"{name[:7]}{scorer}-Hypnogram.edf")
    told = run_tutorial(ROOT / "tutorials" / "80_other_signals.py", tmp_path)
    assert told.startswith("Sleep-EDF: 2 people, one night each")


def test_version_is_in_the_changelog():
    version = mne_sst.__version__.partition(".dev")[0]
    assert f"## {version}" in (ROOT / "CHANGELOG.md").read_text()
