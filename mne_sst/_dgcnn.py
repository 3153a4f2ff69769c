"""DGCNN: a graph of electrodes whose edges are learnt, the usual baseline on DE."""

from functools import partial
from types import SimpleNamespace

import numpy as np
import torch
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted
from torch import nn
from torch.nn.utils import skip_init

from . import _training
from ._batches import FeatureDataset
from ._blocks import SeededDropout
from ._checks import check_finite, check_number, check_one_each
from ._device import torch_threads
from ._estimator import seeds_of
from .features._extractor import spectral_of


class DGCNN(nn.Module):
    """Chebyshev graph convolution over electrodes with a learnt adjacency [1]_.

    Parameters
    ----------
    n_channels, n_bands, n_outputs : int
        Electrodes, values of each, and classes.
    n_filters : int
        Of the graph convolution.
    order : int
        Chebyshev polynomials, those of degree 0 to ``order - 1``.
    n_hidden : int
        Width of the layer before the last.
    drop_prob : float
        Of its dropout.
    generator : torch.Generator | None
        Draws the weights.

    References
    ----------
    .. [1] Song et al. (2020). EEG emotion recognition using dynamical graph convolutional
           neural networks. IEEE TAC, 11, 532-541. doi:10.1109/TAFFC.2018.2817622
    """

    def __init__(
        self,
        n_channels,
        n_bands,
        n_outputs,
        n_filters=32,
        order=2,
        n_hidden=64,
        drop_prob=0.5,
        generator=None,
    ):
        super().__init__()
        self.adjacency = nn.Parameter(torch.empty(n_channels, n_channels))
        self.filters = nn.Parameter(torch.empty(order, n_bands, n_filters))
        self.bias = nn.Parameter(torch.zeros(n_filters))
        self.hidden = skip_init(nn.Linear, n_channels * n_filters, n_hidden)
        self.dropout = SeededDropout(drop_prob)
        self.output = skip_init(nn.Linear, n_hidden, n_outputs)
        with torch.no_grad():
            nn.init.uniform_(self.adjacency, 0, 1, generator=generator)
            for weight in (*self.filters, self.hidden.weight, self.output.weight):
                nn.init.xavier_normal_(weight, generator=generator)
            nn.init.zeros_(self.hidden.bias)
            nn.init.zeros_(self.output.bias)

    def polynomials(self):
        """Chebyshev polynomials of the scaled Laplacian, (order, n_channels, n_channels)."""
        weights = torch.relu(self.adjacency)
        degree = weights.sum(dim=1).clamp_min(1e-10).rsqrt()
        # Largest eigenvalue taken as 2: L - 1 is then minus the normalised adjacency.
        scaled = -degree[:, None] * weights * degree
        found = [torch.eye(len(weights), dtype=weights.dtype, device=weights.device), scaled]
        while len(found) < len(self.filters):
            found.append(2 * scaled @ found[-1] - found[-2])
        return torch.stack(found[: len(self.filters)])

    def forward(self, spectral):
        """Classify.

        Parameters
        ----------
        spectral : tensor, shape (n, n_channels, n_bands)
            DE, standardised.

        Returns
        -------
        logits : tensor, shape (n, n_outputs)
        """
        x = torch.einsum("kij,njb,kbf->nif", self.polynomials(), spectral, self.filters)
        x = torch.relu(x + self.bias).flatten(1)
        return self.output(self.dropout(torch.relu(self.hidden(x))))


