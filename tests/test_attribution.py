"""Attributions of decisions: they add up, find what was learnt, and change with the weights."""

import warnings

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from conftest import tiny_classifier
from sklearn.base import clone

import mne_sst._gradients as gradients
from mne_sst import Attribution
from mne_sst.attribution import METHODS, randomization_check
from mne_sst.datasets import simulate_emotion
from mne_sst.regions import region_means


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def few(features):
    return features[:6]


@pytest.fixture(scope="module")
def fitted(features, y):
    """Do not change it."""
    return tiny_classifier(max_epochs=8, lr=5e-3).fit(features, y)


def test_integrated_gradients_add_up(fitted, few):
    """Their sum is the change in log odds, which are those of the prediction."""
    found = fitted.attribute(few, "positive")
    p = fitted.predict_proba(few)[:, list(fitted.classes_).index("positive")]
    np.testing.assert_allclose(found.odds, np.log(p / (1 - p)), atol=1e-4)
    change = np.maximum(np.abs(found.odds - found.base_odds), 1)
    assert (np.abs(found.completeness) < 1e-3 * change).all()
    assert found.spectral.shape == (6, 62, 5)
    assert found.temporal.shape == (6, 62, fitted.n_times_)
    assert found.labels.tolist() == ["positive"] * 6


def test_gradient_is_that_of_the_log_odds(fitted, few):
    """Against a difference of predictions, for the value that matters most."""
    found = fitted.attribute(few[:1], "negative", method="gradient")
    channel, band = np.unravel_index(np.abs(found.spectral[0]).argmax(), found.spectral[0].shape)
    which = list(fitted.classes_).index("negative")
    step = 0.002 * fitted.scaling_["spectral"][1][channel, band]
    odds = []
    for sign in (-1, 1):
        moved = few[:1]._replace(spectral=few[:1].spectral.copy())
        moved.spectral[0, channel, band] += sign * step
        p = fitted.predict_proba(moved)[0, which]
        odds.append(np.log(p / (1 - p)))
    slope = (odds[1] - odds[0]) / 0.004
    assert found.spectral[0, channel, band] == pytest.approx(slope, rel=0.1)


def test_occlusion_is_what_a_missing_value_costs(fitted, few):
    found = fitted.attribute(few[:1], "neutral", method="occlusion")
    which = list(fitted.classes_).index("neutral")
    mean = fitted.scaling_["spectral"][0]
    without = few[:1]._replace(spectral=few[:1].spectral.copy())
    without.spectral[0, 7, 3] = mean[7, 3]
    p = np.array([fitted.predict_proba(f)[0, which] for f in (few[:1], without)])
    change = np.diff(np.log(p / (1 - p)))[0]
    assert found.spectral[0, 7, 3] == pytest.approx(-change, abs=2e-4)


@pytest.mark.parametrize("method", METHODS)
def test_one_stream_and_committee(method, features, y):
    """A stream alone has its own half; several networks are explained as one."""
    clf = tiny_classifier(streams="spectral", n_networks=2, max_epochs=2).fit(features, y)
    found = clf.attribute(features[:2], method=method)
    assert found.temporal is None
    assert found.times is None
    assert found.electrode_streams == ("spectral",)
    assert found.labels.tolist() == clf.predict(features[:2]).tolist()
    assert np.ptp(found.spectral) > 0


def test_baseline_from_windows(fitted, features, few):
    """An epoch as its own baseline explains nothing."""
    found = fitted.attribute(few[:1], baseline=few[:1])
    assert np.abs(found.spectral).max() == 0
    assert found.odds == pytest.approx(found.base_odds)
    other = fitted.attribute(few[:1], baseline=features[20:30])
    assert np.abs(other.spectral).max() > 0


