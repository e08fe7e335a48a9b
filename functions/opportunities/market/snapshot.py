"""`MarketSnapshot`: column arrays of one moment of the markets, immutable; `archive` saves and loads it.

File format: consecutive `.npy` blocks in one stream. The first is a uint8 array holding a JSON header (format
version, captured_at, source, the names and order of the arrays that follow); then come the arrays, and last one
uint64, the checksum. Thus `numpy.load` in a loop, with `allow_pickle=False`, reads any snapshot file.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from opportunities.domain import Fees
from opportunities.maths.arrays import Floats, Ints


@dataclass(frozen=True, eq=False)
class Candles:
    """OHLCV bars of one timeframe: arrays of shape (symbols, bars), oldest first, row i is row i of its section.

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

    Sizes are in units of the base asset. Row i is row i of its section.
    """

    bid_price: Floats
    bid_size: Floats
    ask_price: Floats
    ask_size: Floats


@dataclass(frozen=True, eq=False)
class Rules:
    """What an exchange lets one order be: arrays of shape (instruments,), NaN where it does not say.

    `contract_size` is units of base per contract (1 on spot markets; USD per contract of an inverse one), `tick` the
    smallest step of the price, `lot` the smallest step of the quantity in contracts, `minimum_notional_usd` the least
    worth of an order.
    """

    contract_size: Floats
    tick: Floats
    lot: Floats
    minimum_notional_usd: Floats


@dataclass(frozen=True, eq=False)
class Spot:
    """Spot markets, one row a listing: the same pair on two exchanges is two rows. Arrays of shape (listings,).

    `bid`, `ask`, `last` are quote prices per unit of base; `volume_24h_usd` is the traded value of the last 24 hours.
    Candles (by timeframe: "1h", "4h", "1d") and books may have fewer rows: row i is listing i, and listings beyond
    have none. `books` is None where no order books were had.
    """

    symbols: tuple[str, ...]
    exchanges: tuple[str, ...]
    bid: Floats
    ask: Floats
    last: Floats
    volume_24h_usd: Floats
    candles: Mapping[str, Candles]
    books: Books | None = None
    rules: Rules | None = None


@dataclass(frozen=True, eq=False)
class Perpetuals:
    """Perpetual swaps, one row a listing. Arrays of shape (contracts,) but for the funding history.

    `inverse` is 1 for contracts margined and settled in the base ("BTC/USD:BTC"), else 0; prices are USD per unit of
    base in both cases. N USD of an inverse contract pay N (1/entry - 1/exit) coins, and its funding is paid in coins
    of the same worth as the rate times N USD. What is only quoted has NaN funding, and 0 as `next_funding_time`.
    `funding_rate` is the rate that the *next* payment is expected to have, as a fraction of notional per interval;
    `funding_history` (contracts, periods) holds the rates already paid, oldest first, NaN before listing, at
    `funding_time` (contracts, periods; epoch seconds, 0 where NaN). Intervals differ between contracts.
    `open_interest_usd` and `volume_24h_usd` may be NaN where unknown. Candles and books as in `Spot`; candle volumes
    and book sizes are in units of base, not in contracts, whose worth in USD over the price they are if inverse.
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
    inverse: Ints
    open_interest_usd: Floats
    volume_24h_usd: Floats
    funding_history: Floats
    funding_time: Ints
    candles: Mapping[str, Candles] = field(default_factory=dict)
    books: Books | None = None
    rules: Rules | None = None


@dataclass(frozen=True, eq=False)
class Futures:
    """Dated futures ("BTC/USDT:USDT-241227"), one row a listing: arrays of shape (contracts,).

    `inverse` is 1 for contracts margined and settled in the base ("BTC/USD:BTC-241227"), else 0; prices are USD per
    unit of base in both cases. `expiry` is in epoch seconds.
    """

    symbols: tuple[str, ...]
    exchanges: tuple[str, ...]
    bid: Floats
    ask: Floats
    mark: Floats
    index: Floats
    expiry: Ints
    inverse: Ints
    open_interest_usd: Floats
    volume_24h_usd: Floats
    rules: Rules | None = None


@dataclass(frozen=True, eq=False)
class Options:
    """European option chains ("BTC/USD:BTC-241227-60000-C"), one row a listing: arrays of shape (options,).

    `call` is 1 for calls and 0 for puts. `inverse` is 1 where premiums and payoff are in the base coin: `bid`, `ask`
    and `mark` are then fractions of a coin per unit of base, else they are USD. NaN where a side has no quote. Sizes
    are in units of base. `mark_iv` is the exchange's volatility per square root of a year (0.65 is 65 %). `forward`
    is the price (USD) of the expiry's own future, `index` that of the underlying's spot index.
    """

    symbols: tuple[str, ...]
    exchanges: tuple[str, ...]
    expiry: Ints
    strike: Floats
    call: Ints
    inverse: Ints
    bid: Floats
    ask: Floats
    bid_size: Floats
    ask_size: Floats
    mark: Floats
    mark_iv: Floats
    forward: Floats
    index: Floats
    open_interest_usd: Floats
    volume_24h_usd: Floats
    rules: Rules | None = None


@dataclass(frozen=True, eq=False)
class MarketSnapshot:
    """What the markets looked like at `captured_at` (epoch seconds).

    `source` says where it comes from ("simulated", "files", "live" and its exchanges); `assumptions` names every
    number in it that was assumed and not observed; `excluded` counts the markets left out by reason; `freshness` gives
    the time of the newest observation per section ("spot", "perpetuals", "futures", "options"), and of recorded markets
    that of the oldest order book ("books"). A section that could not be had is None, with its reason in `missing`.
    `fees` are the base-tier fees per exchange.
    """

    captured_at: int
    source: str
    fees: Mapping[str, Fees]
    spot: Spot | None = None
    perpetuals: Perpetuals | None = None
    futures: Futures | None = None
    options: Options | None = None
    freshness: Mapping[str, int] = field(default_factory=dict)
    missing: Mapping[str, str] = field(default_factory=dict)
    excluded: Mapping[str, int] = field(default_factory=dict)
    assumptions: Mapping[str, str] = field(default_factory=dict)
