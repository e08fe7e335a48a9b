"""Carry that is fixed at entry: something bought now, the same coin sold in a dated future, both held to its expiry.

Bought is the coin itself, or a nearer future whose settlement money then buys it. The gain is price sold less price
bought; against it stand the taker fees of every order (settlement counted as one), the spread and slippage of each, the
coin's later sale or purchase as it would be today, and financing at 5 % a year of all capital while it is tied up.
"""

from dataclasses import dataclass
from math import sqrt

import numpy as np

from opportunities.domain import AssetTier, Investor, Json, Opportunity
from opportunities.market.snapshot import MarketSnapshot
from opportunities.maths import inference, sizing
from opportunities.maths.costs import FINANCING, Liquidity
from opportunities.trading import instruments
from opportunities.trading.carry_legs import DAY, Leg, futures_of, middle

_LEAST_MARGIN, _MAINTENANCE_MARGIN = 1 / 3, 0.01
_BUFFER_SIGMAS, _BUFFER_DAYS = 3.0, 7.0


@dataclass(frozen=True)
class Carry:
    """`bought` against `sold`; `coin` is the spot market where the coin is traded (`bought` itself for a basis)."""

    kind: str
    bought: Leg
    sold: Leg
    coin: Leg
    inverse: bool
    size: float
    profit_usd: float
    fees_usd: float
    slippage_usd: float
    financing_usd: float
    capital_usd: float
    seconds: float

    @property
    def costs_usd(self) -> float:
        return self.fees_usd + self.slippage_usd + self.financing_usd

    @property
    def quotes(self) -> set[tuple[str, str]]:
        """What it trades, so that nothing is traded twice."""
        return {(leg.exchange, leg.symbol) for leg in (self.bought, self.sold)}


def price_carry(
    market: MarketSnapshot, investor: Investor, kind: str, legs: tuple[Leg, Leg], coin: Leg
) -> Carry | None:
    """What is bought against what is sold, at the size that liquidity, lots and the investor allow; None where that
    nets nothing.
    """
    futures, (bought, sold) = futures_of(market), legs
    if sold.expiry is None:
        raise ValueError("what is sold is a dated future")
    inverse = bool(futures.inverse[sold.row])
    calendar = bought.expiry is not None
    seconds = float(sold.expiry - market.captured_at)
    coin_years = float(sold.expiry - (bought.expiry or market.captured_at)) / (365 * DAY)
    price = bought.liquidity.ask
    margin = _margin_rate(coin.liquidity)
    margins = (0.0 if inverse else 2 * margin) if calendar else (0.0 if inverse else margin)
    fee_rate = 2 * (sold.liquidity.fee + coin.liquidity.fee) + (2 * bought.liquidity.fee if calendar else 0.0)
    spreads = sum(leg.liquidity.ask / leg.liquidity.bid - 1 for leg in {bought, sold, coin})
    capital_rate = 1 + margins + fee_rate
    capacity = min(leg.liquidity.capacity_usd for leg in (bought, sold, coin))
    wanted = sizing.notional_usd(investor, fee_rate + spreads, capital_rate, capacity) / price
    size = _orderable(market, wanted, bought, sold, coin)
    if size <= 0:
        return None
    entry, hedge = bought.liquidity.buy(size), sold.liquidity.sell(size)
    later = [coin.liquidity.sell(size)] + ([coin.liquidity.buy(size)] if calendar else [])
    fees = entry.fee_usd + hedge.fee_usd * 2 + sum(fill.fee_usd for fill in later)
    fees += entry.fee_usd if calendar else 0.0
    now = middle(coin.liquidity)
    exits = sum(abs(fill.price - now) for fill in later) * size
    financing = FINANCING * (entry.notional_usd * coin_years + margins * entry.notional_usd * seconds / (365 * DAY))
    gain = hedge.notional_usd - entry.notional_usd
    profit = gain - fees - exits - financing
    if profit <= 0:
        return None
    return Carry(
        kind=kind,
        bought=bought,
        sold=sold,
        coin=coin,
        inverse=inverse,
        size=size,
        profit_usd=profit,
        fees_usd=fees,
        slippage_usd=entry.slippage_usd + hedge.slippage_usd + exits,
        financing_usd=financing,
        capital_usd=entry.notional_usd * (1 + margins) + fees,
        seconds=seconds,
    )