class DGCNNClassifier(ClassifierMixin, BaseEstimator):
    """DGCNN on the DE of `EpochsFeatures`, as an estimator.

    Parameters
    ----------
    n_filters, order, n_hidden, drop_prob : int | float
        See `DGCNN`.
    max_epochs : int
        Passes over the data.
    batch_size : int
        Windows in a batch at most.
    lr : float
        Largest learning rate of the one-cycle schedule.
    weight_decay : float
        Decoupled (AdamW).
    random_state : int | RandomState | None
        Same seed, same result.

    Attributes
    ----------
    classes_ : array
        The labels.
    module_ : DGCNN
        The trained network.
    history_ : DataFrame
        One row a pass over the data.
    interrupted_ : bool
        Whether Ctrl-C ended training before its time.
    n_features_in_ : int
        Channels.
    """

    # What is the same for all; `make_net` asks for it.
    lr_schedule, label_smoothing, mixup, noise, callbacks = "onecycle", 0.0, 0.0, 0.0, None
    n_threads, verbose = 1, False

    def __init__(
        self,
        n_filters=32,
        order=2,
        n_hidden=64,
        drop_prob=0.5,
        max_epochs=30,
        batch_size=64,
        lr=3e-3,
        weight_decay=0.1,
        random_state=None,
    ):
        self.n_filters = n_filters
        self.order = order
        self.n_hidden = n_hidden
        self.drop_prob = drop_prob
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.lr = lr
        self.weight_decay = weight_decay
        self.random_state = random_state

    def fit(self, X, y, on_pass=None):
        """Train.

        Parameters
        ----------
        X : EpochsFeatures | Epochs | array, shape (n_windows, n_channels, n_bands)
            DE.
        y : array, shape (n_windows,)
            Labels.
        on_pass : callable | None
            Called with the classifier after each pass.

        Returns
        -------
        self : DGCNNClassifier
        """
        for name in ("max_epochs", "batch_size", "n_filters", "order", "n_hidden"):
            check_number(name, getattr(self, name), 1, integer=True)
        check_number("drop_prob", self.drop_prob, 0, 1)
        check_number("lr", self.lr, 0, low_open=True)
        check_number("weight_decay", self.weight_decay, 0)
        values = _spectral(X)
        y = check_one_each("y", y, len(values))
        classes, targets = np.unique(y, return_inverse=True)
        if len(classes) < 2:
            raise ValueError("y holds 1 class; a classifier needs at least 2 classes.")
        self.classes_, self.n_features_in_ = classes, values.shape[1]
        seeds = seeds_of(self.random_state)
        mean, scale = values.mean(axis=0), values.std(axis=0)
        self.scaling_ = {"spectral": (mean, np.where(scale == 0, 1.0, scale))}
        self.module_ = DGCNN(
            *values.shape[1:],
            len(self.classes_),
            self.n_filters,
            self.order,
            self.n_hidden,
            self.drop_prob,
            torch.Generator().manual_seed(seeds[0]),
        )
        net = _training.make_net(
            self.module_,
            self,
            len(self.classes_),
            None,
            len(values),
            seeds[1],
            torch.float32,
            torch.device("cpu"),
        )
        # skorch may have made another one of it.
        self.module_ = net.module_
        told = None if on_pass is None else partial(on_pass, self)
        found = _training.train(net, self._dataset(values, targets), None, None, told)
        self.history_, self.interrupted_ = found
        return self

    def _dataset(self, values, targets=None):
        rows = np.arange(len(values))
        stacks = SimpleNamespace(spectral=values)
        return FeatureDataset(stacks, targets, self.scaling_, ("spectral",), rows)

    def predict_proba(self, X):
        """Probability of each class.

        Parameters
        ----------
        X : EpochsFeatures | Epochs | array, shape (n_windows, n_channels, n_bands)
            DE.

        Returns
        -------
        probabilities : array, shape (n_windows, n_classes)
        """
        check_is_fitted(self)
        values = _spectral(X)
        expected = self.scaling_["spectral"][0].shape
        if values.shape[1:] != expected:
            raise ValueError(
                f"X must have {expected[0]} channels and {expected[1]} bands, as in fit; got "
                f"{values.shape[1]} and {values.shape[2]}."
            )
        dataset = self._dataset(values)
        with torch_threads(1), torch.inference_mode():
            logits = self.module_.eval()(**dataset.batch(np.arange(len(dataset)))[0])
        return torch.softmax(logits.double(), dim=1).numpy()

    def predict(self, X):
        """Most probable class.

        Parameters
        ----------
        X : EpochsFeatures | Epochs | array, shape (n_windows, n_channels, n_bands)
            DE.

        Returns
        -------
        labels : array, shape (n_windows,)
        """
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


def _spectral(X):
    values = spectral_of(X)
    if values.ndim != 3:
        raise ValueError(
            "X must be EpochsFeatures, Epochs or an array of shape (n_windows, n_channels, "
            f"n_bands), got shape {values.shape}."
        )
    check_finite("X", values, ("window", "channel", "band"))
    return values
