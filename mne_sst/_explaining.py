"""What an `SSTClassifier` tells of itself: attention and attribution."""

import copy

import numpy as np
import torch

from . import _training
from ._checks import check_option
from ._estimator import NetworkEstimator
from ._gradients import Explainer
from ._learning_data import encode, labels_of
from ._norms import settle_norms
from ._setting import setting_and_method
from .attention import Attention
from .attribution import METHODS, Attribution


class ExplainedEstimator(NetworkEstimator):
    """Masks of the network, and attributions of its decisions."""

    @setting_and_method
    def attention(self, X, y=None):
        """Where, in which bands and when the network attends.

        Parameters
        ----------
        X : Epochs | list of Epochs | EpochsFeatures | array
            See `predict_proba`.
        y : array, shape (n_epochs,) | None
            Labels to sort the epochs by; None for the predicted ones.

        Returns
        -------
        attention : Attention
            Masks of every epoch.
        """
        features = self._aligned(X)
        logits, masks = _training.collect_attention(self.net_, self._dataset(features))
        labels = self.classes_[logits.argmax(axis=1)] if y is None else labels_of(features, y)
        return Attention(
            masks,
            self.grid_,
            self.info_,
            self.feature_settings_,
            labels=labels,
            n_times=self.n_times_,
            normalized=self.network_params_["variant"] == "paper",
        )

    def attribute(self, X, target=None, method="integrated_gradients", baseline=None):
        """What the decision for a class rests on, electrode by electrode.

        Parameters
        ----------
        X : Epochs | list of Epochs | EpochsFeatures | array
            See `predict_proba`.
        target : label | array, shape (n_epochs,) | None
            The class that is asked for, one for all epochs or one for each; None for the
            predicted ones.
        method : {"integrated_gradients", "gradient", "occlusion"}
            Integrated gradients [1]_ need captum; their sum is the change in log odds from
            the baseline. The gradient is that at the epoch itself. Occlusion replaces each
            value by that of the baseline: hundreds of predictions an epoch.
        baseline : Epochs | EpochsFeatures | None
            Its mean over windows is what attributions start from; None for the mean of the
            training data.

        Returns
        -------
        attribution : Attribution
            Electrode by band and electrode by time, of the scaled features: after the
            weighting of what all channels share (``common_weight``).

        References
        ----------
        .. [1] Sundararajan et al. (2017). Axiomatic attribution for deep networks. ICML.
        """
        check_option("method", method, METHODS)
        features = self._aligned(X)
        dataset = self._dataset(features)
        labels = self._targets(features, target)
        start = None if baseline is None else self._baseline(baseline)
        explainer = Explainer(
            self.module_, dataset, encode(labels, self.classes_), start, self.verbose
        )
        values, odds, base_odds = explainer.run(method)
        return Attribution(
            values,
            self.info_,
            self.feature_settings_,
            labels=labels,
            method=method,
            n_times=self.n_times_,
            odds=odds,
            base_odds=base_odds,
        )

    def _targets(self, features, target):
        if target is None:
            return self.predict(features)
        if np.ndim(target) == 0:
            target = np.full(len(features), target)
        return labels_of(features, target)

    def _baseline(self, X):
        dataset = self._dataset(self._aligned(X))
        inputs, _ = dataset.batch(np.arange(len(dataset)))
        return {name: x.float().mean(dim=0) for name, x in inputs.items()}

    def _randomized(self, seed, X):
        """Return a copy whose network has random weights; its statistics are those of X."""
        other = copy.deepcopy(self)
        members = getattr(other.module_, "members", [other.module_])
        generator = torch.Generator().manual_seed(seed)
        for member in members:
            on = next(member.parameters()).device
            member.to("cpu").reset_parameters(generator)
            member.to(on)
        settle_norms(other.net_, other._dataset(other._aligned(X)))
        return other
