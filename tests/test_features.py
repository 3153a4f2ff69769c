from dataclasses import replace

import mne
import numpy as np
import pytest
from helpers import extract
from sklearn.base import clone
from sklearn.pipeline import make_pipeline

from mne_sst import (
    BANDS,
    FeatureExtractor,
    concatenate_features,
    differential_entropy,
)
from mne_sst.features import FeatureSettings, smooth_trials
from mne_sst.features._temporal import clip_matrix, log_power


class TestExtractor:
    @pytest.mark.parametrize("method", ["spectral", "seed"])
    def test_spectral_is_differential_entropy(self, epochs, method):
        made = extract(epochs[:5], method=method, bands=["alpha", "delta"])
        data = epochs[:5].get_data()
        expected = differential_entropy(data, 200.0, ["alpha", "delta"], method=method)
        np.testing.assert_allclose(made.spectral, expected, rtol=1e-12)
        assert made.bands == {"alpha": BANDS["alpha"], "delta": BANDS["delta"]}
        assert made.method == method
        assert made.settings.unit == {"spectral": "nats", "seed": "bits"}[method]

    def test_temporal_is_the_clip(self, epochs):
        options = {"temporal_sfreq": 100.0, "n_times": 30, "temporal_position": "end"}
        made = extract(epochs[:5], **options)
        expected = epochs[:5].get_data() @ clip_matrix(200.0, 200, 100.0, 30, "end")
        np.testing.assert_allclose(made.temporal, expected, rtol=0, atol=1e-18)
        assert made.shape == (5, 62, 35)

    def test_temporal_is_log_power(self, epochs):
        made = extract(epochs[:5], temporal="power", n_times=10, temporal_band=(8, 13))
        expected = log_power(epochs[:5].get_data(), 200.0, (8, 13), 10)
        np.testing.assert_allclose(made.temporal, expected, rtol=1e-12)
        assert made.settings.temporal_band == (8.0, 13.0)

    @pytest.mark.parametrize("dtype", ["float32", "float64"])
    def test_dtype(self, epochs, dtype):
        made = extract(epochs[:3], dtype=dtype)
        assert made.spectral.dtype == made.temporal.dtype == dtype
        # Rounded at the end, not computed in single precision.
        exact = extract(epochs[:3])
        np.testing.assert_array_equal(made.spectral, exact.spectral.astype(dtype))
        np.testing.assert_array_equal(made.temporal, exact.temporal.astype(dtype))

    def test_settings_say_how(self, epochs):
        made = extract(epochs[:2], n_times=10, temporal_position=0.25)
        assert made.settings == FeatureSettings(
            temporal_position=0.25, sfreq=200.0, window=1.0, temporal_sfreq=125.0
        )

    def test_params_and_clone(self, epochs):
        params = {
            "bands": ["alpha"],
            "method": "seed",
            "temporal_band": (5, 9),
            "n_times": 7,
            "verbose": False,
        }
        extractor = FeatureExtractor(**params)
        assert extractor.get_params() == FeatureExtractor().get_params() | params
        copied = clone(extractor).set_params(n_times=8)
        assert extractor.n_times == 7
        assert copied.get_params() == extractor.get_params() | {"n_times": 8}
        fitted = make_pipeline(copied).fit(epochs[:2])
        assert fitted.transform(epochs[:2]).shape == (2, 62, 9)

    @pytest.mark.parametrize(
        ("params", "match"),
        [
            ({"bands": "alpha"}, "bands must be"),
            ({"bands": {"x": (8, 4)}}, r"bands\['x'\]"),
            ({"method": "welch"}, "method must be one of"),
            ({"temporal": None}, "temporal must be one of"),
            ({"temporal_sfreq": 0}, "temporal_sfreq must lie"),
            ({"temporal_sfreq": "125"}, "temporal_sfreq must be a number"),
            ({"n_times": 0}, "n_times must lie"),
            ({"n_times": 25.0}, "n_times must be a whole number"),
            ({"temporal_band": (50, 4)}, "temporal_band"),
            ({"temporal_band": None}, "temporal_band"),
            ({"smoothing": "kalman"}, "smoothing must be one of"),
            ({"dtype": "float16"}, "dtype must be one of"),
            ({"temporal_position": "middle"}, "temporal_position must be one of"),
        ],
    )
    def test_bad_parameters_are_named(self, epochs, params, match):
        extractor = FeatureExtractor(**params, verbose=False)
        with pytest.raises((TypeError, ValueError), match=match):
            extractor.transform(epochs[:2])
        if "temporal_position" not in params:  # which depends on the window
            with pytest.raises((TypeError, ValueError), match=match):
                extractor.fit()

    @pytest.mark.parametrize(
        ("params", "match"),
        [
            ({"bands": {"high": (80, 120)}}, r"Nyquist.*'high' \(80-120 Hz\).*1 s.* 200 Hz"),
            ({"bands": {"slow": (0.5, 4)}}, r"one cycle.*'slow' \(0.5-4 Hz\).*1 s.* 200 Hz"),
            ({"n_times": 126}, "n_times and temporal_sfreq ask for a clip of 1.008 s"),
            ({"temporal": "power", "n_times": 201}, "n_times=201 sub-windows need .* have 200"),
            ({"temporal": "power", "temporal_band": (50, 101)}, "'temporal_band'.*200 Hz"),
            (
                {"smoothing": "lds", "trial": "video"},
                "metadata has no column video; it has subject",
            ),
            ({"smoothing": "lds"}, "smoothing needs to know .* give trial="),
        ],
    )
    def test_windows_that_do_not_fit(self, epochs, params, match):
        with pytest.raises(ValueError, match=match):
            extract(epochs[:2], **params)

    @pytest.mark.parametrize("smoothing", ["lds", "moving_average"])
    def test_smoothing_by_trial(self, epochs, smoothing):
        made = extract(epochs, smoothing=smoothing, trial=["subject", "trial"])
        plain = extract(epochs)
        groups = epochs.metadata.groupby(["subject", "trial"]).ngroup()
        expected = smooth_trials(plain.spectral, groups, smoothing)
        np.testing.assert_array_equal(made.spectral, expected)
        np.testing.assert_array_equal(made.temporal, plain.temporal)
        assert made.settings == replace(plain.settings, smoothing=smoothing)

    @pytest.mark.parametrize("method", ["spectral", "bandpass", "seed"])
    def test_silent(self, epochs, method, capfd):
        # Gamma, of which a window of a second holds cycles enough for any method.
        extract([epochs[:2], epochs[2:4]], bands=["gamma"], method=method, verbose=False)
        out, err = capfd.readouterr()
        assert (out, err) == ("", "")


