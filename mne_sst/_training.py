"""The skorch net: training with early stopping, running a network."""

import math
import warnings
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
import pandas as pd
import torch
from joblib import Parallel, delayed
from skorch import NeuralNet
from skorch.callbacks import Callback, EarlyStopping, LRScheduler
from skorch.helper import predefined_split
from skorch.utils import to_tensor
from torch.optim.lr_scheduler import OneCycleLR

from ._batches import Batches
from ._blocks import SeededDropout
from ._checks import progress
from ._committee import Committee
from ._device import autocast, torch_threads
from ._norms import settle_norms, statistics_of

#: A pass over a small set has this many batches, unless they would be smaller.
MIN_BATCHES, SMALL_BATCH = 8, 16
#: Where the number of passes is left open: batches in all, unless these are fewer passes.
MIN_STEPS, MIN_PASSES = 300, 12
#: Pixels of a batch in prediction on a CPU: 16 maps of 32 x 32.
CACHED_PIXELS = 2**14
SCHEDULES = ("onecycle", "constant")


class SSTNet(NeuralNet):
    """The skorch net around `SSTEmotionNet`, under automatic mixed precision.

    Parameters
    ----------
    module : SSTEmotionNet
        Already made, so that its weights come from a generator of its own.
    dtype : torch.dtype
        Precision of the convolutions; statistics and losses stay in float32.
    n_threads : int | None
        Threads of torch while training.
    **kwargs
        Of `skorch.NeuralNet`.
    """

    def __init__(self, module, *args, dtype=torch.float32, n_threads=None, **kwargs):
        super().__init__(module, *args, **kwargs)
        self.dtype = dtype
        self.n_threads = n_threads
        #: Training part, while somebody looks at the network after each pass.
        self.settles_on_ = None

    def fit_loop(self, *args, **kwargs):
        """Train, each network on the number of threads that was asked for."""
        n_side = torch.get_num_threads() // self.n_threads if self.n_threads else 1
        with torch_threads(self.n_threads), ThreadPoolExecutor(max(n_side, 1)) as pool:
            # Not kept: a net with threads can neither be copied nor pickled.
            self.each_ = map if n_side < 2 or torch.device(self.device).type != "cpu" else pool.map
            try:
                return super().fit_loop(*args, **kwargs)
            finally:
                del self.each_

    def run_single_epoch(self, iterator, training, *args, **kwargs):
        """Go through the data; what comes after a pass finds the statistics of prediction."""
        super().run_single_epoch(iterator, training, *args, **kwargs)
        if training and self.settles_on_ is not None:
            settle_norms(self, self.settles_on_)

    def train_step_single(self, batch, **fit_params):
        """Losses and gradients of a batch; members of a committee learn side by side."""
        if not isinstance(self.module_, Committee):
            return super().train_step_single(batch, **fit_params)
        self._set_training(True)
        inputs, targets = to_tensor(batch[0], self.device), batch[1]
        step = partial(self._member_step, inputs=inputs, targets=targets)
        losses, outputs = zip(*self.each_(step, self.module_.members), strict=True)
        return {"loss": torch.stack(losses).mean(), "y_pred": outputs[0]}

    def _member_step(self, member, inputs, targets):
        with torch_threads(self.n_threads):
            with autocast(self.device, self.dtype):
                output = member(**inputs).float()
            loss = self.get_loss(output, targets, X=inputs, training=True)
            loss.backward()
        return loss.detach(), output.detach()

    def predict(self, X):
        """Class indices, for scoring callbacks."""
        return self.predict_proba(X).argmax(1)

    def infer(self, x, **fit_params):
        """Forward pass of a batch, logits in float32."""
        with autocast(self.device, self.dtype):
            return super().infer(x, **fit_params).float()


