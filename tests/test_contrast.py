"""Clusters of electrodes over subjects: found where they are, and seldom where they are not."""

import matplotlib.pyplot as plt
import mne
import numpy as np
import pytest

from mne_sst import concatenate_weights
from mne_sst.attribution import Attribution
from mne_sst.contrast import mean_pairwise_correlation
from mne_sst.features import FeatureSettings

PLANTED = ["O1", "Oz", "O2", "PO3", "POz", "PO4", "PO7", "PO8"]


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def info():
    montage = mne.channels.make_standard_montage("biosemi64")
    return mne.create_info(montage.ch_names, 250.0, "eeg").set_montage(montage)


def weights(info, rng, size=1.0, n_subjects=10, n_epochs=4):
    """Attributions of two classes, which differ at the back of the head."""
    labels = np.tile(["a", "b"], n_subjects * n_epochs)
    subjects = np.repeat(np.arange(n_subjects), 2 * n_epochs)
    values = rng.standard_normal((len(labels), len(info["ch_names"]), 5)) * 0.3
    back = [info["ch_names"].index(name) for name in PLANTED]
    values[np.ix_(labels == "a", back)] += size
    found = Attribution(
        {"spectral": values},
        info,
        FeatureSettings(sfreq=200.0, window=1.0),
        labels=labels,
        method="gradient",
        n_times=0,
        odds=np.zeros(len(labels)),
        base_odds=np.zeros(len(labels)),
        targets=np.full(len(labels), "a"),
    )
    return found, subjects


def test_planted_electrodes_are_found(info, rng):
    found, subjects = weights(info, rng)
    contrast = found.contrast("a", "b", subjects, n_permutations=256)
    marked = [n for n, yes in zip(info["ch_names"], contrast.significant, strict=True) if yes]
    assert set(PLANTED) <= set(marked)
    assert len(set(marked) - set(PLANTED)) <= 5
    assert contrast.clusters["p"].iloc[0] < 0.05
    assert contrast.clusters["sign"].iloc[0] == 1
    assert contrast.stability > 0.5
    assert contrast.n_units == 10
    # The other way round.
    turned = found.contrast("b", "a", subjects, n_permutations=256)
    np.testing.assert_allclose(turned.difference, -contrast.difference)
    np.testing.assert_array_equal(turned.significant, contrast.significant)


def test_nothing_is_found_in_noise(info, rng):
    """Of twenty tests without an effect few are significant."""
    hits = 0
    for _ in range(20):
        found, subjects = weights(info, rng, size=0.0)
        hits += found.contrast("a", "b", subjects, n_permutations=100).significant.any()
    assert hits <= 4


def test_figure_marks_them(info, rng):
    found, subjects = weights(info, rng)
    contrast = found.contrast("a", "b", subjects, n_permutations=100)
    fig = contrast.plot_topomap(show=False)
    ax = fig.axes[0]
    assert "(n = 10, r = " in ax.get_title()
    marks = [line for line in ax.lines if line.get_markerfacecolor() == "w"]
    assert sum(len(line.get_xdata()) for line in marks) == contrast.significant.sum()
    low, high = ax.images[0].get_clim()
    assert low == pytest.approx(-high)


def test_stability(info, rng):
    found, subjects = weights(info, rng)
    table = found.stability(subjects).set_index("label")
    assert table["correlation"]["a"] > 0.5 > abs(table["correlation"]["b"])
    assert (table["n_units"] == 10).all()
    line = np.arange(5.0)
    assert mean_pairwise_correlation([line, 2 * line + 1, -line]) == pytest.approx(-1 / 3)
    assert np.isnan(mean_pairwise_correlation([line, np.ones(5)]))


def test_subjects_without_both_are_left_out(info, rng):
    found, subjects = weights(info, rng)
    found.labels[(subjects == 3) & (found.labels == "b")] = "c"
    assert found.contrast("a", "b", subjects, n_permutations=20).n_units == 9


def test_bad_input(info, rng):
    found, subjects = weights(info, rng)
    with pytest.raises(ValueError, match="no epochs of 'x'; labels are a, b"):
        found.contrast("x", "b", subjects)
    with pytest.raises(ValueError, match="at least 3 subjects"):
        found.contrast("a", "b", np.zeros(len(found)))
    with pytest.raises(ValueError, match="one value for each"):
        found.contrast("a", "b", subjects[:3])
    with pytest.warns(RuntimeWarning, match="no cluster can reach"):
        found.contrast("a", "b", subjects % 4, n_permutations=20)


