"""Readers of SEED and SEED-IV, on small files of their structure."""

import shutil
import warnings

import mne
import numpy as np
import pytest
from scipy.io import loadmat, savemat

from mne_sst import FeatureExtractor, SSTClassifier, differential_entropy
from mne_sst.datasets import read_seed, read_seed_iv
from mne_sst.datasets._seed import CHANNELS, SEED_IV
from mne_sst.evaluation import FixedTrials

# Small folders have fewer sessions than the official one.
pytestmark = pytest.mark.filterwarnings("ignore:SEED. subject .* has recordings of . date")
SECONDS = (5, 3, 4)
SEED_LABELS = [1, 0, -1]


def signals(seed, seconds, n_channels=62):
    rng = np.random.default_rng(seed)
    # Microvolts, and one sample more than whole seconds, as in the official files.
    return 20 * rng.standard_normal((n_channels, round(seconds * 200) + 1))


def official_features(eeg, window):
    """What the official files hold, but for smoothing: (62, n_windows, 5)."""
    n = round(200 * window)
    cut = eeg[:, : eeg.shape[1] // n * n].reshape(62, -1, n) * 1e-6
    return differential_entropy(cut, 200.0, method="seed")


@pytest.fixture(scope="module")
def seed_folder(tmp_path_factory):
    """Subjects 2 and 10, whose files sort the wrong way round; two sessions each."""
    folder = tmp_path_factory.mktemp("SEED")
    (folder / "Preprocessed_EEG").mkdir()
    (folder / "ExtractedFeatures").mkdir()
    for sub in ("Preprocessed_EEG", "ExtractedFeatures"):
        savemat(folder / sub / "label.mat", {"label": np.array([SEED_LABELS])})
    # The later date comes first in the alphabet of nothing: names are dates.
    for i, stem in enumerate(["10_20131130", "10_20131204", "2_20140413", "2_20140404"]):
        raw, features = {}, {}
        for trial, seconds in enumerate(SECONDS, start=1):
            eeg = signals(100 * i + trial, seconds)
            raw[f"{'ww' if i < 2 else 'jl'}_eeg{trial}"] = eeg
            de = official_features(eeg, 1.0)
            features[f"de_LDS{trial}"], features[f"de_movingAve{trial}"] = de, de + 1
        savemat(folder / "Preprocessed_EEG" / f"{stem}.mat", raw, do_compression=True)
        savemat(folder / "ExtractedFeatures" / f"{stem}.mat", features)
    return folder


@pytest.fixture(scope="module")
def seed_iv_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("SEED_IV")
    for session in (1, 2):
        raw, features = {}, {}
        for trial in range(1, 25):
            eeg = signals(trial + 1000 * session, 8.5)
            raw[f"cz_eeg{trial}"] = eeg
            features[f"de_LDS{trial}"] = official_features(eeg, 4.0)
        for name, values in (("eeg_raw_data", raw), ("eeg_feature_smooth", features)):
            (folder / name / str(session)).mkdir(parents=True)
            savemat(folder / name / str(session) / f"3_2015070{session}.mat", values)
    return folder


def test_signals(seed_folder):
    epochs = read_seed(seed_folder)
    table = epochs.metadata
    assert len(epochs) == 4 * sum(SECONDS)
    assert epochs.info["sfreq"] == 200
    assert epochs.get_data(copy=False).shape[1:] == (62, 200)
    assert list(dict.fromkeys(table["subject"])) == [2, 10]
    assert table.groupby(["subject", "session", "trial"]).size().to_list() == list(SECONDS) * 4
    trial = table.groupby("trial")[["label", "emotion"]].first()
    assert trial["label"].to_list() == SEED_LABELS
    assert trial["emotion"].to_list() == ["positive", "neutral", "negative"]
    # Subject 2's first session is that of the earlier date; volts.
    first = epochs[0].get_data(copy=False)[0]
    np.testing.assert_allclose(first, signals(301, 5)[:, :200] * 1e-6)
    assert epochs["positive"].metadata["label"].eq(1).all()
    assert len(np.unique(epochs.events[:, 0])) == len(epochs)
    assert np.isfinite([ch["loc"][:3] for ch in epochs.info["chs"]]).all()
    assert {"Fp1", "Cz", "CB1", "CB2"} <= set(epochs.ch_names)


def test_windows_are_cut_within_trials(seed_folder):
    epochs = read_seed(seed_folder, subjects=[2], sessions=[2], window=2.0, overlap=1.0)
    assert epochs.metadata.groupby("trial").size().to_list() == [4, 2, 3]
    starts = epochs.events[epochs.metadata["trial"] == 1, 0]
    assert np.diff(starts).tolist() == [200] * 3
    with pytest.raises(ValueError, match=r"'jl_eeg2' has 3.005 s, less than one window of 4 s"):
        read_seed(seed_folder, subjects=[2], window=4.0)


def test_only_what_is_asked_for_is_opened(seed_folder, tmp_path):
    shutil.copytree(seed_folder, tmp_path / "SEED")
    for file in (tmp_path / "SEED").rglob("10_*.mat"):
        file.write_bytes(b"broken")
    epochs = read_seed(tmp_path / "SEED", subjects=[2])
    assert set(epochs.metadata["subject"]) == {2}
    with pytest.raises(ValueError, match=r"10_2013\d+.mat.* cannot be read"):
        read_seed(tmp_path / "SEED")


def test_official_features_with_clips(seed_folder):
    features = read_seed(seed_folder, data="features")
    raw = read_seed(seed_folder)
    assert features.method == "seed"
    assert features.settings.smoothing == "lds"
    assert features.metadata.equals(raw.metadata)
    de = differential_entropy(raw.get_data(copy=False), 200.0, method="seed")
    np.testing.assert_allclose(features.spectral, de, rtol=1e-5)
    clips = FeatureExtractor(verbose=False).transform(raw).temporal
    np.testing.assert_allclose(features.temporal, clips, rtol=1e-4, atol=1e-12)
    averaged = read_seed(seed_folder, data="features", smoothing="moving_average")
    np.testing.assert_allclose(averaged.spectral, de + 1, rtol=1e-5)


def test_official_features_alone(seed_folder, tmp_path):
    shutil.copytree(seed_folder / "ExtractedFeatures", tmp_path / "ExtractedFeatures_1s")
    features = read_seed(tmp_path, data="features")
    assert features.temporal.shape[2] == 0
    clf = SSTClassifier(
        streams="spectral", grid_shape=(8, 8), max_epochs=1, precision="fp32", verbose=False
    )
    clf.fit(features, features.metadata["label"])
    with pytest.raises(FileNotFoundError, match="Preprocessed_EEG"):
        read_seed(tmp_path)


def test_seed_iv(seed_iv_folder):
    epochs = read_seed_iv(seed_iv_folder, sessions=[2])
    assert len(epochs) == 24 * 2
    labels = epochs.metadata.groupby("trial")["label"].first()
    expected = "2 1 3 0 0 2 0 2 3 3 2 3 2 0 1 1 2 1 0 3 0 1 3 1"
    assert labels.to_list() == [int(label) for label in expected.split()]
    assert set(epochs.metadata["emotion"]) == {"neutral", "sad", "fear", "happy"}
    features = read_seed_iv(seed_iv_folder, data="features")
    assert features.settings.window == 4.0
    assert features.metadata.groupby("session").size().to_list() == [48, 48]
    # Session 1's customary test trials hold no "sad" at all.
    table = features.metadata
    late = table[(table["session"] == 1) & (table["trial"] > 16)]
    assert "sad" not in set(late["emotion"])


def test_matlab_7_3(seed_folder, tmp_path):
    h5py = pytest.importorskip("h5py")
    folder = tmp_path / "Preprocessed_EEG"
    folder.mkdir()
    with h5py.File(folder / "label.mat", "w") as file:
        file["label"] = np.array([SEED_LABELS]).T
    with h5py.File(folder / "1_20131027.mat", "w", userblock_size=512) as file:
        for trial, seconds in enumerate(SECONDS, start=1):
            file[f"djc_eeg{trial}"] = signals(trial, seconds).T
    epochs = read_seed(tmp_path)
    np.testing.assert_allclose(epochs[0].get_data(copy=False)[0], signals(1, 5)[:, :200] * 1e-6)


def damaged(folder, tmp_path, change):
    target = shutil.copytree(folder, tmp_path / "SEED")
    change(target / "Preprocessed_EEG", target / "ExtractedFeatures")
    return target


def rewrite(path, **changes):
    content = {k: v for k, v in loadmat(path).items() if not k.startswith("__")}
    content.update(changes)
    savemat(path, {k: v for k, v in content.items() if v is not None})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda raw, _: (raw / "label.mat").unlink(), "label.mat is missing"),
        (
            lambda raw, _: rewrite(raw / "2_20140404.mat", jl_eeg2=None),
            "2_20140404.mat has no variable .* trial 2",
        ),
        (
            lambda raw, _: rewrite(raw / "2_20140404.mat", jl_eeg4=signals(0, 2)),
            "has trial 4, but 3 labels",
        ),
        (
            lambda raw, _: rewrite(raw / "2_20140404.mat", jl_eeg1=signals(0, 2, 61)),
            r"'jl_eeg1' must have shape \(62, n\), got \(61, 401\)",
        ),
        (
            lambda raw, _: rewrite(raw / "2_20140404.mat", jl_eeg1=np.full((62, 500), np.nan)),
            "'jl_eeg1' has values that are NaN",
        ),
        (
            lambda raw, _: rewrite(raw / "label.mat", label=np.array([[1, 0, 7]])),
            r"label.mat: 'label' holds \[7\]",
        ),
        (
            lambda raw, _: rewrite(raw / "label.mat", label=np.array([[1, 0.7, -1]])),
            r"label.mat: 'label' holds \[0.7\]",
        ),
        (
            lambda raw, _: (raw / "2_20140404.mat").write_bytes(
                (raw / "2_20140404.mat").read_bytes()[:-5000]
            ),
            "2_20140404.mat.* cannot be read",
        ),
        (lambda raw, _: [f.unlink() for f in raw.glob("*_*.mat")], "holds no file named like"),
        (
            lambda raw, _: rewrite(raw / "2_20140404.mat", zz_eeg2=signals(0, 2)),
            "2_20140404.mat has two variables for trial 2, '(jl|zz)_eeg2' and '(jl|zz)_eeg2'",
        ),
        (
            lambda _, features: rewrite(features / "label.mat", label=np.array([[1, 0, 0]])),
            r"Preprocessed_EEG.label.mat and .*Features.label.mat differ, \[1, 0, -1\] and",
        ),
    ],
)
def test_what_is_wrong_is_named(change, message, seed_folder, tmp_path):
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        read_seed(damaged(seed_folder, tmp_path, change))


