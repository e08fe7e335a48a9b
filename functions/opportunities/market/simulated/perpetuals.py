"""The simulated perpetual swaps of two exchanges: funding follows the premium, prices follow spot and premium."""

import numpy as np

from opportunities.market.simulated.assets import Asset
from opportunities.market.simulated.moment import (
    ELSEWHERE,
    EXCHANGE,
    MINIMUM_NOTIONAL_USD,
    Moment,
    decimals_of,
    joined,
    perpetual_spread_of,
    quoted,
    rounded,
    rules,
    step_worth,
)
from opportunities.market.snapshot import Candles, Perpetuals
from opportunities.market.timeframes import HOUR, timeframes
from opportunities.maths.arrays import Floats, Ints

# How many of the largest markets have one, how many of those pay every 8 hours, and what the others do.
_LISTED, _MAJORS, _INTERVALS = 40, 12, (4, 8, 4, 1)
_LISTED_ELSEWHERE, _VOLUME_ELSEWHERE = 15, 0.5
_TIMEFRAMES = ("1h", "4h")
_PAYMENTS = 31 * 24
_INTEREST, _CLAMP = 0.0001, 0.0005
_VOLUME = 2.5
# Markets whose perpetuals stay dear or cheap for months, by mark over index, less 1: crowded longs and shorts.
_CROWDED = {"WIF": 0.0019, "TIA": 0.0014, "SUI": 0.0011, "NEAR": 0.0009, "SEI": 0.0016, "ATOM": -0.0011, "FIL": -0.0008}


def premium_levels(assets: tuple[Asset, ...]) -> Floats:
    """The premium that each asset's perpetual returns to in a lively market, shape (assets,)."""
    return np.array([_CROWDED.get(asset.name, _INTEREST) for asset in assets])


def perpetuals_of(moment: Moment) -> Perpetuals:
    """All perpetuals: the first exchange's, which have candles, then the second's."""
    n = min(_LISTED, len(moment.assets))
    m = min(_LISTED_ELSEWHERE, n)
    rows = np.concatenate([np.arange(n), np.arange(m)])
    interval = np.array([8 if i < _MAJORS or i >= n else _INTERVALS[i % len(_INTERVALS)] for i in range(n + m)])
    due = (moment.captured_at // (interval * HOUR) + 1) * interval * HOUR
    premium = np.concatenate([moment.paths.premium[:n], moment.paths.premium_elsewhere[:m]])
    clamp = (0.0, 0.0) if moment.fair else (_INTEREST, _CLAMP)
    payments = [_payments(row[: moment.hours], int(each), *clamp) for row, each in zip(premium, interval, strict=True)]
    decimals = decimals_of(np.array([asset.price for asset in moment.assets]))[rows]
    mark = rounded(moment.last[rows] * (1 + moment.now(premium, moment.hours - 1)), decimals)
    volume = _VOLUME * moment.daily_usd()[rows] * np.where(np.arange(n + m) < n, 1.0, _VOLUME_ELSEWHERE)
    spread = perpetual_spread_of(moment, volume)
    quotes = joined(
        *(quoted(moment, mark[part], decimals[part], spread[part], volume[part]) for part in (slice(n), slice(n, None)))
    )
    here = np.arange(n + m) < n
    contract = np.where(here, 1.0, step_worth(moment.last[rows], 100.0))
    lot = np.where(here, step_worth(moment.last[rows], 10.0), 1.0)
    return Perpetuals(
        symbols=tuple(f"{moment.assets[row].name}/USDT:USDT" for row in rows),
        exchanges=(EXCHANGE,) * n + (ELSEWHERE,) * m,
        bid=quotes.books.bid_price[:, 0],
        ask=quotes.books.ask_price[:, 0],
        mark=mark,
        index=moment.last[rows],
        funding_rate=np.array([rates[-1] for rates in payments]),
        funding_interval_hours=interval.astype(np.float64),
        next_funding_time=due,
        inverse=np.zeros(n + m, dtype=np.int64),
        open_interest_usd=0.4 * volume,
        volume_24h_usd=volume,
        funding_history=np.array([rates[:-1] for rates in payments]),
        funding_time=due[:, None] - (interval * HOUR)[:, None] * np.arange(_PAYMENTS, 0, -1),
        candles=_candles(moment, premium[:n], decimals[:n]),
        books=quotes.books,
        rules=rules(contract, decimals, lot, np.where(here, MINIMUM_NOTIONAL_USD, np.nan)),
    )


def _candles(moment: Moment, premium: Floats, decimals: Ints) -> dict[str, Candles]:
    """Bars of spot's path times 1 + premium, whose extremes take the dearer and the cheaper of an hour's premiums."""
    paths, n, hours = moment.paths, len(premium), moment.hours
    ends = np.pad(premium[:, :hours], ((0, 0), (1, 0)), mode="edge")
    dearer, cheaper = np.maximum(ends[:, :-1], ends[:, 1:]), np.minimum(ends[:, :-1], ends[:, 1:])
    close = rounded(paths.close[:n, : hours + 1] * (1 + ends), decimals)
    hourly = Candles(
        seconds=HOUR,
        open_time=paths.begins_at + HOUR * np.arange(hours, dtype=np.int64),
        open=close[:, :-1],
        high=rounded(paths.high[:n, :hours] * (1 + dearer), decimals),
        low=rounded(paths.low[:n, :hours] * (1 + cheaper), decimals),
        close=close[:, 1:],
        volume=_VOLUME * paths.volume_usd[:n, :hours] / close[:, 1:],
    )
    bars = timeframes(hourly)
    return {name: bars[name] for name in _TIMEFRAMES}


def _payments(premium: Floats, interval: int, interest: float, clamp: float) -> Floats:
    """The last `_PAYMENTS` rates paid, then the one to be paid next, out of a contract's hourly premiums until now.

    The rate is the mean premium of the interval, drawn towards the interest by at most the clamp (Binance,
    "Introduction to Binance Futures Funding Rates": F = P + clamp(I - P, -0.05 %, 0.05 %) per 8 hours).
    """
    whole = len(premium) - len(premium) % interval
    running = premium[whole:].mean() if whole < len(premium) else premium[-1]
    mean = np.append(premium[:whole].reshape(-1, interval).mean(axis=1)[-_PAYMENTS:], running)
    rate: Floats = (mean + np.clip(interest - mean, -clamp, clamp)) * interval / 8
    return rate