def opportunity(market: MarketSnapshot, found: Carry, strategy_id: str, title: str) -> Opportunity:
    """The carry as a proposal; its symbol is the future that is sold."""
    bought, sold = found.bought, found.sold
    entry, hedge = bought.liquidity.buy(found.size), sold.liquidity.sell(found.size)
    years = found.seconds / (365 * DAY)
    metadata: dict[str, Json] = {
        "confidence": {"statistic": "net edge over costs", "value": found.profit_usd / found.costs_usd, "n": 2},
        "size": found.size,
        "notional_usd": entry.notional_usd,
        "expected_value_usd": found.profit_usd,
        "fees_usd": found.fees_usd,
        "slippage_usd": found.slippage_usd,
        "financing_usd": found.financing_usd,
        "financing_rate": FINANCING,
        "stop": None,
        "days": found.seconds / DAY,
        "basis": hedge.price / entry.price - 1,
        "net_return_a_year": found.profit_usd / found.capital_usd / years,
        "inverse": found.inverse,
        "quotes": instruments.quotes(market, bought.liquidity, sold.liquidity),
        "legs": [
            instruments.leg("buy", bought.symbol, bought.exchange, entry),
            instruments.leg("sell", sold.symbol, sold.exchange, hedge),
        ],
    }
    if bought.expiry is not None:
        metadata["coin"] = {"symbol": found.coin.symbol, "from_day": (bought.expiry - market.captured_at) / DAY}
    return Opportunity(
        strategy_id=strategy_id,
        strategy_name=title,
        opportunity_type=found.kind,
        symbol=sold.symbol,
        exchange=sold.exchange,
        profit_potential_usd=found.profit_usd,
        confidence_score=inference.edge_confidence(found.profit_usd, found.costs_usd),
        risk_level=sizing.risk_level(found.fees_usd + found.slippage_usd, found.capital_usd),
        required_capital_usd=found.capital_usd,
        estimated_timeframe=sizing.timeframe_for(found.seconds),
        entry_price=entry.price,
        exit_price=hedge.price,
        asset_tier=AssetTier.of(found.coin.liquidity.volume_24h_usd),
        metadata=metadata,
        discovered_at=market.captured_at,
    )


def disjoint(found: list[Carry]) -> list[Carry]:
    """The most profitable first, without those that need a quote which a better one has already taken."""
    taken: set[tuple[str, str]] = set()
    kept = []
    for each in sorted(found, key=lambda each: (-each.profit_usd, each.sold.symbol, each.sold.exchange, each.kind)):
        if taken.isdisjoint(each.quotes):
            taken |= each.quotes
            kept.append(each)
    return kept


def _orderable(market: MarketSnapshot, size: float, bought: Leg, sold: Leg, coin: Leg) -> float:
    """The largest size in whole lots of every leg, 0 if one of them takes none. Lots of inverse contracts are USD."""
    futures, spot = futures_of(market), instruments.spot_of(market)
    for leg in (sold, bought):
        if leg.expiry is None or futures.rules is None:
            continue
        lot = float(futures.rules.lot[leg.row] * futures.rules.contract_size[leg.row])
        lot /= leg.liquidity.bid if futures.inverse[leg.row] else 1.0
        if lot > 0:
            size = float(np.floor(size / lot * (1 + 1e-12))) * lot
        least = float(futures.rules.minimum_notional_usd[leg.row])
        if size * leg.liquidity.bid < least:
            return 0.0
    return instruments.orderable(spot.rules, coin.row, size, coin.liquidity.bid) if size > 0 else 0.0


def _margin_rate(coin: Liquidity) -> float:
    """Margin per unit of notional of a linear leg: it bears 3 standard deviations of a week, and is at least 1/3."""
    return max(_LEAST_MARGIN, _MAINTENANCE_MARGIN + _BUFFER_SIGMAS * coin.daily_volatility * sqrt(_BUFFER_DAYS))
