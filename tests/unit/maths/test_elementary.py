"""Elementary functions by arithmetic alone: as near the truth as the C library's, for arrays and scalars alike."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from opportunities.maths import elementary

POSITIVE = st.floats(1e-30, 1e30)


def ulps(found: float, true: float) -> float:
    return abs(found - true) / math.ulp(true)


@given(st.floats(-700, 700))
def test_exp_is_within_two_units_in_the_last_place(x: float) -> None:
    assert ulps(float(elementary.exp(x)), math.exp(x)) <= 2


@given(POSITIVE)
def test_log_is_within_three_units_in_the_last_place(x: float) -> None:
    assert ulps(float(elementary.log(x)), math.log(x)) <= 3


@given(st.floats(-1e-3, 1e-3))
def test_log_loses_no_digits_near_one(x: float) -> None:
    assert float(elementary.log(1 + x)) == pytest.approx(math.log(1 + x), rel=1e-15, abs=0)


@given(st.floats(0.01, 100), st.floats(-50, 50))
def test_power_is_right_to_thirteen_digits(base: float, exponent: float) -> None:
    assert float(elementary.power(base, exponent)) == pytest.approx(base**exponent, rel=1e-13)


@given(st.floats(-40, 40))
def test_the_normal_distribution_function_is_right_to_fifteen_decimals(x: float) -> None:
    found = float(elementary.normal_cdf(x))
    assert found == pytest.approx(math.erfc(-x / math.sqrt(2)) / 2, rel=0, abs=2e-15)
    assert 0 <= found <= 1


@pytest.mark.parametrize("exponent", range(-30, 31))
def test_powers_of_ten_are_the_nearest_doubles_and_their_own_magnitude(exponent: int) -> None:
    ten = float(elementary.power_of_ten(exponent))
    assert ten == float(f"1e{exponent}")
    assert elementary.magnitude(ten) == exponent
    assert elementary.magnitude(math.nextafter(ten, 0)) == max(exponent - 1, -31)


@given(st.lists(POSITIVE, min_size=1, max_size=20))
def test_an_array_is_what_its_elements_are(values: list[float]) -> None:
    array = np.array(values)
    kept = array.copy()
    for function in (elementary.exp, elementary.log, elementary.normal_cdf):
        small = array / array.max()
        assert np.array_equal(function(small), [float(function(each)) for each in small])
    assert np.array_equal(array, kept)