def test_same_seed_same_clusters(info, rng):
    found, subjects = weights(info, rng, size=0.2)
    tables = [found.contrast("a", "b", subjects, n_permutations=64, seed=3) for _ in range(2)]
    assert tables[0].clusters.equals(tables[1].clusters)


def test_rows_count_by_what_they_stand_for(info, rng):
    """A contrast of averages is that of the epochs, and so is what figures print."""
    found, subjects = weights(info, rng, n_subjects=6)
    kept = rng.random(len(subjects)) < 0.7
    kept |= np.tile(np.r_[True, True, np.zeros(6, bool)], 6)  # both labels of each subject
    uneven = Attribution(
        {"spectral": found.spectral[kept]},
        info,
        found.settings,
        labels=found.labels[kept],
        method="gradient",
        n_times=0,
        odds=np.zeros(kept.sum()),
        base_odds=np.zeros(kept.sum()),
        targets=found.targets[kept],
    )
    units = subjects[kept]
    # Two rows a subject and label, of one epoch and of all the others.
    key = [f"{s}{v}" for s, v in zip(units, uneven.labels, strict=True)]
    first = np.array([k not in key[:i] for i, k in enumerate(key)])
    parts = np.array([f"{k}{yes:d}" for k, yes in zip(key, first, strict=True)])
    mean = uneven.average(parts)
    of_rows = np.array([int(v[0]) for v in mean.labels])
    mean.labels = np.array([v[1] for v in mean.labels])
    options = dict(n_permutations=64, seed=0)
    whole = uneven.contrast("a", "b", units, **options)
    of_means = mean.contrast("a", "b", of_rows, **options)
    np.testing.assert_allclose(of_means.difference, whole.difference)
    assert of_means.stability == pytest.approx(whole.stability)
    for table in (mean.stability(of_rows), uneven.stability(units)):
        assert table["n_units"].to_list() == [6, 6]
    np.testing.assert_allclose(
        mean.stability(of_rows)["correlation"], uneven.stability(units)["correlation"]
    )
    label = mean.plot_bands(by=None, show=False).axes[0].get_legend().get_texts()[0].get_text()
    assert label.startswith(f"all epochs (n = {kept.sum()}")


def test_number_of_flips_is_what_there_was(info, rng):
    found, subjects = weights(info, rng, n_subjects=6)
    assert found.contrast("a", "b", subjects).n_permutations == 32
    found, subjects = weights(info, rng, n_subjects=12)
    assert found.contrast("a", "b", subjects, n_permutations=100).n_permutations == 100


@pytest.mark.parametrize("names", [["Cz"], ["O1", "O2"], ["Fz", "Cz", "Pz", "Oz"]])
def test_electrodes_that_span_no_triangle(info, rng, names, capsys):
    found, subjects = weights(info, rng)
    rows = [info["ch_names"].index(name) for name in names]
    few = Attribution(
        {"spectral": found.spectral[:, rows]},
        mne.pick_info(info, rows),
        found.settings,
        labels=found.labels,
        method="gradient",
        n_times=0,
        odds=found.odds,
        base_odds=found.base_odds,
        targets=found.targets,
    )
    contrast = few.contrast("a", "b", subjects, n_permutations=64)
    assert contrast.t.shape == (len(names),)
    assert not capsys.readouterr().out


@pytest.mark.parametrize(
    ("subjects", "error", "message"),
    [
        ("subject", TypeError, "subjects must be an array .* got 'subject'"),
        (np.zeros(3), ValueError, r"subjects must have one value for each of 80 .* \(3,\)"),
        (np.r_[np.nan, np.zeros(79)], ValueError, "subjects holds 1 missing value"),
    ],
)
def test_subjects_that_do_not_fit(info, rng, subjects, error, message):
    found, _ = weights(info, rng)
    with pytest.raises(error, match=message):
        found.contrast("a", "b", subjects)
    with pytest.raises(error, match=message):
        found.plot_topomap(subjects=subjects, show=False)
    with pytest.raises(error, match=message.replace("subjects", "by", 1)):
        found.stability(subjects)
    if not isinstance(subjects, str):
        with pytest.raises(error, match=message.replace("subjects", "by", 1)):
            found.average(subjects)


