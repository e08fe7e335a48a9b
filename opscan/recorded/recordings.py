"""Reader of one file of candles or funding, CSV or Feather, checked row by row up to a moment.

Of rows after the moment only the dates are read: nothing else in them can change the result. Errors name
the file, the row (the first row of data is 1) and the cause.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from opportunities.market.timeframes import HOUR
from opportunities.maths.arrays import Floats, Ints
from opscan.recorded.tables import Table, read_table

PRICES = ("open", "high", "low", "close")

_JITTER_MS = 60_000
_PERIODS = (1, 2, 4, 8)


@dataclass(frozen=True, eq=False)
class Bars:
    """Closed bars of one file, evenly spaced, oldest first: arrays of shape (bars,); times are epoch seconds."""

    open_time: Ints
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats


@dataclass(frozen=True, eq=False)
class Payments:
    """Funding payments of one file, oldest first: arrays of shape (payments,); times are epoch seconds."""

    time: Ints
    rate: Floats


def read_bars(path: Path, seconds: int, as_of: int, *, volume: bool = True) -> Bars:
    """The bars of `seconds` in the file that were closed at `as_of`; without `volume` it is NaN and not looked at.

    Raises MarketDataError for a file that cannot be read, wrong columns, rows that are not on the bars' grid,
    unsorted, repeated or missing, prices that are not positive numbers, a high or low that is not, and volumes that
    are negative or not numbers.
    """
    table = read_table(path, ("date", *PRICES, *(("volume",) if volume else ())))
    rows = np.flatnonzero(table.dates <= (as_of - seconds) * 1000)
    times = table.dates[rows]
    checked = _Rows(table, rows)
    checked.refuse(times % (seconds * 1000) != 0, lambda i: f"no bar of {seconds} seconds begins at {_utc(times[i])}")
    steps = np.diff(times, prepend=times[:1] - seconds * 1000) // (seconds * 1000)
    checked.refuse(steps == 0, lambda i: f"it repeats {_utc(times[i])}")
    checked.refuse(steps < 0, lambda i: f"{_utc(times[i])} comes after the later {_utc(times[i - 1])}")
    checked.refuse(steps > 1, lambda i: f"bars are missing between {_utc(times[i - 1])} and {_utc(times[i])}")
    columns = {name: table.numbers(name, rows) for name in PRICES}
    for name, values in columns.items():
        checked.refuse(~((values > 0) & np.isfinite(values)), _value(name, values, "a positive price"))
    for upper, lower in (("high", "open"), ("high", "close"), ("high", "low"), ("open", "low"), ("close", "low")):
        checked.refuse(columns[upper] < columns[lower], _crossed(columns, upper, lower))
    traded = table.numbers("volume", rows) if volume else np.full(len(rows), np.nan)
    if volume:
        checked.refuse(~((traded >= 0) & np.isfinite(traded)), _value("volume", traded, "a volume"))
    return Bars(open_time=times // 1000, volume=traded, **columns)


def read_payments(path: Path, as_of: int) -> Payments:
    """The funding payments in the file (rates in the column `open`) until `as_of`.

    Exchanges stamp a payment some milliseconds off its hour: the hour counts. The spacing of payments may change,
    as exchanges change intervals, but only among 1, 2, 4 and 8 hours. Raises MarketDataError like `read_bars`.
    """
    table = read_table(path, ("date", "open"))
    hours = np.round(table.dates / (HOUR * 1000)).astype(np.int64)
    rows = np.flatnonzero(hours * HOUR <= as_of)
    stamps, hours = table.dates[rows], hours[rows]
    checked = _Rows(table, rows)
    checked.refuse(np.abs(stamps - hours * HOUR * 1000) > _JITTER_MS, lambda i: f"{_utc(stamps[i])} is not a full hour")
    steps = np.diff(hours, prepend=hours[:1] - 1)
    checked.refuse(steps == 0, lambda i: f"it repeats {_utc(stamps[i])}")
    checked.refuse(steps < 0, lambda i: f"{_utc(stamps[i])} comes after the later {_utc(stamps[i - 1])}")
    checked.refuse(
        ~np.isin(steps, _PERIODS),
        lambda i: f"payments are missing: {steps[i]} hours lie between {_utc(stamps[i - 1])} and {_utc(stamps[i])}",
    )
    rate = table.numbers("open", rows)
    checked.refuse(~(np.abs(rate) < 1), _value("open", rate, "a funding rate as a fraction of the notional"))
    return Payments(time=hours * HOUR, rate=rate)


@dataclass(frozen=True, eq=False)
class _Rows:
    """The rows of a table that are looked at, by index."""

    table: Table
    rows: NDArray[np.intp]

    def refuse(self, bad: NDArray[np.bool_], cause: Callable[[int], str]) -> None:
        """Raises MarketDataError for the first bad row."""
        if bad.any():
            first = int(np.argmax(bad))
            self.table.refuse(int(self.rows[first]), cause(first))


def _value(name: str, values: Floats, expected: str) -> Callable[[int], str]:
    return lambda i: f"the {name} {values[i]} is not {expected}"


def _crossed(columns: Mapping[str, Floats], upper: str, lower: str) -> Callable[[int], str]:
    return lambda i: f"the {upper} {columns[upper][i]} is below the {lower} {columns[lower][i]}"


def _utc(milliseconds: int) -> str:
    return f"{datetime.fromtimestamp(milliseconds / 1000, UTC):%Y-%m-%d %H:%M:%S}"