def test_bandpass_of_a_recording_and_of_windows_do_not_mix(rng):
    info = mne.create_info(["Fz", "Cz", "Pz"], 200.0, "eeg")
    raw = mne.io.RawArray(1e-5 * rng.standard_normal((3, 4000)), info, verbose=False)
    extractor = FeatureExtractor(method="bandpass", verbose=False)
    whole = extractor.transform(raw)
    with pytest.warns(RuntimeWarning, match="cycles"):
        cut = extractor.transform(mne.make_fixed_length_epochs(raw, 1.0, verbose=False))
    assert (whole.settings.filtered, cut.settings.filtered) == ("recording", "window")
    with pytest.raises(ValueError, match="filtered='window' where 'recording' was expected"):
        concatenate_features([whole, cut])


def test_bandpass_of_a_recording_with_a_hole_is_refused(rng):
    info = mne.create_info(["Fz", "Cz", "Pz"], 200.0, "eeg")
    data = 1e-5 * rng.standard_normal((3, 4000))
    data[:, 400:600] = np.nan
    raw = mne.io.RawArray(data, info, verbose=False)
    raw.set_annotations(mne.Annotations([2.0], [1.0], ["BAD_hole"]))
    with pytest.raises(ValueError, match="NaN"):
        FeatureExtractor(method="bandpass", verbose=False).transform(raw)
    made = FeatureExtractor(verbose=False).transform(raw)
    assert np.isfinite(made.spectral).all()


def test_flat_windows_and_channels_are_told(epochs):
    data = epochs.get_data()[:6]
    data[2] = 0.0
    data[4] = 3e-6
    data[1, 5] = 1e-6
    flat = mne.EpochsArray(data, epochs.info, verbose="ERROR")
    message = r"2 windows are, the first number 2; in some windows F7 are of one value"
    with pytest.warns(RuntimeWarning, match=message) as record:
        FeatureExtractor(reference="average", verbose=False).transform(flat)
    assert len(record) == 1
    # Equal at every twentieth sample is not flat.
    data = epochs.get_data()[:2]
    data[0, 0, ::20] = 0.0
    FeatureExtractor(verbose=False).transform(mne.EpochsArray(data, epochs.info, verbose="ERROR"))
