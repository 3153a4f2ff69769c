"""Several networks asked together, and the weight of what all channels share."""

import threading

import numpy as np
import pytest
import torch
from conftest import tiny_classifier
from sklearn.base import clone

from mne_sst import SSTClassifier, read_classifier
from mne_sst._committee import Committee
from mne_sst._common import weaken_common
from mne_sst._device import torch_threads


def committee(**params):
    return tiny_classifier(**{"n_networks": 3, **params})


@pytest.fixture(scope="module")
def three(features, y):
    """A fitted committee; do not change it."""
    return committee().fit(features, y)


def test_probabilities_are_those_of_the_members(three, features):
    assert isinstance(three.module_, Committee)
    inputs, _ = three._dataset(features).batch(np.arange(len(features)))
    with torch.inference_mode():
        each = [torch.softmax(m(**inputs).double(), 1).numpy() for m in three.module_.members]
    assert not np.allclose(each[0], each[1], atol=1e-3)
    np.testing.assert_allclose(three.predict_proba(features), np.mean(each, 0), atol=1e-5)
    assert three.transform(features).shape[1] == 3 * three.module_.members[0].hidden.in_features


def test_masks_are_averaged(three, features):
    attention = three.attention(features)
    inputs, _ = three._dataset(features).batch(np.arange(len(features)))
    with torch.inference_mode():
        masks = [m.forward_attention(**inputs)[1] for m in three.module_.members]
    mean = np.mean([m["spectral/block1/spatial"].numpy() for m in masks], axis=0)
    np.testing.assert_allclose(attention.spatial["spectral"], mean, atol=1e-6)


def test_members_learn_by_themselves(features, y):
    """A member learns what a network alone learns from the same first weights."""
    # To the last pass: which one validates best hangs on all members.
    params = dict(drop_prob=0.0, stream_drop_prob=0.0, max_epochs=2, validation_fraction=0.0)
    alone = tiny_classifier(**params).fit(features, y)
    both = committee(n_networks=2, **params).fit(features, y)
    for name, value in alone.module_.state_dict().items():
        torch.testing.assert_close(value, both.module_.members[0].state_dict()[name])


def test_members_learn_the_same_side_by_side(three, features, y):
    """Each member has a thread and draws of its own."""
    before = torch.get_num_threads()
    try:
        for n_threads in (1, 3):
            torch.set_num_threads(n_threads)
            again = committee(n_threads=1, drop_prob=0.5).fit(features, y)
            torch.set_num_threads(before)
            np.testing.assert_array_equal(
                again.predict_proba(features), three.predict_proba(features)
            )
    finally:
        torch.set_num_threads(before)


def test_threads_of_a_new_thread_stay_as_they_were_set():
    """PyTorch sets a thread's number at its first work, to what another thread said last."""
    before = torch.get_num_threads()
    inside, changed, found = threading.Event(), threading.Event(), []

    def work():
        with torch_threads(1):
            inside.set()
            changed.wait(10)
            torch.ones(10) + 1
            found.append(torch.get_num_threads())

    thread = threading.Thread(target=work)
    try:
        with torch_threads(1):
            thread.start()
            inside.wait(10)
            torch.set_num_threads(3)
            changed.set()
            thread.join()
    finally:
        torch.set_num_threads(before)
    assert found == [1]


def test_same_seed_same_result_and_back_from_a_file(three, features, y, tmp_path):
    again = clone(three).fit(features, y)
    np.testing.assert_array_equal(three.predict_proba(features), again.predict_proba(features))
    three.save(tmp_path / "three.safetensors")
    read = read_classifier(tmp_path / "three.safetensors")
    assert len(read.module_.members) == 3
    np.testing.assert_array_equal(three.predict_proba(features), read.predict_proba(features))


def test_it_stops_early_and_goes_on(features, y, groups):
    clf = committee(validation_fraction=0.3, max_epochs=3).fit(features, y, groups=groups)
    assert {"train_loss", "valid_loss", "valid_accuracy"} <= set(clf.history_)
    n = len(clf.history_)
    assert len(clf.partial_fit(features, y).history_) == n + 1


@pytest.mark.parametrize("temporal", [True, False])
def test_what_is_common_is_weakened(temporal):
    values = np.random.default_rng(0).standard_normal((4, 6, 5))
    name, axes = ("temporal", (1, 2)) if temporal else ("spectral", (1,))
    found = weaken_common(values, name, 0.25)
    np.testing.assert_allclose(found.mean(axes), 0.25 * values.mean(axes))
    np.testing.assert_allclose(
        found - found.mean(axes, keepdims=True), values - values.mean(axes, keepdims=True)
    )
    assert weaken_common(values, name, 1.0) is values
    as_tensor = weaken_common(torch.from_numpy(values), name, 0.25)
    np.testing.assert_allclose(as_tensor.numpy(), found)


def test_nothing_common_is_left_at_zero(features, y):
    clf = tiny_classifier(common_weight=0.0).fit(features, y)
    louder = features.spectral + np.random.default_rng(0).normal(size=(len(features), 1, 5))
    moved = features._replace(spectral=louder.astype(np.float32))
    np.testing.assert_allclose(clf.predict_proba(features), clf.predict_proba(moved), atol=2e-3)
    plain = tiny_classifier().fit(features, y)
    assert np.abs(plain.predict_proba(features) - plain.predict_proba(moved)).max() > 0.01


def test_the_fitted_weight_counts(features, y, tmp_path):
    clf = tiny_classifier(common_weight=0.5).fit(features, y)
    before = clf.predict_proba(features)
    clf.save(tmp_path / "a.safetensors")
    np.testing.assert_array_equal(
        read_classifier(tmp_path / "a.safetensors").predict_proba(features), before
    )
    clf.set_params(common_weight=1.0)
    np.testing.assert_array_equal(clf.predict_proba(features), before)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"n_networks": 0}, "n_networks must lie in"),
        ({"n_networks": 1.5}, "n_networks must be"),
        ({"common_weight": 2}, "common_weight must lie in"),
    ],
)
def test_bad_parameters_are_named(params, message, features, y):
    with pytest.raises((ValueError, TypeError), match=message):
        SSTClassifier(**params).fit(features, y)
