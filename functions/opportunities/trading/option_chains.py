"""Option chains of a snapshot, expiry by expiry: their quotes, fees and futures, and what sizes can be traded."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import floor, lcm

import numpy as np

from opportunities.domain import Fees, Investor
from opportunities.errors import Unsuitable
from opportunities.market.snapshot import MarketSnapshot, Options
from opportunities.maths import black76, option_structures
from opportunities.maths.arrays import Ints
from opportunities.maths.costs import Liquidity
from opportunities.trading import instruments, lots

UNQUOTED_HALF_SPREAD = 5e-4
"""What is allowed on each side of an expiry's forward price where its own future has no quotes in the snapshot."""
_SHARE_OF_VOLUME = 0.001
# Strikes and their ratios have denominators below this; what lies beyond is the rounding of floats.
_RATIOS = 10_000


@dataclass(frozen=True, eq=False)
class Expiry:
    """One underlying's options of one expiry on one exchange; `rows[call]` are their rows, -1 where there is none.

    `name` is the symbol of the expiry's own future ("BTC/USD:BTC-241227"). `coin_usd` is what a unit of the premium's
    currency is worth: today's index for inverse options, 1 for linear ones.
    """

    name: str
    exchange: str
    years: float
    forward: float
    coin_usd: float
    chain: option_structures.Chain
    rows: Mapping[bool, Ints]
    fees: Fees
    future: Liquidity
    future_quoted: bool
    future_row: int | None

    @property
    def base(self) -> str:
        return self.name.partition("/")[0]

    @property
    def seconds(self) -> float:
        return self.years * black76.YEAR

    def fee(self, premium: float, underlying: float) -> float:
        """Per unit of base, in the currency of the premium."""
        return min(self.fees.option_taker * underlying, self.fees.option_cap * premium)


def options_of(market: MarketSnapshot) -> Options:
    """The options section. Unsuitable, with the reason, if there is none."""
    if market.options is None:
        raise Unsuitable(f"no options: {market.missing.get('options', 'the snapshot has none')}")
    return market.options


def expiries(market: MarketSnapshot, investor: Investor) -> list[Expiry]:
    """Every expiry still to come whose forward price is known, in the order of their names and exchanges."""
    options = options_of(market)
    groups: dict[tuple[str, str], list[int]] = {}
    ahead = (options.expiry > market.captured_at) & (options.forward > 0) & (options.index > 0) & (options.strike > 0)
    for row in np.flatnonzero(ahead & np.isfinite(options.forward) & np.isfinite(options.index)).tolist():
        name = options.symbols[row].rsplit("-", 2)[0]
        groups.setdefault((name, options.exchanges[row]), []).append(row)
    return [_expiry(market, investor, name, exchange, rows) for (name, exchange), rows in sorted(groups.items())]


def _expiry(market: MarketSnapshot, investor: Investor, name: str, exchange: str, rows: list[int]) -> Expiry:
    options = options_of(market)
    strikes = np.unique(options.strike[rows])
    found = {kind: np.full(len(strikes), -1) for kind in (True, False)}
    for row in rows:
        found[bool(options.call[row])][np.searchsorted(strikes, options.strike[row])] = row
    bid, ask = (
        np.where((side > 0) & np.isfinite(side) & ~(options.bid > options.ask), side, np.nan)
        for side in (options.bid, options.ask)
    )
    call_bid, call_ask, put_bid, put_ask = (
        np.where(found[kind] >= 0, side[found[kind]], np.nan) for kind in (True, False) for side in (bid, ask)
    )
    inverse = bool(options.inverse[rows[0]])
    forward = float(np.median(options.forward[rows]))
    years = float(options.expiry[rows[0]] - market.captured_at) / black76.YEAR
    at_the_money = rows[int(np.argmin(np.abs(options.strike[rows] - forward)))]
    fees = instruments.fees_at(market, investor, exchange)
    future_row, future = _future(
        market, name, exchange, fees.perpetual_taker, float(options.mark_iv[at_the_money]) / 365**0.5
    )
    quoted = future is not None
    if future is None:
        low, high = forward * (1 - UNQUOTED_HALF_SPREAD), forward * (1 + UNQUOTED_HALF_SPREAD)
        future = Liquidity(low, high, fees.perpetual_taker, np.inf, 0.0)
    coin_usd = float(np.median(options.index[rows])) if inverse else 1.0
    chain = option_structures.Chain(strikes, call_bid, call_ask, put_bid, put_ask, inverse=inverse)
    return Expiry(name, exchange, years, forward, coin_usd, chain, found, fees, future, quoted, future_row)


