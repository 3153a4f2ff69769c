"""SST-EmotionNet for people who work with MNE-Python.

Epochs become differential-entropy and time features, a matrix lays them on the
head, a two-stream network with attention classifies them, and its attention
comes back to the head.
"""

import lazy_loader

from ._version import __version__  # noqa: F401

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
