"""Option chains out of single quotes, for every source: their arrays, and forwards where the exchange gave none."""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from math import isfinite, nan

import numpy as np

from opportunities.market.snapshot import Options, Rules

_NEAR = 0.2
_INSTRUMENT = re.compile(r"(?P<coin>[A-Z0-9]+)-(?P<expiry>\d{1,2}[A-Z]{3}\d{2})-(?P<strike>\d+)-(?P<kind>[CP])")
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_SETTLES_AT_HOUR = 8


@dataclass(frozen=True)
class Contract:
    """One coin-settled European option by what it is; `expiry` is in epoch seconds."""

    coin: str
    expiry: int
    strike: float
    call: bool

    @property
    def symbol(self) -> str:
        return f"{self.coin}/USD:{self.coin}-{dated(self.expiry)}-{self.strike:.12g}-{'C' if self.call else 'P'}"


@dataclass(frozen=True)
class Quote:
    """A contract's quotes, in units and with NaN as in `Options`; `forward` is NaN where it is not known."""

    contract: Contract
    bid: float
    ask: float
    mark: float
    forward: float
    index: float
    bid_size: float = nan
    ask_size: float = nan
    mark_iv: float = nan
    open_interest_usd: float = nan
    volume_24h_usd: float = nan
    tick: float = nan
    lot: float = nan


def deribit_contract(instrument: str) -> Contract | None:
    """What Deribit calls "BTC-26APR24-70000-C" (it expires at 8:00 UTC of its day); None for any other name."""
    named = _INSTRUMENT.fullmatch(instrument)
    expiry = deribit_expiry(named["expiry"]) if named else None
    if not named or expiry is None or not float(named["strike"]):
        return None
    return Contract(named["coin"], expiry, float(named["strike"]), named["kind"] == "C")


def deribit_expiry(day: str) -> int | None:
    """Epoch seconds of "26APR24" at 8:00 UTC; None where there is no such day."""
    number, month, year = day[:-5], day[-5:-2], day[-2:]
    if month not in _MONTHS:
        return None
    try:
        moment = datetime(2000 + int(year), _MONTHS.index(month) + 1, int(number), _SETTLES_AT_HOUR, tzinfo=UTC)
    except ValueError:
        return None
    return int(moment.timestamp())


def dated(expiry: int) -> str:
    """An expiry (epoch seconds) as symbols have it: 241227."""
    return f"{datetime.fromtimestamp(expiry, UTC):%y%m%d}"


def parity_forward(quotes: Iterable[Quote]) -> float:
    """The forward that one expiry's calls and puts imply, in USD; NaN where no strike has both.

    Coin-quoted put-call parity is C - P = 1 - K/F, so F = K / (1 - (C - P)) (Alexander and Imeraj, Inverse Options in
    a Black-Scholes World, 2021; the coin-quoted form of Stoll, The Relationship Between Put and Call Option Prices,
    1969). C and P are marks, or the middle of bid and ask; the median over the strikes within 20 % of F, which are
    the liquid ones, or over all where none is.
    """
    calls, puts = (
        {quote.contract.strike: _middle(quote) for quote in quotes_of_kind} for quotes_of_kind in _by_kind(quotes)
    )
    strikes = sorted(strike for strike in calls.keys() & puts.keys() if isfinite(calls[strike] - puts[strike]))
    gaps = np.array([calls[strike] - puts[strike] for strike in strikes])
    below = gaps < 1
    forwards = np.array(strikes)[below] / (1 - gaps[below])
    near = np.abs(gaps[below]) < _NEAR
    used = forwards[near] if near.any() else forwards
    return float(np.median(used)) if len(used) else nan


def with_forwards(quotes: Sequence[Quote]) -> tuple[list[Quote], list[tuple[str, int]]]:
    """The quotes, each with the forward it has or else its expiry's `parity_forward`, and the (coin, expiry) pairs
    where that was needed and found.
    """
    groups = defaultdict(list)
    for quote in quotes:
        groups[quote.contract.coin, quote.contract.expiry].append(quote)
    filled, derived = [], []
    for key, group in sorted(groups.items()):
        lacking = any(not isfinite(quote.forward) for quote in group)
        forward = parity_forward(group) if lacking else nan
        filled += [quote if isfinite(quote.forward) else replace(quote, forward=forward) for quote in group]
        if isfinite(forward):
            derived.append(key)
    return filled, derived


def options_section(quotes: Iterable[Quote], exchange: str) -> Options:
    """The quotes as arrays, by coin, expiry, strike, put before call; all coin-quoted, of one exchange."""
    rows = sorted(
        quotes,
        key=lambda quote: (quote.contract.coin, quote.contract.expiry, quote.contract.strike, quote.contract.call),
    )
    contracts = [row.contract for row in rows]
    return Options(
        symbols=tuple(contract.symbol for contract in contracts),
        exchanges=(exchange,) * len(rows),
        expiry=np.array([contract.expiry for contract in contracts], dtype=np.int64),
        strike=np.array([contract.strike for contract in contracts]),
        call=np.array([contract.call for contract in contracts], dtype=np.int64),
        inverse=np.ones(len(rows), dtype=np.int64),
        bid=np.array([row.bid for row in rows]),
        ask=np.array([row.ask for row in rows]),
        bid_size=np.array([row.bid_size for row in rows]),
        ask_size=np.array([row.ask_size for row in rows]),
        mark=np.array([row.mark for row in rows]),
        mark_iv=np.array([row.mark_iv for row in rows]),
        forward=np.array([row.forward for row in rows]),
        index=np.array([row.index for row in rows]),
        open_interest_usd=np.array([row.open_interest_usd for row in rows]),
        volume_24h_usd=np.array([row.volume_24h_usd for row in rows]),
        rules=_rules(rows),
    )


def positive(value: float | None) -> float:
    """A price or volatility as it is, NaN where there is none: exchanges write 0 for no quote."""
    return value if value is not None and isfinite(value) and value > 0 else nan


def _rules(rows: Sequence[Quote]) -> Rules | None:
    """None where nothing is known of any; a contract is one unit of base."""
    tick, lot = np.array([row.tick for row in rows]), np.array([row.lot for row in rows])
    if np.isnan(tick).all() and np.isnan(lot).all():
        return None
    return Rules(np.ones(len(rows)), tick, lot, np.full(len(rows), nan))


def _middle(quote: Quote) -> float:
    return quote.mark if isfinite(quote.mark) else (quote.bid + quote.ask) / 2


def _by_kind(quotes: Iterable[Quote]) -> tuple[list[Quote], list[Quote]]:
    rows = list(quotes)
    return [row for row in rows if row.contract.call], [row for row in rows if not row.contract.call]
