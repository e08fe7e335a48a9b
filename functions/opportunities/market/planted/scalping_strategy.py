"""Plants a coin that snaps back to its average price within the hour, has just dropped, and whose book leans up.

Unit of size: the level that the price snaps back to lies four times the costs of a round trip (fees and spread) above
the present mid, so that reaching it nets about three times the costs. Each hourly close has lain off that level by
noise of its own, an eighth of the present drop. Bids hold twice what asks do or more. `profit_usd` is for `INVESTOR`,
leaving at the level.
"""

from dataclasses import replace

import numpy as np

from opportunities.domain import Investor
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
from opportunities.maths.arrays import Floats

INVESTOR = Investor()

COSTS = 4.0
DROP_IN_NOISES = 8.0
_LEAN = 2.0
_LEAST_VOLUME_USD = 2e6


def plant(market: MarketSnapshot, seed: int, size: float) -> tuple[MarketSnapshot, Planted]:
    """The market with that coin in it; its quotes, its asks, and all other coins stay as they are."""
    rng = np.random.default_rng(seed)
    spot = section(market)
    base = str(rng.choice(pairs(market, _LEAST_VOLUME_USD)))
    row = row_with_candles(market, base)
    rate = min(round_trip_rate(market, each) for each in listings(market, base))
    drop = size * COSTS * rate
    now = float(spot.bid[row] + spot.ask[row]) / 2
    noise: Floats = drop / DROP_IN_NOISES * rng.standard_normal(len(spot.candles["1h"].open_time))
    noise[-1] = -drop
    close = now * np.exp(drop + noise)
    reach = 1 + 0.02 * drop * rng.random((2, len(close)))
    planted = with_history(market, base, hours_of(close[0], close, close * reach[0], close / reach[1]))
    planted = _leaning(planted, base)
    level = now * np.exp(drop)
    return planted, Planted(f"{base}/USDT", profit_usd(planted, INVESTOR, base, float(level), now * (1 - drop / 4)))


def _leaning(market: MarketSnapshot, base: str) -> MarketSnapshot:
    """The market with larger bids for the coin: each at least so many times the ask of its level."""
    spot = section(market)
    if spot.books is None:
        raise ValueError("a scalp needs books")
    sizes = spot.books.bid_size.copy()
    rows = listings(market, base)
    sizes[rows] = np.maximum(sizes[rows], _LEAN * spot.books.ask_size[rows])
    return replace(market, spot=replace(spot, books=replace(spot.books, bid_size=sizes)))
