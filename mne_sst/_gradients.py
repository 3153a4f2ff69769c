"""Attributions of a network's decisions: the computing part."""

import importlib.util
import warnings

import numpy as np
import torch

from ._checks import progress

#: Windows that are worked on at once.
_BATCH = 64
#: Points on the way from the baseline, to begin with and at most.
_STEPS, _MOST_STEPS = 64, 8192
#: What completeness may miss, as a share of the change in log odds or in nats, whichever
#: is larger.
TOLERANCE = 1e-3


def log_odds(module, names, targets, *stacks):
    """Log odds of a class for each epoch, from the inputs in a row.

    Parameters
    ----------
    module : SSTEmotionNet | Committee
        In evaluation mode.
    names : list of str
        Names of the stacks.
    targets : tensor of int, shape (n,)
        Class indices.
    *stacks : tensor, shape (n, n_channels, depth)
        Scaled features.

    Returns
    -------
    odds : tensor, shape (n,)
    """
    logits = module(**dict(zip(names, stacks, strict=True))).float()
    own = logits.gather(1, targets[:, None])[:, 0]
    hidden = torch.zeros_like(logits).scatter(1, targets[:, None], -torch.inf)
    return own - torch.logsumexp(logits + hidden, dim=1)


class Explainer:
    """Attributions of a network for batches of inputs.

    Parameters
    ----------
    module : SSTEmotionNet | Committee
        The network.
    dataset : FeatureDataset
        What to explain.
    targets : array of int, shape (n_epochs,)
        Class indices.
    baseline : dict of str -> tensor, shape (n_channels, depth) | None
        Scaled features to start from; None for the mean of the training data.
    verbose : bool | None
        Whether to show progress.
    """

    def __init__(self, module, dataset, targets, baseline=None, verbose=None):
        self.module, self.dataset, self.verbose = module.eval(), dataset, verbose
        self.targets, self.baseline = targets, baseline
        self.names = list(dataset.stacks)

    def run(self, method):
        """Attribute all epochs.

        Parameters
        ----------
        method : {"integrated_gradients", "gradient", "occlusion"}
            How.

        Returns
        -------
        values : dict of str -> array, shape (n_epochs, n_channels, depth)
        odds, base_odds : array, shape (n_epochs,)
        """
        function = getattr(self, f"_{method}")
        n = len(self.dataset)
        parts = np.array_split(np.arange(n), -(-n // _BATCH))
        found, odds, base = [], [], []
        with progress(len(parts), "Attribution", self.verbose) as bar:
            for part in parts:
                inputs, _ = self.dataset.batch(part)
                stacks = tuple(inputs[name].float() for name in self.names)
                start = tuple(
                    self._start(name, x) for name, x in zip(self.names, stacks, strict=True)
                )
                targets = torch.as_tensor(self.targets[part], device=stacks[0].device)
                with torch.no_grad():
                    odds.append(self._odds(targets, *stacks))
                    base.append(self._odds(targets, *start))
                found.append(function(stacks, start, targets, odds[-1] - base[-1]))
                bar.update(1)
        values = {
            name: torch.cat([f[i] for f in found]).cpu().numpy()
            for i, name in enumerate(self.names)
        }
        return values, torch.cat(odds).cpu().numpy(), torch.cat(base).cpu().numpy()

    def _start(self, name, x):
        if self.baseline is None:
            return torch.zeros_like(x)
        return self.baseline[name].to(x).expand_as(x).contiguous()

    def _odds(self, targets, *stacks):
        return log_odds(self.module, self.names, targets, *stacks)

    def _gradient(self, stacks, start, targets, change):
        stacks = tuple(x.clone().requires_grad_() for x in stacks)
        total = self._odds(targets, *stacks).sum()
        return torch.autograd.grad(total, stacks)

    def _integrated_gradients(self, stacks, start, targets, change):
        """Integrated gradients, with more points for epochs whose sum is not yet right."""
        method, n_steps = _captum(self._forward), _STEPS
        values = tuple(torch.zeros_like(x) for x in stacks)
        left = torch.arange(len(targets), device=targets.device)
        while len(left) and n_steps <= _MOST_STEPS:
            part = method.attribute(
                tuple(x[left] for x in stacks),
                tuple(x[left] for x in start),
                additional_forward_args=(targets[left],),
                method="riemann_middle",  # the gradient of a ReLU jumps: higher orders do not help
                n_steps=n_steps,
                internal_batch_size=max(_BATCH * 4, len(left)),
            )
            for all_values, some in zip(values, part, strict=True):
                all_values[left] = some.detach().to(all_values.dtype)
            miss = (sum(v[left].flatten(1).sum(1) for v in values) - change[left]).abs()
            left = left[miss > TOLERANCE * change[left].abs().clamp_min(1.0)]
            n_steps *= 2
        if len(left):
            warnings.warn(
                f"integrated gradients of {len(left)} of {len(targets)} epochs do not sum to the "
                f"change in log odds within {TOLERANCE} after {_MOST_STEPS} steps; see "
                "attribution.completeness.",
                RuntimeWarning,
                stacklevel=4,
            )
        return values

    def _forward(self, *args):
        *stacks, targets = args
        return self._odds(targets, *stacks)

    @torch.no_grad()
    def _occlusion(self, stacks, start, targets, change):
        """What is lost where one value is replaced by that of the baseline."""
        values = tuple(torch.zeros_like(x) for x in stacks)
        for row in range(len(targets)):
            own = [x[row : row + 1] for x in stacks]
            whole = self._odds(targets[row : row + 1], *own)
            for i, x in enumerate(own):
                n_values = x[0].numel()
                parts = torch.arange(n_values, device=x.device).split(4 * _BATCH)
                for part in parts:
                    without = x.expand(len(part), *x.shape[1:]).flatten(1).clone()
                    blank = start[i][row].flatten()[part]
                    without.scatter_(1, part[:, None], blank[:, None])
                    stack = [y.expand(len(part), *y.shape[1:]) for y in own]
                    stack[i] = without.view(len(part), *x.shape[1:])
                    odds = self._odds(targets[row].expand(len(part)), *stack)
                    values[i][row].view(-1)[part] = whole - odds
        return values


def _captum(function):
    if importlib.util.find_spec("captum") is None:
        raise ImportError(
            "method='integrated_gradients' needs captum: pip install captum. "
            "method='gradient' and 'occlusion' do without."
        )
    from captum.attr import IntegratedGradients

    return IntegratedGradients(function, multiply_by_inputs=True)
