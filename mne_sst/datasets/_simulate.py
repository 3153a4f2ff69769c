"""Simulated emotions in 62-channel EEG, through MNE's spherical head model."""

import warnings

import mne
import numpy as np
import pandas as pd
from scipy import fft

from .._checks import check_number
from .._montage import place
from ..grid import LAYOUT

#: Emotion -> event code.
EMOTIONS = {"negative": 1, "neutral": 2, "positive": 3}

#: Emotion -> (fmin, fmax) in Hz, and its sources: name -> place, as a direction
#: from the head's centre (x right, y front, z up). Where alpha is high the cortex
#: is less active: in a negative emotion that is left frontal against right.
EFFECTS = {
    "positive": (
        (31.0, 50.0),
        {"left temporal": (-0.95, 0.1, 0.1), "right temporal": (0.95, 0.1, 0.1)},
    ),
    "negative": ((8.0, 14.0), {"left frontal": (-0.5, 0.75, 0.45)}),
    "neutral": (
        (8.0, 14.0),
        {"left occipital": (-0.3, -0.9, 0.25), "right occipital": (0.3, -0.9, 0.25)},
    ),
}
#: Rhythms that are there in all emotions alike, so that rest is symmetric.
_RESTING = {"right frontal": ((8.0, 14.0), (0.5, 0.75, 0.45))}
_BRAIN_RADIUS = 0.07
_N_BACKGROUND = 120
#: Strength of a rhythm by its band, root mean square over the head, V.
_RHYTHM = {(31.0, 50.0): 1.2e-6, (8.0, 14.0): 3e-6}


def simulate_emotion(
    n_subjects=3,
    n_sessions=1,
    n_trials=15,
    n_windows=20,
    *,
    sfreq=200.0,
    effect=1.0,
    seed=0,
):
    """Simulate EEG during three emotions.

    Pink noise of many cortical dipoles everywhere; in a positive trial gamma of
    both temporal lobes rises, in a negative one alpha of the left frontal lobe
    (frontal asymmetry), in a neutral one alpha of the occipital lobes. Subjects
    differ in the strength of everything, and trials in theirs, so that windows
    of one trial resemble each other more than those of another: an evaluation
    that shuffles windows looks better than it is.

    Parameters
    ----------
    n_subjects, n_sessions, n_trials, n_windows : int
        Subjects, sessions of each, trials in a session (the emotions in turn,
        in an order of chance), 1 s windows in a trial.
    sfreq : float
        Sampling rate in Hz.
    effect : float
        Strength of the emotion's sources; 0 for none.
    seed : int
        Same seed, same data.

    Returns
    -------
    epochs : mne.EpochsArray
        62 channels of the 10-10 system, volts; metadata columns ``subject,
        session, trial, label, emotion``. Event codes are 1 negative, 2 neutral, 3
        positive.

    Examples
    --------
    >>> from mne_sst.datasets import simulate_emotion
    >>> epochs = simulate_emotion(n_subjects=1, n_trials=3, n_windows=2)
    >>> epochs.get_data(copy=False).shape
    (6, 62, 200)
    """
    counts = dict(
        n_subjects=n_subjects, n_sessions=n_sessions, n_trials=n_trials, n_windows=n_windows
    )
    for name, value in counts.items():
        check_number(name, value, 1, integer=True)
    sfreq = check_number("sfreq", sfreq, 100)
    effect = check_number("effect", effect, 0)
    seed = check_number("seed", seed, 0, integer=True)
    info = seed_info(sfreq)
    lead_fields = _lead_fields(info)
    rows, signals = [], []
    # One stream of chance for each subject: more subjects leave the first as they were.
    for subject, child in enumerate(np.random.SeedSequence(seed).spawn(n_subjects), start=1):
        rng = np.random.default_rng(child)
        traits = {name: rng.lognormal(0, 0.15) for name in EMOTIONS}
        for session in range(1, n_sessions + 1):
            order = rng.permutation(np.resize(list(EMOTIONS), n_trials))
            for trial, emotion in enumerate(order, start=1):
                signals.append(_trial(rng, lead_fields, emotion, traits, effect, n_windows, sfreq))
                rows += [(subject, session, trial, EMOTIONS[emotion], emotion)] * n_windows
    table = pd.DataFrame(rows, columns=["subject", "session", "trial", "label", "emotion"])
    n_samples = int(sfreq)
    events = np.stack(
        [np.arange(len(table)) * n_samples, np.zeros(len(table), int), table["label"]], axis=1
    )
    present = {name: code for name, code in EMOTIONS.items() if (table["label"] == code).any()}
    return mne.EpochsArray(
        np.concatenate(signals), info, events, event_id=present, metadata=table, verbose="ERROR"
    )


