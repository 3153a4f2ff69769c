import pickle

import numpy as np
import pytest
from scipy import fft
from sklearn.base import clone

from mne_sst import BANDS, FeatureExtractor, differential_entropy
from mne_sst.features import _entropy
from mne_sst.features._entropy import check_bands

UNBIASED = ("spectral", "bandpass")
METHODS = (*UNBIASED, "seed")
SIGMA = 20.0  # microvolts


def gaussian_entropy(variance):
    """Nats, of a variance in square microvolts."""
    return 0.5 * np.log(2 * np.pi * np.e * variance)


def band_noise(rng, shape, sfreq, low, high):
    """Gaussian noise of exactly unit variance with nothing outside [low, high)."""
    freqs = fft.rfftfreq(shape[-1], 1 / sfreq)
    inside = (freqs >= low) & (freqs < high)
    noise = fft.irfft(fft.rfft(rng.standard_normal(shape)) * inside, shape[-1])
    return noise / noise.std(axis=-1, keepdims=True)


@pytest.fixture
def noise(rng):
    """White noise of SIGMA, 3 s at 200 Hz: three cycles of every band."""
    return SIGMA * 1e-6 * rng.standard_normal((4, 600))


@pytest.mark.parametrize(
    ("case", "sfreq"),
    [("fs200_win1", 200), ("fs200_win1_dc", 200), ("fs200_win4", 200), ("fs128_win1", 128)],
)
def test_seed_equals_reference(reference, case, sfreq):
    with np.load(reference / "differential_entropy.npz") as stored:
        data, expected = stored[f"{case}/data_uV"], stored[f"{case}/de"]
    de = differential_entropy(data * 1e-6, sfreq, method="seed")
    # The stored data are microvolts: rounding to volts and back is all that differs.
    np.testing.assert_allclose(de, expected, rtol=1e-9, atol=0)


@pytest.mark.parametrize(("sfreq", "n_times"), [(250.0, 333), (200.0, 401)])
def test_seed_equals_its_formula(rng, sfreq, n_times):
    data = 1e-5 * rng.standard_normal((2, n_times)) + 3e-5
    n = np.arange(1, n_times + 1)
    windowed = data * 1e6 * (0.5 - 0.5 * np.cos(2 * np.pi * n / (n_times + 1)))
    expected = []
    for low, high in BANDS.values():
        bins = np.arange(int(low * n_times / sfreq) - 1, int(high * n_times / sfreq))
        wave = np.exp(-2j * np.pi * np.outer(np.arange(n_times), bins) / n_times)
        expected.append(np.log2(100 * np.mean(np.abs(windowed @ wave) ** 2, axis=-1)))
    de = differential_entropy(data, sfreq, method="seed")
    # A sum of 400 terms against a fast transform: eleven digits are left.
    np.testing.assert_allclose(de, np.stack(expected, axis=-1), rtol=1e-10)


# Standard error at 8 x 120 s: 0.009 nats in the narrowest band; a Butterworth
# filter loses another 0.025 of noise that ends sharply at the band's edges.
@pytest.mark.parametrize("method", UNBIASED)
@pytest.mark.parametrize("band", BANDS)
def test_band_limited_noise(rng, method, band):
    data = SIGMA * 1e-6 * band_noise(rng, (8, 24000), 200.0, *BANDS[band])
    de = dict(
        zip(BANDS, differential_entropy(data, 200.0, method=method).mean(axis=0), strict=True)
    )
    assert de.pop(band) == pytest.approx(gaussian_entropy(SIGMA**2), abs=0.05)
    # What leaks over the common edge is below a tenth of the power.
    assert max(de.values()) < gaussian_entropy(SIGMA**2) - 0.5 * np.log(10)


@pytest.mark.parametrize("method", UNBIASED)
@pytest.mark.parametrize("sfreq", [100.0, 128.0, 200.0, 1000.0])
def test_white_noise(rng, method, sfreq):
    data = SIGMA * 1e-6 * rng.standard_normal((8, int(120 * sfreq)))
    widths = np.array([high - low for low, high in BANDS.values()])
    expected = gaussian_entropy(SIGMA**2 * widths / (sfreq / 2))
    de = differential_entropy(data, sfreq, method=method).mean(axis=0)
    np.testing.assert_allclose(de, expected, rtol=0, atol=0.05)
    # No bias that all bands share: the standard error of their mean is 0.003.
    assert abs((de - expected).mean()) < 0.02


def test_variances_of_adjoining_bands_add_up(noise):
    # Bins at a common edge are shared out, none is lost or counted twice.
    parts = differential_entropy(noise, 200.0, {"a": (3.1, 7.7), "b": (7.7, 20.2)})
    whole = differential_entropy(noise, 200.0, {"c": (3.1, 20.2)})
    np.testing.assert_allclose(np.exp(2 * parts).sum(axis=1), np.exp(2 * whole[:, 0]), rtol=1e-12)


