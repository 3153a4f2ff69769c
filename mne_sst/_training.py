"""The skorch net: training with early stopping, running a network."""

import math
import warnings

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

#: A pass over a small set has this many batches, unless they would be smaller.
MIN_BATCHES, SMALL_BATCH = 8, 16
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

    def fit_loop(self, *args, **kwargs):
        """Train, on the number of threads that was asked for."""
        with torch_threads(self.n_threads):
            return super().fit_loop(*args, **kwargs)

    def train_step_single(self, batch, **fit_params):
        """Losses and gradients of a batch; members of a committee learn one after the other."""
        if not isinstance(self.module_, Committee):
            return super().train_step_single(batch, **fit_params)
        self._set_training(True)
        inputs, targets = batch
        inputs, losses, outputs = to_tensor(inputs, self.device), [], []
        for member in self.module_.members:
            with autocast(self.device, self.dtype):
                outputs.append(member(**inputs, **fit_params).float())
            losses.append(self.get_loss(outputs[-1], targets, X=inputs, training=True))
            losses[-1].backward()
        return {"loss": torch.stack(losses).detach().mean(), "y_pred": outputs[0].detach()}

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


def draw_from(module, generator):
    """Let dropout, and what else is drawn, come from a generator; None for the global one."""
    for part in module.modules():
        if isinstance(part, SeededDropout):
            part.generator = generator


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
    max_epochs = int(settings.max_epochs)
    batch_size = min(int(settings.batch_size), max(n_windows // MIN_BATCHES, SMALL_BATCH))
    n_batches = -(-n_windows // batch_size)
    callbacks = [("progress", FitProgress(settings.verbose))]
    if settings.lr_schedule == "onecycle":
        schedule = LRScheduler(
            policy=OneCycleLR,
            step_every="batch",
            max_lr=settings.lr,
            total_steps=max(max_epochs * n_batches, 2),
        )
        callbacks.append(("schedule", schedule))
    for i, callback in enumerate(settings.callbacks or []):
        callbacks.append(callback if isinstance(callback, tuple) else (f"user{i}", callback))
    draw_from(module, torch.Generator(device).manual_seed(seed))
    if class_weights is not None:
        class_weights = torch.as_tensor(class_weights, dtype=torch.float32)
    net = SSTNet(
        module,
        criterion=torch.nn.CrossEntropyLoss,
        criterion__weight=class_weights,
        criterion__label_smoothing=settings.label_smoothing,
        optimizer=torch.optim.AdamW,
        optimizer__weight_decay=settings.weight_decay,
        # Scales and offsets are not decayed.
        optimizer__param_groups=[
            ("*norm*", {"weight_decay": 0.0}),
            ("*bias", {"weight_decay": 0.0}),
        ],
        lr=settings.lr,
        max_epochs=max_epochs,
        batch_size=batch_size,
        iterator_train=Batches,
        iterator_train__shuffle=True,
        iterator_train__mixup=settings.mixup,
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
    net.partial_fit(dataset)
    net.callbacks_ = usual
    net.set_params(train_split=None)
    draw_from(net.module_, None)
    settle_norms(net, dataset)
    net.module_.eval()
    history = history_table(net.history)
    # A callback stops between two passes, Ctrl-C within one.
    if len(history) < len(net.history):
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
    return history


@torch.no_grad()
def settle_norms(net, dataset):
    """Set the running statistics to those of the training part under the final weights.

    While weights move, and under mixup, running averages lag behind or belong to
    narrower inputs. One pass in batches as in training, without gradients.

    Parameters
    ----------
    net : SSTNet
        Changed in place.
    dataset : FeatureDataset
        The training part.
    """
    module = net.module_.eval()
    norms = [m for m in module.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    if not norms:
        return
    for norm in norms:
        norm.train()
        norm.reset_running_stats()
        # None stands for the plain average over all batches.
        norm.momentum = None
    # In mixed order: recordings often come sorted by class.
    order = Batches(dataset, net.batch_size, shuffle=True, generator=np.random.default_rng(0))
    with torch_threads(net.n_threads), autocast(net.device, net.dtype):
        for inputs, _ in order:
            module.forward_features(**inputs)
    for norm in norms:
        norm.momentum = module.norm_momentum
    module.eval()


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
    generator = torch.Generator(net.device).manual_seed(seed + len(net.history))
    draw_from(net.module_, generator)
    net.partial_fit(dataset, epochs=1)
    draw_from(net.module_, None)
    net.module_.eval()


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
