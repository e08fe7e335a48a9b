"""The sections of a live snapshot, out of chosen listings and what was read about them."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite, nan
from typing import Any

import numpy as np

from opportunities.market.live.listings import Listing, number, number_of_text
from opportunities.market.live.reading import Reading
from opportunities.market.live.series import books, closed_bars, hourly, payments, rules
from opportunities.market.snapshot import Books, Candles, Futures, Perpetuals, Spot
from opportunities.market.timeframes import HOUR, timeframes

_USUAL_INTERVAL = 8
_PERPETUAL_TIMEFRAMES = ("1h", "4h")


@dataclass(frozen=True)
class Notes:
    """What is said about the sections: markets left out by reason, what could not be had, and what was assumed."""

    excluded: Counter[str]
    missing: dict[str, str]
    assumptions: dict[str, str] = field(default_factory=dict)


type Readings = Mapping[str, Reading]


def spot_section(listings: Sequence[Listing], readings: Readings, captured_at: int, notes: Notes) -> Spot:
    """At least one listing's; those with a book first, then those with candles."""
    rows = _ordered(listings, readings)
    candles, walked = _detailed(rows, readings, captured_at, notes)
    return Spot(
        symbols=tuple(row.symbol for row in rows),
        exchanges=tuple(row.exchange for row in rows),
        bid=np.array([row.bid for row in rows]),
        ask=np.array([row.ask for row in rows]),
        last=np.array([row.last for row in rows]),
        volume_24h_usd=np.array([row.volume_24h_usd for row in rows]),
        candles=timeframes(candles) if candles else {},
        books=walked,
        rules=rules(rows, _modes(readings)),
    )