# Windows of a second for the periodogram, where delta is next to bin 0.
@pytest.mark.parametrize("offset", [50e-6, 0.3])
@pytest.mark.parametrize(("method", "n_times"), [("spectral", 200), ("bandpass", 600)])
def test_offset_changes_nothing(noise, method, n_times, offset):
    data = noise[:, :n_times]
    de = [differential_entropy(x, 200.0, method=method) for x in (data, data + offset)]
    # 0.3 V, as a DC amplifier has, costs four of sixteen digits.
    np.testing.assert_allclose(de[0], de[1], rtol=0, atol=1e-10)


def test_offset_lifts_delta_of_seed(noise):
    second = noise[:, :200]  # in windows of a second delta starts at bin 0
    de = [differential_entropy(x, 200.0, method="seed") for x in (second, second + 50e-6)]
    lift = de[1] - de[0]
    assert lift[:, 0].min() > 3
    # Past the lobe of the window next to nothing arrives.
    assert np.abs(lift[:, 1:]).max() < 0.05


@pytest.mark.parametrize(
    ("method", "shift"),
    [("spectral", np.log(1e6)), ("bandpass", np.log(1e6)), ("seed", np.log2(1e12))],
)
def test_scaling_shifts(noise, method, shift):
    de = [differential_entropy(x, 200.0, method=method) for x in (noise, noise * 1e6)]
    np.testing.assert_allclose(de[1] - de[0], shift, rtol=1e-12)


@pytest.mark.parametrize("level", [0.0, 1e-4])
@pytest.mark.parametrize("method", METHODS)
def test_flat_is_finite(noise, method, level):
    noise[1] = level
    de = differential_entropy(noise, 200.0, method=method)
    assert np.isfinite(de).all()
    if method != "seed":
        # The documented floor, a variance of 1e-12 square microvolts.
        np.testing.assert_allclose(de[1], gaussian_entropy(1e-12), rtol=1e-12)
    elif level == 0:
        np.testing.assert_allclose(de[1], np.log2(100 * 1e-12), rtol=1e-12)
    # Its neighbours do not notice.
    alone = differential_entropy(noise[[0, 2, 3]], 200.0, method=method)
    np.testing.assert_allclose(de[[0, 2, 3]], alone, rtol=0, atol=1e-12)


@pytest.mark.parametrize("method", METHODS)
def test_input_stays(noise, method):
    before = noise.copy()
    noise.flags.writeable = False
    differential_entropy(noise, 200.0, method=method)
    np.testing.assert_array_equal(noise, before)


@pytest.mark.parametrize("method", METHODS)
def test_shapes_and_types(noise, method):
    expected = differential_entropy(noise, 200.0, method=method)
    folded = differential_entropy(noise.reshape(2, 2, 600), 200.0, method=method)
    np.testing.assert_allclose(folded, expected.reshape(2, 2, 5), rtol=1e-14)
    # Any memory layout, a list, fewer bands in another order.
    transposed = differential_entropy(np.asfortranarray(noise), 200.0, method=method)
    np.testing.assert_allclose(transposed, expected, rtol=1e-13)
    one = differential_entropy(noise[2].tolist(), 200, ["gamma", "delta"], method=method)
    np.testing.assert_allclose(one, expected[2, [4, 0]], rtol=1e-13)
    # Single precision in: seven digits of amplitude, so 1e-6 in a logarithm.
    single = differential_entropy(noise.astype(np.float32), 200.0, method=method)
    np.testing.assert_allclose(single, expected, rtol=0, atol=1e-5)
    whole = np.rint(noise * 1e9).astype(np.int32)
    np.testing.assert_array_equal(
        differential_entropy(whole, 200.0, method=method),
        differential_entropy(whole.astype(float), 200.0, method=method),
    )


# On a bin and half a bin off: the taper keeps a sine of 10 Hz out of the far bands, where
# without it 2e-4 of its power would arrive.
@pytest.mark.parametrize("freq", [10.0, 10 + 1 / 6])
def test_sine_has_half_its_squared_amplitude(freq):
    wave = 3e-5 * np.sin(2 * np.pi * freq * np.arange(600) / 200.0)
    de = differential_entropy(wave, 200.0)
    expected = gaussian_entropy(30**2 / 2)
    assert de[2] == pytest.approx(expected, abs=0.005)
    assert de[4] < expected + 0.5 * np.log(1e-6)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("bands", "sfreq", "n_times", "match"),
    [
        (None, 80.0, 160, r"Nyquist frequency of 40 Hz: band 'gamma' \(31-50 Hz\).*2 s.* 80 Hz"),
        (None, 200.0, 199, r"less than one cycle.*'delta' \(1-4 Hz\).*0.995 s.*199.*at 200 Hz"),
        ({"slow": (0.2, 1)}, 100.0, 499, r"'slow' \(0.2-1 Hz\).*4.99 s.* at least 5 s"),
        (None, 200.0, 0, r"'delta'.*windows of 0 s"),
    ],
)
def test_bands_that_do_not_fit(method, bands, sfreq, n_times, match):
    with pytest.raises(ValueError, match=match):
        differential_entropy(np.zeros((2, n_times)), sfreq, bands, method=method)