def test_features_of_another_recording_are_refused(seed_folder, tmp_path):
    def change(_, features):
        rewrite(features / "2_20140404.mat", de_LDS1=np.zeros((62, 9, 5)))

    with pytest.raises(ValueError, match=r"'jl_eeg1' holds 5.00 windows .* features of 9"):
        read_seed(damaged(seed_folder, tmp_path, change), data="features")


@pytest.mark.parametrize(
    ("params", "message"),
    [
        (dict(subjects=[1]), r"subjects=\[1\]: 1 not found, only 2, 10"),
        (dict(sessions=[3]), "sessions"),
        (dict(subjects=[]), "subjects"),
        (dict(data="all"), "data"),
        (dict(smoothing="kalman"), "smoothing"),
        (dict(window=0), "window"),
        (dict(overlap=1.0), "overlap=1.0 s must be shorter"),
        (dict(overlap=0.999), "the step .* must be at least a sample of 0.005 s"),
        (dict(window=0.001), "at least a sample"),
        (dict(data="features", temporal="phase"), "temporal"),
    ],
)
def test_bad_arguments(params, message, seed_folder):
    with pytest.raises(ValueError, match=message):
        read_seed(seed_folder, **params)


def test_channels_and_labels_are_the_official_ones():
    expected = (
        "FP1 FPZ FP2 AF3 AF4 F7 F5 F3 F1 FZ F2 F4 F6 F8 FT7 FC5 FC3 FC1 FCZ FC2 FC4 FC6 FT8 T7 C5 "
        "C3 C1 CZ C2 C4 C6 T8 TP7 CP5 CP3 CP1 CPZ CP2 CP4 CP6 TP8 P7 P5 P3 P1 PZ P2 P4 P6 P8 PO7 "
        "PO5 PO3 POZ PO4 PO6 PO8 CB1 O1 OZ O2 CB2"
    )
    assert expected.split() == CHANNELS
    labels = {
        1: "123020010121112322330303",
        2: "213002023323201121030131",
        3: "122133311210233023002010",
    }
    assert SEED_IV.labels == {n: tuple(int(c) for c in text) for n, text in labels.items()}


