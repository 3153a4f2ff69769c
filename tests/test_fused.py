"""Fused training steps against the plain layers."""

import copy
import os
import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from conftest import tiny_classifier

from mne_sst import SSTEmotionNet, _blocks, _fused, _reuse

pytest.importorskip("numba")

SIZES = [
    dict(n_bands=5, n_times=25, grid_shape=(16, 16)),
    dict(n_bands=4, n_times=9, grid_shape=(13, 10)),
    dict(n_bands=1, n_times=3, grid_shape=(9, 8)),
]
TRAINING = {"dense_block", "max_stem"}
TRAINED = {"dense_block_of_trained", "max_stem_of_trained"}
SMALL = dict(n_bands=3, n_times=8, grid_shape=(8, 10), depth_spectral=10, depth_temporal=16)


@pytest.fixture(autouse=True)
def any_size(monkeypatch):
    """Fused steps whatever the size."""
    monkeypatch.setattr(_reuse, "LEAST", 0)


@pytest.fixture
def used(monkeypatch):
    """Names of the fused steps that ran."""
    names = set()
    for name in (*TRAINING, *TRAINED):
        function = getattr(_blocks, name)

        def noted(*args, function=function, name=name):
            names.add(name)
            return function(*args)

        monkeypatch.setattr(_blocks, name, noted)
    return names


def network(seed=0, **params):
    params = {**SMALL, "mask_init": "random", "drop_prob": 0.0, **params}
    generator = torch.Generator().manual_seed(seed)
    net = SSTEmotionNet(3, generator=generator, **params)
    for name, module in net.named_modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.normal_(module.weight, generator=generator)
            torch.nn.init.normal_(module.bias, generator=generator)
            if ".stem." not in name:  # there the maximum would be that of equal values
                torch.nn.init.zeros_(module.weight[:1])
    return net


def batch(net, n=6, seed=1, dtype=torch.float32):
    generator = torch.Generator().manual_seed(seed)
    return [
        torch.randn(n, stream.depth, *net.grid_shape, generator=generator).to(dtype) + 1
        for stream in net.streams.values()
    ]


def trained(net, inputs, bf16=False):
    """Logits, gradients and statistics of a step."""
    net = copy.deepcopy(net)
    with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
        logits = net(*inputs)
    target = torch.arange(len(logits)) % 3
    loss = torch.nn.functional.cross_entropy(logits.double(), target)
    loss.backward()
    grads = {name: p.grad.double() for name, p in net.named_parameters()}
    return logits.detach().double(), grads, {k: v.double() for k, v in net.named_buffers()}


def plainly(monkeypatch, *args, **kwargs):
    with monkeypatch.context() as patch:
        patch.setattr(_reuse, "available", lambda: False)
        return trained(*args, **kwargs)


def distance(one, other):
    """Largest difference, relative to the largest value, over dicts of tensors."""
    assert one.keys() == other.keys()
    return max(
        ((one[k] - other[k]).abs().max() / one[k].abs().max().clamp(min=1e-6)).item() for k in one
    )


@pytest.mark.parametrize("variant", ["paper", "authors"])
@pytest.mark.parametrize("size", SIZES, ids=["usual", "odd", "least"])
def test_equals_the_plain_layers_in_double_precision(monkeypatch, used, variant, size):
    net = network(variant=variant, **size).double()
    inputs = batch(net, dtype=torch.float64)
    logits, grads, statistics = trained(net, inputs)
    assert used == TRAINING
    plain_logits, plain_grads, plain_statistics = plainly(monkeypatch, net, inputs)
    torch.testing.assert_close(logits, plain_logits, rtol=0, atol=1e-10)
    assert distance(plain_grads, grads) < 1e-9
    assert distance(plain_statistics, statistics) < 1e-11


@pytest.mark.parametrize("bf16", [False, True])
def test_as_near_the_truth_as_the_plain_layers(monkeypatch, bf16):
    net = network()
    inputs = batch(net, n=16)
    truth = plainly(monkeypatch, copy.deepcopy(net).double(), [x.double() for x in inputs])[0]
    fused = (trained(net, inputs, bf16)[0] - truth).abs().max()
    plain = (plainly(monkeypatch, net, inputs, bf16)[0] - truth).abs().max()
    assert fused < (0.2 if bf16 else 2e-5)
    assert fused < 3 * plain


def test_large_means_cost_no_precision():
    x = 1e4 + torch.randn(3000, 5)
    mean, var = _reuse.moments(x)
    np.testing.assert_allclose(mean, x.double().mean(0), rtol=1e-7)
    np.testing.assert_allclose(var, x.double().var(0, correction=0), rtol=1e-3)


