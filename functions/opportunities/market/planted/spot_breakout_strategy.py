"""Plants a coin that leaves a narrow channel upwards, on volume.

Unit of size: the channel is eight times as high as the costs of a round trip (fees and spread), and the price now a
quarter of its height above it: so the way to the measured move, the channel's height above its top, nets about five
times the costs. Before, the coin has wandered in steps that reached as far within two days. `profit_usd` is for
`INVESTOR`, leaving at the measured move.
"""

import numpy as np

from opportunities.domain import Investor
from opportunities.market import draws
from opportunities.market.planted import Planted
from opportunities.market.planted.changes.history import Hours, hours_of, with_history
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

COSTS = 8.0
BEYOND = 0.25
_CHANNEL_BARS, _BAR_HOURS = 30, 4
_VOLUME = 5.0
# How far closes go within the channel, and the standard deviation of 4 h before it, in heights of the channel.
_QUIET, _WANDERING = 0.15, 0.4
_LEAST_VOLUME_USD = 2e6


def plant(market: MarketSnapshot, seed: int, size: float) -> tuple[MarketSnapshot, Planted]:
    """The market with that coin in it; its quotes and books, and all other coins, stay as they are."""
    rng = np.random.default_rng(seed)
    spot = section(market)
    base = str(rng.choice(pairs(market, _LEAST_VOLUME_USD)))
    row = row_with_candles(market, base)
    rate = min(round_trip_rate(market, each) for each in listings(market, base))
    now = float(spot.bid[row] + spot.ask[row]) / 2
    height = size * COSTS * rate * now
    top = now - BEYOND * height
    bottom = top - height
    hourly, four = spot.candles["1h"], spot.candles["4h"]
    since = int((hourly.open_time[-1] + hourly.seconds - four.open_time[-1] - four.seconds) // hourly.seconds)
    hours = _hours(rng, (hourly.close.shape[1], since), now, top, bottom)
    planted = with_history(market, base, hours)
    stop = float(spot.ask[row]) - 2 * average_true_range(planted, row, "4h", 20)
    return planted, Planted(f"{base}/USDT", profit_usd(planted, INVESTOR, base, top + height, stop))


def _hours(rng: np.random.Generator, shape: tuple[int, int], now: float, top: float, bottom: float) -> Hours:
    """Hourly bars (all, and since the break): wandering, then the channel, then the break in four hours, then still."""
    (bars, since), quiet, height = shape, _CHANNEL_BARS * _BAR_HOURS, top - bottom
    middle = (top + bottom) / 2
    inside = middle + _QUIET * height * draws.uniform(rng, -1, 1, quiet)
    rise = np.linspace(inside[-1], now, _BAR_HOURS + 1)[1:]
    still = np.full(since, now)
    steps = _WANDERING * height / middle / np.sqrt(_BAR_HOURS) * draws.normal(rng, bars - quiet - _BAR_HOURS - since)
    wandering = inside[0] * elementary.exp(np.cumsum(steps[::-1])[::-1])
    close = np.concatenate([wandering, inside, rise, still])
    made = hours_of(float(close[0]), close)
    broken = len(wandering) + quiet
    highest, lowest = rng.choice(np.arange(2, 18), 2, replace=False) * _BAR_HOURS
    made.high[broken - highest], made.low[broken - lowest] = top, bottom
    made.volume[broken : broken + _BAR_HOURS] = _VOLUME
    return made
