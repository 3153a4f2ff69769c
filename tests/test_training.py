import copy
import io
import warnings

import numpy as np
import pytest
import torch
from conftest import tiny_classifier
from skorch.callbacks import Callback, EpochScoring

from mne_sst import read_classifier
from mne_sst._batches import Batches, FeatureDataset, _group_splits, split_validation
from mne_sst._device import choose_device, choose_precision
from mne_sst._learning_data import learn_scaling
from mne_sst._training import make_net


@pytest.fixture
def dataset(features):
    targets = features.events[:, 2] - 1
    scaling = learn_scaling(features, np.arange(len(features)))
    return FeatureDataset(features, targets, scaling, ("spectral", "temporal"))


def test_scaling_comes_from_the_training_part(features):
    rows = np.arange(10, 30)
    scaling = learn_scaling(features, rows)
    mean, scale = scaling["spectral"]
    part = features.spectral[rows].astype(float)
    np.testing.assert_allclose(mean, part.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(scale, part.std(axis=0), rtol=1e-9)
    mean, scale = scaling["temporal"]
    assert mean.shape == scale.shape == (62, 1)
    np.testing.assert_allclose(scale[:, 0], features.temporal[rows].std(axis=(0, 2)), rtol=1e-5)


def test_constant_channels_have_scale_one(features):
    flat = features._replace(spectral=features.spectral.copy())
    flat.spectral[:, 3] = -12.4
    scaling = learn_scaling(flat, np.arange(len(flat)))
    assert (scaling["spectral"][1][3] == 1).all()


def test_batches_cover_everything_once(dataset):
    plain = [targets for _, targets in Batches(dataset, 20)]
    assert [len(t) for t in plain] == [16, 16, 16]
    assert torch.cat(plain).tolist() == dataset.targets.tolist()
    shuffled = Batches(dataset, 20, shuffle=True, generator=np.random.default_rng(0))
    first, second = (torch.cat([t for _, t in shuffled]).tolist() for _ in range(2))
    assert sorted(first) == sorted(second) == sorted(dataset.targets.tolist())
    assert first != second
    again = Batches(dataset, 20, shuffle=True, generator=np.random.default_rng(0))
    assert torch.cat([t for _, t in again]).tolist() == first


def test_mixup_mixes_inputs_and_targets_alike(dataset):
    (inputs, targets), *_ = Batches(
        dataset, 48, n_classes=3, mixup=0.5, shuffle=True, generator=np.random.default_rng(0)
    )
    torch.testing.assert_close(targets.sum(1), torch.ones(48))
    share = targets.max(1).values
    assert share.min() < 0.999
    # Each mixed row is found by solving for its two parents: the mean is kept.
    plain, _ = dataset.batch(np.arange(48))
    for name, values in inputs.items():
        torch.testing.assert_close(values.mean(0), plain[name].mean(0), atol=1e-4, rtol=1e-3)
        assert values.std() < plain[name].std()


def test_noise_is_of_electrodes_and_bands(dataset):
    """As much as asked in each band; the same for all points of the temporal stack."""
    plain, _ = dataset.batch(np.arange(48))
    (noisy, _), *_ = Batches(dataset, 48, noise=2.0, generator=np.random.default_rng(0))
    added = {name: (noisy[name] - plain[name]).numpy() for name in plain}
    assert added["spectral"].std() == pytest.approx(2.0, rel=0.03)
    assert abs(np.corrcoef(added["spectral"].reshape(48, -1)[:, :2].T)[0, 1]) < 0.5
    assert added["temporal"].std() == pytest.approx(1.0, rel=0.05)
    np.testing.assert_allclose(np.ptp(added["temporal"], axis=2), 0, atol=1e-5)
    (again, _), *_ = Batches(dataset, 48, noise=2.0, generator=np.random.default_rng(0))
    torch.testing.assert_close(again, noisy, rtol=0, atol=0)


def test_noise_is_for_training_alone(features, y):
    """It changes the weights, but not what is predicted from call to call."""
    quiet, noisy = (tiny_classifier(noise=n).fit(features, y) for n in (0.0, 2.0))
    first = noisy.predict_proba(features)
    assert np.abs(first - quiet.predict_proba(features)).max() > 1e-3
    np.testing.assert_array_equal(first, noisy.predict_proba(features))


@pytest.mark.slow
def test_passes_left_open_make_enough_steps(features, y):
    """Small sets are gone through more often: 16 windows a batch, 300 batches."""
    clf = tiny_classifier(max_epochs=None, validation_fraction=0.0).fit(features, y)
    assert len(clf.history_) == 100
    large = copy.copy(clf)
    large.batch_size = 64
    net = make_net(clf.module_, large, 3, None, 10_000, 0, torch.float32, torch.device("cpu"))
    assert net.max_epochs == 12


@pytest.mark.parametrize("seed", range(5))
def test_validation_never_cuts_a_group(seed):
    rng = np.random.default_rng(seed)
    groups = np.repeat(np.arange(20), 7)
    targets = np.repeat(rng.permutation(np.arange(20) % 3), 7)
    order = rng.permutation(len(groups))
    groups, targets = groups[order], targets[order]
    train, valid = split_validation(targets, groups, 0.2, seed)
    assert not set(groups[train]) & set(groups[valid])
    assert sorted([*train, *valid]) == list(range(140))
    assert set(targets[train]) == {0, 1, 2}
    assert 0.1 < len(valid) / 140 < 0.35


def test_validation_of_a_rare_class_changes_no_warning_filter():
    """All threads share the filters, also while this one works."""
    targets = np.repeat([0] * 10 + [1] * 10 + [2], 4)
    targets[-2:] = 0
    before = list(warnings.filters)
    splits = _group_splits(targets, np.repeat(np.arange(21), 4), 0.2, 0)
    train, valid = next(splits)
    assert warnings.filters == before
    assert len(valid)
    assert 2 in targets[train]


def test_validation_without_groups_is_runs_of_each_class():
    targets = np.repeat([0, 1, 0, 1], 25)
    train, valid = split_validation(targets, None, 0.2, 3)
    assert not set(train) & set(valid)
    for value in (0, 1):
        members = np.flatnonzero(targets == value)
        held = np.isin(members, valid)
        assert held.sum() == 10
        # One run, maybe around the end: the state changes at most twice.
        assert np.sum(held != np.roll(held, 1)) == 2


def test_groups_that_cannot_be_held_out_warn():
    targets = np.repeat([0, 1], 10)
    with pytest.warns(RuntimeWarning, match="without early stopping"):
        train, valid = split_validation(targets, targets, 0.2, 0)
    assert len(train) == 20
    assert len(valid) == 0
    train, valid = split_validation(targets, None, 0, 0)
    assert len(valid) == 0


def test_trials_of_the_metadata_are_the_default_groups(features, y):
    """The training part is made of whole trials, without groups= being given."""
    seen = []

    class Spy(Callback):
        def on_epoch_begin(self, net, dataset_train=None, dataset_valid=None, **kwargs):
            seen.append((dataset_train.rows, dataset_valid.rows))

    tiny_classifier(max_epochs=1, callbacks=[Spy()]).fit(features, y)
    train, valid = seen[0]
    trials = features.groups(["subject", "trial"])
    assert len(valid)
    assert not set(trials[train]) & set(trials[valid])


def test_early_stopping_restores_the_best_weights(features, y):
    clf = tiny_classifier(max_epochs=60, patience=3, lr=1e-2, lr_schedule="constant")
    clf.fit(features, y)
    history = clf.history_
    best = history["valid_loss"].idxmin()
    assert len(history) < 60
    assert len(history) - 1 - best <= 3
    shorter = tiny_classifier(
        max_epochs=int(best) + 1, patience=None, lr=1e-2, lr_schedule="constant"
    ).fit(features, y)
    np.testing.assert_allclose(
        clf.predict_proba(features), shorter.predict_proba(features), atol=1e-6
    )


def test_interruption_keeps_the_passes_so_far(features, y):
    class Stop(Callback):
        def on_batch_begin(self, net, training=None, **kwargs):
            if training and len(net.history) == 4:
                raise KeyboardInterrupt

    clf = tiny_classifier(max_epochs=10, callbacks=[Stop()], patience=None)
    with pytest.warns(RuntimeWarning, match="interrupted after 3 of 10 passes"):
        clf.fit(features, y)
    assert len(clf.history_) == 3
    assert clf.predict(features).shape == y.shape


def test_interruption_before_the_first_pass_is_an_interruption(features, y):
    class Stop(Callback):
        def on_batch_begin(self, net, **kwargs):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt, match="first pass"):
        tiny_classifier(callbacks=[Stop()]).fit(features, y)


