"""Cycles of spot orders that pay: conversions within an exchange, and one pair on two exchanges."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from opportunities.domain import AssetTier, Investor, Json, Leg, Proposal, Purpose, Timeframe
from opportunities.market.snapshot import MarketSnapshot
from opportunities.maths import cycles, inference, sizing
from opportunities.trading import instruments, lots
from opportunities.trading.conversions import Listing

_PREFUNDED = "coins and USD must lie on both exchanges: transfers take time and fees that are not in the profit"


@dataclass(frozen=True)
class CycleOrder:
    """One order of a cycle; `price` is its average in quote currency, `best` the best quote."""

    listing: Listing
    buy: bool
    quantity: float
    price: float
    best: float

    @property
    def notional_usd(self) -> float:
        return self.quantity * self.price * self.listing.quote_usd

    @property
    def fee_usd(self) -> float:
        return self.notional_usd * self.listing.fee

    @property
    def slippage_usd(self) -> float:
        return self.quantity * abs(self.price - self.best) * self.listing.quote_usd

    @property
    def half_spread_usd(self) -> float:
        return self.quantity * abs(self.best - self.listing.middle) * self.listing.quote_usd


@dataclass(frozen=True)
class Cycle:
    """Orders in turn, each paid with what the one before brought."""

    kind: str
    orders: tuple[CycleOrder, ...]
    capital_usd: float
    profit_usd: float

    @property
    def quotes(self) -> set[tuple[str, str]]:
        return {(order.listing.exchange, order.listing.symbol) for order in self.orders}


def triangles(market: MarketSnapshot, investor: Investor, found: list[Listing]) -> Iterator[Cycle]:
    """Cycles of three or four conversions within one exchange that pay."""
    for exchange in sorted({listing.exchange for listing in found}):
        here = {(listing.base, listing.quote): listing for listing in found if listing.exchange == exchange}
        rates = {(base, quote): float(listing.selling().rate[0]) for (base, quote), listing in here.items()}
        rates |= {(quote, base): float(listing.buying().rate[0]) for (base, quote), listing in here.items()}
        for assets in cycles.paying(rates, {quote for _, quote in here}):
            begin = next((i for i, asset in enumerate(assets) if instruments.is_cash(asset)), 0)
            route = assets[begin:] + assets[:begin]
            steps = [
                (here[target, source], True) if (target, source) in here else (here[source, target], False)
                for source, target in zip(route, (*route[1:], route[0]), strict=True)
            ]
            cycle = _sized(market, investor, "triangular", steps, 1.0)
            if cycle is not None:
                yield cycle


def across(market: MarketSnapshot, investor: Investor, found: list[Listing]) -> Iterator[Cycle]:
    """A pair in USD bought on one exchange and sold on another where that pays."""
    pairs: dict[str, list[Listing]] = {}
    for listing in found:
        if instruments.is_cash(listing.quote):
            pairs.setdefault(listing.symbol, []).append(listing)
    for same in pairs.values():
        for bought in same:
            for sold in same:
                near = instruments.same_coin(sold.middle, bought.middle)
                if near and sold.exchange != bought.exchange:
                    cycle = _sized(market, investor, "cross_exchange", [(bought, True), (sold, False)], 2.0)
                    if cycle is not None:
                        yield cycle


def proposal(market: MarketSnapshot, found: Cycle) -> Proposal:
    """The cycle as a proposal; its symbol is the cross or the pair that it is about."""
    orders = found.orders
    fees, slippage = sum(order.fee_usd for order in orders), sum(order.slippage_usd for order in orders)
    costs = fees + slippage + sum(order.half_spread_usd for order in orders)
    volume = instruments.spot_of(market).volume_24h_usd
    shown = next((order for order in orders if not instruments.is_cash(order.listing.quote)), orders[0])
    metadata: dict[str, Json] = {
        "size": shown.quantity,
        "notional_usd": orders[0].notional_usd,
        "expected_value_usd": found.profit_usd,
        "net_return": found.profit_usd / orders[0].notional_usd,
        "fees_usd": fees,
        "slippage_usd": slippage,
    }
    if "quotes" in market.assumptions:
        metadata["quotes"] = {"assumed": market.assumptions["quotes"]}
    if found.kind == "cross_exchange":
        metadata["transfer_risk"] = _PREFUNDED
    return Proposal(
        opportunity_type=found.kind,
        symbol=shown.listing.symbol,
        exchange=orders[0].listing.exchange,
        purpose=Purpose.PROFIT,
        benefit_usd=found.profit_usd,
        evidence=inference.of_edge(found.profit_usd, costs, len(orders)),
        max_loss_usd=costs,
        required_capital_usd=found.capital_usd,
        horizon_hours=Timeframe.MINUTES_5.hours,
        entry_price=orders[0].price,
        exit_price=orders[-1].price,
        asset_tier=AssetTier.of(min(float(np.nan_to_num(volume[order.listing.row])) for order in orders)),
        legs=tuple(
            Leg("buy" if each.buy else "sell", each.listing.symbol, each.listing.exchange, each.quantity, each.price)
            for each in orders
        ),
        stop=None,
        metadata=metadata,
    )


def _sized(
    market: MarketSnapshot, investor: Investor, kind: str, steps: list[tuple[Listing, bool]], capital_rate: float
) -> Cycle | None:
    """The cycle at the size that books, lots and the investor's capital allow; None where nothing is netted, or so
    much that a quote must be wrong. What lots leave over on the way is counted as lost.
    """
    conversions = [listing.buying() if buy else listing.selling() for listing, buy in steps]
    first, buys = steps[0]
    unit_usd = first.quote_usd if buys else first.usd
    loss_rate = sum(listing.fee + listing.asks.price[0] / listing.bids.price[0] - 1 for listing, _ in steps)
    allowed = sizing.notional_usd(investor, max(loss_rate, 1e-9), capital_rate, np.inf)
    amounts = cycles.walk(conversions, allowed / unit_usd)
    amount, spent, orders = amounts[0], 0.0, list[CycleOrder]()
    for (listing, buy), gross in zip(steps, amounts[1:], strict=True):
        ladder = listing.asks if buy else listing.bids
        wanted = gross if buy and not orders else _affordable(listing, amount) if buy else amount
        quantity = _in_lots(market, listing, wanted)
        price = ladder.average_price(quantity) if quantity > 0 else None
        if price is None:
            return None
        orders.append(CycleOrder(listing, buy, quantity, price, float(ladder.price[0])))
        paid, amount = quantity * price * (1 + listing.fee), quantity
        if not buy:
            paid, amount = quantity, quantity * price * (1 - listing.fee)
        spent = spent or paid
    profit = (amount - spent) * unit_usd
    if not 0 < profit <= instruments.SAME_COIN_WITHIN * spent * unit_usd:
        return None
    return Cycle(kind, tuple(orders), spent * unit_usd * capital_rate, profit)


def _affordable(listing: Listing, amount: float) -> float:
    """The base that `amount` of the quote currency buys, fee included, level by level."""
    conversion = listing.buying()
    before = np.cumsum(conversion.capacity) - conversion.capacity
    return float(np.clip(amount - before, 0.0, conversion.capacity) @ conversion.rate)


def _in_lots(market: MarketSnapshot, listing: Listing, quantity: float) -> float:
    rules = instruments.spot_of(market).rules
    return lots.orderable(rules, listing.row, quantity, listing.usd) if quantity > 0 else 0.0
