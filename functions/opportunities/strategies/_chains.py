"""Option chains of a snapshot, expiry by expiry, and what a static arbitrage among their quotes nets after all fees."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import lcm

import numpy as np
from numpy.typing import NDArray

from opportunities.domain import AssetTier, Fees, Investor, Json, Opportunity
from opportunities.errors import Unsuitable
from opportunities.market.snapshot import MarketSnapshot, Options
from opportunities.maths import black76, inference, sizing, statics
from opportunities.maths.costs import FINANCING, Liquidity
from opportunities.strategies import _instruments as instruments

SHORT_OPTION_MARGIN = 0.15
"""Of the underlying: Deribit's initial margin of a short option before the credit for being out of the money."""
FORWARD_MARGIN = 1 / 3
UNQUOTED_HALF_SPREAD = 5e-4
"""What is allowed on each side of an expiry's forward price where its own future has no quotes in the snapshot."""
_SHARE_OF_VOLUME = 0.001
_ROUNDING = 1e-12

type Rows = NDArray[np.int64]


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
    chain: statics.Chain
    rows: Mapping[bool, Rows]
    fees: Fees
    future: Liquidity
    future_quoted: bool

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
    future = _future(market, name, exchange, fees.perpetual_taker, float(options.mark_iv[at_the_money]) / 365**0.5)
    quoted = future is not None
    if future is None:
        low, high = forward * (1 - UNQUOTED_HALF_SPREAD), forward * (1 + UNQUOTED_HALF_SPREAD)
        future = Liquidity(low, high, fees.perpetual_taker, np.inf, 0.0)
    coin_usd = float(np.median(options.index[rows])) if inverse else 1.0
    chain = statics.Chain(strikes, call_bid, call_ask, put_bid, put_ask, inverse=inverse)
    return Expiry(name, exchange, years, forward, coin_usd, chain, found, fees, future, quoted)


def _future(market: MarketSnapshot, name: str, exchange: str, fee: float, daily_volatility: float) -> Liquidity | None:
    """The dated future of this name on this exchange, if it has quotes and a volume."""
    futures = market.futures
    if futures is None:
        return None
    for row, listing in enumerate(zip(futures.symbols, futures.exchanges, strict=True)):
        volume = float(futures.volume_24h_usd[row])
        liquidity = Liquidity(float(futures.bid[row]), float(futures.ask[row]), fee, volume, daily_volatility)
        if listing == (name, exchange) and liquidity.tradable:
            return liquidity
    return None


@dataclass(frozen=True)
class Arbitrage:
    """A structure of a size: what it nets, what it costs, and the option rows that it trades."""

    expiry: Expiry
    structure: statics.Structure
    units: float
    profit_usd: float
    fees_usd: float
    slippage_usd: float
    financing_usd: float
    capital_usd: float
    rows: tuple[int, ...]


def evaluate(
    market: MarketSnapshot, investor: Investor, expiry: Expiry, structure: statics.Structure
) -> Arbitrage | None:
    """The largest size that quotes, lots and capital allow; None where nothing is left after fees.

    Fees: every option, its delivery if it is in the money at the forward, the future and its delivery (charged as
    taker fees). Premium that is paid on balance is financed until expiry. The future's price is what its volume makes
    of it (`costs`).
    """
    chain, fees = expiry.chain, expiry.fees
    unit = 1.0 if chain.inverse else expiry.forward
    rows = tuple(int(expiry.rows[leg.call][leg.strike]) for leg in structure.legs)
    fee_rate, premiums = abs(structure.forward) * unit * fees.perpetual_taker * 2, 0.0
    paid = 0.0
    for leg in structure.legs:
        premium, moneyness = premium_of(chain, leg), expiry.forward - float(chain.strike[leg.strike])
        payoff = max(moneyness if leg.call else -moneyness, 0.0) / expiry.forward * unit
        fee_rate += abs(leg.ratio) * (expiry.fee(premium, unit) + expiry.fee(payoff, unit))
        premiums += max(leg.ratio, 0.0) * premium
        paid += leg.ratio * premium
    sold = sum(max(-leg.ratio, 0.0) for leg in structure.legs)
    margin = (SHORT_OPTION_MARGIN * sold + FORWARD_MARGIN * abs(structure.forward)) * expiry.forward
    capital_rate = (margin + (premiums + fee_rate) * expiry.coin_usd) / expiry.forward
    loss_rate = fee_rate * expiry.coin_usd / expiry.forward * 2
    units = min(
        available(market, row, bought=leg.ratio > 0) / abs(leg.ratio)
        for row, leg in zip(rows, structure.legs, strict=True)
    )
    if structure.forward:
        units = min(units, expiry.future.capacity_usd / expiry.forward / abs(structure.forward))
    capacity = units * expiry.forward
    units = sizing.notional_usd(investor, max(loss_rate, 1e-9), capital_rate, capacity) / expiry.forward
    units = in_lots(market, units, rows, [leg.ratio for leg in structure.legs])
    if units * expiry.forward < sizing.MINIMUM_NOTIONAL_USD:
        return None
    slippage = _slippage_usd(expiry, structure, units)
    financing = FINANCING * expiry.years * max(paid, 0.0) * units * expiry.coin_usd
    profit = units * (structure.edge - fee_rate) * expiry.coin_usd - slippage - financing
    if profit <= _ROUNDING * units * expiry.forward:
        return None
    fees_usd = units * fee_rate * expiry.coin_usd
    capital = units * capital_rate * expiry.forward
    return Arbitrage(expiry, structure, units, profit, fees_usd, slippage, financing, capital, rows)