def test_bfloat16_is_rounded_as_torch_rounds_it():
    x = torch.randn(2000, 7) * torch.logspace(-30, 30, 7)
    norm = _reuse.Norm(np.zeros(7), np.ones(7), np.ones(7), np.zeros(7), 0.0, 2000)
    out = _reuse.norm_relu(x.bfloat16(), norm, torch.empty(2000, 7, dtype=torch.bfloat16))
    torch.testing.assert_close(out, x.bfloat16().relu(), rtol=0, atol=0)
    values = (x.bfloat16().float() * 1.2345).relu()
    norm.gamma = np.full(7, 1.2345)
    out = _reuse.norm_relu(x.bfloat16(), norm, out)
    torch.testing.assert_close(out, values.bfloat16(), rtol=0, atol=0)


@pytest.mark.parametrize("stream", [0, 1])
def test_nan_is_not_lost(stream):
    net = network()
    inputs = batch(net)
    inputs[stream][2, 1, 3, 3] = float("nan")
    assert trained(net, inputs)[0].isnan().all()


@pytest.mark.parametrize("bf16", [False, True])
def test_same_on_any_number_of_threads(bf16):
    x = torch.randn(4000, 24).to(torch.bfloat16 if bf16 else torch.float32)
    grad = torch.randn(4000, 24).to(x.dtype)
    results = []
    for n_threads in (1, 2):
        torch.set_num_threads(n_threads)
        try:
            statistics = _reuse.moments(x)
            norm = _reuse.Norm(*statistics, np.ones(24), np.zeros(24), 1e-5, 4000)
            out = torch.empty_like(x)
            values = _reuse.numbers(x.dtype, norm.scale, norm.offset, norm.mean)
            with _reuse.compiled() as kernels:
                sums = kernels.mask_sums(
                    _reuse.rows(grad), _reuse.rows(x), *values, _reuse.rows(out)
                )
            results.append((statistics, sums, out.float().numpy()))
        finally:
            torch.set_num_threads(1)
    for one, other in zip(*results, strict=True):
        np.testing.assert_array_equal(one, other)


def test_memory_is_used_again_and_let_go_of():
    net = network()
    inputs = batch(net)
    buffers = [stream.buffers for stream in net.streams.values()]

    def step():
        net(*inputs).sum().backward()
        return [sorted(m.data_ptr() for m in b._free) for b in buffers]

    first = step()
    assert all(len(pointers) > 3 for pointers in first)
    assert step() == first
    assert all(not s.buffers._free for s in copy.deepcopy(net).streams.values())
    assert all(not s.buffers._free for s in pickle.loads(pickle.dumps(net)).streams.values())
    net.eval()
    assert all(not b._free for b in buffers)


def test_two_batches_before_their_gradients(monkeypatch):
    net = network(norm_momentum=0.1).double()
    one, other = (batch(net, n=n, seed=n, dtype=torch.float64) for n in (6, 4))

    def grads():
        twin = copy.deepcopy(net)
        logits = twin(*one), twin(*other)
        (logits[0].square().sum() + logits[1].square().sum()).backward()
        return {k: p.grad for k, p in twin.named_parameters()}

    fused = grads()
    monkeypatch.setattr(_reuse, "available", lambda: False)
    assert distance(grads(), fused) < 1e-9


def test_a_second_backward_is_refused():
    net = network()
    loss = net(*batch(net)).sum()
    loss.backward(retain_graph=True)
    with pytest.raises(RuntimeError, match="backward only once"):
        loss.backward()


def test_gradients_of_inputs_are_there():
    net = network()
    inputs = [x.requires_grad_() for x in batch(net)]
    net(*inputs).square().sum().backward()
    assert all(x.grad.abs().sum() > 0 for x in inputs)


def test_frozen_weights_and_single_streams(used):
    net = network(streams="temporal")
    for parameter in net.streams["temporal"].stem.parameters():
        parameter.requires_grad_(False)
    loss = net(temporal=batch(net)[0]).square().sum()
    loss.backward()
    assert used == TRAINING
    assert net.streams["temporal"].stem.conv.conv.weight.grad is None
    assert net.streams["temporal"].blocks[0][0].bottleneck.conv.weight.grad is not None


@pytest.mark.parametrize("variant", ["paper", "authors"])
@pytest.mark.parametrize("size", SIZES, ids=["usual", "odd", "least"])
def test_trained_network_equals_the_plain_layers(monkeypatch, used, variant, size):
    net = network(variant=variant, **size)
    net(*batch(net))
    used.clear()
    net.eval()
    inputs = batch(net, seed=3)
    with torch.no_grad():
        logits = net.double()(*(x.double() for x in inputs))
        assert used == TRAINED
        with torch.autocast("cpu", torch.bfloat16):
            low = net.float()(*inputs).float()
        monkeypatch.setattr(_reuse, "available", lambda: False)
        plain = net.double()(*(x.double() for x in inputs))
    torch.testing.assert_close(logits, plain, rtol=0, atol=1e-10)
    assert (low - plain).abs().max() < 0.05 * plain.abs().max()


