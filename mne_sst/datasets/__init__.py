"""Data sets: simulated emotions, and readers of the field's recordings."""

from ._simulate import EMOTIONS, simulate_emotion

__all__ = ["EMOTIONS", "simulate_emotion"]
