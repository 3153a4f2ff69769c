import logging

import mne
import numpy as np
import pandas as pd
import pytest
from helpers import extract

from mne_sst import _inputs
from mne_sst.features import moving_average
from mne_sst.features._entropy import filter_edges

SFREQ = 200.0


def assert_same(features, expected, atol=0.0):
    assert features.ch_names == expected.ch_names
    np.testing.assert_allclose(features.spectral, expected.spectral, rtol=0, atol=atol)
    # Volts are small: what counts is the share of them.
    scale = np.abs(expected.temporal).max()
    np.testing.assert_allclose(features.temporal, expected.temporal, rtol=0, atol=atol * scale)


@pytest.fixture
def raw(small_info, rng):
    """A minute of white noise; the recording began 5 s after the clock."""
    data = 1e-5 * rng.standard_normal((10, 12000))
    return mne.io.RawArray(data, small_info.copy(), first_samp=1000, verbose="ERROR")


@pytest.fixture
def few(epochs):
    """Eight epochs of two trials."""
    return epochs[:8]


class TestEpochs:
    @pytest.fixture
    def expected(self, few):
        return extract(few)

    def test_metadata_and_events_come_along(self, few, expected):
        pd.testing.assert_frame_equal(expected.metadata, few.metadata.reset_index(drop=True))
        np.testing.assert_array_equal(expected.events, few.events)
        assert expected.settings.sfreq == SFREQ
        assert expected.settings.window == 1.0

    @pytest.mark.parametrize("sizes", [[1] * 8, [3, 5], [8], [2, 0, 6]])
    @pytest.mark.parametrize("container", [list, tuple])
    def test_list_of_epochs(self, few, expected, sizes, container):
        stops = np.cumsum(sizes)
        features = extract(container(few[b - n : b] for b, n in zip(stops, sizes, strict=True)))
        assert_same(features, expected)
        np.testing.assert_array_equal(features.events, few.events)
        pd.testing.assert_frame_equal(features.metadata, expected.metadata)

    @pytest.mark.parametrize("as_array", [np.asarray, np.asfortranarray])
    def test_array_with_info(self, few, expected, as_array):
        data = as_array(few.get_data())
        data.flags.writeable = False
        features = extract(data, info=few.info)
        # Another layout in memory is summed in another order.
        assert_same(features, expected, atol=1e-12)
        assert features.metadata is None
        assert features.events is None

    def test_memory_map(self, few, expected, tmp_path):
        np.save(tmp_path / "data.npy", few.get_data())
        mapped = np.load(tmp_path / "data.npy", mmap_mode="r")
        assert_same(extract(mapped, info=few.info), expected)

    def test_pieces_do_not_show(self, few, expected):
        # More epochs than are worked on at once.
        many = mne.EpochsArray(np.tile(few.get_data(), (20, 1, 1)), few.info, verbose="ERROR")
        features = extract(many)
        assert_same(features[-8:], expected, atol=1e-12)
        assert_same(features[:8], features[-8:], atol=1e-12)

    def test_epochs_stay_as_they_are(self, few):
        before = few.get_data()
        few._data.flags.writeable = False
        try:
            for method in ("spectral", "seed"):
                extract(few, method=method)
            extract(few, temporal="power")
        finally:
            few._data.flags.writeable = True
        np.testing.assert_array_equal(few.get_data(), before)

    def test_later_changes_of_the_epochs_do_not_reach_the_features(self, few):
        epochs = few.copy()
        features = extract(epochs)
        names, positions = list(features.ch_names), features.info["chs"][0]["loc"].copy()
        epochs.rename_channels({names[0]: "renamed"})
        epochs.set_montage(None)
        assert features.ch_names == names
        np.testing.assert_array_equal(features.info["chs"][0]["loc"], positions)


