"""The graph network that serves as a baseline."""

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.model_selection import cross_val_score

from mne_sst._dgcnn import DGCNN, DGCNNClassifier
from mne_sst.evaluation.baselines import baselines


def network(order=3, **params):
    generator = torch.Generator().manual_seed(0)
    return DGCNN(6, 5, 3, order=order, generator=generator, **params)


def test_polynomials_are_those_of_chebyshev():
    net = network(order=4)
    weights = net.adjacency.detach().clamp_min(0).double().numpy()
    root = 1 / np.sqrt(weights.sum(1))
    laplacian = np.eye(6) - root[:, None] * weights * root
    scaled = laplacian - np.eye(6)  # 2 L / 2 - 1
    values, vectors = np.linalg.eig(scaled)
    for k, found in enumerate(net.polynomials().detach()):
        # T_k(cos t) = cos k t, on the eigenvalues.
        expected = (
            vectors
            @ np.diag(np.cos(k * np.arccos(values.astype(complex))))
            @ np.linalg.inv(vectors)
        )
        np.testing.assert_allclose(found, expected.real, atol=1e-5)


def test_filters_act_on_neighbours_as_the_formula_says():
    net = network().eval()
    x = torch.randn(2, 6, 5, generator=torch.Generator().manual_seed(1))
    by_hand = sum(p @ x @ w for p, w in zip(net.polynomials(), net.filters, strict=True))
    hidden = torch.relu(net.hidden(torch.relu(by_hand + net.bias).flatten(1)))
    torch.testing.assert_close(net(x), net.output(hidden))


def test_it_learns(features, y, groups):
    easy = features[np.argsort(groups, kind="stable")]
    clf = baselines(["dgcnn"])["dgcnn"].set_params(random_state=0)
    labels = y[np.argsort(groups, kind="stable")]
    # The effect is in the DE: far above chance (1/3) on windows of other trials.
    assert cross_val_score(clf, easy, labels, cv=3).mean() > 0.7


def test_same_seed_same_result(features, y):
    first = DGCNNClassifier(max_epochs=2, random_state=1).fit(features, y)
    again = clone(first).fit(features.spectral, y)
    np.testing.assert_array_equal(first.predict_proba(features), again.predict_proba(features))
    other = DGCNNClassifier(max_epochs=2, random_state=2).fit(features, y)
    assert not np.array_equal(first.predict_proba(features), other.predict_proba(features))
    np.testing.assert_allclose(first.predict_proba(features).sum(axis=1), 1)
    assert len(first.history_) == 2


def test_scale_of_the_input_does_not_matter(features, y):
    first = DGCNNClassifier(max_epochs=2, random_state=1).fit(features.spectral, y)
    other = DGCNNClassifier(max_epochs=2, random_state=1).fit(1000 * features.spectral + 5, y)
    np.testing.assert_allclose(
        first.predict_proba(features.spectral),
        other.predict_proba(1000 * features.spectral + 5),
        atol=1e-3,
    )


def test_bad_input_is_named(features, y):
    with pytest.raises(ValueError, match=r"\(n_windows, n_channels, n_bands\), got .*\(4, 3\)"):
        DGCNNClassifier().fit(np.zeros((4, 3)), [0, 1, 0, 1])
    with pytest.raises(ValueError, match="needs at least 2 classes"):
        DGCNNClassifier().fit(features, np.zeros(len(y)))
    for name, value in {
        "max_epochs": 0,
        "batch_size": 0,
        "n_filters": 0,
        "order": 0,
        "n_hidden": 0,
        "drop_prob": 2,
        "lr": 0,
        "weight_decay": -1,
    }.items():
        with pytest.raises(ValueError, match=f"{name} must lie in"):
            DGCNNClassifier(**{name: value}).fit(features, y)
    for wrong in (y[:-1], np.r_[y, y]):
        with pytest.raises(ValueError, match="y must have one value for each of 48 epochs"):
            DGCNNClassifier().fit(features, wrong)
    with pytest.raises(ValueError, match="y holds 1 missing value"):
        DGCNNClassifier().fit(features, np.r_[np.arange(47) % 2, np.nan])
    values = features.spectral.copy()
    values[3, 2, 1] = np.nan
    with pytest.raises(ValueError, match="window 3, channel 2, band 1"):
        DGCNNClassifier().fit(values, y)
    clf = DGCNNClassifier(max_epochs=1).fit(features, y)
    with pytest.raises(ValueError, match="window 3, channel 2, band 1"):
        clf.predict(values)
    with pytest.raises(ValueError, match="62 channels and 5 bands, as in fit; got 1 and 5"):
        clf.predict(features.spectral[:, :1])
