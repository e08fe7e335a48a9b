"""Longer candles out of hourly ones, the same way for every source: UTC boundaries, whole bars only."""

import numpy as np

from opportunities.market.snapshot import Candles

HOUR = 3_600
DAY = 24 * HOUR
TIMEFRAMES = {"1h": HOUR, "4h": 4 * HOUR, "1d": DAY}
BARS = 1_000
GRACE = 5 * 60
"""How late what an exchange shows every hour may be."""

CANDLES_LAST = 2 * HOUR + GRACE
"""From the opening of the last hourly bar on: two bars and five minutes, freqtrade's rule. Later they are stale."""


def timeframes(hourly: Candles) -> dict[str, Candles]:
    """The newest `BARS` bars of each of `TIMEFRAMES`; a timeframe may have fewer, or none."""
    return {name: newest(aggregate(hourly, seconds), BARS) for name, seconds in TIMEFRAMES.items()}


def aggregate(candles: Candles, seconds: int) -> Candles:
    """Bars of `seconds` (a multiple of the candles' own) that begin at multiples of it since the epoch.

    A bar of which any part is missing does not exist: it is left out at the ends and NaN before a listing.
    """
    parts = seconds // candles.seconds
    first = int(-candles.open_time[0] // candles.seconds % parts) if len(candles.open_time) else 0
    bars = max(0, (len(candles.open_time) - first) // parts)
    used = slice(first, first + bars * parts)
    shape = (len(candles.open), bars, parts)
    open_, close = candles.open[:, used].reshape(shape), candles.close[:, used].reshape(shape)
    whole = ~np.isnan(open_).any(axis=2)
    return Candles(
        seconds=seconds,
        open_time=candles.open_time[used][::parts],
        open=np.where(whole, open_[:, :, 0], np.nan),
        high=candles.high[:, used].reshape(shape).max(axis=2),
        low=candles.low[:, used].reshape(shape).min(axis=2),
        close=np.where(whole, close[:, :, -1], np.nan),
        volume=candles.volume[:, used].reshape(shape).sum(axis=2),
    )


def newest(candles: Candles, bars: int) -> Candles:
    """The last `bars` of the candles, or all where there are fewer."""
    return Candles(
        seconds=candles.seconds,
        open_time=candles.open_time[-bars:],
        open=candles.open[:, -bars:],
        high=candles.high[:, -bars:],
        low=candles.low[:, -bars:],
        close=candles.close[:, -bars:],
        volume=candles.volume[:, -bars:],
    )
