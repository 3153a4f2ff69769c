import numpy as np
import pytest

from mne_sst.features import lds, moving_average, smooth_trials


def naive_average(x, width):
    half = width // 2
    return np.stack([x[max(i - half, 0) : i + half + 1].mean(axis=0) for i in range(len(x))])


def batch_posterior(x, q, r, v0):
    """Posterior mean of the random walk given all windows, by one linear solve."""
    n = len(x)
    # z_t - z_0 gathers t steps of variance q on top of the first state's v0.
    steps = np.minimum.outer(np.arange(n), np.arange(n))
    prior = v0 + q * steps
    mean = x.mean(axis=0)
    return mean + prior @ np.linalg.solve(prior + r * np.eye(n), x - mean)


@pytest.mark.parametrize(("smooth", "name"), [(False, "forward"), (True, "rts")])
def test_lds_equals_reference(reference, smooth, name):
    with np.load(reference / "differential_entropy.npz") as stored:
        x, expected = stored["lds/input"].T, stored[f"lds/{name}"].T
    # The same recursion in the same precision: only rounding may differ.
    np.testing.assert_allclose(lds(x, smooth=smooth), expected, rtol=0, atol=1e-10)


@pytest.mark.parametrize("noises", [(1e-4, 1.0, 0.01), (0.3, 0.5, 2.0)])
def test_lds_is_the_posterior_mean(rng, noises):
    x = rng.standard_normal((40, 3, 2)).cumsum(axis=0)
    q, r, v0 = noises
    smoothed = lds(x, system_noise=q, observation_noise=r, initial_variance=v0)
    expected = batch_posterior(x.reshape(40, -1), q, r, v0).reshape(x.shape)
    # A solve of 40 unknowns, condition below 1e3: ten digits are left.
    np.testing.assert_allclose(smoothed, expected, rtol=0, atol=1e-10 * np.abs(x).max())


def test_lds_forward_knows_no_future_but_the_mean(rng):
    x = rng.standard_normal(30)
    y = x.copy()
    # Two later windows change against each other, so the trial's mean stays.
    y[20] += 1.0
    y[25] -= 1.0
    forward = lds(x, smooth=False), lds(y, smooth=False)
    np.testing.assert_allclose(forward[0][:20], forward[1][:20], rtol=0, atol=1e-12)
    # The first gain past it is above 0.5 %.
    assert abs(forward[0][20] - forward[1][20]) > 0.005
    assert np.abs(lds(x) - lds(y))[:20].min() > 1e-6


@pytest.mark.parametrize("width", [1, 3, 5, 99])
@pytest.mark.parametrize("shape", [(12,), (12, 4, 5), (1, 4)])
def test_moving_average_equals_naive_loop(rng, width, shape):
    x = 10 + rng.standard_normal(shape)
    np.testing.assert_allclose(moving_average(x, width), naive_average(x, width), rtol=1e-13)


@pytest.mark.parametrize(
    ("width", "error", "match"),
    [
        (4, ValueError, "width must be odd.*got 4"),
        (0, ValueError, r"width must lie in \[1"),
        (2.5, TypeError, "width must be a whole number"),
    ],
)
def test_bad_width(width, error, match):
    with pytest.raises(error, match=match):
        moving_average(np.zeros(8), width)


@pytest.mark.parametrize("method", ["lds", "moving_average"])
class TestTrials:
    def test_single_window_stays(self, method, rng):
        x = rng.standard_normal((1, 3, 5))
        np.testing.assert_allclose(smooth_trials(x, [7], method), x, rtol=0, atol=1e-15)

    def test_constant_stays(self, method):
        x = np.full((9, 2), 3.5)
        np.testing.assert_allclose(smooth_trials(x, np.zeros(9), method), x, rtol=1e-14)

    @pytest.mark.parametrize(
        "trials",
        [
            np.repeat([2, 0, 1], [5, 1, 8]),
            np.resize([0, 1, 2], 14),  # interleaved
            np.repeat(["b", "a"], 7),
        ],
    )
    def test_never_across_a_border(self, method, trials, rng):
        # Trials far apart in value: a single shared window would show.
        x = rng.standard_normal((14, 3, 5))
        x += 1e3 * np.unique(trials, return_inverse=True)[1][:, None, None]
        smoothed = smooth_trials(x, trials, method)
        function = {"lds": lds, "moving_average": moving_average}[method]
        for trial in np.unique(trials):
            rows = trials == trial
            # Exactly what the trial alone gives.
            np.testing.assert_array_equal(smoothed[rows], function(x[rows]))
        assert not np.allclose(smoothed, x)

    def test_nan_names_a_trial_too(self, method, rng):
        # As EpochsFeatures.groups has it for a value left out in the metadata.
        x = rng.standard_normal((6, 2))
        smoothed = smooth_trials(x, np.array([0, 0, 0, np.nan, np.nan, np.nan]), method)
        expected = smooth_trials(x, np.array([0, 0, 0, 1, 1, 1]), method)
        np.testing.assert_array_equal(smoothed, expected)

    def test_input_and_dtype_are_kept(self, method, rng):
        x = rng.standard_normal((6, 2)).astype(np.float32)
        x.flags.writeable = False
        assert smooth_trials(x, np.zeros(6), method).dtype == np.float32


def test_keywords_are_passed_on(rng):
    x = rng.standard_normal((10, 2))
    trials = np.zeros(10)
    np.testing.assert_array_equal(
        smooth_trials(x, trials, "moving_average", width=3), moving_average(x, 3)
    )
    np.testing.assert_array_equal(
        smooth_trials(x, trials, "lds", smooth=False), lds(x, smooth=False)
    )


@pytest.mark.parametrize("trials", [np.zeros(4), np.zeros((5, 1)), 3])
def test_trials_must_fit(trials):
    with pytest.raises(ValueError, match="trials must name one trial for each of 5 windows"):
        smooth_trials(np.zeros((5, 2)), trials)


def test_unknown_method():
    with pytest.raises(ValueError, match="method must be one of 'moving_average', 'lds'"):
        smooth_trials(np.zeros((5, 2)), np.zeros(5), "median")


def test_nothing_to_smooth():
    assert lds(np.empty((0, 3))).shape == (0, 3)
    assert moving_average(np.empty((0, 3))).shape == (0, 3)