def test_trained_network_is_the_same_on_any_number_of_threads(features, y):
    clf = tiny_classifier(max_epochs=1, grid_shape=(32, 32)).fit(features[:24], y[:24])
    one = clf.predict_proba(features)
    torch.set_num_threads(3)
    try:
        np.testing.assert_array_equal(clf.predict_proba(features), one)
        table = clf.attention(features).to_data_frame()
    finally:
        torch.set_num_threads(1)
    assert clf.attention(features).to_data_frame().equals(table)


def test_statistics_are_settled_alike(monkeypatch, used):
    def settled():
        net = network()
        for module in net.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.momentum = None
        with torch.no_grad():
            for seed in range(3):
                net(*batch(net, seed=seed))
        free = [len(stream.buffers._free) for stream in net.streams.values()]
        return dict(net.named_buffers()), free

    statistics, free = settled()
    assert used == TRAINING
    assert min(free) > 3
    monkeypatch.setattr(_reuse, "available", lambda: False)
    assert distance(settled()[0], statistics) < 1e-4


def test_plain_layers_between_modes_without_numba_or_size(monkeypatch, used):
    net = network()
    net.eval()(*batch(net))
    net.train()
    monkeypatch.setattr(_reuse, "LEAST", 10**9)
    net(*batch(net))
    monkeypatch.setattr(_reuse, "LEAST", 0)
    monkeypatch.setattr(_reuse, "available", lambda: False)
    net(*batch(net))
    assert not used


def test_frozen_statistics_are_respected(used):
    net = network()
    for module in net.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.eval()
    before = copy.deepcopy(dict(net.named_buffers()))
    net(*batch(net)).sum().backward()
    assert not used
    assert distance(before, dict(net.named_buffers())) == 0
    net.eval()
    net.streams["temporal"].final_norm.train()
    with torch.no_grad():
        net(*batch(net))
    after = dict(net.named_buffers())
    changed = {k for k in before if not torch.equal(before[k], after[k])}
    assert {k.rsplit(".", 1)[0] for k in changed} == {"streams.temporal.final_norm"}


def test_compiled_by_torch_it_is_plain(used):
    net = network()
    expected = net(*batch(net))
    assert used == TRAINING
    used.clear()
    compiled = torch.compile(copy.deepcopy(net), backend="eager", fullgraph=True)
    torch.testing.assert_close(compiled(*batch(net)), expected, rtol=0, atol=1e-4)
    assert not used


def test_networks_trained_side_by_side():
    nets = [network(seed) for seed in range(4)]
    inputs = batch(nets[0])
    alone = [trained(net, inputs)[1] for net in nets]
    with ThreadPoolExecutor(4) as pool:
        together = [result[1] for result in pool.map(lambda net: trained(net, inputs), nets)]
    for one, other in zip(alone, together, strict=True):
        assert distance(one, other) == 0


def test_fit_with_and_without(monkeypatch, features, y, used):
    # Gradients of a handful of voxels are summed in an order that changes from run to run.
    monkeypatch.setattr(_reuse, "LEAST", 2**12)

    def fitted():
        return tiny_classifier(max_epochs=2).fit(features, y)

    fused = fitted()
    assert used >= TRAINING
    np.testing.assert_array_equal(
        fitted().predict_proba(features), fused.predict_proba(features), strict=True
    )
    monkeypatch.setattr(_reuse, "available", lambda: False)
    plain = fitted()
    np.testing.assert_allclose(
        plain.predict_proba(features), fused.predict_proba(features), atol=0.02
    )


def test_kernels_are_optional(monkeypatch):
    _reuse.available.cache_clear()
    with monkeypatch.context() as patch:
        patch.setattr("importlib.util.find_spec", lambda name: None)
        assert not _reuse.available()
    _reuse.available.cache_clear()
    import numba

    with monkeypatch.context() as patch:
        patch.setattr(numba.config, "DISABLE_JIT", True)
        assert not _reuse.available()
    _reuse.available.cache_clear()
    assert _reuse.available()


def test_parts_of_any_size_give_the_same(monkeypatch):
    net = network().double()
    inputs = batch(net, n=7, dtype=torch.float64)
    whole = trained(net, inputs)[1]
    monkeypatch.setattr(_fused, "PART", 1)
    assert distance(whole, trained(net, inputs)[1]) < 1e-9


def test_the_first_kernel_leaves_pytorch_its_number_of_threads():
    # In a process of its own: numba starts its threads once.
    script = (
        "import torch; from mne_sst._reuse import compiled\n"
        "torch.set_num_threads(1); torch.get_num_threads()\n"
        "with compiled(): pass\n"
        "print(torch.get_num_threads())"
    )
    environment = {k: v for k, v in os.environ.items() if not k.startswith("OMP_")}
    environment["NUMBA_NUM_THREADS"] = "2"
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True
    )
    assert done.stdout.strip() == "1", done.stderr
