"""`MarketSnapshot`: column arrays of one moment of the markets, immutable; `archive` saves and loads it.

File format: consecutive `.npy` blocks in one stream. The first is a uint8 array holding a JSON header (format
version, captured_at, source, the names and order of the arrays that follow); then come the arrays, and last one
uint64, the checksum. Thus `numpy.load` in a loop, with `allow_pickle=False`, reads any snapshot file.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from opportunities.domain import Fees

type Floats = NDArray[np.float64]
type Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Candles:
    """OHLCV bars of one timeframe: arrays of shape (symbols, bars), oldest first, row i is spot symbol i.

    All bars were closed at `captured_at`. `open_time` has shape (bars,), epoch seconds, evenly spaced by
    `seconds`. NaN stands before a symbol's listing, never in between. `volume` is in units of the base asset.
    """

    seconds: int
    open_time: Ints
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats


@dataclass(frozen=True, eq=False)
class Books:
    """Order books: arrays of shape (symbols, levels), best level first, NaN where a side has no more levels.

    Sizes are in units of the base asset. Row i is spot symbol i.
    """

    bid_price: Floats
    bid_size: Floats
    ask_price: Floats
    ask_size: Floats


@dataclass(frozen=True, eq=False)
class Spot:
    """Spot markets. Arrays of shape (symbols,) but for candles (by timeframe: "1h", "4h", "1d") and books.

    `bid`, `ask`, `last` are quote prices per unit of base; `volume_24h_usd` is the traded value of the last
    24 hours. `books` is None where no order books were had.
    """

    symbols: tuple[str, ...]
    exchanges: tuple[str, ...]
    bid: Floats
    ask: Floats
    last: Floats
    volume_24h_usd: Floats
    candles: Mapping[str, Candles]
    books: Books | None = None


@dataclass(frozen=True, eq=False)
class Perpetuals:
    """Perpetual swaps. Arrays of shape (contracts,) but for the funding history, (contracts, periods).

    `funding_rate` is the rate that the *next* payment is expected to have, as a fraction of notional per
    interval; `funding_history` holds the rates already paid, oldest first, NaN before listing, at
    `funding_time` (contracts, periods; epoch seconds, 0 where NaN). Intervals differ between contracts.
    `open_interest_usd` and `volume_24h_usd` may be NaN where unknown.
    """

    symbols: tuple[str, ...]
    exchanges: tuple[str, ...]
    bid: Floats
    ask: Floats
    mark: Floats
    index: Floats
    funding_rate: Floats
    funding_interval_hours: Floats
    next_funding_time: Ints
    open_interest_usd: Floats
    volume_24h_usd: Floats
    funding_history: Floats
    funding_time: Ints


@dataclass(frozen=True, eq=False)
class MarketSnapshot:
    """What the markets looked like at `captured_at` (epoch seconds).

    `source` says where it comes from ("simulated", "files"); `assumptions` names every number in it that was
    assumed and not observed; `excluded` counts the markets left out by reason; `freshness` gives the time of
    the newest observation per section ("spot", "perpetuals"). A section that could not be had is None, with
    its reason in `missing`. `fees` are the base-tier taker fees per exchange.
    """

    captured_at: int
    source: str
    fees: Mapping[str, Fees]
    spot: Spot | None = None
    perpetuals: Perpetuals | None = None
    freshness: Mapping[str, int] = field(default_factory=dict)
    missing: Mapping[str, str] = field(default_factory=dict)
    excluded: Mapping[str, int] = field(default_factory=dict)
    assumptions: Mapping[str, str] = field(default_factory=dict)
