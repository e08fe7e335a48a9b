"""Long and short legs whose spread is expected to revert: where each coin trades, what the whole costs and needs."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite

from opportunities import domain
from opportunities.domain import Investor
from opportunities.market.snapshot import Candles, MarketSnapshot, Rules
from opportunities.maths import reversion, sizing
from opportunities.maths.costs import Fill, Liquidity
from opportunities.trading import instruments, lots
from opportunities.trading.margin import margin_rate


@dataclass(frozen=True, eq=False)
class Instrument:
    """A listing that can be traded. `funding_per_hour` is what a long pays a short, 0 on spot markets."""

    symbol: str
    exchange: str
    row: int
    liquidity: Liquidity
    rules: Rules | None
    perpetual: bool
    funding_per_hour: float = 0.0

    @property
    def middle(self) -> float:
        return (self.liquidity.bid + self.liquidity.ask) / 2

    def capital_rate(self, hours: float) -> float:
        """Capital per USD of notional, with the fee: all of it on spot, the margin for so many hours on a perpetual."""
        if not self.perpetual:
            return 1 + self.liquidity.fee
        return margin_rate(self.liquidity.daily_volatility, hours / 24) + self.liquidity.fee


@dataclass(frozen=True, eq=False)
class Coin:
    """A coin with enough candles (row `history`), bought on spot; `perpetual` is None where nothing can short it."""

    base: str
    history: int
    spot: Instrument
    perpetual: Instrument | None


def coins(market: MarketSnapshot, investor: Investor, candles: Candles, least_bars: int) -> list[Coin]:
    """The coins in USD with `least_bars` closed bars, each where it trades most, the most traded first."""
    spot = instruments.spot_of(market)
    best: dict[str, tuple[tuple[float, str, str], Coin]] = {}
    for history, listings in instruments.spot_pairs(market, investor, candles, least_bars):
        symbol = spot.symbols[history]
        base = instruments.base_in_usd(symbol) or symbol
        for listing in listings:
            exchange = spot.exchanges[listing.row]
            place = Instrument(symbol, exchange, listing.row, listing.liquidity, spot.rules, perpetual=False)
            rank = (-listing.liquidity.volume_24h_usd, symbol, exchange)
            if base not in best or rank < best[base][0]:
                best[base] = rank, Coin(base, history, place, None)
    shorts = _perpetuals(market, investor, {base: coin for base, (_, coin) in best.items()})
    ranked = sorted(best.values(), key=lambda found: found[0])
    return [Coin(coin.base, coin.history, coin.spot, shorts.get(coin.base)) for _, coin in ranked]


def _perpetuals(market: MarketSnapshot, investor: Investor, known: dict[str, Coin]) -> dict[str, Instrument]:
    """Each coin's most traded linear perpetual with known funding within 5 % of spot (else it is another coin)."""
    contracts = instruments.perpetuals_of(market)
    best: dict[str, tuple[tuple[float, str, str], Instrument]] = {}
    for row, symbol in enumerate(contracts.symbols):
        base = instruments.base_in_usd(symbol)
        hourly = float(contracts.funding_rate[row] / contracts.funding_interval_hours[row])
        if base is None or base not in known or not isfinite(hourly) or contracts.inverse[row]:
            continue
        volatility = known[base].spot.liquidity.daily_volatility
        liquidity = instruments.perpetual_liquidity(market, investor, row, volatility)
        exchange = contracts.exchanges[row]
        place = Instrument(symbol, exchange, row, liquidity, contracts.rules, perpetual=True, funding_per_hour=hourly)
        if liquidity.tradable and instruments.same_coin(place.middle, known[base].spot.middle):
            rank = (-liquidity.volume_24h_usd, symbol, exchange)
            if base not in best or rank < best[base][0]:
                best[base] = rank, place
    return {base: place for base, (_, place) in best.items()}


@dataclass(frozen=True, eq=False)
class SpreadLeg:
    """USD of an instrument per USD of the spread: bought if positive, sold short (a perpetual) if negative."""

    instrument: Instrument
    weight: float


@dataclass(frozen=True, eq=False)
class SpreadOrder:
    """One leg in its whole lots: what entering gets, and what leaving at today's quotes would."""

    leg: SpreadLeg
    entered: Fill
    left: Fill


