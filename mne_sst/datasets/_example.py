"""A few recordings to try things on: real ones where they are, else simulated ones."""

from .._checks import check_number
from .._inputs import set_metadata
from ._eegmat import fetch_eegmat
from ._registry import SETS
from ._simulate import simulate_emotion


def example_epochs(n_subjects=4, *, path=None):
    """Read a few subjects of EEGMAT, or simulate emotions where there are none.

    Parameters
    ----------
    n_subjects : int
        How many, at least 1.
    path : path-like | None
        Folder of EEGMAT; None for ``eegmat`` in MNE's data folder. Nothing is downloaded.

    Returns
    -------
    epochs : Epochs
        Metadata columns ``subject, session, trial, state``: rest and arithmetic in windows
        of 2 s, or three simulated emotions in windows of 1 s.
    about : str
        Which of the two it is.

    Examples
    --------
    >>> from mne_sst.datasets import example_epochs
    >>> epochs, about = example_epochs(n_subjects=2, path="nowhere")
    >>> about
    'Simulated emotions, 2 subjects (EEGMAT is not in the data folder)'
    """
    n_subjects = check_number("n_subjects", n_subjects, 1, integer=True)
    there = SETS["eegmat"].subjects(path)
    if len(there) >= n_subjects:
        epochs = fetch_eegmat(
            there[:n_subjects], path=SETS["eegmat"].where(path), last=60.0, verbose=False
        )
        return epochs, f"EEGMAT, {n_subjects} subjects: rest against mental arithmetic"
    epochs = simulate_emotion(n_subjects, n_trials=6, n_windows=10, effect=1.5)
    set_metadata(epochs, epochs.metadata.assign(state=epochs.metadata["emotion"]))
    return epochs, f"Simulated emotions, {n_subjects} subjects (EEGMAT is not in the data folder)"