def test_signals_and_features_of_a_session_belong_together(seed_folder, tmp_path):
    """One folder lacks the earlier session: the later one is the second in both."""

    def change(raw, _):
        (raw / "2_20140404.mat").unlink()

    folder = damaged(seed_folder, tmp_path, change)
    whole = read_seed(seed_folder, [2], [2], data="features")
    features = read_seed(folder, [2], [2], data="features")
    np.testing.assert_array_equal(features.temporal, whole.temporal)
    assert set(read_seed(folder, [2]).metadata["session"]) == {2}
    alone = read_seed(folder, [2], [1], data="features")
    assert alone.temporal.shape[2] == 0
    with pytest.raises(FileNotFoundError, match="no signals, the first one subject 2, session 1"):
        read_seed(folder, [2], data="features")
    with pytest.raises(ValueError, match=r"sessions=\[1\]: subject 2 has no session 1, only 2"):
        read_seed(folder, sessions=[1])


def test_features_of_four_seconds(seed_folder, tmp_path):
    folder = damaged(seed_folder, tmp_path, lambda *_: None)
    longer = folder / "ExtractedFeatures_4s"
    longer.mkdir()
    savemat(longer / "label.mat", {"label": np.array([SEED_LABELS])})
    values = {
        f"de_LDS{trial}": official_features(signals(300 + trial, seconds), 4.0)
        for trial, seconds in enumerate((5, 4, 4), start=1)
    }
    savemat(longer / "2_20140404.mat", values)
    with pytest.raises(ValueError, match=r"'jl_eeg2' holds 0.75 windows of 4 s, but .*de_LDS2"):
        read_seed(folder, [2], [1], data="features", window=4.0)
    rewrite(folder / "Preprocessed_EEG" / "2_20140404.mat", jl_eeg2=signals(302, 4))
    features = read_seed(folder, [2], [1], data="features", window=4.0)
    assert features.settings.window == 4.0
    np.testing.assert_allclose(features.spectral[0], values["de_LDS1"][:, 0], rtol=1e-6)
    with pytest.raises(ValueError, match="SEED are of windows of 1 or 4 s without overlap"):
        read_seed(folder, data="features", window=2.0)


