import logging

import numpy as np
import pytest

from mne_sst._checks import check_finite, check_number, check_option, listed, logger, progress


@pytest.mark.parametrize("value", ["spectral", None])
def test_option_is_returned(value):
    assert check_option("method", value, ("spectral", None)) is value


@pytest.mark.parametrize("value", ["Spectral", None, 0, np.arange(3), ["spectral"], b"spectral"])
def test_option_names_parameter_value_and_choices(value):
    with pytest.raises(ValueError, match=r"method must be one of 'spectral', 'seed', got") as error:
        check_option("method", value, ("spectral", "seed"))
    assert repr(value) in str(error.value)


@pytest.mark.parametrize(
    ("value", "options", "kind"),
    [
        (3, {"integer": True}, int),
        (np.int64(3), {"integer": True}, int),
        (3, {}, float),
        (np.float32(3), {}, float),
        (3, {"low": 3, "high": 3}, float),
    ],
)
def test_number_comes_back_as_plain_python(value, options, kind):
    result = check_number("n", value, **options)
    assert result == 3
    assert type(result) is kind


@pytest.mark.parametrize(
    ("value", "options", "error", "match"),
    [
        ("3", {}, TypeError, r"n must be a number, got '3' \(str\)"),
        (True, {}, TypeError, r"n must be a number, got True \(bool\)"),
        (np.True_, {"integer": True}, TypeError, "n must be a whole number"),
        (None, {}, TypeError, r"got None \(NoneType\)"),
        (3.0, {"integer": True}, TypeError, r"n must be a whole number, got 3.0 \(float\)"),
        (1 + 0j, {}, TypeError, "n must be a number"),
        (np.nan, {}, ValueError, "n must be finite, got nan"),
        (np.inf, {"low": 0}, ValueError, "n must be finite, got inf"),
        (0, {"low": 1}, ValueError, r"n must lie in \[1, inf\], got 0"),
        (0, {"low": 0, "low_open": True}, ValueError, r"n must lie in \(0, inf\], got 0"),
        (2, {"low": 0, "high": 1}, ValueError, r"n must lie in \[0, 1\], got 2"),
        (2, {"high": 1}, ValueError, r"n must lie in \(-inf, 1\], got 2"),
    ],
)
def test_number_is_refused(value, options, error, match):
    with pytest.raises(error, match=match):
        check_number("n", value, **options)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_finite_names_the_first_place(value):
    data = np.zeros((3, 4, 5))
    data[1, 2, 3] = data[2, 0, 0] = value
    with pytest.raises(ValueError, match=r"X holds 2 value\(s\).* epoch 1, channel 2, time 3\."):
        check_finite("X", data, ("epoch", "channel", "time"))


def test_finite_sees_opposite_infinities():
    # Their sum is NaN, not infinite; both must be counted.
    with pytest.raises(ValueError, match=r"holds 2 value"):
        check_finite("X", np.array([np.inf, -np.inf, 0.0]), ("index",))


@pytest.mark.parametrize(
    "data",
    [
        np.full(4, 1e308),  # a sum that overflows, of values that do not
        np.full(4, 6e4, dtype=np.float16),
        np.array([np.iinfo(np.int64).max, 1]),
        np.empty((0, 3)),
    ],
)
def test_finite_lets_large_and_empty_pass(data):
    before = data.copy()
    data.flags.writeable = False
    axes = [f"axis {i}" for i in range(data.ndim)]
    check_finite("X", data, axes)
    np.testing.assert_array_equal(data, before)


def test_listed_cuts_long_lists():
    assert listed("abc") == "a, b, c"
    assert listed([]) == ""
    assert listed(range(10), most=3) == "0, 1, 2, ... (10 in all)"
    assert listed(range(3), most=3) == "0, 1, 2"


@pytest.mark.parametrize("verbose", [False, None])
def test_progress_is_silent_without_a_terminal(verbose, capfd):
    with progress(3, "Work", verbose) as bar:
        bar.update(3)
    out, err = capfd.readouterr()
    assert (out, err) == ("", "")


def test_logger_is_left_to_the_user():
    assert logger.name == "mne_sst"
    assert logger.handlers == []
    assert logger.level == logging.NOTSET