@pytest.mark.slow
def test_it_finds_what_was_planted():
    """Gamma of both temporal lobes speaks for a positive emotion."""
    epochs = simulate_emotion(n_subjects=1, n_trials=9, n_windows=8, effect=3.0)
    y = epochs.metadata["emotion"].to_numpy()
    clf = tiny_classifier(max_epochs=30, lr=5e-3, noise=1.0, validation_fraction=0).fit(epochs, y)
    # Every fourth window: two of each trial.
    epochs, y = epochs[::4], y[::4]
    gamma = clf.attribute(epochs, "positive").spectral[:, :, 4]
    change = gamma[y == "positive"].mean(axis=0) - gamma[y != "positive"].mean(axis=0)
    assert change.sum() > 0
    means, table = region_means(change[None], epochs.info)
    assert table["region"][means[0].argmax()] == "temporal"


def test_containers_share_tables_and_plots(fitted, few):
    found = fitted.attribute(few, method="gradient")
    table = found.to_data_frame()
    assert set(table["kind"]) == {"electrode", "band", "time"}
    assert (table["block"] == 0).all()
    mean = found.average(by=None)
    assert isinstance(mean, Attribution)
    np.testing.assert_allclose(mean.spectral[0], found.spectral.mean(0), rtol=1e-5)
    evoked = found.to_evoked(by=None, stream="temporal")[0]
    np.testing.assert_allclose(evoked.data[:, 0], found.temporal.sum(2).mean(0), rtol=1e-4)
    fig = found.plot_topomap(by=None, show=False)
    low, high = fig.axes[0].images[0].get_clim()
    assert low == pytest.approx(-high)
    assert found.plot_bands(show=False).axes[0].get_ylabel().startswith("sum of |gradient|")
    assert found.plot_times(show=False)
    assert "gradient" in repr(found)


def test_random_weights_give_other_attributions(fitted, few):
    before = fitted.predict_proba(few)
    table = randomization_check(fitted, few, method="gradient", n_repeats=2)
    assert len(table) == 4
    assert (table["rank_correlation"].abs() < 0.5).all()
    np.testing.assert_array_equal(fitted.predict_proba(few), before)
    again = randomization_check(fitted, few, method="gradient", n_repeats=2)
    assert again.equals(table)


def test_a_sum_that_does_not_come_right_is_said(fitted, few, monkeypatch):
    monkeypatch.setattr(gradients, "TOLERANCE", 0.0)
    monkeypatch.setattr(gradients, "_MOST_STEPS", 64)
    with pytest.warns(RuntimeWarning, match="completeness"):
        fitted.attribute(few[:2])


def test_bad_input(fitted, few, monkeypatch):
    with pytest.raises(ValueError, match="method"):
        fitted.attribute(few, method="lime")
    with pytest.raises(ValueError, match=r"target holds .* not in classes: bored; .* neutral"):
        fitted.attribute(few, "bored")
    with pytest.raises(ValueError, match=r"target must have .* one label an epoch"):
        fitted.attribute(few, ["positive"] * 2)
    with pytest.raises(TypeError, match="baseline cannot be used: X must be"):
        fitted.attribute(few, baseline="zero")
    with pytest.raises(ValueError, match="stream"):
        fitted.attribute(few, method="gradient").to_electrodes("both")
    monkeypatch.setattr(gradients.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ImportError, match="captum"):
        fitted.attribute(few)


def test_nothing_is_left_behind(fitted, few):
    """No gradients on the weights, no hooks, and the same predictions."""
    clf = clone(fitted)
    before = fitted.predict_proba(few)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fitted.attribute(few[:2])
    np.testing.assert_array_equal(fitted.predict_proba(few), before)
    assert not any(m._forward_hooks for m in fitted.module_.modules())
    assert torch.is_grad_enabled()
    assert clf.get_params()["attention"] == "both"


def test_sizes_of_gradients_are_summed(fitted, features):
    """What speaks for and against a class in one band must not cancel."""
    given = fitted.attribute(features[:6], method="gradient")
    np.testing.assert_allclose(given.bands, np.abs(given.spectral).sum(axis=1))
    np.testing.assert_allclose(given.times, np.abs(given.temporal).sum(axis=1))
    mean = given.average(by=None)
    np.testing.assert_allclose(mean.bands[0], given.bands.mean(axis=0), rtol=1e-6)
    assert "|gradient|" in given.depth_unit
    occluded = fitted.attribute(features[:2], method="occlusion")
    np.testing.assert_allclose(occluded.bands, occluded.spectral.sum(axis=1))


