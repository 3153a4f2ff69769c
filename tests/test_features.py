import json
from dataclasses import FrozenInstanceError, asdict, replace
from itertools import islice

import mne
import numpy as np
import pandas as pd
import pytest
from helpers import extract
from sklearn.base import clone
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.utils import resample

from mne_sst import (
    BANDS,
    EpochsFeatures,
    FeatureExtractor,
    concatenate_features,
    differential_entropy,
)
from mne_sst.features import FeatureSettings, lds, smooth_trials
from mne_sst.features._temporal import clip_matrix, log_power


@pytest.fixture
def few(features):
    """The first two trials, four windows each."""
    return features[:8]


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


class TestContainer:
    def test_looks_like_an_array(self, few):
        assert len(few) == 8
        assert few.shape == (8, 62, 30)
        assert few.ndim == 3
        joined = np.concatenate([few.spectral, few.temporal], axis=2)
        np.testing.assert_array_equal(np.asarray(few), joined)
        assert np.array(few, dtype="float64", copy=True).dtype == "float64"
        with pytest.raises(ValueError, match="needs a copy"):
            few.__array__(copy=False)

    @pytest.mark.parametrize("dtype", ["float32", "float64"])
    def test_as_array_keeps_the_precision(self, epochs, dtype):
        assert np.asarray(extract(epochs[:2], dtype=dtype)).dtype == dtype

    @pytest.mark.parametrize(
        "key",
        [
            slice(2, 5),
            slice(None, None, -2),
            np.array([5, 0, 0]),
            np.array([-1, 2], dtype=np.int32),
            [1, 3],
            [],
            np.arange(8) % 3 == 0,
            [True] + [False] * 7,
            np.zeros(8, dtype=bool),
            pd.Series([4, 2]),
        ],
        ids=str,
    )
    @pytest.mark.parametrize("as_key", [lambda k: k, lambda k: (k, ...)], ids=["[k]", "[k, ...]"])
    def test_indexing(self, few, key, as_key):
        part = few[as_key(key)]
        rows = np.arange(8)[
            np.asarray(key, dtype=int) if isinstance(key, list) and not key else key
        ]
        np.testing.assert_array_equal(part.spectral, few.spectral[rows])
        np.testing.assert_array_equal(part.temporal, few.temporal[rows])
        np.testing.assert_array_equal(part.events, few.events[rows])
        expected = few.metadata.iloc[rows].reset_index(drop=True)
        pd.testing.assert_frame_equal(part.metadata, expected)
        assert type(part) is EpochsFeatures
        assert part.settings == few.settings
        assert part.ch_names == few.ch_names
        shared = np.shares_memory(part.spectral, few.spectral)
        assert shared == isinstance(key, slice)
        assert np.shares_memory(part.temporal, few.temporal) == isinstance(key, slice)

    @pytest.mark.parametrize("key", [0, 7, -1, -8, np.int64(3)])
    def test_one_epoch(self, few, key):
        part = few[key]
        assert part.shape == (1, 62, 30)
        np.testing.assert_array_equal(part.spectral[0], few.spectral[key])
        assert part.metadata.iloc[0].equals(few.metadata.iloc[key])

    @pytest.mark.parametrize("key", [8, -9, [8], np.ones(7, dtype=bool), (0, 1), (0, ..., 1)])
    def test_bad_index(self, few, key):
        with pytest.raises(IndexError):
            few[key]

    def test_iteration_ends(self, few):
        parts = list(islice(few, 20))
        assert len(parts) == 8
        np.testing.assert_array_equal(concatenate_features(parts).spectral, few.spectral)

    def test_scikit_learn_slices_it(self, few):
        train, test = train_test_split(few, test_size=3, random_state=0)
        assert (len(train), len(test)) == (5, 3)
        assert isinstance(train, EpochsFeatures)
        rows = resample(np.arange(8), random_state=1)
        np.testing.assert_array_equal(resample(few, random_state=1).spectral, few.spectral[rows])

    def test_repr(self, few):
        assert "8 epochs, 62 channels, DE (spectral, nats) in delta, theta" in repr(few)

    def test_pick(self, few):
        names = ["OZ", "CZ", "FP1"]
        picked = few.pick(names)
        order = [few.ch_names.index(name) for name in names]
        assert picked.ch_names == names
        np.testing.assert_array_equal(picked.spectral, few.spectral[:, order])
        np.testing.assert_array_equal(picked.temporal, few.temporal[:, order])
        np.testing.assert_array_equal(
            picked.info["chs"][0]["loc"], few.info["chs"][order[0]]["loc"]
        )
        assert len(few.ch_names) == 62
        with pytest.raises(ValueError, match="ch_names: A1, M2 not among the channels"):
            few.pick(["CZ", "A1", "M2"])

    def test_groups(self, few):
        table = few.metadata.assign(part=[1, 1, np.nan, np.nan, 1, 1, 2, 2])
        numbered = EpochsFeatures(few.spectral, None, few.info, metadata=table)
        assert few.groups("trial").tolist() == [0] * 4 + [1] * 4
        # NaN is a group too.
        assert numbered.groups(["trial", "part"]).tolist() == [0, 0, 1, 1, 2, 2, 3, 3]

    @pytest.mark.parametrize("columns", ["video", ["trial", "video"]])
    def test_groups_without_such_a_column(self, few, columns):
        with pytest.raises(ValueError, match="metadata has no column video; it has subject, ses"):
            few.groups(columns)
        bare = EpochsFeatures(few.spectral, few.temporal, few.info)
        with pytest.raises(ValueError, match=r"it has none\. Set epochs"):
            bare.groups(columns)

    @pytest.mark.parametrize("trials", ["trial", ["subject", "trial"], np.repeat([7, 3], 4)])
    def test_smooth(self, few, trials):
        smoothed = few.smooth(trials)
        expected = np.concatenate([lds(few.spectral[:4]), lds(few.spectral[4:])])
        np.testing.assert_array_equal(smoothed.spectral, expected.astype(np.float32))
        assert smoothed.settings.smoothing == "lds"
        assert few.settings.smoothing is None
        assert smoothed.temporal is few.temporal
        narrow = few.smooth(trials, "moving_average", width=1)
        np.testing.assert_allclose(narrow.spectral, few.spectral, rtol=1e-6)
        assert narrow.settings.smoothing == "moving_average"

    @pytest.mark.parametrize(
        ("changes", "error", "match"),
        [
            ({"info": {}}, TypeError, "info must be an mne.Info, got dict"),
            ({"spectral": np.zeros((8, 62))}, ValueError, r"\(any, 62, 5\).*got \(8, 62\)"),
            ({"spectral": np.zeros((8, 62, 4))}, ValueError, r"\(any, 62, 5\).*\(8, 62, 4\)"),
            ({"temporal": np.zeros((7, 62, 25))}, ValueError, r"temporal .* got \(7, 62, 25\)"),
            ({"metadata": pd.DataFrame({"a": [1]})}, ValueError, "metadata .* 8 epochs, got 1"),
            ({"events": np.zeros((9, 3))}, ValueError, "events must have one row .* got 9"),
        ],
    )
    def test_parts_that_do_not_fit(self, few, changes, error, match):
        parts = {"spectral": few.spectral, "temporal": few.temporal, "info": few.info}
        with pytest.raises(error, match=match):
            EpochsFeatures(**(parts | changes))