def test_attributions_of_two_targets_are_not_compared(info, rng):
    """They differ in any network: labels that are targets say nothing of the data."""
    one, subjects = weights(info, rng)
    values = {"spectral": one.spectral}
    common = dict(method="gradient", n_times=0, odds=one.odds, base_odds=one.base_odds)
    own = Attribution(values, info, one.settings, labels=one.labels, **common)
    message = r"several targets \(a, b\) cannot be compared.*by the true classes"
    with pytest.raises(ValueError, match=message):
        own.contrast("a", "b", subjects)
    with pytest.raises(ValueError, match="several targets"):
        own.average([f"{s}{v}" for s, v in zip(subjects, own.labels, strict=True)]).contrast(
            "0a", "0b", np.zeros(20)
        )
    with pytest.raises(ValueError, match="several targets"):  # each mean is of both
        own.average(subjects).contrast(0, 1, np.zeros(10))
    asked = Attribution(values, info, one.settings, labels=np.full(len(subjects), "a"), **common)
    with pytest.raises(ValueError, match="there are no epochs of 'b'"):
        asked.contrast("a", "b", subjects)
    found = asked.contrast("a", "b", subjects, by=one.labels, n_permutations=64)
    expected = one.contrast("a", "b", subjects, n_permutations=64)
    np.testing.assert_array_equal(found.difference, expected.difference)
    assert found.clusters.equals(expected.clusters)
    mean = asked.average([f"{s}{v}" for s, v in zip(subjects, one.labels, strict=True)])
    assert mean.targets.tolist() == ["a"] * 20


def test_alpha(info, rng):
    found, subjects = weights(info, rng, n_subjects=6)
    with pytest.warns(RuntimeWarning, match=r"6 units have 32 sign flips: .* p < 0\.01"):
        assert not found.contrast("a", "b", subjects, alpha=0.01).significant.any()
    for alpha, error in ((5, ValueError), (0, ValueError), ("x", TypeError)):
        with pytest.raises(error, match="alpha must"):
            found.contrast("a", "b", subjects, alpha=alpha)


def test_an_electrode_that_never_differs_has_no_t(info, rng):
    found, subjects = weights(info, rng)
    found._values["spectral"][:, 3] = 0
    contrast = found.contrast("a", "b", subjects, n_permutations=64)
    assert contrast.t[3] == 0
    assert not contrast.significant[3]


def test_weights_of_several_networks_are_joined(info, rng):
    """Stability over seeds is that of maps of different networks."""
    parts = [weights(info, rng, n_epochs=1)[0] for _ in range(3)]
    joined = concatenate_weights(parts)
    assert len(joined) == 3 * len(parts[0])
    assert joined.targets.tolist() == ["a"] * 60
    seed = np.repeat(range(3), len(parts[0]))
    table = joined.stability(seed).set_index("label")
    for label in "ab":
        maps = [p.to_electrodes()[p.labels == label].mean(axis=0) for p in parts]
        expected = mean_pairwise_correlation(maps)
        assert table.loc[label, "correlation"] == pytest.approx(expected)
    np.testing.assert_allclose(joined.bands, np.concatenate([p.bands for p in parts]))
    np.testing.assert_allclose(joined.completeness, np.concatenate([p.completeness for p in parts]))
    fig = joined.plot_topomap(subjects=seed, show=False)
    r = table.loc["a", "correlation"]
    assert fig.axes[0].get_title() == f"a\n(n = 30, r = {r:.2f})"


def test_weights_that_do_not_fit_are_not_joined(info, rng):
    one, _ = weights(info, rng, n_epochs=1)
    for other in ([], one, [one, "two"]):
        with pytest.raises(TypeError, match="weights must be a list"):
            concatenate_weights(other)
    other, _ = weights(mne.pick_info(info, range(63, -1, -1)), rng, n_epochs=1)
    with pytest.raises(ValueError, match=r"weights\[1\] does not fit .* other channels"):
        concatenate_weights([one, other])
    other, _ = weights(info, rng, n_epochs=1)
    other.method = "occlusion"
    with pytest.raises(ValueError, match="occlusion of spectral, 0 moments where gradient"):
        concatenate_weights([one, other])
