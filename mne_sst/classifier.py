"""SSTClassifier: the network as a scikit-learn estimator over MNE objects."""

import numpy as np
import torch
from sklearn.base import ClassifierMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from . import _persistence, _training
from ._batches import split_validation
from ._checks import unchanged_on_error
from ._device import device_or_auto
from ._estimator import seeds_of
from ._explaining import ExplainedEstimator
from ._learning_data import encode, labels_of, trial_groups
from ._presets import with_preset
from .grid import TopoGrid

__all__ = ["SSTClassifier", "read_classifier"]


class SSTClassifier(ClassifierMixin, TransformerMixin, ExplainedEstimator):
    """Classify windows of EEG with SST-EmotionNet [1]_.

    Takes mne.Epochs, lists of them, `EpochsFeatures`, or arrays with ``info``;
    works in every tool of scikit-learn.

    Parameters
    ----------
    features : FeatureExtractor | None
        How epochs become features; None for ``temporal="power"`` under an average
        reference. Not used on `EpochsFeatures`; see `extract`.
    info : mne.Info | None
        Describes the channels of plain arrays in volts.
    grid_shape : tuple of int
        (height, width) of the maps, from 8 x 8. The paper's 32 x 32 hold no more than the
        electrodes do, and take ten times as long.
    interpolation : {"cubic", "linear", "nearest", "layout"}
        See `TopoGrid`.
    variant, streams, attention : str
        See `SSTEmotionNet`.
    depth_spectral, depth_temporal, growth_spectral, growth_temporal, n_blocks : int
        See `SSTEmotionNet`.
    compression_spectral, compression_temporal, drop_prob, stream_drop_prob : float
        See `SSTEmotionNet`.
    norm_momentum : float
        Of the running statistics. The paper's 0.01 suits long training.
    mask_init : {"zero", "random"}
        See `SSTEmotionNet`.
    common_weight : float
        What the mean over the channels still counts, of each band and of the stack over
        time; 1 leaves features as they are. People differ in it more than states do.
    n_networks : int
        Networks that are trained on the same batches from other first weights; their
        probabilities and masks are averaged.
    max_epochs : int | None
        Passes over the training part at most; None for as many as make 300 batches, but
        12 at least.
    batch_size : int
        Windows in a batch at most; small sets are cut so that a pass has eight
        batches, of 16 windows at least.
    lr : float
        Learning rate, its peak for ``"onecycle"``.
    lr_schedule : {"onecycle", "constant"}
        How the learning rate moves over ``max_epochs``.
    weight_decay : float
        Decoupled (AdamW), on kernels only.
    label_smoothing : float
        Between 0 and 1.
    mixup : float
        Parameter of mixup's beta distribution; 0 for none.
    noise : float
        Standard deviation of the noise that is added in training to the scaled DE of each
        electrode and band, and half as much to each electrode's temporal stack.
    validation_fraction : float
        Share of the data held out for early stopping, as whole groups of several classes; where
        there are no such, training goes on to its end, with a warning. None is by default: under
        the one-cycle schedule the last weights are good ones, and on small sets
        the data held out are missed more than early stopping brings.
    patience : int | None
        Passes without a better validation loss before training stops, if there is a
        validation part; None to run to the end. The best weights are restored.
    class_weight : "balanced" | dict | None
        Weights of classes in the loss.
    device : str
        ``"auto"`` takes a GPU where there is one.
    precision : {"auto", "fp32", "bf16"}
        ``"auto"`` takes bfloat16 where the hardware computes in it: probabilities
        then depend on what else is in the batch, by some 1e-3.
    n_threads : int | None
        CPU threads to train on; None takes as many as torch does. The result hangs
        on their number, and joblib gives its workers fewer than the main process
        has: with one, `fit` gives the same in both. Prediction takes all there are.
    random_state : int | RandomState | None
        Same seed and ``n_threads``, same result. No global state is touched.
    verbose : bool | None
        Whether to show progress; None shows it in a terminal.
    callbacks : list | None
        More skorch callbacks, or pairs of a name and a callback.
    preset : {"paper"} | None
        ``"paper"`` takes the paper's settings for all that is left at its default.

    Attributes
    ----------
    classes_ : array, shape (n_classes,)
        The labels.
    history_ : DataFrame
        One row a pass over the data.
    interrupted_ : bool
        Whether Ctrl-C ended training before its time.
    info_ : mne.Info
        Channels of the training data.
    grid_ : TopoGrid
        From them to maps.
    module_ : SSTEmotionNet | torch.nn.Module
        The trained network, or a module of several, its ``members``.
    scaling_ : dict
        Mean and scale of ``"spectral"`` and ``"temporal"``, from the training part.
    feature_settings_ : FeatureSettings
        How the features were made.
    n_features_in_ : int
        Number of channels.
    n_times_ : int
        Points of the temporal stack.
    n_windows_ : int
        Windows that were trained on, those held out for early stopping left out.
    network_params_ : dict
        Parameters of the network as it was trained.
    loss_weights_ : array, shape (n_classes,) | None
        Weights of the classes in the loss.
    common_weight_ : float
        ``common_weight`` as it was in training.

    References
    ----------
    .. [1] Jia et al. (2020). SST-EmotionNet. ACM MM, 2909-2917.
           doi:10.1145/3394171.3413724

    Examples
    --------
    >>> from mne_sst import SSTClassifier, datasets
    >>> epochs = datasets.simulate_emotion(n_subjects=1, n_trials=3, n_windows=4)
    >>> clf = SSTClassifier(grid_shape=(8, 8), max_epochs=1, random_state=0, verbose=False)
    >>> clf.fit(epochs, epochs.metadata["emotion"]).predict(epochs).shape
    (12,)
    """

    # Where metadata routing is on, groups= of the cross-validation reach fit as well.
    __metadata_request__fit = {"groups": True}

    def __init__(
        self,
        features=None,
        info=None,
        grid_shape=(10, 10),
        interpolation="cubic",
        variant="paper",
        streams="both",
        attention="both",
        depth_spectral=16,
        depth_temporal=22,
        growth_spectral=12,
        growth_temporal=24,
        n_blocks=3,
        compression_spectral=0.5,
        compression_temporal=1.0,
        drop_prob=0.5,
        stream_drop_prob=0.5,
        norm_momentum=0.1,
        mask_init="zero",
        common_weight=0.1,
        n_networks=4,
        max_epochs=None,
        batch_size=64,
        lr=5e-3,
        lr_schedule="onecycle",
        weight_decay=0.1,
        label_smoothing=0.1,
        mixup=0.0,
        noise=2.0,
        validation_fraction=0.0,
        patience=10,
        class_weight=None,
        device="auto",
        precision="auto",
        n_threads=1,
        random_state=None,
        verbose=None,
        callbacks=None,
        preset=None,
    ):
        self.features = features
        self.info = info
        self.grid_shape = grid_shape
        self.interpolation = interpolation
        self.variant = variant
        self.streams = streams
        self.attention = attention
        self.depth_spectral = depth_spectral
        self.depth_temporal = depth_temporal
        self.growth_spectral = growth_spectral
        self.growth_temporal = growth_temporal
        self.n_blocks = n_blocks
        self.compression_spectral = compression_spectral
        self.compression_temporal = compression_temporal
        self.drop_prob = drop_prob
        self.stream_drop_prob = stream_drop_prob
        self.norm_momentum = norm_momentum
        self.mask_init = mask_init
        self.common_weight = common_weight
        self.n_networks = n_networks
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.lr = lr
        self.lr_schedule = lr_schedule
        self.weight_decay = weight_decay
        self.label_smoothing = label_smoothing
        self.mixup = mixup
        self.noise = noise
        self.validation_fraction = validation_fraction
        self.patience = patience
        self.class_weight = class_weight
        self.device = device
        self.precision = precision
        self.n_threads = n_threads
        self.random_state = random_state
        self.verbose = verbose
        self.callbacks = callbacks
        self.preset = preset

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        # The network computes in single precision.
        tags.transformer_tags.preserves_dtype = []
        return tags

    def fit(self, X, y=None, groups=None, on_pass=None):
        """Train the network.

        Parameters
        ----------
        X : Epochs | list of Epochs | EpochsFeatures | array, (n_epochs, n_channels, n_times)
            What to learn from.
        y : array, shape (n_epochs,) | None
            Labels of any type; None for the event codes of the epochs.
        groups : array, shape (n_epochs,) | None
            What the validation part must not cut through, such as trials. None
            takes the metadata columns ``subject, session, trial`` if there is a
            ``trial`` among them, else runs of successive epochs.
        on_pass : callable | None
            Called with the classifier after each pass.

        Returns
        -------
        self : SSTClassifier

        Raises
        ------
        TypeError, ValueError
            If the input cannot be used; the message says why and what to do. What an
            earlier fit has learnt then stays.
        """
        if self.preset is not None:
            return self._through_preset("fit", X, y, groups, on_pass)
        self._check_params()
        with unchanged_on_error(self):
            vars(self).pop("feature_settings_", None)  # of an earlier fit
            features = self._as_features(X)
            targets = self._set_classes(features, y)
            seeds = seeds_of(self.random_state)
            rows, held = split_validation(
                targets, trial_groups(features, groups), self.validation_fraction, seeds[0]
            )
            self._start(features, targets, rows, seeds)
            self._train(features, targets, rows, held, on_pass)
        return self

    def partial_fit(self, X, y=None, classes=None):
        """Go through the data once more, from where training stands.

        Parameters
        ----------
        X, y : object
            See `fit`.
        classes : array | None
            All labels; needed on the first call, if that is not after `fit`.

        Returns
        -------
        self : SSTClassifier
        """
        fitted = hasattr(self, "module_")
        if self.preset is not None and not fitted:
            return self._through_preset("partial_fit", X, y, classes)
        self._check_params()
        seeds = seeds_of(self.random_state)
        if fitted:
            features = self._aligned(X)
            targets = encode(labels_of(features, y), self.classes_)
        else:
            with unchanged_on_error(self):
                features = self._as_features(X)
                targets = self._set_classes(features, y, classes)
                self._start(features, targets, np.arange(len(features)), seeds)
        dataset = self._dataset(features, targets)
        _training.train_once(self.net_, dataset, with_preset(self)["lr"], seeds[2])
        self.history_ = _training.history_table(self.net_.history)
        return self

    def score(self, X, y=None, sample_weight=None):
        """Accuracy.

        Parameters
        ----------
        X, y : object
            See `fit`.
        sample_weight : array, shape (n_epochs,) | None
            Weights of the epochs.

        Returns
        -------
        accuracy : float
        """
        features = self._aligned(X)
        return super().score(features, labels_of(features, y), sample_weight)

    def save(self, fname, overwrite=False):
        """Write all but callbacks and the optimizer's state to a file for `read_classifier`.

        Parameters
        ----------
        fname : path-like
            Must end in ``.safetensors``.
        overwrite : bool
            Whether it may replace an existing file.
        """
        check_is_fitted(self)
        _persistence.write_classifier(fname, self, overwrite)


def read_classifier(fname):
    """Read a classifier that `SSTClassifier.save` wrote.

    Parameters
    ----------
    fname : path-like
        The file; opening it runs no code from it.

    Returns
    -------
    clf : SSTClassifier
        Fitted.

    Raises
    ------
    FileNotFoundError, ValueError
        If there is no such file, or it holds no classifier.

    Examples
    --------
    >>> from mne_sst import read_classifier
    >>> clf = read_classifier("emotion.safetensors")  # doctest: +SKIP
    """
    params, fitted, state = _persistence.read_classifier_parts(fname)
    clf = SSTClassifier(**params | {"device": device_or_auto(params["device"])})
    for name, value in fitted.items():
        setattr(clf, name, value)
    clf.grid_ = TopoGrid(clf.info_, clf.grid_shape, clf.interpolation)
    clf._make_module()
    clf.module_.load_state_dict({k: torch.from_numpy(v) for k, v in state.items()})
    clf._make_net(clf.n_windows_, 0)
    _training.restore_history(clf.net_, clf.history_)
    _training.draw_from(clf.module_, None)
    return clf
