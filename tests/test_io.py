import json
import pickle
import stat

import mne
import numpy as np
import pandas as pd
import pytest
from safetensors import safe_open
from safetensors.numpy import save_file

from mne_sst import EpochsFeatures, FeatureExtractor, _io, read_features
from mne_sst._io import info_from_json, info_to_json, read_arrays, write_arrays

NAME = "x-feat.safetensors"


@pytest.fixture
def few(features):
    return features[:6]


@pytest.fixture
def saved(few, tmp_path):
    few.save(tmp_path / NAME)
    return tmp_path / NAME


def locations(info):
    return np.array([ch["loc"][:3] for ch in info["chs"]])


def with_table(features, table):
    return EpochsFeatures(
        features.spectral, features.temporal, features.info, features.settings, metadata=table
    )


def round_trip(features, folder):
    features.save(folder / NAME, overwrite=True)
    return read_features(folder / NAME)


class TestRoundTrip:
    def test_everything_comes_back(self, few, saved):
        back = read_features(saved)
        for name in ("spectral", "temporal", "events"):
            ours, theirs = getattr(few, name), getattr(back, name)
            np.testing.assert_array_equal(theirs, ours)
            assert theirs.dtype == ours.dtype
        assert back.settings == few.settings
        assert back.bands == few.bands
        pd.testing.assert_frame_equal(back.metadata, few.metadata)
        assert back.ch_names == few.ch_names
        assert back.info["sfreq"] == few.info["sfreq"]
        np.testing.assert_allclose(locations(back.info), locations(few.info), rtol=0, atol=1e-12)

    @pytest.mark.parametrize("dtype", ["float32", "float64"])
    @pytest.mark.parametrize("temporal", ["signal", "power"])
    def test_settings(self, epochs, tmp_path, dtype, temporal):
        extractor = FeatureExtractor(
            bands={"mu": (8, 13)},
            method="seed",
            temporal=temporal,
            temporal_sfreq=100.0,
            temporal_position=0.1,
            temporal_band=(5.5, 40),
            smoothing="lds",
            trial=["subject", "trial"],
            dtype=dtype,
            verbose=False,
        )
        made = extractor.transform(epochs[:6])
        back = round_trip(made, tmp_path)
        assert back.settings == made.settings
        assert hash(back.settings) == hash(made.settings)
        assert back.spectral.dtype == back.temporal.dtype == dtype

    def test_parts_left_out(self, few, tmp_path):
        bare = EpochsFeatures(few.spectral[::-1, :, ::-1], None, few.info, few.settings)
        back = round_trip(bare, tmp_path)
        assert back.metadata is None
        assert back.events is None
        assert back.temporal.shape == (6, 62, 0)
        assert back.settings.temporal is None
        # Turned round in memory, not in the file.
        np.testing.assert_array_equal(back.spectral, bare.spectral)

    def test_no_epochs(self, few, tmp_path):
        back = round_trip(few[:0], tmp_path)
        assert back.shape == (0, 62, 30)
        assert list(back.metadata.columns) == list(few.metadata.columns)

    @pytest.mark.parametrize(
        "column",
        [
            pd.Series([1, -2, 3, 2**60, 0, 5]),
            pd.Series([1.5, np.nan, np.inf, -0.0, 1e-300, 0.1]),
            pd.Series([0.1, np.nan, 2, 3, 4, 5], dtype="float32"),
            pd.Series(["a", "é", "", "None", "a b", "\n"]),
            pd.Series(["a", None, "b", "c", "d", "e"]),
            pd.Series([True, False, True, True, False, False]),
            pd.Series([1, None, 3, 4, 5, 6], dtype="Int64"),
            pd.Series([1, "a", None, 2.5, True, "b"], dtype=object),
            pd.Series(pd.Categorical(["a", "b", "a", "c", "c", "a"])),
            pd.Series(
                pd.Categorical(
                    ["low", "high", "low", "mid", "mid", "low"],
                    categories=["low", "mid", "high", "never"],
                    ordered=True,
                )
            ),
        ],
        ids=["int", "float", "f4", "str", "str-na", "bool", "Int64", "object", "cat", "ordered"],
    )
    def test_metadata_types(self, few, tmp_path, column):
        table = pd.DataFrame({"x": column, 3: np.arange(6)})
        back = round_trip(with_table(few, table), tmp_path).metadata
        pd.testing.assert_frame_equal(back, table)

    @pytest.mark.parametrize(
        "column", [pd.date_range("2020", periods=6), [np.zeros(2)] * 6, [1j] * 6, [{1}] * 6]
    )
    def test_metadata_that_no_file_can_keep(self, few, tmp_path, column):
        table = pd.DataFrame({"fine": range(6), "odd": column})
        with pytest.raises(TypeError, match="metadata column 'odd' holds values that a file"):
            with_table(few, table).save(tmp_path / NAME)
        assert list(tmp_path.iterdir()) == []