class TestNotPreloaded:
    @pytest.fixture
    def make(self, raw):
        """Epochs on demand, of which one in three is rejected on the way."""
        raw._data[3, 2100:2110] += 1e-3  # in the third epoch
        events = mne.make_fixed_length_events(raw, duration=5.0)
        metadata = pd.DataFrame({"number": np.arange(len(events))})

        def make(preload):
            return mne.Epochs(
                raw,
                events,
                tmin=0,
                tmax=1 - 1 / SFREQ,
                baseline=None,
                reject={"eeg": 500e-6},
                metadata=metadata,
                preload=preload,
                verbose="ERROR",
            )

        return make

    def test_equals_preloaded(self, make):
        expected = extract(make(True))
        assert expected.metadata["number"].tolist() == [0, 1, *range(3, 12)]
        lazy = make(False)
        features = extract(lazy)
        assert_same(features, expected)
        pd.testing.assert_frame_equal(features.metadata, expected.metadata)
        np.testing.assert_array_equal(features.events, expected.events)
        # Nothing was loaded or dropped in the epochs that came.
        assert not lazy.preload
        assert_same(extract([make(False), make(True)])[: len(expected)], expected)

    def test_read_from_a_file(self, few, tmp_path):
        bare = few.copy()
        bare.metadata = None
        bare.save(tmp_path / "x-epo.fif", fmt="double", verbose="ERROR")
        lazy = mne.read_epochs(tmp_path / "x-epo.fif", preload=False, verbose="ERROR")
        assert_same(extract(lazy), extract(few), atol=1e-12)


class TestRaw:
    def test_is_cut_into_windows(self, raw):
        features = extract(raw)
        data = raw.get_data().reshape(10, 60, 200).swapaxes(0, 1)
        assert_same(features, extract(data, info=raw.info), atol=1e-12)
        np.testing.assert_allclose(features.metadata["onset"], np.arange(60), atol=1e-9)

    @pytest.mark.parametrize(("window", "overlap"), [(2.0, 0.0), (1.0, 0.5), (4.0, 3.0)])
    def test_window_and_overlap(self, raw, window, overlap):
        features = extract(raw, window=window, overlap=overlap)
        onset = np.arange(0, 60 - window + 1e-9, window - overlap)
        np.testing.assert_allclose(features.metadata["onset"], onset, rtol=0, atol=1e-9)
        assert features.settings.window == window
        first = raw.time_as_index(onset)
        data = np.stack([raw.get_data(start=i, stop=i + int(window * SFREQ)) for i in first])
        assert_same(features, extract(data, info=raw.info), atol=1e-12)

    @pytest.mark.parametrize("method", ["spectral", "bandpass"])
    def test_bad_annotations_are_left_out(self, raw, method):
        everything = extract(raw, method=method)
        raw.set_annotations(mne.Annotations([10.5, 30.0], [2.0, 0.5], ["BAD_move", "fine"]))
        features = extract(raw, method=method)
        kept = np.r_[:10, 13:60]
        np.testing.assert_allclose(features.metadata["onset"], kept, rtol=0, atol=1e-9)
        assert_same(features, everything[kept], atol=1e-12)

    def test_nothing_good_left(self, raw):
        raw.set_annotations(mne.Annotations(0, 60, "bad"))
        with pytest.raises(ValueError, match="no window free of bad annotations"):
            extract(raw)

    def test_bandpass_filters_before_cutting(self, raw):
        bands = {"delta": (1.0, 4.0), "alpha": (8.0, 14.0)}
        features = extract(raw, method="bandpass", bands=bands)
        for i, edges in enumerate(bands.values()):
            low, high = filter_edges(*edges, SFREQ)
            filtered = raw.copy().filter(
                low,
                high,
                method="iir",
                iir_params={"order": 6, "ftype": "butter", "output": "sos"},
                verbose="ERROR",
            )
            power = np.square(filtered.get_data()).reshape(10, 60, 200).mean(axis=-1).T
            expected = 0.5 * np.log(2 * np.pi * np.e * power * 1e12)
            np.testing.assert_allclose(features.spectral[..., i], expected, rtol=0, atol=1e-10)

    def test_bandpass_of_epochs_errs_more(self, raw):
        # What a brick-wall filter over the whole minute leaves of delta in each second.
        spectrum = np.fft.rfft(raw.get_data())
        freqs = np.fft.rfftfreq(12000, 1 / SFREQ)
        spectrum[:, (freqs < 1) | (freqs > 4)] = 0
        delta = np.fft.irfft(spectrum, 12000).reshape(10, 60, 200)
        truth = 0.5 * np.log(2 * np.pi * np.e * np.square(delta).mean(axis=-1).T * 1e12)
        epochs = mne.make_fixed_length_epochs(raw, 1.0, preload=True, verbose="ERROR")
        params = {"method": "bandpass", "bands": ["delta"]}
        with pytest.warns(RuntimeWarning, match=r"fewer than 3 cycles .* delta"):
            cut_first = extract(epochs, **params)
        # No warning where it is filtered first.
        errors = [
            np.abs(f.spectral[..., 0] - truth)[1:-1].mean()
            for f in (extract(raw, **params), cut_first)
        ]
        assert errors[0] < 0.1
        assert errors[1] > 2 * errors[0]

    @pytest.mark.parametrize("method", ["spectral", "bandpass"])
    def test_silent(self, raw, method, capfd):
        extract(raw, method=method, verbose=False)
        out, err = capfd.readouterr()
        assert (out, err) == ("", "")

    def test_is_one_trial_for_smoothing(self, raw):
        smoothed = extract(raw, smoothing="moving_average")
        expected = moving_average(extract(raw).spectral)
        np.testing.assert_array_equal(smoothed.spectral, expected)

    def test_recording_stays_as_it_is(self, raw):
        before, names = raw.get_data(), list(raw.ch_names)
        extract(raw, method="bandpass")
        np.testing.assert_array_equal(raw.get_data(), before)
        assert raw.ch_names == names
        assert raw.info["highpass"] == 0

    @pytest.mark.parametrize(
        ("params", "error", "match"),
        [
            ({"window": 0}, ValueError, r"window must lie in \(0"),
            ({"window": "1"}, TypeError, "window must be a number"),
            ({"overlap": -0.1}, ValueError, r"overlap must lie in \[0"),
            ({"overlap": 1.0}, ValueError, "overlap must be shorter than window=1 s, got 1 s"),
            ({"window": 61}, ValueError, r"window=61 s is longer than the recording \(60 s\)"),
        ],
    )
    def test_bad_windows(self, raw, params, error, match):
        with pytest.raises(error, match=match):
            extract(raw, **params)


