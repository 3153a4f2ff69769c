"""Running statistics of batch normalisation, once weights stand still."""

import numpy as np
import torch

from ._batches import Batches
from ._device import autocast, torch_threads


def norms_of(module):
    """All batch normalisations of a network, in order."""
    return [m for m in module.modules() if isinstance(m, torch.nn.BatchNorm2d)]


def statistics_of(module):
    """Copies of the running means and variances, for `settle_norms`."""
    return [(m.running_mean.clone(), m.running_var.clone()) for m in norms_of(module)]


@torch.no_grad()
def settle_norms(net, dataset, start=None):
    """Set the running statistics to those of the training part under the final weights.

    While weights move, and under mixup and noise, running averages lag behind or belong
    to other inputs. One pass in batches as in training, without gradients.

    Parameters
    ----------
    net : SSTNet
        Changed in place.
    dataset : FeatureDataset
        The training part.
    start : list | None
        `statistics_of` a network that was trained on more than this: they are moved
        towards the new batches by the network's momentum. None takes the plain average.
    """
    module = net.module_.eval()
    norms = norms_of(module)
    if not norms:
        return
    for i, norm in enumerate(norms):
        norm.train()
        if start is None:
            norm.reset_running_stats()
            # None stands for the plain average over all batches.
            norm.momentum = None
        else:
            norm.running_mean.copy_(start[i][0])
            norm.running_var.copy_(start[i][1])
    # In mixed order: recordings often come sorted by class.
    order = Batches(dataset, net.batch_size, shuffle=True, generator=np.random.default_rng(0))
    with torch_threads(net.n_threads), autocast(net.device, net.dtype):
        for inputs, _ in order:
            module.forward_features(**inputs)
    for norm in norms:
        norm.momentum = module.norm_momentum
    module.eval()