class TestInfo:
    PLACES = {"A": (0.01, 0.08, 0.03), "B": (0.0, 0.0, 0.1), "C": (0.05, -0.06, 0.04)}
    FIDUCIALS = {"nasion": (0, 0.1, -0.02), "lpa": (-0.08, 0, -0.03), "rpa": (0.08, 0.01, -0.03)}

    @pytest.fixture
    def info(self):
        info = mne.create_info(["A", "B", "C", "D"], 250.5, ["eeg", "eeg", "seeg", "eeg"])
        info["bads"] = ["B"]
        return info

    @pytest.mark.parametrize("frame", ["head", "mri", "unknown"])
    @pytest.mark.parametrize("fiducials", [{}, FIDUCIALS])
    def test_positions(self, info, frame, fiducials):
        points = {k: np.array(v, dtype=float) for k, v in (self.PLACES | fiducials).items()}
        marks = {k: points.pop(k) for k in fiducials}
        montage = mne.channels.make_dig_montage(points, **marks, coord_frame=frame)
        # D stays without a place.
        info.set_montage(montage, on_missing="ignore", verbose="ERROR")
        back = info_from_json(json.loads(json.dumps(info_to_json(info))))
        np.testing.assert_allclose(locations(back), locations(info), rtol=0, atol=1e-12)
        assert np.isnan(locations(back)[3]).all()
        assert back.ch_names == info.ch_names
        assert back.get_channel_types() == info.get_channel_types()
        assert back["sfreq"] == 250.5
        assert back["bads"] == ["B"]

    def test_without_positions(self, info):
        back = info_from_json(json.loads(json.dumps(info_to_json(info))))
        assert back.get_montage() is None
        assert np.isnan(locations(back)).all()

    def test_places_without_digitization(self, info):
        # As in recordings whose reader knew places but no fiducials.
        for ch, place in zip(info["chs"], self.PLACES.values(), strict=False):
            ch["loc"][:3] = place
        assert info["dig"] is None
        back = info_from_json(json.loads(json.dumps(info_to_json(info))))
        np.testing.assert_allclose(locations(back)[:3], locations(info)[:3], rtol=0, atol=1e-12)

    @pytest.mark.parametrize("names", [["OZ", "CZ", "FP1"], ["T8"]])
    def test_some_channels_in_another_order(self, few, tmp_path, names):
        picked = few.pick(names)
        back = round_trip(picked, tmp_path)
        assert back.ch_names == names
        np.testing.assert_allclose(locations(back.info), locations(picked.info), atol=1e-12)


