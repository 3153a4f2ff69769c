"""Data sets: simulated emotions, readers and fetchers of the field's recordings."""

from ._eegbci import fetch_eegbci
from ._eegmat import fetch_eegmat
from ._emoeeg_mc import fetch_emoeeg_mc
from ._example import example_epochs
from ._faced import read_faced
from ._prepare import prepare, prepare_from_shell
from ._ratings import read_deap, read_dreamer
from ._registry import SETS
from ._seed import read_seed, read_seed_iv
from ._seed_v import read_seed_v
from ._seed_vig import read_seed_vig
from ._simulate import EMOTIONS, simulate_emotion

__all__ = [
    "EMOTIONS",
    "SETS",
    "example_epochs",
    "fetch_eegbci",
    "fetch_eegmat",
    "fetch_emoeeg_mc",
    "prepare",
    "prepare_from_shell",
    "read_deap",
    "read_dreamer",
    "read_faced",
    "read_seed",
    "read_seed_iv",
    "read_seed_v",
    "read_seed_vig",
    "simulate_emotion",
]
