"""Batches of features by index, and the split into training and validation part."""

import warnings

import numpy as np
import torch
from sklearn.model_selection import GroupShuffleSplit, StratifiedGroupKFold

from ._common import weaken_common


class FeatureDataset(torch.utils.data.Dataset):
    """Features, standardised as batches are taken, never copied as a whole.

    Parameters
    ----------
    features : EpochsFeatures
        Read only.
    targets : array of int, shape (n_epochs,) | None
        Class indices.
    scaling : dict of str -> (mean, scale)
        For ``"spectral"`` and ``"temporal"``, arrays that broadcast to an epoch.
    streams : tuple of str
        Which of the two stacks to give.
    rows : array of int | None
        Which epochs; None for all.
    device : torch.device
        Where batches go.
    resident : bool | None
        Whether to keep the features on the device as tensors; None does so
        everywhere but on the CPU.
    common_weight : float
        See `weaken_common`.
    """

    def __init__(
        self,
        features,
        targets,
        scaling,
        streams,
        rows=None,
        device="cpu",
        resident=None,
        common_weight=1.0,
    ):
        self.common_weight = common_weight
        self.rows = np.arange(len(features)) if rows is None else rows
        self.device = torch.device(device)
        self.resident = self.device.type != "cpu" if resident is None else resident
        self.targets = targets
        self.stacks = {}
        for name in streams:
            mean, scale = scaling[name]
            self.stacks[name] = (
                self._resident(getattr(features, name)),
                self._resident(mean.astype(np.float32)),
                self._resident((1 / scale).astype(np.float32)),
            )

    def _resident(self, array):
        # NumPy on the CPU: joblib hands over read-only memory maps, which torch refuses.
        if not self.resident:
            return array
        return torch.tensor(array, dtype=torch.float32, device=self.device)

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, index):
        return self.batch(np.atleast_1d(index))

    def batch(self, index):
        """Return inputs by name and class indices, for positions in this data set."""
        rows = self.rows[index]
        inputs = {}
        for name, (values, mean, factor) in self.stacks.items():
            if self.resident:
                rows = torch.as_tensor(rows, device=self.device)
            part = weaken_common(values[rows], name, self.common_weight)
            part = (part - mean) * factor
            if not self.resident:
                part = torch.from_numpy(part.astype(np.float32, copy=False))
            inputs[name] = part
        if self.targets is None:
            return inputs, torch.zeros(len(rows), dtype=torch.long, device=self.device)
        return inputs, torch.as_tensor(self.targets[rows], device=self.device)


