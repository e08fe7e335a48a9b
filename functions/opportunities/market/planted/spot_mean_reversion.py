"""Plants a coin that ranges, and has just fallen far below the level that it keeps coming back to.

Unit of size: the level lies four times the costs of a round trip (fees and spread) above the ask, so that reaching it
nets about three times the costs. The log price is an Ornstein-Uhlenbeck process with a half-life of 1.5 hours around
that level, now 2.6 of its standard deviations below. `profit_usd` is for `INVESTOR`, leaving at the true level.
"""

import numpy as np

from opportunities.domain import Investor
from opportunities.market import draws
from opportunities.market.planted import Planted
from opportunities.market.planted.changes.history import hours_of, with_history
from opportunities.market.planted.oracles.long import (
    listings,
    pairs,
    profit_usd,
    round_trip_rate,
    row_with_candles,
    section,
)
from opportunities.market.snapshot import MarketSnapshot
from opportunities.maths import elementary

INVESTOR = Investor()

HALF_LIFE_HOURS = 1.5
DISTANCE = 2.6
COSTS = 4.0
_STOP = 3.5
_LEAST_VOLUME_USD = 2e6


def plant(market: MarketSnapshot, seed: int, size: float) -> tuple[MarketSnapshot, Planted]:
    """The market with that coin in it; its quotes and books, and all other coins, stay as they are."""
    rng = np.random.default_rng(seed)
    spot = section(market)
    base = str(rng.choice(pairs(market, _LEAST_VOLUME_USD)))
    row = row_with_candles(market, base)
    rate = min(round_trip_rate(market, each) for each in listings(market, base))
    now, ask = elementary.log([(spot.bid[row] + spot.ask[row]) / 2, spot.ask[row]])
    level = ask + size * COSTS * rate
    deviation = float(level - now) / DISTANCE
    bars = spot.candles["1h"].close.shape[1]
    kept = elementary.power(0.5, 1 / HALF_LIFE_HOURS)
    shocks = np.sqrt(1 - kept * kept) * draws.normal(rng, bars)
    # Backwards from the present gap: a stationary Gaussian process looks the same in both directions of time.
    gaps = np.empty(bars)
    gaps[-1] = -DISTANCE
    for bar in range(bars - 2, -1, -1):
        gaps[bar] = kept * gaps[bar + 1] + shocks[bar]
    close = elementary.exp(level + deviation * gaps)
    reach = 1 + 0.2 * deviation * rng.random((2, bars))
    planted = with_history(market, base, hours_of(close[0], close, close * reach[0], close / reach[1]))
    target, stop = (float(elementary.exp(price)) for price in (level, level - _STOP * deviation))
    return planted, Planted(f"{base}/USDT", profit_usd(planted, INVESTOR, base, target, stop))