def _future(
    market: MarketSnapshot, name: str, exchange: str, fee: float, daily_volatility: float
) -> tuple[int | None, Liquidity | None]:
    """The dated future of this name on this exchange: its row, and its quotes if it has some, and a volume."""
    futures = market.futures
    if futures is None:
        return None, None
    for row, listing in enumerate(zip(futures.symbols, futures.exchanges, strict=True)):
        if listing == (name, exchange):
            volume = float(futures.volume_24h_usd[row])
            liquidity = Liquidity(float(futures.bid[row]), float(futures.ask[row]), fee, volume, daily_volatility)
            return row, liquidity if liquidity.tradable else None
    return None, None


def premium_of(chain: option_structures.Chain, leg: option_structures.OptionLeg) -> float:
    """The ask of a leg that is bought, the bid of one that is sold."""
    bid, ask = (chain.call_bid, chain.call_ask) if leg.call else (chain.put_bid, chain.put_ask)
    return float((ask if leg.ratio > 0 else bid)[leg.strike])


def available(market: MarketSnapshot, row: int, *, bought: bool) -> float:
    """Units of base that the quote's size allows, or 0.1 % of the day's volume where it says no size."""
    options = options_of(market)
    size = float((options.ask_size if bought else options.bid_size)[row])
    if not np.isfinite(size):
        size = _SHARE_OF_VOLUME * float(np.nan_to_num(options.volume_24h_usd[row])) / float(options.forward[row])
    return size


def in_lots(
    market: MarketSnapshot,
    units: float,
    legs: Sequence[tuple[int, float]],
    expiry: Expiry,
    forward: float = 0.0,
) -> float:
    """The most units, not above these, of which every order is a whole number of lots, and large enough; 0 if none.

    `legs` are rows of options with their ratio per unit; `forward` is how many units of base are bought or sold in the
    expiry's own future, of which an inverse one comes in lots of USD. An order's notional is that of its underlying.
    """
    rules, future = options_of(market).rules, expiry.future_row
    steps: list[Fraction] = []
    least = [lots.least_notional(rules, row) / (abs(ratio) * expiry.forward) for row, ratio in legs]
    for row, ratio in legs:
        if lot := lots.lot_of(rules, row, expiry.forward):
            steps.append(_exact(lot) * _exact(abs(ratio), _RATIOS).denominator)
    if forward and future is not None and market.futures is not None:
        contracts, price = market.futures.rules, expiry.future.ask if forward > 0 else expiry.future.bid
        worth = abs(forward) * (price if market.futures.inverse[future] else 1.0)
        if lot := lots.lot_of(contracts, future, 1.0):
            steps.append(_exact(lot) / _exact(worth, _RATIOS))
        least.append(lots.least_notional(contracts, future) / (abs(forward) * price))
    if steps:
        common = lcm(*(step.denominator for step in steps))
        step = lcm(*(int(step * common) for step in steps)) / common
        units = floor(units / step * (1 + 1e-12)) * step
    return units if units >= max(least) else 0.0


def _exact(number: float, largest_denominator: int = 10**9) -> Fraction:
    """The ratio of whole numbers that is meant: lots, strikes and ratios of strikes are such."""
    finest = Fraction(1, largest_denominator)
    return max(Fraction(number).limit_denominator(largest_denominator), finest)
