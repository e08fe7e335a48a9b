"""Events that exchanges' messages are translated into: instruments, order books, their changes and tickers.

Sizes and volumes are in the exchange's own unit until an instrument tells what that is.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from math import isfinite, isnan, nan

import numpy as np

from opportunities.maths.arrays import Floats

type Side = Mapping[float, float]
"""Sizes by price; 0 in a change takes a level away."""


@dataclass(frozen=True)
class Key:
    """One instrument: its exchange's ccxt name and its unified symbol."""

    exchange: str
    symbol: str

    @property
    def base(self) -> str:
        return self.symbol.partition("/")[0]

    @property
    def quote(self) -> str:
        return self.symbol.partition("/")[2].partition(":")[0]

    @property
    def settle(self) -> str | None:
        return self.symbol.partition(":")[2].partition("-")[0] or None

    @property
    def inverse(self) -> bool:
        return self.settle not in (None, self.quote)

    @property
    def terms(self) -> list[str]:
        """Expiry, strike and kind, as far as it has them: "BTC/USD:BTC-240927-60000-C" has all."""
        return self.symbol.partition(":")[2].split("-")[1:]

    @property
    def expiry(self) -> int:
        """Epoch seconds, 8:00 UTC of the day that a contract with an expiry names."""
        return int(datetime.strptime(self.terms[0] + "08+0000", "%y%m%d%H%z").timestamp())

    @property
    def section(self) -> str:
        """Where it belongs in a snapshot."""
        if self.settle is None:
            return "spot"
        return {0: "perpetuals", 1: "futures"}.get(len(self.terms), "options")


@dataclass(frozen=True)
class Instrument:
    """The rules for orders of an instrument, as in `Rules`, and the `unit` of its books' sizes: units of base, or USD
    of an inverse contract. `assumed` where no recorded message states them.
    """

    key: Key
    contract_size: float
    unit: float
    tick: float = nan
    lot: float = nan
    minimum_notional_usd: float = nan
    assumed: bool = False


@dataclass(frozen=True)
class Book:
    """A whole order book; `update` numbers it among its changes, where the exchange does. Raises ValueError where that
    is no number.
    """

    key: Key
    bids: Side
    asks: Side
    update: int | None = None

    def __post_init__(self) -> None:
        _numbered(*(() if self.update is None else (self.update,)))


@dataclass(frozen=True)
class BookDelta:
    """New sizes of some levels: the updates `first` to `last`. It follows a book of an update in [first - 1, last), or
    the change that ended with `previous`. Raises ValueError where these are no numbers.
    """

    key: Key
    bids: Side
    asks: Side
    first: int
    last: int
    previous: int | None

    def __post_init__(self) -> None:
        _numbered(self.first, self.last, *(() if self.previous is None else (self.previous,)))


@dataclass(frozen=True)
class Ticker:
    """Current numbers of an instrument by name: those of `TICKER_FIELDS` that the message has."""

    key: Key
    values: Mapping[str, float]


@dataclass(frozen=True)
class Ignored:
    """A message that says nothing a snapshot holds, and why."""

    reason: str


type Event = Instrument | Book | BookDelta | Ticker | Ignored

PRICES = ("bid", "ask", "last", "mark", "index", "forward", "mark_iv")
TICKER_FIELDS = (
    *PRICES,
    *("bid_size", "ask_size", "volume_24h_usd", "open_interest_usd"),
    *("funding_rate", "funding_hours", "next_funding_time"),
)


def number(value: object) -> float:
    """A number, also one written as text; NaN for anything else."""
    try:
        found = float(value) if isinstance(value, int | float | str) and not isinstance(value, bool) else nan
    except (ValueError, OverflowError):  # an integer may be too large for a float
        return nan
    return found if isfinite(found) else nan


def _numbered(*updates: object) -> None:
    for each in updates:
        if isinstance(each, bool) or not isinstance(each, int):
            raise ValueError(f"{each!r:.60} is not the number of an update")  # noqa: TRY004 - the message is to blame


def ticker(key: Key, values: Mapping[str, object]) -> Ticker:
    """The values that are numbers; prices that are not positive are none."""
    read = {name: number(value) for name, value in values.items()}
    return Ticker(
        key, {name: value for name, value in read.items() if not isnan(value) and (name not in PRICES or value > 0)}
    )


def side(levels: Iterable[Iterable[object]], *, empty: bool = False) -> Side:
    """One side of a book, of [price, size, ...] levels; ValueError where a price or a size is none, or is 0 unless
    `empty` levels are allowed.
    """
    found = {}
    for level in levels:
        price, size, *_ = map(number, level)
        if not price > 0 or not size >= 0 or (size == 0 and not empty):
            raise ValueError(f"{level!r:.60} is not a positive price and size")
        found[price] = size
    return found


def best_first(levels: Side, *, descending: bool) -> Floats:
    """The levels that have a size, shape (levels, 2): price and size."""
    listed = sorted(((price, size) for price, size in levels.items() if size > 0), reverse=descending)
    return np.array(listed).reshape(-1, 2)
