"""Features under an average reference."""

import mne
import numpy as np
import pytest
from helpers import extract

from mne_sst import FeatureExtractor
from mne_sst.features import FeatureSettings


@pytest.fixture
def few(epochs):
    return epochs[:5].copy().pick(epochs.ch_names[:7])


@pytest.mark.parametrize("temporal", ["signal", "power"])
@pytest.mark.parametrize("method", ["spectral", "bandpass", "seed"])
def test_it_is_that_of_mne(few, method, temporal):
    params = dict(method=method, temporal=temporal, bands=["alpha", "beta", "gamma"])
    ours = extract(few, reference="average", **params)
    theirs = extract(few.copy().set_eeg_reference("average", verbose="ERROR"), **params)
    np.testing.assert_allclose(ours.spectral, theirs.spectral, rtol=1e-9)
    np.testing.assert_allclose(ours.temporal, theirs.temporal, rtol=1e-9, atol=1e-15)
    again = extract(few.copy().set_eeg_reference("average", verbose="ERROR"), reference="average")
    np.testing.assert_allclose(again.spectral, extract(few, reference="average").spectral)


def test_a_filtered_recording_too(few):
    data = np.concatenate(list(few.get_data(copy=False)), axis=1)
    raw = mne.io.RawArray(data, few.info, verbose="ERROR")
    params = dict(method="bandpass", window=1.0, bands=["alpha", "beta"])
    ours = extract(raw, reference="average", **params)
    raw.set_eeg_reference("average", verbose="ERROR")
    np.testing.assert_allclose(ours.spectral, extract(raw, **params).spectral, rtol=1e-6)


def test_the_reference_of_the_recording_drops_out(few):
    moved = mne.EpochsArray(few.get_data() - few.get_data()[:, 2:3], few.info, verbose="ERROR")
    np.testing.assert_allclose(
        extract(few, reference="average").spectral, extract(moved, reference="average").spectral
    )
    assert not np.allclose(extract(few).spectral[:, 0], extract(moved).spectral[:, 0])


def test_settings_tell(few):
    settings = extract(few, reference="average").settings
    assert settings.reference == "average"
    assert FeatureSettings().reference is None
    assert settings.differences(extract(few).settings) == [
        "reference=None where 'average' was expected"
    ]


def test_bad_input(few):
    with pytest.raises(ValueError, match="reference must be one of"):
        FeatureExtractor(reference="Cz").fit()
    with pytest.raises(ValueError, match="two channels at least"):
        extract(few.copy().pick([0]), reference="average")