class TestFile:
    def test_holds_nothing_about_the_person(self, small_info, rng, tmp_path):
        data = 1e-5 * rng.standard_normal((10, 600))
        named = mne.io.RawArray(data, small_info.copy(), verbose="ERROR")
        named.info["subject_info"] = {
            "his_id": "secret-id",
            "last_name": "Secretname",
            "birthday": pd.Timestamp("1991-02-03").date(),
        }
        named.info["description"] = named.info["experimenter"] = "Secretname"
        named.set_meas_date(1234567890)
        features = FeatureExtractor(verbose=False).transform(named)
        features.save(tmp_path / NAME)
        content = (tmp_path / NAME).read_bytes().lower()
        for word in (b"secret", b"1991", b"1234567890", b"2009", b"birthday", b"meas_date"):
            assert word not in content
        back = read_features(tmp_path / NAME).info
        assert back["subject_info"] is None
        assert back["meas_date"] is None

    def test_is_json_and_arrays_without_pickle(self, few, saved, monkeypatch):
        with safe_open(saved, framework="numpy") as file:
            header = json.loads(file.metadata()["header"])
            assert set(file.keys()) == {"spectral", "temporal", "events"}
        assert set(header) == {"info", "settings", "metadata"}
        content = saved.read_bytes()
        # 8 bytes of length, JSON, and the arrays as they are in memory: no room for more.
        length = int.from_bytes(content[:8], "little")
        json.loads(content[8 : 8 + length])
        arrays = few.spectral.nbytes + few.temporal.nbytes + few.events.nbytes
        assert len(content) == 8 + length + arrays

        def refuse(*args, **kwargs):
            raise AssertionError("unpickled")

        for name in ("load", "loads", "Unpickler"):
            monkeypatch.setattr(pickle, name, refuse)
        assert len(read_features(saved)) == 6

    @pytest.mark.parametrize("name", ["x.npz", "x-feat.h5", "x", "x.safetensors.bak"])
    def test_wrong_suffix(self, few, tmp_path, name):
        with pytest.raises(ValueError, match=r"fname must end in '\.safetensors', got .*x"):
            few.save(tmp_path / name)
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize("as_path", [str, lambda p: p])
    def test_overwrite(self, few, saved, as_path):
        before = saved.read_bytes()
        with pytest.raises(FileExistsError, match="exists; use overwrite=True"):
            few[:2].save(as_path(saved))
        assert saved.read_bytes() == before
        few[:2].save(as_path(saved), overwrite=True)
        assert len(read_features(as_path(saved))) == 2

    def test_may_be_overwritten_by_what_was_read_from_it(self, few, saved):
        back = read_features(saved)
        back[3:].save(saved, overwrite=True)
        np.testing.assert_array_equal(read_features(saved).spectral, few.spectral[3:])
        np.testing.assert_array_equal(back.spectral, few.spectral)

    def test_failed_write_leaves_the_old_file(self, few, saved, monkeypatch):
        def break_off(arrays, fname, metadata):
            with open(fname, "wb") as file:
                file.write(b"half")
            raise OSError("no space left")

        before = saved.read_bytes()
        monkeypatch.setattr(_io, "save_file", break_off)
        with pytest.raises(OSError, match="no space left"):
            few.save(saved, overwrite=True)
        assert saved.read_bytes() == before
        assert list(saved.parent.iterdir()) == [saved]

    def test_header_that_json_cannot_hold(self, tmp_path):
        with pytest.raises(TypeError):
            write_arrays(tmp_path / NAME, {}, {"x": {1}}, kind="test")
        assert list(tmp_path.iterdir()) == []

    def test_permissions_are_those_of_any_file(self, saved):
        plain = saved.with_name("plain")
        plain.touch()
        assert stat.S_IMODE(saved.stat().st_mode) == stat.S_IMODE(plain.stat().st_mode)
        assert sorted(saved.parent.iterdir()) == sorted([saved, plain])


class TestBadFiles:
    @pytest.mark.parametrize("kept", [0, 1, 7, 8, 100, 0.5, -1])
    def test_truncated(self, saved, kept):
        content = saved.read_bytes()
        saved.write_bytes(content[: int(kept * len(content)) if kept == 0.5 else kept])
        with pytest.raises(ValueError, match=r"x-feat.safetensors is no safetensors file, or a"):
            read_features(saved)

    @pytest.mark.parametrize("content", [b"PK\x03\x04" + bytes(500), b"x,y\n1,2\n" * 50])
    def test_foreign(self, saved, content):
        saved.write_bytes(content)
        with pytest.raises(ValueError, match="no safetensors file"):
            read_features(saved)

    @pytest.mark.parametrize(
        ("metadata", "match"),
        [
            (None, "holds 'something that mne_sst did not write', expected 'features'"),
            ({"mne_sst": "classifier"}, "holds 'classifier', expected 'features'"),
            ({"mne_sst": "features"}, "m.safetensors"),
            ({"mne_sst": "features", "header": "{"}, "m.safetensors"),
            ({"mne_sst": "features", "header": "{}"}, "m.safetensors"),
        ],
    )
    def test_safetensors_of_another_kind(self, few, tmp_path, metadata, match):
        save_file({"spectral": few.spectral}, tmp_path / "m.safetensors", metadata)
        with pytest.raises(ValueError, match=match):
            read_features(tmp_path / "m.safetensors")

    def test_nan_in_a_file_is_refused(self, few, saved):
        arrays, header = read_arrays(saved, kind="features")
        arrays["temporal"][2, 3, 4] = np.nan
        write_arrays(saved, arrays, header, kind="features", overwrite=True)
        with pytest.raises(
            ValueError, match=r"temporal holds 1 value.* epoch 2, channel 3, value 4"
        ):
            read_features(saved)

    @pytest.mark.parametrize("name", ["nothing.safetensors", "."])
    def test_no_file(self, tmp_path, name):
        with pytest.raises(FileNotFoundError, match="fname: there is no file"):
            read_features(tmp_path / name)