def test_divergence_is_an_error(features, y):
    with pytest.raises(RuntimeError, match="Lower lr"):
        tiny_classifier(lr=1e30, lr_schedule="constant").fit(features, y)


def test_one_cycle_ends_low(features, y):
    history = tiny_classifier(max_epochs=6, patience=None).fit(features, y).history_
    assert history["lr"].max() > 0.8e-3
    assert history["lr"].iloc[-1] < 0.05 * history["lr"].max()


def test_devices_and_precisions():
    cpu = choose_device("cpu")
    assert choose_precision("fp32", cpu) == torch.float32
    assert choose_precision("bf16", cpu) == torch.bfloat16
    assert choose_precision("auto", cpu) in (torch.float32, torch.bfloat16)
    has_gpu = torch.cuda.is_available()
    assert choose_device("auto").type == ("cuda" if has_gpu else "cpu")


def test_norms_and_biases_are_not_decayed(fitted):
    decayed = {}
    for group in fitted.net_.optimizer_.param_groups:
        for p in group["params"]:
            decayed[id(p)] = group["weight_decay"]
    for name, p in fitted.module_.named_parameters():
        kernel = name.endswith("weight") and "norm" not in name
        assert decayed[id(p)] == (fitted.weight_decay if kernel else 0), name


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(("verbose", "shown"), [(None, True), (True, True), (False, False)])
def test_progress_in_a_terminal(features, y, monkeypatch, verbose, shown):
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    tiny_classifier(max_epochs=2, verbose=verbose).fit(features, y)
    assert ("Training: 100%" in terminal.getvalue()) is shown


