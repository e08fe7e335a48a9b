"""ccxt's candles, order books, funding payments and limits as arrays, rows in the order that the caller gives."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from opportunities.market.archive.columns import BOOKS, CANDLES
from opportunities.market.live.listings import Listing, number
from opportunities.market.live.reading import BOOK_LEVELS
from opportunities.market.snapshot import Books, Candles, Rules
from opportunities.market.timeframes import CANDLES_LAST, HOUR
from opportunities.maths.arrays import Floats, Ints

_TICK_SIZE = 4  # ccxt's precision mode in which precisions are steps


def closed_bars(rows: Sequence[Sequence[float | None]], captured_at: int) -> Floats:
    """The closed hourly bars without gap or bad number that end the series: shape (bars, 6), the open time first.

    What ccxt gives last is mostly a bar that is still open. A bar of no trade may be missing at some exchanges: what
    lies before such a gap is left out, as snapshots have none.
    """
    by_time = {row[0]: row for row in rows if row[0] is not None and row[0] / 1000 + HOUR <= captured_at}
    ordered = [by_time[time] for time in sorted(by_time)]
    table = np.array([[np.nan if value is None else value for value in row[:6]] for row in ordered]).reshape(-1, 6)
    table[:, 0] /= 1000
    price = table[:, 1:5]
    good = (price > 0).all(axis=1) & np.isfinite(price).all(axis=1) & (table[:, 5] >= 0) & (table[:, 0] % HOUR == 0)
    good &= (table[:, 2] >= price.max(axis=1)) & (table[:, 3] <= price.min(axis=1))
    starts = np.append(True, np.diff(table[:, 0]) != HOUR)[: len(table)]
    breaks = np.flatnonzero(starts | ~good)
    first = int(breaks[-1]) if len(breaks) else 0
    return table[first + (not good[first]) :] if len(table) else table


def hourly(bars: Sequence[Floats | None], captured_at: int) -> tuple[Candles | None, int]:
    """All series on one grid that ends with the newest bar of any, and how many were left out since they end before
    it or longer before the capture than candles last. Rows without bars are NaN.
    """
    ends = [int(each[-1, 0]) for each in bars if each is not None and len(each)]
    end = max(ends, default=0)
    if end < captured_at - CANDLES_LAST:
        return None, len(ends)
    kept = [each if each is not None and len(each) and int(each[-1, 0]) == end else None for each in bars]
    longest = max(len(each) for each in kept if each is not None)
    columns = {name: np.full((len(bars), longest), np.nan) for name in CANDLES}
    for i, each in enumerate(kept):
        if each is not None:
            for j, column in enumerate(columns.values()):
                column[i, -len(each) :] = each[:, j + 1]
    times = end + HOUR * np.arange(1 - longest, 1, dtype=np.int64)
    return Candles(seconds=HOUR, open_time=times, **columns), len(ends) - sum(each is not None for each in kept)


def books(listings: Sequence[Listing], answers: Sequence[Mapping[str, Any] | None]) -> Books | None:
    """Sizes in units of base, also where the exchange counts contracts; NaN rows where there is no answer."""
    known = sum(bool(answer) for answer in answers)
    if not known:
        return None
    columns = {name: np.full((len(listings), BOOK_LEVELS), np.nan) for name in BOOKS}
    for i, (listing, answer) in enumerate(zip(listings, answers, strict=True)):
        for side in ("bid", "ask"):
            for j, level in enumerate((answer or {}).get(f"{side}s", [])[:BOOK_LEVELS]):
                columns[f"{side}_price"][i, j] = number(level[0])
                columns[f"{side}_size"][i, j] = number(level[1]) * listing.units
    return Books(**columns)


def payments(answers: Sequence[Sequence[Mapping[str, Any]]]) -> tuple[Floats, Ints]:
    """Rates paid and when (epoch seconds, full hours): shape (contracts, periods), ending together; NaN and 0
    before. A payment without a time or a rate is none.
    """
    rows = []
    for answer in answers:
        known = [(number(each["timestamp"]) / 1000, number(each["fundingRate"])) for each in answer]
        stamped = {round(time / HOUR) * HOUR: rate for time, rate in known if np.isfinite(time)}
        rows.append(sorted((time, rate) for time, rate in stamped.items() if np.isfinite(rate)))
    periods = max((len(row) for row in rows), default=0)
    history, times = np.full((len(rows), periods), np.nan), np.zeros((len(rows), periods), dtype=np.int64)
    for i, row in enumerate(rows):
        if row:
            times[i, -len(row) :], history[i, -len(row) :] = zip(*row, strict=True)
    return history, times


def rules(listings: Sequence[Listing], precision_modes: Mapping[str, int]) -> Rules:
    """What the exchanges let one order be, NaN where ccxt does not know; `precision_modes` is ccxt's by exchange."""
    rows = [_rule(listing, precision_modes[listing.exchange] == _TICK_SIZE) for listing in listings]
    contract_size, tick, lot, minimum = np.array(rows).reshape(-1, 4).T
    return Rules(contract_size, tick, lot, minimum)


def _rule(listing: Listing, steps: bool) -> tuple[float, float, float, float]:  # noqa: FBT001 - private, two callers
    market = listing.market
    limits, precision = market.get("limits") or {}, market.get("precision") or {}
    # ccxt counts orders in contracts, but at Deribit in what the contracts are units of
    per_unit = 1.0 if listing.exchange == "deribit" else listing.units
    usd = 1.0 if market.get("inverse") else listing.middle
    least = number((limits.get("amount") or {}).get("min")) * per_unit * usd
    cost = number((limits.get("cost") or {}).get("min"))
    return (
        listing.units,
        number(precision.get("price")) if steps else np.nan,
        number(precision.get("amount")) * per_unit / listing.units if steps else np.nan,
        float(np.fmax(least, cost)),
    )