class Batches:
    """Iterate over a data set in batches, in order or shuffled and mixed up.

    Batches of one pass differ by one epoch at most, so that none is too small
    for batch normalisation.

    Parameters
    ----------
    dataset : FeatureDataset
        What to iterate over.
    batch_size : int
        Largest batch.
    n_classes : int | None
        Targets become rows of class probabilities; None leaves class indices.
    shuffle : bool
        Whether to draw a new order in each pass.
    mixup : float
        Parameter of the beta distribution of mixup; 0 for none.
    noise : float
        Standard deviation of what is added to each electrode in each band; half of it is
        added to the temporal stack, for all its points alike.
    generator : numpy.random.Generator | None
        Draws order, mixtures and noise.

    References
    ----------
    Zhang et al. (2018). mixup: Beyond empirical risk minimization. ICLR.
    """

    def __init__(
        self,
        dataset,
        batch_size,
        n_classes=None,
        shuffle=False,
        mixup=0.0,
        noise=0.0,
        generator=None,
    ):
        self.dataset, self.batch_size, self.n_classes = dataset, batch_size, n_classes
        self.shuffle, self.mixup, self.noise, self.generator = shuffle, mixup, noise, generator

    def __len__(self):
        return -(-len(self.dataset) // self.batch_size)

    def __iter__(self):
        n = len(self.dataset)
        order = self.generator.permutation(n) if self.shuffle else np.arange(n)
        for index in np.array_split(order, len(self)):
            inputs, targets = self.dataset.batch(index)
            if self.n_classes is not None:
                targets = torch.nn.functional.one_hot(targets, self.n_classes).float()
            if self.mixup > 0:
                inputs, targets = self._mix(inputs, targets)
            if self.noise > 0:
                inputs = {name: self._disturb(x, name) for name, x in inputs.items()}
            yield inputs, targets

    def _mix(self, inputs, targets):
        share = float(self.generator.beta(self.mixup, self.mixup))
        other = torch.as_tensor(self.generator.permutation(len(targets)), device=targets.device)
        inputs = {k: torch.lerp(x[other], x, share) for k, x in inputs.items()}
        return inputs, torch.lerp(targets[other], targets, share)

    def _disturb(self, x, name):
        # The points of the temporal stack are averaged over: their own noise would vanish.
        share, points = (0.5, 1) if name == "temporal" else (1.0, x.shape[2])
        noise = self.generator.standard_normal((*x.shape[:2], points), dtype=np.float32)
        return x + share * self.noise * torch.from_numpy(noise).to(x.device)


def split_validation(targets, groups, fraction, seed):
    """Split epochs into a training and a validation part.

    With groups, whole groups are held out, classes in proportion; more than was asked for
    where fewer groups would not hold every class. Without, a run of successive epochs of each
    class, so that neighbours in a recording mostly stay together.

    Parameters
    ----------
    targets : array of int, shape (n_epochs,)
        Class indices.
    groups : array, shape (n_epochs,) | None
        What must stay together.
    fraction : float
        Share held out; 0 for none.
    seed : int
        Decides what is held out.

    Returns
    -------
    train, valid : array of int
        ``valid`` is empty where no part can be held out without losing a class.
    """
    rows = np.arange(len(targets))
    nothing = np.empty(0, dtype=int)
    if fraction == 0:
        return rows, nothing
    if groups is None:
        valid = _runs_of_classes(targets, fraction, np.random.default_rng(seed))
        train = np.setdiff1d(rows, valid)
        return train, valid
    n_classes, best, found = len(np.unique(targets)), 1, None
    for train, valid in _group_splits(targets, groups, fraction, seed):
        n_held = len(np.unique(targets[valid]))
        if len(np.unique(targets[train])) < n_classes or n_held <= best:
            continue
        best, found = n_held, (train, valid)
        if n_held == n_classes:
            break
    if found is not None:
        return found
    warnings.warn(
        "groups leave no way to hold out whole groups of several classes for validation and keep "
        f"every class in training ({len(np.unique(groups))} groups); training runs for max_epochs "
        "without early stopping. Use finer groups, or validation_fraction=0 to silence this.",
        RuntimeWarning,
        stacklevel=3,
    )
    return rows, nothing


def _group_splits(targets, groups, fraction, seed):
    """Candidate splits by whole groups, those with the classes in proportion first."""
    n_groups = len(np.unique(groups))
    if n_groups < 2:
        return
    counts = np.bincount(targets)
    # Groups of one class each: a smaller number of larger parts holds all of them.
    for n_splits in range(int(np.clip(round(1 / fraction), 2, n_groups)), 1, -1):
        if n_splits > counts.max():
            continue
        # Classes too small to be in every part count as the largest one: scikit-learn
        # warns of them, and the filters that could silence it are those of all threads.
        strata = np.where(counts[targets] < n_splits, counts.argmax(), targets)
        folds = StratifiedGroupKFold(n_splits, shuffle=True, random_state=seed)
        for train, valid in folds.split(targets, strata, groups):
            if len(valid):
                yield train, valid
    yield from GroupShuffleSplit(10, test_size=fraction, random_state=seed).split(
        targets, targets, groups
    )


def _runs_of_classes(targets, fraction, rng):
    valid = []
    for value in np.unique(targets):
        members = np.flatnonzero(targets == value)
        n_held = min(round(fraction * len(members)), len(members) - 1)
        start = rng.integers(len(members))
        valid.append(np.roll(members, -start)[:n_held])
    return np.sort(np.concatenate(valid))
