"""Axes, limits and files that all figures share."""

import textwrap

import numpy as np

from .._checks import check_option
from .._io import replacing

#: One map for values that grow from zero, perceptually even and safe for the
#: colour blind; one for signed values.
SEQUENTIAL, DIVERGING = "viridis", "RdBu_r"
#: Colours of groups that the colour blind can tell apart (Okabe and Ito, 2008).
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#F0E442")


def save_figure(fig, fname, dpi=150):
    """Write a figure to a file, as a whole or not at all, and close it.

    Parameters
    ----------
    fig : Figure
        It cannot be shown afterwards.
    fname : path-like
        Its ending says the format.
    dpi : int
        Resolution of a picture.

    Examples
    --------
    >>> from mne_sst.viz import plot_scores, save_figure
    >>> fig = plot_scores({"network": [0.7, 0.8]}, "accuracy", show=False)
    >>> save_figure(fig, "scores.png")  # doctest: +SKIP
    """
    import matplotlib.pyplot as plt

    with replacing(fname) as temporary:
        fig.savefig(temporary, dpi=dpi)
    plt.close(fig)


def color_limits(values, vlim=None, signed=False):
    """Range of the values, where ``vlim`` leaves it open; symmetric where they are signed.

    ``"joint"``, as in MNE, leaves it open too: heads that are compared share it anyway.
    """
    if isinstance(vlim, str):
        check_option("vlim", vlim, ("joint",))
        vlim = None
    values = np.asarray(values, float)
    if not np.isfinite(values).any():
        raise ValueError("there is nothing to plot: no value is a finite number.")
    low, high = np.nanmin(values), np.nanmax(values)
    if signed:
        high = max(abs(low), abs(high))
        low = -high
    if vlim is not None:
        return low if vlim[0] is None else vlim[0], high if vlim[1] is None else vlim[1]
    # A head that is flat but for rounding in single precision still needs a scale.
    size = max(abs(low), abs(high))
    margin = 0.0 if high - low > 1e-5 * max(size, 1e-30) else (size or 1.0) * 0.01
    return low - margin, high + margin


def limits_beside(limits, options):
    """Limits for `mne.viz.plot_topomap`: none where a ``cnorm`` of the user has its own."""
    return (None, None) if options.get("cnorm") is not None else limits


def grid_of_axes(axes, n_rows, n_columns, width, height, left=0.0):
    """Return the figure and axes as an (n_rows, n_columns) array, made or checked.

    ``width`` and ``height`` of one are in inches, as is the margin to the ``left``.
    """
    if axes is None:
        import matplotlib.pyplot as plt

        size = (width * n_columns + 1.2 + left, height * n_rows + 0.3)
        fig, axes = plt.subplots(
            n_rows, n_columns, figsize=size, squeeze=False, layout="constrained"
        )
        # Titles of rows stand beside heads whose place the layout does not foresee.
        fig.get_layout_engine().set(rect=(left / size[0], 0, 1 - left / size[0], 1))
        return fig, axes
    axes = np.atleast_1d(np.asarray(axes, dtype=object)).ravel()
    if len(axes) != n_rows * n_columns:
        raise ValueError(
            f"axes must hold {n_rows * n_columns} Axes ({n_rows} rows of {n_columns}), got "
            f"{len(axes)}."
        )
    return axes[0].get_figure(root=True), axes.reshape(n_rows, n_columns)


def plain(text):
    """Text as it is: a pair of dollar signs would stand for mathematics."""
    return str(text).replace("$", r"\$")


def wrapped(text, width):
    """Text in lines of some width at most, as it is."""
    lines = [textwrap.fill(line, width) for line in plain(text).split("\n")]
    return "\n".join(lines)


def finished(fig, show):
    if show:
        import matplotlib.pyplot as plt

        plt.show()
    return fig
