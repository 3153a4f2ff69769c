"""TorchEEG's network and transforms, where it is installed.

    pip install --no-deps torcheeg && pip install einops PyWavelets spectrum networkx

Its requirements as a whole ask for an old scipy and libraries of graphs that
neither the network nor the transforms need.
"""

import importlib.util
import warnings
from importlib.metadata import PackageNotFoundError, distribution


def missing():
    """Return why TorchEEG cannot be measured, or None."""
    try:
        distribution("torcheeg")
    except PackageNotFoundError:
        return "TorchEEG is not installed, so it is left out: " + __doc__.split("\n")[2].strip()
    return None


def network(**params):
    """TorchEEG's SSTEmotionNet, from its own file: the package around it needs torch_scatter."""
    path = distribution("torcheeg").locate_file("torcheeg/models/cnn/sst_emotion_net.py")
    spec = importlib.util.spec_from_file_location("torcheeg_sst_emotion_net", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.SSTEmotionNet(**params)


def transforms():
    """The module ``torcheeg.transforms``."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from torcheeg import transforms as module
    return module
