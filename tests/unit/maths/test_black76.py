import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, optimize, stats

from opportunities.maths.black76 import delta, implied_volatility, price, vega

forwards = st.floats(50, 100_000)
moneyness = st.floats(-0.7, 0.7)
volatilities = st.floats(0.1, 2.0)
years = st.floats(0.003, 2.0)


@settings(max_examples=40, deadline=None)
@given(forwards, moneyness, volatilities, years, st.booleans())
def test_the_price_is_the_payoff_integrated_over_the_lognormal_law(
    forward: float, away: float, volatility: float, time: float, call: bool
) -> None:
    strike, deviation = forward * np.exp(away), volatility * np.sqrt(time)
    sign = 1 if call else -1

    def weighted(z: float) -> float:
        settled = forward * np.exp(deviation * z - deviation**2 / 2)
        return float(max(sign * (settled - strike), 0) * stats.norm.pdf(z))

    kink = float(np.clip((away + deviation**2 / 2) / deviation, -12, 12))
    parts = [(-12.0, kink), (kink, 12.0)]
    expected = sum(integrate.quad(weighted, *part, epsabs=1e-12 * forward, epsrel=1e-12)[0] for part in parts)
    assert float(price(forward, strike, volatility, time, call)) == pytest.approx(expected, abs=1e-9 * forward)


@settings(max_examples=40, deadline=None)
@given(forwards, moneyness, volatilities, years)
def test_a_call_less_a_put_is_the_forward_less_the_strike(
    forward: float, away: float, volatility: float, time: float
) -> None:
    strike = forward * np.exp(away)
    call, put = price(forward, strike, volatility, time, np.array([True, False]))
    assert call - put == pytest.approx(forward - strike, abs=1e-11 * forward)


@settings(max_examples=40, deadline=None)
@given(forwards, moneyness, volatilities, years, st.booleans())
def test_delta_and_vega_are_the_derivatives(
    forward: float, away: float, volatility: float, time: float, call: bool
) -> None:
    strike, step = forward * np.exp(away), 1e-5
    up, down = (price(forward * (1 + s), strike, volatility, time, call) for s in (step, -step))
    assert float(delta(forward, strike, volatility, time, call)) == pytest.approx(
        float(up - down) / (2 * step * forward), abs=1e-5
    )
    up, down = (price(forward, strike, volatility + s, time, call) for s in (step, -step))
    assert float(vega(forward, strike, volatility, time)) == pytest.approx(
        float(up - down) / (2 * step), abs=1e-5 * forward
    )


@settings(max_examples=40, deadline=None)
@given(forwards, moneyness, volatilities, years, st.booleans())
def test_the_implied_volatility_gives_the_price_back(
    forward: float, away: float, volatility: float, time: float, call: bool
) -> None:
    strike = forward * np.exp(away)
    premium = float(price(forward, strike, volatility, time, call))
    implied = float(implied_volatility(premium, forward, strike, time, call))
    if np.isfinite(implied):
        assert float(price(forward, strike, implied, time, call)) == pytest.approx(premium, abs=1e-12 * forward)
    time_value = premium - max((forward - strike) * (1 if call else -1), 0)
    if time_value > 1e-4 * forward:
        assert implied == pytest.approx(volatility, abs=1e-9)
        found = optimize.brentq(
            lambda v: float(price(forward, strike, v, time, call)) - premium, 1e-4, 10, xtol=1e-13, rtol=1e-13
        )
        assert implied == pytest.approx(found, abs=1e-9)


@pytest.mark.parametrize("premium", [-1.0, 0.0, 9.99, 100.0, float("nan")])
def test_a_price_that_no_volatility_gives_has_none(premium: float) -> None:
    assert np.isnan(implied_volatility(premium, 100.0, 90.0, 0.5, call=True))


def test_no_time_is_worth_the_payoff_and_has_no_volatility() -> None:
    assert price(100.0, 90.0, 0.5, 0.0, np.array([True, False])).tolist() == [10.0, 0.0]
    assert np.isnan(implied_volatility(10.0, 100.0, 90.0, 0.0, call=True))