class TestChannels:
    @pytest.fixture
    def mixed(self, raw):
        """Eye channels first and in the middle, one EEG channel bad."""
        raw.set_channel_types({"Fp1": "eog", "C3": "eog"})
        raw.info["bads"] = ["F4"]
        return raw

    @pytest.mark.parametrize("method", ["spectral", "bandpass"])
    def test_only_good_eeg_is_used(self, mixed, method):
        good = ["Fp2", "F3", "Cz", "C4", "P3", "P4", "Oz"]
        features = extract(mixed, method=method)
        assert features.ch_names == good
        assert_same(features, extract(mixed.copy().pick(good), method=method), atol=1e-12)
        assert mixed.info["bads"] == ["F4"]

    def test_same_for_arrays_and_lists(self, mixed):
        expected = extract(mixed)
        epochs = mne.make_fixed_length_epochs(mixed, 1.0, preload=True, verbose="ERROR")
        assert_same(extract([epochs[:20], epochs[20:]]), expected, atol=1e-12)
        assert_same(extract(epochs.get_data(), info=epochs.info), expected, atol=1e-12)

    def test_bad_in_one_part_of_a_list_is_left_out_of_all(self, few):
        other = few.copy()
        other.info["bads"] = ["CZ"]
        features = extract([few, other])
        assert features.ch_names == [name for name in few.ch_names if name != "CZ"]
        assert few.info["bads"] == []

    @pytest.mark.parametrize(
        ("kinds", "bads", "match"),
        [("mag", [], "type mag and none marked bad"), ("eeg", ["a", "b"], "type eeg and a, b")],
    )
    def test_no_eeg_left(self, rng, kinds, bads, match):
        info = mne.create_info(["a", "b"], SFREQ, kinds)
        info["bads"] = bads
        with pytest.raises(ValueError, match=f"X holds no good EEG channel: .* {match}"):
            extract(1e-5 * rng.standard_normal((3, 2, 200)), info=info)


