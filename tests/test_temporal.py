import numpy as np
import pytest

from mne_sst.features._temporal import clip_matrix, clip_start, log_power

SFREQ = 200.0


def sine(freq, n_samples=200, sfreq=SFREQ, phase=0.3):
    return np.sin(2 * np.pi * freq * np.arange(n_samples) / sfreq + phase)


def clip_times(n_samples, rate, n_times, position="center"):
    """Moments of a clip's points, in seconds from the first sample."""
    start = clip_start(position, n_samples / SFREQ, n_times / rate, SFREQ)
    return start + (np.arange(n_times) + 0.5) / rate - 0.5 / SFREQ


@pytest.mark.parametrize(
    ("position", "n_times", "first"),
    [
        ("start", 25, 0),
        ("end", 25, 175),
        ("center", 24, 88),
        # An odd number to spare: one more on either side, but whole samples all the same.
        ("center", 25, (87, 88)),
        (0.05, 25, 10),
        ("start", 200, 0),
    ],
)
def test_at_the_rate_of_the_recording_points_are_samples(rng, position, n_times, first):
    x = rng.standard_normal((3, 200)) + 5.0
    clip = x @ clip_matrix(SFREQ, 200, SFREQ, n_times, position)
    centred = x - x.mean(axis=1, keepdims=True)
    errors = [np.abs(clip - centred[:, i : i + n_times]).max() for i in np.atleast_1d(first)]
    # A sum of a hundred terms, of which one is not zero.
    assert min(errors) < 1e-12


@pytest.mark.parametrize("rate", [50.0, 125.0, 200.0, 300.0])
@pytest.mark.parametrize("position", ["start", "center", "end"])
def test_constant_becomes_zero(rate, position):
    clip = np.full(200, 0.3) @ clip_matrix(SFREQ, 200, rate, 20, position)
    np.testing.assert_allclose(clip, 0, atol=1e-14)


def test_window_mean_is_removed_not_that_of_the_clip():
    x = np.zeros(200)
    x[:100] = 1.0
    clip = x @ clip_matrix(SFREQ, 200, 100.0, 20, "start")
    # Twenty points at 100 Hz, all but the last far from the step.
    np.testing.assert_allclose(clip[:10], 0.5, atol=1e-3)


# The band of the clip ends at 25 or 62.5 Hz; the kernel's slope is 0.125 of the rate wide
# around 0.45 of it, so that the rest lies past 0.6.
@pytest.mark.parametrize(
    ("rate", "freq"), [(50.0, 30.0), (50.0, 45.0), (50.0, 95.0), (125.0, 76.0), (125.0, 99.0)]
)
def test_frequencies_above_the_new_nyquist_vanish(rate, freq):
    matrix = clip_matrix(SFREQ, 1000, rate, 100)
    # The samples alone would fold it down at full strength.
    assert np.abs(sine(freq, 1000) @ matrix).max() < 0.01


@pytest.mark.parametrize("rate", [50.0, 125.0, 300.0])
@pytest.mark.parametrize("share", [0.05, 0.2, 0.35])
def test_frequencies_well_below_pass(rate, share):
    freq = share * min(rate, SFREQ)
    window = sine(freq, 1000)
    clip = window @ clip_matrix(SFREQ, 1000, rate, 100)
    expected = np.sin(2 * np.pi * freq * clip_times(1000, rate, 100) + 0.3) - window.mean()
    # Ripple in the pass band of a sinc under a Hann window: below 1 %.
    np.testing.assert_allclose(clip, expected, rtol=0, atol=0.01)


@pytest.mark.parametrize(
    ("position", "start"), [("start", 0.0), ("center", 0.4), ("end", 0.8), (0.25, 0.25), (0, 0)]
)
def test_positions(position, start):
    assert clip_start(position, 1.0, 0.2) == pytest.approx(start, abs=1e-12)
    # A ramp is read at the moments where the clip's points lie.
    ramp = np.arange(200) / SFREQ
    clip = ramp @ clip_matrix(SFREQ, 200, 100.0, 20, position) + ramp.mean()
    expected = start + (np.arange(20) + 0.5) / 100 - 0.5 / SFREQ
    inside = (expected > 0.08) & (expected < 0.92)  # half a kernel from the mirrored ends
    assert inside.sum() >= 10
    np.testing.assert_allclose(clip[inside], expected[inside], rtol=0, atol=1e-3)


@pytest.mark.parametrize("n_times", [10, 25, 200])
def test_without_a_rate_it_spans_the_window(n_times):
    spanning = clip_matrix(SFREQ, 200, None, n_times)
    np.testing.assert_array_equal(spanning, clip_matrix(SFREQ, 200, float(n_times), n_times))
    # Each point looks at the middle of its part; next to the ends the mirror shifts it.
    centre = np.abs(spanning + 1 / 200).argmax(axis=0)
    middle = (np.arange(n_times) + 0.5) * 200 / n_times - 0.5
    np.testing.assert_allclose(centre[3:-3], middle[3:-3], rtol=0, atol=0.51)


def test_clip_may_fill_the_window_exactly():
    # 25 points at 125 Hz in 0.2 s: rounding must not refuse it.
    assert clip_matrix(SFREQ, 40, 125.0, 25).shape == (40, 25)
    assert clip_start(1 / 3, 1.0, 2 / 3) == pytest.approx(1 / 3)