@pytest.mark.parametrize("seconds", [4.95, 4.5, 4.0])
def test_signals_that_end_before_the_features(seed_folder, tmp_path, seconds):
    """What stands beside the last features is signal, and never made up."""
    eeg = signals(301, 5)[:, : round(200 * seconds)]

    def change(raw, _):
        rewrite(raw / "2_20140404.mat", jl_eeg1=eeg)

    folder = damaged(seed_folder, tmp_path, change)
    read = dict(subjects=[2], sessions=[1], data="features")
    if seconds == 4.0:
        with pytest.raises(ValueError, match=r"holds 4.00 windows .* features of 5.* cut off"):
            read_seed(folder, **read)
        return
    if seconds == 4.95:
        features = read_seed(folder, **read)
    else:
        with pytest.warns(RuntimeWarning, match=r"4.50 windows of 1 s.*Was the file cut off\?"):
            features = read_seed(folder, **read)
    info = read_seed(folder, [2], [1]).info
    last = mne.EpochsArray(1e-6 * eeg[None, :, -200:], info, verbose="ERROR")
    expected = FeatureExtractor(method="seed", verbose=False).transform(last).temporal[0]
    np.testing.assert_allclose(features.temporal[4], expected, rtol=1e-5, atol=1e-12)


def test_power_beside_official_features(seed_folder):
    read = dict(subjects=[2], sessions=[1])
    features = read_seed(seed_folder, **read, data="features", temporal="power")
    assert features.settings.temporal == "power"
    extractor = FeatureExtractor(method="seed", temporal="power", verbose=False)
    own = extractor.transform(read_seed(seed_folder, **read))
    np.testing.assert_allclose(features.temporal, own.temporal, rtol=1e-4)