def premium_of(chain: statics.Chain, leg: statics.Leg) -> float:
    """The ask of a leg that is bought, the bid of one that is sold."""
    bid, ask = (chain.call_bid, chain.call_ask) if leg.call else (chain.put_bid, chain.put_ask)
    return float((ask if leg.ratio > 0 else bid)[leg.strike])


def disjoint(found: Iterable[Arbitrage]) -> list[Arbitrage]:
    """The most profitable first, without those that need a quote which a better one has already taken."""
    taken: set[int] = set()
    kept = []
    for each in sorted(found, key=lambda each: (-each.profit_usd, each.structure.kind, each.expiry.name, each.rows)):
        if taken.isdisjoint(each.rows):
            taken.update(each.rows)
            kept.append(each)
    return kept


def opportunity(market: MarketSnapshot, found: Arbitrage, strategy_id: str, title: str) -> Opportunity:
    """The arbitrage as a proposal; its symbol is that of the expiry's own future."""
    options, expiry, structure = options_of(market), found.expiry, found.structure
    costs = found.fees_usd + found.slippage_usd + found.financing_usd
    legs: list[Json] = []
    for row, leg in zip(found.rows, structure.legs, strict=True):
        premium = premium_of(expiry.chain, leg)
        legs.append(_leg(leg.ratio, options.symbols[row], found.units, premium))
    if structure.forward:
        price = expiry.future.ask if structure.forward > 0 else expiry.future.bid
        legs.append(_leg(structure.forward, expiry.name, found.units, price))
    metadata: dict[str, Json] = {
        "confidence": {"statistic": "net edge over costs", "value": found.profit_usd / costs, "n": len(legs)}
        if costs > 0
        else {"statistic": "net edge without costs", "value": found.profit_usd, "n": len(legs)},
        "size": found.units,
        "notional_usd": found.units * expiry.forward,
        "expected_value_usd": found.profit_usd,
        "edge_before_fees": structure.edge,
        "premium_currency": expiry.base if expiry.chain.inverse else "USD",
        "fees_usd": found.fees_usd,
        "slippage_usd": found.slippage_usd,
        "financing_usd": found.financing_usd,
        "stop": None,
        "days": expiry.seconds / 86_400,
        "forward": expiry.forward,
        "legs": legs,
    }
    if structure.forward:
        metadata["hedge"] = "future's own quotes" if expiry.future_quoted else "forward price, 5 bp allowed: no quotes"
    return Opportunity(
        strategy_id=strategy_id,
        strategy_name=title,
        opportunity_type=structure.kind,
        symbol=expiry.name,
        exchange=expiry.exchange,
        profit_potential_usd=found.profit_usd,
        confidence_score=inference.edge_confidence(found.profit_usd, costs),
        risk_level=sizing.risk_level(2 * found.fees_usd, found.capital_usd),
        required_capital_usd=found.capital_usd,
        estimated_timeframe=sizing.timeframe_for(expiry.seconds),
        entry_price=None,
        exit_price=None,
        asset_tier=AssetTier.of(float(np.nansum(options.volume_24h_usd[list(found.rows)]))),
        metadata=metadata,
        discovered_at=market.captured_at,
    )


def available(market: MarketSnapshot, row: int, *, bought: bool) -> float:
    """Units of base that the quote's size allows, or 0.1 % of the day's volume where it says no size."""
    options = options_of(market)
    size = float((options.ask_size if bought else options.bid_size)[row])
    if not np.isfinite(size):
        size = _SHARE_OF_VOLUME * float(np.nan_to_num(options.volume_24h_usd[row])) / float(options.forward[row])
    return size


def in_lots(market: MarketSnapshot, units: float, rows: Sequence[int], ratios: Sequence[float]) -> float:
    """The most units, not above these, of which every leg is a whole number of lots."""
    rules = options_of(market).rules
    if rules is None:
        return units
    lot = float(np.max(rules.lot[list(rows)] * rules.contract_size[list(rows)]))
    if not lot > 0:
        return units
    parts = (Fraction(ratio).limit_denominator(10_000).denominator for ratio in ratios)
    step = lot * lcm(*parts)
    return float(np.floor(units / step * (1 + 1e-12)) * step)


def _slippage_usd(expiry: Expiry, structure: statics.Structure, units: float) -> float:
    quantity = units * abs(structure.forward)
    if not quantity:
        return 0.0
    fill = expiry.future.buy(quantity) if structure.forward > 0 else expiry.future.sell(quantity)
    return fill.slippage_usd


def _leg(ratio: float, symbol: str, units: float, price: float) -> dict[str, Json]:
    side = "buy" if ratio > 0 else "sell"
    return {"side": side, "symbol": symbol, "quantity": abs(ratio) * units, "price": price}
