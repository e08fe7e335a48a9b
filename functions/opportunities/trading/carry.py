"""Carry that is fixed at entry: something bought now, the same coin sold in a dated future, both held to its expiry.

Bought is the coin itself, or a nearer future whose settlement money then buys it. The gain is price sold less price
bought; against it stand the taker fees of every order (settlement counted as one), the spread and slippage of each, the
coin's later sale or purchase as it would be today, and financing at 5 % a year of all capital while it is tied up.
"""

from dataclasses import dataclass

from opportunities.domain import AssetTier, Investor, Json, Proposal, Purpose
from opportunities.market.snapshot import MarketSnapshot
from opportunities.maths import inference, sizing
from opportunities.maths.costs import FINANCING, Fill
from opportunities.trading import instruments, lots
from opportunities.trading.carry_legs import DAY, CarryLeg, futures_of, middle
from opportunities.trading.lots import LotOrder
from opportunities.trading.margin import margin_rate

_BUFFER_DAYS = 7.0


@dataclass(frozen=True)
class Carry:
    """`bought` against `sold`; `coin` is the spot market where the coin is traded (`bought` itself for a basis)."""

    kind: str
    bought: CarryLeg
    sold: CarryLeg
    coin: CarryLeg
    inverse: bool
    entry: Fill
    hedge: Fill
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
    market: MarketSnapshot, investor: Investor, kind: str, legs: tuple[CarryLeg, CarryLeg], coin: CarryLeg
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
    margin = margin_rate(coin.liquidity.daily_volatility, _BUFFER_DAYS)
    margins = (0.0 if inverse else 2 * margin) if calendar else (0.0 if inverse else margin)
    fee_rate = 2 * (sold.liquidity.fee + coin.liquidity.fee) + (2 * bought.liquidity.fee if calendar else 0.0)
    spreads = sum(leg.liquidity.ask / leg.liquidity.bid - 1 for leg in {bought, sold, coin})
    capital_rate = 1 + margins + fee_rate
    capacity = min(leg.liquidity.capacity_usd for leg in (bought, sold, coin))
    wanted = sizing.notional_usd(investor, fee_rate + spreads, capital_rate, capacity) / price
    size, short = _orderable(market, wanted, bought, sold, coin)
    if size <= 0 or short <= 0:
        return None
    entry, hedge = bought.liquidity.buy(size), sold.liquidity.sell(short)
    later = [coin.liquidity.sell(size)] + ([coin.liquidity.buy(size)] if calendar else [])
    fees = entry.fee_usd + hedge.fee_usd * 2 + sum(fill.fee_usd for fill in later)
    fees += entry.fee_usd if calendar else 0.0
    now = middle(coin.liquidity)
    exits = sum(abs(fill.price - now) for fill in later) * size
    financing = FINANCING * (entry.notional_usd * coin_years + margins * entry.notional_usd * seconds / (365 * DAY))
    # What the lots of the future leave over of the coin is sold as it would be today.
    gain = hedge.notional_usd - entry.notional_usd + (size - short) * now
    profit = gain - fees - exits - financing
    if profit <= 0:
        return None
    return Carry(
        kind=kind,
        bought=bought,
        sold=sold,
        coin=coin,
        inverse=inverse,
        entry=entry,
        hedge=hedge,
        profit_usd=profit,
        fees_usd=fees,
        slippage_usd=entry.slippage_usd + hedge.slippage_usd + exits,
        financing_usd=financing,
        capital_usd=entry.notional_usd * (1 + margins) + fees,
        seconds=seconds,
    )


def proposal(market: MarketSnapshot, found: Carry) -> Proposal:
    """The carry as a proposal; its symbol is the future that is sold."""
    bought, sold = found.bought, found.sold
    entry, hedge = found.entry, found.hedge
    years = found.seconds / (365 * DAY)
    metadata: dict[str, Json] = {
        "size": entry.quantity,
        "notional_usd": entry.notional_usd,
        "expected_value_usd": found.profit_usd,
        "fees_usd": found.fees_usd,
        "slippage_usd": found.slippage_usd,
        "financing_usd": found.financing_usd,
        "financing_rate": FINANCING,
        "days": found.seconds / DAY,
        "basis": hedge.price / entry.price - 1,
        "net_return_a_year": found.profit_usd / found.capital_usd / years,
        "inverse": found.inverse,
        "quotes": instruments.quotes(market, bought.liquidity, sold.liquidity),
    }
    if bought.expiry is not None:
        metadata["coin"] = {"symbol": found.coin.symbol, "from_day": (bought.expiry - market.captured_at) / DAY}
    return Proposal(
        opportunity_type=found.kind,
        symbol=sold.symbol,
        exchange=sold.exchange,
        purpose=Purpose.PROFIT,
        benefit_usd=found.profit_usd,
        evidence=inference.of_edge(found.profit_usd, found.costs_usd, 2),
        max_loss_usd=_max_loss_usd(found),
        required_capital_usd=found.capital_usd,
        horizon_hours=(found.seconds) / 3600,
        entry_price=entry.price,
        exit_price=hedge.price,
        asset_tier=AssetTier.of(found.coin.liquidity.volume_24h_usd),
        legs=(
            instruments.leg("buy", bought.symbol, bought.exchange, entry),
            instruments.leg("sell", sold.symbol, sold.exchange, hedge),
        ),
        stop=None,
        metadata=metadata,
    )


def _max_loss_usd(found: Carry) -> float | None:
    """What leaving at once loses, and what no future hedges. When a nearer future has expired, nothing hedges the
    farther one until its coin is bought, and that is no leg: of a calendar the loss has no bound.
    """
    if found.bought.expiry is not None:
        return None
    unhedged = (found.entry.quantity - found.hedge.quantity) * found.entry.price
    return found.fees_usd + found.slippage_usd + unhedged


def _orderable(
    market: MarketSnapshot, size: float, bought: CarryLeg, sold: CarryLeg, coin: CarryLeg
) -> tuple[float, float]:
    """The largest sizes to buy and to sell, in whole lots of every leg; 0 where one of them takes none."""
    futures, spot = futures_of(market), instruments.spot_of(market)
    inverse = bool(futures.inverse[sold.row])
    held = LotOrder(spot.rules, coin.row, coin.liquidity)
    short = LotOrder(futures.rules, sold.row, sold.liquidity, inverse=inverse)
    if bought.expiry is None:
        return lots.hedged(held, short, size)
    size = held.orderable(size)
    near = LotOrder(futures.rules, bought.row, bought.liquidity, buy=True, inverse=inverse)
    return near.orderable(size), short.orderable(size)
