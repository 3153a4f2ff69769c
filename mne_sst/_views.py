"""Activations (n, depth, height, width, filters) seen as 2-D channels-last images."""


def as_maps(x):
    """View (n, depth, height, width, filters) as n * depth maps for 2-D layers."""
    return x.flatten(0, 1).permute(0, 3, 1, 2)


def from_maps(maps, depth):
    """Undo `as_maps`."""
    return maps.permute(0, 2, 3, 1).unflatten(0, (-1, depth))


def as_columns(x):
    """View (n, depth, height, width, filters) as n images of depth by height * width."""
    return x.flatten(2, 3).permute(0, 3, 1, 2)


def from_columns(columns, size):
    """Undo `as_columns`, for maps of this (height, width)."""
    return columns.permute(0, 2, 3, 1).unflatten(2, size)
