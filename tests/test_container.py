"""Features as a container: rows, joins and settings."""

import json
import sys
from dataclasses import FrozenInstanceError, asdict
from itertools import islice

import numpy as np
import pandas as pd
import pytest
from helpers import extract
from sklearn.model_selection import train_test_split
from sklearn.utils import resample

from mne_sst import (
    BANDS,
    EpochsFeatures,
    concatenate_features,
)
from mne_sst.features import FeatureSettings, lds


@pytest.fixture
def few(features):
    """The first two trials, four windows each."""
    return features[:8]


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


def test_size_is_that_of_the_arrays(features):
    """dask sends what is large once to each worker."""
    arrays = features.spectral.nbytes + features.temporal.nbytes
    assert arrays < sys.getsizeof(features) < arrays + 10_000
