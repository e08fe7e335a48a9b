"""The sections of a recorded snapshot: fresh series on one grid of hours, quotes made of closes."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from opportunities.market.catalogue import Market
from opportunities.market.recordings import Bars, Payments, read_bars, read_payments
from opportunities.market.snapshot import Candles, Perpetuals, Spot
from opportunities.market.timeframes import BARS, HOUR, timeframes

_GRACE = 5 * 60
_COLUMNS = ("open", "high", "low", "close", "volume")


@dataclass(frozen=True)
class Moment:
    """What was asked for; `half_spread` is a fraction of the price."""

    as_of: int
    exchange: str
    half_spread: float


@dataclass(frozen=True, eq=False)
class Contract:
    """A perpetual's recordings; `mark` is None where none was recorded for the hour of the last trade."""

    symbol: str
    underlying: str
    bars: Bars
    mark: float | None
    payments: Payments
    interval: int


def fresh(markets: Sequence[Market], as_of: int, excluded: Counter[str]) -> list[tuple[Market, Bars]]:
    """The markets with the newest bar that any of them has, which is at most two bars and five minutes old
    (freqtrade's rule); the others are counted in `excluded`.
    """
    series = [(market, read_bars(market.candles, HOUR, as_of)) for market in markets]
    listed = [(market, bars) for market, bars in series if len(bars.open_time)]
    newest = max((int(bars.open_time[-1]) for _, bars in listed), default=0)
    end = max(newest, as_of - 2 * HOUR - _GRACE)
    kept = [(market, bars) for market, bars in listed if bars.open_time[-1] >= end]
    excluded["not listed yet"] += len(series) - len(listed)
    excluded["stale"] += len(listed) - len(kept)
    return kept


def contracts(series: Sequence[tuple[Market, Bars]], as_of: int, excluded: Counter[str]) -> list[Contract]:
    """The perpetuals whose last funding payment is no older than their interval; the others are counted."""
    found = []
    for market, bars in series:
        payments = read_payments(market.funding, as_of) if market.funding else None
        if payments is None or len(payments.time) < 2:
            excluded["no funding history"] += 1
            continue
        interval = int(payments.time[-1] - payments.time[-2])
        if payments.time[-1] + interval + _GRACE < as_of:
            excluded["stale"] += 1
            continue
        mark = _mark(market, bars, as_of)
        found.append(Contract(market.symbol, f"{market.base}/{market.quote}", bars, mark, payments, interval))
    return found


def spot_section(series: Sequence[tuple[Market, Bars]], moment: Moment) -> Spot:
    """At least one market's; all on the hours from the first bar of any to the last of all."""
    begin = min(int(bars.open_time[0]) for _, bars in series)
    end = int(series[0][1].open_time[-1]) + HOUR
    columns = {name: np.full((len(series), (end - begin) // HOUR), np.nan) for name in _COLUMNS}
    for i, (_, bars) in enumerate(series):
        for name, column in columns.items():
            column[i, -len(bars.open_time) :] = getattr(bars, name)
    hourly = Candles(seconds=HOUR, open_time=np.arange(begin, end, HOUR, dtype=np.int64), **columns)
    last = hourly.close[:, -1]
    return Spot(
        symbols=tuple(market.symbol for market, _ in series),
        exchanges=(moment.exchange,) * len(series),
        bid=last * (1 - moment.half_spread),
        ask=last * (1 + moment.half_spread),
        last=last,
        volume_24h_usd=np.array([_volume(bars) for _, bars in series]),
        candles=timeframes(hourly),
    )


def perpetuals_section(listed: Sequence[Contract], spot: Spot | None, moment: Moment) -> Perpetuals:
    """At least one contract's; the last `BARS` funding payments."""
    last = np.array([each.bars.close[-1] for each in listed])
    mark = np.array([each.bars.close[-1] if each.mark is None else each.mark for each in listed])
    prices = dict(zip(spot.symbols, spot.last.tolist(), strict=True)) if spot else {}
    interval = np.array([each.interval for each in listed])
    paid = np.array([each.payments.time[-1] for each in listed])
    periods = min(BARS, max(len(each.payments.time) for each in listed))
    history, times = np.full((len(listed), periods), np.nan), np.zeros((len(listed), periods), dtype=np.int64)
    for i, each in enumerate(listed):
        known = len(each.payments.time[-periods:])
        history[i, -known:] = each.payments.rate[-known:]
        times[i, -known:] = each.payments.time[-known:]
    return Perpetuals(
        symbols=tuple(each.symbol for each in listed),
        exchanges=(moment.exchange,) * len(listed),
        bid=last * (1 - moment.half_spread),
        ask=last * (1 + moment.half_spread),
        mark=mark,
        index=np.array([prices.get(each.underlying, own) for each, own in zip(listed, mark.tolist(), strict=True)]),
        funding_rate=history[:, -1],
        funding_interval_hours=interval / HOUR,
        next_funding_time=paid + interval * (1 + (moment.as_of - paid) // interval),
        open_interest_usd=np.full(len(listed), np.nan),
        volume_24h_usd=np.array([_volume(each.bars) for each in listed]),
        funding_history=history,
        funding_time=times,
    )


def perpetual_assumptions(listed: Sequence[Contract], spot: Spot | None) -> dict[str, str]:
    """What `perpetuals_section` assumed."""
    priced = spot.symbols if spot else ()
    unmarked = ", ".join(each.symbol for each in listed if each.mark is None)
    unpriced = ", ".join(each.symbol for each in listed if each.underlying not in priced)
    assumed = {
        "funding rates": "the last rate paid is taken as the estimate of the next",
        "funding intervals": "the time between the last two payments",
        "indices": "the last close of the same pair's spot market" + (f"; the mark for {unpriced}" if unpriced else ""),
    }
    if unmarked:
        assumed["marks"] = f"the last trade, as no mark was recorded at its hour, for {unmarked}"
    return assumed


def _mark(market: Market, bars: Bars, as_of: int) -> float | None:
    if not market.marks:
        return None
    path, seconds = market.marks
    marks = read_bars(path, seconds, as_of, volume=False)
    closed_together = len(marks.open_time) and marks.open_time[-1] + seconds == bars.open_time[-1] + HOUR
    return float(marks.close[-1]) if closed_together else None


def _volume(bars: Bars) -> float:
    return float((bars.close * bars.volume)[-24:].sum())
