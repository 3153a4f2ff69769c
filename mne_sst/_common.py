"""What all channels of an epoch share."""

#: Axes of (n_epochs, n_channels, n_points) over which channels have something in common.
COMMON_AXES = {"spectral": (1,), "temporal": (1, 2)}


def weaken_common(values, name, weight):
    """Weaken what all channels of an epoch share.

    Parameters
    ----------
    values : array | tensor, shape (n_epochs, n_channels, n_bands or n_times)
        Features.
    name : {"spectral", "temporal"}
        Which: DE has a mean over the channels in each band, the stack over time one in all.
    weight : float
        What the mean still counts; 1 changes nothing.
    """
    if weight == 1 or values.shape[2] == 0:
        return values
    return values - (1 - weight) * values.mean(COMMON_AXES[name], keepdims=True)