def seed_info(sfreq):
    """Info of the 62 channels of the SEED recordings, with positions."""
    names = [name for row in LAYOUT for name in row if name is not None]
    info = mne.create_info(names, sfreq, "eeg")
    return place(info)


def _lead_fields(info):
    """Lead fields, (n_channels,) for each emotion's sources, and those of the background."""
    directions = [d for _, sources in EFFECTS.values() for d in sources.values()]
    directions += [d for _, d in _RESTING.values()]
    # Evenly over the upper half of the brain: a golden spiral.
    i = np.arange(_N_BACKGROUND)
    z, turn = i / _N_BACKGROUND, i * np.pi * (3 - np.sqrt(5))
    r = np.sqrt(1 - z**2)
    background = np.stack([r * np.cos(turn), r * np.sin(turn), z], axis=1)
    normals = np.concatenate([np.array(directions), background])
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    sphere = mne.make_sphere_model((0.0, 0.0, 0.04), 0.09, verbose="ERROR")
    pos = {"rr": np.array([0, 0, 0.04]) + _BRAIN_RADIUS * normals, "nn": normals}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        src = mne.setup_volume_source_space(pos=pos, sphere_units="m", verbose="ERROR")
        forward = mne.make_forward_solution(
            info, trans=None, src=src, bem=sphere, meg=False, eeg=True, mindist=0, verbose="ERROR"
        )
    forward = mne.convert_forward_solution(forward, force_fixed=True, verbose="ERROR")
    gain = forward["sol"]["data"]
    gain = (gain - gain.mean(axis=0)) / np.linalg.norm(gain, axis=0)
    columns = iter(gain.T)
    fields = {
        emotion: [(band, next(columns)) for _ in sources]
        for emotion, (band, sources) in EFFECTS.items()
    }
    fields["rest"] = [(band, next(columns)) for band, _ in _RESTING.values()]
    return fields, gain[:, len(directions) :]


def _trial(rng, lead_fields, emotion, traits, effect, n_windows, sfreq):
    """Windows of one trial, shape (n_windows, n_channels, n_samples), V."""
    fields, background = lead_fields
    n_samples = int(sfreq)
    n = n_windows * n_samples
    # The mixture of sources changes from trial to trial and a little within it.
    strength = rng.lognormal(0, 0.5, background.shape[1])
    signal = (background * strength) @ _noise(rng, background.shape[1], n, sfreq, None)
    signal *= 8e-6 / signal.std()
    norm = np.sqrt(len(signal))
    for name, sources in fields.items():
        # Resting rhythms wax and wane from trial to trial; an emotion raises its own.
        raised = effect * traits[name] * rng.lognormal(0, 0.4) if name == emotion else 0.0
        for band, field in sources:
            level = (rng.lognormal(-0.5, 0.35) + 0.8 * raised) * _RHYTHM[band] * norm
            signal += level * np.outer(field, _noise(rng, 1, n, sfreq, band)[0])
    signal += 0.5e-6 * rng.standard_normal(signal.shape)
    return signal.reshape(len(signal), n_windows, n_samples).transpose(1, 0, 2)


def _noise(rng, n_signals, n_samples, sfreq, band):
    """Gaussian noise of unit variance: pink above 0.5 Hz, or white in a band."""
    freqs = fft.rfftfreq(n_samples, 1 / sfreq)
    if band is None:
        shape = np.where(freqs >= 0.5, 1 / np.sqrt(np.maximum(freqs, 0.5)), 0)
    else:
        shape = ((freqs >= band[0]) & (freqs < band[1])).astype(float)
    spectrum = fft.rfft(rng.standard_normal((n_signals, n_samples)), axis=1) * shape
    noise = fft.irfft(spectrum, n_samples, axis=1)
    return noise / noise.std(axis=1, keepdims=True)
