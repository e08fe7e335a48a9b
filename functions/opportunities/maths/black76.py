"""European options on a forward: price, sensitivities and implied volatility, over arrays that broadcast.

F, K and prices are USD per unit of base and undiscounted: Black, The Pricing of Commodity Contracts, 1976, equation
16 without its discount factor, which is right where the premium lies at the exchange as margin without interest.
A premium quoted in the coin (Deribit: inverse options) is the same price over F. `years` is the time to expiry,
`volatility` per square root of a year, `call` true for calls.
"""

from math import erfc, pi, sqrt

import numpy as np
from numpy.typing import ArrayLike

from opportunities.maths.arrays import Floats

YEAR = 365 * 86_400
"""Seconds of a year as the option exchanges count it."""

_ROUNDS = 100
_LOW, _HIGH = 1e-6, 20.0
_erfc = np.vectorize(erfc, otypes=[np.float64])


def price(forward: ArrayLike, strike: ArrayLike, volatility: ArrayLike, years: ArrayLike, call: ArrayLike) -> Floats:
    """F N(d1) - K N(d2) for a call, K N(-d2) - F N(-d1) for a put; what it is worth at once where σ√T is 0."""
    forward, strike = np.asarray(forward, float), np.asarray(strike, float)
    sign = np.where(call, 1.0, -1.0)
    d1, d2 = _d(forward, strike, _deviation(volatility, years))
    value: Floats = sign * (forward * _normal_cdf(sign * d1) - strike * _normal_cdf(sign * d2))
    return value


def delta(forward: ArrayLike, strike: ArrayLike, volatility: ArrayLike, years: ArrayLike, call: ArrayLike) -> Floats:
    """Change of the price in USD per USD of the forward: N(d1) for a call, N(d1) - 1 for a put."""
    sign = np.where(call, 1.0, -1.0)
    d1, _ = _d(np.asarray(forward, float), np.asarray(strike, float), _deviation(volatility, years))
    return sign * _normal_cdf(sign * d1)


def vega(forward: ArrayLike, strike: ArrayLike, volatility: ArrayLike, years: ArrayLike) -> Floats:
    """Change of the price in USD per 1.00 of volatility: F φ(d1) √T."""
    forward = np.asarray(forward, float)
    d1, _ = _d(forward, np.asarray(strike, float), _deviation(volatility, years))
    return forward * np.exp(-(d1**2) / 2) / sqrt(2 * pi) * np.sqrt(years)


def implied_volatility(
    premium: ArrayLike, forward: ArrayLike, strike: ArrayLike, years: ArrayLike, call: ArrayLike
) -> Floats:
    """The volatility at which `price` gives the premium (USD); NaN where there is none between 1e-6 and 20.

    Newton's method on the price of the option out of the money (parity turns one in the money into it, so that no
    digits are lost to intrinsic value), kept within a bracket that bisection narrows where Newton would leave it.
    It begins at the volatility of largest vega, √(2 |ln(F/K)| / T) (Manaster and Koehler, The Calculation of Implied
    Variances from the Black-Scholes Model, 1982), and ends where the volatility no longer moves.
    """
    premium, forward, strike, years, call = np.broadcast_arrays(
        *(np.asarray(each, float) for each in (premium, forward, strike, years, call))
    )
    intrinsic = np.maximum(np.where(call, forward - strike, strike - forward), 0.0)
    out_of_the_money, time_value = strike >= forward, premium - intrinsic
    low, high = np.full(premium.shape, _LOW), np.full(premium.shape, _HIGH)
    with np.errstate(all="ignore"):
        below = price(forward, strike, low, years, out_of_the_money)
        above = price(forward, strike, high, years, out_of_the_money)
        solvable = (years > 0) & (time_value > 0) & (time_value >= below) & (time_value <= above)
        start = np.sqrt(2 * np.abs(np.log(forward / strike)) / years)
        volatility = np.where(solvable, np.clip(start, 0.05, 5.0), np.nan)
        for _ in range(_ROUNDS):
            excess = price(forward, strike, volatility, years, out_of_the_money) - time_value
            low, high = np.where(excess < 0, volatility, low), np.where(excess >= 0, volatility, high)
            newton = volatility - excess / vega(forward, strike, volatility, years)
            following = np.where((newton > low) & (newton < high), newton, (low + high) / 2)
            moved = np.nan_to_num(np.abs(following - volatility)).max(initial=0.0)
            volatility = np.where(solvable, following, np.nan)
            if moved < 1e-14:
                break
    return volatility


def _deviation(volatility: ArrayLike, years: ArrayLike) -> Floats:
    deviation: Floats = np.asarray(volatility, float) * np.sqrt(np.asarray(years, float))
    return deviation


def _d(forward: Floats, strike: Floats, deviation: Floats) -> tuple[Floats, Floats]:
    """d1 and d2, infinite on the side of the money where the deviation is 0."""
    moneyness = np.log(forward / strike)
    with np.errstate(divide="ignore", invalid="ignore"):
        centre = np.where(deviation > 0, moneyness / deviation, np.copysign(np.inf, moneyness))
    return centre + deviation / 2, centre - deviation / 2


def _normal_cdf(z: Floats) -> Floats:
    cdf: Floats = 0.5 * _erfc(-z / sqrt(2))
    return cdf