@dataclass(frozen=True, eq=False)
class SpreadTrade:
    """Legs in their sizes, and the money of a spread of `notional_usd` that reverts, or is stopped.

    `costs_usd` is what entering and leaving at today's quotes loses, `funding_usd` the funding that the legs are
    expected to pay in all until the time stop (0 where they would receive: that is not credited).
    """

    orders: tuple[SpreadOrder, ...]
    notional_usd: float
    costs_usd: float
    funding_usd: float
    required_usd: float
    profit_usd: float
    loss_usd: float
    expected_usd: float
    chance: float

    @property
    def fees_usd(self) -> float:
        return sum(order.entered.fee_usd + order.left.fee_usd for order in self.orders)

    @property
    def slippage_usd(self) -> float:
        return sum(order.entered.slippage_usd + order.left.slippage_usd for order in self.orders)

    def legs(self) -> tuple[domain.Leg, ...]:
        """Its orders."""
        return tuple(
            instruments.leg(
                "buy" if order.leg.weight > 0 else "sell",
                order.leg.instrument.symbol,
                order.leg.instrument.exchange,
                order.entered,
            )
            for order in self.orders
        )


@dataclass(frozen=True)
class Plan:
    """When a spread is left, in standard deviations from its mean, and at the latest after `hours`.

    `deviation` is one standard deviation (of log price), `distance` where the spread is, `slip` the log change that
    imperfect hedges may add to the loss.
    """

    deviation: float
    distance: float
    leave: float
    stop: float
    hours: float
    slip: float = 0.0


def price_trade(investor: Investor, legs: Sequence[SpreadLeg], plan: Plan) -> SpreadTrade | None:
    """The trade in the size that the investor and the market allow; None where a leg is too small or nothing is gained.

    The first leg has a weight of 1 or -1: its notional is that of the spread. A log change is taken for a return.
    """
    rate = sum(abs(leg.weight) * _round_trip_rate(leg.instrument.liquidity) for leg in legs)
    loss_rate = (plan.stop - plan.distance) * plan.deviation + plan.slip + rate
    capital_rate = sum(abs(leg.weight) * leg.instrument.capital_rate(plan.hours) for leg in legs)
    capacity = min(leg.instrument.liquidity.capacity_usd / abs(leg.weight) for leg in legs)
    wanted = sizing.notional_usd(investor, loss_rate, capital_rate, capacity)
    orders = tuple(order for leg in legs if (order := _order(leg, wanted)) is not None)
    if len(orders) < len(legs):
        return None
    notional = orders[0].entered.quantity * orders[0].leg.instrument.middle
    costs = sum(_round_trip_usd(order) for order in orders)
    pays = sum(
        order.leg.instrument.funding_per_hour * (1 if order.leg.weight > 0 else -1) * order.entered.notional_usd
        for order in orders
    )
    funding = max(0.0, pays * plan.hours)
    profit = notional * (plan.distance - plan.leave) * plan.deviation - costs - funding
    loss = notional * ((plan.stop - plan.distance) * plan.deviation + plan.slip) + costs + funding
    chance = reversion.mean_first(-plan.distance, -plan.stop, -plan.leave)
    expected = chance * profit - (1 - chance) * loss
    required = sum(order.entered.notional_usd * order.leg.instrument.capital_rate(plan.hours) for order in orders)
    if profit <= 0 or expected <= 0:
        return None
    return SpreadTrade(orders, notional, costs, funding, required, profit, loss, expected, chance)


def _round_trip_rate(liquidity: Liquidity) -> float:
    return 2 * liquidity.fee + (liquidity.ask - liquidity.bid) / liquidity.ask


def _order(leg: SpreadLeg, notional_usd: float) -> SpreadOrder | None:
    place = leg.instrument
    wanted = abs(leg.weight) * notional_usd / place.middle
    quantity = lots.orderable(place.rules, place.row, wanted, place.liquidity.bid)
    if not quantity:
        return None
    bought, sold = place.liquidity.buy(quantity), place.liquidity.sell(quantity)
    return SpreadOrder(leg, bought, sold) if leg.weight > 0 else SpreadOrder(leg, sold, bought)


def _round_trip_usd(order: SpreadOrder) -> float:
    """What entering and leaving at today's quotes loses: spread, slippage and both fees."""
    lost = abs(order.entered.notional_usd - order.left.notional_usd)
    return lost + order.entered.fee_usd + order.left.fee_usd