@pytest.mark.parametrize(
    ("n_times", "position", "match"),
    [
        (126, "center", r"n_times and temporal_sfreq ask for a clip of 1.008 s.* 1 s long"),
        (126, 0.0, r"temporal_sfreq=None to span"),
        (25, 0.81, r"temporal_position=0.81 s puts a clip of 0.2 s outside.*\[0, 0.8\]"),
        (25, -0.1, r"temporal_position must lie in \[0, inf\], got -0.1"),
        (25, np.nan, r"temporal_position must be finite"),
        (25, "middle", r"temporal_position must be one of 'start', 'center', 'end'"),
    ],
)
def test_clip_outside_the_window(n_times, position, match):
    with pytest.raises(ValueError, match=match):
        clip_matrix(SFREQ, 200, 125.0, n_times, position)


@pytest.mark.parametrize("position", [None, [0.1]])
def test_position_of_another_kind_is_named(position):
    with pytest.raises((TypeError, ValueError), match="temporal_position"):
        clip_matrix(SFREQ, 200, 125.0, 25, position)


# Sub-windows at the ends see the mirror, which breaks the phase of a sine.
INSIDE = slice(3, -3)


@pytest.mark.parametrize("freq", [10.0, 20.0, 40.0])
@pytest.mark.parametrize("amplitude", [1e-6, 2e-5])
def test_power_of_a_sine(freq, amplitude):
    power = log_power(amplitude * sine(freq, 800), SFREQ, (4.0, 50.0), 25)
    # Half the squared amplitude, in square microvolts; what the mirror adds falls off
    # to 0.2 % three sub-windows in.
    expected = np.log((amplitude * 1e6) ** 2 / 2)
    np.testing.assert_allclose(power[INSIDE], expected, rtol=0, atol=0.005)


def test_power_has_no_phase():
    phases = np.linspace(0, np.pi, 7)
    power = np.stack(
        [log_power(1e-5 * sine(10.0, 800, phase=p), SFREQ, (4.0, 50.0), 100) for p in phases]
    )
    # A sub-window of 40 ms holds less than half a cycle: the log of the squared signal
    # itself swings by 0.4 at least. A second away from the mirror at either end.
    assert np.ptp(power[:, 25:-25], axis=0).max() < 0.02


def test_power_follows_an_amplitude_step():
    x = 1e-5 * sine(20.0, 800) * np.repeat([1.0, 4.0], 400)
    power = log_power(x, SFREQ, (4.0, 50.0), 40)
    # 0.1 s a sub-window; a band of 46 Hz follows within one or two.
    np.testing.assert_allclose(power[3:17], np.log(50.0), rtol=0, atol=0.1)
    np.testing.assert_allclose(power[23:-3], np.log(50.0 * 16), rtol=0, atol=0.1)


@pytest.mark.parametrize(
    ("band", "sees"), [((8.0, 14.0), "slow"), ((31.0, 50.0), "fast"), ((4.0, 50.0), "both")]
)
def test_power_band(band, sees):
    slow, fast = 3e-5 * sine(10.0, 800), 1e-5 * sine(40.0, 800)
    power = log_power(slow + fast, SFREQ, band, 10)
    expected = np.log({"slow": 450.0, "fast": 50.0, "both": 500.0}[sees])
    # Sub-windows of 0.4 s hold whole cycles of their beat, except at the ends.
    np.testing.assert_allclose(power[1:-1], expected, rtol=0, atol=0.03)


def test_power_is_that_of_equal_parts(rng):
    # Means over fine parts, joined, are the means over coarse ones, though 7 does not
    # divide 200 samples.
    x = 1e-5 * rng.standard_normal((3, 200))
    fine = np.exp(log_power(x, SFREQ, (4.0, 50.0), 21)).reshape(3, 7, 3).mean(axis=-1)
    np.testing.assert_allclose(fine, np.exp(log_power(x, SFREQ, (4.0, 50.0), 7)), rtol=1e-12)


def test_power_of_noise_by_bandwidth(rng):
    x = 1e-5 * rng.standard_normal((20, 12000))
    power = np.exp(log_power(x, SFREQ, (8.0, 32.0), 1)).mean()
    # 24 of 100 Hz; cosine slopes of a fifth of each edge pass 3/8 of their width in power
    # where a sharp edge passes half: 1/8 of 1.6 + 6.4 Hz is lost, the spread of the
    # estimate (20 x 60 s) is below 1 %.
    assert power == pytest.approx(100 * (24 - (1.6 + 6.4) / 8) / 100, rel=0.02)


@pytest.mark.parametrize("offset", [1e-4, 0.3])
def test_offset_and_flat(rng, offset):
    x = 1e-5 * rng.standard_normal((3, 200))
    expected = log_power(x, SFREQ, (4.0, 50.0), 10)
    # 0.3 V costs five of sixteen digits.
    np.testing.assert_allclose(log_power(x + offset, SFREQ, (4.0, 50.0), 10), expected, atol=1e-9)
    flat = log_power(np.full((2, 200), offset), SFREQ, (4.0, 50.0), 10)
    # The floor of 1e-12 square microvolts; rounding of 0.3 V stays below it.
    np.testing.assert_allclose(flat, np.log(1e-12), rtol=1e-12)


def test_power_leaves_its_input(rng):
    x = 1e-5 * rng.standard_normal((3, 200))
    before = x.copy()
    x.flags.writeable = False
    log_power(x, SFREQ, (4.0, 50.0), 10)
    np.testing.assert_array_equal(x, before)
