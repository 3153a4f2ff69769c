"""Baselines for the same harness: what a simple model makes of the same features."""

import mne
import numpy as np
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import SVC, LinearSVC

from .._checks import listed
from .._inputs import pick_eeg
from ..features._extractor import spectral_of

__all__ = ["baselines", "spectral_vector"]


def spectral_vector(X):
    """Lay the DE of each window out in a row.

    Parameters
    ----------
    X : EpochsFeatures | Epochs | list of Epochs | array, shape (n_windows, ...)
        Features, or epochs, whose DE under an average reference is taken; an array is
        features already.

    Returns
    -------
    X : array, shape (n_windows, n_channels * n_bands)
    """
    X = spectral_of(X)
    return X.reshape(len(X), -1)


def _on_vectors(model):
    return make_pipeline(FunctionTransformer(spectral_vector), StandardScaler(), model)


def _riemann():
    try:
        from pyriemann.estimation import Covariances
        from pyriemann.tangentspace import TangentSpace
    except ImportError as error:
        raise ImportError(
            "the baseline 'riemann' needs pyRiemann: pip install pyriemann"
        ) from error
    return make_pipeline(
        FunctionTransformer(_signals),
        Covariances("oas"),
        TangentSpace(),
        StandardScaler(),
        LogisticRegression(C=0.01, max_iter=2000),
    )


def _signals(X):
    """Signals of the good EEG channels, in microvolts: covariances of volts are too small."""
    if isinstance(X, mne.BaseEpochs):
        X = X.get_data(picks=pick_eeg(X.info), copy=True, verbose="ERROR")
    return np.asarray(X) * 1e6


def _dgcnn():
    from .._dgcnn import DGCNNClassifier

    return DGCNNClassifier()


_MAKERS = {
    "logistic": lambda: _on_vectors(LogisticRegression(C=0.01, max_iter=2000)),
    "svm": lambda: _on_vectors(LinearSVC(C=0.01, dual="auto", max_iter=10000)),
    "rbf-svm": lambda: _on_vectors(SVC(C=1.0)),
    "knn": lambda: _on_vectors(KNeighborsClassifier(5)),
    "dgcnn": _dgcnn,
    "riemann": _riemann,
    "majority": lambda: DummyClassifier(strategy="most_frequent"),
}


#: What `baselines` knows.
NAMES = tuple(_MAKERS)


def baselines(names=("logistic", "svm", "rbf-svm", "knn")):
    """Return baselines by name.

    Parameters
    ----------
    names : sequence of str
        ``"logistic"``: logistic regression on DE (C = 0.01) [1]_. ``"svm"``: linear support
        vector machine on DE (C = 0.01), the baseline of the SEED papers [1]_. ``"rbf-svm"``:
        the same with a Gaussian kernel (C = 1) [2]_. ``"knn"``: five nearest neighbours on
        DE [1]_. ``"dgcnn"``: a graph network on DE [4]_. ``"riemann"``: logistic regression
        in the tangent space of covariances [3]_ of the good EEG channels, on Epochs instead
        of features; needs pyRiemann. ``"majority"``: always the commonest class of the
        training part.

    Returns
    -------
    estimators : dict of str -> estimator
        Each standardises on its training part.

    References
    ----------
    .. [1] Zheng & Lu (2015). Investigating critical frequency bands and channels for
           EEG-based emotion recognition with deep neural networks. IEEE TAMD, 7, 162-175.
           doi:10.1109/TAMD.2015.2431497
    .. [2] Cortes & Vapnik (1995). Support-vector networks. Machine Learning, 20, 273-297.
           doi:10.1007/BF00994018
    .. [3] Barachant et al. (2012). Multiclass brain-computer interface classification by
           Riemannian geometry. IEEE TBME, 59, 920-928. doi:10.1109/TBME.2011.2172210
    .. [4] Song et al. (2020). EEG emotion recognition using dynamical graph convolutional
           neural networks. IEEE TAC, 11, 532-541. doi:10.1109/TAFFC.2018.2817622

    Examples
    --------
    >>> from mne_sst.evaluation.baselines import baselines
    >>> list(baselines(["svm", "knn"]))
    ['svm', 'knn']
    """
    unknown = [name for name in names if name not in _MAKERS]
    if unknown or isinstance(names, str):
        raise ValueError(f"names must be a list out of {listed(_MAKERS)}, got {names!r}.")
    return {name: _MAKERS[name]() for name in names}
