"""The sections of a recorded snapshot: fresh series on one grid of hours, quotes made of closes."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from opportunities.market.recorded.catalogue import Market
from opportunities.market.recorded.depth import Depth, stacked
from opportunities.market.recorded.recordings import Bars, Payments, read_bars, read_payments
from opportunities.market.snapshot import Candles, Floats, Perpetuals, Spot
from opportunities.market.timeframes import BARS, HOUR, timeframes

_GRACE = 5 * 60
_PERPETUAL_TIMEFRAMES = ("1h", "4h")
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


def spot_section(series: Sequence[tuple[Market, Bars]], books: Mapping[str, Depth], moment: Moment) -> Spot:
    """At least one market's, those with a book first; bars on the hours from the first bar of any to the last of all.

    A market that has a book and no bars has NaN bars and volume; its last price is the middle of the book.
    """
    bars = {market.symbol: each for market, each in series}
    symbols = sorted(books.keys()) + [symbol for symbol in bars if symbol not in books]
    hourly = _hourly([bars.get(symbol) for symbol in symbols])
    known = [bars.get(symbol) for symbol in symbols]
    last = np.array(
        [books[symbol].middle if each is None else each.close[-1] for symbol, each in zip(symbols, known, strict=True)]
    )
    bid, ask = _quotes(symbols, last, books, moment)
    return Spot(
        symbols=tuple(symbols),
        exchanges=(moment.exchange,) * len(symbols),
        bid=bid,
        ask=ask,
        last=last,
        volume_24h_usd=np.array([np.nan if each is None else _volume(each) for each in known]),
        candles=timeframes(hourly) if hourly else {},
        books=stacked([books[symbol] for symbol in sorted(books)]) if books else None,
    )


def perpetuals_section(
    listed: Sequence[Contract], books: Mapping[str, Depth], spot: Spot | None, moment: Moment
) -> Perpetuals:
    """At least one contract's, those with a book first; the last `BARS` funding payments."""
    listed = sorted(listed, key=lambda each: (each.symbol not in books, each.symbol))
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
    symbols = [each.symbol for each in listed]
    bid, ask = _quotes(symbols, last, books, moment)
    hourly = _hourly([each.bars for each in listed])
    longer = timeframes(hourly) if hourly else {}
    walked = [books[symbol] for symbol in symbols if symbol in books]
    return Perpetuals(
        symbols=tuple(symbols),
        exchanges=(moment.exchange,) * len(listed),
        bid=bid,
        ask=ask,
        mark=mark,
        index=np.array([prices.get(each.underlying, own) for each, own in zip(listed, mark.tolist(), strict=True)]),
        funding_rate=history[:, -1],
        funding_interval_hours=interval / HOUR,
        next_funding_time=paid + interval * (1 + (moment.as_of - paid) // interval),
        open_interest_usd=np.full(len(listed), np.nan),
        volume_24h_usd=np.array([_volume(each.bars) for each in listed]),
        funding_history=history,
        funding_time=times,
        candles={name: longer[name] for name in _PERPETUAL_TIMEFRAMES if name in longer},
        books=stacked(walked) if walked else None,
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


def _hourly(series: Sequence[Bars | None]) -> Candles | None:
    """One grid for all series, which end together, NaN where one has not begun; None where there is none at all."""
    known = [bars for bars in series if bars is not None]
    if not known:
        return None
    begin = min(int(bars.open_time[0]) for bars in known)
    end = int(known[0].open_time[-1]) + HOUR
    columns = {name: np.full((len(series), (end - begin) // HOUR), np.nan) for name in _COLUMNS}
    for i, bars in enumerate(series):
        for name, column in columns.items():
            if bars is not None:
                column[i, -len(bars.open_time) :] = getattr(bars, name)
    return Candles(seconds=HOUR, open_time=np.arange(begin, end, HOUR, dtype=np.int64), **columns)


def _quotes(symbols: Sequence[str], last: Floats, books: Mapping[str, Depth], moment: Moment) -> tuple[Floats, Floats]:
    """Best bids and asks: a book's own, or half the assumed spread around the last price."""
    bid, ask = last * (1 - moment.half_spread), last * (1 + moment.half_spread)
    for i, symbol in enumerate(symbols):
        if symbol in books:
            bid[i], ask[i] = books[symbol].bids[0, 0], books[symbol].asks[0, 0]
    return bid, ask


def _mark(market: Market, bars: Bars, as_of: int) -> float | None:
    if not market.marks:
        return None
    path, seconds = market.marks
    marks = read_bars(path, seconds, as_of, volume=False)
    closed_together = len(marks.open_time) and marks.open_time[-1] + seconds == bars.open_time[-1] + HOUR
    return float(marks.close[-1]) if closed_together else None


def _volume(bars: Bars) -> float:
    return float((bars.close * bars.volume)[-24:].sum())