def test_no_progress_without_a_terminal(features, y, capfd):
    tiny_classifier(max_epochs=1, verbose=True).fit(features, y)
    assert capfd.readouterr() == ("", "")


def test_whole_numbers_of_numpy(features, y):
    params = dict(max_epochs=np.int64(2), batch_size=np.int32(16), patience=np.int64(1))
    assert len(tiny_classifier(**params).fit(features, y).history_) == 2


def test_history_keeps_the_pass_that_training_stopped_after(features, y):
    clf = tiny_classifier(max_epochs=12, validation_fraction=0.3, patience=1, lr=0.05)
    clf.fit(features, y)
    assert len(clf.history_) == len(clf.net_.history) < 12
    losses = clf.history_["valid_loss"].to_numpy()
    assert losses[-1] >= losses[:-1].min()


class StopAfter(Callback):
    """Stops as EarlyStopping does."""

    def on_epoch_end(self, net, **kwargs):
        raise KeyboardInterrupt


def test_a_callback_may_stop_training(features, y):
    """It is no interruption, of which a warning would tell: warnings are errors here."""
    clf = tiny_classifier(max_epochs=5, callbacks=[StopAfter()]).fit(features, y)
    assert len(clf.history_) == 1


def test_scoring_and_named_callbacks(features, y):
    scoring = EpochScoring("accuracy", on_train=True, name="found", lower_is_better=False)
    clf = tiny_classifier(max_epochs=2, callbacks=[("mine", scoring)]).fit(features, y)
    assert (clf.net_.history[:, "found"] > np.array([0.0, 0.0])).all()
    with pytest.raises(TypeError, match="callbacks must be a list of skorch callbacks"):
        tiny_classifier(callbacks=scoring).fit(features, y)


def test_divergence_is_told(features, y):
    clf = tiny_classifier(max_epochs=3, lr=1e30, precision="fp32", validation_fraction=0.0)
    with pytest.raises(RuntimeError, match="Lower lr"):
        clf.fit(features, y)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_device_that_is_not_there(features, y, fitted, tmp_path, caplog):
    with pytest.raises(ValueError, match="device='cuda' is not there"):
        tiny_classifier(device="cuda").fit(features, y)
    elsewhere = copy.deepcopy(fitted).set_params(device="cuda")
    elsewhere.save(tmp_path / "gpu.safetensors")
    again = read_classifier(tmp_path / "gpu.safetensors")
    assert again.device == "auto"
    assert "device='cuda' is not there" in caplog.text
    np.testing.assert_allclose(again.predict_proba(features), fitted.predict_proba(features))


@pytest.mark.parametrize("n_trials", [2, 3, 5, 10])
def test_validation_part_holds_every_class(n_trials):
    """Trials have one class each, as films and tasks have: one of each is held out at least."""
    groups = np.repeat(np.arange(3 * n_trials), 4)
    targets = groups % 3
    for seed in range(5):
        train, valid = split_validation(targets, groups, 0.2, seed)
        assert set(targets[train]) == set(targets[valid]) == {0, 1, 2}
        assert not set(groups[train]) & set(groups[valid])
        assert len(valid) <= max(0.35, 1 / n_trials) * len(targets) + 1


def test_validation_part_with_a_rare_class():
    """The one group of class 2 is trained on; the others still tell when to stop."""
    groups = np.repeat(np.arange(7), 5)
    targets = np.array([0, 1, 0, 1, 0, 1, 2])[groups]
    for fraction in (0.1, 0.2, 0.5):
        train, valid = split_validation(targets, groups, fraction, 0)
        assert set(targets[valid]) == {0, 1}
        assert set(targets[train]) == {0, 1, 2}


def test_no_validation_part_of_one_class():
    groups = np.repeat([0, 1, 2], 8)
    targets = np.r_[np.zeros(16, int), np.ones(8, int)]
    with pytest.warns(RuntimeWarning, match="keep every class in training"):
        train, valid = split_validation(targets, groups, 0.2, 0)
    assert len(train) == 24
    assert len(valid) == 0