def test_resolved_by_band_and_moment(fitted, features, y):
    """Electrode by band and electrode by moment, in every table, figure and object."""
    few, truth = features[::6], y[::6]
    found = fitted.attribute(few, truth, method="gradient")
    table = found.to_data_frame(resolved=True)
    n, n_channels = len(few), len(few.ch_names)
    assert len(table) == n * n_channels * (5 + fitted.n_times_)
    assert list(table.columns)[-3:] == ["name", "point", "weight"]
    own = table[table["name"] == few.ch_names[40]]
    row = own[(own["epoch"] == 2) & (own["point"] == "alpha")]
    assert row["weight"].item() == found.spectral[2, 40, 2]
    times = own[(own["epoch"] == 1) & (own["stream"] == "temporal")]
    np.testing.assert_array_equal(times["weight"], found.temporal[1, 40])
    mean = found.average()
    evokeds = found.to_evoked(resolved=True)
    assert [e.comment for e in evokeds[:2]] == ["negative, delta", "negative, theta"]
    assert len(evokeds) == 15
    np.testing.assert_allclose(evokeds[7].data[:, 0], mean.spectral[1, :, 2])
    over_time = found.to_evoked(stream="temporal", resolved=True)
    assert [e.comment for e in over_time] == ["negative", "neutral", "positive"]
    np.testing.assert_allclose(over_time[2].data, mean.temporal[2])
    # Samples stand for the beginnings of the intervals whose middles are the moments.
    half = np.diff(found.moments).mean() / 2
    np.testing.assert_allclose(over_time[2].times, found.moments - half, atol=1e-6)
    regions = found.by_region(resolved=True)
    summed = regions.groupby(["epoch", "region", "side"])["weight"].sum()
    whole = found.by_region().set_index(["epoch", "region", "side"])["weight"]
    np.testing.assert_allclose(summed.loc[whole.index], whole, rtol=1e-5, atol=1e-6)  # float32
    fig = found.plot_topomap(resolved=True, show=False)
    heads = [ax for ax in fig.axes if ax.get_title()]
    assert len(heads) == 15  # each with its own stability
    assert [t.get_text() for ax in fig.axes for t in ax.texts] == list(features.bands)
    with pytest.raises(ValueError, match="stream"):
        found.plot_topomap(resolved=True, stream="temporal", show=False)


def test_evokeds_keep_positions_without_points(fitted, features):
    """Positions can be there without a montage."""
    found = fitted.attribute(features[:2], method="gradient")
    found.info = found.info.copy()
    found.info["bads"] = [found.info["ch_names"][3]]
    found.info.set_montage(None)
    for channel, known in zip(found.info["chs"], features.info["chs"], strict=True):
        channel["loc"] = known["loc"].copy()
    (evoked, *_) = found.to_evoked(stream="temporal", resolved=True)
    assert np.isfinite([channel["loc"][:3] for channel in evoked.info["chs"]]).all()
    assert evoked.info["bads"] == found.info["bads"]


def test_masks_resolved(fitted, features):
    """An electrode in a band gets the product of both masks, 1 where both are even."""
    attention = fitted.attention(features[:5])
    both = attention.to_evoked(by=np.arange(5), resolved=True)
    expected = attention.to_electrodes()[3] * attention.bands[3, 1] * 5
    np.testing.assert_allclose(both[3 * 5 + 1].data[:, 0], expected)
    alone = tiny_classifier(max_epochs=1, attention="spatial").fit(features, features.events[:, 2])
    attention = alone.attention(features[:2])
    assert attention.to_data_frame(resolved=True).empty
    with pytest.raises(ValueError, match="the spectral stream has no depth mask"):
        attention.to_evoked(resolved=True)
