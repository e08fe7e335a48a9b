from math import sqrt

import empyrical
import numpy as np
import pytest
from scipy import stats

from opportunities.maths import risk

RETURNS = np.random.default_rng(6).standard_t(4, 500) * 0.02


def test_value_at_risk_equals_empyrical() -> None:
    assert risk.value_at_risk(RETURNS) == pytest.approx(-empyrical.value_at_risk(RETURNS, 0.05), rel=1e-9)


@pytest.mark.parametrize("n", [21, 100, 500])
def test_expected_shortfall_equals_empyrical(n: int) -> None:
    expected = -empyrical.conditional_value_at_risk(RETURNS[:n], 0.05)
    assert risk.expected_shortfall(RETURNS[:n]) == pytest.approx(expected, rel=1e-9)


def test_drawdown_equals_empyrical() -> None:
    values = 100 * np.cumprod(1 + RETURNS)
    assert risk.max_drawdown(np.concatenate([[100.0], values])) == pytest.approx(
        -empyrical.max_drawdown(RETURNS), rel=1e-9
    )


def test_the_normal_measures_equal_those_of_scipy() -> None:
    assert risk.normal_value_at_risk(0.03) == pytest.approx(-stats.norm.ppf(0.05, scale=0.03), rel=1e-9)
    tail = -stats.norm.expect(lambda r: r, scale=0.03, ub=stats.norm.ppf(0.05, scale=0.03)) / 0.05
    assert risk.normal_expected_shortfall(0.03) == pytest.approx(tail, rel=1e-7)


def test_both_shortfalls_agree_on_a_large_normal_sample() -> None:
    sample = np.random.default_rng(7).normal(0, 0.02, 400_000)
    assert risk.value_at_risk(sample) == pytest.approx(risk.normal_value_at_risk(0.02), rel=0.01)
    assert risk.expected_shortfall(sample) == pytest.approx(risk.normal_expected_shortfall(0.02), rel=0.01)


def test_ewma_volatility_equals_the_weighted_sum_of_squares() -> None:
    forecasts = risk.ewma_volatility(RETURNS[:60])
    weights = np.append(0.06 * 0.94 ** np.arange(40), 0.94**40)
    squares = np.append(RETURNS[59:19:-1] ** 2, np.mean(RETURNS[:20] ** 2))
    assert forecasts[-1] == pytest.approx(sqrt(weights @ squares), rel=1e-9)
    assert len(forecasts) == 41


def test_herfindahl_is_one_for_a_single_holding_and_a_quarter_for_four_equal_ones() -> None:
    assert risk.herfindahl(np.array([7.0])) == 1
    assert risk.herfindahl(np.full(4, 3.0)) == pytest.approx(0.25)


def test_coverage_equals_kupiecs_ratio_by_scipys_binomial() -> None:
    found = risk.coverage(RETURNS)
    x, n = found.violations, found.days
    ratio = 2 * (stats.binom.logpmf(x, n, x / n) - stats.binom.logpmf(x, n, 0.05))
    squares = [np.mean(RETURNS[:20] ** 2)]
    for value in RETURNS[20:-1]:
        squares.append(0.94 * squares[-1] + 0.06 * value**2)
    assert n == 480
    assert x == np.sum(RETURNS[20:] < stats.norm.ppf(0.05) * np.sqrt(squares))
    assert found.p_value == pytest.approx(stats.chi2.sf(ratio, 1), rel=1e-9)


def test_a_model_that_is_never_exceeded_or_always_is_rejected() -> None:
    calm = np.concatenate([np.full(20, 0.05), np.full(100, 0.0001)])
    assert risk.coverage(calm).violations == 0
    assert risk.coverage(calm).p_value == pytest.approx(stats.chi2.sf(-200 * np.log(0.95), 1), rel=1e-9)
    worse = -0.01 * 2.0 ** np.arange(60)
    assert risk.coverage(worse).p_value < 1e-10
