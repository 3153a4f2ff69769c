"""What stands behind the public methods of `SSTClassifier`."""

from functools import partial

import numpy as np
import torch
from sklearn.base import BaseEstimator, clone
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted

from . import _training
from ._batches import FeatureDataset
from ._checks import check_number, check_option, check_shape
from ._committee import Committee
from ._device import PRECISIONS, choose_device, choose_precision
from ._learning_data import (
    align,
    as_features,
    encode,
    labels_of,
    learn_scaling,
    warn_of_other_units,
)
from ._presets import default_extractor, extractor_of, with_preset
from .grid import METHODS, TopoGrid
from .model import NETWORK_PARAMS, STREAMS, SSTEmotionNet


class NetworkEstimator(BaseEstimator):
    """Checks, network and data of an estimator around `SSTEmotionNet`.

    The parameters are those of `SSTClassifier`, whose constructor sets them.
    """

    def __setstate__(self, state):
        super().__setstate__(state)
        # Copies and pickles make a network of each reference; one must be trained and saved.
        if hasattr(self, "net_"):
            self.module_ = self.net_.module_

    def get_params(self, deep=True):
        """Return the parameters.

        Parameters
        ----------
        deep : bool
            Whether to include those of ``features``.

        Returns
        -------
        params : dict
        """
        # ``attention`` is a setting and a method; here the setting is meant.
        return {**super().get_params(deep), "attention": vars(self)["attention"]}

    def _check_params(self):
        check_option("streams", self.streams, STREAMS)
        check_option("lr_schedule", self.lr_schedule, _training.SCHEDULES)
        check_option("precision", self.precision, PRECISIONS)
        check_option("interpolation", self.interpolation, METHODS)
        check_shape(self.grid_shape, "grid_shape", least=8)
        if not isinstance(self.callbacks, list | tuple | None):
            kind = type(self.callbacks).__name__
            raise TypeError(f"callbacks must be a list of skorch callbacks or None, got {kind}.")
        check_number("common_weight", self.common_weight, 0, 1)
        for name in ("batch_size", "n_networks"):
            check_number(name, getattr(self, name), 1, integer=True)
        for name in ("max_epochs", "patience", "n_threads"):
            if getattr(self, name) is not None:
                check_number(name, getattr(self, name), 1, integer=True)
        check_number("lr", self.lr, 0, low_open=True)
        check_number("norm_momentum", self.norm_momentum, 0, 1, low_open=True)
        for name in ("weight_decay", "mixup", "noise"):
            check_number(name, getattr(self, name), 0)
        for name in ("label_smoothing", "validation_fraction"):
            check_number(name, getattr(self, name), 0, 0.95)

    def extract(self, X):
        """Make the features that `fit` would learn from, once for many fits.

        Parameters
        ----------
        X : Epochs | list of Epochs | array
            See `fit`.

        Returns
        -------
        features : EpochsFeatures
            Without ``features=`` those of an average reference, with power in time; of a
            fitted classifier, those that it was trained on.
        """
        return self._as_features(X)

    def _as_features(self, X):
        extractor = with_preset(self)["features"]
        if hasattr(self, "feature_settings_"):
            extractor = extractor_of(extractor, self.feature_settings_, self.n_times_)
        elif extractor is None:
            extractor = default_extractor()
        return as_features(X, extractor, self.info, self.verbose)

    def _through_preset(self, method, *args):
        """Call a method of a classifier with the settings of the preset; learn what it learns."""
        used = clone(self).set_params(**with_preset(self))
        getattr(used, method)(*args)
        fitted = {k: v for k, v in vars(used).items() if k.endswith("_")}
        vars(self).update(fitted)
        return self

    def _aligned(self, X):
        check_is_fitted(self)
        n_times = self.n_times_ if "temporal" in self.module_.streams else None
        settings = self.feature_settings_
        features = align(self._as_features(X), X, self.info_["ch_names"], settings, n_times)
        warn_of_other_units(features, self.scaling_, self.common_weight_)
        return features

    def _set_classes(self, features, y, classes=None):
        """Find the classes, return the index of each label."""
        labels = labels_of(features, y)
        check_classification_targets(labels)
        self.classes_ = np.unique(labels if classes is None else classes)
        if len(self.classes_) < 2:
            raise ValueError(
                f"y holds 1 class ({self.classes_[0]}); a classifier needs at least 2 classes."
            )
        return encode(labels, self.classes_)

    def _start(self, features, targets, rows, seeds):
        """Learn the scaling and make a fresh network."""
        n_times = features.temporal.shape[2]
        if len(rows) < 2:
            raise ValueError(f"X has n_samples={len(rows)} epochs to train on; 2 are needed.")
        if self.streams != "spectral" and n_times == 0:
            raise ValueError(
                f"X has no temporal stack, which streams={self.streams!r} needs; use "
                "streams='spectral'."
            )
        self.info_ = features.info
        self.feature_settings_ = features.settings
        self.n_features_in_ = len(features.ch_names)
        self.n_times_ = n_times
        self.grid_ = TopoGrid(features.info, self.grid_shape, self.interpolation)
        self.common_weight_ = self.common_weight
        self.scaling_ = learn_scaling(features, rows, self.common_weight)
        self._make_module(torch.Generator().manual_seed(seeds[1]))
        self.loss_weights_ = self._class_weights(targets[rows])
        self.n_windows_ = len(rows)
        self._make_net(len(rows), seeds[2])

    def _make_module(self, generator=None):
        params = self.get_params(deep=False)
        # What was fitted stays so, whatever set_params() does later.
        self.network_params_ = {name: params[name] for name in NETWORK_PARAMS}
        members = [
            SSTEmotionNet(
                len(self.classes_),
                n_bands=len(self.feature_settings_.bands),
                n_times=self.n_times_,
                grid_shape=self.grid_.shape,
                projection=self.grid_.weights,
                generator=generator,
                **self.network_params_,
            )
            for _ in range(self.n_networks)
        ]
        self.module_ = members[0] if len(members) == 1 else Committee(members)

    def _class_weights(self, targets):
        """Weights of the classes in the loss, from the training part; None for none."""
        if self.class_weight is None:
            return None
        present = np.unique(targets)
        weights = np.ones(len(self.classes_))
        if not isinstance(self.class_weight, dict):
            check_option("class_weight", self.class_weight, ("balanced", None))
        weights[present] = compute_class_weight(
            self.class_weight, classes=self.classes_[present], y=self.classes_[targets]
        )
        return weights

    def _make_net(self, n_windows, seed):
        """Put a skorch net around the module, on its device."""
        device = choose_device(self.device)
        self.net_ = _training.make_net(
            self.module_.to(device),
            self,
            len(self.classes_),
            self.loss_weights_,
            n_windows,
            seed,
            choose_precision(self.precision, device),
            device,
        )
        self.module_ = self.net_.module_.eval()

    def _train(self, features, targets, rows, held, on_pass):
        """Train on some rows, with others to stop early by; a function hears of each pass."""
        valid = self._dataset(features, targets, held) if len(held) else None
        dataset = self._dataset(features, targets, rows)
        told = None if on_pass is None else partial(on_pass, self)
        found = _training.train(self.net_, dataset, valid, self.patience, told)
        self.history_, self.interrupted_ = found

    def _dataset(self, features, targets=None, rows=None):
        streams = tuple(self.module_.streams)
        return FeatureDataset(
            features,
            targets,
            self.scaling_,
            streams,
            rows,
            self.net_.device,
            common_weight=self.common_weight_,
        )

    def _run(self, X, function):
        """Apply a function of module and inputs to all epochs."""
        dataset = self._dataset(self._aligned(X))
        return torch.cat([x.cpu() for x in _training.in_batches(self.net_, dataset, function)])

    def predict_proba(self, X):
        """Probability of each class.

        Parameters
        ----------
        X : Epochs | list of Epochs | EpochsFeatures | array
            With the channels of the training data, in any order.

        Returns
        -------
        probabilities : array, shape (n_epochs, n_classes)
            Columns in the order of ``classes_``.
        """
        logits = self._run(X, lambda module, **inputs: module(**inputs).float())
        return torch.softmax(logits.double(), dim=1).numpy()

    def predict(self, X):
        """Most probable class.

        Parameters
        ----------
        X : Epochs | list of Epochs | EpochsFeatures | array
            See `predict_proba`.

        Returns
        -------
        labels : array, shape (n_epochs,)
        """
        best = self.predict_proba(X).argmax(axis=1)
        return self.classes_[best]

    def transform(self, X):
        """Features before the last two layers, both streams side by side.

        Parameters
        ----------
        X : object
            See `predict_proba`.

        Returns
        -------
        features : array, shape (n_epochs, n_features)
        """
        return self._run(X, _training.fused_features).numpy()


def seeds_of(random_state):
    """Three seeds from a seed, a RandomState or fresh entropy, no global state touched."""
    if isinstance(random_state, np.random.RandomState):
        return random_state.randint(2**31 - 1, size=3).tolist()
    if random_state is not None:
        random_state = check_number("random_state", random_state, 0, integer=True)
    return np.random.SeedSequence(random_state).generate_state(3).tolist()
