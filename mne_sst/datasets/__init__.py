"""Data sets: simulated emotions, and readers of the field's recordings."""

from ._seed import read_seed, read_seed_iv
from ._simulate import EMOTIONS, simulate_emotion

__all__ = ["EMOTIONS", "read_seed", "read_seed_iv", "simulate_emotion"]
