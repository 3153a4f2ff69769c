from . import datasets, evaluation, features, grid, model, viz
from .attention import Attention
from .classifier import SSTClassifier, read_classifier
from .features import (
    BANDS,
    EpochsFeatures,
    FeatureExtractor,
    concatenate_features,
    differential_entropy,
    read_features,
)
from .grid import TopoGrid
from .model import SSTEmotionNet

__all__ = [
    "BANDS",
    "Attention",
    "EpochsFeatures",
    "FeatureExtractor",
    "SSTClassifier",
    "SSTEmotionNet",
    "TopoGrid",
    "concatenate_features",
    "datasets",
    "differential_entropy",
    "evaluation",
    "features",
    "grid",
    "model",
    "read_classifier",
    "read_features",
    "viz",
]