class FitProgress(Callback):
    """One bar over all batches of a fit; rate and validation accuracy of each pass."""

    def __init__(self, verbose=None):
        self.verbose = verbose

    def on_train_begin(self, net, **kwargs):
        """Open the bar."""
        self.bar_ = None

    def on_epoch_begin(self, net, dataset_train=None, **kwargs):
        """Count from zero."""
        if self.bar_ is None:
            n_batches = -(-len(dataset_train) // net.batch_size)
            self.bar_ = progress(n_batches * net.max_epochs, "Training", self.verbose)
        self.right_, self.seen_ = 0, 0

    def on_batch_end(self, net, batch=None, training=None, y_pred=None, **kwargs):
        """Move the bar, or count right answers on the validation part."""
        if training:
            self.bar_.update()
            return
        self.right_ += int((y_pred.argmax(1) == batch[1]).sum())
        self.seen_ += len(y_pred)

    def on_epoch_end(self, net, **kwargs):
        """Write the losses beside the bar."""
        net.history.record("lr", float(net.optimizer_.param_groups[0]["lr"]))
        shown = {"loss": f"{net.history[-1, 'train_loss']:.3f}"}
        if self.seen_:
            net.history.record("valid_accuracy", self.right_ / self.seen_)
            shown["valid"] = f"{net.history[-1, 'valid_loss']:.3f}"
        self.bar_.set_postfix(shown)

    def on_train_end(self, net, **kwargs):
        """Close the bar."""
        if self.bar_ is not None:
            self.bar_.close()
        self.bar_ = None


def draw_from(module, seed, device="cpu"):
    """Let dropout, and what else is drawn, come from a seed; None for the global generator.

    Each member of a committee draws by itself: it must not matter which one is the faster.
    """
    parts = [m for m in module.modules() if isinstance(m, SeededDropout)]
    for i, part in enumerate(parts):
        part.generator = None
        if seed is not None:
            part.generator = torch.Generator(device).manual_seed(seed + (i << 32))


class AfterPass(Callback):
    """Calls a function after each pass, when the network can predict."""

    def __init__(self, function):
        self.function = function

    def on_epoch_end(self, net, **kwargs):
        """Call it."""
        net.module_.eval()
        self.function()


def make_net(module, settings, n_classes, class_weights, n_windows, seed, dtype, device):
    """Make the skorch net for a classifier's settings.

    Parameters
    ----------
    module : SSTEmotionNet
        Its weights are trained in place.
    settings : SSTClassifier
        Read for the parameters of training.
    n_classes : int
        Number of classes.
    class_weights : array, shape (n_classes,) | None
        Weights in the loss.
    n_windows : int
        In one pass: for the size of batches and the schedule.
    seed : int
        For order, mixtures and dropout.
    dtype, device
        See `choose_precision` and `choose_device`.

    Returns
    -------
    net : SSTNet
    """
    batch_size = min(int(settings.batch_size), max(n_windows // MIN_BATCHES, SMALL_BATCH))
    n_batches = -(-n_windows // batch_size)
    max_epochs = settings.max_epochs
    if max_epochs is None:
        max_epochs = max(-(-MIN_STEPS // n_batches), MIN_PASSES)
    callbacks = [("progress", FitProgress(settings.verbose))]
    if settings.lr_schedule == "onecycle":
        schedule = LRScheduler(
            policy=OneCycleLR,
            step_every="batch",
            max_lr=settings.lr,
            total_steps=max(int(max_epochs) * n_batches, 2),
        )
        callbacks.append(("schedule", schedule))
    for i, callback in enumerate(settings.callbacks or []):
        callbacks.append(callback if isinstance(callback, tuple) else (f"user{i}", callback))
    draw_from(module, seed, device)
    if class_weights is not None:
        class_weights = torch.as_tensor(class_weights, dtype=torch.float32)
    net = SSTNet(
        module,
        criterion=torch.nn.CrossEntropyLoss,
        criterion__weight=class_weights,
        criterion__label_smoothing=settings.label_smoothing,
        optimizer=torch.optim.AdamW,
        optimizer__weight_decay=settings.weight_decay,
        # One pass over all weights; where it is not known to be faster, PyTorch chooses.
        optimizer__fused=True if torch.device(device).type == "cpu" else None,
        # Scales and offsets are not decayed.
        optimizer__param_groups=[
            ("*norm*", {"weight_decay": 0.0}),
            ("*bias", {"weight_decay": 0.0}),
        ],
        lr=settings.lr,
        max_epochs=int(max_epochs),
        batch_size=batch_size,
        iterator_train=Batches,
        iterator_train__shuffle=True,
        iterator_train__mixup=settings.mixup,
        iterator_train__noise=settings.noise,
        iterator_train__generator=np.random.default_rng(seed),
        iterator_train__n_classes=n_classes if settings.mixup > 0 else None,
        iterator_valid=Batches,
        train_split=None,
        callbacks=callbacks,
        verbose=0,
        device=str(device),
        dtype=dtype,
        n_threads=settings.n_threads,
    )
    return net.initialize()


def train(net, dataset, valid, patience, on_pass=None):
    """Train, stop early on the validation loss and restore the best weights.

    Parameters
    ----------
    net : SSTNet
        Trained in place.
    dataset, valid : FeatureDataset | None
        Training and validation part.
    patience : int | None
        Passes without a better validation loss before stopping.
    on_pass : callable | None
        Called after each pass.

    Returns
    -------
    history : DataFrame
        One row a pass: epoch, train_loss, valid_loss, valid_accuracy, lr, dur.
    interrupted : bool
        Whether Ctrl-C ended it before its time.
    """
    usual = list(net.callbacks_)
    if valid is not None:
        stopper = EarlyStopping(
            patience=net.max_epochs + 1 if patience is None else patience, load_best=True
        )
        net.set_params(train_split=predefined_split(valid))
        net.callbacks_.append(("early_stopping", stopper))
    if on_pass is not None:
        # Before early stopping, which ends training by an exception.
        net.callbacks_.insert(len(usual), ("on_pass", AfterPass(on_pass)))
    if valid is not None or on_pass is not None:
        net.settles_on_ = dataset
    net.partial_fit(dataset)
    net.settles_on_, net.callbacks_ = None, usual
    net.set_params(train_split=None)
    draw_from(net.module_, None)
    settle_norms(net, dataset)
    net.module_.eval()
    history = history_table(net.history)
    # A callback stops between two passes, Ctrl-C within one.
    interrupted = len(history) < len(net.history)
    if interrupted:
        if history.empty:
            raise KeyboardInterrupt("training was interrupted before its first pass ended")
        warnings.warn(
            f"training was interrupted after {len(history)} of {net.max_epochs} passes; the "
            "best weights so far are kept. partial_fit() goes on from here.",
            RuntimeWarning,
            stacklevel=3,
        )
    if not np.isfinite(history["train_loss"]).all():
        raise RuntimeError("training diverged: the loss is no longer finite. Lower lr.")
    return history, interrupted


def train_once(net, dataset, lr, seed):
    """Go through the data once, at a constant rate, without a validation part.

    Parameters
    ----------
    net : SSTNet
        Trained in place.
    dataset : FeatureDataset
        What to go through.
    lr : float
        Learning rate.
    seed : int
        For dropout.
    """
    # The schedule of fit() has come to its end.
    net.callbacks_ = [c for c in net.callbacks_ if c[0] != "schedule"]
    for group in net.optimizer_.param_groups:
        group["lr"] = lr
    # Another draw in every pass, the same in every run.
    draw_from(net.module_, seed + len(net.history), net.device)
    known = statistics_of(net.module_) if len(net.history) else None
    net.partial_fit(dataset, epochs=1)
    draw_from(net.module_, None)
    settle_norms(net, dataset, known)


def restore_history(net, table):
    """Put the passes of a `history_table` back into the history of a net."""
    for row in table.to_dict(orient="records"):
        net.history.new_epoch()
        for name, value in row.items():
            net.history.record(name, value)


def history_table(history):
    """Return the finished passes of a skorch history as a DataFrame."""
    names = ["epoch", "train_loss", "valid_loss", "valid_accuracy", "lr", "dur"]
    rows = [{n: row[n] for n in names if n in row} for row in history if "lr" in row]
    return pd.DataFrame(rows, columns=[n for n in names if rows and n in rows[0]])


def in_batches(net, dataset, function):
    """Yield ``function(module, **inputs)`` batch by batch, without gradients.

    On a CPU every batch is worked on by one thread, several side by side: rounding does
    not depend on their number, and none waits for the other.
    """
    module, on_cpu = net.module_.eval(), torch.device(net.device).type == "cpu"
    batch_size = 256
    if on_cpu:
        # Activations of so few stay in the cache: half the time of 256 at once.
        batch_size = min(max(CACHED_PIXELS // math.prod(module.grid_shape), 1), batch_size)
    parts = np.array_split(np.arange(len(dataset)), -(-len(dataset) // batch_size))

    def run(part):
        with (
            torch_threads(1 if on_cpu else None),
            torch.inference_mode(),
            autocast(net.device, net.dtype),
        ):
            return function(module, **dataset.batch(part)[0])

    n_jobs = min(torch.get_num_threads(), len(parts)) if on_cpu else 1
    parallel = Parallel(n_jobs, backend="threading", return_as="generator", batch_size=1)
    return parallel(delayed(run)(part) for part in parts)


def fused_features(module, **inputs):
    """Return the features of both streams, (n, n_features), for `in_batches`."""
    return module.forward_features(**inputs)[0].float()


def collect_attention(net, dataset):
    """Run all epochs, return logits (n_epochs, n_classes) and masks by name."""
    collected = {}
    for logits, masks in in_batches(
        net, dataset, lambda m, **inputs: m.forward_attention(**inputs)
    ):
        for name, part in {**masks, "": logits}.items():
            collected.setdefault(name, []).append(part.float().cpu().numpy())
    masks = {name: np.concatenate(parts) for name, parts in collected.items()}
    return masks.pop(""), masks