class TestConcatenate:
    def test_rows_follow_each_other(self, few):
        joined = concatenate_features([few[:3], few[3:4], few[4:]])
        np.testing.assert_array_equal(np.asarray(joined), np.asarray(few))
        pd.testing.assert_frame_equal(joined.metadata, few.metadata)
        np.testing.assert_array_equal(joined.events, few.events)

    def test_channels_are_aligned(self, few):
        turned = few.pick(few.ch_names[::-1])
        joined = concatenate_features([few, turned])
        assert joined.ch_names == few.ch_names
        np.testing.assert_array_equal(joined.spectral[8:], few.spectral)
        np.testing.assert_array_equal(joined.temporal[8:], few.temporal)

    def test_rows_that_only_some_have_are_left_out(self, few):
        bare = EpochsFeatures(few.spectral, few.temporal, few.info, few.settings)
        joined = concatenate_features([few, bare])
        assert joined.metadata is None
        assert joined.events is None

    @pytest.mark.parametrize(
        ("params", "match"),
        [
            ({"method": "seed"}, r"features\[1\] .*method='seed' where 'spectral' was expected"),
            ({"bands": {**BANDS, "gamma": (30, 50)}}, r"bands=.*30\.0"),
            ({"temporal": "power"}, "temporal='power' where 'signal' was expected"),
            ({"temporal_sfreq": 100.0}, "temporal_sfreq=100.0 where 125.0 was expected"),
            ({"n_times": 20}, "n_times=20 where 25 was expected"),
            ({"smoothing": "lds", "trial": "trial"}, "smoothing='lds' where None was expected"),
        ],
    )
    def test_other_settings_are_named(self, epochs, few, params, match):
        with pytest.raises(ValueError, match=match):
            concatenate_features([few, extract(epochs[:2], **params)])

    def test_other_channels_are_named(self, few):
        with pytest.raises(ValueError, match="channels that only one of them has: CZ, OZ"):
            concatenate_features(
                [few, few.pick([n for n in few.ch_names if n not in ("CZ", "OZ")])]
            )

    @pytest.mark.parametrize("parts", [[], [np.zeros((2, 3, 4))]])
    def test_other_kinds(self, parts):
        with pytest.raises(TypeError, match="must be a list of EpochsFeatures"):
            concatenate_features(parts)


