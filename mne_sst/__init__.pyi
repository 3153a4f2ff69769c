from . import (
    attribution,
    contrast,
    datasets,
    evaluation,
    features,
    grid,
    model,
    regions,
    report,
    viz,
)
from ._head_weights import concatenate_weights
from .attention import Attention
from .attribution import Attribution
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
    "Attribution",
    "EpochsFeatures",
    "FeatureExtractor",
    "SSTClassifier",
    "SSTEmotionNet",
    "TopoGrid",
    "attribution",
    "concatenate_features",
    "concatenate_weights",
    "contrast",
    "datasets",
    "differential_entropy",
    "evaluation",
    "features",
    "grid",
    "model",
    "read_classifier",
    "read_features",
    "regions",
    "report",
    "viz",
]