def perpetuals_section(
    listings: Sequence[Listing],
    readings: Readings,
    prices: Mapping[str, float],
    captured_at: int,
    notes: Notes,
) -> Perpetuals:
    """At least one listing's, each with a funding rate; ordered as in `spot_section`. `prices` are by asset, in USD."""
    rows = _ordered(listings, readings)
    candles, walked = _detailed(rows, readings, captured_at, notes)
    history, times = payments([readings[row.exchange].payments.get(row.symbol, []) for row in rows])
    rates = [readings[row.exchange].funding[row.symbol] for row in rows]
    intervals = [
        _interval(row, readings[row.exchange], rate, times[i])
        for i, (row, rate) in enumerate(zip(rows, rates, strict=True))
    ]
    if unknown := [row.symbol for row, interval in zip(rows, intervals, strict=True) if interval is None]:
        notes.assumptions["funding intervals"] = f"8 hours, as neither said nor shown, for {_some(unknown)}"
    hours = np.array([_USUAL_INTERVAL if each is None else each for each in intervals], dtype=np.float64)
    seconds = (hours * HOUR).astype(np.int64)
    due = np.array([_due(rate, captured_at) or 0 for rate in rates], dtype=np.int64)
    marks = [number(rate.get("markPrice")) for rate in rates]
    indices = [number(rate.get("indexPrice")) for rate in rates]
    if guessed := [row.symbol for row, mark in zip(rows, marks, strict=True) if not mark > 0]:
        notes.assumptions["marks"] = f"the middle of bid and ask for {_some(guessed)}"
    if guessed := [row.symbol for row, index in zip(rows, indices, strict=True) if not index > 0]:
        notes.assumptions["indices"] = f"the largest spot market's price for {_some(guessed)}"
    longer = timeframes(candles) if candles else {}
    return Perpetuals(
        symbols=tuple(row.symbol for row in rows),
        exchanges=tuple(row.exchange for row in rows),
        bid=np.array([row.bid for row in rows]),
        ask=np.array([row.ask for row in rows]),
        mark=np.array([mark if mark > 0 else row.middle for row, mark in zip(rows, marks, strict=True)]),
        index=np.array([index if index > 0 else prices[row.base] for row, index in zip(rows, indices, strict=True)]),
        funding_rate=np.array([number(rate["fundingRate"]) for rate in rates]),
        funding_interval_hours=hours,
        next_funding_time=np.where(due > 0, due, (captured_at // seconds + 1) * seconds),
        inverse=np.array([bool(row.market.get("inverse")) for row in rows], dtype=np.int64),
        open_interest_usd=np.array(
            [number_of_text(row.ticker.get("info", {}).get("openInterestValue")) for row in rows]
        ),
        volume_24h_usd=np.array([row.volume_24h_usd for row in rows]),
        funding_history=history,
        funding_time=times,
        candles={name: longer[name] for name in _PERPETUAL_TIMEFRAMES if name in longer},
        books=walked,
        rules=rules(rows, _modes(readings)),
    )


def futures_section(
    listings: Sequence[Listing], readings: Readings, prices: Mapping[str, float], notes: Notes
) -> Futures:
    """At least one listing's, by exchange and symbol; marks and indices as the exchanges say them."""
    rows = sorted(listings, key=lambda row: row.key)
    stated = [readings[row.exchange].funding.get(row.symbol, {}) for row in rows]
    marks = [_first(row.ticker, each, "markPrice", "mark_price") for row, each in zip(rows, stated, strict=True)]
    indices = [
        _first(row.ticker, each, "indexPrice", "estimated_delivery_price")
        for row, each in zip(rows, stated, strict=True)
    ]
    if guessed := [row.symbol for row, mark in zip(rows, marks, strict=True) if not mark > 0]:
        notes.assumptions["marks of futures"] = f"the middle of bid and ask for {_some(guessed)}"
    if guessed := [row.symbol for row, index in zip(rows, indices, strict=True) if not index > 0]:
        notes.assumptions["indices of futures"] = f"the largest spot market's price for {_some(guessed)}"
    return Futures(
        symbols=tuple(row.symbol for row in rows),
        exchanges=tuple(row.exchange for row in rows),
        bid=np.array([row.bid for row in rows]),
        ask=np.array([row.ask for row in rows]),
        mark=np.array([mark if mark > 0 else row.middle for row, mark in zip(rows, marks, strict=True)]),
        index=np.array([index if index > 0 else prices[row.base] for row, index in zip(rows, indices, strict=True)]),
        expiry=np.array([int(row.market["expiry"]) // 1000 for row in rows], dtype=np.int64),
        inverse=np.array([bool(row.market.get("inverse")) for row in rows], dtype=np.int64),
        open_interest_usd=np.array([_open_interest(row) for row in rows]),
        volume_24h_usd=np.array([row.volume_24h_usd for row in rows]),
        rules=rules(rows, _modes(readings)),
    )


def _ordered(listings: Sequence[Listing], readings: Readings) -> list[Listing]:
    """Books and candles cover the first rows of a section."""

    def lacking(row: Listing) -> tuple[bool, bool]:
        reading = readings[row.exchange]
        return row.symbol not in reading.books, row.symbol not in reading.bars

    return sorted(listings, key=lacking)


def _detailed(
    rows: Sequence[Listing], readings: Readings, captured_at: int, notes: Notes
) -> tuple[Candles | None, Books | None]:
    """The candles and books of the first rows, as far as any row has them."""
    own_bars = [readings[row.exchange].bars.get(row.symbol) for row in rows]
    own_books = [readings[row.exchange].books.get(row.symbol) for row in rows]
    with_bars = max((i + 1 for i, each in enumerate(own_bars) if each), default=0)
    with_books = max((i + 1 for i, each in enumerate(own_books) if each), default=0)
    candles, stale = hourly(
        [closed_bars(each, captured_at) if each else None for each in own_bars[:with_bars]], captured_at
    )
    notes.excluded["stale candles"] += stale
    return candles, books(rows[:with_books], own_books[:with_books])


def _interval(row: Listing, reading: Reading, rate: Mapping[str, Any], paid: "np.ndarray[Any, Any]") -> float | None:
    """Hours between payments: as the exchange says, else as its last two payments show; None where neither."""
    for said in (rate.get("interval"), reading.intervals.get(row.symbol, {}).get("interval")):
        if matched := re.fullmatch(r"(\d+)h", said or ""):
            return float(matched[1])
    known = paid[paid > 0]
    return float(known[-1] - known[-2]) / HOUR if len(known) > 1 else None


def _due(rate: Mapping[str, Any], captured_at: int) -> int | None:
    """When the rate is paid, if the exchange says a moment that is still to come."""
    stamp = number(rate.get("fundingTimestamp")) / 1000
    return int(stamp) if isfinite(stamp) and stamp > captured_at else None


def _first(ticker: Mapping[str, Any], stated: Mapping[str, Any], unified: str, own: str) -> float:
    """The first positive of ccxt's ticker, its funding structure and the exchange's own answer."""
    found = (number(ticker.get(unified)), number(stated.get(unified)), number_of_text(ticker.get("info", {}).get(own)))
    return next((value for value in found if value > 0), nan)


def _open_interest(row: Listing) -> float:
    """In USD: Deribit counts its inverse futures in USD; elsewhere only what is named a value is one."""
    info = row.ticker.get("info", {})
    own = info.get("open_interest") if row.market.get("inverse") and "instrument_name" in info else None
    return number_of_text(info.get("openInterestValue") if own is None else own)


def _modes(readings: Readings) -> dict[str, int]:
    return {name: int(reading.exchange.exchange.precisionMode) for name, reading in readings.items()}


def _some(symbols: Sequence[str]) -> str:
    return ", ".join(symbols[:5]) + (f" and {len(symbols) - 5} more" if len(symbols) > 5 else "")