def test_band_may_end_at_nyquist_and_hold_one_cycle(noise):
    assert differential_entropy(noise[:, :100], 100.0, {"all": (1, 50)}).shape == (4, 1)


def test_bandpass_warns_of_few_cycles(noise):
    match = r"bandpass.*windows of 2\.5 s: fewer than 3 cycles of the lower edge of delta, so"
    with pytest.warns(RuntimeWarning, match=match) as caught:
        differential_entropy(noise[:, :500], 200.0, method="bandpass")
    assert len(caught) == 1
    assert caught[0].filename == __file__
    # No warning, which would be an error here, where there are three cycles.
    differential_entropy(noise, 200.0, method="bandpass")
    differential_entropy(noise[:, :500], 200.0, ["theta"], method="bandpass")


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_not_finite_names_its_place(noise, method, value):
    noise[2, 17] = value
    with pytest.raises(ValueError, match=r"data holds 1 value.*axis 0 index 2, axis 1 index 17"):
        differential_entropy(noise, 200.0, method=method)


@pytest.mark.parametrize(
    ("args", "error", "match"),
    [
        ((np.zeros((2, 600), complex), 200.0), ValueError, "data must be .* dtype complex128"),
        ((1.0, 200.0), ValueError, r"data must be .* shape \(\)"),
        ((np.array(["a"] * 600), 200.0), ValueError, "data must be an array of real numbers"),
        ((np.zeros(600), 0), ValueError, r"sfreq must lie in \(0, inf\], got 0"),
        ((np.zeros(600), "200"), TypeError, "sfreq must be a number"),
        ((np.zeros(600), 200.0, "alpha"), TypeError, "bands must be a dict.*got str"),
    ],
)
def test_bad_arguments(args, error, match):
    with pytest.raises(error, match=match):
        differential_entropy(*args)


def test_unknown_method():
    with pytest.raises(ValueError, match="method must be one of 'spectral', 'bandpass', 'seed'"):
        differential_entropy(np.zeros(600), 200.0, method="welch")


@pytest.mark.parametrize(
    ("bands", "expected"),
    [
        (None, dict(BANDS)),
        (("beta", "delta"), {"beta": (14.0, 31.0), "delta": (1.0, 4.0)}),
        ({"mu": [8, 13]}, {"mu": (8.0, 13.0)}),
    ],
)
def test_check_bands(bands, expected):
    checked = check_bands(bands)
    assert checked == expected
    assert list(checked) == list(expected)


@pytest.mark.parametrize(
    ("bands", "match"),
    [
        (["alpha", "mu"], r"bands names \['mu'\], but only \['delta'"),
        ([(4, 8)], r"bands names \[\(4, 8\)\]"),
        ([[4, 8]], r"bands names \[\[4, 8\]\]"),
        ([], "bands is empty"),
        ({}, "bands is empty"),
        ({"mu": (8,)}, r"bands\['mu'\] must be \(fmin, fmax\), got \(8,\)"),
        ({"mu": None}, r"bands\['mu'\] must be \(fmin, fmax\), got None"),
        ({"mu": (0, 13)}, r"bands\['mu'\]\[0\] must lie in \(0"),
        ({"mu": (13, 8)}, r"bands\['mu'\]\[1\] must lie in \(13"),
        ({"mu": (8, np.inf)}, r"bands\['mu'\]\[1\] must be finite"),
    ],
)
def test_bad_bands(bands, match):
    with pytest.raises(ValueError, match=match):
        check_bands(bands)


def test_bands_are_a_dict_like_any_other():
    extractor = FeatureExtractor(bands=BANDS)
    assert isinstance(BANDS, dict)
    assert clone(extractor).bands == BANDS
    assert pickle.loads(pickle.dumps(extractor)).bands == BANDS


@pytest.mark.parametrize(("sfreq", "n_times"), [(200.0, 200), (128.0, 333)])
def test_filtering_by_a_matrix_is_filtering(sfreq, n_times, rng):
    data = 1e-5 * rng.standard_normal((7, 60, n_times)) + 0.3  # with a large offset
    for low, high in BANDS.values():
        expected = _entropy.filter_band(data, sfreq, low, high)
        with_matrix = _entropy.filter_windows(data, sfreq, low, high)
        np.testing.assert_allclose(with_matrix, expected, rtol=0, atol=1e-13)
        few = _entropy.filter_windows(data[0, :3], sfreq, low, high)
        np.testing.assert_array_equal(few, _entropy.filter_band(data[0, :3], sfreq, low, high))
