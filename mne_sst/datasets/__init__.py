"""Data sets: simulated emotions, and readers of the field's recordings."""

from ._faced import read_faced
from ._ratings import read_deap, read_dreamer
from ._seed import read_seed, read_seed_iv
from ._seed_v import read_seed_v
from ._seed_vig import read_seed_vig
from ._simulate import EMOTIONS, simulate_emotion

__all__ = [
    "EMOTIONS",
    "read_deap",
    "read_dreamer",
    "read_faced",
    "read_seed",
    "read_seed_iv",
    "read_seed_v",
    "read_seed_vig",
    "simulate_emotion",
]