def test_files_that_are_no_session_are_named(seed_iv_folder, tmp_path):
    folder = shutil.copytree(seed_iv_folder, tmp_path / "IV")
    (folder / "eeg_raw_data" / "1").rename(folder / "eeg_raw_data" / "old")
    with pytest.raises(ValueError, match=r"folders 1 to 3, got .*old.3_20150701.mat"):
        read_seed_iv(folder)


@pytest.mark.parametrize("initials", ["s1", "w_w", "d-j", "2"])
def test_initials_of_any_kind(seed_folder, tmp_path, initials):
    values = {f"{initials}_eeg{t}": signals(t, s) for t, s in enumerate(SECONDS, start=1)}
    folder = damaged(seed_folder, tmp_path, lambda raw, _: savemat(raw / "3_20131027.mat", values))
    assert len(read_seed(folder, [3])) == sum(SECONDS)


@pytest.mark.parametrize("data", ["raw", "features"])
def test_other_than_three_dates_are_a_warning(seed_folder, tmp_path, data):
    """They are counted over both folders, and only of those who are read."""
    folder = damaged(seed_folder, tmp_path, lambda *_: None)
    read = dict(subjects=[10], sessions=[1], data=data)
    with pytest.warns(RuntimeWarning, match=r"10 has .* 2 date.s. \(20131130, 20131204\)") as told:
        read_seed(folder, **read)
    assert [w.filename for w in told] == [__file__]
    for name in ("Preprocessed_EEG", "ExtractedFeatures"):
        shutil.copy(folder / name / "10_20131204.mat", folder / name / "10_20131211.mat")
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            read_seed(folder, **read)
    features = folder / "ExtractedFeatures"
    shutil.copy(features / "10_20131204.mat", features / "10_20140101.mat")
    with pytest.warns(RuntimeWarning, match="subject 10 has recordings of 4 date"):
        read_seed(folder, **read)


def test_seed_iv_pairs_files_of_one_date(seed_iv_folder, tmp_path):
    folder = shutil.copytree(seed_iv_folder, tmp_path / "IV")
    file = folder / "eeg_feature_smooth" / "2" / "3_20150702.mat"
    file.rename(file.with_name("3_20150703.mat"))
    message = r"raw_data.2.3_20150702.mat and .*smooth.2.3_20150703.mat stand for one session"
    with pytest.raises(ValueError, match=message):
        read_seed_iv(folder, data="features")
    assert len(read_seed_iv(folder, sessions=[1], data="features")) == 48
    assert len(read_seed_iv(folder)) == 96


def test_customary_protocol_of_the_official_features(tmp_path):
    """2010 windows train and 1384 test, as in the papers on SEED."""
    n_windows = [235, 233, 206, 238, 185, 195, 237, 216, 265, 237, 235, 233, 235, 238, 206]
    labels = [1, 0, -1, -1, 0, 1, -1, 0, 1, 1, 0, -1, 0, 1, -1]
    (tmp_path / "ExtractedFeatures").mkdir()
    savemat(tmp_path / "ExtractedFeatures" / "label.mat", {"label": np.array([labels])})
    content = {f"de_LDS{t}": np.ones((62, n, 5)) for t, n in enumerate(n_windows, start=1)}
    for date in ("20131027", "20131030", "20131107"):
        savemat(tmp_path / "ExtractedFeatures" / f"1_{date}.mat", content)
    features = read_seed(tmp_path, data="features")
    sizes = [(len(train), len(test)) for train, test in FixedTrials(9).split(features)]
    assert sizes == [(2010, 1384)] * 3
