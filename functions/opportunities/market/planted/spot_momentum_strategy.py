"""Plants a coin that has risen steadily for weeks, slowly faster, and still does.

Unit of size: a rise of four average true ranges, the target's distance, is four times the costs of a round trip (fees
and spread), so that it nets about three times the costs. In bars of 4 h the log price goes two steps up and one down in
turn, each step 0.4 % larger than the one before. `profit_usd` is for `INVESTOR`, leaving four average true ranges up.
"""

import numpy as np

from opportunities.domain import Investor
from opportunities.market import draws
from opportunities.market.planted import Planted
from opportunities.market.planted.changes.history import hours_of, with_history
from opportunities.market.planted.oracles.long import (
    average_true_range,
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

COSTS = 4.0
TARGET_ATR, STOP_ATR = 4.0, 2.0
_GROWTH, _NOISE = 1.004, 0.02
_BAR_HOURS = 4
_LEAST_VOLUME_USD = 2e6


def plant(market: MarketSnapshot, seed: int, size: float) -> tuple[MarketSnapshot, Planted]:
    """The market with that coin in it; its quotes and books, and all other coins, stay as they are."""
    rng = np.random.default_rng(seed)
    spot = section(market)
    base = str(rng.choice(pairs(market, _LEAST_VOLUME_USD)))
    row = row_with_candles(market, base)
    hourly, four = spot.candles["1h"], spot.candles["4h"]
    since = int((hourly.open_time[-1] + hourly.seconds - four.open_time[-1] - four.seconds) // hourly.seconds)
    bars = (hourly.close.shape[1] - since) // _BAR_HOURS
    # The mean true range of a step and a double step is 1.5 steps.
    step = size * COSTS * round_trip_rate(market, row) / TARGET_ATR / 1.5
    moves = np.where(np.arange(bars) % 2 == 0, 2.0, -1.0) + _NOISE * draws.normal(rng, bars)
    moves *= step * elementary.power(_GROWTH, np.arange(1.0 - bars, 1.0))
    hours = np.concatenate([np.repeat(moves / _BAR_HOURS, _BAR_HOURS), np.zeros(since)])
    now = float(spot.bid[row] + spot.ask[row]) / 2
    close = now * elementary.exp(np.cumsum(hours) - hours.sum())
    planted = with_history(market, base, hours_of(float(close[0]), close))
    atr = average_true_range(planted, row, "4h", 14)
    ask = min(float(spot.ask[listed]) for listed in listings(planted, base))
    profit = profit_usd(planted, INVESTOR, base, ask + TARGET_ATR * atr, ask - STOP_ATR * atr)
    return planted, Planted(f"{base}/USDT", profit)