class TestSettings:
    def test_survive_json(self):
        settings = FeatureSettings(bands=[["x", 1, 2]], temporal_band=[3, 4], sfreq=200.0)
        again = FeatureSettings(**json.loads(json.dumps(asdict(settings))))
        assert again == settings
        assert hash(again) == hash(settings)
        assert settings.differences(again) == []
        with pytest.raises(FrozenInstanceError):
            settings.method = "seed"

    @pytest.mark.parametrize(
        ("ours", "theirs", "expected"),
        [
            # What is not used does not matter, nor a sample more in the window.
            ({}, {"temporal_band": (1, 2)}, []),
            ({"temporal": "power"}, {"temporal": "power", "temporal_sfreq": 9.0}, []),
            ({"window": 1.0}, {"window": 1.005}, []),
            ({"window": 1.0}, {"window": None}, []),
            ({"window": 1.0}, {"window": 1.1}, ["windows of 1.1 s where 1 s were expected"]),
            ({"sfreq": 200.0}, {"sfreq": 250.0}, ["sfreq=250.0 where 200.0 was expected"]),
            (
                {"temporal_position": "end"},
                {"method": "seed"},
                [
                    "method='seed' where 'spectral' was expected",
                    "temporal_position='center' where 'end' was expected",
                ],
            ),
        ],
    )
    def test_differences(self, ours, theirs, expected):
        assert FeatureSettings(**ours).differences(FeatureSettings(**theirs)) == expected

    @pytest.mark.parametrize(
        ("options", "n_times", "first", "last"),
        [
            ({"temporal_position": "start", "window": 1.0}, 25, 0.004, 0.196),
            ({"temporal_position": "center", "window": 1.0}, 25, 0.404, 0.596),
            ({"temporal_position": 0.3, "window": 1.0}, 25, 0.304, 0.496),
            ({"temporal_sfreq": None, "window": 2.0}, 10, 0.1, 1.9),
            ({"temporal": "power", "window": 2.0}, 10, 0.1, 1.9),
            ({"window": None}, 25, 0.004, 0.196),
        ],
    )
    def test_moments(self, options, n_times, first, last):
        moments = FeatureSettings(**options).moments(n_times)
        expected = np.linspace(first, last, n_times)
        np.testing.assert_allclose(moments, expected, rtol=0, atol=1e-12)

    @pytest.mark.parametrize(
        ("options", "match"),
        [
            ({"method": "welch"}, "method must be one of"),
            ({"temporal": "waves"}, "temporal must be one of"),
            ({"bands": [("x", 4, 1)]}, r"bands\['x'\]"),
        ],
    )
    def test_bad_ones(self, options, match):
        with pytest.raises(ValueError, match=match):
            FeatureSettings(**options)


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


def test_chosen_by_a_query_as_epochs_are(epochs, features):
    chosen = features["subject == 2 and emotion != 'neutral'"]
    expected = epochs["subject == 2 and emotion != 'neutral'"]
    assert 0 < len(chosen) < len(features)
    pd.testing.assert_frame_equal(chosen.metadata, expected.metadata.reset_index(drop=True))
    mine = (features.metadata["subject"] == 2) & (features.metadata["emotion"] != "neutral")
    np.testing.assert_array_equal(chosen.spectral, features.spectral[mine])
    # Rows are counted, whatever the index of the table.
    np.testing.assert_array_equal(chosen["emotion == 'positive'"].metadata["emotion"], "positive")
    assert len(features["subject == 9"]) == 0


@pytest.mark.parametrize("query", ["neutral", "emotion ==", "person == 2", "emotion"])
def test_queries_that_cannot_be_answered(query, features):
    with pytest.raises(KeyError, match=r"no query of the metadata.*columns subject"):
        features[query]
    bare = EpochsFeatures(features.spectral, features.temporal, features.info)
    with pytest.raises(KeyError, match="have none"):
        bare[query]


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
