"""What an `SSTClassifier` tells of itself: attention and attribution."""

import copy

import mne
import numpy as np
import torch
from sklearn.utils.validation import check_is_fitted

from . import _training
from ._annotating import annotations_of, as_of_recording, predict_along
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
        targets = encode(labels, self.classes_, "target")
        start = None if baseline is None else self._baseline(baseline)
        explainer = Explainer(self.module_, dataset, targets, start, self.verbose)
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

    def annotate(self, raw, window=None, overlap=0.0, merge=False):
        """Predict the state all along a recording.

        Parameters
        ----------
        raw : Raw
            Read piece by piece; it need not be in memory, unless the classifier learnt
            ``"bandpass"`` DE of recordings, which are filtered as a whole.
        window : float | None
            Seconds; None for that of the training data, which others must be close to.
        overlap : float
            Seconds that one window shares with the next.
        merge : bool
            Whether to join neighbours of one class.

        Returns
        -------
        annotations : mne.Annotations
            For ``raw.set_annotations(raw.annotations + annotations)``, with the ``orig_time``
            of those of ``raw``. Each tells the class of the middle of a window, after
            ``state/`` where the name of a class begins with ``bad`` or ``edge``, which MNE
            takes for an instruction; ``extras`` hold ``probability``, the probability
            ``p_<class>`` of each class, and ``n_windows``. Segments that are annotated as bad
            have none. A recording that was cropped and has no measurement date needs one
            first: without it MNE moves what ``raw.annotations`` holds by the time cut off.

        Raises
        ------
        TypeError
            If ``raw`` is no Raw.
        ValueError
            If the recording does not fit the training data.
        """
        check_is_fitted(self)
        onset, probabilities = self._along(raw, window, overlap)
        window = self.feature_settings_.window if window is None else window
        found = annotations_of(
            onset, probabilities, self.classes_, window, overlap, merge, raw.info["sfreq"]
        )
        return as_of_recording(found, raw)

    def _along(self, raw, window, overlap):
        if not isinstance(raw, mne.io.BaseRaw):
            raise TypeError(f"raw must be an mne.io.Raw, got {type(raw).__name__}.")
        if self.feature_settings_.smoothing is not None:
            raise ValueError(
                "this classifier learnt smoothed features, which windows of a recording that is "
                "still going on cannot have; fit it on features without smoothing."
            )
        window = self.feature_settings_.window if window is None else window
        if window is None:
            raise ValueError("the features tell no length of a window; give window=.")
        return predict_along(self, raw, window, overlap, self.verbose)

    def _targets(self, features, target):
        if target is None:
            return self.predict(features)
        if np.ndim(target) == 0:
            target = np.full(len(features), target)
        return labels_of(features, target, "target")

    def _baseline(self, X):
        try:
            features = self._aligned(X)
        except (TypeError, ValueError) as error:
            raise type(error)(f"baseline cannot be used: {error}") from error
        dataset = self._dataset(features)
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