class TestRefused:
    @pytest.mark.parametrize(
        ("change", "error", "match"),
        [
            (
                lambda e: e.copy().reorder_channels(e.ch_names[::-1]),
                ValueError,
                r"X\[1\] and X\[0\] must have the same channels; they come in another order",
            ),
            (lambda e: e.copy().drop_channels(["CZ"]), ValueError, r"X\[1\].* differ by CZ"),
            (
                lambda e: e.copy().resample(100, verbose="ERROR"),
                ValueError,
                r"X\[1\] has a sampling rate of 100 Hz, X\[0\] of 200 Hz",
            ),
            (
                lambda e: e.copy().crop(0, 0.5),
                ValueError,
                r"X\[1\] has epochs of 101 samples, X\[0\] of 200",
            ),
            (lambda e: e.get_data(), TypeError, r"X\[1\] is ndarray, but X\[0\] is EpochsArray"),
            (
                lambda e: mne.EpochsArray(e.get_data(), e.info, verbose="ERROR"),
                ValueError,
                r"X\[1\].*metadata",
            ),
        ],
    )
    def test_lists_that_do_not_fit(self, few, change, error, match):
        with pytest.raises(error, match=match):
            extract([few, change(few)])

    @pytest.mark.parametrize(
        ("change", "match"),
        [
            (lambda e: e.average(), "X is EvokedArray, which no longer holds the signal"),
            (lambda e: e.compute_psd(verbose="ERROR"), "X is EpochsSpectrum, which no longer"),
            (lambda e: [e.average()], "got list of EvokedArray"),
            (lambda e: [], r"X must be mne\.io\.Raw, .* got an empty list"),
            (lambda e: None, "got NoneType"),
            (lambda e: "x-epo.fif", "got str"),
        ],
    )
    def test_other_kinds(self, few, change, match):
        X = change(few[:2])
        with pytest.raises(TypeError, match=match):
            extract(X)

    @pytest.mark.parametrize(
        ("data", "info", "error", "match"),
        [
            (np.zeros((3, 10, 200)), None, ValueError, r"plain array.* give info= \(an mne.Info\)"),
            (
                np.zeros((3, 10, 200)),
                {"sfreq": 200},
                TypeError,
                "info must be an mne.Info, got dict",
            ),
            (np.zeros((3, 9, 200)), "small", ValueError, "9 channels, but info describes 10"),
            (np.zeros((10, 200)), "small", ValueError, r"shape \(n_epochs,.*got shape \(10, 200\)"),
            (np.zeros((3, 10, 200), complex), "small", ValueError, "dtype complex128"),
            (np.zeros((0, 10, 200)), "small", ValueError, "X holds no epochs"),
        ],
    )
    def test_arrays(self, small_info, data, info, error, match):
        with pytest.raises(error, match=match):
            extract(data, info=small_info if info == "small" else info)

    def test_no_epochs(self, few):
        with pytest.raises(ValueError, match=r"X holds no epochs \(0 were left\)"):
            extract(few[:0])

    @pytest.mark.parametrize("value", [np.nan, np.inf])
    def test_not_finite_names_its_place(self, few, value):
        data = few.get_data()
        data[2, 5, 17] = value
        with pytest.raises(ValueError, match=r"X holds 1 value.* epoch 2, channel 5, time 17"):
            extract(data, info=few.info)


def test_features_are_advised_once(few, monkeypatch, caplog):
    monkeypatch.setattr(_inputs, "_advised", False)
    with caplog.at_level(logging.WARNING, logger="mne_sst"):
        extract([few[0]] * 499)
        assert not caplog.records
        extract([few[0]] * 500)
        extract([few[0]] * 500)
    assert len(caplog.records) == 1
    assert "FeatureExtractor().transform(epochs)" in caplog.text
