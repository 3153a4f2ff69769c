"""A few networks that are trained side by side and asked together."""

import torch
from torch import nn


class Committee(nn.Module):
    """Networks of the same kind, whose probabilities are averaged [1]_.

    Each member is trained by itself, on the same batches: only its first weights and its
    dropout are its own. What their mistakes do not share is averaged out.

    Parameters
    ----------
    members : list of SSTEmotionNet
        At least one.

    References
    ----------
    .. [1] Lakshminarayanan et al. (2017). Simple and scalable predictive uncertainty
           estimation using deep ensembles. NeurIPS, 30.
    """

    def __init__(self, members):
        super().__init__()
        self.members = nn.ModuleList(members)

    @property
    def streams(self):
        """Streams, the same in all members."""
        return self.members[0].streams

    @property
    def grid_shape(self):
        """Height and width of the maps."""
        return self.members[0].grid_shape

    @property
    def norm_momentum(self):
        """Of the running statistics."""
        return self.members[0].norm_momentum

    def forward(self, spectral=None, temporal=None):
        """Classify.

        Parameters
        ----------
        spectral, temporal : tensor | None
            As of `SSTEmotionNet`.

        Returns
        -------
        logits : tensor, shape (n, n_outputs)
            Logarithms of the mean probabilities.
        """
        return self.forward_attention(spectral, temporal)[0]

    def forward_features(self, spectral=None, temporal=None):
        """Features of all members side by side, and the masks of each.

        Parameters
        ----------
        spectral, temporal : tensor | None
            As of `SSTEmotionNet`.

        Returns
        -------
        features : tensor, shape (n, n_members * n_features)
        masks : list of dict
        """
        found = [member.forward_features(spectral, temporal) for member in self.members]
        return torch.cat([features for features, _ in found], dim=1), [m for _, m in found]

    def forward_attention(self, spectral=None, temporal=None):
        """Classify, and return the mean masks as well.

        Parameters
        ----------
        spectral, temporal : tensor | None
            As of `SSTEmotionNet`.

        Returns
        -------
        logits : tensor, shape (n, n_outputs)
            Logarithms of the mean probabilities.
        masks : dict
            Name -> mean over the members.
        """
        found = [member.forward_attention(spectral, temporal) for member in self.members]
        probabilities = torch.stack([torch.softmax(logits.float(), 1) for logits, _ in found])
        masks = {
            name: torch.stack([masks[name].float() for _, masks in found]).mean(0)
            for name in found[0][1]
        }
        return probabilities.mean(0).clamp_min(1e-30).log(), masks
